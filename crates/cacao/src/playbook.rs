use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use stix::Timestamp;

use crate::check;
use crate::document::{self, ParseError};
use crate::finding::{Finding, Severity};
use crate::parts::{
    AgentTarget, AuthenticationInfo, ExtensionDefinition, ExternalReference, Marking, Summary,
};
use crate::read::Reader;
use crate::signature::Signature;
use crate::step::Step;
use crate::variable::Variable;

/// The most steps of a playbook.
pub const STEPS_MAX: usize = 2_000;
/// The most branches of one parallel step, and the most cases of one switch.
pub const BRANCHES_MAX: usize = 64;
/// The most agents, targets, variables, markings, extensions or signatures, each.
pub const DEFINITIONS_MAX: usize = 2_000;

/// A playbook (CACAO 2.0 §3): the bytes as they came, a reading of them, and what is to say about it.
///
/// The reading is lenient: what has the wrong type is left out of it and is a finding. [`Playbook::bytes`] gives back what came, unknown
/// properties and the order of names included.
#[derive(Clone)]
pub struct Playbook {
    bytes: Arc<[u8]>,
    document: Map<String, Value>,
    digest: [u8; 32],
    findings: Vec<Finding>,
    /// `id`
    pub id: String,
    /// `spec_version`
    pub spec_version: String,
    /// `name`
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// `playbook_types`
    pub playbook_types: Vec<String>,
    /// `playbook_activities`
    pub playbook_activities: Vec<String>,
    /// `playbook_processing_summary`
    pub processing_summary: Option<Summary>,
    /// `created_by`
    pub created_by: Option<String>,
    /// `created`
    pub created: Option<Timestamp>,
    /// `modified`: the version.
    pub modified: Option<Timestamp>,
    /// `revoked`
    pub revoked: bool,
    /// `valid_from`
    pub valid_from: Option<Timestamp>,
    /// `valid_until`
    pub valid_until: Option<Timestamp>,
    /// `derived_from`
    pub derived_from: Vec<String>,
    /// `related_to`
    pub related_to: Vec<String>,
    /// `priority`, 1 (highest) to 100; 0 is undefined.
    pub priority: Option<u8>,
    /// `severity`, 1 to 100 (gravest).
    pub severity: Option<u8>,
    /// `impact`, 1 to 100 (gravest).
    pub impact: Option<u8>,
    /// `industry_sectors`
    pub industry_sectors: Vec<String>,
    /// `labels`
    pub labels: Vec<String>,
    /// `external_references`
    pub external_references: Vec<ExternalReference>,
    /// `markings`
    pub markings: Vec<String>,
    /// `playbook_variables`
    pub variables: BTreeMap<String, Variable>,
    /// `workflow_start`
    pub workflow_start: Option<String>,
    /// `workflow_exception`
    pub workflow_exception: Option<String>,
    /// `workflow`
    pub workflow: BTreeMap<String, Step>,
    /// `playbook_extensions`
    pub extensions: BTreeMap<String, Value>,
    /// `authentication_info_definitions`
    pub authentication_info: BTreeMap<String, AuthenticationInfo>,
    /// `agent_definitions`
    pub agents: BTreeMap<String, AgentTarget>,
    /// `target_definitions`
    pub targets: BTreeMap<String, AgentTarget>,
    /// `extension_definitions`
    pub extension_definitions: BTreeMap<String, ExtensionDefinition>,
    /// `data_marking_definitions`
    pub marking_definitions: BTreeMap<String, Marking>,
    /// `signatures`
    pub signatures: Vec<Signature>,
}

impl Playbook {
    /// Reads a playbook and judges it.
    ///
    /// # Errors
    /// Only what is no playbook, or too large to be judged in bounded time. Everything else is a finding.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let read = document::read(bytes)?;
        match read.map.get("type") {
            Some(Value::String(kind)) if kind == "playbook" => {}
            Some(other) => {
                return Err(ParseError::NotAPlaybook(other.to_string().chars().take(60).collect()));
            }
            None => return Err(ParseError::NotAPlaybook("missing".to_owned())),
        }
        within_bounds(&read.map)?;
        let mut playbook = Self::from_map(bytes, read.map);
        playbook.findings = check::playbook(&playbook, &read.duplicates);
        Ok(playbook)
    }

    fn from_map(bytes: &[u8], document: Map<String, Value>) -> Self {
        let r = Reader(&document);
        let percent = |name| r.whole(name).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 100);
        Self {
            bytes: bytes.into(),
            digest: hash_without_signatures(&document),
            findings: Vec::new(),
            id: r.text_or_empty("id"),
            spec_version: r.text_or_empty("spec_version"),
            name: r.text_or_empty("name"),
            description: r.text("description"),
            playbook_types: r.texts("playbook_types"),
            playbook_activities: r.texts("playbook_activities"),
            processing_summary: r.object("playbook_processing_summary").map(Summary::read),
            created_by: r.text("created_by"),
            created: r.time("created"),
            modified: r.time("modified"),
            revoked: r.flag("revoked"),
            valid_from: r.time("valid_from"),
            valid_until: r.time("valid_until"),
            derived_from: r.texts("derived_from"),
            related_to: r.texts("related_to"),
            priority: percent("priority"),
            severity: percent("severity"),
            impact: percent("impact"),
            industry_sectors: r.texts("industry_sectors"),
            labels: r.texts("labels"),
            external_references: r.objects("external_references", ExternalReference::read),
            markings: r.texts("markings"),
            variables: r.dictionary("playbook_variables", |_, map| Variable::read(map)),
            workflow_start: r.text("workflow_start"),
            workflow_exception: r.text("workflow_exception"),
            workflow: r.dictionary("workflow", |_, map| Step::read(map)),
            extensions: r.values("playbook_extensions"),
            authentication_info: r
                .dictionary("authentication_info_definitions", |_, map| AuthenticationInfo::read(map)),
            agents: r.dictionary("agent_definitions", |_, map| AgentTarget::read(map)),
            targets: r.dictionary("target_definitions", |_, map| AgentTarget::read(map)),
            extension_definitions: r
                .dictionary("extension_definitions", |_, map| ExtensionDefinition::read(map)),
            marking_definitions: r.dictionary("data_marking_definitions", |_, map| Marking::read(map)),
            signatures: r.objects("signatures", Signature::read),
            document,
        }
    }

    /// The document as it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The document as values, in its own order.
    #[must_use]
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// SHA-256 over the canonical form (RFC 8785) without `signatures`: what one version of one playbook says. Adding a signature
    /// changes no version (§3.1) and does not change this.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What is to say about it, the heaviest first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether it may run as far as its own text goes: no finding is an error.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}

impl std::fmt::Debug for Playbook {
    // Variables and authentication information can hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playbook")
            .field("id", &self.id)
            .field("modified", &self.modified)
            .field("digest", &hex::encode(self.digest))
            .finish_non_exhaustive()
    }
}

/// Sizes that decide how long judging and running take.
fn within_bounds(document: &Map<String, Value>) -> Result<(), ParseError> {
    let check = |what, value: Option<&Value>, max| {
        let count = match value {
            Some(Value::Array(list)) => list.len(),
            Some(Value::Object(map)) => map.len(),
            _ => 0,
        };
        if count > max { Err(ParseError::TooMany { what, count, max }) } else { Ok(()) }
    };
    let steps = document.get("workflow");
    check("steps", steps, STEPS_MAX)?;
    for (what, name) in [
        ("variables", "playbook_variables"),
        ("authentication definitions", "authentication_info_definitions"),
        ("agents", "agent_definitions"),
        ("targets", "target_definitions"),
        ("extension definitions", "extension_definitions"),
        ("marking definitions", "data_marking_definitions"),
        ("signatures", "signatures"),
        ("external references", "external_references"),
    ] {
        check(what, document.get(name), DEFINITIONS_MAX)?;
    }
    for step in steps.and_then(Value::as_object).into_iter().flat_map(Map::values) {
        check("branches of one step", step.get("next_steps"), BRANCHES_MAX)?;
        check("cases of one step", step.get("cases"), BRANCHES_MAX)?;
        for name in ["commands", "targets", "step_variables", "in_args", "out_args"] {
            check("parts of one step", step.get(name), BRANCHES_MAX * 4)?;
        }
    }
    Ok(())
}

fn hash_without_signatures(document: &Map<String, Value>) -> [u8; 32] {
    let mut copy = document.clone();
    copy.shift_remove("signatures");
    let canonical = serde_json_canonicalizer::to_vec(&copy).unwrap_or_default();
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &canonical).as_ref());
    out
}
