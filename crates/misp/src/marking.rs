//! Tags and distribution that say who may have something, as STIX markings and back.
//!
//! - `tlp:…` tags are the marking definitions with fixed identifiers: `tlp:white` that of TLP 1.0, all others those of TLP 2.0.
//! - `PAP:…` tags are the marking definitions of the OASIS extension for PAP, with fixed identifiers, too.
//! - An ACS marking galaxy is a reference to the marking definition that its cluster is named after.
//! - Distribution 0 ("your organisation only") bears no marking at all: nothing unmarked leaves its originator.
//! - Distribution 4 is a marking definition that names the sharing group by its UUID and nothing else.

use serde_json::{Value, json};
use stix::marking::Tlp;
use uuid::Uuid;

use crate::lenient::{Fields, list, number, text, uuid};

/// TLP:WHITE of TLP 1.0 (STIX 2.1 §7.2.1.4), which is not the same definition as TLP:CLEAR of 2.0.
const WHITE: &str = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9";

const WHITE_DEFINITION: &str = concat!(
    r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9","#,
    r#""created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:WHITE","definition":{"tlp":"white"}}"#
);

/// Levels of the Permissible Actions Protocol with the marking definitions of the OASIS extension.
const PAP: [(&str, &str); 5] = [
    ("clear", "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92"),
    ("white", "marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730"),
    ("green", "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9"),
    ("amber", "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"),
    ("red", "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"),
];

const PAP_EXTENSION: &str = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b";

/// The extension in which a hub of ours reads which sharing group a marking definition limits an object to.
const GROUP_EXTENSION: &str = "extension-definition--48e4f3c6-45a0-49d9-aa9a-34699f2f4df3";

/// The galaxy in which MISP keeps ACS markings.
pub(crate) const ACS_GALAXY: &str = "stix-2.1-acs-marking";

/// What an element's tags and distribution say about who may have it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Markings {
    /// Marking definitions, in the order of the tags, once each.
    pub(crate) refs: Vec<String>,
    /// The tags that are no markings, by name.
    pub(crate) labels: Vec<String>,
    /// It says that it may not leave its organisation, or something that is not understood.
    pub(crate) is_closed: bool,
    /// A `tlp:` tag of a level that nobody knows.
    pub(crate) unknown_tlp: Option<String>,
}

impl Markings {
    /// Reads `Tag`, `Galaxy` and `distribution` of an event, attribute or object.
    pub(crate) fn of(fields: &Fields) -> Self {
        let mut markings = Self::default();
        for tag in list(fields, "Tag") {
            let Some(name) = text(tag, "name") else { continue };
            match marking_of(&name) {
                Some(marking) => markings.add(marking),
                None => {
                    if name.to_ascii_lowercase().starts_with("tlp:") && !is_tlp_remark(&name) {
                        markings.is_closed = true;
                        markings.unknown_tlp.get_or_insert_with(|| name.clone());
                    }
                    if !markings.labels.contains(&name) {
                        markings.labels.push(name);
                    }
                }
            }
        }
        for galaxy in
            list(fields, "Galaxy").filter(|galaxy| text(galaxy, "type").as_deref() == Some(ACS_GALAXY))
        {
            for cluster in list(galaxy, "GalaxyCluster") {
                match uuid(cluster, "uuid") {
                    Some(uuid) => markings.add(format!("marking-definition--{uuid}")),
                    None => markings.is_closed = true,
                }
            }
        }
        match number(fields, "distribution") {
            Some(0) => markings.is_closed = true,
            Some(4) => match sharing_group(fields) {
                Some(group) => markings.add(group_id(group)),
                None => markings.is_closed = true,
            },
            _ => {}
        }
        markings
    }

    fn add(&mut self, marking: String) {
        if !self.refs.contains(&marking) {
            self.refs.push(marking);
        }
    }
}

/// The sharing group that an element is limited to.
pub(crate) fn sharing_group(fields: &Fields) -> Option<Uuid> {
    let group = fields.get("SharingGroup").and_then(Value::as_object);
    group.and_then(|group| uuid(group, "uuid")).or_else(|| uuid(fields, "sharing_group_uuid"))
}

/// Tags of the TLP taxonomy that are no level.
fn is_tlp_remark(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("tlp:ex:") || name.eq_ignore_ascii_case("tlp:unclear")
}

/// The marking definition that a tag stands for.
pub(crate) fn marking_of(tag: &str) -> Option<String> {
    let lower = tag.trim().to_ascii_lowercase();
    let level = |prefix: &str| {
        let level = lower.strip_prefix(prefix)?.trim();
        // `tlp="amber"` in the form of a machine tag.
        Some(level.trim_matches('"'))
    };
    if let Some(level) = level("tlp:").or_else(|| level("tlp=")) {
        return match level {
            "white" => Some(WHITE.to_owned()),
            level => Tlp::parse(level).map(Tlp::id),
        };
    }
    let level = level("pap:").or_else(|| level("pap="))?;
    PAP.iter().find_map(|(known, id)| (*known == level).then(|| (*id).to_owned()))
}

/// The tag that a marking definition of a fixed meaning stands for.
pub(crate) fn tag_of(marking: &str) -> Option<String> {
    if marking.eq_ignore_ascii_case(WHITE) {
        return Some("tlp:white".to_owned());
    }
    if let Some(level) = stix::Id::parse(marking).ok().and_then(|id| stix::marking::tlp(&id)) {
        return Some(format!("tlp:{}", level.name()));
    }
    let (level, _) = PAP.into_iter().find(|(_, id)| id.eq_ignore_ascii_case(marking))?;
    Some(format!("PAP:{}", level.to_ascii_uppercase()))
}

/// The definitions of markings that need no more than their identifier to be written.
pub(crate) fn definition(marking: &str) -> Option<String> {
    if marking == WHITE {
        return Some(WHITE_DEFINITION.to_owned());
    }
    if let Some(level) = Tlp::ALL.into_iter().find(|level| level.id() == marking) {
        return Some(level.definition());
    }
    let (level, _) = PAP.into_iter().find(|(_, id)| *id == marking)?;
    let definition = json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": marking,
        "created": "2022-10-02T00:00:00.000Z",
        "name": format!("PAP:{}", level.to_ascii_uppercase()),
        "extensions": { PAP_EXTENSION: { "extension_type": "property-extension", "pap": level } },
    });
    Some(definition.to_string())
}

/// The marking definition of a sharing group.
pub(crate) fn group_id(group: Uuid) -> String {
    format!("marking-definition--{group}")
}

/// It names nothing but the group's UUID: who its members are is for those who may see the event.
pub(crate) fn group_definition(group: Uuid) -> Value {
    json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": group_id(group),
        "created": "2020-01-01T00:00:00.000Z",
        "name": format!("MISP sharing group {group}"),
        "extensions": { GROUP_EXTENSION: {
            "extension_type": "property-extension",
            "sharing_group": group.to_string(),
        }},
    })
}

/// Whether a marking definition is one that a conversion to STIX writes by itself.
pub(crate) fn is_made_here(object: &stix::Object) -> bool {
    object.object_type() == "marking-definition"
        && (tag_of(object.id().as_str()).is_some()
            || object.get("extensions").is_some_and(|extensions| extensions.get(GROUP_EXTENSION).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_markings_and_back() {
        for tag in [
            "tlp:white",
            "tlp:clear",
            "tlp:green",
            "tlp:amber",
            "tlp:amber+strict",
            "tlp:red",
            "PAP:RED",
            "PAP:WHITE",
        ] {
            let marking = marking_of(tag).unwrap();
            assert_eq!(tag_of(&marking).as_deref(), Some(tag));
            let definition = stix::Object::parse(definition(&marking).unwrap().into()).unwrap();
            assert_eq!(definition.id().as_str(), marking);
            assert_eq!(stix::validate::validate(&definition).first(), None, "{tag}");
        }
        assert_eq!(marking_of("TLP:AMBER"), marking_of("tlp:amber"));
        assert_eq!(marking_of("tlp:purple"), None);
        assert_eq!(marking_of("misp-galaxy:tool=\"tlp:red\""), None);
    }

    #[test]
    fn what_is_not_understood_stays_closed() {
        let of = |json: &str| Markings::of(&serde_json::from_str(json).unwrap());
        assert!(of(r#"{"Tag":[{"name":"tlp:purple"}]}"#).is_closed);
        assert!(!of(r#"{"Tag":[{"name":"tlp:ex:chr"},{"name":"tlp:green"}]}"#).is_closed);
        assert!(of(r#"{"distribution":"0"}"#).is_closed);
        assert!(of(r#"{"distribution":"4"}"#).is_closed, "a group that is not named");
        let group =
            of(r#"{"distribution":4,"SharingGroup":{"uuid":"5ac52ad5-5a9c-4b51-8fd0-2b41950d210f"}}"#);
        assert_eq!(group.refs, ["marking-definition--5ac52ad5-5a9c-4b51-8fd0-2b41950d210f"]);
    }
}
