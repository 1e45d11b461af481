//! Three hubs as each other's peers: the time from the `POST` at one of them until the open console stream of another one shows the
//! object, beside the time until the first hub's own stream does.
//!
//! `cargo bench -p yagura --bench federation -- [SECONDS] [OBJECTS_PER_SECOND]` (20 and 200 unless told).

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends where something is wrong"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

const NAMES: [&str; 3] = ["national", "agency", "partner"];
const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
/// How long is waited for the last objects.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running hub.
struct Hub {
    name: &'static str,
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

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let (seconds, rate) = (numbers.next().unwrap_or(20), numbers.next().unwrap_or(200));
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hubs = NAMES.map(|name| start(folder.path(), name));
    for at in &hubs {
        for other in hubs.iter().filter(|other| other.name != at.name) {
            at.knows(other);
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(measure(&hubs, seconds, rate));
}

fn start(folder: &Path, name: &'static str) -> Hub {
    let config = folder.join(format!("{name}.toml"));
    std::fs::write(&config, "[federation]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let data = folder.join(name).to_str().unwrap().to_owned();
    let mut child = Command::new(env!("CARGO_BIN_EXE_yagura"))
        .args(["hub", "--json", "--listen", "127.0.0.1:0", "--data", &data, "--config"])
        .arg(&config)
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    Hub { name, child, data, address: text("address"), token: text("token") }
}

impl Hub {
    fn admin(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command
            .args(["admin", "--data", &self.data])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{arguments:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn knows(&self, other: &Self) {
        let name = other.name;
        self.admin(&["org", "add", name, "--name-ja", name, "--name-en", name, "--role", "agency"], "");
        let card = other.admin(&["peer", "card"], "");
        self.admin(&["peer", "add", "-", "--org", name], &card);
    }
}

/// When each object was seen, by hub.
type Seen = Arc<Mutex<HashMap<String, Instant>>>;

async fn measure(hubs: &[Hub; 3], seconds: u64, rate: u64) {
    let seen: Vec<Seen> = hubs.iter().map(|_| Seen::default()).collect();
    let mut streams = JoinSet::new();
    for (hub, seen) in hubs.iter().zip(&seen) {
        streams.spawn(follow(hub.address.clone(), hub.token.clone(), Arc::clone(seen)));
    }
    // Links and streams come up.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (url, token) = (format!("{}/api/v1/objects", hubs[0].address), hubs[0].token.clone());
    let mut posted: HashMap<String, Instant> = HashMap::new();
    let mut requests = JoinSet::new();
    let mut clock = tokio::time::interval(Duration::from_micros(1_000_000 / rate));
    for _ in 0..seconds * rate {
        clock.tick().await;
        let (id, object) = indicator();
        posted.insert(id, Instant::now());
        let request =
            http.post(&url).bearer_auth(&token).header("Content-Type", "application/json").body(object);
        requests.spawn(async move { assert!(request.send().await.unwrap().status().is_success()) });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end && seen.iter().any(|seen| seen.lock().unwrap().len() < posted.len()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{} objects, {rate} a second, posted at {}", posted.len(), hubs[0].name);
    for (hub, seen) in hubs.iter().zip(&seen) {
        report(hub.name, &posted, &seen.lock().unwrap());
    }
}

fn report(name: &str, posted: &HashMap<String, Instant>, seen: &HashMap<String, Instant>) {
    let mut delays: Vec<f64> = posted
        .iter()
        .filter_map(|(id, at)| Some(seen.get(id)?.saturating_duration_since(*at).as_secs_f64() * 1e3))
        .collect();
    delays.sort_by(f64::total_cmp);
    let at =
        |part: usize| delays.get((delays.len() * part / 1000).min(delays.len().saturating_sub(1))).copied();
    let [p50, p99, worst] = [500, 990, 1000].map(|part| at(part).unwrap_or(f64::NAN));
    println!(
        "POST → stream of {name:<10} p50 {p50:>7.1} ms   p99 {p99:>7.1} ms   worst {worst:>7.1} ms   missing {}",
        posted.len() - delays.len()
    );
}

async fn follow(address: String, token: String, seen: Seen) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut stream = http.get(format!("{address}/api/v1/stream")).bearer_auth(&token).send().await.unwrap();
    let mut held = String::new();
    while let Ok(Some(part)) = stream.chunk().await {
        let now = Instant::now();
        held.push_str(&String::from_utf8_lossy(&part));
        while let Some((line, rest)) = held.split_once('\n') {
            if let Some(data) = line.strip_prefix("data:")
                && let Ok(event) = serde_json::from_str::<Value>(data)
                && let Some(id) = event["object"]["id"].as_str()
            {
                seen.lock().unwrap().entry(id.to_owned()).or_insert(now);
            }
            held = rest.to_owned();
        }
    }
}

fn indicator() -> (String, String) {
    let (time, id) = ("2026-01-01T00:00:00.000Z", format!("indicator--{}", uuid::Uuid::new_v4()));
    let object = json!({
        "type": "indicator", "spec_version": "2.1", "id": id, "created": time, "modified": time, "name": "C2",
        "pattern": "[ipv4-addr:value = '198.51.100.7']", "pattern_type": "stix", "valid_from": time,
        "object_marking_refs": [CLEAR],
    });
    (id, object.to_string())
}
