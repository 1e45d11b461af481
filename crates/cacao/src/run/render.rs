//! From a step to what is carried out: variables replaced by their values, in a way that no value can become more than a value.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::effect::{Addressee, Order};
use super::event::{Failure, FailureCode, Hash, Key};
use super::radius;
use super::state::State;
use crate::check::values;
use crate::command::{Command, CommandKind};
use crate::step::{Action, StepKind};
use crate::variable::{mentions_any, substitute};
use crate::{AgentTarget, Playbook, Safeguards};

/// What a value becomes part of, which decides what it may hold.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Words for a person, or a text within JSON: anything.
    Words,
    /// A line of HTTP, a header, an address: no white space and no control characters.
    Line,
    /// Something that an interpreter reads: letters, digits and what no interpreter takes for anything else.
    Code,
}

impl Place {
    fn allows(self, value: &str) -> bool {
        match self {
            Self::Words => true,
            Self::Line => !value.chars().any(|c| c.is_whitespace() || c.is_control()),
            // A leading dash would be an option.
            Self::Code => {
                !value.starts_with('-')
                    && value.chars().all(|c| c.is_alphanumeric() || "._:/@%+,=-".contains(c))
            }
        }
    }
}

pub(super) struct Renderer<'s> {
    state: &'s State,
    visit: usize,
    step: &'s str,
}

type Rendered<T> = Result<T, Failure>;

impl State {
    /// The order of one command on one target of a visit; target 0 is the agent itself where the step has none.
    pub(super) fn order(&self, visit: usize, command: usize, target: usize) -> Option<Rendered<Order>> {
        let at = self.visit(visit)?;
        let step = self.step_of(at)?;
        let StepKind::Action(action) = &step.kind else { return None };
        let renderer = Renderer { state: self, visit, step: &at.step };
        Some(renderer.order(action, command, target))
    }

    /// How many orders each command of the visit's step makes.
    pub(super) fn targets_of(action: &Action) -> usize {
        action.targets.len().max(1)
    }
}

impl Renderer<'_> {
    fn order(&self, action: &Action, command_index: usize, target_index: usize) -> Rendered<Order> {
        let missing = || self.failure("the step is not complete");
        let visit = self.state.visit(self.visit).ok_or_else(missing)?;
        let frame = self.state.frame(visit.frame).ok_or_else(missing)?;
        let instance = self.state.instance_of(visit).ok_or_else(missing)?;
        let step = self.state.step_of(visit).ok_or_else(missing)?;
        let playbook = &instance.playbook;
        let command = action.commands.get(command_index).ok_or_else(missing)?;
        let target_id = action.targets.get(target_index);
        let safeguards = Safeguards::of(step).map(|the| self.safeguards(the)).transpose()?;
        let inverse = safeguards.as_ref().and_then(|the| the.inverse.get(command_index).cloned().flatten());
        let key = key(&[
            &self.state.run,
            &frame.path,
            self.step,
            &(frame.steps_entered.saturating_sub(1)).to_string(),
            &command_index.to_string(),
            target_id.map_or("", String::as_str),
        ]);
        let agent = playbook.agents.get(&action.agent).ok_or_else(missing)?;
        let target = target_id.map(|id| Some((id, playbook.targets.get(id)?)));
        let target = match target {
            Some(None) => return Err(missing()),
            Some(Some((id, target))) => Some(self.addressee(playbook, id, target)?),
            None => None,
        };
        let mut order = Order {
            run: self.state.run.clone(),
            key,
            hash: Hash(String::new()),
            playbook: instance.reference.clone(),
            step: self.step.to_owned(),
            step_name: step.name.clone(),
            owner: step.owner.clone(),
            command_index,
            command: self.command(command)?,
            agent: self.addressee(playbook, &action.agent, agent)?,
            target,
            stop_after_ms: safeguards.as_ref().and_then(|the| the.stop_after_ms),
            safeguards,
            inverse,
            out_args: action.out_args.clone(),
            undoes: None,
            attempts_before: 0,
            called_with: visit.called_with.clone(),
        };
        order.hash = hash_of(&order);
        radius::check(&order).map_err(|detail| Failure {
            code: FailureCode::BlastRadius,
            step: self.step.to_owned(),
            detail,
        })?;
        Ok(order)
    }

    fn failure(&self, detail: impl Into<String>) -> Failure {
        Failure { code: FailureCode::Rendering, step: self.step.to_owned(), detail: detail.into() }
    }

    fn text(&self, text: &str, place: Place) -> Rendered<String> {
        substitute(text, |name| {
            let variable = self.state.variable(self.visit, name);
            let variable = variable.ok_or_else(|| self.failure(format!("`{name}` is not defined")))?;
            let value = match &variable.value {
                Value::Null => return Err(self.failure(format!("`{name}` has no value"))),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if place.allows(&value) {
                Ok(value)
            } else {
                Err(self.failure(format!("the value of `{name}` has characters that may not stand there")))
            }
        })
    }

    fn value(&self, value: &Value, place: Place) -> Rendered<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.text(text, place)?),
            Value::Array(list) => {
                Value::Array(list.iter().map(|member| self.value(member, place)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Value::Object(self.map(map, |_| place)?),
            other => other.clone(),
        })
    }

    fn map(&self, map: &Map<String, Value>, place: impl Fn(&str) -> Place) -> Rendered<Map<String, Value>> {
        map.iter().map(|(name, value)| Ok((name.clone(), self.value(value, place(name))?))).collect()
    }

    fn addressee(&self, playbook: &Playbook, id: &str, agent: &AgentTarget) -> Rendered<Addressee> {
        let place = |name: &str| if matches!(name, "address" | "port") { Place::Line } else { Place::Words };
        let agent = AgentTarget::read(&self.map(&agent.raw, place)?);
        let info = agent.authentication_info.as_ref().and_then(|id| playbook.authentication_info.get(id));
        let authentication = match info {
            None => None,
            Some(info) => {
                let mut info = info.clone();
                for text in
                    [&mut info.user, &mut info.secret, &mut info.oauth_header, &mut info.kms_key_identifier]
                        .into_iter()
                        .flatten()
                {
                    *text = self.text(text, Place::Line)?;
                }
                Some(info)
            }
        };
        Ok(Addressee { id: id.to_owned(), agent, authentication })
    }

    fn command(&self, command: &Command) -> Rendered<Command> {
        let place = match &command.kind {
            kind if kind.runs_code() => Place::Code,
            CommandKind::HttpApi | CommandKind::OpenC2Http => Place::Line,
            // Queries and rules are read by an engine.
            CommandKind::Elastic | CommandKind::Kestrel | CommandKind::Sigma | CommandKind::Yara => {
                Place::Code
            }
            _ => Place::Words,
        };
        let mut map = Map::new();
        for (name, value) in &command.raw {
            let rendered = match (name.as_str(), value) {
                ("type" | "description" | "version" | "playbook_activity" | "external_references", _) => {
                    value.clone()
                }
                ("command_b64", Value::String(text)) => {
                    Value::String(self.base64(text, |text| self.text(text, place))?)
                }
                ("content_b64", Value::String(text)) => {
                    Value::String(self.base64(text, |text| self.body(text))?)
                }
                ("content", Value::String(text)) => Value::String(self.body(text)?),
                (_, value) => self.value(value, place)?,
            };
            map.insert(name.clone(), rendered);
        }
        let rendered = Command::read(&map);
        if rendered.kind == CommandKind::OpenC2Http
            && let Some(refusal) = rendered.body().as_deref().and_then(crate::check::openc2_refusal)
        {
            return Err(self.failure(format!("the OpenC2 command is refused: {refusal}")));
        }
        Ok(rendered)
    }

    /// Base64 is opened only where a variable stands in it, so that everything else goes out as it was written.
    fn base64(&self, text: &str, render: impl Fn(&str) -> Rendered<String>) -> Rendered<String> {
        let Some(decoded) = values::decode(text).and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Ok(text.to_owned());
        };
        if !mentions_any(&decoded) {
            return Ok(text.to_owned());
        }
        Ok(STANDARD.encode(render(&decoded)?))
    }

    /// A body: in JSON a value goes into a text and stays in it; elsewhere it is a single word.
    fn body(&self, text: &str) -> Rendered<String> {
        if !mentions_any(text) {
            return Ok(text.to_owned());
        }
        match serde_json::from_str::<Value>(text) {
            Ok(json) => Ok(self.value(&json, Place::Words)?.to_string()),
            Err(_) => self.text(text, Place::Code),
        }
    }

    fn safeguards(&self, mut safeguards: Safeguards) -> Rendered<Safeguards> {
        if let Some(reference) =
            safeguards.authority.as_mut().and_then(|authority| authority.reference.as_mut())
        {
            *reference = self.text(reference, Place::Words)?;
        }
        let inverse =
            safeguards.inverse.iter().map(|command| command.as_ref().map(|c| self.command(c)).transpose());
        safeguards.inverse = inverse.collect::<Result<_, _>>()?;
        Ok(safeguards)
    }
}

/// A key out of what it stands for.
pub(super) fn key(parts: &[&str]) -> Key {
    let text = serde_json::to_vec(parts).unwrap_or_default();
    Key(hex::encode(digest(&SHA256, &text)).chars().take(32).collect())
}

/// Over everything that decides what happens. Secrets are in it by the reference to them only, for an approver sees what is hashed.
pub(super) fn hash_of(order: &Order) -> Hash {
    let safeguards = order.safeguards.as_ref().map(|the| {
        let mut hashed = json!({
            "authority": the.authority.as_ref().map(|authority| json!([authority.basis, authority.reference])),
            "approval": the.approval.as_ref().map(|a| json!([a.required, a.approvers, a.exclude_requester_organization, a.expires_after_ms])),
            "radius": the.blast_radius.as_ref().map(|r| json!([
                r.addresses_max, r.ipv4_prefix_min, r.ipv6_prefix_min, r.traffic_percent_max, r.actions_per_hour_max
            ])),
            "idempotent": the.idempotent,
        });
        let alone = the.approval.as_ref().and_then(|approval| approval.break_glass_ms);
        if let (Some(alone), Some(map)) = (alone, hashed.as_object_mut()) {
            map.insert("break_glass".to_owned(), json!(alone));
        }
        // Where it is absent the hash is what it was before there was such a thing: runs that are under way hold it.
        if let (Some(rollout), Some(map)) = (&the.rollout, hashed.as_object_mut()) {
            let rollout = json!([rollout.shadow_ms, rollout.canary, rollout.canary_watch_ms]);
            map.insert("rollout".to_owned(), rollout);
        }
        hashed
    });
    hash(&json!({
        "run": order.run,
        "playbook": order.playbook,
        "step": order.step,
        "command_index": order.command_index,
        "command": order.command.raw,
        "agent": order.agent.shown(),
        "target": order.target.as_ref().map(Addressee::shown),
        "safeguards": safeguards,
        "inverse": order.inverse.as_ref().map(|command| &command.raw),
        "stop_after": order.stop_after_ms,
        "undoes": order.undoes,
    }))
}

pub(super) fn hash(value: &Value) -> Hash {
    let canonical = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
    Hash(hex::encode(digest(&SHA256, &canonical)))
}
