//! Whether a regime applies, when not everything is known.

use regime::{Kind, Truth, Value, Verdict, What};

use crate::given::{aware, duty, event, no, profile, report_of, shipped, stated, yes};

const NOW: &str = "2026-11-29T01:00:00Z";

/// Personal data under the Japanese act, with these fields.
fn check(fields: &[(&str, Value)], expected: Verdict, unknown: &[&str]) {
    let mut events = vec![event(NOW, What::Kind { kind: Kind::DataBreach }), aware(NOW)];
    if !fields.is_empty() {
        events.push(stated(NOW, fields));
    }
    let report = report_of(events);
    let profile = profile(&[("handles_personal_data", yes())]);
    let duty = duty(&report, &profile, shipped(), ("jp.ppc", "preliminary", "ppc"), NOW);
    let open: Vec<&str> = duty
        .because
        .iter()
        .filter(|because| because.truth == Truth::Maybe)
        .map(|because| because.field.as_str())
        .collect();
    assert_eq!((duty.verdict, open.as_slice()), (expected, unknown), "{fields:?}");
}

#[test]
fn what_is_not_known_may_apply_and_says_what_is_missing() {
    check(
        &[],
        Verdict::MayApply,
        &[
            "personal_data",
            "strongly_encrypted",
            "sensitive_data",
            "property_damage_risk",
            "malicious",
            "persons_count",
        ],
    );
    check(&[("personal_data", no())], Verdict::DoesNot, &[]);
    check(&[("personal_data", yes()), ("strongly_encrypted", yes())], Verdict::DoesNot, &[]);
    check(
        &[("personal_data", yes()), ("strongly_encrypted", no()), ("malicious", yes())],
        Verdict::Applies,
        &[],
    );
}

#[test]
fn more_than_a_thousand_is_more_than_a_thousand() {
    let with = |count, expected, unknown: &[&str]| {
        let known = [
            ("personal_data", yes()),
            ("strongly_encrypted", no()),
            ("sensitive_data", no()),
            ("property_damage_risk", no()),
            ("malicious", no()),
        ];
        let count = [("persons_count", Value::Number(count))];
        check(&known.into_iter().chain(count).collect::<Vec<_>>(), expected, unknown);
    };
    with(1_000, Verdict::DoesNot, &[]);
    with(1_001, Verdict::Applies, &[]);
}

#[test]
fn one_unknown_fact_does_not_hide_another_that_decides() {
    // Sensitive data decides, although nobody has counted the persons.
    check(
        &[("personal_data", yes()), ("strongly_encrypted", no()), ("sensitive_data", yes())],
        Verdict::Applies,
        &[],
    );
    // A number where yes or no belongs tells nothing.
    let record = report_of([aware(NOW), stated(NOW, &[("personal_data", yes())])]);
    let duty = duty(&record, &profile(&[]), shipped(), ("eu.gdpr", "notification", "authority"), NOW);
    assert_eq!(duty.verdict, Verdict::MayApply);
}

#[test]
fn counsel_stands_above_the_condition() {
    let ruled = |applies| {
        let reason = "法務の判断".to_owned();
        event(NOW, What::Ruled { regime: "jp.ppc".into(), applies, reason })
    };
    for (applies, expected) in [(true, Verdict::Applies), (false, Verdict::DoesNot)] {
        let report = report_of([aware(NOW), ruled(applies)]);
        let duty = duty(&report, &profile(&[]), shipped(), ("jp.ppc", "preliminary", "ppc"), NOW);
        assert_eq!(duty.verdict, expected);
        assert_eq!(duty.because[0].field, "@ruling");
    }
}
