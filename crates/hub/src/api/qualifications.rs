//! `/api/v1/qualifications`: clearances and oaths of people.

use api::{
    DefinedQualification, DefinedQualifications, HeldQualification, NewQualification, QualificationEnd,
    QualificationList,
};
use axum::Json;
use axum::extract::{Path, State};
use oversight::OrganisationRole;
use policy::{Operation, demand_marking};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::fresh_proof;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::qualifications::{self, Entrant, Whose};
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(defined))
        .routes(routes!(list))
        .routes(routes!(of_person, enter))
        .routes(routes!(confirm))
        .routes(routes!(refuse))
        .routes(routes!(end))
}

/// The clearances and oaths that there are, as the policies in force define them.
#[utoipa::path(get, path = "/api/v1/qualifications/defined", tag = "administration",
    security(("session" = []), ("token" = [])),
    responses((status = 200, body = DefinedQualifications), crate::api::CallerRefusal))]
async fn defined(State(state): State<AppState>, caller: Caller) -> Answer<Json<DefinedQualifications>> {
    caller.demand_any(&state, &[Operation::Read, Operation::Administer])?;
    let engine = state.engine.load();
    let told = engine.clearances().iter().map(|(qualification, defined)| DefinedQualification {
        qualification: qualification.to_string(),
        name_ja: defined.name.ja.clone(),
        name_en: defined.name.en.clone(),
        law_ja: defined.law.ja.clone(),
        law_en: defined.law.en.clone(),
        years_max: defined.years_max,
        includes: defined.includes.iter().map(ToString::to_string).collect(),
        marking: demand_marking(qualification).to_string(),
    });
    Ok(Json(DefinedQualifications { qualifications: told.collect() }))
}

/// What waits for a confirmation, holds, or will.
///
/// Administrators are told of their own organisation's people, the coordinator's of everybody; what ends first comes first.
#[utoipa::path(get, path = "/api/v1/qualifications", tag = "administration", security(("session" = [])),
    responses((status = 200, body = QualificationList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<QualificationList>> {
    let entrant = entrant(&state, &caller)?;
    Ok(Json(QualificationList { qualifications: qualifications::standing(&state.store, entrant).await? }))
}

/// The clearances and oaths of a person, newest first: for administrators of its organisation and of the coordinator, and for itself.
#[utoipa::path(get, path = "/api/v1/people/{id}/qualifications", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the account's id")),
    responses((status = 200, body = QualificationList), crate::api::CallerRefusal))]
async fn of_person(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<QualificationList>> {
    caller.session.ok_or_else(super::session::people_only)?;
    let entrant = if caller.id() == id {
        Entrant::new(caller.by(), Some(caller.principal.organisation.clone()))
    } else {
        entrant(&state, &caller)?
    };
    let found = qualifications::of_person(&state.store, entrant, Whose::Account(id)).await?;
    Ok(Json(QualificationList { qualifications: found }))
}

/// Enter a clearance or an oath for a person.
///
/// For administrators of the person's organisation and of the coordinator, in person. It holds once a second administrator has confirmed it
/// within 14 days. The last sign-in by passkey, password or link must be no older than 15 minutes (`fresh-proof-needed`), here and for the
/// confirmation.
#[utoipa::path(post, path = "/api/v1/people/{id}/qualifications", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the account's id")), request_body = NewQualification,
    responses((status = 200, body = HeldQualification), crate::api::CallerRefusal))]
async fn enter(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewQualification>,
) -> Answer<Json<HeldQualification>> {
    let entrant = entrant(&state, &caller)?;
    fresh_proof(&state, &caller).await?;
    let engine = state.engine.load_full();
    let entered = qualifications::enter(&state.store, entrant, engine.clearances(), Whose::Account(id), &new);
    Ok(Json(entered.await?))
}

/// Confirm what another administrator entered.
#[utoipa::path(post, path = "/api/v1/qualifications/{id}/confirm", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the entry's id")),
    responses((status = 200, body = HeldQualification), crate::api::CallerRefusal))]
async fn confirm(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<HeldQualification>> {
    let entrant = entrant(&state, &caller)?;
    fresh_proof(&state, &caller).await?;
    let confirmed = qualifications::confirm(&state.store, entrant, &id).await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(Json(confirmed))
}

/// Refuse what was entered, or take it back.
#[utoipa::path(post, path = "/api/v1/qualifications/{id}/refuse", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the entry's id")), request_body = QualificationEnd,
    responses((status = 200, body = HeldQualification), crate::api::CallerRefusal))]
async fn refuse(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<QualificationEnd>,
) -> Answer<Json<HeldQualification>> {
    let entrant = entrant(&state, &caller)?;
    Ok(Json(qualifications::refuse(&state.store, entrant, &id, &body.reason).await?))
}

/// End a clearance or an oath before its time.
///
/// What demands it is gone for the person within a second, from open streams too. One administrator is enough.
#[utoipa::path(post, path = "/api/v1/qualifications/{id}/end", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the entry's id")), request_body = QualificationEnd,
    responses((status = 200, body = HeldQualification), crate::api::CallerRefusal))]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<QualificationEnd>,
) -> Answer<Json<HeldQualification>> {
    let entrant = entrant(&state, &caller)?;
    let ended = qualifications::end(&state.store, entrant, &id, &body.reason).await?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(Json(ended))
}

/// The caller, who answers for the people of its own organisation, or, at the coordinator, for everybody's.
fn entrant(state: &AppState, caller: &Caller) -> Answer<Entrant> {
    caller.demand(state, Operation::QualifyPeople)?;
    caller.session.ok_or_else(super::session::people_only)?;
    let everybody = caller.principal.organisation_role == OrganisationRole::Coordinator;
    let within = (!everybody).then(|| caller.principal.organisation.clone());
    Ok(Entrant::new(caller.by(), within))
}
