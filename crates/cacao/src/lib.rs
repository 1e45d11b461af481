//! CACAO Security Playbooks 2.0 (OASIS): documents and what is wrong with them, conditions, signatures, and runs as values.
//!
//! The crate takes values and returns values: it does no I/O, reads no clock and draws no randomness. It says what is to be carried out and
//! what must hold before; who may carry out which command, and doing it, are the caller's. An OpenC2 command is one that the crate
//! `openc2` can read; which profile carries it out is not known here.
//!
//! ```
//! use std::sync::Arc;
//! use cacao::run::{Effect, Event, Limits, Person, Run, Start, Values, What};
//! use cacao::signature::{Runnable, Signer, Statement, Trust, TrustedKey};
//! use cacao::Playbook;
//!
//! let text = r#"{
//!   "type": "playbook", "spec_version": "cacao-2.0", "id": "playbook--8a1b6a5e-3d53-4b6d-9f0a-0f2c8f9f1a01", "name": "Look",
//!   "created_by": "identity--3d492773-cac6-4dc1-9da3-6c31c4016407", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
//!   "workflow_start": "start--1d1f4b1c-6e0a-4c68-b1a5-6fd5d6a6e6a1",
//!   "workflow": {
//!     "start--1d1f4b1c-6e0a-4c68-b1a5-6fd5d6a6e6a1": {"type": "start", "on_completion": "action--2f1a7ad1-4f0e-4dd5-8b62-8c6c1a1c9b02"},
//!     "action--2f1a7ad1-4f0e-4dd5-8b62-8c6c1a1c9b02": {"type": "action", "name": "Look", "agent": "group--5e0cf0e3-5be7-4a0b-8a52-6a8f7d1c3b04",
//!       "commands": [{"type": "manual", "command": "Look up __ip__:value"}], "on_completion": "end--3c2b8be2-5a1f-4ee6-9c73-9d7d2b2d0c03"},
//!     "end--3c2b8be2-5a1f-4ee6-9c73-9d7d2b2d0c03": {"type": "end"}
//!   },
//!   "playbook_variables": {"__ip__": {"type": "ipv4-addr", "external": true}},
//!   "agent_definitions": {"group--5e0cf0e3-5be7-4a0b-8a52-6a8f7d1c3b04": {"type": "group", "name": "Team"}}
//! }"#;
//! let playbook = Playbook::parse(text.as_bytes())?;
//! assert!(playbook.is_sound());
//!
//! // Signed by somebody who is trusted: only then it may run.
//! let signer = Signer::new(&[7; 32], "identity--3d492773-cac6-4dc1-9da3-6c31c4016407", "Council")?;
//! let statement = Statement {
//!     id: "jss--0b9e4d4f-0f5d-4bb5-9d7e-0c5b8d5e6f05".into(),
//!     created: stix::Timestamp::parse("2026-01-02T00:00:00.000Z")?,
//!     valid_from: None,
//!     valid_until: None,
//! };
//! let signed = signer.sign(&playbook, &statement)?;
//! let key = TrustedKey {
//!     spki: signer.spki(),
//!     identity: "identity--3d492773-cac6-4dc1-9da3-6c31c4016407".into(),
//!     certificate: None,
//!     cert_url: None,
//!     valid_from: None,
//!     valid_until: None,
//!     revoked: false,
//! };
//! let now: jiff::Timestamp = "2026-02-01T00:00:00Z".parse()?;
//! let runnable = Runnable::check(Arc::new(signed), &Trust { keys: vec![key], ..Trust::default() }, now)?;
//!
//! // Each event is written down and applied before what it announces leaves.
//! let start = Start {
//!     run: "run-1".into(),
//!     requester: Person { person: "duty".into(), organization: "identity--3d492773-cac6-4dc1-9da3-6c31c4016407".into() },
//!     arguments: Values([("__ip__".into(), "198.51.100.7".into())].into()),
//!     limits: Limits::default(),
//!     dry_run: false,
//! };
//! let (mut run, _started) = Run::start(&runnable, &[], start, now)?;
//! while let Some(Effect::Record(what)) = run.next().into_iter().next() {
//!     run.apply(&Event { at: now, what })?;
//! }
//! let [Effect::Dispatch(order)] = &run.next()[..] else { return Err("no order".into()) };
//! assert_eq!(order.command.text().as_deref(), Some("Look up 198.51.100.7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod command;
mod condition;
mod detail;
mod document;
mod finding;
mod parts;
mod playbook;
mod read;
pub mod run;
mod safeguards;
mod shape;
pub mod signature;
mod step;
mod variable;
mod vocabulary;

pub use command::{Command, CommandKind};
pub use condition::{CONDITION_BYTES_MAX, Condition, ConditionError, Typed};
pub use detail::Detail;
pub use document::{PLAYBOOK_BYTES_MAX, PLAYBOOK_DEPTH_MAX, ParseError};
pub use finding::{FINDINGS_MAX, Finding, Severity};
pub use parts::{
    AgentTarget, AuthenticationInfo, ExtensionDefinition, ExternalReference, Marking, MarkingKind, Summary,
};
pub use playbook::{BRANCHES_MAX, DEFINITIONS_MAX, Playbook, STEPS_MAX};
pub use safeguards::{Approval, Authority, BlastRadius, Rollout, SAFEGUARDS, Safeguards, TRANSLATIONS};
pub use step::{Action, If, PlaybookAction, Step, StepKind, Switch, While};
pub use variable::{Variable, is_name};
