//! One thread for each log source: read, match, ask the consent, minimise, spool. The position moves only with what it gave.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use api::SourceHealth;
use matcher::{IndicatorSet, Match, Scanner};
use telemetry::{Format, Reader};
use uuid::Uuid;

use crate::config::Source;
use crate::ledger::{LedgerKind, LedgerRow};
use crate::spool::{NewSpooled, Position, WAITING_SIGHTINGS_MAX};
use crate::status::Status;
use crate::tail::{Stretch, Tail};
use crate::{EdgeError, Shared, SpoolError};

/// How often a source looks for new lines.
const POLL: Duration = Duration::from_millis(50);
/// How often a source looks for new, rotated and truncated files.
const DISCOVER: Duration = Duration::from_millis(500);
/// How long to wait before a failed write to the spool is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// A position without matches is written at least this often.
const RECORD: Duration = Duration::from_secs(1);

/// Starts a thread for each source.
pub(crate) fn start(shared: &Arc<Shared>) -> Result<Vec<std::thread::JoinHandle<()>>, EdgeError> {
    let start_one = |source: &Source| {
        let shared = Arc::clone(shared);
        let source = source.clone();
        let runtime = tokio::runtime::Handle::try_current().ok();
        std::thread::Builder::new().name(format!("log {}", source.name)).spawn(move || {
            let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
            Pipeline::new(&shared, source).run();
        })
    };
    shared.config.sources.iter().map(|source| start_one(source).map_err(EdgeError::Start)).collect()
}

struct Pipeline<'a> {
    shared: &'a Shared,
    source: Source,
    scanners: HashMap<Uuid, FileScanner>,
    health: SourceHealth,
    recorded: Instant,
    /// Files whose position in the spool is behind the one in memory.
    unrecorded: HashSet<Uuid>,
}

/// A file's scanner, and the header lines that its format needs to go on after a restart.
struct FileScanner {
    scanner: Scanner,
    /// Reads the time of each stretch's last record.
    clock: Reader,
    header: Vec<u8>,
}

/// What one stretch gave.
#[derive(Default)]
struct Yield {
    sightings: Vec<NewSpooled>,
    ledger: Vec<LedgerRow>,
    newest: Option<jiff::Timestamp>,
}

impl<'a> Pipeline<'a> {
    fn new(shared: &'a Shared, source: Source) -> Self {
        let health = SourceHealth {
            name: source.name.clone(),
            format: source.format.map_or("auto", Format::name).to_owned(),
            behind_bytes: 0,
            lag_seconds: None,
            records: 0,
            unreadable: 0,
        };
        Self {
            shared,
            source,
            scanners: HashMap::new(),
            health,
            recorded: Instant::now(),
            unrecorded: HashSet::new(),
        }
    }

    fn run(&mut self) {
        while !self.shared.status.informed.load(Ordering::Relaxed) && !self.shared.is_stopping() {
            std::thread::sleep(POLL);
        }
        let ended = if self.source.path == "-" { self.read_standard_input() } else { self.follow() };
        if let Err(error) = ended {
            tracing::error!(source = self.source.name, %error, "the source stopped");
        }
    }

    fn follow(&mut self) -> Result<(), SpoolError> {
        let known = self.until_stored(|shared, source| shared.spool.positions(&source.name))?;
        let mut tail = Tail::new(self.source.path.clone(), known.unwrap_or_default());
        let mut discovered: Option<Instant> = None;
        while !self.shared.is_stopping() {
            if discovered.is_none_or(|at| at.elapsed() >= DISCOVER) {
                discovered = Some(Instant::now());
                self.discover(&mut tail)?;
            }
            if self.must_wait()? {
                std::thread::sleep(RETRY);
                continue;
            }
            match tail.next() {
                Ok(Some(stretch)) => self.take(&mut tail, &stretch)?,
                Ok(None) => {
                    self.record_positions(&mut tail, RECORD)?;
                    std::thread::sleep(POLL);
                }
                Err(error) => {
                    self.shared.status.set_trouble("log-unreadable", true);
                    tracing::warn!(source = self.source.name, %error, "a log cannot be read");
                    std::thread::sleep(RETRY);
                }
            }
            self.health.behind_bytes = tail.behind();
            self.shared.status.set_source(self.health.clone());
        }
        self.record_positions(&mut tail, Duration::ZERO)
    }

    /// Writes the positions of files that were read on without a match, so that a restart need not read them again.
    fn record_positions(&mut self, tail: &mut Tail, not_within: Duration) -> Result<(), SpoolError> {
        if self.unrecorded.is_empty() || self.recorded.elapsed() < not_within {
            return Ok(());
        }
        for file in std::mem::take(&mut self.unrecorded) {
            if let Some(position) = tail.position(file) {
                let position = position.clone();
                self.store(&position, &Yield::default())?;
            }
        }
        self.recorded = Instant::now();
        Ok(())
    }

    fn discover(&mut self, tail: &mut Tail) -> Result<(), SpoolError> {
        match tail.discover() {
            Ok(moved) => {
                self.shared.status.set_trouble("log-unreadable", false);
                for position in moved {
                    self.store(&position, &Yield::default())?;
                }
            }
            Err(error) => {
                self.shared.status.set_trouble("log-unreadable", true);
                tracing::warn!(source = self.source.name, %error, "a log cannot be opened");
            }
        }
        for position in tail.finished() {
            self.scanners.remove(&position.file);
            self.unrecorded.remove(&position.file);
            self.store(&position, &Yield::default())?;
        }
        self.shared.status.set_trouble("log-lost", tail.lost() > 0);
        for file in tail.forgotten() {
            self.until_stored(|shared, source| shared.spool.forget(&source.name, file))?;
        }
        Ok(())
    }

    /// While the spool is full nothing is read: logs on disk keep better than memory.
    fn must_wait(&self) -> Result<bool, SpoolError> {
        let full = self.shared.spool.waiting_count()? >= WAITING_SIGHTINGS_MAX;
        self.shared.status.set_trouble("spool-full", full);
        Ok(full)
    }

    fn take(&mut self, tail: &mut Tail, stretch: &Stretch) -> Result<(), SpoolError> {
        let Some(position) = tail.position(stretch.file) else { return Ok(()) };
        let found = self.scan(stretch, &position.header);
        if let Some(scanner) = self.scanners.get(&stretch.file) {
            position.header.clone_from(&scanner.header);
        }
        let position = position.clone();
        self.unrecorded.insert(position.file);
        if found.ledger.is_empty() {
            self.record_positions(tail, RECORD)?;
        } else {
            self.store(&position, &found)?;
            self.unrecorded.remove(&position.file);
        }
        if !found.sightings.is_empty() {
            self.shared.spooled.notify_one();
        }
        if let Some(newest) = found.newest {
            self.health.lag_seconds =
                Some((jiff::Timestamp::now() - newest).total(jiff::Unit::Second).unwrap_or(0.0));
        }
        Ok(())
    }

    /// Matches one stretch. Nothing of an unmatched record outlives this function.
    fn scan(&mut self, stretch: &Stretch, header: &[u8]) -> Yield {
        let now = jiff::Timestamp::now();
        let set = self.shared.indicators.current();
        let file =
            self.scanners.entry(stretch.file).or_insert_with(|| FileScanner::new(&set, &self.source, header));
        file.scanner.adopt(set);
        let mut found = Yield::default();
        let (shared, source) = (self.shared, &self.source);
        let before = file.counts();
        file.scanner
            .scan(&stretch.bytes, now, &mut |hit| consider(shared, source, stretch, hit, now, &mut found));
        let after = file.counts();
        file.keep_header(&stretch.bytes);
        found.newest = file.time_of_last(&stretch.bytes);
        let unreadable = after.unreadable - before.unreadable;
        let records = (after.lines - before.lines).saturating_sub(unreadable);
        if let Some(format) = telemetry::detect(&stretch.bytes).filter(|_| self.source.format.is_none()) {
            format.name().clone_into(&mut self.health.format);
        }
        self.health.records += records;
        self.health.unreadable += unreadable + stretch.oversize;
        Status::add(&shared.status.records, records);
        Status::add(&shared.status.matches, after.matches - before.matches);
        found
    }

    fn store(&self, position: &Position, found: &Yield) -> Result<(), SpoolError> {
        let stored = self.until_stored(|shared, source| {
            shared.spool.record(&source.name, position, &found.sightings, &found.ledger)
        });
        stored.map(drop)
    }

    /// Tries until the disk takes it; `None` when the edge stops meanwhile. Nothing is lost: the position has not moved.
    fn until_stored<T>(
        &self,
        work: impl Fn(&Shared, &Source) -> Result<T, SpoolError>,
    ) -> Result<Option<T>, SpoolError> {
        loop {
            match work(self.shared, &self.source) {
                Ok(done) => {
                    self.shared.status.set_trouble("disk-full", false);
                    return Ok(Some(done));
                }
                Err(SpoolError::Full) if self.shared.is_stopping() => return Ok(None),
                Err(SpoolError::Full) => {
                    self.shared.status.set_trouble("disk-full", true);
                    tracing::warn!("the disk is full; reading has paused");
                    std::thread::sleep(RETRY);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Standard input has no position: what is read is matched once.
    fn read_standard_input(&mut self) -> Result<(), SpoolError> {
        let mut input = io::stdin().lock();
        let file = Uuid::new_v4();
        let mut position = Position {
            file,
            path: PathBuf::from("-"),
            inode: 0,
            prefix_length: 0,
            prefix_hash: [0; 32],
            position: 0,
            line: 0,
            header: Vec::new(),
            finished: false,
        };
        let mut bytes = Vec::new();
        while !self.shared.is_stopping() {
            bytes.clear();
            let limit = crate::tail::LINE_BYTES_MAX as u64;
            match io::Read::take(&mut input, limit).read_until(b'\n', &mut bytes) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "standard input cannot be read");
                    break;
                }
            }
            let stretch = Stretch {
                file,
                offset: position.position,
                line: position.line + 1,
                bytes: bytes.clone(),
                oversize: 0,
            };
            let found = self.scan(&stretch, &[]);
            position.position += bytes.len() as u64;
            position.line += 1;
            if !found.ledger.is_empty() {
                self.store(&position, &found)?;
                self.shared.spooled.notify_one();
            }
            self.shared.status.set_source(self.health.clone());
        }
        position.finished = true;
        self.store(&position, &Yield::default())
    }
}

/// Decides on one match: it is written to the ledger, and leaves only as far as the operator consents.
fn consider(
    shared: &Shared,
    source: &Source,
    stretch: &Stretch,
    hit: &Match<'_>,
    now: jiff::Timestamp,
    found: &mut Yield,
) {
    let indicator = hit.indicator;
    let id = indicator.id();
    let row = |kind, detail| LedgerRow {
        at: now,
        kind,
        indicator: id.to_string(),
        name: indicator.name().to_owned(),
        detail,
    };
    let place = format!("{}:{}", source.name, stretch.line + hit.line);
    let values = hit.hits.iter().filter_map(|index| hit.observation.values.get(*index));
    let values: Vec<String> =
        values.map(|observed| format!("{} = {}", observed.field, observed.value)).collect();
    found.ledger.push(row(LedgerKind::Matched, format!("{place} {}", values.join(", "))));
    let about = (&id, indicator.version(), shared.indicators.marking_of(&id));
    let config = &shared.config;
    match oversight::minimise(about, hit.observation, hit.hits, config.purpose, &config.consent, now) {
        Ok(minimised) => {
            let offset = stretch.offset + hit.line_offset as u64;
            let record: [&[u8]; 4] =
                [source.name.as_bytes(), &offset.to_be_bytes(), hit.text, id.as_str().as_bytes()];
            let sighting = shared.spool.sighting_id(&record);
            found.sightings.push(NewSpooled { id: sighting, minimised });
        }
        Err(why) => found.ledger.push(row(LedgerKind::Withheld, why.to_string())),
    }
}

/// A scanner's counters at one moment.
struct ScanCounts {
    lines: u64,
    unreadable: u64,
    matches: u64,
}

impl FileScanner {
    /// A scanner that knows the header which the file had before the position.
    fn new(set: &Arc<IndicatorSet>, source: &Source, header: &[u8]) -> Self {
        let scanner = Scanner::new(Arc::clone(set), source.reader());
        let mut file = Self { scanner, clock: source.reader(), header: Vec::new() };
        file.scanner.scan(header, jiff::Timestamp::UNIX_EPOCH, &mut |_| {});
        file.keep_header(header);
        file
    }

    fn counts(&self) -> ScanCounts {
        let tally = self.scanner.tally();
        ScanCounts { lines: tally.lines, unreadable: tally.unreadable.values().sum(), matches: tally.matches }
    }

    /// The time of the last record: how far behind the source is.
    fn time_of_last(&mut self, bytes: &[u8]) -> Option<jiff::Timestamp> {
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let start = memchr::memrchr(b'\n', whole).map_or(0, |newline| newline + 1);
        let observation = self.clock.read(whole.get(start..)?).ok()??;
        observation.time
    }

    /// Header lines begin with `#`; a new block of them replaces the old one. A line of names without a `#`, which some formats
    /// have, is known to the reader.
    fn keep_header(&mut self, bytes: &[u8]) {
        /// No format has a longer header.
        const HEADER_BYTES_MAX: usize = 64 << 10;
        if let Some(line) =
            self.scanner.reader().columns_line().filter(|_| self.clock.columns_line().is_none())
        {
            let _ = self.clock.read(line.as_bytes());
            if line.len() < HEADER_BYTES_MAX {
                self.header.clear();
                self.header.extend_from_slice(line.as_bytes());
                self.header.push(b'\n');
            }
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"#")) {
            if line.starts_with(b"#separator") {
                self.header.clear();
            }
            if self.header.len() + line.len() <= HEADER_BYTES_MAX {
                self.header.extend_from_slice(line);
                // A header line is no record; what the reader needs of it, it keeps.
                let _ = self.clock.read(line.strip_suffix(b"\n").unwrap_or(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use matcher::{IndicatorSet, Options, WarningLists};
    use telemetry::Format;

    use super::FileScanner;
    use crate::config::Source;

    #[test]
    fn names_of_columns_outlive_a_restart() {
        let set = Arc::new(IndicatorSet::build([], &WarningLists::none(), &Options::default(), 1).set);
        for (format, header, record) in [
            (Format::Csv, "time,src_ip\n", "2026-01-15T00:00:00Z,192.0.2.1\n"),
            (Format::Aws, "srcaddr dstaddr start\n", "192.0.2.1 198.51.100.7 1768435200\n"),
            (Format::Access, "#Fields: date time c-ip\n", "2026-01-15 00:00:00 192.0.2.1\n"),
            (Format::ZeekTsv, "#fields\tts\tid.orig_h\n", "1768435200\t192.0.2.1\n"),
        ] {
            let source = Source { name: "log".into(), path: "-".into(), format: Some(format), columns: None };
            let read = |file: &mut FileScanner, text: &str| {
                file.scanner.scan(text.as_bytes(), Timestamp::UNIX_EPOCH, &mut |_| {});
                file.keep_header(text.as_bytes());
            };
            let mut before = FileScanner::new(&set, &source, b"");
            read(&mut before, header);
            read(&mut before, record);
            assert_eq!(before.counts().unreadable, 0, "{format:?}");
            let mut after = FileScanner::new(&set, &source, &before.header);
            read(&mut after, record);
            assert_eq!(after.counts().unreadable, 0, "{format:?}");
            assert_eq!(after.header, before.header, "{format:?}");
            let time = after.time_of_last(record.as_bytes()).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some("2026-01-15T00:00:00Z"), "{format:?}");
        }
    }
}
