//! `/api/v1/audit`: the record of acts.

use api::{AuditList, AuditRow};
use axum::Json;
use axum::extract::State;
use oversight::{Actor, Outcome};
use policy::Operation;
use serde::Deserialize;
use store::audit::{self, AuditFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::Query;
use crate::state::AppState;

/// Most rows of one answer.
const ROWS_MAX: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Rows before this leaf; absent: the newest.
    before: Option<u64>,
    /// How many rows, at most 500; 100 where absent.
    limit: Option<usize>,
    /// Only this action, e.g. `objects-released`.
    action: Option<String>,
    /// Only acts of this organisation.
    organisation: Option<String>,
    /// Only acts of this account, token or edge.
    actor: Option<String>,
}

/// The record of acts, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "oversight", security(("session" = []), ("token" = [])), params(AuditQuery),
    responses((status = 200, body = AuditList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Answer<Json<AuditList>> {
    caller.demand(&state, Operation::Inspect)?;
    let limit = query.limit.unwrap_or(100).clamp(1, ROWS_MAX);
    let filter = AuditFilter {
        before: query.before,
        action: query.action,
        organisation: query.organisation,
        actor: query.actor,
        limit: limit + 1,
    };
    let realm = caller.realm().clone();
    let found =
        state.store.read(move |reader| Ok((audit::list(reader, &realm, &filter)?, audit::head(reader)?)));
    let (mut rows, (size, _)) = found.await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).and_then(|row| i64::try_from(row.leaf).ok());
    Ok(Json(AuditList { rows: rows.into_iter().map(answer).collect(), next, size }))
}

fn answer(row: audit::AuditRow) -> AuditRow {
    let (actor_kind, actor, organisation) = match row.event.actor {
        Actor::Person { id, organisation } => ("person", Some(id), Some(organisation)),
        Actor::Program { id, organisation } => ("program", Some(id), Some(organisation)),
        Actor::Edge { id, organisation } => ("edge", Some(id), Some(organisation)),
        Actor::Node => ("node", None, None),
        Actor::Stranger => ("stranger", None, None),
    };
    AuditRow {
        index: i64::try_from(row.leaf).unwrap_or(i64::MAX),
        at: row.at.to_string(),
        action: row.event.action.name().to_owned(),
        outcome: match row.event.outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Refused => "refused".to_owned(),
        },
        actor_kind: actor_kind.to_owned(),
        actor,
        organisation: organisation.map(|organisation| organisation.as_str().to_owned()),
        purpose: row.event.purpose.name().to_owned(),
        objects: row.event.objects,
        detail: row.event.detail,
        leaf: hex::encode(row.hash),
    }
}
