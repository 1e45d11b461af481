//! Event logs, flows and DNS messages: what is read of them is what the formats of text give, however the bytes are cut, and whatever
//! strangers make of them.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use telemetry::{Binary, BinaryFile, Decoded, DnstapStream, FlowCollector, Observation, Reader, Undecoded};

// ---- what is common

/// An observation as a test compares it.
fn shown(observation: &Observation<'_>) -> Value {
    let values: Vec<String> = observation
        .values
        .iter()
        .map(|value| format!("{:?} {} {:?} {}", value.role, value.field, value.kind, value.value))
        .collect();
    json!({
        "kind": observation.kind, "time": observation.time.map(|time| time.to_string()),
        "protocol": observation.protocol, "ports": [observation.src_port, observation.dst_port],
        "bytes": [observation.bytes, observation.src_bytes, observation.dst_bytes], "values": values,
    })
}

/// The observations in lines; each of them has to be one.
fn observed(format: Binary, lines: &[u8]) -> Vec<Value> {
    let (mut told, mut found) = (Reader::new(format.lines()), Reader::auto());
    let read = |line: &&[u8]| {
        let observation = told.read(line).unwrap().unwrap();
        assert_eq!(found.read(line).unwrap().unwrap(), observation);
        shown(&observation)
    };
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .iter()
        .map(read)
        .collect()
}

/// Reads a file in pieces of one size.
fn read_file(format: Binary, bytes: &[u8], piece: usize) -> (Decoded, Vec<u8>) {
    let (mut file, mut lines, mut decoded) = (BinaryFile::new(format), Vec::new(), Decoded::default());
    for piece in bytes.chunks(piece) {
        decoded.add(&file.take(piece, &mut lines));
    }
    decoded.add(&file.finish(&mut lines));
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count() as u64, decoded.records);
    (decoded, lines)
}

/// The STIX objects of the only line, without their keys.
fn graph(lines: &[u8]) -> Vec<Value> {
    let line = lines.strip_suffix(b"\n").unwrap();
    let mut reader = Reader::auto();
    telemetry::objects(&reader.read(line).unwrap().unwrap()).into_iter().map(|(_, object)| object).collect()
}

// ---- event logs

fn sample() -> Vec<u8> {
    let packed = include_bytes!("data/new-user-security.evtx.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn events_of_a_log_are_windows_events() {
    let log = sample();
    assert_eq!(Binary::detect(&log), Some(Binary::Evtx));
    let (decoded, lines) = read_file(Binary::Evtx, &log, log.len());
    assert_eq!(decoded, Decoded { records: 4, refused: BTreeMap::new() });
    for piece in [1, 100, 4096, 65_537] {
        assert_eq!(read_file(Binary::Evtx, &log, piece).1, lines);
    }
    let events = observed(Binary::Evtx, &lines);
    let about = |event: &Value| (event["kind"].clone(), event["time"].clone());
    assert_eq!(
        events.iter().map(about).collect::<Vec<_>>(),
        [
            (json!("security:4728"), json!("2013-10-23T16:22:39.9735Z")),
            (json!("security:4720"), json!("2013-10-23T16:22:39.9735Z")),
            (json!("security:4732"), json!("2013-10-23T16:22:39.9735Z")),
            (json!("security:4732"), json!("2013-10-23T16:22:40.00475Z")),
        ]
    );
    assert_eq!(
        events[1]["values"],
        json!([
            "Content Event.EventData.TargetUserName Account IEUser",
            "Content Event.EventData.SubjectUserName Account WIN-QALA5Q3KJ43$"
        ])
    );
}

#[test]
fn a_torn_event_log_gives_what_is_whole_of_it() {
    let log = sample();
    let (whole, _) = read_file(Binary::Evtx, &log, log.len());
    let (half, _) = read_file(Binary::Evtx, &log[..7100], log.len());
    assert!(half.records > 0 && half.records < whole.records, "{half:?}");
    assert_eq!(half.refused.get(&Undecoded::CutOff), Some(&1));
    let mut damaged = log.clone();
    damaged[4096..4104].copy_from_slice(b"no chunk");
    let (none, _) = read_file(Binary::Evtx, &damaged, log.len());
    assert_eq!((none.records, none.refused.get(&Undecoded::EventChunk)), (0, Some(&1)));
    let (text, _) = read_file(Binary::Evtx, &b"no event log at all\n".repeat(100), 50);
    assert_eq!((text.records, text.refused.get(&Undecoded::EventChunk)), (0, Some(&1)));
}

/// Real logs, which are not ours to pass on: each `.evtx` below $YAGURA_EVTX.
#[test]
fn real_event_logs_are_understood() {
    let Some(folder) = std::env::var_os("YAGURA_EVTX").map(PathBuf::from).filter(|folder| folder.is_dir())
    else {
        eprintln!("SKIPPED: reading real event logs needs YAGURA_EVTX, a folder of .evtx files");
        return;
    };
    let (mut files, mut decoded, mut understood, mut timed, mut values) =
        (0, Decoded::default(), 0_u64, 0_u64, 0);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for path in event_logs(&folder) {
        let (of_file, lines) = read_file(Binary::Evtx, &std::fs::read(&path).unwrap(), 1 << 20);
        if !of_file.refused.is_empty() {
            eprintln!("{}: {of_file:?}", path.display());
        }
        files += 1;
        decoded.add(&of_file);
        let mut reader = Reader::auto();
        for line in lines.split(|byte| *byte == b'\n') {
            if let Ok(Some(observation)) = reader.read(line) {
                understood += 1;
                timed += u64::from(observation.time.is_some());
                values += observation.values.len();
                *kinds.entry(observation.kind.into_owned()).or_default() += 1;
            }
        }
    }
    let damaged: u64 = decoded.refused.values().sum();
    let share = 100.0 * understood as f64 / (decoded.records + damaged).max(1) as f64;
    eprintln!(
        "{files} event logs: {share:.3} % understood: {understood} of {} events ({timed} with a time), {values} values, {} kinds, refused {:?}",
        decoded.records,
        kinds.len(),
        decoded.refused
    );
    assert_eq!(understood, decoded.records);
}

fn event_logs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(event_logs(&path));
        } else if path.extension().is_some_and(|ending| ending == "evtx") {
            found.push(path);
        }
    }
    found.sort();
    found
}

// ---- DNS messages

/// Protocol Buffers, written by hand: what the code reads by a crate.
#[derive(Default)]
struct Protobuf(Vec<u8>);

impl Protobuf {
    fn number(mut self, tag: u8, mut value: u64) -> Self {
        self.0.push(tag << 3);
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn bytes(self, tag: u8, value: &[u8]) -> Self {
        let mut with_length = self.number(tag, value.len() as u64);
        // The length was written as a number; only its first byte says that it is one.
        let at = with_length.0.len() - if value.len() < 0x80 { 2 } else { 3 };
        with_length.0[at] |= 2;
        with_length.0.extend_from_slice(value);
        with_length
    }

    fn fixed(mut self, tag: u8, value: u32) -> Self {
        self.0.push(tag << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }
}

fn dns_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes()));
    labels.chain([0]).collect()
}

/// `www.evil.example`, which is another name for `c2.example`, which has two addresses.
fn dns_response() -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0];
    message.extend([dns_name("www.evil.example"), vec![0, 1, 0, 1]].concat());
    let record = |owner: &[u8], kind: u16, data: &[u8]| {
        let fixed =
            [&kind.to_be_bytes()[..], &[0, 1, 0, 0, 1, 44], &(data.len() as u16).to_be_bytes()].concat();
        [owner, &fixed, data].concat()
    };
    message.extend(record(&[0xc0, 12], 5, &dns_name("c2.example")));
    message.extend(record(&dns_name("c2.example"), 1, &[198, 51, 100, 7]));
    message.extend(record(
        &dns_name("c2.example"),
        28,
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    ));
    message
}

/// CLIENT_RESPONSE of a resolver.
fn dnstap_frame(response: &[u8]) -> Vec<u8> {
    let message = Protobuf::default()
        .number(1, 6)
        .number(2, 1)
        .number(3, 1)
        .bytes(4, &[192, 0, 2, 1])
        .bytes(5, &[192, 0, 2, 53])
        .number(6, 40_000)
        .number(7, 53)
        .number(12, 1_768_435_200)
        .fixed(13, 500_000_000)
        .bytes(14, response);
    Protobuf::default().bytes(1, b"resolver").bytes(14, &message.0).number(15, 1).0
}

fn control(kind: u32, content: Option<&[u8]>) -> Vec<u8> {
    let field = content.map_or_else(Vec::new, |content| {
        [&1_u32.to_be_bytes()[..], &(content.len() as u32).to_be_bytes(), content].concat()
    });
    [&0_u32.to_be_bytes()[..], &(4 + field.len() as u32).to_be_bytes(), &kind.to_be_bytes(), &field].concat()
}

fn data(frame: &[u8]) -> Vec<u8> {
    [&(frame.len() as u32).to_be_bytes()[..], frame].concat()
}

const CONTENT: &[u8] = b"protobuf:dnstap.Dnstap";

fn dnstap_file(frames: &[Vec<u8>]) -> Vec<u8> {
    let frames = frames.iter().map(|frame| data(frame)).collect::<Vec<_>>().concat();
    [control(2, Some(CONTENT)), frames, control(3, None)].concat()
}

#[test]
fn a_dns_message_is_what_a_sensor_would_have_written() {
    let file = dnstap_file(&[dnstap_frame(&dns_response())]);
    assert_eq!(Binary::detect(&file), Some(Binary::Dnstap));
    let (decoded, lines) = read_file(Binary::Dnstap, &file, file.len());
    assert_eq!(decoded, Decoded { records: 1, refused: BTreeMap::new() });
    for piece in 1..40 {
        assert_eq!(read_file(Binary::Dnstap, &file, piece).1, lines);
    }
    assert_eq!(
        observed(Binary::Dnstap, &lines),
        [json!({
            "kind": "dns", "time": "2026-01-15T00:00:00.5Z", "protocol": "udp", "ports": [40_000, 53],
            "bytes": [null, null, null],
            "values": [
                "Source src_ip Ipv4 192.0.2.1", "Destination dest_ip Ipv4 192.0.2.53",
                "Content dns.queries[0].rrname Domain www.evil.example",
                "Content dns.answers[0].rrname Domain www.evil.example", "Content dns.answers[0].rdata Domain c2.example",
                "Content dns.answers[1].rrname Domain c2.example", "Content dns.answers[1].rdata Ipv4 198.51.100.7",
                "Content dns.answers[2].rrname Domain c2.example", "Content dns.answers[2].rdata Ipv6 2001:db8::7",
            ],
        })]
    );
    let objects = graph(&lines);
    let asked = objects.iter().find(|object| object["value"] == "www.evil.example").unwrap();
    assert_eq!(asked["resolves_to_refs"].as_array().unwrap().len(), 3, "{objects:?}");
    assert!(objects.iter().any(|object| object["type"] == "network-traffic" && object["dst_port"] == 53));
}

#[test]
fn a_sender_that_asks_is_answered_and_its_end_confirmed() {
    let (mut stream, mut lines) = (DnstapStream::default(), Vec::new());
    stream.take(&control(4, Some(CONTENT)), &mut lines);
    assert_eq!(stream.replies(), control(1, Some(CONTENT)));
    stream.take(&control(2, Some(CONTENT)), &mut lines);
    assert_eq!(stream.take(&data(&dnstap_frame(&dns_response())), &mut lines).records, 1);
    assert!(stream.replies().is_empty() && !stream.is_over());
    stream.take(&control(3, None), &mut lines);
    assert_eq!(stream.replies(), control(5, None));
    assert!(stream.is_over());
}

#[test]
fn what_is_no_dnstap_is_counted_and_the_rest_is_read() {
    let frames = [
        b"no protobuf".to_vec(),
        dnstap_frame(&dns_response()[..40]),
        vec![0; 300 << 10],
        Protobuf::default().number(15, 1).0,
        dnstap_frame(&dns_response()),
    ];
    let (decoded, lines) = read_file(Binary::Dnstap, &dnstap_file(&frames), 1000);
    assert_eq!(decoded.records, 2);
    assert_eq!(
        decoded.refused,
        BTreeMap::from([(Undecoded::Frame, 2), (Undecoded::DnsMessage, 1), (Undecoded::TooLong, 1)])
    );
    // Of a torn message what stood before the tear is told.
    assert!(observed(Binary::Dnstap, &lines)[0]["values"][2].as_str().unwrap().ends_with("www.evil.example"));
    let other = [control(2, Some(b"protobuf:other")), data(b"x")].concat();
    assert_eq!(read_file(Binary::Dnstap, &other, 7).0.refused, BTreeMap::from([(Undecoded::Stream, 1)]));
    // A length beyond every frame's makes nobody keep what comes.
    let endless = [control(2, Some(CONTENT)), u32::MAX.to_be_bytes().to_vec(), vec![7; 1 << 20]].concat();
    let refused = read_file(Binary::Dnstap, &endless, 4096).0.refused;
    assert_eq!(refused, BTreeMap::from([(Undecoded::TooLong, 1), (Undecoded::CutOff, 1)]));
}

// ---- flows

const EXPORTER: &str = "192.0.2.254:2055";

fn collect(collector: &mut FlowCollector, datagram: &[u8]) -> (Decoded, Vec<u8>) {
    let mut lines = Vec::new();
    let decoded = collector.take(EXPORTER.parse::<SocketAddr>().unwrap(), datagram, &mut lines);
    (decoded, lines)
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// The exporter started 10,000 s before; the flow was from 20 s to 10 s before it was exported.
const EXPORTED: u32 = 1_768_435_200;
const UPTIME: u32 = 10_000_000;

fn netflow_5() -> Vec<u8> {
    netflow_5_at(UPTIME)
}

fn netflow_5_at(uptime: u32) -> Vec<u8> {
    let header = [
        numbers(&[5, 1]),
        [uptime, EXPORTED, 0, 1].iter().flat_map(|number| number.to_be_bytes()).collect(),
        numbers(&[0, (1 << 14) | 100]),
    ];
    let flow = [
        vec![192, 0, 2, 1, 198, 51, 100, 7, 0, 0, 0, 0],
        numbers(&[1, 2]),
        [3_u32, 1500, uptime.wrapping_sub(20_000), uptime.wrapping_sub(10_000)]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect(),
        numbers(&[40_000, 443]),
        vec![0, 0x1b, 6, 0],
        numbers(&[0, 0, 0, 0]),
    ];
    [header.concat(), flow.concat()].concat()
}

/// A set of NetFlow 9 or IPFIX.
fn set(id: u16, body: &[u8]) -> Vec<u8> {
    [&numbers(&[id, 4 + body.len() as u16])[..], body].concat()
}

fn netflow_9(sets: &[Vec<u8>]) -> Vec<u8> {
    let header: Vec<u8> = [UPTIME, EXPORTED, 1, 7].iter().flat_map(|number| number.to_be_bytes()).collect();
    [numbers(&[9, sets.len() as u16]), header, sets.concat()].concat()
}

fn ipfix(sets: &[Vec<u8>]) -> Vec<u8> {
    let sets = sets.concat();
    let header: Vec<u8> = [EXPORTED, 1, 7].iter().flat_map(|number| number.to_be_bytes()).collect();
    [numbers(&[10, 16 + sets.len() as u16]), header, sets].concat()
}

/// Addresses of IPv6, ports, protocol, counts, times by uptime, hardware addresses.
const ELEMENTS: [(u16, u16); 11] =
    [(27, 16), (28, 16), (7, 2), (11, 2), (4, 1), (1, 4), (2, 4), (22, 4), (21, 4), (56, 6), (80, 6)];

fn template_9() -> Vec<u8> {
    let elements = ELEMENTS.iter().flat_map(|(element, length)| [*element, *length]);
    numbers(&[256, ELEMENTS.len() as u16].into_iter().chain(elements).collect::<Vec<_>>())
}

fn record_9() -> Vec<u8> {
    let address = |last: u8| [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[last]].concat();
    let counts = [1500_u32, 3, UPTIME - 20_000, UPTIME - 10_000];
    [
        address(1),
        address(7),
        numbers(&[40_000, 443]),
        vec![6],
        counts.iter().flat_map(|number| number.to_be_bytes()).collect(),
        vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7],
    ]
    .concat()
}

#[test]
fn a_flow_of_netflow_5_is_what_a_sensor_would_have_written() {
    let (decoded, lines) = collect(&mut FlowCollector::default(), &netflow_5());
    assert_eq!(decoded, Decoded { records: 1, refused: BTreeMap::new() });
    assert_eq!(
        observed(Binary::Netflow, &lines),
        [json!({
            "kind": "flow", "time": "2026-01-14T23:59:50Z", "protocol": "tcp", "ports": [40_000, 443],
            "bytes": [1500, 1500, null],
            "values": ["Source src_ip Ipv4 192.0.2.1", "Destination dest_ip Ipv4 198.51.100.7"],
        })]
    );
    let line: Value = serde_json::from_slice(&lines).unwrap();
    assert_eq!(line["flow"]["start"], "2026-01-14T23:59:40Z");
    assert_eq!(line["netflow"], json!({"version": 5, "exporter": "192.0.2.254", "sampling": 100}));
    let traffic = graph(&lines).into_iter().find(|object| object["type"] == "network-traffic").unwrap();
    assert_eq!(
        (&traffic["dst_port"], &traffic["src_byte_count"], &traffic["protocols"]),
        (&json!(443), &json!(1500), &json!(["ipv4", "tcp"]))
    );
}

#[test]
fn an_exporters_clock_that_has_begun_again_is_understood() {
    let (_, lines) = collect(&mut FlowCollector::default(), &netflow_5_at(5_000));
    assert_eq!(observed(Binary::Netflow, &lines)[0]["time"], "2026-01-14T23:59:50Z");
    // IPFIX tells by itself when the exporter started, here 90 days before.
    let started = (u64::from(EXPORTED) - 90 * 86_400) * 1000;
    let uptime = ((90_u64 * 86_400 * 1000 - 10_000) % (1 << 32)) as u32;
    let options = [
        set(3, &[numbers(&[257, 2, 1, 149, 4, 160, 8]), vec![0, 0]].concat()),
        set(257, &[&7_u32.to_be_bytes()[..], &started.to_be_bytes()].concat()),
    ];
    let template = set(2, &numbers(&[256, 3, 8, 4, 12, 4, 21, 4]));
    let record = set(256, &[&[192, 0, 2, 1, 198, 51, 100, 7][..], &uptime.to_be_bytes()].concat());
    let (_, lines) = collect(&mut FlowCollector::default(), &ipfix(&[options.concat(), template, record]));
    assert_eq!(observed(Binary::Netflow, &lines)[0]["time"], "2026-01-14T23:59:50Z");
}

#[test]
fn flows_before_their_template_are_held_back_for_it() {
    let mut collector = FlowCollector::default();
    let (early, lines) = collect(&mut collector, &netflow_9(&[set(256, &record_9())]));
    assert_eq!((early, lines.is_empty()), (Decoded::default(), true));
    let (decoded, lines) =
        collect(&mut collector, &netflow_9(&[set(0, &template_9()), set(256, &record_9())]));
    assert_eq!(decoded, Decoded { records: 2, refused: BTreeMap::new() });
    let expected = json!({
        "kind": "flow", "time": "2026-01-14T23:59:50Z", "protocol": "tcp", "ports": [40_000, 443],
        "bytes": [1500, 1500, null],
        "values": [
            "Source src_ip Ipv6 2001:db8::1", "Destination dest_ip Ipv6 2001:db8::7",
            "Source ether.src_mac Mac 02:00:00:00:00:01", "Destination ether.dest_mac Mac 02:00:00:00:00:07",
        ],
    });
    assert_eq!(observed(Binary::Netflow, &lines), [expected.clone(), expected]);
    // Another exporter's templates are its own, and so are those of another domain.
    let mut lines = Vec::new();
    collector.take("192.0.2.253:2055".parse().unwrap(), &netflow_9(&[set(256, &record_9())]), &mut lines);
    assert!(lines.is_empty());
}

#[test]
fn flows_whose_template_never_comes_are_bounded_and_counted() {
    let mut collector = FlowCollector::default();
    let mut refused = 0;
    for _ in 0..5000 {
        let (decoded, lines) = collect(&mut collector, &netflow_9(&[set(300, &[0; 1200])]));
        assert!(lines.is_empty());
        refused += decoded.refused.get(&Undecoded::FlowTemplate).copied().unwrap_or(0);
    }
    assert!((4900..5000).contains(&refused), "{refused}");
}

#[test]
fn ipfix_has_both_directions_and_what_makers_define_is_passed_over() {
    // Enterprise elements have a bit and the number of who defined them: one of a maker, two of the other direction (RFC 5103).
    let template = [
        numbers(&[256, 9, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 152, 8]),
        numbers(&[1 | 0x8000, 8, 0, 29_305, 5 | 0x8000, 0xffff, 0x0001, 0x86a0, 1, 8]),
    ];
    let record = [
        &[192, 0, 2, 1, 198, 51, 100, 7][..],
        &numbers(&[40_000, 443]),
        &[17],
        &1_768_435_100_250_u64.to_be_bytes(),
        &9000_u64.to_be_bytes(),
        &[3, b'a', b'b', b'c'],
        &1500_u64.to_be_bytes(),
    ]
    .concat();
    let sampled = [
        // Options: scope (observation domain), then 1 of so many.
        set(3, &[numbers(&[257, 2, 1, 149, 4, 34, 4]), vec![0, 0]].concat()),
        set(257, &[7_u32.to_be_bytes(), 1000_u32.to_be_bytes()].concat()),
    ];
    let messages =
        [ipfix(&[sampled.concat(), set(2, &template.concat())]), ipfix(&[set(256, &record)])].concat();
    assert_eq!(Binary::detect(&messages), Some(Binary::Netflow));
    let (decoded, lines) = read_file(Binary::Netflow, &messages, messages.len());
    assert_eq!(
        decoded,
        Decoded { records: 1, refused: BTreeMap::new() },
        "{}",
        String::from_utf8_lossy(&lines)
    );
    for piece in 1..30 {
        assert_eq!(read_file(Binary::Netflow, &messages, piece).1, lines);
    }
    assert_eq!(
        observed(Binary::Netflow, &lines),
        [json!({
            "kind": "flow", "time": "2026-01-14T23:58:20.25Z", "protocol": "udp", "ports": [40_000, 443],
            "bytes": [10_500, 1500, 9000],
            "values": ["Source src_ip Ipv4 192.0.2.1", "Destination dest_ip Ipv4 198.51.100.7"],
        })]
    );
    let line: Value = serde_json::from_slice(&lines).unwrap();
    assert_eq!(line["netflow"], json!({"version": 10, "domain": 7, "sampling": 1000}));
}

#[test]
fn what_is_no_flow_is_counted() {
    let mut collector = FlowCollector::default();
    for datagram in [&b""[..], b"x", b"<13>a message of syslog", &netflow_5()[..60], &[0, 9], &[0, 10, 0, 16]]
    {
        let (decoded, lines) = collect(&mut collector, datagram);
        assert!(lines.is_empty());
        assert_eq!(decoded.refused, BTreeMap::from([(Undecoded::FlowMessage, 1)]), "{datagram:?}");
    }
    let (torn, _) = read_file(Binary::Netflow, &ipfix(&[set(2, &template_9())])[..30], 9);
    assert_eq!(torn.refused, BTreeMap::from([(Undecoded::CutOff, 1)]));
    // A template of nothing that could be looked for.
    let (nameless, _) = collect(
        &mut collector,
        &netflow_9(&[set(0, &numbers(&[260, 1, 1, 4])), set(260, &1500_u32.to_be_bytes())]),
    );
    assert_eq!(nameless.refused, BTreeMap::from([(Undecoded::FlowAddress, 1)]));
}

// ---- whatever strangers make of them

/// Real bytes with some of them changed.
fn mutated(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = bytes.len();
    let changes = prop::collection::vec((0..length, any::<u8>()), 0..16);
    (changes, 0..=length).prop_map(move |(changes, end)| {
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(end);
        bytes
    })
}

fn readable_in_any_cut(format: Binary, bytes: &[u8], piece: usize) {
    let (whole, lines) = read_file(format, bytes, bytes.len().max(1));
    assert_eq!(read_file(format, bytes, piece), (whole, lines.clone()));
    if format == Binary::Evtx {
        // What a damaged event says of itself may be anything.
        lines.split(|byte| *byte == b'\n').for_each(|line| drop(Reader::auto().read(line)));
    } else {
        observed(format, &lines);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_event_logs_give_lines_or_are_counted(bytes in mutated(sample()), piece in 1000_usize..70_000) {
        readable_in_any_cut(Binary::Evtx, &bytes, piece);
    }

    #[test]
    fn damaged_streams_give_lines_or_are_counted(
        bytes in mutated(dnstap_file(&[dnstap_frame(&dns_response()), dnstap_frame(&dns_response())])), piece in 1_usize..100
    ) {
        readable_in_any_cut(Binary::Dnstap, &bytes, piece);
    }

    #[test]
    fn damaged_flows_give_lines_or_are_counted(
        bytes in mutated(ipfix(&[set(2, &template_9()), set(256, &record_9().repeat(5))])), piece in 1_usize..100
    ) {
        readable_in_any_cut(Binary::Netflow, &bytes, piece);
    }

    #[test]
    fn damaged_datagrams_give_lines_or_are_counted(
        first in mutated(netflow_9(&[set(0, &template_9()), set(256, &record_9().repeat(5))])), second in mutated(netflow_5())
    ) {
        let mut collector = FlowCollector::default();
        for datagram in [first, second] {
            let (_, lines) = collect(&mut collector, &datagram);
            observed(Binary::Netflow, &lines);
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600), piece in 1_usize..100) {
        for format in Binary::ALL {
            readable_in_any_cut(format, &bytes, piece);
        }
    }
}
