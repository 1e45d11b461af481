//! What other hubs ask to be ordered of edges here.
//!
//! A peer's word is a request and nothing more. It is signed with the key on the peer's card, for this hub and one of its edges; an agreement that
//! stands lets that peer ask for that action in that operator's network; then this hub's own gates follow, with its own authorities, its
//! own bounds and, unless its operator configured otherwise, people of its own. Only then does this hub order its edge, in its own name. What
//! becomes of it goes back in letters. A request is known by the peer's name for it: the same again changes nothing, another one under the same
//! name is refused, and one whose time is over is never carried out.

mod answer;
mod ends;
mod judge;

use api::{OrderReport, OrderState};
use jiff::Timestamp;
use oversight::{Action, Actor, AuditEvent, Purpose};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::foreign::{self as rows, Foreign, State};
use store::orders::{self as order_rows, NewOrder};
use store::peers::{self, Peer};
use store::{Act, StoreError, Tx};

use super::abroad::{KIND, Request, name_of};
use super::drive::Driven;
use super::orders::{Signed, ToSign, authority, seal};
use super::{Response, told};
use crate::REALM;
use crate::federation::Card;
use crate::federation::letters::{self, Letter, What};

pub(crate) use answer::{Given, agree, is_for, refuse};
pub(crate) use ends::{look, undo_here};
use judge::Judged;

/// Longest request, in bytes.
const NOTE_BYTES_MAX: usize = 64 * 1024;
/// Longest name that a peer may give a command, in bytes.
const COMMAND_BYTES_MAX: usize = 100;
/// Longest name of an edge, in bytes.
const EDGE_BYTES_MAX: usize = 100;

/// A request that came, before anything is decided.
struct Asked<'r> {
    response: &'r Response,
    peer: &'r Peer,
    request: Request,
    note: &'r str,
    digest: String,
}

/// Takes a request of a peer's in: orders it, has people asked, or refuses it.
///
/// # Errors
/// Those of the database.
pub(crate) fn asked(
    tx: &mut Tx<'_>,
    response: &Response,
    peer: &Peer,
    note: &str,
) -> Result<Act<Driven>, StoreError> {
    let refused = |code: &str| {
        let event = AuditEvent::refused(program(peer), Purpose::CollectiveDefence, code);
        event.with("peer", peer.id.as_str())
    };
    let request = match opened(response, peer, note) {
        Ok(request) => request,
        Err(why) => {
            let event = refused("order-not-signed").with("why", why);
            return Ok(Act::audited(Driven::default(), &REALM, event));
        }
    };
    let asked = Asked { response, peer, request, note, digest: hex::encode(Sha256::digest(note)) };
    let command = asked.request.about.command_id.as_str();
    if let Some(known) = rows::get(tx, &REALM, (&peer.id, command))? {
        if known.digest == asked.digest {
            return Ok(Act::bookkeeping(Driven::default()));
        }
        // The first one stands as it does; of what was taken back before it came nothing is carried out.
        let code = if known.note.is_empty() { "order-withdrawn" } else { "order-changed" };
        let event = refused(code).with("command", command).with("sha256", asked.digest.as_str());
        return Ok(Act::audited(Driven::default(), &REALM, event));
    }
    if asked.request.about.undoes.is_some() { asked.undo(tx) } else { asked.order(tx) }
}

/// Reads a request, if the peer's own key signed it for this hub.
fn opened(response: &Response, peer: &Peer, note: &str) -> Result<Request, String> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(format!("it is longer than {NOTE_BYTES_MAX} bytes"));
    }
    let own = response.own.as_ref().ok_or_else(|| "this hub has no card".to_owned())?;
    let card = Card::open(&peer.card).map_err(|error| error.to_string())?;
    let key = tlog::VerifyingKey::parse(&card.key).map_err(|error| error.to_string())?;
    let text = tlog::open_text(note, &key).map_err(|error| error.to_string())?;
    let request = read(text)?;
    if request.from != peer.hub || request.to != own.id {
        return Err("it is of another hub, or for another one".to_owned());
    }
    let command = &request.about.command_id;
    let names = [(command, COMMAND_BYTES_MAX), (&request.edge, EDGE_BYTES_MAX)];
    let is_name =
        |(name, max): &(&String, usize)| (1..=*max).contains(&name.len()) && !name.contains(char::is_control);
    if names.iter().all(is_name) { Ok(request) } else { Err("its command or edge has no name".to_owned()) }
}

/// The request in the text of a note.
fn read(text: &str) -> Result<Request, String> {
    let body = text.strip_prefix("yagura-").and_then(|text| text.strip_prefix(KIND));
    let body = body.ok_or_else(|| "it is no request for an order".to_owned())?;
    serde_json::from_str(body.trim()).map_err(|error| format!("it cannot be read: {error}"))
}

/// The request in a note that was verified when it came.
fn kept(row: &Foreign) -> Result<Request, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt(format!("request {}: {why}", row.local));
    // Whatever signatures follow stand behind an empty line.
    let text = row.note.split("\n\n").next().unwrap_or_default();
    read(text).map_err(corrupt)
}

/// The OpenC2 command of a request, for showing.
pub(crate) fn command_of(row: &Foreign) -> Result<Value, StoreError> {
    if row.note.is_empty() {
        return Ok(Value::Null);
    }
    Ok(kept(row)?.message.pointer("/body/openc2/request").cloned().unwrap_or_default())
}

fn program(peer: &Peer) -> Actor {
    Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() }
}

/// This hub's name for a peer's command: nobody can choose one that is taken by something else.
fn local_of(peer: &Peer, command: &str) -> String {
    let hash = Sha256::new().chain_update(&peer.hub).chain_update(b"\n").chain_update(command).finalize();
    let mut name = hex::encode(hash);
    name.truncate(32);
    name
}

impl Asked<'_> {
    /// The row of the request, as it is kept.
    fn row(&self, now: Timestamp, state: State, why: Option<String>) -> Foreign {
        let about = &self.request.about;
        Foreign {
            peer: self.peer.id.clone(),
            command: about.command_id.clone(),
            local: local_of(self.peer, &about.command_id),
            edge: String::new(),
            organisation: self.peer.organisation.clone(),
            requester: self.peer.organisation.clone(),
            digest: self.digest.clone(),
            note: self.note.to_owned(),
            about: serde_json::to_string(about).unwrap_or_default(),
            agreement: None,
            state,
            why,
            asked: now,
            expires: now,
            stops: None,
            undoes: about.undoes.clone(),
            told: 0,
        }
    }

    fn event(&self, row: &Foreign) -> AuditEvent {
        let event = AuditEvent::done(Action::OrderAsked, program(self.peer), Purpose::CollectiveDefence);
        let event = described(event, row);
        match &row.why {
            Some(why) => event.with("why", why.as_str()),
            None => event,
        }
    }

    /// Takes an order in.
    fn order(self, tx: &mut Tx<'_>) -> Result<Act<Driven>, StoreError> {
        let now = tx.now();
        let judged = match self.judge(tx)? {
            Ok(judged) => judged,
            Err(why) => return self.turn_down(tx, why),
        };
        let mut row = Foreign {
            edge: judged.edge.id.clone(),
            organisation: judged.edge.organisation.clone(),
            agreement: Some(judged.agreement.clone()),
            expires: judged.expires,
            stops: Some(judged.stops),
            ..self.row(now, State::Waiting, None)
        };
        // Whatever stands against it besides people stands against it now.
        let needed = self.response.config.approvals_foreign;
        let proposed = judge::proposed(tx, self.response, (&row, &self.request, &judged), Vec::new())?;
        let permit = match policy::permit::permit_foreign(&proposed, &self.response.config.bounds, 0) {
            Ok(permit) => permit,
            Err(denied) => {
                (row.state, row.why) = (State::Refused, Some(denied.to_string()));
                return self.keep(tx, &row, OrderState::Refused);
            }
        };
        if needed > 0 {
            drop(permit);
            if rows::waiting(tx, &REALM, &row.peer)? >= rows::WAITING_MAX {
                (row.state, row.why) =
                    (State::Refused, Some("too many of your requests wait here".to_owned()));
                return self.keep(tx, &row, OrderState::Refused);
            }
            answer::ask_people(tx, &row)?;
            return self.keep(tx, &row, OrderState::Waiting);
        }
        rows::add(tx, &REALM, &row)?;
        let event = self.event(&row);
        if let Err(why) = give(tx, self.response, (&row, &self.request, &judged), permit)? {
            refused_late(tx, &row, &why)?;
        }
        Ok(Act::audited(Driven { has_ordered: true }, &REALM, event))
    }

    /// Keeps a request as it stands, and tells the peer.
    fn keep(&self, tx: &mut Tx<'_>, row: &Foreign, state: OrderState) -> Result<Act<Driven>, StoreError> {
        rows::add(tx, &REALM, row)?;
        tell(tx, row, (state, row.why.as_deref()))?;
        Ok(Act::audited(Driven { has_ordered: true }, &REALM, self.event(row)))
    }

    fn turn_down(&self, tx: &mut Tx<'_>, why: judge::Against) -> Result<Act<Driven>, StoreError> {
        let (state, told) = match why {
            judge::Against::Late(_) => (State::Over, OrderState::Expired),
            judge::Against::Other(_) => (State::Refused, OrderState::Refused),
        };
        let row = self.row(tx.now(), state, Some(why.into_words()));
        self.keep(tx, &row, told)
    }
}

/// What an act about a request says of it.
fn described(event: AuditEvent, row: &Foreign) -> AuditEvent {
    let event = event
        .with("peer", row.peer.as_str())
        .with("command", row.local.as_str())
        .with("asked-as", row.command.as_str())
        .with("sha256", row.digest.as_str())
        .with("state", row.state.name());
    let event = match &row.agreement {
        Some(agreement) => event.with("agreement", agreement.as_str()),
        None => event,
    };
    if row.edge.is_empty() { event } else { event.with("edge", row.edge.as_str()) }
}

/// Orders the edge what was asked for, in this hub's name.
///
/// # Errors
/// Those of the database; inside, why it cannot be ordered.
fn give(
    tx: &mut Tx<'_>,
    response: &Response,
    (row, request, judged): (&Foreign, &Request, &Judged),
    permit: policy::permit::Permit,
) -> Result<Result<(), String>, StoreError> {
    let named = request.about.basis.as_deref();
    let to_sign = ToSign {
        hash: &row.digest,
        command: &judged.command,
        command_id: row.local.clone(),
        authority: named.and_then(|basis| authority(basis, request.about.reference.as_deref())),
        until: Some(row.expires),
    };
    let sealed = match seal(response, permit, to_sign, &row.edge, tx.now()) {
        Ok(sealed) => sealed,
        Err(why) => return Ok(Err(why)),
    };
    order_edge(tx, response, (row, request), &sealed, None)?;
    rows::put_state(tx, &REALM, &row.local, (State::Ordered, None))?;
    Ok(Ok(()))
}

/// Puts an order down for its edge.
fn order_edge(
    tx: &mut Tx<'_>,
    response: &Response,
    (row, request): (&Foreign, &Request),
    sealed: &Signed,
    undoes: Option<&str>,
) -> Result<(), StoreError> {
    let mut about = told_here(tx, response, row, request)?;
    about.command_id.clone_from(&sealed.command_id);
    about.undoes = undoes.map(str::to_owned);
    let about = serde_json::to_string(&about).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let new = NewOrder {
        edge: row.edge.clone(),
        organisation: row.organisation.clone(),
        command: sealed.command_id.clone(),
        requester: row.requester.clone(),
        run: String::new(),
        action: sealed.command_id.clone(),
        step: judge::step_of(&row.peer),
        message: sealed.message.to_string(),
        about,
        ordered: tx.now(),
        expires: sealed.expires,
        stops: row.stops.filter(|_| undoes.is_none()),
        undoes: undoes.map(str::to_owned),
    };
    order_rows::add(tx, &REALM, &new).map(|_| ())
}

/// What is told of a request here: what the other hub says, both hubs, and who agreed here.
///
/// # Errors
/// Those of the database.
fn told_here(
    tx: &Tx<'_>,
    response: &Response,
    row: &Foreign,
    request: &Request,
) -> Result<api::OrderContext, StoreError> {
    let mut about = request.about.clone();
    // A run and a case have their names there and not here.
    (about.run, about.case, about.undoes) = (None, None, None);
    let peer = peers::get(tx, &REALM, &row.peer)?;
    let asking = peer.as_ref().map_or_else(|| row.peer.clone(), name_of);
    let ordering = response.own.as_ref().map(|own| own.name.clone()).unwrap_or_default();
    about.hubs = Some(api::OrderHubs { asking, ordering });
    let names = told::Names::for_viewer(tx, &row.organisation)?;
    for approval in rows::approvals(tx, &REALM, &row.local)?.iter().filter(|approval| !approval.revoked) {
        let by = (approval.person.as_str(), &approval.organisation);
        about.approved_by.push(names.person(tx, by, approval.at.to_string())?);
    }
    Ok(about)
}

/// A request that passed every gate and could not be ordered after all.
fn refused_late(tx: &mut Tx<'_>, row: &Foreign, why: &str) -> Result<(), StoreError> {
    rows::put_state(tx, &REALM, &row.local, (State::Refused, Some(why)))?;
    tell(tx, row, (OrderState::Refused, Some(why)))
}

/// Tells the peer how a request stands.
fn tell(tx: &mut Tx<'_>, row: &Foreign, (state, why): (OrderState, Option<&str>)) -> Result<(), StoreError> {
    let report = OrderReport {
        command_id: row.command.clone(),
        number: 0,
        at: tx.now().to_string(),
        state,
        response: None,
        why: why.map(str::to_owned),
        stopped: None,
        why_reason: None,
    };
    send(tx, row, report)
}

/// Sends a report on its way, numbered by what the peer was told of this request.
fn send(tx: &mut Tx<'_>, row: &Foreign, report: OrderReport) -> Result<(), StoreError> {
    let number = rows::tell(tx, &REALM, &row.local)?;
    if peers::get(tx, &REALM, &row.peer)?.is_none() {
        // Nobody is there any more who could be told.
        return Ok(());
    }
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let report = OrderReport { command_id: row.command.clone(), number, ..report };
    let text = serde_json::to_string(&report).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let what = What::OrderTold { command: row.command.clone(), report: text };
    letters::send(tx, &row.peer, &Letter { id: format!("told/{}/{number}", row.command), what })
}

/// Hands an edge's report on to the hub that asked, where another one did; whether it was.
///
/// # Errors
/// Those of the database.
pub(super) fn relay(tx: &mut Tx<'_>, report: &OrderReport) -> Result<bool, StoreError> {
    let Some(row) = rows::by_local(tx, &REALM, &report.command_id)? else { return Ok(false) };
    let state = match report.state {
        OrderState::Refused => Some(State::Refused),
        OrderState::Failed | OrderState::Released | OrderState::Expired => Some(State::Over),
        _ => None,
    };
    if let Some(state) = state.filter(|state| *state != row.state) {
        rows::put_state(tx, &REALM, &row.local, (state, report.why.as_deref()))?;
    }
    send(tx, &row, report.clone())?;
    Ok(true)
}
