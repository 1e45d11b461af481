use std::collections::BTreeSet;

use oversight::{OrganisationId, Qualification, Realm};
use serde::{Deserialize, Serialize};
use stix::marking::{Pap, Tlp};
use stix::{Id, Object};

use crate::{AgreementId, GroupId, Marking, ObjectClass};

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
    /// What kind of information it is.
    pub class: ObjectClass,
    /// The strictest PAP level.
    pub pap: Option<Pap>,
    /// The sharing groups it is limited to: a reader is in every one of them.
    pub groups: BTreeSet<GroupId>,
    /// Goes no further than to the council's members, unless its originator releases it.
    pub originator_control: bool,
    /// The agreement under which it came in from another hub; it limits who may have it here.
    pub agreement: Option<AgreementId>,
    /// Organisations to which its originator has released it beyond its markings.
    pub granted: BTreeSet<OrganisationId>,
    /// The clearances and oaths that a person needs to read it; what is no person holds none.
    pub demands: BTreeSet<Qualification>,
    /// Of a redacted copy: the labels of what it stands in for, the original first among them. Whoever may read one of those is not
    /// shown the copy, and its originator never is.
    pub instead_of: Vec<Label>,
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

    /// A label of nothing yet: unmarked, of class [`ObjectClass::Other`].
    #[must_use]
    pub fn unmarked(originator: &OrganisationId, realm: &Realm) -> Self {
        Self {
            realm: realm.clone(),
            tlp: TlpLabel::Unmarked,
            statements: BTreeSet::new(),
            unknown: BTreeSet::new(),
            originator: originator.clone(),
            class: ObjectClass::Other,
            pap: None,
            groups: BTreeSet::new(),
            originator_control: false,
            agreement: None,
            granted: BTreeSet::new(),
            demands: BTreeSet::new(),
            instead_of: Vec::new(),
        }
    }

    /// The same without what it stands in for: what may be read by whom, were there no original.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { instead_of: Vec::new(), ..self.clone() }
    }

    /// The same standing in for things under other labels.
    #[must_use]
    pub fn in_place_of(&self, others: impl IntoIterator<Item = Self>) -> Self {
        let mut instead_of: Vec<Self> = others.into_iter().map(|other| other.alone()).collect();
        instead_of.sort_by_cached_key(Self::to_text);
        instead_of.dedup();
        Self { instead_of, ..self.clone() }
    }

    /// The label of an object. `meaning` tells what a marking definition asks for, if that is known here (from the object's own
    /// batch too); those with fixed identifiers need not be told, and every other unknown one denies.
    ///
    /// A marking definition is bound by what it defines: who may see objects under a statement may read the statement, who is
    /// in a sharing group may read that it is, and definitions that are the same everywhere (the levels of TLP and PAP,
    /// originator control, clearances and oaths) are free.
    #[must_use]
    pub fn of(
        object: &Object,
        originator: &OrganisationId,
        realm: &Realm,
        meaning: impl Fn(&Id) -> Option<Marking>,
    ) -> Self {
        let of = |markings: &[Id]| Self::of_markings(markings, object, originator, realm, &meaning);
        let whole = stix::marking::object_marking_refs(object);
        let label = of(&whole);
        // Whoever reads all of it reads each part of it, under the markings of that part.
        let parts = crate::redaction::markings_of_parts(object);
        let join = |label: Self, part: &BTreeSet<Id>| {
            let markings: Vec<Id> = whole.iter().chain(part).cloned().collect();
            label.join(&of(&markings)).unwrap_or(label)
        };
        parts.iter().fold(label, join)
    }

    /// The label that some of the object's markings would give it.
    #[must_use]
    pub(crate) fn of_markings(
        markings: &[Id],
        object: &Object,
        originator: &OrganisationId,
        realm: &Realm,
        meaning: impl Fn(&Id) -> Option<Marking>,
    ) -> Self {
        let meaning = |id: &Id| {
            let meaning = Marking::fixed(id).or_else(|| meaning(id));
            // Terms that the object itself breaks are as good as not understood.
            meaning.filter(|meaning| !matches!(meaning, Marking::Acs(acs) if acs.is_broken_by(object)))
        };
        let mut label = Self::unmarked(originator, realm);
        label.class = ObjectClass::of_type(object.object_type());
        for marking in markings {
            match stix::marking::tlp(marking) {
                Some(level) => label.tlp = label.tlp.join(TlpLabel::Level(level)),
                None => label.mark(marking, meaning(marking)),
            }
        }
        if object.object_type() == "marking-definition" {
            let free = stix::marking::tlp(object.id()).is_some() || Marking::fixed(object.id()).is_some();
            match meaning(object.id()) {
                _ if free => label.tlp = label.tlp.join(TlpLabel::Level(Tlp::Clear)),
                // That there is such a clearance is in the law.
                Some(Marking::Demand(_)) => label.tlp = label.tlp.join(TlpLabel::Level(Tlp::Clear)),
                Some(meaning) => label.mark(object.id(), Some(meaning)),
                None => {}
            }
        }
        label
    }

    /// Makes known what an unknown marking of this label asks for; not where that asks something of the object itself.
    pub fn define(&mut self, marking: &Id, meaning: Marking) {
        if matches!(meaning, Marking::Acs(acs) if acs.hides_source) {
            return;
        }
        if self.unknown.remove(marking) {
            self.mark(marking, Some(meaning));
        }
        for other in &mut self.instead_of {
            other.define(marking, meaning);
        }
    }

    fn mark(&mut self, marking: &Id, meaning: Option<Marking>) {
        match meaning {
            Some(Marking::Statement) => drop(self.statements.insert(marking.clone())),
            Some(Marking::Pap(level)) => self.pap = self.pap.max(Some(level)),
            Some(Marking::Group(group)) => drop(self.groups.insert(group)),
            Some(Marking::OriginatorControl) => self.originator_control = true,
            Some(Marking::Demand(qualification)) => drop(self.demands.insert(qualification)),
            Some(Marking::Acs(acs)) => {
                self.tlp = self.tlp.join(TlpLabel::Level(acs.tlp));
                self.pap = self.pap.max(Some(acs.pap));
                self.originator_control |= acs.originator_control;
            }
            None => drop(self.unknown.insert(marking.clone())),
        }
    }

    /// The label of what is made of two things: whoever may read it may read both. `None` where they are of different realms,
    /// for nothing may be made of those.
    ///
    /// A thing that only its originator may read makes the result so; terms in words beside a level, and a sharing group that
    /// stands for itself, count as AMBER, which has the same readers but for agreements, so that none gives the result; and
    /// with two originators nobody reads it as its originator.
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
            class: self.class.join(other.class),
            pap: self.pap.max(other.pap),
            groups: if closed { BTreeSet::new() } else { self.joined_groups(other) },
            originator_control: self.joined_control(other),
            agreement: joined_agreement(self.agreement.as_ref(), other.agreement.as_ref()),
            granted: self.joined_grants(other),
            demands: self.demands.union(&other.demands).copied().collect(),
            // What is made of a copy is for whoever may read what the copy holds, the readers of the original among them.
            instead_of: Vec::new(),
        })
    }

    /// Whether an originator has to be asked. No agreement gives what bears no level, so none may give the level that the
    /// result bears beside it.
    fn joined_control(&self, other: &Self) -> bool {
        let is_unmarked = |label: &Self| label.tlp == TlpLabel::Unmarked;
        self.originator_control || other.originator_control || is_unmarked(self) != is_unmarked(other)
    }

    /// To whom both were granted. Where one is closed and the other is not, the result shows neither the level nor the groups
    /// that would still forbid the other one to somebody it was granted to: it is granted to nobody.
    fn joined_grants(&self, other: &Self) -> BTreeSet<OrganisationId> {
        if self.is_closed() != other.is_closed() {
            return BTreeSet::new();
        }
        self.granted.intersection(&other.granted).cloned().collect()
    }

    /// Whoever is in all groups of both. A group not only limits, it lets its members read what is marked more strictly than
    /// AMBER; beside something so strict that bears no group there is nobody whom both let read.
    fn joined_groups(&self, other: &Self) -> BTreeSet<GroupId> {
        let mut groups: BTreeSet<GroupId> = self.groups.union(&other.groups).copied().collect();
        let is_strict_without = |label: &Self| {
            label.groups.is_empty() && matches!(label.tlp, TlpLabel::Level(Tlp::AmberStrict | Tlp::Red))
        };
        if !groups.is_empty() && [self, other].into_iter().any(is_strict_without) {
            groups.insert(GroupId::NOBODY);
        }
        groups
    }

    /// The canonical text (RFC 8785), to store a label and read it back.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Strings, lists of strings and a truth value: there is nothing in it that JSON could not hold.
        serde_json_canonicalizer::to_string(&self.text()).unwrap_or_default()
    }

    fn text(&self) -> Text {
        let strings = |ids: &BTreeSet<Id>| ids.iter().map(ToString::to_string).collect();
        Text {
            agreement: self.agreement.as_ref().map(ToString::to_string),
            class: self.class.name().to_owned(),
            demands: self.demands.iter().map(ToString::to_string).collect(),
            granted: self.granted.iter().map(ToString::to_string).collect(),
            groups: self.groups.iter().map(ToString::to_string).collect(),
            instead_of: self.instead_of.iter().map(Self::text).collect(),
            originator: self.originator.as_str().to_owned(),
            originator_control: self.originator_control,
            pap: self.pap.map(|level| level.name().to_owned()),
            realm: self.realm.to_string(),
            statements: strings(&self.statements),
            tlp: self.tlp.word().to_owned(),
            unknown: strings(&self.unknown),
            v: 2,
        }
    }

    /// Reads a label from its canonical text, and from no other spelling of it. The text of the first version, which knew markings,
    /// realm and originator only, is read as a label of class [`ObjectClass::Other`].
    pub fn from_text(text: &str) -> Result<Self, InvalidLabel> {
        let invalid = |what: &str| InvalidLabel(what.to_owned());
        if let Ok(first) = serde_json::from_str::<FirstText>(text)
            && first.v == 1
        {
            let canonical = serde_json_canonicalizer::to_string(&first).unwrap_or_default();
            return if canonical == text { first.label() } else { Err(invalid(NOT_CANONICAL)) };
        }
        let parts: Text = serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
        let label = Self::from_parts(parts)?;
        if label.to_text() == text { Ok(label) } else { Err(invalid(NOT_CANONICAL)) }
    }

    fn from_parts(parts: Text) -> Result<Self, InvalidLabel> {
        let invalid = |what: &str| InvalidLabel(what.to_owned());
        let instead_of = parts.instead_of.into_iter().map(Self::from_parts).collect::<Result<_, _>>()?;
        if parts.v != 2 {
            return Err(invalid(NOT_CANONICAL));
        }
        let first = FirstText {
            originator: parts.originator,
            realm: parts.realm,
            statements: parts.statements,
            tlp: parts.tlp,
            unknown: parts.unknown,
            v: 1,
        };
        let groups = parts.groups.iter().map(|group| group.parse().ok()).collect::<Option<_>>();
        let granted = parts.granted.iter().map(|name| OrganisationId::parse(name)).collect::<Option<_>>();
        let demands = parts
            .demands
            .iter()
            .map(|name| name.parse())
            .collect::<Result<BTreeSet<_>, oversight::InvalidQualification>>();
        let agreement = parts.agreement.as_deref().map(|name| {
            AgreementId::parse(name).ok_or_else(|| invalid("`agreement` is not an agreement's short name"))
        });
        let pap =
            parts.pap.as_deref().map(|name| Pap::parse(name).ok_or_else(|| invalid("`pap` is not a level")));
        Ok(Self {
            class: ObjectClass::parse(&parts.class).ok_or_else(|| invalid("`class` is not one"))?,
            pap: pap.transpose()?,
            groups: groups.ok_or_else(|| invalid("`groups` are not groups"))?,
            originator_control: parts.originator_control,
            agreement: agreement.transpose()?,
            granted: granted.ok_or_else(|| invalid("`granted` are not organisations' short names"))?,
            demands: demands.map_err(|error| invalid(&error.to_string()))?,
            instead_of,
            ..first.label()?
        })
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

    /// Neither a level nor terms in words nor a sharing group: nobody but the originator may read it.
    pub(crate) fn is_closed(&self) -> bool {
        self.tlp == TlpLabel::Unmarked && self.statements.is_empty() && self.groups.is_empty()
    }
}

const NOT_CANONICAL: &str = "it is not in canonical form";

/// The stored form. The order of the fields is that of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    agreement: Option<String>,
    class: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    demands: Vec<String>,
    granted: Vec<String>,
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instead_of: Vec<Text>,
    originator: String,
    originator_control: bool,
    pap: Option<String>,
    realm: String,
    statements: Vec<String>,
    tlp: String,
    unknown: Vec<String>,
    v: u8,
}

/// The stored form of the first version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstText {
    originator: String,
    realm: String,
    statements: Vec<String>,
    tlp: String,
    unknown: Vec<String>,
    v: u8,
}

impl FirstText {
    fn label(&self) -> Result<Label, InvalidLabel> {
        let invalid = |what: &str| InvalidLabel(what.to_owned());
        let ids = |texts: &[String]| {
            let ids = texts.iter().map(|id| Id::parse(id)).collect::<Result<BTreeSet<_>, _>>();
            ids.map_err(|error| invalid(&error.to_string()))
        };
        let realm = Realm::parse(&self.realm).ok_or_else(|| invalid("`realm` is not one"))?;
        let originator = OrganisationId::parse(&self.originator)
            .ok_or_else(|| invalid("`originator` is not an organisation's short name"))?;
        Ok(Label {
            tlp: TlpLabel::from_word(&self.tlp).ok_or_else(|| invalid("`tlp` is not a level"))?,
            statements: ids(&self.statements)?,
            unknown: ids(&self.unknown)?,
            ..Label::unmarked(&originator, &realm)
        })
    }
}

/// The agreement that binds what was made of two things; of two agreements, one that nobody knows.
fn joined_agreement(one: Option<&AgreementId>, other: Option<&AgreementId>) -> Option<AgreementId> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => AgreementId::parse(AgreementId::SEVERAL),
        (one, other) => one.or(other).cloned(),
    }
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
