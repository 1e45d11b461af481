use stix::{Id, Object, Timestamp};

use crate::rule::{Why, short};

/// What is needed of a STIX `indicator` object (STIX 2.1 §4.7) whose pattern is a Sigma rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// The object's identifier.
    pub id: Id,
    /// The version (`modified`) as its producer wrote it.
    pub version: Timestamp,
    /// `name`, where the producer gave one.
    pub name: Option<String>,
    /// 0–100; `None` where the producer gave none.
    pub confidence: Option<u8>,
    /// From when the indicator counts.
    pub valid_from: jiff::Timestamp,
    /// Until when it counts; `None` is open-ended.
    pub valid_until: Option<jiff::Timestamp>,
    /// Revoked indicators never match.
    pub revoked: bool,
}

impl Indicator {
    /// Whether an object is an indicator with a Sigma rule for a pattern.
    #[must_use]
    pub fn is_sigma(object: &Object) -> bool {
        object.object_type() == "indicator" && object.text("pattern_type") == Some("sigma")
    }

    pub(crate) fn from_object(object: &Object) -> Result<(Self, String), Why> {
        let Some(pattern) = object.text("pattern") else {
            return Err(Why::new("pattern-missing", "the indicator has no pattern"));
        };
        let Some(version) = object.version() else {
            return Err(Why::new("version-missing", "the indicator has neither `modified` nor `created`"));
        };
        let valid_from = match object.text("valid_from") {
            Some(text) => instant("valid_from", text)?,
            None => instant("modified", version.as_str())?,
        };
        let valid_until = object.text("valid_until").map(|text| instant("valid_until", text)).transpose()?;
        let confidence = object.get("confidence").and_then(serde_json::Value::as_u64);
        let indicator = Self {
            id: object.id().clone(),
            version: version.clone(),
            name: object
                .text("name")
                .filter(|name| !name.trim().is_empty())
                .map(|name| short(name).to_owned()),
            confidence: confidence
                .and_then(|percent| u8::try_from(percent).ok())
                .filter(|percent| *percent <= 100),
            valid_from,
            valid_until,
            revoked: object.is_revoked(),
        };
        Ok((indicator, pattern.to_owned()))
    }

    /// Whether the indicator counts for a record of this time.
    pub(crate) fn counts_at(&self, time: jiff::Timestamp) -> bool {
        self.valid_from <= time && self.valid_until.is_none_or(|until| time < until)
    }
}

fn instant(property: &str, text: &str) -> Result<jiff::Timestamp, Why> {
    let parsed =
        Timestamp::parse(text).map_err(|error| Why::new("validity", format!("`{property}`: {error}")))?;
    parsed.instant().ok_or_else(|| Why::new("validity", format!("`{property}` is no time of the calendar")))
}
