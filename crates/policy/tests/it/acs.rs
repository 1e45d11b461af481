//! Markings of the access control specification: what they come to, and that nothing misunderstood opens anything.

use bytes::Bytes;
use oversight::{OrganisationRole, PersonRole, Realm};
use policy::{Label, Marking, acs_withholds_source};
use serde_json::{Value, json};
use stix::{Id, Object};

use crate::{engine, label, marking, organisation, person};

const CISA: &str = "identity--b3bca3c2-1f3d-4b54-b44f-dac42c3a8f01";

/// Indicators of Automated Indicator Sharing: for everybody, the source unnamed.
fn shared_by_ais() -> Value {
    json!({
        "extension_type": "property-extension", "identifier": "isa:guide.19001.ACS3-b6dbd13c-62a7-4b1c-8a1c-9a2a7d0e3c4b",
        "create_date_time": "2026-01-01T00:00:00.000Z", "name": "AIS",
        "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny",
        "responsible_entity_custodian": "USA.DHS.US-CERT", "responsible_entity_originator": "NONFED",
        "authority_reference": ["urn:isa:authority:misa"],
        "control_set": { "classification": "U",
            "formal_determination": ["AIS", "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT"] },
        "access_privilege": [privilege("CISAUSES", &json!("ALL"))],
        "further_sharing": [{ "sharing_scope": ["FOREIGNGOV", "SECTOR"], "rule_effect": "permit" }],
    })
}

fn privilege(action: &str, nationality: &Value) -> Value {
    json!({ "privilege_action": action, "rule_effect": "permit", "privilege_scope": {
        "permitted_nationalities": [nationality], "permitted_organizations": ["ALL"],
        "shareability": ["ALL"], "entity": ["ALL"] } })
}

fn definition(extension: &Value) -> Object {
    object(&json!({
        "type": "marking-definition", "spec_version": "2.1", "id": marking(1), "created": "2026-01-01T00:00:00.000Z",
        "extensions": { "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce": extension },
    }))
}

fn object(value: &Value) -> Object {
    Object::parse(Bytes::from(value.to_string())).unwrap()
}

/// What a marking comes to, in a line: the level, the level of action, `control` and `source` where they are kept.
fn read(extension: &Value) -> String {
    let Some(Marking::Acs(acs)) = Marking::defined_by(&definition(extension)) else {
        return "not understood".to_owned();
    };
    let control = if acs.originator_control { " control" } else { "" };
    let source = if acs.hides_source { " source" } else { "" };
    format!("{} {}{control}{source}", acs.tlp.name(), acs.pap.name())
}

/// The AIS marking with some of its parts replaced; `null` takes one out.
fn check(changes: &Value, expected: &str) {
    let mut marking = shared_by_ais();
    for (path, value) in changes.as_object().unwrap() {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = marking.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(name);
        } else {
            parent.insert(name.to_owned(), value.clone());
        }
    }
    assert_eq!(read(&marking), expected, "{changes}");
}

#[test]
fn what_the_members_may_read() {
    check(&json!({}), "amber green control source");
    let shared = "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit";
    check(&json!({ "/policy_reference": shared, "/further_sharing": null }), "green green source");
    let told = json!([privilege("CISAUSES", &json!("ALL")), privilege("IDSRC", &json!("ALL"))]);
    check(
        &json!({ "/access_privilege": told, "/responsible_entity_custodian": "USA.DOJ.FBI" }),
        "amber green control",
    );
    let public = json!({ "released_by": "USA.DHS", "released_on": "2026-01-01T00:00:00.000Z" });
    let determined = json!(["PUBREL", "NO-PII-PRESENT"]);
    check(
        &json!({ "/policy_reference": shared, "/further_sharing": null, "/public_release": public,
            "/control_set/formal_determination": determined }),
        "clear green source",
    );
    // Approved for the public, and yet passed on to some only: the stricter counts.
    check(
        &json!({ "/public_release": public, "/control_set/formal_determination": determined }),
        "amber green control source",
    );
    check(&json!({ "/control_set/formal_determination": ["FOUO"] }), "amber green control source");
    check(&json!({ "/control_set/caveat": ["CISAPROPRIETARY"] }), "amber green control source");
    check(&json!({ "/access_privilege": [privilege("DSPLY", &json!("ALL"))] }), "amber red control source");
    check(&json!({ "/control_set/permitted_nationalities": ["USA", "JPN"] }), "amber green control source");
    let only_some = json!([privilege("NETDEF", &json!("JPN"))]);
    check(
        &json!({ "/policy_reference": shared, "/further_sharing": null, "/access_privilege": only_some }),
        "amber green control source",
    );
    let elsewhere = json!([{ "sharing_scope": ["USA.DOJ"], "rule_effect": "deny" },
        { "sharing_scope": ["FOREIGNGOV", "SECTOR"], "rule_effect": "permit" }]);
    check(&json!({ "/further_sharing": elsewhere }), "amber green control source");
}

#[test]
fn what_is_not_understood_opens_nothing() {
    let refuse = |changes: &Value| check(changes, "not understood");
    for classification in ["C", "S", "TS", "u", ""] {
        refuse(&json!({ "/control_set/classification": classification }));
    }
    refuse(&json!({ "/control_set/classification": null }));
    for determination in ["NF", "FISA", "NEW"] {
        refuse(&json!({ "/control_set/formal_determination": ["AIS", determination] }));
    }
    refuse(&json!({ "/control_set/caveat": ["FISA"] }));
    for control in ["sensitivity", "sci_controls", "logical_authority_category", "something_new"] {
        refuse(&json!({ format!("/control_set/{control}"): ["X"] }));
    }
    for (scope, words) in [
        ("permitted_nationalities", "USA"),
        ("permitted_organizations", "USA.NSA"),
        ("shareability", "NCC"),
        ("entity", "GOV"),
    ] {
        refuse(&json!({ format!("/control_set/{scope}"): [words] }));
        let mut limited = privilege("CISAUSES", &json!("ALL"));
        limited["privilege_scope"][scope] = json!([words]);
        refuse(&json!({ "/access_privilege": [limited] }));
    }
    let mut without_scope = privilege("CISAUSES", &json!("ALL"));
    without_scope.as_object_mut().unwrap().remove("privilege_scope");
    refuse(&json!({ "/access_privilege": [without_scope] }));
    refuse(&json!({ "/access_privilege": null }));
    refuse(
        &json!({ "/access_privilege": [privilege("LEGAL", &json!("ALL")), privilege("CISA USES", &json!("ALL"))] }),
    );
    let mut denied = privilege("CISAUSES", &json!("ALL"));
    denied["rule_effect"] = json!("deny");
    refuse(&json!({ "/access_privilege": [privilege("CISAUSES", &json!("ALL")), denied] }));
    denied["privilege_action"] = json!("READING");
    refuse(&json!({ "/access_privilege": [privilege("CISAUSES", &json!("ALL")), denied] }));
    for scope in [json!(["FOREIGNGOV"]), json!(["SECTOR"]), json!(["USA.USG"]), json!([])] {
        refuse(&json!({ "/further_sharing": [{ "sharing_scope": scope, "rule_effect": "permit" }] }));
    }
    let twofold = json!([{ "sharing_scope": ["FOREIGNGOV", "SECTOR"], "rule_effect": "permit" },
        { "sharing_scope": ["PRIVATESECTOR"], "rule_effect": "deny" }]);
    refuse(&json!({ "/further_sharing": twofold }));
    refuse(&json!({ "/further_sharing": null }));
    for reference in [
        "",
        "urn:isa:policy:acs:ns:v4.0?privdefault=permit&sharedefault=permit",
        "urn:isa:policy:acs:ns:v3.0?privdefault=permit",
        "urn:isa:policy:acs:ns:v3.0?privdefault=deny&amp;sharedefault=deny",
        "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit",
    ] {
        refuse(&json!({ "/policy_reference": reference }));
    }
    refuse(&json!({ "/responsible_entity_custodian": "USA.DOJ.FBI" }));
    refuse(&json!({ "/responsible_entity_originator": "USA.DOJ.FBI" }));
    refuse(
        &json!({ "/resource_disposition": { "disposition_date": "2027-01-01T00:00:00Z", "disposition_process": "destroy" } }),
    );
    refuse(&json!({ "/public_release": { "released_by": "USA.DHS", "releasable_to_public": "false" } }));
    refuse(&json!({ "/something_new": true }));
    refuse(&json!({ "/control_set": "U" }));
}

/// Whoever reads under an ACS marking could read the same under the level it comes to; and a source that must not be told is not.
#[test]
fn objects_under_it() {
    let engine = engine();
    let acs = Marking::defined_by(&definition(&shared_by_ais()));
    let of = |by: Option<&str>| {
        let mut text = json!({ "type": "tool", "id": "tool--00000000-0000-4000-8000-000000000001", "name": "n",
            "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "object_marking_refs": [marking(1)] });
        if let Some(by) = by {
            text["created_by_ref"] = json!(by);
        }
        let meaning = |id: &Id| acs.filter(|_| *id == marking(1));
        Label::of(&object(&text), &organisation("agency-a"), &Realm::Live, meaning)
    };
    let may = |label: &Label, role: OrganisationRole| {
        engine.explain(&person(role, "other", &[PersonRole::Analyst]), label).0
    };
    let read = of(Some(CISA));
    assert!(read.unknown.is_empty() && read.originator_control, "{read:?}");
    assert!(may(&read, OrganisationRole::Agency) && may(&read, OrganisationRole::Operator));
    assert!(!may(&read, OrganisationRole::Partner) && !may(&read, OrganisationRole::Academy));
    for by in [None, Some("identity--00000000-0000-4000-8000-000000000001")] {
        let told = of(by);
        assert!(told.unknown.contains(&marking(1)) && !may(&told, OrganisationRole::Agency), "{by:?}");
    }
    // A definition that comes later opens nothing whose source it would hide: the object is not there to be looked at.
    let mut before = label(policy::TlpLabel::Unmarked, "agency-a");
    before.unknown.insert(marking(1));
    before.define(&marking(1), acs.unwrap());
    assert!(before.unknown.contains(&marking(1)));
}

/// The form that was made for STIX 2.0 says the same in other places.
#[test]
fn the_older_form_is_read_alike() {
    let older = |content: &Value| {
        object(
            &json!({ "type": "marking-definition", "spec_version": "2.1", "id": marking(1), "created": "2026-01-01T00:00:00.000Z",
            "definition_type": "x-isa-acs-3-0", "definition": content }),
        )
    };
    let content = |changes: &Value| {
        let mut content = shared_by_ais();
        content.as_object_mut().unwrap().remove("extension_type");
        content["sep_version"] = json!(1);
        content["public_release"] = json!({});
        content.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        content
    };
    let read = |changes: &Value| match Marking::defined_by(&older(&content(changes))) {
        Some(Marking::Acs(acs)) => {
            Some((acs.tlp.name(), acs.pap.name(), acs.originator_control, acs.hides_source))
        }
        Some(other) => panic!("{other:?}"),
        None => None,
    };
    let expected = Some(("amber", "green", true, true));
    assert_eq!(read(&json!({})), expected);
    assert_eq!(
        read(&json!({ "sep_version": "1", "authority_reference": "urn:isa:authority:misa" })),
        expected
    );
    for changes in [
        json!({ "sep_version": 2 }),
        json!({ "sep_version": null }),
        json!({ "something_new": true }),
        json!({ "public_release": { "released_by": "USA.DHS", "releasable_to_public": "false" } }),
        // As it stands in the specification's own examples: permitted without saying to whom.
        json!({ "access_privilege": [{ "privilege_action": "CISAUSES", "rule_effect": "permit" }] }),
        json!({ "control_set": { "classification": "TS" } }),
    ] {
        assert_eq!(read(&changes), None, "{changes}");
    }
    assert!(Marking::defined_by(&older(&json!("text"))).is_none());
    let denied = json!({ "access_privilege": [{ "privilege_action": "IDSRC", "rule_effect": "deny" }] });
    assert!(acs_withholds_source(&older(&content(&denied))));
}

#[test]
fn a_source_is_withheld_in_so_many_words() {
    let mut marking = shared_by_ais();
    assert!(!acs_withholds_source(&definition(&marking)), "by default is not in so many words");
    let mut rule = privilege("IDSRC", &json!("ALL"));
    rule["rule_effect"] = json!("deny");
    marking["access_privilege"].as_array_mut().unwrap().push(rule);
    assert!(acs_withholds_source(&definition(&marking)));
    assert_eq!(read(&marking), "amber green control source");
}

#[test]
fn the_examples_of_the_corpus() {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: the ACS markings of misp-stix's tests need YAGURA_CORPUS");
        return;
    };
    let path =
        std::path::Path::new(&root).join("misp/misp-stix-tests/extracted/external-stix21-bundles.jsonl");
    let mut found = std::collections::BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        collect(&serde_json::from_str(line).unwrap(), &mut found);
    }
    // The FBI's keeps its source from being told and names it; the NSA's is top secret.
    let expected = ["Use Case 1: Access Granted to Cybersecurity Data", "Use Case 2: Access Privilege"];
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(found.values().all(|read| read == "not understood"), "{found:?}");
}

fn collect(value: &Value, found: &mut std::collections::BTreeMap<String, String>) {
    if let Some(extension) =
        value.pointer("/extensions/extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce")
        && value["type"] == "marking-definition"
    {
        found.insert(extension["name"].as_str().unwrap().to_owned(), read(extension));
    }
    match value {
        Value::Array(list) => list.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}
