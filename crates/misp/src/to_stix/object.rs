//! Objects and the references between them.

use serde_json::{Map, Value, json};

use super::attribute::{first_seen, rule_language, typed};
use super::{Element, Frame, Making, stamp};
use crate::facts::{self, Fact, FactKind};
use crate::lenient::{Fields, list, text, truth, uuid};
use crate::projection::Kind;

impl Making {
    pub(super) fn object(&mut self, fields: &Fields, frame: &mut Frame) {
        self.report().objects += 1;
        let mut element = self.element(Kind::Object, fields, frame);
        for attribute in list(fields, "Attribute") {
            self.report().attributes += 1;
            self.look_at(&text(attribute, "value").unwrap_or_default(), &element);
            self.join_markings(attribute, &mut element);
        }
        let name = text(fields, "name").unwrap_or_default();
        let original = self.without_references(fields, frame);
        let mut made = None;
        for mut draft in
            [self.object_named(&element, &name, frame), self.object_indicator(&element, &name, frame)]
                .into_iter()
                .flatten()
        {
            if made.is_none() {
                typed(&mut draft, fields, "name");
                made = self.place(draft, &element, &original, frame);
            }
        }
        if made.is_none()
            && let Some(mut draft) =
                self.observed(&element, facts::observables(&facts_of(&element, &name, false)), frame)
        {
            typed(&mut draft.0, fields, "name");
            made = self.place_observed(draft, &element, &original, frame);
        }
        if made.is_none() {
            let mut note = self.note(&element, &name, &listing(fields), frame);
            typed(&mut note, fields, "name");
            made = self.place(note, &element, &original, frame);
        }
        let Some(id) = made else {
            *self.report().lost.entry("object".to_owned()).or_default() += 1;
            self.report().warn(
                "object-unfit",
                &element.uuid.to_string(),
                "the object could not be written as STIX",
            );
            return;
        };
        frame.became.insert(element.uuid, id.clone());
        self.galaxies(fields, Some(&id), &element.markings, frame);
        for attribute in list(fields, "Attribute") {
            if let Some(uuid) = uuid(attribute, "uuid") {
                frame.became.insert(uuid, id.clone());
            }
            self.galaxies(attribute, Some(&id), &element.markings, frame);
        }
    }

    /// An object holds what its attributes hold, so it bears their markings, too.
    fn join_markings(&mut self, attribute: &Fields, element: &mut Element<'_>) {
        let own = crate::marking::Markings::of(attribute);
        // An object whose attributes may not all leave is closed as a whole.
        element.markings.is_closed |= own.is_closed;
        for marking in own.refs {
            if !element.markings.refs.contains(&marking) {
                element.inherited.push(marking.clone());
                element.markings.refs.push(marking);
            }
        }
    }

    /// Templates that are a domain object of STIX.
    fn object_named(&self, element: &Element<'_>, name: &str, frame: &Frame) -> Option<Map<String, Value>> {
        let (object_type, named_by, described_by): (&str, &[&str], &[&str]) = match name {
            "vulnerability" => ("vulnerability", &["id", "cve-id"], &["description", "summary"]),
            "attack-pattern" => ("attack-pattern", &["name", "id"], &["summary", "description"]),
            "course-of-action" => ("course-of-action", &["name"], &["description"]),
            "intrusion-set" => ("intrusion-set", &["name"], &["description"]),
            _ => return None,
        };
        let value = |relations: &[&str]| {
            relations.iter().find_map(|relation| {
                let attribute = list(element.fields, "Attribute")
                    .find(|attribute| text(attribute, "object_relation").as_deref() == Some(*relation))?;
                text(attribute, "value")
            })
        };
        let title = value(named_by)?;
        let mut draft = self.draft(object_type, element, frame);
        if !draft.contains_key("description")
            && let Some(description) = value(described_by)
        {
            draft.insert("description".to_owned(), json!(description));
        }
        if object_type == "vulnerability" {
            let reference = json!([{ "source_name": "cve", "external_id": title }]);
            draft.insert("external_references".to_owned(), reference);
        }
        draft.insert("name".to_owned(), json!(title));
        Some(draft)
    }

    /// Of hashes that are meant for detection any is enough: they are of one file, and a log seldom has all of them. Otherwise all
    /// that is meant for detection must be seen together.
    fn object_indicator(
        &mut self,
        element: &Element<'_>,
        name: &str,
        frame: &Frame,
    ) -> Option<Map<String, Value>> {
        let rule = list(element.fields, "Attribute")
            .filter(|attribute| truth(attribute, "to_ids") == Some(true))
            .find_map(|attribute| {
                Some((rule_language(&text(attribute, "type")?)?, text(attribute, "value")?))
            });
        let (language, pattern) = match rule {
            Some(rule) => rule,
            None => {
                let facts = facts_of(element, name, true);
                let hashes: Vec<&Fact> = facts.iter().filter(|fact| fact.kind.is_hash()).collect();
                if hashes.is_empty() && !facts.is_empty() && !facts::are_specific(&facts) {
                    let message = "what it is to be detected by would match half of the network: it is kept and not looked for";
                    self.report().warn("indicator-too-broad", &element.uuid.to_string(), message);
                    return None;
                }
                let pattern =
                    if hashes.is_empty() { facts::pattern(&facts) } else { facts::pattern_of_any(&hashes) };
                ("stix", pattern?)
            }
        };
        let mut draft = self.draft("indicator", element, frame);
        let first = list(element.fields, "Attribute")
            .find_map(|attribute| text(attribute, "value"))
            .unwrap_or_default();
        let title: String = format!("{name}: {first}").chars().take(250).collect();
        draft.insert("name".to_owned(), json!(title));
        draft.insert("pattern".to_owned(), json!(pattern));
        draft.insert("pattern_type".to_owned(), json!(language));
        draft.insert("valid_from".to_owned(), json!(stamp(first_seen(element))));
        Some(draft)
    }

    /// The object without the references that become relationships.
    fn without_references(&self, fields: &Fields, frame: &Frame) -> Fields {
        let mut original = fields.clone();
        if let Some(Value::Array(references)) = original.get_mut("ObjectReference")
            && !references.is_empty()
            && references.iter().all(|reference| target(reference, frame).is_some())
        {
            original.shift_remove("ObjectReference");
        }
        original
    }

    pub(super) fn references(&mut self, fields: &Fields, frame: &mut Frame) {
        let Some(Value::Array(references)) = fields.get("ObjectReference") else { return };
        let source =
            uuid(fields, "uuid").and_then(|uuid| frame.became.get(&uuid)).cloned().unwrap_or_default();
        if source.is_empty() || !references.iter().all(|reference| target(reference, frame).is_some()) {
            return;
        }
        let object_markings = crate::marking::Markings::of(fields);
        for reference in references.iter().filter_map(Value::as_object) {
            let Some(target) = target(&Value::Object(reference.clone()), frame) else { continue };
            let mut element = self.element(Kind::Reference, reference, frame);
            element.markings.is_closed |= object_markings.is_closed;
            let mut relationship = self.draft("relationship", &element, frame);
            relationship.insert("relationship_type".to_owned(), json!(relationship_word(reference)));
            relationship.insert("source_ref".to_owned(), json!(source));
            relationship.insert("target_ref".to_owned(), json!(target));
            if self.place(relationship, &element, reference, frame).is_none() {
                *self.report().lost.entry("reference".to_owned()).or_default() += 1;
            }
        }
    }
}

/// What a reference leads to, if it is part of the event.
fn target(reference: &Value, frame: &Frame) -> Option<String> {
    let fields = reference.as_object()?;
    frame.became.get(&uuid(fields, "referenced_uuid")?).cloned()
}

/// MISP's relationship types are free text; STIX has words.
fn relationship_word(reference: &Fields) -> String {
    let written = text(reference, "relationship_type").unwrap_or_default().to_ascii_lowercase();
    let word: String =
        written.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(100).collect();
    let word = word.trim_matches('-').to_owned();
    if word.len() < 3 { "related-to".to_owned() } else { word }
}

/// What the object's attributes say together.
fn facts_of(element: &Element<'_>, name: &str, for_detection: bool) -> Vec<Fact> {
    let attributes =
        list(element.fields, "Attribute").filter(|attribute| truth(attribute, "deleted") != Some(true));
    let wanted = attributes.filter(|attribute| !for_detection || truth(attribute, "to_ids") == Some(true));
    let mut facts: Vec<Fact> = Vec::new();
    for attribute in wanted {
        let (Some(kind), Some(value)) = (text(attribute, "type"), text(attribute, "value")) else { continue };
        let relation = text(attribute, "object_relation").unwrap_or_default();
        for fact in facts::facts(&kind, &value, Some((name, &relation))) {
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
    }
    // A name resolves to addresses only where there is a name.
    if !facts.iter().any(|fact| fact.kind == FactKind::Domain) {
        for fact in facts.iter_mut().filter(|fact| fact.kind == FactKind::Resolved) {
            fact.kind = FactKind::Address;
        }
    }
    facts
}

/// `relation: value`, one a line, for people.
fn listing(fields: &Fields) -> String {
    let mut lines = String::new();
    for attribute in list(fields, "Attribute") {
        let value = text(attribute, "value").unwrap_or_default();
        let relation = text(attribute, "object_relation").unwrap_or_default();
        lines.push_str(&format!("{relation}: {value}\n"));
        if lines.len() > 65_536 {
            break;
        }
    }
    lines
}
