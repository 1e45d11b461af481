//! The domain and relationship objects of STIX 2.1 §4 and §5.

use super::model::{
    Class, FLOAT, Kind, Property, Record, Rule, TEXTS, Target, TypeDefinition, optional, required,
};
use super::parts::KILL_CHAIN_PHASES;
use super::rules;
use super::vocabularies as v;

const fn domain(
    name: &'static str,
    section: &'static str,
    properties: &'static [Property],
    rules: &'static [Rule],
) -> TypeDefinition {
    TypeDefinition {
        name,
        class: Class::Domain,
        record: Record { section, properties, rules },
        extensions: &[],
    }
}

const SEEN: Rule = Rule::NotBefore("first_seen", "last_seen");

const SOFTWARE: Kind = Kind::Reference(Target::Only(&["software"]));
const ANYTHING: Kind = Kind::List(&Kind::Reference(Target::Anything));

pub(super) const DOMAIN: &[TypeDefinition] = &[
    domain(
        "attack-pattern",
        "4.1",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("aliases", TEXTS),
            optional("kill_chain_phases", KILL_CHAIN_PHASES),
        ],
        &[],
    ),
    domain(
        "campaign",
        "4.2",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("aliases", TEXTS),
            optional("first_seen", Kind::Timestamp),
            optional("last_seen", Kind::Timestamp),
            optional("objective", Kind::Text),
        ],
        &[SEEN],
    ),
    domain(
        "course-of-action",
        "4.3",
        &[required("name", Kind::Text), optional("description", Kind::Text)],
        &[],
    ),
    domain(
        "grouping",
        "4.4",
        &[
            optional("name", Kind::Text),
            optional("description", Kind::Text),
            required("context", Kind::Open(&v::GROUPING_CONTEXT)),
            required("object_refs", ANYTHING),
        ],
        // The text of errata 01 marks the name as required; the OASIS schema and interoperability examples leave it out.
        &[Rule::Better("name")],
    ),
    domain(
        "identity",
        "4.5",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("roles", TEXTS),
            optional("identity_class", Kind::Open(&v::IDENTITY_CLASS)),
            optional("sectors", Kind::List(&Kind::Open(&v::INDUSTRY_SECTOR))),
            optional("contact_information", Kind::Text),
        ],
        &[],
    ),
    domain("incident", "4.6", &[required("name", Kind::Text), optional("description", Kind::Text)], &[]),
    domain(
        "indicator",
        "4.7",
        &[
            optional("name", Kind::Text),
            optional("description", Kind::Text),
            optional("indicator_types", Kind::List(&Kind::Open(&v::INDICATOR_TYPE))),
            required("pattern", Kind::Text),
            required("pattern_type", Kind::Open(&v::PATTERN_TYPE)),
            optional("pattern_version", Kind::Text),
            required("valid_from", Kind::Timestamp),
            optional("valid_until", Kind::Timestamp),
            optional("kill_chain_phases", KILL_CHAIN_PHASES),
        ],
        &[Rule::After("valid_from", "valid_until"), Rule::Check(rules::indicator_pattern)],
    ),
    domain(
        "infrastructure",
        "4.8",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("infrastructure_types", Kind::List(&Kind::Open(&v::INFRASTRUCTURE_TYPE))),
            optional("aliases", TEXTS),
            optional("kill_chain_phases", KILL_CHAIN_PHASES),
            optional("first_seen", Kind::Timestamp),
            optional("last_seen", Kind::Timestamp),
        ],
        &[SEEN],
    ),
    domain(
        "intrusion-set",
        "4.9",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("aliases", TEXTS),
            optional("first_seen", Kind::Timestamp),
            optional("last_seen", Kind::Timestamp),
            optional("goals", TEXTS),
            optional("resource_level", Kind::Open(&v::ATTACK_RESOURCE_LEVEL)),
            optional("primary_motivation", Kind::Open(&v::ATTACK_MOTIVATION)),
            optional("secondary_motivations", Kind::List(&Kind::Open(&v::ATTACK_MOTIVATION))),
        ],
        &[SEEN],
    ),
    domain(
        "location",
        "4.10",
        &[
            optional("name", Kind::Text),
            optional("description", Kind::Text),
            optional("latitude", Kind::Float(-90.0, 90.0)),
            optional("longitude", Kind::Float(-180.0, 180.0)),
            optional("precision", FLOAT),
            optional("region", Kind::Open(&v::REGION)),
            optional("country", Kind::Text),
            optional("administrative_area", Kind::Text),
            optional("city", Kind::Text),
            optional("street_address", Kind::Text),
            optional("postal_code", Kind::Text),
        ],
        &[
            Rule::OneOf(&["region", "country", "latitude"]),
            Rule::Needs("latitude", "longitude"),
            Rule::Needs("longitude", "latitude"),
            Rule::Needs("precision", "latitude"),
            Rule::Check(rules::location_country),
        ],
    ),
    domain(
        "malware",
        "4.11",
        &[
            optional("name", Kind::Text),
            optional("description", Kind::Text),
            optional("malware_types", Kind::List(&Kind::Open(&v::MALWARE_TYPE))),
            required("is_family", Kind::Boolean),
            optional("aliases", TEXTS),
            optional("kill_chain_phases", KILL_CHAIN_PHASES),
            optional("first_seen", Kind::Timestamp),
            optional("last_seen", Kind::Timestamp),
            optional("operating_system_refs", Kind::List(&SOFTWARE)),
            optional("architecture_execution_envs", Kind::List(&Kind::Open(&v::PROCESSOR_ARCHITECTURE))),
            optional("implementation_languages", Kind::List(&Kind::Open(&v::IMPLEMENTATION_LANGUAGE))),
            optional("capabilities", Kind::List(&Kind::Open(&v::MALWARE_CAPABILITIES))),
            optional("sample_refs", Kind::List(&Kind::Reference(Target::Only(&["file", "artifact"])))),
        ],
        &[SEEN, Rule::Check(rules::malware_family_name)],
    ),
    domain(
        "malware-analysis",
        "4.12",
        &[
            required("product", Kind::Text),
            optional("version", Kind::Text),
            optional("host_vm_ref", SOFTWARE),
            optional("operating_system_ref", SOFTWARE),
            optional("installed_software_refs", Kind::List(&SOFTWARE)),
            optional("configuration_version", Kind::Text),
            optional("modules", TEXTS),
            optional("analysis_engine_version", Kind::Text),
            optional("analysis_definition_version", Kind::Text),
            optional("submitted", Kind::Timestamp),
            optional("analysis_started", Kind::Timestamp),
            optional("analysis_ended", Kind::Timestamp),
            optional("result_name", Kind::Text),
            optional("result", Kind::Open(&v::MALWARE_RESULT)),
            optional("analysis_sco_refs", Kind::List(&Kind::Reference(Target::Observable))),
            optional("sample_ref", Kind::Reference(Target::Observable)),
        ],
        &[
            Rule::OneOf(&["result", "analysis_sco_refs"]),
            Rule::BetterNotBefore("analysis_started", "analysis_ended"),
        ],
    ),
    domain(
        "note",
        "4.13",
        &[
            optional("abstract", Kind::Text),
            required("content", Kind::Text),
            optional("authors", TEXTS),
            required("object_refs", ANYTHING),
        ],
        &[],
    ),
    domain(
        "observed-data",
        "4.14",
        &[
            required("first_observed", Kind::Timestamp),
            required("last_observed", Kind::Timestamp),
            required("number_observed", Kind::Integer(1, 999_999_999)),
            optional("objects", Kind::Dictionary(&Kind::Apart)),
            optional("object_refs", Kind::List(&Kind::Reference(Target::ObservableOrRelationship))),
        ],
        &[
            Rule::NotBefore("first_observed", "last_observed"),
            Rule::OneOf(&["objects", "object_refs"]),
            Rule::NotBoth("objects", "object_refs"),
            Rule::Check(rules::observed_data),
        ],
    ),
    domain(
        "opinion",
        "4.15",
        &[
            optional("explanation", Kind::Text),
            optional("authors", TEXTS),
            required("opinion", Kind::Closed(&v::OPINION)),
            required("object_refs", ANYTHING),
        ],
        &[],
    ),
    domain(
        "report",
        "4.16",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("report_types", Kind::List(&Kind::Open(&v::REPORT_TYPE))),
            required("published", Kind::Timestamp),
            required("object_refs", ANYTHING),
        ],
        &[],
    ),
    domain(
        "threat-actor",
        "4.17",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("threat_actor_types", Kind::List(&Kind::Open(&v::THREAT_ACTOR_TYPE))),
            optional("aliases", TEXTS),
            optional("first_seen", Kind::Timestamp),
            optional("last_seen", Kind::Timestamp),
            optional("roles", Kind::List(&Kind::Open(&v::THREAT_ACTOR_ROLE))),
            optional("goals", TEXTS),
            optional("sophistication", Kind::Open(&v::THREAT_ACTOR_SOPHISTICATION)),
            optional("resource_level", Kind::Open(&v::ATTACK_RESOURCE_LEVEL)),
            optional("primary_motivation", Kind::Open(&v::ATTACK_MOTIVATION)),
            optional("secondary_motivations", Kind::List(&Kind::Open(&v::ATTACK_MOTIVATION))),
            optional("personal_motivations", Kind::List(&Kind::Open(&v::ATTACK_MOTIVATION))),
        ],
        &[SEEN],
    ),
    domain(
        "tool",
        "4.18",
        &[
            required("name", Kind::Text),
            optional("description", Kind::Text),
            optional("tool_types", Kind::List(&Kind::Open(&v::TOOL_TYPE))),
            optional("aliases", TEXTS),
            optional("kill_chain_phases", KILL_CHAIN_PHASES),
            optional("tool_version", Kind::Text),
        ],
        &[],
    ),
    domain(
        "vulnerability",
        "4.19",
        &[required("name", Kind::Text), optional("description", Kind::Text)],
        &[],
    ),
    TypeDefinition {
        name: "relationship",
        class: Class::Relationship,
        record: Record {
            section: "5.1",
            properties: &[
                required("relationship_type", Kind::Form(&rules::TERM)),
                optional("description", Kind::Text),
                required("source_ref", Kind::Reference(Target::DomainOrObservable)),
                required("target_ref", Kind::Reference(Target::DomainOrObservable)),
                optional("start_time", Kind::Timestamp),
                optional("stop_time", Kind::Timestamp),
            ],
            rules: &[Rule::After("start_time", "stop_time")],
        },
        extensions: &[],
    },
    TypeDefinition {
        name: "sighting",
        class: Class::Relationship,
        record: Record {
            section: "5.2",
            properties: &[
                optional("description", Kind::Text),
                optional("first_seen", Kind::Timestamp),
                optional("last_seen", Kind::Timestamp),
                optional("count", Kind::Integer(0, 999_999_999)),
                required("sighting_of_ref", Kind::Reference(Target::Domain)),
                optional(
                    "observed_data_refs",
                    Kind::List(&Kind::Reference(Target::Only(&["observed-data"]))),
                ),
                optional(
                    "where_sighted_refs",
                    Kind::List(&Kind::Reference(Target::Only(&["identity", "location"]))),
                ),
                optional("summary", Kind::Boolean),
            ],
            rules: &[SEEN],
        },
        extensions: &[],
    },
];

/// STIX 2.1 §7; their common properties differ from those of domain objects.
pub(super) const META: &[TypeDefinition] = &[
    TypeDefinition {
        name: "language-content",
        class: Class::Meta,
        record: Record {
            section: "7.1",
            properties: &[
                required("modified", Kind::Timestamp),
                required("object_ref", Kind::Reference(Target::Anything)),
                optional("object_modified", Kind::Timestamp),
                required("contents", Kind::Dictionary(&Kind::Dictionary(&Kind::Any))),
            ],
            rules: &[Rule::Check(rules::language_contents)],
        },
        extensions: &[],
    },
    TypeDefinition {
        name: "marking-definition",
        class: Class::Meta,
        record: Record {
            section: "7.2",
            properties: &[
                optional("name", Kind::Text),
                optional("definition_type", Kind::Text),
                optional("definition", Kind::Any),
            ],
            rules: &[
                Rule::OneOf(&["extensions", "definition_type"]),
                Rule::OneOf(&["extensions", "definition"]),
                Rule::Needs("definition_type", "definition"),
                Rule::Needs("definition", "definition_type"),
                Rule::Check(rules::marking_definition),
            ],
        },
        extensions: &[],
    },
    TypeDefinition {
        name: "extension-definition",
        class: Class::Meta,
        record: Record {
            section: "7.3",
            properties: &[
                required("created_by_ref", Kind::Reference(Target::Preferably("identity"))),
                required("modified", Kind::Timestamp),
                required("name", Kind::Text),
                optional("description", Kind::Text),
                required("schema", Kind::Text),
                required("version", Kind::Text),
                required("extension_types", Kind::List(&Kind::Closed(&v::EXTENSION_TYPE))),
                optional("extension_properties", Kind::List(&Kind::Form(&rules::PROPERTY_NAME))),
            ],
            rules: &[Rule::Check(rules::extension_properties)],
        },
        extensions: &[],
    },
    TypeDefinition {
        name: "bundle",
        class: Class::Meta,
        record: Record { section: "8", properties: &[optional("objects", Kind::Any)], rules: &[] },
        extensions: &[],
    },
];
