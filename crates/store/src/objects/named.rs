use oversight::Realm;
use policy::LabelKey;
use stix::{Id, Object};

use super::add::last_sequence;
use super::condition::Conditions;
use super::display_name;
use crate::collections::CollectionKey;
use crate::sql::stix_id;
use crate::{Reader, StoreError};

/// A version and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its sequence.
    pub sequence: i64,
    /// Its identifier.
    pub id: Id,
    /// Its label: who may not see that must not learn the names.
    pub label: LabelKey,
    /// Its name, then its aliases.
    pub names: Vec<String>,
}

/// What one read brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedBatch {
    /// Versions in the order of their sequence.
    pub versions: Vec<Named>,
    /// Everything up to this sequence was looked at.
    pub through: i64,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// As far behind as this, the versions of some types are listed by the index and not by passing over all others.
const SCAN_SEQUENCES: i64 = 20_000;

/// Versions of some types that came in after a sequence, with their names, whoever may see them: for the node's own index of names.
/// Nothing of this goes to a reader who may not see the label.
///
/// # Errors
/// Those of the database.
pub fn named(
    reader: &Reader<'_>,
    realm: &Realm,
    collection: CollectionKey,
    types: &[&str],
    (after, limit): (i64, usize),
) -> Result<NamedBatch, StoreError> {
    let last = last_sequence(reader)?;
    let mut conditions = Conditions::in_realm(reader.realm(realm)?);
    conditions.compare("log.collection =", collection);
    conditions.one_of("log.type", types);
    conditions.and("log.kind = 0");
    // The sum keeps the plan on the index of types where there is much to pass over.
    let column = if last - after > SCAN_SEQUENCES { "log.sequence + 0" } else { "log.sequence" };
    conditions.compare(&format!("{column} >"), after);
    let sql = format!("SELECT log.sequence FROM log WHERE {}", conditions.sql);
    let mut sequences = reader.rows(&sql, conditions.params, |row| row.get::<i64>(0))?;
    sequences.sort_unstable();
    let more = sequences.len() > limit;
    sequences.truncate(limit);
    let through = sequences.last().filter(|_| more).map_or(last.max(after), |sequence| *sequence);
    let mut versions = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let sql = "SELECT id, label, body FROM log WHERE sequence = ?1";
        let found = reader.first(sql, [sequence], |row| {
            let object = Object::parse(bytes::Bytes::copy_from_slice(row.bytes(2)?))
                .map_err(|_| StoreError::corrupt(format!("object of log row {sequence}")))?;
            Ok(Named { sequence, id: stix_id(row.text(0)?)?, label: row.get(1)?, names: names(&object) })
        })?;
        versions.extend(found);
    }
    Ok(NamedBatch { versions, through, more })
}

/// Name and aliases, whatever the producer calls the list.
#[must_use]
pub fn names(object: &Object) -> Vec<String> {
    let lists = ["aliases", "x_mitre_aliases"].into_iter().filter_map(|list| object.get(list)?.as_array());
    let aliases = lists.flatten().filter_map(serde_json::Value::as_str);
    let mut names: Vec<String> = Vec::new();
    for name in display_name(object).into_iter().chain(aliases) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
