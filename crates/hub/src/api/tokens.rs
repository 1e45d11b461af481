//! `/api/v1/tokens`: what programs sign in with.

use api::{NewToken, TokenInfo, TokenIssued};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use policy::Operation;
use store::tokens;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::second_look;
use crate::administration;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(revoke))
}

/// All tokens that are not revoked, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = [TokenInfo]), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<TokenInfo>>> {
    caller.demand(&state, Operation::Administer)?;
    let realm = caller.realm().clone();
    let known = state.store.read(move |reader| tokens::list(reader, &realm)).await?;
    Ok(Json(known.into_iter().map(answer).collect()))
}

/// Issue a token.
///
/// Its secret is in this answer and nowhere else. A token that is bound to a certificate is good on connections that show it only.
/// A person's last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/tokens", tag = "administration", security(("session" = []), ("token" = [])),
    request_body = NewToken, responses((status = 200, body = TokenIssued), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewToken>,
) -> Answer<Json<TokenIssued>> {
    caller.demand(&state, Operation::Administer)?;
    if new.certificate.is_some() && !state.config.speaks_tls() {
        let why = "certificate: this hub does not speak TLS itself, so it sees no certificate of a program";
        return Err(Failure::rule("certificate-no-tls", why));
    }
    // It outlives the session.
    second_look(&state, &caller).await?;
    let (token, secret) =
        administration::add_token(&state.store, caller.by(), &new, jiff::Timestamp::now()).await?;
    Ok(Json(TokenIssued { info: answer(token), token: secret.into() }))
}

/// Revoke a token.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "administration", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the token's id")),
    responses((status = 204, description = "revoked"), crate::api::CallerRefusal))]
async fn revoke(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    administration::revoke_token(&state.store, caller.by(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(token: tokens::Token) -> TokenInfo {
    TokenInfo {
        id: token.id,
        name: token.name,
        organisation: token.organisation.as_str().to_owned(),
        roles: token.roles.iter().map(|role| role.name().to_owned()).collect(),
        created: token.created.to_string(),
        expires: token.expires.to_string(),
        last_used: token.last_used.map(|used| used.to_string()),
        doors: token.doors.iter().map(|door| door.name().to_owned()).collect(),
        certificate: token.certificate.map(hex::encode),
    }
}
