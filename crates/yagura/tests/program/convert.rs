//! `yagura stix convert` and `yagura export --format misp` as programs: what goes in comes back.

use std::path::Path;

use serde_json::{Value, json};

use crate::running::{Hub, yagura};

const EVENT: &str = "5a6f1f2e-0000-4000-8000-000000000001";

fn event() -> Value {
    json!({ "Event": { "uuid": EVENT, "info": "港湾への攻撃", "date": "2026-01-02", "timestamp": "1767312000",
        "publish_timestamp": "0", "published": false, "analysis": "1", "threat_level_id": "1", "distribution": "3",
        "Orgc": { "uuid": "5a6f1f2e-0000-4000-8000-0000000000aa", "name": "CERT Test" },
        "Tag": [{ "name": "tlp:green" }, { "name": "admiralty-scale:source-reliability=\"b\"" }],
        "Attribute": [
            { "uuid": "5a6f1f2e-0000-4000-8000-000000000002", "type": "domain", "category": "Network activity",
              "value": "evil.example", "to_ids": true, "timestamp": "1767312000", "comment": "C2" },
            { "uuid": "5a6f1f2e-0000-4000-8000-000000000003", "type": "x-unheard-of", "category": "Other",
              "value": "何か", "to_ids": false, "timestamp": "1767312000", "own_field": [1, 2.5] }],
        "Object": [{ "uuid": "5a6f1f2e-0000-4000-8000-000000000004", "name": "file", "meta-category": "file",
            "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215", "template_version": "24", "timestamp": "1767312000",
            "Attribute": [{ "uuid": "5a6f1f2e-0000-4000-8000-000000000005", "type": "filename", "object_relation": "filename",
                "category": "Payload delivery", "value": "dropper.exe", "to_ids": false, "timestamp": "1767312000" }] }] } })
}

fn run(arguments: &[&str], files: &[&Path]) -> (Option<i32>, String, String) {
    let done = yagura().args(arguments).args(files).output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
}

/// Equal in all but the order of lists, as MISP's are.
fn same(one: &Value, other: &Value) {
    let whole = |value: &Value| misp::canonical(value.get("Event").unwrap_or(value));
    assert_eq!(whole(one), whole(other));
}

#[test]
fn an_event_becomes_stix_and_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (file, stix, report) = (
        folder.path().join("event.json"),
        folder.path().join("stix.json"),
        folder.path().join("report.json"),
    );
    std::fs::write(&file, event().to_string()).unwrap();
    let account = report.to_str().unwrap();
    let (code, out, said) =
        run(&["stix", "convert", "--report", account, "--output", stix.to_str().unwrap()], &[&file]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("0 lost"), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["lost"], json!({}));
    let (code, _, said) = run(&["stix", "validate"], &[&stix]);
    assert_eq!(code, Some(0), "what it became is valid: {said}");
    let (code, back, said) = run(&["stix", "convert", "--to", "misp"], &[&stix]);
    assert_eq!(code, Some(0), "{said}");
    same(&serde_json::from_str(&back).unwrap(), &event());
}

#[test]
fn files_of_other_kinds_are_known_by_their_looks() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str, expected: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let (code, out, said) = run(&["stix", "convert"], &[&file]);
        assert_eq!(code, Some(0), "{name}: {said}");
        assert!(out.contains(expected), "{name}: {expected} in {out}");
    };
    check(
        "list.txt",
        "seen: evil[.]example and hxxp://bad[.]example/x",
        "[url:value = 'http://bad.example/x']",
    );
    check("list.csv", "type,value\ndomain,evil.example\n", "[domain-name:value = 'evil.example']");
    check(
        "kev.json",
        r#"{"catalogVersion":"2026.01.01","dateReleased":"2026-01-01T00:00:00.000Z","vulnerabilities":[{"cveID":"CVE-2026-0001",
            "vendorProject":"v","product":"p","vulnerabilityName":"n","dateAdded":"2026-01-01","shortDescription":"d",
            "requiredAction":"a","dueDate":"2026-02-01"}]}"#,
        "CVE-2026-0001",
    );
    check(
        "epss.csv",
        "#model_version:v2025.03.14,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0002,0.5,0.9\n",
        "CVE-2026-0002",
    );
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, r#"{"Event":7}"#).unwrap();
    let (code, _, said) = run(&["stix", "convert"], &[&broken]);
    assert!(code == Some(1) && said.contains("[misp-"), "{said}");
}

#[test]
fn a_hub_gives_events_as_misp_took_them_in() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let (file, out) = (folder.path().join("event.json"), folder.path().join("out.json"));
    std::fs::write(&file, event().to_string()).unwrap();
    let hub_is = |command: &str| {
        let mut ready = yagura();
        ready.args([command, "--hub", &hub.address]).env("YAGURA_TOKEN", &hub.token);
        ready
    };
    assert!(hub_is("import").arg(&file).status().unwrap().success());
    assert!(hub_is("export").args(["--format", "misp", "--output"]).arg(&out).status().unwrap().success());
    let whole: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    // The sample's own objects are an event apart.
    let events = whole["response"].as_array().cloned().unwrap_or_else(|| vec![whole.clone()]);
    let back = events.iter().find(|one| one["Event"]["uuid"] == EVENT).unwrap();
    same(back, &event());
}

/// A folder that is a MISP feed, made of real events.
#[test]
fn a_folder_of_real_events_loses_nothing() {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: real MISP events need YAGURA_CORPUS");
        return;
    };
    let (folder, mut open) =
        (tempfile::tempdir().unwrap(), vec![Path::new(&root).join("misp/eset-malware-ioc")]);
    let (mut manifest, mut kept) = (serde_json::Map::new(), 0);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let Some(text) =
            std::fs::read(&path).ok().filter(|_| path.extension().is_some_and(|kind| kind == "json"))
        else {
            continue;
        };
        // One of them is no JSON: a comma too many.
        let Ok(whole) = serde_json::from_slice::<Value>(&text) else { continue };
        let event = &whole["Event"];
        let Some(uuid) = event["uuid"].as_str().filter(|uuid| !manifest.contains_key(*uuid)) else {
            continue;
        };
        std::fs::write(folder.path().join(format!("{uuid}.json")), &text).unwrap();
        manifest.insert(uuid.to_owned(), json!({ "info": event["info"], "timestamp": "1" }));
        kept += 1;
    }
    assert!(kept >= 15, "{kept} events");
    std::fs::write(folder.path().join("manifest.json"), Value::Object(manifest).to_string()).unwrap();
    let (code, out, said) = run(&["stix", "convert", "--to", "misp"], &[folder.path()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 lost"), "{said}");
    let back: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(back["response"].as_array().unwrap().len(), kept);
}
