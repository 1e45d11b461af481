//! Copies for organisations of other hubs: who can be given them, and what is put on its way.
//!
//! 1. A hub tells its neighbours which of its organisations can be given reports, each neighbour those of which an agreement lets the answers come
//!    to it ([`offered`]); what was told last is kept ([`hear`]).
//! 2. What passes is an object in the log, limited to the circle of the two ([`put`]). The feed gives it to the hub of the other one, as policy allows at
//!    the time of sending; here it is asked before, so that nothing is filed to somebody whom it cannot reach ([`lets_pass`]).
//! 3. The receipt follows once a checkpoint covers the filing's leaf ([`send_receipts`]).
//! 4. The attachments that the copy lists are asked for by the other hub; to one that cannot reach this hub they are owed ([`contents`]).

use std::collections::{BTreeSet, HashMap};

use api::Words;
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, Purpose};
use policy::{Engine, Label, Marking, ObjectClass, Operation, Personal, Principal, PrincipalKind, TlpLabel};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use stix::{Id, Object};
use store::organisations::Organisation;
use store::peers::{self, Peer, Way};
use store::reports::abroad::{self as rows, GivenAbroad};
use store::reports::contents::owe;
use store::reports::{self, Filed, Head};
use store::{Act, Reader, StoreError, Tx, organisations, settings};

use super::contents;
use super::passed::{self, COPY_BYTES_MAX, LEVEL, Passed, Says};
use super::receipts;
use crate::REALM;
use crate::federation::{self, Card};
use crate::meanings::Markings;
use crate::principal::Caller;
use crate::room::names::{beginning, joined, parts};
use crate::room::{Names, circles};
use crate::sharing::{add_object, unfit};
use crate::state::AppState;

/// Organisations that one hub tells of at most.
pub(crate) const OFFERED_MAX: usize = 200;
/// Receipts of one look.
const RECEIPTS_MAX: usize = 20;

/// An organisation that can be given reports, as its hub tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offered {
    /// Its short name there.
    pub(crate) id: OrganisationId,
    /// What it is called, in Japanese.
    pub(crate) ja: String,
    /// And in English.
    pub(crate) en: String,
}

/// The same, as it is known here.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    /// As all hubs name it.
    pub(crate) name: OrganisationId,
    /// What it is called.
    pub(crate) words: Words,
    /// Its hub.
    pub(crate) peer: Peer,
}

impl Offered {
    /// Whether it may be kept and shown.
    pub(crate) fn is_good(&self) -> bool {
        passed::is_line(&self.ja) && passed::is_line(&self.en)
    }
}

/// Whether an organisation is of a kind that is given reports.
pub(crate) fn is_given_reports(role: OrganisationRole) -> bool {
    matches!(role, OrganisationRole::Coordinator | OrganisationRole::Agency)
}

/// Whether what passes from an organisation here may be given to another hub now.
///
/// # Errors
/// Those of the database.
pub(crate) fn lets_pass(
    reader: &Reader<'_>,
    engine: &Engine,
    peer: &Peer,
    from: &OrganisationId,
) -> Result<bool, StoreError> {
    let takes_in = peer.way != Way::Inlet && Card::open(&peer.card).is_ok_and(|card| !card.one_way);
    let caller = federation::caller(reader, &peer.id)?.filter(|_| takes_in);
    Ok(caller.is_some_and(|(_, caller)| may_read(engine, &caller.principal, from)))
}

fn may_read(engine: &Engine, hub: &Principal, from: &OrganisationId) -> bool {
    let label =
        Label { tlp: TlpLabel::Level(LEVEL), class: ObjectClass::Report, ..Label::unmarked(from, &REALM) };
    engine.check(hub, Operation::Read, &label)
}

/// Which organisations here a neighbour is told of: what they answer may be given to it.
///
/// # Errors
/// Those of the database.
pub(crate) fn offered(
    reader: &Reader<'_>,
    engine: &Engine,
    hub: &Principal,
) -> Result<Vec<Offered>, StoreError> {
    let council = organisations::list(reader, &REALM)?.into_iter();
    let is_told = |one: &Organisation| {
        is_given_reports(one.role) && one.id != hub.organisation && may_read(engine, hub, &one.id)
    };
    let found = council.filter(is_told);
    let told = found.map(|one| Offered { id: one.id, ja: one.name_ja, en: one.name_en });
    Ok(told.filter(Offered::is_good).take(OFFERED_MAX).collect())
}

/// The setting that holds what a neighbour told last.
fn setting(peer: &str) -> String {
    format!("reports.receivers.{peer}")
}

/// Keeps what a neighbour tells.
///
/// # Errors
/// Those of the database.
pub(crate) fn hear(tx: &mut Tx<'_>, peer: &str, offered: &[Offered]) -> Result<(), StoreError> {
    let text = serde_json::to_vec(offered).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    settings::put(tx, &REALM, &setting(peer), &text)
}

/// Whom of other hubs an organisation here can give a copy to.
///
/// # Errors
/// Those of the database.
pub(crate) fn receivers(
    reader: &Reader<'_>,
    engine: &Engine,
    from: &OrganisationId,
) -> Result<Vec<Receiver>, StoreError> {
    let mut found = Vec::new();
    for peer in peers::list(reader, &REALM)? {
        if lets_pass(reader, engine, &peer, from)? {
            found.extend(heard(reader, &peer)?);
        }
    }
    Ok(found)
}

/// What a neighbour told last of its organisations.
fn heard(reader: &Reader<'_>, peer: &Peer) -> Result<Vec<Receiver>, StoreError> {
    let kept = settings::get(reader, &REALM, &setting(&peer.id))?;
    let offered: Vec<Offered> = kept.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let receiver = |one: Offered| {
        let name = joined(&beginning(&peer.hub), &one.id).ok()?;
        Some(Receiver { name, words: Words { ja: one.ja, en: one.en }, peer: peer.clone() })
    };
    Ok(offered.into_iter().filter_map(receiver).collect())
}

/// Whom of another hub a request means: `ministry.east`, the organisation and the hub's short name here, or its name at all hubs. Nothing
/// where it means nobody of another hub.
///
/// # Errors
/// There is nobody of that name whom the caller can give a copy to.
pub(crate) fn named(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    text: &str,
) -> Result<Option<Receiver>, StoreError> {
    let is_named = |one: &Receiver| match text.split_once('.') {
        Some((short, hub)) => hub == one.peer.id && parts(&one.name).is_some_and(|(_, known)| known == short),
        None => one.name.as_str() == text,
    };
    let means_another_hub =
        text.contains('.') || OrganisationId::parse(text).is_some_and(|name| parts(&name).is_some());
    if !means_another_hub {
        return Ok(None);
    }
    let own = &caller.principal.organisation;
    let all =
        if *caller.realm() == REALM { receivers(reader, &state.engine.load(), own)? } else { Vec::new() };
    let found = all.into_iter().find(is_named);
    found.map(Some).ok_or_else(|| {
        let why = format!(
            "given_to: `{text}` is no organisation of a neighbouring hub that can be given your reports; \
             `GET /api/v1/report-receivers` tells who can, and an agreement has to let reports through"
        );
        unfit("receiver-unknown", why)
    })
}

/// The hub that speaks for an organisation, and what it is called.
///
/// # Errors
/// Those of the database.
pub(crate) fn hub_of(
    reader: &Reader<'_>,
    name: &OrganisationId,
) -> Result<Option<(Peer, Words)>, StoreError> {
    let Some((hub, _)) = parts(name) else { return Ok(None) };
    let found = peers::list(reader, &REALM)?.into_iter().find(|peer| beginning(&peer.hub) == hub);
    Ok(found.map(|peer| {
        let words = match Card::open(&peer.card) {
            Ok(card) => Words { ja: card.name_ja, en: card.name_en },
            Err(_) => Words { ja: peer.id.clone(), en: peer.id.clone() },
        };
        (peer, words)
    }))
}

/// What an organisation of another hub is called, with its hub; nothing for one of this council.
///
/// # Errors
/// Those of the database.
pub(crate) fn words_of(reader: &Reader<'_>, name: &OrganisationId) -> Result<Option<Words>, StoreError> {
    let Some((_, short)) = parts(name) else { return Ok(None) };
    let Some((peer, hub)) = hub_of(reader, name)? else {
        return Ok(Some(Words { ja: short.to_owned(), en: short.to_owned() }));
    };
    let told = heard(reader, &peer)?.into_iter().find(|one| one.name == *name).map(|one| one.words);
    let told = told.unwrap_or_else(|| Words { ja: short.to_owned(), en: short.to_owned() });
    Ok(Some(Words { ja: format!("{}（{}）", told.ja, hub.ja), en: format!("{} ({})", told.en, hub.en) }))
}

/// Something that was put on its way.
pub(crate) struct Put {
    /// Its object.
    pub(crate) object: Id,
    /// Whether policies are to be asked anew: somebody is in a circle who was in none.
    pub(crate) has_new_circle: bool,
}

/// Puts something on its way: an object of the organisation that it comes from, for the two that it is between.
///
/// # Errors
/// As [`put_note`].
pub(crate) fn put(
    tx: &mut Tx<'_>,
    state: &AppState,
    author: &OrganisationId,
    passed: &Passed,
) -> Result<Put, StoreError> {
    put_note(tx, state, author, &passed.between(), |identity| passed.to_stix(identity))
}

/// The same of whatever passes between two organisations: a note that bears the marking of their circle, made for the identity of its author.
///
/// # Errors
/// [`StoreError::Abandoned`] where it is refused; [`StoreError::Limit`] where there are too many circles.
pub(crate) fn put_note(
    tx: &mut Tx<'_>,
    state: &AppState,
    author: &OrganisationId,
    between: &BTreeSet<OrganisationId>,
    to_stix: impl FnOnce(&Id) -> Value,
) -> Result<Put, StoreError> {
    let names = Names::read(tx, &REALM, &state.federation.own.hub)?;
    let (group, has_new_circle) = circles::draw_abroad(tx, &names, (&REALM, state.collection.key), between)?;
    let author = organisations::get(tx, &REALM, author)?
        .ok_or_else(|| StoreError::Corrupt("the organisation that something comes from".to_owned()))?;
    let text = to_stix(&author.identity);
    let object = Object::parse(text.to_string().into()).map_err(|error| unfit("not-stix", error.message))?;
    let (principal, batch) = (program_of(&author), HashMap::from([(group.marking(), Marking::Group(group))]));
    let label = Markings::of(&state.door, &principal, &batch).label(tx, &object)?;
    let (object, _) = add_object(tx, &REALM, (state.collection.key, &author.id), &text, |_| label)?;
    Ok(Put { object: object.id().clone(), has_new_circle })
}

/// The organisation as one of its programs, for what the markings of its objects mean.
fn program_of(author: &Organisation) -> Principal {
    Principal {
        kind: PrincipalKind::Program(String::new()),
        organisation: author.id.clone(),
        organisation_role: author.role,
        roles: BTreeSet::new(),
        realm: REALM,
        purpose: Purpose::IncidentResponse,
        personal: Personal::default(),
    }
}

/// Puts the copy of a filing on its way, in the transaction of the filing.
///
/// # Errors
/// As [`put`]; a copy that is too large.
pub(crate) fn give(
    tx: &mut Tx<'_>,
    state: &AppState,
    (report, from): (&Id, &OrganisationId),
    (filed, to): (&Filed, &Receiver),
) -> Result<Put, StoreError> {
    if filed.copy.len() > COPY_BYTES_MAX {
        let why = "given_to: the copy is larger than 1 MiB, and is not given to another hub";
        return Err(unfit("copy-too-large", why));
    }
    let copy = String::from_utf8(filed.copy.clone())
        .map_err(|_| StoreError::Corrupt("the copy of a filing".to_owned()))?;
    let author = organisations::get(tx, &REALM, from)?
        .ok_or_else(|| StoreError::Corrupt("the organisation that files".to_owned()))?;
    let line = |name: &str| passed::line(name).unwrap_or_else(|| author.id.to_string());
    let says = Says::Given {
        sha256: hex::encode(Sha256::digest(&filed.copy)),
        copy,
        leaf: filed.leaf,
        name: Words { ja: line(&author.name_ja), en: line(&author.name_en) },
    };
    let passed = Passed {
        report: report.clone(),
        filing: filed.event,
        from: joined(&beginning(&state.federation.own.hub), from)?,
        to: to.name.clone(),
        at: tx.now(),
        says,
    };
    let put = put(tx, state, from, &passed)?;
    let given = GivenAbroad { report: report.clone(), event: filed.event, object: put.object.clone() };
    rows::give(tx, &REALM, &given)?;
    // Who can reach this hub asks for what the copy lists.
    if state.federation.own.address.is_none() {
        for file in contents::listed(&filed.copy) {
            owe(tx, &REALM, &to.peer.hub, (report, &file.sha256))?;
        }
    }
    Ok(put)
}

/// The act of having put something into the log.
pub(crate) fn added(actor: Actor, purpose: Purpose, object: &Id) -> AuditEvent {
    AuditEvent::done(Action::ObjectsAdded, actor, purpose).on([object.as_str()])
}

/// Sends the receipts after the copies, as far as checkpoints cover them by now.
///
/// # Errors
/// Those of the database.
pub(crate) async fn send_receipts(state: &AppState) -> Result<(), StoreError> {
    let due = state.store.read(|reader| {
        let mut due = Vec::new();
        for given in rows::without_receipt(reader, &REALM, RECEIPTS_MAX)? {
            let Some(head) = reports::head(reader, &REALM, &given.report)? else { continue };
            let mut filed = reports::filed(reader, &REALM, &given.report)?.into_iter();
            if let Some(filed) = filed.find(|filed| filed.event == given.event) {
                due.push((head, filed));
            }
        }
        Ok(due)
    });
    for (head, filed) in due.await? {
        // What no checkpoint covers yet is asked for at the next look.
        if let Ok(proof) = receipts::make(state, &REALM, &filed).await {
            send_receipt(state, (head, filed), proof).await?;
        }
    }
    Ok(())
}

async fn send_receipt(
    state: &AppState,
    (head, filed): (Head, Filed),
    proof: String,
) -> Result<(), StoreError> {
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let Some(to) = filed.given_to.clone() else { return Ok(Act::bookkeeping(())) };
        if !rows::send_receipt(tx, &REALM, &head.id, &filed.event)? {
            return Ok(Act::bookkeeping(()));
        }
        let passed = Passed {
            report: head.id.clone(),
            filing: filed.event,
            from: joined(&beginning(&work.federation.own.hub), &head.organisation)?,
            to,
            at: tx.now(),
            says: Says::Receipt { proof },
        };
        let put = put(tx, &work, &head.organisation, &passed)?;
        Ok(Act::audited((), &REALM, added(Actor::Node, Purpose::IncidentResponse, &put.object)))
    };
    state.store.write(write).await
}
