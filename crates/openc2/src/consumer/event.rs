use serde::{Deserialize, Serialize};

use super::state::State;
use crate::names::{Action, Direction, DropProcess, Language, ResponseType};
use crate::{DateTime, File, Headers, Message, Response, RuleNumber, Target};

/// A command by its sender and its identifier: what makes it one and the same however often it comes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Who sent it.
    pub producer: String,
    /// Its identifier, or that of its request, or a number in this consumer's own count where it had neither.
    pub id: String,
}

/// One thing to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// What a command asks for.
    Command(Key),
    /// The end of a rule whose time is over.
    Stop(RuleNumber),
}

/// A rule, everything that it takes to put it into force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number. No other rule has it, and it never changes.
    pub number: RuleNumber,
    /// The command that made it.
    pub by: Key,
    /// `allow` or `deny`.
    pub action: Action,
    /// Which traffic; or a domain name.
    pub target: Target,
    /// In which direction.
    pub direction: Direction,
    /// What becomes of what is denied.
    pub drop_process: DropProcess,
    /// Whether it survives a restart of the device.
    pub persistent: bool,
    /// When it ends. Whoever carries it out hands this on, so that it ends even if this process does not live to see it.
    pub stop: Option<DateTime>,
}

/// What a command that was taken asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Put a rule into force.
    Install(Rule),
    /// Take a rule out of force.
    Delete(RuleNumber),
    /// Take a new file.
    Update {
        /// Its name.
        name: String,
        /// Where it is.
        path: Option<String>,
        /// Its SHA-256, in hexadecimal, where the command says one.
        sha256: Option<String>,
    },
}

impl Work {
    pub(super) fn update(file: &File) -> Self {
        Self::Update {
            name: file.name.clone().unwrap_or_default(),
            path: file.path.clone(),
            sha256: file.hashes.as_ref().and_then(|hashes| hashes.sha256).map(hex::encode),
        }
    }
}

/// Why something could not be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The device cannot do it: 501.
    NotSupported,
    /// The device did not do it: 500.
    Failed,
    /// The file could not be had: 500.
    NoFile,
    /// The device was busy or away: 503.
    Busy,
    /// A rule was deleted before it began: 500.
    Withdrawn,
    /// Its time was over before it could begin: 500.
    TooLate,
}

/// What happened, and when. A consumer is its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A command was taken.
    Taken {
        /// Which.
        key: Key,
        /// SHA-256 of it.
        digest: String,
        /// Which answer it wants.
        wants: ResponseType,
        /// How its sender writes.
        language: Language,
        /// The request to answer.
        request_id: Option<String>,
        /// When it begins.
        start: DateTime,
        /// Until when it is remembered at least.
        keep_until: Option<DateTime>,
        /// What it asks for.
        work: Work,
    },
    /// A command was refused.
    Refused {
        /// Which.
        key: Key,
        /// SHA-256 of it.
        digest: String,
        /// Until when that is remembered at least.
        keep_until: Option<DateTime>,
        /// The answer.
        response: Response,
    },
    /// Something is about to be carried out.
    Begun {
        /// What.
        task: Task,
    },
    /// Something was carried out, or was not.
    Ended {
        /// What.
        task: Task,
        /// Why it was not.
        failure: Option<Failure>,
    },
    /// A rule that was not to survive a restart of the device did not.
    Lapsed {
        /// Which.
        number: RuleNumber,
    },
    /// All there is at this point, in place of the events before it.
    Checkpoint {
        /// All there is.
        state: Box<State>,
    },
}

/// What is to be carried out, once the events are on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What it belongs to; [`super::Consumer::finished`] wants it back.
    pub task: Task,
    /// What to do. It is done by number and name, so doing it twice is the same as once.
    pub action: Deed,
    /// Whether it may have been done before, by a process that was killed.
    pub again: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Put this rule into force.
    Install(Rule),
    /// Take this rule out of force.
    Remove(Rule),
    /// Get a file and run by it.
    Update {
        /// Its name.
        name: String,
        /// Where it is.
        path: Option<String>,
        /// Its SHA-256, in hexadecimal, where the command says one.
        sha256: Option<String>,
    },
}

/// An answer that goes out, once the events are on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// To whom.
    pub to: String,
    /// The request that it answers.
    pub request_id: Option<String>,
    /// How its reader writes.
    pub language: Language,
    /// The answer.
    pub response: Response,
}

impl Reply {
    /// The answer as a message.
    #[must_use]
    pub fn message(&self, from: &str, now: DateTime) -> Message {
        let request = Headers {
            request_id: self.request_id.clone(),
            from: Some(self.to.clone()),
            ..Headers::default()
        };
        Message::response(request.answering(from, now), &self.response, self.language)
    }
}

/// What a consumer decided: first the events are written down, in one transaction, and then the rest leaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// What happened. Applied already.
    pub events: Vec<Event>,
    /// What to carry out.
    pub effects: Vec<Effect>,
    /// What to answer.
    pub replies: Vec<Reply>,
    /// The command whose last answer comes later.
    pub awaits: Option<Key>,
}
