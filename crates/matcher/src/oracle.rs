//! What is right, said slowly: the scanner must agree with it on every pattern and every record.
//!
//! [`satisfies`] reads a pattern's syntax tree word by word against one record, with no compilation, no tables and no filter; it
//! knows patterns that look-ups decide. For all others [`asked`] and [`graph()`] make of pattern and record what the evaluator
//! of [`stix::pattern::evaluate`] is to judge.

use std::net::IpAddr;

use stix::observable::{ValueKind, canonical};
use stix::pattern::{Comparison, Constant, Observation as Expression, Operator, Pattern, Step, Test};
use telemetry::{Observation, Observed, Role};

use crate::reach::{Reach, UrlMode};

/// The record's objects by a key that is unique in it, in canonical spelling.
#[must_use]
pub fn graph(record: &Observation<'_>) -> serde_json::Map<String, serde_json::Value> {
    crate::graph::canonical_objects(record)
}

/// The pattern as it is asked of [`graph()`]: constants in canonical spelling, and what `=` covers written out.
#[must_use]
pub fn asked(pattern: &Pattern, reach: Reach) -> Pattern {
    Pattern { root: crate::rewrite::canonical_pattern(&pattern.root, reach) }
}

/// Whether the record satisfies the pattern; `None` where the pattern uses what is not matched, in any of its parts.
#[must_use]
pub fn satisfies(pattern: &Pattern, record: &Observation<'_>, reach: Reach) -> Option<bool> {
    expression(&pattern.root, record, reach)
}

fn expression(node: &Expression, record: &Observation<'_>, reach: Reach) -> Option<bool> {
    match node {
        Expression::Test(comparison) => {
            // Every way to choose one alternative at each `OR`; one of them must hold as a whole.
            let mut holds = false;
            for tests in choices(comparison) {
                holds |= conjunction(&tests, record, reach)?;
            }
            Some(holds)
        }
        Expression::Or(members) => members
            .iter()
            .map(|member| expression(member, record, reach))
            .try_fold(false, |any, one| Some(any | one?)),
        Expression::And(_) | Expression::FollowedBy(_) | Expression::Qualified { .. } => None,
    }
}

fn choices(comparison: &Comparison) -> Vec<Vec<&Test>> {
    match comparison {
        Comparison::Test(test) => vec![vec![test]],
        Comparison::Or(members) => members.iter().flat_map(choices).collect(),
        Comparison::And(members) => members.iter().fold(vec![Vec::new()], |all, member| {
            let right = choices(member);
            all.iter()
                .flat_map(|left| right.iter().map(|more| [left.clone(), more.clone()].concat()))
                .collect()
        }),
    }
}

/// For each type of object named there is one object of the record that meets all tests on that type.
fn conjunction(tests: &[&Test], record: &Observation<'_>, reach: Reach) -> Option<bool> {
    let mut types: Vec<&str> = tests.iter().map(|test| group(test)).collect();
    types.sort_unstable();
    types.dedup();
    let mut holds = true;
    for object_type in types {
        let of_type: Vec<&Test> = tests.iter().copied().filter(|test| group(test) == object_type).collect();
        let objects = objects(object_type, record);
        let mut one = false;
        for object in &objects {
            let mut all = true;
            for test in &of_type {
                all &= meets(test, object, record, reach)?;
            }
            one |= all;
        }
        // Tests that cannot be read must be noticed also where the record has no such object.
        for test in &of_type {
            meets(test, &[], record, reach)?;
        }
        holds &= one;
    }
    Some(holds && resolved(tests, record, reach)?)
}

/// Where a name and what it resolved to are both asked for, one name that meets all tests on it resolved to all of that.
fn resolved(tests: &[&Test], record: &Observation<'_>, reach: Reach) -> Option<bool> {
    let is_answer = |test: &&&Test| keys(test).first() == Some(&"resolves_to_refs");
    let answers: Vec<&Test> = tests.iter().filter(is_answer).copied().collect();
    let names: Vec<&Test> = tests.iter().filter(|test| group(test) == "domain-name").copied().collect();
    if answers.is_empty() || names.is_empty() {
        return Some(true);
    }
    for (index, name) in record.values.iter().enumerate().filter(|(_, value)| value.kind == ValueKind::Domain)
    {
        let mut all = true;
        for test in &names {
            all &= meets(test, &[name], record, reach)?;
        }
        for test in &answers {
            let mut one = false;
            for (other, answer) in record.values.iter().enumerate() {
                one |= meets(test, &[answer], record, reach)? && telemetry::resolves(record, index, other);
            }
            all &= one;
        }
        if all {
            return Some(true);
        }
    }
    Some(false)
}

/// Tests with the same answer are about the same object.
fn group(test: &Test) -> &'static str {
    match (test.path.object_type.as_str(), keys(test).as_slice()) {
        ("ipv4-addr" | "ipv6-addr", _) => "address",
        ("domain-name", ["value"]) => "domain-name",
        ("url", _) => "url",
        ("email-addr", _) => "email-addr",
        ("mac-addr", _) => "mac-addr",
        ("file" | "artifact" | "x509-certificate", _) => "file",
        _ => "record",
    }
}

fn keys(test: &Test) -> Vec<&str> {
    let mut keys = Vec::new();
    for step in &test.path.steps {
        if let Step::Key(key) = step {
            keys.push(key.as_str());
        }
    }
    keys
}

/// The objects of a type in a record, each as the values that belong to it.
fn objects<'a>(object_type: &str, record: &'a Observation<'a>) -> Vec<Vec<&'a Observed<'a>>> {
    let single = |kinds: &[ValueKind]| -> Vec<Vec<&'a Observed<'a>>> {
        record.values.iter().filter(|value| kinds.contains(&value.kind)).map(|value| vec![value]).collect()
    };
    match object_type {
        "address" => single(&[ValueKind::Ipv4, ValueKind::Ipv6]),
        "domain-name" => single(&[ValueKind::Domain]),
        "url" => single(&[ValueKind::Url]),
        "email-addr" => single(&[ValueKind::Email]),
        "mac-addr" => single(&[ValueKind::Mac]),
        "file" => {
            let parent =
                |value: &Observed<'_>| value.field.rsplit_once('.').map(|(parent, _)| parent.to_owned());
            let mut parents: Vec<Option<String>> = record.values.iter().map(parent).collect();
            parents.sort_unstable();
            parents.dedup();
            parents
                .iter()
                .map(|of| record.values.iter().filter(|value| parent(value) == *of).collect())
                .collect()
        }
        _ => vec![record.values.iter().collect()],
    }
}

fn meets(test: &Test, object: &[&Observed<'_>], record: &Observation<'_>, reach: Reach) -> Option<bool> {
    if test.negated {
        return None;
    }
    let constants: Vec<&Constant> =
        match &test.operator {
            Operator::Equal(constant) => vec![constant],
            Operator::In(constants) => constants.iter().collect(),
            Operator::IsSubset(network) => {
                let network: ipnet::IpNet = canonical_network(network)?;
                let role = role(test)?;
                return Some(object.iter().any(|value| {
                    in_role(role, value) && address(value).is_some_and(|a| network.contains(&a))
                }));
            }
            Operator::Like(like) => {
                let parent = canonical(ValueKind::Domain, like.strip_prefix("%.")?)?.1;
                let below = |value: &&Observed<'_>| {
                    value.kind == ValueKind::Domain
                        && canonical(ValueKind::Domain, &value.value)
                            .is_some_and(|(_, name)| name.ends_with(&format!(".{parent}")))
                };
                return (group(test) == "domain-name").then(|| object.iter().any(below));
            }
            _ => return None,
        };
    match (test.path.object_type.as_str(), keys(test).as_slice()) {
        ("network-traffic", ["src_port"]) => port(&constants, record.src_port),
        ("network-traffic", ["dst_port"]) => port(&constants, record.dst_port),
        ("network-traffic", ["protocols"]) => Some(constants.iter().any(|constant| match constant {
            Constant::String(name) => {
                let name = name.to_ascii_lowercase();
                record.protocol.as_deref() == Some(&name) || record.kind == name
            }
            _ => false,
        })),
        _ => {
            let role = role(test)?;
            Some(
                object.iter().any(|value| {
                    in_role(role, value) && constants.iter().any(|c| equal(test, c, value, reach))
                }),
            )
        }
    }
}

fn port(constants: &[&Constant], seen: Option<u16>) -> Option<bool> {
    let is = |constant: &&Constant| match constant {
        Constant::Integer(number) => seen.is_some_and(|port| i64::from(port) == *number),
        Constant::String(text) => seen.is_some_and(|port| text.parse() == Ok(port)),
        _ => false,
    };
    Some(constants.iter().any(is))
}

/// Which end the test is about; the outer `None`: the path is not matched at all.
fn role(test: &Test) -> Option<Option<Role>> {
    match (test.path.object_type.as_str(), keys(test).as_slice()) {
        ("network-traffic", ["src_ref", "value"])
        | ("email-message", ["from_ref" | "sender_ref", "value"]) => Some(Some(Role::Source)),
        ("network-traffic", ["dst_ref", "value"])
        | ("email-message", ["to_refs" | "cc_refs" | "bcc_refs", "value"]) => Some(Some(Role::Destination)),
        ("domain-name", ["resolves_to_refs", "value"]) => Some(Some(Role::Content)),
        ("file", ["name"])
        | ("file" | "artifact" | "x509-certificate", ["hashes", _])
        | ("ipv4-addr" | "ipv6-addr" | "domain-name" | "url" | "email-addr" | "mac-addr", ["value"]) => {
            Some(None)
        }
        _ => None,
    }
}

fn in_role(role: Option<Role>, value: &Observed<'_>) -> bool {
    role.is_none_or(|role| role == value.role)
}

fn equal(test: &Test, constant: &Constant, value: &Observed<'_>, reach: Reach) -> bool {
    let Some((kind, asked)) = stix::observable::pattern_value(&test.path, constant) else { return false };
    if matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6) {
        return canonical_network(&asked)
            .zip(address(value))
            .is_some_and(|(network, seen)| network.contains(&seen));
    }
    let Some((seen_kind, seen)) = canonical(value.kind, &value.value).filter(|(seen, _)| *seen == kind)
    else {
        return false;
    };
    if kind == ValueKind::Url {
        return covers_url(reach.urls, &asked, &seen);
    }
    let below = seen_kind == ValueKind::Domain
        && reach.covers.reaches_below(&asked)
        && seen.ends_with(&format!(".{asked}"));
    seen == asked || below
}

/// The URLs taken apart, segment by segment.
fn covers_url(mode: UrlMode, asked: &str, seen: &str) -> bool {
    let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    match mode {
        UrlMode::Exact => seen == asked,
        UrlMode::WithoutQuery => path(seen) == path(asked),
        UrlMode::Prefix => {
            let seen_path = path(seen);
            let (above, below): (Vec<&str>, Vec<&str>) =
                (asked.split('/').collect(), seen_path.split('/').collect());
            let has_host = matches!(above.as_slice(), [scheme, "", host, _, ..] if scheme.ends_with(':') && !host.is_empty());
            if !has_host || asked.contains('?') {
                return seen == asked;
            }
            match above.split_last() {
                // What ends in a slash has an empty segment last, in whose place any other may stand.
                Some((&"", front)) => below.starts_with(front) && below.len() >= above.len(),
                _ => below.starts_with(&above),
            }
        }
    }
}

fn canonical_network(text: &str) -> Option<ipnet::IpNet> {
    let (_, text) = canonical(ValueKind::Ipv4, text)?;
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(Into::into))
}

fn address(value: &Observed<'_>) -> Option<IpAddr> {
    matches!(value.kind, ValueKind::Ipv4 | ValueKind::Ipv6)
        .then(|| value.value.parse::<IpAddr>().ok())?
        .map(|a| a.to_canonical())
}
