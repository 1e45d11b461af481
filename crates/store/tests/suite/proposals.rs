//! Changes of the policies: proposed by one person, approved by another, and which set came into force last.

use oversight::Realm;
use store::proposals::{self, Files, OPEN_MAX, Proposal, State};
use store::{Act, StoreError, objects};

use crate::fixture::{Council, indicator, label};
use crate::on_every_store;

const LIVE: Realm = Realm::Live;

on_every_store![
    a_proposal_is_decided_once_by_another_person_in_its_time,
    so_many_proposals_are_open_at_once,
    the_set_that_came_into_force_last_counts,
    objects_are_counted_by_the_label_of_their_newest_version,
];

fn proposal(id: &str, now: jiff::Timestamp) -> Proposal {
    Proposal {
        id: id.to_owned(),
        set: "s".to_owned(),
        base: "b".to_owned(),
        reason: "理由".to_owned(),
        proposer: "one".to_owned(),
        at: now,
        expires: now + jiff::SignedDuration::from_secs(60),
        state: State::Open,
        examined: "{}".to_owned(),
        decider: None,
        decided: None,
        answer: None,
    }
}

fn files(text: &str) -> Files {
    vec![("a.cedar".to_owned(), text.to_owned())]
}

async fn a_proposal_is_decided_once_by_another_person_in_its_time(council: Council) {
    let written = council.store.write(|tx| {
        for id in ["p", "q", "r"] {
            proposals::add(tx, &LIVE, &proposal(id, tx.now()), &files("方針"))?;
        }
        assert_eq!(proposals::files(tx, &LIVE, "p")?, Some(files("方針")));
        let own = proposals::decide(tx, &LIVE, "p", (State::Approved, "one"), "");
        assert!(matches!(own, Err(StoreError::Exists { .. })));
        let own = proposals::decide(tx, &LIVE, "p", (State::Refused, "one"), "");
        assert!(matches!(own, Err(StoreError::Exists { .. })));
        let decided = proposals::decide(tx, &LIVE, "p", (State::Approved, "two"), "よい")?;
        assert_eq!(proposals::get(tx, &LIVE, "p")?.as_ref(), Some(&decided));
        assert_eq!((decided.state, decided.decider.as_deref()), (State::Approved, Some("two")));
        let again = proposals::decide(tx, &LIVE, "p", (State::Refused, "two"), "");
        assert!(matches!(again, Err(StoreError::Stale { .. })));
        proposals::decide(tx, &LIVE, "q", (State::Withdrawn, "one"), "")?;
        let nobody = proposals::decide(tx, &LIVE, "x", (State::Refused, "two"), "");
        assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
        let listed: Vec<String> = proposals::list(tx, &LIVE)?.into_iter().map(|found| found.id).collect();
        assert_eq!(listed[0], "r", "the open ones first");
        assert_eq!(listed.len(), 3);
        Ok(Act::bookkeeping(proposals::next_expiry(tx, &LIVE)?))
    });
    assert!(written.await.unwrap().is_some());
    council.pass_time(60_000_000);
    let over = council.store.write(|tx| {
        let late = proposals::decide(tx, &LIVE, "r", (State::Approved, "two"), "");
        assert!(matches!(late, Err(StoreError::Stale { .. })));
        let over = proposals::expire(tx, &LIVE)?;
        assert_eq!(proposals::get(tx, &LIVE, "r")?.unwrap().state, State::Expired);
        assert!(proposals::expire(tx, &LIVE)?.is_empty());
        assert_eq!(proposals::next_expiry(tx, &LIVE)?, None);
        Ok(Act::bookkeeping(over))
    });
    let over: Vec<String> = over.await.unwrap().into_iter().map(|found| found.id).collect();
    assert_eq!(over, ["r"], "what was decided has no time");
}

async fn so_many_proposals_are_open_at_once(council: Council) {
    let written = council.store.write(|tx| {
        for number in 0..OPEN_MAX {
            proposals::add(tx, &LIVE, &proposal(&number.to_string(), tx.now()), &files("a"))?;
        }
        proposals::add(tx, &LIVE, &proposal("more", tx.now()), &files("a")).map(Act::bookkeeping)
    });
    assert!(matches!(written.await, Err(StoreError::Limit { .. })));
}

async fn the_set_that_came_into_force_last_counts(council: Council) {
    let written = council.store.write(|tx| {
        assert_eq!((proposals::newest(tx, &LIVE)?, proposals::in_force(tx, &LIVE)?), (0, None));
        assert_eq!(proposals::put_in_force(tx, &LIVE, ("one", &files("a")), None)?, 1);
        assert_eq!(proposals::put_in_force(tx, &LIVE, ("two", &files("b")), Some("p"))?, 2);
        let (first, last) = (proposals::first_in_force(tx, &LIVE)?, proposals::in_force(tx, &LIVE)?);
        let (first, last) = (first.unwrap(), last.unwrap());
        assert_eq!((first.number, first.set.as_str(), first.proposal), (1, "one", None));
        assert_eq!((last.number, last.set.as_str(), last.proposal.as_deref()), (2, "two", Some("p")));
        assert_eq!(last.files, files("b"));
        assert_eq!(proposals::newest(tx, &LIVE)?, 2);
        Ok(Act::bookkeeping(()))
    });
    written.await.unwrap();
}

async fn objects_are_counted_by_the_label_of_their_newest_version(council: Council) {
    let intern =
        |level| council.store.write(move |tx| store::labels::intern(tx, &label(level)).map(Act::bookkeeping));
    let (green, amber) =
        (intern(stix::marking::Tlp::Green).await.unwrap(), intern(stix::marking::Tlp::Amber).await.unwrap());
    council.add("coordinator", green, vec![indicator(1), indicator(2), indicator(3)]).await;
    council.add("coordinator", amber, vec![crate::fixture::modified(indicator(3), 2)]).await;
    let counted = council.store.read(|reader| objects::by_label(reader, &LIVE)).await.unwrap();
    assert_eq!(counted.get(&green), Some(&2));
    assert_eq!(counted.get(&amber), Some(&1));
}
