//! How cases are kept: the working row, and each version of it as a STIX incident in the log, under one label.
//!
//! A case's label is the join of the labels of what it is made of, so whoever sees the case may see all that it tells.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use case::{Case, Entry, EntryKind};
use oversight::Realm;
use policy::{Label, LabelKey, TlpLabel};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::collections::CollectionKey;
use store::objects::{AddOutcome, NewObject};
use store::{Act, Reader, StoreError, Tx, cases, labels, objects, organisations};

use crate::first_start::coordinator;
use crate::state::AppState;

/// Entries of the timeline that the log's version of a case holds: the first one and the newest. The row holds all of them.
const LOGGED_ENTRIES_MAX: usize = 200;

/// Writes a new case.
///
/// # Errors
/// Those of the database.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    collection: CollectionKey,
    case: &mut Case,
    label: &Label,
) -> Result<(), StoreError> {
    case.marking = marking(label);
    let key = labels::intern(tx, label)?;
    cases::insert(tx, case, key)?;
    log(tx, collection, case, key)
}

/// Writes a changed case, and its new version to the log unless that is put off ([`catch_up`]).
///
/// # Errors
/// [`StoreError::Stale`] where somebody else changed it meanwhile.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    collection: CollectionKey,
    case: &mut Case,
    label: &Label,
    (expected_revision, is_put_off): (i64, bool),
) -> Result<(), StoreError> {
    case.marking = marking(label);
    let key = labels::intern(tx, label)?;
    cases::update(tx, case, key, expected_revision)?;
    if is_put_off { Ok(()) } else { log(tx, collection, case, key) }
}

/// Cases whose newest version is not in the log yet. A case that hundreds of sightings join within a minute is written there every
/// few seconds, not for each: its row is always current.
#[derive(Debug, Default)]
pub(crate) struct PutOff(Mutex<BTreeSet<Id>>);

impl PutOff {
    pub(crate) fn add(&self, cases: Vec<Id>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(cases);
    }

    fn take(&self) -> BTreeSet<Id> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Brings the log up to the rows of the cases that were put off.
///
/// # Errors
/// Those of the database; what was not written stays put off.
pub(crate) async fn catch_up(state: &AppState) -> Result<(), StoreError> {
    let cases = state.put_off.take();
    if cases.is_empty() {
        return Ok(());
    }
    let (collection, again) = (state.collection.key, cases.clone());
    let written = state.store.write(move |tx| {
        for id in &cases {
            if let Some((case, label)) = cases::for_node(tx, &crate::REALM, id)? {
                log(tx, collection, &case, label)?;
            }
        }
        // The change itself was audited when it was made.
        Ok(Act::bookkeeping(()))
    });
    let result = written.await;
    if result.is_err() {
        state.put_off.add(again.into_iter().collect());
    }
    result
}

/// The join of a label with those of other things; nothing is made of things of two worlds.
///
/// # Errors
/// [`StoreError::Corrupt`] for a label that is not there.
pub(crate) fn join(
    reader: &Reader<'_>,
    realm: &Realm,
    label: Label,
    others: impl IntoIterator<Item = LabelKey>,
) -> Result<Label, StoreError> {
    let others: BTreeSet<LabelKey> = others.into_iter().collect();
    others.into_iter().try_fold(label, |label, key| {
        let unknown = || StoreError::Corrupt(format!("label {key}"));
        let other = labels::get(reader, realm, key)?.ok_or_else(unknown)?;
        label.join(&other).ok_or_else(unknown)
    })
}

/// What a case under a label is marked with: what no level says is as strict as can be said.
fn marking(label: &Label) -> Tlp {
    match label.tlp {
        TlpLabel::Level(level) => level,
        TlpLabel::Unmarked if label.statements.is_empty() => Tlp::Red,
        TlpLabel::Unmarked => Tlp::Amber,
    }
}

/// The incident's new version into the log, in the transaction of the case.
fn log(tx: &mut Tx<'_>, collection: CollectionKey, case: &Case, label: LabelKey) -> Result<(), StoreError> {
    let originator = coordinator()?;
    let organisation = organisations::get(tx, &case.realm, &originator)?
        .ok_or_else(|| StoreError::Corrupt("the coordinator's organisation".to_owned()))?;
    let incident = case::to_stix(&shortened(case), &organisation.identity).to_string();
    let object = Object::parse(Bytes::from(incident)).map_err(|error| StoreError::Corrupt(error.message))?;
    let outcomes = objects::add(tx, &case.realm, collection, &originator, &[NewObject { object, label }])?;
    match outcomes.into_iter().next() {
        Some(AddOutcome::Added { .. } | AddOutcome::Duplicate { .. }) => Ok(()),
        Some(AddOutcome::Refused { code, message }) => Err(StoreError::Abandoned { code, message }),
        None => Err(StoreError::Corrupt("an outcome".to_owned())),
    }
}

/// With a timeline that is short enough to be written at every change: the beginning, people's own words, and the newest entries.
fn shortened(case: &Case) -> Case {
    let mut short = case.clone();
    if case.timeline.len() > LOGGED_ENTRIES_MAX {
        let newest = case.timeline.len() - LOGGED_ENTRIES_MAX;
        let is_kept = |(index, entry): &(usize, &Entry)| {
            *index >= newest || !matches!(entry.kind, EntryKind::Sighting { .. })
        };
        short.timeline =
            case.timeline.iter().enumerate().filter(is_kept).map(|(_, entry)| entry.clone()).collect();
    }
    short
}

/// A new case's identifier.
pub(crate) fn new_id() -> Id {
    Id::new("incident", uuid::Uuid::new_v4())
}
