//! What one reader obtains through each door, against the model; and whether anything in an answer is not for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::Dice;
use super::model::{Kind, Reader, World};
use crate::rest::JSON;
use crate::support::{Reply, TAXII, TestHub};

/// Rows of one page.
const PAGE: usize = 100;
/// Types that lists are asked for.
const TYPES: [&str; 9] = [
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

/// Who asks, and how it is known.
pub struct Asker {
    pub reader: Reader,
    pub way: Way,
}

pub enum Way {
    Token(String),
    Session { secret: String, csrf: String },
}

/// What was ever shown to an organisation.
#[derive(Debug, Default)]
pub struct Seen {
    pub ids: BTreeSet<String>,
    pub needles: BTreeSet<String>,
}

/// Everything that one reader asks at one moment.
pub struct Reading<'a> {
    pub hub: &'a TestHub,
    pub world: &'a World,
    pub asker: &'a Asker,
    needles: BTreeSet<String>,
    ids: BTreeSet<String>,
    /// What its organisation has seen before, and may be told the end of.
    seen_before: &'a Seen,
    pub wrong: &'a Mutex<Vec<String>>,
}

impl<'a> Reading<'a> {
    pub fn new(
        hub: &'a TestHub,
        world: &'a World,
        asker: &'a Asker,
        seen_before: &'a Seen,
        wrong: &'a Mutex<Vec<String>>,
    ) -> Self {
        let (needles, ids) = (world.needles(&asker.reader), world.ids(&asker.reader));
        Self { hub, world, asker, needles, ids, seen_before, wrong }
    }

    fn who(&self) -> String {
        format!(
            "{:?} of {} for {}",
            self.asker.reader.kind, self.asker.reader.organisation, self.asker.reader.purpose
        )
    }

    pub fn differ(
        &self,
        door: &str,
        found: &BTreeMap<String, BTreeSet<String>>,
        expected: &BTreeMap<String, BTreeSet<String>>,
    ) {
        if found == expected {
            return;
        }
        let show = |one: &BTreeMap<String, BTreeSet<String>>, other: &BTreeMap<String, BTreeSet<String>>| {
            let more = one.iter().filter(|(id, words)| other.get(*id) != Some(words));
            more.take(4).map(|(id, words)| format!("{id} {words:?}")).collect::<Vec<_>>().join(", ")
        };
        self.complain(format!(
            "{door}: gives {} — should give {}",
            show(found, expected),
            show(expected, found)
        ));
    }

    pub fn complain(&self, what: impl std::fmt::Display) {
        self.wrong.lock().unwrap().push(format!("{}: {what}", self.who()));
    }

    fn ask(&self, method: Method, path: &str, body: Option<Value>) -> crate::support::Ask<'_> {
        let is_taxii = path.starts_with("/council/") || path.starts_with("/taxii2/");
        let accept = if is_taxii { TAXII } else { JSON };
        let mut ask =
            self.hub.ask(method, path).stranger().header("accept", accept).header("content-type", "");
        ask = match &self.asker.way {
            Way::Token(token) => ask.bearer(token),
            Way::Session { secret, csrf } => {
                ask.header("cookie", &format!("yagura_session={secret}")).header("x-yagura-csrf", csrf)
            }
        };
        if self.asker.reader.kind != Kind::Edge {
            ask = ask.header("x-yagura-purpose", self.asker.reader.purpose);
        }
        match body {
            Some(body) => ask.header("content-type", JSON).body(body.to_string()),
            None => ask,
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let reply = self.ask(method.clone(), path, body).send().await;
        self.scan(&format!("{method} {path}"), &reply);
        if reply.status >= 500 {
            self.complain(format!("{method} {path}: {}", reply.status));
        }
        reply
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// Whether words or identifiers stand in an answer, its headers or its cursors that are not for this reader.
    fn scan(&self, door: &str, reply: &Reply) {
        let mut bytes = reply.body.clone();
        for (name, value) in &reply.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(value.as_bytes());
        }
        bytes.extend(cursors(&reply.body));
        self.scan_bytes(door, &bytes);
    }

    pub fn scan_bytes(&self, door: &str, bytes: &[u8]) {
        for words in needles_in(bytes) {
            let is_known = self.needles.contains(&words)
                || (tells_of_ends(door) && self.seen_before.needles.contains(&words));
            if !is_known {
                self.complain(format!("{door}: tells the words {words}"));
                return;
            }
        }
        for id in ids_in(bytes) {
            let ends = |known: &String| known.ends_with(&id);
            // The coordinator keeps the list of recalls, by identifier.
            let keeps_list = door.contains("/recalls") && self.asker.reader.organisation == "coordinator";
            let is_known = keeps_list
                || self.ids.iter().any(ends)
                || (tells_of_ends(door) && self.seen_before.ids.iter().any(ends));
            if !is_known {
                self.complain(format!("{door}: tells the identifier {id}"));
                return;
            }
        }
    }

    /// Whether an identifier stands in something that the reader sees.
    pub fn knows(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// The stream from its beginning until the object `mark`.
    pub async fn stream(&self, mark: &str, patience: Duration) -> String {
        let ask = self.ask(Method::GET, "/api/v1/stream", None);
        let mut response =
            ask.header("accept", "text/event-stream").header("last-event-id", "0").response().await;
        assert_eq!(response.status(), 200);
        let mut bytes = Vec::new();
        let read = async {
            while !String::from_utf8_lossy(&bytes).contains(mark) || !bytes.ends_with(b"\n\n") {
                bytes.extend_from_slice(&response.chunk().await.unwrap().expect("the stream goes on"));
            }
        };
        if tokio::time::timeout(patience, read).await.is_err() {
            self.complain("stream: falls silent before its end".to_owned());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Last versions and the words of each.
    pub fn expected(&self, types: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
        let last = self.world.last(&self.asker.reader);
        let of_type =
            last.iter().filter(|(id, _)| types.iter().any(|name| id.starts_with(&format!("{name}--"))));
        of_type.map(|(id, version)| ((*id).to_owned(), BTreeSet::from([version.needle.clone()]))).collect()
    }

    pub fn expected_versions(&self) -> BTreeMap<String, BTreeSet<String>> {
        let reader = &self.asker.reader;
        let things = self.world.things.iter();
        let all = things.map(|thing| (thing.id.clone(), self.world.versions(reader, thing)));
        all.filter(|(_, versions)| !versions.is_empty())
            .map(|(id, versions)| (id, versions.iter().map(|version| version.needle.clone()).collect()))
            .collect()
    }

    /// TAXII: objects with all versions and the last ones, the manifest, and each object by identifier.
    pub async fn taxii(&self, dice: &mut Dice) {
        for (versions, expected) in [("last", self.expected(&TYPES)), ("all", self.expected_versions())] {
            let (mut found, mut next) = (BTreeMap::new(), String::new());
            loop {
                let path = self.hub.within(&format!("objects/?limit={PAGE}&match[version]={versions}{next}"));
                let reply = self.get(&path).await;
                if reply.status != 200 {
                    return self.complain(format!("{path}: {}", reply.status));
                }
                for text in reply.objects() {
                    let object: Value = serde_json::from_str(&text).unwrap();
                    note(&mut found, &object["id"], &text);
                }
                match reply.json()["next"].as_str() {
                    Some(token) => next = format!("&next={token}"),
                    None => break,
                }
            }
            self.differ(&format!("TAXII {versions}"), &found, &expected);
        }
        let (mut counts, mut next) = (BTreeMap::<String, usize>::new(), String::new());
        loop {
            let path = self.hub.within(&format!("manifest/?match[version]=all&limit={PAGE}{next}"));
            let manifest = self.get(&path).await.json();
            let rows = manifest["objects"].as_array().cloned().unwrap_or_default();
            for row in rows.iter().filter(|row| row["id"].as_str().unwrap().contains("--7e570000-")) {
                *counts.entry(row["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            match manifest["next"].as_str() {
                Some(token) => next = format!("&next={token}"),
                None => break,
            }
        }
        // A change of marking writes the same words in another version: versions are counted.
        let reader = &self.asker.reader;
        let versions = self
            .world
            .things
            .iter()
            .map(|thing| (thing.id.clone(), self.world.versions(reader, thing).len()));
        let expected: BTreeMap<String, usize> = versions.filter(|(_, count)| *count > 0).collect();
        if counts != expected {
            let first = counts.iter().find(|(id, count)| expected.get(*id) != Some(count));
            self.complain(format!("TAXII manifest: {first:?}, {} of {}", counts.len(), expected.len()));
        }
        for _ in 0..6 {
            let thing = &self.world.things[dice.place(self.world.things.len())];
            let expected = if self.world.versions(reader, thing).is_empty() { 404 } else { 200 };
            for rest in ["", "versions/", "?match[version]=all"] {
                let path = self.hub.within(&format!("objects/{}/{rest}", thing.id));
                let status = self.get(&path).await.status;
                if status != expected {
                    self.complain(format!("{path}: {status}, not {expected}"));
                }
            }
        }
    }

    /// REST: lists, counts, searches in words and values, facets, single objects with what belongs to them.
    pub async fn rest(&self, dice: &mut Dice) {
        for query in ["", "&query=%E9%9C%A7"] {
            let mut types = TYPES.to_vec();
            if !query.is_empty() {
                types.retain(|name| *name != "domain-name");
            }
            let object_type = types[dice.place(types.len())];
            let expected = self.expected(&[object_type]);
            let (mut found, mut next) = (BTreeMap::new(), String::new());
            loop {
                let path = format!("/api/v1/objects?type={object_type}&limit={PAGE}{query}{next}");
                let reply = self.get(&path).await;
                let page = reply.json();
                if reply.status != 200 {
                    return self.complain(format!("{path}: {} {page}", reply.status));
                }
                for summary in page["objects"].as_array().unwrap() {
                    note(&mut found, &summary["id"], &summary.to_string());
                }
                if next.is_empty() && page["count"] != expected.len() {
                    self.complain(format!("{path}: counts {}, not {}", page["count"], expected.len()));
                }
                match page["next"].as_str() {
                    Some(token) => next = format!("&next={token}"),
                    None => break,
                }
            }
            // A list shows what it shows: what it names must be there, whether its words stand in the summary or not.
            let names = |all: &BTreeMap<String, BTreeSet<String>>| -> BTreeMap<String, BTreeSet<String>> {
                all.keys().map(|id| (id.clone(), BTreeSet::new())).collect()
            };
            self.differ(&format!("list of {object_type}{query}"), &names(&found), &names(&expected));
            let facets = self.get(&format!("/api/v1/objects/facets?type={object_type}{query}")).await.json();
            if facets["counted"].as_u64() != Some(expected.len() as u64) {
                self.complain(format!(
                    "facets of {object_type}{query}: {}, not {}",
                    facets["counted"],
                    expected.len()
                ));
            }
            for family in ["originators", "tlp"] {
                let sum: u64 =
                    facets[family].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
                if sum != expected.len() as u64 {
                    self.complain(format!("facets of {object_type}{query}: {family} sum up to {sum}"));
                }
            }
        }
        let hits = self.get("/api/v1/values?value=shared.example.com").await.json();
        let mut found = BTreeMap::new();
        for summary in hits.as_array().unwrap().iter().flat_map(|hit| hit["objects"].as_array().unwrap()) {
            note(&mut found, &summary["id"], "");
        }
        let expected: BTreeSet<String> = self.expected(&["indicator"]).into_keys().collect();
        let found: BTreeSet<String> = found.into_keys().collect();
        let is_right = if expected.len() <= 50 {
            found == expected
        } else {
            found.is_subset(&expected) && !found.is_empty()
        };
        if !is_right {
            self.complain(format!("values: {} objects, not {}", found.len(), expected.len()));
        }
        for _ in 0..6 {
            self.one(dice).await;
        }
    }

    /// Everything under one object's address, and pictures that begin at it.
    async fn one(&self, dice: &mut Dice) {
        let things = &self.world.things;
        let (thing, other) = (&things[dice.place(things.len())], &things[dice.place(things.len())]);
        let reader = &self.asker.reader;
        let is_seen = |id: &str| {
            things.iter().any(|thing| thing.id == id && !self.world.versions(reader, thing).is_empty())
        };
        let expected = if is_seen(&thing.id) { 200 } else { 404 };
        for rest in ["", "/references", "/score", "/same"] {
            let reply = self.get(&format!("/api/v1/objects/{}{rest}", thing.id)).await;
            // What cannot be scored says so, to those who see it.
            let is_right = reply.status == expected || (expected == 200 && reply.status == 422);
            if !is_right {
                self.complain(format!("{}{rest}: {}, not {expected}", thing.id, reply.status));
            }
            if rest == "/references" && reply.status == 200 {
                self.references(&thing.id, &reply.json());
            }
        }
        for path in [
            format!("/api/v1/objects/{}/audience", thing.id),
            format!("/api/v1/objects/{}/releases", thing.id),
            format!("/api/v1/objects/{}/why?organisation={}", thing.id, reader.organisation),
            format!("/api/v1/graph?nodes={}&expand={}", thing.id, thing.id),
            format!("/api/v1/graph/path?one={}&other={}", thing.id, other.id),
            format!("/api/v1/graph/common?nodes={}%0A{}", thing.id, other.id),
            format!("/api/v1/actors/{}", thing.id),
            format!("/api/v1/actors/{}/tempo", thing.id),
            format!("/api/v1/actors/compare?ids={},{}", thing.id, other.id),
            format!("/api/v1/recalls?object={}", thing.id),
            format!("/api/v1/objects?query={}", thing.versions[0].needle),
            format!("/api/v1/values?value={}.example.com", thing.versions[0].needle),
        ] {
            let reply = self.get(&path).await;
            // The coordinator keeps the ledger, whatever its programs may read.
            let keeps_ledger = path.ends_with("/releases") && reader.organisation == "coordinator";
            let is_about_hidden = expected == 404
                && !keeps_ledger
                && ["/audience", "/releases", "/why", "/actors/", "/graph"]
                    .iter()
                    .any(|part| path.contains(part));
            if is_about_hidden && reply.status == 200 && !path.contains("compare") && !path.contains("/graph")
            {
                self.complain(format!("{path}: answers about what is hidden"));
            }
        }
    }

    /// What refers to an object is what names it and may be seen.
    fn references(&self, id: &str, told: &Value) {
        if told["more"] == true {
            return;
        }
        let last = self.world.last(&self.asker.reader);
        let named = |thing: &&super::model::Thing| {
            thing.names.iter().any(|name| name == id) && last.contains_key(thing.id.as_str())
        };
        let expected: BTreeSet<&str> =
            self.world.things.iter().filter(named).map(|thing| thing.id.as_str()).collect();
        let found: BTreeSet<&str> = told["referred_by"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|line| line["object"]["id"].as_str())
            .filter(|id| id.contains("--7e570000-"))
            .collect();
        if found != expected {
            self.complain(format!("references of {id}: {found:?}, not {expected:?}"));
        }
        for far in
            told["referred_by"].as_array().unwrap().iter().filter_map(|line| line["far"]["id"].as_str())
        {
            if far.contains("--7e570000-") && !last.contains_key(far) {
                self.complain(format!("references of {id}: tells of {far}"));
            }
        }
    }

    /// Boards, feeds, actors, matrices, and every other list: what they name must be for this reader.
    pub async fn lists(&self) {
        let mut next = String::new();
        let mut actors = BTreeSet::new();
        loop {
            let reply = self.get(&format!("/api/v1/actors?type=intrusion-set{next}")).await.json();
            let rows = reply["actors"].as_array().cloned().unwrap_or_default();
            actors.extend(rows.iter().filter_map(|row| row["object"]["id"].as_str().map(str::to_owned)));
            match reply["next"].as_str() {
                Some(token) => next = format!("&next={token}"),
                None => break,
            }
        }
        let expected: BTreeSet<String> = self.expected(&["intrusion-set"]).into_keys().collect();
        if actors != expected {
            self.complain(format!("actors: {} of {}", actors.len(), expected.len()));
        }
        let board = self.get("/api/v1/board").await.json();
        let indicators = self.expected(&["indicator"]).len();
        if board["indicators"].as_u64() != Some(indicators as u64) {
            self.complain(format!("board: {} indicators, not {indicators}", board["indicators"]));
        }
        let matrix = self.get("/api/v1/matrix/mitre-attack").await;
        let techniques = self.expected(&["attack-pattern"]).len();
        if (matrix.status == 200) != (techniques > 0) {
            self.complain(format!("matrix: {} with {techniques} techniques", matrix.status));
        }
        for path in [
            "/api/v1/feed",
            "/api/v1/cases",
            "/api/v1/rooms",
            "/api/v1/edges",
            "/api/v1/sameness",
            "/api/v1/contributions",
            "/api/v1/notices",
            "/api/v1/recalls",
            "/api/v1/release-requests",
            "/api/v1/releases?organisation=coordinator",
            "/api/v1/questions",
            "/api/v1/searches",
            "/api/v1/matrix",
            "/api/v1/grades",
            "/api/v1/node",
            "/api/v1/sharing-groups",
            "/api/v1/agreements",
            "/metrics",
            "/readyz",
            "/log/checkpoint",
            "/taxii2/",
            "/council/",
            "/council/collections/",
            "/sharing_groups/index",
            "/tags/index",
        ] {
            self.get(path).await;
        }
    }

    /// MISP: events by index and search, attributes by value.
    pub async fn misp(&self, dice: &mut Dice) {
        let expected = self.expected(&["report"]);
        let index = self.get("/events/index").await;
        let mut found = BTreeMap::new();
        let mut body = json!({ "limit": 10_000, "page": 1 });
        let events = self.send(Method::POST, "/events/restSearch", Some(body.take())).await;
        if index.status != 200 || events.status != 200 {
            return self.complain(format!("MISP: {} {}", index.status, events.status));
        }
        for event in events.json()["response"].as_array().unwrap() {
            let uuid = event["Event"]["uuid"].as_str().unwrap();
            found.insert(format!("report--{uuid}"), BTreeSet::<String>::new());
        }
        let expected: BTreeMap<String, BTreeSet<String>> =
            expected.into_keys().map(|id| (id, BTreeSet::new())).collect();
        self.differ("MISP events", &found, &expected);
        let values = json!({ "value": "shared.example.com" });
        self.send(Method::POST, "/attributes/restSearch", Some(values)).await;
        let thing = &self.world.things[dice.place(self.world.things.len())];
        let uuid = thing.id.split_once("--").unwrap().1;
        self.get(&format!("/events/view/{uuid}")).await;
        self.get(&format!("/attributes/view/{uuid}")).await;
        self.send(
            Method::POST,
            "/sightings/listSightings",
            Some(json!({ "id": uuid, "context": "attribute" })),
        )
        .await;
    }

    /// An edge: exactly the indicators that its operator's edges may have.
    pub async fn edge(&self) {
        let (mut found, mut after) = (BTreeMap::new(), 0);
        loop {
            let reply = self.get(&format!("/edge/v1/intelligence?after={after}&wait=0")).await.json();
            for change in reply["changes"].as_array().unwrap() {
                if change["change"] == "put" {
                    note(&mut found, &change["object"]["id"], &change["object"].to_string());
                }
            }
            after = reply["sequence"].as_i64().unwrap();
            if reply["more"] != true {
                break;
            }
        }
        self.differ("edge", &found, &self.expected(&["indicator"]));
    }
}

/// Of what one has had one is told that it is recalled, changed or gone.
fn tells_of_ends(door: &str) -> bool {
    ["notices", "recalls", "stream", "intelligence"].iter().any(|name| door.contains(name))
}

fn note(found: &mut BTreeMap<String, BTreeSet<String>>, id: &Value, text: &str) {
    let id = id.as_str().unwrap();
    if id.contains("--7e570000-") {
        found.entry(id.to_owned()).or_default().extend(needles_in(text.as_bytes()));
    }
}

/// Words that stand in one version of one object each.
pub fn needles_in(bytes: &[u8]) -> BTreeSet<String> {
    const LENGTH: usize = "xq000000v00qx".len();
    let is_one = |at: &[u8]| at.starts_with(b"xq") && at.ends_with(b"qx");
    bytes.windows(LENGTH).filter(|at| is_one(at)).map(|at| String::from_utf8_lossy(at).into_owned()).collect()
}

/// Identifiers of the run's objects, without their types.
pub fn ids_in(bytes: &[u8]) -> BTreeSet<String> {
    const LENGTH: usize = "7e570000-0000-4000-8000-000000000000".len();
    let is_one = |at: &[u8]| at.starts_with(b"7e570000-0000-4000-8000-");
    bytes.windows(LENGTH).filter(|at| is_one(at)).map(|at| String::from_utf8_lossy(at).into_owned()).collect()
}

/// What stands in opaque cursors, decoded.
fn cursors(body: &[u8]) -> Vec<u8> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let text = String::from_utf8_lossy(body);
    let mut all = Vec::new();
    for token in text.split("\"next\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        for engine in [&URL_SAFE_NO_PAD, &STANDARD] {
            all.extend(engine.decode(token).unwrap_or_default());
        }
    }
    all
}
