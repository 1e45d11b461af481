//! Items of evidence, their custody, holds, and requests for them.

use jiff::{SignedDuration, Timestamp};
use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use stix::Id;
use store::evidence::abroad::{self, Named, Note};
use store::evidence::holds::{self, Hold};
use store::evidence::requests::{self, Kind, NewRequest, Step};
use store::evidence::{self, Filter, Kept, Logged, NewItem, Offer, State};
use store::evidence::{backup, content};
use store::{Act, StoreError, Tx};
use uuid::Uuid;

use crate::fixture::{Council, START_US, organisation, seeing};
use crate::on_every_store;

on_every_store!(
    an_item_is_announced_once_and_seen_by_its_label,
    content_counts_once_it_is_whole_and_others_uploads_go,
    custody_is_only_added_to_and_in_order,
    what_is_disposed_of_is_gone_and_what_is_written_stays,
    a_hold_is_lifted_by_another_person,
    a_request_has_its_steps_and_is_told_once_when_it_is_late,
    what_passes_between_hubs_is_noted_once_and_counted_by_hub,
);

const LIVE: Realm = Realm::Live;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(START_US + micros).unwrap()
}

fn case() -> Id {
    Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap()
}

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let event = AuditEvent::done(Action::EvidenceChanged, Actor::Node, Purpose::IncidentResponse);
    council.store.write(move |tx| Ok(Act::audited(f(tx)?, &LIVE, event))).await
}

fn item(council: &Council, id: u128) -> NewItem {
    NewItem {
        id: Uuid::from_u128(id),
        case: case(),
        label: council.amber,
        organisation: organisation("police"),
        person: "hanako".to_owned(),
        name: "disk.img".to_owned(),
        kind: "disk-image".to_owned(),
        description: "端末のディスク".to_owned(),
        collector: "山田".to_owned(),
        seized_at: "2026-11-01T09:00:00+09:00[Asia/Tokyo]".to_owned(),
        seized_where: "大阪".to_owned(),
        reason: "令状".to_owned(),
        legal_basis: Some("刑訴法218条".to_owned()),
        declared: None,
    }
}

fn kept(upload: u128, class_key: Option<&str>) -> Kept {
    Kept {
        received: at(5),
        size: 7,
        sha256: "aa".to_owned(),
        sha3_256: "bb".to_owned(),
        chunks: 2,
        upload: Uuid::from_u128(upload),
        class_key: class_key.map(str::to_owned),
        sealed_key: Some(vec![1, 2, 3]),
    }
}

/// An item of this number, announced and here.
async fn brought(council: &Council, id: u128, class_key: Option<&'static str>) -> Uuid {
    let new = item(council, id);
    let name = new.id;
    write(council, move |tx| {
        evidence::announce(tx, &LIVE, &new)?;
        for number in 0..2 {
            content::add(tx, &LIVE, (name, Uuid::from_u128(9), number), b"sealed")?;
        }
        evidence::receive(tx, &LIVE, name, &kept(9, class_key))
    })
    .await
    .unwrap();
    name
}

async fn an_item_is_announced_once_and_seen_by_its_label(council: Council) {
    let announce = async |new: NewItem| write(&council, move |tx| evidence::announce(tx, &LIVE, &new)).await;
    assert!(announce(item(&council, 1)).await.unwrap());
    assert!(!announce(item(&council, 1)).await.unwrap(), "sent twice it is one");
    let other = NewItem { name: "other".to_owned(), ..item(&council, 1) };
    assert_eq!(announce(other).await.unwrap_err().code(), "exists");
    council.pass_time(1);
    let red = NewItem { label: council.red, ..item(&council, 2) };
    assert!(announce(red).await.unwrap());

    let list = async |labels: &[policy::LabelKey], own: &'static str, after: Option<(Timestamp, Uuid)>| {
        let visible = seeing(labels);
        let read = council.store.read(move |reader| {
            let own = organisation(own);
            let filter = Filter { case: &case(), visible: &visible, own: &own, after, limit: 10 };
            evidence::list(reader, &LIVE, &filter)
        });
        read.await.unwrap().into_iter().map(|item| item.new.id.as_u128()).collect::<Vec<_>>()
    };
    let (amber, red) = (council.amber, council.red);
    assert_eq!(list(&[amber, red], "police", None).await, [1, 2]);
    assert_eq!(list(&[amber], "police", None).await, [1]);
    assert_eq!(
        list(&[amber, red], "kinki", None).await,
        [0_u128; 0],
        "what is still to come is its bringer's"
    );
    assert_eq!(list(&[amber, red], "police", Some((at(0), Uuid::from_u128(1)))).await, [2]);
    brought(&council, 3, None).await;
    assert_eq!(list(&[amber, red], "kinki", None).await, [3]);
    let visible = seeing(&[amber]);
    let hidden = council.store.read(move |reader| evidence::get(reader, &LIVE, &visible, Uuid::from_u128(2)));
    assert_eq!(hidden.await.unwrap(), None);
    let bytes =
        council.store.read(|reader| evidence::bytes_of(reader, &LIVE, &case(), &organisation("police")));
    assert_eq!(bytes.await.unwrap(), 7);
    // A day later what never came is given up, and what came is not.
    let before = at(100);
    assert_eq!(write(&council, move |tx| evidence::forget_announced(tx, &LIVE, before)).await.unwrap(), 2);
    assert_eq!(list(&[amber, red], "police", None).await, [3]);
}

async fn content_counts_once_it_is_whole_and_others_uploads_go(council: Council) {
    let new = item(&council, 1);
    let (id, first, second) = (new.id, Uuid::from_u128(8), Uuid::from_u128(9));
    write(&council, move |tx| evidence::announce(tx, &LIVE, &new)).await.unwrap();
    let add = |upload, number, sealed: &'static [u8]| {
        write(&council, move |tx| content::add(tx, &LIVE, (id, upload, number), sealed))
    };
    add(first, 0, b"broke off").await.unwrap();
    add(second, 0, b"one").await.unwrap();
    add(second, 1, &[0; 100_000]).await.unwrap();
    assert_eq!(add(second, 1, b"again").await.unwrap_err().code(), "exists");
    write(&council, move |tx| {
        evidence::receive(tx, &LIVE, id, &kept(9, None))?;
        content::remove_others(tx, &LIVE, id, second)
    })
    .await
    .unwrap();
    let twice = write(&council, move |tx| evidence::receive(tx, &LIVE, id, &kept(8, None))).await;
    assert_eq!(twice.unwrap_err().code(), "stale");
    let piece = async |upload, number| {
        council.store.read(move |reader| content::get(reader, &LIVE, (id, upload, number))).await.unwrap()
    };
    assert_eq!(piece(first, 0).await, None);
    assert_eq!(
        (piece(second, 0).await.unwrap(), piece(second, 1).await.unwrap().len()),
        (b"one".to_vec(), 100_000)
    );
    let found =
        council.store.read(move |reader| evidence::for_node(reader, &LIVE, id)).await.unwrap().unwrap();
    assert_eq!((found.state, found.kept.unwrap()), (State::Kept, kept(9, None)));
    assert_eq!((found.custodian, found.custodian_person), (organisation("police"), None));
}

fn logged(number: u64) -> Logged {
    Logged { number, entry: format!("{{\"n\":{number}}}"), hash: format!("h{number}"), leaf: 40 + number }
}

async fn custody_is_only_added_to_and_in_order(council: Council) {
    let id = brought(&council, 1, None).await;
    let add = |number| write(&council, move |tx| evidence::add_entry(tx, &LIVE, id, &logged(number)));
    add(1).await.unwrap();
    add(2).await.unwrap();
    assert!(add(2).await.is_err(), "an entry is not written over");
    assert!(add(4).await.is_err(), "none is left out");
    let found = council.store.read(move |reader| evidence::custody(reader, &LIVE, id)).await.unwrap();
    assert_eq!(found, [logged(1), logged(2)]);
    let offer = Offer {
        organisation: organisation("kinki"),
        person: Some("taro".to_owned()),
        by: "hanako".to_owned(),
        at: at(1),
        request: Some(Uuid::from_u128(77)),
    };
    let opened = offer.clone();
    write(&council, move |tx| evidence::set_offer(tx, &LIVE, id, Some(&opened))).await.unwrap();
    let read = async || {
        council.store.read(move |reader| evidence::for_node(reader, &LIVE, id)).await.unwrap().unwrap()
    };
    let item = read().await;
    assert_eq!((item.entries, item.last_hash.as_deref(), item.offer), (2, Some("h2"), Some(offer)));
    let taken = |tx: &mut Tx<'_>| {
        evidence::relabel(tx, &LIVE, Uuid::from_u128(1), 1)?;
        evidence::hand_over(tx, &LIVE, Uuid::from_u128(1), (&organisation("kinki"), "taro"))
    };
    write(&council, taken).await.unwrap();
    let item = read().await;
    assert_eq!((item.custodian, item.custodian_person.as_deref()), (organisation("kinki"), Some("taro")));
    assert_eq!((item.offer, item.new.label, item.new.organisation), (None, 1, organisation("police")));
}

async fn what_is_disposed_of_is_gone_and_what_is_written_stays(council: Council) {
    let id = brought(&council, 1, Some("k/2026-11-01/e")).await;
    brought(&council, 2, None).await;
    write(&council, move |tx| evidence::add_entry(tx, &LIVE, id, &logged(1))).await.unwrap();
    let under = council.store.read(|reader| evidence::under(reader, "k/2026-11-01/e"));
    assert_eq!(under.await.unwrap(), [id]);
    write(&council, move |tx| evidence::dispose(tx, &LIVE, id)).await.unwrap();
    assert_eq!(
        write(&council, move |tx| evidence::dispose(tx, &LIVE, id)).await.unwrap_err().code(),
        "stale"
    );
    let (item, custody, piece) = council
        .store
        .read(move |reader| {
            Ok((
                evidence::for_node(reader, &LIVE, id)?.unwrap(),
                evidence::custody(reader, &LIVE, id)?,
                content::get(reader, &LIVE, (id, Uuid::from_u128(9), 0))?,
            ))
        })
        .await
        .unwrap();
    let kept = item.kept.unwrap();
    assert_eq!(
        (item.state, item.disposed, kept.sealed_key, kept.sha256.as_str()),
        (State::Disposed, Some(at(0)), None, "aa")
    );
    assert_eq!((custody.len(), piece), (1, None));
    // Its class key is still to be ended, and a backup of now holds the other item alone.
    let (unended, held, behind) = council
        .store
        .read(|reader| {
            let held = backup::after(reader, &(String::new(), 0), 10)?;
            let behind = backup::after(reader, &held[0].place, 10)?;
            let with_pieces = held.into_iter().map(|held| Ok((backup::ends(reader, &held)?, held)));
            let with_pieces = with_pieces.collect::<Result<Vec<_>, StoreError>>()?;
            Ok((evidence::unended(reader, 10)?, with_pieces, behind))
        })
        .await
        .unwrap();
    assert_eq!((unended, behind), (vec!["k/2026-11-01/e".to_owned()], vec![]));
    let [(pieces, other)] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((other.item, &other.realm, other.class_key.as_ref()), (Uuid::from_u128(2), &LIVE, None));
    let expected = [(0, b"sealed".to_vec()), (1, b"sealed".to_vec())];
    assert_eq!((pieces.as_slice(), other.chunks), (expected.as_slice(), 2));
}

async fn a_hold_is_lifted_by_another_person(council: Council) {
    let id = brought(&council, 1, Some("k/2026-11-01/e")).await;
    brought(&council, 2, Some("other/2026-11-01/e")).await;
    let hold = Hold {
        id: Uuid::from_u128(5),
        item: id,
        organisation: organisation("police"),
        person: "hanako".to_owned(),
        reason: "公判".to_owned(),
        legal_basis: "刑訴法".to_owned(),
        set: at(3),
        lifted: None,
    };
    let set = hold.clone();
    write(&council, move |tx| holds::set(tx, &LIVE, &set)).await.unwrap();
    let read = async || {
        let read = council.store.read(move |reader| {
            Ok((
                holds::is_held(reader, &LIVE, id)?,
                holds::class_keys(reader, &LIVE)?,
                holds::of_item(reader, &LIVE, id)?,
            ))
        });
        read.await.unwrap()
    };
    assert_eq!(read().await, (true, vec!["k/2026-11-01/e".to_owned()], vec![hold.clone()]));
    let lift = |person: &'static str| {
        write(&council, move |tx| holds::lift(tx, &LIVE, (id, Uuid::from_u128(5)), (person, "確定")))
    };
    assert_eq!(lift("hanako").await.unwrap_err().code(), "exists");
    let lifted = lift("taro").await.unwrap();
    assert_eq!(lifted.lifted, Some(("taro".to_owned(), "確定".to_owned(), at(0))));
    assert_eq!(lift("taro").await.unwrap_err().code(), "stale");
    assert_eq!(read().await, (false, Vec::new(), vec![lifted]));
}

async fn a_request_has_its_steps_and_is_told_once_when_it_is_late(council: Council) {
    let new = NewRequest {
        id: Uuid::from_u128(7),
        case: case(),
        kind: Kind::HandOver,
        asker: organisation("police"),
        asker_person: "hanako".to_owned(),
        asked: organisation("kinki"),
        subject: "通信記録".to_owned(),
        legal_basis: "刑訴法197条2項".to_owned(),
        reference: "第1号".to_owned(),
        due: at(1_000_000),
    };
    let id = new.id;
    let ask = |new: NewRequest| write(&council, move |tx| requests::ask(tx, &LIVE, &new));
    assert!(ask(new.clone()).await.unwrap());
    assert!(!ask(new.clone()).await.unwrap());
    let other = NewRequest { subject: "別".to_owned(), ..new.clone() };
    assert_eq!(ask(other).await.unwrap_err().code(), "exists");
    let step = |number, word: &'static str, state| {
        let step = Step {
            number,
            at: at(2),
            step: word.to_owned(),
            organisation: organisation("kinki"),
            person: "taro".to_owned(),
            note: "了解".to_owned(),
            leaf: 3,
        };
        write(&council, move |tx| requests::step(tx, &LIVE, id, state, &step))
    };
    step(1, "asked", requests::State::Asked).await.unwrap();
    step(2, "accepted", requests::State::Accepted).await.unwrap();
    assert!(step(2, "refused", requests::State::Refused).await.is_err(), "two answers at once are one");
    write(&council, move |tx| {
        requests::add_item(tx, &LIVE, id, Uuid::from_u128(1))?;
        requests::add_item(tx, &LIVE, id, Uuid::from_u128(1))
    })
    .await
    .unwrap();
    let of = async |name: &'static str| {
        let read =
            council.store.read(move |reader| requests::list(reader, &LIVE, &case(), &organisation(name)));
        read.await.unwrap().len()
    };
    assert_eq!((of("police").await, of("kinki").await, of("kanto").await), (1, 1, 0));
    let (found, steps, items, early, late) = council
        .store
        .read(move |reader| {
            let later = at(1_000_000) + SignedDuration::from_secs(1);
            Ok((
                requests::get(reader, &LIVE, id)?.unwrap(),
                requests::steps(reader, &LIVE, id)?,
                requests::items(reader, &LIVE, id)?,
                requests::overdue(reader, &LIVE, at(5), 10)?.len(),
                requests::overdue(reader, &LIVE, later, 10)?.len(),
            ))
        })
        .await
        .unwrap();
    assert_eq!((found.new, found.state, found.steps), (new, requests::State::Accepted, 2));
    assert_eq!((steps.len(), items, early, late), (2, vec![Uuid::from_u128(1)], 0, 1));
    write(&council, move |tx| requests::told(tx, &LIVE, id)).await.unwrap();
    let again = council.store.read(|reader| requests::overdue(reader, &LIVE, at(9_000_000), 10));
    assert_eq!(again.await.unwrap().len(), 0);
}

async fn what_passes_between_hubs_is_noted_once_and_counted_by_hub(council: Council) {
    let new = |id: u128, asker: &str| NewRequest {
        id: Uuid::from_u128(id),
        case: case(),
        kind: Kind::HandOver,
        asker: organisation(asker),
        asker_person: "山田 太郎".to_owned(),
        asked: organisation("kinki"),
        subject: "通信記録".to_owned(),
        legal_basis: "刑訴法197条2項".to_owned(),
        reference: String::new(),
        due: at(1_000_000),
    };
    let asked = [
        new(1, "0123456789abcdef-police"),
        new(2, "0123456789abcdef-coordinator"),
        new(3, "fedcba9876543210-police"),
        new(4, "police"),
    ];
    for one in asked {
        assert!(write(&council, move |tx| requests::ask(tx, &LIVE, &one)).await.unwrap());
    }
    let id = Uuid::from_u128(1);
    let note = |object: u128, number, leaf| Note {
        object: Id::new("note", Uuid::from_u128(object)),
        request: id,
        number,
        leaf,
    };
    let named = |item: u128, name: &str| Named {
        item: Uuid::from_u128(item),
        name: name.to_owned(),
        size: 9,
        sha256: "aa".to_owned(),
        custody: "bb".to_owned(),
        entries: 4,
        own: None,
    };
    let (first, second) = (note(1, 1, Some(7)), note(2, 2, None));
    for one in [second.clone(), first.clone()] {
        write(&council, move |tx| abroad::pass(tx, &LIVE, &one)).await.unwrap();
    }
    let (again, files) = (first.clone(), [named(2, "b"), named(1, "a")]);
    assert_eq!(
        write(&council, move |tx| abroad::pass(tx, &LIVE, &again)).await.unwrap_err().code(),
        "exists"
    );
    write(&council, move |tx| abroad::name(tx, &LIVE, id, &files)).await.unwrap();
    let twice = [named(3, "c"), named(3, "d")];
    assert!(write(&council, move |tx| abroad::name(tx, &LIVE, id, &twice)).await.is_err());
    let (known, strange) = (first.object.clone(), note(3, 3, None).object);
    let read = council.store.read(move |reader| {
        Ok((
            (abroad::has_passed(reader, &LIVE, &known)?, abroad::has_passed(reader, &LIVE, &strange)?),
            abroad::notes(reader, &LIVE, id)?,
            abroad::named(reader, &LIVE, id)?,
            abroad::open_of_hub(reader, &LIVE, "0123456789abcdef")?,
            requests::open_of(reader, &LIVE, &case(), &organisation("0123456789abcdef-police"))?,
        ))
    });
    let (passed, notes, files, of_hub, of_asker) = read.await.unwrap();
    assert_eq!((passed, of_hub, of_asker), ((true, false), 2, 1));
    assert_eq!((notes, files), (vec![first, second], vec![named(1, "a"), named(2, "b")]));

    // What is fetched is known from both sides.
    let (there, own) = (Uuid::from_u128(2), Uuid::from_u128(20));
    write(&council, move |tx| abroad::set_own(tx, &LIVE, (id, there), own)).await.unwrap();
    let missing = (id, Uuid::from_u128(9));
    let missing = write(&council, move |tx| abroad::set_own(tx, &LIVE, missing, own)).await;
    assert_eq!(missing.unwrap_err().code(), "not-found");
    let read = council
        .store
        .read(move |reader| Ok((abroad::origin(reader, &LIVE, own)?, abroad::origin(reader, &LIVE, there)?)));
    assert_eq!(read.await.unwrap(), (Some((id, Named { own: Some(own), ..named(2, "b") })), None));
}
