//! One thread for each log source: read, match, ask the consent, minimise, spool. The position moves only with what it gave.

mod event_log;
mod group;
mod partitions;
mod pushed;
mod ruled;
mod tasked;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use api::SourceHealth;
use matcher::{IndicatorSet, Match, Scanner};
use oversight::authorisation::Selected;
use stix::Id;
use telemetry::{Format, Observation, Reader, Role, Unreadable};
use uuid::Uuid;

use crate::config::{Origin, Source};
use crate::history::Recorder;
use crate::ledger::{LedgerKind, LedgerRow};
use crate::source::Mark;
use crate::source::event_logs::{self, EventLogs};
use crate::source::journal::Key;
use crate::source::tail::{LINE_BYTES_MAX, Stretch, Tail};
use crate::spool::history::HistoryKept;
use crate::spool::{Kept, NewSpooled, Position, Reach, WAITING_SIGHTINGS_MAX};
use crate::status::{SourceReport, Status};
use crate::tuning::{Held, State, Verdict};
use crate::{EdgeError, Shared, SpoolError};

/// How often a source looks for new lines.
const POLL: Duration = Duration::from_millis(50);
/// The same while lines come: the next one is to be matched some milliseconds after it was written.
const QUICK_POLL: Duration = Duration::from_millis(2);
/// How long after its last line a source counts as one that more comes from.
const LIVELY: Duration = Duration::from_secs(2);
/// How often a source looks for new files; those that follow on a rotated or truncated one it finds with the next look for lines.
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
    report: SourceReport,
    /// The formats that were found so far.
    formats: BTreeSet<&'static str>,
    recorded: Instant,
    /// Files whose position in the spool is behind the one in memory.
    unrecorded: HashSet<Uuid>,
    /// When there was something to match last, and whether there was room in the spool when it was asked last.
    lively: Instant,
    room: Option<(Instant, bool)>,
    /// Where what is read is kept.
    recorder: Option<Recorder>,
}

/// A file's scanner, and the header lines that its format needs to go on after a restart.
struct FileScanner {
    scanner: Scanner,
    /// Holds Sigma rules against the records; `None` while there are none.
    rules: Option<sigma::Scanner>,
    /// What the rules remembered before a restart, until there are rules.
    rules_before: Option<sigma::Remembered>,
    /// Looks for what is asked under authorisations; `None` while nothing is.
    tasked: Option<Scanner>,
    /// Reads the time of each stretch's last record.
    clock: Reader,
    header: Vec<u8>,
    /// Whether the spool knows what is remembered of the file, and until when it is not told again.
    windows_kept: bool,
    windows_rest: Option<Instant>,
}

/// What is remembered is written no more often than this times what writing it takes.
const WINDOWS_REST: u32 = 30;

/// What patterns and rules over several records remember of a file, as it is kept. What was looked for under authorisations is not in
/// it: half of a pattern is nothing that was selected, and only that may be written.
#[derive(serde::Deserialize)]
struct Remembered {
    patterns: matcher::Windows,
    rules: Option<sigma::Remembered>,
}

/// What one stretch gave.
#[derive(Default)]
struct Yield {
    sightings: Vec<NewSpooled>,
    /// What was found under authorisations.
    selected: BTreeMap<Uuid, Selected>,
    ledger: Vec<LedgerRow>,
    /// Matches whose sightings were held back.
    held: BTreeMap<Id, Held>,
    /// What was decided because of the matches.
    verdicts: Vec<(Id, Option<Verdict>)>,
    /// What the matches are told apart by for hunts.
    told: Vec<Uuid>,
    newest: Option<jiff::Timestamp>,
}

impl Yield {
    /// Counts a match whose sighting is held back.
    fn hold(&mut self, indicator: &Id, time: jiff::Timestamp) {
        let one = Held::one(time);
        self.held.entry(indicator.clone()).and_modify(|held| *held = held.with(one)).or_insert(one);
    }

    /// Whether there is nothing to be kept but the position.
    fn is_empty(&self) -> bool {
        self.ledger.is_empty() && self.held.is_empty() && self.selected.is_empty()
    }
}

impl<'a> Pipeline<'a> {
    fn new(shared: &'a Shared, source: Source) -> Self {
        let health = SourceHealth {
            name: source.name.clone(),
            format: source.format_name().to_owned(),
            behind_bytes: 0,
            lag_seconds: None,
            records: 0,
            unreadable: 0,
        };
        let recorder = shared.history.as_ref().map(|history| Recorder::new(Arc::clone(history), &source));
        Self {
            recorder,
            shared,
            source,
            scanners: HashMap::new(),
            report: SourceReport::new(health),
            formats: BTreeSet::new(),
            recorded: Instant::now(),
            unrecorded: HashSet::new(),
            lively: Instant::now(),
            room: None,
        }
    }

    fn run(&mut self) {
        while !self.shared.status.informed.load(Ordering::Relaxed) && !self.shared.is_stopping() {
            std::thread::sleep(POLL);
        }
        let ended = match self.source.origin.clone() {
            Origin::Files(pattern) => self.follow(pattern),
            Origin::StandardInput => self.read_standard_input(),
            Origin::Http(_) | Origin::Syslog(_) | Origin::Netflow(_) | Origin::Dnstap(_) => {
                self.take_pushed()
            }
            Origin::Nats(nats) => self.take_messages(&nats),
            Origin::Kafka(kafka) => self.take_partitions(&kafka),
        };
        if let Err(error) = ended {
            tracing::error!(source = self.source.name, %error, "the source stopped");
            if let Some(history) = &self.shared.history {
                history.give_up(&self.source.name);
            }
        }
    }

    fn follow(&mut self, pattern: String) -> Result<(), SpoolError> {
        let known = self.until_stored(|shared, source| shared.spool.positions(&source.name))?;
        let (of_event_logs, known) =
            known.unwrap_or_default().into_iter().partition(event_logs::is_position_of_one);
        let reads_event_logs = matches!(self.source.format, None | Some(Format::Windows));
        let mut logs = reads_event_logs.then(|| EventLogs::new(pattern.clone(), of_event_logs));
        let mut tail = Tail::new(pattern, known);
        if reads_event_logs {
            tail.pass_over(event_logs::begins_so);
        }
        let mut discovered: Option<Instant> = None;
        while !self.shared.is_stopping() {
            if discovered.is_none_or(|at| at.elapsed() >= DISCOVER) {
                discovered = Some(Instant::now());
                self.discover(&mut tail)?;
                if let Some(logs) = &mut logs {
                    self.discover_event_logs(logs)?;
                }
            }
            if self.must_wait()? {
                self.record_positions(&mut tail, RECORD)?;
                std::thread::sleep(self.patience());
                continue;
            }
            let was_event = self.take_event_log(logs.as_mut())?;
            match tail.next() {
                Ok(Some(stretch)) => self.take(&mut tail, &stretch)?,
                Ok(None) if was_event => {}
                Ok(None) => {
                    self.record_positions(&mut tail, RECORD)?;
                    if tail.has_moved() {
                        discovered = None;
                    } else {
                        std::thread::sleep(self.pause());
                    }
                }
                Err(error) => {
                    self.shared.status.set_trouble("log-unreadable", true);
                    tracing::warn!(source = self.source.name, %error, "a log cannot be read");
                    self.record_positions(&mut tail, RECORD)?;
                    std::thread::sleep(RETRY);
                }
            }
            self.report.health.behind_bytes = tail.behind() + logs.as_ref().map_or(0, EventLogs::behind);
            self.tell();
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
        self.shared.status.set_trouble_of(&self.source.name, "log-lost", tail.lost() > 0);
        for file in tail.forgotten() {
            self.until_stored(|shared, source| shared.spool.forget(&source.name, file))?;
        }
        Ok(())
    }

    /// While the spool is full, or the history has as much to write as may wait, nothing is read: logs on disk keep better than
    /// memory.
    fn must_wait(&mut self) -> Result<bool, SpoolError> {
        if let Some((asked, full)) = self.room
            && asked.elapsed() < POLL
        {
            return Ok(full || self.history_must_catch_up());
        }
        let full = self.shared.spool.waiting_count()? >= WAITING_SIGHTINGS_MAX;
        self.shared.status.set_trouble("spool-full", full);
        self.room = Some((Instant::now(), full));
        Ok(full || self.history_must_catch_up())
    }

    fn history_must_catch_up(&self) -> bool {
        self.shared.history.as_ref().is_some_and(|history| history.must_wait())
    }

    /// How long to wait before it is asked again whether reading must wait.
    fn patience(&self) -> Duration {
        if self.history_must_catch_up() { POLL } else { RETRY }
    }

    /// How long to wait where nothing has come.
    fn pause(&self) -> Duration {
        if self.lively.elapsed() < LIVELY { QUICK_POLL } else { POLL }
    }

    fn take(&mut self, tail: &mut Tail, stretch: &Stretch) -> Result<(), SpoolError> {
        let Some(position) = tail.position(stretch.file) else { return Ok(()) };
        let found = self.scan(stretch, &position.header);
        if let Some(scanner) = self.scanners.get(&stretch.file) {
            position.header.clone_from(&scanner.header);
        }
        let position = position.clone();
        self.unrecorded.insert(position.file);
        if found.is_empty() {
            self.record_positions(tail, RECORD)?;
        } else {
            self.store(&position, &found)?;
            self.unrecorded.remove(&position.file);
        }
        if !found.sightings.is_empty() {
            self.shared.spooled.notify_one();
        }
        self.note_lag(&found);
        Ok(())
    }

    /// How far behind the newest record is.
    fn note_lag(&mut self, found: &Yield) {
        if let Some(newest) = found.newest {
            self.report.health.lag_seconds =
                Some((jiff::Timestamp::now() - newest).total(jiff::Unit::Second).unwrap_or(0.0));
        }
    }

    /// Shows how the source is.
    fn tell(&mut self) {
        self.report.windows = self.scanners.values().map(|file| file.scanner.windows().into()).sum();
        self.shared.status.set_source(self.report.clone());
    }

    /// Matches one stretch. Nothing of an unmatched record outlives this function.
    fn scan(&mut self, stretch: &Stretch, header: &[u8]) -> Yield {
        let now = jiff::Timestamp::now();
        self.lively = Instant::now();
        let _scanning = self.shared.history.as_ref().map(|history| history.scanning());
        let set = self.shared.indicators.current();
        let file = self.scanners.entry(stretch.file).or_insert_with(|| {
            let mut file = FileScanner::new(&set, &self.source, header);
            file.remember(self.shared.spool.windows(&self.source.name, stretch.file));
            file
        });
        file.scanner.adopt(set);
        let mut found = Yield::default();
        let (shared, source) = (self.shared, &self.source);
        let before = file.counts();
        let label = self.recorder.as_ref().map(|recorder| recorder.label(stretch.file));
        file.scanner.scan(&stretch.bytes, now, &mut |hit| {
            consider(shared, source, stretch, hit, now, &mut found);
            if let Some(label) = &label {
                let offset = stretch.offset + hit.line_offset as u64;
                found.told.push(shared.spool.told_id(label, offset, &hit.indicator.id()));
            }
        });
        let after = file.counts();
        let rules = ruled::scan(shared, source, file, stretch, now, &mut found);
        tasked::scan(shared, source, file, stretch, now, &mut found);
        if let Some(recorder) = &mut self.recorder {
            recorder.add(stretch, header, now);
        }
        file.keep_header(&stretch.bytes);
        found.newest = file.time_of_last(&stretch.bytes);
        if shared.tuning.counts_hosts() {
            shared.tuning.saw_hosts(&file.sampled_hosts(&stretch.bytes, shared), now);
        }
        let mut unreadable = 0;
        for (why, count) in &after.unreadable {
            let new = count - before.unreadable.get(why).copied().unwrap_or(0);
            unreadable += new;
            self.report.count_unreadable(*why, new);
        }
        self.report.count_unreadable(Unreadable::TooLong, stretch.oversize);
        let records = (after.lines - before.lines).saturating_sub(unreadable);
        if self.source.format.is_none()
            && let Some(format) = telemetry::detect(&stretch.bytes)
            && self.formats.insert(format.name())
        {
            self.report.health.format = self.formats.iter().copied().collect::<Vec<_>>().join(", ");
        }
        self.report.health.records += records;
        self.report.health.unreadable += unreadable + stretch.oversize;
        Status::add(&shared.status.records, records);
        shared.meter.passed(records, stretch.bytes.len() as u64, now);
        Status::add(&shared.status.matches, after.matches - before.matches + rules);
        Status::add(&shared.status.rule_matches, rules);
        found
    }

    fn store(&mut self, position: &Position, found: &Yield) -> Result<(), SpoolError> {
        self.store_all(position, found, &[]).map(drop)
    }

    /// Whether it is stored; it is not where the edge stops before the disk takes it.
    fn store_all(&mut self, position: &Position, found: &Yield, taken: &[Key]) -> Result<bool, SpoolError> {
        self.store_kept(position, found, taken, &[])
    }

    fn store_kept(
        &mut self,
        position: &Position,
        found: &Yield,
        taken: &[Key],
        reaches: &[Reach],
    ) -> Result<bool, SpoolError> {
        let windows = self.scanners.get_mut(&position.file).and_then(FileScanner::windows_to_keep);
        let news = self.shared.tuning.history_news();
        let Yield { sightings, selected, ledger, held, verdicts, told, .. } = found;
        // What is told to have been taken is on disk before: the history forgets what it was handed, a broker what it gave. Files
        // are read again where it is not.
        let settles =
            self.recorder.is_some() || matches!(self.source.origin, Origin::Nats(_) | Origin::Kafka(_));
        let mut recorder = self.recorder.take();
        let stored = self.until_stored(|shared, source| {
            // The position never goes before the history: what is not in the journal is read again, or counted as lost.
            let settled =
                recorder.as_mut().map(|recorder| recorder.settle(position.file)).unwrap_or_default();
            let kept = Kept {
                sightings,
                selected: Some(selected).filter(|selected| !selected.is_empty()),
                ledger,
                taken,
                reaches,
                windows: windows.as_deref(),
                held: Some(held).filter(|held| !held.is_empty()),
                verdicts,
                prevalence: Some(&news).filter(|news| !news.is_empty()),
                history: HistoryKept { place: settled.place, lost: settled.lost, told },
            };
            shared.spool.keep(&source.name, position, &kept)
        });
        // Apart from keeping, which is not done twice for this.
        let stored = match stored {
            Ok(Some(())) if settles => self.until_stored(|shared, _| shared.spool.settle()),
            other => other,
        };
        if let (Some(recorder), Ok(Some(()))) = (&mut recorder, &stored) {
            recorder.kept(position.file);
        }
        self.recorder = recorder;
        if !matches!(stored, Ok(Some(()))) {
            self.shared.tuning.give_back(news);
        }
        Ok(stored?.is_some())
    }

    /// Tries until the disk takes it; `None` when the edge stops meanwhile. Nothing is lost: the position has not moved.
    fn until_stored<T>(
        &self,
        mut work: impl FnMut(&Shared, &Source) -> Result<T, SpoolError>,
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
            if self.history_must_catch_up() {
                std::thread::sleep(POLL);
                continue;
            }
            bytes.clear();
            let limit = LINE_BYTES_MAX as u64;
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
                mark: Mark::Place,
            };
            let found = self.scan(&stretch, &[]);
            position.position += bytes.len() as u64;
            position.line += 1;
            if !found.is_empty() {
                self.store(&position, &found)?;
                self.shared.spooled.notify_one();
            }
            self.tell();
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
    let detail = format!("{place} {}", values.join(", "));
    let times = (hit.place.time, now);
    if is_held(shared, (&id, indicator.name()), hit.observation, times, (&row, &detail), found) {
        return;
    }
    found.ledger.push(row(LedgerKind::Matched, detail));
    let worth = shared.config.matching.worth.as_ref();
    if let Some(decayed) = worth.and_then(|worth| worth.decayed(hit, hit.place.time.min(now))) {
        found.ledger.push(row(LedgerKind::Withheld, decayed.to_string()));
        return;
    }
    let version = indicator.version();
    let about = (&id, version.as_str(), shared.indicators.marking_of(&id));
    let config = &shared.config;
    match oversight::minimise(about, hit.observation, hit.hits, config.purpose, &config.consent, now) {
        Ok(minimised) => {
            found.sightings.push(NewSpooled {
                id: sighting_id(shared, source, stretch, (hit.line_offset, hit.text), &id),
                minimised,
            });
        }
        Err(why) => found.ledger.push(row(LedgerKind::Withheld, why.to_string())),
    }
}

/// Whether a match is kept back, because the operator calls its indicator a false alarm or it hits too much. It is counted then.
/// `times` are those of the record and of now; `row` makes a row of the ledger.
fn is_held(
    shared: &Shared,
    (id, name): (&Id, &str),
    record: &Observation<'_>,
    times: (jiff::Timestamp, jiff::Timestamp),
    (row, detail): (&dyn Fn(LedgerKind, String) -> LedgerRow, &str),
    found: &mut Yield,
) -> bool {
    shared.meter.matched(id, name, times);
    let standing = shared.tuning.meet(id, &own_hosts(shared, record), times);
    if let Some(verdict) = standing.news {
        found.ledger.push(row(LedgerKind::Quarantined, verdict.reason.to_string()));
        found.verdicts.push((id.clone(), Some(verdict)));
    }
    let Some(state) = standing.held else { return false };
    // What is quarantined may come thousands of times a minute: it is counted and has no rows.
    if state == State::FalseAlarm {
        found.ledger.push(row(LedgerKind::Held, detail.to_owned()));
    }
    found.hold(id, times.0);
    true
}

/// The operator's own hosts of a record, as keyed hashes.
fn own_hosts(shared: &Shared, record: &Observation<'_>) -> Vec<u64> {
    let ends = record.values.iter().filter(|value| value.role != Role::Content);
    let addresses = ends.filter_map(|value| value.value.parse::<std::net::IpAddr>().ok());
    let own = addresses.filter(|address| shared.config.consent.is_own(*address));
    own.map(|address| shared.spool.host_number(address)).collect()
}

/// The same at every reading of the same record.
fn sighting_id(
    shared: &Shared,
    source: &Source,
    stretch: &Stretch,
    (line_offset, text): (usize, &[u8]),
    indicator: &Id,
) -> Uuid {
    let spool = &shared.spool;
    let (name, indicator) = (source.name.as_bytes(), indicator.as_str().as_bytes());
    let within = (line_offset as u64).to_be_bytes();
    match &stretch.mark {
        Mark::Place => {
            let offset = stretch.offset + line_offset as u64;
            spool.sighting_id(&[name, &offset.to_be_bytes(), text, indicator])
        }
        Mark::Text => spool.sighting_id(&[name, text, indicator]),
        Mark::Pushed(key) => spool.sighting_id(&[name, key, &within, text, indicator]),
        // The name of the source is each edge's own.
        Mark::Message { group_key, message } => {
            crate::spool::sighting_id(group_key, &[message, &within, text, indicator])
        }
    }
}

/// A scanner's counters at one moment.
struct ScanCounts {
    lines: u64,
    unreadable: BTreeMap<Unreadable, u64>,
    matches: u64,
}

impl FileScanner {
    /// A scanner that knows the header which the file had before the position.
    fn new(set: &Arc<IndicatorSet>, source: &Source, header: &[u8]) -> Self {
        let scanner = Scanner::new(Arc::clone(set), source.reader());
        let mut file = Self {
            scanner,
            rules: None,
            rules_before: None,
            tasked: None,
            clock: source.reader(),
            header: Vec::new(),
            windows_kept: false,
            windows_rest: None,
        };
        file.scanner.scan(header, jiff::Timestamp::UNIX_EPOCH, &mut |_| {});
        file.keep_header(header);
        file
    }

    /// Takes up what patterns and rules over several records remembered before a restart.
    fn remember(&mut self, kept: Result<Option<Vec<u8>>, SpoolError>) {
        let kept = kept.and_then(|state| {
            let read = |state: Vec<u8>| serde_json::from_slice::<Remembered>(&state);
            state.map(read).transpose().map_err(|error| SpoolError::Unusable(error.to_string()))
        });
        match kept {
            Ok(Some(Remembered { patterns, rules })) => {
                self.windows_kept = true;
                self.scanner.remember(patterns);
                self.rules_before = rules;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "what patterns and rules over several records remembered is lost");
            }
        }
    }

    /// What patterns and rules remember, where it is time to write it: what is large is written seldom.
    fn windows_to_keep(&mut self) -> Option<Vec<u8>> {
        let begun = Instant::now();
        if self.windows_rest.is_some_and(|rest| begun < rest) {
            return None;
        }
        let patterns = self.scanner.windows();
        let new = self.rules.as_ref().and_then(sigma::Scanner::remembered);
        let rules = new.as_ref().or(self.rules_before.as_ref());
        let is_there = patterns.held() > 0 || rules.is_some();
        if !(is_there || self.windows_kept) {
            return None;
        }
        let state = serde_json::to_vec(&serde_json::json!({ "patterns": patterns, "rules": rules })).ok()?;
        self.windows_kept = is_there;
        self.windows_rest = begun.elapsed().checked_mul(WINDOWS_REST).map(|rest| begun + rest);
        Some(state)
    }

    fn counts(&self) -> ScanCounts {
        let tally = self.scanner.tally();
        ScanCounts { lines: tally.lines, unreadable: tally.unreadable.clone(), matches: tally.matches }
    }

    /// The time of the last record: how far behind the source is.
    fn time_of_last(&mut self, bytes: &[u8]) -> Option<jiff::Timestamp> {
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let start = memchr::memrchr(b'\n', whole).map_or(0, |newline| newline + 1);
        let observation = self.clock.read(whole.get(start..)?).ok()??;
        observation.time
    }

    /// The operator's own hosts in a few of the records, whatever they did.
    fn sampled_hosts(&mut self, bytes: &[u8], shared: &Shared) -> Vec<u64> {
        const SAMPLES: usize = 8;
        let mut hosts = Vec::new();
        let mut end = 0;
        for sample in 0..SAMPLES {
            // Behind the line that the place lies in, and behind what was sampled before.
            let from = (bytes.len() * sample / SAMPLES).max(end);
            let rest = bytes.get(from..).unwrap_or_default();
            let start =
                if from == 0 { 0 } else { memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1) };
            let rest = rest.get(start..).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            end = from + start + length;
            let line = rest.get(..length).filter(|line| !line.is_empty() && !line.starts_with(b"#"));
            if let Some(Ok(Some(record))) = line.map(|line| self.clock.read(line)) {
                hosts.extend(own_hosts(shared, &record));
            }
        }
        hosts
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
#[path = "pipeline_tests.rs"]
mod tests;
