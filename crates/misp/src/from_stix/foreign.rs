//! STIX that never was MISP, as a MISP shows it.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use stix::Object;
use stix::pattern::{Comparison, Constant, Observation, Operator, Pattern};

use crate::extension::derived;
use crate::lenient::Fields;
use crate::marking;

/// What a MISP shows of an object.
pub(crate) enum Shown {
    Attribute(Fields),
    Object(Fields),
    EventReport(Fields),
    /// A cluster of a galaxy of this type.
    Cluster {
        galaxy: String,
        cluster: Fields,
    },
}

/// The event that a report or grouping is.
pub(crate) fn container(object: &Object, known: &HashMap<&str, &Object>) -> Fields {
    let mut event = base(object);
    event.insert("info".to_owned(), json!(object.text("name").unwrap_or("(no title)")));
    let date = object.text("published").or_else(|| object.text("created")).and_then(|time| time.get(..10));
    event.insert("date".to_owned(), json!(date.unwrap_or("1970-01-01")));
    event.insert("published".to_owned(), json!(object.object_type() == "report"));
    if let Some(creator) = object.created_by() {
        let name = known.get(creator.as_str()).and_then(|creator| creator.text("name"));
        let uuid = creator.as_str().split_once("--").map(|(_, uuid)| uuid.to_owned());
        event.insert("Orgc".to_owned(), json!({ "uuid": uuid, "name": name.unwrap_or("(not known here)") }));
    }
    if let Some(tags) = tags(object) {
        event.insert("Tag".to_owned(), tags);
    }
    event
}

impl Shown {
    fn uuid(&self) -> Option<&str> {
        match self {
            Self::Attribute(fields) | Self::Object(fields) | Self::EventReport(fields) => {
                fields.get("uuid").and_then(Value::as_str)
            }
            Self::Cluster { .. } => None,
        }
    }
}

/// The element that shows each object. An element's UUID is that of its object, and no two elements of an event have the same:
/// where an indicator and an observable bear one UUID, as MISP's own exports do, the indicator is shown.
pub(crate) fn all_projected(objects: &[&Object]) -> Vec<Option<Shown>> {
    let mut order: Vec<usize> = (0..objects.len()).collect();
    let rank = |at: &usize| {
        objects.get(*at).map(|object| (object.object_type() != "indicator", object.id().clone()))
    };
    order.sort_by_key(rank);
    let mut taken = HashSet::new();
    let mut shown: Vec<Option<Shown>> = objects.iter().map(|object| projected(object)).collect();
    for at in order {
        if let Some(slot) = shown.get_mut(at)
            && let Some(uuid) = slot.as_ref().and_then(Shown::uuid)
            && !taken.insert(uuid.to_owned())
        {
            *slot = None;
        }
    }
    shown
}

/// The element that shows an object; nothing for those that MISP has no word for.
fn projected(object: &Object) -> Option<Shown> {
    match object.object_type() {
        "indicator" => Some(indicator(object)),
        "vulnerability" if is_cve(object) => {
            let value = object.text("name")?;
            Some(Shown::Attribute(attribute(object, "vulnerability", "External analysis", value, false)))
        }
        "note" => {
            let mut report = base(object);
            report.insert("name".to_owned(), json!(object.text("abstract").unwrap_or("STIX note")));
            report.insert("content".to_owned(), json!(object.text("content").unwrap_or_default()));
            Some(Shown::EventReport(report))
        }
        "attack-pattern" | "campaign" | "course-of-action" | "infrastructure" | "intrusion-set"
        | "malware" | "threat-actor" | "tool" | "vulnerability" | "location" => cluster(object),
        _ => observable(object).map(Shown::Attribute),
    }
}

fn is_cve(object: &Object) -> bool {
    object.text("name").and_then(|name| name.get(..4)).is_some_and(|start| start.eq_ignore_ascii_case("CVE-"))
}

fn base(object: &Object) -> Fields {
    let moment = object.version().and_then(stix::Timestamp::instant).unwrap_or_default();
    let uuid = object.id().as_str().split_once("--").map(|(_, uuid)| uuid.to_ascii_lowercase());
    Fields::from_iter([
        ("uuid".to_owned(), json!(uuid)),
        ("timestamp".to_owned(), json!(moment.as_second().max(0).to_string())),
    ])
}

fn attribute(object: &Object, kind: &str, category: &str, value: &str, to_ids: bool) -> Fields {
    let mut fields = base(object);
    fields.insert("type".to_owned(), json!(kind));
    fields.insert("category".to_owned(), json!(category));
    fields.insert("value".to_owned(), json!(value));
    fields.insert("to_ids".to_owned(), json!(to_ids && !object.is_revoked()));
    if let Some(comment) =
        object.text("description").or_else(|| object.text("name").filter(|name| *name != value))
    {
        fields.insert("comment".to_owned(), json!(comment));
    }
    if object.is_revoked() {
        fields.insert("deleted".to_owned(), json!(true));
    }
    if let Some(tags) = tags(object) {
        fields.insert("Tag".to_owned(), tags);
    }
    fields
}

fn tags(object: &Object) -> Option<Value> {
    let labels =
        object.get("labels").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let markings = stix::marking::object_marking_refs(object);
    let markings = markings.iter().filter_map(|marking| marking::tag_of(marking.as_str()));
    let tags: Vec<Value> =
        labels.map(str::to_owned).chain(markings).map(|name| json!({ "name": name })).collect();
    (!tags.is_empty()).then_some(Value::Array(tags))
}

/// One equality on something that MISP has a type for is that attribute; anything else keeps its pattern.
fn indicator(object: &Object) -> Shown {
    let pattern = object.text("pattern").unwrap_or_default();
    let language = object.text("pattern_type").unwrap_or("stix");
    if language == "stix"
        && let Some((kind, category, value)) = single_value(pattern)
    {
        return Shown::Attribute(attribute(object, kind, category, &value, true));
    }
    let kind = match language {
        "stix" => "stix2-pattern",
        "snort" | "suricata" | "yara" | "sigma" => language,
        _ => "other",
    };
    if kind != "stix2-pattern" {
        return Shown::Attribute(attribute(object, kind, "Payload delivery", pattern, kind != "other"));
    }
    let mut fields = base(object);
    let uuid = fields.get("uuid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let part = |relation: &str, kind: &str, value: &str, to_ids: bool| {
        json!({
            "uuid": derived(&[&uuid, relation]).to_string(),
            "object_relation": relation,
            "type": kind,
            "category": "Payload delivery",
            "value": value,
            "to_ids": to_ids,
        })
    };
    let comment = object.text("name").unwrap_or("STIX pattern");
    fields.insert("name".to_owned(), json!("stix2-pattern"));
    fields.insert("meta-category".to_owned(), json!("stix2-pattern"));
    fields.insert("template_uuid".to_owned(), json!("0c5bd072-7c3e-4d45-86f7-a8104d9143b9"));
    fields.insert("comment".to_owned(), json!(comment));
    fields.insert(
        "Attribute".to_owned(),
        json!([
            part("stix2-pattern", "stix2-pattern", pattern, !object.is_revoked()),
            part("version", "text", "stix 2.1", false),
        ]),
    );
    Shown::Object(fields)
}

fn single_value(pattern: &str) -> Option<(&'static str, &'static str, String)> {
    let Observation::Test(Comparison::Test(test)) = Pattern::parse(pattern).ok()?.root else { return None };
    let Operator::Equal(constant) = &test.operator else { return None };
    if test.negated {
        return None;
    }
    let value = match constant {
        Constant::String(text) => text.clone(),
        Constant::Integer(number) => number.to_string(),
        _ => return None,
    };
    let (kind, category) = attribute_type(&test.path.to_string())?;
    Some((kind, category, value))
}

fn attribute_type(path: &str) -> Option<(&'static str, &'static str)> {
    const NETWORK: &str = "Network activity";
    const PAYLOAD: &str = "Payload delivery";
    Some(match path {
        "ipv4-addr:value" | "ipv6-addr:value" | "network-traffic:dst_ref.value" => ("ip-dst", NETWORK),
        "network-traffic:src_ref.value" => ("ip-src", NETWORK),
        "domain-name:value" => ("domain", NETWORK),
        "url:value" => ("url", NETWORK),
        "email-addr:value" => ("email", PAYLOAD),
        "email-message:from_ref.value" => ("email-src", PAYLOAD),
        "email-message:subject" => ("email-subject", PAYLOAD),
        "file:name" => ("filename", PAYLOAD),
        "file:hashes.MD5" | "artifact:hashes.MD5" => ("md5", PAYLOAD),
        "file:hashes.'SHA-1'" | "file:hashes.SHA1" => ("sha1", PAYLOAD),
        "file:hashes.'SHA-256'" | "file:hashes.SHA256" => ("sha256", PAYLOAD),
        "file:hashes.'SHA-512'" | "file:hashes.SHA512" => ("sha512", PAYLOAD),
        "file:hashes.SSDEEP" => ("ssdeep", PAYLOAD),
        "file:hashes.TLSH" => ("tlsh", PAYLOAD),
        "x509-certificate:hashes.'SHA-1'" => ("x509-fingerprint-sha1", NETWORK),
        "x509-certificate:hashes.'SHA-256'" => ("x509-fingerprint-sha256", NETWORK),
        "mac-addr:value" => ("mac-address", NETWORK),
        "mutex:name" => ("mutex", "Artifacts dropped"),
        "autonomous-system:number" => ("AS", NETWORK),
        "windows-registry-key:key" => ("regkey", "Persistence mechanism"),
        _ => return None,
    })
}

/// Observables with one value.
fn observable(object: &Object) -> Option<Fields> {
    let property = match object.object_type() {
        "autonomous-system" => "number",
        "mutex" | "file" => "name",
        "windows-registry-key" => "key",
        _ => "value",
    };
    if object.object_type() == "file"
        && let Some(hashes) = object.get("hashes").and_then(Value::as_object)
    {
        let best = ["SHA-256", "SHA-512", "SHA-1", "MD5"]
            .into_iter()
            .find_map(|name| Some((name, hashes.get(name)?.as_str()?)));
        let (algorithm, hash) = best?;
        let (kind, category) = attribute_type(&format!(
            "file:hashes.{}",
            if algorithm == "MD5" { algorithm.to_owned() } else { format!("'{algorithm}'") }
        ))?;
        return Some(attribute(object, kind, category, hash, false));
    }
    let (kind, category) = attribute_type(&format!("{}:{property}", object.object_type()))?;
    let value = match object.get(property)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(attribute(object, kind, category, &value, false))
}

fn cluster(object: &Object) -> Option<Shown> {
    let galaxy = format!("stix-2.1-{}", object.object_type());
    let name = object.text("name")?;
    let mut cluster = base(object);
    cluster.shift_remove("timestamp");
    cluster.insert("type".to_owned(), json!(galaxy));
    cluster.insert("value".to_owned(), json!(name));
    cluster.insert("tag_name".to_owned(), json!(format!("misp-galaxy:{galaxy}=\"{name}\"")));
    cluster.insert("description".to_owned(), json!(object.text("description").unwrap_or(name)));
    let aliases = object.get("aliases").and_then(Value::as_array).filter(|aliases| !aliases.is_empty());
    if let Some(aliases) = aliases {
        cluster.insert("meta".to_owned(), json!({ "synonyms": aliases }));
    }
    Some(Shown::Cluster { galaxy, cluster })
}

/// Puts a cluster into the event's galaxy of its type.
pub(crate) fn add_cluster(event: &mut Fields, galaxy: &str, cluster: Fields) {
    let list = event.entry("Galaxy").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return };
    let known = list.iter_mut().find(|known| known.get("type").and_then(Value::as_str) == Some(galaxy));
    if let Some(clusters) = known.and_then(|known| known.get_mut("GalaxyCluster")?.as_array_mut()) {
        clusters.push(Value::Object(cluster));
        return;
    }
    let title: String = galaxy.replace('-', " ");
    list.push(json!({
        "uuid": derived(&["galaxy", galaxy]).to_string(),
        "name": title,
        "type": galaxy,
        "description": "Objects that came as STIX 2.1",
        "namespace": "stix",
        "GalaxyCluster": [cluster],
    }));
}
