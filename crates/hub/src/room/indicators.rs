//! Values that somebody typed in a room become indicators and observables, under the entry's own label, and are linked with the case.

use std::collections::BTreeSet;

use api::{NewRoomIndicators, RoomIndicatorsTaken};
use case::room::{Label, Says};
use misp::list::pattern;
use serde_json::{Map, Value, json};
use stix::observable::{ValueKind, recognise};
use stix::{Id, sco_id};
use store::{StoreError, Tx, organisations};
use uuid::Uuid;

use super::write::{Wanted, Writer};
use crate::problem::{Answer, Failure};
use crate::sharing::{stix_time, unfit};

/// Values of each kind of wish, and objects, that are linked at once.
pub(crate) const AT_ONCE: usize = 50;

/// Refuses what is too much or nothing.
///
/// # Errors
/// 422.
pub(crate) fn bounds(body: &NewRoomIndicators) -> Answer<()> {
    let lists = [&body.indicators, &body.observables, &body.objects];
    let counts = lists.map(Vec::len);
    if counts.iter().all(|count| *count == 0) || counts.iter().any(|count| *count > AT_ONCE) {
        let why =
            format!("`indicators`, `observables` and `objects` have 1 to {AT_ONCE} things between them each");
        return Err(Failure::rule("indicators-count", why));
    }
    Ok(())
}

/// Makes them, and links them with the case: one entry of the room.
///
/// # Errors
/// Why it is not done, in words.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    writer: &mut Writer<'_>,
    case: &Id,
    body: &NewRoomIndicators,
) -> Result<RoomIndicatorsTaken, StoreError> {
    let mut seen = writer.room(tx, case)?;
    let label = writer.label(tx, &seen, &body.label)?;
    let says = Says::Objects { ids: Vec::new() };
    let mut wanted = Wanted { key: body.key, part: "", label: label.clone(), says, by_system: false };
    if let Some((taken, says)) = writer.written(&seen, &wanted)? {
        let Says::Objects { ids } = says else {
            return Err(unfit("key-used", "key: another entry was sent under it; draw a new one"));
        };
        return Ok(RoomIndicatorsTaken { taken, objects: ids.iter().map(ToString::to_string).collect() });
    }
    let made = made(tx, writer, (&label, body.key), body)?;
    let mut ids: BTreeSet<Id> = writer.bring(tx, &label, &made)?.into_iter().collect();
    for id in &body.objects {
        ids.insert(Id::parse(id).map_err(|_| StoreError::NotFound { what: id.clone() })?);
    }
    wanted.says = Says::Objects { ids: ids.iter().cloned().collect() };
    let taken = writer.write_into(tx, &mut seen, wanted)?;
    Ok(RoomIndicatorsTaken { taken, objects: ids.iter().map(ToString::to_string).collect() })
}

/// The objects, as they are brought in.
fn made(
    tx: &Tx<'_>,
    writer: &Writer<'_>,
    (label, key): (&Label, Uuid),
    body: &NewRoomIndicators,
) -> Result<Vec<Value>, StoreError> {
    let principal = &writer.caller.principal;
    let own = organisations::get(tx, &principal.realm, &principal.organisation)?
        .ok_or_else(|| StoreError::Corrupt("the writer's organisation".to_owned()))?;
    let limit =
        label.only.as_ref().map(|only| Id::new("marking-definition", oversight::circle(only)).to_string());
    let markings: Vec<String> = [label.tlp.id()].into_iter().chain(limit).collect();
    let now = stix_time(tx.now());
    let mut made = Vec::new();
    for typed in &body.indicators {
        let (kind, value) = value(typed)?;
        let pattern = pattern(kind, &value).ok_or_else(|| not_looked_for(typed))?;
        // The same request makes the same object, and nobody can work out what it is called.
        let name = format!("yagura case room indicator {key} {} {} {value}", writer.caller.id(), kind.name());
        let id = Id::new("indicator", Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
        made.push(json!({
            "type": "indicator", "spec_version": "2.1", "id": id, "created_by_ref": own.identity, "created": now, "modified": now,
            "name": value, "pattern": pattern, "pattern_type": "stix", "valid_from": now, "object_marking_refs": markings,
        }));
    }
    for typed in &body.observables {
        let (kind, value) = value(typed)?;
        let (object_type, properties) = observable(kind, &value).ok_or_else(|| not_looked_for(typed))?;
        let id = sco_id::deterministic(object_type, &properties).ok_or_else(|| not_looked_for(typed))?;
        let mut object = properties;
        object.insert("type".to_owned(), json!(object_type));
        object.insert("spec_version".to_owned(), json!("2.1"));
        object.insert("id".to_owned(), json!(id));
        object.insert("object_marking_refs".to_owned(), json!(markings));
        made.push(Value::Object(object));
    }
    Ok(made)
}

fn value(typed: &str) -> Result<(ValueKind, String), StoreError> {
    recognise(typed).ok_or_else(|| not_looked_for(typed))
}

fn not_looked_for(typed: &str) -> StoreError {
    let shown: String = typed.chars().take(100).collect();
    unfit(
        "no-value",
        format!("`{shown}` is no address, name, URL, hash or other value that can be looked for"),
    )
}

/// A value as a cyber-observable object: its type, and what it consists of.
fn observable(kind: ValueKind, value: &str) -> Option<(&'static str, Map<String, Value>)> {
    let hash = |name: &str| ("file", "hashes", json!({ name: value }));
    let (object_type, property, value) = match kind {
        ValueKind::Ipv4 => ("ipv4-addr", "value", json!(value)),
        ValueKind::Ipv6 => ("ipv6-addr", "value", json!(value)),
        ValueKind::Domain => ("domain-name", "value", json!(value)),
        ValueKind::Url => ("url", "value", json!(value)),
        ValueKind::Email => ("email-addr", "value", json!(value)),
        ValueKind::Mac => ("mac-addr", "value", json!(value)),
        ValueKind::AutonomousSystem => ("autonomous-system", "number", json!(value.parse::<u64>().ok()?)),
        ValueKind::RegistryKey => ("windows-registry-key", "key", json!(value)),
        ValueKind::Md5 => hash("MD5"),
        ValueKind::Sha1 => hash("SHA-1"),
        ValueKind::Sha256 => hash("SHA-256"),
        ValueKind::Sha512 => hash("SHA-512"),
        _ => return None,
    };
    Some((object_type, Map::from_iter([(property.to_owned(), value)])))
}
