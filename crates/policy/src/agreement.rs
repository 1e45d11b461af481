//! Agreements between organisations: values, read from TOML, with what is wrong in them told where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use oversight::{OrganisationId, Purpose};
use serde::{Deserialize, Serialize};
use stix::marking::{Pap, Tlp};

use crate::ObjectClass;

/// An agreement's short name, 1–64 of `a–z 0–9 -`. Stable for ever: labels hold it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AgreementId(Box<str>);

/// What organisations agree to give each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Its short name.
    pub id: AgreementId,
    /// What people call it.
    pub title: Title,
    /// Who signs it: two or more.
    pub parties: BTreeSet<OrganisationId>,
    /// From when on it holds.
    pub from: Timestamp,
    /// Until when; this instant is no more in it.
    pub until: Timestamp,
    /// Whether all give only as long as all give: one party's suspension or end stops every term.
    #[serde(default)]
    pub reciprocal: bool,
    /// What is given. There are terms here, or among `orders`.
    #[serde(default)]
    pub terms: Vec<Term>,
    /// What may be ordered. What no such term says may not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderTerm>,
}

/// A title in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

/// One direction of giving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Whose objects.
    pub from: BTreeSet<Side>,
    /// To whom.
    pub to: BTreeSet<Side>,
    /// Of which classes.
    pub classes: BTreeSet<ObjectClass>,
    /// Up to which TLP level; what bears none is never given.
    #[serde(with = "level")]
    pub tlp: Tlp,
    /// Up to which PAP level; what bears none is given.
    #[serde(with = "level")]
    pub pap: Pap,
    /// For which purposes.
    pub purposes: BTreeSet<Purpose>,
    /// What the receivers may do with it beyond themselves.
    #[serde(default)]
    pub onward: Onward,
    /// Whether each further release of what was received needs the originator's consent.
    #[serde(default)]
    pub originator_control: bool,
}

/// What one party's hub may ask for in the networks of others: a right to ask. Every gate of the hub that is asked, and of the edge, stands
/// behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderTerm {
    /// Whose hub may ask.
    pub by: BTreeSet<OrganisationId>,
    /// In whose networks.
    pub at: BTreeSet<Side>,
    /// For what.
    pub actions: BTreeSet<OrderAction>,
    /// The longest effect, in minutes.
    pub minutes_max: u64,
}

/// Something that can be ordered in another hub's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderAction {
    /// To keep something out.
    Deny,
    /// To set something apart.
    Contain,
}

/// A giver or receiver of a term: `aurora-cert`, or `coordinator:members`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// One organisation.
    Organisation(OrganisationId),
    /// The members of the council that this organisation coordinates, itself among them. Where it coordinates none on this
    /// hub, itself.
    Members(OrganisationId),
}

/// What a receiver may do with what it was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Onward {
    /// Keep it.
    #[default]
    None,
    /// Hand it on to these organisations.
    Named(BTreeSet<OrganisationId>),
    /// Hand it on to whoever is bound by terms that give no more than these.
    SameTerms,
}

/// Where one party of an agreement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SideState {
    /// It has not signed yet.
    Unsigned,
    /// It has signed, and gives.
    Signed,
    /// It has stopped giving for a while.
    Suspended,
    /// It has stopped for good.
    Ended,
}

/// An agreement and where its parties stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The text.
    pub agreement: Agreement,
    /// Each party's state; one that is missing has not signed.
    pub sides: BTreeMap<OrganisationId, SideState>,
}

/// The text of an agreement cannot be used.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct InvalidAgreement(pub String);

/// Terms of one agreement at most.
pub const TERMS_MAX: usize = 64;
/// Organisations named in one place of an agreement at most.
pub const NAMED_MAX: usize = 256;
/// The longest effect that can be agreed on, in minutes: a month.
pub const ORDER_MINUTES_MAX: u64 = 31 * 24 * 60;
/// Bytes of a title at most.
pub const TITLE_BYTES_MAX: usize = 400;

impl AgreementId {
    /// Stands for objects that came in under several agreements. None bears it.
    pub(crate) const SEVERAL: &'static str = "-";

    /// Reads a short name; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        legal.then(|| Self(text.into()))
    }

    /// The short name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Agreement {
    /// Reads an agreement from TOML, as it stands in `policies/agreements/`.
    ///
    /// # Errors
    /// What does not parse, and what [`Agreement::check`] refuses.
    pub fn from_toml(text: &str) -> Result<Self, InvalidAgreement> {
        let agreement: Self = toml::from_str(text).map_err(|error| InvalidAgreement(error.to_string()))?;
        agreement.check()?;
        Ok(agreement)
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// The first thing that is wrong, and what to write instead.
    pub fn check(&self) -> Result<(), InvalidAgreement> {
        let wrong = |what: &str| Err(InvalidAgreement(what.to_owned()));
        if self.id.as_str().bytes().all(|byte| byte == b'-') {
            return wrong("`id` has neither letter nor digit; give it a name such as `aurora-2026`");
        }
        if self.title.ja.trim().is_empty() || self.title.en.trim().is_empty() {
            return wrong("`title` is empty; write it in Japanese (`ja`) and English (`en`)");
        }
        if self.title.ja.len() > TITLE_BYTES_MAX || self.title.en.len() > TITLE_BYTES_MAX {
            return wrong("`title` is longer than 400 bytes; shorten it");
        }
        if !(2..=NAMED_MAX).contains(&self.parties.len()) {
            return wrong("`parties` has fewer than 2 or more than 256 organisations");
        }
        if self.from >= self.until {
            return wrong("`until` is not after `from`; an agreement needs a time in which it holds");
        }
        if !(1..=TERMS_MAX).contains(&self.terms.len().saturating_add(self.orders.len())) {
            return wrong(
                "there are fewer than 1 or more than 64 `terms` and `orders`; an agreement gives something",
            );
        }
        for (number, term) in (1..).zip(&self.terms) {
            self.check_term(term).map_err(|error| InvalidAgreement(format!("term {number}: {error}")))?;
        }
        for (number, term) in (1..).zip(&self.orders) {
            self.check_orders(term).map_err(|error| InvalidAgreement(format!("orders {number}: {error}")))?;
        }
        Ok(())
    }

    fn check_orders(&self, term: &OrderTerm) -> Result<(), InvalidAgreement> {
        let wrong = |what: String| Err(InvalidAgreement(what));
        let by = term.by.iter();
        let sides = by.chain(term.at.iter().map(Side::organisation));
        for (name, length) in [("by", term.by.len()), ("at", term.at.len())] {
            if !(1..=NAMED_MAX).contains(&length) {
                return wrong(format!("`{name}` has fewer than 1 or more than 256 organisations"));
            }
        }
        if let Some(stranger) = sides.into_iter().find(|side| !self.parties.contains(*side)) {
            return wrong(format!("it names `{stranger}`, which is no party; add it to `parties`"));
        }
        if term.actions.is_empty() {
            return wrong("`actions` is empty; say what may be ordered: `deny`, `contain`".to_owned());
        }
        if !(1..=ORDER_MINUTES_MAX).contains(&term.minutes_max) {
            return wrong(format!("`minutes_max` is not from 1 to {ORDER_MINUTES_MAX}"));
        }
        Ok(())
    }

    fn check_term(&self, term: &Term) -> Result<(), InvalidAgreement> {
        let wrong = |what: String| Err(InvalidAgreement(what));
        for (name, sides) in [("from", &term.from), ("to", &term.to)] {
            if !(1..=NAMED_MAX).contains(&sides.len()) {
                return wrong(format!("`{name}` has fewer than 1 or more than 256 organisations"));
            }
            if let Some(stranger) = sides.iter().find(|side| !self.parties.contains(side.organisation())) {
                return wrong(format!(
                    "`{name}` names `{}`, which is no party; add it to `parties`",
                    stranger.organisation()
                ));
            }
        }
        if term.classes.is_empty() || term.classes.contains(&ObjectClass::Several) {
            return wrong("`classes` names no class of objects".to_owned());
        }
        if term.purposes.is_empty() {
            return wrong("`purposes` is empty; say what the objects may be used for".to_owned());
        }
        match &term.onward {
            Onward::Named(named) if !(1..=NAMED_MAX).contains(&named.len()) => {
                wrong("`onward` names fewer than 1 or more than 256 organisations".to_owned())
            }
            Onward::Named(_) | Onward::None | Onward::SameTerms => Ok(()),
        }
    }

    /// The canonical text (RFC 8785): what parties sign.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json_canonicalizer::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Agreement::to_text`] wrote.
    ///
    /// # Errors
    /// What does not parse, and what [`Agreement::check`] refuses.
    pub fn from_text(text: &str) -> Result<Self, InvalidAgreement> {
        let agreement: Self =
            serde_json::from_str(text).map_err(|error| InvalidAgreement(error.to_string()))?;
        agreement.check()?;
        Ok(agreement)
    }

    /// SHA-256 of [`Agreement::to_text`].
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(self.to_text()).into()
    }
}

impl Standing {
    /// An agreement that all parties have signed, as one in a file counts.
    #[must_use]
    pub fn signed(agreement: Agreement) -> Self {
        let sides = agreement.parties.iter().map(|party| (party.clone(), SideState::Signed)).collect();
        Self { agreement, sides }
    }

    /// A party's state.
    #[must_use]
    pub fn side(&self, party: &OrganisationId) -> SideState {
        self.sides.get(party).copied().unwrap_or(SideState::Unsigned)
    }

    /// Whether `now` is within its time and all parties have signed; who has stopped since is another question.
    #[must_use]
    pub fn is_concluded(&self, now: Timestamp) -> bool {
        self.agreement.from <= now
            && now < self.agreement.until
            && self.agreement.parties.iter().all(|party| self.side(party) != SideState::Unsigned)
    }

    /// Whether some term is in force.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.agreement.terms.iter().any(|term| self.gives(term, now))
            || self.agreement.orders.iter().any(|term| self.lets_order(term, now))
    }

    /// Whether orders may be asked for by a term at this time: all have signed, and neither who asks nor in whose networks it would be has
    /// stopped since. Where the agreement is reciprocal nobody has.
    #[must_use]
    pub fn lets_order(&self, term: &OrderTerm, now: Timestamp) -> bool {
        let gives = |party: &OrganisationId| self.side(party) == SideState::Signed;
        self.is_concluded(now)
            && term.by.iter().all(gives)
            && term.at.iter().all(|side| gives(side.organisation()))
            && (!self.agreement.reciprocal || self.agreement.parties.iter().all(gives))
    }

    /// Whether a term gives at this time: all have signed, its givers give, and, where the agreement is reciprocal, so does
    /// everybody.
    #[must_use]
    pub fn gives(&self, term: &Term, now: Timestamp) -> bool {
        let gives = |party: &OrganisationId| self.side(party) == SideState::Signed;
        self.is_concluded(now)
            && term.from.iter().all(|side| gives(side.organisation()))
            && (!self.agreement.reciprocal || self.agreement.parties.iter().all(gives))
    }

    /// When its time begins or ends next.
    #[must_use]
    pub fn next_boundary(&self, now: Timestamp) -> Option<Timestamp> {
        [self.agreement.from, self.agreement.until].into_iter().find(|at| *at > now)
    }
}

impl OrderAction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Deny, Self::Contain];

    /// The word, as in OpenC2.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Contain => "contain",
        }
    }

    /// The action of that word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl Term {
    /// Whether whoever is bound by this term is allowed no more than by the other one.
    #[must_use]
    pub fn is_no_wider_than(&self, other: &Self) -> bool {
        let onward = match (&self.onward, &other.onward) {
            (Onward::None, _) | (_, Onward::SameTerms) => true,
            (Onward::Named(mine), Onward::Named(theirs)) => mine.is_subset(theirs),
            (Onward::Named(_) | Onward::SameTerms, _) => false,
        };
        onward
            && self.classes.is_subset(&other.classes)
            && self.tlp <= other.tlp
            && self.pap <= other.pap
            && self.purposes.is_subset(&other.purposes)
            && (self.originator_control || !other.originator_control)
    }
}

impl Side {
    /// The party that signs for this side.
    #[must_use]
    pub fn organisation(&self) -> &OrganisationId {
        match self {
            Self::Organisation(organisation) | Self::Members(organisation) => organisation,
        }
    }
}

const MEMBERS: &str = ":members";

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation(organisation) => f.write_str(organisation.as_str()),
            Self::Members(organisation) => write!(f, "{organisation}{MEMBERS}"),
        }
    }
}

impl std::str::FromStr for Side {
    type Err = InvalidAgreement;

    fn from_str(text: &str) -> Result<Self, InvalidAgreement> {
        let parse = |name: &str| {
            OrganisationId::parse(name).ok_or_else(|| {
                InvalidAgreement(format!(
                    "`{text}` is neither an organisation's short name nor one followed by `{MEMBERS}`"
                ))
            })
        };
        match text.strip_suffix(MEMBERS) {
            Some(name) => parse(name).map(Self::Members),
            None => parse(text).map(Self::Organisation),
        }
    }
}

impl Serialize for Side {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for AgreementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgreementId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an agreement's short name")))
    }
}

/// Levels by their names.
mod level {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use stix::marking::{Pap, Tlp};

    pub(super) trait Level: Sized + Copy {
        fn word(self) -> &'static str;
        fn of(word: &str) -> Option<Self>;
    }

    impl Level for Tlp {
        fn word(self) -> &'static str {
            self.name()
        }

        fn of(word: &str) -> Option<Self> {
            Self::parse(word)
        }
    }

    impl Level for Pap {
        fn word(self) -> &'static str {
            self.name()
        }

        fn of(word: &str) -> Option<Self> {
            Self::parse(word)
        }
    }

    pub(super) fn serialize<L: Level, S: Serializer>(level: &L, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(level.word())
    }

    pub(super) fn deserialize<'de, L: Level, D: Deserializer<'de>>(deserializer: D) -> Result<L, D::Error> {
        let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
        L::of(&word).ok_or_else(|| D::Error::custom(format!("`{word}` is not a level")))
    }
}
