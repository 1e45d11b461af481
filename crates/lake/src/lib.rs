//! Telemetry history: what an edge or an analyst has read, kept in a folder or a bucket as Parquet and as rows with an index of
//! observables beside them, and hunts through it.
//!
//! A [`Writer`] takes observations and makes segments of them, each the records of one kind and one hour, day or month, in the
//! order of their time; [`Writer::commit`] returns when they cannot be lost any more. A [`Lake`] is what a reader sees: the
//! segments that the manifest names, and no others. [`Lake::hunt`] looks for the indicators of a set: the index says which
//! rows show anything that is sought, those rows alone are read, and the matcher decides on them as it does on live records.
//! The answer is that of the matcher over all rows in the order of time.
//!
//! [docs/developers/lake.md](../../../docs/developers/lake.md) describes the files and the columns; the modules
//! `rows` and `index` describe theirs byte by byte.
//! Files are read and written in the module `storage` and nowhere else; the time is an argument.

mod check;
mod columns;
mod compact;
mod error;
mod frame;
mod hunt;
mod index;
mod key;
mod lookup;
mod manifest;
mod observables;
mod period;
mod records;
mod rows;
mod segment;
mod shed;
mod storage;
mod writer;

pub use compact::{Compacted, Keep};
pub use error::{FileError, LakeError};
pub use hunt::{Hunt, HuntTally, Place, Sighting};
pub use index::fuzz_index;
pub use lookup::{Lookup, columns};
pub use manifest::{Lake, Segment, SourceState};
pub use period::Period;
pub use rows::fuzz_rows;
pub use writer::{Contents, Limits, Origin, Writer};
