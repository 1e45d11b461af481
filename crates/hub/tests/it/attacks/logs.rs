//! Against the logs: another history for somebody, a shorter one, and cosignatures that no witness gave for this.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub::Witnesses;
use oversight::OrganisationRole;
use tlog::witness::AddCheckpoint;
use tlog::{Checkpoint, CosignatureKind, CosigningKey, Policy, open_by_any};
use tokio::net::TcpListener;
use witness::{Source, VerifyConfig, Witness, verify};

use self::made::{Log, config, cosigner, files, log_key, log_public, policy, serve};
use super::{Attack, error, noticed};
use crate::log::{checkpoint_of, database_files, put_back, start};
use crate::support::TestHub;

#[path = "../../../../witness/tests/it/support.rs"]
mod made;

pub async fn all() -> Vec<Attack> {
    let mut all = vec![split_view_of_a_witness().await, split_view_of_a_verifier().await];
    all.extend([rollback_of_a_witness().await, rollback_of_a_verifier().await, rollback_of_a_hub().await]);
    all.extend([forged_cosignatures(), replayed_cosignatures().await]);
    all
}

/// A witness that is asked over HTTP.
struct Asked {
    http: reqwest::Client,
    address: String,
    folder: tempfile::TempDir,
}

impl Asked {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let witness = Arc::new(Witness::open(config(folder.path(), 1)).unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, address: serve(witness).await, folder }
    }

    /// The witness's refusal of a log that says it grew from `old`.
    async fn post(&self, log: &Log, old: u64) -> Option<String> {
        let note = log_key().sign_checkpoint(&log.head());
        let request = AddCheckpoint::make(old, &note, |level, index| log.node(level, index)).unwrap();
        self.post_text(request.to_text()).await
    }

    async fn post_text(&self, body: String) -> Option<String> {
        let url = format!("{}/add-checkpoint", self.address);
        let status = self.http.post(url).body(body).send().await.unwrap().status();
        (!status.is_success()).then(|| status.as_u16().to_string())
    }

    /// What it kept against the log: notes that the log signed and that exclude each other.
    fn evidence(&self, kind: &str) -> Option<String> {
        let all = files(self.folder.path());
        let (_, text) = all.iter().find(|(name, _)| name.contains("/evidence/") && name.contains(kind))?;
        let text = String::from_utf8(text.clone()).unwrap();
        let (cosigned, refused) = text.split_once("== refused\n")?;
        let cosigned = cosigned.split_once("== cosigned here by then\n")?.1.trim_end().to_owned() + "\n";
        let refused = AddCheckpoint::parse(refused).ok()?;
        let ours = open_by_any(&cosigned, &[log_public()]).ok()?.0;
        let theirs = open_by_any(refused.checkpoint(), &[log_public()]).ok()?.0;
        noticed(ours != theirs, "both signed notes are kept")
    }
}

async fn split_view_of_a_witness() -> Attack {
    let mut attack = Attack::new("Split view", "witness");
    let witness = Asked::start().await;
    assert_eq!(witness.post(&Log::of(8, 99), 0).await, None);
    attack.refused("a larger tree with another history", witness.post(&Log::of(20, 5), 8).await);
    attack.refused("another tree of the size that it cosigned", witness.post(&Log::of(8, 5), 8).await);
    attack.refused("the same, by a smaller old size", witness.post(&Log::of(8, 5), 3).await);
    attack.detected("what it was shown of a larger tree", witness.evidence("fork"));
    attack.detected("what it was shown of a tree of the same size", witness.evidence("split-view"));
    // Eight histories that it has seen none of, all at once.
    let fresh = Asked::start().await;
    let logs: Vec<Log> = (0..8).map(|fork| Log::of(16 + fork, fork)).collect();
    let answers = futures::future::join_all(logs.iter().map(|log| fresh.post(log, 0))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1, "one is cosigned");
    for _ in answers.iter().flatten() {
        attack.refused(
            "one of eight histories that are shown at once, beside the first",
            Some("4xx".to_owned()),
        );
    }
    assert_eq!(witness.post(&Log::of(20, 99), 8).await, None, "the honest log goes on");
    attack
}

/// A log of so many entries that two witnesses cosigned.
fn cosigned(size: u64) -> Log {
    let log = Log::of(size, u64::MAX);
    let text = log.head().to_text();
    let lines: String =
        [1, 2].iter().map(|number| cosigner(*number).cosign(&text, 1_800_000_000).unwrap()).collect();
    log.put("checkpoint", (log_key().sign_checkpoint(&log.head()) + &lines).as_bytes());
    log
}

/// What a verifier says who kept a checkpoint from before.
async fn verified(log: &Log, before: &Log) -> Option<String> {
    let since = Some(log_key().sign_checkpoint(&before.head()));
    let policy = policy(2, &[(1, ""), (2, "")]);
    let config = VerifyConfig { source: Source::folder(log.path()), policy, log: None, since };
    let faults = verify(&config).await.err()?;
    faults.0.into_iter().next().and_then(|fault| error::<(), _>(Err(fault)))
}

async fn split_view_of_a_verifier() -> Attack {
    let mut attack = Attack::new("Split view", "verifier of files");
    let log = cosigned(300);
    assert_eq!(verified(&log, &Log::of(256, u64::MAX)).await, None);
    attack.detected("another history since a kept checkpoint", verified(&log, &Log::of(12, 11)).await);
    attack.detected("another tree of the kept checkpoint's size", verified(&log, &Log::of(300, 11)).await);
    // Entries of another log under the cosigned checkpoint.
    let other = Log::of(300, 10);
    other.put("checkpoint", &std::fs::read(log.path().join("checkpoint")).unwrap());
    attack.detected("other entries under the cosigned checkpoint", verified(&other, &Log::of(0, 0)).await);
    attack
}

async fn rollback_of_a_witness() -> Attack {
    let mut attack = Attack::new("Rollback of a log", "witness");
    let witness = Asked::start().await;
    assert_eq!(witness.post(&Log::of(8, 99), 0).await, None);
    assert_eq!(witness.post(&Log::of(20, 99), 8).await, None);
    attack.refused("a smaller tree of the same history", witness.post(&Log::of(12, 99), 8).await);
    attack.refused("an old checkpoint again", witness.post(&Log::of(8, 99), 0).await);
    let note = log_key().sign_checkpoint(&Log::of(12, 99).head());
    let claimed = format!("old 20\n\n{note}");
    attack.refused("the same, as if it had grown from the cosigned size", witness.post_text(claimed).await);
    attack.detected("what it was shown of a smaller tree", witness.evidence("rollback"));
    attack
}

async fn rollback_of_a_verifier() -> Attack {
    let mut attack = Attack::new("Rollback of a log", "verifier of files");
    let log = cosigned(300);
    assert_eq!(verified(&log, &Log::of(300, u64::MAX)).await, None);
    attack.detected("fewer entries than a kept checkpoint", verified(&log, &Log::of(301, u64::MAX)).await);
    attack
}

/// The hub's disk is put back to an older copy while the published log stays.
async fn rollback_of_a_hub() -> Attack {
    let mut attack = Attack::new("Rollback of a log", "hub that starts");
    let TestHub { running, folder, token, .. } = TestHub::start().await;
    running.stop().await;
    let before = database_files(folder.path());
    let hub = TestHub::over(folder, &token).await;
    hub.organisation("harbour", OrganisationRole::Operator).await;
    crate::commissioners::granted_behind(&hub, "npa", "harbour").await;
    let TestHub { running, folder, .. } = hub;
    let folder = folder.path();
    running.stop().await;
    let (after, acts) = (database_files(folder), folder.join("log/checkpoint"));
    let signed = std::fs::read(&acts).unwrap();
    let refusal = async || start(folder).await.err().map(|error| format!("does not start: `{}`", error.code));
    put_back(folder, &before);
    attack.refused("an older database", refusal().await);
    std::fs::remove_file(&acts).unwrap();
    attack.refused("the same without the checkpoint of acts", refusal().await);
    std::fs::write(&acts, &signed).unwrap();
    put_back(folder, &after);
    let reversed = |path: &Path| {
        let kept = std::fs::read_to_string(path).unwrap();
        let root = kept.lines().nth(2).unwrap();
        std::fs::write(path, kept.replacen(root, &root.chars().rev().collect::<String>(), 1)).unwrap();
        kept
    };
    for (what, name) in [
        ("acts", "log/checkpoint"),
        ("authorisations", "log/authorisations/checkpoint"),
        ("statistics", "log/statistics/checkpoint"),
    ] {
        let path = folder.join(name);
        let kept = reversed(&path);
        attack.refused(format!("a checkpoint of {what} over another root"), refusal().await);
        std::fs::write(path, kept).unwrap();
    }
    start(folder).await.unwrap().stop().await;
    attack
}

/// Somebody changes what bytes of a cosignature's line say.
fn altered(line: &str, at: usize) -> String {
    let (head, encoded) = line.trim_end().rsplit_once(' ').unwrap();
    let mut bytes = STANDARD.decode(encoded).unwrap();
    bytes[at] ^= 1;
    format!("{head} {}\n", STANDARD.encode(bytes))
}

fn forged_cosignatures() -> Attack {
    let mut attack = Attack::new("Forged and replayed cosignatures", "verifier of a checkpoint");
    let policy = policy(2, &[(1, ""), (2, "")]);
    let head = Log::of(8, 99).head();
    let text = head.to_text();
    let by = |number: u8, text: &str| cosigner(number).cosign(text, 1_800_000_000).unwrap();
    let signed = log_key().sign_checkpoint(&head);
    let said = |lines: &str| error(policy.check(&format!("{signed}{lines}")));
    let (first, second) = (by(1, &text), by(2, &text));
    assert_eq!(said(&format!("{first}{second}")), None);
    for (number, kind) in [(1, CosignatureKind::MlDsa44), (2, CosignatureKind::Ed25519)] {
        let name = format!("witness.example/{number}");
        let stranger = CosigningKey::from_seed(&name, kind, &[7; 32]).unwrap().cosign(&text, 1).unwrap();
        let others = if number == 1 { &second } else { &first };
        attack.refused(
            format!("a witness's name over a stranger's key ({kind:?})"),
            said(&format!("{others}{stranger}")),
        );
        let line = by(number, &text);
        attack.refused(
            format!("a changed signature ({kind:?})"),
            said(&format!("{others}{}", altered(&line, 40))),
        );
        attack
            .refused(format!("a changed time ({kind:?})"), said(&format!("{others}{}", altered(&line, 11))));
        let older = by(number, &Log::of(7, 99).head().to_text());
        attack.refused(
            format!("the cosignature of an older tree ({kind:?})"),
            said(&format!("{others}{older}")),
        );
        let elsewhere = Checkpoint { origin: "other.example/log".into(), ..head.clone() };
        let elsewhere = by(number, &elsewhere.to_text());
        attack.refused(
            format!("the cosignature of another log ({kind:?})"),
            said(&format!("{others}{elsewhere}")),
        );
    }
    attack.refused("one witness twice where two are needed", said(&format!("{first}{first}")));
    let unsigned = format!("{text}\n{first}{second}");
    attack.refused("cosignatures without the log's own signature", error(policy.check(&unsigned)));
    attack
}

/// How the hostile witness answers.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    Replays,
    Forges,
}

/// A witness that somebody else has got hold of.
struct Hostile {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
}

impl Hostile {
    fn key(seed: u8) -> CosigningKey {
        CosigningKey::from_seed("hostile.example/w", CosignatureKind::MlDsa44, &[seed; 32]).unwrap()
    }

    async fn start() -> Self {
        let manner = Arc::new(Mutex::new(Manner::Honest));
        let given: Mutex<HashMap<String, String>> = Mutex::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new((Arc::clone(&manner), given));
        let answer = move |body: String| std::future::ready(Self::answer(&state, &body));
        let router = Router::new().route("/add-checkpoint", axum::routing::post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, manner }
    }

    fn answer((manner, given): &(Arc<Mutex<Manner>>, Mutex<HashMap<String, String>>), body: &str) -> String {
        let request = AddCheckpoint::parse(body).unwrap();
        let text = format!("{}\n", request.checkpoint().split_once("\n\n").unwrap().0);
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
        let manner = *manner.lock().unwrap();
        let mut given = given.lock().unwrap();
        match manner {
            Manner::Honest => {
                let line = Self::key(9).cosign(&text, now).unwrap();
                given.insert(request.origin().to_owned(), line.clone());
                line
            }
            Manner::Replays => given[request.origin()].clone(),
            Manner::Forges => Self::key(8).cosign(&text, now).unwrap(),
        }
    }

    fn turn(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

/// A hub's only witness replays what it said before, or says it under another key.
async fn replayed_cosignatures() -> Attack {
    let mut attack = Attack::new("Forged and replayed cosignatures", "hub, from its witness");
    let hostile = Hostile::start().await;
    let key = Hostile::key(9).cosigner_key().encode();
    let text = format!("witness w {key} http://{}/\nquorum w\n", hostile.address);
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let witnesses = Witnesses { policy: policy.clone(), unwitnessed_max: Duration::from_millis(1500) };
    let hub = TestHub::start_with(|config| config.witnesses = Some(witnesses)).await;
    let mut shown = shown_at_least(&hub, 1).await;
    for (manner, what) in
        [(Manner::Replays, "what it said of a smaller tree"), (Manner::Forges, "another key under its name")]
    {
        hostile.turn(manner);
        hub.organisation(
            if manner == Manner::Forges { "kinki" } else { "harbour" },
            OrganisationRole::Operator,
        )
        .await;
        let is_told = told(&hub, "lacks its quorum").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (size, _) = hub.running.store().read(store::audit::head).await.unwrap();
        let is_held = is_told && size > shown && size_shown(&hub).await == Some(shown);
        attack.refused(what, noticed(is_held, "the new checkpoint is not shown, and `/readyz` says why"));
        hostile.turn(Manner::Honest);
        shown = shown_at_least(&hub, shown + 1).await;
    }
    attack
}

/// Whether the hub says this of itself before long.
async fn told(hub: &TestHub, what: &str) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let ready = hub.get("/readyz").stranger().send().await;
        if String::from_utf8_lossy(&ready.body).contains(what) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn size_shown(hub: &TestHub) -> Option<u64> {
    let reply = hub.get("/log/checkpoint").stranger().send().await;
    let note = String::from_utf8(reply.body).ok()?;
    note.lines().nth(1)?.parse().ok()
}

async fn shown_at_least(hub: &TestHub, size: u64) -> u64 {
    checkpoint_of_shown(hub, size).await.size
}

/// Waits until the hub shows so much of its log, cosigned.
async fn checkpoint_of_shown(hub: &TestHub, size: u64) -> Checkpoint {
    let begun = Instant::now();
    while hub.get("/log/checkpoint").stranger().send().await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody cosigned");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    checkpoint_of(hub, "/log", size).await
}
