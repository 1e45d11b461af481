//! Sigma rules at an edge: those of shared indicators make sightings, the operator's own stay where they are.

use crate::running::{CONSENT, Edge, Hub, edge_config, export, register_edge, wait_until};
use serde_json::json;

const RULE: &str = "title: Looks up a bad name\nlogsource:\n  product: windows\n  category: dns_query\ndetection:\n  s:\n    \
                    QueryName|endswith: .evil.example\n  condition: s\n";

fn query(second: u32, name: &str) -> String {
    format!(
        "{{\"@timestamp\":\"2026-11-01T00:00:{second:02}.000Z\",\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\
         \"EventID\":22,\"Image\":\"C:\\\\a.exe\",\"QueryName\":\"{name}\"}}\n"
    )
}

#[test]
fn a_shared_rule_makes_sightings_and_an_own_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let token = register_edge(&hub);
    let time = "2026-01-01T00:00:00.000Z";
    let indicator = |version: &str, revoked: bool| {
        json!({ "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f11",
            "created": time, "modified": version, "name": "bad name", "pattern": RULE, "pattern_type": "sigma", "valid_from": time,
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"], "revoked": revoked,
        }] })
    };
    hub.post(&indicator(time, false));
    let own = folder.path().join("own.yml");
    std::fs::write(&own, RULE.replace(".evil.example", ".own.example").replace("bad name", "name of ours"))
        .unwrap();
    let log = folder.path().join("sysmon.json");
    std::fs::write(
        &log,
        [query(1, "a.evil.example"), query(2, "a.own.example"), query(3, "a.example")].concat(),
    )
    .unwrap();
    let matching = format!("{CONSENT}\n[matching]\nsigma = [{own:?}]");
    let edge = Edge::start(&edge_config(folder.path(), &hub, &token, &matching, &log));
    let sightings = || {
        let all = export(&hub);
        all.into_iter().filter(|object| object["type"] == "sighting").collect::<Vec<_>>()
    };
    wait_until("the sighting arrives", || sightings().len() == 1);
    wait_until("both matches are in the ledger", || edge.ledger()["counts"]["matched"] == 2);
    let sighting = &sightings()[0];
    assert_eq!(sighting["sighting_of_ref"], "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f11");
    let told = export(&hub).iter().map(ToString::to_string).collect::<String>();
    assert!(
        told.contains("a.evil.example") && !told.contains("own.example") && !told.contains("a.exe"),
        "{told}"
    );
    let ledger = edge.ledger();
    assert_eq!(
        (&ledger["rules"], &ledger["rule_matches"], &ledger["indicators"]),
        (&json!(2), &json!(2), &json!(1))
    );
    let named: Vec<_> =
        ledger["rows"].as_array().unwrap().iter().filter(|row| row["kind"] == "matched").collect();
    assert!(
        named.iter().any(|row| row["name"] == "Looks up a name of ours" && row["indicator"] == ""),
        "{named:?}"
    );
    hub.post(&indicator("2026-01-02T00:00:00.000Z", true));
    wait_until("the revoked rule is gone", || edge.ledger()["rules"] == 1);
}
