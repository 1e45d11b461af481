//! The running program at rest and in a hurry: memory, publish → active at an edge, start to first page; and medallion, the OASIS
//! reference server, where it is installed. What many objects cost is measured by `scale`.
//!
//! `cargo bench -p yagura --bench service`. `YAGURA_MEDALLION=<path of medallion>` adds medallion.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark prints, and ends where something is wrong"
)]

mod running;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use running::{Hub, MEDIA, cpu_seconds, indicator, marked, resident_mib, start};
use serde_json::{Value, json};

const BATCH: usize = 1000;
const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";

fn main() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let hub = Hub::start();
        assert!(hub.objects.starts_with(&hub.address), "the collection is the hub's own");
        let (resident, cpu) = (hub.resident_mib(), hub.cpu_seconds());
        println!("hub at rest                          {resident:>9.1} MiB resident, {cpu:.2} CPU-s since its start");
        drop(hub);
        medallion(&(0..2_000).map(indicator).collect::<Vec<_>>()).await;
        publish_to_active().await;
        first_page().await;
    });
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
    let mut next = Some(String::new());
    while let Some(token) = next {
        let request = client.get(format!("{url}?limit={BATCH}{token}")).basic_auth("admin", Some("admin"));
        let page: Value = request.header("Accept", MEDIA).send().await.unwrap().json().await.unwrap();
        next = page["next"].as_str().filter(|_| page["more"] == true).map(|next| format!("&next={next}"));
    }
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
        let body = format!("{{\"objects\":[{}]}}", marked(number, GREEN));
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
