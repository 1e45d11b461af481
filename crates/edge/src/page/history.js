"use strict";
// What the edge keeps of what it read, and what it hunts in it. `page.js` calls `showHistory` whenever it has news.
const showHistory = (() => {
  const words = {
    ja: {
      title: "履歴と遡及検索", empty: "履歴にはまだ記録がありません。読んだ記録は数分以内に入ります。",
      figures: { from: "最も古い記録", until: "最も新しい記録", records: "記録", bytes: "大きさ", behind: "書き込み待ち", lost: "欠けた行" },
      keep: (text, full) => `${full ? "記録の全文を保存しています" : "機械的な情報だけを保存しています（本文は保存しません）"}。保存期間：${text}。`,
      forever: "期限なし", days: (n) => `${n} 日`, kind: (name, n) => `${name} は ${n} 日`, most: (size) => `最大 ${size}`, join: "、",
      upkeep: (when, expired) => `最後の整理：${when}${expired ? `（起動後に削除した記録 ${expired} 件）` : ""}。`,
      running: (h, n) => `指標 ${n(h.indicators)} 件で過去を調べています：区分 ${n(h.segments_done)}/${n(h.segments)}、発見 ${n(h.found)} 件`,
      seeking: (n) => `遡及検索を待つ指標：${n} 件`, idle: "実行中の遡及検索はありません。新しい指標が届くと、過去の記録を自動で調べます。",
      columns: ["開始", "終了", "指標", "区分", "発見", "外に出したもの", "上限を超えた発見"], failed: (n) => `読めなかった部分 ${n}`, hunts: "終わった遡及検索",
      reasons: { "journal-full": "待ち行列の上限", disk: "ディスク", "too-long": "長すぎる", "journal-damaged": "待ち行列の破損" },
    },
    en: {
      title: "History and hunts", empty: "The history holds no records yet. What is read comes into it within minutes.",
      figures: { from: "oldest record", until: "newest record", records: "records", bytes: "size", behind: "to be written", lost: "lines missing" },
      keep: (text, full) => `${full ? "Records are kept in full" : "Mechanical information is kept, and no text of records"}. Kept for: ${text}.`,
      forever: "no limit", days: (n) => `${n} days`, kind: (name, n) => `${name} ${n} days`, most: (size) => `at most ${size}`, join: ", ",
      upkeep: (when, expired) => `Last put in order: ${when}${expired ? ` (${expired} records taken out since the start)` : ""}.`,
      running: (h, n) => `Hunting ${n(h.indicators)} indicators through the past: segment ${n(h.segments_done)} of ${n(h.segments)}, found ${n(h.found)}`,
      seeking: (n) => `Indicators that wait for a hunt: ${n}`, idle: "Nothing is being hunted. When new indicators come, the past is searched for them by itself.",
      columns: ["began", "ended", "indicators", "segments", "found", "let out", "found beyond the limit"], failed: (n) => `parts not readable: ${n}`, hunts: "Hunts that have ended",
      reasons: { "journal-full": "queue full", disk: "disk", "too-long": "too long", "journal-damaged": "queue damaged" },
    },
  };
  const at = (id) => document.getElementById(id);
  const element = (name, text, className) => { const e = document.createElement(name); e.textContent = text; if (className) e.className = className; return e; };

  function size(bytes, number) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
    return `${number(unit ? Math.round(bytes * 10) / 10 : bytes)} ${units[unit]}`;
  }

  function retention(history, w, number) {
    const parts = [history.keep_days ? w.days(number(history.keep_days)) : w.forever];
    for (const [kind, days] of Object.entries(history.keep)) parts.push(w.kind(kind, number(days)));
    if (history.bytes_max) parts.push(w.most(size(history.bytes_max, number)));
    return parts.join(w.join);
  }

  function showHunt(hunting, w, number) {
    at("hunting").hidden = !hunting;
    at("hunting-words").textContent = hunting ? w.running(hunting, number) : "";
    if (!hunting) return;
    at("hunting-progress").max = Math.max(hunting.segments, 1);
    at("hunting-progress").value = hunting.segments_done;
  }

  function showHunts(hunts, w, number, time) {
    at("hunts-title").textContent = w.hunts;
    at("hunts").parentElement.hidden = at("hunts-title").hidden = !hunts.length;
    const head = document.createElement("tr");
    for (const column of w.columns) { const cell = element("th", column); cell.scope = "col"; head.append(cell); }
    at("hunts").replaceChildren(head, ...hunts.map((hunt) => {
      const row = document.createElement("tr");
      const beyond = [hunt.beyond ? number(hunt.beyond) : "–", hunt.failed ? w.failed(number(hunt.failed)) : ""].filter(Boolean).join(" ");
      row.append(element("td", time(hunt.began), "t"), element("td", time(hunt.ended), "t"), ...[hunt.indicators, hunt.segments, hunt.found, hunt.let_out].map((count) => element("td", number(count))), element("td", beyond));
      return row;
    }));
  }

  return (history, language) => {
    at("history").hidden = !history;
    if (!history) return;
    const w = words[language];
    const number = (n) => new Intl.NumberFormat(language).format(n);
    const time = (t) => new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" }).format(new Date(t));
    at("history-title").textContent = w.title;
    const why = Object.entries(history.lost_by).map(([reason, lines]) => `${w.reasons[reason] ?? reason} ${number(lines)}`).join(", ");
    const figures = [["from", history.from ? time(history.from) : "–"], ["until", history.until ? time(history.until) : "–"], ["records", number(history.records)], ["bytes", size(history.bytes, number)], ["behind", size(history.behind_bytes, number)], ["lost", `${number(history.lost)}${why ? ` (${why})` : ""}`]];
    at("history-figures").replaceChildren(...figures.map(([key, text]) => { const box = document.createElement("div"); box.append(element("dt", w.figures[key]), element("dd", text)); return box; }));
    const upkeep = history.upkeep ? ` ${w.upkeep(time(history.upkeep), history.expired ? number(history.expired) : "")}` : "";
    at("history-words").textContent = `${history.records ? "" : `${w.empty} `}${w.keep(retention(history, w, number), history.full)}${upkeep}`;
    showHunt(history.hunting, w, number);
    at("hunts-waiting").textContent = history.seeking ? w.seeking(number(history.seeking)) : history.hunting ? "" : w.idle;
    showHunts(history.hunts, w, number, time);
  };
})();
