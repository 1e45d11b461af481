//! Orders on their way out: each that its edge may still take and has said nothing of.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use openc2::client::{Arrived, Beside, Client, NotSent, Secret, State};
use openc2::mqtt::{Publish, Topic, publish};
use openc2::{DateTime, Message};
use policy::Operation;
use store::orders::{self as rows, Order};
use store::{Reader, StoreError};
use tokio::time::Instant;

use crate::REALM;
use crate::config::MqttConfig;
use crate::principal;
use crate::runs::TAKEN_WITHIN;
use crate::state::AppState;

/// It is looked at least so often: another hub on the database may have ordered.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so long an order that nobody has answered is given again: a broker may have forgotten it. Its own end bounds how often.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// The same where the edge has never connected, or the broker did not want it.
const SOON: Duration = Duration::from_secs(5);
/// Orders of one edge in one look.
const ORDERS_MAX: usize = 100;
/// How much may be told beside an order, in bytes; in its packet it becomes a third longer.
const ABOUT_BYTES_MAX: usize = 40_000;

/// An order that waits, and what its hub and edge share.
struct Waiting {
    order: Order,
    secret: Secret,
}

/// Gives orders to the broker. Never ends but with the connection's keeper.
pub(super) async fn give(state: &AppState, config: &MqttConfig, client: &Client) {
    let (mut ordered, mut connection) = (state.response.ordered(), client.state());
    name_unknown(state, config).await;
    // When each may be given again.
    let mut given: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let Ok(()) = connection.wait_for(|found| *found == State::Connected).await.map(drop) else { return };
        ordered.mark_unchanged();
        match waiting(state, config).await {
            Ok(all) => {
                given.retain(|command, _| all.iter().any(|one| one.order.new.command == *command));
                for one in &all {
                    let command = &one.order.new.command;
                    if given.get(command).is_some_and(|again| Instant::now() < *again) {
                        continue;
                    }
                    let Some(pause) = give_one(state, client, one).await else { break };
                    given.insert(command.clone(), Instant::now() + pause);
                }
            }
            Err(error) => tracing::error!(%error, "orders for the broker cannot be read"),
        }
        tokio::select! {
            _ = ordered.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Says which of the named edges no order will go to: a name that is misspelt must not be silence.
async fn name_unknown(state: &AppState, config: &MqttConfig) {
    let names = config.edges.clone();
    let found = state.store.read(move |reader| {
        let mut unknown = Vec::new();
        for name in names {
            if principal::edge_named(reader, &name)?.is_none() {
                unknown.push(name);
            }
        }
        Ok(unknown)
    });
    match found.await {
        Ok(unknown) if unknown.is_empty() => {}
        Ok(unknown) => {
            let edges = unknown.join(", ");
            tracing::warn!(
                edges,
                "no edges by these names, or bound to certificates: no order goes to them by the broker yet"
            );
        }
        Err(error) => tracing::error!(%error, "the edges behind the broker cannot be looked up"),
    }
}

/// Gives one order to the broker; when it may be given again, or nothing where the connection is lost.
async fn give_one(state: &AppState, client: &Client, one: &Waiting) -> Option<Duration> {
    let command = one.order.new.command.as_str();
    let packet = match packet(one, Timestamp::now()) {
        Ok(packet) => packet,
        Err(why) => {
            tracing::warn!(command, why, "an order cannot go by the broker");
            return Some(AGAIN_AFTER);
        }
    };
    match client.publish(packet).await {
        Ok(Arrived::Taken) => {
            state.mqtt.count("sent");
            Some(AGAIN_AFTER)
        }
        Ok(Arrived::ForNobody) => {
            state.mqtt.count("nobody");
            Some(SOON)
        }
        Err(NotSent::Away | NotSent::Silent) => None,
        Err(error) => {
            tracing::warn!(command, %error, "an order cannot go by the broker");
            state.mqtt.count("refused");
            Some(SOON)
        }
    }
}

/// What waits for the edges behind the broker.
async fn waiting(state: &AppState, config: &MqttConfig) -> Result<Vec<Waiting>, StoreError> {
    let (work, names) = (state.clone(), config.edges.clone());
    let found = state.store.read(move |reader| {
        let mut all = Vec::new();
        for name in &names {
            all.extend(of_edge(&work, reader, name)?);
        }
        Ok(all)
    });
    found.await
}

fn of_edge(state: &AppState, reader: &Reader<'_>, name: &str) -> Result<Vec<Waiting>, StoreError> {
    let Some((caller, secret)) = principal::edge_named(reader, name)? else { return Ok(Vec::new()) };
    if !caller.may(state, Operation::ReceiveOrders) {
        return Ok(Vec::new());
    }
    let since = reader.now().checked_sub(TAKEN_WITHIN).unwrap_or(Timestamp::MIN);
    let edge = (name, &caller.principal.organisation);
    let orders = rows::unanswered(reader, &REALM, edge, since, ORDERS_MAX)?;
    Ok(orders.into_iter().map(|order| Waiting { order, secret }).collect())
}

/// An order as it is published: signed as it stands in the table, dropped by the broker when it may not be taken any more or its effect
/// would be over.
fn packet(one: &Waiting, now: Timestamp) -> Result<Publish, String> {
    let order = &one.order.new;
    let message = Message::parse(order.message.as_bytes()).map_err(|refusal| refusal.to_string())?;
    let topic = Topic::device(&order.edge).ok_or("the edge's name cannot stand in a topic")?;
    let expires = order.stops.map_or(order.expires, |stops| stops.min(order.expires));
    let packet = publish(&message, &topic, DateTime::from(expires), DateTime::from(now));
    let packet = packet.map_err(|refusal| refusal.to_string())?;
    if order.about.len() > ABOUT_BYTES_MAX {
        return Ok(packet);
    }
    Ok(Beside::Order.seal(packet, &one.secret, order.about.as_bytes()))
}
