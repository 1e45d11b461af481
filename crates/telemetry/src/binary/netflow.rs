//! Messages of NetFlow 5, NetFlow 9 (RFC 3954) and IPFIX (RFC 7011), read by the crate `netflow_parser`. What the records of the
//! latter two mean, templates say, which come now and then; they are remembered for each exporter and domain.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use jiff::Timestamp;
use netflow_parser::static_versions::v5::V5;
use netflow_parser::variable_versions::ipfix::lookup::{IANAIPFixField as Iana, ReverseInformationElement};
use netflow_parser::variable_versions::{ipfix, v9};
use netflow_parser::{
    FieldValue, IpfixField, NetflowPacket, NetflowParser, PendingFlowsConfig, RouterScopedParser,
    ScopingInfo, V9FlowRecord, extract_scoping_info,
};

use super::flow::{About, Clock, Flow, ReverseElement};
use super::{Decoded, Undecoded};

/// Exporters and domains that are remembered; the one that was silent longest is forgotten first.
const SCOPES_MAX: usize = 512;
/// Templates of one of them.
const TEMPLATES_MAX: usize = 64;
/// Elements of a template.
const ELEMENTS_MAX: usize = 128;
/// Bytes that are held back for one exporter until their template comes.
const HELD_BYTES_MAX: usize = 64 << 10;

/// Takes the datagrams of many exporters.
pub struct FlowCollector {
    parsers: RouterScopedParser<Scope>,
    /// What exporters say apart from their flows.
    told: HashMap<Scope, Told>,
}

/// What an exporter says of all its flows.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// One packet in so many is looked at.
    sampling: Option<u64>,
    /// When it started.
    started: Option<Timestamp>,
}

impl fmt::Debug for FlowCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowCollector").field("scopes", &self.parsers.source_count()).finish_non_exhaustive()
    }
}

/// Whose templates they are: of one exporter and one of its domains.
type Scope = (SocketAddr, u32);

impl Default for FlowCollector {
    fn default() -> Self {
        let mut held = PendingFlowsConfig::new(TEMPLATES_MAX);
        held.max_entries_per_template = TEMPLATES_MAX;
        held.max_total_bytes = HELD_BYTES_MAX;
        held.max_entry_size_bytes = HELD_BYTES_MAX.min(held.max_entry_size_bytes);
        let builder = NetflowParser::builder()
            .with_allowed_versions(&[5, 9, 10])
            .with_cache_size(TEMPLATES_MAX)
            .with_max_field_count(ELEMENTS_MAX)
            .with_max_error_sample_size(1)
            .with_pending_flows(held);
        let parsers = RouterScopedParser::try_with_builder(builder)
            .and_then(|parsers| parsers.with_max_sources(SCOPES_MAX))
            .unwrap_or_default();
        Self { parsers, told: HashMap::new() }
    }
}

impl FlowCollector {
    /// Takes one datagram of an exporter and writes each flow in it to `lines` as one line; also those that were held back for a
    /// template which came now.
    pub fn take(&mut self, exporter: SocketAddr, datagram: &[u8], lines: &mut Vec<u8>) -> Decoded {
        let mut decoded = Decoded::default();
        let domain = match extract_scoping_info(datagram) {
            ScopingInfo::V9 { source_id } => Some(source_id),
            ScopingInfo::IPFix { observation_domain_id } => Some(observation_domain_id),
            _ => None,
        };
        let scope = (exporter, domain.unwrap_or(0));
        let lost_before = self.lost(&scope);
        let parsed = self.parsers.parse_from_source(scope, datagram);
        decoded
            .refuse(Undecoded::FlowMessage, u64::from(parsed.error.is_some() || parsed.packets.is_empty()));
        decoded.refuse(Undecoded::FlowTemplate, self.lost(&scope).saturating_sub(lost_before));
        for packet in &parsed.packets {
            let told = self.told(scope, packet);
            let exporter = Some(exporter.ip().to_canonical()).filter(|address| !address.is_unspecified());
            let about = About { version: 0, exporter, domain, sampling: told.sampling };
            give(packet, about, told.started, lines, &mut decoded);
        }
        decoded
    }

    /// Flowsets of a scope that were not held back any longer, or could not be read when their template came.
    fn lost(&mut self, scope: &Scope) -> u64 {
        let Some(info) = self.parsers.get_source_info(scope) else { return 0 };
        let lost = |info: &netflow_parser::CacheInfo| {
            info.metrics.pending_dropped + info.metrics.pending_replay_failed
        };
        lost(&info.v9) + lost(&info.ipfix)
    }

    /// What is known of an exporter, with what this message adds.
    fn told(&mut self, scope: Scope, packet: &NetflowPacket) -> Told {
        let known = self.told.get(&scope).copied().unwrap_or_default();
        let new = told_by(packet);
        let told = Told { sampling: new.sampling.or(known.sampling), started: new.started.or(known.started) };
        if told.sampling.is_some() || told.started.is_some() {
            if self.told.len() >= SCOPES_MAX && !self.told.contains_key(&scope) {
                self.told.clear();
            }
            self.told.insert(scope, told);
        }
        told
    }
}

fn give(
    packet: &NetflowPacket,
    about: About,
    started: Option<Timestamp>,
    lines: &mut Vec<u8>,
    decoded: &mut Decoded,
) {
    let mut give = |flow: &Flow, clock: Clock, about: About| {
        if flow.is_nameless() {
            return decoded.refuse(Undecoded::FlowAddress, 1);
        }
        decoded.give(&flow.record(clock, about), lines);
    };
    match packet {
        NetflowPacket::V5(message) => {
            let (clock, about) = (clock_of_v5(message), About { version: 5, ..about });
            flows_of_v5(message).for_each(|flow| give(&flow, clock, about));
        }
        NetflowPacket::V9(message) => {
            let exported = Timestamp::from_second(i64::from(message.header.unix_secs)).ok();
            let clock = Clock::of_uptime(exported, message.header.sys_up_time);
            let about = About { version: 9, ..about };
            for set in &message.flowsets {
                if let v9::FlowSetBody::Data(data) = &set.body {
                    data.fields.iter().for_each(|record| give(&flow_of_v9(record), clock, about));
                }
            }
        }
        NetflowPacket::IPFix(message) => {
            let exported = Timestamp::from_second(i64::from(message.header.export_time)).ok();
            let (clock, about) = (Clock { exported, started }, About { version: 10, ..about });
            for set in &message.flowsets {
                match &set.body {
                    ipfix::FlowSetBody::Data(data) => {
                        data.fields.iter().for_each(|record| give(&flow_of_ipfix(record), clock, about));
                    }
                    ipfix::FlowSetBody::V9Data(data) => {
                        data.fields.iter().for_each(|record| give(&flow_of_v9(record), clock, about));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn clock_of_v5(message: &V5) -> Clock {
    let header = &message.header;
    let nanoseconds = i32::try_from(header.unix_nsecs).unwrap_or(0);
    let exported = Timestamp::new(i64::from(header.unix_secs), nanoseconds).ok();
    Clock::of_uptime(exported, header.sys_up_time)
}

fn flows_of_v5(message: &V5) -> impl Iterator<Item = Flow> {
    /// The two highest bits say how packets are chosen.
    const INTERVAL: u16 = (1 << 14) - 1;
    let sampling = Some(u64::from(message.header.sampling_interval & INTERVAL));
    message.flowsets.iter().map(move |record| {
        let mut flow = Flow { protocol: Some(record.protocol_number), sampling, ..Flow::default() };
        flow.source.address = Some(record.src_addr.into());
        flow.source.port = Some(record.src_port);
        flow.source.bytes = Some(record.d_octets.into());
        flow.source.packets = Some(record.d_pkts.into());
        flow.destination.address = Some(record.dst_addr.into());
        flow.destination.port = Some(record.dst_port);
        flow.times.first_uptime = Some(record.first.into());
        flow.times.last_uptime = Some(record.last.into());
        flow
    })
}

fn flow_of_v9(record: &V9FlowRecord) -> Flow {
    let mut flow = Flow::default();
    for (field, value) in record {
        flow.set(u16::from(*field), value);
    }
    flow
}

fn flow_of_ipfix(record: &[(IpfixField, FieldValue)]) -> Flow {
    let mut flow = Flow::default();
    for (field, value) in record {
        match field {
            IpfixField::IANA(field) => {
                if let Some(number) = number_of(*field) {
                    flow.set(number, value);
                }
            }
            IpfixField::ReverseInformationElement(field) => {
                if let Some(element) = reverse_of(*field) {
                    flow.set_reverse(element, value);
                }
            }
            // What makers of exporters define for themselves is passed over.
            _ => {}
        }
    }
    flow
}

/// The number of an element that a [`Flow`] takes.
fn number_of(field: Iana) -> Option<u16> {
    Some(match field {
        Iana::OctetDeltaCount => 1,
        Iana::PacketDeltaCount => 2,
        Iana::ProtocolIdentifier => 4,
        Iana::SourceTransportPort => 7,
        Iana::SourceIpv4address => 8,
        Iana::DestinationTransportPort => 11,
        Iana::DestinationIpv4address => 12,
        Iana::FlowEndSysUpTime => 21,
        Iana::FlowStartSysUpTime => 22,
        Iana::SourceIpv6address => 27,
        Iana::DestinationIpv6address => 28,
        Iana::SamplingInterval => 34,
        Iana::SamplerRandomInterval => 50,
        Iana::SourceMacaddress => 56,
        Iana::PostDestinationMacaddress => 57,
        Iana::DestinationMacaddress => 80,
        Iana::PostSourceMacaddress => 81,
        Iana::OctetTotalCount => 85,
        Iana::PacketTotalCount => 86,
        Iana::FlowStartSeconds => 150,
        Iana::FlowEndSeconds => 151,
        Iana::FlowStartMilliseconds => 152,
        Iana::FlowEndMilliseconds => 153,
        Iana::FlowStartMicroseconds => 154,
        Iana::FlowEndMicroseconds => 155,
        Iana::FlowStartNanoseconds => 156,
        Iana::FlowEndNanoseconds => 157,
        Iana::SystemInitTimeMilliseconds => 160,
        Iana::FlowDurationMilliseconds => 161,
        Iana::UdpSourcePort => 180,
        Iana::UdpDestinationPort => 181,
        Iana::TcpSourcePort => 182,
        Iana::TcpDestinationPort => 183,
        Iana::InitiatorOctets => 231,
        Iana::ResponderOctets => 232,
        Iana::BiflowDirection => 239,
        Iana::InitiatorPackets => 298,
        Iana::ResponderPackets => 299,
        Iana::ObservationTimeSeconds => 322,
        Iana::ObservationTimeMilliseconds => 323,
        Iana::ObservationTimeMicroseconds => 324,
        Iana::ObservationTimeNanoseconds => 325,
        _ => return None,
    })
}

fn reverse_of(field: ReverseInformationElement) -> Option<ReverseElement> {
    use ReverseInformationElement as Reverse;
    match field {
        Reverse::ReverseOctetDeltaCount | Reverse::ReverseOctetTotalCount => Some(ReverseElement::Bytes),
        Reverse::ReversePacketDeltaCount | Reverse::ReversePacketTotalCount => Some(ReverseElement::Packets),
        _ => None,
    }
}

/// What a message says of all flows.
fn told_by(packet: &NetflowPacket) -> Told {
    let mut told = Told::default();
    let mut take = |sampling: Option<u64>, flow: &Flow| {
        told.sampling = sampling.or(flow.sampling).or(told.sampling);
        told.started = flow.times.started.or(told.started);
    };
    match packet {
        NetflowPacket::V9(message) => {
            for set in &message.flowsets {
                if let v9::FlowSetBody::OptionsData(data) = &set.body {
                    data.fields.iter().for_each(|record| take(None, &flow_of_v9(&record.options_fields)));
                }
            }
        }
        NetflowPacket::IPFix(message) => {
            for set in &message.flowsets {
                if let ipfix::FlowSetBody::OptionsData(data) = &set.body {
                    data.fields
                        .iter()
                        .for_each(|record| take(interval_and_space(record), &flow_of_ipfix(record)));
                }
            }
        }
        _ => {}
    }
    told
}

/// So many packets are taken, then so many left out (RFC 5477 §8.2).
fn interval_and_space(record: &[(IpfixField, FieldValue)]) -> Option<u64> {
    let of = |wanted: Iana| {
        let field = record.iter().find(|(field, _)| *field == IpfixField::IANA(wanted));
        field.and_then(|(_, value)| value.as_u64())
    };
    let (interval, space) = (of(Iana::SamplingPacketInterval)?, of(Iana::SamplingPacketSpace)?);
    interval.checked_add(space)?.checked_div(interval)
}
