//! Each step by itself (§4.3 to §4.10).

use std::collections::BTreeSet;

use super::commands;
use super::values::uuid_version;
use crate::condition::Condition;
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
                    let message = "the playbook calls itself";
                    findings.warn(
                        "calls-itself",
                        &place,
                        message,
                        "repeat by a while-condition step: calls are bounded in depth",
                    );
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
        findings.error(
            "no-start",
            &workflow,
            "there is no start step",
            "add a start step that leads to the first step",
        );
    }
    if !has(|kind| matches!(kind, StepKind::Action(_) | StepKind::Playbook(_))) {
        findings.error(
            "no-action",
            &workflow,
            "there is no action and no playbook-action",
            "add what the playbook is to do",
        );
    }
    if !has(|kind| matches!(kind, StepKind::End)) {
        findings.error(
            "no-end",
            &workflow,
            "there is no end step",
            "add an end step that the last step leads to",
        );
    }
    let starts = playbook.workflow.iter().filter(|(_, step)| matches!(step.kind, StepKind::Start));
    for (id, _) in starts.filter(|(id, _)| Some(*id) != playbook.workflow_start.as_ref()) {
        let message = "it is a start step and not workflow_start";
        findings.error(
            "second-start",
            &Pointer::step(id, ""),
            message,
            "keep one start step and name it in workflow_start",
        );
    }
}

fn common(id: &str, step: &Step, findings: &mut Findings) {
    if uuid_version(id).is_some_and(|version| version != 4) {
        let message = "the step's identifier is not a UUIDv4";
        findings.warn(
            "step-not-uuid4",
            &Pointer::step(id, ""),
            message,
            "give the step a UUIDv4, as §10.10 demands",
        );
    }
    for (name, value) in [("delay", step.delay_ms), ("timeout", step.timeout_ms)] {
        if value.is_some_and(|ms| ms > LONG_MS) {
            let message = format!("`{name}` is longer than a year");
            findings.warn("very-long", &Pointer::step(id, name), message, "write milliseconds");
        }
    }
    if step.timeout_ms == Some(0) {
        let message = "the step has failed as soon as it begins";
        findings.warn(
            "timeout-zero",
            &Pointer::step(id, "timeout"),
            message,
            "leave the timeout out or set it above zero",
        );
    }
    if step.name.is_none() && !matches!(step.kind, StepKind::Start | StepKind::End) {
        findings.note(
            "no-name",
            &Pointer::step(id, ""),
            "the step has no name",
            "name it: people read names while it runs",
        );
    }
}

fn one_action(playbook: &Playbook, id: &str, action: &Action, findings: &mut Findings) {
    let agent = playbook.agents.get(&action.agent);
    if agent.is_none() && !action.agent.is_empty() {
        let message = format!("`{}` is not among the agent_definitions", action.agent);
        findings.error("missing-definition", &Pointer::step(id, "agent"), message, "define the agent");
    }
    let mut seen = BTreeSet::new();
    for (index, target) in action.targets.iter().enumerate() {
        let place = Pointer::step(id, "targets").at(index);
        if !playbook.targets.contains_key(target) {
            let message = format!("`{target}` is not among the target_definitions");
            findings.error("missing-definition", &place, message, "define the target");
        }
        if !seen.insert(target) {
            findings.error(
                "target-twice",
                &place,
                "the target stands twice",
                "name each target once: commands run on each of them",
            );
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
        let message = format!(
            "a `{}` command goes to nobody: neither target nor agent has an address",
            command.kind.as_str()
        );
        findings.error("no-addressee", place, message, "give the step a target with an address");
    }
}

fn parallel(id: &str, branches: &[String], findings: &mut Findings) {
    let place = Pointer::step(id, "next_steps");
    if branches.len() < 2 {
        let message = "a parallel step has fewer than two branches";
        findings.error("single-branch", &place, message, "lead to the step directly or add a branch");
    }
    let mut seen = BTreeSet::new();
    for (index, branch) in branches.iter().enumerate() {
        if !seen.insert(branch) {
            findings.error(
                "branch-twice",
                &place.at(index),
                "the branch stands twice",
                "name each first step once",
            );
        }
    }
}

fn condition(text: &str, place: &Pointer, findings: &mut Findings) {
    if let Err(error) = Condition::parse(text) {
        let remedy = "write comparisons of `__name__:value` joined by AND and OR";
        findings.error("bad-condition", place, error.to_string(), remedy);
    }
}

fn switch(id: &str, the: &Switch, findings: &mut Findings) {
    let place = Pointer::step(id, "switch");
    match switch_variable(&the.switch) {
        None => {
            let message = "the switch is not one variable";
            findings.error("bad-switch", &place, message, "write it as `__name__:value`");
        }
        Some(_) if !the.switch.ends_with(":value") => {
            let message = "`:value` is missing behind the variable";
            findings.warn("variable-without-value", &place, message, "write it as `__name__:value`");
        }
        Some(_) => {}
    }
    if !the.cases.contains_key("default") {
        let message = "there is no case `default`: other values do nothing";
        findings.note(
            "no-default",
            &Pointer::step(id, "cases"),
            message,
            "add a default if something is to happen",
        );
    }
}

/// The variable that a switch is about.
pub(crate) fn switch_variable(text: &str) -> Option<&str> {
    let name = text.trim().strip_suffix(":value").unwrap_or(text.trim());
    variable::is_name(name).then_some(name)
}
