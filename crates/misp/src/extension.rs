//! The one STIX extension in which everything travels that MISP says and STIX has no place for.
//!
//! It is a property extension (STIX 2.1 §7.3) on the object that a MISP element became, so it is released with that object and
//! to nobody else. Its properties:
//!
//! | property | what |
//! |---|---|
//! | `kind` | what the object was in MISP: `event`, `attribute`, `object`, `reference`, `sighting`, `event-report`, `cluster`, `link` |
//! | `misp_type`, `category` | of an attribute; of an object, its template's name and meta-category |
//! | `value` | of an attribute whose value stands in another object |
//! | `event_ref` | the event's report, where that may not list this object, because it is marked less strictly |
//! | `parent_ref`, `attribute_uuid` | what a sighting is of |
//! | `inherited` | markings that the event bears and this element does not |
//! | `rest` | the difference between the MISP original and what the properties above say, as JSON text (`patch`) |

use serde_json::{Value, json};
use uuid::Uuid;

/// The extension. Its UUID is version 5 of `urn:yagura:stix:extension:misp` in the URL namespace.
pub const MISP_EXTENSION: &str = "extension-definition--edb661b0-16b8-5436-99d8-12d77d9d6ed3";

/// Who defines it: version 5 of `urn:yagura:stix:identity:project` in the URL namespace.
const IDENTITY: &str = "identity--755c8f28-9c74-5e1d-b071-dbd793f62da8";

/// When version 1.0.0 was defined.
const DEFINED: &str = "2025-11-01T00:00:00.000Z";

const TLP_CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";

/// The namespace of the identifiers that follow from MISP content and for which MISP has no UUID: version 5 of
/// `urn:yagura:misp` in the URL namespace. Never the specification's own (STIX 2.1 §2.9).
pub(crate) const NAMESPACE: Uuid = Uuid::from_u128(0x4db9_a49a_b205_5f30_87a6_3509_6b10_73bc);

/// The `extension-definition` object of [`MISP_EXTENSION`], to be published beside the objects that use it.
#[must_use]
pub fn extension_definition() -> Value {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": MISP_EXTENSION,
        "created_by_ref": IDENTITY,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura: what MISP says and STIX does not",
        "description": "On an object that was made of a MISP event, attribute, object, reference, sighting, report or sharing group: \
            what it was (`kind`, `misp_type`, `category`, `value`) and, in `rest`, every field that has no home in STIX, so that \
            converting back gives the MISP original again. MISP の要素のうち STIX に置き場のないものを失わずに保つ。",
        "schema": "urn:yagura:stix:extension:misp:1.0.0",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [TLP_CLEAR],
    })
}

/// A UUID that follows from content.
pub(crate) fn derived(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_identifiers_are_what_they_are_said_to_be() {
        let url = |name: &str| Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
        assert_eq!(
            MISP_EXTENSION,
            format!("extension-definition--{}", url("urn:yagura:stix:extension:misp"))
        );
        assert_eq!(IDENTITY, format!("identity--{}", url("urn:yagura:stix:identity:project")));
        assert_eq!(NAMESPACE, url("urn:yagura:misp"));
    }
}
