//! Several organisations bring the same identifiers: nobody learns from an answer, or from what it reads, what it may not see.

use oversight::Realm;
use policy::{LabelKey, Visible};
use serde_json::{Value, json};
use store::Act;
use store::objects::{self, AddOutcome, Bringer, NewObject, Row, Versions};

use crate::fixture::{
    Council, added_event, id, indicator, modified, organisation, parse, refusal, seeing, stix_id, with,
};
use crate::on_every_store;

on_every_store!(
    answers_do_not_depend_on_what_is_hidden,
    the_line_begun_first_is_shown,
    a_line_is_versioned_and_revoked_by_its_own_organisation,
    what_contradicts_the_unseen_is_told_to_the_node_alone,
    many_objects_are_found_by_identifier,
);

/// One step of a play: who brings what, or takes back what.
#[derive(Clone)]
struct Step {
    by: &'static str,
    label: LabelKey,
    number: u64,
    day: u32,
    content: u64,
    removes: bool,
}

fn object(step: &Step) -> Value {
    if step.number == 0 {
        // An observable: no version, an identifier that anybody can compute.
        return json!({"type": "domain-name", "id": id("domain-name", 1), "value": format!("c{}.example", step.content % 2)});
    }
    let revoked = json!({ "name": format!("Content {}", step.content % 2), "revoked": step.content == 5 });
    with(modified(indicator(step.number), step.day), revoked)
}

async fn bring(council: &Council, step: &Step, visible: &Visible) -> (AddOutcome, bool) {
    let (collection, visible) = (council.collection, visible.clone());
    let (from, label, object) = (organisation(step.by), step.label, parse(&object(step)));
    council
        .store
        .write(move |tx| {
            let bringer = Bringer { organisation: &from, visible: Some(&visible) };
            let new = [NewObject { object, label }];
            let mut added = objects::add_from(tx, &Realm::Live, collection, bringer, &new)?;
            let told = (added.outcomes.remove(0), !added.unseen_conflicts.is_empty());
            Ok(Act::audited(told, &Realm::Live, added_event(&from)))
        })
        .await
        .unwrap()
}

async fn play(council: &Council, step: &Step, visible: &Visible) -> String {
    if !step.removes {
        return refusal(&bring(council, step, visible).await.0).to_owned();
    }
    let (collection, visible) = (council.collection, visible.clone());
    let id = parse(&object(step)).id().clone();
    let removed = council
        .store
        .write(move |tx| objects::remove(tx, &Realm::Live, collection, &visible, &id).map(Act::bookkeeping));
    format!("removed {}", removed.await.unwrap())
}

/// What a reader is given by every read there is, without places in the log.
async fn reading(council: &Council, visible: &Visible) -> Vec<String> {
    let told = |row: &Row| format!("{} {:?} {}", row.id, row.version, String::from_utf8_lossy(&row.body));
    let mut all = Vec::new();
    for versions in [Versions::last(), Versions::all(), Versions { first: true, ..Versions::default() }] {
        let mut rows: Vec<String> = council.walk(visible, 7, versions).await.iter().map(told).collect();
        rows.sort_unstable();
        all.extend(rows);
    }
    let (visible, own) = (visible.clone(), visible.clone());
    let more = council.store.read(move |reader| {
        let mut lines = vec![format!("{}", objects::count(reader, &Realm::Live, &visible, &[])?)];
        for id in (0..8).map(|number| stix_id("indicator", number)).chain([stix_id("domain-name", 1)]) {
            lines.extend(objects::get(reader, &Realm::Live, &visible, &id)?.iter().map(told));
            lines.extend(objects::versions(reader, &Realm::Live, &visible, &id)?.iter().map(told));
        }
        Ok(lines)
    });
    all.extend(more.await.unwrap());
    let search = council.store.read(move |reader| {
        let filter = objects::SearchFilter {
            visible: &own,
            query: "content",
            types: &[],
            revoked: true,
            after: None,
            limit: 100,
        };
        let mut found: Vec<String> =
            objects::search(reader, &Realm::Live, &filter)?.rows.iter().map(told).collect();
        found.sort_unstable();
        Ok(found)
    });
    all.extend(search.await.unwrap());
    all
}

async fn answers_do_not_depend_on_what_is_hidden(council: Council) {
    let without = council;
    for seed in 1..6_u64 {
        let with_hidden = Council::on_sqlite().await;
        let other = Council::on_sqlite().await;
        let without = if seed == 1 { &without } else { &other };
        let visible = seeing(&[without.clear, without.amber]);
        let hidden = seeing(&[without.red]);
        let mut dice = seed;
        let mut roll = |sides: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides
        };
        for number in 0..250 {
            let secret = roll(3) == 0;
            let step = Step {
                by: if secret { "agency" } else { ["operator", "partner"][roll(2) as usize] },
                label: if secret { without.red } else { [without.clear, without.amber][roll(2) as usize] },
                number: roll(6),
                day: 1 + roll(4) as u32,
                content: roll(6),
                removes: roll(8) == 0,
            };
            if secret {
                play(&with_hidden, &step, &hidden).await;
                continue;
            }
            let told = play(without, &step, &visible).await;
            assert_eq!(play(&with_hidden, &step, &visible).await, told, "seed {seed}, step {number}");
        }
        assert_eq!(reading(&with_hidden, &visible).await, reading(without, &visible).await, "seed {seed}");
        assert!(!reading(&with_hidden, &hidden).await.is_empty(), "else this shows nothing");
    }
}

fn step(by: &'static str, label: LabelKey, number: u64, day: u32, content: u64) -> Step {
    Step { by, label, number, day, content, removes: false }
}

async fn the_line_begun_first_is_shown(council: Council) {
    let (red, clear) = (seeing(&[council.red]), seeing(&[council.clear]));
    assert_eq!(refusal(&bring(&council, &step("agency", council.red, 0, 1, 0), &red).await.0), "added");
    assert_eq!(refusal(&bring(&council, &step("operator", council.clear, 0, 1, 1), &clear).await.0), "added");
    // Its own is known to it; another one that sees both is told of the conflict.
    let own = bring(&council, &step("operator", council.clear, 0, 1, 1), &clear).await.0;
    assert_eq!(refusal(&own), "duplicate");
    let both = council.all();
    let third = bring(&council, &step("partner", council.clear, 0, 1, 1), &both).await.0;
    assert_eq!(refusal(&third), "content-conflict");
    for (visible, value) in [(&red, "c0.example"), (&clear, "c1.example"), (&both, "c0.example")] {
        for versions in [Versions::last(), Versions::all(), Versions { first: true, ..Versions::default() }] {
            let rows = council.walk(visible, 10, versions).await;
            assert_eq!(rows.len(), 1, "{value}");
            assert!(String::from_utf8_lossy(&rows[0].body).contains(value));
        }
        let visible = visible.clone();
        let counted = council.store.read(move |reader| objects::count(reader, &Realm::Live, &visible, &[]));
        assert_eq!(counted.await.unwrap(), 1, "{value}");
    }
    // Who takes back what it sees takes back that and nothing that stands behind it.
    let seen_both = both.clone();
    let collection = council.collection;
    let removed = council.store.write(move |tx| {
        objects::remove(tx, &Realm::Live, collection, &seen_both, &stix_id("domain-name", 1))
            .map(Act::bookkeeping)
    });
    assert_eq!(removed.await.unwrap(), 1);
    let rows = council.walk(&both, 10, Versions::last()).await;
    assert!(String::from_utf8_lossy(&rows[0].body).contains("c1.example"));
}

async fn a_line_is_versioned_and_revoked_by_its_own_organisation(council: Council) {
    let (red, clear) = (seeing(&[council.red]), seeing(&[council.clear]));
    bring(&council, &step("agency", council.red, 1, 1, 0), &red).await;
    for (day, content) in [(2, 1), (3, 5)] {
        let told = bring(&council, &step("operator", council.clear, 1, day, content), &clear).await.0;
        assert_eq!(refusal(&told), "added");
    }
    let after = bring(&council, &step("operator", council.clear, 1, 4, 1), &clear).await.0;
    assert_eq!(refusal(&after), "revoked");
    // Nobody revokes another one's object by knowing its identifier.
    let last = council.walk(&council.all(), 10, Versions::last()).await;
    assert_eq!(last.iter().map(|row| row.revoked).collect::<Vec<_>>(), [false]);
    assert!(council.walk(&clear, 10, Versions::last()).await[0].revoked);
    let next = bring(&council, &step("agency", council.red, 1, 2, 0), &red).await.0;
    assert_eq!(refusal(&next), "added");
    assert_eq!(council.walk(&council.all(), 10, Versions::all()).await.len(), 2);
}

async fn what_contradicts_the_unseen_is_told_to_the_node_alone(council: Council) {
    let (red, clear) = (seeing(&[council.red]), seeing(&[council.clear]));
    for (number, content, contradicts) in [(1, 1, true), (2, 0, false)] {
        bring(&council, &step("agency", council.red, number, 1, 0), &red).await;
        let told = bring(&council, &step("operator", council.clear, number, 1, content), &clear).await;
        assert_eq!((refusal(&told.0), told.1), ("added", contradicts));
    }
}

/// More objects than gather in the small table, so that some are found in each.
async fn many_objects_are_found_by_identifier(council: Council) {
    let count = 40_000_u64;
    for chunk in (0..count).collect::<Vec<_>>().chunks(1_000) {
        let outcomes =
            council.add("operator", council.clear, chunk.iter().map(|n| indicator(*n)).collect()).await;
        assert!(outcomes.iter().all(|outcome| refusal(outcome) == "added"));
    }
    let council = council.reopen().await;
    for number in [0, 1, 20_000, 32_767, 32_768, 39_999] {
        let again = council.add("operator", council.clear, vec![indicator(number)]).await;
        assert_eq!(refusal(&again[0]), "duplicate", "{number}");
        let visible = council.all();
        let found = council
            .store
            .read(move |reader| objects::get(reader, &Realm::Live, &visible, &stix_id("indicator", number)));
        assert_eq!(found.await.unwrap().unwrap().id, stix_id("indicator", number));
    }
    let changed = with(indicator(7), json!({ "name": "another" }));
    assert_eq!(refusal(&council.add("operator", council.clear, vec![changed]).await[0]), "content-conflict");
}
