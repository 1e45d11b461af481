//! Attributes.

use serde_json::{Map, Value, json};

use super::{Element, Frame, Making, extend, put_list, stamp};
use crate::extension::derived;
use crate::facts::{self, Draft, Fact};
use crate::lenient::{Fields, text, time, truth};
use crate::projection::Kind;

/// An `observed-data` and what it refers to.
type Observed = (Map<String, Value>, Vec<Map<String, Value>>);

impl Making {
    pub(super) fn attribute(&mut self, fields: &Fields, frame: &mut Frame) {
        self.report().attributes += 1;
        let element = self.element(Kind::Attribute, fields, frame);
        let kind = text(fields, "type").unwrap_or_default();
        let value = text(fields, "value").unwrap_or_default();
        self.look_at(&value, &element);
        let facts = facts::facts(&kind, &value, None);
        let original = self.without_sightings(fields);
        let drafts = [
            self.attribute_indicator(&element, &kind, &value, &facts, frame),
            self.attribute_named(&element, &kind, &value, frame),
        ];
        let mut made = None;
        for mut draft in drafts.into_iter().flatten() {
            if made.is_none() {
                typed(&mut draft, fields, "type");
                made = self.place(draft, &element, &original, frame);
            }
        }
        if made.is_none() {
            made = self.attribute_observed(&element, &facts, &original, frame);
        }
        if made.is_none() {
            let mut note = self.note(&element, &kind, &value, frame);
            typed(&mut note, fields, "type");
            made = self.place(note, &element, &original, frame);
        }
        let Some(id) = made else {
            *self.report().lost.entry("attribute".to_owned()).or_default() += 1;
            self.report().warn(
                "attribute-unfit",
                &element.uuid.to_string(),
                "the attribute could not be written as STIX",
            );
            return;
        };
        frame.became.insert(element.uuid, id.clone());
        self.sightings(fields, element.uuid, &id, &element.markings, frame);
        self.galaxies(fields, Some(&id), &element.markings, frame);
    }

    /// Tells of a value that is meant to be taken for another one.
    pub(super) fn look_at(&mut self, value: &str, element: &Element<'_>) {
        if value.len() < 2_048
            && let Some(suspicion) = crate::suspicion(value)
        {
            self.report().warn("homograph", &element.uuid.to_string(), suspicion);
        }
    }

    fn attribute_indicator(
        &mut self,
        element: &Element<'_>,
        kind: &str,
        value: &str,
        facts: &[Fact],
        frame: &Frame,
    ) -> Option<Map<String, Value>> {
        if truth(element.fields, "to_ids") != Some(true) || value.is_empty() {
            return None;
        }
        let (language, pattern) = match rule_language(kind) {
            Some(language) => (language, value.to_owned()),
            None => ("stix", facts::pattern(facts)?),
        };
        if language == "stix" && !facts.is_empty() && !facts::are_specific(facts) {
            let message =
                format!("`{kind}` alone would match half of the network: it is kept and not looked for");
            self.report().warn("indicator-too-broad", &element.uuid.to_string(), message);
            return None;
        }
        let mut draft = self.draft("indicator", element, frame);
        draft.insert("name".to_owned(), json!(value));
        draft.insert("pattern".to_owned(), json!(pattern));
        draft.insert("pattern_type".to_owned(), json!(language));
        draft.insert("valid_from".to_owned(), json!(stamp(first_seen(element))));
        if let Some(phases) = phases(element.fields) {
            draft.insert("kill_chain_phases".to_owned(), phases);
        }
        Some(draft)
    }

    /// What the attribute names is a domain object of its own.
    fn attribute_named(
        &self,
        element: &Element<'_>,
        kind: &str,
        value: &str,
        frame: &Frame,
    ) -> Option<Map<String, Value>> {
        let object_type = match kind {
            "vulnerability" => "vulnerability",
            "campaign-name" => "campaign",
            "threat-actor" => "threat-actor",
            _ => return None,
        };
        let mut draft = self.draft(object_type, element, frame);
        draft.insert("name".to_owned(), json!(value));
        if object_type == "vulnerability"
            && value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("CVE-"))
        {
            let reference = json!([{ "source_name": "cve", "external_id": value }]);
            draft.insert("external_references".to_owned(), reference);
        }
        Some(draft)
    }

    fn attribute_observed(
        &mut self,
        element: &Element<'_>,
        facts: &[Fact],
        original: &Fields,
        frame: &mut Frame,
    ) -> Option<String> {
        let drafts = facts::observables(facts);
        let mut draft = self.observed(element, drafts, frame)?;
        typed(&mut draft.0, element.fields, "type");
        if let Some(value) = element.fields.get("value") {
            extend(&mut draft.0, "value", value.clone());
        }
        self.place_observed(draft, element, original, frame)
    }

    /// An `observed-data` with its observables, which are not taken yet.
    pub(super) fn observed(
        &self,
        element: &Element<'_>,
        drafts: Vec<Draft>,
        frame: &Frame,
    ) -> Option<Observed> {
        if drafts.is_empty() {
            return None;
        }
        let mut made: Vec<(String, Map<String, Value>)> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            made.push(self.observable(draft, &made, element)?);
        }
        let mut observed = self.draft("observed-data", element, frame);
        let first = first_seen(element);
        let last = time(element.fields, "last_seen").filter(|last| *last >= first).unwrap_or(first);
        observed.insert("first_observed".to_owned(), json!(stamp(first)));
        observed.insert("last_observed".to_owned(), json!(stamp(last)));
        observed.insert("number_observed".to_owned(), json!(1));
        let mut ids: Vec<String> = made.iter().map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        put_list(&mut observed, "object_refs", &ids);
        Some((observed, made.into_iter().map(|(_, object)| object).collect()))
    }

    /// One observable. Observables have no versions, so its identifier follows from the element and everything in it: an edited
    /// value is another observable, and a value that somebody else reports under another marking does not meet this one.
    fn observable(
        &self,
        draft: Draft,
        before: &[(String, Map<String, Value>)],
        element: &Element<'_>,
    ) -> Option<(String, Map<String, Value>)> {
        let mut object = Map::new();
        object.insert("type".to_owned(), json!(draft.object_type));
        object.insert("spec_version".to_owned(), json!("2.1"));
        object.extend(draft.properties);
        for (property, position, is_list) in draft.refers {
            let (id, _) = before.get(position)?;
            if is_list {
                let list = object.entry(property).or_insert_with(|| json!([]));
                list.as_array_mut()?.push(json!(id));
            } else {
                object.insert(property.to_owned(), json!(id));
            }
        }
        if !element.markings.is_closed {
            put_list(&mut object, "object_marking_refs", &element.markings.refs);
        }
        let content = Value::Object(object.clone()).to_string();
        let id = format!("{}--{}", draft.object_type, derived(&[&element.uuid.to_string(), &content]));
        object.insert("id".to_owned(), json!(id));
        Some((id, object))
    }

    pub(super) fn place_observed(
        &mut self,
        (observed, observables): Observed,
        element: &Element<'_>,
        original: &Fields,
        frame: &mut Frame,
    ) -> Option<String> {
        let count = self.made.objects.len();
        let mut ids = Vec::new();
        let is_listed = Self::is_listed(element, frame);
        for object in observables {
            let known = object.get("id").and_then(Value::as_str).is_some_and(|id| self.ids.contains(id));
            match if known { Some(String::new()) } else { self.take(object) } {
                Some(id) if id.is_empty() => {}
                Some(id) => ids.push(id),
                // One that is no valid STIX: none of them, and the element becomes a note.
                None => {
                    self.made.objects.truncate(count);
                    for id in ids {
                        self.ids.remove(&id);
                        let object_type = id.split("--").next().unwrap_or_default().to_owned();
                        self.report().converted.entry(object_type).and_modify(|count| *count -= 1);
                    }
                    self.report().converted.retain(|_, count| *count > 0);
                    return None;
                }
            }
        }
        let id = self.place(observed, element, original, frame)?;
        if is_listed {
            frame.listed.extend(ids);
        }
        Some(id)
    }

    /// What nothing else in STIX says.
    pub(super) fn note(
        &self,
        element: &Element<'_>,
        kind: &str,
        value: &str,
        frame: &Frame,
    ) -> Map<String, Value> {
        let mut note = self.draft("note", element, frame);
        note.shift_remove("description");
        note.insert("abstract".to_owned(), json!(if kind.is_empty() { "MISP" } else { kind }));
        note.insert("content".to_owned(), json!(if value.is_empty() { "(empty)" } else { value }));
        note.insert("object_refs".to_owned(), json!([frame.report_id]));
        note
    }
}

/// Says in the extension what the element's type and category were.
pub(super) fn typed(draft: &mut Map<String, Value>, fields: &Fields, type_name: &str) {
    let category = if type_name == "type" { "category" } else { "meta-category" };
    for (property, name) in [("misp_type", type_name), ("category", category)] {
        if let Some(text @ Value::String(_)) = fields.get(name) {
            extend(draft, property, text.clone());
        }
    }
}

/// Rules in languages of their own.
pub(super) fn rule_language(kind: &str) -> Option<&'static str> {
    match kind {
        "snort" => Some("snort"),
        "suricata" => Some("suricata"),
        "yara" => Some("yara"),
        "sigma" => Some("sigma"),
        "stix2-pattern" => Some("stix"),
        _ => None,
    }
}

pub(super) fn first_seen(element: &Element<'_>) -> jiff::Timestamp {
    time(element.fields, "first_seen").unwrap_or(element.modified)
}

/// MISP's category as a kill chain, as MISP's own exports write it.
fn phases(fields: &Fields) -> Option<Value> {
    let category = text(fields, "category")?;
    Some(json!([{ "kill_chain_name": "misp-category", "phase_name": category }]))
}
