//! Playbooks as they are shown: summary, findings, graph.

use std::collections::{BTreeSet, VecDeque};

use api::{
    CodedText, PlaybookAdded, PlaybookAgent, PlaybookCommand, PlaybookEdge, PlaybookFinding, PlaybookGraph,
    PlaybookStep, PlaybookSummary, PlaybookVariable, StepSafeguards,
};
use cacao::{AgentTarget, Command, Playbook, Safeguards, Severity, Step, StepKind};
use jiff::Timestamp;
use oversight::OrganisationId;
use serde_json::Value;

use super::{Names, words};
use crate::config::ResponseConfig;
use crate::runs::shelf::Shelved;

/// A version in a list, as people of an organisation see it.
pub(crate) fn summary(
    (shelved, versions): (&Shelved, usize),
    config: &ResponseConfig,
    (names, viewer): (&Names, &OrganisationId),
    now: Timestamp,
) -> PlaybookSummary {
    let playbook = &shelved.playbook;
    let refused = shelved.runnable(config, viewer, now).err();
    let count = |is_error: bool| {
        let of_kind = playbook.findings().iter().filter(|one| (one.severity == Severity::Error) == is_error);
        u32::try_from(of_kind.count()).unwrap_or(u32::MAX)
    };
    let added = shelved.head.as_ref().map(|head| head.added.to_string());
    let created = playbook.modified.as_ref().map(|at| at.as_str().to_owned());
    PlaybookSummary {
        id: playbook.id.clone(),
        modified: shelved.modified().to_owned(),
        name: words(playbook, "/name", &playbook.name),
        description: playbook.description.as_ref().map(|text| words(playbook, "/description", text)),
        types: playbook.playbook_types.clone(),
        activities: playbook.playbook_activities.clone(),
        labels: playbook.labels.clone(),
        severity: playbook.severity,
        library: shelved.head.is_none(),
        organisation: shelved.organisation().map(ToString::to_string),
        organisation_name: shelved.organisation().map(|id| names.organisation(id)),
        added: added.or(created).unwrap_or_default(),
        signers: shelved.signers(config, now).into_iter().collect(),
        errors: count(true),
        warnings: count(false),
        revoked: playbook.revoked,
        runnable: refused.is_none(),
        why_not_reason: refused.as_ref().map(|refused| CodedText::new(refused.code(), &refused.arguments())),
        why_not: refused.map(|refused| refused.to_string()),
        versions: u32::try_from(versions).unwrap_or(u32::MAX),
    }
}

/// What became of one that was brought.
pub(crate) fn added(shelved: &Shelved, summary: PlaybookSummary, already: bool) -> PlaybookAdded {
    PlaybookAdded { playbook: summary, findings: findings(&shelved.playbook), already }
}

/// One version, whole.
pub(crate) fn whole(shelved: &Shelved, summary: PlaybookSummary, versions: Vec<String>) -> api::Playbook {
    let playbook = &shelved.playbook;
    let variables = playbook.variables.iter().map(|(name, variable)| PlaybookVariable {
        name: name.clone(),
        kind: variable.kind.clone(),
        description: variable
            .description
            .as_ref()
            .map(|text| words(playbook, &format!("/playbook_variables/{name}/description"), text)),
        value: variable.value.clone(),
        constant: variable.constant,
        external: variable.external,
    });
    let agents = playbook.agents.iter().map(|(id, agent)| told_agent(playbook, id, agent, "agent"));
    let targets = playbook.targets.iter().map(|(id, target)| told_agent(playbook, id, target, "target"));
    api::Playbook {
        summary,
        digest: hex::encode(playbook.digest()),
        document: Value::Object(playbook.document().clone()),
        findings: findings(playbook),
        graph: graph(playbook),
        variables: variables.collect(),
        agents: agents.chain(targets).collect(),
        versions,
    }
}

fn told_agent(playbook: &Playbook, id: &str, agent: &AgentTarget, role: &str) -> PlaybookAgent {
    PlaybookAgent {
        id: id.to_owned(),
        kind: agent.kind.clone(),
        name: words(playbook, &format!("/{role}_definitions/{id}/name"), &agent.name),
        role: role.to_owned(),
    }
}

fn findings(playbook: &Playbook) -> Vec<PlaybookFinding> {
    let told = playbook.findings().iter().map(|finding| PlaybookFinding {
        severity: finding.severity.as_str().to_owned(),
        code: finding.code.to_owned(),
        at: finding.pointer.clone(),
        message: format!("{}: {}", finding.message, finding.remedy),
        detail: Some(CodedText::new(finding.detail.code(), &finding.arguments)),
    });
    told.collect()
}

/// The steps and what leads from one to the next, in the order of a walk from the start.
pub(crate) fn graph(playbook: &Playbook) -> PlaybookGraph {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    let first = [&playbook.workflow_start, &playbook.workflow_exception];
    let mut open: VecDeque<&str> = first.into_iter().flatten().map(String::as_str).collect();
    while let Some(id) = open.pop_front() {
        let Some(step) = playbook.workflow.get(id).filter(|_| seen.insert(id)) else { continue };
        order.push(id);
        open.extend(step.branches().into_iter().map(|(_, to)| to));
        open.extend(step.followers().into_iter().map(|(_, to)| to));
    }
    // What no way leads to is shown too: it is a finding.
    order.extend(playbook.workflow.keys().map(String::as_str).filter(|id| !seen.contains(*id)));
    let steps = order.iter().filter_map(|id| Some(told_step(playbook, id, playbook.workflow.get(*id)?)));
    let mut edges = Vec::new();
    for id in &order {
        let Some(step) = playbook.workflow.get(*id) else { continue };
        let edge = |to: &str, kind: &str, case: Option<String>| PlaybookEdge {
            from: (*id).to_owned(),
            to: to.to_owned(),
            kind: kind.to_owned(),
            case,
        };
        edges.extend(step.branches().into_iter().map(|(case, to)| edge(to, "branch", Some(case))));
        edges.extend(step.followers().into_iter().map(|(kind, to)| edge(to, kind, None)));
    }
    PlaybookGraph {
        start: playbook.workflow_start.clone(),
        exception: playbook.workflow_exception.clone(),
        steps: steps.collect(),
        edges,
    }
}

fn told_step(playbook: &Playbook, id: &str, step: &Step) -> PlaybookStep {
    let at = |rest: &str| format!("/workflow/{id}/{rest}");
    let mut told = PlaybookStep {
        id: id.to_owned(),
        kind: step.type_name().to_owned(),
        name: step.name.as_ref().map(|text| words(playbook, &at("name"), text)),
        description: step.description.as_ref().map(|text| words(playbook, &at("description"), text)),
        agent: None,
        targets: Vec::new(),
        commands: Vec::new(),
        condition: None,
        calls: None,
        safeguards: Safeguards::of(step).map(|the| told_safeguards(&the)),
        delay_ms: step.delay_ms,
        timeout_ms: step.timeout_ms,
        in_args: Vec::new(),
        out_args: Vec::new(),
    };
    match &step.kind {
        StepKind::Action(action) => {
            told.agent = Some(action.agent.clone());
            told.targets.clone_from(&action.targets);
            let commands = action.commands.iter().enumerate();
            told.commands = commands
                .map(|(number, command)| {
                    told_command(playbook, &at(&format!("commands/{number}/command")), command)
                })
                .collect();
            told.in_args.clone_from(&action.in_args);
            told.out_args.clone_from(&action.out_args);
        }
        StepKind::Playbook(action) => {
            told.calls = Some(action.playbook_id.clone());
            told.in_args.clone_from(&action.in_args);
            told.out_args.clone_from(&action.out_args);
        }
        StepKind::If(the) => told.condition = Some(the.condition.clone()),
        StepKind::While(the) => told.condition = Some(the.condition.clone()),
        StepKind::Switch(the) => told.condition = Some(the.switch.clone()),
        StepKind::Start | StepKind::End | StepKind::Parallel(_) | StepKind::Unknown(_) => {}
    }
    told
}

fn told_command(playbook: &Playbook, pointer: &str, command: &Command) -> PlaybookCommand {
    PlaybookCommand {
        kind: command.kind.as_str().to_owned(),
        text: words(playbook, pointer, &command.text().unwrap_or_default()),
        body: command.body().and_then(|body| String::from_utf8(body).ok()),
        activity: command.playbook_activity.clone(),
    }
}

fn told_safeguards(the: &Safeguards) -> StepSafeguards {
    let (approval, radius) = (the.approval.as_ref(), the.blast_radius.as_ref());
    StepSafeguards {
        approvals: approval.map(|approval| approval.required),
        approvers: approval.map(|approval| approval.approvers.clone()).unwrap_or_default(),
        exclude_requester_organisation: approval
            .is_some_and(|approval| approval.exclude_requester_organization),
        approval_expires_after_ms: approval.map(|approval| approval.expires_after_ms),
        basis: the.authority.as_ref().map(|authority| authority.basis.clone()),
        reference: the.authority.as_ref().and_then(|authority| authority.reference.clone()),
        inverse: the.inverse.iter().map(Option::is_some).collect(),
        rollout: the.rollout.as_ref().map(told_rollout),
        addresses_max: radius.and_then(|radius| radius.addresses_max),
        ipv4_prefix_min: radius.and_then(|radius| radius.ipv4_prefix_min),
        ipv6_prefix_min: radius.and_then(|radius| radius.ipv6_prefix_min),
        traffic_percent_max: radius.and_then(|radius| radius.traffic_percent_max),
        actions_per_hour_max: radius.and_then(|radius| radius.actions_per_hour_max),
        stop_after_ms: the.stop_after_ms,
    }
}

/// How commands are tried, in the words of the wire.
pub(super) fn told_rollout(rollout: &cacao::Rollout) -> api::Rollout {
    api::Rollout {
        shadow_ms: rollout.shadow_ms,
        canary: rollout.canary,
        canary_watch_ms: rollout.canary_watch_ms,
    }
}
