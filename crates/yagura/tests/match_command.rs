//! `yagura match` as an analyst uses it: what it prints, how it ends, and what it finds in real logs.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[path = "match_command/tuning.rs"]
mod tuning;

const BUNDLE: &str = r#"{"type":"bundle","id":"bundle--b6ce2ad5-9b3a-4d6a-93ce-8e2b7e8f0a01","objects":[
 {"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"指令サーバー","pattern":"[ipv4-addr:value = '203.0.113.9']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"},
 {"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000002","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Loader site","pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"},
 {"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000003","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"alert tcp","pattern_type":"snort","valid_from":"2026-01-01T00:00:00Z"},
 {"type":"identity","spec_version":"2.1","id":"identity--0a1b2c3d-0000-4000-8000-000000000004","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"x","identity_class":"organization"}]}"#;

const FLOW: &str = r#"{"timestamp":"2026-02-01T00:00:00.000000+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","proto":"TCP"}"#;
const DNS: &str = r#"{"timestamp":"2026-02-01T00:00:01.000000+0000","event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","dns":{"rrname":"evil.example"}}"#;
const BELOW: &str = r#"{"timestamp":"2026-02-01T00:00:02.000000+0000","event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","dns":{"rrname":"www.evil.example"}}"#;
const EARLY: &str = r#"{"timestamp":"2025-02-01T00:00:00.000000+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","proto":"TCP"}"#;
const BENIGN: &str = r#"{"timestamp":"2026-02-01T00:00:03.000000+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"198.51.100.1","proto":"TCP"}"#;
const TSV: &str = "#separator \\x09\n#set_separator\t,\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.resp_h\n#types\ttime\tstring\taddr\taddr\n1769904000.000000\tC1\t10.0.0.1\t203.0.113.9";

fn yagura(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
    command
        .arg("match")
        .args(arguments)
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", "C.UTF-8");
    command
}

/// A folder with the bundle and what else a test needs.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.put("intel.json", BUNDLE.as_bytes());
        desk
    }

    fn put(&self, name: &str, content: &[u8]) -> &Self {
        std::fs::write(self.folder.path().join(name), content).unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Output {
        yagura(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }
}

/// Exit code, standard output and standard error as one text.
fn told(output: &Output) -> String {
    format!(
        "{}\n{}---\n{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn lines_for_people() {
    let desk = Desk::new();
    desk.put("eve.json", [FLOW, BENIGN, DNS, BELOW].join("\n").as_bytes());
    let output = desk.run(&["--intel", "intel.json", "eve.json"]);
    expect_test::expect![[r#"
        0
        eve.json:1: dest_ip=203.0.113.9  指令サーバー  indicator--0a1b2c3d-0000-4000-8000-000000000001
        eve.json:3: dns.rrname=evil.example  Loader site  indicator--0a1b2c3d-0000-4000-8000-000000000002
        ---
        yagura: 1 indicators are not used, for example: the pattern is written in `snort`, not in STIX [pattern-not-stix]
    "#]]
    .assert_eq(&told(&output));
}

#[test]
fn objects_for_programs() {
    let desk = Desk::new();
    desk.put("eve.json", [BENIGN, DNS].join("\n").as_bytes()).put("conn.log", TSV.as_bytes());
    let output = desk.run(&["--json", "--quiet", "--intel", "intel.json", "eve.json", "conn.log"]);
    assert_eq!(
        told(&output),
        format!(
            "0\n{}{}{}\n{}\n---\n",
            r#"{"file":"eve.json","line":2,"field":"dns.rrname","value":"evil.example","indicator":"indicator--0a1b2c3d-0000-4000-8000-000000000002","name":"Loader site","event":"#,
            DNS,
            "}",
            r#"{"file":"conn.log","line":6,"field":"id.resp_h","value":"203.0.113.9","indicator":"indicator--0a1b2c3d-0000-4000-8000-000000000001","name":"指令サーバー","event":{"id.orig_h":"10.0.0.1","id.resp_h":"203.0.113.9","ts":"1769904000.000000","uid":"C1"}}"#
        )
    );
}

#[test]
fn exit_codes_are_those_of_grep() {
    let desk = Desk::new();
    desk.put("eve.json", FLOW.as_bytes()).put("quiet.json", BENIGN.as_bytes()).put("empty.json", b"");
    let code = |arguments: &[&str]| desk.run(arguments).status.code().unwrap();
    assert_eq!(code(&["--intel", "intel.json", "eve.json"]), 0);
    assert_eq!(code(&["--intel", "intel.json", "quiet.json"]), 1);
    assert_eq!(code(&["--intel", "intel.json", "empty.json"]), 1);
    assert_eq!(code(&["--intel", "intel.json"]), 1, "standard input is empty");
    assert_eq!(code(&["--intel", "intel.json", "absent.json"]), 2);
    assert_eq!(code(&["--intel", "intel.json", "absent.json", "eve.json"]), 2, "one file of two");
    assert_eq!(code(&["--intel", "intel.json", "."]), 2, "a folder");
    assert_eq!(code(&["--intel", "absent.json", "eve.json"]), 2);
    assert_eq!(code(&["eve.json"]), 2, "no indicators");
    desk.put("none.txt", b"not a value\n");
    let output = desk.run(&["--intel", "none.txt", "eve.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("[intel-empty]"), "{}", told(&output));
}

const RULE: &str = "title: Who am I\nid: 0a1b2c3d-0000-4000-8000-00000000000a\nlevel: low\nlogsource:\n  product: windows\n  \
                    category: process_creation\ndetection:\n  s:\n    CommandLine|contains: whoami\n  condition: s\n";
const PROCESS: &str = r#"{"@timestamp":"2026-02-01T00:00:00.000Z","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\cmd.exe","CommandLine":"cmd /c whoami"}"#;

/// A bundle with one indicator whose pattern is the rule.
fn bundle_of_rule() -> String {
    serde_json::json!({ "type": "bundle", "id": "bundle--b6ce2ad5-9b3a-4d6a-93ce-8e2b7e8f0a02", "objects": [{
        "type": "indicator", "spec_version": "2.1", "id": "indicator--0a1b2c3d-0000-4000-8000-00000000000b",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern": RULE,
        "pattern_type": "sigma", "valid_from": "2026-01-01T00:00:00Z",
    }] })
    .to_string()
}

#[test]
fn sigma_rules_of_files_and_of_indicators() {
    let desk = Desk::new();
    std::fs::create_dir(desk.folder.path().join("rules")).unwrap();
    desk.put("rules/own.yml", RULE.as_bytes()).put("rules/broken.yml", b"# why\ntitle: [\n");
    desk.put("shared.json", bundle_of_rule().as_bytes());
    desk.put("log.json", [BENIGN, PROCESS, FLOW].join("\n").as_bytes());
    let output =
        desk.run(&["--sigma", "rules", "--intel", "shared.json", "--intel", "intel.json", "log.json"]);
    let said = told(&output);
    for part in [
        "0\n",
        "log.json:2: CommandLine=cmd /c whoami  Who am I [low]  rules/own.yml\n",
        "log.json:2: CommandLine=cmd /c whoami  Who am I [low]  indicator--0a1b2c3d-0000-4000-8000-00000000000b\n",
        "log.json:3: dest_ip=203.0.113.9  指令サーバー  ",
        "yagura: the Sigma rule `rules/broken.yml:",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let output = desk.run(&["--json", "--quiet", "--sigma", "rules/own.yml", "log.json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rule = serde_json::json!({
        "id": "0a1b2c3d-0000-4000-8000-00000000000a", "title": "Who am I", "level": "low", "file": "rules/own.yml", "line": 1,
    });
    let fields = serde_json::json!([{ "field": "CommandLine", "value": "cmd /c whoami" }]);
    assert_eq!((&told["line"], &told["rule"], &told["fields"]), (&2.into(), &rule, &fields));
    assert_eq!(told["event"], serde_json::from_str::<Value>(PROCESS).unwrap());
}

#[test]
fn sigma_rules_end_as_indicators_do() {
    let desk = Desk::new();
    desk.put("own.yml", RULE.as_bytes())
        .put("broken.yml", b"title: [\n")
        .put("shared.json", bundle_of_rule().as_bytes());
    desk.put("log.json", PROCESS.as_bytes()).put("flow.json", FLOW.as_bytes());
    desk.put("early.json", PROCESS.replace("2026-02", "2025-02").as_bytes());
    // Members of a list may be written over several lines.
    desk.put("list.json", format!("[\n{}\n]\n", PROCESS.replace(',', ",\n")).as_bytes());
    let code = |arguments: &[&str]| desk.run(arguments).status.code().unwrap();
    assert_eq!(code(&["--sigma", "own.yml", "log.json"]), 0);
    assert_eq!(code(&["--sigma", "own.yml", "list.json"]), 0);
    assert_eq!(code(&["--sigma", "own.yml", "flow.json"]), 1);
    assert_eq!(code(&["--sigma", "own.yml", "early.json"]), 0, "one's own rules have no validity");
    assert_eq!(code(&["--intel", "shared.json", "log.json"]), 0);
    assert_eq!(code(&["--intel", "shared.json", "early.json"]), 1);
    assert_eq!(code(&["--any-time", "--intel", "shared.json", "early.json"]), 0);
    assert_eq!(code(&["--sigma", "absent", "log.json"]), 2);
    assert_eq!(code(&["--sigma", "broken.yml", "log.json"]), 2, "nothing to look for");
    let output = desk.run(&["--lang", "ja", "--sigma", "broken.yml", "--sigma", "own.yml", "log.json"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("`broken.yml:") && told.contains("YAML の文法") && told.contains("[sigma-yaml]"),
        "{told}"
    );
}

#[test]
fn compressed_and_piped() {
    let desk = Desk::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("{BENIGN}\n{FLOW}\n").as_bytes()).unwrap();
    // Two members after one another are one file, as `cat a.gz b.gz` makes it.
    let mut members = gzip.finish().unwrap();
    members.extend(members.clone());
    desk.put("a.gz", &members).put("b.zst", &zstd::encode_all(format!("{FLOW}\n").as_bytes(), 1).unwrap());
    // The bytes tell, not the name.
    desk.put("c.json", &members).put("intel.gz", &{
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(BUNDLE.as_bytes()).unwrap();
        gzip.finish().unwrap()
    });
    let output = desk.run(&["--quiet", "--intel", "intel.gz", "a.gz", "b.zst", "c.json"]);
    let places: Vec<&str> = std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(places, ["a.gz:2", "a.gz:4", "b.zst:1", "c.json:2", "c.json:4"]);

    desk.put("torn.gz", &members[..members.len() - 9]);
    let output = desk.run(&["--quiet", "--intel", "intel.json", "torn.gz"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("torn.gz:2:"),
        "what was whole is shown: {}",
        told(&output)
    );

    let mut child = yagura(&["--quiet", "--intel", "intel.json", "-"])
        .current_dir(desk.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut shown = child.stdout.take().unwrap();
    // A match is shown while the pipe is still open.
    input.write_all(format!("{BENIGN}\n{FLOW}\n").as_bytes()).unwrap();
    let mut start = [0; 4];
    shown.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"-:2:");
    input.write_all(DNS.as_bytes()).unwrap();
    drop(input);
    let mut rest = String::new();
    shown.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\n-:3: dns.rrname=evil.example"), "{rest}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn plain_values_as_people_send_them() {
    let desk = Desk::new();
    let url = r#"{"timestamp":"2001-02-01T00:00:00.000000+0000","event_type":"http","src_ip":"10.0.0.1","dest_ip":"198.51.100.1","proto":"TCP","http":{"hostname":"site.example","url":"/x"}}"#;
    desk.put("eve.json", [FLOW, DNS, BELOW, EARLY, url].join("\n").as_bytes());
    desk.put("list.txt", "\u{feff}# from the sharing group\n203.0.113[.]0/24  # their network\nevil[.]example\n\nhxxp://site[.]example/x\nsite[.]example/x\nnothing here\n".as_bytes());
    let output = desk.run(&["--intel", "list.txt", "eve.json"]);
    expect_test::expect![[r#"
        0
        eve.json:1: dest_ip=203.0.113.9  203.0.113[.]0/24  indicator--5956a6f4-4ed6-557c-8e57-c1321f4ba9df
        eve.json:2: dns.rrname=evil.example  evil[.]example  indicator--2808d2d5-14c7-51c3-abe4-338a74cea4a6
        eve.json:4: dest_ip=203.0.113.9  203.0.113[.]0/24  indicator--5956a6f4-4ed6-557c-8e57-c1321f4ba9df
        eve.json:5: http.url=http://site.example/x  hxxp://site[.]example/x  indicator--45031c81-bbd4-5874-b80e-734ed3de133d
        eve.json:5: http.url=http://site.example/x  site[.]example/x  indicator--6ffe5751-6c82-500a-9b02-794d26e3fc9c
        ---
        yagura: 1 indicators are not used, for example: list.txt:7: no address, name, URL, hash or e-mail address [value-unknown]
    "#]]
    .assert_eq(&told(&output));
    let output = desk.run(&["--quiet", "--covers", "subtree", "--intel", "list.txt", "eve.json"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 6, "{}", told(&output));
}

#[test]
fn validity_confidence_and_warning_lists() {
    let desk = Desk::new();
    desk.put("eve.json", [EARLY, FLOW].join("\n").as_bytes());
    let count = |arguments: &[&str]| {
        let output = desk.run(arguments);
        (
            String::from_utf8_lossy(&output.stdout).lines().count(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (lines, told) = count(&["--intel", "intel.json", "eve.json"]);
    assert!(lines == 1 && told.contains("1 matches outside of the indicators' validity"), "{told}");
    assert_eq!(count(&["--any-time", "--intel", "intel.json", "eve.json"]).0, 2);
    desk.put("ours.txt", b"203.0.113.0/24\n");
    desk.put(
        "misp.json",
        br#"{"name":"Known good","type":"cidr","version":1,"description":"x","list":["203.0.113.0/24"]}"#,
    );
    for list in ["ours.txt", "misp.json"] {
        let (lines, told) = count(&["--warning-list", list, "--intel", "intel.json", "eve.json"]);
        assert!(lines == 0 && told.contains("[warning-list]"), "{list}: {told}");
    }
    desk.put("private.txt", b"10.0.0.1\n203.0.113.9\n");
    assert_eq!(count(&["--intel", "private.txt", "eve.json"]).0, 2);
    assert_eq!(count(&["--no-builtin-warnings", "--intel", "private.txt", "eve.json"]).0, 4);
}

#[test]
fn bad_lines_are_counted_and_passed_over() {
    let desk = Desk::new();
    let long = format!(r#"{{"event_type":"x","payload":"{}"}}"#, "A".repeat(17 << 20));
    let mut log = Vec::new();
    for line in [
        FLOW.as_bytes(),
        &FLOW.as_bytes()[..60],
        b"\xff\xfe{",
        TSV.as_bytes(),
        b"",
        DNS.as_bytes(),
        long.as_bytes(),
        b"garbage here",
        FLOW.as_bytes(),
    ] {
        log.extend_from_slice(line);
        log.push(b'\n');
    }
    desk.put("mixed.log", &log);
    let output = desk.run(&["--intel", "intel.json", "mixed.log"]);
    let shown = told(&output);
    let places: Vec<&str> = std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(places, ["mixed.log:1", "mixed.log:9", "mixed.log:11", "mixed.log:14"], "{shown}");
    for code in ["line-cut-off", "line-not-utf8", "line-too-long", "line-other-format"] {
        assert!(shown.contains(&format!("[{code}]")), "{code}: {shown}");
    }
}

#[test]
fn a_list_over_many_lines() {
    let desk = Desk::new();
    desk.put(
        "list.json",
        format!("[\n  {},\n  {BENIGN},\n  {}\n]\n", FLOW.replace(',', ",\n    "), DNS.replace(',', ",\n"))
            .as_bytes(),
    );
    let output = desk.run(&["--quiet", "--intel", "intel.json", "list.json"]);
    let places: Vec<&str> = std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(places, ["list.json:2", "list.json:8"], "{}", told(&output));
    desk.put("torn.json", b"[{\"event_type\":\"flow\"");
    let output = desk.run(&["--quiet", "--intel", "intel.json", "torn.json"]);
    assert!(output.status.code() == Some(2) && told(&output).contains("[log-array]"), "{}", told(&output));
}

#[test]
fn lists_as_clouds_deliver_them() {
    let desk = Desk::new();
    let record = |address: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2026-02-01T00:00:00Z","eventSource":"a.example","sourceIPAddress":"{address}"}}"#
        )
    };
    for word in ["Records", "records"] {
        let list = format!("{{ \"{word}\":\n [{},\n{}]}}\n", record("198.51.100.1"), record("203.0.113.9"));
        desk.put("trail.json", list.as_bytes());
        let output = desk.run(&["--quiet", "--intel", "intel.json", "trail.json"]);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.starts_with("trail.json:3: sourceIPAddress=203.0.113.9"), "{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
}

#[test]
fn event_logs_are_read_as_windows_keeps_them() {
    let desk = Desk::new();
    let account = BUNDLE.replace("ipv4-addr:value = '203.0.113.9'", "user-account:account_login = 'IEUser'");
    desk.put("account.json", account.as_bytes());
    desk.put("Security.evtx.gz", include_bytes!("../../telemetry/tests/data/new-user-security.evtx.gz"));
    let output = desk.run(&["--json", "--intel", "account.json", "--any-time", "Security.evtx.gz"]);
    // One line, so one match.
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["file"], &found["line"]), (&"Security.evtx.gz".into(), &2.into()), "{found}");
    assert_eq!(found["event"]["Event"]["EventData"]["TargetUserName"], "IEUser", "{found}");
    desk.put("text", b"no event log\n".repeat(100).as_slice());
    let none = told(&desk.run(&["--intel", "account.json", "--format", "evtx", "text"]));
    assert!(none.starts_with("1\n") && none.contains("[event-chunk]"), "{none}");
}

#[test]
fn separated_values_with_a_mapping() {
    let desk = Desk::new();
    desk.put("proxy.csv", b"when;who;where\n2026-02-01T00:00:00Z;10.0.0.1;evil.example\n")
        .put("columns.toml", b"separator = \";\"\n[columns]\nwhen = \"time\"\nwhere = \"destination\"\n")
        .put("wrong.toml", b"[columns]\nwhen = \"colour\"\n");
    let output = desk.run(&["--quiet", "--intel", "intel.json", "--columns", "columns.toml", "proxy.csv"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("proxy.csv:2: where=evil.example"), "{shown}");
    let output = desk.run(&["--intel", "intel.json", "--columns", "wrong.toml", "proxy.csv"]);
    assert!(
        output.status.code() == Some(2) && told(&output).contains("[columns-malformed]"),
        "{}",
        told(&output)
    );
    let output =
        desk.run(&["--intel", "intel.json", "--columns", "columns.toml", "--format", "eve", "proxy.csv"]);
    assert!(
        output.status.code() == Some(2) && told(&output).contains("[columns-format]"),
        "{}",
        told(&output)
    );
}

#[test]
fn lines_of_text_are_shown_as_they_are() {
    let desk = Desk::new();
    let line = "<13>Feb  1 00:00:00 host app[1]: refused 203.0.113.9";
    desk.put("messages", line.as_bytes());
    let output = desk.run(&["--json", "--intel", "intel.json", "messages"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["event"], &found["field"]), (&line.into(), &"message".into()));
}

#[test]
fn colours_and_hostile_text() {
    let desk = Desk::new();
    let hostile = FLOW.replace("203.0.113.9\"", "203.0.113.9\",\"app\":\"\\u001b[2J\"");
    desk.put("eve.json", hostile.as_bytes());
    desk.put("intel.json", BUNDLE.replace("指令サーバー", "a\\u001b[31mb\\u202ec").as_bytes());
    let plain = desk.run(&["--intel", "intel.json", "eve.json"]);
    let text = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    let coloured = desk.run(&["--color", "always", "--intel", "intel.json", "eve.json"]);
    assert!(
        String::from_utf8_lossy(&coloured.stdout).contains("\u{1b}[1m\u{1b}[31m203.0.113.9"),
        "{}",
        told(&coloured)
    );
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let desk = Desk::new();
    desk.put("eve.json", format!("{FLOW}\n").repeat(40_000).as_bytes());
    let mut child = yagura(&["--intel", "intel.json", "eve.json"])
        .current_dir(desk.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = child.stdout.take().unwrap();
    let mut start = [0; 9];
    shown.read_exact(&mut start).unwrap();
    drop(shown);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn in_japanese() {
    let desk = Desk::new();
    desk.put("eve.json", format!("{FLOW}\n{}\n", FLOW.get(..50).unwrap()).as_bytes());
    let output = desk.run(&["--lang", "ja", "--intel", "intel.json", "eve.json", "absent"]);
    let told = told(&output);
    for part in [
        "使わない指標が 1 件あります：STIX 以外の言語のパターン",
        "読めない行が 1 行ありました：行が途中で切れている",
        "`absent` を読めません",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

// Real logs.

fn corpus(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("YAGURA_CORPUS").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED: matching real logs needs YAGURA_CORPUS");
    }
    folder.map(|folder| folder.join("telemetry").join(path))
}

fn content(path: &Path) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut plain).unwrap();
    plain
}

/// Some of the values in a log: every `step`-th distinct one, in one of its spellings.
fn some_values(log: &[u8], step: usize) -> BTreeSet<String> {
    let mut reader = telemetry::Reader::auto();
    let mut values = BTreeMap::new();
    for line in log.split(|byte| *byte == b'\n') {
        let Ok(Some(record)) = reader.read(line) else { continue };
        for value in record.values {
            // What is not recognised as what it is (a name that ends like a file) cannot be given in a plain list.
            let known = stix::observable::recognise(&value.value);
            let file = stix::observable::ValueKind::FileName;
            if let Some(key) = known.filter(|(kind, _)| *kind == value.kind && *kind != file) {
                values.entry(key).or_insert_with(|| value.value.into_owned());
            }
        }
    }
    values.into_values().step_by(step).collect()
}

/// The matches that `yagura match --json` prints, as line and indicator.
fn matches(log: &Path, values: &BTreeSet<String>) -> BTreeSet<(u64, String)> {
    let desk = Desk::new();
    let list: String = values.iter().map(|value| format!("{value}\n")).collect();
    desk.put("values.txt", list.as_bytes());
    let output =
        desk.run(&["--json", "--no-builtin-warnings", "--intel", "values.txt", log.to_str().unwrap()]);
    let refused: BTreeMap<String, u64> = serde_json::from_slice::<Value>(&output.stderr)
        .map(|told| serde_json::from_value(told["refused"].clone()).unwrap())
        .unwrap_or_default();
    assert!(refused.keys().all(|code| code == "too-broad"), "{refused:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let place = |line: &str| {
        let found: Value = serde_json::from_str(line).unwrap();
        (found["line"].as_u64().unwrap(), found["name"].as_str().unwrap().to_owned())
    };
    text.lines().map(place).collect()
}

/// What a reading of every line says: a line matches a value if the record has it, in canonical form.
fn expected(log: &[u8], values: &BTreeSet<String>) -> BTreeSet<(u64, String)> {
    let asked: BTreeMap<_, &String> =
        values.iter().map(|value| (stix::observable::recognise(value).unwrap(), value)).collect();
    let mut reader = telemetry::Reader::auto();
    let mut expected = BTreeSet::new();
    for (number, line) in (1..).zip(log.split(|byte| *byte == b'\n')) {
        let Ok(Some(record)) = reader.read(line) else { continue };
        for value in &record.values {
            let canonical = stix::observable::canonical(value.kind, &value.value);
            expected.extend(canonical.and_then(|key| asked.get(&key)).map(|asked| (number, name(asked))));
        }
    }
    expected
}

/// The name that an indicator made from the value has: long ones are cut.
fn name(value: &str) -> String {
    value.char_indices().take_while(|(at, c)| at + c.len_utf8() <= 200).map(|(_, c)| c).collect()
}

fn agree(found: &BTreeSet<(u64, String)>, expected: &BTreeSet<(u64, String)>) {
    let missed: Vec<_> = expected.difference(found).take(5).collect();
    let wrong: Vec<_> = found.difference(expected).take(5).collect();
    assert!(missed.is_empty() && wrong.is_empty(), "missed {missed:?}, wrong {wrong:?}");
}

/// `grep -F` for the values as whole JSON strings.
fn grep(log: &[u8], values: &BTreeSet<String>) -> BTreeSet<(u64, String)> {
    let desk = Desk::new();
    let list: String = values.iter().map(|value| format!("\"{value}\"\n")).collect();
    desk.put("values.txt", list.as_bytes()).put("log", log);
    let output = Command::new("grep")
        .args(["-aonF", "-f", "values.txt", "log"])
        .current_dir(desk.folder.path())
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let place = |line: &str| {
        let (number, value) = line.split_once(':').unwrap();
        (number.parse().unwrap(), name(value.trim_matches('"')))
    };
    text.lines().map(place).collect()
}

/// The paths at which a string stands in a record, list positions left out.
fn paths(value: &Value, asked: &str, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| paths(inner, asked, &format!("{path}.{key}"), out));
        }
        Value::Array(list) => list.iter().for_each(|inner| paths(inner, asked, &format!("{path}[]"), out)),
        Value::String(text) if text == asked => {
            out.insert(path.trim_start_matches('.').to_owned());
        }
        _ => {}
    }
}

/// Where grep sees a value and the matcher does not look: fields that bear no observable, or one of another meaning.
fn only_grep(
    log: &[u8],
    values: &BTreeSet<String>,
    found: &BTreeSet<(u64, String)>,
) -> BTreeMap<String, usize> {
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    let mut fields = BTreeMap::new();
    let seen = grep(log, values);
    assert!(seen.intersection(found).next().is_some(), "a grep that sees nothing shows nothing");
    for (number, value) in seen.difference(found) {
        let record: Value = serde_json::from_slice(lines[usize::try_from(*number).unwrap() - 1]).unwrap();
        let mut places = BTreeSet::new();
        paths(&record, value, "", &mut places);
        for place in places {
            *fields.entry(place).or_default() += 1;
        }
    }
    fields
}

#[test]
fn real_suricata_events() {
    let Some(path) = corpus("suricata-eve/suricata_verify_otrf_eve.ndjson.gz") else { return };
    let log = content(&path);
    let values = some_values(&log, 1);
    let found = matches(&path, &values);
    assert!(values.len() > 500 && found.len() > 5000, "{} values, {} matches", values.len(), found.len());
    agree(&found, &expected(&log, &values));
    eprintln!("{} values of real events: {} matches", values.len(), found.len());
    let only = only_grep(&log, &values, &found);
    expect_test::expect![[r#"
        http.request_headers[].value
        krb5.realm
        smb.kerberos.snames[]
    "#]]
    .assert_eq(&only.keys().map(|field| format!("{field}\n")).collect::<String>());
}

/// The same for tab-separated values: the columns that hold a value, alone or in a set, in lines that grep sees.
fn only_grep_in_columns(
    log: &[u8],
    values: &BTreeSet<String>,
    found: &BTreeSet<(u64, String)>,
) -> BTreeSet<String> {
    let desk = Desk::new();
    let list: String = values.iter().map(|value| format!("{value}\n")).collect();
    desk.put("values.txt", list.as_bytes()).put("log", log);
    let output = Command::new("grep")
        .args(["-anF", "-f", "values.txt", "log"])
        .current_dir(desk.folder.path())
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(log).into_owned();
    let names = text.lines().find_map(|line| line.strip_prefix("#fields\t")).unwrap();
    let names: Vec<&str> = names.split('\t').collect();
    let (mut only, mut both) = (BTreeSet::new(), 0);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (number, row) = line.split_once(':').unwrap();
        let number: u64 = number.parse().unwrap();
        for (column, cell) in names.iter().zip(row.split('\t')).filter(|_| !row.starts_with('#')) {
            for value in cell.split(',').filter(|value| values.contains(*value)) {
                if found.contains(&(number, name(value))) {
                    both += 1;
                } else {
                    only.insert((*column).to_owned());
                }
            }
        }
    }
    assert!(both > 0, "a grep that sees nothing shows nothing");
    only
}

#[test]
fn real_zeek_logs_in_both_forms() {
    let Some(folder) = corpus("zeek/wrccdc2018") else { return };
    let (mut only_json, mut only_tabs) = (BTreeSet::new(), BTreeSet::new());
    for name in ["dns", "ssl", "smtp", "x509", "notice"] {
        let json = folder.join(format!("zeek-json/{name}.json.gz"));
        let tabs = folder.join(format!("zeek-default/{name}.log.gz"));
        let (log, tab_log) = (content(&json), content(&tabs));
        let values = some_values(&log, 2);
        let found = matches(&json, &values);
        agree(&found, &expected(&log, &values));
        let tab_found = matches(&tabs, &values);
        agree(&tab_found, &expected(&tab_log, &values));
        assert_eq!(found.len(), tab_found.len(), "{name}: the two forms of the same records");
        let place = |field: String| format!("{name}: {field}\n");
        only_json.extend(only_grep(&log, &values, &found).into_keys().map(place));
        only_tabs.extend(only_grep_in_columns(&tab_log, &values, &tab_found).into_iter().map(place));
        eprintln!(
            "{name}: {} values, {} matches in JSON and as many in tab-separated values",
            values.len(),
            found.len()
        );
    }
    // What grep sees and the matcher does not look at: columns that bear no observable, or one of another meaning.
    expect_test::expect![[""]].assert_eq(&only_json.into_iter().collect::<String>());
    expect_test::expect![[""]].assert_eq(&only_tabs.into_iter().collect::<String>());
}

#[test]
fn a_match_over_several_records_tells_their_lines() {
    let both = r#"{"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000009","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"both","pattern":"[ipv4-addr:value = '203.0.113.9'] FOLLOWEDBY [domain-name:value = 'evil.example'] WITHIN 60 SECONDS","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}"#;
    let desk = Desk::new();
    desk.put("both.json", both.as_bytes());
    // What is too long to be read has its number all the same.
    let long = "x".repeat(17 << 20);
    desk.put("eve.json", format!("{BENIGN}\n{FLOW}\n{long}\n{BENIGN}\n{DNS}\n").as_bytes());
    desk.put("list.json", format!("[\n{FLOW},\n\n{BENIGN},\n{DNS}\n]").as_bytes());
    let lines = |log: &str| {
        let out = desk.run(&["--json", "--intel", "both.json", log]);
        let text = String::from_utf8(out.stdout).unwrap();
        let found: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (found["line"].as_u64().unwrap(), found["with"].clone())
    };
    assert_eq!(lines("eve.json"), (5, serde_json::json!([2])));
    assert_eq!(lines("list.json"), (5, serde_json::json!([2])));
    let out = desk.run(&["--intel", "both.json", "eve.json"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.starts_with("eve.json:5: dns.rrname=evil.example  both  "), "{text}");
    assert!(text.ends_with(" +2\n"), "{text}");
}
