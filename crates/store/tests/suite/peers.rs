//! Peers: registration, progress, sights, the routes by which objects came, conflicts.

use std::collections::BTreeSet;

use oversight::Realm;
use store::batches::{self, Batch, Place, Series};
use store::carried::{self, Kind, Out};
use store::peers::{self, Conflict, Counts, Peer, Progress, Sight, State, Way};
use store::routes::{self, Ended, Route};
use store::{Act, StoreError, outbox};

use crate::fixture::{Council, START_US, organisation, stix_id};
use crate::on_every_store;

on_every_store!(
    a_hub_a_certificate_and_an_organisation_have_one_peer,
    progress_moves_the_cursor_over_the_log,
    sights_of_a_silent_peer_are_joined,
    a_version_stays_as_long_as_one_way_holds_it,
    conflicts_are_bounded,
    a_series_remembers_where_each_batch_began,
    acts_of_lost_batches_wait_again,
    what_is_known_of_a_series_goes_with_its_peer,
);

const LIVE: Realm = Realm::Live;
const V1: &str = "2026-01-01T00:00:00.000Z";

fn at(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(START_US + micros).unwrap()
}

fn peer(id: &str) -> Peer {
    Peer {
        id: id.to_owned(),
        hub: format!("hub of {id}"),
        organisation: organisation(id),
        fingerprint: format!("fingerprint of {id}"),
        card: "card".to_owned(),
        address: None,
        way: Way::Link,
        state: State::Active,
        reason: None,
        created: at(0),
        changed: at(0),
    }
}

async fn a_hub_a_certificate_and_an_organisation_have_one_peer(council: Council) {
    let add = async |peer: Peer| {
        council.store.write(move |tx| peers::add(tx, &LIVE, &peer).map(Act::bookkeeping)).await
    };
    add(peer("a")).await.unwrap();
    let taken = [
        peer("a"),
        Peer { hub: peer("a").hub, ..peer("b") },
        Peer { fingerprint: peer("a").fingerprint, ..peer("b") },
        Peer { organisation: organisation("a"), ..peer("b") },
    ];
    for peer in taken {
        assert!(matches!(add(peer.clone()).await, Err(StoreError::Exists { .. })), "{peer:?}");
    }
    add(peer("b")).await.unwrap();
    let suspended = Peer {
        state: State::Suspended,
        reason: Some("why".to_owned()),
        address: Some("x".to_owned()),
        ..peer("a")
    };
    let update = suspended.clone();
    council.store.write(move |tx| peers::update(tx, &LIVE, &update).map(Act::bookkeeping)).await.unwrap();
    let read = council.store.read(|reader| {
        Ok((
            peers::list(reader, &LIVE)?,
            peers::by_hub(reader, &LIVE, "hub of a")?,
            peers::get(reader, &LIVE, "c")?,
        ))
    });
    let (all, by_hub, nobody) = read.await.unwrap();
    let found = by_hub.unwrap();
    assert_eq!(Peer { changed: at(0), ..found.clone() }, suspended);
    assert_eq!((all.len(), all[0].id.as_str(), nobody), (2, "a", None));
    let removed = council
        .store
        .write(|tx| Ok(Act::bookkeeping((peers::remove(tx, &LIVE, "a")?, peers::remove(tx, &LIVE, "a")?))));
    assert_eq!(removed.await.unwrap(), (true, false));
}

async fn progress_moves_the_cursor_over_the_log(council: Council) {
    let progress = Progress {
        taken: 7,
        taken_sight: 2,
        taken_at: Some(at(1)),
        given: 12,
        given_sight: 3,
        given_at: None,
        counts: Counts { accepted: 5, sent: 9, ..Counts::default() },
    };
    let write = progress.clone();
    let put = move |tx: &mut store::Tx<'_>| {
        peers::put_progress(tx, &LIVE, "a", &Progress::default())?;
        peers::put_progress(tx, &LIVE, "a", &write).map(Act::bookkeeping)
    };
    council.store.write(put).await.unwrap();
    let read = council.store.read(|reader| {
        let cursor = outbox::cursor(reader, &LIVE, "peer/a")?;
        Ok((peers::progress(reader, &LIVE, "a")?, cursor, peers::progress(reader, &LIVE, "b")?))
    });
    assert_eq!(read.await.unwrap(), (progress, 12, Progress::default()));
}

async fn sights_of_a_silent_peer_are_joined(council: Council) {
    let put = |tx: &mut store::Tx<'_>| {
        for number in 0..100 {
            let labels = BTreeSet::from([1, number + 10]);
            peers::put_sight(tx, &LIVE, "a", &Sight { number, known: number + 10, labels })?;
        }
        Ok(Act::bookkeeping(()))
    };
    council.store.write(put).await.unwrap();
    let all = council.store.read(|reader| peers::sights_since(reader, &LIVE, "a", 0)).await.unwrap();
    assert!(all.len() <= 64, "{}", all.len());
    let held: BTreeSet<i64> = all.iter().flat_map(|sight| sight.labels.iter().copied()).collect();
    assert_eq!(held.len(), 101, "nothing that the peer may hold is forgotten");
    let acknowledged =
        |tx: &mut store::Tx<'_>| peers::forget_sights(tx, &LIVE, "a", 99).map(Act::bookkeeping);
    council.store.write(acknowledged).await.unwrap();
    let left = council.store.read(|reader| {
        Ok((peers::sights_since(reader, &LIVE, "a", 0)?, peers::sight(reader, &LIVE, "a", 98)?))
    });
    let (left, gone) = left.await.unwrap();
    assert_eq!((left.len(), left[0].number, gone), (1, 99, None));
}

fn route(peer: &str, hops: &[&str]) -> Route {
    Route {
        id: stix_id("indicator", 1),
        version_key: routes::version_key(Some(V1)),
        peer: peer.to_owned(),
        origin: hops[0].to_owned(),
        organisation: "Agency".to_owned(),
        hops: hops.iter().map(|hop| (*hop).to_owned()).collect(),
        agreement: Some("a-1".to_owned()),
        received: at(0),
        held: true,
    }
}

async fn a_version_stays_as_long_as_one_way_holds_it(council: Council) {
    let done = council.store.write(|tx| {
        let (id, key) = (stix_id("indicator", 1), routes::version_key(Some(V1)));
        let held = |tx: &store::Tx<'_>| {
            let known = routes::of_version(tx, &LIVE, &id, &key)?;
            Ok::<_, StoreError>(known.iter().filter(|route| route.held).count())
        };
        for way in [route("n", &["o", "n"]), route("q", &["o", "n", "q"]), route("m", &["o", "m"])] {
            routes::put(tx, &LIVE, &way)?;
        }
        let shortest = routes::of_version(tx, &LIVE, &id, &key)?.remove(0);
        assert_eq!((shortest.hops.len(), shortest.agreement.as_deref()), (2, Some("a-1")));
        assert_eq!(routes::end(tx, &LIVE, &id, &key, "x", None)?, Ended::Unknown);
        // What is only no longer shared with us is still there, and so are the ways through there.
        assert_eq!(routes::end(tx, &LIVE, &id, &key, "m", None)?, Ended::Held);
        assert_eq!(held(tx)?, 2);
        // What the hub has no more, nobody has by it.
        assert_eq!(routes::end(tx, &LIVE, &id, &key, "n", Some("n"))?, Ended::Free);
        assert_eq!(held(tx)?, 0);
        assert_eq!(routes::end(tx, &LIVE, &id, &key, "n", Some("n"))?, Ended::Unknown);
        routes::put(tx, &LIVE, &route("m", &["o", "m"]))?;
        assert_eq!(held(tx)?, 1, "it may come again");
        let too_long: Vec<String> = (0..9).map(|hop| hop.to_string()).collect();
        let too_long: Vec<&str> = too_long.iter().map(String::as_str).collect();
        assert!(routes::put(tx, &LIVE, &route("z", &too_long)).is_err());
        let many =
            routes::of_versions(tx, &LIVE, [(&id, key.clone()), (&stix_id("indicator", 2), key.clone())])?;
        assert_eq!(many.len(), 1);
        assert_eq!(routes::of_object(tx, &LIVE, &id)?.len(), 3);
        assert_eq!(routes::brought_by(tx, &LIVE, &id)?, None);
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

async fn conflicts_are_bounded(council: Council) {
    let put = |tx: &mut store::Tx<'_>| {
        for number in 0..1_010 {
            let conflict = Conflict {
                id: stix_id("indicator", number),
                version: Some(V1.to_owned()),
                hash: [7; 32],
                at: at(i64::try_from(number).unwrap()),
            };
            peers::note_conflict(tx, &LIVE, "a", &conflict)?;
        }
        Ok(Act::bookkeeping(()))
    };
    council.store.write(put).await.unwrap();
    let kept = council.store.read(|reader| peers::conflicts(reader, &LIVE, "a", 5_000)).await.unwrap();
    assert_eq!((kept.len(), &kept[0].id), (1_000, &stix_id("indicator", 1_009)));
}

fn batch(number: i64) -> Batch {
    Batch { number, hash: [7; 32], begun: Place { sequence: number * 10, sight: 2 }, at: at(number) }
}

async fn a_series_remembers_where_each_batch_began(council: Council) {
    let series = Series {
        name: "0123456789abcdef0123456789abcdef".to_owned(),
        files_max: 10,
        bytes_max: 1000,
        number: 3,
        follows: 2,
        place: Place { sequence: 20, sight: 2 },
        gap_told: 0,
        at: Some(at(3)),
    };
    let kept = series.clone();
    let write = move |tx: &mut store::Tx<'_>| {
        batches::put_series(tx, &LIVE, "a", &Series::default())?;
        batches::put_series(tx, &LIVE, "a", &kept)?;
        for number in 1..=3 {
            batches::add(tx, &LIVE, "a", &batch(number))?;
        }
        Ok(Act::bookkeeping(()))
    };
    council.store.write(write).await.unwrap();
    let twice = council.store.write(|tx| batches::add(tx, &LIVE, "a", &batch(3)).map(Act::bookkeeping)).await;
    assert!(matches!(twice, Err(StoreError::Exists { .. })), "{twice:?}");
    let far = council
        .store
        .write(|tx| batches::add(tx, &LIVE, "a", &batch(batches::BATCHES_MAX + 2)).map(Act::bookkeeping));
    far.await.unwrap();
    let read = council.store.read(|reader| {
        let known: Vec<bool> = (1..=3)
            .map(|number| batches::get(reader, &LIVE, "a", number).map(|found| found.is_some()))
            .collect::<Result<_, _>>()?;
        let of_another = batches::get(reader, &LIVE, "b", 3)?;
        Ok((
            batches::series(reader, &LIVE, "a")?,
            known,
            batches::get(reader, &LIVE, "a", 3)?,
            of_another,
            batches::series(reader, &LIVE, "b")?,
        ))
    });
    let (found, known, third, of_another, nobody) = read.await.unwrap();
    assert_eq!((found, nobody, of_another), (Some(series), None, None));
    assert_eq!(known, [false, false, true], "the oldest of very many are forgotten");
    assert_eq!(third, Some(batch(3)));
}

async fn acts_of_lost_batches_wait_again(council: Council) {
    let out = |id: &str| Out { id: id.to_owned(), kind: Kind::Recall, text: "{}".to_owned() };
    let write = move |tx: &mut store::Tx<'_>| {
        for (id, number) in [("one", 4), ("two", 5), ("three", 6)] {
            carried::send(tx, &LIVE, "a", &out(id))?;
            carried::written(tx, &LIVE, "a", id, number)?;
        }
        carried::send(tx, &LIVE, "a", &out("four"))?;
        Ok(Act::bookkeeping(()))
    };
    council.store.write(write).await.unwrap();
    let waiting = async || {
        let read = council.store.read(|reader| {
            let waiting = carried::waiting(reader, &LIVE, "a", 10)?;
            let batches = ["one", "two", "four"].map(|id| carried::batch_of(reader, &LIVE, "a", id));
            Ok((waiting.into_iter().map(|act| act.id).collect::<BTreeSet<_>>(), batches.map(Result::unwrap)))
        });
        read.await.unwrap()
    };
    let named = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(waiting().await, (named(&["four"]), [4, 5, 0]));
    council.store.write(|tx| carried::lost(tx, &LIVE, "a", 5).map(Act::bookkeeping)).await.unwrap();
    assert_eq!(waiting().await, (named(&["two", "three", "four"]), [4, 0, 0]));
}

async fn what_is_known_of_a_series_goes_with_its_peer(council: Council) {
    let inlet = Peer { way: Way::Inlet, ..peer("a") };
    let expected = inlet.clone();
    let write = move |tx: &mut store::Tx<'_>| {
        peers::add(tx, &LIVE, &inlet)?;
        batches::put_series(tx, &LIVE, "a", &Series::default())?;
        batches::add(tx, &LIVE, "a", &batch(1))?;
        let found = peers::get(tx, &LIVE, "a")?;
        peers::remove(tx, &LIVE, "a")?;
        let known = (batches::series(tx, &LIVE, "a")?, batches::get(tx, &LIVE, "a", 1)?);
        Ok(Act::bookkeeping((found, known)))
    };
    let (found, known) = council.store.write(write).await.unwrap();
    assert_eq!(found, Some(expected));
    assert_eq!(known, (None, None));
}
