"use strict";
const words = {
  ja: {
    title: "このエッジから何が出たか", connected: "ハブに接続中", away: "ハブに届きません（記録は保存され、後で送られます）", asOf: "現在",
    records: "読んだ記録", indicators: "使用中の指標", refused: "使えない指標", rules: "使用中の Sigma ルール", rules_refused: "使えない Sigma ルール", rule_matches: "Sigma の一致", matched: "一致", withheld: "外に出さず", heldBack: "抑えた一致", sent: "送信済み", waiting: "送信待ち", generation: "指標の版",
    consent: "運用者の同意", sources: "ログ", ledger: "台帳", nothing: "まだありません。", noSources: "ログが設定されていません。設定ファイルに [[source]] を加えてください。",
    consentNone: "何も外に出しません。", consentText: (c) => `目的：${c.purposes.map((p) => purpose.ja[p] ?? p).join("、")}。${c.up_to?.toUpperCase()} までの指標の目撃情報を出し、TLP:${(c.mark_as ?? c.up_to)?.toUpperCase()} を付けます。自組織のアドレスは${c.own_addresses ? "含めます" : "含めません"}。`,
    kinds: { all: "すべて", asked: "依頼", matched: "一致", found: "過去に発見", withheld: "外に出さず", held: "誤報", sent: "送信", refused: "拒否", quarantined: "確認待ち", decided: "判断", tasked: "許可に基づく開始", ended: "許可に基づく終了", declined: "求めを断った", selected: "許可に基づく送信", ordered: "命令", rejected: "命令を拒否", enforced: "命令を実行", drifted: "装置の不一致", undone: "命令の終了" },
    columns: ["時刻", "種類", "指標", "内容", "操作"], sourceColumns: ["名前", "形式", "未読", "遅れ", "記録", "読めない行", "受信", "取り込まず", "失われたもの", "窓"], other: "English", messages: "件", repeated: "再送", held: "保持", windowMisses: { late: "遅着", future: "未来の時刻", forgotten: "忘れたもの", undecided: "判定できず" },
    troubles: { "authorisation-log": "許可の台帳が、以前に確認した内容と矛盾しています。国のための処理はすべて止めました。監督機関に知らせてください。証拠は台帳にあります。", "disk-full": "ディスクがいっぱいです。空きを作ると読み取りが再開します。失われたものはありません。", "spool-full": "送信待ちが上限に達しました。ハブが受け取るまで読み取りを止めています。", "log-lost": "読み終える前にログが消えました。ログの保存期間を延ばしてください。", "log-unreadable": "ログを開けません。ファイルの権限を確かめてください。", "queue-full": "受信した記録の照合待ちが上限に達しました。送信側には後で送るよう返しています（UDP は失われます）。", "stream-away": "NATS のストリームまたは Kafka のトピックを読めません。サーバーと設定を確かめてください。未読のものはそこに残っています。", "broker-away": "命令を運ぶ MQTT のブローカーに接続できません。サーバーと設定を確かめてください。命令はハブとの接続でも届きます（`only` のときを除く）。", "pushed-damaged": "受信した記録の一部がディスクから読み戻せませんでした。ディスクを確かめてください。", "history-lost": "履歴に書けない記録が待ち行列の上限に達し、その後の記録は履歴に残りません（照合は続いています）。レイクのフォルダーを確かめてください。", "history-damaged": "履歴を待つ記録の一部がディスクから読み戻せませんでした。ディスクを確かめてください。", "lake-disk": "履歴のフォルダーに書けません。空きと権限を確かめてください。照合は続き、読んだ記録はデータフォルダーで待っています。", "lake-damaged": "履歴のファイルが壊れています。バックアップから戻すか、新しいフォルダーを設定してください。照合は続いています。", "lake-format": "履歴はより新しい版で書かれています。新しい版を使ってください。", "lake-outdated": "履歴は古い形式で書かれています。新しいフォルダーを設定してください。照合は続いています。", "lake-contents": "履歴の保存内容（機械的な情報だけか全文か）が設定と違います。full を元に戻すか、新しいフォルダーを設定してください。", "lake-busy": "別のプロセスが履歴に書き込み中です。終わると続けます。", "lake-overlapping": "履歴の区分の時間が重なりすぎています。次の整理の後に遡及検索が続きます。", "lake-none": "履歴のフォルダーがありません。設定を確かめてください。" },
  },
  en: {
    title: "What left this edge", connected: "connected to the hub", away: "the hub cannot be reached (records are kept and sent later)", asOf: "as of",
    records: "records read", indicators: "indicators in use", refused: "indicators not usable", rules: "Sigma rules in use", rules_refused: "Sigma rules not usable", rule_matches: "Sigma matches", matched: "matched", withheld: "kept inside", heldBack: "held back", sent: "sent", waiting: "waiting", generation: "indicator set",
    consent: "The operator's consent", sources: "Logs", ledger: "Ledger", nothing: "Nothing yet.", noSources: "No logs are configured. Add a [[source]] to the configuration file.",
    consentNone: "Nothing leaves.", consentText: (c) => `Purpose: ${c.purposes.map((p) => purpose.en[p] ?? p).join(", ")}. Sightings of indicators up to TLP:${c.up_to?.toUpperCase()} leave, marked TLP:${(c.mark_as ?? c.up_to)?.toUpperCase()}. Our own addresses are ${c.own_addresses ? "in them" : "not in them"}.`,
    kinds: { all: "all", asked: "asked", matched: "matched", found: "found in history", withheld: "kept inside", held: "false alarm", sent: "sent", refused: "refused", quarantined: "waits for a look", decided: "decided", tasked: "begun for the state", ended: "ended", declined: "declined", selected: "sent to the state", ordered: "ordered", rejected: "order refused", enforced: "in force", drifted: "device differs", undone: "order ended" },
    columns: ["time", "kind", "indicator", "contents", "decide"], sourceColumns: ["name", "format", "unread", "lag", "records", "unreadable lines", "received", "turned away", "lost", "windows"], other: "日本語", messages: "messages", repeated: "repeated", held: "held", windowMisses: { late: "late", future: "in the future", forgotten: "forgotten", undecided: "undecided" },
    troubles: { "authorisation-log": "The log of authorisations contradicts what this edge saw of it. Nothing goes on for the state. Tell the oversight organisation; the evidence is in the ledger.", "disk-full": "The disk is full. Free some space and reading goes on; nothing was lost.", "spool-full": "Too many sightings wait. Reading has paused until the hub takes some.", "log-lost": "A log vanished before it was read out. Keep logs longer.", "log-unreadable": "A log cannot be opened. Check the file's permissions.", "queue-full": "Too much that was pushed waits to be matched. Senders are told to come again later (UDP is lost).", "stream-away": "The stream of NATS or the topics of Kafka cannot be read. Check the servers and the configuration; what was not read stays there.", "broker-away": "The MQTT broker that orders come by cannot be reached. Check it and the configuration; orders come by the link to the hub as well, unless `only` says otherwise.", "pushed-damaged": "Some of what was pushed could not be read back from the disk. Check the disk.", "history-lost": "As much waits for the history as may, and the history cannot be written: what is read now is matched and not kept. Look after the lake's folder.", "history-damaged": "Some of what waits for the history could not be read back from the disk. Check the disk.", "lake-disk": "The history's folder cannot be written. Check its space and permissions; matching goes on, and what is read waits in the data folder.", "lake-damaged": "A file of the history is damaged. Put it back from a backup, or configure a new folder; matching goes on.", "lake-format": "The history was written by a newer version. Use that one.", "lake-outdated": "The history is of an earlier form. Configure a new folder; matching goes on.", "lake-contents": "The history was begun to keep records in another way. Put `full` back, or configure a new folder.", "lake-busy": "Another process writes to the history. When it has ended, the edge goes on.", "lake-overlapping": "Too many segments of the history overlap. Hunts go on when they are merged.", "lake-none": "The history's folder is gone. Check the configuration." },
  },
};
const purpose = {
  ja: { "own-defence": "自組織の防御", "collective-defence": "共同の防御", "incident-response": "事案対応", oversight: "監督", administration: "運用", exercise: "訓練" },
  en: { "own-defence": "own defence", "collective-defence": "collective defence", "incident-response": "incident response", oversight: "oversight", administration: "administration", exercise: "exercise" },
};
let language = localStorage.getItem("language") ?? (navigator.language.startsWith("ja") ? "ja" : "en");
let kind = "all";
let last = null;
let lastTuning = null;
// Each file of a section puts in what shows it; `entering` is over when the page's link was followed.
const sections = [];
let entering = null;
const at = (id) => document.getElementById(id);
const element = (name, text, className) => { const e = document.createElement(name); e.textContent = text; if (className) e.className = className; return e; };
const number = (n) => new Intl.NumberFormat(language).format(n);
const time = (t) => new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" }).format(new Date(t));

function table(target, columns, rows, empty) {
  const head = document.createElement("tr");
  for (const column of columns) head.append(element("th", column));
  target.replaceChildren(...(rows.length ? [head, ...rows] : []));
  if (!rows.length) { const row = document.createElement("tr"); row.append(element("td", empty)); target.replaceChildren(row); }
}

const total = (counts) => number(Object.values(counts).reduce((sum, count) => sum + count, 0));
const reasons = (counts, words, before) => { const said = Object.entries(counts).filter(([, count]) => count).map(([why, count]) => `${words[why] ?? why} ${number(count)}`).join(", "); return said && before + said; };
const partitions = (all) => { const behind = all.filter((p) => p.behind).slice(0, 8).map((p) => `${p.topic}/${p.partition}: ${number(p.behind)}`).join(", "); return behind && ` (${behind})`; };
const bracketed = (counts) => { const said = reasons(counts, {}, ""); return said && ` (${said})`; };

function show(state) {
  const w = words[language];
  document.documentElement.lang = language;
  at("id").textContent = state.id;
  at("dot").className = state.connected ? "dot on" : "dot";
  at("link").textContent = state.connected ? w.connected : w.away;
  at("as-of").textContent = `${w.asOf} ${time(state.as_of)}`;
  at("language").textContent = w.other;
  at("trouble").hidden = !state.trouble;
  at("trouble").textContent = state.trouble ? `${w.troubles[state.trouble] ?? state.trouble} (${state.trouble})` : "";
  for (const [id, key] of [["summary-title", "title"], ["consent-title", "consent"], ["sources-title", "sources"], ["ledger-title", "ledger"]]) at(id).textContent = w[key];
  const figures = [["records", state.records], ["indicators", state.indicators], ["refused", state.refused], ...(state.rules || state.rules_refused ? [["rules", state.rules], ["rules_refused", state.rules_refused], ["rule_matches", state.rule_matches]] : []), ["generation", state.generation], ["matched", state.counts.matched], ["withheld", state.counts.withheld], ["heldBack", state.counts.held], ["sent", state.counts.sent], ["waiting", state.waiting]];
  at("summary").replaceChildren(...figures.map(([key, value]) => { const box = document.createElement("div"); box.append(element("dt", w[key]), element("dd", number(value))); return box; }));
  at("consent").textContent = state.consent.purposes.length && state.consent.up_to ? w.consentText(state.consent) : w.consentNone;
  table(at("sources"), w.sourceColumns, state.sources.map((s) => {
    const row = document.createElement("tr");
    const unread = s.behind_messages == null ? `${number(s.behind_bytes)} B` : `${number(s.behind_messages)} ${w.messages}${partitions(s.partitions)}`;
    const { held, ...misses } = s.windows;
    const windows = held ? `${number(held)} ${w.held}${reasons(misses, w.windowMisses, ", ")}` : reasons(misses, w.windowMisses, "");
    row.append(element("td", s.listens ? `${s.name} (${s.listens})` : s.name), element("td", s.format), element("td", unread), element("td", s.lag_seconds == null ? "–" : `${number(Math.round(s.lag_seconds))} s`), element("td", number(s.records)), element("td", `${number(s.unreadable)}${bracketed(s.unreadable_by)}`), element("td", `${number(s.received)}${s.repeated ? ` (${w.repeated} ${number(s.repeated)})` : ""}`), element("td", `${total(s.refused)}${bracketed(s.refused)}`), element("td", `${total(s.dropped)}${bracketed(s.dropped)}`), element("td", windows || "–"));
    return row;
  }), w.noSources);
  at("filter").replaceChildren(...Object.entries(w.kinds).map(([key, label]) => {
    const button = element("button", label); button.type = "button"; button.setAttribute("aria-pressed", String(key === kind));
    button.addEventListener("click", () => { kind = key; show(last); }); return button;
  }));
  showAuthority(state.authority, state.counts.selected_lost, language, purpose[language]);
  showHistory(state.history, language);
  table(at("ledger"), w.columns, state.rows.filter((row) => kind === "all" || row.kind === kind).map((r) => {
    const row = document.createElement("tr");
    const acts = element("td", "", "acts");
    const mark = markButton(r);
    if (mark) acts.append(mark);
    if (r.kind === "held") row.className = "dim";
    row.append(element("td", time(r.at), "t"), element("td", w.kinds[r.kind] ?? r.kind, "k"), element("td", r.name || r.indicator), element("td", r.detail), acts);
    return row;
  }), w.nothing);
}

function showAll() {
  if (!last || !lastTuning) return;
  for (const section of sections) section(last, lastTuning);
  show(last);
}

async function reload() {
  const headers = { "x-yagura-edge": sessionStorage.getItem("token") ?? "" };
  const [ledger, tuning] = await Promise.all([fetch("/api/v1/ledger", { cache: "no-store" }), fetch("/api/v1/tuning", { cache: "no-store", headers })]);
  if (!ledger.ok || !tuning.ok) return;
  [last, lastTuning] = [await ledger.json(), await tuning.json()];
  // What a person is about to press must not move away.
  if (!document.querySelector("main button:active")) showAll();
}

async function refresh() {
  await entering;
  try { await reload(); }
  catch { at("dot").className = "dot"; }
  setTimeout(refresh, 2000);
}
at("language").addEventListener("click", () => { language = language === "ja" ? "en" : "ja"; localStorage.setItem("language", language); showAll(); });
addEventListener("DOMContentLoaded", refresh);
