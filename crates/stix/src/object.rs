use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{Id, Timestamp, canonical, json, marking, references, search};

/// One STIX object exactly as its producer wrote it: the original bytes beside a reading of them.
///
/// Unknown properties, custom objects and number forms are kept because the bytes are kept.
#[derive(Debug, Clone)]
pub struct Object {
    bytes: Bytes,
    properties: Map<String, Value>,
    has_float: bool,
    id: Id,
    version: Option<Timestamp>,
}

/// The bytes are not an object that can be kept: no JSON object, or its identity cannot be read.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ParseError {
    /// A stable code, e.g. `stix-json`, `stix-id`, `stix-duplicate-property`.
    pub code: &'static str,
    /// What is wrong, for a person.
    pub message: String,
}

impl Object {
    /// Reads one object from its JSON text. Only what is needed to *keep* it is demanded (a JSON object in UTF-8, no property
    /// twice at any depth, no lone surrogate, nesting within [`JSON_DEPTH_MAX`](crate::JSON_DEPTH_MAX), `type`, matching `id`,
    /// readable `modified`/`created`, readable markings); whether it is *valid* is [`crate::validate`]'s question.
    ///
    /// # Errors
    /// Codes: `stix-utf8`, `stix-json`, `stix-surrogate`, `stix-depth`, `stix-duplicate-property`, `stix-id`, `stix-type`,
    /// `stix-timestamp`, `stix-marking`.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        let json::ObjectRead { properties, has_float } = json::read_object(&bytes)?;
        let id = read_id(&properties)?;
        let version = match read_timestamp(&properties, "modified")? {
            Some(modified) => Some(modified),
            None => read_timestamp(&properties, "created")?,
        };
        marking::check_readable(&properties)?;
        Ok(Self { bytes, properties, has_float, id, version })
    }

    /// The original JSON text.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The identifier.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The object's type, e.g. `indicator`.
    #[must_use]
    pub fn object_type(&self) -> &str {
        self.id.object_type()
    }

    /// `modified`, else `created`, else nothing (most SCOs): what tells versions of one id apart (STIX 2.1 §3.6).
    #[must_use]
    pub fn version(&self) -> Option<&Timestamp> {
        self.version.as_ref()
    }

    /// All properties in the order they were written.
    #[must_use]
    pub fn properties(&self) -> &Map<String, Value> {
        &self.properties
    }

    /// A property by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    /// A property that is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    /// `created_by_ref`, if it is a readable identifier.
    #[must_use]
    pub fn created_by(&self) -> Option<Id> {
        self.text("created_by_ref").and_then(|text| Id::parse(text).ok())
    }

    /// Whether `revoked` is true (STIX 2.1 §3.6: permanent).
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.get("revoked").and_then(Value::as_bool).unwrap_or(false)
    }

    /// SHA-256 over the JSON Canonicalization Scheme (RFC 8785) form: equal for equal content, however written. Numbers that a
    /// double cannot hold are taken with all of their digits, so that they do not collide.
    #[must_use]
    pub fn canonical_hash(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(canonical::canonical_text(&self.properties, self.has_float, &self.bytes)).into()
    }

    /// Every reference the object holds: property path (e.g. `object_refs[2]`) and the identifier it names,
    /// from `*_ref` and `*_refs` properties at any depth, in order. What is no identifier (the keys of a STIX 2.0
    /// observable container) is left out.
    #[must_use]
    pub fn references(&self) -> Vec<(String, Id)> {
        let mut found = Vec::new();
        references::collect(&self.properties, &mut String::new(), &mut found);
        found
    }

    /// The words a person would search for: name, description, aliases, labels, content, opinions …, in any language,
    /// language-content translations included.
    #[must_use]
    pub fn search_texts(&self) -> Vec<&str> {
        search::texts(self.object_type(), &self.properties)
    }
}

fn read_id(properties: &Map<String, Value>) -> Result<Id, ParseError> {
    let error = |code, message: String| ParseError { code, message };
    let text = |name: &str| properties.get(name).and_then(Value::as_str);
    let written =
        text("id").ok_or_else(|| error("stix-id", "the object has no `id` that is a string".to_owned()))?;
    let id = Id::parse(written).map_err(|e| error("stix-id", e.to_string()))?;
    match text("type") {
        Some(object_type) if object_type == id.object_type() => Ok(id),
        Some(object_type) => {
            let shown: String = object_type.chars().take(60).collect();
            Err(error(
                "stix-type",
                format!("the type `{shown}` is not the one that the identifier `{id}` names"),
            ))
        }
        None => Err(error("stix-type", format!("the object `{id}` has no `type` that is a string"))),
    }
}

fn read_timestamp(properties: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, ParseError> {
    let error = |message| ParseError { code: "stix-timestamp", message };
    let Some(value) = properties.get(name) else {
        return Ok(None);
    };
    let text = value.as_str().ok_or_else(|| error(format!("`{name}` is not a string")))?;
    Timestamp::parse(text).map(Some).map_err(|e| error(format!("`{name}`: {e}")))
}
