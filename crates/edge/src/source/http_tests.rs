//! Bodies in the shapes in which shippers send them, and what is answered.

use std::io::Write;

use super::*;
use crate::source::journal::Journal;

const TOKEN: &str = "a token of this test";
const EVE: &str = r#"{"event_type":"dns"}"#;

type Headers<'h> = &'h [(&'h str, &'h str)];

struct Scene {
    _folder: tempfile::TempDir,
    address: String,
    inlet: Arc<Inlet>,
}

impl Scene {
    /// An attended door, and a journal that nobody reads.
    async fn new(queue_bytes_max: u64) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let (journal, writer) = Journal::open(folder.path(), 0, queue_bytes_max).unwrap();
        std::thread::spawn(move || writer.run());
        let inlet = Arc::new(Inlet { journal: Some(journal), ..Inlet::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap();
        let token = Sha256::digest(TOKEN.as_bytes()).into();
        let config = HttpPush { listen, token, tls: None, queue_bytes_max };
        tokio::spawn(Door::new(listener, Arc::clone(&inlet), &config).attend());
        Self { _folder: folder, address: format!("http://{listen}"), inlet }
    }

    async fn send(&self, path: &str, headers: Headers<'_>, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let mut request = reqwest::Client::new().post(format!("{}{path}", self.address)).body(body);
        if !headers.iter().any(|(name, _)| *name == "Authorization") {
            request = request.bearer_auth(TOKEN);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let is_to_come_again = matches!(status, 429 | 503);
        assert_eq!(answer.headers().contains_key("retry-after"), is_to_come_again);
        (status, answer.json().await.unwrap())
    }

    /// The lines in the journal, one entry an item.
    fn kept(&self) -> Vec<String> {
        let mut reader = self.inlet.journal.as_ref().unwrap().reader(0);
        let mut kept = Vec::new();
        while let Some(entry) = reader.next().unwrap() {
            kept.push(String::from_utf8(entry.lines).unwrap());
        }
        kept
    }

    fn refused(&self, why: &str) -> u64 {
        self.inlet.counters.read().refused.get(why).copied().unwrap_or(0)
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The heads are those that Vector 0.4x and Fluent Bit 3 send.
#[tokio::test]
async fn bodies_of_shippers_are_kept_before_they_are_answered() {
    let scene = Scene::new(1 << 30).await;
    let vector = [("User-Agent", "Vector/0.43.1"), ("Content-Type", "application/x-ndjson")];
    let json = [("User-Agent", "Fluent-Bit"), ("Content-Type", "application/json")];
    let quoted = serde_json::to_string(EVE).unwrap();
    let lines = format!("{EVE}\n{EVE}\n");
    let sent: Vec<(Headers<'_>, Option<&str>, String)> = vec![
        (&vector, None, format!("{EVE}\n{EVE}")),
        (&vector, Some("gzip"), format!(r#"{{"message":{quoted},"source_type":"file"}}{}{EVE}"#, '\n')),
        (&vector, Some("zstd"), format!("[{EVE},{EVE}]")),
        (&json, None, format!(r#"[{{"date":1768435200.5,"log":{quoted}}},{{"date":1.0,"log":{quoted}}}]"#)),
        (&json, Some("gzip"), format!("{EVE}{EVE}")),
        (&json, Some("deflate"), lines.clone()),
    ];
    let count = sent.len();
    for (number, (headers, packing, body)) in sent.into_iter().enumerate() {
        let mut headers = headers.to_vec();
        headers.extend(packing.map(|packing| ("Content-Encoding", packing)));
        let packed = match packing {
            Some("gzip") => gzip(body.as_bytes()),
            Some("zstd") => zstd::encode_all(body.as_bytes(), 1).unwrap(),
            Some(_) => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(body.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            None => body.clone().into_bytes(),
        };
        let answer = scene.send("/", &headers, packed).await;
        assert_eq!(answer, (200, json!({ "taken": 2, "refused": {} })), "{number}");
        assert_eq!(scene.kept().len(), number + 1);
    }
    assert_eq!(scene.kept(), vec![lines; count]);
    assert_eq!(scene.inlet.counters.read().received, count as u64);
}

#[tokio::test]
async fn bulk_requests_are_answered_item_by_item() {
    let scene = Scene::new(1 << 30).await;
    let body = format!("{{\"create\":{{\"_index\":\"logs\"}}}}\n{EVE}\n{{\"index\":{{}}}}\n{EVE}\n");
    let (status, answer) = scene.send("/logs/_bulk", &[("Content-Type", "application/x-ndjson")], body).await;
    assert_eq!((status, &answer["errors"]), (200, &json!(false)));
    assert_eq!(answer["items"][0]["create"]["status"], 201);
    assert_eq!(answer["items"][1]["index"]["status"], 201);
    assert_eq!(scene.kept(), [format!("{EVE}\n{EVE}\n")]);
}

#[tokio::test]
async fn what_cannot_be_taken_is_turned_away_with_what_to_do() {
    let scene = Scene::new(1 << 30).await;
    let bomb = gzip(&vec![b' '; UNPACKED_BYTES_MAX + 1]);
    assert!(bomb.len() < UNPACKED_BYTES_MAX / 100);
    let wide = {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    let none: Headers<'_> = &[];
    for (headers, body, status, code) in [
        (&[("Authorization", "Bearer a token of this tesT")][..], EVE.into(), 401, "token"),
        (&[("Authorization", "Basic YTph")], EVE.into(), 401, "token"),
        (&[("Content-Encoding", "gzip")], bomb, 413, "body-too-large"),
        (&[("Content-Encoding", "zstd")], wide, 400, "body-not-unpacked"),
        (&[("Content-Encoding", "gzip")], EVE.into(), 400, "body-not-unpacked"),
        (&[("Content-Encoding", "snappy")], EVE.into(), 415, "encoding"),
        (&[("Content-Type", "application/msgpack")], EVE.into(), 415, "media-type"),
        (none, vec![b' '; BODY_BYTES_MAX + 1], 413, "body-too-large"),
        (none, format!("[{EVE},").into(), 400, "line-cut-off"),
    ] as [(Headers<'_>, Vec<u8>, u16, &str); 9]
    {
        let (got, answer) = scene.send("/", headers, body).await;
        assert_eq!((got, &answer["code"]), (status, &json!(code)), "{answer}");
        assert!(scene.refused(code) > 0, "{code}");
    }
    assert_eq!(scene.kept(), Vec::<String>::new());
}

#[tokio::test]
async fn a_giant_record_is_left_out_and_the_others_are_kept() {
    let scene = Scene::new(1 << 30).await;
    let giant = format!("{{\"a\":\"{}\"}}\n{EVE}\n", "x".repeat(RECORD_BYTES_MAX));
    let answer = scene.send("/", &[("Content-Encoding", "gzip")], gzip(giant.as_bytes())).await;
    assert_eq!(answer, (200, json!({ "taken": 1, "refused": { "line-too-long": 1 } })));
    assert_eq!(scene.kept(), [format!("{EVE}\n")]);
    assert_eq!(scene.refused("line-too-long"), 1);
}

#[tokio::test]
async fn a_full_queue_sends_away_until_there_is_room() {
    let scene = Scene::new(1 << 20).await;
    let half = format!("{EVE}\n").repeat(((1 << 19) - 100) / (EVE.len() + 1));
    assert_eq!(scene.send("/", &[], half.clone()).await.0, 200);
    assert_eq!(scene.send("/", &[], half.clone()).await.0, 200);
    let (status, answer) = scene.send("/", &[], half.clone()).await;
    assert_eq!((status, &answer["code"]), (429, &json!("queue-full")));
    let journal = scene.inlet.journal.as_ref().unwrap();
    let mut reader = journal.reader(0);
    let first = reader.next().unwrap().unwrap();
    journal.release(first.end).unwrap();
    assert_eq!(scene.send("/", &[], half).await.0, 200);
    assert_eq!(scene.refused("queue-full"), 1);
}
