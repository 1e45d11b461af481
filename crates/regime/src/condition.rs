//! Whether something holds, when not everything is known.

use std::collections::BTreeSet;

use crate::event::Kind;
use crate::{Profile, Record, Value};

/// Three values: what is not known is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It does not hold.
    No,
    /// It may hold: something is not known.
    Maybe,
    /// It holds.
    Yes,
}

impl Truth {
    fn of(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Maybe,
        }
    }
}

/// A condition of a regime file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    Always,
    /// All of them.
    All(Vec<Self>),
    /// At least one of them.
    Any(Vec<Self>),
    /// Not it.
    Not(Box<Self>),
    /// The incident is of one of these kinds. Its kinds are always known.
    Kind(BTreeSet<Kind>),
    /// A field is yes, or no.
    Is(String, bool),
    /// A field holds one of these choices or lines.
    In(String, BTreeSet<String>),
    /// A number is greater.
    MoreThan(String, i64),
    /// A number is as great or greater.
    AtLeast(String, i64),
}

/// One part of a condition that decided it, or that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The field; `@kind` for the kinds, `@ruling` for what counsel settled.
    pub field: String,
    /// Whether that part holds.
    pub truth: Truth,
}

/// A condition held against a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether it holds.
    pub truth: Truth,
    /// Why: the parts that made it so.
    pub because: Vec<Because>,
}

/// What is known: the record first, then what the organisation declared in peacetime.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) record: &'a Record,
    pub(crate) profile: &'a Profile,
}

impl<'a> Facts<'a> {
    /// A field's value. Where the record says that it is not known yet, the profile is not asked.
    pub(crate) fn value(self, field: &str) -> Option<&'a Value> {
        match self.record.fields.get(field) {
            Some(stated) => stated.value.as_ref(),
            None => self.profile.fields.get(field),
        }
    }
}

impl Condition {
    /// Whether it holds, by Kleene's logic: an unknown part makes the whole unknown only where it could change it. A value of another
    /// type than the condition asks for is as good as unknown.
    pub(crate) fn judge(&self, facts: Facts<'_>) -> Judged {
        match self {
            Self::Always => Judged { truth: Truth::Yes, because: Vec::new() },
            Self::All(parts) => Self::combined(parts, facts, Truth::No),
            Self::Any(parts) => Self::combined(parts, facts, Truth::Yes),
            Self::Not(part) => {
                let Judged { truth, because } = part.judge(facts);
                let truth = match truth {
                    Truth::Yes => Truth::No,
                    Truth::No => Truth::Yes,
                    Truth::Maybe => Truth::Maybe,
                };
                Judged { truth, because }
            }
            Self::Kind(kinds) => {
                let truth = Truth::of(Some(!facts.record.kinds.is_disjoint(kinds)));
                Judged { truth, because: vec![Because { field: "@kind".to_owned(), truth }] }
            }
            Self::Is(field, wanted) => leaf(field, facts, |value| match value {
                Value::YesNo(is) => Some(is == wanted),
                _ => None,
            }),
            Self::In(field, wanted) => leaf(field, facts, |value| match value {
                Value::Text(text) => Some(wanted.contains(text)),
                Value::List(lines) => Some(lines.iter().any(|line| wanted.contains(line))),
                _ => None,
            }),
            Self::MoreThan(field, than) => leaf(field, facts, |value| number(value).map(|n| n > *than)),
            Self::AtLeast(field, least) => leaf(field, facts, |value| number(value).map(|n| n >= *least)),
        }
    }

    /// `decisive` in one part decides the whole; else what is not known does; else all parts say the opposite.
    fn combined(parts: &[Self], facts: Facts<'_>, decisive: Truth) -> Judged {
        let judged: Vec<Judged> = parts.iter().map(|part| part.judge(facts)).collect();
        let opposite = if decisive == Truth::Yes { Truth::No } else { Truth::Yes };
        let truth = [decisive, Truth::Maybe, opposite]
            .into_iter()
            .find(|truth| judged.iter().any(|part| part.truth == *truth))
            .unwrap_or(opposite);
        let because =
            judged.into_iter().filter(|part| part.truth == truth).flat_map(|part| part.because).collect();
        Judged { truth, because }
    }

    /// Every field that it asks for.
    pub(crate) fn fields(&self) -> Vec<&str> {
        match self {
            Self::Always | Self::Kind(_) => Vec::new(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Not(part) => part.fields(),
            Self::Is(field, _) | Self::In(field, _) | Self::MoreThan(field, _) | Self::AtLeast(field, _) => {
                vec![field.as_str()]
            }
        }
    }
}

fn leaf(field: &str, facts: Facts<'_>, holds: impl Fn(&Value) -> Option<bool>) -> Judged {
    let truth = Truth::of(facts.value(field).and_then(holds));
    Judged { truth, because: vec![Because { field: field.to_owned(), truth }] }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}
