//! A lake in a bucket: the same answers, one winner of two writers, and errors that say what is wrong.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use lake::{Contents, Hunt, Keep, Lake, LakeError, Limits, Origin, SourceState, Writer};
use matcher::{Covers, IndicatorSet};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

use crate::made::{Made, at, pattern, records, set};

const BUCKET: &str = "lakes";

/// An S3 server over a folder; it ends when it is dropped.
struct S3 {
    folder: tempfile::TempDir,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl S3 {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("key", "s3cret"));
        let service = builder.build();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime
            .spawn(async move { serve(tokio::net::TcpListener::from_std(listener).unwrap(), service).await });
        Self { folder, address, _runtime: runtime }
    }

    fn lake(&self, secret: &str) -> PathBuf {
        let address = self.address;
        format!("s3://key:{secret}@{BUCKET}/edge/one?endpoint=http://{address}&region=test").into()
    }

    /// The files of the lake, as the server keeps them.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join(BUCKET).join("edge").join("one")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }
}

async fn serve(listener: tokio::net::TcpListener, service: S3Service) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn open(root: &Path) -> Result<Writer, LakeError> {
    Writer::open(root, Contents::Mechanical, Limits { held_rows: 97, ..Limits::default() })
}

fn push(writer: &mut Writer, all: &[(jiff::Timestamp, Made)]) {
    for (line, (time, made)) in (1..).zip(all) {
        let origin = Origin { source: made.source, line, offset: line * 10, read: *time, text: b"" };
        writer.push(&made.record, &origin).unwrap();
    }
}

fn hunted(root: &Path, set: &Arc<IndicatorSet>, exhaustive: bool) -> Vec<(String, u64)> {
    let hunt = Hunt { set: Arc::clone(set), since: None, until: None, now: at(100 * 86_400), exhaustive };
    let mut told = Vec::new();
    let lake = Lake::open(root).unwrap();
    let each = &mut |sighting: &lake::Sighting<'_>| {
        told.push((sighting.found.indicator.id().to_string(), sighting.place.line));
    };
    lake.hunt(&hunt, &mut |_| {}, each).unwrap();
    told
}

fn some_records(count: usize) -> Vec<(jiff::Timestamp, Made)> {
    let records = records(count, 3 * 86_400).prop_filter("many", move |all| all.len() > count / 2);
    records.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

#[test]
fn a_bucket_answers_as_a_folder_does() {
    let (s3, folder) = (S3::start(), tempfile::tempdir().unwrap());
    let all = some_records(200);
    let patterns = proptest::collection::vec(pattern(), 40..60);
    let patterns = patterns.new_tree(&mut TestRunner::deterministic()).unwrap().current();
    let set = Arc::new(set(&patterns, Covers::Subtree));
    let bucket = s3.lake("s3cret");
    assert!(matches!(Lake::open(&bucket), Err(LakeError::NoLake(_))));
    for root in [bucket.as_path(), folder.path()] {
        let mut writer = open(root).unwrap();
        for part in all.chunks(all.len() / 3) {
            push(&mut writer, part);
            let state = SourceState { identity: "x".to_owned(), offset: 7, ..SourceState::default() };
            writer.commit(&[("a.log".to_owned(), state)], at(0)).unwrap();
        }
    }
    let expected = hunted(folder.path(), &set, false);
    assert!(!expected.is_empty());
    assert_eq!(hunted(&bucket, &set, false), expected);
    assert_eq!(hunted(&bucket, &set, true), expected);
    let mut writer = open(&bucket).unwrap();
    assert_eq!(writer.source("a.log").map(|state| state.offset), Some(7));
    let before = writer.segments().len();
    writer.compact(&Keep::default(), at(40 * 86_400)).unwrap();
    assert!(writer.segments().len() < before);
    assert_eq!(hunted(&bucket, &set, false), expected);
    // What was replaced goes with a later commit.
    writer.commit(&[], at(41 * 86_400)).unwrap();
    assert_eq!(s3.files().len(), writer.segments().len() * 3 + 1, "{:?}", s3.files());
    let lake = Lake::open(&bucket).unwrap();
    assert_eq!(lake.check(&mut |_| {}).unwrap(), writer.segments().len() as u64);
    assert_eq!(lake.root(), Path::new("s3://lakes/edge/one"));
}

/// An object of several parts, which are put side by side.
#[test]
fn a_large_object_is_put_in_parts() {
    let s3 = S3::start();
    let bucket = s3.lake("s3cret");
    let mut writer = Writer::open(&bucket, Contents::Full, Limits::default()).unwrap();
    let all = some_records(600);
    let mut line = 0_u64;
    let mut text = String::new();
    while text.len() < 40_000 {
        line += 1;
        // No two parts of it are alike, so that it does not pack to nothing.
        text.push_str(&format!("{:x} ", line.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(21) ^ line));
    }
    for (line, (time, made)) in (1..).zip(&all) {
        let text = format!("{}{line}", text.get(line as usize..).unwrap());
        let origin = Origin { source: "a.log", line, offset: line, read: *time, text: text.as_bytes() };
        writer.push(&made.record, &origin).unwrap();
    }
    writer.commit(&[], at(0)).unwrap();
    writer.compact(&Keep::default(), at(400 * 86_400)).unwrap();
    let largest = writer.segments().iter().map(|segment| segment.rows_bytes).max().unwrap();
    let lake = Lake::open(&bucket).unwrap();
    lake.check(&mut |_| {}).unwrap();
    assert!(largest > 0);
    drop(writer);
    let odd = Arc::new(set(&["[network-traffic:dst_port = 443]".to_owned()], Covers::Host));
    let hunt = Hunt { set: odd, since: None, until: None, now: at(0), exhaustive: true };
    let mut texts = 0;
    let tally = lake
        .hunt(&hunt, &mut |_| {}, &mut |it| texts += usize::from(it.text.unwrap().len() > 30_000))
        .unwrap();
    assert_eq!(tally.rows_read, all.len() as u64);
    assert!(texts > 0);
}

/// Of two that write, the one that commits first wins; the other is told, and nothing of it counts.
#[test]
fn two_writers_cannot_both_win() {
    let s3 = S3::start();
    let bucket = s3.lake("s3cret");
    let all = some_records(200);
    let (mine, others) = all.split_at(all.len() / 2);
    drop(open(&bucket).unwrap());
    let (mut one, mut other) = (open(&bucket).unwrap(), open(&bucket).unwrap());
    push(&mut one, mine);
    push(&mut other, others);
    one.commit(&[], at(0)).unwrap();
    assert!(matches!(other.commit(&[], at(0)), Err(LakeError::Overtaken)));
    let rows =
        |root: &Path| Lake::open(root).unwrap().segments().iter().map(|it| it.rows as usize).sum::<usize>();
    assert_eq!(rows(&bucket), mine.len());
    Lake::open(&bucket).unwrap().check(&mut |_| {}).unwrap();
    // Whoever was overtaken stays so, and begins anew from what is there by then.
    assert!(matches!(other.commit(&[], at(0)), Err(LakeError::Overtaken)));
    drop(other);
    one.commit(&[], at(1)).unwrap();
    let mut other = open(&bucket).unwrap();
    push(&mut other, others);
    other.commit(&[], at(2)).unwrap();
    assert_eq!(rows(&bucket), all.len());
    assert!(matches!(one.commit(&[], at(3)), Err(LakeError::Overtaken)));
    // And of two that begin a lake, one has begun it.
    Lake::open(&bucket).unwrap().check(&mut |_| {}).unwrap();
}

/// Objects of no manifest are another writer's that is at work, until they are a day old.
#[test]
fn strays_in_a_bucket_go_after_a_day() {
    let s3 = S3::start();
    let bucket = s3.lake("s3cret");
    let mut writer = open(&bucket).unwrap();
    push(&mut writer, &some_records(400));
    drop(writer);
    let strays = s3.files().len();
    assert!(strays > 1);
    drop(open(&bucket).unwrap());
    assert_eq!(s3.files().len(), strays);
    for path in s3.files() {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(25 * 3600)).unwrap();
    }
    drop(open(&bucket).unwrap());
    assert_eq!(s3.files().len(), 1, "{:?}", s3.files());
}

#[test]
fn what_is_wrong_is_told_without_what_signs_in() {
    let s3 = S3::start();
    let told = |error: LakeError| {
        let text = error.to_string();
        assert!(!text.contains("wr0ng") && !text.contains("s3cret"), "{text}");
        text
    };
    let text = told(Lake::open(&s3.lake("wr0ng")).unwrap_err());
    assert!(text.contains("s3://lakes/edge/one") && text.contains("does not let this program in"), "{text}");
    let address = format!("s3://key:wr0ng@{BUCKET}/x?endpoint=http://s3.example.jp");
    assert!(told(Lake::open(Path::new(&address)).unwrap_err()).contains("TLS"));
    let mut writer = open(&s3.lake("s3cret")).unwrap();
    push(&mut writer, &some_records(50));
    writer.commit(&[], at(0)).unwrap();
    let lake = Lake::open(&s3.lake("s3cret")).unwrap();
    let rows = s3.files().into_iter().find(|path| path.extension().is_some_and(|it| it == "rows")).unwrap();
    let whole = std::fs::read(&rows).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    std::fs::write(&rows, altered).unwrap();
    assert_eq!(lake.check(&mut |_| {}).unwrap_err().code(), "lake-damaged");
    std::fs::remove_file(&rows).unwrap();
    let text = told(lake.check(&mut |_| {}).unwrap_err());
    assert!(text.contains(".rows") && text.contains("no such object"), "{text}");
}
