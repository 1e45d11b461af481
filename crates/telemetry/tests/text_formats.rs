//! What is read of each format that is text.
#![cfg(test)]

mod shown;

use std::sync::Arc;

use expect_test::{Expect, expect};
use shown::shown;
use telemetry::{Columns, Format, Reader, Unreadable, detect};

fn check(format: Format, line: &str, expected: &Expect) {
    assert_eq!(detect(line.as_bytes()), Some(format), "{line}");
    let read = shown(&mut Reader::auto(), line);
    assert_eq!(read, shown(&mut Reader::new(format), line), "{line}");
    expected.assert_eq(&read);
}

#[test]
fn syslog_headers() {
    check(
        Format::Syslog,
        r#"<165>1 2026-01-15T09:00:00.003+09:00 host.example evntslog 12 ID47 [x@32473 ip="192.0.2.1" note="a \"b\" \] c.example"][y] Accepted from 198.51.100.1"#,
        &expect![[r#"
            evntslog 2026-01-15T00:00:00.003Z  None None None
            structured ipv4-addr 192.0.2.1 Content
            structured domain-name c.example Content
            message ipv4-addr 198.51.100.1 Source
        "#]],
    );
    check(
        Format::Syslog,
        "<34>1 2026-01-15T00:00:00Z host - - - -",
        &expect![[r#"
        syslog 2026-01-15T00:00:00Z  None None None
    "#]],
    );
    check(
        Format::Syslog,
        "<34>Jan  5 22:14:15 host sshd[4123]: Failed password for root from 192.0.2.1 port 22 ssh2",
        &expect![[r#"
            sshd -  None None None
            message ipv4-addr 192.0.2.1 Source
        "#]],
    );
    check(
        Format::Syslog,
        "Oct 10 2018 12:34:56 localhost CiscoASA[999]: %ASA-4-106023: Deny tcp src outside:198.51.100.7/80 dst inside:10.0.0.5/8277 by access-group \"inbound\" [0x0, 0x0]",
        &expect![[r#"
            CiscoASA 2018-10-10T12:34:56Z  None None None
            message ipv4-addr 198.51.100.7 Source
            message ipv4-addr 10.0.0.5 Destination
        "#]],
    );
    check(
        Format::Syslog,
        "2026-01-15T09:00:00.5+09:00 host app: see a.example",
        &expect![[r#"
        app 2026-01-15T00:00:00.5Z  None None None
        message domain-name a.example Content
    "#]],
    );
    check(
        Format::Syslog,
        "<13>app: see a.example",
        &expect![[r#"
        app -  None None None
        message domain-name a.example Content
    "#]],
    );
    for line in [
        "<192>1 2026-01-15T00:00:00Z h a - - - x",
        "<>x",
        "<34x",
        "Foo 15 09:00:00 h a: x",
        "Jan 45 09:00:00 h a: x",
        "Jan 15 9:00 h a: x",
    ] {
        assert_eq!(Reader::new(Format::Syslog).read(line.as_bytes()), Err(Unreadable::OtherFormat), "{line}");
    }
}

#[test]
fn syslog_messages() {
    check(
        Format::Syslog,
        r#"<13>Jan 15 09:00:00 sensor suricata: @cee: {"timestamp":"2026-01-15T09:00:00+0900","event_type":"flow","src_ip":"192.0.2.1"}"#,
        &expect![[r#"
            flow 2026-01-15T00:00:00Z  None None None
            src_ip ipv4-addr 192.0.2.1 Source
        "#]],
    );
    check(
        Format::Syslog,
        "<4>Jan 15 09:00:00 fw kernel: [1234.5] DROP IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 SRC=198.51.100.7 DST=10.0.0.5 LEN=60 PROTO=TCP SPT=4242 DPT=23",
        &expect![[r#"
            kernel - tcp Some(4242) Some(23) None
            SRC ipv4-addr 198.51.100.7 Source
            DST ipv4-addr 10.0.0.5 Destination
        "#]],
    );
    check(
        Format::Syslog,
        r#"<189>date=2026-01-15 time=09:00:00 devname="FW" type="utm" srcip=10.0.0.5 srcport=50000 dstip=198.51.100.7 dstport=443 proto=6 hostname="a.example" url="/x" sentbyte=10 rcvdbyte=20 agent="Agent/1.0""#,
        &expect![[r#"
            syslog - tcp Some(50000) Some(443) Some(30)
            srcip ipv4-addr 10.0.0.5 Source
            dstip ipv4-addr 198.51.100.7 Destination
            agent user-agent Agent/1.0 Content
            url url http://a.example/x Content
            hostname domain-name a.example Destination
        "#]],
    );
    check(
        Format::Syslog,
        r"Jan 15 09:00:00 host CEF:0|Maker|Product|1|100|Title|5|src=10.0.0.5 spt=50000 dst=198.51.100.7 request=https://a.example/?x\=y fname=b.exe fileHash=d41d8cd98f00b204e9800998ecf8427e suser=taro",
        &expect![[r#"
            syslog -  Some(50000) None None
            src ipv4-addr 10.0.0.5 Source
            dst ipv4-addr 198.51.100.7 Destination
            request url https://a.example/?x=y Content
            request domain-name a.example Content
            fname file:name b.exe Content
            fileHash file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e Content
            suser user-account taro Content
        "#]],
    );
    check(
        Format::Syslog,
        "Jan 15 09:00:00 mx postfix/smtp[1]: 4F2: to=<c@d.example>, relay=mx.d.example[198.51.100.7]:25, status=sent",
        &expect![[r#"
            postfix/smtp -  None None None
            to email-addr c@d.example Destination
            message domain-name mx.d.example Content
            message ipv4-addr 198.51.100.7 Content
        "#]],
    );
}

#[test]
fn dns_servers() {
    check(
        Format::Dns,
        "15-Jan-2026 09:00:00.125 queries: info: client @0x7f12 192.0.2.1#53123 (a.example): view internal: query: a.example IN AAAA +E(0)K (192.0.2.53)",
        &expect![[r#"
            dns 2026-01-15T09:00:00.125Z  Some(53123) None None
            client ipv4-addr 192.0.2.1 Source
            query domain-name a.example Content
            server ipv4-addr 192.0.2.53 Destination
        "#]],
    );
    check(
        Format::Dns,
        "15-Jan-2026 09:00:00.125 rpz: info: client @0x7f12 2001:db8::1#53123 (a.example): rpz QNAME NXDOMAIN rewrite a.example/A/IN via a.example.rpz.example",
        &expect![[r#"
            dns 2026-01-15T09:00:00.125Z  Some(53123) None None
            client ipv6-addr 2001:db8::1 Source
            query domain-name a.example Content
        "#]],
    );
    check(
        Format::Dns,
        "[1768435200] unbound[1:0] info: 192.0.2.1 a.example. A IN NOERROR 0.1 0 60",
        &expect![[r#"
            dns 2026-01-15T00:00:00Z  None None None
            client ipv4-addr 192.0.2.1 Source
            query domain-name a.example. Content
        "#]],
    );
    check(
        Format::Dns,
        "[INFO] [2001:db8::1]:40212 - 50759 \"A IN a.example. udp 41 false 4096\" NOERROR qr,rd,ra 106 0.0s",
        &expect![[r#"
            dns - udp Some(40212) None None
            client ipv6-addr 2001:db8::1 Source
            query domain-name a.example. Content
        "#]],
    );
    check(
        Format::Dns,
        "1/15/2026 9:00:00 AM 0E70 PACKET  00000000028657F0 UDP Rcv 192.0.2.1       0002   Q [0001   D   NOERROR] A      (3)www(1)a(7)example(0)",
        &expect![[r#"
            dns - udp None None None
            peer ipv4-addr 192.0.2.1 Source
            query domain-name www.a.example. Content
        "#]],
    );
    // Behind a syslog daemon they are syslog, with its time.
    check(
        Format::Syslog,
        "2026-01-15T09:00:00+09:00 ns named[7]: client @0x7f12 192.0.2.1#53123 (a.example): query: a.example IN A + (192.0.2.53)",
        &expect![[r#"
            dns 2026-01-15T00:00:00Z  Some(53123) None None
            client ipv4-addr 192.0.2.1 Source
            query domain-name a.example Content
            server ipv4-addr 192.0.2.53 Destination
        "#]],
    );
    check(
        Format::Syslog,
        "Jan 15 09:00:00 unbound: [1:0] info: 192.0.2.1 a.example. A IN",
        &expect![[r#"
        dns -  None None None
        client ipv4-addr 192.0.2.1 Source
        query domain-name a.example. Content
    "#]],
    );
    for (line, values) in [
        ("Jan 15 09:00:00 dnsmasq[1]: query[A] a.example from 192.0.2.1", "a.example 192.0.2.1"),
        (
            "Jan 15 09:00:00 dnsmasq[1]: 12 192.0.2.1/53 reply a.example is 198.51.100.1",
            "a.example 198.51.100.1",
        ),
        ("Jan 15 09:00:00 dnsmasq[1]: forwarded a.example to 192.0.2.53", "a.example 192.0.2.53"),
        ("Jan 15 09:00:00 dnsmasq[1]: cached a.example is NXDOMAIN", "a.example"),
    ] {
        let mut reader = Reader::new(Format::Dns);
        let record = reader.read(line.as_bytes()).unwrap().unwrap();
        let found: Vec<&str> = record.values.iter().map(|value| value.value.as_ref()).collect();
        assert_eq!((record.kind.as_ref(), found.join(" ").as_str()), ("dns", values), "{line}");
    }
}

#[test]
fn web_servers_and_proxies() {
    check(
        Format::Access,
        r#"192.0.2.1 - taro [15/Jan/2026:09:00:00 +0900] "GET /x?y HTTP/1.1" 200 2326 "http://a.example/from" "Agent/1.0 (\"x\")""#,
        &expect![[r#"
            http 2026-01-15T00:00:00Z  None None None
            client ipv4-addr 192.0.2.1 Source
            referrer url http://a.example/from Content
            referrer domain-name a.example Content
            agent user-agent Agent/1.0 ("x") Content
        "#]],
    );
    check(
        Format::Access,
        r#"www.example:8080 192.0.2.1 - - [15/Jan/2026:09:00:00 +0900] "GET /x HTTP/1.1" 200 - "-" "-" "203.0.113.9""#,
        &expect![[r#"
            http 2026-01-15T00:00:00Z  None None None
            client ipv4-addr 192.0.2.1 Source
            request url http://www.example:8080/x Content
            host domain-name www.example Destination
        "#]],
    );
    check(
        Format::Access,
        r#"192.0.2.1 - - [15/Jan/2026:09:00:00 +0900] "\x16\x03\x01" 400 0"#,
        &expect![[r#"
            http 2026-01-15T00:00:00Z  None None None
            client ipv4-addr 192.0.2.1 Source
        "#]],
    );
    check(
        Format::Access,
        "1768435200.123    456 10.0.0.5 TCP_TUNNEL/200 1234 CONNECT a.example:443 - HIER_DIRECT/198.51.100.7 -",
        &expect![[r#"
            http 2026-01-15T00:00:00.123Z  None None None
            client ipv4-addr 10.0.0.5 Source
            server ipv4-addr 198.51.100.7 Destination
            request domain-name a.example Destination
        "#]],
    );
    let mut reader = Reader::auto();
    let header = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) cs(Referer) cs-host";
    for line in ["#Software: Microsoft Internet Information Services 10.0", header] {
        assert_eq!(shown(&mut reader, line), "nothing");
    }
    let line = "2026-01-15 00:00:00 10.0.0.5 GET /x - 80 192.0.2.1 Agent/1.0+(X) http://b.example/ a.example";
    expect![[r#"
        http 2026-01-15T00:00:00Z  None Some(80) None
        s-ip ipv4-addr 10.0.0.5 Destination
        c-ip ipv4-addr 192.0.2.1 Source
        cs(User-Agent) user-agent Agent/1.0 (X) Content
        cs(Referer) url http://b.example/ Content
        cs(Referer) domain-name b.example Content
        cs-uri-stem url http://a.example/x Content
        cs-host domain-name a.example Destination
    "#]]
    .assert_eq(&shown(&mut reader, line));
    assert_eq!(reader.read(b"2026-01-15 00:00:00 10.0.0.5 GET"), Err(Unreadable::CutOff));
}

#[test]
fn flows_as_text() {
    check(
        Format::Aws,
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 198.51.100.7 20641 22 6 20 4249 1768435200 1768435260 ACCEPT OK",
        &expect![[r#"
            flow 2026-01-15T00:00:00Z tcp Some(20641) Some(22) Some(4249)
            srcaddr ipv4-addr 172.31.16.139 Source
            dstaddr ipv4-addr 198.51.100.7 Destination
        "#]],
    );
    let mut reader = Reader::new(Format::Aws);
    let header = "version srcaddr dstaddr srcport dstport protocol pkt-dstaddr bytes start action";
    assert_eq!(shown(&mut reader, header), "nothing");
    assert_eq!(reader.columns_line(), Some(header));
    expect![[r#"
        flow 2026-01-15T00:00:00Z tcp Some(1) Some(443) Some(12)
        srcaddr ipv4-addr 10.0.0.5 Source
        dstaddr ipv4-addr 10.0.0.9 Destination
        pkt_dstaddr ipv4-addr 198.51.100.7 Destination
    "#]]
    .assert_eq(&shown(&mut reader, "5 10.0.0.5 10.0.0.9 1 443 6 198.51.100.7 12 1768435200 ACCEPT"));
    assert_eq!(reader.read(b"5 10.0.0.5"), Err(Unreadable::OtherFormat));
}

#[test]
fn separated_values() {
    let mut reader = Reader::new(Format::Csv);
    assert_eq!(shown(&mut reader, "Time,Source_IP,Dst,URL,Note"), "nothing");
    assert_eq!(reader.columns_line(), Some("Time,Source_IP,Dst,URL,Note"));
    expect![[r#"
        csv 2026-01-15T00:00:00Z  None None None
        Source_IP ipv4-addr 192.0.2.1 Source
        Dst domain-name a.example Destination
        URL url http://b.example/?x="y",z Content
        URL domain-name b.example Content
    "#]]
    .assert_eq(&shown(
        &mut reader,
        r#"2026-01-15T00:00:00Z,192.0.2.1,a.example,"http://b.example/?x=""y"",z",203.0.113.9"#,
    ));
    assert_eq!(reader.read(b"a,b"), Err(Unreadable::CutOff));
    assert_eq!(reader.read(b"a,b,c,d,e,f"), Err(Unreadable::OtherFormat));
}

#[test]
fn separated_values_by_a_mapping() {
    let text = r#"{"separator":";","names":["when","who","where","what","more"],"kind":"proxy",
        "columns":{"when":"epoch","who":"source","where":"http-host","what":"http-target","more":"text"}}"#;
    let columns: Columns = serde_json::from_str(text).unwrap();
    let mut reader = Reader::csv(Arc::new(columns));
    expect![[r#"
        proxy 2026-01-15T00:00:00Z  None None None
        who ipv4-addr 10.0.0.5 Source
        more domain-name b.example Content
        what url http://a.example:8080/x Content
        where domain-name a.example Destination
    "#]]
    .assert_eq(&shown(&mut reader, "1768435200;10.0.0.5;a.example:8080;/x;see b.example"));
    for (wrong, why) in [
        (r#"{"columns":{"a":"colour"}}"#, "column `a` is said to be `colour`, which is no meaning"),
        (r#"{"separator":"ab"}"#, "`separator` is `ab`; it must be one ASCII character"),
        (r#"{"column":{}}"#, "unknown field `column`"),
    ] {
        let error = serde_json::from_str::<Columns>(wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_log_of_several_formats_is_read_on() {
    let mut reader = Reader::auto();
    let lines = [
        "#fields\tts\tquery\n#types\ttime\tstring",
        "1\ta.example",
        "Jan 15 09:00:00 host app: from 192.0.2.1",
        "{\"event_type\":\"flow\"}",
        "2\tb.example",
        "2 1 eni-1 192.0.2.1 198.51.100.7 1 2 6 3 4 5 6 ACCEPT OK",
    ];
    let kinds: Vec<String> = lines
        .iter()
        .flat_map(|lines| lines.lines())
        .filter_map(|line| reader.read(line.as_bytes()).unwrap())
        .map(|record| record.kind.into_owned())
        .collect();
    assert_eq!(kinds, ["zeek", "app", "flow", "zeek", "flow"]);
}
