//! Objects are kept as written, and refused where keeping them would be a mistake.

use bytes::Bytes;
use proptest::prelude::*;
use stix::{Id, Object, Timestamp};

const ID: &str = "url--c1477287-23ac-5971-a010-5c287877fa60";

fn object(properties: &str) -> Result<Object, stix::ParseError> {
    Object::parse(Bytes::from(format!(r#"{{"type":"url","id":"{ID}"{properties}}}"#)))
}

/// `expected` is the code and the text of the refusal.
fn refused(text: &[u8], expected: &str) {
    let error = Object::parse(Bytes::copy_from_slice(text)).unwrap_err();
    assert_eq!(format!("{}: {error}", error.code), expected);
}

#[test]
fn refusals_name_the_cause() {
    refused(b"", "stix-json: not a JSON object: a STIX object starts with `{`");
    refused(b"[]", "stix-json: not a JSON object: a STIX object starts with `{`");
    refused(b"{", "stix-json: not a JSON object: EOF while parsing an object at line 1 column 1");
    refused(b"{} x", "stix-json: not a JSON object: trailing characters at line 1 column 4");
    refused(b"{\"a\":\"\xff\"}", "stix-utf8: not UTF-8 from byte 6: STIX is JSON in UTF-8");
    refused(
        br#"{"a":"\ud800"}"#,
        "stix-surrogate: not a JSON object: unexpected end of hex escape at line 1 column 13",
    );
    refused(
        br#"{"a":"\ud800x"}"#,
        "stix-surrogate: not a JSON object: unexpected end of hex escape at line 1 column 13",
    );
    refused(
        br#"{"a":"\udc00"}"#,
        "stix-surrogate: not a JSON object: lone leading surrogate in hex escape at line 1 column 12",
    );
    refused(
        br#"{"\ud800\ud800":1}"#,
        "stix-surrogate: not a JSON object: lone leading surrogate in hex escape at line 1 column 14",
    );
    refused(br#"{"a":1,"a":1}"#, "stix-duplicate-property: the property `a` stands twice in one object");
    refused(
        br#"{"x":[{"b":{"a":1,"\u0061":2}}]}"#,
        "stix-duplicate-property: the property `a` stands twice in one object",
    );
    refused(br#"{"a":1e999}"#, "stix-json: not a JSON object: number out of range at line 1 column 10");
    refused(b"{}", "stix-id: the object has no `id` that is a string");
    refused(br#"{"id":"x"}"#, "stix-id: `x` is not an identifier of the form `object-type--UUID`");
    refused(
        format!(r#"{{"id":"{ID}"}}"#).as_bytes(),
        &format!("stix-type: the object `{ID}` has no `type` that is a string"),
    );
    refused(
        format!(r#"{{"id":"{ID}","type":"file"}}"#).as_bytes(),
        &format!("stix-type: the type `file` is not the one that the identifier `{ID}` names"),
    );
    for value in [r#""2020-01-01""#, r#""2020-02-30T00:00:00Z""#, "7", "null"] {
        assert_eq!(object(&format!(r#","modified":{value}"#)).unwrap_err().code, "stix-timestamp", "{value}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!(",\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(object(&nested(stix::JSON_DEPTH_MAX - 1)).is_ok());
    for depth in [stix::JSON_DEPTH_MAX, 10_000, 1_000_000] {
        assert_eq!(object(&nested(depth)).unwrap_err().code, "stix-depth");
    }
    let dictionaries = format!(",\"x\":{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(object(&dictionaries).unwrap_err().code, "stix-depth");
}

#[test]
fn bytes_are_kept_and_hashes_follow_content() {
    let one = object(r#","value":"a","n":[1,2.50,{"b":1,"a":2}]"#).unwrap();
    let other = Object::parse(Bytes::from(format!(
        "{{ \"n\" : [1.0, 2.5, {{\"a\":2,\"b\":1e0}}], \"value\":\"\\u0061\", \"id\":\"{ID}\",\n\"type\":\"url\"}}"
    )))
    .unwrap();
    assert_ne!(one.bytes(), other.bytes());
    assert_eq!(one.canonical_hash(), other.canonical_hash());
    let changed = object(r#","value":"a","n":[1,2.50000000000000000001,{"b":1,"a":2}]"#).unwrap();
    assert_ne!(one.canonical_hash(), changed.canonical_hash());
}

#[test]
fn versions_are_told_by_modified_else_created() {
    let version = |properties: &str| object(properties).unwrap().version().map(|v| v.as_str().to_owned());
    assert_eq!(version(""), None);
    assert_eq!(version(r#","created":"2020-01-01T00:00:00Z""#).as_deref(), Some("2020-01-01T00:00:00Z"));
    let both = r#","created":"2020-01-01T00:00:00Z","modified":"2020-01-02T00:00:00.123456Z""#;
    assert_eq!(version(both).as_deref(), Some("2020-01-02T00:00:00.123456Z"));
}

#[test]
fn references_stand_at_any_depth() {
    let uuid = "c1477287-23ac-5971-a010-5c287877fa60";
    let found = object(&format!(
        r#","created_by_ref":"identity--{uuid}","object_marking_refs":["marking-definition--{uuid}"],
        "extensions":{{"extension-definition--{uuid}":{{"inner":[{{"seen_refs":["file--{uuid}","0"]}},1],"x_ref":"mutex--{uuid}"}}}},
        "description":"file--{uuid}","granular_markings":[{{"lang":"ja","selectors":["value"]}},{{"marking_ref":"marking-definition--{uuid}","selectors":["value"]}}]"#
    ))
    .unwrap()
    .references();
    let paths: Vec<String> = found.iter().map(|(path, id)| format!("{path} {}", id.object_type())).collect();
    assert_eq!(
        paths,
        [
            "created_by_ref identity".to_owned(),
            "object_marking_refs[0] marking-definition".to_owned(),
            format!("extensions.extension-definition--{uuid}.inner[0].seen_refs[0] file"),
            format!("extensions.extension-definition--{uuid}.x_ref mutex"),
            "granular_markings[1].marking_ref marking-definition".to_owned(),
        ]
    );
}

#[test]
fn people_find_text_in_every_language() {
    let uuid = "c1477287-23ac-5971-a010-5c287877fa60";
    let translated = Object::parse(Bytes::from(format!(
        r#"{{"type":"language-content","id":"language-content--{uuid}","object_ref":"campaign--{uuid}",
        "contents":{{"ja":{{"name":"港湾への攻撃","goals":["停止"]}}}}}}"#
    )))
    .unwrap();
    assert_eq!(translated.search_texts(), ["港湾への攻撃", "停止"]);
    let custom = object(&format!(
        r#","value":"v","created":"2020-01-01T00:00:00Z","labels":["l1","l2"],"x_note":"n","x_ref":"file--{uuid}",
        "external_references":[{{"source_name":"s","external_id":"T1","hashes":{{"MD5":"x"}}}}],
        "extensions":{{"extension-definition--{uuid}":{{"extension_type":"property-extension","title":"e"}}}}"#
    ))
    .unwrap();
    assert_eq!(custom.search_texts(), ["v", "l1", "l2", "n", "s", "T1", "e"]);
}

#[test]
fn timestamps_are_strict_and_ordered_without_truncation() {
    let parse = |text: &str| Timestamp::parse(text);
    for bad in [
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01t00:00:00Z",
        "2020-01-01T00:00:00z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T10+05:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:61Z",
        "2020-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2020-01-01T00:00:00+00:00",
        "2020-01-01T00:00:00.1a2Z",
        "２020-01-01T00:00:00Z",
        "",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    let good = |text| parse(text).unwrap();
    assert_eq!(good("2020-01-01T00:00:00Z"), good("2020-01-01T00:00:00.000Z"));
    assert!(good("2020-01-01T00:00:00.1234567890123Z") < good("2020-01-01T00:00:00.1234567890124Z"));
    assert!(good("2020-01-01T00:00:00Z") < good("2020-01-01T00:00:00.000001Z"));
    assert!(good("2020-01-01T00:00:00.9Z") < good("2020-01-01T00:00:01Z"));
    assert!(good("2016-12-31T23:59:60Z") > good("2016-12-31T23:59:59.999Z"));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(".{0,5}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_hash_is_that_of_the_content(value in json()) {
        let tight = serde_json::json!({"type": "url", "id": ID, "x": value});
        let written = |text: String| Object::parse(Bytes::from(text)).unwrap();
        let one = written(serde_json::to_string(&tight).unwrap());
        let other = written(serde_json::to_string_pretty(&tight).unwrap());
        prop_assert_eq!(one.canonical_hash(), other.canonical_hash());
        prop_assert_eq!(one.properties(), tight.as_object().unwrap());
    }

    #[test]
    fn identifiers_print_as_they_were_read(object_type in "[a-z][a-z0-9-]{0,12}", bits in any::<u128>()) {
        let id = Id::new(&object_type, uuid::Uuid::from_u128(bits));
        // A hyphen before the two that divide is read as part of the UUID's side.
        prop_assume!(!object_type.contains("--") && !object_type.ends_with('-'));
        let read = Id::parse(id.as_str()).unwrap();
        prop_assert_eq!(read.object_type(), object_type.as_str());
        prop_assert_eq!(read.to_string(), id.to_string());
    }

    #[test]
    fn timestamps_print_as_they_were_read_and_sort_as_instants(
        a in (0_i64..4_000_000_000, 0..1_000_000_000_i32), b in (0_i64..4_000_000_000, 0..1_000_000_000_i32),
    ) {
        let instant = |(seconds, nanos)| jiff::Timestamp::new(seconds, nanos).unwrap();
        let read = |instant: jiff::Timestamp| Timestamp::parse(&format!("{instant}")).unwrap();
        let (x, y) = (read(instant(a)), read(instant(b)));
        prop_assert_eq!(x.cmp(&y), instant(a).cmp(&instant(b)));
        prop_assert_eq!(x.instant(), Some(instant(a)));
        prop_assert_eq!(x.as_str(), format!("{}", instant(a)));
    }
}
