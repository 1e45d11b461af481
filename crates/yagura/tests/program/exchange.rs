//! Files in, files out, and a log that shows what was done to it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::running::{Hub, wait_until, yagura};

const GOOD: &str = r#"{"type":"identity" , "spec_version":"2.1","id":"identity--7a1e6f8a-0c3d-4b7e-9d53-0f6a2c4b8e10","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"港湾","x_own":1.50}"#;
const BAD: &str = r#"{"type":"indicator","spec_version":"2.1","id":"indicator--7a1e6f8a-0c3d-4b7e-9d53-0f6a2c4b8e11","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[ipv4-addr:value = ","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}"#;

fn import(hub: &Hub, file: &Path) -> (Option<i32>, String) {
    let done = yagura()
        .args(["import", "--hub", &hub.address])
        .arg(file)
        .env("YAGURA_TOKEN", &hub.token)
        .output()
        .unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
}

#[test]
fn a_bad_object_is_named_and_the_good_ones_land_and_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let file = folder.path().join("bundle.json");
    std::fs::write(&file, format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{GOOD},{BAD}]}}"#))
        .unwrap();
    let (code, said) = import(&hub, &file);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("indicator--7a1e6f8a") && said.contains("1 accepted, 0 were there already, 1 refused"),
        "{said}"
    );
    let (_, again) = import(&hub, &file);
    assert!(again.contains("0 accepted, 1 were there already, 1 refused"), "{again}");
    let out = folder.path().join("out.json");
    let mut export = yagura();
    export.args(["export", "--hub", &hub.address, "--output"]).arg(&out).env("YAGURA_TOKEN", &hub.token);
    assert!(export.status().unwrap().success());
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains(GOOD), "byte for byte: {text}");
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bundle["type"], "bundle");
}

#[test]
fn a_wrong_token_and_an_absent_hub_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let file = folder.path().join("object.json");
    std::fs::write(&file, GOOD).unwrap();
    let code_of = |address: &str, token: &str| {
        let done = yagura()
            .args(["import", "--json", "--hub", address])
            .arg(&file)
            .env("YAGURA_TOKEN", token)
            .output()
            .unwrap();
        let error: Value = serde_json::from_slice(&done.stderr).unwrap();
        (done.status.code(), error["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(code_of(&hub.address, "yg_wrong"), (Some(2), "sign-in-refused".to_owned()));
    assert_eq!(code_of("http://127.0.0.1:9", &hub.token), (Some(3), "hub-unreachable".to_owned()));
}

fn verify(data: &Path) -> Option<i32> {
    yagura().args(["log", "verify", "--data"]).arg(data).output().unwrap().status.code()
}

#[test]
fn an_altered_row_and_an_altered_tile_are_both_found() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let file = folder.path().join("object.json");
    std::fs::write(&file, GOOD).unwrap();
    import(&hub, &file);
    let data = hub.stop();
    wait_until("the log is published", || verify(&data) == Some(0));

    // Narrower tiles of earlier checkpoints stand beside the one that counts.
    let width = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap();
    let tiles = std::fs::read_dir(data.join("log/tile/0/000.p")).unwrap().map(|entry| entry.unwrap().path());
    let tile = tiles.max_by_key(width).unwrap();
    let whole = std::fs::read(&tile).unwrap();
    let mut altered = whole.clone();
    if let Some(byte) = altered.first_mut() {
        *byte ^= 1;
    }
    std::fs::write(&tile, altered).unwrap();
    assert_eq!(verify(&data), Some(1));
    std::fs::write(&tile, whole).unwrap();
    assert_eq!(verify(&data), Some(0));

    let database = rusqlite::Connection::open(data.join("yagura.sqlite")).unwrap();
    let forged = "UPDATE audit SET record = CAST(replace(CAST(record AS TEXT), 'objects-added', 'objects-gone!') AS BLOB)";
    assert!(database.execute(forged, []).unwrap() > 0);
    drop(database);
    assert_eq!(verify(&data), Some(1));
}
