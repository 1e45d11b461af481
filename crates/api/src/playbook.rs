//! Playbooks: what may be carried out, what is wrong with it, and its graph.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Words;

/// The playbooks that the hub has, each in its newest version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookList {
    /// By name.
    pub playbooks: Vec<PlaybookSummary>,
}

/// A playbook in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookSummary {
    /// `playbook--…`
    pub id: String,
    /// Its version: `modified`, as the document writes it.
    pub modified: String,
    /// Its name.
    pub name: Words,
    /// What it is for.
    pub description: Option<Words>,
    /// `playbook_types`
    pub types: Vec<String>,
    /// `playbook_activities`
    pub activities: Vec<String>,
    /// `labels`
    pub labels: Vec<String>,
    /// `severity`, 1 to 100.
    pub severity: Option<u8>,
    /// Whether it came with the program.
    pub library: bool,
    /// The organisation that brought it; none for the library.
    pub organisation: Option<String>,
    /// Its name.
    pub organisation_name: Option<String>,
    /// When it was brought: RFC 3339.
    pub added: String,
    /// Who signed it, of those whose keys count here: STIX identities.
    pub signers: Vec<String>,
    /// Findings that are errors.
    pub errors: u32,
    /// Findings that are not.
    pub warnings: u32,
    /// Whether its creator withdrew it.
    pub revoked: bool,
    /// Whether it may run here now.
    pub runnable: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// The same by its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not_reason: Option<CodedText>,
    /// How many versions there are here.
    pub versions: u32,
}

/// A playbook that is brought: the document, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlaybook {
    /// The document's text, byte for byte; at most 1 MiB.
    pub document: String,
}

/// What became of a playbook that was brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookAdded {
    /// The playbook.
    pub playbook: PlaybookSummary,
    /// What is to be said of it, the heaviest first.
    pub findings: Vec<PlaybookFinding>,
    /// Whether it was here before, byte for byte.
    pub already: bool,
}

/// One playbook in one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Playbook {
    /// See there.
    pub summary: PlaybookSummary,
    /// SHA-256 of its canonical form without signatures, in hexadecimal.
    pub digest: String,
    /// The document.
    #[schema(value_type = Object)]
    pub document: Value,
    /// What is to be said of it, the heaviest first.
    pub findings: Vec<PlaybookFinding>,
    /// Its steps.
    pub graph: PlaybookGraph,
    /// Its variables, by name.
    pub variables: Vec<PlaybookVariable>,
    /// Who carries out, and on what: agents and targets.
    pub agents: Vec<PlaybookAgent>,
    /// Its versions that are here (`modified`), the newest first.
    pub versions: Vec<String>,
}

/// Something to be said of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookFinding {
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// A stable code.
    pub code: String,
    /// Where: a JSON pointer.
    pub at: String,
    /// In words.
    pub message: String,
    /// The same by a code: one for each sentence, where `code` may have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<CodedText>,
}

/// What an English text beside it says, for who says it in another language: the text counts where the code is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodedText {
    /// A stable code.
    pub code: String,
    /// What stands in the places of its text, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, String>,
}

impl CodedText {
    /// A code with what stands in the places of its text.
    #[must_use]
    pub fn new(code: &str, arguments: &BTreeMap<&'static str, String>) -> Self {
        let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Self { code: code.to_owned(), arguments: arguments.collect() }
    }
}

/// The steps of a playbook, and how they follow each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookGraph {
    /// `workflow_start`
    pub start: Option<String>,
    /// `workflow_exception`: where it goes when something fails.
    pub exception: Option<String>,
    /// All steps, in the order of a walk from the start.
    pub steps: Vec<PlaybookStep>,
    /// What leads from one step to another.
    pub edges: Vec<PlaybookEdge>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookStep {
    /// Its identifier in the playbook.
    pub id: String,
    /// `start`, `end`, `action`, `playbook-action`, `parallel`, `if-condition`, `while-condition`, `switch-condition`
    pub kind: String,
    /// Its name.
    pub name: Option<Words>,
    /// What it is for.
    pub description: Option<Words>,
    /// Who carries it out: see [`Playbook::agents`].
    pub agent: Option<String>,
    /// On what.
    pub targets: Vec<String>,
    /// What is carried out, in order; variables are not replaced.
    pub commands: Vec<PlaybookCommand>,
    /// What is decided on: a condition, or the variable of a switch.
    pub condition: Option<String>,
    /// The playbook that it calls.
    pub calls: Option<String>,
    /// What must hold, and what undoes it.
    pub safeguards: Option<StepSafeguards>,
    /// What is waited before it, in milliseconds.
    pub delay_ms: Option<u64>,
    /// After how long it fails, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Variables that it takes.
    pub in_args: Vec<String>,
    /// Variables that it gives.
    pub out_args: Vec<String>,
}

/// One command of a step, as the playbook writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookCommand {
    /// `manual`, `openc2-http`, `http-api`, `bash` …
    pub kind: String,
    /// Its text.
    pub text: Words,
    /// Its body, where it has one that is text.
    pub body: Option<String>,
    /// `playbook_activity`
    pub activity: Option<String>,
}

/// What must hold before a step's commands are carried out, and what undoes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepSafeguards {
    /// How many must agree, each of another organisation; none: no approval is asked by the playbook.
    pub approvals: Option<u32>,
    /// Which organisations may (STIX identities); any where empty.
    pub approvers: Vec<String>,
    /// Whether nobody of the requester's organisation may agree.
    pub exclude_requester_organisation: bool,
    /// How long the question stands, in milliseconds.
    pub approval_expires_after_ms: Option<u64>,
    /// The legal basis, in words.
    pub basis: Option<String>,
    /// What holds the decision.
    pub reference: Option<String>,
    /// For each command, whether something undoes it.
    pub inverse: Vec<bool>,
    /// How it is tried before it holds everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<crate::Rollout>,
    /// Addresses and networks that one command may name.
    pub addresses_max: Option<u64>,
    /// The shortest prefix of an IPv4 network.
    pub ipv4_prefix_min: Option<u8>,
    /// The shortest prefix of an IPv6 network.
    pub ipv6_prefix_min: Option<u8>,
    /// Share of the traffic that a trial run may meet, in percent.
    pub traffic_percent_max: Option<f64>,
    /// Commands of this kind within an hour.
    pub actions_per_hour_max: Option<u64>,
    /// After how long the effect ends, in milliseconds.
    pub stop_after_ms: Option<u64>,
}

/// What leads from one step to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookEdge {
    /// The step before.
    pub from: String,
    /// The step after.
    pub to: String,
    /// `on_completion`, `on_success`, `on_failure`, or `branch` into a branch, a case or a turn.
    pub kind: String,
    /// Of a branch: `true`, `false`, the case, or the number of the branch.
    pub case: Option<String>,
}

/// A variable of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookVariable {
    /// `__name__`
    pub name: String,
    /// Its type, as CACAO names it.
    pub kind: String,
    /// What it is.
    pub description: Option<Words>,
    /// Its value.
    #[schema(value_type = Option<Object>)]
    pub value: Value,
    /// Whether nobody may change it.
    pub constant: bool,
    /// Whether whoever starts the playbook gives its value.
    pub external: bool,
}

/// Who carries out, or on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaybookAgent {
    /// Its identifier in the playbook.
    pub id: String,
    /// `group`, `organization`, `security-category`, `http-api` …
    pub kind: String,
    /// Its name.
    pub name: Words,
    /// `agent` or `target`.
    pub role: String,
}
