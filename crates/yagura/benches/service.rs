//! The running program against limits measured in the same run: durable ingest and pages through TAXII (server CPU seconds, beside
//! raw batched SQLite inserts of the same bytes and, where it is installed, medallion), publish → active at an edge, memory at rest,
//! start to first page.
//!
//! `cargo bench -p yagura --bench service -- [OBJECTS]` (100,000 unless told). `YAGURA_MEDALLION=<path of medallion>` adds medallion.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark prints, and ends where something is wrong"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const BATCH: usize = 1000;
const MEDIA: &str = "application/taxii+json;version=2.1";

fn main() {
    let objects: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(100_000);
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lines: Vec<String> = (0..objects).map(indicator).collect();
    let bytes: usize = lines.iter().map(String::len).sum();
    println!("{objects} indicators, {} B each, batches and pages of {BATCH}", bytes / objects);
    let limit = raw_inserts(&lines);
    println!("limit: raw SQLite inserts            {limit:>9.0} objects per CPU-second");
    runtime.block_on(async {
        let hub = Hub::start();
        println!("hub at rest                          {:>9.1} MiB resident", resident_mib(hub.child.id()));
        exchange(&hub, &lines, limit).await;
        println!("hub after {objects} objects          {:>9.1} MiB resident", resident_mib(hub.child.id()));
        drop(hub);
        medallion(&lines).await;
        publish_to_active().await;
        first_page().await;
    });
}

/// A running hub in a folder of its own.
struct Hub {
    child: Child,
    folder: tempfile::TempDir,
    address: String,
    objects: String,
    token: String,
}

impl Hub {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("hub");
        let (child, ready) =
            start(&["hub", "--json", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let objects =
            format!("{}{}collections/{}/objects/", text("address"), text("api_root"), text("collection"));
        std::thread::sleep(Duration::from_secs(3));
        Self { child, folder, address: text("address"), objects, token: text("token") }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_yagura"))
        .args(arguments)
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// Posts everything, then reads everything, and counts what the server's processor did.
async fn exchange(hub: &Hub, lines: &[String], limit: f64) {
    let client = reqwest::Client::new();
    let before = cpu_seconds(hub.child.id());
    let begun = Instant::now();
    for batch in lines.chunks(BATCH) {
        let answer = client
            .post(&hub.objects)
            .bearer_auth(&hub.token)
            .header("Accept", MEDIA)
            .header("Content-Type", MEDIA)
            .body(format!("{{\"objects\":[{}]}}", batch.join(",")))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202);
        let status: Value = answer.json().await.unwrap();
        assert_eq!(status["success_count"], batch.len(), "{status}");
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds(hub.child.id()) - before);
    let rate = lines.len() as f64 / cpu;
    println!(
        "in through TAXII, durable            {rate:>9.0} objects per CPU-second, {:.2} of the limit ({wall:.1} s wall)",
        rate / limit
    );
    let before = cpu_seconds(hub.child.id());
    let begun = Instant::now();
    let pages = read_all(&client, &hub.objects, |r| r.bearer_auth(&hub.token)).await;
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds(hub.child.id()) - before);
    assert!(pages.objects >= lines.len());
    println!(
        "out through TAXII                    {:>9.0} objects per CPU-second ({wall:.1} s wall)",
        pages.objects as f64 / cpu
    );
    println!(
        "page of {BATCH}: first {:.1} ms, median {:.1} ms, last {:.1} ms",
        pages.first, pages.median, pages.last
    );
}

struct Pages {
    objects: usize,
    first: f64,
    median: f64,
    last: f64,
}

async fn read_all(
    client: &reqwest::Client,
    url: &str,
    sign: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Pages {
    let (mut objects, mut next, mut times) = (0, String::new(), Vec::new());
    loop {
        let begun = Instant::now();
        let answer = sign(client.get(format!("{url}?limit={BATCH}{next}")))
            .header("Accept", MEDIA)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let page = answer.bytes().await.unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        let page: Value = serde_json::from_slice(&page).unwrap();
        objects += page["objects"].as_array().map_or(0, Vec::len);
        if page["more"] != true {
            break;
        }
        next = format!("&next={}", page["next"].as_str().unwrap());
    }
    let (first, last) = (times[0], times[times.len() - 1]);
    times.sort_by(f64::total_cmp);
    Pages { objects, first, median: times[times.len() / 2], last }
}

/// The same bytes into one table with three secondary indexes, 1,000 rows in a durable transaction, with the hub's own pragmas.
fn raw_inserts(lines: &[String]) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = rusqlite::Connection::open(folder.path().join("limit.sqlite")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 20_000).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE o (seq INTEGER PRIMARY KEY, id TEXT, version TEXT, label INTEGER, added INTEGER, body BLOB);
             CREATE UNIQUE INDEX o_id ON o (id, version); CREATE INDEX o_added ON o (added); CREATE INDEX o_label ON o (label, added);",
        )
        .unwrap();
    let before = cpu_seconds(std::process::id());
    for (number, batch) in lines.chunks(BATCH).enumerate() {
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO o (id, version, label, added, body) VALUES (?1, ?2, ?3, ?4, ?5)")
                .unwrap();
            for (index, line) in batch.iter().enumerate() {
                let added = (number * BATCH + index) as i64;
                insert
                    .execute((&line[43..90], "2026-01-01T00:00:00", added % 5, added, line.as_bytes()))
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    lines.len() as f64 / (cpu_seconds(std::process::id()) - before)
}

/// The OASIS reference server, with few objects: its first page takes time by the square of their number.
async fn medallion(lines: &[String]) {
    const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
    let Some(program) = std::env::var_os("YAGURA_MEDALLION") else {
        println!("medallion: not measured (YAGURA_MEDALLION does not name it)");
        return;
    };
    let lines = &lines[..lines.len().min(2_000)];
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let data = json!({
        "/discovery": { "title": "bench", "default": format!("{base}/r1/"), "api_roots": [format!("{base}/r1/")] },
        "r1": {
            "information": { "title": "bench", "versions": [MEDIA], "max_content_length": 209_715_200 }, "status": [],
            "collections": [{ "id": COLLECTION, "title": "bench", "can_read": true, "can_write": true,
                "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [] }],
        },
    });
    let config = json!({
        "backend": { "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": folder.path().join("data.json") },
        "users": { "admin": "admin" }, "taxii": { "max_page_size": 10_000 },
    });
    std::fs::write(folder.path().join("data.json"), data.to_string()).unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let mut child = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--log-level", "ERROR"])
        .arg(folder.path().join("config.json"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let client = reqwest::Client::new();
    while client.get(&base).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let url = format!("{base}/r1/collections/{COLLECTION}/objects/");
    let before = cpu_seconds(child.id());
    for batch in lines.chunks(BATCH) {
        let body = format!("{{\"objects\":[{}]}}", batch.join(","));
        let request = client
            .post(&url)
            .basic_auth("admin", Some("admin"))
            .header("Accept", MEDIA)
            .header("Content-Type", MEDIA);
        assert_eq!(request.body(body).send().await.unwrap().status(), 202);
    }
    let (read_from, count) = (cpu_seconds(child.id()), lines.len() as f64);
    read_all(&client, &url, |r| r.basic_auth("admin", Some("admin"))).await;
    let (into, out) = (count / (read_from - before), count / (cpu_seconds(child.id()) - read_from));
    println!("medallion, {count} objects in memory: {into:.0} in, {out:.0} out, objects per CPU-second");
    let _ = child.kill();
    let _ = child.wait();
}

/// From the POST of one indicator to the edge matching with it.
async fn publish_to_active() {
    let hub = Hub::start();
    let administer = |arguments: &[&str]| {
        let data = hub.folder.path().join("hub");
        let done = Command::new(env!("CARGO_BIN_EXE_yagura"))
            .args(["admin", "--data"])
            .arg(data)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    administer(&[
        "org",
        "add",
        "bench-operator",
        "--name-ja",
        "計測",
        "--name-en",
        "bench",
        "--role",
        "operator",
        "--sector",
        "power",
    ]);
    let token = administer(&["edge", "add", "bench-edge", "--org", "bench-operator", "--name", "bench"]);
    let file = hub.folder.path().join("edge.toml");
    let data = hub.folder.path().join("edge");
    let config = format!(
        "id = \"bench-edge\"\ndata = {data:?}\n[hub]\nurl = \"{}\"\ntoken = \"{token}\"\n",
        hub.address
    );
    std::fs::write(&file, config).unwrap();
    rest_of_edge(&file);
    let edge = edge::start(edge::Config::read(&file).unwrap()).await.unwrap();
    let client = reqwest::Client::new();
    let mut delays = Vec::new();
    for number in 0..300 {
        let body = format!("{{\"objects\":[{}]}}", indicator_marked_green(number));
        let begun = Instant::now();
        let answer = client
            .post(format!("{}/api/v1/objects", hub.address))
            .bearer_auth(&hub.token)
            .header("Content-Type", "application/json")
            .body(body);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        let sequence = answer["sequence"].as_i64().unwrap();
        while edge.generation() < sequence {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        delays.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    delays.sort_by(f64::total_cmp);
    println!(
        "POST of an indicator → active in an edge: p50 {:.1} ms, p99 {:.1} ms (300 times)",
        delays[150], delays[297]
    );
    edge.stop().await;
}

fn rest_of_edge(config: &Path) {
    let (mut child, _) = start(&["edge", "--json", "--config", config.to_str().unwrap()]);
    std::thread::sleep(Duration::from_secs(3));
    println!("edge at rest                         {:>9.1} MiB resident", resident_mib(child.id()));
    let _ = child.kill();
    let _ = child.wait();
}

/// From the start of the program to the console's page.
async fn first_page() {
    let begun = Instant::now();
    let (mut child, ready) = start(&["demo", "--json", "--listen", "127.0.0.1:0"]);
    let page = reqwest::Client::new()
        .get(ready["address"].as_str().unwrap())
        .header("Accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    page.bytes().await.unwrap();
    println!("yagura demo: start to first page     {:>9.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}

/// An indicator of about 870 bytes, as feeds send them.
fn indicator(number: usize) -> String {
    let tlp = [
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    ][number % 5];
    marked(number, tlp)
}

fn indicator_marked_green(number: usize) -> String {
    marked(number, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb")
}

fn marked(number: usize, tlp: &str) -> String {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &number.to_be_bytes());
    let creator = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &(number % 40).to_be_bytes());
    let (value, pattern) = match number % 10 {
        0..=3 => {
            let value = format!(
                "{}.{}.{}.{}",
                11 + number % 180,
                number / 65_536 % 256,
                number / 256 % 256,
                number % 256
            );
            (value.clone(), format!("[ipv4-addr:value = '{value}']"))
        }
        4..=6 => {
            let value = format!("update-login{number:x}.example");
            (value.clone(), format!("[domain-name:value = '{value}']"))
        }
        7 => {
            let value = format!("http://cdn{number:x}.example.net/static/{number}");
            (value.clone(), format!("[url:value = '{value}']"))
        }
        _ => {
            let value = format!("{}{}", id.simple(), creator.simple());
            (value.clone(), format!("[file:hashes.'SHA-256' = '{value}']"))
        }
    };
    let time = format!(
        "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        1 + number % 9,
        1 + number % 28,
        number % 24,
        number % 60,
        number * 7 % 60,
        number % 1000
    );
    json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{id}"), "created_by_ref": format!("identity--{creator}"),
        "created": time, "modified": time, "name": format!("C2 {value}"),
        "description": "Observed as command-and-control or delivery infrastructure in sector telemetry.",
        "indicator_types": ["malicious-activity"], "pattern": pattern, "pattern_type": "stix", "pattern_version": "2.1",
        "valid_from": time, "confidence": 30 + number % 70, "labels": ["c2", "ransomware"],
        "kill_chain_phases": [{ "kill_chain_name": "mitre-attack", "phase_name": "command-and-control" }],
        "object_marking_refs": [tlp],
        "external_references": [{ "source_name": "feed", "url": format!("https://feed.example/ioc/{number}") }],
    })
    .to_string()
}

/// Processor time of a process so far, user and system.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
