//! `/api/v1/people`: accounts.

use api::{NewPerson, Person, PersonAdded};
use axum::Json;
use axum::extract::State;
use policy::Operation;
use store::people;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::administration;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::sign_in::link_address;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add))
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
/// The answer holds the one-time link that the person signs in with; it is shown nowhere else.
#[utoipa::path(post, path = "/api/v1/people", tag = "administration", security(("session" = []), ("token" = [])),
    request_body = NewPerson, responses((status = 200, body = PersonAdded), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewPerson>,
) -> Answer<Json<PersonAdded>> {
    caller.demand(&state, Operation::Administer)?;
    let (person, secret) = administration::add_person(&state.store, caller.by(), &new).await?;
    Ok(Json(PersonAdded { person: answer(person), sign_in: link_address(&state.address, &secret).into() }))
}

/// As it is told.
pub(super) fn answer(person: people::Person) -> Person {
    Person {
        id: person.id,
        login: person.login,
        name: person.name,
        organisation: person.organisation.as_str().to_owned(),
        roles: person.roles.iter().map(|role| role.name().to_owned()).collect(),
    }
}
