//! What becomes of a sighting.

use std::collections::{BTreeMap, BTreeSet};

use case::{Case, Change, Rules, Seen, Severity, Triage, triage};
use proptest::collection::vec;
use proptest::prelude::{Strategy, proptest};
use proptest::sample::select;

use crate::{case_of, id, minutes, opening, organisation, seen, severity};

const DAY: i64 = 24 * 60;

fn check(new: &Seen, open: &[Case], recent: &[Seen], expected: &str) {
    let said = match triage(new, open, recent, &Rules::default()) {
        Triage::Nothing => "nothing".to_owned(),
        Triage::Join(case) => format!("join {}", case.as_str().chars().last().unwrap()),
        Triage::Open { rule, severity, with, .. } => format!("open {rule} {} {with:?}", severity.level()),
    };
    assert_eq!(said, expected);
}

#[test]
fn a_sighting_alone_is_no_case() {
    check(&seen(1, 1, &[], "a", 0), &[], &[], "nothing");
    check(&seen(1, 1, &[], "a", 0), &[], &[seen(2, 2, &[], "b", 0)], "nothing");
}

#[test]
fn one_indicator_at_two_members_is_a_case() {
    check(&seen(1, 1, &[], "a", 5), &[], &[seen(2, 1, &[], "b", 0)], "open several-members 3 [0]");
}

#[test]
fn one_thread_at_two_members_is_a_case() {
    let recent = [seen(2, 8, &[], "b", 0), seen(3, 2, &[7], "b", 0), seen(4, 3, &[9, 7], "c", 1)];
    check(&seen(1, 1, &[6, 7], "a", 5), &[], &recent, "open several-members 3 [1, 2]");
}

#[test]
fn the_same_member_twice_is_no_case() {
    check(&seen(1, 1, &[], "a", 5), &[], &[seen(2, 1, &[], "a", 0)], "nothing");
}

#[test]
fn what_is_too_far_apart_does_not_belong_together() {
    check(&seen(1, 1, &[], "a", DAY), &[], &[seen(2, 1, &[], "b", 0)], "open several-members 3 [0]");
    check(&seen(1, 1, &[], "a", DAY + 1), &[], &[seen(2, 1, &[], "b", 0)], "nothing");
    check(&seen(1, 1, &[], "a", 0), &[], &[seen(2, 1, &[], "b", DAY + 1)], "nothing");
}

#[test]
fn a_grave_indicator_is_a_case_alone_and_takes_what_belongs_to_it() {
    let mut new = seen(1, 1, &[], "a", 5);
    new.severity = Severity::SEVERE;
    check(&new, &[], &[], "open high-severity 4 []");
    check(&new, &[], &[seen(2, 1, &[], "a", 0)], "open high-severity 4 [0]");
    check(&new, &[], &[seen(2, 1, &[], "b", 0)], "open several-members 4 [0]");
    new.severity = severity(3);
    check(&new, &[], &[], "nothing");
    let mut graver = seen(2, 1, &[], "b", 0);
    graver.severity = severity(5);
    check(&new, &[], &[graver], "open several-members 5 [0]");
}

#[test]
fn a_sighting_joins_the_open_case_it_belongs_to() {
    let by_indicator = case_of(1, &[seen(2, 1, &[], "b", 0)]);
    let by_thread = case_of(2, &[seen(3, 9, &[7], "b", 10)]);
    let other = case_of(3, &[seen(4, 5, &[5], "b", 10)]);
    let cases = [by_indicator, other, by_thread];
    check(&seen(1, 1, &[], "a", 5), &cases, &[], "join 1");
    check(&seen(1, 4, &[7], "a", 5), &cases, &[], "join 2");
    check(&seen(1, 1, &[7], "a", 5), &cases, &[], "join 2"); // both: the one seen last
    check(&seen(1, 4, &[4], "a", 5), &cases, &[], "nothing");
    // A grave one joins too, rather than opening a second case for the same thing.
    let mut grave = seen(1, 1, &[], "a", 5);
    grave.severity = severity(5);
    check(&grave, &cases, &[], "join 1");
}

#[test]
fn a_case_that_is_closed_or_long_past_is_not_joined() {
    let mut case = case_of(1, &[seen(2, 1, &[], "b", 0)]);
    check(&seen(1, 1, &[], "a", DAY), &[case.clone()], &[], "join 1");
    check(&seen(1, 1, &[], "a", DAY + 1), &[case.clone()], &[], "nothing");
    case.apply(Change::Close("done".into()), "p", &organisation("o"), minutes(2)).unwrap();
    check(&seen(1, 1, &[], "a", 5), &[case], &[], "nothing");
}

#[test]
fn a_title_says_what_and_at_how_many() {
    let title = |name: &str, recent: &[Seen]| {
        let mut new = seen(1, 1, &[], "a", 5);
        new.severity = Severity::SEVERE;
        new.indicator_name = name.into();
        match triage(&new, &[], recent, &Rules::default()) {
            Triage::Open { title, .. } => title,
            other => panic!("{other:?}"),
        }
    };
    let recent = [seen(2, 1, &[], "b", 0), seen(3, 1, &[], "c", 0)];
    assert_eq!(title("C2: gate.example", &[]), "C2: gate.example");
    assert_eq!(title("C2: gate.example", &recent), "C2: gate.example — 3 組織 / organisations");
    assert_eq!(title(" ", &[]), id("indicator", 1).to_string());
    assert_eq!(title(&"長".repeat(5_000), &recent).chars().count(), case::TITLE_CHARS_MAX);
}

#[test]
fn a_flood_opens_a_case_of_bounded_size_with_the_latest() {
    let flood: Vec<Seen> = (0..3_000).map(|n| seen(n + 10, 1, &[], "b", i64::from(n % 1_400))).collect();
    match triage(&seen(1, 1, &[], "a", 1_400), &[], &flood, &Rules::default()) {
        Triage::Open { with, .. } => {
            assert_eq!(with.len(), case::WITH_MAX);
            assert!(with.is_sorted());
            let earliest_in = with.iter().map(|index| flood[*index].at).min().unwrap();
            let left_out =
                (0..flood.len()).filter(|index| !with.contains(index)).map(|index| flood[index].at).max();
            assert!(left_out.unwrap() <= earliest_in);
        }
        other => panic!("{other:?}"),
    }
}

fn sightings() -> impl Strategy<Value = Vec<Seen>> {
    let one = (0..6_u16, vec(0..4_u16, 0..3), select(vec!["a", "b", "c"]), 0..5_i64 * DAY, 0..=5_u8);
    vec(one, 0..40).prop_map(|all| {
        let seen =
            |(number, (indicator, threads, of, at, level)): (usize, (u16, Vec<u16>, &str, i64, u8))| {
                let mut seen = seen(u16::try_from(number).unwrap(), indicator, &threads, of, at);
                seen.severity = severity(level);
                seen
            };
        all.into_iter().enumerate().map(seen).collect()
    })
}

/// Related, said once more and apart from the code.
fn related(a: &Seen, b: &Seen) -> bool {
    let of = |seen: &Seen| -> BTreeSet<_> {
        seen.threads.iter().cloned().chain([seen.indicator.clone()]).collect()
    };
    !of(a).is_disjoint(&of(b))
}

proptest! {
    /// A council's life: sightings come one by one, are triaged, and become cases. What is in one case hangs together, and its
    /// members are those of its sightings and no others.
    #[test]
    fn what_stands_in_a_case_belongs_there(all in sightings()) {
        let rules = Rules::default();
        let (mut cases, mut alone): (Vec<Case>, Vec<Seen>) = (Vec::new(), Vec::new());
        let mut inside: BTreeMap<_, Vec<Seen>> = BTreeMap::new();
        for new in &all {
            match triage(new, &cases, &alone, &rules) {
                Triage::Nothing => alone.push(new.clone()),
                Triage::Join(case_id) => {
                    let case = cases.iter_mut().find(|case| case.id == case_id).unwrap();
                    assert!(new.at.duration_since(case.last_seen).abs() <= rules.window);
                    assert!(inside[&case_id].iter().any(|old| related(old, new)), "joined what is not related");
                    assert_eq!(case.join(new, new.at), Ok(true));
                    inside.get_mut(&case_id).unwrap().push(new.clone());
                }
                Triage::Open { rule, severity, with, title } => {
                    let mut first: Vec<Seen> = with.iter().map(|index| alone[*index].clone()).collect();
                    for old in &first {
                        assert!(related(old, new) && new.at.duration_since(old.at).abs() <= rules.window);
                    }
                    let members: BTreeSet<_> = first.iter().chain([new]).map(|seen| &seen.organisation).collect();
                    assert_eq!(rule == "several-members", members.len() >= rules.members_min);
                    assert!(rule == "several-members" || new.severity >= rules.severity_alone);
                    first.push(new.clone());
                    let number = u16::try_from(cases.len()).unwrap();
                    let opening = case::Opening { rule: rule.into(), title, severity, ..opening(number) };
                    let case = Case::open(opening, &first, new.at);
                    alone.retain(|seen| !first.contains(seen));
                    inside.insert(case.id.clone(), first);
                    cases.push(case);
                }
            }
        }
        for case in &cases {
            let sightings = &inside[&case.id];
            let members: BTreeSet<_> = sightings.iter().map(|seen| seen.organisation.clone()).collect();
            assert_eq!(case.members, members);
            assert_eq!(case.last_seen, sightings.iter().map(|seen| seen.at).max().unwrap());
            assert!(sightings.iter().all(|seen| case.objects.contains(&seen.sighting)));
            assert!(sightings.iter().all(|seen| seen.severity <= case.severity));
        }
        // Nothing that stands alone would have been a case of its own.
        assert!(alone.iter().all(|seen| seen.severity < rules.severity_alone));
    }
}
