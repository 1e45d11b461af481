//! Matches on standard output; what could not be used or read on standard error.

mod ruled;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use jiff::Timestamp;
use matcher::{Match, Tally, Unusable};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use telemetry::{Decoded, Observation, Unreadable};

use crate::match_command::explain::{Explained, Explainer};
use crate::match_command::{Colour, words};
use crate::output::Output;

/// Writes matches.
pub(crate) struct Report {
    out: BufWriter<AutoStream<io::Stdout>>,
    json: bool,
    gone: bool,
    waiting: bool,
    explainer: Option<Explainer>,
}

/// Which lines of the file the scanner's lines are: it is not given those that are skipped, and is given records of a list as lines.
#[derive(Default)]
pub(crate) struct Places {
    /// Rising: the number of a line for the scanner, from 0, and that in the file, from 1. What follows goes on from there.
    steps: Vec<(u64, u64)>,
}

impl Places {
    /// Notes that the scanner's next line is this one.
    pub(crate) fn note(&mut self, scanned: u64, line: u64) {
        if self.steps.is_empty() || self.line(scanned) != line {
            self.steps.push((scanned, line));
        }
    }

    pub(crate) fn line(&self, scanned: u64) -> u64 {
        let after = self.steps.partition_point(|(from, _)| *from <= scanned);
        let step = after.checked_sub(1).and_then(|at| self.steps.get(at));
        step.map_or(scanned, |(from, line)| line + (scanned - from))
    }
}

/// Lines that are told of one match over several records; the earliest of them.
pub(crate) const TOLD_MAX: usize = 100;

/// One match for programs.
#[derive(Serialize)]
struct MatchForPrograms<'a> {
    file: &'a str,
    line: u64,
    field: &'a str,
    value: &'a str,
    indicator: &'a stix::Id,
    name: &'a str,
    event: Event<'a>,
    /// The lines of the other records, of a pattern over several.
    #[serde(skip_serializing_if = "<[Beside]>::is_empty")]
    with: &'a [Beside],
    /// The record's time, where it is told of records from long ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Explained<'a>>,
}

/// A line around a match, for programs.
#[derive(Serialize)]
struct LineForPrograms<'a> {
    file: &'a str,
    line: u64,
    context: &'a str,
}

/// Where another record of a match over several stands.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Beside {
    /// In the same file, on this line.
    Line(u64),
    /// In another file.
    File { file: String, line: u64 },
}

/// Where and when a record was met.
pub(crate) struct Met<'a> {
    /// The file.
    pub(crate) file: Cow<'a, str>,
    /// The line in it, from 1.
    pub(crate) line: u64,
    /// The other records of a match over several.
    pub(crate) with: Vec<Beside>,
    /// Of a record from long ago.
    pub(crate) time: Option<Timestamp>,
}

/// The record: as it is where it is JSON, its columns where a header names them, else the line.
#[derive(Serialize)]
#[serde(untagged)]
enum Event<'a> {
    Json(&'a RawValue),
    Columns(BTreeMap<&'a str, &'a str>),
    Text(&'a str),
    /// What is kept of a record whose text is not.
    Row(Value),
}

const FILE: Style = AnsiColor::Magenta.on_default();
const LINE: Style = AnsiColor::Green.on_default();
const FIELD: Style = AnsiColor::Cyan.on_default();
const VALUE: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

impl Report {
    pub(crate) fn new(output: &Output, colour: Colour) -> Self {
        let choice = match colour {
            Colour::Auto => AutoStream::choice(&io::stdout()),
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        };
        let out = BufWriter::with_capacity(1 << 16, AutoStream::new(io::stdout(), choice));
        Self { out, json: output.is_json(), gone: false, waiting: false, explainer: None }
    }

    /// Explains each match from now on.
    pub(crate) fn explain_with(&mut self, explainer: Explainer) {
        self.explainer = Some(explainer);
    }

    /// Whether nobody reads any more.
    pub(crate) fn reader_is_gone(&self) -> bool {
        self.gone
    }

    /// Writes one match in a log.
    pub(crate) fn show(&mut self, path: &Path, places: &Places, found: &Match<'_>, progress: &ProgressBar) {
        let line = places.line(found.place.line);
        let with = found.bound.iter().take(TOLD_MAX).map(|record| Beside::Line(places.line(record.line)));
        let met = Met { file: path.to_string_lossy(), line, with: with.collect(), time: None };
        self.show_at(&met, found, progress);
    }

    /// Writes a line of the log: the record that matched, or one around it. Programs have the record with the match.
    pub(crate) fn show_line(
        &mut self,
        (path, line): (&Path, u64),
        text: &[u8],
        matched: bool,
        progress: &ProgressBar,
    ) {
        let (file, text) = (path.to_string_lossy(), String::from_utf8_lossy(text));
        let text = text.trim_end_matches(['\n', '\r']);
        let written = if !self.json {
            let mark = if matched { ':' } else { '-' };
            let (file, text) = (clean(&file), clean(text));
            writeln!(self.out, "{FILE}{file}{FILE:#}{mark}{LINE}{line}{LINE:#}{mark}{text}")
        } else if matched {
            Ok(())
        } else {
            let shown = LineForPrograms { file: &file, line, context: text };
            serde_json::to_writer(&mut self.out, &shown)
                .map_err(Into::into)
                .and_then(|()| self.out.write_all(b"\n"))
        };
        self.wrote(&written, progress);
    }

    /// Writes what parts lines that do not stand behind one another, as grep does.
    pub(crate) fn separate(&mut self, progress: &ProgressBar) {
        if !self.json {
            let written = writeln!(self.out, "{FIELD}--{FIELD:#}");
            self.wrote(&written, progress);
        }
    }

    /// Writes one match.
    pub(crate) fn show_at(&mut self, met: &Met<'_>, found: &Match<'_>, progress: &ProgressBar) {
        let written = if self.json { self.show_json(met, found) } else { self.show_text(met, found) };
        self.wrote(&written, progress);
    }

    fn wrote(&mut self, written: &io::Result<()>, progress: &ProgressBar) {
        self.waiting = true;
        self.note(written);
        if self.out.buffer().len() > 1 << 15 {
            self.flush(progress);
        }
    }

    fn note(&mut self, written: &io::Result<()>) {
        // Whatever keeps standard output from taking more, nothing can be shown any more.
        self.gone |= written.is_err();
    }

    /// Lets the reader have what was found so far.
    pub(crate) fn flush(&mut self, progress: &ProgressBar) {
        if self.waiting && !self.gone {
            let written = progress.suspend(|| self.out.flush());
            self.note(&written);
            self.waiting = false;
        }
    }

    fn show_json(&mut self, met: &Met<'_>, found: &Match<'_>) -> io::Result<()> {
        let hit = found.hits.first().and_then(|hit| found.observation.values.get(*hit));
        let text = std::str::from_utf8(found.text).unwrap_or_default().trim();
        let tsv = found.reader.tsv();
        let event = match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if text.starts_with('{') => Event::Json(raw),
            _ if text.is_empty() => Event::Row(row(found.observation)),
            _ if tsv.width() > 1 && tsv.cells(text).count() == tsv.width() => {
                Event::Columns(tsv.cells(text).collect())
            }
            _ => Event::Text(text),
        };
        let shown = MatchForPrograms {
            file: &met.file,
            line: met.line,
            field: hit.map_or("", |value| &value.field),
            value: hit.map_or("", |value| &value.value),
            indicator: &found.indicator.id(),
            name: found.indicator.name(),
            event,
            with: &met.with,
            time: met.time,
            explain: self.explainer.as_ref().and_then(|explainer| explainer.explain(met, found)),
        };
        serde_json::to_writer(&mut self.out, &shown)?;
        self.out.write_all(b"\n")
    }

    fn show_text(&mut self, met: &Met<'_>, found: &Match<'_>) -> io::Result<()> {
        let out = &mut self.out;
        write!(out, "{FILE}{}{FILE:#}:{LINE}{}{LINE:#}:", clean(&met.file), met.line)?;
        if let Some(time) = met.time {
            write!(out, " {time}")?;
        }
        for hit in found.hits {
            let Some(value) = found.observation.values.get(*hit) else { continue };
            let (field, value) = (clean(&value.field), clean(&value.value));
            write!(out, " {FIELD}{field}{FIELD:#}={VALUE}{value}{VALUE:#}")?;
        }
        let name = clean(found.indicator.name());
        write!(out, "  {name}  {FAINT}{}{FAINT:#}", found.indicator.id())?;
        for other in &met.with {
            match other {
                Beside::Line(line) => write!(out, " +{LINE}{line}{LINE:#}")?,
                Beside::File { file, line } => {
                    write!(out, " +{FILE}{}{FILE:#}:{LINE}{line}{LINE:#}", clean(file))?;
                }
            }
        }
        writeln!(out)?;
        let explained = self.explainer.as_ref().and_then(|by| Some((by, by.explain(met, found)?)));
        explained.map_or(Ok(()), |(by, explained)| by.write(&mut self.out, &explained, (FAINT, VALUE)))
    }
}

/// What is kept of a record whose text is not: the values by their fields, and what else was read.
fn row(record: &Observation<'_>) -> Value {
    let mut row = json!({"kind": record.kind});
    let mut set = |name: &str, value: Value| {
        if let Some(row) = row.as_object_mut().filter(|_| !value.is_null()) {
            row.insert(name.to_owned(), value);
        }
    };
    set("time", json!(record.time));
    set("protocol", json!(record.protocol));
    set("src_port", json!(record.src_port));
    set("dst_port", json!(record.dst_port));
    set("bytes", json!(record.bytes));
    set("http_method", json!(record.http_method));
    let values = record.values.iter().map(|value| json!({"field": value.field, "value": value.value}));
    set("values", values.collect());
    row
}

/// A stranger's text without what would steer a terminal.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return text.into();
    }
    text.chars()
        .flat_map(|c| if steers(c) { c.escape_unicode().collect() } else { vec![c] })
        .collect::<String>()
        .into()
}

/// Control characters, and those that turn the direction of writing.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Counts over all logs.
#[derive(Serialize)]
pub(crate) struct Totals {
    indicators: usize,
    /// Sigma rules in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<usize>,
    lines: u64,
    pub(crate) matches: u64,
    outside_validity: u64,
    /// Matches that were not asked for, because of the record's time.
    pub(crate) outside_time: u64,
    #[serde(skip)]
    pub(crate) too_long: u64,
    refused: BTreeMap<&'static str, u64>,
    partly_used: BTreeMap<&'static str, u64>,
    unreadable: BTreeMap<&'static str, u64>,
    /// One message for each reason, as an example.
    #[serde(skip)]
    examples: BTreeMap<&'static str, String>,
}

impl Totals {
    pub(crate) fn new(indicators: usize, refused: Vec<Unusable>, partial: Vec<Unusable>) -> Self {
        let mut totals = Self {
            indicators,
            rules: None,
            lines: 0,
            matches: 0,
            outside_validity: 0,
            outside_time: 0,
            too_long: 0,
            refused: BTreeMap::new(),
            partly_used: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            examples: BTreeMap::new(),
        };
        for unusable in refused {
            *totals.refused.entry(unusable.code).or_default() += 1;
            totals.examples.entry(unusable.code).or_insert(unusable.message);
        }
        for unusable in partial {
            *totals.partly_used.entry(unusable.code).or_default() += 1;
            totals.examples.entry(unusable.code).or_insert(unusable.message);
        }
        totals
    }

    pub(crate) fn add(&mut self, tally: &Tally) {
        self.lines += tally.lines;
        self.matches += tally.matches;
        self.outside_validity += tally.outside_validity;
        for (why, count) in &tally.unreadable {
            *self.unreadable.entry(why.code()).or_default() += count;
            self.examples.entry(why.code()).or_insert_with(|| why.to_string());
        }
    }

    /// Adds what a log that is not made of lines held beside its records.
    pub(crate) fn add_undecoded(&mut self, decoded: &Decoded) {
        for (why, count) in &decoded.refused {
            *self.unreadable.entry(why.code()).or_default() += count;
            self.examples.entry(why.code()).or_insert_with(|| why.to_string());
        }
    }

    /// Adds what Sigma rules met. Their lines are those of the scanner of patterns, and counted by it.
    pub(crate) fn add_rules(&mut self, tally: &sigma::Tally) {
        self.matches += tally.matches;
        self.outside_validity += tally.outside_validity;
    }

    /// Says what was not used and not read.
    pub(crate) fn tell(&mut self, output: &Output) {
        if self.too_long > 0 {
            let why = Unreadable::TooLong;
            *self.unreadable.entry(why.code()).or_default() += self.too_long;
            self.examples.entry(why.code()).or_insert_with(|| why.to_string());
        }
        if output.is_json() {
            self.tell_programs(output);
            return;
        }
        self.tell_refused(output);
        for (code, count) in &self.unreadable {
            let (english, japanese) = self.reason(code);
            output.say(
                format!("yagura: {count} lines could not be read: {english} [{code}]"),
                format!("yagura: 読めない行が {count} 行ありました：{japanese} [{code}]"),
            );
        }
        if self.outside_validity > 0 {
            let count = self.outside_validity;
            output.say(
                format!("yagura: {count} matches outside of the indicators' validity are not shown; `--any-time` shows them"),
                format!("yagura: 指標の有効期間外の一致 {count} 件は表示していません（`--any-time` で表示）"),
            );
        }
        self.tell_outside_time(output);
    }

    /// Says how many matches lie outside of the time that was asked for.
    fn tell_outside_time(&self, output: &Output) {
        if self.outside_time > 0 {
            let count = self.outside_time;
            output.say(
                format!("yagura: {count} matches outside of `--since` and `--until` are not shown"),
                format!("yagura: `--since`・`--until` の期間外の一致 {count} 件は表示していません"),
            );
        }
    }

    fn tell_programs(&self, output: &Output) {
        let nothing = self.refused.is_empty() && self.partly_used.is_empty() && self.unreadable.is_empty();
        if output.is_quiet() || (nothing && self.outside_validity + self.outside_time == 0) {
            return;
        }
        if let Ok(line) = serde_json::to_string(self) {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    /// Says which indicators were not used.
    pub(crate) fn tell_refused(&self, output: &Output) {
        if output.is_json() {
            self.tell_programs(output);
            return;
        }
        for (code, count) in &self.refused {
            let (english, japanese) = self.reason(code);
            output.say(
                format!("yagura: {count} indicators are not used, for example: {english} [{code}]"),
                format!("yagura: 使わない指標が {count} 件あります：{japanese} [{code}]"),
            );
        }
        for (code, count) in &self.partly_used {
            let (english, japanese) = self.reason(code);
            output.say(
                format!("yagura: {count} indicators are used in part, for example: {english} [{code}]"),
                format!("yagura: 一部だけ使う指標が {count} 件あります：{japanese} [{code}]"),
            );
        }
    }

    /// The reason behind a code: in English the first example's, in Japanese the general one.
    fn reason(&self, code: &str) -> (Cow<'_, str>, Cow<'_, str>) {
        let english = clean(self.examples.get(code).map_or("", String::as_str));
        let japanese = words::japanese(code).map_or_else(|| english.clone(), Cow::Borrowed);
        (english, japanese)
    }
}
