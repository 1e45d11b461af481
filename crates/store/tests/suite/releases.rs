//! The release ledger: who was given what, also after a version got another place, and fast in a large ledger.

use std::time::Instant;

use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use stix::Id;
use store::releases::{self, Delivery, Release};
use store::{Act, audit};

use crate::fixture::{Council, indicator, organisation};
use crate::on_every_store;

on_every_store![
    a_row_says_to_whom_by_which_door_and_by_which_leaf,
    every_place_of_every_run_is_found_and_no_other,
    an_organisation_reads_page_by_page_what_it_was_given,
    what_was_withdrawn_and_taken_in_again_keeps_its_recipients,
    #[ignore = "writes a million rows"]
    a_million_rows_are_asked_quickly,
];

fn event() -> AuditEvent {
    AuditEvent::done(Action::ObjectsReleased, Actor::Node, Purpose::CollectiveDefence)
}

fn delivery(recipient: &str, door: &str, runs: &[(i64, i64)]) -> Delivery {
    Delivery {
        recipient: organisation(recipient),
        door: door.to_owned(),
        purpose: Purpose::CollectiveDefence,
        under: None,
        runs: runs.to_vec(),
        leaf: 0,
    }
}

async fn deliver(council: &Council, delivery: Delivery) -> u64 {
    let written = council.store.write(move |tx| {
        let leaf = audit::next_leaf(tx)?;
        releases::record(tx, &Realm::Live, &Delivery { leaf, ..delivery })?;
        Ok(Act::audited(leaf, &Realm::Live, event()))
    });
    written.await.unwrap()
}

async fn of_version(council: &Council, sequence: i64) -> Vec<Release> {
    council.store.read(move |reader| releases::of_version(reader, &Realm::Live, sequence)).await.unwrap()
}

async fn names(council: &Council, sequence: i64) -> Vec<String> {
    of_version(council, sequence).await.into_iter().map(|row| row.recipient.to_string()).collect()
}

async fn a_row_says_to_whom_by_which_door_and_by_which_leaf(council: Council) {
    council.add("agency", council.clear, vec![indicator(1), indicator(2), indicator(3)]).await;
    let first = deliver(&council, delivery("operator-a", "stream", &[(1, 1), (3, 3)])).await;
    council.pass_time(1_000_000);
    let again = deliver(&council, delivery("operator-a", "stream", &[(1, 1)])).await;
    deliver(&council, delivery("operator-b", "taxii-objects", &[(1, 3)])).await;
    let rows = of_version(&council, 1).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].recipient.as_str(), rows[0].door.as_str(), rows[0].times),
        ("operator-a", "stream", 2)
    );
    assert_eq!((rows[0].first_leaf, rows[0].last_leaf), (first, again));
    assert_eq!(rows[0].last_at.duration_since(rows[0].first_at).as_secs(), 1);
    assert_eq!(names(&council, 2).await, ["operator-b"]);
    assert_eq!(names(&council, 3).await, ["operator-a", "operator-b"]);
    assert!(names(&council, 4).await.is_empty());
    let rows = council.store.read(|reader| {
        audit::list(reader, &Realm::Live, &audit::AuditFilter { limit: 1, ..Default::default() })
    });
    assert_eq!(
        rows.await.unwrap()[0].leaf,
        again + 1,
        "the leaf that was announced is the leaf that was appended"
    );
}

async fn every_place_of_every_run_is_found_and_no_other(council: Council) {
    let objects = (1..=80).map(indicator).collect();
    council.add("agency", council.clear, objects).await;
    let runs = [(1, 1), (2, 3), (4, 6), (8, 15), (10, 10), (17, 33), (20, 60), (64, 80)];
    for (number, run) in runs.iter().enumerate() {
        deliver(&council, delivery(&format!("o{number}"), "stream", &[*run])).await;
    }
    for place in 1..=80_i64 {
        let expected: Vec<String> = runs
            .iter()
            .enumerate()
            .filter(|(_, (first, last))| (*first..=*last).contains(&place))
            .map(|(number, _)| format!("o{number}"))
            .collect();
        assert_eq!(names(&council, place).await, expected, "{place}");
    }
}

async fn an_organisation_reads_page_by_page_what_it_was_given(council: Council) {
    for place in [1_i64, 2, 3] {
        for door in ["edge", "stream", "taxii-objects"] {
            deliver(&council, delivery("operator-a", door, &[(place, place)])).await;
        }
        deliver(&council, delivery("operator-b", "stream", &[(place, place)])).await;
    }
    for limit in 1..=10 {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let read = council.store.read(move |reader| {
                releases::to_organisation(reader, &Realm::Live, &organisation("operator-a"), after, limit)
            });
            let (rows, next) = read.await.unwrap();
            assert!(rows.len() <= limit);
            seen.extend(rows.into_iter().map(|row| (row.first_sequence, row.door)));
            after = next;
            if next.is_none() {
                break;
            }
        }
        let expected: Vec<(i64, String)> = [3, 2, 1]
            .into_iter()
            .flat_map(|place| ["taxii-objects", "stream", "edge"].map(|door| (place, door.to_owned())))
            .collect();
        assert_eq!(seen, expected, "{limit} at a time");
    }
}

async fn what_was_withdrawn_and_taken_in_again_keeps_its_recipients(council: Council) {
    council.add("agency", council.clear, vec![indicator(1)]).await;
    deliver(&council, delivery("operator-a", "stream", &[(1, 1)])).await;
    let (collection, visible) = (council.collection, council.all());
    let id = Id::parse(indicator(1)["id"].as_str().unwrap()).unwrap();
    let removed = id.clone();
    let withdrawn = council.store.write(move |tx| {
        store::objects::remove(tx, &Realm::Live, collection, &visible, &removed)?;
        Ok(Act::audited((), &Realm::Live, event()))
    });
    withdrawn.await.unwrap();
    assert_eq!(names(&council, 1).await, ["operator-a"]);
    council.add("agency", council.clear, vec![indicator(1)]).await;
    deliver(&council, delivery("operator-b", "stream", &[(3, 3)])).await;
    for place in [1, 3] {
        assert_eq!(names(&council, place).await, ["operator-a", "operator-b"], "{place}");
    }
    let found = council.store.read(move |reader| releases::recipients(reader, &Realm::Live, &id));
    assert_eq!(found.await.unwrap().len(), 2);
}

/// Run it with `--ignored` for the figures.
async fn a_million_rows_are_asked_quickly(council: Council) {
    let objects: Vec<_> = (1..=2_000).map(indicator).collect();
    // The audit record of an act names what came in, and is bounded.
    for some in objects.chunks(500) {
        council.add("agency", council.clear, some.to_vec()).await;
    }
    let began = Instant::now();
    for block in 0..500_i64 {
        let written = council.store.write(move |tx| {
            for subscriber in 0..1_000_i64 {
                let first = 2 * block + 1;
                let run = if subscriber == 0 { (first, first + 1) } else { (first, first) };
                for run in if subscriber == 0 { vec![run] } else { vec![run, (first + 1, first + 1)] } {
                    releases::record(
                        tx,
                        &Realm::Live,
                        &delivery(&format!("o{subscriber:04}"), "stream", &[run]),
                    )?;
                }
            }
            Ok(Act::audited((), &Realm::Live, event()))
        });
        written.await.unwrap();
    }
    let rows = council.store.read(|reader| releases::size(reader, &Realm::Live)).await.unwrap();
    eprintln!("{rows} rows in {:?}", began.elapsed());
    let mut times = Vec::new();
    for place in (1..=1_000).step_by(50) {
        let began = Instant::now();
        assert_eq!(of_version(&council, place).await.len(), 1_000);
        times.push(began.elapsed());
    }
    times.sort();
    eprintln!("who was given one version (1,000 recipients): median {:?}, worst {:?}", times[10], times[19]);
    let mut times = Vec::new();
    for number in (0..1_000).step_by(50) {
        let began = Instant::now();
        let name = format!("o{number:04}");
        let read = council.store.read(move |reader| {
            releases::to_organisation(reader, &Realm::Live, &organisation(&name), None, 100)
        });
        assert_eq!(read.await.unwrap().0.len(), 100);
        times.push(began.elapsed());
    }
    times.sort();
    eprintln!("what one organisation was given (100 rows): median {:?}, worst {:?}", times[10], times[19]);
}
