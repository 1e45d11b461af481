//! Sightings, cases and statuses.

use std::collections::BTreeSet;

use case::{Case, Entry, EntryKind, Severity, State};
use oversight::Realm;
use stix::marking::Tlp;
use store::sightings::{self, Sighting};
use store::{Act, cases, statuses};

use crate::fixture::{Council, START_US, organisation, seeing, stix_id};
use crate::on_every_store;

on_every_store!(
    sightings_are_taken_in_once_and_counted,
    cases_are_guarded_by_their_revision,
    statuses_are_their_submitters,
);

const LIVE: Realm = Realm::Live;
const MINUTE_US: i64 = 60_000_000;

fn at(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(START_US + micros).unwrap()
}

fn sighting(number: u64, label: i64, added: i64) -> Sighting {
    Sighting {
        id: stix_id("sighting", number),
        sequence: 0,
        indicator: stix_id("indicator", 1),
        organisation: organisation(if number.is_multiple_of(2) { "a" } else { "b" }),
        first_seen: at(added - 10),
        last_seen: at(added - 5),
        count: number + 1,
        severity: Severity::SEVERE,
        label,
        added: at(added),
        case: None,
        detail: "{}".to_owned(),
    }
}

async fn sightings_are_taken_in_once_and_counted(council: Council) {
    let (clear, red) = (council.clear, council.red);
    let added = council
        .store
        .write(move |tx| {
            let mut added = Vec::new();
            for number in 0..6 {
                let label = if number == 5 { red } else { clear };
                added.push(sightings::add(
                    tx,
                    &LIVE,
                    &sighting(number, label, i64::try_from(number).unwrap() * MINUTE_US / 2),
                )?);
            }
            added.push(sightings::add(tx, &LIVE, &Sighting { count: 99, ..sighting(0, clear, 0) })?);
            sightings::join_case(tx, &LIVE, &[stix_id("sighting", 0)], &stix_id("incident", 1))?;
            Ok(Act::bookkeeping(added))
        })
        .await
        .unwrap();
    assert_eq!(added, [true, true, true, true, true, true, false]);
    let (all, some) = (council.all(), seeing(&[clear]));
    council
        .store
        .read(move |reader| {
            let recent = sightings::recent(reader, &LIVE, &some, 2)?;
            assert_eq!(recent, [sighting(4, clear, 2 * MINUTE_US), sighting(3, clear, 3 * MINUTE_US / 2)]);
            let indicator = stix_id("indicator", 1);
            assert_eq!(sightings::times_seen(reader, &LIVE, &all, &indicator)?, 21);
            assert_eq!(sightings::times_seen(reader, &LIVE, &some, &indicator)?, 15);
            let minutes = |visible| sightings::per_minute(reader, &LIVE, visible, at(0), at(10 * MINUTE_US));
            assert_eq!(minutes(&some)?, [(at(0), 2), (at(MINUTE_US), 2), (at(2 * MINUTE_US), 1)]);
            assert_eq!(minutes(&all)?.last(), Some(&(at(2 * MINUTE_US), 2)));
            let by = sightings::per_organisation(reader, &LIVE, &some, at(MINUTE_US / 2))?;
            assert_eq!(by, [(organisation("a"), 2), (organisation("b"), 2)]);
            let loose = sightings::for_triage(reader, &LIVE, at(-1))?;
            assert_eq!(loose.len(), 5);
            assert!(sightings::exists(reader, &LIVE, &stix_id("sighting", 5))?);
            assert!(!sightings::exists(reader, &LIVE, &stix_id("sighting", 6))?);
            let joined = sightings::of_case(reader, &LIVE, &some, &stix_id("incident", 1), 9)?;
            assert_eq!(
                joined.iter().map(|one| one.case.clone()).collect::<Vec<_>>(),
                [Some(stix_id("incident", 1))]
            );
            assert!(sightings::recent(reader, &LIVE, &policy::Visible::default(), 9)?.is_empty());
            Ok(())
        })
        .await
        .unwrap();
    let missing = council
        .store
        .write(|tx| {
            Ok(Act::bookkeeping(sightings::join_case(
                tx,
                &LIVE,
                &[stix_id("sighting", 77)],
                &stix_id("incident", 1),
            )?))
        })
        .await;
    assert_eq!(missing.unwrap_err().code(), "not-found");
}

fn entry(kind: EntryKind) -> Entry {
    Entry { at: at(1), by: Some("p1".to_owned()), organisation: Some(organisation("a")), kind }
}

async fn cases_are_guarded_by_their_revision(council: Council) {
    let clear = council.clear;
    let case = |number: i64| Case {
        id: stix_id("incident", u64::try_from(number).unwrap()),
        realm: LIVE,
        number,
        title: "電力への攻撃".to_owned(),
        severity: Severity::SEVERE,
        state: State::Open,
        assignee: None,
        members: BTreeSet::from([organisation("a"), organisation("b")]),
        objects: BTreeSet::from([stix_id("indicator", 1)]),
        opened: at(0),
        changed: at(0),
        last_seen: at(0),
        marking: Tlp::AmberStrict,
        timeline: vec![entry(EntryKind::Opened { rule: "person".to_owned() })],
        revision: 1,
    };
    let (first, second) = council
        .store
        .write(move |tx| {
            let first = case(cases::next_number(tx, &LIVE)?);
            cases::insert(tx, &first, clear)?;
            let second = Case { severity: Severity::new(1).unwrap(), ..case(cases::next_number(tx, &LIVE)?) };
            cases::insert(tx, &second, clear)?;
            Ok(Act::bookkeeping((first, second)))
        })
        .await
        .unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    let mut changed =
        Case { revision: 2, title: "t".to_owned(), assignee: Some("p1".to_owned()), ..first.clone() };
    changed.timeline.push(entry(EntryKind::Note { text: "調査中".to_owned() }));
    let update = |case: Case, label, expected| {
        council.store.write(move |tx| Ok(Act::bookkeeping(cases::update(tx, &case, label, expected)?)))
    };
    update(changed.clone(), council.red, 1).await.unwrap();
    assert_eq!(update(Case { revision: 3, ..first.clone() }, clear, 1).await.unwrap_err().code(), "stale");
    assert_eq!(update(Case { revision: 2, ..first.clone() }, clear, 2).await.unwrap_err().code(), "stale");
    assert_eq!(
        update(Case { id: stix_id("incident", 9), ..first }, clear, 1).await.unwrap_err().code(),
        "not-found"
    );
    update(Case { state: State::Closed, revision: 2, ..second.clone() }, clear, 1).await.unwrap();
    let council = council.reopen().await;
    let (all, some, red) = (council.all(), seeing(&[clear]), council.red);
    council
        .store
        .read(move |reader| {
            assert_eq!(cases::get(reader, &LIVE, &all, &changed.id)?, Some((changed.clone(), red)));
            assert_eq!(cases::get(reader, &LIVE, &some, &changed.id)?, None);
            assert_eq!(
                cases::for_node(reader, &LIVE, &changed.id)?.map(|(case, _)| case),
                Some(changed.clone())
            );
            let numbers = |visible, state| -> Result<Vec<i64>, store::StoreError> {
                Ok(cases::list(reader, &LIVE, visible, state)?.iter().map(|(case, _)| case.number).collect())
            };
            assert_eq!(numbers(&all, None)?, [1, 2]);
            assert_eq!(numbers(&some, None)?, [2]);
            assert_eq!(numbers(&all, Some(State::Open))?, [1]);
            assert_eq!(cases::for_triage(reader, &LIVE)?, [(changed, red)]);
            Ok(())
        })
        .await
        .unwrap();
}

async fn statuses_are_their_submitters(council: Council) {
    let put = |id: &'static str, bytes: usize| {
        council
            .store
            .write(move |tx| Ok(Act::bookkeeping(statuses::put(tx, &LIVE, id, "t1", &vec![b'x'; bytes])?)))
    };
    let get = |id: &'static str, who: &'static str| {
        council.store.read(move |reader| Ok(statuses::get(reader, &LIVE, id, who)?.map(|body| body.len())))
    };
    put("s1", 3).await.unwrap();
    assert_eq!(put("s1", 3).await.unwrap_err().code(), "exists");
    assert_eq!(put("s2", statuses::STATUS_BYTES_MAX + 1).await.unwrap_err().code(), "too-large");
    assert_eq!((get("s1", "t1").await.unwrap(), get("s1", "t2").await.unwrap()), (Some(3), None));
    council.pass_time(24 * 60 * MINUTE_US);
    put("s3", 1).await.unwrap();
    assert_eq!(get("s1", "t1").await.unwrap(), Some(3), "a day has not passed");
    council.pass_time(1);
    put("s4", 1).await.unwrap();
    assert_eq!((get("s1", "t1").await.unwrap(), get("s3", "t1").await.unwrap()), (None, Some(1)));
}
