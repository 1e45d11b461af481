//! The functions of the fuzz targets on random and on damaged input: what a stable toolchain can run on every change.

use proptest::prelude::*;

use crate::torture;

const OBJECTS: [&str; 4] = [
    r#"{"type":"bundle","id":"bundle--c1477287-23ac-4971-a010-5c287877fa60","objects":[{"type":"indicator","spec_version":"2.1","id":"indicator--c1477287-23ac-4971-a010-5c287877fa60","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[ipv4-addr:value = '198.51.100.1' OR file:hashes.'SHA-256' IN ('a','b')] WITHIN 5 SECONDS","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","granular_markings":[{"lang":"ja","selectors":["pattern","labels.[0]"]}],"labels":["攻撃"]}]}"#,
    r#"{"type":"file","id":"file--c1477287-23ac-5971-a010-5c287877fa60","name":"日本\ud83d\ude00.exe","size":1.5e3,"hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"},"extensions":{"ntfs-ext":{"alternate_data_streams":[{"name":"s","size":9007199254740993}]}}}"#,
    r#"{"type":"location","id":"location--c1477287-23ac-4971-a010-5c287877fa60","latitude":35.6895,"longitude":-0.0,"created":"2026-01-01T00:00:00.000000Z","modified":"2026-01-02T00:00:00.5Z","x":{"a_refs":["file--c1477287-23ac-5971-a010-5c287877fa60",[null]]}}"#,
    "{\"more\":true,\"objects\":[]}\n{\"type\":\"url\",\"id\":\"url--c1477287-23ac-5971-a010-5c287877fa60\",\"value\":\"hTTp://例え.jp:80/%7e\"}\n",
];

const PATTERNS: [&str; 3] = [
    "([a:b = 1] FOLLOWEDBY [c:d != 'x\\'y' AND c:e NOT IN (1.5, 2)] REPEATS 2 TIMES) WITHIN 0.5 SECONDS",
    "[EXISTS file:hashes.'SHA-256' OR artifact:payload_bin = b'ABI=' OR file:x[*].y[0] = h'ffd8']",
    "[x:y > t'2014-01-13T07:03:17.123Z' OR x:z ISSUBSET '10.0.0.0/8'] START t'2014-01-13T07:03:17Z' STOP t'2015-01-13T07:03:17Z'",
];

const EVALUATIONS: [&str; 2] = [
    include_str!("../../../../fuzz/seeds/stix_pattern_evaluate/windows"),
    include_str!("../../../../fuzz/seeds/stix_pattern_evaluate/kinds"),
];

/// Some bytes of a text replaced, taken out or doubled.
fn damaged(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8, any::<u8>());
    (prop::sample::select(texts), proptest::collection::vec(damage, 0..6)).prop_map(|(text, damages)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, from, how, byte) in damages {
            let position = at.index(bytes.len().max(1)).min(bytes.len());
            match how {
                0 => bytes.iter_mut().skip(position).take(1).for_each(|old| *old = byte),
                1 if position < bytes.len() => {
                    bytes.remove(position);
                }
                2 => bytes.insert(position, byte),
                _ if !bytes.is_empty() => {
                    let start = from.index(bytes.len());
                    let piece: Vec<u8> =
                        bytes.iter().skip(start).take(usize::from(byte) / 4).copied().collect();
                    bytes.splice(position..position, piece);
                }
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_bytes_are_no_danger(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        torture::stix_json(&input);
        torture::pattern(&String::from_utf8_lossy(&input));
    }

    #[test]
    fn damaged_objects_are_no_danger(input in damaged(&OBJECTS)) {
        torture::stix_json(&input);
    }

    #[test]
    fn damaged_patterns_are_no_danger(input in damaged(&PATTERNS)) {
        torture::pattern(&String::from_utf8_lossy(&input));
    }

    #[test]
    fn damaged_evaluations_are_no_danger(input in damaged(&EVALUATIONS)) {
        torture::evaluate(&String::from_utf8_lossy(&input));
    }
}

/// What the fuzz targets begin with, and what they have found: each file was once a fault.
#[test]
fn what_fuzzing_found_stays_mended() {
    let seeds = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds"));
    let mut found = 0;
    for (folder, run) in [
        ("stix_json", torture::stix_json as fn(&[u8])),
        ("pattern", |bytes| torture::pattern(&String::from_utf8_lossy(bytes))),
        ("stix_pattern_evaluate", |bytes| torture::evaluate(&String::from_utf8_lossy(bytes))),
    ] {
        for entry in std::fs::read_dir(seeds.join(folder)).unwrap() {
            run(&std::fs::read(entry.unwrap().path()).unwrap());
            found += 1;
        }
    }
    assert!(found >= 4, "{found} seeds");
}
