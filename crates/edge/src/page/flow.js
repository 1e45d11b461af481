"use strict";
// How fast records pass, how late matches are, and which indicators meet most.
const flowWords = {
  ja: { title: "いまの流れ", records: "毎秒の記録", bytes: "毎秒の量", delay: "事象から一致まで（中央値）", worst: "同（99 %）", lag: "最大の遅れ", behind: "未読", unanchored: "全記録と照合する比較", none: "–", top: "一致の多い指標", hour: "直近 1～2 時間", day: "直近 24 時間", name: "指標", matches: "一致", nothing: "起動してからの一致はまだありません。" },
  en: { title: "Flow just now", records: "records a second", bytes: "bytes a second", delay: "event to match, median", worst: "event to match, 99 %", lag: "largest lag", behind: "unread", unanchored: "comparisons against every record", none: "–", top: "Indicators that match most", hour: "the last one to two hours", day: "the last 24 hours", name: "indicator", matches: "matches", nothing: "No match since the edge was started." },
};
const sized = (bytes) => { const units = ["B", "KiB", "MiB", "GiB", "TiB"]; let at = 0; let n = bytes; while (n >= 1024 && at < units.length - 1) { n /= 1024; at += 1; } return `${new Intl.NumberFormat(language, { maximumFractionDigits: n < 10 && at > 0 ? 1 : 0 }).format(n)} ${units[at]}`; };
const rate = (n) => new Intl.NumberFormat(language, { maximumFractionDigits: n < 10 ? 1 : 0 }).format(n);
const span = (ms) => (ms == null ? flowWords[language].none : ms < 1000 ? `${number(ms)} ms` : `${rate(ms / 1000)} s`);

sections.push((state, tuning) => {
  const w = flowWords[language];
  const { pace } = tuning;
  const lags = state.sources.map((source) => source.lag_seconds).filter((lag) => lag != null);
  const behind = state.sources.reduce((sum, source) => sum + source.behind_bytes, 0);
  const figures = [
    [w.records, rate(pace.records_per_second)], [w.bytes, sized(pace.bytes_per_second)], [w.delay, span(pace.delay_median_ms)], [w.worst, span(pace.delay_p99_ms)],
    [w.lag, lags.length ? `${number(Math.round(Math.max(...lags)))} s` : w.none], [w.behind, sized(behind)],
  ];
  if (tuning.unanchored) figures.push([w.unanchored, number(tuning.unanchored)]);
  const list = document.createElement("dl");
  list.append(...figures.map(([label, value]) => { const box = document.createElement("div"); box.append(element("dt", label), element("dd", value)); return box; }));
  const pair = element("div", "", "pair");
  for (const [label, rows] of [[w.hour, pace.top_hour], [w.day, pace.top_day]]) {
    const box = document.createElement("div");
    const list = document.createElement("table");
    table(list, [w.name, w.matches], rows.map((top) => {
      const row = document.createElement("tr");
      const cell = element("td", top.name || top.indicator);
      cell.title = top.indicator;
      row.append(cell, element("td", number(top.matches), "n"));
      return row;
    }), w.nothing);
    box.append(element("h3", `${w.top}: ${label}`), list);
    pair.append(box);
  }
  at("flow").replaceChildren(element("h2", w.title), list, pair);
});
