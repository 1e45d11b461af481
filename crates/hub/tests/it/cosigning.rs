//! What the hub shows and gives depends on who looks at its log.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub::Witnesses;
use oversight::{OrganisationRole, PersonRole};
use stix::marking::Tlp;
use tlog::{CosignatureKind, CosigningKey, LogKey, Policy};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use witness::{Witness, WitnessConfig};

use crate::support::{TestHub, V1, indicator, marked};

/// A witness of all logs on a port that it keeps.
struct Watcher {
    number: u8,
    address: std::net::SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Watcher {
    async fn reserve(number: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { number, address: listener.local_addr().unwrap(), running: None }
    }

    fn key(&self) -> CosigningKey {
        let name = format!("witness-{}.example/w", self.number);
        CosigningKey::from_seed(&name, CosignatureKind::MlDsa44, &[self.number; 32]).unwrap()
    }

    async fn start(&mut self, folder: &Path, logs: Vec<LogKey>) {
        let (folder, keys) = (folder.join(self.address.port().to_string()), vec![self.key()]);
        let config = WitnessConfig { create: !folder.exists(), folder, keys, logs };
        let witness = Arc::new(Witness::open(config).unwrap());
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            witness::serve(witness, listener, stopped).await.unwrap();
        });
        self.running = Some((stop, task));
    }

    async fn stop(&mut self) {
        // With its connections: what was opened before would go on being answered.
        if let Some((stop, task)) = self.running.take() {
            stop.send(()).unwrap();
            task.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_witnesses_nothing_is_given_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut watchers = [Watcher::reserve(1).await, Watcher::reserve(2).await, Watcher::reserve(3).await];
    let line = |(number, watcher): (usize, &Watcher)| {
        format!("witness w{number} {} http://{}/\n", watcher.key().cosigner_key().encode(), watcher.address)
    };
    let lines: String = watchers.iter().enumerate().map(line).collect();
    let policy = format!("{lines}group two 2 w0 w1 w2\nquorum two\n");
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let witnesses = Witnesses { policy: policy.clone(), unwitnessed_max: Duration::from_millis(1500) };
    let hub = TestHub::start_with(|config| {
        config.witnesses = Some(witnesses);
        config.transparency = Some(hub::TransparencyConfig::default());
    });
    let hub = hub.await;
    let logs = keys(hub.folder.path());
    for watcher in &mut watchers {
        watcher.start(folder.path(), logs.clone()).await;
    }
    for (path, log) in ["/log", "/log/authorisations", "/log/statistics"].into_iter().zip(&logs) {
        let note = shown(&hub, path).await;
        let seen = policy.check_log(&note, log).expect("nothing is shown before its quorum");
        assert!(seen.quorum_time().is_some());
    }
    the_page_says_how_to_check_them(&hub).await;

    hub.organisation("harbour", OrganisationRole::Operator).await;
    let harbour = hub.token("harbour", &[PersonRole::Analyst]).await;
    hub.post(&[marked(indicator(V1), Tlp::Green)]).await;
    let reads = |token: String| {
        let hub = &hub;
        async move { hub.get(&hub.within("objects/")).bearer(&token).send().await.status }
    };
    until("others are given what they may see", async || reads(harbour.clone()).await == 200).await;

    // One of three may be away.
    watchers[0].stop().await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(reads(harbour.clone()).await, 200);
    watchers[1].stop().await;
    until("nothing is given to others", async || reads(harbour.clone()).await == 503).await;
    assert_eq!(reads(hub.token.clone()).await, 200, "what one brought oneself");
    let ready = hub.get("/readyz").stranger().send().await;
    assert!(
        String::from_utf8_lossy(&ready.body).contains("w1"),
        "{:?}",
        String::from_utf8_lossy(&ready.body)
    );

    watchers[1].start(folder.path(), logs.clone()).await;
    until("the quorum is back", async || reads(harbour.clone()).await == 200).await;
    assert!(policy.check_log(&shown(&hub, "/log").await, &logs[0]).is_ok());
}

/// The public is told who cosigned, and by the policy on the page the checkpoint holds.
async fn the_page_says_how_to_check_them(hub: &TestHub) {
    let told = hub.get("/api/v1/transparency").stranger().send().await.json();
    assert_eq!(told["witnesses"].as_array().unwrap().len(), 3);
    for log in told["logs"].as_array().unwrap() {
        let by = log["cosigned_by"].as_array().unwrap().len();
        assert!((2..=3).contains(&by) && log["cosigned_at"].is_string(), "{log}");
    }
    let page = hub.get("/transparency").stranger().send().await.body;
    let page = String::from_utf8(page).unwrap();
    let (_, policy) = page.split_once("(<code>statistics.policy</code>):</p><pre tabindex=\"0\">").unwrap();
    let policy = Policy::parse(policy.split_once("</pre>").unwrap().0.as_bytes()).unwrap();
    let note = told["logs"][2]["checkpoint"].as_str().unwrap();
    assert!(policy.check(note).unwrap().quorum_time().is_some());
}

/// The verifier keys of the logs.
fn keys(folder: &Path) -> Vec<LogKey> {
    let mut seed = [0; 32];
    let text = std::fs::read_to_string(folder.join("node.key")).unwrap();
    hex::decode_to_slice(text.trim(), &mut seed).unwrap();
    let note = std::fs::read_to_string(folder.join("log/checkpoint")).unwrap();
    let origin = note.lines().next().unwrap();
    let key = |name: &str| {
        LogKey::parse(&tlog::SigningKey::from_seed(name, seed).unwrap().verifying_key().encode()).unwrap()
    };
    vec![key(origin), key(&format!("{origin}/authorisations")), key(&format!("{origin}/statistics"))]
}

async fn shown(hub: &TestHub, log: &str) -> String {
    let begun = Instant::now();
    loop {
        let reply = hub.get(&format!("{log}/checkpoint")).stranger().send().await;
        if reply.status == 200 {
            return String::from_utf8(reply.body).unwrap();
        }
        assert_eq!(reply.status, 503);
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody cosigned");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
