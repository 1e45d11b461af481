//! OpenC2 (OASIS): the language 1.0, what drafts of 1.1 write differently, and the profile for stateless packet filters 1.0, for both sides.
//!
//! The crate takes values and returns values: it does no I/O, reads no clock and draws no randomness. Whatever a stranger sends becomes a
//! type or a [`Refusal`] with the clause that it is against. [`consumer`] and [`producer`] are their events: what was written down is all
//! that is needed to go on after a crash. [`signed`] says who orders something; whether that one may is for whoever looks at the
//! authority it names. [`mqtt`] and [`https`] are what a packet or a request says around a message; connections are made elsewhere,
//! but for those to brokers, by the module `client` of the feature of that name.
//!
//! ```
//! use openc2::consumer::{Config, Consumer, Deed, Limits, Reach, Request};
//! use openc2::slpf::{Identity, Support};
//! use openc2::{DateTime, Message, Status};
//!
//! let config = Config {
//!     id: "edge-7".into(),
//!     identity: Identity::default(),
//!     support: Support::default(),
//!     rate_limit: Some(600),
//!     delete_others: false,
//!     limits: Limits::default(),
//! };
//! let mut consumer = Consumer::new(config);
//! let text = br#"{
//!   "headers": {"request_id": "d1ac0489-ed51-4345-9175-f3078f30afe5", "from": "council"},
//!   "body": {"openc2": {"request": {
//!     "action": "deny",
//!     "target": {"ipv4_net": "198.51.100.0/24"},
//!     "args": {"duration": 3600000, "slpf": {"direction": "ingress"}}
//!   }}}
//! }"#;
//! let now = DateTime(1_790_000_000_000);
//! let request = Request::authenticated(Message::parse(text)?, "council", Reach::Direct);
//!
//! // The events are written down; then the rule is put into force.
//! let decision = consumer.take(&request, now)?;
//! let [effect] = &decision.effects[..] else { return Err("one effect".into()) };
//! let Deed::Install(rule) = &effect.action else { return Err("a rule".into()) };
//! assert_eq!(rule.stop, now.after(3_600_000));
//!
//! // It is in force, and the council is told its number.
//! let decision = consumer.finished(&effect.task, Ok(()), now)?;
//! let [reply] = &decision.replies[..] else { return Err("one reply".into()) };
//! assert_eq!((reply.response.status, reply.response.rule_number()), (Status::Ok, Some(rule.number)));
//!
//! // An hour later it ends.
//! let later = consumer.next_wake().ok_or("an end")?;
//! assert!(matches!(consumer.wake(later)?.effects[..], [ref end] if matches!(end.action, Deed::Remove(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod actuator;
mod args;
#[cfg(feature = "client")]
pub mod client;
mod command;
pub mod consumer;
pub mod https;
mod json;
mod message;
pub mod mqtt;
mod names;
mod net;
pub mod producer;
mod read;
mod refusal;
mod response;
pub mod signed;
pub mod slpf;
mod target;
mod text;
pub mod texts;
mod things;

pub use actuator::{ASSET_TUPLE_MAX, Actuator, Specifiers};
pub use args::{Args, DateTime, SlpfArgs, Span, language_of, wants_of};
pub use command::Command;
pub use json::{DEPTH_MAX, MESSAGE_BYTES_MAX};
pub use message::{
    CONTENT_TYPE, CONTENT_TYPE_BARE, Content, HEADER_CHARS_MAX, Headers, Message, MessageType,
    RECIPIENTS_MAX, is_content_type,
};
pub use names::{
    Action, Direction, DropProcess, Extensions, Feature, L4Protocol, Language, NAME_CHARS_MAX, Reading,
    ResponseType, is_nsid,
};
pub use net::{Connection, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, Net, Packet};
pub use refusal::{Fault, Refusal};
pub use response::{Pairs, Response, Results, SlpfResults, Status};
pub use target::{MacAddr, RuleNumber, TARGETS, Target, TargetName};
pub use text::{CommandId, DomainName, EmailAddr, IdnDomainName, IdnEmailAddr, Iri, Uri};
pub use things::{Artifact, Device, File, Hashes, Payload, Process};
