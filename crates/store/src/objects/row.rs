use std::collections::HashMap;

use bytes::Bytes;
use oversight::OrganisationId;
use policy::LabelKey;
use stix::Id;

use crate::sql::{self, organisation_id, stix_id};
use crate::{Reader, StoreError};

/// One version of an object as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the node's log.
    pub sequence: i64,
    /// The object's identifier.
    pub id: Id,
    /// `modified`, else `created`, as its producer wrote it; `None` for objects without versions.
    pub version: Option<String>,
    /// When this node took it in: microseconds since 1970, unique and rising within a collection.
    pub date_added_us: i64,
    /// Its label.
    pub label: LabelKey,
    /// The organisation that brought it in.
    pub originator: OrganisationId,
    /// Whether this version revokes the object.
    pub revoked: bool,
    /// `2.0` or `2.1`.
    pub spec_version: &'static str,
    /// SHA-256 of the canonical form.
    pub hash: [u8; 32],
    /// The JSON exactly as its producer wrote it.
    pub body: Bytes,
}

/// The columns that [`RowReader::read`] reads, of `log`.
pub(super) const COLUMNS: &str =
    "log.sequence, log.id, log.version, log.date_added, log.label, log.originator,
    log.revoked, log.spec_version, log.hash, log.body";

/// Reads rows; it remembers the few organisations that a page's rows come from.
pub(super) struct RowReader<'r, 'c> {
    reader: &'r Reader<'c>,
    originators: HashMap<i64, OrganisationId>,
}

impl<'r, 'c> RowReader<'r, 'c> {
    pub(super) fn new(reader: &'r Reader<'c>) -> Self {
        Self { reader, originators: HashMap::new() }
    }

    /// A row of [`COLUMNS`].
    pub(super) fn read(&mut self, row: &sql::Row<'_>) -> Result<Row, StoreError> {
        let id = row.text(1)?;
        let body = row.bytes(9)?;
        Ok(Row {
            sequence: row.get(0)?,
            id: stix_id(id)?,
            version: row.get(2)?,
            date_added_us: row.get(3)?,
            label: row.get(4)?,
            originator: self.originator(row.get(5)?)?,
            revoked: row.get(6)?,
            spec_version: spec_version(row.text(7)?),
            hash: row.get(8)?,
            body: Bytes::copy_from_slice(body),
        })
    }

    /// The version with this sequence.
    pub(super) fn fetch(&mut self, sequence: i64) -> Result<Row, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM log WHERE log.sequence = ?1");
        let reader = self.reader;
        let row = reader.first(&sql, [sequence], |row| self.read(row))?;
        row.ok_or_else(|| StoreError::corrupt(format!("log row {sequence}")))
    }

    /// The organisation with this number.
    pub(super) fn originator(&mut self, number: i64) -> Result<OrganisationId, StoreError> {
        if let Some(known) = self.originators.get(&number) {
            return Ok(known.clone());
        }
        let sql = "SELECT organisation FROM originators WHERE originator = ?1";
        let found = self.reader.first(sql, [number], |row| organisation_id(&row.get::<String>(0)?))?;
        let found = found.ok_or_else(|| StoreError::corrupt(format!("originator {number}")))?;
        self.originators.insert(number, found.clone());
        Ok(found)
    }
}

fn spec_version(text: &str) -> &'static str {
    if text == "2.0" { "2.0" } else { "2.1" }
}
