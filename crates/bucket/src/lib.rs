//! A bucket of an S3-compatible store, from its address: one form of address, one way to sign in and one way to speak TLS for
//! whatever of Yagura keeps anything there. What is kept, and under which names, is the caller's.

pub mod client;

pub use client::{Opened, Waits, cause, open};
