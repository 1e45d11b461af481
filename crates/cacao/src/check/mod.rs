//! Judging a playbook: everything that the official schemas let through, and what they find.

mod commands;
mod definitions;
mod extensions;
mod flow;
mod metadata;
mod steps;
pub(crate) mod values;
mod variables;

use crate::Playbook;
use crate::detail::Detail;
use crate::finding::{Finding, Findings, Pointer};
use crate::shape;

pub(crate) use commands::{openc2_refusal, openc2_request};
pub(crate) use flow::{Flow, Region};
pub(crate) use steps::switch_variable;

/// Everything that is to say about the playbook.
pub(crate) fn playbook(playbook: &Playbook, duplicates: &[Pointer]) -> Vec<Finding> {
    let mut findings = Findings::default();
    for place in duplicates {
        findings.error(Detail::DuplicateName, place);
    }
    shape::check(playbook.document(), &mut findings);
    metadata::check(playbook, &mut findings);
    definitions::check(playbook, &mut findings);
    steps::check(playbook, &mut findings);
    let flow = Flow::of(playbook, &mut findings);
    variables::check(playbook, &flow, &mut findings);
    extensions::check(playbook, &mut findings);
    findings.into_sorted()
}
