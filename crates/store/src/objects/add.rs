use std::collections::HashMap;

use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Object;

use super::flags::{self, Stand};
use super::index::Indexer;
use super::place::{self, Places};
use super::tally::Tallies;
use crate::collections::CollectionKey;
use crate::sql::{self, Bulk, params};
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
    /// Rows whose places stand in the small table.
    gathered: i64,
}

/// The newest sequence given out.
pub(crate) fn last_sequence(reader: &Reader<'_>) -> Result<i64, StoreError> {
    reader.number("SELECT MAX(sequence) FROM log", ())
}

/// Who brings objects in, and what it may know of what is here.
#[derive(Debug, Clone, Copy)]
pub struct Bringer<'a> {
    /// The organisation.
    pub organisation: &'a OrganisationId,
    /// What it may see, beside what it brought in itself; `None`: everything, for objects of the node's own making.
    pub visible: Option<&'a Visible>,
}

/// A version of an object that its bringer brought before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// Its place in the log.
    pub sequence: i64,
    /// The label that it bears; or bore, where it was removed.
    pub label: LabelKey,
    /// Whether it is the same version: it comes again after it was removed.
    pub is_same: bool,
}

/// Says of another version, with what its bringer brought of the object before, newest first, whether it is held back.
pub type Guard<'a> = &'a dyn Fn(&Reader<'_>, &NewObject, &[Earlier]) -> Result<bool, StoreError>;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Added {
    /// One outcome for each object, in order.
    pub outcomes: Vec<AddOutcome>,
    /// Positions of objects that were added and contradict what another organisation brought in and the bringer may not see: the
    /// same version with other content. For who supervises the node, never for the bringer.
    pub unseen_conflicts: Vec<usize>,
    /// Positions of objects that the guard held back, with what was brought of them before; their outcomes stand for nothing.
    pub held: Vec<(usize, Vec<Earlier>)>,
}

/// Adds objects of the node's own making, or of somebody who sees everything: as [`add_from`].
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
    let bringer = Bringer { organisation: originator, visible: None };
    Ok(add_from(tx, realm, collection, bringer, objects)?.outcomes)
}

/// Adds objects to a collection, one outcome each, in order; a refused one harms no other.
///
/// The outcome depends on nothing but the bringer's own objects and those it may see:
///
/// - The same version with the same canonical hash is a duplicate and changes nothing; with other content it is
///   refused (`content-conflict`; STIX 2.1 §3.6: one id and version has one content, the first is kept), even after
///   the first was removed.
/// - Another version than the first one must come from the organisation that brought the first (`not-creator`), and
///   there is none after a revoked one (`revoked`). Marking definitions have one version (`marking-versioned`,
///   STIX 2.1 §7.2.1), and so has an object that tells no version (`unversioned`).
/// - What is here, but brought by others and hidden from the bringer, does not count: the object is kept as the bringer's own, in a
///   line of its own. Whoever may see several lines of an object is shown the one that was begun first, and no other.
/// - `date_added` is the store's clock, and at least one microsecond after the last one of the collection.
///
/// # Errors
/// Those of the database; then nothing of the batch is kept.
pub fn add_from(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    bringer: Bringer<'_>,
    objects: &[NewObject],
) -> Result<Added, StoreError> {
    add_guarded(tx, realm, collection, bringer, objects, None)
}

/// The same, but that a guard may hold back other versions of what the bringer brought before.
///
/// # Errors
/// Those of the database and of the guard; then nothing of the batch is kept.
pub fn add_guarded(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    bringer: Bringer<'_>,
    objects: &[NewObject],
    guard: Option<Guard<'_>>,
) -> Result<Added, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let originator = originator_key(tx, realm, bringer.organisation)?;

    let mut batch = Batch::new(tx, realm, collection, originator, bringer.visible, objects)?;
    let mut added = Added::default();
    for (position, new) in objects.iter().enumerate() {
        match batch.add(new, guard)? {
            Done::Outcome(outcome, contradicts) => {
                added.outcomes.push(outcome);
                if contradicts {
                    added.unseen_conflicts.push(position);
                }
            }
            Done::Held(earlier) => {
                added.outcomes.push(AddOutcome::Duplicate { sequence: 0 });
                added.held.push((position, earlier));
            }
        }
    }
    batch.tallies.write(batch.tx, realm, collection)?;
    gather_places(tx)?;
    Ok(added)
}

struct Batch<'t, 'c> {
    tx: &'t Tx<'c>,
    realm: i64,
    collection: CollectionKey,
    originator: i64,
    visible: Option<&'t Visible>,
    now: i64,
    tallies: Tallies,
    places: Places<'c>,
    insert: Bulk<'c>,
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
    line: i64,
    revoked: bool,
    hash: [u8; 32],
}

/// What was done with an object.
enum Done {
    /// And whether it contradicts what the bringer may not see.
    Outcome(AddOutcome, bool),
    /// It was held back.
    Held(Vec<Earlier>),
}

/// What is done with an object.
enum Verdict {
    /// It is not added.
    Stop(AddOutcome),
    /// It begins a line of the bringer's own.
    Begin { line: i64 },
    /// It is another version of the bringer's own line, whose last version is at `last` of what is known. `removed` stands in its
    /// place and is gone.
    Continue { last: usize, removed: Option<i64> },
}

/// A row to be inserted.
struct NewRow<'n> {
    new: &'n NewObject,
    object_key: i64,
    line: i64,
    hash: &'n [u8; 32],
}

/// The columns of a version, in the order of its values.
const COLUMNS: &str = "sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked,
    originator, object, line, type, id, version, version_key, spec_version, hash, body";

const KNOWN: &str = "SELECT sequence, kind, collection, version_key, label, is_last, originator, line, revoked, hash FROM log";

impl<'t, 'c> Batch<'t, 'c> {
    fn new(
        tx: &'t Tx<'c>,
        realm: i64,
        collection: CollectionKey,
        originator: i64,
        visible: Option<&'t Visible>,
        objects: &[NewObject],
    ) -> Result<Self, StoreError> {
        Ok(Self {
            tx,
            realm,
            collection,
            originator,
            visible,
            now: sql::micros(tx.now()),
            tallies: Tallies::default(),
            places: Places::new(tx, realm, objects)?,
            insert: tx.bulk("log", COLUMNS)?,
            indexer: Indexer::new(tx)?,
        })
    }

    /// Adds one object.
    fn add(&mut self, new: &NewObject, guard: Option<Guard<'_>>) -> Result<Done, StoreError> {
        let object = &new.object;
        if object.bytes().len() > OBJECT_BYTES_MAX {
            let message =
                format!("the object has {} bytes; at most {OBJECT_BYTES_MAX}", object.bytes().len());
            return Ok(Done::Outcome(AddOutcome::Refused { code: "too-large", message }, false));
        }
        let hash = object.canonical_hash();
        let object_key = place::object_key(self.realm, object.id().as_str());
        let row = |line| NewRow { new, object_key, line, hash: &hash };
        if !self.places.any(object_key)? {
            return Ok(Done::Outcome(self.begin(&row(0))?, false));
        }
        let known = self.known(object, object_key)?;
        let outcome = match self.judge(object, &hash, &known) {
            Verdict::Stop(outcome) => return Ok(Done::Outcome(outcome, false)),
            Verdict::Begin { line } => self.begin(&row(line))?,
            Verdict::Continue { last, removed } => {
                if let Some(guard) = guard {
                    let own = known.iter().rev().filter(|known| known.originator == self.originator);
                    let own = own.map(|known| Earlier {
                        sequence: known.sequence,
                        label: known.label,
                        is_same: known.version_key == version_key(object),
                    });
                    let earlier: Vec<Earlier> = own.collect();
                    if guard(self.tx, new, &earlier)? {
                        return Ok(Done::Held(earlier));
                    }
                }
                if let Some(sequence) = removed {
                    // Its removal stays in the log; this row would stand in the way of the new one.
                    releases::remember_place(self.tx, sequence)?;
                    self.tx.execute("DELETE FROM log WHERE sequence = ?1", [sequence])?;
                    place::forget(self.tx, object_key, sequence)?;
                }
                let last = known.get(last).ok_or_else(|| StoreError::corrupt("the versions of an object"))?;
                self.follow(&row(last.line), last)?
            }
        };
        let contradicts = known
            .iter()
            .any(|known| !self.sees(known) && known.version_key == version_key(object) && known.hash != hash);
        Ok(Done::Outcome(outcome, contradicts))
    }

    /// Adds the first version of a line.
    fn begin(&mut self, row: &NewRow<'_>) -> Result<AddOutcome, StoreError> {
        let stand = if row.line == 0 { Stand::ONLY } else { Stand::ONLY_BESIDE };
        let (sequence, date_added_us) = self.insert(row, stand)?;
        self.indexer.index(sequence, &row.new.object)?;
        self.tally(row, stand);
        Ok(AddOutcome::Added { sequence, date_added_us })
    }

    /// Adds another version of a line, `last` being its last one in any collection.
    fn follow(&mut self, row: &NewRow<'_>, last: &Known) -> Result<AddOutcome, StoreError> {
        let object = &row.new.object;
        let follows_alike = last.kind == 0
            && last.collection == self.collection
            && last.label == row.new.label
            && last.is_last == 1
            && last.version_key.as_str() < version_key(object);
        let stand = if follows_alike { Stand::LAST } else { Stand::UNSETTLED };
        let (sequence, date_added_us) = self.insert(row, stand)?;
        self.tally(row, stand);
        if follows_alike {
            self.indexer.index(sequence, object)?;
            flags::supersede(self.tx, last.sequence, &mut self.tallies)?;
        } else {
            let id = object.id();
            flags::settle(self.tx, self.realm, self.collection, id, row.line, &mut self.tallies)?;
        }
        Ok(AddOutcome::Added { sequence, date_added_us })
    }

    fn tally(&mut self, row: &NewRow<'_>, stand: Stand) {
        let object = &row.new.object;
        self.tallies.add(object.object_type(), row.new.label, stand, object.is_revoked());
    }

    /// What is done with an object of which something is known.
    fn judge(&self, object: &Object, hash: &[u8; 32], known: &[Known]) -> Verdict {
        let refuse = |code, why: &str| {
            let message = format!("`{}` {why}", object.id());
            Verdict::Stop(AddOutcome::Refused { code, message })
        };
        let seen = || known.iter().filter(|known| self.sees(known));
        let same = || seen().filter(|known| known.version_key == version_key(object));
        if same().any(|known| known.hash != *hash) {
            return refuse("content-conflict", "is known with other content under the same version");
        }
        let here = |kind| move |known: &&Known| known.collection == self.collection && known.kind == kind;
        if let Some(here) = same().find(here(0)) {
            return Verdict::Stop(AddOutcome::Duplicate { sequence: here.sequence });
        }
        let own = || known.iter().enumerate().filter(|(_, known)| known.originator == self.originator);
        let Some((place, last)) = own().last() else {
            if seen().next().is_some() {
                return refuse(
                    "not-creator",
                    "was brought in by another organisation, which alone may bring it again",
                );
            }
            let line = known.iter().map(|known| known.line + 1).max().unwrap_or(0);
            return Verdict::Begin { line };
        };
        let mut own_same =
            own().map(|(_, known)| known).filter(|known| known.version_key == version_key(object)).peekable();
        // It is known, but elsewhere or removed.
        let copy = own_same.peek().is_some();
        let removed = own_same.find(here(1)).map(|known| known.sequence);
        match (copy, refusal(object, last, own().count())) {
            (false, Some((code, why))) => refuse(code, why),
            _ => Verdict::Continue { last: place, removed },
        }
    }

    /// Whether the bringer may know of a version.
    fn sees(&self, known: &Known) -> bool {
        known.originator == self.originator
            || self.visible.is_none_or(|visible| visible.contains(known.label))
    }

    /// All versions of an object, in any collection and line, be they there or removed; later ones last.
    fn known(&self, object: &Object, object_key: i64) -> Result<Vec<Known>, StoreError> {
        let sql = format!(
            "{KNOWN} WHERE {} AND realm + 0 = ?2 AND id = ?3 ORDER BY version_key, collection",
            place::rows_of("sequence", "?1")
        );
        self.tx.rows(&sql, (object_key, self.realm, object.id().as_str()), read_known)
    }

    fn insert(&mut self, row: &NewRow<'_>, stand: Stand) -> Result<(i64, i64), StoreError> {
        let NewRow { new, object_key, line, hash } = row;
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
            self.originator,
            object_key,
            line,
            object.object_type(),
            object.id().as_str(),
            object.version().map(stix::Timestamp::as_str),
            version_key(object),
            spec_version(object),
            hash,
            body,
        ])?;
        self.places.insert(*object_key, sequence)?;
        if let Some(state) = &mut self.tx.state.borrow_mut().log {
            state.gathered += 1;
        }
        Ok((sequence, date_added))
    }
}

/// Why a version of the bringer's own line is not taken in, `last` being the line's last one, if it is refused.
fn refusal(object: &Object, last: &Known, count: usize) -> Option<(&'static str, &'static str)> {
    if object.object_type() == "marking-definition" {
        return Some(("marking-versioned", "is a marking definition, which has one version only"));
    }
    if object.version().is_none() || last.version_key.is_empty() {
        return Some(("unversioned", "is known and tells no version that could set the two apart"));
    }
    let after_last = last.version_key.as_str() < version_key(object);
    if last.revoked && after_last {
        return Some(("revoked", "is revoked; there are no versions after that"));
    }
    if object.is_revoked() && !after_last {
        return Some(("revoked", "has a later version, so this one cannot revoke it"));
    }
    if i64::try_from(count).unwrap_or(i64::MAX) >= VERSIONS_MAX {
        return Some(("too-large", "has as many versions as one object may have"));
    }
    None
}

/// Keeps the table of new places small.
fn gather_places(tx: &Tx<'_>) -> Result<(), StoreError> {
    let mut state = tx.state.borrow_mut();
    let log = log_state(tx, &mut state.log)?;
    if place::gather(tx, log.gathered, log.sequence)? {
        log.gathered = 0;
    }
    Ok(())
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
        let gathered = tx.number("SELECT COUNT(*) FROM object_rows_new", ())?;
        *state = Some(LogState { sequence, dates: HashMap::new(), originators: HashMap::new(), gathered });
    }
    state.as_mut().ok_or(StoreError::Closed)
}

pub(super) fn version_key(object: &Object) -> &str {
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
        line: row.get(7)?,
        revoked: row.get(8)?,
        hash: row.get(9)?,
    })
}
