//! `/api/v1/runs`: playbooks being carried out, under human authority.

use std::collections::BTreeMap;

use api::{
    Code, NewRun, Run as RunAnswer, RunAnswer as Decision, RunCancel, RunFound, RunList, RunPause,
    RunTaskDone, RunTaskFailed,
};
use axum::Json;
use axum::extract::{Path, State};
use cacao::CommandKind;
use cacao::run::{Answer as Outcome, Found, Hash, Key, Person, Start, Values, What};
use jiff::Timestamp;
use oversight::{Action, AuditEvent, OrganisationRole};
use policy::Operation;
use serde::Deserialize;
use serde_json::Value;
use stix::Id;
use store::runs::{self as rows, Approval};
use store::secrets::SecretHash;
use store::{Act, Reader, StoreError, Tx, cases, labels, objects, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::fresh_proof;
use crate::REALM;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::runs::drive::{self, Driven};
use crate::runs::told::{self, Names, RunView};
use crate::runs::{account, alone, is_program, limits, load, run_id};
use crate::sharing::{LINE_CHARS_MAX, text, unfit};
use crate::state::AppState;

/// Runs of one answer.
const LISTED_MAX: usize = 200;
/// Rows that are looked through for one answer.
const LOOKED_MAX: usize = 2_000;
/// Values that a run is started with.
const VALUES_MAX: usize = 200;
/// Longest value, in characters.
const VALUE_CHARS_MAX: usize = 10_000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(get))
        .routes(routes!(approve))
        .routes(routes!(approve_alone))
        .routes(routes!(refuse))
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(go_on))
        .routes(routes!(task_done))
        .routes(routes!(task_failed))
        .routes(routes!(reconcile))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunQuery {
    /// What an answer before gave as `next`.
    after: Option<String>,
    /// How many, at most 200; 50 where absent.
    limit: Option<usize>,
    /// Those that answer this case alone.
    case: Option<String>,
}

/// Runs, the newest first: one's own organisation's, and those that asked for its approval, as far as their case may be seen.
#[utoipa::path(get, path = "/api/v1/runs", tag = "response", security(("session" = []), ("token" = [])), params(RunQuery),
    responses((status = 200, body = RunList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<RunQuery>,
) -> Answer<Json<RunList>> {
    caller.demand(&state, Operation::ReadRuns)?;
    let limit = query.limit.unwrap_or(50).clamp(1, LISTED_MAX);
    let mut before = query.after.as_deref().map(place).transpose()?;
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let names = Names::for_viewer(reader, &caller.principal.organisation)?;
        let (mut runs, mut looked, mut next) = (Vec::new(), 0, None);
        loop {
            let from = before.as_ref().map(|(at, id)| (*at, id.as_str()));
            let page = rows::list(reader, &REALM, from, LISTED_MAX)?;
            let is_last = page.len() < LISTED_MAX;
            looked += page.len();
            for row in page {
                let here = (row.begun.started, row.begun.id.clone());
                let of_case = query
                    .case
                    .as_ref()
                    .is_none_or(|case| row.begun.case.as_ref().is_some_and(|id| id.as_str() == case));
                if of_case && sees(reader, &work, &caller, &row)? {
                    if runs.len() == limit {
                        next = before.take();
                        return Ok(RunList { runs, next: next.map(written) });
                    }
                    let shelved = work.response.shelf.begun(reader, &row.begun)?;
                    runs.push(told::run_summary(reader, &names, (&row, &shelved))?);
                }
                before = Some(here);
            }
            if is_last {
                break;
            }
            if looked >= LOOKED_MAX {
                next = before.take();
                break;
            }
        }
        Ok(RunList { runs, next: next.map(written) })
    });
    Ok(Json(found.await?))
}

fn written((at, id): (Timestamp, String)) -> String {
    format!("{}_{id}", at.as_microsecond())
}

/// The place in the list after a run.
pub(super) fn place(after: &str) -> Answer<(Timestamp, String)> {
    let read = || {
        let (micros, id) = after.split_once('_')?;
        Some((Timestamp::from_microsecond(micros.parse().ok()?).ok()?, id.to_owned()))
    };
    read().ok_or_else(|| Failure::new(Code::BadRequest, "after: give back what an answer gave as `next`"))
}

/// Whether a run is there for a caller: its organisation's own, or one that asked for its approval (the coordinator keeps watch over all), whose case
/// it may see.
fn sees(reader: &Reader<'_>, state: &AppState, caller: &Caller, row: &rows::Run) -> Result<bool, StoreError> {
    let own = &caller.principal.organisation;
    if row.begun.organisation == *own {
        return Ok(true);
    }
    let watches = caller.principal.organisation_role == OrganisationRole::Coordinator;
    let is_asked = match &row.outline.approvers {
        None => false,
        Some(all) if all.is_empty() => true,
        Some(all) => {
            let own = organisations::get(reader, &REALM, own)?;
            own.is_some_and(|own| all.iter().any(|identity| identity == own.identity.as_str()))
        }
    };
    if !watches && !is_asked {
        return Ok(false);
    }
    let Some(case) = &row.begun.case else { return Ok(true) };
    let label = match objects::standing_label(reader, &REALM, case)? {
        Some(key) => labels::get(reader, &REALM, key)?,
        None => None,
    };
    Ok(label.is_some_and(|label| state.engine.load().check(&caller.principal, Operation::Read, &label)))
}

/// A run that is there for the caller.
fn seen(reader: &Reader<'_>, state: &AppState, caller: &Caller, id: &str) -> Result<rows::Run, StoreError> {
    let missing = || StoreError::NotFound { what: id.to_owned() };
    let row = rows::get(reader, &REALM, id)?.ok_or_else(missing)?;
    if sees(reader, state, caller, &row)? { Ok(row) } else { Err(missing()) }
}

/// One of the caller's own organisation.
fn own(reader: &Reader<'_>, state: &AppState, caller: &Caller, id: &str) -> Result<rows::Run, StoreError> {
    let row = seen(reader, state, caller, id)?;
    if row.begun.organisation == caller.principal.organisation {
        return Ok(row);
    }
    Err(unfit("run-not-allowed-organisation", "people of the organisation that asked for the run do this"))
}

/// Start a playbook.
///
/// `id` is made by whoever asks: sent again, it is the same run. Nothing is carried out by this alone: manual steps become tasks, and what would
/// be ordered is asked about first.
#[utoipa::path(post, path = "/api/v1/runs", tag = "response", security(("session" = []), ("token" = [])),
    request_body = NewRun, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn start(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewRun>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let values = values(new.variables)?;
    let case = new.case.as_deref().map(Id::parse).transpose();
    let case = case.map_err(|error| Failure::rule("identifier", format!("case: {error}")))?;
    let id = run_id(&caller.principal.organisation, new.id);
    let (work, asker, name) = (state.clone(), caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let own = asker.principal.organisation.clone();
        if let Some(case) = &case {
            let visible = work.door.visible(tx, &asker.principal)?;
            if cases::get(tx, &REALM, &visible, case)?.is_none() {
                return Err(unfit("no-such-case", "case: there is no such case that you may see"));
            }
        }
        let line = work.response.shelf.line(tx, &own, &new.playbook)?;
        let wanted = |version: &str| new.version.as_deref().is_none_or(|wanted| wanted == version);
        let shelved = line.iter().find(|shelved| wanted(shelved.modified()));
        let shelved = shelved
            .ok_or_else(|| unfit("no-such-playbook", "playbook: there is no such playbook or version"))?;
        let runnable = shelved.runnable(&work.response.config, &own, tx.now());
        let runnable =
            runnable.map_err(|refused| unfit("playbook-not-runnable", format!("playbook: {refused}")))?;
        let begun = rows::NewRun {
            id: name,
            organisation: own,
            person: account(&asker),
            case,
            playbook: shelved.playbook.id.clone(),
            version: shelved.modified().to_owned(),
            playbook_of: shelved.organisation().cloned(),
            digest: hex::encode(shelved.playbook.digest()),
            started: tx.now(),
            dry_run: new.dry_run,
        };
        if !rows::open(tx, &REALM, &begun)? {
            return Ok(Act::bookkeeping(Driven::default()));
        }
        let start = Start {
            run: begun.id.clone(),
            requester: Person { person: begun.person.clone(), organization: identity(tx, &asker)? },
            arguments: values,
            limits: limits(),
            dry_run: begun.dry_run,
        };
        let row = rows::get(tx, &REALM, &begun.id)?;
        let row = row.ok_or_else(|| StoreError::Corrupt(format!("run {}", begun.id)))?;
        let event =
            did(&asker, "start").on([begun.playbook.as_str()]).with("version", begun.version.as_str());
        let event = match &begun.case {
            Some(case) => event.on([case.as_str()]),
            None => event,
        };
        let others = work.response.shelf.of_run(tx, &begun)?;
        drive::begin(tx, &work.response, (&row, start), (&runnable, &others), event)
    };
    drove(&state, state.store.write(write).await)?;
    shown(&state, caller, &id).await
}

fn values(given: BTreeMap<String, Value>) -> Answer<Values> {
    let is_good = |value: &Value| match value {
        Value::String(text) => text.chars().count() <= VALUE_CHARS_MAX,
        Value::Object(_) => value.to_string().len() <= VALUE_CHARS_MAX,
        _ => false,
    };
    if given.len() > VALUES_MAX || !given.values().all(is_good) {
        let why = format!("at most {VALUES_MAX}, each a text of at most {VALUE_CHARS_MAX} characters");
        return Err(Failure::rule("variables-size", format!("variables: {why}")));
    }
    Ok(Values(given))
}

/// The STIX identity that a caller acts for.
pub(super) fn identity(reader: &Reader<'_>, caller: &Caller) -> Result<String, StoreError> {
    let own = organisations::get(reader, &REALM, &caller.principal.organisation)?;
    let own = own.ok_or_else(|| StoreError::NotFound { what: caller.principal.organisation.to_string() })?;
    Ok(own.identity.to_string())
}

pub(super) fn did(caller: &Caller, what: &str) -> AuditEvent {
    AuditEvent::done(Action::RunChanged, caller.actor.clone(), caller.purpose).with("did", what)
}

/// Wakes who waits for what was ordered; says what a run did not take.
pub(super) fn drove(state: &AppState, result: Result<Driven, StoreError>) -> Answer<()> {
    match result {
        Ok(driven) => {
            if driven.has_ordered {
                state.response.wake();
            }
            Ok(())
        }
        Err(StoreError::Abandoned { code, message }) if code.starts_with(drive::NOT_NOW) => {
            Err(Failure::new(Code::Conflict, message).because(code))
        }
        Err(StoreError::Abandoned { code, message }) if code.starts_with(drive::NOT_THIS_PERSON) => {
            Err(Failure::new(Code::NotAllowed, message).because(code))
        }
        Err(error) => Err(error.into()),
    }
}

/// A run, whole: where it stands, its graph, what it asks with exactly what would be carried out, its tasks, what happened.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier")),
    responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::ReadRuns)?;
    shown(&state, caller, &id).await
}

async fn shown(state: &AppState, caller: Caller, id: &str) -> Answer<Json<RunAnswer>> {
    let (work, id) = (state.clone(), id.to_owned());
    let found = state.store.read(move |reader| {
        let row = seen(reader, &work, &caller, &id)?;
        let shelved = work.response.shelf.begun(reader, &row.begun)?;
        let (run, logged) = load(reader, &work.response, &row)?;
        let names = Names::for_viewer(reader, &caller.principal.organisation)?;
        let approvals = rows::approvals(reader, &REALM, &row.begun.id)?;
        let view = RunView {
            state: &work,
            caller: &caller,
            names: &names,
            row: &row,
            shelved: &shelved,
            run: &run,
            approvals: &approvals,
        };
        told::run(reader, &view, &logged)
    });
    Ok(Json(found.await?))
}

/// Agree to exactly what was shown.
///
/// For approvers, in person, with a sign-in no older than 15 minutes (`fresh-proof-needed`), and never for what one asked for oneself. It is
/// bound to `hash`: where something else would be carried out by now it is refused (409). It counts as long as its session is not revoked and
/// its person may approve, which is looked at again before anything is ordered.
#[utoipa::path(post, path = "/api/v1/runs/{id}/questions/{number}/approve", tag = "response", security(("session" = [])),
    params(("id" = String, Path, description = "the run's identifier"), ("number" = u32, Path, description = "the question's number")),
    request_body = Decision, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn approve(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, number)): Path<(String, u32)>,
    JsonBody(body): JsonBody<Decision>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::ApproveActions)?;
    let session = fresh_proof(&state, &caller).await?;
    let reason = reason(body.reason.as_deref())?;
    let given = Given { id, number, hash: body.hash, reason, session };
    answer_question(&state, caller, given, Word::Agrees).await
}

/// Agree alone to exactly what was shown, in an emergency.
///
/// As agreeing, where the playbook and this hub's operator let one person do so. Its effect lasts for the shorter time that both allow. The
/// coordinator, the oversight organisation and everybody who was asked are told at once, and it stands open until somebody of another
/// organisation has reviewed it (`/api/v1/lone-approvals`). `reason` is needed.
#[utoipa::path(post, path = "/api/v1/runs/{id}/questions/{number}/approve-alone", tag = "response", security(("session" = [])),
    params(("id" = String, Path, description = "the run's identifier"), ("number" = u32, Path, description = "the question's number")),
    request_body = Decision, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn approve_alone(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, number)): Path<(String, u32)>,
    JsonBody(body): JsonBody<Decision>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::ApproveActions)?;
    let session = fresh_proof(&state, &caller).await?;
    let reason = text("reason", body.reason.as_deref().unwrap_or_default(), LINE_CHARS_MAX)?;
    let given = Given { id, number, hash: body.hash, reason: Some(reason), session };
    answer_question(&state, caller, given, Word::AgreesAlone).await
}

/// Refuse what was shown: the step goes the way of its failure.
///
/// For approvers, in person, with a sign-in no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/runs/{id}/questions/{number}/refuse", tag = "response", security(("session" = [])),
    params(("id" = String, Path, description = "the run's identifier"), ("number" = u32, Path, description = "the question's number")),
    request_body = Decision, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn refuse(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, number)): Path<(String, u32)>,
    JsonBody(body): JsonBody<Decision>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::ApproveActions)?;
    let session = fresh_proof(&state, &caller).await?;
    let reason = text("reason", body.reason.as_deref().unwrap_or_default(), LINE_CHARS_MAX)?;
    let given = Given { id, number, hash: body.hash, reason: Some(reason), session };
    answer_question(&state, caller, given, Word::Refuses).await
}

fn reason(given: Option<&str>) -> Answer<Option<String>> {
    let given = given.map(str::trim).filter(|reason| !reason.is_empty());
    given.map(|reason| text("reason", reason, LINE_CHARS_MAX)).transpose()
}

/// An answer to a question.
struct Given {
    id: String,
    number: u32,
    hash: String,
    reason: Option<String>,
    session: SecretHash,
}

/// What somebody says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Agrees,
    AgreesAlone,
    Refuses,
}

impl Word {
    fn name(self) -> &'static str {
        match self {
            Self::Agrees => "approve",
            Self::AgreesAlone => "approve-alone",
            Self::Refuses => "refuse",
        }
    }
}

async fn answer_question(
    state: &AppState,
    caller: Caller,
    given: Given,
    word: Word,
) -> Answer<Json<RunAnswer>> {
    let (work, asker, id) = (state.clone(), caller.clone(), given.id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let row = seen(tx, &work, &asker, &given.id)?;
        let own = row.begun.organisation == asker.principal.organisation;
        if is_program(&row.begun.person) && own {
            return Err(unfit(
                "run-not-allowed-program",
                "a program of your organisation asked: another organisation approves",
            ));
        }
        let question = usize::try_from(given.number).unwrap_or(usize::MAX);
        let (run, _) = load(tx, &work.response, &row)?;
        let open = run.question(question);
        let open = open.ok_or_else(|| unfit("run-not-now-closed", "the question is not open"))?;
        if open.hash.0 != given.hash {
            let why = "what was shown is not what would be carried out: look again";
            return Err(unfit("run-not-now-changed", why));
        }
        let by = Person { person: asker.id().to_owned(), organization: identity(tx, &asker)? };
        if word == Word::AgreesAlone && work.response.config.break_glass_max_ms == 0 {
            return Err(unfit(
                "run-not-allowed-nobody-alone",
                "this hub's operator lets nobody approve alone",
            ));
        }
        let event = did(&asker, word.name())
            .with("question", given.number.to_string())
            .with("hash", given.hash.as_str())
            .with("step", run.asked_at(question).unwrap_or_default());
        let event = match &given.reason {
            Some(reason) => event.with("reason", reason.as_str()),
            None => event,
        };
        let what = if word == Word::Refuses {
            What::ApprovalRefused { question, by, reason: given.reason }
        } else {
            let approval = Approval {
                question: given.number,
                person: by.person.clone(),
                organisation: asker.principal.organisation.clone(),
                session: given.session,
                at: tx.now(),
                revoked: false,
            };
            rows::approve(tx, &REALM, &row.begun.id, &approval)?;
            let alone = word == Word::AgreesAlone;
            if alone {
                let about = (&row, &open.approval, run.asked_at(question).unwrap_or_default());
                alone::opened(
                    tx,
                    about,
                    &approval,
                    (&given.hash, given.reason.as_deref().unwrap_or_default()),
                )?;
            }
            What::ApprovalGiven { question, hash: Hash(given.hash), by, reason: given.reason, alone }
        };
        drive::advance(tx, &work.response, &row, (vec![what], Some(event)))
    };
    drove(state, state.store.write(write).await)?;
    shown(state, caller, &id).await
}

/// Stop a run: nothing more is begun, and with `undo` what was done is undone.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier")), request_body = RunCancel,
    responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RunCancel>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let reason = text("reason", &body.reason, LINE_CHARS_MAX)?;
    let event = did(&caller, "cancel").with("reason", reason.as_str()).with("undo", body.undo.to_string());
    let undo = body.undo;
    happen(&state, caller, id, event, move |by, _| Ok(What::Cancelled { by, reason, undo })).await
}

/// Let a run begin nothing new until it is told to go on. What left is not taken back, timeouts run on, and effects end at their time.
#[utoipa::path(post, path = "/api/v1/runs/{id}/pause", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier")), request_body = RunPause,
    responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn pause(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RunPause>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let reason = text("reason", &body.reason, LINE_CHARS_MAX)?;
    let event = did(&caller, "pause").with("reason", reason);
    happen(&state, caller, id, event, |by, _| Ok(What::Paused { by })).await
}

/// Let a paused run go on.
#[utoipa::path(post, path = "/api/v1/runs/{id}/continue", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier")), request_body = RunPause,
    responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn go_on(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RunPause>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let reason = text("reason", &body.reason, LINE_CHARS_MAX)?;
    let event = did(&caller, "continue").with("reason", reason);
    happen(&state, caller, id, event, |by, _| Ok(What::Continued { by })).await
}

/// Say that a manual step was done, with what it gives back.
#[utoipa::path(post, path = "/api/v1/runs/{id}/tasks/{key}/done", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier"), ("key" = String, Path, description = "the task's key")),
    request_body = RunTaskDone, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn task_done(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    JsonBody(body): JsonBody<RunTaskDone>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let outputs = values(body.values)?;
    task(&state, caller, (id, key), Outcome::Done { outputs }).await
}

/// Say that a manual step could not be done: it goes the way of its failure.
#[utoipa::path(post, path = "/api/v1/runs/{id}/tasks/{key}/failed", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier"), ("key" = String, Path, description = "the task's key")),
    request_body = RunTaskFailed, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn task_failed(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    JsonBody(body): JsonBody<RunTaskFailed>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let reason = text("reason", &body.reason, LINE_CHARS_MAX)?;
    task(&state, caller, (id, key), Outcome::Failed { reason }).await
}

/// People answer for what people do, and for nothing else: what an edge or an agent did it says itself.
async fn task(
    state: &AppState,
    caller: Caller,
    (id, key): (String, String),
    answer: Outcome,
) -> Answer<Json<RunAnswer>> {
    let event = did(&caller, "task").with("key", key.as_str());
    happen(state, caller, id, event, move |_, run| {
        let is_task =
            run.orders().any(|(order, _, _)| order.key.0 == key && order.command.kind == CommandKind::Manual);
        if !is_task {
            return Err(StoreError::NotFound { what: key });
        }
        Ok(What::Answered { key: Key(key), answer })
    })
    .await
}

/// Say what was found out about a command of which nobody knew what became.
#[utoipa::path(post, path = "/api/v1/runs/{id}/commands/{key}/reconcile", tag = "response", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the run's identifier"), ("key" = String, Path, description = "the command's key")),
    request_body = RunFound, responses((status = 200, body = RunAnswer), crate::api::CallerRefusal))]
async fn reconcile(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    JsonBody(body): JsonBody<RunFound>,
) -> Answer<Json<RunAnswer>> {
    caller.demand(&state, Operation::RunPlaybooks)?;
    let found = match body {
        RunFound::Happened { values: given } => Found::Happened { outputs: values(given)? },
        RunFound::NotHappened => Found::NotHappened,
        RunFound::Failed { reason } => Found::Failed { reason: text("reason", &reason, LINE_CHARS_MAX)? },
    };
    let event = did(&caller, "reconcile").with("key", key.as_str());
    happen(&state, caller, id, event, move |by, run| {
        if !run.orders().any(|(order, _, _)| order.key.0 == key) {
            return Err(StoreError::NotFound { what: key });
        }
        Ok(What::Reconciled { key: Key(key), found, by })
    })
    .await
}

/// Something that a person of the organisation that asked does in a run.
async fn happen(
    state: &AppState,
    caller: Caller,
    id: String,
    event: AuditEvent,
    what: impl FnOnce(Person, &cacao::run::Run) -> Result<What, StoreError> + Send + 'static,
) -> Answer<Json<RunAnswer>> {
    let (work, asker, name) = (state.clone(), caller.clone(), id.clone());
    let write = move |tx: &mut Tx<'_>| {
        let row = own(tx, &work, &asker, &name)?;
        let (run, _) = load(tx, &work.response, &row)?;
        let by = Person { person: account(&asker), organization: identity(tx, &asker)? };
        let what = what(by, &run)?;
        drive::advance(tx, &work.response, &row, (vec![what], Some(event)))
    };
    drove(state, state.store.write(write).await)?;
    shown(state, caller, &id).await
}
