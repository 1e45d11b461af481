//! SQL over a lake: for the operator's own analyst, in process or on a cluster over the same files.
//!
//! A [`Session`] has two tables. `records` has one row for each record, `observables` one for each record and each value of it
//! that the lake's index knows, in the spelling in which indicators are held against records. What a query asks of `value`
//! there is asked of the index first, times and kinds of the manifest, and only rows that can matter are read from Parquet.
//! The answer is that of reading everything.
//!
//! Tables are what the manifest names, so a segment that was replaced does not count twice. A session answers questions and
//! changes nothing: no statement that writes is taken, and no table of other files can be made.
//!
//! [docs/operators/lake.md](../../../docs/operators/lake.md) is the analyst's page.

mod answer;
mod asked;
mod cluster;
mod codec;
mod error;
mod functions;
mod network;
mod segments;
mod selection;
mod session;
mod spelling;
mod tables;

pub use answer::{csv, json, table};
pub use cluster::{Executor, check_exposure, execute, schedule};
pub use error::QueryError;
pub use session::{Answer, Bounds, Session};
