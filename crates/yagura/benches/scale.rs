//! Many objects through a running hub: in and out through TAXII, pages, search, bytes and memory, beside a limit measured in the same
//! run: what the same database takes in of the same bytes by itself ([`limits`]).
//!
//! `cargo bench -p yagura --bench scale -- [OBJECTS] [OBJECTS TO A REQUEST] [postgres]` (100,000 and 1,000 unless told, SQLite unless
//! told), for two shapes of objects: indicators as feeds send them, and ATT&CK's objects under new identifiers (needs
//! `YAGURA_CORPUS`). On PostgreSQL the processor time is that of the hub and of the database's server together.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark prints, and ends where something is wrong"
)]

mod limits;
#[expect(dead_code, reason = "it serves other benchmarks, too")]
mod running;
#[path = "../../store/tests/suite/server.rs"]
#[expect(dead_code, reason = "what is measured does not crash; the rest is of tests")]
mod server;

use std::time::Instant;

use running::{Hub, MEDIA, indicator, marked};
use serde_json::Value;

/// Objects made at a time: making them is not measured.
const CHUNK: usize = 10_000;
/// Objects at which the first measurements of pages and searches are made, to compare those at the end with.
const EARLY: usize = 10_000;
/// Pages and searches measured at a time.
const ASKED: usize = 500;
/// Objects that are put in one by one.
const SINGLE: usize = 1_000;
const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";

fn main() {
    // The client asks for one, whatever the address begins with.
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let mut told = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (objects, batch) = (told.next().unwrap_or(100_000), told.next().unwrap_or(1_000));
    let on_server = std::env::args().any(|argument| argument == "postgres");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for shape in [Shape::indicators(), Shape::attack()] {
        let Some(shape) = shape else {
            eprintln!("SKIPPED: ATT&CK-shaped objects need YAGURA_CORPUS");
            continue;
        };
        println!("-- {objects} objects, {}; {batch} to a request", shape.name);
        let server = on_server.then(|| server::Server::start_with(&DURABLE).unwrap());
        let limit = match &server {
            Some(server) => limits::copies(server, &shape, objects),
            None => limits::inserts(&shape, objects),
        };
        println!("limit: what the database takes in  {limit:>9.0} objects per CPU-second");
        let node =
            Node { hub: Hub::start_on(server.as_ref().map(server::Server::address).as_deref()), server };
        runtime.block_on(exchange(&node, &shape, objects, batch, limit));
    }
}

/// Of a server that keeps what it acknowledges, as an operator would set it up.
const DURABLE: [&str; 3] = ["fsync=on", "shared_buffers=256MB", "max_wal_size=4GB"];

/// The hub, and the server of its database where it has one.
struct Node {
    hub: Hub,
    server: Option<server::Server>,
}

impl Node {
    /// Processor time of both.
    fn cpu_seconds(&self) -> f64 {
        self.hub.cpu_seconds() + self.server.as_ref().map_or(0.0, limits::cpu_seconds_of_server)
    }

    /// Bytes on disk of both.
    fn bytes(&self) -> u64 {
        let server = self.server.as_ref().map_or(0, |server| folder_bytes(&server.folder().join("data")));
        folder_bytes(&self.hub.folder.path().join("hub")) + server
    }
}

/// What the objects are like, and what is searched for among them.
struct Shape {
    name: &'static str,
    /// Identifier and text of each, to be repeated under new identifiers; none: indicators.
    templates: Vec<(String, String)>,
    searches: Vec<String>,
}

impl Shape {
    #[expect(clippy::unnecessary_wraps, reason = "the other shape may be missing")]
    fn indicators() -> Option<Self> {
        // A value of one, a beginning of some, a word of all.
        let searches = (0..ASKED).map(|number| match number % 3 {
            0 => format!("update-login{:x}.example", number * 10 + 4),
            1 => format!("cdn{number:x}"),
            _ => "delivery infrastructure".to_owned(),
        });
        Some(Self { name: "indicators", templates: Vec::new(), searches: searches.collect() })
    }

    fn attack() -> Option<Self> {
        let corpus = std::path::PathBuf::from(std::env::var_os("YAGURA_CORPUS")?);
        let file = corpus.join("stix/attack-enterprise-derived/enterprise-attack-stix21-derived.json");
        let text = bytes::Bytes::from(std::fs::read(file).unwrap());
        let members = stix::bundle::split(&text).unwrap();
        let mut templates = Vec::new();
        let mut searches = Vec::new();
        for object in members.into_iter().map(|member| stix::Object::parse(member).unwrap()) {
            if object.object_type() == "marking-definition" {
                continue;
            }
            if let Some(name) = object.text("name").filter(|_| searches.len() < ASKED) {
                searches.push(name.to_owned());
            }
            let text = String::from_utf8(object.bytes().to_vec()).unwrap();
            templates.push((object.id().to_string(), text));
        }
        Some(Self { name: "ATT&CK-shaped", templates, searches })
    }

    /// The identifier and the text of an object.
    fn object(&self, number: usize) -> (String, String) {
        if self.templates.is_empty() {
            let text = indicator(number);
            let place = text.find("indicator--").unwrap();
            return (text[place..place + 47].to_owned(), text);
        }
        let (id, text) = &self.templates[number % self.templates.len()];
        let uuid = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, &number.to_be_bytes());
        let own = format!("{}--{uuid}", id.split_once("--").unwrap().0);
        let text = text.replace(id.as_str(), &own);
        (own, text)
    }

    fn chunk(&self, from: usize, to: usize) -> Vec<(String, String)> {
        (from..to).map(|number| self.object(number)).collect()
    }
}

async fn exchange(node: &Node, shape: &Shape, objects: usize, batch: usize, limit: f64) {
    let hub = &node.hub;
    let client = reqwest::Client::new();
    println!("hub at rest                        {:>9.1} MiB resident", hub.resident_mib());
    let at_rest = hub.resident_mib();
    let (mut cpu, mut wall, mut bytes, mut done) = (0.0, 0.0, 0, 0);
    let mut early = None;
    while done < objects {
        let to = objects.min(done + CHUNK.max(batch));
        let chunk = shape.chunk(done, to);
        let (before, begun) = (node.cpu_seconds(), Instant::now());
        for batch in chunk.chunks(batch) {
            bytes += batch.iter().map(|(_, text)| text.len()).sum::<usize>();
            post(hub, &client, batch).await;
        }
        cpu += node.cpu_seconds() - before;
        wall += begun.elapsed().as_secs_f64();
        done = to;
        if done >= EARLY && early.is_none() && done < objects {
            early = Some((pages(hub, &client).await, searches(hub, &client, shape).await));
        }
    }
    let rate = objects as f64 / cpu;
    println!(
        "in through TAXII, durable          {rate:>9.0} objects per CPU-second, {:.2} of the limit ({cpu:.1} CPU-s, {wall:.1} s wall, {} B an object)",
        rate / limit,
        bytes / objects
    );
    println!(
        "resident after that                {:>9.1} MiB, {:.0} B an object; on disk {:.0} B an object",
        hub.resident_mib(),
        (hub.resident_mib() - at_rest) * 1_048_576.0 / objects as f64,
        node.bytes() as f64 / objects as f64
    );
    out(node, &client, objects).await;
    let late = (pages(hub, &client).await, searches(hub, &client, shape).await);
    for (what, early, late) in [
        ("page of 100, anywhere", early.as_ref().map(|early| &early.0), &late.0),
        ("search, 50 hits", early.as_ref().map(|early| &early.1), &late.1),
    ] {
        let growth = early.map(|early| {
            format!(
                "; at {EARLY}: p50 {:.2}, p99 {:.2}; growth of p50 {:.2}",
                early.p50,
                early.p99,
                late.p50 / early.p50
            )
        });
        println!("{what:<34} p50 {:.2} ms, p99 {:.2} ms{}", late.p50, late.p99, growth.unwrap_or_default());
    }
    let publish = one_by_one(hub, &client).await;
    println!(
        "one object in, until acknowledged  p50 {:.2} ms, p99 {:.2} ms, worst of {SINGLE} {:.2} ms",
        publish.p50, publish.p99, publish.worst
    );
    println!("resident at the end                {:>9.1} MiB", hub.resident_mib());
}

async fn post(hub: &Hub, client: &reqwest::Client, batch: &[(String, String)]) {
    let mut body = String::from("{\"objects\":[");
    for (place, (_, text)) in batch.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        body.push_str(text);
    }
    body.push_str("]}");
    let request = client.post(&hub.objects).bearer_auth(&hub.token).header("Accept", MEDIA);
    let answer = request.header("Content-Type", MEDIA).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let status: Value = answer.json().await.unwrap();
    assert_eq!(status["success_count"], batch.len(), "{}", status["failures"][0]);
}

async fn get(
    hub: &Hub,
    client: &reqwest::Client,
    url: &str,
    accept: &str,
) -> (f64, reqwest::header::HeaderMap, bytes::Bytes) {
    let begun = Instant::now();
    let answer = client.get(url).bearer_auth(&hub.token).header("Accept", accept).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    let headers = answer.headers().clone();
    let body = answer.bytes().await.unwrap();
    (begun.elapsed().as_secs_f64() * 1e3, headers, body)
}

/// Reads everything, 1,000 to a page.
async fn out(node: &Node, client: &reqwest::Client, objects: usize) {
    let (hub, before, begun) = (&node.hub, node.cpu_seconds(), Instant::now());
    let (mut read, mut next) = (0, String::new());
    loop {
        let (_, _, body) = get(hub, client, &format!("{}?limit=1000{next}", hub.objects), MEDIA).await;
        let page: Value = serde_json::from_slice(&body).unwrap();
        read += page["objects"].as_array().map_or(0, Vec::len);
        if page["more"] != true {
            break;
        }
        next = format!("&next={}", page["next"].as_str().unwrap());
    }
    let (cpu, wall) = (node.cpu_seconds() - before, begun.elapsed().as_secs_f64());
    assert!(read >= objects);
    println!(
        "out through TAXII                  {:>9.0} objects per CPU-second ({cpu:.1} CPU-s, {wall:.1} s wall)",
        read as f64 / cpu
    );
}

struct Times {
    p50: f64,
    p99: f64,
    worst: f64,
}

impl Times {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self {
            p50: times[times.len() / 2],
            p99: times[times.len() * 99 / 100],
            worst: times[times.len() - 1],
        }
    }
}

/// Pages of 100 that begin anywhere between the first and the last object.
async fn pages(hub: &Hub, client: &reqwest::Client) -> Times {
    let first = format!("{}?limit=1", hub.objects);
    let (_, headers, _) = get(hub, client, &first, MEDIA).await;
    let begin: jiff::Timestamp = headers["x-taxii-date-added-first"].to_str().unwrap().parse().unwrap();
    let end = jiff::Timestamp::now();
    let span = end.as_microsecond() - begin.as_microsecond();
    let mut times = Vec::new();
    for number in 0..ASKED as i64 {
        // Far enough from the end that a page is full.
        let at = begin.as_microsecond() + span / 100 * 95 / ASKED as i64 * (number * 7919 % ASKED as i64);
        let at = jiff::Timestamp::from_microsecond(at).unwrap();
        times
            .push(get(hub, client, &format!("{}?limit=100&added_after={at:.6}", hub.objects), MEDIA).await.0);
    }
    Times::of(times)
}

async fn searches(hub: &Hub, client: &reqwest::Client, shape: &Shape) -> Times {
    let mut times = Vec::new();
    for words in &shape.searches {
        let mut url = url::Url::parse(&hub.address).unwrap().join("/api/v1/objects").unwrap();
        url.query_pairs_mut().append_pair("query", words).append_pair("limit", "50");
        times.push(get(hub, client, url.as_str(), "application/json").await.0);
    }
    Times::of(times)
}

/// One object at a time beside everything that is there.
async fn one_by_one(hub: &Hub, client: &reqwest::Client) -> Times {
    let mut times = Vec::new();
    for _ in 0..SINGLE {
        let number =
            1_000_000_000 + usize::try_from(jiff::Timestamp::now().as_microsecond() % 1_000_000_000).unwrap();
        let begun = Instant::now();
        post(hub, client, &[(String::new(), marked(number, GREEN))]).await;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Times::of(times)
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            if about.is_dir() { folder_bytes(&entry.path()) } else { about.len() }
        })
        .sum()
}
