//! A hub in front of a diode that cheats, and whoever can write into the folder: what could be tried on an inlet.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oversight::OrganisationRole;
use reqwest::Method;
use rustls::AlertDescription;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stix::marking::Tlp;

use crate::federation::{Cheat, hub};
use crate::support::{Reply, TestHub, V1, indicator, marked};

const SERIES: &str = "0123456789abcdef0123456789abcdef";
/// Longest wait for a state, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A hub that writes batches, played by the test.
struct Source {
    cheat: Cheat,
    folder: PathBuf,
}

/// A batch as a file, and what the next one names of it.
struct Sealed {
    name: String,
    bytes: Vec<u8>,
    hash: String,
}

/// What the first one names.
fn nothing_before() -> String {
    "0".repeat(64)
}

async fn post(hub: &TestHub, path: &str, body: &Value) -> Reply {
    let ask = hub.ask(Method::POST, path).header("content-type", "application/json").header("accept", "*/*");
    ask.body(body.to_string()).send().await
}

impl Source {
    /// An inlet for it, at a hub that listens for other peers.
    async fn known(seed: u8, hub: &TestHub) -> Self {
        let cheat = Cheat::new(seed, hub);
        hub.organisation("below", OrganisationRole::Agency).await;
        let body = json!({ "way": "inlet", "card": cheat.card, "organisation": "below", "series": SERIES });
        let reply = post(hub, "/api/v1/peers", &body).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let folder = hub.running.data().join("one-way/below/in");
        until("the folder is there", || folder.is_dir()).await;
        Self { cheat, folder }
    }

    fn batch(&self, (number, follows, previous): (u64, u64, &str), frames: &[Value]) -> Sealed {
        self.batch_of(SERIES, (number, follows, previous), frames)
    }

    fn batch_of(
        &self,
        series: &str,
        (number, follows, previous): (u64, u64, &str),
        frames: &[Value],
    ) -> Sealed {
        let body: String = frames.iter().map(|frame| format!("{frame}\n")).collect();
        let head = json!({
            "hub": self.cheat.hub, "series": series, "number": number, "follows": follows, "previous": previous,
            "bytes": body.len(), "body": hex::encode(Sha256::digest(&body)), "made": "2026-01-01T00:00:00Z",
        });
        let note = self.cheat.signer.sign_statement("peer-batch/v1", &head.to_string());
        Sealed {
            name: format!("batch-{number:012}-{follows:012}.yagura"),
            hash: hex::encode(Sha256::digest(format!("yagura-peer-batch/v1\n{head}\n"))),
            bytes: format!("{note}\n{body}").into_bytes(),
        }
    }

    fn put(&self, batch: &Sealed) {
        put(&self.folder, &batch.name, &batch.bytes);
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let part = folder.join(format!("{name}.tmp"));
    std::fs::write(&part, bytes).unwrap();
    std::fs::rename(part, folder.join(name)).unwrap();
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn below(hub: &TestHub) -> Value {
    hub.get("/api/v1/peers/below").header("accept", "*/*").send().await.json()
}

/// Waits until so many batches are taken, and so many files put aside; gives the peer.
async fn settled(hub: &TestHub, number: u64, quarantined: u64) -> Value {
    let begun = Instant::now();
    loop {
        let peer = below(hub).await;
        if (&peer["folder"]["number"], &peer["folder"]["quarantined"])
            == (&json!(number), &json!(quarantined))
        {
            return peer;
        }
        assert!(begun.elapsed() < PATIENCE, "not {number} taken and {quarantined} aside: {peer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn clear() -> Value {
    marked(indicator(V1), Tlp::Clear)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_on_from_what_was_taken_or_is_put_aside() {
    let hub = hub().await;
    let source = Source::known(31, &hub).await;
    let (hello, object) = (|from| source.cheat.hello(from), |at| source.cheat.object(at, &clear()));
    let first = source.batch((1, 0, &nothing_before()), &[hello(0), object(5)]);
    source.put(&first);
    settled(&hub, 1, 0).await;
    // Signed by the right key, and of another history.
    source.put(&source.batch((2, 1, &"7".repeat(64)), &[hello(5), object(6)]));
    let peer = settled(&hub, 1, 1).await;
    let why = peer["folder"]["last_quarantined"]["why"].as_str().unwrap();
    assert!(why.contains("does not follow the batch 1"), "{why}");
    // For another hub that the same source writes for.
    source.put(&source.batch_of(&"f".repeat(32), (2, 1, &first.hash), &[hello(5), object(6)]));
    let peer = settled(&hub, 1, 2).await;
    let why = peer["folder"]["last_quarantined"]["why"].as_str().unwrap();
    assert!(why.contains("of another series"), "{why}");
    assert_eq!(peer["counts"]["accepted"], 1);

    source.put(&source.batch((2, 1, &first.hash), &[hello(5), object(6)]));
    settled(&hub, 2, 2).await;
    // The same again changes nothing; the same number with other content is an alarm.
    source.put(&first);
    until("it is taken away", || !source.folder.join(&first.name).exists()).await;
    source.put(&source.batch((1, 0, &nothing_before()), &[hello(0), object(4)]));
    let peer = settled(&hub, 2, 3).await;
    let why = peer["folder"]["last_quarantined"]["why"].as_str().unwrap();
    assert!(why.contains("with other content was taken"), "{why}");
    assert_eq!((&peer["counts"]["accepted"], &peer["counts"]["malformed"]), (&json!(2), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_broken_counts_against_the_peer_and_what_is_not_signed_does_not() {
    let hub = hub().await;
    let source = Source::known(32, &hub).await;
    let hello = source.cheat.hello(0);
    let broken = [source.cheat.object(1, &clear()), source.cheat.object(1, &clear())];
    source
        .put(&source.batch((1, 0, &nothing_before()), &[std::slice::from_ref(&hello), &broken[..]].concat()));
    let peer = settled(&hub, 0, 1).await;
    let why = peer["folder"]["last_quarantined"]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("does not rise"), "{why}");
    assert_eq!(peer["counts"]["accepted"], 0, "nothing of a batch that is broken is kept");
    // Whoever reaches the folder cannot have the peer suspended.
    let stranger = Source { cheat: Cheat::new(99, &hub), folder: source.folder.clone() };
    for number in 0..25_u64 {
        let sealed = stranger.batch((1, 0, &nothing_before()), &[json!({ "sequence": number })]);
        put(&source.folder, &sealed.name, &sealed.bytes);
        until("it is put aside", || !source.folder.join(&sealed.name).exists()).await;
    }
    put(&source.folder, "batch-huge.yagura", b"x");
    let long = std::fs::File::create(source.folder.join("long.tmp")).unwrap();
    long.set_len(200 << 20).unwrap();
    let name = "batch-000000000001-000000000000.yagura";
    std::fs::rename(source.folder.join("long.tmp"), source.folder.join(name)).unwrap();
    let peer = settled(&hub, 0, 28).await;
    assert_ne!(peer["link"], "suspended", "{peer}");
    source.put(&source.batch((1, 0, &nothing_before()), &[hello, source.cheat.object(1, &clear())]));
    let peer = settled(&hub, 1, 28).await;
    assert_eq!(peer["counts"]["accepted"], 1, "{peer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inlet_has_no_connection_in_either_direction() {
    let hub = hub().await;
    let source = Source::known(33, &hub).await;
    assert_eq!(source.cheat.turned_away().await, AlertDescription::AccessDenied);
    let peer = below(&hub).await;
    assert_eq!((&peer["way"], &peer["address"]), (&json!("inlet"), &Value::Null), "{peer}");
    // What it could be given is there, and stays.
    hub.publish(&hub.token, &[clear()]).await;
    let first =
        source.batch((1, 0, &nothing_before()), &[source.cheat.hello(0), source.cheat.object(1, &clear())]);
    source.put(&first);
    let peer = settled(&hub, 1, 0).await;
    assert_eq!(peer["counts"]["sent"], 0, "{peer}");
    let own = std::fs::read_dir(hub.running.data().join("one-way/below")).unwrap().count();
    assert_eq!(own, 1, "there is no folder for anything to be given by");
    assert_eq!(std::fs::read_dir(&source.folder).unwrap().count(), 0, "what was taken is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_way_peers_are_added_with_what_belongs_to_them() {
    let hub = hub().await;
    hub.organisation("enclave", OrganisationRole::Agency).await;
    let cheat = Cheat::new(34, &hub);
    let refused = async |body: Value, expected: &str| {
        let reply = post(&hub, "/api/v1/peers", &body).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status == 422 && text.contains(expected), "{}: {text}", reply.status);
    };
    refused(json!({ "organisation": "enclave" }), "give the card").await;
    refused(json!({ "organisation": "enclave", "way": "inlet", "card": cheat.card }), "series").await;
    let path =
        json!({ "organisation": "enclave", "way": "inlet", "card": cheat.card, "series": "../../etc" });
    refused(path, "32 hexadecimal digits").await;
    refused(
        json!({ "organisation": "enclave", "way": "outlet", "card": cheat.card }),
        "nothing need be known",
    )
    .await;
    refused(json!({ "organisation": "enclave", "way": "outlet", "files_max": 0 }), "with none").await;
    let bounded = json!({ "organisation": "enclave", "card": cheat.card, "files_max": 3 });
    refused(bounded, "belong to one-way peers").await;

    let reply = post(&hub, "/api/v1/peers", &json!({ "organisation": "enclave", "way": "outlet" })).await;
    assert_eq!(reply.status, 200);
    let peer = reply.json();
    assert_eq!((&peer["fingerprint"], &peer["folder"]["files_max"]), (&json!(""), &json!(1_000)), "{peer}");
    assert_eq!(peer["folder"]["series"].as_str().unwrap().len(), 32);
    for (from, expected) in [(0, "were written"), (9_999, "were written")] {
        let reply = post(&hub, "/api/v1/peers/enclave/resend", &json!({ "from": from })).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status == 422 && text.contains(expected), "{}: {text}", reply.status);
    }
    let source = Source::known(35, &hub).await;
    let reply = post(&hub, "/api/v1/peers/below/resend", &json!({ "from": 1 })).await;
    assert_eq!(reply.status, 422, "{}", source.cheat.hub);
}
