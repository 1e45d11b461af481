//! The running program at rest and in a hurry: memory, publish → active at an edge, start to first page. What many objects cost is
//! measured by `scale`.
//!
//! `cargo bench -p yagura --bench service`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends where something is wrong"
)]

#[expect(dead_code, reason = "it serves other benchmarks, too")]
mod running;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use running::{Hub, marked, resident_mib, start};
use serde_json::Value;

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
        publish_to_active().await;
        first_page().await;
    });
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
