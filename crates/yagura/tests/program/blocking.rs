//! What it takes until something is kept out of an operator's network: a playbook that two organisations have to agree to, an authority that it
//! stands on, and an edge that takes the hub's orders.

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::running::{CONSENT, Hub, admin, get};

/// What the hub's configuration says of the authority that [`playbook`] names.
pub(crate) const AUTHORITY: &str = "[[response.authorities]]\nreference = \"2026-17\"\noperators = [\"harbour\"]\n\
    from = \"2026-01-01T00:00:00Z\"\nuntil = \"2099-01-01T00:00:00Z\"\n";
const SAFEGUARDS: &str = "extension-definition--6cee69f3-60da-437f-91f8-8c918b75decb";

/// Adds two organisations: one whose people ask, and one whose people agree.
pub(crate) fn add_agencies(hub: &Hub) {
    for (id, ja, en) in [("npa", "警察", "Police"), ("mod", "防衛省", "Ministry of Defense")] {
        admin(hub, &["org", "add", id, "--name-ja", ja, "--name-en", en, "--role", "agency"]);
    }
}

/// The sections of an edge that takes a hub's orders without asking; `settings` are more lines of that on orders.
pub(crate) fn taking_orders(hub: &Hub, settings: &str) -> String {
    let key = &get(&format!("{}/api/v1/orders", hub.address), Some(&hub.token)).unwrap()["key"];
    format!(
        "[consent]\n{CONSENT}\n[orders]\nenabled = true\nconsent = \"automatic\"\n{settings}\
         [[orders.hub_key]]\nissuer = {}\nkey = {}\n",
        key["issuer"], key["key"]
    )
}

fn openc2(action: &str, target: &Value) -> Value {
    let body = json!({ "action": action, "target": target }).to_string();
    json!({ "type": "openc2-http", "command": "POST /.well-known/openc2 HTTP/1.1", "content_b64": base64::engine::general_purpose::STANDARD.encode(body),
        "headers": { "Content-Type": ["application/openc2+json;version=1.0"] } })
}

/// One step: keep things out of the network of an edge, for a time.
pub(crate) fn playbook(edge: &str, targets: &[Value], lasts: Duration) -> Value {
    let id = |kind: &str, number: u8| format!("{kind}--{number:08}-0000-4000-8000-000000000000");
    let safeguards = json!({ "type": "safeguards", "approval": { "required": 2, "expires_after": 600_000 },
        "authority": { "basis": "Order under the law on active cyber defence", "reference": "2026-17" },
        "inverse": targets.iter().map(|target| openc2("allow", target)).collect::<Vec<_>>(),
        "blast_radius": { "addresses_max": 1 }, "stop_after": lasts.as_millis() as u64, "idempotent": true });
    json!({
        "type": "playbook", "spec_version": "cacao-2.0", "id": format!("playbook--{}", uuid::Uuid::new_v4()), "name": "Keep it out",
        "created_by": id("identity", 4), "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "workflow_start": id("start", 0),
        "workflow": {
            id("start", 0): { "type": "start", "on_completion": id("action", 1) },
            id("action", 1): { "type": "action", "name": "Block address and name", "agent": id("security-category", 2),
                "targets": [id("http-api", 3)], "commands": targets.iter().map(|target| openc2("deny", target)).collect::<Vec<_>>(),
                "on_completion": id("end", 5), "step_extensions": { SAFEGUARDS: safeguards } },
            id("end", 5): { "type": "end" },
        },
        "agent_definitions": { id("security-category", 2): { "type": "security-category", "name": "Hub", "category": ["orchestrator"] } },
        "target_definitions": { id("http-api", 3): { "type": "http-api", "name": "Edge", "address": { "dname": [edge] } } },
        "extension_definitions": { SAFEGUARDS: { "type": "extension-definition", "name": "Safeguards", "created_by": id("identity", 4),
            "schema": "https://example.com/s.json", "version": "1.0.0" } },
    })
}
