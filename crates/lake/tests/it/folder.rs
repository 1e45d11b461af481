//! The folder: what is committed stays, whatever happens; what may not be kept goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use lake::{Contents, Hunt, Keep, Lake, LakeError, Limits, Origin, SourceState, Writer};
use matcher::Covers;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

use crate::made::{at, set};

fn record(kind: &'static str, time: Timestamp, name: &str) -> Observation<'static> {
    let value = Observed {
        field: "dns.rrname".into(),
        kind: ValueKind::Domain,
        value: name.to_owned().into(),
        role: Role::Content,
    };
    Observation { time: Some(time), kind: kind.into(), values: vec![value], ..Observation::default() }
}

fn push(writer: &mut Writer, kind: &'static str, time: Timestamp, name: &str, line: u64) {
    let text = format!("{{\"name\":\"{name}\"}}");
    let origin = Origin { source: "a.log", line, offset: line * 100, read: time, text: text.as_bytes() };
    writer.push(&record(kind, time, name), &origin).unwrap();
}

fn open(folder: &Path) -> Writer {
    Writer::open(folder, Contents::Mechanical, Limits::default()).unwrap()
}

/// The lines in which any name below `example` is, as a hunt tells them.
fn lines(folder: &Path) -> Vec<u64> {
    let set = Arc::new(set(&["[domain-name:value LIKE '%.evil.example']".to_owned()], Covers::Host));
    let hunt = Hunt { set, since: None, until: None, now: at(0), exhaustive: false };
    let mut lines = Vec::new();
    let lake = Lake::open(folder).unwrap();
    lake.hunt(&hunt, &mut |_| {}, &mut |sighting| lines.push(sighting.place.line)).unwrap();
    lines.sort_unstable();
    lines
}

fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.insert(entry.path(), entry.metadata().unwrap().len());
            }
        }
    }
    found
}

#[test]
fn what_is_not_committed_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    push(&mut writer, "dns", at(0), "a.evil.example", 1);
    let state = SourceState { identity: "x".to_owned(), offset: 200, ..SourceState::default() };
    writer.commit(&[("a.log".to_owned(), state)], at(0)).unwrap();
    push(&mut writer, "dns", at(10), "b.evil.example", 2);
    assert!(matches!(
        Writer::open(folder.path(), Contents::Mechanical, Limits::default()),
        Err(LakeError::Busy)
    ));
    drop(writer);
    let writer = open(folder.path());
    assert_eq!(writer.source("a.log").map(|state| (state.identity.as_str(), state.offset)), Some(("x", 200)));
    assert_eq!(lines(folder.path()), [1]);
    assert!(matches!(Lake::open(&folder.path().join("none")), Err(LakeError::NoLake(_))));
}

/// Segments that were written and not committed are strays to the next writer, and nothing to a reader.
#[test]
fn strays_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { held_rows: 2, ..Limits::default() };
    let mut writer = Writer::open(folder.path(), Contents::Mechanical, limits).unwrap();
    for line in 1..=4 {
        push(&mut writer, "dns", at(line as i64), "a.evil.example", line);
    }
    drop(writer);
    let before = files(folder.path());
    assert!(before.keys().any(|path| path.extension().is_some_and(|ending| ending == "parquet")));
    std::fs::write(folder.path().join("kind=x.tmp"), b"half").unwrap();
    std::fs::write(folder.path().join("notes.txt"), b"somebody's").unwrap();
    assert_eq!(lines(folder.path()), [0_u64; 0]);
    drop(open(folder.path()));
    let left: Vec<String> = files(folder.path())
        .keys()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left, ["LOCK", "MANIFEST.json", "notes.txt"]);
}

#[test]
fn hours_become_days_and_months() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    let mut line = 0;
    // Five days, an hour every seven; the clock then stands in the evening of the fifth.
    for hour in (0..5 * 24).step_by(7) {
        line += 1;
        push(&mut writer, "dns", at(hour * 3600), &format!("n{line}.evil.example"), line);
        push(&mut writer, "flow", at(hour * 3600 + 5), "other.example", line);
        writer.commit(&[], at(hour * 3600)).unwrap();
    }
    let all: Vec<u64> = (1..=line).collect();
    assert_eq!(lines(folder.path()), all);
    let before = writer.segments().len();
    let done = writer.compact(&Keep::default(), at(4 * 86_400 + 80_000)).unwrap();
    assert!(done.merged > 0 && done.expired == 0 && writer.segments().len() < before, "{done:?}");
    let periods: Vec<String> = writer.segments().iter().map(|it| it.period().unwrap().to_string()).collect();
    assert!(periods.iter().any(|period| period == "2025-12-01"), "{periods:?}");
    assert_eq!(lines(folder.path()), all);
    // Nothing more to do, until the month is over.
    assert_eq!(writer.compact(&Keep::default(), at(4 * 86_400 + 80_000)).unwrap().merged, 0);
    writer.compact(&Keep::default(), at(40 * 86_400)).unwrap();
    let months: Vec<(String, String)> =
        writer.segments().iter().map(|it| (it.kind.clone(), it.period().unwrap().to_string())).collect();
    assert_eq!(months, [("dns".to_owned(), "2025-12".to_owned()), ("flow".to_owned(), "2025-12".to_owned())]);
    assert_eq!(lines(folder.path()), all);
    // What was replaced is there for whoever reads it, and goes with a later commit.
    let count = |folder: &Path| files(folder).len();
    assert!(count(folder.path()) > 8);
    writer.commit(&[], at(41 * 86_400)).unwrap();
    assert_eq!(count(folder.path()), 8, "{:?}", files(folder.path()));
}

#[test]
fn what_is_too_old_goes_from_index_and_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    for day in 0..10 {
        push(&mut writer, "dns", at(day * 86_400), &format!("n{day}.evil.example"), day as u64 + 1);
        push(&mut writer, "flow", at(day * 86_400), &format!("f{day}.evil.example"), day as u64 + 101);
    }
    writer.commit(&[], at(0)).unwrap();
    writer.compact(&Keep::default(), at(60 * 86_400)).unwrap();
    assert_eq!(writer.segments().len(), 2);
    let keep = Keep { days: Some(60), by_kind: [("flow".to_owned(), 55)].into() };
    let done = writer.compact(&keep, at(63 * 86_400)).unwrap();
    assert_eq!(done.expired, 3 + 8);
    assert_eq!(lines(folder.path()), [4, 5, 6, 7, 8, 9, 10, 109, 110]);
    // The old files are gone at once, and nothing of them is in the new ones.
    assert_eq!(files(folder.path()).len(), 8, "{:?}", files(folder.path()));
    let lake = Lake::open(folder.path()).unwrap();
    let set = Arc::new(set(&["[domain-name:value LIKE '%.example']".to_owned()], Covers::Host));
    let all = Hunt { set, since: None, until: None, now: at(0), exhaustive: true };
    assert_eq!(lake.hunt(&all, &mut |_| {}, &mut |_| {}).unwrap().rows_read, 9);
    writer.compact(&Keep { days: Some(1), ..Keep::default() }, at(400 * 86_400)).unwrap();
    assert!(writer.segments().is_empty() && lines(folder.path()).is_empty());
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn a_lake_keeps_text_only_where_it_was_asked_to() {
    for (contents, kept) in
        [(Contents::Mechanical, None), (Contents::Full, Some("{\"name\":\"a.evil.example\"}"))]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path(), contents, Limits::default()).unwrap();
        push(&mut writer, "dns", at(0), "a.evil.example", 1);
        writer.commit(&[], at(0)).unwrap();
        drop(writer);
        let set = Arc::new(set(&["[domain-name:value = 'a.evil.example']".to_owned()], Covers::Host));
        let hunt = Hunt { set, since: None, until: None, now: at(0), exhaustive: false };
        let mut texts = Vec::new();
        let lake = Lake::open(folder.path()).unwrap();
        lake.hunt(&hunt, &mut |_| {}, &mut |it| texts.push(it.text.map(str::to_owned))).unwrap();
        assert_eq!(texts, [kept.map(str::to_owned)]);
        let other = if contents == Contents::Full { Contents::Mechanical } else { Contents::Full };
        assert!(matches!(Writer::open(folder.path(), other, Limits::default()), Err(LakeError::Contents(_))));
    }
}

/// A clock at year 9999, kinds without end, a kind that is a path: bounded, and found.
#[test]
fn strange_records_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    let read = at(0);
    for number in 0..500_u64 {
        let time = Timestamp::from_second(START_OF_TIME + number as i64 * 500_000_000).unwrap();
        let mut record = record("dns", time, "x.evil.example");
        record.kind = format!("../{number}").into();
        let origin = Origin { source: "a.log", line: number, offset: 0, read, text: b"\xff" };
        writer.push(&record, &origin).unwrap();
    }
    writer.commit(&[], read).unwrap();
    assert!(writer.segments().len() <= 200, "{}", writer.segments().len());
    assert_eq!(lines(folder.path()).len(), 500);
    assert!(files(folder.path()).keys().all(|path| path.starts_with(folder.path())));
    writer.compact(&Keep::default(), at(0)).unwrap();
    assert_eq!(lines(folder.path()).len(), 500);
}

/// 1653.
const START_OF_TIME: i64 = -10_000_000_000;

/// Wherever a file is altered, a check finds it.
#[test]
fn a_check_reads_everything() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    push(&mut writer, "dns", at(0), "a.evil.example", 1);
    writer.commit(&[], at(0)).unwrap();
    drop(writer);
    let lake = Lake::open(folder.path()).unwrap();
    assert_eq!(lake.check(&mut |_| {}).unwrap(), 1);
    for (path, _) in
        files(folder.path()).iter().filter(|(path, _)| path.starts_with(folder.path().join("kind=dns")))
    {
        let whole = std::fs::read(path).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            std::fs::write(path, &altered).unwrap();
            let error = lake.check(&mut |_| {}).unwrap_err();
            assert!(
                matches!(&error, LakeError::Damaged { path: told, .. } if told == path),
                "byte {at}: {error}"
            );
        }
        std::fs::write(path, &whole[1..]).unwrap();
        assert_eq!(lake.check(&mut |_| {}).unwrap_err().code(), "lake-damaged");
        std::fs::write(path, &whole).unwrap();
    }
}

/// Commits without end in one hour: few segments remain, and nothing is rewritten very often.
#[test]
fn small_segments_of_an_hour_are_merged_by_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    let mut merged = 0;
    for line in 1..=200_u64 {
        push(&mut writer, "dns", at(line as i64), "a.evil.example", line);
        writer.commit(&[], at(line as i64)).unwrap();
        merged += writer.compact(&Keep::default(), at(line as i64)).unwrap().merged;
        assert!(writer.segments().len() < 24, "{} segments", writer.segments().len());
    }
    assert!(merged < 300, "{merged} segments were read for 200 commits");
    drop(writer);
    assert_eq!(lines(folder.path()), (1..=200).collect::<Vec<_>>());
}

/// A lake of the form before is told apart from damage, and from one of a later version.
#[test]
fn other_forms_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (format, code) in [(1, "lake-outdated"), (3, "lake-format")] {
        std::fs::write(folder.path().join("MANIFEST.json"), format!("{{\"format\":{format},\"next\":1}}"))
            .unwrap();
        assert_eq!(Lake::open(folder.path()).unwrap_err().code(), code);
    }
}

/// Torn and altered files are errors with their path, and never another answer.
#[test]
fn damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path());
    push(&mut writer, "dns", at(0), "a.evil.example", 1);
    writer.commit(&[], at(0)).unwrap();
    drop(writer);
    let set = Arc::new(set(&["[domain-name:value = 'a.evil.example']".to_owned()], Covers::Host));
    let hunt = Hunt { set, since: None, until: None, now: at(0), exhaustive: false };
    for ending in ["index", "rows"] {
        let all = files(folder.path());
        let path = all.keys().find(|path| path.extension().is_some_and(|it| it == ending)).unwrap();
        let whole = std::fs::read(path).unwrap();
        let mut altered = whole.clone();
        altered[whole.len() / 2] ^= 4;
        for wrong in [&whole[..whole.len() / 2], &altered] {
            std::fs::write(path, wrong).unwrap();
            let lake = Lake::open(folder.path()).unwrap();
            let error = lake.hunt(&hunt, &mut |_| {}, &mut |_| {}).unwrap_err();
            assert_eq!(error.code(), "lake-damaged", "{error}");
            assert!(error.to_string().contains(ending), "{error}");
        }
        std::fs::write(path, &whole).unwrap();
    }
    std::fs::write(folder.path().join("MANIFEST.json"), b"{").unwrap();
    assert_eq!(Lake::open(folder.path()).unwrap_err().code(), "lake-damaged");
}
