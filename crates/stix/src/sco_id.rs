//! Deterministic identifiers of cyber-observable objects (STIX 2.1 §2.9).

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Id;

/// The namespace of §2.9.
const NAMESPACE: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// The order in which §6 prefers one hash over the others.
const PREFERRED_HASHES: [&str; 4] = ["MD5", "SHA-1", "SHA-256", "SHA-512"];

/// The "ID Contributing Properties" of a type (STIX 2.1 §6, in each type's table); empty for a type that has none.
#[must_use]
pub fn contributing_properties(object_type: &str) -> &'static [&'static str] {
    match object_type {
        "artifact" => &["hashes", "payload_bin"],
        "autonomous-system" => &["number"],
        "directory" => &["path"],
        "domain-name" | "email-addr" | "ipv4-addr" | "ipv6-addr" | "mac-addr" | "url" => &["value"],
        "email-message" => &["from_ref", "subject", "body"],
        "file" => &["hashes", "name", "extensions", "parent_directory_ref"],
        "mutex" => &["name"],
        "network-traffic" => {
            &["start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"]
        }
        "software" => &["name", "cpe", "swid", "vendor", "version"],
        "user-account" => &["account_type", "user_id", "account_login"],
        "windows-registry-key" => &["key", "values"],
        "x509-certificate" => &["hashes", "serial_number"],
        _ => &[],
    }
}

/// The UUIDv5 identifier over the RFC 8785 form of the contributing properties, or `None` where the object holds none of
/// them (then §2.9 demands a random one). A SHOULD of the specification: never refuse or merge on it.
///
/// Of several hashes one counts, by the order MD5, SHA-1, SHA-256, SHA-512 (§6.1); where none of the four is there, the first by
/// name, so that the order of writing does not matter.
#[must_use]
pub fn deterministic(object_type: &str, properties: &Map<String, Value>) -> Option<Id> {
    let mut contributing = Map::new();
    for name in contributing_properties(object_type) {
        let value = match properties.get(*name) {
            Some(Value::Object(hashes)) if *name == "hashes" => one_hash(hashes),
            other => other.cloned(),
        };
        if let Some(value) = value {
            contributing.insert((*name).to_owned(), value);
        }
    }
    if contributing.is_empty() {
        return None;
    }
    let canonical = serde_json_canonicalizer::to_vec(&contributing).ok()?;
    Some(Id::new(object_type, Uuid::new_v5(&NAMESPACE, &canonical)))
}

fn one_hash(hashes: &Map<String, Value>) -> Option<Value> {
    let preferred = PREFERRED_HASHES.iter().find_map(|name| hashes.get_key_value(*name));
    let (name, value) = preferred.or_else(|| hashes.iter().min_by_key(|(name, _)| *name))?;
    Some(Value::Object(Map::from_iter([(name.clone(), value.clone())])))
}
