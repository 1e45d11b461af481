//! What must hold for any input whatever. The fuzz targets `stix_json`, `pattern` and `stix_pattern_evaluate` call the same
//! functions.

use bytes::Bytes;
use stix::pattern::Pattern;
use stix::pattern::evaluate::{EvaluateError, Evaluator, Observed, Scope};
use stix::{Object, bundle, marking, observable, sco_id, validate};

/// Bytes that claim to be STIX: split, read, judged, indexed. What was read keeps its bytes, and reads the same again.
pub(crate) fn stix_json(input: &[u8]) {
    let text = Bytes::copy_from_slice(input);
    let members = match bundle::split(&text) {
        Ok(members) => members,
        // What is no list may still be offered as an object.
        Err(_) => vec![text],
    };
    for member in members {
        let Ok(object) = Object::parse(member.clone()) else { continue };
        assert_eq!(object.bytes(), &member, "an object keeps the bytes it came in");
        let findings = validate::validate(&object);
        assert!(findings.iter().all(|finding| !finding.message.is_empty()), "a finding says what is wrong");
        let _ = (object.references(), object.search_texts(), observable::values(&object));
        let _ = (
            marking::marking_refs(&object),
            sco_id::deterministic(object.object_type(), object.properties()),
        );
        let again = Object::parse(member).map(|again| again.canonical_hash());
        assert_eq!(again, Ok(object.canonical_hash()), "what was read once is read again");
        let rewritten = serde_json::to_vec(object.properties()).map(Bytes::from);
        let parsed = rewritten.map(Object::parse);
        assert!(matches!(parsed, Ok(Ok(_))), "what was read can be written and read");
    }
}

/// Texts that claim to be patterns: what is read, printed and read again is the same.
pub(crate) fn pattern(input: &str) {
    let Ok(pattern) = Pattern::parse(input) else { return };
    let printed = pattern.to_string();
    assert_eq!(Pattern::parse(&printed).as_ref(), Ok(&pattern), "`{printed}`");
    assert_eq!(Pattern::parse(&printed).map(|again| again.to_string()), Ok(printed));
    let _ = (pattern.tests().len(), pattern.type_conflict());
}

/// A pattern, and after a line end observed data as JSON: whatever is bound satisfies the pattern by itself, and what one object
/// satisfies one observation satisfies.
pub(crate) fn evaluate(input: &str) {
    let (pattern, data) = input.split_once('\n').unwrap_or((input, "[]"));
    let Ok(pattern) = Pattern::parse(pattern) else { return };
    let Ok(Evaluated { bound, observed }) = evaluated(&pattern, data, Scope::Object) else { return };
    let Some(bound) = bound else { return };
    let alone: Vec<Observed> = bound.iter().filter_map(|number| observed.get(*number).cloned()).collect();
    let again = Evaluator::new(&pattern, Scope::Object).and_then(|evaluator| evaluator.evaluate(&alone));
    assert!(!matches!(again, Ok(None)), "what is bound satisfies `{pattern}`");
    if let Ok(wider) = evaluated(&pattern, data, Scope::Observation) {
        assert!(wider.bound.is_some(), "an object is part of its observation: `{pattern}`");
    }
}

struct Evaluated {
    bound: Option<Vec<usize>>,
    observed: Vec<Observed>,
}

fn evaluated(pattern: &Pattern, data: &str, scope: Scope) -> Result<Evaluated, EvaluateError> {
    let objects: Vec<serde_json::Value> = serde_json::from_str(data).unwrap_or_default();
    let observed = Observed::read(&objects).unwrap_or_default();
    let binding = Evaluator::new(pattern, scope)?.evaluate(&observed)?;
    Ok(Evaluated { bound: binding.map(|binding| binding.observations()), observed })
}
