//! Texts that claim to be OpenC2: read, written and read again, carried through a consumer that is replayed, and answered as a message
//! that can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openc2::consumer::{Config, Consumer, Decision, Event, Limits, Reach, Request};
use openc2::signed::{Authority, Verifier};
use openc2::slpf::{Identity, Support};
use openc2::{Command, DateTime, Language, Message, Reading, Response};

const NOW: DateTime = DateTime(1_790_000_000_000);

fn config() -> Config {
    Config {
        id: "edge".to_owned(),
        identity: Identity::default(),
        support: Support::default(),
        rate_limit: None,
        delete_others: false,
        limits: Limits::default(),
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(response) = Response::parse(bytes, &Reading::default()) {
        let again = Response::read(&response.write(Language::V1_1), &Reading::default());
        assert_eq!(again.as_ref(), Ok(&response));
    }
    let message = match (Command::parse(bytes, &Reading::default()), Message::parse(bytes)) {
        (Ok(command), _) => {
            for language in [Language::V1_0, Language::V1_1] {
                let again = Command::read(&command.write(language), &Reading::default());
                assert_eq!(again.as_ref(), Ok(&command));
            }
            Message::request(openc2::Headers::default(), &command, Language::V1_0)
        }
        (Err(_), Ok(message)) => message,
        (Err(_), Err(_)) => return,
    };
    assert_eq!(Message::parse(&message.to_bytes()).as_ref(), Ok(&message));
    let verifier = Verifier {
        names: ["edge".to_owned()].into(),
        keys: Vec::new(),
        authority: Authority::NotAsked,
        lifetime_max_ms: 1,
        skew_ms: 1,
    };
    assert!(verifier.verify(&message, NOW).is_err(), "nobody is trusted");
    carry(&message);
});

fn carry(message: &Message) {
    let mut consumer = Consumer::new(config());
    let mut events = Vec::new();
    // Whoever is known by its connection has a name.
    let from = message.headers.from.clone().unwrap_or_else(|| "producer".to_owned());
    for _ in 0..2 {
        let request = Request::authenticated(message.clone(), &from, Reach::Direct);
        let decision = consumer.take(&request, NOW).expect("a consumer takes what it asked for");
        finish(&mut consumer, decision, NOW, &mut events);
    }
    for _ in 0..4 {
        let Some(wake) = consumer.next_wake() else { break };
        let decision = consumer.wake(wake).expect("a consumer takes what it asked for");
        finish(&mut consumer, decision, wake, &mut events);
    }
    let replayed = Consumer::replay(config(), &events).expect("what happened can be replayed");
    assert_eq!(replayed.checkpoint(NOW), consumer.checkpoint(NOW));
}

fn finish(consumer: &mut Consumer, decision: Decision, now: DateTime, events: &mut Vec<Event>) {
    for event in decision.events {
        let text = serde_json::to_string(&event).expect("an event is JSON");
        events.push(serde_json::from_str(&text).expect("an event is read again"));
    }
    for reply in decision.replies {
        let text = reply.message("edge", now).to_bytes();
        Message::parse(&text).expect("an answer is a message");
    }
    for effect in decision.effects {
        let next = consumer.finished(&effect.task, Ok(()), now).expect("what was asked for can end");
        finish(consumer, next, now, events);
    }
}
