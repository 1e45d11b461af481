use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an edge found under authorisations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionsPosted {
    /// Each as the edge signed it.
    #[schema(value_type = Vec<Object>)]
    pub selections: Vec<serde_json::Value>,
}

/// What became of selections, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelectionsAccepted {
    /// One for each.
    pub outcomes: Vec<SelectionOutcome>,
}

/// What became of a selection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum SelectionOutcome {
    /// It is kept, sealed under the retention class of its authorisation.
    Accepted,
    /// It was there already, with as many records or more.
    Duplicate,
    /// It is not taken.
    Refused {
        /// Why.
        why: String,
    },
}

/// What was found under an authorisation, as far as the reader may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelectionList {
    /// Newest first.
    pub selections: Vec<SelectionInfo>,
    /// The numbers of those that could not be opened: their time is over, or they were altered.
    pub unopened: Vec<u64>,
    /// Give it as `before` for older ones.
    pub next: Option<u64>,
}

/// Something that was found under an authorisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelectionInfo {
    /// Its number within the authorisation.
    pub number: u64,
    /// The hour in which it came: RFC 3339.
    pub came: String,
    /// What it is, as the edge signed it.
    #[schema(value_type = Object)]
    pub selection: serde_json::Value,
    /// The edge's signature over it, hexadecimal.
    pub signature: String,
    /// The edge's key at that time, Ed25519 in hexadecimal.
    pub key: String,
}

/// What became of an authorisation, for the commission: how often it was used, how much came of it, who looked at that, and what edges
/// should not have sent. It holds nothing of what was found. Numbers of selections are powers of ten that are not larger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorisationUse {
    /// How often edges signed for having used it.
    pub uses: u64,
    /// How often it may be put to each operator in a day.
    pub queries_per_day: u32,
    /// How many selections are kept now.
    pub kept: u64,
    /// How many came, by the hour in which they came and by operator; the newest first, 1,000 at most.
    pub taken: Vec<SelectionCount>,
    /// Who was given how many, by organisation.
    pub recipients: Vec<SelectionRecipient>,
    /// Each look; the newest first, 1,000 at most.
    pub looks: Vec<SelectionLook>,
    /// What edges that keep to their grants never send; the newest first, 1,000 at most.
    pub anomalies: Vec<SelectionAnomaly>,
    /// What was kept and is to be destroyed or is destroyed, by day.
    pub ends: Vec<RetentionEnd>,
}

/// How many selections came in an hour at an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelectionCount {
    /// The hour: RFC 3339.
    pub hour: String,
    /// Where.
    pub operator: String,
    /// How many at least.
    pub at_least: u64,
}

/// An organisation that was shown selections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelectionRecipient {
    /// Which.
    pub organisation: String,
    /// How often its people looked.
    pub looks: u64,
    /// When last: RFC 3339.
    pub last: String,
}

/// A look at selections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelectionLook {
    /// When: RFC 3339.
    pub at: String,
    /// Whose person looked.
    pub organisation: String,
    /// The account.
    pub person: String,
    /// How many it was given at least.
    pub at_least: u64,
    /// The entry of the log of acts that says so.
    pub leaf: u64,
}

/// What an edge that keeps to its grants never sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelectionAnomaly {
    /// `wider`, `malformed`, `elsewhere`, `unsigned`, `sealed`, `stopped`, `moved`, `flood`.
    pub kind: String,
    /// Whose edge.
    pub operator: String,
    /// Which edge.
    pub edge: String,
    /// How often on that day.
    pub times: u64,
    /// When first: RFC 3339.
    pub first: String,
    /// When last: RFC 3339.
    pub last: String,
}

/// The end of what was kept of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionEnd {
    /// Authorisation, day and retention class.
    pub class_key: String,
    /// When it was decided: RFC 3339.
    pub decided: String,
    /// The key service's certificate that the key is gone; absent while it is being destroyed.
    pub certificate: Option<String>,
}

/// A hold is asked for: exactly one of the three is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLegalHold {
    /// All that is kept under this authorisation.
    #[schema(value_type = Option<String>)]
    pub authorisation: Option<uuid::Uuid>,
    /// All that is kept in this retention class.
    pub class: Option<String>,
    /// What is kept under one class key: `authorisation/2026-11-29/class`.
    pub class_key: Option<String>,
    /// What asks for it.
    pub reason: String,
}

/// The holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LegalHoldList {
    /// Those that are not lifted first, then the newest.
    pub holds: Vec<LegalHoldInfo>,
}

/// A hold: what it names is not destroyed although its time is over. Two commissioners place it, two lift it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LegalHoldInfo {
    /// Its id.
    pub id: String,
    /// `asked`, `held`, `lifting`, `lifted`.
    pub state: String,
    /// `authorisation`, `class` or `class-key`.
    pub kind: String,
    /// Which.
    pub name: String,
    /// What asks for it.
    pub reason: String,
    /// The accounts of those who asked for it and placed it.
    pub placed_by: Vec<String>,
    /// Since when it holds: RFC 3339.
    pub placed: Option<String>,
    /// The accounts of those who asked to lift it and lifted it.
    pub lifted_by: Vec<String>,
    /// Since when it is lifted: RFC 3339.
    pub lifted: Option<String>,
}
