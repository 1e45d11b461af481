//! Everything that anybody can obtain through any door, against a slow, obvious model of the rules (`model.rs`), in a council made by
//! chance that changes between the readings.
//!
//! Each object bears words and an identifier that stand nowhere else. So whatever an answer holds (body, headers, cursors, errors) is
//! looked through for words and identifiers, and each must be for whoever asked. `YAGURA_SEED` repeats a run; `YAGURA_DOORS_OBJECTS`
//! and `YAGURA_DOORS_ROUNDS` make it longer, as `make soak` does.

mod model;
mod reads;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oversight::{Action, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use self::model::{Kind, Reader};
use self::reads::{Asker, Reading, Seen, Way, ids_in, needles_in};
use self::world::Made;
use crate::authorisation::{add_person, sign_in};
use crate::federation::Cheat;

/// Repeatable chance.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    pub fn place(&mut self, of: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(of).unwrap())).unwrap()
    }
}

/// How long a run is.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Everything that the hub writes to its log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A run: the council, who reads, and what was wrong.
struct Run {
    made: Made,
    askers: Vec<Asker>,
    peer: Cheat,
    /// What each organisation was ever shown.
    seen: BTreeMap<String, Seen>,
    wrong: Mutex<Vec<String>>,
    lines: Lines,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_shows_what_the_rules_say_and_nothing_else() {
    let seed = setting("YAGURA_SEED", 20_261_128);
    println!("YAGURA_SEED={seed}");
    let begun = Instant::now();
    let mut run = Run::begin(Dice(seed)).await;
    let rounds = setting("YAGURA_DOORS_ROUNDS", 2);
    for round in 0..rounds {
        if round > 0 {
            for _ in 0..8 {
                let what = run.made.change().await;
                println!("{:>6.1?} {what}", begun.elapsed());
            }
        }
        run.read_everything(begun).await;
        run.check(&format!("round {round}"));
    }
    run.change_while_a_page_is_read().await;
    run.hidden_and_absent_look_alike().await;
    run.records_tell_no_words().await;
    run.check("the end");
}

impl Run {
    async fn begin(dice: Dice) -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        // In a process of its own, as nextest runs it, the test hears everything; beside others it may not be the first.
        let _ = tracing::subscriber::set_global_default(subscriber);
        let hub = crate::federation::hub().await;
        let peer = Cheat::known(7, &hub).await;
        let objects = setting("YAGURA_DOORS_OBJECTS", 240);
        let operators = 2 + objects / 1_000;
        let mut made = Made::new(hub, dice, operators, 4 + objects / 500, 3 + objects / 1_000).await;
        made.publish(usize::try_from(objects).unwrap()).await;
        let askers = askers(&made).await;
        let seen = made.world.organisations.keys().map(|name| (name.clone(), Seen::default())).collect();
        Self { made, askers, peer, seen, wrong: Mutex::default(), lines }
    }

    /// Nothing may be wrong so far.
    fn check(&self, when: &str) {
        let wrong = self.wrong.lock().unwrap();
        let first: Vec<&str> = wrong.iter().take(30).map(String::as_str).collect();
        assert!(wrong.is_empty(), "{when}: {} things are wrong:\n{}", wrong.len(), first.join("\n"));
    }

    async fn read_everything(&mut self, begun: Instant) {
        let mut dice = Dice(self.made.dice.roll(u64::from(u32::MAX)));
        for asker in &self.askers {
            let seen = &self.seen[&asker.reader.organisation];
            let reading = Reading::new(&self.made.hub, &self.made.world, asker, seen, &self.wrong);
            if asker.reader.kind == Kind::Edge {
                reading.edge().await;
            } else {
                reading.taxii(&mut dice).await;
                reading.rest(&mut dice).await;
                reading.lists().await;
                reading.misp(&mut dice).await;
            }
            println!("{:>6.1?} {:?}", begun.elapsed(), asker.reader);
        }
        // Everything before this is in the log now: whoever has it has all.
        let mark = crate::rest::named("tool", "mark", stix::marking::Tlp::Clear);
        self.made.hub.post(std::slice::from_ref(&mark)).await;
        let mark = crate::support::id_of(&mark);
        for asker in self.askers.iter().filter(|asker| asker.reader.kind != Kind::Edge) {
            let seen = &self.seen[&asker.reader.organisation];
            stream(&Reading::new(&self.made.hub, &self.made.world, asker, seen, &self.wrong), &mark).await;
        }
        let readers: Vec<Reader> = self.askers.iter().map(|asker| asker.reader.clone()).collect();
        readers.iter().for_each(|reader| self.remember(reader));
        self.read_as_peer().await;
    }

    /// What another hub is given.
    async fn read_as_peer(&mut self) {
        let reader =
            Reader { kind: Kind::Peer, organisation: "abroad".into(), purpose: "collective-defence" };
        let asker = Asker { reader, way: Way::Token(String::new()) };
        let seen = &self.seen[&asker.reader.organisation];
        let reading = Reading::new(&self.made.hub, &self.made.world, &asker, seen, &self.wrong);
        let text = self.peer.everything().await;
        reading.scan_bytes("peer's stream", text.as_bytes());
        let mut found = BTreeMap::<String, BTreeSet<String>>::new();
        for frame in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let object = match frame["text"].as_str() {
                Some(text) => serde_json::from_str(text).unwrap(),
                None => frame["object"].clone(),
            };
            if let Some(id) = object["id"].as_str().filter(|id| id.contains("--7e570000-")) {
                found.entry(id.to_owned()).or_default().extend(needles_in(object.to_string().as_bytes()));
            }
        }
        reading.differ("peer's stream", &found, &reading.expected_versions());
        self.remember(&asker.reader);
    }

    /// What somebody was shown, its organisation was shown.
    fn remember(&mut self, reader: &Reader) {
        let seen = self.seen.get_mut(&reader.organisation).unwrap();
        seen.ids.extend(self.made.world.ids(reader));
        seen.needles.extend(self.made.world.needles(reader));
    }

    /// A policy changes between two pages of one reading: what the reader may see before and after is there once, and nothing that it
    /// may not see afterwards comes afterwards.
    async fn change_while_a_page_is_read(&mut self) {
        for place in 0..self.askers.len() {
            if self.askers[place].reader.kind != Kind::Program {
                continue;
            }
            let Way::Token(token) = &self.askers[place].way else { continue };
            let (token, reader) = (token.clone(), self.askers[place].reader.clone());
            let before: BTreeSet<String> =
                self.made.world.last(&reader).keys().map(|id| (*id).to_owned()).collect();
            let (mut first, mut rest, mut next, mut pages) = (Vec::new(), Vec::new(), String::new(), 0);
            loop {
                if pages == 2 {
                    self.made.narrow_or_widen().await;
                }
                let path = self.made.hub.within(&format!("objects/?limit=10{next}"));
                let ask = self.made.hub.get(&path).bearer(&token).header("x-yagura-purpose", reader.purpose);
                let page = ask.send().await;
                assert_eq!(page.status, 200);
                let ids = page.ids().into_iter().filter(|id| id.contains("--7e570000-"));
                if pages < 2 {
                    first.extend(ids);
                } else {
                    rest.extend(ids);
                }
                pages += 1;
                match page.json()["next"].as_str() {
                    Some(token) => next = format!("&next={token}"),
                    None => break,
                }
            }
            if pages <= 2 {
                continue;
            }
            let after: BTreeSet<String> =
                self.made.world.last(&reader).keys().map(|id| (*id).to_owned()).collect();
            let told: BTreeSet<String> = first.iter().chain(&rest).cloned().collect();
            let leaked: Vec<&String> = rest.iter().filter(|id| !after.contains(*id)).collect();
            let missed: Vec<&String> = after.difference(&told).collect();
            let both =
                first.iter().chain(&rest).filter(|id| before.contains(*id) && after.contains(*id)).count();
            let once = before.intersection(&after).count();
            if !leaked.is_empty() || !missed.is_empty() || both != once {
                let what = format!(
                    "a change while pages are read: leaked {leaked:?}, missed {missed:?}, {both} of {once} once"
                );
                self.wrong.lock().unwrap().push(format!("{reader:?}: {what}"));
            }
        }
    }

    /// What is hidden and what is not there are answered alike, byte for byte and in time.
    async fn hidden_and_absent_look_alike(&self) {
        // The coordinator keeps the ledger, in which more stands than its programs may read.
        let is_asked =
            |asker: &&Asker| asker.reader.kind == Kind::Program && asker.reader.organisation != "coordinator";
        for asker in self.askers.iter().filter(is_asked).take(4) {
            // What the organisation once had it may know of.
            let had = &self.seen[&asker.reader.organisation].ids;
            let none = Seen::default();
            let reading = Reading::new(&self.made.hub, &self.made.world, asker, &none, &self.wrong);
            let things = self.made.world.things.iter();
            let hidden = things.filter(|thing| self.made.world.versions(&asker.reader, thing).is_empty());
            let hidden: Vec<&str> = hidden
                .map(|thing| thing.id.as_str())
                .filter(|id| !reading.knows(id) && !had.contains(*id))
                .take(12)
                .collect();
            for id in &hidden {
                let absent = id.replace("7e570000-0000-4000-8000", "7e57aaaa-0000-4000-8000");
                for (method, path, body) in addresses(self.made.hub.running.collection) {
                    let fill = |id: &str| {
                        let uuid = id.split_once("--").unwrap().1;
                        (
                            path.replace("{id}", id).replace("{uuid}", uuid),
                            body.replace("{id}", id).replace("{uuid}", uuid),
                        )
                    };
                    let mut answers = Vec::new();
                    for id in [*id, absent.as_str()] {
                        let (path, body) = fill(id);
                        let body = (!body.is_empty()).then(|| serde_json::from_str(&body).unwrap());
                        let reply = reading.send(method.clone(), &path, body).await;
                        answers.push(
                            without_request(&reply)
                                .replace(id, "ID")
                                .replace(id.split_once("--").unwrap().1, "UUID"),
                        );
                    }
                    if answers[0] != answers[1] {
                        reading.complain(format!(
                            "{method} {path}: hidden and absent differ\n  {}\n  {}",
                            answers[0], answers[1]
                        ));
                    }
                }
            }
            if let Some(id) = hidden.first() {
                self.times(&reading, id).await;
            }
        }
    }

    /// Medians of interleaved requests; the machine may be busy, so the best of a few attempts counts.
    async fn times(&self, reading: &Reading<'_>, hidden: &str) {
        const REQUESTS: usize = 100;
        const FACTOR: f64 = 1.5;
        let absent = hidden.replace("7e570000-0000-4000-8000", "7e57aaaa-0000-4000-8000");
        for path in [
            "/api/v1/objects/{id}",
            "/api/v1/objects/{id}/references",
            "/council/collections/{collection}/objects/{id}/",
        ] {
            let path = path.replace("{collection}", &self.made.hub.running.collection.to_string());
            let mut best = f64::MAX;
            for _ in 0..5 {
                let mut times = [Vec::new(), Vec::new()];
                for _ in 0..REQUESTS {
                    for (place, id) in [hidden, absent.as_str()].into_iter().enumerate() {
                        let begun = Instant::now();
                        assert_eq!(reading.get(&path.replace("{id}", id)).await.status, 404);
                        times[place].push(begun.elapsed());
                    }
                }
                let [hidden, absent] = times.map(|mut times| {
                    times.sort_unstable();
                    times[REQUESTS / 2].as_secs_f64()
                });
                best = best.min((hidden / absent).max(absent / hidden));
                if best < FACTOR {
                    break;
                }
            }
            println!("{path}: medians of hidden and absent differ by a factor of {best:.2}");
            if best >= FACTOR {
                reading
                    .complain(format!("{path}: hidden and absent differ in time by a factor of {best:.2}"));
            }
        }
    }

    /// Neither the record of acts nor the log's lines hold words of any object; the lines no identifiers either.
    async fn records_tell_no_words(&self) {
        let lines = self.lines.0.lock().unwrap().clone();
        assert!(lines.windows(8).any(|at| at == b"answered"), "the lines are heard");
        let (words, ids) = (needles_in(&lines), ids_in(&lines));
        if !words.is_empty() || !ids.is_empty() {
            self.wrong.lock().unwrap().push(format!("log lines tell {words:?} {ids:?}"));
        }
        let rows = self.made.hub.audit(Action::ObjectsReleased).await;
        assert!(!rows.is_empty());
        let account = add_person(&self.made.hub, "inspectors", PersonRole::Commissioner).await;
        let (secret, csrf) = sign_in(&self.made.hub, &account).await;
        let reader = Reader { kind: Kind::Person, organisation: "inspectors".into(), purpose: "oversight" };
        let asker = Asker { reader, way: Way::Session { secret: secret.clone(), csrf } };
        let mut before = String::new();
        loop {
            let path = format!("/api/v1/audit?limit=500{before}");
            let ask = self.made.hub.get(&path).stranger().header("accept", "application/json");
            let reply = ask.header("cookie", &format!("yagura_session={secret}")).send().await;
            assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
            let words = needles_in(&reply.body);
            if !words.is_empty() {
                self.wrong.lock().unwrap().push(format!("the record of acts tells {words:?}"));
            }
            let page = reply.json();
            let rows = page["rows"].as_array().or(page["events"].as_array()).unwrap();
            match rows.last().and_then(|row| row["leaf"].as_u64()) {
                Some(leaf) if leaf > 0 => before = format!("&before={leaf}"),
                _ => break,
            }
        }
        // And to everything else an inspector is refused.
        let none = Seen::default();
        let reading = Reading::new(&self.made.hub, &self.made.world, &asker, &none, &self.wrong);
        for path in ["/api/v1/objects", "/api/v1/board", "/events/index", "/api/v1/actors"] {
            let status = reading.get(path).await.status;
            if status == 200 {
                reading.complain(format!("{path}: is open to an inspector"));
            }
        }
    }
}

async fn askers(made: &Made) -> Vec<Asker> {
    let hub = &made.hub;
    let mut askers = Vec::new();
    let mut add = |kind, organisation: &str, purpose, way| {
        let reader = Reader { kind, organisation: organisation.to_owned(), purpose };
        askers.push(Asker { reader, way });
    };
    for (organisation, _) in &made.writers {
        let token = hub.token(organisation, &[PersonRole::Analyst]).await;
        let search = json!({ "name": "all", "terms": { "query": "霧" }, "alerts": true });
        let saved = hub.send_json(&token, Method::POST, "/api/v1/searches", search).await;
        assert!(saved.status < 300, "{}", String::from_utf8_lossy(&saved.body));
        add(Kind::Program, organisation, "collective-defence", Way::Token(token));
    }
    for organisation in ["coordinator", "operator-1", "aurora"] {
        let account = add_person(hub, organisation, PersonRole::Analyst).await;
        let (secret, csrf) = sign_in(hub, &account).await;
        add(Kind::Person, organisation, "collective-defence", Way::Session { secret, csrf });
    }
    let token = hub.token("borealis", &[PersonRole::Trainee]).await;
    add(Kind::Program, "borealis", "own-defence", Way::Token(token));
    for organisation in ["operator-2", "agency-1"] {
        let token = hub.edge(&format!("edge-of-{organisation}"), organisation).await;
        add(Kind::Edge, organisation, "own-defence", Way::Token(token));
    }
    askers
}

/// The stream from its beginning until a mark that everybody sees.
async fn stream(reading: &Reading<'_>, mark: &str) {
    let text = reading.stream(mark, Duration::from_secs(60)).await;
    reading.scan_bytes("stream", text.as_bytes());
    let mut found = BTreeSet::new();
    for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let event: Value = serde_json::from_str(data).unwrap();
        if let Some(id) = event["object"]["id"].as_str().filter(|id| id.contains("--7e570000-")) {
            found.insert(id.to_owned());
        }
        if let Some(id) = event["id"].as_str().filter(|_| event["event"] == "removed") {
            found.remove(id);
        }
    }
    let last = reading.world.last(&reading.asker.reader);
    let expected: BTreeSet<String> = last.keys().map(|id| (*id).to_owned()).collect();
    if found != expected {
        let (more, less): (Vec<_>, Vec<_>) =
            (found.difference(&expected).take(4).collect(), expected.difference(&found).take(4).collect());
        reading.complain(format!("stream: tells of {more:?}, not of {less:?}"));
    }
}

/// Where an identifier is asked for.
fn addresses(collection: uuid::Uuid) -> Vec<(Method, String, String)> {
    let get = |path: &str| (Method::GET, path.to_owned(), String::new());
    let post = |path: &str, body: &str| (Method::POST, path.to_owned(), body.to_owned());
    let within = format!("/council/collections/{collection}/objects");
    vec![
        get("/api/v1/objects/{id}"),
        get("/api/v1/objects/{id}?version=2024-01-01T00:00:00.000Z"),
        get("/api/v1/objects/{id}/references"),
        get("/api/v1/objects/{id}/score"),
        get("/api/v1/objects/{id}/same"),
        get("/api/v1/objects/{id}/audience"),
        get("/api/v1/objects/{id}/releases"),
        get("/api/v1/objects/{id}/why?organisation=coordinator"),
        get("/api/v1/graph?nodes={id}"),
        get("/api/v1/graph/path?one={id}&other={id}"),
        get("/api/v1/graph/common?nodes={id}%0A{id}"),
        get("/api/v1/actors/{id}"),
        get("/api/v1/actors/{id}/tempo"),
        get("/api/v1/actors/compare?ids={id},{id}"),
        get("/api/v1/matrix/mitre-attack?of={id}"),
        get("/api/v1/recalls?object={id}"),
        get("/api/v1/cases/{id}"),
        get("/api/v1/cases/{id}/room"),
        get("/api/v1/cases/{id}/room/brief"),
        get("/api/v1/cases/{id}/room/report"),
        get("/api/v1/cases/{id}/similar"),
        post("/api/v1/cases/{id}/room/presence", r#"{"writes":true}"#),
        post("/api/v1/cases/{id}/room/values", r#"{"text":"shared.example.com"}"#),
        get("/api/v1/cases/{id}/campaign"),
        get("/events/view/{uuid}"),
        get("/attributes/view/{uuid}"),
        (Method::GET, format!("{within}/{{id}}/"), String::new()),
        (Method::GET, format!("{within}/{{id}}/versions/"), String::new()),
        (Method::GET, format!("{within}/?match[id]={{id}}"), String::new()),
        (Method::DELETE, format!("{within}/{{id}}/"), String::new()),
        (Method::DELETE, "/api/v1/objects/{id}".to_owned(), String::new()),
        post("/api/v1/objects/{id}/judgements", r#"{"judgement":"confirmed","explanation":"e"}"#),
        post("/api/v1/objects/{id}/marking", r#"{"tlp":"red","reason":"r"}"#),
        post("/api/v1/recalls", r#"{"object":"{id}","reason":"r","deadline_hours":1}"#),
        post("/api/v1/release-requests", r#"{"object":"{id}","purpose":"own-defence","reason":"r"}"#),
        post("/api/v1/sameness", r#"{"one":"{id}","other":"{id}","same":true}"#),
        post("/events/restSearch", r#"{"uuid":"{uuid}"}"#),
        post("/attributes/restSearch", r#"{"uuid":"{uuid}"}"#),
        post("/sightings/add/{uuid}", "{}"),
        post("/sightings/listSightings", r#"{"id":"{uuid}","context":"attribute"}"#),
        post("/tags/attachTagToObject", r#"{"uuid":"{uuid}","tag":"a"}"#),
        post("/events/delete/{uuid}", "{}"),
        post("/attributes/delete/{uuid}", "{}"),
    ]
}

/// An answer without what names the request.
fn without_request(reply: &crate::support::Reply) -> String {
    let mut body: Value =
        serde_json::from_slice(&reply.body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&reply.body)));
    if let Some(fields) = body.as_object_mut() {
        for name in ["request", "request_id", "instance", "error_id", "as_of"] {
            fields.remove(name);
        }
    }
    // How many digits the moment of an answer has is chance, and so is its length.
    let is_said = |name: &str| !["date", "x-request-id", "content-length"].contains(&name);
    let headers = reply.headers.iter().filter(|(name, _)| is_said(name.as_str()));
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    format!("{} {body} {}", reply.status, headers.join("; "))
}
