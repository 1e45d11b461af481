//! Words, values and references.

use oversight::Realm;
use policy::Visible;
use serde_json::{Value, json};
use stix::observable::ValueKind;
use store::Act;
use store::objects::{self, Following, SearchFilter};

use crate::fixture::{Council, id, identity, ids, indicator, modified, seeing, stix_id, with};
use crate::on_every_store;

on_every_store!(
    words_are_found_in_japanese_and_english,
    names_come_first_and_pages_fit_together,
    search_shows_only_what_one_may_see,
    only_last_versions_are_found,
    hostile_queries_are_only_words,
    values_are_found,
    references_are_found_from_both_sides,
    a_word_that_all_bear_is_found_by_whoever_may_see_it,
    what_refers_to_an_object_is_followed_and_read_once,
);

fn report(number: u64, name: &str, description: &str) -> Value {
    json!({
        "type": "report", "spec_version": "2.1", "id": id("report", number),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "name": name, "description": description, "published": "2026-01-01T00:00:00Z",
        "object_refs": [id("indicator", 1), id("indicator", 2)],
    })
}

async fn find(council: &Council, visible: &Visible, query: &'static str) -> Vec<String> {
    let visible = visible.clone();
    let hits = council
        .store
        .read(move |reader| {
            let filter =
                SearchFilter { visible: &visible, query, types: &[], revoked: true, after: None, limit: 20 };
            let count = objects::search_count(reader, &Realm::Live, &filter)?;
            let hits = objects::search(reader, &Realm::Live, &filter)?;
            assert_eq!((count, hits.next), (hits.rows.len() as u64, None), "{query}");
            Ok(hits.rows)
        })
        .await
        .unwrap();
    ids(&hits)
        .iter()
        .map(|id| {
            id.trim_start_matches(|c: char| !c.is_ascii_digit())
                .trim_start_matches("11110000-0000-4000-8000-00000000000")
                .to_owned()
        })
        .collect()
}

async fn words_are_found_in_japanese_and_english(council: Council) {
    council
        .add(
            "a",
            council.clear,
            vec![
                report(
                    1,
                    "電力会社への標的型攻撃",
                    "Spear phishing against a power company. 発電所の監視制御が狙われた。",
                ),
                report(2, "Cobalt Strike beacons", "ビーコンが 192.0.2.1 へ接続する。ﾏﾙｳｪｱは未知。"),
                report(
                    3,
                    "ＡＰＴ２９ の活動",
                    "Größe; the actor's infrastructure moved to evil-host.example",
                ),
            ],
        )
        .await;
    let check = async |query: &'static str, expected: &[&str]| {
        assert_eq!(find(&council, &council.all(), query).await, expected, "{query}");
    };
    for (query, expected) in [
        ("電力", &["1"][..]),
        ("攻撃", &["1"]),
        ("標的型攻撃", &["1"]),
        ("型攻", &["1"]),
        ("力発", &[]),
        ("撃", &["1"]),
        ("電", &["1"]),
        ("監視制御", &["1"]),
        ("御制", &[]),
        ("マルウェア", &["2"]),
        ("ﾋﾞｰｺﾝ", &["2"]),
        ("cobalt", &["2"]),
        ("COBALT strike", &["2"]),
        ("cob", &["2"]),
        ("balt", &[]),
        ("strike cobalt", &["2"]),
        ("192.0.2.1", &["2"]),
        ("192.0.2", &["2"]),
        ("0.192", &[]),
        ("apt29", &["3"]),
        ("APT29　活動", &["3"]),
        ("größe", &["3"]),
        ("evil-host.example", &["3"]),
        ("actor's", &["3"]),
        ("power 電力", &["1"]),
        ("power 活動", &[]),
    ] {
        check(query, expected).await;
    }
}

async fn names_come_first_and_pages_fit_together(council: Council) {
    for number in 0..10 {
        let (name, text) = match number % 4 {
            0 => ("Emotet", "x"),
            1 => ("y", "about emotet"),
            2 => ("Emotetloader", "x"),
            _ => ("y", "an emotetloader"),
        };
        council.add("a", council.clear, vec![report(number, name, text)]).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let visible = council.all();
        let hits = council
            .store
            .read(move |reader| {
                let filter = SearchFilter {
                    visible: &visible,
                    query: "emotet",
                    types: &["report"],
                    revoked: true,
                    after,
                    limit: 3,
                };
                objects::search(reader, &Realm::Live, &filter)
            })
            .await
            .unwrap();
        seen.extend(ids(&hits.rows));
        after = hits.next;
        if after.is_none() {
            break;
        }
    }
    // The name, a name that begins so, the text, a text in which a word begins so; each with the newest first.
    assert_eq!(seen, [8, 4, 0, 6, 2, 9, 5, 1, 7, 3].map(|number| id("report", number)));
}

/// However a search is carried out (on PostgreSQL: along the newest, by the index, or first so and then so), it finds the same.
async fn a_word_that_all_bear_is_found_by_whoever_may_see_it(council: Council) {
    const ALL: u64 = 5_000;
    for first in (0..ALL).step_by(500) {
        let label = if first == 500 { council.amber } else { council.clear };
        let some = (first..first + 500).map(|number| {
            let name = if number % 1_000 == 7 { "beacon" } else { "x" };
            let rare = if number % 100 == 3 { "rarely" } else { "" };
            let often = if number % 4 == 1 { "often" } else { "" };
            report(number, name, &format!("a beacon {rare} {often}"))
        });
        council.add("a", label, some.collect()).await;
    }
    // Without statistics the server expects little of everything.
    for has_statistics in [false, true] {
        if has_statistics && council.server.is_some() {
            council.alter("ANALYZE");
        }
        let in_name = (0..ALL).rev().filter(|number| number % 1_000 == 7);
        let elsewhere = (0..ALL).rev().filter(|number| number % 1_000 != 7);
        let newest: Vec<u64> = in_name.chain(elsewhere).take(60).collect();
        assert_eq!(pages(&council, &council.all(), "beacon", 60).await, newest);
        // What this reader may see is far from the newest.
        let old: Vec<u64> = (500..1_000).rev().take(60).collect();
        assert_eq!(pages(&council, &seeing(&[council.amber]), "beacon", 60).await, old);
        let rare: Vec<u64> = (0..ALL).rev().filter(|number| number % 100 == 3).collect();
        assert_eq!(pages(&council, &council.all(), "rarely", 60).await, rare);
        let (all, amber) = (council.all(), seeing(&[council.amber]));
        for (visible, query, count) in [
            (&all, "beacon", 1_000),
            (&amber, "beacon", 500),
            (&all, "often", 1_000),
            (&amber, "often", 125),
            (&all, "rarely", 50),
        ] {
            let visible = visible.clone();
            let counted = council.store.read(move |reader| {
                let filter = SearchFilter {
                    visible: &visible,
                    query,
                    types: &[],
                    revoked: true,
                    after: None,
                    limit: 1,
                };
                objects::search_count(reader, &Realm::Live, &filter)
            });
            assert_eq!(counted.await.unwrap(), count, "{query}");
        }
    }
}

/// The numbers of the reports found, page by page, up to `wanted`.
async fn pages(council: &Council, visible: &Visible, query: &'static str, wanted: usize) -> Vec<u64> {
    let (mut seen, mut after) = (Vec::new(), None);
    while seen.len() < wanted {
        let visible = visible.clone();
        let hits = council.store.read(move |reader| {
            let filter =
                SearchFilter { visible: &visible, query, types: &[], revoked: true, after, limit: 20 };
            objects::search(reader, &Realm::Live, &filter)
        });
        let hits = hits.await.unwrap();
        seen.extend(ids(&hits.rows));
        after = hits.next;
        if after.is_none() {
            break;
        }
    }
    let number =
        |id: &String| (0..5_000).find(|number| *id == stix_id("report", *number).to_string()).unwrap();
    seen.iter().map(number).collect()
}

async fn search_shows_only_what_one_may_see(council: Council) {
    council.add("a", council.clear, vec![report(1, "Emotet", "")]).await;
    council.add("a", council.red, vec![report(2, "Emotet", ""), indicator(1)]).await;
    assert_eq!(find(&council, &seeing(&[council.clear]), "emotet").await, ["1"]);
    assert_eq!(find(&council, &council.all(), "emotet").await, ["2", "1"]);
    assert!(find(&council, &Visible::default(), "emotet").await.is_empty());
    let (clear, nothing) = (seeing(&[council.clear]), Visible::default());
    let found = council
        .store
        .read(move |reader| {
            let live = Realm::Live;
            Ok((
                objects::mentioning(reader, &live, &clear, ValueKind::Domain, "host1.example", 9)?.len(),
                objects::referring_to(reader, &live, &clear, &stix_id("identity", 1), 9)?.len(),
                objects::referring_to(reader, &live, &nothing, &stix_id("indicator", 1), 9)?.len(),
                objects::get(reader, &live, &clear, &stix_id("indicator", 1))?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(found, (0, 0, 0, None));
}

async fn only_last_versions_are_found(council: Council) {
    council.add("a", council.clear, vec![report(1, "before", "")]).await;
    council.add("a", council.clear, vec![modified(report(1, "after", ""), 2)]).await;
    council
        .add(
            "a",
            council.clear,
            vec![with(report(1, "earlier", ""), json!({"modified": "2026-01-01T12:00:00Z"}))],
        )
        .await;
    for (query, expected) in [("before", &[][..]), ("earlier", &[]), ("after", &["1"])] {
        assert_eq!(find(&council, &council.all(), query).await, expected, "{query}");
    }
    let visible = council.all();
    let mentions = council
        .store
        .read(move |reader| {
            objects::referring_to(reader, &Realm::Live, &visible, &stix_id("indicator", 1), 9)
        })
        .await
        .unwrap();
    assert_eq!(mentions.len(), 1);
}

async fn hostile_queries_are_only_words(council: Council) {
    council.add("a", council.clear, vec![report(1, "near or not and", "x")]).await;
    for query in [
        "\"",
        "\"\"",
        "*",
        "name:",
        "a\" OR \"b",
        "NEAR(a b)",
        "()",
        "^x -",
        "\0",
        "{name} : x",
        "﷽",
        "'; DROP TABLE log; --",
        "\u{202e}",
        "あ\"",
        "%_",
    ] {
        find(&council, &council.all(), query).await;
    }
    assert_eq!(find(&council, &council.all(), "NOT").await, ["1"]);
    assert_eq!(find(&council, &council.all(), "near AND or").await, ["1"]);
    let long: &'static str = Box::leak("攻 a ".repeat(100_000).into_boxed_str());
    find(&council, &council.all(), long).await;
}

async fn values_are_found(council: Council) {
    let address = json!({"type": "ipv4-addr", "id": id("ipv4-addr", 1), "value": "198.51.100.7"});
    let uses = with(
        indicator(2),
        json!({"pattern": "[ipv4-addr:value = '198.51.100.7' OR url:value = 'http://host1.example/a']"}),
    );
    council.add("a", council.clear, vec![indicator(1), uses, address]).await;
    let visible = council.all();
    let (domain, address) = council
        .store
        .read(move |reader| {
            let find = |kind, value| objects::mentioning(reader, &Realm::Live, &visible, kind, value, 9);
            Ok((find(ValueKind::Domain, "host1.example")?, find(ValueKind::Ipv4, "198.51.100.7")?))
        })
        .await
        .unwrap();
    assert!(ids(&domain).contains(&id("indicator", 1)), "{domain:?}");
    assert_eq!(ids(&address), [id("ipv4-addr", 1), id("indicator", 2)]);
}

async fn references_are_found_from_both_sides(council: Council) {
    let relationship = json!({
        "type": "relationship", "spec_version": "2.1", "id": id("relationship", 1), "relationship_type": "indicates",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "source_ref": id("indicator", 1), "target_ref": id("identity", 1), "created_by_ref": id("identity", 1),
    });
    council.add("a", council.clear, vec![identity(1), indicator(1), relationship, report(1, "r", "")]).await;
    let visible = council.all();
    let (of_indicator, of_identity) = council
        .store
        .read(move |reader| {
            let refer = |id| objects::referring_to(reader, &Realm::Live, &visible, &id, 9);
            Ok((refer(stix_id("indicator", 1))?, refer(stix_id("identity", 1))?))
        })
        .await
        .unwrap();
    let told = |mentions: &[objects::Mention]| -> Vec<(String, Vec<String>)> {
        mentions
            .iter()
            .map(|mention| (mention.row.id.object_type().to_owned(), mention.properties.clone()))
            .collect()
    };
    let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        told(&of_indicator),
        [
            ("report".to_owned(), text(&["object_refs[0]"])),
            ("relationship".to_owned(), text(&["source_ref"]))
        ]
    );
    let mut of_identity = told(&of_identity);
    of_identity.iter_mut().for_each(|(_, properties)| properties.sort());
    assert_eq!(
        of_identity,
        [
            ("relationship".to_owned(), text(&["created_by_ref", "target_ref"])),
            ("indicator".to_owned(), text(&["created_by_ref"]))
        ]
    );
}

/// The reports about an indicator behind a place, newest first, and of which the version was read; and whether reports only came in since.
async fn followed(council: &Council, visible: &Visible, after: i64) -> (Vec<(i64, bool)>, bool) {
    let visible = visible.clone();
    let read = council.store.read(move |reader| {
        let (id, live) = (stix_id("indicator", 1), Realm::Live);
        let what = Following { id: &id, object_type: "report", after, before: i64::MAX };
        let found = objects::following(reader, &live, &visible, what, |sequence| sequence % 2 == 0)?;
        let only_came = objects::only_came_in(reader, &live, "report", after)?;
        Ok((found.into_iter().map(|one| (one.sequence, one.row.is_some())).collect(), only_came))
    });
    read.await.unwrap()
}

async fn what_refers_to_an_object_is_followed_and_read_once(council: Council) {
    let all = council.all();
    council.add("a", council.clear, vec![report(1, "one", ""), identity(1), report(2, "two", "")]).await;
    council.add("a", council.amber, vec![report(3, "three", "")]).await;
    assert_eq!(followed(&council, &all, 0).await, (vec![(4, false), (3, true), (1, true)], true));
    assert_eq!(followed(&council, &seeing(&[council.clear]), 1).await, (vec![(3, true)], true));
    assert_eq!(followed(&council, &seeing(&[]), 0).await.0, []);
    // Another version, a removal and another label are more than that something came in; what is not a report is not looked at.
    council.add("a", council.clear, vec![modified(report(1, "after", ""), 2)]).await;
    assert_eq!(followed(&council, &all, 4).await, (vec![(5, true)], false));
    council.add("a", council.clear, vec![modified(identity(1), 2)]).await;
    assert!(followed(&council, &all, 5).await.1);
    let (collection, visible) = (council.collection, council.all());
    let removed = council.store.write(move |tx| {
        objects::remove(tx, &Realm::Live, collection, &visible, &stix_id("report", 2)).map(Act::bookkeeping)
    });
    assert_eq!(removed.await.unwrap(), 1);
    assert_eq!(followed(&council, &all, 0).await.0, [(5, true), (4, false)]);
    assert!(!followed(&council, &all, 6).await.1);
    let amber = council.amber;
    let moved = council.store.write(move |tx| {
        objects::relabel(tx, &Realm::Live, &stix_id("report", 1), |_, _, _| Ok(Some(amber)))
            .map(Act::bookkeeping)
    });
    moved.await.unwrap();
    assert!(!followed(&council, &all, 7).await.1);
    assert_eq!(followed(&council, &seeing(&[council.clear]), 0).await.0, []);
}
