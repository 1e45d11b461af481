//! The custody of evidence: who had it when, from whom, and why; as entries that hang on each other and on the log of acts.
//!
//! An entry's canonical text (RFC 8785) names the SHA-256 of the entry before it. The leaf of its act names the SHA-256 of the text. So
//! nobody can take an entry out, put one in or change one: the chain shows it to whoever has the others, the log to everybody.
//! [`package`] is the form in which both go to a court.

pub mod archive;
pub mod package;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use tlog::{Policy, TlogProof, TlogProofError};
use uuid::Uuid;

use crate::leaf_proof::{LeafProof, NoLeafProof, Shown};
use crate::organisation::vocabulary;
use crate::{Action, OrganisationId, Outcome};

/// The version of entries that is written.
const VERSION: u8 = 1;
/// What the extra data of a proof says it is.
const KIND: &str = "urn:yagura:custody-proof:1";
/// The fact of an act's record that names its entry.
pub const ENTRY: &str = "entry";

vocabulary! {
    /// What happened to an item of evidence.
    CustodyAct {
        /// It was secured where it was found.
        Collected = "collected",
        /// It came into the node, whole.
        Received = "received",
        /// It was sealed.
        Sealed = "sealed",
        /// Somebody of another organisation was first shown what is written about it.
        Viewed = "viewed",
        /// Its content was given to somebody.
        Downloaded = "downloaded",
        /// Its custodian offered it to somebody.
        Offered = "offered",
        /// Who was offered it took it: from here on it is in other hands.
        Accepted = "accepted",
        /// Who was offered it did not want it.
        Declined = "declined",
        /// The offer was taken back.
        Withdrawn = "withdrawn",
        /// Who may see it was changed.
        Labelled = "labelled",
        /// It left in a package.
        Exported = "exported",
        /// It may not be destroyed.
        HoldSet = "hold-set",
        /// It may be again.
        HoldLifted = "hold-lifted",
        /// Its content was destroyed. What is written about it stays.
        Disposed = "disposed",
    }
}

/// Somebody who acts, gives or takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Whose.
    pub organisation: OrganisationId,
    /// The account or token; none where the organisation as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The person's name, as it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What the content was, at each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentHashes {
    /// In bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// SHA3-256, in hexadecimal: another family, should the first one be broken some day.
    pub sha3_256: String,
}

/// One thing that happened to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyEntry {
    /// Of this form.
    pub v: u8,
    /// In which world.
    pub realm: String,
    /// The case: a STIX identifier.
    pub case: String,
    /// The item.
    pub item: Uuid,
    /// Its place among the item's entries, from 1.
    pub number: u64,
    /// The SHA-256 of the entry before, in hexadecimal; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When it was written down, by the node's clock.
    pub at: Timestamp,
    /// What happened.
    pub act: CustodyAct,
    /// Who did it; none: the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Party>,
    /// From whom it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Party>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Party>,
    /// Why.
    pub why: String,
    /// On what legal basis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// The content.
    pub content: ContentHashes,
    /// What else belongs to it, by name: where and when it was seized, which request it answers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// What is wrong with a custody log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenCustody {
    /// There is nothing.
    #[error("it has no entry")]
    Empty,
    /// An entry is missing, added or in another place.
    #[error("entry {found} stands where entry {expected} belongs")]
    Number {
        /// Which there is.
        found: u64,
        /// Which belongs there.
        expected: u64,
    },
    /// An entry does not name the one before it.
    #[error("entry {0} does not follow the one before it: one of the two was changed")]
    Link(u64),
    /// An entry is of another item, case or version.
    #[error("entry {0} is of another item")]
    Item(u64),
    /// The content is another one than before.
    #[error("entry {0} is about another content")]
    Content(u64),
}

impl CustodyEntry {
    /// The version that is written.
    pub const VERSION: u8 = VERSION;

    /// Its one text (RFC 8785).
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// The SHA-256 of [`CustodyEntry::canonical`], in hexadecimal: what the next entry and the act's record name.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(sha2::Sha256::digest(self.canonical()))
    }
}

/// Checks that these are all entries of one item from its first on, in order, none changed for as far as a later one stands behind it.
///
/// # Errors
/// [`BrokenCustody`], the first of them.
pub fn check_chain(entries: &[CustodyEntry]) -> Result<(), BrokenCustody> {
    let first = entries.first().ok_or(BrokenCustody::Empty)?;
    let mut previous = None;
    for (entry, expected) in entries.iter().zip(1_u64..) {
        if entry.number != expected {
            return Err(BrokenCustody::Number { found: entry.number, expected });
        }
        if entry.previous != previous {
            return Err(BrokenCustody::Link(expected));
        }
        let is_of_item = |one: &CustodyEntry| (one.v, one.item) == (VERSION, first.item);
        if !is_of_item(entry) || (&entry.case, &entry.realm) != (&first.case, &first.realm) {
            return Err(BrokenCustody::Item(expected));
        }
        if entry.content != first.content {
            return Err(BrokenCustody::Content(expected));
        }
        previous = Some(entry.hash());
    }
    Ok(())
}

/// What shows that an entry stands in the log. Nothing in it is to be believed before [`CustodyProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyProof(LeafProof);

impl CustodyProof {
    /// Out of the proof of the act's leaf, its record and its salt.
    ///
    /// # Errors
    /// [`TlogProofError::TooLarge`].
    pub fn make(proof: TlogProof, record: &[u8], salt: &[u8; 32]) -> Result<Self, TlogProofError> {
        LeafProof::make(KIND, proof, record, salt).map(Self)
    }

    /// Reads the text of a proof.
    ///
    /// # Errors
    /// [`NoLeafProof::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoLeafProof> {
        LeafProof::parse(KIND, text).map(Self)
    }

    /// The text of its file, a `.tlog-proof`.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// The entry of the log that it is about, as `yagura log verify --entry` takes it.
    #[must_use]
    pub fn entry(&self) -> Option<[u8; 32]> {
        self.0.entry()
    }

    /// Checks that a log of the policy holds exactly this entry.
    ///
    /// # Errors
    /// [`NoLeafProof`].
    pub fn verify(&self, entry: &CustodyEntry, policy: &Policy) -> Result<Shown, NoLeafProof> {
        named(self.0.verify(policy)?, Action::EvidenceChanged, ENTRY, &entry.hash())
    }
}

/// What a proof shows, if it is of such an act and its record names this.
pub(crate) fn named(shown: Shown, action: Action, fact: &str, wanted: &str) -> Result<Shown, NoLeafProof> {
    let event = &shown.event;
    if event.action != action || event.outcome != Outcome::Done {
        return Err(NoLeafProof::Malformed("its record is of another act".to_owned()));
    }
    if event.detail.get(fact).map(String::as_str) != Some(wanted) {
        return Err(NoLeafProof::Malformed("what the log holds is another one: it was changed".to_owned()));
    }
    Ok(shown)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn content() -> ContentHashes {
        ContentHashes { size: 3, sha256: "aa".to_owned(), sha3_256: "bb".to_owned() }
    }

    pub(crate) fn chain(item: u128, acts: &[CustodyAct]) -> Vec<CustodyEntry> {
        let mut entries: Vec<CustodyEntry> = Vec::new();
        for (act, number) in acts.iter().zip(1..) {
            let party = Party {
                organisation: OrganisationId::parse("police").unwrap(),
                account: Some("hanako".to_owned()),
                name: Some("花子".to_owned()),
            };
            entries.push(CustodyEntry {
                v: VERSION,
                realm: "live".to_owned(),
                case: "incident--1".to_owned(),
                item: Uuid::from_u128(item),
                number,
                previous: entries.last().map(CustodyEntry::hash),
                at: Timestamp::from_second(i64::try_from(number).unwrap()).unwrap(),
                act: *act,
                by: Some(party.clone()),
                from: None,
                to: (*act == CustodyAct::Offered).then_some(party),
                why: "押収".to_owned(),
                legal_basis: None,
                content: content(),
                facts: BTreeMap::new(),
            });
        }
        entries
    }

    #[test]
    fn a_chain_holds_and_every_change_of_it_is_found() {
        let acts = [CustodyAct::Collected, CustodyAct::Received, CustodyAct::Sealed, CustodyAct::Offered];
        let whole = chain(1, &acts);
        assert_eq!(check_chain(&whole), Ok(()));
        assert_eq!(check_chain(&[]), Err(BrokenCustody::Empty));
        assert_eq!(check_chain(&whole[1..]), Err(BrokenCustody::Number { found: 2, expected: 1 }));
        let mut gap = whole.clone();
        gap.remove(1);
        assert_eq!(check_chain(&gap), Err(BrokenCustody::Number { found: 3, expected: 2 }));
        let mut renumbered = gap;
        renumbered[1].number = 2;
        renumbered[2].number = 3;
        assert_eq!(check_chain(&renumbered), Err(BrokenCustody::Link(2)));
        let mut changed = whole.clone();
        changed[1].why = "別の理由".to_owned();
        assert_eq!(check_chain(&changed), Err(BrokenCustody::Link(3)));
        let mut moved = whole.clone();
        moved[3].item = Uuid::from_u128(2);
        assert_eq!(check_chain(&moved), Err(BrokenCustody::Item(4)));
        let mut exchanged = whole;
        exchanged[3].content.sha256 = "cc".to_owned();
        assert_eq!(check_chain(&exchanged), Err(BrokenCustody::Content(4)));
    }

    #[test]
    fn an_entry_has_one_text() {
        let entry = chain(7, &[CustodyAct::Collected]).remove(0);
        let text = String::from_utf8(entry.canonical()).unwrap();
        assert!(
            text.starts_with(r#"{"act":"collected","at":"1970-01-01T00:00:01Z","by":{"account":"hanako""#),
            "{text}"
        );
        assert!(!text.contains("previous") && !text.contains("facts"));
        let back: CustodyEntry = serde_json::from_str(&text).unwrap();
        assert_eq!((back.hash(), back), (entry.hash(), entry));
        assert!(
            serde_json::from_str::<CustodyEntry>(&text.replace("\"v\":1", "\"v\":1,\"more\":1")).is_err()
        );
    }
}
