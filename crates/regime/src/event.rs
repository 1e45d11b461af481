//! What can be said about an incident, one event at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::{Attachment, Value};

/// The longest reason, advice or account id in characters.
pub(crate) const REASON_CHARS_MAX: usize = 5_000;
/// The most fields that one event states.
pub(crate) const STATED_MAX: usize = 200;

/// What kind of incident it is; one incident may be of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Files were encrypted, or data is held to ransom.
    Ransomware,
    /// Denial of service.
    Ddos,
    /// Somebody was inside.
    Intrusion,
    /// Personal data leaked, was lost or damaged.
    DataBreach,
    /// Money was moved by online banking.
    BankingFraud,
    /// Accounts were opened or taken over for fraud.
    FraudAccounts,
    /// It came through a supplier, or could reach customers.
    SupplyChain,
    /// It nearly happened.
    NearMiss,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Ransomware,
        Self::Ddos,
        Self::Intrusion,
        Self::DataBreach,
        Self::BankingFraud,
        Self::FraudAccounts,
        Self::SupplyChain,
        Self::NearMiss,
    ];

    /// The word of the files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ransomware => "ransomware",
            Self::Ddos => "ddos",
            Self::Intrusion => "intrusion",
            Self::DataBreach => "data-breach",
            Self::BankingFraud => "banking-fraud",
            Self::FraudAccounts => "fraud-accounts",
            Self::SupplyChain => "supply-chain",
            Self::NearMiss => "near-miss",
        }
    }

    /// The kind of such a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it is called.
    #[must_use]
    pub fn label(self) -> crate::Text {
        let (ja, en) = match self {
            Self::Ransomware => ("ランサムウェア", "ransomware"),
            Self::Ddos => ("DDoS攻撃", "denial of service"),
            Self::Intrusion => ("不正侵入", "intrusion"),
            Self::DataBreach => ("情報漏えい", "data breach"),
            Self::BankingFraud => ("インターネットバンキング不正送金", "online banking fraud"),
            Self::FraudAccounts => ("不正口座・不正アカウント", "fraudulent accounts"),
            Self::SupplyChain => ("サプライチェーン", "supply chain"),
            Self::NearMiss => ("ヒヤリハット", "near miss"),
        };
        crate::Text::new(ja, en)
    }
}

/// Something that happened at an instant, from which clocks may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The incident began.
    Occurred,
    /// Something or somebody noticed.
    Detected,
    /// The organisation became aware: what most laws count from.
    Aware,
    /// It had reason to believe that the incident must be reported.
    Believed,
    /// It classified the incident.
    Classified,
    /// A ransom was paid.
    Paid,
    /// The incident was handled.
    Handled,
}

impl Moment {
    /// Every moment, in the order in which they mostly come.
    pub const ALL: [Self; 7] = [
        Self::Occurred,
        Self::Detected,
        Self::Aware,
        Self::Believed,
        Self::Classified,
        Self::Paid,
        Self::Handled,
    ];

    /// The word of the files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Occurred => "occurred",
            Self::Detected => "detected",
            Self::Aware => "aware",
            Self::Believed => "believed",
            Self::Classified => "classified",
            Self::Paid => "paid",
            Self::Handled => "handled",
        }
    }

    /// The moment of such a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.name() == name)
    }

    /// What it is called.
    #[must_use]
    pub fn label(self) -> crate::Text {
        let (ja, en) = match self {
            Self::Occurred => ("発生日時", "occurred"),
            Self::Detected => ("検知日時", "detected"),
            Self::Aware => ("認知日時", "became aware"),
            Self::Believed => ("報告対象と判断した日時", "believed reportable"),
            Self::Classified => ("分類した日時", "classified"),
            Self::Paid => ("支払日時", "ransom paid"),
            Self::Handled => ("対応完了日時", "handled"),
        };
        crate::Text::new(ja, en)
    }
}

/// Who says what a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Provenance {
    /// A person stated it, in this report.
    Person,
    /// The organisation declared it in peacetime.
    Profile,
    /// It was taken from the organisation's own sightings.
    Sightings {
        /// Their STIX identifiers, at most 100.
        ids: Vec<stix::Id>,
    },
}

impl Provenance {
    /// The word for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Profile => "profile",
            Self::Sightings { .. } => "sightings",
        }
    }
}

/// What is said of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// What it holds; nothing where somebody says that it is not known yet.
    pub value: Option<Value>,
    /// Who says so.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// Which fields a consent is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fields {
    /// All of them, those that are stated later too.
    All,
    /// These.
    Only(BTreeSet<String>),
}

/// What an authority answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Answer {
    /// It has the report.
    Acknowledged,
    /// It advises.
    Advice {
        /// What it says.
        text: String,
    },
    /// Similar cases, by their STIX identifiers.
    SimilarCases {
        /// At most 100.
        ids: Vec<stix::Id>,
    },
    /// It asks for another report: the clock of a stage that is owed on request starts.
    Requested {
        /// What it wants.
        text: String,
    },
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum What {
    /// The incident is of this kind (too).
    Kind {
        /// Which.
        kind: Kind,
    },
    /// Something happened then. Of several accounts of one moment the earliest counts, so that no clock ever gains time by a second
    /// account; a mistaken one is withdrawn.
    Happened {
        /// What.
        moment: Moment,
        /// When.
        at: Timestamp,
    },
    /// Fields are stated or amended.
    Stated {
        /// What each holds now.
        fields: BTreeMap<String, Stated>,
    },
    /// A file is added.
    Attached {
        /// The file; its content is kept elsewhere.
        attachment: Attachment,
    },
    /// Consent to give fields to a recipient of a regime, or the end of it.
    Consent {
        /// The regime.
        regime: String,
        /// The recipient.
        recipient: String,
        /// Which fields.
        fields: Fields,
        /// Given, or taken back from now on.
        given: bool,
    },
    /// Counsel or an authority settled whether a regime applies.
    Ruled {
        /// The regime.
        regime: String,
        /// Whether it applies.
        applies: bool,
        /// Why, and who says so.
        reason: String,
    },
    /// The authority gave more time.
    Extended {
        /// The regime.
        regime: String,
        /// The stage.
        stage: String,
        /// The new deadline.
        until: Timestamp,
        /// Why, and who says so.
        reason: String,
    },
    /// The form of a stage was given to a recipient.
    Filed {
        /// The regime.
        regime: String,
        /// The stage.
        stage: String,
        /// The recipient.
        recipient: String,
        /// When it left.
        at: Timestamp,
        /// SHA-256 of the exact copy, in hexadecimal; see [`crate::Copy`].
        copy: String,
    },
    /// The authority answered what was filed.
    Answered {
        /// The regime.
        regime: String,
        /// The stage that it answers.
        stage: String,
        /// Which recipient answers.
        recipient: String,
        /// When.
        at: Timestamp,
        /// What it says.
        #[serde(flatten)]
        answer: Answer,
    },
    /// An earlier event was a mistake. It stays in the record and no longer counts. What was filed or answered cannot be withdrawn.
    Withdrawn {
        /// Which.
        event: EventId,
        /// Why.
        reason: String,
    },
}

impl What {
    /// The word for programs, as it stands in the event's JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kind { .. } => "kind",
            Self::Happened { .. } => "happened",
            Self::Stated { .. } => "stated",
            Self::Attached { .. } => "attached",
            Self::Consent { .. } => "consent",
            Self::Ruled { .. } => "ruled",
            Self::Extended { .. } => "extended",
            Self::Filed { .. } => "filed",
            Self::Answered { .. } => "answered",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// The SHA-256 of an event's canonical JSON: the same event has the same name everywhere, however often it arrives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 32]);

impl EventId {
    /// The name that 64 digits of lower-case hexadecimal are.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_hash(text).map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        parse_hash(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not the hash of an event"))
    }
}

/// 64 digits of lower-case hexadecimal.
pub(crate) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let plain = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (plain && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

/// One event of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was taken into the log of the node that keeps the report.
    pub logged: Timestamp,
    /// The account of who says so; nothing for the node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub what: What,
}

impl Event {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId(sha2::Sha256::digest(self.canonical()).into())
    }

    /// The one spelling (RFC 8785) that its name is made of.
    #[must_use]
    pub fn canonical(&self) -> String {
        // Nothing of an event can fail to be written: its maps have texts as keys and it holds no floating-point number.
        serde_json_canonicalizer::to_string(self).unwrap_or_default()
    }

    /// The instant from which it can count: what an account claims, but never later than it was logged, so that a clock that is
    /// ahead buys no time.
    #[must_use]
    pub fn counts_from(&self, claimed: Timestamp) -> Timestamp {
        claimed.min(self.logged)
    }
}

/// A name of a field, file or part: 1 to 60 of `a–z 0–9 _`, a letter first.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 60
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A name of a regime, stage, recipient or form: as a field's, with `.` and `-` too.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() <= 60
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'))
}
