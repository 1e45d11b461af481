//! How types are described: data, read by one engine.

use serde_json::{Map, Value};

use super::engine::Walk;

/// A vocabulary or an enumeration.
pub(super) struct Vocabulary {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    pub(super) terms: &'static [&'static str],
}

/// What kind of STIX object a type is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Domain,
    Relationship,
    Observable,
    Meta,
}

/// One type of STIX object.
pub(super) struct TypeDefinition {
    pub(super) name: &'static str,
    pub(super) class: Class,
    pub(super) record: Record,
    /// The predefined extensions (STIX 2.1 §6), by key.
    pub(super) extensions: &'static [(&'static str, &'static Record)],
}

/// A set of properties: an object, or a part of one.
pub(super) struct Record {
    /// The section that describes it.
    pub(super) section: &'static str,
    pub(super) properties: &'static [Property],
    pub(super) rules: &'static [Rule],
}

pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) kind: Kind,
}

/// The type of a property's value (STIX 2.1 §2).
pub(super) enum Kind {
    Text,
    Boolean,
    /// Bounds included.
    Integer(i64, i64),
    /// Bounds included.
    Float(f64, f64),
    Timestamp,
    Hex,
    Binary,
    /// A string that another specification gives a form.
    Form(&'static Form),
    /// An open vocabulary: terms outside of it are allowed and worth a warning.
    Open(&'static Vocabulary),
    /// An enumeration: nothing else is allowed.
    Closed(&'static Vocabulary),
    Reference(Target),
    List(&'static Kind),
    /// A dictionary with free keys and values of one kind.
    Dictionary(&'static Kind),
    Record(&'static Record),
    Hashes,
    /// Judged by a rule of its record, or free.
    Any,
    /// Judged by the engine itself.
    Apart,
}

/// A form that a string must have.
pub(super) struct Form {
    pub(super) code: &'static str,
    pub(super) accepts: fn(&str) -> bool,
    /// What would be right, to follow "is not".
    pub(super) expected: &'static str,
    pub(super) section: &'static str,
    pub(super) severity: super::Severity,
}

/// Which types a reference may name.
pub(super) enum Target {
    Anything,
    Only(&'static [&'static str]),
    /// The specification says so without a MUST (STIX 2.1 §3.2, `created_by_ref`).
    Preferably(&'static str),
    /// Domain objects and observables, custom ones too (STIX 2.1 §5.1.2).
    DomainOrObservable,
    /// Domain objects, custom ones too (STIX 2.1 §5.2.1).
    Domain,
    /// Observables, custom ones too.
    Observable,
    /// Observables and relationships, custom ones too (STIX 2.1 §4.14.1).
    ObservableOrRelationship,
}

/// A demand on several properties of one record at once.
pub(super) enum Rule {
    /// The second instant is not before the first.
    NotBefore(&'static str, &'static str),
    /// The second instant should not be before the first; the specification does not say so in capitals.
    BetterNotBefore(&'static str, &'static str),
    /// The second instant is later than the first.
    After(&'static str, &'static str),
    /// At least one is there.
    OneOf(&'static [&'static str]),
    /// At most one is there.
    NotBoth(&'static str, &'static str),
    /// If the first is there, so is the second.
    Needs(&'static str, &'static str),
    /// It is missed with a warning.
    Better(&'static str),
    /// At least one property of the record's own is there.
    NotEmpty,
    /// If the boolean has this value, the property is absent.
    AbsentIf(&'static str, bool, &'static str),
    /// Anything else.
    Check(fn(&mut Walk<'_>, &Map<String, Value>)),
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Property {
    Property { name, required: true, kind }
}

pub(super) const fn optional(name: &'static str, kind: Kind) -> Property {
    Property { name, required: false, kind }
}

pub(super) const COUNT: Kind = Kind::Integer(0, INTEGER_MAX);
pub(super) const INTEGER: Kind = Kind::Integer(-INTEGER_MAX, INTEGER_MAX);
pub(super) const FLOAT: Kind = Kind::Float(f64::MIN, f64::MAX);
pub(super) const TEXTS: Kind = Kind::List(&Kind::Text);

/// STIX 2.1 §2.10.
pub(super) const INTEGER_MAX: i64 = (1 << 53) - 1;
