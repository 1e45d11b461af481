//! Orders through the engine, with devices that do what a test tells them to: what is taken and what not, what outlives being killed, and
//! what devices cannot make anybody believe.

use std::panic::AssertUnwindSafe;

use api::{OrderContext, OrderPerson, OrderReport, OrderState};
use ed25519_dalek::SigningKey;
use openc2::signed::{Authority, Statement, TrustedKey, Verifier, sign};
use openc2::{Headers, Message};
use serde_json::{Value, json};

use super::*;
use crate::actuators::{Actuator, Block, Change, Desired, Failed, Found, Reading, Wanted, What};
use crate::config::orders::{Allowed, Device, Protected, Radius};
use crate::ledger::LedgerKind;

pub(crate) const NOW: DateTime = DateTime(1_790_000_000_000);
pub(crate) const MINUTE: u64 = 60_000;

pub(crate) fn later(ms: u64) -> DateTime {
    DateTime(NOW.0 + ms)
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Orders of `council` and `police`, against documentation networks and any name, carried out without asking.
pub(crate) fn config() -> crate::config::Orders {
    let trusted = |issuer: &str, seed| TrustedKey {
        issuer: issuer.into(),
        key: key(seed).verifying_key().to_bytes(),
        valid_from: None,
        valid_until: None,
    };
    crate::config::Orders {
        enabled: true,
        verifier: Verifier {
            names: ["edge-1".to_owned()].into(),
            keys: vec![trusted("council", 7), trusted("police", 8)],
            authority: Authority::Named,
            lifetime_max_ms: 60 * MINUTE,
            skew_ms: 1_000,
        },
        asks: false,
        longest_ms: 60 * MINUTE,
        allow: vec![Allowed {
            issuers: BTreeSet::new(),
            networks: ["198.51.0.0/16", "203.0.113.0/24", "2001:db8::/32"]
                .map(|net| net.parse().unwrap())
                .into(),
            names: vec![".".to_owned()],
        }],
        protect: Protected::default(),
        radius: Radius {
            ipv4_prefix_min: 24,
            ipv6_prefix_min: 64,
            addresses_max: 256,
            orders_an_hour_max: 60,
            standing_max: 1_000,
        },
        shadow: None,
        removes_foreign: true,
        reconcile_ms: 3_000,
        devices: Vec::<Device>::new(),
        mqtt: None,
    }
}

/// An order of an issuer, as the hub would give it.
pub(crate) fn order_of(issuer: &str, seed: u8, sequence: i64, command: &Value, now: DateTime) -> EdgeOrder {
    let id = command["command_id"].as_str().unwrap().to_owned();
    let statement = Statement {
        issuer: issuer.into(),
        audience: ["edge-1".to_owned()].into(),
        command_id: id.clone(),
        not_before: now,
        expires: DateTime(now.0 + 10 * MINUTE),
        authority: Some("ab".repeat(32)),
    };
    signed_order(sequence, command, &statement, seed)
}

fn signed_order(sequence: i64, command: &Value, statement: &Statement, seed: u8) -> EdgeOrder {
    let headers = Headers { from: Some(statement.issuer.clone()), ..Headers::default() };
    let message = Message { headers, content: openc2::Content::Request(command.clone()), signature: None };
    let message = sign(message, statement, &key(seed)).unwrap();
    let person = |name: &str| OrderPerson {
        organisation: "council".into(),
        name: Some(name.to_owned()),
        at: "2026-09-21T14:13:20Z".into(),
    };
    EdgeOrder {
        sequence,
        message: message.write(),
        about: OrderContext {
            command_id: statement.command_id.clone(),
            run: None,
            playbook: Some("Block an attacker".into()),
            step: None,
            case: None,
            requested_by: person("Aoki"),
            approved_by: vec![person("Baba")],
            basis: Some("consent of the operator".into()),
            reference: None,
            undoes: None,
            hubs: None,
        },
    }
}

pub(crate) fn deny(id: &str, net: &str, minutes: u64) -> Value {
    let kind = if net.contains(':') {
        "ipv6_net"
    } else if net.bytes().any(|b| b.is_ascii_alphabetic()) {
        "domain_name"
    } else {
        "ipv4_net"
    };
    json!({"action": "deny", "target": {kind: net}, "args": {"duration": minutes * MINUTE}, "command_id": id})
}

/// What a device of a test has and does.
#[derive(Debug, Default)]
struct Inside {
    has: Desired,
    applied: usize,
    /// It answers success and does nothing.
    lies: bool,
    /// It does nothing and says so.
    fails: bool,
    /// How much it has stopped of everything.
    counter: u64,
    /// How much went by.
    passed: Option<u64>,
    /// It says beforehand that it will not.
    objects: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Inside>>);

impl Fake {
    fn has(&self) -> Vec<String> {
        self.0.lock().unwrap().has.keys().map(ToString::to_string).collect()
    }
    fn until(&self, block: &str) -> u64 {
        let inner = self.0.lock().unwrap();
        inner
            .has
            .iter()
            .find(|(has, _)| has.to_string() == block)
            .map(|(_, wanted)| wanted.until.0 - NOW.0)
            .unwrap()
    }
    fn set(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut self.0.lock().unwrap());
    }
}

impl Actuator for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }
    fn carries(&self, _what: &What) -> bool {
        true
    }
    fn is_filter(&self) -> bool {
        true
    }
    fn passed(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).passed
    }
    fn check(&mut self, change: Change<'_>, _now: DateTime) -> Result<(), Failed> {
        let objects = self.0.lock().unwrap_or_else(PoisonError::into_inner).objects;
        assert!(change.put.iter().all(|block| change.all.contains_key(block)));
        if objects { Err(Failed("no room".to_owned())) } else { Ok(()) }
    }
    fn apply(&mut self, change: Change<'_>, _now: DateTime) -> Result<(), Failed> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.applied += 1;
        if inner.fails {
            return Err(Failed("out of order".to_owned()));
        }
        if inner.lies {
            return Ok(());
        }
        for block in change.put {
            let wanted = change.all[block].clone();
            inner.has.insert(block.clone(), wanted);
        }
        for block in change.take {
            inner.has.remove(block);
        }
        Ok(())
    }
    fn read(&mut self, all: &Desired, _now: DateTime) -> Result<Reading, Failed> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Found { stopped: Some(inner.counter) };
        let stands =
            |(block, wanted): &(&Block, &Wanted)| all.get(*block).is_none_or(|all| all.until == wanted.until);
        Ok(Reading {
            standing: inner
                .has
                .iter()
                .filter(stands)
                .map(|(block, _)| (block.clone(), found.clone()))
                .collect(),
            foreign: inner.has.keys().filter(|block| !all.contains_key(*block)).cloned().collect(),
        })
    }
}

/// An edge over a folder, with a device.
struct Scene {
    folder: tempfile::TempDir,
    spool: Spool,
    engine: Engine,
    device: Fake,
    config: crate::config::Orders,
    sequence: i64,
}

impl Scene {
    fn new(config: crate::config::Orders) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let device = Fake::default();
        let mut engine = Engine::open(&config, vec![Box::new(device.clone())], &spool).unwrap();
        engine.begin(&spool, "boot-1", NOW).unwrap();
        Self { folder, spool, engine, device, config, sequence: 0 }
    }

    /// Killed and started again: nothing is left of the process but its folder and what devices have.
    fn restart(&mut self, boot: &str, now: DateTime) {
        self.spool = Spool::open(self.folder.path()).unwrap();
        self.engine = Engine::open(&self.config, vec![Box::new(self.device.clone())], &self.spool).unwrap();
        self.engine.begin(&self.spool, boot, now).unwrap();
    }

    fn give(&mut self, order: &EdgeOrder, now: DateTime) {
        self.engine.take(&self.spool, order, now).unwrap();
        self.engine.tick(&self.spool, now).unwrap();
    }

    fn order(&mut self, command: &Value, now: DateTime) -> EdgeOrder {
        self.sequence += 1;
        let order = order_of("council", 7, self.sequence, command, now);
        self.give(&order, now);
        order
    }

    fn tick(&mut self, now: DateTime) {
        self.engine.tick(&self.spool, now).unwrap();
    }

    fn reports(&self) -> Vec<OrderReport> {
        let waiting = self.spool.waiting_order_reports(1_000).unwrap();
        waiting.into_iter().map(|(_, report)| report).collect()
    }

    /// The states that were told of a command, and the last reason.
    fn told(&self, id: &str) -> (Vec<OrderState>, String) {
        let reports: Vec<_> = self.reports().into_iter().filter(|report| report.command_id == id).collect();
        for (index, report) in reports.iter().enumerate() {
            assert_eq!(report.number as usize, index + 1, "each report has its own number");
        }
        let why = reports.last().and_then(|report| report.why.clone()).unwrap_or_default();
        (reports.into_iter().map(|report| report.state).collect(), why)
    }

    fn states(&self, id: &str) -> Vec<OrderState> {
        self.told(id).0
    }

    fn ledger(&self, id: &str) -> Vec<LedgerKind> {
        let rows = self.spool.ledger(500).unwrap();
        rows.iter().rev().filter(|row| row.indicator == id).map(|row| row.kind).collect()
    }
}

use OrderState::{Drifted, Enforced, Expired, Failed as Broke, Refused, Released, Taken, Waiting};

#[test]
fn an_order_is_carried_out_read_back_and_ends_at_its_time() {
    let mut scene = Scene::new(config());
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    assert_eq!(scene.device.until("198.51.100.7"), 10 * MINUTE);
    assert_eq!(scene.states("c-1"), [Taken, Enforced]);
    let enforced = scene.reports().pop().unwrap();
    assert_eq!(enforced.response.unwrap(), json!({"status": 200, "results": {"slpf": {"rule_number": 1}}}));
    assert_eq!(scene.spool.order_sequence().unwrap(), 1);
    // What it stops is told, though not every few seconds.
    scene.device.set(|device| device.counter = 40);
    scene.tick(later(5_000));
    assert_eq!(scene.states("c-1").len(), 2);
    scene.tick(later(40_000));
    assert_eq!(scene.reports().pop().unwrap().stopped, Some(40));
    assert_eq!(scene.engine.next_tick(), later(43_000));
    scene.tick(later(10 * MINUTE));
    assert_eq!(scene.device.has(), [""; 0]);
    assert_eq!(scene.states("c-1"), [Taken, Enforced, Enforced, Expired]);
    assert_eq!(scene.ledger("c-1"), [LedgerKind::Ordered, LedgerKind::Enforced, LedgerKind::Undone]);
    let rows = scene.spool.ledger(500).unwrap();
    let ordered = rows.iter().find(|row| row.kind == LedgerKind::Ordered).unwrap();
    for part in [
        "deny 198.51.100.7",
        "signed by council",
        "Aoki (council)",
        "Baba (council)",
        "consent of the operator",
        "until 2026-",
    ] {
        assert!(format!("{} {}", ordered.name, ordered.detail).contains(part), "{part}: {ordered:?}");
    }
}

#[test]
fn what_is_not_signed_for_this_edge_is_refused() {
    let mut scene = Scene::new(config());
    let command = deny("c-1", "198.51.100.7", 10);
    let statement = |change: fn(&mut Statement)| {
        let mut statement = Statement {
            issuer: "council".into(),
            audience: ["edge-1".to_owned()].into(),
            command_id: "c-1".into(),
            not_before: NOW,
            expires: later(10 * MINUTE),
            authority: Some("ab".repeat(32)),
        };
        change(&mut statement);
        signed_order(1, &deny("c-1", "198.51.100.7", 10), &statement, 7)
    };
    let mut changed = statement(|_| {});
    changed.message["body"]["openc2"]["request"]["target"] = json!({"ipv4_net": "198.51.100.8"});
    let mut unsigned = statement(|_| {});
    unsigned.message.as_object_mut().unwrap().remove("signature");
    let mut other = statement(|_| {});
    other.about.command_id = "c-2".into();
    for (order, why) in [
        (order_of("council", 9, 1, &command, NOW), "the signature does not hold"),
        (order_of("police", 7, 1, &command, NOW), "the signature does not hold"),
        (order_of("nobody", 7, 1, &command, NOW), "no key of the issuer is trusted"),
        (statement(|s| s.audience = ["edge-2".to_owned()].into()), "the signature is for others"),
        (statement(|s| s.not_before = later(5_000)), "does not hold yet"),
        (statement(|s| (s.not_before, s.expires) = (DateTime(1), NOW)), "the signature has expired"),
        (statement(|s| s.expires = later(61 * MINUTE)), "would hold for too long"),
        (statement(|s| s.authority = None), "names no authority"),
        (changed, "the signature does not hold"),
        (unsigned, "the command is not signed"),
        (other, "it is for another command"),
    ] {
        scene.give(&order, NOW);
        let report = scene.reports().pop().unwrap();
        assert_eq!(report.state, Refused, "{why}");
        assert!(report.why.as_ref().unwrap().contains(why), "{why}: {report:?}");
        assert!(report.response.unwrap()["status"].as_u64().unwrap() >= 400);
    }
    assert_eq!(scene.device.has(), [""; 0]);
    // What was refused for another's signature does not keep the right one out.
    scene.order(&command, NOW);
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
}

#[test]
fn an_edge_that_comes_back_after_the_end_does_nothing() {
    let mut scene = Scene::new(config());
    let order = order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 5), NOW);
    scene.give(&order, later(11 * MINUTE));
    assert_eq!(scene.states("c-1"), [Refused]);
    // Its signature holds, and its time is over.
    let stop = json!({"action": "deny", "target": {"ipv4_net": "198.51.100.7"}, "args": {"stop_time": later(MINUTE).0}, "command_id": "c-2"});
    let order = order_of("council", 7, 2, &stop, NOW);
    scene.give(&order, later(2 * MINUTE));
    let (states, why) = scene.told("c-2");
    assert!(states == [Refused] && why.starts_with("time: "), "{why}");
    assert_eq!(scene.device.0.lock().unwrap().applied, 0);
    // It was there, went away, and comes back: what it had begun is ended and nothing else.
    scene.order(&deny("c-3", "198.51.100.9", 5), NOW);
    scene.restart("boot-1", later(6 * MINUTE));
    assert_eq!(scene.device.has(), [""; 0]);
    assert_eq!(scene.states("c-3").last(), Some(&Expired));
}

#[test]
fn the_same_order_twice_is_one() {
    let mut scene = Scene::new(config());
    let order = scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    let applied = scene.device.0.lock().unwrap().applied;
    scene.give(&order, later(10));
    scene.restart("boot-1", later(20));
    scene.give(&order, later(30));
    assert_eq!(scene.device.0.lock().unwrap().applied, applied);
    assert_eq!(scene.states("c-1"), [Taken, Enforced]);
    // Another order under its identifier changes nothing, and only the ledger tells of it.
    let other = order_of("council", 7, 3, &deny("c-1", "198.51.100.8", 10), NOW);
    scene.give(&other, later(40));
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    assert_eq!(scene.states("c-1"), [Taken, Enforced]);
    assert_eq!(scene.ledger("c-1").last(), Some(&LedgerKind::Rejected));
    assert_eq!(scene.spool.order_sequence().unwrap(), 3);
}

#[test]
fn overlapping_orders_are_one_block_until_the_last_ends() {
    let mut scene = Scene::new(config());
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    let police = order_of("police", 8, 2, &deny("p-1", "198.51.100.7", 30), NOW);
    scene.give(&police, later(100));
    assert_eq!(scene.device.until("198.51.100.7"), 30 * MINUTE + 100);
    // A shorter one does not shorten it.
    scene.order(&deny("c-2", "198.51.100.7", 1), later(200));
    assert_eq!(scene.device.until("198.51.100.7"), 30 * MINUTE + 100);
    // The council takes back what the council ordered; the police's stays.
    let allow = json!({"action": "allow", "target": {"ipv4_net": "198.51.100.7"}, "command_id": "c-3"});
    scene.order(&allow, later(300));
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    assert_eq!(scene.states("c-1"), [Taken, Enforced, Released]);
    assert_eq!(scene.states("c-2"), [Taken, Enforced, Released]);
    assert_eq!(scene.states("c-3"), [Taken, Released]);
    assert_eq!(scene.states("p-1"), [Taken, Enforced]);
    scene.tick(later(30 * MINUTE + 101));
    assert_eq!(scene.states("p-1"), [Taken, Enforced, Expired]);
    assert_eq!(scene.device.has(), [""; 0]);
}

#[test]
fn orders_are_taken_back_by_those_who_gave_them() {
    let mut scene = Scene::new(config());
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    scene.order(&deny("c-2", "evil.example.com", 10), NOW);
    let delete = |id: &str, number: i64| json!({"action": "delete", "target": {"slpf:rule_number": number}, "command_id": id});
    let police = order_of("police", 8, 3, &delete("p-1", 1), NOW);
    scene.give(&police, NOW);
    assert_eq!(scene.states("p-1"), [Refused]);
    let allow = json!({"action": "allow", "target": {"ipv4_net": "198.51.100.7"}, "command_id": "p-2"});
    let police = order_of("police", 8, 4, &allow, NOW);
    scene.give(&police, NOW);
    assert_eq!(
        (scene.states("p-2"), scene.device.has().len()),
        (vec![Taken, Released], 2),
        "nothing of its own"
    );
    scene.order(&delete("c-3", 1), NOW);
    assert_eq!(
        (scene.states("c-1"), scene.states("c-3")),
        (vec![Taken, Enforced, Released], vec![Taken, Released])
    );
    let allow =
        json!({"action": "allow", "target": {"domain_name": "EVIL.example.com"}, "command_id": "c-4"});
    scene.order(&allow, NOW);
    assert_eq!(scene.states("c-2"), [Taken, Enforced, Released]);
    assert_eq!(scene.device.has(), [""; 0]);
    // Nothing is opened for a time.
    let allow = json!({"action": "allow", "target": {"ipv4_net": "198.51.100.7"}, "args": {"duration": 5}, "command_id": "c-5"});
    scene.order(&allow, NOW);
    assert_eq!(scene.states("c-5"), [Refused]);
    let scan = json!({"action": "scan", "target": {"ipv4_net": "198.51.100.7"}, "command_id": "c-6"});
    scene.order(&scan, NOW);
    assert_eq!(scene.states("c-6"), [Refused]);
}

#[test]
fn the_operator_is_asked_and_has_the_last_word() {
    let mut scene = Scene::new(crate::config::Orders { asks: true, ..config() });
    let key = |id: &str| ("council".to_owned(), id.to_owned());
    for (id, address) in
        [("c-1", "198.51.100.1"), ("c-2", "198.51.100.2"), ("c-3", "198.51.100.3"), ("c-4", "198.51.100.4")]
    {
        scene.order(&deny(id, address, 15), NOW);
        assert_eq!(scene.states(id), [Waiting]);
    }
    assert_eq!(scene.device.has(), [""; 0]);
    scene.restart("boot-1", later(10));
    assert!(scene.engine.agree(&scene.spool, &key("c-1"), later(20)).unwrap());
    scene.tick(later(20));
    assert_eq!(
        (scene.device.has(), scene.states("c-1")),
        (vec!["198.51.100.1".to_owned()], vec![Waiting, Taken, Enforced])
    );
    assert!(scene.engine.refuse(&scene.spool, &key("c-2"), later(30)).unwrap());
    let (states, why) = scene.told("c-2");
    assert_eq!((states, why.as_str()), (vec![Waiting, Refused], "consent: the edge's operator refuses it"));
    assert!(!scene.engine.agree(&scene.spool, &key("c-2"), later(40)).unwrap(), "it was decided");
    // The signature no longer holds when the operator comes to it.
    assert!(scene.engine.agree(&scene.spool, &key("c-3"), later(11 * MINUTE)).unwrap());
    assert_eq!(scene.told("c-3").1, "signature: the signature has expired");
    scene.tick(later(16 * MINUTE));
    assert_eq!(scene.told("c-4").1, "consent: nobody agreed before its time was over");
    assert_eq!(scene.states("c-4"), [Waiting, Expired]);
}

#[test]
fn the_operator_takes_an_order_back() {
    let mut scene = Scene::new(config());
    let key = ("council".to_owned(), "c-1".to_owned());
    scene.order(&deny("c-1", "198.51.100.7", 15), NOW);
    assert!(scene.engine.undo(&scene.spool, &key, later(10)).unwrap());
    let (states, why) = scene.told("c-1");
    assert_eq!((states, why.as_str()), (vec![Taken, Enforced, Released], "undo: by the edge's operator"));
    assert_eq!(scene.device.has(), [""; 0]);
    assert!(!scene.engine.undo(&scene.spool, &key, later(20)).unwrap());
    // What has not begun is taken back as well.
    let command = json!({"action": "deny", "target": {"ipv4_net": "198.51.100.7"}, "command_id": "c-2",
        "args": {"start_time": later(MINUTE).0, "duration": MINUTE}});
    scene.order(&command, NOW);
    assert_eq!((scene.states("c-2"), scene.device.has().len()), (vec![Taken], 0));
    let key = ("council".to_owned(), "c-2".to_owned());
    assert!(scene.engine.undo(&scene.spool, &key, later(20)).unwrap());
    scene.tick(later(2 * MINUTE));
    assert_eq!((scene.states("c-2"), scene.device.has().len()), (vec![Taken, Released], 0));
}

#[test]
fn a_device_that_lies_is_found_out() {
    let mut scene = Scene::new(config());
    scene.device.set(|device| device.lies = true);
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    let (states, why) = scene.told("c-1");
    assert_eq!((states, why.as_str()), (vec![Taken, Drifted], "device: fake has it not"));
    scene.tick(later(5_000));
    assert_eq!(scene.states("c-1"), [Taken, Drifted], "told once");
    // It is told again and again, and when it does it, that is seen.
    scene.device.set(|device| device.lies = false);
    scene.tick(later(10_000));
    scene.tick(later(14_000));
    assert_eq!(scene.states("c-1"), [Taken, Drifted, Enforced]);
    // It says that it let go, and did not.
    scene.device.set(|device| device.lies = true);
    scene.tick(later(10 * MINUTE));
    assert_eq!(scene.states("c-1").last(), Some(&Drifted));
    scene.device.set(|device| device.lies = false);
    scene.tick(later(10 * MINUTE + 4_000));
    scene.tick(later(10 * MINUTE + 8_000));
    assert_eq!(scene.states("c-1").last(), Some(&Expired));
}

#[test]
fn a_device_that_fails_is_told_of() {
    let mut scene = Scene::new(config());
    scene.device.set(|device| device.fails = true);
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    let (states, why) = scene.told("c-1");
    assert_eq!((states, why.as_str()), (vec![Taken, Broke], "device: fake: out of order"));
    assert_eq!(scene.reports().pop().unwrap().response.unwrap()["status"], 500);
    scene.device.set(|device| device.fails = false);
    scene.order(&deny("c-2", "198.51.100.8", 1), NOW);
    // It cannot let go at the end: that is told, and tried again.
    scene.device.set(|device| device.fails = true);
    scene.tick(later(MINUTE));
    assert_eq!(scene.states("c-2"), [Taken, Enforced, Drifted]);
    scene.device.set(|device| device.fails = false);
    scene.tick(later(MINUTE + 6_000));
    assert_eq!((scene.states("c-2").last(), scene.device.has().len()), (Some(&Expired), 0));
}

#[test]
fn what_was_taken_away_is_put_in_again_and_what_nobody_ordered_goes() {
    let mut scene = Scene::new(config());
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    scene.device.set(|device| {
        let wanted = device.has.values().next().unwrap().clone();
        let block = device.has.keys().next().unwrap().clone();
        device.has.clear();
        let what = What::Net("203.0.113.5/32".parse().unwrap());
        device.has.insert(Block { what, ..block }, wanted);
    });
    scene.tick(later(4_000));
    assert_eq!(scene.states("c-1"), [Taken, Enforced, Drifted]);
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    let rows = scene.spool.ledger(10).unwrap();
    assert!(
        rows.iter().any(|row| row.detail == "fake: 203.0.113.5 was there and nobody ordered it; taken out"),
        "{rows:?}"
    );
    // Soon, and not only after the whole pause.
    assert_eq!(scene.engine.next_tick(), later(4_500));
    scene.tick(later(4_500));
    assert_eq!(scene.states("c-1"), [Taken, Enforced, Drifted, Enforced]);
}

#[test]
fn what_is_not_allowed_any_more_does_not_stand() {
    let mut scene = Scene::new(config());
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    scene.order(&deny("c-2", "203.0.113.7", 10), NOW);
    scene.config.protect.networks = vec!["203.0.113.0/24".parse().unwrap()];
    scene.restart("boot-1", later(10));
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    let (states, why) = scene.told("c-2");
    assert_eq!(
        (states.last(), why.as_str()),
        (Some(&Released), "protected: 203.0.113.7 has addresses of 203.0.113.0/24")
    );
    scene.config.enabled = false;
    scene.restart("boot-1", later(20));
    assert_eq!(scene.device.has(), [""; 0]);
    assert_eq!(scene.told("c-1").1, "consent: orders were switched off");
}

#[test]
fn what_is_not_to_survive_a_restart_of_the_machine_does_not() {
    let mut scene = Scene::new(config());
    let mut command = deny("c-1", "198.51.100.7", 10);
    command["args"]["slpf"] = json!({"persistent": false});
    scene.order(&command, NOW);
    scene.order(&deny("c-2", "198.51.100.8", 10), NOW);
    scene.restart("boot-1", later(10));
    assert_eq!(scene.device.has().len(), 2);
    scene.device.set(|device| device.has.clear());
    scene.restart("boot-2", later(20));
    assert_eq!(scene.device.has(), ["198.51.100.8"]);
    assert_eq!(scene.states("c-1").last(), Some(&Released));
}

#[test]
fn in_the_shadow_it_is_counted_and_given_up_where_it_would_hit_too_much() {
    let shadow = Some(crate::config::Shadow { ms: 10_000, packets_max: 100 });
    let mut scene = Scene::new(crate::config::Orders { shadow, ..config() });
    scene.order(&deny("c-1", "198.51.100.7", 10), NOW);
    assert_eq!(scene.device.has(), ["198.51.100.7 (counted only)"]);
    scene.device.set(|device| device.counter = 90);
    scene.tick(later(10_000));
    scene.tick(later(10_001));
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    assert_eq!(scene.states("c-1"), [Taken, OrderState::Shadow, Enforced]);
    scene.order(&deny("c-2", "198.51.100.8", 10), later(20_000));
    scene.device.set(|device| device.counter = 300);
    scene.tick(later(30_000));
    scene.tick(later(30_001));
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    let (states, why) = scene.told("c-2");
    assert_eq!(states, [Taken, OrderState::Shadow, Broke]);
    assert!(why.starts_with("shadow: it would have hit ") && why.ends_with("at most 100 are let"), "{why}");
    // What is against a name is never only counted.
    scene.order(&deny("c-3", "evil.example.com", 10), later(40_000));
    assert_eq!(scene.states("c-3"), [Taken, Enforced]);
}

#[test]
fn an_order_that_asks_is_counted_first_and_given_up_beyond_its_share() {
    let mut scene = Scene::new(config());
    scene.device.set(|device| device.passed = Some(1_000));
    let tried = |id: &str, what: &str| {
        let mut command = deny(id, what, 10);
        command["args"]["x-yagura"] = json!({ "shadow": 10_000, "traffic_percent_max": 2.5 });
        command
    };
    scene.order(&tried("c-1", "198.51.100.7"), NOW);
    assert_eq!(scene.device.has(), ["198.51.100.7 (counted only)"]);
    // Two of a hundred that went by since.
    scene.device.set(|device| (device.counter, device.passed) = (20, Some(2_000)));
    scene.restart("boot-1", later(9_000));
    scene.tick(later(10_000));
    scene.tick(later(10_001));
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    assert_eq!(scene.states("c-1"), [Taken, OrderState::Shadow, Taken, Enforced]);
    let found = scene.reports().into_iter().find_map(|report| report.why).unwrap();
    assert_eq!(found, "shadow: it would have hit 20 packets, 2.000 % of what goes by; it is carried out");
    scene.order(&tried("c-2", "198.51.100.8"), later(20_000));
    scene.device.set(|device| (device.counter, device.passed) = (120, Some(3_000)));
    scene.tick(later(30_000));
    scene.tick(later(30_001));
    let (states, why) = scene.told("c-2");
    assert_eq!(states, [Taken, OrderState::Shadow, Broke]);
    assert_eq!(why, "shadow: it would have hit 10.000 % of what goes by; at most 2.5 % are let");
    assert_eq!(scene.device.has(), ["198.51.100.7"]);
    // Where nobody counts what goes by nobody can say how large a share it is.
    scene.order(&tried("c-3", "198.51.100.9"), later(40_000));
    scene.device.set(|device| (device.counter, device.passed) = (130, None));
    scene.tick(later(50_000));
    assert!(scene.told("c-3").1.contains("is not known"), "{}", scene.told("c-3").1);
    for (id, what, why) in [
        ("c-4", "evil.example.com", "shadow: nothing here counts"),
        ("c-5", "198.51.100.10", "check: fake: no room"),
    ] {
        scene.device.set(|device| device.objects = true);
        scene.order(&tried(id, what), later(60_000));
        let (states, said) = scene.told(id);
        assert_eq!(states, [Refused], "{said}");
        assert!(said.starts_with(why), "{said}");
    }
    let mut odd = tried("c-6", "198.51.100.11");
    odd["args"]["x-yagura"]["mood"] = json!("calm");
    scene.order(&odd, later(61_000));
    assert!(scene.told("c-6").1.contains("not understood"), "{}", scene.told("c-6").1);
}

#[test]
fn a_shadow_that_is_read_only_at_its_end_has_counted_nothing() {
    let mut scene = Scene::new(config());
    scene.device.set(|device| device.passed = Some(1_000));
    let mut command = deny("c-1", "198.51.100.7", 10);
    command["args"]["x-yagura"] = json!({ "shadow": 1_000, "traffic_percent_max": 50 });
    let order = order_of("council", 7, 1, &command, NOW);
    scene.engine.take(&scene.spool, &order, NOW).unwrap();
    assert!(scene.engine.next_tick() <= NOW, "the first reading is due at once");
    // Nobody came to do what is due.
    scene.device.set(|device| (device.counter, device.passed) = (900, Some(2_000)));
    scene.tick(later(1_000));
    let (states, why) = scene.told("c-1");
    assert_eq!(states, [Taken, OrderState::Shadow, Broke]);
    assert_eq!(why, "shadow: the device did not count it");
    assert_eq!(scene.device.has(), [""; 0]);
}

#[test]
fn what_happened_is_written_together_after_many_events() {
    let mut scene = Scene::new(config());
    scene.config.radius.orders_an_hour_max = 10_000;
    scene.restart("boot-1", NOW);
    for round in 0..260_u64 {
        let now = later(round * 2_000);
        scene.order(&json!({"action": "deny", "target": {"ipv4_net": "198.51.100.7"}, "args": {"duration": 1_000}, "command_id": format!("c-{round}")}), now);
        scene.tick(DateTime(now.0 + 1_000));
    }
    let events = scene.spool.order_events().unwrap();
    assert!(events.len() < 1_001, "{}", events.len());
    scene.restart("boot-1", later(600_000));
    assert_eq!((scene.device.has().len(), scene.states("c-259").last()), (0, Some(&Expired)));
    // Each of them is remembered, so none is taken again.
    let again = order_of("council", 7, 999, &deny("c-0", "198.51.100.7", 1), later(600_000));
    scene.give(&again, later(600_000));
    assert_eq!(scene.device.has(), [""; 0]);
}

/// Killed between any two steps of an order's life, from its taking to its end: it is carried out once, told once, and ends.
#[test]
fn killed_at_any_point_nothing_is_lost_and_nothing_repeated() {
    let mut points = 0;
    for kill in 0.. {
        let mut scene = Scene::new(config());
        let order = order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 5), NOW);
        let undo = order_of(
            "council",
            7,
            2,
            &json!({"action": "allow", "target": {"ipv4_net": "198.51.100.7"}, "command_id": "c-2"}),
            NOW,
        );
        let other = order_of("council", 7, 3, &deny("c-3", "evil.example.com", 5), NOW);
        scene.engine.steps_left = Some(kill);
        let work = |scene: &mut Scene| {
            for order in [&order, &undo, &other] {
                // The hub gives what was not written down again, and nothing else.
                if scene.spool.order_sequence().unwrap() < order.sequence {
                    scene.give(order, later(10));
                }
                scene.tick(later(20));
            }
            scene.tick(later(5 * MINUTE + 100));
            scene.tick(later(6 * MINUTE));
        };
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut scene)));
        std::panic::set_hook(hook);
        let killed = ended.is_err();
        if killed {
            points += 1;
            scene.restart("boot-1", later(30));
            work(&mut scene);
        }
        assert_eq!(scene.device.has(), [""; 0], "killed at {kill}");
        for (id, states) in [
            ("c-1", [Taken, Enforced, Released].as_slice()),
            ("c-2", &[Taken, Released]),
            ("c-3", &[Taken, Enforced, Expired]),
        ] {
            let mut told = scene.states(id);
            // It may have been taken back before anybody had read it back.
            if id == "c-1" && told == [Taken, Released] {
                told.insert(1, Enforced);
            }
            assert_eq!(told, states, "{id}, killed at {kill}");
        }
        if !killed {
            break;
        }
    }
    assert!(points > 20, "it was killed at {points} points");
}
