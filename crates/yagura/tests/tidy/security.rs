//! docs/security.md: it has the requirements that were chosen, each with its state, and the tests that it names are there.

use std::collections::BTreeSet;

use super::{Files, Findings, Outcome, in_backticks, none, repository, text_of};

/// Requirements of ASVS 5.0 that were chosen.
const CHOSEN: [&str; 25] = [
    "2.3.5", "2.4.1", "6.3.3", "6.8.1", "7.4.2", "7.5.3", "8.2.2", "8.2.3", "8.3.2", "8.3.3", "8.4.1",
    "9.2.1", "9.2.3", "10.3.5", "11.1.4", "11.2.2", "12.1.3", "12.3.5", "13.2.4", "13.3.1", "14.2.7",
    "16.3.2", "16.4.2", "16.4.3", "16.5.3",
];

const STATES: [&str; 3] = ["held", "in part", "not yet"];

#[test]
fn every_test_that_the_security_document_names_is_there() -> Outcome {
    let files = repository()?;
    none(&findings(text_of(&files, "docs/security.md")?, &tests(&files)))
}

/// The rows `| number | requirement | what is done | tests | state |`.
fn findings(document: &str, tests: &BTreeSet<String>) -> Findings {
    let mut findings = vec![];
    let mut wanted: BTreeSet<&str> = CHOSEN.into();
    for line in document.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", number, requirement, done, named, state, ""] = cells.as_slice() else { continue };
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        if !wanted.remove(number) {
            findings.push(format!("{number} was not chosen, or is there twice"));
        }
        if requirement.is_empty() || done.is_empty() {
            findings.push(format!("{number} says nothing"));
        }
        let named = in_backticks(named);
        for test in named.iter().filter(|test| !tests.contains(*test)) {
            findings.push(format!("{number} names the test `{test}`, which is not there"));
        }
        let state = state.trim_matches('*');
        if !STATES.contains(&state) {
            findings.push(format!("{number} is `{state}`, which is none of {STATES:?}"));
        }
        if named.is_empty() != (state == "not yet") {
            findings.push(format!("{number}: what is held has a test, and what has none is `not yet`"));
        }
    }
    findings.extend(wanted.iter().map(|number| format!("{number} is missing")));
    findings
}

/// The names of all tests in Rust.
fn tests(files: &Files) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in files.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(_, text)| text) {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                names.extend(rest.split('(').next().map(str::to_owned));
                is_test = false;
            }
        }
    }
    names
}

#[test]
fn a_row_that_says_too_much_is_found() {
    let tests: BTreeSet<String> = ["is_there".to_owned()].into();
    let said = |row: &str| {
        findings(row, &tests)
            .into_iter()
            .filter(|finding| !finding.ends_with("is missing"))
            .collect::<Vec<_>>()
    };
    assert_eq!(said("| 2.3.5 | a | b | `is_there` | held |"), Vec::<String>::new());
    assert_eq!(said("| 2.3.5 | a | b | | not yet |"), Vec::<String>::new());
    assert_eq!(said("| 2.3.5 | a | b | `is_gone` | held |").len(), 1);
    assert_eq!(said("| 2.3.5 | a | b | | held |").len(), 1);
    assert_eq!(said("| 2.3.5 | a | | `is_there` | held |").len(), 1);
    assert_eq!(said("| 2.3.5 | a | b | `is_there` | surely |").len(), 1);
    assert_eq!(said("| 1.1.1 | a | b | `is_there` | held |").len(), 1);
    assert_eq!(findings("", &tests).len(), CHOSEN.len());
    let files =
        Files::from([("a.rs".to_owned(), "#[test]\n#[ignore]\nfn a_test() {}\nfn no_test() {}".to_owned())]);
    assert_eq!(self::tests(&files), BTreeSet::from(["a_test".to_owned()]));
}
