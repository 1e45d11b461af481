//! What is too large is refused or judged in bounded time.

use std::time::{Duration, Instant};

use cacao::{ParseError, Playbook};
use serde_json::json;

use crate::support::{Caller, Draft, World, action, codes, id};

/// Generous: the tests are compiled without optimisation, on machines that build other things.
const LONG: Duration = Duration::from_secs(20);

fn judged(draft: &Draft) -> Result<Vec<String>, ParseError> {
    let text = draft.0.to_string();
    let began = Instant::now();
    let read = Playbook::parse(text.as_bytes());
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    read.map(|playbook| codes(&playbook))
}

#[test]
fn ten_thousand_branches_are_refused() {
    let mut draft = Draft::new(&id("parallel", 1)).end(1);
    let branches: Vec<String> = (0..10_000).map(|number| id("action", number)).collect();
    draft = draft.step(
        &id("parallel", 1),
        json!({"type": "parallel", "next_steps": branches, "on_completion": id("end", 1)}),
    );
    assert_eq!(
        judged(&draft),
        Err(ParseError::TooMany { what: "branches of one step", count: 10_000, max: 64 })
    );
}

#[test]
fn ten_thousand_steps_are_refused() {
    let mut draft = Draft::new(&id("action", 1)).end(1);
    for number in 0..10_000 {
        draft.0["workflow"][id("action", number)] = action(&id("action", number + 1));
    }
    assert!(matches!(judged(&draft), Err(ParseError::TooMany { what: "steps", .. })));
}

#[test]
fn branches_that_share_everything_are_judged_quickly() {
    // Thirty forks of 64 branches each, all leading into one line of 1,900 steps.
    let mut draft = Draft::new(&id("parallel", 0)).end(1);
    for number in 0..1_900 {
        let next = if number == 1_899 { id("end", 1) } else { id("action", number + 1) };
        draft.0["workflow"][id("action", number)] = action(&next);
    }
    for fork in 0..30 {
        let next = if fork == 29 { id("end", 1) } else { id("parallel", fork + 1) };
        let branches: Vec<String> = (0..64).map(|number| id("action", number)).collect();
        let step = json!({"type": "parallel", "next_steps": branches, "on_completion": next});
        draft.0["workflow"][id("parallel", fork)] = step;
    }
    let codes = judged(&draft).unwrap();
    assert!(codes.contains(&"error too-many-branches".to_owned()), "{codes:?}");
}

#[test]
fn forks_within_forks_are_judged_quickly() {
    // Each branch of each fork opens the next fork: 2^40 ways through it.
    let mut draft = Draft::new(&id("parallel", 0)).end(1);
    for depth in 0..40 {
        let inner = if depth == 39 { id("end", 1) } else { id("parallel", depth + 1) };
        let step = json!({"type": "parallel", "next_steps": [inner, inner], "on_completion": id("end", 1)});
        draft.0["workflow"][id("parallel", depth)] = step;
    }
    let codes = judged(&draft).unwrap();
    assert!(codes.contains(&"error branches-too-deep".to_owned()), "{codes:?}");
}

#[test]
fn a_line_of_two_thousand_steps_runs() {
    let mut draft = Draft::new(&id("action", 1)).end(1);
    for number in 1..=1_997 {
        let next = if number == 1_997 { id("end", 1) } else { id("action", number + 1) };
        draft.0["workflow"][id("action", number)] = action(&next);
    }
    let mut caller = Caller::start(&draft.runnable(), &[], cacao::run::Values::default());
    let mut world = World::obliging();
    caller.finish(&mut world);
    assert_eq!(world.orders.len(), 1_997);
}

#[test]
fn long_and_deep_texts_are_refused() {
    let long = vec![b' '; cacao::PLAYBOOK_BYTES_MAX + 1];
    assert_eq!(Playbook::parse(&long).unwrap_err(), ParseError::TooLong(long.len()));
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(Playbook::parse(deep.as_bytes()).unwrap_err(), ParseError::TooDeep);
    let lists = format!("{{\"type\":\"playbook\",\"x\":{}{}}}", "[".repeat(40), "]".repeat(40));
    assert_eq!(Playbook::parse(lists.as_bytes()).unwrap_err(), ParseError::TooDeep);
}

#[test]
fn what_is_no_playbook() {
    for (text, code) in [
        ("", "playbook-json"),
        ("[]", "playbook-json"),
        ("{", "playbook-json"),
        ("{} x", "playbook-json"),
        ("{}", "not-a-playbook"),
        (r#"{"type":"bundle"}"#, "not-a-playbook"),
        (r#"{"type":7}"#, "not-a-playbook"),
    ] {
        assert_eq!(Playbook::parse(text.as_bytes()).unwrap_err().code(), code, "{text}");
    }
    assert_eq!(Playbook::parse(b"{\"type\":\"\xff\"}").unwrap_err().code(), "playbook-json");
}

#[test]
fn a_million_findings_are_a_thousand() {
    let list = json!(vec![0; 300_000]);
    let playbook = Draft::new(&id("action", 1)).action(1, &id("end", 1)).end(1).set("labels", list).parse();
    assert_eq!(playbook.findings().len(), cacao::FINDINGS_MAX + 1);
    assert!(!playbook.is_sound());
    assert!(codes(&playbook).contains(&"error too-many-findings".to_owned()));
}
