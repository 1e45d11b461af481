//! Runs of playbooks: where they stand, what they ask, what people did, and what was ordered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    CodedText, GateReason, OrderContext, OrderPerson, OrderReport, OrderState, PlaybookGraph, Words,
};

/// A playbook is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// Made by whoever asks: sent again, it is the same run.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Which playbook.
    pub playbook: String,
    /// Which version (`modified`); absent: the newest that may run.
    pub version: Option<String>,
    /// The case that it answers: a STIX identifier.
    pub case: Option<String>,
    /// Values of the playbook's external variables.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: BTreeMap<String, Value>,
    /// Only rehearse it: every command is rendered and put before the gates, nobody is asked, and nothing is ordered.
    #[serde(default)]
    pub dry_run: bool,
}

/// Runs, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// At most as many as were asked for.
    pub runs: Vec<RunSummary>,
    /// Ask on with this as `after`.
    pub next: Option<String>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on by itself.
    Running,
    /// It waits for people, an edge, or a time.
    Waiting,
    /// Somebody paused it.
    Paused,
    /// It came to its end.
    Succeeded,
    /// It ended by a failure.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSummary {
    /// Its identifier.
    pub id: String,
    /// The playbook.
    pub playbook: String,
    /// Its version.
    pub version: String,
    /// The playbook's name.
    pub name: Words,
    /// The case that it answers.
    pub case: Option<String>,
    /// How it stands.
    pub state: RunState,
    /// Why it failed, in words.
    pub why: Option<String>,
    /// The same by its code, where a gate said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_reason: Option<GateReason>,
    /// Who asked for it.
    pub requested_by: OrderPerson,
    /// The organisation of whoever asked.
    pub organisation: String,
    /// When it began: RFC 3339.
    pub started: String,
    /// When it last changed.
    pub changed: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Questions for approval that are open.
    pub questions: u32,
    /// Manual steps that are to be done.
    pub tasks: u32,
    /// Commands of which nobody knows what became.
    pub unknown: u32,
    /// Whether it is only rehearsed: nothing of it was ordered.
    #[serde(default)]
    pub dry_run: bool,
}

/// A run, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// See there.
    pub summary: RunSummary,
    /// The graph of its playbook.
    pub graph: PlaybookGraph,
    /// The steps that it entered, in order.
    pub steps: Vec<RunStep>,
    /// The variables of its playbook, with their values now.
    pub variables: Vec<RunVariable>,
    /// Questions for approval, the newest first.
    pub questions: Vec<RunQuestion>,
    /// Manual steps, those to be done first.
    pub tasks: Vec<RunTask>,
    /// Commands to edges and configured agents, in the order in which they left.
    pub commands: Vec<RunDispatch>,
    /// What happened, in order.
    pub events: Vec<RunEvent>,
    /// Whether the caller may do what a requester may: cancel.
    pub may_cancel: bool,
}

/// A step that a run entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunStep {
    /// The playbook: another one where the run's own called it.
    pub playbook: String,
    /// The step.
    pub step: String,
    /// `delayed`, `under_way` or `over`.
    pub state: String,
}

/// A variable of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunVariable {
    /// `__name__`
    pub name: String,
    /// Its type, as CACAO names it.
    pub kind: String,
    /// What it is.
    pub description: Option<Words>,
    /// Its value now.
    #[schema(value_type = Option<Object>)]
    pub value: Value,
}

/// A question for approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunQuestion {
    /// Its number in the run, from 0.
    pub number: u32,
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// The step's name.
    pub step_name: Option<Words>,
    /// `open`, `granted` or `closed`.
    pub state: String,
    /// Over all that would be carried out, in hexadecimal: an answer is bound to it. None where the question is not open.
    pub hash: Option<String>,
    /// Until when it stands.
    pub expires: String,
    /// How many must agree, each of another organisation.
    pub required: u32,
    /// Who has agreed.
    pub given: Vec<OrderPerson>,
    /// Exactly what would be carried out. Empty where the question is not open.
    pub commands: Vec<RunCommand>,
    /// Whether the caller may answer, after signing in again where that is asked.
    pub may_answer: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// The same by its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not_reason: Option<CodedText>,
    /// Where one person may agree alone in an emergency: how long the effect lasts then, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone_ms: Option<u64>,
}

/// What one person approved alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoneApprovalList {
    /// Those without a review, what is due first; then the newest others.
    pub approvals: Vec<LoneApproval>,
}

/// An approval by one person alone, in an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoneApproval {
    /// Its id.
    pub id: String,
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// Over what was agreed to.
    pub hash: String,
    /// Who agreed.
    pub approved_by: OrderPerson,
    /// The organisation that asked for the run.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// Until when it is to be reviewed: RFC 3339.
    pub review_due: String,
    /// `waits`, `overdue`, `justified` or `unjustified`.
    pub state: String,
    /// Who reviewed it.
    pub reviewed_by: Option<OrderPerson>,
    /// What was found.
    pub finding: Option<String>,
    /// Whether the caller may review it.
    pub may_review: bool,
}

/// Whether an approval by one person alone was justified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoneApprovalReview {
    /// Whether it was.
    pub justified: bool,
    /// What was found, in words.
    pub finding: String,
}

/// A command with its variables replaced: exactly what would be, or was, carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunCommand {
    /// Its idempotency key in the run.
    pub key: String,
    /// `manual`, `openc2-http`, `http-api` …
    pub kind: String,
    /// Its text.
    pub text: Option<String>,
    /// Its body.
    pub body: Option<String>,
    /// Who carries it out.
    pub agent: String,
    /// On what.
    pub target: Option<String>,
    /// What undoes it: the inverse command's text or body.
    pub inverse: Option<String>,
    /// How long its effect lasts, in milliseconds.
    pub stop_after_ms: Option<u64>,
    /// The legal basis, in words.
    pub basis: Option<String>,
    /// What holds the decision.
    pub reference: Option<String>,
    /// What must hold.
    pub radius: Option<RunRadius>,
    /// How it is tried before it holds everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

/// How commands are tried before they hold everywhere. A failure takes back what the step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rollout {
    /// How long each edge only counts what it would hit, in milliseconds.
    pub shadow_ms: Option<u64>,
    /// Whether the first target goes first and alone.
    pub canary: bool,
    /// How long that has to have it before the others follow, in milliseconds.
    pub canary_watch_ms: u64,
}

/// How much a command may hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunRadius {
    /// Addresses and networks that one command may name.
    pub addresses_max: Option<u64>,
    /// The shortest prefix of an IPv4 network.
    pub ipv4_prefix_min: Option<u8>,
    /// The shortest prefix of an IPv6 network.
    pub ipv6_prefix_min: Option<u8>,
    /// Share of the traffic, in percent.
    pub traffic_percent_max: Option<f64>,
    /// Commands of this kind within an hour.
    pub actions_per_hour_max: Option<u64>,
}

/// A command that left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDispatch {
    /// What.
    pub command: RunCommand,
    /// The step.
    pub step: String,
    /// `dispatched`, `unknown`, `done`, `failed` or `again`.
    pub state: String,
    /// When its effect ends.
    pub stops: Option<String>,
    /// The command that it undoes.
    pub undoes: Option<String>,
}

/// A manual step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunTask {
    /// Its key in the run.
    pub key: String,
    /// The run.
    pub run: String,
    /// The step.
    pub step: String,
    /// The step's name.
    pub step_name: Option<Words>,
    /// What is to be done, in each language of the playbook.
    pub text: Words,
    /// Who is to do it, as the playbook says.
    pub agent: Words,
    /// `open`, `unknown`, `done` or `failed`.
    pub state: String,
    /// What it is to give back.
    pub gives: Vec<RunVariable>,
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunEvent {
    /// Its place, from 1.
    pub number: u64,
    /// When: RFC 3339.
    pub at: String,
    /// `started`, `step-entered`, `approval-given`, `dispatched` … as the run's own events are named.
    pub event: String,
    /// The step that it is about.
    pub step: Option<String>,
    /// Who did it.
    pub by: Option<OrderPerson>,
    /// In words: a reason given, why a gate refused, what an agent answered.
    pub detail: Option<String>,
    /// The same by its code, where a gate said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail_reason: Option<GateReason>,
}

/// An answer to a question for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAnswer {
    /// The hash that was shown: what is agreed to.
    pub hash: String,
    /// In words; needed for a refusal.
    pub reason: Option<String>,
}

/// A run is to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCancel {
    /// In words.
    pub reason: String,
    /// Whether what was done is undone.
    #[serde(default)]
    pub undo: bool,
}

/// A run is to begin nothing new for a while, or to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunPause {
    /// In words.
    pub reason: String,
}

/// A manual step was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTaskDone {
    /// Values of the variables that it gives back.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, Value>,
}

/// A manual step could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTaskFailed {
    /// In words.
    pub reason: String,
}

/// What was found out about a command of which nobody knew what became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "found", rename_all = "snake_case", deny_unknown_fields)]
pub enum RunFound {
    /// It was carried out.
    Happened {
        /// Values of the variables that it gives back.
        #[serde(default)]
        #[schema(value_type = Object)]
        values: BTreeMap<String, Value>,
    },
    /// It never arrived: it is sent again.
    NotHappened,
    /// It failed, or nobody will ever know.
    Failed {
        /// In words.
        reason: String,
    },
}

/// Orders to edges, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderList {
    /// At most as many as were asked for.
    pub orders: Vec<OrderInfo>,
    /// Ask on with this as `after`.
    pub next: Option<String>,
    /// What an edge's operator puts into its configuration, so that the hub's signature counts there.
    pub key: OrderKey,
}

/// The key that a hub signs its orders with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderKey {
    /// The issuer's name in each signature.
    pub issuer: String,
    /// The Ed25519 public key, 64 hexadecimal digits.
    pub key: String,
}

/// An order to an edge, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderInfo {
    /// The command's identifier.
    pub command_id: String,
    /// The edge.
    pub edge: String,
    /// The edge's organisation.
    pub organisation: String,
    /// Its name.
    pub organisation_name: String,
    /// Its place in the hub's list for this edge.
    pub sequence: i64,
    /// Why it was ordered, by whom and on which authority.
    pub about: OrderContext,
    /// The OpenC2 command.
    #[schema(value_type = Object)]
    pub command: Value,
    /// When it was ordered.
    pub ordered: String,
    /// From when the edge may not take it any more.
    pub expires: String,
    /// When its effect ends.
    pub stops: Option<String>,
    /// How it stands, by the edge's newest report; none: the edge has said nothing.
    pub state: Option<OrderState>,
    /// Packets or questions that it stopped.
    pub stopped: Option<u64>,
    /// The edge's reports, oldest first; the newest 50.
    pub reports: Vec<OrderReport>,
    /// The command that undoes it, where that was ordered.
    pub undone_by: Option<String>,
    /// Whether the caller may have it undone.
    pub may_undo: bool,
}

/// An order is to be undone before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderUndo {
    /// In words.
    pub reason: String,
}
