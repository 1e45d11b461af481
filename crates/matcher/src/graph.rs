//! A record as a graph of cyber-observable objects, in the canonical spelling in which indicators are asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};
use stix::observable::{ValueKind, canonical};
use telemetry::{Observation, Role};

/// The types of object that a record can hold. A comparison that needs another one holds in no record.
pub(crate) const TYPES: [&str; 9] = [
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "network-traffic",
    "url",
];

/// The most traffics, messages and names that are tied to what else a record names: each source stands with each destination,
/// and a record with hundreds of both is a mistake or an attack.
const PAIRS_MAX: usize = 64;

/// The most receivers of a message.
const RECEIVERS_MAX: usize = 256;

/// The record's objects by a key that is unique in it; references between them hold such keys.
pub(crate) fn canonical_objects(record: &Observation<'_>) -> Map<String, Value> {
    let mut graph = objects(record);
    canonicalise(&mut graph);
    graph
}

/// The objects as the record spells them.
fn objects(record: &Observation<'_>) -> Map<String, Value> {
    const HOSTS: [ValueKind; 4] = [ValueKind::Ipv4, ValueKind::Ipv6, ValueKind::Domain, ValueKind::Mac];
    let mut graph = Map::new();
    let mut known: HashMap<(ValueKind, &str), String> = HashMap::new();
    for value in record.values.iter().filter(|value| is_single(value.kind)) {
        known
            .entry((value.kind, value.value.as_ref()))
            .or_insert_with(|| add(&mut graph, json!({"type": value.kind.name(), "value": value.value})));
    }
    let ends = |role: Role, kinds: &[ValueKind]| {
        let of_role = record.values.iter().filter(|value| value.role == role && kinds.contains(&value.kind));
        let mut once = HashSet::new();
        let keys =
            of_role.filter_map(|value| known.get(&(value.kind, value.value.as_ref())).map(String::as_str));
        keys.filter(|key| once.insert(*key)).collect::<Vec<&str>>()
    };
    // What a looked-up name led to: a record does not tell which answer belongs to which of its names.
    let answers = ends(Role::Content, &HOSTS);
    if record.kind == "dns" && !answers.is_empty() {
        let named = |object: &&mut Value| object.get("type").and_then(Value::as_str) == Some("domain-name");
        for name in graph.values_mut().filter(named).take(PAIRS_MAX).filter_map(Value::as_object_mut) {
            name.insert("resolves_to_refs".to_owned(), json!(answers));
        }
    }
    add_traffic(&mut graph, record, &ends(Role::Source, &HOSTS), &ends(Role::Destination, &HOSTS));
    let mail = [ValueKind::Email];
    add_messages(&mut graph, &ends(Role::Source, &mail), &ends(Role::Destination, &mail));
    add_files(&mut graph, record);
    graph
}

/// Adds an object under a key of its own.
fn add(graph: &mut Map<String, Value>, object: Value) -> String {
    let key = graph.len().to_string();
    graph.insert(key.clone(), object);
    key
}

/// Whether a value of this kind is an object by itself.
fn is_single(kind: ValueKind) -> bool {
    use ValueKind::{Domain, Email, Ipv4, Ipv6, Mac, Url};
    matches!(kind, Ipv4 | Ipv6 | Domain | Url | Email | Mac)
}

fn add_traffic(
    graph: &mut Map<String, Value>,
    record: &Observation<'_>,
    sources: &[&str],
    destinations: &[&str],
) {
    if sources.is_empty() && destinations.is_empty() && record.dst_port.is_none() {
        return;
    }
    let protocols: Vec<&str> = record
        .protocol
        .as_deref()
        .into_iter()
        .chain(Some(record.kind.as_ref()).filter(|kind| !kind.is_empty()))
        .collect();
    let or_none = |ends: &[&str]| -> Vec<Option<String>> {
        if ends.is_empty() { vec![None] } else { ends.iter().map(|end| Some((*end).to_owned())).collect() }
    };
    let destinations = or_none(destinations);
    let pairs = or_none(sources);
    let pairs =
        pairs.iter().flat_map(|source| destinations.iter().map(move |destination| (source, destination)));
    for (source, destination) in pairs.take(PAIRS_MAX) {
        let mut traffic = Map::new();
        traffic.insert("type".to_owned(), json!("network-traffic"));
        let members = [
            ("src_ref", source.as_ref().map(|key| json!(key))),
            ("dst_ref", destination.as_ref().map(|key| json!(key))),
            ("src_port", record.src_port.map(|port| json!(port))),
            ("dst_port", record.dst_port.map(|port| json!(port))),
            ("protocols", Some(json!(protocols))),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                traffic.insert(name.to_owned(), value);
            }
        }
        add(graph, Value::Object(traffic));
    }
}

fn add_messages(graph: &mut Map<String, Value>, senders: &[&str], receivers: &[&str]) {
    let receivers = receivers.get(..RECEIVERS_MAX).unwrap_or(receivers);
    if senders.is_empty() && !receivers.is_empty() {
        add(graph, json!({"type": "email-message", "to_refs": receivers}));
    }
    for sender in senders.iter().take(PAIRS_MAX) {
        let message = json!({"type": "email-message", "from_ref": sender, "sender_ref": sender, "to_refs": receivers,
            "cc_refs": receivers, "bcc_refs": receivers});
        add(graph, message);
    }
}

/// A file is what stands beside each other in the record.
fn add_files(graph: &mut Map<String, Value>, record: &Observation<'_>) {
    let mut files: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for value in &record.values {
        let property = match value.kind {
            ValueKind::FileName => "name",
            ValueKind::Md5 => "MD5",
            ValueKind::Sha1 => "SHA-1",
            ValueKind::Sha256 => "SHA-256",
            ValueKind::Sha512 => "SHA-512",
            _ => continue,
        };
        let file = files.entry(value.field.rsplit_once('.').map_or("", |(folder, _)| folder)).or_default();
        if property == "name" {
            file.insert(property.to_owned(), json!(value.value));
        } else if let Some(hashes) = file.entry("hashes").or_insert_with(|| json!({})).as_object_mut() {
            hashes.insert(property.to_owned(), json!(value.value));
        }
    }
    for (_, mut file) in files {
        file.insert("type".to_owned(), json!("file"));
        add(graph, Value::Object(file));
    }
}

/// Brings every value that indicators ask for into its one spelling; an IPv4-mapped address becomes an IPv4 one.
pub(crate) fn canonicalise(graph: &mut Map<String, Value>) {
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
