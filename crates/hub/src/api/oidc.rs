//! `/api/v1/session/oidc`, `/api/v1/me/identities`: signing in by an organisation's identity provider, and tying one's account to it.
//!
//! The provider sends the browser back to a page of the console, and that page asks here: so nothing is done because a browser was
//! sent somewhere, and no cookie has to travel with a request that another site made.

use std::net::IpAddr;
use std::time::Instant;

use api::{Code, IdentityInfo, ProviderAddress, ProviderAnswer, ProviderStart, Session};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use oversight::{Action, Actor, AuditEvent, Purpose};
use sha2::{Digest, Sha256};
use store::identity_providers::{self, Provider};
use store::{Act, StoreError, Tx, identities, secrets};
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::session::{NewSession, admit, fresh_proof, is_secure, let_through, people_only, signed_in};
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, RemoteAddress};
use crate::sign_in::challenges::{self, Challenge, PROVIDER_LIFE};
use crate::sign_in::oidc::token::{Expected, Vouched, check};
use crate::sign_in::oidc::{self, Client, Error, MEANS, UnderWay, administration, people, redirect_address};
use crate::state::AppState;
use crate::strangers::Tried;

/// What only the browser that began has. Like the session's, it never travels with another site's request.
const COOKIE: &str = "yagura_provider";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(finish))
        .routes(routes!(start_tie))
        .routes(routes!(finish_tie))
        .routes(routes!(list))
        .routes(routes!(remove))
}

/// Begin signing in by an identity provider.
///
/// Send the browser to `address`. It comes back to `/sign-in/oidc/<provider>`, and what stands there is sent to
/// `/api/v1/session/oidc/finish` by the same browser within ten minutes.
#[utoipa::path(post, path = "/api/v1/session/oidc/start", tag = "session", security(), request_body = ProviderStart,
    responses((status = 200, body = ProviderAddress), crate::api::AnyRefusal))]
async fn start(
    State(state): State<AppState>,
    RemoteAddress(address): RemoteAddress,
    JsonBody(body): JsonBody<ProviderStart>,
) -> Answer<Response> {
    let_through(&state, None, address)?;
    admit(state.sign_in.limits.start(address, Instant::now()))?;
    let Some(provider) = provider(&state, &body.provider).await?.filter(|provider| !provider.suspended)
    else {
        return Err(refuse(&state, "no-provider", address, &body.provider).await);
    };
    send_away(&state, &provider, None).await
}

/// Finish signing in by an identity provider.
///
/// A session that begins so is no fresh proof of who a person is: what asks for one asks for the person's passkey or password.
#[utoipa::path(post, path = "/api/v1/session/oidc/finish", tag = "session", security(), request_body = ProviderAnswer,
    responses((status = 200, body = Session), crate::api::AnyRefusal))]
async fn finish(
    State(state): State<AppState>,
    RemoteAddress(address): RemoteAddress,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ProviderAnswer>,
) -> Answer<Response> {
    let_through(&state, None, address)?;
    let come_back = come_back(&state, &headers, &body, None).await?;
    let (under_way, vouched) = match come_back {
        Ok(found) => found,
        Err(why) => return Err(refuse(&state, why, address, &body.provider).await),
    };
    let new = NewSession::draw(&headers, address)?;
    let secret = new.secret().clone();
    let write = move |tx: &mut Tx<'_>| match people::sign_in(tx, &under_way, &vouched)? {
        Ok((person, events)) => new.begin_by(tx, person, (MEANS, Some(&under_way.provider)), events),
        Err(why) => Err(taken_back(why)),
    };
    match state.store.write(write).await {
        Ok(known) => {
            state.sign_in.limits.finished(address);
            signed_in(&state, known, &secret)
        }
        Err(StoreError::Abandoned { code, .. }) => Err(refuse(&state, code, address, &body.provider).await),
        Err(error) => Err(error.into()),
    }
}

/// Begin tying one's own account to an identity provider of one's organisation.
///
/// The last sign-in by passkey, password or link must be no older than 15 minutes (`fresh-proof-needed`), here and where it is
/// finished.
#[utoipa::path(post, path = "/api/v1/me/identities/start", tag = "session", security(("session" = [])),
    request_body = ProviderStart, responses((status = 200, body = ProviderAddress), crate::api::CallerRefusal))]
async fn start_tie(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<ProviderStart>,
) -> Answer<Response> {
    fresh_proof(&state, &caller).await?;
    let own = provider(&state, &body.provider)
        .await?
        .filter(|provider| !provider.suspended && provider.organisation == caller.principal.organisation);
    let Some(own) = own else {
        return Err(Failure::rule(
            "no-such-provider",
            "your organisation has no identity provider of this name",
        ));
    };
    send_away(&state, &own, Some(caller.id().to_owned())).await
}

/// Finish tying one's own account.
#[utoipa::path(post, path = "/api/v1/me/identities/finish", tag = "session", security(("session" = [])),
    request_body = ProviderAnswer,
    responses((status = 204, description = "tied"), crate::api::CallerRefusal))]
async fn finish_tie(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ProviderAnswer>,
) -> Answer<StatusCode> {
    fresh_proof(&state, &caller).await?;
    let account = caller.id().to_owned();
    let not_tied = |why: &str| {
        let detail = format!("the account was not tied ({why}); begin again, or ask an administrator");
        Failure::rule("identity-not-tied", detail)
    };
    let (under_way, vouched) = come_back(&state, &headers, &body, Some(&account)).await?.map_err(not_tied)?;
    let write = move |tx: &mut Tx<'_>| match people::tie_own(tx, &under_way, &vouched, &account)? {
        Ok((_, events)) => Ok(Act::audited_all((), &REALM, events)),
        Err(why) => Err(taken_back(why)),
    };
    state.store.write(write).await.map_err(|error| match error {
        StoreError::Abandoned { code, .. } => not_tied(code),
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// What ties one's own account to identity providers.
#[utoipa::path(get, path = "/api/v1/me/identities", tag = "session", security(("session" = [])),
    responses((status = 200, body = [IdentityInfo]), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<IdentityInfo>>> {
    caller.session.ok_or_else(people_only)?;
    let id = caller.id().to_owned();
    let found = state.store.read(move |reader| {
        let providers = identity_providers::list(reader, &REALM)?;
        let ties = identities::of_person(reader, &REALM, &id)?;
        let told = ties.into_iter().filter_map(|tie| {
            let provider = providers.iter().find(|provider| provider.issuer == tie.issuer)?;
            Some(IdentityInfo {
                provider: provider.id.clone(),
                issuer: tie.issuer,
                subject: tie.subject,
                created: tie.created.to_string(),
                last_used: tie.last_used.map(|at| at.to_string()),
            })
        });
        Ok(told.collect())
    });
    Ok(Json(found.await?))
}

/// Untie one's own account from an identity provider.
///
/// The last sign-in by passkey, password or link must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(delete, path = "/api/v1/me/identities/{provider}", tag = "session", security(("session" = [])),
    params(("provider" = String, Path, description = "the provider's short name")),
    responses((status = 204, description = "untied"), crate::api::CallerRefusal))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(provider): Path<String>,
) -> Answer<StatusCode> {
    fresh_proof(&state, &caller).await?;
    let account = caller.id().to_owned();
    let event = AuditEvent::done(Action::CredentialChanged, caller.actor.clone(), caller.purpose)
        .on([account.as_str()])
        .with("credential", "identity-provider")
        .with("provider", provider.as_str())
        .with("change", "removed");
    let remove = move |tx: &mut Tx<'_>| {
        let known = identity_providers::get(tx, &REALM, &provider)?;
        let is_removed = match known {
            Some(known) => identities::remove(tx, &REALM, &known.issuer, &account)?,
            None => false,
        };
        if is_removed {
            Ok(Act::audited((), &REALM, event))
        } else {
            Err(StoreError::NotFound { what: provider })
        }
    };
    state.store.write(remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back what was written before the sign-in turned out not to be one.
fn taken_back(why: &'static str) -> StoreError {
    StoreError::Abandoned { code: why, message: why.to_owned() }
}

async fn provider(state: &AppState, id: &str) -> Answer<Option<Provider>> {
    let id = id.to_owned();
    Ok(state.store.read(move |reader| identity_providers::get(reader, &REALM, &id)).await?)
}

/// Keeps what the answer is checked against, and tells where to send the browser.
async fn send_away(state: &AppState, provider: &Provider, account: Option<String>) -> Answer<Response> {
    let client = Client::new(provider).map_err(away)?;
    let endpoints = client.discover().await.map_err(away)?;
    let mut page = endpoints.page.clone();
    let (under_way, browser) = UnderWay::begin(provider, endpoints, account)?;
    let question = under_way.clone();
    let state_word =
        challenges::begin(&state.store, &Challenge::Provider { under_way: Box::new(under_way) }).await?;
    let challenge = Sha256::digest(question.verifier.as_bytes());
    page.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("scope", "openid profile")
        .append_pair("client_id", &provider.client)
        .append_pair("redirect_uri", &redirect_address(&state.address, &provider.id))
        .append_pair("state", &state_word.to_string())
        .append_pair("nonce", &question.nonce)
        .append_pair("code_challenge", &oidc::base64url(&challenge))
        .append_pair("code_challenge_method", "S256");
    let mut response = Json(ProviderAddress { address: page.into() }).into_response();
    let secure = if is_secure(state) { "; Secure" } else { "" };
    let seconds = PROVIDER_LIFE.as_secs();
    let cookie =
        format!("{COOKIE}={browser}; Path=/api/v1; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(Failure::internal)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// What the provider vouches for, where everything fits: the browser that began, the way by which it came back, who answered, and the
/// token. Else a word for what does not.
async fn come_back(
    state: &AppState,
    headers: &HeaderMap,
    body: &ProviderAnswer,
    account: Option<&str>,
) -> Answer<Result<(UnderWay, Vouched), &'static str>> {
    let Ok(id) = body.state.parse::<Uuid>() else { return Ok(Err("no-such-sign-in")) };
    let Some(Challenge::Provider { under_way }) = challenges::take(&state.store, id).await? else {
        return Ok(Err("no-such-sign-in"));
    };
    let under_way = *under_way;
    let cookies = CookieJar::from_headers(headers);
    let given = cookies.get(COOKIE).map(|cookie| hex::encode(secrets::hash(cookie.value())));
    let is_browser = given.is_some_and(|given| given.as_bytes().ct_eq(under_way.browser.as_bytes()).into());
    if !is_browser {
        return Ok(Err("another-browser"));
    }
    if under_way.account.as_deref() != account {
        return Ok(Err("another-account"));
    }
    // Who was asked and who answers must be one: by the way back, and by the name where the provider gives it.
    let is_named = match &body.iss {
        Some(iss) => *iss == under_way.issuer,
        None => !under_way.endpoints.names_itself,
    };
    if body.provider != under_way.provider || !is_named {
        return Ok(Err("another-provider"));
    }
    let known = provider(state, &under_way.provider).await?.filter(|known| {
        !known.suspended && known.issuer == under_way.issuer && known.client == under_way.client
    });
    let Some(known) = known else { return Ok(Err("provider-changed")) };
    match token(state, &known, &under_way, body).await {
        Ok(Ok(vouched)) => Ok(Ok((under_way, vouched))),
        Ok(Err(why)) => Ok(Err(why)),
        Err(Error::Refused) => Ok(Err("code-refused")),
        Err(error) => Err(away(error)),
    }
}

/// Redeems the code and checks the token.
async fn token(
    state: &AppState,
    provider: &Provider,
    under_way: &UnderWay,
    body: &ProviderAnswer,
) -> Result<Result<Vouched, &'static str>, Error> {
    let secret = administration::secret_of(&state.vault, provider)
        .map_err(|error| Error::Settings(format!("the secret for `{}`: {error}", provider.id)))?;
    let client = Client::new(provider)?;
    let redirect = redirect_address(&state.address, &provider.id);
    let redeemed = oidc::Redeemed { code: &body.code, verifier: &under_way.verifier, redirect: &redirect };
    let token = client.redeem(&under_way.endpoints, (&provider.client, secret.as_deref()), &redeemed).await?;
    let keys = client.keys(&under_way.endpoints).await?;
    let expected = Expected { issuer: &provider.issuer, client: &provider.client, nonce: &under_way.nonce };
    Ok(check(&token, &keys, expected, jiff::Timestamp::now()))
}

/// The provider is away, or answers in a way that is not the person's fault.
fn away(error: Error) -> Failure {
    let detail = "your organisation's identity provider cannot be used just now; try again later, or sign in with a passkey";
    Failure::new(Code::Unavailable, detail).caused_by(error)
}

/// Refuses in words that are the same for every reason, and writes the reason down.
async fn refuse(state: &AppState, why: &'static str, address: IpAddr, provider: &str) -> Failure {
    state.sign_in.limits.failed(None, address, Instant::now());
    let detail =
        "sign-in was refused: begin again, or ask an administrator whether your account is set up for it";
    let failure = Failure::new(Code::SignInRefused, detail).audited();
    if !state.strangers.admit(&Tried::From(address), Instant::now()) {
        return failure;
    }
    let provider: String = provider.chars().filter(|c| !c.is_control()).take(64).collect();
    let event = AuditEvent::refused(Actor::Stranger, Purpose::Administration, Code::SignInRefused.name())
        .with("means", MEANS)
        .with("provider", provider)
        .with("reason", why);
    match state.store.write(move |_| Ok(Act::audited((), &REALM, event))).await {
        Ok(()) => failure,
        Err(error) => failure.caused_by(error),
    }
}
