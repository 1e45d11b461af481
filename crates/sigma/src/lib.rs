//! Sigma rules beside STIX patterns, for logs that STIX does not reach.
//!
//! The rules are read and held against records by `rsigma`; what is here is what a rule by a stranger may cost ([`RuleText`]
//! says its bounds), which rules a record concerns at all, what a record looks like to a rule, and when a rule counts. A
//! [`RuleSet`] is immutable and shared; a newer one replaces it between two chunks ([`Scanner::adopt`]). Nothing here reads a
//! clock: `now` is an argument.
//!
//! A rule comes out of a STIX indicator with `pattern_type` `sigma` (STIX 2.1 §4.7, §10.19) and then counts as the indicator
//! does: within its validity, under its identifier, until it is revoked. Or it comes out of a file and is the operator's own.
//!
//! [docs/developers/sigma.md](../../../docs/developers/sigma.md) says which records there are rules for, and where the
//! evaluation differs from the specification.

mod budget;
mod cloud;
mod compile;
mod correlate;
mod indicator;
mod line;
mod logsource;
mod network;
mod record;
mod rule;
mod scanner;
mod set;
mod windows;

pub use indicator::Indicator;
pub use rule::{Origin, Refused, Rule, RuleText};
pub use scanner::{Match, Met, Remembered, Scanner, Tally};
pub use set::{Built, Options, RuleSet};
