use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rsigma_eval::{CorrelationEngine, CorrelationSnapshot, EvaluationResult, JsonEvent, ResultBody};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use telemetry::{Format, Observation, Reader};

use crate::correlate;
use crate::record::{self, Record};
use crate::rule::Rule;
use crate::set::RuleSet;

/// Holds the rules of a set against the records of one log.
pub struct Scanner {
    set: Arc<RuleSet>,
    reader: Reader,
    /// The columns of a `#Fields:` line (W3C extended logs).
    columns: Vec<String>,
    correlations: Option<CorrelationEngine>,
    /// The time of the newest record that correlations were told of.
    newest: Timestamp,
    tally: Tally,
}

/// What a scanner has met since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines, empty and header lines included; none while the set is empty.
    pub lines: u64,
    /// Records that some rule might be about, and that were therefore read.
    pub read: u64,
    /// Lines of more than 1 MiB, which no rule is held against.
    pub too_long: u64,
    /// Matches that were reported.
    pub matches: u64,
    /// Matches that were not reported because the record's time is outside of the indicator's validity.
    pub outside_validity: u64,
    /// Records that correlations were not told of: too far behind the newest for the shortest of their windows.
    pub late: u64,
    /// Records that correlations were not told of: more than a day in the future.
    pub future: u64,
}

/// What the correlations of one log remember, to go on with after a restart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Remembered {
    newest: Timestamp,
    correlations: CorrelationSnapshot,
}

/// One rule that one record satisfies.
#[derive(Debug)]
pub struct Match<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The line's number within the chunk, from 0.
    pub line: u64,
    /// Where the line begins in the chunk, in bytes.
    pub line_offset: usize,
    /// The line without its end.
    pub text: &'a [u8],
    /// The record as the patterns of STIX see it; without values where `telemetry` does not read it.
    pub observation: &'a Observation<'a>,
    /// The values among [`Observation::values`] that the rule is met by: indices, rising. Empty where the rule asks for fields
    /// that are no observables.
    pub hits: &'a [usize],
    /// The fields that the rule is met by, with the record's values; for a correlation, what it groups by.
    pub met: &'a [Met],
    /// What a correlation counted.
    pub count: Option<f64>,
}

/// A field that a rule is met by.
#[derive(Debug, Clone, PartialEq)]
pub struct Met {
    /// Its name in the rule; `keyword` for a word anywhere in the record.
    pub field: String,
    /// Its value in the record.
    pub value: Value,
}

/// The longest record that rules are held against.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// The most columns of a log that are taken from its header.
const COLUMNS_MAX: usize = 256;

impl Scanner {
    /// A scanner for one log.
    #[must_use]
    pub fn new(set: Arc<RuleSet>, reader: Reader) -> Self {
        let correlations = set.correlation_engine();
        Self {
            set,
            reader,
            columns: Vec::new(),
            correlations,
            newest: Timestamp::MIN,
            tally: Tally::default(),
        }
    }

    /// Goes on with another set; the log's state is kept, and what correlations remember that are in the new set as well.
    pub fn adopt(&mut self, set: Arc<RuleSet>) {
        if Arc::ptr_eq(&self.set, &set) {
            return;
        }
        let remembered = self.correlations.take().map(|engine| engine.export_state());
        self.correlations = set.correlation_engine();
        if let (Some(engine), Some(remembered)) = (&mut self.correlations, remembered) {
            engine.import_state(remembered);
        }
        self.set = set;
    }

    /// What correlations remember; `None` where it is nothing.
    #[must_use]
    pub fn remembered(&self) -> Option<Remembered> {
        let engine = self.correlations.as_ref().filter(|engine| engine.state_count() > 0)?;
        Some(Remembered { newest: self.newest, correlations: engine.export_state() })
    }

    /// Takes up what correlations remembered before a restart, as far as they are still in the set. What another version of the
    /// evaluator wrote is passed over.
    pub fn remember(&mut self, remembered: Remembered) {
        let Some(engine) = &mut self.correlations else { return };
        if engine.import_state(remembered.correlations) {
            self.newest = self.newest.max(remembered.newest);
        }
    }

    /// What was met since the scanner was made.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Looks through a chunk of whole lines; a last line without a line end is taken as whole. `now` is the time of records
    /// that bear none. Matches come in the order of the lines. Where the set is empty, nothing is looked at.
    pub fn scan(&mut self, chunk: &[u8], now: Timestamp, found: &mut dyn FnMut(&Match<'_>)) {
        if self.set.is_empty() {
            return;
        }
        let (mut from, mut line) = (0, 0);
        while let Some(rest) = chunk.get(from..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let text = rest.get(..length).unwrap_or(rest);
            let place = Place { line, line_offset: from, text: text.strip_suffix(b"\r").unwrap_or(text) };
            self.scan_at(&place, now, found);
            from += length + 1;
            line += 1;
        }
        self.tally.lines += line;
    }

    /// Looks at one record, which may be written over several lines as members of a list are.
    pub fn scan_record(&mut self, record: &[u8], now: Timestamp, found: &mut dyn FnMut(&Match<'_>)) {
        if self.set.is_empty() {
            return;
        }
        self.scan_at(&Place { line: 0, line_offset: 0, text: record }, now, found);
        self.tally.lines += 1;
    }

    fn scan_at(&mut self, place: &Place<'_>, now: Timestamp, found: &mut dyn FnMut(&Match<'_>)) {
        let text = place.text.trim_ascii_start();
        if text.is_empty() {
            return;
        }
        if text.len() > LINE_BYTES_MAX {
            self.tally.too_long += 1;
            return;
        }
        if text.starts_with(b"#") {
            self.read_header(place.text);
            return;
        }
        let Some(format) = self.format_of(text).filter(|format| self.set.concerns(*format)) else { return };
        let Some(record) = record::read(format, place.text, &self.reader, &self.columns) else { return };
        self.tally.read += 1;
        let results = evaluate(&self.set, &record);
        if !results.is_empty() {
            self.report(place, &record, results, now, found);
        }
    }

    fn read_header(&mut self, line: &[u8]) {
        let names = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("#Fields:"));
        if let Some(names) = names {
            self.columns = names.split_ascii_whitespace().take(COLUMNS_MAX).map(str::to_owned).collect();
        }
        // A header line is no record; what the reader needs of it, it keeps.
        let _ = self.reader.read(line);
    }

    /// The format of the line, told by as little of it as will do.
    fn format_of(&self, line: &[u8]) -> Option<Format> {
        if let Some(format) = self.reader.format() {
            return Some(format);
        }
        if line.starts_with(b"{") {
            return telemetry::format_of_json(line);
        }
        let tsv = self.reader.tsv();
        if tsv.width() > 1 && line.contains(&b'\t') {
            return Some(Format::ZeekTsv);
        }
        if !self.columns.is_empty() {
            return Some(Format::Access);
        }
        let has_rules =
            [Format::Syslog, Format::Dns, Format::Access].iter().any(|format| self.set.concerns(*format));
        if has_rules { telemetry::detect(line) } else { None }
    }

    fn report(
        &mut self,
        place: &Place<'_>,
        record: &Record,
        mut results: Vec<EvaluationResult>,
        now: Timestamp,
        found: &mut dyn FnMut(&Match<'_>),
    ) {
        let observation = self.reader.read(place.text).ok().flatten().unwrap_or_default();
        let time = observation.time.unwrap_or(now);
        results.retain(|result| {
            let counts = rule_of(&self.set, result).is_some_and(|rule| self.set.counts_at(rule, time));
            self.tally.outside_validity += u64::from(!counts);
            counts
        });
        if !results.is_empty()
            && self.is_timely(time, now)
            && let Some(engine) = &mut self.correlations
        {
            results.extend(correlate::feed(engine, &record.fields, &results, time));
        }
        for result in &results {
            let Some(rule) = rule_of(&self.set, result).filter(|rule| rule.reports) else { continue };
            let (met, count) = met(result);
            let hits = hits(&observation, &met);
            self.tally.matches += 1;
            let Place { line, line_offset, text } = *place;
            let (observation, hits, met) = (&observation, hits.as_slice(), met.as_slice());
            found(&Match { rule, line, line_offset, text, observation, hits, met, count });
        }
    }
}

impl Scanner {
    /// Whether correlations may be told of a record of this time. The evaluator takes records in the order of their times and forgets
    /// from the front, so one that is later than a window would be counted with those that came long after it; and one from
    /// the future would make all others late.
    fn is_timely(&mut self, time: Timestamp, now: Timestamp) -> bool {
        const FUTURE: SignedDuration = SignedDuration::from_hours(24);
        let Some(shortest) = self.set.shortest_window() else { return false };
        if time.duration_since(now) > FUTURE {
            self.tally.future += 1;
            return false;
        }
        if self.newest.duration_since(time) > shortest {
            self.tally.late += 1;
            return false;
        }
        self.newest = self.newest.max(time);
        true
    }
}

#[derive(Clone, Copy)]
struct Place<'a> {
    line: u64,
    line_offset: usize,
    text: &'a [u8],
}

fn evaluate(set: &RuleSet, record: &Record) -> Vec<EvaluationResult> {
    let event = JsonEvent::borrow(&record.fields);
    set.engines(&record.source).flat_map(|engine| engine.evaluate(&event)).collect()
}

fn rule_of<'s>(set: &'s RuleSet, result: &EvaluationResult) -> Option<&'s Rule> {
    set.rule(result.header.rule_id.as_deref()?)
}

/// What the evaluator says of a match: the fields that met the rule, or the group and the count of a correlation.
fn met(result: &EvaluationResult) -> (Vec<Met>, Option<f64>) {
    match &result.body {
        ResultBody::Detection(body) => {
            let fields = body.matched_fields.iter().filter(|met| !met.negated);
            let met = fields.map(|met| Met { field: met.field.clone(), value: met.value.clone() });
            (met.collect(), None)
        }
        ResultBody::Correlation(body) => {
            let group = body.group_key.iter();
            let met = group.map(|(field, value)| Met { field: field.clone(), value: value.clone().into() });
            (met.collect(), Some(body.aggregated_value))
        }
    }
}

/// The observables that stand in fields which met the rule: the same value, or a part of it under the same name. Members of a
/// list that met the rule as a whole are not told apart, so none of several is one.
fn hits(observation: &Observation<'_>, met: &[Met]) -> Vec<usize> {
    let is_met = |field: &str, value: &str| {
        let leaf = |name: &str| name.rsplit('.').next().map(str::to_owned);
        met.iter().any(|met| match &met.value {
            Value::String(text) => text == value || leaf(&met.field) == leaf(field) && text.contains(value),
            Value::Array(members) => matches!(members.as_slice(), [Value::String(one)] if one == value),
            _ => false,
        })
    };
    let values = observation.values.iter().enumerate();
    let hits =
        values.filter(|(_, observed)| !observed.value.is_empty() && is_met(&observed.field, &observed.value));
    hits.map(|(index, _)| index).collect()
}
