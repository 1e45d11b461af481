//! Orders at edges of other hubs: this hub asks, the other one decides and orders.
//!
//! A playbook names such an edge as `edge.peer`. What passed this hub's gates is signed as every order is, for that edge of that hub and no
//! other; the whole request is a note signed with the key of this hub's log, so that the other hub can show later what it was asked. What the
//! other hub tells of it is taken as a report of an edge.

use api::{OrderContext, OrderHubs, OrderKey, OrderReport};
use oversight::{Action, Actor, AuditEvent, Purpose};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stix::marking::{Pap, Tlp};
use store::orders as rows;
use store::peers::{self, Peer, State, Way};
use store::{Act, Reader, StoreError, Tx};

use super::drive::Driven;
use super::orders::Signed;
use super::{Response, both, reported};
use crate::REALM;
use crate::federation::Card;
use crate::federation::letters::{self, Letter, What};

/// What a request's note begins with, after `yagura-`.
pub(super) const KIND: &str = "order-request/v1";
/// Longest report, in bytes of JSON.
const REPORT_BYTES_MAX: usize = 16 * 1024;

/// What one hub asks of another: the body of the note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The hub that asks.
    pub(super) from: String,
    /// The hub that is asked.
    pub(super) to: String,
    /// The edge, by the name that it has there.
    pub(super) edge: String,
    /// The key that the order is signed with.
    pub(super) key: OrderKey,
    /// The signed order.
    pub(super) message: Value,
    /// What is told beside it.
    pub(super) about: OrderContext,
    /// The strictest level of what is acted on.
    pub(super) tlp: Option<String>,
    /// The strictest level of how far it may be acted on.
    pub(super) pap: Option<String>,
}

/// Whom a request's order is for: this edge of this hub.
pub(super) fn audience(edge: &str, hub: &str) -> String {
    format!("{edge}@{hub}")
}

/// The peer and the edge that a playbook means by a name, where it means one abroad. What is to be undone is also sent to a peer that is
/// suspended: it goes when that ends.
///
/// # Errors
/// Those of the database.
pub(super) fn find(
    reader: &Reader<'_>,
    name: &str,
    is_undoing: bool,
) -> Result<Option<(Peer, String)>, StoreError> {
    let Some((edge, peer)) = name.split_once('.').filter(|(edge, _)| !edge.is_empty()) else {
        return Ok(None);
    };
    let peer = peers::get(reader, &REALM, peer)?
        .filter(|peer| peer.way == Way::Link && (is_undoing || peer.state == State::Active));
    Ok(peer.map(|peer| (peer, edge.to_owned())))
}

/// What a peer is called: by its card, in both languages.
pub(super) fn name_of(peer: &Peer) -> String {
    Card::open(&peer.card).map_or_else(|_| peer.id.clone(), |card| both(&card.name_ja, &card.name_en))
}

/// Asks a peer for an order.
///
/// # Errors
/// Those of the database; [`StoreError::Corrupt`] for a hub without peers.
pub(super) fn ask(
    tx: &mut Tx<'_>,
    response: &Response,
    (peer, edge): (&Peer, &str),
    (sealed, about): (&Signed, &OrderContext),
    (tlp, pap): (Option<Tlp>, Option<Pap>),
) -> Result<(), StoreError> {
    let own = response.own.as_ref();
    let own = own.ok_or_else(|| StoreError::Corrupt("a hub without a card asks nobody".to_owned()))?;
    let request = Request {
        from: own.id.clone(),
        to: peer.hub.clone(),
        edge: edge.to_owned(),
        key: response.order_key(),
        message: sealed.message.clone(),
        about: about.clone(),
        tlp: tlp.map(|level| level.name().to_owned()),
        pap: pap.map(|level| level.name().to_owned()),
    };
    let text = serde_json::to_string(&request).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let note = own.key.sign_statement(KIND, &text);
    let letter = Letter { id: format!("order/{}", sealed.command_id), what: What::OrderAsked { note } };
    letters::send(tx, &peer.id, &letter)
}

/// Both hubs of an order that this one asks for.
pub(super) fn hubs(response: &Response, peer: &Peer) -> OrderHubs {
    let asking = response.own.as_ref().map_or("", |own| own.name.as_str());
    OrderHubs { asking: asking.to_owned(), ordering: name_of(peer) }
}

/// What a peer tells of an order that it was asked for. It answers the run as an edge's report would.
///
/// # Errors
/// Those of the database.
pub(crate) fn told(
    tx: &mut Tx<'_>,
    response: &Response,
    peer: &Peer,
    (command, report): (&str, &str),
) -> Result<Act<Driven>, StoreError> {
    let actor = Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() };
    let report = serde_json::from_str::<OrderReport>(report).ok().filter(|told| {
        report.len() <= REPORT_BYTES_MAX
            && told.command_id == command
            && (1..=rows::REPORTS_MAX).contains(&u64::from(told.number))
            && told.at.parse::<jiff::Timestamp>().is_ok()
    });
    let order = rows::get(tx, &REALM, command)?;
    // A peer speaks of what it was asked for itself.
    let is_there = |edge: &str| edge.split_once('.').is_some_and(|(_, asked)| asked == peer.id);
    let order = order.filter(|order| is_there(&order.new.edge));
    let (Some(report), Some(order)) = (report, order) else {
        let event = AuditEvent::refused(actor, Purpose::CollectiveDefence, "order-not-asked");
        let named: String = command.chars().take(100).collect();
        let event = event.with("peer", peer.id.as_str()).with("command", named);
        return Ok(Act::audited(Driven::default(), &REALM, event));
    };
    let event = AuditEvent::done(Action::OrderReported, actor, Purpose::CollectiveDefence);
    let event = event.with("peer", peer.id.as_str());
    reported::take(tx, response, (&order.new.edge, &report), event)
}
