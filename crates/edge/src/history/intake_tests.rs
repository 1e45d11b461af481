//! What the history promises: whatever crashes between any two steps, every line is in the lake once.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use lake::Lake;
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use tokio::sync::Notify;

use super::*;
use crate::config::{Config, HubLink, Lake as LakeConfig, Matching, Origin, Quarantine, Source};
use crate::history::Recorder;
use crate::indicators::Indicators;
use crate::meter::Meter;
use crate::page::guard::Guard;
use crate::source::Mark;
use crate::source::tail::Stretch;
use crate::spool::history::HistoryKept;
use crate::spool::{Kept, Position, Spool};
use crate::status::Status;
use crate::tuning::Tuning;

const FILES: usize = 3;

/// The logs, as they lie on the disk: they outlive everything.
#[derive(Default)]
struct Logs([Vec<String>; FILES]);

/// One run of an edge, of which nothing but the folder outlives a crash.
struct Run {
    shared: Arc<Shared>,
    recorders: Vec<Recorder>,
    /// Lines that were read of each file.
    read: [usize; FILES],
    writing: std::thread::JoinHandle<()>,
}

fn source(number: usize) -> Source {
    // The first two files are of one source.
    let name = if number < 2 { "border" } else { "core" };
    Source { name: name.to_owned(), origin: Origin::Files("x".to_owned()), format: None, columns: None }
}

fn config(folder: &Path) -> Config {
    Config {
        authority: None,
        orders: None,
        id: "edge".to_owned(),
        data: folder.join("edge"),
        listen: None,
        hub: HubLink {
            url: "http://127.0.0.1:1".to_owned(),
            token: "t".to_owned(),
            certificate: None,
            identity: None,
        },
        consent: oversight::Consent::default(),
        purpose: oversight::Purpose::CollectiveDefence,
        sources: vec![source(0), source(2)],
        matching: Matching::default(),
        lake: Some(LakeConfig::new(folder.join("lake"))),
    }
}

fn file(number: usize) -> Uuid {
    Uuid::from_u128((number as u128 + 1) << 90)
}

fn position(number: usize, lines: usize, logs: &Logs) -> Position {
    Position {
        file: file(number),
        path: "x".into(),
        inode: 1,
        prefix_length: 0,
        prefix_hash: [0; 32],
        position: logs.0[number][..lines].iter().map(|line| line.len() as u64).sum(),
        line: lines as u64,
        header: Vec::new(),
        finished: false,
    }
}

impl Run {
    fn start(folder: &Path, logs: &Logs) -> Self {
        let config = config(folder);
        let mut spool = Spool::open(&config.data).unwrap();
        let opened = crate::history::open(&config, &mut spool).unwrap().unwrap();
        let read = std::array::from_fn(|number| {
            let known = spool.positions(&source(number).name).unwrap();
            let known = known.into_iter().find(|known| known.file == file(number));
            let read = known.map_or(0, |known| known.line as usize);
            assert!(read <= logs.0[number].len());
            read
        });
        let history = Arc::clone(&opened.history);
        let recorders =
            (0..FILES).map(|number| Recorder::new(Arc::clone(&history), &source(number))).collect();
        let prevalence = spool.history(Timestamp::now()).unwrap();
        let shared = Arc::new(Shared {
            authority: None,
            orders: None,
            indicators: Indicators::new(&Matching::default(), Vec::new(), 0).unwrap(),
            config,
            spool,
            status: Status::default(),
            tuning: Tuning::new(HashMap::new(), prevalence, Quarantine::default()),
            deciding: Mutex::default(),
            opined: Notify::new(),
            meter: Meter::default(),
            guard: Guard::default(),
            address: OnceLock::new(),
            history: Some(history),
            inlets: BTreeMap::new(),
            spooled: Notify::new(),
            stopped: Notify::new(),
            stopping: false.into(),
        });
        let writer = opened.writer;
        Self { shared, recorders, read, writing: std::thread::spawn(move || writer.run()) }
    }

    fn history(&self) -> &History {
        self.shared.history.as_ref().unwrap()
    }

    fn read_on(&mut self, number: usize, lines: usize, logs: &Logs) {
        let from = self.read[number];
        let to = (from + lines).min(logs.0[number].len());
        let stretch = Stretch {
            file: file(number),
            offset: position(number, from, logs).position,
            line: from as u64 + 1,
            bytes: logs.0[number][from..to].concat().into_bytes(),
            oversize: 0,
            mark: Mark::Place,
        };
        self.recorders[number].add(&stretch, b"", Timestamp::UNIX_EPOCH);
        self.read[number] = to;
    }

    fn keep(&mut self, number: usize, logs: &Logs) {
        let settled = self.recorders[number].settle(file(number));
        let history = HistoryKept { place: settled.place, lost: settled.lost, told: &[] };
        let kept = Kept { history, ..Kept::default() };
        let position = position(number, self.read[number], logs);
        self.shared.spool.keep(&source(number).name, &position, &kept).unwrap();
        self.recorders[number].kept(file(number));
    }

    /// Takes in so many entries, and commits them or crashes before.
    fn take_in(&self, entries: usize, commits: bool) {
        let mut upkeep = Instant::now() + UPKEEP_EVERY;
        let mut intake = Intake::open(&self.shared, self.history(), &mut upkeep).unwrap();
        for _ in 0..entries {
            let Some(taken) = intake.next().unwrap() else { break };
            intake.take(&taken).unwrap();
        }
        if commits {
            intake.commit().unwrap();
        }
    }

    /// Ends without a word; of what was handed to the disk and not waited for, some is not there.
    fn crash(self, cut: u64) {
        let folder = self.shared.config.data.join("history");
        let durable = self.shared.spool.journal_end().unwrap();
        drop((self.recorders, self.shared));
        self.writing.join().unwrap();
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        let last = files.pop().unwrap();
        let start: u64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&last).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(cut).max(durable.saturating_sub(start)).min(length)).unwrap();
    }
}

/// One step of a life.
#[derive(Debug, Clone)]
enum Step {
    Grow(usize, usize),
    Read(usize, usize),
    Keep(usize),
    TakeIn(usize, bool),
    Crash(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..FILES, 1_usize..4).prop_map(|(file, lines)| Step::Grow(file, lines)),
        4 => (0..FILES, 0_usize..4).prop_map(|(file, lines)| Step::Read(file, lines)),
        3 => (0..FILES).prop_map(Step::Keep),
        2 => (0_usize..5, any::<bool>()).prop_map(|(entries, commits)| Step::TakeIn(entries, commits)),
        2 => prop_oneof![Just(0), Just(1), 0_u64..2000, Just(u64::MAX)].prop_map(Step::Crash),
    ]
}

/// The lines that the lake holds, by label and line, with their number.
fn kept(folder: &Path) -> BTreeMap<(String, u64), usize> {
    let lake = Lake::open(&folder.join("lake")).unwrap();
    let pattern = serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", Uuid::from_u128(7)),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[ipv4-addr:value = '10.0.0.5']", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00.000Z",
    });
    let object = stix::Object::parse(pattern.to_string().into_bytes().into()).unwrap();
    let indicator = matcher::Indicator::from_object(&object).unwrap();
    let options = matcher::Options { any_time: true, ..matcher::Options::default() };
    let built = matcher::IndicatorSet::build([indicator], &matcher::WarningLists::none(), &options, 1);
    let hunt = lake::Hunt {
        set: Arc::new(built.set),
        since: None,
        until: None,
        now: Timestamp::now(),
        exhaustive: false,
    };
    let mut found = BTreeMap::new();
    lake.hunt(&hunt, &mut |_| {}, &mut |sighting| {
        *found.entry((sighting.place.source.clone(), sighting.place.line)).or_default() += 1;
    })
    .unwrap();
    found
}

fn check(steps: &[Step]) {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = Logs::default();
    let mut run = Run::start(folder.path(), &logs);
    for step in steps {
        match *step {
            Step::Grow(number, lines) => {
                for _ in 0..lines {
                    let line = logs.0[number].len();
                    logs.0[number].push(format!(
                        "{{\"timestamp\":\"2026-11-01T00:{line:02}:00.000000+0000\",\"event_type\":\"flow\",\"src_ip\":\"10.0.0.5\"}}\n"
                    ));
                }
            }
            Step::Read(number, lines) => run.read_on(number, lines, &logs),
            Step::Keep(number) => run.keep(number, &logs),
            Step::TakeIn(entries, commits) => run.take_in(entries, commits),
            Step::Crash(cut) => {
                run.crash(cut);
                run = Run::start(folder.path(), &logs);
            }
        }
    }
    run.crash(u64::MAX);
    let mut run = Run::start(folder.path(), &logs);
    for number in 0..FILES {
        run.read_on(number, usize::MAX - 1_000_000, &logs);
        run.keep(number, &logs);
    }
    run.take_in(usize::MAX, true);
    let kept = kept(folder.path());
    let lines: usize = logs.0.iter().map(Vec::len).sum();
    assert_eq!(kept.len(), lines, "every line is in the lake");
    assert!(kept.values().all(|count| *count == 1), "and once: {kept:?}");
    assert_eq!(run.shared.spool.history_lost().unwrap(), 0);
    assert_eq!(run.history().journal.behind(), 0);
}

#[test]
fn whatever_crashes_every_line_is_in_the_lake_once() {
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    runner
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            check(&steps);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_entry_that_did_not_count_in_its_run_does_not_in_a_later_one() {
    use Step::{Crash, Grow, Keep, Read, TakeIn};
    check(&[Grow(0, 2), Read(0, 1), Keep(0), Read(0, 1), Crash(0), Read(0, 1), Keep(0), Crash(0)]);
    check(&[Grow(0, 3), Read(0, 3), Crash(0), Crash(0), Read(0, 2), Keep(0), TakeIn(1, false), Crash(0)]);
}

#[test]
fn what_finds_no_room_while_the_lake_takes_nothing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = Logs::default();
    logs.0[0].push("{\"event_type\":\"flow\",\"src_ip\":\"10.0.0.5\"}\n".to_owned());
    // No lake was opened, and the journal has as much as may wait.
    let mut spool_config = config(folder.path());
    spool_config.lake.as_mut().unwrap().behind_bytes_max = 0;
    let mut spool = Spool::open(&spool_config.data).unwrap();
    let opened = crate::history::open(&spool_config, &mut spool).unwrap().unwrap();
    assert!(opened.history.is_full() && opened.history.is_stuck() && !opened.history.must_wait());
    let mut recorder = Recorder::new(Arc::clone(&opened.history), &source(0));
    let stretch = Stretch {
        file: file(0),
        offset: 0,
        line: 1,
        bytes: logs.0[0].concat().into_bytes(),
        oversize: 0,
        mark: Mark::Place,
    };
    recorder.add(&stretch, b"", Timestamp::UNIX_EPOCH);
    let settled = recorder.settle(file(0));
    assert_eq!((settled.place, settled.lost), (None, 1));
    let history = HistoryKept { place: settled.place, lost: settled.lost, told: &[] };
    spool.keep("border", &position(0, 1, &logs), &Kept { history, ..Kept::default() }).unwrap();
    recorder.kept(file(0));
    assert_eq!(spool.history_lost().unwrap(), 1);
    assert_eq!(opened.history.lost_by(), BTreeMap::from([("journal-full", 1)]));
    assert_eq!(recorder.settle(file(0)).lost, 0);
}
