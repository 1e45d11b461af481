//! Parts of objects: the records of STIX 2.1 §2, §3.2, §6 and §7.2.3 that stand inside others.

use super::model::{Kind, Property, Record, Rule, Target, optional, required};
use super::rules;
use super::vocabularies as v;

pub(super) const KILL_CHAIN_PHASES: Kind = Kind::List(&Kind::Record(&KILL_CHAIN_PHASE));

const KILL_CHAIN_PHASE: Record = Record {
    section: "2.11",
    properties: &[required("kill_chain_name", Kind::Text), required("phase_name", Kind::Text)],
    rules: &[],
};

const EXTERNAL_REFERENCE: Record = Record {
    section: "2.5",
    properties: &[
        required("source_name", Kind::Text),
        optional("description", Kind::Text),
        optional("url", Kind::Form(&rules::REFERENCE_URL)),
        optional("hashes", Kind::Hashes),
        optional("external_id", Kind::Text),
    ],
    rules: &[Rule::OneOf(&["description", "url", "external_id"]), Rule::Check(rules::known_external_id)],
};

const GRANULAR_MARKING: Record = Record {
    section: "7.2.3",
    properties: &[
        optional("lang", Kind::Form(&rules::LANGUAGE)),
        optional("marking_ref", Kind::Reference(Target::Only(&["marking-definition"]))),
        required("selectors", Kind::List(&Kind::Text)),
    ],
    rules: &[Rule::OneOf(&["lang", "marking_ref"]), Rule::NotBoth("lang", "marking_ref")],
};

/// The common properties of STIX 2.1 §3.2, all optional here: who must have which is the engine's knowledge.
pub(super) const COMMON: Record = Record {
    section: "3.2",
    properties: &[
        optional("type", Kind::Apart),
        optional("spec_version", Kind::Apart),
        optional("id", Kind::Apart),
        optional("created_by_ref", Kind::Reference(Target::Preferably("identity"))),
        optional("created", Kind::Timestamp),
        optional("modified", Kind::Timestamp),
        optional("revoked", Kind::Boolean),
        optional("labels", Kind::List(&Kind::Text)),
        optional("confidence", Kind::Integer(0, 100)),
        optional("lang", Kind::Form(&rules::LANGUAGE)),
        optional("external_references", Kind::List(&Kind::Record(&EXTERNAL_REFERENCE))),
        optional("object_marking_refs", Kind::List(&Kind::Reference(Target::Only(&["marking-definition"])))),
        optional("granular_markings", Kind::List(&Kind::Record(&GRANULAR_MARKING))),
        optional("defanged", Kind::Boolean),
        optional("extensions", Kind::Apart),
    ],
    rules: &[
        Rule::NotBefore("created", "modified"),
        Rule::Check(rules::precise_enough),
        Rule::Check(rules::selectors_resolve),
        Rule::Check(rules::no_reserved_names),
        Rule::Check(rules::encodings_have_texts),
        Rule::Check(rules::no_circular_marking),
    ],
};

pub(super) const MIME_PART: Record = Record {
    section: "6.6.2",
    properties: &[
        optional("body", Kind::Text),
        optional("body_raw_ref", Kind::Reference(Target::Only(&["artifact", "file"]))),
        optional("content_type", Kind::Text),
        optional("content_disposition", Kind::Text),
    ],
    rules: &[Rule::OneOf(&["body", "body_raw_ref"])],
};

pub(super) const REGISTRY_VALUE: Record = Record {
    section: "6.17.2",
    properties: &[
        optional("name", Kind::Text),
        optional("data", Kind::Text),
        optional("data_type", Kind::Closed(&v::WINDOWS_REGISTRY_DATATYPE)),
    ],
    rules: &[Rule::NotEmpty],
};

const fn text(name: &'static str) -> Property {
    optional(name, Kind::Text)
}

pub(super) const X509_V3: Record = Record {
    section: "6.18.2",
    properties: &[
        text("basic_constraints"),
        text("name_constraints"),
        text("policy_constraints"),
        text("key_usage"),
        text("extended_key_usage"),
        text("subject_key_identifier"),
        text("authority_key_identifier"),
        text("subject_alternative_name"),
        text("issuer_alternative_name"),
        text("subject_directory_attributes"),
        text("crl_distribution_points"),
        text("inhibit_any_policy"),
        optional("private_key_usage_period_not_before", Kind::Timestamp),
        optional("private_key_usage_period_not_after", Kind::Timestamp),
        text("certificate_policies"),
        text("policy_mappings"),
    ],
    rules: &[Rule::NotEmpty],
};
