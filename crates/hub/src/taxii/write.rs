//! What a collection takes: objects added, objects withdrawn.

use std::collections::BTreeSet;

use api::Code;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use oversight::{Action, AuditEvent, Realm};
use policy::{Operation, Visible};
use stix::{Id, Timestamp};
use store::collections::CollectionKey;
use store::objects::{self, Row};
use store::{Act, StoreError, Tx, labels, statuses};
use taxii::{Allowed, Query, Status, StatusDetail, StatusState, VersionFilter, media};
use uuid::Uuid;

use super::{Access, Client, resource, submitter};
use crate::api::session::second_look;
use crate::ingest::{self, Outcome, Submission, Taken};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction;
use crate::sharing::consent;
use crate::state::AppState;

/// A status names what was taken in where the request is not longer than this; what was refused it names always.
const SUCCESSES_NAMED_MAX: usize = 1_000;

/// §5.5: everything is dealt with before the answer, so the status is complete.
pub(super) async fn add(
    State(state): State<AppState>,
    Client(caller): Client,
    Path(collection): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    let access = Access::find(&state, &caller, &collection).await?;
    Access::demand(access.can_write)?;
    if !media::is_taxii(headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())) {
        return Err(Failure::new(
            Code::UnsupportedMediaType,
            format!("send the envelope as `{}`", media::TAXII),
        ));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::new(Code::UnsupportedMediaType, "send the body without `Content-Encoding`"));
    }
    let requested = jiff::Timestamp::now();
    let body = state.ingest.read_body(&caller, &headers, body).await?;
    second_look(&state, &caller).await?;
    // Whoever asks for its name to be withheld is never published in the open instead.
    if let Some(wish) = consent::read(&body.bytes).await? {
        return super::withheld::add(&state, &caller, wish, requested).await;
    }
    let taken = ingest::take(&state, &Submission::of(&caller, access.collection.key), body).await?;
    let status = status(&taken, requested);
    let stored = serde_json::to_vec(&status).map_err(Failure::internal)?;
    let (realm, submitter, id) = (caller.realm().clone(), submitter(&caller), status.id.clone());
    let written = state
        .store
        .write(move |tx| statuses::put(tx, &realm, &id, &submitter, &stored).map(Act::bookkeeping));
    written.await?;
    let mut response = resource(&status)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn status(taken: &Taken, requested: jiff::Timestamp) -> Status {
    let names_successes = taken.verdicts.len() <= SUCCESSES_NAMED_MAX;
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for (index, verdict) in taken.verdicts.iter().enumerate() {
        let is_refused = matches!(verdict.outcome, Outcome::Refused { .. });
        let message = match (&verdict.outcome, &verdict.waits) {
            (Outcome::Refused { code, message }, _) => Some(format!("{code}: {message}")),
            (_, Some(proposal)) => Some(format!(
                "waiting: its marking is freer than that of the version before; it is shown by the stricter of both until another \
                 person of your organisation confirms it (proposal {proposal})"
            )),
            (_, None) if !names_successes => continue,
            (_, None) => None,
        };
        let detail = StatusDetail {
            id: verdict.id.clone().unwrap_or_else(|| format!("objects[{index}]")),
            version: verdict.version.clone().unwrap_or_else(|| format!("{requested:.6}")),
            message,
        };
        if is_refused { failures.push(detail) } else { successes.push(detail) }
    }
    Status {
        id: Uuid::new_v4().to_string(),
        status: StatusState::Complete,
        request_timestamp: Some(format!("{requested:.6}")),
        total_count: u64::try_from(taken.verdicts.len()).unwrap_or(u64::MAX),
        success_count: taken.accepted() + taken.duplicates(),
        successes,
        failure_count: taken.refused(),
        failures,
        pending_count: 0,
        pendings: Vec::new(),
    }
}

/// §5.7: needs read and write, and that policy lets the client withdraw this object.
pub(super) async fn delete(
    State(state): State<AppState>,
    Client(caller): Client,
    Path((collection, object)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let access = Access::find(&state, &caller, &collection).await?;
    Access::demand(access.can_read && access.can_write)?;
    let query = Query::parse(query.as_deref().unwrap_or_default(), Allowed::Delete)
        .map_err(|error| Failure::new(Code::BadRequest, error.to_string()))?;
    let id = Id::parse(&object).map_err(|_| Failure::not_found())?;
    match withdraw(&state, &caller, access.collection.key, id, query).await? {
        Withdrawal::Done => Ok([(header::CONTENT_TYPE, media::TAXII)].into_response()),
        Withdrawal::NotThere => Err(Failure::not_found()),
        Withdrawal::NotAllowed => Err(Failure::not_allowed()),
    }
}

/// What became of a wish to withdraw.
pub(crate) enum Withdrawal {
    Done,
    NotThere,
    NotAllowed,
}

/// Withdraws every version of several objects. Those that are not there for the caller are passed over.
pub(crate) async fn withdraw_all(state: &AppState, caller: &Caller, ids: Vec<Id>) -> Answer<Withdrawal> {
    let mut outcome = Withdrawal::NotThere;
    for id in ids {
        let query = Query::parse("", Allowed::Delete)
            .map_err(|error| Failure::new(Code::BadRequest, error.to_string()))?;
        match withdraw(state, caller, state.collection.key, id, query).await? {
            Withdrawal::Done => outcome = Withdrawal::Done,
            Withdrawal::NotThere => {}
            Withdrawal::NotAllowed => return Ok(Withdrawal::NotAllowed),
        }
    }
    Ok(outcome)
}

/// Withdraws the wanted versions of an object, all of them or none.
async fn withdraw(
    state: &AppState,
    caller: &Caller,
    collection: CollectionKey,
    id: Id,
    query: Query,
) -> Answer<Withdrawal> {
    let (door, engine, caller) = (state.door.clone(), state.engine.load_full(), caller.clone());
    let written = state.store.write(move |tx| {
        let realm = caller.realm().clone();
        let visible = door.visible(tx, &caller.principal)?;
        let rows = wanted(objects::versions(tx, &realm, &visible, &id)?, &query);
        if rows.is_empty() {
            return Ok(Act::bookkeeping(Withdrawal::NotThere));
        }
        for key in rows.iter().map(|row| row.label).collect::<BTreeSet<_>>() {
            let label =
                labels::get(tx, &realm, key)?.ok_or_else(|| StoreError::Corrupt("label".to_owned()))?;
            if !engine.check(&caller.principal, Operation::Delete, &label) {
                return Ok(Act::bookkeeping(Withdrawal::NotAllowed));
            }
        }
        let removed = remove(tx, &realm, collection, &visible, &id, &rows)?;
        if removed == 0 {
            return Ok(Act::bookkeeping(Withdrawal::NotThere));
        }
        let event = AuditEvent::done(Action::ObjectsDeleted, caller.actor.clone(), caller.purpose)
            .on([id.to_string()])
            .with("versions", removed.to_string());
        Ok(Act::audited(Withdrawal::Done, &realm, event))
    });
    Ok(written.await?)
}

/// Of all versions, newest first, those that are to go; nothing said means all.
fn wanted(rows: Vec<Row>, query: &Query) -> Vec<Row> {
    if !query.wants_spec_version("2.1") {
        return Vec::new();
    }
    if query.versions.is_empty() || query.versions.contains(&VersionFilter::All) {
        return rows;
    }
    let count = rows.len();
    let is_wanted = |(place, row): (usize, &Row)| {
        query.versions.iter().any(|version| match version {
            VersionFilter::All => true,
            VersionFilter::Last => place == 0,
            VersionFilter::First => place + 1 == count,
            VersionFilter::Exact(at) => {
                row.version.as_deref().and_then(|text| Timestamp::parse(text).ok()).as_ref() == Some(at)
            }
        })
    };
    let keep: Vec<bool> = rows.iter().enumerate().map(is_wanted).collect();
    rows.into_iter().zip(keep).filter_map(|(row, keep)| keep.then_some(row)).collect()
}

fn remove(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    visible: &Visible,
    id: &Id,
    rows: &[Row],
) -> Result<usize, StoreError> {
    let mut removed = 0;
    for row in rows {
        removed += match row.version.as_deref().map(Timestamp::parse) {
            Some(Ok(version)) => objects::remove_version(tx, realm, collection, visible, id, &version)?,
            _ => objects::remove(tx, realm, collection, visible, id)?,
        };
    }
    redaction::follow_removal(tx, realm, collection, id)?;
    Ok(removed)
}
