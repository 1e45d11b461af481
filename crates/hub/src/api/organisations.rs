//! `/api/v1/organisations`: the members of the council.

use api::{NewOrganisation, Organisation};
use axum::Json;
use axum::extract::State;
use policy::Operation;
use store::organisations;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::administration;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// All organisations.
///
/// Who is a member of the council is known to every member; the console names originators and audiences with it.
#[utoipa::path(get, path = "/api/v1/organisations", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = [Organisation]), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<Organisation>>> {
    caller.demand_any(&state, &[Operation::Read, Operation::Inspect])?;
    let realm = caller.realm().clone();
    let known = state.store.read(move |reader| organisations::list(reader, &realm)).await?;
    Ok(Json(known.into_iter().map(answer).collect()))
}

/// Add an organisation.
#[utoipa::path(post, path = "/api/v1/organisations", tag = "administration", security(("session" = []), ("token" = [])),
    request_body = NewOrganisation, responses((status = 200, body = Organisation), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewOrganisation>,
) -> Answer<Json<Organisation>> {
    caller.demand(&state, Operation::Administer)?;
    let added = administration::add_organisation(&state.store, caller.by(), &new).await?;
    Ok(Json(answer(added)))
}

/// As it is told.
pub(super) fn answer(organisation: organisations::Organisation) -> Organisation {
    Organisation {
        id: organisation.id.as_str().to_owned(),
        name_ja: organisation.name_ja,
        name_en: organisation.name_en,
        role: organisation.role.name().to_owned(),
        sectors: organisation.sectors.iter().map(|sector| sector.name().to_owned()).collect(),
        prefecture: organisation.prefecture,
        identity: organisation.identity.to_string(),
    }
}
