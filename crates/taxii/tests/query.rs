//! The query string of TAXII 2.1 §3.4, by example and at random.

use proptest::prelude::*;
use taxii::query::{QUERY_BYTES_MAX, VALUES_MAX};
use taxii::{Allowed, Query, VersionFilter};

/// What a query string means, or why it is refused.
fn check(allowed: Allowed, text: &str, expected: &str) {
    let found = match Query::parse(text, allowed) {
        Err(error) => format!("refused: {error}"),
        Ok(query) => describe(&query),
    };
    assert_eq!(found, expected, "{text}");
}

fn describe(query: &Query) -> String {
    let mut parts = Vec::new();
    parts.extend(query.added_after.as_ref().map(|at| format!("after {at}")));
    parts.extend(query.limit.map(|limit| format!("limit {limit}")));
    parts.extend(query.next.as_ref().map(|next| format!("next {next}")));
    let mut list = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            parts.push(format!("{name} {}", values.join("|")));
        }
    };
    list("id", query.ids.iter().cloned().collect());
    list("type", query.types.iter().cloned().collect());
    list(
        "version",
        query
            .versions
            .iter()
            .map(|version| match version {
                VersionFilter::All => "all".to_owned(),
                VersionFilter::First => "first".to_owned(),
                VersionFilter::Last => "last".to_owned(),
                VersionFilter::Exact(at) => at.to_string(),
            })
            .collect(),
    );
    list("spec", query.spec_versions.iter().cloned().collect());
    parts.join(", ")
}

#[test]
fn section_3_4_added_after() {
    let check = |text, expected| check(Allowed::Collection, text, expected);
    check("added_after=2026-01-31T09:00:00.123456Z", "after 2026-01-31T09:00:00.123456Z");
    check("added_after=2026-01-31T09:00:00Z", "after 2026-01-31T09:00:00Z");
    check("added_after=2026-01-31T09%3A00%3A00.123456789Z", "after 2026-01-31T09:00:00.123456789Z");
    let refused = "refused: `added_after` is a timestamp such as `2026-01-31T09:00:00.000000Z`";
    check("added_after=garbage", refused);
    check("added_after=2026-02-30T00:00:00Z", refused);
    check("added_after=2026-01-31T09:00:00+09:00", refused);
    check("added_after=", "refused: `added_after` has no value");
}

#[test]
fn section_3_4_limit() {
    let check = |text, expected| check(Allowed::Collection, text, expected);
    let refused = "refused: `limit` is a whole number from 1 up";
    check("limit=1", "limit 1");
    check("limit=0", refused);
    check("limit=000", refused);
    check("limit=-1", refused);
    check("limit=1.5", refused);
    check("limit=ten", refused);
    check("limit=99999999999999999999999", "limit 4294967295");
}

#[test]
fn section_3_4_1_match() {
    let check = |text, expected| check(Allowed::Collection, text, expected);
    check("match[type]=indicator,malware", "type indicator|malware");
    check("match%5Btype%5D=indicator%2Cmalware", "type indicator|malware");
    check("match[id]=indicator--1&match[type]=indicator&limit=2", "limit 2, id indicator--1, type indicator");
    check("match[version]=first,last", "version first|last");
    check("match[version]=all", "version all");
    check("match[version]=2026-01-31T09:00:00.000001Z,last", "version last|2026-01-31T09:00:00.000001Z");
    check("match[spec_version]=2.0,2.1", "spec 2.0|2.1");
    check("match[type]=a,,b", "refused: `match[type]` has no value");
    check(
        "match[version]=newest",
        "refused: `match[version]` is a timestamp such as `2026-01-31T09:00:00.000000Z`",
    );
    check("match[spec_version]=two", "refused: `match[spec_version]` is a version such as `2.1`");
    check("match[name]=x", "refused: `match[name]` is not a filter of this endpoint");
}

#[test]
fn section_3_4_1_a_version_is_named_once_and_all_stands_alone() {
    let check = |text, expected| check(Allowed::Collection, text, expected);
    let refused = "refused: `match[version]` names each version once, and `all` stands alone";
    check("match[version]=last,last", refused);
    check("match[version]=all,first", refused);
    check("match[version]=2026-01-31T09:00:00.000Z,all", refused);
    check("match[version]=2026-01-31T09:00:00.000Z,2026-01-31T09:00:00Z", refused);
    check("match[version]=all", "version all");
    check(
        "match[version]=last,first,2026-01-31T09:00:00.000Z",
        "version first|last|2026-01-31T09:00:00.000Z",
    );
}

#[test]
fn interoperability_a_repeated_parameter_is_malformed() {
    let check = |text, expected| check(Allowed::Collection, text, expected);
    check(
        "match[type]=a&match[type]=b",
        "refused: `match[type]` stands more than once; join its values by commas",
    );
    check(
        "match[type]=a&match%5btype%5d=b",
        "refused: `match[type]` stands more than once; join its values by commas",
    );
    check("limit=1&limit=1", "refused: `limit` stands more than once; join its values by commas");
}

#[test]
fn what_is_not_taxii_is_passed_over() {
    check(Allowed::Collection, "utm_source=x&utm_source=y&&limit=3", "limit 3");
    check(Allowed::Delete, "limit=3", "");
}

#[test]
fn each_endpoint_offers_its_own_filters() {
    check(Allowed::Object, "match[version]=all", "version all");
    check(Allowed::Object, "match[id]=x", "refused: `match[id]` is not a filter of this endpoint");
    check(
        Allowed::Versions,
        "match[version]=all",
        "refused: `match[version]` is not a filter of this endpoint",
    );
    check(Allowed::Versions, "match[spec_version]=2.1", "spec 2.1");
    check(Allowed::Delete, "match[version]=first", "version first");
}

#[test]
fn malformed_encoding_and_size() {
    check(Allowed::Collection, "match[type]=%", "refused: the query string is not percent-encoded UTF-8");
    check(Allowed::Collection, "match[type]=%zz", "refused: the query string is not percent-encoded UTF-8");
    check(Allowed::Collection, "match[type]=%ff", "refused: the query string is not percent-encoded UTF-8");
    let many = vec!["a"; VALUES_MAX + 1].join(",");
    check(
        Allowed::Collection,
        &format!("match[type]={many}"),
        "refused: `match[type]` has more than 200 values",
    );
    let long = format!("next={}", "a".repeat(QUERY_BYTES_MAX));
    check(Allowed::Collection, &long, "refused: the query string is longer than 16384 bytes");
}

#[test]
fn a_page_s_token_is_bound_to_the_filter_and_not_to_the_limit() {
    let fingerprint = |text| Query::parse(text, Allowed::Collection).unwrap().fingerprint();
    assert_eq!(fingerprint("limit=1&match[type]=a,b"), fingerprint("match[type]=b,a&limit=9&next=zzz"));
    assert_ne!(fingerprint("match[type]=a"), fingerprint("match[id]=a"));
    assert_ne!(fingerprint("match[type]=a,b"), fingerprint("match[type]=a"));
    assert_ne!(fingerprint("added_after=2026-01-01T00:00:00Z"), fingerprint(""));
}

proptest! {
    /// The smoke test of the fuzz target of the same name, on the stable toolchain.
    #[test]
    fn any_text_is_read_or_refused(text in r"(added_after|limit|next|match\[(id|type|version|spec_version|x)\]|[a-z%]{0,3})?[=&%a-zA-Z0-9,.:\[\]é-]{0,60}") {
        for allowed in [Allowed::Collection, Allowed::Object, Allowed::Versions, Allowed::Delete] {
            if let Ok(query) = Query::parse(&text, allowed) {
                prop_assert!(query.limit != Some(0));
                prop_assert_eq!(query.fingerprint(), Query::parse(&text, allowed).unwrap().fingerprint());
            }
        }
    }
}
