//! What is said of an object by relationships and sightings, as far as a reader may see both the saying and the far end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use oversight::{OrganisationId, Realm};
use policy::Visible;
use serde_json::Value;
use stix::{Id, Object};
use store::objects::Row;
use store::{Reader, StoreError, objects, sightings};

use crate::api::summaries::{leaving, parse, sighting_leaving};
use crate::release::Leaving;

/// Objects that name one object, read at most.
pub(crate) const MENTIONS_MAX: usize = 2_000;
/// Sightings of one indicator, read at most.
const SIGHTINGS_MAX: usize = 1_000;

/// One relationship, seen from one of its ends.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// `uses`, `indicates` ….
    pub(crate) kind: String,
    /// Whether the object that was asked about is its source.
    pub(crate) outgoing: bool,
    /// The far end.
    pub(crate) far: Row,
    /// The relationship.
    pub(crate) said_by: Leaving,
}

/// When and where something was sighted.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) by: OrganisationId,
    pub(crate) count: u64,
    pub(crate) said_by: Leaving,
}

/// Reads relations for one reader of one snapshot.
pub(crate) struct Relations<'a, 'c> {
    pub(crate) reader: &'a Reader<'c>,
    pub(crate) realm: &'a Realm,
    pub(crate) visible: &'a Visible,
    /// Whether something was cut.
    pub(crate) more: bool,
}

impl<'a, 'c> Relations<'a, 'c> {
    pub(crate) fn new(reader: &'a Reader<'c>, realm: &'a Realm, visible: &'a Visible) -> Self {
        Self { reader, realm, visible, more: false }
    }

    /// The relationships that an object is an end of.
    pub(crate) fn of(&mut self, id: &Id) -> Result<Vec<Relation>, StoreError> {
        let mut mentions =
            objects::referring_to(self.reader, self.realm, self.visible, id, MENTIONS_MAX + 1)?;
        self.more |= mentions.len() > MENTIONS_MAX;
        mentions.truncate(MENTIONS_MAX);
        let mut relations = Vec::new();
        for mention in mentions.iter().filter(|mention| mention.row.id.object_type() == "relationship") {
            let object = parse(&mention.row)?;
            let end = |name: &str| object.text(name).and_then(|text| Id::parse(text).ok());
            let (Some(source), Some(target)) = (end("source_ref"), end("target_ref")) else { continue };
            let outgoing = source == *id;
            let far = if outgoing { target } else { source };
            let Some(far) = self.get(&far)?.filter(|far| !far.revoked) else { continue };
            if mention.row.revoked {
                continue;
            }
            let kind = object.text("relationship_type").unwrap_or("related-to").to_owned();
            relations.push(Relation { kind, outgoing, far, said_by: leaving(&mention.row) });
        }
        Ok(relations)
    }

    /// The sightings of an object: those that edges reported of an indicator, else those that others published.
    pub(crate) fn sightings(&mut self, id: &Id) -> Result<Vec<Seen>, StoreError> {
        let reported = sightings::of_indicator(self.reader, self.realm, self.visible, id, SIGHTINGS_MAX)?;
        if !reported.is_empty() {
            self.more |= reported.len() == SIGHTINGS_MAX;
            let seen = |sighting: &sightings::Sighting| Seen {
                at: sighting.first_seen,
                by: sighting.organisation.clone(),
                count: sighting.count,
                said_by: sighting_leaving(sighting),
            };
            return Ok(reported.iter().map(seen).collect());
        }
        let mentions = objects::referring_to(self.reader, self.realm, self.visible, id, SIGHTINGS_MAX)?;
        let mut seen = Vec::new();
        for mention in mentions.iter().filter(|mention| mention.row.id.object_type() == "sighting") {
            let object = parse(&mention.row)?;
            if object.text("sighting_of_ref") != Some(id.as_str()) {
                continue;
            }
            let Some(at) = crate::neighbours::time(&object, &["first_seen", "created"]) else { continue };
            let count = object.get("count").and_then(Value::as_u64).unwrap_or(1);
            let by = mention.row.originator.clone();
            seen.push(Seen { at, by, count, said_by: leaving(&mention.row) });
        }
        Ok(seen)
    }

    /// The newest version that the reader may see.
    pub(crate) fn get(&self, id: &Id) -> Result<Option<Row>, StoreError> {
        objects::get(self.reader, self.realm, self.visible, id)
    }
}

/// The phases of an object's kill chains: chain and phase.
pub(crate) fn phases(object: &Object) -> Vec<(String, String)> {
    let phases = object.get("kill_chain_phases").and_then(Value::as_array).into_iter().flatten();
    let read = |phase: &Value| {
        let text = |name: &str| phase.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("kill_chain_name")?, text("phase_name")?))
    };
    phases.filter_map(read).collect()
}

/// Sightings by day (UTC), oldest first.
pub(crate) fn by_day<'s>(seen: impl Iterator<Item = &'s Seen>) -> Vec<api::TimeCount> {
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    for one in seen {
        let day = one.at.to_zoned(TimeZone::UTC).date().to_string();
        *days.entry(day).or_default() += one.count;
    }
    days.into_iter().map(|(day, count)| api::TimeCount { day, count }).collect()
}
