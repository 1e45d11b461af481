//! What a person is told of matches: why, how many, of which time, with what around them; and what hostile input costs.

use serde_json::{Value, json};

use super::{BENIGN, DNS, Desk, EARLY, FLOW, told};

fn indicator(number: u8, pattern: &str, more: &Value) -> Value {
    let mut indicator = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--0a1b2c3d-0000-4000-8000-0000000001{number:02}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": format!("number {number}"),
        "pattern": pattern, "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        indicator[key] = value.clone();
    }
    indicator
}

#[test]
fn each_match_explains_itself() {
    let desk = Desk::new();
    let log = [FLOW, &DNS.replace("evil.example", "WWW.Evil.example.")].join("\n");
    desk.put("eve.json", log.as_bytes());
    let more = json!({ "confidence": 80, "valid_until": "2027-01-01T00:00:00Z" });
    let bundle = [
        indicator(
            1,
            "[ipv4-addr:value ISSUBSET '203.0.113.0/24' AND network-traffic:protocols[*] = 'tcp']",
            &more,
        ),
        indicator(2, "[domain-name:value = 'evil.example']", &json!({})),
    ];
    desk.put("two.json", format!("{}\n{}\n", bundle[0], bundle[1]).as_bytes());
    let output =
        desk.run(&["--quiet", "--explain", "--covers", "subtree", "--intel", "two.json", "eve.json"]);
    expect_test::expect![[r#"
        0
        eve.json:1: dest_ip=203.0.113.9  number 1  indicator--0a1b2c3d-0000-4000-8000-000000000101
            pattern  [ipv4-addr:value ISSUBSET '203.0.113.0/24' AND network-traffic:protocols[*] = 'tcp']
            met  dest_ip = 203.0.113.9 ⊂ 203.0.113.0/24  [ipv4-addr:value ISSUBSET '203.0.113.0/24']
            holds  [network-traffic:protocols[*] = 'tcp']
            valid  2026-01-01T00:00:00Z – 2027-01-01T00:00:00Z; record of 2026-02-01T00:00:00Z
            confidence  80; worth by its age 36
            warning lists  5 asked, on none
            covers  subtree, exact
        eve.json:2: dns.rrname=WWW.Evil.example.  number 2  indicator--0a1b2c3d-0000-4000-8000-000000000102
            pattern  [domain-name:value = 'evil.example']
            met  dns.rrname = www.evil.example ← WWW.Evil.example. ⊂ evil.example  [domain-name:value = 'evil.example']
            valid  2026-01-01T00:00:00Z – open-ended; record of 2026-02-01T00:00:01Z
            confidence  none stated
            warning lists  5 asked, on none
            covers  subtree, exact
        ---
    "#]].assert_eq(&told(&output));
    let output = desk.run(&["--lang", "ja", "--quiet", "--explain", "--intel", "intel.json", "eve.json"]);
    let japanese = told(&output);
    for part in [
        "パターン  [ipv4-addr:value = '203.0.113.9']",
        "有効  2026-01-01",
        "確信度  記載なし",
        "件を照会、該当なし",
    ] {
        assert!(japanese.contains(part), "{part}: {japanese}");
    }
    let output = desk.run(&["--json", "--explain", "--covers", "subtree", "--intel", "two.json", "eve.json"]);
    let found: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let why = &found[1]["explain"];
    let met = &why["observations"][0]["tests"][0]["met"][0];
    assert_eq!((&met["canonical"], &met["within"]), (&json!("www.evil.example"), &json!("evil.example")));
    assert_eq!((&why["covers"], &why["record_time"]), (&json!("subtree"), &json!("2026-02-01T00:00:01Z")));
    assert_eq!(found[0]["explain"]["confidence"], 80);
    assert_eq!(found[0]["explain"]["valid_until"], "2027-01-01T00:00:00Z");
}

#[test]
fn a_pattern_over_several_records_says_which_met_which_part() {
    let desk = Desk::new();
    let pattern = "[url:value = 'http://never.example/'] OR ([ipv4-addr:value = '203.0.113.9'] FOLLOWEDBY [domain-name:value = 'evil.example'])";
    desk.put("both.json", indicator(1, pattern, &json!({})).to_string().as_bytes());
    desk.put("eve.json", [FLOW, BENIGN, DNS].join("\n").as_bytes());
    let output = desk.run(&["--json", "--explain", "--intel", "both.json", "eve.json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts = found["explain"]["observations"].as_array().unwrap();
    let told: Vec<(bool, &Value)> =
        parts.iter().map(|part| (part["holds"].as_bool().unwrap(), &part["with"])).collect();
    assert_eq!(told, [(false, &json!([])), (false, &json!([1])), (true, &json!([]))]);
    let output = desk.run(&["--explain", "--intel", "both.json", "eve.json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("part  [ipv4-addr:value = '203.0.113.9']: +1"), "{text}");
    assert!(text.contains("part  [domain-name:value = 'evil.example']: this record"), "{text}");
}

#[test]
fn counts_say_what_was_read_refused_and_met() {
    let desk = Desk::new();
    let torn = FLOW.get(..60).unwrap();
    desk.put("eve.json", format!("{FLOW}\n{BENIGN}\n{torn}\n{FLOW}\n{DNS}\n").as_bytes());
    let output = desk.run(&["--json", "--stats", "--intel", "intel.json", "eve.json"]);
    let last = String::from_utf8(output.stderr).unwrap();
    let stats: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    let stats = &stats["stats"];
    assert_eq!(
        (&stats["lines"], &stats["indicators"], &stats["unanchored"]),
        (&json!(5), &json!(2), &json!(0))
    );
    assert_eq!(stats["formats"]["eve"]["refused"], json!({ "line-cut-off": 1 }));
    assert_eq!(stats["formats"]["eve"]["lines"], 5);
    assert_eq!(stats["matches_by_kind"], json!({ "domain-name": 1, "ipv4-addr": 2 }));
    assert_eq!(stats["values_by_kind"], json!({ "domain-name": 1, "ipv4-addr": 1 }));
    assert_eq!((&stats["top"][0]["name"], &stats["top"][0]["matches"]), (&json!("指令サーバー"), &json!(2)));
    assert!(
        stats["candidate_share"].as_f64().unwrap() < 1.0,
        "a line without anything known is not parsed: {stats}"
    );
    assert_eq!(stats["bytes"], std::fs::metadata(desk.folder.path().join("eve.json")).unwrap().len());
    let output = desk.run(&["--stats", "--intel", "intel.json", "eve.json"]);
    let text = told(&output);
    for part in
        ["yagura: 5 lines, ", "eve: 5 lines (", "refused: line-cut-off 1", "2  指令サーバー  indicator--"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn only_records_of_a_time() {
    let desk = Desk::new();
    desk.put("eve.json", [EARLY, FLOW, DNS].join("\n").as_bytes());
    let lines = |more: &[&str]| {
        let output = desk.run(&[&["--any-time", "--intel", "intel.json"], more, &["eve.json"]].concat());
        let text = told(&output);
        let shown =
            text.lines().filter_map(|line| line.strip_prefix("eve.json:")?.split(':').next()?.parse().ok());
        (shown.collect::<Vec<u32>>(), output.status.code(), text)
    };
    assert_eq!(lines(&[]).0, [1, 2, 3]);
    assert_eq!(lines(&["--since", "2026-01-01"]).0, [2, 3]);
    assert_eq!(lines(&["--until", "2026-02-01T00:00:01Z"]).0, [1, 2]);
    let (shown, code, text) = lines(&["--since", "2026-02-01T00:00:01Z", "--until", "2026-02-01T00:00:01Z"]);
    assert_eq!((shown, code), (vec![], Some(1)));
    assert!(text.contains("3 matches outside of `--since` and `--until`"), "{text}");
    assert_eq!(lines(&["--since", "yesterday"]).1, Some(2));
}

#[test]
fn lines_around_matches_as_grep_shows_them() {
    let desk = Desk::new();
    let log: Vec<String> = (1..=12)
        .map(|number| {
            if [3, 4, 10].contains(&number) {
                FLOW.to_owned()
            } else {
                BENIGN.replace("flow", &format!("n{number}"))
            }
        })
        .collect();
    desk.put("eve.json", format!("{}\n", log.join("\n")).as_bytes());
    let numbers = |options: &[&str]| {
        let output = desk.run(&[&["--quiet", "--intel", "intel.json"], options, &["eve.json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let number = |line: &str| {
            let rest = line.strip_prefix("eve.json").unwrap_or(line);
            let digits: String = rest.chars().skip(1).take_while(char::is_ascii_digit).collect();
            match rest.chars().next() {
                _ if line == "--" => "--".to_owned(),
                Some('-') => format!("-{digits}"),
                _ if rest.contains("dest_ip=203") => format!("!{digits}"),
                _ => format!(":{digits}"),
            }
        };
        text.lines().map(number).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(numbers(&[]), "!3 !4 !10");
    assert_eq!(numbers(&["-A", "1"]), "!3 :3 !4 :4 -5 -- !10 :10 -11");
    assert_eq!(numbers(&["-B", "2"]), "-1 -2 !3 :3 !4 :4 -- -8 -9 !10 :10");
    assert_eq!(numbers(&["-C", "2"]), "-1 -2 !3 :3 !4 :4 -5 -6 -- -8 -9 !10 :10 -11 -12");
    assert_eq!(numbers(&["-C", "3"]), "-1 -2 !3 :3 !4 :4 -5 -6 -7 -8 -9 !10 :10 -11 -12");
    let output = desk.run(&["--json", "--quiet", "-A", "1", "--intel", "intel.json", "eve.json"]);
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[2]["line"], &lines[2]["context"]), (5, &json!(5), &json!(log[4])));
    assert_eq!(desk.run(&["-A", "10001", "--intel", "intel.json", "eve.json"]).status.code(), Some(2));
}

#[test]
fn patterns_that_no_value_leads_to_are_held_against_every_line_unless_they_are_refused() {
    let desk = Desk::new();
    let port = indicator(1, "[network-traffic:dst_port = 4444]", &json!({}));
    desk.put("port.json", port.to_string().as_bytes());
    let record = BENIGN.replace("\"proto\"", "\"dest_port\":4444,\"proto\"");
    desk.put("eve.json", format!("{BENIGN}\n{record}\n").as_bytes());
    let output = desk.run(&["--stats", "--intel", "port.json", "eve.json"]);
    let text = told(&output);
    assert!(text.starts_with("0\neve.json:2:"), "{text}");
    assert!(text.contains("1 comparisons name no value to look up") && text.contains("100.00 %"), "{text}");
    let output =
        desk.run(&["--unanchored", "refuse", "--intel", "port.json", "--intel", "intel.json", "eve.json"]);
    assert!(
        output.status.code() == Some(1) && told(&output).contains("[pattern-no-anchor]"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_name_is_not_followed_below_a_public_suffix() {
    let desk = Desk::new();
    desk.put("list.txt", b"github.io\nco.jp\nevil.example\n");
    let names = ["evil.github.io", "github.io", "victim.co.jp", "www.evil.example"];
    let log: Vec<String> = names.iter().map(|name| DNS.replace("evil.example", name)).collect();
    desk.put("eve.json", log.join("\n").as_bytes());
    let output = desk.run(&["--covers", "subtree", "--intel", "list.txt", "eve.json"]);
    let text = told(&output);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("eve.json:")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("eve.json:2:") && lines[1].starts_with("eve.json:4:"), "{text}");
    assert!(text.contains("public suffixes") && text.contains("[warning-list]"), "{text}");
}

/// A line of 100 MB, a regular expression that explodes, a pattern of 10,000 terms, a clock at the year 9999, torn gzip, and text
/// in another encoding: each is counted, and none keeps the others from being read.
#[test]
fn hostile_input_stops_nothing() {
    let desk = Desk::new();
    let terms: Vec<String> = (0..10_000).map(|n| format!("url:value = 'http://h{n}.example/'")).collect();
    let bundle = [
        indicator(
            1,
            "[file:name MATCHES '^(([a-z])+.)+[A-Z]([a-z])+$' AND ipv4-addr:value = '203.0.113.9']",
            &json!({}),
        ),
        indicator(
            2,
            "[domain-name:value MATCHES '(a+)+$' AND domain-name:value = 'evil.example']",
            &json!({}),
        ),
        indicator(3, &format!("[{}]", terms.join(" OR ")), &json!({})),
        indicator(4, &format!("[{}]", terms.join(" AND ")), &json!({})),
        indicator(5, &format!("[domain-name:value MATCHES '{}']", "(a{1000}){1000}"), &json!({})),
        indicator(6, "[ipv4-addr:value = '203.0.113.9']", &json!({})),
    ];
    let lines: Vec<String> = bundle.iter().map(ToString::to_string).collect();
    desk.put("hostile.json", lines.join("\n").as_bytes());
    let mut log = format!("{FLOW}\n").into_bytes();
    log.extend(std::iter::repeat_n(b'x', 100 << 20));
    log.extend(b"\n\xff\xfe{\0\"\0e\0\n");
    log.extend(FLOW.replace("2026-02-01", "9999-12-31").bytes());
    log.extend(format!("\n{}\n{FLOW}\n", DNS.replace("evil.example", &"a".repeat(60))).bytes());
    desk.put("eve.json", &log);
    let output = desk.run(&["--json", "--stats", "--intel", "hostile.json", "eve.json"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    let places: Vec<u64> = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].as_u64().unwrap())
        .collect();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(places, [1, 4, 6], "{errors}");
    let mut said = errors.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let totals = said.next().unwrap();
    assert_eq!(totals["unreadable"]["line-too-long"], 1, "{totals}");
    let refused: u64 = totals["refused"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert!(refused >= 2, "{totals}");
    let bytes = said.next().unwrap()["stats"]["bytes"].as_u64().unwrap();
    assert_eq!(bytes, log.len() as u64);
}
