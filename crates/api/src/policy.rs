use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Words;

/// A file of a set of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Its name: `….cedar`, `….cedarschema`, or `agreements/….toml`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The policies in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoliciesInForce {
    /// Stands for the set: SHA-256 over names and texts, hexadecimal.
    pub set: String,
    /// Since when: RFC 3339.
    pub since: String,
    /// How they are changed: `folder` or `proposals`.
    pub changes: String,
    /// The files.
    pub files: Vec<PolicyFile>,
    /// What no policy may ever allow.
    pub safety: PolicyFile,
    /// What lies in the folder and was not taken up, and why.
    pub refused: Option<String>,
}

/// Other policies are proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicyProposal {
    /// Why.
    pub reason: String,
    /// The whole set that is to take the place of the one in force. Agreements and the schema need not be among them: they stay.
    pub files: Vec<PolicyFile>,
}

/// Proposals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyProposalList {
    /// The open ones first, then the newest.
    pub proposals: Vec<PolicyProposal>,
}

/// A proposed set of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyProposal {
    /// Its id.
    pub id: String,
    /// Stands for the set that is proposed; an approval names it.
    pub set: String,
    /// Stands for the set in force when it was proposed: it takes the place of no other.
    pub base: String,
    /// Why.
    pub reason: String,
    /// The account that proposed it; `node` for whoever has the data folder in hand.
    pub proposer: String,
    /// That person's name.
    pub proposer_name: Option<String>,
    /// When: RFC 3339.
    pub proposed: String,
    /// Until when it can be approved: RFC 3339.
    pub expires: String,
    /// `open`, `approved`, `refused`, `withdrawn`, `expired`.
    pub state: String,
    /// The account that decided, or `node`.
    pub decider: Option<String>,
    /// That person's name.
    pub decider_name: Option<String>,
    /// When: RFC 3339.
    pub decided: Option<String>,
    /// What was said to it.
    pub answer: Option<String>,
    /// What it would change, as it stood when it was proposed.
    pub findings: PolicyFindings,
    /// The files; absent in lists.
    pub files: Option<Vec<PolicyFile>>,
}

/// The decision on a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDecision {
    /// `approve`, `refuse` or `withdraw`.
    pub decision: String,
    /// The set that is approved: the one that was looked at.
    pub set: String,
    /// What is said to it.
    pub text: String,
}

/// What a set of policies would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyFindings {
    /// Readers that were asked about: accounts, tokens, edges, peers.
    pub readers: u64,
    /// Labels.
    pub labels: u64,
    /// Objects under them, by their newest version.
    pub objects: u64,
    /// Whether readers were asked about for every purpose for which they are given anything; else for the usual one alone, because there
    /// are too many.
    pub all_purposes: bool,
    /// Who gains and who loses; empty where nobody does.
    pub effects: Vec<PolicyEffect>,
    /// Kinds of readers for whom something changes and who are not shown.
    pub effects_left: u64,
    /// Made-up situations in which the set was held against the safety specification, beside those of the store. It was broken in none; that
    /// is no proof.
    pub tried: u64,
    /// What was proved of it; absent where the hub has no prover.
    #[serde(default)]
    pub proof: Option<PolicyProof>,
}

/// What was proved of a set of policies, over all requests that its schema lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyProof {
    /// Kinds of requests (of a principal, an action and a resource) that it is about.
    pub environments: u64,
    /// `proved`: nothing is allowed that the safety specification forbids; `open`: that was not proved. A set that is shown to break it
    /// is refused.
    pub within_safety: String,
    /// What it allows beside the set in force: the `same`, `narrower`, `wider`, `different`; `not_comparable` where they have different
    /// schemas; `open` where it was not proved.
    pub compared: String,
    /// Policies that fail on some request; a failing policy denies.
    pub may_fail: Vec<String>,
    /// A request that would be allowed and is not now.
    pub gained: Option<Words>,
    /// A request that is allowed now and no longer would be.
    pub lost: Option<Words>,
    /// Why something is open.
    pub why: Option<String>,
}

/// What changes for readers of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyEffect {
    /// `person`, `program`, `edge` or `peer`.
    pub kind: String,
    /// What their organisations are.
    pub organisation_role: String,
    /// Their roles.
    pub roles: Vec<String>,
    /// Their organisations, as many as are named.
    pub organisations: Vec<String>,
    /// How many organisations there are.
    pub organisation_count: u64,
    /// How many readers there are.
    pub readers: u64,
    /// Objects that at least one of them would see and does not see now.
    pub gained: u64,
    /// Objects that at least one of them sees now and would not see.
    pub lost: u64,
    /// The labels with the most of the objects gained.
    pub gained_examples: Vec<PolicyExample>,
    /// The labels with the most of the objects lost.
    pub lost_examples: Vec<PolicyExample>,
    /// What they could do and cannot now, as it is called in policies.
    pub may_now: Vec<String>,
    /// What they could no longer do.
    pub may_no_more: Vec<String>,
    /// Purposes for which they would be given information and are not now.
    pub purposes_gained: Vec<String>,
    /// Purposes for which they no longer would.
    pub purposes_lost: Vec<String>,
}

/// Objects under one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyExample {
    /// TLP level, or `unmarked`.
    pub tlp: String,
    /// Class of objects.
    pub class: String,
    /// Who brought them in.
    pub originator: String,
    /// How many.
    pub objects: u64,
}
