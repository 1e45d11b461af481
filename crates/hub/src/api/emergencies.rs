//! `/api/v1/emergencies`: what people open for themselves in an emergency (break-glass), and its review.

use api::{EmergencyInfo, EmergencyList, EmergencyReview, NewEmergency};
use axum::Json;
use axum::extract::{Path, State};
use policy::Operation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::{fresh_proof, people_only};
use crate::emergencies;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, raise)).routes(routes!(end)).routes(routes!(review))
}

/// Emergencies: those without a review, what is due first; then the newest others.
///
/// Who supervises and the coordinator's administrators are told of all, other administrators of their own organisation's, and everybody else who
/// may raise one of its own.
#[utoipa::path(get, path = "/api/v1/emergencies", tag = "oversight", security(("session" = [])),
    responses((status = 200, body = EmergencyList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<EmergencyList>> {
    caller.demand_any(&state, &[Operation::RaiseEmergency, Operation::ReviewEmergencies])?;
    caller.session.ok_or_else(people_only)?;
    let emergencies = emergencies::list(&state, &caller).await?;
    Ok(Json(EmergencyList { emergencies, minutes_max: state.config.emergency.minutes_max }))
}

/// Raise access for oneself in an emergency.
///
/// For duty officers and approvers, in person, one thing at a time and for some minutes. It opens what policies leave open to an emergency: never
/// what needs a clearance, what its originator controls, what came in from another hub, or what bears an unknown marking. Who supervises, the
/// administrators and the originator are told at once, each object that is given under it is written down, and another person reviews it. The last
/// sign-in by passkey, password or link must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/emergencies", tag = "oversight", security(("session" = [])),
    request_body = NewEmergency, responses((status = 200, body = EmergencyInfo), crate::api::CallerRefusal))]
async fn raise(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewEmergency>,
) -> Answer<Json<EmergencyInfo>> {
    caller.demand(&state, Operation::RaiseEmergency)?;
    fresh_proof(&state, &caller).await?;
    Ok(Json(emergencies::raise(&state, &caller, &new).await?))
}

/// End an emergency that is on: one's own, or as its reviewer.
#[utoipa::path(post, path = "/api/v1/emergencies/{id}/end", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "the emergency's id")),
    responses((status = 200, body = EmergencyInfo), crate::api::CallerRefusal))]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<EmergencyInfo>> {
    caller.demand_any(&state, &[Operation::RaiseEmergency, Operation::ReviewEmergencies])?;
    caller.session.ok_or_else(people_only)?;
    Ok(Json(emergencies::end(&state, &caller, &id).await?))
}

/// Say whether an emergency that is over was justified.
///
/// For commissioners and administrators, in person, and never for one's own; with a sign-in no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/emergencies/{id}/review", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "the emergency's id")), request_body = EmergencyReview,
    responses((status = 200, body = EmergencyInfo), crate::api::CallerRefusal))]
async fn review(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EmergencyReview>,
) -> Answer<Json<EmergencyInfo>> {
    caller.demand(&state, Operation::ReviewEmergencies)?;
    fresh_proof(&state, &caller).await?;
    Ok(Json(emergencies::review(&state, &caller, &id, &body).await?))
}
