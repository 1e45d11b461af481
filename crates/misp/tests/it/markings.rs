//! Who may have it, in MISP and in STIX.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::corpus::{objects, options, there_and_back};
use crate::documents::event;

/// The markings of every object that a value stands in.
fn markings_of(fields: Value, value: &str) -> BTreeSet<String> {
    let event = event(fields);
    there_and_back("markings", &event);
    let made = misp::to_stix(&[event], &options());
    let bearing = objects(&made.objects);
    let bearing: Vec<_> =
        bearing.iter().filter(|object| String::from_utf8_lossy(object.bytes()).contains(value)).collect();
    assert!(!bearing.is_empty());
    let sets: BTreeSet<Vec<String>> = bearing
        .iter()
        .map(|object| stix::marking::object_marking_refs(object).iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(sets.len(), 1, "every object with the value bears the same: {sets:?}");
    sets.into_iter().flatten().collect()
}

#[test]
fn an_element_bears_its_event_s_markings_and_its_own() {
    let green = stix::marking::Tlp::Green.id();
    let red = stix::marking::Tlp::Red.id();
    let with = |attribute: Value| json!({"Attribute": [attribute]});
    let plain = with(json!({"type": "domain", "value": "zzz.example"}));
    assert_eq!(markings_of(plain, "zzz.example"), BTreeSet::from([green.clone()]));
    let redder =
        with(json!({"type": "domain", "value": "zzz.example", "to_ids": true, "Tag": [{"name": "tlp:red"}]}));
    assert_eq!(markings_of(redder, "zzz.example"), BTreeSet::from([green.clone(), red.clone()]));
    let in_object = json!({"Object": [{"name": "domain-ip", "Attribute": [
        {"type": "domain", "value": "zzz.example", "object_relation": "domain", "Tag": [{"name": "tlp:red"}]}]}]});
    assert_eq!(markings_of(in_object, "zzz.example"), BTreeSet::from([green, red]));
}

#[test]
fn what_may_not_leave_its_organisation_is_not_marked() {
    for closed in [
        json!({"type": "domain", "value": "zzz.example", "distribution": "0"}),
        json!({"type": "domain", "value": "zzz.example", "distribution": 4}),
        json!({"type": "domain", "value": "zzz.example", "Tag": [{"name": "tlp:ultraviolet"}]}),
    ] {
        assert_eq!(markings_of(json!({"Attribute": [closed]}), "zzz.example"), BTreeSet::new());
    }
    let event = json!({"distribution": "0", "Attribute": [{"type": "domain", "value": "zzz.example"}]});
    assert_eq!(markings_of(event, "zzz.example"), BTreeSet::new());
}

#[test]
fn a_sharing_group_is_a_marking_that_names_only_its_uuid() {
    let group = "5a6f1f2e-0000-4000-8000-0000000000cc";
    let fields = json!({"distribution": "4", "sharing_group_id": "3",
        "SharingGroup": {"uuid": group, "name": "Secret circle", "SharingGroupOrg": [{"Organisation": {"name": "Who"}}]},
        "Attribute": [{"type": "domain", "value": "zzz.example"}]});
    let expected = format!("marking-definition--{group}");
    assert!(markings_of(fields.clone(), "zzz.example").contains(&expected));
    let made = misp::to_stix(&[event(fields)], &options());
    for object in objects(&made.objects) {
        let text = String::from_utf8_lossy(object.bytes()).into_owned();
        let is_report = object.object_type() == "report";
        assert!(
            is_report || !text.contains("Secret circle"),
            "only the event itself names the group: {text}"
        );
    }
}

#[test]
fn a_report_does_not_tell_of_what_is_marked_more_strictly() {
    let secret = "5a6f1f2e-0000-4000-8000-00000000dead";
    let event = event(json!({
        "Attribute": [
            {"uuid": secret, "type": "domain", "value": "zzz.example", "Tag": [{"name": "tlp:red"}],
             "Galaxy": [{"type": "threat-actor", "GalaxyCluster": [{"uuid": "5a6f1f2e-0000-4000-8000-00000000beef", "value": "APT 0"}]}]},
            {"type": "domain", "value": "plain.example"}],
    }));
    there_and_back("stricter", &event);
    let made = misp::to_stix(&[event], &options());
    for object in objects(&made.objects) {
        let is_red = stix::marking::object_marking_refs(&object)
            .iter()
            .any(|id| id.as_str() == stix::marking::Tlp::Red.id());
        if !is_red && object.object_type() != "marking-definition" {
            let text = String::from_utf8_lossy(object.bytes()).into_owned();
            for withheld in [secret, "zzz.example", "APT 0", "beef"] {
                assert!(!text.contains(withheld), "{text}");
            }
        }
    }
    // Whoever may not see it gets the rest of the event.
    let visible: Vec<_> = objects(&made.objects)
        .into_iter()
        .filter(|object| {
            !stix::marking::object_marking_refs(object)
                .iter()
                .any(|id| id.as_str() == stix::marking::Tlp::Red.id())
        })
        .collect();
    let seen = misp::to_misp(&visible).events.remove(0).into_json().to_string();
    assert!(seen.contains("plain.example") && !seen.contains("zzz.example"), "{seen}");
}
