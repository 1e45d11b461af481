//! The STIX extension in which the sources' own words travel.

use serde_json::{Value, json};

/// The extension. Its UUID is version 5 of `urn:yagura:stix:extension:vulnerability-sources` in the URL namespace.
pub const ADVISORY_EXTENSION: &str = "extension-definition--39289b90-6bf7-56d3-bb02-4f1c224a9437";

/// Who defines it: version 5 of `urn:yagura:stix:identity:project` in the URL namespace.
const IDENTITY: &str = "identity--755c8f28-9c74-5e1d-b071-dbd793f62da8";

const DEFINED: &str = "2025-11-01T00:00:00.000Z";

/// The `extension-definition` object of [`ADVISORY_EXTENSION`] (STIX 2.1 §7.3).
#[must_use]
pub fn extension_definition() -> Value {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": ADVISORY_EXTENSION,
        "created_by_ref": IDENTITY,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura: what sources say of a vulnerability",
        "description": "On a vulnerability. From CISA KEV: `date_added`, `due_date`, `ransomware_use` (known or unknown), `required_action`, \
            `vendor`, `product`, `catalogue_version`. From EPSS: `epss_score` and `epss_percentile` (0 to 1), `epss_date`, \
            `epss_model`. From CSAF: `product_status` (lists of product names by status), `cvss`, `cwe`. On a report from CSAF: \
            `csaf_category`, `csaf_status`, `csaf_version`, `csaf_severity`. 脆弱性について各情報源が述べること。",
        "schema": "urn:yagura:stix:extension:vulnerability-sources:1.0.0",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [stix::marking::Tlp::Clear.id()],
    })
}
