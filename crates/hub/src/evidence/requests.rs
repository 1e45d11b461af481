//! Requests for evidence, between the organisation that asks and the one that is asked; nobody else sees them.
//!
//! ```text
//! asked ─ accept ─▶ accepted ─ fulfil ─▶ fulfilled ─ close ─▶ closed
//!   │  └─ refuse ─▶ refused ─────────────────────── close ──▶
//!   └──── withdraw (from accepted, too) ─▶ withdrawn
//! ```
//!
//! What is handed over is offered to the asker, item by item: it is in its hands once it has accepted. What is preserved is held.
//!
//! One of the two may be an organisation of another hub: then each step goes there as well ([`super::abroad`]), what the other one says comes from there
//! ([`super::came`]), and what is said at the same time at both comes to the same ([`super::lines`]). What is handed over to it is named to it by its hashes; its
//! hub fetches it ([`super::fetched`]), or it is brought in a package.

use std::collections::BTreeSet;

use oversight::custody::CustodyAct;
use oversight::reason::CustodyReason;
use oversight::{Action, AuditEvent};
use policy::Operation;
use serde::{Deserialize, Serialize};
use store::evidence::requests::{self, Kind, Request, State, Step};
use store::evidence::{self as rows, Item, Offer, holds};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::abroad::{self, is_abroad};
use super::custody::{Book, Said, custodian, named};
use super::passed::{PassedItem, Says};
use super::{in_hand, label, may_see};
use crate::principal::Caller;
use crate::sharing::{tell, unfit};
use crate::state::AppState;

/// The kind of notice that tells an organisation that it is asked.
pub(super) const ASKED: &str = "evidence-request";
/// The kind of notice that tells of a step.
pub(super) const ANSWERED: &str = "evidence-request-answered";

/// What can be said to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Accept,
    Refuse,
    Fulfil,
    Withdraw,
    Close,
}

impl Answer {
    const ALL: [Self; 5] = [Self::Accept, Self::Refuse, Self::Fulfil, Self::Withdraw, Self::Close];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
            Self::Fulfil => "fulfil",
            Self::Withdraw => "withdraw",
            Self::Close => "close",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }

    /// The state that it is the step to, whatever else was said.
    pub(super) fn said(self) -> State {
        match self {
            Self::Accept => State::Accepted,
            Self::Refuse => State::Refused,
            Self::Fulfil => State::Fulfilled,
            Self::Withdraw => State::Withdrawn,
            Self::Close => State::Closed,
        }
    }

    /// Which one a step tells of; none for that of asking.
    pub(super) fn of_step(step: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.said().name() == step)
    }

    /// Whether the asker says it; else the one that is asked.
    pub(super) fn is_of_asker(self) -> bool {
        matches!(self, Self::Withdraw | Self::Close)
    }

    /// Where it leads from a state; nothing where it cannot be said.
    pub(super) fn leads(self, from: State) -> Option<State> {
        match (self, from) {
            (Self::Accept, State::Asked) => Some(State::Accepted),
            (Self::Refuse, State::Asked | State::Accepted) => Some(State::Refused),
            (Self::Fulfil, State::Accepted) => Some(State::Fulfilled),
            (Self::Withdraw, State::Asked | State::Accepted) => Some(State::Withdrawn),
            (Self::Close, State::Fulfilled | State::Refused) => Some(State::Closed),
            _ => None,
        }
    }

    /// What it takes of a role.
    fn operation(self) -> Operation {
        if self.is_of_asker() { Operation::RequestEvidence } else { Operation::AnswerEvidence }
    }
}

/// What the caller may say to a request.
pub(crate) fn answers(state: &AppState, caller: &Caller, request: &Request) -> Vec<Answer> {
    let own = &caller.principal.organisation;
    let is_own = |answer: &Answer| {
        let of = if answer.is_of_asker() { &request.new.asker } else { &request.new.asked };
        of == own && caller.may(state, answer.operation())
    };
    let all = Answer::ALL.into_iter().filter(|answer| answer.leads(request.state).is_some());
    all.filter(is_own).collect()
}

/// A request that concerns the caller's organisation.
///
/// # Errors
/// [`StoreError::NotFound`] for every other one.
pub(crate) fn seen(tx: &store::Reader<'_>, caller: &Caller, id: Uuid) -> Result<Request, StoreError> {
    let own = &caller.principal.organisation;
    let request = requests::get(tx, caller.realm(), id)?;
    let request = request.filter(|request| request.new.asker == *own || request.new.asked == *own);
    request.ok_or_else(|| StoreError::NotFound { what: id.to_string() })
}

/// What was done to a request, for what follows.
pub(crate) struct Done {
    /// The acts, in order.
    pub(crate) events: Vec<AuditEvent>,
    /// Whether policies are to be asked anew: something is for somebody for whom nothing was before.
    pub(crate) has_new_circle: bool,
}

/// Asks; the organisation that is asked is told, at whichever hub it is. Nothing where this was asked before.
///
/// # Errors
/// It may not see the case, or nothing reaches it.
pub(crate) fn ask(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    new: &requests::NewRequest,
) -> Result<Option<Done>, StoreError> {
    let (_, incident) = super::case(tx, state, caller, &new.case)?;
    let is_known = requests::get(tx, caller.realm(), new.id)?.is_some();
    let goes_abroad = is_abroad(&new.asked);
    let can_see = if goes_abroad {
        // Sent again it is the same request, be the other hub reached now or not.
        is_known || abroad::can_be_asked(tx, state, caller, new)?
    } else {
        let case_label = label::get(tx, caller, incident.label)?;
        new.asked != new.asker && may_see(tx, state, &new.asked, &case_label)?
    };
    if !can_see {
        let why = "organisation: name another one that may see this case; release the case to it first. \
            Those of other hubs are in `askable`";
        return Err(unfit("request-not-visible", why));
    }
    if !requests::ask(tx, caller.realm(), new)? {
        return Ok(None);
    }
    let request = seen(tx, caller, new.id)?;
    let leaf = store::audit::next_leaf(tx)?;
    let number = step(tx, caller, (&request, State::Asked, State::Asked), (&new.subject, leaf))?;
    let mut done = Done { events: vec![event(caller, &request, State::Asked)], has_new_circle: false };
    if goes_abroad {
        let sent = abroad::send(tx, state, caller, (&request, number, leaf), abroad::asks(new))?;
        done.events.push(sent.event);
        done.has_new_circle = sent.has_new_circle;
    } else {
        let to = BTreeSet::from([new.asked.clone()]);
        tell(tx, caller.realm(), to, (ASKED, &new.id.to_string()), (Some(&new.case), &new.subject))?;
    }
    Ok(Some(done))
}

/// Answers a request, with what follows for the items.
///
/// # Errors
/// It cannot be said now, or not by the caller; nothing reaches the other organisation.
pub(crate) fn answer(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (id, answer): (Uuid, Answer),
    (note, items): (&str, &[Uuid]),
) -> Result<Done, StoreError> {
    let request = seen(tx, caller, id)?;
    let next = answer.leads(request.state);
    let next = next.ok_or_else(|| StoreError::Stale { what: format!("request {id}") })?;
    if !answers(state, caller, &request).contains(&answer) {
        return Err(unfit(
            "not-allowed-request",
            "this is for people of the other organisation, or of another role",
        ));
    }
    if answer == Answer::Fulfil && items.is_empty() {
        return Err(unfit("items-missing", "items: name those that are handed over or preserved"));
    }
    if answer != Answer::Fulfil && !items.is_empty() {
        return Err(unfit("items-superfluous", "items: only to fulfil a request are items named"));
    }
    let mut book = Book::open(tx)?;
    let leaf = book.next_leaf();
    book.note(event(caller, &request, next));
    let number = step(tx, caller, (&request, next, answer.said()), (note, leaf))?;
    let mut named = Vec::new();
    for item in items.iter().collect::<BTreeSet<_>>() {
        named.extend(fulfil(tx, state, caller, (&request, *item), &mut book)?);
    }
    let other = if answer.is_of_asker() { &request.new.asked } else { &request.new.asker };
    let mut has_new_circle = false;
    if is_abroad(other) {
        let says = Says::Answered { answer, note: note.to_owned(), items: named };
        let sent = abroad::send(tx, state, caller, (&request, number, leaf), says)?;
        book.note(sent.event);
        has_new_circle = sent.has_new_circle;
    } else {
        let to = BTreeSet::from([other.clone()]);
        let text = format!("{}: {}", next.name(), request.new.subject);
        tell(tx, caller.realm(), to, (ANSWERED, &id.to_string()), (Some(&request.new.case), &text))?;
    }
    Ok(Done { events: book.into_events(), has_new_circle })
}

/// An item fulfils a request: it is offered to the asker, or held. Gives what an asker of another hub is told of it, where it may know of it.
fn fulfil(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (request, id): (&Request, Uuid),
    book: &mut Book,
) -> Result<Option<PassedItem>, StoreError> {
    let realm = caller.realm().clone();
    let new = &request.new;
    let mut item = in_hand(tx, state, caller, id)?.item;
    if item.new.case != new.case {
        return Err(unfit("items-of-another-case", format!("items: `{id}` is of another case")));
    }
    requests::add_item(tx, &realm, new.id, id)?;
    let label = label::get(tx, caller, item.new.label)?;
    let goes_abroad = is_abroad(&new.asker);
    let is_seen = if goes_abroad {
        abroad::may_see(tx, state, &new.asker, &label)?
    } else {
        may_see(tx, state, &new.asker, &label)?
    };
    let said = match new.kind {
        Kind::HandOver if !is_seen => {
            let why = format!("items: `{id}` is not for {}; change who may see it first", new.asker);
            return Err(unfit("item-not-visible", why));
        }
        Kind::HandOver => hand_over(tx, caller, request, &item)?,
        Kind::Preserve => preserve(tx, caller, request, id)?,
    };
    let basis = (!new.legal_basis.is_empty()).then_some(new.legal_basis.as_str());
    let from = custodian(tx, &realm, &item)?;
    let said = said.on(basis).from(from).with("request", new.id.to_string());
    let said = if new.reference.is_empty() { said } else { said.with("reference", new.reference.as_str()) };
    book.write(tx, &realm, &mut item, (Some(caller), said))?;
    if goes_abroad && is_seen { abroad::item(&item).map(Some) } else { Ok(None) }
}

/// Offers an item to whoever asked for it. One of another hub cannot take it here: that it is handed over to it is written down, its hub is given the content
/// when it asks for it, and the item stays in the hands that it is in.
fn hand_over(tx: &mut Tx<'_>, caller: &Caller, request: &Request, item: &Item) -> Result<Said, StoreError> {
    let (new, id) = (&request.new, item.new.id);
    if item.offer.is_some() {
        return Err(unfit("offered", format!("items: `{id}` is offered to somebody already")));
    }
    let to = named(tx, caller.realm(), &new.asker, None)?;
    let said = Said::new(CustodyAct::Offered, CustodyReason::HandedOver.text()).to(to);
    if is_abroad(&new.asker) {
        return Ok(said);
    }
    let offer = Offer {
        organisation: new.asker.clone(),
        person: None,
        by: caller.id().to_owned(),
        at: tx.now(),
        request: Some(new.id),
    };
    rows::set_offer(tx, caller.realm(), id, Some(&offer))?;
    Ok(said)
}

/// Sets a hold on an item, on the legal basis of the request.
fn preserve(tx: &mut Tx<'_>, caller: &Caller, request: &Request, id: Uuid) -> Result<Said, StoreError> {
    let hold = holds::Hold {
        id: Uuid::new_v4(),
        item: id,
        organisation: caller.principal.organisation.clone(),
        person: caller.id().to_owned(),
        reason: request.new.subject.clone(),
        legal_basis: request.new.legal_basis.clone(),
        set: tx.now(),
        lifted: None,
    };
    holds::set(tx, caller.realm(), &hold)?;
    let said = Said::new(CustodyAct::HoldSet, CustodyReason::Preserved.text());
    Ok(said.with("hold", hold.id.to_string()))
}

/// Adds the caller's step, after which the request stands like that; gives its number.
fn step(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (request, next, said): (&Request, State, State),
    (note, leaf): (&str, u64),
) -> Result<u64, StoreError> {
    let step = Step {
        number: request.steps.saturating_add(1),
        at: tx.now(),
        step: said.name().to_owned(),
        organisation: caller.principal.organisation.clone(),
        person: caller.id().to_owned(),
        note: note.to_owned(),
        leaf,
    };
    requests::step(tx, caller.realm(), request.new.id, next, &step)?;
    Ok(step.number)
}

/// The act of a step.
pub(super) fn event(caller: &Caller, request: &Request, next: State) -> AuditEvent {
    let new = &request.new;
    AuditEvent::done(Action::EvidenceRequested, caller.actor.clone(), caller.purpose)
        .on([new.case.to_string()])
        .with("request", new.id.to_string())
        .with("kind", new.kind.name())
        .with("step", next.name())
        .with("asker", new.asker.as_str())
        .with("asked", new.asked.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_one_way() {
        let way =
            |answers: &[Answer]| answers.iter().try_fold(State::Asked, |state, answer| answer.leads(state));
        use Answer::{Accept, Close, Fulfil, Refuse, Withdraw};
        assert_eq!(way(&[Accept, Fulfil, Close]), Some(State::Closed));
        assert_eq!(way(&[Refuse, Close]), Some(State::Closed));
        assert_eq!(way(&[Accept, Refuse]), Some(State::Refused));
        assert_eq!(way(&[Accept, Withdraw]), Some(State::Withdrawn));
        for wrong in [
            [Accept, Accept],
            [Refuse, Accept],
            [Accept, Close],
            [Withdraw, Accept],
            [Withdraw, Close],
            [Refuse, Withdraw],
        ] {
            assert_eq!(way(&wrong), None, "{wrong:?}");
        }
        assert_eq!(way(&[Fulfil]), None, "what was not accepted is not fulfilled");
        for answer in Answer::ALL {
            assert_eq!(Answer::parse(answer.name()), Some(answer));
            assert_eq!(Answer::of_step(answer.said().name()), Some(answer));
            assert_eq!(serde_json::to_value(answer).unwrap(), answer.name());
        }
    }
}
