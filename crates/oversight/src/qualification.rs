//! What a person has to be, beside belonging to an organisation, to be shown some things: cleared, or bound by an oath.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::organisation::vocabulary;

vocabulary! {
    /// What makes a person fit to be shown something.
    QualificationKind {
        /// A clearance: somebody looked into whether the person can be trusted with it.
        Clearance = "clearance",
        /// An oath: the person is bound to secrecy under a law, and was told so.
        Oath = "oath",
    }
}

/// Longest name of a qualification, in bytes.
pub const QUALIFICATION_BYTES_MAX: usize = 40;

/// A clearance or an oath by its short name, 1–40 of `a–z 0–9 -`. Which there are is data (`policies/clearances.toml`). Written as
/// `clearance:critical-economic-security`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Qualification {
    /// Which of the two.
    pub kind: QualificationKind,
    name: [u8; QUALIFICATION_BYTES_MAX],
}

/// The text names no qualification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a qualification is written as `clearance:` or `oath:` and a short name, 1–40 of `a–z 0–9 -`")]
pub struct InvalidQualification;

impl Qualification {
    /// One of a kind by its short name; `None` where that is not one.
    #[must_use]
    pub fn new(kind: QualificationKind, name: &str) -> Option<Self> {
        let legal = (1..=QUALIFICATION_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let mut kept = [0; QUALIFICATION_BYTES_MAX];
        kept.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        legal.then_some(Self { kind, name: kept })
    }

    /// The short name.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.name.iter().position(|byte| *byte == 0).unwrap_or(QUALIFICATION_BYTES_MAX);
        self.name.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl fmt::Display for Qualification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name())
    }
}

impl FromStr for Qualification {
    type Err = InvalidQualification;

    fn from_str(text: &str) -> Result<Self, InvalidQualification> {
        let (kind, name) = text.split_once(':').ok_or(InvalidQualification)?;
        let kind = QualificationKind::parse(kind).ok_or(InvalidQualification)?;
        Self::new(kind, name).ok_or(InvalidQualification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let longest = format!("oath:{}", "a".repeat(QUALIFICATION_BYTES_MAX));
        for good in ["clearance:critical-economic-security", "oath:council-2025", longest.as_str()] {
            let read: Qualification = good.parse().unwrap();
            assert_eq!(read.to_string(), good);
        }
        let too_long = format!("{longest}a");
        for wrong in ["", "oath", "oath:", "promise:x", "oath:Ä", "oath:a b", "OATH:a", too_long.as_str()] {
            assert_eq!(wrong.parse::<Qualification>(), Err(InvalidQualification), "{wrong}");
        }
    }
}
