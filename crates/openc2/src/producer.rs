//! The side that orders: what was sent, what came back, what is still to come, and whether it is so.
//!
//! As a consumer, a producer is its events; see [`crate::consumer`]. It sends a command again under the same identifiers until an answer
//! comes or its time is over: whoever takes it twice carries it out once. An answer of 200 is somebody's word; the producer asks its caller
//! to look, and keeps what was found.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::DateTime;
use crate::command::Command;
use crate::message::{Headers, Message};
use crate::names::{Language, Reading, ResponseType};
use crate::refusal::{At, Refusal};
use crate::response::Response;
use crate::slpf;

/// How patient a producer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its name in headers.
    pub id: String,
    /// How it writes.
    pub language: Language,
    /// After how long without an answer a command is sent again.
    pub resend_ms: u64,
    /// How often at most it is sent.
    pub sends_max: u32,
    /// How long after an answer of success its effect is looked for.
    pub look_ms: u64,
    /// How many commands may be open.
    pub open_max: usize,
}

impl Config {
    /// A producer of this name, with ordinary patience.
    #[must_use]
    pub fn new(id: &str) -> Self {
        let (resend_ms, sends_max, look_ms, open_max) = (5_000, 4, 1_000, 10_000);
        Self { id: id.to_owned(), language: Language::V1_0, resend_ms, sends_max, look_ms, open_max }
    }
}

/// An order: a command, for whom, and until when an answer counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The command. Its identifier is its own and nobody else's; whoever calls draws it.
    pub command: Command,
    /// The consumers that are to answer. None where whoever is there is to: then any answer counts, and no silence does.
    pub to: BTreeSet<String>,
    /// The identifier of the request, a UUID version 4 (LS 3.2); whoever calls draws it.
    pub request_id: String,
    /// From when an answer comes too late.
    pub deadline: DateTime,
}

/// How far one consumer is with one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// It was sent.
    Sent,
    /// It was taken and is not done.
    Processing,
    /// The consumer says that it is done.
    Done {
        /// What it said.
        response: Response,
        /// From when its effect is looked for; no more once that was done.
        look: Option<DateTime>,
        /// Whether the effect was there.
        seen: Option<bool>,
    },
    /// The consumer says that it is not done.
    Failed {
        /// What it said.
        response: Response,
    },
    /// It did not answer in time. What it did is not known.
    Silent,
}

impl Standing {
    fn is_open(&self) -> bool {
        matches!(self, Self::Sent | Self::Processing)
    }
}

/// What happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime,
    /// About which request.
    pub request_id: String,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A command was given out.
    Ordered {
        /// The message, as it is sent each time; signed, where it is.
        message: Value,
        /// The consumers that are to answer.
        to: BTreeSet<String>,
        /// Whether an answer is wanted.
        wants: ResponseType,
        /// From when an answer comes too late.
        deadline: DateTime,
    },
    /// It was sent once more.
    Resent,
    /// Somebody answered.
    Answered {
        /// Who.
        from: String,
        /// What.
        response: Response,
    },
    /// The deadline passed.
    Overdue,
    /// Somebody looked whether the effect is there.
    Looked {
        /// At which consumer's.
        at_consumer: String,
        /// Whether it was.
        seen: bool,
    },
    /// The command is closed and need not be remembered.
    Closed,
}

/// A command that is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    message: Value,
    wants: ResponseType,
    deadline: DateTime,
    sends: u32,
    sent: DateTime,
    /// Whether whoever is there was asked, and not these.
    anybody: bool,
    standings: BTreeMap<String, Standing>,
}

impl Pending {
    /// How far each consumer is that was asked or answered.
    pub fn standings(&self) -> impl Iterator<Item = (&str, &Standing)> {
        self.standings.iter().map(|(consumer, standing)| (consumer.as_str(), standing))
    }

    /// The command.
    #[must_use]
    pub fn command(&self) -> Option<&Value> {
        self.message.pointer("/body/openc2/request")
    }

    /// Whether nothing more is to come: no answer, no time, no look.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_over() && !self.standings.values().any(|s| matches!(s, Standing::Done { look: Some(_), .. }))
    }

    fn is_over(&self) -> bool {
        let answered = !self.standings.values().any(Standing::is_open);
        self.wants == ResponseType::None || (answered && !self.anybody)
    }
}

/// What the caller is to do, once the events are on disk.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send this message, the same as before where it was sent before.
    Send {
        /// About which request.
        request_id: String,
        /// The message.
        message: Message,
    },
    /// Look whether what was ordered is so, by other means than asking who did it, and come back through [`Producer::looked`].
    Look {
        /// About which request.
        request_id: String,
        /// At which consumer's.
        consumer: String,
        /// The command, to look for.
        command: Value,
        /// Its answer, with the number of the rule.
        response: Response,
    },
}

/// What a producer decided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// What happened. Applied already.
    pub events: Vec<Event>,
    /// What to do.
    pub effects: Vec<Effect>,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// It cannot be read.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was asked under its request's identifier, or nothing any more.
    #[error("nothing is open under this request")]
    NotAsked,
    /// It was not this consumer that was asked, or the message says another than who was authenticated.
    #[error("the command was not given to whoever answers")]
    NotYou,
    /// Its last answer came before.
    #[error("the last answer came before")]
    Twice,
}

/// A producer.
#[derive(Debug, Clone, PartialEq)]
pub struct Producer {
    config: Config,
    open: BTreeMap<String, Pending>,
}

impl Producer {
    /// A producer that ordered nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, open: BTreeMap::new() }
    }

    /// The producer that these events made. Events about requests that were closed are passed over.
    #[must_use]
    pub fn replay<'e>(config: Config, events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut producer = Self::new(config);
        events.into_iter().for_each(|event| producer.apply(event));
        producer
    }

    /// What is remembered of a request.
    #[must_use]
    pub fn pending(&self, request_id: &str) -> Option<&Pending> {
        self.open.get(request_id)
    }

    /// The requests that are remembered.
    pub fn requests(&self) -> impl Iterator<Item = &str> {
        self.open.keys().map(String::as_str)
    }

    /// The message of an order, to be signed where that is asked for.
    ///
    /// # Errors
    /// A producer must not send this command, with the clause that says so.
    pub fn message(&self, order: &Order, now: DateTime) -> Result<Message, Refusal> {
        slpf::check_as_producer(&order.command, now)?;
        let at = At::root();
        if order.command.command_id.as_ref().is_none_or(|id| id.as_str().is_empty()) {
            let message = "a command that may be sent again has an identifier";
            return Err(Refusal::malformed("LS 3.3.1", &at.to("command_id"), message));
        }
        let headers = Headers {
            request_id: Some(order.request_id.clone()),
            created: Some(now),
            from: Some(self.config.id.clone()),
            to: order.to.iter().cloned().collect(),
        };
        Ok(Message::request(headers, &order.command, self.config.language))
    }

    /// Gives a command out: `message` is that of [`Self::message`], signed where it is.
    ///
    /// # Errors
    /// The request is open already, too many are, or the message is another's.
    pub fn order(&mut self, order: &Order, message: &Message, now: DateTime) -> Result<Decision, Refusal> {
        let at = At::root().to("headers").to("request_id");
        let own = message.headers.request_id.as_ref() == Some(&order.request_id);
        if !own || self.open.contains_key(&order.request_id) {
            return Err(Refusal::malformed("LS 3.2", &at, "the request's identifier is not its own"));
        }
        if self.open.len() >= self.config.open_max {
            return Err(Refusal::malformed("LS 3.2", &at, "too many commands are open"));
        }
        let what = What::Ordered {
            message: message.write(),
            to: order.to.clone(),
            wants: order.command.args.wants(),
            deadline: order.deadline,
        };
        let mut decision = Decision::default();
        self.record(&order.request_id, what, now, &mut decision);
        decision
            .effects
            .push(Effect::Send { request_id: order.request_id.clone(), message: message.clone() });
        Ok(decision)
    }

    /// Takes an answer. `from` is who the transport authenticated; over a broker it is what the message says, which a broker may have
    /// compared.
    ///
    /// # Errors
    /// It is no answer to anything that is open.
    pub fn heard(&mut self, message: &Message, from: &str, now: DateTime) -> Result<Decision, Unexpected> {
        if message.headers.from.as_ref().is_some_and(|claimed| claimed != from) {
            return Err(Unexpected::NotYou);
        }
        let response = message.answer(&Reading::default())?;
        let id = message.headers.request_id.as_deref().ok_or(Unexpected::NotAsked)?;
        let pending = self.open.get(id).ok_or(Unexpected::NotAsked)?;
        match pending.standings.get(from) {
            Some(standing) if standing.is_open() => {}
            // What comes after the deadline is taken all the same: it is better known than not.
            Some(Standing::Silent) => {}
            Some(_) => return Err(Unexpected::Twice),
            None if pending.anybody && pending.standings.len() < ANSWERS_MAX => {}
            None => return Err(Unexpected::NotYou),
        }
        let id = id.to_owned();
        let mut decision = Decision::default();
        self.record(&id, What::Answered { from: from.to_owned(), response }, now, &mut decision);
        self.looks(&id, now, &mut decision);
        Ok(decision)
    }

    /// Sends again what nobody answered, gives up what is overdue, and asks to look at what is said to be done.
    pub fn wake(&mut self, now: DateTime) -> Decision {
        let mut decision = Decision::default();
        let ids: Vec<String> = self.open.keys().cloned().collect();
        for id in ids {
            self.wake_one(&id, now, &mut decision);
        }
        decision
    }

    /// When [`Self::wake`] has something to do.
    #[must_use]
    pub fn next_wake(&self) -> Option<DateTime> {
        let resend =
            |pending: &Pending| pending.sent.after(self.config.resend_ms).unwrap_or(pending.deadline);
        let times = self.open.values().flat_map(|pending| {
            let waits = !pending.is_over();
            let again = (waits && self.resends(pending)).then(|| resend(pending));
            let looks = pending.standings.values().filter_map(|standing| match standing {
                Standing::Done { look, .. } => *look,
                _ => None,
            });
            looks.chain(again).chain(waits.then_some(pending.deadline))
        });
        times.min()
    }

    /// What a look found.
    pub fn looked(&mut self, request_id: &str, consumer: &str, seen: bool, now: DateTime) -> Decision {
        let mut decision = Decision::default();
        let done = self.open.get(request_id).and_then(|pending| pending.standings.get(consumer));
        if matches!(done, Some(Standing::Done { .. })) {
            let what = What::Looked { at_consumer: consumer.to_owned(), seen };
            self.record(request_id, what, now, &mut decision);
        }
        decision
    }

    /// Forgets a request about which nothing more is to come, once the caller has seen what came of it.
    pub fn forget(&mut self, request_id: &str, now: DateTime) -> Decision {
        let mut decision = Decision::default();
        if self.open.get(request_id).is_some_and(Pending::is_settled) {
            self.record(request_id, What::Closed, now, &mut decision);
        }
        decision
    }

    /// Whether it is sent again: to those who were named and said nothing yet.
    fn resends(&self, pending: &Pending) -> bool {
        let silent = pending.standings.values().any(|standing| *standing == Standing::Sent);
        silent && pending.sends < self.config.sends_max
    }

    fn wake_one(&mut self, id: &str, now: DateTime, decision: &mut Decision) {
        let Some(pending) = self.open.get(id) else { return };
        if !pending.is_over() {
            if pending.deadline <= now {
                self.record(id, What::Overdue, now, decision);
            } else if self.resends(pending)
                && pending.sent.after(self.config.resend_ms).is_some_and(|again| again <= now)
                && let Ok(message) = Message::parse(pending.message.to_string().as_bytes())
            {
                self.record(id, What::Resent, now, decision);
                decision.effects.push(Effect::Send { request_id: id.to_owned(), message });
            }
        }
        self.looks(id, now, decision);
    }

    /// Asks to look at what is due. Who was asked and did not come back is asked again after a while, and after a restart at once.
    fn looks(&mut self, id: &str, now: DateTime, decision: &mut Decision) {
        let again = now.after(self.config.resend_ms);
        let Some(pending) = self.open.get_mut(id) else { return };
        let Some(command) = pending.command().cloned() else { return };
        for (consumer, standing) in &mut pending.standings {
            if let Standing::Done { response, look, .. } = standing
                && look.is_some_and(|look| look <= now)
            {
                *look = again;
                decision.effects.push(Effect::Look {
                    request_id: id.to_owned(),
                    consumer: consumer.clone(),
                    command: command.clone(),
                    response: response.clone(),
                });
            }
        }
    }

    fn record(&mut self, request_id: &str, what: What, now: DateTime, decision: &mut Decision) {
        let event = Event { at: now, request_id: request_id.to_owned(), what };
        self.apply(&event);
        decision.events.push(event);
    }

    fn apply(&mut self, event: &Event) {
        let id = event.request_id.as_str();
        if let What::Ordered { message, to, wants, deadline } = &event.what {
            let standings = to.iter().map(|consumer| (consumer.clone(), Standing::Sent)).collect();
            let pending = Pending {
                message: message.clone(),
                wants: *wants,
                deadline: *deadline,
                sends: 1,
                sent: event.at,
                anybody: to.is_empty(),
                standings,
            };
            self.open.insert(id.to_owned(), pending);
            return;
        }
        if event.what == What::Closed {
            self.open.remove(id);
            return;
        }
        let look = event.at.after(self.config.look_ms);
        let Some(pending) = self.open.get_mut(id) else { return };
        match &event.what {
            What::Resent => {
                pending.sends = pending.sends.saturating_add(1);
                pending.sent = event.at;
            }
            What::Answered { from, response } => {
                let standing = pending.standing(response, look);
                pending.standings.insert(from.clone(), standing);
            }
            What::Overdue => {
                pending.anybody = false;
                for standing in pending.standings.values_mut().filter(|standing| standing.is_open()) {
                    *standing = Standing::Silent;
                }
            }
            What::Looked { at_consumer, seen } => {
                if let Some(Standing::Done { look, seen: found, .. }) = pending.standings.get_mut(at_consumer)
                {
                    *look = None;
                    *found = Some(*seen);
                }
            }
            What::Ordered { .. } | What::Closed => {}
        }
    }
}

/// The most consumers whose answers to one command are kept where anybody may answer.
pub const ANSWERS_MAX: usize = 10_000;

impl Pending {
    fn standing(&self, response: &Response, look: Option<DateTime>) -> Standing {
        let effect = self.command().and_then(|command| command.get("action")) != Some(&Value::from("query"));
        if !response.status.is_final() {
            // Who asked for nothing but the acknowledgement hears no more.
            let (look, seen) = (look.filter(|_| effect), None);
            return match self.wants {
                ResponseType::Ack => Standing::Done { response: response.clone(), look, seen },
                _ => Standing::Processing,
            };
        }
        if response.status.is_success() {
            return Standing::Done { response: response.clone(), look: look.filter(|_| effect), seen: None };
        }
        Standing::Failed { response: response.clone() }
    }
}
