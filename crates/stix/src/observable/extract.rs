//! Where values stand in objects and patterns.

use serde_json::{Map, Value};

use super::{Found, ValueKind, canonical};
use crate::Object;
use crate::pattern::{Comparison, Constant, ObjectPath, Operator, Pattern, Step};

/// The property of a type that holds its value, with the value's kind.
fn value_properties(object_type: &str) -> &'static [(&'static str, ValueKind)] {
    match object_type {
        "ipv4-addr" | "ipv6-addr" => &[("value", ValueKind::Ipv4)],
        "domain-name" => &[("value", ValueKind::Domain)],
        "url" => &[("value", ValueKind::Url)],
        "artifact" => &[("url", ValueKind::Url)],
        "email-addr" => &[("value", ValueKind::Email)],
        "mac-addr" => &[("value", ValueKind::Mac)],
        "file" => &[("name", ValueKind::FileName)],
        "autonomous-system" => &[("number", ValueKind::AutonomousSystem)],
        "user-account" => &[("account_login", ValueKind::Account), ("user_id", ValueKind::Account)],
        "windows-registry-key" => &[("key", ValueKind::RegistryKey)],
        "process" => &[("command_line", ValueKind::CommandLine)],
        "x509-certificate" => &[("serial_number", ValueKind::CertificateSerial)],
        "mutex" => &[("name", ValueKind::Mutex)],
        _ => &[],
    }
}

/// Whether objects of this type carry hashes of what was observed (external references carry those of documents).
fn has_hashes(object_type: &str) -> bool {
    matches!(object_type, "file" | "artifact" | "x509-certificate")
}

pub(super) fn of_observable(object_type: &str, properties: &Map<String, Value>, found: &mut Found) {
    for (name, kind) in value_properties(object_type) {
        let value = match properties.get(*name) {
            Some(Value::String(text)) => canonical::of_kind(*kind, text),
            Some(Value::Number(number)) => canonical::of_kind(*kind, &number.to_string()),
            _ => None,
        };
        found.extend(value);
    }
    if has_hashes(object_type) {
        of_hashes(properties, found);
        let extensions = properties.get("extensions").and_then(Value::as_object);
        extensions.into_iter().flat_map(Map::values).for_each(|extension| nested_hashes(extension, found));
    }
}

/// Hashes inside of extensions: alternate data streams, sections and headers of executables.
fn nested_hashes(value: &Value, found: &mut Found) {
    match value {
        Value::Object(map) => {
            of_hashes(map, found);
            map.values().for_each(|inner| nested_hashes(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| nested_hashes(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn of_hashes(map: &Map<String, Value>, found: &mut Found) {
    let dictionaries = map.iter().filter(|(key, _)| *key == "hashes" || key.ends_with("_hashes"));
    for (algorithm, value) in dictionaries.filter_map(|(_, value)| value.as_object()).flatten() {
        let hash = canonical::hash_kind(algorithm).zip(value.as_str());
        found.extend(hash.and_then(|(kind, text)| canonical::of_kind(kind, text)));
    }
}

pub(super) fn of_references(object: &Object, found: &mut Found) {
    let references = object.get("external_references").and_then(Value::as_array);
    for reference in references.into_iter().flatten() {
        let number = reference.get("external_id").and_then(Value::as_str);
        found.extend(number.and_then(|text| canonical::of_kind(ValueKind::Cve, text)));
    }
    if object.object_type() == "vulnerability" {
        found.extend(object.text("name").and_then(|name| canonical::of_kind(ValueKind::Cve, name)));
    }
}

pub(super) fn of_pattern(pattern: &Pattern, found: &mut Found) {
    for comparison in pattern.comparisons() {
        of_comparison(comparison, found);
    }
}

fn of_comparison(comparison: &Comparison, found: &mut Found) {
    let test = match comparison {
        Comparison::And(members) | Comparison::Or(members) => {
            return members.iter().for_each(|member| of_comparison(member, found));
        }
        Comparison::Test(test) => test,
    };
    match (&test.operator, test.negated) {
        // `NOT … !=` says the same as `=`.
        (Operator::Equal(constant), false) | (Operator::NotEqual(constant), true) => {
            found.extend(of_test(&test.path, constant));
        }
        (Operator::In(constants), false) => {
            found.extend(constants.iter().filter_map(|constant| of_test(&test.path, constant)));
        }
        (Operator::IsSubset(network), false) => found.extend(canonical::address(network)),
        _ => {}
    }
}

pub(super) fn of_test(path: &ObjectPath, constant: &Constant) -> Option<(ValueKind, String)> {
    let text = match constant {
        Constant::String(text) => text.clone(),
        Constant::Integer(number) => number.to_string(),
        Constant::Hex(bytes) => hex::encode(bytes),
        Constant::Float(_) | Constant::Boolean(_) | Constant::Binary(_) | Constant::Timestamp(_) => {
            return None;
        }
    };
    let keys: Vec<&str> = path
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) | Step::Any => None,
        })
        .collect();
    let (last, before) = keys.split_last()?;
    if before.last().is_some_and(|key| *key == "hashes" || key.ends_with("_hashes")) {
        return canonical::of_kind(canonical::hash_kind(last)?, &text);
    }
    if let Some(kind) = nested_kind(&path.object_type, before, last) {
        return canonical::of_kind(kind, &text);
    }
    match before.last() {
        None => of_property(&path.object_type, last, &text),
        Some(reference) if reference.ends_with("_ref") || reference.ends_with("_refs") => {
            of_referenced(reference, last, &text)
        }
        Some(_) => None,
    }
}

/// Values that stand deeper in an object and are of its own.
fn nested_kind(object_type: &str, before: &[&str], last: &str) -> Option<ValueKind> {
    match (object_type, before, last) {
        ("windows-registry-key", ["values"], "name") => Some(ValueKind::RegistryValue),
        ("windows-registry-key", ["values"], "data") => Some(ValueKind::RegistryData),
        ("network-traffic", ["extensions", "http-request-ext", "request_header"], name)
            if name.eq_ignore_ascii_case("User-Agent") =>
        {
            Some(ValueKind::UserAgent)
        }
        _ => None,
    }
}

fn of_property(object_type: &str, name: &str, text: &str) -> Option<(ValueKind, String)> {
    let (_, kind) = value_properties(object_type).iter().find(|(property, _)| *property == name)?;
    canonical::of_kind(*kind, text)
}

/// The object behind a reference has a type that the path does not tell: the reference's name does (STIX 2.1 §6).
fn of_referenced(reference: &str, name: &str, text: &str) -> Option<(ValueKind, String)> {
    match (reference, name) {
        ("src_ref" | "dst_ref" | "resolves_to_refs", "value") => canonical::address(text)
            .or_else(|| canonical::of_kind(ValueKind::Mac, text))
            .or_else(|| canonical::of_kind(ValueKind::Domain, text)),
        ("from_ref" | "sender_ref" | "to_refs" | "cc_refs" | "bcc_refs", "value") => {
            canonical::of_kind(ValueKind::Email, text)
        }
        ("belongs_to_refs", "number") => canonical::of_kind(ValueKind::AutonomousSystem, text),
        ("creator_user_ref" | "belongs_to_ref", property) => {
            of_property("user-account", property, text).or_else(|| of_property("email-addr", property, text))
        }
        (_, "name") if matches!(reference, "image_ref" | "body_raw_ref" | "contains_refs") => {
            canonical::of_kind(ValueKind::FileName, text)
        }
        _ => None,
    }
}
