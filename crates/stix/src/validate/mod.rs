//! Validation by the specification: findings, not refusals.
//!
//! Every type of object is described once, as data (`domain`, `observables`, `parts`, `extensions`); one engine reads the
//! descriptions. What a description cannot say is a small function in `rules`.

mod container;
mod domain;
mod engine;
mod extensions;
mod forms;
mod model;
mod observables;
mod parts;
mod rules;
mod vocabularies;

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
    /// The property path, e.g. `kill_chain_phases[0].phase_name`; empty for the object as a whole.
    pub path: String,
    /// The section of STIX 2.1 that says so, e.g. `4.7`.
    pub section: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// All findings for one object, errors first, in the order of its properties.
///
/// An object of STIX 2.0 (no `spec_version`, §3.2) is judged by the types of 2.1, and what 2.0 did not have is only missed with
/// a warning. References are judged by the type they name, not by what they lead to: the other object may be anywhere.
#[must_use]
pub fn validate(object: &Object) -> Vec<Finding> {
    let mut findings = engine::findings(object);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}
