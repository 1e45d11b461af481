//! JSON text into values, strictly: no property twice, no bottomless nesting.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::ParseError;

/// Deepest nesting of lists and dictionaries read, the object itself being 1. The deepest real object known
/// (an attack flow with nested extensions) has 9.
pub const JSON_DEPTH_MAX: usize = 64;

/// Properties of an object for which room is made at once: most have fewer. Dictionaries inside of it grow as they are read, for there
/// may be millions of empty ones.
const PROPERTIES_EXPECTED: usize = 20;

/// One JSON object as it was read.
pub(crate) struct ObjectRead {
    pub(crate) properties: Map<String, Value>,
    /// Whether any number was read as a double.
    pub(crate) has_float: bool,
}

/// Reads one JSON object.
pub(crate) fn read_object(bytes: &[u8]) -> Result<ObjectRead, ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|e| ParseError {
        code: "stix-utf8",
        message: format!("not UTF-8 from byte {}: STIX is JSON in UTF-8", e.valid_up_to()),
    })?;
    if !text.trim_ascii_start().starts_with('{') {
        let message = "not a JSON object: a STIX object starts with `{`".to_owned();
        return Err(ParseError { code: "stix-json", message });
    }
    let (refusal, has_float) = (RefCell::new(None), Cell::new(false));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = ObjectSeed { depth: 1, refusal: &refusal, has_float: &has_float }
        .deserialize(&mut deserializer)
        .and_then(|map| deserializer.end().map(|()| map));
    read.map(|properties| ObjectRead { properties, has_float: has_float.get() }).map_err(
        |error| match refusal.take() {
            Some(refused) => refused,
            None => syntax_error(&error),
        },
    )
}

fn syntax_error(error: &serde_json::Error) -> ParseError {
    let text = error.to_string();
    // The library tells lone surrogates apart by its wording only; a test holds it to that.
    let code =
        if text.contains("surrogate") || text.contains("hex escape") || text.contains("unicode code point") {
            "stix-surrogate"
        } else {
            "stix-json"
        };
    ParseError { code, message: format!("not a JSON object: {text}") }
}

/// What both seeds carry. A refusal of our own travels beside the library's error, which has room for text only.
#[derive(Clone, Copy)]
struct ObjectSeed<'a> {
    depth: usize,
    refusal: &'a RefCell<Option<ParseError>>,
    has_float: &'a Cell<bool>,
}

impl ObjectSeed<'_> {
    fn refuse<E: Error>(self, code: &'static str, message: String) -> E {
        let error = E::custom(&message);
        *self.refusal.borrow_mut() = Some(ParseError { code, message });
        error
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(self.refuse("stix-depth", format!("nested deeper than {JSON_DEPTH_MAX} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn read_map<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<Map<String, Value>, A::Error> {
        let mut map = if self.depth == 1 { Map::with_capacity(PROPERTIES_EXPECTED) } else { Map::new() };
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(ValueSeed(self))?;
            match map.entry(key) {
                serde_json::map::Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                serde_json::map::Entry::Occupied(entry) => {
                    let message = format!("the property `{}` stands twice in one object", entry.key());
                    return Err(self.refuse("stix-duplicate-property", message));
                }
            }
        }
        Ok(map)
    }
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        self.read_map(access)
    }
}

/// Any value inside of the object.
#[derive(Clone, Copy)]
struct ValueSeed<'a>(ObjectSeed<'a>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.0.has_float.set(true);
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = Self(self.0.deeper()?);
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        self.0.deeper()?.read_map(access).map(Value::Object)
    }
}
