//! Orders for an edge, and what it reports on them.

use std::time::Duration;

use api::{Code, EdgeOrder, EdgeOrders, OrderReport, OrderReportsAccepted, OrderReportsPosted};
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use oversight::Action;
use policy::Operation;
use serde::Deserialize;
use store::orders::{self as rows, Order};
use store::{StoreError, Tx};
use tokio::time::Instant;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::act;
use crate::REALM;
use crate::principal::{Caller, EdgeCaller};
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::runs::reported;
use crate::state::AppState;

/// Most orders of one answer.
const ORDERS_MAX: usize = 500;
/// Most reports of one request.
const REPORTS_MAX: usize = 500;
/// Largest body of reports, in bytes.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Longest report, in bytes of JSON.
const REPORT_BYTES_MAX: usize = 16 * 1024;
/// Longest time that an answer is held back.
const WAIT_SECONDS_MAX: u64 = 60;
/// A waiting answer looks at least so often: another hub on the database may have ordered.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(report).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// The sequence of the last answer; 0 begins.
    #[serde(default)]
    after: i64,
    /// Seconds to wait for news, at most 60.
    #[serde(default)]
    wait: u64,
}

/// Orders for this edge that it may still take, oldest first.
///
/// Answers at once when there is something to tell, else after `wait`. What counts of an order is what is signed.
#[utoipa::path(get, path = "/edge/v1/orders", tag = "edge link", security(("edge" = [])), params(OrdersQuery),
    responses((status = 200, body = EdgeOrders), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    Query(query): Query<OrdersQuery>,
) -> Answer<Json<EdgeOrders>> {
    caller.demand(&state, Operation::ReceiveOrders)?;
    let deadline = Instant::now() + Duration::from_secs(query.wait.min(WAIT_SECONDS_MAX));
    let mut ordered = state.response.ordered();
    loop {
        ordered.mark_unchanged();
        let orders = read(&state, &caller, query.after).await?.ok_or_else(|| {
            Failure::new(Code::SignInRefused, "this edge was removed or given to another operator meanwhile")
        })?;
        if !orders.is_empty() || Instant::now() >= deadline || state.stopping.is_set() {
            let sequence = orders.last().map_or(query.after, |order| order.sequence);
            let told = orders.iter().map(told).collect::<Result<_, StoreError>>()?;
            return Ok(Json(EdgeOrders { orders: told, sequence }));
        }
        tokio::select! {
            _ = ordered.changed() => {}
            () = tokio::time::sleep_until(deadline.min(Instant::now() + LOOK_EVERY)) => {}
            () = state.stopping.wait() => {}
        }
    }
}

/// What there is for an edge, where it is still who it was when it asked.
async fn read(state: &AppState, caller: &Caller, after: i64) -> Result<Option<Vec<Order>>, StoreError> {
    let asker = caller.clone();
    let found = state.store.read(move |reader| {
        let Some(asker) = asker.renewed(reader)? else { return Ok(None) };
        let edge = (asker.id(), &asker.principal.organisation);
        rows::of_edge(reader, &REALM, edge, after, ORDERS_MAX).map(Some)
    });
    found.await
}

fn told(order: &Order) -> Result<EdgeOrder, StoreError> {
    let corrupt = |_| StoreError::Corrupt(format!("order {}", order.new.command));
    Ok(EdgeOrder {
        sequence: order.sequence,
        message: serde_json::from_str(&order.new.message).map_err(corrupt)?,
        about: serde_json::from_str(&order.new.about).map_err(corrupt)?,
    })
}

/// Report on orders.
///
/// Each report is taken in once, by its command and number. What this edge was never ordered is passed over.
#[utoipa::path(post, path = "/edge/v1/orders/reports", tag = "edge link", security(("edge" = [])), request_body = OrderReportsPosted,
    responses((status = 200, body = OrderReportsAccepted), crate::api::CallerRefusal))]
async fn report(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(posted): JsonBody<OrderReportsPosted>,
) -> Answer<Json<OrderReportsAccepted>> {
    caller.demand(&state, Operation::ReceiveOrders)?;
    if posted.reports.len() > REPORTS_MAX || !posted.reports.iter().all(is_good) {
        let why = format!(
            "reports: at most {REPORTS_MAX}, each of at most {REPORT_BYTES_MAX} bytes and numbered from 1"
        );
        return Err(Failure::new(Code::Unprocessable, why));
    }
    let mut kept = 0;
    for report in posted.reports {
        kept += u32::from(keep(&state, &caller, report).await?);
    }
    Ok(Json(OrderReportsAccepted { kept }))
}

/// Takes one report in, whichever way it came; whether the edge was ordered that at all.
///
/// # Errors
/// Those of the database.
pub(crate) async fn keep(state: &AppState, caller: &Caller, report: OrderReport) -> Result<bool, StoreError> {
    let (work, asker) = (state.clone(), caller.clone());
    // Each is an act of its own: what one run does about it is no matter of the others.
    let write = move |tx: &mut Tx<'_>| {
        let event = act(&asker, Action::OrderReported);
        reported::take(tx, &work.response, (asker.id(), &report), event)
    };
    match state.store.write(write).await {
        Ok(driven) => {
            if driven.has_ordered {
                state.response.wake();
            }
            Ok(true)
        }
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_good(report: &OrderReport) -> bool {
    let bytes = serde_json::to_vec(report).map_or(usize::MAX, |text| text.len());
    report.number > 0 && bytes <= REPORT_BYTES_MAX && report.at.parse::<jiff::Timestamp>().is_ok()
}
