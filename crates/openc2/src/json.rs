//! I-JSON (RFC 7493), which the language asks for (LS 3.1.5): UTF-8, and no name twice in one object. Two readers of one text would
//! otherwise see two commands.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::refusal::{At, Refusal};

/// The most bytes of one message. A command is some hundred; an artifact may come with its bytes.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// How deep values may be nested. Processes have parents.
pub const DEPTH_MAX: usize = 32;

/// Integers that every JSON reader agrees on: up to 2^53 - 1 (RFC 7493 §2.2).
pub(crate) const INTEGER_MAX: i64 = (1 << 53) - 1;

pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let root = At::root();
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Refusal::malformed("I-JSON", &root, "the text is longer than a mebibyte"));
    }
    let malformed = |cause: serde_json::Error| {
        let message = match cause.to_string() {
            text if text.starts_with(TWICE) => TWICE,
            text if text.starts_with(TOO_DEEP) => TOO_DEEP,
            _ => "the text is not JSON",
        };
        Refusal::malformed("I-JSON", &root, message)
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(0).deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok(value)
}

const TWICE: &str = "a name stands twice in one object";
const TOO_DEEP: &str = "values are nested too deep";

struct Strict(usize);

impl Strict {
    fn below<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.0 >= DEPTH_MAX { Err(E::custom(TOO_DEEP)) } else { Ok(Self(self.0 + 1)) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.below()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.below()?)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(map))
    }
}

/// A whole number. `200.0` is the same number as `200`: JSON has no integers.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    let whole = |number: f64| number.fract() == 0.0 && number.abs() <= INTEGER_MAX as f64;
    let found = value.as_i64().or_else(|| value.as_f64().filter(|number| whole(*number)).map(|n| n as i64));
    found.filter(|number| (-INTEGER_MAX..=INTEGER_MAX).contains(number))
}

/// The bytes of the canonical form (RFC 8785). Values that were read here have one.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    // The one failure there is, a number that is not finite, cannot stand in a `Value`.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}
