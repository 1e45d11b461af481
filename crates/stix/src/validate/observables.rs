//! The cyber-observable objects of STIX 2.1 §6 with their predefined extensions.

use super::extensions as x;
use super::model::{
    COUNT, Class, INTEGER, Kind, Property, Record, Rule, TEXTS, Target, TypeDefinition, optional, required,
};
use super::parts::{MIME_PART, REGISTRY_VALUE, X509_V3};
use super::rules;
use super::vocabularies as v;

type Extensions = &'static [(&'static str, &'static Record)];

const fn observable(
    name: &'static str,
    section: &'static str,
    properties: &'static [Property],
    rules: &'static [Rule],
    extensions: Extensions,
) -> TypeDefinition {
    TypeDefinition {
        name,
        class: Class::Observable,
        record: Record { section, properties, rules },
        extensions,
    }
}

const ARTIFACT: Kind = Kind::Reference(Target::Only(&["artifact"]));
const EMAIL_ADDRESS: Kind = Kind::Reference(Target::Only(&["email-addr"]));
const ENDPOINT: Kind = Kind::Reference(Target::Only(&["ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"]));
const NETWORK_TRAFFIC: Kind = Kind::Reference(Target::Only(&["network-traffic"]));
const PROCESS: Kind = Kind::Reference(Target::Only(&["process"]));
const USER_ACCOUNT: Kind = Kind::Reference(Target::Only(&["user-account"]));
const MAC_ADDRESSES: Kind = Kind::List(&Kind::Reference(Target::Only(&["mac-addr"])));
const AUTONOMOUS_SYSTEMS: Kind = Kind::List(&Kind::Reference(Target::Only(&["autonomous-system"])));
const PORT: Kind = Kind::Integer(0, 65535);

pub(super) const OBSERVABLES: &[TypeDefinition] = &[
    observable(
        "artifact",
        "6.1",
        &[
            optional("mime_type", Kind::Form(&rules::MIME_TYPE)),
            optional("payload_bin", Kind::Binary),
            optional("url", Kind::Form(&rules::URL)),
            optional("hashes", Kind::Hashes),
            optional("encryption_algorithm", Kind::Closed(&v::ENCRYPTION_ALGORITHM)),
            optional("decryption_key", Kind::Text),
        ],
        &[
            Rule::OneOf(&["payload_bin", "url"]),
            Rule::NotBoth("payload_bin", "url"),
            Rule::Needs("url", "hashes"),
            Rule::Needs("decryption_key", "encryption_algorithm"),
        ],
        &[],
    ),
    observable(
        "autonomous-system",
        "6.2",
        &[required("number", COUNT), optional("name", Kind::Text), optional("rir", Kind::Text)],
        &[],
        &[],
    ),
    observable(
        "directory",
        "6.3",
        &[
            required("path", Kind::Text),
            optional("path_enc", Kind::Text),
            optional("ctime", Kind::Timestamp),
            optional("mtime", Kind::Timestamp),
            optional("atime", Kind::Timestamp),
            optional("contains_refs", Kind::List(&Kind::Reference(Target::Only(&["file", "directory"])))),
        ],
        &[],
        &[],
    ),
    observable(
        "domain-name",
        "6.4",
        &[
            required("value", Kind::Form(&rules::DOMAIN_NAME)),
            optional(
                "resolves_to_refs",
                Kind::List(&Kind::Reference(Target::Only(&["ipv4-addr", "ipv6-addr", "domain-name"]))),
            ),
        ],
        &[],
        &[],
    ),
    observable(
        "email-addr",
        "6.5",
        &[
            required("value", Kind::Form(&rules::EMAIL_ADDRESS)),
            optional("display_name", Kind::Text),
            optional("belongs_to_ref", USER_ACCOUNT),
        ],
        &[],
        &[],
    ),
    observable(
        "email-message",
        "6.6",
        &[
            required("is_multipart", Kind::Boolean),
            optional("date", Kind::Timestamp),
            optional("content_type", Kind::Text),
            optional("from_ref", EMAIL_ADDRESS),
            optional("sender_ref", EMAIL_ADDRESS),
            optional("to_refs", Kind::List(&EMAIL_ADDRESS)),
            optional("cc_refs", Kind::List(&EMAIL_ADDRESS)),
            optional("bcc_refs", Kind::List(&EMAIL_ADDRESS)),
            optional("message_id", Kind::Text),
            optional("subject", Kind::Text),
            optional("received_lines", TEXTS),
            optional("additional_header_fields", Kind::Dictionary(&TEXTS)),
            optional("body", Kind::Text),
            optional("body_multipart", Kind::List(&Kind::Record(&MIME_PART))),
            optional("raw_email_ref", ARTIFACT),
        ],
        &[
            Rule::AbsentIf("is_multipart", true, "body"),
            Rule::AbsentIf("is_multipart", false, "body_multipart"),
            Rule::Check(rules::decoded_headers),
        ],
        &[],
    ),
    observable(
        "file",
        "6.7",
        &[
            optional("hashes", Kind::Hashes),
            optional("size", COUNT),
            optional("name", Kind::Text),
            optional("name_enc", Kind::Text),
            optional("magic_number_hex", Kind::Hex),
            optional("mime_type", Kind::Form(&rules::MIME_TYPE)),
            optional("ctime", Kind::Timestamp),
            optional("mtime", Kind::Timestamp),
            optional("atime", Kind::Timestamp),
            optional("parent_directory_ref", Kind::Reference(Target::Only(&["directory"]))),
            optional("contains_refs", Kind::List(&Kind::Reference(Target::Observable))),
            optional("content_ref", ARTIFACT),
        ],
        &[Rule::OneOf(&["hashes", "name"])],
        &[
            ("archive-ext", &x::ARCHIVE),
            ("ntfs-ext", &x::NTFS),
            ("pdf-ext", &x::PDF),
            ("raster-image-ext", &x::RASTER_IMAGE),
            ("windows-pebinary-ext", &x::WINDOWS_PE_BINARY),
        ],
    ),
    observable(
        "ipv4-addr",
        "6.8",
        &[
            required("value", Kind::Form(&rules::IPV4)),
            optional("resolves_to_refs", MAC_ADDRESSES),
            optional("belongs_to_refs", AUTONOMOUS_SYSTEMS),
        ],
        &[],
        &[],
    ),
    observable(
        "ipv6-addr",
        "6.9",
        &[
            required("value", Kind::Form(&rules::IPV6)),
            optional("resolves_to_refs", MAC_ADDRESSES),
            optional("belongs_to_refs", AUTONOMOUS_SYSTEMS),
        ],
        &[],
        &[],
    ),
    observable("mac-addr", "6.10", &[required("value", Kind::Form(&rules::MAC_ADDRESS))], &[], &[]),
    observable("mutex", "6.11", &[required("name", Kind::Text)], &[], &[]),
    observable(
        "network-traffic",
        "6.12",
        &[
            optional("start", Kind::Timestamp),
            optional("end", Kind::Timestamp),
            optional("is_active", Kind::Boolean),
            optional("src_ref", ENDPOINT),
            optional("dst_ref", ENDPOINT),
            optional("src_port", PORT),
            optional("dst_port", PORT),
            required("protocols", TEXTS),
            optional("src_byte_count", COUNT),
            optional("dst_byte_count", COUNT),
            optional("src_packets", COUNT),
            optional("dst_packets", COUNT),
            optional("ipfix", Kind::Dictionary(&Kind::Any)),
            optional("src_payload_ref", ARTIFACT),
            optional("dst_payload_ref", ARTIFACT),
            optional("encapsulates_refs", Kind::List(&NETWORK_TRAFFIC)),
            optional("encapsulated_by_ref", NETWORK_TRAFFIC),
        ],
        &[
            Rule::OneOf(&["src_ref", "dst_ref"]),
            Rule::NotBefore("start", "end"),
            Rule::AbsentIf("is_active", true, "end"),
            Rule::Check(rules::ipfix),
        ],
        &[
            ("http-request-ext", &x::HTTP_REQUEST),
            ("icmp-ext", &x::ICMP),
            ("socket-ext", &x::SOCKET),
            ("tcp-ext", &x::TCP),
        ],
    ),
    observable(
        "process",
        "6.13",
        &[
            optional("is_hidden", Kind::Boolean),
            optional("pid", INTEGER),
            optional("created_time", Kind::Timestamp),
            optional("cwd", Kind::Text),
            optional("command_line", Kind::Text),
            optional("environment_variables", Kind::Dictionary(&Kind::Text)),
            optional("opened_connection_refs", Kind::List(&NETWORK_TRAFFIC)),
            optional("creator_user_ref", USER_ACCOUNT),
            optional("image_ref", Kind::Reference(Target::Only(&["file"]))),
            optional("parent_ref", PROCESS),
            optional("child_refs", Kind::List(&PROCESS)),
        ],
        &[Rule::NotEmpty],
        &[("windows-process-ext", &x::WINDOWS_PROCESS), ("windows-service-ext", &x::WINDOWS_SERVICE)],
    ),
    observable(
        "software",
        "6.14",
        &[
            required("name", Kind::Text),
            optional("cpe", Kind::Form(&rules::CPE)),
            optional("swid", Kind::Text),
            optional("languages", Kind::List(&Kind::Form(&rules::LANGUAGE))),
            optional("vendor", Kind::Text),
            optional("version", Kind::Text),
        ],
        &[],
        &[],
    ),
    observable("url", "6.15", &[required("value", Kind::Form(&rules::URL))], &[], &[]),
    observable(
        "user-account",
        "6.16",
        &[
            optional("user_id", Kind::Text),
            optional("credential", Kind::Text),
            optional("account_login", Kind::Text),
            optional("account_type", Kind::Open(&v::ACCOUNT_TYPE)),
            optional("display_name", Kind::Text),
            optional("is_service_account", Kind::Boolean),
            optional("is_privileged", Kind::Boolean),
            optional("can_escalate_privs", Kind::Boolean),
            optional("is_disabled", Kind::Boolean),
            optional("account_created", Kind::Timestamp),
            optional("account_expires", Kind::Timestamp),
            optional("credential_last_changed", Kind::Timestamp),
            optional("account_first_login", Kind::Timestamp),
            optional("account_last_login", Kind::Timestamp),
        ],
        &[Rule::NotEmpty],
        &[("unix-account-ext", &x::UNIX_ACCOUNT)],
    ),
    observable(
        "windows-registry-key",
        "6.17",
        &[
            optional("key", Kind::Form(&rules::REGISTRY_KEY)),
            optional("values", Kind::List(&Kind::Record(&REGISTRY_VALUE))),
            optional("modified_time", Kind::Timestamp),
            optional("creator_user_ref", USER_ACCOUNT),
            optional("number_of_subkeys", COUNT),
        ],
        &[Rule::NotEmpty],
        &[],
    ),
    observable(
        "x509-certificate",
        "6.18",
        &[
            optional("is_self_signed", Kind::Boolean),
            optional("hashes", Kind::Hashes),
            optional("version", Kind::Text),
            optional("serial_number", Kind::Text),
            optional("signature_algorithm", Kind::Text),
            optional("issuer", Kind::Text),
            optional("validity_not_before", Kind::Timestamp),
            optional("validity_not_after", Kind::Timestamp),
            optional("subject", Kind::Text),
            optional("subject_public_key_algorithm", Kind::Text),
            optional("subject_public_key_modulus", Kind::Text),
            optional("subject_public_key_exponent", INTEGER),
            optional("x509_v3_extensions", Kind::Record(&X509_V3)),
        ],
        &[Rule::NotEmpty],
        &[],
    ),
];
