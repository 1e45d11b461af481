//! What other hubs ask for, who agreed to it here, what one person approved alone, and what is asked of people outside.

use jiff::{SignedDuration, Timestamp};
use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use store::foreign::{self, Approval, Foreign, State};
use store::lone_approvals::{self, LoneApproval, Review};
use store::orders::{self, NewOrder, Report};
use store::outreach::{self, New};
use store::sessions::{self, Origin, Session};
use store::{Act, StoreError, Tx, secrets};

use crate::fixture::{Council, START_US, organisation};
use crate::on_every_store;

on_every_store!(
    a_request_has_one_name_at_each_hub_and_stands_as_it_was_last_said,
    requests_are_listed_newest_first_and_those_that_wait_by_their_end,
    who_agreed_here_counts_as_long_as_its_session_was_not_revoked,
    since_when_an_order_stands_is_kept_over_reports_of_the_same,
    what_one_approved_alone_is_reviewed_once,
    what_is_asked_outside_goes_step_by_step_and_is_reminded_of_once,
);

const LIVE: Realm = Realm::Live;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(START_US + micros).unwrap()
}

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let event = AuditEvent::done(Action::OrderAsked, Actor::Node, Purpose::CollectiveDefence);
    council.store.write(move |tx| Ok(Act::audited(f(tx)?, &LIVE, event))).await
}

fn asked(peer: &str, command: &str, of: &str, came: i64) -> Foreign {
    Foreign {
        peer: peer.to_owned(),
        command: command.to_owned(),
        local: format!("{peer}-{command}"),
        edge: "e1".to_owned(),
        organisation: organisation(of),
        requester: organisation("z"),
        digest: "d".to_owned(),
        note: "n".to_owned(),
        about: "{}".to_owned(),
        agreement: None,
        state: State::Waiting,
        why: None,
        asked: at(came),
        expires: at(came + 100),
        stops: Some(at(came + 200)),
        undoes: None,
        told: 0,
    }
}

async fn a_request_has_one_name_at_each_hub_and_stands_as_it_was_last_said(council: Council) {
    let add = |new: Foreign| write(&council, move |tx| foreign::add(tx, &LIVE, &new));
    let first = Foreign { agreement: Some("ag".to_owned()), ..asked("p", "c1", "a", 1) };
    add(first.clone()).await.unwrap();
    assert_eq!(add(first.clone()).await.unwrap_err().code(), "exists");
    let same_here = Foreign { local: first.local.clone(), ..asked("q", "c1", "a", 1) };
    assert_eq!(add(same_here).await.unwrap_err().code(), "exists");
    add(asked("q", "c1", "a", 1)).await.unwrap();
    let found = council
        .store
        .read(|reader| {
            let own = foreign::get(reader, &LIVE, ("p", "c1"))?;
            assert_eq!(foreign::by_local(reader, &LIVE, "p-c1")?, own);
            assert_eq!(foreign::get(reader, &LIVE, ("p", "c2"))?, None);
            Ok((own, foreign::waiting(reader, &LIVE, "p")?))
        })
        .await
        .unwrap();
    assert_eq!(found, (Some(first), 1));
    let numbers = write(&council, |tx| {
        foreign::put_state(tx, &LIVE, "p-c1", (State::Refused, Some("no")))?;
        Ok((foreign::tell(tx, &LIVE, "p-c1")?, foreign::tell(tx, &LIVE, "p-c1")?))
    });
    assert_eq!(numbers.await.unwrap(), (1, 2));
    let gone = write(&council, |tx| foreign::put_state(tx, &LIVE, "nothing", (State::Over, None)));
    assert_eq!(gone.await.unwrap_err().code(), "not-found");
    let (now, waiting) = council
        .store
        .read(|reader| {
            Ok((
                foreign::by_local(reader, &LIVE, "p-c1")?.unwrap(),
                foreign::in_state(reader, &LIVE, State::Waiting)?.len(),
            ))
        })
        .await
        .unwrap();
    assert_eq!((now.state, now.why.as_deref(), now.told, waiting), (State::Refused, Some("no"), 2, 1));
}

async fn requests_are_listed_newest_first_and_those_that_wait_by_their_end(council: Council) {
    let sooner = Foreign { expires: at(5), ..asked("p", "c3", "b", 3) };
    write(&council, move |tx| {
        for new in [asked("p", "c1", "a", 1), asked("p", "c2", "a", 2), sooner] {
            foreign::add(tx, &LIVE, &new)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let list = |of: Option<&'static str>, before: Option<(i64, &'static str)>| {
        council.store.read(move |reader| {
            let (of, before) = (of.map(organisation), before.map(|(came, local)| (at(came), local)));
            let found = foreign::list(reader, &LIVE, of.as_ref(), before, 10)?;
            Ok(found.into_iter().map(|one| one.command).collect::<Vec<_>>())
        })
    };
    assert_eq!(list(None, None).await.unwrap(), ["c3", "c2", "c1"]);
    assert_eq!(list(Some("a"), None).await.unwrap(), ["c2", "c1"]);
    assert_eq!(list(None, Some((2, "p-c2"))).await.unwrap(), ["c1"]);
    let waiting =
        council.store.read(|reader| foreign::in_state(reader, &LIVE, State::Waiting)).await.unwrap();
    let commands: Vec<&str> = waiting.iter().map(|one| one.command.as_str()).collect();
    assert_eq!(commands, ["c3", "c1", "c2"]);
}

async fn who_agreed_here_counts_as_long_as_its_session_was_not_revoked(council: Council) {
    let approval = |person: &str, session: &str| Approval {
        person: person.to_owned(),
        organisation: organisation("b"),
        session: secrets::hash(session),
        at: at(1),
        revoked: false,
    };
    write(&council, move |tx| {
        foreign::add(tx, &LIVE, &asked("p", "c1", "a", 1))?;
        for (person, secret) in [("ann", "left"), ("bob", "revoked")] {
            let session = Session {
                hash: secrets::hash(secret),
                person: person.to_owned(),
                csrf: "c".to_owned(),
                created: at(0),
                expires: at(0) + SignedDuration::from_hours(1),
                seen: at(0),
                origin: Origin::default(),
            };
            sessions::add(tx, &LIVE, &session)?;
            foreign::approve(tx, &LIVE, "p-c1", &approval(person, secret))?;
        }
        sessions::end(tx, &LIVE, &secrets::hash("left"))?;
        let found = sessions::get(tx, &LIVE, &secrets::hash("revoked"))?.unwrap();
        sessions::revoke(tx, &LIVE, &found)
    })
    .await
    .unwrap();
    let revoked = || async {
        let all = council.store.read(|reader| foreign::approvals(reader, &LIVE, "p-c1")).await.unwrap();
        all.into_iter().map(|one| (one.person, one.revoked)).collect::<Vec<_>>()
    };
    assert_eq!(revoked().await, [("ann".to_owned(), false), ("bob".to_owned(), true)]);
    // Agreed to again, in another session.
    let again = approval("bob", "new");
    write(&council, move |tx| foreign::approve(tx, &LIVE, "p-c1", &again)).await.unwrap();
    assert_eq!(revoked().await, [("ann".to_owned(), false), ("bob".to_owned(), false)]);
}

async fn since_when_an_order_stands_is_kept_over_reports_of_the_same(council: Council) {
    let new = NewOrder {
        edge: "e1".to_owned(),
        organisation: organisation("b"),
        command: "c1".to_owned(),
        requester: organisation("a"),
        run: "r".to_owned(),
        action: "c1".to_owned(),
        step: "p s".to_owned(),
        message: "{}".to_owned(),
        about: "{}".to_owned(),
        ordered: at(1),
        expires: at(9),
        stops: None,
        undoes: None,
    };
    write(&council, move |tx| orders::add(tx, &LIVE, &new)).await.unwrap();
    let since = |number: u64, state: &'static str| {
        let council = &council;
        async move {
            council.pass_time(1_000_000);
            write(council, move |tx| {
                orders::report(
                    tx,
                    &LIVE,
                    ("e1", "c1"),
                    Report { number, text: state, state, stopped: None },
                )?;
                Ok((orders::get(tx, &LIVE, "c1")?.unwrap().since, tx.now()))
            })
            .await
            .unwrap()
        }
    };
    let (enforced, now) = since(1, "enforced").await;
    assert_eq!(enforced, Some(now));
    assert_eq!(since(2, "enforced").await.0, enforced);
    let (drifted, now) = since(3, "drifted").await;
    assert_eq!(drifted, Some(now));
}

async fn what_one_approved_alone_is_reviewed_once(council: Council) {
    let lone = |id: &str, due: i64| LoneApproval {
        id: id.to_owned(),
        run: "r".to_owned(),
        question: 3,
        step: "s".to_owned(),
        person: "ann".to_owned(),
        organisation: organisation("a"),
        requester: organisation("b"),
        hash: "h".to_owned(),
        reason: "no time".to_owned(),
        at: at(1),
        review_due: at(due),
        review: None,
    };
    let new = [lone("l1", 9), lone("l2", 5)];
    write(&council, move |tx| new.iter().try_for_each(|one| lone_approvals::add(tx, &LIVE, one)))
        .await
        .unwrap();
    let taken = lone("l1", 9);
    let taken = write(&council, move |tx| lone_approvals::add(tx, &LIVE, &taken)).await;
    assert_eq!(taken.unwrap_err().code(), "exists");
    let list = || async {
        let all = council.store.read(|reader| lone_approvals::list(reader, &LIVE)).await.unwrap();
        all.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(list().await, ["l2", "l1"], "what is due first");
    let review = Review {
        person: "eve".to_owned(),
        organisation: organisation("c"),
        at: at(2),
        justified: false,
        finding: "there was time".to_owned(),
    };
    let close = |review: Review| write(&council, move |tx| lone_approvals::review(tx, &LIVE, "l2", &review));
    close(review.clone()).await.unwrap();
    let other = Review { justified: true, ..review.clone() };
    assert_eq!(close(other).await.unwrap_err().code(), "not-found", "what was found stays");
    assert_eq!(list().await, ["l1", "l2"]);
    let found = council.store.read(|reader| lone_approvals::get(reader, &LIVE, "l2")).await.unwrap().unwrap();
    assert_eq!((found.question, found.review), (3, Some(review)));
}

async fn what_is_asked_outside_goes_step_by_step_and_is_reminded_of_once(council: Council) {
    let new = |id: &str, of: &str, created: i64| New {
        id: id.to_owned(),
        organisation: organisation(of),
        person: "ann".to_owned(),
        case: None,
        run: None,
        kind: "abuse".to_owned(),
        recipient: "A provider".to_owned(),
        way: "abuse@provider.example".to_owned(),
        about: "[]".to_owned(),
        body: "Please stop it.".to_owned(),
        basis: None,
        tlp: "amber".to_owned(),
        created: at(created),
    };
    let add = |new: New| write(&council, move |tx| outreach::add(tx, &LIVE, &new));
    assert!(add(new("o1", "a", 1)).await.unwrap());
    assert!(!add(new("o1", "a", 7)).await.unwrap(), "the same again changes nothing");
    assert_eq!(add(new("o1", "b", 1)).await.unwrap_err().code(), "exists");
    assert!(add(new("o2", "b", 2)).await.unwrap());
    let step = |state: outreach::State, came: i64, due: Option<i64>| {
        let step =
            outreach::Step { at: at(came), person: "bob".to_owned(), state, words: Some("w".to_owned()) };
        write(&council, move |tx| outreach::step(tx, &LIVE, "o1", &step, due.map(at)))
    };
    step(outreach::State::Sent, 3, Some(10)).await.unwrap();
    let overdue = |now: i64| council.store.read(move |reader| outreach::overdue(reader, &LIVE, at(now)));
    assert!(overdue(9).await.unwrap().is_empty());
    assert_eq!(overdue(10).await.unwrap()[0].new.id, "o1");
    write(&council, |tx| outreach::remind(tx, &LIVE, "o1")).await.unwrap();
    assert!(overdue(20).await.unwrap().is_empty(), "once");
    step(outreach::State::Sent, 21, Some(30)).await.unwrap();
    assert_eq!(overdue(30).await.unwrap().len(), 1, "and again for another time");
    step(outreach::State::Done, 31, None).await.unwrap();
    assert!(overdue(99).await.unwrap().is_empty());
    let (one, steps, own, all) = council
        .store
        .read(|reader| {
            let of_a = organisation("a");
            Ok((
                outreach::get(reader, &LIVE, "o1")?.unwrap(),
                outreach::steps(reader, &LIVE, "o1")?,
                outreach::list(reader, &LIVE, (Some(&of_a), None), None, 10)?,
                outreach::list(reader, &LIVE, (None, None), Some((at(2), "o2")), 10)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((one.state, one.steps, one.due), (outreach::State::Done, 4, None));
    let states: Vec<&str> = steps.iter().map(|step| step.state.name()).collect();
    assert_eq!(states, ["draft", "sent", "sent", "done"]);
    assert_eq!((own.len(), all.len()), (1, 1));
    assert!(!outreach::State::Done.leads_to(outreach::State::Sent));
}
