use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use oversight::OrganisationId;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use stix::Id;
use stix::marking::Tlp;

use crate::mail::Mail;
use crate::{CaseId, Severity};

/// A line of effort, each with a lead of its own (NCIRP: asset, threat, intelligence support, affected entity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// What is attacked: contain, repair.
    Asset,
    /// Who attacks: investigate, disrupt.
    Threat,
    /// What is known: analyse, share.
    Intelligence,
    /// Whom it hits: the operator's own work and its customers.
    AffectedEntity,
}

/// Who an entry is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its TLP level.
    #[serde(with = "tlp_name")]
    pub tlp: Tlp,
    /// Only these organisations; nothing for everybody in the room. A side room is one organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<OrganisationId>>,
    /// Whether those in the room who may not see it are told that there is something: when and whose, and no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stub: bool,
}

/// A person of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The account.
    pub account: String,
    /// Whose.
    pub organisation: OrganisationId,
}

/// What an entry says. What is empty is left out, as STIX asks of objects (§2.12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "kebab-case")]
pub enum Says {
    /// An organisation comes into the room.
    Invited {
        /// Which.
        member: OrganisationId,
    },
    /// Somebody wrote something.
    Note {
        /// What.
        text: String,
        /// In which lane; nothing for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lane: Option<Lane>,
    },
    /// Objects belong to the case.
    Objects {
        /// Their identifiers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ids: Vec<Id>,
    },
    /// Somebody takes command of a room that nobody commands.
    Commands,
    /// The commander offers command to somebody.
    HandOver {
        /// To whom.
        to: Person,
        /// What there is to know.
        brief: String,
    },
    /// The one to whom it was offered takes it.
    TakesOver {
        /// The offer.
        hand_over: EntryId,
    },
    /// The commander gives a lane to somebody.
    Leads {
        /// Which lane.
        lane: Lane,
        /// To whom.
        person: Person,
    },
    /// The commander sets an operational period.
    Period {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// What is to be reached.
        objectives: String,
    },
    /// A task is offered to an organisation.
    TaskOffered {
        /// To whom.
        to: OrganisationId,
        /// What is asked.
        title: String,
        /// In which lane.
        lane: Lane,
        /// Until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// On what legal basis it is asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        legal_basis: Option<String>,
    },
    /// The organisation takes the task.
    TaskAccepted {
        /// Which.
        task: EntryId,
        /// On what legal basis it acts.
        legal_basis: String,
    },
    /// The organisation does not take it.
    TaskDeclined {
        /// Which.
        task: EntryId,
        /// Why.
        reason: String,
        /// On what legal basis it may not, where that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        legal_basis: Option<String>,
    },
    /// The organisation gives the task back: done, or not.
    TaskHandedBack {
        /// Which.
        task: EntryId,
        /// Whether it is done.
        done: bool,
        /// What came of it, or why not.
        result: String,
    },
    /// Who offered it, or the commander, no longer wants it.
    TaskWithdrawn {
        /// Which.
        task: EntryId,
        /// Why.
        reason: String,
    },
    /// Something was decided.
    Decided {
        /// What the question was.
        question: String,
        /// What there was to choose.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        /// Which was chosen, from 0.
        chosen: usize,
        /// Why.
        reason: String,
        /// On what evidence.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<Id>,
    },
    /// The system proposes a severity.
    SeverityProposed {
        /// Which.
        level: Severity,
        /// Why, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<String>,
    },
    /// A person declares the severity.
    SeverityDeclared {
        /// Which.
        level: Severity,
        /// Why.
        reason: String,
    },
    /// Another case is the same incident.
    Merged {
        /// Which.
        other: CaseId,
        /// Why.
        reason: String,
    },
    /// It was not.
    Unmerged {
        /// The merge.
        merge: EntryId,
        /// Why.
        reason: String,
    },
    /// In a side room: this entry was published as that one. What is published is an entry of its own and does not name where it came from.
    PublishedAs {
        /// The entry of the side room.
        entry: EntryId,
        /// The entry that others see.
        published: EntryId,
    },
    /// Somebody typed in a situation report that several write at once.
    Typed {
        /// Which of the room's reports, from 1. The next one is begun by typing in it.
        report: u16,
        /// An update of Yjs, version 1, in base64 ([`super::Update`]).
        update: String,
    },
    /// A person gives a situation report out, as it stands.
    Reported {
        /// Which of the room's reports.
        report: u16,
        /// What it says.
        text: String,
    },
    /// A mail about the case came to an organisation. Whom it claims to be from is not proved.
    Mailed(Box<Mail>),
}

impl Says {
    /// Whether a room comes to the same wherever among the others this stands.
    #[must_use]
    pub fn counts_anywhere(&self) -> bool {
        match self {
            Self::Invited { .. }
            | Self::Note { .. }
            | Self::Objects { .. }
            | Self::Mailed(_)
            | Self::PublishedAs { .. }
            | Self::Merged { .. }
            | Self::Unmerged { .. } => true,
            Self::Commands
            | Self::HandOver { .. }
            | Self::TakesOver { .. }
            | Self::Leads { .. }
            | Self::Period { .. }
            | Self::TaskOffered { .. }
            | Self::TaskAccepted { .. }
            | Self::TaskDeclined { .. }
            | Self::TaskHandedBack { .. }
            | Self::TaskWithdrawn { .. }
            | Self::Decided { .. }
            | Self::SeverityProposed { .. }
            | Self::SeverityDeclared { .. }
            | Self::Typed { .. }
            | Self::Reported { .. } => false,
        }
    }
}

/// The SHA-256 of an entry's canonical JSON. The salt in it keeps the name from telling what the entry says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub [u8; 32]);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for EntryId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text.as_bytes(), &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(serde::de::Error::custom("not the hash of an entry")),
        }
    }
}

/// One entry of a case room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEntry {
    /// The case.
    pub case: CaseId,
    /// When, by the clock of the hub that wrote it, and later than every entry that it refers to.
    pub at: Timestamp,
    /// The account; nothing for the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the writer is called: other hubs do not know its account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose entry it is.
    pub organisation: OrganisationId,
    /// Who it is for.
    pub label: Label,
    /// 128 bits of chance in hexadecimal, drawn by who wrote it.
    pub salt: String,
    /// What it says.
    #[serde(flatten)]
    pub says: Says,
}

impl RoomEntry {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> EntryId {
        // Nothing of an entry can fail to be written: it has texts as keys and no floating-point numbers.
        EntryId(sha2::Sha256::digest(serde_json_canonicalizer::to_vec(self).unwrap_or_default()).into())
    }

    /// The person who wrote it.
    #[must_use]
    pub fn person(&self) -> Option<Person> {
        let account = self.by.clone()?;
        Some(Person { account, organisation: self.organisation.clone() })
    }

    /// The lane that it stands in.
    #[must_use]
    pub fn lane(&self) -> Option<Lane> {
        match &self.says {
            Says::Note { lane, .. } => *lane,
            Says::Leads { lane, .. } | Says::TaskOffered { lane, .. } => Some(*lane),
            _ => None,
        }
    }

    /// A copy for a wider audience, with a time and a salt of its own: an explicit act of the organisation whose side room it stands in.
    /// Gives back what is published, and what the side room keeps of that. Nothing where somebody else's entry would be published.
    #[must_use]
    pub fn publish(&self, by: &Person, label: Label, at: Timestamp, salts: [String; 2]) -> Option<[Self; 2]> {
        if by.organisation != self.organisation {
            return None;
        }
        let [salt, kept_salt] = salts;
        let at = at.max(just_after(self.at));
        // Somebody else's name does not belong to this account.
        let name = self.name.clone().filter(|_| self.by.as_ref() == Some(&by.account));
        let published = Self { label, at, by: Some(by.account.clone()), name, salt, ..self.clone() };
        let says = Says::PublishedAs { entry: self.id(), published: published.id() };
        let kept = Self {
            at: just_after(at),
            label: self.label.clone(),
            salt: kept_salt,
            says,
            ..published.clone()
        };
        Some([published, kept])
    }
}

/// The least later instant that a JSON of ours can tell.
pub(crate) fn just_after(at: Timestamp) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(at)
}

/// TLP levels by the name that is used everywhere.
mod tlp_name {
    use serde::{Deserialize, Deserializer, Serializer};
    use stix::marking::Tlp;

    pub(super) fn serialize<S: Serializer>(tlp: &Tlp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(tlp.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tlp, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Tlp::parse(&name).ok_or_else(|| serde::de::Error::custom("not a TLP level"))
    }
}
