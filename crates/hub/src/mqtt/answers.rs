//! Answers that come in: what is sealed by an edge of this hub is taken as if it had come by the link.

use std::time::Duration;

use api::OrderReport;
use openc2::Message;
use openc2::client::{Beside, Delivery};
use openc2::mqtt::{Publish, read};
use policy::Operation;
use store::StoreError;
use tokio::sync::mpsc::Receiver;

use crate::edge_link::orders;
use crate::principal::{self, Caller};
use crate::state::AppState;

/// After a failure of the store.
const AGAIN: Duration = Duration::from_secs(2);
/// So often one answer is tried: others wait behind it, and the edge tells the same by the link.
const TRIES: u32 = 5;

/// Takes answers in, one after the other. Each is acknowledged when it is written down, or is nothing to be written down.
pub(super) async fn take(state: &AppState, mut deliveries: Receiver<Delivery>) {
    while let Some(delivery) = deliveries.recv().await {
        for _ in 0..TRIES {
            match take_one(state, &delivery.packet).await {
                Ok(outcome) => {
                    state.mqtt.count(outcome);
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "what an edge answered by the broker cannot be written down");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        delivery.done();
    }
}

/// Takes one answer in; what became of it.
async fn take_one(state: &AppState, packet: &Publish) -> Result<&'static str, StoreError> {
    let Some(message) = answer_in(packet) else { return Ok("foreign") };
    if state.mqtt.0.asked.hear(&message) {
        return Ok("agent");
    }
    let Some(edge) = message.headers.from else { return Ok("foreign") };
    let found = state.store.read(move |reader| principal::edge_named(reader, &edge)).await?;
    let told = found.and_then(|(caller, secret)| {
        let told = Beside::Answer.open(packet, &secret)?;
        Some((caller, serde_json::from_slice::<OrderReport>(&told).ok()?))
    });
    let may = |(caller, report): &(Caller, OrderReport)| {
        caller.may(state, Operation::ReceiveOrders) && orders::is_good(report)
    };
    let Some((caller, report)) = told.filter(may) else { return Ok("foreign") };
    // What this edge was never ordered is passed over, as on the link.
    orders::keep(state, &caller, report).await?;
    Ok("taken")
}

/// The answer in a packet.
fn answer_in(packet: &Publish) -> Option<Message> {
    let (topic, message) = read(packet).ok()?;
    Some(message).filter(|_| !topic.is_for_commands())
}
