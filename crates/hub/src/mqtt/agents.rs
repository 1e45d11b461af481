//! Commands to agents behind the broker: any consumer of OpenC2 that answers there. They are not signed, so the broker is trusted to let nobody
//! else speak for this hub or for the device; that is why they hold for no longer than their answer is waited for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cacao::run::{Answer, Values};
use jiff::{SignedDuration, Timestamp};
use openc2::client::{Arrived, NotSent};
use openc2::mqtt::{Publish, Topic, publish};
use openc2::{Content, DateTime, Headers, Message, Reading, Status};
use serde_json::Value;
use tokio::sync::mpsc;

use super::Mqtt;

/// An agent that takes longer has not answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers to one command that are looked at: that it was taken, and what came of it.
const ANSWERS_MAX: usize = 4;

/// Whose answers are waited for, by the identifier of the request.
#[derive(Default)]
pub(super) struct Asked(Mutex<BTreeMap<String, Waiting>>);

struct Waiting {
    device: String,
    answers: mpsc::Sender<Message>,
}

impl Asked {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to whoever waits for it; whether somebody does.
    pub(super) fn hear(&self, message: &Message) -> bool {
        let (Some(id), Some(from)) = (&message.headers.request_id, &message.headers.from) else {
            return false;
        };
        let all = self.all();
        let waiting = all.get(id).filter(|waiting| waiting.device == *from);
        // What comes beyond what is looked at says nothing more.
        waiting.is_some_and(|waiting| waiting.answers.try_send(message.clone()).is_ok())
    }
}

impl Mqtt {
    /// Publishes a command for a device and waits for its answer. `key` names the command, `issuer` is who this hub is to others.
    pub(crate) async fn ask(&self, (issuer, device): (&str, &str), key: &str, body: &str) -> Answer {
        let failed = |reason: String| Answer::Failed { reason };
        let away = || failed(format!("the broker that `{device}` is behind is not reached"));
        let Some(client) = self.client() else { return away() };
        let (packet, is_answered) = match packet((issuer, device), key, body, Timestamp::now()) {
            Ok(both) => both,
            Err(why) => return failed(why),
        };
        let (sender, answers) = mpsc::channel(ANSWERS_MAX);
        let waiting = Waiting { device: device.to_owned(), answers: sender };
        self.0.asked.all().insert(key.to_owned(), waiting);
        let answer = match client.publish(packet).await {
            Ok(Arrived::Taken) if !is_answered => Answer::Done { outputs: Values::default() },
            Ok(Arrived::Taken) => answered(device, answers).await,
            Ok(Arrived::ForNobody) => failed(format!("`{device}` is not known to the broker")),
            Err(NotSent::Away) => away(),
            Err(NotSent::Silent) => {
                Answer::Unknown { reason: format!("the broker did not say whether it has it for `{device}`") }
            }
            Err(error) => failed(error.to_string()),
        };
        self.0.asked.all().remove(key);
        answer
    }
}

/// What came of a command, out of the answers to it.
async fn answered(device: &str, mut answers: mpsc::Receiver<Message>) -> Answer {
    let last = async {
        while let Some(message) = answers.recv().await {
            if let Some(answer) = judged(device, &message) {
                return Some(answer);
            }
        }
        None
    };
    let found = tokio::time::timeout(PATIENCE, last).await.ok().flatten();
    found.unwrap_or_else(|| Answer::Unknown { reason: format!("`{device}` did not answer") })
}

/// What one answer says; nothing where the command is not done yet.
fn judged(device: &str, message: &Message) -> Option<Answer> {
    let Ok(response) = message.answer(&Reading::default()) else {
        return Some(Answer::Unknown {
            reason: format!("`{device}` answered what is no response of OpenC2"),
        });
    };
    let reason = format!("`{device}` answered {}", response.status.code());
    match response.status {
        Status::Processing => None,
        Status::Ok | Status::Created => Some(Answer::Done { outputs: Values::default() }),
        Status::BadRequest
        | Status::Unauthorized
        | Status::Forbidden
        | Status::NotFound
        | Status::NotImplemented => Some(Answer::Failed { reason }),
        Status::InternalError | Status::ServiceUnavailable => Some(Answer::Unknown { reason }),
    }
}

/// A command as it is published, and whether it asks for an answer.
fn packet(
    (issuer, device): (&str, &str),
    key: &str,
    body: &str,
    now: Timestamp,
) -> Result<(Publish, bool), String> {
    let value: Value = serde_json::from_str(body).map_err(|_| "the command's body is no JSON".to_owned())?;
    let Value::Object(mut command) = value.pointer("/body/openc2/request").unwrap_or(&value).clone() else {
        return Err("the command's body is no command of OpenC2".to_owned());
    };
    let asked = command.get("args").and_then(|args| args.get("response_requested"));
    let is_answered = asked.and_then(Value::as_str) != Some("none");
    command.entry("command_id").or_insert_with(|| key.into());
    let headers = Headers {
        request_id: Some(key.to_owned()),
        created: Some(DateTime::from(now)),
        from: Some(issuer.to_owned()),
        to: vec![device.to_owned()],
    };
    let content = Content::Request(Value::Object(command));
    let message = Message { headers, content, signature: None };
    let topic = Topic::device(device).ok_or("the device's name cannot stand in a topic")?;
    let waits = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::ZERO);
    let expires = now.checked_add(waits).unwrap_or(Timestamp::MAX);
    let packet = publish(&message, &topic, DateTime::from(expires), DateTime::from(now));
    packet.map(|packet| (packet, is_answered)).map_err(|refusal| refusal.to_string())
}

#[cfg(test)]
mod tests {
    use openc2::mqtt::read;
    use openc2::{Language, Response};
    use serde_json::json;

    use super::*;

    fn message(from: &str, id: &str, status: Status) -> Message {
        let headers =
            Headers { request_id: Some(id.to_owned()), from: Some(from.to_owned()), ..Headers::default() };
        Message::response(headers, &Response::new(status), Language::V1_0)
    }

    #[test]
    fn a_command_is_published_for_its_device_and_not_for_long() {
        let deny = json!({ "action": "deny", "target": { "ipv4_net": "198.51.100.7" } });
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let (packet, is_answered) = packet(("hub/log", "fw-7"), "k-1", &deny.to_string(), now).unwrap();
        assert_eq!((packet.topic.as_str(), packet.message_expiry_s), ("oc2/cmd/device/fw-7", Some(10)));
        let (_, message) = read(&packet).unwrap();
        let Content::Request(command) = &message.content else { panic!("{message:?}") };
        assert_eq!((&command["command_id"], &command["action"]), (&json!("k-1"), &json!("deny")));
        assert_eq!(message.headers.from.as_deref(), Some("hub/log"));
        assert!(is_answered);
        let whole = json!({ "body": { "openc2": { "request": {
            "action": "deny", "target": { "ipv4_net": "198.51.100.7" }, "command_id": "c-1", "args": { "response_requested": "none" } } } } });
        let (packet, is_answered) = super::packet(("hub", "fw-7"), "k-1", &whole.to_string(), now).unwrap();
        assert!(!is_answered && String::from_utf8_lossy(&packet.payload).contains("\"c-1\""));
        for bad in ["", "[]", "7"] {
            assert!(super::packet(("hub", "fw-7"), "k-1", bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_counts_from_the_device_that_was_asked() {
        let (asked, (sender, mut answers)) = (Asked::default(), mpsc::channel(1));
        asked.all().insert("k-1".to_owned(), Waiting { device: "fw-7".to_owned(), answers: sender });
        assert!(!asked.hear(&message("fw-8", "k-1", Status::Ok)));
        assert!(!asked.hear(&message("fw-7", "k-2", Status::Ok)));
        assert!(asked.hear(&message("fw-7", "k-1", Status::Ok)));
        assert!(!asked.hear(&message("fw-7", "k-1", Status::Ok)), "no more than is looked at");
        assert!(answers.try_recv().is_ok());
        let said = |status| judged("fw-7", &message("fw-7", "k-1", status));
        assert!(said(Status::Processing).is_none());
        assert!(matches!(said(Status::Ok), Some(Answer::Done { .. })));
        assert!(matches!(said(Status::Forbidden), Some(Answer::Failed { .. })));
        assert!(matches!(said(Status::InternalError), Some(Answer::Unknown { .. })));
    }
}
