//! Documents of the Elastic Common Schema: what Beats, Elastic Agent and Logstash write, nested or with dots in names.

use std::sync::LazyLock;

use sonic_rs::LazyValue;

use crate::Role;
use crate::fields::{Fields, Table, read_object};
use crate::reading::{Draft, Reading};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

/// Every field that bears an observable value. `message`, bodies, subjects and what `threat` says of other people's indicators
/// are left out on purpose; `related` says again what stands elsewhere.
pub(crate) const DOCUMENT: Table = &[
    ("@timestamp", Reading::Time),
    ("network.protocol", Reading::Kind),
    ("event.dataset", Reading::KindElse),
    ("event.category[]", Reading::KindElse),
    ("network.iana_number", Reading::Protocol),
    ("network.transport", Reading::Protocol),
    ("network.bytes", Reading::TotalBytes),
    ("host.ip[]", Reading::Address(IN)),
    ("host.mac[]", Reading::AnyMac(IN)),
    ("host.hostname", Reading::Host(IN)),
    ("dns.question.name", Reading::Host(IN)),
    ("dns.answers[].name", Reading::Host(IN)),
    ("dns.answers[].data", Reading::Host(IN)),
    ("dns.resolved_ip[]", Reading::Address(IN)),
    ("url.full", Reading::Url),
    ("url.original", Reading::HttpTarget),
    ("url.scheme", Reading::HttpScheme),
    ("url.domain", Reading::HttpHost),
    ("url.port", Reading::HttpPort),
    ("url.path", Reading::HttpTarget),
    ("http.request.method", Reading::HttpMethod),
    ("http.request.referrer", Reading::Url),
    ("user_agent.original", Reading::UserAgent),
    ("tls.client.server_name", Reading::Host(DST)),
    ("tls.client.ja3", Reading::Ja3),
    ("tls.client.ja4", Reading::Ja4),
    ("tls.server.ja3s", Reading::Ja3s),
    ("tls.server.subject", Reading::Subject),
    ("tls.client.subject", Reading::Subject),
    ("file.x509.serial_number", Reading::Serial),
    ("registry.path", Reading::RegistryTarget),
    ("registry.data.strings[]", Reading::RegistryData),
    ("email.from.address[]", Reading::Emails(SRC)),
    ("email.sender.address", Reading::Emails(SRC)),
    ("email.reply_to.address[]", Reading::Emails(SRC)),
    ("email.to.address[]", Reading::Emails(DST)),
    ("email.cc.address[]", Reading::Emails(DST)),
    ("email.bcc.address[]", Reading::Emails(DST)),
    ("user.name", Reading::Account),
    ("user.email", Reading::Emails(IN)),
];

const SOURCE: Table = &[
    ("ip", Reading::Address(SRC)),
    ("address", Reading::Host(SRC)),
    ("nat.ip", Reading::Address(SRC)),
    ("port", Reading::SourcePort),
    ("domain", Reading::Host(SRC)),
    ("mac", Reading::AnyMac(SRC)),
];

const DESTINATION: Table = &[
    ("ip", Reading::Address(DST)),
    ("address", Reading::Host(DST)),
    ("nat.ip", Reading::Address(DST)),
    ("port", Reading::DestinationPort),
    ("domain", Reading::Host(DST)),
    ("mac", Reading::AnyMac(DST)),
];

const FILE: Table = &[
    ("name", Reading::FileName),
    ("path", Reading::FilePath),
    ("hash.md5", Reading::Md5),
    ("hash.sha1", Reading::Sha1),
    ("hash.sha256", Reading::Sha256),
    ("hash.sha512", Reading::Sha512),
];

const PROCESS: Table = &[
    ("name", Reading::FileName),
    ("executable", Reading::FilePath),
    ("command_line", Reading::CommandLine),
    ("hash.md5", Reading::Md5),
    ("hash.sha1", Reading::Sha1),
    ("hash.sha256", Reading::Sha256),
    ("hash.sha512", Reading::Sha512),
];

const CERTIFICATE: Table = &[
    ("hash.md5", Reading::Fingerprint),
    ("hash.sha1", Reading::Fingerprint),
    ("hash.sha256", Reading::Fingerprint),
    ("x509.serial_number", Reading::Serial),
    ("x509.subject.common_name[]", Reading::Host(IN)),
    ("x509.alternative_names[]", Reading::Host(IN)),
];

/// The parts of a document and where they stand.
pub(crate) const TABLES: &[(&str, Table)] = &[
    ("", DOCUMENT),
    // `client` and `server` say again what `source` and `destination` say; their bytes would count twice.
    ("source", SOURCE),
    ("client", SOURCE),
    ("destination", DESTINATION),
    ("server", DESTINATION),
    ("", &[("source.bytes", Reading::SourceBytes), ("destination.bytes", Reading::DestinationBytes)]),
    ("file", FILE),
    ("dll", FILE),
    ("email.attachments[].file", FILE),
    ("process", PROCESS),
    ("process.parent", PROCESS),
    ("tls.server", CERTIFICATE),
    ("tls.client", CERTIFICATE),
    // Windows events that no pipeline has taken apart.
    ("winlog.event_data", crate::windows::DATA),
];

static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::below(TABLES));

pub(crate) fn read<'a>(object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_object(&FIELDS, object, draft);
}
