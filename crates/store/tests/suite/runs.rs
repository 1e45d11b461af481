//! Playbooks, runs of them, and what they order.

use jiff::{SignedDuration, Timestamp};
use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use store::orders::{self, Call, NewOrder, Report};
use store::playbooks::{self, Head};
use store::runs::{self, Approval, NewRun, Outline};
use store::sessions::{self, Origin, Session};
use store::{Act, StoreError, Tx, secrets};

use crate::fixture::{Council, START_US, organisation};
use crate::on_every_store;

on_every_store!(
    a_version_of_a_playbook_has_one_content_and_each_organisation_its_own,
    events_are_added_where_the_run_still_is_where_it_was,
    runs_are_found_when_they_are_due_and_listed_newest_first,
    an_approval_ends_with_a_session_that_is_revoked_and_not_with_one_that_is_left,
    orders_have_their_place_in_the_list_of_their_edge,
    an_order_is_unanswered_until_its_edge_says_something_of_it,
    a_report_is_taken_in_once_and_the_newest_says_how_it_stands,
    a_call_goes_from_state_to_state_once,
);

const LIVE: Realm = Realm::Live;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(START_US + micros).unwrap()
}

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let event = AuditEvent::done(Action::RunChanged, Actor::Node, Purpose::CollectiveDefence);
    council.store.write(move |tx| Ok(Act::audited(f(tx)?, &LIVE, event))).await
}

fn head(of: &str, modified: &str) -> Head {
    Head {
        organisation: organisation(of),
        id: "playbook--1".to_owned(),
        modified: modified.to_owned(),
        digest: "d".to_owned(),
        person: "hanako".to_owned(),
        by_approver: true,
        added: at(0),
    }
}

async fn a_version_of_a_playbook_has_one_content_and_each_organisation_its_own(council: Council) {
    let add =
        |head: Head, text: &'static [u8]| write(&council, move |tx| playbooks::add(tx, &LIVE, &head, text));
    assert!(add(head("a", "2026-01-01"), b"one").await.unwrap());
    assert!(!add(head("a", "2026-01-01"), b"one").await.unwrap(), "the same again changes nothing");
    assert_eq!(add(head("a", "2026-01-01"), b"other").await.unwrap_err().code(), "exists");
    assert!(add(head("a", "2026-02-01"), b"two").await.unwrap());
    assert!(add(head("b", "2026-01-01"), b"of b").await.unwrap());
    let (versions, text) = council
        .store
        .read(|reader| {
            let text = playbooks::document(reader, &LIVE, (&organisation("b"), "playbook--1", "2026-01-01"))?;
            Ok((playbooks::versions(reader, &LIVE, "playbook--1")?, text))
        })
        .await
        .unwrap();
    assert_eq!((versions.len(), text.as_slice()), (3, b"of b".as_slice()));
    assert_eq!(council.store.read(|reader| playbooks::all(reader, &LIVE)).await.unwrap().len(), 3);
    let missing = council
        .store
        .read(|reader| playbooks::document(reader, &LIVE, (&organisation("b"), "playbook--1", "2026-02-01")));
    assert_eq!(missing.await.unwrap_err().code(), "not-found");
}

fn run(id: &str, of: &str, started: i64) -> NewRun {
    NewRun {
        id: id.to_owned(),
        organisation: organisation(of),
        person: "hanako".to_owned(),
        case: None,
        playbook: "playbook--1".to_owned(),
        version: "2026-01-01".to_owned(),
        playbook_of: Some(organisation(of)),
        digest: "d".to_owned(),
        started: at(started),
        dry_run: false,
    }
}

fn outline(next_wake: Option<i64>) -> Outline {
    Outline {
        state: "waiting".to_owned(),
        approvers: Some(vec!["identity--1".to_owned(), "identity--2".to_owned()]),
        questions: 1,
        tasks: 2,
        unknown: 3,
        next_wake: next_wake.map(at),
        ..Outline::default()
    }
}

async fn events_are_added_where_the_run_still_is_where_it_was(council: Council) {
    assert!(write(&council, |tx| runs::open(tx, &LIVE, &run("r", "a", 0))).await.unwrap());
    assert!(!write(&council, |tx| runs::open(tx, &LIVE, &run("r", "a", 5))).await.unwrap());
    let other = NewRun { version: "2".to_owned(), ..run("r", "a", 0) };
    assert_eq!(write(&council, move |tx| runs::open(tx, &LIVE, &other)).await.unwrap_err().code(), "exists");
    let add = |known: u64, texts: &'static [&'static str]| {
        write(&council, move |tx| {
            let events: Vec<(Timestamp, String)> =
                texts.iter().map(|text| (at(1), (*text).to_owned())).collect();
            runs::append(tx, &LIVE, ("r", known), (&events, 9), &outline(Some(7)))
        })
    };
    add(0, &["one", "two"]).await.unwrap();
    add(2, &["three"]).await.unwrap();
    add(3, &[]).await.unwrap();
    assert!(add(2, &["late"]).await.is_err(), "who saw an older run adds nothing");
    let (found, events) = council
        .store
        .read(|reader| Ok((runs::get(reader, &LIVE, "r")?.unwrap(), runs::events(reader, &LIVE, "r")?)))
        .await
        .unwrap();
    assert_eq!((found.events, &found.outline), (3, &outline(Some(7))));
    let texts: Vec<(u64, &str, u64)> =
        events.iter().map(|one| (one.number, one.event.as_str(), one.leaf)).collect();
    assert_eq!(texts, [(1, "one", 9), (2, "two", 9), (3, "three", 9)]);
}

async fn runs_are_found_when_they_are_due_and_listed_newest_first(council: Council) {
    for (id, started, wake) in [("r1", 1, Some(5)), ("r2", 2, None), ("r3", 2, Some(50))] {
        write(&council, move |tx| {
            runs::open(tx, &LIVE, &run(id, "a", started))?;
            runs::append(tx, &LIVE, (id, 0), (&[(at(1), "e".to_owned())], 1), &outline(wake))
        })
        .await
        .unwrap();
    }
    let due = |now: i64| council.store.read(move |reader| runs::awake(reader, &LIVE, at(now), 10));
    assert_eq!(due(5).await.unwrap(), ["r1"]);
    assert_eq!(due(50).await.unwrap(), ["r1", "r3"]);
    write(&council, |tx| runs::put_off(tx, &LIVE, "r1", Some(at(60)))).await.unwrap();
    assert_eq!(due(50).await.unwrap(), ["r3"]);
    let list = council.store.read(|reader| runs::list(reader, &LIVE, None, 10)).await.unwrap();
    let ids: Vec<&str> = list.iter().map(|run| run.begun.id.as_str()).collect();
    assert_eq!(ids, ["r3", "r2", "r1"]);
    let rest = council.store.read(|reader| runs::list(reader, &LIVE, Some((at(2), "r3")), 10)).await.unwrap();
    assert_eq!(rest.len(), 2);
}

async fn an_approval_ends_with_a_session_that_is_revoked_and_not_with_one_that_is_left(council: Council) {
    let session = |secret: &str, person: &str| Session {
        hash: secrets::hash(secret),
        person: person.to_owned(),
        csrf: "c".to_owned(),
        created: at(0),
        expires: at(0) + SignedDuration::from_hours(1),
        seen: at(0),
        origin: Origin::default(),
    };
    write(&council, move |tx| {
        runs::open(tx, &LIVE, &run("r", "a", 0))?;
        for (secret, person) in [("left", "ann"), ("revoked", "bob"), ("all", "eve")] {
            sessions::add(tx, &LIVE, &session(secret, person))?;
            let approval = Approval {
                question: 0,
                person: person.to_owned(),
                organisation: organisation("b"),
                session: secrets::hash(secret),
                at: at(1),
                revoked: false,
            };
            runs::approve(tx, &LIVE, "r", &approval)?;
        }
        sessions::end(tx, &LIVE, &secrets::hash("left"))?;
        let found = sessions::get(tx, &LIVE, &secrets::hash("revoked"))?.unwrap();
        sessions::revoke(tx, &LIVE, &found)?;
        sessions::end_all(tx, &LIVE, "eve")
    })
    .await
    .unwrap();
    let all = council.store.read(|reader| runs::approvals(reader, &LIVE, "r")).await.unwrap();
    let revoked: Vec<(&str, bool)> = all.iter().map(|one| (one.person.as_str(), one.revoked)).collect();
    assert_eq!(revoked, [("ann", false), ("bob", true), ("eve", true)]);
    let due = council.store.read(|reader| runs::awake(reader, &LIVE, reader.now(), 10)).await.unwrap();
    assert_eq!(due, ["r"], "the run is looked at anew");
}

fn order(edge: &str, command: &str, expires: i64) -> NewOrder {
    NewOrder {
        edge: edge.to_owned(),
        organisation: organisation("b"),
        command: command.to_owned(),
        requester: organisation("a"),
        run: "r".to_owned(),
        action: command.to_owned(),
        step: "p s".to_owned(),
        message: "{}".to_owned(),
        about: "{}".to_owned(),
        ordered: at(1),
        expires: at(expires),
        stops: None,
        undoes: None,
    }
}

async fn orders_have_their_place_in_the_list_of_their_edge(council: Council) {
    const FAR: i64 = 3_600_000_000;
    let add = |new: NewOrder| write(&council, move |tx| orders::add(tx, &LIVE, &new));
    assert_eq!(add(order("e1", "c1", FAR)).await.unwrap(), 1);
    assert_eq!(add(order("e2", "c2", FAR)).await.unwrap(), 1);
    assert_eq!(add(order("e1", "c3", -1)).await.unwrap(), 2);
    assert_eq!(add(order("e1", "c4", FAR)).await.unwrap(), 3);
    assert_eq!(add(order("e1", "c4", FAR)).await.unwrap_err().code(), "exists");
    let undo = NewOrder { undoes: Some("c1".to_owned()), ..order("e1", "u1", FAR) };
    assert_eq!(add(undo).await.unwrap(), 4);
    let of = |of: &'static str, after: i64| {
        council.store.read(move |reader| {
            let found = orders::of_edge(reader, &LIVE, ("e1", &organisation(of)), after, 10)?;
            Ok(found.into_iter().map(|order| order.sequence).collect::<Vec<_>>())
        })
    };
    assert_eq!(of("b", 0).await.unwrap(), [1, 3, 4], "what it may not take any more is not told");
    assert_eq!(of("b", 1).await.unwrap(), [3, 4]);
    assert!(of("a", 0).await.unwrap().is_empty(), "an edge that was given to another operator");
    let found = council.store.read(|reader| {
        let own = organisation("a");
        Ok((
            orders::list(reader, &LIVE, None, None, 10)?.len(),
            orders::list(reader, &LIVE, Some(&own), None, 10)?.len(),
            orders::list(reader, &LIVE, Some(&organisation("c")), None, 10)?.len(),
            orders::since(reader, &LIVE, (&own, "p s"), at(0))?,
            orders::since(reader, &LIVE, (&own, "p s"), at(1))?,
            orders::undoing(reader, &LIVE, "c1")?,
        ))
    });
    assert_eq!(found.await.unwrap(), (5, 5, 0, (4, 4), (0, 0), Some("u1".to_owned())));
}

async fn an_order_is_unanswered_until_its_edge_says_something_of_it(council: Council) {
    const FAR: i64 = 3_600_000_000;
    for new in [order("e1", "c1", FAR), order("e2", "c2", FAR), order("e1", "c3", -1), order("e1", "c4", FAR)]
    {
        write(&council, move |tx| orders::add(tx, &LIVE, &new)).await.unwrap();
    }
    let open = |of: &'static str, since: i64| {
        council.store.read(move |reader| {
            let found = orders::unanswered(reader, &LIVE, ("e1", &organisation(of)), at(since), 10)?;
            Ok(found.into_iter().map(|order| order.new.command).collect::<Vec<_>>())
        })
    };
    assert_eq!(open("b", 0).await.unwrap(), ["c1", "c4"], "not what it may not take any more");
    assert!(open("b", 1).await.unwrap().is_empty(), "nor what was given before");
    assert!(open("a", 0).await.unwrap().is_empty(), "nor an edge that was given to another operator");
    let report = Report { number: 1, text: "waiting", state: "waiting", stopped: None };
    write(&council, move |tx| orders::report(tx, &LIVE, ("e1", "c1"), report)).await.unwrap();
    assert_eq!(open("b", 0).await.unwrap(), ["c4"]);
}

async fn a_report_is_taken_in_once_and_the_newest_says_how_it_stands(council: Council) {
    write(&council, |tx| orders::add(tx, &LIVE, &order("e1", "c1", 9))).await.unwrap();
    let report = |edge: &'static str, number: u64, state: &'static str, stopped: Option<u64>| {
        write(&council, move |tx| {
            orders::report(tx, &LIVE, (edge, "c1"), Report { number, text: state, state, stopped })
        })
    };
    assert!(report("e1", 2, "enforced", Some(5)).await.unwrap());
    assert!(report("e1", 1, "taken", None).await.unwrap(), "late, and new all the same");
    assert!(!report("e1", 2, "failed", None).await.unwrap());
    assert_eq!(report("e2", 3, "failed", None).await.unwrap_err().code(), "not-found");
    let (found, reports) = council
        .store
        .read(|reader| {
            Ok((orders::get(reader, &LIVE, "c1")?.unwrap(), orders::reports(reader, &LIVE, "c1", 10)?))
        })
        .await
        .unwrap();
    assert_eq!((found.state.as_deref(), found.told, found.stopped), (Some("enforced"), 2, Some(5)));
    assert_eq!(reports, ["taken", "enforced"]);
}

async fn a_call_goes_from_state_to_state_once(council: Council) {
    let call = Call {
        run: "r".to_owned(),
        key: "k".to_owned(),
        attempt: 0,
        agent: "a".to_owned(),
        request: "{}".to_owned(),
    };
    let new = call.clone();
    write(&council, move |tx| orders::call(tx, &LIVE, &new)).await.unwrap();
    let ready = council.store.read(|reader| orders::calls(reader, &LIVE, "ready", None, 10)).await.unwrap();
    assert_eq!(ready, std::slice::from_ref(&call));
    let send = |call: Call| write(&council, move |tx| orders::called(tx, &LIVE, &call, ("ready", "sent")));
    assert!(send(call.clone()).await.unwrap());
    assert!(!send(call).await.unwrap(), "of two that send it one does");
    let lost = |before: i64| {
        council.store.read(move |reader| orders::calls(reader, &LIVE, "sent", Some(at(before)), 10))
    };
    assert!(lost(0).await.unwrap().is_empty());
    assert_eq!(lost(3_600_000_000).await.unwrap().len(), 1);
}
