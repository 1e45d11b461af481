//! `docs/conformance-taxii-musts.md` names what shows each MUST of TAXII 2.1: the tests are there, and what has none says why.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot read the page or the sources")]

use std::path::{Path, PathBuf};

const PAGE: &str = "docs/conformance-taxii-musts.md";
/// Where tests stand that the page may name.
const FOLDERS: [&str; 4] = ["crates/taxii", "crates/hub", "crates/store", "tests/python"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of every source file below a folder, one behind the other.
fn sources(folder: &Path, all: &mut String) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "py") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// What stands in backticks.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_test_of_the_page_is_there() {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let mut all = String::new();
    for folder in FOLDERS {
        sources(&root().join(folder), &mut all);
    }
    let (mut shown, mut not_covered) = (0, 0);
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_section, who, demand, test] = cells[..] else { panic!("four cells: {row}") };
        assert!(["server", "client", "both", "operator"].contains(&who), "{row}");
        if let Some(reason) = test.strip_prefix("**not covered**: ") {
            assert!(reason.len() > 20, "a reason: {row}");
            not_covered += 1;
            continue;
        }
        assert!(!names(test).is_empty(), "{demand}: a test or a reason");
        for name in names(test) {
            let is_there = all.contains(&format!("fn {name}(")) || all.contains(&format!("def {name}("));
            assert!(is_there, "{demand}: there is no test `{name}`");
        }
        shown += 1;
    }
    let sum = format!("{shown} demands are shown by a test, {not_covered} are not covered.");
    assert!(page.contains(&format!("\n{sum}\n")), "{PAGE} has to say: {sum}");
    assert!(shown > 80, "the table was read");
}
