//! How a report begins: six answers, then what is known already.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Event, Kind, Moment, Provenance, Stated, What};
use crate::value::LINES_MAX;
use crate::{Catalogue, Text, Value, WrongValue};

/// Sightings that a field refers to: the earliest of them.
const REFERRED_MAX: usize = 100;

/// What an organisation declared in peacetime: values of the fields that say `profile = true`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Field → value.
    pub fields: BTreeMap<String, Value>,
}

impl Profile {
    /// Checks each value against its field.
    ///
    /// # Errors
    /// The first [`WrongValue`]. A field that is not for a profile is [`WrongValue::NoField`].
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), WrongValue> {
        for (name, value) in &self.fields {
            catalogue.check(name, value)?;
            if !catalogue.get(name).is_some_and(|field| field.profile) {
                return Err(WrongValue::NoField(name.clone()));
            }
        }
        Ok(())
    }
}

/// The emergency report: what fits on one page and is answered in a minute and a half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// What kind of incident.
    pub kind: Kind,
    /// When the organisation became aware.
    pub aware: Timestamp,
    /// The fields that the catalogue marks `emergency`; what is not known is left out.
    pub fields: BTreeMap<String, Value>,
}

/// What a sighting of the organisation's own says for its report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighted {
    /// The STIX sighting.
    pub id: stix::Id,
    /// The value that was seen: an address, a name, a hash.
    pub value: String,
    /// When.
    pub at: Timestamp,
}

/// What the emergency report asks: `@kind`, `@aware`, then fields, each with its words and what the profile knows. At most
/// [`crate::EMERGENCY_FIELDS_MAX`] things.
#[must_use]
pub fn emergency_form(catalogue: &Catalogue, profile: &Profile) -> Vec<(String, Text, Option<Value>)> {
    let kind = ("@kind".to_owned(), Text::new("何が起きましたか", "What happened?"), None);
    let aware = ("@aware".to_owned(), Text::new("いつ知りましたか", "When did you become aware?"), None);
    let fields = catalogue
        .fields()
        .filter(|field| field.emergency)
        .map(|field| (field.id.clone(), field.label.clone(), profile.fields.get(&field.id).cloned()));
    [kind, aware].into_iter().chain(fields).collect()
}

/// The events with which a report begins. The time of awareness is what the person says; it may lie before `logged`, where the report was
/// written without a connection and sent later.
///
/// # Errors
/// [`WrongValue`] for a field that the emergency report does not ask, or a value that it cannot hold.
pub fn open(
    emergency: &Emergency,
    catalogue: &Catalogue,
    by: &str,
    logged: Timestamp,
) -> Result<Vec<Event>, WrongValue> {
    let mut fields = BTreeMap::new();
    for (name, value) in &emergency.fields {
        catalogue.check(name, value)?;
        if !catalogue.get(name).is_some_and(|field| field.emergency) {
            return Err(WrongValue::NoField(name.clone()));
        }
        fields.insert(name.clone(), Stated { value: Some(value.clone()), provenance: Provenance::Person });
    }
    let event = |what| Event { logged, by: Some(by.to_owned()), what };
    let mut events = vec![
        event(What::Kind { kind: emergency.kind }),
        event(What::Happened { moment: Moment::Aware, at: emergency.aware }),
    ];
    if !fields.is_empty() {
        events.push(event(What::Stated { fields }));
    }
    Ok(events)
}

/// What can be filled in without asking anybody: the profile's fields, the values of the organisation's own sightings, and when the first
/// was made. Each says where it is from. What a person stated is not touched: `stated` are the fields that have a value already.
#[must_use]
pub fn prefill(
    profile: &Profile,
    sightings: &[Sighted],
    catalogue: &Catalogue,
    stated: &BTreeSet<String>,
    logged: Timestamp,
) -> Vec<Event> {
    let mut fields = BTreeMap::new();
    for (name, value) in profile.fields.iter().filter(|(name, _)| !stated.contains(*name)) {
        if catalogue.check(name, value).is_ok() {
            fields
                .insert(name.clone(), Stated { value: Some(value.clone()), provenance: Provenance::Profile });
        }
    }
    let mut sightings: Vec<&Sighted> = sightings.iter().collect();
    sightings.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let mut seen = BTreeSet::new();
    let values = sightings.iter().map(|sighted| sighted.value.as_str()).filter(|value| seen.insert(*value));
    let indicators = Value::list(values.take(LINES_MAX));
    if !sightings.is_empty()
        && !stated.contains(INDICATORS)
        && catalogue.check(INDICATORS, &indicators).is_ok()
    {
        let ids = sightings.iter().take(REFERRED_MAX).map(|sighted| sighted.id.clone()).collect();
        let provenance = Provenance::Sightings { ids };
        fields.insert(INDICATORS.to_owned(), Stated { value: Some(indicators), provenance });
    }
    let event = |what| Event { logged, by: None, what };
    let mut events = Vec::new();
    if !fields.is_empty() {
        events.push(event(What::Stated { fields }));
    }
    if let Some(first) = sightings.first() {
        events.push(event(What::Happened { moment: Moment::Detected, at: first.at }));
    }
    events
}

/// The field that own sightings fill.
const INDICATORS: &str = "indicators";
