//! CACAO 2.0's property tables: what each object may and must have.

use super::{Class, Kind, Prop};
use crate::vocabulary as ov;
use Kind::{
    Address, Any, Base64, Bool, Closed, Const, Dict, Id, Lines, List, Milliseconds, Object, Open, Text, Time,
    TimeOrNull, Typed, Value, Whole,
};

const fn must(name: &'static str, kind: Kind) -> Prop {
    Prop { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Prop {
    Prop { name, kind, required: false }
}

const ANY_ID: Kind = Id(&[]);
const IDENTITY: Kind = Id(&["identity"]);
const MILLIS_MAX: i64 = 1 << 53;
const TEXTS: Kind = List(&Text, 1);
const EXTENSIONS: Kind = Dict(super::Keys::Ids(&["extension-definition"]), &Any, 1);
const REFERENCES: Kind = List(&Object(&EXTERNAL_REFERENCE), 1);
const VARIABLES: Kind = Dict(super::Keys::Variables, &Object(&VARIABLE), 0);
/// A reference to a workflow step (§4).
const STEP: Kind = Id(ov::STEP_TYPES);
const STEPS: Kind = List(&STEP, 1);
const AUTHENTICATION: Kind = ANY_ID;

/// §3.1
pub(super) static PLAYBOOK: Class = Class {
    name: "playbook",
    parent: None,
    props: &[
        must("type", Const("playbook")),
        must("spec_version", Const("cacao-2.0")),
        must("id", Id(&["playbook"])),
        must("name", Text),
        may("description", Text),
        may("playbook_types", List(&Open(ov::PLAYBOOK_TYPES), 0)),
        may("playbook_activities", List(&Open(ov::ACTIVITIES), 1)),
        may("playbook_processing_summary", Object(&SUMMARY)),
        must("created_by", IDENTITY),
        must("created", Milliseconds),
        must("modified", Milliseconds),
        may("revoked", Bool),
        may("valid_from", Time),
        may("valid_until", Time),
        may("derived_from", List(&Id(&["playbook"]), 1)),
        may("related_to", List(&ANY_ID, 1)),
        may("priority", Whole(0, 100)),
        may("severity", Whole(0, 100)),
        may("impact", Whole(0, 100)),
        may("industry_sectors", List(&Open(ov::SECTORS), 1)),
        may("labels", TEXTS),
        may("external_references", REFERENCES),
        may("markings", List(&Id(MARKING_TYPES), 1)),
        may("playbook_variables", VARIABLES),
        must("workflow_start", Id(&["start"])),
        may("workflow_exception", STEP),
        must("workflow", Dict(super::Keys::Ids(ov::STEP_TYPES), &Typed(&STEP_TYPES, None), 1)),
        may("playbook_extensions", EXTENSIONS),
        may(
            "authentication_info_definitions",
            Dict(super::Keys::AnyId, &Typed(&AUTHENTICATION_TYPES, Some(&AUTH)), 1),
        ),
        may("agent_definitions", Dict(super::Keys::AnyId, &Typed(&AGENT_TYPES, Some(&AGENT)), 1)),
        may("target_definitions", Dict(super::Keys::AnyId, &Typed(&AGENT_TYPES, Some(&AGENT)), 1)),
        may(
            "extension_definitions",
            Dict(super::Keys::Ids(&["extension-definition"]), &Object(&EXTENSION_DEFINITION), 0),
        ),
        may(
            "data_marking_definitions",
            Dict(super::Keys::Ids(MARKING_TYPES), &Typed(&MARKING_CLASSES, None), 0),
        ),
        may("signatures", List(&Object(&SIGNATURE), 1)),
    ],
};

const MARKING_TYPES: &[&str] = &["marking-tlp", "marking-iep", "marking-statement"];

/// §10.14
static SUMMARY: Class = Class {
    name: "playbook-processing-summary",
    parent: None,
    props: &[
        may("manual_playbook", Bool),
        may("external_playbooks", Bool),
        may("parallel_processing", Bool),
        may("if_logic", Bool),
        may("while_logic", Bool),
        may("switch_logic", Bool),
        may("temporal_logic", Bool),
        may("data_markings", Bool),
        may("digital_signatures", Bool),
        may("countersigned_signatures", Bool),
        may("extensions", Bool),
    ],
};

/// §10.9
static EXTERNAL_REFERENCE: Class = Class {
    name: "external-reference",
    parent: None,
    props: &[
        must("name", Text),
        may("description", Text),
        may("source", Text),
        may("url", Text),
        may("external_id", Text),
        may("reference_id", Text),
    ],
};

/// §10.18
static VARIABLE: Class = Class {
    name: "variable",
    parent: None,
    props: &[
        must("type", Open(ov::VARIABLE_TYPES)),
        may("description", Text),
        may("value", Value),
        may("constant", Bool),
        may("external", Bool),
    ],
};

/// §4.1
static STEP_COMMON: Class = Class {
    name: "workflow step",
    parent: None,
    props: &[
        must("type", Closed(ov::STEP_TYPES)),
        may("name", Text),
        may("description", Text),
        may("external_references", REFERENCES),
        may("delay", Whole(0, MILLIS_MAX)),
        may("timeout", Whole(0, MILLIS_MAX)),
        may("step_variables", VARIABLES),
        may("owner", IDENTITY),
        may("on_completion", STEP),
        may("on_success", STEP),
        may("on_failure", STEP),
        may("step_extensions", EXTENSIONS),
    ],
};

macro_rules! class {
    ($name:literal, $parent:expr, [$($prop:expr),* $(,)?]) => {
        Class { name: $name, parent: $parent, props: &[$($prop),*] }
    };
}

/// §4.3 to §4.10
static STEP_TYPES: [(&str, Class); 8] = [
    ("start", class!("start", Some(&STEP_COMMON), [])),
    ("end", class!("end", Some(&STEP_COMMON), [])),
    (
        "action",
        class!(
            "action",
            Some(&STEP_COMMON),
            [
                must("commands", List(&Typed(&COMMAND_TYPES, Some(&COMMAND)), 1)),
                must("agent", ANY_ID),
                may("targets", List(&ANY_ID, 1)),
                may("in_args", TEXTS),
                may("out_args", TEXTS),
            ]
        ),
    ),
    (
        "playbook-action",
        class!(
            "playbook-action",
            Some(&STEP_COMMON),
            [
                must("playbook_id", Id(&["playbook"])),
                may("playbook_version", Time),
                may("in_args", TEXTS),
                may("out_args", TEXTS),
            ]
        ),
    ),
    ("parallel", class!("parallel", Some(&STEP_COMMON), [must("next_steps", STEPS)])),
    (
        "if-condition",
        class!(
            "if-condition",
            Some(&STEP_COMMON),
            [must("condition", Text), must("on_true", STEP), may("on_false", STEP),]
        ),
    ),
    (
        "while-condition",
        class!("while-condition", Some(&STEP_COMMON), [must("condition", Text), must("on_true", STEP)]),
    ),
    (
        "switch-condition",
        class!(
            "switch-condition",
            Some(&STEP_COMMON),
            [must("switch", Text), must("cases", Dict(super::Keys::Cases, &STEP, 1)),]
        ),
    ),
];

/// §5.1
static COMMAND: Class = class!(
    "command-data",
    None,
    [
        must("type", Text),
        may("description", Text),
        may("version", Text),
        may("playbook_activity", Open(ov::ACTIVITIES)),
        may("external_references", List(&Object(&EXTERNAL_REFERENCE), 0)),
    ]
);

macro_rules! text_or_base64 {
    ($name:literal) => {
        ($name, class!($name, Some(&COMMAND), [may("command", Text), may("command_b64", Base64)]))
    };
}

macro_rules! only_base64 {
    ($name:literal) => {
        ($name, class!($name, Some(&COMMAND), [must("command_b64", Base64)]))
    };
}

const HEADERS: Kind = Dict(super::Keys::Any, &Lines, 0);

/// §5.3 to §5.14
static COMMAND_TYPES: [(&str, Class); 12] = [
    text_or_base64!("manual"),
    text_or_base64!("bash"),
    text_or_base64!("caldera-cmd"),
    text_or_base64!("powershell"),
    text_or_base64!("ssh"),
    only_base64!("elastic"),
    only_base64!("jupyter"),
    only_base64!("kestrel"),
    only_base64!("sigma"),
    only_base64!("yara"),
    (
        "http-api",
        class!(
            "http-api",
            Some(&COMMAND),
            [
                must("command", Text),
                may("headers", HEADERS),
                may("content", Text),
                may("content_b64", Base64),
            ]
        ),
    ),
    (
        "openc2-http",
        class!(
            "openc2-http",
            Some(&COMMAND),
            [must("command", Text), may("headers", HEADERS), must("content_b64", Base64),]
        ),
    ),
];

/// §6.1
static AUTH: Class = class!(
    "authentication-info",
    None,
    [
        must("type", Text),
        may("name", Text),
        may("description", Text),
        may("authentication_info_extensions", EXTENSIONS),
    ]
);

/// §6.3 to §6.5
static AUTHENTICATION_TYPES: [(&str, Class); 3] = [
    (
        "http-basic",
        class!(
            "http-basic",
            Some(&AUTH),
            [may("user_id", Text), may("password", Text), may("kms", Bool), may("kms_key_identifier", Text),]
        ),
    ),
    (
        "oauth2",
        class!(
            "oauth2",
            Some(&AUTH),
            [
                must("oauth_header", Text),
                must("token", Text),
                may("kms", Bool),
                may("kms_key_identifier", Text),
            ]
        ),
    ),
    (
        "user-auth",
        class!(
            "user-auth",
            Some(&AUTH),
            [may("username", Text), may("password", Text), may("kms", Bool), may("kms_key_identifier", Text),]
        ),
    ),
];

/// §7.1
static AGENT: Class = class!(
    "agent-target",
    None,
    [
        must("type", Text),
        must("name", Text),
        may("description", Text),
        may("location", Object(&CIVIC_LOCATION)),
        may("agent_target_extensions", EXTENSIONS),
    ]
);

const CATEGORY: Kind = List(&Open(ov::SECURITY_CATEGORIES), 1);
const CONTACT_DETAILS: Prop = may("contact", Object(&CONTACT));

/// What http-api, linux and ssh have; net-address has the same without a port.
macro_rules! addressed {
    ($name:literal) => {
        (
            $name,
            class!(
                $name,
                Some(&AGENT),
                [
                    must("address", Address),
                    may("port", Text),
                    may("authentication_info", AUTHENTICATION),
                    may("category", CATEGORY),
                ]
            ),
        )
    };
}

/// §7.3 to §7.12
static AGENT_TYPES: [(&str, Class); 10] = [
    ("group", class!("group", Some(&AGENT), [CONTACT_DETAILS])),
    ("individual", class!("individual", Some(&AGENT), [CONTACT_DETAILS])),
    ("organization", class!("organization", Some(&AGENT), [CONTACT_DETAILS])),
    ("location", class!("location", Some(&AGENT), [may("logical", TEXTS)])),
    ("sector", class!("sector", Some(&AGENT), [must("sector", Open(ov::SECTORS))])),
    ("security-category", class!("security-category", Some(&AGENT), [must("category", CATEGORY)])),
    addressed!("http-api"),
    addressed!("linux"),
    addressed!("ssh"),
    (
        "net-address",
        class!(
            "net-address",
            Some(&AGENT),
            [must("address", Address), may("authentication_info", AUTHENTICATION), may("category", CATEGORY),]
        ),
    ),
];

/// §10.5
static CONTACT: Class = class!(
    "contact",
    None,
    [
        may("email", Dict(super::Keys::Cases, &Text, 0)),
        may("phone", Dict(super::Keys::Cases, &Text, 0)),
        may("contact_details", Text),
    ]
);

/// §10.4
static CIVIC_LOCATION: Class = class!(
    "civic-location",
    None,
    [
        may("name", Text),
        may("description", Text),
        may("building_details", Text),
        may("network_details", Text),
        may("region", Closed(ov::REGIONS)),
        may("country", Text),
        may("administrative_area", Text),
        may("city", Text),
        may("street_address", Text),
        may("postal_code", Text),
        may("latitude", Text),
        may("longitude", Text),
        may("precision", Text),
    ]
);

/// §8.1
static EXTENSION_DEFINITION: Class = class!(
    "extension-definition",
    None,
    [
        must("type", Const("extension-definition")),
        must("name", Text),
        may("description", Text),
        must("created_by", IDENTITY),
        must("schema", Text),
        must("version", Text),
        may("external_references", List(&Object(&EXTERNAL_REFERENCE), 0)),
    ]
);

/// §9.1
static MARKING: Class = class!(
    "data-marking",
    None,
    [
        must("type", Closed(MARKING_TYPES)),
        must("id", Id(MARKING_TYPES)),
        may("name", Text),
        may("description", Text),
        must("created_by", IDENTITY),
        must("created", Milliseconds),
        may("revoked", Bool),
        may("valid_from", Time),
        may("valid_until", Time),
        may("labels", TEXTS),
        may("external_references", REFERENCES),
        may("marking_extensions", EXTENSIONS),
    ]
);

/// §9.3 to §9.5
static MARKING_CLASSES: [(&str, Class); 3] = [
    ("marking-statement", class!("marking-statement", Some(&MARKING), [must("statement", Text)])),
    ("marking-tlp", class!("marking-tlp", Some(&MARKING), [must("tlpv2_level", Closed(ov::TLP_LEVELS))])),
    (
        "marking-iep",
        class!(
            "marking-iep",
            Some(&MARKING),
            [
                must("name", Text),
                must("description", Text),
                must("tlp", Text),
                must("iep_version", Whole(0, 100)),
                must("start_date", Time),
                must("end_date", TimeOrNull),
                must("encrypt_in_transit", Text),
                must("permitted_actions", Text),
                must("affected_party_notifications", Text),
                must("attribution", Text),
                must("unmodified_resale", Text),
                // The IEP specification has a list of addresses here, unlike every other object of CACAO.
                must("external_references", List(&Text, 0)),
            ]
        ),
    ),
];

/// §10.15
static SIGNATURE: Class = class!(
    "signature",
    None,
    [
        must("type", Const("jss")),
        must("id", Id(&["jss"])),
        may("created_by", IDENTITY),
        must("created", Milliseconds),
        must("modified", Milliseconds),
        may("revoked", Bool),
        must("signee", Text),
        may("valid_from", Time),
        may("valid_until", Time),
        must("related_to", Id(&["playbook"])),
        must("related_version", Time),
        must("hash_algorithm", Open(ov::HASH_ALGORITHMS)),
        must("algorithm", Open(ov::SIGNATURE_ALGORITHMS)),
        may("public_key", Text),
        may("public_cert_chain", TEXTS),
        may("cert_url", Text),
        may("thumbprint", Text),
        must("value", Text),
        may("signature", Object(&SIGNATURE)),
    ]
);
