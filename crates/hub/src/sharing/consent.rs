//! Submissions that ask for their maker's name to be withheld, in the ways of Automated Indicator Sharing (AIS): a label
//! `ais-marking:AISConsent="NONE"` (or `"USG"`), or an ACS marking of the same body that denies `IDSRC` in so many words.
//!
//! What another one stands for already, as CISA does for AIS' sources, is passed on and not asked for here.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use policy::{Acs, ORIGINATOR_CONTROL};
use serde_json::Value;
use stix::{Id, Object};
use tokio::task::spawn_blocking;

use crate::problem::{Answer, Failure};

/// A submission that asks, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// What is to be shared, under the terms that its ACS markings come to.
    pub(crate) objects: Vec<Value>,
    /// What became of each object of the body: shared as the one of that place, left out, or why it cannot be taken.
    pub(crate) fates: Vec<Fate>,
    /// Identifier and version of each, as far as they can be read.
    pub(crate) heads: Vec<(Option<String>, Option<String>)>,
    /// Identifiers of identities that would tell the reporter.
    pub(crate) names: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Shared(usize),
    LeftOut,
    Refused { code: &'static str, message: String },
}

/// What a body asks for; `None` where it asks for nothing.
pub(crate) async fn read(body: &Bytes) -> Answer<Option<Wish>> {
    if !may_ask(body) {
        return Ok(None);
    }
    let body = body.clone();
    spawn_blocking(move || wish(&body)).await.map_err(Failure::internal)
}

fn wish(body: &Bytes) -> Option<Wish> {
    let members = stix::bundle::split(body).ok()?;
    let heads = members.iter().map(crate::ingest::identity_of).collect();
    let objects: Vec<Option<Object>> = members.into_iter().map(|member| Object::parse(member).ok()).collect();
    let known = || objects.iter().flatten();
    let definitions: HashMap<&Id, &Object> =
        known().filter(|object| policy::is_acs(object)).map(|object| (object.id(), object)).collect();
    if !known().any(|object| asks(object, &definitions)) {
        return None;
    }
    let makers: BTreeSet<&str> = known().filter_map(|object| object.text("created_by_ref")).collect();
    let mut wish =
        Wish { names: makers.iter().map(|id| (*id).to_owned()).collect(), heads, ..Wish::default() };
    for object in &objects {
        let fate = match object {
            None => {
                Fate::Refused { code: "not-stix", message: "it cannot be read as a STIX object".to_owned() }
            }
            Some(object)
                if definitions.contains_key(object.id()) || makers.contains(object.id().as_str()) =>
            {
                Fate::LeftOut
            }
            Some(object) => match under_our_terms(object, &definitions) {
                Ok(object) => {
                    wish.objects.push(object);
                    Fate::Shared(wish.objects.len() - 1)
                }
                Err(message) => Fate::Refused { code: "marking", message },
            },
        };
        wish.fates.push(fate);
    }
    Some(wish)
}

/// A quick look: most bodies hold none of these words.
fn may_ask(body: &[u8]) -> bool {
    // Letters may be escaped, too.
    const WORDS: [&str; 6] = ["IDSRC", "onsent=", "\\u004", "\\u005", "\\u006", "\\u007"];
    WORDS.iter().any(|word| memchr::memmem::find(body, word.as_bytes()).is_some())
}

fn asks(object: &Object, definitions: &HashMap<&Id, &Object>) -> bool {
    if object.text("created_by_ref").is_some_and(policy::acs_stands_for_source)
        || definitions.contains_key(object.id())
    {
        return false;
    }
    let labels = object.get("labels").and_then(Value::as_array);
    let by_label = labels.into_iter().flatten().filter_map(Value::as_str).any(|label| {
        let label = label.to_ascii_lowercase();
        label
            .strip_prefix("ais-marking:aisconsent=")
            .is_some_and(|consent| matches!(consent.trim_matches('"'), "none" | "usg"))
    });
    by_label
        || stix::marking::marking_refs(object)
            .iter()
            .any(|marking| definitions.get(marking).is_some_and(|one| policy::acs_withholds_source(one)))
}

/// An object with what its ACS markings come to in their place: their definitions name who made them.
fn under_our_terms(object: &Object, definitions: &HashMap<&Id, &Object>) -> Result<Value, String> {
    let mut object_terms = Vec::new();
    for marking in stix::marking::object_marking_refs(object) {
        match definitions.get(&marking) {
            None => object_terms.push(Value::String(marking.to_string())),
            Some(definition) => {
                let acs = Acs::without_its_definition(definition).ok_or_else(|| {
                    format!("what `{marking}` permits is not understood here; mark it by TLP")
                })?;
                object_terms.extend([acs.tlp.id(), acs.pap.id()].map(Value::String));
                if acs.originator_control {
                    object_terms.push(Value::String(ORIGINATOR_CONTROL.to_owned()));
                }
            }
        }
    }
    if stix::marking::granular(object)
        .iter()
        .any(|one| one.marking_ref.as_ref().is_some_and(|marking| definitions.contains_key(marking)))
    {
        return Err("an ACS marking of a part of it cannot be withheld; mark the whole object".to_owned());
    }
    let mut properties = object.properties().clone();
    if !object_terms.is_empty() {
        object_terms.dedup();
        properties.insert("object_marking_refs".to_owned(), Value::Array(object_terms));
    }
    Ok(Value::Object(properties))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CISA: &str = "identity--b3bca3c2-1f3d-4b54-b44f-dac42c3a8f01";
    const UUID: &str = "6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a11";

    fn tool(changes: &Value) -> Value {
        let mut object = json!({ "type": "tool", "id": format!("tool--{UUID}"), "spec_version": "2.1", "name": "n",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z" });
        for (name, value) in changes.as_object().unwrap() {
            object[name] = value.clone();
        }
        object
    }

    fn body(objects: &[Value]) -> Bytes {
        Bytes::from(json!({ "objects": objects }).to_string())
    }

    fn check(object: &Value, asks: bool) {
        let body = body(std::slice::from_ref(object));
        assert_eq!(may_ask(&body) && wish(&body).is_some(), asks, "{object}");
    }

    #[test]
    fn a_label_asks() {
        let labelled = |label: &str| tool(&json!({ "labels": ["x", label] }));
        check(&labelled(r#"ais-marking:AISConsent="NONE""#), true);
        check(&labelled(r#"ais-marking:AISConsent="USG""#), true);
        check(&labelled("ais-marking:aisconsent=none"), true);
        check(&labelled(r#"ais-marking:AISConsent="EVERYONE""#), false);
        check(&labelled("none"), false);
        let mut passed_on = labelled(r#"ais-marking:AISConsent="NONE""#);
        passed_on["created_by_ref"] = json!(CISA);
        check(&passed_on, false);
        let escaped = Bytes::from(
            body(&[labelled("ais-marking:AISConsent=NONE")])
                .iter()
                .map(|b| *b as char)
                .collect::<String>()
                .replace('A', "\\u0041"),
        );
        assert!(may_ask(&escaped) && wish(&escaped).is_some());
    }

    #[test]
    fn what_tells_the_maker_is_left_out() {
        let maker = format!("identity--{UUID}");
        let identity = json!({ "type": "identity", "id": maker, "spec_version": "2.1", "name": "n",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z" });
        let asking = tool(&json!({ "labels": ["ais-marking:AISConsent=NONE"], "created_by_ref": maker }));
        let made = wish(&body(&[identity, asking, json!({ "type": "tool" })])).unwrap();
        assert_eq!(made.fates[..2], [Fate::LeftOut, Fate::Shared(0)]);
        assert!(matches!(made.fates[2], Fate::Refused { code: "not-stix", .. }));
        assert_eq!(made.names, [maker]);
    }
}
