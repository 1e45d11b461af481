//! What a person opens for itself in an emergency, and what that never opens.

use oversight::{OrganisationRole, PersonRole, Qualification};
use policy::{Cover, Emergency, Engine, Label, Operation, Personal, Principal, PrincipalKind, TlpLabel};
use stix::marking::Tlp;

use crate::change::broken_in_trial;
use crate::{engine, label, marking, organisation, person};

fn raised(principal: &Principal, covers: Cover) -> Principal {
    let emergency = Some(Emergency { id: "e".to_owned(), covers });
    Principal { personal: Personal { emergency, ..principal.personal.clone() }, ..principal.clone() }
}

fn officer() -> Principal {
    person(OrganisationRole::Agency, "police", &[PersonRole::DutyOfficer])
}

fn of_rail() -> Cover {
    Cover::Level(organisation("rail"), Tlp::Red)
}

fn red() -> Label {
    label(TlpLabel::Level(Tlp::Red), "rail")
}

#[test]
fn it_opens_what_is_named_and_nothing_beside_it() {
    let engine = engine();
    let reads =
        |covers: Cover, label: &Label| engine.check(&raised(&officer(), covers), Operation::Read, label);
    assert!(!engine.check(&officer(), Operation::Read, &red()), "else this test shows nothing");
    assert!(reads(of_rail(), &red()));
    assert!(reads(Cover::Label(red().id()), &red()));
    assert!(reads(Cover::Class(red().class), &red()));
    assert!(!reads(Cover::Level(organisation("gas"), Tlp::Red), &red()), "another organisation's");
    assert!(!reads(Cover::Level(organisation("rail"), Tlp::Amber), &red()), "a stricter level");
    assert!(!reads(Cover::Class(policy::ObjectClass::Report), &red()), "another class");
    assert!(!reads(Cover::Nothing, &red()));
    let visible = engine.visible(
        &raised(&officer(), of_rail()),
        [(1, &red()), (2, &label(TlpLabel::Level(Tlp::Green), "rail"))],
    );
    assert_eq!(visible.keys(), [1, 2]);
    assert!(visible.is_in_emergency(1), "so that it is written down");
    assert!(!visible.is_in_emergency(2), "what is read anyhow is no emergency's");
}

#[test]
fn it_is_for_duty_officers_and_approvers_of_the_council_in_person() {
    let engine = engine();
    for role in OrganisationRole::ALL {
        for may in PersonRole::ALL {
            let principal = raised(&person(*role, "mine", &[*may]), of_rail());
            let expected = matches!(role, OrganisationRole::Coordinator)
                || (matches!(role, OrganisationRole::Agency | OrganisationRole::Operator)
                    && matches!(may, PersonRole::DutyOfficer | PersonRole::Approver));
            assert_eq!(engine.check(&principal, Operation::Read, &red()), expected, "{role} {may}");
        }
    }
    let kinds = [
        PrincipalKind::Program("t".into()),
        PrincipalKind::Edge("e".into()),
        PrincipalKind::Peer("h".into()),
    ];
    for kind in kinds {
        let principal = Principal { kind: kind.clone(), ..raised(&officer(), of_rail()) };
        assert!(!engine.check(&principal, Operation::Read, &red()), "{kind:?}");
    }
}

#[test]
fn it_never_opens_what_is_kept_from_it() {
    type Change = fn(&mut Label);
    let engine = engine();
    let clearance: Qualification = "clearance:critical-economic-security".parse().unwrap();
    let kept: [(&str, Change); 5] = [
        ("its originator's control", |label| label.originator_control = true),
        ("an unknown marking", |label| label.unknown.extend([marking(2)])),
        ("another hub's agreement", |label| label.agreement = policy::AgreementId::parse("aurora-2026")),
        ("another world", |label| label.realm = oversight::Realm::Exercise("x".into())),
        ("no marking at all", |label| label.tlp = TlpLabel::Unmarked),
    ];
    let class = raised(&officer(), Cover::Class(red().class));
    for (why, change) in kept {
        let mut label = red();
        change(&mut label);
        assert!(!engine.check(&class, Operation::Read, &label), "{why}");
    }
    let mut cleared = red();
    cleared.demands.insert(clearance);
    assert!(!engine.check(&class, Operation::Read, &cleared), "a clearance");
    let mut holds = class.clone();
    holds.personal.qualifications.insert(clearance);
    assert!(engine.check(&holds, Operation::Read, &cleared), "which who holds it has all the same");
    let mut group = red();
    group.groups.insert(policy::GroupId(uuid::Uuid::from_u128(7)));
    assert!(engine.check(&class, Operation::Read, &group), "a sharing group is what an emergency is for");
}

/// Authorisations, seals, agreements, the commission: whatever has a door of its own is asked for as if there were no emergency.
#[test]
fn it_changes_nothing_but_reading() {
    let engine = engine();
    for role in OrganisationRole::ALL {
        for may in PersonRole::ALL {
            let before = person(*role, "mine", &[*may]);
            let after = raised(&before, Cover::Class(red().class));
            for operation in Operation::ALL {
                assert_eq!(
                    engine.may(&before, *operation),
                    engine.may(&after, *operation),
                    "{role} {may} {operation:?}"
                );
            }
            let purposes = |principal: &Principal| engine.visible(principal, None).purposes().clone();
            assert_eq!(purposes(&before), purposes(&after));
            for operation in [Operation::Delete, Operation::WidenRelease, Operation::RestrictRelease] {
                let reads = engine.check(&before, Operation::Read, &red());
                assert!(reads || !engine.check(&after, operation, &red()), "{role} {may} {operation:?}");
            }
        }
    }
}

/// Without the rule that holds an emergency within its bounds, the specification is what finds it.
#[test]
fn policies_that_let_it_open_more_break_the_specification() {
    let mut files = Engine::built_in();
    let (_, text) = files.iter_mut().find(|(file, _)| file == "release.cedar").unwrap();
    let (before, rule) = text.split_once("@id(\"forbid-more-in-emergency\")").unwrap();
    let (_, after) = rule.split_once(";\n").unwrap();
    *text = format!("{before}{after}");
    let (rule, situation) = broken_in_trial(&files).expect("a break");
    assert!(["never-more-in-emergency", "never-unmarked"].contains(&&*rule), "{rule}");
    assert!(situation.told().en.contains("opened by the reader in an emergency"), "{}", situation.told().en);
}
