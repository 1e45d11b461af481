//! A hub that runs as a process of its own, and what its processor and memory cost.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) const MEDIA: &str = "application/taxii+json;version=2.1";

/// A running hub in a folder of its own.
pub(crate) struct Hub {
    pub(crate) child: Child,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: String,
    /// The objects of its one collection.
    pub(crate) objects: String,
    pub(crate) token: String,
}

impl Hub {
    pub(crate) fn start() -> Self {
        Self::start_on(None)
    }

    /// One that keeps its state in a PostgreSQL database, where one is told.
    pub(crate) fn start_on(store: Option<&str>) -> Self {
        // Not on a file system that is memory: what is durable has to reach a disk.
        let folder = std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned());
        let folder = tempfile::tempdir_in(folder).unwrap();
        let data = folder.path().join("hub");
        let mut arguments =
            vec!["hub", "--json", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
        arguments.extend(store.into_iter().flat_map(|store| ["--store", store]));
        let (child, ready) = start(&arguments);
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let objects =
            format!("{}{}collections/{}/objects/", text("address"), text("api_root"), text("collection"));
        std::thread::sleep(Duration::from_secs(3));
        Self { child, folder, address: text("address"), objects, token: text("token") }
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.child.id())
    }

    pub(crate) fn resident_mib(&self) -> f64 {
        resident_mib(self.child.id())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program, and gives the line in which it says that it is ready.
pub(crate) fn start(arguments: &[&str]) -> (Child, Value) {
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

/// Processor time of a process so far, user and system.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    ticks(process, 2) / 100.0
}

/// Linux's hundredths of a second: user, system, and (four fields) those of ended children. None of a process that has ended.
pub(crate) fn ticks(process: u32, fields: usize) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(fields).filter_map(|field| field.parse::<f64>().ok()).sum()
}

pub(crate) fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// An indicator of about 870 bytes, as feeds send them.
pub(crate) fn indicator(number: usize) -> String {
    let tlp = [
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    ][number % 5];
    marked(number, tlp)
}

/// The same with another marking.
pub(crate) fn marked(number: usize, tlp: &str) -> String {
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
