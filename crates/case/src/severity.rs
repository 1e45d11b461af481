use serde_json::Value;
use stix::Object;

use crate::{CASE_EXTENSION, Severity};

/// How grave a sighting of an indicator is, from what its producer says; the first of these that is there:
///
/// 1. the property `severity` (0–5) of our extension ([`CASE_EXTENSION`]);
/// 2. a label `severity:0` … `severity:5`, or `severity:` with `none`, `low`, `medium`, `high`, `critical`: words of a scale of five
///    that others use (CVSS's), which are no names of our six levels: `medium` is 3 and `high` 4 here;
/// 3. `indicator_types` (STIX 2.1 §10.9): `benign` is 0, `malicious-activity`, `compromised` and `attribution` are 3,
///    everything else is 2; one less with a `confidence` below 30 (§3.2: "low").
///
/// What is derived is 3 at most: only its producer's word makes an indicator grave enough to open a case alone.
#[must_use]
pub fn severity_of(object: &Object) -> Severity {
    said_by_extension(object).or_else(|| said_by_label(object)).unwrap_or_else(|| derived(object))
}

fn said_by_extension(object: &Object) -> Option<Severity> {
    let level = object.get("extensions")?.get(CASE_EXTENSION)?.get("severity")?.as_u64()?;
    Severity::new(u8::try_from(level).ok()?)
}

/// Of several such labels the gravest counts.
fn said_by_label(object: &Object) -> Option<Severity> {
    let level = |label: &Value| {
        let word = label.as_str()?.trim().to_ascii_lowercase();
        let level = match word.strip_prefix("severity:")? {
            "none" => 0,
            "low" => 1,
            "medium" => 3,
            "high" => 4,
            "critical" => 5,
            digit => digit.parse().ok()?,
        };
        Severity::new(level)
    };
    object.get("labels")?.as_array()?.iter().filter_map(level).max()
}

fn derived(object: &Object) -> Severity {
    const UNSURE_BELOW: i64 = 30;
    let types = object.get("indicator_types").and_then(Value::as_array);
    let is_of = |wanted: &[&str]| {
        types.into_iter().flatten().any(|given| given.as_str().is_some_and(|given| wanted.contains(&given)))
    };
    let base = if is_of(&["malicious-activity", "compromised", "attribution"]) {
        Severity::CONSIDERABLE
    } else if is_of(&["benign"]) {
        Severity::NONE
    } else {
        Severity::MODERATE
    };
    let unsure =
        object.get("confidence").and_then(Value::as_i64).is_some_and(|confidence| confidence < UNSURE_BELOW);
    let level = base.level().saturating_sub(u8::from(unsure));
    Severity::new(level).unwrap_or(base)
}
