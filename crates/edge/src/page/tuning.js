"use strict";
// Indicators that are held back or were called false alarms, and the ways to decide. Changes bear a token that only this page has.
const tuningWords = {
  ja: {
    quarantine: "確認待ちの指標", explain: "当たりすぎる、または自組織のものを指す指標です。目撃情報は外に出さず、数だけ数えています。", decided: "判断済みの指標", none: "誤報とした指標や、判断した指標はありません。",
    columns: ["指標", "理由", "一致", "最初", "最後", "操作"], decidedColumns: ["指標", "判断", "理由・メモ", "抑えた一致", "最後", "操作"],
    reasons: { "own-asset": () => "自組織の資産を指しています", person: () => "運用者による" }, hosts: (one) => `自組織のホスト ${number(one.hosts_known)} 台のうち ${number(one.hosts_hit)} 台（${Math.round((one.hosts_hit * 100) / one.hosts_known)} %）に一致`, rate: (one) => `1 分間に ${number(one.per_minute)} 件を超える一致`,
    states: { quarantined: "確認待ち", released: "外に出してよい", dismissed: "外に出さない", "false-alarm": "誤報" }, opinion: "意見を送信",
    release: "外に出す", dismiss: "外に出さない", mark: "誤報とする", undo: "元に戻す", more: (n) => `ほかに ${number(n)} 件（\`yagura edge decided\` で表示）`,
    need: "操作するには、「yagura edge link」が表示するリンクでこのページを開いてください。", used: "リンクは使用済みか期限切れです。「yagura edge link」で新しいリンクを表示できます。", failed: "変更できませんでした",
    dialog: "この指標を誤報とします。以後の一致は外に出ません。あとで元に戻せます。", reason: "理由（組織内に残ります）", strongly: "指標そのものが明らかに誤り（strongly-disagree）", send: "理由も意見に添えて送る", willSend: "意見（opinion）が指標の作成者に送られます。", willNot: "同意の設定により、意見は送られません。", ok: "誤報とする", cancel: "やめる",
  },
  en: {
    quarantine: "Indicators that wait for a look", explain: "These hit too much, or what is your own. Their sightings stay inside; matches are counted.", decided: "Indicators that were decided on", none: "No indicator was called a false alarm or otherwise decided on.",
    columns: ["indicator", "why", "matches", "first", "last", "decide"], decidedColumns: ["indicator", "decision", "reason and note", "held back", "last", "decide"],
    reasons: { "own-asset": () => "it asks for what is your own", person: () => "by a person" }, hosts: (one) => `it met ${number(one.hosts_hit)} of ${number(one.hosts_known)} of your hosts (${Math.round((one.hosts_hit * 100) / one.hosts_known)} %)`, rate: (one) => `more than ${number(one.per_minute)} matches in a minute`,
    states: { quarantined: "waits for a look", released: "may leave", dismissed: "stays inside", "false-alarm": "false alarm" }, opinion: "opinion given",
    release: "Let out", dismiss: "Keep inside", mark: "False alarm", undo: "Undo", more: (n) => `and ${number(n)} more (\`yagura edge decided\` lists them)`,
    need: "To decide here, open this page by the link that “yagura edge link” prints.", used: "The link was used or is too old; “yagura edge link” prints another one.", failed: "It was not changed",
    dialog: "This indicator is a false alarm here. Its matches stay inside from now on. You can undo that.", reason: "Reason (stays inside)", strongly: "The indicator itself is plainly wrong (strongly-disagree)", send: "Send the reason with the opinion", willSend: "An opinion goes to whoever made the indicator.", willNot: "By your consent, no opinion leaves.", ok: "False alarm", cancel: "Cancel",
  },
};
let notice = "";
const token = () => sessionStorage.getItem("token") ?? "";

async function enter() {
  const key = location.hash.slice(1);
  if (!key) return;
  history.replaceState(null, "", location.pathname);
  const response = await fetch("/api/v1/enter", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ key }) });
  if (response.ok) sessionStorage.setItem("token", (await response.json()).token);
  else notice = tuningWords[language].used;
}

async function decide(change) {
  const response = await fetch("/api/v1/changes", { method: "POST", headers: { "content-type": "application/json", "x-yagura-edge": token() }, body: JSON.stringify(change) });
  const said = response.ok ? null : await response.json().catch(() => ({ message: response.statusText }));
  notice = said ? `${tuningWords[language].failed}: ${said.message}` : "";
  await reload();
}

function why(one) {
  const w = tuningWords[language];
  if (one.hosts_known != null) return w.hosts(one);
  if (one.per_minute != null) return w.rate(one);
  return w.reasons[one.reason]?.(one) ?? one.reason;
}

function button(label, act, about) {
  const made = element("button", label);
  if (about) made.setAttribute("aria-label", `${label}: ${about}`);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function markDialog(indicator, name) {
  const w = tuningWords[language];
  const dialog = at("mark");
  const reason = document.createElement("textarea");
  reason.maxLength = 1000;
  reason.rows = 3;
  const label = element("label", w.reason);
  label.append(reason);
  const check = (text) => { const box = document.createElement("input"); box.type = "checkbox"; const label = element("label", "", "check"); label.append(box, document.createTextNode(` ${text}`)); return [box, label]; };
  const [strongly, stronglyLabel] = check(w.strongly);
  const [send, sendLabel] = check(w.send);
  const opinions = tuningNow?.opinions;
  const row = element("div", "", "acts");
  row.append(button(w.ok, () => {
    dialog.close();
    decide({ do: "mark", indicator, reason: reason.value.replace(/\s+/gu, " "), strongly: strongly.checked, send_reason: send.checked });
  }), button(w.cancel, () => dialog.close()));
  const title = element("h2", name || indicator);
  title.id = "mark-title";
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.replaceChildren(title, element("p", w.dialog), label, ...(opinions ? [stronglyLabel, sendLabel] : []), element("p", opinions ? w.willSend : w.willNot, "soft"), row);
  dialog.showModal();
}

/** A button for a row of the ledger. */
function markButton(row) {
  if (!tuningNow?.may_change || !row.indicator || row.kind !== "matched" || tuningNow.decided.some((one) => one.indicator === row.indicator && one.state !== "released")) return null;
  return button(tuningWords[language].mark, () => markDialog(row.indicator, row.name), row.name || row.indicator);
}

function rowOf(one, cells, acts) {
  const row = document.createElement("tr");
  row.className = one.state === "false-alarm" || one.state === "dismissed" ? "dim" : "";
  const name = element("td", one.name || one.indicator);
  name.title = one.indicator;
  const last = element("td", "", "acts");
  if (tuningNow.may_change) last.append(...acts);
  row.append(name, ...cells, last);
  return row;
}

let tuningNow = null;
let shownNow = "";
sections.push((state, tuning) => {
  tuningNow = tuning;
  // What has not changed stays, and with it how far it was scrolled and what has the focus.
  const { decided, decided_all, may_change, opinions } = tuning;
  const now = JSON.stringify([decided, decided_all, may_change, opinions, language, notice]);
  if (now === shownNow) return;
  shownNow = now;
  const w = tuningWords[language];
  const waits = tuning.decided.filter((one) => one.state === "quarantined");
  const others = tuning.decided.filter((one) => one.state !== "quarantined");
  const when = (text) => (text ? time(text) : "–");
  const says = [];
  if (notice) { const said = element("p", notice, "warn"); said.setAttribute("role", "alert"); says.push(said); }
  if (!tuning.may_change) says.push(element("p", w.need, "soft"));
  const held = document.createElement("table");
  table(held, w.columns, waits.map((one) => rowOf(one, [element("td", one.note ? `${why(one)} – ${one.note}` : why(one)), element("td", number(one.count), "n"), element("td", when(one.first), "t"), element("td", when(one.last), "t")], [
    button(w.release, () => decide({ do: "release", indicator: one.indicator }), one.name),
    button(w.dismiss, () => decide({ do: "dismiss", indicator: one.indicator }), one.name),
    button(w.mark, () => markDialog(one.indicator, one.name), one.name),
  ])), "");
  const wide = (inner, label) => { const box = element("div", "", "wide"); box.tabIndex = 0; box.setAttribute("role", "group"); box.setAttribute("aria-label", label); box.append(inner); return box; };
  at("quarantine").hidden = !waits.length;
  at("quarantine").replaceChildren(element("h2", `${w.quarantine} (${number(waits.length)})`), element("p", w.explain, "soft"), wide(held, w.quarantine));
  const rest = document.createElement("table");
  table(rest, w.decidedColumns, others.map((one) => rowOf(one, [element("td", `${w.states[one.state]}${one.opinion ? ` · ${w.opinion}` : ""}`), element("td", [why(one), one.note].filter(Boolean).join(" – ")), element("td", number(one.count), "n"), element("td", when(one.last), "t")], [
    button(w.undo, () => decide({ do: "undo", indicator: one.indicator }), one.name),
  ])), w.none);
  const more = tuning.decided_all - tuning.decided.length;
  at("decided").replaceChildren(element("h2", w.decided), ...says, wide(rest, w.decided), ...(more > 0 ? [element("p", w.more(more), "soft")] : []));
});
entering = enter();
