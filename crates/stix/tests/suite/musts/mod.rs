//! Every MUST of STIX 2.1 (errata 01): a test named after its section shows it, or it stands in the list of what is not covered.
//!
//! A case is an object of our own making, or a pattern, with the verdict that the specification gives. `docs/conformance-musts.md`
//! is written from these tables; `UPDATE=1` rewrites it.

mod common;
mod custom;
mod domain;
mod elsewhere;
mod meta;
mod observables;
mod patterns;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use stix::Object;
use stix::pattern::Pattern;
use stix::validate::{Severity, validate};

/// What is judged, how it differs from the smallest good one of its type, and what is found.
///
/// The type may be `pattern`, `text` (a whole object as it is written) or `bundle`. The difference is a JSON merge patch. What is
/// found is `code path §section`, several apart by `; `, nothing for what is good; for a pattern a part of the refusal.
type Case = (&'static str, &'static str, &'static str);

struct Must {
    demand: &'static str,
    cases: &'static [Case],
}

/// A demand and the test that shows it.
struct Listed {
    section: &'static str,
    demand: &'static str,
    by: &'static str,
}

/// Tests named after sections, each with its demands and at least one good and one bad example for each demand.
macro_rules! musts {
    ($( $name:ident $section:literal { $( $demand:literal => [ $( ($kind:literal, $patch:literal, $expected:literal) ),* $(,)? ] )* } )*) => {
        $(
            #[test]
            fn $name() {
                super::check(&[ $( super::Must { demand: $demand, cases: &[ $( ($kind, $patch, $expected) ),* ] } ),* ]);
            }
        )*
        pub(super) const LISTED: &[super::Listed] = &[ $( $(
            super::Listed { section: $section, demand: $demand, by: stringify!($name) }
        ),* ),* ];
    };
}
use musts;

const UUID: &str = "c1477287-23ac-4971-a010-5c287877fa60";

fn check(musts: &[Must]) {
    for must in musts {
        for (kind, patch, expected) in must.cases {
            judge(must.demand, kind, patch, expected);
        }
        let good = must.cases.iter().filter(|(.., expected)| expected.is_empty()).count();
        assert!(good > 0 && good < must.cases.len(), "`{}` has a good and a bad example", must.demand);
    }
}

/// `@250` stands for as many letters.
fn judge(demand: &str, kind: &str, patch: &str, expected: &str) {
    let [kind, patch, expected] = [kind, patch, expected].map(|text| text.replace("@250", &"a".repeat(250)));
    let found = match kind.as_str() {
        "pattern" => match Pattern::parse(&patch) {
            Ok(_) => String::new(),
            Err(error) if !expected.is_empty() && error.to_string().contains(&expected) => return,
            Err(error) => error.to_string(),
        },
        "text" => errors(Bytes::from(patch.clone())),
        _ => errors(Bytes::from(patched(&kind, &patch).to_string())),
    };
    assert_eq!(found, expected, "{demand}: {kind} {patch}");
}

/// The errors of an object, each `code path §section`.
fn errors(text: Bytes) -> String {
    let object = match Object::parse(text) {
        Ok(object) => object,
        Err(error) => return error.code.to_owned(),
    };
    let errors = validate(&object).into_iter().filter(|finding| finding.severity == Severity::Error);
    let told = errors.map(|finding| format!("{} {} §{}", finding.code, finding.path, finding.section));
    told.collect::<Vec<_>>().join("; ")
}

fn patched(object_type: &str, patch: &str) -> Value {
    let mut object = smallest(object_type);
    let patch: Map<String, Value> = serde_json::from_str(patch).expect("a difference is a JSON object");
    for (name, value) in patch {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(&name);
        } else {
            object[name] = value;
        }
    }
    object
}

/// The smallest good object of a type; a type that is none of the specification's is a custom domain object.
fn smallest(object_type: &str) -> Value {
    let mut object =
        json!({ "type": object_type, "id": format!("{object_type}--{UUID}"), "spec_version": "2.1" });
    if let Some(own) = observable(object_type) {
        object.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        return object;
    }
    object["created"] = json!("2026-01-01T00:00:00.000Z");
    if object_type != "marking-definition" {
        object["modified"] = json!("2026-01-01T00:00:00.000Z");
    }
    let reference = |object_type: &str| format!("{object_type}--{UUID}");
    let own = match object_type {
        "grouping" => {
            json!({ "name": "n", "context": "malware-analysis", "object_refs": [reference("tool")] })
        }
        "indicator" => {
            json!({ "pattern": "[file:name = 'a']", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z" })
        }
        "location" => json!({ "country": "JP" }),
        "malware" => json!({ "is_family": false }),
        "malware-analysis" => json!({ "product": "p", "result": "benign" }),
        "note" => json!({ "content": "c", "object_refs": [reference("tool")] }),
        "observed-data" => {
            json!({ "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z",
            "number_observed": 1, "object_refs": [reference("file")] })
        }
        "opinion" => json!({ "opinion": "agree", "object_refs": [reference("tool")] }),
        "report" => {
            json!({ "name": "n", "published": "2026-01-01T00:00:00Z", "object_refs": [reference("tool")] })
        }
        "relationship" => json!({ "relationship_type": "uses", "source_ref": reference("campaign"),
            "target_ref": reference("tool") }),
        "sighting" => json!({ "sighting_of_ref": reference("indicator") }),
        "language-content" => {
            json!({ "object_ref": reference("campaign"), "contents": { "ja": { "name": "名" } } })
        }
        "marking-definition" => json!({ "definition_type": "statement", "definition": { "statement": "s" } }),
        "extension-definition" => json!({ "created_by_ref": reference("identity"), "name": "n",
            "schema": "https://a.example/schema", "version": "1.0.0", "extension_types": ["property-extension"] }),
        _ => json!({ "name": "n" }),
    };
    object.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    object
}

fn observable(object_type: &str) -> Option<Value> {
    Some(match object_type {
        "artifact" => json!({ "payload_bin": "AAAA" }),
        "autonomous-system" => json!({ "number": 64496 }),
        "directory" => json!({ "path": "/tmp" }),
        "domain-name" => json!({ "value": "a.example" }),
        "email-addr" => json!({ "value": "a@a.example" }),
        "email-message" => json!({ "is_multipart": false }),
        "file" | "mutex" | "software" => json!({ "name": "n" }),
        "ipv4-addr" => json!({ "value": "198.51.100.1" }),
        "ipv6-addr" => json!({ "value": "2001:db8::1" }),
        "mac-addr" => json!({ "value": "00:00:5e:00:53:01" }),
        "network-traffic" => {
            json!({ "protocols": ["ipv4", "tcp"], "src_ref": format!("ipv4-addr--{UUID}") })
        }
        "process" => json!({ "pid": 1 }),
        "url" => json!({ "value": "https://a.example/" }),
        "user-account" => json!({ "user_id": "1" }),
        "windows-registry-key" => json!({ "key": "HKEY_LOCAL_MACHINE\\a" }),
        "x509-certificate" => json!({ "serial_number": "1" }),
        _ => return None,
    })
}

/// All types of the specification.
const TYPES: [&str; 41] = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
    "relationship",
    "sighting",
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
    "language-content",
    "extension-definition",
];

#[test]
fn section_4_to_7_every_type_is_named_as_its_section_says() {
    for object_type in TYPES.into_iter().chain(["marking-definition"]) {
        assert_eq!(errors(Bytes::from(smallest(object_type).to_string())), "", "{object_type}");
        let mut other = smallest(object_type);
        other["type"] = json!("x-other");
        assert_eq!(errors(Bytes::from(other.to_string())), "stix-type", "{object_type}");
        other["type"] = json!(object_type.to_uppercase());
        assert_eq!(errors(Bytes::from(other.to_string())), "stix-type", "{object_type}");
    }
}

/// What stands required in the tables of §3.2 and §4 to §7, taken out one by one.
#[test]
fn section_3_1_required_properties_are_there() {
    // One of several is required; those have sections of their own.
    let apart = [
        "country",
        "result",
        "object_refs",
        "payload_bin",
        "src_ref",
        "serial_number",
        "user_id",
        "pid",
        "key",
        "definition",
        "definition_type",
    ];
    let mut taken = 0;
    for object_type in TYPES.into_iter().chain(["marking-definition"]) {
        let whole = smallest(object_type);
        for name in whole.as_object().unwrap().keys() {
            let one_of =
                apart.contains(&name.as_str()) && !(name == "object_refs" && object_type != "observed-data");
            // A grouping without a name is a warning (see the page), and a file has hashes or a name.
            let lenient = matches!((object_type, name.as_str()), ("grouping" | "file", "name"));
            if one_of || lenient || name == "spec_version" {
                continue;
            }
            let mut without = whole.clone();
            without.as_object_mut().unwrap().remove(name);
            assert_ne!(errors(Bytes::from(without.to_string())), "", "{object_type} without {name}");
            taken += 1;
        }
    }
    assert!(taken > 150, "{taken} properties were taken out");
}

fn listed() -> impl Iterator<Item = &'static Listed> {
    [
        common::LISTED,
        domain::LISTED,
        observables::LISTED,
        meta::LISTED,
        patterns::LISTED,
        custom::LISTED,
        elsewhere::SHOWN,
    ]
    .into_iter()
    .flatten()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_page_of_every_must_is_what_the_tests_say() {
    let mut rows: Vec<(Vec<u32>, usize, String)> = Vec::new();
    let numbers = |section: &str| section.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
    for one in listed() {
        let row = format!("| {} | {} | `{}` |", one.section, one.demand, one.by);
        rows.push((numbers(one.section), rows.len(), row));
    }
    for (section, demand, reason) in elsewhere::NOT_COVERED {
        let row = format!("| {section} | {demand} | **not covered**: {reason} |");
        rows.push((numbers(section), rows.len(), row));
    }
    rows.sort();
    let mut page = elsewhere::HEAD.to_owned();
    let (shown, not) = (listed().count(), elsewhere::NOT_COVERED.len());
    writeln!(page, "\n{shown} demands are shown by a test, {not} are not covered.\n").unwrap();
    page.push_str("| section | demand | test |\n|---|---|---|\n");
    for (.., row) in rows {
        writeln!(page, "{row}").unwrap();
    }
    let path = repository().join("docs/conformance-musts.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/conformance-musts.md is not what the tests say; run this with UPDATE=1 and look at the difference"
    );
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut sources = String::new();
    let mut open = vec![repository().join("crates")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    for one in elsewhere::SHOWN {
        assert!(
            sources.contains(&format!("fn {}(", one.by)) || sources.contains(&format!("    {} \"", one.by)),
            "there is no test `{}`",
            one.by
        );
    }
}
