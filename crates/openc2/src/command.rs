use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::actuator::Actuator;
use crate::args::Args;
use crate::json;
use crate::names::{Action, Language, Reading};
use crate::read::{Fields, Writer};
use crate::refusal::{At, Fault, Refusal};
use crate::target::Target;
use crate::text::CommandId;

/// A command (LS 3.3.1): one action on one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What is to be done.
    pub action: Action,
    /// About what.
    pub target: Target,
    /// How and when.
    pub args: Args,
    /// By whom; by everybody who gets it where nothing is said.
    pub actuator: Option<Actuator>,
    /// Its identifier.
    pub command_id: Option<CommandId>,
}

impl Command {
    /// A command without arguments.
    #[must_use]
    pub fn new(action: Action, target: Target) -> Self {
        Self { action, target, args: Args::default(), actuator: None, command_id: None }
    }

    /// Reads a command that stands alone, without a message around it.
    ///
    /// # Errors
    /// It is no command, with the clause that says so.
    pub fn parse(text: &[u8], reading: &Reading) -> Result<Self, Refusal> {
        Self::read(&json::parse(text)?, reading)
    }

    /// Reads a command out of JSON that was parsed by [`crate::Message::parse`], or made here.
    ///
    /// # Errors
    /// It is no command, with the clause that says so.
    pub fn read(value: &Value, reading: &Reading) -> Result<Self, Refusal> {
        let root = At::root();
        let names = ["action", "target", "args", "actuator", "command_id"];
        let fields = Fields::new(value, &root, "LS 3.3.1", &names, 0)?;
        let missing = |name: &str| Refusal::malformed("LS 5.1", &root.to(name), "the property must be there");
        let action = fields.get("action", Action::read)?.ok_or_else(|| missing("action"))?;
        let target = fields.get("target", |value, at| Target::read(value, at, reading))?;
        let target = target.ok_or_else(|| missing("target"))?;
        // Of arguments that nobody knows, `query features` says 400 where the profile says 501.
        let is_features = action == Action::Query && matches!(target, Target::Features(_));
        let args = fields.get("args", |value, at| Args::read(value, at, reading)).map_err(|refusal| {
            let unsupported = matches!(refusal.fault(), Fault::Unsupported(_));
            if is_features && unsupported { refusal.into_malformed("LS 4.1") } else { refusal }
        })?;
        Ok(Self {
            action,
            target,
            args: args.unwrap_or_default(),
            actuator: fields.get("actuator", |value, at| Actuator::read(value, at, reading))?,
            command_id: fields.get("command_id", CommandId::read)?,
        })
    }

    /// The command as JSON.
    #[must_use]
    pub fn write(&self, language: Language) -> Value {
        Writer::new()
            .put("action", Some(self.action.as_str()))
            .put("target", Some(self.target.write(language)))
            .put("args", self.args.write())
            .put("actuator", self.actuator.as_ref().map(Actuator::write))
            .put("command_id", self.command_id.as_ref())
            .done()
    }

    /// SHA-256 over the canonical form, without the identifier: the same for whatever means the same, in whichever spelling it came.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let bare = Self { command_id: None, ..self.clone() };
        Sha256::digest(json::canonical(&bare.write(Language::V1_0))).into()
    }
}
