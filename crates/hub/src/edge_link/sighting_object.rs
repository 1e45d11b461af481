//! A reported sighting as a STIX 2.1 `sighting` (§5.2) with our property extension for the mechanical information.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stix::{Id, Object, ParseError};

use super::reported::Reported;

/// Our property extension of `sighting`: what was let out, for what, by which edge. Fixed for ever: objects name it.
pub(crate) const EXTENSION: &str = "extension-definition--5d3f6a0e-8c1b-5a7e-9f64-1c0b8e2d7a43";

/// STIX 2.1 §7.3 asks for the normative definition as an address or as plain text.
const SCHEMA: &str = "Properties of a sighting object: edge (string, the reporting edge's name in the council), purpose (string), \
    indicator_version (timestamp, the modified property of the indicator that matched), addresses (list of IP addresses, RFC 5952), \
    domains (list of domain names, A-labels), hashes (list of strings ALGORITHM:lower-case hexadecimal, algorithm names of STIX 2.1 \
    section 10.7), ports (list of integers, source and destination), protocol (string, transport), bytes (integer). All but edge \
    and purpose are optional. Nothing else may stand in it.";

/// The definition of [`EXTENSION`] (STIX 2.1 §7.3), to stand in the log before the first sighting; `creator` is the node's identity.
pub(crate) fn extension_definition(creator: &str) -> Value {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": creator,
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "Minimised sighting",
        "description": "Mechanical information of a sighting that an operator let out of its network, and what for.",
        "schema": SCHEMA,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [stix::marking::Tlp::Clear.id()],
    })
}

/// The identifier of the STIX sighting.
pub(crate) fn id(reported: &Reported) -> Id {
    Id::new("sighting", reported.id)
}

/// The STIX sighting; `identity` is the operator's, `edge` the reporting edge, `at` when the hub took it in.
pub(crate) fn object(
    reported: &Reported,
    identity: &Id,
    edge: &str,
    at: Timestamp,
) -> Result<Object, ParseError> {
    let created = stix::Timestamp::from_instant(at);
    let seen = |instant| stix::Timestamp::from_instant(instant);
    let object = json!({
        "type": "sighting",
        "spec_version": "2.1",
        "id": id(reported),
        "created_by_ref": identity,
        "created": created,
        "modified": created,
        "first_seen": seen(reported.first_seen),
        "last_seen": seen(reported.last_seen),
        "count": reported.count,
        "sighting_of_ref": reported.indicator,
        "where_sighted_refs": [identity],
        "object_marking_refs": [reported.marking.id()],
        "extensions": { EXTENSION: extension(reported, edge) },
    });
    Object::parse(Bytes::from(object.to_string()))
}

/// Only what there is: STIX 2.1 §2.1 forbids empty lists.
fn extension(reported: &Reported, edge: &str) -> Value {
    let information = &reported.information;
    let mut extension = Map::new();
    let mut put = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            extension.insert(name.to_owned(), value);
        }
    };
    put("extension_type", json!("property-extension"));
    put("edge", json!(edge));
    put("purpose", json!(reported.purpose.name()));
    put("indicator_version", json!(reported.indicator_version));
    put("addresses", json!(information.addresses));
    put("domains", json!(information.domains));
    put(
        "hashes",
        information.hashes.iter().map(|(algorithm, digest)| json!(format!("{algorithm}:{digest}"))).collect(),
    );
    put("ports", json!(information.ports));
    put("protocol", json!(information.protocol));
    put("bytes", json!(information.bytes));
    Value::Object(extension)
}
