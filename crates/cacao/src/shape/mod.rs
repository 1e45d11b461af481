//! The shape of a document: properties, kinds of values, vocabularies. Tables say what the specification says; this walks them.

mod tables;

use serde_json::{Map, Value as Json};

use crate::check::values;
use crate::finding::{Findings, Pointer};
use crate::variable;

/// An object of the specification.
pub(crate) struct Class {
    name: &'static str,
    /// Whose properties it has besides its own.
    parent: Option<&'static Self>,
    props: &'static [Prop],
}

struct Prop {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// What a value may be.
#[derive(Clone, Copy)]
enum Kind {
    Any,
    Text,
    Bool,
    /// A whole number within these bounds.
    Whole(i64, i64),
    Time,
    /// A timestamp with exactly three digits of fraction.
    Milliseconds,
    TimeOrNull,
    Base64,
    Const(&'static str),
    /// One of these.
    Closed(&'static [&'static str]),
    /// One of these, or something else that deserves a note.
    Open(&'static [&'static str]),
    /// An identifier of one of these types, of any where there are none.
    Id(&'static [&'static str]),
    /// A list with at least so many members.
    List(&'static Kind, usize),
    /// A header's values: the specification says a list, and everybody writes one text.
    Lines,
    /// A dictionary with at least so many entries.
    Dict(Keys, &'static Kind, usize),
    Object(&'static Class),
    /// Told apart by `type`; what is of no known type has the properties of the fallback and any others.
    Typed(&'static [(&'static str, Class)], Option<&'static Class>),
    /// Addresses by kind (§10.1).
    Address,
    /// A variable's value (§10.18): text, null or an object.
    Value,
}

/// What the keys of a dictionary may be.
#[derive(Clone, Copy)]
enum Keys {
    Any,
    AnyId,
    Ids(&'static [&'static str]),
    Variables,
    /// `[a-zA-Z0-9_-]`, at most 250.
    Cases,
}

const DELETE: &str = "delete the property or put it into an extension";
const MATCH_TYPE: &str = "write a value of the type that the specification gives";

/// Holds the whole document against the tables.
pub(crate) fn check(document: &Map<String, Json>, findings: &mut Findings) {
    object(document, &tables::PLAYBOOK, &Pointer::root(), findings);
}

fn find<'c>(class: &'c Class, name: &str) -> Option<&'c Prop> {
    let own = class.props.iter().find(|prop| prop.name == name);
    own.or_else(|| class.parent.and_then(|parent| find(parent, name)))
}

fn object(map: &Map<String, Json>, class: &'static Class, at: &Pointer, findings: &mut Findings) {
    properties(map, class, true, at, findings);
}

fn properties(
    map: &Map<String, Json>,
    class: &'static Class,
    closed: bool,
    at: &Pointer,
    findings: &mut Findings,
) {
    for (name, value) in map {
        match find(class, name) {
            Some(prop) => check_kind(value, prop.kind, &at.at(name), findings),
            None if closed => {
                let message = format!("`{name}` is no property of {}", class.name);
                findings.warn("unknown-property", &at.at(name), message, DELETE);
            }
            None => {}
        }
    }
    let mut next = Some(class);
    while let Some(class) = next {
        for prop in class.props.iter().filter(|prop| prop.required && !map.contains_key(prop.name)) {
            let message = format!("`{}` is missing", prop.name);
            findings.error(
                "missing-property",
                at,
                message,
                "add the property, which the specification demands",
            );
        }
        next = class.parent;
    }
}

fn check_kind(value: &Json, kind: Kind, at: &Pointer, findings: &mut Findings) {
    match kind {
        Kind::Any => {}
        Kind::Bool => wrong_unless(value.is_boolean(), "true or false", at, findings),
        Kind::Whole(min, max) => whole(value, min, max, at, findings),
        Kind::TimeOrNull if value.is_null() => {}
        Kind::List(inner, min) => list(value, *inner, min, at, findings),
        Kind::Lines if value.is_string() => {
            findings.note("header-not-a-list", at, "a header's value is one text", "write a list of texts");
        }
        Kind::Lines => list(value, Kind::Text, 1, at, findings),
        Kind::Dict(keys, inner, min) => dictionary(value, keys, *inner, min, at, findings),
        Kind::Object(class) => match value.as_object() {
            Some(map) => object(map, class, at, findings),
            None => wrong("an object", at, findings),
        },
        Kind::Typed(classes, fallback) => typed(value, classes, fallback, at, findings),
        Kind::Address => address(value, at, findings),
        Kind::Value => {
            let fits = matches!(value, Json::String(_) | Json::Null | Json::Object(_));
            wrong_unless(
                fits,
                "a text, null or an object; numbers and booleans are written as texts",
                at,
                findings,
            );
        }
        Kind::Text
        | Kind::Time
        | Kind::Milliseconds
        | Kind::TimeOrNull
        | Kind::Base64
        | Kind::Const(_)
        | Kind::Closed(_)
        | Kind::Open(_)
        | Kind::Id(_) => match value.as_str() {
            Some(text) => check_text(text, kind, at, findings),
            None => wrong("a text", at, findings),
        },
    }
}

fn check_text(text: &str, kind: Kind, at: &Pointer, findings: &mut Findings) {
    let short: String = text.chars().take(60).collect();
    match kind {
        Kind::Time | Kind::TimeOrNull | Kind::Milliseconds if !stix::Timestamp::is_valid(text) => {
            let message = format!("`{short}` is no timestamp");
            findings.error("bad-timestamp", at, message, "write it as `2026-01-31T09:00:00.000Z`");
        }
        Kind::Milliseconds if !values::has_milliseconds(text) => {
            let message = format!("`{short}` does not have exactly three digits of fraction");
            findings.warn("timestamp-precision", at, message, "write it as `2026-01-31T09:00:00.000Z`");
        }
        Kind::Base64 if !values::is_base64(text) && !variable::mentions_any(text) => {
            findings.error(
                "bad-base64",
                at,
                "the text is not base64",
                "encode it as RFC 4648 §4 says, with padding",
            );
        }
        Kind::Const(must) if text != must => {
            let message = format!("`{short}` stands where only `{must}` may");
            findings.error("bad-value", at, message, "write the value that the specification fixes");
        }
        Kind::Closed(list) if !list.contains(&text) => {
            let message = format!("`{short}` is not one of: {}", list.join(", "));
            findings.error("bad-value", at, message, "choose a value of the enumeration");
        }
        Kind::Open(list) if !list.contains(&text) => {
            let message = format!("`{short}` is not in the vocabulary");
            findings.note("outside-vocabulary", at, message, "choose a value of the vocabulary if one fits");
        }
        Kind::Id(types) => identifier(text, types, at, findings),
        _ => {}
    }
}

fn identifier(text: &str, types: &[&str], at: &Pointer, findings: &mut Findings) {
    let short: String = text.chars().take(80).collect();
    let Some((kind, uuid)) = values::split_id(text) else {
        let message = format!("`{short}` is no identifier");
        findings.error("bad-identifier", at, message, "write it as `type--UUID`, with an RFC 4122 UUID");
        return;
    };
    if !types.is_empty() && !types.contains(&kind) {
        let message = format!("`{short}` refers to a `{kind}`, where only {} may stand", types.join(", "));
        findings.error(
            "wrong-reference-type",
            at,
            message,
            "refer to an object of a type that may stand here",
        );
    }
    if uuid.chars().any(|c| c.is_ascii_uppercase()) {
        let message = format!("`{short}` has capital letters");
        findings.note("identifier-case", at, message, "write UUIDs in lower case, as RFC 4122 §3 asks");
    }
}

fn wrong(expected: &str, at: &Pointer, findings: &mut Findings) {
    findings.error("wrong-type", at, format!("the value is not {expected}"), MATCH_TYPE);
}

fn wrong_unless(fits: bool, expected: &str, at: &Pointer, findings: &mut Findings) {
    if !fits {
        wrong(expected, at, findings);
    }
}

fn whole(value: &Json, min: i64, max: i64, at: &Pointer, findings: &mut Findings) {
    match value.as_i64() {
        None => wrong("a whole number", at, findings),
        Some(number) if number < min || number > max => {
            let message = format!("{number} is not between {min} and {max}");
            findings.error("out-of-range", at, message, "write a number within the bounds");
        }
        Some(_) => {}
    }
}

fn list(value: &Json, inner: Kind, min: usize, at: &Pointer, findings: &mut Findings) {
    let Some(members) = value.as_array() else {
        wrong("a list", at, findings);
        return;
    };
    if members.len() < min {
        findings.error("empty-list", at, "the list is empty", "delete the property or give it a member");
    }
    for (index, member) in members.iter().enumerate() {
        check_kind(member, inner, &at.at(index), findings);
    }
}

fn dictionary(value: &Json, keys: Keys, inner: Kind, min: usize, at: &Pointer, findings: &mut Findings) {
    let Some(map) = value.as_object() else {
        wrong("an object", at, findings);
        return;
    };
    if map.len() < min {
        findings.error(
            "empty-dictionary",
            at,
            "the dictionary is empty",
            "delete the property or give it an entry",
        );
    }
    for (key, member) in map {
        let place = at.at(key);
        check_key(key, keys, &place, findings);
        if let (Some((kind, _)), Some(said)) = (values::split_id(key), member.get("type").and_then(Json::as_str))
            && kind != said
            && !matches!(keys, Keys::Any | Keys::Variables | Keys::Cases)
            // What an extension holds names its type as it likes.
            && kind != "extension-definition"
        {
            let message = format!("the identifier says `{kind}` and `type` says `{said}`");
            findings.error(
                "type-mismatch",
                &place,
                message,
                "make the identifier's type and `type` the same",
            );
        }
        check_kind(member, inner, &place, findings);
    }
}

fn check_key(key: &str, keys: Keys, at: &Pointer, findings: &mut Findings) {
    let short: String = key.chars().take(80).collect();
    match keys {
        Keys::Any => {}
        Keys::AnyId => identifier(key, &[], at, findings),
        Keys::Ids(types) => identifier(key, types, at, findings),
        Keys::Variables if variable::is_name(key) => {}
        Keys::Variables => {
            let message = format!("`{short}` is no name of a variable");
            findings.error(
                "bad-variable-name",
                at,
                message,
                "write it as `__name__`, a letter first, 204 at most",
            );
        }
        Keys::Cases if values::is_dictionary_key(key) => {}
        Keys::Cases => {
            let message = format!("`{short}` is no key of a dictionary");
            findings.warn("bad-key", at, message, "use letters, digits, `_` and `-`, 250 at most");
        }
    }
}

fn typed(
    value: &Json,
    classes: &'static [(&'static str, Class)],
    fallback: Option<&'static Class>,
    at: &Pointer,
    findings: &mut Findings,
) {
    let Some(map) = value.as_object() else {
        wrong("an object", at, findings);
        return;
    };
    let said = map.get("type").and_then(Json::as_str);
    if let Some((_, class)) = classes.iter().find(|(name, _)| Some(*name) == said) {
        object(map, class, at, findings);
        return;
    }
    let short: String = said.unwrap_or_default().chars().take(60).collect();
    let known = classes.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match (said, fallback) {
        (None, _) => {
            findings.error(
                "missing-property",
                at,
                "`type` is missing",
                "add the property, which the specification demands",
            );
        }
        (Some(_), Some(class)) => {
            // Vocabularies of types are open (§5.2, §6.2, §7.2); what is not known cannot be carried out here.
            let message = format!("`{short}` is none of the types known: {known}");
            findings.warn(
                "unknown-type",
                &at.at("type"),
                message,
                "use a type of the vocabulary: others are not carried out",
            );
            properties(map, class, false, at, findings);
        }
        (Some(_), None) => {
            let message = format!("`{short}` is not one of: {known}");
            findings.error("bad-value", &at.at("type"), message, "choose a value of the enumeration");
        }
    }
}

fn address(value: &Json, at: &Pointer, findings: &mut Findings) {
    let Some(map) = value.as_object() else {
        wrong("an object", at, findings);
        return;
    };
    for (kind, list) in map {
        let place = at.at(kind);
        if !crate::vocabulary::ADDRESS_KINDS.contains(&kind.as_str()) {
            let message = format!("`{kind}` is no kind of address");
            findings.error("bad-address", &place, message, "use dname, ipv4, ipv6, l2mac, vlan or url");
            continue;
        }
        let Some(members) = list.as_array() else {
            wrong("a list of texts", &place, findings);
            continue;
        };
        for (index, member) in members.iter().enumerate() {
            one_address(kind, member, &place.at(index), findings);
        }
    }
}

fn one_address(kind: &str, member: &Json, at: &Pointer, findings: &mut Findings) {
    let text = match member {
        Json::String(text) => text.clone(),
        // The schema has numbers here, the specification texts.
        Json::Number(number) if kind == "vlan" => number.to_string(),
        _ => {
            wrong("a text", at, findings);
            return;
        }
    };
    if !variable::mentions_any(&text) && !values::is_address(kind, &text) {
        let short: String = text.chars().take(60).collect();
        findings.error(
            "bad-address",
            at,
            format!("`{short}` is no address of kind `{kind}`"),
            "write a whole address",
        );
    }
}
