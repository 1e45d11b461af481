//! `/api/v1/release-requests`: asking an originator for release, its answer; and changes of a marking.

use std::collections::BTreeSet;

use api::{
    MarkingChange, MarkingChanged, NewReleaseRequest, ReleaseAnswer, ReleaseRequest, ReleaseRequestList,
};
use axum::Json;
use axum::extract::{Path, State};
use oversight::{Action, AuditEvent, OrganisationId, Purpose};
use policy::{Label, Operation};
use stix::Id;
use stix::marking::Tlp;
use store::requests::{self, Request, State as Stand};
use store::{Act, StoreError, Tx, labels, objects};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::REALM;
use crate::api::session::{is_proven, second_look};
use crate::api::summaries::{parse, shown_name};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction;
use crate::request::JsonBody;
use crate::sharing::marking::Wanted;
use crate::sharing::{self, LINE_CHARS_MAX, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Requests of one answer.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, ask)).routes(routes!(answer)).routes(routes!(change_marking))
}

/// Requests that one's organisation made or has to answer.
#[utoipa::path(get, path = "/api/v1/release-requests", tag = "sharing", security(("session" = []), ("token" = [])),
    responses((status = 200, body = ReleaseRequestList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<ReleaseRequestList>> {
    caller.demand(&state, Operation::AskRelease)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let own = caller.principal.organisation.clone();
        let found = requests::of(reader, caller.realm(), &own, LISTED_MAX)?;
        let visible = work.door.visible(reader, &caller.principal)?;
        found
            .into_iter()
            .map(|request| {
                let knows = request.originator == own
                    || objects::get(reader, caller.realm(), &visible, &request.object)?.is_some();
                let stands = requests::stands(reader, caller.realm(), &request)?;
                Ok(told(request, &own, (knows, stands)))
            })
            .collect()
    });
    Ok(Json(ReleaseRequestList { requests: found.await? }))
}

/// Ask an originator for release of an object: to oneself, to another organisation, under another level.
///
/// One may ask for what one may see, and for what something that one may see refers to.
#[utoipa::path(post, path = "/api/v1/release-requests", tag = "sharing", security(("session" = []), ("token" = [])),
    request_body = NewReleaseRequest, responses((status = 200, body = ReleaseRequest), crate::api::CallerRefusal))]
async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewReleaseRequest>,
) -> Answer<Json<ReleaseRequest>> {
    caller.demand(&state, Operation::AskRelease)?;
    let object = Id::parse(&body.object).map_err(|_| Failure::not_found())?;
    let reason = sharing::text("reason", &body.reason, TEXT_CHARS_MAX)?;
    let tlp = body.tlp.as_deref().map(sharing::level).transpose()?;
    let purpose = Purpose::parse(&body.purpose)
        .ok_or_else(|| Failure::rule("not-one-of", "purpose: it is not one of the purposes"))?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let realm = asker.realm();
        let known = know(tx, &work, &asker, &object)?;
        let recipient = match body.recipient.as_deref() {
            Some(name) => sharing::member(tx, realm, name)?,
            None => asker.principal.organisation.clone(),
        };
        if known.originator == asker.principal.organisation {
            return Err(sharing::unfit(
                "own-release",
                "your organisation brought it in: release it yourself",
            ));
        }
        let request = Request {
            id: uuid::Uuid::now_v7().to_string(),
            object,
            name: known.name,
            originator: known.originator.clone(),
            asker: asker.principal.organisation.clone(),
            person: asker.id().to_owned(),
            recipient,
            tlp,
            purpose,
            reason,
            state: Stand::Open,
            at: tx.now(),
            answered: None,
            answerer: None,
            answer: None,
            conditions: None,
            until: None,
        };
        requests::add(tx, realm, &request)?;
        let to = BTreeSet::from([known.originator]);
        let subject = ("release-request", request.id.as_str());
        sharing::tell(tx, realm, to, subject, (Some(&request.object), &request.reason))?;
        let event = AuditEvent::done(Action::ReleaseRequested, asker.actor.clone(), asker.purpose)
            .on([request.object.as_str()])
            .with("request", &request.id)
            .with("recipient", request.recipient.as_str())
            .with("for", request.purpose.name());
        Ok(Act::audited((request, known.is_seen), realm, event))
    };
    let (request, is_seen) = state.store.write(write).await?;
    Ok(Json(told(request, &caller.principal.organisation, (is_seen, false))))
}

/// Answer a request for release: grant, refuse, offer something else, end a grant; or take one's own request back.
///
/// For a grant, a person's last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/release-requests/{id}/answer", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the request")), request_body = ReleaseAnswer,
    responses((status = 200, body = ReleaseRequest), crate::api::CallerRefusal))]
async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ReleaseAnswer>,
) -> Answer<Json<ReleaseRequest>> {
    caller.demand(&state, Operation::AskRelease)?;
    let text = sharing::text("text", &body.text, TEXT_CHARS_MAX)?;
    let conditions = body
        .conditions
        .as_deref()
        .map(|text| sharing::text("conditions", text, TEXT_CHARS_MAX))
        .transpose()?;
    let until = body.until.as_deref().map(|text| sharing::ahead("until", text)).transpose()?;
    if body.answer == "grant" {
        second_look(&state, &caller).await?;
    }
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let found = requests::get(tx, asker.realm(), &id)?;
        let request = found.ok_or_else(|| StoreError::NotFound { what: id.clone() })?;
        let own = &asker.principal.organisation;
        let (is_originator, is_asker) = (request.originator == *own, request.asker == *own);
        if !is_originator && !is_asker {
            return Err(StoreError::NotFound { what: id });
        }
        let state = match (body.answer.as_str(), is_originator) {
            ("grant", true) => Stand::Granted,
            ("refuse", true) => Stand::Refused,
            ("offer", true) => Stand::Offered,
            ("end", true) => Stand::Ended,
            ("withdraw", _) if is_asker => Stand::Withdrawn,
            ("grant" | "refuse" | "offer" | "end", false) => return Err(sharing::refused()),
            _ => {
                return Err(sharing::unfit(
                    "not-one-of",
                    "answer: it is `grant`, `refuse`, `offer`, `end` or `withdraw`",
                ));
            }
        };
        let answered = Request {
            state,
            answered: Some(tx.now()),
            answerer: Some(asker.id().to_owned()),
            answer: Some(text),
            conditions,
            until: until.filter(|_| state == Stand::Granted),
            ..request
        };
        carry_out(tx, &work, &asker, answered, body.later_versions)
    };
    let request = sharing::answered(state.store.write(write).await)?;
    let organisation = caller.principal.organisation;
    let knows = request.originator == organisation;
    let asked = request.clone();
    let stands = state.store.read(move |reader| requests::stands(reader, &REALM, &asked)).await?;
    Ok(Json(told(request, &organisation, (knows, stands))))
}

/// Change an object's marking by a new version. Everybody who was given the object is told.
///
/// A stricter marking binds the older versions too: who may not see the new one, sees none. A freer one is for the new version alone,
/// and takes two persons: it is proposed here, and another person of the originator confirms it (`/api/v1/widenings`). Each of them
/// has signed in no longer than 15 minutes ago (`fresh-proof-needed`); to restrict takes no such proof, for it may be urgent.
///
/// With `acs` the new version bears an ACS marking besides that says what its levels say; the level may then be the one that it has.
#[utoipa::path(post, path = "/api/v1/objects/{id}/marking", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")), request_body = MarkingChange,
    responses((status = 200, body = MarkingChanged), crate::api::CallerRefusal))]
async fn change_marking(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<MarkingChange>,
) -> Answer<Json<MarkingChanged>> {
    caller.demand_any(&state, &[Operation::WidenRelease, Operation::RestrictRelease])?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let level = sharing::level(&body.tlp)?;
    let reason = sharing::text("reason", &body.reason, TEXT_CHARS_MAX)?;
    let (work, is_proven) = (state.clone(), is_proven(&state, &caller).await?);
    let write = move |tx: &mut Tx<'_>| {
        let visible = work.door.visible(tx, &caller.principal)?;
        let row = objects::get(tx, caller.realm(), &visible, &id)?;
        let row = row.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?;
        let wanted = Wanted { level, reason: &reason, acs: body.acs };
        if !sharing::marking::is_stricter(tx, &caller, &row, &wanted)? {
            if !is_proven {
                return Err(sharing::unproven());
            }
            let (widening, event) = sharing::marking::propose(tx, &work, &caller, &row, &wanted)?;
            let proposal = Some(super::widenings::told(tx, &caller, widening)?);
            let answer = MarkingChanged { version: None, proposal, stricter: false, told: 0 };
            return Ok(Act::audited(answer, caller.realm(), event));
        }
        let changed = sharing::marking::change(tx, &work, &caller, &row, &wanted)?;
        let told = u64::try_from(changed.count).unwrap_or(u64::MAX);
        let (version, stricter) = (Some(changed.version), changed.stricter);
        let answer = MarkingChanged { version, proposal: None, stricter, told };
        Ok(Act::audited(answer, caller.realm(), changed.event))
    };
    Ok(Json(sharing::answered(state.store.write(write).await)?))
}

/// What an asker knows of an object.
struct Known {
    name: String,
    originator: OrganisationId,
    /// Whether it may see it; else it only knows that it is referred to.
    is_seen: bool,
}

/// An object that the caller may see, or that one it may see refers to. Whether the latter is here is not told: a request for what
/// is not here stays unanswered.
fn know(tx: &Tx<'_>, state: &AppState, caller: &Caller, id: &Id) -> Result<Known, StoreError> {
    let realm = caller.realm();
    let visible = state.door.visible(tx, &caller.principal)?;
    if let Some(row) = objects::get(tx, realm, &visible, id)? {
        let name = shown_name(&parse(&row)?).chars().take(LINE_CHARS_MAX).collect();
        return Ok(Known { name, originator: row.originator, is_seen: true });
    }
    if objects::referring_to(tx, realm, &visible, id, 1)?.is_empty() {
        return Err(StoreError::NotFound { what: id.to_string() });
    }
    let nobody =
        || OrganisationId::parse(Label::SEVERAL).ok_or_else(|| StoreError::Corrupt("nobody".to_owned()));
    let originator = match objects::originator(tx, realm, id)? {
        Some(originator) => originator,
        None => nobody()?,
    };
    Ok(Known { name: id.to_string(), originator, is_seen: false })
}

/// Writes an answer and does what it says.
fn carry_out(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    request: Request,
    later_versions: bool,
) -> Result<Act<Request>, StoreError> {
    let realm = caller.realm();
    let event = AuditEvent::done(Action::ReleaseAnswered, caller.actor.clone(), caller.purpose)
        .on([request.object.as_str()])
        .with("request", &request.id)
        .with("answer", request.state.name());
    let mut events = vec![event];
    let changed = |change: &str| {
        AuditEvent::done(Action::ReleaseChanged, caller.actor.clone(), caller.purpose)
            .on([request.object.as_str()])
            .with("request", &request.id)
            .with("recipient", request.recipient.as_str())
            .with("change", change)
    };
    let text = request.answer.clone().unwrap_or_default();
    match request.state {
        Stand::Ended => {
            sharing::end_grants(tx, realm, &request, &text)?;
            events.push(changed("grant-ended"));
            return Ok(Act::audited_all(request, realm, events));
        }
        Stand::Granted => {
            // Who was shown a copy asks for all of it.
            let original = redaction::original_of(tx, realm, &request.object)?;
            demand_widening(tx, state, caller, &original)?;
            let about = Request { object: original, ..request.clone() };
            if let Some(level) = request.tlp {
                remark(tx, state, caller, &about, level, &mut events)?;
            }
            sharing::grant(tx, realm, &about.object, &request.recipient)?;
            if later_versions {
                requests::stand(tx, realm, &about)?;
            }
            events.push(
                changed("granted")
                    .with("until", request.until.map(|at| at.to_string()).unwrap_or_default())
                    .with("later_versions", later_versions.to_string()),
            );
        }
        Stand::Refused | Stand::Offered | Stand::Withdrawn | Stand::Open => {}
    }
    requests::answer(tx, realm, &request, Stand::Open)?;
    let mut to = BTreeSet::from([request.asker.clone(), request.originator.clone()]);
    if request.state == Stand::Granted {
        to.insert(request.recipient.clone());
    }
    to.remove(&caller.principal.organisation);
    sharing::tell(tx, realm, to, ("release-answer", &request.id), (Some(&request.object), &text))?;
    Ok(Act::audited_all(request, realm, events))
}

/// The caller must be allowed to widen every version there is.
fn demand_widening(tx: &Tx<'_>, state: &AppState, caller: &Caller, id: &Id) -> Result<(), StoreError> {
    let visible = state.door.visible(tx, &caller.principal)?;
    let versions = objects::versions(tx, caller.realm(), &visible, id)?;
    if versions.is_empty() {
        return Err(StoreError::NotFound { what: id.to_string() });
    }
    let engine = state.engine.load();
    for row in versions {
        let label = labels::get(tx, caller.realm(), row.label)?;
        let label = label.ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))?;
        if label.unknown.contains(&sharing::recalled()) {
            return Err(sharing::unfit(
                "recalled",
                "the object is recalled; publish a corrected version first",
            ));
        }
        if !engine.check(&caller.principal, Operation::WidenRelease, &label) {
            return Err(sharing::refused());
        }
    }
    Ok(())
}

/// A request for another level is granted by a version that bears it; a freer one has to be confirmed by a second person, and is
/// proposed.
fn remark(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    request: &Request,
    level: Tlp,
    events: &mut Vec<AuditEvent>,
) -> Result<(), StoreError> {
    let visible = state.door.visible(tx, &caller.principal)?;
    let Some(row) = objects::get(tx, caller.realm(), &visible, &request.object)? else {
        return Ok(());
    };
    let label = labels::get(tx, caller.realm(), row.label)?;
    if label.is_some_and(|label| label.tlp.word() == level.name()) {
        return Ok(());
    }
    let wanted = Wanted { level, reason: &request.reason, acs: false };
    if !sharing::marking::is_stricter(tx, caller, &row, &wanted)? {
        let (_, event) = sharing::marking::propose(tx, state, caller, &row, &wanted)?;
        events.push(event.with("request", &request.id));
        return Ok(());
    }
    let changed = sharing::marking::change(tx, state, caller, &row, &wanted)?;
    events.push(changed.event);
    Ok(())
}

fn told(
    request: Request,
    own: &OrganisationId,
    (knows_originator, later_versions): (bool, bool),
) -> ReleaseRequest {
    ReleaseRequest {
        to_answer: request.originator == *own && request.state == Stand::Open,
        id: request.id,
        object: request.object.to_string(),
        name: request.name,
        originator: knows_originator.then(|| request.originator.as_str().to_owned()),
        asker: request.asker.as_str().to_owned(),
        recipient: request.recipient.as_str().to_owned(),
        tlp: request.tlp.map(|level| level.name().to_owned()),
        purpose: request.purpose.name().to_owned(),
        reason: request.reason,
        state: request.state.name().to_owned(),
        at: request.at.to_string(),
        answered: request.answered.map(|at| at.to_string()),
        answer: request.answer,
        conditions: request.conditions,
        until: request.until.map(|at| at.to_string()),
        later_versions,
    }
}
