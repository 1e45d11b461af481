//! Which objects are redacted copies, and of what. The node's own knowledge: it is told to an original's originator and to who
//! supervises releases, and to nobody else, for the tie tells that there is more.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{Row, Value, organisation_id, params, stix_id};
use crate::{Reader, StoreError, Tx};

/// Copies of one object at most, over all of its versions.
pub const COPIES_MAX: usize = 16;
/// Identifiers that are looked up at a time.
const LOOKED_UP_MAX: usize = 400;

/// One profile's copies of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The object.
    pub original: Id,
    /// The organisation that brought it in.
    pub originator: OrganisationId,
    /// Stands for the parts that it holds.
    pub profile: String,
    /// The copies' identifier.
    pub id: Id,
    /// How many parts it holds: of two copies for somebody, the one with more is shown.
    pub units: usize,
    /// What the newest version leaves out, as selectors of the original.
    pub withheld: Vec<String>,
}

/// Writes down that there are copies, or what their newest version leaves out. Whether it is written: an object has no more than
/// [`COPIES_MAX`].
///
/// # Errors
/// Those of the database.
pub fn put(tx: &mut Tx<'_>, realm: &Realm, copy: &Tie) -> Result<bool, StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let known = of_original(tx, realm, &copy.original)?;
    let is_own = |other: &&Tie| other.originator == copy.originator;
    let is_known = known.iter().any(|other| other.id == copy.id);
    if !is_known && known.iter().filter(is_own).count() >= COPIES_MAX {
        return Ok(false);
    }
    let withheld =
        serde_json::to_string(&copy.withheld).map_err(|error| StoreError::Database(error.to_string()))?;
    tx.execute(
        "INSERT INTO copies (realm, original, originator, profile, copy, units, withheld) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (realm, original, originator, profile) DO UPDATE SET withheld = excluded.withheld",
        params![
            key,
            copy.original.as_str(),
            copy.originator.as_str(),
            copy.profile,
            copy.id.as_str(),
            i64::try_from(copy.units).unwrap_or(i64::MAX),
            withheld,
        ],
    )?;
    Ok(true)
}

/// The copies of an object, those of one originator together, in the order in which readers are offered them.
///
/// # Errors
/// Those of the database.
pub fn of_original(reader: &Reader<'_>, realm: &Realm, original: &Id) -> Result<Vec<Tie>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM copies WHERE realm = ?1 AND original = ?2 ORDER BY originator, units DESC, profile"
    );
    reader.rows(&sql, (reader.realm(realm)?, original.as_str()), read)
}

/// What an identifier is a copy of, if it is one.
///
/// # Errors
/// Those of the database.
pub fn by_id(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<Tie>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM copies WHERE realm = ?1 AND copy = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.as_str()), read)
}

/// Of some identifiers, those that have copies, and those that are copies, with who brought in their originals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concerned {
    /// Objects of which there are copies.
    pub originals: BTreeSet<Id>,
    /// Copies.
    pub copies: Vec<Tie>,
}

/// Looks many identifiers up at once. One short question as long as there are no copies at all.
///
/// # Errors
/// Those of the database.
pub fn among<'i>(
    reader: &Reader<'_>,
    realm: &Realm,
    ids: impl IntoIterator<Item = &'i Id>,
) -> Result<Concerned, StoreError> {
    let mut concerned = Concerned::default();
    let key = reader.realm(realm)?;
    let any = "SELECT 1 FROM copies WHERE realm = ?1 LIMIT 1";
    if reader.first(any, [key], |row| row.get::<i64>(0))?.is_none() {
        return Ok(concerned);
    }
    let all: Vec<&Id> = ids.into_iter().collect();
    for some in all.chunks(LOOKED_UP_MAX) {
        let places: Vec<String> = (2..some.len() + 2).map(|place| format!("?{place}")).collect();
        let params = || {
            let ids = some.iter().map(|id| Value::Text(id.as_str()));
            std::iter::once(Value::Integer(key)).chain(ids).collect::<Vec<_>>()
        };
        let sql = format!(
            "SELECT DISTINCT original FROM copies WHERE realm = ?1 AND original IN ({})",
            places.join(",")
        );
        concerned.originals.extend(reader.rows(&sql, params(), |row| stix_id(row.text(0)?))?);
        let sql = format!("SELECT {COLUMNS} FROM copies WHERE realm = ?1 AND copy IN ({})", places.join(","));
        concerned.copies.extend(reader.rows(&sql, params(), read)?);
    }
    Ok(concerned)
}

const COLUMNS: &str = "original, originator, profile, copy, units, withheld";

fn read(row: &Row<'_>) -> Result<Tie, StoreError> {
    let withheld: String = row.get(5)?;
    Ok(Tie {
        original: stix_id(row.text(0)?)?,
        originator: organisation_id(row.text(1)?)?,
        profile: row.get(2)?,
        id: stix_id(row.text(3)?)?,
        units: usize::try_from(row.get::<i64>(4)?).unwrap_or(0),
        withheld: serde_json::from_str(&withheld)
            .map_err(|_| StoreError::corrupt("what a copy withholds"))?,
    })
}
