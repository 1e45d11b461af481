//! How what another hub asked for ends before its time: that hub takes it back, people here do, its agreement stops, or nobody answered.

use api::OrderState;
use jiff::SignedDuration;
use openc2::signed::Authority;
use openc2::{Action as Deed, Command, Reading};
use oversight::{Action, Actor, AuditEvent, Purpose};
use policy::OrderAction;
use policy::permit::permit_undoing;
use serde_json::{Map, Value, json};
use store::foreign::{self as rows, Foreign, State};
use store::orders::{self as order_rows, Order};
use store::{Act, Reader, StoreError, Tx};

use super::super::Response;
use super::super::drive::Driven;
use super::super::orders::{ToSign, seal};
use super::judge::Against;
use super::{Asked, described, kept, local_of, order_edge, tell};
use crate::REALM;
use crate::sharing::unfit;
use crate::state::AppState;

/// After this nothing more is expected of an order whose effect has ended: its edge is gone.
const SILENCE_MAX: SignedDuration = SignedDuration::from_hours(1);

impl Asked<'_> {
    /// Takes back what the same hub asked for. Nothing is asked of the agreement or of people: to undo is to do less.
    pub(super) fn undo(self, tx: &mut Tx<'_>) -> Result<Act<Driven>, StoreError> {
        let now = tx.now();
        // What comes late is taken back all the same: the whole request is signed by the peer's hub.
        let command = match self.verified(now, Authority::NotAsked) {
            Ok((_, command)) => Some(command),
            Err(Against::Late(_)) => None,
            Err(against) => return self.turn_down(tx, against),
        };
        let undone = self.request.about.undoes.clone().unwrap_or_default();
        let own = self.row(now, State::Over, None);
        let Some(first) = rows::get(tx, &REALM, (&self.peer.id, &undone))? else {
            // It overtook what it takes back, or that was lost: what comes under this name later is not carried out.
            let about = &self.request.about;
            let about = api::OrderContext { command_id: undone.clone(), undoes: None, ..about.clone() };
            let gone = Foreign {
                local: local_of(self.peer, &undone),
                about: serde_json::to_string(&about).unwrap_or_default(),
                command: undone,
                note: String::new(),
                undoes: None,
                ..self.row(now, State::Withdrawn, Some("it was taken back before it came".to_owned()))
            };
            rows::add(tx, &REALM, &gone)?;
            tell(tx, &gone, (OrderState::Released, gone.why.as_deref()))?;
            return self.keep(tx, &own, OrderState::Released);
        };
        if first.state == State::Waiting {
            let why = "it was taken back before anybody agreed";
            rows::put_state(tx, &REALM, &first.local, (State::Withdrawn, Some(why)))?;
            tell(tx, &first, (OrderState::Released, Some(why)))?;
        }
        if first.state != State::Ordered {
            return self.keep(tx, &own, OrderState::Released);
        }
        let own = Foreign {
            edge: first.edge.clone(),
            organisation: first.organisation.clone(),
            expires: first.stops.unwrap_or(now),
            ..self.row(now, State::Ordered, None)
        };
        let ordered = read(&kept(&first)?.message);
        let is_inverse = command.is_none_or(|command| {
            matches!(command.action, Deed::Allow)
                && ordered.is_some_and(|ordered| ordered.target == command.target)
        });
        let permit = match permit_undoing(&self.digest, true, is_inverse) {
            Ok(permit) => permit,
            Err(denied) => return self.turn_down(tx, denied.to_string().into()),
        };
        let body = inverse(&first)?;
        rows::add(tx, &REALM, &own)?;
        let to_sign = ToSign {
            hash: &self.digest,
            command: &body,
            command_id: own.local.clone(),
            authority: None,
            until: None,
        };
        match seal(self.response, permit, to_sign, &own.edge, now) {
            Ok(sealed) => {
                order_edge(tx, self.response, (&own, &self.request), &sealed, Some(&first.local))?;
            }
            Err(why) => super::refused_late(tx, &own, &why)?,
        }
        Ok(Act::audited(Driven { has_ordered: true }, &REALM, self.event(&own)))
    }
}

/// The command in a message.
fn read(message: &Value) -> Option<Command> {
    Command::read(message.pointer("/body/openc2/request")?, &Reading::default()).ok()
}

/// What undoes a request.
fn inverse(row: &Foreign) -> Result<Map<String, Value>, StoreError> {
    let target = kept(row)?.message.pointer("/body/openc2/request/target").cloned().unwrap_or_default();
    let mut body = Map::new();
    body.insert("action".to_owned(), json!("allow"));
    body.insert("target".to_owned(), target);
    Ok(body)
}

/// Takes back an order that another hub asked for, by this hub's own will; whoever asked is told when the edge has done it.
///
/// # Errors
/// [`StoreError::Abandoned`] where it is taken back already.
pub(crate) fn undo_here(
    tx: &mut Tx<'_>,
    response: &Response,
    order: &Order,
    event: AuditEvent,
) -> Result<Act<Driven>, StoreError> {
    let missing = || StoreError::NotFound { what: order.new.command.clone() };
    let row = rows::by_local(tx, &REALM, &order.new.command)?.ok_or_else(missing)?;
    if row.state != State::Ordered || order_rows::undoing(tx, &REALM, &row.local)?.is_some() {
        return Err(unfit("run-not-now-over", "it is over, or taken back already"));
    }
    take_back(tx, response, &row)?;
    Ok(Act::audited(Driven { has_ordered: true }, &REALM, described(event, &row)))
}

fn take_back(tx: &mut Tx<'_>, response: &Response, row: &Foreign) -> Result<(), StoreError> {
    let corrupt = |why: String| StoreError::Corrupt(format!("request {}: {why}", row.local));
    let (request, body) = (kept(row)?, inverse(row)?);
    let hash = format!("{} undone", row.digest);
    let permit = permit_undoing(&hash, true, true).map_err(|denied| corrupt(denied.to_string()))?;
    let command_id = format!("{}.undo", row.local);
    let to_sign = ToSign { hash: &hash, command: &body, command_id, authority: None, until: None };
    let sealed = seal(response, permit, to_sign, &row.edge, tx.now()).map_err(corrupt)?;
    order_edge(tx, response, (row, &request), &sealed, Some(&row.local))
}

/// Why a request does not go on as it is.
enum Over {
    /// Nobody answered in time.
    Unanswered,
    /// What was ordered has ended, and its edge says nothing of it.
    Silent,
    /// No agreement lets it stand any more.
    Unagreed,
}

fn over(reader: &Reader<'_>, response: &Response, row: &Foreign) -> Result<Option<Over>, StoreError> {
    let now = reader.now();
    if row.state == State::Waiting {
        return Ok((row.expires <= now).then_some(Over::Unanswered));
    }
    if row.state != State::Ordered {
        return Ok(None);
    }
    let ended = row.stops.unwrap_or(row.expires);
    if ended <= now {
        let silent_since = ended.checked_add(SILENCE_MAX).unwrap_or(jiff::Timestamp::MAX);
        return Ok((silent_since <= now).then_some(Over::Silent));
    }
    if row.undoes.is_some() || order_rows::undoing(reader, &REALM, &row.local)?.is_some() {
        return Ok(None);
    }
    let action = read(&kept(row)?.message).and_then(|command| OrderAction::parse(command.action.as_str()));
    let engine = response.engine.load();
    let stands = action.is_some_and(|action| {
        let between = (&row.requester, &row.organisation);
        engine.circumstances().lets_order(between, action, now).is_some()
    });
    Ok((!stands).then_some(Over::Unagreed))
}

/// Ends what is to end.
///
/// # Errors
/// Those of the database.
pub(crate) async fn look(state: &AppState) -> Result<(), StoreError> {
    let work = state.clone();
    let due = state.store.read(move |reader| {
        let mut due = Vec::new();
        for kind in [State::Waiting, State::Ordered] {
            for row in rows::in_state(reader, &REALM, kind)? {
                if over(reader, &work.response, &row)?.is_some() {
                    due.push(row.local);
                }
            }
        }
        Ok(due)
    });
    for local in due.await? {
        let work = state.clone();
        let driven = state.store.write(move |tx| end(tx, &work.response, &local)).await?;
        if driven.has_ordered {
            state.response.wake();
        }
    }
    Ok(())
}

fn end(tx: &mut Tx<'_>, response: &Response, local: &str) -> Result<Act<Driven>, StoreError> {
    let nothing = || Ok(Act::bookkeeping(Driven::default()));
    let Some(row) = rows::by_local(tx, &REALM, local)? else { return nothing() };
    let Some(why) = over(tx, response, &row)? else { return nothing() };
    let (state, words) = match why {
        Over::Unanswered => (State::Over, "nobody agreed here before its time was over"),
        Over::Silent => (State::Over, "its time is over"),
        Over::Unagreed => (State::Ordered, "no agreement lets your hub ask for this any more"),
    };
    rows::put_state(tx, &REALM, local, (state, Some(words)))?;
    if state == State::Over {
        tell(tx, &row, (OrderState::Expired, Some(words)))?;
    } else {
        take_back(tx, response, &row)?;
    }
    let event = AuditEvent::done(Action::OrderAsked, Actor::Node, Purpose::CollectiveDefence);
    let event = described(event, &Foreign { state, ..row }).with("why", words);
    Ok(Act::audited(Driven { has_ordered: true }, &REALM, event))
}
