//! Values have one spelling, wherever they stand and however they were typed.

use bytes::Bytes;
use proptest::prelude::*;
use stix::Object;
use stix::observable::{ValueKind, recognise, refang, values};

/// `expected` is `kind value` of each value, joined by `|`.
fn check(object_type: &str, properties: &str, expected: &str) {
    let text = format!(
        r#"{{"type":"{object_type}","id":"{object_type}--c1477287-23ac-5971-a010-5c287877fa60",{properties}}}"#
    );
    let found = values(&Object::parse(Bytes::from(text)).unwrap());
    let found: Vec<String> = found.iter().map(|(kind, value)| format!("{} {value}", kind.name())).collect();
    assert_eq!(found.join("|"), expected, "{object_type} {properties}");
}

#[test]
fn observables_of_every_kind() {
    check("ipv4-addr", r#""value":"198.51.100.7/24""#, "ipv4-addr 198.51.100.0/24");
    check("ipv4-addr", r#""value":"198.51.100.7/32""#, "ipv4-addr 198.51.100.7");
    check("ipv6-addr", r#""value":"2001:0DB8:0::1""#, "ipv6-addr 2001:db8::1");
    check("ipv6-addr", r#""value":"::ffff:198.51.100.7""#, "ipv4-addr 198.51.100.7");
    check("ipv6-addr", r#""value":"::ffff:198.51.100.7/120""#, "ipv4-addr 198.51.100.0/24");
    check("domain-name", r#""value":"WWW.例え.JP.""#, "domain-name www.xn--r8jz45g.jp");
    check("domain-name", r#""value":"_sip._tcp.Example.com""#, "domain-name _sip._tcp.example.com");
    check(
        "url",
        r#""value":"HTTP://u:p@Example.COM:80/a/../b%7e%2fc?q#f""#,
        "url http://example.com/b~%2Fc?q",
    );
    check("url", r#""value":"example.com/no-scheme""#, "url example.com/no-scheme");
    check("email-addr", r#""value":"Taro@Example.JP""#, "email-addr Taro@example.jp");
    check("mac-addr", r#""value":"D2-FB-49-24-37-18""#, "mac-addr d2:fb:49:24:37:18");
    check("autonomous-system", r#""number":64512"#, "autonomous-system 64512");
    check("mutex", r#""name":"M""#, "mutex M");
    check(
        "windows-registry-key",
        r#""key":"HKLM\\System\\Bar""#,
        "windows-registry-key hkey_local_machine\\system\\bar",
    );
    check(
        "user-account",
        r#""user_id":"1001","account_login":"taro""#,
        "user-account 1001|user-account taro",
    );
    let md5 = "D41D8CD98F00B204E9800998ECF8427E";
    let sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    check(
        "file",
        &format!(
            r#""name":"日本.exe","hashes":{{"MD5":"{md5}","SHA256":"{sha256}","SSDEEP":"3::"}},
            "extensions":{{"windows-pebinary-ext":{{"sections":[{{"name":"s","hashes":{{"MD5":"{}"}}}}]}}}}"#,
            "0".repeat(32)
        ),
        &format!(
            "file:hashes.MD5 {}|file:hashes.MD5 {}|file:hashes.SHA-256 {sha256}|file:name 日本.exe",
            "0".repeat(32),
            md5.to_lowercase()
        ),
    );
}

#[test]
fn values_in_patterns() {
    let pattern = |pattern: &str, expected: &str| {
        check(
            "indicator",
            &format!(r#""pattern_type":"stix","pattern":{}"#, serde_json::json!(pattern)),
            expected,
        );
    };
    pattern(
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR ipv4-addr:value = '198.51.100.1/32']",
        "ipv4-addr 198.51.100.0/24|ipv4-addr 198.51.100.1",
    );
    pattern(
        "[domain-name:value IN ('A.example', 'b.example.')] AND [url:value = 'http://c.example']",
        "domain-name a.example|domain-name b.example|url http://c.example/",
    );
    pattern(
        "[network-traffic:dst_ref.value = 'Evil.example' AND network-traffic:dst_ref.type = 'domain-name']",
        "domain-name evil.example",
    );
    pattern("[email-message:from_ref.value = 'a@B.example']", "email-addr a@b.example");
    pattern(
        "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR file:hashes.'SHA-1' = h'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709']",
        "file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e|file:hashes.SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
    );
    pattern(
        "[process:image_ref.name = 'a.exe' OR autonomous-system:number = 64512]",
        "file:name a.exe|autonomous-system 64512",
    );
    pattern(
        "[process:command_line = ' whoami /all' AND windows-registry-key:values[*].name = 'Run' AND windows-registry-key:values[0].data = 'x']",
        "registry-value Run|registry-data x|process:command_line whoami /all",
    );
    pattern(
        "[x509-certificate:serial_number = '0A:1B' OR network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Agent/1.0']",
        "x509-certificate:serial_number a1b|user-agent Agent/1.0",
    );
    // What is excluded is not mentioned.
    pattern(
        "[domain-name:value != 'a.example' OR domain-name:value NOT = 'b.example' OR domain-name:value LIKE '%c%']",
        "",
    );
    check("indicator", r#""pattern_type":"yara","pattern":"[domain-name:value = 'a.example']""#, "");
}

#[test]
fn values_beside_observables() {
    check("vulnerability", r#""name":"cve-2026-12345""#, "vulnerability CVE-2026-12345");
    check(
        "malware",
        r#""external_references":[{"source_name":"cve","external_id":"CVE-2016-1234"},{"source_name":"x","external_id":"T1"}]"#,
        "vulnerability CVE-2016-1234",
    );
    check(
        "observed-data",
        r#""objects":{"0":{"type":"ipv4-addr","value":"198.51.100.3"},"1":{"type":"file","name":"f"}}"#,
        "ipv4-addr 198.51.100.3|file:name f",
    );
}

#[test]
fn names_of_kinds_are_read_back() {
    for kind in ValueKind::ALL {
        assert_eq!(ValueKind::from_name(kind.name()), Some(kind));
        // A name and a colon must not begin another name, or `kind:value` could be read in two ways.
        let begins = |other: &ValueKind| other.name().starts_with(&format!("{}:", kind.name()));
        assert!(!ValueKind::ALL.iter().any(begins), "{}", kind.name());
    }
}

fn typed(text: &str, expected: Option<(ValueKind, &str)>) {
    assert_eq!(recognise(text), expected.map(|(kind, value)| (kind, value.to_owned())), "{text}");
}

#[test]
fn typed_values_are_recognised() {
    use ValueKind::*;
    typed("hxxp://evil[.]example", Some((Url, "http://evil.example/")));
    typed(" \"hXXps[:]//Evil(.)example/A\" ", Some((Url, "https://evil.example/A")));
    typed("evil[dot]example", Some((Domain, "evil.example")));
    typed("例え[.]jp", Some((Domain, "xn--r8jz45g.jp")));
    typed("198.51.100[.]7", Some((Ipv4, "198.51.100.7")));
    typed("198.51.100.7:8080", Some((Ipv4, "198.51.100.7")));
    typed("198.51.100.0/24", Some((Ipv4, "198.51.100.0/24")));
    typed("[2001:db8::1]:443", Some((Ipv6, "2001:db8::1")));
    typed("2001:DB8::1", Some((Ipv6, "2001:db8::1")));
    typed("taro[at]example[.]jp", Some((Email, "taro@example.jp")));
    typed("D41D8CD98F00B204E9800998ECF8427E", Some((Md5, "d41d8cd98f00b204e9800998ecf8427e")));
    typed("cve-2026-0001", Some((Cve, "CVE-2026-0001")));
    typed("AS64512", Some((AutonomousSystem, "64512")));
    typed("00-00-5E-00-53-00", Some((Mac, "00:00:5e:00:53:00")));
    typed("invoice.exe", Some((FileName, "invoice.exe")));
    typed("HKCU\\Software\\X", Some((RegistryKey, "hkey_current_user\\software\\x")));
    typed("evil.example/path", Some((Url, "http://evil.example/path")));
    for nothing in ["", "hello", "hello world", "1.2.3", "999.1.1.1", "a@", "港湾への攻撃", "10.0.0.0/99"]
    {
        typed(nothing, None);
    }
}

proptest! {
    #[test]
    fn defanging_is_undone(host in "[a-z]{1,10}\\.[a-z]{1,10}\\.(com|jp|example)", path in "[a-z0-9/]{0,12}") {
        let url = format!("https://{host}/{path}");
        let fanged = url.replace("https://", "hxxps[://]").replace('.', "[.]");
        prop_assert_eq!(refang(&fanged), url.clone());
        prop_assert_eq!(recognise(&fanged), recognise(&url));
    }

    #[test]
    fn any_text_is_recognised_or_not(text in ".{0,40}") {
        // What comes out is already in its one spelling.
        if let Some((kind, value)) = recognise(&text) {
            prop_assert_eq!(stix::observable::canonical(kind, &value), Some((kind, value)));
        }
    }
}
