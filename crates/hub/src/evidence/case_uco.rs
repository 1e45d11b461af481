//! A package in CASE and UCO (JSON-LD), for forensic programs: an investigation, its exhibits, and each entry of custody as an investigative action.
//!
//! What these ontologies have no word for (the hash of an entry, its legal basis beside an authorisation) stands under a prefix of our own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use oversight::custody::package::{Manifest, PackagedItem};
use oversight::custody::{CustodyAct, CustodyEntry, Party};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The document.
pub(crate) fn document(manifest: &Manifest, logs: &[Vec<CustodyEntry>]) -> Value {
    let mut graph = Graph { package: manifest.id, nodes: BTreeMap::new(), order: Vec::new() };
    let mut objects = Vec::new();
    for (item, log) in manifest.items.iter().zip(logs) {
        graph.item(item, log, &mut objects);
    }
    let authorizations: Vec<Value> = graph.of_type("case-investigation:Authorization");
    let investigation = json!({
        "@id": kb(case_uuid(&manifest.case)),
        "@type": "case-investigation:Investigation",
        "uco-core:name": manifest.case_name,
        "uco-core:description": manifest.why,
        "uco-core:object": objects,
        "yagura:case": manifest.case,
        "yagura:package": manifest.id.to_string(),
        "yagura:log": manifest.log,
    });
    let investigation = with(investigation, "case-investigation:relevantAuthorization", authorizations);
    let mut nodes = vec![investigation];
    nodes.extend(graph.order.iter().filter_map(|id| graph.nodes.get(id).cloned()));
    json!({
        "@context": {
            "kb": "urn:uuid:",
            "yagura": "urn:yagura:custody:",
            "case-investigation": "https://ontology.caseontology.org/case/investigation/",
            "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
            "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
            "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
            "uco-location": "https://ontology.unifiedcyberontology.org/uco/location/",
            "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
            "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
            "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@graph": nodes,
    })
}

/// Nodes by identifier, in the order in which they came.
struct Graph {
    package: Uuid,
    nodes: BTreeMap<Uuid, Value>,
    order: Vec<Uuid>,
}

impl Graph {
    /// Adds a node unless it is there, and refers to it.
    fn add(&mut self, id: Uuid, mut node: Value) -> Value {
        if let Entry::Vacant(place) = self.nodes.entry(id) {
            if let Some(node) = node.as_object_mut() {
                node.insert("@id".to_owned(), Value::String(kb(id)));
            }
            place.insert(node);
            self.order.push(id);
        }
        refer(id)
    }

    /// An identifier that follows from what it is of.
    fn name(&self, of: &str) -> Uuid {
        Uuid::new_v5(&self.package, of.as_bytes())
    }

    fn of_type(&self, wanted: &str) -> Vec<Value> {
        let is_wanted = |id: &&Uuid| {
            self.nodes.get(*id).and_then(|node| node.get("@type")).and_then(Value::as_str) == Some(wanted)
        };
        self.order.iter().filter(is_wanted).map(|id| refer(*id)).collect()
    }

    fn item(&mut self, item: &PackagedItem, log: &[CustodyEntry], objects: &mut Vec<Value>) {
        let file = self.add(item.id, file(item, |of| self_name(self.package, item.id, of)));
        let record = self.name(&format!("record {}", item.id));
        let record = self.add(
            record,
            json!({
                "@type": "case-investigation:ProvenanceRecord",
                "uco-core:description": item.description,
                "case-investigation:exhibitNumber": item.id.to_string(),
                "uco-core:object": [file],
            }),
        );
        objects.extend([file.clone(), record.clone()]);
        for entry in log {
            let action = self.action(entry, (&file, &record));
            objects.push(action);
        }
    }

    fn action(&mut self, entry: &CustodyEntry, (file, record): (&Value, &Value)) -> Value {
        let writer = entry.by.as_ref().map(|party| self.party(party));
        let (performer, done) = match collected(entry) {
            Some((collector, seized)) => (self.party(&collector), seized),
            None => (writer.clone().unwrap_or_else(|| self.tool()), entry.at),
        };
        let mut node = json!({
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": action_name(entry.act),
            "uco-core:description": entry.why,
            "uco-core:objectCreatedTime": date_time(entry.at),
            "uco-action:startTime": date_time(done),
            "uco-action:endTime": date_time(done),
            "uco-action:performer": performer,
            "uco-action:object": [file],
            "uco-action:result": [record],
            "yagura:number": entry.number,
            "yagura:entry": entry.hash(),
            "yagura:content": entry.content.sha256,
        });
        // UCO has only identities create what is said of something, and the node is none.
        node = with(node, "uco-core:createdBy", Vec::from_iter(writer));
        let mut participants = Vec::new();
        for (role, party) in [("yagura:from", &entry.from), ("yagura:to", &entry.to)] {
            if let Some(party) = party {
                let party = self.party(party);
                node = with(node, role, vec![party.clone()]);
                // Who performs an action does not take part in it besides.
                if party != performer {
                    participants.push(party);
                }
            }
        }
        node = with(node, "uco-action:participant", participants);
        if let Some(place) = entry.facts.get("seized_where").filter(|_| entry.act == CustodyAct::Collected) {
            let id = self.name(&format!("place {place}"));
            let place = self.add(id, json!({ "@type": "uco-location:Location", "uco-core:name": place }));
            node = with(node, "uco-action:location", vec![place]);
        }
        if let Some(basis) = &entry.legal_basis {
            let id = self.name(&format!("basis {basis}"));
            let basis = self.add(
                id,
                json!({ "@type": "case-investigation:Authorization", "case-investigation:authorizationType": basis }),
            );
            node = with(node, "yagura:legalBasis", vec![basis]);
        }
        for (name, value) in &entry.facts {
            node = with(node, &format!("yagura:{name}"), vec![Value::String(value.clone())]);
        }
        let id = self.name(&format!("entry {} {}", entry.item, entry.number));
        self.add(id, node)
    }

    fn party(&mut self, party: &Party) -> Value {
        let organisation = party.organisation.as_str();
        let id = self.name(&format!("organisation {organisation}"));
        let whole =
            self.add(id, json!({ "@type": "uco-identity:Organization", "uco-core:name": organisation }));
        let account = party.account.as_deref().unwrap_or_default();
        let name = party.name.as_deref().unwrap_or(account);
        if name.is_empty() {
            return whole;
        }
        let id = self.name(&format!("person {organisation} {account} {name}"));
        self.add(
            id,
            json!({
                "@type": "uco-identity:Person", "uco-core:name": name, "yagura:account": account,
                "yagura:organisation": [whole],
            }),
        )
    }

    /// The node itself.
    fn tool(&mut self) -> Value {
        let id = self.name("node");
        self.add(
            id,
            json!({
                "@type": "uco-tool:Tool", "uco-core:name": "Yagura", "uco-tool:version": env!("CARGO_PKG_VERSION"),
                "uco-tool:toolType": "evidence keeper",
            }),
        )
    }
}

fn self_name(package: Uuid, item: Uuid, of: &str) -> Uuid {
    Uuid::new_v5(&package, format!("{of} {item}").as_bytes())
}

fn file(item: &PackagedItem, name: impl Fn(&str) -> Uuid) -> Value {
    let hash = |method: &str, value: &str| {
        json!({
            "@id": kb(name(method)),
            "@type": "uco-types:Hash",
            "uco-types:hashMethod": method,
            "uco-types:hashValue": { "@type": "xsd:hexBinary", "@value": value },
        })
    };
    json!({
        "@type": "uco-observable:File",
        "yagura:kind": item.kind,
        "yagura:marking": item.marking,
        "uco-core:hasFacet": [
            {
                "@id": kb(name("file facet")),
                "@type": "uco-observable:FileFacet",
                "uco-observable:isDirectory": false,
                "uco-observable:fileName": item.name,
            },
            {
                "@id": kb(name("content facet")),
                "@type": "uco-observable:ContentDataFacet",
                "uco-observable:sizeInBytes": item.content.size,
                "uco-observable:hash": [hash("SHA256", &item.content.sha256), hash("SHA3-256", &item.content.sha3_256)],
            },
        ],
    })
}

/// By whom and when an item was secured, where an entry tells that: before it was written down, and mostly by somebody without an account here.
fn collected(entry: &CustodyEntry) -> Option<(Party, Timestamp)> {
    if entry.act != CustodyAct::Collected {
        return None;
    }
    let seized: Timestamp = entry.facts.get("seized_at")?.parse().ok()?;
    let name = entry.facts.get("collector")?.clone();
    let organisation = entry.by.as_ref()?.organisation.clone();
    Some((Party { organisation, account: None, name: Some(name) }, seized))
}

fn date_time(at: Timestamp) -> Value {
    json!({ "@type": "xsd:dateTime", "@value": at.to_string() })
}

/// What an act is called in custody (ISO/IEC 27037 has no names of its own).
fn action_name(act: CustodyAct) -> String {
    match act {
        CustodyAct::Collected => "seized".to_owned(),
        CustodyAct::Received => "custody-receive".to_owned(),
        CustodyAct::Offered => "custody-offer".to_owned(),
        CustodyAct::Accepted => "custody-transfer".to_owned(),
        other => other.name().to_owned(),
    }
}

fn kb(id: Uuid) -> String {
    format!("kb:{id}")
}

fn refer(id: Uuid) -> Value {
    json!({ "@id": kb(id) })
}

/// The UUID of a case's STIX identifier.
fn case_uuid(case: &str) -> Uuid {
    case.split_once("--").and_then(|(_, id)| Uuid::parse_str(id).ok()).unwrap_or_default()
}

/// A node with one property more, where there is something.
fn with(node: Value, name: &str, mut values: Vec<Value>) -> Value {
    let Value::Object(mut node) = node else { return node };
    match values.len() {
        0 => {}
        1 => drop(insert(&mut node, name, values.pop().unwrap_or_default())),
        _ => drop(insert(&mut node, name, Value::Array(values))),
    }
    Value::Object(node)
}

fn insert(node: &mut Map<String, Value>, name: &str, value: Value) -> Option<Value> {
    node.insert(name.to_owned(), value)
}
