//! `/api/v1/me/sessions`, `/api/v1/people/{id}/sessions`: where somebody is signed in, and ending that.

use api::SessionInfo;
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use oversight::{Action, AuditEvent};
use policy::Operation;
use store::secrets::SecretHash;
use store::sessions::Session;
use store::{Act, StoreError, Tx, sessions};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::people::administrable;
use super::session::people_only;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(own, end_others))
        .routes(routes!(end_own))
        .routes(routes!(of_person, end_all))
        .routes(routes!(end_one))
}

/// Which sessions are to end.
enum Which {
    All,
    AllBut(SecretHash),
    One(String),
}

/// One's own sessions, the one used last first.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "session", security(("session" = [])),
    responses((status = 200, body = [SessionInfo]), crate::api::CallerRefusal))]
async fn own(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<SessionInfo>>> {
    let current = caller.session.ok_or_else(people_only)?;
    let id = caller.id().to_owned();
    let found = state.store.read(move |reader| sessions::of_person(reader, &REALM, &id)).await?;
    Ok(Json(found.into_iter().map(|session| told(session, Some(current))).collect()))
}

/// End one's other sessions.
#[utoipa::path(delete, path = "/api/v1/me/sessions", tag = "session", security(("session" = [])),
    responses((status = 204, description = "ended"), crate::api::CallerRefusal))]
async fn end_others(State(state): State<AppState>, caller: Caller) -> Answer<StatusCode> {
    let current = caller.session.ok_or_else(people_only)?;
    let person = caller.id().to_owned();
    end(&state, &caller, person, Which::AllBut(current)).await
}

/// End one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "session", security(("session" = [])),
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 204, description = "ended"), crate::api::CallerRefusal))]
async fn end_own(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    caller.session.ok_or_else(people_only)?;
    let person = caller.id().to_owned();
    end(&state, &caller, person, Which::One(id)).await
}

/// A person's sessions, the one used last first.
#[utoipa::path(get, path = "/api/v1/people/{id}/sessions", tag = "administration",
    security(("session" = []), ("token" = [])), params(("id" = String, Path, description = "the account's id")),
    responses((status = 200, body = [SessionInfo]), crate::api::CallerRefusal))]
async fn of_person(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Vec<SessionInfo>>> {
    caller.demand(&state, Operation::Administer)?;
    let (current, person) = (caller.session, administrable(&state, id).await?);
    let found = state.store.read(move |reader| sessions::of_person(reader, &REALM, &person.id)).await?;
    Ok(Json(found.into_iter().map(|session| told(session, current)).collect()))
}

/// End all sessions of a person.
#[utoipa::path(delete, path = "/api/v1/people/{id}/sessions", tag = "administration",
    security(("session" = []), ("token" = [])), params(("id" = String, Path, description = "the account's id")),
    responses((status = 204, description = "ended"), crate::api::CallerRefusal))]
async fn end_all(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    let person = administrable(&state, id).await?.id;
    end(&state, &caller, person, Which::All).await
}

/// End one session of a person.
#[utoipa::path(delete, path = "/api/v1/people/{id}/sessions/{session}", tag = "administration",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the account's id"),
        ("session" = String, Path, description = "the session's id")),
    responses((status = 204, description = "ended"), crate::api::CallerRefusal))]
async fn end_one(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, session)): Path<(String, String)>,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    let person = administrable(&state, id).await?.id;
    end(&state, &caller, person, Which::One(session)).await
}

/// Ends sessions and writes down whose and how many.
async fn end(state: &AppState, caller: &Caller, person: String, which: Which) -> Answer<StatusCode> {
    let event =
        AuditEvent::done(Action::SignedOut, caller.actor.clone(), caller.purpose).on([person.as_str()]);
    let end = move |tx: &mut Tx<'_>| {
        let meant: Vec<Session> = sessions::of_person(tx, &REALM, &person)?
            .into_iter()
            .filter(|session| match &which {
                Which::All => true,
                Which::AllBut(current) => session.hash != *current,
                Which::One(id) => session.id() == *id,
            })
            .collect();
        if let (Which::One(id), true) = (&which, meant.is_empty()) {
            return Err(StoreError::NotFound { what: id.clone() });
        }
        for session in &meant {
            sessions::revoke(tx, &REALM, session)?;
        }
        Ok(Act::audited((), &REALM, event.with("sessions_ended", meant.len().to_string())))
    };
    state.store.write(end).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(session: Session, current: Option<SecretHash>) -> SessionInfo {
    SessionInfo {
        id: session.id(),
        created: session.created.to_string(),
        seen: session.seen.to_string(),
        expires: session.expires.to_string(),
        current: current == Some(session.hash),
        means: session.origin.means,
        provider: session.origin.provider,
        address: session.origin.address,
        agent: session.origin.agent,
    }
}
