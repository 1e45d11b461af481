//! What comes from other hubs about requests for evidence: which of it is let in, and what follows.
//!
//! - It comes from the hub of the organisation that it names, from nobody else and by no other hub: whoever only hands on cannot be asked whether
//!   it is true.
//! - A request is for an organisation here, about a case that is here. One whose case is not here is kept out, and so stands unanswered at the hub that asked until it
//!   is asked again: nobody here is asked about what nobody here can look at. Whether whom it is for may see the case is decided when that is read.
//! - An answer is from one of the two whom the request is between, and can be said by that one ([`super::lines`]). What is said to a request changes nothing of what was
//!   asked, on which legal basis and until when: a second request of the same name is kept out.
//! - What comes twice is one object, and what comes again after it was removed was noted under the same name: nothing follows from it.
//!
//! What is let in is a step of the request, with a leaf of its own here and, beside it, the one that it says to have in the log that it comes from.

use std::collections::BTreeSet;

use oversight::{AuditEvent, OrganisationId};
use stix::Object;
use store::collections::CollectionKey;
use store::evidence::abroad as rows;
use store::evidence::requests::{self, Kind, NewRequest, OPEN_MAX, Request, State, Step};
use store::peers::Peer;
use store::{Reader, StoreError, Tx, audit, routes};

use super::lines::Lines;
use super::passed::{Passed, PassedItem, Says, is_passed};
use super::requests::{ANSWERED, ASKED, Answer, event};
use crate::REALM;
use crate::ingest::Outcome;
use crate::principal::Caller;
use crate::reports::came::{Objection, between};
use crate::reports::passed::NotPassed;
use crate::room::names::beginning;
use crate::room::{Names, circles};
use crate::sharing::tell;

/// What is thought of an object that a hub brings.
pub(crate) enum Judged {
    /// It is about something else.
    Nothing,
    /// It is let in.
    Good {
        /// What it says.
        passed: Box<Passed>,
        /// Organisations were drawn a circle for it: policies are to be renewed once it is committed.
        has_new_circle: bool,
    },
    /// It is kept out.
    Bad(Outcome),
}

/// Why an object that is brought by a member may not come in: what passes is made by the hub when somebody asks or answers.
pub(crate) fn refusal(object: &Object) -> Option<Outcome> {
    let why = || {
        let message =
            format!("`{}` is a request for evidence, or about one; ask for it, or answer it", object.id());
        Outcome::Refused { code: "reserved".to_owned(), message }
    };
    is_passed(object).then(why)
}

/// Judges what a hub brings; for what is let in its circle is drawn.
///
/// # Errors
/// Those of the database.
pub(crate) fn judge(
    tx: &mut Tx<'_>,
    (own_hub, collection): (&str, CollectionKey),
    (peer, origin): (&Peer, &str),
    object: &Object,
) -> Result<Judged, StoreError> {
    if !is_passed(object) {
        return Ok(Judged::Nothing);
    }
    let bad = |code: &str, why: &str| {
        let message = format!("`{}`: {why}", object.id());
        Ok(Judged::Bad(Outcome::Refused { code: code.to_owned(), message }))
    };
    let passed = match Passed::from_stix(object) {
        Ok(passed) => passed,
        Err(NotPassed { code, why }) => return bad(code, why),
    };
    let names = Names::read(tx, &REALM, own_hub)?;
    let here = match between(&names, (own_hub, peer, origin), (&passed.from, &passed.to)) {
        Ok(here) => here,
        Err((code, why)) => return bad(code, why),
    };
    // What was taken in is what it was then; that it comes again says nothing new.
    if !rows::has_passed(tx, &REALM, object.id())? {
        let objection = match &passed.says {
            Says::Asked { .. } => is_not_to_be_asked(tx, &passed)?,
            Says::Answered { answer, items, .. } => answers_nothing(tx, &passed, &here, (*answer, items))?,
        };
        if let Some((code, why)) = objection {
            return bad(code, why);
        }
    }
    match circles::draw(tx, &names, (&REALM, collection), &passed.between()) {
        Ok((_, has_new_circle)) => Ok(Judged::Good { passed: Box::new(passed), has_new_circle }),
        // Without its circle it is for nobody here.
        Err(StoreError::Limit { .. }) => {
            bad("too-many-circles", "there are as many circles of organisations here as there may be")
        }
        Err(error) => Err(error),
    }
}

/// What stands against a request.
fn is_not_to_be_asked(reader: &Reader<'_>, passed: &Passed) -> Result<Objection, StoreError> {
    if requests::get(reader, &REALM, passed.request)?.is_some() {
        return Ok(Some(("changed", "there is a request of that name, and what was asked is not changed")));
    }
    if routes::brought_by(reader, &REALM, &passed.case)?.is_none() {
        return Ok(Some(("no-case", "it is about a case that is not here")));
    }
    let of_hub = beginning(passed.from.as_str());
    if requests::open_of(reader, &REALM, &passed.case, &passed.from)? >= OPEN_MAX
        || rows::open_of_hub(reader, &REALM, &of_hub)? >= rows::OPEN_OF_HUB_MAX
    {
        return Ok(Some(("too-many", "whoever asks has as many open requests here as it may have")));
    }
    Ok(None)
}

/// What stands against an answer to an organisation here.
fn answers_nothing(
    reader: &Reader<'_>,
    passed: &Passed,
    here: &OrganisationId,
    (answer, items): (Answer, &[PassedItem]),
) -> Result<Objection, StoreError> {
    let request = requests::get(reader, &REALM, passed.request)?;
    let Some(request) = request.filter(|request| is_between(request, passed, here, answer)) else {
        return Ok(Some((
            "not-asked",
            "it answers a request that is not between the two, or for the other one",
        )));
    };
    let steps = requests::steps(reader, &REALM, passed.request)?;
    if Lines::of(&steps).with(answer).is_none() {
        return Ok(Some(("not-now", "whoever answers cannot have said that as the request stands")));
    }
    let names_nothing = answer == Answer::Fulfil && request.new.kind == Kind::HandOver && items.is_empty();
    Ok(names_nothing.then_some(("wrong-request", "it hands over and names no item")))
}

/// Whether an answer is from the one of the two whose it is to say, to the other one, which is here.
fn is_between(request: &Request, passed: &Passed, here: &OrganisationId, answer: Answer) -> bool {
    let (asker, asked) = (&request.new.asker, &request.new.asked);
    let (from, to) = if answer.is_of_asker() { (asker, asked) } else { (asked, asker) };
    *from == passed.from && to == here && request.new.case == passed.case
}

/// Does what follows from something that is in the log now. `before` is how many acts of the transaction come before this one; gives the act, if it is
/// one of its own.
///
/// # Errors
/// Those of the database.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    own_hub: &str,
    (caller, before): (&Caller, usize),
    passed: &Passed,
) -> Result<Option<AuditEvent>, StoreError> {
    // What was removed and brought again was taken in before.
    if rows::has_passed(tx, &REALM, &passed.id())? {
        return Ok(None);
    }
    let names = Names::read(tx, &REALM, own_hub)?;
    let Some(here) = names.here(&passed.to).cloned() else { return Ok(None) };
    let leaf = audit::next_leaf(tx)?.saturating_add(u64::try_from(before).unwrap_or(0));
    match &passed.says {
        Says::Asked { wanted, subject, legal_basis, reference, due } => {
            let Some(kind) = Kind::parse(wanted) else { return Ok(None) };
            let new = NewRequest {
                id: passed.request,
                case: passed.case.clone(),
                kind,
                asker: passed.from.clone(),
                asker_person: passed.by.clone().unwrap_or_default(),
                asked: here.clone(),
                subject: subject.clone(),
                legal_basis: legal_basis.clone(),
                reference: reference.clone(),
                due: *due,
            };
            requests::ask(tx, &REALM, &new)?;
            let Some(request) = requests::get(tx, &REALM, new.id)? else { return Ok(None) };
            take_step(tx, (&request, State::Asked, State::Asked), passed, (subject, leaf))?;
            tell(
                tx,
                &REALM,
                BTreeSet::from([here]),
                (ASKED, &new.id.to_string()),
                (Some(&new.case), subject),
            )?;
            Ok(Some(told(caller, &request, State::Asked, passed)))
        }
        Says::Answered { answer, note, items } => {
            let Some(request) = requests::get(tx, &REALM, passed.request)? else { return Ok(None) };
            let lines = Lines::of(&requests::steps(tx, &REALM, passed.request)?).with(*answer);
            let Some(lines) = lines else { return Ok(None) };
            let (next, said) = (lines.state(), answer.said());
            take_step(tx, (&request, next, said), passed, (note, leaf))?;
            let named: Vec<rows::Named> = items.iter().map(named).collect();
            rows::name(tx, &REALM, passed.request, &named)?;
            let text = format!("{}: {}", said.name(), request.new.subject);
            let (to, id) = (BTreeSet::from([here]), passed.request.to_string());
            tell(tx, &REALM, to, (ANSWERED, &id), (Some(&request.new.case), &text))?;
            Ok(Some(told(caller, &request, said, passed).with("state", next.name())))
        }
    }
}

/// Adds a step that was made at another hub, after which the request stands like that.
fn take_step(
    tx: &mut Tx<'_>,
    (request, next, said): (&Request, State, State),
    passed: &Passed,
    (note, leaf): (&str, u64),
) -> Result<(), StoreError> {
    let step = Step {
        number: request.steps.saturating_add(1),
        at: tx.now(),
        step: said.name().to_owned(),
        organisation: passed.from.clone(),
        // No account of this hub's: what the person is called.
        person: passed.by.clone().unwrap_or_default(),
        note: note.to_owned(),
        leaf,
    };
    requests::step(tx, &REALM, request.new.id, next, &step)?;
    let note = rows::Note {
        object: passed.id(),
        request: request.new.id,
        number: step.number,
        leaf: Some(passed.leaf),
    };
    rows::pass(tx, &REALM, &note)
}

/// The act of having taken a step in.
fn told(caller: &Caller, request: &Request, said: State, passed: &Passed) -> AuditEvent {
    event(caller, request, said)
        .with("note", passed.id().to_string())
        .with("their_leaf", passed.leaf.to_string())
}

fn named(item: &PassedItem) -> rows::Named {
    rows::Named {
        item: item.id,
        name: item.name.clone(),
        size: item.size,
        sha256: item.sha256.clone(),
        custody: item.custody.clone(),
        entries: item.entries,
        own: None,
    }
}
