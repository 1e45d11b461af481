//! The engine against a slow, obvious model of the rules, and the laws of joining.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Qualification, Realm};
use policy::{
    Agreement, AgreementId, CLEARANCES_FILE, Circumstances, Cover, Emergency, Engine, GroupId, Label,
    ObjectClass, Onward, Operation, Personal, Principal, PrincipalKind, Side, SideState, Standing, Term,
    Title, TlpLabel,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{select, subsequence};
use stix::marking::{Pap, Tlp};

use crate::rules::reads;
use crate::{marking, organisation};

fn organisations() -> impl Strategy<Value = OrganisationId> {
    select(vec!["a", "b", "c", "d", "-"]).prop_map(organisation)
}

fn realms() -> impl Strategy<Value = Realm> {
    prop_oneof![3 => Just(Realm::Live), 1 => select(vec!["x", "y"]).prop_map(|id| Realm::Exercise(id.into()))]
}

fn groups() -> impl Strategy<Value = GroupId> {
    (1..5_u128).prop_map(|number| GroupId(uuid::Uuid::from_u128(number)))
}

fn agreement_ids() -> impl Strategy<Value = AgreementId> {
    select(vec!["one", "two", "gone"]).prop_map(|name| AgreementId::parse(name).unwrap())
}

fn classes() -> impl Strategy<Value = ObjectClass> {
    select(vec![ObjectClass::Indicator, ObjectClass::Sighting, ObjectClass::Report])
}

/// Of what can be told from outside. One label is left out here: what is made of several things may bear it where none of its parts does.
fn emergencies() -> impl Strategy<Value = Emergency> {
    let covers = prop_oneof![
        1 => classes().prop_map(Cover::Class),
        1 => (organisations(), select(Tlp::ALL.to_vec())).prop_map(|(of, level)| Cover::Level(of, level)),
        1 => Just(Cover::Nothing),
    ];
    covers.prop_map(|covers| Emergency { id: "e".to_owned(), covers })
}

/// The last one is not defined anywhere.
fn qualifications() -> impl Strategy<Value = Qualification> {
    select(vec!["clearance:low", "clearance:high", "oath:council", "clearance:gone"])
        .prop_map(|name| name.parse().unwrap())
}

fn labels() -> impl Strategy<Value = Label> {
    let tlp =
        prop_oneof![1 => Just(TlpLabel::Unmarked), 5 => select(Tlp::ALL.to_vec()).prop_map(TlpLabel::Level)];
    let markings = |first: u8| btree_set((first..first + 2).prop_map(marking), 0..2);
    let given = (
        realms(),
        tlp,
        markings(1),
        prop_oneof![3 => Just(BTreeSet::new()), 1 => markings(8)],
        organisations(),
    );
    let pap = prop_oneof![2 => Just(None), 1 => select(Pap::ALL.to_vec()).prop_map(Some)];
    let limits = (
        classes(),
        pap,
        prop_oneof![2 => Just(BTreeSet::new()), 1 => btree_set(groups(), 1..3)],
        prop_oneof![4 => Just(false), 1 => Just(true)],
        prop_oneof![2 => Just(None), 1 => agreement_ids().prop_map(Some)],
        prop_oneof![4 => Just(BTreeSet::new()), 1 => btree_set(organisations(), 1..3)],
        prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set(qualifications(), 1..3)],
    );
    (given, limits).prop_map(
        |(
            (realm, tlp, statements, unknown, originator),
            (class, pap, groups, control, agreement, granted, demands),
        )| Label {
            realm,
            tlp,
            statements,
            unknown,
            originator,
            class,
            pap,
            groups,
            originator_control: control,
            agreement,
            granted,
            demands,
            instead_of: Vec::new(),
        },
    )
}

/// Among a few organisations, each of which is the same in the council to everybody.
fn role_of(organisation: &str) -> OrganisationRole {
    match organisation {
        "a" => OrganisationRole::Coordinator,
        "b" => OrganisationRole::Operator,
        _ => OrganisationRole::Partner,
    }
}

fn principals() -> impl Strategy<Value = Principal> {
    let kinds = select(vec![
        PrincipalKind::Person("p".into()),
        PrincipalKind::Program("t".into()),
        PrincipalKind::Edge("e".into()),
        PrincipalKind::Peer("h".into()),
    ]);
    let roles = subsequence(PersonRole::ALL.to_vec(), 0..=PersonRole::ALL.len());
    // Mostly what the circumstances say the organisation is; sometimes something else.
    let role = prop_oneof![3 => Just(None), 1 => select(OrganisationRole::ALL.to_vec()).prop_map(Some)];
    let purpose = select(vec![Purpose::OwnDefence, Purpose::CollectiveDefence, Purpose::IncidentResponse]);
    let held =
        (btree_set(qualifications(), 0..4), prop_oneof![2 => Just(None), 1 => emergencies().prop_map(Some)]);
    (kinds, organisations(), role, roles, realms(), purpose, held).prop_map(
        |(kind, organisation, role, roles, realm, purpose, (qualifications, emergency))| Principal {
            kind,
            organisation_role: role.unwrap_or_else(|| role_of(organisation.as_str())),
            organisation,
            roles: roles.into_iter().collect(),
            realm,
            purpose,
            personal: Personal { qualifications, emergency },
        },
    )
}

fn sides() -> impl Strategy<Value = BTreeSet<Side>> {
    let side = prop_oneof![
        4 => select(vec!["a", "b", "c", "d"]).prop_map(|name| Side::Organisation(organisation(name))),
        1 => select(vec!["a", "c"]).prop_map(|name| Side::Members(organisation(name))),
    ];
    btree_set(side, 1..3)
}

fn terms() -> impl Strategy<Value = Term> {
    let onward = prop_oneof![
        2 => Just(Onward::None),
        1 => btree_set(organisations(), 1..3).prop_map(Onward::Named),
        2 => Just(Onward::SameTerms),
    ];
    let purposes = vec![Purpose::OwnDefence, Purpose::CollectiveDefence, Purpose::IncidentResponse];
    (
        (sides(), sides(), btree_set(classes(), 1..4)),
        (select(Tlp::ALL.to_vec()), select(Pap::ALL.to_vec()), subsequence(purposes, 1..4)),
        (onward, any::<bool>()),
    )
        .prop_map(|((from, to, classes), (tlp, pap, purposes), (onward, originator_control))| Term {
            from,
            to,
            classes,
            tlp,
            pap,
            purposes: purposes.into_iter().collect(),
            onward,
            originator_control,
        })
}

fn standings(id: &'static str) -> impl Strategy<Value = Standing> {
    let state = prop_oneof![
        8 => Just(SideState::Signed),
        1 => select(vec![SideState::Unsigned, SideState::Suspended, SideState::Ended]),
    ];
    (vec(terms(), 1..3), vec(state, 4), (0..4_i64), (1..6_i64), any::<bool>()).prop_map(
        move |(terms, states, from, length, reciprocal)| {
            let parties = ["a", "b", "c", "d"].map(organisation);
            let second = |second| Timestamp::from_second(second).unwrap();
            let agreement = Agreement {
                id: AgreementId::parse(id).unwrap(),
                title: Title { ja: "合意".into(), en: "agreement".into() },
                parties: parties.iter().cloned().collect(),
                from: second(from),
                until: second(from + length),
                reciprocal,
                terms,
                orders: Vec::new(),
            };
            Standing { agreement, sides: parties.into_iter().zip(states).collect() }
        },
    )
}

fn circumstances() -> impl Strategy<Value = Circumstances> {
    let members = vec(btree_set(organisations(), 0..4), 3);
    (standings("one"), standings("two"), members, 0..8_i64).prop_map(|(one, two, members, now)| {
        Circumstances {
            organisations: ["a", "b", "c", "d"].map(|name| (organisation(name), role_of(name))).into(),
            // The fourth group of the labels is not known here.
            groups: (1..)
                .zip(members)
                .map(|(number, members)| (GroupId(uuid::Uuid::from_u128(number)), members))
                .collect::<BTreeMap<_, _>>(),
            carriers: BTreeMap::new(),
            agreements: vec![one, two],
            personal_boundary: None,
            personal_changes: 0,
            now: Timestamp::from_second(now).unwrap(),
        }
    })
}

fn engine() -> &'static Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut files = Engine::built_in();
        files.retain(|(name, _)| name != CLEARANCES_FILE);
        files.push((CLEARANCES_FILE.to_owned(), CLEARANCES.to_owned()));
        Engine::compile(&files).unwrap()
    })
}

/// `high` stands for `low` besides.
const CLEARANCES: &str = r#"
[[clearance]]
id = "low"
ja = "低"
en = "low"
law_ja = "法"
law_en = "law"
years_max = 5

[[clearance]]
id = "high"
ja = "高"
en = "high"
law_ja = "法"
law_en = "law"
years_max = 5
includes = ["low"]

[[oath]]
id = "council"
ja = "誓"
en = "oath"
law_ja = "法"
law_en = "law"
years_max = 5
"#;

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 2_000, ..Default::default() })]

    #[test]
    fn the_engine_agrees_with_the_model(
        circumstances in circumstances(),
        principals in vec(principals(), 6),
        labels in vec(labels(), 6),
    ) {
        let engine = engine().under(circumstances.clone());
        // Twice: decided and remembered; and through every way in.
        for _ in 0..2 {
            for principal in &principals {
                let expected: Vec<bool> = labels.iter().map(|label| reads(&circumstances, principal, label)).collect();
                let visible = engine.visible(principal, (0..).zip(&labels));
                for ((key, label), expected) in (0..).zip(&labels).zip(expected) {
                    assert_eq!(visible.contains(key), expected, "{principal:?} {label:?}");
                    assert_eq!(engine.check(principal, Operation::Read, label), expected);
                    assert_eq!(engine.explain(principal, label).0, expected);
                }
            }
        }
    }

    /// Council, groups, carriers and agreements come and go under one set of policies, whose engines remember what the ones before decided.
    #[test]
    fn what_was_decided_before_counts_only_where_it_still_holds(
        changing in vec((circumstances(), any::<bool>()), 2..6),
        principals in vec(principals(), 4),
        labels in vec(labels(), 6),
    ) {
        let mut remembering = engine().under(Circumstances::default());
        let mut agreements = (Vec::new(), Timestamp::UNIX_EPOCH);
        for (circumstances, keeps_agreements) in changing {
            let mut circumstances = circumstances;
            if keeps_agreements {
                (circumstances.agreements, circumstances.now) = agreements.clone();
            }
            agreements = (circumstances.agreements.clone(), circumstances.now);
            remembering = remembering.under(circumstances.clone());
            for principal in &principals {
                let visible = remembering.visible(principal, (0..).zip(&labels));
                for (key, label) in (0..).zip(&labels) {
                    let expected = reads(&circumstances, principal, label);
                    assert_eq!(visible.contains(key), expected, "{principal:?} {label:?}");
                    assert_eq!(remembering.check(principal, Operation::Read, label), expected);
                }
            }
        }
    }

    #[test]
    fn who_reads_a_join_reads_its_parts(
        circumstances in circumstances(),
        principals in vec(principals(), 4),
        parts in vec((labels(), labels()), 6),
    ) {
        let engine = engine().under(circumstances.clone());
        for (a, b) in &parts {
            let Some(joined) = a.join(b) else {
                assert_ne!(a.realm, b.realm);
                continue;
            };
            for principal in &principals {
                if engine.check(principal, Operation::Read, &joined) {
                    let parts = [a, b].map(|part| reads(&circumstances, principal, part));
                    assert_eq!(parts, [true, true], "{principal:?} reads {joined:?}");
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
