//! A consumer that is killed between any two steps goes on: its events, replayed, are the same consumer, and what had begun is finished.

use openc2::consumer::{Config, Consumer, Deed, Event, Impossible, Limits, Restart, Task, What};
use openc2::{RuleNumber, Status};
use serde_json::json;

use crate::support::{NOW, World, config, deny, later, request, said};

/// The events as they lie on disk.
fn on_disk(events: &[Event]) -> Vec<Event> {
    events.iter().map(|event| serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap()).collect()
}

fn replay(events: &[Event]) -> Consumer {
    Consumer::replay(config(), &on_disk(events)).unwrap()
}

#[test]
fn killed_before_the_rule_was_in_force_it_is_put_into_force_again() {
    let mut world = World::new(config());
    let taken = world.consumer.take(&request("r", &deny("192.0.2.1")), NOW).unwrap();
    // Killed here: whether the device has the rule is not known.
    let mut consumer = replay(&taken.events);
    let resumed = consumer.resume(Restart::Program, later(5)).unwrap();
    let [effect] = &resumed.effects[..] else { panic!("{resumed:?}") };
    assert!(effect.again);
    assert_eq!(effect.action, taken.effects[0].action);
    assert_eq!(effect.task, taken.effects[0].task);
    let done = consumer.finished(&effect.task, Ok(()), later(6)).unwrap();
    assert_eq!(done.replies[0].response.rule_number(), Some(RuleNumber(1)));
    assert_eq!(done.replies[0].request_id.as_deref(), Some("r"));
    // Killed before the answer left: whoever asks again is told.
    let events = [taken.events, done.events].concat();
    let mut consumer = replay(&events);
    assert_eq!(consumer.resume(Restart::Program, later(7)).unwrap().effects, []);
    let again = consumer.take(&request("r", &deny("192.0.2.1")), later(8)).unwrap();
    assert_eq!(again.replies[0].response, done.replies[0].response);
    assert_eq!(again.effects, []);
}

#[test]
fn a_stop_time_is_kept_through_a_restart() {
    let mut world = World::new(config());
    let mut events = vec![];
    let brief = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"duration": 1_000}});
    let taken = world.consumer.take(&request("r", &brief), NOW).unwrap();
    events.extend(taken.events);
    events.extend(world.consumer.finished(&taken.effects[0].task, Ok(()), NOW).unwrap().events);
    // Down while its time ended.
    let mut consumer = replay(&events);
    let resumed = consumer.resume(Restart::Program, later(60_000)).unwrap();
    assert!(
        matches!(&resumed.effects[..], [effect] if matches!(effect.action, Deed::Remove(_)) && !effect.again)
    );
    events.extend(resumed.events);
    // Killed once more, in the midst of it.
    let mut consumer = replay(&events);
    let resumed = consumer.resume(Restart::Program, later(60_001)).unwrap();
    let [effect] = &resumed.effects[..] else { panic!("{resumed:?}") };
    assert!(effect.again && effect.task == Task::Stop(RuleNumber(1)));
    consumer.finished(&effect.task, Ok(()), later(60_002)).unwrap();
    assert_eq!((consumer.rules().count(), consumer.next_wake()), (0, None));
}

#[test]
fn what_is_not_persistent_is_gone_with_the_device_and_not_with_the_program() {
    let mut world = World::new(config());
    let mut events = vec![];
    for (index, persistent) in [true, false].into_iter().enumerate() {
        let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"persistent": persistent}}});
        let taken = world.consumer.take(&request(&format!("r-{index}"), &command), NOW).unwrap();
        events.extend(taken.events);
        events.extend(world.consumer.finished(&taken.effects[0].task, Ok(()), NOW).unwrap().events);
    }
    let mut program = replay(&events);
    assert_eq!(program.resume(Restart::Program, later(1)).unwrap().events, []);
    assert_eq!(program.rules().count(), 2);
    let mut device = replay(&events);
    let resumed = device.resume(Restart::Device, later(1)).unwrap();
    assert_eq!(resumed.events[0].what, What::Lapsed { number: RuleNumber(2) });
    assert_eq!(device.rules().map(|rule| rule.number).collect::<Vec<_>>(), [RuleNumber(1)]);
}

#[test]
fn a_delete_that_was_under_way_is_finished_by_whoever_began_it() {
    let mut world = World::new(config());
    let mut events = vec![];
    let taken = world.consumer.take(&request("r", &deny("192.0.2.1")), NOW).unwrap();
    events.extend(taken.events);
    events.extend(world.consumer.finished(&taken.effects[0].task, Ok(()), NOW).unwrap().events);
    let delete = json!({"action": "delete", "target": {"slpf:rule_number": 1}});
    events.extend(world.consumer.take(&request("d", &delete), NOW).unwrap().events);
    let mut consumer = replay(&events);
    let resumed = consumer.resume(Restart::Program, later(1)).unwrap();
    let [effect] = &resumed.effects[..] else { panic!("{resumed:?}") };
    assert!(matches!(effect.task, Task::Command(_)), "once, and as the command's");
    let done = consumer.finished(&effect.task, Ok(()), later(2)).unwrap();
    assert_eq!(said(&done.replies[0].response), json!({"status": 200}));
}

#[test]
fn a_checkpoint_stands_for_all_events_before_it() {
    let mut world = World::new(config());
    for net in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        let target = if net.contains(':') { "ipv6_net" } else { "ipv4_net" };
        world.ask(json!({"action": "deny", "target": {target: net}, "args": {"duration": 5_000}, "command_id": net}), NOW);
    }
    world.send(
        json!({"action": "allow", "target": {"ipv4_net": "192.0.2.9"}, "args": {"start_time": later(900).0}}),
        NOW,
    );
    world.ask(json!({"action": "scan", "target": {"uri": "a:b"}, "command_id": "no"}), NOW);
    let point = world.consumer.checkpoint(later(1));
    let mut consumer = replay(std::slice::from_ref(&point));
    assert_eq!(consumer.checkpoint(later(1)), point);
    assert_eq!(consumer.next_wake(), world.consumer.next_wake());
    let again = json!({"action": "scan", "target": {"uri": "a:b"}, "command_id": "no"});
    assert_eq!(
        consumer.take(&request("x", &again), later(2)).unwrap().replies[0].response.status,
        Status::NotImplemented
    );
}

#[test]
fn events_that_cannot_have_happened_are_refused() {
    let mut world = World::new(config());
    let taken = world.consumer.take(&request("r", &deny("192.0.2.1")), NOW).unwrap();
    let done = world.consumer.finished(&taken.effects[0].task, Ok(()), NOW).unwrap();
    let all = [taken.events, done.events].concat();
    assert_eq!(all.len(), 3);
    assert!(Consumer::replay(config(), &all).is_ok());
    let bad = |events: Vec<Event>| -> Impossible { Consumer::replay(config(), &events).unwrap_err() };
    bad(vec![all[1].clone()]);
    bad(vec![all[0].clone(), all[2].clone()]);
    bad(vec![all[0].clone(), all[0].clone()]);
    bad([all.clone(), vec![all[1].clone()]].concat());
    bad([all.clone(), vec![all[2].clone()]].concat());
    let lapsed = Event { at: NOW, what: What::Lapsed { number: RuleNumber(1) } };
    bad([all.clone(), vec![lapsed]].concat());
    let stop = Event { at: NOW, what: What::Ended { task: Task::Stop(RuleNumber(1)), failure: None } };
    bad([all, vec![stop]].concat());
}

#[test]
fn a_journal_is_read_under_another_configuration() {
    let brief = Limits { remember_ms: 10, ..Limits::default() };
    let mut world = World::new(Config { limits: brief, ..config() });
    let mut events = vec![];
    let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "command_id": "c-1"});
    for now in [NOW, later(1_000)] {
        let taken = world.consumer.take(&request("r", &command), now).unwrap();
        events.extend(taken.events);
        // Something else, so that the first is forgotten.
        events.extend(world.consumer.finished(&taken.effects[0].task, Ok(()), now).unwrap().events);
        let other = world
            .consumer
            .take(&request("x", &json!({"action": "scan", "target": {"uri": "a:b"}})), later(500))
            .unwrap();
        events.extend(other.events);
    }
    assert_eq!(world.consumer.rules().count(), 2);
    // With a longer memory the second command meets one that is remembered; it happened all the same.
    let consumer = replay(&events);
    assert_eq!(consumer.rules().count(), 2);
    let disk = on_disk(&events);
    let forgetful = Limits { remember_ms: 0, ..Limits::default() };
    assert!(Consumer::replay(Config { limits: forgetful, ..config() }, &disk).is_ok());
}
