//! The log of acts: appending durably, against raw inserts of the same bytes; what it costs an ingest; proofs out of it.
//!
//! `cargo bench -p store --bench log -- [entries]`
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "measuring/mod.rs"]
mod measuring;

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use oversight::{Action, Actor, AuditEvent, OrganisationId, Purpose, Realm};
use policy::Label;
use stix::Object;
use store::objects::{self, NewObject};
use store::trees::Tree;
use store::{Act, Options, Place, Store};

use measuring::{CPU_OF_SERVER, Outcome, cpu_seconds, measure, report};

/// Entries of one transaction.
const BATCH: usize = 1_000;
/// Proofs that are made.
const PROOFS: u64 = 20_000;
/// Turns in which an ingest is measured with the log and without it.
const TURNS: usize = 5;
/// Objects of an ingest whose overhead is measured, and how many share an act: as many as a common request brings.
const OBJECTS: usize = 20_000;
const OBJECTS_OF_AN_ACT: usize = 10;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let told = std::env::args().skip(1).find_map(|argument| argument.parse::<usize>().ok());
    let entries = told.unwrap_or(200_000);
    CPU_OF_SERVER.set(None).map_err(|_| "set twice")?;
    let folder =
        tempfile::tempdir_in(std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned()))?;
    let raw = folder.path().join("raw.sqlite");
    println!("{entries} entries, {BATCH} to a transaction, SQLite, synchronous=FULL");
    let limit = measure("limit: raw inserts of the same rows", entries, || raw_inserts(&raw, entries))?;
    let store = Store::open(Place::from(&folder.path().join("log")), Options::default())?;
    let ours = append(&store, entries).await?;
    println!(
        "  ratio to the limit: of the rates {:.2} (goal 0.8), per CPU-second {:.2}; goal 100,000 per second",
        ours.0 / limit.0,
        ours.1 / limit.1
    );
    proofs(&store).await?;
    proofs_from_tiles(&store, &folder.path().join("tiles")).await?;
    store.close().await;
    overhead(folder.path()).await
}

fn organisation() -> Outcome<OrganisationId> {
    Ok(OrganisationId::parse("coordinator").ok_or("a short name")?)
}

fn event(number: usize, organisation: &OrganisationId) -> AuditEvent {
    let actor = Actor::Program { id: "bench".to_owned(), organisation: organisation.clone() };
    AuditEvent::done(Action::ObjectsAdded, actor, Purpose::CollectiveDefence)
        .on([format!("#{number}")])
        .with("count", "1".to_owned())
}

async fn append(store: &Store, entries: usize) -> Outcome<(f64, f64)> {
    let organisation = organisation()?;
    let (start, before) = (Instant::now(), cpu_seconds());
    for first in (0..entries).step_by(BATCH) {
        let organisation = organisation.clone();
        let last = (first + BATCH).min(entries);
        store
            .write(move |_| {
                let events = (first..last).map(|number| event(number, &organisation)).collect();
                Ok(Act::audited_all((), &Realm::Live, events))
            })
            .await?;
    }
    Ok(report("ours: record, commitment, row, tree", entries, start, before))
}

/// Rows as long as those of the log, with its key and its three indexes.
fn raw_inserts(file: &Path, entries: usize) -> Outcome<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 20_000)?;
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.execute_batch(
        "CREATE TABLE audit (leaf INTEGER PRIMARY KEY, realm INTEGER NOT NULL, at INTEGER NOT NULL, action TEXT NOT NULL,
             outcome TEXT NOT NULL, actor_kind TEXT NOT NULL, actor TEXT, organisation TEXT, record BLOB NOT NULL,
             salt BLOB NOT NULL, hash BLOB NOT NULL);
         CREATE INDEX by_action ON audit (realm, action, leaf);
         CREATE INDEX by_organisation ON audit (realm, organisation, leaf);
         CREATE INDEX by_actor ON audit (realm, actor, leaf);",
    )?;
    let record = serde_json::to_vec(&event(0, &organisation()?))?;
    for first in (0..entries).step_by(BATCH) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO audit VALUES (?1, 1, ?2, 'objects_added', 'done', 'program', 'bench', 'coordinator', ?3, ?4, ?5)",
        )?;
        for number in first..(first + BATCH).min(entries) {
            let number = i64::try_from(number)?;
            insert.execute((number, number, &record, [7_u8; 32], [9_u8; 32]))?;
        }
        drop(insert);
        connection.execute_batch("COMMIT")?;
    }
    Ok(())
}

/// Proofs of entries from all over the log, each in a read of its own, and checked.
async fn proofs(store: &Store) -> Outcome<()> {
    let (size, root) = store.read(|reader| Tree::Acts.head(reader)).await?;
    let mut times = Vec::new();
    for turn in 0..PROOFS {
        let index = (turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16) % size;
        let asked = Instant::now();
        let (leaf, path) = store
            .read(move |reader| {
                let node = |level, place| Tree::Acts.node(reader, level, place).ok().flatten();
                let path = tlog::proof::inclusion(index, size, node);
                Ok((Tree::Acts.node(reader, 0, index)?, path))
            })
            .await?;
        times.push(asked.elapsed().as_micros());
        tlog::proof::verify_inclusion(&leaf.ok_or("a leaf")?, index, size, &path?, &root)?;
    }
    tell("rows", size, times);
    Ok(())
}

fn tell(out_of: &str, size: u64, mut times: Vec<u128>) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 1_000).copied().unwrap_or_default();
    println!(
        "inclusion proof from {out_of}, out of {size}: median {} µs, p99 {} µs, p99.9 {} µs",
        at(500),
        at(990),
        at(999)
    );
}

/// The same from the published files, as a stranger makes them who has nothing else: each proof reads its tiles anew.
async fn proofs_from_tiles(store: &Store, folder: &Path) -> Outcome<()> {
    let (size, root) = store.read(|reader| Tree::Acts.head(reader)).await?;
    let to = folder.to_owned();
    let written = store
        .read(move |reader| {
            for tile in tlog::tiles_to_write(0, size) {
                let content =
                    tile.content(|level, place| Tree::Acts.node(reader, level, place).ok().flatten());
                let path = to.join(tile.path());
                let made = path.parent().map(std::fs::create_dir_all).transpose();
                made.and_then(|_| std::fs::write(&path, content.unwrap_or_default()))?;
            }
            Ok(())
        })
        .await;
    written?;
    let mut times = Vec::new();
    for turn in 0..PROOFS {
        let index = (turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16) % size;
        let asked = Instant::now();
        let mut node =
            tlog::read_from_tiles(size, |tile: &tlog::Tile| std::fs::read(folder.join(tile.path())).ok());
        let leaf = node(0, index).ok_or("a leaf")?;
        let path = tlog::proof::inclusion(index, size, node)?;
        times.push(asked.elapsed().as_micros());
        tlog::proof::verify_inclusion(&leaf, index, size, &path, &root)?;
    }
    tell("tiles", size, times);
    Ok(())
}

/// What the log costs an ingest: the same objects with acts and without, by turns, the best of each.
async fn overhead(folder: &Path) -> Outcome<()> {
    let (mut with, mut without) = (0_f64, 0_f64);
    for turn in 0..TURNS {
        for audited in [true, false] {
            let store =
                Store::open(Place::from(&folder.join(format!("{turn}-{audited}"))), Options::default())?;
            let (start, before) = (Instant::now(), cpu_seconds());
            ingest(&store, audited).await?;
            let what = if audited { "ingest with the log" } else { "ingest without" };
            let rate = report(what, OBJECTS, start, before).1;
            let best = if audited { &mut with } else { &mut without };
            *best = best.max(rate);
            store.close().await;
        }
    }
    println!(
        "the log costs an ingest of {OBJECTS_OF_AN_ACT} objects an act {:.1} % of its rate per CPU-second (goal below 15 %)",
        (1.0 - with / without) * 100.0
    );
    Ok(())
}

async fn ingest(store: &Store, audited: bool) -> Outcome<()> {
    let originator = organisation()?;
    let collection = store
        .write(|tx| {
            let id = uuid::Uuid::from_u128(1);
            Ok(Act::bookkeeping(store::collections::add(tx, &Realm::Live, id, "all", "")?.key))
        })
        .await?;
    for first in (0..OBJECTS).step_by(OBJECTS_OF_AN_ACT * 100) {
        // A hundred requests at once share a commit, as they do in a hub.
        let acts = (first..first + OBJECTS_OF_AN_ACT * 100).step_by(OBJECTS_OF_AN_ACT).map(|first| {
            let (store, originator) = (store.clone(), originator.clone());
            tokio::spawn(async move { act(&store, collection, originator, first, audited).await })
        });
        for act in acts.collect::<Vec<_>>() {
            act.await?.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

async fn act(
    store: &Store,
    collection: i64,
    originator: OrganisationId,
    first: usize,
    audited: bool,
) -> Result<(), store::StoreError> {
    let objects: Vec<Object> = (first..first + OBJECTS_OF_AN_ACT).filter_map(object).collect();
    store
        .write(move |tx| {
            let mut new = Vec::with_capacity(objects.len());
            for object in objects {
                let label = Label::of(&object, &originator, &Realm::Live, |_| None);
                new.push(NewObject { object, label: store::labels::intern(tx, &label)? });
            }
            objects::add(tx, &Realm::Live, collection, &originator, &new)?;
            if !audited {
                return Ok(Act::bookkeeping(()));
            }
            Ok(Act::audited((), &Realm::Live, event(first, &originator)))
        })
        .await
}

fn object(number: usize) -> Option<Object> {
    let id = uuid::Uuid::from_u128((number as u128 + 1) << 80 | 0x4000_8000_0000_0000_0001);
    let text = format!(
        r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--{id}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"beacon {number}","pattern":"[domain-name:value = 'host{number}.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}}"#
    );
    Object::parse(Bytes::from(text)).ok()
}
