//! Rows on their way to a table by COPY, in the binary form of PostgreSQL (§53.7 of its manual: `COPY`, "Binary Format").

use crate::StoreError;
use crate::value::Value;

/// Bytes of rows that are gathered before they are sent.
pub(super) const ROWS_BYTES_MAX: usize = 4 << 20;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = &[0xff, 0xff];

/// Rows for one table that are not sent yet.
pub(super) struct Rows {
    /// The COPY statement.
    pub(super) sql: String,
    bytes: Vec<u8>,
}

impl Rows {
    pub(super) fn new(table: &str, columns: &str) -> Self {
        Self { sql: format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)"), bytes: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= ROWS_BYTES_MAX
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Adds a row.
    pub(super) fn push(&mut self, values: &[Value<'_>]) -> Result<(), StoreError> {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(HEADER);
        }
        let too_large = |_| StoreError::Limit { what: "a row, in bytes,", limit: i32::MAX as usize };
        self.bytes.extend_from_slice(&u16::try_from(values.len()).map_err(too_large)?.to_be_bytes());
        for value in values {
            let number;
            let bytes: &[u8] = match value {
                Value::Null(_) => {
                    self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
                    continue;
                }
                Value::Integer(integer) => {
                    number = integer.to_be_bytes();
                    &number
                }
                Value::Text(text) => text.as_bytes(),
                Value::Bytes(bytes) => bytes,
            };
            self.bytes.extend_from_slice(&i32::try_from(bytes.len()).map_err(too_large)?.to_be_bytes());
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// What is to be sent, which is then gathered no more.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(TRAILER);
        std::mem::take(&mut self.bytes)
    }
}
