//! Organisations, people and what they sign in with.

use std::collections::BTreeSet;

use oversight::{OrganisationRole, PersonRole, Realm, Sector};
use store::credentials::{self, Passkey};
use store::edges::{self, Edge, LedgerRow};
use store::organisations::{self, Organisation};
use store::people::{self, Person};
use store::sessions::{self, Session};
use store::tokens::{self, Token};
use store::{Act, StoreError, Tx, links, secrets};

use crate::fixture::{Council, START_US, organisation, seeing, stix_id};
use crate::on_every_store;

on_every_store!(
    organisations_and_people,
    sessions_end,
    a_link_works_once,
    tokens_end_and_are_revoked,
    passkeys,
    ceremonies_are_taken_once,
    edges_and_their_ledger,
);

const LIVE: Realm = Realm::Live;

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    council.store.write(move |tx| f(tx).map(Act::bookkeeping)).await
}

fn at(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(START_US + micros).unwrap()
}

fn person(id: &str, login: &str) -> Person {
    Person {
        id: id.to_owned(),
        login: login.to_owned(),
        name: "山田 花子".to_owned(),
        organisation: organisation("a"),
        roles: BTreeSet::from([PersonRole::Analyst, PersonRole::DutyOfficer]),
        password_hash: None,
        disabled: false,
        created: at(0),
    }
}

async fn organisations_and_people(council: Council) {
    let power = Organisation {
        id: organisation("kinki-power"),
        name_ja: "近畿電力".to_owned(),
        name_en: "Kinki Power".to_owned(),
        role: OrganisationRole::Operator,
        sectors: vec![Sector::Power, Sector::Gas],
        prefecture: Some(27),
        identity: stix_id("identity", 1),
        created: at(0),
    };
    let bare = Organisation {
        id: organisation("b"),
        sectors: vec![],
        prefecture: None,
        role: OrganisationRole::Oversight,
        ..power.clone()
    };
    let both = [bare.clone(), power.clone()];
    write(&council, move |tx| both.iter().try_for_each(|one| organisations::add(tx, &LIVE, one)))
        .await
        .unwrap();
    let again = power.clone();
    assert_eq!(
        write(&council, move |tx| organisations::add(tx, &LIVE, &again)).await.unwrap_err().code(),
        "exists"
    );
    let renamed = Organisation { name_en: "Kansai".to_owned(), ..power.clone() };
    let change = renamed.clone();
    write(&council, move |tx| organisations::update(tx, &LIVE, &change)).await.unwrap();
    let stranger = Organisation { id: organisation("x"), ..power };
    assert_eq!(
        write(&council, move |tx| organisations::update(tx, &LIVE, &stranger)).await.unwrap_err().code(),
        "not-found"
    );
    let council = council.reopen().await;
    let list = council.store.read(|reader| organisations::list(reader, &LIVE)).await.unwrap();
    assert_eq!(list, [bare, renamed]);

    let first = person("p1", "hanako");
    let added = first.clone();
    write(&council, move |tx| people::add(tx, &LIVE, &added)).await.unwrap();
    let taken = write(&council, |tx| people::add(tx, &LIVE, &person("p2", "hanako"))).await;
    assert_eq!(taken.unwrap_err().to_string(), "`hanako` exists already");
    write(&council, |tx| people::set_password(tx, &LIVE, "p1", Some("$argon2id$x"))).await.unwrap();
    let changed = Person { disabled: true, roles: BTreeSet::new(), ..first.clone() };
    let change = changed.clone();
    let before = write(&council, move |tx| {
        let before = people::get(tx, &LIVE, "p1")?;
        people::update(tx, &LIVE, &change)?;
        Ok(before)
    })
    .await
    .unwrap();
    assert_eq!(before, Some(Person { password_hash: Some("$argon2id$x".to_owned()), ..first }));
    let (found, other) = council
        .store
        .read(|reader| {
            Ok((
                people::by_login(reader, &LIVE, "hanako")?,
                people::by_login(reader, &Realm::parse("exercise:x").unwrap(), "hanako")?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((found, other), (Some(changed), None));
    assert_eq!(
        write(&council, |tx| people::set_password(tx, &LIVE, "px", None)).await.unwrap_err().code(),
        "not-found"
    );
}

async fn sessions_end(council: Council) {
    let session = |secret: &str, lasts: i64| Session {
        hash: secrets::hash(secret),
        person: "p1".to_owned(),
        csrf: "c".to_owned(),
        created: at(0),
        expires: at(lasts),
        seen: at(0),
    };
    let (one, two, three) = (session("one", 10), session("two", 20), session("three", 30));
    let all = [one.clone(), two.clone(), three];
    write(&council, move |tx| all.iter().try_for_each(|session| sessions::add(tx, &LIVE, session)))
        .await
        .unwrap();
    let get = |secret: &'static str| {
        council.store.read(move |reader| sessions::get(reader, &LIVE, &secrets::hash(secret)))
    };
    assert_eq!(get("one").await.unwrap(), Some(one));
    assert_eq!(get("other").await.unwrap(), None);
    council.pass_time(15);
    assert_eq!(get("one").await.unwrap(), None);
    write(&council, |tx| sessions::touch(tx, &LIVE, &secrets::hash("two"), at(40))).await.unwrap();
    council.pass_time(20);
    assert_eq!(get("two").await.unwrap(), Some(Session { seen: at(15), expires: at(40), ..two }));
    assert_eq!(write(&council, |tx| sessions::purge(tx, &LIVE)).await.unwrap(), 2);
    assert!(write(&council, |tx| sessions::end(tx, &LIVE, &secrets::hash("two"))).await.unwrap());
    assert!(!write(&council, |tx| sessions::end(tx, &LIVE, &secrets::hash("two"))).await.unwrap());
    assert_eq!(write(&council, |tx| sessions::end_all(tx, &LIVE, "p1")).await.unwrap(), 0);
}

async fn a_link_works_once(council: Council) {
    let secret = secrets::generate("").unwrap();
    assert_eq!(secret.len(), 64);
    assert_ne!(secret, secrets::generate("").unwrap());
    let hash = secrets::hash(&secret);
    write(&council, move |tx| {
        links::add(tx, &LIVE, &hash, "p1", at(10))?;
        links::add(tx, &LIVE, &secrets::hash("late"), "p2", at(10))
    })
    .await
    .unwrap();
    // Ten at once: one wins.
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let store = council.store.clone();
            tokio::spawn(async move {
                store.write(move |tx| Ok(Act::bookkeeping(links::redeem(tx, &LIVE, &hash)?))).await.unwrap()
            })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        won.extend(task.await.unwrap());
    }
    assert_eq!(won, ["p1"]);
    council.pass_time(10);
    assert_eq!(write(&council, |tx| links::redeem(tx, &LIVE, &secrets::hash("late"))).await.unwrap(), None);
    write(&council, |tx| links::add(tx, &LIVE, &secrets::hash("x"), "p1", at(5))).await.unwrap();
    assert_eq!(write(&council, |tx| links::purge(tx, &LIVE)).await.unwrap(), 1);
    assert_eq!(write(&council, |tx| links::remove_all(tx, &LIVE, "p1")).await.unwrap(), 0);
}

async fn tokens_end_and_are_revoked(council: Council) {
    let token = Token {
        id: "t1".to_owned(),
        name: "SIEM".to_owned(),
        organisation: organisation("a"),
        roles: BTreeSet::from([PersonRole::Analyst]),
        created: at(0),
        expires: at(100),
        last_used: None,
        revoked: None,
    };
    let added = token.clone();
    write(&council, move |tx| tokens::add(tx, &LIVE, &added, &secrets::hash("yg_x"))).await.unwrap();
    let find = |secret: &'static str| {
        council.store.read(move |reader| tokens::by_hash(reader, &LIVE, &secrets::hash(secret)))
    };
    assert_eq!(find("yg_y").await.unwrap(), None);
    let found = find("yg_x").await.unwrap().unwrap();
    assert_eq!(found, token);
    assert!(found.is_good(at(99)) && !found.is_good(at(100)));
    council.pass_time(7);
    write(&council, |tx| tokens::used(tx, &LIVE, "t1")).await.unwrap();
    assert_eq!(find("yg_x").await.unwrap().unwrap().last_used, Some(at(7)));
    assert!(write(&council, |tx| tokens::revoke(tx, &LIVE, "t1")).await.unwrap());
    assert!(!write(&council, |tx| tokens::revoke(tx, &LIVE, "t1")).await.unwrap());
    assert!(!find("yg_x").await.unwrap().unwrap().is_good(at(8)));
    let (listed, kept) = council
        .store
        .read(|reader| Ok((tokens::list(reader, &LIVE)?, tokens::get(reader, &LIVE, "t1")?)))
        .await
        .unwrap();
    assert_eq!((listed.len(), kept.unwrap().revoked), (0, Some(at(7))));
    // What is at rest does not hold the secret.
    council.store.close().await;
    let folder = council.server.as_ref().map_or(council.folder.path(), crate::server::Server::folder);
    let files = files(folder);
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"yg_x"));
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .flat_map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path()),
            kind if kind.is_file() => vec![entry.path()],
            _ => Vec::new(),
        })
        .collect()
}

async fn ceremonies_are_taken_once(council: Council) {
    use store::challenges;
    let name = |number: i64| uuid::Uuid::from_u128(u128::try_from(number).unwrap());
    let keep = |from: i64, to: i64| {
        write(&council, move |tx| {
            (from..to).try_for_each(|number| {
                challenges::keep(
                    tx,
                    &LIVE,
                    &name(number),
                    at((1_000 + number) * 1_000_000),
                    &number.to_string(),
                )
            })
        })
    };
    let take = |number| write(&council, move |tx| challenges::take(tx, &LIVE, &name(number)));
    keep(0, 3).await.unwrap();
    assert_eq!(keep(1, 2).await.unwrap_err().code(), "exists");
    assert_eq!(take(1).await.unwrap().as_deref(), Some("1"));
    assert_eq!(take(1).await.unwrap(), None);
    // Beyond the most, the one that ends first is dropped.
    keep(3, challenges::CHALLENGES_MAX + 2).await.unwrap();
    let count = || council.store.read(|reader| challenges::count(reader, &LIVE));
    assert_eq!(count().await.unwrap(), u64::try_from(challenges::CHALLENGES_MAX).unwrap());
    assert_eq!(take(0).await.unwrap(), None);
    assert_eq!(take(2).await.unwrap().as_deref(), Some("2"));
    // What has ended is not taken, and goes when the next one comes.
    council.pass_time(100_000_000);
    assert_eq!(take(3).await.unwrap().as_deref(), Some("3"));
    council.pass_time(1_000_000_000_000);
    assert_eq!(take(4).await.unwrap(), None);
    let late = challenges::CHALLENGES_MAX + 100_000_000;
    keep(late, late + 1).await.unwrap();
    assert_eq!(count().await.unwrap(), 1);
}

async fn passkeys(council: Council) {
    let key = |id: &str, credential: &[u8]| Passkey {
        id: id.to_owned(),
        person: "p1".to_owned(),
        credential_id: credential.to_vec(),
        name: "鍵".to_owned(),
        credential: "{}".to_owned(),
        created: at(0),
        last_used: None,
    };
    let (one, two, taken) = (key("k1", b"1"), key("k2", b"2"), key("k3", b"2"));
    let both = [one.clone(), two.clone()];
    write(&council, move |tx| both.iter().try_for_each(|key| credentials::add(tx, &LIVE, key)))
        .await
        .unwrap();
    assert_eq!(
        write(&council, move |tx| credentials::add(tx, &LIVE, &taken)).await.unwrap_err().code(),
        "exists"
    );
    write(&council, |tx| credentials::used(tx, &LIVE, "k2", "{\"n\":1}")).await.unwrap();
    let (of_person, found) = council
        .store
        .read(|reader| {
            Ok((
                credentials::of_person(reader, &LIVE, "p1")?,
                credentials::by_credential_id(reader, &LIVE, b"2")?,
            ))
        })
        .await
        .unwrap();
    let used = Passkey { credential: "{\"n\":1}".to_owned(), last_used: Some(at(0)), ..two };
    assert_eq!((of_person, found), (vec![one, used.clone()], Some(used)));
    assert!(!write(&council, |tx| credentials::remove(tx, &LIVE, "p2", "k1")).await.unwrap());
    assert!(write(&council, |tx| credentials::remove(tx, &LIVE, "p1", "k1")).await.unwrap());
}

async fn edges_and_their_ledger(council: Council) {
    let edge = Edge {
        id: "e1".to_owned(),
        organisation: organisation("a"),
        name: "本社".to_owned(),
        created: at(0),
        hello: None,
        heard: None,
    };
    let added = edge.clone();
    write(&council, move |tx| edges::add(tx, &LIVE, &added, &secrets::hash("ye_x"))).await.unwrap();
    council.pass_time(3);
    write(&council, |tx| edges::heard(tx, &LIVE, "e1", "{}")).await.unwrap();
    assert_eq!(
        write(&council, |tx| edges::heard(tx, &LIVE, "e2", "{}")).await.unwrap_err().code(),
        "not-found"
    );
    let long = "x".repeat(edges::HELLO_BYTES_MAX + 1);
    assert_eq!(
        write(&council, move |tx| edges::heard(tx, &LIVE, "e1", &long)).await.unwrap_err().code(),
        "too-large"
    );
    let heard = Edge { hello: Some("{}".to_owned()), heard: Some(at(3)), ..edge };
    let found =
        council.store.read(|reader| edges::by_token(reader, &LIVE, &secrets::hash("ye_x"))).await.unwrap();
    assert_eq!(found, Some(heard.clone()));
    assert_eq!(council.store.read(|reader| edges::list(reader, &LIVE)).await.unwrap(), [heard]);
    let row = |number: u64, label| LedgerRow {
        at: at(i64::try_from(number).unwrap()),
        sighting: stix_id("sighting", number),
        indicator: stix_id("indicator", 1),
        label,
        contents: vec!["addresses: 2".to_owned(), "domains: 1".to_owned()],
    };
    let (open, shut) = (row(1, council.clear), row(2, council.red));
    let rows = [open.clone(), open.clone(), shut.clone()];
    write(&council, move |tx| rows.iter().try_for_each(|row| edges::note_left(tx, &LIVE, "e1", row)))
        .await
        .unwrap();
    let (all, clear) = (council.all(), seeing(&[council.clear]));
    let (all, clear) = council
        .store
        .read(move |reader| {
            Ok((edges::ledger(reader, &LIVE, &all, "e1", 9)?, edges::ledger(reader, &LIVE, &clear, "e1", 9)?))
        })
        .await
        .unwrap();
    assert_eq!((all, clear), (vec![shut, open.clone()], vec![open]));
    assert!(write(&council, |tx| edges::remove(tx, &LIVE, "e1")).await.unwrap());
    assert_eq!(council.store.read(|reader| edges::get(reader, &LIVE, "e1")).await.unwrap(), None);
}
