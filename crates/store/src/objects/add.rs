use std::collections::{HashMap, HashSet};

use oversight::{OrganisationId, Realm};
use policy::LabelKey;
use stix::Object;

use super::flags::{self, Stand};
use super::index::Indexer;
use super::tally::Tallies;
use crate::collections::CollectionKey;
use crate::sql::{self, Bulk, Dialect, Prepared, Value, params};
use crate::{Reader, StoreError, Tx, releases};

/// The largest object in bytes.
pub const OBJECT_BYTES_MAX: usize = 8 << 20;
/// Versions of one object in one collection at most.
pub const VERSIONS_MAX: i64 = 10_000;

/// An object that comes in, under its label.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// The object.
    pub object: Object,
    /// Its label, interned.
    pub label: LabelKey,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddOutcome {
    /// It is a new version in the log.
    Added {
        /// Its place.
        sequence: i64,
        /// When, in microseconds since 1970.
        date_added_us: i64,
    },
    /// The same version with the same content was there.
    Duplicate {
        /// Its place.
        sequence: i64,
    },
    /// It was kept out.
    Refused {
        /// A stable code: `content-conflict`, `not-creator`, `revoked`, `marking-versioned`, `unversioned`, `too-large`.
        code: &'static str,
        /// Why, for a person.
        message: String,
    },
}

/// What the writer knows of the log's end.
pub(crate) struct LogState {
    /// The newest sequence given out.
    pub(crate) sequence: i64,
    /// The newest `date_added` of each collection, as far as it was asked for.
    dates: HashMap<(i64, CollectionKey), i64>,
    /// The numbers of organisations that bring objects.
    originators: HashMap<(i64, OrganisationId), i64>,
}

/// The newest sequence given out.
pub(crate) fn last_sequence(reader: &Reader<'_>) -> Result<i64, StoreError> {
    reader.number("SELECT MAX(sequence) FROM log", ())
}

/// Adds objects to a collection, one outcome each, in order; a refused one harms no other.
///
/// - The same version with the same canonical hash is a duplicate and changes nothing; with other content it is
///   refused (`content-conflict`; STIX 2.1 §3.6: one id and version has one content, the first is kept), even after
///   the first was removed.
/// - Another version than the first one must come from the organisation that brought the first (`not-creator`), and
///   there is none after a revoked one (`revoked`). Marking definitions have one version (`marking-versioned`,
///   STIX 2.1 §7.2.1), and so has an object that tells no version (`unversioned`).
/// - `date_added` is the store's clock, and at least one microsecond after the last one of the collection.
///
/// # Errors
/// Those of the database; then nothing of the batch is kept.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    originator: &OrganisationId,
    objects: &[NewObject],
) -> Result<Vec<AddOutcome>, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let originator = originator_key(tx, realm, originator)?;

    let mut batch = Batch::new(tx, realm, collection, originator, objects)?;
    let outcomes = objects.iter().map(|new| batch.add(new)).collect::<Result<_, _>>()?;
    batch.tallies.write(batch.tx, realm, collection)?;
    Ok(outcomes)
}

struct Batch<'t, 'c> {
    tx: &'t Tx<'c>,
    realm: i64,
    collection: CollectionKey,
    originator: i64,
    now: i64,
    tallies: Tallies,
    find_last: Prepared<'c>,
    insert: Bulk<'c>,
    /// Objects of the batch of which the log knows nothing; `None`: each is asked for.
    unknown: Option<HashSet<&'t str>>,
    indexer: Indexer<'c>,
}

/// A version that is in the log already, or was.
struct Known {
    sequence: i64,
    kind: i64,
    collection: CollectionKey,
    version_key: String,
    label: LabelKey,
    is_last: i64,
    originator: i64,
    revoked: bool,
    hash: [u8; 32],
}

/// The columns of a version, in the order of its values.
const COLUMNS: &str = "sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked,
    originator, type, id, version, version_key, spec_version, hash, body";

/// Identifiers that are looked up at a time.
const IDS_MAX: usize = 1024;

const KNOWN: &str =
    "SELECT sequence, kind, collection, version_key, label, is_last, originator, revoked, hash FROM log
    WHERE realm = ?1 AND id = ?2 AND kind < 2";

impl<'t, 'c> Batch<'t, 'c> {
    fn new(
        tx: &'t Tx<'c>,
        realm: i64,
        collection: CollectionKey,
        originator: i64,
        objects: &'t [NewObject],
    ) -> Result<Self, StoreError> {
        let find_last = format!("{KNOWN} ORDER BY version_key DESC, collection DESC LIMIT 1");
        Ok(Self {
            tx,
            realm,
            collection,
            originator,
            now: sql::micros(tx.now()),
            tallies: Tallies::default(),
            find_last: tx.prepare(&find_last)?,
            unknown: unknown_ids(tx, realm, objects)?,
            insert: tx.bulk("log", COLUMNS)?,
            indexer: Indexer::new(tx)?,
        })
    }

    fn add(&mut self, new: &'t NewObject) -> Result<AddOutcome, StoreError> {
        let object = &new.object;
        if object.bytes().len() > OBJECT_BYTES_MAX {
            let message =
                format!("the object has {} bytes; at most {OBJECT_BYTES_MAX}", object.bytes().len());
            return Ok(AddOutcome::Refused { code: "too-large", message });
        }
        let hash = object.canonical_hash();
        let Some(last) = self.find_last(object)? else {
            let (sequence, date_added_us) = self.insert(new, &hash, self.originator, Stand::ONLY)?;
            self.indexer.index(sequence, object)?;
            self.tallies.add(object.object_type(), new.label, Stand::ONLY, object.is_revoked());
            return Ok(AddOutcome::Added { sequence, date_added_us });
        };
        self.add_version(new, hash, &last)
    }

    /// Adds to an object that is known, `last` being its last version in any collection.
    fn add_version(
        &mut self,
        new: &NewObject,
        hash: [u8; 32],
        last: &Known,
    ) -> Result<AddOutcome, StoreError> {
        let same = self.same_version(&new.object)?;
        if same.iter().any(|known| known.hash != hash) {
            let message = format!("`{}` is known with other content under the same version", new.object.id());
            return Ok(AddOutcome::Refused { code: "content-conflict", message });
        }
        let here = same.iter().find(|known| known.collection == self.collection);
        if let Some(here) = here.filter(|known| known.kind == 0) {
            return Ok(AddOutcome::Duplicate { sequence: here.sequence });
        }
        if let Some(refused) = self.refuse(new, last, !same.is_empty())? {
            return Ok(refused);
        }
        if let Some(removed) = here {
            // Its removal stays in the log; this row would stand in the way of the new one.
            releases::remember_place(self.tx, removed.sequence)?;
            self.tx.execute("DELETE FROM log WHERE sequence = ?1", [removed.sequence])?;
        }
        let follows_alike = last.kind == 0
            && last.collection == self.collection
            && last.label == new.label
            && last.is_last == 1
            && last.version_key.as_str() < version_key(&new.object);
        let stand = if follows_alike { Stand::LAST } else { Stand::UNSETTLED };
        let (sequence, date_added_us) = self.insert(new, &hash, last.originator, stand)?;
        let object = &new.object;
        if follows_alike {
            self.indexer.index(sequence, object)?;
            self.tallies.add(object.object_type(), new.label, stand, object.is_revoked());
            flags::supersede(self.tx, last.sequence, &mut self.tallies)?;
        } else {
            self.tallies.add(object.object_type(), new.label, stand, object.is_revoked());
            flags::settle(self.tx, self.realm, self.collection, object.id(), &mut self.tallies)?;
        }
        Ok(AddOutcome::Added { sequence, date_added_us })
    }

    /// Why a version of a known object is not taken in. `copy`: it is known, but elsewhere or removed.
    fn refuse(&self, new: &NewObject, last: &Known, copy: bool) -> Result<Option<AddOutcome>, StoreError> {
        let object = &new.object;
        let refuse = |code, why: &str| {
            Ok(Some(AddOutcome::Refused { code, message: format!("`{}` {why}", object.id()) }))
        };
        if last.originator != self.originator {
            return refuse(
                "not-creator",
                "was brought in by another organisation, which alone may bring it again",
            );
        }
        if copy {
            return Ok(None);
        }
        if object.object_type() == "marking-definition" {
            return refuse("marking-versioned", "is a marking definition, which has one version only");
        }
        if object.version().is_none() || last.version_key.is_empty() {
            return refuse("unversioned", "is known and tells no version that could set the two apart");
        }
        let after_last = last.version_key.as_str() < version_key(object);
        if last.revoked && after_last {
            return refuse("revoked", "is revoked; there are no versions after that");
        }
        if object.is_revoked() && !after_last {
            return refuse("revoked", "has a later version, so this one cannot revoke it");
        }
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM log WHERE realm = ?1 AND id = ?2 AND kind < 2 LIMIT ?3) AS few";
        if self.tx.number(sql, (self.realm, object.id().as_str(), VERSIONS_MAX))? >= VERSIONS_MAX {
            return refuse("too-large", "has as many versions as one object may have");
        }
        Ok(None)
    }

    /// The last version of an object, in any collection, be it there or removed.
    fn find_last(&mut self, object: &'t Object) -> Result<Option<Known>, StoreError> {
        // Taken out: the next version in this batch finds it there.
        if self.unknown.as_mut().is_some_and(|unknown| unknown.remove(object.id().as_str())) {
            return Ok(None);
        }
        self.find_last.first((self.realm, object.id().as_str()), read_known)
    }

    fn same_version(&self, object: &Object) -> Result<Vec<Known>, StoreError> {
        let params = (self.realm, object.id().as_str(), version_key(object));
        self.tx.rows(&format!("{KNOWN} AND version_key = ?3"), params, read_known)
    }

    fn insert(
        &mut self,
        new: &NewObject,
        hash: &[u8; 32],
        originator: i64,
        stand: Stand,
    ) -> Result<(i64, i64), StoreError> {
        let object = &new.object;
        let (sequence, date_added) = next_place(self.tx, self.realm, self.collection, self.now)?;
        let body: &[u8] = object.bytes();
        self.insert.push(params![
            sequence,
            self.realm,
            self.collection,
            0_i64,
            new.label,
            date_added,
            stand.is_last,
            stand.is_first,
            object.is_revoked(),
            originator,
            object.object_type(),
            object.id().as_str(),
            object.version().map(stix::Timestamp::as_str),
            version_key(object),
            spec_version(object),
            hash,
            body,
        ])?;
        Ok((sequence, date_added))
    }
}

/// Where each question is a journey, those that the log knows are asked for together; SQLite answers sooner than the list is made.
fn unknown_ids<'o>(
    tx: &Tx<'_>,
    realm: i64,
    objects: &'o [NewObject],
) -> Result<Option<HashSet<&'o str>>, StoreError> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let mut unknown: HashSet<&str> = objects.iter().map(|new| new.object.id().as_str()).collect();
    let ids: Vec<&str> = unknown.iter().copied().collect();
    for ids in ids.chunks(IDS_MAX) {
        // As many places as a power of two, the last filled up with one of the same: a handful of statements to prepare.
        let places = ids.len().next_power_of_two();
        let list: Vec<String> = (0..places).map(|place| format!("?{}", place + 2)).collect();
        let sql = format!("SELECT id FROM log WHERE realm = ?1 AND kind < 2 AND id IN ({})", list.join(","));
        let mut params = vec![Value::Integer(realm)];
        params.extend(ids.iter().chain(ids.iter().cycle()).take(places).map(|id| Value::Text(id)));
        for id in tx.rows(&sql, params, |row| row.get::<String>(0))? {
            unknown.remove(id.as_str());
        }
    }
    Ok(Some(unknown))
}

/// The next sequence, and a `date_added` that rises even when the clock does not.
pub(super) fn next_place(
    tx: &Tx<'_>,
    realm: i64,
    collection: CollectionKey,
    now: i64,
) -> Result<(i64, i64), StoreError> {
    let mut state = tx.state.borrow_mut();
    let log = log_state(tx, &mut state.log)?;
    let last = match log.dates.get(&(realm, collection)) {
        Some(last) => *last,
        None => tx.number(
            "SELECT MAX(date_added) FROM log WHERE realm = ?1 AND collection = ?2",
            (realm, collection),
        )?,
    };
    let date_added = now.max(last + 1);
    log.dates.insert((realm, collection), date_added);
    log.sequence += 1;
    Ok((log.sequence, date_added))
}

/// The number of an organisation that brings objects.
fn originator_key(tx: &Tx<'_>, realm: i64, organisation: &OrganisationId) -> Result<i64, StoreError> {
    let mut state = tx.state.borrow_mut();
    let log = log_state(tx, &mut state.log)?;
    let key = (realm, organisation.clone());
    if let Some(known) = log.originators.get(&key) {
        return Ok(*known);
    }
    tx.execute(
        "INSERT INTO originators (realm, organisation) VALUES (?1, ?2) ON CONFLICT (realm, organisation) DO NOTHING",
        (realm, organisation.as_str()),
    )?;
    let sql = "SELECT originator FROM originators WHERE realm = ?1 AND organisation = ?2";
    let number = tx.number(sql, (realm, organisation.as_str()))?;
    log.originators.insert(key, number);
    Ok(number)
}

fn log_state<'s>(tx: &Tx<'_>, state: &'s mut Option<LogState>) -> Result<&'s mut LogState, StoreError> {
    if state.is_none() {
        let sequence = last_sequence(tx)?;
        *state = Some(LogState { sequence, dates: HashMap::new(), originators: HashMap::new() });
    }
    state.as_mut().ok_or(StoreError::Closed)
}

fn version_key(object: &Object) -> &str {
    object.version().map_or("", stix::Timestamp::sort_key)
}

/// `2.1` where it says so, and for what 2.0 did not have: objects without `created` (STIX 2.1 §3.2, §3.4).
fn spec_version(object: &Object) -> &'static str {
    match object.text("spec_version") {
        Some("2.0") => "2.0",
        Some(_) => "2.1",
        None if object.version().is_some() => "2.0",
        None => "2.1",
    }
}

fn read_known(row: &sql::Row<'_>) -> Result<Known, StoreError> {
    Ok(Known {
        sequence: row.get(0)?,
        kind: row.get(1)?,
        collection: row.get(2)?,
        version_key: row.get(3)?,
        label: row.get(4)?,
        is_last: row.get(5)?,
        originator: row.get(6)?,
        revoked: row.get(7)?,
        hash: row.get(8)?,
    })
}
