//! TAXII 2.1: messages, media types, the query string.
//!
//! Nothing here does I/O, reads a clock or draws randomness, but for the module `client`, which is there with the feature of that
//! name.

#[cfg(feature = "client")]
pub mod client;
pub mod media;
pub mod message;
pub mod query;

pub use message::{
    ApiRoot, Collection, Collections, Discovery, ErrorMessage, ManifestRecord, Status, StatusDetail,
    StatusState,
};
pub use query::{Allowed, Query, QueryError, VersionFilter};
