//! How one field of a record becomes observable values. The tables of the formats name a [`Reading`] for each field they
//! know; what is in no table is nobody's business and is not looked at.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use stix::observable::ValueKind;

use crate::text::{
    address_kind, base_name, common_name, email_addresses, is_host_name, lower_case, part,
    protocol_of_number, registry_path, url_host, without_port,
};
use crate::time;
use crate::{Observation, Observed, Role};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The record's time.
    Time,
    /// A time that stands in where the record has no better one.
    TimeElse,
    /// The record's time as a whole number since 1970: of seconds, milliseconds, microseconds or nanoseconds, by its size.
    TimeCount,
    /// The record's kind.
    Kind,
    /// A kind that stands in where the record has no better one.
    KindElse,
    /// The number of an OCSF class, e.g. 4003 for DNS.
    OcsfClass,
    /// The log to which a Windows event belongs, e.g. `Microsoft-Windows-Sysmon/Operational`.
    Channel,
    /// The number of a Windows event, which says what it is within its log.
    EventNumber,
    /// Transport protocol, by its name or its number.
    Protocol,
    /// Source port.
    SourcePort,
    /// Destination port.
    DestinationPort,
    /// A count of bytes; several are added up.
    Bytes,
    /// The bytes of both directions where each may be counted beside it.
    TotalBytes,
    /// The bytes that the source sent; they count for [`Reading::Bytes`], too.
    SourceBytes,
    /// The bytes that the destination sent, as above.
    DestinationBytes,
    /// An address, or nothing.
    Address(Role),
    /// A host name or an address: what a DNS answer or a server name holds.
    Host(Role),
    /// An address, perhaps followed by a port after `:` or `#`.
    AddressPort(Role),
    /// The method of an HTTP request.
    HttpMethod,
    /// `https` where the request came over TLS; joined as below.
    HttpScheme,
    /// The host that an HTTP client asked for, perhaps with a port; joined with [`Reading::HttpTarget`] to a URL.
    HttpHost,
    /// The port of the HTTP host where it stands alone.
    HttpPort,
    /// The request target: a path, or a whole URL.
    HttpTarget,
    /// An HTTP header as an object of `name` and `value`: those of HTTP/2 that say what HTTP/1 has in the request line.
    HttpHeader,
    /// A URL that stands whole in the field.
    Url,
    /// One or more e-mail addresses, bare, in angle brackets, or after a display name.
    Emails(Role),
    /// Hexadecimal MD5.
    Md5,
    /// Hexadecimal SHA-1.
    Sha1,
    /// Hexadecimal SHA-256.
    Sha256,
    /// Hexadecimal SHA-512.
    Sha512,
    /// A hash of a file by itself; its length tells the algorithm.
    Hash,
    /// Hashes with the names of their algorithms: `SHA1=…,MD5=…` (Sysmon).
    HashList,
    /// A certificate's fingerprint: hexadecimal with or without colons; its length tells the algorithm.
    Fingerprint,
    /// The name of a file, perhaps behind a path.
    FileName,
    /// A file with the folder it lies in; without a folder it is a name.
    FilePath,
    /// A hardware address with colons.
    Mac(Role),
    /// A hardware address with colons or hyphens.
    AnyMac(Role),
    /// A certificate's subject; its common name may be a host name.
    Subject,
    /// A certificate's serial number.
    Serial,
    /// What an HTTP client calls itself.
    UserAgent,
    /// Fingerprints of TLS handshakes.
    Ja3,
    /// As above, of the server.
    Ja3s,
    /// As above, the newer kind.
    Ja4,
    /// The command line of a process.
    CommandLine,
    /// A key of the Windows registry.
    RegistryKey,
    /// A file or a key of the registry, by the name that the Windows kernel gives it.
    KernelObject,
    /// A key of the Windows registry, or one of its values behind the key if the record also has its data (Sysmon).
    RegistryTarget,
    /// The name of a value in the registry.
    RegistryValue,
    /// What a value in the registry was set to.
    RegistryData,
    /// The name of an account.
    Account,
    /// The data of a DNS record, perhaps behind its name, time to live, class and type.
    Rdata,
    /// The name of a log at the end of a path (Google Cloud).
    LogName,
    /// Names and addresses between semicolons, each perhaps behind the type of its record (Sysmon's answers).
    Answers,
    /// One flow in one text, its parts between commas (Azure).
    FlowTuple,
    /// Free text in which addresses, names, URLs and hashes stand.
    Prose,
    /// An object of `algorithm` and `value` (OCSF).
    HashObject,
    /// An object of `name`, `type_id` and `value` (OCSF).
    Observable,
    /// An object of the name of a field and its text (Windows).
    EventData,
}

impl Reading {
    /// The reading that a mapping of columns calls so. What stands for several fields at once is left to the formats.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        use Role::{Content, Destination, Source};
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, reading)| *reading).or(match name {
            "address" => Some(Self::Host(Content)),
            "source" => Some(Self::Host(Source)),
            "destination" => Some(Self::Host(Destination)),
            "email" => Some(Self::Emails(Content)),
            "sender" => Some(Self::Emails(Source)),
            "recipient" => Some(Self::Emails(Destination)),
            "mac" => Some(Self::AnyMac(Content)),
            "source-mac" => Some(Self::AnyMac(Source)),
            "destination-mac" => Some(Self::AnyMac(Destination)),
            _ => None,
        })
    }
}

/// Readings that belong to no end of the traffic, by the names that a mapping gives them.
const NAMED: [(&str, Reading); 29] = [
    ("time", Reading::Time),
    ("epoch", Reading::TimeCount),
    ("kind", Reading::Kind),
    ("protocol", Reading::Protocol),
    ("source-port", Reading::SourcePort),
    ("destination-port", Reading::DestinationPort),
    ("bytes", Reading::Bytes),
    ("source-bytes", Reading::SourceBytes),
    ("destination-bytes", Reading::DestinationBytes),
    ("http-host", Reading::HttpHost),
    ("http-target", Reading::HttpTarget),
    ("http-method", Reading::HttpMethod),
    ("url", Reading::Url),
    ("md5", Reading::Md5),
    ("sha-1", Reading::Sha1),
    ("sha-256", Reading::Sha256),
    ("sha-512", Reading::Sha512),
    ("hash", Reading::Hash),
    ("certificate-hash", Reading::Fingerprint),
    ("file", Reading::FilePath),
    ("user-agent", Reading::UserAgent),
    ("ja3", Reading::Ja3),
    ("ja3s", Reading::Ja3s),
    ("ja4", Reading::Ja4),
    ("command-line", Reading::CommandLine),
    ("registry-key", Reading::RegistryKey),
    ("account", Reading::Account),
    ("certificate-serial", Reading::Serial),
    ("text", Reading::Prose),
];

/// An observation in the making.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    observation: Observation<'a>,
    http_host: Option<(Cow<'a, str>, Cow<'a, str>)>,
    http_port: Option<u16>,
    http_target: Option<(Cow<'a, str>, Cow<'a, str>)>,
    http_over_tls: bool,
    channel: Option<Cow<'a, str>>,
    event_number: Option<Cow<'a, str>>,
    registry_target: Option<(Cow<'a, str>, Cow<'a, str>)>,
    has_registry_data: bool,
    total_bytes: Option<u64>,
    /// Flows that stand in this one record; it has ports only where there is one.
    flows: u32,
}

/// The most values one record may carry; a record beyond is cut there. A grouped DNS answer has hundreds at most.
const VALUES_MAX: usize = 4096;

impl<'a> Draft<'a> {
    pub(crate) fn new() -> Self {
        let observation =
            Observation { kind: Cow::Borrowed(""), values: Vec::with_capacity(8), ..Observation::default() };
        Self { observation, ..Self::default() }
    }

    /// Takes one field's text.
    pub(crate) fn take(&mut self, reading: Reading, field: Cow<'a, str>, text: Cow<'a, str>) {
        match reading {
            Reading::Time => self.observation.time = time::parse(&text).or(self.observation.time),
            Reading::Kind => self.observation.kind = text,
            Reading::Protocol => self.protocol(text),
            Reading::SourcePort => self.observation.src_port = text.parse().ok(),
            Reading::DestinationPort => self.observation.dst_port = text.parse().ok(),
            Reading::Bytes => {
                self.add_bytes(&text);
            }
            Reading::SourceBytes => self.observation.src_bytes = self.add_bytes(&text),
            Reading::DestinationBytes => self.observation.dst_bytes = self.add_bytes(&text),
            Reading::HttpHost => self.http_host = Some((field, text)),
            Reading::HttpPort => self.http_port = text.parse().ok(),
            Reading::HttpTarget => self.http_target = Some((field, text)),
            Reading::HttpMethod => self.observation.http_method = Some(text),
            Reading::HttpScheme => self.http_over_tls = text.eq_ignore_ascii_case("https"),
            Reading::Address(role) => self.address(role, field, text),
            Reading::Host(role) => self.host(role, field, text),
            Reading::Url => self.url(field, text),
            Reading::Emails(role) => self.emails(role, &field, text),
            Reading::Md5 => self.hash(32, ValueKind::Md5, field, text),
            Reading::Sha1 => self.hash(40, ValueKind::Sha1, field, text),
            Reading::Sha256 => self.hash(64, ValueKind::Sha256, field, text),
            Reading::Fingerprint => self.fingerprint(field, &text),
            Reading::FileName => self.text_value(ValueKind::FileName, field, part(text, base_name)),
            Reading::Mac(role) => self.mac(b":", role, field, text),
            Reading::Subject => self.host(Role::Content, field, part(text, common_name)),
            // Objects, see `take_header`, `take_hash`, `take_observable` and `take_event_data`.
            Reading::HttpHeader | Reading::HashObject | Reading::Observable | Reading::EventData => {}
            _ => self.take_rarer(reading, field, text),
        }
    }

    /// The readings that Suricata's and Zeek's tables hardly have.
    fn take_rarer(&mut self, reading: Reading, field: Cow<'a, str>, text: Cow<'a, str>) {
        match reading {
            Reading::TimeElse if self.observation.time.is_none() => {
                self.observation.time = time::parse(&text);
            }
            Reading::TimeCount => self.observation.time = time::parse_count(&text).or(self.observation.time),
            Reading::KindElse if self.observation.kind.is_empty() => self.observation.kind = text,
            Reading::OcsfClass => self.observation.kind = Cow::Borrowed(ocsf_class(&text)),
            Reading::Channel => self.channel = Some(text),
            Reading::EventNumber => self.event_number = Some(text),
            Reading::TotalBytes => self.total_bytes = text.parse().ok().or(self.total_bytes),
            Reading::AddressPort(role) => self.address_port(role, field, text),
            Reading::AnyMac(role) => self.mac(b":-", role, field, text),
            Reading::Sha512 => self.hash(128, ValueKind::Sha512, field, text),
            Reading::Hash => self.any_hash(field, text),
            Reading::HashList => self.hash_list(&field, &text),
            Reading::FilePath => self.file_path(field, text),
            Reading::Serial => self.text_value(ValueKind::CertificateSerial, field, text),
            Reading::UserAgent => self.text_value(ValueKind::UserAgent, field, text),
            Reading::Ja3 => self.text_value(ValueKind::Ja3, field, text),
            Reading::Ja3s => self.text_value(ValueKind::Ja3s, field, text),
            Reading::Ja4 => self.text_value(ValueKind::Ja4, field, text),
            Reading::CommandLine => self.text_value(ValueKind::CommandLine, field, text),
            Reading::RegistryKey => self.registry_key(field, text),
            Reading::KernelObject => self.kernel_object(field, text),
            Reading::RegistryTarget => self.registry_target = Some((field, text)),
            Reading::RegistryValue => self.text_value(ValueKind::RegistryValue, field, text),
            Reading::RegistryData => {
                self.has_registry_data = true;
                self.text_value(ValueKind::RegistryData, field, text);
            }
            Reading::Account => self.text_value(ValueKind::Account, field, text),
            Reading::Rdata => self.rdata(&field, &text),
            Reading::LogName if self.observation.kind.is_empty() => {
                self.observation.kind =
                    part(text, |text| base_name(text).rsplit("%2F").next().unwrap_or(text));
            }
            Reading::Answers => self.answers(&field, &text),
            Reading::FlowTuple => self.flow_tuple(&field, &text),
            Reading::Prose => crate::prose::read(&field, &text, self),
            _ => {}
        }
    }

    /// Takes one header of an HTTP request. What stands in a field of its own goes before what stands in a header.
    pub(crate) fn take_header(&mut self, name: &str, field: Cow<'a, str>, value: Cow<'a, str>) {
        match name {
            ":authority" | "host" | "Host" if self.http_host.is_none() => {
                self.http_host = Some((field, value));
            }
            ":path" if self.http_target.is_none() => self.http_target = Some((field, value)),
            ":method" => self.observation.http_method = Some(value),
            ":scheme" => self.http_over_tls = value == "https",
            "User-Agent" | "user-agent" => self.text_value(ValueKind::UserAgent, field, value),
            _ => {}
        }
    }

    /// Takes an OCSF fingerprint. Its algorithm is told by its length; what is none of ours is passed over.
    pub(crate) fn take_hash(&mut self, field: Cow<'a, str>, value: Cow<'a, str>) {
        self.any_hash(field, value);
    }

    /// Takes one member of OCSF's `observables`, by the number of its type. Those whose value stands in the record too come
    /// twice, which is no harm.
    pub(crate) fn take_observable(&mut self, type_id: &str, field: Cow<'a, str>, value: Cow<'a, str>) {
        let reading = match type_id {
            "1" | "2" => Reading::Host(Role::Content),
            "3" => Reading::Mac(Role::Content),
            "5" => Reading::Emails(Role::Content),
            "6" | "23" => Reading::Url,
            "7" | "9" => Reading::FileName,
            "8" => Reading::Hash,
            "13" => Reading::CommandLine,
            "16" => Reading::UserAgent,
            "28" => Reading::RegistryKey,
            "37" => Reading::Serial,
            "45" => Reading::FilePath,
            _ => return,
        };
        self.take(reading, field, value);
    }

    /// Takes a field of a Windows event that is written as an object of its name and its text.
    pub(crate) fn take_event_data(&mut self, name: &str, path: &str, value: Cow<'a, str>) {
        if let Some(reading) = crate::windows::reading_of(name) {
            self.take(reading, Cow::Owned(format!("{path}.{name}")), value);
        }
    }

    /// The observation; the HTTP parts become a host and a URL.
    pub(crate) fn finish(mut self) -> Observation<'a> {
        self.observation.bytes = self.total_bytes.or(self.observation.bytes);
        if self.channel.is_some() || self.event_number.is_some() {
            self.name_windows_event();
        }
        if let Some((field, target)) = self.registry_target.take() {
            self.finish_registry(field, &target);
        }
        let host = self.http_host.take();
        match self.http_target.take() {
            Some((field, target)) if target.contains("://") => self.url(field, target),
            Some((field, target)) => {
                if let Some(url) = host.as_ref().and_then(|(_, host)| self.joined(host, &target)) {
                    self.push(field, ValueKind::Url, Cow::Owned(url), Role::Content);
                }
            }
            None => {}
        }
        if let Some((field, host)) = host {
            self.host(Role::Destination, field, part(host, without_port));
        }
        self.observation
    }

    /// `http://host[:port]/target`, if the host can be one and the target is a path. Traffic that is read at all was not
    /// encrypted, or was decrypted by who says so.
    fn joined(&self, host: &str, target: &str) -> Option<String> {
        let scheme = if self.http_over_tls { "https" } else { "http" };
        let name = without_port(host);
        if !target.starts_with('/') || !(is_host_name(name) || address_kind(name).is_some()) {
            return None;
        }
        let bare_v6 = name.len() == host.len() && name.parse::<Ipv6Addr>().is_ok();
        let host = if bare_v6 { Cow::Owned(format!("[{host}]")) } else { Cow::Borrowed(host) };
        Some(match self.http_port {
            Some(port) if name.len() == host.len() || bare_v6 => format!("{scheme}://{host}:{port}{target}"),
            _ => format!("{scheme}://{host}{target}"),
        })
    }

    /// `sysmon:3`, `security:4688`: the number means something within its log only.
    fn name_windows_event(&mut self) {
        let channel = self.channel.take().unwrap_or_default().to_ascii_lowercase();
        let log = if channel.contains("sysmon") { "sysmon" } else { channel.as_str() };
        self.observation.kind = Cow::Owned(match self.event_number.take() {
            Some(number) if log.is_empty() => format!("windows:{number}"),
            Some(number) => format!("{log}:{number}"),
            None => log.to_owned(),
        });
    }

    fn finish_registry(&mut self, field: Cow<'a, str>, target: &str) {
        match target.rsplit_once('\\') {
            Some((key, name)) if self.has_registry_data => {
                self.registry_key(field.clone(), Cow::Owned(key.to_owned()));
                self.text_value(ValueKind::RegistryValue, field, Cow::Owned(name.to_owned()));
            }
            _ => self.registry_key(field, Cow::Owned(target.to_owned())),
        }
    }

    /// Whether anything at all was understood.
    pub(crate) fn is_empty(&self) -> bool {
        let seen = &self.observation;
        seen.time.is_none() && seen.values.is_empty() && self.http_host.is_none() && seen.kind.is_empty()
    }

    /// Whether no further value would be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.observation.values.len() >= VALUES_MAX
    }

    /// The record's kind so far.
    pub(crate) fn kind(&self) -> &str {
        &self.observation.kind
    }

    pub(crate) fn set_kind(&mut self, kind: Cow<'a, str>) {
        self.observation.kind = kind;
    }

    /// Names the record by the first of these fields that it has.
    pub(crate) fn name_by_field(&mut self, names: &[(&str, &'static str)]) {
        let has = |field: &str| self.observation.values.iter().any(|value| value.field == field);
        if let Some((_, kind)) = names.iter().find(|(field, _)| has(field)) {
            self.observation.kind = Cow::Borrowed(kind);
        }
    }

    pub(crate) fn set_time(&mut self, time: Option<jiff::Timestamp>) {
        self.observation.time = time.or(self.observation.time);
    }

    pub(crate) fn push(&mut self, field: Cow<'a, str>, kind: ValueKind, value: Cow<'a, str>, role: Role) {
        if !self.is_full() {
            self.observation.values.push(Observed { field, kind, value, role });
        }
    }

    /// The count by itself; it is added to the sum of both directions.
    fn add_bytes(&mut self, text: &str) -> Option<u64> {
        let count = text.parse::<u64>().ok()?;
        self.observation.bytes = Some(self.observation.bytes.unwrap_or(0).saturating_add(count));
        Some(count)
    }

    fn protocol(&mut self, text: Cow<'a, str>) {
        self.observation.protocol = match text.as_bytes().first() {
            Some(b'0'..=b'9') => Some(protocol_of_number(&text).map_or(text, Cow::Borrowed)),
            Some(_) if text != "-" => Some(lower_case(text)),
            _ => None,
        };
    }

    fn address(&mut self, role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        if let Some(kind) = address_kind(&text) {
            self.push(field, kind, text, role);
        }
    }

    fn address_port(&mut self, role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        if address_kind(&text).is_some() {
            return self.address(role, field, text);
        }
        let port = text.rsplit_once([':', '#']).and_then(|(_, port)| port.parse().ok());
        match role {
            Role::Source => self.observation.src_port = port,
            Role::Destination => self.observation.dst_port = port,
            Role::Content => {}
        }
        self.address(role, field, part(text, |text| without_port(text.split('#').next().unwrap_or(text))));
    }

    pub(crate) fn host(&mut self, role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        let kind = match address_kind(&text) {
            Some(kind) => kind,
            None if is_host_name(&text) => ValueKind::Domain,
            None => return,
        };
        self.push(field, kind, text, role);
    }

    /// A URL and, beside it, the host it names.
    fn url(&mut self, field: Cow<'a, str>, text: Cow<'a, str>) {
        if !text.contains("://") {
            return;
        }
        let host = part(text.clone(), url_host);
        self.push(field.clone(), ValueKind::Url, text, Role::Content);
        self.host(Role::Content, field, host);
    }

    fn emails(&mut self, role: Role, field: &str, text: Cow<'a, str>) {
        match text {
            Cow::Borrowed(text) => {
                for address in email_addresses(text) {
                    self.push(Cow::Owned(field.to_owned()), ValueKind::Email, Cow::Borrowed(address), role);
                }
            }
            Cow::Owned(text) => {
                for address in email_addresses(&text) {
                    self.push(
                        Cow::Owned(field.to_owned()),
                        ValueKind::Email,
                        Cow::Owned(address.to_owned()),
                        role,
                    );
                }
            }
        }
    }

    fn hash(&mut self, digits: usize, kind: ValueKind, field: Cow<'a, str>, text: Cow<'a, str>) {
        if text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            self.push(field, kind, text, Role::Content);
        }
    }

    fn any_hash(&mut self, field: Cow<'a, str>, text: Cow<'a, str>) {
        match text.len() {
            32 => self.hash(32, ValueKind::Md5, field, text),
            40 => self.hash(40, ValueKind::Sha1, field, text),
            64 => self.hash(64, ValueKind::Sha256, field, text),
            128 => self.hash(128, ValueKind::Sha512, field, text),
            _ => {}
        }
    }

    fn hash_list(&mut self, field: &str, text: &str) {
        for (algorithm, value) in text.split([',', ';']).filter_map(|pair| pair.split_once('=')) {
            let reading = match algorithm.trim() {
                "MD5" => Reading::Md5,
                "SHA1" => Reading::Sha1,
                "SHA256" => Reading::Sha256,
                "SHA512" => Reading::Sha512,
                // `IMPHASH` is as long as an MD5 and is none.
                _ => continue,
            };
            self.take(reading, Cow::Owned(field.to_owned()), Cow::Owned(value.trim().to_owned()));
        }
    }

    fn fingerprint(&mut self, field: Cow<'a, str>, text: &str) {
        let plain: String = text.chars().filter(|c| *c != ':').collect();
        if plain.len() != 128 {
            self.any_hash(field, Cow::Owned(plain));
        }
    }

    /// A text that is a value as it stands; `-` and nothing stand for no value.
    fn text_value(&mut self, kind: ValueKind, field: Cow<'a, str>, text: Cow<'a, str>) {
        if !matches!(text.trim_ascii(), "" | "-") {
            self.push(field, kind, text, Role::Content);
        }
    }

    fn file_path(&mut self, field: Cow<'a, str>, path: Cow<'a, str>) {
        self.text_value(ValueKind::FileName, field.clone(), part(path.clone(), base_name));
        if path.contains(['/', '\\']) {
            self.text_value(ValueKind::FilePath, field, path);
        }
    }

    fn registry_key(&mut self, field: Cow<'a, str>, text: Cow<'a, str>) {
        let key = match registry_path(&text) {
            Some(key) => Cow::Owned(key),
            None => text,
        };
        if key.contains('\\') {
            self.text_value(ValueKind::RegistryKey, field, key);
        }
    }

    fn kernel_object(&mut self, field: Cow<'a, str>, text: Cow<'a, str>) {
        let hive = |text: &str| text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("HK"));
        match registry_path(&text) {
            Some(_) => self.registry_key(field, text),
            None if hive(&text) => self.registry_key(field, text),
            None if text.contains('\\') => self.file_path(field, text),
            None => {}
        }
    }

    /// `192.0.2.1`, or `a.example. 300 IN A 192.0.2.1`: every name and address in it.
    fn rdata(&mut self, field: &str, text: &str) {
        for value in text.split_ascii_whitespace() {
            self.host(Role::Content, Cow::Owned(field.to_owned()), Cow::Owned(value.to_owned()));
        }
    }

    /// `type:  5 a.example;::ffff:192.0.2.1;`
    fn answers(&mut self, field: &str, text: &str) {
        for answer in text.split(';') {
            let value = answer.rsplit(' ').next().unwrap_or(answer);
            self.host(Role::Content, Cow::Owned(field.to_owned()), Cow::Owned(value.to_owned()));
        }
    }

    /// `time,source,destination,port,port,protocol,…`; the time in seconds or milliseconds.
    fn flow_tuple(&mut self, field: &str, text: &str) {
        let parts: Vec<&str> = text.split(',').collect();
        let [time, source, destination, from, to, protocol, ..] = parts.as_slice() else { return };
        if self.flows == 0 {
            self.set_time(time::parse_count(time));
        }
        for (role, address) in [(Role::Source, source), (Role::Destination, destination)] {
            self.address(role, Cow::Owned(field.to_owned()), Cow::Owned((*address).to_owned()));
        }
        self.flows += 1;
        if self.flows > 1 {
            self.observation.src_port = None;
            self.observation.dst_port = None;
            self.observation.protocol = None;
            return;
        }
        self.observation.src_port = from.parse().ok();
        self.observation.dst_port = to.parse().ok();
        let name = match *protocol {
            "T" => Some("tcp"),
            "U" => Some("udp"),
            number => protocol_of_number(number),
        };
        self.observation.protocol = name.map(Cow::Borrowed);
    }

    fn mac(&mut self, separators: &[u8], role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        let separator = text.as_bytes().get(2).filter(|byte| separators.contains(byte));
        let plain = text.len() == 17
            && text.bytes().enumerate().all(|(at, b)| match at % 3 {
                2 => Some(&b) == separator,
                _ => b.is_ascii_hexdigit(),
            });
        if plain {
            self.push(field, ValueKind::Mac, text, role);
        }
    }
}

/// What the records of an OCSF class are about, in the words of the other formats where they have one.
fn ocsf_class(number: &str) -> &'static str {
    match number {
        "1001" => "file",
        "1007" => "process",
        "201001" | "201002" => "registry",
        "3002" => "authentication",
        "4001" => "flow",
        "4002" => "http",
        "4003" => "dns",
        "4004" => "dhcp",
        "4005" => "rdp",
        "4006" => "smb",
        "4007" => "ssh",
        "4008" => "ftp",
        "4009" => "email",
        "4014" => "tunnel",
        "6003" => "api",
        _ => "ocsf",
    }
}
