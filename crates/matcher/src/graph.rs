//! A record as a graph of cyber-observable objects, in the canonical spelling in which indicators are asked for.

use serde_json::{Map, Value, json};
use stix::observable::{ValueKind, canonical};
use telemetry::Observation;

/// The record's objects by a key that is unique in it; references between them hold such keys.
pub(crate) fn canonical_objects(record: &Observation<'_>) -> Map<String, Value> {
    let mut graph = telemetry::objects(record);
    canonicalise(&mut graph);
    graph
}

/// Brings every value that indicators ask for into its one spelling; an IPv4-mapped address becomes an IPv4 one.
fn canonicalise(graph: &mut Map<String, Value>) {
    for object in graph.values_mut() {
        let Some(object) = object.as_object_mut() else { continue };
        let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let (property, kind) = match object_type {
            "ipv4-addr" | "ipv6-addr" => ("value", ValueKind::Ipv4),
            "domain-name" => ("value", ValueKind::Domain),
            "url" => ("value", ValueKind::Url),
            "email-addr" => ("value", ValueKind::Email),
            "mac-addr" => ("value", ValueKind::Mac),
            "file" => ("name", ValueKind::FileName),
            _ => ("", ValueKind::FileName),
        };
        let spelt = object.get(property).and_then(Value::as_str).and_then(|text| canonical(kind, text));
        if let Some((kind, text)) = spelt {
            object.insert(property.to_owned(), json!(text));
            if matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6) {
                object.insert("type".to_owned(), json!(kind.name()));
            }
        }
        if let Some(hashes) = object.get_mut("hashes").and_then(Value::as_object_mut) {
            for digest in hashes.values_mut() {
                if let Some(text) = digest.as_str() {
                    *digest = json!(text.to_ascii_lowercase());
                }
            }
        }
    }
}
