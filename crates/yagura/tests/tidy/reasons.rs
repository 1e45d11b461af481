//! What the program says by a code, the console says in both languages: reasons of gates and of custody, and findings about playbooks.

use std::collections::BTreeSet;

use oversight::reason::{CustodyReason, Reason};
use serde_json::Value;

use super::{Files, Outcome, repository, text_of};

#[test]
fn every_reason_of_a_gate_is_said_in_both_languages() -> Outcome {
    let files = repository()?;
    for language in ["en", "ja"] {
        let texts: Value =
            serde_json::from_str(text_of(&files, &format!("web/src/locales/{language}.json"))?)?;
        let texts = &texts["gateReasons"];
        let mut known = BTreeSet::new();
        for reason in Reason::ALL {
            let text = texts[reason.code()]
                .as_str()
                .ok_or_else(|| format!("{language}: `{}` is missing", reason.code()))?;
            assert_eq!(places(text, "{{", "}}"), places(reason.text(), "{", "}"), "{language}: {text}");
            known.insert(reason.code());
        }
        let told: BTreeSet<&str> =
            texts.as_object().into_iter().flatten().map(|(code, _)| code.as_str()).collect();
        assert_eq!(told, known, "{language}: texts that no gate says");
    }
    Ok(())
}

/// What stands between two signs.
fn places<'t>(text: &'t str, open: &str, close: &str) -> BTreeSet<&'t str> {
    text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
}

#[test]
fn every_reason_of_custody_is_said_in_both_languages() -> Outcome {
    let files = repository()?;
    let known: BTreeSet<&str> = CustodyReason::ALL.iter().map(|reason| reason.code()).collect();
    said_in_both(&files, "custodyReasons", &known)
}

#[test]
fn every_finding_about_a_playbook_has_a_name_in_both_languages() -> Outcome {
    let files = repository()?;
    let sources = files.iter().filter(|(path, _)| path.starts_with("crates/cacao/src/"));
    let known: BTreeSet<&str> = sources.flat_map(|(_, text)| codes(text)).collect();
    assert!(known.len() > 90 && known.contains("cycle"), "{known:?}");
    said_in_both(&files, "playbookFindings", &known)
}

fn said_in_both(files: &Files, table: &str, known: &BTreeSet<&str>) -> Outcome {
    for language in ["en", "ja"] {
        let texts: Value =
            serde_json::from_str(text_of(files, &format!("web/src/locales/{language}.json"))?)?;
        let told = texts[table].as_object().into_iter().flatten();
        let told: BTreeSet<&str> = told.map(|(code, _)| code.as_str()).collect();
        assert_eq!(told, *known, "{language}: {table}");
    }
    Ok(())
}

/// The codes that a source gives to findings: the first text within `error(`, `warn(`, `note(` and the like, and what stands behind `code:`.
fn codes(source: &str) -> impl Iterator<Item = &str> {
    let calls = [".error(", ".warn(", ".note(", "code: "];
    calls.into_iter().flat_map(move |call| source.split(call).skip(1)).filter_map(|rest| {
        let (code, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        let is_code =
            code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        (is_code && !code.is_empty()).then_some(code)
    })
}
