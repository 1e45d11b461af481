use std::fmt;

/// A STIX identifier, `object-type--UUID` (STIX 2.1 §2.9). Compared and kept as its producer wrote it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Box<str>);

/// The text is not `object-type--UUID`.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an identifier of the form `object-type--UUID`")]
pub struct InvalidId(pub String);

impl Id {
    /// Reads an identifier; the type must be a legal type name and the rest an RFC 4122 UUID (STIX 2.1 §2.9, §3.1).
    ///
    /// # Errors
    /// When the text has another form; the error repeats its beginning.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        match Self::type_of(text) {
            Some(_) => Ok(Self(text.into())),
            None => Err(InvalidId(text.chars().take(120).collect())),
        }
    }

    /// The type that an identifier names, without keeping it; `None` where the text is no identifier.
    #[must_use]
    pub fn type_of(text: &str) -> Option<&str> {
        let (object_type, uuid) = text.split_once("--")?;
        let named = !object_type.is_empty()
            && object_type.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (named && uuid.len() == 36 && uuid::Uuid::try_parse(uuid).is_ok()).then_some(object_type)
    }

    /// An identifier from its parts.
    #[must_use]
    pub fn new(object_type: &str, uuid: uuid::Uuid) -> Self {
        Self(format!("{object_type}--{uuid}").into())
    }

    /// The part before `--`, e.g. `indicator`.
    #[must_use]
    pub fn object_type(&self) -> &str {
        self.0.split_once("--").map_or("", |(object_type, _)| object_type)
    }

    /// The whole identifier as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
