//! JSON text into values: what is said twice is remembered, and what is bottomless is refused.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::finding::Pointer;

/// The largest playbook read, in bytes. The largest public one has 169 kB.
pub const PLAYBOOK_BYTES_MAX: usize = 4 << 20;
/// The deepest nesting of lists and dictionaries read, the playbook itself being 1.
pub const PLAYBOOK_DEPTH_MAX: usize = 32;
/// How many properties that are there twice are remembered.
const DUPLICATES_MAX: usize = 100;

/// Why a text is no playbook at all. Everything less is a finding.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    /// Longer than [`PLAYBOOK_BYTES_MAX`].
    #[error("{0} bytes are too many for a playbook: the limit is {PLAYBOOK_BYTES_MAX}")]
    TooLong(usize),
    /// Deeper than [`PLAYBOOK_DEPTH_MAX`].
    #[error("nested deeper than {PLAYBOOK_DEPTH_MAX} levels")]
    TooDeep,
    /// Not JSON in UTF-8, or not an object.
    #[error("not a JSON object: {0}")]
    Json(String),
    /// An object of another kind.
    #[error("not a playbook: `type` is {0}")]
    NotAPlaybook(String),
    /// More steps, branches or definitions than a playbook may have here.
    #[error("{count} {what} are too many: the limit is {max}")]
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many may be there.
        max: usize,
    },
}

impl ParseError {
    /// A stable name of the refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "playbook-too-long",
            Self::TooDeep => "playbook-too-deep",
            Self::Json(_) => "playbook-json",
            Self::NotAPlaybook(_) => "not-a-playbook",
            Self::TooMany { .. } => "playbook-too-large",
        }
    }
}

/// A document as read: the last of equal names counts, as with every common parser, and the others are remembered.
pub(crate) struct Read {
    pub(crate) map: Map<String, Value>,
    pub(crate) duplicates: Vec<Pointer>,
}

pub(crate) fn read(bytes: &[u8]) -> Result<Read, ParseError> {
    if bytes.len() > PLAYBOOK_BYTES_MAX {
        return Err(ParseError::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| ParseError::Json(format!("not UTF-8: {e}")))?;
    let state = RefCell::new(State::default());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Seed { state: &state, at: None, depth: 1 };
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    let state = state.into_inner();
    match value {
        Ok(Value::Object(map)) => Ok(Read { map, duplicates: state.duplicates }),
        Ok(_) => Err(ParseError::Json("it does not start with `{`".to_owned())),
        Err(_) if state.too_deep => Err(ParseError::TooDeep),
        Err(error) => Err(ParseError::Json(error.to_string())),
    }
}

#[derive(Default)]
struct State {
    duplicates: Vec<Pointer>,
    too_deep: bool,
}

/// A place while reading, as a chain on the stack: it becomes a pointer only where one is needed.
#[derive(Clone, Copy)]
struct Link<'l> {
    parent: Option<&'l Link<'l>>,
    step: Step<'l>,
}

#[derive(Clone, Copy)]
enum Step<'l> {
    Key(&'l str),
    Index(usize),
}

impl Link<'_> {
    fn pointer(&self) -> Pointer {
        let above = self.parent.map_or_else(Pointer::root, Link::pointer);
        match self.step {
            Step::Key(key) => above.at(key),
            Step::Index(index) => above.at(index),
        }
    }
}

struct Seed<'s> {
    state: &'s RefCell<State>,
    at: Option<&'s Link<'s>>,
    depth: usize,
}

impl<'s> Seed<'s> {
    fn below<'l, E: Error>(&'l self, link: &'l Link<'l>) -> Result<Seed<'l>, E> {
        if self.depth >= PLAYBOOK_DEPTH_MAX {
            self.state.borrow_mut().too_deep = true;
            return Err(E::custom("too deep"));
        }
        Ok(Seed { state: self.state, at: Some(link), depth: self.depth + 1 })
    }

    fn link<'l>(&'l self, step: Step<'l>) -> Link<'l>
    where
        's: 'l,
    {
        Link { parent: self.at, step }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let link = self.link(Step::Index(list.len()));
            let Some(value) = seq.next_element_seed(self.below(&link)?)? else { break };
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let link = self.link(Step::Key(&key));
            let value = map.next_value_seed(self.below(&link)?)?;
            if object.contains_key(&key) {
                let duplicates = &mut self.state.borrow_mut().duplicates;
                if duplicates.len() < DUPLICATES_MAX {
                    duplicates.push(link.pointer());
                }
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
