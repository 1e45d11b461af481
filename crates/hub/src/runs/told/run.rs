//! Runs as they are shown: where they stand, what they ask, what happened.

use std::collections::BTreeMap;

use api::{
    CodedText, GateReason, OrderPerson, RunCommand, RunDispatch, RunEvent, RunQuestion, RunRadius, RunState,
    RunStep, RunSummary, RunTask, RunVariable, Words,
};
use cacao::run::{
    Addressee, Answer, Event, Found, Order, OrderStatus, Outcome, Person, QuestionState, Run, StepState, What,
};
use cacao::{Command, CommandKind, Playbook, Variable};
use oversight::reason::AnswerReason;
use policy::Operation;
use store::runs::{self as rows, Approval, Logged};
use store::{Reader, StoreError};

use super::playbook::told_rollout;
use super::{Names, graph, words};
use crate::principal::Caller;
use crate::runs::shelf::Shelved;
use crate::runs::{gates, is_program};
use crate::state::AppState;

/// A run in a list.
///
/// # Errors
/// Those of the database.
pub(crate) fn summary(
    reader: &Reader<'_>,
    names: &Names,
    (row, shelved): (&rows::Run, &Shelved),
) -> Result<RunSummary, StoreError> {
    let (begun, outline) = (&row.begun, &row.outline);
    let by = (begun.person.as_str(), &begun.organisation);
    Ok(RunSummary {
        id: begun.id.clone(),
        playbook: begun.playbook.clone(),
        version: begun.version.clone(),
        name: words(&shelved.playbook, "/name", &shelved.playbook.name),
        case: begun.case.as_ref().map(ToString::to_string),
        state: state(&outline.state),
        why: outline.why.clone(),
        why_reason: outline.why.as_deref().and_then(GateReason::of),
        requested_by: names.person(reader, by, begun.started.to_string())?,
        organisation: begun.organisation.to_string(),
        started: begun.started.to_string(),
        changed: row.changed.to_string(),
        ended: outline.ended.map(|at| at.to_string()),
        questions: outline.questions,
        tasks: outline.tasks,
        unknown: outline.unknown,
        dry_run: begun.dry_run,
    })
}

fn state(name: &str) -> RunState {
    match name {
        "running" => RunState::Running,
        "paused" => RunState::Paused,
        "succeeded" => RunState::Succeeded,
        "failed" => RunState::Failed,
        "cancelled" => RunState::Cancelled,
        _ => RunState::Waiting,
    }
}

/// All that is looked at when a run is shown to somebody.
pub(crate) struct RunView<'v> {
    pub(crate) state: &'v AppState,
    pub(crate) caller: &'v Caller,
    pub(crate) names: &'v Names,
    pub(crate) row: &'v rows::Run,
    pub(crate) shelved: &'v Shelved,
    pub(crate) run: &'v Run,
    pub(crate) approvals: &'v [Approval],
}

impl RunView<'_> {
    fn playbook(&self) -> &Playbook {
        &self.shelved.playbook
    }

    fn is_own(&self) -> bool {
        self.row.begun.organisation == self.caller.principal.organisation
    }

    /// The name of a step of the run's own playbook.
    fn step_name(&self, step: &str) -> Option<Words> {
        let name = self.playbook().workflow.get(step)?.name.as_ref()?;
        Some(words(self.playbook(), &format!("/workflow/{step}/name"), name))
    }

    fn person(&self, reader: &Reader<'_>, by: &Person, at: String) -> Result<OrderPerson, StoreError> {
        match self.names.of_identity(&by.organization) {
            Some(organisation) => self.names.person(reader, (&by.person, &organisation.id), at),
            None => Ok(OrderPerson { organisation: by.organization.clone(), name: None, at }),
        }
    }
}

/// A run, whole.
///
/// # Errors
/// Those of the database.
pub(crate) fn whole(
    reader: &Reader<'_>,
    view: &RunView<'_>,
    logged: &[Logged],
) -> Result<api::Run, StoreError> {
    let mut questions = Vec::new();
    for (number, _, _, _) in view.run.questions() {
        questions.push(question(reader, view, number)?);
    }
    questions.reverse();
    let steps = view.run.steps().map(|(playbook, step, state)| RunStep {
        playbook: playbook.id.clone(),
        step: step.to_owned(),
        state: match state {
            StepState::Delayed => "delayed",
            StepState::UnderWay => "under_way",
            StepState::Over => "over",
        }
        .to_owned(),
    });
    let variables = view.run.variables().into_iter().flatten();
    let variables = variables.map(|(name, variable)| told_variable(view.playbook(), name, variable));
    let mut tasks: Vec<RunTask> = view.run.orders().filter(is_manual).map(|one| task(view, one)).collect();
    tasks.sort_by_key(|task| task.state != "open" && task.state != "unknown");
    let mut commands: Vec<RunDispatch> =
        view.run.orders().filter(|one| !is_manual(one)).map(dispatched).collect();
    let left = left_at(logged);
    commands.sort_by_key(|one| left.get(&one.command.key).copied().unwrap_or(u64::MAX));
    Ok(api::Run {
        summary: summary(reader, view.names, (view.row, view.shelved))?,
        graph: graph(view.playbook()),
        steps: steps.collect(),
        variables: variables.collect(),
        questions,
        tasks,
        commands,
        events: events(reader, view, logged)?,
        may_cancel: view.is_own()
            && view.row.outline.ended.is_none()
            && view.caller.may(view.state, Operation::RunPlaybooks),
    })
}

type Told<'r> = (&'r Order, &'r OrderStatus, Option<jiff::Timestamp>);

fn is_manual((order, _, _): &Told<'_>) -> bool {
    order.command.kind == CommandKind::Manual
}

fn status_name(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Dispatched => "dispatched",
        OrderStatus::Unknown => "unknown",
        OrderStatus::Done => "done",
        OrderStatus::Failed => "failed",
        OrderStatus::Again => "again",
    }
}

fn told_variable(playbook: &Playbook, name: &str, variable: &Variable) -> RunVariable {
    RunVariable {
        name: name.to_owned(),
        kind: variable.kind.clone(),
        description: variable
            .description
            .as_ref()
            .map(|text| words(playbook, &format!("/playbook_variables/{name}/description"), text)),
        value: variable.value.clone(),
    }
}

/// A question for approval, with exactly what would be carried out where it is open.
///
/// # Errors
/// Those of the database.
fn question(reader: &Reader<'_>, view: &RunView<'_>, number: usize) -> Result<RunQuestion, StoreError> {
    let found = view.run.questions().find(|(known, _, _, _)| *known == number);
    let (_, given, state, expires) =
        found.ok_or_else(|| StoreError::NotFound { what: number.to_string() })?;
    let open = view.run.question(number);
    let step = view.run.asked_at(number).unwrap_or_default();
    let mut agreed = Vec::new();
    for person in given {
        let at = gates::of(view.approvals, number, &person.person).map(|approval| approval.at.to_string());
        agreed.push(view.person(reader, person, at.unwrap_or_default())?);
    }
    let why_not = why_not(reader, view, (given, state), open.as_ref())?;
    Ok(RunQuestion {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        run: view.row.begun.id.clone(),
        step: step.to_owned(),
        step_name: view.step_name(step),
        state: match state {
            QuestionState::Open => "open",
            QuestionState::Granted => "granted",
            QuestionState::Closed => "closed",
        }
        .to_owned(),
        hash: open.as_ref().map(|question| question.hash.0.clone()),
        expires: expires.to_string(),
        required: view.run.needed(number).unwrap_or(u32::MAX),
        given: agreed,
        commands: open.iter().flat_map(|question| &question.orders).map(command).collect(),
        may_answer: why_not.is_none(),
        alone_ms: open.as_ref().and_then(|open| lone(view, open)),
        why_not_reason: why_not
            .map(|why| CodedText { code: why.code().to_owned(), arguments: BTreeMap::new() }),
        why_not: why_not.map(|why| why.text().to_owned()),
    })
}

/// How long the effect may last where one person agrees alone; nothing where nobody may.
fn lone(view: &RunView<'_>, open: &cacao::run::Question) -> Option<u64> {
    let longest = view.state.response.config.break_glass_max_ms;
    open.approval.break_glass_ms.map(|of_playbook| of_playbook.min(longest)).filter(|longest| *longest > 0)
}

/// Why the caller may not answer a question; nothing where it may.
fn why_not(
    reader: &Reader<'_>,
    view: &RunView<'_>,
    (given, state): (&[Person], QuestionState),
    open: Option<&cacao::run::Question>,
) -> Result<Option<AnswerReason>, StoreError> {
    let Some(open) = open.filter(|_| state == QuestionState::Open) else {
        return Ok(Some(AnswerReason::NotOpen));
    };
    if !view.caller.may(view.state, Operation::ApproveActions) {
        return Ok(Some(AnswerReason::Approvers));
    }
    if view.row.begun.person == view.caller.id() {
        return Ok(Some(AnswerReason::Asker));
    }
    if is_program(&view.row.begun.person) && view.is_own() {
        return Ok(Some(AnswerReason::OwnProgram));
    }
    let own = store::organisations::get(reader, &crate::REALM, &view.caller.principal.organisation)?;
    let identity = own.map(|own| own.identity.to_string()).unwrap_or_default();
    let listed = &open.approval.approvers;
    if !listed.is_empty() && !listed.contains(&identity) {
        return Ok(Some(AnswerReason::OtherOrganisations));
    }
    if open.approval.exclude_requester_organization && view.is_own() {
        return Ok(Some(AnswerReason::OwnOrganisation));
    }
    if given.iter().any(|person| person.organization == identity) {
        return Ok(Some(AnswerReason::AgreedAlready));
    }
    Ok(None)
}

/// A command as it is or was carried out. Secrets stand in it by reference only.
fn command(order: &Order) -> RunCommand {
    let text = |command: &Command| command.body().and_then(|body| String::from_utf8(body).ok());
    let the = order.safeguards.as_ref();
    let authority = the.and_then(|the| the.authority.as_ref());
    let radius = the.and_then(|the| the.blast_radius.as_ref());
    RunCommand {
        key: order.key.0.clone(),
        kind: order.command.kind.as_str().to_owned(),
        text: order.command.text(),
        body: text(&order.command),
        agent: called(&order.agent),
        target: order.target.as_ref().map(called),
        inverse: order.inverse.as_ref().and_then(|inverse| text(inverse).or_else(|| inverse.text())),
        stop_after_ms: order.stop_after_ms,
        basis: authority.map(|authority| authority.basis.clone()),
        reference: authority.and_then(|authority| authority.reference.clone()),
        radius: radius.map(|radius| RunRadius {
            addresses_max: radius.addresses_max,
            ipv4_prefix_min: radius.ipv4_prefix_min,
            ipv6_prefix_min: radius.ipv6_prefix_min,
            traffic_percent_max: radius.traffic_percent_max,
            actions_per_hour_max: radius.actions_per_hour_max,
        }),
        rollout: the.and_then(|the| the.rollout.as_ref()).map(told_rollout),
    }
}

/// What an addressee is called, with its addresses.
fn called(addressee: &Addressee) -> String {
    let addresses: Vec<&str> = addressee.agent.address.values().flatten().map(String::as_str).collect();
    if addresses.is_empty() {
        addressee.agent.name.clone()
    } else {
        format!("{} ({})", addressee.agent.name, addresses.join(", "))
    }
}

fn dispatched((order, status, stops): Told<'_>) -> RunDispatch {
    RunDispatch {
        command: command(order),
        step: order.step.clone(),
        state: status_name(*status).to_owned(),
        stops: stops.map(|at| at.to_string()),
        undoes: order.undoes.as_ref().map(|key| key.0.clone()),
    }
}

fn task(view: &RunView<'_>, (order, status, _): Told<'_>) -> RunTask {
    let (playbook, step) = (view.playbook(), order.step.as_str());
    let text = order.command.text().unwrap_or_default();
    let is_own_playbook = order.playbook.id == view.row.begun.playbook;
    let pointer = format!("/workflow/{step}/commands/{}/command", order.command_index);
    let template = order_template(playbook, step, order.command_index).filter(|_| is_own_playbook);
    let ja = template.map(|template| words(playbook, &pointer, &template).ja);
    let ja = ja.map(|ja| replaced(&ja, view.run.variables()));
    let gives = order.out_args.iter().map(|name| name.strip_suffix(":value").unwrap_or(name));
    let gives = gives.filter_map(|name| {
        let variable = view.run.variables()?.get(name)?;
        Some(told_variable(playbook, name, variable))
    });
    let agent = &order.agent;
    RunTask {
        key: order.key.0.clone(),
        run: view.row.begun.id.clone(),
        step: step.to_owned(),
        step_name: view.step_name(step),
        text: Words { ja: ja.unwrap_or_else(|| text.clone()), en: text },
        agent: words(playbook, &format!("/agent_definitions/{}/name", agent.id), &agent.agent.name),
        state: match status {
            OrderStatus::Dispatched => "open",
            OrderStatus::Unknown | OrderStatus::Again => "unknown",
            OrderStatus::Done => "done",
            OrderStatus::Failed => "failed",
        }
        .to_owned(),
        gives: gives.collect(),
    }
}

fn order_template(playbook: &Playbook, step: &str, index: usize) -> Option<String> {
    match &playbook.workflow.get(step)?.kind {
        cacao::StepKind::Action(action) => action.commands.get(index)?.text(),
        _ => None,
    }
}

/// A translated text with the values of the playbook's variables. It is for people; what is carried out is the other text.
fn replaced(text: &str, variables: Option<&BTreeMap<String, Variable>>) -> String {
    let mut text = text.to_owned();
    for (name, variable) in variables.into_iter().flatten() {
        if let Some(value) = variable.value.as_str() {
            text = text.replace(&format!("{name}:value"), value);
        }
    }
    text
}

/// At which event each command first left.
fn left_at(logged: &[Logged]) -> BTreeMap<String, u64> {
    let mut left = BTreeMap::new();
    for one in logged {
        if let Ok(Event { what: What::Dispatched { key, .. }, .. }) = serde_json::from_str(&one.event) {
            left.entry(key.0).or_insert(one.number);
        }
    }
    left
}

/// What happened, in order.
fn events(reader: &Reader<'_>, view: &RunView<'_>, logged: &[Logged]) -> Result<Vec<RunEvent>, StoreError> {
    let steps: BTreeMap<&str, &str> =
        view.run.orders().map(|(order, _, _)| (order.key.0.as_str(), order.step.as_str())).collect();
    let mut told = Vec::with_capacity(logged.len());
    for one in logged {
        let event: Event = serde_json::from_str(&one.event)
            .map_err(|error| StoreError::Corrupt(format!("run {}: {error}", view.row.begun.id)))?;
        let at = event.at.to_string();
        let (step, by, detail) = said(view.run, &steps, &event.what);
        let name = serde_json::to_value(&event.what).ok();
        let name = name.and_then(|value| Some(value.get("event")?.as_str()?.to_owned()));
        told.push(RunEvent {
            number: one.number,
            event: name.unwrap_or_default(),
            step,
            by: by.map(|by| view.person(reader, by, at.clone())).transpose()?,
            detail_reason: of_gate(&event.what).then(|| detail.as_deref().and_then(GateReason::of)).flatten(),
            detail,
            at,
        });
    }
    Ok(told)
}

/// Whether what is said of an event may be a gate's: what a person writes is told as it was written.
fn of_gate(what: &What) -> bool {
    matches!(what, What::StepEnded { .. } | What::Answered { .. } | What::Ended { .. })
}

type Said<'e> = (Option<String>, Option<&'e Person>, Option<String>);

/// The step that an event is about, who did it, and what is to be said of it.
fn said<'e>(run: &Run, steps: &BTreeMap<&str, &str>, what: &'e What) -> Said<'e> {
    let visited = |visit: &usize| run.visited(*visit).map(str::to_owned);
    let asked = |question: &usize| run.asked_at(*question).map(str::to_owned);
    let of_key = |key: &cacao::run::Key| steps.get(key.0.as_str()).map(|step| (*step).to_owned());
    match what {
        What::Started { requester, .. } => (None, Some(requester), None),
        What::StepEntered { step, .. } => (Some(step.clone()), None, None),
        What::Decided { visit, branch } => (visited(visit), None, branch.clone()),
        What::BranchesOpened { visit } | What::ApprovalAsked { visit, .. } => (visited(visit), None, None),
        What::PlaybookOpened { visit, playbook } => (visited(visit), None, Some(playbook.id.clone())),
        What::BranchJoined { .. } | What::Resumed | What::TimerDue { .. } => (None, None, None),
        What::StepEnded { visit, outcome } => (visited(visit), None, failed(outcome)),
        What::ApprovalGiven { question, by, reason, .. } => (asked(question), Some(by), reason.clone()),
        What::ApprovalRefused { question, by, reason } => (asked(question), Some(by), reason.clone()),
        What::ApprovalWithdrawn { question, .. } | What::ApprovalVoided { question } => {
            (asked(question), None, None)
        }
        What::Dispatched { key, .. } => (of_key(key), None, None),
        What::Answered { key, answer } => {
            let detail = match answer {
                Answer::Done { .. } => None,
                Answer::Failed { reason } | Answer::Lost { reason } | Answer::Unknown { reason } => {
                    Some(reason.clone())
                }
            };
            (of_key(key), None, detail)
        }
        What::Reconciled { key, found, by } => {
            let detail = match found {
                Found::Happened { .. } => "happened".to_owned(),
                Found::NotHappened => "not happened".to_owned(),
                Found::Failed { reason } => reason.clone(),
            };
            (of_key(key), Some(by), Some(detail))
        }
        What::VariablesSet { by, .. } | What::Paused { by } | What::Continued { by } => {
            (None, Some(by), None)
        }
        What::UndoAsked { key, by } => (of_key(key), Some(by), None),
        What::Cancelled { by, reason, .. } => (None, Some(by), Some(reason.clone())),
        What::Ended { outcome } => (None, None, failed(outcome)),
    }
}

fn failed(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Success => None,
        Outcome::Failure(failure) => Some(failure.detail.clone()),
    }
}
