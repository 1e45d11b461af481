//! How messages travel by MQTT 5 (OpenC2 transfer specification 1.0), as values: topics, and what a packet says around a message. No
//! connection is made here.

use std::fmt;

use crate::args::DateTime;
use crate::json;
use crate::message::{CONTENT_TYPE_BARE, Content, Message, MessageType};
use crate::names::is_nsid;
use crate::refusal::{At, Refusal};

/// A topic (MQTT 2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// `oc2/cmd/all`: commands for every consumer.
    All,
    /// `oc2/cmd/ap/PROFILE`: commands for those of a profile.
    Profile(String),
    /// `oc2/cmd/device/ID`: commands for one.
    Device(String),
    /// `oc2/rsp`: answers.
    Responses,
    /// `oc2/rsp/ID`: answers to one producer.
    ResponsesTo(String),
}

/// The longest identifier in a topic, in bytes.
pub const TOPIC_ID_BYTES_MAX: usize = 256;

/// Whether a text can be one level of a topic: no level's end, no wildcard, nothing unprintable.
fn is_level(text: &str) -> bool {
    (1..=TOPIC_ID_BYTES_MAX).contains(&text.len())
        && !text.contains(['/', '+', '#'])
        && !text.chars().any(char::is_control)
}

/// A name as one level of a topic: what cannot stand in one is written in per cent, as in an address. A name that can stand there is
/// spelt as it is, unless it holds a per cent sign.
#[must_use]
pub fn level(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '/' | '+' | '#' | '%') || character.is_control() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                text.push_str(&format!("%{byte:02X}"));
            }
        } else {
            text.push(character);
        }
    }
    text
}

impl Topic {
    /// The topic of a profile.
    #[must_use]
    pub fn profile(nsid: &str) -> Option<Self> {
        is_nsid(nsid).then(|| Self::Profile(nsid.to_owned()))
    }

    /// The topic of one consumer.
    #[must_use]
    pub fn device(id: &str) -> Option<Self> {
        is_level(id).then(|| Self::Device(id.to_owned()))
    }

    /// The topic of answers to one producer.
    #[must_use]
    pub fn responses_to(producer: &str) -> Option<Self> {
        is_level(producer).then(|| Self::ResponsesTo(producer.to_owned()))
    }

    /// Where a message from this sender is answered: on the topic of its name, as [`level`] spells it, or on that of all producers where
    /// the name is too long for one.
    #[must_use]
    pub fn answering(from: &str) -> Self {
        Self::responses_to(&level(from)).unwrap_or(Self::Responses)
    }

    /// Reads a topic's name. A filter with wildcards is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.split('/').collect::<Vec<_>>().as_slice() {
            ["oc2", "cmd", "all"] => Some(Self::All),
            ["oc2", "cmd", "ap", nsid] => Self::profile(nsid),
            ["oc2", "cmd", "device", id] => Self::device(id),
            ["oc2", "rsp"] => Some(Self::Responses),
            ["oc2", "rsp", producer] => Self::responses_to(producer),
            _ => None,
        }
    }

    /// Whether commands travel on it.
    #[must_use]
    pub fn is_for_commands(&self) -> bool {
        matches!(self, Self::All | Self::Profile(_) | Self::Device(_))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("oc2/cmd/all"),
            Self::Profile(nsid) => write!(f, "oc2/cmd/ap/{nsid}"),
            Self::Device(id) => write!(f, "oc2/cmd/device/{id}"),
            Self::Responses => f.write_str("oc2/rsp"),
            Self::ResponsesTo(producer) => write!(f, "oc2/rsp/{producer}"),
        }
    }
}

/// What a client says when it connects (MQTT 3.1). There is no will: OpenC2 has no use for one and forbids it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The client's name at the broker, random and kept.
    pub client_id: String,
    /// The most seconds of silence.
    pub keep_alive_s: u16,
    /// Always false: what came while one was away is wanted.
    pub clean_start: bool,
}

/// The most seconds of silence that the specification allows (MQTT 2.7).
pub const KEEP_ALIVE_S_MAX: u16 = 300;

impl Connect {
    /// A connection that conforms.
    ///
    /// # Errors
    /// The name is not one that every broker takes (MQTT 5 §3.1.3.1), or the silence is too long.
    pub fn new(client_id: &str, keep_alive_s: u16) -> Result<Self, Refusal> {
        let at = At::root();
        let fits =
            (1..=23).contains(&client_id.len()) && client_id.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            let message = "a client identifier has 1 to 23 letters and digits";
            return Err(Refusal::malformed("MQTT 2.6", &at.to("client_id"), message));
        }
        if !(1..=KEEP_ALIVE_S_MAX).contains(&keep_alive_s) {
            let message = "the keep alive interval is 1 to 300 seconds";
            return Err(Refusal::malformed("MQTT 3.1", &at.to("keep_alive"), message));
        }
        Ok(Self { client_id: client_id.to_owned(), keep_alive_s, clean_start: false })
    }
}

/// What a client subscribes to (MQTT 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The topic.
    pub topic: Topic,
    /// The highest quality of service that is taken.
    pub qos_max: u8,
    /// Whether one's own messages are left out.
    pub no_local: bool,
    /// Whether the retain flag is handed on as it was set.
    pub retain_as_published: bool,
    /// 0: retained messages are sent when the subscription is made.
    pub retain_handling: u8,
}

fn subscription(topic: Topic) -> Subscription {
    Subscription { topic, qos_max: 2, no_local: true, retain_as_published: true, retain_handling: 0 }
}

/// What a consumer subscribes to.
///
/// # Errors
/// A name that cannot stand in a topic.
pub fn subscriptions_of_consumer(device: &str, profiles: &[&str]) -> Result<Vec<Subscription>, Refusal> {
    let topics = std::iter::once(Some(Topic::All))
        .chain(profiles.iter().map(|nsid| Topic::profile(nsid)))
        .chain([Topic::device(device)]);
    subscriptions(topics)
}

/// What a producer subscribes to.
///
/// # Errors
/// A name that cannot stand in a topic.
pub fn subscriptions_of_producer(producer: &str) -> Result<Vec<Subscription>, Refusal> {
    subscriptions([Some(Topic::Responses), Topic::responses_to(producer)].into_iter())
}

fn subscriptions(topics: impl Iterator<Item = Option<Topic>>) -> Result<Vec<Subscription>, Refusal> {
    let refuse = || Refusal::malformed("MQTT 2.2", &At::root(), "the name cannot stand in a topic");
    topics.map(|topic| topic.map(subscription).ok_or_else(refuse)).collect()
}

/// A message as it is published (MQTT 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Where.
    pub topic: String,
    /// 1: it arrives at least once. 0 is never used.
    pub qos: u8,
    /// Always false: a command is not for who comes later.
    pub retain: bool,
    /// Whether the payload is text; JSON is.
    pub is_text: bool,
    /// `application/openc2`
    pub content_type: Option<String>,
    /// `msgType` and `encoding`.
    pub user_properties: Vec<(String, String)>,
    /// Must not be there: answers have their topics.
    pub response_topic: Option<String>,
    /// After how many seconds a broker drops it. Without it a consumer that comes back next day would carry out yesterday's order.
    pub message_expiry_s: Option<u32>,
    /// The message.
    pub payload: Vec<u8>,
}

/// A message to be published, which is dropped on the way at `expires`.
///
/// # Errors
/// It does not say who sends it, it is no message for this topic, or its time is over.
pub fn publish(
    message: &Message,
    topic: &Topic,
    expires: DateTime,
    now: DateTime,
) -> Result<Publish, Refusal> {
    let at = At::root();
    if message.headers.from.is_none() {
        let at = at.to("headers").to("from");
        return Err(Refusal::malformed("MQTT 3.2", &at, "a message says who sends it"));
    }
    fits(topic, &message.content)?;
    // Rounded up, so that what holds for less than a second can still arrive.
    let seconds = expires.0.saturating_sub(now.0).div_ceil(1_000);
    if seconds == 0 {
        return Err(Refusal::malformed("MQTT 2.10", &at, "the time of the message is over"));
    }
    let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(Publish {
        topic: topic.to_string(),
        qos: 1,
        retain: false,
        is_text: true,
        content_type: Some(CONTENT_TYPE_BARE.to_owned()),
        user_properties: vec![
            property("msgType", message.content.kind().as_str()),
            property("encoding", "json"),
        ],
        response_topic: None,
        message_expiry_s: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
        payload: message.to_bytes(),
    })
}

/// The message in a packet that came.
///
/// # Errors
/// The packet does not say what it must, or contradicts what is in it.
pub fn read(packet: &Publish) -> Result<(Topic, Message), Refusal> {
    let at = At::root();
    let refuse = |clause, name: &str, message| Err(Refusal::malformed(clause, &at.to(name), message));
    let Some(topic) = Topic::parse(&packet.topic) else {
        return refuse("MQTT 2.2", "topic", "there is no such topic");
    };
    if packet.retain {
        return refuse("MQTT 3.2", "retain", "a message of OpenC2 is not retained");
    }
    if packet.response_topic.is_some() {
        return refuse("MQTT 3.2", "response_topic", "a message of OpenC2 has no response topic");
    }
    if packet.content_type.as_deref() != Some(CONTENT_TYPE_BARE) {
        return refuse("MQTT 3.2", "content_type", "the content is not `application/openc2`");
    }
    let property = |name: &str| -> Vec<&str> {
        packet
            .user_properties
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    };
    if property("encoding") != ["json"] {
        return refuse("MQTT 3.2", "encoding", "only JSON is read here");
    }
    if packet.payload.len() > json::MESSAGE_BYTES_MAX {
        return refuse("MQTT 3.2", "payload", "the message is longer than a mebibyte");
    }
    let message = Message::parse(&packet.payload)?;
    if property("msgType") != [message.content.kind().as_str()] {
        return refuse("MQTT 3.2", "msgType", "the type is not that of the message");
    }
    if message.headers.from.is_none() {
        return refuse("MQTT 3.2", "from", "the message does not say who sent it");
    }
    fits(&topic, &message.content)?;
    Ok((topic, message))
}

/// Commands travel on the topics of commands, and answers on theirs. Of notifications nothing is said.
fn fits(topic: &Topic, content: &Content) -> Result<(), Refusal> {
    let fits = match content.kind() {
        MessageType::Request => topic.is_for_commands(),
        MessageType::Response => !topic.is_for_commands(),
        MessageType::Notification => true,
    };
    let refuse =
        || Refusal::malformed("MQTT 2.2", &At::root().to("topic"), "the topic is for other messages");
    fits.then_some(()).ok_or_else(refuse)
}
