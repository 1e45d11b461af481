//! Names that stand in storage, on the wire and in policies.

use oversight::{Action, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm, Sector};

#[test]
fn every_name_is_read_back_and_is_the_same_in_json() {
    macro_rules! check {
        ($($vocabulary:ident),+) => {$(
            for member in $vocabulary::ALL {
                assert_eq!($vocabulary::parse(member.name()), Some(*member));
                assert_eq!(serde_json::to_value(member).unwrap(), member.name());
            }
            assert_eq!($vocabulary::parse("no such name"), None);
        )+};
    }
    check!(Action, OrganisationRole, PersonRole, Purpose, Sector);
    assert_eq!(Sector::ALL.len(), 15);
}

#[test]
fn short_names_and_realms() {
    for good in ["a", "kinki-power", "0", &"a".repeat(64)] {
        assert!(OrganisationId::parse(good).is_some(), "{good}");
    }
    for bad in ["", "A", "a b", "a_b", "港", &"a".repeat(65)] {
        assert!(OrganisationId::parse(bad).is_none(), "{bad}");
    }
    for text in ["live", "exercise:fuji-2026"] {
        assert_eq!(Realm::parse(text).unwrap().to_string(), text);
    }
    for bad in ["", "Live", "exercise:", "exercise:A", "exercise", &format!("exercise:{}", "a".repeat(65))] {
        assert_eq!(Realm::parse(bad), None, "{bad}");
    }
}

#[test]
fn tlp_levels_are_read_as_people_write_them() {
    for level in stix::marking::Tlp::ALL {
        assert_eq!(oversight::tlp_from_word(&oversight::tlp_word(level)), Some(level));
        assert_eq!(
            oversight::tlp_from_word(&format!(" TLP:{} ", oversight::tlp_word(level).to_uppercase())),
            Some(level)
        );
    }
    assert_eq!(oversight::tlp_from_word("tlp:purple"), None);
}
