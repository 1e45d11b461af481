//! Each step by itself (§4.3 to §4.10).

use std::collections::BTreeSet;

use super::commands;
use super::values::uuid_version;
use crate::condition::{CONDITION_BYTES_MAX, Condition, ConditionError};
use crate::detail::{Detail, Told};
use crate::finding::{Findings, Pointer};
use crate::parts::AgentTarget;
use crate::step::{Action, Step, StepKind, Switch};
use crate::{Playbook, variable};

/// Longer than a year, a delay or timeout is a slip of the unit.
const LONG_MS: u64 = 366 * 24 * 3_600_000;

pub(super) fn check(playbook: &Playbook, findings: &mut Findings) {
    whole(playbook, findings);
    for (id, step) in &playbook.workflow {
        common(id, step, findings);
        match &step.kind {
            StepKind::Action(action) => {
                one_action(playbook, id, action, findings);
                commands::check(id, &action.commands, &Pointer::step(id, "commands"), findings);
            }
            StepKind::Playbook(the) => {
                if the.playbook_id == playbook.id {
                    let place = Pointer::step(id, "playbook_id");
                    findings.warn(Detail::CallsItself, &place);
                }
            }
            StepKind::Parallel(branches) => parallel(id, branches, findings),
            StepKind::If(the) => condition(&the.condition, &Pointer::step(id, "condition"), findings),
            StepKind::While(the) => condition(&the.condition, &Pointer::step(id, "condition"), findings),
            StepKind::Switch(the) => switch(id, the, findings),
            StepKind::Start | StepKind::End | StepKind::Unknown(_) => {}
        }
    }
}

/// "All playbooks MUST contain at least the following three steps: a start step, an action/playbook-action step, and an end step" (§3.1).
fn whole(playbook: &Playbook, findings: &mut Findings) {
    if playbook.workflow.is_empty() {
        return;
    }
    let workflow = Pointer::root().at("workflow");
    let has = |test: fn(&StepKind) -> bool| playbook.workflow.values().any(|step| test(&step.kind));
    if !has(|kind| matches!(kind, StepKind::Start)) {
        findings.error(Detail::NoStart, &workflow);
    }
    if !has(|kind| matches!(kind, StepKind::Action(_) | StepKind::Playbook(_))) {
        findings.error(Detail::NoAction, &workflow);
    }
    if !has(|kind| matches!(kind, StepKind::End)) {
        findings.error(Detail::NoEnd, &workflow);
    }
    let starts = playbook.workflow.iter().filter(|(_, step)| matches!(step.kind, StepKind::Start));
    for (id, _) in starts.filter(|(id, _)| Some(*id) != playbook.workflow_start.as_ref()) {
        findings.error(Detail::SecondStart, &Pointer::step(id, ""));
    }
}

fn common(id: &str, step: &Step, findings: &mut Findings) {
    if uuid_version(id).is_some_and(|version| version != 4) {
        findings.warn(Detail::StepNotUuid4, &Pointer::step(id, ""));
    }
    for (name, value) in [("delay", step.delay_ms), ("timeout", step.timeout_ms)] {
        if value.is_some_and(|ms| ms > LONG_MS) {
            findings.warn(Detail::VeryLong.with(&[("name", &name)]), &Pointer::step(id, name));
        }
    }
    if step.timeout_ms == Some(0) {
        findings.warn(Detail::TimeoutZero, &Pointer::step(id, "timeout"));
    }
    if step.name.is_none() && !matches!(step.kind, StepKind::Start | StepKind::End) {
        findings.note(Detail::NoName, &Pointer::step(id, ""));
    }
}

fn one_action(playbook: &Playbook, id: &str, action: &Action, findings: &mut Findings) {
    let agent = playbook.agents.get(&action.agent);
    if agent.is_none() && !action.agent.is_empty() {
        findings.error(Detail::AgentMissing.with(&[("id", &action.agent)]), &Pointer::step(id, "agent"));
    }
    let mut seen = BTreeSet::new();
    for (index, target) in action.targets.iter().enumerate() {
        let place = Pointer::step(id, "targets").at(index);
        if !playbook.targets.contains_key(target) {
            findings.error(Detail::TargetMissing.with(&[("id", &target)]), &place);
        }
        if !seen.insert(target) {
            findings.error(Detail::TargetTwice, &place);
        }
    }
    let targets: Vec<&AgentTarget> =
        action.targets.iter().filter_map(|id| playbook.targets.get(id)).collect();
    for (index, command) in action.commands.iter().enumerate() {
        let place = Pointer::step(id, "commands").at(index);
        addressee(action, agent, &targets, command, &place, findings);
    }
}

/// A command that goes over the network needs an address: that of every target or, where there are none, of the agent. Without
/// targets a command is carried out once, by the agent; it is never passed over.
fn addressee(
    action: &Action,
    agent: Option<&AgentTarget>,
    targets: &[&AgentTarget],
    command: &crate::Command,
    place: &Pointer,
    findings: &mut Findings,
) {
    if !command.kind.needs_address() {
        return;
    }
    let whole = command
        .text()
        .is_some_and(|line| line.split_whitespace().nth(1).is_some_and(|url| url.contains("://")));
    let without = if action.targets.is_empty() {
        agent.is_some_and(|agent| !agent.has_address())
    } else {
        targets.iter().any(|target| !target.has_address()) && !agent.is_some_and(AgentTarget::has_address)
    };
    if without && !whole {
        findings.error(Detail::NoAddressee.with(&[("kind", &command.kind.as_str())]), place);
    }
}

fn parallel(id: &str, branches: &[String], findings: &mut Findings) {
    let place = Pointer::step(id, "next_steps");
    if branches.len() < 2 {
        findings.error(Detail::SingleBranch, &place);
    }
    let mut seen = BTreeSet::new();
    for (index, branch) in branches.iter().enumerate() {
        if !seen.insert(branch) {
            findings.error(Detail::BranchTwice, &place.at(index));
        }
    }
}

fn condition(text: &str, place: &Pointer, findings: &mut Findings) {
    if let Err(error) = Condition::parse(text) {
        findings.error(unreadable(&error), place);
    }
}

/// Why a condition cannot be read.
fn unreadable(error: &ConditionError) -> Told {
    match error {
        ConditionError::TooLong(bytes) => {
            Detail::ConditionTooLong.with(&[("bytes", bytes), ("most", &CONDITION_BYTES_MAX)])
        }
        ConditionError::Syntax(cause) => Detail::ConditionSyntax.with(&[("cause", cause)]),
        ConditionError::OverTime(what) => Detail::ConditionOverTime.with(&[("what", what)]),
        ConditionError::NotAVariable(name) => Detail::ConditionNotAVariable.with(&[("name", name)]),
        // What is found out only when it is asked whether a condition holds.
        ConditionError::Undefined(_) | ConditionError::Unknown(_) | ConditionError::Unusable(_) => {
            Detail::ConditionUnusable.with(&[("cause", error)])
        }
    }
}

fn switch(id: &str, the: &Switch, findings: &mut Findings) {
    let place = Pointer::step(id, "switch");
    match switch_variable(&the.switch) {
        None => {
            findings.error(Detail::BadSwitch, &place);
        }
        Some(_) if !the.switch.ends_with(":value") => {
            findings.warn(Detail::SwitchWithoutValue, &place);
        }
        Some(_) => {}
    }
    if !the.cases.contains_key("default") {
        findings.note(Detail::NoDefault, &Pointer::step(id, "cases"));
    }
}

/// The variable that a switch is about.
pub(crate) fn switch_variable(text: &str) -> Option<&str> {
    let name = text.trim().strip_suffix(":value").unwrap_or(text.trim());
    variable::is_name(name).then_some(name)
}
