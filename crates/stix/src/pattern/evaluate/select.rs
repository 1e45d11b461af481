//! What an object path leads to (STIX 2.1 §9.7).

use serde_json::{Map, Value};

use super::super::ast::Step;

/// A value that a path leads to.
#[derive(Clone, Copy)]
pub(super) struct Selected<'a> {
    pub(super) value: &'a Value,
    pub(super) coding: Coding,
    /// The value is a reference, or a list of them.
    refers: bool,
}

/// How a text stands for bytes (STIX 2.1 §2.1, §2.7): by the ending of the property's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Hex,
    Base64,
}

impl Coding {
    pub(super) fn of(key: &str) -> Self {
        if key.ends_with("_hex") {
            Self::Hex
        } else if key.ends_with("_bin") {
            Self::Base64
        } else {
            Self::Plain
        }
    }
}

/// Every value that the steps lead to from the object. A reference is followed when a further step asks for a property of what
/// it names; one that leads nowhere gives nothing. Each value comes once: a circle of references grows no list.
pub(super) fn select<'a>(
    graph: &'a Map<String, Value>,
    object: &'a Value,
    steps: &[Step],
) -> Vec<Selected<'a>> {
    let mut at = vec![Selected { value: object, coding: Coding::Plain, refers: false }];
    for step in steps {
        at = at.iter().flat_map(|one| one.step(graph, step)).collect();
        if *step == Step::Any {
            at.sort_unstable_by_key(|one| std::ptr::from_ref(one.value));
            at.dedup_by_key(|one| std::ptr::from_ref(one.value));
        }
    }
    at
}

impl<'a> Selected<'a> {
    fn step(&self, graph: &'a Map<String, Value>, step: &Step) -> Vec<Selected<'a>> {
        let item = |value| Selected { value, coding: self.coding, refers: self.refers };
        match step {
            Step::Key(key) => {
                let object = match self.value {
                    Value::String(id) if self.refers => graph.get(id),
                    other => Some(other),
                };
                let value = object.and_then(Value::as_object).and_then(|object| object.get(key));
                let refers = key.ends_with("_ref") || key.ends_with("_refs");
                value.map(|value| Selected { value, coding: Coding::of(key), refers }).into_iter().collect()
            }
            Step::Index(index) => {
                let list = self.value.as_array();
                let found = list.and_then(|list| list.get(usize::try_from(*index).ok()?));
                found.map(item).into_iter().collect()
            }
            Step::Any => self.value.as_array().into_iter().flatten().map(item).collect(),
        }
    }
}
