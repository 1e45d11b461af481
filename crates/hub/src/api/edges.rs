//! `/api/v1/edges`: the nodes inside of operators' networks.

use api::{EdgeHealth, EdgeList, EdgeStatus, NewEdge, RegisteredEdge};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use oversight::{OrganisationId, OrganisationRole};
use policy::{Operation, Principal};
use store::edges::Edge;
use store::{Reader, StoreError, edges, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::second_look;
use super::summaries::{Newest, Teller, bare_edge, edge_principal, newest_indicator};
use crate::administration;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::Recipient;
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(get, remove))
}

/// Edges, with how they are.
///
/// Those of the caller's own organisation; all of them for the coordinator.
#[utoipa::path(get, path = "/api/v1/edges", tag = "edges", security(("session" = []), ("token" = [])),
    responses((status = 200, body = EdgeList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<EdgeList>> {
    caller.demand(&state, Operation::SeeEdges)?;
    let (work, asker) = (state.clone(), caller.clone());
    let told = state.store.read(move |reader| {
        let now = reader.now();
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let mut told = Vec::new();
        for edge in edges::list(reader, asker.realm())?
            .into_iter()
            .filter(|edge| sees(&asker.principal, &edge.organisation))
        {
            let current = newest_for(&work, &asker, reader, &edge)?;
            told.push(teller.edge(&edge, current, now)?);
        }
        let leaving = teller.take_named();
        Ok((EdgeList { edges: told, as_of: now.to_string() }, leaving, teller.visible))
    });
    let (list, leaving, visible) = told.await?;
    let recipient = Recipient { caller, door: "edges" };
    let list = state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, list).await?;
    Ok(Json(list.into_inner()))
}

/// Register an edge.
///
/// Its token is in this answer and nowhere else. A person's last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/edges", tag = "edges", security(("session" = []), ("token" = [])),
    request_body = NewEdge, responses((status = 200, body = RegisteredEdge), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewEdge>,
) -> Answer<Json<RegisteredEdge>> {
    caller.demand(&state, Operation::Administer)?;
    second_look(&state, &caller).await?;
    let (edge, token) = administration::add_edge(&state.store, caller.by(), &new).await?;
    Ok(Json(RegisteredEdge { id: edge.id, token: token.into() }))
}

/// One edge.
#[utoipa::path(get, path = "/api/v1/edges/{id}", tag = "edges", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the edge's short name")),
    responses((status = 200, body = EdgeStatus), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<EdgeStatus>> {
    caller.demand(&state, Operation::SeeEdges)?;
    let (work, asker) = (state.clone(), caller.clone());
    let told = state.store.read(move |reader| {
        let edge =
            edges::get(reader, asker.realm(), &id)?.filter(|edge| sees(&asker.principal, &edge.organisation));
        let Some(edge) = edge else { return Ok(None) };
        let current = newest_for(&work, &asker, reader, &edge)?;
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let told = teller.edge(&edge, current, reader.now())?;
        Ok(Some((told, teller.take_named(), teller.visible)))
    });
    let (edge, leaving, visible) = told.await?.ok_or_else(Failure::not_found)?;
    let recipient = Recipient { caller, door: "edges" };
    let edge = state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, edge).await?;
    Ok(Json(edge.into_inner()))
}

/// Remove an edge.
///
/// Its token ends at once; what it reported stays.
#[utoipa::path(delete, path = "/api/v1/edges/{id}", tag = "edges", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the edge's short name")),
    responses((status = 204, description = "removed"), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    administration::remove_edge(&state.store, caller.by(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a principal who may see edges may see those of an organisation.
pub(crate) fn sees(principal: &Principal, organisation: &OrganisationId) -> bool {
    principal.organisation == *organisation || principal.organisation_role == OrganisationRole::Coordinator
}

/// The edges that a caller sees, without their ledgers.
pub(super) fn seen_edges(
    state: &AppState,
    caller: &Caller,
    reader: &Reader<'_>,
    now: Timestamp,
) -> Result<Vec<EdgeStatus>, StoreError> {
    let known = edges::list(reader, caller.realm())?.into_iter();
    let seen = known.filter(|edge| sees(&caller.principal, &edge.organisation));
    seen.map(|edge| Ok(bare_edge(&edge, newest_for(state, caller, reader, &edge)?, now))).collect()
}

/// How many edges are in which health; what no edge is in is left out.
pub(super) fn health_counts(edges: &[EdgeStatus]) -> Vec<(EdgeHealth, u64)> {
    let kinds = [EdgeHealth::Well, EdgeHealth::Troubled, EdgeHealth::Silent, EdgeHealth::New];
    let count = |kind| edges.iter().filter(|edge| edge.health == kind).count();
    let counted = kinds.into_iter().map(|kind| (kind, u64::try_from(count(kind)).unwrap_or(u64::MAX)));
    counted.filter(|(_, count)| *count > 0).collect()
}

fn newest_for(
    state: &AppState,
    caller: &Caller,
    reader: &Reader<'_>,
    edge: &Edge,
) -> Result<Newest, StoreError> {
    let Some(operator) = organisations::get(reader, caller.realm(), &edge.organisation)? else {
        return Ok(Newest::default());
    };
    newest_indicator(state, reader, &edge_principal(edge, operator.role, caller.realm()))
}
