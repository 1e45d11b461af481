//! What stands between organisations and hubs: acts on their way, proposals, grants that stand, TAXII links.

use oversight::Realm;
use stix::Id;
use stix::marking::Tlp;
use store::carried::{self, Kind, Reach};
use store::saved_searches::Owner;
use store::taxii_links::{self, Progress, TaxiiLink};
use store::tellings::{self, Audience, KEPT_MAX};
use store::widenings::{self, State, Widening};
use store::{Act, StoreError, Tx, feedback, recalls, requests};

use crate::fixture::{Council, indicator, organisation};
use crate::on_every_store;

const LIVE: Realm = Realm::Live;

on_every_store![
    an_act_waits_until_the_peer_has_it_and_is_told_of_until_it_is_settled,
    what_a_peer_tells_of_those_beyond_counts_into_the_reach_of_a_recall,
    a_proposal_is_decided_once_and_one_of_an_object_is_open,
    a_standing_grant_covers_its_originators_object_until_it_falls,
    an_organisation_says_once_that_it_blocked,
    a_taxii_link_keeps_its_place_and_is_forgotten_whole,
    what_an_older_program_kept_in_the_open_is_sealed_in_its_place,
    what_is_told_beside_the_log_is_read_in_order_and_the_oldest_is_forgotten,
];

fn id(number: u64) -> Id {
    Id::parse(indicator(number)["id"].as_str().unwrap()).unwrap()
}

async fn an_act_waits_until_the_peer_has_it_and_is_told_of_until_it_is_settled(council: Council) {
    let done = council.store.write(|tx| {
        let out = carried::Out { id: "a".to_owned(), kind: Kind::Recall, text: "{}".to_owned() };
        carried::send(tx, &LIVE, "north", &out)?;
        carried::send(tx, &LIVE, "north", &carried::Out { text: "other".to_owned(), ..out.clone() })?;
        assert_eq!(carried::waiting(tx, &LIVE, "north", 10)?, [out]);
        assert!(carried::waiting(tx, &LIVE, "south", 10)?.is_empty());
        assert_eq!(carried::delivered(tx, &LIVE, "south", "a")?, None);
        assert_eq!(carried::delivered(tx, &LIVE, "north", "a")?, Some(Kind::Recall));
        assert!(carried::waiting(tx, &LIVE, "north", 10)?.is_empty());

        let came = carried::In { id: "b".to_owned(), kind: Kind::Marking, is_first: true, told: None };
        carried::take(tx, &LIVE, "north", &came)?;
        assert_eq!(carried::unsettled(tx, &LIVE, "north", 10)?, std::slice::from_ref(&came));
        let reach = Reach { holders: 3, acknowledged: 1, is_settled: false };
        carried::told(tx, &LIVE, "north", "b", reach)?;
        assert_eq!(carried::unsettled(tx, &LIVE, "north", 10)?[0].told, Some(reach));
        carried::told(tx, &LIVE, "north", "b", Reach { is_settled: true, ..reach })?;
        assert!(carried::unsettled(tx, &LIVE, "north", 10)?.is_empty());
        // Told again, it is answered again; who came first stays so.
        carried::take(tx, &LIVE, "north", &carried::In { is_first: false, ..came })?;
        assert!(carried::unsettled(tx, &LIVE, "north", 10)?[0].is_first);
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn what_a_peer_tells_of_those_beyond_counts_into_the_reach_of_a_recall(council: Council) {
    let done = council.store.write(|tx| {
        let recall = recalls::Recall {
            id: "r".to_owned(),
            object: id(1),
            version: None,
            name: "n".to_owned(),
            reason: "r".to_owned(),
            originator: organisation("agency"),
            issuer: organisation("agency"),
            at: tx.now(),
            deadline: tx.now(),
            sequence: 1,
        };
        let doors = |doors: &[&str]| doors.iter().map(|door| (*door).to_owned()).collect();
        let recipients = [
            (organisation("agency"), doors(&["object"])),
            (organisation("operator-a"), doors(&["object", "edge"])),
            // No peer is bound to it any more, so its people stand for it.
            (organisation("partner"), doors(&["peer"])),
        ];
        let told = recalls::add(tx, &LIVE, &recall, &recipients.into())?;
        assert!(told.is_empty());
        let reach = |holders, acknowledged, is_settled| Reach { holders, acknowledged, is_settled };
        assert_eq!(recalls::reach(tx, &LIVE, "r")?, reach(2, 0, false));
        for name in ["operator-a", "partner"] {
            let part = (&organisation(name), &recalls::Part::Itself);
            assert!(recalls::acknowledge(tx, &LIVE, "r", part, "somebody")?);
            assert!(!recalls::acknowledge(tx, &LIVE, "r", part, "somebody")?, "it is news once");
        }
        assert_eq!(recalls::reach(tx, &LIVE, "r")?, reach(2, 2, true));
        let stranger = (&organisation("operator-b"), &recalls::Part::Itself);
        let refused = recalls::acknowledge(tx, &LIVE, "r", stranger, "somebody");
        assert!(matches!(refused, Err(StoreError::NotFound { .. })));
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn a_proposal_is_decided_once_and_one_of_an_object_is_open(council: Council) {
    let done = council.store.write(|tx| {
        let proposed = Widening {
            waits: false,
            id: "w".to_owned(),
            object: id(1),
            version: "2026-01-01T00:00:00Z".to_owned(),
            name: "n".to_owned(),
            originator: organisation("agency"),
            tlp: Tlp::Clear,
            reason: "r".to_owned(),
            proposer: "p".to_owned(),
            at: tx.now(),
            state: State::Open,
            decider: None,
            decided: None,
            answer: None,
        };
        widenings::add(tx, &LIVE, &proposed)?;
        let second = Widening { id: "x".to_owned(), ..proposed.clone() };
        assert!(matches!(widenings::add(tx, &LIVE, &second), Err(StoreError::Exists { .. })));
        assert_eq!(widenings::get(tx, &LIVE, "w")?, Some(proposed.clone()));
        let decided = Widening {
            state: State::Confirmed,
            decider: Some("q".to_owned()),
            decided: Some(tx.now()),
            answer: Some("yes".to_owned()),
            ..proposed
        };
        widenings::decide(tx, &LIVE, &decided)?;
        assert!(matches!(widenings::decide(tx, &LIVE, &decided), Err(StoreError::Stale { .. })));
        widenings::add(tx, &LIVE, &second)?;
        let listed = widenings::of(tx, &LIVE, &organisation("agency"), 10)?;
        assert_eq!(listed, [second, decided], "the open ones first");
        assert!(widenings::of(tx, &LIVE, &organisation("operator-a"), 10)?.is_empty());
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn a_standing_grant_covers_its_originators_object_until_it_falls(council: Council) {
    let done = council.store.write(|tx| {
        let grant = requests::Request {
            id: "g".to_owned(),
            object: id(1),
            name: "n".to_owned(),
            originator: organisation("agency"),
            asker: organisation("operator-a"),
            person: "p".to_owned(),
            recipient: organisation("operator-a"),
            tlp: None,
            purpose: oversight::Purpose::OwnDefence,
            reason: "r".to_owned(),
            state: requests::State::Granted,
            at: tx.now(),
            answered: None,
            answerer: None,
            answer: None,
            conditions: None,
            until: None,
        };
        assert!(!requests::any_stands(tx, &LIVE)?);
        requests::stand(tx, &LIVE, &grant)?;
        assert!(requests::any_stands(tx, &LIVE)? && requests::stands(tx, &LIVE, &grant)?);
        let standing =
            |tx: &Tx<'_>, number, from| requests::standing(tx, &LIVE, &id(number), &organisation(from));
        assert_eq!(standing(tx, 1, "agency")?, [organisation("operator-a")]);
        assert!(standing(tx, 1, "operator-b")?.is_empty(), "what another one brings under the id is not its");
        assert!(standing(tx, 2, "agency")?.is_empty());
        requests::fall(tx, &LIVE, &grant)?;
        assert!(standing(tx, 1, "agency")?.is_empty() && !requests::any_stands(tx, &LIVE)?);
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn an_organisation_says_once_that_it_blocked(council: Council) {
    let done = council.store.write(|tx| {
        for (by, opinion) in [("operator-a", 7), ("operator-a", 8), ("operator-b", 9), ("agency", 10)] {
            feedback::block(tx, &LIVE, &id(1), &organisation(by), &id(opinion))?;
        }
        assert_eq!(feedback::blocked_by_others(tx, &LIVE, &id(1), &organisation("agency"))?, 2);
        assert_eq!(feedback::blocked_by_others(tx, &LIVE, &id(2), &organisation("agency"))?, 0);
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn a_taxii_link_keeps_its_place_and_is_forgotten_whole(council: Council) {
    let done = council.store.write(|tx| {
        let link = TaxiiLink {
            id: "aurora".to_owned(),
            organisation: organisation("partner"),
            discovery: "https://taxii.example/taxii2/".to_owned(),
            collection: Some("c".to_owned()),
            user: None,
            sealed: Some(b"hunter2".to_vec()),
            certificate: None,
            every_seconds: 60,
            pulls: true,
            pushes: false,
            suspended: false,
            created: tx.now(),
            changed: tx.now(),
        };
        assert!(!format!("{link:?}").contains("sealed"));
        taxii_links::add(tx, &LIVE, &link)?;
        assert!(matches!(taxii_links::add(tx, &LIVE, &link), Err(StoreError::Exists { .. })));
        assert_eq!(taxii_links::list(tx, &LIVE)?, std::slice::from_ref(&link));
        let progress = Progress {
            pulled: "{\"next\":\"7\"}".to_owned(),
            pushed: 12,
            at: Some(tx.now()),
            trouble: Some("it is busy".to_owned()),
            failures: 2,
            counts: store::peers::Counts { accepted: 3, ..Default::default() },
        };
        taxii_links::put_progress(tx, &LIVE, "aurora", &progress)?;
        taxii_links::put_progress(tx, &LIVE, "gone", &progress)?;
        assert_eq!(taxii_links::progress(tx, &LIVE, "aurora")?, progress);
        assert_eq!(taxii_links::progress(tx, &LIVE, "gone")?, Progress::default());
        taxii_links::suspend(tx, &LIVE, "aurora", true)?;
        assert!(taxii_links::get(tx, &LIVE, "aurora")?.is_some_and(|link| link.suspended));
        assert!(taxii_links::remove(tx, &LIVE, "aurora")? && !taxii_links::remove(tx, &LIVE, "aurora")?);
        assert_eq!(taxii_links::progress(tx, &LIVE, "aurora")?, Progress::default());
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn what_an_older_program_kept_in_the_open_is_sealed_in_its_place(council: Council) {
    let link = |id: &str, tx: &Tx<'_>| TaxiiLink {
        id: id.to_owned(),
        organisation: organisation("partner"),
        discovery: "https://taxii.example/taxii2/".to_owned(),
        collection: None,
        user: Some("yagura".to_owned()),
        sealed: None,
        certificate: None,
        every_seconds: 60,
        pulls: true,
        pushes: false,
        suspended: false,
        created: tx.now(),
        changed: tx.now(),
    };
    let added = council.store.write(move |tx| {
        for id in ["old", "without"] {
            let link = link(id, tx);
            taxii_links::add(tx, &LIVE, &link)?;
        }
        Ok(Act::bookkeeping(()))
    });
    added.await.unwrap();
    council.alter("UPDATE taxii_links SET secret = 'hunter2' WHERE id = 'old'");
    let done = council.store.write(|tx| {
        let found = taxii_links::unsealed(tx, &LIVE)?;
        let [(found, secret)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((found.id.as_str(), secret.as_str(), &found.sealed), ("old", "hunter2", &None));
        taxii_links::seal(tx, &LIVE, "old", b"sealed")?;
        assert!(taxii_links::unsealed(tx, &LIVE)?.is_empty());
        let sealed = taxii_links::get(tx, &LIVE, "old")?.and_then(|link| link.sealed);
        assert_eq!(sealed.as_deref(), Some(b"sealed".as_slice()));
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn what_is_told_beside_the_log_is_read_in_order_and_the_oldest_is_forgotten(council: Council) {
    let audiences = [
        Audience::Organisations(["agency", "operator-a"].map(organisation).into()),
        Audience::Owner(Owner::Person("p".to_owned())),
        Audience::Owner(Owner::Program("t".to_owned())),
    ];
    let mut told = council.store.told();
    let tell = async |audience: Audience| {
        let event = format!("{audience:?}");
        let write = move |tx: &mut Tx<'_>| tellings::add(tx, &LIVE, &audience, &event).map(Act::bookkeeping);
        council.store.write(write).await.unwrap();
    };
    let read = async |after: i64, limit: usize| {
        council.store.read(move |reader| tellings::after(reader, &LIVE, after, limit)).await.unwrap()
    };
    for audience in &audiences {
        tell(audience.clone()).await;
    }
    assert!(told.has_changed().unwrap());
    assert_eq!(*told.borrow_and_update(), 3, "it is known when the write is answered");
    let found: Vec<(i64, Audience, String)> =
        read(0, 9).await.into_iter().map(|one| (one.number, one.audience, one.event)).collect();
    let expected = audiences.iter().zip(1..).map(|(one, number)| (number, one.clone(), format!("{one:?}")));
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(read(1, 1).await.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
    // What is taken back was never told.
    let failed = council.store.write(|tx| {
        tellings::add(tx, &LIVE, &Audience::Owner(Owner::Person("p".to_owned())), "")?;
        Err::<Act<()>, _>(StoreError::NotFound { what: String::new() })
    });
    failed.await.unwrap_err();
    tell(audiences[0].clone()).await;
    assert_eq!(*told.borrow_and_update(), 4);
    council.alter(&format!("UPDATE tellings SET number = {KEPT_MAX} + 1 WHERE number = 4"));
    tell(audiences[1].clone()).await;
    assert_eq!(
        read(0, 9).await.iter().map(|one| one.number).collect::<Vec<_>>(),
        [3, KEPT_MAX + 1, KEPT_MAX + 2]
    );
}
