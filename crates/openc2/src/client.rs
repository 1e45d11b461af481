//! A client of MQTT 5 brokers, as OpenC2's transfer specification asks for one. The only module of this crate that does I/O, and only with
//! the feature `client`.
//!
//! - One task holds the connection and makes it anew, ever more seldom, for as long as somebody has the [`Client`].
//! - What is published has arrived at the broker when [`Client::publish`] says so. Where there is no connection that is said at once, and
//!   whoever publishes keeps it: nothing waits here that is not on a disk.
//! - What comes is acknowledged when its reader has written it down ([`Delivery::done`]); else the broker gives it again.
//! - The session is kept and there is no will. Nagle's algorithm is off: with it an order took 88 ms where it takes 1.
//!
//! `rumqttc` reads and writes the packets. Its own connection is not used: its TLS brings `ring`, and it acknowledges by another order.

mod address;
mod connection;
mod sealed;

use std::collections::BTreeMap;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5 as packets;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::mqtt::{Connect, Publish, Subscription};
use connection::{Connection, Ended, RECEIVED_MAX};

pub use address::{Broker, Written};
pub use sealed::{Beside, Secret};

/// How long a connection may take until the broker has agreed to the subscriptions.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long a packet may take to the broker and its acknowledgement back.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The first pause after a connection was lost …
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// … and the longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A connection that held for so long was a good one.
const GOOD_AFTER: Duration = Duration::from_secs(10);
/// What may wait to be sent.
const WAITING_MAX: usize = 64;

/// Whom one connects to, as whom, and to hear what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The broker.
    pub broker: Broker,
    /// As whom.
    pub connect: Connect,
    /// To hear what.
    pub subscriptions: Vec<Subscription>,
}

/// How the connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is none, and why.
    Away(String),
    /// It is there, and the broker has agreed to every subscription.
    Connected,
}

/// What publishes. Cheap to clone; the connection ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Client {
    outgoing: mpsc::Sender<Outgoing>,
    state: watch::Receiver<State>,
}

/// Something to be published, and who waits for its acknowledgement.
#[derive(Debug)]
struct Outgoing {
    packet: Publish,
    done: Answered,
}

type Answered = oneshot::Sender<Result<Arrived, NotSent>>;

/// What a broker did with what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// It has it.
    Taken,
    /// Nobody is subscribed, so it keeps nothing.
    ForNobody,
}

/// Why something has not arrived, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// There is no connection.
    #[error("there is no connection to the broker")]
    Away,
    /// The connection was lost before the broker said anything; it may have arrived.
    #[error("the broker did not acknowledge it")]
    Silent,
    /// The broker takes no packets of this size, or it has a text that no packet can hold.
    #[error("it is larger than the broker takes")]
    TooLarge,
    /// The broker does not want it.
    #[error("the broker refuses it: {0}")]
    Refused(String),
}

/// Something that came. Without [`Self::done`] the broker gives it again when the connection is made anew.
#[derive(Debug)]
pub struct Delivery {
    /// What came; [`crate::mqtt::read`] takes it apart.
    pub packet: Publish,
    answer: Option<(mpsc::Sender<Answer>, Answer)>,
}

/// What is said to what came, by its quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// 1: it is here.
    Acknowledged(u16),
    /// 2: it is here; the broker answers to that.
    Received(u16),
}

impl Delivery {
    /// It is written down, or nothing to be written down. A connection that is gone meanwhile is no harm: it is given again then.
    pub fn done(self) {
        if let Some((answers, answer)) = self.answer {
            // There is room for an answer to each that is under way.
            let _ = answers.try_send(answer);
        }
    }
}

/// Begins to connect. What comes is given by the receiver; without one that reads, nothing is acknowledged.
#[must_use]
pub fn start(settings: Settings) -> (Client, mpsc::Receiver<Delivery>) {
    let (outgoing, waiting) = mpsc::channel(WAITING_MAX);
    // After a connection is made anew what was not acknowledged comes again, beside what still waits here.
    let (given, deliveries) = mpsc::channel(4 * usize::from(RECEIVED_MAX));
    let (said, state) = watch::channel(State::Away("it was not tried yet".to_owned()));
    tokio::spawn(keep(settings, waiting, given, said));
    (Client { outgoing, state }, deliveries)
}

impl Client {
    /// Publishes, and waits until the broker has it.
    ///
    /// # Errors
    /// Why it has not arrived, or is not known to have.
    pub async fn publish(&self, packet: Publish) -> Result<Arrived, NotSent> {
        let (done, answer) = oneshot::channel();
        self.outgoing.send(Outgoing { packet, done }).await.map_err(|_| NotSent::Away)?;
        answer.await.unwrap_or(Err(NotSent::Silent))
    }

    /// How the connection is, and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self.state.borrow() == State::Connected
    }
}

/// What the broker has not acknowledged, by its number, with when it was first sent. It is sent again under the same number when the broker
/// still knows the session (MQTT 5 §4.4).
type Unanswered = BTreeMap<u16, (packets::Publish, Instant)>;

/// Holds the connection until nobody has the client any more.
async fn keep(
    settings: Settings,
    mut outgoing: mpsc::Receiver<Outgoing>,
    given: mpsc::Sender<Delivery>,
    state: watch::Sender<State>,
) {
    let (mut pause, mut unanswered) = (PAUSE_MIN, Unanswered::new());
    loop {
        let opened = tokio::time::timeout(CONNECT_WAIT, Connection::open(&settings, &mut unanswered));
        let why = match opened.await {
            Err(_) => "it did not answer in time".to_owned(),
            Ok(Err(why)) => why,
            Ok(Ok(connection)) => {
                state.send_replace(State::Connected);
                let begun = Instant::now();
                let ended = connection.serve(&mut outgoing, &given, &mut unanswered).await;
                if begun.elapsed() >= GOOD_AFTER {
                    pause = PAUSE_MIN;
                }
                match ended {
                    Ended::Asked => return,
                    Ended::Lost(why) => why,
                }
            }
        };
        state.send_replace(State::Away(why));
        if !turn_away(&mut outgoing, Instant::now() + pause).await {
            return;
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Says to all who publish that there is no connection, until a moment; whether somebody still has the client then.
async fn turn_away(outgoing: &mut mpsc::Receiver<Outgoing>, until: Instant) -> bool {
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(until) => return true,
            asked = outgoing.recv() => match asked {
                // Whoever asked may have gone meanwhile.
                Some(asked) => drop(asked.done.send(Err(NotSent::Away))),
                None => return false,
            },
        }
    }
}
