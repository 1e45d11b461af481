//! The whole document: read, kept byte for byte, and given by type.

use cacao::{CommandKind, MarkingKind, Playbook, StepKind};
use serde_json::{Value, json};

use crate::findings::whole;
use crate::support::{codes, id, map};

#[test]
fn bytes_come_back_as_they_were() {
    let mut draft = whole();
    draft.0["x_foreign"] = json!({"kept": [1.50, 12_345_678_901_234_567_890u64, "é\u{0}"]});
    let text = serde_json::to_string_pretty(&draft.0).unwrap().replace("\"Draft\"", "  \"Dra\\u0066t\"");
    let playbook = Playbook::parse(text.as_bytes()).unwrap();
    assert_eq!(playbook.bytes(), text.as_bytes());
    assert_eq!(playbook.name, "Draft");
    assert_eq!(playbook.document()["x_foreign"]["kept"][2], "é\u{0}");
    assert!(playbook.is_sound(), "what is not known is a warning");
}

#[test]
fn the_digest_is_of_what_is_said_and_not_of_its_spelling() {
    let one = whole().parse();
    let other = Playbook::parse(serde_json::to_string_pretty(&whole().0).unwrap().as_bytes()).unwrap();
    assert_eq!(one.digest(), other.digest());
    assert_ne!(one.digest(), whole().set("name", json!("Other")).parse().digest());
}

#[test]
fn every_property_is_read() {
    let mut draft = whole()
        .set("revoked", json!(true))
        .set("valid_from", json!("2026-01-01T00:00:00Z"))
        .set("valid_until", json!("2027-01-01T00:00:00Z"))
        .set("derived_from", json!([id("playbook", 4)]))
        .set("related_to", json!([id("indicator", 4)]))
        .set("priority", json!(1))
        .set("severity", json!(70))
        .set("impact", json!(5))
        .set("labels", json!(["a"]))
        .set("external_references", json!([{"name": "n", "description": "d", "source": "s", "url": "u", "external_id": "e", "reference_id": "r"}]));
    let iep = id("marking-iep", 1);
    draft.0["data_marking_definitions"][&iep] = json!({
        "type": "marking-iep", "id": iep, "created_by": id("identity", 1), "created": "2026-01-01T00:00:00.000Z", "name": "IEP",
        "description": "d", "tlp": "GREEN", "iep_version": 2, "start_date": "2026-01-01T00:00:00Z", "end_date": null,
        "encrypt_in_transit": "may", "permitted_actions": "externally visible direct actions", "affected_party_notifications": "may",
        "attribution": "may", "unmodified_resale": "must not", "external_references": ["https://example.jp/iep"]
    });
    let words = id("marking-statement", 1);
    draft.0["data_marking_definitions"][&words] = json!({
        "type": "marking-statement", "id": words, "created_by": id("identity", 1), "created": "2026-01-01T00:00:00.000Z", "statement": "(c)"
    });
    draft.0["markings"].as_array_mut().unwrap().extend([json!(iep), json!(words)]);
    let playbook = draft.parse();
    assert_eq!(codes(&playbook), Vec::<String>::new());
    assert!(playbook.revoked);
    assert_eq!((playbook.priority, playbook.severity, playbook.impact), (Some(1), Some(70), Some(5)));
    assert_eq!(playbook.external_references[0].reference_id.as_deref(), Some("r"));
    assert_eq!(playbook.valid_until.as_ref().unwrap().as_str(), "2027-01-01T00:00:00Z");
    assert_eq!((playbook.derived_from.len(), playbook.related_to.len(), playbook.labels.len()), (1, 1, 1));
    assert!(
        matches!(&playbook.marking_definitions[&iep].kind, MarkingKind::Iep(map) if map["iep_version"] == 2)
    );
    assert!(
        matches!(&playbook.marking_definitions[&words].kind, MarkingKind::Statement(text) if text == "(c)")
    );
    assert!(playbook.processing_summary.unwrap().0["while_logic"]);
    assert!(
        matches!(&playbook.workflow[&id("while-condition", 1)].kind, StepKind::While(the) if the.condition.contains("__n__"))
    );
}

#[test]
fn every_type_of_command_is_taken() {
    let encoded = "dGl0bGU6IHg=";
    for kind in ["manual", "bash", "caldera-cmd", "powershell", "ssh"] {
        take(json!({"type": kind, "command": "x"}), kind);
        take(json!({"type": kind, "command_b64": encoded}), kind);
    }
    for kind in ["elastic", "jupyter", "kestrel", "sigma", "yara"] {
        take(json!({"type": kind, "command_b64": encoded}), kind);
    }
    take(json!({"type": "http-api", "command": "GET /x HTTP/1.1", "headers": {"A": ["b"]}}), "http-api");
}

fn take(command: Value, kind: &str) {
    let mut draft = whole();
    let step = &mut draft.0["workflow"][id("action", 4)];
    step["commands"] = json!([command]);
    step["targets"] = json!([id("http-api", 1)]);
    let playbook = draft.parse();
    assert_eq!(codes(&playbook), Vec::<String>::new(), "{kind}");
    let StepKind::Action(action) = &playbook.workflow[&id("action", 4)].kind else { panic!() };
    assert_eq!(action.commands[0].kind.as_str(), kind);
    assert!(!matches!(action.commands[0].kind, CommandKind::Other(_)));
}

#[test]
fn every_type_of_agent_and_target_is_taken() {
    let address = || json!({"dname": ["a.example"], "ipv4": ["192.0.2.1"], "ipv6": ["2001:db8::1"], "l2mac": ["00:00:5e:00:53:01"], "vlan": ["7"], "url": ["https://a.example/"]});
    let contact =
        || json!({"email": {"work": "a@example.jp"}, "phone": {"work": "1"}, "contact_details": "x"});
    for (kind, extra) in [
        ("group", json!({"contact": contact()})),
        ("individual", json!({"contact": contact()})),
        ("organization", json!({"contact": contact()})),
        ("location", json!({"logical": ["rack 7"], "location": {"region": "eastern-asia"}})),
        ("sector", json!({"sector": "energy"})),
        ("http-api", json!({"address": address(), "port": "443", "category": ["firewall"]})),
        ("linux", json!({"address": address(), "port": "22", "category": ["server"]})),
        ("net-address", json!({"address": address(), "category": ["router"]})),
        ("security-category", json!({"category": ["siem"]})),
        ("ssh", json!({"address": address(), "port": "22"})),
    ] {
        let mut draft = whole();
        let name = id(kind, 77);
        let mut agent = json!({"type": kind, "name": "A", "description": "d"});
        agent.as_object_mut().unwrap().extend(map(extra));
        draft.0["agent_definitions"][&name] = agent.clone();
        draft.0["target_definitions"][&name] = agent;
        draft.0["workflow"][id("action", 4)]["agent"] = json!(name);
        draft.0["workflow"][id("action", 4)]["targets"] = json!([name]);
        let playbook = draft.parse();
        assert_eq!(codes(&playbook), Vec::<String>::new(), "{kind}");
        assert_eq!(playbook.agents[&name].kind, kind);
    }
}

#[test]
fn every_type_of_authentication_is_taken() {
    for (kind, extra) in [
        ("http-basic", json!({"user_id": "u", "password": "__password__:value"})),
        ("user-auth", json!({"username": "u", "password": "__password__:value"})),
        ("oauth2", json!({"oauth_header": "OAuth realm=x", "token": "__password__:value"})),
        (
            "oauth2",
            json!({"oauth_header": "", "token": "", "kms": true, "kms_key_identifier": "__password__:value"}),
        ),
    ] {
        let mut draft = whole();
        let name = id(kind, 1);
        let mut info = json!({"type": kind, "name": "N"});
        info.as_object_mut().unwrap().extend(map(extra));
        draft.0["authentication_info_definitions"] = json!({&name: info});
        draft.0["target_definitions"][id("http-api", 1)]["authentication_info"] = json!(name);
        let playbook = draft.parse();
        assert_eq!(codes(&playbook), Vec::<String>::new(), "{kind}");
        assert_eq!(playbook.authentication_info[&name].kind, kind);
    }
}

#[test]
fn extensions_are_kept_wherever_they_may_stand() {
    let other = id("extension-definition", 5);
    let mut draft = whole();
    draft.0["extension_definitions"][&other] = draft.0["extension_definitions"][cacao::SAFEGUARDS].clone();
    let content = json!({&other: {"type": "anything", "deep": {"er": 1}}});
    draft.0["playbook_extensions"] = content.clone();
    draft.0["workflow"][id("action", 3)]["step_extensions"] = content.clone();
    draft.0["agent_definitions"][id("group", 1)]["agent_target_extensions"] = content.clone();
    draft.0["authentication_info_definitions"][id("http-basic", 1)]["authentication_info_extensions"] =
        content;
    let playbook = draft.parse();
    assert_eq!(codes(&playbook), Vec::<String>::new());
    assert_eq!(playbook.workflow[&id("action", 3)].extensions[&other]["deep"]["er"], 1);
    assert_eq!(playbook.agents[&id("group", 1)].extensions.len(), 1);
    assert_eq!(playbook.authentication_info[&id("http-basic", 1)].extensions.len(), 1);
    assert_eq!(playbook.extensions[&other]["type"], "anything");
}
