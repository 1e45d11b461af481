//! Lakes whose content is known, and answers as text.

use std::path::Path;

use jiff::Timestamp;
use lake::{Contents, Keep, Lake, Limits, Origin, Writer};
use query::{Bounds, Session};
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

/// 2026-11-01T00:00:00Z.
pub(crate) const START: i64 = 1_793_491_200;

pub(crate) const BOUNDS: Bounds = Bounds { memory_bytes: 256 << 20, temporary_bytes: 1 << 30, threads: 2 };

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

pub(crate) fn value(
    field: &'static str,
    kind: ValueKind,
    text: impl Into<String>,
    role: Role,
) -> Observed<'static> {
    Observed { field: field.into(), kind, value: text.into().into(), role }
}

pub(crate) fn record(
    kind: &'static str,
    seconds: i64,
    values: Vec<Observed<'static>>,
) -> Observation<'static> {
    Observation {
        time: Some(at(seconds)),
        kind: kind.into(),
        bytes: Some(10),
        values,
        ..Observation::default()
    }
}

pub(crate) fn write(folder: &Path, records: &[Observation<'static>]) {
    write_apart(folder, records, |_, _| false);
}

/// Each hour's records are committed by themselves, so each hour has segments of its own.
pub(crate) fn write_by_hour(folder: &Path, records: &[Observation<'static>]) {
    let hour = |record: &Observation<'static>| record.time.map(|time| time.as_second() / 3600);
    write_apart(folder, records, |before, record| hour(before) != hour(record));
}

fn write_apart(
    folder: &Path,
    records: &[Observation<'static>],
    apart: impl Fn(&Observation<'static>, &Observation<'static>) -> bool,
) {
    let mut writer = Writer::open(folder, Contents::Mechanical, Limits::default()).unwrap();
    let mut before = None;
    for (line, record) in (1..).zip(records) {
        if before.is_some_and(|before| apart(before, record)) {
            writer.commit(&[], at(86_400 * 40)).unwrap();
        }
        let origin =
            Origin { source: "made.log", line, offset: line * 100, read: at(86_400 * 40), text: b"" };
        writer.push(record, &origin).unwrap();
        before = Some(record);
    }
    writer.commit(&[], at(86_400 * 40)).unwrap();
}

pub(crate) fn compact(folder: &Path) {
    let mut writer = Writer::open(folder, Contents::Mechanical, Limits::default()).unwrap();
    writer.compact(&Keep::default(), at(86_400 * 90)).unwrap();
}

/// A hundred look-ups an hour for two days by five hosts: each asks for `host<n>.example.jp`, and now and then for a name and an
/// address that are sought.
pub(crate) fn two_days() -> Vec<Observation<'static>> {
    let mut records = Vec::new();
    for number in 0..4800_i64 {
        let seconds = number * 36;
        let client = value("src_ip", ValueKind::Ipv4, format!("192.0.2.{}", number % 5), Role::Source);
        let name = match number % 1000 {
            7 => "Dropper.Evil.Example".to_owned(),
            11 => "evil.example".to_owned(),
            _ => format!("host{}.example.jp", number % 50),
        };
        let mut values = vec![client, value("dns.rrname", ValueKind::Domain, name, Role::Content)];
        if number % 1200 == 5 {
            values.push(value("dns.rdata", ValueKind::Ipv4, "203.0.113.9", Role::Content));
        }
        records.push(record("dns", seconds, values));
        if number % 10 == 0 {
            let ends = vec![
                value("src_ip", ValueKind::Ipv4, format!("192.0.2.{}", number % 5), Role::Source),
                value("dest_ip", ValueKind::Ipv6, format!("2001:db8::{:x}", number % 3), Role::Destination),
                value("agent", ValueKind::UserAgent, "198.51.100.7", Role::Content),
            ];
            records.push(record("flow", seconds, ends));
        }
    }
    records
}

pub(crate) fn session(folder: &Path) -> Session {
    Session::in_process(Lake::open(folder).unwrap(), &BOUNDS).unwrap()
}

/// The answer's lines of comma-separated values, without the names of the columns, sorted.
pub(crate) async fn lines(session: &Session, question: &str) -> Result<Vec<String>, query::QueryError> {
    let mut answer = session.ask(question).await?;
    let mut lines = Vec::new();
    while let Some(rows) = answer.next().await? {
        let text = String::from_utf8(query::csv(&rows, false)?).unwrap();
        lines.extend(text.lines().map(str::to_owned));
    }
    lines.sort();
    Ok(lines)
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}
