//! `/api/v1/oversight/holds`: what must not be destroyed although its time is over. Two members of the commission place a hold, two lift it.

use api::{LegalHoldInfo, LegalHoldList, NewLegalHold};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{Action, AuditEvent};
use policy::Operation;
use store::holds::{self, Hold, Step};
use store::{Act, Reader, StoreError, Tx, charters};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::{ClassKeyId, HoldScope, Name};

use super::commission::REASON_CHARS_MAX;
use super::session::fresh_proof;
use crate::commission::demand_member;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{self, answered, unfit};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, ask)).routes(routes!(confirm)).routes(routes!(lift))
}

/// The holds.
#[utoipa::path(get, path = "/api/v1/oversight/holds", tag = "oversight", security(("session" = [])),
    responses((status = 200, body = LegalHoldList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<LegalHoldList>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    told(&state, &caller).await.map(Json)
}

/// Ask for a hold. It holds nothing until another member of the commission confirms it.
///
/// The last sign-in must be no older than 15 minutes (`fresh-proof-needed`), here and below.
#[utoipa::path(post, path = "/api/v1/oversight/holds", tag = "oversight", security(("session" = [])), request_body = NewLegalHold,
    responses((status = 200, body = LegalHoldList), crate::api::CallerRefusal))]
async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewLegalHold>,
) -> Answer<Json<LegalHoldList>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    fresh_proof(&state, &caller).await?;
    let reason = sharing::text("reason", &body.reason, REASON_CHARS_MAX)?;
    let scope = scope(&body)?;
    let scope = serde_json::to_string(&scope).map_err(Failure::internal)?;
    let id = uuid::Uuid::new_v4().to_string();
    step(&state, &caller, "asked", id, move |tx, id, person| {
        holds::ask(tx, &crate::REALM, id, (&scope, &reason), person).map(|()| Step::Asked)
    })
    .await
}

/// Confirm a hold that another member asked for: from now on it holds.
#[utoipa::path(post, path = "/api/v1/oversight/holds/{id}/confirm", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = LegalHoldList), crate::api::CallerRefusal))]
async fn confirm(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<LegalHoldList>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    fresh_proof(&state, &caller).await?;
    step(&state, &caller, "placed", id, |tx, id, person| {
        holds::place(tx, &crate::REALM, id, person).map(|()| Step::Done)
    })
    .await
}

/// Lift a hold: the first member asks for it, the second one's word lifts it. One that nobody confirmed is taken back by either.
#[utoipa::path(post, path = "/api/v1/oversight/holds/{id}/lift", tag = "oversight", security(("session" = [])),
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = LegalHoldList), crate::api::CallerRefusal))]
async fn lift(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<LegalHoldList>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    fresh_proof(&state, &caller).await?;
    step(&state, &caller, "lifted", id, |tx, id, person| holds::lift(tx, &crate::REALM, id, person)).await
}

/// A step of a member of the commission that stands, and the holds after it. The keys know of it before it is answered.
async fn step(
    state: &AppState,
    caller: &Caller,
    what: &'static str,
    id: String,
    act: impl FnOnce(&mut Tx<'_>, &str, &str) -> Result<Step, StoreError> + Send + 'static,
) -> Answer<Json<LegalHoldList>> {
    let asker = caller.clone();
    let write = move |tx: &mut Tx<'_>| {
        member(tx, &asker)?;
        let step = act(tx, &id, asker.id())?;
        let is_done = step == Step::Done;
        let event = AuditEvent::done(Action::LegalHoldChanged, asker.actor.clone(), asker.purpose)
            .with("hold", id)
            .with("step", what)
            .with("persons", if is_done { "2" } else { "1" });
        Ok(Act::audited((), asker.realm(), event))
    };
    answered(state.store.write(write).await)?;
    if let Some(retention) = &state.retention {
        retention.look_at_holds().await.map_err(Failure::internal)?;
    }
    told(state, caller).await.map(Json)
}

fn member(reader: &Reader<'_>, caller: &Caller) -> Result<(), StoreError> {
    let standing = charters::commission(reader, caller.realm())?;
    let standing = standing.ok_or_else(|| unfit("not-allowed-no-commission", "there is no commission"))?;
    demand_member(caller, &standing, reader.now()).map(|_| ())
}

async fn told(state: &AppState, caller: &Caller) -> Answer<LegalHoldList> {
    let asker = caller.clone();
    let read = move |reader: &Reader<'_>| {
        member(reader, &asker)?;
        let holds = holds::list(reader, asker.realm())?.iter().map(info).collect::<Result<_, _>>()?;
        Ok(LegalHoldList { holds })
    };
    answered(state.store.read(read).await)
}

fn scope(body: &NewLegalHold) -> Answer<HoldScope> {
    let named = match (body.authorisation, &body.class, &body.class_key) {
        (Some(id), None, None) => Name::new(id.to_string()).map(HoldScope::Authorisation),
        (None, Some(class), None) => Name::new(class).map(HoldScope::Class),
        (None, None, Some(key)) => ClassKeyId::parse(key).map(HoldScope::ClassKey),
        _ => {
            let why = "name exactly one of `authorisation`, `class` and `class_key`";
            return Err(Failure::rule("hold-scope", why));
        }
    };
    named.map_err(|error| Failure::rule("hold-name", error.to_string()))
}

fn info(hold: &Hold) -> Result<LegalHoldInfo, StoreError> {
    let scope = serde_json::from_str(&hold.scope);
    let (kind, name) = match scope.map_err(|_| StoreError::Corrupt(format!("the hold {}", hold.id)))? {
        HoldScope::Authorisation(name) => ("authorisation", name.to_string()),
        HoldScope::Class(name) => ("class", name.to_string()),
        HoldScope::ClassKey(key) => ("class-key", key.to_string()),
    };
    let state = match hold {
        Hold { lifted: Some(_), .. } => "lifted",
        Hold { lift_asked: Some(_), .. } => "lifting",
        Hold { placed: Some(_), .. } => "held",
        _ => "asked",
    };
    let who = |words: &[Option<&(String, jiff::Timestamp)>]| {
        words.iter().flatten().map(|(person, _)| person.clone()).collect()
    };
    let when = |word: &Option<(String, jiff::Timestamp)>| word.as_ref().map(|(_, at)| at.to_string());
    Ok(LegalHoldInfo {
        id: hold.id.clone(),
        state: state.to_owned(),
        kind: kind.to_owned(),
        name,
        reason: hold.reason.clone(),
        placed_by: who(&[Some(&hold.asked), hold.placed.as_ref()]),
        placed: when(&hold.placed),
        lifted_by: who(&[hold.lift_asked.as_ref(), hold.lifted.as_ref()]),
        lifted: when(&hold.lifted),
    })
}
