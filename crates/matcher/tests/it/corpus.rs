//! Real logs, matched against values that stand in them: each backend finds what reading every line finds.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use matcher::{Covers, Indicator, IndicatorSet, Options, Scanner, Simd, WarningLists};
use stix::observable::ValueKind;
use stix::{Id, Timestamp};
use telemetry::Reader;

fn logs() -> Vec<PathBuf> {
    let folder = std::env::var_os("YAGURA_CORPUS").map(|folder| PathBuf::from(folder).join("telemetry"));
    let mut found = Vec::new();
    match folder.filter(|folder| folder.is_dir()) {
        Some(folder) => {
            for part in ["suricata-eve", "zeek"] {
                files(&folder.join(part), &mut found);
            }
        }
        None => eprintln!("SKIPPED: matching real logs needs YAGURA_CORPUS"),
    }
    found
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// The beginning of a log: enough for every kind of record, and not minutes of a test.
fn beginning(path: &Path) -> Vec<u8> {
    const BYTES_MAX: usize = 1 << 20;
    let mut bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let read = flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(BYTES_MAX as u64);
        let _ = { read }.read_to_end(&mut plain);
        bytes = plain;
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

/// The pattern that asks for a value.
fn pattern(kind: ValueKind, value: &str) -> Option<String> {
    let path = match kind {
        ValueKind::Ipv4 => "ipv4-addr:value",
        ValueKind::Ipv6 => "ipv6-addr:value",
        ValueKind::Domain => "domain-name:value",
        ValueKind::Url => "url:value",
        ValueKind::Email => "email-addr:value",
        ValueKind::Mac => "mac-addr:value",
        ValueKind::Md5 => "file:hashes.MD5",
        ValueKind::Sha1 => "file:hashes.'SHA-1'",
        ValueKind::Sha256 => "file:hashes.'SHA-256'",
        _ => return None,
    };
    Some(format!("[{path} = '{}']", value.replace('\\', "\\\\").replace('\'', "\\'")))
}

/// Every fifth of the values that a log holds, as indicators.
fn indicators(log: &[u8]) -> Vec<Indicator> {
    let mut reader = Reader::auto();
    let mut values = BTreeMap::new();
    for line in log.split(|byte| *byte == b'\n') {
        if let Ok(Some(observation)) = reader.read(line) {
            for value in &observation.values {
                values.extend(pattern(value.kind, &value.value).map(|pattern| (pattern, ())));
            }
        }
    }
    let stamp = Timestamp::parse("2020-01-01T00:00:00.000Z").unwrap();
    let picked = values.into_keys().enumerate().filter(|(number, _)| number % 5 == 0);
    picked
        .map(|(number, pattern)| Indicator {
            id: Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}")).unwrap(),
            version: stamp.clone(),
            name: pattern.clone(),
            pattern,
            confidence: None,
            valid_from: stamp.clone(),
            valid_until: None,
            revoked: false,
            reach: None,
        })
        .collect()
}

fn found(mut scanner: Scanner, log: &[u8]) -> Vec<(u64, usize, u32, Vec<usize>)> {
    let mut found = Vec::new();
    scanner.scan(log, "2026-01-01T00:00:00Z".parse().unwrap(), &mut |hit| {
        found.push((hit.line, hit.line_offset, hit.indicator.number(), hit.hits.to_vec()));
    });
    found
}

#[test]
fn what_stands_in_real_logs_is_found() {
    let (mut logs_with_matches, mut matches) = (0, 0);
    let paths = logs();
    for path in &paths {
        let log = beginning(path);
        let indicators = indicators(&log);
        for covers in [Covers::Host, Covers::Subtree] {
            let options = Options { reach: covers.into(), any_time: true, ..Options::default() };
            let set = IndicatorSet::build(indicators.iter().cloned(), &WarningLists::none(), &options, 1).set;
            let set = Arc::new(set);
            let right = found(Scanner::exhaustive(Arc::clone(&set), Reader::auto()), &log);
            for simd in Simd::all() {
                let seen = found(Scanner::with_simd(Arc::clone(&set), Reader::auto(), simd), &log);
                assert!(seen == right, "{} in {}", simd.name(), path.display());
            }
            matches += right.len();
            logs_with_matches += usize::from(!right.is_empty());
        }
    }
    eprintln!("{matches} matches in {} logs", paths.len());
    assert!(paths.is_empty() || logs_with_matches > 10, "{logs_with_matches} logs with matches");
}
