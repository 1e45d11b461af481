//! The playbook's own properties (§3.1) against each other and against what the workflow does.

use std::collections::BTreeSet;

use crate::detail::Detail;
use crate::finding::{Findings, Pointer};
use crate::signature::Signature;
use crate::step::StepKind;
use crate::{CommandKind, Playbook};

pub(super) fn check(playbook: &Playbook, findings: &mut Findings) {
    times(playbook, findings);
    purposes(playbook, findings);
    sectors_and_references(playbook, findings);
    summary(playbook, findings);
    for (index, signature) in playbook.signatures.iter().enumerate() {
        let place = Pointer::root().at("signatures").at(index);
        one_signature(playbook, signature, &place, findings);
    }
}

fn times(playbook: &Playbook, findings: &mut Findings) {
    let root = Pointer::root();
    if let (Some(created), Some(modified)) = (&playbook.created, &playbook.modified)
        && modified < created
    {
        findings.error(Detail::ModifiedBeforeCreated, &root.at("modified"));
    }
    if let (Some(from), Some(until)) = (&playbook.valid_from, &playbook.valid_until)
        && until <= from
    {
        findings.error(Detail::NeverValid, &root.at("valid_until"));
    }
    if playbook.derived_from.contains(&playbook.id) {
        findings.warn(Detail::DerivedFromItself, &root.at("derived_from"));
    }
    if playbook.name.trim().is_empty() && playbook.document().contains_key("name") {
        findings.warn(Detail::NameEmpty, &root.at("name"));
    }
    if playbook.description.is_none() {
        findings.note(Detail::NoDescription, &root);
    }
}

/// "If the playbook_types property is populated […] this property MUST have at least one assigned activity. […] Each listed activity
/// MUST be reflected in a CACAO workflow step object" (§3.1).
fn purposes(playbook: &Playbook, findings: &mut Findings) {
    let root = Pointer::root();
    let known =
        playbook.playbook_types.iter().any(|kind| crate::vocabulary::PLAYBOOK_TYPES.contains(&kind.as_str()));
    if known && playbook.playbook_activities.is_empty() {
        findings.warn(Detail::NoActivities, &root);
    }
    let done: BTreeSet<&str> =
        commands(playbook).filter_map(|command| command.playbook_activity.as_deref()).collect();
    for (index, activity) in playbook.playbook_activities.iter().enumerate() {
        if !done.contains(activity.as_str()) {
            let place = root.at("playbook_activities").at(index);
            findings.warn(Detail::ActivityWithoutStep.with(&[("activity", &activity)]), &place);
        }
    }
}

fn commands(playbook: &Playbook) -> impl Iterator<Item = &crate::Command> {
    let actions = playbook.workflow.values().filter_map(|step| match &step.kind {
        StepKind::Action(action) => Some(action),
        _ => None,
    });
    actions.flat_map(|action| &action.commands)
}

/// What is used in parts MUST also stand at the playbook (§3.1).
fn sectors_and_references(playbook: &Playbook, findings: &mut Findings) {
    for (name, list) in [("agent_definitions", &playbook.agents), ("target_definitions", &playbook.targets)] {
        for (id, agent) in list {
            let Some(sector) =
                agent.sector.as_ref().filter(|sector| !playbook.industry_sectors.contains(sector))
            else {
                continue;
            };
            let place = Pointer::root().at(name).at(id).at("sector");
            findings.warn(Detail::SectorNotListed.with(&[("sector", &sector)]), &place);
        }
    }
    for (id, step) in &playbook.workflow {
        let of_commands = match &step.kind {
            StepKind::Action(action) => action.commands.as_slice(),
            _ => &[],
        };
        let all =
            step.external_references.iter().chain(of_commands.iter().flat_map(|c| &c.external_references));
        if all.into_iter().any(|reference| !playbook.external_references.contains(reference)) {
            findings.note(Detail::ReferenceNotListed, &Pointer::step(id, ""));
        }
    }
}

/// §10.14: the summary says what is used and nothing else.
fn summary(playbook: &Playbook, findings: &mut Findings) {
    let Some(summary) = &playbook.processing_summary else { return };
    let any = |test: fn(&StepKind) -> bool| playbook.workflow.values().any(|step| test(&step.kind));
    let steps = || playbook.workflow.values();
    let has_commands = commands(playbook).next().is_some();
    let extended = || {
        let parts = steps().map(|step| &step.extensions);
        let agents = playbook.agents.values().chain(playbook.targets.values()).map(|agent| &agent.extensions);
        let keys = playbook.authentication_info.values().map(|info| &info.extensions);
        parts.chain(agents).chain(keys).chain([&playbook.extensions]).any(|map| !map.is_empty())
    };
    let calls = any(|kind| matches!(kind, StepKind::Playbook(_)));
    let manual =
        has_commands && !calls && commands(playbook).all(|command| command.kind == CommandKind::Manual);
    let facts = [
        ("manual_playbook", manual),
        ("external_playbooks", calls),
        ("parallel_processing", any(|kind| matches!(kind, StepKind::Parallel(_)))),
        ("if_logic", any(|kind| matches!(kind, StepKind::If(_)))),
        ("while_logic", any(|kind| matches!(kind, StepKind::While(_)))),
        ("switch_logic", any(|kind| matches!(kind, StepKind::Switch(_)))),
        ("temporal_logic", steps().any(|step| step.delay_ms.is_some() || step.timeout_ms.is_some())),
        ("data_markings", !playbook.markings.is_empty()),
        ("extensions", extended()),
        // Signatures come and go without a new version, so a summary that names too many is no contradiction.
        ("digital_signatures", !playbook.signatures.is_empty()),
        (
            "countersigned_signatures",
            playbook.signatures.iter().any(|signature| signature.countersignature.is_some()),
        ),
    ];
    for (name, fact) in facts {
        let said = summary.0.get(name).copied().unwrap_or_default();
        let of_signatures = matches!(name, "digital_signatures" | "countersigned_signatures");
        if said == fact || (of_signatures && said) || (of_signatures && !summary.0.contains_key(name)) {
            continue;
        }
        let place = Pointer::root().at("playbook_processing_summary").at(name);
        findings
            .warn(Detail::FalseSummary.with(&[("name", &name), ("said", &said), ("fact", &fact)]), &place);
    }
}

fn one_signature(playbook: &Playbook, signature: &Signature, place: &Pointer, findings: &mut Findings) {
    let of_other_version = playbook.modified.is_some() && signature.related_version != playbook.modified;
    if signature.related_to != playbook.id || of_other_version {
        findings.error(Detail::SignatureOfOther, place);
    }
    let mut next = Some(signature);
    let mut place = place.clone();
    while let Some(signature) = next {
        if signature.keys_named() != 1 {
            findings.error(Detail::SignatureKey.with(&[("count", &signature.keys_named())]), &place);
        }
        if let (Some(from), Some(until)) = (&signature.valid_from, &signature.valid_until)
            && until <= from
        {
            findings.error(Detail::NeverValid, &place.at("valid_until"));
        }
        next = signature.countersignature.as_deref();
        place = place.at("signature");
    }
}
