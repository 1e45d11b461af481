//! Requests for evidence, between the organisation that asks and the one that is asked; nobody else sees them.
//!
//! ```text
//! asked ─ accept ─▶ accepted ─ fulfil ─▶ fulfilled ─ close ─▶ closed
//!   │  └─ refuse ─▶ refused ─────────────────────── close ──▶
//!   └──── withdraw (from accepted, too) ─▶ withdrawn
//! ```
//!
//! What is handed over is offered to the asker, item by item: it is in its hands once it has accepted. What is preserved is held.

use std::collections::BTreeSet;

use oversight::custody::CustodyAct;
use oversight::reason::CustodyReason;
use oversight::{Action, AuditEvent};
use policy::Operation;
use store::evidence::requests::{self, Kind, Request, State, Step};
use store::evidence::{self as rows, Offer, holds};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::custody::{Book, Said, custodian, named};
use super::{in_hand, label, may_see};
use crate::principal::Caller;
use crate::sharing::{tell, unfit};
use crate::state::AppState;

/// The kind of notice that tells an organisation that it is asked.
const ASKED: &str = "evidence-request";
/// The kind of notice that tells of a step.
const ANSWERED: &str = "evidence-request-answered";

/// What can be said to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Whether the asker says it; else the one that is asked.
    fn is_of_asker(self) -> bool {
        matches!(self, Self::Withdraw | Self::Close)
    }

    /// Where it leads from a state; nothing where it cannot be said.
    fn leads(self, from: State) -> Option<State> {
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

/// Asks; the organisation that is asked is told.
///
/// # Errors
/// It may not see the case.
pub(crate) fn ask(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    new: &requests::NewRequest,
) -> Result<Option<AuditEvent>, StoreError> {
    let (_, incident) = super::case(tx, state, caller, &new.case)?;
    let case_label = label::get(tx, caller, incident.label)?;
    if new.asked == new.asker || !may_see(tx, state, &new.asked, &case_label)? {
        let why = "organisation: name another one that may see this case; release the case to it first";
        return Err(unfit("request-not-visible", why));
    }
    if !requests::ask(tx, caller.realm(), new)? {
        return Ok(None);
    }
    let request = seen(tx, caller, new.id)?;
    let event = event(caller, &request, State::Asked);
    let leaf = store::audit::next_leaf(tx)?;
    step(tx, caller, (&request, State::Asked), (&new.subject, leaf))?;
    let to = BTreeSet::from([new.asked.clone()]);
    tell(tx, caller.realm(), to, (ASKED, &new.id.to_string()), (Some(&new.case), &new.subject))?;
    Ok(Some(event))
}

/// Answers a request, with what follows for the items.
///
/// # Errors
/// It cannot be said now, or not by the caller.
pub(crate) fn answer(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (id, answer): (Uuid, Answer),
    (note, items): (&str, &[Uuid]),
) -> Result<Book, StoreError> {
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
    step(tx, caller, (&request, next), (note, leaf))?;
    for item in items.iter().collect::<BTreeSet<_>>() {
        fulfil(tx, state, caller, (&request, *item), &mut book)?;
    }
    let other = if answer.is_of_asker() { &request.new.asked } else { &request.new.asker };
    let to = BTreeSet::from([other.clone()]);
    let text = format!("{}: {}", next.name(), request.new.subject);
    tell(tx, caller.realm(), to, (ANSWERED, &id.to_string()), (Some(&request.new.case), &text))?;
    Ok(book)
}

/// An item fulfils a request: it is offered to the asker, or held.
fn fulfil(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (request, id): (&Request, Uuid),
    book: &mut Book,
) -> Result<(), StoreError> {
    let realm = caller.realm().clone();
    let new = &request.new;
    let mut item = in_hand(tx, state, caller, id)?.item;
    if item.new.case != new.case {
        return Err(unfit("items-of-another-case", format!("items: `{id}` is of another case")));
    }
    requests::add_item(tx, &realm, new.id, id)?;
    let basis = (!new.legal_basis.is_empty()).then_some(new.legal_basis.as_str());
    let said = match new.kind {
        Kind::HandOver => {
            if item.offer.is_some() {
                return Err(unfit("offered", format!("items: `{id}` is offered to somebody already")));
            }
            let label = label::get(tx, caller, item.new.label)?;
            if !may_see(tx, state, &new.asker, &label)? {
                let why = format!("items: `{id}` is not for {}; change who may see it first", new.asker);
                return Err(unfit("item-not-visible", why));
            }
            let offer = Offer {
                organisation: new.asker.clone(),
                person: None,
                by: caller.id().to_owned(),
                at: tx.now(),
                request: Some(new.id),
            };
            rows::set_offer(tx, &realm, id, Some(&offer))?;
            let to = named(tx, &realm, &new.asker, None)?;
            Said::new(CustodyAct::Offered, CustodyReason::HandedOver.text()).to(to)
        }
        Kind::Preserve => {
            let hold = holds::Hold {
                id: Uuid::new_v4(),
                item: id,
                organisation: caller.principal.organisation.clone(),
                person: caller.id().to_owned(),
                reason: new.subject.clone(),
                legal_basis: new.legal_basis.clone(),
                set: tx.now(),
                lifted: None,
            };
            holds::set(tx, &realm, &hold)?;
            Said::new(CustodyAct::HoldSet, CustodyReason::Preserved.text()).with("hold", hold.id.to_string())
        }
    };
    let from = custodian(tx, &realm, &item)?;
    let said = said.on(basis).from(from).with("request", new.id.to_string());
    let said = if new.reference.is_empty() { said } else { said.with("reference", new.reference.as_str()) };
    book.write(tx, &realm, &mut item, (Some(caller), said))?;
    Ok(())
}

fn step(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (request, next): (&Request, State),
    (note, leaf): (&str, u64),
) -> Result<(), StoreError> {
    let step = Step {
        number: request.steps.saturating_add(1),
        at: tx.now(),
        step: next.name().to_owned(),
        organisation: caller.principal.organisation.clone(),
        person: caller.id().to_owned(),
        note: note.to_owned(),
        leaf,
    };
    requests::step(tx, caller.realm(), request.new.id, next, &step)
}

fn event(caller: &Caller, request: &Request, next: State) -> AuditEvent {
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
        assert!(Answer::ALL.iter().all(|answer| Answer::parse(answer.name()) == Some(*answer)));
    }
}
