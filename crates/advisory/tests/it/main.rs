//! What sources say becomes valid STIX, the same every time.
#![cfg(test)]

mod torture;

use std::collections::BTreeSet;
use std::path::PathBuf;

use advisory::{Made, check};
use serde_json::{Value, json};
use stix::Object;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("YAGURA_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: real advisories need YAGURA_CORPUS");
    }
    folder
}

fn valid(made: &Made) -> Vec<Object> {
    let objects: Vec<Object> =
        made.objects.iter().map(|bytes| Object::parse(bytes.clone()).unwrap()).collect();
    let mut ids = BTreeSet::new();
    for object in &objects {
        assert!(ids.insert(object.id().clone()), "{} stands twice", object.id());
        let errors: Vec<_> = stix::validate::validate(object)
            .into_iter()
            .filter(|finding| finding.severity == stix::validate::Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{errors:?}\n{}", String::from_utf8_lossy(object.bytes()));
    }
    objects
}

#[test]
fn a_newer_catalogue_is_a_newer_version_of_the_same() {
    let catalogue = |date: &str| {
        json!({"catalogVersion": "1", "dateReleased": date, "vulnerabilities": [
            {"cveID": "CVE-2026-0001", "dateAdded": "2026-01-02", "dueDate": "2026-01-23", "knownRansomwareCampaignUse": "Known"},
            {"cveID": "CVE-x"}, 7]})
        .to_string()
    };
    let (first, second) = (
        advisory::kev(catalogue("2026-01-02T00:00:00Z").as_bytes()).unwrap(),
        advisory::kev(catalogue("2026-01-03").as_bytes()).unwrap(),
    );
    assert_eq!(first.warnings.len(), 2);
    let (first, second) = (valid(&first), valid(&second));
    assert_eq!(first[1].id(), second[1].id());
    assert_eq!(first[1].text("created"), second[1].text("created"));
    assert!(first[1].version() < second[1].version());
    let words = &first[1].properties()["extensions"][advisory::ADVISORY_EXTENSION];
    assert_eq!((&words["due_date"], &words["ransomware_use"]), (&json!("2026-01-23"), &json!("known")));
    for bad in ["{}", "[]", "{", r#"{"vulnerabilities": [], "dateReleased": "x"}"#] {
        assert!(advisory::kev(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn scores_in_both_forms() {
    let official = "#model_version:v2025.03.14,score_date:2026-01-02T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\nx,1,2\n";
    let made = advisory::epss(official.as_bytes(), "1999-01-01").unwrap();
    assert_eq!(made.warnings.len(), 1);
    let objects = valid(&made);
    let words = &objects[1].properties()["extensions"][advisory::ADVISORY_EXTENSION];
    assert_eq!((&words["epss_score"], &words["epss_model"]), (&json!(0.5), &json!("v2025.03.14")));
    assert_eq!(objects[1].text("modified"), Some("2026-01-02T00:00:00.000Z"));
    let bare = advisory::epss(b"CVE-2026-0001;0.25;0.5\n", "2026-02-01").unwrap();
    assert_eq!(valid(&bare)[1].id(), objects[1].id());
    assert!(advisory::epss(b"nothing", "2026-02-01").is_err());
}

#[test]
fn the_catalogue_and_scores_of_the_corpus() {
    let Some(corpus) = corpus() else { return };
    let kev = std::fs::read(corpus.join("vuln/kev/known_exploited_vulnerabilities.json")).unwrap();
    let made = advisory::kev(&kev).unwrap();
    assert_eq!((valid(&made).len(), made.warnings.len()), (1405, 0));
    let scores = std::fs::read(corpus.join("drill/risk/epss/CVE_2026_EPSS.csv")).unwrap();
    let made = advisory::epss(&scores, "2026-08-16").unwrap();
    assert!(valid(&made).len() > 1_000);
}

/// Every document of the suite under an implemented test is judged as the suite says.
#[test]
fn mandatory_tests_judge_as_the_suite_says() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("vuln/csaf/csaf_2.0/test/validator/data");
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let suite = read("testcases.json");
    let (mut judged, mut wrong) = (0, Vec::new());
    for test in suite["tests"].as_array().unwrap() {
        let id = test["id"].as_str().unwrap();
        if !check::IMPLEMENTED.contains(&id) {
            continue;
        }
        for (list, fails) in [("failures", true), ("valid", false)] {
            for case in test[list].as_array().into_iter().flatten() {
                let name = case["name"].as_str().unwrap();
                let failed = check::mandatory(&read(name));
                judged += 1;
                if failed.iter().any(|failed| failed.test == id) != fails {
                    wrong.push(format!("{id} {name}: {failed:?}"));
                }
            }
        }
    }
    eprintln!(
        "CSAF 2.0 mandatory tests: {} implemented, {judged} documents judged",
        check::IMPLEMENTED.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_advisory_of_the_corpus_becomes_valid_stix() {
    let Some(corpus) = corpus() else { return };
    let mut folders = vec![corpus.join("vuln/csaf/csaf_2.0"), corpus.join("vuln/cisagov-csaf")];
    let (mut made_of, mut refused, mut objects) = (0, 0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                match advisory::csaf(&std::fs::read(&path).unwrap()) {
                    Ok(made) => {
                        made_of += 1;
                        objects += valid(&made).len();
                        assert_eq!(
                            made.objects,
                            advisory::csaf(&std::fs::read(&path).unwrap()).unwrap().objects
                        );
                    }
                    Err(_) => refused += 1,
                }
            }
        }
    }
    eprintln!("CSAF: {made_of} advisories made {objects} objects; {refused} files are no advisories");
    assert!(made_of > 500);
}
