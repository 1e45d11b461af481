//! `yagura admin policy`: what is in force, and proposals of a change. Whoever has the data folder in hand is one of the two persons
//! that a change takes, and not both.

use std::path::Path;
use std::process::ExitCode;

use hub::policies::{PolicyKeeper, PolicyStatus, Proposed, Who};
use serde_json::{Value, json};

use crate::admin::{Answer, Refused, Request, refusal};
use crate::cli::PolicyCommand;
use crate::output::{Failure, Output};

/// The command as the running hub is asked it.
pub(crate) fn request(command: PolicyCommand) -> Result<Request, Failure> {
    Ok(match command {
        PolicyCommand::Reload => Request::ReloadPolicies,
        PolicyCommand::Proposals => Request::ListPolicyProposals,
        PolicyCommand::Propose { folder, reason } => {
            let files = hub::policies::read_folder(&folder).map_err(|error| refusal(of_hub(error)))?;
            Request::ProposePolicies { reason, files }
        }
        PolicyCommand::Approve { id, text } => Request::ApprovePolicies { id, text },
        PolicyCommand::Withdraw { id, text } => Request::WithdrawPolicies { id, text },
        // `check` needs no hub and was dealt with before.
        PolicyCommand::Show | PolicyCommand::Check { .. } => Request::ShowPolicies,
    })
}

/// Carries it out in the hub that runs.
pub(crate) async fn execute(keeper: &PolicyKeeper, request: Request) -> Result<Answer, Refused> {
    Ok(match request {
        Request::ReloadPolicies => policies(&keeper.reload().await.map_err(of_hub)?),
        Request::ListPolicyProposals => {
            let found = keeper.proposals().await?;
            let told: Vec<Answer> = found.iter().map(one).collect();
            let lines = told.iter().flat_map(|answer| answer.lines.clone()).collect();
            Answer { lines, value: told.into_iter().map(|answer| answer.value).collect() }
        }
        Request::ProposePolicies { reason, files } => {
            proposed(&keeper.propose(Who::node(), &reason, files).await?)
        }
        Request::ApprovePolicies { id, text } => {
            one(&keeper.approve(Who::node(), &id, None, &text).await?.proposal)
        }
        Request::WithdrawPolicies { id, text } => one(&keeper.close(Who::node(), &id, &text).await?.proposal),
        _ => policies(&keeper.status()),
    })
}

/// Compiles a folder as a hub would, without a hub.
pub(crate) fn check(output: &Output, folder: &Path) -> Result<ExitCode, Failure> {
    let (hash, files) = hub::policies::check(folder).map_err(|error| refusal(of_hub(error)))?;
    if output.is_json() {
        output.object(&json!({ "hash": hash, "files": files }));
    } else {
        output.result(&hash);
    }
    Ok(ExitCode::SUCCESS)
}

fn of_hub(error: hub::HubError) -> Refused {
    Refused { code: error.code.to_owned(), message: error.message }
}

fn policies(status: &PolicyStatus) -> Answer {
    let folder = status.folder.as_ref().map(|folder| folder.display().to_string());
    let mut lines = vec![
        format!("{}\t{}\t{}", status.hash, status.since, folder.as_deref().unwrap_or("built-in")),
        status.files.join("\t"),
    ];
    if let Some(refused) = &status.refused {
        lines.push(format!("refused since {}: {}", refused.at, refused.why));
    }
    let refused = status.refused.as_ref().map(|refused| json!({ "at": refused.at, "why": refused.why }));
    let value = json!({
        "hash": status.hash, "since": status.since, "folder": folder, "files": status.files, "refused": refused,
    });
    Answer { lines, value }
}

/// A proposal that was just made, with what it would change: a line for each kind of readers.
fn proposed(made: &Proposed) -> Answer {
    let mut answer = one(&made.proposal);
    let findings: Value = serde_json::from_str(&made.proposal.examined).unwrap_or_default();
    let effects = findings.get("effects").and_then(Value::as_array);
    answer.lines.extend(effects.into_iter().flatten().map(effect));
    answer.lines.extend(findings.get("proof").filter(|proof| !proof.is_null()).map(proof));
    if let Some(value) = answer.value.as_object_mut() {
        value.insert("findings".to_owned(), findings);
    }
    answer
}

fn one(proposal: &store::proposals::Proposal) -> Answer {
    let state = proposal.state.name();
    let line =
        format!("{}\t{state}\t{}\t{}\t{}", proposal.id, proposal.set, proposal.proposer, proposal.expires);
    let value = json!({
        "id": proposal.id, "state": state, "set": proposal.set, "base": proposal.base, "proposer": proposal.proposer,
        "reason": proposal.reason, "expires": proposal.expires, "decider": proposal.decider, "answer": proposal.answer,
    });
    Answer { lines: vec![line], value }
}

fn proof(proof: &Value) -> String {
    let text = |name: &str| proof[name].as_str().unwrap_or_default().to_owned();
    format!("proof\t{}\t{}\t{}", text("within_safety"), text("compared"), text("why"))
}

fn effect(effect: &Value) -> String {
    let text = |name: &str| effect[name].as_str().unwrap_or_default().to_owned();
    let list = |name: &str| {
        let members = effect[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        members.collect::<Vec<_>>().join(",")
    };
    format!(
        "{}\t{}\t{}\t+{}\t-{}\t+{}\t-{}",
        text("kind"),
        text("organisation_role"),
        list("roles"),
        effect["gained"],
        effect["lost"],
        list("may_now"),
        list("may_no_more"),
    )
}
