//! Every finding, made by one change to a playbook that has none.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cacao::Playbook;
use serde_json::{Value, json};

use crate::support::{Draft, codes, id};

/// A playbook with every kind of step, agent, authentication, marking and extension, of which there is nothing to say.
pub(crate) fn whole() -> Draft {
    let parallel = json!({
        "type": "parallel", "name": "Both", "next_steps": [id("action", 2), id("action", 3)], "on_completion": id("if-condition", 1)
    });
    let fork = json!({
        "type": "if-condition", "name": "Whether", "condition": "__found__:value = true", "on_true": id("action", 4),
        "on_false": id("playbook-action", 1), "on_completion": id("while-condition", 1)
    });
    let again = json!({
        "type": "while-condition", "name": "Again", "condition": "__n__:value < 3", "on_true": id("action", 5),
        "on_completion": id("switch-condition", 1)
    });
    let which = json!({
        "type": "switch-condition", "name": "Which", "switch": "__kind__:value",
        "cases": {"mail": id("action", 6), "default": id("end", 8)}, "on_completion": id("end", 1)
    });
    let call = json!({
        "type": "playbook-action", "name": "Call", "playbook_id": id("playbook", 2), "in_args": ["__ip__"], "out_args": ["__kind__"],
        "on_completion": id("end", 5)
    });
    let mut draft = Draft::new(&id("action", 1)).targets();
    for (number, next) in [
        (1, id("parallel", 1)),
        (2, id("end", 2)),
        (3, id("end", 3)),
        (4, id("end", 4)),
        (5, id("end", 6)),
        (6, id("end", 7)),
        (7, id("end", 9)),
    ] {
        draft = draft.action(number, &next);
    }
    for number in 1..=9 {
        draft = draft.end(number);
    }
    draft = draft
        .step(&id("parallel", 1), parallel)
        .step(&id("if-condition", 1), fork)
        .step(&id("while-condition", 1), again)
        .step(&id("switch-condition", 1), which)
        .step(&id("playbook-action", 1), call)
        .set("workflow_exception", json!(id("action", 7)))
        .variable("__ip__", json!({"type": "ipv4-addr", "external": true}))
        .variable("__found__", json!({"type": "bool", "value": "false"}))
        .variable("__n__", json!({"type": "integer", "value": "0"}))
        .variable("__kind__", json!({"type": "string", "value": "none"}))
        .variable("__password__", json!({"type": "string", "external": true, "constant": true}));
    furnish(draft)
}

fn furnish(draft: Draft) -> Draft {
    let body = STANDARD.encode(json!({"action": "deny", "target": {"ipv4_net": "__ip__:value"}}).to_string());
    let openc2 = json!({"type": "openc2-http", "command": "POST /oc2 HTTP/1.1", "content_b64": body, "playbook_activity": "restrict-access"});
    let guards = json!({
        "type": "safeguards",
        "approval": {"required": 2, "approvers": [id("identity", 2), id("identity", 3)], "expires_after": 600_000},
        "authority": {"basis": "Act 1", "reference": "__kind__:value"},
        "inverse": [{"type": "openc2-http", "command": "POST /oc2 HTTP/1.1", "content_b64": body}],
        "blast_radius": {"addresses_max": 1, "ipv4_prefix_min": 24, "traffic_percent_max": 0.5, "actions_per_hour_max": 10},
        "stop_after": 3_600_000, "idempotent": true
    });
    let mut draft = draft.safeguards(&id("action", 2), guards);
    let (http, key, tlp) =
        (id("http-api", 1), id("http-basic", 1), "marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb");
    let book = &mut draft.0;
    book["target_definitions"][&http] = json!({
        "type": "http-api", "name": "Firewall", "address": {"dname": ["fw.example"]}, "port": "8443", "category": ["firewall"],
        "authentication_info": key, "location": {"country": "JP", "latitude": "35.68", "longitude": "139.76", "precision": "100"}
    });
    book["target_definitions"][id("sector", 1)] =
        json!({"type": "sector", "name": "Power", "sector": "energy"});
    book["industry_sectors"] = json!(["energy"]);
    book["authentication_info_definitions"][&key] =
        json!({"type": "http-basic", "user_id": "ops", "password": "__password__:value"});
    book["markings"] = json!([tlp]);
    book["data_marking_definitions"][tlp] = json!({
        "type": "marking-tlp", "id": tlp, "created_by": id("identity", 1), "created": "2022-10-01T00:00:00.000Z", "tlpv2_level": "TLP:GREEN"
    });
    book["playbook_types"] = json!(["mitigation"]);
    book["playbook_activities"] = json!(["restrict-access"]);
    book["playbook_processing_summary"] = json!({
        "external_playbooks": true, "parallel_processing": true, "if_logic": true, "while_logic": true, "switch_logic": true,
        "data_markings": true, "extensions": true
    });
    let workflow = &mut book["workflow"];
    workflow[id("action", 1)]["out_args"] = json!(["__found__"]);
    workflow[id("action", 1)]["targets"] =
        json!([id("net-address", 1), id("net-address", 2), id("sector", 1)]);
    workflow[id("action", 2)]["commands"] = json!([openc2]);
    workflow[id("action", 2)]["targets"] = json!([http]);
    workflow[id("action", 5)]["out_args"] = json!(["__n__"]);
    draft
}

fn parse(draft: &Draft) -> Playbook {
    draft.parse()
}

type Change = fn(&mut Value);

/// A place in the workflow: the step's identifier and a pointer below it.
fn step<'v>(book: &'v mut Value, kind: &str, number: u32) -> &'v mut Value {
    &mut book["workflow"][id(kind, number)]
}

fn guards(book: &mut Value) -> &mut Value {
    &mut book["workflow"][id("action", 2)]["step_extensions"][cacao::SAFEGUARDS]
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

/// What is found, the severities included, by a change.
const CASES: &[(&str, Change)] = &[
    // Shape.
    ("warning unknown-property", |b| b["playbook_extension"] = json!({})),
    ("error missing-property", |b| remove(b, "created")),
    ("error wrong-type", |b| b["name"] = json!(7)),
    ("error bad-timestamp", |b| b["valid_from"] = json!("2026-02-30T00:00:00Z")),
    ("warning timestamp-precision", |b| b["created"] = json!("2026-01-01T00:00:00.000000Z")),
    ("error bad-base64", |b| {
        step(b, "action", 4)["commands"] = json!([{"type": "sigma", "command_b64": "???"}]);
    }),
    ("error bad-value", |b| b["spec_version"] = json!("cacao-1.0")),
    ("note outside-vocabulary", |b| b["playbook_types"] = json!(["mitigation", "poetry"])),
    ("error bad-identifier", |b| b["derived_from"] = json!(["playbook--1"])),
    ("error wrong-reference-type", |b| b["created_by"] = json!(id("group", 3))),
    ("note identifier-case", |b| {
        b["related_to"] = json!(["indicator--ABCDEF00-0000-4000-8000-000000000001"]);
    }),
    ("error out-of-range", |b| b["priority"] = json!(101)),
    ("error empty-list", |b| b["labels"] = json!([])),
    ("error empty-dictionary", |b| b["playbook_extensions"] = json!({})),
    ("error type-mismatch", |b| b["agent_definitions"][id("group", 1)]["type"] = json!("individual")),
    ("warning bad-key", |b| {
        b["agent_definitions"][id("group", 1)]["contact"] = json!({"email": {"on call": "a@example.jp"}});
    }),
    ("error bad-variable-name", |b| {
        b["playbook_variables"]["ip"] = json!({"type": "string", "value": ""});
    }),
    ("warning unknown-type", |b| {
        step(b, "action", 4)["commands"] = json!([{"type": "teleport", "command": "x"}]);
    }),
    ("error bad-address", |b| {
        b["target_definitions"][id("net-address", 1)]["address"] = json!({"ipv4": ["192.0.2.300"]});
    }),
    ("note header-not-a-list", |b| {
        step(b, "action", 2)["commands"][0]["headers"] = json!({"Accept": "application/json"});
    }),
    // The playbook's own properties.
    ("error modified-before-created", |b| b["created"] = json!("2026-06-01T00:00:00.000Z")),
    ("error never-valid", |b| {
        b["valid_from"] = json!("2026-06-01T00:00:00Z");
        b["valid_until"] = json!("2026-06-01T00:00:00.000Z");
    }),
    ("warning derived-from-itself", |b| b["derived_from"] = json!([id("playbook", 1)])),
    ("warning empty-name", |b| b["name"] = json!(" ")),
    ("note no-description", |b| remove(b, "description")),
    ("warning no-activities", |b| remove(b, "playbook_activities")),
    ("warning activity-without-step", |b| {
        b["playbook_activities"] = json!(["restrict-access", "map-network"]);
    }),
    ("warning sector-not-listed", |b| b["industry_sectors"] = json!(["water"])),
    ("note reference-not-listed", |b| {
        step(b, "action", 3)["external_references"] = json!([{"name": "Handbook"}]);
    }),
    ("warning false-summary", |b| b["playbook_processing_summary"]["while_logic"] = json!(false)),
    ("error signature-of-other", |b| b["signatures"] = json!([signature(&id("playbook", 5))])),
    ("error signature-key", |b| {
        let mut one = signature(&id("playbook", 1));
        one["cert_url"] = json!("https://keys.example/");
        b["signatures"] = json!([one]);
    }),
    // Definitions.
    ("error missing-definition", |b| step(b, "action", 3)["agent"] = json!(id("individual", 9))),
    ("error bad-port", |b| b["target_definitions"][id("http-api", 1)]["port"] = json!("70000")),
    ("error half-a-coordinate", |b| {
        remove(&mut b["target_definitions"][id("http-api", 1)]["location"], "longitude");
    }),
    ("error bad-country", |b| {
        b["target_definitions"][id("http-api", 1)]["location"]["country"] = json!("Japan");
    }),
    ("warning plain-secret", |b| {
        b["authentication_info_definitions"][id("http-basic", 1)]["password"] = json!("hunter2");
        remove(&mut b["playbook_variables"], "__password__");
    }),
    ("error kms-without-key", |b| {
        b["authentication_info_definitions"][id("http-basic", 1)]["kms"] = json!(true);
    }),
    ("warning revoked-marking", |b| {
        b["data_marking_definitions"]["marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]["revoked"] =
            json!(true);
    }),
    ("warning several-tlp-levels", |b| {
        let red = "marking-tlp--e828b379-4e03-4974-9ac4-e53a884c97c1";
        b["markings"].as_array_mut().unwrap().push(json!(red));
        let mut marking =
            b["data_marking_definitions"]["marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"].clone();
        marking["id"] = json!(red);
        marking["tlpv2_level"] = json!("TLP:RED");
        b["data_marking_definitions"][red] = marking;
    }),
    ("error id-mismatch", |b| {
        b["data_marking_definitions"]["marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]["id"] =
            json!(id("marking-tlp", 5));
    }),
    ("error tlp-mismatch", |b| {
        b["data_marking_definitions"]["marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]["tlpv2_level"] =
            json!("TLP:CLEAR");
    }),
    ("note unused-definition", |b| {
        b["agent_definitions"][id("individual", 1)] = json!({"type": "individual", "name": "Nobody"});
    }),
    ("error uuid-reused", |b| {
        let other = id("group", 1).replace("group", "individual");
        b["agent_definitions"][&other] = json!({"type": "individual", "name": "Twin"});
        step(b, "action", 3)["agent"] = json!(other);
    }),
    // Steps.
    ("error no-start", |b| {
        b["workflow_start"] = json!(id("action", 1));
        remove(&mut b["workflow"], &id("start", 1));
    }),
    ("error no-action", |b| {
        b["workflow"] = json!({id("start", 1): {"type": "start", "on_completion": id("end", 1)}, id("end", 1): {"type": "end"}});
    }),
    ("error no-end", |b| {
        b["workflow"].as_object_mut().unwrap().retain(|id, _| !id.starts_with("end--"));
    }),
    ("error second-start", |b| {
        b["workflow"][id("start", 2)] = json!({"type": "start", "on_completion": id("action", 1)});
    }),
    ("warning step-not-uuid4", |b| {
        let five = "end--00000001-0000-5000-8000-000000000001";
        b["workflow"][five] = json!({"type": "end"});
        step(b, "action", 3)["on_completion"] = json!(five);
        remove(&mut b["workflow"], &id("end", 3));
    }),
    ("warning very-long", |b| {
        step(b, "action", 3)["timeout"] = json!(99_999_999_999u64);
        b["playbook_processing_summary"]["temporal_logic"] = json!(true);
    }),
    ("warning timeout-zero", |b| {
        step(b, "action", 3)["timeout"] = json!(0);
        b["playbook_processing_summary"]["temporal_logic"] = json!(true);
    }),
    ("note no-name", |b| remove(step(b, "action", 3), "name")),
    ("error target-twice", |b| {
        step(b, "action", 1)["targets"] =
            json!([id("net-address", 1), id("net-address", 1), id("net-address", 2), id("sector", 1)]);
    }),
    ("error no-addressee", |b| {
        step(b, "action", 3)["commands"] = json!([{"type": "ssh", "command": "uptime"}]);
    }),
    ("error single-branch", |b| {
        step(b, "parallel", 1)["next_steps"] = json!([id("action", 2)]);
        remove(&mut b["workflow"], &id("action", 3));
        remove(&mut b["workflow"], &id("end", 3));
    }),
    ("error branch-twice", |b| {
        step(b, "parallel", 1)["next_steps"] = json!([id("action", 2), id("action", 3), id("action", 3)]);
    }),
    ("error bad-condition", |b| step(b, "if-condition", 1)["condition"] = json!("__found__ is true")),
    ("error bad-switch", |b| step(b, "switch-condition", 1)["switch"] = json!("kind")),
    ("note no-default", |b| {
        step(b, "switch-condition", 1)["cases"] = json!({"mail": id("action", 6), "web": id("end", 8)});
    }),
    ("warning calls-itself", |b| step(b, "playbook-action", 1)["playbook_id"] = json!(id("playbook", 1))),
    // Commands.
    ("error no-command", |b| step(b, "action", 3)["commands"] = json!([{"type": "manual"}])),
    ("error two-commands", |b| step(b, "action", 3)["commands"][0]["command_b64"] = json!("eA==")),
    ("error two-contents", |b| {
        let both =
            json!({"type": "http-api", "command": "POST /x HTTP/1.1", "content": "x", "content_b64": "eA=="});
        step(b, "action", 3)["commands"] = json!([both]);
        step(b, "action", 3)["targets"] = json!([id("http-api", 1)]);
    }),
    ("note better-base64", |b| step(b, "action", 3)["commands"][0]["command"] = json!("say \"hello\"")),
    ("error bad-command", |b| {
        step(b, "action", 3)["commands"] = json!([{"type": "yara", "command_b64": "/w=="}]);
    }),
    ("warning bad-start-line", |b| step(b, "action", 2)["commands"][0]["command"] = json!("POST /oc2")),
    ("error openc2-method", |b| step(b, "action", 2)["commands"][0]["command"] = json!("GET /oc2 HTTP/1.1")),
    ("note openc2-late", |b| {
        step(b, "action", 2)["commands"][0]["content_b64"] = json!(STANDARD.encode("{\"x\": __ip__:value}"));
    }),
    ("error bad-openc2", |b| {
        step(b, "action", 2)["commands"][0]["content_b64"] = json!(STANDARD.encode("{\"action\": \"deny\"}"));
    }),
    ("error bad-openc2", |b| {
        let body = "{\"action\": \"deny\", \"target\": {\"ipv4_net\": \"300.0.0.1\"}}";
        step(b, "action", 2)["commands"][0]["content_b64"] = json!(STANDARD.encode(body));
    }),
    // The graph.
    ("error missing-step", |b| step(b, "action", 1)["on_completion"] = json!(id("parallel", 9))),
    ("error start-not-first", |b| step(b, "action", 7)["on_completion"] = json!(id("start", 1))),
    ("error end-continues", |b| step(b, "end", 1)["on_completion"] = json!(id("end", 9))),
    ("error start-with-success", |b| step(b, "start", 1)["on_success"] = json!(id("action", 1))),
    ("error completion-and-success", |b| step(b, "action", 3)["on_failure"] = json!(id("end", 3))),
    ("error no-continuation", |b| {
        remove(step(b, "action", 3), "on_completion");
        step(b, "action", 3)["on_failure"] = json!(id("end", 3));
    }),
    ("error shared-end", |b| {
        step(b, "action", 3)["on_completion"] = json!(id("end", 2));
        remove(&mut b["workflow"], &id("end", 3));
    }),
    ("error shared-step", |b| {
        step(b, "if-condition", 1)["on_false"] = json!(id("action", 4));
        remove(&mut b["workflow"], &id("playbook-action", 1));
        remove(&mut b["workflow"], &id("end", 5));
    }),
    ("error cycle", |b| step(b, "action", 1)["on_completion"] = json!(id("action", 1))),
    ("warning unreachable-step", |b| b["workflow"][id("end", 20)] = json!({"type": "end"})),
    // Variables.
    ("error variable-value", |b| b["playbook_variables"]["__n__"]["value"] = json!("many")),
    ("error constant-without-value", |b| b["playbook_variables"]["__password__"]["external"] = json!(false)),
    ("warning external-in-step", |b| {
        step(b, "action", 3)["step_variables"] = json!({"__s__": {"type": "string", "external": true}});
        step(b, "action", 3)["commands"][0]["command"] = json!("say __s__:value");
    }),
    ("warning variable-shadowed", |b| {
        step(b, "action", 3)["step_variables"] =
            json!({"__ip__": {"type": "ipv4-addr", "value": "192.0.2.1"}});
        step(b, "action", 3)["commands"][0]["command"] = json!("say __ip__:value");
    }),
    ("error undefined-variable", |b| {
        step(b, "action", 3)["commands"][0]["command"] = json!("say __nothing__:value");
    }),
    ("warning variable-without-value", |b| {
        step(b, "action", 3)["commands"][0]["command"] = json!("say __ip__");
    }),
    ("error constant-changed", |b| {
        b["playbook_variables"]["__n__"]["constant"] = json!(true);
    }),
    ("warning condition-type", |b| {
        step(b, "if-condition", 1)["condition"] = json!("__found__:value = 'perhaps'");
    }),
    ("warning case-never", |b| {
        step(b, "switch-condition", 1)["switch"] = json!("__found__:value");
    }),
    ("note unused-variable", |b| {
        b["playbook_variables"]["__idle__"] = json!({"type": "string", "value": "x"});
    }),
    ("warning never-set", |b| {
        b["playbook_variables"]["__unset__"] = json!({"type": "string"});
        step(b, "action", 3)["commands"][0]["command"] = json!("say __unset__:value");
    }),
    ("warning loop-never-changes", |b| {
        remove(step(b, "action", 5), "out_args");
    }),
    ("warning variable-race", |b| {
        step(b, "action", 2)["out_args"] = json!(["__kind__"]);
        step(b, "action", 3)["out_args"] = json!(["__kind__"]);
    }),
    // Our extensions.
    ("error unknown-safeguard", |b| guards(b)["aproval"] = json!({"required": 2})),
    ("error safeguards-without-action", |b| {
        let same = guards(b).clone();
        step(b, "parallel", 1)["step_extensions"] = json!({cacao::SAFEGUARDS: same});
    }),
    ("error no-basis", |b| guards(b)["authority"]["basis"] = json!(" ")),
    ("error inverse-count", |b| guards(b)["inverse"].as_array_mut().unwrap().push(Value::Null)),
    ("error bad-inverse", |b| guards(b)["inverse"] = json!([{"type": "wish", "command": "undo"}])),
    ("error approval-count", |b| guards(b)["approval"]["required"] = json!(3)),
    ("error approval-count", |b| guards(b)["approval"]["required"] = json!(0)),
    ("error wrong-type", |b| guards(b)["approval"] = json!(2)),
    ("error wrong-type", |b| guards(b)["blast_radius"]["traffic_percent_max"] = json!(101)),
    ("error out-of-range", |b| guards(b)["stop_after"] = json!(0)),
    ("error out-of-range", |b| guards(b)["rollout"] = json!({"shadow": 3_600_000})),
    ("error wrong-type", |b| guards(b)["rollout"] = json!({"canary": 1})),
    ("error unknown-safeguard", |b| guards(b)["rollout"] = json!({"mood": "calm"})),
    ("error rollout-without-inverse", |b| {
        guards(b)["rollout"] = json!({"canary": true});
        remove(guards(b), "inverse");
    }),
    ("error out-of-range", |b| guards(b)["blast_radius"]["ipv4_prefix_min"] = json!(33)),
    ("warning translation-of-nothing", |b| {
        b["playbook_extensions"] =
            json!({cacao::TRANSLATIONS: {"type": "translations", "ja": {"/name": "名前", "/nothing": "無"}}});
        b["extension_definitions"][cacao::TRANSLATIONS] =
            b["extension_definitions"][cacao::SAFEGUARDS].clone();
    }),
];

/// Codes that texts rather than values make; `bounds` has them.
const ELSEWHERE: &[&str] = &["branches-too-deep", "too-many-branches", "too-many-findings", "duplicate-name"];

fn signature(playbook: &str) -> Value {
    json!({
        "type": "jss", "id": id("jss", 1), "created": "2026-06-01T00:00:00.000Z", "modified": "2026-06-01T00:00:00.000Z",
        "signee": "Somebody", "related_to": playbook, "related_version": "2026-01-01T00:00:00.000Z", "hash_algorithm": "sha-256",
        "algorithm": "Ed25519", "public_key": "AAAA", "value": "AAAA"
    })
}

#[test]
fn the_whole_playbook_has_no_finding() {
    let playbook = parse(&whole());
    let texts: Vec<String> = playbook.findings().iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "{texts:#?}");
}

#[test]
fn each_change_makes_its_finding() {
    let mut wrong = vec![];
    for (expected, change) in CASES {
        let mut draft = whole();
        change(&mut draft.0);
        let found = codes(&parse(&draft));
        if !found.contains(&(*expected).to_owned()) {
            wrong.push(format!("{expected}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Changes of which exactly one thing is to be said.
#[test]
fn most_changes_make_no_other_finding() {
    let alone = CASES.iter().filter(|(expected, change)| {
        let mut draft = whole();
        change(&mut draft.0);
        codes(&parse(&draft)) == [*expected]
    });
    let alone: BTreeSet<&str> = alone.map(|(expected, _)| *expected).collect();
    let others: Vec<&str> =
        CASES.iter().map(|(expected, _)| *expected).filter(|expected| !alone.contains(expected)).collect();
    // What cannot be wrong alone: a playbook without a start lacks other things as well.
    let excused = [
        "error no-start",
        "error no-action",
        "error no-end",
        "error missing-step",
        "error start-not-first",
        "error start-with-success",
        "error completion-and-success",
        "error end-continues",
        "error cycle",
        "error branches-too-deep",
        "error modified-before-created",
        "error missing-definition",
        "error single-branch",
        "error branch-twice",
        "error bad-condition",
        "error bad-switch",
        "error wrong-reference-type",
        "error type-mismatch",
        "error bad-openc2",
        "error bad-base64",
        "warning unknown-type",
        "warning derived-from-itself",
        "error safeguards-without-action",
        "error no-continuation",
        "error bad-variable-name",
        "warning case-never",
        "error shared-step",
        "error no-command",
        "note openc2-late",
        "error constant-changed",
        "error second-start",
        "error bad-address",
    ];
    let unexpected: Vec<&&str> = others.iter().filter(|expected| !excused.contains(expected)).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

#[test]
fn every_code_has_a_case() {
    let tested: BTreeSet<&str> = CASES
        .iter()
        .filter_map(|(case, _)| case.split(' ').nth(1))
        .chain(ELSEWHERE.iter().copied())
        .collect();
    let kinds = cacao::Detail::ALL.iter().map(|detail| detail.kind());
    let untested: BTreeSet<&str> = kinds.filter(|kind| !tested.contains(kind)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

/// Whoever says a finding in another language has what stands in it: every place of its text, and nothing else.
#[test]
fn every_finding_brings_what_stands_in_its_text() {
    let mut told = 0;
    for (_, change) in CASES {
        let mut draft = whole();
        change(&mut draft.0);
        for finding in parse(&draft).findings() {
            let text = finding.detail.text();
            let places: BTreeSet<&str> =
                text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
            let given: BTreeSet<&str> = finding.arguments.keys().copied().collect();
            assert_eq!(places, given, "{finding}");
            let mut said = text.to_owned();
            for (name, value) in &finding.arguments {
                said = said.replace(&format!("{{{name}}}"), value);
            }
            assert_eq!(said, finding.message);
            assert_eq!((finding.code, finding.remedy), (finding.detail.kind(), finding.detail.remedy()));
            told += 1;
        }
    }
    assert!(told >= CASES.len(), "{told}");
}

#[test]
fn names_that_stand_twice_are_found_and_the_last_one_counts() {
    let text =
        whole().0.to_string().replacen("\"name\":\"Draft\"", "\"name\":\"First\",\"name\":\"Draft\"", 1);
    let playbook = Playbook::parse(text.as_bytes()).unwrap();
    assert_eq!(codes(&playbook), ["error duplicate-name"]);
    assert_eq!(playbook.findings()[0].pointer, "/name");
    assert_eq!(playbook.name, "Draft");
}

#[test]
fn findings_say_where_and_what_to_do() {
    let mut draft = whole();
    step(&mut draft.0, "action", 1)["on_completion"] = json!(id("action", 1));
    let playbook = parse(&draft);
    let finding = playbook.findings().iter().find(|finding| finding.code == "cycle").unwrap();
    assert_eq!(finding.pointer, format!("/workflow/{}", id("action", 1)));
    assert_eq!(
        finding.to_string(),
        format!(
            "error cycle at /workflow/{}: the steps behind it lead back to it; repeat by a while-condition step",
            id("action", 1)
        )
    );
}

#[test]
fn a_while_body_that_returns_to_its_loop_by_itself_is_a_cycle() {
    let mut draft = whole();
    step(&mut draft.0, "action", 5)["on_completion"] = json!(id("while-condition", 1));
    let found = codes(&parse(&draft));
    assert!(found.contains(&"error cycle".to_owned()), "{found:?}");
}
