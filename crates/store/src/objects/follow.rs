//! Following what refers to one object, for whoever keeps what it read: places first, and only what is not known yet is read.

use oversight::Realm;
use policy::Visible;
use stix::Id;

use super::condition::{label_condition, last_condition};
use super::fulltext::Finding;
use super::index::reference_mention;
use super::row::{Row, RowReader};
use crate::{Reader, StoreError};

/// Places that one read gives at most.
pub const FOLLOWED_MAX: usize = 10_000;
/// So many sequence numbers are looked at for what is not simply new; beyond, everything is taken as changed.
const LOOKED_AT_MAX: i64 = 50_000;

/// Where something refers to an object; with what stands there, where that is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referring {
    /// Its place in the log. What stands at a place never changes.
    pub sequence: i64,
    /// The version; `None` where the reader knows it.
    pub row: Option<Row>,
}

/// Which part of what refers to an object is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Following<'a> {
    /// The object.
    pub id: &'a Id,
    /// Only objects of this type.
    pub object_type: &'a str,
    /// Only greater sequences.
    pub after: i64,
    /// Only smaller ones.
    pub before: i64,
}

/// The places of last versions of one type that refer to an object, newest first, at most [`FOLLOWED_MAX`]. In two of 2⁶⁴ cases
/// something else stands there: whoever reads looks whether it refers to the object.
///
/// # Errors
/// Those of the database.
pub fn following(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    what: Following<'_>,
    knows: impl Fn(i64) -> bool,
) -> Result<Vec<Referring>, StoreError> {
    let finding = Finding::new(reader);
    let sequence = finding.sequence();
    let sql = format!(
        "SELECT log.sequence FROM {} WHERE {} AND {sequence} > ?3 AND {sequence} < ?4 AND log.realm = ?1 AND log.kind = 0
         AND log.type = ?5 AND {} AND {} ORDER BY {sequence} DESC LIMIT {FOLLOWED_MAX}",
        finding.tables(),
        finding.fits(2),
        label_condition("log.label", visible),
        last_condition(visible),
    );
    let query = finding.mention(&reference_mention(what.id));
    let given = (reader.realm(realm)?, query, what.after, what.before, what.object_type);
    let places = reader.rows(&sql, given, |row| row.get::<i64>(0))?;
    let mut rows = RowReader::new(reader);
    places
        .into_iter()
        .map(|sequence| {
            let row = if knows(sequence) { None } else { Some(rows.fetch(sequence)?) };
            Ok(Referring { sequence, row })
        })
        .collect()
}

/// Whether all that happened behind a place to objects of one type is that new objects came in: nothing was removed, put under another
/// label or followed by another version, whoever may see it. For whoever keeps what it read, and has to read anew otherwise.
///
/// # Errors
/// Those of the database.
pub fn only_came_in(
    reader: &Reader<'_>,
    realm: &Realm,
    object_type: &str,
    after: i64,
) -> Result<bool, StoreError> {
    if super::last_sequence(reader)?.saturating_sub(after) > LOOKED_AT_MAX {
        return Ok(false);
    }
    // The sum keeps the plan on the log's own order.
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM log WHERE sequence > ?1 AND realm + 0 = ?2 AND type = ?3
        AND (kind <> 0 OR is_first <> 1) LIMIT 1) AS other";
    Ok(reader.number(sql, (after, reader.realm(realm)?, object_type))? == 0)
}
