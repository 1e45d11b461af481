//! Galaxy clusters, as objects that readers of STIX know. The original stays whole in the element that bears it.

use serde_json::{Map, Value, json};

use super::{Frame, Making, extend, put_list, stamp};
use crate::extension::{MISP_EXTENSION, derived};
use crate::lenient::{Fields, list, number, text, uuid};
use crate::marking::{ACS_GALAXY, Markings};
use crate::projection::Kind;

/// Clusters of one element that become objects.
const CLUSTERS_MAX: usize = 500;

impl Making {
    /// The clusters of an element; `bearer` is the object that it became, nothing for the event itself.
    pub(super) fn galaxies(
        &mut self,
        fields: &Fields,
        bearer: Option<&str>,
        markings: &Markings,
        frame: &mut Frame,
    ) {
        let galaxies =
            list(fields, "Galaxy").filter(|galaxy| text(galaxy, "type").as_deref() != Some(ACS_GALAXY));
        let clusters =
            galaxies.flat_map(|galaxy| list(galaxy, "GalaxyCluster").map(move |cluster| (galaxy, cluster)));
        for (galaxy, cluster) in clusters.take(CLUSTERS_MAX) {
            let Some(id) = self.cluster(galaxy, cluster, markings, frame) else { continue };
            if let Some(bearer) = bearer {
                self.link(bearer, &id, markings, frame);
            }
        }
    }

    /// One cluster. Under the markings of the element that bears it, and with an identifier that follows from both: the same
    /// cluster in an event for everybody and in a restricted one are two objects, so neither tells of the other. What is free for
    /// all has the cluster's own identifier.
    fn cluster(
        &mut self,
        galaxy: &Fields,
        cluster: &Fields,
        markings: &Markings,
        frame: &mut Frame,
    ) -> Option<String> {
        let name = text(cluster, "value")?;
        let kind = text(galaxy, "type").or_else(|| text(cluster, "type")).unwrap_or_default();
        let object_type = object_type(&kind)?;
        let mut object = Map::new();
        let version =
            number(cluster, "version").and_then(|version| jiff::Timestamp::from_second(version).ok());
        let version = version.filter(|version| version.as_second() >= 0 && version.to_string().len() < 30);
        let version = stamp(version.unwrap_or(jiff::Timestamp::UNIX_EPOCH));
        object.insert("type".to_owned(), json!(object_type));
        object.insert("spec_version".to_owned(), json!("2.1"));
        object.insert("created".to_owned(), json!(version));
        object.insert("modified".to_owned(), json!(version));
        object.insert("name".to_owned(), json!(name));
        if let Some(description) = text(cluster, "description") {
            object.insert("description".to_owned(), json!(description));
        }
        describe(&mut object, object_type, cluster);
        object.insert(
            "extensions".to_owned(),
            json!({ MISP_EXTENSION: { "extension_type": "property-extension", "kind": "cluster", "misp_type": kind } }),
        );
        if !markings.is_closed {
            put_list(&mut object, "object_marking_refs", &markings.refs);
        }
        let free =
            [stix::marking::Tlp::Clear.id(), crate::marking::marking_of("tlp:white").unwrap_or_default()];
        let is_free =
            !markings.is_closed && matches!(markings.refs.as_slice(), [only] if free.contains(only));
        let content = Value::Object(object.clone()).to_string();
        let uuid = match uuid(cluster, "uuid") {
            Some(uuid) if is_free => uuid,
            uuid => derived(&[&uuid.unwrap_or_default().to_string(), &content]),
        };
        let id = format!("{object_type}--{uuid}");
        object.insert("id".to_owned(), json!(id));
        let id = if self.ids.contains(&id) { id } else { self.take(object)? };
        let is_listed = frame.markings.is_closed
            || (!markings.is_closed
                && markings.refs.iter().all(|marking| frame.markings.refs.contains(marking)));
        if is_listed && frame.clusters.insert(id.clone()) {
            frame.listed.push(id.clone());
        }
        Some(id)
    }

    fn link(&mut self, source: &str, target: &str, markings: &Markings, frame: &mut Frame) {
        let is_indicator = source.starts_with("indicator--");
        let may_be_indicated =
            ["attack-pattern", "campaign", "intrusion-set", "malware", "threat-actor", "tool"]
                .iter()
                .any(|object_type| target.split("--").next() == Some(*object_type));
        let word = if is_indicator && may_be_indicated { "indicates" } else { "related-to" };
        let mut object = self.bare("relationship", derived(&[source, word, target]), frame.modified, frame);
        let modified = object.get("created").cloned().unwrap_or_default();
        object.insert("modified".to_owned(), modified);
        object.insert("relationship_type".to_owned(), json!(word));
        object.insert("source_ref".to_owned(), json!(source));
        object.insert("target_ref".to_owned(), json!(target));
        object.insert(
            "extensions".to_owned(),
            json!({ MISP_EXTENSION: { "extension_type": "property-extension", "kind": "link" } }),
        );
        if !markings.is_closed {
            put_list(&mut object, "object_marking_refs", &markings.refs);
        }
        let is_listed = frame.markings.is_closed
            || (!markings.is_closed
                && markings.refs.iter().all(|marking| frame.markings.refs.contains(marking)));
        if !is_listed {
            extend(&mut object, "event_ref", json!(frame.report_id));
        }
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !self.ids.contains(&id)
            && let Some(id) = self.take(object)
            && is_listed
        {
            frame.listed.push(id);
        }
    }
}

/// The STIX type of a galaxy's clusters; nothing for those that STIX has no type for.
fn object_type(galaxy: &str) -> Option<&'static str> {
    let galaxy = galaxy.trim_start_matches("stix-2.1-");
    Some(match galaxy {
        kind if kind.contains("attack-pattern") => "attack-pattern",
        kind if kind.contains("course-of-action") => "course-of-action",
        kind if kind.contains("intrusion-set") => "intrusion-set",
        "threat-actor" | "microsoft-activity-group" | "360net-threat-actor" => "intrusion-set",
        "mitre-tool" | "tool" | "rat" | "exploit-kit" | "tds" => "tool",
        "mitre-malware" | "malware" | "malpedia" | "ransomware" | "banker" | "botnet" | "stealer"
        | "backdoor" | "android" | "cryptominers" => "malware",
        "campaign" | "mitre-campaign" => "campaign",
        "branded-vulnerability" | "vulnerability" => "vulnerability",
        "sector" => "identity",
        _ => return None,
    })
}

/// Properties that some types demand or know.
fn describe(object: &mut Map<String, Value>, object_type: &str, cluster: &Fields) {
    let meta = cluster.get("meta").and_then(Value::as_object);
    let texts = |name: &str| -> Vec<String> {
        let list = meta.and_then(|meta| meta.get(name)).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .take(100)
            .collect()
    };
    if matches!(object_type, "intrusion-set" | "tool" | "malware" | "attack-pattern" | "campaign") {
        put_list(object, "aliases", &texts("synonyms"));
    }
    match object_type {
        "malware" => drop(object.insert("is_family".to_owned(), json!(true))),
        "identity" => drop(object.insert("identity_class".to_owned(), json!("class"))),
        _ => {}
    }
    let mut references: Vec<Value> = texts("external_id")
        .into_iter()
        .filter(|id| id.starts_with('T') || id.starts_with('G') || id.starts_with('S') || id.starts_with('M'))
        .map(|id| json!({ "source_name": "mitre-attack", "external_id": id }))
        .collect();
    references.extend(
        texts("refs")
            .into_iter()
            .filter(|url| url.starts_with("http"))
            .map(|url| json!({ "source_name": "misp-galaxy", "url": url })),
    );
    if !references.is_empty() {
        object.insert("external_references".to_owned(), Value::Array(references));
    }
}

impl Kind {
    /// Whether the object only shows what another one holds in full.
    pub(crate) fn is_shown_only(self) -> bool {
        matches!(self, Self::Cluster | Self::Link)
    }
}
