//! Everything the crate promises, through its public face.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking and say on the terminal what they skip"
)]

mod bundles;
mod corpus;
#[cfg(test)]
mod evaluate;
mod fuzz_smoke;
#[cfg(test)]
mod musts;
mod objects;
mod observables;
mod patterns;
#[cfg(test)]
mod python;
mod sco_ids;
mod torture;
mod validation;
