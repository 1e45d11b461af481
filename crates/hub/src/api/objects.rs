//! `/api/v1/objects` and `/api/v1/values`: everything that was shared, as far as the reader may see it.

mod detail;
mod facets;
mod find;
mod references;

use api::{Code, Ingested, RefusedObject, WaitingObject};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use oversight::{Action, AuditEvent};
use policy::{LabelKey, Operation};
use stix::Id;
use store::{Act, StoreError, Tx, labels, objects};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::second_look;
use crate::ingest::{self, Outcome, Submission, Taken, Verdict};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction;
use crate::request::Query;
use crate::sharing::chosen::Chosen;
use crate::sharing::consent;
use crate::state::AppState;

/// Most refused objects that an answer names.
pub(super) const REFUSED_TOLD_MAX: usize = 1_000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(find::list, publish))
        .routes(routes!(facets::get))
        .routes(routes!(detail::get, withdraw))
        .routes(routes!(references::get))
        .routes(routes!(find::values))
}

/// Publish objects.
///
/// The body is a STIX bundle, a JSON list of objects, one object, or one object a line. Objects succeed or fail one by one; what
/// is counted as accepted is durable. A marking can be chosen for those that bear none, or for all; `POST /api/v1/audience` with the
/// same body and query tells beforehand who could see what. A person's last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/objects", tag = "objects", security(("session" = []), ("token" = [])),
    params(Chosen),
    request_body(content = Object, content_type = "application/stix+json;version=2.1"),
    responses((status = 200, body = Ingested), crate::api::CallerRefusal))]
async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    Query(chosen): Query<Chosen>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Ingested>> {
    caller.demand(&state, Operation::Write)?;
    let marks = chosen.marks(&state, &caller).await?;
    let body = state.ingest.read_body(&caller, &headers, body).await?.with_marks(marks);
    let body = body.stated_by(chosen.stated_by(&caller));
    if consent::read(&body.bytes).await?.is_some() {
        let why = "some of it asks for its maker's name to be withheld (`AISConsent`, or an ACS marking that denies `IDSRC`), and here \
            it would not be; send it by TAXII or to `/api/v1/anonymous`";
        return Err(Failure::rule("names-withheld", why));
    }
    second_look(&state, &caller).await?;
    let submission = Submission::of(&caller, state.collection.key);
    Ok(Json(ingested(ingest::take(&state, &submission, body).await?)))
}

fn ingested(taken: Taken) -> Ingested {
    let (accepted, duplicates, sequence) = (taken.accepted(), taken.duplicates(), taken.sequence());
    let waiting = taken.verdicts.iter().enumerate().filter_map(|(index, verdict)| waiting(index, verdict));
    let waiting = waiting.take(REFUSED_TOLD_MAX).collect();
    let verdicts = taken.verdicts.into_iter().enumerate();
    let refused = verdicts.filter_map(|(index, verdict)| refused_object(index, verdict));
    Ingested { accepted, duplicates, sequence, refused: refused.take(REFUSED_TOLD_MAX).collect(), waiting }
}

fn waiting(index: usize, verdict: &Verdict) -> Option<WaitingObject> {
    Some(WaitingObject {
        index,
        id: verdict.id.clone()?,
        version: verdict.version.clone()?,
        widening: verdict.waits.clone()?,
    })
}

/// What is told of an object that was refused.
pub(super) fn refused_object(index: usize, verdict: Verdict) -> Option<RefusedObject> {
    match verdict.outcome {
        Outcome::Refused { code, message } => {
            Some(RefusedObject { index, id: verdict.id, version: verdict.version, code, message })
        }
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } => None,
    }
}

/// Withdraw an object.
///
/// All of its versions that the caller may see; what another organisation brought in, only the coordinator withdraws.
#[utoipa::path(delete, path = "/api/v1/objects/{id}", tag = "objects", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 204, description = "withdrawn"), crate::api::CallerRefusal))]
async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Delete)?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let work = state.clone();
    let withdraw = move |tx: &mut Tx<'_>| {
        let realm = caller.realm().clone();
        let visible = work.door.visible(tx, &caller.principal)?;
        let versions = objects::versions(tx, &realm, &visible, &id)?;
        if versions.is_empty() {
            return Err(StoreError::NotFound { what: id.to_string() });
        }
        let mut bearing: Vec<LabelKey> = versions.iter().map(|row| row.label).collect();
        bearing.sort_unstable();
        bearing.dedup();
        let engine = work.engine.load();
        for key in bearing {
            let label = labels::get(tx, &realm, key)?;
            if !label.is_some_and(|label| engine.check(&caller.principal, Operation::Delete, &label)) {
                return Ok(Act::bookkeeping(false));
            }
        }
        if objects::remove(tx, &realm, work.collection.key, &visible, &id)? == 0 {
            // The node's own definitions are in no collection that anybody withdraws from.
            return Ok(Act::bookkeeping(false));
        }
        redaction::follow_removal(tx, &realm, work.collection.key, &id)?;
        let event =
            AuditEvent::done(Action::ObjectsDeleted, caller.actor.clone(), caller.purpose).on([id.as_str()]);
        Ok(Act::audited(true, &realm, event))
    };
    if state.store.write(withdraw).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Failure::new(
        Code::NotAllowed,
        "another organisation brought this in; ask it, or the coordinator, to withdraw it",
    ))
}
