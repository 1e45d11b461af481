//! One program for all tests of the crate.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod cosignatures;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod mirrors;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod tiles;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod witness;
