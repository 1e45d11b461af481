//! The audit log and its tree.

use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use serde_json::json;
use store::audit::{self, AuditFilter};
use store::{Act, StoreError};
use tlog::Frontier;

use crate::fixture::{Council, START_US, indicator, organisation};
use crate::on_every_store;

on_every_store!(
    every_act_is_a_leaf_and_the_tree_verifies,
    a_node_between_tiles_is_what_its_leaves_make_it,
    an_act_that_fails_leaves_no_leaf,
    lists_are_filtered_and_paged,
    altered_rows_are_found,
    an_overlong_record_is_refused,
);

fn event(action: Action, who: &str) -> AuditEvent {
    let actor = Actor::Person { id: format!("p-{who}"), organisation: organisation(who) };
    AuditEvent::done(action, actor, Purpose::Administration)
}

async fn act(council: &Council, event: AuditEvent) {
    council.store.write(move |_| Ok(Act::audited((), &Realm::Live, event))).await.unwrap();
}

async fn every_act_is_a_leaf_and_the_tree_verifies(council: Council) {
    let mut council = council;
    for number in 0..20 {
        council.add("a", council.clear, vec![indicator(number)]).await;
        if number == 9 {
            council = council.reopen().await;
        }
    }
    let events = vec![
        event(Action::SignedIn, "a"),
        AuditEvent::refused(Actor::Stranger, Purpose::Administration, "x"),
    ];
    council
        .store
        .write(move |_| Ok(Act::audited_all((), &Realm::parse("exercise:e").unwrap(), events)))
        .await
        .unwrap();
    let (verified, head, entries, nodes, tile) = council
        .store
        .read(|reader| {
            let nodes: Vec<_> =
                (0..22).map(|index| audit::node(reader, 0, index)).collect::<Result<_, _>>()?;
            let pair = audit::node(reader, 1, 10)?;
            assert_eq!(audit::node(reader, 1, 11)?, None);
            assert_eq!(pair, audit::nodes(reader, 1, 0, 256)?.last().copied());
            Ok((
                audit::verify(reader)?,
                audit::head(reader)?,
                audit::entries(reader, 0, 100)?,
                nodes,
                audit::nodes(reader, 0, 0, 256)?,
            ))
        })
        .await
        .unwrap();
    let mut frontier = Frontier::new();
    for entry in &entries {
        frontier.append(tlog::leaf_hash(entry));
    }
    assert_eq!((verified, head), ((22, frontier.root()), (22, frontier.root())));
    assert_eq!(nodes.into_iter().map(Option::unwrap).collect::<Vec<_>>(), tile);
    assert_eq!(tlog::leaf_hash(&entries[21]), tile[21]);
}

async fn a_node_between_tiles_is_what_its_leaves_make_it(council: Council) {
    let many = (0..1_100).map(|_| event(Action::SignedIn, "a")).collect();
    council.store.write(|_| Ok(Act::audited_all((), &Realm::Live, many))).await.unwrap();
    let council = council.reopen().await;
    act(&council, event(Action::SignedOut, "a")).await;
    let (size, root) = council.store.read(audit::verify).await.unwrap();
    let compare = |reader: &store::Reader<'_>| {
        let mut frontier = Frontier::new();
        let mut made = 0;
        for entry in audit::entries(reader, 0, 2_000)? {
            for (level, index, hash) in frontier.append(tlog::leaf_hash(&entry)) {
                assert_eq!(audit::node(reader, level, index)?, Some(hash), "level {level}, index {index}");
                made += 1;
            }
        }
        let beyond = (0..12).map(|level| audit::node(reader, level, frontier.size() >> level));
        assert!(beyond.collect::<Result<Vec<_>, _>>()?.iter().all(Option::is_none));
        let row = audit::nodes(reader, 3, 5, 9)?;
        let alone = (5..9).map(|index| audit::node(reader, 3, index));
        assert_eq!(row, alone.collect::<Result<Option<Vec<_>>, _>>()?.unwrap());
        Ok((frontier.size(), frontier.root(), made))
    };
    let (leaves, made_root, made) = council.store.read(compare).await.unwrap();
    assert_eq!((leaves, made_root), (size, root));
    assert_eq!((size, made), (1_101, 2 * 1_101 - u64::from(1_101_u64.count_ones())));
}

async fn an_act_that_fails_leaves_no_leaf(council: Council) {
    act(&council, event(Action::SignedIn, "a")).await;
    let failed: Result<(), StoreError> =
        council.store.write(|_| Err(StoreError::NotFound { what: "x".to_owned() })).await;
    assert!(failed.is_err());
    act(&council, event(Action::SignedOut, "a")).await;
    assert_eq!(council.store.read(audit::verify).await.unwrap().0, 2);
}

async fn lists_are_filtered_and_paged(council: Council) {
    for who in ["a", "b", "a", "b", "a"] {
        council.pass_time(1_000_000);
        act(&council, event(Action::SignedIn, who)).await;
        act(&council, event(Action::SignedOut, who).with("n", "1")).await;
    }
    let list =
        |filter: AuditFilter| council.store.read(move |reader| audit::list(reader, &Realm::Live, &filter));
    let leaves = async |filter: AuditFilter| -> Vec<u64> {
        list(filter).await.unwrap().iter().map(|row| row.leaf).collect()
    };
    let all = AuditFilter { limit: 4, ..AuditFilter::default() };
    assert_eq!(leaves(all.clone()).await, [9, 8, 7, 6]);
    assert_eq!(leaves(AuditFilter { before: Some(6), ..all.clone() }).await, [5, 4, 3, 2]);
    let of_b = AuditFilter { organisation: Some("b".to_owned()), ..all.clone() };
    assert_eq!(leaves(of_b.clone()).await, [7, 6, 3, 2]);
    assert_eq!(leaves(AuditFilter { action: Some("signed-in".to_owned()), ..of_b }).await, [6, 2]);
    assert_eq!(leaves(AuditFilter { actor: Some("p-a".to_owned()), ..all.clone() }).await, [9, 8, 5, 4]);
    let row = list(AuditFilter { limit: 1, ..all }).await.unwrap().remove(0);
    assert_eq!(row.at.as_microsecond(), START_US + 5_000_000);
    assert_eq!(row.event, event(Action::SignedOut, "a").with("n", "1"));
    assert_eq!(row.hash, tlog::leaf_hash(&row.commitment));
}

async fn altered_rows_are_found(council: Council) {
    // One tile full and one begun.
    let many = (0..300).map(|_| event(Action::SignedIn, "a")).collect();
    council.store.write(|_| Ok(Act::audited_all((), &Realm::Live, many))).await.unwrap();
    let attempts = [
        ("UPDATE audit SET actor = 'x' WHERE leaf = 2", "UPDATE audit SET actor = 'p-a' WHERE leaf = 2"),
        (
            "UPDATE audit SET action = 'signed-out' WHERE leaf = 1",
            "UPDATE audit SET action = 'signed-in' WHERE leaf = 1",
        ),
        ("UPDATE audit SET leaf = 900 WHERE leaf = 299", "UPDATE audit SET leaf = 299 WHERE leaf = 900"),
        (
            "UPDATE audit_nodes SET position = 9 WHERE level = 8 AND position = 0",
            "UPDATE audit_nodes SET position = 0 WHERE position = 9",
        ),
        (
            "INSERT INTO audit_nodes SELECT 16, 0, hash FROM audit WHERE leaf = 0",
            "DELETE FROM audit_nodes WHERE level = 16",
        ),
        (
            "INSERT INTO audit_nodes SELECT 3, 0, hash FROM audit WHERE leaf = 0",
            "DELETE FROM audit_nodes WHERE level = 3",
        ),
        ("UPDATE audit SET record = salt WHERE leaf = 3", "UPDATE audit SET record = record WHERE leaf = 3"),
    ];
    for (alter, mend) in attempts {
        council.alter(alter);
        let found = council.store.read(audit::verify).await.map_err(|error| error.code());
        assert_eq!(found, Err("store-corrupt"), "{alter}");
        council.alter(mend);
        if !mend.contains("record") {
            council.store.read(audit::verify).await.unwrap();
        }
    }
}

async fn an_overlong_record_is_refused(council: Council) {
    let long = event(Action::ObjectsAdded, "a")
        .on((0..audit::RECORD_BYTES_MAX / 10).map(|n| json!(n).to_string().repeat(3)));
    let refused = council.store.write(move |_| Ok(Act::audited((), &Realm::Live, long))).await;
    assert_eq!(refused.unwrap_err().code(), "too-large");
    assert_eq!(council.store.read(audit::head).await.unwrap().0, 0);
}
