//! Durable ingest and pages out, against the limit that raw batched inserts of the same bytes set in the same run.
//!
//! `cargo bench -p store --bench ingest -- [objects] [objects to a transaction] [postgres]`; the limit has 10,000 to a transaction always.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

#[path = "on_server/limit.rs"]
mod limit;
#[path = "measuring/mod.rs"]
mod measuring;
#[path = "../tests/suite/server.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what is measured does not crash; the rest is of tests"
)]
mod server;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use policy::{Engine, Label, LabelKey, Personal, Principal, PrincipalKind, Visible};
use stix::Object;
use store::objects::{self, Filter, NewObject, SearchFilter};
use store::{Act, Options, Place, Store};

use measuring::{CPU_OF_SERVER, Outcome, cpu_seconds, measure, report};

/// Objects of one transaction, unless told.
const BATCH: usize = 1_000;
/// Objects of one transaction of the limit.
const LIMIT_BATCH: usize = 10_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    // Cargo hands on flags of its own.
    let mut told = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let count = told.next().unwrap_or(100_000);
    let batch = told.next().unwrap_or(BATCH).max(1);
    let texts: Vec<Bytes> = (0..count).map(indicator).collect();
    let bytes = texts.iter().map(Bytes::len).sum::<usize>() / count.max(1);
    let server = server_if_asked()?;
    let (kind, indexes) = if server.is_some() {
        ("PostgreSQL, fsync", "COPY")
    } else {
        ("SQLite, synchronous=FULL", "inserts")
    };
    println!("{count} indicators of {bytes} B, {batch} to a transaction, {kind}");
    CPU_OF_SERVER.set(server.as_ref().map(process_id).transpose()?).map_err(|_| "set twice")?;
    let folder =
        tempfile::tempdir_in(std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned()))?;
    let raw = folder.path().join("raw.sqlite");
    let limit =
        measure(&format!("limit: raw {indexes}, 3 indexes, {LIMIT_BATCH} to a transaction"), count, || {
            match &server {
                Some(server) => std::thread::scope(|scope| {
                    let copied =
                        scope.spawn(|| limit::raw_copies(server, &texts).map_err(|error| error.to_string()));
                    Ok(copied.join().map_err(|_| "the copying thread failed")??)
                }),
                None => raw_inserts(&raw, &texts),
            }
        })?;
    measure("  of ours: parse and canonical hash", count, || {
        for text in &texts {
            std::hint::black_box(Object::parse(text.clone())?.canonical_hash());
        }
        Ok(())
    })?;
    let engine = Engine::compile(&Engine::built_in())?;
    let place = match &server {
        Some(server) => Place::parse(&server.address()),
        None => Place::from(&folder.path().join("store")),
    };
    let store = Store::open(place, Options::default())?;
    let start = Instant::now();
    let before = cpu_seconds();
    let council = ingest(&store, &texts, batch).await?;
    let ours = report("ours: parse, label, add, audit", count, start, before);
    println!(
        "  ratio to the limit: of the rates {:.2}, per CPU-second {:.2} (goal 0.4)",
        ours.0 / limit.0,
        ours.1 / limit.1
    );
    if let Some(server) = &server {
        // What the server does by itself within a minute.
        server.alter("ANALYZE");
    }
    let visible = coordinator_sees(&engine, &store, &council).await?;
    for deep in [false, true] {
        pages_out(&store, &council, &visible, count, deep).await?;
    }
    for query in ["host77", "活動 host1234", "beacon"] {
        search(&store, &visible, query).await?;
    }
    store.close().await;
    Ok(())
}

/// PostgreSQL that keeps what it acknowledges, where an argument asks for it.
fn server_if_asked() -> Outcome<Option<server::Server>> {
    if !std::env::args().any(|argument| argument == "postgres") {
        return Ok(None);
    }
    let server = server::Server::start_with(&["fsync=on", "shared_buffers=256MB", "max_wal_size=4GB"]);
    Ok(Some(server.ok_or("PostgreSQL is not installed")?))
}

struct Council {
    collection: i64,
    labels: Vec<(LabelKey, Label)>,
}

async fn ingest(store: &Store, texts: &[Bytes], batch: usize) -> Outcome<Council> {
    let originator = OrganisationId::parse("coordinator").ok_or("a short name")?;
    let collection = store
        .write(|tx| {
            let id = uuid::Uuid::from_u128(1);
            Ok(Act::bookkeeping(store::collections::add(tx, &Realm::Live, id, "all", "")?.key))
        })
        .await?;
    for batch in texts.chunks(batch) {
        let originator = originator.clone();
        let parsed: Vec<(Object, Label)> = batch
            .iter()
            .map(|text| {
                let object = Object::parse(text.clone())?;
                let label = Label::of(&object, &originator, &Realm::Live, |_| None);
                Ok((object, label))
            })
            .collect::<Result<_, stix::ParseError>>()?;
        store
            .write(move |tx| {
                let mut known: Vec<(Label, LabelKey)> = Vec::new();
                let mut new = Vec::with_capacity(parsed.len());
                for (object, label) in parsed {
                    let key = match known.iter().find(|(l, _)| *l == label) {
                        Some((_, key)) => *key,
                        None => {
                            let key = store::labels::intern(tx, &label)?;
                            known.push((label, key));
                            key
                        }
                    };
                    new.push(NewObject { object, label: key });
                }
                let outcomes = objects::add(tx, &Realm::Live, collection, &originator, &new)?;
                let actor = Actor::Program { id: "bench".to_owned(), organisation: originator };
                let event = AuditEvent::done(Action::ObjectsAdded, actor, Purpose::CollectiveDefence)
                    .on(["#1-1000"])
                    .with("count", outcomes.len().to_string());
                Ok(Act::audited(outcomes, &Realm::Live, event))
            })
            .await?;
    }
    let labels = store.read(|reader| store::labels::all(reader, &Realm::Live)).await?;
    Ok(Council { collection, labels })
}

async fn coordinator_sees(engine: &Engine, store: &Store, council: &Council) -> Outcome<Visible> {
    let principal = Principal {
        kind: PrincipalKind::Person("p".to_owned()),
        organisation: OrganisationId::parse("coordinator").ok_or("a short name")?,
        organisation_role: OrganisationRole::Coordinator,
        roles: BTreeSet::from([PersonRole::Analyst]),
        realm: Realm::Live,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    let visible = engine.visible(&principal, council.labels.iter().map(|(key, label)| (*key, label)));
    let count_of = visible.clone();
    let count = store.read(move |reader| objects::count(reader, &Realm::Live, &count_of, &[])).await?;
    println!("the coordinator sees {} labels, {count} objects", visible.keys().len());
    Ok(visible)
}

async fn pages_out(
    store: &Store,
    council: &Council,
    visible: &Visible,
    count: usize,
    rare: bool,
) -> Outcome<()> {
    let (start, before) = (Instant::now(), cpu_seconds());
    let (mut after, mut given) = (None, 0_usize);
    let mut times = Vec::new();
    loop {
        let (collection, visible) = (council.collection, visible.clone());
        let asked = Instant::now();
        let page = store
            .read(move |reader| {
                let mut filter = Filter::new(collection, &visible, if rare { 100 } else { 1000 });
                filter.after = after;
                objects::page(reader, &Realm::Live, &filter)
            })
            .await?;
        times.push(asked.elapsed().as_micros());
        given += page.rows.len();
        after = page.rows.last().map(|row| row.date_added_us);
        if !page.more {
            break;
        }
    }
    assert_eq!(given, count);
    report(if rare { "pages out of 100" } else { "pages out of 1,000" }, count, start, before);
    let third = times.len() / 3;
    let median = |part: &[u128]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part.get(part.len() / 2).copied().unwrap_or(0)
    };
    println!(
        "  a page takes {} µs in the first third, {} µs in the last",
        median(times.get(..third).unwrap_or_default()),
        median(times.get(times.len() - third..).unwrap_or_default())
    );
    Ok(())
}

async fn search(store: &Store, visible: &Visible, query: &'static str) -> Outcome<()> {
    let visible = visible.clone();
    let start = Instant::now();
    let (found, count) = store
        .read(move |reader| {
            let filter =
                SearchFilter { visible: &visible, query, types: &[], revoked: false, after: None, limit: 50 };
            let hits = objects::search(reader, &Realm::Live, &filter)?;
            Ok((hits.rows.len(), objects::search_count(reader, &Realm::Live, &filter)?))
        })
        .await?;
    println!("search `{query}`: {found} of {count} in {} µs", start.elapsed().as_micros());
    Ok(())
}

/// What the store's bytes cost at least: one table, three secondary indexes, the same pragmas.
fn raw_inserts(file: &Path, texts: &[Bytes]) -> Outcome<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 20_000)?;
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.execute_batch(
        "CREATE TABLE objects (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL,
             label INTEGER NOT NULL, type TEXT NOT NULL, added INTEGER NOT NULL, body BLOB NOT NULL);
         CREATE UNIQUE INDEX by_id ON objects (id, version);
         CREATE INDEX by_label ON objects (label, added);
         CREATE INDEX by_type ON objects (type, added);",
    )?;
    for (batch, texts) in texts.chunks(LIMIT_BATCH).enumerate() {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO objects (id, version, label, type, added, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (place, text) in texts.iter().enumerate() {
            let number = batch * LIMIT_BATCH + place;
            let added = i64::try_from(number)?;
            let body: &[u8] = text;
            insert.execute((id(number), "2026-01-01T00:00:00", added % 8, "indicator", added, body))?;
        }
        drop(insert);
        connection.execute_batch("COMMIT")?;
    }
    Ok(())
}

/// The process that all others of a server come from.
fn process_id(server: &server::Server) -> Outcome<u32> {
    let file = std::fs::read_to_string(server.folder().join("data/postmaster.pid"))?;
    Ok(file.lines().next().unwrap_or_default().parse()?)
}

/// A random-looking id, as producers make them: inserts into an index by id hit it everywhere.
fn id(number: usize) -> String {
    let number = number as u128;
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let version_4 = (mixed & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    format!("indicator--{}", uuid::Uuid::from_u128(version_4))
}

fn indicator(number: usize) -> Bytes {
    const MARKINGS: [&str; 4] = [
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    ];
    let marking = MARKINGS.get(number % MARKINGS.len()).copied().unwrap_or_default();
    let text = format!(
        r#"{{"type":"indicator","spec_version":"2.1","id":"{}","created_by_ref":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Domain seen in campaign {} against sector {}","description":"Command and control domain observed in beacon traffic. 標的型攻撃の活動で観測された通信先ドメイン。Resolves to rotating addresses; registered through a reseller two days before first use.","indicator_types":["malicious-activity","attribution"],"pattern":"[domain-name:value = 'host{number}.campaign{}.example']","pattern_type":"stix","pattern_version":"2.1","valid_from":"2026-01-01T00:00:00Z","kill_chain_phases":[{{"kill_chain_name":"mitre-attack","phase_name":"command-and-control"}}],"labels":["campaign-{}"],"confidence":{},"object_marking_refs":["{marking}"]}}"#,
        id(number),
        number % 97,
        number % 15,
        number % 97,
        number % 97,
        number % 101,
    );
    Bytes::from(text)
}
