//! `yagura playbook`, `yagura run` and `yagura order` as a program, against a hub.

use serde_json::Value;

use crate::running::{Hub, admin, yagura};

/// The answer of a command: its code, what it printed, what it said.
pub(crate) fn run(hub: &Hub, token: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = yagura();
    command.args(["--lang", "en"]).args(arguments);
    command.env("YAGURA_HUB", &hub.address).env("YAGURA_TOKEN", token);
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().trim().to_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[track_caller]
fn good(hub: &Hub, token: &str, arguments: &[&str]) -> String {
    let (code, out, said) = run(hub, token, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {out} {said}");
    out
}

const NEAR_MISS: &str = include_str!("../../../../playbooks/near-miss.json");

#[test]
fn a_playbook_is_brought_run_shown_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let token = admin(&hub, &["token", "add", "--org", "coordinator", "--role", "duty_officer"]);
    let token = token.as_str();
    assert_eq!(good(&hub, token, &["playbook", "list"]).lines().count(), 12, "our own are there");

    // Brought as it is written, and known again byte for byte.
    let own = folder.path().join("own.json");
    let mut document: Value = serde_json::from_str(NEAR_MISS).unwrap();
    document["id"] = "playbook--0f5e2b1c-6c54-4e0a-9d3c-3f7f5a1b2c3d".into();
    std::fs::write(&own, document.to_string()).unwrap();
    let own = own.to_str().unwrap();
    let (_, added, said) = run(&hub, token, &["playbook", "add", own]);
    assert_eq!(added, "playbook--0f5e2b1c-6c54-4e0a-9d3c-3f7f5a1b2c3d", "{said}");
    let (_, _, said) = run(&hub, token, &["playbook", "add", own]);
    assert!(said.contains("here before"), "{said}");
    assert_eq!(good(&hub, token, &["playbook", "list", "--json"]).lines().count(), 13);
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, NEAR_MISS.get(..200).unwrap()).unwrap();
    assert_eq!(run(&hub, token, &["playbook", "add", broken.to_str().unwrap()]).0, Some(1));

    // Named wrongly nothing begins.
    let library = serde_json::from_str::<Value>(NEAR_MISS).unwrap()["id"].as_str().unwrap().to_owned();
    for wrong in [
        &["playbook", "start", "nothing"] as &[&str],
        &["playbook", "start", "near-miss"],
        &["playbook", "start", &library, "--set", "luck=yes"],
        &["playbook", "start", &library, "--set", "what"],
        &["playbook", "start", &library, "--case", "#77"],
    ] {
        assert_eq!(run(&hub, token, wrong).0, Some(2), "{wrong:?}");
    }

    let id = "7b0f5e2b-6c54-4e0a-9d3c-3f7f5a1b2c3d";
    let start =
        ["playbook", "start", &library, "--set", "what=a mail got through", "--set", "case=none", "--id", id];
    let begun = good(&hub, token, &start);
    assert_eq!(good(&hub, token, &start), begun, "sent twice it is one run");
    let listed = good(&hub, token, &["run", "list"]);
    assert!(listed.lines().count() == 1 && listed.starts_with(&begun), "{listed}");
    let shown = good(&hub, token, &["run", "show", &begun]);
    assert!(shown.contains("by hand"), "{shown}");
    let cancelled = good(&hub, token, &["run", "cancel", &begun, "--reason", "it was a drill"]);
    assert!(cancelled.contains("cancelled"), "{cancelled}");
    let shown: Value = serde_json::from_str(&good(&hub, token, &["run", "show", &begun, "--json"])).unwrap();
    assert_eq!(shown["summary"]["state"], "cancelled");

    assert_eq!(good(&hub, token, &["order", "list"]), "");
    let undo = ["order", "undo", id, "--reason", "no more needed"];
    assert_eq!(
        run(&hub, token, &undo).0,
        Some(2),
        "a program undoes nothing, and this one was never ordered"
    );
}

#[test]
fn who_may_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let trainee = admin(&hub, &["token", "add", "--org", "coordinator", "--role", "trainee"]);
    for asked in [["playbook", "list"], ["run", "list"], ["order", "list"]] {
        let (code, out, said) = run(&hub, &trainee, &asked);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{asked:?}: {said}");
    }
}
