//! Events of the Open Cybersecurity Schema Framework (schema.ocsf.io): one object a line, `class_uid` names its class.

use std::sync::LazyLock;

use sonic_rs::LazyValue;

use crate::Role;
use crate::fields::{Fields, Table, read_object};
use crate::reading::{Draft, Reading};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

/// Every field that bears an observable value, whatever the class: a name means the same in all of them. Messages, raw data,
/// script contents, subjects and bodies are left out on purpose.
const EVENT: Table = &[
    ("time", Reading::TimeCount),
    ("time_dt", Reading::TimeElse),
    ("class_uid", Reading::OcsfClass),
    ("connection_info.protocol_num", Reading::Protocol),
    ("connection_info.protocol_name", Reading::Protocol),
    ("traffic.bytes", Reading::TotalBytes),
    ("traffic.bytes_out", Reading::SourceBytes),
    ("traffic.bytes_in", Reading::DestinationBytes),
    ("query.hostname", Reading::Host(IN)),
    ("answers[].rdata", Reading::Rdata),
    ("http_request.http_method", Reading::HttpMethod),
    ("http_request.user_agent", Reading::UserAgent),
    ("http_request.referrer", Reading::Url),
    ("http_request.http_headers[]", Reading::HttpHeader),
    ("http_request.x_forwarded_for[]", Reading::Address(SRC)),
    ("http_request.url.url_string", Reading::Url),
    ("http_request.url.scheme", Reading::HttpScheme),
    ("http_request.url.hostname", Reading::HttpHost),
    ("http_request.url.port", Reading::HttpPort),
    ("http_request.url.path", Reading::HttpTarget),
    ("tls.sni", Reading::Host(DST)),
    ("tls.ja3_hash.value", Reading::Ja3),
    ("tls.ja3s_hash.value", Reading::Ja3s),
    ("tls.certificate.subject", Reading::Subject),
    ("tls.certificate.serial_number", Reading::Serial),
    ("tls.certificate.fingerprints[]", Reading::HashObject),
    ("tls.certificate.sans[].name", Reading::Host(IN)),
    ("ja4_fingerprint_list[].value", Reading::Ja4),
    ("email.from", Reading::Emails(SRC)),
    ("email.smtp_from", Reading::Emails(SRC)),
    ("email.reply_to", Reading::Emails(SRC)),
    ("email.to[]", Reading::Emails(DST)),
    ("email.smtp_to[]", Reading::Emails(DST)),
    ("email.cc[]", Reading::Emails(DST)),
    ("email.urls[].url_string", Reading::Url),
    ("url.url_string", Reading::Url),
    ("user.name", Reading::Account),
    ("user.email_addr", Reading::Emails(IN)),
    ("actor.user.name", Reading::Account),
    ("actor.user.email_addr", Reading::Emails(IN)),
    ("malware[].path", Reading::FilePath),
    ("reg_key.path", Reading::RegistryKey),
    ("reg_value.path", Reading::RegistryKey),
    ("reg_value.name", Reading::RegistryValue),
    ("reg_value.data", Reading::RegistryData),
    ("observables[]", Reading::Observable),
];

const SOURCE: Table = &[
    ("ip", Reading::Address(SRC)),
    ("port", Reading::SourcePort),
    ("hostname", Reading::Host(SRC)),
    ("domain", Reading::Host(SRC)),
    ("mac", Reading::Mac(SRC)),
];

const DESTINATION: Table = &[
    ("ip", Reading::Address(DST)),
    ("port", Reading::DestinationPort),
    ("hostname", Reading::Host(DST)),
    ("domain", Reading::Host(DST)),
    ("mac", Reading::Mac(DST)),
];

/// A machine that is no end of traffic: what the event happened on.
const DEVICE: Table =
    &[("ip", Reading::Address(IN)), ("hostname", Reading::Host(IN)), ("mac", Reading::Mac(IN))];

const FILE: Table = &[
    ("name", Reading::FileName),
    ("path", Reading::FilePath),
    ("hashes[]", Reading::HashObject),
    // Before version 1.0.
    ("fingerprints[]", Reading::HashObject),
];

const PROCESS: Table = &[
    ("name", Reading::FileName),
    ("path", Reading::FilePath),
    ("cmd_line", Reading::CommandLine),
    ("file.name", Reading::FileName),
    ("file.path", Reading::FilePath),
    ("file.hashes[]", Reading::HashObject),
    ("file.fingerprints[]", Reading::HashObject),
];

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::below(&[
        ("", EVENT),
        ("src_endpoint", SOURCE),
        ("dst_endpoint", DESTINATION),
        ("device", DEVICE),
        ("file", FILE),
        ("module.file", FILE),
        ("process", PROCESS),
        ("process.parent_process", PROCESS),
        ("actor.process", PROCESS),
        ("actor.process.parent_process", PROCESS),
        ("email.files[]", FILE),
        // Findings: what they stand on.
        ("evidences[].src_endpoint", SOURCE),
        ("evidences[].dst_endpoint", DESTINATION),
        ("evidences[].file", FILE),
        ("evidences[].process", PROCESS),
        ("evidences[]", &[("query.hostname", Reading::Host(IN)), ("url.url_string", Reading::Url)]),
    ])
});

pub(crate) fn read<'a>(object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_object(&FIELDS, object, draft);
}
