//! The OASIS matcher itself, on patterns and observations of our making: a program of its own, run by `$YAGURA_PYTHON`.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use stix::pattern::Pattern;
use stix::pattern::evaluate::{Evaluator, Observed, Scope};

/// How many patterns are compared; each takes the other program some milliseconds.
const CASES: usize = 400;

/// Tests on which both read the specification alike: `NOT` before an order of kinds that do not compare, expressions that are
/// no Python, and data that are no timestamp or address are left out.
fn test() -> impl Strategy<Value = String> {
    let order = || select(&["=", "!=", "<", "<=", ">", ">="][..]);
    let not = || select(&["", "NOT "][..]);
    prop_oneof![
        (
            select(&["x:n", "y:n", "x:l[*]", "x:l[1]", "x:r_ref.n", "x:r_refs[*].n", "x:d.'a-b'.n"][..]),
            order(),
            -1_i8..4
        )
            .prop_map(|(path, order, n)| format!("{path} {order} {n}")),
        (order(), select(&["0.5", "1.0", "2.25"][..])).prop_map(|(order, n)| format!("x:n {order} {n}")),
        (
            select(&["x:s", "y:s", "x:r_refs[*].s"][..]),
            order(),
            select(&["a", "ab", "b", "ò", "o\u{300}"][..])
        )
            .prop_map(|(path, order, text)| format!("{path} {order} '{text}'")),
        (not(), select(&["('a', 'b')", "('ab')", "()"][..]))
            .prop_map(|(not, set)| format!("x:s {not}IN {set}")),
        (not(), select(&["a%", "_", "%b", "ò", "%", "a_"][..]))
            .prop_map(|(not, like)| format!("x:s {not}LIKE '{like}'")),
        (not(), select(&["^a", "b$", "[ab]{2}", "o|a", "^.$"][..]))
            .prop_map(|(not, expression)| format!("x:s {not}MATCHES '{expression}'")),
        (not(), select(&["198.51.100.0/24", "198.51.0.0/16", "198.51.100.7/32"][..]))
            .prop_map(|(not, net)| format!("x:ip {not}ISSUBSET '{net}'")),
        (not(), select(&["198.51.100.7", "198.51.100.0/25"][..]))
            .prop_map(|(not, net)| format!("x:net {not}ISSUPERSET '{net}'")),
        (order(), select(&["h'6162'", "b'YWI='", "'ab'", "'a'"][..]))
            .prop_map(|(order, bytes)| format!("x:h_hex {order} {bytes}")),
        (order(), 0_u8..9).prop_map(|(order, second)| format!("x:t {order} t'{}'", stamp(second))),
        select(&["=", "!="][..]).prop_map(|order| format!("x:b {order} true")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let comparison = test().prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner, select(&["AND", "OR"][..])).prop_map(|(a, b, by)| format!("({a} {by} {b})"))
    });
    let qualifier = prop_oneof![
        (1_u8..4).prop_map(|times| format!("REPEATS {times} TIMES")),
        (1_u8..9).prop_map(|seconds| format!("WITHIN {seconds} SECONDS")),
        (0_u8..9, 0_u8..12).prop_map(|(start, stop)| format!(
            "START t'{}' STOP t'{}'",
            stamp(start),
            stamp(stop)
        )),
    ];
    comparison.prop_map(|comparison| format!("[{comparison}]")).prop_recursive(3, 4, 2, move |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), select(&["AND", "OR", "FOLLOWEDBY"][..]))
                .prop_map(|(a, b, by)| format!("({a} {by} {b})")),
            (inner, qualifier.clone()).prop_map(|(inner, qualifier)| format!("({inner}) {qualifier}")),
        ]
    })
}

fn stamp(second: u8) -> String {
    format!("2026-01-31T09:00:{second:02}Z")
}

fn observed() -> impl Strategy<Value = Vec<Value>> {
    let object = (
        select(&["x", "y"][..]),
        select(vec![json!(-1), json!(0), json!(1), json!(1.0), json!(2.25), json!("a"), json!(true)]),
        select(&["a", "ab", "b", "ò", "o\u{300}", ""][..]),
        0_u8..9,
        any::<bool>(),
        select(&["198.51.100.7", "198.51.101.7"][..]),
    );
    let one = (0_u8..9, 0_u8..3, 1_u8..3, prop::collection::vec(object, 1..4));
    prop::collection::vec(one, 1..5).prop_map(|all| {
        let mut objects = Vec::new();
        for (number, (first, length, times, inner)) in all.into_iter().enumerate() {
            let id = |object_type: &str, at: usize| format!("{object_type}--0a1b2c3d-0000-4000-8000-{number:06}{at:06}");
            let ids: Vec<String> = inner.iter().enumerate().map(|(at, one)| id(one.0, at)).collect();
            objects.push(json!({"type": "observed-data", "id": id("observed-data", 0), "number_observed": times,
                "first_observed": stamp(first), "last_observed": stamp(first + length), "object_refs": ids}));
            for (at, (object_type, n, s, second, b, ip)) in inner.into_iter().enumerate() {
                objects.push(json!({"type": object_type, "id": ids[at], "n": n, "s": s, "t": stamp(second), "b": b, "ip": ip,
                    "net": format!("{ip}/24"), "h_hex": if b { "6162" } else { "61" }, "l": [at, n], "d": {"a-b": {"n": n}},
                    "r_ref": ids[0], "r_refs": ids}));
            }
        }
        objects
    })
}

#[test]
fn the_oasis_matcher_says_the_same() {
    let Some(python) = std::env::var_os("YAGURA_PYTHON") else {
        eprintln!("SKIPPED: the OASIS matcher needs YAGURA_PYTHON, as `make test` sets it");
        return;
    };
    let mut runner = TestRunner::default();
    let strategy = (pattern(), observed());
    let cases: Vec<(String, Vec<Value>)> =
        (0..CASES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/match_patterns.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input: String = cases
        .iter()
        .map(|(pattern, objects)| json!({"pattern": pattern, "objects": objects}).to_string() + "\n")
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), cases.len());
    let mut met = 0;
    for ((text, objects), theirs) in cases.iter().zip(theirs) {
        let read = Pattern::parse(text).unwrap();
        let observed = Observed::read(objects).unwrap();
        let found = Evaluator::new(&read, Scope::Object).unwrap().evaluate(&observed).unwrap();
        let ours = if found.is_some() { "match" } else { "no-match" };
        assert_eq!(ours, theirs, "{text}\n{}", json!(objects));
        met += usize::from(found.is_some());
    }
    assert!(met > CASES / 10 && met < CASES, "{met} of {CASES} match");
}
