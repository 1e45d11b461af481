//! What people do to a case.

use case::{Case, Change, Entry, EntryKind, Refusal, State};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use crate::{case_of, minutes, opening, organisation, seen, severity};

fn apply(case: &mut Case, change: Change) -> Result<Vec<Entry>, Refusal> {
    case.apply(change, "hanako", &organisation("o"), minutes(10))
}

#[test]
fn a_change_leaves_an_entry_and_a_revision() {
    let mut case = case_of(1, &[seen(1, 1, &[], "a", 0)]);
    let entries = apply(&mut case, Change::Severity(severity(5))).unwrap();
    let kind = EntryKind::Severity { from: severity(3), to: severity(5) };
    let expected =
        Entry { at: minutes(10), by: Some("hanako".into()), organisation: Some(organisation("o")), kind };
    assert_eq!(entries, [expected]);
    assert_eq!((case.severity, case.revision, case.changed), (severity(5), 2, minutes(10)));
    assert_eq!(case.timeline.last(), entries.last());
    apply(&mut case, Change::Title("  別の題  ".into())).unwrap();
    assert_eq!(case.title, "別の題");
    apply(&mut case, Change::Assign(Some("taro".into()))).unwrap();
    assert_eq!(case.assignee.as_deref(), Some("taro"));
    apply(&mut case, Change::Assign(None)).unwrap();
    apply(&mut case, Change::Note("確認中です。\n続報します。".into())).unwrap();
    assert_eq!(case.revision, 6);
}

#[test]
fn what_changes_nothing_is_refused() {
    let mut case = case_of(1, &[]);
    let before = case.clone();
    let same = [
        Change::Title(case.title.clone()),
        Change::Severity(case.severity),
        Change::Assign(None),
        Change::Reopen,
    ];
    for change in same {
        assert_eq!(apply(&mut case, change), Err(Refusal::Nothing));
    }
    assert_eq!(case, before);
}

#[test]
fn texts_have_limits() {
    let mut case = case_of(1, &[]);
    let before = case.clone();
    let long = |limit: usize| "あ".repeat(limit + 1);
    let refused = [
        (Change::Title(long(200)), 200),
        (Change::Note(long(20_000)), 20_000),
        (Change::Note(" \n".into()), 20_000),
        (Change::Close(long(2_000)), 2_000),
        (Change::Close(String::new()), 2_000),
        (Change::Assign(Some(" ".into())), 200),
    ];
    for (change, limit) in refused {
        assert_eq!(apply(&mut case, change), Err(Refusal::Text { limit }));
    }
    assert_eq!(case, before);
    assert!(apply(&mut case, Change::Note("あ".repeat(20_000))).is_ok());
}

#[test]
fn a_closed_case_is_left_alone_until_it_is_opened_again() {
    let mut case = case_of(1, &[]);
    apply(&mut case, Change::Close("誤検知でした".into())).unwrap();
    assert_eq!(case.state, State::Closed);
    assert_eq!(apply(&mut case, Change::Note("?".into())), Err(Refusal::Closed));
    assert_eq!(apply(&mut case, Change::Close("again".into())), Err(Refusal::Closed));
    assert_eq!(case.join(&seen(1, 1, &[], "a", 0), minutes(11)), Err(Refusal::Closed));
    apply(&mut case, Change::Reopen).unwrap();
    assert_eq!(case.join(&seen(1, 1, &[], "a", 0), minutes(11)), Ok(true));
}

#[test]
fn a_sighting_joins_once() {
    let mut case = case_of(1, &[]);
    assert_eq!(case.join(&seen(1, 1, &[4], "a", 0), minutes(2)), Ok(true));
    let before = case.clone();
    assert_eq!(case.join(&seen(1, 1, &[4], "a", 0), minutes(3)), Ok(false));
    assert_eq!(case, before);
}

#[test]
fn severity_rises_by_itself_until_a_person_has_set_it() {
    let mut case = case_of(1, &[]);
    let grave = |number, level| {
        let mut seen = seen(number, 1, &[], "a", 0);
        seen.severity = severity(level);
        seen
    };
    case.join(&grave(1, 4), minutes(2)).unwrap();
    assert_eq!(case.severity, severity(4));
    case.join(&grave(2, 1), minutes(3)).unwrap();
    assert_eq!(case.severity, severity(4), "it does not fall by itself");
    apply(&mut case, Change::Severity(severity(1))).unwrap();
    case.join(&grave(3, 5), minutes(4)).unwrap();
    assert_eq!(case.severity, severity(1), "a person has judged");
}

#[test]
fn a_timeline_is_bounded_against_floods_but_not_against_people() {
    let mut case = case_of(1, &[]);
    for number in 0..u16::try_from(case::ENTRIES_MAX).unwrap() + 50 {
        case.join(&seen(number, 1, &[], "a", i64::from(number)), minutes(2)).unwrap();
    }
    assert_eq!(case.timeline.len(), case::ENTRIES_MAX);
    let last = i64::try_from(case::ENTRIES_MAX).unwrap() + 49;
    assert_eq!(case.last_seen, minutes(last), "it still knows when it was last seen");
    case.join(&seen(60_000, 1, &[], "z", 0), minutes(2)).unwrap();
    assert!(case.members.contains(&organisation("z")), "and where");
    apply(&mut case, Change::Note("続いている".into())).unwrap();
    assert_eq!(case.timeline.len(), case::ENTRIES_MAX + 1);
}

#[test]
fn a_person_opens_a_case_for_members() {
    let mut opening = opening(1);
    opening.by = Some(("hanako".into(), organisation("o")));
    opening.rule = "person".into();
    opening.members = [organisation("x"), organisation("y")].into();
    let case = Case::open(opening, &[seen(1, 1, &[], "a", 0)], minutes(3));
    let members: Vec<_> = case.members.iter().map(oversight::OrganisationId::as_str).collect();
    assert_eq!(members, ["a", "x", "y"]);
    assert_eq!(case.timeline[0].by.as_deref(), Some("hanako"));
}

fn changes() -> impl Strategy<Value = Change> {
    let words = || prop_oneof![Just(String::new()), "[a-c ]{0,3}"];
    prop_oneof![
        words().prop_map(Change::Title),
        (0..=5_u8).prop_map(|level| Change::Severity(severity(level))),
        proptest::option::of(words()).prop_map(Change::Assign),
        words().prop_map(Change::Note),
        words().prop_map(Change::Close),
        Just(Change::Reopen),
    ]
}

proptest! {
    /// However people and sightings come, and whatever the clock does: each change counts one revision with a later time, a
    /// refusal changes nothing, and the timeline only grows.
    #[test]
    fn every_change_is_told_and_no_other(steps in vec((prop_oneof![changes().prop_map(Some), Just(None)], any::<bool>(), -50..50_i64), 0..40)) {
        let mut case = case_of(1, &[]);
        for (number, (change, again, at)) in steps.into_iter().enumerate() {
            let before = case.clone();
            let changed = match change {
                Some(change) => case.apply(change, "p", &organisation("o"), minutes(at)).is_ok(),
                None => {
                    let number = if again { 1 } else { u16::try_from(number).unwrap() };
                    case.join(&seen(number, 1, &[], "a", at), minutes(at)) == Ok(true)
                }
            };
            if changed {
                assert_eq!(case.revision, before.revision + 1);
                assert!(case.changed.duration_since(before.changed).as_millis() >= 1);
                assert!(case.timeline.len() > before.timeline.len());
                assert!(case.timeline.starts_with(&before.timeline));
            } else {
                assert_eq!(case, before);
            }
        }
    }
}
