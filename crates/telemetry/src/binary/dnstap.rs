//! Streams of dnstap (dnstap.info; `dnstap.proto` of 2023): DNS messages as the servers saw them, in Frame Streams. Over a
//! connection a sender asks first (READY) and is answered (ACCEPT); in a file, and from senders that do not ask, frames just begin
//! (START).

use std::net::IpAddr;

use jiff::Timestamp;
use prost::Message as _;
use serde::Serialize;

use super::dns_message::Dns;
use super::frames::{self, Control, Piece};
use super::{Decoded, Undecoded};

/// What the frames hold.
const CONTENT: &[u8] = b"protobuf:dnstap.Dnstap";
/// The longest frame that is read: a DNS message of 64 KiB, perhaps twice, and what stands beside it.
const FRAME_BYTES_MAX: usize = 256 << 10;

/// One sender's stream, or one file.
#[derive(Debug, Default)]
pub struct DnstapStream {
    pending: Vec<u8>,
    /// Bytes of a frame that is too long, still to come.
    skipping: usize,
    state: State,
    /// The sender asked first, so it waits for answers.
    asked: bool,
    replies: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    New,
    /// It was answered and may start.
    Accepted,
    Started,
    /// The sender has said all it had to say.
    Ended,
    Broken,
}

impl DnstapStream {
    /// Takes what came, cut wherever, and writes each message to `lines` as one line.
    pub fn take(&mut self, bytes: &[u8], lines: &mut Vec<u8>) -> Decoded {
        let mut decoded = Decoded::default();
        let skipped = self.skipping.min(bytes.len());
        self.skipping -= skipped;
        self.pending.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while !self.is_over() {
            let Some(length) = self.step(rest, lines, &mut decoded) else { break };
            self.skipping = length.saturating_sub(rest.len());
            rest = rest.get(length..).unwrap_or_default();
        }
        if !self.is_over() {
            self.pending = rest.to_vec();
        }
        decoded
    }

    /// Goes on by so many bytes; `None` where more has to come.
    fn step(&mut self, rest: &[u8], lines: &mut Vec<u8>, decoded: &mut Decoded) -> Option<usize> {
        match (frames::piece(rest, FRAME_BYTES_MAX), self.state) {
            (Piece::Unfinished, _) => None,
            (Piece::Data(frame, length), State::Started) => {
                give(frame, lines, decoded);
                Some(length)
            }
            (Piece::TooLong(length), State::Started) => {
                decoded.refuse(Undecoded::TooLong, 1);
                Some(length)
            }
            (Piece::Control(Control::Ready, length, contents), State::New)
                if contents.is_empty() || contents.contains(&CONTENT) =>
            {
                self.asked = true;
                self.state = State::Accepted;
                frames::write_control(Control::Accept, Some(CONTENT), &mut self.replies);
                Some(length)
            }
            (Piece::Control(Control::Start, length, contents), State::New | State::Accepted)
                if contents.iter().all(|content| *content == CONTENT) =>
            {
                self.state = State::Started;
                Some(length)
            }
            (Piece::Control(Control::Stop, length, _), State::Started) => {
                self.state = State::Ended;
                if self.asked {
                    frames::write_control(Control::Finish, None, &mut self.replies);
                }
                Some(length)
            }
            (Piece::Control(..) | Piece::Data(..) | Piece::TooLong(_) | Piece::Broken, _) => {
                decoded.refuse(Undecoded::Stream, 1);
                self.state = State::Broken;
                None
            }
        }
    }

    /// What is to be answered now, once the lines that were given are kept.
    pub fn replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Whether nothing more is read: the sender stopped, or what it says is no dnstap.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended | State::Broken)
    }

    /// The connection or the file ended.
    pub fn finish(&mut self) -> Decoded {
        let mut decoded = Decoded::default();
        if !self.pending.is_empty() || self.skipping > 0 {
            decoded.refuse(Undecoded::CutOff, 1);
        }
        self.pending.clear();
        self.skipping = 0;
        decoded
    }
}

fn give(frame: &[u8], lines: &mut Vec<u8>, decoded: &mut Decoded) {
    let message = Dnstap::decode(frame).ok().and_then(|frame| Some((frame.message?, frame.identity)));
    let Some((message, identity)) = message else { return decoded.refuse(Undecoded::Frame, 1) };
    let Some(record) = Record::new(&message, identity.as_deref(), decoded) else {
        return decoded.refuse(Undecoded::Frame, 1);
    };
    decoded.give(&record, lines);
}

/// A frame.
#[derive(Clone, PartialEq, prost::Message)]
struct Dnstap {
    #[prost(bytes = "vec", optional, tag = "1")]
    identity: Option<Vec<u8>>,
    #[prost(message, optional, tag = "14")]
    message: Option<Message>,
}

/// What was asked, or what was answered; some senders put both in one.
#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(int32, optional, tag = "3")]
    socket_protocol: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "4")]
    query_address: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    response_address: Option<Vec<u8>>,
    #[prost(uint32, optional, tag = "6")]
    query_port: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    response_port: Option<u32>,
    #[prost(uint64, optional, tag = "8")]
    query_time_sec: Option<u64>,
    #[prost(fixed32, optional, tag = "9")]
    query_time_nsec: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "10")]
    query_message: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "12")]
    response_time_sec: Option<u64>,
    #[prost(fixed32, optional, tag = "13")]
    response_time_nsec: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "14")]
    response_message: Option<Vec<u8>>,
}

/// The kinds by their numbers, from 1.
const KINDS: [&str; 14] = [
    "AUTH_QUERY",
    "AUTH_RESPONSE",
    "RESOLVER_QUERY",
    "RESOLVER_RESPONSE",
    "CLIENT_QUERY",
    "CLIENT_RESPONSE",
    "FORWARDER_QUERY",
    "FORWARDER_RESPONSE",
    "STUB_QUERY",
    "STUB_RESPONSE",
    "TOOL_QUERY",
    "TOOL_RESPONSE",
    "UPDATE_QUERY",
    "UPDATE_RESPONSE",
];

/// The line of a message, as Suricata writes a DNS record.
#[derive(Serialize)]
struct Record {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<&'static str>,
    dns: Dns,
    dnstap: About,
}

/// What only dnstap says.
#[derive(Serialize)]
struct About {
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
}

impl Record {
    /// `None` where it is no message that anybody defined. Who asked is the source, whichever way the message went.
    fn new(message: &Message, identity: Option<&[u8]>, decoded: &mut Decoded) -> Option<Self> {
        let kind = usize::try_from(message.kind).ok()?.checked_sub(1).and_then(|kind| KINDS.get(kind))?;
        let is_response = kind.ends_with("RESPONSE");
        let asked = time(message.query_time_sec, message.query_time_nsec);
        let answered = time(message.response_time_sec, message.response_time_nsec);
        let (query, response) = (message.query_message.as_deref(), message.response_message.as_deref());
        let (timestamp, bytes) = if is_response {
            (answered.or(asked), response.or(query))
        } else {
            (asked.or(answered), query.or(response))
        };
        let mut dns = Dns::new(is_response);
        if let Some(bytes) = bytes
            && dns.read(bytes).is_none()
        {
            decoded.refuse(Undecoded::DnsMessage, 1);
        }
        let port = |port: Option<u32>| port.and_then(|port| u16::try_from(port).ok());
        Some(Self {
            timestamp,
            event_type: "dns",
            src_ip: message.query_address.as_deref().and_then(address),
            src_port: port(message.query_port),
            dest_ip: message.response_address.as_deref().and_then(address),
            dest_port: port(message.response_port),
            proto: message.socket_protocol.and_then(transport),
            dns,
            dnstap: About {
                message: kind,
                identity: identity.map(|name| String::from_utf8_lossy(name).into_owned()),
            },
        })
    }
}

/// UDP, TCP, and what is over them: TLS, HTTPS, DNSCrypt by both, QUIC.
fn transport(number: i32) -> Option<&'static str> {
    match number {
        1 | 5 | 7 => Some("UDP"),
        2 | 3 | 4 | 6 => Some("TCP"),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::from(bytes).to_canonical()))
        .ok()
}

fn time(seconds: Option<u64>, nanoseconds: Option<u32>) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(nanoseconds.unwrap_or(0)).ok()?;
    Timestamp::new(i64::try_from(seconds?).ok()?, nanoseconds).ok()
}
