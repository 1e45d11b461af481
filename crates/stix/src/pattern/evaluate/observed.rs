use std::collections::HashMap;

use serde_json::{Map, Value};

use super::instant;
use crate::Timestamp;

/// One `observed-data` (STIX 2.1 §4.14): a number of observations of the same things within a span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The start of the span.
    pub first_observed: Timestamp,
    /// The end of the span, not before its start.
    pub last_observed: Timestamp,
    /// How often it was observed; one or more. As many observations can be bound to a pattern (§9.5).
    pub number_observed: u64,
    /// What was observed: cyber-observable objects by their identifier, or by their key in STIX 2.0. References between them
    /// (`*_ref`, `*_refs`) hold keys of this map.
    pub objects: Map<String, Value>,
}

/// The text is no `observed-data` that a pattern can be held against.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{id}` cannot be evaluated: {reason}")]
pub struct ObservedError {
    /// The object's identifier; empty where it has none.
    pub id: String,
    /// What is missing or wrong.
    pub reason: &'static str,
}

impl Observed {
    /// Reads every `observed-data` among the objects, in their order. Bundles are opened. The observables of STIX 2.0 stand in
    /// `objects`, those of 2.1 beside the object and are named by `object_refs`; names that lead nowhere are left out.
    ///
    /// # Errors
    /// Names the first `observed-data` without usable `first_observed`, `last_observed` or `number_observed`.
    pub fn read(objects: &[Value]) -> Result<Vec<Self>, ObservedError> {
        let all: Vec<&Value> = objects.iter().flat_map(opened).collect();
        let by_id: HashMap<&str, &Value> =
            all.iter().map(|object| (text(object, "id"), *object)).filter(|(id, _)| !id.is_empty()).collect();
        let observed = all.iter().filter(|object| text(object, "type") == "observed-data");
        observed.map(|object| Self::one(object, &by_id)).collect()
    }

    fn one(object: &Value, by_id: &HashMap<&str, &Value>) -> Result<Self, ObservedError> {
        let error = |reason| ObservedError { id: text(object, "id").to_owned(), reason };
        let time = |name, reason| Timestamp::parse(text(object, name)).map_err(|_| error(reason));
        let first_observed = time("first_observed", "`first_observed` is no timestamp")?;
        let last_observed = time("last_observed", "`last_observed` is no timestamp")?;
        if last_observed < first_observed {
            return Err(error("`last_observed` is before `first_observed`"));
        }
        let number = member(object, "number_observed").and_then(Value::as_u64).filter(|number| *number > 0);
        let number_observed =
            number.ok_or_else(|| error("`number_observed` is no whole number from 1 on"))?;
        let mut graph = match member(object, "objects") {
            Some(Value::Object(inner)) => inner.clone(),
            _ => Map::new(),
        };
        let named = member(object, "object_refs").and_then(Value::as_array);
        for id in named.into_iter().flatten().filter_map(Value::as_str) {
            if let Some(found) = by_id.get(id) {
                graph.insert(id.to_owned(), (*found).clone());
            }
        }
        Ok(Self { first_observed, last_observed, number_observed, objects: graph })
    }

    /// Start and end in nanoseconds since 1970.
    pub(super) fn span(&self) -> (i128, i128) {
        (instant(&self.first_observed), instant(&self.last_observed))
    }
}

/// What is in a bundle, or the object itself.
fn opened(object: &Value) -> &[Value] {
    match member(object, "objects") {
        Some(Value::Array(inner)) if text(object, "type") == "bundle" => inner,
        _ => std::slice::from_ref(object),
    }
}

fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.get(name)
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    member(object, name).and_then(Value::as_str).unwrap_or_default()
}
