//! A small council: one collection, a label for each TLP level, a clock that the test moves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use policy::{Engine, Label, LabelKey, Personal, Principal, PrincipalKind, TlpLabel, Visible};
use serde_json::{Value, json};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::collections::CollectionKey;
use store::objects::{self, AddOutcome, Filter, NewObject, Row, Versions};
use store::{Act, Clock, Options, Place, Store, StoreError};

use crate::server::Server;

/// 2026-11-01T00:00:00Z in microseconds: when a council's clock starts.
pub(crate) const START_US: i64 = 1_793_491_200_000_000;

pub(crate) struct Council {
    pub(crate) store: Store,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) place: Place,
    /// Where the store is on one.
    pub(crate) server: Option<Server>,
    pub(crate) now_us: Arc<AtomicI64>,
    pub(crate) collection: CollectionKey,
    pub(crate) clear: LabelKey,
    pub(crate) amber: LabelKey,
    pub(crate) red: LabelKey,
}

impl Council {
    pub(crate) async fn on_sqlite() -> Self {
        Self::with(|options| options).await
    }

    /// `None` where there is no PostgreSQL.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let server = Server::start()?;
        let place = Place::parse(&server.address());
        Some(Self::at(place, Some(server), tempfile::tempdir().unwrap(), |options| options).await)
    }

    pub(crate) async fn with(change: impl FnOnce(Options) -> Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::at(Place::from(folder.path()), None, folder, change).await
    }

    async fn at(
        place: Place,
        server: Option<Server>,
        folder: tempfile::TempDir,
        change: impl FnOnce(Options) -> Options,
    ) -> Self {
        let now_us = Arc::new(AtomicI64::new(START_US));
        let options = change(Options { clock: clock(&now_us), ..Options::default() });
        let store = Store::open(&place, options).unwrap();
        let (collection, clear, amber, red) = store
            .write(|tx| {
                let id = uuid::Uuid::from_u128(0xC0);
                let collection = store::collections::add(tx, &Realm::Live, id, "all", "")?.key;
                let clear = store::labels::intern(tx, &label(Tlp::Clear))?;
                let amber = store::labels::intern(tx, &label(Tlp::Amber))?;
                let red = store::labels::intern(tx, &label(Tlp::Red))?;
                Ok(Act::bookkeeping((collection, clear, amber, red)))
            })
            .await
            .unwrap();
        Self { store, folder, place, server, now_us, collection, clear, amber, red }
    }

    /// Opens the store again, as after a restart.
    pub(crate) async fn reopen(mut self) -> Self {
        self.store.close().await;
        let options = Options { clock: clock(&self.now_us), ..Options::default() };
        self.store = Store::open(&self.place, options).unwrap();
        self
    }

    /// Does something to the tables behind the store's back.
    pub(crate) fn alter(&self, sql: &str) {
        match &self.server {
            Some(server) => server.alter(sql),
            None => {
                let file = self.folder.path().join("yagura.sqlite");
                rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
            }
        }
    }

    pub(crate) fn pass_time(&self, micros: i64) {
        self.now_us.fetch_add(micros, Ordering::SeqCst);
    }

    pub(crate) async fn add(&self, from: &str, label: LabelKey, objects: Vec<Value>) -> Vec<AddOutcome> {
        self.try_add(Realm::Live, self.collection, from, label, objects).await.unwrap()
    }

    pub(crate) async fn try_add(
        &self,
        realm: Realm,
        collection: CollectionKey,
        from: &str,
        label: LabelKey,
        objects: Vec<Value>,
    ) -> Result<Vec<AddOutcome>, StoreError> {
        let from = organisation(from);
        let new: Vec<NewObject> =
            objects.iter().map(|value| NewObject { object: parse(value), label }).collect();
        self.store
            .write(move |tx| {
                let outcomes = objects::add(tx, &realm, collection, &from, &new)?;
                let ids: Vec<String> = new.iter().map(|new| new.object.id().to_string()).collect();
                Ok(Act::audited(outcomes, &realm, added_event(&from).on(ids)))
            })
            .await
    }

    pub(crate) async fn page(
        &self,
        visible: Visible,
        change: impl FnOnce(&mut Filter<'_>) + Send + 'static,
    ) -> objects::Page {
        let collection = self.collection;
        self.store
            .read(move |reader| {
                let mut filter = Filter::new(collection, &visible, 100);
                change(&mut filter);
                objects::page(reader, &Realm::Live, &filter)
            })
            .await
            .unwrap()
    }

    /// Ids of a whole collection, read page by page.
    pub(crate) async fn walk(&self, visible: &Visible, limit: usize, versions: Versions) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.date_added_us);
            let versions = versions.clone();
            let page = self
                .page(visible.clone(), move |filter| {
                    filter.after = after;
                    filter.limit = limit;
                    filter.versions = versions;
                })
                .await;
            assert!(page.rows.len() <= limit);
            rows.extend(page.rows);
            if !page.more {
                return rows;
            }
        }
    }

    pub(crate) fn all(&self) -> Visible {
        seeing(&[self.clear, self.amber, self.red])
    }
}

pub(crate) fn clock(now_us: &Arc<AtomicI64>) -> Clock {
    let now_us = Arc::clone(now_us);
    Clock::from_fn(move || jiff::Timestamp::from_microsecond(now_us.load(Ordering::SeqCst)).unwrap())
}

pub(crate) fn organisation(name: &str) -> OrganisationId {
    OrganisationId::parse(name).unwrap()
}

pub(crate) fn added_event(from: &OrganisationId) -> AuditEvent {
    let actor = Actor::Program { id: "t1".to_owned(), organisation: from.clone() };
    AuditEvent::done(Action::ObjectsAdded, actor, Purpose::CollectiveDefence)
}

pub(crate) fn label(level: Tlp) -> Label {
    label_of(TlpLabel::Level(level), "coordinator", &Realm::Live)
}

pub(crate) fn label_of(tlp: TlpLabel, originator: &str, realm: &Realm) -> Label {
    let object = parse(&identity(1));
    let mut label = Label::of(&object, &organisation(originator), realm, |_| None);
    label.tlp = tlp;
    label
}

/// Whoever sees exactly the labels with these numbers. Only the engine of `policy` makes one, so it is asked about a label
/// that its principal may read, under each of the numbers.
pub(crate) fn seeing(keys: &[LabelKey]) -> Visible {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::compile(&Engine::built_in()).unwrap());
    let principal = Principal {
        kind: PrincipalKind::Person("p".to_owned()),
        organisation: organisation("coordinator"),
        organisation_role: OrganisationRole::Coordinator,
        roles: BTreeSet::from([PersonRole::Analyst]),
        realm: Realm::Live,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    let clear = label(Tlp::Clear);
    let visible = ENGINE.visible(&principal, keys.iter().map(|key| (*key, &clear)));
    assert_eq!(visible.keys().len(), keys.len(), "the built-in policy lets the coordinator read TLP:CLEAR");
    visible
}

pub(crate) fn parse(value: &Value) -> Object {
    Object::parse(Bytes::from(value.to_string())).unwrap()
}

pub(crate) fn id(object_type: &str, number: u64) -> String {
    Id::new(
        object_type,
        uuid::Uuid::from_u128(0x1111_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)),
    )
    .to_string()
}

pub(crate) fn stix_id(object_type: &str, number: u64) -> Id {
    Id::parse(&id(object_type, number)).unwrap()
}

pub(crate) fn identity(number: u64) -> Value {
    json!({
        "type": "identity", "spec_version": "2.1", "id": id("identity", number),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": format!("Member {number}"),
    })
}

pub(crate) fn indicator(number: u64) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", number),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "created_by_ref": id("identity", 1),
        "name": format!("Indicator {number}"),
        "pattern": format!("[domain-name:value = 'host{number}.example']"), "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    })
}

/// The object with some properties changed.
pub(crate) fn with(mut object: Value, mut changes: Value) -> Value {
    for (name, value) in changes.as_object_mut().unwrap() {
        object[name] = value.take();
    }
    object
}

/// The same object, modified on a day of January 2026.
pub(crate) fn modified(object: Value, day: u32) -> Value {
    with(object, json!({ "modified": format!("2026-01-{day:02}T00:00:00.000Z") }))
}

pub(crate) fn ids(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.id.to_string()).collect()
}

pub(crate) fn refusal(outcome: &AddOutcome) -> &'static str {
    match outcome {
        AddOutcome::Added { .. } => "added",
        AddOutcome::Duplicate { .. } => "duplicate",
        AddOutcome::Refused { code, .. } => code,
    }
}
