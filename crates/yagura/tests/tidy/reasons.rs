//! Every reason of a gate is said by the console in both languages, with the same places.

use std::collections::BTreeSet;

use oversight::reason::Reason;
use serde_json::Value;

use super::{Outcome, repository, text_of};

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
