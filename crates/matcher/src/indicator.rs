use stix::{Id, Object, Timestamp};

use crate::reach::Reach;

/// What the matcher needs of a STIX `indicator` object (STIX 2.1 §4.7).
#[derive(Debug, Clone)]
pub struct Indicator {
    /// The object's identifier.
    pub id: Id,
    /// The version (`modified`).
    pub version: Timestamp,
    /// `name`, else the pattern.
    pub name: String,
    /// The STIX pattern as written.
    pub pattern: String,
    /// 0–100; `None` where the producer gave none.
    pub confidence: Option<u8>,
    /// From when the indicator counts.
    pub valid_from: Timestamp,
    /// Until when it counts; `None` is open-ended.
    pub valid_until: Option<Timestamp>,
    /// Revoked indicators never match.
    pub revoked: bool,
    /// What `=` covers in its pattern, where its producer is known to mean something else than others do ([`Options::reach`]).
    ///
    /// [`Options::reach`]: crate::Options::reach
    pub reach: Option<Reach>,
}

/// Why an object cannot be matched with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unusable {
    /// A stable code, e.g. `pattern-not-stix`, `pattern-syntax`, `pattern-operator`, `warning-list`.
    pub code: &'static str,
    /// Why, for a person.
    pub message: String,
}

impl Unusable {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Names are shown, not compared: more than this many bytes of one help nobody.
const NAME_BYTES_MAX: usize = 200;

impl Indicator {
    /// Reads an `indicator` object. STIX 2.0 ones, which have no `pattern_type`, are read too.
    ///
    /// # Errors
    /// `not-an-indicator`, `pattern-not-stix`, `pattern-missing`, `validity`, with the reason.
    pub fn from_object(object: &Object) -> Result<Self, Unusable> {
        if object.object_type() != "indicator" {
            let message = format!("`{}` is no indicator", object.object_type());
            return Err(Unusable::new("not-an-indicator", message));
        }
        if let Some(language) = object.text("pattern_type").filter(|language| *language != "stix") {
            let message = format!("the pattern is written in `{}`, not in STIX", short(language));
            return Err(Unusable::new("pattern-not-stix", message));
        }
        let Some(pattern) = object.text("pattern") else {
            return Err(Unusable::new("pattern-missing", "the indicator has no pattern"));
        };
        let Some(version) = object.version() else {
            return Err(Unusable::new(
                "version-missing",
                "the indicator has neither `modified` nor `created`",
            ));
        };
        let valid_from = match object.text("valid_from") {
            Some(text) => instant("valid_from", text)?,
            None => version.clone(),
        };
        let valid_until = object.text("valid_until").map(|text| instant("valid_until", text)).transpose()?;
        let confidence = object.get("confidence").and_then(serde_json::Value::as_u64);
        Ok(Self {
            id: object.id().clone(),
            version: version.clone(),
            name: short(object.text("name").filter(|name| !name.trim().is_empty()).unwrap_or(pattern))
                .to_owned(),
            pattern: pattern.to_owned(),
            confidence: confidence
                .and_then(|percent| u8::try_from(percent).ok())
                .filter(|percent| *percent <= 100),
            valid_from,
            valid_until,
            revoked: object.is_revoked(),
            reach: None,
        })
    }
}

fn instant(property: &str, text: &str) -> Result<Timestamp, Unusable> {
    Timestamp::parse(text).map_err(|error| Unusable::new("validity", format!("`{property}`: {error}")))
}

/// The beginning of a text that is only shown.
pub(crate) fn short(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
