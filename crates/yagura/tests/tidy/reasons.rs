//! What the program says by a code, the console says in both languages: reasons of gates, receipts and custody, and findings about playbooks.

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
        let told = texts[table].as_object().into_iter().flatten();
        let told: BTreeSet<&str> = told.map(|(code, _)| code.as_str()).collect();
        assert_eq!(told, *known, "{language}: {table}");
    }
    Ok(())
}
