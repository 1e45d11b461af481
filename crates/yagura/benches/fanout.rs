//! One object to a thousand open console streams: the time from its `POST` until each stream has it; beside the time that writing the
//! same bytes to a thousand sockets takes with nothing around it.
//!
//! `cargo bench -p yagura --bench fanout -- [STREAMS] [OBJECTS]` (1,000 and 60 unless told).

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends where something is wrong"
)]

#[expect(dead_code, reason = "it serves other benchmarks, too")]
mod running;

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use running::start;

const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
/// Organisations, and programs of each, that hold the streams.
const ORGANISATIONS: usize = 20;
const PROGRAMS: usize = 5;
/// Time between two objects.
const PAUSE: Duration = Duration::from_millis(400);
/// How long is waited for the last streams.
const PATIENCE: Duration = Duration::from_secs(30);

/// Delays in milliseconds, of all streams together.
type Delays = Arc<Mutex<Vec<f64>>>;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (streams, objects) = (numbers.next().unwrap_or(1_000), numbers.next().unwrap_or(60));
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let bytes = runtime.block_on(hub(streams, objects));
    runtime.block_on(sockets(streams, objects, bytes));
}

/// The hub's streams; gives the length of one event.
async fn hub(streams: usize, objects: usize) -> usize {
    let folder =
        tempfile::tempdir_in(std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned()));
    let folder = folder.unwrap();
    let config = folder.path().join("hub.toml");
    std::fs::write(&config, format!("streams_max = {}\n", streams * 4)).unwrap();
    let data = folder.path().join("hub").to_str().unwrap().to_owned();
    let (mut child, ready) = start(&[
        "hub",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--data",
        &data,
        "--config",
        config.to_str().unwrap(),
    ]);
    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    let (address, token) = (text("address"), text("token"));
    let readers = programs(&data);
    let (delays, posted) = (Delays::default(), Arc::new(Mutex::new((String::new(), Instant::now()))));
    let length = Arc::new(Mutex::new(0));
    let mut follows = JoinSet::new();
    for number in 0..streams {
        let url = format!("{address}/api/v1/stream");
        let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
        let stream = request.bearer_auth(&readers[number % readers.len()]).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        follows.spawn(follow(stream, Arc::clone(&delays), Arc::clone(&posted), Arc::clone(&length)));
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for number in 0..objects {
        tokio::time::sleep(PAUSE).await;
        let (id, object) = indicator();
        *posted.lock().unwrap() = (id, Instant::now());
        let request = http.post(format!("{address}/api/v1/objects")).bearer_auth(&token);
        let answer = request.header("Content-Type", "application/json").body(object).send().await.unwrap();
        assert!(answer.status().is_success());
        wait_for(&delays, (number + 1) * streams).await;
    }
    report("POST → each of the hub's streams", &delays, streams * objects);
    let _ = child.kill();
    let _ = child.wait();
    *length.lock().unwrap()
}

async fn wait_for(delays: &Delays, count: usize) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end && delays.lock().unwrap().len() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn follow(
    mut stream: reqwest::Response,
    delays: Delays,
    posted: Arc<Mutex<(String, Instant)>>,
    length: Arc<Mutex<usize>>,
) {
    let mut held: Vec<u8> = Vec::new();
    while let Ok(Some(part)) = stream.chunk().await {
        let now = Instant::now();
        held.extend_from_slice(&part);
        if !held.ends_with(b"\n\n") {
            continue;
        }
        let (id, at) = posted.lock().unwrap().clone();
        if !id.is_empty() && held.windows(id.len()).any(|window| window == id.as_bytes()) {
            delays.lock().unwrap().push(now.saturating_duration_since(at).as_secs_f64() * 1e3);
            *length.lock().unwrap() = held.len();
        }
        held.clear();
    }
}

/// The tokens of those who read.
fn programs(data: &str) -> Vec<String> {
    let admin = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command.args(["admin", "--data", data]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().flush().unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{arguments:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let mut tokens = Vec::new();
    for number in 0..ORGANISATIONS {
        let name = format!("member-{number}");
        let names = ["--name-ja", &name, "--name-en", &name, "--role", "operator", "--sector", "power"];
        admin(&[&["org", "add", &name], &names[..]].concat());
        tokens.extend((0..PROGRAMS).map(|_| admin(&["token", "add", "--org", &name, "--role", "analyst"])));
    }
    tokens
}

/// The limit: the same bytes to as many sockets, from another process's place on the same machine.
async fn sockets(streams: usize, objects: usize, bytes: usize) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begin, mut begun) = tokio::sync::mpsc::channel::<()>(1);
    let (delays, posted) = (Delays::default(), Arc::new(Mutex::new(Instant::now())));
    let writer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut open = Vec::new();
            while open.len() < streams {
                open.push(listener.accept().await.unwrap().0);
            }
            let message = vec![b'x'; bytes];
            while begun.recv().await.is_some() {
                for stream in &mut open {
                    stream.write_all(&message).await.unwrap();
                }
            }
        });
    });
    let mut reads = JoinSet::new();
    for _ in 0..streams {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (delays, posted) = (Arc::clone(&delays), Arc::clone(&posted));
        reads.spawn(async move {
            let mut message = vec![0; bytes];
            while stream.read_exact(&mut message).await.is_ok() {
                let delay = posted.lock().unwrap().elapsed();
                delays.lock().unwrap().push(delay.as_secs_f64() * 1e3);
            }
        });
    }
    for number in 0..objects {
        tokio::time::sleep(Duration::from_millis(100)).await;
        *posted.lock().unwrap() = Instant::now();
        begin.send(()).await.unwrap();
        wait_for(&delays, (number + 1) * streams).await;
    }
    drop(begin);
    writer.join().unwrap();
    report("limit: the same bytes to as many sockets", &delays, streams * objects);
}

fn report(what: &str, delays: &Delays, expected: usize) {
    let mut delays = delays.lock().unwrap().clone();
    delays.sort_by(f64::total_cmp);
    let at =
        |part: usize| delays.get((delays.len() * part / 1000).min(delays.len().saturating_sub(1))).copied();
    let [p50, p99, worst] = [500, 990, 1000].map(|part| at(part).unwrap_or(f64::NAN));
    println!(
        "{what:<42} p50 {p50:>7.1} ms   p99 {p99:>7.1} ms   worst {worst:>7.1} ms   missing {}",
        expected - delays.len().min(expected)
    );
}

fn indicator() -> (String, String) {
    let (time, id) = ("2026-01-01T00:00:00.000Z", format!("indicator--{}", uuid::Uuid::new_v4()));
    let object: Value = json!({
        "type": "indicator", "spec_version": "2.1", "id": id, "created": time, "modified": time, "name": "C2",
        "pattern": "[ipv4-addr:value = '198.51.100.7']", "pattern_type": "stix", "valid_from": time,
        "object_marking_refs": [GREEN],
    });
    (id, object.to_string())
}
