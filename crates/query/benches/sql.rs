//! What the questions of a hunt cost as SQL: through the index in process, on a cluster of two executors, and with DataFusion alone
//! over the same Parquet files, beside the hunt itself. All must find the same records.
//!
//! `cargo bench -p query --bench sql -- [RECORDS [FOLDER]]`; the records and indicators of `cargo bench -p lake --bench hunt`. A folder
//! that holds a lake of that bench is used as it is.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measures and stops at what it did not expect"
)]

#[expect(dead_code, reason = "of the other bench its records and indicators are wanted")]
#[path = "../../lake/benches/hunt.rs"]
mod hunt;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use lake::Lake;
use matcher::{Covers, Indicator, IndicatorSet, Options, WarningLists};
use query::{Answer, Bounds, Executor, Session};
use stix::observable::ValueKind;

const BOUNDS: Bounds = Bounds { memory_bytes: 2 << 30, temporary_bytes: 16 << 30, threads: 2 };
const ROUNDS: usize = 3;

fn listed(asked: fn(ValueKind, &str) -> bool) -> String {
    let all = (0..hunt::INDICATORS).map(hunt::sought).filter(|(kind, text)| asked(*kind, text));
    all.map(|(_, text)| format!("'{text}'")).collect::<Vec<_>>().join(", ")
}

/// All values as they stand: no networks, and nothing below names.
fn exact(value: &str) -> String {
    format!("{value} IN ({})", listed(|_, text| !text.ends_with("/24")))
}

/// What the hunt's indicators ask for.
fn whole(value: &str) -> String {
    let names = listed(|kind, _| kind == ValueKind::Domain);
    let networks = listed(|_, text| text.ends_with("/24"));
    format!("{} OR is_below({value}, {names}) OR in_network({value}, {networks})", exact(value))
}

/// Indicators of the exact question.
fn exact_set() -> IndicatorSet {
    let begin = stix::Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap();
    let all = (0..hunt::INDICATORS).map(|number| (number, hunt::sought(number)));
    let all = all.filter(|(_, (_, text))| !text.ends_with("/24")).map(|(number, (kind, text))| {
        let path = match kind {
            ValueKind::Ipv4 => "ipv4-addr:value",
            ValueKind::Domain => "domain-name:value",
            ValueKind::Url => "url:value",
            _ => "file:hashes.'SHA-256'",
        };
        Indicator {
            id: stix::Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}")).unwrap(),
            version: begin.clone(),
            name: String::new(),
            pattern: format!("[{path} = '{text}']"),
            confidence: None,
            valid_from: begin.clone(),
            valid_until: None,
            revoked: false,
            reach: None,
        }
    });
    let options = Options { reach: Covers::Host.into(), any_time: true, ..Options::default() };
    IndicatorSet::build(all, &WarningLists::none(), &options, 1).set
}

async fn read(mut answer: Answer) -> BTreeSet<u64> {
    let mut lines = BTreeSet::new();
    while let Some(rows) = answer.next().await.unwrap() {
        lines.extend(rows.column(0).as_primitive::<UInt64Type>().values());
    }
    lines
}

/// Asks some times; the best time of asking and reading, planning included.
async fn ask(session: &Session, filter: &str, expected: &BTreeSet<u64>) -> Duration {
    let question = format!("SELECT DISTINCT line FROM observables WHERE {filter}");
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let lines = read(session.ask(&question).await.unwrap()).await;
        times.push(begun.elapsed());
        assert!(lines == *expected, "{} records and not {}", lines.len(), expected.len());
    }
    hunt::best(&times)
}

/// The hunt's question in DataFusion's own words, in one pass over the values: ends of names to five labels, deeper than any that is
/// carried, and networks as ranges of numbers.
fn whole_in_plain_words() -> String {
    let names = listed(|kind, _| kind == ValueKind::Domain);
    let ends = (1..=5).map(|labels| format!("substr_index(v, '.', -{labels}) IN ({names})"));
    let networks = (0..hunt::INDICATORS).map(hunt::sought).filter_map(|(_, text)| {
        let first: Ipv4Addr = text.strip_suffix("/24")?.parse().ok()?;
        Some(format!("n BETWEEN {} AND {}", u32::from(first), u32::from(first) | 0xff))
    });
    format!(
        "SELECT DISTINCT line FROM (SELECT line, k, v, CASE WHEN k = 'ipv4-addr' THEN
            split_part(v, '.', 1)::BIGINT * 16777216 + split_part(v, '.', 2)::BIGINT * 65536
            + split_part(v, '.', 3)::BIGINT * 256 + split_part(v, '.', 4)::BIGINT END AS n
         FROM (SELECT line, o['kind'] AS k, o['value'] AS v FROM (SELECT line, unnest(observed) AS o FROM bare)))
         WHERE {} OR (k = 'domain-name' AND ({})) OR {}",
        exact("v"),
        ends.collect::<Vec<_>>().join(" OR "),
        networks.collect::<Vec<_>>().join(" OR "),
    )
}

/// DataFusion as anyone has it, over the files that the manifest names.
async fn bare(lake: &Lake) -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let files: Vec<String> =
        lake.segments().iter().map(|it| lake.parquet_path(it).to_string_lossy().into_owned()).collect();
    let table = context.read_parquet(files, ParquetReadOptions::default()).await.unwrap();
    context.register_table("bare", table.into_view()).unwrap();
    context
}

async fn ask_bare(context: &SessionContext, question: &str, expected: &BTreeSet<u64>) -> Duration {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let batches = context.sql(question).await.unwrap().collect().await.unwrap();
        times.push(begun.elapsed());
        let lines: BTreeSet<u64> = batches
            .iter()
            .flat_map(|it| it.column(0).as_primitive::<UInt64Type>().values())
            .copied()
            .collect();
        assert!(lines == *expected, "{} records and not {}", lines.len(), expected.len());
    }
    hunt::best(&times)
}

/// A scheduler and two executors in this process; where the scheduler is.
async fn cluster(work: &Path) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(query::schedule(listener));
    for number in 0..2 {
        let work = work.join(number.to_string());
        std::fs::create_dir(&work).unwrap();
        let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let scheduler = ("127.0.0.1".to_owned(), port);
        let executor = Executor { scheduler, listen: free, threads: 1, memory_bytes: 1 << 30 };
        tokio::spawn(async move { query::execute(&executor, &work).await.unwrap() });
    }
    format!("127.0.0.1:{port}")
}

fn hunted(folder: &Path, set: IndicatorSet) -> (Duration, BTreeSet<u64>) {
    let set = Arc::new(set);
    let mut times = Vec::new();
    let mut found = BTreeSet::new();
    for _ in 0..ROUNDS {
        let (took, lines, _) = hunt::hunt(folder, &set);
        times.push(took);
        found = lines;
    }
    (hunt::best(&times), found)
}

fn tell(what: &str, took: Duration, hunt: Duration) {
    let times = took.as_secs_f64() / hunt.as_secs_f64();
    println!("  {what:<34} {took:>9.1?}  {times:>7.1} × the hunt");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let records: u64 = arguments.first().map_or(10_000_000, |count| count.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.get(1).map_or_else(|| temporary.path().join("lake"), PathBuf::from);
    if Lake::open(&folder).is_err() {
        hunt::fill(&folder, records);
    }
    let lake = Lake::open(&folder).unwrap();
    let rows: u64 = lake.segments().iter().map(|segment| u64::from(segment.rows)).sum();
    let (exact_time, exact_lines) = hunted(&folder, exact_set());
    let (whole_time, whole_lines) = hunted(&folder, hunt::indicators(hunt::INDICATORS));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let here = Session::in_process(lake.clone(), &BOUNDS).unwrap();
        let at = cluster(temporary.path()).await;
        let there = Session::on_cluster(lake.clone(), &at, &BOUNDS).unwrap();
        println!("{rows} records; warm, best of {ROUNDS}, two threads");
        println!("exact values of {} indicators, {} records found", hunt::INDICATORS, exact_lines.len());
        tell("hunt", exact_time, exact_time);
        tell("SQL in process", ask(&here, &exact("value"), &exact_lines).await, exact_time);
        tell("SQL on two executors", ask(&there, &exact("value"), &exact_lines).await, exact_time);
        tell(
            "SQL in process, index not asked",
            ask(&here, &exact("concat(value, '')"), &exact_lines).await,
            exact_time,
        );
        let bare = bare(&lake).await;
        let question = format!(
            "SELECT DISTINCT line FROM (SELECT line, unnest(observed) AS o FROM bare) WHERE {}",
            exact("o['value']")
        );
        tell("DataFusion on the bare files", ask_bare(&bare, &question, &exact_lines).await, exact_time);
        println!("with names below and networks, {} records found", whole_lines.len());
        tell("hunt", whole_time, whole_time);
        tell("SQL in process", ask(&here, &whole("value"), &whole_lines).await, whole_time);
        tell("SQL on two executors", ask(&there, &whole("value"), &whole_lines).await, whole_time);
        let question = whole_in_plain_words();
        tell("DataFusion on the bare files", ask_bare(&bare, &question, &whole_lines).await, whole_time);
        let nothing = "value = 'nowhere.invalid'";
        println!("one name that is nowhere");
        let none = BTreeSet::new();
        let (here, there) = (ask(&here, nothing, &none).await, ask(&there, nothing, &none).await);
        println!("  in process {here:.1?}, on two executors {there:.1?}");
    });
}
