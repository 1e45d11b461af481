//! Requests to organisations of other hubs: who can be asked, and what is put on its way.
//!
//! 1. Who can be asked about a case is an organisation of a neighbouring hub that is in the case's room, or that its hub has told of; and that hub is given
//!    the case, or gave it, and is given what passes, as policy allows now ([`askable`]).
//! 2. What passes is an object in the log, limited to the circle of the two ([`send`]). The feed gives it to the hub of the other one, as policy allows at
//!    the time of sending; here it is asked before, so that nobody believes to have asked whom it cannot reach.
//! 3. The content of items does not pass in notes. Of an item that the asker may see, its hub is told what the content is held against ([`item`]), and fetches
//!    that when somebody there asks for it ([`super::fetched`]).

use std::collections::{BTreeMap, BTreeSet};

use api::Words;
use oversight::{AuditEvent, OrganisationId};
use policy::{Label, Operation};
use stix::Id;
use store::evidence::Item;
use store::evidence::abroad as rows;
use store::evidence::requests::{NewRequest, Request};
use store::peers::{self, Peer};
use store::{Reader, StoreError, Tx, people, routes, sharing_groups};

use super::label;
use super::passed::{Passed, PassedItem, Says};
use crate::REALM;
use crate::federation;
use crate::principal::Caller;
use crate::reports::abroad::{added, hub_of, lets_pass, put_note, receivers};
use crate::reports::passed::line;
use crate::room::Names;
use crate::room::names::{beginning, joined, parts};
use crate::sharing::unfit;
use crate::state::AppState;

/// An organisation of another hub that can be asked.
pub(crate) struct Askable {
    /// As all hubs name it.
    pub(crate) name: OrganisationId,
    /// What it is called, without its hub.
    pub(crate) words: Words,
    /// Its hub.
    pub(crate) peer: Peer,
}

/// Whether a name is that of an organisation as all hubs name it, and not as this council does.
pub(crate) fn is_abroad(name: &OrganisationId) -> bool {
    parts(name).is_some()
}

/// Who of other hubs can be asked about a case by the caller's organisation, hub by hub.
///
/// # Errors
/// [`StoreError::NotFound`] where the caller may not see the case.
pub(crate) fn askable(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    case: &Id,
) -> Result<Vec<Askable>, StoreError> {
    let (visible, incident) = super::case(reader, state, caller, case)?;
    if *caller.realm() != REALM {
        return Ok(Vec::new());
    }
    let (own, engine) = (&caller.principal.organisation, state.engine.load());
    let told = receivers(reader, &engine, own)?.into_iter().map(|one| (one.name, one.words));
    let mut known: BTreeMap<OrganisationId, Words> = told.collect();
    let room = crate::room::seen(&state.rooms, reader, &REALM, &visible, case)?;
    for member in room.iter().flat_map(|room| &room.situation.members) {
        if let Some((_, short)) = parts(member).filter(|_| !known.contains_key(member)) {
            known.insert(member.clone(), Words { ja: short.to_owned(), en: short.to_owned() });
        }
    }
    let (label, came) =
        (label::get(reader, caller, incident.label)?, routes::of_object(reader, &REALM, case)?);
    let mut found = Vec::new();
    for peer in peers::list(reader, &REALM)? {
        if !lets_pass(reader, &engine, &peer, own)? {
            continue;
        }
        // A hub is not given back what it gave: that it has it needs no asking.
        let has_case = came.iter().any(|route| route.held && route.peer == peer.id);
        let of_hub = beginning(&peer.hub);
        for (name, words) in &known {
            let is_of_hub = parts(name).is_some_and(|(hub, _)| hub == of_hub);
            if is_of_hub && (has_case || may_see(reader, state, name, &label)?) {
                found.push(Askable { name: name.clone(), words: words.clone(), peer: peer.clone() });
            }
        }
    }
    Ok(found)
}

/// Whether a request may go to an organisation of another hub.
///
/// # Errors
/// As [`askable`].
pub(crate) fn can_be_asked(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    new: &NewRequest,
) -> Result<bool, StoreError> {
    let all = askable(reader, state, caller, &new.case)?;
    Ok(all.iter().any(|one| one.name == new.asked))
}

/// Whether an organisation of another hub may be told of what bears a label: its hub may have it, and where it is for some organisations only, this one is one
/// of them.
///
/// # Errors
/// Those of the database.
pub(crate) fn may_see(
    reader: &Reader<'_>,
    state: &AppState,
    name: &OrganisationId,
    label: &Label,
) -> Result<bool, StoreError> {
    let Some((peer, _)) = hub_of(reader, name)? else { return Ok(false) };
    let Some((_, hub)) = federation::caller(reader, &peer.id)? else { return Ok(false) };
    if !state.engine.load().check(&hub.principal, Operation::Read, label) {
        return Ok(false);
    }
    if label.groups.is_empty() {
        return Ok(true);
    }
    // A hub is in a circle for whichever of its organisations is in it; that another one of them is there is not enough.
    let names = Names::read(reader, &REALM, &state.federation.own.hub)?;
    let members = sharing_groups::members(reader, &REALM)?;
    let is_in = |of_group: &BTreeSet<OrganisationId>| {
        of_group.contains(name) || names.here(name).is_some_and(|here| of_group.contains(here))
    };
    Ok(label.groups.iter().all(|group| members.get(group).is_some_and(is_in)))
}

/// An item as the asker at the other hub is told of it.
///
/// # Errors
/// [`StoreError::Corrupt`] where its content or its custody is not there.
pub(crate) fn item(item: &Item) -> Result<PassedItem, StoreError> {
    let gone = || StoreError::Corrupt(format!("the custody of item {}", item.new.id));
    let kept = item.kept.as_ref().ok_or_else(gone)?;
    Ok(PassedItem {
        id: item.new.id,
        name: line(&item.new.name).unwrap_or_else(|| item.new.id.to_string()),
        size: kept.size,
        sha256: kept.sha256.clone(),
        custody: item.last_hash.clone().ok_or_else(gone)?,
        entries: item.entries,
    })
}

/// Something that was put on its way.
pub(crate) struct Sent {
    /// The act of having put it into the log.
    pub(crate) event: AuditEvent,
    /// Whether policies are to be asked anew: somebody is in a circle who was in none.
    pub(crate) has_new_circle: bool,
}

/// Puts a step that the caller made on its way to the other organisation, in the transaction of the step. `number` is the step's, and `leaf` is that of its act.
///
/// # Errors
/// No agreement lets it through; it says what the other hub would not take.
pub(crate) fn send(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (request, number, leaf): (&Request, u64, u64),
    says: Says,
) -> Result<Sent, StoreError> {
    let (new, own) = (&request.new, &caller.principal.organisation);
    let other = if new.asker == *own { &new.asked } else { &new.asker };
    let peer = hub_of(tx, other)?.map(|(peer, _)| peer);
    let passes = match &peer {
        Some(peer) => lets_pass(tx, &state.engine.load(), peer, own)?,
        None => false,
    };
    if !passes {
        let why = format!("no agreement lets what you say through to the hub of {other}");
        return Err(unfit("request-not-agreed", why));
    }
    let by = people::get(tx, caller.realm(), caller.id())?.and_then(|person| line(&person.name));
    let passed = Passed {
        request: new.id,
        case: new.case.clone(),
        from: joined(&beginning(&state.federation.own.hub), own)?,
        to: other.clone(),
        at: tx.now(),
        leaf,
        by,
        says,
    };
    passed.check().map_err(|bad| unfit("wrong-request", bad.why))?;
    let put = put_note(tx, state, own, &passed.between(), |identity| passed.to_stix(identity))?;
    let note = rows::Note { object: put.object.clone(), request: new.id, number, leaf: None };
    rows::pass(tx, &REALM, &note)?;
    let event = added(caller.actor.clone(), caller.purpose, &put.object);
    Ok(Sent { event, has_new_circle: put.has_new_circle })
}

/// What a new request says to the other hub.
pub(crate) fn asks(new: &NewRequest) -> Says {
    Says::Asked {
        wanted: new.kind.name().to_owned(),
        subject: new.subject.clone(),
        legal_basis: new.legal_basis.clone(),
        reference: new.reference.clone(),
        due: new.due,
    }
}
