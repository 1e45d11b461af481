//! Data markings (STIX 2.1 §7.2): which marking definitions apply to an object, and what the known ones mean.

use serde_json::{Map, Value};

use crate::{Id, Object, ParseError};

/// Traffic Light Protocol 2.0 levels, from the freest to the strictest; TLP 1.0 `WHITE` reads as `Clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// TLP:CLEAR, TLP:WHITE.
    Clear,
    /// TLP:GREEN.
    Green,
    /// TLP:AMBER.
    Amber,
    /// TLP:AMBER+STRICT.
    AmberStrict,
    /// TLP:RED.
    Red,
}

/// The UUIDs of the marking definitions that have one meaning for everybody.
const TLP_1: [(&str, Tlp); 4] = [
    ("613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
];

const TLP_2: [(&str, Tlp); 5] = [
    ("94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    ("e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
];

/// The OASIS extension that defines the TLP 2.0 marking definitions.
pub const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

impl Tlp {
    /// Every level, from the freest to the strictest.
    pub const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// The name used on the wire, in storage, in configuration and in policies: `clear`, `green`, `amber`, `amber+strict`, `red`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The name for people, e.g. `TLP:AMBER+STRICT`.
    #[must_use]
    pub fn title(self) -> String {
        format!("TLP:{}", self.name().to_ascii_uppercase())
    }

    /// The identifier of the TLP 2.0 marking definition of this level.
    #[must_use]
    pub fn id(self) -> String {
        let uuid =
            TLP_2.iter().find_map(|(uuid, level)| (*level == self).then_some(*uuid)).unwrap_or_default();
        format!("marking-definition--{uuid}")
    }

    /// The TLP 2.0 marking definition of this level, as OASIS fixed it, as the JSON text of a STIX object.
    #[must_use]
    pub fn definition(self) -> String {
        format!(
            concat!(
                r#"{{"type":"marking-definition","spec_version":"2.1","id":"{id}","created":"2022-10-01T00:00:00.000Z","#,
                r#""name":"{name}","extensions":{{"{extension}":{{"extension_type":"property-extension","tlp_2_0":"{word}"}}}}}}"#
            ),
            id = self.id(),
            name = self.title(),
            extension = TLP_2_EXTENSION,
            word = self.name(),
        )
    }
}

/// The level that a marking definition of the specification stands for, by its fixed identifier: the four of TLP 1.0
/// (STIX 2.1 §7.2.1.4) and the five of TLP 2.0 (OASIS extension `60a3c5c5-…`).
#[must_use]
pub fn tlp(marking: &Id) -> Option<Tlp> {
    let uuid = marking.as_str().strip_prefix("marking-definition--")?;
    TLP_1.iter().chain(&TLP_2).find_map(|(known, level)| known.eq_ignore_ascii_case(uuid).then_some(*level))
}

/// The Permissible Actions Protocol: what a recipient may do with information, from the freest to the strictest; `WHITE` of its
/// first version reads as `Clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pap {
    /// PAP:CLEAR, PAP:WHITE: anything that the licence allows.
    Clear,
    /// PAP:GREEN: active actions, e.g. blocking.
    Green,
    /// PAP:AMBER: passive cross-checks, e.g. asking a third party.
    Amber,
    /// PAP:RED: no action that others could notice.
    Red,
}

/// The UUIDs of the marking definitions of the OASIS extension for PAP.
const PAP: [(&str, Pap); 5] = [
    ("a3bea94c-b469-41dc-9cfe-d6e7daba7730", Pap::Clear),
    ("ad15a0cd-55b6-4588-a14c-a66105329b92", Pap::Clear),
    ("c43594d1-4b11-4c59-93ab-1c9b14d53ce9", Pap::Green),
    ("60f8932b-e51e-4458-b265-a2e8be9a80ab", Pap::Amber),
    ("740d36e5-7714-4c30-961a-3ae632ceee0e", Pap::Red),
];

/// The extension of the OASIS common object repository that defines the PAP marking definitions; its property is `pap`.
pub const PAP_EXTENSION: &str = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b";

impl Pap {
    /// Every level, from the freest to the strictest.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Green, Self::Amber, Self::Red];

    /// The name in storage, in agreements and in policies: `clear`, `green`, `amber`, `red`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }

    /// The level of that name; `white` is `clear`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "white" {
            return Some(Self::Clear);
        }
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The name for people, e.g. `PAP:AMBER`.
    #[must_use]
    pub fn title(self) -> String {
        format!("PAP:{}", self.name().to_ascii_uppercase())
    }

    /// The identifier of the marking definition of this level.
    #[must_use]
    pub fn id(self) -> String {
        // The newest spelling of a level stands last.
        let found = PAP.iter().rev().find_map(|(uuid, level)| (*level == self).then_some(*uuid));
        format!("marking-definition--{}", found.unwrap_or_default())
    }

    /// The marking definition of this level as the JSON text of a STIX object.
    #[must_use]
    pub fn definition(self) -> String {
        format!(
            concat!(
                r#"{{"type":"marking-definition","spec_version":"2.1","id":"{id}","created":"2022-10-02T00:00:00.000Z","#,
                r#""name":"{name}","extensions":{{"{extension}":{{"extension_type":"property-extension","pap":"{word}"}}}}}}"#
            ),
            id = self.id(),
            name = self.title(),
            extension = PAP_EXTENSION,
            word = self.name(),
        )
    }
}

/// The level that a marking definition of the PAP extension stands for, by its fixed identifier.
#[must_use]
pub fn pap(marking: &Id) -> Option<Pap> {
    let uuid = marking.as_str().strip_prefix("marking-definition--")?;
    PAP.iter().find_map(|(known, level)| known.eq_ignore_ascii_case(uuid).then_some(*level))
}

/// Every marking of an object: `object_marking_refs` and the `marking_ref`s of its granular markings, sorted, once each.
///
/// None is left out: [`Object::parse`] refuses an object with a marking that cannot be read.
#[must_use]
pub fn marking_refs(object: &Object) -> Vec<Id> {
    let mut all = object_marking_refs(object);
    all.extend(granular(object).into_iter().filter_map(|granular| granular.marking_ref));
    all.sort_unstable();
    all.dedup();
    all
}

/// The markings of the whole object, in the order written.
#[must_use]
pub fn object_marking_refs(object: &Object) -> Vec<Id> {
    let refs = object.get("object_marking_refs").and_then(Value::as_array);
    refs.into_iter().flatten().filter_map(|item| Id::parse(item.as_str()?).ok()).collect()
}

/// One granular marking (STIX 2.1 §7.2.3): a marking or a language for some of the properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granular {
    /// The marking definition, unless this tells a language.
    pub marking_ref: Option<Id>,
    /// The language (RFC 5646), unless this tells a marking.
    pub lang: Option<String>,
    /// The properties it applies to (STIX 2.1 §7.2.3.1), as written.
    pub selectors: Vec<String>,
}

/// The granular markings of an object, in the order written.
#[must_use]
pub fn granular(object: &Object) -> Vec<Granular> {
    let list = object.get("granular_markings").and_then(Value::as_array);
    let read = |item: &Value| {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let selectors = item.get("selectors").and_then(Value::as_array);
        Granular {
            marking_ref: text("marking_ref").and_then(|id| Id::parse(id).ok()),
            lang: text("lang").map(str::to_owned),
            selectors: selectors.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    };
    list.into_iter().flatten().map(read).collect()
}

/// What a selector names (STIX 2.1 §7.2.3.1), e.g. `labels.[0]` or `kill_chain_phases.[1].phase_name`; `None` where nothing of
/// the object stands there.
#[must_use]
pub fn select<'a>(properties: &'a Map<String, Value>, selector: &str) -> Option<&'a Value> {
    let (first, mut rest) =
        selector.split_once('.').map_or((selector, None), |(first, rest)| (first, Some(rest)));
    let mut value = properties.get(first)?;
    while let Some(path) = rest {
        let (step, after) = path.split_once('.').map_or((path, None), |(step, after)| (step, Some(after)));
        value = match step.strip_prefix('[').and_then(|step| step.strip_suffix(']')) {
            Some(index) => value.as_array()?.get(index.parse::<usize>().ok()?)?,
            None => value.as_object()?.get(step)?,
        };
        rest = after;
    }
    Some(value)
}

/// Refuses an object whose markings cannot all be read: it would be taken for less restricted than its producer meant.
pub(crate) fn check_readable(properties: &Map<String, Value>) -> Result<(), ParseError> {
    let error = |path: String| ParseError {
        code: "stix-marking",
        message: format!("`{path}` cannot be read as a marking, so who may see the object is unknown"),
    };
    let list = |name: &str| match properties.get(name) {
        None => Ok(None),
        Some(value) => value.as_array().map(Some).ok_or_else(|| error(name.to_owned())),
    };
    for (index, item) in list("object_marking_refs")?.into_iter().flatten().enumerate() {
        if item.as_str().is_none_or(|text| Id::parse(text).is_err()) {
            return Err(error(format!("object_marking_refs[{index}]")));
        }
    }
    for (index, item) in list("granular_markings")?.into_iter().flatten().enumerate() {
        let map = item.as_object().ok_or_else(|| error(format!("granular_markings[{index}]")))?;
        let unreadable =
            map.get("marking_ref").is_some_and(|v| v.as_str().is_none_or(|id| Id::parse(id).is_err()));
        if unreadable || !(map.contains_key("marking_ref") || map.contains_key("lang")) {
            return Err(error(format!("granular_markings[{index}].marking_ref")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Pap, Tlp, marking_refs, pap, select, tlp};
    use crate::{Id, Object};

    #[test]
    fn the_fixed_definitions_are_objects_that_mean_their_level() {
        for level in Tlp::ALL {
            let object = Object::parse(Bytes::from(level.definition())).unwrap();
            assert_eq!(tlp(object.id()), Some(level));
            assert_eq!(object.text("name"), Some(level.title().as_str()));
        }
    }

    #[test]
    fn the_definitions_of_pap_are_objects_that_mean_their_level() {
        for level in Pap::ALL {
            let object = Object::parse(Bytes::from(level.definition())).unwrap();
            assert_eq!(pap(object.id()), Some(level));
            assert_eq!(Pap::parse(level.name()), Some(level));
            assert_eq!(object.text("name"), Some(level.title().as_str()));
        }
        let white = Id::parse("marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730").unwrap();
        assert_eq!((pap(&white), Pap::parse("white")), (Some(Pap::Clear), Some(Pap::Clear)));
        assert_eq!(pap(&Id::parse(&Tlp::Red.id()).unwrap()), None);
    }

    #[test]
    fn the_older_protocol_reads_as_the_newer() {
        let white = Id::parse("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9").unwrap();
        let red = Id::parse("marking-definition--5E57C739-391A-4EB3-B6BE-7D15CA92D5ED").unwrap();
        assert_eq!((tlp(&white), tlp(&red)), (Some(Tlp::Clear), Some(Tlp::Red)));
        let other = Id::parse("identity--613f2e26-407d-48c7-9eca-b8e91df99dc9").unwrap();
        assert_eq!(tlp(&other), None);
    }

    #[test]
    fn selectors_resolve_by_name_and_position() {
        let json = serde_json::json!({"a": [{"b": {"c.d": 1, "e": "x"}}], "empty": ""});
        let map = json.as_object().unwrap();
        assert_eq!(select(map, "a.[0].b.e").and_then(|v| v.as_str()), Some("x"));
        assert!(select(map, "empty").is_some());
        for missing in ["a.[1]", "a.b", "a.[0].b.f", "", "a.", ".a", "a.[x]", "empty.[0]"] {
            assert_eq!(select(map, missing), None, "{missing}");
        }
    }

    #[test]
    fn an_unreadable_marking_is_refused_and_all_others_are_found() {
        let object = |markings: &str| {
            let text = format!(
                r#"{{"type":"url","id":"url--c1477287-23ac-5971-a010-5c287877fa60","value":"u",{markings}}}"#
            );
            Object::parse(Bytes::from(text))
        };
        let red = Tlp::Red.id();
        let found = object(&format!(
            r#""object_marking_refs":["{red}"],"granular_markings":[{{"marking_ref":"{}","selectors":["value"]}},{{"lang":"ja","selectors":["value"]}}]"#,
            Tlp::Green.id()
        ));
        assert_eq!(marking_refs(&found.unwrap()).len(), 2);
        for bad in [
            r#""object_marking_refs":["tlp-red"]"#,
            r#""object_marking_refs":"x""#,
            r#""granular_markings":[{"selectors":["value"]}]"#,
            r#""granular_markings":[{"marking_ref":7,"selectors":["value"]}]"#,
            r#""granular_markings":[7]"#,
        ] {
            assert_eq!(object(bad).map(|_| ()).map_err(|e| e.code), Err("stix-marking"), "{bad}");
        }
    }
}
