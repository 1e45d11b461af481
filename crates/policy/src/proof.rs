//! What a prover is asked about a set of policies, and what it answers: over all requests that the schema lets through, where
//! trying ([`crate::Trial`]) is over some.
//!
//! The prover is a program of its own (`prover/`), so that what it stands on is no part of the node. Its answer is not believed
//! where it says that something is allowed: such a request is asked again here.

use cedar_policy::{Context, Entities, EntityId, EntityTypeName, EntityUid, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compile::{compile, is_policies, schema_text};
use crate::request::Trouble;
use crate::{Engine, PolicyError, Safety, Situation};

/// What is asked: texts in Cedar's language, all in the words of one schema.
#[derive(Debug, Clone, Serialize)]
pub struct Inquiry {
    schema: String,
    before: Option<String>,
    after: String,
    limit: String,
}

/// What was found, over all kinds of requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Kinds of requests: of a principal, an action and a resource.
    pub environments: u64,
    /// Policies that fail on some request.
    pub may_fail: Vec<String>,
    /// Whether nothing is allowed that the safety specification forbids.
    pub within_limit: Verdict,
    /// Whether nothing is allowed that was not allowed before; absent where the sets have different schemas.
    pub no_wider: Option<Verdict>,
    /// Whether all is allowed that was allowed before; absent where the sets have different schemas.
    pub no_narrower: Option<Verdict>,
}

/// An answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is so for every request.
    Proved,
    /// It is not so for this one.
    Refuted(Box<Example>),
    /// The solver gave no answer.
    Open {
        /// Why not.
        why: String,
    },
}

/// A request and the entities in it, in Cedar's JSON formats.
#[derive(Debug, Clone, Deserialize)]
pub struct Example {
    request: Asked,
    entities: Value,
}

#[derive(Debug, Clone, Deserialize)]
struct Asked {
    principal: Name,
    action: Name,
    resource: Name,
    context: Value,
}

#[derive(Debug, Clone, Deserialize)]
struct Name {
    #[serde(rename = "type")]
    entity_type: String,
    id: String,
}

impl Inquiry {
    /// Asks whether a set of policies keeps within the safety specification, and how it compares with the set in force.
    ///
    /// # Errors
    /// The set has a schema into which the specification does not fit.
    pub fn new(before: &[(String, String)], after: &[(String, String)]) -> Result<Self, PolicyError> {
        let policies = |files: &[(String, String)]| {
            files
                .iter()
                .filter(|file| is_policies(&file.0))
                .map(|(_, text)| text.as_str())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let (schema, old) = (schema_text(after)?, schema_text(before)?);
        let limit = Safety::files(after);
        compile(&limit)?;
        Ok(Self {
            schema: schema.to_owned(),
            before: (schema == old).then(|| policies(before)),
            after: policies(after),
            limit: policies(&limit),
        })
    }
}

impl Example {
    /// The request as the engine would be asked it.
    ///
    /// # Errors
    /// It is none in the words of the engine's schema.
    pub fn situation(&self, engine: &Engine) -> Result<Situation, PolicyError> {
        let failed = |error: Trouble| PolicyError(format!("what the prover says is no request: {error}"));
        self.read(engine).map_err(failed)
    }

    fn read(&self, engine: &Engine) -> Result<Situation, Trouble> {
        let schema = &engine.parts().0.schema;
        let Asked { principal, action, resource, context } = &self.request;
        let (principal, action, resource) = (principal.uid()?, action.uid()?, resource.uid()?);
        let context = Context::from_json_value(context.clone(), Some((schema, &action)))?;
        // The actions come with the schema; what is said of them beside it would be another one.
        let named = match &self.entities {
            Value::Array(entities) => entities.iter().filter(|entity| !is_action(entity)).cloned().collect(),
            _ => Vec::new(),
        };
        let entities = Entities::from_json_value(Value::Array(named), Some(schema))?;
        let request = Request::new(principal, action, resource, context, Some(schema))?;
        Ok(Situation::new(request, entities))
    }
}

fn is_action(entity: &Value) -> bool {
    entity.pointer("/uid/type").and_then(Value::as_str) == Some("Yagura::Action")
}

impl Name {
    fn uid(&self) -> Result<EntityUid, Trouble> {
        let entity_type = self.entity_type.parse::<EntityTypeName>()?;
        Ok(EntityUid::from_type_name_and_id(entity_type, EntityId::new(&self.id)))
    }
}
