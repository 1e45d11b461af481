//! When an indicator is held back, and what becomes of that.

use super::*;
use crate::config::Quarantine;

fn id(number: u128) -> Id {
    Id::new("indicator", Uuid::from_u128(number))
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn tuning(limits: Quarantine) -> Tuning {
    Tuning::new(HashMap::new(), History::default(), limits)
}

const OFF: Quarantine = Quarantine { hosts_percent: 0, hosts_min: 1, matches_per_minute: 0 };

#[test]
fn an_indicator_that_hits_many_hosts_is_held_back_from_the_match_that_shows_it() {
    let tuning = tuning(Quarantine { hosts_percent: 40, hosts_min: 10, ..OFF });
    let known: Vec<u64> = (0..9).collect();
    tuning.saw_hosts(&known, at(0));
    // Nine hosts are known, which is too few to say anything.
    for host in 0..9 {
        assert_eq!(tuning.meet(&id(1), &[host], (at(0), at(0))), Standing { held: None, news: None });
    }
    tuning.saw_hosts(&[9], at(0));
    for host in 0..4 {
        assert_eq!(
            tuning.meet(&id(2), &[host], (at(0), at(0))).held,
            None,
            "four of ten are not more than 40 %"
        );
    }
    let standing = tuning.meet(&id(2), &[4], (at(0), at(0)));
    assert_eq!(standing.held, Some(State::Quarantined));
    assert_eq!(standing.news.unwrap().reason, Reason::Hosts { hit: 5, known: 10 });
    let again = tuning.meet(&id(2), &[4], (at(0), at(0)));
    assert_eq!(again, Standing { held: Some(State::Quarantined), news: None }, "it is told once");
}

#[test]
fn an_indicator_that_matches_too_often_in_a_minute_of_the_records_is_held_back() {
    let tuning = tuning(Quarantine { matches_per_minute: 3, ..OFF });
    let mut held = |second| tuning.meet(&id(1), &[], (at(second), at(100_000))).held.is_some();
    // 1,800,000,000 is the beginning of a minute.
    assert_eq!([0, 1, 2, 61, 62, 63].map(&mut held), [false; 6]);
    assert!(!held(5), "a record that comes late belongs to a minute that is over");
    assert!(held(64));
    // A clock at the year 9999 is no minute of its own.
    let far = "9999-12-30T00:00:00Z".parse().unwrap();
    assert_eq!(
        (0..4).map(|_| tuning.meet(&id(2), &[], (far, at(0))).held.is_some()).collect::<Vec<_>>(),
        [false, false, false, true]
    );
}

#[test]
fn what_a_person_decided_is_not_judged_again() {
    let tuning = tuning(Quarantine { matches_per_minute: 1, ..OFF });
    let verdict =
        |state| Verdict { state, reason: Reason::Person, note: String::new(), at: at(0), opinion: None };
    for (state, held) in [
        (State::Released, None),
        (State::Dismissed, Some(State::Dismissed)),
        (State::FalseAlarm, Some(State::FalseAlarm)),
    ] {
        tuning.set(&id(1), Some(verdict(state)));
        for _ in 0..5 {
            assert_eq!(tuning.meet(&id(1), &[], (at(0), at(0))), Standing { held, news: None }, "{state:?}");
        }
        assert!(tuning.hold_own(&[id(1)], at(0)).is_empty());
    }
    assert_eq!(tuning.hold_own(&[id(1), id(2)], at(0)).len(), 1);
}

#[test]
fn hosts_outlive_a_restart_and_end_after_a_month() {
    let folder = tempfile::tempdir().unwrap();
    let spool = crate::spool::Spool::open(folder.path()).unwrap();
    let position = spool.position_of_row("s").unwrap();
    let limits = Quarantine { hosts_percent: 10, hosts_min: 4, ..OFF };
    let before = tuning(limits);
    before.saw_hosts(&[1, 2, 3, u64::MAX], at(0));
    assert!(before.meet(&id(1), &[], (at(0), at(0))).held.is_none());
    let news = before.history_news();
    let kept = crate::spool::Kept { prevalence: Some(&news), ..crate::spool::Kept::default() };
    spool.keep("s", &position, &kept).unwrap();
    assert!(before.history_news().is_empty(), "it is written once");
    let restored = |now| Tuning::new(HashMap::new(), spool.history(now).unwrap(), limits);
    assert!(restored(at(3600)).meet(&id(1), &[1], (at(0), at(0))).held.is_some(), "one of four");
    assert!(restored(at(40 * 86_400)).meet(&id(1), &[1], (at(0), at(0))).held.is_none(), "one is known");
}

#[test]
fn what_strangers_can_grow_is_bounded() {
    let tuning = tuning(Quarantine { hosts_percent: 100, hosts_min: 1, ..OFF });
    let hosts: Vec<u64> = (0..200).collect();
    for number in 0..4000 {
        tuning.meet(&id(number), &hosts, (at(0), at(number as i64)));
    }
    let news = tuning.history_news();
    assert!(!news.forgotten.is_empty());
    // The last one is there with all its hosts.
    let last = tuning.history().met(&id(3999), &[], (at(0), at(4000)));
    assert_eq!((last.hosts_hit, last.hosts_known), (200, 200));
    let many: Vec<u64> = (0..100_000).collect();
    tuning.saw_hosts(&many, at(0));
    assert_eq!(tuning.history().met(&id(1), &many, (at(0), at(5000))).hosts_known, 65_536);
}
