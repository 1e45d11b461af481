use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use telemetry::{Format, Observation, Reader, Unreadable};

use crate::condition::Seen;
use crate::set::{IndicatorRef, IndicatorSet, Lead};
use crate::sift::{self, Verdict};

/// Looks for the indicators of a set in the lines of one log.
///
/// A scanner belongs to one log, because tab-separated values have a header; the set belongs to all scanners.
pub struct Scanner {
    set: Arc<IndicatorSet>,
    reader: Reader,
    tally: Tally,
    exhaustive: bool,
    /// Kept between lines so that a line allocates nothing.
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    /// A rule, what else it asks, and the value that led to it.
    leads: Vec<(Lead, usize)>,
    hits: Vec<usize>,
}

/// What a scanner has met since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines, empty and header lines included.
    pub lines: u64,
    /// Lines that were parsed, because the set might know something in them or because they are not framed as records are.
    pub read: u64,
    /// Lines that are no record of the format, by reason. A line in which nothing is known is checked for its frame only:
    /// that it is whole, closed and UTF-8.
    pub unreadable: BTreeMap<Unreadable, u64>,
    /// Matches that were reported.
    pub matches: u64,
    /// Matches that were not reported because the record's time is outside of the indicator's validity.
    pub outside_validity: u64,
}

/// One indicator that one record satisfies.
#[derive(Debug)]
pub struct Match<'a> {
    /// The indicator.
    pub indicator: IndicatorRef<'a>,
    /// The line's number within the chunk, from 0.
    pub line: u64,
    /// Where the line begins in the chunk, in bytes.
    pub line_offset: usize,
    /// The line without its end.
    pub text: &'a [u8],
    /// The record.
    pub observation: &'a Observation<'a>,
    /// The state of the log when the line was read.
    pub reader: &'a Reader,
    /// The values that the indicator's pattern is met by: indices of [`Observation::values`], rising. Never empty.
    pub hits: &'a [usize],
}

impl Scanner {
    /// A scanner for one log.
    #[must_use]
    pub fn new(set: Arc<IndicatorSet>, reader: Reader) -> Self {
        Self { set, reader, tally: Tally::default(), exhaustive: false, scratch: Scratch::default() }
    }

    /// A scanner that parses every line. Slower, and finds the same: for tests of that, and to have every line checked.
    #[must_use]
    pub fn exhaustive(set: Arc<IndicatorSet>, reader: Reader) -> Self {
        Self { exhaustive: true, ..Self::new(set, reader) }
    }

    /// Goes on with another set; the log's state is kept.
    pub fn adopt(&mut self, set: Arc<IndicatorSet>) {
        self.set = set;
    }

    /// The set in use.
    #[must_use]
    pub fn set(&self) -> &Arc<IndicatorSet> {
        &self.set
    }

    /// The state of the log.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What was met since the scanner was made.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Looks through a chunk of whole lines; a last line without a line end is taken as whole. `now` is the time of records
    /// that bear none. Matches come in the order of the lines, those of one line in the order of the set.
    pub fn scan(&mut self, chunk: &[u8], now: Timestamp, found: &mut dyn FnMut(&Match<'_>)) {
        let mut offset = 0;
        let mut line = 0;
        while let Some(rest) = chunk.get(offset..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.scan_at(rest.get(..length).unwrap_or(rest), line, offset, now, found);
            offset += length + 1;
            line += 1;
        }
    }

    /// Looks through one line without its line end.
    pub fn scan_line(&mut self, line: &[u8], now: Timestamp, found: &mut dyn FnMut(&Match<'_>)) {
        self.scan_at(line, 0, 0, now, found);
    }

    fn scan_at(
        &mut self,
        text: &[u8],
        line: u64,
        line_offset: usize,
        now: Timestamp,
        found: &mut dyn FnMut(&Match<'_>),
    ) {
        self.tally.lines += 1;
        if !self.exhaustive && self.sift(text) == Verdict::Clear {
            return;
        }
        self.tally.read += 1;
        match self.reader.read(text) {
            Ok(Some(observation)) => {
                let place = Place { line, line_offset, text, time: observation.time.unwrap_or(now) };
                let parts = (&mut self.scratch, &mut self.tally);
                decide(&self.set, &self.reader, &observation, &place, parts, found);
            }
            Ok(None) => {}
            Err(reason) => *self.tally.unreadable.entry(reason).or_default() += 1,
        }
    }
}

impl Scanner {
    /// The first stage. Only lines of a standard shape can be cleared by it; all others are read.
    fn sift(&self, line: &[u8]) -> Verdict {
        if line.len() > telemetry::LINE_BYTES_MAX {
            return Verdict::Read;
        }
        let tsv_only = self.reader.format() == Some(Format::ZeekTsv);
        match line.trim_ascii_start().first() {
            Some(b'{') if !tsv_only && telemetry::values_stand_alone(line) => {
                sift::json_line(&self.set, line.trim_ascii())
            }
            Some(b'#') | None => Verdict::Read,
            Some(_) => {
                let tsv = self.reader.tsv();
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let tabs = || memchr::memchr_iter(b'\t', line).count();
                let shaped = matches!(self.reader.format(), None | Some(Format::ZeekTsv))
                    && tsv.is_standard()
                    && tsv.width() > 0
                    && tsv.width() == tabs() + 1;
                if shaped { sift::tabs_line(&self.set, line) } else { Verdict::Read }
            }
        }
    }
}

struct Place<'a> {
    line: u64,
    line_offset: usize,
    text: &'a [u8],
    time: Timestamp,
}

/// Decides exactly which indicators a record satisfies.
fn decide(
    set: &IndicatorSet,
    reader: &Reader,
    observation: &Observation<'_>,
    place: &Place<'_>,
    (scratch, tally): (&mut Scratch, &mut Tally),
    found: &mut dyn FnMut(&Match<'_>),
) {
    let seen = Seen::new(observation);
    let Scratch { leads, hits } = scratch;
    leads.clear();
    for (index, key) in seen.keys.iter().enumerate() {
        if let Some(key) = key {
            set.look_up(key, &mut |lead| leads.push((lead, index)));
        }
    }
    leads.sort_unstable();
    for group in leads.chunk_by(|(a, _), (b, _)| a.rule == b.rule) {
        hits.clear();
        let mut decided = None;
        for (lead, index) in group {
            match lead.conjunction {
                None => hits.push(*index),
                // Several values may lead to the same conjunction; once is enough.
                Some(number) if decided != Some(number) => {
                    decided = Some(number);
                    seen.satisfies(set.conjunction(number), hits);
                }
                Some(_) => {}
            }
        }
        let Some((lead, _)) = group.first().filter(|_| !hits.is_empty()) else { continue };
        if !set.counts_at(lead.rule, place.time) {
            tally.outside_validity += 1;
            continue;
        }
        hits.sort_unstable();
        hits.dedup();
        tally.matches += 1;
        let Place { line, line_offset, text, .. } = *place;
        found(&Match {
            indicator: set.indicator(lead.rule),
            line,
            line_offset,
            text,
            observation,
            reader,
            hits,
        });
    }
}
