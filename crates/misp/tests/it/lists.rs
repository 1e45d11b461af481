//! Indicator lists.

use misp::list::{Source, from_csv, from_text};
use stix::marking::Tlp;

use crate::corpus::objects;

fn source() -> Source {
    Source {
        name: "test list".to_owned(),
        confidence: Some(60),
        tlp: Some(Tlp::Green),
        date: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn patterns(made: &misp::list::MadeIndicators) -> Vec<String> {
    let objects = objects(&made.objects);
    for object in &objects {
        assert_eq!(
            stix::validate::validate(object).iter().find(|f| f.severity == stix::validate::Severity::Error),
            None
        );
    }
    objects.iter().filter_map(|object| object.text("pattern").map(str::to_owned)).collect()
}

#[test]
fn free_text_is_refanged() {
    let text = "# comment 203.0.113.9\nThe actor used hxxps://evil[.]example/a?b=1, (198.51.100[.]7) and\n\
        d41d8cd98f00b204e9800998ecf8427e. 攻撃者は bad[.]example、worse[dot]example を使った。CVE-2026-0001";
    let made = from_text(text, &source());
    assert_eq!(
        patterns(&made),
        [
            "[url:value = 'https://evil.example/a?b=1']",
            "[ipv4-addr:value = '198.51.100.7']",
            "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
            "[domain-name:value = 'bad.example']",
            "[domain-name:value = 'worse.example']",
        ]
    );
    assert_eq!(from_text(text, &source()).objects, made.objects, "the same list makes the same objects");
}

#[test]
fn values_are_found_in_prose_of_either_language() {
    let check = |text: &str, expected: &[&str]| {
        let (found, more) = misp::list::values_in(text, 10);
        let values: Vec<&str> = found.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!((values.as_slice(), more), (expected, false), "{text}");
    };
    check(
        "端末が198[.]51[.]100[.]7へ接続し、hxxps://evil[.]example/a?b=1を開いた。",
        &["198.51.100.7", "https://evil.example/a?b=1"],
    );
    check(
        "(see evil[.]example), evil.example; d41d8cd98f00b204e9800998ecf8427e.",
        &["evil.example", "d41d8cd98f00b204e9800998ecf8427e"],
    );
    check("送信元はuser[at]evil[dot]example", &["user@evil.example"]);
    check("第1報。10時に停止。update.exe は不明", &[]);
    check("", &[]);
    let many: String = (0..12).map(|n| format!("198.51.100.{n} ")).collect();
    let (found, more) = misp::list::values_in(&many, 10);
    assert_eq!((found.len(), more), (10, true));
    for (kind, value) in found {
        assert_eq!(misp::list::pattern(kind, &value), Some(format!("[ipv4-addr:value = '{value}']")));
    }
}

#[test]
fn csv_columns_are_found_by_name_or_by_content() {
    let csv = b"# list\nfirst_seen;ioc;confidence;tags\n2026-01-01;evil[.]example;80;a,b\n2025-12-31;nonsense;;\n2026-01-01;198.51.100.7;;\n";
    let made = from_csv(csv, &source()).unwrap();
    assert_eq!(
        patterns(&made),
        ["[domain-name:value = 'evil.example']", "[ipv4-addr:value = '198.51.100.7']"]
    );
    assert_eq!(made.report.warnings.first().map(|warning| warning.code), Some("no-value"));
    let first =
        objects(&made.objects).into_iter().find(|object| object.object_type() == "indicator").unwrap();
    assert_eq!(first.get("confidence").and_then(serde_json::Value::as_u64), Some(80));
    assert_eq!(first.text("valid_from"), Some("2026-01-01T00:00:00.000Z"));
    let plain = from_csv(b"1,198.51.100.8,x\n2,198.51.100.9,y\n", &source()).unwrap();
    assert_eq!(patterns(&plain).len(), 2);
}
