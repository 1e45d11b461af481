//! Telemetry history: what an edge or an analyst has read, kept in Parquet with an index of observables beside each file, and
//! hunts through it.
//!
//! A [`Writer`] takes observations and makes segments of them, each the records of one kind and one hour, day or month, in the
//! order of their time; [`Writer::commit`] returns when they cannot be lost any more. A [`Lake`] is what a reader sees: the
//! segments that the manifest names, and no others. [`Lake::hunt`] looks for the indicators of a set: the index says which
//! rows show anything that is sought, those rows alone are read, and the matcher decides on them as it does on live records.
//! The answer is that of the matcher over all rows in the order of time.
//!
//! [docs/developers/lake.md](../../../docs/developers/lake.md) describes the folder, the columns and the index byte by byte.
//! Files are read and written in the module `disk` and nowhere else; the time is an argument.

mod compact;
mod disk;
mod error;
mod hunt;
mod index;
mod key;
mod lookup;
mod manifest;
mod period;
mod rows;
mod segment;
mod writer;

pub use compact::{Compacted, Keep};
pub use error::LakeError;
pub use hunt::{Hunt, HuntTally, Place, Sighting};
pub use index::{IndexError, fuzz_index};
pub use lookup::{Lookup, columns};
pub use manifest::{Lake, Segment, SourceState};
pub use period::Period;
pub use writer::{Contents, Limits, Origin, Writer};
