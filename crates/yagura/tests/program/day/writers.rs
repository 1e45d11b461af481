//! Those who bring records to the edge: logs on disk with their rotation, a shipper, a producer.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use flate2::write::GzEncoder;
use jiff::Timestamp;
use krafka::{Compression, Record};
use serde_json::json;

use crate::broker::Broker;
use crate::running::RUNTIME;
use crate::ways_in::TOKEN;

/// Partitions of the topic.
pub(crate) const PARTITIONS: i32 = 3;
/// Records that a shipper sends in one body.
const BODY_RECORDS: usize = 200;

/// A log on disk.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    header: bool,
    rotations: usize,
    is_compressed: bool,
}

impl Log {
    pub(crate) fn new(path: PathBuf, header: bool, is_compressed: bool) -> Self {
        let file = File::create(&path).unwrap();
        let mut log = Self { path, file, header, rotations: 0, is_compressed };
        log.begin();
        log
    }

    fn begin(&mut self) {
        if self.header {
            let fields = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tqtype_name";
            let types = "time\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring";
            writeln!(
                self.file,
                "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t{}\n\
                 #fields\t{fields}\n#types\t{types}",
                self.rotations
            )
            .unwrap();
        }
    }

    pub(crate) fn write(&mut self, line: &str) {
        self.file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The log gets another name and a new one begins; the one before it is compressed, as logrotate does it.
    pub(crate) fn rotate(&mut self) {
        let rotated = |number: usize| self.path.with_extension(format!("{number}.log"));
        std::fs::rename(&self.path, rotated(self.rotations)).unwrap();
        if let Some(before) = self.rotations.checked_sub(1)
            && self.is_compressed
        {
            compress(&rotated(before));
        }
        self.rotations += 1;
        self.file = File::create(&self.path).unwrap();
        self.begin();
    }
}

fn compress(path: &Path) {
    let away = path.with_extension("being-compressed");
    let mut packed = GzEncoder::new(File::create(&away).unwrap(), flate2::Compression::fast());
    packed.write_all(&std::fs::read(path).unwrap()).unwrap();
    packed.finish().unwrap();
    std::fs::rename(away, path.with_extension("log.gz")).unwrap();
    std::fs::remove_file(path).unwrap();
}

/// One who sends what he is given until it is taken.
pub(crate) struct Sending {
    lines: Sender<String>,
    thread: JoinHandle<()>,
}

impl Sending {
    fn start(work: impl FnOnce(Receiver<String>) + Send + 'static) -> Self {
        let (lines, given) = channel();
        Self { lines, thread: std::thread::spawn(move || work(given)) }
    }

    /// Bodies by HTTP, as Vector and Fluent Bit make them.
    pub(crate) fn shipper(url: String) -> Self {
        Self::start(move |given| {
            // Where the runtime is, there is the provider for TLS that the client asks for.
            let client = RUNTIME.block_on(async { reqwest::Client::new() });
            let mut number = 0;
            while let Some(records) = some_of(&given) {
                let (packing, body) = body(number, &records);
                number += 1;
                while !RUNTIME.block_on(is_taken(&client, &url, packing, body.clone())) {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        })
    }

    /// Messages of a topic, packed in each way that there is.
    pub(crate) fn producer(broker: &Broker, topic: &'static str) -> Self {
        let kafka = broker.with_topic(topic, PARTITIONS);
        Self::start(move |given| {
            let packings = [Compression::Zstd, Compression::Gzip, Compression::Lz4, Compression::Snappy];
            let producer = |packing| kafka.producer().linger(Duration::ZERO).compression(packing).build();
            let producers = packings.map(|packing| RUNTIME.block_on(producer(packing)).unwrap());
            let mut number = 0;
            while let Some(records) = some_of(&given) {
                RUNTIME.block_on(async {
                    let mut sent = Vec::new();
                    for record in records {
                        number += 1;
                        let message = Record::new(topic, record).partition(number % PARTITIONS);
                        sent.push(producers[number as usize / 50 % 4].enqueue(message).await.unwrap());
                    }
                    for one in sent {
                        one.await.map(drop).unwrap();
                    }
                });
            }
            producers.iter().for_each(|producer| RUNTIME.block_on(producer.close()).unwrap());
        })
    }

    pub(crate) fn send(&self, line: String) {
        self.lines.send(line).unwrap();
    }

    /// Waits until everything is taken.
    pub(crate) fn end(self) {
        drop(self.lines);
        self.thread.join().unwrap();
    }
}

/// What has been given meanwhile; `None` at the end.
fn some_of(given: &Receiver<String>) -> Option<Vec<String>> {
    let mut records = vec![given.recv().ok()?];
    records.extend(given.try_iter().take(BODY_RECORDS - 1));
    Some(records)
}

/// A body in one of the forms of Vector and Fluent Bit. Each has its own time, so that no two are the same.
fn body(number: usize, records: &[String]) -> (&'static str, Vec<u8>) {
    let date = Timestamp::now().as_microsecond() as f64 / 1e6;
    let wrapped = |record: &String| json!({ "date": date, "log": record }).to_string();
    match number % 4 {
        0 => ("", records.join("\n").into_bytes()),
        1 => ("zstd", zstd::encode_all(format!("[{}]", records.join(",")).as_bytes(), 1).unwrap()),
        2 => ("", records.concat().into_bytes()),
        _ => {
            let all: Vec<String> = records.iter().map(wrapped).collect();
            let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(all.join("\n").as_bytes()).unwrap();
            ("gzip", packed.finish().unwrap())
        }
    }
}

async fn is_taken(client: &reqwest::Client, url: &str, packing: &str, body: Vec<u8>) -> bool {
    let request = client.post(url).bearer_auth(TOKEN).body(body).timeout(Duration::from_secs(20));
    let request = request.header("Content-Type", "application/json");
    let request = if packing.is_empty() { request } else { request.header("Content-Encoding", packing) };
    request.send().await.is_ok_and(|answer| answer.status().as_u16() == 200)
}
