//! What passes between an organisation that asks for evidence and one of another hub that is asked: the request, and what either says to it, each as a
//! STIX `note` about the incident.
//!
//! A note goes in and out as any other object: labelled, released, federated, recalled. It bears the marking of the circle of the two, and so is for
//! nobody else at any hub. The content of no item passes in it: only what it is called and hashes that the content is held against.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oversight::{OrganisationId, circle};
use regime::Value;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::evidence::requests::{ITEMS_MAX, Kind};
use uuid::Uuid;

use super::requests::Answer;
use crate::reports::passed::{LEVEL, NotPassed, agrees, exact, is_line, written};
use crate::sharing::LINE_CHARS_MAX;

/// Our own extension: what passes about a request for evidence, on a `note` about the incident. Its UUID is version 5 of
/// `urn:yagura:stix:extension:evidence-request` in the URL namespace.
pub(crate) const EXTENSION: &str = "extension-definition--8d463c21-2e36-5fa3-8093-ed1f1cf69d96";

/// When version 1.0.0 was defined.
const DEFINED: &str = "2026-12-01T00:00:00.000Z";
/// What kind of extension it is.
const EXTENDS: &str = "property-extension";
/// The longest description of what is meant, in characters.
const SUBJECT_CHARS_MAX: usize = 5_000;
/// The largest number that JSON carries everywhere as it is.
const NUMBER_MAX: u64 = (1 << 53) - 1;
/// The longest legal basis, and the longest word that goes with an answer, in characters.
const REASON_CHARS_MAX: usize = 2_000;

/// One thing that passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// The request.
    pub(crate) request: Uuid,
    /// The case, by the STIX identifier of its incident.
    pub(crate) case: Id,
    /// Who says it, as all hubs name that organisation.
    pub(crate) from: OrganisationId,
    /// To whom.
    pub(crate) to: OrganisationId,
    /// When, by the clock of the hub that it comes from.
    pub(crate) at: Timestamp,
    /// Its leaf in the log of that hub.
    pub(crate) leaf: u64,
    /// What the person is called who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// What it is.
    pub(crate) says: Says,
}

/// What passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Says {
    /// Evidence is asked for.
    Asked {
        /// `preserve` or `hand-over`.
        wanted: String,
        /// What is meant.
        subject: String,
        /// On what legal basis.
        legal_basis: String,
        /// The number of the document; empty where there is none.
        reference: String,
        /// Until when.
        due: Timestamp,
    },
    /// What either of the two says to it.
    Answered {
        /// What.
        answer: Answer,
        /// What is said with it; may be empty.
        note: String,
        /// What fulfils it, as far as the asker may know of it. None is left out: a list of STIX has a member (§2.12).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        items: Vec<PassedItem>,
    },
}

/// An item that fulfils a request, named so that a package can be held against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PassedItem {
    /// The item, as its hub names it.
    pub(crate) id: Uuid,
    /// What the file is called.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its SHA-256, in hexadecimal.
    pub(crate) sha256: String,
    /// The SHA-256 of the newest entry of its custody, in hexadecimal.
    pub(crate) custody: String,
    /// The number of that entry.
    pub(crate) entries: u64,
}

/// The `extension-definition` object of [`EXTENSION`] (STIX 2.1 §7.3), to be published beside the objects that use it.
#[must_use]
pub(crate) fn extension_definition() -> Json {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": regime::extension_identity().get("id"),
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura request for evidence of another hub",
        "description": "On a note about an incident (`passed`): an organisation asks one of another hub to preserve evidence or to hand it over, \
            or one of the two answers. 他のハブの組織に対する証拠の保全若しくは提出の求め、又はそれに対する回答を表す。",
        "schema": "urn:yagura:stix:extension:evidence-request:1.0.0",
        "version": "1.0.0",
        "extension_types": [EXTENDS],
        "object_marking_refs": [Tlp::Clear.id()],
    })
}

/// Whether an object says of itself that it passes about a request, be it what this version knows or not.
#[must_use]
pub(crate) fn is_passed(object: &Object) -> bool {
    object.get("extensions").is_some_and(|extensions| extensions.get(EXTENSION).is_some())
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
        let name = format!("urn:yagura:evidence-request:{}", hex::encode(hash));
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
            "object_refs": [self.case],
            "object_marking_refs": [LEVEL.id(), only.to_string()],
            "extensions": { (EXTENSION): { "extension_type": EXTENDS, "passed": self } },
        })
    }

    /// Reads what [`Self::to_stix`] wrote. Identifier, incident and marking of the object must be those of what it says, or a reader who goes
    /// by the object would be shown something else.
    ///
    /// # Errors
    /// [`NotPassed`].
    pub(crate) fn from_stix(object: &Object) -> Result<Self, NotPassed> {
        let broken = |why| NotPassed { code: "wrong-request", why };
        let written = written(object, EXTENSION).ok_or(broken("it says nothing that passes"))?;
        let items = written.pointer("/says/items").and_then(Json::as_array);
        // Before anything is made of them.
        if items.is_some_and(|items| items.len() > ITEMS_MAX) {
            return Err(NotPassed { code: "too-large", why: "it names more than 500 items" });
        }
        let passed: Self = exact(written).map_err(broken)?;
        let author = object.created_by().ok_or(broken("it has no author"))?;
        agrees(object, &passed.to_stix(&author)).map_err(broken)?;
        passed.check().map(|()| passed)
    }

    /// Whether it is within bounds, and says what can be said.
    ///
    /// # Errors
    /// [`NotPassed`].
    pub(crate) fn check(&self) -> Result<(), NotPassed> {
        let unless =
            |good: bool, why| if good { Ok(()) } else { Err(NotPassed { code: "wrong-request", why }) };
        unless(self.case.object_type() == "incident", "its case is no incident")?;
        unless(self.by.as_deref().is_none_or(is_line), "the name of who says it is none")?;
        match &self.says {
            Says::Asked { wanted, subject, legal_basis, reference, .. } => {
                unless(
                    Kind::parse(wanted).is_some(),
                    "what is asked is neither to preserve nor to hand over",
                )?;
                unless(
                    is_text(subject, SUBJECT_CHARS_MAX),
                    "what is meant is not said, is too long, or has characters that are not seen",
                )?;
                unless(
                    is_text(legal_basis, REASON_CHARS_MAX),
                    "its legal basis is none, is too long, or has characters that are not seen",
                )?;
                let is_reference = reference.is_empty() || is_text(reference, LINE_CHARS_MAX);
                unless(is_reference, "the number of its document is none")
            }
            Says::Answered { answer, note, items } => {
                let may_be_silent = !matches!(answer, Answer::Refuse | Answer::Withdraw);
                let is_note = may_be_silent && note.is_empty() || is_text(note, REASON_CHARS_MAX);
                unless(is_note, "why is not said, is too long, or has characters that are not seen")?;
                let has_items = *answer == Answer::Fulfil || items.is_empty();
                unless(
                    has_items && items.len() <= ITEMS_MAX,
                    "it names items that belong to no such answer",
                )?;
                let ids: BTreeSet<Uuid> = items.iter().map(|item| item.id).collect();
                unless(ids.len() == items.len(), "it names an item twice")?;
                unless(
                    items.iter().all(PassedItem::is_good),
                    "it names an item by what is no name, size or hash",
                )
            }
        }
    }

    /// What a reader without the extension is shown. Never empty: a note has content.
    fn content(&self) -> String {
        match &self.says {
            Says::Asked { subject, .. } => subject.clone(),
            Says::Answered { note, .. } if !note.is_empty() => note.clone(),
            Says::Answered { .. } => "answer to a request for evidence".to_owned(),
        }
    }
}

impl PassedItem {
    fn is_good(&self) -> bool {
        is_line(&self.name)
            && self.entries > 0
            && [self.size, self.entries].into_iter().all(|number| number <= NUMBER_MAX)
            && [&self.sha256, &self.custody].into_iter().all(|hash| is_hash(hash))
    }
}

/// A text as it may be shown: not empty, not too long, without what deceives a reader.
fn is_text(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count())
        && text.trim() == text
        && Value::text(text) == Value::Text(text.to_owned())
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked() -> Passed {
        let name = |text: &str| OrganisationId::parse(text).unwrap();
        Passed {
            request: Uuid::from_u128(5),
            case: Id::new("incident", Uuid::from_u128(1)),
            from: name("0000000000000001-police"),
            to: name("0000000000000002-kinki"),
            at: Timestamp::UNIX_EPOCH,
            leaf: 3,
            by: Some("山田 太郎".to_owned()),
            says: Says::Asked {
                wanted: "preserve".to_owned(),
                subject: "11月の通信記録".to_owned(),
                legal_basis: "刑訴法197条3項".to_owned(),
                reference: String::new(),
                due: Timestamp::UNIX_EPOCH,
            },
        }
    }

    fn item() -> PassedItem {
        PassedItem {
            id: Uuid::from_u128(7),
            name: "disk.img".to_owned(),
            size: 9,
            sha256: hex::encode([1; 32]),
            custody: hex::encode([2; 32]),
            entries: 4,
        }
    }

    fn answered(answer: Answer, note: &str, items: Vec<PassedItem>) -> Passed {
        let mut passed = asked();
        std::mem::swap(&mut passed.from, &mut passed.to);
        passed.says = Says::Answered { answer, note: note.to_owned(), items };
        passed
    }

    fn author() -> Id {
        Id::new("identity", Uuid::from_u128(9))
    }

    fn object(json: &Json) -> Object {
        Object::parse(json.to_string().into()).unwrap()
    }

    fn check(json: &Json, expected: &str) {
        let found = Passed::from_stix(&object(json))
            .map_or_else(|e| format!("{}: {}", e.code, e.why), |_| "good".to_owned());
        assert!(found.contains(expected), "{found}");
    }

    /// The object of a request whose parts were changed before they were named, so that only the change is wrong.
    fn altered(change: impl FnOnce(&mut Passed)) -> Json {
        let mut passed = asked();
        change(&mut passed);
        passed.to_stix(&author())
    }

    /// The same of what it says.
    fn altered_text(change: impl FnOnce(&mut String, &mut String, &mut String, &mut String)) -> Json {
        altered(|passed| {
            if let Says::Asked { wanted, subject, legal_basis, reference, .. } = &mut passed.says {
                change(wanted, subject, legal_basis, reference);
            }
        })
    }

    #[test]
    fn what_passes_comes_back_as_it_was_and_is_for_two() {
        for passed in
            [asked(), answered(Answer::Fulfil, "", vec![item()]), answered(Answer::Refuse, "否", vec![])]
        {
            let json = passed.to_stix(&author());
            let read = Passed::from_stix(&object(&json)).unwrap();
            assert_eq!((read.clone(), read.id()), (passed.clone(), passed.id()));
            assert!(crate::ingest::fault(&object(&json)).is_none());
            assert!(is_passed(&object(&json)));
            let markings = json["object_marking_refs"].as_array().unwrap();
            assert_eq!(markings.len(), 2);
            assert_eq!(markings[0], LEVEL.id());
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        check(&altered_text(|wanted, _, _, _| *wanted = "destroy".to_owned()), "neither to preserve");
        check(&altered_text(|_, subject, _, _| subject.clear()), "what is meant");
        check(&altered_text(|_, subject, _, _| *subject = "x".repeat(5_001)), "what is meant");
        check(&altered_text(|_, subject, _, _| *subject = "a\u{202e}b".to_owned()), "what is meant");
        check(&altered_text(|_, _, basis, _| *basis = " ".to_owned()), "legal basis");
        check(&altered_text(|_, _, basis, _| *basis = "x".repeat(2_001)), "legal basis");
        check(&altered_text(|_, _, _, reference| *reference = "x".repeat(301)), "the number");
        check(&altered(|passed| passed.by = Some("a\nb".to_owned())), "the name of who");
        check(&altered(|passed| passed.case = Id::new("campaign", Uuid::from_u128(1))), "no incident");
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let check = |answer, note, items, expected| {
            check(&answered(answer, note, items).to_stix(&author()), expected);
        };
        check(Answer::Accept, "", vec![], "good");
        check(Answer::Refuse, "", vec![], "why is not said");
        check(Answer::Withdraw, " ", vec![], "why is not said");
        check(Answer::Accept, "", vec![item()], "belong to no such answer");
        check(Answer::Fulfil, "", vec![item(), item()], "twice");
        check(
            Answer::Fulfil,
            "",
            vec![PassedItem { sha256: "AA".repeat(32), ..item() }],
            "no name, size or hash",
        );
        check(Answer::Fulfil, "", vec![PassedItem { name: "a\u{202e}b".to_owned(), ..item() }], "no name");
        check(Answer::Fulfil, "", vec![PassedItem { entries: 0, ..item() }], "no name, size");
        let many = (0..501).map(|id| PassedItem { id: Uuid::from_u128(id), ..item() }).collect();
        check(Answer::Fulfil, "", many, "too-large");
    }

    #[test]
    fn an_object_that_says_something_else_than_its_note_is_refused() {
        let mut other = asked().to_stix(&author());
        other["object_refs"] = json!([Id::new("incident", Uuid::from_u128(2))]);
        check(&other, "disagree");
        let mut freer = asked().to_stix(&author());
        freer["object_marking_refs"] = json!([Tlp::Green.id()]);
        check(&freer, "disagree");
        // The legal basis that is changed afterwards is under another name.
        let mut later = asked().to_stix(&author());
        later["extensions"][EXTENSION]["passed"]["says"]["legal_basis"] = json!("任意");
        check(&later, "disagree");
        let mut more = asked().to_stix(&author());
        more["extensions"][EXTENSION]["passed"]["says"]["mood"] = json!("calm");
        check(&more, "does not know");
    }

    #[test]
    fn the_extension_is_defined_and_named_by_what_it_is() {
        let definition = extension_definition();
        assert!(crate::ingest::fault(&object(&definition)).is_none(), "{definition}");
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:yagura:stix:extension:evidence-request");
        assert_eq!(EXTENSION, format!("extension-definition--{name}"));
    }

    proptest! {
        #[test]
        fn whatever_may_be_asked_is_read_back(subject in "[a-z あ-ん\n]{1,60}", basis in "[a-z0-9]{1,40}", leaf in any::<u32>(), second in 0_i64..4_000_000_000) {
            let mut passed = asked();
            passed.leaf = u64::from(leaf);
            passed.says = Says::Asked {
                wanted: "hand-over".to_owned(),
                subject: format!("x{}x", subject.trim()),
                legal_basis: basis,
                reference: "第1号".to_owned(),
                due: Timestamp::from_second(second).unwrap(),
            };
            let json = passed.to_stix(&author());
            prop_assert_eq!(Passed::from_stix(&object(&json)).unwrap(), passed);
        }

        #[test]
        fn nothing_that_is_brought_ends_the_program(says in "\\PC{0,80}", answer in "[a-z]{0,8}") {
            let mut json = asked().to_stix(&author());
            json["extensions"][EXTENSION]["passed"]["says"] = json!({ "kind": "answered", "answer": answer, "note": says, "items": [says] });
            prop_assert!(Passed::from_stix(&object(&json)).is_err());
        }
    }
}
