//! What the specification demands beyond types: forms of strings, and demands on several properties.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::Severity;
use super::engine::{Walk, definition, shortened};
use super::model::{Class, Form};
use super::{forms, parts};
use crate::marking::{self, Tlp};
use crate::pattern::{Pattern, Step};
use crate::{Id, sco_id};

const fn form(
    code: &'static str,
    accepts: fn(&str) -> bool,
    expected: &'static str,
    section: &'static str,
) -> Form {
    Form { code, accepts, expected, section, severity: Severity::Error }
}

pub(super) const TERM: Form =
    form("invalid-term", forms::is_term, "a term: 3 to 250 of a-z, 0-9 and -", "3.1");
pub(super) const PROPERTY_NAME: Form = form(
    "property-name",
    forms::is_property_name,
    "a property name: 3 to 250 of a-z, 0-9 and _, a letter first",
    "7.3.1",
);
pub(super) const LANGUAGE: Form = form(
    "invalid-language",
    forms::is_language,
    "a language tag of RFC 5646 with registered parts, e.g. `ja`",
    "3.2",
);
pub(super) const URL: Form = form("invalid-url", forms::is_url, "a URL of RFC 3986 with a scheme", "6.15");
pub(super) const REFERENCE_URL: Form =
    form("invalid-url", forms::is_url, "a URL of RFC 3986 with a scheme", "2.5");
pub(super) const DOMAIN_NAME: Form =
    form("invalid-domain-name", forms::is_domain, "a domain name of RFC 1034 and RFC 5890", "6.4");
pub(super) const EMAIL_ADDRESS: Form =
    form("invalid-email-address", forms::is_email, "an e-mail address without display name", "6.5");
pub(super) const IPV4: Form =
    form("invalid-ipv4", forms::is_ipv4, "an IPv4 address or network in CIDR form", "6.8");
pub(super) const IPV6: Form =
    form("invalid-ipv6", forms::is_ipv6, "an IPv6 address or network in CIDR form", "6.9");
pub(super) const MAC_ADDRESS: Form =
    form("invalid-mac-address", forms::is_mac, "six octets in lower case with colons", "6.10");
pub(super) const CPE: Form = form("invalid-cpe", forms::is_cpe, "a CPE 2.3 formatted string", "6.14");
pub(super) const REGISTRY_KEY: Form = form(
    "truncated-hive",
    forms::has_full_hive,
    "a registry key with its hive in full, e.g. `HKEY_LOCAL_MACHINE`",
    "6.17",
);
pub(super) const MIME_TYPE: Form = Form {
    severity: Severity::Warning,
    ..form("invalid-mime-type", forms::is_mime_type, "a media type such as `text/plain`", "6.1")
};

/// STIX 2.1 §3.8.
const RESERVED: [&str; 4] = ["severity", "username", "phone_number", "action"];

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    map.get(name).and_then(Value::as_str)
}

pub(super) fn no_reserved_names(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    for name in RESERVED.iter().filter(|name| map.contains_key(**name)) {
        walk.at(name, |walk| {
            walk.error("reserved-name", "3.8", format!("`{name}` is reserved for later versions"));
        });
    }
}

/// STIX 2.1 §3.1: `name_enc` tells how `name` was encoded, and needs it.
pub(super) fn encodings_have_texts(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    for name in map.keys() {
        let Some(original) = name.strip_suffix("_enc").filter(|original| !map.contains_key(*original)) else {
            continue;
        };
        let message = format!("`{name}` requires `{original}`");
        walk.at(name, |walk| walk.error("missing-companion", "3.1", message));
    }
}

/// STIX 2.1 §3.2: `created` and `modified` to the millisecond or finer.
pub(super) fn precise_enough(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    for name in ["created", "modified"] {
        // Behind the point stand the digits and `Z`, or whatever somebody wrote who knows no timestamps.
        let digits = text(map, name)
            .map(|time| time.split_once('.').map_or(0, |(_, fraction)| fraction.len().saturating_sub(1)));
        if digits.is_some_and(|digits| digits < 3) {
            let message = format!("`{name}` is coarser than a millisecond: three digits follow the seconds");
            walk.at(name, |walk| walk.error("time-precision", "3.2", message));
        }
    }
}

/// STIX 2.1 §7.2.3: what a selector names is there.
pub(super) fn selectors_resolve(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let markings = map.get("granular_markings").and_then(Value::as_array);
    for (index, marking) in markings.into_iter().flatten().enumerate() {
        let selectors = marking.get("selectors").and_then(Value::as_array);
        for (position, selector) in selectors.into_iter().flatten().enumerate() {
            let Some(selector) = selector.as_str().filter(|s| marking::select(map, s).is_none()) else {
                continue;
            };
            let message = format!("the selector `{}` names nothing in the object", shortened(selector));
            walk.at("granular_markings", |walk| {
                walk.at_index(index, |walk| {
                    walk.at("selectors", |walk| {
                        walk.at_index(position, |walk| walk.error("selector", "7.2.3", message));
                    });
                });
            });
        }
    }
}

/// STIX 2.1 §3.2: a marking definition does not mark itself.
pub(super) fn no_circular_marking(walk: &mut Walk<'_>, _: &Map<String, Value>) {
    if walk.object.object_type() != "marking-definition" {
        return;
    }
    if marking::marking_refs(walk.object).contains(walk.object.id()) {
        let message = "the marking definition marks itself".to_owned();
        walk.error("circular-marking", "3.2", message);
    }
}

/// STIX 2.1 §2.9.
pub(super) fn identifier(walk: &mut Walk<'_>, class: Class) {
    let id = walk.object.id();
    let object_type = id.object_type();
    let begins_with_letter = object_type.starts_with(|first: char| first.is_ascii_lowercase());
    if definition(object_type).is_none() && !(forms::is_term(object_type) && begins_with_letter) {
        let message = format!("`{object_type}` is no type name: 3 to 250 of a-z, 0-9 and -, a letter first");
        walk.at("type", |walk| walk.error("type-name", "3.1", message));
    }
    let is_known_observable = class == Class::Observable && definition(object_type).is_some();
    let uuid = id.as_str().rsplit_once("--").and_then(|(_, uuid)| Uuid::try_parse(uuid).ok());
    let version = uuid.map_or(0, |uuid| uuid.get_version_num());
    if !is_known_observable || version != 5 {
        return;
    }
    let computed = sco_id::deterministic(object_type, walk.object.properties());
    if walk.object.get("modified").is_some() && computed.as_ref() == Some(id) {
        let message =
            "an observable with versions must not have the identifier that its value gives".to_owned();
        walk.at("id", |walk| walk.error("id-version", "3.6", message));
    }
    match computed {
        None => {
            let message = "no property contributes to the identifier, so its UUID must be random (version 4)"
                .to_owned();
            walk.at("id", |walk| walk.error("id-version", "2.9", message));
        }
        Some(computed) if computed != *id => {
            let message = format!("the contributing properties give `{computed}`");
            walk.at("id", |walk| walk.warn("id-not-deterministic", "2.9", message));
        }
        Some(_) => {}
    }
}

/// STIX 2.1 §7.3.2 and §11.2.1: an object of another's making has something to say.
pub(super) fn own_properties(walk: &mut Walk<'_>, is_known: bool) {
    let object = walk.object;
    let is_common = |name: &String| parts::COMMON.properties.iter().any(|property| property.name == name);
    if !is_known && object.properties().keys().all(is_common) {
        let message = "a custom object has one property or more beside those of all objects".to_owned();
        walk.error("empty-object", "11.2.1", message);
    }
}

/// STIX 2.1 §6.6: what a header encodes stands decoded.
pub(super) fn decoded_headers(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let encoded = |value: &Value| value.as_str().is_some_and(forms::has_encoded_word);
    let tell = |walk: &mut Walk<'_>| {
        let message = "an encoded word of RFC 2047 stands here; write what it says".to_owned();
        walk.error("encoded-header", "6.6", message);
    };
    if map.get("subject").is_some_and(encoded) {
        walk.at("subject", tell);
    }
    let others = map.get("additional_header_fields").and_then(Value::as_object);
    for (name, values) in others.into_iter().flatten() {
        for (index, _) in
            values.as_array().into_iter().flatten().enumerate().filter(|(_, value)| encoded(value))
        {
            walk.at("additional_header_fields", |walk| walk.at(name, |walk| walk.at_index(index, tell)));
        }
    }
}

/// STIX 2.1 §6.7.6: the type of an executable alone says too little.
pub(super) fn more_than_a_type(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    if map.keys().all(|name| name == "pe_type") {
        let message = "at least one property beside `pe_type` is required".to_owned();
        walk.error("missing-one-of", "6.7.6", message);
    }
}

/// STIX 2.1 §4.1.1 and §4.19.1: the names and forms of the two registries that the specification knows.
pub(super) fn known_external_id(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let id = text(map, "external_id");
    let numbered = |id: &str, prefix: &str| {
        id.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_cve = |id: &str| {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')).is_some_and(|(year, number)| {
            year.len() == 4 && digits(year) && number.len() >= 4 && digits(number)
        })
    };
    match text(map, "source_name") {
        Some("cve") if !id.is_some_and(is_cve) => {
            let message = "a reference to `cve` has an `external_id` such as `CVE-2026-0001`".to_owned();
            walk.error("external-id", "4.19", message);
        }
        Some("capec") if !id.is_some_and(|id| numbered(id, "CAPEC-")) => {
            let message = "a reference to `capec` has an `external_id` such as `CAPEC-163`".to_owned();
            walk.error("external-id", "4.1", message);
        }
        Some(other)
            if other != "cve" && id.is_some_and(is_cve) && walk.object.object_type() == "vulnerability" =>
        {
            let message = "a CVE identifier belongs to the source `cve`, in lower case".to_owned();
            walk.error("external-id", "4.19", message);
        }
        Some(other) if other != "capec" && id.is_some_and(|id| numbered(id, "CAPEC-")) => {
            let message = "a CAPEC identifier belongs to the source `capec`, in lower case".to_owned();
            walk.error("external-id", "4.1", message);
        }
        _ => {}
    }
}

pub(super) fn indicator_pattern(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let (Some(pattern), "stix") = (text(map, "pattern"), text(map, "pattern_type").unwrap_or("stix")) else {
        return;
    };
    walk.at("pattern", |walk| match Pattern::parse(pattern) {
        Err(error) => walk.error("invalid-pattern", "9", error.to_string()),
        Ok(pattern) => {
            if let Some(conflict) = pattern.type_conflict() {
                let (first, second) = (conflict.first, conflict.second);
                let message = format!("`AND` joins `{first}` and `{second}`, and no object is both");
                walk.error("impossible-pattern", "9.5", message);
            }
            // A pattern of ten thousand tests of one property is told once.
            let named =
                pattern.tests().into_iter().map(|test| (&test.path.object_type, test.path.steps.first()));
            for (object_type, property) in named.collect::<BTreeSet<_>>() {
                path_names(walk, object_type, property);
            }
        }
    });
}

/// STIX 2.1 §9.7: types and properties have legal names, and those of known types are known.
fn path_names(walk: &mut Walk<'_>, object_type: &str, property: Option<&Step>) {
    let Some(Step::Key(property)) = property else {
        return;
    };
    match definition(object_type) {
        Some(known) if known.class == Class::Observable => {
            let common = ["id", "type", "spec_version", "defanged", "extensions", "object_marking_refs"];
            let is_known = known.record.properties.iter().any(|p| p.name == property);
            if !is_known && !common.contains(&property.as_str()) {
                let message = format!("`{}` has no property `{}`", object_type, shortened(property));
                walk.warn("pattern-property", "9.7", message);
            }
        }
        _ => {
            if !forms::is_term(&object_type.replace('_', "-")) {
                let message = format!("`{}` is no type name", shortened(object_type));
                walk.error("pattern-path", "9.7", message);
            }
        }
    }
    if property != "id" && !forms::is_property_name(&property.replace('-', "_").to_ascii_lowercase()) {
        let message = format!("`{}` is no property name", shortened(property));
        walk.error("pattern-path", "9.7", message);
    }
}

pub(super) fn location_country(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let country = text(map, "country");
    if country.is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic())) {
        let message = "`country` should be a code of two letters of ISO 3166-1".to_owned();
        walk.at("country", |walk| walk.warn("country-code", "4.10", message));
    }
}

pub(super) fn malware_family_name(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    if map.get("is_family") == Some(&Value::Bool(true)) && !map.contains_key("name") {
        let message = "a malware family has a `name`".to_owned();
        walk.at("name", |walk| walk.error("missing-property", "4.11", message));
    }
}

pub(super) fn observed_data(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    if map.contains_key("objects") {
        let message = "`objects` is deprecated, `object_refs` takes its place".to_owned();
        walk.at("objects", |walk| walk.warn("deprecated-property", "4.14", message));
        walk.container();
    }
    let refs = map.get("object_refs").and_then(Value::as_array);
    let types: Vec<Id> = refs.into_iter().flatten().filter_map(|r| Id::parse(r.as_str()?).ok()).collect();
    let related = |id: &Id| definition(id.object_type()).is_some_and(|d| d.class == Class::Relationship);
    if !types.is_empty() && types.iter().all(related) {
        let message = "`object_refs` names at least one cyber-observable".to_owned();
        walk.at("object_refs", |walk| walk.error("reference-target", "4.14", message));
    }
}

pub(super) fn language_contents(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let languages = map.get("contents").and_then(Value::as_object);
    for (language, contents) in languages.into_iter().flatten() {
        walk.at("contents", |walk| {
            walk.at(language, |walk| {
                if !forms::is_language(language) {
                    let message = format!("`{}` is not {}", shortened(language), LANGUAGE.expected);
                    walk.error("invalid-language", "7.1", message);
                }
                for name in contents.as_object().into_iter().flat_map(Map::keys) {
                    if !forms::is_property_name(name) {
                        let message = format!("`{}` can be no property of an object", shortened(name));
                        walk.at(name, |walk| walk.error("property-name", "7.1", message));
                    }
                }
            });
        });
    }
}

/// STIX 2.1 §7.2.1: statements, and TLP 1.0 whose four definitions are fixed.
pub(super) fn marking_definition(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let definition = map.get("definition");
    match text(map, "definition_type") {
        Some("statement") => {
            let stated = definition.and_then(|d| d.get("statement")).is_some_and(Value::is_string);
            if !stated {
                let message = "a statement marking holds a `statement`".to_owned();
                walk.at("definition", |walk| walk.error("missing-property", "7.2.1", message));
            }
        }
        Some("tlp") => {
            let level = definition.and_then(|d| d.get("tlp")).and_then(Value::as_str);
            let stands_for = match level {
                Some("white") => Some(Tlp::Clear),
                Some("green") => Some(Tlp::Green),
                Some("amber") => Some(Tlp::Amber),
                Some("red") => Some(Tlp::Red),
                _ => None,
            };
            let known = marking::tlp(walk.object.id());
            if stands_for.is_none()
                || stands_for != known
                || text(map, "created") != Some("2017-01-20T00:00:00.000Z")
            {
                let message = "no TLP marking but the four of the specification may be made".to_owned();
                walk.error("tlp-definition", "7.2.1.4", message);
            }
        }
        Some(other) => {
            let message = format!("`{}` is neither `statement` nor `tlp`", shortened(other));
            walk.at("definition_type", |walk| walk.warn("not-in-vocabulary", "7.2.1", message));
        }
        None => {}
    }
}

/// STIX 2.1 §7.3.1.
pub(super) fn extension_properties(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let types = map.get("extension_types").and_then(Value::as_array);
    let top_level = types.into_iter().flatten().any(|kind| kind == "toplevel-property-extension");
    if map.contains_key("extension_properties") && !top_level {
        let message =
            "`extension_properties` goes with the type `toplevel-property-extension` only".to_owned();
        walk.at("extension_properties", |walk| walk.error("exclusive-properties", "7.3.1", message));
    }
    let names = map.get("extension_properties").and_then(Value::as_array);
    for (index, name) in names.into_iter().flatten().enumerate() {
        if parts::COMMON.properties.iter().any(|property| *name == *property.name) {
            let message = "a property of all objects cannot be an extension's own".to_owned();
            walk.at("extension_properties", |walk| {
                walk.at_index(index, |walk| walk.error("redefinition", "7.3.2", message));
            });
        }
    }
}

fn integers_or_texts(walk: &mut Walk<'_>, map: &Map<String, Value>, name: &str, section: &'static str) {
    let values = map.get(name).and_then(Value::as_object);
    for (key, _) in values.into_iter().flatten().filter(|(_, v)| !(v.is_string() || v.is_i64() || v.is_u64()))
    {
        let message = "the value is neither an integer nor a string".to_owned();
        walk.at(name, |walk| walk.at(key, |walk| walk.error("wrong-type", section, message)));
    }
}

pub(super) fn ipfix(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    integers_or_texts(walk, map, "ipfix", "6.12");
}

pub(super) fn exif_tags(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    integers_or_texts(walk, map, "exif_tags", "6.7.5");
}
