//! The published schemas and playbooks, held against our findings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cacao::{Playbook, Severity};
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use crate::findings::whole;
use crate::support::{Draft, codes, corpus, id};

const FOLDER: &str = "response/cacao";

fn json_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            out.push(path);
        }
    }
    out.sort();
}

/// The schemas by their path, e.g. `workflows/action`.
fn schemas() -> Option<BTreeMap<String, Value>> {
    let folder = corpus(FOLDER)?.join("schemas");
    let mut paths = vec![];
    json_files(&folder, &mut paths);
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().with_extension("").to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    Some(paths.iter().map(read).collect())
}

fn validator(schemas: &BTreeMap<String, Value>) -> Validator {
    let mut registry = Registry::new();
    for schema in schemas.values() {
        registry = registry.add(schema["$id"].as_str().unwrap(), schema.clone()).unwrap();
    }
    let registry = registry.prepare().unwrap();
    jsonschema::options().with_registry(&registry).build(&schemas["playbook"]).unwrap()
}

/// The public playbooks: file → whether the official schema, as published, takes it; how many errors and warnings we find.
const PLAYBOOKS: &[(&str, bool, usize, usize)] = &[
    ("playbooks-misp/malware_triage.json", true, 2, 23),
    ("playbooks-oasis/locky-bart-mbc-examples.json", true, 2, 12),
    ("playbooks-oasis/playbook--aa1898b6-5251-49b4-aeb7-fd5e912583ff.json", false, 10, 1),
    ("playbooks-oasis/spec-3.1-example.json", true, 0, 2),
    ("playbooks-soarca/changed-playbook.json", false, 5, 3),
    ("playbooks-soarca/fin-playbook.json", false, 4, 1),
    ("playbooks-soarca/http-playbook.json", true, 0, 5),
    ("playbooks-soarca/infinite_playbook.json", true, 5, 20),
    ("playbooks-soarca/invalid_email_playbook.json", true, 4, 17),
    ("playbooks-soarca/invalid_playbook.json", false, 4, 17),
    ("playbooks-soarca/manual-playbook.json", true, 1, 3),
    ("playbooks-soarca/openc2-playbook.json", true, 0, 5),
    ("playbooks-soarca/parallels_playbook.json", true, 5, 9),
    ("playbooks-soarca/playbook.json", true, 4, 17),
    ("playbooks-soarca/powershell-playbook.json", true, 0, 4),
    ("playbooks-soarca/ssh-playbook.json", true, 0, 5),
];

#[test]
fn public_playbooks() {
    let (Some(schemas), Some(folder)) = (schemas(), corpus(FOLDER)) else { return };
    let official = validator(&schemas);
    let mut found = vec![];
    for part in ["playbooks-misp", "playbooks-oasis", "playbooks-soarca"] {
        let mut paths = vec![];
        json_files(&folder.join(part), &mut paths);
        for path in paths {
            let bytes = std::fs::read(&path).unwrap();
            let name = format!("{part}/{}", path.file_name().unwrap().to_string_lossy());
            match Playbook::parse(&bytes) {
                Ok(playbook) => {
                    assert_eq!(playbook.bytes(), bytes, "{name}");
                    let count =
                        |severity| playbook.findings().iter().filter(|f| f.severity == severity).count();
                    let valid = official.is_valid(&Value::Object(playbook.document().clone()));
                    eprintln!("{name}: {valid} {:?}", codes(&playbook));
                    found.push((name, valid, count(Severity::Error), count(Severity::Warning)));
                }
                // An identity stands among them.
                Err(error) => assert_eq!(
                    (name.as_str(), error.code()),
                    ("playbooks-oasis/identity-object.json", "not-a-playbook")
                ),
            }
        }
    }
    let found: Vec<(&str, bool, usize, usize)> =
        found.iter().map(|(name, valid, e, w)| (name.as_str(), *valid, *e, *w)).collect();
    assert_eq!(found, PLAYBOOKS, "{found:#?}");
}

#[test]
fn the_official_schema_takes_what_we_find_nothing_in() {
    let Some(schemas) = schemas() else { return };
    assert_eq!(schemas.len(), 51);
    let official = validator(&schemas);
    let takes = |document: &Value| {
        let errors: Vec<String> = official.iter_errors(document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    };
    takes(&whole().0);
    let iep = id("marking-iep", 1);
    let mut without = everything().0;
    without["data_marking_definitions"].as_object_mut().unwrap().remove(&iep);
    takes(&without);
    // No IEP marking can be right for it: its references must be texts and, by what it inherits, objects.
    for references in
        [json!([]), json!(["https://example.jp/iep"]), json!([{"name": "n", "url": "https://example.jp/"}])]
    {
        let mut with = everything().0;
        with["data_marking_definitions"][&iep]["external_references"] = references;
        assert!(!official.is_valid(&with));
    }
    let mut paths = vec![];
    json_files(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../playbooks"), &mut paths);
    for path in paths.iter().filter(|path| !path.to_string_lossy().contains("extensions")) {
        takes(&serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    }
}

/// A playbook with an object of every class of the schemas.
fn everything() -> Draft {
    let mut draft = whole();
    let address = || json!({"dname": ["a.example"]});
    for kind in ["individual", "organization", "location", "security-category", "linux", "ssh"] {
        let mut agent = json!({"type": kind, "name": "N"});
        match kind {
            "security-category" => agent["category"] = json!(["siem"]),
            "linux" | "ssh" => agent["address"] = address(),
            _ => {}
        }
        draft.0["agent_definitions"][id(kind, 1)] = agent;
    }
    draft.0["agent_definitions"][id("group", 1)]["contact"] = json!({"contact_details": "x"});
    for kind in ["oauth2", "user-auth"] {
        let mut info = json!({"type": kind});
        if kind == "oauth2" {
            info["oauth_header"] = json!("h");
            info["token"] = json!("__password__:value");
        }
        draft.0["authentication_info_definitions"][id(kind, 1)] = info;
    }
    let words = id("marking-statement", 1);
    draft.0["data_marking_definitions"][&words] = json!({
        "type": "marking-statement", "id": words, "created_by": id("identity", 1), "created": "2026-01-01T00:00:00.000Z", "statement": "(c)"
    });
    let iep = id("marking-iep", 1);
    draft.0["data_marking_definitions"][&iep] = json!({
        "type": "marking-iep", "id": iep, "created_by": id("identity", 1), "created": "2026-01-01T00:00:00.000Z", "name": "IEP",
        "description": "d", "tlp": "GREEN", "iep_version": 2, "start_date": "2026-01-01T00:00:00Z", "end_date": null,
        "encrypt_in_transit": "may", "permitted_actions": "none", "affected_party_notifications": "may", "attribution": "may",
        "unmodified_resale": "must not", "external_references": []
    });
    draft.0["external_references"] = json!([{"name": "n", "url": "https://example.jp/"}]);
    draft.0["signatures"] = json!([{
        "type": "jss", "id": id("jss", 1), "created": "2026-06-01T00:00:00.000Z", "modified": "2026-06-01T00:00:00.000Z",
        "signee": "Somebody", "related_to": id("playbook", 1), "related_version": "2026-01-01T00:00:00.000Z", "hash_algorithm": "sha-256",
        "algorithm": "Ed25519", "public_key": "AAAA", "value": "AAAA"
    }]);
    let commands: Vec<Value> = [
        "manual",
        "bash",
        "caldera-cmd",
        "powershell",
        "ssh",
        "elastic",
        "jupyter",
        "kestrel",
        "sigma",
        "yara",
        "http-api",
    ]
    .into_iter()
    .map(|kind| match kind {
        "http-api" => json!({"type": kind, "command": "GET https://a.example/ HTTP/1.1"}),
        "elastic" | "jupyter" | "kestrel" | "sigma" | "yara" => json!({"type": kind, "command_b64": "eA=="}),
        _ => json!({"type": kind, "command": "x"}),
    })
    .collect();
    let step = &mut draft.0["workflow"][id("action", 6)];
    step["commands"] = json!(commands);
    step["targets"] = json!([id("http-api", 1)]);
    draft
}

/// Where an object of the schema stands in [`everything`]; nothing for the two that are texts.
fn place(schema: &str) -> Option<String> {
    let command = |kind: &str| {
        let kinds = [
            "manual",
            "bash",
            "caldera-cmd",
            "powershell",
            "ssh",
            "elastic",
            "jupyter",
            "kestrel",
            "sigma",
            "yara",
            "http-api",
        ];
        match kinds.iter().position(|known| *known == kind) {
            Some(index) => format!("/workflow/{}/commands/{index}", id("action", 6)),
            None => format!("/workflow/{}/commands/0", id("action", 2)),
        }
    };
    let (folder, name) = schema.split_once('/').unwrap_or(("", schema));
    Some(match (folder, name) {
        ("", "playbook") => String::new(),
        ("workflows", "workflow-step") => format!("/workflow/{}", id("action", 1)),
        ("workflows", kind) => format!("/workflow/{}", id(kind, 1)),
        ("commands", "command-data") => command("manual"),
        ("commands", kind) => command(kind),
        ("agent-target", "agent-target") => format!("/agent_definitions/{}", id("group", 1)),
        ("agent-target", kind @ ("http-api" | "net-address" | "sector")) => {
            format!("/target_definitions/{}", id(kind, 1))
        }
        ("agent-target", kind) => format!("/agent_definitions/{}", id(kind, 1)),
        ("authentication-info", "authentication-info") => {
            format!("/authentication_info_definitions/{}", id("http-basic", 1))
        }
        ("authentication-info", kind) => format!("/authentication_info_definitions/{}", id(kind, 1)),
        ("data-markings", "data-marking" | "marking-statement") => {
            format!("/data_marking_definitions/{}", id("marking-statement", 1))
        }
        ("data-markings", "marking-iep") => format!("/data_marking_definitions/{}", id("marking-iep", 1)),
        ("data-markings", _) => {
            "/data_marking_definitions/marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb".to_owned()
        }
        ("extension-definition", _) => format!("/extension_definitions/{}", cacao::SAFEGUARDS),
        ("data-types", "external-reference") => "/external_references/0".to_owned(),
        ("data-types", "variable") => "/playbook_variables/__ip__".to_owned(),
        ("data-types", "playbook-processing-summary") => "/playbook_processing_summary".to_owned(),
        ("data-types", "contact") => format!("/agent_definitions/{}/contact", id("group", 1)),
        ("data-types", "civic-location") => format!("/target_definitions/{}/location", id("http-api", 1)),
        ("data-types", "signature") => "/signatures/0".to_owned(),
        ("data-types", "identifier" | "timestamp") => return None,
        other => panic!("no place for {other:?}"),
    })
}

/// Whether there is a finding of this code about this place, or about a property of it.
fn finds(document: &Value, code: &str, pointer: &str, property: &str) -> bool {
    let playbook = Playbook::parse(document.to_string().as_bytes()).unwrap();
    let below = format!("{pointer}/{property}");
    playbook.findings().iter().any(|finding| {
        finding.code == code
            && (finding.pointer == below
                || (finding.pointer == pointer && finding.message.contains(&format!("`{property}`"))))
    })
}

/// Every property of every schema is known to us, every required one is demanded, and no other is.
#[test]
fn each_of_the_51_schemas_has_the_properties_that_we_have() {
    let Some(schemas) = schemas() else { return };
    let mut checked = 0;
    for (name, schema) in &schemas {
        let Some(pointer) = place(name) else { continue };
        let document = everything().0;
        let parts: Vec<&Value> =
            std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten()).collect();
        let properties: Vec<&String> = parts
            .iter()
            .filter_map(|part| part["properties"].as_object())
            .flat_map(|map| map.keys())
            .collect();
        assert!(
            !properties.is_empty() || matches!(name.as_str(), "workflows/end" | "workflows/start"),
            "{name}"
        );
        let required: Vec<&str> = parts
            .iter()
            .filter_map(|part| part["required"].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for property in &properties {
            let mut with = document.clone();
            let object = with.pointer_mut(&pointer).unwrap_or_else(|| panic!("{name}: nothing at {pointer}"));
            if object.get(property.as_str()).is_none() {
                object[property.as_str()] = Value::Null;
            }
            assert!(
                !finds(&with, "unknown-property", &pointer, property),
                "{name}: `{property}` is not known"
            );
            if *property == "type" {
                continue;
            }
            let mut without = document.clone();
            without.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(property.as_str());
            let demanded = finds(&without, "missing-property", &pointer, property);
            assert_eq!(
                demanded,
                required.contains(&property.as_str()),
                "{name}: whether `{property}` must be there"
            );
            checked += 1;
        }
        let mut with = document.clone();
        with.pointer_mut(&pointer).unwrap()["x_unknown"] = json!(1);
        assert!(finds(&with, "unknown-property", &pointer, "x_unknown"), "{name}: anything is known");
    }
    eprintln!("{checked} properties of {} schemas", schemas.len());
}

/// The two schemas that are texts, on texts.
#[test]
fn identifiers_and_timestamps_are_those_of_the_schemas() {
    let Some(schemas) = schemas() else { return };
    let takes = |schema: &str, text: &str| jsonschema::is_valid(&schemas[schema], &json!(text));
    let ours = |property: &str, text: &str, code: &str| {
        let playbook = whole().set(property, json!(text)).parse();
        !playbook
            .findings()
            .iter()
            .any(|finding| finding.code == code && finding.pointer == format!("/{property}"))
    };
    for text in [
        "identity--00000001-0000-4000-8000-000000000001",
        "identity--00000001-0000-1000-9000-000000000001",
        "identity--x",
        "identity--00000001-0000-6000-8000-000000000001",
        "identity--00000001-0000-4000-7000-000000000001",
        "identity-00000001-0000-4000-8000-000000000001",
        "identity--{00000001-0000-4000-8000-000000000001}",
        "identity--00000001000040008000000000000001",
        "IDENTITY--00000001-0000-4000-8000-000000000001",
        "identity---00000001-0000-4000-8000-000000000001",
        "x--00000001-0000-4000-8000-000000000001",
    ] {
        assert_eq!(
            ours("created_by", text, "bad-identifier"),
            takes("data-types/identifier", text),
            "{text}"
        );
    }
    for (text, differs) in [
        ("2026-01-31T09:00:00Z", false),
        ("2026-01-31T09:00:00.1Z", false),
        ("2026-01-31T09:00:00.123456789Z", false),
        ("2026-01-31T09:00:00.Z", false),
        ("2026-01-31T09:00:00+00:00", false),
        ("2026-01-31 09:00:00Z", false),
        ("2026-13-01T00:00:00Z", false),
        ("2026-01-31T24:00:00Z", false),
        // No month has these days: the expression cannot know.
        ("2026-02-30T09:00:00Z", true),
        ("2026-04-31T09:00:00Z", true),
    ] {
        let equal = ours("valid_from", text, "bad-timestamp") == takes("data-types/timestamp", text);
        assert_eq!(equal, !differs, "{text}");
    }
}

/// Taken literally, the published schema would take nothing: the reason why it is no judge of its own.
#[test]
fn the_official_schema_read_by_its_words_takes_no_playbook() {
    let Some(mut schemas) = schemas() else { return };
    for schema in schemas.values_mut() {
        schema["$schema"] = json!("https://json-schema.org/draft/2019-09/schema");
    }
    assert!(!validator(&schemas).is_valid(&whole().0));
}
