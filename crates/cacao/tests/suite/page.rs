//! `docs/conformance-cacao.md` names what shows each feature: the tests are there, no section of the specification has none, and the published
//! schemas are all accounted for.

use std::path::{Path, PathBuf};

const PAGE: &str = "docs/conformance-cacao.md";
/// Where tests stand that the page may name.
const FOLDERS: [&str; 3] = ["crates/cacao/tests", "crates/hub/tests/it", "crates/hub/src/runs"];
/// The sections of the committee specification that describe something to be read or carried out.
const SECTIONS: [&str; 24] = [
    "2.5", "3.1", "3.1.1", "3.1.2", "4.1", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "5", "6",
    "7", "8", "9", "10.4", "10.9", "10.10", "10.14", "10.15", "10.18",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of every source file below a folder, one behind the other.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The rows of the table behind a heading, as cells.
fn rows<'p>(page: &'p str, heading: &str) -> Vec<Vec<&'p str>> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let rows =
        rest.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2).map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_feature_of_the_page_has_a_test_that_is_there() {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let mut all = String::new();
    for folder in FOLDERS {
        sources(&root().join(folder), &mut all);
    }
    let (mut named, mut sections) = (0, Vec::new());
    for heading in ["Features", "Carried out"] {
        for row in rows(&page, heading) {
            let [section, feature, tests] = row[..] else { panic!("three cells: {row:?}") };
            sections.extend(section.split(", "));
            assert!(tests.contains('`'), "{feature}: a test");
            for name in tests.split('`').skip(1).step_by(2) {
                let is_there = match name {
                    path if path.starts_with("crates/") => root().join(path).is_file(),
                    // A kind of finding, which has its case.
                    code if code.contains('-') => all.contains(&format!(" {code}\"")),
                    test => all.contains(&format!("fn {test}(")),
                };
                assert!(is_there, "{feature}: there is no `{name}`");
                named += 1;
            }
        }
    }
    for section in SECTIONS {
        assert!(sections.contains(&section), "section {section} has no row");
    }
    assert!(named > 70, "the tables were read: {named}");
}

#[test]
fn each_of_the_51_schemas_is_listed() {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let names = rows(&page, "The 51 published schemas").into_iter().flat_map(|row| {
        let (folder, names) = row[0].rsplit_once(": ").unwrap_or(("", row[0]));
        names.split(", ").map(|name| format!("{folder} {name}")).collect::<Vec<_>>()
    });
    let names: std::collections::BTreeSet<String> = names.collect();
    assert_eq!(names.len(), 51, "{names:?}");
}
