//! What is opened to a class of readers that may have passed it.
//!
//! A poller goes by the log and never back. When it may see more than before (an agreement comes into force, a group gains a
//! member, policies change), what it has passed is behind it. So each class of readers has a [`View`] of the log of its own: at an
//! *opening*, everything under the labels that it may read from now on moves to the place where the log was, with dates of that
//! moment. Nothing is written for each object: an opening is one row, and the place of an object in a view follows from its label
//! and its sequence.
//!
//! 1. What a class was last let read stands in the store ([`standing`]). Nothing is given to one of its readers before that is what
//!    it may read now ([`settle`]): so no reader of the class can be past something that the class is not known to have passed.
//! 2. Labels that are new while the policies are the same have nothing behind a reader: they only join.
//! 3. Dates in a view are unique and rise: [`Opening::first`] lies beyond everything given before, and what comes after an opening
//!    is dated after it ([`Opening::line`]). They never fall when old openings are joined into one, so nothing is passed over.

use std::collections::BTreeSet;

use oversight::Realm;
use policy::{LabelKey, Visible};

use crate::sql::{Row, micros, params, parsed};
use crate::{Reader, StoreError, Tx, objects};

/// Openings that are kept of one class: older ones are joined with the next, whose readers are then given some things again.
pub const OPENINGS_MAX: usize = 16;

/// Readers who may see the same, and pass the log as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReaderClass {
    /// The class.
    pub name: String,
    /// Classes between which a reader may change with its cursor: a new one begins where the newest of its family stands.
    pub family: String,
}

/// What a class was last let read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Stands for what it was decided by.
    pub policies: String,
    /// Stands for the labels.
    pub seal: i64,
    /// Counts up with each change of the class's view.
    pub revision: i64,
}

/// The order in which a class has the log before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Oldest first.
    openings: Vec<Opening>,
}

/// Labels that were opened at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its number in its class, rising.
    pub number: i64,
    /// The newest sequence at that moment.
    pub through: i64,
    /// The date, in microseconds, that a sequence is added to.
    pub first: i64,
    /// The date that `through` counts as having for what comes after: microseconds.
    pub line: i64,
    /// What was opened.
    pub labels: BTreeSet<LabelKey>,
}

impl View {
    /// The openings, oldest first.
    #[must_use]
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    #[cfg(test)]
    pub(crate) fn of_test(openings: Vec<Opening>) -> Self {
        Self { openings }
    }

    /// The labels that stand in an opening of this place in the list or a later one.
    pub(crate) fn opened_from(&self, place: usize) -> BTreeSet<LabelKey> {
        self.openings.iter().skip(place).flat_map(|opening| opening.labels.iter().copied()).collect()
    }
}

/// Stands for the labels that may be read.
#[must_use]
pub fn seal(visible: &Visible) -> i64 {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    visible.keys().iter().for_each(|key| hash.update(key.to_be_bytes()));
    i64::from_be_bytes(hash.finalize().first_chunk().copied().unwrap_or_default())
}

/// What a class was last let read; `None` where none of its readers came yet.
///
/// # Errors
/// Those of the database.
pub fn standing(
    reader: &Reader<'_>,
    realm: &Realm,
    class: &ReaderClass,
) -> Result<Option<Standing>, StoreError> {
    let sql = "SELECT policies, seal, revision FROM reader_sights WHERE realm = ?1 AND class = ?2";
    reader.first(sql, (reader.realm(realm)?, &class.name), |row| {
        Ok(Standing { policies: row.get(0)?, seal: row.get(1)?, revision: row.get(2)? })
    })
}

/// The view of a class.
///
/// # Errors
/// Those of the database.
pub fn view(reader: &Reader<'_>, realm: &Realm, class: &ReaderClass) -> Result<View, StoreError> {
    read_view(reader, reader.realm(realm)?, &class.name)
}

/// Makes what a class may read now what it was last let read, and opens what is behind its readers.
///
/// `policies` stands for what `visible` was decided by: as long as it is the same, what is new has never been withheld.
///
/// # Errors
/// Those of the database.
pub fn settle(
    tx: &mut Tx<'_>,
    realm: &Realm,
    class: &ReaderClass,
    visible: &Visible,
    policies: &str,
) -> Result<(), StoreError> {
    let seal = seal(visible);
    let known = standing(tx, realm, class)?;
    if known.as_ref().is_some_and(|known| known.policies == policies && known.seal == seal) {
        // Another reader of the class was first.
        return Ok(());
    }
    let realm = tx.realm_for_writing(realm)?;
    if known.is_none() {
        inherit(tx, realm, class)?;
    }
    let sql = "SELECT policies, labels, revision FROM reader_sights WHERE realm = ?1 AND class = ?2";
    let before = tx.first(sql, (realm, &class.name), |row| {
        Ok((row.get::<String>(0)?, labels_of(row.text(1)?)?, row.get::<i64>(2)?))
    })?;
    if let Some((decided_by, labels, _)) = &before
        && (known.is_none() || decided_by != policies)
    {
        let gained: BTreeSet<LabelKey> =
            visible.keys().iter().copied().filter(|key| !labels.contains(key)).collect();
        open(tx, realm, class, gained)?;
    }
    tx.execute(
        "INSERT INTO reader_sights (realm, class, family, policies, seal, labels, revision, settled)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (realm, class) DO UPDATE SET policies = excluded.policies, seal = excluded.seal,
             labels = excluded.labels, revision = excluded.revision, settled = excluded.settled",
        params![
            realm,
            class.name,
            class.family,
            policies,
            seal,
            text_of(visible.keys().iter()),
            before.map_or(1, |(_, _, revision)| revision.saturating_add(1)),
            micros(tx.now()),
        ],
    )?;
    Ok(())
}

/// Gives a class of which nothing is known what the newest of its family has, for a reader may come from there with its cursor.
fn inherit(tx: &Tx<'_>, realm: i64, class: &ReaderClass) -> Result<(), StoreError> {
    let sql = "SELECT class FROM reader_sights WHERE realm = ?1 AND family = ?2 ORDER BY settled DESC, class LIMIT 1";
    let Some(from) = tx.first(sql, (realm, &class.family), |row| row.get::<String>(0))? else {
        return Ok(());
    };
    tx.execute(
        "INSERT INTO reader_sights (realm, class, family, policies, seal, labels, revision, settled)
         SELECT realm, ?3, family, policies, seal, labels, 0, settled FROM reader_sights WHERE realm = ?1 AND class = ?2",
        (realm, &from, &class.name),
    )?;
    tx.execute(
        "INSERT INTO openings (realm, class, number, through, first, line, labels)
         SELECT realm, ?3, number, through, first, line, labels FROM openings WHERE realm = ?1 AND class = ?2",
        (realm, &from, &class.name),
    )?;
    Ok(())
}

/// Moves what stands under labels to the end of a class's view.
fn open(
    tx: &Tx<'_>,
    realm: i64,
    class: &ReaderClass,
    mut gained: BTreeSet<LabelKey>,
) -> Result<(), StoreError> {
    let sql = "SELECT DISTINCT label FROM tallies WHERE realm = ?1 AND versions > 0";
    let borne: BTreeSet<LabelKey> = tx.rows(sql, [realm], |row| row.get(0))?.into_iter().collect();
    gained.retain(|label| borne.contains(label));
    if gained.is_empty() {
        return Ok(());
    }
    let mut view = read_view(tx, realm, &class.name)?;
    let through = objects::last_sequence(tx)?;
    let mut date = micros(tx.now());
    for collection in
        tx.rows("SELECT collection FROM collections WHERE realm = ?1", [realm], |row| row.get::<i64>(0))?
    {
        let sql = "SELECT MAX(date_added) FROM log WHERE realm = ?1 AND collection = ?2";
        date = date.max(tx.number(sql, (realm, collection))?);
    }
    let last = view.openings.last();
    if let Some(last) = last {
        date = date.max(last.line.saturating_add(through.saturating_sub(last.through)));
    }
    let opening = Opening {
        number: last.map_or(1, |last| last.number.saturating_add(1)),
        through,
        first: date,
        line: date.saturating_add(through),
        labels: gained,
    };
    for older in &mut view.openings {
        older.labels.retain(|label| !opening.labels.contains(label));
    }
    view.openings.push(opening);
    view.tidy();
    write_view(tx, realm, &class.name, &view)
}

impl View {
    /// Drops the oldest where there are too many, so that no date falls.
    ///
    /// One whose labels were all opened again since stays as long: without it the dates of all that lay before it would rise, and
    /// a reader that stands there would be given again what it has.
    fn tidy(&mut self) {
        while self.openings.len() > OPENINGS_MAX {
            // One that reaches through 0 opens nothing and only holds the line of what was dropped.
            self.drop_opening(usize::from(self.openings.first().is_some_and(|first| first.through == 0)));
        }
    }

    fn drop_opening(&mut self, place: usize) {
        if place >= self.openings.len() {
            return;
        }
        let dropped = self.openings.remove(place);
        if let Some(next) = self.openings.get_mut(place) {
            next.labels.extend(dropped.labels);
        }
        let line_at = |sequence: i64| dropped.line.saturating_sub(dropped.through.saturating_sub(sequence));
        match place.checked_sub(1).and_then(|before| self.openings.get_mut(before)) {
            Some(before) => before.line = before.line.max(line_at(before.through)),
            None => {
                let base =
                    Opening { number: 0, through: 0, first: 0, line: line_at(0), labels: BTreeSet::new() };
                self.openings.insert(0, base);
            }
        }
    }
}

fn read_view(reader: &Reader<'_>, realm: i64, class: &str) -> Result<View, StoreError> {
    let sql = "SELECT number, through, first, line, labels FROM openings WHERE realm = ?1 AND class = ?2 ORDER BY number";
    let read = |row: &Row<'_>| {
        Ok(Opening {
            number: row.get(0)?,
            through: row.get(1)?,
            first: row.get(2)?,
            line: row.get(3)?,
            labels: labels_of(row.text(4)?)?,
        })
    };
    Ok(View { openings: reader.rows(sql, (realm, class), read)? })
}

fn write_view(tx: &Tx<'_>, realm: i64, class: &str, view: &View) -> Result<(), StoreError> {
    tx.execute("DELETE FROM openings WHERE realm = ?1 AND class = ?2", (realm, class))?;
    for opening in &view.openings {
        tx.execute(
            "INSERT INTO openings (realm, class, number, through, first, line, labels) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                realm,
                class,
                opening.number,
                opening.through,
                opening.first,
                opening.line,
                text_of(opening.labels.iter()),
            ],
        )?;
    }
    Ok(())
}

fn text_of<'k>(labels: impl Iterator<Item = &'k LabelKey>) -> String {
    labels.map(LabelKey::to_string).collect::<Vec<_>>().join(" ")
}

fn labels_of(text: &str) -> Result<BTreeSet<LabelKey>, StoreError> {
    text.split_whitespace().map(|key| parsed("label", key, |key| key.parse().ok())).collect()
}
