//! One case, worked on together by several hubs: copies converge after cuts, and no entry reaches an organisation outside of its label.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use oversight::{OrganisationRole, Purpose, Realm};
use reqwest::Method;
use serde_json::json;
use stix::marking::Tlp;
use store::{labels, objects};
use tempfile::TempDir;

use crate::federation::{Cheat, hub as listening};
use crate::room::{Worker, note, only, open};
use crate::support::TestHub;

/// Longest wait for a state, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A hub that gives TLP:AMBER to agencies' hubs, and its folder of policies.
async fn hub() -> (TestHub, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in policy::Engine::built_in() {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let amber = "@id(\"peer-amber\")\npermit (principal is Yagura::Peer, action == Yagura::Action::\"read\", resource) \
         when { resource.tlp == Yagura::Tlp::\"amber\" && principal.organisation_role == Yagura::OrganisationRole::\"agency\" };\n";
    std::fs::write(folder.path().join("peers.cedar"), amber).unwrap();
    let path = folder.path().to_owned();
    let hub = TestHub::start_with(|config| {
        config.federation.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.policies = Some(path);
    });
    (hub.await, folder)
}

/// Makes `other` a peer of `hub`, bound to an organisation of that name.
pub(crate) async fn knows(hub: &TestHub, other: &TestHub, name: &str) {
    hub.organisation(name, OrganisationRole::Agency).await;
    let card = other.good(&other.token, "/api/v1/peer-card").await;
    let address = other.running.federation.as_ref().unwrap().to_string();
    let body = json!({ "card": card["card"], "organisation": name, "address": address });
    let reply = hub.send_json(&hub.token, Method::POST, "/api/v1/peers", body).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
}

/// Cuts the link to a peer, or mends it.
async fn link(hub: &TestHub, peer: &str, cut: bool) {
    let body = json!({ "suspended": cut, "reason": "a test" });
    let reply = hub.send_json(&hub.token, Method::PATCH, &format!("/api/v1/peers/{peer}"), body).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
}

pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Waits until the room is there.
async fn reaches(worker: &Worker<'_>, case: &str) {
    until("the case is there", async || worker.sees(case).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hubs_work_on_one_case_and_come_to_the_same() {
    let ((national, _one), (police, _other)) = (hub().await, hub().await);
    knows(&national, &police, "police").await;
    knows(&police, &national, "nco").await;
    let nco = Worker::new(&national, "coordinator").await;
    let officer = Worker::new(&police, "coordinator").await;
    let case = nco.opens("浄水場の異常").await;
    reaches(&officer, &case).await;
    nco.says(&case, open(json!({ "says": "commands" }))).await;
    let task = json!({ "says": "task-offered", "to": "police", "title": "保全", "lane": "threat" });
    let task = nco.says(&case, open(task)).await;
    let comes = async |worker: &Worker<'_>, count: u64| worker.room(&case).await["lines"] == count;
    until("the task is there", async || comes(&officer, 2).await).await;
    let accept = json!({ "says": "task-accepted", "task": task, "legal_basis": "警察法2条" });
    officer.says(&case, open(accept)).await;
    until("the answer is there", async || comes(&nco, 3).await).await;
    let you = officer.room(&case).await["you"].clone();
    let officer_there = json!({ "account": you["account"], "organisation": you["organisation"] });
    let offer = json!({ "says": "hand-over", "to": officer_there, "brief": "要点" });
    let offer = nco.says(&case, open(offer)).await;
    until("the offer is there", async || comes(&officer, 4).await).await;
    officer.says(&case, open(json!({ "says": "takes-over", "hand_over": offer }))).await;
    until("command has changed", async || comes(&nco, 5).await).await;
    let (here, there) = (nco.room(&case).await, officer.room(&case).await);
    assert_eq!(here["situation"], there["situation"]);
    assert_eq!(here["situation"]["commander"]["account"], officer.account);
    assert_eq!(here["people"][&officer.account], "duty_officer", "it has no account here, and a name");
    let named = &here["organisations"][here["situation"]["commander"]["organisation"].as_str().unwrap()];
    assert_eq!((&named["here"], &named["ja"]), (&json!("police"), &json!("police")));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_for_whom_a_hub_speaks_and_newer_ones_are_kept_and_not_interpreted() {
    let hub = listening().await;
    let nco = Worker::new(&hub, "coordinator").await;
    let cheat = Cheat::known(41, &hub).await;
    let mine: String = cheat.hub.chars().take(16).collect();
    let case = format!("incident--{}", uuid::Uuid::new_v4());
    let incident = json!({
        "type": "incident", "spec_version": "2.1", "id": case, "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z", "name": "abroad", "object_marking_refs": [Tlp::Clear.id()],
    });
    let entry = |organisation: &str, salt: u8| {
        let entry = json!({
            "case": case, "at": "2026-01-01T00:00:00Z", "by": "x", "name": "X", "organisation": organisation,
            "label": { "tlp": "clear" }, "salt": format!("{salt:032x}"), "says": "note", "text": organisation, "lane": null,
        });
        let entry: case::room::RoomEntry = serde_json::from_value(entry).unwrap();
        case::room::entry_to_stix(&entry, &stix::Id::new("identity", uuid::Uuid::from_u128(1)))
    };
    let own = nco.room(&nco.opens("own").await).await["you"]["organisation"].as_str().unwrap().to_owned();
    let mut newer = entry(&format!("{mine}-later"), 3);
    let extension = newer["extensions"].as_object().unwrap().keys().next().unwrap().clone();
    newer["extensions"][&extension]["entry"]["mood"] = json!("calm");
    newer["content"] = json!("from tomorrow");
    let own_name = format!("{mine}-coordinator");
    let frames = [
        cheat.hello(0),
        cheat.object(1, &incident),
        cheat.object(2, &entry(&format!("{mine}-coordinator"), 1)),
        cheat.object(3, &entry(&own, 2)),
        cheat.object(4, &newer),
    ];
    let (status, text) = cheat.send(&frames).await;
    assert_eq!(status, 200, "{text}");
    let room = nco.room(&case).await;
    let lines: Vec<(&str, &str)> = room["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let text = line["says"]["text"].as_str().or(line["text"].as_str()).unwrap();
            (line["kind"].as_str().unwrap(), text)
        })
        .collect();
    let expected = BTreeSet::from([("entry", own_name.as_str()), ("unknown", "from tomorrow")]);
    assert_eq!(
        lines.into_iter().collect::<BTreeSet<_>>(),
        expected,
        "what it says for this hub is not taken"
    );
}

/// Numbers that are the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// The names of the three hubs at each other.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// Everybody writes for whomever chance has it, while links are cut. By reader: the texts that the labels say.
async fn scribble(hubs: &[(TestHub, TempDir)], readers: &[Worker<'_>], case: &str) -> Vec<BTreeSet<String>> {
    // The name of each reader at each hub.
    let called = |reader: usize, at: usize| match reader {
        3 => "operator-1",
        _ if reader == at => "coordinator",
        _ => NAMES[reader],
    };
    let mut dice = Dice(20_261_130);
    let mut expected = vec![BTreeSet::new(); readers.len()];
    for number in 0..45 {
        if number % 9 == 4 {
            let (one, other) = (dice.below(3), dice.below(3));
            if one != other {
                link(&hubs[one].0, NAMES[other], true).await;
            }
        }
        let writer = dice.below(readers.len());
        let at = if writer == 3 { 0 } else { writer };
        let text = format!("記載 {number}");
        // The operator is known at its own hub only: others cannot be told of it by a short name.
        let others: Vec<usize> =
            (0..readers.len()).filter(|reader| *reader != writer && (*reader < 3 || at == 0)).collect();
        let chosen: BTreeSet<usize> = others.into_iter().filter(|_| dice.below(2) == 0).collect();
        let is_open = dice.below(3) == 0;
        let body = if is_open {
            open(note(&text))
        } else {
            let only_for: Vec<&str> = chosen.iter().map(|reader| called(*reader, at)).collect();
            only(&only_for, dice.below(4) == 0, note(&text))
        };
        readers[writer].says(case, body).await;
        for (reader, texts) in expected.iter_mut().enumerate() {
            if is_open || reader == writer || chosen.contains(&reader) {
                texts.insert(text.clone());
            }
        }
    }
    expected
}

/// Three hubs, each the peer of both others, with an operator at the first; what each reader is to see is what the label says and nothing
/// else.
#[tokio::test(flavor = "multi_thread")]
async fn copies_converge_after_cuts_and_nothing_reaches_anybody_else() {
    let hubs = [hub().await, hub().await, hub().await];
    for (one, (hub, _)) in hubs.iter().enumerate() {
        for (other, (peer, _)) in hubs.iter().enumerate().filter(|(other, _)| *other != one) {
            knows(hub, peer, NAMES[other]).await;
        }
    }
    hubs[0].0.organisation("operator-1", OrganisationRole::Operator).await;
    let mut readers = Vec::new();
    for (hub, _) in &hubs {
        readers.push(Worker::new(hub, "coordinator").await);
    }
    readers.push(Worker::new(&hubs[0].0, "operator-1").await);
    let case = readers[0].opens("三つのハブ").await;
    for reader in &readers {
        reaches(reader, &case).await;
    }
    let expected = scribble(&hubs, &readers, &case).await;
    for (one, (hub, _)) in hubs.iter().enumerate() {
        for other in (0..3).filter(|other| *other != one) {
            link(hub, NAMES[other], false).await;
        }
    }
    for (reader, expected) in readers.iter().zip(&expected) {
        let mut seen = BTreeSet::new();
        until("every entry is where it is to be", async || {
            seen = reader.notes(&case).await.into_iter().collect();
            seen.is_superset(expected)
        })
        .await;
    }
    // What was on its way to somewhere else would have come by now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for (number, (reader, expected)) in readers.iter().zip(&expected).enumerate() {
        let seen: BTreeSet<String> = reader.notes(&case).await.into_iter().collect();
        assert_eq!(seen, *expected, "reader {number}");
    }
    // And it is not in the log of another hub either, whoever asks.
    for (at, (hub, _)) in hubs.iter().enumerate() {
        let here: BTreeSet<&String> = expected
            .iter()
            .enumerate()
            .filter(|(reader, _)| *reader == at || (at == 0 && *reader == 3))
            .flat_map(|(_, texts)| texts)
            .collect();
        let held = bodies(hub, &case).await;
        for text in expected.iter().flatten() {
            let is_held = held.iter().any(|body| body.contains(&format!("\"{text}\"")));
            assert_eq!(is_held, here.contains(text), "{text} at hub {at}");
        }
    }
}

/// Every note about a case that a hub holds, whoever may see it.
async fn bodies(hub: &TestHub, case: &str) -> Vec<String> {
    let case = stix::Id::parse(case).unwrap();
    let all = "@id(\"all\")\npermit (principal, action, resource);".to_owned();
    let engine = policy::Engine::compile(&[("all.cedar".to_owned(), all)]).unwrap();
    let principal = policy::Principal {
        kind: policy::PrincipalKind::Person("x".to_owned()),
        organisation: oversight::OrganisationId::parse("x").unwrap(),
        organisation_role: OrganisationRole::Coordinator,
        roles: BTreeSet::new(),
        realm: Realm::Live,
        purpose: Purpose::IncidentResponse,
        personal: policy::Personal::default(),
    };
    let all = hub.running.store().read(move |reader| {
        let labels = labels::all(reader, &Realm::Live)?;
        let visible = engine.visible(&principal, labels.iter().map(|(key, label)| (*key, label)));
        let found = objects::referring_to(reader, &Realm::Live, &visible, &case, 10_000)?;
        Ok(found.into_iter().map(|one| String::from_utf8_lossy(&one.row.body).into_owned()).collect())
    });
    all.await.unwrap()
}
