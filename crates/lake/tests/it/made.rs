//! Records and indicators made by chance, of few values, so that they meet.

use jiff::Timestamp;
use matcher::{Indicator, IndicatorSet, Options, Reach, WarningLists};
use proptest::prelude::*;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

/// The first record's time.
pub(crate) const START: i64 = 1_764_547_200; // 2025-12-01T00:00:00Z

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

/// A record, its log and its line; its time is its own, so that the order is certain.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) record: Observation<'static>,
    pub(crate) source: &'static str,
}

fn address() -> impl Strategy<Value = (ValueKind, String)> {
    prop_oneof![
        4 => (0_u8..4, 0_u8..4, 0_u8..8).prop_map(|(b, c, d)| (ValueKind::Ipv4, format!("203.{b}.{c}.{d}"))),
        1 => (0_u16..4, 0_u16..4).prop_map(|(a, b)| (ValueKind::Ipv6, format!("2001:db8:{a:x}::{b:x}"))),
        1 => (0_u8..4).prop_map(|d| (ValueKind::Ipv6, format!("::ffff:203.0.0.{d}"))),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let label = || prop::sample::select(vec!["a", "b", "A", "ab", "a-b", "x_y"]);
    let end = prop::sample::select(vec![
        "evil.example",
        "evil-1.example",
        "test",
        "Evil.Example.",
        "bücher.example",
    ]);
    (prop::collection::vec(label(), 0..3), end).prop_map(|(labels, end)| {
        labels.into_iter().map(|label| format!("{label}.")).collect::<String>() + end
    })
}

fn url() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["http://", "https://", "HTTP://"]);
    let path = prop::sample::select(vec!["", "/", "/a?q=1", "/A", "/%61", "/a/../a?q=1#f"]);
    let long = prop_oneof![9 => Just(String::new()), 1 => Just("/x".repeat(80))];
    (scheme, name(), path, long).prop_map(|(scheme, name, path, long)| format!("{scheme}{name}{path}{long}"))
}

fn digest() -> impl Strategy<Value = (ValueKind, String)> {
    (
        prop::sample::select(vec![(ValueKind::Md5, 32), (ValueKind::Sha1, 40), (ValueKind::Sha256, 64)]),
        0_u8..6,
    )
        .prop_map(|((kind, length), digit)| (kind, format!("{digit:x}").repeat(length)))
}

fn mail() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["a", "B", "c.d"]), name()).prop_map(|(local, name)| format!("{local}@{name}"))
}

fn value() -> impl Strategy<Value = (ValueKind, String)> {
    prop_oneof![
        4 => address(),
        4 => name().prop_map(|name| (ValueKind::Domain, name)),
        2 => url().prop_map(|url| (ValueKind::Url, url)),
        2 => digest(),
        1 => mail().prop_map(|mail| (ValueKind::Email, mail)),
        1 => (0_u8..4).prop_map(|n| (ValueKind::Mac, format!("00-11-22-33-44-0{n}"))),
        1 => Just((ValueKind::FileName, "a.exe".to_owned())),
        1 => Just((ValueKind::UserAgent, "curl/8".to_owned())),
    ]
}

fn observed() -> impl Strategy<Value = Observed<'static>> {
    let place = prop::sample::select(vec![
        ("src_ip", Role::Source),
        ("dest_ip", Role::Destination),
        ("dns.rrname", Role::Content),
        ("fileinfo.x", Role::Content),
        ("files.y", Role::Content),
    ]);
    (place, value()).prop_map(|((field, role), (kind, value))| Observed {
        field: field.into(),
        kind,
        value: value.into(),
        role,
    })
}

/// One record; seconds from the start are put in by the caller.
pub(crate) fn made() -> impl Strategy<Value = Made> {
    let kind = prop::sample::select(vec!["dns", "flow", "http", "Odd/Kind"]);
    let source = prop::sample::select(vec!["one.log", "two.log"]);
    let port = || prop::option::of(prop::sample::select(vec![53_u16, 443, 4444]));
    (kind, source, prop::collection::vec(observed(), 0..5), port(), port(), any::<bool>(), 0_u64..2000)
        .prop_map(|(kind, source, values, src_port, dst_port, has_time, bytes)| Made {
            record: Observation {
                time: has_time.then_some(Timestamp::UNIX_EPOCH),
                kind: kind.into(),
                protocol: Some("tcp".into()),
                src_port,
                dst_port,
                bytes: Some(bytes),
                src_bytes: None,
                dst_bytes: Some(bytes / 2),
                http_method: (kind == "http").then(|| "GET".into()),
                values,
            },
            source,
        })
}

/// Records over so many seconds, each at another time, in an order by chance.
pub(crate) fn records(count: usize, seconds: i64) -> impl Strategy<Value = Vec<(Timestamp, Made)>> {
    prop::collection::vec((0..seconds, made()), 0..count).prop_map(|records| {
        records
            .into_iter()
            .enumerate()
            .map(|(number, (second, mut made))| {
                let time = at(second) + jiff::SignedDuration::from_nanos(number as i64);
                if made.record.time.is_some() {
                    made.record.time = Some(time);
                }
                (time, made)
            })
            .collect()
    })
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// One comparison that a value leads to.
fn comparison() -> impl Strategy<Value = String> {
    let network = (0_u8..4, 0_u8..4, 9_u8..33).prop_map(|(b, c, bits)| format!("203.{b}.{c}.0/{bits}"));
    let network6 = (0_u16..4, 17_u8..129).prop_map(|(a, bits)| format!("2001:db8:{a:x}::/{bits}"));
    let end = prop::sample::select(vec!["network-traffic:src_ref.value", "network-traffic:dst_ref.value"]);
    prop_oneof![
        4 => address().prop_map(|(_, text)| format!("ipv4-addr:value = {}", quoted(&text))),
        3 => network.prop_map(|text| format!("ipv4-addr:value ISSUBSET {}", quoted(&text))),
        1 => network6.prop_map(|text| format!("ipv6-addr:value ISSUBSET {}", quoted(&text))),
        4 => name().prop_map(|text| format!("domain-name:value = {}", quoted(&text))),
        2 => name().prop_map(|text| format!("domain-name:value LIKE {}", quoted(&format!("%.{text}")))),
        3 => url().prop_map(|text| format!("url:value = {}", quoted(&text))),
        2 => prop::collection::vec(url(), 1..4).prop_map(|all| {
            format!("url:value IN ({})", all.iter().map(|url| quoted(url)).collect::<Vec<_>>().join(", "))
        }),
        1 => mail().prop_map(|text| format!("email-addr:value = {}", quoted(&text))),
        2 => digest().prop_map(|(kind, text)| match kind {
            ValueKind::Md5 => format!("file:hashes.MD5 = {}", quoted(&text)),
            ValueKind::Sha1 => format!("file:hashes.'SHA-1' = {}", quoted(&text)),
            _ => format!("file:hashes.'SHA-256' = {}", quoted(&text)),
        }),
        1 => (0_u8..4).prop_map(|n| format!("mac-addr:value = '00:11:22:33:44:0{n}'")),
        2 => (end, address()).prop_map(|(end, (_, text))| format!("{end} = {}", quoted(&text))),
    ]
}

/// A comparison with what no value leads to beside it.
fn observation() -> impl Strategy<Value = String> {
    let partner = prop::sample::select(vec![
        "network-traffic:dst_port = 443",
        "network-traffic:dst_port > 100",
        "network-traffic:src_byte_count != 7",
        "NOT domain-name:value = 'a.test'",
        "url:value MATCHES '^http'",
        "file:name = 'a.exe'",
    ]);
    prop_oneof![
        4 => comparison().prop_map(|one| format!("[{one}]")),
        1 => (comparison(), partner).prop_map(|(one, other)| format!("[{one} AND {other}]")),
        1 => (comparison(), comparison()).prop_map(|(one, other)| format!("[{one} OR {other}]")),
        1 => (comparison(), comparison()).prop_map(|(one, other)| format!("[{one} AND {other}]")),
    ]
}

/// A pattern that values lead to, over one record or several.
pub(crate) fn pattern() -> impl Strategy<Value = String> {
    let seconds = || prop::sample::select(vec![60_u32, 3600, 86_400]);
    prop_oneof![
        6 => observation(),
        1 => (observation(), observation(), seconds())
            .prop_map(|(a, b, s)| format!("({a} AND {b}) WITHIN {s} SECONDS")),
        1 => (observation(), observation(), seconds())
            .prop_map(|(a, b, s)| format!("({a} FOLLOWEDBY {b}) WITHIN {s} SECONDS")),
        1 => (observation(), 2_u8..4, seconds())
            .prop_map(|(a, n, s)| format!("{a} REPEATS {n} TIMES WITHIN {s} SECONDS")),
        1 => (observation(), observation()).prop_map(|(a, b)| format!("{a} OR {b}")),
    ]
}

/// A pattern of which some part is led to by no value.
pub(crate) fn odd_pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "[network-traffic:dst_port = 4444]",
        "[url:value LIKE '%evil%']",
        "[domain-name:value MATCHES '^a[.]']",
        "[ipv4-addr:value != '203.0.0.1']",
        "[network-traffic:dst_port = 53] FOLLOWEDBY [domain-name:value LIKE 'b.%']",
    ])
    .prop_map(str::to_owned)
}

pub(crate) fn set(patterns: &[String], reach: impl Into<Reach>) -> IndicatorSet {
    let indicators = patterns.iter().enumerate().map(|(number, pattern)| Indicator {
        id: stix::Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}")).unwrap(),
        version: stix::Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap(),
        name: pattern.clone(),
        pattern: pattern.clone(),
        confidence: None,
        valid_from: stix::Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap(),
        valid_until: None,
        revoked: false,
        reach: None,
    });
    let options = Options { reach: reach.into(), any_time: true, unanchored: true, ..Options::default() };
    IndicatorSet::build(indicators, &WarningLists::none(), &options, 1).set
}
