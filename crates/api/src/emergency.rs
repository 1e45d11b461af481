//! What people open for themselves in an emergency.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Emergencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmergencyList {
    /// Those without a review, what is due first; then the newest others.
    pub emergencies: Vec<EmergencyInfo>,
    /// The longest that one lasts, in minutes.
    pub minutes_max: u32,
}

/// An access that somebody raised for itself in an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmergencyInfo {
    /// Its id: in the audit log, the detail `emergency` of what was given under it.
    pub id: String,
    /// The account.
    pub person: String,
    /// Its person's name.
    pub person_name: String,
    /// The account's organisation.
    pub organisation: String,
    /// `level <organisation> <TLP level>`, `class <class>` or `object <STIX identifier>`.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// When, RFC 3339.
    pub raised: String,
    /// Until when, RFC 3339.
    pub until: String,
    /// The name of who ended it early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by_name: Option<String>,
    /// Until when it is to be reviewed, RFC 3339.
    pub review_due: String,
    /// How often an object was given under it.
    pub objects_read: u64,
    /// The name of who reviewed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewed_by_name: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<String>,
    /// What the reviewer found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// `on`, `waits` (for its review), `overdue`, `justified`, `unjustified`.
    pub state: String,
    /// Whether it is the caller's own.
    pub own: bool,
}

/// Raises access for oneself. One of `originator` with `tlp`, `class` and `object` says to what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEmergency {
    /// To what this organisation brought in under levels up to `tlp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<String>,
    /// `clear`, `green`, `amber`, `amber+strict`, `red`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// To a class of objects: `indicator`, `observable`, `sighting`, `threat`, `vulnerability`, `incident`, `report`, `marking`, `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// To an object, e.g. a case, and whatever bears the same label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Why, in one line.
    pub reason: String,
    /// For how many minutes.
    pub minutes: u32,
}

/// What another person says of it afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmergencyReview {
    /// Whether it was justified.
    pub justified: bool,
    /// What was found, in one line.
    pub finding: String,
}
