//! Lines that mean harm: they end in an answer, soon.
#![cfg(test)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use telemetry::{Columns, Format, LINE_BYTES_MAX, Reader, Unreadable, detect, objects};

/// A line or more of every format.
const LINES: [&str; 28] = [
    r#"{"timestamp":"2026-01-15T09:00:00.000001+0900","event_type":"dns","src_ip":"192.0.2.1","dest_port":53,"proto":"UDP","dns":{"rrname":"a.example","answers":[{"rrname":"a.example","rdata":"198.51.100.1"}],"grouped":{"A":["198.51.100.1"]}}}"#,
    r#"{"event_type":"smtp","email":{"from":"\"Doe, J.\" <a@b.example>","to":["c@d.example"]},"http":{"hostname":"x.example","url":"/é"},"tls":{"subject":"C=JP, CN=www.example.jp","fingerprint":"0a:a1"}}"#,
    r#"{"_path":"conn","ts":1768435200.25,"id.orig_h":"192.0.2.1","answers":["a.example",1,null,[["b.example"]],{"x":1}]}"#,
    "#fields\tts\tid.orig_h\tquery\tanswers\n#types\ttime\taddr\tstring\tvector[string]",
    "1768435200.25\t192.0.2.1\ta\\x09.example\tb.example,\\xc3\\xbc.example",
    r#"{"class_uid":4003,"time":1768435200000,"src_endpoint":{"ip":"192.0.2.1","port":1},"query":{"hostname":"a.example"},"answers":[{"rdata":"198.51.100.1"}],"observables":[{"name":"x","type_id":1,"value":"a.example"}],"process":{"file":{"path":"/bin/é","hashes":[{"algorithm_id":1,"value":"d41d8cd98f00b204e9800998ecf8427e"}]}}}"#,
    r#"{"@timestamp":"2026-01-15T00:00:00Z","ecs.version":"8.11.0","source.ip":"192.0.2.1","destination":{"ip":"198.51.100.1"},"url":{"domain":"a.example","original":"/é?x"},"process":{"executable":"C:\\x\\y.exe","parent":{"name":"z.exe"}}}"#,
    r#"{"EventID":13,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2026-01-15 00:00:00.000","TargetObject":"HKLM\\Software\\Run\\é","Details":"x","Hashes":"SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5=1","QueryResults":"type: 5 a.example;::ffff:192.0.2.1;"}"#,
    r##"{"Event":{"System":{"EventID":{"#text":1},"TimeCreated":{"#attributes":{"SystemTime":"2026-01-15T00:00:00Z"}}},"EventData":{"Data":[{"@Name":"Image","#text":"C:\\a.exe"},{"#attributes":{"Name":"CommandLine"},"#text":"a"}]}}}"##,
    r#"{"eventVersion":"1.08","eventTime":"2026-01-15T00:00:00Z","eventSource":"signin.amazonaws.com","sourceIPAddress":"192.0.2.1","userAgent":"é"}"#,
    r#"{"time":"2026-01-15T00:00:00Z","category":"x","resourceId":"y","properties":{"flows":[{"flows":[{"flowTuples":["1768435200,192.0.2.1,198.51.100.1,1,2,T,O,A","x"]}]}],"msg":"TCP request from 192.0.2.1:1 to a.example:443"}}"#,
    r#"{"insertId":"x","timestamp":"2026-01-15T00:00:00Z","jsonPayload":{"queryName":"a.example.","rdata":"a.example.\t300\tIN\ta\t192.0.2.1"},"httpRequest":{"requestUrl":"https://a.example/é"},"textPayload":"é http://b.example/x"}"#,
    "<34>1 2026-01-15T00:00:00.5Z host app - id [a@1 b=\"c \\] \\\" é\" ip=\"192.0.2.1\"][x] \u{feff}from 192.0.2.1 é",
    "<13>Jan 15 09:00:00 host kernel: IN=eth0 SRC=192.0.2.1 DST=198.51.100.1 PROTO=TCP SPT=1 DPT=2",
    "Oct 10 2018 12:34:56 localhost CiscoASA[999]: %ASA-4-106023: Deny tcp src outside:192.0.2.1/80 dst inside:198.51.100.1/8277",
    "2026-01-15T09:00:00+09:00 host app[1]: CEF:0|a|b|c|d|e|5|src=192.0.2.1 request=http://a.example/?x\\=é fname=b",
    "Jan 15 09:00:00 host app: {\"event_type\":\"flow\",\"src_ip\":\"192.0.2.1\"}",
    "15-Jan-2026 09:00:00.000 queries: info: client @0x7f 192.0.2.1#53123 (a.example): query: a.example IN A +E(0)K (192.0.2.53)",
    "[1768435200] unbound[1:0] info: 192.0.2.1 a.example. A IN NOERROR 0.1 0 60",
    "Jan 15 09:00:00 dnsmasq[1]: query[A] a.example from 192.0.2.1",
    "[INFO] 192.0.2.1:40212 - 50759 \"A IN a.example. udp 41 false 4096\" NOERROR qr,rd,ra 106 0.0s",
    "1/15/2026 9:00:00 AM 0E70 PACKET  00000000028657F0 UDP Rcv 192.0.2.1 0002 Q [0001 D NOERROR] A (1)a(7)example(0)",
    "www.example:80 192.0.2.1 - - [15/Jan/2026:09:00:00 +0900] \"GET /é?x HTTP/1.1\" 200 1 \"http://a.example/\" \"Agent \\\" 1\"",
    "1768435200.123 456 192.0.2.1 TCP_MISS/200 1234 GET http://a.example/ - HIER_DIRECT/198.51.100.7 text/html",
    "#Fields: date time c-ip cs-method cs-uri-stem cs-host cs(User-Agent)",
    "2026-01-15 09:00:00 192.0.2.1 GET /é a.example Agent+1",
    "2 123456789010 eni-1235b8ca 192.0.2.1 198.51.100.1 20641 22 6 20 4249 1768435200 1768435260 ACCEPT OK",
    "time,source_ip,host,url\n2026-01-15T00:00:00Z,192.0.2.1,a.example,\"http://a.example/\"\"é,\"",
];

fn columns() -> Arc<Columns> {
    let text = r#"{"separator":" ","names":["a","b","c"],"columns":{"a":"text","b":"source","c":"file"}}"#;
    Arc::new(serde_json::from_str(text).unwrap())
}

/// Reads a log in every format; whatever is understood stays within the line.
fn read(log: &[u8]) {
    let _ = detect(log);
    let readers = Format::ALL.into_iter().map(Reader::new).chain([Reader::auto(), Reader::csv(columns())]);
    for mut reader in readers {
        for line in log.split(|byte| *byte == b'\n') {
            let _ = telemetry::values_stand_alone(line);
            if let Ok(Some(record)) = reader.read(line) {
                assert!(record.values.len() <= 4096);
                assert!(record.values.iter().all(|value| value.value.len() <= line.len() + 4096));
                check_graph(&objects(&record));
            }
        }
    }
}

/// Every reference of a graph leads to an object of it.
fn check_graph(graph: &serde_json::Map<String, serde_json::Value>) {
    for object in graph.values() {
        let object = object.as_object().unwrap();
        assert!(telemetry::OBJECT_TYPES.contains(&object["type"].as_str().unwrap()), "{object:?}");
        for (name, value) in object {
            let one = name.ends_with("_ref").then(|| vec![value.clone()]);
            let several = name.ends_with("_refs").then(|| value.as_array().unwrap().clone());
            for reference in one.or(several).unwrap_or_default() {
                assert!(graph.contains_key(reference.as_str().unwrap()), "{name}");
            }
        }
    }
}

#[test]
fn every_line_is_understood_by_itself() {
    let mut reader = Reader::auto();
    for line in LINES.iter().take(LINES.len() - 1).flat_map(|lines| lines.lines()) {
        let read = reader.read(line.as_bytes());
        let header = line.starts_with('#');
        assert!(matches!(read, Ok(Some(_))) || header && matches!(read, Ok(None)), "{line}: {read:?}");
        if let Ok(Some(record)) = read {
            check_graph(&objects(&record));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes(log in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&log);
    }

    #[test]
    fn damaged_records(
        lines in prop::sample::subsequence(&LINES[..], 1..6),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..8),
    ) {
        let mut log = lines.join("\n").into_bytes();
        for (at, byte, how) in damage {
            if log.is_empty() {
                break;
            }
            let at = at.index(log.len());
            match how {
                0 => log[at] = byte,
                1 => log.insert(at, byte),
                _ => { log.remove(at); }
            }
        }
        read(&log);
    }

    #[test]
    fn records_cut_anywhere(line in prop::sample::select(&LINES[..]), at in any::<prop::sample::Index>()) {
        read(&line.as_bytes()[..at.index(line.len())]);
    }

    #[test]
    fn words_put_together(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..40)) {
        let line = words.concat();
        read(line.as_bytes());
        read(format!("<1>{line}").as_bytes());
        read(format!("Jan 15 09:00:00 {line}").as_bytes());
    }
}

/// What the readers of text look for, and what could confuse them.
const WORDS: [&str; 40] = [
    " ",
    " ",
    " ",
    "<34>1 ",
    "[",
    "]",
    "\"",
    "\\",
    "=",
    ":",
    "://",
    "/",
    ".",
    "@",
    "é",
    "\u{feff}",
    "\t",
    ",",
    ";",
    "|",
    "(",
    ")",
    "#53",
    "%",
    "client ",
    "query: ",
    "info: ",
    " PACKET ",
    " - ",
    "CEF:",
    "src=",
    "from ",
    "a.example",
    "192.0.2.1",
    "::1",
    "[15/Jan/2026:09:00:00 +0900]",
    "GET",
    "IN",
    "rpz ",
    "\0",
];

fn soon(what: &str, line: &[u8], expected: Result<bool, Unreadable>) {
    let start = Instant::now();
    let answer = Reader::auto().read(line).map(|record| record.is_some());
    assert_eq!(answer, expected, "{what}");
    assert!(start.elapsed() < Duration::from_secs(10), "{what} took {:?}", start.elapsed());
}

#[test]
fn large_and_deep() {
    soon("100 MB of one line", &vec![b'a'; 100 << 20], Err(Unreadable::TooLong));
    soon(
        "100 MB of JSON",
        &[b"{\"event_type\":\"", vec![b'a'; 100 << 20].as_slice(), b"\"}"].concat(),
        Err(Unreadable::TooLong),
    );
    let deep = |open: &str, close: &str| {
        format!(
            r#"{{"event_type":"x","dns":{{"answers":{}1{}}}}}"#,
            open.repeat(100_000),
            close.repeat(100_000)
        )
        .into_bytes()
    };
    soon("lists in lists", &deep("[", "]"), Err(Unreadable::TooDeep));
    soon("objects in objects", &deep("{\"a\":", "}"), Err(Unreadable::TooDeep));
    let within = format!(
        r#"{{"event_type":"x","dns":{{"answers":{}"a.example"{}}}}}"#,
        "[".repeat(100),
        "]".repeat(100)
    );
    soon("deep within bounds", within.as_bytes(), Ok(true));
    let wide = format!(
        r#"{{"event_type":"x","dns":{{"grouped":{{"A":[{}"::1"]}}}}}}"#,
        "\"192.0.2.1\",".repeat(1_000_000)
    );
    assert!(wide.len() < LINE_BYTES_MAX);
    soon("a million answers", wide.as_bytes(), Ok(true));
    let open = format!(r#"{{"event_type":"{}"}}"#, "[".repeat(1_000_000));
    soon("brackets in a string", open.as_bytes(), Ok(true));
    let columns = format!("#fields\t{}", "a\t".repeat(1_000_000));
    soon("a million columns", columns.as_bytes(), Err(Unreadable::TooLong));
}

#[test]
fn large_text() {
    const BYTES: usize = LINE_BYTES_MAX / 8;
    let line = |start: &str, piece: &str| {
        let mut line = start.to_owned();
        while line.len() + piece.len() < BYTES {
            line.push_str(piece);
        }
        line.into_bytes()
    };
    for (what, piece) in [
        ("addresses", "from 192.0.2.1 to a.example "),
        ("keys", "src=192.0.2.1 "),
        ("equals signs", "="),
        ("open quotes", "a=\""),
        ("backslashes", "a=\"\\"),
        ("one word", "a"),
        ("colons", "a:"),
        ("URLs", "http://a.example/"),
        ("brackets", "["),
        ("wide characters", "é"),
        ("zeros", "\0"),
    ] {
        soon(what, &line("<13>Jan 15 09:00:00 host app: ", piece), Ok(true));
        soon(what, &line("<13>Jan 15 09:00:00 host app: CEF:0|", piece), Ok(true));
        soon(what, &line("<34>1 2026-01-15T00:00:00Z host app - - ", &format!("[{piece}]")), Ok(true));
    }
    let many = format!(
        r#"{{"EventID":1,"Channel":"x","Hashes":"{}","QueryResults":"{}"}}"#,
        "MD5=d41d8cd98f00b204e9800998ecf8427e,".repeat(100_000),
        "type: 5 a.example;".repeat(100_000)
    );
    soon("hashes and answers", many.as_bytes(), Ok(true));
    let dotted = format!(
        r#"{{"ecs":{{}},"@timestamp":"x","{}":1,"source.ip":"192.0.2.1"}}"#,
        "source.".repeat(1_000_000)
    );
    soon("a name of a million parts", dotted.as_bytes(), Ok(true));
}

#[test]
fn a_graph_of_the_most_values_is_made_soon() {
    let answers = "\"198.51.100.1\",".repeat(5000);
    let names: String =
        (0..5000).map(|n| format!("{{\"rrname\":\"n{n}.example\",\"rdata\":\"x{n}.example\"}},")).collect();
    let line = format!(
        r#"{{"event_type":"dns","dns":{{"rrname":"a.example","grouped":{{"A":[{}]}},"answers":[{}]}}}}"#,
        answers.trim_end_matches(','),
        names.trim_end_matches(',')
    );
    let mut reader = Reader::auto();
    let record = reader.read(line.as_bytes()).unwrap().unwrap();
    let start = Instant::now();
    check_graph(&objects(&record));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn clocks_at_the_end_of_time() {
    for line in [
        r#"{"class_uid":4001,"time":253402300799999}"#,
        r#"{"class_uid":4001,"time":9223372036854775807}"#,
        r#"{"class_uid":4001,"time":99999999999999999999999999}"#,
        r#"{"@timestamp":"9999-12-31T23:59:59Z","ecs":{}}"#,
        r#"{"@timestamp":"+999999-12-31T23:59:59Z","ecs":{}}"#,
        r#"{"EventID":1,"UtcTime":"9999-99-99 99:99:99.999"}"#,
        "<13>Feb 31 2026 25:61:61 host app: x",
        "<34>1 9999-12-31T23:59:60Z host app - - - x",
        "192.0.2.1 - - [31/Dec/9999:23:59:59 +9999] \"GET / HTTP/1.1\" 200 1",
    ] {
        let _ = Reader::auto().read(line.as_bytes());
    }
}
