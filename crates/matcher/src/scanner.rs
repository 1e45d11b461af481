use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use telemetry::{Format, Observation, Reader, Unreadable};

use crate::condition::Seen;
use crate::graph;
use crate::parts::TestOf;
use crate::set::{IndicatorRef, IndicatorSet, Lead};
use crate::sift::Sieve;
use crate::simd::Simd;
use crate::window::{Arrival, Bound, BoundRecord, Windows};

/// Looks for the indicators of a set in the lines of one log.
///
/// A scanner belongs to one log, because tab-separated values have a header; the set belongs to all scanners.
pub struct Scanner {
    set: Arc<IndicatorSet>,
    reader: Reader,
    tally: Tally,
    /// The first stage; `None`: every line is read.
    sieve: Option<Sieve>,
    windows: Windows,
    /// Lines and bytes of the chunks before this one.
    lines: u64,
    bytes: u64,
    /// Kept between lines so that a line allocates nothing.
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    /// A rule, what else it asks, and the value that led to it.
    leads: Vec<(Lead, usize)>,
    hits: Vec<usize>,
    /// Tests of one rule's parts that the record satisfies.
    met: Vec<TestOf>,
    /// The values that led to them, by part.
    led: Vec<(u32, usize)>,
    /// The other records of a match, with the pattern's observations that each satisfied; and the same as they are handed out.
    others: Vec<Bound>,
    bound: Vec<BoundRecord>,
    bound_as: Vec<Box<[u32]>>,
    /// The numbers of the tests of one part.
    tests: Vec<u32>,
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
    /// Records of which a part of a pattern could not be decided, because it names too many types of object.
    pub undecided: u64,
}

/// One indicator that one record satisfies.
#[derive(Debug)]
pub struct Match<'a> {
    /// The indicator.
    pub indicator: IndicatorRef<'a>,
    /// The [generation](IndicatorSet::generation) of the set that it is of.
    pub generation: u64,
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
    /// The values that the indicator's pattern is met by: indices of [`Observation::values`], rising. Empty only where the
    /// pattern names none ([`Options::unanchored`](crate::Options::unanchored)).
    pub hits: &'a [usize],
    /// The other records that a pattern over several observations is met by, the earliest first. Their lines are counted as
    /// [`place`](Self::place) is.
    pub bound: &'a [BoundRecord],
    /// Which observations of the pattern each of them satisfied: their numbers in the order of the text, from 0.
    pub bound_as: &'a [Box<[u32]>],
    /// This record's place and time, counted since the scanner was made.
    pub place: BoundRecord,
}

impl Scanner {
    /// A scanner for one log.
    #[must_use]
    pub fn new(set: Arc<IndicatorSet>, reader: Reader) -> Self {
        Self::with_simd(set, reader, Simd::best())
    }

    /// A scanner with a first stage of these instructions. It finds the same: for tests and measurements of that.
    #[must_use]
    pub fn with_simd(set: Arc<IndicatorSet>, reader: Reader, simd: Simd) -> Self {
        let sieve = Some(Sieve::new(simd));
        Self {
            set,
            reader,
            tally: Tally::default(),
            sieve,
            windows: Windows::default(),
            lines: 0,
            bytes: 0,
            scratch: Scratch::default(),
        }
    }

    /// A scanner that parses every line. Slower, and finds the same: for tests of that, and to have every line checked.
    #[must_use]
    pub fn exhaustive(set: Arc<IndicatorSet>, reader: Reader) -> Self {
        Self { sieve: None, ..Self::new(set, reader) }
    }

    /// Goes on with another set; the log's state is kept, and what patterns remember that are in the new set as well. Between
    /// two chunks, and without a pause: what the new set was built for is done. The earlier set is freed with its last owner.
    pub fn adopt(&mut self, set: Arc<IndicatorSet>) {
        if !Arc::ptr_eq(&self.set, &set) && self.windows.held() > 0 {
            let known = set.part_keys();
            self.windows.keep(|key| known.contains(key));
        }
        self.set = set;
    }

    /// What patterns over several observations remember.
    #[must_use]
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// Takes up what patterns remembered, in place of what they remember now: after a restart, or to look for a pattern over
    /// several logs. The numbers of lines in it are those of the scanner that met them.
    pub fn remember(&mut self, windows: Windows) {
        self.windows = windows;
    }

    /// Hands out what patterns remember, which is then forgotten here.
    #[must_use]
    pub fn take_windows(&mut self) -> Windows {
        std::mem::take(&mut self.windows)
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
            let taken = self.sift(rest);
            if taken > 0 {
                line += self.read_candidates(rest, line, offset, now, found);
                offset += taken;
                continue;
            }
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.scan_at(rest.get(..length).unwrap_or(rest), line, offset, now, found);
            offset += length + 1;
            line += 1;
        }
        self.lines += line;
        self.bytes += chunk.len() as u64;
    }

    /// Looks through one line without its line end.
    pub fn scan_line(&mut self, line: &[u8], now: Timestamp, found: &mut dyn FnMut(&Match<'_>)) {
        self.scan_at(line, 0, 0, now, found);
        self.lines += 1;
        self.bytes += line.len() as u64 + 1;
    }

    /// Decides one record that was read elsewhere, such as a row of a store of earlier records. `place` is told of it in
    /// matches, and with its time it is remembered by patterns over several records; `text` is shown in matches and not read.
    pub fn scan_record(
        &mut self,
        record: &Observation<'_>,
        text: &[u8],
        place: BoundRecord,
        now: Timestamp,
        found: &mut dyn FnMut(&Match<'_>),
    ) {
        self.tally.lines += 1;
        self.tally.read += 1;
        let place = Place { line: place.line, line_offset: 0, text, arrival: Arrival { record: place, now } };
        let parts = (&mut self.scratch, &mut self.tally, &mut self.windows);
        decide(&self.set, &self.reader, record, &place, parts, found);
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
        if !self.is_clear(text) {
            self.read(text, line, line_offset, now, found);
        }
    }

    /// The second stage for the lines of the stretch that the first one let through; how many lines the stretch has.
    fn read_candidates(
        &mut self,
        stretch: &[u8],
        line: u64,
        offset: usize,
        now: Timestamp,
        found: &mut dyn FnMut(&Match<'_>),
    ) -> u64 {
        let lines = self.sieve.as_ref().map_or(0, Sieve::lines) as u64;
        self.tally.lines += lines;
        let mut index = 0;
        while let Some(candidate) = self.sieve.as_ref().and_then(|sieve| sieve.candidate(index)) {
            let text = stretch.get(candidate.start..candidate.end).unwrap_or_default();
            self.read(text, line + candidate.number as u64, offset + candidate.start, now, found);
            index += 1;
        }
        lines
    }

    fn read(
        &mut self,
        text: &[u8],
        line: u64,
        line_offset: usize,
        now: Timestamp,
        found: &mut dyn FnMut(&Match<'_>),
    ) {
        self.tally.read += 1;
        match self.reader.read(text) {
            Ok(Some(observation)) => {
                let record = BoundRecord {
                    time: observation.time.unwrap_or(now),
                    line: self.lines + line,
                    offset: self.bytes + line_offset as u64,
                };
                let place = Place { line, line_offset, text, arrival: Arrival { record, now } };
                let parts = (&mut self.scratch, &mut self.tally, &mut self.windows);
                decide(&self.set, &self.reader, &observation, &place, parts, found);
            }
            Ok(None) => {}
            Err(reason) => *self.tally.unreadable.entry(reason).or_default() += 1,
        }
    }
}

impl Scanner {
    /// The first stage over the lines that the text begins with. Only lines of a standard shape can be cleared by it; all
    /// others are read. How many bytes it took; none where the first line is of no such shape.
    fn sift(&mut self, text: &[u8]) -> usize {
        let Some(sieve) = self.sieve.as_mut().filter(|_| !self.set.reads_all()) else { return 0 };
        match text.first() {
            Some(b'{') if may_be_json(&self.reader) => {
                sieve.json(&self.set, text, may_be_composite(&self.reader))
            }
            Some(b'{' | b'#') | None => 0,
            Some(byte) if byte.is_ascii_whitespace() => 0,
            Some(_) => match shaped_width(&self.reader) {
                Some(width) => sieve.tabs(&self.set, text, width),
                None => 0,
            },
        }
    }

    /// Whether the first stage says of one line that it need not be read.
    fn is_clear(&mut self, line: &[u8]) -> bool {
        let Some(sieve) = self.sieve.as_mut().filter(|_| !self.set.reads_all()) else { return false };
        let taken = match line.trim_ascii_start().first() {
            Some(b'{') if may_be_json(&self.reader) => {
                sieve.json(&self.set, line.trim_ascii(), may_be_composite(&self.reader))
            }
            Some(b'#') | None => 0,
            Some(_) => match shaped_width(&self.reader) {
                Some(width) => sieve.tabs(&self.set, line.strip_suffix(b"\r").unwrap_or(line), width),
                None => 0,
            },
        };
        taken > 0 && sieve.candidate(0).is_none()
    }
}

fn may_be_json(reader: &Reader) -> bool {
    reader.format() != Some(Format::ZeekTsv)
}

/// Whether one string may hold several values, or one among words, in the records of the log.
fn may_be_composite(reader: &Reader) -> bool {
    !matches!(reader.format(), Some(Format::Eve | Format::ZeekJson))
}

/// How many columns a record has, where columns are parted as the first stage knows it.
fn shaped_width(reader: &Reader) -> Option<usize> {
    let tsv = reader.tsv();
    let shaped = matches!(reader.format(), None | Some(Format::ZeekTsv)) && tsv.is_standard();
    Some(tsv.width()).filter(|width| shaped && *width > 0)
}

struct Place<'a> {
    line: u64,
    line_offset: usize,
    text: &'a [u8],
    arrival: Arrival,
}

/// Stands for the value where none led to a test.
const NO_VALUE: usize = usize::MAX;

/// Decides exactly which indicators a record satisfies.
fn decide(
    set: &IndicatorSet,
    reader: &Reader,
    observation: &Observation<'_>,
    place: &Place<'_>,
    (scratch, tally, windows): (&mut Scratch, &mut Tally, &mut Windows),
    found: &mut dyn FnMut(&Match<'_>),
) {
    let seen = Seen::new(observation);
    let mut leads = std::mem::take(&mut scratch.leads);
    leads.clear();
    leads.extend(set.unanchored_leads().map(|lead| (lead, NO_VALUE)));
    for (index, key) in seen.keys.iter().enumerate() {
        if let Some(key) = key {
            set.look_up(key, &mut |lead| leads.push((lead, index)));
        }
    }
    leads.sort_unstable();
    let mut objects = None;
    for group in leads.chunk_by(|(a, _), (b, _)| a.rule == b.rule) {
        scratch.follow(set, &seen, group, &mut objects, tally);
        let mut complete = !scratch.hits.is_empty();
        let Some((lead, _)) = group.first().filter(|_| complete || !scratch.met.is_empty()) else { continue };
        let counts = set.counts_at(lead.rule, place.arrival.record.time);
        complete |= scratch.complete_parts(set, counts.then_some(&mut *windows), &place.arrival);
        if !complete {
            continue;
        }
        if !counts {
            tally.outside_validity += 1;
            continue;
        }
        scratch.hand_out();
        let Scratch { hits, bound, bound_as, .. } = &*scratch;
        tally.matches += 1;
        let Place { line, line_offset, text, arrival } = *place;
        found(&Match {
            indicator: set.indicator(lead.rule),
            generation: set.generation(),
            line,
            line_offset,
            text,
            observation,
            reader,
            hits,
            bound,
            bound_as,
            place: arrival.record,
        });
    }
    scratch.leads = leads;
}

/// Whether the record's objects satisfy a test.
fn holds(set: &IndicatorSet, test: TestOf, objects: &Map<String, Value>, tally: &mut Tally) -> bool {
    let predicate = set.part(test.part).and_then(|part| part.evaluator.predicates().get(test.test as usize));
    predicate.is_some_and(|predicate| {
        predicate.holds(objects).unwrap_or_else(|_| {
            tally.undecided += 1;
            false
        })
    })
}

impl Scratch {
    /// Follows the leads of one rule: to the values that decide by themselves, and to the tests of parts that the record satisfies.
    fn follow(
        &mut self,
        set: &IndicatorSet,
        seen: &Seen<'_>,
        leads: &[(Lead, usize)],
        objects: &mut Option<Map<String, Value>>,
        tally: &mut Tally,
    ) {
        self.hits.clear();
        self.met.clear();
        self.led.clear();
        self.others.clear();
        let mut decided = None;
        for (lead, index) in leads {
            let Some(number) = lead.conjunction else {
                self.hits.push(*index);
                continue;
            };
            // Several values may lead to the same conjunction or test; once is enough.
            let first = decided != Some(number);
            decided = Some(number);
            match set.test(number) {
                Some(test) => {
                    if first {
                        let objects =
                            objects.get_or_insert_with(|| graph::canonical_objects(seen.observation));
                        self.met.extend(holds(set, test, objects, tally).then_some(test));
                    }
                    if self.met.last() == Some(&test) && *index != NO_VALUE {
                        self.led.push((test.part, *index));
                    }
                }
                None if first => {
                    seen.satisfies(set.conjunction(number), &mut self.hits);
                }
                None => {}
            }
        }
    }

    /// Brings what a match was met by into the order in which it is told.
    fn hand_out(&mut self) {
        self.hits.sort_unstable();
        self.hits.dedup();
        self.others.sort_unstable_by_key(|other| (other.record.time, other.record.line));
        self.others.dedup_by(|other, kept| other.record == kept.record);
        self.bound.clear();
        self.bound_as.clear();
        for Bound { record, tests } in self.others.drain(..) {
            self.bound.push(record);
            self.bound_as.push(tests);
        }
    }

    /// Whether any part is complete with the tests that the record satisfies. Without windows only those are that one
    /// comparison decides.
    fn complete_parts(
        &mut self,
        set: &IndicatorSet,
        mut windows: Option<&mut Windows>,
        arrival: &Arrival,
    ) -> bool {
        let mut complete = false;
        self.met.sort_unstable();
        for group in self.met.chunk_by(|a, b| a.part == b.part) {
            let Some((number, part)) = group.first().and_then(|test| Some((test.part, set.part(test.part)?)))
            else {
                continue;
            };
            if !part.bare {
                self.tests.clear();
                self.tests.extend(group.iter().map(|test| test.test));
                let fed = windows.as_deref_mut().and_then(|windows| windows.feed(part, &self.tests, arrival));
                let Some(others) = fed else { continue };
                self.others.extend(others.into_iter().map(|other| part.in_pattern(other)));
            }
            complete = true;
            let led = self.led.iter().filter(|(of, _)| *of == number);
            self.hits.extend(led.map(|(_, index)| *index));
        }
        complete
    }
}
