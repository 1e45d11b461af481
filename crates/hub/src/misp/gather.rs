//! The objects of which an event is made, as far as the reader may see them.

use std::collections::{HashMap, HashSet};

use oversight::Realm;
use policy::Visible;
use serde_json::{Value, json};
use stix::{Id, Object};
use store::collections::CollectionKey;
use store::objects::{self, FILTER_VALUES_MAX, Filter, Row};
use store::{Act, Reader, StoreError, misp_numbers};
use uuid::Uuid;

use super::Fields;
use crate::api::summaries::parse;
use crate::problem::{Answer, Failure};
use crate::release::Leaving;
use crate::state::AppState;

/// Objects of one event. What stands beyond is told by the report's own list, and a client that needs it uses TAXII.
const MEMBERS_MAX: usize = 250_000;
/// Objects that point to a report which does not list them.
const POINTING_MAX: usize = 10_000;

/// Reads for one principal.
pub(super) struct Gatherer<'r, 'c> {
    pub(super) reader: &'r Reader<'c>,
    pub(super) realm: &'r Realm,
    pub(super) visible: &'r Visible,
    pub(super) collection: CollectionKey,
}

/// An event that was gathered.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    /// As MISP has it, with nothing of the server's own.
    pub(super) event: Fields,
    pub(super) uuid: Uuid,
    /// The report or grouping first, then what it is made of.
    pub(super) rows: Vec<Row>,
}

impl Gathered {
    pub(super) fn container(&self) -> Option<&Row> {
        self.rows.first()
    }

    pub(super) fn leaving(&self) -> impl Iterator<Item = Leaving> {
        self.rows.iter().map(Leaving::from)
    }
}

impl Gatherer<'_, '_> {
    /// The report or grouping of a UUID or number.
    pub(super) fn container(&self, id: &str) -> Result<Option<Row>, StoreError> {
        let uuid = match Uuid::try_parse(id) {
            Ok(uuid) if id.len() == 36 => uuid,
            _ => {
                let Ok(number) = id.parse::<i64>() else { return Ok(None) };
                match misp_numbers::uuid_of(self.reader, self.realm, number)? {
                    Some(uuid) => uuid,
                    None => return Ok(None),
                }
            }
        };
        for object_type in ["report", "grouping"] {
            let found = objects::get(self.reader, self.realm, self.visible, &Id::new(object_type, uuid))?;
            if let Some(row) = found.filter(|row| !row.revoked) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// The whole event of a report or grouping.
    pub(super) fn event(&self, container: Row) -> Result<Option<Gathered>, StoreError> {
        let object = parse(&container)?;
        let mut known: HashSet<Id> = HashSet::from([container.id.clone()]);
        let mut rows = vec![container];
        let listed = object.get("object_refs").and_then(Value::as_array).into_iter().flatten();
        let ids: Vec<&str> =
            listed.filter_map(Value::as_str).chain(object.text("created_by_ref")).take(MEMBERS_MAX).collect();
        for some in ids.chunks(FILTER_VALUES_MAX) {
            let filter =
                Filter { ids: some, ..Filter::new(self.collection, self.visible, FILTER_VALUES_MAX) };
            let page = objects::page(self.reader, self.realm, &filter)?;
            rows.extend(page.rows.into_iter().filter(|row| known.insert(row.id.clone())));
        }
        let Some(first) = rows.first().map(|row| row.id.clone()) else { return Ok(None) };
        for mention in objects::referring_to(self.reader, self.realm, self.visible, &first, POINTING_MAX)? {
            if known.contains(&mention.row.id) {
                continue;
            }
            let points = ::misp::element(&parse(&mention.row)?)
                .is_some_and(|(_, report)| report == Some(first.as_str()));
            if points && known.insert(mention.row.id.clone()) {
                rows.push(mention.row);
            }
        }
        // What was withdrawn from an event is told as deleted; other revoked objects are not shown.
        let mut members = Vec::with_capacity(rows.len());
        for row in &rows {
            members.push(parse(row)?);
        }
        self.converted(&members, rows)
    }

    /// An event without what it is made of.
    pub(super) fn head(&self, container: Row) -> Result<Option<Gathered>, StoreError> {
        let mut rows = vec![container];
        let mut members = Vec::new();
        for row in &rows {
            members.push(parse(row)?);
        }
        let creator = members.first().and_then(Object::created_by);
        if let Some(creator) = creator
            && let Some(row) = objects::get(self.reader, self.realm, self.visible, &creator)?
        {
            members.push(parse(&row)?);
            rows.push(row);
        }
        self.converted(&members, rows)
    }

    fn converted(&self, members: &[Object], rows: Vec<Row>) -> Result<Option<Gathered>, StoreError> {
        let made = ::misp::to_misp(members);
        let Some(event) = made.events.into_iter().next() else { return Ok(None) };
        let event = event.fields().clone();
        let uuid = members.first().and_then(|object| object.id().as_str().split_once("--"));
        let uuid = uuid.and_then(|(_, uuid)| Uuid::try_parse(uuid).ok());
        let uuid = uuid.ok_or_else(|| StoreError::Corrupt("a report's identifier".to_owned()))?;
        Ok(Some(Gathered { event, uuid, rows }))
    }

    /// The reports and groupings that hold an object.
    pub(super) fn containers_of(&self, object: &Row, limit: usize) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        for mention in objects::referring_to(self.reader, self.realm, self.visible, &object.id, limit)? {
            if matches!(mention.row.id.object_type(), "report" | "grouping") && !mention.row.revoked {
                found.push(mention.row);
            }
        }
        let parsed = parse(object)?;
        if let Some((_, Some(report))) = ::misp::element(&parsed)
            && let Ok(id) = Id::parse(report)
            && let Some(row) = objects::get(self.reader, self.realm, self.visible, &id)?
            && !row.revoked
        {
            found.push(row);
        }
        Ok(found)
    }

    /// The object that an attribute or object of this UUID became.
    pub(super) fn part(&self, uuid: Uuid) -> Result<Option<Row>, StoreError> {
        const TYPES: [&str; 9] = [
            "indicator",
            "observed-data",
            "note",
            "vulnerability",
            "campaign",
            "threat-actor",
            "attack-pattern",
            "course-of-action",
            "intrusion-set",
        ];
        let mut newest: Option<Row> = None;
        for object_type in TYPES {
            let found = objects::get(self.reader, self.realm, self.visible, &Id::new(object_type, uuid))?;
            if let Some(row) = found
                && newest
                    .as_ref()
                    .is_none_or(|known| known.revoked || (known.version < row.version && !row.revoked))
            {
                newest = Some(row);
            }
        }
        Ok(newest)
    }
}

/// The numbers of events; those that have none yet are given one.
pub(super) async fn numbers(state: &AppState, uuids: Vec<Uuid>) -> Answer<HashMap<Uuid, i64>> {
    let (found, missing) = state
        .store
        .read(move |reader| {
            let (mut found, mut missing) = (HashMap::new(), Vec::new());
            for uuid in uuids {
                match misp_numbers::number_of(reader, &crate::REALM, uuid)? {
                    Some(number) => drop(found.insert(uuid, number)),
                    None => missing.push(uuid),
                }
            }
            Ok((found, missing))
        })
        .await?;
    if missing.is_empty() {
        return Ok(found);
    }
    let assigned = state.store.write(move |tx| {
        let mut assigned = Vec::with_capacity(missing.len());
        for uuid in missing {
            assigned.push((uuid, misp_numbers::assign(tx, &crate::REALM, uuid)?));
        }
        Ok(Act::bookkeeping(assigned))
    });
    Ok(found.into_iter().chain(assigned.await?).collect())
}

/// Puts what a server adds into an event: its number, and whose it is.
pub(super) fn dressed(gathered: Gathered, number: i64) -> Fields {
    let Gathered { mut event, uuid, rows } = gathered;
    let number = json!(number.to_string());
    let originator = rows.first().map(|row| row.originator.as_str().to_owned()).unwrap_or_default();
    for name in ["Attribute", "Object"] {
        for part in event.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(part) = part.as_object_mut() {
                part.insert("event_id".to_owned(), number.clone());
                for inner in part.get_mut("Attribute").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(inner) = inner.as_object_mut() {
                        inner.insert("event_id".to_owned(), number.clone());
                    }
                }
            }
        }
    }
    let count = event.get("Attribute").and_then(Value::as_array).map_or(0, Vec::len);
    let organisation = json!(small_number(&originator));
    event.insert("attribute_count".to_owned(), json!(count.to_string()));
    event.insert("id".to_owned(), number);
    event.entry("org_id").or_insert_with(|| organisation.clone());
    event.entry("orgc_id").or_insert(organisation);
    event.entry("uuid").or_insert_with(|| json!(uuid.to_string()));
    event.entry("published").or_insert(json!(false));
    for list in ["Attribute", "Object", "Tag", "Galaxy", "ShadowAttribute", "RelatedEvent", "EventReport"] {
        event.entry(list).or_insert_with(|| json!([]));
    }
    event
}

/// What a server adds is not what the event says: it is taken off before an event comes in again.
pub(super) fn undressed(event: &mut Fields) {
    for name in
        ["id", "org_id", "orgc_id", "attribute_count", "event_creator_email", "RelatedEvent", "protected"]
    {
        event.shift_remove(name);
    }
    let bare = |part: &mut Value| {
        if let Some(part) = part.as_object_mut() {
            for name in ["id", "event_id", "object_id", "Event"] {
                part.shift_remove(name);
            }
        }
    };
    for name in ["Attribute", "Object", "EventReport"] {
        for part in event.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            bare(part);
            for inner in ["Attribute", "ObjectReference", "Sighting"] {
                part.get_mut(inner).and_then(Value::as_array_mut).into_iter().flatten().for_each(bare);
            }
        }
    }
}

/// A number for something that only has a name, always the same.
pub(super) fn small_number(name: &str) -> String {
    let sum =
        name.bytes().fold(2_166_136_261_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619));
    (sum >> 1).max(1).to_string()
}

/// A body that is a JSON object.
pub(super) fn object_body(bytes: &[u8]) -> Answer<Fields> {
    let wrong = |detail: String| Failure::new(api::Code::BadRequest, detail);
    if bytes.trim_ascii().is_empty() {
        return Ok(Fields::new());
    }
    match serde_json::from_slice(bytes).map_err(|error| wrong(format!("the body is not JSON: {error}")))? {
        Value::Object(fields) => Ok(fields),
        _ => Err(wrong("the body is a JSON object".to_owned())),
    }
}
