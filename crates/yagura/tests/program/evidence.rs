//! `yagura evidence` as a program: a file is secured, packaged for a court, and the package verified with nothing but its files.

use std::path::Path;

use serde_json::{Value, json};

use crate::running::{Hub, RUNTIME, yagura};

fn run(hub: Option<&Hub>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = yagura();
    command.args(["--lang", "en"]).args(arguments);
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

/// Opens a case; gives its number.
fn opened(hub: &Hub) -> String {
    let body = json!({ "title": "踏み台にされた端末", "severity": 3, "objects": [] });
    let made: Value = RUNTIME.block_on(async {
        let url = format!("{}/api/v1/cases", hub.address);
        let request = reqwest::Client::new().post(url).bearer_auth(&hub.token).json(&body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    });
    made["summary"]["number"].to_string()
}

#[test]
fn a_file_is_secured_packaged_and_the_package_verified_without_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    let hub = Hub::start(&folder.path().join("hub"));
    let case = opened(&hub);
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(at("disk.img"), &content).unwrap();
    std::fs::write(at("password"), "封印-2026-of-night\n").unwrap();
    let secured = [
        "evidence",
        "add",
        &case,
        &at("disk.img"),
        "--kind",
        "disk-image",
        "--description",
        "端末のイメージ",
        "--collector",
        "警部補 山田",
        "--seized-at",
        "2026-11-02T09:30:00+09:00",
        "--seized-where",
        "東京港 計算機室",
        "--reason",
        "捜索差押え",
        "--tlp",
        "red",
        "--id",
        "5a1c6f0e-7d5b-4b6e-9d0e-1f2a3b4c5d6e",
    ];
    let item = good(Some(&hub), &secured);
    assert_eq!(good(Some(&hub), &secured), item, "sent twice it is one item");
    let listed = good(Some(&hub), &["evidence", "list", &case]);
    assert!(listed.contains("kept") && listed.contains("3000000"), "{listed}");
    let shown = good(Some(&hub), &["evidence", "show", &item]);
    assert!(shown.contains("collected") && shown.contains("sealed"), "{shown}");

    let taken = ["evidence", "download", &item, "--reason", "解析", "--out", &at("taken.zip")];
    good(Some(&hub), &taken);
    assert_eq!(run(Some(&hub), &taken).0, Some(3), "what is there is not overwritten");
    let needle = &content[1_000_000..1_000_064];
    let archive = std::fs::read(at("taken.zip")).unwrap();
    assert!(!archive.windows(needle.len()).any(|window| window == needle), "the content is encrypted");
    std::fs::write(at("plain"), "密かな言葉").unwrap();
    let other = ["evidence", "export", &case, "--reason", "公判", "--password-file", &at("plain"), "--out"];
    assert_ne!(run(Some(&hub), &[&other[..], &[&at("other.zip")]].concat()).0, Some(0));
    assert!(!Path::new(&at("other.zip")).exists(), "what was refused leaves nothing");
    std::fs::write(at("password"), "seal-2026-of-night\n").unwrap();
    let export = [
        "evidence",
        "export",
        &case,
        "--reason",
        "公判への提出",
        "--legal-basis",
        "刑訴法",
        "--password-file",
    ];
    good(Some(&hub), &[&export[..], &[&at("password"), "--out", &at("package.zip")]].concat());
    let mut seed = [0; 32];
    let key = std::fs::read_to_string(hub.data().join("node.key")).unwrap();
    hex::decode_to_slice(key.trim(), &mut seed).unwrap();
    drop(hub);

    // From here on there is no hub.
    let package = at("package.zip");
    let verify = |package: &str, more: &[&str]| {
        run(None, &[&["log", "verify", "--package", package, "--json"][..], more].concat())
    };
    let (code, out, said) = verify(&package, &["--password-file", &at("password")]);
    assert_eq!(code, Some(0), "{said}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&told["items"], &told["files_compared"], &told["own_policy"]),
        (&json!(1), &json!(1), &json!(true))
    );
    // The log's key, as the court was once told it.
    let key =
        tlog::SigningKey::from_seed(told["log"].as_str().unwrap(), seed).unwrap().verifying_key().encode();
    std::fs::write(at("policy"), format!("log {key}\nquorum none\n")).unwrap();
    let trusted = ["--password-file", &at("password"), "--policy", &at("policy")];
    assert_eq!(verify(&package, &trusted).0, Some(0));
    let unopened = verify(&package, &["--policy", &at("policy")]);
    assert_eq!(unopened.0, Some(1), "what was not opened was not compared: {}", unopened.1);
    let stranger =
        tlog::SigningKey::from_seed("other.example/log", [9; 32]).unwrap().verifying_key().encode();
    std::fs::write(at("stranger"), format!("log {stranger}\nquorum none\n")).unwrap();
    assert_eq!(
        verify(&package, &["--password-file", &at("password"), "--policy", &at("stranger")]).0,
        Some(1)
    );

    let whole = std::fs::read(&package).unwrap();
    // Where the archive holds what begins with a name: behind a local header, whose name stands 30 bytes further.
    let find = |name: &[u8]| {
        let is_named =
            |at: usize| whole[at..].starts_with(b"PK\x03\x04") && whole[at + 30..].starts_with(name);
        (0..whole.len() - 400).find(|at| is_named(*at)).unwrap()
    };
    let changed = at("changed.zip");
    // In the content, in an entry of custody, in a proof, in the manifest, in what is written for other programs.
    for name in ["files/", "custody/", "proofs/", "manifest.json", "case-uco.jsonld"] {
        let mut bytes = whole.clone();
        bytes[find(name.as_bytes()) + 300] ^= 1;
        std::fs::write(&changed, bytes).unwrap();
        let (code, out, said) = verify(&changed, &trusted);
        assert_eq!(code, Some(1), "a byte behind `{name}`: {out} {said}");
    }
    std::fs::write(&changed, &whole[..whole.len() - 10]).unwrap();
    assert_eq!(verify(&changed, &trusted).0, Some(1), "what is cut off is no package");
}
