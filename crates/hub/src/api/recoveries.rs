//! `/api/v1/recoveries`: accounts whose person lost every means to sign in. One administrator asks, another approves, and neither is the
//! person.

use api::{NewRecovery, Recovery, RecoveryLink, RecoveryList};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::SignedDuration;
use oversight::{Action, AuditEvent, OrganisationRole};
use policy::Operation;
use store::{Act, Reader, StoreError, Tx, credentials, links, people, recoveries, secrets, sessions};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::people::administrable;
use super::session::fresh_proof;
use crate::REALM;
use crate::administration::after;
use crate::first_start::coordinator;
use crate::principal::{Caller, organisation_role};
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{LINE_CHARS_MAX, answered, tell, text, unfit};
use crate::sign_in::link_address;
use crate::state::AppState;

/// How long a second administrator has to decide.
const DECIDED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How long the link is good: the person stands beside whoever has it.
const LINK_VALID: SignedDuration = SignedDuration::from_mins(30);
/// An account that is younger decides nothing: else one administrator would make the second.
const ACCOUNT_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Recoveries of one answer.
const LISTED_MAX: i64 = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(ask))
        .routes(routes!(approve))
        .routes(routes!(refuse))
}

/// Recoveries, newest first.
#[utoipa::path(get, path = "/api/v1/recoveries", tag = "administration", security(("session" = []), ("token" = [])),
    responses((status = 200, body = RecoveryList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<RecoveryList>> {
    caller.demand(&state, Operation::Administer)?;
    let found = state.store.read(|reader| {
        let known = recoveries::list(reader, &REALM, LISTED_MAX)?;
        known.into_iter().map(|recovery| told(reader, recovery)).collect()
    });
    Ok(Json(RecoveryList { recoveries: found.await? }))
}

/// Ask for the recovery of an account.
///
/// People only. The last sign-in by passkey, password or link must be no older than 15 minutes (`fresh-proof-needed`), here and for the decision.
#[utoipa::path(post, path = "/api/v1/people/{id}/recovery", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the account's id")), request_body = NewRecovery,
    responses((status = 200, body = Recovery), crate::api::CallerRefusal))]
async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewRecovery>,
) -> Answer<Json<Recovery>> {
    caller.demand(&state, Operation::Administer)?;
    fresh_proof(&state, &caller).await?;
    let person = administrable(&state, id).await?;
    if person.id == caller.id() || person.disabled {
        let why = "nobody asks for the own account, and a disabled one is enabled first";
        return Err(Failure::rule("own-or-disabled-account", why));
    }
    let reason = text("reason", &new.reason, LINE_CHARS_MAX)?;
    let asker = caller.id().to_owned();
    let event = step(&caller, &person.id, "asked").with("reason", reason.as_str());
    let write = move |tx: &mut Tx<'_>| {
        let recovery = recoveries::Recovery {
            id: Uuid::now_v7().to_string(),
            person: person.id.clone(),
            reason,
            asked_by: asker,
            asked: tx.now(),
            expires: after(tx.now(), DECIDED_WITHIN),
            decided_by: None,
            decided: None,
            approved: None,
            used: None,
        };
        recoveries::add(tx, &REALM, &recovery)?;
        // The person's own organisation, too: who knows that nothing was lost has a day to say so.
        let to = [coordinator()?, person.organisation.clone()].into();
        tell(tx, &REALM, to, ("recovery-asked", &recovery.id), (None, &person.login))?;
        let told = told(tx, recovery)?;
        let event = event.with("recovery", told.id.as_str());
        Ok(Act::audited(told, &REALM, event))
    };
    Ok(Json(state.store.write(write).await?))
}

/// Approve the recovery of an account, as another administrator than who asked.
///
/// The person's passkeys and password are removed and its sessions end. The answer holds a link that signs the person in once within
/// 30 minutes; it is shown nowhere else.
#[utoipa::path(post, path = "/api/v1/recoveries/{id}/approve", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the recovery's id")),
    responses((status = 200, body = RecoveryLink), crate::api::CallerRefusal))]
async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<RecoveryLink>> {
    caller.demand(&state, Operation::Administer)?;
    fresh_proof(&state, &caller).await?;
    let secret = secrets::generate("")?;
    let hash = secrets::hash(&secret);
    let by = caller.clone();
    let write = move |tx: &mut Tx<'_>| {
        let recovery = open(tx, &id)?;
        may_decide(tx, &recovery, by.id())?;
        let person = people::get(tx, &REALM, &recovery.person)?.filter(|person| !person.disabled);
        let person = person.ok_or_else(|| unfit("account-disabled", "the account was disabled meanwhile"))?;
        if organisation_role(tx, &person.organisation)? == Some(OrganisationRole::Oversight) {
            return Err(unfit(
                "not-allowed-oversight",
                "people of the oversight organisation are not recovered here",
            ));
        }
        recoveries::decide(tx, &REALM, &id, by.id(), Some(&hash))?;
        let lost = credentials::of_person(tx, &REALM, &person.id)?;
        for passkey in &lost {
            credentials::remove(tx, &REALM, &person.id, &passkey.id)?;
        }
        people::set_password(tx, &REALM, &person.id, None)?;
        let ended = sessions::end_all(tx, &REALM, &person.id)?;
        links::remove_all(tx, &REALM, &person.id)?;
        links::add(tx, &REALM, &hash, &person.id, after(tx.now(), LINK_VALID))?;
        let event = step(&by, &person.id, "approved")
            .with("recovery", id.as_str())
            .with("asked_by", recovery.asked_by.as_str())
            .with("passkeys_removed", lost.len().to_string())
            .with("sessions_ended", ended.to_string());
        Ok(Act::audited((), &REALM, event))
    };
    answered(state.store.write(write).await)?;
    Ok(Json(RecoveryLink { sign_in: link_address(&state.address, &secret).into() }))
}

/// Refuse a recovery, or take one back.
#[utoipa::path(post, path = "/api/v1/recoveries/{id}/refuse", tag = "administration", security(("session" = [])),
    params(("id" = String, Path, description = "the recovery's id")),
    responses((status = 204, description = "refused"), crate::api::CallerRefusal))]
async fn refuse(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    caller.session.ok_or_else(super::session::people_only)?;
    let write = move |tx: &mut Tx<'_>| {
        let recovery = open(tx, &id)?;
        recoveries::decide(tx, &REALM, &id, caller.id(), None)?;
        let event = step(&caller, &recovery.person, "refused").with("recovery", id.as_str());
        Ok(Act::audited((), &REALM, event))
    };
    answered(state.store.write(write).await)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A recovery that waits for a decision.
fn open(reader: &Reader<'_>, id: &str) -> Result<recoveries::Recovery, StoreError> {
    let found = recoveries::get(reader, &REALM, id)?.filter(|recovery| recovery.is_open(reader.now()));
    found.ok_or_else(|| StoreError::NotFound { what: id.to_owned() })
}

/// Another person than who asked and than the one whom it is about, and no account that was just made for it.
fn may_decide(reader: &Reader<'_>, recovery: &recoveries::Recovery, by: &str) -> Result<(), StoreError> {
    if by == recovery.asked_by || by == recovery.person {
        return Err(unfit(
            "recovery-second-person",
            "another administrator than who asked decides, and not the person",
        ));
    }
    let age = people::get(reader, &REALM, by)?.map(|person| recovery.asked.duration_since(person.created));
    if age.is_none_or(|age| age < ACCOUNT_AGE) {
        let why =
            "your account is younger than a day before this was asked for; another administrator decides";
        return Err(unfit("account-too-young", why));
    }
    Ok(())
}

fn step(caller: &Caller, person: &str, step: &'static str) -> AuditEvent {
    AuditEvent::done(Action::RecoveryChanged, caller.actor.clone(), caller.purpose)
        .on([person])
        .with("step", step)
}

fn told(reader: &Reader<'_>, recovery: recoveries::Recovery) -> Result<Recovery, StoreError> {
    let name = |id: &str| -> Result<String, StoreError> {
        Ok(people::get(reader, &REALM, id)?.map_or_else(|| id.to_owned(), |person| person.name))
    };
    let state = match (recovery.approved, recovery.used, recovery.is_open(reader.now())) {
        (Some(true), Some(_), _) => "used",
        (Some(true), None, _) => "approved",
        (Some(false), ..) => "refused",
        (None, _, true) => "asked",
        (None, _, false) => "expired",
    };
    Ok(Recovery {
        person_name: name(&recovery.person)?,
        asked_by_name: name(&recovery.asked_by)?,
        decided_by_name: recovery.decided_by.as_deref().map(name).transpose()?,
        id: recovery.id,
        person: recovery.person,
        reason: recovery.reason,
        asked_by: recovery.asked_by,
        asked: recovery.asked.to_string(),
        expires: recovery.expires.to_string(),
        decided: recovery.decided.map(|at| at.to_string()),
        state: state.to_owned(),
    })
}
