//! Real events and the published pairs of MISP and STIX, there and back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use misp::{Event, Limits, Options, Report, canonical};
use serde_json::Value;
use stix::Object;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("YAGURA_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: the round trip of real events needs YAGURA_CORPUS");
    }
    folder
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
}

fn lines(path: &Path, name: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(path).unwrap();
    let read = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        (value["name"].as_str().unwrap().to_owned(), value[name].take())
    };
    text.lines().map(read).collect()
}

pub(crate) fn options() -> Options {
    Options::at("2026-01-02T03:04:05Z".parse().unwrap())
}

pub(crate) fn objects(made: &[Bytes]) -> Vec<Object> {
    made.iter().map(|bytes| Object::parse(bytes.clone()).unwrap()).collect()
}

/// One event to STIX and back; everything that it becomes is valid.
pub(crate) fn there_and_back(name: &str, event: &Event) -> Report {
    let made = misp::to_stix(std::slice::from_ref(event), &options());
    let objects = objects(&made.objects);
    let mut ids = BTreeSet::new();
    for object in &objects {
        assert!(ids.insert(object.id().to_string()), "{name}: {} stands twice", object.id());
        let errors: Vec<_> = stix::validate::validate(object)
            .into_iter()
            .filter(|finding| finding.severity == stix::validate::Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{}", String::from_utf8_lossy(object.bytes()));
    }
    let back = misp::to_misp(&objects);
    assert_eq!(back.events.len(), 1, "{name}");
    let (is, was) = (canonical(&back.events[0].clone().into_json()), canonical(&event.clone().into_json()));
    if is != was {
        panic!("{name}:\n{}\n{}", shown(&is), shown(&was));
    }
    assert!(made.report.lost.is_empty(), "{name}: {:?}", made.report.lost);
    made.report
}

fn shown(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap();
    text.chars().take(6_000).collect()
}

#[test]
fn every_event_of_the_corpus_comes_back_as_it_was() {
    let Some(corpus) = corpus() else { return };
    let mut events = Vec::new();
    for (name, mut value) in lines(&corpus.join("misp/misp-stix-tests/extracted/misp-events.jsonl"), "event")
    {
        if let Some(single) = value.get_mut("Attribute").filter(|attribute| attribute.is_object()) {
            *single = Value::Array(vec![single.take()]);
        }
        match misp::read(value.to_string().as_bytes(), &Limits::default()) {
            Ok(read) => events.extend(read.into_iter().map(|event| (name.clone(), event))),
            // The one that is a table of hashes and no event.
            Err(error) => assert_eq!(error.code, "misp-shape", "{name}"),
        }
    }
    let mut paths = Vec::new();
    for folder in ["misp/eset-malware-ioc", "misp/PyMISP-tests/tests", "misp/misp-stix-tests/tests"] {
        files(&corpus.join(folder), &mut paths);
    }
    let mut refused = Vec::new();
    for path in &paths {
        match misp::read(&std::fs::read(path).unwrap(), &Limits::default()) {
            Ok(read) => events.extend(read.into_iter().map(|event| (path.display().to_string(), event))),
            Err(error) => {
                refused.push((path.file_name().unwrap().to_string_lossy().into_owned(), error.code));
            }
        }
    }
    let mut sum = Report::default();
    for (name, event) in &events {
        sum.add(there_and_back(name, event));
    }
    let native =
        sum.converted.iter().filter(|(kind, _)| *kind != "note").map(|(_, count)| count).sum::<u64>();
    eprintln!(
        "{} events, {} attributes, {} objects in; {} STIX objects ({native} of them no notes); kept in the extension: {} fields; lost: {}",
        sum.events,
        sum.attributes,
        sum.objects,
        sum.converted.values().sum::<u64>(),
        sum.kept_in_extension.values().sum::<u64>(),
        sum.lost.len()
    );
    eprintln!("converted {:?}\nrefused {refused:?}", sum.converted);
    assert!(sum.events >= 170 && sum.attributes >= 4_000, "the corpus is smaller than it was");
}

#[test]
fn every_bundle_of_the_corpus_comes_back_as_it_was() {
    let Some(corpus) = corpus() else { return };
    let mut totals: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let folder = corpus.join("misp/misp-stix-tests/extracted");
    for (kind, file) in [
        ("made by MISP", "internal-stix21-bundles.jsonl"),
        ("made by others", "external-stix21-bundles.jsonl"),
    ] {
        for (name, bundle) in lines(&folder.join(file), "bundle") {
            let members = stix::bundle::split(&Bytes::from(bundle.to_string())).unwrap();
            let objects: Vec<Object> =
                members.into_iter().filter_map(|bytes| Object::parse(bytes).ok()).collect();
            stix_comes_back(&name, &objects);
            let total = totals.entry(kind).or_default();
            total.0 += 1;
            total.1 += objects.len();
        }
    }
    let mut paths = Vec::new();
    files(&corpus.join("misp/misp-stix-tests/tests"), &mut paths);
    files(&corpus.join("stix/unit42"), &mut paths);
    for path in paths {
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        let Ok(members) = stix::bundle::split(&bytes) else { continue };
        let objects: Vec<Object> =
            members.into_iter().filter_map(|bytes| Object::parse(bytes).ok()).collect();
        if objects.iter().any(|object| object.get("spec_version").is_some()) {
            stix_comes_back(&path.display().to_string(), &objects);
            let total = totals.entry("whole files").or_default();
            total.0 += 1;
            total.1 += objects.len();
        }
    }
    eprintln!("STIX to MISP and back (bundles, objects): {totals:?}");
    assert!(totals.values().map(|(bundles, _)| bundles).sum::<usize>() > 200);
}

/// STIX to MISP, through MISP's JSON text, and back: the same bytes of every object.
pub(crate) fn stix_comes_back(name: &str, objects: &[Object]) {
    let made = misp::to_misp(objects);
    assert!(made.report.lost.is_empty(), "{name}");
    let mut events = Vec::new();
    for event in made.events {
        events.extend(misp::read(event.into_json().to_string().as_bytes(), &Limits::default()).unwrap());
    }
    let back = misp::to_stix(&events, &options());
    let back: BTreeSet<Vec<u8>> = back.objects.iter().map(|bytes| bytes.to_vec()).collect();
    for object in objects {
        let is_definition = object.id().as_str() == misp::MISP_EXTENSION;
        let is_newest =
            objects.iter().all(|other| other.id() != object.id() || other.version() <= object.version());
        // The fixed definitions of the TLP levels are the same everywhere.
        let is_tlp = object.object_type() == "marking-definition"
            && object.text("name").is_some_and(|name| name.starts_with("TLP:"));
        if is_newest && !is_definition && !is_tlp {
            assert!(back.contains(object.bytes().as_ref()), "{name}: {} did not come back", object.id());
        }
    }
    let known: BTreeSet<&str> = objects.iter().map(|object| object.id().as_str()).collect();
    for bytes in &back {
        let object = Object::parse(Bytes::from(bytes.clone())).unwrap();
        let is_definition = matches!(object.object_type(), "extension-definition" | "marking-definition");
        assert!(is_definition || known.contains(object.id().as_str()), "{name}: {} was made up", object.id());
    }
}
