//! Policies that fail, or that cannot be used.

use oversight::OrganisationRole;
use policy::{Engine, Operation, TlpLabel};
use stix::marking::Tlp;

use crate::{label, marking, person};

fn compile(text: &str) -> Result<Engine, policy::PolicyError> {
    Engine::compile(&[("test.cedar".to_owned(), text.to_owned())])
}

/// Cedar passes over a policy that fails; then this `forbid` would be as good as absent. It must be a no.
#[test]
fn a_forbid_that_fails_denies() {
    let engine = compile(
        r#"
        @id("everything") permit (principal, action, resource);
        @id("fails") forbid (principal, action == Yagura::Action::"read", resource)
        when { if resource.has_unknown_marking then 9223372036854775807 + 1 < 0 else false };
        "#,
    )
    .unwrap();
    let someone = person(OrganisationRole::Operator, "mine", &[]);
    let fine = label(TlpLabel::Level(Tlp::Clear), "other");
    let mut failing = fine.clone();
    failing.unknown.insert(marking(1));
    assert!(engine.check(&someone, Operation::Read, &fine));
    assert!(!engine.check(&someone, Operation::Read, &failing));
    let visible = engine.visible(&someone, [(1, &fine), (2, &failing)]);
    assert_eq!(visible.keys(), [1]);
    let (allowed, because) = engine.explain(&someone, &failing);
    assert!(!allowed && because.iter().any(|reason| reason.starts_with("error: ")), "{because:?}");
}

#[test]
fn a_permit_that_fails_denies_beside_one_that_permits() {
    let engine = compile(
        r#"
        @id("everything") permit (principal, action, resource);
        @id("fails") permit (principal, action == Yagura::Action::"read", resource)
        when { if resource.has_statement then 9223372036854775807 + 1 < 0 else false };
        "#,
    )
    .unwrap();
    let mut failing = label(TlpLabel::Level(Tlp::Clear), "other");
    failing.statements.insert(marking(1));
    assert!(!engine.check(&person(OrganisationRole::Operator, "mine", &[]), Operation::Read, &failing));
}

#[test]
fn policies_that_cannot_be_used_are_refused_with_the_reason() {
    let refused = |text: &str, because: &str| {
        let error = compile(text).expect_err(text).to_string();
        assert!(error.contains(because), "{error}");
    };
    refused("permit (principal, action, resource);", "bears no `@id");
    refused(r#"@id("a") permit (principal, action, resource"#, "`test.cedar` does not parse");
    refused(
        r#"@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);"#,
        "`a` is used twice",
    );
    refused(r#"@id("a") permit (principal == ?principal, action, resource);"#, "template");
    refused("// nothing", "nobody could see anything");
    // Words that are not in the schema: a role, an action, an attribute.
    refused(
        r#"@id("a") permit (principal, action, resource)
           when { principal.organisation_role == Yagura::OrganisationRole::"coordinatorr" };"#,
        "does not fit the schema",
    );
    refused(
        r#"@id("a") permit (principal, action == Yagura::Action::"raed", resource);"#,
        "does not fit the schema",
    );
    refused(
        r#"@id("a") permit (principal, action == Yagura::Action::"read", resource) when { resource.tpl == "x" };"#,
        "does not fit the schema",
    );
    // Never true: nobody means that.
    refused(
        r#"@id("a") permit (principal, action == Yagura::Action::"read", resource)
           when { resource is Yagura::Node };"#,
        "doubtful",
    );
    // One person, one object: answers are remembered by class.
    refused(
        r#"@id("a") permit (principal == Yagura::Person::"hanako", action, resource);"#,
        "names `Yagura::Person::\"hanako\"`",
    );
    // Fails on every question: better told now than by a node that refuses everybody everything.
    refused(
        r#"@id("a") permit (principal, action, resource) when { 9223372036854775807 + 1 > 0 };"#,
        "fail on a plain question",
    );
}

#[test]
fn two_schemas_are_refused_and_a_broken_one_too() {
    let mut files = Engine::built_in();
    files.push(("second.cedarschema".to_owned(), "namespace Yagura { entity Node; }".to_owned()));
    assert!(Engine::compile(&files).unwrap_err().to_string().contains("two schemas"));
    let mut files = Engine::built_in();
    files.iter_mut().find(|(name, _)| name == "yagura.cedarschema").unwrap().1.push('}');
    assert!(Engine::compile(&files).unwrap_err().to_string().contains("the schema does not parse"));
}

/// An agreement with one organisation, beside the built-in policies, without touching them.
#[test]
fn an_agreement_is_one_more_file() {
    let mut files = Engine::built_in();
    files.push((
        "agreement-with-aurora.cedar".to_owned(),
        r#"
        // Until the agreement of 2026 ends, Aurora CERT may see TLP:AMBER.
        @id("agreement-aurora")
        permit (principal, action == Yagura::Action::"read", resource)
        when { principal.organisation == Yagura::Organisation::"aurora-cert" && resource.tlp == Yagura::Tlp::"amber" };
        "#
        .to_owned(),
    ));
    let engine = Engine::compile(&files).unwrap();
    let amber = label(TlpLabel::Level(Tlp::Amber), "other");
    let reads = |of| engine.check(&person(OrganisationRole::Partner, of, &[]), Operation::Read, &amber);
    assert!(reads("aurora-cert"));
    assert!(!reads("borealis-cert"));
    assert_ne!(engine.epoch(), crate::engine().epoch(), "other policies, another epoch");
    assert_eq!(crate::engine().epoch(), crate::engine().epoch());
}

/// Labels of one shape are decided alike, but not where a policy asks which markings there are.
#[test]
fn a_policy_may_name_a_marking() {
    let mut files = Engine::built_in();
    files.push((
        "terms.cedar".to_owned(),
        format!(
            r#"
            @id("partners-under-terms")
            permit (principal, action == Yagura::Action::"read", resource)
            when {{
              principal.organisation_role == Yagura::OrganisationRole::"partner" &&
              !resource.has_unknown_marking && resource.markings.contains("{}")
            }};
            "#,
            marking(1)
        ),
    ));
    let engine = Engine::compile(&files).unwrap();
    let partner = person(OrganisationRole::Partner, "mine", &[]);
    let with = |number| {
        let mut label = label(TlpLabel::Unmarked, "other");
        label.statements.insert(marking(number));
        label
    };
    for _ in 0..2 {
        assert!(!engine.check(&partner, Operation::Read, &with(2)));
        assert!(engine.check(&partner, Operation::Read, &with(1)));
    }
}

/// Somebody makes up markings by the thousand: each is refused, and costs no decision of its own.
#[test]
fn made_up_markings_are_cheap_to_refuse() {
    let engine = crate::engine();
    let someone = person(OrganisationRole::Operator, "mine", &[]);
    let made_up = |number: u32| {
        let mut label = label(TlpLabel::Level(Tlp::Clear), "other");
        let id = format!("marking-definition--00000000-0000-4000-8000-0000{number:08x}");
        label.unknown.insert(stix::Id::parse(&id).unwrap());
        label
    };
    let labels: Vec<_> = (0..20_000).map(|number| (i64::from(number), made_up(number))).collect();
    let fine = label(TlpLabel::Level(Tlp::Clear), "other");
    let all = labels.iter().map(|(key, label)| (*key, label)).chain([(-1, &fine)]);
    assert_eq!(engine.visible(&someone, all).keys(), [-1]);
}
