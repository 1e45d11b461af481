//! A version under another label: a new place, a removal under the old label, and everything that is found by it.

use oversight::{Purpose, Realm};
use policy::LabelKey;
use store::objects::{self, Change, SearchFilter, TailFilter, Versions};
use store::releases::{self, Delivery};
use store::{Act, audit};

use crate::fixture::{Council, added_event, ids, indicator, modified, organisation, seeing, stix_id};
use crate::on_every_store;

on_every_store![
    who_may_see_it_now_is_told_and_who_no_longer_may_too,
    one_version_is_moved_and_the_others_stay,
    the_ledger_knows_who_was_given_it_before,
];

async fn relabel(council: &Council, version: Option<&'static str>, to: LabelKey) -> usize {
    let written = council.store.write(move |tx| {
        let id = stix_id("indicator", 1);
        let moved = objects::relabel(tx, &Realm::Live, &id, |_, this, _| {
            Ok(version.is_none_or(|wanted| this.is_some_and(|this| this.starts_with(wanted))).then_some(to))
        })?;
        Ok(Act::audited(moved.len(), &Realm::Live, added_event(&organisation("agency"))))
    });
    written.await.unwrap()
}

async fn changes(council: &Council, label: LabelKey, after: i64) -> Vec<String> {
    let read = council.store.read(move |reader| {
        let visible = seeing(&[label]);
        let filter = TailFilter { visible: &visible, after, types: &[], last_only: false, limit: 100 };
        Ok(objects::tail(reader, &Realm::Live, &filter)?.changes)
    });
    let line = |change: &Change| match change {
        Change::Added(row) => format!("+{}", row.sequence),
        Change::Removed { sequence, gone, .. } => format!("-{sequence}{}", if *gone { " gone" } else { "" }),
    };
    read.await.unwrap().iter().map(line).collect()
}

async fn who_may_see_it_now_is_told_and_who_no_longer_may_too(council: Council) {
    council.add("agency", council.clear, vec![indicator(1), indicator(2)]).await;
    assert_eq!(relabel(&council, None, council.amber).await, 1);
    assert_eq!(changes(&council, council.clear, 2).await, ["-3 gone"]);
    assert_eq!(changes(&council, council.amber, 2).await, ["+4"]);
    assert_eq!(
        changes(&council, council.clear, 0).await,
        ["+2", "-3 gone"],
        "it does not stand at its old place"
    );
    for (label, expected) in [(council.clear, vec![2]), (council.amber, vec![1])] {
        let rows = council.walk(&seeing(&[label]), 10, Versions::last()).await;
        let expected: Vec<String> = expected.iter().map(|n| stix_id("indicator", *n).to_string()).collect();
        assert_eq!(ids(&rows), expected);
        let counted =
            council.store.read(move |reader| objects::count(reader, &Realm::Live, &seeing(&[label]), &[]));
        assert_eq!(counted.await.unwrap(), 1);
    }
    assert_eq!(relabel(&council, None, council.amber).await, 0, "it bears that label already");
    // The same content comes again: it is here, under its new label.
    let again = council.add("agency", council.clear, vec![indicator(1)]).await;
    assert_eq!(again, [objects::AddOutcome::Duplicate { sequence: 4 }]);
    let visible = seeing(&[council.amber]);
    let found = council.store.read(move |reader| {
        let filter = SearchFilter {
            visible: &visible,
            query: "indicator 1",
            types: &[],
            revoked: true,
            after: None,
            limit: 10,
        };
        Ok(objects::search(reader, &Realm::Live, &filter)?.rows.len())
    });
    assert_eq!(found.await.unwrap(), 1, "and is found by its words");
}

async fn one_version_is_moved_and_the_others_stay(council: Council) {
    let versions = (1..=3).map(|day| modified(indicator(1), day)).collect();
    council.add("agency", council.clear, versions).await;
    let newest = modified(indicator(1), 3)["modified"].as_str().unwrap().to_owned();
    let wanted: &'static str = Box::leak(newest.into_boxed_str());
    assert_eq!(relabel(&council, Some(wanted), council.red).await, 1);
    let clear = council.walk(&seeing(&[council.clear]), 10, Versions::last()).await;
    assert_eq!(clear.len(), 1);
    assert_eq!(clear[0].sequence, 2, "the last version that these readers see is the one before");
    let both = council.walk(&seeing(&[council.clear, council.red]), 10, Versions::last()).await;
    assert_eq!(both.iter().map(|row| row.sequence).collect::<Vec<_>>(), [5]);
    let all = council.walk(&seeing(&[council.clear, council.red]), 10, Versions::all()).await;
    assert_eq!(all.len(), 3);
}

async fn the_ledger_knows_who_was_given_it_before(council: Council) {
    council.add("agency", council.clear, vec![indicator(1)]).await;
    let give = async |recipient: &str, place: i64| {
        let recipient = organisation(recipient);
        let written = council.store.write(move |tx| {
            let leaf = audit::next_leaf(tx)?;
            let delivery = Delivery {
                recipient,
                door: "stream".to_owned(),
                purpose: Purpose::OwnDefence,
                under: None,
                runs: vec![(place, place)],
                leaf,
            };
            releases::record(tx, &Realm::Live, &delivery)?;
            Ok(Act::audited((), &Realm::Live, added_event(&organisation("agency"))))
        });
        written.await.unwrap();
    };
    give("operator-a", 1).await;
    relabel(&council, None, council.amber).await;
    give("operator-b", 3).await;
    relabel(&council, None, council.red).await;
    for place in [1, 3, 5] {
        let read = council.store.read(move |reader| releases::of_version(reader, &Realm::Live, place));
        let names: Vec<String> = read.await.unwrap().iter().map(|row| row.recipient.to_string()).collect();
        assert_eq!(names, ["operator-a", "operator-b"], "{place}");
    }
}
