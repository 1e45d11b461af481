use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Registers an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEdge {
    /// Short name, `a–z 0–9 -`.
    pub id: String,
    /// The operator whose network it is in.
    pub organisation: String,
    /// For people.
    pub name: String,
}

/// A registered edge, with the token that it signs in with: shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredEdge {
    /// Short name.
    pub id: String,
    /// Its token.
    pub token: Secret,
}

/// What an edge says of itself, every few seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeHello {
    /// Program version.
    pub version: String,
    /// The indicator set in use: the hub's sequence it was made from.
    pub generation: i64,
    /// Indicators in use.
    pub indicators: u64,
    /// Indicators that could not be used.
    pub refused: u64,
    /// Sources and how far behind they are.
    pub sources: Vec<SourceHealth>,
    /// Records read since start.
    pub records: u64,
    /// Matches since start.
    pub matches: u64,
    /// Sightings sent since the spool was made.
    pub sent: u64,
    /// Sightings waiting in the spool.
    pub waiting: u64,
    /// Matches that were kept inside, since the spool was made.
    pub withheld: u64,
    /// What goes wrong just now, as a code, e.g. `disk-full`.
    pub trouble: Option<String>,
    /// Indicators whose sightings the edge holds back, because they hit too much or what is the operator's own.
    #[serde(default)]
    pub quarantined: u64,
    /// Of these the ones that matched and whose sightings the operator consents to let out, at most 100.
    #[serde(default)]
    pub quarantined_indicators: Vec<String>,
}

/// One log source of an edge. It bears no path: only what the operator called it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceHealth {
    /// The source's name in the edge's configuration.
    pub name: String,
    /// Format, e.g. `eve`.
    pub format: String,
    /// Bytes not yet read.
    pub behind_bytes: u64,
    /// Age of the newest record read, in seconds.
    pub lag_seconds: Option<f64>,
    /// Records read.
    pub records: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
}

/// How an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EdgeHealth {
    /// Heard lately, nothing wrong.
    Well,
    /// Heard lately, but behind or in trouble.
    Troubled,
    /// Not heard for a minute.
    Silent,
    /// Never heard.
    New,
}

/// An edge as the hub knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeStatus {
    /// Short name.
    pub id: String,
    /// For people.
    pub name: String,
    /// Its operator.
    pub organisation: String,
    /// Its operator's sectors.
    pub sectors: Vec<String>,
    /// How it is.
    pub health: EdgeHealth,
    /// When it was last heard: RFC 3339.
    pub heard: Option<String>,
    /// What it said.
    pub hello: Option<EdgeHello>,
    /// The newest sequence that its indicator set should have.
    pub current_generation: i64,
    /// The last things that left it, newest first, at most 50.
    pub ledger: Vec<EdgeLedgerEntry>,
}

/// One thing that left an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeLedgerEntry {
    /// When the hub took it in: RFC 3339.
    pub at: String,
    /// The STIX sighting, or opinion, it became.
    pub sighting: String,
    /// The indicator that matched.
    pub indicator: String,
    /// Its name.
    pub indicator_name: String,
    /// What was in it, by kind: `addresses: 2`, `domains: 1`.
    pub contents: Vec<String>,
}

/// All edges one may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeList {
    /// By organisation and id.
    pub edges: Vec<EdgeStatus>,
    /// RFC 3339.
    pub as_of: String,
}

/// What changed among the indicators an edge may have, after a sequence. `GET /edge/v1/intelligence?after=S&wait=SECONDS`:
/// answers at once when there is something, else after `wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Intelligence {
    /// Ask on with this.
    pub sequence: i64,
    /// Whether there is more at once.
    pub more: bool,
    /// Throw away what you have first: what this edge may see became less, or its sequence is unknown here.
    pub reset: bool,
    /// The changes, oldest first.
    pub changes: Vec<IntelligenceChange>,
}

/// One indicator, or its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum IntelligenceChange {
    /// Use this version of an indicator.
    Put {
        /// The STIX indicator.
        #[schema(value_type = Object)]
        object: serde_json::Value,
        /// Its marking: `clear` … `red`; absent where it bears none.
        tlp: Option<String>,
    },
    /// Forget an indicator: withdrawn or revoked.
    Drop {
        /// Its identifier.
        id: String,
    },
}

/// Minimised sightings from an edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SightingsPosted {
    /// At most 1,000.
    pub sightings: Vec<NewSighting>,
}

/// One minimised sighting: mechanical information only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSighting {
    /// UUID, the same at every attempt: the hub takes each in once.
    #[schema(value_type = String)]
    pub id: uuid::Uuid,
    /// The indicator that matched.
    pub indicator: String,
    /// Its version.
    pub indicator_version: String,
    /// First seen: RFC 3339.
    pub first_seen: String,
    /// Last seen: RFC 3339.
    pub last_seen: String,
    /// How often within that time.
    pub count: u64,
    /// What for, e.g. `collective-defence`.
    pub purpose: String,
    /// What it bears: `clear` … `red`.
    pub marking: String,
    /// Addresses.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Domain names.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Hashes by algorithm, as `SHA-256:<hex>`.
    #[serde(default)]
    pub hashes: Vec<String>,
    /// Ports.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Transport protocol.
    #[serde(default)]
    pub protocol: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub bytes: Option<u64>,
}

/// Opinions of an edge's operator on indicators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionsPosted {
    /// At most 100.
    pub opinions: Vec<NewOpinion>,
}

/// One opinion: the operator says that an indicator is a false alarm in its network, or takes that back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOpinion {
    /// UUID of the STIX opinion, the same when it is taken back.
    #[schema(value_type = String)]
    pub id: uuid::Uuid,
    /// The indicator that is judged.
    pub indicator: String,
    /// `disagree` or `strongly-disagree` (STIX 2.1 §10.16).
    pub opinion: String,
    /// In the operator's own words, at most 1,000 characters.
    #[serde(default)]
    pub explanation: Option<String>,
    /// Whether it is taken back.
    #[serde(default)]
    pub withdrawn: bool,
    /// When it was first said: RFC 3339.
    pub created: String,
    /// When this was said: RFC 3339; later than `created` where it is taken back.
    pub modified: String,
    /// What for, e.g. `collective-defence`.
    pub purpose: String,
    /// What it bears: `clear` … `red`.
    pub marking: String,
}

/// What became of each posted opinion, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpinionsAccepted {
    /// One for each.
    pub outcomes: Vec<SightingOutcome>,
}

/// What became of each posted sighting, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SightingsAccepted {
    /// One for each.
    pub outcomes: Vec<SightingOutcome>,
}

/// What became of one sighting. All but a failed request end its stay in the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum SightingOutcome {
    /// Taken in.
    Accepted,
    /// Was here already.
    Duplicate,
    /// Refused for good.
    Refused {
        /// A stable code.
        code: String,
        /// Why.
        message: String,
    },
}
