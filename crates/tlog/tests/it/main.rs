//! One program for all tests of the crate.

mod notes;
mod tiles;
mod tree;
