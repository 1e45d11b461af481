//! How a value of an object compares to a constant of a pattern (STIX 2.1 §9.6.1).

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::super::ast::Constant;
use super::select::{Coding, Selected};
use crate::{Timestamp, binary};

/// A value in the form in which it compares.
pub(super) enum Native<'a> {
    Number(&'a Number),
    Boolean(bool),
    Text(&'a str),
    Bytes(Vec<u8>),
    /// A list, an object, `null`, or a text that does not stand for the bytes that its property holds.
    Other,
}

impl<'a> Native<'a> {
    pub(super) fn new(selected: &Selected<'a>) -> Self {
        match (selected.value, selected.coding) {
            (Value::String(text), Coding::Plain) => Self::Text(text),
            (Value::String(text), Coding::Hex) => hex::decode(text).map_or(Self::Other, Self::Bytes),
            (Value::String(text), Coding::Base64) => binary::decode(text).map_or(Self::Other, Self::Bytes),
            (Value::Number(number), _) => Self::Number(number),
            (Value::Bool(value), _) => Self::Boolean(*value),
            (Value::Null | Value::Array(_) | Value::Object(_), _) => Self::Other,
        }
    }

    /// How the value stands to the constant; `None` where they are of kinds that do not compare. Texts compare by code point,
    /// without normalisation; bytes as unsigned numbers; a text compares to bytes where its code points are below 256; a text
    /// compares to an instant where it is a timestamp.
    pub(super) fn compare(&self, constant: &Constant) -> Option<Ordering> {
        match (self, constant) {
            (Self::Number(value), Constant::Integer(constant)) => compare_integer(value, *constant),
            (Self::Number(value), Constant::Float(constant)) => value.as_f64()?.partial_cmp(constant),
            (Self::Boolean(value), Constant::Boolean(constant)) => Some(value.cmp(constant)),
            // The order of UTF-8 is the order of code points.
            (Self::Text(value), Constant::String(constant)) => Some((*value).cmp(constant.as_str())),
            (Self::Text(value), Constant::Timestamp(constant)) => {
                Some(Timestamp::parse(value).ok()?.cmp(constant))
            }
            (Self::Text(value), Constant::Hex(constant) | Constant::Binary(constant)) => {
                Some(octets(value)?.cmp(constant))
            }
            (Self::Bytes(value), Constant::Hex(constant) | Constant::Binary(constant)) => {
                Some(value.cmp(constant))
            }
            (Self::Bytes(value), Constant::String(constant)) => Some(value.cmp(&octets(constant)?)),
            _ => None,
        }
    }

    /// The text that `LIKE` and `MATCHES` look at; bytes are code points below 256.
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(*text)),
            Self::Bytes(bytes) => Some(Cow::Owned(bytes.iter().copied().map(char::from).collect())),
            Self::Number(_) | Self::Boolean(_) | Self::Other => None,
        }
    }

    /// The address or network that the value is.
    pub(super) fn network(&self) -> Option<ipnet::IpNet> {
        match self {
            Self::Text(text) => network(text),
            Self::Number(_) | Self::Boolean(_) | Self::Bytes(_) | Self::Other => None,
        }
    }
}

/// An address, or a network in CIDR form whose host bits may be set.
pub(super) fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(Into::into))
}

fn compare_integer(value: &Number, constant: i64) -> Option<Ordering> {
    if let Some(value) = value.as_i64() {
        return Some(value.cmp(&constant));
    }
    if value.is_u64() {
        // Beyond what a signed number holds, and with that beyond every constant.
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_precision_loss, reason = "constants are below 2^53, which a double holds")]
    value.as_f64()?.partial_cmp(&(constant as f64))
}

/// One byte for each code point, where all are below 256.
fn octets(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
