//! `/api/v1/people`: accounts.

use api::{NewPerson, Person, PersonAdded, PersonChange};
use axum::Json;
use axum::extract::{Path, State};
use oversight::OrganisationRole;
use policy::Operation;
use store::people;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::second_look;
use crate::REALM;
use crate::administration;
use crate::principal::{Caller, organisation_role};
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sign_in::link_address;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change))
}

/// People.
///
/// Administrators are told of everybody, everybody else of the own organisation.
#[utoipa::path(get, path = "/api/v1/people", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = [Person]), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<Person>>> {
    caller.demand_any(&state, &[Operation::Read, Operation::Administer])?;
    let everybody = caller.may(&state, Operation::Administer);
    let (realm, own) = (caller.realm().clone(), caller.principal.organisation.clone());
    let known = state.store.read(move |reader| people::list(reader, &realm)).await?;
    let told = known.into_iter().filter(|person| everybody || person.organisation == own);
    Ok(Json(told.map(answer).collect()))
}

/// Add a person.
///
/// The answer holds the one-time link that the person signs in with; it is shown nowhere else. A person's last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/people", tag = "administration", security(("session" = []), ("token" = [])),
    request_body = NewPerson, responses((status = 200, body = PersonAdded), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewPerson>,
) -> Answer<Json<PersonAdded>> {
    caller.demand(&state, Operation::Administer)?;
    second_look(&state, &caller).await?;
    let (person, secret) = administration::add_person(&state.store, caller.by(), &new).await?;
    Ok(Json(PersonAdded { person: answer(person), sign_in: link_address(&state.address, &secret).into() }))
}

/// Disable a person's account, or enable it again.
///
/// A disabled person's sessions and links end at once. Nobody disables the own account.
#[utoipa::path(patch, path = "/api/v1/people/{id}", tag = "administration", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the account's id")), request_body = PersonChange,
    responses((status = 200, body = Person), crate::api::CallerRefusal))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<PersonChange>,
) -> Answer<Json<Person>> {
    caller.demand(&state, Operation::Administer)?;
    if caller.id() == id {
        let why = "nobody disables the own account; ask another administrator";
        return Err(Failure::rule("own-account", why));
    }
    let known = administrable(&state, id).await?;
    let person =
        administration::set_disabled(&state.store, caller.by(), &known.login, change.disabled).await?;
    Ok(Json(answer(person)))
}

/// An account that administrators of the node may lock out. Those of the oversight organisation they may not: who supervises them must
/// not depend on them.
///
/// # Errors
/// Where there is none, or it is the oversight organisation's.
pub(super) async fn administrable(state: &AppState, id: String) -> Answer<people::Person> {
    let found = state.store.read(move |reader| {
        let Some(person) = people::get(reader, &REALM, &id)? else { return Ok(None) };
        let role = organisation_role(reader, &person.organisation)?;
        Ok(Some((person, role)))
    });
    match found.await?.ok_or_else(Failure::not_found)? {
        (_, Some(OrganisationRole::Oversight)) => Err(Failure::not_allowed()),
        (person, _) => Ok(person),
    }
}

/// As it is told.
pub(super) fn answer(person: people::Person) -> Person {
    Person {
        id: person.id,
        login: person.login,
        name: person.name,
        organisation: person.organisation.as_str().to_owned(),
        roles: person.roles.iter().map(|role| role.name().to_owned()).collect(),
        disabled: person.disabled,
    }
}
