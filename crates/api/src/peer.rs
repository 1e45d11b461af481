use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Peers, and who tried to connect without being one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PeerList {
    /// The peers, by short name.
    pub peers: Vec<Peer>,
    /// Nodes that this hub turned away since it started, newest first.
    pub strangers: Vec<StrangerHub>,
    /// What this hub is to others.
    pub own: OwnHub,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// Another hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// Short name here.
    pub id: String,
    /// The hub's id, the same everywhere.
    pub hub: String,
    /// The organisation that it is bound to here.
    pub organisation: String,
    /// What it calls itself in Japanese.
    pub name_ja: String,
    /// What it calls itself in English.
    pub name_en: String,
    /// Where it is reached; absent where it opens all connections itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it gives only and takes nothing: an enclave's source.
    pub one_way: bool,
    /// How objects get from one hub to the other.
    pub way: PeerWay,
    /// How the folder is; for one-way peers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PeerFolder>,
    /// SHA-256 of its certificate, hexadecimal; empty for an outlet, of which nothing is known.
    pub fingerprint: String,
    /// How the link is.
    pub link: PeerLink,
    /// Why it is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What last went wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble_at: Option<String>,
    /// When something last came from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard: Option<String>,
    /// Whether everything that it has for this hub had come when it was last heard.
    pub caught_up: bool,
    /// Places of this hub's log that it has not acknowledged yet.
    pub behind: u64,
    /// When it last acknowledged something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<String>,
    /// How many seconds its clock is ahead of this hub's; negative where it is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
    /// What went where, since it was added.
    pub counts: PeerCounts,
    /// What it brought with other content than is here, newest first; in the answer about one peer only.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub conflicts: Vec<PeerConflict>,
}

/// How objects get from one hub to the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerWay {
    /// By a connection, in both directions.
    #[default]
    Link,
    /// Batches are written into a folder, for a transfer agent that carries them over a data diode. Nothing is heard of the peer.
    Outlet,
    /// Batches are taken out of a folder, where a transfer agent puts them. Nothing is given to the peer.
    Inlet,
}

/// How the folder of a one-way peer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerFolder {
    /// Where it is.
    pub path: String,
    /// The name of the series: 32 hexadecimal digits, drawn by the hub that writes it, to be given to the one that takes it.
    pub series: String,
    /// The last batch that was written, or taken; 0 before the first.
    pub number: u64,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Batches in the folder: those that the transfer agent has not taken, or that wait for earlier ones.
    pub files: u64,
    /// How long they are together.
    pub bytes: u64,
    /// How many may be there, for an outlet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_max: Option<u64>,
    /// How long they may be together, for an outlet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_max: Option<u64>,
    /// Whether nothing is written until the transfer agent takes some.
    pub full: bool,
    /// Numbers that are missing: ask the other hub's administrator to send again from the first of them. Oldest first, at most 50 runs.
    pub missing: Vec<NumberRun>,
    /// Files that were put aside, since they are no batches of this peer.
    pub quarantined: u64,
    /// The last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_quarantined: Option<QuarantinedFile>,
}

/// Numbers that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NumberRun {
    /// The first.
    pub first: u64,
    /// The last; the same where it is one.
    pub last: u64,
}

/// A file that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantinedFile {
    /// Its name, as it came.
    pub name: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: String,
}

/// Sends lost batches of an outlet again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerResend {
    /// The first batch that is missing over there. What the peer may have of it, and of all that came after it, is sent again.
    pub from: u64,
}

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerLink {
    /// Objects flow, or would if there were any.
    Up,
    /// It cannot be reached, or does not let this hub in; tried again and again.
    Down,
    /// It opens the connections, and has none open.
    Waiting,
    /// Another hub on the same database keeps it; ask that one how it is.
    Elsewhere,
    /// Nothing is exchanged.
    Suspended,
}

/// What went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerCounts {
    /// Object versions that came and were new here.
    pub accepted: u64,
    /// Versions that were here already.
    pub duplicates: u64,
    /// Versions that were kept out.
    pub refused: u64,
    /// Of those, versions with other content than is here.
    pub conflicts: u64,
    /// Versions that the peer took back, and that are gone here.
    pub withdrawn: u64,
    /// Frames that could not be read.
    pub malformed: u64,
    /// Object versions sent.
    pub sent: u64,
    /// Notices sent that an object is withdrawn or no longer shared.
    pub taken_back: u64,
}

/// The same id and version with other content: kept out, the first stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerConflict {
    /// STIX identifier.
    pub id: String,
    /// The version as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the canonical form that was kept out, hexadecimal.
    pub hash: String,
    /// When it came.
    pub at: String,
}

/// A node that was turned away because its certificate is no peer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StrangerHub {
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
    /// How often.
    pub times: u64,
    /// When last.
    pub at: String,
}

/// What this hub is to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnHub {
    /// Its id.
    pub hub: String,
    /// Where peers reach it; absent where it opens all connections itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it gives only and takes nothing.
    pub one_way: bool,
    /// SHA-256 of its certificate, hexadecimal: what both sides compare by telephone.
    pub fingerprint: String,
}

/// This hub's card, to be given to whoever runs the other hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerCard {
    /// The card: a signed note.
    pub card: String,
}

/// Adds a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPeer {
    /// The card that the other hub gave out; absent for an outlet, of which nothing need be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// How objects get from one hub to the other.
    #[serde(default)]
    pub way: PeerWay,
    /// The name of the series that its outlet writes, for an inlet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Files that may wait for the transfer agent, for an outlet; 1,000 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_max: Option<u32>,
    /// Bytes that may, for an outlet; 1 GiB where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_max: Option<u64>,
    /// The organisation to bind it to: what it brings is that organisation's, what it is given is given to it.
    pub organisation: String,
    /// Short name, `a–z 0–9 -`; absent: the organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is reached, where that is not what its card says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Changes a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerChange {
    /// Suspend it (`true`) or resume it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A newer card of the same hub: with a new certificate or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Another address than the card's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// How a version of an object came to this hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectRoute {
    /// The version, as its sort key; empty for an object without versions.
    pub version_key: String,
    /// The peer that it came from, by its short name.
    pub peer: String,
    /// The organisation that brought it in at its origin, as that hub tells it.
    pub organisation: String,
    /// The hubs that it passed through, the origin first.
    pub hops: Vec<RouteHop>,
    /// The agreement under which it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// When it came.
    pub received: String,
    /// Whether the peer still gives it.
    pub held: bool,
}

/// A hub on a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteHop {
    /// Its id.
    pub hub: String,
    /// Its short name here, where it is a peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}
