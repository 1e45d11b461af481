//! The log of authorisations with what it commits to, for the commission: what its statistics are counted from, by anybody's program.

use api::{OversightRecord, OversightRecords};
use axum::Json;
use axum::extract::State;
use policy::Operation;
use serde::Deserialize;
use store::authorisations::log;
use store::{Reader, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Eye;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::Query;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecordQuery {
    /// From which entry of the log on.
    from: u64,
}

/// What the entries of the log of authorisations commit to, at most 1,000 of them; for the commission only.
///
/// With the published log, `yagura log statistics` counts from them, and whoever is given the same counts the same.
#[utoipa::path(get, path = "/api/v1/oversight/records", tag = "oversight", security(("session" = [])), params(RecordQuery),
    responses((status = 200, body = OversightRecords), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<RecordQuery>,
) -> Answer<Json<OversightRecords>> {
    caller.demand(&state, Operation::SeeAuthorisations)?;
    let read = move |reader: &Reader<'_>| {
        let is_commission = Eye::of(&caller, reader)?.is_commission;
        if !is_commission {
            return Ok(None);
        }
        let logged = log::logged(reader, query.from)?;
        let next = logged.last().filter(|_| logged.len() == log::LIST_MAX).map(|last| last.leaf + 1);
        let records = logged.into_iter().map(told).collect::<Result<_, StoreError>>()?;
        Ok(Some(OversightRecords { records, next }))
    };
    let told = state.store.read(read).await?;
    told.map(Json).ok_or_else(Failure::not_found)
}

fn told(logged: log::Logged) -> Result<OversightRecord, StoreError> {
    let record = String::from_utf8(logged.record);
    Ok(OversightRecord {
        leaf: logged.leaf,
        record: record.map_err(|_| StoreError::Corrupt(format!("the record of entry {}", logged.leaf)))?,
        salt: hex::encode(logged.salt),
    })
}
