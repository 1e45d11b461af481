//! Submissions that ask for their maker's name to be withheld: they go the way of `/api/v1/anonymous`, and their status is kept in
//! memory alone, for a row with the submitter's name beside a report would undo it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use api::AnonymousChange;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use taxii::{Status, StatusDetail, StatusState};
use uuid::Uuid;

use super::{resource, submitter};
use crate::api::anonymous;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing::consent::{Fate, Wish};
use crate::state::AppState;

/// Where the receipt stands, by which the report can be followed at `/api/v1/anonymous/follow`.
const RECEIPT: HeaderName = HeaderName::from_static("yagura-receipt");
/// Statuses that are kept; an older one is gone, as TAXII 2.1 §4.3 lets it be.
const KEPT_MAX: usize = 1_000;

/// Statuses of such submissions, each with whose it is.
#[derive(Debug, Default)]
pub(crate) struct Statuses(Mutex<VecDeque<(String, String, Vec<u8>)>>);

impl Statuses {
    fn put(&self, id: &str, submitter: String, body: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((id.to_owned(), submitter, body));
    }

    pub(super) fn get(&self, id: &str, submitter: &str) -> Option<Vec<u8>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, by, _)| known == id && by == submitter);
        found.map(|(.., body)| body.clone())
    }
}

/// Takes such a submission in: all of it or nothing.
pub(super) async fn add(
    state: &AppState,
    caller: &Caller,
    wish: Wish,
    requested: jiff::Timestamp,
) -> Answer<Response> {
    let Wish { objects, fates, heads, names } = wish;
    // What cannot be taken keeps out the rest, and is told all the same.
    let is_trial = fates.iter().any(|fate| matches!(fate, Fate::Refused { .. }));
    let (receipt, prepared) = anonymous::submit(state, caller, objects, names, is_trial).await?;
    let taken = receipt.is_some();
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for (index, (fate, (id, version))) in fates.into_iter().zip(heads).enumerate() {
        let message = outcome(fate, &prepared.refused, &prepared.objects, taken);
        let (list, message) = match message {
            Ok(message) => (&mut successes, message),
            Err(message) => (&mut failures, message),
        };
        list.push(StatusDetail {
            id: id.unwrap_or_else(|| format!("objects[{index}]")),
            version: version.unwrap_or_else(|| format!("{requested:.6}")),
            message: Some(message),
        });
    }
    let count = |list: &Vec<StatusDetail>| u64::try_from(list.len()).unwrap_or(u64::MAX);
    let status = Status {
        id: Uuid::new_v4().to_string(),
        status: StatusState::Complete,
        request_timestamp: Some(format!("{requested:.6}")),
        total_count: count(&successes) + count(&failures),
        success_count: count(&successes),
        failure_count: count(&failures),
        successes,
        failures,
        pending_count: 0,
        pendings: Vec::new(),
    };
    let body = serde_json::to_vec(&status).map_err(Failure::internal)?;
    state.withheld_statuses.put(&status.id, submitter(caller), body);
    let mut response = resource(&status)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    if let Some(receipt) = receipt.and_then(|receipt| HeaderValue::try_from(receipt).ok()) {
        response.headers_mut().insert(RECEIPT, receipt);
    }
    Ok(response)
}

/// What is told of one object.
fn outcome(fate: Fate, refused: &[AnonymousChange], shared: &[Value], taken: bool) -> Result<String, String> {
    match fate {
        Fate::Refused { code, message } => Err(format!("{code}: {message}")),
        Fate::Shared(place) => {
            let place_told = u64::try_from(place).unwrap_or(u64::MAX);
            if let Some(why) = refused.iter().find(|change| change.index == place_told) {
                return Err(format!("{}: {}", why.code, why.message));
            }
            let id = shared.get(place).and_then(|object| object.get("id")).and_then(Value::as_str);
            match id.filter(|_| taken) {
                Some(id) => Ok(format!("shared with your name withheld as `{id}`")),
                None => Err("report: not shared, for another object of it was refused".to_owned()),
            }
        }
        Fate::LeftOut if taken => Ok("left out: it would tell who reports".to_owned()),
        Fate::LeftOut => Err("report: not shared, for another object of it was refused".to_owned()),
    }
}
