//! TAXII servers of parties that run no hub of ours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{PeerCounts, Secret};

/// Links to TAXII servers, by short name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaxiiLinkList {
    /// The links.
    pub links: Vec<TaxiiLink>,
}

/// A link to a TAXII server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaxiiLink {
    /// Short name here.
    pub id: String,
    /// Whose server it is.
    pub organisation: String,
    /// Where its discovery is.
    pub discovery: String,
    /// Id or alias of the collection; absent: the first that can be read, or written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The user name there. Password and token are never told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How long is waited between two rounds.
    pub every_seconds: i64,
    /// Whether it is read.
    pub pulls: bool,
    /// Whether it is written to.
    pub pushes: bool,
    /// Whether nothing is exchanged with it for now.
    pub suspended: bool,
    /// What last went wrong, and what to do; absent where the last round ended well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Rounds that failed in a row.
    pub failures: u64,
    /// When a round last ended well: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Places of this hub's log that were not pushed yet; 0 where it is not written to.
    pub behind: u64,
    /// What went where.
    pub counts: PeerCounts,
}

/// A link to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTaxiiLink {
    /// Short name, 1–64 of `a–z 0–9 -`.
    pub id: String,
    /// Whose server it is: what is read there is this organisation's, what it may have is pushed there.
    pub organisation: String,
    /// Where its discovery is, e.g. `https://taxii.example/taxii2/`; plain HTTP on loopback only.
    pub discovery: String,
    /// Id or alias of the collection; absent: the first that can be read, or written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The user name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password where there is a user, else a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Certificates (PEM) that the server's must lead back to, in place of those that the machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// How long is waited between two rounds, 1 to 86,400; 60 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<i64>,
    /// Whether it is read.
    pub pulls: bool,
    /// Whether it is written to.
    #[serde(default)]
    pub pushes: bool,
}

/// A change of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxiiLinkChange {
    /// Whether nothing is exchanged with it from now on.
    pub suspended: bool,
}
