//! What a version is found by: its words, the values it mentions, the objects it refers to.

use sha2::{Digest, Sha256};
use stix::{Id, Object, observable};

use super::display_name;
use crate::words::cut;
use crate::{StoreError, Tx};

/// Mentions of one object that are indexed at most.
pub(crate) const MENTIONS_MAX: usize = 10_000;
/// References that are not followed: a marking is borne by most of the log.
const UNFOLLOWED: [&str; 2] = ["object_marking_refs", "granular_markings"];

/// Makes a version findable.
pub(crate) fn index(tx: &Tx<'_>, realm: i64, sequence: i64, object: &Object) -> Result<(), StoreError> {
    let (name, rest) = words(object);
    tx.execute("INSERT INTO words (rowid, name, rest) VALUES (?1, ?2, ?3)", (sequence, name, rest))?;
    for mention in mentions(object) {
        tx.execute(
            "INSERT INTO mentions (realm, mention, sequence) VALUES (?1, ?2, ?3)",
            (realm, mention, sequence),
        )?;
    }
    Ok(())
}

/// Undoes [`index`].
pub(crate) fn unindex(tx: &Tx<'_>, realm: i64, sequence: i64, object: &Object) -> Result<(), StoreError> {
    tx.execute("DELETE FROM words WHERE rowid = ?1", [sequence])?;
    for mention in mentions(object) {
        tx.execute(
            "DELETE FROM mentions WHERE realm = ?1 AND mention = ?2 AND sequence = ?3",
            (realm, mention, sequence),
        )?;
    }
    Ok(())
}

/// The words of the name and aliases, and those of everything else.
fn words(object: &Object) -> (String, String) {
    let (mut name, mut rest) = (String::new(), String::new());
    cut(display_name(object).unwrap_or_default(), &mut name);
    let aliases =
        ["aliases", "x_mitre_aliases"].into_iter().filter_map(|property| object.get(property)?.as_array());
    for alias in aliases.flatten().filter_map(serde_json::Value::as_str) {
        cut(alias, &mut name);
    }
    for text in object.search_texts() {
        cut(text, &mut rest);
    }
    (name, rest)
}

/// The numbers under which a version is mentioned as one that names them, once each.
fn mentions(object: &Object) -> Vec<i64> {
    let values = observable::values(object).into_iter().map(|(kind, value)| value_mention(kind, &value));
    let references = followed(object).map(|(_, id)| reference_mention(&id));
    let mut all: Vec<i64> = values.chain(references).take(MENTIONS_MAX).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The references of an object that can be followed back.
pub(crate) fn followed(object: &Object) -> impl Iterator<Item = (String, Id)> {
    object.references().into_iter().filter(|(path, _)| !UNFOLLOWED.iter().any(|name| path.starts_with(name)))
}

/// The number of an observable value.
pub(crate) fn value_mention(kind: observable::ValueKind, value: &str) -> i64 {
    short_hash(kind.name(), value)
}

/// The number of an object that is referred to.
pub(crate) fn reference_mention(id: &Id) -> i64 {
    short_hash("ref", id.as_str())
}

/// 64 bits stand for a text of any length. Readers compare with the object, so that a collision shows nothing wrong.
fn short_hash(tag: &str, text: &str) -> i64 {
    let digest = Sha256::new().chain_update(tag).chain_update([0]).chain_update(text).finalize();
    digest.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
