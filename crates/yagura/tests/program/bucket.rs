//! A hub whose log is in a bucket: `yagura log verify` reads it there.

use std::process::Output;

use crate::council::{indicator, objects};
use crate::running::{Hub, wait_until, yagura};
use crate::s3::S3;

fn verify(data: &std::path::Path, blobs: &str) -> Output {
    yagura()
        .args(["--json", "log", "verify", "--data"])
        .arg(data)
        .env("YAGURA_BLOBS", blobs)
        .output()
        .unwrap()
}

#[test]
fn the_log_in_a_bucket_is_verified() {
    let (folder, s3) = (tempfile::tempdir().unwrap(), S3::start());
    let config = folder.path().join("hub.toml");
    std::fs::write(&config, format!("blobs = {:?}\n", s3.blobs())).unwrap();
    let hub = Hub::start_with(&folder.path().join("hub"), &config);
    for _ in 0..5 {
        hub.post(&objects(&[indicator(Some("green"))]));
    }
    let checkpoint = s3.holds().join("checkpoint");
    let size = || {
        let note = std::fs::read_to_string(&checkpoint).unwrap_or_default();
        note.lines().nth(1).and_then(|line| line.parse::<u64>().ok()).unwrap_or(0)
    };
    wait_until("the bucket has the five acts", || size() >= 5);
    let data = hub.stop();
    let verified = verify(&data, &s3.blobs());
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let told: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(told["size"], size());
    // Without the bucket it says what is missing, and with an altered tile what differs.
    let without = yagura().args(["log", "verify", "--data"]).arg(&data).output().unwrap();
    assert!(String::from_utf8_lossy(&without.stderr).contains("--blobs"), "{without:?}");
    let tile = s3.holds().join(format!("tile/0/000.p/{}", size()));
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let altered = verify(&data, &s3.blobs());
    assert_eq!(altered.status.code(), Some(1), "{altered:?}");
    assert!(
        String::from_utf8_lossy(&altered.stderr).contains("does not hold what the rows make"),
        "{altered:?}"
    );
}
