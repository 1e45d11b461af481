//! What the operator sees of how the edge is doing just now and of what was decided about indicators, and how it decides.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::meter::Pace;
use crate::page::guard::is_of_our_page;
use crate::page::is_asked_by_our_name;
use crate::tuning::control::{Change, Refused, make};
use crate::tuning::{Held, Reason, State as Verdict};
use crate::{Shared, SpoolError};

/// Rows of each list.
const ROWS_MAX: usize = 500;

/// One indicator about which something was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Its identifier.
    pub indicator: String,
    /// Its name; empty where the edge does not look for it any more.
    pub name: String,
    /// `quarantined`, `released`, `dismissed`, `false-alarm`.
    pub state: String,
    /// `own-asset`, `hosts 49/120`, `rate 12000/min`, `person`.
    pub reason: String,
    /// The particulars of the reason.
    pub hosts_hit: Option<u64>,
    /// Hosts of the operator that were known then.
    pub hosts_known: Option<u64>,
    /// Matches in a minute.
    pub per_minute: Option<u64>,
    /// In the operator's words.
    pub note: String,
    /// When it was decided: RFC 3339.
    pub at: String,
    /// Whether an opinion was given.
    pub opinion: bool,
    /// Matches whose sightings were held back.
    pub count: u64,
    /// The first of them: RFC 3339.
    pub first: Option<String>,
    /// The last of them: RFC 3339.
    pub last: Option<String>,
}

#[derive(Serialize)]
struct Tuning {
    pace: Pace,
    decided: Vec<Decided>,
    /// How many there are, also those beyond the list.
    decided_all: usize,
    /// Comparisons that every record is held against, because no value leads to them.
    unanchored: u64,
    /// Whether opinions may leave.
    opinions: bool,
    /// Whether this page may change something.
    may_change: bool,
}

/// Everything that was decided, those that wait for a person first.
pub(crate) fn decided(shared: &Shared) -> Result<Vec<Decided>, SpoolError> {
    let held = shared.spool.held()?;
    let word = |state| match state {
        Verdict::Quarantined => "quarantined",
        Verdict::Released => "released",
        Verdict::Dismissed => "dismissed",
        Verdict::FalseAlarm => "false-alarm",
    };
    let mut all = Vec::new();
    for (id, verdict) in shared.tuning.verdicts() {
        let (hosts_hit, hosts_known, per_minute) = match verdict.reason {
            Reason::Hosts { hit, known } => (Some(hit), Some(known), None),
            Reason::Rate { per_minute } => (None, None, Some(per_minute)),
            Reason::OwnAsset | Reason::Person => (None, None, None),
        };
        let held: Option<&Held> = held.get(id.as_str());
        all.push(Decided {
            name: shared.indicators.name_of(&id),
            state: word(verdict.state).to_owned(),
            reason: verdict.reason.to_string(),
            hosts_hit,
            hosts_known,
            per_minute,
            note: verdict.note,
            at: verdict.at.to_string(),
            opinion: verdict.opinion.is_some(),
            count: held.map_or(0, |held| held.count),
            first: held.map(|held| held.first.to_string()),
            last: held.map(|held| held.last.to_string()),
            indicator: id.to_string(),
        });
    }
    all.sort_by(|a, b| {
        let waits = |one: &Decided| one.state != "quarantined";
        (waits(a), &b.at, &a.indicator).cmp(&(waits(b), &a.at, &b.indicator))
    });
    Ok(all)
}

/// How the edge is doing, and what was decided.
pub(super) async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !is_asked_by_our_name(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let may_change = shared.guard.may_change(&headers);
    let reading = tokio::task::spawn_blocking(move || read(&shared, may_change)).await;
    match reading {
        Ok(Ok(tuning)) => Json(tuning).into_response(),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn read(shared: &Shared, may_change: bool) -> Result<Tuning, SpoolError> {
    let mut decided = decided(shared)?;
    let decided_all = decided.len();
    decided.truncate(ROWS_MAX);
    Ok(Tuning {
        pace: shared.meter.read(jiff::Timestamp::now()),
        decided,
        decided_all,
        unanchored: shared.indicators.current().unanchored() as u64,
        opinions: shared.config.consent.opinions,
        may_change,
    })
}

/// The key of a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entering {
    key: String,
}

#[derive(Serialize)]
struct Entered {
    token: String,
}

/// Follows a link.
pub(super) async fn enter(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(entering): Json<Entering>,
) -> Response {
    if !is_asked_by_our_name(&headers) || !is_of_our_page(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    match shared.guard.enter(&entering.key) {
        Some(token) => Json(Entered { token }).into_response(),
        None => {
            let why = "the link was used or is too old; `yagura edge link` prints another one";
            (StatusCode::UNAUTHORIZED, Json(Refused::new("link", why))).into_response()
        }
    }
}

/// Decides something.
pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Response {
    if !is_asked_by_our_name(&headers) || !is_of_our_page(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    if !shared.guard.may_change(&headers) {
        let why = "open the page by the link that `yagura edge link` prints";
        return (StatusCode::UNAUTHORIZED, Json(Refused::new("link-needed", why))).into_response();
    }
    match tokio::task::spawn_blocking(move || make(&shared, &change, "page")).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(refused)) => {
            let status = match refused.code.as_str() {
                "disk-full" | "spool" => StatusCode::SERVICE_UNAVAILABLE,
                "not-found" => StatusCode::NOT_FOUND,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            (status, Json(refused)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
