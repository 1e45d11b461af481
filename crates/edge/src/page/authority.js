"use strict";
// What the state has this edge look for, under which authorisation. `page.js` calls `showAuthority` whenever it has news.
const showAuthority = (() => {
  const words = {
    ja: {
      title: "国から求められていること", none: "いま、許可に基づいて探しているものはありません。", seen: (n, t) => `許可の台帳：${n} 件を確認済み${t ? `、立会人の確認時刻 ${t}` : "（立会人の確認はまだありません）"}。`,
      columns: ["求めた組織", "根拠", "目的", "探すもの", "外に出してよい項目", "この回の期限", "許可の期限"], use: (n, of) => `1 日 ${of} 回のうち ${n} 回目`, patterns: (n, bad) => `パターン ${n} 件${bad ? `（うち ${bad} 件は探せません）` : ""}`,
      key: (k) => `このエッジの署名鍵（委員会に直接伝えるもの）：${k}`,
      emergency: "緊急", lost: (n) => `送信待ちの上限を超えて捨てた発見：${n} 件`,
      categories: { "party-agreement": "当事者協定", "foreign-foreign": "外外通信", "foreign-domestic": "外内通信", "domestic-foreign": "内外通信", neutralisation: "無害化措置", consent: "同意" },
      fields: { addresses: "相手側のアドレス", "own-pseudonyms": "自組織のアドレス（仮名）", domains: "ドメイン名", hashes: "ハッシュ", ports: "ポート", protocol: "プロトコル", bytes: "バイト数" },
    },
    en: {
      title: "What the state asks of us", none: "Nothing is being looked for under an authorisation just now.", seen: (n, t) => `Log of authorisations: ${n} entries checked${t ? `, vouched for by witnesses at ${t}` : " (no witness has vouched for it yet)"}.`,
      columns: ["asked by", "legal basis", "purpose", "looked for", "may leave", "this use ends", "authorised until"], use: (n, of) => `use ${n} of ${of} a day`, patterns: (n, bad) => `${n} patterns${bad ? ` (${bad} cannot be looked for)` : ""}`,
      key: (k) => `This edge signs with the key that its operator tells the commission: ${k}`,
      emergency: "emergency", lost: (n) => `finds dropped because too many waited: ${n}`,
      categories: { "party-agreement": "agreement with the operator", "foreign-foreign": "foreign to foreign", "foreign-domestic": "foreign to domestic", "domestic-foreign": "domestic to foreign", neutralisation: "neutralisation", consent: "consent" },
      fields: { addresses: "addresses of the other side", "own-pseudonyms": "our own addresses, as pseudonyms", domains: "domain names", hashes: "hashes", ports: "ports", protocol: "protocol", bytes: "bytes" },
    },
  };
  const at = (id) => document.getElementById(id);
  const cell = (text, className) => { const e = document.createElement("td"); e.textContent = text; if (className) e.className = className; return e; };

  return (authority, lost, language, purposes) => {
    at("authority").hidden = !authority;
    if (!authority) return;
    const w = words[language];
    const number = (n) => new Intl.NumberFormat(language).format(n);
    const time = (t) => new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" }).format(new Date(t));
    at("authority-title").textContent = w.title;
    const seen = w.seen(number(authority.seen), authority.witnessed && time(authority.witnessed));
    const gone = lost ? ` ${w.lost(number(lost))}` : "";
    at("authority-words").textContent = `${authority.tasks.length ? "" : w.none} ${seen}${gone} ${w.key(authority.key)}`.trim();
    const head = document.createElement("tr");
    for (const column of w.columns) { const e = document.createElement("th"); e.textContent = column; e.scope = "col"; head.append(e); }
    const rows = authority.tasks.map((task) => {
      const { terms } = task;
      const row = document.createElement("tr");
      const basis = `${w.categories[terms.category] ?? terms.category} · ${terms.article}`;
      row.append(
        cell(terms.kind === "emergency" ? `${terms.requested_by} (${w.emergency})` : terms.requested_by, terms.kind === "emergency" ? "urgent" : ""),
        cell(basis), cell(purposes[terms.purpose] ?? terms.purpose),
        cell(`${w.patterns(number(task.patterns), task.unusable)} · ${w.use(task.number, terms.queries_per_day)}`),
        cell(terms.fields.map((field) => w.fields[field] ?? field).join(language === "ja" ? "、" : ", ")),
        cell(time(task.until), "t"), cell(time(terms.until), "t"),
      );
      row.title = terms.id;
      return row;
    });
    at("tasks").replaceChildren(...(rows.length ? [head, ...rows] : []));
    at("tasks").parentElement.hidden = !rows.length;
  };
})();
