//! Everything the crate promises, through its public face.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking, say on the terminal what they skip, and take what `json!` gives"
)]

mod approvals;
mod bounds;
mod conditions;
mod corpus;
mod findings;
mod kill;
mod library;
mod page;
mod random;
mod rendering;
mod rollout;
mod runs;
mod shapes;
mod signatures;
mod support;
