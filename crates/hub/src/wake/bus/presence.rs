//! Who is in which case room, told by way of NATS: what processes tell each other beside wakes, and the one thing there that has content, which is
//! sealed.

use std::sync::Arc;
use std::time::Instant;

use async_nats::Subscriber;
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;

use super::Bus;

/// Two words: the stream in which JetStream keeps the newest wake takes in one, and nothing of this is to be kept.
const PRESENCE: &str = "room.presence";

impl Bus {
    pub(super) async fn subscribe_presence(&self) -> Result<Subscriber, String> {
        let heard = self.client.subscribe(self.subject(PRESENCE)).await;
        heard.map_err(|error| error.to_string())
    }

    /// Tells who is here, until the hub stops.
    pub(super) async fn tell_presence(self: Arc<Self>) {
        let presence = &self.state.rooms.presence;
        presence.carry();
        loop {
            let news = tokio::select! {
                news = presence.news() => news,
                () = self.state.stopping.wait() => return,
            };
            for message in news {
                if !self.hand_over(PRESENCE, Bytes::from(message)).await {
                    tracing::debug!(
                        "other hubs are not told who is in a room; they are when consoles say it again"
                    );
                    presence.forget_told();
                    break;
                }
            }
        }
    }

    /// Hears who is at other processes, until the hub stops.
    pub(super) async fn hear_presence(self: Arc<Self>, mut messages: Subscriber) {
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = self.state.stopping.wait() => return,
            };
            let Some(message) = message else { return };
            let now = (Instant::now(), Timestamp::now());
            self.state.rooms.presence.hear_other(&message.payload, now);
        }
    }
}
