//! Indicators compiled to a scanner over telemetry.
//!
//! An [`IndicatorSet`] is immutable and shared; a newer one replaces it between two chunks ([`Scanner::adopt`]). Nothing here
//! reads a clock: `now` is an argument.
//!
//! What is matched: patterns of comparisons (`=`, `IN`, `ISSUBSET`, `LIKE '%.name'`) joined by `AND` and `OR` within one
//! observation, and `OR` between observations, over addresses and networks, domain names, URLs, e-mail addresses, hardware
//! addresses and file hashes; with ports, protocols and file names as partners of these. Everything else is refused with a
//! reason ([`Unusable`]).
//!
//! When an indicator counts: for a record whose time (or `now`, where the record bears none) is within
//! `[valid_from, valid_until)`, unless [`Options::any_time`] says otherwise.

mod benign;
mod compile;
mod condition;
mod filter;
mod indicator;
mod key;
pub mod oracle;
mod scanner;
mod set;
mod sift;
mod simd;
mod warning;

pub use compile::Covers;
pub use indicator::{Indicator, Unusable};
pub use scanner::{Match, Scanner, Tally};
pub use set::{Built, Delta, IndicatorRef, IndicatorSet, Options};
pub use simd::Simd;
pub use warning::{WarningListError, WarningLists};
