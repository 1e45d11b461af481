//! Bundles (STIX 2.1 §8) and other lists of objects, split into their exact bytes.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The text holds no list of objects.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct BundleError {
    /// A stable code: `bundle-utf8`, `bundle-json`, `bundle-shape`.
    pub code: &'static str,
    /// What is wrong, for a person.
    pub message: String,
}

impl BundleError {
    fn json(error: &serde_json::Error) -> Self {
        Self { code: "bundle-json", message: format!("not JSON: {error}") }
    }

    fn shape(message: &str) -> Self {
        Self { code: "bundle-shape", message: message.to_owned() }
    }
}

/// The exact bytes of each member of `objects` of a bundle or a TAXII envelope, of each member of a JSON list, of the one
/// bare object, or of each line of newline-delimited JSON (where a line may be a bundle again). Slices share the input's
/// memory; members are not parsed further, so a member that is broken in itself is refused alone, by
/// [`Object::parse`](crate::Object::parse).
///
/// # Errors
/// When the whole is not UTF-8, not JSON, or neither an object nor a list of objects.
pub fn split(text: &Bytes) -> Result<Vec<Bytes>, BundleError> {
    let whole = std::str::from_utf8(text).map_err(|e| BundleError {
        code: "bundle-utf8",
        message: format!("not UTF-8 from byte {}: STIX is JSON in UTF-8", e.valid_up_to()),
    })?;
    // Some editors put a byte order mark before UTF-8; RFC 8259 §8.1 lets a reader ignore it.
    let whole = whole.strip_prefix('\u{feff}').unwrap_or(whole).trim();
    let slice = |part: &str| text.slice_ref(part.as_bytes());
    if whole.starts_with('[') {
        let members: Vec<&RawValue> = serde_json::from_str(whole).map_err(|e| BundleError::json(&e))?;
        return Ok(members.into_iter().map(|raw| slice(raw.get())).collect());
    }
    if !whole.starts_with('{') {
        return Err(BundleError::shape(
            "neither a JSON object nor a list of them: the text starts with neither `{` nor `[`",
        ));
    }
    let lines = || whole.lines().map(str::trim).filter(|line| !line.is_empty());
    match document(whole) {
        Ok(members) => Ok(members.into_iter().map(slice).collect()),
        // A first line that is complete in itself, with more to follow: one object a line.
        Err(error)
            if lines().nth(1).is_none() || lines().next().is_none_or(|line| document(line).is_err()) =>
        {
            Err(error)
        }
        Err(_) => {
            let mut members = Vec::new();
            for line in lines() {
                match document(line) {
                    Ok(of_line) => members.extend(of_line.into_iter().map(slice)),
                    // A line cut in half is one bad object, not a bad file.
                    Err(_) => members.push(slice(line)),
                }
            }
            Ok(members)
        }
    }
}

/// The members of one JSON object: a bundle, an envelope, or the object itself.
fn document(text: &str) -> Result<Vec<&str>, BundleError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outline = OutlineSeed
        .deserialize(&mut deserializer)
        .and_then(|outline| deserializer.end().map(|()| outline))
        .map_err(|e| BundleError::json(&e))?;
    if outline.repeated {
        return Err(BundleError::shape("the property `objects` or `type` stands twice in the bundle"));
    }
    match (outline.object_type.as_deref(), outline.objects) {
        (Some("bundle") | None, Some(members)) => {
            members.ok_or_else(|| BundleError::shape("`objects` is not a list"))
        }
        (Some("bundle"), None) => Ok(Vec::new()),
        // An envelope without objects (TAXII 2.1 §3.7) has paging properties at most.
        (None, None) if outline.is_envelope => Ok(Vec::new()),
        (None, None) => Err(BundleError::shape(
            "no bundle, no envelope and no STIX object: `type` and `objects` are missing",
        )),
        (Some(_), _) => Ok(vec![text]),
    }
}

/// What must be known of the outermost object to tell which kind of list it is.
struct Outline<'a> {
    object_type: Option<String>,
    /// Absent; present and no list; present.
    objects: Option<Option<Vec<&'a str>>>,
    repeated: bool,
    is_envelope: bool,
}

struct OutlineSeed;

impl<'de> DeserializeSeed<'de> for OutlineSeed {
    type Value = Outline<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OutlineSeed {
    type Value = Outline<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut outline = Outline { object_type: None, objects: None, repeated: false, is_envelope: true };
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match key.as_ref() {
                "type" => {
                    outline.repeated |= outline.object_type.is_some();
                    let value: &RawValue = map.next_value()?;
                    // A type that is no string makes it an object that is refused later, with its own message.
                    outline.object_type = Some(serde_json::from_str(value.get()).unwrap_or_default());
                }
                "objects" => {
                    outline.repeated |= outline.objects.is_some();
                    outline.objects = Some(map.next_value_seed(MembersSeed)?);
                }
                other => {
                    outline.is_envelope &= matches!(other, "more" | "next");
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(outline)
    }
}

/// The texts of a list's members, or nothing where another kind of value stands.
struct MembersSeed;

impl<'de> DeserializeSeed<'de> for MembersSeed {
    type Value = Option<Vec<&'de str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MembersSeed {
    type Value = Option<Vec<&'de str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(raw) = list.next_element::<&RawValue>()? {
            members.push(raw.get());
        }
        Ok(Some(members))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        // The deprecated dictionary of observables in `observed-data` (STIX 2.1 §4.14.1).
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
