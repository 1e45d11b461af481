//! Passkeys: signing in with one, and one's own.

use std::time::Instant;

use api::{ChallengeAnswer, Code, PasskeyChallenge, PasskeyInfo, PasskeyRegistration};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use oversight::{Action, AuditEvent};
use serde::de::DeserializeOwned;
use store::people::Person;
use store::{Act, StoreError, Tx, credentials, people};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use webauthn_rs::prelude::{Passkey, PublicKeyCredential, RegisterPublicKeyCredential};

use super::session::{NewSession, admit, fresh_proof, let_through, people_only, refuse, signed_in};
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, RemoteAddress};
use crate::sign_in::Passkeys;
use crate::sign_in::challenges::{self, Challenge};
use crate::state::AppState;
use crate::strangers::Tried;

/// Most passkeys of one account.
const PASSKEYS_MAX: usize = 20;
/// Longest name of a passkey, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start_sign_in))
        .routes(routes!(finish_sign_in))
        .routes(routes!(start_registration))
        .routes(routes!(finish_registration))
        .routes(routes!(list))
        .routes(routes!(remove))
}

/// Begin signing in with a passkey.
///
/// `options` is what `PublicKeyCredential.parseRequestOptionsFromJSON` takes.
#[utoipa::path(post, path = "/api/v1/session/passkey/start", tag = "session", security(),
    responses((status = 200, body = PasskeyChallenge), crate::api::AnyRefusal))]
async fn start_sign_in(
    State(state): State<AppState>,
    RemoteAddress(address): RemoteAddress,
) -> Answer<Json<PasskeyChallenge>> {
    let_through(&state, None, address)?;
    admit(state.sign_in.limits.start(address, Instant::now()))?;
    let (options, kept) = passkeys(&state)?.start_sign_in().map_err(Failure::internal)?;
    let challenge_id = challenges::begin(&state.store, &Challenge::SignIn { state: kept }).await?;
    Ok(Json(PasskeyChallenge { challenge_id, options }))
}

/// Finish signing in with a passkey.
#[utoipa::path(post, path = "/api/v1/session/passkey/finish", tag = "session", security(), request_body = ChallengeAnswer,
    responses((status = 200, body = api::Session), crate::api::AnyRefusal))]
async fn finish_sign_in(
    State(state): State<AppState>,
    RemoteAddress(address): RemoteAddress,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ChallengeAnswer>,
) -> Answer<Response> {
    let_through(&state, None, address)?;
    let credential: PublicKeyCredential = read_credential(body.credential)?;
    match check_sign_in(&state, body.challenge_id, &credential).await? {
        Ok((account, passkey_id, passkey)) => {
            let new = NewSession::draw(&headers, address)?;
            let secret = new.secret().clone();
            let passkey = serde_json::to_string(&passkey).map_err(Failure::internal)?;
            let write = move |tx: &mut Tx<'_>| {
                let person = people::get(tx, &REALM, &account)?.filter(|person| !person.disabled);
                credentials::used(tx, &REALM, &passkey_id, &passkey)?;
                new.begin(tx, person.ok_or(StoreError::NotFound { what: account })?, "passkey")
            };
            let known = state.store.write(write).await?;
            state.sign_in.limits.finished(address);
            signed_in(&state, known, &secret)
        }
        Err(account) => {
            state.sign_in.limits.failed(None, address, Instant::now());
            Err(refuse(&state, "passkey", Tried::of(account, address)).await)
        }
    }
}

/// The account, the passkey's id and the passkey as it now is; else the account that was tried, where it is known.
async fn check_sign_in(
    state: &AppState,
    challenge: Uuid,
    credential: &PublicKeyCredential,
) -> Answer<Result<(String, String, Passkey), Option<String>>> {
    let passkeys = passkeys(state)?;
    let Some(Challenge::SignIn { state: kept }) = challenges::take(&state.store, challenge).await? else {
        return Ok(Err(None));
    };
    let Some(claimed) = passkeys.claimed(credential) else { return Ok(Err(None)) };
    let found =
        state.store.read(move |reader| credentials::by_credential_id(reader, &REALM, &claimed)).await?;
    let Some(row) = found else { return Ok(Err(None)) };
    let mut passkey: Passkey = serde_json::from_str(&row.credential).map_err(Failure::internal)?;
    match passkeys.finish_sign_in(credential, kept, (&row.person, &passkey)) {
        Some(result) => {
            passkey.update_credential(&result);
            Ok(Ok((row.person, row.id, passkey)))
        }
        None => Ok(Err(Some(row.person))),
    }
}

/// Begin registering a passkey.
///
/// `options` is what `PublicKeyCredential.parseCreationOptionsFromJSON` takes. The last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`), here and where it is finished.
#[utoipa::path(post, path = "/api/v1/me/passkeys/start", tag = "session", security(("session" = [])),
    responses((status = 200, body = PasskeyChallenge), crate::api::CallerRefusal))]
async fn start_registration(State(state): State<AppState>, caller: Caller) -> Answer<Json<PasskeyChallenge>> {
    fresh_proof(&state, &caller).await?;
    let (person, known) = own(&state, &caller).await?;
    if known.len() >= PASSKEYS_MAX {
        return Err(Failure::rule(
            "passkeys-full",
            format!("an account has at most {PASSKEYS_MAX} passkeys; remove one"),
        ));
    }
    let known = known.into_iter().map(|passkey| passkey.credential_id).collect();
    let (options, kept) = passkeys(&state)?
        .start_registration(&person.id, &person.login, &person.name, known)
        .map_err(Failure::internal)?;
    let challenge = Challenge::Register { account: person.id, state: kept };
    let challenge_id = challenges::begin(&state.store, &challenge).await?;
    Ok(Json(PasskeyChallenge { challenge_id, options }))
}

/// Finish registering a passkey.
#[utoipa::path(post, path = "/api/v1/me/passkeys/finish", tag = "session", security(("session" = [])),
    request_body = PasskeyRegistration, responses((status = 200, body = PasskeyInfo), crate::api::CallerRefusal))]
async fn finish_registration(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<PasskeyRegistration>,
) -> Answer<Json<PasskeyInfo>> {
    fresh_proof(&state, &caller).await?;
    let length = body.name.trim().chars().count();
    if !(1..=NAME_CHARACTERS_MAX).contains(&length) || body.name.chars().any(char::is_control) {
        return Err(Failure::rule(
            "passkey-name",
            format!("a passkey's name has 1 to {NAME_CHARACTERS_MAX} characters"),
        ));
    }
    let credential: RegisterPublicKeyCredential = read_credential(body.credential)?;
    let kept = match challenges::take(&state.store, body.challenge_id).await? {
        Some(Challenge::Register { account, state }) if account == caller.id() => state,
        _ => {
            return Err(Failure::rule(
                "passkey-late",
                "the registration took too long or was used before; begin again",
            ));
        }
    };
    let passkey = passkeys(&state)?.finish_registration(&credential, &kept).map_err(|error| {
        Failure::rule("passkey-answer", "the authenticator's answer does not fit the question; begin again")
            .caused_by(error)
    })?;
    let row = credentials::Passkey {
        id: Uuid::new_v4().to_string(),
        person: caller.id().to_owned(),
        credential_id: passkey.cred_id().clone(),
        name: body.name.trim().to_owned(),
        credential: serde_json::to_string(&passkey).map_err(Failure::internal)?,
        created: jiff::Timestamp::UNIX_EPOCH,
        last_used: None,
    };
    let event = changed(&caller).with("passkey", row.id.as_str()).with("change", "added");
    let add = move |tx: &mut Tx<'_>| {
        let row = credentials::Passkey { created: tx.now(), ..row };
        credentials::add(tx, &REALM, &row)?;
        Ok(Act::audited(row, &REALM, event))
    };
    Ok(Json(info(state.store.write(add).await?)))
}

/// One's own passkeys.
#[utoipa::path(get, path = "/api/v1/me/passkeys", tag = "session", security(("session" = [])),
    responses((status = 200, body = [PasskeyInfo]), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<PasskeyInfo>>> {
    let (_, known) = own(&state, &caller).await?;
    Ok(Json(known.into_iter().map(info).collect()))
}

/// Remove one of one's own passkeys.
///
/// The last means to sign in cannot be removed. The last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(delete, path = "/api/v1/me/passkeys/{id}", tag = "session", security(("session" = [])),
    params(("id" = String, Path, description = "the passkey's id")),
    responses((status = 204, description = "removed"), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    fresh_proof(&state, &caller).await?;
    let (person, event) =
        (caller.id().to_owned(), changed(&caller).with("passkey", id.as_str()).with("change", "removed"));
    let remove = move |tx: &mut Tx<'_>| {
        let has_password =
            people::get(tx, &REALM, &person)?.is_some_and(|person| person.password_hash.is_some());
        if !credentials::remove(tx, &REALM, &person, &id)? {
            return Err(StoreError::NotFound { what: id });
        }
        if !has_password && credentials::of_person(tx, &REALM, &person)?.is_empty() {
            let message = "this is your only means to sign in; add another one first".to_owned();
            return Err(StoreError::Abandoned { code: "last-credential", message });
        }
        Ok(Act::audited((), &REALM, event))
    };
    state.store.write(remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn passkeys(state: &AppState) -> Answer<&Passkeys> {
    state.sign_in.passkeys.as_ref().ok_or_else(|| {
        let why = "passkeys need a domain name: open the console by the hub's name, not by its number, or set `address`";
        Failure::rule("passkeys-no-domain", why)
    })
}

async fn own(state: &AppState, caller: &Caller) -> Answer<(Person, Vec<credentials::Passkey>)> {
    caller.session.ok_or_else(people_only)?;
    let id = caller.id().to_owned();
    let found = state.store.read(move |reader| {
        let passkeys = credentials::of_person(reader, &REALM, &id)?;
        Ok(people::get(reader, &REALM, &id)?.map(|person| (person, passkeys)))
    });
    found.await?.ok_or_else(Failure::not_found)
}

fn read_credential<T: DeserializeOwned>(credential: serde_json::Value) -> Answer<T> {
    serde_json::from_value(credential).map_err(|error| {
        Failure::new(
            Code::BadRequest,
            format!("`credential` is not what `toJSON()` of a credential gives: {error}"),
        )
    })
}

fn changed(caller: &Caller) -> AuditEvent {
    AuditEvent::done(Action::CredentialChanged, caller.actor.clone(), caller.purpose)
        .on([caller.id()])
        .with("credential", "passkey")
}

fn info(row: credentials::Passkey) -> PasskeyInfo {
    PasskeyInfo { id: row.id, name: row.name, created: row.created.to_string() }
}
