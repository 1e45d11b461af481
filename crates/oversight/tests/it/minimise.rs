//! What leaves and what stays, case by case.

use oversight::{Consent, Purpose, Withheld, minimise};
use stix::marking::Tlp;
use stix::observable::ValueKind::{self, Domain, Email, FileName, Ipv4, Ipv6, Md5, Sha256, Url};
use telemetry::Role::{self, Content, Destination, Source};

use crate::{consent, indicator, let_out, noon, observation, observed};

/// Values as (kind, role, text), which of them matched, and what leaves of them.
fn check_with(consent: &Consent, values: &[(ValueKind, Role, &str)], matched: &[usize], expected: &str) {
    let observation =
        observation(values.iter().map(|(kind, role, text)| observed(*kind, *role, text)).collect());
    let minimised = let_out(&observation, matched, consent).expect("let out");
    let information = &minimised.sighting().information;
    let addresses = information.addresses.iter().map(ToString::to_string);
    let hashes = information.hashes.iter().map(|(algorithm, digest)| format!("{algorithm}:{digest}"));
    let all: Vec<_> = addresses.chain(information.domains.iter().cloned()).chain(hashes).collect();
    assert_eq!(all.join(" "), expected, "{values:?}");
}

fn check(values: &[(ValueKind, Role, &str)], matched: &[usize], expected: &str) {
    check_with(&consent(), values, matched, expected);
}

#[test]
fn the_other_side_leaves_and_the_own_side_stays() {
    check(&[(Ipv4, Source, "10.1.2.3"), (Ipv4, Destination, "198.51.100.7")], &[1], "198.51.100.7");
    check(&[(Ipv4, Source, "198.51.100.7"), (Ipv4, Destination, "203.0.113.9")], &[0], "198.51.100.7");
    check(&[(Ipv6, Source, "2001:db8:1::5"), (Ipv6, Destination, "2001:db8:2::7")], &[1], "2001:db8:2::7");
    for own in ["100.64.1.1", "169.254.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0"] {
        check(&[(Ipv4, Source, own), (Ipv4, Destination, "198.51.100.7")], &[1], "198.51.100.7");
    }
    for own in ["::1", "fd00::1", "fe80::1", "ff02::1", "::", "::ffff:10.0.0.1"] {
        check(&[(Ipv6, Source, own), (Ipv4, Destination, "198.51.100.7")], &[1], "198.51.100.7");
    }
}

#[test]
fn an_own_address_stays_even_if_it_matched() {
    check(&[(Ipv4, Source, "203.0.113.9"), (Ipv4, Destination, "198.51.100.7")], &[0], "198.51.100.7");
    check(&[(Ipv4, Content, "203.0.113.9")], &[0], "");
}

#[test]
fn own_addresses_leave_where_the_operator_consents() {
    let open = Consent { own_addresses: true, ..consent() };
    let values = [(Ipv4, Source, "10.1.2.3"), (Ipv4, Destination, "198.51.100.7")];
    check_with(&open, &values, &[1], "10.1.2.3 198.51.100.7");
}

#[test]
fn where_neither_side_is_known_to_be_own_only_what_matched_leaves() {
    let forgotten = Consent { own_networks: Vec::new(), ..consent() };
    let values = [
        (Ipv4, Source, "203.0.113.9"),
        (Ipv4, Destination, "198.51.100.7"),
        (Domain, Content, "evil.example"),
    ];
    check_with(&forgotten, &values, &[1], "198.51.100.7");
    check_with(&forgotten, &values, &[2], "evil.example");
}

#[test]
fn of_a_url_only_the_host_leaves() {
    for (url, host) in [
        ("https://taro:secret@EVIL.example:8443/path/to?query=1#part", "evil.example"),
        ("http://evil.example", "evil.example"),
        ("evil.example/login.php?user=taro", "evil.example"),
        ("http://evil.example\\path", "evil.example"),
        ("http://evil.example?path", "evil.example"),
        ("http://a@b@evil.example/", "evil.example"),
        ("http://例え.example/文書", "xn--r8jz45g.example"),
        ("http://198.51.100.7/path", "198.51.100.7"),
        ("http://[2001:db8:2::7]:80/path", "2001:db8:2::7"),
        ("http://10.0.0.8/intranet/path", ""),
        ("http://167772161/spelled/as/a/number", ""),
        ("http://0x0a.0.0.1/", ""),
        ("http://[::ffff:10.0.0.8]/", ""),
        ("http://3325256711/", "198.51.100.7"),
        ("http://evil%2eexample/", "evil.example"),
        ("http://evil.example:notaport/", ""),
        ("http://:80/path", ""),
        ("/only/a/path", ""),
        ("http:///path", ""),
        ("http://user name/path", ""),
        ("http://[not an address]/path", ""),
        ("", ""),
    ] {
        check(&[(Url, Content, url)], &[0], host);
    }
}

#[test]
fn names_and_hashes_leave_in_one_form_and_nothing_that_only_looks_like_one() {
    check(&[(Domain, Content, "Gate.EVIL.example.")], &[0], "gate.evil.example");
    check(&[(Domain, Content, "_dmarc.evil.example")], &[0], "_dmarc.evil.example");
    for odd in
        ["evil.example/path", "taro yamada", "a..b", "", ".", "evil.example\npassword", "taro@evil.example"]
    {
        check(&[(Domain, Content, odd)], &[0], "");
    }
    let upper = "AB".repeat(32);
    check(&[(Sha256, Content, &upper)], &[0], &format!("SHA-256:{}", "ab".repeat(32)));
    check(&[(Md5, Content, &upper)], &[0], "");
    check(&[(Sha256, Content, &"zz".repeat(32))], &[0], "");
}

#[test]
fn accounts_files_and_mail_addresses_never_leave() {
    check(&[(Email, Content, "taro@evil.example")], &[0], "");
    check(&[(FileName, Content, "給与明細.xlsx")], &[0], "");
    // Of all kinds only addresses, names, URLs (their hosts) and hashes may leave; another kind does not by being new.
    let may_leave = |kind: &ValueKind| matches!(kind, Ipv4 | Ipv6 | Domain | Url);
    for kind in ValueKind::ALL.into_iter().filter(|kind| !may_leave(kind)) {
        for text in ["evil.example", "198.51.100.7", "https://evil.example/", "cmd.exe /c evil.example"] {
            check(&[(kind, Content, text)], &[0], "");
        }
    }
}

#[test]
fn what_did_not_match_stays() {
    let values = [
        (Ipv4, Source, "10.1.2.3"),
        (Ipv4, Destination, "198.51.100.53"),
        (Domain, Content, "evil.example"),
        (Domain, Content, "private.example"),
        (Domain, Source, "pc-of-taro.example"),
        (Ipv4, Content, "198.51.100.99"),
        (Url, Content, "http://private.example/path"),
    ];
    check(&values, &[2], "198.51.100.53 evil.example");
    // The order and number in which hits are told make no difference; an index that is none neither.
    check(&values, &[5, 2, 2, 99], "198.51.100.53 198.51.100.99 evil.example");
}

#[test]
fn nothing_leaves_where_nothing_matched() {
    let observation = observation(vec![observed(Ipv4, Destination, "198.51.100.7")]);
    assert_eq!(let_out(&observation, &[], &consent()), Err(Withheld::Unmatched));
    assert_eq!(let_out(&observation, &[1], &consent()), Err(Withheld::Unmatched));
}

#[test]
fn a_protocol_is_a_protocol() {
    let mut observation = observation(vec![observed(Ipv4, Destination, "198.51.100.7")]);
    for (text, expected) in
        [("UDP", Some("udp")), ("icmp6", Some("icmp6")), ("taro's password", None), ("", None)]
    {
        observation.protocol = Some(text.into());
        let minimised = let_out(&observation, &[0], &consent()).unwrap();
        assert_eq!(minimised.sighting().information.protocol.as_deref(), expected);
    }
}

#[test]
fn consent_is_by_purpose_and_marking() {
    let observation = observation(vec![observed(Ipv4, Destination, "198.51.100.7")]);
    let ask = |marking: Option<Tlp>, purpose, consent: &Consent| {
        let result = minimise((&indicator(), "v", marking), &observation, &[0], purpose, consent, noon());
        result.map(|minimised| minimised.sighting().marking)
    };
    let (told, own) = (Purpose::CollectiveDefence, Purpose::OwnDefence);
    assert_eq!(ask(Some(Tlp::Green), told, &consent()), Ok(Tlp::Green));
    assert_eq!(ask(Some(Tlp::Green), own, &consent()), Err(Withheld::Purpose));
    assert_eq!(ask(Some(Tlp::AmberStrict), told, &consent()), Err(Withheld::Marking));
    assert_eq!(ask(None, told, &consent()), Err(Withheld::Marking));
    let all = Consent { up_to: Some(Tlp::Red), ..consent() };
    assert_eq!(ask(None, told, &all), Err(Withheld::Marking), "without a marking it is stricter than any");
    assert_eq!(ask(Some(Tlp::Red), told, &all), Ok(Tlp::Red), "never freer than its indicator");
    let unsaid = Consent { mark_as: None, ..consent() };
    assert_eq!(ask(Some(Tlp::Clear), told, &unsaid), Ok(Tlp::AmberStrict));
    assert_eq!(ask(Some(Tlp::Clear), told, &Consent::default()), Err(Withheld::Purpose));
    let nothing = Consent { up_to: None, ..consent() };
    assert_eq!(ask(Some(Tlp::Clear), told, &nothing), Err(Withheld::Marking));
}

#[test]
fn a_record_without_a_time_was_seen_when_it_was_read() {
    let mut observation = observation(vec![observed(Ipv4, Destination, "198.51.100.7")]);
    observation.time = None;
    let minimised = let_out(&observation, &[0], &consent()).unwrap();
    assert_eq!(minimised.sighting().seen, noon());
}
