use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stix::Timestamp;

use crate::command::Command;
use crate::parts::ExternalReference;
use crate::read::Reader;
use crate::variable::Variable;

/// A workflow step (CACAO 2.0 §4).
#[derive(Debug, Clone)]
pub struct Step {
    /// `name`
    pub name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `external_references`
    pub external_references: Vec<ExternalReference>,
    /// `delay`, in milliseconds: how long to wait before the step begins.
    pub delay_ms: Option<u64>,
    /// `timeout`, in milliseconds: after which the step has failed.
    pub timeout_ms: Option<u64>,
    /// `step_variables`
    pub variables: BTreeMap<String, Variable>,
    /// `owner`: a STIX identity.
    pub owner: Option<String>,
    /// `on_completion`
    pub on_completion: Option<String>,
    /// `on_success`
    pub on_success: Option<String>,
    /// `on_failure`
    pub on_failure: Option<String>,
    /// `step_extensions`
    pub extensions: BTreeMap<String, Value>,
    /// What the step does.
    pub kind: StepKind,
}

/// What a workflow step does (§4.2).
#[derive(Debug, Clone)]
pub enum StepKind {
    /// §4.3
    Start,
    /// §4.4: the end of the playbook, or of one branch.
    End,
    /// §4.5
    Action(Action),
    /// §4.6
    Playbook(PlaybookAction),
    /// §4.7: the first step of each branch.
    Parallel(Vec<String>),
    /// §4.8
    If(If),
    /// §4.9
    While(While),
    /// §4.10
    Switch(Switch),
    /// A type that the specification does not know; such a playbook does not run.
    Unknown(String),
}

/// An action step (§4.5).
#[derive(Debug, Clone)]
pub struct Action {
    /// Carried out one after the other.
    pub commands: Vec<Command>,
    /// Who carries them out.
    pub agent: String,
    /// On what, each of them.
    pub targets: Vec<String>,
    /// Variables that agent or targets use.
    pub in_args: Vec<String>,
    /// Variables that the commands give.
    pub out_args: Vec<String>,
}

/// A playbook-action step (§4.6).
#[derive(Debug, Clone)]
pub struct PlaybookAction {
    /// Which playbook.
    pub playbook_id: String,
    /// Which version of it, by its `modified`; the newest where there is none.
    pub playbook_version: Option<Timestamp>,
    /// Variables that are given to it.
    pub in_args: Vec<String>,
    /// Variables that it gives back.
    pub out_args: Vec<String>,
}

/// An if-condition step (§4.8).
#[derive(Debug, Clone)]
pub struct If {
    /// A boolean expression of STIX patterning.
    pub condition: String,
    /// First step of the branch that is taken where it holds.
    pub on_true: String,
    /// First step of the branch that is taken where it does not.
    pub on_false: Option<String>,
}

/// A while-condition step (§4.9).
#[derive(Debug, Clone)]
pub struct While {
    /// A boolean expression of STIX patterning, asked before each turn.
    pub condition: String,
    /// First step of the branch that is one turn.
    pub on_true: String,
}

/// A switch-condition step (§4.10).
#[derive(Debug, Clone)]
pub struct Switch {
    /// A variable.
    pub switch: String,
    /// Values and the first steps of their branches; `default` is for all others.
    pub cases: BTreeMap<String, String>,
}

impl Step {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        let kind = match r.text_or_empty("type").as_str() {
            "start" => StepKind::Start,
            "end" => StepKind::End,
            "action" => StepKind::Action(Action {
                commands: r.objects("commands", Command::read),
                agent: r.text_or_empty("agent"),
                targets: r.texts("targets"),
                in_args: r.texts("in_args"),
                out_args: r.texts("out_args"),
            }),
            "playbook-action" => StepKind::Playbook(PlaybookAction {
                playbook_id: r.text_or_empty("playbook_id"),
                playbook_version: r.time("playbook_version"),
                in_args: r.texts("in_args"),
                out_args: r.texts("out_args"),
            }),
            "parallel" => StepKind::Parallel(r.texts("next_steps")),
            "if-condition" => StepKind::If(If {
                condition: r.text_or_empty("condition"),
                on_true: r.text_or_empty("on_true"),
                on_false: r.text("on_false"),
            }),
            "while-condition" => StepKind::While(While {
                condition: r.text_or_empty("condition"),
                on_true: r.text_or_empty("on_true"),
            }),
            "switch-condition" => StepKind::Switch(Switch {
                switch: r.text_or_empty("switch"),
                cases: (r.values("cases").into_iter())
                    .filter_map(|(case, step)| Some((case, step.as_str()?.to_owned())))
                    .collect(),
            }),
            other => StepKind::Unknown(other.to_owned()),
        };
        Self {
            name: r.text("name"),
            description: r.text("description"),
            external_references: r.objects("external_references", ExternalReference::read),
            delay_ms: r.whole("delay"),
            timeout_ms: r.whole("timeout"),
            variables: r.dictionary("step_variables", |_, map| Variable::read(map)),
            owner: r.text("owner"),
            on_completion: r.text("on_completion"),
            on_success: r.text("on_success"),
            on_failure: r.text("on_failure"),
            extensions: r.values("step_extensions"),
            kind,
        }
    }

    /// The step's type as the specification writes it.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match &self.kind {
            StepKind::Start => "start",
            StepKind::End => "end",
            StepKind::Action(_) => "action",
            StepKind::Playbook(_) => "playbook-action",
            StepKind::Parallel(_) => "parallel",
            StepKind::If(_) => "if-condition",
            StepKind::While(_) => "while-condition",
            StepKind::Switch(_) => "switch-condition",
            StepKind::Unknown(name) => name,
        }
    }

    /// The branches that the step opens: the name of each and its first step.
    #[must_use]
    pub fn branches(&self) -> Vec<(String, &str)> {
        match &self.kind {
            StepKind::Parallel(steps) => {
                steps.iter().enumerate().map(|(index, step)| (index.to_string(), step.as_str())).collect()
            }
            StepKind::If(the) => std::iter::once(("true".to_owned(), the.on_true.as_str()))
                .chain(the.on_false.as_deref().map(|step| ("false".to_owned(), step)))
                .collect(),
            StepKind::While(the) => vec![("true".to_owned(), the.on_true.as_str())],
            StepKind::Switch(the) => {
                the.cases.iter().map(|(case, step)| (case.clone(), step.as_str())).collect()
            }
            StepKind::Start
            | StepKind::End
            | StepKind::Action(_)
            | StepKind::Playbook(_)
            | StepKind::Unknown(_) => Vec::new(),
        }
    }

    /// The steps that may follow it in its own branch: the property and the step.
    #[must_use]
    pub fn followers(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("on_completion", &self.on_completion),
            ("on_success", &self.on_success),
            ("on_failure", &self.on_failure),
        ];
        all.into_iter().filter_map(|(name, step)| Some((name, step.as_deref()?))).collect()
    }
}
