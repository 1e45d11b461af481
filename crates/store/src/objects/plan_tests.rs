//! Every read of the log goes by an index that leads to what it gives, whatever the log holds beside it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bytes::Bytes;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Realm};
use policy::{Engine, Label, Personal, Principal, PrincipalKind, Visible};
use stix::observable::ValueKind;
use stix::{Id, Object, Timestamp};

use super::{Filter, NewObject, Order, Place, SearchFilter, TailFilter, Versions};
use crate::connection::Connection;
use crate::openings::{Opening, View};
use crate::sql::asked;
use crate::{Clock, Options, Reader, Tx, collections, labels, objects, schema, sqlite};

const LIVE: Realm = Realm::Live;

fn object(number: u32, day: u32) -> Object {
    let text = format!(
        r#"{{"type":"campaign","spec_version":"2.1","id":"campaign--00000000-0000-4000-8000-{number:012}","name":"c",
        "created":"2026-01-01T00:00:00Z","modified":"2026-01-{day:02}T00:00:00Z"}}"#
    );
    Object::parse(Bytes::from(text)).unwrap()
}

/// The plans of all queries that `read` asks, one line each, `query -> step`.
fn plans(read: impl FnOnce(&Reader<'_>, i64, &Visible)) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let connection = sqlite::open_writer(&folder.path().join("plans.sqlite"), &Options::default()).unwrap();
    schema::migrate(&connection).unwrap();
    let (clock, state) = (Clock::system(), RefCell::default());
    let mut tx = Tx::new(&connection, &clock, &state);
    let collection = collections::add(&mut tx, &LIVE, uuid::Uuid::from_u128(1), "", "").unwrap().key;
    let coordinator = OrganisationId::parse("coordinator").unwrap();
    let mut keys = Vec::new();
    let mut label = Label::of(&object(0, 1), &coordinator, &LIVE, |_| None);
    for statement in 0..2_u32 {
        label.statements.insert(object(statement, 1).id().clone());
        keys.push((labels::intern(&mut tx, &label).unwrap(), label.clone()));
    }
    for (number, day, label) in [(1, 1, 0), (2, 1, 1), (1, 2, 1), (1, 3, 0)] {
        let new = NewObject { object: object(number, day), label: keys[label].0 };
        objects::add(&mut tx, &LIVE, collection, &coordinator, &[new]).unwrap();
    }
    asked::take();
    read(&Reader::new(&connection, &clock), collection, &seen(&keys));
    asked::take().iter().flat_map(|sql| steps(&connection, sql)).collect()
}

/// What the coordinator sees of these labels: all of them.
pub(crate) fn seen(keys: &[(i64, Label)]) -> Visible {
    let principal = Principal {
        kind: PrincipalKind::Person("p".to_owned()),
        organisation: OrganisationId::parse("coordinator").unwrap(),
        organisation_role: OrganisationRole::Coordinator,
        roles: BTreeSet::from([PersonRole::Analyst]),
        realm: LIVE,
        purpose: oversight::Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    let engine = Engine::compile(&Engine::built_in()).unwrap();
    let visible = engine.visible(&principal, keys.iter().map(|(key, label)| (*key, label)));
    assert_eq!(visible.keys().len(), keys.len());
    visible
}

fn steps(connection: &Connection, sql: &str) -> Vec<(String, String)> {
    let Connection::Sqlite(connection) = connection else { return Vec::new() };
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for place in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(place, rusqlite::types::Null).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push((sql.to_owned(), row.get(3).unwrap()));
    }
    steps
}

/// Every step on the log narrows by more than its realm, and nothing but a read by identifier sorts.
fn check(what: &str, may_sort: bool, read: impl FnOnce(&Reader<'_>, i64, &Visible)) {
    let plans = plans(read);
    assert!(!plans.is_empty(), "{what}");
    for (sql, step) in plans {
        // The newest of an index is its end, and the table of counts goes by the log's name in one query.
        let other = sql.starts_with("SELECT MAX(") || step.contains("tallies");
        let on_log = !other
            && ["log", "newer", "older", "earlier", "object_rows", "object_rows_new"]
                .iter()
                .any(|name| step.contains(&format!(" {name} ")));
        let leads_astray = step.starts_with("SCAN") && on_log && !step.contains("VIRTUAL")
            || on_log && step.ends_with("(realm=?)")
            || on_log && step.ends_with("(realm=? AND collection=?)")
            || !may_sort && step.contains("TEMP B-TREE");
        assert!(!leads_astray, "{what}: {step}\n{sql}");
    }
}

#[test]
fn pages_go_by_date_or_branch() {
    for order in [Order::Ascending, Order::Descending] {
        for versions in [Versions::last(), Versions::all(), Versions { first: true, ..Versions::default() }] {
            check("page", false, |reader, collection, visible| {
                let mut filter =
                    Filter { versions: versions.clone(), order, ..Filter::new(collection, visible, 3) };
                (filter.after, filter.added_after) = (Some(5), Some(4));
                objects::page(reader, &LIVE, &filter).unwrap();
                filter.types = &["campaign", "malware"];
                objects::page(reader, &LIVE, &filter).unwrap();
                super::plan::by_branch_for_test(reader, &filter);
            });
        }
    }
}

#[test]
fn views_go_as_the_log_does() {
    check("view", false, |reader, collection, visible| {
        let labels = BTreeSet::from([visible.keys()[0]]);
        let opening = Opening { number: 1, through: 3, first: 0, line: 3, labels };
        let view = View::of_test(vec![opening]);
        for after in [None, Some(1), Some(2), Some(4), Some(i64::MAX)] {
            let filter = Filter { after, versions: Versions::all(), ..Filter::new(collection, visible, 3) };
            objects::page_in_view(reader, &LIVE, &filter, &view).unwrap();
        }
        let filter = TailFilter { visible, after: 0, types: &[], last_only: false, limit: 5 };
        let tail = objects::tail_in_view(reader, &LIVE, &filter, &view, Place::default()).unwrap();
        assert_eq!(tail.changes.len(), 4);
    });
}

#[test]
fn what_is_named_goes_by_identifier() {
    let id = object(1, 1).id().clone();
    let named: &[&str] = &[id.as_str(), "x"];
    check("page by id", true, |reader, collection, visible| {
        let filter = Filter { ids: named, after: Some(1), ..Filter::new(collection, visible, 3) };
        objects::page(reader, &LIVE, &filter).unwrap();
    });
    check("get", true, |reader, _, visible| {
        objects::get(reader, &LIVE, visible, &id).unwrap();
        objects::versions(reader, &LIVE, visible, &id).unwrap();
        let version = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        objects::get_version(reader, &LIVE, visible, &id, &version).unwrap();
    });
}

#[test]
fn counts_and_the_tail_do_not_read_the_log() {
    check("count", false, |reader, _, visible| {
        objects::count(reader, &LIVE, visible, &["campaign"]).unwrap();
    });
    check("tail", false, |reader, _, visible| {
        let filter = TailFilter { visible, after: 1, types: &["campaign"], last_only: true, limit: 5 };
        objects::tail(reader, &LIVE, &filter).unwrap();
    });
}

#[test]
fn searches_go_by_words() {
    let id: Id = object(1, 1).id().clone();
    check("search", false, |reader, _, visible| {
        let filter =
            SearchFilter { visible, query: "c", types: &["campaign"], revoked: false, after: None, limit: 3 };
        assert_eq!(objects::search(reader, &LIVE, &filter).unwrap().rows.len(), 2);
        objects::search_count(reader, &LIVE, &filter).unwrap();
        objects::referring_to(reader, &LIVE, visible, &id, 5).unwrap();
        objects::mentioning(reader, &LIVE, visible, ValueKind::Domain, "a.example", 5).unwrap();
    });
}

#[test]
fn changes_go_by_identifier() {
    check("change", true, |reader, collection, visible| {
        let (clock, state) = (Clock::system(), RefCell::default());
        let mut tx = Tx::new(reader.connection(), &clock, &state);
        let coordinator = OrganisationId::parse("coordinator").unwrap();
        for day in [9, 2, 5] {
            let new = NewObject { object: object(1, day), label: visible.keys()[0] };
            objects::add(&mut tx, &LIVE, collection, &coordinator, &[new]).unwrap();
        }
        assert!(objects::remove(&mut tx, &LIVE, collection, visible, object(1, 1).id()).unwrap() > 3);
    });
}
