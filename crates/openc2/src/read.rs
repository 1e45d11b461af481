//! Objects whose names are known, taken apart.

use serde_json::{Map, Value};

use crate::json::integer;
use crate::refusal::{At, Refusal};

/// An object in which nothing stands that is not known.
pub(crate) struct Fields<'v> {
    map: &'v Map<String, Value>,
    at: At,
    clause: &'static str,
}

/// What an object is.
pub(crate) fn object<'v>(
    value: &'v Value,
    at: &At,
    clause: &'static str,
) -> Result<&'v Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::malformed(clause, at, "an object belongs here"))
}

impl<'v> Fields<'v> {
    /// An object with at least `at_least` of these properties and no other.
    pub(crate) fn new(
        value: &'v Value,
        at: &At,
        clause: &'static str,
        names: &[&str],
        at_least: usize,
    ) -> Result<Self, Refusal> {
        let map = object(value, at, clause)?;
        if let Some(name) = map.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(Refusal::malformed(clause, &at.to(name), "the property is not one of this type"));
        }
        if map.len() < at_least {
            return Err(Refusal::malformed(clause, at, "at least one property belongs here"));
        }
        Ok(Self { map, at: at.clone(), clause })
    }

    /// A property, read by a function that is told its place.
    pub(crate) fn get<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'v Value, &At) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        self.map.get(name).map(|value| read(value, &self.at.to(name))).transpose()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.get(name, |value, at| text(value, at, self.clause))
    }

    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.get(name, |value, at| count(value, at, self.clause))
    }
}

pub(crate) fn text(value: &Value, at: &At, clause: &'static str) -> Result<String, Refusal> {
    value.as_str().map(str::to_owned).ok_or_else(|| Refusal::malformed(clause, at, "a text belongs here"))
}

/// A whole number that is not negative.
pub(crate) fn count(value: &Value, at: &At, clause: &'static str) -> Result<u64, Refusal> {
    integer(value)
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| Refusal::malformed(clause, at, "a whole number from 0 to 2^53 - 1 belongs here"))
}

pub(crate) fn list<'v>(value: &'v Value, at: &At, clause: &'static str) -> Result<&'v [Value], Refusal> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| Refusal::malformed(clause, at, "a list belongs here"))
}

/// A list of different values of one type.
pub(crate) fn unique<T: PartialEq>(
    value: &Value,
    at: &At,
    clause: &'static str,
    read: impl Fn(&Value, &At) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let mut found = Vec::new();
    for (index, value) in list(value, at, clause)?.iter().enumerate() {
        let one = read(value, &at.to(index))?;
        if found.contains(&one) {
            return Err(Refusal::malformed(clause, &at.to(index), "the value stands in the list already"));
        }
        found.push(one);
        if found.len() > LIST_MAX {
            return Err(Refusal::malformed(clause, at, "the list is too long"));
        }
    }
    Ok(found)
}

/// The most values of one list whose values must differ; comparing takes the square.
const LIST_MAX: usize = 256;

/// Puts what is there into an object.
pub(crate) struct Writer(Map<String, Value>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Map::new())
    }

    pub(crate) fn put(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn all<'m>(mut self, entries: impl IntoIterator<Item = (&'m String, &'m Value)>) -> Self {
        self.0.extend(entries.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    pub(crate) fn done(self) -> Value {
        Value::Object(self.0)
    }
}
