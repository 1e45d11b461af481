use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Statistics that were published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsList {
    /// Newest first.
    pub statements: Vec<PublishedStatistics>,
    /// Give it as `before` for older ones.
    pub next: Option<u64>,
    /// The keys that statements may be signed by (C2SP verifier keys); empty where none can be published.
    pub keys: Vec<String>,
}

/// A statement in the log of statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PublishedStatistics {
    /// Its place in the log of statistics.
    pub leaf: u64,
    /// When it was published: RFC 3339.
    pub at: String,
    /// Its hash as a leaf of that log (RFC 6962), hexadecimal: by this a correction names it.
    pub hash: String,
    /// The verifier key that signed it.
    pub key: String,
    /// The place of the statement that it takes the place of.
    pub corrects: Option<u64>,
    /// The place of the statement that took its place.
    pub corrected_by: Option<u64>,
    /// The numbers.
    #[schema(value_type = Object)]
    pub statistics: serde_json::Value,
    /// The signed note (C2SP signed-note), which is the entry of the log, byte for byte.
    pub note: String,
}

/// Publishes statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatistics {
    /// The signed note as `yagura log statistics --key` wrote it.
    pub note: String,
}

/// What this node tells the public about the monitoring that it carries for the state. Nothing in it is about a single authorisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transparency {
    /// The node's name in Japanese.
    pub name_ja: String,
    /// The node's name in English.
    pub name_en: String,
    /// Where questions are answered, if the node's operator names a place.
    pub contact: Option<String>,
    /// The commission that stands.
    pub commission: Option<PublicCommission>,
    /// The frame in force.
    pub frame: Option<PublicFrame>,
    /// The keys that statistics may be signed by (C2SP verifier keys). Compare them with what the commission itself says.
    pub statistics_keys: Vec<String>,
    /// Statistics, newest first: the newest 100. All of them stand in the log of statistics.
    pub statistics: Vec<PublishedStatistics>,
    /// The transparency logs of this node.
    pub logs: Vec<PublicLog>,
    /// Those who cosign the logs, as verifier keys; none where nobody does.
    pub witnesses: Vec<PublicWitness>,
}

/// The commission that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicCommission {
    /// Its name.
    pub name: String,
    /// The name of the organisation whose people it is made of, in Japanese.
    pub organisation_ja: String,
    /// The same in English.
    pub organisation_en: String,
    /// How many members it has.
    pub members: u64,
    /// How many of them decide together.
    pub threshold: u32,
    /// Since when it stands: RFC 3339.
    pub since: String,
    /// SHA-256 of its constitution, hexadecimal: what operators compare and pin.
    pub digest: String,
    /// Its place in the log of authorisations.
    pub leaf: u64,
}

/// The frame in force: which measures can be authorised, by which article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicFrame {
    /// Its number.
    pub version: u32,
    /// The law and the rules it is drawn from.
    pub source: String,
    /// Since when it is in force: RFC 3339.
    pub since: String,
    /// SHA-256 of its text, hexadecimal.
    pub digest: String,
    /// Its place in the log of authorisations.
    pub leaf: u64,
    /// The measures that there are.
    pub measures: Vec<PublicMeasure>,
}

/// A measure that can be authorised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicMeasure {
    /// Its ground, as the statistics name it.
    pub category: String,
    /// The article that permits it.
    pub article: String,
    /// The longest that it may be granted for, in hours.
    pub hours_max: u32,
}

/// A transparency log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicLog {
    /// `acts`, `authorisations`, `statistics`.
    pub log: String,
    /// Its address (C2SP tlog-tiles).
    pub address: String,
    /// Its verifier key.
    pub key: String,
    /// How many entries the newest checkpoint has.
    pub size: u64,
    /// Their root, hexadecimal.
    pub root: String,
    /// The names of those who cosigned it.
    pub cosigned_by: Vec<String>,
    /// The time that their quorum vouches for: RFC 3339.
    pub cosigned_at: Option<String>,
    /// The checkpoint itself (C2SP signed-note), with its cosignatures.
    pub checkpoint: String,
}

/// Somebody who cosigns the logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicWitness {
    /// Its name in the policy.
    pub name: String,
    /// Its verifier key.
    pub key: String,
}
