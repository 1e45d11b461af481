//! The STIX extensions that a case is written in.

use serde_json::{Value, json};

/// The OASIS incident core extension, version 2.0.
pub const INCIDENT_CORE_EXTENSION: &str = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";

/// Our own extension: a case's working state on an `incident`, and `severity` on an `indicator`. Its UUID is version 5 of
/// `urn:yagura:stix:extension:case-and-severity` in the URL namespace.
pub const CASE_EXTENSION: &str = "extension-definition--9c539667-3c16-59c4-aa6c-aa3c7d9343bb";

/// Who defines it: version 5 of `urn:yagura:stix:identity:project` in the URL namespace.
const IDENTITY: &str = "identity--755c8f28-9c74-5e1d-b071-dbd793f62da8";

/// When version 1.0.0 was defined.
const DEFINED: &str = "2025-11-01T00:00:00.000Z";

/// The marking that everything here bears: a definition is for everybody.
const TLP_CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";

/// The `extension-definition` object of [`CASE_EXTENSION`] (STIX 2.1 §7.3), to be published beside the objects that use it.
#[must_use]
pub fn extension_definition() -> Value {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": CASE_EXTENSION,
        "created_by_ref": IDENTITY,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura case and severity",
        "description": "On an incident: the working state of a case (`realm`, `number`, `severity` 0 to 5, `assignee`, `members`, \
            `object_refs`, `opened`, `changed`, `last_seen`, `revision`, `timeline`), beside the incident core extension. On an \
            indicator: `severity`, an integer from 0 (nothing of concern) to 5 (critical). \
            インシデントでは事案の作業状態、指標では重大度（0〜5）を表す。",
        "schema": "urn:yagura:stix:extension:case-and-severity:1.0.0",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [TLP_CLEAR],
    })
}

/// The `identity` object that the definition refers to.
#[must_use]
pub fn extension_identity() -> Value {
    json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": IDENTITY,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "The Yagura project",
        "identity_class": "organization",
        "object_marking_refs": [TLP_CLEAR],
    })
}
