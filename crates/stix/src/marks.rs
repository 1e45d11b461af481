//! Markings that somebody puts on objects on the way in, with everything else left byte for byte as it was written.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Id;
use crate::marking::{self, Pap, Tlp};

/// What is to be put on objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// A level of TLP.
    pub tlp: Option<Tlp>,
    /// A level of PAP.
    pub pap: Option<Pap>,
    /// Further marking definitions, such as sharing groups'.
    pub others: Vec<Id>,
    /// Whether they are put on objects that bear markings of their own too. Then they take the place of levels of the same
    /// kind, and the rest stays.
    pub over_others: bool,
}

/// What must be known of an object's text.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type")]
    object_type: String,
    #[serde(borrow, default)]
    object_marking_refs: Option<&'a RawValue>,
    #[serde(default)]
    granular_markings: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    marking_ref: Option<String>,
}

impl Marks {
    /// The object with these markings. What cannot be read as an object, what defines a marking, and what bears its own where
    /// those count, is given back as it came.
    #[must_use]
    pub fn put_on(&self, object: &Bytes) -> Bytes {
        self.marked(object).map_or_else(|| object.clone(), Bytes::from)
    }

    fn marked(&self, object: &Bytes) -> Option<String> {
        let text = std::str::from_utf8(object).ok()?;
        let head: Head<'_> = serde_json::from_str(text).ok()?;
        let now: Vec<String> = match head.object_marking_refs {
            Some(refs) => serde_json::from_str(refs.get()).ok()?,
            None => Vec::new(),
        };
        let is_marked =
            !now.is_empty() || head.granular_markings.iter().any(|part| part.marking_ref.is_some());
        if head.object_type == "marking-definition" || (is_marked && !self.over_others) {
            return None;
        }
        let refs = serde_json::to_string(&self.joined(now)).ok()?;
        let Some(old) = head.object_marking_refs else {
            // `type` is there, so there is something to put a comma before.
            let (before, after) = text.split_once('{')?;
            return Some(format!("{before}{{\"object_marking_refs\":{refs},{after}"));
        };
        let start = (old.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let (before, after) = (text.get(..start)?, text.get(start.checked_add(old.get().len())?..)?);
        Some(format!("{before}{refs}{after}"))
    }

    /// The markings that an object bears and these, each once.
    fn joined(&self, now: Vec<String>) -> Vec<String> {
        let replaced = |marking: &String| {
            Id::parse(marking).is_ok_and(|id| {
                (self.tlp.is_some() && marking::tlp(&id).is_some())
                    || (self.pap.is_some() && marking::pap(&id).is_some())
            })
        };
        let mut all: Vec<String> = now.into_iter().filter(|marking| !replaced(marking)).collect();
        let new = self.tlp.map(Tlp::id).into_iter().chain(self.pap.map(Pap::id));
        for marking in new.chain(self.others.iter().map(ToString::to_string)) {
            if !all.contains(&marking) {
                all.push(marking);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATEMENT: &str = "marking-definition--3b1e2c8c-58a5-4b0e-9a9a-0e6f5b1c2d3e";

    fn put(marks: &Marks, text: &str) -> String {
        String::from_utf8(marks.put_on(&Bytes::copy_from_slice(text.as_bytes())).to_vec()).unwrap()
    }

    fn amber() -> Marks {
        Marks { tlp: Some(Tlp::Amber), ..Marks::default() }
    }

    #[test]
    fn what_bears_none_gets_them_and_everything_else_stays_as_written() {
        let text = " { \"type\" : \"campaign\", \"x_weight\": 1.50, \"name\":\"\\u3042{\" }";
        let expected = format!(
            " {{\"object_marking_refs\":[\"{}\"], \"type\" : \"campaign\", \"x_weight\": 1.50, \"name\":\"\\u3042{{\" }}",
            Tlp::Amber.id()
        );
        assert_eq!(put(&amber(), text), expected);
        let empty = r#"{"type":"campaign","object_marking_refs":[ ],"x":1e2}"#;
        let expected =
            format!(r#"{{"type":"campaign","object_marking_refs":["{}"],"x":1e2}}"#, Tlp::Amber.id());
        assert_eq!(put(&amber(), empty), expected);
    }

    #[test]
    fn what_bears_its_own_keeps_them_unless_they_are_to_go_over_them() {
        let own = format!(
            r#"{{"object_marking_refs" : ["{}","{STATEMENT}","{}"],"type":"campaign"}}"#,
            Tlp::Green.id(),
            Pap::Red.id()
        );
        assert_eq!(put(&amber(), &own), own);
        let over = Marks { over_others: true, others: vec![Id::parse(STATEMENT).unwrap()], ..amber() };
        let expected = format!(
            r#"{{"object_marking_refs" : ["{STATEMENT}","{}","{}"],"type":"campaign"}}"#,
            Pap::Red.id(),
            Tlp::Amber.id()
        );
        assert_eq!(
            put(&over, &own),
            expected,
            "the level is replaced, the rest stays, nothing is there twice"
        );
        let parts = format!(
            r#"{{"type":"campaign","granular_markings":[{{"marking_ref":"{}","selectors":["name"]}}]}}"#,
            Tlp::Red.id()
        );
        assert_eq!(put(&amber(), &parts), parts, "a part that is marked is a marking of its own");
    }

    #[test]
    fn definitions_and_what_is_no_object_are_left_alone() {
        let over = Marks { over_others: true, ..amber() };
        for text in [
            r#"{"type":"marking-definition","name":"x"}"#,
            r#"{"type":"campaign""#,
            r#"{"name":"no type"}"#,
            r#"{"type":"campaign","object_marking_refs":"x"}"#,
            r#"{"type":"campaign","object_marking_refs":[],"object_marking_refs":[]}"#,
            "[1]",
            "",
        ] {
            assert_eq!(put(&over, text), text);
        }
    }

    proptest! {
        #[test]
        fn the_rest_is_the_same_object(name in ".*", weight in any::<f64>(), before in any::<bool>(), over_others in any::<bool>()) {
            let mut object = serde_json::Map::new();
            if before {
                object.insert("object_marking_refs".into(), serde_json::json!([Tlp::Clear.id()]));
            }
            object.insert("type".into(), "campaign".into());
            object.insert(format!("x_{name}"), serde_json::json!([weight, { "type": name }]));
            let text = serde_json::to_string(&object).unwrap();
            let marked: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&put(&Marks { over_others, ..amber() }, &text)).unwrap();
            let refs = marked.get("object_marking_refs").unwrap().clone();
            let wanted = if before && !over_others { Tlp::Clear } else { Tlp::Amber };
            prop_assert_eq!(refs, serde_json::json!([wanted.id()]));
            let rest = |map: &serde_json::Map<String, serde_json::Value>| {
                let rest = map.iter().filter(|(key, _)| *key != "object_marking_refs");
                rest.map(|(key, value)| (key.clone(), value.clone())).collect::<serde_json::Map<_, _>>()
            };
            prop_assert_eq!(rest(&marked), rest(&object));
        }
    }
}
