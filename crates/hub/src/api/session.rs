//! `/api/v1/session`: signing in and out, and one's own password.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use api::{Code, NewPassword, PasswordSignIn, Secret, Session, SignInLink};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use oversight::{Action, Actor, AuditEvent, Purpose};
use policy::{Operation, Personal, Principal, PrincipalKind};
use store::organisations::Organisation;
use store::people::Person;
use store::secrets::SecretHash;
use store::sessions::Origin;
use store::{Act, Reader, StoreError, Tx, links, organisations, people, recoveries, secrets, sessions};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{node, organisations as organisation_answers, people as person_answers};
use crate::REALM;
use crate::administration::{after, has_credential};
use crate::principal::{Caller, PROOF_FRESH, SESSION_COOKIE, SESSION_LIFE, SESSION_LIFE_MAX, session_of};
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, RemoteAddress};
use crate::sign_in::passwords;
use crate::state::AppState;
use crate::strangers::Tried;

/// The longest sign-in name.
const LOGIN_BYTES_MAX: usize = 64;
/// How much is kept of what a browser calls itself.
const AGENT_CHARACTERS_MAX: usize = 200;

/// What a session may do, as the console asks for it.
const OPERATIONS: [(&str, Operation); 36] = [
    ("read", Operation::Read),
    ("write", Operation::Write),
    ("delete", Operation::Delete),
    ("work-cases", Operation::WorkCases),
    ("see-edges", Operation::SeeEdges),
    ("administer", Operation::Administer),
    ("inspect", Operation::Inspect),
    ("see-releases", Operation::SeeReleases),
    ("ask-release", Operation::AskRelease),
    ("widen-release", Operation::WidenRelease),
    ("restrict-release", Operation::RestrictRelease),
    ("ask-questions", Operation::AskQuestions),
    ("submit-anonymously", Operation::SubmitAnonymously),
    ("open-seals", Operation::OpenSeals),
    ("agree", Operation::Agree),
    ("manage-groups", Operation::ManageGroups),
    ("request-authorisation", Operation::RequestAuthorisation),
    ("see-authorisations", Operation::SeeAuthorisations),
    ("decide-authorisation", Operation::DecideAuthorisation),
    ("constitute-commission", Operation::ConstituteCommission),
    ("publish-statistics", Operation::PublishStatistics),
    ("write-reports", Operation::WriteReports),
    ("file-reports", Operation::FileReports),
    ("answer-reports", Operation::AnswerReports),
    ("qualify-people", Operation::QualifyPeople),
    ("raise-emergency", Operation::RaiseEmergency),
    ("review-emergencies", Operation::ReviewEmergencies),
    ("read-runs", Operation::ReadRuns),
    ("run-playbooks", Operation::RunPlaybooks),
    ("approve-actions", Operation::ApproveActions),
    ("undo-actions", Operation::UndoActions),
    ("see-evidence", Operation::SeeEvidence),
    ("handle-evidence", Operation::HandleEvidence),
    ("keep-evidence", Operation::KeepEvidence),
    ("request-evidence", Operation::RequestEvidence),
    ("answer-evidence", Operation::AnswerEvidence),
];

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(current, sign_out))
        .routes(routes!(by_link))
        .routes(routes!(by_password))
        .routes(routes!(choose_password))
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", security(("session" = [])),
    responses((status = 200, body = Session), crate::api::CallerRefusal))]
async fn current(State(state): State<AppState>, caller: Caller) -> Answer<Json<Session>> {
    let hash = caller.session.ok_or_else(people_only)?;
    let id = caller.id().to_owned();
    let found = state.store.read(move |reader| {
        let session = sessions::get(reader, &REALM, &hash)?;
        let person = people::get(reader, &REALM, &id)?;
        let (Some(session), Some(person)) = (session, person) else { return Ok(None) };
        let organisation = organisations::get(reader, &REALM, &person.organisation)?;
        let credential_needed = is_credential_needed(reader, &person, &session)?;
        Ok(organisation.map(|organisation| Known {
            person,
            organisation,
            credential_needed,
            csrf: session.csrf.into(),
            proved: session.created,
        }))
    });
    let known = found
        .await?
        .ok_or_else(|| Failure::new(Code::SignInNeeded, "the session has ended; sign in again"))?;
    Ok(Json(describe(&state, known)))
}

/// Sign out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(("session" = [])),
    responses((status = 204, description = "signed out"), crate::api::CallerRefusal))]
async fn sign_out(State(state): State<AppState>, caller: Caller) -> Answer<Response> {
    let hash = caller.session.ok_or_else(people_only)?;
    let event = AuditEvent::done(Action::SignedOut, caller.actor.clone(), caller.purpose);
    let end = move |tx: &mut Tx<'_>| {
        sessions::end(tx, &REALM, &hash)?;
        Ok(Act::audited((), &REALM, event))
    };
    state.store.write(end).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&state, &mut response, "", 0)?;
    Ok(response)
}

/// Sign in with a one-time link.
///
/// The printed link is `<address>/sign-in#link=<secret>`; the secret after `link=` is sent here. It works once.
#[utoipa::path(post, path = "/api/v1/session/link", tag = "session", security(), request_body = SignInLink,
    responses((status = 200, body = Session), crate::api::AnyRefusal))]
async fn by_link(
    State(state): State<AppState>,
    RemoteAddress(address): RemoteAddress,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignInLink>,
) -> Answer<Response> {
    let_through(&state, None, address)?;
    let hash = secrets::hash(&body.link);
    let new = NewSession::draw(&headers, address)?;
    let secret = new.secret.clone();
    let redeem = move |tx: &mut Tx<'_>| {
        let person =
            links::redeem(tx, &REALM, &hash)?.map(|id| people::get(tx, &REALM, &id)).transpose()?.flatten();
        match person.filter(|person| !person.disabled) {
            Some(person) => begin_by_link(tx, new, person, &hash).map(|act| act.map(Some)),
            None => Ok(Act::bookkeeping(None)),
        }
    };
    match state.store.write(redeem).await? {
        Some(known) => signed_in(&state, known, &secret),
        None => {
            state.sign_in.limits.failed(None, address, Instant::now());
            Err(refuse(&state, "link", Tried::From(address)).await)
        }
    }
}

/// Begins the session of a link; where that was a recovery's, it is written down as such.
fn begin_by_link(
    tx: &mut Tx<'_>,
    new: NewSession,
    person: Person,
    link: &SecretHash,
) -> Result<Act<Known>, StoreError> {
    let Some(recovery) = recoveries::used(tx, &REALM, link)? else { return new.begin(tx, person, "link") };
    let actor = Actor::Person { id: person.id.clone(), organisation: person.organisation.clone() };
    let event = AuditEvent::done(Action::RecoveryChanged, actor, Purpose::Administration)
        .on([person.id.as_str()])
        .with("step", "used")
        .with("recovery", recovery);
    new.begin_by(tx, person, ("recovery", None), vec![event])
}

/// Sign in with a password.
///
/// With the cookie of an older session, that one ends: so a person proves anew who it is, where `fresh-proof-needed` asks for it.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "session", security(), request_body = PasswordSignIn,
    responses((status = 200, body = Session), crate::api::AnyRefusal))]
async fn by_password(
    State(state): State<AppState>,
    RemoteAddress(address): RemoteAddress,
    headers: HeaderMap,
    JsonBody(PasswordSignIn { login, password }): JsonBody<PasswordSignIn>,
) -> Answer<Response> {
    demand_passwords(&state)?;
    if login.len() > LOGIN_BYTES_MAX {
        // Nobody's name: it is counted for the address alone, for counters keep the names that they are about.
        let_through(&state, None, address)?;
        state.sign_in.limits.failed(None, address, Instant::now());
        return Err(refuse(&state, "password", Tried::From(address)).await);
    }
    let_through(&state, Some(&login), address)?;
    // Counted before it is known to be wrong, so that many attempts at once do not slip by together.
    state.sign_in.limits.failed(Some(&login), address, Instant::now());
    let wanted = login.clone();
    let person = state.store.read(move |reader| people::by_login(reader, &REALM, &wanted)).await?;
    let kept =
        person.as_ref().filter(|person| !person.disabled).and_then(|person| person.password_hash.clone());
    let is_right = state.sign_in.passwords.verify(password, kept).await?;
    let Some(person) = person.as_ref().filter(|_| is_right) else {
        let account = person.map(|person| person.id);
        return Err(refuse(&state, "password", Tried::of(account, address)).await);
    };
    state.sign_in.limits.succeeded(&login, address);
    begin(&state, &person.id, "password", (&headers, address)).await
}

/// A hub may be told to take what cannot be phished only.
fn demand_passwords(state: &AppState) -> Answer<()> {
    if state.config.passwords {
        return Ok(());
    }
    let why =
        "this hub takes no passwords; sign in with a passkey, or ask for a one-time link to register one";
    Err(Failure::new(Code::NotAllowed, why))
}

/// Choose a new password.
///
/// Ends every other session of the account. The last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(put, path = "/api/v1/me/password", tag = "session", security(("session" = [])), request_body = NewPassword,
    responses((status = 204, description = "the password is in force"), crate::api::CallerRefusal))]
async fn choose_password(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewPassword>,
) -> Answer<StatusCode> {
    demand_passwords(&state)?;
    let hash = fresh_proof(&state, &caller).await?;
    let id = caller.id().to_owned();
    let person = state
        .store
        .read(move |reader| people::get(reader, &REALM, &id))
        .await?
        .ok_or_else(Failure::not_found)?;
    passwords::judge(&body.password, &person.login).map_err(|why| Failure::rule("password-weak", why))?;
    let kept = state.sign_in.passwords.hash(body.password).await?;
    let event = AuditEvent::done(Action::CredentialChanged, caller.actor.clone(), caller.purpose)
        .on([person.id.as_str()])
        .with("credential", "password");
    let set = move |tx: &mut Tx<'_>| {
        people::set_password(tx, &REALM, &person.id, Some(&kept))?;
        let session = sessions::get(tx, &REALM, &hash)?;
        sessions::end_all(tx, &REALM, &person.id)?;
        if let Some(session) = session {
            sessions::add(tx, &REALM, &session)?;
        }
        Ok(Act::audited((), &REALM, event))
    };
    state.store.write(set).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a session's answer is made of.
pub(super) struct Known {
    person: Person,
    organisation: Organisation,
    credential_needed: bool,
    csrf: Secret,
    proved: Timestamp,
}

/// Secrets of a session that is about to begin.
pub(super) struct NewSession {
    secret: Secret,
    csrf: Secret,
    /// The session that the same browser had before: it ends, or it would live on without anybody who holds its cookie.
    replaced: Option<SecretHash>,
    /// From which network address it begins.
    address: IpAddr,
    /// What the browser calls itself.
    agent: String,
}

impl NewSession {
    pub(super) fn draw(headers: &HeaderMap, address: IpAddr) -> Result<Self, StoreError> {
        let (secret, csrf) = (secrets::generate("")?.into(), secrets::generate("")?.into());
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let agent = agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARACTERS_MAX).collect();
        Ok(Self { secret, csrf, replaced: session_of(headers), address: address.to_canonical(), agent })
    }

    /// The cookie's value.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Begins the session of a person who has proved who it is, by a means such as `password`.
    pub(super) fn begin(
        self,
        tx: &mut Tx<'_>,
        person: Person,
        means: &str,
    ) -> Result<Act<Known>, StoreError> {
        self.begin_by(tx, person, (means, None), Vec::new())
    }

    /// The same, where an identity provider may have vouched for the person, after acts that belong to the sign-in.
    pub(super) fn begin_by(
        self,
        tx: &mut Tx<'_>,
        person: Person,
        (means, provider): (&str, Option<&str>),
        mut events: Vec<AuditEvent>,
    ) -> Result<Act<Known>, StoreError> {
        let organisation = organisations::get(tx, &REALM, &person.organisation)?
            .ok_or_else(|| StoreError::Corrupt(format!("organisation `{}`", person.organisation)))?;
        let now = tx.now();
        sessions::purge(tx, &REALM)?;
        links::purge(tx, &REALM)?;
        if let Some(replaced) = &self.replaced {
            sessions::end(tx, &REALM, replaced)?;
        }
        let session = sessions::Session {
            hash: secrets::hash(&self.secret),
            person: person.id.clone(),
            csrf: (*self.csrf).to_owned(),
            created: now,
            expires: after(now, SESSION_LIFE),
            seen: now,
            origin: Origin {
                means: means.to_owned(),
                provider: provider.map(str::to_owned),
                address: self.address.to_string(),
                agent: self.agent,
            },
        };
        sessions::add(tx, &REALM, &session)?;
        let actor = Actor::Person { id: person.id.clone(), organisation: person.organisation.clone() };
        let event = AuditEvent::done(Action::SignedIn, actor, Purpose::Administration).with("means", means);
        events.push(match provider {
            Some(provider) => event.with("provider", provider),
            None => event,
        });
        let credential_needed = is_credential_needed(tx, &person, &session)?;
        let known = Known { person, organisation, credential_needed, csrf: self.csrf, proved: now };
        Ok(Act::audited_all(known, &REALM, events))
    }
}

/// Whether an account could not come back: whom an identity provider vouches for can.
fn is_credential_needed(
    reader: &Reader<'_>,
    person: &Person,
    session: &sessions::Session,
) -> Result<bool, StoreError> {
    Ok(session.origin.provider.is_none() && !has_credential(reader, &REALM, person)?)
}

/// Begins a session for an account and answers with it.
async fn begin(
    state: &AppState,
    account: &str,
    means: &'static str,
    (headers, address): (&HeaderMap, IpAddr),
) -> Answer<Response> {
    let new = NewSession::draw(headers, address)?;
    let (secret, account) = (new.secret.clone(), account.to_owned());
    let write = move |tx: &mut Tx<'_>| {
        // Once more in the transaction: the account may have been disabled meanwhile.
        let person = people::get(tx, &REALM, &account)?.filter(|person| !person.disabled);
        new.begin(tx, person.ok_or(StoreError::NotFound { what: account })?, means)
    };
    let known = state.store.write(write).await?;
    signed_in(state, known, &secret)
}

/// The answer to a sign-in that went well: the session, and its cookie.
pub(super) fn signed_in(state: &AppState, known: Known, secret: &str) -> Answer<Response> {
    let mut response = Json(describe(state, known)).into_response();
    set_cookie(state, &mut response, secret, SESSION_LIFE_MAX.as_secs())?;
    Ok(response)
}

/// The caller's session, of a person who proved a short while ago who it is.
///
/// # Errors
/// 403 for programs; `fresh-proof-needed` where the proof is older than that: a session that somebody found open at a desk, or
/// whose cookie was stolen, must not be enough to lock its owner out.
pub(super) async fn fresh_proof(state: &AppState, caller: &Caller) -> Answer<SecretHash> {
    let hash = caller.session.ok_or_else(people_only)?;
    if is_proven(state, caller).await? { Ok(hash) } else { Err(proof_needed()) }
}

/// Whether a person proved a short while ago who it is, by a means of its own: whoever holds an identity provider could say that
/// anybody is there. A program has no such proof to give, and its token is good for what its
/// roles allow: so it always did.
///
/// # Errors
/// The store's.
pub(crate) async fn is_proven(state: &AppState, caller: &Caller) -> Answer<bool> {
    let Some(hash) = caller.session else { return Ok(true) };
    let found = state.store.read(move |reader| {
        let session = sessions::get(reader, &REALM, &hash)?;
        let own = session.filter(|session| session.origin.provider.is_none());
        Ok(own.map(|session| reader.now().duration_since(session.created)))
    });
    Ok(found.await?.is_some_and(|age| age <= PROOF_FRESH))
}

/// What a person lets out of the house is let out by somebody who proved a short while ago who it is, by whichever door.
///
/// # Errors
/// `fresh-proof-needed` where the proof is older than that.
pub(crate) async fn second_look(state: &AppState, caller: &Caller) -> Answer<()> {
    if is_proven(state, caller).await? { Ok(()) } else { Err(proof_needed()) }
}

/// Says that a fresh proof is needed, and how to give one.
pub(crate) fn proof_needed() -> Failure {
    let detail = format!(
        "your last sign-in is more than {} minutes old or was by an identity provider; sign in again with your passkey, password or a \
         new link, and repeat this",
        PROOF_FRESH.as_mins()
    );
    Failure::new(Code::FreshProofNeeded, detail)
}

fn describe(state: &AppState, known: Known) -> Session {
    let Known { person, organisation, credential_needed, csrf, proved } = known;
    let principal = Principal {
        kind: PrincipalKind::Person(person.id.clone()),
        organisation: organisation.id.clone(),
        organisation_role: organisation.role,
        roles: person.roles.clone(),
        realm: REALM,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    let engine = state.engine.load();
    let may = OPERATIONS.iter().filter(|(_, operation)| engine.may(&principal, *operation));
    Session {
        may: may.map(|(name, _)| (*name).to_owned()).collect(),
        person: person_answers::answer(person),
        organisation: organisation_answers::answer(organisation),
        node: node::about(state),
        csrf,
        proved: proved.to_string(),
        credential_needed,
    }
}

/// The cookie lives as long as a session can; whether the session still does, the store knows.
/// `HttpOnly`: no script reads it. `SameSite=Strict`: no other site makes a browser send it.
fn set_cookie(state: &AppState, response: &mut Response, secret: &str, seconds: i64) -> Answer<()> {
    let secure = if is_secure(state) { "; Secure" } else { "" };
    let cookie =
        format!("{SESSION_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(Failure::internal)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

/// Whether cookies travel over TLS alone. What is served decides, and the address that people use where something in front speaks TLS
/// for the hub.
pub(super) fn is_secure(state: &AppState) -> bool {
    state.config.speaks_tls() || state.address.scheme() == "https"
}

/// Whether somebody may try to sign in now.
pub(super) fn let_through(state: &AppState, login: Option<&str>, address: IpAddr) -> Answer<()> {
    admit(state.sign_in.limits.pause(login, address, Instant::now()))
}

/// Refuses where a pause is to be kept.
pub(super) fn admit(pause: Duration) -> Answer<()> {
    if pause.is_zero() {
        return Ok(());
    }
    let seconds = pause.as_secs().max(1);
    let detail = format!("sign-in failed too often; try again in {seconds} seconds");
    Err(Failure::new(Code::TooMany, detail).retry_after(pause))
}

/// Refuses a sign-in in words that are the same for every reason, and writes it down: with the account where one was tried.
pub(super) async fn refuse(state: &AppState, means: &str, tried: Tried) -> Failure {
    let failure = Failure::new(
        Code::SignInRefused,
        "sign-in was refused: check the name and the means, or ask for a new link",
    )
    .audited();
    if !state.strangers.admit(&tried, Instant::now()) {
        return failure;
    }
    let event = AuditEvent::refused(Actor::Stranger, Purpose::Administration, Code::SignInRefused.name())
        .with("means", means)
        .on(tried.account());
    match state.store.write(move |_| Ok(Act::audited((), &REALM, event))).await {
        Ok(()) => failure,
        Err(error) => failure.caused_by(error),
    }
}

/// A program asked for what only people have.
pub(super) fn people_only() -> Failure {
    Failure::new(Code::NotAllowed, "this address is for people who are signed in, not for programs")
}
