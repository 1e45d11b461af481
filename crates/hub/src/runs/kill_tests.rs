//! A run of 30 steps that is killed between every pair of events: each effect happened exactly once, or is reported as unknown.
//!
//! A kill is two things here: the transaction of the next event is carried out and then taken back, as where the power goes before the commit;
//! and the store is closed and opened again, so that nothing of the run is left but what is on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use api::{OrderReport, OrderState};
use arc_swap::ArcSwap;
use cacao::run::{Answer, Event, Found, Key, OrderStatus, Person, QuestionState, Start, Values, What};
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, PersonRole, Purpose};
use policy::Engine;
use serde_json::{Value, json};
use store::edges::{self, Edge};
use store::organisations::{self, Organisation};
use store::people;
use store::playbooks::{self, Head};
use store::runs::{self as rows, Approval};
use store::{Act, Options, Store, StoreError, Tx, orders, secrets};

use super::drive::{Driven, advance, begin};
use super::{Response, agents, limits, load, reported};
use crate::REALM;
use crate::config::{AgentConfig, AuthorityConfig, ResponseConfig};

const RUN: &str = "run-1";
/// What the test did to a run so far.
#[derive(Default)]
struct Count {
    kills: usize,
}

fn organisation(name: &str) -> OrganisationId {
    OrganisationId::parse(name).unwrap()
}

fn event() -> AuditEvent {
    AuditEvent::done(Action::RunChanged, Actor::Node, Purpose::CollectiveDefence)
}

fn response() -> Response {
    let engine = Engine::compile(&Engine::built_in()).unwrap();
    let config = ResponseConfig {
        authorities: vec![AuthorityConfig {
            reference: "2026-17".to_owned(),
            operators: vec!["kinki".to_owned()],
            from: "2020-01-01T00:00:00Z".parse().unwrap(),
            until: "2100-01-01T00:00:00Z".parse().unwrap(),
        }],
        agents: vec![AgentConfig {
            name: "Scanner".to_owned(),
            url: "http://127.0.0.1:9/".parse().unwrap(),
            token_file: None,
            kinds: vec!["http-api".to_owned()],
        }],
        ..ResponseConfig::default()
    };
    let mut response =
        Response::new(config, Arc::new(ArcSwap::from_pointee(engine)), ("test", &[7; 32])).unwrap();
    // Every event is a transaction of its own.
    response.events_max = 1;
    response
}

/// No two objects of a playbook share a UUID, whatever they are.
fn id(kind: &str, number: usize) -> String {
    let of_kind = kind.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{kind}--{of_kind:08x}-0000-4000-8000-{number:012}")
}

/// A playbook of `steps` steps, of which every fifth orders an edge and the others are people's.
fn playbook(steps: usize, every: usize, kind: &str) -> Value {
    let mut workflow = serde_json::Map::new();
    workflow.insert(id("start", 0), json!({ "type": "start", "on_completion": id("action", 1) }));
    for number in 1..=steps {
        let next = if number == steps { id("end", 0) } else { id("action", number + 1) };
        let mut step = json!({ "type": "action", "name": format!("step {number}"), "on_completion": next });
        if number % every == 0 {
            step["agent"] = id("security-category", 2).into();
            step["targets"] = json!([id("http-api", 3)]);
            step["commands"] = json!([command(kind, number, "deny")]);
            step["step_extensions"] = json!({ cacao::SAFEGUARDS: {
                "type": "safeguards",
                "approval": { "required": 2, "expires_after": 86_400_000 },
                "authority": { "basis": "an order", "reference": "2026-17" },
                "inverse": [command(kind, number, "allow")],
                "blast_radius": { "addresses_max": 1, "ipv4_prefix_min": 32 },
                "stop_after": 3_600_000, "idempotent": false,
            }});
        } else {
            step["agent"] = id("group", 1).into();
            step["commands"] = json!([{ "type": "manual", "command": format!("do {number}") }]);
        }
        workflow.insert(id("action", number), step);
    }
    workflow.insert(id("end", 0), json!({ "type": "end" }));
    json!({
        "type": "playbook", "spec_version": "cacao-2.0", "id": id("playbook", 9), "name": "thirty",
        "created_by": id("identity", 4), "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "workflow_start": id("start", 0), "workflow": workflow,
        "agent_definitions": {
            id("group", 1): { "type": "group", "name": "Team" },
            id("security-category", 2): { "type": "security-category", "name": "Hub", "category": ["firewall"] },
        },
        "target_definitions": {
            id("http-api", 3): { "type": "http-api", "name": "Scanner edge", "address": { "dname": ["e1"] } },
        },
        "extension_definitions": { cacao::SAFEGUARDS: {
            "type": "extension-definition", "name": "Safeguards", "created_by": id("identity", 4),
            "schema": "https://example.com/s.json", "version": "1.0.0",
        }},
    })
}

fn command(kind: &str, number: usize, action: &str) -> Value {
    let body =
        json!({ "action": action, "target": { "ipv4_net": format!("198.51.100.{number}") } }).to_string();
    match kind {
        "openc2-http" => {
            json!({ "type": kind, "command": "POST /.well-known/openc2 HTTP/1.1",
            "content_b64": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, body),
            "headers": { "Content-Type": ["application/openc2+json;version=1.0"] } })
        }
        _ => json!({ "type": "http-api", "command": "POST /scan HTTP/1.1", "content": body }),
    }
}

fn person(tx: &mut Tx<'_>, id: &str, of: &str, role: PersonRole) -> Result<(), StoreError> {
    let person = people::Person {
        id: id.to_owned(),
        login: id.to_owned(),
        name: id.to_owned(),
        organisation: organisation(of),
        roles: BTreeSet::from([role]),
        password_hash: None,
        disabled: false,
        created: tx.now(),
    };
    people::add(tx, &REALM, &person)
}

fn identity(of: &str) -> String {
    let number = of.bytes().map(u128::from).sum::<u128>();
    stix::Id::new("identity", uuid::Uuid::from_u128(number)).to_string()
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Options::default()).unwrap()
}

/// A council, and a run of this playbook that has begun.
async fn set_up(store: &Store, response: &Arc<Response>, document: Value) {
    let done = store.write(move |tx| {
        for (id, role) in [
            ("police", OrganisationRole::Agency),
            ("ministry", OrganisationRole::Agency),
            ("kinki", OrganisationRole::Operator),
        ] {
            let one = Organisation {
                id: organisation(id),
                name_ja: id.to_owned(),
                name_en: id.to_owned(),
                role,
                sectors: Vec::new(),
                prefecture: None,
                identity: stix::Id::parse(&identity(id)).unwrap(),
                created: tx.now(),
            };
            organisations::add(tx, &REALM, &one)?;
        }
        person(tx, "asker", "police", PersonRole::DutyOfficer)?;
        person(tx, "ann", "ministry", PersonRole::Approver)?;
        person(tx, "bob", "kinki", PersonRole::Approver)?;
        let edge = Edge {
            id: "e1".to_owned(),
            organisation: organisation("kinki"),
            name: "e1".to_owned(),
            created: tx.now(),
            hello: None,
            heard: None,
        };
        edges::add(tx, &REALM, &edge, &secrets::hash("ye_1"))?;
        let text = document.to_string();
        let read = cacao::Playbook::parse(text.as_bytes()).unwrap();
        assert!(read.is_sound(), "{:?}", read.findings());
        let head = Head {
            organisation: organisation("police"),
            id: read.id.clone(),
            modified: "2026-01-01T00:00:00.000Z".to_owned(),
            digest: hex::encode(read.digest()),
            person: "chief".to_owned(),
            by_approver: true,
            added: tx.now(),
        };
        playbooks::add(tx, &REALM, &head, text.as_bytes())?;
        Ok(Act::audited((), &REALM, event()))
    });
    done.await.unwrap();
    start(store, response).await;
}

/// Begins the run, as the police's duty officer.
async fn start(store: &Store, response: &Arc<Response>) {
    let work = Arc::clone(response);
    let begun = store.write(move |tx| {
        let line = work.shelf.line(tx, &organisation("police"), &id("playbook", 9))?;
        let shelved = line.first().unwrap();
        let new = rows::NewRun {
            id: RUN.to_owned(),
            organisation: organisation("police"),
            person: "asker".to_owned(),
            case: None,
            playbook: shelved.playbook.id.clone(),
            version: shelved.modified().to_owned(),
            playbook_of: shelved.organisation().cloned(),
            digest: hex::encode(shelved.playbook.digest()),
            started: tx.now(),
            dry_run: false,
        };
        assert!(rows::open(tx, &REALM, &new)?);
        let row = rows::get(tx, &REALM, RUN)?.unwrap();
        let start = Start {
            run: RUN.to_owned(),
            requester: Person { person: "asker".to_owned(), organization: identity("police") },
            arguments: Values::default(),
            limits: limits(),
            dry_run: false,
        };
        let runnable = shelved.runnable(&work.config, &organisation("police"), tx.now()).unwrap();
        begin(tx, &work, (&row, start), (&runnable, &[]), event())
    });
    begun.await.unwrap();
}

/// What somebody does next for a run: chosen out of what is on disk, as people, edges and the clock would.
#[derive(Debug, Clone)]
enum Next {
    GoOn,
    Approve(usize, String, &'static str, &'static str),
    Task(Key),
    Report(String, OrderState, u32),
    Over,
}

async fn next(store: &Store, response: &Arc<Response>) -> Next {
    let work = Arc::clone(response);
    let found = store.read(move |reader| {
        let row = rows::get(reader, &REALM, RUN)?.unwrap();
        if row.outline.next_wake.is_some_and(|at| at <= reader.now()) {
            return Ok(Next::GoOn);
        }
        let (run, _) = load(reader, &work, &row)?;
        for (number, given, state, _) in run.questions() {
            if state == QuestionState::Open {
                let hash = run.question(number).unwrap().hash.0;
                let (who, of) = if given.is_empty() { ("ann", "ministry") } else { ("bob", "kinki") };
                return Ok(Next::Approve(number, hash, who, of));
            }
        }
        for (order, status, _) in run.orders() {
            if *status == OrderStatus::Dispatched {
                return Ok(match orders::get(reader, &REALM, &order.key.0)? {
                    Some(order) if order.told == 0 => Next::Report(order.new.command, OrderState::Taken, 1),
                    Some(order) => Next::Report(order.new.command, OrderState::Enforced, 2),
                    None => Next::Task(order.key.clone()),
                });
            }
        }
        Ok(Next::Over)
    });
    found.await.unwrap()
}

/// Does it in one transaction; with `dies` it is carried out whole and then taken back.
async fn act(store: &Store, response: &Arc<Response>, next: Next, dies: bool) -> Result<Driven, StoreError> {
    let work = Arc::clone(response);
    let write = move |tx: &mut Tx<'_>| {
        let row = rows::get(tx, &REALM, RUN)?.unwrap();
        let done = match next {
            Next::GoOn => advance(tx, &work, &row, (Vec::new(), None)),
            Next::Approve(question, hash, person, of) => {
                let approval = Approval {
                    question: u32::try_from(question).unwrap(),
                    person: person.to_owned(),
                    organisation: organisation(of),
                    session: secrets::hash(person),
                    at: tx.now(),
                    revoked: false,
                };
                rows::approve(tx, &REALM, RUN, &approval)?;
                let by = Person { person: person.to_owned(), organization: identity(of) };
                let hash = cacao::run::Hash(hash);
                let given = vec![What::ApprovalGiven { question, hash, by, reason: None, alone: false }];
                advance(tx, &work, &row, (given, Some(event())))
            }
            Next::Task(key) => {
                let answer = Answer::Done { outputs: Values::default() };
                advance(tx, &work, &row, (vec![What::Answered { key, answer }], Some(event())))
            }
            Next::Report(command_id, state, number) => {
                let report = OrderReport {
                    command_id,
                    number,
                    at: tx.now().to_string(),
                    state,
                    response: None,
                    why: None,
                    stopped: None,
                    why_reason: None,
                };
                reported::take(tx, &work, ("e1", &report), event())
            }
            Next::Over => Ok(Act::bookkeeping(Driven::default())),
        };
        let done = done?;
        if dies {
            Err(StoreError::Abandoned { code: "killed", message: "killed".to_owned() })
        } else {
            Ok(done)
        }
    };
    store.write(write).await
}

async fn events(store: &Store) -> Vec<Event> {
    let logged = store.read(|reader| rows::events(reader, &REALM, RUN)).await.unwrap();
    let numbers: Vec<u64> = logged.iter().map(|one| one.number).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    logged.iter().map(|one| serde_json::from_str(&one.event).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_thirty_steps_killed_between_every_pair_of_events_does_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let response = Arc::new(response());
    let mut store = open(folder.path());
    set_up(&store, &response, playbook(30, 5, "openc2-http")).await;
    let mut count = Count::default();
    let mut written = events(&store).await.len();
    loop {
        let wanted = next(&store, &response).await;
        if matches!(wanted, Next::Over) {
            break;
        }
        // Killed before the commit: nothing of it is there.
        let killed = act(&store, &response, wanted.clone(), true).await;
        assert_eq!(killed.unwrap_err().code(), "killed");
        assert_eq!(events(&store).await.len(), written, "what was taken back left something");
        count.kills += 1;
        // Killed after it: what is on disk is all there is.
        act(&store, &response, wanted, false).await.unwrap();
        store.close().await;
        store = open(folder.path());
        count.kills += 1;
        let now = events(&store).await.len();
        assert!(
            now >= written && now <= written + 1,
            "{written} → {now}: more than one event in a transaction"
        );
        written = now;
        assert!(count.kills < 5_000, "the run comes to no end");
    }
    let all = events(&store).await;
    let row = store.read(|reader| rows::get(reader, &REALM, RUN)).await.unwrap().unwrap();
    assert_eq!(row.outline.state, "succeeded", "{:?}", row.outline);
    assert!(count.kills >= 60, "{} kills", count.kills);
    // Each of the 30 steps was entered, dispatched and answered once.
    let mut left = BTreeMap::<String, usize>::new();
    let mut answered = BTreeMap::<String, usize>::new();
    let mut entered = BTreeSet::new();
    for event in &all {
        match &event.what {
            What::Dispatched { key, .. } => *left.entry(key.0.clone()).or_default() += 1,
            What::Answered { key, .. } => *answered.entry(key.0.clone()).or_default() += 1,
            What::StepEntered { step, .. } => assert!(entered.insert(step.clone()), "{step} twice"),
            _ => {}
        }
    }
    // What ended by its stop time is undone later; none is here, for an hour did not go by.
    assert_eq!((left.len(), answered.len()), (30, 30));
    assert!(left.values().chain(answered.values()).all(|times| *times == 1));
    let given = store
        .read(|reader| orders::of_edge(reader, &REALM, ("e1", &organisation("kinki")), 0, 500))
        .await
        .unwrap();
    let sequences: Vec<i64> = given.iter().map(|order| order.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6], "each order once and in its order");
    let commands: BTreeSet<&str> = given.iter().map(|order| order.new.command.as_str()).collect();
    assert_eq!(commands.len(), 6);
    println!("{} events, {} kills", all.len(), count.kills);
}

/// What leaves by HTTP is the one thing that no transaction holds: cut off between sending and answer it is unknown, never sent again by
/// itself, and a person says what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_is_unknown_until_a_person_says_what_became_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut response = response();
    response.events_max = 200;
    if let Some(agent) = response.config.agents.first_mut() {
        agent.name = "Scanner edge".to_owned();
    }
    let response = Arc::new(response);
    let store = open(folder.path());
    set_up(&store, &response, playbook(1, 1, "http-api")).await;
    for _ in 0..2 {
        let wanted = next(&store, &response).await;
        assert!(matches!(wanted, Next::Approve(..)), "{wanted:?}");
        act(&store, &response, wanted, false).await.unwrap();
    }
    let ready = store.read(|reader| orders::calls(reader, &REALM, "ready", None, 10)).await.unwrap();
    let [call] = &ready[..] else { panic!("{ready:?}") };
    // It leaves, and the hub is gone before the answer.
    let (sent, lost) = (call.clone(), call.clone());
    let marked =
        store.write(move |tx| orders::called(tx, &REALM, &sent, ("ready", "sent")).map(Act::bookkeeping));
    assert!(marked.await.unwrap());
    store.close().await;
    let store = open(folder.path());
    let work = Arc::clone(&response);
    store.write(move |tx| agents::settle(tx, &work, &lost)).await.unwrap();
    for state in ["ready", "sent"] {
        let left = store.read(move |reader| orders::calls(reader, &REALM, state, None, 10)).await.unwrap();
        assert!(left.is_empty(), "it is not sent again");
    }
    let row = store.read(|reader| rows::get(reader, &REALM, RUN)).await.unwrap().unwrap();
    assert_eq!((row.outline.unknown, row.outline.state.as_str()), (1, "waiting"));
    let (work, key) = (Arc::clone(&response), Key(call.key.clone()));
    let found = store.write(move |tx| {
        let row = rows::get(tx, &REALM, RUN)?.unwrap();
        let by = Person { person: "asker".to_owned(), organization: identity("police") };
        let found = Found::Happened { outputs: Values::default() };
        advance(tx, &work, &row, (vec![What::Reconciled { key, found, by }], Some(event())))
    });
    found.await.unwrap();
    let row = store.read(|reader| rows::get(reader, &REALM, RUN)).await.unwrap().unwrap();
    assert_eq!((row.outline.unknown, row.outline.state.as_str()), (0, "succeeded"));
}
