use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use serde::{Deserialize, Serialize};
use stix::marking::Tlp;
use stix::{Id, Object};

/// The Traffic Light Protocol part of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlpLabel {
    /// Marked with a level; of several, the strictest.
    Level(Tlp),
    /// No TLP marking at all.
    Unmarked,
}

/// The canonical form of an object's markings and of where it came from; what release is decided on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// Which world.
    pub realm: Realm,
    /// The strictest TLP level.
    pub tlp: TlpLabel,
    /// Markings that restrict nothing by machine: statements (STIX 2.1 §7.2.1.3), sorted.
    pub statements: BTreeSet<Id>,
    /// Markings that this node does not understand. Any of them denies.
    pub unknown: BTreeSet<Id>,
    /// The organisation that brought the object in; [`Label::SEVERAL`] for what was made of several organisations' objects.
    pub originator: OrganisationId,
}

/// A hash over a label's canonical form: 32 hexadecimal digits, stable over nodes and restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LabelId(pub [u8; 16]);

/// The text is not what [`Label::to_text`] writes.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("a stored label cannot be read: {0}")]
pub struct InvalidLabel(pub String);

impl Label {
    /// Stands for the originator of what was made of several organisations' objects. No organisation bears it.
    pub const SEVERAL: &'static str = "-";

    /// The label of an object. `is_statement` tells whether a marking-definition id is known here to be a statement
    /// (the object's own batch included); every other unknown id denies.
    ///
    /// A marking definition is bound by what it defines: who may see objects under a statement may read the statement, and
    /// the definitions of the TLP levels, which are the same everywhere, are free.
    #[must_use]
    pub fn of(
        object: &Object,
        originator: &OrganisationId,
        realm: &Realm,
        is_statement: impl Fn(&Id) -> bool,
    ) -> Self {
        let mut label = Self {
            realm: realm.clone(),
            tlp: TlpLabel::Unmarked,
            statements: BTreeSet::new(),
            unknown: BTreeSet::new(),
            originator: originator.clone(),
        };
        for marking in stix::marking::marking_refs(object) {
            match stix::marking::tlp(&marking) {
                Some(level) => label.tlp = label.tlp.join(TlpLabel::Level(level)),
                None if is_statement(&marking) => drop(label.statements.insert(marking)),
                None => drop(label.unknown.insert(marking)),
            }
        }
        if object.object_type() == "marking-definition" {
            if stix::marking::tlp(object.id()).is_some() {
                label.tlp = label.tlp.join(TlpLabel::Level(Tlp::Clear));
            } else if is_statement(object.id()) {
                label.statements.insert(object.id().clone());
            }
        }
        label
    }

    /// The label of what is made of two things: whoever may read it may read both. `None` where they are of different realms,
    /// for nothing may be made of those.
    ///
    /// A thing that only its originator may read makes the result so; terms in words beside a level count as AMBER, which
    /// has the same readers; and with two originators nobody reads it as its originator.
    #[must_use]
    pub fn join(&self, other: &Self) -> Option<Self> {
        if self.realm != other.realm {
            return None;
        }
        let closed = self.is_closed() || other.is_closed();
        let tlp = match (self.tlp, other.tlp) {
            _ if closed => TlpLabel::Unmarked,
            (TlpLabel::Level(a), TlpLabel::Level(b)) => TlpLabel::Level(a.max(b)),
            (TlpLabel::Level(level), TlpLabel::Unmarked) | (TlpLabel::Unmarked, TlpLabel::Level(level)) => {
                TlpLabel::Level(level.max(Tlp::Amber))
            }
            (TlpLabel::Unmarked, TlpLabel::Unmarked) => TlpLabel::Unmarked,
        };
        let statements = if closed {
            BTreeSet::new()
        } else {
            self.statements.union(&other.statements).cloned().collect()
        };
        Some(Self {
            realm: self.realm.clone(),
            tlp,
            statements,
            unknown: self.unknown.union(&other.unknown).cloned().collect(),
            originator: if self.originator == other.originator {
                self.originator.clone()
            } else {
                several(self)
            },
        })
    }

    /// The canonical text (RFC 8785), to store a label and read it back.
    #[must_use]
    pub fn to_text(&self) -> String {
        let text = Text {
            originator: self.originator.as_str().to_owned(),
            realm: self.realm.to_string(),
            statements: self.statements.iter().map(ToString::to_string).collect(),
            tlp: self.tlp.word().to_owned(),
            unknown: self.unknown.iter().map(ToString::to_string).collect(),
            v: 1,
        };
        // Strings and lists of strings: there is nothing in it that JSON could not hold.
        serde_json_canonicalizer::to_string(&text).unwrap_or_default()
    }

    /// Reads a label from its canonical text, and from no other spelling of it.
    pub fn from_text(text: &str) -> Result<Self, InvalidLabel> {
        let invalid = |what: &str| InvalidLabel(what.to_owned());
        let parts: Text = serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
        let ids = |texts: &[String]| texts.iter().map(|id| Id::parse(id)).collect::<Result<BTreeSet<_>, _>>();
        let label = Self {
            realm: Realm::parse(&parts.realm).ok_or_else(|| invalid("`realm` is not one"))?,
            tlp: TlpLabel::from_word(&parts.tlp).ok_or_else(|| invalid("`tlp` is not a level"))?,
            statements: ids(&parts.statements).map_err(|error| invalid(&error.to_string()))?,
            unknown: ids(&parts.unknown).map_err(|error| invalid(&error.to_string()))?,
            originator: OrganisationId::parse(&parts.originator)
                .ok_or_else(|| invalid("`originator` is not an organisation's short name"))?,
        };
        if label.to_text() == text { Ok(label) } else { Err(invalid("it is not in canonical form")) }
    }

    /// The first 16 bytes of SHA-256 over [`Label::to_text`].
    #[must_use]
    pub fn id(&self) -> LabelId {
        use sha2::Digest;
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(sha2::Sha256::digest(self.to_text())) {
            *to = from;
        }
        LabelId(id)
    }

    /// The same label with one marking in place of several that are alike to policies which do not name markings.
    pub(crate) fn shape(&self) -> Self {
        let one = |markings: &BTreeSet<Id>| {
            if markings.is_empty() {
                BTreeSet::new()
            } else {
                BTreeSet::from([Id::new("marking-definition", uuid::Uuid::nil())])
            }
        };
        Self { statements: one(&self.statements), unknown: one(&self.unknown), ..self.clone() }
    }

    /// Neither a level nor terms in words: nobody but the originator may read it.
    fn is_closed(&self) -> bool {
        self.tlp == TlpLabel::Unmarked && self.statements.is_empty()
    }
}

/// The stored form. The order of the fields is that of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    originator: String,
    realm: String,
    statements: Vec<String>,
    tlp: String,
    unknown: Vec<String>,
    v: u8,
}

/// [`Label::SEVERAL`] as an originator.
fn several(label: &Label) -> OrganisationId {
    OrganisationId::parse(Label::SEVERAL).unwrap_or_else(|| label.originator.clone())
}

impl TlpLabel {
    /// The stricter of two markings of *one* object: a level beats none, a stricter level beats a freer one.
    /// For things made of several objects see [`Label::join`].
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Level(a), Self::Level(b)) => Self::Level(a.max(b)),
            (Self::Level(a), Self::Unmarked) | (Self::Unmarked, Self::Level(a)) => Self::Level(a),
            (Self::Unmarked, Self::Unmarked) => Self::Unmarked,
        }
    }

    /// The word in storage and policies: `clear`, `green`, `amber`, `amber+strict`, `red`, `unmarked`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Level(level) => level.name(),
            Self::Unmarked => UNMARKED,
        }
    }

    /// The level of such a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == UNMARKED { Some(Self::Unmarked) } else { Tlp::parse(word).map(Self::Level) }
    }
}

const UNMARKED: &str = "unmarked";

impl LabelId {
    /// 32 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}
