//! Texts that claim to be CACAO playbooks: read, judged, kept byte for byte, and run where they may, every command answered with success.
#![no_main]

use std::sync::Arc;

use cacao::Playbook;
use cacao::run::{Answer, Effect, Event, Limits, Outcome, Person, Run, Start, Values, What};
use cacao::signature::{Runnable, Trust, Unsigned};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(playbook) = Playbook::parse(bytes) else { return };
    assert_eq!(playbook.bytes(), bytes);
    let trust = Trust { unsigned: Unsigned::Allow, ..Trust::default() };
    let Ok(runnable) = Runnable::check(Arc::new(playbook), &trust, Timestamp::UNIX_EPOCH) else { return };
    let requester = Person { person: "a".to_owned(), organization: "b".to_owned() };
    for dry_run in [true, false] {
        let limits = Limits { steps_max: 200, loop_turns_max: 5, ..Limits::default() };
        let (requester, arguments) = (requester.clone(), Values::default());
        let start = Start { run: "fuzz".to_owned(), requester, arguments, limits, dry_run };
        let Ok((run, started)) = Run::start(&runnable, &[], start, Timestamp::UNIX_EPOCH) else { return };
        let log = carry(run, started);
        Run::replay(std::slice::from_ref(&runnable), &log).expect("what happened can be replayed");
    }
});

fn carry(mut run: Run, started: Event) -> Vec<Event> {
    let mut log = vec![started];
    for _ in 0..2_000 {
        let Some(what) = run.next().into_iter().find_map(next) else { break };
        let answered = match &what {
            What::Dispatched { key, .. } => {
                Some(What::Answered { key: key.clone(), answer: Answer::Done { outputs: Values::default() } })
            }
            _ => None,
        };
        for what in std::iter::once(what).chain(answered) {
            let event = Event { at: Timestamp::MAX, what };
            run.apply(&event).expect("a run takes what it asked for");
            log.push(event);
        }
    }
    let ended: Option<&Outcome> = run.ended();
    assert!(ended.is_some() || !run.next().is_empty() || run.questions().next().is_some());
    log
}

fn next(effect: Effect) -> Option<What> {
    match effect {
        Effect::Record(what) => Some(what),
        Effect::Dispatch(order) => Some(What::Dispatched { key: order.key, hash: order.hash }),
        Effect::AskApproval(question) => {
            Some(What::ApprovalAsked { visit: question.visit, hash: question.hash })
        }
        Effect::Wait { timer, .. } => Some(What::TimerDue { timer }),
        Effect::Reconcile(_) => None,
    }
}
