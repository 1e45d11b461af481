//! Organisations, people and what they sign in with.

use std::collections::BTreeSet;

use oversight::{OrganisationRole, PersonRole, Realm, Sector};
use store::credentials::{self, Passkey};
use store::edges::{self, Edge, LedgerRow};
use store::emergencies::{self, Emergency};
use store::identities::{self, Identity};
use store::identity_providers::{self, Provider};
use store::organisations::{self, Organisation};
use store::people::{self, Person};
use store::qualifications::{self, Held};
use store::recoveries::{self, Recovery};
use store::sessions::{self, Origin, Session};
use store::tokens::{self, Door, Token};
use store::{Act, StoreError, Tx, links, secrets};

use crate::fixture::{Council, START_US, organisation, seeing, stix_id};
use crate::on_every_store;

on_every_store!(
    organisations_and_people,
    sessions_end,
    sessions_are_listed_and_end_with_their_provider,
    an_issuer_is_one_organisations_and_a_subject_one_account,
    a_recovery_is_decided_once_and_in_time,
    a_clearance_holds_from_its_beginning_to_its_end_once_confirmed,
    a_clearance_that_is_ended_holds_no_more,
    an_emergency_is_one_at_a_time_ends_and_is_reviewed_once,
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
        origin: Origin {
            means: "oidc".to_owned(),
            provider: (lasts > 20).then(|| "agency-people".to_owned()),
            address: "192.0.2.1".to_owned(),
            agent: "a browser".to_owned(),
        },
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

async fn sessions_are_listed_and_end_with_their_provider(council: Council) {
    let session = |secret: &str, person: &str, provider: Option<&str>, lasts: i64| Session {
        hash: secrets::hash(secret),
        person: person.to_owned(),
        csrf: "c".to_owned(),
        created: at(0),
        expires: at(lasts),
        seen: at(lasts / 2),
        origin: Origin { provider: provider.map(str::to_owned), ..Origin::default() },
    };
    let all = [
        session("own", "p1", None, 30),
        session("theirs", "p1", Some("agency-people"), 40),
        session("over", "p1", None, 5),
        session("other", "p2", Some("others"), 40),
    ];
    assert!(all.iter().all(|one| !hex::encode(one.hash).contains(&one.id()) && one.id().len() == 32));
    let kept = all.clone();
    write(&council, move |tx| kept.iter().try_for_each(|one| sessions::add(tx, &LIVE, one))).await.unwrap();
    council.pass_time(10);
    let of = || council.store.read(|reader| sessions::of_person(reader, &LIVE, "p1"));
    assert_eq!(of().await.unwrap(), [all[1].clone(), all[0].clone()], "used last first, none that is over");
    let ended = write(&council, |tx| sessions::end_of_provider(tx, &LIVE, "agency-people")).await.unwrap();
    assert_eq!((ended, of().await.unwrap()), (1, vec![all[0].clone()]));
}

fn provider(id: &str, issuer: &str) -> Provider {
    Provider {
        id: id.to_owned(),
        organisation: organisation("agency"),
        issuer: issuer.to_owned(),
        client: "yagura".to_owned(),
        sealed: Some(b"sealed".to_vec()),
        certificate: None,
        origins: vec!["https://keys.example".to_owned()],
        name_claim: "preferred_username".to_owned(),
        role_claim: Some("groups".to_owned()),
        role_map: [("watch".to_owned(), PersonRole::DutyOfficer)].into(),
        suspended: false,
        created: at(0),
        changed: at(0),
    }
}

async fn an_issuer_is_one_organisations_and_a_subject_one_account(council: Council) {
    let (one, other) = (provider("one", "https://idp.example"), provider("other", "https://other.example"));
    assert!(!format!("{one:?}").contains("sealed"));
    let kept = [one.clone(), other.clone()];
    write(&council, move |tx| kept.iter().try_for_each(|one| identity_providers::add(tx, &LIVE, one)))
        .await
        .unwrap();
    for taken in [provider("one", "https://third.example"), provider("third", "https://idp.example")] {
        let again = write(&council, move |tx| identity_providers::add(tx, &LIVE, &taken)).await;
        assert!(matches!(again, Err(StoreError::Exists { .. })));
    }
    let listed = council.store.read(|reader| identity_providers::list(reader, &LIVE)).await.unwrap();
    assert_eq!(listed, [one.clone(), other]);
    let tie = |issuer: &str, subject: &str, person: &str| Identity {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        person: person.to_owned(),
        created: at(0),
        last_used: None,
    };
    let ties = [tie(&one.issuer, "s1", "p1"), tie("https://other.example", "s1", "p2")];
    write(&council, move |tx| ties.iter().try_for_each(|tie| identities::add(tx, &LIVE, tie))).await.unwrap();
    for taken in [tie(&one.issuer, "s1", "p2"), tie(&one.issuer, "s2", "p1")] {
        let again = write(&council, move |tx| identities::add(tx, &LIVE, &taken)).await;
        assert!(matches!(again, Err(StoreError::Exists { .. })));
    }
    let of = |issuer: &'static str| {
        let found = council.store.read(move |reader| identities::get(reader, &LIVE, issuer, "s1"));
        async move { found.await.unwrap().map(|tie| (tie.person, tie.last_used)) }
    };
    assert_eq!(
        of("https://other.example").await,
        Some(("p2".to_owned(), None)),
        "the same subject elsewhere"
    );
    write(&council, |tx| identities::used(tx, &LIVE, "https://idp.example", "s1")).await.unwrap();
    assert_eq!(of("https://idp.example").await, Some(("p1".to_owned(), Some(at(0)))));
    write(&council, |tx| identity_providers::suspend(tx, &LIVE, "one", true)).await.unwrap();
    let suspended = council.store.read(|reader| identity_providers::get(reader, &LIVE, "one")).await.unwrap();
    assert!(suspended.is_some_and(|one| one.suspended));
    assert!(write(&council, |tx| identity_providers::remove(tx, &LIVE, "one")).await.unwrap());
    assert!(!write(&council, |tx| identity_providers::remove(tx, &LIVE, "one")).await.unwrap());
    assert_eq!(of("https://idp.example").await, None, "ties go with their provider");
    let left = council.store.read(|reader| identities::of_person(reader, &LIVE, "p2")).await.unwrap();
    assert_eq!(left.len(), 1);
    let untied = write(&council, |tx| identities::remove(tx, &LIVE, "https://other.example", "p2")).await;
    assert!(untied.unwrap());
}

async fn an_emergency_is_one_at_a_time_ends_and_is_reviewed_once(council: Council) {
    let emergency = |id: &str, person: &str, until: i64| Emergency {
        id: id.to_owned(),
        person: person.to_owned(),
        organisation: organisation("a"),
        scope: "class incident".to_owned(),
        reason: "r".to_owned(),
        raised: at(0),
        until: at(until),
        ended_by: None,
        review_due: at(until + 10),
        objects_read: 0,
        reviewed_by: None,
        reviewed: None,
        justified: None,
        finding: None,
    };
    let add = |one: Emergency| write(&council, move |tx| emergencies::add(tx, &LIVE, &one));
    let on = |person: &'static str| council.store.read(move |reader| emergencies::on(reader, &LIVE, person));
    let review = |id: &'static str, justified| {
        write(&council, move |tx| emergencies::review(tx, &LIVE, id, "b", (justified, "found")))
    };
    add(emergency("e1", "p1", 5)).await.unwrap();
    assert!(matches!(add(emergency("e2", "p1", 9)).await, Err(StoreError::Exists { .. })), "one is on");
    add(emergency("e3", "p2", 20)).await.unwrap();
    assert_eq!(on("p1").await.unwrap().unwrap().id, "e1");
    let boundary = || council.store.read(|reader| emergencies::next_boundary(reader, &LIVE));
    assert_eq!(boundary().await.unwrap(), Some(at(5)));
    assert!(matches!(review("e1", true).await, Err(StoreError::NotFound { .. })), "it is on still");
    write(&council, |tx| emergencies::count_read(tx, &LIVE, "e1", 3)).await.unwrap();
    write(&council, |tx| emergencies::count_read(tx, &LIVE, "e1", 1)).await.unwrap();
    council.pass_time(5);
    assert_eq!((on("p1").await.unwrap(), boundary().await.unwrap()), (None, Some(at(20))));
    write(&council, |tx| emergencies::end(tx, &LIVE, "e3", "b")).await.unwrap();
    assert_eq!((on("p2").await.unwrap(), boundary().await.unwrap()), (None, None));
    let ended = write(&council, |tx| emergencies::end(tx, &LIVE, "e1", "b")).await;
    assert!(matches!(ended, Err(StoreError::NotFound { .. })), "it is over");
    council.pass_time(10);
    let counts = council.store.read(|reader| emergencies::counts(reader, &LIVE)).await.unwrap();
    assert_eq!(counts, (0, 1), "one review is overdue");
    review("e1", false).await.unwrap();
    assert!(matches!(review("e1", true).await, Err(StoreError::NotFound { .. })), "once");
    let all = council.store.read(|reader| emergencies::list(reader, &LIVE, 10)).await.unwrap();
    let told: Vec<_> = all.iter().map(|one| (one.id.as_str(), one.objects_read, one.justified)).collect();
    assert_eq!(told, [("e3", 0, None), ("e1", 4, Some(false))], "what nobody reviewed is first");
    let untold = |after| council.store.read(move |reader| emergencies::untold(reader, &LIVE, after));
    assert_eq!(untold(at(-1)).await.unwrap().len(), 2);
    write(&council, |tx| emergencies::mark_told(tx, &LIVE, "e1")).await.unwrap();
    assert_eq!(untold(at(-1)).await.unwrap().len(), 1);
    assert_eq!(untold(at(0)).await.unwrap().len(), 0, "what is long past is not told any more");
}

fn clearance(id: &str, person: &str, (since, until): (i64, i64)) -> Held {
    Held {
        id: id.to_owned(),
        person: person.to_owned(),
        qualification: "clearance:secret".parse().unwrap(),
        since: at(since),
        until: at(until),
        evidence: "file 12".to_owned(),
        asked_by: "a1".to_owned(),
        asked: at(0),
        expires: at(10),
        decided_by: None,
        decided: None,
        approved: None,
        ended_by: None,
        ended: None,
        reason: None,
    }
}

async fn held(council: &Council, person: &'static str) -> Vec<String> {
    let held = council.store.read(move |reader| qualifications::valid(reader, &LIVE, person)).await.unwrap();
    held.iter().map(ToString::to_string).collect()
}

async fn boundary(council: &Council) -> Option<jiff::Timestamp> {
    council.store.read(|reader| qualifications::next_boundary(reader, &LIVE)).await.unwrap()
}

async fn a_clearance_holds_from_its_beginning_to_its_end_once_confirmed(council: Council) {
    let add = |one: Held| write(&council, move |tx| qualifications::add(tx, &LIVE, &one));
    let decide = |id: &'static str, refused: Option<&'static str>| {
        write(&council, move |tx| qualifications::decide(tx, &LIVE, id, "a2", refused))
    };
    add(clearance("q1", "p1", (5, 20))).await.unwrap();
    assert!(matches!(add(clearance("q2", "p1", (5, 20))).await, Err(StoreError::Exists { .. })), "one waits");
    add(clearance("q3", "p2", (0, 20))).await.unwrap();
    add(clearance("q4", "p3", (0, 20))).await.unwrap();
    assert_eq!(
        (held(&council, "p2").await, boundary(&council).await),
        (vec![], None),
        "nothing was confirmed"
    );
    decide("q1", None).await.unwrap();
    decide("q3", Some("no such file")).await.unwrap();
    assert!(matches!(decide("q3", None).await, Err(StoreError::NotFound { .. })), "decided");
    assert_eq!(held(&council, "p2").await, [""; 0], "refused");
    assert_eq!((held(&council, "p1").await, boundary(&council).await), (vec![], Some(at(5))), "not yet");
    council.pass_time(5);
    assert_eq!(held(&council, "p1").await, ["clearance:secret"]);
    assert_eq!(boundary(&council).await, Some(at(20)));
    council.pass_time(5);
    assert!(matches!(decide("q4", None).await, Err(StoreError::NotFound { .. })), "too late to confirm");
    council.pass_time(9);
    assert_eq!(held(&council, "p1").await, ["clearance:secret"], "to its last microsecond");
    council.pass_time(1);
    assert_eq!((held(&council, "p1").await, boundary(&council).await), (vec![], None));
    let ending = council.store.read(|reader| qualifications::ending(reader, &LIVE, (at(0), at(20)))).await;
    assert_eq!(ending.unwrap().into_iter().map(|one| one.id).collect::<Vec<_>>(), ["q1"]);
}

async fn a_clearance_that_is_ended_holds_no_more(council: Council) {
    let end = |id: &'static str| write(&council, move |tx| qualifications::end(tx, &LIVE, id, "a1", "left"));
    write(&council, |tx| qualifications::add(tx, &LIVE, &clearance("q1", "p1", (0, 20)))).await.unwrap();
    assert!(matches!(end("q1").await, Err(StoreError::NotFound { .. })), "what waits is refused, not ended");
    write(&council, |tx| qualifications::decide(tx, &LIVE, "q1", "a2", None)).await.unwrap();
    let changes = || council.store.read(|reader| qualifications::changes(reader, &LIVE));
    let before = changes().await.unwrap();
    assert_eq!(held(&council, "p1").await, ["clearance:secret"]);
    end("q1").await.unwrap();
    assert_eq!((held(&council, "p1").await, boundary(&council).await), (vec![], None));
    assert_ne!(changes().await.unwrap(), before, "whoever waits for a change hears of it");
    assert!(matches!(end("q1").await, Err(StoreError::NotFound { .. })), "once");
    let kept = council.store.read(|reader| qualifications::of_person(reader, &LIVE, "p1", 10)).await.unwrap();
    assert_eq!(kept[0].reason.as_deref(), Some("left"));
    for number in 0..qualifications::OPEN_MAX {
        let mut one = clearance(&format!("n{number}"), "p4", (0, 20));
        one.qualification = format!("oath:o{number}").parse().unwrap();
        write(&council, move |tx| qualifications::add(tx, &LIVE, &one)).await.unwrap();
    }
    let more = write(&council, |tx| qualifications::add(tx, &LIVE, &clearance("more", "p4", (0, 20)))).await;
    assert!(matches!(more, Err(StoreError::Limit { .. })), "{more:?}");
}

async fn a_recovery_is_decided_once_and_in_time(council: Council) {
    let recovery = |id: &str, person: &str| Recovery {
        id: id.to_owned(),
        person: person.to_owned(),
        reason: "lost".to_owned(),
        asked_by: "a1".to_owned(),
        asked: at(0),
        expires: at(10),
        decided_by: None,
        decided: None,
        approved: None,
        used: None,
    };
    let add = |one: Recovery| write(&council, move |tx| recoveries::add(tx, &LIVE, &one));
    for (id, person) in [("r1", "p1"), ("r2", "p2"), ("r3", "p3")] {
        add(recovery(id, person)).await.unwrap();
    }
    assert!(matches!(add(recovery("r4", "p1")).await, Err(StoreError::Exists { .. })), "one waits already");
    let decide = |id: &'static str, link: Option<&'static str>| {
        write(&council, move |tx| recoveries::decide(tx, &LIVE, id, "a2", link.map(secrets::hash).as_ref()))
    };
    decide("r1", Some("link")).await.unwrap();
    decide("r2", None).await.unwrap();
    for id in ["r1", "r2"] {
        assert!(matches!(decide(id, Some("other")).await, Err(StoreError::NotFound { .. })), "decided");
    }
    let used =
        |link: &'static str| write(&council, move |tx| recoveries::used(tx, &LIVE, &secrets::hash(link)));
    assert_eq!(used("other").await.unwrap(), None);
    assert_eq!(used("link").await.unwrap().as_deref(), Some("r1"));
    assert_eq!(used("link").await.unwrap(), None, "once");
    council.pass_time(10);
    assert!(matches!(decide("r3", None).await, Err(StoreError::NotFound { .. })), "too late");
    let again = Recovery { asked: at(10), expires: at(20), ..recovery("r5", "p3") };
    add(again).await.unwrap();
    let found = council.store.read(|reader| recoveries::list(reader, &LIVE, 10)).await.unwrap();
    let told: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.approved, one.used)).collect();
    let expected =
        [("r5", None, None), ("r1", Some(true), Some(at(0))), ("r2", Some(false), None), ("r3", None, None)];
    assert_eq!(told, expected);
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
        doors: BTreeSet::from([Door::Taxii, Door::Stream]),
        certificate: Some([7; 32]),
    };
    assert!(token.opens(Door::Taxii) && !token.opens(Door::Rest));
    assert!(Token { doors: BTreeSet::new(), ..token.clone() }.opens(Door::Rest));
    let rest = Token { doors: BTreeSet::from([Door::Rest]), ..token.clone() };
    let edges = Token { doors: BTreeSet::from([Door::Edges]), ..token.clone() };
    let mail = Token { doors: BTreeSet::from([Door::Mail]), ..token.clone() };
    assert!(mail.opens(Door::Mail) && rest.opens(Door::Mail) && !edges.opens(Door::Mail));
    assert!([Door::Rest, Door::Edges, Door::Taxii, Door::Stream].iter().all(|door| !mail.opens(*door)));
    assert!(rest.opens(Door::Edges) && edges.opens(Door::Edges) && !edges.opens(Door::Rest));
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
    let secret = council.store.read(|reader| edges::secret(reader, &LIVE, "e1")).await.unwrap();
    assert_eq!(secret, Some(secrets::hash("ye_x")));
    assert_eq!(council.store.read(|reader| edges::secret(reader, &LIVE, "e2")).await.unwrap(), None);
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
