use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::frame::Frame;
use super::private::PrivateTerms;
use crate::organisation::vocabulary;
use crate::{OrganisationId, Purpose};

vocabulary! {
    /// On which ground traffic is looked at: the kinds of measures that the law tells apart.
    Category {
        /// By agreement with the operator.
        PartyAgreement = "party-agreement",
        /// Between two ends abroad.
        ForeignForeign = "foreign-foreign",
        /// From abroad to here.
        ForeignDomestic = "foreign-domestic",
        /// From here to abroad.
        DomesticForeign = "domestic-foreign",
        /// For a measure that ends an attack.
        Neutralisation = "neutralisation",
        /// With the consent of whoever is concerned.
        Consent = "consent",
    }
}

vocabulary! {
    /// A field of mechanical information that may leave an edge under an authorisation.
    Field {
        /// Addresses of the other side.
        Addresses = "addresses",
        /// The operator's own addresses, as pseudonyms of this authorisation.
        OwnPseudonyms = "own-pseudonyms",
        /// Domain names that matched.
        Domains = "domains",
        /// Hashes that matched.
        Hashes = "hashes",
        /// Ports.
        Ports = "ports",
        /// The transport protocol.
        Protocol = "protocol",
        /// How many bytes.
        Bytes = "bytes",
    }
}

vocabulary! {
    /// How an authorisation came about.
    Kind {
        /// Decided before anything is looked at.
        Ordinary = "ordinary",
        /// Decided by few because there was no time; short, and told to the commission at once.
        Emergency = "emergency",
    }
}

/// What is asked for, and when granted, what may be done. Nothing in it is a pattern: there are no wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The authorisation's identifier.
    pub id: Uuid,
    /// How it came about.
    pub kind: Kind,
    /// On which ground.
    pub category: Category,
    /// The article, as the frame names it for the category.
    pub article: String,
    /// Who asks.
    pub requested_by: OrganisationId,
    /// In whose networks, each by name.
    pub operators: BTreeSet<OrganisationId>,
    /// Root of the list of what is looked for, 64 hexadecimal digits: [`IndicatorList::root`](super::IndicatorList::root), or in
    /// private matching [`PrivateList::root`](super::PrivateList::root).
    pub list_root: String,
    /// How many indicators the list has at most.
    pub list_size: u32,
    /// What may leave.
    pub fields: BTreeSet<Field>,
    /// How often the list may be put to each operator in a day (UTC).
    pub queries_per_day: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusively.
    pub until: Timestamp,
    /// The class by which what comes of it is kept, as the frame names it.
    pub retention: String,
    /// What for.
    pub purpose: Purpose,
    /// Why, for the commissioners.
    pub reason: String,
    /// The authorisation that this one is a narrower form of.
    pub narrows: Option<Uuid>,
    /// Where the operators are not told what is looked for: how the rounds of private matching are held. Absent from the text of terms
    /// without it, whose hash stays what it was before there was private matching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<PrivateTerms>,
}

/// Terms that no commission can grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// No operator, or more than can be looked over.
    #[error("name 1 to {OPERATORS_MAX} operators")]
    Operators,
    /// No field may leave, so nothing can come of it.
    #[error("name at least one field that may leave")]
    Fields,
    /// In private matching no record is looked at for the state, so no field of one can leave.
    #[error("in private matching no field leaves: name none")]
    PrivateFields,
    /// One round a day, so that an answer cannot lead to the next question.
    #[error("private matching is one query a day")]
    PrivateQuota,
    /// The sizes are none that a round can have.
    #[error(
        "private matching needs as many elements as indicators, at most {max}, and a filter of 1,024 or 1,536 times a power of two values, at most {FILTER_VALUES_MAX}"
    )]
    PrivateSizes {
        /// The most that the frame allows.
        max: u32,
    },
    /// What binds to the seed is no hash.
    #[error("private matching needs the commitment to the list's seed, 64 hexadecimal digits")]
    PrivateSeed,
    /// The list has no size, or the root is none.
    #[error("the list needs a root of 64 hexadecimal digits and 1 to {max} indicators")]
    List {
        /// The most that the frame allows.
        max: u32,
    },
    /// The quota is nought or beyond the frame.
    #[error("1 to {max} queries a day are possible")]
    Quota {
        /// The most that the frame allows.
        max: u32,
    },
    /// It ends before it begins.
    #[error("it ends before it begins")]
    Order,
    /// It lasts longer than the frame allows.
    #[error("an authorisation of this category lasts at most {hours} hours")]
    TooLong {
        /// The most that the frame allows.
        hours: u32,
    },
    /// The frame has no such category.
    #[error("the frame in force knows no measures of the category `{0}`")]
    Category(Category),
    /// The article is another one.
    #[error("for this category the frame in force names {0:?}")]
    Article(String),
    /// There is no such class.
    #[error("the frame in force has no retention class {0:?}")]
    Retention(String),
    /// Reasons are read by people.
    #[error("give a reason of 1 to {REASON_CHARACTERS_MAX} characters")]
    Reason,
    /// It asks for more than the one that it narrows.
    #[error("it is to narrow another authorisation, and is wider in: {0}")]
    Wider(&'static str),
}

/// The most values of an operator's filter: 64 MiB of a message hold them.
pub(super) const FILTER_VALUES_MAX: u32 = 1 << 23;
const OPERATORS_MAX: usize = 200;
const REASON_CHARACTERS_MAX: usize = 4000;

impl Terms {
    /// Whether a commission may grant this at all.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, frame: &Frame) -> Result<(), TermsError> {
        if !(1..=OPERATORS_MAX).contains(&self.operators.len()) {
            return Err(TermsError::Operators);
        }
        match &self.private {
            None if self.fields.is_empty() => return Err(TermsError::Fields),
            None => {}
            Some(private) => private.check(self, frame)?,
        }
        if !is_hash(&self.list_root) || !(1..=frame.list_max).contains(&self.list_size) {
            return Err(TermsError::List { max: frame.list_max });
        }
        if !(1..=frame.queries_per_day_max).contains(&self.queries_per_day) {
            return Err(TermsError::Quota { max: frame.queries_per_day_max });
        }
        let rule = frame.categories.get(&self.category).ok_or(TermsError::Category(self.category))?;
        if self.article != rule.article {
            return Err(TermsError::Article(rule.article.clone()));
        }
        if self.until <= self.from {
            return Err(TermsError::Order);
        }
        let hours = match self.kind {
            Kind::Ordinary => rule.hours_max,
            Kind::Emergency => rule.hours_max.min(frame.emergency.hours_max),
        };
        if self.until.duration_since(self.from) > jiff::SignedDuration::from_hours(hours.into()) {
            return Err(TermsError::TooLong { hours });
        }
        if !frame.retention_classes.contains(&self.retention) {
            return Err(TermsError::Retention(self.retention.clone()));
        }
        let characters = self.reason.trim().chars().count();
        if !(1..=REASON_CHARACTERS_MAX).contains(&characters) {
            return Err(TermsError::Reason);
        }
        Ok(())
    }

    /// Whether these terms allow nothing that `wider` does not. The list may be another one only where it is as large at most;
    /// whether its members are among the wider one's, the commission sees from both lists.
    ///
    /// # Errors
    /// In what they are wider.
    pub fn narrows(&self, wider: &Self) -> Result<(), TermsError> {
        let checks = [
            (self.narrows == Some(wider.id), "the authorisation that it names"),
            (self.category == wider.category && self.article == wider.article, "its legal basis"),
            (self.purpose == wider.purpose, "its purpose"),
            (self.operators.is_subset(&wider.operators), "its operators"),
            (self.fields.is_subset(&wider.fields), "the fields that may leave"),
            (self.list_size <= wider.list_size, "the size of its list"),
            (self.queries_per_day <= wider.queries_per_day, "its queries a day"),
            (self.from >= wider.from && self.until <= wider.until, "its time"),
            (self.retention == wider.retention, "its retention class"),
            (PrivateTerms::narrow(self.private.as_ref(), wider.private.as_ref()), "its private matching"),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, what)) => Err(TermsError::Wider(what)),
        }
    }

    /// The canonical text (RFC 8785): what is hashed, signed and logged.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// SHA-256 of the canonical text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(self.canonical()).into()
    }
}

/// Whether a text is a hash in hexadecimal.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
