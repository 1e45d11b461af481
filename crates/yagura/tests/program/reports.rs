//! `yagura report` as a program: written without a hub, sent later and twice, filed, and verified with nothing but files.

use std::path::Path;

use serde_json::Value;

use crate::running::{Hub, yagura};

fn run(hub: Option<&Hub>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = yagura();
    command.args(["--lang", "en", "report"]).args(arguments);
    if let Some(hub) = hub {
        command.env("YAGURA_HUB", &hub.address).env("YAGURA_TOKEN", &hub.token);
    }
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[track_caller]
fn good(hub: Option<&Hub>, arguments: &[&str]) -> String {
    let (code, out, said) = run(hub, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    out.trim().to_owned()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_draft_is_written_without_a_hub_sent_twice_filed_and_its_receipt_verified() {
    let folder = tempfile::tempdir().unwrap();
    let draft = path(folder.path(), "draft.json");
    let new = [
        "draft",
        "--kind",
        "data-breach",
        "--set",
        "summary=名簿が漏えいした",
        "--set",
        "ongoing=no",
        "--out",
        &draft,
    ];
    good(None, &new);
    assert_eq!(run(None, &new).0, Some(3), "a draft that is there is not overwritten");
    for wrong in [
        ["--set", "impact=later"],
        ["--set", "ongoing=perhaps"],
        ["--set", "no-equals-sign"],
        ["--aware", "now"],
    ] {
        let other = path(folder.path(), "other.json");
        let arguments = [&["draft", "--kind", "ddos", "--out", &other], wrong.as_slice()].concat();
        assert_eq!(run(None, &arguments).0, Some(2), "{wrong:?}");
        assert!(!Path::new(&other).exists());
    }
    let (code, _, said) = run(None, &["send", &draft, "--hub", "http://127.0.0.1:1"]);
    assert_eq!(code, Some(3), "the draft stays: {said}");

    let hub = Hub::start(&folder.path().join("hub"));
    let report = good(Some(&hub), &["send", &draft]);
    assert_eq!(good(Some(&hub), &["send", &draft]), report, "sent twice it is one report");
    assert_eq!(good(Some(&hub), &["list"]).lines().count(), 1);
    good(
        Some(&hub),
        &["add", &report, "--set", "personal_data=yes", "--set", "persons_count=20000", "--unknown", "cause"],
    );
    let note = path(folder.path(), "報告.docm");
    std::fs::write(&note, "macro").unwrap();
    let (code, out, said) = run(Some(&hub), &["attach", &report, &note]);
    assert!(code == Some(0) && out.contains("報告.docm") && said.contains("opened"), "{out} {said}");
    let form = good(Some(&hub), &["form", &report, "eu.gdpr", "notification", "authority"]);
    assert!(form.contains("20,000 persons"), "{form}");

    let kept = path(folder.path(), "receipts");
    let event = good(Some(&hub), &["file", &report, "eu.gdpr", "notification", "authority", "--out", &kept]);
    let shown: Value = serde_json::from_str(&good(Some(&hub), &["show", &report, "--json"])).unwrap();
    assert_eq!(shown["filings"][0]["event"], event.as_str());
    let mut seed = [0; 32];
    hex::decode_to_slice(std::fs::read_to_string(hub.data().join("node.key")).unwrap().trim(), &mut seed)
        .unwrap();
    drop(hub);

    // From here on there is no hub.
    let (copy, receipt) = (format!("{kept}/{event}.json"), format!("{kept}/{event}.tlog-proof"));
    let proof = std::fs::read_to_string(&receipt).unwrap();
    let origin = proof.split_once("\n\n").unwrap().1.lines().next().unwrap();
    // The log's key, as its reader was once told it.
    let key = tlog::SigningKey::from_seed(origin, seed).unwrap().verifying_key().encode();
    let policy = path(folder.path(), "policy");
    std::fs::write(&policy, format!("log {key}\nquorum none\n")).unwrap();
    let verify = |copy: &str, receipt: &str| {
        run(None, &["verify", "--receipt", receipt, "--copy", copy, "--policy", &policy])
    };
    let (code, out, said) = verify(&copy, &receipt);
    assert!(code == Some(0) && out.contains("eu.gdpr/notification/authority"), "{out} {said}");
    let altered = path(folder.path(), "altered.json");
    std::fs::write(&altered, std::fs::read_to_string(&copy).unwrap().replace("20000", "20")).unwrap();
    let (code, _, said) = verify(&altered, &receipt);
    assert!(code == Some(1) && said.contains("SHA-256"), "{said}");
    assert_eq!(verify(&copy, &draft).0, Some(1), "a draft is no receipt");
}
