//! What a hostile peer may send.

use misp::{Event, Limits, Options};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::corpus::{objects, options, there_and_back};
use crate::documents::event;

fn refusal(json: &str, limits: &Limits) -> (&'static str, String) {
    let error = misp::read(json.as_bytes(), limits).unwrap_err();
    (error.code, error.path)
}

#[test]
fn every_bound_is_told_with_its_place() {
    let limits = Limits {
        attributes_max: 2,
        objects_max: 1,
        list_max: 3,
        text_bytes_max: 10,
        depth_max: 6,
        ..Limits::default()
    };
    let check = |json: Value, code: &str, path: &str| {
        assert_eq!(refusal(&json.to_string(), &limits), (code_of(code), path.to_owned()), "{json}");
    };
    check(json!({"Event": {"Attribute": [{}, {}, {}]}}), "misp-limit", "Event.Attribute");
    check(
        json!({"Event": {"Object": [{"Attribute": [{}, {}]}], "Attribute": [{}]}}),
        "misp-limit",
        "Event.Attribute",
    );
    check(json!({"Event": {"Object": [{}, {}]}}), "misp-limit", "Event.Object");
    check(json!({"Event": {"Tag": [{}, {}, {}, {}]}}), "misp-limit", "Event.Tag");
    check(json!({"Event": {"info": "12345678901"}}), "misp-limit", "Event.info");
    check(json!({"Event": {"a": [[[[[[[]]]]]]]}}), "misp-limit", "Event.a[0][0][0][0][0][0]");
    check(json!([1]), "misp-shape", "");
    check(json!({"response": {"errors": 1}}), "misp-shape", "");
    assert_eq!(refusal("{", &limits).0, "misp-json");
    assert_eq!(refusal(&"[".repeat(100_000), &Limits::default()).0, "misp-json");
    let tiny = Limits { bytes_max: 5, ..limits };
    assert_eq!(refusal("      {}", &tiny).0, "misp-limit");
    let one = Limits { events_max: 1, ..Limits::default() };
    assert_eq!(refusal(r#"[{"info":"a"},{"info":"b"}]"#, &one).0, "misp-limit");
}

fn code_of(code: &str) -> &'static str {
    ["misp-limit", "misp-shape", "misp-json"].into_iter().find(|known| *known == code).unwrap()
}

#[test]
fn a_hundred_thousand_attributes_are_one_event() {
    let attributes: Vec<Value> = (0..100_000_u32)
        .map(|n| {
            let uuid = format!("5a6f1f2e-0000-4000-8000-{n:012x}");
            json!({"uuid": uuid, "type": "ip-dst", "value": std::net::Ipv4Addr::from(n).to_string(), "to_ids": true})
        })
        .collect();
    let event = event(json!({ "Attribute": attributes }));
    let made = misp::to_stix(std::slice::from_ref(&event), &options());
    assert_eq!(made.report.converted.get("indicator"), Some(&100_000));
    let back = misp::to_misp(&objects(&made.objects));
    assert!(back.events == [event], "lists keep their order here");
}

#[test]
fn an_identifier_that_is_somebody_else_s_is_not_taken_twice() {
    let twice = json!({"Attribute": [
        {"uuid": "5a6f1f2e-0000-4000-8000-000000000002", "type": "domain", "value": "a.example", "to_ids": true},
        {"uuid": "5a6f1f2e-0000-4000-8000-000000000002", "type": "domain", "value": "b.example", "to_ids": true}]});
    let report = there_and_back("twice", &event(twice));
    assert!(report.warnings.iter().any(|warning| warning.code == "uuid"));
}

#[test]
fn a_forged_copy_of_our_extension_is_not_believed() {
    let forged = json!({"type": "indicator", "spec_version": "2.1", "id": "indicator--5a6f1f2e-0000-4000-8000-000000000002",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "valid_from": "2026-01-01T00:00:00Z",
        "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix",
        "extensions": {misp::MISP_EXTENSION: {"extension_type": "property-extension", "kind": "attribute", "rest": "{\"is\": 7}"}}});
    let keeper = json!({"name": "stix2-object", "Attribute": [{"object_relation": "object", "value": forged.to_string()}]});
    there_and_back("a kept object that claims to be ours", &event(json!({"Object": [keeper]})));
    let objects = [stix::Object::parse(forged.to_string().into()).unwrap()];
    assert_eq!(misp::to_misp(&objects).events.len(), 1);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "ip-dst",
            "domain|ip",
            "198.51.100.7",
            "evil.example",
            "tlp:red",
            "1",
            "1767323045",
            "url",
            "file",
            "sha256",
            "5a6f1f2e-0000-4000-8000-000000000002",
            "filename|md5",
            "a|b",
            "report--x",
            "stix2-object",
            "4",
            "http://a b",
        ])
        .prop_map(Value::from),
    ]
}

fn fields(
    names: &'static [&'static str],
    inner: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<Value> {
    prop::collection::btree_map(prop::sample::select(names), inner, 0..7)
        .prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
        .boxed()
}

fn any_event() -> impl Strategy<Value = Value> {
    let tag = fields(&["name", "colour", "id"], scalar());
    let listed = |item: BoxedStrategy<Value>| {
        prop_oneof![8 => prop::collection::vec(item, 0..3).prop_map(Value::from), 1 => scalar()].boxed()
    };
    let sighting = fields(&["uuid", "type", "date_sighting", "source"], scalar());
    let cluster = fields(&["uuid", "value", "type", "version", "description"], scalar());
    let galaxy = {
        let clusters = listed(cluster);
        (fields(&["type", "name"], scalar()), clusters).prop_map(|(mut galaxy, clusters)| {
            galaxy["GalaxyCluster"] = clusters;
            galaxy
        })
    };
    let element = move || {
        let names = &[
            "uuid",
            "type",
            "value",
            "category",
            "to_ids",
            "comment",
            "timestamp",
            "deleted",
            "distribution",
            "first_seen",
            "object_relation",
            "data",
            "name",
            "meta-category",
        ];
        (
            fields(names, scalar()),
            listed(tag.clone()),
            listed(sighting.clone()),
            listed(galaxy.clone().boxed()),
        )
            .prop_map(|(mut element, tags, sightings, galaxies)| {
                element["Tag"] = tags;
                element["Sighting"] = sightings;
                element["Galaxy"] = galaxies;
                element
            })
            .boxed()
    };
    let reference =
        fields(&["uuid", "object_uuid", "referenced_uuid", "relationship_type", "comment"], scalar());
    let object =
        (element(), listed(element()), listed(reference)).prop_map(|(mut object, attributes, references)| {
            object["Attribute"] = attributes;
            object["ObjectReference"] = references;
            object
        });
    let head = fields(
        &["uuid", "info", "date", "timestamp", "published", "distribution", "Orgc", "SharingGroup"],
        scalar(),
    );
    (head, listed(element()), listed(object.boxed()), listed(element())).prop_map(
        |(mut event, attributes, objects, reports)| {
            event["info"] = event.get("info").cloned().unwrap_or_default();
            event["Attribute"] = attributes;
            event["Object"] = objects;
            event["EventReport"] = reports;
            event
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever an event holds, of whatever types, it comes back as it was.
    #[test]
    fn any_event_comes_back_as_it_was(value in any_event()) {
        there_and_back("any", &Event::from_value(value, &Limits::default()).unwrap());
    }

    /// Text that is no MISP document is refused and nothing worse.
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\":,a-zA-Z0-9 ]{0,80}") {
        if let Ok(events) = misp::read(text.as_bytes(), &Limits::default()) {
            let _ = misp::to_stix(&events, &Options::at(jiff::Timestamp::UNIX_EPOCH));
        }
    }
}
