//! `/api/v1/orders/asked`: what other hubs ask to be ordered of edges here, and what people here answer.

use std::collections::BTreeSet;

use api::{AskedOrder, AskedOrderAnswer, AskedOrderList, GateReason};
use axum::Json;
use axum::extract::{Path, State};
use oversight::OrganisationRole;
use policy::Operation;
use serde::Deserialize;
use store::foreign::{self as rows, Foreign};
use store::{Reader, StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::{drove, place};
use super::session::fresh_proof;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::{JsonBody, Query};
use crate::runs::foreign::{self, Given};
use crate::runs::told::Names;
use crate::sharing::{LINE_CHARS_MAX, text};
use crate::state::AppState;

/// Requests of one answer.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(approve)).routes(routes!(refuse))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AskedQuery {
    /// What an answer before gave as `next`.
    after: Option<String>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
}

/// What other hubs ask to be ordered of edges here, the newest first: those about one's own edges; all of them for the coordinator.
#[utoipa::path(get, path = "/api/v1/orders/asked", tag = "response", security(("session" = []), ("token" = [])), params(AskedQuery),
    responses((status = 200, body = AskedOrderList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<AskedQuery>,
) -> Answer<Json<AskedOrderList>> {
    caller.demand(&state, Operation::ReadRuns)?;
    let limit = query.limit.unwrap_or(50).clamp(1, LISTED_MAX);
    let before = query.after.as_deref().map(place).transpose()?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let own = &caller.principal.organisation;
        let watches = caller.principal.organisation_role == OrganisationRole::Coordinator;
        let from = before.as_ref().map(|(at, local)| (*at, local.as_str()));
        let asked = rows::list(reader, &REALM, (!watches).then_some(own), from, limit)?;
        let last = asked.last().filter(|_| asked.len() == limit);
        let next = last.map(|last| format!("{}_{}", last.asked.as_microsecond(), last.local));
        // What names no edge here names its asker as the operator, which is nobody's to see but the coordinator's.
        let role = caller.principal.organisation_role;
        let seen = asked.iter().filter(|row| foreign::is_for(row, own, role));
        let names = Names::for_viewer(reader, own)?;
        Ok(AskedOrderList {
            orders: seen
                .map(|row| told(reader, &work, (&caller, &names), row))
                .collect::<Result<_, StoreError>>()?,
            next,
            required: work.response.config.approvals_foreign,
        })
    });
    Ok(Json(found.await?))
}

fn told(
    reader: &Reader<'_>,
    state: &AppState,
    (caller, names): (&Caller, &Names),
    row: &Foreign,
) -> Result<AskedOrder, StoreError> {
    let corrupt = |_| StoreError::Corrupt(format!("request {}", row.local));
    let (mut given, mut agreed) = (Vec::new(), BTreeSet::new());
    for approval in rows::approvals(reader, &REALM, &row.local)?.iter().filter(|one| !one.revoked) {
        let by = (approval.person.as_str(), &approval.organisation);
        given.push(names.person(reader, by, approval.at.to_string())?);
        agreed.insert(approval.organisation.clone());
    }
    let own = &caller.principal.organisation;
    let may_answer = row.state == rows::State::Waiting
        && row.expires > reader.now()
        && *own != row.requester
        && !agreed.contains(own)
        && caller.may(state, Operation::ApproveActions);
    let there = !row.edge.is_empty();
    Ok(AskedOrder {
        id: row.local.clone(),
        peer: row.peer.clone(),
        edge: there.then(|| row.edge.clone()),
        organisation: there.then(|| row.organisation.to_string()),
        state: row.state.name().to_owned(),
        why: row.why.clone(),
        why_reason: row.why.as_deref().and_then(GateReason::of),
        about: serde_json::from_str(&row.about).map_err(corrupt)?,
        command: foreign::command_of(row)?,
        hash: row.digest.clone(),
        agreement: row.agreement.clone(),
        asked: row.asked.to_string(),
        expires: row.expires.to_string(),
        stops: row.stops.map(|at| at.to_string()),
        given,
        may_answer,
        note: row.note.clone(),
    })
}

/// Agree to what another hub asks for: the edge is ordered when enough organisations here have, if nothing stands against it by then.
///
/// For approvers of the operator and of the coordinator, in person, with a sign-in no older than 15 minutes (`fresh-proof-needed`). It is bound to
/// `hash`.
#[utoipa::path(post, path = "/api/v1/orders/asked/{id}/approve", tag = "response", security(("session" = [])),
    params(("id" = String, Path, description = "this hub's name for the request")), request_body = AskedOrderAnswer,
    responses((status = 200, body = AskedOrder), crate::api::CallerRefusal))]
async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AskedOrderAnswer>,
) -> Answer<Json<AskedOrder>> {
    caller.demand(&state, Operation::ApproveActions)?;
    let session = fresh_proof(&state, &caller).await?;
    let reason = body.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| text("reason", reason, LINE_CHARS_MAX)).transpose()?;
    let given = Given { local: id.clone(), hash: body.hash, reason, session };
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| foreign::agree(tx, &work.response, &asker, &given);
    drove(&state, state.store.write(write).await)?;
    shown(&state, caller, id).await
}

/// Refuse what another hub asks for. It is told why.
///
/// For approvers of the operator and of the coordinator, in person, with a sign-in no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/orders/asked/{id}/refuse", tag = "response", security(("session" = [])),
    params(("id" = String, Path, description = "this hub's name for the request")), request_body = AskedOrderAnswer,
    responses((status = 200, body = AskedOrder), crate::api::CallerRefusal))]
async fn refuse(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AskedOrderAnswer>,
) -> Answer<Json<AskedOrder>> {
    caller.demand(&state, Operation::ApproveActions)?;
    let session = fresh_proof(&state, &caller).await?;
    let reason = Some(text("reason", body.reason.as_deref().unwrap_or_default(), LINE_CHARS_MAX)?);
    let given = Given { local: id.clone(), hash: body.hash, reason, session };
    let asker = caller.clone();
    let write = move |tx: &mut Tx<'_>| foreign::refuse(tx, &asker, &given);
    drove(&state, state.store.write(write).await)?;
    shown(&state, caller, id).await
}

async fn shown(state: &AppState, caller: Caller, id: String) -> Answer<Json<AskedOrder>> {
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let missing = || StoreError::NotFound { what: id.clone() };
        let row = rows::by_local(reader, &REALM, &id)?.ok_or_else(missing)?;
        let names = Names::for_viewer(reader, &caller.principal.organisation)?;
        told(reader, &work, (&caller, &names), &row)
    });
    Ok(Json(found.await?))
}
