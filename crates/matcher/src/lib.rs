//! Indicators compiled to a scanner over telemetry.
//!
//! An [`IndicatorSet`] is immutable and shared; a newer one replaces it between two chunks ([`Scanner::adopt`]). Nothing here
//! reads a clock: `now` is an argument.
//!
//! What is matched: every STIX pattern (STIX 2.1 §9) in which each observation names a value to look for. There are two ways.
//!
//! - Patterns of `=`, `IN`, `ISSUBSET` and `LIKE '%.name'` over addresses and networks, domain names, URLs, e-mail addresses,
//!   hardware addresses and file hashes, with ports, protocols and file names as partners of these: a look-up decides.
//! - All others: a value leads to the record, and the evaluator of [`stix::pattern::evaluate`] decides on the record's graph of
//!   objects. Observations that are joined (`AND`, `FOLLOWEDBY`, `REPEATS`, `WITHIN`) are remembered in [`Windows`].
//!
//! What names no value is refused with a reason ([`Unusable`]), or held against every record ([`Options::unanchored`]).
//! [docs/developers/patterns.md](../../../docs/developers/patterns.md) says what each operator means here.
//!
//! When an indicator counts: for a record whose time (or `now`, where the record bears none) is within
//! `[valid_from, valid_until)`, unless [`Options::any_time`] says otherwise.

mod benign;
mod compile;
mod condition;
mod explain;
mod filter;
mod graph;
mod indicator;
mod key;
pub mod oracle;
mod own;
mod part;
mod parts;
mod reach;
mod rewrite;
mod scanner;
mod set;
mod sift;
mod simd;
mod sought;
mod suffix;
mod warning;
mod window;

pub use explain::{Explanation, Meeting, Observed, Tested, explain};
pub use indicator::{Indicator, Unusable};
pub use own::OwnAssets;
pub use reach::{Covers, Reach, UrlMode};
pub use scanner::{Match, Scanner, Tally};
pub use set::{Built, Delta, IndicatorRef, IndicatorSet, Options};
pub use simd::Simd;
pub use sought::{Sign, SignKind, Sought};
pub use warning::{WarningListError, WarningLists};
pub use window::{BoundRecord, WindowTally, Windows};
