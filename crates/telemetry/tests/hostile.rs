//! Lines that mean harm: they end in an answer, soon.
#![cfg(test)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use telemetry::{Format, LINE_BYTES_MAX, Reader, Unreadable, detect};

const LINES: [&str; 5] = [
    r#"{"timestamp":"2026-01-15T09:00:00.000001+0900","event_type":"dns","src_ip":"192.0.2.1","dest_port":53,"proto":"UDP","dns":{"rrname":"a.example","answers":[{"rrname":"a.example","rdata":"198.51.100.1"}],"grouped":{"A":["198.51.100.1"]}}}"#,
    r#"{"event_type":"smtp","email":{"from":"\"Doe, J.\" <a@b.example>","to":["c@d.example"]},"http":{"hostname":"x.example","url":"/é"},"tls":{"subject":"C=JP, CN=www.example.jp","fingerprint":"0a:a1"}}"#,
    r#"{"_path":"conn","ts":1768435200.25,"id.orig_h":"192.0.2.1","answers":["a.example",1,null,[["b.example"]],{"x":1}]}"#,
    "#fields\tts\tid.orig_h\tquery\tanswers\n#types\ttime\taddr\tstring\tvector[string]",
    "1768435200.25\t192.0.2.1\ta\\x09.example\tb.example,\\xc3\\xbc.example",
];

/// Reads a log in every format; whatever is understood stays within the line.
fn read(log: &[u8]) {
    let _ = detect(log);
    let formats = [Some(Format::Eve), Some(Format::ZeekJson), Some(Format::ZeekTsv), None];
    for mut reader in formats.map(|format| format.map_or_else(Reader::auto, Reader::new)) {
        for line in log.split(|byte| *byte == b'\n') {
            if let Ok(Some(record)) = reader.read(line) {
                assert!(record.values.len() <= 4096);
                assert!(record.values.iter().all(|value| value.value.len() <= line.len() + 4096));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes(log in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&log);
    }

    #[test]
    fn damaged_records(
        mut log in Just(LINES.join("\n").into_bytes()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..8),
    ) {
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
}

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
