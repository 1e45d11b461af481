//! What edges signed for: to the commission what was asked by whom, to an operator what was asked of it.

use api::{ReceiptList, ReceiptRow};
use axum::Json;
use axum::extract::State;
use policy::Operation;
use serde::Deserialize;
use store::authorisations::receipts::{self, ReceiptFilter, Received};
use store::{Reader, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Eye;
use crate::api::commission::document;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::Query;
use crate::state::AppState;

/// Receipts of one answer at most.
const LISTED_MAX: usize = 500;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReceiptQuery {
    /// Those before this place in the log of authorisations; absent: the newest.
    before: Option<u64>,
    /// How many, at most 500; 100 where absent.
    limit: Option<usize>,
    /// Only those under this authorisation.
    #[param(value_type = Option<String>)]
    authorisation: Option<uuid::Uuid>,
}

/// What edges signed for, newest first: all of it for the commission; for an operator what was asked of it.
///
/// Each comes with its entry of the log and with what that commits to: whoever reads it can check it against the published log.
#[utoipa::path(get, path = "/api/v1/receipts", tag = "oversight", security(("session" = [])), params(ReceiptQuery),
    responses((status = 200, body = ReceiptList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ReceiptQuery>,
) -> Answer<Json<ReceiptList>> {
    caller.demand(&state, Operation::SeeAuthorisations)?;
    let limit = query.limit.unwrap_or(100).clamp(1, LISTED_MAX);
    let read = move |reader: &Reader<'_>| {
        let eye = Eye::of(&caller, reader)?;
        let filter = ReceiptFilter {
            before: query.before,
            authorisation: query.authorisation,
            operator: (!eye.is_commission).then(|| caller.principal.organisation.clone()),
            limit,
        };
        let found = receipts::list(reader, caller.realm(), &filter)?;
        let next = found.last().filter(|_| found.len() == limit).map(|last| last.leaf);
        let receipts = found.iter().map(told).collect::<Result<_, StoreError>>()?;
        Ok(ReceiptList { receipts, next })
    };
    Ok(Json(state.store.read(read).await?))
}

fn told(received: &Received) -> Result<ReceiptRow, StoreError> {
    let used = &received.receipt.used;
    Ok(ReceiptRow {
        leaf: received.leaf,
        at: received.at.to_string(),
        authorisation: used.authorisation,
        asked_by: used.asked_by.to_string(),
        operator: used.operator.to_string(),
        edge: used.edge.clone(),
        count: used.count,
        used_at: used.at.to_string(),
        key: hex::encode(received.key),
        entry: String::from_utf8_lossy(&received.entry).into_owned(),
        record: String::from_utf8_lossy(&received.record).into_owned(),
        salt: hex::encode(received.salt),
        receipt: document(&received.receipt)?,
    })
}
