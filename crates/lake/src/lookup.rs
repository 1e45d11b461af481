//! Which rows of a segment show something that is sought: the index, for whoever reads the Parquet files by other means.

use std::sync::Arc;

use arrow_schema::Schema;
use matcher::Sought;

use crate::columns::SCHEMA;
use crate::error::LakeError;
use crate::key::{self, Range};
use crate::manifest::{INDEX, Lake, Segment};

use crate::segment::BytesRead;

/// The columns of every Parquet file of a lake, in their order.
#[must_use]
pub fn columns() -> Arc<Schema> {
    Arc::clone(&SCHEMA)
}

/// What is sought, made ready once to be put to the indexes of many segments.
#[derive(Debug, Clone)]
pub struct Lookup {
    ranges: Vec<Range>,
}

impl Lookup {
    /// Rows that show any of it are asked for.
    #[must_use]
    pub fn new<'a>(sought: impl IntoIterator<Item = &'a Sought>) -> Self {
        let mut ranges: Vec<Range> = sought.into_iter().map(key::range).collect();
        ranges.sort_unstable();
        ranges.dedup();
        Self { ranges }
    }
}

impl Lake {
    /// The rows of a segment that may show any of what is sought, in rising order, counted from 0: all that do, and now and then
    /// one that does not, since keys are cut.
    ///
    /// # Errors
    /// The index cannot be read, or is damaged.
    pub fn rows_showing(&self, segment: &Segment, lookup: &Lookup) -> Result<Vec<u32>, LakeError> {
        let index = segment.open_index(&self.root, &BytesRead::default())?;
        let found = index.rows(&lookup.ranges);
        let found = found.map_err(|error| LakeError::file(&self.root.path(&segment.name(INDEX)), error))?;
        Ok(found.rows)
    }
}
