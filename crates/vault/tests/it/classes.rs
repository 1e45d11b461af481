//! Classes as configuration, names, holds.

use jiff::civil::date;
use vault::{ClassKeyId, HoldError, HoldScope, Holds, LegalHold, RetentionClasses, TwoPersons};

use crate::support::{at, id, name};

#[derive(serde::Deserialize)]
struct Configuration {
    retention: RetentionClasses,
}

/// The first class's time for a day, or what is wrong.
fn check(configuration: &str, expected: &str) {
    let found = match toml::from_str::<Configuration>(configuration) {
        Ok(read) => {
            let classes = read.retention;
            let first = classes.iter().next().unwrap();
            format!("{} for {} ends {}", first.name(), first.legal_basis(), first.expires(date(2026, 11, 29)))
        }
        Err(cause) => cause.to_string(),
    };
    assert!(found.contains(expected), "{configuration:?} gave {found}");
}

#[test]
fn classes_are_configuration() {
    let good = "[[retention]]\nname = \"a\"\ndays = 730\nlegal_basis = \"art. 23\"\n";
    check(good, "a for art. 23 ends 2028-11-28T00:00:00Z");
    check(&good.replace("730", "1"), "ends 2026-11-30T00:00:00Z");
    check(&good.replace("730", "0"), "keeps for 0 days");
    check(&good.replace("730", "36526"), "keeps for 36526 days");
    check(&good.replace("art. 23", " "), "no `legal_basis`");
    check(&good.replace("\"a\"", "\"a/b\""), "`a/b` is not a name");
    check(&format!("{good}keep = true\n"), "unknown field");
    check(&format!("{good}{good}"), "two retention classes `a`");
}

#[test]
fn what_came_first_is_kept_no_longer_than_the_class_allows() {
    let classes = crate::support::classes();
    assert_eq!(classes.expires(&id("a/2026-11-29/short")), Some(at("2026-11-30T00:00:00Z")));
    assert_eq!(classes.expires(&id("a/2024-02-28/short")), Some(at("2024-02-29T00:00:00Z")));
    assert_eq!(classes.expires(&id("a/2026-11-29/unknown")), None);
    assert!(classes.expires(&id("a/9999-12-31/long")).unwrap() > at("9999-12-30T00:00:00Z"));
    assert_eq!(vault::day_of(at("2026-11-29T23:59:59+09:00")), date(2026, 11, 29));
    assert_eq!(vault::day_of(at("2026-11-29T08:59:59+09:00")), date(2026, 11, 28));
}

#[test]
fn a_class_key_has_one_name() {
    assert_eq!(id("auth-1/2026-11-29/class_2").to_string(), "auth-1/2026-11-29/class_2");
    let others = [
        "auth-1/20261129/class",
        "auth-1/2026-11-29T00:00:00/class",
        "auth-1/+2026-11-29/class",
        "auth-1/1969-12-31/class",
        "auth-1/-000001-11-29/class",
        "auth-1/2026-02-30/class",
        "auth 1/2026-11-29/class",
        "/2026-11-29/class",
        "auth-1/2026-11-29/",
        "auth-1/2026-11-29/class/more",
        "auth-1/2026-11-29",
        "",
    ];
    for other in others {
        assert!(ClassKeyId::parse(other).is_err(), "{other}");
    }
}

#[test]
fn one_person_holds_nothing_and_lifts_nothing() {
    for [first, second] in [["A", "a"], [" A ", "A"], ["A", ""], ["", ""]] {
        assert_eq!(TwoPersons::new(first, second), Err(HoldError::OnePerson));
    }
    let two = TwoPersons::new("sato", "suzuki").unwrap();
    let scope = HoldScope::Authorisation(name("auth"));
    let placed = at("2026-11-29T00:00:00Z");
    assert_eq!(LegalHold::place(scope.clone(), " ", two.clone(), placed), Err(HoldError::NoReason));
    let hold = LegalHold::place(scope, "inspection 7", two.clone(), placed).unwrap();
    assert_eq!(hold.clone().lift(two.clone(), at("2026-11-28T00:00:00Z")), Err(HoldError::NotYet(placed)));
    let lifted = hold.clone().lift(two.clone(), placed).unwrap();
    assert_eq!(lifted.clone().lift(two, placed), Err(HoldError::Lifted(placed)));
    for hold in [hold, lifted] {
        let text = serde_json::to_string(&hold).unwrap();
        assert_eq!(serde_json::from_str::<LegalHold>(&text).unwrap(), hold);
        let alone = text.replace("suzuki", "Sato");
        assert!(serde_json::from_str::<LegalHold>(&alone).is_err(), "{alone}");
    }
}

#[test]
fn a_hold_covers_what_it_names_and_nothing_else() {
    let two = || TwoPersons::new("sato", "suzuki").unwrap();
    let place = |scope| LegalHold::place(scope, "why", two(), at("2026-11-29T00:00:00Z")).unwrap();
    let check = |scope: HoldScope, covered: &[&str]| {
        let holds = Holds::new([place(scope.clone())]);
        for other in ["a/2026-11-29/x", "a/2026-11-30/x", "b/2026-11-29/x", "a/2026-11-29/y"] {
            assert_eq!(holds.covering(&id(other)).is_some(), covered.contains(&other), "{other}");
        }
        let over = place(scope).lift(two(), at("2026-11-30T00:00:00Z")).unwrap();
        assert_eq!(Holds::new([over]).covering(&id("a/2026-11-29/x")), None);
    };
    check(HoldScope::Authorisation(name("a")), &["a/2026-11-29/x", "a/2026-11-30/x", "a/2026-11-29/y"]);
    check(HoldScope::Class(name("x")), &["a/2026-11-29/x", "a/2026-11-30/x", "b/2026-11-29/x"]);
    check(HoldScope::ClassKey(id("a/2026-11-29/x")), &["a/2026-11-29/x"]);
}
