//! Records as graphs of STIX observables.
#![cfg(test)]

use expect_test::{Expect, expect};
use telemetry::{Reader, objects};

fn check(line: &str, expected: &Expect) {
    let mut reader = Reader::auto();
    let record = reader.read(line.as_bytes()).unwrap().unwrap();
    let shown: String = objects(&record).iter().map(|(key, object)| format!("{key} {object}\n")).collect();
    expected.assert_eq(&shown);
}

#[test]
fn traffic_and_requests() {
    check(
        r#"{"event_type":"http","src_ip":"192.0.2.1","src_port":1234,"dest_ip":"198.51.100.1","dest_port":80,"proto":"TCP","flow":{"bytes_toserver":10,"bytes_toclient":20},"ether":{"src_mac":"00:11:22:AA:bb:cc"},"http":{"hostname":"a.example","url":"/x?y","http_method":"GET","http_user_agent":"Agent/1.0","http_refer":"http://b.example/"},"tls":{"ja3":{"hash":"71912442e2cef8ae6f8ea3aba3fc0da9"}}}"#,
        &expect![[r#"
            0 {"type":"ipv4-addr","value":"192.0.2.1"}
            1 {"type":"ipv4-addr","value":"198.51.100.1"}
            2 {"type":"mac-addr","value":"00:11:22:aa:bb:cc"}
            3 {"type":"url","value":"http://b.example/"}
            4 {"type":"domain-name","value":"b.example"}
            5 {"type":"url","value":"http://a.example/x?y"}
            6 {"type":"domain-name","value":"a.example"}
            7 {"type":"network-traffic","src_ref":"0","dst_ref":"1","src_port":1234,"dst_port":80,"src_byte_count":10,"dst_byte_count":20,"protocols":["ipv4","tcp","http"],"x_ja3":"71912442e2cef8ae6f8ea3aba3fc0da9","extensions":{"http-request-ext":{"request_method":"get","request_value":"/x?y","request_header":{"User-Agent":"Agent/1.0","Host":"a.example"}}}}
            8 {"type":"network-traffic","src_ref":"0","dst_ref":"6","src_port":1234,"dst_port":80,"src_byte_count":10,"dst_byte_count":20,"protocols":["ipv4","tcp","http"],"x_ja3":"71912442e2cef8ae6f8ea3aba3fc0da9","extensions":{"http-request-ext":{"request_method":"get","request_value":"/x?y","request_header":{"User-Agent":"Agent/1.0","Host":"a.example"}}}}
            9 {"type":"network-traffic","src_ref":"2","dst_ref":"1","src_port":1234,"dst_port":80,"src_byte_count":10,"dst_byte_count":20,"protocols":["ipv4","tcp","http"],"x_ja3":"71912442e2cef8ae6f8ea3aba3fc0da9","extensions":{"http-request-ext":{"request_method":"get","request_value":"/x?y","request_header":{"User-Agent":"Agent/1.0","Host":"a.example"}}}}
        "#]],
    );
    check(
        r#"{"event_type":"flow","src_ip":"::ffff:192.0.2.1","proto":"UDP"}"#,
        &expect![[r#"
        0 {"type":"ipv4-addr","value":"192.0.2.1"}
        1 {"type":"network-traffic","src_ref":"0","protocols":["ipv4","udp"]}
    "#]],
    );
    check(r#"{"event_type":"stats"}"#, &expect![[""]]);
}

#[test]
fn look_ups() {
    check(
        r#"{"event_type":"dns","dns":{"rrname":"a.example","answers":[{"rrname":"a.example","rdata":"b.example"},{"rrname":"b.example","rdata":"198.51.100.1"}],"grouped":{"A":["198.51.100.1"]}}}"#,
        &expect![[r#"
            0 {"type":"domain-name","value":"a.example","resolves_to_refs":["1","2"]}
            1 {"type":"domain-name","value":"b.example","resolves_to_refs":["2"]}
            2 {"type":"ipv4-addr","value":"198.51.100.1"}
        "#]],
    );
    check(
        r#"{"_path":"dns","ts":1,"id.orig_h":"192.0.2.1","id.resp_h":"192.0.2.53","proto":"udp","query":"a.example","answers":["198.51.100.1","b.example"]}"#,
        &expect![[r#"
            0 {"type":"ipv4-addr","value":"192.0.2.1"}
            1 {"type":"ipv4-addr","value":"192.0.2.53"}
            2 {"type":"domain-name","value":"a.example","resolves_to_refs":["3","4"]}
            3 {"type":"ipv4-addr","value":"198.51.100.1"}
            4 {"type":"domain-name","value":"b.example"}
            5 {"type":"network-traffic","src_ref":"0","dst_ref":"1","protocols":["ipv4","udp","dns"]}
        "#]],
    );
}

#[test]
fn files_processes_and_the_registry() {
    check(
        r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\x\\a.exe","CommandLine":"a.exe -x","Hashes":"SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5=D41D8CD98F00B204E9800998ECF8427E","ParentImage":"C:\\b.exe","ParentCommandLine":"b.exe","User":"PC\\taro"}"#,
        &expect![[r#"
            0 {"type":"user-account","account_login":"taro"}
            1 {"type":"file","name":"a.exe","parent_directory_ref":"3","hashes":{"SHA-1":"da39a3ee5e6b4b0d3255bfef95601890afd80709","MD5":"d41d8cd98f00b204e9800998ecf8427e"}}
            2 {"type":"process","image_ref":"1","command_line":"a.exe -x","parent_ref":"5"}
            3 {"type":"directory","path":"C:\\x"}
            4 {"type":"file","name":"b.exe","parent_directory_ref":"6"}
            5 {"type":"process","image_ref":"4","command_line":"b.exe"}
            6 {"type":"directory","path":"C:\\"}
        "#]],
    );
    check(
        r#"{"EventID":7,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\x\\a.exe","ImageLoaded":"C:\\x\\b.dll","Hashes":"MD5=D41D8CD98F00B204E9800998ECF8427E"}"#,
        &expect![[r#"
            0 {"type":"file","name":"a.exe","parent_directory_ref":"2"}
            1 {"type":"process","image_ref":"0"}
            2 {"type":"directory","path":"C:\\x"}
            3 {"type":"file","name":"b.dll","parent_directory_ref":"2","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}
        "#]],
    );
    check(
        r#"{"EventID":13,"Channel":"Microsoft-Windows-Sysmon/Operational","TargetObject":"HKLM\\Software\\Run\\x","Details":"y.exe"}"#,
        &expect![[r#"
            0 {"type":"windows-registry-key","key":"HKLM\\Software\\Run","values":[{"name":"x","data":"y.exe"}]}
        "#]],
    );
    check(
        r#"{"class_uid":1007,"actor":{"process":{"file":{"path":"/bin/sh"}}},"process":{"cmd_line":"/bin/a -x","file":{"name":"a","path":"/bin/a","hashes":[{"value":"d41d8cd98f00b204e9800998ecf8427e"}]}}}"#,
        &expect![[r#"
            0 {"type":"file","name":"sh","parent_directory_ref":"2"}
            1 {"type":"process","image_ref":"0"}
            2 {"type":"directory","path":"/bin"}
            3 {"type":"process","command_line":"/bin/a -x","image_ref":"4","parent_ref":"1"}
            4 {"type":"file","name":"a","parent_directory_ref":"2","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}
        "#]],
    );
    check(
        r#"{"@timestamp":"2026-01-15T00:00:00Z","ecs":{},"process":{"executable":"/bin/a","command_line":"/bin/a -x","hash":{"md5":"d41d8cd98f00b204e9800998ecf8427e"},"parent":{"executable":"/bin/sh"}},"file":{"path":"/tmp/b"}}"#,
        &expect![[r#"
            0 {"type":"file","name":"a","parent_directory_ref":"2","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}
            1 {"type":"process","image_ref":"0","command_line":"/bin/a -x","parent_ref":"4"}
            2 {"type":"directory","path":"/bin"}
            3 {"type":"file","name":"sh","parent_directory_ref":"2"}
            4 {"type":"process","image_ref":"3"}
            5 {"type":"file","name":"b","parent_directory_ref":"6"}
            6 {"type":"directory","path":"/tmp"}
        "#]],
    );
    check(
        r#"{"event_type":"fileinfo","fileinfo":{"filename":"/x/a.exe","md5":"d41d8cd98f00b204e9800998ecf8427e"},"files":[{"filename":"b","sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}]}"#,
        &expect![[r#"
            0 {"type":"file","name":"a.exe","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}
            1 {"type":"file","name":"b","hashes":{"SHA-1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}}
        "#]],
    );
}

#[test]
fn certificates_and_mail() {
    check(
        r#"{"event_type":"tls","tls":{"subject":"CN=a.example","serial":"0A:1B","fingerprint":"0a:a1:18:c3:04:45:30:07:c8:4a:08:ba:80:02:ff:4c:6e:9d:a5:1e"}}"#,
        &expect![[r#"
            0 {"type":"domain-name","value":"a.example"}
            1 {"type":"x509-certificate","serial_number":"0A:1B","hashes":{"SHA-1":"0aa118c304453007c84a08ba8002ff4c6e9da51e"}}
        "#]],
    );
    check(
        r#"{"event_type":"smtp","src_ip":"192.0.2.1","email":{"from":"a@b.example","to":["c@d.example","e@d.example"],"attachment":["x.doc"]}}"#,
        &expect![[r#"
            0 {"type":"ipv4-addr","value":"192.0.2.1"}
            1 {"type":"email-addr","value":"a@b.example"}
            2 {"type":"email-addr","value":"c@d.example"}
            3 {"type":"email-addr","value":"e@d.example"}
            4 {"type":"file","name":"x.doc"}
            5 {"type":"email-message","is_multipart":false,"from_ref":"1","to_refs":["2","3"]}
            6 {"type":"network-traffic","src_ref":"0","protocols":["ipv4","smtp"]}
        "#]],
    );
}
