//! The spool's form.

use oversight::Minimised;
use proptest::prelude::{any, proptest};
use stix::observable::ValueKind;
use telemetry::Role;

use crate::{consent, let_out, observation, observed};

const KEY: [u8; 32] = [7; 32];

fn minimised() -> Minimised {
    let values = vec![
        observed(ValueKind::Ipv4, Role::Source, "10.1.2.3"),
        observed(ValueKind::Ipv4, Role::Destination, "198.51.100.7"),
        observed(ValueKind::Domain, Role::Content, "evil.example"),
        observed(ValueKind::Sha256, Role::Content, &"ab".repeat(32)),
    ];
    let_out(&observation(values), &[1, 2, 3], &consent()).expect("let out")
}

#[test]
fn what_was_sealed_is_read_back() {
    assert_eq!(Minimised::unseal(&minimised().seal(&KEY), &KEY), Some(minimised()));
}

#[test]
fn the_form_stays_what_it_is() {
    // Spools outlive versions of the program: a change of this text is a change of format.
    let sealed = minimised().seal(&KEY);
    let (tag, content) = sealed.split_at(32);
    expect_test::expect!["3ad3e72c11aa1fef4357451ddfa336dc0c3d18c52760746283c9437961eeb7d6"]
        .assert_eq(&hex::encode(tag));
    expect_test::expect![[r#"{"indicator":"indicator--00000000-0000-4000-8000-000000000001","indicator_version":"2026-11-01T00:00:00.000Z","seen":"2026-11-23T03:00:00Z","purpose":"collective-defence","marking":"amber","information":{"addresses":["198.51.100.7"],"domains":["evil.example"],"hashes":[["SHA-256","abababababababababababababababababababababababababababababababab"]],"ports":[50123,443],"protocol":"tcp","bytes":1234}}"#]].assert_eq(std::str::from_utf8(content).unwrap());
}

#[test]
fn nothing_else_is_read_back() {
    let sealed = minimised().seal(&KEY);
    assert_eq!(Minimised::unseal(&sealed, &[8; 32]), None, "another key");
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        assert_eq!(Minimised::unseal(&changed, &KEY), None, "byte {position} changed");
        assert_eq!(Minimised::unseal(&sealed[..position], &KEY), None, "cut at {position}");
    }
    let mut longer = sealed;
    longer.push(b' ');
    assert_eq!(Minimised::unseal(&longer, &KEY), None, "one byte more");
}

proptest! {
    #[test]
    fn no_bytes_panic_or_pass(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert_eq!(Minimised::unseal(&bytes, &KEY), None);
    }
}
