//! CSAF 2.0 advisories.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stix::marking::Tlp;

use crate::check::{self, defined_products};
use crate::extension::ADVISORY_EXTENSION;
use crate::made::{Made, ReadError, Statement, derived, is_cve, moment, read, text};

/// Vulnerabilities, remediations and products of one advisory at most, each.
const PARTS_MAX: usize = 20_000;

/// An advisory as a `report` that lists a `vulnerability` for each CVE number, a `course-of-action` for each remediation with a
/// `relationship`, and `software` for the affected products with another. Versions are the document's dates; the marking is
/// the document's TLP. A document that fails mandatory tests is converted, and the failures are told.
///
/// # Errors
/// Where it is no CSAF document with the properties that a report needs.
pub fn csaf(json: &[u8]) -> Result<Made, ReadError> {
    let document = Value::Object(read(json)?);
    let demanded = |path: &str| {
        text(&document, path)
            .ok_or_else(|| ReadError::shape(&path.replace('/', "."), "a CSAF document has this text"))
    };
    let version = demanded("/document/csaf_version")?;
    if version != "2.0" {
        return Err(ReadError::shape(
            "document.csaf_version",
            format!("`{version}` is not read here, `2.0` is"),
        ));
    }
    let (namespace, tracking) =
        (demanded("/document/publisher/namespace")?, demanded("/document/tracking/id")?);
    let date = |path: &str| {
        let written = demanded(path)?;
        moment(written)
            .ok_or_else(|| ReadError::shape(&path.replace('/', "."), format!("`{written}` is no time")))
    };
    let modified = date("/document/tracking/current_release_date")?;
    let created = date("/document/tracking/initial_release_date")?.min(modified.clone());
    let mut made = Made::new();
    for failed in check::mandatory(&document) {
        made.warnings.push(format!("CSAF 2.0 §{}: {}", failed.test, failed.message));
    }
    let marking = marking(&document, &mut made);
    let publisher = format!("identity--{}", derived(&["csaf-publisher", namespace]));
    let frame = Frame { namespace, tracking, created, modified, marking, publisher, refs: Vec::new() };
    frame.convert(&document, demanded("/document/title")?, &mut made);
    Ok(made)
}

fn marking(document: &Value, made: &mut Made) -> Option<String> {
    let label = text(document, "/document/distribution/tlp/label")?;
    let level = match label {
        "WHITE" => Some(Tlp::Clear),
        label => Tlp::parse(&label.to_ascii_lowercase()),
    };
    let Some(level) = level else {
        made.warnings
            .push(format!("document.distribution.tlp.label: nobody knows `{label}`: it stays unmarked"));
        return None;
    };
    if let Ok(definition) = serde_json::from_str::<Value>(&level.definition()) {
        made.push(&definition);
    }
    Some(level.id())
}

/// What all objects of an advisory have in common.
struct Frame<'a> {
    namespace: &'a str,
    tracking: &'a str,
    created: String,
    modified: String,
    marking: Option<String>,
    publisher: String,
    refs: Vec<String>,
}

impl Frame<'_> {
    fn convert(mut self, document: &Value, title: &str, made: &mut Made) {
        let name = text(document, "/document/publisher/name").unwrap_or(self.namespace);
        let epoch = "1970-01-01T00:00:00.000Z";
        let mut identity = json!({
            "type": "identity", "spec_version": "2.1", "id": self.publisher, "created": epoch, "modified": epoch,
            "name": name, "identity_class": "organization",
        });
        self.mark(&mut identity);
        made.push(&identity);
        let products: BTreeMap<String, String> =
            defined_products(document).into_iter().take(PARTS_MAX).collect();
        let list = document.get("vulnerabilities").and_then(Value::as_array);
        for (index, vulnerability) in list.into_iter().flatten().take(PARTS_MAX).enumerate() {
            self.vulnerability(index, vulnerability, &products, made);
        }
        let id = format!("report--{}", derived(&["csaf", self.namespace, self.tracking]));
        let mut report = self.object("report", &id);
        let category = text(document, "/document/category").unwrap_or_default();
        let mut extension = Map::from_iter([("extension_type".to_owned(), json!("property-extension"))]);
        for (name, path) in [
            ("csaf_category", "/document/category"),
            ("csaf_status", "/document/tracking/status"),
            ("csaf_version", "/document/tracking/version"),
            ("csaf_severity", "/document/aggregate_severity/text"),
            ("csaf_language", "/document/lang"),
        ] {
            extension.extend(text(document, path).map(|value| (name.to_owned(), json!(value))));
        }
        if self.refs.is_empty() {
            self.refs.push(self.publisher.clone());
        }
        let notes = document.pointer("/document/notes").and_then(Value::as_array).into_iter().flatten();
        let notes: Vec<&str> = notes.filter_map(|note| text(note, "/text")).take(50).collect();
        put(&mut report, "name", json!(title));
        put(&mut report, "published", json!(self.created));
        put(&mut report, "report_types", json!(["vulnerability"]));
        if !notes.is_empty() {
            put(&mut report, "description", json!(notes.join("\n\n")));
        }
        put(&mut report, "object_refs", json!(self.refs));
        let mut references = vec![
            json!({ "source_name": self.namespace, "external_id": self.tracking, "description": category }),
        ];
        references.extend(urls(document.pointer("/document/references")));
        put(&mut report, "external_references", json!(references));
        put(&mut report, "extensions", json!({ ADVISORY_EXTENSION: extension }));
        made.push(&report);
    }

    fn vulnerability(
        &mut self,
        index: usize,
        value: &Value,
        products: &BTreeMap<String, String>,
        made: &mut Made,
    ) {
        let cve = text(value, "/cve").filter(|cve| is_cve(cve));
        let title = text(value, "/title")
            .map(str::to_owned)
            .unwrap_or_else(|| format!("{}, {}", self.tracking, index + 1));
        let named = |ids: Option<&Value>| -> Vec<String> {
            let ids = ids.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let name = |id: &str| products.get(id).cloned().unwrap_or_else(|| id.to_owned());
            ids.take(PARTS_MAX).map(name).collect()
        };
        let mut status = Map::new();
        for (name, ids) in value.get("product_status").and_then(Value::as_object).into_iter().flatten() {
            let names = named(Some(ids));
            if !names.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                status.insert(name.clone(), json!(names));
            }
        }
        let mut extension = json!({ "source": "csaf" });
        if !status.is_empty() {
            put(&mut extension, "product_status", Value::Object(status));
        }
        let scores = value.get("scores").and_then(Value::as_array).into_iter().flatten();
        let scores: Vec<&str> = scores
            .filter_map(|score| {
                text(score, "/cvss_v3/vectorString").or_else(|| text(score, "/cvss_v2/vectorString"))
            })
            .collect();
        if !scores.is_empty() {
            put(&mut extension, "cvss", json!(scores));
        }
        if let Some(cwe) = text(value, "/cwe/id") {
            put(&mut extension, "cwe", json!([cwe]));
        }
        let notes = value.get("notes").and_then(Value::as_array).into_iter().flatten();
        let notes: Vec<&str> = notes.filter_map(|note| text(note, "/text")).take(50).collect();
        let source = format!("csaf\n{}\n{}", self.namespace, self.tracking);
        let statement = Statement {
            source: &source,
            cve: cve.unwrap_or(&title),
            created: self.created.clone(),
            modified: self.modified.clone(),
            description: (!notes.is_empty()).then(|| notes.join("\n\n")),
            extension,
            references: urls(value.get("references")),
            marking: self.marking.clone(),
        };
        let mut object = statement.object();
        put(&mut object, "created_by_ref", json!(self.publisher));
        if cve.is_none()
            && let Some(references) = object.get_mut("external_references").and_then(Value::as_array_mut)
            && let Some(first) = references.first_mut()
        {
            *first = json!({ "source_name": self.namespace, "external_id": self.tracking });
        }
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        made.push(&object);
        self.refs.push(id.clone());
        self.remediations(&id, value, &named, made);
        for product in named(value.pointer("/product_status/known_affected")).into_iter().take(1_000) {
            self.software(&id, &product, made);
        }
    }

    fn remediations(
        &mut self,
        vulnerability: &str,
        value: &Value,
        named: &impl Fn(Option<&Value>) -> Vec<String>,
        made: &mut Made,
    ) {
        let list = value.get("remediations").and_then(Value::as_array);
        for remediation in list.into_iter().flatten().take(1_000) {
            let Some(details) = text(remediation, "/details") else { continue };
            let category = text(remediation, "/category").unwrap_or("remediation");
            let id = derived(&["csaf-remediation", self.namespace, self.tracking, category, details]);
            let id = format!("course-of-action--{id}");
            let mut action = self.object("course-of-action", &id);
            let products = named(remediation.get("product_ids"));
            let shown: String = products.into_iter().take(5).collect::<Vec<_>>().join(", ");
            put(
                &mut action,
                "name",
                json!(if shown.is_empty() { category.to_owned() } else { format!("{category}: {shown}") }),
            );
            put(&mut action, "description", json!(details));
            if let Some(url) = text(remediation, "/url") {
                put(
                    &mut action,
                    "external_references",
                    json!([{ "source_name": self.namespace, "url": url }]),
                );
            }
            made.push(&action);
            self.refs.push(id.clone());
            self.relate(&id, "mitigates", vulnerability, made);
        }
    }

    fn software(&mut self, vulnerability: &str, product: &str, made: &mut Made) {
        let marking = self.marking.clone().unwrap_or_default();
        let id = format!("software--{}", derived(&["csaf-product", self.namespace, product, &marking]));
        let mut software = json!({ "type": "software", "spec_version": "2.1", "id": id, "name": product });
        self.mark(&mut software);
        made.push(&software);
        if !self.refs.contains(&id) {
            self.refs.push(id.clone());
        }
        self.relate(&id, "has", vulnerability, made);
    }

    fn relate(&mut self, source: &str, word: &str, target: &str, made: &mut Made) {
        let id = format!("relationship--{}", derived(&["csaf-tie", source, word, target]));
        let mut tie = self.object("relationship", &id);
        put(&mut tie, "relationship_type", json!(word));
        put(&mut tie, "source_ref", json!(source));
        put(&mut tie, "target_ref", json!(target));
        made.push(&tie);
        self.refs.push(id);
    }

    fn object(&self, object_type: &str, id: &str) -> Value {
        let mut object = json!({
            "type": object_type,
            "spec_version": "2.1",
            "id": id,
            "created_by_ref": self.publisher,
            "created": self.created,
            "modified": self.modified,
        });
        self.mark(&mut object);
        object
    }

    fn mark(&self, object: &mut Value) {
        if let Some(marking) = &self.marking {
            put(object, "object_marking_refs", json!([marking]));
        }
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn urls(references: Option<&Value>) -> Vec<Value> {
    let list = references.and_then(Value::as_array).into_iter().flatten().take(200);
    list.filter_map(|reference| {
        let url = text(reference, "/url")
            .filter(|url| url.starts_with("http://") || url.starts_with("https://"))?;
        Some(json!({ "source_name": text(reference, "/category").unwrap_or("external"), "url": url }))
    })
    .collect()
}
