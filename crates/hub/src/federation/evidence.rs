//! The content of evidence that was handed over across hubs, from the hub where it lies to that of whoever asked for it.
//!
//! A peer asks for it ([`give`], [`fetch`]), by request and item. It is given what a hand-over names that an organisation of its hub asked for, while that
//! request stands as fulfilled, as long as the item is in the hands of whoever handed it over and may still be given; all else is not there. Before a byte
//! leaves, the ledger and the item's custody say so, each time anew.
//!
//! Nobody sends it of its own accord: gigabytes come when somebody who waits for them asks. Where this hub cannot be reached, a package is brought.

use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use oversight::custody::{CustodyAct, Party};
use oversight::reason::CustodyReason;
use policy::Visible;
use store::evidence::requests::{self, Kind, Request, State as Standing, Step};
use store::evidence::{self as rows, Item, State as ItemState, abroad};
use store::peers::Peer;
use store::{Reader, StoreError, Tx, objects};
use uuid::Uuid;

use super::contents::linked;
use super::pull::{address, client, good, link};
use super::receive::Trouble;
use super::serve::PeerCaller;
use crate::REALM;
use crate::evidence::abroad::may_see;
use crate::evidence::custody::{Book, Said, custodian, entries};
use crate::evidence::give::{Sealed, bare};
use crate::evidence::lines::Lines;
use crate::evidence::{label, stream_permit};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::reports::abroad::lets_pass;
use crate::reports::contents::NotBrought;
use crate::room::names::speaks_for;
use crate::sharing::answered;
use crate::state::AppState;

/// The route: request and item.
pub(super) const ROUTE: &str = "/peer/v1/evidence/{request}/{item}";

/// Contents that one peer fetches at once: each keeps a thread busy.
const AT_ONCE_MAX: usize = 4;
/// How often one item is given for one request. Each time is an entry of its custody, which has an end, and a hub that asks without one would fill it.
const GIVEN_MAX: usize = 100;
/// How long the peer may take until it begins to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What is given to a peer, and what is written down about it.
struct Given {
    caller: Caller,
    visible: Arc<Visible>,
    leaving: Leaving,
    request: Request,
    item: Item,
    /// How often it was given before.
    times: usize,
}

/// A content that a peer fetches.
struct Busy {
    state: AppState,
    peer: String,
}

impl Busy {
    fn begin(state: &AppState, peer: &str) -> Answer<Self> {
        let has_room = state.federation.lives.with(peer, |live| {
            let has_room = live.evidence < AT_ONCE_MAX;
            live.evidence += usize::from(has_room);
            has_room
        });
        if has_room {
            return Ok(Self { state: state.clone(), peer: peer.to_owned() });
        }
        Err(Failure::new(Code::TooMany, "your other items are still on their way; try again later"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.state.federation.lives.with(&self.peer, |live| live.evidence = live.evidence.saturating_sub(1));
    }
}

/// The content of an item, for the hub of whoever asked for it.
pub(super) async fn give(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    Path((request, item)): Path<(String, String)>,
) -> Answer<Response> {
    let (request, item) =
        Uuid::parse_str(&request).ok().zip(Uuid::parse_str(&item).ok()).ok_or_else(Failure::not_found)?;
    let busy = Busy::begin(&state, &peer.id)?;
    let permit = stream_permit()?;
    let sealed = match disclosed(&state, peer, (request, item)).await {
        Ok(sealed) => sealed,
        // What is not for it, or cannot be opened any more, is not there, whichever check says so.
        Err(failure) if matches!(failure.code(), Code::NotAllowed | Code::Unprocessable) => {
            return Err(Failure::not_found());
        }
        Err(failure) => return Err(failure),
    };
    Ok(bare(&state, REALM, sealed, (busy, permit)))
}

/// What is to be opened for a peer, after it was written down that it is given it.
async fn disclosed(state: &AppState, peer: Peer, place: (Uuid, Uuid)) -> Answer<Sealed> {
    let (work, id) = (state.clone(), peer.id.clone());
    let look = move |reader: &Reader<'_>| found(reader, &work, &id, place);
    let given = state.store.read(look).await?;
    if given.times >= GIVEN_MAX {
        let why = "your hub was given this item too often; have it brought in a package";
        return Err(Failure::new(Code::TooMany, why));
    }
    // Before anything is written down: what cannot be opened is not given.
    let sealed = Sealed::of(state, &REALM, &given.item).await?;
    let recipient = Recipient { caller: given.caller, door: "peer" };
    let fresh = [given.leaving];
    state.door.release(&state.store, &state.metrics, &recipient, &given.visible, &fresh, ()).await?;
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut given = found(tx, &work, &peer.id, place)?;
        let said = handed_out(tx, &peer, &given)?;
        let mut book = Book::open(tx)?;
        book.write(tx, &REALM, &mut given.item, (Some(&given.caller), said))?;
        Ok(book.done((), &REALM))
    };
    answered(state.store.write(write).await)?;
    Ok(sealed)
}

/// What custody says of it.
fn handed_out(reader: &Reader<'_>, peer: &Peer, given: &Given) -> Result<Said, StoreError> {
    let new = &given.request.new;
    let to = Party { organisation: new.asker.clone(), account: None, name: None };
    let basis = (!new.legal_basis.is_empty()).then_some(new.legal_basis.as_str());
    let said = Said::new(CustodyAct::Downloaded, CustodyReason::HandedOver.text())
        .on(basis)
        .from(custodian(reader, &REALM, &given.item)?)
        .to(to)
        .with("request", new.id.to_string())
        .with("hub", peer.hub.as_str())
        .with("by", "link");
    Ok(if new.reference.is_empty() { said } else { said.with("reference", new.reference.as_str()) })
}

fn found(
    reader: &Reader<'_>,
    state: &AppState,
    peer: &str,
    (request, item): (Uuid, Uuid),
) -> Result<Given, StoreError> {
    let given = given(reader, state, peer, (request, item))?;
    given.ok_or_else(|| StoreError::NotFound { what: item.to_string() })
}

/// What a peer may be given now: what a hand-over names that is fulfilled, where it may read what told it so.
fn given(
    reader: &Reader<'_>,
    state: &AppState,
    peer: &str,
    (request, item): (Uuid, Uuid),
) -> Result<Option<Given>, StoreError> {
    let Some((peer, caller)) = super::caller(reader, peer)? else { return Ok(None) };
    let Some(request) = requests::get(reader, &REALM, request)? else { return Ok(None) };
    let new = &request.new;
    let steps = requests::steps(reader, &REALM, new.id)?;
    let is_handed_over = new.kind == Kind::HandOver && Lines::of(&steps).state() == Standing::Fulfilled;
    if !speaks_for(&peer.hub, &new.asker)
        || !is_handed_over
        || !requests::items(reader, &REALM, new.id)?.contains(&item)
        || !lets_pass(reader, &state.engine.load(), &peer, &new.asked)?
    {
        return Ok(None);
    }
    let Some(item) = rows::for_node(reader, &REALM, item)? else { return Ok(None) };
    // What others have in their hands by now is theirs to give.
    let is_theirs = item.custodian == new.asked && item.new.case == new.case;
    let label = label::get(reader, &caller, item.new.label)?;
    if !is_theirs || item.state != ItemState::Kept || !may_see(reader, state, &new.asker, &label)? {
        return Ok(None);
    }
    let visible = state.door.visible(reader, &caller.principal)?;
    let Some(leaving) = told(reader, &visible, (new.id, &steps))? else { return Ok(None) };
    let name = new.id.to_string();
    let times = entries(reader, &REALM, &item)?
        .iter()
        .filter(|(entry, _)| entry.act == CustodyAct::Downloaded && entry.facts.get("request") == Some(&name))
        .count();
    Ok(Some(Given { caller, visible, leaving, request, item, times }))
}

/// The object that told the other hub of the hand-over, where it may still read it.
fn told(
    reader: &Reader<'_>,
    visible: &Visible,
    (request, steps): (Uuid, &[Step]),
) -> Result<Option<Leaving>, StoreError> {
    let fulfilled = steps.iter().find(|step| step.step == Standing::Fulfilled.name());
    let notes = abroad::notes(reader, &REALM, request)?;
    let note = notes.iter().find(|note| fulfilled.is_some_and(|step| step.number == note.number));
    let Some(note) = note else { return Ok(None) };
    let row = objects::get(reader, &REALM, visible, &note.object)?;
    Ok(row.as_ref().map(Leaving::from))
}

/// Whether the hub of a peer is asked from here.
pub(crate) fn is_asked(state: &AppState, peer: &Peer) -> bool {
    !state.federation.own.one_way && linked(peer).is_some()
}

/// Asks the hub where an item lies for its content; what it gives is read by the caller.
///
/// # Errors
/// Why it is not had.
pub(crate) async fn fetch(
    state: &AppState,
    peer: &Peer,
    (request, item): (Uuid, Uuid),
) -> Result<reqwest::Response, NotBrought> {
    let away = |trouble: Trouble| NotBrought::Away(trouble.to_string());
    let remote = linked(peer).ok_or(NotBrought::NoWay)?;
    let client = client(state, &remote).map_err(away)?;
    let url = address(&remote, &format!("/peer/v1/evidence/{request}/{item}")).map_err(away)?;
    let asked = tokio::time::timeout(ANSWER_WAIT, client.get(url).send()).await;
    let asked = asked.map_err(|_| NotBrought::Away("it does not answer in time".to_owned()))?;
    let answer = asked.map_err(|error| away(link(&error)))?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(NotBrought::NotGiven);
    }
    good(answer).await.map_err(away)
}
