//! Who can be given copies, at this hub and at others; and reports that are kept at other hubs, as organisations here have them.

use std::sync::Arc;

use api::{
    NewReportAnswer, Report as ReportAnswer, ReportReceiver, ReportReceiverHub, ReportReceiverList,
    ReportTaken, Words,
};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use oversight::{Action, AuditEvent, OrganisationRole};
use policy::{LabelKey, Operation, Visible};
use regime::{Attachment, Value};
use stix::Id;
use store::reports::contents::{self as content_rows, Wanted};
use store::{Act, StoreError, Tx, organisations, people, reports as rows};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::filings::{demand_cases, download};
use super::shown::similar;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::reports::Sent;
use crate::reports::abroad::{added, hub_of, is_given_reports, lets_pass, put, receivers};
use crate::reports::contents::{self, READER_WAIT};
use crate::reports::elsewhere::Elsewhere;
use crate::reports::passed::{Passed, Says, line};
use crate::reports::told::reply as reply_told;
use crate::room::names::{beginning, joined};
use crate::sharing::unfit;
use crate::state::AppState;

/// Longest text of an answer, in characters: as long as the report at the other hub takes.
const TEXT_CHARS_MAX: usize = 5_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Who can be given copies of one's own organisation's reports: the coordinator and the agencies of this council, and those of neighbouring
/// hubs, where an agreement lets reports through and the hub has told of them.
#[utoipa::path(get, path = "/api/v1/report-receivers", tag = "reports", security(("session" = []), ("token" = [])),
    responses((status = 200, body = ReportReceiverList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<ReportReceiverList>> {
    caller.demand(&state, Operation::WriteReports)?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let own = &caller.principal.organisation;
        let council = organisations::list(reader, caller.realm())?;
        let coordinator = council.iter().find(|one| one.role == OrganisationRole::Coordinator);
        let name = coordinator.map(|one| Words { ja: one.name_ja.clone(), en: one.name_en.clone() });
        let here = council.iter().filter(|one| is_given_reports(one.role) && one.id != *own);
        let here = here.map(|one| ReportReceiver {
            id: one.id.to_string(),
            name: Words { ja: one.name_ja.clone(), en: one.name_en.clone() },
        });
        let own_hub = ReportReceiverHub {
            hub: None,
            name: name.unwrap_or_else(|| Words { ja: String::new(), en: String::new() }),
            organisations: here.collect(),
        };
        let mut hubs = vec![own_hub];
        if *caller.realm() == REALM {
            for one in receivers(reader, &work.engine.load(), own)? {
                let told = ReportReceiver { id: one.name.to_string(), name: one.words };
                match hubs.last_mut().filter(|last| last.hub.as_ref() == Some(&one.peer.id)) {
                    Some(last) => last.organisations.push(told),
                    None => {
                        let words = hub_of(reader, &one.name)?.map(|(_, words)| words);
                        let bare = || Words { ja: one.peer.id.clone(), en: one.peer.id.clone() };
                        let name = words.unwrap_or_else(bare);
                        let hub = Some(one.peer.id.clone());
                        hubs.push(ReportReceiverHub { hub, name, organisations: vec![told] });
                    }
                }
            }
        }
        Ok(ReportReceiverList { hubs, as_of: reader.now().to_string() })
    });
    Ok(Json(found.await?))
}

/// Whether a report is kept here, or, as far as is known, at another hub.
///
/// # Errors
/// Those of the database.
pub(super) async fn is_kept(state: &AppState, caller: &Caller, id: &Id) -> Answer<bool> {
    let (realm, id) = (caller.realm().clone(), id.clone());
    let kept = state.store.read(move |reader| Ok(rows::head(reader, &realm, &id)?.is_some()));
    Ok(kept.await?)
}

/// A report of another hub, as the caller's organisation has it.
///
/// # Errors
/// Not found where it was given no copy that it may see.
pub(super) async fn get(state: &AppState, caller: Caller, id: Id) -> Answer<Json<ReportAnswer>> {
    if !caller.may(state, Operation::AnswerReports) {
        return Err(Failure::not_found());
    }
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let found = Elsewhere::seen(reader, &work, &asker, &id)?;
        let organisation = &asker.principal.organisation;
        let mut thread = Vec::new();
        for (reply, name) in found.replies(organisation) {
            let cases = similar(reader, &work, &asker, &reply.answer)?;
            thread.push(reply_told(&reply, (Some(organisation.to_string()), name), cases));
        }
        let answer = ReportAnswer {
            summary: found.summary(reader)?,
            version: 1,
            moments: Vec::new(),
            fields: Vec::new(),
            files: found.files(),
            duties: Vec::new(),
            filings: found.filings(&work.regimes, organisation),
            thread,
            findings: Vec::new(),
            events: Vec::new(),
            as_of: reader.now().to_string(),
        };
        Ok((answer, found.labels(), found.visible))
    });
    let (answer, labels, visible) = found.await?;
    Ok(Json(told(state, caller, &visible, (&labels, &[]), answer).await?))
}

/// Tells what was made of objects. That there is a copy, and of which form, is not the copy: in the ledger stands who was given that (`fresh`).
///
/// # Errors
/// As [`crate::release::Door::release_again`].
pub(super) async fn told<T>(
    state: &AppState,
    caller: Caller,
    visible: &Visible,
    (labels, fresh): (&[LabelKey], &[Leaving]),
    value: T,
) -> Answer<T> {
    let recipient = Recipient { caller, door: "reports" };
    let parts = (labels, fresh);
    let released =
        state.door.release_again(&state.store, &state.metrics, &recipient, visible, parts, value).await?;
    Ok(released.into_inner())
}

/// Which part of a filing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The exact copy.
    Copy,
    /// The receipt.
    Receipt,
}

/// A copy that came from another hub, or its receipt; that it is read is written down before it leaves.
///
/// # Errors
/// Not found where the caller's organisation was given none that it may see; 503 while the receipt is on its way.
pub(super) async fn bytes(
    state: &AppState,
    caller: Caller,
    (id, event): (Id, String),
    asked: Asked,
) -> Answer<Response> {
    if !caller.may(state, Operation::AnswerReports) {
        return Err(Failure::not_found());
    }
    let (work, asker, name) = (state.clone(), caller.clone(), event.clone());
    let read = move |tx: &mut Tx<'_>| {
        let found = Elsewhere::seen(tx, &work, &asker, &id)?;
        let copy = found.copy(&event, &asker.principal.organisation);
        let (filed, leaving) = copy.ok_or_else(|| StoreError::NotFound { what: event.clone() })?;
        let given = match asked {
            Asked::Copy => Some((filed.copy, leaving.clone())),
            Asked::Receipt => {
                found.receipt(&event).map(|(proof, leaving)| (proof.as_bytes().to_vec(), leaving.clone()))
            }
        };
        let visible = Arc::clone(&found.visible);
        if asked == Asked::Receipt {
            return Ok(Act::bookkeeping((given, visible)));
        }
        let act = AuditEvent::done(Action::ReportRead, asker.actor.clone(), asker.purpose)
            .on([id.as_str()])
            .with("event", event);
        Ok(Act::audited((given, visible), asker.realm(), act))
    };
    let (given, visible) = state.store.write(read).await?;
    let (given, leaving) = given.ok_or_else(crate::reports::receipts::too_early)?;
    let fresh = [leaving];
    let labels = fresh.each_ref().map(|leaving| leaving.label);
    let given = told(state, caller, &visible, (&labels, &fresh), given).await?;
    let ending = if asked == Asked::Copy { "json" } else { "tlog-proof" };
    Ok(download(&format!("{name}.{ending}"), given))
}

/// A file that a copy from another hub lists. One that is not here yet is fetched from the hub that gave the copy; that it is read is written down
/// before it leaves.
///
/// # Errors
/// Not found where no copy lists it that the caller's organisation may see; [`contents::NotBrought`] where it cannot be had.
pub(super) async fn file(state: &AppState, caller: Caller, (id, sha256): (Id, String)) -> Answer<Response> {
    if !caller.may(state, Operation::AnswerReports) {
        return Err(Failure::not_found());
    }
    let (work, asker, asked) = (state.clone(), caller.clone(), (id.clone(), sha256.clone()));
    let look = move |tx: &mut Tx<'_>| {
        let (id, sha256) = asked;
        let Listed { file, object, .. } = Listed::find(tx, &work, &asker, (&id, &sha256))?;
        if content_rows::is_here(tx, &REALM, &id, &sha256)? {
            return Ok(Act::bookkeeping(None));
        }
        // Its copy may have come before it was noted what copies list.
        content_rows::list(tx, &REALM, (&id, &object), (&sha256, file.size))?;
        Ok(Act::bookkeeping(Some(Wanted { report: id, sha256, size: file.size, attempts: 0 })))
    };
    if let Some(wanted) = state.store.write(look).await? {
        contents::bring(state, &wanted, READER_WAIT).await?;
    }
    let (work, asker, sealed_for) = (state.clone(), caller.clone(), contents::purpose(&id, &sha256));
    let read = move |tx: &mut Tx<'_>| {
        let listed = Listed::find(tx, &work, &asker, (&id, &sha256))?;
        let sealed = content_rows::content(tx, &REALM, &id, &sha256)?;
        let sealed = sealed.ok_or_else(|| StoreError::NotFound { what: sha256.clone() })?;
        let act = AuditEvent::done(Action::ReportRead, asker.actor.clone(), asker.purpose)
            .on([id.as_str()])
            .with("sha256", sha256);
        Ok(Act::audited((listed, sealed), asker.realm(), act))
    };
    let (listed, sealed) = state.store.write(read).await?;
    let content = state.vault.open_bytes(&sealed_for, &sealed).map_err(Failure::internal)?;
    let fresh = [listed.leaving];
    let labels = fresh.each_ref().map(|leaving| leaving.label);
    let content = told(state, caller, &listed.visible, (&labels, &fresh), content).await?;
    Ok(download(&listed.file.name, content))
}

/// A file that a copy lists which the caller's organisation may see.
struct Listed {
    file: Attachment,
    /// The object that brought the copy, and its way out.
    object: Id,
    leaving: Leaving,
    visible: Arc<Visible>,
}

impl Listed {
    /// # Errors
    /// Not found where no such copy lists it.
    fn find(
        tx: &Tx<'_>,
        state: &AppState,
        caller: &Caller,
        (id, sha256): (&Id, &str),
    ) -> Result<Self, StoreError> {
        let found = Elsewhere::seen(tx, state, caller, id)?;
        let listed = found.file(sha256).map(|(file, object, leaving)| (file, object, leaving.clone()));
        let (file, object, leaving) =
            listed.ok_or_else(|| StoreError::NotFound { what: sha256.to_owned() })?;
        Ok(Self { file, object, leaving, visible: found.visible })
    }
}

/// Answers a copy that came from another hub: the answer is an object for whoever gave it.
///
/// # Errors
/// Not found where the caller's organisation was given no such copy; why it cannot be answered.
pub(super) async fn answer(
    state: &AppState,
    caller: Caller,
    (id, sent): (Id, Sent),
    (body, said): (NewReportAnswer, regime::Answer),
) -> Answer<Json<ReportTaken>> {
    if !caller.may(state, Operation::AnswerReports) {
        return Err(Failure::not_found());
    }
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let found = Elsewhere::seen(tx, &work, &caller, &id)?;
        let organisation = &caller.principal.organisation;
        let (filed, _) = found
            .copy(&body.filing, organisation)
            .ok_or_else(|| StoreError::NotFound { what: body.filing.clone() })?;
        let taken =
            |events, already| ReportTaken { id: id.to_string(), events, already, findings: Vec::new() };
        if !sent.note(tx, &caller, &id)? {
            return Ok(Act::bookkeeping((taken(Vec::new(), true), false)));
        }
        demand_text(&said)?;
        if let regime::Answer::SimilarCases { ids } = &said {
            demand_cases(tx, &work, &caller, ids)?;
        }
        let peer = hub_of(tx, &found.came.giver)?.map(|(peer, _)| peer);
        let passes = match &peer {
            Some(peer) => lets_pass(tx, &work.engine.load(), peer, organisation)?,
            None => false,
        };
        if !passes {
            let why = "no agreement lets an answer of yours through to the hub that the copy came from";
            return Err(unfit("not-agreed", why));
        }
        let name = people::get(tx, caller.realm(), caller.id())?.and_then(|person| line(&person.name));
        let passed = Passed {
            report: id.clone(),
            filing: filed.event,
            from: joined(&beginning(&work.federation.own.hub), organisation)?,
            to: found.came.giver.clone(),
            at: tx.now(),
            says: Says::Answered { answer: said, name },
        };
        let put = put(tx, &work, organisation, &passed)?;
        rows::abroad::take(tx, &REALM, organisation, (&id, &found.came.giver))?;
        let act = AuditEvent::done(Action::ReportAnswered, caller.actor.clone(), caller.purpose)
            .on([id.as_str(), put.object.as_str()])
            .with("filing", filed.event.to_string())
            .with("answer", &body.answer);
        let acts = vec![act, added(caller.actor.clone(), caller.purpose, &put.object)];
        let answer = (taken(vec![put.object.to_string()], false), put.has_new_circle);
        Ok(Act::audited_all(answer, caller.realm(), acts))
    };
    let (answer, has_new_circle) = state.store.write(write).await?;
    renewed(state, has_new_circle).await?;
    Ok(Json(answer))
}

/// What the report at the other hub would not take is told to whoever writes it.
fn demand_text(said: &regime::Answer) -> Result<(), StoreError> {
    let (regime::Answer::Advice { text } | regime::Answer::Requested { text }) = said else { return Ok(()) };
    let is_good = !text.trim().is_empty()
        && text.chars().count() <= TEXT_CHARS_MAX
        && Value::text(text) == Value::Text(text.clone());
    if is_good {
        return Ok(());
    }
    Err(unfit("answer-text", "text: it has 1 to 5,000 characters, and none that is not seen"))
}

/// What is limited to somebody new is decided on at once.
///
/// # Errors
/// The policies cannot be renewed.
pub(super) async fn renewed(state: &AppState, has_new_circle: bool) -> Answer<()> {
    if has_new_circle {
        state.policies.renew().await.map_err(Failure::internal)?;
    }
    Ok(())
}
