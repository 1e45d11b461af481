//! Authorisations, their log and its tree, what edges signed for, and the commission's own texts.

use std::collections::{BTreeMap, BTreeSet};

use oversight::authorisation::{
    Category, CategoryRule, Commission, Decided, Decision, EmergencyRule, Entry, EntryKind, Field, Frame,
    IndicatorList, Kind, Member, Receipt, Resolution, Resolved, State, Subject, Terms, Use, Verdict,
};
use oversight::{OrganisationId, Purpose, Realm};
use store::authorisations::receipts::{self, ReceiptFilter, Taken};
use store::authorisations::{self, NewAuthorisation, Of, log};
use store::charters::{self, Text};
use store::edges::{self, Edge};
use store::trees::Tree;
use store::{Act, StoreError, Tx};
use uuid::Uuid;

use crate::fixture::{Council, START_US, organisation};
use crate::on_every_store;

on_every_store!(
    each_step_is_an_entry_of_the_log_and_the_tree_verifies,
    only_the_next_decision_counts,
    pages_show_to_each_what_is_its_own,
    a_step_that_fails_leaves_no_entry,
    requests_that_wait_are_few,
    a_request_is_taken_back_before_it_is_decided_and_not_after,
    receipts_are_kept_once,
    an_edge_keeps_its_key,
    the_commission_alone_changes_itself,
    altered_rows_are_found,
    time_runs_forward_in_the_log,
);

fn at(us: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(us).unwrap()
}

fn request(number: u128, by: &str, operators: &[&str]) -> NewAuthorisation {
    let list = IndicatorList {
        salt: hex::encode([3; 32]),
        patterns: vec!["[ipv4-addr:value = '203.0.113.1']".to_owned()],
    };
    let terms = Terms {
        id: Uuid::from_u128(number),
        kind: Kind::Ordinary,
        category: Category::ForeignDomestic,
        article: "art. 32(1)".to_owned(),
        requested_by: organisation(by),
        operators: operators.iter().map(|name| organisation(name)).collect(),
        list_root: hex::encode(list.root().unwrap()),
        list_size: 1,
        fields: BTreeSet::from([Field::Ports]),
        queries_per_day: 2,
        from: at(START_US),
        until: at(START_US + 3_600_000_000),
        retention: "short".to_owned(),
        purpose: Purpose::CollectiveDefence,
        reason: "because".to_owned(),
        narrows: None,
        private: None,
    };
    NewAuthorisation { terms, person: "p-1".to_owned(), list, sealed: false }
}

fn decided(terms: &Terms, verdict: Verdict, number: u32) -> Decided {
    let decision = Decision {
        verdict,
        authorisation: terms.id,
        request: 0,
        terms: hex::encode(terms.digest()),
        kind: terms.kind,
        frame: hex::encode([1; 32]),
        number,
        asked: at(START_US),
        reason: "because".to_owned(),
    };
    Decided { decision, assertions: Vec::new() }
}

async fn ask(council: &Council, new: NewAuthorisation) -> Result<u64, StoreError> {
    council.store.write(move |tx| authorisations::request(tx, &Realm::Live, &new).map(Act::bookkeeping)).await
}

/// Decides on the request as it stands in the log.
async fn decide(council: &Council, mut decided: Decided) -> Result<u64, StoreError> {
    let write = move |tx: &mut Tx<'_>| {
        if let Some(found) = authorisations::get(tx, &Realm::Live, decided.decision.authorisation)? {
            decided.decision.request = found.request_leaf;
        }
        authorisations::decide(tx, &Realm::Live, &decided).map(Act::bookkeeping)
    };
    council.store.write(write).await
}

async fn get(council: &Council, number: u128) -> authorisations::Authorisation {
    let found =
        council.store.read(move |reader| authorisations::get(reader, &Realm::Live, Uuid::from_u128(number)));
    found.await.unwrap().unwrap()
}

async fn entries(council: &Council) -> Vec<Entry> {
    let entries = council.store.read(|reader| Tree::Authorisations.entries(reader, 0, 100)).await.unwrap();
    entries.iter().map(|bytes| Entry::read(bytes).unwrap()).collect()
}

async fn each_step_is_an_entry_of_the_log_and_the_tree_verifies(council: Council) {
    let new = request(1, "npa", &["kinki-power", "harbour"]);
    let terms = new.terms.clone();
    assert_eq!(ask(&council, new.clone()).await.unwrap(), 0);
    let council = council.reopen().await;
    for (number, verdict, leaf, state) in [
        (1, Verdict::Grant, 1, State::Granted),
        (2, Verdict::Suspend, 2, State::Suspended),
        (3, Verdict::Resume, 3, State::Granted),
        (4, Verdict::Revoke, 4, State::Revoked),
    ] {
        assert_eq!(decide(&council, decided(&terms, verdict, number)).await.unwrap(), leaf);
        let now = get(&council, 1).await;
        assert_eq!((now.state, now.decisions, now.grant_leaf), (state, number, Some(1)));
    }
    let log = entries(&council).await;
    let told: Vec<_> = log.iter().map(|entry| (entry.kind, entry.of)).collect();
    let expected = [
        (EntryKind::Request, None),
        (EntryKind::Grant, Some(0)),
        (EntryKind::Suspend, Some(1)),
        (EntryKind::Resume, Some(1)),
        (EntryKind::Revoke, Some(1)),
    ];
    assert_eq!(told, expected);
    let (verified, head, history, list, acts) = council
        .store
        .read(|reader| {
            Ok((
                log::verify(reader)?,
                Tree::Authorisations.head(reader)?,
                log::of_authorisation(reader, Uuid::from_u128(1))?,
                authorisations::list_of(reader, &Realm::Live, Uuid::from_u128(1))?,
                Tree::Acts.head(reader)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((verified, head.0, acts.0), (head, 5, 0), "the two trees have nothing to do with each other");
    assert_eq!(list.as_ref(), Some(&new.list));
    // Whoever is given record and salt can check the entry.
    for (row, entry) in history.iter().zip(&log) {
        assert!(entry.commits_to(&row.salt, &row.record));
    }
    assert_eq!(history[1].record, decided(&terms, Verdict::Grant, 1).record(&terms));
    assert!(ask(&council, new).await.is_err(), "an id is given once");
}

async fn only_the_next_decision_counts(council: Council) {
    let new = request(1, "npa", &["harbour"]);
    let terms = new.terms.clone();
    ask(&council, new).await.unwrap();
    let code = async |decided| decide(&council, decided).await.map_err(|error| error.code());
    let mut other = terms.clone();
    other.queries_per_day = 1;
    assert_eq!(code(decided(&other, Verdict::Grant, 1)).await, Err("stale"), "other terms");
    assert_eq!(code(decided(&terms, Verdict::Grant, 2)).await, Err("stale"));
    for verdict in [Verdict::Suspend, Verdict::Resume, Verdict::Revoke] {
        assert_eq!(code(decided(&terms, verdict, 1)).await, Err("stale"), "{verdict:?}");
    }
    let pending = decided(&terms, Verdict::Grant, 1);
    let kept = pending.clone();
    let keep = council
        .store
        .write(move |tx| authorisations::keep_pending(tx, &Realm::Live, &kept).map(Act::bookkeeping));
    keep.await.unwrap();
    assert_eq!(get(&council, 1).await.pending, Some(pending));
    assert_eq!(code(decided(&terms, Verdict::Refuse, 1)).await, Ok(1));
    assert_eq!(get(&council, 1).await.pending, None);
    assert_eq!(code(decided(&terms, Verdict::Grant, 2)).await, Err("stale"), "what is refused stays refused");
    let unknown = request(2, "npa", &["harbour"]).terms;
    assert_eq!(code(decided(&unknown, Verdict::Grant, 1)).await, Err("not-found"));
}

async fn pages_show_to_each_what_is_its_own(council: Council) {
    ask(&council, request(1, "npa", &["harbour", "kinki-power"])).await.unwrap();
    ask(&council, request(2, "npa", &["harbour"])).await.unwrap();
    ask(&council, request(3, "mod", &["kinki-power"])).await.unwrap();
    decide(&council, decided(&get(&council, 1).await.terms, Verdict::Grant, 1)).await.unwrap();
    decide(&council, decided(&get(&council, 3).await.terms, Verdict::Grant, 1)).await.unwrap();
    let page = async |who: Option<(&str, bool)>, before, limit| -> Vec<u128> {
        let who = who.map(|(name, in_force)| (organisation(name), in_force));
        let found = council.store.read(move |reader| {
            let of = match &who {
                None => Of::All,
                Some((name, false)) => Of::Organisation(name),
                Some((name, true)) => Of::InForceAt(name),
            };
            authorisations::page(reader, &Realm::Live, of, before, limit)
        });
        found.await.unwrap().iter().map(|found| found.terms.id.as_u128()).collect()
    };
    assert_eq!(page(None, None, 10).await, [3, 2, 1]);
    assert_eq!(page(None, None, 2).await, [3, 2]);
    assert_eq!(page(None, Some(1), 2).await, [1]);
    assert_eq!(page(Some(("npa", false)), None, 10).await, [2, 1]);
    assert_eq!(
        page(Some(("harbour", false)), None, 10).await,
        [1],
        "what is asked for only, it does not know of"
    );
    assert_eq!(page(Some(("kinki-power", false)), None, 10).await, [3, 1]);
    assert_eq!(page(Some(("stranger", false)), None, 10).await, [0; 0]);
    assert_eq!(page(Some(("kinki-power", true)), None, 10).await, [3, 1]);
    decide(&council, decided(&get(&council, 3).await.terms, Verdict::Suspend, 2)).await.unwrap();
    assert_eq!(page(Some(("kinki-power", true)), None, 10).await, [1]);
    assert_eq!(page(Some(("kinki-power", false)), None, 10).await, [3, 1], "a stopped one is known");
    council.pass_time(3_600_000_000);
    assert_eq!(page(Some(("kinki-power", true)), None, 10).await, [0; 0]);
}

async fn a_step_that_fails_leaves_no_entry(council: Council) {
    let new = request(1, "npa", &["harbour"]);
    ask(&council, new.clone()).await.unwrap();
    let failed: Result<(), StoreError> = council
        .store
        .write(move |tx| {
            authorisations::request(tx, &Realm::Live, &request(2, "npa", &["harbour"]))?;
            Err(StoreError::NotFound { what: "x".to_owned() })
        })
        .await;
    assert!(failed.is_err());
    decide(&council, decided(&new.terms, Verdict::Grant, 1)).await.unwrap();
    assert_eq!(council.store.read(log::verify).await.unwrap().0, 2);
}

async fn requests_that_wait_are_few(council: Council) {
    for number in 0..authorisations::WAITING_MAX {
        ask(&council, request(number as u128, "npa", &["harbour"])).await.unwrap();
    }
    let more = || request(1000, "npa", &["harbour"]);
    assert_eq!(ask(&council, more()).await.unwrap_err().code(), "too-large");
    ask(&council, request(1001, "mod", &["harbour"])).await.unwrap();
    decide(&council, decided(&get(&council, 7).await.terms, Verdict::Refuse, 1)).await.unwrap();
    ask(&council, more()).await.unwrap();
    let mut large = request(1002, "mod", &["harbour"]);
    large.list.patterns = vec!["x".repeat(authorisations::LIST_BYTES_MAX)];
    assert_eq!(ask(&council, large).await.unwrap_err().code(), "too-large");
    // What can no more be granted does not wait.
    assert_eq!(ask(&council, request(1003, "npa", &["harbour"])).await.unwrap_err().code(), "too-large");
    council.pass_time(3_600_000_000);
    ask(&council, request(1003, "npa", &["harbour"])).await.unwrap();
}

async fn withdraw(council: &Council, number: u128) -> Result<u64, &'static str> {
    let id = Uuid::from_u128(number);
    let done = council.store.write(move |tx| {
        authorisations::withdraw(tx, &Realm::Live, id, "no longer needed").map(Act::bookkeeping)
    });
    done.await.map_err(|error| error.code())
}

async fn a_request_is_taken_back_before_it_is_decided_and_not_after(council: Council) {
    let new = request(1, "npa", &["harbour"]);
    let terms = new.terms.clone();
    ask(&council, new).await.unwrap();
    assert_eq!(withdraw(&council, 2).await, Err("not-found"));
    let pending = decided(&terms, Verdict::Grant, 1);
    let keep = {
        let pending = pending.clone();
        move |tx: &mut Tx<'_>| authorisations::keep_pending(tx, &Realm::Live, &pending).map(Act::bookkeeping)
    };
    council.store.write(keep.clone()).await.unwrap();
    assert_eq!(withdraw(&council, 1).await, Ok(1), "what some have signed is no decision");
    let now = get(&council, 1).await;
    assert_eq!((now.state, now.pending, now.grant_leaf), (State::Withdrawn, None, None));
    // Neither again, nor decided on after all.
    assert_eq!(withdraw(&council, 1).await, Err("stale"));
    for verdict in Verdict::ALL {
        let decided = decide(&council, decided(&terms, *verdict, 1)).await;
        assert_eq!(decided.map_err(|error| error.code()), Err("stale"), "{verdict:?}");
    }
    assert_eq!(council.store.write(keep).await.map_err(|error| error.code()), Err("stale"));
    let log = entries(&council).await;
    assert_eq!((log[1].kind, log[1].of, log.len()), (EntryKind::Withdraw, Some(0), 2));
    let history =
        council.store.read(|reader| log::of_authorisation(reader, Uuid::from_u128(1))).await.unwrap();
    let record: serde_json::Value = serde_json::from_slice(&history[1].record).unwrap();
    assert_eq!(record["withdrawn"]["reason"], "no longer needed");
    assert_eq!(
        record["terms"]["id"],
        terms.id.to_string(),
        "what was taken back stands in it, for who counts"
    );
    // One that was decided on is not.
    for (number, verdict) in [(3, Verdict::Grant), (4, Verdict::Refuse)] {
        let new = request(number, "npa", &["harbour"]);
        let terms = new.terms.clone();
        ask(&council, new).await.unwrap();
        decide(&council, decided(&terms, verdict, 1)).await.unwrap();
        assert_eq!(withdraw(&council, number).await, Err("stale"), "{verdict:?}");
    }
    assert_eq!(council.store.read(log::verify).await.unwrap().0, 6);
}

fn used(number: u32, operator: &str, count: u32) -> Receipt {
    let used = Use {
        authorisation: Uuid::from_u128(1),
        grant: 1,
        operator: organisation(operator),
        edge: format!("{operator}-1"),
        asked_by: organisation("npa"),
        asked: hex::encode([2; 32]),
        count,
        at: at(START_US),
        number,
    };
    Receipt::sign(used, |_| [7; 64])
}

async fn take(council: &Council, receipt: Receipt) -> Taken {
    let taken = council
        .store
        .write(move |tx| receipts::take(tx, &Realm::Live, &receipt, &[5; 32]).map(Act::bookkeeping));
    taken.await.unwrap()
}

async fn receipts_are_kept_once(council: Council) {
    let new = request(1, "npa", &["harbour", "kinki-power"]);
    ask(&council, new.clone()).await.unwrap();
    decide(&council, decided(&new.terms, Verdict::Grant, 1)).await.unwrap();
    assert_eq!(take(&council, used(1, "harbour", 1)).await, Taken::Accepted(2));
    assert_eq!(take(&council, used(1, "harbour", 1)).await, Taken::Duplicate(2));
    assert_eq!(take(&council, used(1, "harbour", 0)).await, Taken::Contradicts(2));
    assert_eq!(take(&council, used(2, "harbour", 1)).await, Taken::Accepted(3));
    assert_eq!(take(&council, used(1, "kinki-power", 1)).await, Taken::Accepted(4));
    let list = async |filter: ReceiptFilter| -> Vec<u64> {
        let found = council.store.read(move |reader| receipts::list(reader, &Realm::Live, &filter));
        found.await.unwrap().iter().map(|row| row.leaf).collect()
    };
    let all = ReceiptFilter { limit: 10, ..ReceiptFilter::default() };
    assert_eq!(list(all.clone()).await, [4, 3, 2]);
    assert_eq!(list(ReceiptFilter { before: Some(4), limit: 1, ..all.clone() }).await, [3]);
    let own = ReceiptFilter { operator: Some(organisation("harbour")), ..all.clone() };
    assert_eq!(list(own.clone()).await, [3, 2]);
    assert_eq!(list(ReceiptFilter { authorisation: Some(Uuid::from_u128(2)), ..own }).await, [0; 0]);
    assert_eq!(list(ReceiptFilter { authorisation: Some(Uuid::from_u128(1)), ..all }).await, [4, 3, 2]);
    let (uses, history) = council
        .store
        .read(|reader| {
            let id = Uuid::from_u128(1);
            Ok((receipts::uses(reader, &Realm::Live, id)?, log::of_authorisation(reader, id)?))
        })
        .await
        .unwrap();
    assert_eq!((uses, history.len()), (3, 2));
    let log = entries(&council).await;
    assert!(log[2..].iter().all(|entry| (entry.kind, entry.of) == (EntryKind::Use, Some(1))));
    // Whoever is given a receipt with its salt can open its leaf.
    let filter = ReceiptFilter { limit: 10, ..ReceiptFilter::default() };
    let rows = council.store.read(move |reader| receipts::list(reader, &Realm::Live, &filter)).await.unwrap();
    for row in rows {
        let entry = Entry::read(&row.entry).unwrap();
        assert_eq!(entry, log[usize::try_from(row.leaf).unwrap()]);
        assert!(entry.commits_to(&row.salt, &row.record));
        assert_eq!(serde_json::from_slice::<Receipt>(&row.record).unwrap(), row.receipt);
    }
    assert_eq!(council.store.read(log::verify).await.unwrap().0, 5);
}

async fn an_edge_keeps_its_key(council: Council) {
    let register = async |edge: &'static str, key: u8| {
        let done = council.store.write(move |tx| {
            receipts::register_key(tx, &Realm::Live, edge, &[key; 32]).map(Act::bookkeeping)
        });
        done.await.map_err(|error| error.code())
    };
    assert_eq!(register("harbour-1", 1).await, Err("not-found"));
    let add = |hash: u8| {
        council.store.write(move |tx| {
            let edge = Edge {
                id: "harbour-1".to_owned(),
                organisation: organisation("harbour"),
                name: "n".to_owned(),
                created: tx.now(),
                hello: None,
                heard: None,
            };
            edges::add(tx, &Realm::Live, &edge, &[hash; 32]).map(Act::bookkeeping)
        })
    };
    add(1).await.unwrap();
    assert_eq!(register("harbour-1", 1).await, Ok(true));
    assert_eq!(register("harbour-1", 1).await, Ok(false));
    assert_eq!(register("harbour-1", 2).await, Err("exists"));
    let removed =
        council.store.write(|tx| edges::remove(tx, &Realm::Live, "harbour-1").map(Act::bookkeeping));
    assert!(removed.await.unwrap());
    add(2).await.unwrap();
    let key = council.store.read(|reader| receipts::key_of(reader, &Realm::Live, "harbour-1")).await.unwrap();
    assert_eq!(key, None, "another edge of that name has a key of its own");
    assert_eq!(register("harbour-1", 2).await, Ok(true));
}

fn commission(version: u32) -> Commission {
    let member = |id: &str| Member {
        id: id.to_owned(),
        name: id.to_owned(),
        from: at(START_US),
        until: at(START_US + 1),
        passkeys: BTreeMap::new(),
    };
    Commission {
        version,
        name: "the commission".to_owned(),
        rp_id: "hub.example.jp".to_owned(),
        origins: vec!["https://hub.example.jp".to_owned()],
        threshold: 2,
        members: ["c1", "c2", "c3"].map(member).into(),
    }
}

fn frame(version: u32) -> Frame {
    let rule = CategoryRule { article: "art. 32(1)".to_owned(), hours_max: 24 };
    Frame {
        version,
        source: "tests".to_owned(),
        categories: BTreeMap::from([(Category::ForeignDomestic, rule)]),
        emergency: EmergencyRule { persons: 2, hours_max: 24 },
        list_max: 10,
        queries_per_day_max: 2,
        checkpoint_hours_max: 24,
        unwitnessed_hours_max: 4,
        retention_classes: BTreeSet::from(["short".to_owned()]),
    }
}

fn resolved(text: &Text) -> Resolved {
    let resolution = Resolution {
        subject: text.subject(),
        digest: hex::encode(text.digest()),
        by: hex::encode(commission(1).digest()),
        asked: at(START_US),
        reason: String::new(),
    };
    Resolved { resolution, assertions: Vec::new() }
}

async fn the_commission_alone_changes_itself(council: Council) {
    let of: OrganisationId = organisation("oversight");
    let enact = async |text: Text, resolved: Option<Resolved>| {
        let of = of.clone();
        let done = council.store.write(move |tx| {
            charters::enact(tx, &Realm::Live, &text, &of, resolved.as_ref()).map(Act::bookkeeping)
        });
        done.await.map_err(|error| error.code())
    };
    let (first, second) = (Text::Commission(commission(1)), Text::Commission(commission(2)));
    let frame = Text::Frame(frame(1));
    assert_eq!(enact(frame.clone(), None).await, Err("stale"), "a frame is always resolved on");
    assert_eq!(enact(first.clone(), None).await, Ok(0));
    assert_eq!(enact(second.clone(), None).await, Err("stale"));
    assert_eq!(
        enact(second.clone(), Some(resolved(&first))).await,
        Err("stale"),
        "a resolution on something else"
    );
    assert_eq!(enact(second.clone(), Some(resolved(&frame))).await, Err("stale"));
    let keep = async |resolved: Resolved| {
        let done = council
            .store
            .write(move |tx| charters::keep_pending(tx, &Realm::Live, &resolved).map(Act::bookkeeping));
        done.await.map_err(|error| error.code())
    };
    assert_eq!(keep(resolved(&second)).await, Err("stale"), "nobody proposed it");
    let propose = async |text: Text| {
        let done = council
            .store
            .write(move |tx| charters::propose(tx, &Realm::Live, &text, "p").map(Act::bookkeeping));
        done.await.unwrap();
    };
    propose(second.clone()).await;
    assert_eq!(keep(resolved(&second)).await, Ok(()));
    let proposal =
        || council.store.read(|reader| charters::proposal(reader, &Realm::Live, Subject::Commission));
    assert_eq!(proposal().await.unwrap().unwrap().pending, Some(resolved(&second)));
    propose(Text::Commission(commission(3))).await;
    assert_eq!(proposal().await.unwrap().unwrap().pending, None, "answers to another proposal are void");
    assert_eq!(keep(resolved(&second)).await, Err("stale"));
    assert_eq!(enact(second.clone(), Some(resolved(&second))).await, Ok(1));
    assert_eq!(proposal().await.unwrap(), None);
    assert_eq!(enact(frame.clone(), Some(resolved(&frame))).await, Ok(2));
    let (standing, rule) = council
        .store
        .read(|reader| {
            Ok((charters::commission(reader, &Realm::Live)?, charters::frame(reader, &Realm::Live)?))
        })
        .await
        .unwrap();
    let (standing, rule) = (standing.unwrap(), rule.unwrap());
    assert_eq!((standing.text, standing.leaf, standing.organisation), (commission(2), 1, of.clone()));
    assert_eq!((Text::Frame(rule.text), rule.leaf), (frame, 2));
    let told: Vec<_> = entries(&council).await.iter().map(|entry| (entry.kind, entry.of)).collect();
    let expected =
        [(EntryKind::Commission, None), (EntryKind::Commission, Some(0)), (EntryKind::Frame, None)];
    assert_eq!(told, expected);
    assert_eq!(council.store.read(log::verify).await.unwrap().0, 3);
}

async fn altered_rows_are_found(council: Council) {
    let new = request(1, "npa", &["harbour"]);
    ask(&council, new.clone()).await.unwrap();
    decide(&council, decided(&new.terms, Verdict::Grant, 1)).await.unwrap();
    for number in 1..4 {
        take(&council, used(number, "harbour", 1)).await;
    }
    let table = "authorisation_log";
    let attempts = [
        format!("UPDATE {table} SET kind = 'padding' WHERE leaf = 1"),
        format!("UPDATE {table} SET about = 1 WHERE leaf = 1"),
        format!("UPDATE {table} SET leaf = 9 WHERE leaf = 4"),
        format!("INSERT INTO authorisation_nodes SELECT 8, 0, hash FROM {table} WHERE leaf = 0"),
        format!("UPDATE {table} SET record = salt WHERE leaf = 3"),
    ];
    let mends = [
        format!("UPDATE {table} SET kind = 'grant' WHERE leaf = 1"),
        format!("UPDATE {table} SET about = 0 WHERE leaf = 1"),
        format!("UPDATE {table} SET leaf = 4 WHERE leaf = 9"),
        "DELETE FROM authorisation_nodes".to_owned(),
        String::new(),
    ];
    for (alter, mend) in attempts.iter().zip(&mends) {
        council.alter(alter);
        let found = council.store.read(log::verify).await.map_err(|error| error.code());
        assert_eq!(found, Err("store-corrupt"), "{alter}");
        if !mend.is_empty() {
            council.alter(mend);
            council.store.read(log::verify).await.unwrap();
        }
    }
}

async fn time_runs_forward_in_the_log(council: Council) {
    ask(&council, request(1, "npa", &["harbour"])).await.unwrap();
    council.pass_time(-2 * 3_600_000_000);
    ask(&council, request(2, "npa", &["harbour"])).await.unwrap();
    let log = entries(&council).await;
    assert_eq!(log[0].hour, log[1].hour);
}
