//! Bad input: each has a clear error, nothing is half done, and the hub goes on.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestHub, V1, V2, id_of, indicator, indicator_with};

/// The hub still takes and gives, and holds just these objects.
async fn holds(hub: &TestHub, expected: &[&Value]) {
    let ids = hub.get(&hub.within("objects/?match[version]=all")).send().await.ids();
    assert_eq!(ids, expected.iter().map(|object| id_of(object)).collect::<Vec<_>>());
}

/// The one failure of a status: its code and message.
fn failure(status: &Value) -> &str {
    assert_eq!(status["failures"].as_array().map(Vec::len), Some(1), "{status}");
    status["failures"][0]["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_bundle_is_refused_whole() {
    let hub = TestHub::start().await;
    for body in ["", "{\"objects\":[", "{\"objects\":[{}", "[1,2", "nonsense", "{\"objects\": 3}", "\u{0}"] {
        let reply = hub.post_raw(body).send().await;
        assert_eq!(reply.status, 422, "{body}: {}", String::from_utf8_lossy(&reply.body));
        assert!(!reply.json()["description"].as_str().unwrap().is_empty());
    }
    assert_eq!(hub.post_raw(b"{\"objects\":[\"\xff\"]}".to_vec()).send().await.status, 422);
    holds(&hub, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_object_does_not_spoil_the_good_ones() {
    let hub = TestHub::start().await;
    let (first, last) = (indicator(V1), indicator(V1));
    let mut bad = indicator(V1);
    bad["modified"] = json!("yesterday");
    let status = hub.post(&[first.clone(), bad.clone(), last.clone()]).await;
    assert_eq!(status["failures"][0]["id"], bad["id"]);
    assert!(failure(&status).contains("yesterday"), "{status}");
    holds(&hub, &[&first, &last]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_nested_10_000_deep_is_refused() {
    let hub = TestHub::start().await;
    let good = indicator(V1);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut text = indicator(V1).to_string();
    text.insert_str(text.len() - 1, &format!(",\"x_deep\":{deep}"));
    let reply = hub.post_raw(format!("{{\"objects\":[{text},{good}]}}")).send().await;
    assert_eq!(reply.status, 202, "{}", String::from_utf8_lossy(&reply.body));
    assert!(failure(&reply.json()).contains("deeper"), "{}", reply.json());
    holds(&hub, &[&good]).await;
    for body in [format!("{{\"objects\":{deep}}}"), format!("{{\"objects\":[],\"x\":{deep}}}"), deep] {
        let reply = hub.post_raw(body).send().await;
        let refused = reply.status == 202 && reply.json()["success_count"] == 0;
        assert!(refused || reply.status == 422, "{}", reply.status);
    }
    holds(&hub, &[&good]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_pattern_is_refused() {
    let hub = TestHub::start().await;
    let mut bad = indicator(V1);
    bad["pattern"] = json!("[ipv4-addr:value = ");
    let status = hub.post(std::slice::from_ref(&bad)).await;
    assert!(failure(&status).contains("pattern"), "{status}");
    holds(&hub, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_surrogate_is_refused() {
    let hub = TestHub::start().await;
    let good = indicator(V1);
    let mut text = indicator(V1).to_string();
    text.insert_str(text.len() - 1, ",\"name\":\"\\ud800\"");
    let reply = hub.post_raw(format!("{{\"objects\":[{text},{good}]}}")).send().await;
    assert_eq!(reply.status, 202, "{}", String::from_utf8_lossy(&reply.body));
    assert!(failure(&reply.json()).contains("surrogate"), "{}", reply.json());
    holds(&hub, &[&good]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contradicting_versions_are_kept_out_and_written_down() {
    let hub = TestHub::start().await;
    let first = indicator(V1);
    let other = |name: &str, value: Value| {
        let mut object = first.clone();
        object[name] = value;
        object
    };
    let status = hub.post(&[first.clone(), other("name", json!("another"))]).await;
    assert!(failure(&status).starts_with("content-conflict"), "{status}");
    let conflicts = hub.audit(oversight::Action::ContentConflict).await;
    assert_eq!(conflicts[0].event.objects, [id_of(&first)]);
    let mut revoked = indicator_with(&id_of(&first), V2);
    revoked["revoked"] = json!(true);
    let later = indicator_with(&id_of(&first), "2025-01-01T00:00:00.000Z");
    let status = hub.post(&[revoked.clone(), later]).await;
    assert!(failure(&status).starts_with("revoked"), "{status}");
    holds(&hub, &[&first, &revoked]).await;
}

/// What the process has had resident at most, in bytes.
fn resident_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Writes a request head, then `parts` chunks of 1 MiB of `[`, and gives the status line of the answer.
async fn flood(hub: &TestHub, length: &str, parts: usize) -> String {
    let mut socket = TcpStream::connect(hub.running.listen).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\naccept: {t}\r\ncontent-type: {t}\r\n{length}\r\n\r\n",
        hub.within("objects/"),
        hub.token,
        t = crate::support::TAXII,
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let is_chunked = length.starts_with("transfer");
    let part = vec![b'['; 1 << 20];
    for _ in 0..parts {
        if is_chunked {
            socket.write_all(b"100000\r\n").await.unwrap();
        }
        socket.write_all(&part).await.unwrap();
        if is_chunked {
            socket.write_all(b"\r\n").await.unwrap();
        }
    }
    if is_chunked {
        socket.write_all(b"0\r\n\r\n").await.unwrap();
    }
    let mut answer = vec![0; 4096];
    let read = socket.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_1_gib_is_refused_and_not_held() {
    let hub = TestHub::start_with(|config| config.body_bytes_max = 4 << 20).await;
    let before = resident_max();
    let expected = "HTTP/1.1 413 Payload Too Large";
    assert_eq!(flood(&hub, "content-length: 1073741824", 1024).await, expected);
    assert_eq!(flood(&hub, "transfer-encoding: chunked", 1024).await, expected);
    // Who asks first is told no before it sends anything.
    assert_eq!(flood(&hub, "content-length: 1073741824\r\nexpect: 100-continue", 0).await, expected);
    let grown = resident_max() - before;
    assert!(grown < 64 << 20, "{} MiB more were resident", grown >> 20);
    let good = indicator(V1);
    hub.post(std::slice::from_ref(&good)).await;
    holds(&hub, &[&good]).await;
}
