//! Driving a run: what happened is applied, then what it wants is done, event by event, in one transaction.
//!
//! 1. What a person, an edge, an agent or the clock brings is applied. What the run does not take changes nothing at all.
//! 2. Approvals that do not count any more are withdrawn, as long as nothing was ordered on them.
//! 3. What the run wants is done, one thing at a time: noted, asked, ordered. What would be ordered passes the gates first; what they refuse is
//!    written down as ordered and failed at once, with the reason, and nothing leaves.
//! 4. The events, what they announce, what the run comes to, and the leaf are committed together.

mod rehearse;

use std::collections::BTreeSet;

use api::OrderContext;
use cacao::CommandKind;
use cacao::run::{
    Answer, ApplyError, Effect, Event, FailureCode, Order, OrderStatus, Outcome, Question, QuestionState,
    Run, Start, What,
};
use cacao::signature::Runnable;
use jiff::{SignedDuration, Timestamp};
use oversight::reason::{NOT_ORDERED, Reason};
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, Purpose};
use policy::permit::{Denied, Gate, permit, permit_alone, permit_call, permit_undoing};
use sha2::{Digest, Sha256};
use store::edges::{self, Edge};
use store::orders::{self as order_rows, Call, NewOrder};
use store::peers::Peer;
use store::runs::{self as rows, NewRun, Outline};
use store::{Act, Reader, StoreError, Tx, audit, organisations};

use super::orders::{Draft, command_id, draft, signed};
use super::{Response, abroad, agents, gates, load, reported, told};
use crate::REALM;
use crate::config::AgentConfig;
use crate::sharing::{tell, unfit};

/// Events of one transaction: a run that wants more is gone on with in the next one.
pub(crate) const EVENTS_MAX: usize = 200;
/// How long after an order could last be taken the edge is waited for.
const SILENCE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What the reason of a write begins with that a run did not take, because it is elsewhere by now.
pub(crate) const NOT_NOW: &str = "run-not-now";
/// What the reason of a write begins with that the person may not do.
pub(crate) const NOT_THIS_PERSON: &str = "run-not-allowed";

/// What became of a drive.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    /// Whether an edge has something to fetch.
    pub(crate) has_ordered: bool,
}

/// Begins a run: its row is there, and has no events yet.
///
/// # Errors
/// [`StoreError::Abandoned`] where the arguments do not fit.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    response: &Response,
    (head, start): (&rows::Run, Start),
    (runnable, others): (&Runnable, &[Runnable]),
    event: AuditEvent,
) -> Result<Act<Driven>, StoreError> {
    let now = head.begun.started;
    let begun = Run::start(runnable, others, start, now);
    let (run, started) = begun.map_err(|error| unfit("variables", format!("variables: {error}")))?;
    let mut drive = Drive::new(response, head, run, now);
    drive.write(&started)?;
    drive.go_on(tx, response.events_max)?;
    drive.finish(tx, Some(event))
}

/// Applies what happened, and goes on. Without anything that happened it is the clock that drives.
///
/// # Errors
/// [`StoreError::Abandoned`] where the run does not take it: then nothing is written.
pub(crate) fn advance(
    tx: &mut Tx<'_>,
    response: &Response,
    head: &rows::Run,
    (given, event): (Vec<What>, Option<AuditEvent>),
) -> Result<Act<Driven>, StoreError> {
    let (run, _) = load(tx, response, head)?;
    let mut drive = Drive::new(response, head, run, tx.now());
    for what in given {
        drive.apply(what).map_err(|error| not_taken(&error))?;
    }
    drive.withdraw(tx)?;
    drive.go_on(tx, response.events_max)?;
    drive.finish(tx, event)
}

/// Why a run did not take something, for whoever brought it.
fn not_taken(error: &ApplyError) -> StoreError {
    let code = match error {
        ApplyError::NotAnApprover => "run-not-allowed-approver",
        ApplyError::NotAlone => "run-not-allowed-alone",
        ApplyError::ApprovedBefore => "run-not-allowed-agreed",
        ApplyError::QuestionClosed => "run-not-now-closed",
        ApplyError::HashChanged => "run-not-now-changed",
        ApplyError::Ended => "run-not-now-ended",
        ApplyError::BadVariable(_) => "variables",
        _ => NOT_NOW,
    };
    unfit(code, error.to_string())
}

/// Where a command goes.
enum Way<'r> {
    Person,
    Edge(Edge),
    /// An edge of another hub, by the name that it has there.
    Abroad(Box<Peer>, String),
    Agent(&'r AgentConfig),
    Nowhere(String),
}

/// The edge that an order is for.
struct Addressed {
    /// As this hub lists it.
    edge: String,
    /// Its operator; of an edge abroad the organisation that its hub is bound to.
    organisation: OrganisationId,
    /// As the signature names it.
    audience: String,
    /// The peer whose edge it is, and the name that it has there.
    peer: Option<(Peer, String)>,
}

struct Drive<'r> {
    response: &'r Response,
    head: &'r rows::Run,
    run: Run,
    now: Timestamp,
    done: Vec<(Timestamp, String)>,
    approvers: Option<BTreeSet<String>>,
    has_ordered: bool,
    /// Which peers were asked, for which commands.
    asked: Vec<String>,
    /// The earliest moment at which something is to be done; with `is_busy` at once.
    next: Option<Timestamp>,
    is_busy: bool,
}

impl<'r> Drive<'r> {
    fn new(response: &'r Response, head: &'r rows::Run, run: Run, now: Timestamp) -> Self {
        let approvers = head.outline.approvers.as_ref().map(|all| all.iter().cloned().collect());
        Self {
            response,
            head,
            run,
            now,
            done: Vec::new(),
            approvers,
            has_ordered: false,
            asked: Vec::new(),
            next: None,
            is_busy: false,
        }
    }

    fn begun(&self) -> &'r NewRun {
        &self.head.begun
    }

    fn write(&mut self, event: &Event) -> Result<(), StoreError> {
        let text = serde_json::to_string(event).map_err(|error| StoreError::Database(error.to_string()))?;
        self.done.push((event.at, text));
        Ok(())
    }

    /// Applies one event and writes it down.
    fn apply(&mut self, what: What) -> Result<(), ApplyError> {
        let event = Event { at: self.now, what };
        self.run.apply(&event)?;
        // Events are made of texts, numbers and values: they can be written.
        self.write(&event).map_err(|_| ApplyError::NotExpected)
    }

    /// The same for what the run itself asked for.
    fn must(&mut self, what: What) -> Result<(), StoreError> {
        let id = &self.head.begun.id;
        self.apply(what).map_err(|error| StoreError::Corrupt(format!("run {id}: {error}")))
    }

    /// Takes back the approvals that do not count any more.
    fn withdraw(&mut self, reader: &Reader<'_>) -> Result<(), StoreError> {
        let standing: Vec<(usize, String)> = self
            .run
            .questions()
            .filter(|(_, _, state, _)| *state != QuestionState::Closed)
            .flat_map(|(number, given, _, _)| given.iter().map(move |by| (number, by.person.clone())))
            .collect();
        if standing.is_empty() || self.run.ended().is_some() {
            return Ok(());
        }
        let given = rows::approvals(reader, &REALM, &self.begun().id)?;
        for (question, person) in standing {
            let counts = match gates::of(&given, question, &person) {
                Some(approval) => gates::counts(reader, self.response, approval)?,
                None => false,
            };
            if !counts {
                // Where something was ordered on it already there is nothing to take back.
                let _ = self.apply(What::ApprovalWithdrawn { question, person });
            }
        }
        Ok(())
    }

    /// Does what the run wants, until it waits, or there were enough events for one transaction.
    fn go_on(&mut self, tx: &mut Tx<'_>, events_max: usize) -> Result<(), StoreError> {
        loop {
            self.next = None;
            let mut wanted = None;
            for effect in self.run.next() {
                match effect {
                    Effect::Wait { due, .. } if due > self.now => self.wait_for(due),
                    Effect::Reconcile(_) => {}
                    other => {
                        wanted = Some(other);
                        break;
                    }
                }
            }
            let Some(wanted) = wanted else {
                if self.wait_for_edges(tx)? {
                    continue;
                }
                return Ok(());
            };
            if self.done.len() >= events_max {
                self.is_busy = true;
                return Ok(());
            }
            match wanted {
                Effect::Record(what) => self.must(what)?,
                Effect::Wait { timer, .. } => self.must(What::TimerDue { timer })?,
                Effect::AskApproval(question) => self.ask(tx, &question)?,
                Effect::Dispatch(order) => self.dispatch(tx, &order)?,
                Effect::Reconcile(_) => {}
            }
        }
    }

    fn wait_for(&mut self, due: Timestamp) {
        self.next = Some(self.next.map_or(due, |known| known.min(due)));
    }

    /// What an edge did not speak of in time is unknown: it may have taken it and be cut off since. What goes first and alone is done when it
    /// was in force for as long as its step asks. Whether something was answered so.
    fn wait_for_edges(&mut self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let waiting: Vec<Order> = self
            .run
            .orders()
            .filter(|(order, status, _)| {
                **status == OrderStatus::Dispatched && order.command.kind == CommandKind::OpenC2Http
            })
            .map(|(order, _, _)| order.clone())
            .collect();
        let mut has_answered = false;
        for dispatched in waiting {
            let (key, attempts) = (dispatched.key.clone(), dispatched.attempts_before);
            let Some(order) = order_rows::get(tx, &REALM, &command_id(&key.0, attempts))? else { continue };
            if let Some(due) = reported::watched_until(&self.run, &dispatched, &order) {
                if due > self.now {
                    self.wait_for(due);
                } else {
                    let outputs = reported::outputs(&self.run, &dispatched);
                    self.must(What::Answered { key, answer: Answer::Done { outputs } })?;
                    has_answered = true;
                }
                continue;
            }
            let until = order.new.expires.checked_add(SILENCE_MAX).unwrap_or(Timestamp::MAX);
            if until > self.now {
                self.wait_for(until);
            } else if order.state.is_none() {
                let reason = format!("the edge `{}` did not say whether it took the order", order.new.edge);
                self.must(What::Answered { key, answer: Answer::Unknown { reason } })?;
                has_answered = true;
            }
        }
        Ok(has_answered)
    }

    fn ask(&mut self, tx: &mut Tx<'_>, question: &Question) -> Result<(), StoreError> {
        self.must(What::ApprovalAsked { visit: question.visit, hash: question.hash.clone() })?;
        let asked = &question.approval.approvers;
        self.approvers = match self.approvers.take() {
            None => Some(asked.iter().cloned().collect()),
            // Where any may agree once, any may look.
            Some(known) if known.is_empty() || asked.is_empty() => Some(BTreeSet::new()),
            Some(known) => Some(known.into_iter().chain(asked.iter().cloned()).collect()),
        };
        let mut to = BTreeSet::<OrganisationId>::new();
        for one in organisations::list(tx, &REALM)? {
            let may = matches!(
                one.role,
                OrganisationRole::Coordinator | OrganisationRole::Agency | OrganisationRole::Operator
            );
            let named = asked.is_empty() || asked.iter().any(|identity| identity == one.identity.as_str());
            // Nobody is told of a run whose case it may not see.
            if may && named && gates::may_see_case(tx, self.response, (&one.id, one.role), self.begun())? {
                to.insert(one.id);
            }
        }
        tell(tx, &REALM, to, ("run-question", &self.head.begun.id), (None, ""))
    }

    // ---- commands

    fn dispatch(&mut self, tx: &mut Tx<'_>, order: &Order) -> Result<(), StoreError> {
        if self.run.is_dry() {
            return self.rehearse(tx, order);
        }
        match self.way(tx, order)? {
            Way::Person => {
                let to = BTreeSet::from([self.begun().organisation.clone()]);
                tell(tx, &REALM, to, ("run-task", &self.begun().id), (None, ""))?;
                self.must(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() })
            }
            Way::Edge(edge) => {
                let to = Addressed {
                    audience: edge.id.clone(),
                    edge: edge.id,
                    organisation: edge.organisation,
                    peer: None,
                };
                self.order(tx, order, &to)
            }
            Way::Abroad(peer, edge) => {
                let to = Addressed {
                    edge: format!("{edge}.{}", peer.id),
                    organisation: peer.organisation.clone(),
                    audience: abroad::audience(&edge, &peer.hub),
                    peer: Some((*peer, edge)),
                };
                self.order(tx, order, &to)
            }
            Way::Agent(agent) => self.call(tx, order, agent),
            Way::Nowhere(why) => self.refuse(order, &why),
        }
    }

    fn way(&self, reader: &Reader<'_>, order: &Order) -> Result<Way<'r>, StoreError> {
        let kind = &order.command.kind;
        if *kind == CommandKind::Manual {
            return Ok(Way::Person);
        }
        let names = [Some(&order.agent), order.target.as_ref()];
        let agent = self.response.config.agents.iter().find(|agent| {
            let called = names.into_iter().flatten().any(|addressee| addressee.agent.name == agent.name);
            called && agent.kinds.iter().any(|known| known == kind.as_str())
        });
        if let Some(agent) = agent {
            return Ok(Way::Agent(agent));
        }
        if *kind != CommandKind::OpenC2Http {
            let why = format!(
                "`{}` is carried out by agents that this hub's operator configured for it, and `{}` is none",
                kind.as_str(),
                order.agent.agent.name
            );
            return Ok(Way::Nowhere(why));
        }
        let addressee = order.target.as_ref().unwrap_or(&order.agent);
        let addresses: Vec<&String> = addressee.agent.address.values().flatten().collect();
        for address in &addresses {
            if let Some(edge) = edges::get(reader, &REALM, address)? {
                return Ok(Way::Edge(edge));
            }
            if self.response.own.is_some()
                && let Some((peer, edge)) = abroad::find(reader, address, order.undoes.is_some())?
            {
                return Ok(Way::Abroad(Box::new(peer), edge));
            }
        }
        let named = addresses.first().map_or("", |address| address.as_str());
        Ok(Way::Nowhere(format!(
            "`{named}` is no edge of this hub or of a peer, and no agent that its operator configured"
        )))
    }

    /// What does not leave is written down as ordered and failed in one transaction, so that the step goes the way of its failure.
    fn refuse(&mut self, order: &Order, reason: &str) -> Result<(), StoreError> {
        self.must(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() })?;
        let answer = Answer::Failed { reason: format!("{NOT_ORDERED}{reason}") };
        self.must(What::Answered { key: order.key.clone(), answer })
    }

    fn order(&mut self, tx: &mut Tx<'_>, order: &Order, to: &Addressed) -> Result<(), StoreError> {
        let now = self.now;
        let mut levels = (None, None);
        let config = &self.response.config;
        let alone = self.run.agreed_alone(&order.hash).filter(|_| order.undoes.is_none());
        let drafted = match draft(order, now, alone.map(|longest| longest.min(config.break_glass_max_ms))) {
            Ok(drafted) => drafted,
            Err(why) => return self.refuse(order, &why),
        };
        let permitted = match &order.undoes {
            Some(undone) => {
                let first = self.run.orders().find(|(known, _, _)| known.key == *undone);
                let inverse =
                    first.and_then(|(known, _, _)| known.inverse.as_ref().map(|command| &command.raw));
                let is_inverse = inverse == Some(&order.command.raw);
                let was_ordered = self.ordered_as(tx, undone)?.is_some();
                permit_undoing(&order.hash.0, was_ordered, is_inverse)
            }
            None => {
                let about = (self.begun(), &self.run, order);
                let proposed = gates::proposed(tx, self.response, about, (&to.organisation, Some(&drafted)))?;
                if let Some((peer, _)) = &to.peer
                    && !gates::may_peer_see_case(tx, self.response, peer, self.begun())?
                {
                    return self.refuse(order, &gates::not_for_hub(peer).to_string());
                }
                levels = (proposed.tlp, proposed.pap);
                match alone {
                    Some(_) => permit_alone(&proposed, &config.bounds, config.break_glass_max_ms),
                    None => permit(&proposed, &config.bounds),
                }
            }
        };
        let permit = match permitted {
            Ok(permit) => permit,
            Err(denied) => return self.refuse(order, &denied.to_string()),
        };
        let sealed = match signed(self.response, permit, (order, &drafted), &to.audience, now) {
            Ok(sealed) => sealed,
            Err(why) => return self.refuse(order, &why),
        };
        let about = self.keep(tx, (order, &drafted), to, &sealed)?;
        if let Some((peer, edge)) = &to.peer {
            abroad::ask(tx, self.response, (peer, edge), (&sealed, &about), levels)?;
            self.asked.push(format!("{} {}", peer.id, sealed.command_id));
        }
        self.has_ordered = true;
        self.must(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() })
    }

    /// The command under which something of this run was last ordered.
    fn ordered_as(&self, reader: &Reader<'_>, key: &cacao::run::Key) -> Result<Option<String>, StoreError> {
        let known = self.run.orders().find(|(known, _, _)| known.key == *key);
        let attempts = known.map_or(0, |(known, _, _)| known.attempts_before);
        for attempt in (0..=attempts).rev() {
            let id = command_id(&key.0, attempt);
            if order_rows::get(reader, &REALM, &id)?.is_some() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn keep(
        &self,
        tx: &mut Tx<'_>,
        (order, drafted): (&Order, &Draft),
        to: &Addressed,
        sealed: &super::orders::Signed,
    ) -> Result<OrderContext, StoreError> {
        let undoes = match &order.undoes {
            Some(key) => self.ordered_as(tx, key)?,
            None => None,
        };
        let mut about = told::context(
            tx,
            self.response,
            (self.begun(), &self.run, order),
            (&sealed.command_id, undoes.as_deref(), &to.organisation),
        )?;
        about.hubs = to.peer.as_ref().map(|(peer, _)| abroad::hubs(self.response, peer));
        let text = serde_json::to_string(&about).map_err(|error| StoreError::Database(error.to_string()))?;
        let new = NewOrder {
            edge: to.edge.clone(),
            organisation: to.organisation.clone(),
            command: sealed.command_id.clone(),
            requester: self.begun().organisation.clone(),
            run: self.begun().id.clone(),
            action: order.key.0.clone(),
            step: gates::step_of(order),
            message: sealed.message.to_string(),
            about: text,
            ordered: self.now,
            expires: sealed.expires,
            stops: drafted.stops,
            undoes,
        };
        order_rows::add(tx, &REALM, &new)?;
        Ok(about)
    }

    fn call(&mut self, tx: &mut Tx<'_>, order: &Order, agent: &AgentConfig) -> Result<(), StoreError> {
        if order.undoes.is_none() && self.run.agreed_alone(&order.hash).is_some() {
            // How long its effect lasts nobody can bound, so nobody shortens it.
            let denied = Denied { gate: Gate::Approval, why: Reason::NoAgentAlone.say(&[]) };
            return self.refuse(order, &denied.to_string());
        }
        let permitted = if order.undoes.is_some() {
            let undone = order.undoes.as_ref();
            let first = self.run.orders().find(|(known, _, _)| Some(&known.key) == undone);
            let inverse = first.and_then(|(known, _, _)| known.inverse.as_ref().map(|command| &command.raw));
            permit_undoing(
                &order.hash.0,
                first_is_there(&self.run, undone),
                inverse == Some(&order.command.raw),
            )
        } else {
            let operator = self.begun().organisation.clone();
            let proposed =
                gates::proposed(tx, self.response, (self.begun(), &self.run, order), (&operator, None))?;
            permit_call(&proposed, &self.response.config.bounds)
        };
        let permit = match permitted {
            Ok(permit) => permit,
            Err(denied) => return self.refuse(order, &denied.to_string()),
        };
        let request = match agents::request(permit, order) {
            Ok(request) => request,
            Err(why) => return self.refuse(order, &why),
        };
        let call = Call {
            run: self.begun().id.clone(),
            key: order.key.0.clone(),
            attempt: order.attempts_before,
            agent: agent.name.clone(),
            request: request.to_string(),
        };
        order_rows::call(tx, &REALM, &call)?;
        self.must(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() })
    }

    // ---- the end

    fn outline(&self) -> Outline {
        let known = &self.head.outline;
        let open = self.run.questions().filter(|(_, _, state, _)| *state == QuestionState::Open);
        let is_task = |order: &Order| order.command.kind == CommandKind::Manual && order.undoes.is_none();
        let orders: Vec<(bool, OrderStatus)> =
            self.run.orders().map(|(order, status, _)| (is_task(order), *status)).collect();
        let count = |what: &dyn Fn(&(bool, OrderStatus)) -> bool| {
            u32::try_from(orders.iter().filter(|one| what(one)).count()).unwrap_or(u32::MAX)
        };
        let (state, why) = match self.run.ended() {
            Some(Outcome::Success) => ("succeeded", None),
            Some(Outcome::Failure(failure)) if failure.code == FailureCode::Cancelled => {
                ("cancelled", Some(failure.detail.clone()))
            }
            Some(Outcome::Failure(failure)) => ("failed", Some(failure.detail.clone())),
            None if self.run.is_paused() => ("paused", None),
            None if self.is_busy => ("running", None),
            None => ("waiting", None),
        };
        let ended = self.run.ended().is_some();
        Outline {
            state: state.to_owned(),
            why,
            ended: known.ended.or(ended.then_some(self.now)),
            approvers: self.approvers.as_ref().map(|all| all.iter().cloned().collect()),
            questions: if ended { 0 } else { u32::try_from(open.count()).unwrap_or(u32::MAX) },
            tasks: if ended {
                0
            } else {
                count(&|(task, status)| *task && *status == OrderStatus::Dispatched)
            },
            unknown: count(&|(_, status)| *status == OrderStatus::Unknown),
            next_wake: if self.is_busy { Some(self.now) } else { self.next },
        }
    }

    /// Writes everything down, as one act.
    fn finish(self, tx: &mut Tx<'_>, event: Option<AuditEvent>) -> Result<Act<Driven>, StoreError> {
        let (id, known) = (&self.head.begun.id, self.head.events);
        let outline = self.outline();
        let leaf = audit::next_leaf(tx)?;
        rows::append(tx, &REALM, (id, known), (&self.done, leaf), &outline)?;
        if self.head.outline.ended.is_none() && outline.ended.is_some() {
            let to = BTreeSet::from([self.head.begun.organisation.clone()]);
            tell(tx, &REALM, to, ("run-ended", id), (None, &outline.state))?;
        }
        let driven = Driven { has_ordered: self.has_ordered };
        if self.done.is_empty() && event.is_none() {
            return Ok(Act::bookkeeping(driven));
        }
        let by_itself = || AuditEvent::done(Action::RunAdvanced, Actor::Node, Purpose::CollectiveDefence);
        let event = event.unwrap_or_else(by_itself).on([id.as_str()]);
        let mut hash = Sha256::new();
        for (_, text) in &self.done {
            hash.update(text);
            hash.update([b'\n']);
        }
        let first = known.saturating_add(1);
        let last = known.saturating_add(u64::try_from(self.done.len()).unwrap_or(u64::MAX));
        let event = event
            .with("events", format!("{first}-{last}"))
            .with("sha256", hex::encode(hash.finalize()))
            .with("state", outline.state.as_str());
        let event = if self.asked.is_empty() { event } else { event.with("asked", self.asked.join(", ")) };
        Ok(Act::audited(driven, &REALM, event))
    }
}

fn first_is_there(run: &Run, key: Option<&cacao::run::Key>) -> bool {
    run.orders().any(|(known, _, _)| Some(&known.key) == key)
}
