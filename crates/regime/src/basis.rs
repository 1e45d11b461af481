use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How sure it is that something is so, from the surest on; of several the last counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// It was read in the law, or in what the authority itself publishes.
    Law,
    /// Others say so.
    Secondary,
    /// It stands in a draft that may still change.
    Draft,
    /// Nobody could say. Ask counsel.
    Unknown,
}

impl Verified {
    /// The word of the files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Law => "law",
            Self::Secondary => "secondary",
            Self::Draft => "draft",
            Self::Unknown => "unknown",
        }
    }
}

/// What a fact of a regime file rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// How sure it is.
    pub verified: Verified,
    /// Where it was read: statute and article, or a title.
    pub source: String,
    /// Its address, where it has one.
    pub url: Option<String>,
    /// When it was read there, for the last time.
    pub date: Date,
}
