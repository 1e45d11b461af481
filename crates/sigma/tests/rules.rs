//! What rules say, what they may cost, and what records look like to them.
#![cfg(test)]

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use sigma::{Built, Options, Origin, RuleSet, RuleText, Scanner};
use stix::Object;
use telemetry::{Format, Reader};

const SYSMON: &str = "logsource:\n  product: windows\n  category: process_creation\n";

/// A rule of this body, called after what it is.
fn rule(title: &str, logsource: &str, detection: &str) -> String {
    format!("title: {title}\nid: {title}\nlevel: high\n{logsource}detection:\n{detection}")
}

fn built(texts: &[&str]) -> Built {
    let files = texts.iter().enumerate();
    let texts = files.map(|(number, text)| RuleText::of_file(&format!("{number}.yml"), (*text).to_owned()));
    RuleSet::build(texts, Options::default())
}

fn now() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

/// The titles of the rules that the lines meet, with the numbers of the lines.
fn found(set: RuleSet, reader: Reader, lines: &str) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(Arc::new(set), reader);
    scanner.scan(lines.as_bytes(), now(), &mut |hit| found.push((hit.line, hit.rule.title.clone())));
    found
}

/// Whether one rule for new processes meets a process of this command line.
fn meets(detection: &str, command_line: &str) -> bool {
    let Built { set, refused } = built(&[&rule("r", SYSMON, detection)]);
    assert!(refused.is_empty(), "{detection}: {refused:?}");
    let record = serde_json::json!({
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "CommandLine": command_line, "Image": "C:\\a\\b.exe",
        "OriginalFileName": "C:\\a\\b.exe", "ProcessId": 4711, "Ip": "192.0.2.77",
    });
    !found(set, Reader::auto(), &record.to_string()).is_empty()
}

#[test]
fn every_modifier_means_what_the_specification_says() {
    let base64 = "cmd /c d2hvYW1pIC9hbGw=";
    for (field, value, command_line, is_met) in [
        ("CommandLine", "WHOAMI", "whoami", true),
        ("CommandLine", "who*i", "whoami", true),
        ("CommandLine", "who?mi", "whoami", true),
        ("CommandLine", "who", "whoami", false),
        ("CommandLine|contains", "oam", "whoami", true),
        ("CommandLine|startswith", "who", "whoami", true),
        ("CommandLine|endswith", "ami", "whoami", true),
        ("CommandLine|cased", "WHOAMI", "whoami", false),
        ("CommandLine|re", "^w.{4}i$", "whoami", true),
        ("CommandLine|re", "^W.{4}I$", "whoami", false),
        ("CommandLine|re|i", "^W.{4}I$", "whoami", true),
        ("CommandLine|windash|contains", "' -all'", "whoami /all", true),
        ("CommandLine|windash|contains", "' -all'", "whoami –all", true),
        ("CommandLine|contains", "' -all'", "whoami /all", false),
        ("CommandLine|base64offset|contains", "whoami", base64, true),
        ("CommandLine|base64|contains", "whoami /all", base64, true),
        ("Ip|cidr", "192.0.2.0/24", "", true),
        ("Ip|cidr", "198.51.100.0/24", "", false),
        ("ProcessId|gt", "4000", "", true),
        ("ProcessId|lt", "4000", "", false),
        ("Image|fieldref", "OriginalFileName", "", true),
        ("Image|fieldref", "CommandLine", "x", false),
        ("Image|exists", "true", "", true),
        ("Nothing|exists", "true", "", false),
        ("Nothing", "null", "", true),
    ] {
        let detection = format!("  s:\n    {field}: {value}\n  condition: s\n");
        assert_eq!(meets(&detection, command_line), is_met, "{field}: {value} on `{command_line}`");
    }
    let all = "  s:\n    CommandLine|contains|all: [who, ami]\n  condition: s\n";
    assert!(meets(all, "whoami") && !meets(all, "who"));
    let several = "  s_a:\n    CommandLine: a\n  s_b:\n    CommandLine: b\n  f:\n    ProcessId: 1\n  condition: 1 of s_* and not f\n";
    assert!(meets(several, "b") && !meets(several, "c"));
    assert!(meets("  k:\n    - whoami\n  condition: k\n", "cmd /c whoami"));
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place_and_nothing_else_stops() {
    let fit = rule("fit", SYSMON, "  s:\n    CommandLine: a\n  condition: s\n");
    let with = |detection: &str| rule("r", SYSMON, detection);
    let one = |field: &str, value: &str| with(&format!("  s:\n    {field}: {value}\n  condition: s\n"));
    let deep = format!("title: r\nx: {}{}\n", "[".repeat(100), "]".repeat(100));
    let bomb = "title: r\na: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
                c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
                e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
    for (text, code) in [
        ("title: [".to_owned(), "sigma-yaml"),
        ("just words".to_owned(), "sigma-rule"),
        ("title: r\n".to_owned(), "sigma-field-missing"),
        (String::new(), "sigma-rule"),
        (deep, "sigma-too-large"),
        (bomb.to_owned(), "sigma-too-large"),
        (one("CommandLine", &"x".repeat(70_000)), "sigma-too-large"),
        (one("CommandLine|nonsense", "x"), "sigma-modifier"),
        (one("CommandLine|expand", "'%servers%'"), "sigma-placeholder"),
        (one("CommandLine|re", "'('"), "sigma-expression"),
        (one("CommandLine|re", "'(a{1000}){1000}'"), "sigma-expression"),
        (one("CommandLine|windash|contains", "'-a -b -c -d -e -f -g'"), "sigma-too-large"),
        (one("CommandLine|windash|contains", &format!("'-a -b {}'", "x".repeat(20_000))), "sigma-too-large"),
        (one("CommandLine|re", &format!("[{}]", [r"'\w{1,64}'"; 5].join(", "))), "sigma-expression"),
        (with("  s:\n    a: b\n  condition: s and\n"), "sigma-condition"),
        (with("  s:\n    a: b\n  condition: s | count() by a > 5\n"), "sigma-condition"),
        (with(&format!("  s:\n    a: b\n  condition: s{}\n", " or s".repeat(2000))), "sigma-too-large"),
        (rule("r", "", "  s:\n    a: b\n  condition: s\n"), "sigma-logsource"),
    ] {
        let Built { set, refused } = built(&[&fit, &text]);
        let told: Vec<_> = refused.iter().map(|refused| (refused.place.as_str(), refused.code)).collect();
        assert_eq!(told, [("1.yml", code)], "{text:.200} → {refused:?}");
        assert_eq!(set.len(), 1, "{text:.200}");
    }
    let several = format!("{fit}---\n# a comment\n\ntitle: r\n---\n{fit}");
    let Built { set, refused } = built(&[&several]);
    assert_eq!((set.len(), refused.len()), (2, 1));
    let line = several.lines().position(|line| line == "title: r").map(|line| line as u32 + 1);
    assert_eq!(refused[0].line, line, "{}", refused[0]);
}

fn indicator(number: u8, modified: &str, rest: &str, pattern: &str) -> Result<RuleText, sigma::Refused> {
    let text = format!(
        r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-0000000000{number:02}",
            "created":"2026-01-01T00:00:00.000Z","modified":"{modified}","name":"shared","pattern_type":"sigma",
            "pattern":{},"valid_from":"2026-01-01T00:00:00Z"{rest}}}"#,
        serde_json::json!(pattern)
    );
    RuleText::of_indicator(&Object::parse(text.into_bytes().into()).unwrap())
}

const EARLY: &str = "2026-01-01T00:00:00.000Z";
const LATER: &str = "2026-02-01T00:00:00.000Z";

#[test]
fn a_rule_of_an_indicator_counts_as_the_indicator_does() {
    let text = rule("r", SYSMON, "  s:\n    CommandLine: a\n  condition: s\n");
    let record = |time: &str| {
        format!(
            r#"{{"@timestamp":"{time}","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"CommandLine":"a"}}"#
        )
    };
    let check = |texts: Vec<RuleText>, options: Options, time: &str, expected: usize, why: &str| {
        let Built { set, refused } = RuleSet::build(texts, options);
        let mut scanner = Scanner::new(Arc::new(set), Reader::auto());
        let mut versions = Vec::new();
        scanner.scan(record(time).as_bytes(), now(), &mut |hit| {
            let Origin::Indicator(indicator) = &hit.rule.origin else { panic!("{why}: a shared indicator") };
            versions.push(indicator.version.to_string());
        });
        assert_eq!(versions.len(), expected, "{why}: {refused:?}");
        (versions, refused.iter().map(|refused| refused.code).collect::<Vec<_>>())
    };
    let plain = Options::default();
    let of = |modified: &str, rest: &str| indicator(1, modified, rest, &text).unwrap();
    check(vec![of(EARLY, "")], plain, "2026-03-01T00:00:00Z", 1, "within its validity");
    check(vec![of(EARLY, "")], plain, "2025-03-01T00:00:00Z", 0, "before its validity");
    let until = r#","valid_until":"2026-02-01T00:00:00Z""#;
    check(vec![of(EARLY, until)], plain, "2026-02-01T00:00:00Z", 0, "after its validity");
    let any_time = Options { any_time: true, ..plain };
    check(vec![of(EARLY, until)], any_time, "2026-02-01T00:00:00Z", 1, "at any time");
    let (_, refused) =
        check(vec![of(EARLY, r#","revoked":true"#)], plain, "2026-03-01T00:00:00Z", 0, "revoked");
    assert_eq!(refused, ["revoked"]);
    let sure = Options { confidence_min: Some(50), ..plain };
    let (_, refused) =
        check(vec![of(EARLY, r#","confidence":20"#)], sure, "2026-03-01T00:00:00Z", 0, "unsure");
    assert_eq!(refused, ["confidence-low"]);
    let (versions, _) =
        check(vec![of(LATER, ""), of(EARLY, "")], plain, "2026-03-01T00:00:00Z", 1, "the newest counts");
    assert_eq!(versions, [LATER]);
}

const LOGIN: &str = "title: login\nname: login\nlogsource:\n  product: zeek\n  service: http\ndetection:\n  s:\n    uri: /login\n  condition: s\n";

fn correlation(kind: &str, rest: &str) -> String {
    format!(
        "title: many\nlevel: high\ncorrelation:\n  type: {kind}\n  rules: [login]\n  group-by: [host]\n  timespan: 60s\n{rest}"
    )
}

fn login(second: i64, host: &str, user: &str) -> String {
    let time = 1_772_000_000 + second;
    format!(
        r#"{{"_path":"http","ts":{time},"host":"{host}","method":"GET","uri":"/login","username":"{user}"}}"#
    )
}

#[test]
fn correlations_count_by_the_records_own_time() {
    let count = correlation("event_count", "  condition:\n    gte: 3\n");
    let values = correlation("value_count", "  condition:\n    field: username\n    gte: 3\n");
    let lines = |members: &[(i64, &str, &str)]| {
        members.iter().map(|(second, host, user)| login(*second, host, user)).collect::<Vec<_>>().join("\n")
    };
    for (text, members, expected) in [
        (&count, lines(&[(0, "a", "u"), (20, "a", "u"), (40, "a", "u")]), vec![2]),
        (&count, lines(&[(0, "a", "u"), (50, "a", "u"), (100, "a", "u")]), vec![]),
        (&count, lines(&[(0, "a", "u"), (20, "b", "u"), (40, "a", "u")]), vec![]),
        // A threshold that was reached is told once, and counted anew.
        (
            &count,
            lines(&[
                (0, "a", "u"),
                (1, "a", "u"),
                (2, "a", "u"),
                (3, "a", "u"),
                (4, "a", "u"),
                (5, "a", "u"),
            ]),
            vec![2, 5],
        ),
        (&count, lines(&[(1, "a", "u"), (0, "a", "u"), (2, "a", "u")]), vec![2]),
        // What is long past is not counted with what came after it, and what is far ahead spoils nothing.
        (&count, lines(&[(1000, "a", "u"), (1, "a", "u"), (0, "a", "u")]), vec![]),
        (&count, lines(&[(900_000_000, "a", "u"), (1, "a", "u"), (2, "a", "u"), (3, "a", "u")]), vec![3]),
        (&values, lines(&[(0, "a", "u"), (1, "a", "u"), (2, "a", "u")]), vec![]),
        (&values, lines(&[(0, "a", "u"), (1, "a", "v"), (2, "a", "w")]), vec![2]),
    ] {
        let Built { set, refused } = built(&[LOGIN, text]);
        assert!(refused.is_empty(), "{refused:?}");
        let found = found(set, Reader::auto(), &members);
        let expected: Vec<_> = expected.into_iter().map(|line| (line, "many".to_owned())).collect();
        assert_eq!(found, expected, "{members}");
    }
}

#[test]
fn temporal_correlations_ask_for_all_their_rules() {
    let other = LOGIN.replace("login", "admin");
    let both = "title: both\ncorrelation:\n  type: temporal\n  rules: [login, admin]\n  group-by: [host]\n  timespan: 60s\n  generate: true\n";
    let Built { set, refused } = built(&[LOGIN, &other, both]);
    assert!(refused.is_empty(), "{refused:?}");
    let admin = login(10, "a", "u").replace("/login", "/admin");
    let told = found(set, Reader::auto(), &format!("{}\n{admin}", login(0, "a", "u")));
    let expected = [(0, "login"), (1, "admin"), (1, "both")].map(|(line, title)| (line, title.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn a_correlation_that_builds_on_nothing_or_on_itself_is_refused() {
    let count = correlation("event_count", "  condition:\n    gte: 3\n");
    let itself = count.replace("[login]", "[many]");
    for text in [&count, &itself] {
        let Built { set, refused } = built(&[text]);
        assert_eq!((set.len(), refused[0].code), (0, "sigma-correlation"), "{refused:?}");
    }
    let endless = correlation("event_count", "  condition:\n    gte: 1000000\n");
    assert_eq!(built(&[LOGIN, &endless]).refused[0].code, "sigma-too-large");
}

#[test]
fn what_correlations_remember_outlives_another_set() {
    let count = correlation("event_count", "  condition:\n    gte: 2\n");
    let other = rule("other", SYSMON, "  s:\n    CommandLine: a\n  condition: s\n");
    let mut scanner = Scanner::new(Arc::new(built(&[LOGIN, &count]).set), Reader::auto());
    let mut matches = 0;
    scanner.scan(login(0, "a", "u").as_bytes(), now(), &mut |_| matches += 1);
    scanner.adopt(Arc::new(built(&[LOGIN, &count, &other]).set));
    assert_eq!(matches, 0);
    scanner.scan(login(1, "a", "u").as_bytes(), now(), &mut |_| matches += 1);
    assert_eq!(matches, 1);
}

#[test]
fn what_correlations_remember_outlives_a_restart() {
    let values = correlation("value_count", "  condition:\n    field: username\n    gte: 2\n");
    let set = Arc::new(built(&[LOGIN, &values]).set);
    let mut before = Scanner::new(Arc::clone(&set), Reader::auto());
    assert!(before.remembered().is_none(), "nothing is remembered yet");
    before.scan(login(100, "a", "u").as_bytes(), now(), &mut |_| panic!("too early"));
    let kept = serde_json::to_vec(&before.remembered().unwrap()).unwrap();

    let met_after = |second, text: Option<&[u8]>| {
        let mut after = Scanner::new(Arc::clone(&set), Reader::auto());
        if let Some(text) = text {
            after.remember(serde_json::from_slice(text).unwrap());
        }
        let mut met = Vec::new();
        after.scan(login(second, "a", "v").as_bytes(), now(), &mut |hit| met.push(hit.rule.title.clone()));
        (met, after.tally().late)
    };
    assert_eq!(met_after(101, Some(&kept)), (vec!["many".to_owned()], 0));
    assert_eq!(met_after(101, None), (vec![], 0));
    assert_eq!(met_after(1, Some(&kept)), (vec![], 1), "what was late is late after a restart");
}

#[test]
fn rules_of_an_indicator_refer_to_nothing_outside_of_it() {
    let count = correlation("event_count", "  condition:\n    gte: 1\n");
    let filter = "title: f\nlogsource:\n  product: zeek\nfilter:\n  rules: any\n  selection:\n    host: a\n  condition: not selection\n";
    let own = || RuleText::of_file("own.yml", LOGIN.to_owned());
    let stranger = |text: &str| indicator(1, EARLY, "", text).unwrap();
    let Built { refused, .. } = RuleSet::build([own(), stranger(&count)], Options::default());
    assert_eq!(refused[0].code, "sigma-correlation");
    let Built { set, refused } = RuleSet::build([own(), stranger(filter)], Options::default());
    assert_eq!(refused[0].code, "sigma-filter");
    assert_eq!(found(set, Reader::auto(), &login(0, "a", "u")).len(), 1, "a stranger's filter hides nothing");
    let own_filter = RuleText::of_file("filter.yml", filter.to_owned());
    let Built { set, refused } = RuleSet::build([own(), own_filter], Options::default());
    assert!(refused.is_empty(), "{refused:?}");
    let told = found(set, Reader::auto(), &format!("{}\n{}", login(0, "a", "u"), login(0, "b", "u")));
    assert_eq!(told, [(1, "login".to_owned())]);
}

/// A record of each format, the log source that rules ask for it by, and a field of it under the name that rules give it.
#[test]
fn records_are_found_by_their_log_source_and_fields() {
    let evtx = r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":{"#text":"22"},"Channel":"Microsoft-Windows-Sysmon/Operational"},"EventData":{"Data":[{"#attributes":{"Name":"QueryName"},"#text":"evil.example"}]}}}"##;
    let zeek_tsv =
        "#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tquery\n1769904000.0\t10.0.0.1\tevil.example";
    let w3c = "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status\n2026-01-01 00:00:00 192.0.2.1 GET /x.php a=b 200";
    for (source, field, value, lines) in [
        ("product: windows\n  category: dns_query", "QueryName", "evil.example", evtx),
        ("product: windows\n  service: sysmon", "EventID", "22", evtx),
        (
            "product: windows\n  service: security",
            "EventID",
            "4625",
            r#"{"EventID":"4625","Channel":"Security","SourceName":"x"}"#,
        ),
        (
            "product: windows\n  category: process_creation",
            "Image|endswith",
            "'\\a.exe'",
            r#"{"EventID":4688,"Channel":"Security","NewProcessName":"C:\\a.exe"}"#,
        ),
        (
            "product: windows\n  service: security",
            "SubjectUserName",
            "u",
            r#"{"winlog":{"channel":"Security","event_id":4688,"event_data":{"SubjectUserName":"u"}}}"#,
        ),
        (
            "product: windows\n  service: security",
            "SubjectUserName",
            "u",
            r#"{"winlog.channel":"Security","winlog.event_id":4688,"winlog.event_data.SubjectUserName":"u"}"#,
        ),
        (
            "product: linux\n  category: process_creation",
            "Image",
            "/bin/a",
            r#"{"EventID":1,"Channel":"Linux-Sysmon/Operational","Image":"/bin/a"}"#,
        ),
        (
            "product: zeek\n  service: http",
            "user_agent",
            "x",
            r#"{"ts":1769904000.0,"_path":"http","uri":"/","user_agent":"x"}"#,
        ),
        (
            "category: proxy",
            "c-useragent",
            "x",
            r#"{"ts":1769904000.0,"_path":"http","uri":"/","user_agent":"x"}"#,
        ),
        ("product: zeek\n  service: dns", "query", "evil.example", zeek_tsv),
        ("category: dns", "query", "evil.example", zeek_tsv),
        (
            "category: dns",
            "answer",
            "192.0.2.9",
            r#"{"timestamp":"2026-01-01T00:00:00.0+0000","event_type":"dns","dns":{"rrname":"a.example","answers":[{"rdata":"192.0.2.9"}]}}"#,
        ),
        (
            "category: proxy",
            "c-uri|contains",
            "x.php",
            r#"{"timestamp":"2026-01-01T00:00:00.0+0000","event_type":"http","http":{"url":"/x.php?a"}}"#,
        ),
        (
            "category: firewall",
            "dst_port",
            "445",
            r#"{"timestamp":"2026-01-01T00:00:00.0+0000","event_type":"flow","dest_port":445}"#,
        ),
        (
            "product: aws\n  service: cloudtrail",
            "eventName",
            "StopLogging",
            r#"{"eventVersion":"1.08","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"a"}"#,
        ),
        (
            "product: azure\n  service: activitylogs",
            "operationName",
            "A/B",
            r#"{"operationName":"A/B","category":"Administrative","resourceId":"/x"}"#,
        ),
        (
            "product: azure\n  service: signinlogs",
            "properties.status.errorCode",
            "50053",
            r#"{"category":"SignInLogs","resourceId":"/x","properties":{"status":{"errorCode":50053}}}"#,
        ),
        (
            "product: gcp\n  service: gcp.audit",
            "gcp.audit.method_name",
            "a.b",
            r#"{"insertId":"1","logName":"x","protoPayload":{"methodName":"a.b"}}"#,
        ),
        (
            "category: webserver",
            "cs-uri-query|contains",
            "a=b",
            "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /x.php?a=b HTTP/1.1\" 200 1 \"-\" \"x\"",
        ),
        (
            "category: webserver",
            "sc-status",
            "200",
            "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /x.php?a=b HTTP/1.1\" 200 1 \"-\" \"x\"",
        ),
        ("category: webserver", "cs-uri-stem", "/x.php", w3c),
        (
            "category: proxy",
            "cs-host",
            "evil.example",
            "1769904000.000 12 192.0.2.1 TCP_MISS/200 512 GET http://evil.example/a - DIRECT/198.51.100.7 text/html",
        ),
        (
            "product: linux\n  service: sshd",
            "message|contains",
            "invalid user",
            "<38>Jan  1 00:00:00 host sshd[7]: Failed password for invalid user x from 192.0.2.1 port 1 ssh2",
        ),
        (
            "product: linux\n  service: auditd",
            "type",
            "EXECVE",
            "<13>Jan  1 00:00:00 host audispd: type=EXECVE msg=audit(1.0:1): argc=1 a0=\"x\"",
        ),
        (
            "category: dns",
            "query",
            "evil.example",
            "01-Jan-2026 00:00:00.000 queries: info: client @0x1 10.0.0.1#5 (evil.example): query: evil.example IN A + (10.0.0.2)",
        ),
    ] {
        let text = rule(
            "r",
            &format!("logsource:\n  {source}\n"),
            &format!("  s:\n    {field}: {value}\n  condition: s\n"),
        );
        let Built { set, refused } = built(&[&text]);
        assert!(refused.is_empty(), "{refused:?}");
        let told = found(set, Reader::auto(), lines);
        assert_eq!(told.len(), 1, "{source} {field} {lines}");
    }
}

#[test]
fn only_records_that_rules_are_about_are_read() {
    let text = rule("r", SYSMON, "  s:\n    CommandLine: a\n  condition: s\n");
    let flow = r#"{"timestamp":"2026-01-01T00:00:00.0+0000","event_type":"flow","dest_ip":"192.0.2.1"}"#;
    let mut scanner = Scanner::new(Arc::new(built(&[&text]).set), Reader::auto());
    scanner.scan(
        format!("{flow}\n192.0.2.1 - - [x] \"GET / HTTP/1.1\" 200 1\n").as_bytes(),
        now(),
        &mut |_| {},
    );
    assert_eq!((scanner.tally().lines, scanner.tally().read), (2, 0));
    let mut idle = Scanner::new(Arc::new(RuleSet::none()), Reader::new(Format::Eve));
    idle.scan(flow.as_bytes(), now(), &mut |_| {});
    assert_eq!(idle.tally().lines, 0, "without rules nothing is looked at");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_rules_end_nothing(cut in 0..400_usize, at in 0..400_usize, byte: u8) {
        let whole = format!("{LOGIN}---\n{}", correlation("event_count", "  condition:\n    gte: 3\n"));
        let mut bytes = whole.into_bytes();
        bytes.truncate(cut);
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let text = String::from_utf8_lossy(&bytes);
        let _ = built(&[&text]);
    }

    #[test]
    fn any_line_ends_nothing(line in ".{0,200}", format in 0..Format::ALL.len()) {
        let any = ["windows", "zeek", "linux", "aws", "azure", "gcp", "suricata"].map(|product| {
            rule(product, &format!("logsource:\n  product: {product}\n"), "  s:\n    a: b\n  condition: s\n")
        });
        let set = Arc::new(built(&any.each_ref().map(String::as_str)).set);
        for reader in [Reader::auto(), Reader::new(Format::ALL[format])] {
            Scanner::new(Arc::clone(&set), reader).scan(line.as_bytes(), now(), &mut |_| {});
        }
    }
}
