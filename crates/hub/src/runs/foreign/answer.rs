//! People here answer what another hub asks for.

use std::collections::BTreeSet;

use oversight::{Action, AuditEvent, OrganisationId, OrganisationRole};
use policy::permit::{Approver, permit_foreign};
use store::foreign::{self as rows, Approval, Foreign, State};
use store::runs::Approval as InRun;
use store::secrets::SecretHash;
use store::{Act, Reader, StoreError, Tx, organisations};

use super::super::drive::Driven;
use super::super::{Response, gates};
use super::{described, give, judge, kept, refused_late, tell};
use crate::REALM;
use crate::principal::Caller;
use crate::sharing::{tell as notify, unfit};

/// A person's answer.
pub(crate) struct Given {
    /// This hub's name for the request.
    pub(crate) local: String,
    /// What was shown.
    pub(crate) hash: String,
    /// In words.
    pub(crate) reason: Option<String>,
    /// In which session.
    pub(crate) session: SecretHash,
}

/// Whether a request is there for people of an organisation: the operator's whose network it is, and the coordinator's.
pub(crate) fn is_for(row: &Foreign, organisation: &OrganisationId, role: OrganisationRole) -> bool {
    let is_operator = !row.edge.is_empty() && row.organisation == *organisation;
    is_operator || role == OrganisationRole::Coordinator
}

/// Puts a request before those who may answer it.
pub(super) fn ask_people(tx: &mut Tx<'_>, row: &Foreign) -> Result<(), StoreError> {
    let mut to = BTreeSet::from([row.organisation.clone()]);
    let coordinators = organisations::list(tx, &REALM)?.into_iter();
    to.extend(coordinators.filter(|one| one.role == OrganisationRole::Coordinator).map(|one| one.id));
    notify(tx, &REALM, to, ("order-asked", &row.local), (None, &row.peer))
}

/// Agrees to a request. With enough of them the edge is ordered, if nothing stands against it by now.
///
/// # Errors
/// [`StoreError::Abandoned`] where it is not open to this person.
pub(crate) fn agree(
    tx: &mut Tx<'_>,
    response: &Response,
    caller: &Caller,
    given: &Given,
) -> Result<Act<Driven>, StoreError> {
    let row = open(tx, caller, given)?;
    let own = &caller.principal.organisation;
    if *own == row.requester {
        return Err(unfit("run-not-allowed-asker", "who asked does not approve"));
    }
    let known = rows::approvals(tx, &REALM, &row.local)?;
    if known.iter().any(|one| one.organisation == *own && one.person != caller.id() && !one.revoked) {
        return Err(unfit("run-not-allowed-agreed", "your organisation has agreed already"));
    }
    let approval = Approval {
        person: caller.id().to_owned(),
        organisation: own.clone(),
        session: given.session,
        at: tx.now(),
        revoked: false,
    };
    rows::approve(tx, &REALM, &row.local, &approval)?;
    let event = event(caller, "approve", &row, given);
    let approvers = counted(tx, response, &row.local)?;
    let organisations: BTreeSet<&OrganisationId> = approvers.iter().map(|one| &one.organisation).collect();
    let agreed = u32::try_from(organisations.len()).unwrap_or(u32::MAX);
    if agreed < response.config.approvals_foreign {
        return Ok(Act::audited(Driven::default(), &REALM, event));
    }
    if let Err(why) = order(tx, response, &row, approvers)? {
        refused_late(tx, &row, &why)?;
        return Ok(Act::audited(Driven { has_ordered: true }, &REALM, event.with("refused", why)));
    }
    Ok(Act::audited(Driven { has_ordered: true }, &REALM, event))
}

/// Orders what people agreed to; inside, what stands against it by now.
fn order(
    tx: &mut Tx<'_>,
    response: &Response,
    row: &Foreign,
    approvers: Vec<Approver>,
) -> Result<Result<(), String>, StoreError> {
    let request = kept(row)?;
    let judged = match judge::judge(tx, response, &row.requester, &request)? {
        Ok(judged) => judged,
        Err(against) => return Ok(Err(against.into_words())),
    };
    if judged.edge.organisation != row.organisation {
        return Ok(Err("the edge was given to another operator meanwhile".to_owned()));
    }
    let proposed = judge::proposed(tx, response, (row, &request, &judged), approvers)?;
    let needed = response.config.approvals_foreign;
    match permit_foreign(&proposed, &response.config.bounds, needed) {
        Ok(permit) => give(tx, response, (row, &request, &judged), permit),
        Err(denied) => Ok(Err(denied.to_string())),
    }
}

/// Refuses a request; the other hub is told why.
///
/// # Errors
/// [`StoreError::Abandoned`] where it is not open to this person.
pub(crate) fn refuse(tx: &mut Tx<'_>, caller: &Caller, given: &Given) -> Result<Act<Driven>, StoreError> {
    let row = open(tx, caller, given)?;
    let why = format!("refused: {}", given.reason.as_deref().unwrap_or("no reason given"));
    rows::put_state(tx, &REALM, &row.local, (State::Refused, Some(&why)))?;
    tell(tx, &row, (api::OrderState::Refused, Some(&why)))?;
    Ok(Act::audited(Driven { has_ordered: true }, &REALM, event(caller, "refuse", &row, given)))
}

/// A request that is open to a person: there for it, waiting, and what was shown.
fn open(reader: &Reader<'_>, caller: &Caller, given: &Given) -> Result<Foreign, StoreError> {
    let missing = || StoreError::NotFound { what: given.local.clone() };
    let row = rows::by_local(reader, &REALM, &given.local)?.ok_or_else(missing)?;
    if !is_for(&row, &caller.principal.organisation, caller.principal.organisation_role) {
        return Err(missing());
    }
    if row.state != State::Waiting || row.expires <= reader.now() {
        return Err(unfit("run-not-now-closed", "it waits for nobody any more"));
    }
    if row.digest != given.hash {
        return Err(unfit("run-not-now-changed", "what was shown is not what is asked for: look again"));
    }
    Ok(row)
}

/// Who agreed and may still do so, in a session that nobody revoked.
fn counted(reader: &Reader<'_>, response: &Response, local: &str) -> Result<Vec<Approver>, StoreError> {
    let mut counted = Vec::new();
    for approval in rows::approvals(reader, &REALM, local)? {
        let Approval { person, organisation, session, at, revoked } = approval;
        let as_in_run = InRun { question: 0, person, organisation, session, at, revoked };
        if gates::counts(reader, response, &as_in_run)? {
            let InRun { person, organisation, .. } = as_in_run;
            counted.push(Approver { person, organisation });
        }
    }
    Ok(counted)
}

fn event(caller: &Caller, did: &str, row: &Foreign, given: &Given) -> AuditEvent {
    let event = AuditEvent::done(Action::OrderAsked, caller.actor.clone(), caller.purpose).with("did", did);
    let event = described(event, row);
    match &given.reason {
        Some(reason) => event.with("reason", reason.as_str()),
        None => event,
    }
}
