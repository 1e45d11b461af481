//! Lists of objects are split into the very bytes they came in.

use bytes::Bytes;
use proptest::prelude::*;
use stix::bundle::split;

const A: &str =
    r#"{"type":"url","id":"url--c1477287-23ac-5971-a010-5c287877fa60","value": "a\u0041" , "n":1.50}"#;
const B: &str =
    "{\n \"id\" : \"mutex--eba44954-d4e4-5d3b-814c-2b17dd8de300\", \"type\":\"mutex\",\"name\":\"日本\"\n}";

/// `expected` is the members joined by `|`, or the error's code and text.
fn check(text: &str, expected: &str) {
    let input = Bytes::from(text.to_owned());
    let found = match split(&input) {
        Ok(members) => members.iter().map(|m| std::str::from_utf8(m).unwrap()).collect::<Vec<_>>().join("|"),
        Err(error) => format!("{}: {error}", error.code),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn every_shape_of_list() {
    let both = format!("{A}|{B}");
    check(&format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{A}, {B} ]}}"#), &both);
    check(&format!(r#"{{"objects":[{A},{B}],"more":false,"type":"bundle"}}"#), &both);
    check(&format!(r#"{{"more":true,"next":"7","objects":[{A},{B}]}}"#), &both);
    check(&format!(" [ {A} ,\n{B} ] "), &both);
    check(&format!("\u{feff}  {A}\n"), A);
    check(B, B);
    check("[]", "");
    check("{}", "");
    check(r#"{"more":false}"#, "");
    check(r#"{"type":"bundle","id":"bundle--1"}"#, "");
}

#[test]
fn lines_of_objects_and_of_bundles() {
    check(&format!("{A}\n\n{A}\r\n"), &format!("{A}|{A}"));
    check(&format!("{A}\n{{\"objects\":[{A}]}}"), &format!("{A}|{A}"));
    check(&format!("{A}\n{{\"type\":\"url\",\"id\":\"ur"), &format!("{A}|{{\"type\":\"url\",\"id\":\"ur"));
}

#[test]
fn an_object_with_a_property_named_objects_is_an_object() {
    let observed = r#"{"type":"observed-data","id":"observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf","objects":{"0":{"type":"file"}}}"#;
    check(observed, observed);
}

#[test]
fn what_is_no_list_is_refused_with_its_reason() {
    check(
        "",
        "bundle-shape: neither a JSON object nor a list of them: the text starts with neither `{` nor `[`",
    );
    check(
        "null",
        "bundle-shape: neither a JSON object nor a list of them: the text starts with neither `{` nor `[`",
    );
    check(
        r#"{"a":1}"#,
        "bundle-shape: no bundle, no envelope and no STIX object: `type` and `objects` are missing",
    );
    check(r#"{"type":"bundle","objects":{}}"#, "bundle-shape: `objects` is not a list");
    check(
        r#"{"type":"bundle","objects":[],"objects":[]}"#,
        "bundle-shape: the property `objects` or `type` stands twice in the bundle",
    );
    check(
        r#"{"type":"bundle","objects":[{]}"#,
        "bundle-json: not JSON: key must be a string at line 1 column 30",
    );
    check(
        r#"{"type":"bundle","objects":["#,
        "bundle-json: not JSON: EOF while parsing a list at line 1 column 28",
    );
    let not_utf8 = split(&Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err();
    assert_eq!(
        (not_utf8.code, not_utf8.message.as_str()),
        ("bundle-utf8", "not UTF-8 from byte 6: STIX is JSON in UTF-8")
    );
}

#[test]
fn a_deep_member_is_split_and_refused_alone() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bundle = Bytes::from(format!(r#"{{"type":"bundle","objects":[{{"x":{deep}}},{A}]}}"#));
    let members = split(&bundle).unwrap();
    assert_eq!(members.len(), 2);
    assert_eq!(stix::Object::parse(members[0].clone()).unwrap_err().code, "stix-depth");
    assert!(stix::Object::parse(members[1].clone()).is_ok());
}

proptest! {
    #[test]
    fn members_come_back_byte_for_byte(
        members in proptest::collection::vec(("[ \n\t]{0,3}", "\\PC{0,20}", any::<i64>()), 0..8),
        wrapped in any::<bool>(),
    ) {
        let written: Vec<String> = members.iter().map(|(space, text, number)| {
            format!("{{{space}\"type\" :{}, \"n\":{number}{space}}}", serde_json::to_string(text).unwrap())
        }).collect();
        let list = written.join(" , ");
        let text = Bytes::from(if wrapped { format!("{{\"type\":\"bundle\",\"objects\":[{list}]}}") } else { format!("[{list}]") });
        let found = split(&text).unwrap();
        prop_assert_eq!(found.iter().map(|m| std::str::from_utf8(m).unwrap()).collect::<Vec<_>>(), written);
        let range = text.as_ptr_range();
        prop_assert!(found.iter().all(|member| range.contains(&member.as_ptr())));
    }
}
