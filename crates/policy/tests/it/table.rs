//! Who reads what: every organisation role × marking × kind of principal, written out.

use std::fmt::Write;

use oversight::{OrganisationRole, PersonRole, Realm};
use policy::{Operation, PrincipalKind, TlpLabel};
use stix::marking::Tlp;

use crate::{engine, label, marking, organisation, person};

/// One line per organisation role and kind; one column per marking: `r` reads, `.` does not.
#[test]
fn who_reads_what() {
    let engine = engine();
    let markings: [(&str, policy::Label); 9] = [
        ("clear", label(TlpLabel::Level(Tlp::Clear), "other")),
        ("green", label(TlpLabel::Level(Tlp::Green), "other")),
        ("statement", {
            let mut label = label(TlpLabel::Unmarked, "other");
            label.statements.insert(marking(1));
            label
        }),
        ("amber", label(TlpLabel::Level(Tlp::Amber), "other")),
        ("strict", label(TlpLabel::Level(Tlp::AmberStrict), "other")),
        ("red", label(TlpLabel::Level(Tlp::Red), "other")),
        ("unmarked", label(TlpLabel::Unmarked, "other")),
        ("clear+unknown", {
            let mut label = label(TlpLabel::Level(Tlp::Clear), "other");
            label.unknown.insert(marking(2));
            label
        }),
        ("clear, exercise", {
            let mut label = label(TlpLabel::Level(Tlp::Clear), "other");
            label.realm = Realm::Exercise("fuji".into());
            label
        }),
    ];
    let mut table = String::new();
    for own in [false, true] {
        for role in OrganisationRole::ALL {
            for kind in ["person", "program", "edge"] {
                let mut principal = person(*role, "mine", &[PersonRole::Analyst]);
                principal.kind = match kind {
                    "person" => PrincipalKind::Person("p".into()),
                    "program" => PrincipalKind::Program("t".into()),
                    _ => PrincipalKind::Edge("e".into()),
                };
                let line: String = markings
                    .iter()
                    .map(|(_, label)| {
                        let mut label = label.clone();
                        if own {
                            label.originator = organisation("mine");
                        }
                        if engine.check(&principal, Operation::Read, &label) { 'r' } else { '.' }
                    })
                    .collect();
                let own = if own { "own" } else { "other's" };
                writeln!(table, "{own:8}{:12}{kind:8}{line}", role.name()).unwrap();
            }
        }
    }
    let columns: Vec<_> = markings.iter().map(|(name, _)| *name).collect();
    let table = format!("{}\n{table}", columns.join(" | "));
    expect_test::expect![[r#"
        clear | green | statement | amber | strict | red | unmarked | clear+unknown | clear, exercise
        other's coordinator person  rrrrrr...
        other's coordinator program rrrrr....
        other's coordinator edge    rrrrr....
        other's agency      person  rrrr.....
        other's agency      program rrrr.....
        other's agency      edge    rrrr.....
        other's operator    person  rrrr.....
        other's operator    program rrrr.....
        other's operator    edge    rrrr.....
        other's partner     person  rr.......
        other's partner     program rr.......
        other's partner     edge    rr.......
        other's oversight   person  .........
        other's oversight   program .........
        other's oversight   edge    .........
        other's academy     person  rr.......
        other's academy     program rr.......
        other's academy     edge    rr.......
        own     coordinator person  rrrrrrrr.
        own     coordinator program rrrrrrrr.
        own     coordinator edge    rrrrrrrr.
        own     agency      person  rrrrrrrr.
        own     agency      program rrrrrrrr.
        own     agency      edge    rrrrrrrr.
        own     operator    person  rrrrrrrr.
        own     operator    program rrrrrrrr.
        own     operator    edge    rrrrrrrr.
        own     partner     person  rrrrrrrr.
        own     partner     program rrrrrrrr.
        own     partner     edge    rrrrrrrr.
        own     oversight   person  .........
        own     oversight   program .........
        own     oversight   edge    .........
        own     academy     person  rrrrrrrr.
        own     academy     program rrrrrrrr.
        own     academy     edge    rrrrrrrr.
    "#]]
    .assert_eq(&table);
}

/// The same in an exercise: what is live is not seen there.
#[test]
fn realms_are_apart() {
    let engine = engine();
    let mut player = person(OrganisationRole::Coordinator, "mine", &[PersonRole::Planner]);
    player.realm = Realm::Exercise("fuji".into());
    let live = label(TlpLabel::Level(Tlp::Clear), "mine");
    let mut exercise = live.clone();
    exercise.realm = player.realm.clone();
    let mut other = live.clone();
    other.realm = Realm::Exercise("aso".into());
    let reads = [&live, &exercise, &other].map(|label| engine.check(&player, Operation::Read, label));
    assert_eq!(reads, [false, true, false]);
    let writes = [&live, &exercise].map(|label| engine.check(&player, Operation::Write, label));
    assert_eq!(writes, [false, true]);
}

#[test]
fn an_audience_in_words() {
    let engine = engine();
    let audience = |tlp| {
        let roles = engine.audience(&label(tlp, "somebody"));
        roles.into_iter().map(OrganisationRole::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(audience(TlpLabel::Level(Tlp::Clear)), "coordinator agency operator partner academy");
    assert_eq!(audience(TlpLabel::Level(Tlp::Green)), "coordinator agency operator partner academy");
    assert_eq!(audience(TlpLabel::Level(Tlp::Amber)), "coordinator agency operator");
    assert_eq!(audience(TlpLabel::Level(Tlp::AmberStrict)), "coordinator");
    assert_eq!(audience(TlpLabel::Level(Tlp::Red)), "coordinator");
    assert_eq!(audience(TlpLabel::Unmarked), "");
}

#[test]
fn decisions_are_explained() {
    let engine = engine();
    let explain = |role, tlp, of: &str| {
        let (allowed, because) = engine.explain(&person(role, "mine", &[]), &label(tlp, of));
        format!("{allowed} {}", because.join(" "))
    };
    assert_eq!(
        explain(OrganisationRole::Operator, TlpLabel::Level(Tlp::Amber), "mine"),
        "true read-amber read-own"
    );
    assert_eq!(explain(OrganisationRole::Partner, TlpLabel::Level(Tlp::Amber), "other"), "false ");
    assert_eq!(
        explain(OrganisationRole::Oversight, TlpLabel::Level(Tlp::Clear), "other"),
        "false forbid-oversight-content"
    );
}
