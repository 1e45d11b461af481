//! Commands to agents that the hub's operator configured by name: the one way by which something leaves that no transaction holds.
//!
//! 1. The call stands in the store, `ready`, in the transaction that decided it: it did not leave.
//! 2. It is marked `sent`, and only then sent: it may have arrived from here on.
//! 3. What came back is the answer, in one transaction with `done`.
//!
//! What stands as `sent` and is nobody's any more was cut off between 2 and 3. Where its author said that sending twice does no harm it is
//! sent again under the same key; else nobody knows, and the run asks a person to find out.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cacao::CommandKind;
use cacao::run::{Answer, Key, Order, Values, What};
use jiff::SignedDuration;
use policy::permit::Permit;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::orders::{self as rows, Call};
use store::{Act, StoreError, Tx, runs};
use url::Url;

use super::{Response, drive};
use crate::REALM;
use crate::config::AgentConfig;
use crate::state::AppState;

/// An agent that takes longer has not answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// After this a call that was sent is nobody's: its process is gone.
const LOST_AFTER: SignedDuration = SignedDuration::from_secs(40);
/// Calls of one look.
const CALLS_MAX: usize = 20;
/// How much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The duty of sending them, which one of several hubs has.
pub(crate) const DUTY: &str = "response/";
pub(crate) const AGENTS: &str = "agents";

/// What is asked of an agent.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    key: String,
    kind: String,
    idempotent: bool,
    method: String,
    path: String,
    content_type: String,
    body: String,
}

/// What is to be asked of an agent, out of a step's command that may be given. An `http-api` or `openc2-http` command is the request that it
/// says, at the agent's address; every other one is posted there as it is, for the agent to carry out.
///
/// # Errors
/// Why it cannot be asked.
pub(super) fn request(permit: Permit, order: &Order) -> Result<Value, String> {
    if permit.hash() != order.hash.0 {
        return Err("the permit is for another command".to_owned());
    }
    drop(permit);
    let command = &order.command;
    let by_http = matches!(command.kind, CommandKind::HttpApi | CommandKind::OpenC2Http);
    let (method, path, content_type, body) = if by_http {
        let text = command.text().unwrap_or_default();
        let mut words = text.split_whitespace();
        let (method, path) = (words.next().unwrap_or("POST"), words.next().unwrap_or("/"));
        if !path.starts_with('/') {
            return Err(
                "the command names an address of its own; an agent is asked at its configured one".to_owned()
            );
        }
        let body = command.body().unwrap_or_default();
        let body = String::from_utf8(body).map_err(|_| "the body is no text".to_owned())?;
        let named = command.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = named.and_then(|(_, values)| values.first().cloned());
        (method.to_owned(), path.to_owned(), content_type, body)
    } else {
        let told = serde_json::json!({
            "key": order.key.0, "run": order.run, "step": order.step, "command": command.raw,
            "target": order.target.as_ref().map(cacao::run::Addressee::shown),
        });
        ("POST".to_owned(), String::new(), None, told.to_string())
    };
    let request = Request {
        key: order.key.0.clone(),
        kind: command.kind.as_str().to_owned(),
        idempotent: order.safeguards.as_ref().is_some_and(|the| the.idempotent),
        method,
        path,
        content_type: content_type.unwrap_or_else(|| "application/json".to_owned()),
        body,
    };
    serde_json::to_value(request).map_err(|error| error.to_string())
}

/// What sends.
pub(super) struct Caller {
    http: reqwest::Client,
    has_looked: AtomicBool,
}

impl Caller {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(|http| Self { http, has_looked: AtomicBool::new(false) })
    }

    /// Sends what is ready, and settles what was cut off.
    pub(super) async fn look(&self, state: &AppState) -> Result<(), StoreError> {
        if state.response.config.agents.is_empty() {
            return Ok(());
        }
        let wanted = BTreeSet::from([AGENTS.to_owned()]);
        if state.duties.take(&state.store, DUTY, wanted).await?.is_empty() {
            return Ok(());
        }
        // Where no other hub can have sent it, what stands as sent when this one starts is lost.
        let has_looked = self.has_looked.swap(true, Ordering::Relaxed);
        let at_once = !has_looked && state.config.store.is_none();
        let lost = state.store.read(move |reader| {
            let before = reader.now().checked_sub(LOST_AFTER).unwrap_or(jiff::Timestamp::MIN);
            rows::calls(reader, &REALM, "sent", (!at_once).then_some(before), CALLS_MAX)
        });
        for call in lost.await? {
            let work = state.clone();
            state.store.write(move |tx| settle(tx, &work.response, &call)).await?;
        }
        let ready = state.store.read(|reader| rows::calls(reader, &REALM, "ready", None, CALLS_MAX)).await?;
        futures::future::join_all(ready.into_iter().map(|call| self.send(state, call))).await;
        Ok(())
    }

    async fn send(&self, state: &AppState, call: Call) {
        let agent = state.response.config.agents.iter().find(|agent| agent.name == call.agent);
        let answer = match agent {
            None => {
                Answer::Failed { reason: format!("the agent `{}` is not configured any more", call.agent) }
            }
            Some(agent) => {
                let marked = call.clone();
                let mark = state.store.write(move |tx| {
                    rows::called(tx, &REALM, &marked, ("ready", "sent")).map(Act::bookkeeping)
                });
                match mark.await {
                    Ok(true) => self.ask(state, agent, &call).await,
                    Ok(false) => return,
                    Err(error) => {
                        tracing::error!(%error, "a call to an agent cannot be marked as sent");
                        return;
                    }
                }
            }
        };
        let from = if agent.is_some() { "sent" } else { "ready" };
        if let Err(error) = answered(state, call, from, answer).await {
            tracing::error!(%error, "what an agent answered cannot be written down");
        }
    }

    async fn ask(&self, state: &AppState, agent: &AgentConfig, call: &Call) -> Answer {
        let failed = |reason: String| Answer::Failed { reason };
        let Ok(request) = serde_json::from_str::<Request>(&call.request) else {
            return failed("the call cannot be read".to_owned());
        };
        if let Some(device) = agent.device() {
            let issuer = state.response.order_key().issuer;
            return state.mqtt.ask((issuer.as_str(), device), &request.key, &request.body).await;
        }
        let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
            return failed(format!("`{}` is no method of HTTP", request.method));
        };
        let Some(address) = address(&agent.url, &request.path) else {
            return failed("the path leaves the agent's address".to_owned());
        };
        let mut sent = self.http.request(method, address).header("content-type", request.content_type);
        sent = sent.header("idempotency-key", request.key).body(request.body);
        if let Some(file) = &agent.token_file {
            match std::fs::read_to_string(file) {
                Ok(token) => sent = sent.bearer_auth(token.trim()),
                Err(error) => return failed(format!("the agent's token cannot be read: {error}")),
            }
        }
        match sent.send().await {
            Ok(answer) if answer.status().is_success() => Answer::Done { outputs: outputs(answer).await },
            Ok(answer) if answer.status().is_client_error() => {
                failed(format!("`{}` answered {}", agent.name, answer.status().as_u16()))
            }
            Ok(answer) => {
                Answer::Unknown { reason: format!("`{}` answered {}", agent.name, answer.status().as_u16()) }
            }
            // It never got a connection, so nothing arrived.
            Err(error) if error.is_connect() => failed(format!("`{}` cannot be reached", agent.name)),
            Err(_) => Answer::Unknown { reason: format!("`{}` did not answer", agent.name) },
        }
    }
}

/// An address below the agent's own.
fn address(base: &Url, path: &str) -> Option<Url> {
    if path.is_empty() {
        return Some(base.clone());
    }
    let joined = format!("{}{path}", base.as_str().trim_end_matches('/'));
    let joined = Url::parse(&joined).ok()?;
    let below =
        joined.origin() == base.origin() && joined.path().starts_with(base.path().trim_end_matches('/'));
    below.then_some(joined)
}

/// Variables that an agent gives back: the texts of a JSON object. What the step did not ask for is left out by the run.
async fn outputs(mut answer: reqwest::Response) -> Values {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Values::default();
        }
        body.extend_from_slice(&chunk);
    }
    let read = serde_json::from_slice::<serde_json::Map<String, Value>>(&body).unwrap_or_default();
    let named = read.into_iter().filter(|(name, value)| cacao::is_name(name) && value.is_string());
    Values(named.collect())
}

/// Writes down what came of a call.
async fn answered(
    state: &AppState,
    call: Call,
    from: &'static str,
    answer: Answer,
) -> Result<(), StoreError> {
    let work = state.clone();
    let write = move |tx: &mut Tx<'_>| taken(tx, &work.response, (&call, from), answer);
    if state.store.write(write).await?.has_ordered {
        state.response.wake();
    }
    Ok(())
}

/// Gives what came of a call to its run.
fn taken(
    tx: &mut Tx<'_>,
    response: &Response,
    (call, from): (&Call, &str),
    answer: Answer,
) -> Result<Act<drive::Driven>, StoreError> {
    if !rows::called(tx, &REALM, call, (from, "done"))? {
        return Ok(Act::bookkeeping(drive::Driven::default()));
    }
    let Some(head) = runs::get(tx, &REALM, &call.run)? else {
        return Ok(Act::bookkeeping(drive::Driven::default()));
    };
    let given = vec![What::Answered { key: Key(call.key.clone()), answer }];
    match drive::advance(tx, response, &head, (given, None)) {
        // The step gave it up meanwhile, or a person found out first.
        Err(StoreError::Abandoned { .. }) => Ok(Act::bookkeeping(drive::Driven::default())),
        other => other,
    }
}

/// Settles a call that was cut off: it goes out again where its author said that this does no harm, else nobody knows.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    response: &Response,
    call: &Call,
) -> Result<Act<drive::Driven>, StoreError> {
    let idempotent = serde_json::from_str::<Request>(&call.request).is_ok_and(|request| request.idempotent);
    if idempotent {
        rows::called(tx, &REALM, call, ("sent", "ready"))?;
        return Ok(Act::bookkeeping(drive::Driven::default()));
    }
    let reason = format!("this hub was stopped while it waited for `{}`", call.agent);
    taken(tx, response, (call, "sent"), Answer::Unknown { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_agents_address() {
        let base = Url::parse("https://soar.example/api").unwrap();
        let at = |path: &str| address(&base, path).map(|url| url.to_string());
        assert_eq!(at("").as_deref(), Some("https://soar.example/api"));
        assert_eq!(at("/scan?x=1").as_deref(), Some("https://soar.example/api/scan?x=1"));
        assert_eq!(at("/../admin"), None);
        assert_eq!(at("/%2e%2e/admin"), None);
    }
}
