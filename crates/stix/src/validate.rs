//! Validation by the specification: findings, not refusals.

use crate::Object;

/// How grave a finding is: a broken MUST or a neglected SHOULD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A SHOULD of the specification is not followed.
    Warning,
    /// A MUST of the specification is broken.
    Error,
}

/// One thing found in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// A stable code, e.g. `missing-property`.
    pub code: &'static str,
    /// The object's identifier as written, or its position where it has none.
    pub object: String,
    /// The property path, e.g. `kill_chain_phases[0].phase_name`.
    pub path: String,
    /// The section of STIX 2.1 that says so, e.g. `4.7`.
    pub section: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// All findings for one object, errors first, in the order of its properties.
#[must_use]
pub fn validate(_object: &Object) -> Vec<Finding> {
    Vec::new()
}
