//! Who acts on sharing: ledger, requests, changes of release, recalls, questions, anonymous reports; written out.

use std::fmt::Write;

use oversight::{OrganisationRole, PersonRole};
use policy::{Agreement, Circumstances, GroupId, ObjectClass, Operation, PrincipalKind, Standing, TlpLabel};
use stix::marking::Tlp;

use crate::{engine, label, organisation, person};

const OPERATIONS: [(Operation, char); 7] = [
    (Operation::SeeReleases, 'l'),
    (Operation::AskRelease, 'a'),
    (Operation::WidenRelease, 'w'),
    (Operation::RestrictRelease, 'r'),
    (Operation::AskQuestions, 'q'),
    (Operation::SubmitAnonymously, 's'),
    (Operation::OpenSeals, 'o'),
];

#[test]
fn who_acts_on_sharing() {
    let engine = engine();
    let mut table = String::new();
    for role in OrganisationRole::ALL {
        for may in PersonRole::ALL {
            let line = |kind: PrincipalKind| -> String {
                let mut principal = person(*role, "mine", &[*may]);
                principal.kind = kind;
                let may = |(operation, letter)| if engine.may(&principal, operation) { letter } else { '.' };
                OPERATIONS.into_iter().map(may).collect()
            };
            let person = line(PrincipalKind::Person("p".into()));
            let program = line(PrincipalKind::Program("t".into()));
            let edge = line(PrincipalKind::Edge("e".into()));
            writeln!(table, "{:12}{:14}{person} {program} {edge}", role.name(), may.name()).unwrap();
        }
    }
    expect_test::expect![[r#"
        coordinator analyst       la..q.. la..q.. .......
        coordinator duty_officer  lawrq.. la.rq.. .......
        coordinator approver      lawrq.o la.rq.. .......
        coordinator commissioner  ....... ....... .......
        coordinator planner       ....... ....... .......
        coordinator administrator lawrq.o la.rq.. .......
        coordinator trainee       ....... ....... .......
        agency      analyst       .a..qs. .a..qs. .......
        agency      duty_officer  .awrqs. .a.rqs. .......
        agency      approver      .awrq.. .a.rq.. .......
        agency      commissioner  ....... ....... .......
        agency      planner       ....... ....... .......
        agency      administrator .awrqs. .a.rqs. .......
        agency      trainee       ....... ....... .......
        operator    analyst       .a..qs. .a..qs. .......
        operator    duty_officer  .awrqs. .a.rqs. .......
        operator    approver      .awrq.. .a.rq.. .......
        operator    commissioner  ....... ....... .......
        operator    planner       ....... ....... .......
        operator    administrator .awrqs. .a.rqs. .......
        operator    trainee       ....... ....... .......
        partner     analyst       .a..qs. .a..qs. .......
        partner     duty_officer  .awrqs. .a.rqs. .......
        partner     approver      .awrq.. .a.rq.. .......
        partner     commissioner  ....... ....... .......
        partner     planner       ....... ....... .......
        partner     administrator .awrqs. .a.rqs. .......
        partner     trainee       ....... ....... .......
        oversight   analyst       ....... ....... .......
        oversight   duty_officer  ....... ....... .......
        oversight   approver      ....... ....... .......
        oversight   commissioner  l...... ....... .......
        oversight   planner       ....... ....... .......
        oversight   administrator ....... ....... .......
        oversight   trainee       ....... ....... .......
        academy     analyst       .a..qs. .a..qs. .......
        academy     duty_officer  .awrqs. .a.rqs. .......
        academy     approver      .awrq.. .a.rq.. .......
        academy     commissioner  ....... ....... .......
        academy     planner       ....... ....... .......
        academy     administrator .awrqs. .a.rqs. .......
        academy     trainee       ....... ....... .......
    "#]]
    .assert_eq(&table);
}

#[test]
fn only_the_originator_widens_and_the_coordinator_may_restrict() {
    let engine = engine();
    let check = |role, organisation, kind: &PrincipalKind, operation, expected, why| {
        let mut principal = person(role, organisation, &[PersonRole::DutyOfficer]);
        principal.kind = kind.clone();
        let amber = label(TlpLabel::Level(Tlp::Amber), "operator-a");
        assert_eq!(engine.check(&principal, operation, &amber), expected, "{why}");
    };
    let (person, program) = (PrincipalKind::Person("p".into()), PrincipalKind::Program("t".into()));
    let (widen, restrict) = (Operation::WidenRelease, Operation::RestrictRelease);
    check(OrganisationRole::Operator, "operator-a", &person, widen, true, "the originator's duty officer");
    check(OrganisationRole::Operator, "operator-a", &program, widen, false, "a program widens nothing");
    check(OrganisationRole::Operator, "operator-b", &person, widen, false, "another member");
    check(OrganisationRole::Coordinator, "centre", &person, widen, false, "not even the coordinator");
    check(OrganisationRole::Operator, "operator-a", &program, restrict, true, "the originator's program");
    check(OrganisationRole::Coordinator, "centre", &person, restrict, true, "the coordinator");
    check(OrganisationRole::Operator, "operator-b", &person, restrict, false, "another member");
    check(OrganisationRole::Partner, "partner", &person, restrict, false, "who may not see it");
}

/// What is for a member at another hub is given to that hub, and not to the people whom its organisation has here.
#[test]
fn a_hub_is_in_a_group_for_whom_it_speaks_and_its_people_are_not() {
    let group = GroupId(uuid::Uuid::from_u128(1));
    let engine = engine().under(Circumstances {
        organisations: [(organisation("east"), OrganisationRole::Agency)].into(),
        groups: [(group, [organisation("kinki")].into())].into(),
        carriers: [(group, [organisation("east")].into())].into(),
        agreements: vec![standing()],
        ..Circumstances::default()
    });
    let mut limited = label(TlpLabel::Level(Tlp::AmberStrict), "kinki");
    (limited.class, limited.groups) = (ObjectClass::Report, [group].into());
    let read = |kind: PrincipalKind| {
        let mut reader = person(OrganisationRole::Agency, "east", &[PersonRole::DutyOfficer]);
        reader.kind = kind;
        engine.check(&reader, Operation::Read, &limited)
    };
    assert!(read(PrincipalKind::Peer("east".into())), "the hub carries it");
    assert!(!read(PrincipalKind::Person("p".into())), "its people here are no members");
    assert!(!read(PrincipalKind::Program("t".into())), "nor their programs");
    // What is for somebody else as well it is not given.
    limited.groups.insert(GroupId(uuid::Uuid::from_u128(2)));
    let mut hub = person(OrganisationRole::Agency, "east", &[]);
    hub.kind = PrincipalKind::Peer("east".into());
    assert!(!engine.check(&hub, Operation::Read, &limited));
}

/// An agreement that gives reports of any level to the organisation of another hub.
fn standing() -> Standing {
    let text = "id = \"reports\"\nparties = [\"kinki\", \"east\"]\nfrom = \"1960-01-01T00:00:00Z\"\nuntil = \"2100-01-01T00:00:00Z\"\n\
        reciprocal = false\ntitle = { ja = \"報告\", en = \"Reports\" }\n[[terms]]\nfrom = [\"kinki\"]\nto = [\"east\"]\n\
        classes = [\"report\"]\ntlp = \"amber+strict\"\npap = \"red\"\npurposes = [\"collective-defence\"]\nonward = \"none\"\n\
        originator_control = false\n";
    Standing::signed(Agreement::from_toml(text).unwrap())
}
