//! People who work in one case room on three hubs, as their consoles do: each follows its hub's stream, writes, and reads the room again
//! when something came.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// The hubs, as they are called at each other.
const HUBS: [&str; 3] = ["national", "police", "region"];
/// Beside each hub's own: operators that take part there.
const OPERATORS: [&str; 2] = ["power", "water"];
/// Groups of organisations that entries are limited to.
const CIRCLES: usize = 8;
/// How long is waited for what is on its way.
const PATIENCE: Duration = Duration::from_secs(120);
/// A console reads the room again so long after something came, however much came meanwhile.
const READ_AFTER: Duration = Duration::from_millis(300);
/// What would be on its way to somebody else has come by then.
const QUIET: Duration = Duration::from_secs(2);

/// How much is done.
pub(crate) struct Load {
    /// People, over all hubs.
    pub(crate) people: usize,
    /// Entries a second, over all people.
    pub(crate) rate: u64,
    /// So long.
    pub(crate) seconds: u64,
    /// Whether everybody reads the room again as things come.
    pub(crate) reads: bool,
}

/// A running hub.
struct Hub {
    child: Child,
    data: String,
    address: String,
    token: String,
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody at a hub.
struct Person {
    /// Its organisation, by its place among all.
    organisation: usize,
    address: String,
    cookie: String,
    csrf: String,
    http: reqwest::Client,
    /// When each note came by the stream.
    heard: Mutex<HashMap<String, Instant>>,
    news: Notify,
    reads: Mutex<Vec<f64>>,
}

/// What was written.
struct Written {
    note: String,
    at: Instant,
    writer: usize,
    /// The organisations that it is for.
    to: BTreeSet<usize>,
}

/// An organisation: the hub that it is at, and what it is called there.
type Organisation = (usize, &'static str);

fn organisations() -> Vec<Organisation> {
    let of = |hub| [(hub, "coordinator"), (hub, OPERATORS[0]), (hub, OPERATORS[1])];
    (0..HUBS.len()).flat_map(of).collect()
}

fn program() -> Command {
    let tested = std::env::var_os("YAGURA_TESTED");
    let mut command = Command::new(tested.unwrap_or_else(|| env!("CARGO_BIN_EXE_yagura").into()));
    command.env("RUST_LOG", "error").env("LANG", "C.UTF-8");
    command
}

impl Hub {
    fn start(folder: &Path, name: &str, settings: &str) -> Self {
        let config = folder.join(format!("{name}.toml"));
        std::fs::write(&config, settings).unwrap();
        let data = folder.join(name).to_str().unwrap().to_owned();
        let mut command = program();
        command.args(["hub", "--json", "--listen", "127.0.0.1:0", "--data", &data, "--config"]).arg(&config);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self { child, data, address: text("address"), token: text("token") }
    }

    fn admin(&self, arguments: &[&str], input: &str) -> String {
        let mut command = program();
        command.args(["admin", "--data", &self.data]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{arguments:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn add_organisation(&self, name: &str, role: &str) {
        let mut arguments = vec!["org", "add", name, "--name-ja", name, "--name-en", name, "--role", role];
        if role == "operator" {
            arguments.extend(["--sector", "power"]);
        }
        self.admin(&arguments, "");
    }

    /// Suspends the link to a peer, or takes it up again.
    async fn link(&self, http: &reqwest::Client, peer: &str, cut: bool) {
        let url = format!("{}/api/v1/peers/{peer}", self.address);
        let body = json!({ "suspended": cut, "reason": "a measurement" });
        let answer = http.patch(url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn sign_in(&self, organisation: usize, name: &str, http: &reqwest::Client) -> Person {
        let login = format!("p-{}", uuid::Uuid::new_v4().simple());
        let added = ["user", "add", &login, "--name", &login, "--org", name, "--role", "duty_officer"];
        let link = self.admin(&added, "");
        let secret = link.split_once("#link=").unwrap().1.lines().next().unwrap().to_owned();
        let url = format!("{}/api/v1/session/link", self.address);
        let answer = http.post(url).json(&json!({ "link": secret })).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let session: Value = answer.json().await.unwrap();
        Person {
            organisation,
            address: self.address.clone(),
            cookie,
            csrf: session["csrf"].as_str().unwrap().to_owned(),
            http: http.clone(),
            heard: Mutex::default(),
            news: Notify::new(),
            reads: Mutex::default(),
        }
    }
}

impl Person {
    fn ask(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request
            .header("cookie", &self.cookie)
            .header("x-yagura-csrf", &self.csrf)
            .header("accept", "application/json")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.ask(self.http.get(format!("{}{path}", self.address)));
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.ask(self.http.post(format!("{}{path}", self.address))).json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status} {answer}");
        answer
    }

    /// The notes of a room that it is shown.
    async fn shown(&self, case: &str) -> BTreeSet<String> {
        let (status, room) = self.get(&format!("/api/v1/cases/{case}/room?limit=5000")).await;
        assert_eq!(status, 200, "{room}");
        let lines = room["timeline"].as_array().unwrap();
        let notes = lines.iter().filter(|line| line["says"]["says"] == "note");
        notes.map(|line| line["object"].as_str().unwrap().to_owned()).collect()
    }

    /// Follows the stream, and notes when what came.
    async fn follow(self: Arc<Self>) {
        let request = self.ask(self.http.get(format!("{}/api/v1/stream", self.address)));
        let mut stream = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(stream.status(), 200);
        let mut held = String::new();
        while let Ok(Some(part)) = stream.chunk().await {
            let now = Instant::now();
            held.push_str(&String::from_utf8_lossy(&part));
            while let Some((line, rest)) = held.split_once('\n') {
                if let Some(data) = line.strip_prefix("data:")
                    && let Ok(event) = serde_json::from_str::<Value>(data)
                    && event["object"]["object_type"] == "note"
                    && let Some(id) = event["object"]["id"].as_str()
                {
                    self.heard.lock().unwrap().entry(id.to_owned()).or_insert(now);
                    self.news.notify_one();
                }
                held = rest.to_owned();
            }
        }
    }

    /// Reads the room on a little after something came, as an open console does.
    async fn look(self: Arc<Self>, case: String) {
        let mut cursor = String::new();
        loop {
            self.news.notified().await;
            tokio::time::sleep(READ_AFTER).await;
            let begun = Instant::now();
            let (status, room) =
                self.get(&format!("/api/v1/cases/{case}/room?limit=200&known={cursor}")).await;
            assert_eq!(status, 200);
            self.reads.lock().unwrap().push(milliseconds(begun.elapsed()));
            room["cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        }
    }
}

/// Numbers that are the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Everything that is there before somebody writes.
struct Council {
    hubs: Vec<Hub>,
    people: Vec<Arc<Person>>,
    case: String,
    /// What each organisation is called in entries.
    names: Vec<String>,
    http: reqwest::Client,
}

fn runtime() -> tokio::runtime::Runtime {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn folder() -> tempfile::TempDir {
    // Not on a file system that is memory: what is durable has to reach a disk.
    tempfile::tempdir_in(std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned())).unwrap()
}

/// Policies by which other hubs' agencies are given TLP:AMBER, which a room's entries bear.
fn policies(folder: &Path) -> PathBuf {
    let own = folder.join("policies");
    std::fs::create_dir(&own).unwrap();
    for (file, text) in policy::Engine::built_in() {
        std::fs::write(own.join(file), text).unwrap();
    }
    let amber = "@id(\"peer-amber\")\npermit (principal is Yagura::Peer, action == Yagura::Action::\"read\", resource) \
         when { resource.tlp == Yagura::Tlp::\"amber\" && principal.organisation_role == Yagura::OrganisationRole::\"agency\" };\n";
    std::fs::write(own.join("peers.cedar"), amber).unwrap();
    own
}

impl Council {
    async fn new(folder: &Path, people: usize) -> Self {
        let settings = format!("policies = {:?}\n[federation]\nlisten = \"127.0.0.1:0\"\n", policies(folder));
        let hubs: Vec<Hub> = HUBS.iter().map(|name| Hub::start(folder, name, &settings)).collect();
        for (at, hub) in hubs.iter().enumerate() {
            OPERATORS.iter().for_each(|name| hub.add_organisation(name, "operator"));
            for (other, peer) in hubs.iter().enumerate().filter(|(other, _)| *other != at) {
                hub.add_organisation(HUBS[other], "agency");
                let card = peer.admin(&["peer", "card"], "");
                hub.admin(&["peer", "add", "-", "--org", HUBS[other]], &card);
            }
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let all = organisations();
        let mut signed = Vec::new();
        for number in 0..people.max(all.len()) {
            let (hub, name) = all[number % all.len()];
            signed.push(Arc::new(hubs[hub].sign_in(number % all.len(), name, &http).await));
        }
        let mut council = Self { hubs, people: signed, case: String::new(), names: Vec::new(), http };
        let new = json!({ "title": "浄水場への侵入", "severity": 3 });
        let case = council.people[0].post("/api/v1/cases", &new).await;
        council.case = case["summary"]["id"].as_str().unwrap().to_owned();
        for organisation in 0..all.len() {
            let name = council.name(organisation).await;
            council.names.push(name);
        }
        council
    }

    /// What an organisation is called in entries, as its first person is told once the case is there.
    async fn name(&self, organisation: usize) -> String {
        let path = format!("/api/v1/cases/{}/room", self.case);
        let begun = Instant::now();
        loop {
            let (status, room) = self.people[organisation].get(&path).await;
            if status == 200 {
                return room["you"]["organisation"].as_str().unwrap().to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "the case does not come: {status}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Groups of organisations. Where somebody of another hub is in it, that hub is, too: it is what an entry travels to.
    fn circles(&self, dice: &mut Dice) -> Vec<BTreeSet<usize>> {
        let all = organisations();
        let draw = |_| {
            let drawn = (0..all.len()).filter(|_| dice.below(3) == 0).collect::<Vec<_>>();
            let hubs = drawn.iter().map(|one| all[*one].0 * 3).collect::<Vec<_>>();
            drawn.into_iter().chain(hubs).collect()
        };
        (0..CIRCLES).map(draw).collect()
    }

    /// Somebody writes for whomever chance has it.
    async fn write(&self, number: usize, writer: usize, circle: Option<&BTreeSet<usize>>) -> Written {
        let person = &self.people[writer];
        let mut label = json!({ "tlp": "amber" });
        let mut to: BTreeSet<usize> = (0..self.names.len()).collect();
        if let Some(circle) = circle {
            to = circle.iter().copied().chain([person.organisation]).collect();
            label["only"] = to.iter().map(|one| json!(self.names[*one])).collect();
        }
        let entry = json!({ "says": "note", "text": format!("記載 {number}: 遠隔監視の端末で見慣れない接続を確認した。") });
        let body = json!({ "key": uuid::Uuid::new_v4(), "label": label, "entry": entry });
        let at = Instant::now();
        let taken = person.post(&format!("/api/v1/cases/{}/room", self.case), &body).await;
        Written { note: taken["object"].as_str().unwrap().to_owned(), at, writer, to }
    }

    /// Everybody writes, one after the other, at a rate.
    async fn all_write(
        self: &Arc<Self>,
        dice: &mut Dice,
        circles: &Arc<Vec<BTreeSet<usize>>>,
        (rate, seconds): (u64, u64),
    ) -> Vec<Written> {
        let mut clock = tokio::time::interval(Duration::from_micros(1_000_000 / rate));
        let mut writing = JoinSet::new();
        for number in 0..usize::try_from(rate * seconds).unwrap() {
            clock.tick().await;
            let (council, circles) = (Arc::clone(self), Arc::clone(circles));
            let (writer, choice) = (dice.below(self.people.len()), dice.below(2 * (CIRCLES + 1)));
            writing.spawn(async move {
                let side = BTreeSet::new();
                let circle = match choice {
                    0 => Some(&side),
                    other => circles.get(other - 1),
                };
                council.write(number, writer, circle).await
            });
        }
        let mut written = Vec::new();
        while let Some(done) = writing.join_next().await {
            written.push(done.unwrap());
        }
        written
    }

    /// Waits until everybody heard what is for them; gives by entry how long it took until the last one had it, and all delays.
    async fn heard(&self, written: &[Written]) -> (Vec<f64>, Vec<f64>) {
        let begun = Instant::now();
        loop {
            let missing = self.missing(written);
            if missing.is_none() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not come: {missing:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (mut everywhere, mut each) = (Vec::new(), Vec::new());
        let heard: Vec<HashMap<String, Instant>> =
            self.people.iter().map(|person| person.heard.lock().unwrap().clone()).collect();
        for one in written {
            let to =
                self.people.iter().zip(&heard).filter(|(person, _)| one.to.contains(&person.organisation));
            let delays: Vec<f64> = to
                .map(|(_, heard)| milliseconds(heard[&one.note].saturating_duration_since(one.at)))
                .collect();
            everywhere.push(delays.iter().copied().fold(0.0, f64::max));
            each.extend(delays);
        }
        (everywhere, each)
    }

    /// A note that somebody lacks, and who.
    fn missing(&self, written: &[Written]) -> Option<(String, usize)> {
        self.people.iter().enumerate().find_map(|(number, person)| {
            let heard = person.heard.lock().unwrap();
            let lacks = written
                .iter()
                .find(|one| one.to.contains(&person.organisation) && !heard.contains_key(&one.note));
            lacks.map(|one| (one.note.clone(), number))
        })
    }

    /// The obvious model: everybody has what is for its organisation, and nothing else, by the stream and in the room.
    async fn check(&self, written: &[Written]) {
        for (number, person) in self.people.iter().enumerate() {
            let for_them = written.iter().filter(|one| one.to.contains(&person.organisation));
            let expected: BTreeSet<String> = for_them.map(|one| one.note.clone()).collect();
            let heard: BTreeSet<String> = person.heard.lock().unwrap().keys().cloned().collect();
            let stray: Vec<_> = heard.difference(&expected).take(3).collect();
            assert!(stray.is_empty(), "person {number} heard what is for others: {stray:?}");
            let shown = person.shown(&self.case).await;
            assert!(
                shown == expected,
                "person {number} is shown {} notes, and {} are for them; for others: {:?}",
                shown.len(),
                expected.len(),
                shown.difference(&expected).take(3).collect::<Vec<_>>()
            );
        }
    }
}

/// People of nine organisations at three hubs write into one room: undisturbed, then while links are cut. Prints how long things took, and
/// fails where a copy lacks something or somebody was told what is for others; never for a time.
pub(crate) fn work_together(load: &Load) {
    let folder = folder();
    runtime().block_on(async {
        let council = Arc::new(Council::new(folder.path(), load.people).await);
        let mut dice = Dice(20_261_130);
        let circles = Arc::new(council.circles(&mut dice));
        let mut background = JoinSet::new();
        for person in &council.people {
            background.spawn(Arc::clone(person).follow());
            if load.reads {
                background.spawn(Arc::clone(person).look(council.case.clone()));
            }
        }
        // Streams come up.
        tokio::time::sleep(Duration::from_secs(2)).await;
        println!(
            "{} people of {} organisations on 3 hubs, {} entries a second for {} s, {}",
            council.people.len(),
            council.names.len(),
            load.rate,
            load.seconds,
            if load.reads { "everybody reading the room again as things come" } else { "nobody reading it again" }
        );
        let mut written = council.all_write(&mut dice, &circles, (load.rate, load.seconds)).await;
        let (everywhere, each) = council.heard(&written).await;
        let (new, known) = by_group(&written, &everywhere);
        tell("entry → everybody who may see it has it", everywhere);
        tell("  the first for its group of organisations", new);
        tell("  others", known);
        tell("entry → each of them has it", each);
        let reads = council.people.iter().flat_map(|person| std::mem::take(&mut *person.reads.lock().unwrap()));
        tell("the room read again", reads.collect());
        let cut = cuts(&council, &mut dice, &circles, load).await;
        written.extend(cut);
        tokio::time::sleep(QUIET).await;
        council.check(&written).await;
        let writers: BTreeSet<usize> = written.iter().map(|one| one.writer).collect();
        println!(
            "{} entries by {} people: every copy is as its reader's label says, nothing more and nothing less",
            written.len(),
            writers.len()
        );
        background.abort_all();
    });
}

/// Delays of the entries that are the first for their group of organisations, and of the others.
fn by_group(written: &[Written], delays: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut in_order: Vec<(&Written, f64)> = written.iter().zip(delays.iter().copied()).collect();
    in_order.sort_by_key(|(one, _)| one.at);
    let mut known = BTreeSet::new();
    let (new, others): (Vec<_>, Vec<_>) = in_order.into_iter().partition(|(one, _)| known.insert(&one.to));
    let delays = |entries: Vec<(&Written, f64)>| entries.into_iter().map(|(_, delay)| delay).collect();
    (delays(new), delays(others))
}

/// Everybody goes on while links are cut by chance, and mended at the end.
async fn cuts(
    council: &Arc<Council>,
    dice: &mut Dice,
    circles: &Arc<Vec<BTreeSet<usize>>>,
    load: &Load,
) -> Vec<Written> {
    let mut written = Vec::new();
    for _ in 0..3 {
        let (at, other) = (dice.below(3), dice.below(3));
        if at != other {
            council.hubs[at].link(&council.http, HUBS[other], true).await;
        }
        written.extend(council.all_write(dice, circles, (load.rate, load.seconds.div_ceil(6))).await);
    }
    for (at, hub) in council.hubs.iter().enumerate() {
        for other in (0..HUBS.len()).filter(|other| *other != at) {
            hub.link(&council.http, HUBS[other], false).await;
        }
    }
    let mended = Instant::now();
    council.heard(&written).await;
    println!(
        "links mended → every copy has the {} entries of meanwhile: {:.0} ms",
        written.len(),
        milliseconds(mended.elapsed())
    );
    written
}

/// A room of so many entries: how long it takes to read and to write.
pub(crate) fn grow(entries: usize) {
    let folder = folder();
    runtime().block_on(async {
        let hub = Hub::start(folder.path(), "alone", "");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        hub.add_organisation("power", "operator");
        let writer = hub.sign_in(0, "coordinator", &http).await;
        let reader = hub.sign_in(1, "power", &http).await;
        let new = json!({ "title": "侵入", "severity": 3 });
        let case = writer.post("/api/v1/cases", &new).await["summary"]["id"].as_str().unwrap().to_owned();
        for first in (0..entries).step_by(100) {
            let batch = (first..(first + 100).min(entries)).map(|number| {
                json!({ "case": case, "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" },
                    "entry": { "says": "note", "text": format!("記載 {number}: 遠隔監視の端末で見慣れない接続を確認した。") } })
            });
            writer.post("/api/v1/rooms/entries", &json!({ "entries": batch.collect::<Vec<_>>() })).await;
        }
        let path = format!("/api/v1/cases/{case}/room");
        let read = async |person: &Person| {
            let begun = Instant::now();
            let (status, room) = person.get(&format!("{path}?limit=200")).await;
            assert_eq!((status, room["lines"].as_u64()), (200, u64::try_from(entries).ok()));
            milliseconds(begun.elapsed())
        };
        let first = read(&reader).await;
        let mut reads = Vec::new();
        for _ in 0..20 {
            reads.push(read(&reader).await);
        }
        println!("a room of {entries} entries: first read by somebody {first:.1} ms");
        tell("read again, nothing new", reads);
        let (mut writes, mut after) = (Vec::new(), Vec::new());
        for number in 0..20 {
            let body = json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" },
                "entry": { "says": "note", "text": format!("あと {number}") } });
            let begun = Instant::now();
            writer.post(&path, &body).await;
            writes.push(milliseconds(begun.elapsed()));
            let begun = Instant::now();
            assert_eq!(reader.get(&format!("{path}?limit=200")).await.0, 200);
            after.push(milliseconds(begun.elapsed()));
        }
        tell("one entry written", writes);
        tell("read after one entry", after);
    });
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn tell(what: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    let at = |part: usize| figures.get((figures.len() * part / 1000).min(figures.len().saturating_sub(1)));
    let [p50, p99, worst] = [500, 990, 1000].map(|part| at(part).copied().unwrap_or(f64::NAN));
    println!(
        "{what:<44} p50 {p50:>8.1} ms   p99 {p99:>8.1} ms   worst {worst:>8.1} ms   of {}",
        figures.len()
    );
}
