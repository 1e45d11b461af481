//! `/api/v1/endings`: what ends soon by itself.

use api::{EndingInfo, EndingList};
use axum::Json;
use axum::extract::State;
use policy::Operation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endings::{self, Ending};
use crate::principal::Caller;
use crate::problem::Answer;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What ends within two weeks, certificates and roots within 30 days, or did within one week.
///
/// Administrators of other organisations than the coordinator are told of the clearances and oaths of their own people.
#[utoipa::path(get, path = "/api/v1/endings", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = EndingList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<EndingList>> {
    caller.demand_any(&state, &[Operation::Administer, Operation::QualifyPeople])?;
    let everything = caller.may(&state, Operation::Administer);
    let certificate = state.certificate_ends();
    let found = state.store.read(move |reader| endings::soon(reader, certificate)).await?;
    let own = Some(caller.principal.organisation);
    let is_known =
        |ending: &Ending| everything || (ending.kind == "qualification" && ending.organisation == own);
    Ok(Json(EndingList { endings: found.into_iter().filter(is_known).map(told).collect() }))
}

fn told(ending: Ending) -> EndingInfo {
    EndingInfo { kind: ending.kind.to_owned(), id: ending.id, name: ending.name, at: ending.at.to_string() }
}
