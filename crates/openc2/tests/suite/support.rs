use std::path::PathBuf;

use openc2::consumer::{Config, Consumer, Decision, Effect, Failure, Limits, Reach, Request, Task};
use openc2::slpf::{Identity, Support};
use openc2::{Command, Content, DateTime, Headers, Language, Message, Reading, Response};
use serde_json::{Value, json};

/// A folder of the corpus, or nothing, said loudly, where there is no corpus.
pub(crate) fn corpus(relative: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: `{relative}` needs YAGURA_CORPUS");
        return None;
    };
    let path = PathBuf::from(root).join(relative);
    assert!(path.exists(), "YAGURA_CORPUS is set and {} is not there", path.display());
    Some(path)
}

pub(crate) const NOW: DateTime = DateTime(1_790_000_000_000);

pub(crate) fn later(milliseconds: u64) -> DateTime {
    DateTime(NOW.0 + milliseconds)
}

pub(crate) fn command(value: Value) -> Command {
    Command::read(&value, &Reading::default()).unwrap()
}

pub(crate) fn config() -> Config {
    Config {
        id: "edge-7".to_owned(),
        identity: Identity {
            hostnames: ["fw.example.net".to_owned(), "192.0.2.1".to_owned()].into(),
            named_groups: ["perimeter".to_owned()].into(),
            asset_ids: ["30".to_owned()].into(),
            asset_tuples: [vec!["a".to_owned(), "b".to_owned()]].into(),
        },
        support: Support::default(),
        rate_limit: None,
        delete_others: false,
        limits: Limits::default(),
    }
}

/// A message with this command, from a producer under a request's identifier.
pub(crate) fn message(request_id: &str, command: &Value) -> Message {
    let headers = Headers { request_id: Some(request_id.to_owned()), ..Headers::default() };
    Message { headers, content: Content::Request(command.clone()), signature: None }
}

pub(crate) fn request(request_id: &str, command: &Value) -> Request {
    Request::authenticated(message(request_id, command), "council", Reach::Direct)
}

/// A consumer whose device does everything at once, and what it said.
pub(crate) struct World {
    pub(crate) consumer: Consumer,
    pub(crate) fails: Option<Failure>,
    requests: u32,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self { consumer: Consumer::new(config), fails: None, requests: 0 }
    }

    /// The next request's identifier.
    pub(crate) fn next_id(&mut self) -> String {
        self.requests += 1;
        format!("request-{}", self.requests)
    }

    /// Sends a command, has the device do what it asks for, and gives all answers.
    pub(crate) fn send(&mut self, command: Value, now: DateTime) -> Vec<Response> {
        let id = self.next_id();
        let decision = self.consumer.take(&request(&id, &command), now).unwrap();
        self.carry(decision, now)
    }

    /// The one answer to a command.
    pub(crate) fn ask(&mut self, command: Value, now: DateTime) -> Response {
        let answers = self.send(command, now);
        let [answer] = &answers[..] else { panic!("{} answers", answers.len()) };
        answer.clone()
    }

    pub(crate) fn carry(&mut self, decision: Decision, now: DateTime) -> Vec<Response> {
        let mut answers: Vec<Response> = decision.replies.into_iter().map(|reply| reply.response).collect();
        for Effect { task, .. } in decision.effects {
            answers.extend(self.end(&task, now));
        }
        answers
    }

    fn end(&mut self, task: &Task, now: DateTime) -> Vec<Response> {
        let outcome = self.fails.map_or(Ok(()), Err);
        let decision = self.consumer.finished(task, outcome, now).unwrap();
        self.carry(decision, now)
    }

    pub(crate) fn wake(&mut self, now: DateTime) -> Vec<Response> {
        let decision = self.consumer.wake(now).unwrap();
        self.carry(decision, now)
    }
}

/// The answer in JSON as version 1.0 writes it.
pub(crate) fn said(response: &Response) -> Value {
    response.write(Language::V1_0)
}

pub(crate) fn deny(net: &str) -> Value {
    json!({"action": "deny", "target": {"ipv4_net": net}})
}
