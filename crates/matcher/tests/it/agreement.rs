//! The scanner with every backend, the scanner without its first stage, and the slow evaluator say the same about every
//! pattern and every line.

use std::sync::Arc;

use matcher::{Indicator, IndicatorSet, Options, Reach, Scanner, Simd, Tally, WarningLists, oracle};
use proptest::prelude::*;
use proptest::sample::select;
use stix::Id;
use stix::pattern::Pattern;
use telemetry::Reader;

use crate::given::{REACHES, indicator, reach};

/// Few values, so that patterns and records meet often; and each in spellings that are the same to the specification.
const ADDRESSES: [&str; 12] = [
    "198.51.100.7",
    "198.51.100.8",
    "198.51.101.7",
    "203.0.113.9",
    "8.8.8.8",
    "2001:db8::1",
    "2001:0DB8:0:0::1",
    "2001:db8:1::2",
    "::ffff:198.51.100.7",
    "::1",
    "::",
    "10.0.0.255",
];
const NETWORKS: [&str; 8] = [
    "198.51.100.0/24",
    "198.51.100.0/31",
    "198.51.96.0/20",
    "10.0.0.0/8",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "203.0.113.9/32",
    "203.0.113.128/25",
];
const NAMES: [&str; 19] = [
    "evil.example",
    "www.evil.example",
    "a.b.evil.example",
    "EVIL.example",
    "evil.example.",
    "notevil.example",
    "example.com",
    "bücher.example",
    "xn--bcher-kva.example",
    "BÜCHER.example",
    "www。evil。example",
    "_dmarc.evil.example",
    "1.2.3",
    "evil.example.com",
    "0x7f.1",
    "a..b",
    "x--y.example",
    "10.0.0.999",
    "010.0.0.255",
];
const HOSTS: [&str; 12] = [
    "evil.example",
    "WWW.Evil.example",
    "evil.example:8080",
    "evil.example:80",
    "198.51.100.7",
    "[2001:db8::1]",
    "[2001:db8::1]:8080",
    "bücher.example",
    "evil.example.",
    "intranet",
    "0x7f.1",
    "127.1:8080",
];
const URLS: [&str; 19] = [
    "http://evil.example/a",
    "http://evil.example/a?q=1",
    "HTTP://EVIL.example:80/a",
    "http://evil.example",
    "http://evil.example/",
    "http://evil.example:8080/a",
    "http://user:secret@evil.example/a#top",
    "http://198.51.100.7/a",
    "http://[2001:db8::1]/a",
    "http://bücher.example/a",
    "http://evil%2Eexample/a",
    "http://3325256711/a",
    "http://evil.example/%61",
    " http://evil.example/a ",
    "http://intranet/a",
    "http://ex ample/a",
    "http://127.0.0.1/a",
    "http://127.0.0.1:8080/a",
    "https://0x7f.1/a",
];
const TARGETS: [&str; 6] = ["/a", "/a?q=1", "/", "/%61", "/./a", "http://evil.example/a"];
const MAILS: [&str; 7] = [
    "boss@evil.example",
    "Boss@evil.example",
    "boss@EVIL.example",
    "boss@bücher.example",
    "o'neil@evil.example",
    "boss@198.51.100.7",
    "boss@localhost",
];
const HASHES: [&str; 6] = [
    "0123456789abcdef0123456789abcdef",
    "0123456789ABCDEF0123456789abcdef",
    "00112233445566778899aabbccddeeff00112233",
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
    "fedcba9876543210fedcba9876543210",
];
const FILES: [&str; 3] = ["payload.exe", "/x/y/payload.exe", "other.bin"];

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn test() -> impl Strategy<Value = String> {
    let equal = |path: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| format!("{path} = {}", quoted(value)))
    };
    let among = |path: &'static str, values: &'static [&'static str]| {
        prop::collection::vec(select(values), 1..4).prop_map(move |values| {
            format!("{path} IN ({})", values.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(", "))
        })
    };
    let subset = |path: &'static str| {
        select(&NETWORKS[..]).prop_map(move |net| format!("{path} ISSUBSET {}", quoted(net)))
    };
    let hash = select(&HASHES[..]).prop_map(|hash| {
        let algorithm = match hash.len() {
            32 => "MD5",
            40 => "'SHA-1'",
            _ => "'SHA-256'",
        };
        format!("file:hashes.{algorithm} = {}", quoted(hash))
    });
    prop_oneof![
        equal("ipv4-addr:value", &ADDRESSES),
        among("ipv4-addr:value", &ADDRESSES),
        equal("ipv4-addr:value", &NETWORKS),
        subset("ipv4-addr:value"),
        subset("network-traffic:dst_ref.value"),
        equal("network-traffic:dst_ref.value", &ADDRESSES),
        equal("network-traffic:src_ref.value", &ADDRESSES),
        equal("network-traffic:dst_ref.value", &NAMES),
        equal("domain-name:value", &NAMES),
        among("domain-name:value", &NAMES),
        select(&NAMES[..]).prop_map(|name| format!("domain-name:value LIKE '%.{name}'")),
        equal("domain-name:resolves_to_refs[*].value", &ADDRESSES),
        equal("url:value", &URLS),
        among("url:value", &URLS),
        equal("email-addr:value", &MAILS),
        equal("email-message:from_ref.value", &MAILS),
        hash,
        equal("file:name", &["payload.exe", "other.bin"]),
        equal("mac-addr:value", &["00:0d:3a:13:e3:69", "00:0D:3A:13:E3:69"]),
        (1_u16..4).prop_map(|port| format!("network-traffic:dst_port = {port}")),
        Just("network-traffic:protocols[*] = 'tcp'".to_owned()),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let comparison = test().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            prop::collection::vec(inner, 2..3).prop_map(|parts| format!("({})", parts.join(" AND "))),
        ]
    });
    prop::collection::vec(comparison.prop_map(|c| format!("[{c}]")), 1..3)
        .prop_map(|parts| parts.join(" OR "))
}

/// A JSON string, sometimes written with escapes that mean the same.
fn json(value: &str, escapes: u8) -> String {
    let text = serde_json::to_string(value).unwrap();
    match escapes {
        0 => text.replace('/', "\\/"),
        1 => text.replace('.', "\\u002e"),
        2 => text.replace('e', "\\u0065"),
        _ => text,
    }
}

fn eve() -> impl Strategy<Value = String> {
    let head = (
        select(&ADDRESSES[..]),
        select(&ADDRESSES[..]),
        0_u16..4,
        select(&["TCP", "UDP"][..]),
        any::<bool>(),
    );
    let dns = (select(&NAMES[..]), prop_oneof![select(&NAMES[..]), select(&ADDRESSES[..])]);
    let http = (
        select(&HOSTS[..]),
        select(&TARGETS[..]),
        prop::option::of(select(&URLS[..])),
        prop::option::of(Just(8080)),
    );
    let tls = (select(&NAMES[..]), select(&NAMES[..]), any::<bool>());
    let mail = (select(&MAILS[..]), select(&MAILS[..]), 0_u8..4);
    let file = prop::collection::vec((select(&FILES[..]), select(&HASHES[..])), 0..3);
    let parts =
        (prop::option::of(dns), prop::option::of(http), prop::option::of(tls), prop::option::of(mail), file);
    (head, parts, 0_u8..8).prop_map(|((src, dst, port, proto, spaced), (dns, http, tls, mail, files), escapes)| {
        let q = |text: &str| json(text, escapes);
        let mut line = format!(
            r#"{{"timestamp":"2026-01-15T00:00:00.000000+0000","event_type":"dns","ether":{{"src_mac":"00:0d:3a:13:e3:69"}},"src_ip":{},"dest_ip":{},"dest_port":{port},"proto":"{proto}""#,
            q(src), q(dst)
        );
        if let Some((name, data)) = dns {
            line += &format!(r#","dns":{{"rrname":{},"answers":[{{"rrname":{},"rdata":{}}}]}}"#, q(name), q(name), q(data));
        }
        if let Some((host, target, referrer, port)) = http {
            line += &format!(r#","http":{{"hostname":{},"url":{}"#, q(host), q(target));
            line += &referrer.map_or(String::new(), |url| format!(r#","http_refer":{}"#, q(url)));
            line += &port.map_or(String::new(), |port| format!(r#","http_port":{port}"#));
            line += "}";
        }
        if let Some((sni, subject, slashed)) = tls {
            let subject = if slashed { format!("/C=JP/CN={subject}") } else { format!("C=JP, O=Some, CN={subject}, L=x") };
            line += &format!(r#","tls":{{"sni":{},"subject":{},"fingerprint":"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33"}}"#, q(sni), q(&subject));
        }
        if let Some((from, to, shape)) = mail {
            let shaped = match shape {
                0 => from.to_owned(),
                1 => format!("<{from}>"),
                2 => format!("The Boss <{from}>"),
                _ => format!("\"Boss, The\" <{from}>, other@ours.example"),
            };
            line += &format!(r#","smtp":{{"mail_from":{},"rcpt_to":[{}]}}"#, q(&shaped), q(to));
        }
        let files: Vec<String> = files.iter().map(|(name, hash)| {
            let algorithm = match hash.len() { 32 => "md5", 40 => "sha1", _ => "sha256" };
            format!(r#"{{"filename":{},"{algorithm}":{}}}"#, q(name), q(hash))
        }).collect();
        line += &format!(r#","files":[{}]}}"#, files.join(","));
        if spaced { line.replace("\":", "\": ") + " " } else { line }
    })
}

const TSV_HEADER: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tid.orig_h\tid.resp_h\tid.resp_p\tproto\thost\turi\treferrer\tanswers\tsubject\tmailfrom\tmd5\n#types\ttime\taddr\taddr\tport\tenum\tstring\tstring\tstring\tvector[string]\tstring\tstring\tstring";

fn tsv() -> impl Strategy<Value = String> {
    let cell = |values: &'static [&'static str]| prop_oneof![1 => Just("-"), 3 => select(values)];
    let answers = prop::collection::vec(prop_oneof![select(&NAMES[..]), select(&ADDRESSES[..])], 1..3);
    (cell(&ADDRESSES), cell(&ADDRESSES), 0_u16..4, cell(&HOSTS), cell(&TARGETS), cell(&URLS), (answers, cell(&NAMES), cell(&MAILS), cell(&HASHES), 0_u8..4)).prop_map(
        |(src, dst, port, host, uri, referrer, (answers, subject, mail, hash, escapes))| {
            let line = format!(
                "1768435200.000000\t{src}\t{dst}\t{port}\ttcp\t{host}\t{uri}\t{referrer}\t{}\tCN={subject},O=x\t<{mail}>\t{hash}",
                answers.join(",")
            );
            match escapes {
                0 => line.replace('e', "\\x65"),
                1 => line.replace("ü", "\\xc3\\xbc"),
                _ => line,
            }
        },
    )
}

/// What a scanner finds in the last line of a log.
fn found(mut scanner: Scanner, log: &str) -> Option<Vec<usize>> {
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    let mut found = None;
    scanner.scan(log.as_bytes(), now, &mut |hit| found = Some(hit.hits.to_vec()));
    assert_eq!(scanner.tally().unreadable.len(), 0, "{log}");
    found
}

/// What every backend finds in the last line of a log.
fn found_by_all(set: &Arc<IndicatorSet>, log: &str) -> Option<Vec<usize>> {
    let mut answers =
        Simd::all().map(|simd| found(Scanner::with_simd(Arc::clone(set), Reader::auto(), simd), log));
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first), "backends disagree on {log}");
    first
}

fn check(pattern: &str, header: &str, line: &str, reach: Reach) {
    let options = Options { reach, ..Options::default() };
    let built = IndicatorSet::build([indicator(1, pattern)], &WarningLists::none(), &options, 1);
    let whole = built.partial.is_empty() && built.refused.is_empty();
    let set = Arc::new(built.set);
    let log = if header.is_empty() { line.to_owned() } else { format!("{header}\n{line}") };
    let fast = found_by_all(&set, &log);
    let full = found(Scanner::exhaustive(set, Reader::auto()), &log);
    assert_eq!(fast, full, "the first stage loses what the second finds: {pattern} in {log}");
    if !whole {
        // Some branch is not used, for a reason that was told; what is left may only find less.
        return;
    }
    let mut reader = Reader::auto();
    let record = log.lines().filter_map(|line| reader.read(line.as_bytes()).unwrap()).last().unwrap();
    let right = oracle::satisfies(&Pattern::parse(pattern).unwrap(), &record, reach);
    assert_eq!(Some(full.is_some()), right, "{pattern} in {log}: {record:?}");
}

/// The same values in the records of other formats, in fields of each shape that their readers know.
fn lines_of_other_formats() -> Vec<String> {
    type Shape = fn(&str) -> String;
    let alone: Shape = str::to_owned;
    let shapes: [(&str, &[&str], Shape); 21] = [
        (r#"{"class_uid":4001,"src_endpoint":{"ip":$}}"#, &ADDRESSES, alone),
        (r#"{"class_uid":4003,"query":{"hostname":$}}"#, &NAMES, alone),
        (r#"{"class_uid":4003,"answers":[{"rdata":$}]}"#, &NAMES, |value| format!("10 {value}")),
        (r#"{"class_uid":4002,"http_request":{"url":{"url_string":$}}}"#, &URLS, alone),
        (r#"{"class_uid":4009,"email":{"from":$}}"#, &MAILS, |value| format!("The Boss <{value}>")),
        (r#"{"class_uid":1001,"file":{"hashes":[{"algorithm":"x","value":$}]}}"#, &HASHES, alone),
        (r#"{"class_uid":1001,"observables":[{"type_id":1,"value":$}]}"#, &NAMES, alone),
        (r#"{"@timestamp":"x","source.ip":$}"#, &ADDRESSES, alone),
        (r#"{"@timestamp":"x","ecs":{},"url":{"domain":$,"original":"/a"}}"#, &HOSTS, alone),
        (r#"{"@timestamp":"x","ecs":{},"url":{"full":$}}"#, &URLS, alone),
        (r#"{"EventID":3,"DestinationIp":$}"#, &ADDRESSES, alone),
        (r#"{"EventID":22,"QueryName":$}"#, &NAMES, alone),
        (r#"{"EventID":22,"QueryResults":$}"#, &NAMES, |value| format!("type:  5 {value};::1;")),
        (r#"{"EventID":22,"QueryResults":$}"#, &ADDRESSES, |value| format!("::1;{value};")),
        (r#"{"EventID":1,"Hashes":$}"#, &HASHES, |value| match value.len() {
            32 => format!("SHA1=x,MD5={value},IMPHASH=y"),
            40 => format!("SHA1={value}"),
            _ => format!("MD5=x,SHA256={value}"),
        }),
        (r#"{"eventSource":"x","sourceIPAddress":$}"#, &ADDRESSES, alone),
        (r#"{"resourceId":"x","callerIpAddress":$}"#, &ADDRESSES, |value| match value.contains(':') {
            true => format!("[{value}]:443"),
            false => format!("{value}:443"),
        }),
        (
            r#"{"resourceId":"x","properties":{"flows":[{"flows":[{"flowTuples":[$]}]}]}}"#,
            &ADDRESSES,
            |value| format!("1768435200,{value},192.0.2.1,1,2,T,O,A"),
        ),
        (r#"{"insertId":"x","jsonPayload":{"rdata":$}}"#, &ADDRESSES, |value| {
            format!("x.\t300\tIN\ta\t{value}")
        }),
        (r#"{"insertId":"x","textPayload":$}"#, &NAMES, |value| {
            format!("asked for {value}, and got nothing")
        }),
        (r#"{"insertId":"x","httpRequest":{"requestUrl":$}}"#, &URLS, alone),
    ];
    let mut lines = Vec::new();
    for (line, values, shape) in shapes {
        for value in values {
            lines.extend((0..4).map(|escapes| line.replace('$', &json(&shape(value), escapes))));
        }
    }
    lines
}

/// Every value asked for in every way, against every value in every place: what chance leaves out.
#[test]
fn every_pair() {
    let mut patterns: Vec<String> = Vec::new();
    let mut ask = |path: &str, values: &[&str]| {
        patterns.extend(values.iter().map(|value| format!("[{path} = {}]", quoted(value))));
    };
    ask("ipv4-addr:value", &ADDRESSES);
    ask("ipv4-addr:value", &NETWORKS);
    ask("domain-name:value", &NAMES);
    ask("url:value", &URLS);
    ask("email-addr:value", &MAILS);
    ask("file:hashes.MD5", &HASHES);
    ask("file:hashes.'SHA-1'", &HASHES);
    ask("file:hashes.'SHA-256'", &HASHES);
    let mut lines: Vec<String> = Vec::new();
    let mut put = |field: &str, values: &[&str]| {
        for (value, escapes) in values.iter().flat_map(|value| (0..4).map(move |escapes| (value, escapes))) {
            lines.push(format!(r#"{{"event_type":"x",{}}}"#, field.replace('$', &json(value, escapes))));
        }
    };
    put(r#""src_ip":$"#, &ADDRESSES);
    put(r#""dns":{"rrname":$}"#, &ADDRESSES);
    put(r#""dns":{"rrname":$}"#, &NAMES);
    put(r#""tls":{"subject":"O=a, CN=b.example"},"quic":{"sni":$}"#, &NAMES);
    put(r#""http":{"http_refer":$}"#, &URLS);
    put(r#""http":{"hostname":$,"url":"/a"}"#, &HOSTS);
    put(r#""http":{"hostname":$,"url":"/a","http_port":8080}"#, &HOSTS);
    put(r#""http":{"hostname":"evil.example","url":$}"#, &TARGETS);
    put(
        r#""http":{"request_headers":[{"name":":authority","value":$},{"name":":path","value":"/a"}]}"#,
        &HOSTS,
    );
    put(r#""smtp":{"mail_from":$}"#, &MAILS);
    put(r#""fileinfo":{"md5":$}"#, &HASHES);
    put(r#""fileinfo":{"sha1":$}"#, &HASHES);
    put(r#""fileinfo":{"sha256":$}"#, &HASHES);
    lines.extend(lines_of_other_formats());
    for reach in [REACHES[0], REACHES[4], REACHES[5]] {
        for pattern in &patterns {
            let options = Options { reach, ..Options::default() };
            let set = Arc::new(
                IndicatorSet::build([indicator(1, pattern)], &WarningLists::none(), &options, 1).set,
            );
            for line in &lines {
                let fast = found_by_all(&set, line);
                assert_eq!(
                    fast,
                    found(Scanner::exhaustive(Arc::clone(&set), Reader::auto()), line),
                    "{pattern} in {line}"
                );
            }
        }
    }
}

/// The first stage works in blocks of 64 bytes: a value is found wherever in them it begins, and whatever stands before it.
#[test]
fn every_place_in_a_block() {
    let values = [
        ("ipv4-addr:value", "src_ip", "198.51.100.7"),
        ("ipv6-addr:value", "src_ip", "2001:db8::1"),
        ("domain-name:value", "\"dns\":{\"rrname", "www.evil.example"),
        (
            "domain-name:value",
            "\"dns\":{\"rrname",
            "a-name-that-is-longer-than-one-whole-block-of-the-first-stage.of-the.evil.example",
        ),
        ("file:hashes.MD5", "\"fileinfo\":{\"md5", "0123456789abcdef0123456789abcdef"),
        ("file:hashes.'SHA-1'", "\"fileinfo\":{\"sha1", "00112233445566778899aabbccddeeff00112233"),
        (
            "file:hashes.'SHA-256'",
            "\"fileinfo\":{\"sha256",
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        ),
        ("email-addr:value", "\"smtp\":{\"mail_from", "boss@evil.example"),
    ];
    for (path, field, value) in values {
        let pattern = format!("[{path} = '{value}']");
        let set = Arc::new(
            IndicatorSet::build([indicator(1, &pattern)], &WarningLists::none(), &Options::default(), 1).set,
        );
        let (open, close) = if field.contains('{') { ("", "}") } else { ("\"", "") };
        for filler in ["x", "\\\\", "\\\"", "é", "\",\"y\":\"z"] {
            for count in 0..140 {
                let line = format!(
                    r#"{{"event_type":"x","pad":"{}",{open}{field}":"{value}"{close}}}"#,
                    filler.repeat(count)
                );
                let hit = found_by_all(&set, &line);
                assert_eq!(hit, Some(vec![0]), "{pattern} in {line}");
                // The same columns, where neither quotes nor keys stand between.
                let cells = ["1768435200", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"];
                let column = match path {
                    "ipv4-addr:value" | "ipv6-addr:value" => 1,
                    "domain-name:value" => 8,
                    "email-addr:value" => 10,
                    "file:hashes.MD5" => 11,
                    _ => continue,
                };
                let mut cells = cells.map(str::to_owned);
                cells[column] = value.to_owned();
                cells[4] = "p".repeat(count);
                let log = format!("{TSV_HEADER}\n{}", cells.join("\t"));
                let hit = found_by_all(&set, &log);
                assert_eq!(hit, Some(vec![0]), "{pattern} in {log}");
            }
        }
    }
}

/// Where an indicator was met: the line, where it begins, the indicator, the values.
type Met = (u64, usize, u32, Vec<usize>);

/// What a scanner finds in a chunk, given whole or line by line.
fn scanned(mut scanner: Scanner, chunk: &[u8], whole: bool) -> (Vec<Met>, Tally) {
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    let mut met: Vec<Met> = Vec::new();
    if whole {
        scanner.scan(chunk, now, &mut |hit| {
            assert_eq!(chunk.get(hit.line_offset..hit.line_offset + hit.text.len()), Some(hit.text));
            met.push((hit.line, hit.line_offset, hit.indicator.number(), hit.hits.to_vec()));
        });
        return (met, scanner.tally().clone());
    }
    let mut offset = 0;
    // A line end at the end begins no line.
    let lines = chunk.strip_suffix(b"\n").unwrap_or(chunk).split(|byte| *byte == b'\n');
    for (number, line) in lines.filter(|_| !chunk.is_empty()).enumerate() {
        scanner.scan_line(line, now, &mut |hit| {
            met.push((number as u64, offset, hit.indicator.number(), hit.hits.to_vec()));
        });
        offset += line.len() + 1;
    }
    (met, scanner.tally().clone())
}

/// A line of a log, whole or torn, or none at all.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let torn = |line: String, at: usize| line.as_bytes()[..at % (line.len() + 1)].to_vec();
    prop_oneof![
        6 => eve().prop_map(String::into_bytes),
        6 => tsv().prop_map(String::into_bytes),
        3 => (eve(), any::<usize>()).prop_map(move |(line, at)| torn(line, at)),
        2 => (tsv(), any::<usize>()).prop_map(move |(line, at)| torn(line, at)),
        1 => prop::collection::vec(select(&b"{}\"\\ \t,.:a#\r\xff\xc3"[..]), 0..80),
        2 => select(&["", "  ", "#close\t1", "\t", "{", "{\"", "{\"a\\", "{\"a\":\"\\\\\"}"][..]).prop_map(|line| line.as_bytes().to_vec()),
        1 => Just(TSV_HEADER.as_bytes().to_vec()),
    ]
}

/// Lines longer and stretches larger than what is looked at together.
#[test]
fn long_chunks() {
    let set = Arc::new(
        IndicatorSet::build(
            [indicator(1, "[ipv4-addr:value = '203.0.113.9']")],
            &WarningLists::none(),
            &Options::default(),
            1,
        )
        .set,
    );
    let pads = (0..300_usize).map(|number| number * number * 7919 % 4001);
    let lines: Vec<String> = pads
        .clone()
        .map(|pad| {
            let address = if pad % 7 == 0 { "203.0.113.9" } else { "203.0.113.8" };
            format!(r#"{{"event_type":"flow","pad":"{}","src_ip":"{address}","n":1}}"#, "x.".repeat(pad))
        })
        .collect();
    let expected: Vec<u64> = (0..).zip(pads).filter(|(_, pad)| pad % 7 == 0).map(|(line, _)| line).collect();
    for simd in Simd::all() {
        let scanner = Scanner::with_simd(Arc::clone(&set), Reader::auto(), simd);
        let (met, tally) = scanned(scanner, lines.join("\n").as_bytes(), true);
        assert_eq!(met.iter().map(|met| met.0).collect::<Vec<_>>(), expected, "{}", simd.name());
        assert_eq!((tally.lines, tally.read), (lines.len() as u64, expected.len() as u64), "{}", simd.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn on_json(pattern in pattern(), line in eve(), reach in reach()) {
        check(&pattern, "", &line, reach);
    }

    #[test]
    fn on_tabs(pattern in pattern(), line in tsv(), reach in reach()) {
        check(&pattern, TSV_HEADER, &line, reach);
    }

    /// One test at a time meets the record far more often.
    #[test]
    fn on_single_tests(test in test(), line in eve(), tab in tsv(), reach in reach()) {
        check(&format!("[{test}]"), "", &line, reach);
        check(&format!("[{test}]"), TSV_HEADER, &tab, reach);
    }

    /// However lines stand together in a chunk, torn ones and those of other formats between them: each is what it is alone.
    #[test]
    fn a_chunk_is_its_lines(
        lines in prop::collection::vec((any_line(), any::<bool>()), 0..12),
        patterns in prop::collection::vec(pattern(), 1..4),
        (headed, ended, reach) in (any::<bool>(), any::<bool>(), reach()),
    ) {
        let mut chunk = if headed { TSV_HEADER.as_bytes().to_vec() } else { Vec::new() };
        for (line, carriage) in lines {
            if !chunk.is_empty() {
                chunk.extend_from_slice(if carriage { b"\r\n" } else { b"\n" });
            }
            chunk.extend_from_slice(&line);
        }
        if ended && !chunk.is_empty() {
            chunk.push(b'\n');
        }
        let indicators = patterns.iter().enumerate().map(|(number, pattern)| Indicator {
            id: Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}")).unwrap(),
            ..indicator(1, pattern)
        });
        let options = Options { reach, ..Options::default() };
        let set = Arc::new(IndicatorSet::build(indicators, &WarningLists::none(), &options, 1).set);
        let (right, all) = scanned(Scanner::exhaustive(Arc::clone(&set), Reader::auto()), &chunk, false);
        for simd in Simd::all() {
            let scanner = || Scanner::with_simd(Arc::clone(&set), Reader::auto(), simd);
            let (met, tally) = scanned(scanner(), &chunk, true);
            prop_assert_eq!(&met, &right, "{}: {:?}", simd.name(), String::from_utf8_lossy(&chunk));
            let alone = scanned(scanner(), &chunk, false);
            prop_assert_eq!((met, &tally), (alone.0, &alone.1), "{}: {:?}", simd.name(), String::from_utf8_lossy(&chunk));
            prop_assert_eq!(tally.lines, all.lines);
            prop_assert!(tally.unreadable.iter().all(|(why, count)| all.unreadable.get(why) >= Some(count)));
        }
    }

    #[test]
    fn hostile_lines_end_nothing(line in prop::collection::vec(any::<u8>(), 0..300), pattern in pattern()) {
        let set = Arc::new(IndicatorSet::build([indicator(1, &pattern)], &WarningLists::none(), &Options::default(), 1).set);
        let now = "2026-02-01T00:00:00Z".parse().unwrap();
        for start in [&b""[..], b"{\"", b"{\"a\":\"", b"#separator \\x09\n#fields\ta\n"] {
            let log = [start, line.as_slice()].concat();
            for simd in Simd::all() {
                Scanner::with_simd(Arc::clone(&set), Reader::auto(), simd).scan(&log, now, &mut |_| {});
            }
        }
    }
}
