use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CaseSummary, EdgeHealth, StreamSighting};

/// The situation board: is something happening to us, where, and is someone on it?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// All fifteen sectors, in their official order.
    pub sectors: Vec<SectorState>,
    /// Sightings per minute over the last hour, oldest first, 60 of them.
    pub last_hour: Vec<MinuteCount>,
    /// Open cases, gravest first.
    pub cases: Vec<CaseSummary>,
    /// The newest sightings, newest first, at most 50.
    pub sightings: Vec<StreamSighting>,
    /// How many edges are in which health.
    pub edges: Vec<(EdgeHealth, u64)>,
    /// Indicators in force that the reader may see.
    pub indicators: u64,
    /// The log's sequence this is true for; follow the stream from here.
    pub sequence: i64,
    /// RFC 3339.
    pub as_of: String,
}

/// One sector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SectorState {
    /// The sector's name on the wire, e.g. `power`.
    pub sector: String,
    /// The gravest open case that concerns it; absent where none does.
    pub severity: Option<u8>,
    /// Open cases.
    pub cases: u64,
    /// Sightings in the last 24 hours.
    pub sightings: u64,
    /// Organisations of this sector in the council.
    pub organisations: u64,
    /// Prefecture codes (JIS X 0401, 1–47) where these organisations have their seat.
    pub prefectures: Vec<u8>,
}

/// Sightings within a minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MinuteCount {
    /// The minute's beginning: RFC 3339.
    pub at: String,
    /// How many.
    pub count: u64,
}
