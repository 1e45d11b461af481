//! How grave an indicator is.

use bytes::Bytes;
use case::severity_of;
use stix::Object;

fn check(rest: &str, expected: u8) {
    let text = format!(
        r#"{{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00Z",
            "modified":"2026-01-01T00:00:00Z"{rest}}}"#
    );
    assert_eq!(severity_of(&Object::parse(Bytes::from(text)).unwrap()).level(), expected, "{rest}");
}

#[test]
fn its_producer_says_it() {
    let ours = |value: &str| {
        format!(
            r#","extensions":{{"{}":{{"extension_type":"property-extension","severity":{value}}}}},"labels":["severity:1"]"#,
            case::CASE_EXTENSION
        )
    };
    check(&ours("5"), 5);
    check(&ours("0"), 0);
    for nonsense in ["6", "-1", "3.5", "\"4\"", "null", "300"] {
        check(&ours(nonsense), 1); // then the label counts
    }
    check(r#","labels":["severity:high"]"#, 4);
    check(r#","labels":["x","Severity:2","severity:5","severity:none"]"#, 5);
    check(r#","labels":["severity:9","severity:"]"#, 2);
}

#[test]
fn it_is_derived_and_then_never_grave() {
    check("", 2);
    check(r#","indicator_types":["malicious-activity"]"#, 3);
    check(r#","indicator_types":["malicious-activity"],"confidence":100"#, 3);
    check(r#","indicator_types":["malicious-activity"],"confidence":29"#, 2);
    check(r#","indicator_types":["anomalous-activity"],"confidence":10"#, 1);
    check(r#","indicator_types":["benign"],"confidence":10"#, 0);
    check(r#","indicator_types":"malicious-activity","labels":{},"confidence":"no""#, 2);
}
