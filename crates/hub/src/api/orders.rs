//! `/api/v1/orders`: what edges were ordered, how it stands, and undoing it.

use api::{GateReason, OrderInfo, OrderList, OrderReport, OrderUndo};
use axum::Json;
use axum::extract::{Path, State};
use cacao::run::{Key, Person, What};
use oversight::OrganisationRole;
use policy::Operation;
use serde::Deserialize;
use serde_json::Value;
use store::orders::{self as rows, Order};
use store::{Reader, StoreError, Tx, runs};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::runs::{did, drove, identity, place};
use super::session::fresh_proof;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::{JsonBody, Query};
use crate::runs::told::Names;
use crate::runs::{drive, foreign, reported};
use crate::sharing::{LINE_CHARS_MAX, text, unfit};
use crate::state::AppState;

/// Orders of one answer.
const LISTED_MAX: usize = 200;
/// Reports that are shown of each.
const REPORTS_SHOWN: usize = 50;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(undo))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrderQuery {
    /// What an answer before gave as `next`.
    after: Option<String>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
}

/// Orders to edges, the newest first: those that one's own organisation asked for, and those to its own edges; all of them for the coordinator.
#[utoipa::path(get, path = "/api/v1/orders", tag = "response", security(("session" = []), ("token" = [])), params(OrderQuery),
    responses((status = 200, body = OrderList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<OrderQuery>,
) -> Answer<Json<OrderList>> {
    caller.demand(&state, Operation::ReadRuns)?;
    let limit = query.limit.unwrap_or(50).clamp(1, LISTED_MAX);
    let before = query.after.as_deref().map(place).transpose()?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let own = &caller.principal.organisation;
        let watches = caller.principal.organisation_role == OrganisationRole::Coordinator;
        let from = before.as_ref().map(|(at, command)| (*at, command.as_str()));
        let orders = rows::list(reader, &REALM, (!watches).then_some(own), from, limit)?;
        let names = Names::for_viewer(reader, own)?;
        let last = orders.last().filter(|_| orders.len() == limit);
        let next = last.map(|last| format!("{}_{}", last.new.ordered.as_microsecond(), last.new.command));
        let may_undo = caller.may(&work, Operation::UndoActions);
        let told = orders.iter().map(|order| told(reader, &names, order, may_undo));
        Ok(OrderList {
            orders: told.collect::<Result<_, StoreError>>()?,
            next,
            key: work.response.order_key(),
        })
    });
    Ok(Json(found.await?))
}

fn told(reader: &Reader<'_>, names: &Names, order: &Order, may_undo: bool) -> Result<OrderInfo, StoreError> {
    let new = &order.new;
    let corrupt = |_| StoreError::Corrupt(format!("order {}", new.command));
    let message: Value = serde_json::from_str(&new.message).map_err(corrupt)?;
    let reports = rows::reports(reader, &REALM, &new.command, REPORTS_SHOWN)?;
    let undone_by = rows::undoing(reader, &REALM, &new.command)?;
    let state = order.state.as_deref().and_then(reported::state_of);
    let is_over = matches!(
        state,
        Some(
            api::OrderState::Refused
                | api::OrderState::Failed
                | api::OrderState::Released
                | api::OrderState::Expired
        )
    );
    let has_ended = new.stops.is_some_and(|stops| stops <= reader.now());
    Ok(OrderInfo {
        command_id: new.command.clone(),
        edge: new.edge.clone(),
        organisation: new.organisation.to_string(),
        organisation_name: names.organisation(&new.organisation),
        sequence: order.sequence,
        about: serde_json::from_str(&new.about).map_err(corrupt)?,
        command: message.pointer("/body/openc2/request").cloned().unwrap_or_default(),
        ordered: new.ordered.to_string(),
        expires: new.expires.to_string(),
        stops: new.stops.map(|at| at.to_string()),
        state,
        stopped: order.stopped,
        reports: reports
            .iter()
            .map(|text| serde_json::from_str(text).map(with_reason).map_err(corrupt))
            .collect::<Result<_, _>>()?,
        may_undo: may_undo && undone_by.is_none() && new.undoes.is_none() && !is_over && !has_ended,
        undone_by,
    })
}

/// A report with what its gate said by its code: that is found here, and taken from nobody.
fn with_reason(report: OrderReport) -> OrderReport {
    OrderReport { why_reason: report.why.as_deref().and_then(GateReason::of), ..report }
}

/// Have an order undone before its time.
///
/// For duty officers and approvers, in person, of the organisation that asked for it, of the operator whose network it is, and of the coordinator;
/// with a sign-in no older than 15 minutes (`fresh-proof-needed`). What undoes it was known before it was ordered; nobody has to agree.
#[utoipa::path(post, path = "/api/v1/orders/{command}/undo", tag = "response", security(("session" = [])),
    params(("command" = String, Path, description = "the command's identifier")), request_body = OrderUndo,
    responses((status = 200, body = OrderInfo), crate::api::CallerRefusal))]
async fn undo(
    State(state): State<AppState>,
    caller: Caller,
    Path(command): Path<String>,
    JsonBody(body): JsonBody<OrderUndo>,
) -> Answer<Json<OrderInfo>> {
    caller.demand(&state, Operation::UndoActions)?;
    fresh_proof(&state, &caller).await?;
    let reason = text("reason", &body.reason, LINE_CHARS_MAX)?;
    let (work, asker, name) = (state.clone(), caller.clone(), command.clone());
    let write = move |tx: &mut Tx<'_>| {
        let missing = || StoreError::NotFound { what: name.clone() };
        let order = seen(tx, &asker, &name)?;
        if order.new.undoes.is_some() {
            return Err(unfit("run-not-now-undo", "this order undoes another one itself"));
        }
        let event = did(&asker, "undo").with("command", name.as_str()).with("reason", reason.as_str());
        if order.new.run.is_empty() {
            return foreign::undo_here(tx, &work.response, &order, event);
        }
        let row = runs::get(tx, &REALM, &order.new.run)?.ok_or_else(missing)?;
        let by = Person { person: asker.id().to_owned(), organization: identity(tx, &asker)? };
        let what = What::UndoAsked { key: Key(order.new.action.clone()), by };
        drive::advance(tx, &work.response, &row, (vec![what], Some(event)))
    };
    drove(&state, state.store.write(write).await)?;
    let found = state.store.read(move |reader| {
        let order = seen(reader, &caller, &command)?;
        told(reader, &Names::for_viewer(reader, &caller.principal.organisation)?, &order, true)
    });
    Ok(Json(found.await?))
}

/// An order that is there for the caller.
fn seen(reader: &Reader<'_>, caller: &Caller, command: &str) -> Result<Order, StoreError> {
    let own = &caller.principal.organisation;
    let watches = caller.principal.organisation_role == OrganisationRole::Coordinator;
    let found = rows::get(reader, &REALM, command)?;
    let found =
        found.filter(|order| watches || order.new.requester == *own || order.new.organisation == *own);
    found.ok_or_else(|| StoreError::NotFound { what: command.to_owned() })
}
