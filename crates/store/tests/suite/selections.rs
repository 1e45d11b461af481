//! What edges found under authorisations, as far as the store knows it; the ends of class keys; legal holds.

use oversight::Realm;
use store::authorisations::selections::{self, Kept, NewSelection, Page};
use store::holds::{self, Step};
use store::{Act, StoreError, Tx, retention};
use uuid::Uuid;

use crate::fixture::{Council, organisation};
use crate::on_every_store;

on_every_store!(
    selections_are_kept_once_and_paged,
    a_selection_is_replaced_where_it_was_not_changed,
    the_end_of_a_class_key_closes_it_and_takes_what_is_under_it,
    looks_and_anomalies_are_told_in_numbers,
    a_hold_takes_two_persons,
    what_is_sealed_stands_nowhere_else,
);

const LIVE: Realm = Realm::Live;

fn new(id: u128, authorisation: u128, operator: &str) -> NewSelection {
    NewSelection {
        id: Uuid::from_u128(id),
        authorisation: Uuid::from_u128(authorisation),
        operator: organisation(operator),
        edge: format!("{operator}-1"),
        class_key: format!("{}/2026-11-01/r", Uuid::from_u128(authorisation)),
        sealed: format!("YVR\u{1} {id}").into_bytes(),
    }
}

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    council.store.write(move |tx| f(tx).map(Act::bookkeeping)).await
}

async fn add(council: &Council, new: NewSelection) -> Result<(), StoreError> {
    write(council, move |tx| selections::add(tx, &LIVE, &new)).await
}

async fn page(
    council: &Council,
    authorisation: u128,
    operator: Option<&'static str>,
    before: Option<u64>,
) -> Vec<Kept> {
    let read = council.store.read(move |reader| {
        let operator = operator.map(organisation);
        let page = Page { before, operator: operator.as_ref(), limit: 2 };
        selections::page(reader, &LIVE, Uuid::from_u128(authorisation), &page)
    });
    read.await.unwrap()
}

fn numbers(kept: &[Kept]) -> Vec<u64> {
    kept.iter().map(|kept| kept.number).collect()
}

async fn selections_are_kept_once_and_paged(council: Council) {
    for (id, operator) in [(1, "harbour"), (2, "kinki-power"), (3, "harbour"), (4, "harbour")] {
        add(&council, new(id, 7, operator)).await.unwrap();
    }
    add(&council, new(9, 8, "harbour")).await.unwrap();
    let again = add(&council, new(3, 7, "harbour")).await.unwrap_err();
    assert!(matches!(again, StoreError::Exists { .. }), "{again}");
    let moved = add(&council, new(3, 8, "harbour")).await.unwrap_err();
    assert!(matches!(moved, StoreError::Exists { .. }), "an id is one in all authorisations: {moved}");
    let council = council.reopen().await;
    assert_eq!(numbers(&page(&council, 7, None, None).await), [4, 3]);
    assert_eq!(numbers(&page(&council, 7, None, Some(3)).await), [2, 1]);
    assert_eq!(numbers(&page(&council, 7, Some("harbour"), Some(4)).await), [3, 1]);
    assert_eq!(numbers(&page(&council, 8, None, None).await), [1]);
    assert_eq!(numbers(&page(&council, 9, None, None).await), [0; 0]);
    council.pass_time(3_600_000_000);
    add(&council, new(5, 7, "harbour")).await.unwrap();
    let told = council.store.read(|reader| {
        let id = Uuid::from_u128(7);
        let key = format!("{id}/2026-11-01/r");
        Ok((
            selections::tallies(reader, &LIVE, id)?,
            selections::kept(reader, &LIVE, id)?,
            selections::under(reader, &key, "harbour-1")?,
            selections::ids_under(reader, &key)?.len(),
            selections::by_id(reader, &LIVE, Uuid::from_u128(3))?,
        ))
    });
    let (tallies, kept, under, ids, third) = told.await.unwrap();
    let tallies: Vec<_> = tallies
        .iter()
        .map(|tally| (tally.hour.to_string(), tally.operator.to_string(), tally.taken))
        .collect();
    let tally = |hour: &str, operator: &str, taken| (hour.to_owned(), operator.to_owned(), taken);
    assert_eq!(
        tallies,
        [
            tally("2026-11-01T01:00:00Z", "harbour", 1),
            tally("2026-11-01T00:00:00Z", "harbour", 3),
            tally("2026-11-01T00:00:00Z", "kinki-power", 1),
        ]
    );
    assert_eq!((kept, under, ids), (5, (4, 5), 5));
    assert_eq!(third.unwrap().selection, new(3, 7, "harbour"));
    let large = NewSelection { sealed: vec![0; selections::SEALED_BYTES_MAX + 1], ..new(6, 7, "harbour") };
    assert!(matches!(add(&council, large).await.unwrap_err(), StoreError::Limit { .. }));
}

async fn a_selection_is_replaced_where_it_was_not_changed(council: Council) {
    add(&council, new(1, 7, "harbour")).await.unwrap();
    let before = page(&council, 7, None, None).await.remove(0);
    let replace = |sealed: &'static [u8]| {
        let before = before.clone();
        write(&council, move |tx| selections::replace(tx, &LIVE, &before, sealed))
    };
    replace(b"more").await.unwrap();
    let late = replace(b"other").await.unwrap_err();
    assert!(matches!(late, StoreError::Stale { .. }), "{late}");
    let after = page(&council, 7, None, None).await.remove(0);
    assert_eq!(
        after,
        Kept {
            selection: NewSelection { sealed: b"more".to_vec(), ..before.selection.clone() },
            ..before.clone()
        }
    );
    let taken = council.store.read(|reader| selections::tallies(reader, &LIVE, Uuid::from_u128(7)));
    assert_eq!(taken.await.unwrap()[0].taken, 1, "it is the same one");
}

async fn the_end_of_a_class_key_closes_it_and_takes_what_is_under_it(council: Council) {
    let (one, other) = (new(1, 7, "harbour"), new(2, 8, "harbour"));
    let key = one.class_key.clone();
    let authorisation = one.authorisation.to_string();
    add(&council, one).await.unwrap();
    add(&council, other).await.unwrap();
    let decide = |key: String, authorisation: String| {
        write(&council, move |tx| retention::decide(tx, &LIVE, (&key, &authorisation), "{intent}"))
    };
    decide(key.clone(), authorisation.clone()).await.unwrap();
    let twice = decide(key.clone(), authorisation.clone()).await.unwrap_err();
    assert!(matches!(twice, StoreError::Exists { .. }));
    let late = add(&council, new(3, 7, "harbour")).await.unwrap_err();
    assert!(matches!(late, StoreError::Stale { .. }), "nothing comes under it any more: {late}");
    let before = page(&council, 7, None, None).await.remove(0);
    let late = write(&council, move |tx| selections::replace(tx, &LIVE, &before, b"more")).await.unwrap_err();
    assert!(matches!(late, StoreError::Stale { .. }), "{late}");
    let council = council.reopen().await;
    let certify = |key: String, authorisation: String| {
        write(&council, move |tx| retention::certify(tx, &LIVE, (&key, &authorisation), "{certificate}"))
    };
    assert_eq!(certify(key.clone(), authorisation.clone()).await.unwrap(), 1);
    let twice = certify(key.clone(), authorisation.clone()).await.unwrap_err();
    assert!(matches!(twice, StoreError::Exists { .. }));
    assert_eq!(certify("x/2026-11-01/r".to_owned(), "x".to_owned()).await.unwrap(), 0, "without a decision");
    assert!(page(&council, 7, None, None).await.is_empty());
    assert_eq!(page(&council, 8, None, None).await.len(), 1, "the other's stays");
    let read = council.store.read(|reader| {
        let id = Uuid::from_u128(7);
        let ends = retention::of_authorisation(reader, &LIVE, id)?;
        Ok((ends, selections::tallies(reader, &LIVE, id)?, selections::sealed_after(reader, ("", 0), 10)?))
    });
    let (ends, tallies, sealed) = read.await.unwrap();
    assert_eq!((ends.len(), &ends[0].class_key), (1, &key));
    assert_eq!(ends[0].intent.as_deref(), Some("{intent}"));
    assert_eq!(ends[0].certificate.as_deref(), Some("{certificate}"));
    assert_eq!(tallies[0].taken, 1, "how much there was is told all the same");
    assert_eq!(sealed.len(), 1);
    let (after, number, _) = sealed[0].clone();
    let rest = council.store.read(move |reader| selections::sealed_after(reader, (&after, number), 10));
    assert_eq!(rest.await.unwrap(), []);
}

async fn looks_and_anomalies_are_told_in_numbers(council: Council) {
    let id = Uuid::from_u128(7);
    for (organisation_name, given) in [("npa", 0), ("npa", 57), ("harbour", 1)] {
        let noted = write(&council, move |tx| {
            let who = organisation(organisation_name);
            selections::note_look(tx, &LIVE, id, (&who, "p-1"), (given, 3))
        });
        noted.await.unwrap();
    }
    let note = |kind: &'static str| {
        write(&council, move |tx| {
            selections::note_anomaly(tx, &LIVE, id, (&organisation("harbour"), "harbour-1"), kind)
        })
    };
    assert!(note("wider").await.unwrap() && note("flood").await.unwrap());
    assert!(!note("wider").await.unwrap() && !note("wider").await.unwrap());
    council.pass_time(86_400_000_000);
    assert!(note("wider").await.unwrap(), "on the next day it is told again");
    let read = council.store.read(move |reader| {
        Ok((selections::looks(reader, &LIVE, id)?, selections::anomalies(reader, &LIVE, id)?))
    });
    let (looks, anomalies) = read.await.unwrap();
    let looks: Vec<_> = looks.iter().map(|look| (look.organisation.as_str(), look.given)).collect();
    assert_eq!(looks, [("harbour", 1), ("npa", 10), ("npa", 0)]);
    let anomalies: Vec<_> = anomalies.iter().map(|anomaly| (anomaly.kind.as_str(), anomaly.times)).collect();
    assert_eq!(anomalies, [("wider", 1), ("flood", 1), ("wider", 3)]);
}

async fn a_hold_takes_two_persons(council: Council) {
    let ask = |id: &'static str, person: &'static str| {
        write(&council, move |tx| holds::ask(tx, &LIVE, id, ("{scope}", "a court"), person))
    };
    let place = |id: &'static str, person: &'static str| {
        write(&council, move |tx| holds::place(tx, &LIVE, id, person))
    };
    let lift = |id: &'static str, person: &'static str| {
        write(&council, move |tx| holds::lift(tx, &LIVE, id, person))
    };
    ask("h", "one").await.unwrap();
    assert!(matches!(place("h", "one").await.unwrap_err(), StoreError::Exists { .. }));
    assert!(matches!(place("none", "two").await.unwrap_err(), StoreError::NotFound { .. }));
    place("h", "two").await.unwrap();
    assert!(matches!(place("h", "three").await.unwrap_err(), StoreError::Stale { .. }));
    assert_eq!(lift("h", "two").await.unwrap(), Step::Asked);
    assert!(matches!(lift("h", "two").await.unwrap_err(), StoreError::Exists { .. }));
    let held = council.store.read(|reader| holds::get(reader, &LIVE, "h")).await.unwrap().unwrap();
    assert!(held.lifted.is_none() && held.placed.is_some_and(|(person, _)| person == "two"));
    assert_eq!(lift("h", "three").await.unwrap(), Step::Done);
    assert!(matches!(lift("h", "four").await.unwrap_err(), StoreError::Stale { .. }));
    ask("taken-back", "one").await.unwrap();
    assert_eq!(lift("taken-back", "one").await.unwrap(), Step::Done, "what does not hold yet is taken back");
    assert!(matches!(place("taken-back", "two").await.unwrap_err(), StoreError::Stale { .. }));
}

/// No index, log or other table has a copy: the text stands in the database once, in the column that is for it.
async fn what_is_sealed_stands_nowhere_else(council: Council) {
    let planted = NewSelection { sealed: b"planted-in-the-sealed-column".to_vec(), ..new(1, 7, "harbour") };
    add(&council, planted).await.unwrap();
    let folder = council.folder.path().to_owned();
    if council.server.is_some() {
        return;
    }
    council.store.close().await;
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        found += bytes.windows(28).filter(|window| *window == b"planted-in-the-sealed-column").count();
    }
    assert_eq!(found, 1);
}
