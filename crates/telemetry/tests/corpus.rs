//! Real logs: what share of their records is understood, and what stops the rest.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use telemetry::{Reader, Unreadable};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("YAGURA_CORPUS").map(|folder| PathBuf::from(folder).join("telemetry"));
    if folder.as_ref().is_none_or(|folder| !folder.is_dir()) {
        eprintln!("SKIPPED: reading real logs needs YAGURA_CORPUS");
        return None;
    }
    folder
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn content(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        return plain;
    }
    bytes
}

/// How the lines of all files in a folder read: observations, values, header lines, and the unreadable by reason.
#[derive(Default)]
struct Tally {
    observations: usize,
    with_time: usize,
    values: usize,
    silent: usize,
    unreadable: BTreeMap<Unreadable, usize>,
}

fn tally(folder: &str, only: impl Fn(&str) -> bool) -> Option<Tally> {
    let mut paths = Vec::new();
    files(&corpus()?.join(folder), &mut paths);
    let mut tally = Tally::default();
    for path in paths.iter().filter(|path| only(&path.file_name().unwrap().to_string_lossy())) {
        let mut reader = Reader::auto();
        for line in content(path).split(|byte| *byte == b'\n') {
            match reader.read(line) {
                Ok(Some(observation)) => {
                    tally.observations += 1;
                    tally.with_time += usize::from(observation.time.is_some());
                    tally.values += observation.values.len();
                }
                Ok(None) => tally.silent += 1,
                Err(reason) => {
                    if std::env::var_os("YAGURA_SHOW_UNREADABLE").is_some() {
                        eprintln!(
                            "{}: {reason}: {}",
                            path.display(),
                            String::from_utf8_lossy(&line[..line.len().min(160)])
                        );
                    }
                    *tally.unreadable.entry(reason).or_default() += 1;
                }
            }
        }
    }
    let unreadable: usize = tally.unreadable.values().sum();
    let share = 100.0 * tally.observations as f64 / (tally.observations + unreadable).max(1) as f64;
    eprintln!(
        "{folder}: {share:.2} % understood: {} records ({} with a time), {} values, {} headers and empty lines, unreadable {:?}",
        tally.observations, tally.with_time, tally.values, tally.silent, tally.unreadable
    );
    Some(tally)
}

#[test]
fn suricata_events() {
    // The three other files beside it are arrays of objects over many lines, which no Suricata writes.
    let Some(tally) = tally("suricata-eve", |name| name == "suricata_verify_otrf_eve.ndjson.gz") else {
        return;
    };
    assert_eq!(tally.observations, 39_185);
    assert_eq!(tally.with_time, tally.observations);
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert!(tally.values > 2 * tally.observations, "{}", tally.values);
}

#[test]
fn zeek_tab_separated() {
    for folder in ["zeek/wrccdc2018/zeek-default", "zeek/ocsf_samples_tsv"] {
        let Some(tally) = tally(folder, |_| true) else { return };
        assert_eq!(tally.unreadable, BTreeMap::new(), "{folder}");
        assert!(tally.observations > 1000, "{folder}");
    }
}

#[test]
fn zeek_json() {
    for folder in ["zeek/wrccdc2018/zeek-json", "zeek/apt29"] {
        let Some(tally) = tally(folder, |_| true) else { return };
        assert_eq!(tally.unreadable, BTreeMap::new(), "{folder}");
        assert!(tally.observations > 1000, "{folder}");
    }
}

#[test]
fn zeek_baselines() {
    // The expected logs of Zeek's own test suite: odd on purpose.
    let Some(tally) = tally("zeek/btest_baselines", |_| true) else { return };
    assert!(tally.observations > 1000);
    // Most that cannot be read are excerpts that the suite cut out of a log without its header.
    let other: usize = tally
        .unreadable
        .iter()
        .filter(|(why, _)| **why != Unreadable::NoHeader)
        .map(|(_, count)| count)
        .sum();
    assert!(other <= 1, "{:?}", tally.unreadable);
}
