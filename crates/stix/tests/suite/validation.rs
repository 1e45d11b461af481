//! Verdicts against the recorded ones of the OASIS validator, and against real data.

use bytes::Bytes;
use serde_json::Value;
use stix::Object;
use stix::validate::{Finding, Severity, validate};

use crate::corpus;

/// Every error in what the text holds; an object that cannot even be kept counts as one.
pub(crate) fn errors(text: &str) -> Vec<String> {
    let members = match stix::bundle::split(&Bytes::from(text.to_owned())) {
        Ok(members) => members,
        Err(error) => return vec![format!("{}: {error}", error.code)],
    };
    let mut found = Vec::new();
    for member in members {
        match Object::parse(member) {
            Err(error) => found.push(format!("{}: {error}", error.code)),
            Ok(object) => {
                let of_object = validate(&object);
                let errors = of_object.iter().filter(|finding| finding.severity == Severity::Error);
                found.extend(errors.map(|f: &Finding| format!("{} at `{}` (§{}): {}", f.code, f.path, f.section, f.message)));
            }
        }
    }
    found
}

#[test]
fn recorded_verdicts_of_the_oasis_validator() {
    let Some(cases) = corpus::json_lines("stix/cti-stix-validator/cases-v21.jsonl") else { return };
    let mut differing = 0;
    for case in &cases {
        let ours = errors(&case["instance"].to_string());
        if ours.is_empty() != case["valid_default_must_only"].as_bool().unwrap() {
            differing += 1;
            let name = case["test"].as_str().unwrap();
            println!("{name}\n   theirs {}\n   ours {ours:?}\n   {}", case["must_errors"], &case["instance"].to_string().chars().take(1500).collect::<String>());
        }
    }
    println!("{differing} of {}", cases.len());
}
