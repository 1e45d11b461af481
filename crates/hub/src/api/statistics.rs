//! `/api/v1/oversight/statistics`: what the public is told in numbers, and how the commission publishes it.

use api::{NewStatistics, PublishedStatistics, StatisticsList};
use axum::Json;
use axum::extract::State;
use oversight::{Action, AuditEvent};
use policy::Operation;
use serde::Deserialize;
use store::charters;
use store::statistics::{self, Published};
use store::{StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::commission::document;
use super::session::fresh_proof;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::sharing::{answered, unfit};
use crate::state::AppState;

/// Statements of one answer where nothing else is asked for.
const LISTED: usize = 20;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, publish))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatisticsQuery {
    /// Those before this place in the log of statistics; absent: the newest.
    before: Option<u64>,
    /// How many, at most 100; 20 where absent.
    limit: Option<usize>,
}

/// The statistics that were published, newest first.
///
/// Everybody who is signed in may know them: the log of statistics is public.
#[utoipa::path(get, path = "/api/v1/oversight/statistics", tag = "oversight", security(("session" = []), ("token" = [])),
    params(StatisticsQuery), responses((status = 200, body = StatisticsList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<StatisticsQuery>,
) -> Answer<Json<StatisticsList>> {
    let known = [Operation::Read, Operation::Inspect, Operation::ConstituteCommission];
    caller.demand_any(&state, &known)?;
    let limit = query.limit.unwrap_or(LISTED).clamp(1, statistics::PAGE_MAX);
    let found = state.store.read(move |reader| statistics::page(reader, query.before, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.leaf);
    let statements = found.into_iter().map(told).collect::<Result<_, _>>()?;
    Ok(Json(StatisticsList { statements, next, keys: state.publisher.keys() }))
}

/// Publish statistics that `yagura log statistics` counted and the commission signed.
///
/// For commissioners of the organisation whose commission stands. The note becomes an entry of the log of statistics, byte for byte, which
/// nobody can take back: what was wrong is corrected by another statement that names it. Refused are statements that no known key
/// signed, that were counted from another log or not to the end of their period, or that share a part of their period with one that
/// stands. The last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/oversight/statistics", tag = "oversight", security(("session" = [])),
    request_body = NewStatistics, responses((status = 200, body = PublishedStatistics), crate::api::CallerRefusal))]
async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewStatistics>,
) -> Answer<Json<PublishedStatistics>> {
    caller.demand(&state, Operation::PublishStatistics)?;
    fresh_proof(&state, &caller).await?;
    if *caller.realm() != crate::REALM {
        return Err(Failure::rule("statistics-exercise", "exercises have no statistics"));
    }
    let publisher = state.publisher.clone();
    let publish = move |tx: &mut Tx<'_>| {
        let standing = charters::commission(tx, caller.realm())?
            .ok_or_else(|| unfit("no-commission", "no commission stands yet"))?;
        if standing.organisation != caller.principal.organisation {
            return Err(unfit(
                "not-allowed-other-commission",
                "statistics are published by the commission that stands",
            ));
        }
        let event = AuditEvent::done(Action::StatisticsPublished, caller.actor.clone(), caller.purpose);
        publisher.carry_out(tx, (caller.realm(), event), &body.note)
    };
    let published = answered(state.store.write(publish).await)?;
    Ok(Json(told(published)?))
}

/// A statement as anybody may be told.
pub(crate) fn told(published: Published) -> Result<PublishedStatistics, StoreError> {
    Ok(PublishedStatistics {
        leaf: published.leaf,
        at: published.at.to_string(),
        hash: hex::encode(published.statement.hash),
        key: published.statement.key.encode(),
        corrects: published.corrects,
        corrected_by: published.corrected_by,
        statistics: document(&published.statement.statistics)?,
        note: published.note,
    })
}
