//! `yagura case mail` as a mail system runs it: a mail on standard input, a token in a file, and an exit code that it understands.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::running::{Hub, RUNTIME, yagura};

const MAIL: &str =
    "From: a@port.example\r\nSubject: harbour\r\nMessage-ID: <1@port.example>\r\n\r\nIt stands still.\r\n";

fn hand_in(arguments: &[&str], message: &str) -> Output {
    let mut command = yagura();
    command.args(["--json", "case", "mail"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that has refused already reads no more.
    let _ = child.stdin.take().unwrap().write_all(message.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn a_mail_system_hands_a_mail_in_and_knows_what_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let body = json!({ "title": "港", "severity": 3, "objects": [] });
    let opened: Value = RUNTIME.block_on(async {
        let request = reqwest::Client::new().post(format!("{}/api/v1/cases", hub.address));
        let request = request.bearer_auth(&hub.token).json(&body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    });
    let number = opened["summary"]["number"].to_string();
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{}\n", hub.token)).unwrap();
    let token = token.to_str().unwrap();
    let at_hub = ["--hub", &hub.address, "--token-file", token];
    let run = |case: &str, message: &str| hand_in(&[&[case][..], &at_hub].concat(), message);
    let told = |done: &Output| -> Value { serde_json::from_slice(&done.stdout).unwrap() };

    let first = run(&number, MAIL);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    let again = told(&run(&format!("#{number}"), MAIL));
    let first = told(&first);
    assert_eq!((&first["waits"], &first["already"]), (&json!(true), &json!(false)));
    assert_eq!((&again["entry"], &again["already"]), (&first["entry"], &json!(true)));

    // The mail is at fault: it goes back. The hub, the token or the file is: it is kept and tried again.
    assert_eq!(run(&number, "no mail at all").status.code(), Some(1));
    std::fs::write(folder.path().join("ended"), "yg_ended").unwrap();
    let ended = folder.path().join("ended");
    let with = |file: &str, hub: &str| {
        hand_in(&[number.as_str(), "--hub", hub, "--token-file", file], MAIL).status.code()
    };
    assert_eq!(with(ended.to_str().unwrap(), &hub.address), Some(75));
    assert_eq!(with("/nowhere/token", &hub.address), Some(75));
    let address = hub.address.clone();
    drop(hub);
    assert_eq!(with(token, &address), Some(75));
}
