//! `/api/v1/identity-providers`: who vouches for the people of which organisation.

use api::{IdentityProvider, IdentityProviderChange, IdentityProviderList, NewIdentityProvider};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use policy::Operation;
use store::identity_providers::{self, Provider};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::second_look;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::request::JsonBody;
use crate::sign_in::oidc::{administration, redirect_address};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change, remove))
}

/// Identity providers.
#[utoipa::path(get, path = "/api/v1/identity-providers", tag = "administration",
    security(("session" = []), ("token" = [])),
    responses((status = 200, body = IdentityProviderList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<IdentityProviderList>> {
    caller.demand(&state, Operation::Administer)?;
    let realm = caller.realm().clone();
    let known = state.store.read(move |reader| identity_providers::list(reader, &realm)).await?;
    let providers = known.into_iter().map(|provider| told(&state, provider)).collect();
    Ok(Json(IdentityProviderList { providers }))
}

/// Register an identity provider for an organisation.
///
/// Its document is fetched first. A person's last sign-in by passkey, password or link must be no older than 15 minutes
/// (`fresh-proof-needed`), here and for changes: who registers a provider decides who can sign in.
#[utoipa::path(post, path = "/api/v1/identity-providers", tag = "administration",
    security(("session" = []), ("token" = [])), request_body = NewIdentityProvider,
    responses((status = 200, body = IdentityProvider), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewIdentityProvider>,
) -> Answer<Json<IdentityProvider>> {
    caller.demand(&state, Operation::Administer)?;
    second_look(&state, &caller).await?;
    let provider = administration::add_provider(&state.store, &state.vault, caller.by(), &new).await?;
    Ok(Json(told(&state, provider)))
}

/// Suspend or resume an identity provider. When it is suspended, the sessions that it vouched for end.
#[utoipa::path(patch, path = "/api/v1/identity-providers/{id}", tag = "administration",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the provider's short name")), request_body = IdentityProviderChange,
    responses((status = 200, body = IdentityProvider), crate::api::CallerRefusal))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<IdentityProviderChange>,
) -> Answer<Json<IdentityProvider>> {
    caller.demand(&state, Operation::Administer)?;
    if !change.suspended {
        second_look(&state, &caller).await?;
    }
    let provider = administration::change_provider(&state.store, caller.by(), &id, &change).await?;
    Ok(Json(told(&state, provider)))
}

/// Remove an identity provider, with the ties of accounts to it and the sessions that it vouched for.
#[utoipa::path(delete, path = "/api/v1/identity-providers/{id}", tag = "administration",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the provider's short name")),
    responses((status = 204, description = "removed"), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    administration::remove_provider(&state.store, caller.by(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(state: &AppState, provider: Provider) -> IdentityProvider {
    IdentityProvider {
        redirect: redirect_address(&state.address, &provider.id),
        id: provider.id,
        organisation: provider.organisation.to_string(),
        issuer: provider.issuer,
        client: provider.client,
        origins: provider.origins,
        name_claim: provider.name_claim,
        role_claim: provider.role_claim,
        role_map: provider
            .role_map
            .into_iter()
            .map(|(value, role)| (value, role.name().to_owned()))
            .collect(),
        suspended: provider.suspended,
        created: provider.created.to_string(),
    }
}
