use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CaseSummary, EdgeStatus, ObjectSummary};

/// One event of `/api/v1/stream`. The SSE `event` is the tag, `id` the log's sequence (edge events have none), `data` this as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum StreamEvent {
    /// An object came in.
    Object {
        /// It.
        object: ObjectSummary,
    },
    /// A sighting came in.
    Sighting {
        /// It.
        sighting: StreamSighting,
    },
    /// A case was opened or changed.
    Case {
        /// As it now is.
        case: CaseSummary,
    },
    /// An edge was heard, or fell silent.
    Edge {
        /// As it now is.
        edge: EdgeStatus,
    },
    /// The reader's organisation was told something: see `/api/v1/notices`.
    Notice {
        /// Of what kind, as in `Notice`.
        kind: String,
        /// The recall, request, question or object it is about.
        subject: String,
    },
    /// A saved search found something new. Only its owner is told.
    Alert {
        /// It.
        alert: crate::StreamAlert,
    },
    /// An object was withdrawn.
    Removed {
        /// Its identifier.
        id: String,
    },
}

/// A sighting, ready to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamSighting {
    /// Sequence.
    pub sequence: i64,
    /// The STIX sighting.
    pub id: String,
    /// The indicator.
    pub indicator: String,
    /// Its name, if the reader may see the indicator.
    pub indicator_name: Option<String>,
    /// Whose network.
    pub organisation: String,
    /// That organisation's sectors.
    pub sectors: Vec<String>,
    /// RFC 3339.
    pub first_seen: String,
    /// RFC 3339.
    pub last_seen: String,
    /// How often.
    pub count: u64,
    /// The indicator's severity, 0–5.
    pub severity: u8,
    /// Values, mechanical information only.
    pub values: Vec<String>,
    /// When the hub took it in.
    pub date_added: String,
}
