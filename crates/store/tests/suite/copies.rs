//! What is a redacted copy of what; labels that stand in for others; and versions that the node itself takes away.

use oversight::Realm;
use policy::{Label, Marking};
use stix::Id;
use stix::marking::Tlp;
use store::copies::{self, COPIES_MAX, Tie};
use store::objects::{self, Versions};
use store::{Act, labels};

use crate::fixture::{Council, added_event, indicator, label, modified, organisation, seeing, stix_id};
use crate::on_every_store;

on_every_store![
    ties_are_found_from_both_ends,
    an_object_has_so_many_copies_and_no_more,
    a_label_keeps_what_it_stands_in_for,
    what_the_node_made_it_takes_away,
];

fn tie(original: u64, originator: &str, profile: u64) -> Tie {
    Tie {
        original: stix_id("indicator", original),
        originator: organisation(originator),
        profile: format!("{profile:064x}"),
        id: stix_id("indicator", 1_000 * original + profile + if originator == "agency" { 0 } else { 500 }),
        units: usize::try_from(profile % 3).unwrap(),
        withheld: vec!["name".to_owned(), format!("labels.[{profile}]")],
    }
}

async fn put(council: &Council, tie: Tie) -> bool {
    let written = council.store.write(move |tx| Ok(Act::bookkeeping(copies::put(tx, &Realm::Live, &tie)?)));
    written.await.unwrap()
}

async fn ties_are_found_from_both_ends(council: Council) {
    let empty = council.store.read(|reader| copies::among(reader, &Realm::Live, &[stix_id("indicator", 1)]));
    assert_eq!(empty.await.unwrap(), copies::Concerned::default());
    for (original, originator, profile) in
        [(1, "agency", 1), (1, "agency", 2), (1, "operator", 1), (2, "agency", 1)]
    {
        assert!(put(&council, tie(original, originator, profile)).await);
    }
    let found =
        council.store.read(|reader| copies::of_original(reader, &Realm::Live, &stix_id("indicator", 1)));
    let expected = [tie(1, "agency", 2), tie(1, "agency", 1), tie(1, "operator", 1)];
    assert_eq!(found.await.unwrap(), expected, "those with more units first");
    // What the newest version withholds takes the place of what the one before did.
    let newer = Tie { withheld: vec!["description".to_owned()], ..tie(1, "agency", 1) };
    assert!(put(&council, newer.clone()).await);
    let by_id = async |id: Id| {
        council.store.read(move |reader| copies::by_id(reader, &Realm::Live, &id)).await.unwrap()
    };
    assert_eq!(by_id(newer.id.clone()).await, Some(newer.clone()));
    assert_eq!(by_id(newer.original.clone()).await, None);
    // Many at once, more than one question holds.
    let asked: Vec<Id> = (1..1_500).map(|number| stix_id("indicator", number)).collect();
    let found = council.store.read(move |reader| copies::among(reader, &Realm::Live, &asked)).await.unwrap();
    assert_eq!(
        found.originals.into_iter().collect::<Vec<_>>(),
        [stix_id("indicator", 1), stix_id("indicator", 2)]
    );
    let mut ids: Vec<Id> = found.copies.into_iter().map(|copy| copy.id).collect();
    ids.sort();
    assert_eq!(ids, [1_001, 1_002].map(|number| stix_id("indicator", number)));
}

async fn an_object_has_so_many_copies_and_no_more(council: Council) {
    for profile in 0..u64::try_from(COPIES_MAX).unwrap() {
        assert!(put(&council, tie(1, "agency", profile)).await);
    }
    assert!(!put(&council, tie(1, "agency", 100)).await);
    assert!(put(&council, tie(1, "agency", 3)).await, "a known one has another version");
    assert!(put(&council, tie(1, "operator", 100)).await, "another organisation's are its own");
}

async fn a_label_keeps_what_it_stands_in_for(council: Council) {
    let marking = stix_id("marking-definition", 7);
    let unknown = Label { unknown: [marking.clone()].into(), ..label(Tlp::Green) };
    let copy = label(Tlp::Clear).in_place_of([unknown, label(Tlp::Red)]);
    let stored = copy.clone();
    let key =
        council.store.write(move |tx| Ok(Act::bookkeeping(labels::intern(tx, &stored)?))).await.unwrap();
    let read = async || {
        council.store.read(move |reader| labels::get(reader, &Realm::Live, key)).await.unwrap().unwrap()
    };
    assert_eq!(read().await, copy);
    let written = council.store.write(move |tx| {
        let originator = organisation("coordinator");
        let changed = labels::define_marking(tx, &Realm::Live, &marking, Marking::Statement, &originator)?;
        Ok(Act::bookkeeping(changed))
    });
    assert_eq!(written.await.unwrap(), 1, "what is meant by a marking counts there as well");
    assert!(read().await.instead_of.iter().all(|label| label.unknown.is_empty()));
}

async fn what_the_node_made_it_takes_away(council: Council) {
    let versions = (1..=3).map(|day| modified(indicator(1), day)).collect();
    council.add("agency", council.red, versions).await;
    let standing = async || {
        let read = council.store.read(|reader| {
            objects::standing(reader, &Realm::Live, &stix_id("indicator", 1), &organisation("agency"))
        });
        read.await.unwrap()
    };
    let found = standing().await;
    assert_eq!(found.iter().map(|version| version.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    let (collection, oldest) = (council.collection, found[0].version_key.clone());
    let take = async |from: &'static str| {
        let oldest = oldest.clone();
        let written = council.store.write(move |tx| {
            let id = stix_id("indicator", 1);
            let version = (&id, oldest.as_str());
            let gone = objects::remove_made(tx, &Realm::Live, collection, &organisation(from), version)?;
            Ok(Act::audited(gone, &Realm::Live, added_event(&organisation("agency"))))
        });
        written.await.unwrap()
    };
    assert_eq!(take("operator").await, 0, "it is another's");
    assert_eq!(take("agency").await, 1);
    assert_eq!(standing().await.len(), 2);
    let left = council.walk(&seeing(&[council.red]), 10, Versions::all()).await;
    assert_eq!(left.iter().map(|row| row.sequence).collect::<Vec<_>>(), [2, 3]);
    let stored = council.store.read(|reader| Ok((objects::stored(reader, 1)?, objects::stored(reader, 2)?)));
    let (gone, there) = stored.await.unwrap();
    assert!(gone.is_none() && there.is_some());
}
