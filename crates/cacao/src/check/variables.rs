//! Variables (§10.18): declared, visible where they are used, of their type, constant where they say so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::steps::switch_variable;
use super::{Flow, values};
use crate::condition::{Condition, Typed};
use crate::detail::Detail;
use crate::finding::{Findings, Pointer};
use crate::step::{Step, StepKind};
use crate::variable::{Variable, argument_name, mentions};
use crate::{Playbook, Safeguards};

pub(super) fn check(playbook: &Playbook, flow: &Flow, findings: &mut Findings) {
    let root = Pointer::root();
    for (name, variable) in &playbook.variables {
        declaration(variable, &root.at("playbook_variables").at(name), findings);
    }
    for (id, step) in &playbook.workflow {
        for (name, variable) in &step.variables {
            let place = Pointer::step(id, "step_variables").at(name);
            declaration(variable, &place, findings);
            if variable.external {
                findings.warn(Detail::ExternalInStep, &place);
            }
            if playbook.variables.contains_key(name) {
                findings.warn(Detail::VariableShadowed, &place);
            }
        }
    }
    let scopes = Scopes::of(playbook, flow);
    let mut used = Used::default();
    for (id, step) in &playbook.workflow {
        Uses { playbook, scopes: &scopes, id, findings, used: &mut used }.step(step);
    }
    never_used(playbook, &scopes, &used, findings);
    loops(playbook, flow, &scopes, findings);
    races(playbook, flow, &scopes, findings);
}

fn declaration(variable: &Variable, place: &Pointer, findings: &mut Findings) {
    if !values::fits(&variable.kind, &variable.value) {
        findings.error(
            Detail::VariableValue.with(&[("kind", &variable.kind.chars().take(60).collect::<String>())]),
            &place.at("value"),
        );
    }
    if variable.constant && variable.value.is_null() && !variable.external {
        findings.error(Detail::ConstantWithoutValue, place);
    }
}

/// Who declares what each step sees: its own variables, those of the steps whose branches it is in, the playbook's.
struct Scopes<'p> {
    playbook: &'p Playbook,
    /// Step → the steps that open the branches around it, from the inside.
    owners: BTreeMap<&'p str, Vec<&'p str>>,
}

/// Where a variable is declared: a step, or the playbook.
type Home<'p> = Option<&'p str>;

impl<'p> Scopes<'p> {
    fn of(playbook: &'p Playbook, flow: &'p Flow) -> Self {
        let mut direct: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for region in &flow.regions {
            for step in &region.steps {
                let list = direct.entry(step.as_str()).or_default();
                // A sound step has one owner.
                if list.len() < super::flow::BRANCH_DEPTH_MAX {
                    list.extend(region.owner.as_ref().map(|(owner, _)| owner.as_str()));
                }
            }
        }
        let mut owners = BTreeMap::new();
        for id in playbook.workflow.keys() {
            let mut chain: Vec<&str> = Vec::new();
            let mut open: Vec<&str> = direct.get(id.as_str()).cloned().unwrap_or_default();
            while let Some(owner) = open.pop() {
                if !chain.contains(&owner) && chain.len() < super::flow::BRANCH_DEPTH_MAX {
                    chain.push(owner);
                    open.extend(direct.get(owner).into_iter().flatten());
                }
            }
            owners.insert(id.as_str(), chain);
        }
        Self { playbook, owners }
    }

    fn find(&self, step: &str, name: &str) -> Option<(Home<'p>, &'p Variable)> {
        let workflow = &self.playbook.workflow;
        let own = workflow.get_key_value(step).map(|(id, _)| id.as_str());
        let around = self.owners.get(step).into_iter().flatten().copied();
        let in_steps = own.into_iter().chain(around).find_map(|id| {
            workflow.get(id).and_then(|step| step.variables.get(name)).map(|variable| (Some(id), variable))
        });
        in_steps.or_else(|| self.playbook.variables.get(name).map(|variable| (None, variable)))
    }

    fn typed(&self, step: &str, name: &str) -> Option<Typed> {
        let (_, variable) = self.find(step, name)?;
        Some(Typed { kind: variable.kind.clone(), value: variable.value.clone() })
    }
}

#[derive(Default)]
struct Used {
    read: BTreeSet<(Option<String>, String)>,
    set: BTreeSet<(Option<String>, String)>,
}

/// What one step uses.
struct Uses<'a, 'p> {
    playbook: &'p Playbook,
    scopes: &'a Scopes<'p>,
    id: &'p str,
    findings: &'a mut Findings,
    used: &'a mut Used,
}

impl Uses<'_, '_> {
    fn step(&mut self, step: &Step) {
        let place = Pointer::step(self.id, "");
        match &step.kind {
            StepKind::Action(action) => {
                for (index, command) in action.commands.iter().enumerate() {
                    self.command(command, &place.at("commands").at(index));
                }
                let root = Pointer::root();
                if let Some(agent) = self.playbook.agents.get(&action.agent) {
                    self.agent(agent, &root.at("agent_definitions").at(&action.agent));
                }
                for id in &action.targets {
                    if let Some(target) = self.playbook.targets.get(id) {
                        self.agent(target, &root.at("target_definitions").at(id));
                    }
                }
                self.arguments(&action.in_args, &action.out_args, &place);
            }
            StepKind::Playbook(the) => self.arguments(&the.in_args, &the.out_args, &place),
            StepKind::If(the) => self.condition(&the.condition, &place.at("condition")),
            StepKind::While(the) => self.condition(&the.condition, &place.at("condition")),
            StepKind::Switch(the) => self.switch(the, &place),
            StepKind::Start | StepKind::End | StepKind::Parallel(_) | StepKind::Unknown(_) => {}
        }
        let safeguards = Safeguards::of(step);
        let place = place.at("step_extensions").at(crate::SAFEGUARDS);
        if let Some(reference) =
            safeguards.as_ref().and_then(|the| the.authority.as_ref()?.reference.as_ref())
        {
            self.text(reference, &place.at("authority").at("reference"));
        }
        for (index, command) in safeguards.iter().flat_map(|the| &the.inverse).enumerate() {
            if let Some(command) = command {
                self.command(command, &place.at("inverse").at(index));
            }
        }
    }

    fn command(&mut self, command: &crate::Command, place: &Pointer) {
        let decoded = |text: &str| values::decode(text).and_then(|bytes| String::from_utf8(bytes).ok());
        for (name, value) in &command.raw {
            match (name.as_str(), value) {
                ("command_b64" | "content_b64", Value::String(text)) => {
                    if let Some(text) = decoded(text) {
                        self.text(&text, &place.at(name));
                    }
                }
                // Words for people and machines that no value is put into.
                ("description" | "type" | "external_references", _) => {}
                (_, value) => self.value(value, &place.at(name)),
            }
        }
    }

    fn agent(&mut self, agent: &crate::AgentTarget, place: &Pointer) {
        for (name, value) in &agent.raw {
            if !matches!(name.as_str(), "description" | "type" | "agent_target_extensions") {
                self.value(value, &place.at(name));
            }
        }
        if let Some((id, info)) = agent
            .authentication_info
            .as_ref()
            .and_then(|id| Some((id, self.playbook.authentication_info.get(id)?)))
        {
            let place = Pointer::root().at("authentication_info_definitions").at(id);
            for text in
                [&info.user, &info.secret, &info.oauth_header, &info.kms_key_identifier].into_iter().flatten()
            {
                self.text(text, &place);
            }
        }
    }

    fn value(&mut self, value: &Value, place: &Pointer) {
        match value {
            Value::String(text) => self.text(text, place),
            Value::Array(list) => {
                for (index, member) in list.iter().enumerate() {
                    self.value(member, &place.at(index));
                }
            }
            Value::Object(map) => {
                for (name, member) in map {
                    self.value(member, &place.at(name));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, place: &Pointer) {
        for mention in mentions(text) {
            let known = self.scopes.find(self.id, mention.name);
            match (known, mention.with_value) {
                (Some((home, _)), true) => self.read(home, mention.name),
                (None, true) => self.undefined(mention.name, place),
                (_, false) => {
                    self.findings.warn(Detail::VariableWithoutValue.with(&[("name", &mention.name)]), place);
                }
            }
        }
    }

    fn undefined(&mut self, name: &str, place: &Pointer) {
        self.findings.error(Detail::UndefinedVariable.with(&[("name", &name)]), place);
    }

    fn read(&mut self, home: Home<'_>, name: &str) {
        self.used.read.insert((home.map(str::to_owned), name.to_owned()));
    }

    fn arguments(&mut self, in_args: &[String], out_args: &[String], place: &Pointer) {
        for (index, raw) in in_args.iter().enumerate() {
            let name = argument_name(raw);
            match self.scopes.find(self.id, name) {
                Some((home, _)) => self.read(home, name),
                None => self.undefined(name, &place.at("in_args").at(index)),
            }
        }
        for (index, raw) in out_args.iter().enumerate() {
            let (name, place) = (argument_name(raw), place.at("out_args").at(index));
            match self.scopes.find(self.id, name) {
                None => self.undefined(name, &place),
                Some((home, variable)) => {
                    if variable.constant {
                        self.findings.error(Detail::ConstantChanged.with(&[("name", &name)]), &place);
                    }
                    self.used.set.insert((home.map(str::to_owned), name.to_owned()));
                }
            }
        }
    }

    fn condition(&mut self, text: &str, place: &Pointer) {
        let Ok(condition) = Condition::parse(text) else { return };
        for name in condition.variables() {
            match self.scopes.find(self.id, &name) {
                Some((home, _)) => self.read(home, &name),
                None => self.undefined(&name, place),
            }
        }
        let (scopes, id) = (self.scopes, self.id);
        for (name, kind) in condition.kind_conflicts(&|name| scopes.typed(id, name)) {
            self.findings.warn(Detail::ConditionType.with(&[("name", &name), ("kind", &kind)]), place);
        }
    }

    fn switch(&mut self, the: &crate::step::Switch, place: &Pointer) {
        let Some(name) = switch_variable(&the.switch) else { return };
        let Some((home, variable)) = self.scopes.find(self.id, name) else {
            self.undefined(name, &place.at("switch"));
            return;
        };
        self.read(home, name);
        for case in the.cases.keys().filter(|case| *case != "default") {
            if !values::fits(&variable.kind, &Value::String(case.clone())) {
                self.findings.warn(
                    Detail::CaseNever.with(&[("name", &name), ("kind", &variable.kind)]),
                    &place.at("cases").at(case),
                );
            }
        }
    }
}

fn never_used(playbook: &Playbook, scopes: &Scopes<'_>, used: &Used, findings: &mut Findings) {
    let all = (playbook.variables.iter().map(|(name, variable)| (None, name, variable))).chain(
        scopes.playbook.workflow.iter().flat_map(|(id, step)| {
            step.variables.iter().map(move |(name, variable)| (Some(id.clone()), name, variable))
        }),
    );
    for (home, name, variable) in all {
        let place = match &home {
            Some(id) => Pointer::step(id, "step_variables").at(name),
            None => Pointer::root().at("playbook_variables").at(name),
        };
        let key = (home, name.clone());
        let (read, set) = (used.read.contains(&key), used.set.contains(&key));
        if !read && !set {
            findings.note(Detail::UnusedVariable, &place);
        } else if read && !set && variable.value.is_null() && !variable.external && !variable.constant {
            findings.warn(Detail::NeverSet, &place);
        }
    }
}

/// Variables that the steps of a branch may set, branches within it included: where they are declared, and their names.
fn set_in<'p>(
    playbook: &'p Playbook,
    flow: &'p Flow,
    scopes: &Scopes<'p>,
    owner: &str,
    branch: &str,
) -> BTreeSet<(Home<'p>, &'p str)> {
    let mut found = BTreeSet::new();
    let mut open = vec![(owner, branch)];
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    while let Some((owner, branch)) = open.pop() {
        if !seen.insert((owner, branch)) {
            continue;
        }
        let named = |region: &&super::Region| region.owner.as_ref().is_some_and(|(_, name)| name == branch);
        for id in flow.branches_of(owner).filter(named).flat_map(|region| &region.steps) {
            let Some(step) = playbook.workflow.get(id) else { continue };
            let out_args = match &step.kind {
                StepKind::Action(action) => action.out_args.as_slice(),
                StepKind::Playbook(the) => the.out_args.as_slice(),
                _ => &[],
            };
            for name in out_args.iter().map(|raw| argument_name(raw)) {
                found.extend(scopes.find(id, name).map(|(home, _)| (home, name)));
            }
            for region in flow.branches_of(id) {
                open.extend(region.owner.as_ref().map(|(step, name)| (step.as_str(), name.as_str())));
            }
        }
    }
    found
}

fn loops(playbook: &Playbook, flow: &Flow, scopes: &Scopes<'_>, findings: &mut Findings) {
    for (id, step) in &playbook.workflow {
        let StepKind::While(the) = &step.kind else { continue };
        let Ok(condition) = Condition::parse(&the.condition) else { continue };
        let set = set_in(playbook, flow, scopes, id, "true");
        let changes = condition.variables().iter().any(|name| {
            scopes.find(id, name).is_some_and(|(home, _)| set.iter().any(|(h, n)| *h == home && n == name))
        });
        if !changes {
            findings.warn(Detail::LoopNeverChanges, &Pointer::step(id, "condition"));
        }
    }
}

/// Two branches at once that set one variable: which value stays is chance.
fn races(playbook: &Playbook, flow: &Flow, scopes: &Scopes<'_>, findings: &mut Findings) {
    for (id, step) in &playbook.workflow {
        let StepKind::Parallel(branches) = &step.kind else { continue };
        let mut seen = BTreeSet::new();
        for index in 0..branches.len() {
            for key in set_in(playbook, flow, scopes, id, &index.to_string()) {
                if !seen.insert(key) {
                    findings.warn(
                        Detail::VariableRace.with(&[("name", &key.1)]),
                        &Pointer::step(id, "next_steps"),
                    );
                }
            }
        }
    }
}
