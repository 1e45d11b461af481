//! The shape of a document: properties, kinds of values, vocabularies. Tables say what the specification says; this walks them.

mod tables;

use serde_json::{Map, Value as Json};

use crate::check::values;
use crate::detail::Detail;
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
                findings.warn(
                    Detail::UnknownProperty.with(&[("name", &name), ("class", &class.name)]),
                    &at.at(name),
                );
            }
            None => {}
        }
    }
    let mut next = Some(class);
    while let Some(class) = next {
        for prop in class.props.iter().filter(|prop| prop.required && !map.contains_key(prop.name)) {
            findings.error(Detail::MissingProperty.with(&[("name", &prop.name)]), at);
        }
        next = class.parent;
    }
}

fn check_kind(value: &Json, kind: Kind, at: &Pointer, findings: &mut Findings) {
    match kind {
        Kind::Any => {}
        Kind::Bool => wrong_unless(value.is_boolean(), Detail::NotABoolean, at, findings),
        Kind::Whole(min, max) => whole(value, min, max, at, findings),
        Kind::TimeOrNull if value.is_null() => {}
        Kind::List(inner, min) => list(value, *inner, min, at, findings),
        Kind::Lines if value.is_string() => {
            findings.note(Detail::HeaderNotAList, at);
        }
        Kind::Lines => list(value, Kind::Text, 1, at, findings),
        Kind::Dict(keys, inner, min) => dictionary(value, keys, *inner, min, at, findings),
        Kind::Object(class) => match value.as_object() {
            Some(map) => object(map, class, at, findings),
            None => findings.error(Detail::NotAnObject, at),
        },
        Kind::Typed(classes, fallback) => typed(value, classes, fallback, at, findings),
        Kind::Address => address(value, at, findings),
        Kind::Value => {
            let fits = matches!(value, Json::String(_) | Json::Null | Json::Object(_));
            wrong_unless(fits, Detail::NotAValue, at, findings);
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
            None => findings.error(Detail::NotAText, at),
        },
    }
}

fn check_text(text: &str, kind: Kind, at: &Pointer, findings: &mut Findings) {
    let short: String = text.chars().take(60).collect();
    match kind {
        Kind::Time | Kind::TimeOrNull | Kind::Milliseconds if !stix::Timestamp::is_valid(text) => {
            findings.error(Detail::BadTimestamp.with(&[("text", &short)]), at);
        }
        Kind::Milliseconds if !values::has_milliseconds(text) => {
            findings.warn(Detail::TimestampPrecision.with(&[("text", &short)]), at);
        }
        Kind::Base64 if !values::is_base64(text) && !variable::mentions_any(text) => {
            findings.error(Detail::BadBase64, at);
        }
        Kind::Const(must) if text != must => {
            findings.error(Detail::FixedValue.with(&[("text", &short), ("must", &must)]), at);
        }
        Kind::Closed(list) if !list.contains(&text) => {
            findings.error(Detail::NotOneOf.with(&[("text", &short), ("known", &list.join(", "))]), at);
        }
        Kind::Open(list) if !list.contains(&text) => {
            findings.note(Detail::OutsideVocabulary.with(&[("text", &short)]), at);
        }
        Kind::Id(types) => identifier(text, types, at, findings),
        _ => {}
    }
}

fn identifier(text: &str, types: &[&str], at: &Pointer, findings: &mut Findings) {
    let short: String = text.chars().take(80).collect();
    let Some((kind, uuid)) = values::split_id(text) else {
        findings.error(Detail::BadIdentifier.with(&[("text", &short)]), at);
        return;
    };
    if !types.is_empty() && !types.contains(&kind) {
        findings.error(
            Detail::WrongReferenceType.with(&[
                ("text", &short),
                ("kind", &kind),
                ("known", &types.join(", ")),
            ]),
            at,
        );
    }
    if uuid.chars().any(|c| c.is_ascii_uppercase()) {
        findings.note(Detail::IdentifierCase.with(&[("text", &short)]), at);
    }
}

fn wrong_unless(fits: bool, otherwise: Detail, at: &Pointer, findings: &mut Findings) {
    if !fits {
        findings.error(otherwise, at);
    }
}

fn whole(value: &Json, min: i64, max: i64, at: &Pointer, findings: &mut Findings) {
    match value.as_i64() {
        None => findings.error(Detail::NotAWholeNumber, at),
        Some(number) if number < min || number > max => {
            findings.error(Detail::OutOfRange.with(&[("number", &number), ("min", &min), ("max", &max)]), at);
        }
        Some(_) => {}
    }
}

fn list(value: &Json, inner: Kind, min: usize, at: &Pointer, findings: &mut Findings) {
    let Some(members) = value.as_array() else {
        findings.error(Detail::NotAList, at);
        return;
    };
    if members.len() < min {
        findings.error(Detail::EmptyList, at);
    }
    for (index, member) in members.iter().enumerate() {
        check_kind(member, inner, &at.at(index), findings);
    }
}

fn dictionary(value: &Json, keys: Keys, inner: Kind, min: usize, at: &Pointer, findings: &mut Findings) {
    let Some(map) = value.as_object() else {
        findings.error(Detail::NotAnObject, at);
        return;
    };
    if map.len() < min {
        findings.error(Detail::EmptyDictionary, at);
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
            findings.error(Detail::TypeMismatch.with(&[("kind", &kind), ("said", &said)]), &place);
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
            findings.error(Detail::BadVariableName.with(&[("text", &short)]), at);
        }
        Keys::Cases if values::is_dictionary_key(key) => {}
        Keys::Cases => {
            findings.warn(Detail::BadKey.with(&[("text", &short)]), at);
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
        findings.error(Detail::NotAnObject, at);
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
            findings.error(Detail::MissingProperty.with(&[("name", &"type")]), at);
        }
        (Some(_), Some(class)) => {
            // Vocabularies of types are open (§5.2, §6.2, §7.2); what is not known cannot be carried out here.
            findings.warn(Detail::UnknownType.with(&[("text", &short), ("known", &known)]), &at.at("type"));
            properties(map, class, false, at, findings);
        }
        (Some(_), None) => {
            findings.error(Detail::NotOneOf.with(&[("text", &short), ("known", &known)]), &at.at("type"));
        }
    }
}

fn address(value: &Json, at: &Pointer, findings: &mut Findings) {
    let Some(map) = value.as_object() else {
        findings.error(Detail::NotAnObject, at);
        return;
    };
    for (kind, list) in map {
        let place = at.at(kind);
        if !crate::vocabulary::ADDRESS_KINDS.contains(&kind.as_str()) {
            findings.error(Detail::AddressKind.with(&[("kind", &kind)]), &place);
            continue;
        }
        let Some(members) = list.as_array() else {
            findings.error(Detail::NotAListOfTexts, &place);
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
            findings.error(Detail::NotAText, at);
            return;
        }
    };
    if !variable::mentions_any(&text) && !values::is_address(kind, &text) {
        let short: String = text.chars().take(60).collect();
        findings.error(Detail::BadAddress.with(&[("text", &short), ("kind", &kind)]), at);
    }
}
