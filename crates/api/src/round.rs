use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AuthorisedIndicators;

/// How a list is matched privately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrivateMatching {
    /// `match`: which of the list's values an operator has; `count`: how many of them.
    pub mode: String,
    /// How many elements are asked in a round, values and dummies together: what operators learn of the list's length. At least as
    /// many as there are indicators; as many where absent.
    #[serde(default)]
    pub elements: Option<u32>,
    /// The most values that an operator's set may have, padded: 1,024 or 1,536 times a power of two; 1,572,864 where absent.
    #[serde(default)]
    pub filter_values_max: Option<u32>,
}

/// Asks for a round of private matching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRound {
    /// Short name of the operator whose edge is asked.
    pub operator: String,
}

/// The rounds under an authorisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoundList {
    /// Those asked for last first, at most 200.
    pub rounds: Vec<RoundInfo>,
}

/// A round of private matching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoundInfo {
    /// By which it is asked for.
    #[schema(value_type = String)]
    pub id: uuid::Uuid,
    /// Under which authorisation.
    #[schema(value_type = String)]
    pub authorisation: uuid::Uuid,
    /// At which operator.
    pub operator: String,
    /// `asked`, `open`, `matched`, `failed`; `lapsed` where an hour went by without the next step.
    pub state: String,
    /// When it was asked for: RFC 3339.
    pub asked: String,
    /// By which edge it was opened.
    pub edge: Option<String>,
    /// When: RFC 3339.
    pub opened: Option<String>,
    /// How many elements it asks: N.
    pub elements: Option<u32>,
    /// When it ended: RFC 3339.
    pub ended: Option<String>,
    /// How much was found, as a power of ten that is not larger, 0 where nothing was; to whoever asked and the commission only.
    pub at_least: Option<u64>,
    /// Why it was broken off.
    pub why: Option<String>,
    /// What the edge signed at its end (a C2SP signed note); to the commission and the operator only.
    pub receipt: Option<String>,
    /// The verifier key of the edge for it, as the hub knows it; likewise.
    pub receipt_key: Option<String>,
    /// The last audit; to the commission only.
    pub audit: Option<RoundAudit>,
}

/// What the re-execution of a round found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoundAudit {
    /// `good`: nothing but the approved list was asked. `seed`, `list`: what was given is not what was approved. `terms`: the receipt is of a
    /// round on other terms. `count`: the edge did not answer all that was to be asked. `substituted`: something else was asked.
    pub verdict: String,
    /// When: RFC 3339.
    pub at: String,
    /// The account that had it worked out.
    pub person: String,
}

/// What a round is audited with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoundAudit {
    /// List and seed as the asker gave them to the commission; those that the hub keeps where absent.
    #[serde(default)]
    pub list: Option<AuthorisedIndicators>,
}

/// What was found in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoundFound {
    /// Which patterns of the list the operator has values of, by their numbers from 0; empty in rounds that count.
    pub members: Vec<u32>,
    /// How many of the list's values it has.
    pub count: u64,
    /// Whether there were more than are kept, so that `members` is not all.
    pub cut: bool,
}

/// The rounds that wait for an edge of this operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeRounds {
    /// The first one first.
    pub rounds: Vec<EdgeRound>,
}

/// A round that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeRound {
    /// By which it is asked for.
    #[schema(value_type = String)]
    pub id: uuid::Uuid,
    /// Under which authorisation; the edge holds nothing but its own copy of the grant for true.
    #[schema(value_type = String)]
    pub authorisation: uuid::Uuid,
}
