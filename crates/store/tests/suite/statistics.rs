//! The log of statistics: statements byte for byte, corrections, what stands, and that the tree is theirs.

use std::collections::BTreeMap;

use oversight::authorisation::{Category, CategoryCounts, STATEMENT_KIND, Statement, Statistics, Told};
use store::statistics::{self, Published};
use store::trees::Tree;
use store::{Act, StoreError};
use tlog::{SigningKey, VerifyingKey, leaf_hash};

use crate::fixture::Council;
use crate::on_every_store;

on_every_store!(
    an_entry_is_the_statement_byte_for_byte,
    what_was_corrected_stands_no_more,
    the_same_is_published_once_and_corrected_once,
    altered_rows_are_found,
);

fn key() -> SigningKey {
    SigningKey::from_seed("commission.example/statistics", [7; 32]).unwrap()
}

/// A statement about a month of 2026 and those after it.
fn note(month: u32, months: u32, corrects: Option<&str>) -> String {
    let at = |month: u32| format!("2026-{month:02}-01T00:00:00Z").parse().unwrap();
    let none = CategoryCounts {
        requested: Told::Number(0),
        requested_in_emergency: Told::Number(0),
        granted: Told::Number(0),
        granted_in_emergency: Told::Number(0),
        refused: Told::Number(0),
        withdrawn: Told::Number(0),
        suspended: Told::Number(0),
        resumed: Told::Number(0),
        revoked: Told::Number(0),
        used: Told::Number(0),
        operators: Told::Few,
    };
    let statistics = Statistics {
        v: 1,
        log: "hub.example.jp/log/authorisations".to_owned(),
        size: 9,
        root: "00".repeat(32),
        from: at(month),
        until: at(month + months),
        suppressed_below: 5,
        corrects: corrects.map(|note| hex::encode(leaf_hash(note.as_bytes()))),
        categories: Category::ALL
            .iter()
            .map(|category| (*category, none.clone()))
            .collect::<BTreeMap<_, _>>(),
        all: none,
    };
    key().sign_statement(STATEMENT_KIND, std::str::from_utf8(&statistics.canonical()).unwrap())
}

fn read(note: &str) -> Statement {
    Statement::read(note, &[key().verifying_key()]).unwrap()
}

async fn append(council: &Council, note: &str, corrects: Option<u64>) -> Result<u64, StoreError> {
    let (statement, note) = (read(note), note.to_owned());
    council
        .store
        .write(move |tx| statistics::append(tx, (&statement, &note), corrects).map(Act::bookkeeping))
        .await
}

async fn page(council: &Council, before: Option<u64>, limit: usize) -> Vec<Published> {
    council.store.read(move |reader| statistics::page(reader, before, limit)).await.unwrap()
}

async fn an_entry_is_the_statement_byte_for_byte(council: Council) {
    let notes: Vec<String> = (1..=3).map(|month| note(month, 1, None)).collect();
    for (leaf, note) in (0..).zip(&notes) {
        assert_eq!(append(&council, note, None).await.unwrap(), leaf);
    }
    let council = council.reopen().await;
    let (entries, head, verified) = council
        .store
        .read(|reader| {
            let entries = Tree::Statistics.entries(reader, 0, 10)?;
            Ok((entries, Tree::Statistics.head(reader)?, Tree::Statistics.verified(reader)?))
        })
        .await
        .unwrap();
    let expected: Vec<Vec<u8>> = notes.iter().map(|note| note.clone().into_bytes()).collect();
    assert_eq!((entries, head, head.0), (expected, verified, 3));
    let all = page(&council, None, 10).await;
    let told: Vec<_> = all.iter().map(|found| (found.leaf, found.note.as_str())).collect();
    assert_eq!(told, [(2, &*notes[2]), (1, &*notes[1]), (0, &*notes[0])]);
    assert_eq!(all[0].statement, read(&notes[2]));
    let leaves = |found: Vec<Published>| found.into_iter().map(|found| found.leaf).collect::<Vec<_>>();
    assert_eq!(leaves(page(&council, Some(2), 1).await), [1]);
    let hash = leaf_hash(notes[1].as_bytes());
    let found = council.store.read(move |reader| {
        Ok((
            statistics::by_hash(reader, &hash)?,
            statistics::by_hash(reader, &[0; 32])?,
            statistics::get(reader, 7)?,
        ))
    });
    let (known, unknown, beyond) = found.await.unwrap();
    assert_eq!((known.map(|known| known.leaf), unknown, beyond), (Some(1), None, None));
}

async fn what_was_corrected_stands_no_more(council: Council) {
    let first = note(1, 3, None);
    append(&council, &first, None).await.unwrap();
    let within = async |month: u32, months: u32, except| {
        let told = read(&note(month, months, None)).statistics;
        let found = council
            .store
            .read(move |reader| statistics::standing_within(reader, (told.from, told.until), except));
        found.await.unwrap().map(|found| found.leaf)
    };
    assert_eq!(within(2, 1, None).await, Some(0));
    assert_eq!(within(3, 5, None).await, Some(0));
    assert_eq!(within(4, 1, None).await, None, "the next period begins where one ends");
    assert_eq!(within(1, 3, Some(0)).await, None, "but for the one that is corrected");
    append(&council, &note(2, 1, Some(&first)), Some(0)).await.unwrap();
    assert_eq!(within(1, 1, None).await, None, "it told of another period");
    assert_eq!(within(2, 1, None).await, Some(1));
    let told: Vec<_> =
        page(&council, None, 10).await.iter().map(|found| (found.corrects, found.corrected_by)).collect();
    assert_eq!(told, [(Some(0), None), (None, Some(1))]);
}

async fn the_same_is_published_once_and_corrected_once(council: Council) {
    let first = note(1, 1, None);
    append(&council, &first, None).await.unwrap();
    let code = |done: Result<u64, StoreError>| done.map_err(|error| error.code());
    assert_eq!(code(append(&council, &first, None).await), Err("exists"));
    assert_eq!(code(append(&council, &note(2, 1, Some(&first)), Some(0)).await), Ok(1));
    assert_eq!(code(append(&council, &note(3, 1, Some(&first)), Some(0)).await), Err("exists"));
    assert_eq!(council.store.read(statistics::verify).await.unwrap().0, 2, "what failed left no leaf");
    assert_eq!(code(append(&council, &note(3, 1, None), None).await), Ok(2));
}

async fn altered_rows_are_found(council: Council) {
    let first = note(1, 1, None);
    append(&council, &first, None).await.unwrap();
    append(&council, &note(1, 1, Some(&first)), Some(0)).await.unwrap();
    append(&council, &note(2, 1, None), None).await.unwrap();
    let other = SigningKey::from_seed("other.example/statistics", [1; 32]).unwrap();
    let other: VerifyingKey = other.verifying_key();
    for (alter, mend) in [
        ("corrects = NULL WHERE leaf = 1", "corrects = 0 WHERE leaf = 1"),
        ("corrects = 0 WHERE leaf = 2", "corrects = NULL WHERE leaf = 2"),
        ("period_from = period_from + 1 WHERE leaf = 0", "period_from = period_from - 1 WHERE leaf = 0"),
        ("leaf = 9 WHERE leaf = 2", "leaf = 2 WHERE leaf = 9"),
    ] {
        // A leaf is corrected once: the index must not stand in the way of the attempt.
        council.alter("DROP INDEX IF EXISTS statistics_log_by_correction");
        council.alter(&format!("UPDATE statistics_log SET {alter}"));
        let found = council.store.read(statistics::verify).await.map_err(|error| error.code());
        assert_eq!(found, Err("store-corrupt"), "{alter}");
        council.alter(&format!("UPDATE statistics_log SET {mend}"));
        assert_eq!(council.store.read(statistics::verify).await.unwrap().0, 3);
    }
    council.alter("INSERT INTO statistics_nodes SELECT 8, 0, hash FROM statistics_log WHERE leaf = 0");
    assert!(council.store.read(statistics::verify).await.is_err());
    council.alter("DELETE FROM statistics_nodes");
    council.alter(&format!("UPDATE statistics_log SET key = '{}' WHERE leaf = 0", other.encode()));
    assert!(council.store.read(statistics::verify).await.is_err());
}
