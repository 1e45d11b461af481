//! The mathematics of a transparency log: Merkle trees, tiles, checkpoints and proofs.
//!
//! Hashing is that of RFC 6962 §2.1, the published form is that of C2SP:
//! [tlog-tiles](https://c2sp.org/tlog-tiles), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint),
//! [signed-note](https://c2sp.org/signed-note) with Ed25519 keys,
//! [tlog-cosignature](https://c2sp.org/tlog-cosignature) with Ed25519 and ML-DSA-44,
//! [tlog-policy](https://c2sp.org/tlog-policy), [tlog-proof](https://c2sp.org/tlog-proof), the messages and rules of
//! [tlog-witness](https://c2sp.org/tlog-witness), and what a mirror checks
//! ([tlog-mirror](https://c2sp.org/tlog-mirror)).
//!
//! The crate does no input or output, reads no clock and draws no randomness (the library that makes ML-DSA-44
//! signatures draws its own while it signs). Whoever keeps a log stores
//! the node hashes that [`Frontier::append`] hands out, writes the tiles that [`tiles_to_write`] names, and
//! gives the proof functions a closure that reads a stored hash. The same closure can be made of tiles with
//! [`read_from_tiles`], so that a stranger who holds nothing but the published files can check everything.
//!
//! ```
//! use tlog::{Checkpoint, Frontier, SigningKey, leaf_hash, open_log, proof};
//! use std::collections::HashMap;
//!
//! let mut stored = HashMap::new();
//! let mut log = Frontier::new();
//! for entry in ["first", "second", "third"] {
//!     for (level, index, hash) in log.append(leaf_hash(entry.as_bytes())) {
//!         stored.insert((level, index), hash);
//!     }
//! }
//! let key = SigningKey::from_seed("council.example/log", [7; 32])?;
//! let head = Checkpoint { origin: "council.example/log".into(), size: log.size(), root: log.root() };
//! let note = key.sign_checkpoint(&head);
//!
//! let seen = open_log(&note, &key.verifying_key(), "council.example/log")?;
//! let path = proof::inclusion(1, seen.size, |level, index| stored.get(&(level, index)).copied())?;
//! proof::verify_inclusion(&leaf_hash(b"second"), 1, seen.size, &path, &seen.root)?;
//! assert!(proof::verify_inclusion(&leaf_hash(b"forged"), 1, seen.size, &path, &seen.root).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod cosignature;
mod entries;
mod frontier;
mod hash;
mod log_key;
pub mod mirror;
mod note;
mod policy;
pub mod proof;
mod tile;
mod tlog_proof;
pub mod witness;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{
    COSIGNATURE_TIME_MAX, COSIGNED_NAME_BYTES_MAX, CosignError, CosignatureKind, CosignerKey, CosigningKey,
};
pub use entries::{ENTRY_BYTES_MAX, EntriesError, decode_entries, encode_entries};
pub use frontier::Frontier;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use log_key::{LogKey, open_by_any, signed_by_these};
pub use note::{
    KeyError, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteError, SigningKey, VerifyingKey, open, open_log,
    open_text,
};
pub use policy::{
    POLICY_BYTES_MAX, POLICY_DEFINITIONS_MAX, Policy, PolicyError, PolicyFault, PolicyLog, PolicyWitness,
    Unaccepted, Witnessed,
};
pub use tile::{TILE_WIDTH, Tile, TileError, read_from_tiles, tiles_to_write};
pub use tlog_proof::{PROOF_BYTES_MAX, PROOF_EXTRA_BYTES_MAX, TlogProof, TlogProofError, Unproved};
