//! Indicators compiled to a scanner over telemetry.
//!
//! An [`IndicatorSet`] is immutable and shared; a newer one replaces it between two chunks. Nothing here reads a clock:
//! `now` is an argument.

mod indicator;

pub use indicator::{Indicator, Unusable};
