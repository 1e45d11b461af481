//! The public collection's own regression events: each has to fire the rule that it belongs to.
#![cfg(test)]
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use sigma::{Built, Options, RuleSet, RuleText, Scanner};
use telemetry::Reader;

/// Rules that an event of theirs does not fire, with the reason; docs/developers/sigma.md holds the same list.
const EXCEPTIONS: [(&str, &str); 0] = [];
/// Rules of the collection that cannot be used, with the code; docs/developers/sigma.md holds the same list.
const REFUSED: [(&str, &str); 0] = [];

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("YAGURA_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        eprintln!("SKIPPED: the regression events of Sigma need YAGURA_CORPUS");
    }
    corpus
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|given| given == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn all_rules(corpus: &Path) -> Built {
    let files = files_below(&corpus.join("sigma/rules"), "yml");
    let text = |path: &PathBuf| {
        RuleText::of_file(path.file_name().unwrap().to_str().unwrap(), std::fs::read_to_string(path).unwrap())
    };
    RuleSet::build(files.iter().map(text), Options::default())
}

#[test]
fn every_regression_event_fires_its_rule() {
    let Some(corpus) = corpus() else { return };
    let Built { set, refused } = all_rules(&corpus);
    let refused: Vec<_> = refused.iter().map(|refused| (refused.place.as_str(), refused.code)).collect();
    assert_eq!(refused, REFUSED, "what is refused of the collection");
    let set = Arc::new(set);
    let (mut events, mut fired, mut without_rule) = (0, 0, 0);
    let mut silent = BTreeMap::new();
    for path in files_below(&corpus.join("sigma/regression_data"), "json") {
        let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let records: Vec<Value> =
            serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect();
        if !set.rules().any(|rule| rule.id.as_deref() == Some(&id)) {
            without_rule += records.len();
            continue;
        }
        let mut scanner = Scanner::new(Arc::clone(&set), Reader::auto());
        let mut of_file = 0;
        for record in &records {
            let mut is_met = false;
            scanner.scan(record.to_string().as_bytes(), Timestamp::UNIX_EPOCH, &mut |found| {
                is_met |= found.rule.id.as_deref() == Some(&id);
            });
            of_file += usize::from(is_met);
        }
        let expected = match_count(&path).unwrap_or(records.len());
        events += expected;
        fired += of_file.min(expected);
        if of_file < expected {
            silent.insert(id, (of_file, expected));
        }
    }
    let silent: Vec<_> = silent.keys().map(String::as_str).collect();
    let listed: Vec<_> = EXCEPTIONS.iter().map(|(id, _)| *id).collect();
    assert_eq!(
        silent, listed,
        "{fired} of {events} fired; {without_rule} belong to rules that are not there"
    );
    assert_eq!((fired, events, without_rule), (91, 91, 76));
    let page = include_str!("../../../docs/developers/sigma.md");
    assert!(page.contains(&format!("{fired} of {events}")), "the page states the share");
    for (id, _) in EXCEPTIONS.iter().chain(&REFUSED) {
        assert!(page.contains(id), "the page lists {id}");
    }
}

/// How many of the events are to fire, where the collection says so.
fn match_count(path: &Path) -> Option<usize> {
    let info = std::fs::read_to_string(path.with_file_name("info.yml")).ok()?;
    info.lines().find_map(|line| line.trim().strip_prefix("match_count:")?.trim().parse().ok())
}

#[test]
fn real_windows_logs_run_through_all_rules() {
    let Some(corpus) = corpus() else { return };
    let set = Arc::new(all_rules(&corpus).set);
    let (mut lines, mut read) = (0, 0);
    let mut matches: BTreeMap<String, u64> = BTreeMap::new();
    for path in files_below(&corpus.join("telemetry/windows"), "gz") {
        let mut text = Vec::new();
        let file = std::fs::File::open(&path).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
        let mut scanner = Scanner::new(Arc::clone(&set), Reader::auto());
        scanner.scan(&text, Timestamp::UNIX_EPOCH, &mut |found| {
            *matches.entry(found.rule.title.clone()).or_default() += 1;
        });
        lines += scanner.tally().lines;
        read += scanner.tally().read;
    }
    assert_eq!((lines, read), (64_817, 64_817));
    // What the recorded attacks did, and what nobody disputes: PowerShell was run with an encoded command.
    assert!(matches.keys().any(|title| title.contains("Encoded")), "{matches:#?}");
}
