//! What a change of policy does, and what no policy may ever allow.

use oversight::{OrganisationRole, PersonRole, Purpose};
use policy::{Engine, Label, Operation, Principal, PrincipalKind, Safety, TlpLabel, Trial, compare};
use stix::marking::Tlp;

use crate::{engine, label, marking, person};

/// The built-in policies with a text in place of another one, which has to be there.
fn edited(from: &str, to: &str) -> Vec<(String, String)> {
    let files: Vec<_> =
        Engine::built_in().into_iter().map(|(file, text)| (file, text.replace(from, to))).collect();
    assert_ne!(files, Engine::built_in());
    files
}

/// The built-in policies and one more.
fn with(policy: &str) -> Vec<(String, String)> {
    let more = ("more.cedar".to_owned(), policy.to_owned());
    Engine::built_in().into_iter().chain([more]).collect()
}

fn compiled(files: &[(String, String)]) -> Engine {
    Engine::compile(files).unwrap()
}

const GREEN: &str = "resource.tlp == Yagura::Tlp::\"green\" &&";

#[test]
fn a_comparison_says_who_gains_and_who_loses_which_labels() {
    let only_coordinator =
        format!("{GREEN} principal.organisation_role == Yagura::OrganisationRole::\"coordinator\" &&");
    let (before, after) = (engine(), compiled(&edited(GREEN, &only_coordinator)));
    let readers = [
        person(OrganisationRole::Coordinator, "home", &[PersonRole::Analyst]),
        person(OrganisationRole::Operator, "mine", &[PersonRole::Analyst]),
        person(OrganisationRole::Academy, "school", &[]),
    ];
    let labels = [
        (1, label(TlpLabel::Level(Tlp::Clear), "other")),
        (2, label(TlpLabel::Level(Tlp::Green), "other")),
        (3, label(TlpLabel::Level(Tlp::Green), "mine")),
        (4, label(TlpLabel::Level(Tlp::Green), "other")),
    ];
    let narrowed = compare(&before, &after, &readers, &labels);
    let lost: Vec<_> = narrowed.iter().map(|effect| (effect.reader, effect.lost.clone())).collect();
    assert_eq!(lost, [(1, vec![2, 4]), (2, vec![2, 3, 4])], "its own an organisation keeps");
    assert!(narrowed.iter().all(|effect| effect.gained.is_empty() && effect.may_no_more.is_empty()));
    let widened = compare(&after, &before, &readers, &labels);
    let gained: Vec<_> = widened.iter().map(|effect| (effect.reader, effect.gained.clone())).collect();
    assert_eq!(gained, lost);
    assert!(compare(&before, &engine(), &readers, &labels).is_empty());
}

#[test]
fn a_comparison_says_who_may_do_more_and_for_what_it_is_given_more() {
    let after = compiled(&with(
        r#"@id("more") permit (principal, action == Yagura::Action::"ask_questions", resource)
           when { principal.roles.contains(Yagura::PersonRole::"trainee") };
           @id("less") forbid (principal is Yagura::Person, action == Yagura::Action::"receive_for",
             resource == Yagura::Purpose::"administration");"#,
    ));
    let trainee = person(OrganisationRole::Operator, "mine", &[PersonRole::Trainee]);
    let effects = compare(&engine(), &after, &[trainee], &[]);
    assert_eq!(effects[0].may_now, [Operation::AskQuestions]);
    assert_eq!(effects[0].purposes_lost, [Purpose::Administration]);
    assert!(effects[0].may_no_more.is_empty() && effects[0].purposes_gained.is_empty());
}

/// Where a set breaks the specification among made-up situations.
pub(crate) fn broken_in_trial(files: &[(String, String)]) -> Option<(String, policy::Situation)> {
    let engine = compiled(files);
    let found = Safety::of(files).unwrap().broken_in(&engine, &Trial::new(&engine, 1, 20_000))?;
    assert!(engine.replay(&found.situation), "the engine allows it: {}", found.situation.told().en);
    assert!(!found.words.ja.is_empty() && !found.words.en.is_empty(), "{}", found.rule);
    Some((found.rule, found.situation))
}

#[test]
fn the_policies_of_the_program_are_within_the_specification() {
    assert!(broken_in_trial(&Engine::built_in()).is_none());
}

#[test]
fn a_set_that_allows_what_none_may_is_found_and_told() {
    let broken = |files: &[(String, String)]| broken_in_trial(files).expect("a break");
    let without = |id: &str| {
        let built_in = Engine::built_in();
        let text = &built_in.iter().find(|(file, _)| file == "release.cedar").unwrap().1;
        let from = text.find(&format!("@id(\"{id}\")")).unwrap();
        let rest = text.get(from..).unwrap();
        edited(rest.get(..rest.find(";\n").unwrap() + 2).unwrap(), "")
    };
    let (rule, situation) = broken(&without("forbid-unknown-marking"));
    assert_eq!(rule, "never-unknown-marking");
    let told = situation.told();
    assert!(told.en.contains("a marking that this node does not understand"), "{}", told.en);
    assert!(told.ja.contains("解釈できない表示あり"), "{}", told.ja);
    assert_eq!(broken(&without("forbid-other-realm")).0, "never-other-realm");
    assert_eq!(broken(&without("forbid-outside-group")).0, "never-outside-group");
    assert_eq!(broken(&without("forbid-onward")).0, "never-onward");
    assert_eq!(broken(&without("forbid-oversight-content")).0, "never-oversight-content");

    let permits = |condition: &str| {
        with(&format!(
            "@id(\"more\") permit (principal, action == Yagura::Action::\"read\", resource) when {{ {condition} }};"
        ))
    };
    let red = permits(r#"resource.tlp == Yagura::Tlp::"red""#);
    assert!(["never-red-but-persons", "never-beyond-recipients"].contains(&&*broken(&red).0));
    let strict = r#"resource.tlp == Yagura::Tlp::"amber+strict" && !(principal is Yagura::Peer)"#;
    assert_eq!(broken(&permits(strict)).0, "never-beyond-recipients");
    // An organisation that a policy names is tried too.
    let named = r#"principal.organisation == Yagura::Organisation::"somebody" && !resource.has_statement &&
        resource.tlp == Yagura::Tlp::"unmarked" && !(principal is Yagura::Peer)"#;
    assert_eq!(broken(&permits(named)).0, "never-unmarked");
    let all_may = r#"@id("more") permit (principal, action == Yagura::Action::"administer", resource);"#;
    let (rule, situation) = broken(&with(all_may));
    assert!(["never-administer", "never-oversight-takes-part"].contains(&&*rule));
    assert!(situation.told().en.ends_with("administers the node"), "{}", situation.told().en);
}

/// What the labels of a store bear is asked as well: no made-up label bears this marking.
#[test]
fn a_break_for_one_marking_is_found_with_a_label_that_bears_it() {
    let permit = format!(
        "@id(\"more\") permit (principal, action == Yagura::Action::\"read\", resource)
         when {{ resource.markings.contains(\"{}\") }};",
        marking(9)
    );
    let files = with(&permit);
    assert!(broken_in_trial(&files).is_none());
    let (engine, safety) = (compiled(&files), Safety::of(&files).unwrap());
    let mut red = label(TlpLabel::Level(Tlp::Red), "other");
    red.statements.insert(marking(9));
    let program = Principal {
        kind: PrincipalKind::Program("t".into()),
        ..person(OrganisationRole::Operator, "mine", &[])
    };
    let labels: [&Label; 2] = [&label(TlpLabel::Level(Tlp::Clear), "other"), &red];
    let broken = safety.broken_by(&engine, std::slice::from_ref(&program), &labels).unwrap().rule;
    assert!(["never-red-but-persons", "never-beyond-recipients"].contains(&&*broken), "{broken}");
    assert!(safety.broken_by(&engine, &[program], &labels[..1]).is_none());
}

/// Taken for policies, the specification forbids and permits nothing.
#[test]
fn the_specification_permits_nothing() {
    let alone = [("safety.cedar".to_owned(), Safety::text().to_owned())];
    let engine = compiled(&alone);
    let someone = person(OrganisationRole::Coordinator, "home", PersonRole::ALL);
    assert!(Operation::ALL.iter().all(|operation| !engine.may(&someone, *operation)));
    let own = label(TlpLabel::Level(Tlp::Clear), "home");
    assert!(!engine.check(&someone, Operation::Read, &own));
}
