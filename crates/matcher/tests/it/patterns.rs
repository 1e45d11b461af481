//! What each kind of pattern matches and what it does not; and why others are refused.

use std::sync::Arc;

use matcher::{Covers, Indicator, IndicatorSet, Options, Reach, Scanner, UrlMode, WarningLists};
use telemetry::Reader;

use crate::given::{indicator, now};

const DNS: &str = r#"{"timestamp":"2026-01-15T00:00:00.000000+0000","event_type":"dns","src_ip":"10.1.2.3","src_port":5353,"dest_ip":"198.51.100.7","dest_port":53,"proto":"UDP","dns":{"type":"answer","rrname":"WWW.Evil.Example","answers":[{"rrname":"www.evil.example","rrtype":"A","rdata":"203.0.113.9"},{"rrtype":"AAAA","rdata":"2001:0db8:0000::1"}]}}"#;
const HTTP: &str = r#"{"timestamp":"2026-01-15T00:00:00.000000+0000","event_type":"http","src_ip":"10.1.2.3","src_port":40000,"dest_ip":"203.0.113.80","dest_port":8080,"proto":"TCP","http":{"hostname":"bad.example","http_port":8080,"url":"/a/b?q=1","http_refer":"https://start.example/page"}}"#;
const FILE: &str = r#"{"timestamp":"2026-01-15T00:00:00.000000+0000","event_type":"fileinfo","src_ip":"203.0.113.80","dest_ip":"10.1.2.3","proto":"TCP","fileinfo":{"filename":"/x/payload.exe","md5":"0123456789ABCDEF0123456789abcdef","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#;
const ALERT: &str = r#"{"timestamp":"2026-01-15T00:00:00.000000+0000","event_type":"alert","src_ip":"203.0.113.80","dest_ip":"10.1.2.3","proto":"TCP","files":[{"filename":"one.exe","md5":"11111111111111111111111111111111"},{"filename":"two.exe","md5":"22222222222222222222222222222222"}]}"#;
const MAIL: &str = r#"{"timestamp":"2026-01-15T00:00:00.000000+0000","event_type":"smtp","src_ip":"203.0.113.25","dest_ip":"10.1.2.3","proto":"TCP","smtp":{"helo":"mx.bad.example","mail_from":"<Boss@BAD.example>","rcpt_to":["<you@ours.example>"]},"email":{"from":"The Boss <boss@bad.example>","to":["you@ours.example"]}}"#;

/// The fields of the record that the pattern is met by, or the reason why the pattern is refused.
fn outcome(pattern: &str, line: &str, reach: impl Into<Reach>) -> String {
    let options = Options { reach: reach.into(), ..Options::default() };
    let built = IndicatorSet::build([indicator(1, pattern)], &WarningLists::none(), &options, 1);
    if let Some((_, unusable)) = built.refused.first() {
        return format!("refused: {}", unusable.code);
    }
    let mut fields = Vec::new();
    let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
    scanner.scan_line(line.as_bytes(), now(), &mut |found| {
        assert_eq!(found.indicator.id().as_str(), "indicator--00000000-0000-4000-8000-000000000001");
        fields.extend(found.hits.iter().map(|hit| found.observation.values[*hit].field.to_string()));
    });
    fields.join(" ")
}

fn check(pattern: &str, line: &str, expected: &str) {
    assert_eq!(outcome(pattern, line, Covers::Host), expected, "{pattern}");
}

#[test]
fn addresses() {
    check("[ipv4-addr:value = '203.0.113.9']", DNS, "dns.answers[0].rdata");
    check("[ipv4-addr:value = '203.0.113.10']", DNS, "");
    check("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", DNS, "dest_ip");
    check("[ipv4-addr:value = '198.51.100.0/24']", DNS, "dest_ip");
    check(
        "[ipv4-addr:value IN ('198.51.100.7', '203.0.113.9', '192.0.2.1')]",
        DNS,
        "dest_ip dns.answers[0].rdata",
    );
    check("[ipv6-addr:value = '2001:DB8::1']", DNS, "dns.answers[1].rdata");
    check("[ipv6-addr:value ISSUBSET '2001:db8::/32']", DNS, "dns.answers[1].rdata");
    check("[ipv6-addr:value = '::ffff:203.0.113.9']", DNS, "dns.answers[0].rdata");
    check("[ipv4-addr:value ISSUBSET '0.0.0.0/0']", DNS, "refused: too-broad");
    check("[ipv4-addr:value = 'evil.example']", DNS, "refused: pattern-value");
}

#[test]
fn names() {
    check("[domain-name:value = 'www.evil.example']", DNS, "dns.rrname dns.answers[0].rrname");
    check("[domain-name:value = 'WWW.EVIL.example.']", DNS, "dns.rrname dns.answers[0].rrname");
    check("[domain-name:value = 'evil.example']", DNS, "");
    check("[domain-name:value LIKE '%.evil.example']", DNS, "dns.rrname dns.answers[0].rrname");
    check("[domain-name:value LIKE '%.www.evil.example']", DNS, "");
    check("[domain-name:value LIKE '%.vil.example']", DNS, "");
    check("[domain-name:value LIKE 'www.evil.example']", DNS, "dns.rrname dns.answers[0].rrname");
    check("[domain-name:value LIKE '%evil.example']", DNS, "refused: pattern-operator");
    check("[domain-name:value = 'example']", DNS, "refused: too-broad");
    check("[domain-name:value = 'start.example']", HTTP, "http.http_refer");
    let below = |pattern, expected| assert_eq!(outcome(pattern, DNS, Covers::Subtree), expected, "{pattern}");
    below("[domain-name:value = 'evil.example']", "dns.rrname dns.answers[0].rrname");
    below("[domain-name:value = 'www.evil.example']", "dns.rrname dns.answers[0].rrname");
    below("[domain-name:value = 'vil.example']", "");
}

#[test]
fn urls() {
    check("[url:value = 'http://bad.example:8080/a/b?q=1']", HTTP, "http.url");
    check("[url:value = 'HTTP://BAD.example:8080/a/./b?q=1#top']", HTTP, "http.url");
    check("[url:value = 'http://bad.example/a/b?q=1']", HTTP, "");
    check("[url:value = 'https://start.example/page']", HTTP, "http.http_refer");
    check("[url:value = 'https://start.example/']", HTTP, "");
}

#[test]
fn urls_and_more() {
    let check = |urls, pattern, expected| {
        let reach = Reach { urls, ..Reach::default() };
        assert_eq!(outcome(pattern, HTTP, reach), expected, "{urls:?}: {pattern}");
    };
    let path = |pattern, expected| check(UrlMode::WithoutQuery, pattern, expected);
    path("[url:value = 'http://bad.example:8080/a/b']", "http.url");
    path("[url:value = 'http://bad.example:8080/a/b?other']", "http.url");
    path("[url:value = 'http://bad.example:8080/a']", "");
    path("[url:value IN ('http://bad.example/a', 'https://start.example/page')]", "http.http_refer");
    let below = |pattern, expected| check(UrlMode::Prefix, pattern, expected);
    below("[url:value = 'http://bad.example:8080/']", "http.url");
    below("[url:value = 'http://bad.example:8080']", "http.url");
    below("[url:value = 'http://bad.example:8080/a']", "http.url");
    below("[url:value = 'http://bad.example:8080/a/b?q=1']", "http.url");
    below("[url:value = 'http://bad.example:8080/a/b?q']", "");
    below("[url:value = 'http://bad.example:8080/a/bc']", "");
    below("[url:value = 'http://bad.example/']", "");
    // Beside other terms a value leads to the record, and the evaluator decides.
    below("[url:value = 'http://bad.example:8080/a' AND network-traffic:dst_port > 8000]", "http.url");
    below("[url:value = 'http://bad.example:8080/a' AND network-traffic:dst_port > 9000]", "");
    path("[url:value = 'http://bad.example:8080/a/b' AND url:value LIKE '%q=1']", "http.url");
}

#[test]
fn an_indicator_may_mean_more_than_the_others() {
    let own = Some(Reach { covers: Covers::Subtree, urls: UrlMode::Prefix });
    let indicators = ["[domain-name:value = 'evil.example']", "[url:value = 'http://bad.example:8080/']"];
    let found = |reach| {
        let all = (1..).zip(indicators).map(|(number, text)| Indicator { reach, ..indicator(number, text) });
        let built = IndicatorSet::build(all, &WarningLists::none(), &Options::default(), 1);
        let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
        let mut found = 0;
        for line in [DNS, HTTP] {
            scanner.scan_line(line.as_bytes(), now(), &mut |_| found += 1);
        }
        found
    };
    assert_eq!((found(None), found(own)), (0, 2));
}

#[test]
fn files_and_hashes() {
    check("[file:hashes.MD5 = '0123456789abcdef0123456789ABCDEF']", FILE, "fileinfo.md5");
    check(
        "[file:hashes.'SHA-256' = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']",
        FILE,
        "fileinfo.sha256",
    );
    check("[file:hashes.MD5 = '0123']", FILE, "refused: pattern-value");
    check("[file:hashes.SSDEEP = '96:QRWkwoBevsL0Js']", FILE, "refused: pattern-property");
    check("[file:name = 'payload.exe']", FILE, "refused: pattern-no-anchor");
    check(
        "[file:name = 'payload.exe' AND file:hashes.MD5 = '0123456789abcdef0123456789abcdef']",
        FILE,
        "fileinfo.filename fileinfo.md5",
    );
    check("[file:name = 'other.exe' AND file:hashes.MD5 = '0123456789abcdef0123456789abcdef']", FILE, "");
    // Both must be the same file.
    check(
        "[file:name = 'one.exe' AND file:hashes.MD5 = '11111111111111111111111111111111']",
        ALERT,
        "files[0].filename files[0].md5",
    );
    check("[file:name = 'two.exe' AND file:hashes.MD5 = '11111111111111111111111111111111']", ALERT, "");
}

#[test]
fn mail() {
    check("[email-addr:value = 'boss@bad.example']", MAIL, "email.from");
    check("[email-addr:value = 'Boss@bad.example']", MAIL, "smtp.mail_from");
    check("[email-message:from_ref.value = 'boss@bad.example']", MAIL, "email.from");
    check("[email-message:to_refs[*].value = 'boss@bad.example']", MAIL, "");
    check("[email-message:to_refs[*].value = 'you@ours.example']", MAIL, "smtp.rcpt_to[0] email.to[0]");
    check("[email-message:subject = 'hello']", MAIL, "refused: pattern-property");
}

#[test]
fn traffic() {
    check(
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:dst_port = 8080]",
        HTTP,
        "dest_ip",
    );
    check(
        "[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:dst_port = '8080']",
        HTTP,
        "dest_ip",
    );
    check("[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:dst_port = 443]", HTTP, "");
    check(
        "[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:src_port IN (1, 40000)]",
        HTTP,
        "dest_ip",
    );
    check("[network-traffic:src_ref.value = '203.0.113.80']", HTTP, "");
    check("[network-traffic:src_ref.value = '203.0.113.80']", FILE, "src_ip");
    check(
        "[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:protocols[*] = 'tcp']",
        HTTP,
        "dest_ip",
    );
    check(
        "[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:protocols[*] = 'http']",
        HTTP,
        "dest_ip",
    );
    check(
        "[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:protocols[*] = 'udp']",
        HTTP,
        "",
    );
    // One member of a list is that one, and not any.
    for (number, found) in [("0", ""), ("1", "dest_ip"), ("*", "dest_ip")] {
        let protocol = format!("network-traffic:protocols[{number}] = 'tcp'");
        check(&format!("[network-traffic:dst_ref.value = '203.0.113.80' AND {protocol}]"), HTTP, found);
    }
    check("[domain-name:value = 'bad.example' AND network-traffic:dst_port = '8080']", HTTP, "http.hostname");
    check("[network-traffic:dst_port = 8080]", HTTP, "refused: pattern-no-anchor");
    check(
        "[domain-name:value = 'www.evil.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.9']",
        DNS,
        "dns.rrname dns.answers[0].rrname dns.answers[0].rdata",
    );
    check(
        "[domain-name:value = 'www.evil.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.7']",
        DNS,
        "",
    );
}

#[test]
fn joined() {
    check(
        "[ipv4-addr:value = '192.0.2.1' OR domain-name:value = 'www.evil.example']",
        DNS,
        "dns.rrname dns.answers[0].rrname",
    );
    check(
        "[ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value = '203.0.113.9']",
        DNS,
        "dns.answers[0].rdata",
    );
    check(
        "[ipv4-addr:value = '192.0.2.1' AND ipv4-addr:value = '203.0.113.9']",
        DNS,
        "refused: pattern-never-matches",
    );
    check(
        "[ipv4-addr:value ISSUBSET '203.0.113.0/24' AND ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        DNS,
        "",
    );
    check(
        "[(domain-name:value = 'www.evil.example' OR domain-name:value = 'x.example') AND network-traffic:dst_port IN (53, 853)]",
        DNS,
        "dns.rrname dns.answers[0].rrname",
    );
    check("[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '203.0.113.9']", DNS, "");
    check("[ipv4-addr:value = '203.0.113.9'] REPEATS 1 TIMES", DNS, "dns.answers[0].rdata");
    check("[ipv4-addr:value = '203.0.113.9'] REPEATS 5 TIMES", DNS, "");
    check("[ipv4-addr:value = '203.0.113.9'] WITHIN 5 SECONDS", DNS, "dns.answers[0].rdata");
    check("[ipv4-addr:value != '192.0.2.1']", DNS, "refused: pattern-operator");
    check("[ipv4-addr:value NOT = '192.0.2.1']", DNS, "refused: pattern-operator");
    check("[mutex:name = 'x']", DNS, "refused: pattern-property");
    check("[ipv4-addr:value = ", DNS, "refused: pattern-syntax");
    // One branch that can be matched is enough.
    check("[mutex:name = 'x'] OR [ipv4-addr:value = '203.0.113.9']", DNS, "dns.answers[0].rdata");
}

/// Operators that no look-up decides: a value leads to the record, and the whole record decides.
#[test]
fn led_to_by_a_value() {
    let dns = "dns.rrname dns.answers[0].rrname";
    check("[domain-name:value = 'www.evil.example' AND network-traffic:dst_port != 53]", DNS, "");
    check("[domain-name:value = 'www.evil.example' AND network-traffic:dst_port NOT = 54]", DNS, dns);
    check("[domain-name:value = 'www.evil.example' AND network-traffic:src_port >= 1024]", DNS, dns);
    check("[domain-name:value = 'www.evil.example' AND network-traffic:src_port < 1024]", DNS, "");
    check("[domain-name:value = 'WWW.evil.example' AND domain-name:value MATCHES '^w{3}\\\\.']", DNS, dns);
    check("[domain-name:value = 'www.evil.example' AND domain-name:value LIKE 'W%Evil.example']", DNS, dns);
    check("[domain-name:value = 'www.evil.example' AND NOT EXISTS network-traffic:dst_ref]", DNS, "");
    check("[domain-name:value = 'www.evil.example' AND EXISTS domain-name:resolves_to_refs[1]]", DNS, dns);
    check("[domain-name:value = 'www.evil.example' AND ipv4-addr:value NOT ISSUBSET '10.0.0.0/8']", DNS, dns);
    check(
        "[ipv4-addr:value ISSUBSET '10.0.0.0/8' AND ipv4-addr:value NOT IN ('10.1.2.3', '10.1.2.4')]",
        DNS,
        "",
    );
    check("[ipv4-addr:value ISSUBSET '10.0.0.0/8' AND ipv4-addr:value NOT IN ('10.1.2.4')]", DNS, "src_ip");
    check("[ipv4-addr:value ISSUPERSET '203.0.113.9' AND domain-name:value = 'www.evil.example']", DNS, dns);
    check(
        "[url:value LIKE 'http://bad.example:8080/%' AND domain-name:value = 'bad.example']",
        HTTP,
        "http.hostname",
    );
    check(
        "[url:value NOT LIKE 'http://bad.example:8080/%' AND url:value = 'https://start.example/page']",
        HTTP,
        "http.http_refer",
    );
    check(
        "[file:name MATCHES '\\\\.exe$' AND file:hashes.md5 = '0123456789abcdef0123456789abcdef']",
        FILE,
        "fileinfo.md5",
    );
    // Both must be the same file.
    check("[file:name LIKE 't%' AND file:hashes.MD5 = '11111111111111111111111111111111']", ALERT, "");
    check(
        "[file:name LIKE 'o%' AND file:hashes.MD5 = '11111111111111111111111111111111']",
        ALERT,
        "files[0].md5",
    );
    check(
        "[email-message:from_ref.value = 'boss@bad.example' AND email-message:to_refs[*].value LIKE '%@ours.example']",
        MAIL,
        "email.from",
    );
    // What a host did stands beside the value that leads to it.
    const SYSMON: &str = r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2026-01-15 00:00:00.000","Image":"C:\\x\\a.exe","CommandLine":"a.exe -enc x","Hashes":"MD5=0123456789ABCDEF0123456789ABCDEF","ParentImage":"C:\\w\\winword.exe"}"#;
    const MD5: &str = "file:hashes.MD5 = '0123456789abcdef0123456789abcdef'";
    for (partner, fields) in [
        ("process:command_line LIKE '% -enc %'", "Hashes"),
        ("process:image_ref.name = 'a.exe'", "Hashes"),
        ("process:parent_ref.image_ref.name = 'winword.exe'", "Hashes"),
        ("process:command_line LIKE '% -dec %'", ""),
        ("process:parent_ref.image_ref.name = 'a.exe'", ""),
    ] {
        check(&format!("[{MD5} AND {partner}]"), SYSMON, fields);
    }
    // An alternative is enough, if each of them is led to.
    check(
        "[(domain-name:value = 'www.evil.example' OR ipv4-addr:value = '203.0.113.9') AND network-traffic:dst_port > 52]",
        DNS,
        "dns.rrname dns.answers[0].rrname dns.answers[0].rdata",
    );
    check("[domain-name:value = 'www.evil.example' AND mutex:name = 'x']", DNS, "refused: pattern-property");
    check(
        "[domain-name:value = 'www.evil.example' AND domain-name:value MATCHES 'a(?=b)']",
        DNS,
        "refused: pattern-expression",
    );
    check(
        "[ipv4-addr:value = '203.0.113.9'] AND [network-traffic:dst_port = 53]",
        DNS,
        "refused: pattern-no-anchor",
    );
    check("[ipv4-addr:value = '203.0.113.9'] AND [mutex:name = 'x']", DNS, "refused: pattern-property");
    check("[ipv4-addr:value = '203.0.113.9'] REPEATS 513 TIMES", DNS, "refused: pattern-too-complex");
}

/// What no value leads to is held against every record, where that was asked for.
#[test]
fn led_to_by_nothing() {
    let outcome = |pattern: &str, line: &str| {
        let options = Options { unanchored: true, ..Options::default() };
        let built = IndicatorSet::build([indicator(1, pattern)], &WarningLists::none(), &options, 1);
        assert_eq!(built.refused, [], "{pattern}");
        let unanchored = built.set.unanchored();
        let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
        scanner.scan_line(line.as_bytes(), now(), &mut |_| {});
        (unanchored, scanner.tally().matches)
    };
    assert_eq!(outcome("[network-traffic:dst_port = 53]", DNS), (1, 1));
    assert_eq!(outcome("[network-traffic:dst_port = 54]", DNS), (1, 0));
    assert_eq!(outcome("[domain-name:value LIKE '%evil%']", DNS), (1, 1));
    assert_eq!(outcome("[url:value MATCHES '/a/b\\\\?q=\\\\d$']", HTTP), (1, 1));
    assert_eq!(outcome("[file:name = 'payload.exe']", FILE), (1, 1));
    assert_eq!(outcome("[ipv4-addr:value = '203.0.113.9'] OR [network-traffic:dst_port = 53]", DNS), (1, 1));
    assert_eq!(outcome("[ipv4-addr:value = '203.0.113.9'] OR [network-traffic:dst_port = 54]", DNS), (1, 1));
    assert_eq!(outcome("[ipv4-addr:value = '203.0.113.9']", DNS), (0, 1));
}

#[test]
fn known_good_values_lead_to_nothing() {
    let lists = WarningLists::built_in();
    let refused = |pattern: &str| {
        let built = IndicatorSet::build([indicator(1, pattern)], &lists, &Options::default(), 1);
        built.refused.first().map(|(_, unusable)| unusable.code)
    };
    assert_eq!(
        refused("[ipv4-addr:value = '127.0.0.1'] REPEATS 5 TIMES"),
        refused("[ipv4-addr:value = '127.0.0.1']")
    );
    assert_eq!(
        refused("[ipv4-addr:value = '127.0.0.1'] FOLLOWEDBY [domain-name:value = 'evil.example']"),
        None
    );
}
