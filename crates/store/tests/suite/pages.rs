//! Pages against a model: whatever was added and removed under whatever labels, each reader is given exactly what it may
//! see, in order, once, whichever plan finds it.

use oversight::Realm;
use policy::{LabelKey, Visible};
use serde_json::{Value, json};
use stix::Timestamp;
use store::Act;
use store::objects::{self, Order, SearchFilter, Versions};

use crate::fixture::{Council, id, ids, indicator, label_of, modified, seeing, stix_id, with};
use crate::on_every_store;

on_every_store!(
    pages_fit_the_model,
    a_rare_label_is_found_wherever_it_lies,
    filters_of_taxii,
    limits_and_odd_filters,
);

/// A version as the model knows it.
#[derive(Debug, Clone, PartialEq)]
struct Version {
    number: u64,
    day: u32,
    label: LabelKey,
    date: i64,
    revoked: bool,
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn object(number: u64, day: u32) -> Value {
    let made = if number.is_multiple_of(5) {
        json!({"type": "malware", "spec_version": "2.1", "id": id("malware", number), "name": format!("Kind {number}"),
            "created": "2026-01-01T00:00:00.000Z", "modified": "", "is_family": true})
    } else {
        indicator(number)
    };
    modified(made, day)
}

fn object_id(number: u64) -> String {
    id(if number.is_multiple_of(5) { "malware" } else { "indicator" }, number)
}

/// Adds and removes as the dice say; the model keeps what should be there, in the order of the log.
async fn play(council: &Council, labels: &[LabelKey], steps: usize, seed: u64) -> Vec<Version> {
    let mut dice = Dice(seed);
    let mut model: Vec<Version> = Vec::new();
    for _ in 0..steps {
        let number = dice.roll(60);
        let label = labels[usize::try_from(dice.roll(labels.len() as u64)).unwrap()];
        if dice.roll(12) == 0 {
            let (collection, everything) = (council.collection, seeing(labels));
            let target = stix::Id::parse(&object_id(number)).unwrap();
            let removed = council
                .store
                .write(move |tx| {
                    Ok(Act::bookkeeping(objects::remove(tx, &Realm::Live, collection, &everything, &target)?))
                })
                .await
                .unwrap();
            let before = model.len();
            model.retain(|version| version.number != number);
            assert_eq!(removed, before - model.len());
        } else {
            let day = 1 + u32::try_from(dice.roll(9)).unwrap();
            let outcome = council.add("a", label, vec![object(number, day)]).await.remove(0);
            let known = model.iter().any(|version| (version.number, version.day) == (number, day));
            if let objects::AddOutcome::Added { date_added_us, .. } = outcome {
                assert!(!known);
                model.push(Version { number, day, label, date: date_added_us, revoked: false });
            } else {
                assert!(known, "{outcome:?}");
            }
        }
    }
    model
}

/// What a reader should be given of the model.
fn expected(model: &[Version], visible: &Visible, versions: &Versions) -> Vec<(i64, String)> {
    let seen: Vec<&Version> = model.iter().filter(|version| visible.contains(version.label)).collect();
    let of_object =
        |number| seen.iter().filter(move |version| version.number == number).map(|version| version.day);
    let fits = |version: &Version| {
        versions.all
            || versions.last && of_object(version.number).max() == Some(version.day)
            || versions.first && of_object(version.number).min() == Some(version.day)
            || versions
                .at
                .contains(&Timestamp::parse(&format!("2026-01-{:02}T00:00:00Z", version.day)).unwrap())
    };
    seen.iter()
        .filter(|version| fits(version))
        .map(|version| (version.date, object_id(version.number)))
        .collect()
}

async fn pages_fit_the_model(council: Council) {
    let (clear, amber, red) = (council.clear, council.amber, council.red);
    let model = play(&council, &[clear, amber, red], 700, 7).await;
    let at =
        Versions { at: vec![Timestamp::parse("2026-01-03T00:00:00.0Z").unwrap()], ..Versions::default() };
    let both = Versions { first: true, last: true, ..Versions::default() };
    for keys in [&[clear][..], &[red], &[clear, amber], &[clear, amber, red], &[]] {
        let visible = seeing(keys);
        for versions in [
            Versions::last(),
            Versions::all(),
            Versions { first: true, ..Versions::default() },
            both.clone(),
            at.clone(),
        ] {
            let rows = council.walk(&visible, 9, versions.clone()).await;
            let found: Vec<(i64, String)> =
                rows.iter().map(|row| (row.date_added_us, row.id.to_string())).collect();
            assert_eq!(found, expected(&model, &visible, &versions), "{keys:?} {versions:?}");
        }
        check_other_reads(&council, &model, &visible).await;
    }
}

/// The other reads must tell the same story as the pages.
async fn check_other_reads(council: &Council, model: &[Version], visible: &Visible) {
    let last = expected(model, visible, &Versions::last());
    let newest_first = council
        .page(visible.clone(), |filter| (filter.order, filter.limit) = (Order::Descending, 1000))
        .await;
    let mut turned = ids(&newest_first.rows);
    turned.reverse();
    assert_eq!(turned, last.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>());
    let indicators = last.iter().filter(|(_, id)| id.starts_with("indicator")).count();
    let seen = visible.clone();
    let (count, of_type, hits, got, versions) = council
        .store
        .read(move |reader| {
            let live = Realm::Live;
            let search = SearchFilter {
                visible: &seen,
                query: "indicator",
                types: &[],
                revoked: true,
                after: None,
                limit: 1000,
            };
            let mut got = Vec::new();
            let mut versions = 0;
            for number in 0..60 {
                let id = stix::Id::parse(&object_id(number)).unwrap();
                got.extend(objects::get(reader, &live, &seen, &id)?.map(|row| row.date_added_us));
                versions += objects::versions(reader, &live, &seen, &id)?.len();
            }
            Ok((
                objects::count(reader, &live, &seen, &[])?,
                objects::count(reader, &live, &seen, &["indicator"])?,
                objects::search(reader, &live, &search)?.rows,
                got,
                versions,
            ))
        })
        .await
        .unwrap();
    let mut dates: Vec<i64> = last.iter().map(|(date, _)| *date).collect();
    let mut got = got;
    dates.sort_unstable();
    got.sort_unstable();
    assert_eq!((count, of_type, hits.len()), (last.len() as u64, indicators as u64, indicators));
    assert_eq!(got, dates);
    assert_eq!(versions, expected(model, visible, &Versions::all()).len());
}

async fn a_rare_label_is_found_wherever_it_lies(council: Council) {
    let rare = council
        .store
        .write(|tx| {
            let label = label_of(policy::TlpLabel::Unmarked, "rare", &Realm::Live);
            Ok(Act::bookkeeping(store::labels::intern(tx, &label)?))
        })
        .await
        .unwrap();
    let mut places = Vec::new();
    for (batch, from) in (0..12_u64).map(|batch| (batch, batch * 500)) {
        let label = if matches!(batch, 2 | 11) { rare } else { council.clear };
        let range = if label == rare { from..from + 5 } else { from..from + 500 };
        if label == rare {
            places.extend(range.clone());
        }
        council.add("a", label, range.map(indicator).collect()).await;
    }
    let rows = council.walk(&seeing(&[rare]), 4, Versions::last()).await;
    let places: Vec<String> = places.into_iter().map(|number| id("indicator", number)).collect();
    assert_eq!(ids(&rows), places);
    // With the common label the scan gives up within a long stretch of the other one, and the branches take over.
    let rows = council.walk(&seeing(&[council.clear, rare]), 450, Versions::last()).await;
    assert_eq!(rows.len(), 5010);
    let newest =
        council.page(seeing(&[rare]), |filter| (filter.order, filter.limit) = (Order::Descending, 3)).await;
    assert_eq!(
        ids(&newest.rows),
        [11 * 500 + 4, 11 * 500 + 3, 11 * 500 + 2].map(|number| id("indicator", number))
    );
    assert!(newest.more);
}

async fn filters_of_taxii(council: Council) {
    let old = with(indicator(1), json!({"spec_version": "2.0"}));
    let mut custom = indicator(3);
    custom.as_object_mut().unwrap().remove("spec_version");
    council.add("a", council.clear, vec![old, modified(indicator(2), 1), custom]).await;
    council
        .add(
            "a",
            council.clear,
            vec![with(modified(indicator(2), 2), json!({"revoked": true})), object(5, 1)],
        )
        .await;
    let get =
        async |change: fn(&mut objects::Filter<'_>)| ids(&council.page(council.all(), change).await.rows);
    let numbers = |numbers: &[u64]| numbers.iter().map(|number| object_id(*number)).collect::<Vec<_>>();
    assert_eq!(get(|filter| filter.spec_versions = &["2.0"]).await, numbers(&[1, 3]));
    assert_eq!(get(|filter| filter.spec_versions = &["2.1", "2.2"]).await, numbers(&[2, 5]));
    assert_eq!(get(|filter| filter.revoked = false).await, numbers(&[1, 3, 5]));
    assert_eq!(get(|filter| filter.types = &["malware", "x-none"]).await, numbers(&[5]));
    assert_eq!(
        get(|filter| filter.ids = &["indicator--11110000-0000-4000-8000-000000000002", "nonsense'"]).await,
        numbers(&[2])
    );
    assert_eq!(
        get(|filter| filter.added_after = Some(crate::fixture::START_US + 1)).await,
        numbers(&[3, 2, 5])
    );
    assert_eq!(
        get(|filter| {
            filter.ids = &["indicator--11110000-0000-4000-8000-000000000002"];
            filter.versions = Versions::all();
            filter.types = &["indicator"];
        })
        .await,
        numbers(&[2, 2])
    );
    let wanted = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let visible = council.all();
    let found = council
        .store
        .read(move |reader| {
            objects::get_version(reader, &Realm::Live, &visible, &stix_id("indicator", 2), &wanted)
        })
        .await
        .unwrap();
    assert_eq!(found.unwrap().version.as_deref(), Some("2026-01-01T00:00:00.000Z"));
}

async fn limits_and_odd_filters(council: Council) {
    council.add("a", council.clear, (0..10).map(indicator).collect()).await;
    let rows = async |change: fn(&mut objects::Filter<'_>)| {
        let page = council.page(council.all(), change).await;
        (page.rows.len(), page.more)
    };
    assert_eq!(rows(|filter| filter.limit = 0).await, (0, false));
    assert_eq!(rows(|filter| filter.limit = 9).await, (9, true));
    assert_eq!(rows(|filter| filter.limit = 10).await, (10, false));
    assert_eq!(rows(|filter| filter.limit = usize::MAX).await, (10, false));
    assert_eq!(rows(|filter| filter.after = Some(i64::MAX)).await, (0, false));
    assert_eq!(rows(|filter| filter.after = Some(i64::MIN)).await, (10, false));
    assert_eq!(rows(|filter| filter.versions = Versions::default()).await, (0, false));
    assert_eq!(rows(|filter| filter.collection = 999).await, (0, false));
    let (collection, visible) = (council.collection, council.all());
    let refused = council
        .store
        .read(move |reader| {
            let many = vec!["indicator"; objects::FILTER_VALUES_MAX + 1];
            let filter = objects::Filter { types: &many, ..objects::Filter::new(collection, &visible, 1) };
            objects::page(reader, &Realm::Live, &filter)
        })
        .await;
    assert_eq!(refused.unwrap_err().code(), "too-large");
}
