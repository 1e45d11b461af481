//! Findings, one by one; then verdicts against recorded ones, and against real data.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use stix::Object;
use stix::validate::{Severity, validate};

use crate::corpus;

const UUID: &str = "c1477287-23ac-4971-a010-5c287877fa60";
const TIMES: &str = r#""created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z""#;

/// Findings of an object with the given properties beside `type`, `id` and `spec_version`; `expected` is `E|W code path §section`,
/// one a line.
fn check(object_type: &str, properties: &str, expected: &[&str]) {
    let text = format!(
        r#"{{"type":"{object_type}","id":"{object_type}--{UUID}","spec_version":"2.1",{properties}}}"#
    );
    let object = Object::parse(Bytes::from(text)).unwrap();
    let found: Vec<String> = validate(&object)
        .iter()
        .map(|finding| {
            let letter = if finding.severity == Severity::Error { "E" } else { "W" };
            assert_eq!(finding.object, format!("{object_type}--{UUID}"));
            format!("{letter} {} {} §{}", finding.code, finding.path, finding.section)
        })
        .collect();
    assert_eq!(found, expected, "{object_type} {properties}");
}

/// The same for domain objects, whose times and name are given.
fn domain(object_type: &str, properties: &str, expected: &[&str]) {
    check(object_type, &format!(r#"{TIMES},"name":"n"{properties}"#), expected);
}

#[test]
fn common_properties() {
    domain("campaign", "", &[]);
    check(
        "campaign",
        r#""name":"n""#,
        &["E missing-property created §3.2", "E missing-property modified §3.2"],
    );
    domain(
        "campaign",
        r#","confidence":101,"revoked":"no","lang":"xx-nonsense""#,
        &["E out-of-range confidence §3.2", "E wrong-type revoked §2.2", "E invalid-language lang §3.2"],
    );
    domain(
        "campaign",
        r#","defanged":true,"labels":[]"#,
        &["E empty-list labels §2.12", "E inapplicable-property defanged §3.2"],
    );
    domain(
        "campaign",
        r#","created_by_ref":"tool--c1477287-23ac-4971-a010-5c287877fa60""#,
        &["W reference-target created_by_ref §3.2"],
    );
    domain(
        "campaign",
        r#","severity":1,"ab":2,"x_own":3"#,
        &[
            "E property-name ab §3.1",
            "E reserved-name severity §3.8",
            "W custom-property severity §11.1",
            "W custom-property ab §11.1",
            "W custom-property x_own §11.1",
        ],
    );
    check(
        "campaign",
        r#""name":"","created":"2026-01-02T00:00:00Z","modified":"2026-01-01T00:00:00.000Z""#,
        &["E time-order modified §3.2", "E time-precision created §3.2", "W empty-text name §4.2"],
    );
}

#[test]
fn external_references_and_kill_chains() {
    domain(
        "attack-pattern",
        r#","external_references":[{"source_name":"capec","external_id":"7"},{"source_name":"s"},{"source_name":"u","url":"no url","hashes":{"MD5":"x"}}]"#,
        &[
            "E external-id external_references[0] §4.1",
            "E missing-one-of external_references[1] §2.5",
            "E invalid-url external_references[2].url §2.5",
            "E invalid-hash external_references[2].hashes.MD5 §2.7",
        ],
    );
    domain(
        "attack-pattern",
        r#","kill_chain_phases":[{"kill_chain_name":"k"}]"#,
        &["E missing-property kill_chain_phases[0].phase_name §2.11"],
    );
}

#[test]
fn markings() {
    domain(
        "tool",
        r#","granular_markings":[{"lang":"ja","selectors":["name","aliases.[0]"]}]"#,
        &["E selector granular_markings[0].selectors[1] §7.2.3"],
    );
    domain(
        "tool",
        &format!(
            r#","granular_markings":[{{"lang":"ja","marking_ref":"marking-definition--{UUID}","selectors":["name"]}}]"#
        ),
        &["E exclusive-properties granular_markings[0] §7.2.3"],
    );
    domain(
        "tool",
        &format!(r#","object_marking_refs":["tool--{UUID}"]"#),
        &["E reference-target object_marking_refs[0] §3.2"],
    );
    let created = r#""created":"2026-01-01T00:00:00.000Z""#;
    check(
        "marking-definition",
        &format!(r#"{created},"definition_type":"statement","definition":{{"statement":"s"}}"#),
        &[],
    );
    check(
        "marking-definition",
        &format!(r#"{created},"definition_type":"tlp","definition":{{"tlp":"red"}}"#),
        &["E tlp-definition  §7.2.1.4"],
    );
    check("marking-definition", created, &["E missing-one-of  §7.2", "E missing-one-of  §7.2"]);
    check(
        "marking-definition",
        &format!(
            r#"{created},"definition_type":"statement","definition":{{"statement":"s"}},"object_marking_refs":["marking-definition--{UUID}"]"#
        ),
        &["E circular-marking  §3.2"],
    );
}

#[test]
fn indicators() {
    let pattern = |pattern: &str, expected: &[&str]| {
        domain(
            "indicator",
            &format!(
                r#","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","pattern":{}"#,
                serde_json::json!(pattern)
            ),
            expected,
        );
    };
    pattern("[file:name = 'a']", &[]);
    pattern("file:name = 'a'", &["E invalid-pattern pattern §9"]);
    pattern("[file:name = 'a' AND url:value = 'b']", &["E impossible-pattern pattern §9.5"]);
    pattern("[file:colour = 'a' OR x-own:thing = 1]", &["W pattern-property pattern §9.7"]);
    pattern("[ab:name = 1]", &["E pattern-path pattern §9.7"]);
    domain(
        "indicator",
        r#","pattern_type":"stix","pattern":"[file:name = 'a']","valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-01-01T00:00:00.000Z","indicator_types":["odd"]"#,
        &["E time-order valid_until §4.7", "W not-in-vocabulary indicator_types[0] §10.10"],
    );
    domain(
        "indicator",
        r#","pattern_type":"yara","pattern":"rule x {}","valid_from":"2026-01-01T00:00:00Z""#,
        &[],
    );
}

#[test]
fn relationships_and_sightings() {
    check(
        "relationship",
        &format!(
            r#"{TIMES},"relationship_type":"Uses","source_ref":"relationship--{UUID}","target_ref":"url--{UUID}""#
        ),
        &["E invalid-term relationship_type §3.1", "E reference-target source_ref §5.1"],
    );
    check(
        "sighting",
        &format!(
            r#"{TIMES},"sighting_of_ref":"url--{UUID}","where_sighted_refs":["tool--{UUID}"],"count":-1,"observed_data_refs":["nothing"]"#
        ),
        &[
            "E reference-target sighting_of_ref §5.2",
            "E reference-target where_sighted_refs[0] §5.2",
            "E out-of-range count §5.2",
            "E invalid-id observed_data_refs[0] §2.9",
        ],
    );
}

#[test]
fn observables() {
    check("ipv4-addr", r#""value":"198.51.100.1/024""#, &["E invalid-ipv4 value §6.8"]);
    check("mac-addr", r#""value":"AA:BB:CC:DD:EE:FF""#, &["E invalid-mac-address value §6.10"]);
    check(
        "file",
        r#""size":-1,"name_enc":"x""#,
        &["E out-of-range size §6.7", "E missing-companion name_enc §3.1", "E missing-one-of  §6.7"],
    );
    check(
        "file",
        r#""name":"n","extensions":{"tcp-flags":{"a":1},"archive-ext":{"contains_refs":[]},"my-ext":{"one":1}}"#,
        &[
            "E extension-key extensions.tcp-flags §3.2",
            "E empty-list extensions.archive-ext.contains_refs §2.12",
            "W custom-extension extensions.my-ext §11.3",
        ],
    );
    check(
        "network-traffic",
        r#""protocols":["tcp"],"src_port":70000,"is_active":true,"end":"2026-01-01T00:00:00Z","ipfix":{"a":1.5}"#,
        &[
            "E out-of-range src_port §6.12",
            "E missing-one-of  §6.12",
            "E exclusive-properties  §6.12",
            "E wrong-type ipfix.a §6.12",
        ],
    );
    check(
        "artifact",
        r#""url":"http://a.example/","payload_bin":"A""#,
        &["E invalid-binary payload_bin §2.1", "E exclusive-properties  §6.1", "E missing-companion  §6.1"],
    );
    check("process", r#""defanged":false"#, &["E missing-one-of  §6.13"]);
    check(
        "software",
        r#""name":"n","cpe":"cpe:2.3:a:v","languages":["ja","??"]"#,
        &["E invalid-cpe cpe §6.14", "E invalid-language languages[1] §3.2"],
    );
    check("windows-registry-key", r#""key":"HKLM\\a""#, &["E truncated-hive key §6.17"]);
    check(
        "user-account",
        r#""account_type":"odd","created":"2026-01-01T00:00:00.000Z""#,
        &["W not-in-vocabulary account_type §10.1", "W inapplicable-property created §3.2"],
    );
}

#[test]
fn identifiers_of_observables() {
    let found = |id: &str, properties: &str| {
        let text = format!(r#"{{"type":"process","id":"process--{id}",{properties}}}"#);
        validate(&Object::parse(Bytes::from(text)).unwrap()).iter().map(|f| f.code).collect::<Vec<_>>()
    };
    assert_eq!(found("c1477287-23ac-5971-a010-5c287877fa60", r#""pid":1"#), ["id-version"]);
    assert_eq!(found(UUID, r#""pid":1"#), [""; 0]);
}

#[test]
fn custom_objects_and_extensions() {
    check("x-own", &format!(r#"{TIMES},"anything":1"#), &["W custom-object  §11.2"]);
    check(
        "x-own",
        r#""anything":{}"#,
        &[
            "E empty-dictionary anything §2.3",
            "E missing-property created §3.2",
            "E missing-property modified §3.2",
            "W custom-object  §11.2",
        ],
    );
    let extension =
        |kind: &str| format!(r#","extensions":{{"extension-definition--{UUID}":{{{kind}}}}},"x_new":1"#);
    domain("tool", &extension(r#""extension_type":"toplevel-property-extension""#), &[]);
    domain(
        "tool",
        &extension(r#""extension_type":"odd""#),
        &[
            "E not-in-enumeration extensions.extension-definition--c1477287-23ac-4971-a010-5c287877fa60.extension_type §10.5",
        ],
    );
    domain(
        "tool",
        &extension(""),
        &[
            "E missing-property extensions.extension-definition--c1477287-23ac-4971-a010-5c287877fa60.extension_type §3.2",
            "W custom-property x_new §11.1",
        ],
    );
}

#[test]
fn objects_of_the_older_version_are_taken_with_a_warning() {
    let text = format!(
        r#"{{"type":"indicator","id":"indicator--{UUID}",{TIMES},"labels":["malicious-activity"],"pattern":"[file:name = 'a']","valid_from":"2026-01-01T00:00:00Z"}}"#
    );
    let found = validate(&Object::parse(Bytes::from(text)).unwrap());
    assert!(found.iter().all(|f| f.severity == Severity::Warning), "{found:?}");
    assert!(found.iter().any(|f| f.code == "legacy-version"));
}

/// Every error in what the text holds; an object that cannot even be kept counts as one.
fn errors(text: Vec<u8>) -> Result<Vec<(String, String)>, String> {
    let members = stix::bundle::split(&Bytes::from(text)).map_err(|error| error.code.to_owned())?;
    let mut found = Vec::new();
    for member in members {
        match Object::parse(member) {
            Err(error) => found.push((error.code.to_owned(), error.message)),
            Ok(object) => {
                let of_object =
                    validate(&object).into_iter().filter(|finding| finding.severity == Severity::Error);
                found.extend(of_object.map(|f| (format!("{} {}", f.code, f.path), f.message)));
            }
        }
    }
    Ok(found)
}

/// Recorded verdicts that are not ours: test, how many cases of it, reason.
const EXCEPTIONS: [(&str, usize, &str); 12] = [
    ("network_traffic_tests.ObservedDataTestCases.test_invalid_start_end_time", 1, MALFORMED_UUID),
    ("network_traffic_tests.ObservedDataTestCases.test_network_traffic_end_is_active", 1, MALFORMED_UUID),
    (
        "network_traffic_tests.ObservedDataTestCases.test_network_traffic_http_request_header",
        2,
        MALFORMED_UUID,
    ),
    ("network_traffic_tests.ObservedDataTestCases.test_network_traffic_ipfix", 2, MALFORMED_UUID),
    ("network_traffic_tests.ObservedDataTestCases.test_network_traffic_ports", 4, MALFORMED_UUID),
    ("network_traffic_tests.ObservedDataTestCases.test_network_traffic_protocols", 3, MALFORMED_UUID),
    ("network_traffic_tests.ObservedDataTestCases.test_network_traffic_socket_options", 1, MALFORMED_UUID),
    (
        "indicator_tests.IndicatorTestCases.test_custom_property_name_long",
        1,
        "§11.1.1: at most 250 characters; the recorder's expression has no end anchor",
    ),
    (
        "indicator_tests.IndicatorTestCases.test_reserved_property_phone_numbers",
        1,
        "§3.8 reserves `phone_number`; the recorder has the plural of an earlier draft",
    ),
    (
        "observed_data_tests.ObservedDataTestCases.test_software_language",
        1,
        "RFC 5646: `bbb` (Barai) is a registered language; the recorder has a shorter list",
    ),
    ("spec_version_tests.SpecVersionTestCases.test_all", 1, OLDER_RULES),
    ("spec_version_tests.SpecVersionTestCases.test_cmd", 2, OLDER_RULES),
];

const MALFORMED_UUID: &str =
    "§2.9: the source's UUID has 11 digits in its last group; the recorder looks at the type only";
const OLDER_RULES: &str =
    "judged by the recorder as a bundle of STIX 2.0, whose `spec_version` 2.1 does not have";

#[test]
fn recorded_verdicts_of_the_oasis_validator() {
    let Some(cases) = corpus::json_lines("stix/cti-stix-validator/cases-v21.jsonl") else { return };
    let mut differing: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        let ours = errors(case["instance"].to_string().into_bytes()).is_ok_and(|errors| errors.is_empty());
        if ours != case["valid_default_must_only"].as_bool().unwrap() {
            let name = case["test"].as_str().unwrap().trim_start_matches("v21.");
            let known = EXCEPTIONS.iter().map(|(test, ..)| *test).find(|test| name.starts_with(test));
            *differing.entry(known.unwrap_or(name)).or_default() += 1;
        }
    }
    let listed: BTreeMap<&str, usize> = EXCEPTIONS.iter().map(|(test, count, _)| (*test, *count)).collect();
    assert_eq!(differing, listed);
    let agreed = cases.len() - differing.values().sum::<usize>();
    println!("{agreed} of {} recorded verdicts agree", cases.len());
}

/// All JSON files under a folder of the corpus: how many objects, and how many errors of each code and path.
fn survey(folder: &Path, wanted: fn(&str) -> bool) -> (usize, BTreeMap<String, usize>) {
    let (mut objects, mut found) = (0, BTreeMap::new());
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".json") || !wanted(&name) {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        // Parts of objects and lists of files stand beside the objects.
        let Ok(errors) = errors(bytes.clone()) else { continue };
        objects += stix::bundle::split(&Bytes::from(bytes)).unwrap().len();
        for (what, _) in errors {
            *found.entry(what).or_default() += 1;
        }
    }
    (objects, found)
}

fn real(folder: &str, wanted: fn(&str) -> bool, objects: usize, expected: &[(&str, usize)]) {
    let Some(path) = corpus::file(folder) else { return };
    let (count, found) = survey(&path, wanted);
    let expected: BTreeMap<String, usize> =
        expected.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect();
    assert_eq!((count, found), (objects, expected), "{folder}");
}

#[test]
fn enterprise_attack_is_valid() {
    real("stix/attack-enterprise-derived", |_| true, 24_771, &[]);
}

#[test]
fn ics_and_mobile_attack_are_valid_but_for_empty_lists() {
    // §2.12 prohibits empty lists; six assets of the ICS matrix have one.
    let empty = [
        ("empty-list x_mitre_related_assets[0].related_asset_sectors", 1),
        ("empty-list x_mitre_related_assets[1].related_asset_sectors", 4),
        ("empty-list x_mitre_related_assets[2].related_asset_sectors", 1),
    ];
    real("stix/attack-stix-data/ics-attack", |_| true, 1_826, &empty);
    real("stix/attack-stix-data/mobile-attack", |_| true, 2_148, &[]);
}

#[test]
fn real_reports_are_valid_or_wrong_as_listed() {
    real("stix/cti-documentation", |_| true, 293, &[]);
    real("stix/cti-stix2-json-schemas/examples", |_| true, 260, &[]);
    real("stix/opencti-datasets", |_| true, 723, &[]);
    // Reports of STIX 2.0: §4.2 (three campaigns end before they begin), §4.5 (a list where one word belongs).
    let wrong = [("time-order last_seen", 3), ("wrong-type identity_class", 12)];
    real("stix/unit42-stix2-reports", |_| true, 5_365, &wrong);
}

#[test]
fn examples_of_the_interoperability_tests() {
    // Three objects with a UUID a digit short, a date with the day `201`, and malware that does not say whether it is a family: mistakes
    // of the document itself.
    let wrong = [("invalid-timestamp published", 1), ("missing-property is_family", 1), ("stix-id", 3)];
    real("stix/rstix-fixtures/crates/rstix/tests/fixtures/interop", |_| true, 255, &wrong);
}

#[test]
fn examples_of_the_specification_are_valid() {
    const NAMED_FOR_THEIR_FAULT: [&str; 14] = [
        "invalid",
        "missing",
        "wrong",
        "both",
        "empty",
        "out-of",
        "without",
        "-and-",
        "inverted",
        "before",
        "bad",
        "no-properties",
        "no-protocols",
        "-with-multipart",
    ];
    fn is_good(name: &str) -> bool {
        !NAMED_FOR_THEIR_FAULT.iter().any(|fault| name.contains(fault))
            && name != "network-traffic-end-with-active.json"
    }
    fn is_bad(name: &str) -> bool {
        // What a program may look for beyond the specification: empty names, vocabularies that are open, references that
        // lead nowhere; here they are warnings or nothing.
        !is_good(name)
            && ![
                "empty-name",
                "empty-content",
                "empty-context",
                "phase-empty",
                "bad-result",
                "ended-before",
                "missing-ref",
            ]
            .iter()
            .any(|lenient| name.contains(lenient))
    }
    let Some(folder) = corpus::file("stix/rstix-fixtures/crates/rstix/tests/fixtures/spec") else { return };
    let (good, found) = survey(&folder, is_good);
    // Three have malware without what OASIS' own schema requires of it, too (§4.11.1).
    assert_eq!((good, found), (77, BTreeMap::from([("missing-property is_family".to_owned(), 3)])));
    let mut open = vec![folder];
    let mut judged = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".json") && is_bad(&name) {
            judged += 1;
            let errors = errors(std::fs::read(&path).unwrap());
            assert!(errors.is_err() || errors.is_ok_and(|errors| !errors.is_empty()), "{name} has a fault");
        }
    }
    assert_eq!(judged, 55);
}
