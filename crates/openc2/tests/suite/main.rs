//! Everything the crate promises, through its public face.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking, say on the terminal what they skip, and take what `json!` gives"
)]

mod bindings;
mod clauses;
mod consumer;
mod corpus;
mod kill;
mod language;
mod model;
mod producer;
mod random;
mod signed;
mod support;
