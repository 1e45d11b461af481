//! STIX 2.1 objects, identifiers, versions, markings, bundles, patterns and validation.
//!
//! An [`Object`] keeps the bytes its producer wrote; everything else is a reading of them. Nothing here
//! does I/O, reads a clock or draws randomness.

mod binary;
mod canonical;
mod id;
mod json;
mod marks;
mod object;
mod references;
mod search;
mod timestamp;

pub mod bundle;
pub mod marking;
pub mod observable;
pub mod pattern;
pub mod redact;
pub mod sco_id;
pub mod validate;

pub use id::{Id, InvalidId};
pub use json::JSON_DEPTH_MAX;
pub use marks::Marks;
pub use object::{Object, ParseError};
pub use timestamp::{InvalidTimestamp, Timestamp};
