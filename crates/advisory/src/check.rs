//! The mandatory tests of CSAF 2.0 (§6.1) that need nothing but the document: which a document fails.
//!
//! Implemented: 6.1.1, 6.1.2, 6.1.4, 6.1.5, 6.1.6, 6.1.14, 6.1.16, 6.1.17, 6.1.18, 6.1.20, 6.1.22, 6.1.23, 6.1.24, 6.1.29, 6.1.30, 6.1.32.
//! Not: those that need the CVSS schemas and the lists of CWE and of languages (6.1.8 to 6.1.12), package URLs (6.1.13), and the
//! profiles (6.1.26, 6.1.27).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The tests that are implemented.
pub const IMPLEMENTED: [&str; 16] = [
    "6.1.1", "6.1.2", "6.1.4", "6.1.5", "6.1.6", "6.1.14", "6.1.16", "6.1.17", "6.1.18", "6.1.20", "6.1.22",
    "6.1.23", "6.1.24", "6.1.29", "6.1.30", "6.1.32",
];

/// Levels of branches read.
const DEPTH_MAX: usize = 40;

/// One failed test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The section, e.g. `6.1.1`.
    pub test: &'static str,
    /// What failed it, for a person.
    pub message: String,
}

/// The implemented mandatory tests that a document fails.
#[must_use]
pub fn mandatory(document: &Value) -> Vec<Failed> {
    let mut failed = Vec::new();
    products(document, &mut failed);
    groups(document, &mut failed);
    statuses(document, &mut failed);
    history(document, &mut failed);
    vulnerabilities(document, &mut failed);
    failed
}

fn fail(failed: &mut Vec<Failed>, test: &'static str, message: impl Into<String>) {
    failed.push(Failed { test, message: message.into() });
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// The products that the document defines, in order, repetitions included.
pub(crate) fn defined_products(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut take = |product: &Value| {
        let id = product.get("product_id").and_then(Value::as_str);
        let name = product.get("name").and_then(Value::as_str).unwrap_or_default();
        found.extend(id.map(|id| (id.to_owned(), name.to_owned())));
    };
    list(document, "/product_tree/full_product_names").for_each(&mut take);
    list(document, "/product_tree/relationships")
        .filter_map(|item| item.get("full_product_name"))
        .for_each(&mut take);
    fn branches(value: &Value, depth: usize, take: &mut impl FnMut(&Value)) {
        if depth > DEPTH_MAX {
            return;
        }
        for branch in list(value, "/branches") {
            if let Some(product) = branch.get("product") {
                take(product);
            }
            branches(branch, depth + 1, take);
        }
    }
    if let Some(tree) = document.get("product_tree") {
        branches(tree, 0, &mut take);
    }
    found
}

/// Every value of properties with these names, anywhere below.
fn named<'a>(value: &'a Value, names: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if names.contains(&key.as_str()) {
                    match value {
                        Value::String(text) => found.push(text),
                        Value::Array(list) => found.extend(list.iter().filter_map(Value::as_str)),
                        _ => {}
                    }
                }
                named(value, names, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| named(value, names, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn products(document: &Value, failed: &mut Vec<Failed>) {
    let defined = defined_products(document);
    let mut known = BTreeSet::new();
    for (id, _) in &defined {
        if !known.insert(id.as_str()) {
            fail(failed, "6.1.2", format!("the product `{id}` is defined twice"));
        }
    }
    let mut used = Vec::new();
    for part in ["/vulnerabilities", "/product_tree/product_groups"] {
        if let Some(part) = document.pointer(part) {
            named(part, &["product_ids", "products"], &mut used);
        }
    }
    for relationship in list(document, "/product_tree/relationships") {
        used.extend(
            ["product_reference", "relates_to_product_reference"]
                .iter()
                .filter_map(|name| relationship.get(*name)?.as_str()),
        );
    }
    for vulnerability in list(document, "/vulnerabilities") {
        let statuses = vulnerability.get("product_status").and_then(Value::as_object).into_iter().flatten();
        used.extend(statuses.filter_map(|(_, ids)| ids.as_array()).flatten().filter_map(Value::as_str));
    }
    for id in used {
        if !known.contains(id) {
            fail(failed, "6.1.1", format!("the product `{id}` is not defined"));
        }
    }
}

fn groups(document: &Value, failed: &mut Vec<Failed>) {
    let mut known = BTreeSet::new();
    for id in
        list(document, "/product_tree/product_groups").filter_map(|group| group.get("group_id")?.as_str())
    {
        if !known.insert(id) {
            fail(failed, "6.1.5", format!("the product group `{id}` is defined twice"));
        }
    }
    let mut used = Vec::new();
    if let Some(vulnerabilities) = document.get("vulnerabilities") {
        named(vulnerabilities, &["group_ids"], &mut used);
    }
    for id in used.into_iter().filter(|id| !known.contains(id)) {
        fail(failed, "6.1.4", format!("the product group `{id}` is not defined"));
    }
}

fn statuses(document: &Value, failed: &mut Vec<Failed>) {
    const KINDS: [(&str, &str); 7] = [
        ("first_affected", "affected"),
        ("known_affected", "affected"),
        ("last_affected", "affected"),
        ("known_not_affected", "not affected"),
        ("first_fixed", "fixed"),
        ("fixed", "fixed"),
        ("under_investigation", "under investigation"),
    ];
    for vulnerability in list(document, "/vulnerabilities") {
        let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (status, kind) in KINDS {
            for id in list(vulnerability, &format!("/product_status/{status}")).filter_map(Value::as_str) {
                said.entry(id).or_default().insert(kind);
            }
        }
        for (id, kinds) in said.iter().filter(|(_, kinds)| kinds.len() > 1) {
            let kinds: Vec<&str> = kinds.iter().copied().collect();
            fail(failed, "6.1.6", format!("the product `{id}` is said to be {}", kinds.join(" and ")));
        }
    }
}

/// A version: a whole number, or three of them with what follows `-`. Build metadata is no part of the order.
fn version(text: &str) -> Option<(Vec<u64>, String)> {
    let text = text.split('+').next()?;
    let (numbers, before) = text.split_once('-').unwrap_or((text, ""));
    let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| matches!(numbers.len(), 1 | 3)).map(|numbers| (numbers, before.to_owned()))
}

/// The numbers, whether it is a release, and what stands before a release: numbers before words.
type Order = (Vec<u64>, bool, Vec<(bool, u64, String)>);

/// A release comes after what is released before it.
fn order(text: &str) -> Option<Order> {
    let (numbers, before) = version(text)?;
    let parts = before.split('.').filter(|part| !part.is_empty());
    let parts = parts.map(|part| match part.parse::<u64>() {
        Ok(number) => (false, number, String::new()),
        Err(_) => (true, 0, part.to_owned()),
    });
    Some((numbers, before.is_empty(), parts.collect()))
}

fn history(document: &Value, failed: &mut Vec<Failed>) {
    let text = |path: &str| document.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let status = text("/document/tracking/status");
    let current = text("/document/tracking/version");
    let mut entries: Vec<(jiff::Timestamp, &str)> = list(document, "/document/tracking/revision_history")
        .filter_map(|entry| {
            Some((entry.get("date")?.as_str()?.parse().ok()?, entry.get("number")?.as_str()?))
        })
        .collect();
    entries.sort_by_key(|(date, number)| (*date, order(number)));
    let orders: Vec<_> = entries.iter().map(|(_, number)| order(number)).collect();
    if orders.windows(2).any(|pair| matches!(pair, [a, b] if a > b)) {
        fail(failed, "6.1.14", "sorted by date, the versions of the revision history do not rise");
    }
    let same = |a: &str, b: &str| {
        let plain = |text: &str| -> Option<(Vec<u64>, String)> {
            let (numbers, before) = version(text)?;
            Some((numbers, if status == "draft" { String::new() } else { before }))
        };
        plain(a).is_some() && plain(a) == plain(b)
    };
    if let Some((_, last)) = entries.last().filter(|(_, last)| !same(last, current)) {
        fail(failed, "6.1.16", format!("the version is `{current}`, the newest of the history is `{last}`"));
    }
    let is_zero = |text: &str| version(text).is_some_and(|(numbers, _)| numbers.first() == Some(&0));
    let is_before = |text: &str| version(text).is_some_and(|(_, before)| !before.is_empty());
    if status != "draft" && (is_zero(current) || is_before(current)) {
        fail(failed, "6.1.17", format!("the version `{current}` is a draft's, the status is `{status}`"));
    }
    if matches!(status, "final" | "interim") && entries.iter().any(|(_, number)| is_zero(number)) {
        fail(failed, "6.1.18", "a released document has a version 0 in its history");
    }
    if status != "draft" && is_before(current) {
        fail(failed, "6.1.20", format!("the version `{current}` is that of a draft"));
    }
    let mut seen = BTreeSet::new();
    if let Some((_, twice)) = entries.iter().find(|(_, number)| !seen.insert(*number)) {
        fail(failed, "6.1.22", format!("the version `{twice}` stands twice in the history"));
    }
    let lengths: BTreeSet<usize> = entries
        .iter()
        .map(|(_, number)| *number)
        .chain((!current.is_empty()).then_some(current))
        .filter_map(|number| version(number).map(|(numbers, _)| numbers.len()))
        .collect();
    if lengths.len() > 1 {
        fail(failed, "6.1.30", "whole numbers and semantic versions are mixed");
    }
}

fn vulnerabilities(document: &Value, failed: &mut Vec<Failed>) {
    let mut cves = BTreeSet::new();
    for vulnerability in list(document, "/vulnerabilities") {
        if let Some(cve) = vulnerability.get("cve").and_then(Value::as_str)
            && !cves.insert(cve)
        {
            fail(failed, "6.1.23", format!("`{cve}` is described twice"));
        }
        let mut parties = BTreeSet::new();
        for involvement in list(vulnerability, "/involvements") {
            let key = (
                involvement.get("party").and_then(Value::as_str),
                involvement.get("date").and_then(Value::as_str),
            );
            if !parties.insert(key) {
                fail(failed, "6.1.24", "a party is involved twice at the same date");
            }
        }
        for (part, test) in [("/remediations", "6.1.29"), ("/flags", "6.1.32")] {
            for item in list(vulnerability, part) {
                if item.get("product_ids").is_none() && item.get("group_ids").is_none() {
                    fail(failed, test, "it names no product");
                }
            }
        }
    }
}
