//! What the log takes in, what it keeps out, and what stays of what is removed.

use std::collections::BTreeSet;

use oversight::Realm;
use policy::TlpLabel;
use serde_json::{Value, json};
use stix::Timestamp;
use store::labels::LABELS_OF_ONE_MAX;
use store::objects::{self, AddOutcome, Change, TailFilter, Versions};
use store::{Act, StoreError};

use crate::fixture::{
    Council, START_US, id, identity, ids, indicator, modified, organisation, refusal, seeing, stix_id, with,
};
use crate::on_every_store;

on_every_store!(
    what_comes_in_comes_back_byte_for_byte,
    dates_are_unique_and_rise_when_the_clock_does_not,
    versions_follow_the_rules,
    a_bad_object_harms_no_other,
    an_object_removed_leaves_only_its_trace,
    removing_one_version_brings_the_one_before_back,
    realms_do_not_see_each_other,
    collections_are_apart,
    the_tail_tells_everything_once,
    labels_are_numbered_once,
    labels_are_shared_out,
);

async fn what_comes_in_comes_back_byte_for_byte(council: Council) {
    let text = r#"{ "type":"indicator","id":"indicator--11110000-0000-4000-8000-00000000000a",
        "created":"2026-01-01T00:00:00Z", "modified":"2026-01-01T00:00:00.123456789Z","x_n": 1.50e0, "x_é":"\u3042" }"#;
    let object = stix::Object::parse(bytes::Bytes::from_static(text.as_bytes())).unwrap();
    let (hash, collection, label) = (object.canonical_hash(), council.collection, council.clear);
    council
        .store
        .write(move |tx| {
            let new = [objects::NewObject { object, label }];
            Ok(Act::bookkeeping(objects::add(
                tx,
                &Realm::Live,
                collection,
                &organisation("kinki-power"),
                &new,
            )?))
        })
        .await
        .unwrap();
    let council = council.reopen().await;
    let page = council.page(council.all(), |_| {}).await;
    assert_eq!(page.rows.len(), 1);
    let row = &page.rows[0];
    assert_eq!(row.body, text.as_bytes());
    assert_eq!(row.version.as_deref(), Some("2026-01-01T00:00:00.123456789Z"));
    assert_eq!((row.hash, row.label, row.originator.as_str()), (hash, council.clear, "kinki-power"));
    assert_eq!(row.spec_version, "2.0");
}

async fn dates_are_unique_and_rise_when_the_clock_does_not(council: Council) {
    council.add("a", council.clear, (0..50).map(indicator).collect()).await;
    council.pass_time(-3_600_000_000);
    council.add("a", council.clear, (50..60).map(indicator).collect()).await;
    let council = council.reopen().await;
    council.add("a", council.clear, (60..70).map(indicator).collect()).await;
    council.pass_time(7_200_000_000);
    council.add("a", council.clear, vec![indicator(70)]).await;
    let rows = council.walk(&council.all(), 7, Versions::all()).await;
    let dates: Vec<i64> = rows.iter().map(|row| row.date_added_us).collect();
    assert_eq!(rows.len(), 71);
    assert!(dates.windows(2).all(|pair| pair[0] < pair[1]), "{dates:?}");
    assert_eq!((dates[0], dates[69], dates[70]), (START_US, START_US + 69, START_US + 3_600_000_000));
    assert!(rows.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
}

async fn versions_follow_the_rules(council: Council) {
    let check = async |what: &str, from: &str, object: Value, expected: &str| {
        let outcome = council.add(from, council.clear, vec![object]).await;
        assert_eq!(refusal(&outcome[0]), expected, "{what}");
    };
    let first = modified(indicator(1), 2);
    check("the first", "a", first.clone(), "added").await;
    check(
        "the same, written otherwise",
        "b",
        serde_json::from_str(&format!(" {first} ")).unwrap(),
        "duplicate",
    )
    .await;
    check(
        "the same instant in other digits",
        "a",
        with(first.clone(), json!({"modified": "2026-01-02T00:00:00Z"})),
        "content-conflict",
    )
    .await;
    check(
        "the same version with other content",
        "a",
        with(first.clone(), json!({"name": "other"})),
        "content-conflict",
    )
    .await;
    check("a newer one from another", "b", modified(first.clone(), 3), "not-creator").await;
    check("an older one from another", "b", modified(first.clone(), 1), "not-creator").await;
    check("a newer one", "a", modified(first.clone(), 3), "added").await;
    check("an older one", "a", modified(first.clone(), 1), "added").await;
    check(
        "revoked before a later one",
        "a",
        with(modified(first.clone(), 2), json!({"modified": "2026-01-02T12:00:00Z", "revoked": true})),
        "revoked",
    )
    .await;
    check(
        "revoked by another",
        "b",
        with(modified(first.clone(), 4), json!({"revoked": true})),
        "not-creator",
    )
    .await;
    check("revoked", "a", with(modified(first.clone(), 4), json!({"revoked": true})), "added").await;
    check("after revoked", "a", modified(first.clone(), 5), "revoked").await;
    check("revoked once more", "a", with(modified(first.clone(), 5), json!({"revoked": true})), "revoked")
        .await;
    check(
        "the revocation again",
        "a",
        with(modified(first.clone(), 4), json!({"revoked": true})),
        "duplicate",
    )
    .await;
    check("an old one after all", "a", with(first, json!({"modified": "2026-01-02T06:00:00Z"})), "added")
        .await;

    let address = json!({"type": "ipv4-addr", "id": id("ipv4-addr", 1), "value": "192.0.2.1"});
    check("an observable", "a", address.clone(), "added").await;
    check("again", "b", address.clone(), "duplicate").await;
    check("with other content", "a", with(address, json!({"value": "192.0.2.2"})), "content-conflict").await;

    let marking = json!({"type": "marking-definition", "spec_version": "2.1", "id": id("marking-definition", 1),
        "created": "2026-01-01T00:00:00Z", "definition_type": "statement", "definition": {"statement": "©"}});
    check("a marking", "a", marking.clone(), "added").await;
    check(
        "another one of its id",
        "a",
        with(marking, json!({"created": "2026-01-02T00:00:00Z"})),
        "marking-versioned",
    )
    .await;
}

async fn a_bad_object_harms_no_other(council: Council) {
    council.add("a", council.clear, vec![indicator(2)]).await;
    let batch = vec![
        indicator(1),
        with(indicator(2), json!({"name": "changed"})),
        indicator(3),
        indicator(3),
        with(indicator(4), json!({"description": "x".repeat(objects::OBJECT_BYTES_MAX)})),
        indicator(5),
    ];
    let outcomes = council.add("a", council.clear, batch).await;
    let codes: Vec<&str> = outcomes.iter().map(refusal).collect();
    assert_eq!(codes, ["added", "content-conflict", "added", "duplicate", "too-large", "added"]);
    let rows = council.walk(&council.all(), 10, Versions::last()).await;
    assert_eq!(ids(&rows), [2, 1, 3, 5].map(|number| id("indicator", number)));
}

async fn an_object_removed_leaves_only_its_trace(council: Council) {
    council.add("a", council.amber, vec![indicator(1), indicator(2)]).await;
    council.add("a", council.amber, vec![modified(indicator(1), 5)]).await;
    let remove = async |visible: policy::Visible| {
        let collection = council.collection;
        let work = move |tx: &mut store::Tx<'_>| {
            let removed = objects::remove(tx, &Realm::Live, collection, &visible, &stix_id("indicator", 1))?;
            Ok::<_, StoreError>(Act::bookkeeping(removed))
        };
        council.store.write(work).await.unwrap()
    };
    assert_eq!(remove(seeing(&[council.clear])).await, 0, "what one may not see one cannot remove");
    assert_eq!(remove(council.all()).await, 2);
    assert_eq!(remove(council.all()).await, 0);
    assert_eq!(ids(&council.walk(&council.all(), 10, Versions::all()).await), [id("indicator", 2)]);
    let visible = council.all();
    let (row, count, hits, mentions, tail) = council
        .store
        .read(move |reader| {
            let live = Realm::Live;
            let search = objects::SearchFilter {
                visible: &visible,
                query: "indicator 1",
                types: &[],
                revoked: true,
                after: None,
                limit: 10,
            };
            Ok((
                objects::get(reader, &live, &visible, &stix_id("indicator", 1))?,
                objects::count(reader, &live, &visible, &["indicator"])?,
                objects::search(reader, &live, &search)?.rows,
                objects::referring_to(reader, &live, &visible, &stix_id("identity", 1), 10)?,
                objects::tail(
                    reader,
                    &live,
                    &TailFilter { visible: &visible, after: 0, types: &[], last_only: false, limit: 10 },
                )?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((row, count, hits.len(), mentions.len()), (None, 1, 0, 1));
    let told: Vec<String> = tail
        .changes
        .iter()
        .map(|change| match change {
            Change::Added(row) => format!("+{}", row.id),
            Change::Removed { id, version, gone, .. } => {
                format!("-{id} {} {gone}", version.as_deref().unwrap_or(""))
            }
        })
        .collect();
    let one = id("indicator", 1);
    assert_eq!(
        told,
        [
            format!("+{}", id("indicator", 2)),
            format!("-{one} 2026-01-01T00:00:00.000Z true"),
            format!("-{one} 2026-01-05T00:00:00.000Z true"),
        ]
    );
    // The content is bound to the version even now, and the creator may bring it again.
    let codes: Vec<&str> = council
        .add("a", council.amber, vec![with(indicator(1), json!({"name": "other"})), indicator(1)])
        .await
        .iter()
        .map(refusal)
        .collect();
    assert_eq!(codes, ["content-conflict", "added"]);
    assert_eq!(
        refusal(&council.add("b", council.amber, vec![modified(indicator(1), 9)]).await[0]),
        "not-creator"
    );
    assert_eq!(ids(&council.walk(&council.all(), 10, Versions::last()).await), [id("indicator", 2), one]);
}

async fn removing_one_version_brings_the_one_before_back(council: Council) {
    for day in [1, 2, 3] {
        council
            .add(
                "a",
                council.clear,
                vec![with(modified(indicator(1), day), json!({"name": format!("day{day}")}))],
            )
            .await;
    }
    let (collection, visible) = (council.collection, council.all());
    let removed = council
        .store
        .write(move |tx| {
            let version = Timestamp::parse("2026-01-03T00:00:00Z").unwrap();
            let id = stix_id("indicator", 1);
            Ok(Act::bookkeeping(objects::remove_version(
                tx,
                &Realm::Live,
                collection,
                &visible,
                &id,
                &version,
            )?))
        })
        .await
        .unwrap();
    assert_eq!(removed, 1);
    let rows = council.walk(&council.all(), 10, Versions::last()).await;
    assert_eq!(rows[0].version.as_deref(), Some("2026-01-02T00:00:00.000Z"));
    let visible = council.all();
    let found = council
        .store
        .read(move |reader| {
            let find = |query| {
                let filter = objects::SearchFilter {
                    visible: &visible,
                    query,
                    types: &[],
                    revoked: true,
                    after: None,
                    limit: 9,
                };
                objects::search(reader, &Realm::Live, &filter).map(|hits| hits.rows.len())
            };
            Ok((
                find("day3")?,
                find("day2")?,
                find("day1")?,
                objects::count(reader, &Realm::Live, &visible, &[])?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(found, (0, 1, 0, 1));
}

async fn realms_do_not_see_each_other(council: Council) {
    let drill = Realm::parse("exercise:spring").unwrap();
    let realm = drill.clone();
    let (collection, label) = council
        .store
        .write(move |tx| {
            let collection = store::collections::add(tx, &realm, uuid::Uuid::from_u128(1), "drill", "")?.key;
            let label = crate::fixture::label_of(TlpLabel::Unmarked, "coordinator", &realm);
            Ok(Act::bookkeeping((collection, store::labels::intern(tx, &label)?)))
        })
        .await
        .unwrap();
    council.add("a", council.clear, vec![indicator(1)]).await;
    let outcomes = council
        .try_add(
            drill.clone(),
            collection,
            "b",
            label,
            vec![with(indicator(1), json!({"name": "drill"})), identity(1)],
        )
        .await
        .unwrap();
    assert_eq!(outcomes.iter().map(refusal).collect::<Vec<_>>(), ["added", "added"]);
    let everything = seeing(&[council.clear, council.amber, council.red, label]);
    let live = council.walk(&everything, 10, Versions::all()).await;
    assert_eq!(ids(&live), [id("indicator", 1)]);
    let (names, labels, tail) = council
        .store
        .read(move |reader| {
            let of = |realm: &Realm| {
                let row = objects::get(reader, realm, &everything, &stix_id("indicator", 1))?;
                Ok::<_, StoreError>(row.map(|row| String::from_utf8_lossy(&row.body).contains("drill")))
            };
            let filter =
                TailFilter { visible: &everything, after: 0, types: &[], last_only: false, limit: 9 };
            Ok((
                (of(&Realm::Live)?, of(&drill)?, of(&Realm::parse("exercise:other").unwrap())?),
                (store::labels::all(reader, &drill)?.len(), store::labels::get(reader, &Realm::Live, label)?),
                objects::tail(reader, &drill, &filter)?.changes.len(),
            ))
        })
        .await
        .unwrap();
    assert_eq!(names, (Some(false), Some(true), None));
    assert_eq!((labels, tail), ((1, None), 2));
}

async fn collections_are_apart(council: Council) {
    let other = council
        .store
        .write(|tx| {
            Ok(Act::bookkeeping(
                store::collections::add(tx, &Realm::Live, uuid::Uuid::from_u128(7), "b", "")?.key,
            ))
        })
        .await
        .unwrap();
    council.add("a", council.clear, vec![indicator(1)]).await;
    let outcomes = council
        .try_add(
            Realm::Live,
            other,
            "a",
            council.clear,
            vec![indicator(1), with(indicator(1), json!({"name": "x"}))],
        )
        .await
        .unwrap();
    assert_eq!(outcomes.iter().map(refusal).collect::<Vec<_>>(), ["added", "content-conflict"]);
    let page = council.page(council.all(), move |filter| filter.collection = other).await;
    assert_eq!((page.rows.len(), page.rows[0].date_added_us), (1, START_US));
    let visible = council.all();
    let versions = council
        .store
        .read(move |reader| objects::versions(reader, &Realm::Live, &visible, &stix_id("indicator", 1)))
        .await
        .unwrap();
    assert_eq!(versions.len(), 1);
}

async fn the_tail_tells_everything_once(council: Council) {
    for number in 0..30 {
        let label = if number % 3 == 0 { council.red } else { council.clear };
        council.add("a", label, vec![indicator(number)]).await;
    }
    council.add("a", council.clear, vec![modified(indicator(1), 9), identity(1)]).await;
    let follow = async |visible: policy::Visible, types: &'static [&'static str], last_only: bool| {
        let (mut seen, mut after, mut more) = (Vec::new(), 0, true);
        while more {
            let visible = visible.clone();
            let tail = council
                .store
                .read(move |reader| {
                    let filter = TailFilter { visible: &visible, after, types, last_only, limit: 4 };
                    objects::tail(reader, &Realm::Live, &filter)
                })
                .await
                .unwrap();
            assert!(tail.changes.iter().all(|change| change.sequence() > after));
            seen.extend(tail.changes.iter().map(Change::sequence));
            (after, more) = (tail.through, tail.more);
        }
        assert_eq!(after, *council.store.committed().borrow());
        seen
    };
    let all = follow(council.all(), &[], false).await;
    assert_eq!(all, (1..=32).collect::<Vec<_>>());
    let clear: Vec<i64> = follow(seeing(&[council.clear]), &[], false).await;
    assert_eq!(clear, (1..=32).filter(|n| n % 3 != 1 || *n > 30).collect::<Vec<_>>());
    assert_eq!(follow(council.all(), &["identity"], false).await, [32]);
    let last = follow(council.all(), &["indicator"], true).await;
    assert_eq!(last, (1..=31).filter(|n| *n != 2).collect::<Vec<_>>());
    assert!(follow(policy::Visible::default(), &[], false).await.is_empty());
    let outcome = council.add("a", council.clear, vec![indicator(99)]).await;
    assert!(matches!(outcome[..], [AddOutcome::Added { sequence: 33, .. }]), "{outcome:?}");
}

/// A member that makes up markings uses up its own share and nobody else's.
async fn labels_are_shared_out(council: Council) {
    let told = council.store.write(|tx| {
        let mut label = crate::fixture::label_of(TlpLabel::Unmarked, "operator", &Realm::Live);
        let mut refused = None;
        for number in 0..=u64::try_from(LABELS_OF_ONE_MAX).unwrap() {
            label.unknown = BTreeSet::from([stix_id("marking-definition", number)]);
            refused = store::labels::intern(tx, &label).err();
        }
        label.originator = organisation("partner");
        let other = store::labels::intern(tx, &label).is_ok();
        // What is there already is still found.
        label.originator = organisation("operator");
        label.unknown = BTreeSet::from([stix_id("marking-definition", 0)]);
        Ok(Act::bookkeeping((refused, other, store::labels::intern(tx, &label).is_ok())))
    });
    let (refused, other, known) = told.await.unwrap();
    assert!(matches!(refused, Some(StoreError::Limit { limit: 2_000, .. })), "{refused:?}");
    assert!(other && known);
}

async fn labels_are_numbered_once(council: Council) {
    use stix::marking::Tlp;
    let (clear, epochs, back) = council
        .store
        .write(|tx| {
            let before = store::labels::epoch(tx, &Realm::Live)?;
            let clear = store::labels::intern(tx, &crate::fixture::label(Tlp::Clear))?;
            let same = store::labels::epoch(tx, &Realm::Live)?;
            let mut odd = crate::fixture::label(Tlp::Green);
            odd.statements.insert(stix_id("marking-definition", 3));
            odd.unknown.insert(stix_id("marking-definition", 4));
            odd.demands.insert("clearance:secret".parse().unwrap());
            odd = odd.in_place_of([odd.clone()]);
            let key = store::labels::intern(tx, &odd)?;
            let back = store::labels::all(tx, &Realm::Live)?.into_iter().find(|(k, _)| *k == key).unwrap().1;
            assert_eq!(back, odd);
            assert_eq!(store::labels::find(tx, &odd)?, Some(key));
            Ok(Act::bookkeeping((clear, (before, same, store::labels::epoch(tx, &Realm::Live)?), back)))
        })
        .await
        .unwrap();
    assert_eq!((clear, epochs), (council.clear, (3, 3, 4)));
    assert_eq!(back.realm, Realm::Live);
}
