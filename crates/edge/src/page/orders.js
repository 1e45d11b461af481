"use strict";
// What is ordered of this edge: who ordered what on which authority, until when, how it stands; and the operator's decision.
const orderWords = {
  ja: {
    title: "命令", none: "まだ命令はありません。", off: "命令の受付は止めてあります。", need: "判断するには `yagura edge link` が表示するリンクでこのページを開いてください。",
    says: (o) => `署名を受け入れる相手：${o.issuers.join("、")}。${o.asks ? "一件ごとに運用者の同意を求めます" : "条件を満たす命令は同意を求めずに実行します"}。期限は最長 ${number(o.longest_minutes)} 分。実行する装置：${o.devices.join("、")}。`,
    columns: ["時刻", "命令", "誰が・何に基づいて", "期限", "状態", "止めた数", "操作"], trouble: "命令の処理または装置に問題があります",
    asked: "求めた人", approved: "承認", basis: "法的根拠", reference: "決定", signed: "署名", nobody: "信頼できる署名なし", run: "手順", case: "事案", undoes: "取り消す命令", starts: "開始",
    states: { taken: "受付済み", waiting: "同意待ち", refused: "拒否", shadow: "計数のみ", enforced: "実行中", drifted: "装置が命令と違う", failed: "失敗", released: "取り消し済み", expired: "期限終了" },
    gates: { signature: "署名", command: "命令の内容", time: "時刻", end: "期限", "allow-list": "許可リスト", protected: "保護対象", radius: "影響範囲の上限", consent: "運用者の同意", device: "装置", undo: "取り消し", shadow: "計数の結果" },
    broker: (b) => `MQTT のブローカー ${b.address}：${b.connected ? "接続中" : "接続していません"}。命令は${b.only ? "ここからだけ" : "ハブとの接続からもここからも"}届きます。`,
    agree: "同意する", refuse: "断る", undo: "取り消す", sure: (w) => `「${w}」を取り消しますか。`, failed: "できませんでした", over: "この命令はすでに判断できる状態ではありません。",
  },
  en: {
    title: "Orders", none: "No orders yet.", off: "No orders are taken.", need: "To decide, open this page by the link that `yagura edge link` prints.",
    says: (o) => `Signatures count of: ${o.issuers.join(", ")}. ${o.asks ? "You are asked about each order" : "Orders that pass every check are carried out without asking you"}. None lasts longer than ${number(o.longest_minutes)} minutes. Carried out by: ${o.devices.join(", ")}.`,
    columns: ["time", "order", "who, and on what authority", "until", "state", "stopped", "decide"], trouble: "Orders do not go on, or a device cannot be read",
    asked: "asked by", approved: "agreed to by", basis: "legal basis", reference: "decision", signed: "signed by", nobody: "no signature that is trusted", run: "playbook", case: "case", undoes: "takes back", starts: "from",
    states: { taken: "taken", waiting: "waits for you", refused: "refused", shadow: "counted only", enforced: "in force", drifted: "the device differs", failed: "failed", released: "taken back", expired: "time is over" },
    gates: { signature: "signature", command: "command", time: "time", end: "end", "allow-list": "allow list", protected: "protected", radius: "bounds", consent: "consent", device: "device", undo: "undone", shadow: "shadow" },
    broker: (b) => `MQTT broker ${b.address}: ${b.connected ? "connected" : "not connected"}. Orders come ${b.only ? "by it alone" : "by it and by the link to the hub"}.`,
    agree: "Agree", refuse: "Refuse", undo: "Undo", sure: (w) => `Undo "${w}"?`, failed: "That was not done", over: "There is nothing to decide about this order any more.",
  },
};
let ordersShown = "";
let ordersNotice = "";

// A reason begins with the word of the check that it is of.
function orderWhy(why, w) {
  const [gate, ...rest] = (why ?? "").split(": ");
  return w.gates[gate] ? `${w.gates[gate]}: ${rest.join(": ")}` : why ?? "";
}

function orderPerson(person) { return person.name ? `${person.name} (${person.organisation})` : person.organisation; }

function orderAuthority(order, w) {
  const about = order.about;
  const lines = [
    [w.signed, order.issuer || w.nobody], [w.asked, orderPerson(about.requested_by)],
    [w.approved, about.approved_by.map(orderPerson).join(", ")], [w.basis, about.basis], [w.reference, about.reference],
    [w.run, [about.playbook, about.step].filter(Boolean).join(" – ")], [w.case, about.case], [w.undoes, about.undoes],
  ];
  const cell = document.createElement("td");
  for (const [label, text] of lines.filter(([, text]) => text)) cell.append(element("div", `${label}: ${text}`));
  return cell;
}

async function decideOrder(order, what) {
  const w = orderWords[language];
  const headers = { "content-type": "application/json", "x-yagura-edge": sessionStorage.getItem("token") ?? "" };
  const body = JSON.stringify({ issuer: order.issuer, command_id: order.command_id, do: what });
  try {
    const answer = await fetch("/api/v1/orders", { method: "POST", headers, body });
    const told = answer.ok ? null : await answer.json().catch(() => null);
    ordersNotice = answer.ok ? "" : told?.code === "over" ? w.over : told?.code === "link-needed" ? w.need : `${w.failed}: ${told?.message ?? answer.status}`;
  } catch { ordersNotice = w.failed; }
  ordersShown = "";
  await showOrders();
}

function orderRow(order, w, mayChange) {
  const row = document.createElement("tr");
  const acts = element("td", "", "acts");
  const act = (text, what, sure) => {
    const button = element("button", text);
    button.type = "button";
    button.disabled = !mayChange;
    button.setAttribute("aria-label", `${text}: ${order.words}`);
    button.addEventListener("click", () => { if (!sure || confirm(w.sure(order.words))) decideOrder(order, what); });
    acts.append(button);
  };
  if (order.may_decide) { act(w.agree, "agree"); act(w.refuse, "refuse"); }
  if (order.may_undo) act(w.undo, "undo", true);
  const state = element("td", "");
  state.append(element("div", w.states[order.state] ?? order.state, ["drifted", "failed", "waiting"].includes(order.state) ? "warn" : ""));
  if (order.why) state.append(element("div", orderWhy(order.why, w), "soft"));
  const until = element("td", order.ends ? time(order.ends) : "–", "t");
  if (order.starts && order.starts > Date.parse(order.at) + 1000) until.append(element("div", `${w.starts} ${time(order.starts)}`));
  const what = element("td", order.words || order.command_id);
  what.title = order.command_id;
  row.append(element("td", time(order.at), "t"), what, orderAuthority(order, w), until, state, element("td", order.stopped == null ? "–" : number(order.stopped), "n"), acts);
  if (["refused", "released", "expired", "failed"].includes(order.state)) row.className = "dim";
  return row;
}

async function showOrders() {
  const headers = { "x-yagura-edge": sessionStorage.getItem("token") ?? "" };
  const answer = await fetch("/api/v1/orders", { cache: "no-store", headers });
  if (!answer.ok) return;
  const orders = await answer.json();
  const section = at("orders");
  section.hidden = !orders;
  if (!orders || document.querySelector("#orders button:active")) return;
  const now = JSON.stringify([orders, language, ordersNotice]);
  if (now === ordersShown) return;
  ordersShown = now;
  const w = orderWords[language];
  const list = document.createElement("table");
  table(list, w.columns, orders.orders.map((order) => orderRow(order, w, orders.may_change)), w.none);
  const wide = element("div", "", "wide");
  wide.tabIndex = 0;
  wide.setAttribute("role", "group");
  wide.setAttribute("aria-label", w.title);
  wide.append(list);
  const says = [element("p", orders.enabled ? w.says(orders) : w.off, "soft")];
  if (orders.broker) says.push(element("p", w.broker(orders.broker), orders.broker.connected ? "soft" : "warn"));
  if (orders.trouble) says.unshift(element("p", `${w.trouble}: ${orders.trouble}`, "warn"));
  if (!orders.may_change && orders.orders.some((order) => order.may_decide || order.may_undo)) says.push(element("p", w.need, "soft"));
  if (ordersNotice) { const said = element("p", ordersNotice, "warn"); said.setAttribute("role", "alert"); says.push(said); }
  section.replaceChildren(element("h2", w.title), ...says, wide);
}

sections.push(() => { showOrders().catch(() => { /* the next round asks again */ }); });
