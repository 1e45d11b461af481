//! `/api/v1/widenings`: a marking is loosened by two persons of the originator, of whom one proposes and the other one confirms.

use api::{Widening, WideningDecision, WideningList};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{Action, AuditEvent};
use policy::{Operation, PrincipalKind};
use stix::Timestamp;
use store::widenings::{self, State as Stand};
use store::{Act, Reader, StoreError, Tx, objects, people, tokens};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::session::second_look;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::marking::{self, Changed, Wanted};
use crate::sharing::{self, TEXT_CHARS_MAX, waiting};
use crate::state::AppState;

/// Proposals of one answer.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(decide))
}

/// Freer markings that were proposed for what one's organisation brought in; the open ones first.
///
/// They are proposed by `POST /api/v1/objects/{id}/marking`, or by bringing in a version whose marking is freer than that of the one
/// before.
#[utoipa::path(get, path = "/api/v1/widenings", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = WideningList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<WideningList>> {
    caller.demand_any(&state, &[Operation::WidenRelease, Operation::RestrictRelease])?;
    let found = state.store.read(move |reader| {
        let found = widenings::of(reader, caller.realm(), &caller.principal.organisation, LISTED_MAX)?;
        found.into_iter().map(|widening| told(reader, &caller, widening)).collect()
    });
    Ok(Json(WideningList { widenings: found.await? }))
}

/// Confirm or refuse a freer marking that another person has proposed; or take one's own proposal back.
///
/// A confirmed one is carried out at once: the object gets a version under the new marking, and everybody who was given it is told.
/// Whoever confirms has signed in no longer than 15 minutes ago (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/widenings/{id}/decision", tag = "sharing", security(("session" = [])),
    params(("id" = String, Path, description = "the proposal")), request_body = WideningDecision,
    responses((status = 200, body = Widening), crate::api::CallerRefusal))]
async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<WideningDecision>,
) -> Answer<Json<Widening>> {
    caller.demand(&state, Operation::WidenRelease)?;
    let text = sharing::text("text", &body.text, TEXT_CHARS_MAX)?;
    let decision = match body.decision.as_str() {
        "confirm" => Stand::Confirmed,
        "refuse" => Stand::Refused,
        "withdraw" => Stand::Withdrawn,
        _ => {
            let why = "decision: it is `confirm`, `refuse` or `withdraw`";
            return Err(Failure::rule("not-one-of", why));
        }
    };
    if decision == Stand::Confirmed {
        second_look(&state, &caller).await?;
    }
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| carry_out(tx, &work, &caller, (&id, decision, text));
    Ok(Json(sharing::answered(state.store.write(write).await)?))
}

fn carry_out(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (id, decision, text): (&str, Stand, String),
) -> Result<Act<Widening>, StoreError> {
    let realm = caller.realm();
    let found = widenings::get(tx, realm, id)?;
    let found = found.filter(|found| found.originator == caller.principal.organisation);
    let found = found.ok_or_else(|| StoreError::NotFound { what: id.to_owned() })?;
    let is_own = found.proposer == caller.id();
    let is_person = matches!(caller.principal.kind, PrincipalKind::Person(_));
    if !is_person || is_own != (decision == Stand::Withdrawn) {
        return Err(sharing::refused());
    }
    let decided = widenings::Widening {
        state: decision,
        decider: Some(caller.id().to_owned()),
        decided: Some(tx.now()),
        answer: Some(text),
        ..found
    };
    widenings::decide(tx, realm, &decided)?;
    let event = AuditEvent::done(Action::ReleaseChanged, caller.actor.clone(), caller.purpose)
        .on([decided.object.as_str()])
        .with("change", format!("widening-{}", decided.state.name()))
        .with("widening", &decided.id)
        .with("proposer", &decided.proposer);
    let mut events = vec![event];
    if decision == Stand::Confirmed {
        let Changed { event, .. } = confirm(tx, state, caller, &decided)?;
        events.push(event);
    }
    let answer = told(tx, caller, decided)?;
    Ok(Act::audited_all(answer, realm, events))
}

/// The change itself, as long as the object is what it was proposed for.
fn confirm(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    decided: &widenings::Widening,
) -> Result<Changed, StoreError> {
    let visible = state.door.visible(tx, &caller.principal)?;
    let not_found = || StoreError::NotFound { what: decided.object.to_string() };
    let row = objects::get(tx, caller.realm(), &visible, &decided.object)?.ok_or_else(not_found)?;
    let outdated = || {
        let why = "there is a newer version than the one that it was proposed for; propose it anew";
        sharing::unfit("widening-outdated", why)
    };
    let is_it = row.version.as_deref() == Some(decided.version.as_str());
    if decided.waits {
        // What waits need not be the newest by its own date; nothing has come in after it.
        let version = Timestamp::parse(&decided.version).map_err(|_| not_found())?;
        let waits = objects::get_version(tx, caller.realm(), &visible, &decided.object, &version)?;
        let waits = waits.ok_or_else(not_found)?;
        if !is_it && row.sequence > waits.sequence {
            return Err(outdated());
        }
        return waiting::release(tx, state, caller, &waits, decided);
    }
    if !is_it {
        return Err(outdated());
    }
    let wanted = Wanted { level: decided.tlp, reason: &decided.reason, acs: false };
    marking::change(tx, state, caller, &row, &wanted)
}

/// A proposal as its organisation reads it.
///
/// # Errors
/// Those of the database.
pub(crate) fn told(
    reader: &Reader<'_>,
    caller: &Caller,
    widening: widenings::Widening,
) -> Result<Widening, StoreError> {
    let name = |id: &str| {
        let person = people::get(reader, caller.realm(), id)?.map(|person| person.name);
        let token = || Ok::<_, StoreError>(tokens::get(reader, caller.realm(), id)?.map(|token| token.name));
        let name = match person {
            Some(name) => Some(name),
            None => token()?,
        };
        Ok::<_, StoreError>(name.unwrap_or_else(|| id.to_owned()))
    };
    Ok(Widening {
        own: widening.proposer == caller.id(),
        waits: widening.waits,
        proposer: name(&widening.proposer)?,
        decider: widening.decider.as_deref().map(name).transpose()?,
        id: widening.id,
        object: widening.object.to_string(),
        version: widening.version,
        name: widening.name,
        tlp: widening.tlp.name().to_owned(),
        reason: widening.reason,
        at: widening.at.to_string(),
        state: widening.state.name().to_owned(),
        decided: widening.decided.map(|at| at.to_string()),
        answer: widening.answer,
    })
}
