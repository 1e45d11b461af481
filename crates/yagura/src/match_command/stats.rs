//! What was read and met, and how fast (`--stats`).

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::time::Instant;

use matcher::{IndicatorSet, Match, SignKind, Sought, Tally};
use serde::Serialize;
use stix::Id;

use crate::match_command::report::clean;
use crate::output::Output;

/// The indicators that are told of, those with the most matches first.
const TOP: usize = 10;

/// Counts over all logs.
pub(crate) struct Stats {
    begun: Instant,
    bytes: u64,
    formats: BTreeMap<&'static str, OfFormat>,
    /// Matches by the kind of the value that was met.
    matches_by_kind: BTreeMap<&'static str, u64>,
    /// Matches by indicator: its name and how many.
    by_indicator: HashMap<Id, (String, u64)>,
}

/// What came of the lines of one format.
#[derive(Default, Serialize)]
struct OfFormat {
    lines: u64,
    /// Lines that were parsed, because something in them might be an indicator's.
    parsed: u64,
    /// Lines that could not be read, by reason.
    refused: BTreeMap<&'static str, u64>,
    bytes: u64,
}

#[derive(Serialize)]
struct Told<'s> {
    seconds: f64,
    lines: u64,
    lines_per_second: f64,
    bytes: u64,
    bytes_per_second: f64,
    /// Of all lines, those that were parsed.
    candidate_share: f64,
    indicators: usize,
    /// Values that lead to indicators, by kind.
    values_by_kind: BTreeMap<&'static str, u64>,
    /// Comparisons that no value leads to, which every record is held against.
    unanchored: usize,
    formats: &'s BTreeMap<&'static str, OfFormat>,
    matches_by_kind: &'s BTreeMap<&'static str, u64>,
    top: Vec<Top<'s>>,
}

#[derive(Serialize)]
struct Top<'s> {
    indicator: &'s Id,
    name: &'s str,
    matches: u64,
}

impl Stats {
    pub(crate) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            bytes: 0,
            formats: BTreeMap::new(),
            matches_by_kind: BTreeMap::new(),
            by_indicator: HashMap::new(),
        }
    }

    /// Counts one match that is shown.
    pub(crate) fn count(&mut self, found: &Match<'_>) {
        let mut kinds: Vec<&'static str> = found
            .hits
            .iter()
            .filter_map(|hit| found.observation.values.get(*hit))
            .map(|value| value.kind.name())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() {
            kinds.push("no-value");
        }
        for kind in kinds {
            *self.matches_by_kind.entry(kind).or_default() += 1;
        }
        let indicator = found.indicator;
        let known =
            self.by_indicator.entry(indicator.id()).or_insert_with(|| (indicator.name().to_owned(), 0));
        known.1 += 1;
    }

    /// Counts a piece of a log that was scanned: what its lines were, and the scanner's counts before and after.
    pub(crate) fn add(&mut self, format: &'static str, bytes: u64, before: &Tally, after: &Tally) {
        self.bytes += bytes;
        let of = self.formats.entry(format).or_default();
        of.bytes += bytes;
        of.lines += after.lines - before.lines;
        of.parsed += after.read - before.read;
        for (why, count) in &after.unreadable {
            let new = count - before.unreadable.get(why).copied().unwrap_or(0);
            if new > 0 {
                *of.refused.entry(why.code()).or_default() += new;
            }
        }
    }

    /// Counts a line beyond every bound.
    pub(crate) fn add_too_long(&mut self, format: &'static str, bytes: u64) {
        self.bytes += bytes;
        let of = self.formats.entry(format).or_default();
        of.bytes += bytes;
        of.lines += 1;
        *of.refused.entry(telemetry::Unreadable::TooLong.code()).or_default() += 1;
    }

    /// Says it all, on standard error.
    pub(crate) fn tell(&self, output: &Output, set: &IndicatorSet) {
        let told = self.sum_up(set);
        if output.is_json() {
            if let Ok(line) = serde_json::to_string(&serde_json::json!({ "stats": told })) {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            return;
        }
        let Told { seconds, lines, bytes, indicators, unanchored, .. } = told;
        let (speed, rate) = (told.bytes_per_second / 1e6, told.lines_per_second);
        let share = told.candidate_share * 100.0;
        output.say(
            format!("yagura: {lines} lines, {bytes} bytes in {seconds:.2} s: {rate:.0} lines/s, {speed:.1} MB/s; {share:.2} % of the lines were parsed"),
            format!("yagura: {lines} 行、{bytes} バイトを {seconds:.2} 秒で処理：毎秒 {rate:.0} 行、{speed:.1} MB/s。解析した行は {share:.2} %"),
        );
        let values = counts(&told.values_by_kind);
        output.say(
            format!("yagura: {indicators} indicators; values: {values}"),
            format!("yagura: 指標 {indicators} 件。値の内訳：{values}"),
        );
        if unanchored > 0 {
            output.say(
                format!("yagura: {unanchored} comparisons name no value to look up: every line was parsed for them; `--unanchored refuse` leaves them out"),
                format!("yagura: 値で索けない比較が {unanchored} 件あり、そのためにすべての行を解析しました（`--unanchored refuse` で除外）"),
            );
        }
        for (format, of) in told.formats {
            let OfFormat { lines, parsed, refused, bytes } = of;
            let refused = counts(refused);
            output.say(
                format!(
                    "yagura: {format}: {lines} lines ({bytes} bytes), {parsed} parsed, refused: {refused}"
                ),
                format!(
                    "yagura: {format}：{lines} 行（{bytes} バイト）、解析 {parsed} 行、読めない行：{refused}"
                ),
            );
        }
        let kinds = counts(told.matches_by_kind);
        output.say(format!("yagura: matches by kind: {kinds}"), format!("yagura: 種類別の一致：{kinds}"));
        for Top { indicator, name, matches } in &told.top {
            let line = format!("yagura: {matches:>8}  {}  {indicator}", clean(name));
            output.say(&line, &line);
        }
    }

    fn sum_up(&self, set: &IndicatorSet) -> Told<'_> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let sum = |of: fn(&OfFormat) -> u64| self.formats.values().map(of).sum::<u64>();
        let (lines, parsed) = (sum(|of| of.lines), sum(|of| of.parsed));
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let mut top: Vec<Top<'_>> = self
            .by_indicator
            .iter()
            .map(|(indicator, (name, matches))| Top { indicator, name, matches: *matches })
            .collect();
        top.sort_by(|a, b| b.matches.cmp(&a.matches).then_with(|| a.indicator.cmp(b.indicator)));
        top.truncate(TOP);
        Told {
            seconds,
            lines,
            lines_per_second: per_second(lines),
            bytes: self.bytes,
            bytes_per_second: per_second(self.bytes),
            candidate_share: if lines > 0 { parsed as f64 / lines as f64 } else { 0.0 },
            indicators: set.len(),
            values_by_kind: values_by_kind(set),
            unanchored: set.unanchored(),
            formats: &self.formats,
            matches_by_kind: &self.matches_by_kind,
            top,
        }
    }
}

fn counts(counts: &BTreeMap<&'static str, u64>) -> String {
    let each: Vec<String> = counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
    if each.is_empty() { "0".to_owned() } else { each.join(", ") }
}

fn values_by_kind(set: &IndicatorSet) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for sought in set.sought() {
        let kind = match sought {
            Sought::Network(..) => "network",
            Sought::Below(_) => "names-below",
            Sought::UrlsFrom(_) => "urls-below",
            Sought::Value(sign) => match sign.kind {
                SignKind::V4 => "ipv4-addr",
                SignKind::V6 => "ipv6-addr",
                SignKind::Name => "domain-name",
                SignKind::Url => "url",
                SignKind::Email => "email-addr",
                SignKind::Md5 => "MD5",
                SignKind::Sha1 => "SHA-1",
                SignKind::Sha256 => "SHA-256",
                SignKind::Sha512 => "SHA-512",
                SignKind::Mac => "mac-addr",
            },
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}
