//! Real logs: what share of their records is understood, and what stops the rest.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use telemetry::{Format, Reader, Unreadable};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("YAGURA_CORPUS").map(PathBuf::from);
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
    /// What each line is taken for by itself.
    formats: BTreeMap<Option<Format>, usize>,
    largest_graph: usize,
    unreadable: BTreeMap<Unreadable, usize>,
}

fn tally(folder: &str, only: impl Fn(&str) -> bool) -> Option<Tally> {
    tally_with(folder, only, Reader::auto, <[u8]>::to_vec)
}

fn tally_with(
    folder: &str,
    only: impl Fn(&str) -> bool,
    reader: impl Fn() -> Reader,
    lines_of: impl Fn(&[u8]) -> Vec<u8>,
) -> Option<Tally> {
    let mut paths = Vec::new();
    files(&corpus()?.join(folder), &mut paths);
    let mut tally = Tally::default();
    for path in paths.iter().filter(|path| only(&path.file_name().unwrap().to_string_lossy())) {
        let mut reader = reader();
        for line in lines_of(&content(path)).split(|byte| *byte == b'\n') {
            match reader.read(line) {
                Ok(Some(observation)) => {
                    tally.observations += 1;
                    tally.with_time += usize::from(observation.time.is_some());
                    tally.values += observation.values.len();
                    *tally.formats.entry(telemetry::detect(line)).or_default() += 1;
                    let graph = telemetry::objects(&observation);
                    for object in graph.values() {
                        assert!(
                            telemetry::OBJECT_TYPES.contains(&object["type"].as_str().unwrap()),
                            "{object}"
                        );
                    }
                    tally.largest_graph = tally.largest_graph.max(graph.len());
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
        "{folder}: {share:.2} % understood: {} records ({} with a time), {} values, {} headers and empty lines, unreadable {:?}, \
         as {:?}, largest graph {} objects",
        tally.observations,
        tally.with_time,
        tally.values,
        tally.silent,
        tally.unreadable,
        tally.formats,
        tally.largest_graph
    );
    Some(tally)
}

#[test]
fn suricata_events() {
    // The three other files beside it are arrays of objects over many lines, which no Suricata writes.
    let Some(tally) = tally("telemetry/suricata-eve", |name| name == "suricata_verify_otrf_eve.ndjson.gz")
    else {
        return;
    };
    assert_eq!(tally.observations, 39_185);
    assert_eq!(tally.with_time, tally.observations);
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert!(tally.values > 2 * tally.observations, "{}", tally.values);
}

#[test]
fn zeek_tab_separated() {
    for folder in ["telemetry/zeek/wrccdc2018/zeek-default", "telemetry/zeek/ocsf_samples_tsv"] {
        let Some(tally) = tally(folder, |_| true) else { return };
        assert_eq!(tally.unreadable, BTreeMap::new(), "{folder}");
        assert!(tally.observations > 1000, "{folder}");
    }
}

#[test]
fn zeek_json() {
    for folder in ["telemetry/zeek/wrccdc2018/zeek-json", "telemetry/zeek/apt29"] {
        let Some(tally) = tally(folder, |_| true) else { return };
        assert_eq!(tally.unreadable, BTreeMap::new(), "{folder}");
        assert!(tally.observations > 1000, "{folder}");
    }
}

#[test]
fn zeek_baselines() {
    // The expected logs of Zeek's own test suite: odd on purpose.
    let Some(tally) = tally("telemetry/zeek/btest_baselines", |_| true) else { return };
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

/// Documents over many lines as one record a line; lists are taken apart.
fn one_a_line(content: &[u8]) -> Vec<u8> {
    let mut lines = String::new();
    let documents = serde_json::Deserializer::from_slice(content).into_iter::<serde_json::Value>();
    for document in documents.map_while(Result::ok) {
        let members = match document {
            serde_json::Value::Array(members) => members,
            other => vec![other],
        };
        for member in members {
            lines.push_str(&member.to_string());
            lines.push('\n');
        }
    }
    lines.into_bytes()
}

#[test]
fn windows_events() {
    let Some(tally) = tally("telemetry/windows/otrf", |_| true) else { return };
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert_eq!(tally.formats, BTreeMap::from([(Some(Format::Windows), tally.observations)]));
    assert_eq!(tally.with_time, tally.observations);
    assert!(tally.observations > 60_000, "{}", tally.observations);
    assert!(tally.values > 2 * tally.observations, "{}", tally.values);
}

#[test]
fn events_that_fire_sigma_rules() {
    let json = |name: &str| name.ends_with(".json");
    let Some(tally) = tally_with("sigma/regression_data", json, Reader::auto, one_a_line) else { return };
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert_eq!(tally.formats, BTreeMap::from([(Some(Format::Windows), tally.observations)]));
    assert_eq!(tally.with_time, tally.observations);
    assert!(tally.observations > 140, "{}", tally.observations);
}

#[test]
fn ocsf_events() {
    // What the mappings made, and the samples of encodings; two of them are no JSON, which the test suite of OCSF did not notice.
    let made = |name: &str| {
        name.ends_with(".ocsf")
            || (name.ends_with(".json") && !name.starts_with("control") && name != "eks.json")
    };
    let Some(tally) = tally_with("telemetry/ocsf/examples", made, Reader::auto, one_a_line) else { return };
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert_eq!(tally.formats, BTreeMap::from([(Some(Format::Ocsf), tally.observations)]));
    assert!(tally.observations >= 70, "{}", tally.observations);
}

#[test]
fn raw_records_of_clouds_and_firewalls() {
    let raw = |name: &str| name.ends_with(".raw");
    let clouds = |name: &str| {
        raw(name)
            && ["api_activity", "account_change", "authentication", "route53"]
                .iter()
                .any(|part| name.contains(part))
    };
    for (folder, format) in [
        ("telemetry/ocsf/examples/mappings/markdown/AWS", Format::Aws),
        ("telemetry/ocsf/examples/mappings/bloblang/AWS", Format::Aws),
        ("telemetry/ocsf/examples/mappings/dataprepper", Format::Aws),
    ] {
        let only = |name: &str| if folder.contains("dataprepper") { raw(name) } else { clouds(name) };
        let Some(tally) = tally_with(folder, only, Reader::auto, one_a_line) else { return };
        assert_eq!(tally.unreadable, BTreeMap::new(), "{folder}");
        assert_eq!(tally.formats, BTreeMap::from([(Some(format), tally.observations)]), "{folder}");
        assert!(tally.observations > 0, "{folder}");
    }
    let Some(tally) = tally("telemetry/ocsf/examples/mappings/markdown/Cisco", raw) else { return };
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert_eq!(tally.formats, BTreeMap::from([(Some(Format::Syslog), tally.observations)]));
    assert_eq!(tally.with_time, tally.observations);
    assert!(tally.values >= 2 * tally.observations);
}

#[test]
fn flows_as_separated_values() {
    let flows = |name: &str| name == "vpcflowlog.raw";
    let csv = || Reader::new(Format::Csv);
    let folder = "telemetry/ocsf/examples/mappings/markdown/AWS";
    let Some(tally) = tally_with(folder, flows, csv, <[u8]>::to_vec) else { return };
    assert_eq!(tally.unreadable, BTreeMap::new());
    assert_eq!((tally.observations, tally.with_time, tally.silent >= 3), (3, 3, true));
}
