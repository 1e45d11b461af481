//! What a set looks for and what a record shows, in one spelling, for an index that stands between the two. A record in which
//! nothing that is sought is shown satisfies no pattern of the set, unless no value leads to the pattern
//! ([`IndicatorSet::unanchored`]).

use stix::observable::ValueKind;

use crate::key::{Key, KeyKind, seen};
use crate::set::IndicatorSet;

/// What kind of value a [`Sign`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignKind {
    /// An IPv4 address: four octets.
    V4,
    /// An IPv6 address: sixteen octets.
    V6,
    /// A domain name: A-labels in lower case, without the final dot.
    Name,
    /// A URL in its canonical form.
    Url,
    /// An e-mail address.
    Email,
    /// A digest of 16 octets.
    Md5,
    /// A digest of 20 octets.
    Sha1,
    /// A digest of 32 octets.
    Sha256,
    /// A digest of 64 octets.
    Sha512,
    /// A hardware address as text.
    Mac,
}

/// A value as indicators and records meet in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sign {
    /// Its kind.
    pub kind: SignKind,
    /// Its canonical bytes, by kind.
    pub bytes: Box<[u8]>,
}

impl Sign {
    /// What an observed value shows; `None` where it is of a kind that leads to no pattern, or no value of its kind.
    #[must_use]
    pub fn of(kind: ValueKind, text: &str) -> Option<Self> {
        let Key { kind, bytes } = seen(kind, text)?;
        Some(Self { kind: sign_kind(kind)?, bytes })
    }
}

/// What a set looks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sought {
    /// This value.
    Value(Sign),
    /// Every address of which so many bits from the first are those of this one, whose others are zero.
    Network(Sign, u8),
    /// Every name below this one, and not the name itself.
    Below(Sign),
    /// Of the URLs that begin with this one some or all.
    UrlsFrom(Sign),
}

impl Sought {
    fn of(kind: KeyKind, bytes: Box<[u8]>) -> Option<Self> {
        let sign = |kind| Sign { kind, bytes };
        Some(match kind {
            KeyKind::Net4(bits) => Self::Network(sign(SignKind::V4), bits),
            KeyKind::Net6(bits) => Self::Network(sign(SignKind::V6), bits),
            KeyKind::DomainBelow => Self::Below(sign(SignKind::Name)),
            KeyKind::UrlPath | KeyKind::UrlBelow => Self::UrlsFrom(sign(SignKind::Url)),
            other => Self::Value(sign(sign_kind(other)?)),
        })
    }
}

impl IndicatorSet {
    /// All that leads to a pattern of the set, each once, in a fixed order.
    #[must_use]
    pub fn sought(&self) -> Vec<Sought> {
        let mut all = Vec::new();
        self.each_value(&mut |kind, bytes| all.extend(Sought::of(kind, bytes)));
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// A file's name leads nowhere, there are too many alike.
fn sign_kind(kind: KeyKind) -> Option<SignKind> {
    Some(match kind {
        KeyKind::V4 => SignKind::V4,
        KeyKind::V6 => SignKind::V6,
        KeyKind::Domain => SignKind::Name,
        KeyKind::Url => SignKind::Url,
        KeyKind::Email => SignKind::Email,
        KeyKind::Md5 => SignKind::Md5,
        KeyKind::Sha1 => SignKind::Sha1,
        KeyKind::Sha256 => SignKind::Sha256,
        KeyKind::Sha512 => SignKind::Sha512,
        KeyKind::Mac => SignKind::Mac,
        KeyKind::Net4(_)
        | KeyKind::Net6(_)
        | KeyKind::DomainBelow
        | KeyKind::UrlPath
        | KeyKind::UrlBelow
        | KeyKind::FileName => return None,
    })
}
