//! A council by chance: organisations, groups, agreements, objects and their markings, brought in through the hub's doors and written
//! into the model at the same time. And what changes while others read.

use std::collections::BTreeSet;

use oversight::{OrganisationRole as Role, PersonRole};
use policy::Engine;
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::{Pap, Tlp};

use super::Dice;
use super::model::{LEVELS, Level, Marked, Pact, Thing, Version, World};
use crate::signed::Signed;
use crate::support::{TestHub, id_of};

/// Object types and how often each.
const TYPES: [&str; 10] = [
    "indicator",
    "indicator",
    "malware",
    "intrusion-set",
    "campaign",
    "report",
    "attack-pattern",
    "note",
    "domain-name",
    "relationship",
];
/// Objects of one request.
const BATCH: usize = 200;

/// The hub, and the model of it.
pub struct Made {
    pub hub: TestHub,
    pub world: World,
    pub dice: Dice,
    /// One program that writes for each organisation.
    pub writers: Vec<(String, String)>,
    /// Of each group the marking.
    group_markings: Vec<String>,
    group_ids: Vec<String>,
    number: u32,
}

pub fn tlp(level: Level) -> Tlp {
    match level {
        Level::Clear => Tlp::Clear,
        Level::Green => Tlp::Green,
        Level::Amber => Tlp::Amber,
        Level::AmberStrict => Tlp::AmberStrict,
        Level::Red => Tlp::Red,
    }
}

impl Made {
    pub async fn new(hub: TestHub, dice: Dice, operators: u64, pacts: u64, groups: u64) -> Self {
        let mut world = World::default();
        world.organisations.insert("coordinator".into(), Some(Role::Coordinator));
        world.organisations.insert("abroad".into(), Some(Role::Partner));
        let mut names = vec![
            ("agency-1".to_owned(), Role::Agency),
            ("aurora".to_owned(), Role::Partner),
            ("borealis".to_owned(), Role::Partner),
            ("academy-1".to_owned(), Role::Academy),
            ("inspectors".to_owned(), Role::Oversight),
        ];
        names.extend((1..=operators).map(|number| (format!("operator-{number}"), Role::Operator)));
        for (name, role) in names {
            hub.organisation(&name, role).await;
            world.organisations.insert(name, Some(role));
        }
        let mut writers = vec![("coordinator".to_owned(), hub.token.clone())];
        for (name, role) in &world.organisations {
            if *role != Some(Role::Oversight) && name != "abroad" && name != "coordinator" {
                writers.push((
                    name.clone(),
                    hub.token(name, &[PersonRole::Analyst, PersonRole::DutyOfficer]).await,
                ));
            }
        }
        let mut made =
            Self { hub, world, dice, writers, group_markings: Vec::new(), group_ids: Vec::new(), number: 0 };
        for _ in 0..groups {
            made.group().await;
        }
        for number in 0..pacts {
            made.pact(number).await;
        }
        made
    }

    async fn group(&mut self) {
        let members: BTreeSet<String> =
            self.world.organisations.keys().filter(|_| self.dice.roll(3) == 0).cloned().collect();
        let owner = Signed::person(&self.hub, "coordinator", PersonRole::Approver).await;
        let text = json!({ "name_ja": "組", "name_en": "group", "members": members });
        let group = owner.done("/api/v1/sharing-groups", text).await;
        self.group_markings.push(group["marking"].as_str().unwrap().to_owned());
        self.group_ids.push(group["id"].as_str().unwrap().to_owned());
        let members =
            group["members"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        self.world.groups.push(members.collect());
    }

    /// An agreement of the coordinator with somebody, signed by both.
    async fn pact(&mut self, number: u64) {
        let to = ["aurora", "borealis", "abroad", "academy-1"][self.dice.place(4)].to_owned();
        let classes: Vec<&str> = ["indicator", "threat", "report", "observable", "other"]
            .into_iter()
            .filter(|_| self.dice.roll(2) == 0)
            .collect();
        let pact = Pact {
            id: format!("pact-{number}"),
            in_force: true,
            from_members: self.dice.roll(3) > 0,
            from: "coordinator".into(),
            to,
            classes: if classes.is_empty() { vec!["indicator"] } else { classes },
            level: LEVELS[1 + self.dice.place(4)],
            pap: self.dice.place(4),
            purposes: if self.dice.roll(4) == 0 {
                vec!["own-defence"]
            } else {
                vec!["collective-defence", "own-defence"]
            },
        };
        let text = json!({
            "id": pact.id, "title_ja": "合意", "title_en": "Agreement", "parties": ["coordinator", pact.to],
            "from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "reciprocal": true,
            "terms": [{
                "from": [if pact.from_members { "coordinator:members" } else { "coordinator" }], "to": [pact.to],
                "classes": pact.classes, "tlp": tlp(pact.level).name(), "pap": Pap::ALL[pact.pap].name(), "purposes": pact.purposes,
                "onward": "none", "originator_control": false,
            }],
        });
        let coordinator = Signed::person(&self.hub, "coordinator", PersonRole::Approver).await;
        coordinator.done("/api/v1/agreements", text).await;
        self.world.pacts.push(pact);
        let place = self.world.pacts.len() - 1;
        self.set_pact(place, true, true).await;
    }

    /// Both sign a new one; later the coordinator suspends and signs again.
    async fn set_pact(&mut self, place: usize, in_force: bool, is_new: bool) {
        let pact = self.world.pacts[place].clone();
        let path = format!("/api/v1/agreements/{}", pact.id);
        let coordinator = Signed::person(&self.hub, "coordinator", PersonRole::Approver).await;
        let hash = coordinator.good(&path).await["hash"].clone();
        let state = if in_force { "signed" } else { "suspended" };
        let side = format!("{path}/side");
        coordinator.done(&side, json!({ "state": state, "hash": hash, "reason": "a reason" })).await;
        if is_new {
            let other = Signed::person(&self.hub, &pact.to, PersonRole::Approver).await;
            other.done(&side, json!({ "state": "signed", "hash": hash })).await;
        }
        self.world.pacts[place].in_force = in_force;
    }

    fn marked(&mut self) -> Marked {
        let mut marked = Marked::default();
        match self.dice.roll(16) {
            0 => {}
            1 => marked.terms_in_words = true,
            2 => marked.not_understood = true,
            _ => marked.level = Some(LEVELS[self.dice.place(5)]),
        }
        if self.dice.roll(4) == 0 {
            marked.pap = Some(self.dice.place(4));
        }
        if self.dice.roll(5) == 0 && !self.group_markings.is_empty() {
            let count = 1 + self.dice.place(2);
            marked.groups = (0..count).map(|_| self.dice.place(self.group_markings.len())).collect();
        }
        marked.originator_control = self.dice.roll(8) == 0;
        marked
    }

    /// Identifiers of what an object bears; `terms` is that of the organisation's terms in words.
    fn markings(&self, marked: &Marked, terms: &str) -> Vec<String> {
        let mut refs: Vec<String> = marked.level.map(|level| tlp(level).id()).into_iter().collect();
        refs.extend(marked.pap.map(|pap| Pap::ALL[pap].id()));
        refs.extend(marked.groups.iter().map(|group| self.group_markings[*group].clone()));
        if marked.originator_control {
            refs.push(policy::ORIGINATOR_CONTROL.to_owned());
        }
        if marked.terms_in_words {
            refs.push(terms.to_owned());
        }
        if marked.not_understood {
            refs.push("marking-definition--7e57ffff-0000-4000-8000-000000000000".to_owned());
        }
        refs
    }

    /// Objects of several organisations.
    pub async fn publish(&mut self, count: usize) {
        let writers = self.writers.clone();
        for (place, (organisation, token)) in writers.iter().enumerate() {
            let share = count / writers.len() + usize::from(place < count % writers.len());
            let terms = format!("marking-definition--7e57fffe-0000-4000-8000-{place:012}");
            let mut objects = vec![json!({
                "type": "marking-definition", "spec_version": "2.1", "id": terms, "created": "2024-01-01T00:00:00.000Z",
                "definition_type": "statement", "definition": { "statement": format!("terms of {organisation}") },
            })];
            for _ in 0..share {
                objects.push(self.thing(organisation, &terms));
            }
            for batch in objects.chunks(BATCH) {
                let mut envelope = vec![objects[0].clone()];
                envelope.extend(batch.iter().filter(|object| id_of(object) != terms).cloned());
                let status = self.hub.post_as(token, &envelope).await;
                assert_eq!(status["failure_count"], 0, "{status}");
            }
        }
    }

    fn thing(&mut self, organisation: &str, terms: &str) -> Value {
        self.number += 1;
        let object_type = TYPES[self.dice.place(TYPES.len())];
        let id = format!("{object_type}--7e570000-0000-4000-8000-{:012}", self.number);
        let marked = self.marked();
        let version = Version {
            modified: "2024-01-01T00:00:00.000Z".to_owned(),
            needle: needle(self.number, 1),
            marked: marked.clone(),
        };
        let known: Vec<String> = self.world.things.iter().map(|thing| thing.id.clone()).collect();
        let any = |dice: &mut Dice| known.get(dice.place(known.len().max(1))).cloned();
        let names: Vec<String> = match object_type {
            "relationship" => (0..2)
                .filter_map(|_| any(&mut self.dice))
                .filter(|id| !id.starts_with("relationship"))
                .collect(),
            "report" | "note" => (0..3).filter_map(|_| any(&mut self.dice)).collect(),
            _ => Vec::new(),
        };
        if matches!(object_type, "relationship" | "report" | "note") && names.len() < 2 {
            self.number -= 1;
            return self.thing(organisation, terms);
        }
        let mut thing = Thing {
            id,
            originator: organisation.to_owned(),
            versions: Vec::new(),
            names,
            withdrawn: false,
            recalled: false,
            granted: BTreeSet::new(),
        };
        let object = text_of(&thing, &version, &self.markings(&marked, terms));
        thing.versions.push(version);
        self.world.things.push(thing);
        object
    }

    /// Something changes. What it was.
    pub async fn change(&mut self) -> String {
        let place = self.dice.place(self.world.things.len());
        let what = self.dice.roll(9);
        let thing = self.world.things[place].clone();
        let token = self.writers.iter().find(|(name, _)| *name == thing.originator).unwrap().1.clone();
        let is_versioned = thing.object_type() != "domain-name";
        match what {
            0 | 1 if is_versioned && !thing.withdrawn && !thing.recalled => {
                self.new_version(place, &token).await;
                format!("a new version of {}", thing.id)
            }
            2 if is_versioned && !thing.withdrawn && !thing.recalled => self.relabel(place).await,
            3 if !thing.withdrawn => {
                let path = self.hub.within(&format!("objects/{}/", thing.id));
                let status = self.hub.ask(Method::DELETE, &path).bearer(&token).send().await.status;
                // A program is not given what is TLP:RED, but its own.
                assert_eq!(status, 200, "{}", thing.id);
                self.world.things[place].withdrawn = true;
                format!("{} is withdrawn", thing.id)
            }
            4 if !thing.withdrawn && !thing.recalled => self.recall(place).await,
            5 if !self.world.pacts.is_empty() => {
                let place = self.dice.place(self.world.pacts.len());
                let in_force = !self.world.pacts[place].in_force;
                self.set_pact(place, in_force, false).await;
                format!(
                    "{} is {}",
                    self.world.pacts[place].id,
                    if in_force { "in force" } else { "suspended" }
                )
            }
            6 if !self.world.groups.is_empty() => self.change_group().await,
            7 => {
                self.narrow_or_widen().await;
                format!("GREEN is narrow: {}", self.world.green_is_narrow)
            }
            _ => {
                self.publish(7).await;
                "more objects".to_owned()
            }
        }
    }

    /// Other policies.
    pub async fn narrow_or_widen(&mut self) {
        self.world.green_is_narrow = !self.world.green_is_narrow;
        self.hub.running.replace_policies(&policies(self.world.green_is_narrow)).await.unwrap();
    }

    async fn new_version(&mut self, place: usize, token: &str) {
        let thing = self.world.things[place].clone();
        let number = thing.versions.len() + 1;
        let mut marked = self.marked();
        marked.terms_in_words = false;
        let version = Version {
            modified: format!("2024-02-01T00:00:00.{number:03}Z"),
            needle: needle_of(&thing.id, number),
            marked,
        };
        let object = text_of(&thing, &version, &self.markings(&version.marked, ""));
        let status = self.hub.post_as(token, &[object]).await;
        // Only a version that is newer than those that a change of marking made.
        if status["failure_count"] == 0 {
            self.confirm_what_waits(&thing, &status).await;
            let versions = &mut self.world.things[place].versions;
            versions.push(version);
            versions.sort_by(|one, other| one.modified.cmp(&other.modified));
        }
    }

    /// A version under a freer marking takes two persons, as a change of marking does.
    async fn confirm_what_waits(&self, thing: &Thing, status: &Value) {
        let message = status["successes"][0]["message"].as_str().unwrap_or_default();
        if !message.starts_with("waiting") {
            return;
        }
        let second = Signed::person(&self.hub, &thing.originator, PersonRole::DutyOfficer).await;
        let open = second.good("/api/v1/widenings").await["widenings"].clone();
        let waits = |one: &&Value| one["object"] == thing.id.as_str() && one["state"] == "open";
        let proposal = open.as_array().unwrap().iter().find(waits).unwrap()["id"].clone();
        let path = format!("/api/v1/widenings/{}/decision", proposal.as_str().unwrap());
        second.done(&path, json!({ "decision": "confirm", "text": "so it is" })).await;
    }

    /// The originator changes the level of the last version: stricter binds the older ones, too.
    async fn relabel(&mut self, place: usize) -> String {
        let level = LEVELS[self.dice.place(5)];
        let thing = self.world.things[place].clone();
        let owner = Signed::person(&self.hub, &thing.originator, PersonRole::DutyOfficer).await;
        let path = format!("/api/v1/objects/{}/marking", thing.id);
        let reply = owner.post(&path, json!({ "tlp": tlp(level).name(), "reason": "a reason" })).await;
        if reply.status != 200 {
            return format!("{} stays as it is: {}", thing.id, reply.status);
        }
        let changed = reply.json();
        if let Some(proposal) = changed["proposal"]["id"].as_str() {
            // A freer level takes two persons.
            let second = Signed::person(&self.hub, &thing.originator, PersonRole::DutyOfficer).await;
            let decision = json!({ "decision": "confirm", "text": "so it is" });
            let confirmed = second.post(&format!("/api/v1/widenings/{proposal}/decision"), decision).await;
            if confirmed.status != 200 {
                return format!("{} stays as it is: {}", thing.id, confirmed.status);
            }
        }
        let now = owner.good(&format!("/api/v1/objects/{}", thing.id)).await;
        let thing = &mut self.world.things[place];
        let mut last = thing.versions.last().unwrap().clone();
        if changed["stricter"] == true {
            for version in &mut thing.versions {
                version.marked.level = version.marked.level.map(|now| now.max(level));
            }
        }
        last.marked.level = Some(level);
        last.modified = now["object"]["modified"].as_str().unwrap().to_owned();
        thing.versions.push(last);
        format!("{} is {level:?} now", thing.id)
    }

    async fn recall(&mut self, place: usize) -> String {
        let thing = self.world.things[place].clone();
        let owner = Signed::person(&self.hub, &thing.originator, PersonRole::DutyOfficer).await;
        let body = json!({ "object": thing.id, "reason": "a reason", "deadline_hours": 1 });
        let reply = owner.post("/api/v1/recalls", body).await;
        if reply.status < 300 {
            self.world.things[place].recalled = true;
        }
        format!("{} is recalled: {}", thing.id, reply.status)
    }

    async fn change_group(&mut self) -> String {
        let place = self.dice.place(self.world.groups.len());
        let names: Vec<String> = self.world.organisations.keys().cloned().collect();
        let name = names[self.dice.place(names.len())].clone();
        let is_in = self.world.groups[place].contains(&name);
        let owner = Signed::person(&self.hub, "coordinator", PersonRole::Approver).await;
        let path = format!("/api/v1/sharing-groups/{}/members/{name}", self.group_ids[place]);
        let method = if is_in { Method::DELETE } else { Method::PUT };
        let status = owner.ask(method, &path, None).await.status;
        if status < 300 {
            if is_in {
                self.world.groups[place].remove(&name);
            } else {
                self.world.groups[place].insert(name.clone());
            }
        }
        format!("{name} in group {place}: {} ({status})", !is_in)
    }
}

fn policies(is_narrow: bool) -> Vec<(String, String)> {
    let rule = "resource.tlp == Yagura::Tlp::\"green\" &&";
    let more = format!("{rule} principal.organisation_role == Yagura::OrganisationRole::\"coordinator\" &&");
    let narrowed =
        |(name, text): (String, String)| (name, if is_narrow { text.replace(rule, &more) } else { text });
    Engine::built_in().into_iter().map(narrowed).collect()
}

/// Words that stand in one version of one object and nowhere else.
fn needle(number: u32, version: usize) -> String {
    format!("xq{number:06}v{version:02}qx")
}

fn needle_of(id: &str, version: usize) -> String {
    let number = id.rsplit('-').next().unwrap().parse().unwrap();
    needle(number, version)
}

fn text_of(thing: &Thing, version: &Version, markings: &[String]) -> Value {
    let words = &version.needle;
    let mut object = json!({
        "type": thing.object_type(), "spec_version": "2.1", "id": thing.id, "created": "2024-01-01T00:00:00.000Z",
        "modified": version.modified, "name": format!("霧 {words}"), "description": format!("霧の中 {words}"),
        "labels": [format!("label-{words}")], "x_note": words,
    });
    if !markings.is_empty() {
        object["object_marking_refs"] = json!(markings);
    }
    match thing.object_type() {
        "indicator" => {
            object["pattern"] = json!(format!(
                "[domain-name:value = 'shared.example.com' OR domain-name:value = '{words}.example.com']"
            ));
            object["pattern_type"] = json!("stix");
            object["valid_from"] = json!("2024-01-01T00:00:00Z");
        }
        "malware" => object["is_family"] = json!(false),
        "intrusion-set" => object["aliases"] = json!([format!("alias {words}")]),
        "attack-pattern" => {
            object["kill_chain_phases"] =
                json!([{ "kill_chain_name": "mitre-attack", "phase_name": "initial-access" }]);
        }
        "report" => {
            object["published"] = json!("2024-01-01T00:00:00Z");
            object["object_refs"] = json!(thing.names);
        }
        "note" => {
            object["abstract"] = object["name"].take();
            object["content"] = json!(format!("霧 {words}"));
            object["object_refs"] = json!(thing.names);
            object.as_object_mut().unwrap().retain(|name, _| name != "name" && name != "description");
        }
        "domain-name" => {
            object["value"] = json!(format!("{words}.example.net"));
            object.as_object_mut().unwrap().retain(|name, _| {
                !["name", "description", "labels", "created", "modified"].contains(&name.as_str())
            });
        }
        "relationship" => {
            object["relationship_type"] = json!("related-to");
            object["source_ref"] = json!(thing.names[0]);
            object["target_ref"] = json!(thing.names[1]);
            object.as_object_mut().unwrap().retain(|name, _| name != "name");
        }
        _ => {}
    }
    object
}
