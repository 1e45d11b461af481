use oversight::Realm;
use policy::LabelKey;
use stix::Id;

use super::add::next_place;
use super::flags::{self, Stand};
use super::index::unindex;
use super::place::{self, object_key, rows_of};
use super::tally::Tallies;
use crate::collections::CollectionKey;
use crate::sql::{micros, params};
use crate::{StoreError, Tx, releases};

/// What stays of the bytes in the row that says that a version is not there under its old label any more.
const NO_BODY: &[u8] = &[];

/// One version under another label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relabelled {
    /// The place that it had.
    pub from: i64,
    /// The place that it has now.
    pub to: i64,
    /// The label that it bore.
    pub old: LabelKey,
    /// The label that it bears now.
    pub new: LabelKey,
}

/// A version that stands in the log.
struct Standing {
    sequence: i64,
    collection: CollectionKey,
    version: Option<String>,
    label: LabelKey,
    is_last: i64,
    revoked: bool,
    line: i64,
}

/// Puts versions of an object under other labels: those of the line that was begun first. `choose` is asked for each with its version as written and its label; `None`
/// leaves it as it is.
///
/// A version under another label gets a new place at the log's end, with a removal under the old label just before it. So everybody
/// who may see it now is told of it past their cursor, and those who no longer may are told that it is gone. The bytes stay as they
/// are, and the ledger still knows who was given it at its old place.
///
/// # Errors
/// What `choose` gave; those of the database.
pub fn relabel(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &Id,
    mut choose: impl FnMut(&mut Tx<'_>, Option<&str>, LabelKey) -> Result<Option<LabelKey>, StoreError>,
) -> Result<Vec<Relabelled>, StoreError> {
    let realm = tx.realm(realm)?;
    let sql = format!(
        "SELECT sequence, collection, version, label, is_last, revoked, line FROM log
         WHERE {} AND realm + 0 = ?1 AND id = ?2 AND kind = 0 ORDER BY line, version_key, collection",
        rows_of("sequence", "?3")
    );
    let object = object_key(realm, id.as_str());
    let mut standing = tx.rows(&sql, (realm, id.as_str(), object), |row| {
        Ok(Standing {
            sequence: row.get(0)?,
            collection: row.get(1)?,
            version: row.get(2)?,
            label: row.get(3)?,
            is_last: row.get(4)?,
            revoked: row.get(5)?,
            line: row.get(6)?,
        })
    })?;
    // What others brought under the same identifier, unseen, is not moved with it.
    let line = standing.first().map_or(0, |first| first.line);
    standing.retain(|version| version.line == line);
    let mut moved = Vec::new();
    let mut collections: Vec<(CollectionKey, Tallies)> = Vec::new();
    for old in standing {
        let Some(label) = choose(tx, old.version.as_deref(), old.label)?.filter(|new| *new != old.label)
        else {
            continue;
        };
        if collections.last().is_none_or(|(collection, _)| *collection != old.collection) {
            collections.push((old.collection, Tallies::default()));
        }
        if let Some((_, tallies)) = collections.last_mut() {
            moved.push(move_version(tx, realm, id, &old, label, tallies)?);
        }
    }
    for (collection, mut tallies) in collections {
        flags::settle(tx, realm, collection, id, line, &mut tallies)?;
        tallies.write(tx, realm, collection)?;
    }
    Ok(moved)
}

fn move_version(
    tx: &Tx<'_>,
    realm: i64,
    id: &Id,
    old: &Standing,
    label: LabelKey,
    tallies: &mut Tallies,
) -> Result<Relabelled, StoreError> {
    releases::remember_place(tx, old.sequence)?;
    if old.is_last != 0 {
        unindex(tx, old.sequence)?;
    }
    tallies.remove(id.object_type(), old.label, old.is_last, old.revoked);
    let now = micros(tx.now());
    let (removal, removed_at) = next_place(tx, realm, old.collection, now)?;
    let (to, added_at) = next_place(tx, realm, old.collection, now)?;
    tx.execute(
        "UPDATE log SET sequence = ?2, label = ?3, date_added = ?4, is_last = 0, is_first = 0 WHERE sequence = ?1",
        (old.sequence, to, label, added_at),
    )?;
    place::moved(tx, object_key(realm, id.as_str()), old.sequence, to)?;
    tx.execute(
        "INSERT INTO log (sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked,
             originator, object, line, type, id, version, version_key, spec_version, hash, body)
         SELECT ?2, realm, collection, 2, ?3, ?4, 0, 0, revoked, originator, object, line, type, id, version, version_key,
             spec_version, hash, ?5
         FROM log WHERE sequence = ?1",
        params![to, removal, old.label, removed_at, NO_BODY],
    )?;
    tallies.add(id.object_type(), label, Stand::UNSETTLED, old.revoked);
    match id.object_type() {
        "sighting" => {
            let sql = "UPDATE sightings SET sequence = ?4, label = ?5 WHERE realm = ?1 AND id = ?2 AND sequence = ?3";
            tx.execute(sql, (realm, id.as_str(), old.sequence, to, label))?;
        }
        "incident" if old.is_last == 1 => {
            tx.execute(
                "UPDATE cases SET label = ?3 WHERE realm = ?1 AND id = ?2",
                (realm, id.as_str(), label),
            )?;
        }
        _ => {}
    }
    Ok(Relabelled { from: old.sequence, to, old: old.label, new: label })
}
