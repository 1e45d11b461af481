//! What is read of each kind of record, and what is not.
#![cfg(test)]

mod shown;

use shown::shown;
use telemetry::{Format, Reader, Unreadable, detect};

fn check(line: &str, expected: &expect_test::Expect) {
    expected.assert_eq(&shown(&mut Reader::auto(), line));
}

#[test]
fn dns_of_three_versions() {
    check(
        r#"{"timestamp":"2026-01-15T09:00:00.000001+0900","event_type":"dns","src_ip":"192.0.2.1","src_port":5353,"dest_ip":"192.0.2.53","dest_port":53,"proto":"UDP","dns":{"type":"answer","rrname":"a.example","rrtype":"A","rdata":"198.51.100.1"}}"#,
        &expect_test::expect![[r#"
            dns 2026-01-15T00:00:00.000001Z udp Some(5353) Some(53) None
            src_ip ipv4-addr 192.0.2.1 Source
            dest_ip ipv4-addr 192.0.2.53 Destination
            dns.rrname domain-name a.example Content
            dns.rdata ipv4-addr 198.51.100.1 Content
        "#]],
    );
    check(
        r#"{"event_type":"dns","dns":{"version":2,"rrname":"a.example","answers":[{"rrname":"a.example","rrtype":"TXT","rdata":"v=spf1 include:x.example -all"},{"rrname":"a.example","rrtype":"CNAME","rdata":"b.example"}],"grouped":{"AAAA":["2001:db8::1"],"TXT":["c.example is text"],"MX":["mx.example"]}}}"#,
        &expect_test::expect![[r#"
            dns -  None None None
            dns.rrname domain-name a.example Content
            dns.answers[0].rrname domain-name a.example Content
            dns.answers[1].rrname domain-name a.example Content
            dns.answers[1].rdata domain-name b.example Content
            dns.grouped.AAAA[0] ipv6-addr 2001:db8::1 Content
            dns.grouped.MX[0] domain-name mx.example Content
        "#]],
    );
    check(
        r#"{"event_type":"dns","dns":{"version":3,"queries":[{"rrname":"a.example","rrtype":"A"}],"answers":[{"rrname":"a.example","rdata":"198.51.100.1"}]}}"#,
        &expect_test::expect![[r#"
            dns -  None None None
            dns.queries[0].rrname domain-name a.example Content
            dns.answers[0].rrname domain-name a.example Content
            dns.answers[0].rdata ipv4-addr 198.51.100.1 Content
        "#]],
    );
}

#[test]
fn http_becomes_whole_urls() {
    check(
        r#"{"event_type":"http","http":{"hostname":"site.example","http_port":8080,"url":"\/a?b","http_refer":"https:\/\/user@start.example:444\/x","http_user_agent":"agent.example"}}"#,
        &expect_test::expect![[r#"
            http -  None None None
            http.http_refer url https://user@start.example:444/x Content
            http.http_refer domain-name start.example Content
            http.http_user_agent user-agent agent.example Content
            http.url url http://site.example:8080/a?b Content
            http.hostname domain-name site.example Destination
        "#]],
    );
    check(
        r#"{"event_type":"http","http":{"hostname":"[2001:db8::1]:81","url":"/a"}}"#,
        &expect_test::expect![[r#"
            http -  None None None
            http.url url http://[2001:db8::1]:81/a Content
            http.hostname ipv6-addr 2001:db8::1 Destination
        "#]],
    );
    check(
        r#"{"event_type":"http","http":{"hostname":"proxy.example","url":"http://other.example/a"}}"#,
        &expect_test::expect![[r#"
            http -  None None None
            http.url url http://other.example/a Content
            http.url domain-name other.example Content
            http.hostname domain-name proxy.example Destination
        "#]],
    );
    check(
        r#"{"event_type":"http","http":{"hostname":"not a host","url":"/a"}}"#,
        &expect_test::expect!["http -  None None None\n"],
    );
}

#[test]
fn http_2_has_its_host_in_a_header() {
    check(
        r#"{"event_type":"http","http":{"version":"2","request_headers":[{"name":":method","value":"GET"},{"name":":authority","value":"dns.example:8443"},{"name":":scheme","value":"https"},{"name":":path","value":"/query?a=b"},{"name":"cookie","value":"secret.example"}]}}"#,
        &expect_test::expect![[r#"
            http -  None None None
            http.request_headers[3].value url https://dns.example:8443/query?a=b Content
            http.request_headers[1].value domain-name dns.example Destination
        "#]],
    );
}

#[test]
fn certificates_mail_files_and_flows() {
    check(
        r#"{"event_type":"tls","tls":{"subject":"C=JP, O=Some, CN=www.example.jp","issuerdn":"CN=ca.example","fingerprint":"0a:a1:18:c3:04:45:30:07:c8:4a:08:ba:80:02:ff:4c:6e:9d:a5:1e","sni":"sni.example","ja3":{"hash":"0123456789abcdef0123456789abcdef"}}}"#,
        &expect_test::expect![[r#"
            tls -  None None None
            tls.subject domain-name www.example.jp Content
            tls.fingerprint file:hashes.SHA-1 0aa118c304453007c84a08ba8002ff4c6e9da51e Content
            tls.sni domain-name sni.example Destination
            tls.ja3.hash ja3 0123456789abcdef0123456789abcdef Content
        "#]],
    );
    check(
        r#"{"event_type":"smtp","smtp":{"helo":"mx.example","mail_from":"<a@b.example>","rcpt_to":["<c@d.example>"]},"email":{"from":"\"Doe, J.\" <a@b.example>","subject":"a@secret.example","to":"one@d.example, 'two@d.example'"}}"#,
        &expect_test::expect![[r#"
            smtp -  None None None
            smtp.helo domain-name mx.example Source
            smtp.mail_from email-addr a@b.example Source
            smtp.rcpt_to[0] email-addr c@d.example Destination
            email.from email-addr a@b.example Source
            email.to email-addr one@d.example Destination
            email.to email-addr two@d.example Destination
        "#]],
    );
    check(
        r#"{"event_type":"fileinfo","fileinfo":{"filename":"C:\\x\\payload.exe","md5":"0123456789ABCDEF0123456789abcdef","sha1":"short","size":12}}"#,
        &expect_test::expect![[r#"
            fileinfo -  None None None
            fileinfo.filename file:name payload.exe Content
            fileinfo.md5 file:hashes.MD5 0123456789ABCDEF0123456789abcdef Content
        "#]],
    );
    check(
        r#"{"event_type":"flow","proto":"TCP","src_port":"x","flow":{"bytes_toserver":10,"bytes_toclient":20}}"#,
        &expect_test::expect!["flow - tcp None None Some(30)\n"],
    );
}

const HEADER: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t2026-01-01\n#fields\tts\tid.orig_h\tid.resp_p\tquery\tanswers\tunknown\n#types\ttime\taddr\tport\tstring\tvector[string]\tstring";

fn tsv(lines: &str) -> Vec<String> {
    let mut reader = Reader::new(Format::ZeekTsv);
    lines.lines().map(|line| shown(&mut reader, line)).filter(|text| text != "nothing").collect()
}

#[test]
fn tab_separated_values() {
    let line = "1768435200.5\t192.0.2.1\t53\tа\\x09b.example\tc.example,198.51.100.1,TXT 3 d.e,-\tx.example";
    expect_test::expect![[r#"
        dns 2026-01-15T00:00:00.5Z  None Some(53) None
        id.orig_h ipv4-addr 192.0.2.1 Source
        answers[0] domain-name c.example Content
        answers[1] ipv4-addr 198.51.100.1 Content
    "#]]
    .assert_eq(&tsv(&format!("{HEADER}\n{line}")).concat());
    let unset = "1768435200.5\t192.0.2.1\t-\t(empty)\t(empty)\t-";
    expect_test::expect![[r#"
        dns 2026-01-15T00:00:00.5Z  None None None
        id.orig_h ipv4-addr 192.0.2.1 Source
    "#]]
    .assert_eq(&tsv(&format!("{HEADER}\n{unset}")).concat());
}

#[test]
fn a_new_header_in_the_middle_replaces_the_old() {
    let other = "#separator |\n#path|conn\n#fields|id.resp_h|ts\n#types|addr|time";
    let shown = tsv(&format!(
        "192.0.2.1\n{HEADER}\n1\t192.0.2.1\t53\ta.example\t-\t-\n#close\t2026\n{other}\n198.51.100.1|2.5\n1\t2"
    ));
    expect_test::expect![[r#"
        line-no-header
        dns 1970-01-01T00:00:01Z  None Some(53) None
        id.orig_h ipv4-addr 192.0.2.1 Source
        query domain-name a.example Content

        conn 1970-01-01T00:00:02.5Z  None None None
        id.resp_h ipv4-addr 198.51.100.1 Destination

        line-other-format
    "#]]
    .assert_eq(&(shown.join("\n") + "\n"));
}

#[test]
fn both_spellings_of_zeek_json() {
    for line in [
        r#"{"_path":"conn","ts":"2026-01-15T00:00:00Z","id.orig_h":"192.0.2.1","id.resp_h":"198.51.100.1","id.resp_p":443,"proto":"tcp","orig_bytes":1,"resp_bytes":2}"#,
        r#"{"@stream":"conn","ts":1768435200.0,"id_orig_h":"192.0.2.1","id_resp_h":"198.51.100.1","id_resp_p":443,"proto":"tcp","orig_bytes":1,"resp_bytes":2}"#,
    ] {
        let shown = shown(&mut Reader::auto(), line);
        assert!(shown.starts_with("conn 2026-01-15T00:00:00Z tcp None Some(443) Some(3)\n"), "{shown}");
        assert!(shown.contains("198.51.100.1 Destination"), "{shown}");
    }
}

#[test]
fn lines_that_are_no_record() {
    let code = |format: Option<Format>, line: &[u8]| {
        let mut reader = format.map_or_else(Reader::auto, Reader::new);
        reader.read(line).map_err(Unreadable::code).map(|record| record.is_some())
    };
    let eve = br#"{"event_type":"flow","src_ip":"192.0.2.1"}"#;
    assert_eq!(code(None, eve), Ok(true));
    assert_eq!(code(None, &[eve.as_slice(), b"\r"].concat()), Ok(true));
    assert_eq!(code(None, b""), Ok(false));
    assert_eq!(code(None, b" \r"), Ok(false));
    assert_eq!(code(None, &eve[..20]), Err("line-cut-off"));
    assert_eq!(code(None, br#"{"event_type":"flow",}"#), Err("line-not-json"));
    assert_eq!(code(None, br#"{"event_type":"flow"}{"event_type":"flow"}"#), Err("line-not-json"));
    assert_eq!(code(None, b"{\"event_type\":\"\xff\"}"), Err("line-not-utf8"));
    assert_eq!(code(None, b"some text"), Err("line-no-header"));
    assert_eq!(code(None, b"{}"), Err("line-other-format"));
    assert_eq!(code(Some(Format::Eve), b"[1]"), Err("line-other-format"));
    assert_eq!(code(Some(Format::Eve), br#"{"ts":1,"id.orig_h":"192.0.2.1"}"#), Err("line-other-format"));
    assert_eq!(code(Some(Format::ZeekJson), eve), Err("line-other-format"));
    assert_eq!(code(Some(Format::ZeekTsv), eve), Err("line-other-format"));
    // A lone surrogate spoils the value, not the record.
    assert_eq!(code(None, br#"{"event_type":"dns","dns":{"rrname":"\ud800.example"}}"#), Ok(true));
}

#[test]
fn a_log_that_changes_its_format_is_read_on() {
    let mut reader = Reader::auto();
    let lines = format!(
        "{}\n{HEADER}\n{}\n{}\n{}",
        r#"{"event_type":"flow"}"#,
        "1\t192.0.2.1\t53\ta.example\t-\t-",
        r#"{"ts":1,"_path":"conn"}"#,
        "2\t192.0.2.1\t53\ta.example\t-\t-"
    );
    let kinds: Vec<String> = lines
        .lines()
        .filter_map(|line| reader.read(line.as_bytes()).unwrap())
        .map(|record| record.kind.into_owned())
        .collect();
    assert_eq!(kinds, ["flow", "dns", "conn", "dns"]);
}

#[test]
fn formats_are_told_by_their_first_readable_line() {
    assert_eq!(detect(b"\n{\"half\n{\"event_type\":\"flow\"}\n"), Some(Format::Eve));
    assert_eq!(detect(br#"{"ts":1.5,"id.orig_h":"192.0.2.1"}"#), Some(Format::ZeekJson));
    assert_eq!(detect(HEADER.as_bytes()), Some(Format::ZeekTsv));
    assert_eq!(detect(b"May  1 12:00:00 host sshd[1]: x"), Some(Format::Syslog));
    assert_eq!(detect(b"some text"), None);
    assert_eq!(detect(b""), None);
}
