//! The engine against a slow, obvious model of the rules, and the laws of joining.

use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Realm};
use policy::{Engine, Label, Operation, Principal, PrincipalKind, TlpLabel};
use proptest::collection::btree_set;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{select, subsequence};
use stix::marking::Tlp;

use crate::{marking, organisation};

fn organisations() -> impl Strategy<Value = OrganisationId> {
    select(vec!["a", "b", "c", "-"]).prop_map(organisation)
}

fn realms() -> impl Strategy<Value = Realm> {
    prop_oneof![3 => Just(Realm::Live), 1 => select(vec!["x", "y"]).prop_map(|id| Realm::Exercise(id.into()))]
}

fn labels() -> impl Strategy<Value = Label> {
    let tlp =
        prop_oneof![1 => Just(TlpLabel::Unmarked), 5 => select(Tlp::ALL.to_vec()).prop_map(TlpLabel::Level)];
    let markings = |first: u8| btree_set((first..first + 2).prop_map(marking), 0..2);
    (realms(), tlp, markings(1), prop_oneof![3 => Just(BTreeSet::new()), 1 => markings(8)], organisations())
        .prop_map(|(realm, tlp, statements, unknown, originator)| Label {
            realm,
            tlp,
            statements,
            unknown,
            originator,
        })
}

fn principals() -> impl Strategy<Value = Principal> {
    let kinds = select(vec![
        PrincipalKind::Person("p".into()),
        PrincipalKind::Program("t".into()),
        PrincipalKind::Edge("e".into()),
    ]);
    let roles = subsequence(PersonRole::ALL.to_vec(), 0..=PersonRole::ALL.len());
    (kinds, organisations(), select(OrganisationRole::ALL.to_vec()), roles, realms()).prop_map(
        |(kind, organisation, organisation_role, roles, realm)| Principal {
            kind,
            organisation,
            organisation_role,
            roles: roles.into_iter().collect(),
            realm,
        },
    )
}

/// The rules once more, in the plainest words.
fn model(principal: &Principal, label: &Label) -> bool {
    use OrganisationRole::{Academy, Agency, Coordinator, Operator, Oversight, Partner};
    let role = principal.organisation_role;
    if principal.realm != label.realm || role == Oversight || principal.organisation.as_str() == "-" {
        return false;
    }
    if principal.organisation == label.originator {
        return true;
    }
    if !label.unknown.is_empty() {
        return false;
    }
    let inner = [Coordinator, Agency, Operator].contains(&role);
    match label.tlp {
        TlpLabel::Level(Tlp::Clear) => true,
        TlpLabel::Level(Tlp::Green) => inner || [Partner, Academy].contains(&role),
        TlpLabel::Level(Tlp::Amber) => inner,
        TlpLabel::Level(Tlp::AmberStrict) => role == Coordinator,
        TlpLabel::Level(Tlp::Red) => {
            role == Coordinator && matches!(principal.kind, PrincipalKind::Person(_))
        }
        TlpLabel::Unmarked => inner && !label.statements.is_empty(),
    }
}

fn engine() -> &'static Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(crate::engine)
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 2_000, ..Default::default() })]

    #[test]
    fn the_engine_agrees_with_the_model(principal in principals(), label in labels()) {
        let expected = model(&principal, &label);
        // Twice: decided and remembered; and through every way in.
        for _ in 0..2 {
            assert_eq!(engine().check(&principal, Operation::Read, &label), expected);
            assert_eq!(engine().visible(&principal, [(1, &label)]).contains(1), expected);
        }
        assert_eq!(engine().explain(&principal, &label).0, expected);
    }

    #[test]
    fn who_reads_a_join_reads_its_parts(principal in principals(), a in labels(), b in labels()) {
        match a.join(&b) {
            None => assert_ne!(a.realm, b.realm),
            Some(joined) => {
                if engine().check(&principal, Operation::Read, &joined) {
                    assert!(model(&principal, &a) && model(&principal, &b), "{joined:?}");
                }
            }
        }
    }

    #[test]
    fn joining_has_its_laws(a in labels(), b in labels(), c in labels()) {
        assert_eq!(a.join(&b), b.join(&a));
        let left = a.join(&b).and_then(|ab| ab.join(&c));
        let right = b.join(&c).and_then(|bc| a.join(&bc));
        assert_eq!(left, right);
        assert_eq!(a.join(&a), Some(a.clone()));
    }

    #[test]
    fn a_label_survives_as_text(label in labels()) {
        assert_eq!(Label::from_text(&label.to_text()), Ok(label.clone()));
    }

    #[test]
    fn different_labels_have_different_ids(a in labels(), b in labels()) {
        assert_eq!(a.id() == b.id(), a == b);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        drop(Label::from_text(&text));
    }
}
