//! What passes between an organisation that gave a copy of its report away and one of another hub that was given it: the copy, its receipt,
//! and what is answered, each as a STIX `note` about the incident.
//!
//! A note goes in and out as any other object: labelled, released, federated, recalled. It bears the marking of the circle of the two, and so is for
//! nobody else at any hub.

use std::collections::BTreeSet;

use api::Words;
use jiff::Timestamp;
use oversight::{FilingReceipt, OrganisationId, circle};
use regime::{Answer, Copy, EventId, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use stix::marking::Tlp;
use stix::{Id, Object};
use uuid::Uuid;

/// Our own extension: what passes about a copy, on a `note` about the incident. Its UUID is version 5 of
/// `urn:yagura:stix:extension:report-passed` in the URL namespace.
pub(crate) const PASSED_EXTENSION: &str = "extension-definition--55151e9b-5168-551f-b92b-44d862b679e6";

/// The level of whatever passes: its recipient keeps it to itself.
pub(crate) const LEVEL: Tlp = Tlp::AmberStrict;
/// The largest copy that passes, in bytes.
pub(crate) const COPY_BYTES_MAX: usize = 1 << 20;

/// When version 1.0.0 was defined.
const DEFINED: &str = "2026-11-30T00:00:00.000Z";
/// What kind of extension it is.
const EXTENDS: &str = "property-extension";
/// The largest receipt, in bytes.
const PROOF_BYTES_MAX: usize = 256 << 10;
/// The longest name of an organisation or a person, in characters.
const NAME_CHARS_MAX: usize = 200;

/// One thing that passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// The report, by the STIX identifier of its incident.
    pub(crate) report: Id,
    /// The filing, by its event.
    pub(crate) filing: EventId,
    /// Whose it is, as all hubs name that organisation.
    pub(crate) from: OrganisationId,
    /// Whom it is for.
    pub(crate) to: OrganisationId,
    /// When, by the clock of the hub that it comes from.
    pub(crate) at: Timestamp,
    /// What it is.
    pub(crate) says: Says,
}

/// What passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Says {
    /// The exact copy of what was filed.
    Given {
        /// The copy, character for character.
        copy: String,
        /// SHA-256 of it, in hexadecimal.
        sha256: String,
        /// The leaf of the filing in the log of the hub where it was filed.
        leaf: u64,
        /// What the organisation that gives it is called.
        name: Words,
    },
    /// The receipt of it, once a checkpoint covers its leaf.
    Receipt {
        /// A `.tlog-proof`.
        proof: String,
    },
    /// What whoever was given it answers.
    Answered {
        /// What it says.
        answer: Answer,
        /// What the person who answers is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

/// The object is none that [`Passed::to_stix`] wrote, or says what cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotPassed {
    /// A stable code.
    pub(crate) code: &'static str,
    /// Why, for a person.
    pub(crate) why: &'static str,
}

/// The `extension-definition` object of [`PASSED_EXTENSION`] (STIX 2.1 §7.3), to be published beside the objects that use it.
#[must_use]
pub(crate) fn passed_extension_definition() -> Json {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": PASSED_EXTENSION,
        "created_by_ref": regime::extension_identity().get("id"),
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura report passed to another hub",
        "description": "On a note about an incident (`passed`): the exact copy of a report that one organisation gave to one of another hub, \
            the receipt of it, or what that organisation answers. 他のハブの組織に提供した報告の正確な写し、その受領証、又はその組織からの回答を表す。",
        "schema": "urn:yagura:stix:extension:report-passed:1.0.0",
        "version": "1.0.0",
        "extension_types": [EXTENDS],
        "object_marking_refs": [Tlp::Clear.id()],
    })
}

/// Whether an object says of itself that it passes about a copy, be it what this version knows or not.
#[must_use]
pub(crate) fn is_passed(object: &Object) -> bool {
    object.get("extensions").is_some_and(|extensions| extensions.get(PASSED_EXTENSION).is_some())
}

impl Passed {
    /// The two organisations that it is between.
    pub(crate) fn between(&self) -> BTreeSet<OrganisationId> {
        BTreeSet::from([self.from.clone(), self.to.clone()])
    }

    /// The identifier of its object. It is made of all that it says, so that a hub that hears it twice has one object.
    pub(crate) fn id(&self) -> Id {
        // Nothing of it can fail to be written: it has texts as keys and no floating-point numbers.
        let hash = Sha256::digest(serde_json::to_vec(self).unwrap_or_default());
        let name = format!("urn:yagura:report-passed:{}", hex::encode(hash));
        Id::new("note", Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    }

    /// It as a STIX 2.1 `note` (§4.13) about the incident. `created_by` is the identity of the organisation that it comes from.
    pub(crate) fn to_stix(&self, created_by: &Id) -> Json {
        let at = stix::Timestamp::from_instant(self.at);
        let only = Id::new("marking-definition", circle(&self.between()));
        json!({
            "type": "note",
            "spec_version": "2.1",
            "id": self.id(),
            "created_by_ref": created_by,
            "created": at,
            "modified": at,
            "content": self.content(),
            "object_refs": [self.report],
            "object_marking_refs": [LEVEL.id(), only.to_string()],
            "extensions": { (PASSED_EXTENSION): { "extension_type": EXTENDS, "passed": self } },
        })
    }

    /// Reads what [`Self::to_stix`] wrote. Identifier, incident and marking of the object must be those of what it says, or a reader who goes
    /// by the object would be shown something else; and a copy is the one whose hash stands beside it.
    ///
    /// # Errors
    /// [`NotPassed`].
    pub(crate) fn from_stix(object: &Object) -> Result<Self, NotPassed> {
        let broken = |why| NotPassed { code: "wrong-copy", why };
        let written = written(object, PASSED_EXTENSION).ok_or(broken("it says nothing that passes"))?;
        let copy = written.pointer("/says/copy").and_then(Json::as_str).unwrap_or_default();
        // Before anything is made of it.
        if copy.len() > COPY_BYTES_MAX {
            return Err(NotPassed { code: "too-large", why: "its copy is larger than 1 MiB" });
        }
        let passed: Self = exact(written).map_err(broken)?;
        let author = object.created_by().ok_or(broken("it has no author"))?;
        agrees(object, &passed.to_stix(&author)).map_err(broken)?;
        passed.check().map(|()| passed)
    }

    /// Whether it is within bounds, and a copy is what it is said to be.
    fn check(&self) -> Result<(), NotPassed> {
        let unless = |good: bool, why| if good { Ok(()) } else { Err(NotPassed { code: "wrong-copy", why }) };
        unless(self.report.object_type() == "incident", "its report is no incident")?;
        match &self.says {
            Says::Given { copy, sha256, name, .. } => {
                let is_exact = hex::encode(Sha256::digest(copy)) == *sha256;
                unless(is_exact, "its copy is not the one whose hash it bears")?;
                unless(Copy::parse(copy.as_bytes()).is_ok(), "its copy is not the exact copy of a form")?;
                unless(is_line(&name.ja) && is_line(&name.en), "its giver has no name")
            }
            Says::Receipt { proof } => {
                let is_receipt = proof.len() <= PROOF_BYTES_MAX && FilingReceipt::parse(proof).is_ok();
                unless(is_receipt, "its receipt is none")
            }
            Says::Answered { name, .. } => {
                unless(name.as_deref().is_none_or(is_line), "the name of who answers is none")
            }
        }
    }

    /// What a reader without the extension is shown. Never empty: a note has content.
    fn content(&self) -> String {
        match &self.says {
            Says::Given { .. } => "copy of a report".to_owned(),
            Says::Receipt { .. } => "receipt of a report".to_owned(),
            Says::Answered { answer: Answer::Advice { text } | Answer::Requested { text }, .. } => {
                text.clone()
            }
            Says::Answered { .. } => "answer to a report".to_owned(),
        }
    }
}

/// What an object says that passes, under an extension of ours.
pub(crate) fn written<'o>(object: &'o Object, extension: &str) -> Option<&'o Json> {
    object.get("extensions")?.get(extension)?.get("passed")
}

/// Reads what passes. What this version does not know would be lost, and the name of the object is made of all that it says: so that is refused.
///
/// # Errors
/// Why, for a person.
pub(crate) fn exact<T: Serialize + DeserializeOwned>(written: &Json) -> Result<T, &'static str> {
    let passed = T::deserialize(written).map_err(|_| "it cannot be read")?;
    if serde_json::to_value(&passed).ok().as_ref() == Some(written) {
        return Ok(passed);
    }
    Err("it has members or spellings that this version does not know")
}

/// Whether an object is the one that is made of what it says: identifier, what it is about and marking, by which it is named, found and given.
///
/// # Errors
/// Why not, for a person.
pub(crate) fn agrees(object: &Object, expected: &Json) -> Result<(), &'static str> {
    let agrees = |name: &str| object.get(name) == expected.get(name);
    if ["type", "id", "object_refs", "object_marking_refs"].into_iter().all(agrees) {
        return Ok(());
    }
    Err("the object and what it says disagree")
}

/// A name as it may be shown: one line, not too long, without what deceives a reader.
pub(crate) fn is_line(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && Value::text(text) == Value::Text(text.to_owned())
}

/// A name as [`is_line`] wants it; nothing where nothing is left of it.
pub(crate) fn line(name: &str) -> Option<String> {
    let Value::Text(clean) = Value::text(name) else { return None };
    let clean: String = clean.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    (!clean.trim().is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(copy: &str) -> Passed {
        let name = |text: &str| OrganisationId::parse(text).unwrap();
        Passed {
            report: Id::new("incident", Uuid::from_u128(1)),
            filing: EventId([7; 32]),
            from: name("0000000000000001-kinki"),
            to: name("0000000000000002-ministry"),
            at: Timestamp::UNIX_EPOCH,
            says: Says::Given {
                copy: copy.to_owned(),
                sha256: hex::encode(Sha256::digest(copy)),
                leaf: 3,
                name: Words { ja: "近畿電力".to_owned(), en: "Kinki".to_owned() },
            },
        }
    }

    const COPY: &str = r#"{"recipient":"authority","regime":"eu.gdpr","schema":"urn:yagura:regime:form:1","stage":"notification"}"#;

    fn object(json: &Json) -> Object {
        Object::parse(json.to_string().into()).unwrap()
    }

    fn author() -> Id {
        Id::new("identity", Uuid::from_u128(9))
    }

    fn check(json: &Json, expected: &str) {
        let found = Passed::from_stix(&object(json))
            .map_or_else(|e| format!("{}: {}", e.code, e.why), |_| "good".to_owned());
        assert!(found.contains(expected), "{found}");
    }

    /// The object of something whose parts were changed after they were named: the object is made anew, so that only the change is wrong.
    fn altered(change: impl FnOnce(&mut Passed)) -> Json {
        let mut passed = given(COPY);
        change(&mut passed);
        passed.to_stix(&author())
    }

    #[test]
    fn a_copy_comes_back_as_it_was_and_is_for_two() {
        let json = given(COPY).to_stix(&author());
        let read = Passed::from_stix(&object(&json)).unwrap();
        assert_eq!((read.clone(), read.id()), (given(COPY), given(COPY).id()));
        assert!(crate::ingest::fault(&object(&json)).is_none());
        assert!(is_passed(&object(&json)));
        let markings = json["object_marking_refs"].as_array().unwrap();
        assert_eq!(markings.len(), 2);
        assert_eq!(markings[0], LEVEL.id());
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        let hash = |passed: &mut Passed| {
            if let Says::Given { sha256, .. } = &mut passed.says {
                *sha256 = hex::encode([0; 32]);
            }
        };
        check(&altered(hash), "wrong-copy: its copy is not the one");
        let no_form = given("{}").to_stix(&author());
        check(&no_form, "not the exact copy of a form");
        check(&given(&"x".repeat(5_000_000)).to_stix(&author()), "too-large");
        let name = |passed: &mut Passed| {
            if let Says::Given { name, .. } = &mut passed.says {
                name.en = "a\u{202e}b".to_owned();
            }
        };
        check(&altered(name), "no name");
        let proof = |passed: &mut Passed| passed.says = Says::Receipt { proof: "none".to_owned() };
        check(&altered(proof), "its receipt is none");

        let mut other = given(COPY).to_stix(&author());
        other["object_refs"] = json!([Id::new("incident", Uuid::from_u128(2))]);
        check(&other, "disagree");
        let mut freer = given(COPY).to_stix(&author());
        freer["object_marking_refs"] = json!([Tlp::Green.id()]);
        check(&freer, "disagree");
        let mut more = given(COPY).to_stix(&author());
        more["extensions"][PASSED_EXTENSION]["passed"]["says"]["mood"] = json!("calm");
        check(&more, "does not know");
    }

    #[test]
    fn the_extension_is_defined_and_named_by_what_it_is() {
        let definition = passed_extension_definition();
        assert!(crate::ingest::fault(&object(&definition)).is_none(), "{definition}");
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:yagura:stix:extension:report-passed");
        assert_eq!(PASSED_EXTENSION, format!("extension-definition--{name}"));
    }
}
