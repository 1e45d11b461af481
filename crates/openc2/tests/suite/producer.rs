//! A producer: what was sent, who answered, what was sent again, what is overdue, and what was found when somebody looked.

use std::collections::BTreeSet;

use openc2::producer::{Config, Decision, Effect, Event, Order, Producer, Standing, Unexpected};
use openc2::{DateTime, Headers, Language, Message, Reading, Response};
use serde_json::{Value, json};

use crate::support::{NOW, command, later};

fn producer() -> Producer {
    Producer::new(Config::new("council"))
}

fn order_to(to: &[&str], args: Value) -> Order {
    let mut value = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "command_id": "c-1"});
    if args != json!({}) {
        value["args"] = args;
    }
    let to: BTreeSet<String> = to.iter().map(|one| (*one).to_owned()).collect();
    Order { command: command(value), to, request_id: "r-1".into(), deadline: later(60_000) }
}

fn sent(producer: &mut Producer, order: &Order) -> Decision {
    let message = producer.message(order, NOW).unwrap();
    producer.order(order, &message, NOW).unwrap()
}

fn answer(from: &str, response: Value) -> Message {
    let headers =
        Headers { request_id: Some("r-1".into()), from: Some("council".into()), ..Headers::default() };
    let response = Response::read(&response, &Reading::default()).unwrap();
    Message::response(headers.answering(from, NOW), &response, Language::V1_0)
}

fn ok() -> Value {
    json!({"status": 200, "results": {"slpf": {"rule_number": 7}}})
}

fn standing<'p>(producer: &'p Producer, consumer: &str) -> &'p Standing {
    producer.pending("r-1").unwrap().standings().find(|(name, _)| *name == consumer).unwrap().1
}

fn replayed(events: &[Event]) -> Producer {
    let disk: Vec<Event> = serde_json::from_str(&serde_json::to_string(events).unwrap()).unwrap();
    Producer::replay(Config::new("council"), &disk)
}

#[test]
fn an_order_goes_out_is_answered_looked_for_and_forgotten() {
    let mut producer = producer();
    let order = order_to(&["edge-7"], json!({}));
    let mut events = vec![];
    let decision = sent(&mut producer, &order);
    let [Effect::Send { message, .. }] = &decision.effects[..] else { panic!("{decision:?}") };
    assert_eq!(message.headers.to, ["edge-7"]);
    events.extend(decision.events);
    assert_eq!(*standing(&producer, "edge-7"), Standing::Sent);
    events.extend(
        producer.heard(&answer("edge-7", json!({"status": 102})), "edge-7", later(10)).unwrap().events,
    );
    assert_eq!(*standing(&producer, "edge-7"), Standing::Processing);
    events.extend(producer.heard(&answer("edge-7", ok()), "edge-7", later(20)).unwrap().events);
    assert!(!producer.pending("r-1").unwrap().is_settled(), "somebody's word is not yet a fact");
    assert_eq!(producer.next_wake(), Some(later(1_020)));
    let decision = producer.wake(later(1_020));
    let [Effect::Look { consumer, response, .. }] = &decision.effects[..] else { panic!("{decision:?}") };
    assert_eq!((consumer.as_str(), response.rule_number().unwrap().0), ("edge-7", 7));
    // Whoever was asked to look and does not come back is asked again, but not at once.
    assert_eq!(producer.wake(later(1_021)).effects, []);
    assert_eq!(producer.next_wake(), Some(later(6_020)));
    events.extend(producer.looked("r-1", "edge-7", false, later(1_100)).events);
    assert!(
        matches!(standing(&producer, "edge-7"), Standing::Done { seen: Some(false), look: None, .. }),
        "it drifted"
    );
    assert!(producer.pending("r-1").unwrap().is_settled());
    assert_eq!(replayed(&events), producer);
    events.extend(producer.forget("r-1", later(1_200)).events);
    assert_eq!((producer.requests().count(), replayed(&events).requests().count()), (0, 0));
}

#[test]
fn silence_is_sent_again_and_then_given_up() {
    let mut producer = producer();
    let order = order_to(&["edge-7", "edge-8"], json!({}));
    let first = sent(&mut producer, &order);
    producer.heard(&answer("edge-8", ok()), "edge-8", later(1)).unwrap();
    producer.looked("r-1", "edge-8", true, later(2));
    let mut sends = vec![];
    let mut events = first.events.clone();
    while let Some(now) = producer.next_wake().filter(|now| *now < later(60_000)) {
        let decision = producer.wake(now);
        sends.extend(decision.effects.iter().map(|effect| (now, effect.clone())));
        events.extend(decision.events);
    }
    let times: Vec<DateTime> = sends.iter().map(|(now, _)| *now).collect();
    assert_eq!(times, [later(5_000), later(10_000), later(15_000)], "four times in all");
    assert!(sends.iter().all(|(_, effect)| *effect == first.effects[0]), "the same message each time");
    assert_eq!(producer.next_wake(), Some(later(60_000)));
    producer.wake(later(60_000));
    assert_eq!(*standing(&producer, "edge-7"), Standing::Silent);
    assert!(matches!(standing(&producer, "edge-8"), Standing::Done { seen: Some(true), .. }));
    assert_eq!(producer.next_wake(), None);
    // What comes too late is kept all the same.
    producer.heard(&answer("edge-7", ok()), "edge-7", later(70_000)).unwrap();
    assert!(matches!(standing(&producer, "edge-7"), Standing::Done { .. }));
    // A producer that was killed sends again at the same times.
    let mut again = replayed(&events);
    assert_eq!(again.next_wake(), Some(later(60_000)));
    assert_eq!(again.wake(later(60_000)).effects, []);
}

#[test]
fn an_answer_counts_from_whoever_was_asked_and_once() {
    let mut producer = producer();
    sent(&mut producer, &order_to(&["edge-7"], json!({})));
    assert_eq!(producer.heard(&answer("edge-8", ok()), "edge-8", NOW), Err(Unexpected::NotYou));
    assert_eq!(
        producer.heard(&answer("edge-7", ok()), "edge-8", NOW),
        Err(Unexpected::NotYou),
        "it says it was another"
    );
    producer.heard(&answer("edge-7", json!({"status": 403})), "edge-7", NOW).unwrap();
    assert!(matches!(standing(&producer, "edge-7"), Standing::Failed { .. }));
    assert_eq!(producer.heard(&answer("edge-7", ok()), "edge-7", NOW), Err(Unexpected::Twice));
    let mut other = answer("edge-7", ok());
    other.headers.request_id = Some("r-2".into());
    assert_eq!(producer.heard(&other, "edge-7", NOW), Err(Unexpected::NotAsked));
    let question = Message::parse(br#"{"body": {"openc2": {"request": {"action": "deny"}}}}"#).unwrap();
    assert!(matches!(producer.heard(&question, "edge-7", NOW), Err(Unexpected::Refused(_))));
}

#[test]
fn whoever_is_there_may_answer_what_was_sent_to_all() {
    let mut producer = producer();
    sent(&mut producer, &order_to(&[], json!({})));
    for edge in ["edge-1", "edge-2"] {
        producer.heard(&answer(edge, ok()), edge, later(5)).unwrap();
    }
    assert!(!producer.pending("r-1").unwrap().is_settled(), "others may come");
    for edge in ["edge-1", "edge-2"] {
        producer.looked("r-1", edge, true, later(6));
    }
    assert_eq!(producer.next_wake(), Some(later(60_000)));
    producer.wake(later(60_000));
    assert!(producer.pending("r-1").unwrap().is_settled());
    assert_eq!(producer.heard(&answer("edge-3", ok()), "edge-3", later(60_001)), Err(Unexpected::NotYou));
}

#[test]
fn no_answer_is_waited_for_where_none_was_asked() {
    let mut producer = producer();
    sent(&mut producer, &order_to(&["edge-7"], json!({"response_requested": "none"})));
    assert!(producer.pending("r-1").unwrap().is_settled());
    assert_eq!(producer.next_wake(), None);
    let mut producer = Producer::new(Config::new("council"));
    sent(&mut producer, &order_to(&["edge-7"], json!({"response_requested": "ack"})));
    producer.heard(&answer("edge-7", json!({"status": 102})), "edge-7", NOW).unwrap();
    assert!(
        matches!(standing(&producer, "edge-7"), Standing::Done { look: Some(_), .. }),
        "nothing else comes"
    );
}

#[test]
fn a_command_that_could_not_be_sent_again_is_not_sent() {
    let mut producer = producer();
    let mut order = order_to(&["edge-7"], json!({}));
    sent(&mut producer, &order);
    let message = producer.message(&order, NOW).unwrap();
    assert_eq!(producer.order(&order, &message, NOW).unwrap_err().clause(), "LS 3.2", "its request is open");
    order.command.command_id = None;
    assert_eq!(producer.message(&order, NOW).unwrap_err().clause(), "LS 3.3.1");
    let mut few = Producer::new(Config { open_max: 0, ..Config::new("council") });
    let order = order_to(&["edge-7"], json!({}));
    let message = few.message(&order, NOW).unwrap();
    assert!(few.order(&order, &message, NOW).is_err());
}
