//! A flow, put together from the elements of its record, as the line that Suricata would write of it. Elements have the numbers of
//! IANA's registry, which NetFlow 9 shares.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use netflow_parser::{DataNumber, FieldValue};
use serde::Serialize;

/// What a record of a flow said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) source: End,
    pub(super) destination: End,
    /// The number of the transport protocol.
    pub(super) protocol: Option<u8>,
    pub(super) times: Times,
    /// One packet in so many was looked at.
    pub(super) sampling: Option<u64>,
    /// The record is told from the answering side's point of view.
    pub(super) reversed: bool,
}

/// One end, and what it sent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) address: Option<IpAddr>,
    pub(super) mac: Option<[u8; 6]>,
    pub(super) port: Option<u16>,
    pub(super) bytes: Option<u64>,
    pub(super) packets: Option<u64>,
}

/// When a flow was, as its record says it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// Milliseconds since the exporter started.
    pub(super) first_uptime: Option<u64>,
    /// As above.
    pub(super) last_uptime: Option<u64>,
    /// Milliseconds.
    duration: Option<u64>,
    /// When the exporter started.
    pub(super) started: Option<Timestamp>,
    /// When the one packet that the record is about was seen.
    seen: Option<Timestamp>,
}

/// The clock of an exporter.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// When the message left.
    pub(super) exported: Option<Timestamp>,
    /// When the exporter started.
    pub(super) started: Option<Timestamp>,
}

/// NTP counts from 1900 (RFC 7011 §6.1.9).
const NTP_TO_UNIX_SECONDS: u64 = 2_208_988_800;

impl Flow {
    /// Takes one element. What is not told here is of no use to any indicator.
    pub(super) fn set(&mut self, element: u16, value: &FieldValue) {
        let (source, destination) = (&mut self.source, &mut self.destination);
        match element {
            8 | 27 => fill(&mut source.address, address(value)),
            12 | 28 => fill(&mut destination.address, address(value)),
            56 => source.mac = mac(value),
            80 => destination.mac = mac(value),
            // As the packets were rewritten on the way out, where they are told no other way.
            81 => fill(&mut source.mac, mac(value)),
            57 => fill(&mut destination.mac, mac(value)),
            7 | 180 | 182 => fill(&mut source.port, port(value)),
            11 | 181 | 183 => fill(&mut destination.port, port(value)),
            4 => self.protocol = value.as_u8(),
            1 | 85 | 231 => fill(&mut source.bytes, count(value)),
            2 | 86 | 298 => fill(&mut source.packets, count(value)),
            232 => destination.bytes = count(value),
            299 => destination.packets = count(value),
            34 | 50 => fill(&mut self.sampling, count(value)),
            239 => self.reversed = count(value) == Some(2),
            _ => self.times.set(element, value),
        }
    }

    /// Takes an element of the other direction (RFC 5103).
    pub(super) fn set_reverse(&mut self, element: ReverseElement, value: &FieldValue) {
        match element {
            ReverseElement::Bytes => fill(&mut self.destination.bytes, count(value)),
            ReverseElement::Packets => fill(&mut self.destination.packets, count(value)),
        }
    }

    /// Whether it names nothing that could be looked for.
    pub(super) fn is_nameless(&self) -> bool {
        let is_nameless = |end: &End| end.address.is_none() && end.mac.is_none();
        is_nameless(&self.source) && is_nameless(&self.destination)
    }

    /// The line of it.
    pub(super) fn record(&self, clock: Clock, about: About) -> Record {
        let (from, to) =
            if self.reversed { (&self.destination, &self.source) } else { (&self.source, &self.destination) };
        let (start, end) = self.times.resolve(clock);
        Record {
            timestamp: end.or(start).or(clock.exported),
            event_type: "flow",
            src_ip: from.address,
            src_port: from.port,
            dest_ip: to.address,
            dest_port: to.port,
            proto: self.protocol.map(|number| number.to_string()),
            ether: (from.mac.is_some() || to.mac.is_some())
                .then(|| Ether { src_mac: from.mac.map(written), dest_mac: to.mac.map(written) }),
            flow: Counts {
                pkts_toserver: from.packets,
                pkts_toclient: to.packets,
                bytes_toserver: from.bytes,
                bytes_toclient: to.bytes,
                start,
                end,
            },
            netflow: About { sampling: self.sampling.or(about.sampling).filter(|rate| *rate > 1), ..about },
        }
    }
}

/// What of the other direction is of use.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReverseElement {
    Bytes,
    Packets,
}

impl Times {
    fn set(&mut self, element: u16, value: &FieldValue) {
        match element {
            21 => self.last_uptime = count(value),
            22 => self.first_uptime = count(value),
            150 | 152 | 154 | 156 => self.first = instant(value),
            151 | 153 | 155 | 157 => self.last = instant(value),
            160 => self.started = instant(value),
            161 => self.duration = count(value),
            322..=325 => self.seen = instant(value),
            _ => {}
        }
    }

    /// When it began and ended, worked out by the exporter's clock where the record counts from its start.
    fn resolve(&self, clock: Clock) -> (Option<Timestamp>, Option<Timestamp>) {
        let clock = Clock { started: self.started.or(clock.started), ..clock };
        let at = |uptime: Option<u64>| clock.instant_of(uptime?);
        let first = self.first.or_else(|| at(self.first_uptime)).or(self.seen);
        let duration = self.duration.and_then(|duration| i64::try_from(duration).ok());
        let by_duration = || add_milliseconds(first?, duration?);
        (first, self.last.or_else(|| at(self.last_uptime)).or_else(by_duration).or(self.seen))
    }
}

impl Clock {
    /// The clock of whoever says how long it has been running.
    pub(super) fn of_uptime(exported: Option<Timestamp>, milliseconds: u32) -> Self {
        let started = exported.and_then(|exported| add_milliseconds(exported, -i64::from(milliseconds)));
        Self { exported, started }
    }

    /// An exporter's uptime as an instant. It has 32 bits, so it begins again every 49 days: the instant is the latest one that is not
    /// more than a day after the message left.
    fn instant_of(self, uptime: u64) -> Option<Timestamp> {
        const DAY_MS: i64 = 24 * 3600 * 1000;
        const AGAIN_MS: i64 = 1 << 32;
        let (exported, uptime) = (self.exported?, i64::from(u32::try_from(uptime).ok()?));
        let ahead =
            self.started?.as_millisecond().checked_sub(exported.as_millisecond())?.checked_add(uptime)?;
        let ahead = ahead.checked_sub(DAY_MS)?.rem_euclid(AGAIN_MS) - AGAIN_MS + DAY_MS;
        add_milliseconds(exported, ahead)
    }
}

fn add_milliseconds(to: Timestamp, milliseconds: i64) -> Option<Timestamp> {
    to.checked_add(SignedDuration::from_millis(milliseconds)).ok()
}

/// What was said first stays.
fn fill<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}

/// An address; where an exporter fills the family that the flow is not of with zeros, it is none.
fn address(value: &FieldValue) -> Option<IpAddr> {
    let address = match value {
        FieldValue::Ip4Addr(address) => IpAddr::V4(*address),
        FieldValue::Ip6Addr(address) => IpAddr::V6(*address).to_canonical(),
        _ => return None,
    };
    (!address.is_unspecified()).then_some(address)
}

fn mac(value: &FieldValue) -> Option<[u8; 6]> {
    match value {
        FieldValue::MacAddr(mac) if *mac != [0; 6] => Some(*mac),
        _ => None,
    }
}

fn port(value: &FieldValue) -> Option<u16> {
    u16::try_from(count(value)?).ok()
}

/// A number; exporters write them shorter than they are defined (RFC 7011 §6.2), also by five, six and seven bytes.
fn count(value: &FieldValue) -> Option<u64> {
    match value {
        FieldValue::DataNumber(DataNumber::Vec(bytes)) | FieldValue::Vec(bytes) if bytes.len() <= 8 => {
            Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        }
        value => value.as_u64(),
    }
}

/// An instant since 1970 in whatever unit.
fn instant(value: &FieldValue) -> Option<Timestamp> {
    use netflow_parser::variable_versions::field_value::DurationValue::{
        MicrosNtp, Millis, NanosNtp, Seconds,
    };
    let FieldValue::Duration(duration) = value else { return None };
    let since = duration.as_duration();
    let seconds = match duration {
        Seconds { .. } | Millis { .. } => since.as_secs(),
        MicrosNtp { .. } | NanosNtp { .. } => since.as_secs().checked_sub(NTP_TO_UNIX_SECONDS)?,
    };
    let instant =
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(since.subsec_nanos()).ok()?).ok()?;
    (instant != Timestamp::UNIX_EPOCH).then_some(instant)
}

fn written(mac: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// The line of a flow. Counts are those of the record, also where packets were sampled.
#[derive(Serialize)]
pub(super) struct Record {
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
    proto: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ether: Option<Ether>,
    flow: Counts,
    netflow: About,
}

#[derive(Serialize)]
struct Ether {
    #[serde(skip_serializing_if = "Option::is_none")]
    src_mac: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_mac: Option<String>,
}

#[derive(Serialize)]
struct Counts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pkts_toserver: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pkts_toclient: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_toserver: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_toclient: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
}

/// Who said so.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct About {
    pub(super) version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exporter: Option<IpAddr>,
    /// The source identifier (NetFlow 9) or observation domain (IPFIX).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<u32>,
    /// One packet in so many was looked at, where it was not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sampling: Option<u64>,
}
