//! What a version is found by: its words, the values it mentions, the objects it refers to.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use stix::{Id, Object, observable};

use super::display_name;
use super::fulltext::{self, WordRows};
use crate::connection::Connection;
use crate::value::Value;
use crate::words::cut;
use crate::{StoreError, Tx};

/// Mentions of one object that are indexed at most.
const MENTIONS_MAX: usize = 10_000;
/// Versions that a migration makes findable at a time.
const INDEXED_AT_ONCE: usize = 100;
/// References that are not followed: a marking is borne by most of the log.
const UNFOLLOWED: [&str; 2] = ["object_marking_refs", "granular_markings"];

/// Makes versions findable.
pub(super) struct Indexer<'c> {
    rows: WordRows<'c>,
}

impl<'c> Indexer<'c> {
    pub(super) fn new(tx: &Tx<'c>) -> Result<Self, StoreError> {
        Ok(Self { rows: WordRows::new(tx.connection())? })
    }

    /// Makes a version findable.
    pub(super) fn index(&mut self, sequence: i64, object: &Object) -> Result<(), StoreError> {
        let (name, rest) = words(object);
        self.rows.push(sequence, &name, &rest, &mentions(object))
    }
}

/// Undoes [`Indexer::index`].
pub(super) fn unindex(tx: &Tx<'_>, sequence: i64) -> Result<(), StoreError> {
    fulltext::remove(tx, sequence)
}

/// A migration's part that SQL cannot do: makes every last version findable anew.
pub(crate) fn index_again(connection: &Connection) -> Result<(), StoreError> {
    let mut indexer = Indexer { rows: WordRows::new(connection)? };
    let mut after = i64::MIN;
    loop {
        let mut bodies: Vec<(i64, Vec<u8>)> = Vec::new();
        let sql = format!(
            "SELECT sequence, body FROM log WHERE sequence > ?1 AND kind = 0 AND is_last <> 0
             ORDER BY sequence LIMIT {INDEXED_AT_ONCE}"
        );
        connection.query(&sql, &[Value::Integer(after)], |row| {
            bodies.push((row.get(0)?, row.get(1)?));
            Ok(true)
        })?;
        let Some((last, _)) = bodies.last() else { return Ok(()) };
        after = *last;
        for (sequence, body) in bodies {
            let object = Object::parse(Bytes::from(body))
                .map_err(|_| StoreError::corrupt(format!("object of log row {sequence}")))?;
            indexer.index(sequence, &object)?;
        }
    }
}

/// The words of the name and aliases, and those of everything else.
fn words(object: &Object) -> (String, String) {
    let aliases =
        ["aliases", "x_mitre_aliases"].into_iter().filter_map(|property| object.get(property)?.as_array());
    let aliases = aliases.flatten().filter_map(serde_json::Value::as_str);
    let names: Vec<&str> = display_name(object).into_iter().chain(aliases).collect();
    let (mut name, mut rest) = (String::new(), String::new());
    for text in &names {
        cut(text, &mut name);
    }
    for text in object.search_texts() {
        if !names.contains(&text) {
            cut(text, &mut rest);
        }
    }
    (name, rest)
}

/// The words under which a version is found by what it mentions.
fn mentions(object: &Object) -> String {
    let values = observable::values(object).into_iter().map(|(kind, value)| value_mention(kind, &value));
    let references = followed(object).map(|(_, id)| reference_mention(&id));
    let mut words = String::new();
    for mention in values.chain(references).take(MENTIONS_MAX) {
        words.push_str(&mention);
        words.push(' ');
    }
    words
}

/// The references of an object that can be followed back.
pub(super) fn followed(object: &Object) -> impl Iterator<Item = (String, Id)> {
    object.references().into_iter().filter(|(path, _)| !UNFOLLOWED.iter().any(|name| path.starts_with(name)))
}

/// The word of an observable value.
pub(super) fn value_mention(kind: observable::ValueKind, value: &str) -> String {
    short_hash(kind.name(), value)
}

/// The word of an object that is referred to.
pub(super) fn reference_mention(id: &Id) -> String {
    short_hash("ref", id.as_str())
}

/// 64 bits stand for a text of any length. Readers compare with the object, so that a collision shows nothing wrong.
fn short_hash(tag: &str, text: &str) -> String {
    let digest = Sha256::new().chain_update(tag).chain_update([0]).chain_update(text).finalize();
    hex::encode(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}
