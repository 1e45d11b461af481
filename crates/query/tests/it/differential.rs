//! The index against reading everything.

use proptest::prelude::*;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

use crate::made::{block_on, compact, lines, record, session, value, write};

fn text() -> impl Strategy<Value = (ValueKind, String)> {
    let name = || "(a|b|A|x_y)(\\.(a|b|evil)){0,2}\\.(example|Example\\.|test|7)";
    prop_oneof![
        4 => (0_u8..3, 0_u8..4, 0_u8..8).prop_map(|(b, c, d)| (ValueKind::Ipv4, format!("203.{b}.{c}.{d}"))),
        1 => (0_u16..4, 0_u16..4).prop_map(|(a, b)| (ValueKind::Ipv6, format!("2001:db8:{a:x}::{b:x}"))),
        1 => (0_u8..4).prop_map(|d| (ValueKind::Ipv6, format!("::ffff:203.0.0.{d}"))),
        4 => name().prop_map(|name| (ValueKind::Domain, name)),
        // Logs call an address a name now and then.
        1 => (0_u8..3, 0_u8..8).prop_map(|(b, d)| (ValueKind::Domain, format!("203.{b}.0.{d}"))),
        1 => name().prop_map(|name| (ValueKind::Url, format!("HTTP://{name}/a"))),
        // And a name or an address a URL.
        1 => name().prop_map(|name| (ValueKind::Url, name)),
        1 => (0_u8..8).prop_map(|d| (ValueKind::Url, format!("203.0.0.{d}"))),
        1 => name().prop_map(|name| (ValueKind::Email, format!("a@{name}"))),
        1 => (0_u8..4).prop_map(|digit| (ValueKind::Sha256, format!("{digit:X}").repeat(64))),
        1 => Just((ValueKind::UserAgent, "203.0.0.1".to_owned())),
    ]
}

fn observed() -> impl Strategy<Value = Observed<'static>> {
    let place = prop::sample::select(vec![
        ("src_ip", Role::Source),
        ("dest_ip", Role::Destination),
        ("x", Role::Content),
    ]);
    (place, text()).prop_map(|((field, role), (kind, text))| value(field, kind, text, role))
}

fn records() -> impl Strategy<Value = Vec<Observation<'static>>> {
    let kind = prop::sample::select(vec!["dns", "flow"]);
    let one = (kind, 0_i64..100_000, prop::collection::vec(observed(), 0..4));
    prop::collection::vec(one.prop_map(|(kind, seconds, values)| record(kind, seconds, values)), 0..120)
}

/// A filter over `V`, which stands for the value.
fn filter() -> impl Strategy<Value = String> {
    let told = || {
        text().prop_map(|(kind, text)| {
            let sign = matcher::Sign::of(kind, &text);
            sign.map_or(text.clone(), |_| text.to_lowercase().trim_end_matches('.').replace("::ffff:", ""))
        })
    };
    let one = prop_oneof![
        3 => told().prop_map(|text| format!("V = '{text}'")),
        1 => prop::collection::vec(told(), 1..4).prop_map(|all| format!("V IN ('{}')", all.join("', '"))),
        2 => (0_u8..3, 0_u8..4, 14_u8..=32).prop_map(|(b, c, bits)| format!("in_network(V, '203.{b}.{c}.1/{bits}')")),
        1 => (0_u16..4, 30_u8..=48).prop_map(|(a, bits)| format!("in_network(V, '2001:db8:{a:x}::/{bits}', '::/3')")),
        1 => Just("in_network(V, '::ffff:203.0.0.0/110')".to_owned()),
        2 => prop::sample::select(vec!["example", "evil.example", "7", "a.test"]).prop_map(|n| format!("is_below(V, '{n}')")),
        1 => Just("role = 'source'".to_owned()),
        1 => Just("kind = 'dns'".to_owned()),
        1 => (0_u8..28).prop_map(|hour| format!("time < timestamp '2026-11-01T00:00:00Z' + interval '{hour} hours'")),
        1 => Just("value_kind <> 'ipv4-addr'".to_owned()),
        1 => Just("written = '203.0.0.1'".to_owned()),
    ];
    one.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Asking for `concat(value, '')` hides from the index what is asked.
    #[test]
    fn the_index_changes_no_answer(records in records(), filters in prop::collection::vec(filter(), 6), merged in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &records);
        if merged {
            compact(folder.path());
        }
        let session = session(folder.path());
        block_on(async {
            for filter in filters {
                let ask = |value: &str| format!(
                    "SELECT line, time, kind, period, field, value_kind, value, written, role, src, dst FROM observables WHERE {}",
                    filter.replace('V', value)
                );
                let all = lines(&session, &ask("concat(value, '')")).await.unwrap();
                let found = lines(&session, &ask("value")).await.unwrap();
                prop_assert_eq!(found, all, "{}", filter);
            }
            Ok(())
        })?;
    }

    /// Every value that has a sign is a row, and no other is; but for bare names and addresses that a log calls URLs.
    #[test]
    fn observables_are_what_the_index_knows(records in records()) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &records);
        let mut expected: Vec<String> = (1..).zip(&records).flat_map(|(line, record)| {
            let known = record.values.iter().filter(|it| matcher::Sign::of(it.kind, &it.value).is_some() && (it.kind != ValueKind::Url || it.value.contains('/')));
            known.map(move |it: &Observed| format!("{line},{},{},{}", it.field, it.kind.name(), it.value)).collect::<Vec<_>>()
        }).collect();
        expected.sort();
        let question = "SELECT line, field, value_kind, written FROM observables";
        prop_assert_eq!(block_on(lines(&session(folder.path()), question)).unwrap(), expected);
    }
}
