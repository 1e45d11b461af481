//! What is owed, and where each clock stands.

use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use regime::{
    Answer, Duty, Event, EventId, Kind, Light, Moment, Profile, Regimes, Report, State, Value, Verdict,
    Verified, What, duties, findings, next_wake,
};

use crate::given::{
    at, aware, duty, event, filed, happened, list, no, profile, report_of, shipped, shipped_with, stated,
    text, yes,
};

const EARLY: (&str, &str, &str) = ("eu.nis2", "early-warning", "csirt");

fn nis2_profile() -> Profile {
    profile(&[("nis2_entity", text("essential"))])
}

/// The NIS2 file as it were if somebody had read its clocks in the directive itself.
fn read_in_the_law() -> Regimes {
    shipped_with("eu-nis2.toml", |text| text.replacen("verified = \"secondary\"", "verified = \"law\"", 1))
}

fn significant(logged: &str) -> Event {
    stated(logged, &[("significant", yes())])
}

fn answered(when: &str, stage: &str, answer: Answer) -> Event {
    event(
        when,
        What::Answered {
            regime: "eu.nis2".into(),
            stage: stage.into(),
            recipient: "csirt".into(),
            at: at(when),
            answer,
        },
    )
}

#[test]
fn a_clock_runs_warns_and_runs_out() {
    let regimes = read_in_the_law();
    let report = report_of([aware("2026-11-29T00:00:00Z"), significant("2026-11-29T00:10:00Z")]);
    let stands = |now| {
        let duty = duty(&report, &nis2_profile(), &regimes, EARLY, now);
        (duty.clock.state, duty.light)
    };
    assert_eq!(stands("2026-11-29T00:00:00Z"), (State::Running, Light::Green));
    assert_eq!(stands("2026-11-29T11:59:59Z"), (State::Running, Light::Green));
    assert_eq!(stands("2026-11-29T12:00:00Z"), (State::HalfTime, Light::Amber));
    assert_eq!(stands("2026-11-29T23:59:59Z"), (State::HalfTime, Light::Amber));
    assert_eq!(stands("2026-11-30T00:00:00Z"), (State::Overdue, Light::Red));
    // As it is shipped, others say so, and nothing of that is green.
    let shipped = duty(&report, &nis2_profile(), shipped(), EARLY, "2026-11-29T00:00:00Z");
    assert_eq!((shipped.verified, shipped.light), (Verified::Secondary, Light::Uncertain));
}

#[test]
fn a_filing_stops_the_clock_in_time_or_late() {
    let at_end = |filing: &str| {
        let report = report_of([
            aware("2026-11-29T00:00:00Z"),
            significant("2026-11-29T00:10:00Z"),
            filed(filing, EARLY.0, EARLY.1, EARLY.2),
        ]);
        duty(&report, &nis2_profile(), &read_in_the_law(), EARLY, "2026-12-20T00:00:00Z")
    };
    let in_time = at_end("2026-11-29T23:59:59Z");
    assert!(
        matches!(&in_time.clock.state, State::Met { late: false, receipt: Some((_, copy)), .. } if *copy == "0".repeat(64))
    );
    assert_eq!(in_time.light, Light::Green);
    let late = at_end("2026-11-30T00:00:01Z");
    assert!(matches!(late.clock.state, State::Met { late: true, .. }));
    assert_eq!(late.light, Light::Amber);
}

#[test]
fn the_authority_has_a_clock_too() {
    let answer = ("eu.nis2", "answer", "csirt");
    let mut events = vec![aware("2026-11-29T00:00:00Z"), significant("2026-11-29T00:10:00Z")];
    let stands = |events: &[Event], now| {
        let report = report_of(events.to_vec());
        duty(&report, &nis2_profile(), shipped(), answer, now).clock.state
    };
    assert_eq!(stands(&events, "2026-11-29T12:00:00Z"), State::Waiting);
    events.push(filed("2026-11-29T06:00:00Z", EARLY.0, EARLY.1, EARLY.2));
    assert_eq!(stands(&events, "2026-11-29T07:00:00Z"), State::Running);
    assert_eq!(stands(&events, "2026-11-30T06:00:00Z"), State::Overdue);
    events.push(answered(
        "2026-11-29T20:00:00Z",
        "early-warning",
        Answer::Advice { text: "鍵を替えてください".into() },
    ));
    let thread = report_of(events.clone()).record();
    assert_eq!(
        (thread.filings.len(), thread.replies.len(), thread.replies[0].stage.as_str()),
        (1, 1, "early-warning")
    );
    let met = State::Met { at: at("2026-11-29T20:00:00Z"), late: false, receipt: None };
    assert_eq!(stands(&events, "2026-12-30T06:00:00Z"), met);
}

#[test]
fn what_is_asked_for_is_owed_from_then_on() {
    let intermediate = ("eu.nis2", "intermediate", "csirt");
    let mut events = vec![aware("2026-11-29T00:00:00Z"), significant("2026-11-29T00:10:00Z")];
    let stands = |events: &[Event]| {
        let clock = duty(
            &report_of(events.to_vec()),
            &nis2_profile(),
            shipped(),
            intermediate,
            "2026-12-09T00:00:00Z",
        )
        .clock;
        (clock.state, clock.start)
    };
    assert_eq!(stands(&events), (State::Waiting, None));
    events.push(answered(
        "2026-12-01T00:00:00Z",
        "early-warning",
        Answer::Requested { text: "状況は".into() },
    ));
    assert_eq!(stands(&events), (State::Prompt, Some(at("2026-12-01T00:00:00Z"))));
    events.push(filed("2026-12-02T00:00:00Z", "eu.nis2", "intermediate", "csirt"));
    assert!(matches!(stands(&events).0, State::Met { .. }));
    events.push(answered(
        "2026-12-03T00:00:00Z",
        "intermediate",
        Answer::Requested { text: "もう一度".into() },
    ));
    assert_eq!(stands(&events), (State::Prompt, Some(at("2026-12-03T00:00:00Z"))));
}

#[test]
fn the_final_report_waits_for_what_still_goes_on() {
    let last = ("eu.nis2", "final", "csirt");
    let base = [
        aware("2026-11-29T00:00:00Z"),
        significant("2026-11-29T00:10:00Z"),
        filed("2026-11-30T00:00:00Z", "eu.nis2", "notification", "csirt"),
    ];
    let clock = |more: &[Event]| {
        let report = report_of(base.iter().chain(more).cloned());
        duty(&report, &nis2_profile(), shipped(), last, "2026-12-09T00:00:00Z").clock
    };
    // Nobody has said whether it goes on: the earlier deadline, and it is not certain. Brussels' day of 2026-12-30 ends at 23:00 UTC.
    let unsaid = clock(&[]);
    assert_eq!((unsaid.due, unsaid.certain), (Some(at("2026-12-30T23:00:00Z")), false));
    let over = clock(&[stated("2026-12-01T00:00:00Z", &[("ongoing", no())])]);
    assert_eq!((over.due, over.certain), (Some(at("2026-12-30T23:00:00Z")), true));
    let ongoing = stated("2026-12-01T00:00:00Z", &[("ongoing", yes())]);
    let goes_on = clock(std::slice::from_ref(&ongoing));
    assert_eq!((goes_on.state, goes_on.due), (State::Waiting, None));
    let handled =
        clock(&[ongoing, happened(Moment::Handled, "2026-12-20T00:00:00Z", "2026-12-20T01:00:00Z")]);
    assert_eq!(handled.due, Some(at("2027-01-20T23:00:00Z")));
}

#[test]
fn sixty_days_only_where_malice_is_known() {
    let due = |fields: &[(&str, Value)]| {
        let known = [("personal_data", yes()), ("strongly_encrypted", no()), ("sensitive_data", yes())];
        let fields: Vec<_> = known.iter().chain(fields).cloned().collect();
        let report = report_of([aware("2026-11-29T00:00:00Z"), stated("2026-11-29T00:10:00Z", &fields)]);
        let duty = duty(
            &report,
            &profile(&[("handles_personal_data", yes())]),
            shipped(),
            ("jp.ppc", "final", "ppc"),
            "2026-11-30T00:00:00Z",
        );
        (duty.clock.due.unwrap(), duty.clock.certain, duty.light)
    };
    // The source is not the law itself, so it is never green.
    assert_eq!(due(&[]), (at("2026-12-28T15:00:00Z"), false, Light::Uncertain));
    assert_eq!(due(&[("malicious", no())]), (at("2026-12-28T15:00:00Z"), true, Light::Uncertain));
    assert_eq!(due(&[("malicious", yes())]), (at("2027-01-27T15:00:00Z"), true, Light::Uncertain));
}

#[test]
fn an_unknown_deadline_is_never_green() {
    let profile = profile(&[("designated_operator", yes())]);
    let key = ("jp.designated", "report", "minister");
    let base =
        [event("2026-11-29T00:00:00Z", What::Kind { kind: Kind::Intrusion }), aware("2026-11-29T00:00:00Z")];
    let open = duty(&report_of(base.clone()), &profile, shipped(), key, "2026-11-30T00:00:00Z");
    assert_eq!(
        (open.verdict, open.clock.state.clone(), open.light),
        (Verdict::Applies, State::AskCounsel, Light::AskCounsel)
    );
    assert_eq!((open.verified, open.clock.due), (Verified::Unknown, None));
    let done = report_of(base.into_iter().chain([filed("2026-11-29T09:00:00Z", key.0, key.1, key.2)]));
    assert_eq!(duty(&done, &profile, shipped(), key, "2026-11-30T00:00:00Z").light, Light::Uncertain);
}

#[test]
fn a_law_binds_from_its_day_on() {
    let profile = profile(&[("designated_operator", yes())]);
    let verdict = |aware_at: &str, now| {
        let report = report_of([event(aware_at, What::Kind { kind: Kind::Intrusion }), aware(aware_at)]);
        duty(&report, &profile, shipped(), ("jp.designated", "report", "minister"), now).verdict
    };
    assert_eq!(verdict("2026-09-30T14:59:59Z", "2026-11-29T00:00:00Z"), Verdict::NotInForce);
    assert_eq!(verdict("2026-09-30T15:00:00Z", "2026-11-29T00:00:00Z"), Verdict::Applies);
}

#[test]
fn more_time_moves_the_deadline_and_never_back() {
    let extended = |until: &str| {
        event(
            "2026-11-29T01:00:00Z",
            What::Extended {
                regime: "eu.nis2".into(),
                stage: "early-warning".into(),
                until: at(until),
                reason: "当局の電話".into(),
            },
        )
    };
    let clock = |more: &[Event]| {
        let base = [aware("2026-11-29T00:00:00Z"), significant("2026-11-29T00:10:00Z")];
        duty(
            &report_of(base.iter().chain(more).cloned()),
            &nis2_profile(),
            shipped(),
            EARLY,
            "2026-11-30T01:00:00Z",
        )
        .clock
    };
    assert_eq!(clock(&[]).state, State::Overdue);
    let longer = clock(&[extended("2026-12-02T00:00:00Z")]);
    assert_eq!(
        (longer.due, longer.due_before_extension),
        (Some(at("2026-12-02T00:00:00Z")), Some(at("2026-11-30T00:00:00Z")))
    );
    assert_eq!(longer.state, State::Running);
    assert_eq!(clock(&[extended("2026-11-29T02:00:00Z")]).due, Some(at("2026-11-30T00:00:00Z")));
}

#[test]
fn a_second_account_of_a_moment_buys_no_time() {
    let due = |events: &[Event]| {
        duty(&report_of(events.to_vec()), &nis2_profile(), shipped(), EARLY, "2026-11-29T01:00:00Z").clock.due
    };
    let first = aware("2026-11-29T00:00:00Z");
    let later = happened(Moment::Aware, "2026-11-29T05:00:00Z", "2026-11-29T06:00:00Z");
    assert_eq!(due(&[first.clone(), later.clone()]), Some(at("2026-11-30T00:00:00Z")));
    let withdrawn = What::Withdrawn { event: first.id(), reason: "別の事案だった".into() };
    assert_eq!(
        due(&[first, later, event("2026-11-29T07:00:00Z", withdrawn)]),
        Some(at("2026-11-30T05:00:00Z"))
    );
}

#[test]
fn a_clock_that_is_ahead_buys_no_time_and_is_told_of() {
    let ahead = happened(Moment::Aware, "2026-12-05T00:00:00Z", "2026-11-29T00:00:00Z");
    let report = report_of([ahead.clone(), significant("2026-11-29T00:10:00Z")]);
    let duty = duty(&report, &nis2_profile(), shipped(), EARLY, "2026-11-29T12:00:00Z");
    assert_eq!(duty.clock.start, Some(at("2026-11-29T00:00:00Z")));
    assert_eq!(duty.clock.state, State::HalfTime);
    let codes = |now| -> Vec<(&str, Option<EventId>)> {
        findings(&report, shipped(), at(now))
            .into_iter()
            .map(|finding| (finding.code, finding.event))
            .collect()
    };
    assert_eq!(codes("2026-11-29T12:00:00Z"), [("clock-in-future", Some(ahead.id()))]);
    // Now lies before everything: the node's own clock went back.
    let back = codes("2026-11-28T00:00:00Z");
    assert!(back.iter().filter(|(code, _)| *code == "logged-in-future").count() == 2, "{back:?}");
    let early = crate::given::duty(&report, &nis2_profile(), shipped(), EARLY, "2026-11-28T00:00:00Z");
    assert_eq!(early.clock.elapsed(at("2026-11-28T00:00:00Z")), Some(jiff::SignedDuration::ZERO));
}

#[test]
fn a_report_written_offline_counts_from_awareness() {
    let offline = happened(Moment::Aware, "2026-11-29T00:00:00Z", "2026-11-29T20:00:00Z");
    let report = report_of([offline, significant("2026-11-29T20:00:00Z")]);
    let duty = duty(&report, &nis2_profile(), shipped(), EARLY, "2026-11-29T20:00:01Z");
    assert_eq!((duty.clock.due, duty.clock.state), (Some(at("2026-11-30T00:00:00Z")), State::HalfTime));
}

#[test]
fn an_update_is_owed_when_what_was_given_has_changed() {
    let update = ("jp.common.ransomware", "update", "police");
    let base = [
        event("2026-11-29T00:00:00Z", What::Kind { kind: Kind::Ransomware }),
        aware("2026-11-29T00:00:00Z"),
        stated("2026-11-29T00:10:00Z", &[("summary", text("暗号化された"))]),
    ];
    let stands = |more: &[Event]| {
        let report = report_of(base.iter().chain(more).cloned());
        duty(&report, &profile(&[]), shipped(), update, "2026-12-09T00:00:00Z").clock.state
    };
    assert_eq!(stands(&[]), State::Waiting);
    let first = filed("2026-11-29T01:00:00Z", "jp.common.ransomware", "first", "police");
    assert_eq!(stands(std::slice::from_ref(&first)), State::Unchanged);
    // What this form does not ask changes nothing for it.
    let beside = stated("2026-11-30T00:00:00Z", &[("publicity", text("公表した"))]);
    assert_eq!(stands(&[first.clone(), beside]), State::Unchanged);
    let within = stated("2026-11-30T00:00:00Z", &[("ransom_note", text("PAY"))]);
    assert_eq!(stands(&[first.clone(), within.clone()]), State::Prompt);
    let again = filed("2026-11-30T02:00:00Z", "jp.common.ransomware", "update", "police");
    assert_eq!(stands(&[first, within, again]), State::Unchanged);
}

#[test]
fn nobody_is_given_anything_without_consent() {
    let nco = ("jp.common.ransomware", "first", "nco");
    let base =
        [event("2026-11-29T00:00:00Z", What::Kind { kind: Kind::Ransomware }), aware("2026-11-29T00:00:00Z")];
    let verdict = |more: &[Event]| {
        let report = report_of(base.iter().chain(more).cloned());
        duty(&report, &profile(&[]), shipped(), nco, "2026-11-29T02:00:00Z").verdict
    };
    assert_eq!(verdict(&[]), Verdict::NeedsConsent);
    let consent = |given, logged| {
        event(
            logged,
            What::Consent {
                regime: "jp.common.ransomware".into(),
                recipient: "nco".into(),
                fields: regime::Fields::All,
                given,
            },
        )
    };
    let given = consent(true, "2026-11-29T00:30:00Z");
    assert_eq!(verdict(std::slice::from_ref(&given)), Verdict::Applies);
    assert_eq!(verdict(&[given, consent(false, "2026-11-29T00:40:00Z")]), Verdict::NeedsConsent);
}

#[test]
fn what_is_switched_off_asks_for_nothing() {
    let profile = profile(&[("circia_covered", yes())]);
    let report = report_of([
        happened(Moment::Believed, "2026-11-29T00:00:00Z", "2026-11-29T00:00:00Z"),
        stated("2026-11-29T00:10:00Z", &[("substantial", yes())]),
    ]);
    let key = ("us.circia", "incident", "cisa");
    let off = duty(&report, &profile, shipped(), key, "2026-12-29T00:00:00Z");
    assert_eq!((off.verdict, off.light), (Verdict::Disabled, Light::Off));
    let on = shipped_with("us-circia.toml", |text| text.replace("enabled = false", "enabled = true"));
    let on = duty(&report, &profile, &on, key, "2026-12-29T00:00:00Z");
    assert_eq!(
        (on.verdict, on.clock.state.clone(), on.light),
        (Verdict::Applies, State::Overdue, Light::Red)
    );
    assert_eq!(
        on.clock.overdue_by(at("2026-12-29T00:00:00Z")),
        jiff::SignedDuration::from_hours(30 * 24 - 72)
    );
}

/// One record, four regimes: an operator in Japan with customers in the Union, whose files were encrypted.
#[test]
fn one_incident_under_four_regimes() {
    let profile = profile(&[
        ("handles_personal_data", yes()),
        ("gdpr_controller", yes()),
        ("nis2_entity", text("important")),
        ("sectors", list(&["power"])),
    ]);
    let now = "2026-11-29T06:00:00Z";
    let report = report_of([
        event("2026-11-29T00:00:00Z", What::Kind { kind: Kind::Ransomware }),
        aware("2026-11-29T00:00:00Z"),
        stated(
            "2026-11-29T00:10:00Z",
            &[
                ("personal_data", yes()),
                ("strongly_encrypted", no()),
                ("malicious", yes()),
                ("significant", yes()),
                ("electrical_accident", no()),
                ("high_risk", no()),
                ("risk_unlikely", no()),
            ],
        ),
    ]);
    let owed: Vec<(String, String, String)> = duties(&report, &profile, shipped(), at(now))
        .into_iter()
        .filter(|duty| duty.verdict == Verdict::Applies && duty.clock.due.is_some())
        .map(|duty| (duty.regime, duty.stage, duty.clock.due.unwrap().to_string()))
        .collect();
    let expected = [
        ("eu.gdpr", "notification", "2026-12-02T00:00:00Z"),
        ("eu.nis2", "early-warning", "2026-11-30T00:00:00Z"),
        ("eu.nis2", "notification", "2026-12-02T00:00:00Z"),
        ("jp.ppc", "preliminary", "2026-12-03T15:00:00Z"),
        ("jp.ppc", "final", "2027-01-27T15:00:00Z"),
    ];
    assert_eq!(owed, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    let prompt: Vec<String> = duties(&report, &profile, shipped(), at(now))
        .into_iter()
        .filter(|duty| duty.verdict == Verdict::Applies && duty.clock.state == State::Prompt)
        .map(|duty| format!("{} {} {}", duty.regime, duty.stage, duty.recipient))
        .collect();
    let expected = [
        "jp.common.ransomware first police",
        "jp.common.ransomware first ppc",
        "jp.common.ransomware first ministry",
        "jp.ppc notice persons",
    ];
    assert_eq!(prompt, expected);
}

// ---- properties

const MOMENTS: [Moment; 4] = [Moment::Occurred, Moment::Aware, Moment::Believed, Moment::Handled];

fn instant() -> impl Strategy<Value = jiff::Timestamp> {
    // Three months from the day on which the tests' reports are opened, to the second.
    (0..8_000_000_i64).prop_map(|second| jiff::Timestamp::from_second(1_795_910_400 + second).unwrap())
}

fn any_event() -> impl Strategy<Value = Event> {
    let yes_no = prop_oneof![
        Just("significant"),
        Just("ongoing"),
        Just("malicious"),
        Just("personal_data"),
        Just("sensitive_data"),
        Just("strongly_encrypted"),
        Just("ransom_paid"),
        Just("gdpr_controller"),
        Just("high_risk"),
    ];
    let part = prop_oneof![
        Just(("eu.nis2", "early-warning", "csirt")),
        Just(("eu.nis2", "notification", "csirt")),
        Just(("eu.nis2", "final", "csirt")),
        Just(("jp.ppc", "preliminary", "ppc")),
        Just(("jp.common.ransomware", "first", "police")),
        Just(("eu.gdpr", "notification", "authority")),
    ];
    let what = prop_oneof![
        (0..4_usize, instant()).prop_map(|(n, at)| What::Happened { moment: MOMENTS[n], at }),
        (yes_no, proptest::option::of(proptest::bool::ANY)).prop_map(|(name, value)| {
            let value = value.map(Value::YesNo);
            What::Stated {
                fields: [(name.to_owned(), regime::Stated { value, provenance: regime::Provenance::Person })]
                    .into(),
            }
        }),
        (0..8_usize).prop_map(|n| What::Kind { kind: Kind::ALL[n] }),
        (part.clone(), instant()).prop_map(|((regime, stage, recipient), at)| What::Filed {
            regime: regime.into(),
            stage: stage.into(),
            recipient: recipient.into(),
            at,
            copy: "0".repeat(64),
        }),
        (part.clone(), instant(), proptest::bool::ANY).prop_map(|((regime, stage, recipient), at, asks)| {
            What::Answered {
                regime: regime.into(),
                stage: stage.into(),
                recipient: recipient.into(),
                at,
                answer: if asks { Answer::Requested { text: "?".into() } } else { Answer::Acknowledged },
            }
        }),
        (part, instant()).prop_map(|((regime, stage, _), until)| What::Extended {
            regime: regime.into(),
            stage: stage.into(),
            until,
            reason: "r".into(),
        }),
    ];
    (instant(), what).prop_map(|(logged, what)| Event { logged, by: None, what })
}

fn any_profile() -> Profile {
    profile(&[
        ("nis2_entity", text("essential")),
        ("gdpr_controller", yes()),
        ("handles_personal_data", yes()),
    ])
}

fn built(events: &[Event]) -> Report {
    report_of(events.iter().cloned())
}

fn all(report: &Report, now: jiff::Timestamp) -> Vec<Duty> {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    duties(report, PROFILE.get_or_init(any_profile), shipped(), now)
}

/// What a duty is at an instant, without the instant.
fn standing(duties: &[Duty]) -> Vec<(State, Light, Verdict)> {
    duties.iter().map(|duty| (duty.clock.state.clone(), duty.light, duty.verdict)).collect()
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(192))]

    #[test]
    fn the_order_of_arrival_changes_nothing(
        (events, shuffled) in vec(any_event(), 0..24).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        now in instant(),
    ) {
        let (a, b) = (built(&events), built(&shuffled));
        prop_assert_eq!(a.record(), b.record());
        prop_assert_eq!(all(&a, now), all(&b, now));
        // A report that was kept and read again, as after a restart, stands where it stood.
        let again = Report::from_json(&a.to_json()).unwrap();
        prop_assert_eq!(all(&again, now), all(&a, now));
    }

    #[test]
    fn half_time_lies_between_and_nothing_is_negative(events in vec(any_event(), 0..24), now in instant()) {
        for duty in all(&built(&events), now) {
            let clock = &duty.clock;
            if let (Some(start), Some(half), Some(due)) = (clock.start, clock.half_time, clock.due) {
                prop_assert!(start < due && start <= half && half < due, "{start} {half} {due}");
            }
            let zero = jiff::SignedDuration::ZERO;
            prop_assert!(clock.remaining(now).is_none_or(|left| left >= zero));
            prop_assert!(clock.elapsed(now).is_none_or(|gone| gone >= zero));
            prop_assert!(clock.overdue_by(now) >= zero);
            prop_assert!(duty.light != Light::Green || duty.verified == Verified::Law, "{duty:?}");
            if let (State::Overdue, Some(due)) = (&clock.state, clock.due) {
                prop_assert!(clock.overdue_by(now) == now.duration_since(due));
            }
        }
    }

    #[test]
    fn time_alone_only_brings_a_clock_forward(events in vec(any_event(), 0..24), a in instant(), b in instant()) {
        let (first, second) = (a.min(b), a.max(b));
        let report = built(&events);
        let rank = |state: &State| match state {
            State::Running => 1,
            State::HalfTime => 2,
            State::Overdue => 3,
            _ => 0,
        };
        for (before, after) in all(&report, first).iter().zip(all(&report, second)) {
            prop_assert!(rank(&before.clock.state) <= rank(&after.clock.state));
            prop_assert_eq!(before.clock.due, after.clock.due);
        }
    }

    #[test]
    fn nothing_changes_before_the_next_wake(events in vec(any_event(), 0..24), now in instant(), share in 0..1_000_i64) {
        let report = built(&events);
        let before = all(&report, now);
        match next_wake(&before, now) {
            Some(wake) => {
                prop_assert!(wake > now);
                let gap = wake.as_nanosecond() - now.as_nanosecond();
                let between = jiff::Timestamp::from_nanosecond(now.as_nanosecond() + gap * i128::from(share) / 1_000).unwrap();
                prop_assert_eq!(standing(&all(&report, between)), standing(&before));
                let last = jiff::Timestamp::from_nanosecond(wake.as_nanosecond() - 1).unwrap();
                prop_assert_eq!(standing(&all(&report, last)), standing(&before));
            }
            None => {
                let far = jiff::Timestamp::from_second(now.as_second() + 400_000_000).unwrap();
                prop_assert_eq!(standing(&all(&report, far)), standing(&before));
            }
        }
    }

    #[test]
    fn an_earlier_account_never_gives_more_time(events in vec(any_event(), 0..16), at in instant(), logged in instant(), now in instant()) {
        let before = built(&events);
        let more = Event { logged, by: None, what: What::Happened { moment: Moment::Aware, at } };
        let after = built(&events.into_iter().chain([more]).collect::<Vec<_>>());
        for (before, after) in all(&before, now).iter().zip(all(&after, now)) {
            if let (Some(a), Some(b)) = (before.clock.due, after.clock.due) {
                prop_assert!(b <= a, "{} {}: {a} became {b}", before.regime, before.stage);
            }
        }
    }
}
