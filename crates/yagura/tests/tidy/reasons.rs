//! What the program says by a code, the console says in both languages: reasons of broken rules, gates, receipts and custody, and findings
//! about playbooks.

use std::collections::{BTreeMap, BTreeSet};

use cacao::Detail;
use cacao::signature::Refused;
use oversight::reason::{AnswerReason, CustodyReason, Reason, ReceiptReason};
use serde_json::Value;

use super::{Files, Outcome, repository, text_of};

#[test]
fn every_reason_of_a_gate_is_said_in_both_languages() -> Outcome {
    let reasons = Reason::ALL.iter().map(|reason| (reason.code(), places(reason.text(), "{", "}")));
    said_with_its_places("gateReasons", &reasons.collect())
}

#[test]
fn every_reason_why_one_may_not_answer_is_said_in_both_languages() -> Outcome {
    let reasons = AnswerReason::ALL.iter().map(|reason| (reason.code(), places(reason.text(), "{", "}")));
    said_with_its_places("answerReasons", &reasons.collect())
}

#[test]
fn every_reason_why_a_receipt_proves_nothing_is_said_in_both_languages() -> Outcome {
    let reasons = ReceiptReason::ALL.iter().map(|reason| (reason.code(), places(reason.text(), "{", "}")));
    said_with_its_places("receiptReasons", &reasons.collect())
}

#[test]
fn every_reason_why_a_playbook_does_not_run_is_said_in_both_languages() -> Outcome {
    let reasons = Refused::CODES.iter().map(|(code, places)| (*code, places.iter().copied().collect()));
    said_with_its_places("playbookReasons", &reasons.collect())
}

#[test]
fn every_sentence_about_a_playbook_is_said_in_both_languages() -> Outcome {
    let details = Detail::ALL.iter().map(|detail| (detail.code(), places(detail.text(), "{", "}")));
    said_with_its_places("playbookDetails", &details.collect())
}

/// Both catalogues say each code, nothing else, and put the same values into each.
fn said_with_its_places(table: &str, known: &BTreeMap<&str, BTreeSet<&str>>) -> Outcome {
    let files = repository()?;
    for language in ["en", "ja"] {
        let texts: Value =
            serde_json::from_str(text_of(&files, &format!("web/src/locales/{language}.json"))?)?;
        let told = texts[table].as_object().into_iter().flatten();
        let told: BTreeMap<&str, BTreeSet<&str>> = told
            .map(|(code, text)| (code.as_str(), places(text.as_str().unwrap_or_default(), "{{", "}}")))
            .collect();
        assert_eq!(told, *known, "{language}: {table}");
    }
    Ok(())
}

/// What stands between two signs.
fn places<'t>(text: &'t str, open: &str, close: &str) -> BTreeSet<&'t str> {
    text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
}

#[test]
fn every_reason_of_a_broken_rule_is_said_in_both_languages() -> Outcome {
    said_in_both(&repository()?, "errors/reasons", &api::REASONS.iter().copied().collect())
}

#[test]
fn the_hub_gives_every_reason_that_is_said_and_no_other() -> Outcome {
    let files = repository()?;
    let sources = |folder: &'static str| files.iter().filter(move |(path, _)| path.starts_with(folder));
    // An edge is a program: it reads the detail in its log.
    let hub = sources("crates/hub/src/").filter(|(path, _)| !path.starts_with("crates/hub/src/edge_link"));
    let given: BTreeSet<&str> = hub.flat_map(|(_, text)| reasons_in(text)).collect();
    let unsaid: Vec<&&str> = given.iter().filter(|word| !api::is_reason(word)).collect();
    assert!(unsaid.is_empty(), "these are not in `api::REASONS`: {unsaid:?}");
    // What a room or the store refuses has its word there.
    let places = ["crates/hub/src/", "crates/case/src/", "crates/store/src/"];
    let is_given = |word: &&&str| {
        let quoted = format!("\"{word}\"");
        places.into_iter().any(|place| sources(place).any(|(_, text)| text.contains(&quoted)))
    };
    let left_over: Vec<&&str> = api::REASONS.iter().filter(|word| !is_given(word)).collect();
    assert!(left_over.is_empty(), "nothing gives these any more: {left_over:?}");
    Ok(())
}

/// The reasons that are written as such in a source.
fn reasons_in(text: &str) -> impl Iterator<Item = &str> {
    let calls = ["unfit(", "::rule(", ".because("].into_iter().flat_map(move |call| text.split(call).skip(1));
    calls.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0))
}

#[test]
fn reasons_are_found_on_the_next_line_as_well() {
    let source = "unfit(\n    \"one\",\n    why)\nFailure::rule(\"two\", why)\n.because(code)\nfn unfit(code: &'static str)";
    assert_eq!(reasons_in(source).collect::<Vec<_>>(), ["one", "two"]);
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
    let known: BTreeSet<&str> = Detail::ALL.iter().map(|detail| detail.kind()).collect();
    said_in_both(&files, "playbookFindings", &known)
}

fn said_in_both(files: &Files, table: &str, known: &BTreeSet<&str>) -> Outcome {
    for language in ["en", "ja"] {
        let texts: Value =
            serde_json::from_str(text_of(files, &format!("web/src/locales/{language}.json"))?)?;
        let told = texts.pointer(&format!("/{table}")).and_then(Value::as_object).into_iter().flatten();
        let told: BTreeSet<&str> = told.map(|(code, _)| code.as_str()).collect();
        assert_eq!(told, *known, "{language}: {table}");
    }
    Ok(())
}
