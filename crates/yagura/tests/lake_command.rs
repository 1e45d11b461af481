//! `yagura lake` and `yagura hunt` as an analyst uses them: what they print, how they end, and what a kill leaves.
#![cfg(test)]

use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const DNS: &str = r#"{"timestamp":"2026-02-01T00:00:01.000000+0000","event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","dns":{"rrname":"www.evil.example"}}"#;
const FLOW: &str = r#"{"timestamp":"2026-02-01T05:00:00.000000+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP"}"#;
const BENIGN: &str = r#"{"timestamp":"2026-02-02T00:00:03.000000+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"198.51.100.1","proto":"TCP"}"#;
const INTEL: &str = r#"{"type":"bundle","id":"bundle--b6ce2ad5-9b3a-4d6a-93ce-8e2b7e8f0a01","objects":[
 {"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000001","created":"2026-06-01T00:00:00.000Z","modified":"2026-06-01T00:00:00.000Z","name":"network","pattern":"[ipv4-addr:value = '203.0.113.0/24']","pattern_type":"stix","valid_from":"2026-06-01T00:00:00Z"},
 {"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000002","created":"2026-06-01T00:00:00.000Z","modified":"2026-06-01T00:00:00.000Z","name":"staged","pattern":"([domain-name:value LIKE '%.evil.example'] FOLLOWEDBY [network-traffic:dst_ref.value = '203.0.113.9']) WITHIN 36000 SECONDS","pattern_type":"stix","valid_from":"2026-06-01T00:00:00Z"}]}"#;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.put("intel.json", INTEL);
        desk.put("eve.json", &format!("{DNS}\n{FLOW}\nnoise\n{BENIGN}\n"));
        desk
    }

    fn put(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit code, standard output and standard error as one text, without the folder's name.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = format!(
            "{}\n{}---\n{}",
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap()
        );
        let folder = self.folder.path().canonicalize().unwrap();
        text.replace(&*folder.to_string_lossy(), "").replace(&*self.folder.path().to_string_lossy(), "")
    }
}

#[test]
fn what_was_added_is_hunted() {
    let desk = Desk::new();
    expect_test::expect![[r#"
        0
        ---
        yagura: 3 records taken in, 0 were known
        yagura: 1 lines could not be read: the line is of no known format, or its columns are unknown: no `#fields` line came before [line-no-header]
    "#]]
    .assert_eq(&desk.told(&["lake", "add", "history", "eve.json"]));
    expect_test::expect![[r#"
        0
        /eve.json:2: 2026-02-01T05:00:00Z dest_ip=203.0.113.9  network  indicator--0a1b2c3d-0000-4000-8000-000000000001
        /eve.json:2: 2026-02-01T05:00:00Z dest_ip=203.0.113.9  staged  indicator--0a1b2c3d-0000-4000-8000-000000000002 +1
        ---
    "#]]
    .assert_eq(&desk.told(&["hunt", "--intel", "intel.json", "history"]));
    // The day of publication is after the records.
    let told = desk.told(&["hunt", "--intel", "intel.json", "--within-validity", "history"]);
    assert!(told.starts_with("1\n---\n"), "{told}");
    let told = desk.told(&["hunt", "--intel", "intel.json", "--since", "2026-02-02", "--explain", "history"]);
    assert!(told.starts_with("1\n---\nyagura: 2 segments with 3 records"), "{told}");
    // Known records are not taken twice, and what a log has grown by is.
    desk.put("eve.json", &format!("{DNS}\n{FLOW}\nnoise\n{BENIGN}\n{FLOW}\n"));
    let told = desk.told(&["lake", "add", "history", "eve.json"]);
    assert!(told.contains("1 records taken in, 3 were known"), "{told}");
    let lines =
        String::from_utf8(desk.run(&["--json", "hunt", "--intel", "intel.json", "history"]).stdout).unwrap();
    let found: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.iter().map(|it| &it["line"]).collect::<Vec<_>>(), [2, 2, 5, 5]);
    assert_eq!(found[0]["event"]["dst_port"], 443);
    assert_eq!(found[0]["time"], "2026-02-01T05:00:00Z");
    assert_eq!(found[1]["with"], serde_json::json!([1]));
}

#[test]
fn what_is_wrong_is_said_in_both_languages() {
    let desk = Desk::new();
    assert_eq!(
        desk.told(&["hunt", "--intel", "intel.json", "none"]),
        "2\n---\nyagura: `none` holds no lake: `yagura lake add` begins one [lake-none]\n"
    );
    let told = desk.told(&["--lang", "ja", "hunt", "--intel", "intel.json", "none"]);
    assert!(told.contains("レイクがありません"), "{told}");
    desk.run(&["lake", "add", "history", "eve.json"]);
    let told = desk.told(&["lake", "add", "--full", "history", "eve.json"]);
    assert!(told.starts_with("2\n") && told.contains("[lake-contents]"), "{told}");
    let told = desk.told(&["lake", "compact", "--keep", "dns=x", "history"]);
    assert!(told.starts_with("2\n") && told.contains("[keep]"), "{told}");
    let told = desk.told(&["lake", "compact", "--keep", "1", "history"]);
    assert!(told.contains("3 records taken out"), "{told}");
    assert!(desk.told(&["hunt", "--intel", "intel.json", "history"]).starts_with("1\n"));
}

/// Patterns that no value leads to are hunted, and it is said what that costs.
#[test]
fn a_pattern_without_a_value_reads_everything() {
    let desk = Desk::new();
    desk.run(&["lake", "add", "history", "eve.json"]);
    desk.put(
        "odd.json",
        &INTEL.replace("ipv4-addr:value = '203.0.113.0/24'", "network-traffic:dst_port = 443"),
    );
    let told = desk.told(&["hunt", "--intel", "odd.json", "history"]);
    assert!(told.starts_with("0\n/eve.json:2:"), "{told}");
    assert!(told.contains("1 comparisons name no value to look up, so every record is read"), "{told}");
}

/// Killed wherever it stood, the next run completes the lake: nothing is missing and nothing is twice.
#[test]
fn a_kill_loses_and_doubles_nothing() {
    let desk = Desk::new();
    const LINES: u64 = 20_000;
    let log: String = (0..LINES)
        .map(|number| {
            DNS.replace("www.evil", &format!("n{number}.evil"))
                .replace("T00:00:01", &format!("T{:02}:{:02}:01", number % 24, number % 60))
                + "\n"
        })
        .collect();
    desk.put("big.json", &log);
    desk.put("intel.txt", "evil.example\n");
    for (round, delay) in [5, 20, 40, 80, 160, 320].into_iter().enumerate() {
        let lake = format!("history{round}");
        let mut child = desk.command(&["--quiet", "lake", "add", &lake, "big.json"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        let again = desk.run(&["--json", "lake", "add", &lake, "big.json"]);
        let taken: Value = serde_json::from_slice(&again.stdout).unwrap();
        let count = |name: &str| taken[name].as_u64().unwrap();
        assert_eq!(count("records") + count("known"), LINES, "{taken}");
        let found = desk.run(&["--json", "hunt", "--covers", "subtree", "--intel", "intel.txt", &lake]);
        let lines: Vec<u64> = String::from_utf8(found.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines.len() as u64, LINES, "each once");
        assert_eq!(lines.into_iter().collect::<BTreeSet<_>>(), (1..=LINES).collect());
    }
}

// Real logs.

/// Every `step`-th distinct value of a log that a plain list can name.
fn some_values(log: &[u8], step: usize) -> String {
    let mut reader = telemetry::Reader::auto();
    let mut values = BTreeSet::new();
    for line in log.split(|byte| *byte == b'\n') {
        let Ok(Some(record)) = reader.read(line) else { continue };
        for value in record.values {
            let known = stix::observable::recognise(&value.value);
            if known.is_some_and(|(kind, _)| kind == value.kind) {
                values.insert(value.value.into_owned());
            }
        }
    }
    values.into_iter().step_by(step).map(|value| value + "\n").collect()
}

/// A hunt through real logs finds what `yagura match` finds in them.
#[test]
fn a_hunt_finds_what_a_match_finds() {
    let folder = std::env::var_os("YAGURA_CORPUS").map(std::path::PathBuf::from).filter(|it| it.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED: hunting in real logs needs YAGURA_CORPUS");
        return;
    };
    let log = folder.join("telemetry/suricata-eve/suricata_verify_otrf_eve.ndjson.gz");
    let mut plain = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::MultiGzDecoder::new(std::fs::File::open(&log).unwrap()),
        &mut plain,
    )
    .unwrap();
    let desk = Desk::new();
    desk.put("values.txt", &some_values(&plain, 7));
    let log = log.to_str().unwrap();
    let found = |arguments: &[&str]| -> BTreeSet<(u64, String)> {
        let output =
            desk.run(&[&["--json"], arguments, &["--no-builtin-warnings", "--intel", "values.txt"]].concat());
        let lines = String::from_utf8(output.stdout).unwrap();
        let told = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.map(|it| (it["line"].as_u64().unwrap(), it["indicator"].as_str().unwrap().to_owned())).collect()
    };
    assert!(desk.run(&["--quiet", "lake", "add", "history", log]).status.success());
    let expected = found(&["match", "--covers", "subtree", log]);
    assert!(expected.len() > 1000, "{}", expected.len());
    assert_eq!(found(&["hunt", "--covers", "subtree", "history"]), expected);
}
