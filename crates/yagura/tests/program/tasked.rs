//! What the state asks of an edge: from the commission's passkeys to what is found, and to the end of it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tlog::{CosignatureKind, CosigningKey, LogKey};
use witness::{Witness, WitnessConfig};

use crate::authenticator::Authenticator;
use crate::person::Person;
use crate::running::{
    CONSENT, Edge, Hub, RUNTIME, admin, edge_config_of, register_edge, wait_until, wait_until_or_tell, yagura,
};

/// What the commission lets be looked for, and what a pattern of the operator's own defence would be.
const ASKED: &str = "203.0.113.1";
const NOT_ASKED: &str = "203.0.113.2";

/// A commissioner with a passkey in software.
pub(crate) struct Commissioner {
    pub(crate) person: Person,
    id: String,
    passkey: Authenticator,
}

impl Commissioner {
    fn new(hub: &Hub) -> Self {
        let person = Person::of(hub, "commission", "commissioner");
        let origin = hub.address.replace("127.0.0.1", "localhost");
        let begun = person.done("/api/v1/me/passkeys/start", &Value::Null);
        let (passkey, credential) = Authenticator::create(&begun["options"], &origin);
        let body = json!({ "challenge_id": begun["challenge_id"], "name": "key", "credential": credential });
        person.done("/api/v1/me/passkeys/finish", &body);
        let id = person.good("/api/v1/session")["person"]["id"].as_str().unwrap().to_owned();
        Self { person, id, passkey }
    }

    fn sign(&mut self, path: &str, body: &Value) -> Value {
        let begun = self.person.done(&format!("{path}/start"), body);
        let credential = self.passkey.get(&begun["options"]);
        let body = json!({ "challenge_id": begun["challenge_id"], "credential": credential });
        self.person.done(&format!("{path}/finish"), &body)
    }

    pub(crate) fn decide(&mut self, authorisation: &Value, verdict: &str) -> Value {
        let path = format!("/api/v1/authorisations/{}/decisions", authorisation["id"].as_str().unwrap());
        let body = json!({ "verdict": verdict, "terms": authorisation["terms_hash"], "reason": "looked at" });
        self.sign(&path, &body)
    }

    fn adopt_frame(&mut self) {
        let told = self.person.good("/api/v1/oversight/commission");
        let proposal = &told["proposals"][0];
        let body = json!({ "subject": "frame", "digest": proposal["digest"], "reason": "read" });
        self.sign("/api/v1/oversight/resolutions", &body);
    }
}

/// A hub with a commission of three, a witness, an agency, and an operator whose edge reads one log.
pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hub: Hub,
    pub(crate) commission: Vec<Commissioner>,
    pub(crate) agency: Person,
    pub(crate) log: PathBuf,
    pub(crate) config: PathBuf,
    records: u32,
}

impl Scene {
    fn set() -> Self {
        Self::set_with(|_| String::new())
    }

    /// With more in the edge's configuration, given the folder of the scene.
    pub(crate) fn set_with(more: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let key = CosigningKey::from_seed("witness.example/w", CosignatureKind::MlDsa44, &[3; 32]).unwrap();
        let line = format!(
            "witness w {} http://{}/\nquorum w\n",
            key.cosigner_key().encode(),
            listener.local_addr().unwrap()
        );
        let hub = hub(folder.path(), &line);
        let token = register_edge(&hub);
        let logs = log_keys(&hub);
        watch(folder.path(), key, &logs, listener);
        let commission = constituted(&hub);
        admin(&hub, &["org", "add", "npa", "--name-ja", "警察", "--name-en", "Police", "--role", "agency"]);
        let agency = Person::of(&hub, "npa", "duty_officer");
        let log = folder.path().join("eve.json");
        std::fs::write(&log, "").unwrap();
        let pinned = pin(folder.path(), &commission[0].person, &logs[1], &line);
        let source = format!("[[source]]\nname = \"suricata\"\npath = {log:?}\n");
        let more = more(folder.path());
        let sections = format!("[consent]\n{CONSENT}\n{pinned}{more}{source}");
        let config = edge_config_of(&folder.path().join("edge"), "harbour-1", &hub, &token, &sections);
        Self { folder, hub, commission, agency, log, config, records: 0 }
    }

    fn ask(&self) -> Value {
        let now = jiff::Timestamp::now();
        self.agency.done(
            "/api/v1/authorisations",
            &json!({
                "kind": "ordinary", "category": "foreign-domestic", "operators": ["harbour"],
                "indicators": [format!("[ipv4-addr:value = '{ASKED}']"), "[domain-name:value = 'evil.example']"],
                "fields": ["addresses", "own-pseudonyms"], "queries_per_day": 2, "from": now.to_string(),
                "until": (now + jiff::SignedDuration::from_hours(20)).to_string(), "retention": "measures-2y",
                "purpose": "collective-defence", "reason": "traffic to a command server",
            }),
        )
    }

    /// A flow of now, with a port of its own.
    fn flow(&mut self, to: &str) {
        self.records += 1;
        let (now, port) = (jiff::Timestamp::now(), 20_000 + self.records);
        let line = format!(
            r#"{{"timestamp":"{now}","event_type":"flow","src_ip":"10.0.0.5","src_port":{port},"dest_ip":"{to}","dest_port":443,"proto":"TCP"}}{}"#,
            '\n'
        );
        OpenOptions::new().append(true).open(&self.log).unwrap().write_all(line.as_bytes()).unwrap();
    }

    pub(crate) fn wait(&self, edge: &Edge, what: &str, is_so: impl Fn(&Value) -> bool) {
        let ledger = || edge.ledger();
        wait_until_or_tell(what, || is_so(&ledger()), || format!("{:#}", ledger()));
    }

    /// What `yagura admin` answers, called in the scene's folder.
    fn admin(&self, arguments: &[&str]) -> Value {
        let done = self.admin_output(arguments);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Why it does not do it.
    fn admin_fails(&self, arguments: &[&str]) -> String {
        let done = self.admin_output(arguments);
        assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stderr).unwrap()
    }

    fn admin_output(&self, arguments: &[&str]) -> std::process::Output {
        let mut admin = yagura();
        admin.current_dir(self.folder.path()).args(["--json", "admin", "--data"]).arg(self.hub.data());
        admin.args(arguments).output().unwrap()
    }

    pub(crate) fn receipts(&self) -> Vec<Value> {
        let told = self.commission[0].person.good("/api/v1/receipts");
        told["receipts"].as_array().unwrap().clone()
    }
}

fn hub(folder: &Path, witnesses: &str) -> Hub {
    let frame = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators/frame.example.json");
    let policy = folder.join("hub.policy");
    std::fs::write(&policy, witnesses).unwrap();
    let passphrase = folder.join("passphrase");
    std::fs::write(&passphrase, "a passphrase of the tests\n").unwrap();
    let config = folder.join("hub.toml");
    let signs = statement_key(folder);
    let text = format!(
        "[oversight]\nframe = {frame:?}\nstatistics_keys = [{signs:?}]\n[transparency]\npage = true\n[log]\nwitnesses = {policy:?}\nunwitnessed_hours = 4\n{}",
        retention(folder, &passphrase)
    );
    std::fs::write(&config, text).unwrap();
    let made = yagura().args(["admin", "retention", "init", "--config"]).arg(&config).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let hub = Hub::start_with(&folder.join("hub"), &config);
    admin(
        &hub,
        &[
            "org",
            "add",
            "commission",
            "--name-ja",
            "委員会",
            "--name-en",
            "Commission",
            "--role",
            "oversight",
        ],
    );
    hub
}

/// The key that the commission signs statistics with, made in a file; as others are told it.
fn statement_key(folder: &Path) -> String {
    let mut make = yagura();
    make.current_dir(folder).args(["--json", "log", "key", "--kind", "statement"]);
    let made = make.args(["--name", "commission.example/statistics", "--out", "s.key"]).output().unwrap();
    let told: Value = serde_json::from_slice(&made.stdout).unwrap();
    told["key"].as_str().unwrap().to_owned()
}

/// Where what is found is kept, as long as it may be.
fn retention(folder: &Path, passphrase: &Path) -> String {
    let class = |name: &str| {
        format!(
            "[[retention.classes]]\nname = \"{name}\"\ndays = 730\nlegal_basis = \"a rule of the tests\"\n"
        )
    };
    let (keys, kept) = (folder.join("keys"), folder.join("retention"));
    std::fs::create_dir(&kept).unwrap();
    format!(
        "[retention]\nfolder = {kept:?}\n{}{}[retention.service]\nkind = \"file\"\nfile = {keys:?}\npassphrase_file = {passphrase:?}\n",
        class("measures-2y"),
        class("erase-at-end")
    )
}

/// The keys of the hub's logs: of acts, of authorisations, of statistics.
fn log_keys(hub: &Hub) -> [LogKey; 3] {
    let mut seed = [0; 32];
    let text = std::fs::read_to_string(hub.data().join("node.key")).unwrap();
    hex::decode_to_slice(text.trim(), &mut seed).unwrap();
    let note = std::fs::read_to_string(hub.data().join("log/checkpoint")).unwrap();
    let origin = note.lines().next().unwrap();
    let names = [origin.to_owned(), format!("{origin}/authorisations"), format!("{origin}/statistics")];
    names.map(|name| {
        let key = tlog::SigningKey::from_seed(&name, seed).unwrap().verifying_key();
        LogKey::parse(&key.encode()).unwrap()
    })
}

fn watch(folder: &Path, key: CosigningKey, logs: &[LogKey], listener: tokio::net::TcpListener) {
    let config =
        WitnessConfig { create: true, folder: folder.join("witness"), keys: vec![key], logs: logs.to_vec() };
    let witness = Arc::new(Witness::open(config).unwrap());
    RUNTIME.spawn(async move { witness::serve(witness, listener, std::future::pending()).await });
}

/// Three commissioners, of whom two decide, and the frame in force.
fn constituted(hub: &Hub) -> Vec<Commissioner> {
    let mut members: Vec<Commissioner> = (0..3).map(|_| Commissioner::new(hub)).collect();
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365);
    let constitution =
        json!({ "name": "委員会", "threshold": 2, "members": ids, "until": until.to_string() });
    Person::of(hub, "commission", "administrator").done("/api/v1/oversight/commission", &constitution);
    for member in members.iter_mut().take(2) {
        member.adopt_frame();
    }
    members
}

/// What the operator pins at its edge; the section of the edge's configuration.
fn pin(folder: &Path, asker: &Person, log: &LogKey, witnesses: &str) -> String {
    let told = asker.good("/api/v1/oversight/commission");
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let commission = file("commission.json", told["commission"]["document"].to_string());
    let frame = file("frame.json", told["frame"]["document"].to_string());
    let policy = file("edge.policy", format!("log {}\n{witnesses}", log.encode()));
    format!(
        "[authorisations]\noperator = \"harbour\"\ncommission = {commission:?}\nframe = {frame:?}\npolicy = {policy:?}\n"
    )
}

#[test]
fn what_was_granted_is_looked_for_until_it_is_revoked() {
    let mut scene = Scene::set();
    let edge = Edge::start(&scene.config);
    scene.wait(&edge, "the log of authorisations is followed", |ledger| {
        ledger["authority"]["witnessed"].is_string()
    });
    scene.flow(ASKED);
    let asked = scene.ask();
    assert_eq!(edge.ledger()["authority"]["tasks"], json!([]), "asked for is not granted");
    for member in scene.commission.iter_mut().take(2) {
        member.decide(&asked, "grant");
    }
    scene.wait(&edge, "the edge looks for it", |ledger| ledger["authority"]["tasks"][0]["patterns"] == 2);
    for _ in 0..3 {
        scene.flow(ASKED);
        scene.flow(NOT_ASKED);
    }
    scene.wait(&edge, "what was found left", |ledger| ledger["counts"]["selected"] == 1);
    let ledger = edge.ledger();
    let left = rows(&ledger, "selected");
    assert_eq!(left.len(), 1, "three records of one hour are one find: {left:#?}");
    let detail = left[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains(ASKED) && !detail.contains(NOT_ASKED) && !detail.contains("10.0.0.5"),
        "{detail}"
    );
    assert!(!detail.contains("443"), "ports were not granted: {detail}");
    assert_eq!(rows(&ledger, "matched").len(), 0, "it is no match of the operator's own defence");

    let found =
        scene.agency.good(&format!("/api/v1/authorisations/{}/selections", asked["id"].as_str().unwrap()));
    assert!(found.to_string().contains(ASKED) && !found.to_string().contains("10.0.0.5"), "{found}");

    wait_until("the receipt of the use is at the hub", || !scene.receipts().is_empty());
    let one = scene.receipts();
    assert_eq!((one.len(), &one[0]["count"], &one[0]["edge"]), (1, &json!(2), &json!("harbour-1")));
    drop(edge);
    let edge = Edge::start(&scene.config);
    scene.wait(&edge, "the edge goes on", |ledger| ledger["authority"]["tasks"][0]["number"] == 1);
    assert_eq!(scene.receipts(), one, "going on after a restart is no other use");

    scene.commission[2].decide(&asked, "revoke");
    scene.wait(&edge, "the edge stops", |ledger| ledger["authority"]["tasks"] == json!([]));
    assert_eq!(rows(&edge.ledger(), "ended").len(), 1);
    scene.flow(ASKED);
    scene.wait(&edge, "the record is read", |ledger| ledger["records"].as_u64() >= Some(1));
    assert_eq!(rows(&edge.ledger(), "selected").len(), 1, "nothing is found for the state any more");
    statistics_are_counted_again(&scene);
    let config = scene.folder.path().join("hub.toml");
    let mut check = yagura();
    check
        .args(["--json", "check", "deletion", "--config"])
        .arg(&config)
        .arg("--backup")
        .arg(scene.hub.data())
        .arg("--in-use")
        .arg(scene.hub.data());
    let checked = check.output().unwrap();
    let told: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let wanted = [("still_open", json!(0)), ("tried", json!(1)), ("not_covered_open", json!(1))];
    for (name, value) in wanted {
        assert_eq!(told[name], value, "{name} of {told}: nothing is to be deleted yet");
    }
    assert_eq!((&told["evidence"]["tried"], &told["evidence"]["in_use"]), (&json!(0), &json!(true)));
}

/// The commission counts, signs and publishes; whoever has log and records counts the same, and notices other numbers.
fn statistics_are_counted_again(scene: &Scene) {
    let folder = scene.folder.path();
    let told = scene.commission[0].person.good("/api/v1/oversight/records?from=0");
    assert_eq!(told["next"], Value::Null);
    std::fs::write(folder.join("records.json"), told.to_string()).unwrap();
    let log = format!("{}/log/authorisations", scene.hub.address);
    let run = |more: &[&str]| {
        let done = yagura().current_dir(folder).args(["--json", "log"]).args(more).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let count_in = |records: &str, (since, until): (&str, &str), more: &[&str]| {
        let given = ["statistics", "--from", &log, "--policy", "edge.policy", "--records", records];
        let period = ["--since", since, "--until", until, "--suppress-below", "0"];
        run(&given.into_iter().chain(period).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    let count = |records: &str, more: &[&str]| count_in(records, ("2026-01-01", "2126-01-01"), more);
    let (code, numbers, _) = count("records.json", &[]);
    let numbers: Value = serde_json::from_str(&numbers).unwrap();
    let of = &numbers["categories"]["foreign-domestic"];
    let wanted =
        [("requested", 1), ("granted", 1), ("revoked", 1), ("used", 1), ("operators", 1), ("refused", 0)];
    for (name, count) in wanted {
        assert_eq!(of[name], json!({ "number": count }), "{name} of {numbers}");
    }
    assert_eq!(code, Some(0));

    let config = std::fs::read_to_string(folder.join("hub.toml")).unwrap();
    let key = config.split_once("statistics_keys = [\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    assert_eq!(count("records.json", &["--key", "s.key", "--out", "published.txt"]).0, Some(0));
    let signed_by = ["--compare", "published.txt", "--signed-by", &key];
    assert_eq!(count("records.json", &signed_by).0, Some(0));

    let published = std::fs::read_to_string(folder.join("published.txt")).unwrap();
    std::fs::write(folder.join("published.txt"), published.replacen("\"number\":1", "\"number\":0", 1))
        .unwrap();
    assert_eq!(count("records.json", &signed_by).0, Some(1), "other numbers under the same signature");
    let mut fewer = told;
    fewer["records"]
        .as_array_mut()
        .unwrap()
        .retain(|record| record["record"].as_str().is_some_and(|text| !text.contains("revoke")));
    std::fs::write(folder.join("fewer.json"), fewer.to_string()).unwrap();
    let (code, _, why) = count("fewer.json", &[]);
    assert!(code == Some(1) && why.contains("missing"), "{why}");

    // What is of a period that is over is published, and verified by whoever has the key.
    let early = scene.admin_fails(&["statistics", "publish", "published.txt"]);
    assert!(early.contains("no valid signature"), "{early}");
    let year = ("2024-04-01", "2025-04-01");
    for (out, corrects) in [("first.txt", None), ("second.txt", Some("first.txt"))] {
        let named = corrects.map(|file| ["--corrects", file]);
        let more = ["--key", "s.key", "--out", out].into_iter().chain(named.iter().flatten().copied());
        assert_eq!(count_in("records.json", year, &more.collect::<Vec<_>>()).0, Some(0));
        let told = scene.admin(&["statistics", "publish", out]);
        assert_eq!(
            (told[0]["corrects"].is_null(), told[0]["key"].as_str()),
            (corrects.is_none(), Some(&*key))
        );
    }
    let again = scene.admin_fails(&["statistics", "publish", "second.txt"]);
    assert!(again.contains("corrected before"), "{again}");
    assert_eq!(scene.admin(&["statistics", "list"]).as_array().unwrap().len(), 2);
    let compare = ["--compare", "second.txt", "--signed-by", &key];
    assert_eq!(count_in("records.json", year, &compare).0, Some(0), "what it corrects is not counted");
    let [.., statistics] = log_keys(&scene.hub);
    let witnesses = std::fs::read_to_string(folder.join("hub.policy")).unwrap();
    std::fs::write(folder.join("statistics.policy"), format!("log {}\n{witnesses}", statistics.encode()))
        .unwrap();
    let from = format!("{}/log/statistics", scene.hub.address);
    let verify =
        |key: &str| run(&["verify", "--from", &from, "--policy", "statistics.policy", "--signed-by", key]);
    wait_until("both stand in the log that witnesses cosigned", || {
        let (code, told, _) = verify(&key);
        code == Some(0) && told.contains("\"size\":2")
    });
    let other = key.replacen("commission.example", "other.example", 1);
    assert_ne!(verify(&other).0, Some(0));
    let (code, _, why) = verify(&statistics.encode());
    assert!(code == Some(1) && why.contains("entry 0 is no statement"), "{why}");
    let rows = yagura().args(["--json", "log", "verify", "--data"]).arg(scene.hub.data()).output().unwrap();
    let rows: Value = serde_json::from_slice(&rows.stdout).unwrap();
    let sizes: Vec<u64> =
        rows["logs"].as_array().unwrap().iter().map(|log| log["size"].as_u64().unwrap()).collect();
    assert!(sizes.len() == 3 && sizes[1] > 5 && sizes[2] == 2 && rows["size"] == sizes[0], "{rows}");
}

pub(crate) fn rows(ledger: &Value, kind: &str) -> Vec<Value> {
    ledger["rows"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).cloned().collect()
}
