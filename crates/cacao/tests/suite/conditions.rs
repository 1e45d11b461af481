//! Conditions over variables.

use cacao::{Condition, ConditionError, Typed};
use serde_json::{Value, json};

fn lookup(name: &str) -> Option<Typed> {
    let (kind, value) = match name {
        "__ip__" => ("ipv4-addr", json!("198.51.100.7")),
        "__net__" => ("ipv4-addr", json!("198.51.100.0/24")),
        "__ip6__" => ("ipv6-addr", json!("2001:db8::1")),
        "__name__" => ("string", json!("mail.example.jp")),
        "__quote__" => ("string", json!("it's ' OR __n__:value = 7")),
        "__n__" => ("integer", json!("7")),
        "__m__" => ("long", json!("7000000000")),
        "__f__" => ("float", json!("0.5")),
        "__b__" => ("bool", json!("true")),
        "__hash__" => ("sha256-hash", json!("AB".repeat(32))),
        "__d__" => {
            ("dictionary", json!({"verdict": "bad", "hosts": [{"name": "a"}, {"name": "b"}], "count": 3}))
        }
        "__none__" => ("string", Value::Null),
        "__empty__" => ("string", json!("")),
        "__日本__" => ("string", json!("x")),
        _ => return None,
    };
    Some(Typed { kind: kind.to_owned(), value })
}

fn check(text: &str, expected: bool) {
    let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(condition.holds(&lookup), Ok(expected), "{text}");
}

#[test]
fn comparisons() {
    for (text, expected) in [
        ("__name__:value = 'mail.example.jp'", true),
        ("__name__:value == 'mail.example.jp'", true),
        ("__name__:value != 'mail.example.jp'", false),
        ("__n__:value > 6", true),
        ("__n__:value >= 7 ", true),
        ("__n__:value < 7", false),
        ("__n__:value <= 6.9", false),
        ("__n__:value = '7'", true),
        ("__m__:value > __n__:value", true),
        ("__f__:value < 1", true),
        ("__b__:value = true", true),
        ("__b__:value = 'true'", true),
        ("__b__:value = false", false),
        ("__name__:value > 'a'", true),
    ] {
        check(text, expected);
    }
}

#[test]
fn sets_likeness_and_expressions() {
    for (text, expected) in [
        ("__name__:value IN ('a', 'mail.example.jp')", true),
        ("__name__:value NOT IN ('a', 'b')", true),
        ("__n__:value IN (1, 7)", true),
        ("__n__:value IN ('1', '7')", true),
        ("__name__:value IN (__empty__:value, __name__:value)", true),
        ("__name__:value LIKE '%.example.__'", true),
        ("__name__:value LIKE 'mail_example%'", true),
        ("__name__:value NOT LIKE '%.com'", true),
        ("__name__:value MATCHES '^mail\\\\.[a-z]+\\\\.jp$'", true),
        ("__name__:value MATCHES 'ftp'", false),
    ] {
        check(text, expected);
    }
}

#[test]
fn networks() {
    for (text, expected) in [
        ("__ip__:value ISSUBSET '198.51.100.0/24'", true),
        ("__ip__:value ISSUBSET '198.51.101.0/24'", false),
        ("__ip__:value ISSUBSET __net__:value", true),
        ("__net__:value ISSUPERSET '198.51.100.128/25'", true),
        ("__net__:value ISSUPERSET __ip__:value", true),
        ("__net__:value NOT ISSUPERSET '203.0.113.1'", true),
        ("__ip6__:value ISSUBSET '2001:db8::/32'", true),
        ("__ip6__:value ISSUBSET '0.0.0.0/0'", false),
    ] {
        check(text, expected);
    }
}

#[test]
fn and_or_not_and_brackets() {
    for (text, expected) in [
        ("__n__:value = 7 AND __b__:value = true", true),
        ("__n__:value = 8 OR __b__:value = true", true),
        ("__n__:value = 8 OR __b__:value = true AND __f__:value > 1", false),
        ("(__n__:value = 8 OR __b__:value = true) AND __f__:value < 1", true),
        ("[__n__:value = 7] AND [__b__:value = true]", true),
        ("[__n__:value = 8] OR ([__b__:value = true] AND [__n__:value = 7 AND __f__:value = 0.5])", true),
        ("[__n__:value = 7] AND [__n__:value = 8]", false),
        ("__n__:value NOT = 8", true),
        ("NOT EXISTS __none__:value", true),
        ("EXISTS __name__:value", true),
        ("EXISTS __none__:value", false),
    ] {
        check(text, expected);
    }
}

#[test]
fn unknown_is_not_empty() {
    check("__none__:value = ''", false);
    check("__none__:value != 'x'", false);
    check("__empty__:value = ''", true);
}

#[test]
fn dictionaries_and_hashes() {
    check("__d__:value.verdict = 'bad'", true);
    check("__d__:value.count > 2", true);
    check("__d__:value.hosts[*].name = 'b'", true);
    check("__d__:value.hosts[0].name = 'b'", false);
    check(&format!("__hash__:value = '{}'", "ab".repeat(32)), true);
    check(&format!("__hash__:value = h'{}'", "ab".repeat(32)), true);
}

#[test]
fn a_value_on_the_right_stays_a_value() {
    // It would hold if the text of the value were read as a part of the expression.
    check("__name__:value = __quote__:value", false);
    check("__quote__:value = __quote__:value", true);
    check("__name__:value = 'mail.__x__'", false);
    check("__name__:value LIKE '%__empty__:value.jp'", true);
}

#[test]
fn what_is_no_condition() {
    for text in [
        "",
        "__n__:value",
        "__n__:value = ",
        "n = 7",
        "file:name = 'x'",
        "__n__:other = 7",
        "__n__ = 7",
        "__n__:value = 7 AND",
        "__n__:value ~ 7",
        "(__n__:value = 7",
        "__n__:value = 'a' 'b'",
    ] {
        assert!(Condition::parse(text).is_err(), "{text}");
    }
    for text in [
        "[__n__:value = 7] FOLLOWEDBY [__n__:value = 8]",
        "[__n__:value = 7] WITHIN 5 SECONDS",
        "[__n__:value = 7] REPEATS 2 TIMES",
    ] {
        assert!(matches!(Condition::parse(text), Err(ConditionError::OverTime(_))), "{text}");
    }
    let undefined = Condition::parse("__b__:value = true OR __nobody__:value = 1").unwrap();
    assert_eq!(undefined.holds(&lookup), Err(ConditionError::Undefined("__nobody__".into())));
    let unknown = Condition::parse("__name__:value = __none__:value").unwrap();
    assert_eq!(unknown.holds(&lookup), Err(ConditionError::Unknown("__none__".into())));
    let slow = Condition::parse(&format!("__name__:value MATCHES '{}'", "(a{50}){50}".repeat(30))).unwrap();
    assert!(matches!(slow.holds(&lookup), Err(ConditionError::Unusable(_))));
    let deep = format!("{}__n__:value = 7{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(Condition::parse(&deep).is_err());
    assert_eq!(Condition::parse(&"x".repeat(100_000)), Err(ConditionError::TooLong(100_000)));
}

#[test]
fn variables_are_named() {
    let condition = Condition::parse(
        "__n__:value = 1 OR __name__:value IN ('a', __ip__:value) AND __b__:value = '__f__:value'",
    )
    .unwrap();
    let names: Vec<String> = condition.variables().into_iter().collect();
    assert_eq!(names, ["__b__", "__f__", "__ip__", "__n__", "__name__"]);
}
