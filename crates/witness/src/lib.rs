//! Everything that acts around a transparency log, beside the log itself: witnesses, mirrors, proofs and verification.
//!
//! | what | by |
//! |---|---|
//! | a witness as an HTTP service, with state that survives a crash and evidence of what it refused | [`serve`], [`Witness`] |
//! | collecting the cosignatures of several witnesses for a new checkpoint | [`Collector`] |
//! | following a log and keeping every hash and entry of it | [`mirror`], [`mirror_once`] |
//! | a `.tlog-proof` file for an entry | [`prove`] |
//! | a whole log from its files alone, and its entries | [`verify`], [`read`] |
//! | key files | [`create_key`], [`read_key`] |
//!
//! The protocols are those of C2SP: [tlog-witness](https://c2sp.org/tlog-witness), [tlog-mirror](https://c2sp.org/tlog-mirror)
//! (following the log; uploads by `add-entries` are not taken), [tlog-tiles](https://c2sp.org/tlog-tiles),
//! [tlog-proof](https://c2sp.org/tlog-proof), [tlog-policy](https://c2sp.org/tlog-policy). Every decision is made by `tlog`, which
//! knows neither disk nor network; here are the order of writes, the time and the sockets.

mod client;
mod disk;
mod http;
mod keys;
mod mirror;
mod prove;
mod server;
mod source;
mod state;
mod tiles;
mod verify;

pub use client::{CollectConfig, CollectFailure, Collected, Collector};
pub use keys::{KeyFileError, create_key, create_statement_key, read_key, read_statement_key};
pub use mirror::{MirrorConfig, Mirrored, MirroringError, mirror, mirror_once};
pub use prove::{ProveConfig, ProveError, Proved, prove};
pub use server::{router, serve};
pub use source::{Source, SourceError};
pub use state::{AddFailure, EVIDENCE_FILES_MAX, Witness, WitnessConfig, WitnessError};
pub use verify::{FAULTS_MAX, Fault, Faults, Verified, VerifyConfig, read, verify};
