//! Non-interference: what is not let out makes no difference to a byte of what is.

use std::borrow::Cow;

use oversight::Consent;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use stix::observable::ValueKind;
use telemetry::{Observed, Role};

use crate::{consent, let_out, observation};

const KEY: [u8; 32] = [7; 32];

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-z]{1,8}\\.example",
        "https?://[a-z]{1,8}\\.example/[a-z]{1,8}\\?[a-z]{1,8}",
        "[a-z]{1,8}@[a-z]{1,8}\\.example",
        "[0-9a-f]{64}",
        (any::<[u8; 4]>()).prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
        (any::<u128>()).prop_map(|bits| std::net::Ipv6Addr::from(bits).to_string()),
    ]
}

/// Anything a log may hold beside what matched: of any kind as content, of any kind but addresses as an end's property.
fn others() -> impl Strategy<Value = Vec<Observed<'static>>> {
    let one = (
        select(ValueKind::ALL.to_vec()),
        prop_oneof![3 => Just(Role::Content), 1 => Just(Role::Source), 1 => Just(Role::Destination)],
        texts(),
        "[a-z.]{1,12}",
    );
    let legal = one.prop_filter("the addresses of both ends may leave", |(kind, role, ..)| {
        *role == Role::Content || !matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6)
    });
    vec(
        legal.prop_map(|(kind, role, value, field)| Observed {
            field: field.into(),
            kind,
            value: value.into(),
            role,
        }),
        0..8,
    )
}

fn matched() -> impl Strategy<Value = Vec<Observed<'static>>> {
    let one = (select(ValueKind::ALL.to_vec()), texts());
    vec(
        one.prop_map(|(kind, value)| Observed {
            field: "f".into(),
            kind,
            value: value.into(),
            role: Role::Content,
        }),
        1..3,
    )
}

fn consents() -> impl Strategy<Value = Consent> {
    any::<bool>().prop_map(|own_addresses| Consent { own_addresses, ..consent() })
}

fn ends() -> Vec<Observed<'static>> {
    let end = |role, value: &'static str| Observed {
        field: "ip".into(),
        kind: ValueKind::Ipv4,
        value: value.into(),
        role,
    };
    vec![end(Role::Source, "10.1.2.3"), end(Role::Destination, "198.51.100.7")]
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 4_000, ..Default::default() })]

    #[test]
    fn what_did_not_match_makes_no_difference(
        hits in matched(), one in others(), other in others(), kinds in ["[a-z]{1,8}", "[a-z]{1,8}"], consent in consents(),
    ) {
        let sealed = |others: &[Observed<'static>], kind: &str| {
            let mut values = ends();
            let first = values.len() + others.len();
            values.extend(others.iter().cloned());
            values.extend(hits.iter().cloned());
            let matched: Vec<usize> = (first..values.len()).collect();
            let mut observation = observation(values);
            observation.kind = Cow::Owned(kind.to_owned());
            let_out(&observation, &matched, &consent).expect("let out").seal(&KEY)
        };
        assert_eq!(sealed(&one, &kinds[0]), sealed(&other, &kinds[1]));
    }

    /// Words that stand in the path, the query, the fragment or the user part of a URL, in a mail address, a file or an account,
    /// stand nowhere in what leaves, whether they matched or not.
    #[test]
    fn no_content_leaves(
        secret in "[a-z]{6,12}[0-9]{3}", host in "[a-z]{1,5}\\.example", shape in 0..9_usize, hit in any::<bool>(), consent in consents(),
    ) {
        let (kind, text) = match shape {
            0 => (ValueKind::Url, format!("https://{host}/{secret}")),
            1 => (ValueKind::Url, format!("https://{host}/?q={secret}")),
            2 => (ValueKind::Url, format!("https://{host}/#{secret}")),
            3 => (ValueKind::Url, format!("https://{secret}:{secret}@{host}/")),
            4 => (ValueKind::Url, format!("{host}\\{secret}@{secret}.example")),
            5 => (ValueKind::Email, format!("{secret}@{host}")),
            6 => (ValueKind::FileName, format!("{secret}.xlsx")),
            7 => (ValueKind::Account, secret.clone()),
            _ => (ValueKind::Url, format!("{secret}://{host}:{secret}/")),
        };
        let mut values = ends();
        values.push(Observed { field: secret.clone().into(), kind, value: text.into(), role: Role::Content });
        let matched: &[usize] = if hit { &[2] } else { &[1] };
        let mut observation = observation(values);
        observation.kind = Cow::Owned(secret.clone());
        observation.protocol = Some(Cow::Owned(secret.clone()));
        let sealed = let_out(&observation, matched, &consent).expect("let out").seal(&KEY);
        let text = String::from_utf8_lossy(&sealed).to_lowercase();
        assert!(!text.contains(&secret), "{text}");
    }
}
