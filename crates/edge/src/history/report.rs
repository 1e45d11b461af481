//! How the history is, as the page and the metrics tell it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lake::Segment;
use serde::Serialize;

use super::History;
use crate::SpoolError;
use crate::config::Lake;
use crate::spool::Spool;
use crate::spool::history::HuntRow;

/// Hunts on the page that have ended.
const HUNTS_SHOWN: u32 = 10;

/// What the threads tell of the history.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) kept: Kept,
    /// Whether the text of records is kept.
    full: bool,
    keep_days: Option<u32>,
    keep: BTreeMap<String, u32>,
    bytes_max: Option<u64>,
    /// Bytes of what was read that wait for the lake, packed.
    pub(crate) behind_bytes: u64,
    /// Why the lake takes nothing.
    pub(crate) trouble: Option<&'static str>,
    /// Why merging and forgetting failed the last time.
    pub(crate) upkeep_trouble: Option<&'static str>,
    /// When segments were merged and old ones taken out.
    pub(crate) upkeep: Option<Timestamp>,
    /// Records that were taken out since the start.
    pub(crate) expired: u64,
    /// The hunt that runs.
    pub(crate) hunting: Option<Hunting>,
}

/// What the lake holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Kept {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) segments: u64,
}

/// How far a hunt is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Hunting {
    pub(crate) number: i64,
    pub(crate) began: String,
    pub(crate) indicators: u64,
    pub(crate) segments_done: u64,
    pub(crate) segments: u64,
    pub(crate) found: u64,
}

/// The history on the page.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    report: Report,
    /// Lines that are missing, since the spool was made, and since the start by reason.
    lost: u64,
    lost_by: BTreeMap<&'static str, u64>,
    /// Indicators that wait for a hunt.
    pub(crate) seeking: u64,
    hunts: Vec<HuntRow>,
}

impl Report {
    pub(super) fn new(config: &Lake) -> Self {
        Self {
            full: config.full,
            keep_days: config.keep.days,
            keep: config.keep.by_kind.clone(),
            bytes_max: config.bytes_max,
            ..Self::default()
        }
    }
}

impl Hunting {
    /// A hunt that has gone through so many segments of so many.
    pub(super) fn new(hunt: &HuntRow, segments_done: u64, segments: u64) -> Self {
        Self {
            number: hunt.number,
            began: hunt.began.clone(),
            indicators: hunt.indicators,
            segments_done,
            segments,
            found: hunt.found,
        }
    }
}

impl Kept {
    pub(super) fn of(segments: &[Segment]) -> Self {
        let time = |nanoseconds: i64| Timestamp::from_nanosecond(i128::from(nanoseconds)).ok();
        Self {
            from: segments.iter().map(|segment| segment.from).min().and_then(time),
            until: segments.iter().map(|segment| segment.until).max().and_then(time),
            records: segments.iter().map(|segment| u64::from(segment.rows)).sum(),
            bytes: segments.iter().map(|segment| segment.parquet_bytes + segment.index_bytes).sum(),
            segments: segments.len() as u64,
        }
    }
}

/// The history as it is now.
pub(crate) fn shown(history: &History, spool: &Spool) -> Result<Shown, SpoolError> {
    let report = history.report.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    Ok(Shown {
        report,
        lost: spool.history_lost()?,
        lost_by: history.lost_by(),
        seeking: spool.seeking()?,
        hunts: spool.hunts_done(HUNTS_SHOWN)?,
    })
}
