//! Which version is the last and which the first, and for whom.

use bytes::Bytes;
use policy::LabelKey;
use stix::{Id, Object};

use super::index::{Indexer, unindex};
use super::place::{object_key, rows_of};
use super::tally::Tallies;
use crate::collections::CollectionKey;
use crate::sql;
use crate::{StoreError, Tx};

/// How a version stands among the versions of its object in its collection; the values are those of the table's columns:
/// 1 yes; 0 no, and another one under the same label is, or is nearer to it; 2 no, but none under its own label is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) is_last: i64,
    pub(super) is_first: i64,
}

impl Stand {
    /// The only version.
    pub(super) const ONLY: Self = Self { is_last: 1, is_first: 1 };
    /// The only version of a line that is not the object's first.
    pub(super) const ONLY_BESIDE: Self = Self { is_last: 2, is_first: 2 };
    /// The last of several under one label.
    pub(super) const LAST: Self = Self { is_last: 1, is_first: 0 };
    /// Not known yet: [`settle`] follows. Such a version is not indexed.
    pub(super) const UNSETTLED: Self = Self { is_last: 0, is_first: 0 };
}

/// A version whose flags may change.
struct Standing {
    object_type: String,
    sequence: i64,
    label: LabelKey,
    revoked: bool,
    stand: Stand,
}

/// Notes that the last version has a successor under the same label.
pub(super) fn supersede(tx: &Tx<'_>, sequence: i64, tallies: &mut Tallies) -> Result<(), StoreError> {
    let sql = "SELECT type, sequence, label, revoked, is_last, is_first FROM log WHERE sequence = ?1";
    let Some(old) = tx.first(sql, [sequence], read)? else {
        return Err(StoreError::corrupt(format!("log row {sequence}")));
    };
    let stand = Stand { is_last: 0, ..old.stand };
    restand(tx, &old, stand, tallies)
}

/// Works out anew how the versions of one line of an object stand, after one came or went. In any line but the first, nothing is the
/// last or the first one for everybody: whoever sees the first line sees that one only.
pub(super) fn settle(
    tx: &Tx<'_>,
    realm: i64,
    collection: CollectionKey,
    id: &Id,
    line: i64,
    tallies: &mut Tallies,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT type, sequence, label, revoked, is_last, is_first FROM log
         WHERE {} AND realm + 0 = ?2 AND id = ?3 AND collection + 0 = ?4 AND line = ?5 AND kind = 0 ORDER BY version_key",
        rows_of("sequence", "?1")
    );
    let object = object_key(realm, id.as_str());
    let versions = tx.rows(&sql, (object, realm, id.as_str(), collection, line), read)?;
    let labels: Vec<LabelKey> = versions.iter().map(|version| version.label).collect();
    let is_first = stands(labels.iter().copied());
    let is_last = stands(labels.iter().rev().copied());
    for ((old, is_first), is_last) in versions.iter().zip(is_first).zip(is_last.into_iter().rev()) {
        let beside = |flag: i64| if line > 0 && flag == 1 { 2 } else { flag };
        let stand = Stand { is_last: beside(is_last), is_first: beside(is_first) };
        if stand != old.stand {
            restand(tx, old, stand, tallies)?;
        }
    }
    Ok(())
}

/// The flag of each, seen from its end.
fn stands(labels: impl Iterator<Item = LabelKey>) -> Vec<i64> {
    let mut seen: Vec<LabelKey> = Vec::new();
    labels
        .map(|label| {
            let flag = match () {
                () if seen.is_empty() => 1,
                () if seen.contains(&label) => 0,
                () => 2,
            };
            if flag != 0 {
                seen.push(label);
            }
            flag
        })
        .collect()
}

fn restand(tx: &Tx<'_>, old: &Standing, stand: Stand, tallies: &mut Tallies) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE log SET is_last = ?2, is_first = ?3 WHERE sequence = ?1",
        (old.sequence, stand.is_last, stand.is_first),
    )?;
    match (old.stand.is_last != 0, stand.is_last != 0) {
        (true, false) => unindex(tx, old.sequence)?,
        (false, true) => Indexer::new(tx)?.index(old.sequence, &stored_object(tx, old.sequence)?)?,
        (true, true) | (false, false) => {}
    }
    tallies.remove(&old.object_type, old.label, old.stand.is_last, old.revoked);
    tallies.add(&old.object_type, old.label, stand, old.revoked);
    Ok(())
}

/// An object as it was taken in.
fn stored_object(tx: &Tx<'_>, sequence: i64) -> Result<Object, StoreError> {
    let body =
        tx.first("SELECT body FROM log WHERE sequence = ?1", [sequence], |row| row.get::<Vec<u8>>(0))?;
    body.and_then(|body| Object::parse(Bytes::from(body)).ok())
        .ok_or_else(|| StoreError::corrupt(format!("object of log row {sequence}")))
}

fn read(row: &sql::Row<'_>) -> Result<Standing, StoreError> {
    Ok(Standing {
        object_type: row.get(0)?,
        sequence: row.get(1)?,
        label: row.get(2)?,
        revoked: row.get(3)?,
        stand: Stand { is_last: row.get(4)?, is_first: row.get(5)? },
    })
}
