//! An observation as a graph of STIX 2.1 observables (§6), for whoever evaluates patterns on it. It is made for the few lines that
//! an indicator may be about, so it is written to be read.

mod place;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use stix::observable::{ValueKind, canonical};

use self::place::Place;
use crate::text::base_name;
use crate::{Observation, Observed, Role};

/// The types of object that a record can hold.
pub const OBJECT_TYPES: [&str; 14] = [
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "network-traffic",
    "process",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];

/// The most traffics and messages of one record: one with hundreds of ends is a mistake or an attack.
const TIES_MAX: usize = 64;

/// The most recipients of a message.
const RECIPIENTS_MAX: usize = 256;

/// The record as STIX observables: a key that is unique in this graph, and the object under it as JSON with its `type`. Properties
/// that refer to other objects (`src_ref`, `resolves_to_refs`) hold their keys.
///
/// Beside the objects for the values themselves there are what ties them together: the `network-traffic` between both ends with
/// ports, protocols, byte counts and the HTTP request, and once more for each other name of an end (a host's name, a hardware
/// address); an `email-message` from each sender to the recipients; a `file` with its
/// name, its folder and its hashes; a `process` with its command line, its image and its parent; a `windows-registry-key` with the
/// value that was set; an `x509-certificate` with its hashes and serial number; a looked-up `domain-name` with what it resolves to.
///
/// Two things stand there that STIX 2.1 has no property for: `x_ja3`, `x_ja3s` and `x_ja4` of `network-traffic`, and identifiers,
/// which objects in a graph of one record do not need.
#[must_use]
pub fn objects(observation: &Observation<'_>) -> Map<String, Value> {
    let mut graph = Graph::default();
    let keys: Vec<Option<String>> =
        observation.values.iter().map(|value| single(value).map(|object| graph.add(object))).collect();
    let record = Record { observation, keys };
    record.resolve(&mut graph);
    record.group(&mut graph);
    record.registry(&mut graph);
    record.mail(&mut graph);
    record.traffic(&mut graph);
    graph.objects
}

#[derive(Default)]
struct Graph {
    objects: Map<String, Value>,
    /// Objects that are one value are there once.
    singles: HashMap<String, String>,
}

impl Graph {
    /// Adds an object that is one value.
    fn add(&mut self, object: Value) -> String {
        let text = object.to_string();
        if let Some(key) = self.singles.get(&text) {
            return key.clone();
        }
        let key = self.put(object);
        self.singles.insert(text, key.clone());
        key
    }

    fn put(&mut self, object: Value) -> String {
        let key = self.objects.len().to_string();
        self.objects.insert(key.clone(), object);
        key
    }

    fn set(&mut self, key: &str, property: &str, value: Value) {
        if let Some(object) = self.objects.get_mut(key).and_then(Value::as_object_mut) {
            object.insert(property.to_owned(), value);
        }
    }
}

/// The object that is this value and nothing else.
fn single(value: &Observed<'_>) -> Option<Value> {
    let text = value.value.as_ref();
    let object_type = match value.kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => return address(text),
        ValueKind::Domain => "domain-name",
        ValueKind::Url => "url",
        ValueKind::Email => "email-addr",
        ValueKind::Mac => {
            return Some(json!({"type": "mac-addr", "value": text.replace('-', ":").to_ascii_lowercase()}));
        }
        ValueKind::Account => {
            let login = text.rsplit_once('\\').map_or(text, |(_, login)| login);
            return Some(json!({"type": "user-account", "account_login": login}));
        }
        ValueKind::Md5
        | ValueKind::Sha1
        | ValueKind::Sha256
        | ValueKind::Sha512
        | ValueKind::FileName
        | ValueKind::FilePath
        | ValueKind::CommandLine
        | ValueKind::RegistryKey
        | ValueKind::RegistryValue
        | ValueKind::RegistryData
        | ValueKind::CertificateSerial
        | ValueKind::UserAgent
        | ValueKind::Ja3
        | ValueKind::Ja3s
        | ValueKind::Ja4
        | ValueKind::Mutex
        | ValueKind::AutonomousSystem
        | ValueKind::Cve => return None,
    };
    Some(json!({"type": object_type, "value": text}))
}

/// An address as the type that it has; IPv4 within IPv6 is IPv4.
fn address(text: &str) -> Option<Value> {
    let address = text.parse::<std::net::IpAddr>().ok()?.to_canonical();
    let object_type = if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    Some(json!({"type": object_type, "value": address.to_string()}))
}

/// Whether a name of the record resolved to an answer of it, both by their places among the values: the `resolves_to_refs` that
/// [`objects`] makes of them.
#[must_use]
pub fn resolves(observation: &Observation<'_>, name: usize, answer: usize) -> bool {
    let value = |index: usize| observation.values.get(index);
    let (Some(name), Some(answer)) = (value(name), value(answer)) else { return false };
    let spelled = |value: &Observed<'_>| canonical(ValueKind::Domain, &value.value).map(|(_, name)| name);
    let Some(spelling) = Some(name).filter(|name| name.kind == ValueKind::Domain).and_then(spelled) else {
        return false;
    };
    let is_answer = answer.role == Role::Content && place::is_answer(&answer.field);
    if !is_answer || (answer.kind == ValueKind::Domain && spelled(answer).as_ref() == Some(&spelling)) {
        return false;
    }
    observation.values.iter().any(|asked| {
        let is_beside =
            || place::is_owner(&asked.field) && place::parent(&asked.field) == place::parent(&answer.field);
        asked.kind == ValueKind::Domain
            && asked.role == Role::Content
            && (place::is_question(&asked.field) || is_beside())
            && spelled(asked).as_ref() == Some(&spelling)
    })
}

struct Record<'o, 'a> {
    observation: &'o Observation<'a>,
    /// The key of each value that is an object by itself.
    keys: Vec<Option<String>>,
}

/// What belongs together: a file or a certificate, or a process.
#[derive(Default)]
struct Group {
    key: String,
    path: Option<String>,
    name: Option<String>,
}

/// Keys of processes by the place at which they stand.
type Processes = HashMap<String, String>;

impl<'o, 'a> Record<'o, 'a> {
    fn values(&self) -> impl Iterator<Item = (&'o Observed<'a>, Option<&String>)> {
        self.observation.values.iter().zip(self.keys.iter().map(Option::as_ref))
    }

    /// A looked-up name resolves to what stands beside it, or, if it is the question, to all that was answered.
    fn resolve(&self, graph: &mut Graph) {
        /// A record has one question; servers that log more have a handful.
        const QUESTIONS_MAX: usize = 16;
        let mut all: Vec<&String> = Vec::new();
        let mut beside: HashMap<&str, Vec<&String>> = HashMap::new();
        let mut known = HashSet::new();
        for (answer, key) in self.values() {
            let Some(key) = key.filter(|_| answer.role == Role::Content && place::is_answer(&answer.field))
            else {
                continue;
            };
            beside.entry(place::parent(&answer.field)).or_default().push(key);
            if known.insert(key) {
                all.push(key);
            }
        }
        let mut questions: HashSet<&String> = HashSet::new();
        for (asked, key) in self.values() {
            let Some(key) = key.filter(|_| asked.kind == ValueKind::Domain && asked.role == Role::Content)
            else {
                continue;
            };
            let answers = if questions.contains(key) {
                // All answers stand there already.
                None
            } else if place::is_question(&asked.field) && questions.len() < QUESTIONS_MAX {
                questions.insert(key);
                Some(&all)
            } else if place::is_owner(&asked.field) {
                beside.get(place::parent(&asked.field))
            } else {
                None
            };
            let others: Vec<&&String> =
                answers.into_iter().flatten().filter(|other| **other != key).collect();
            if !others.is_empty() {
                graph.set(key, "resolves_to_refs", json!(others));
            }
        }
    }

    /// Files, certificates and processes with all that was seen of each.
    fn group(&self, graph: &mut Graph) {
        let mut files: HashMap<String, Group> = HashMap::new();
        let mut processes = Processes::new();
        let fields: Vec<&str> = self.observation.values.iter().map(|value| value.field.as_ref()).collect();
        for value in &self.observation.values {
            let place = Place::of(value, &fields);
            let text = value.value.as_ref();
            match place {
                Place::File(place) => {
                    let file = files.entry(place).or_insert_with(|| Group::file(graph));
                    file.take(value.kind, text, graph);
                }
                Place::Image(place, process) => {
                    let file = files.entry(place).or_insert_with(|| Group::file(graph));
                    file.take(value.kind, text, graph);
                    let key = process_at(process, &mut processes, graph);
                    graph.set(&key, "image_ref", json!(file.key));
                }
                Place::Certificate(place) => {
                    let certificate = files.entry(format!("certificate {place}")).or_insert_with(|| Group {
                        key: graph.put(json!({"type": "x509-certificate"})),
                        ..Group::default()
                    });
                    certificate.take(value.kind, text, graph);
                }
                Place::Process(process) => {
                    let key = process_at(process, &mut processes, graph);
                    graph.set(&key, "command_line", json!(text));
                }
                Place::Elsewhere => {}
            }
        }
        for (place, key) in &processes {
            if let Some(parent) = place::parents(place).iter().find_map(|parent| processes.get(parent)) {
                graph.set(key, "parent_ref", json!(parent));
            }
        }
    }

    /// The key of the registry, and the value of it that the record names.
    fn registry(&self, graph: &mut Graph) {
        let texts = |kind| {
            self.observation.values.iter().filter(move |value| value.kind == kind).map(|value| &value.value)
        };
        let mut entry = Map::new();
        if let Some(name) = texts(ValueKind::RegistryValue).next() {
            entry.insert("name".to_owned(), json!(name));
        }
        if let Some(data) = texts(ValueKind::RegistryData).next() {
            entry.insert("data".to_owned(), json!(data));
        }
        for key in texts(ValueKind::RegistryKey) {
            let mut object = json!({"type": "windows-registry-key", "key": key});
            if !entry.is_empty()
                && let Some(object) = object.as_object_mut()
            {
                object.insert("values".to_owned(), json!([entry]));
            }
            graph.put(object);
        }
    }

    fn mail(&self, graph: &mut Graph) {
        let mail = [ValueKind::Email];
        let senders = self.ends(Role::Source, &mail);
        let recipients = self.ends(Role::Destination, &mail);
        let recipients = recipients.get(..RECIPIENTS_MAX).unwrap_or(&recipients);
        if senders.is_empty() && recipients.is_empty() {
            return;
        }
        let each = senders.iter().map(|sender| Some(*sender)).chain(senders.is_empty().then_some(None));
        for sender in each.take(TIES_MAX) {
            let message = graph.put(json!({"type": "email-message", "is_multipart": false}));
            if let Some(sender) = sender {
                graph.set(&message, "from_ref", json!(sender));
            }
            if !recipients.is_empty() {
                graph.set(&message, "to_refs", json!(recipients));
            }
        }
    }

    /// The keys of the values of some kinds at one end, each once, those of the first kinds first.
    fn ends(&self, role: Role, kinds: &[ValueKind]) -> Vec<&String> {
        let mut known = HashSet::new();
        let of_kind = |kind: &ValueKind| {
            let kind = *kind;
            self.values().filter(move |(value, _)| value.role == role && value.kind == kind)
        };
        kinds.iter().flat_map(of_kind).filter_map(|(_, key)| key).filter(|key| known.insert(*key)).collect()
    }

    /// The traffic between both ends, if the record is about any.
    fn traffic(&self, graph: &mut Graph) {
        const HOSTS: [ValueKind; 4] = [ValueKind::Ipv4, ValueKind::Ipv6, ValueKind::Domain, ValueKind::Mac];
        let seen = self.observation;
        let (sources, destinations) = (self.ends(Role::Source, &HOSTS), self.ends(Role::Destination, &HOSTS));
        let (source, destination) = (sources.first().copied(), destinations.first().copied());
        let agent = self.first(ValueKind::UserAgent);
        let alone =
            seen.src_port.is_none() && seen.dst_port.is_none() && seen.protocol.is_none() && agent.is_none();
        if source.is_none() && destination.is_none() && alone {
            return;
        }
        let mut traffic = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                traffic.insert(name.to_owned(), value);
            }
        };
        set("type", Some(json!("network-traffic")));
        set("src_ref", source.map(|key| json!(key)));
        set("dst_ref", destination.map(|key| json!(key)));
        set("src_port", seen.src_port.map(|port| json!(port)));
        set("dst_port", seen.dst_port.map(|port| json!(port)));
        set("src_byte_count", seen.src_bytes.map(|count| json!(count)));
        set("dst_byte_count", seen.dst_bytes.map(|count| json!(count)));
        set("protocols", Some(json!(self.protocols(source.or(destination), graph))));
        set("x_ja3", self.first(ValueKind::Ja3).map(|text| json!(text)));
        set("x_ja3s", self.first(ValueKind::Ja3s).map(|text| json!(text)));
        set("x_ja4", self.first(ValueKind::Ja4).map(|text| json!(text)));
        set("extensions", self.http(agent).map(|http| json!({"http-request-ext": http})));
        let other = |end: &str, key: &&String| {
            let mut other = traffic.clone();
            other.insert(end.to_owned(), json!(key));
            other
        };
        let others = destinations.iter().skip(1).map(|key| other("dst_ref", key));
        let others = others.chain(sources.iter().skip(1).map(|key| other("src_ref", key)));
        let others: Vec<Map<String, Value>> = others.take(TIES_MAX - 1).collect();
        for traffic in std::iter::once(traffic).chain(others) {
            graph.put(Value::Object(traffic));
        }
    }

    fn first(&self, kind: ValueKind) -> Option<&'o str> {
        self.observation.values.iter().find(|value| value.kind == kind).map(|value| value.value.as_ref())
    }

    /// From the outer to the inner, as STIX wants them.
    fn protocols(&self, end: Option<&String>, graph: &Graph) -> Vec<String> {
        const APPLICATIONS: [&str; 18] = [
            "dns", "http", "tls", "ssl", "quic", "smtp", "ftp", "ssh", "smb", "nfs", "tftp", "dhcp", "ntp",
            "rdp", "mqtt", "snmp", "sip", "ldap",
        ];
        let mut protocols = Vec::new();
        let end_type = end.and_then(|key| graph.objects.get(key)?.get("type")?.as_str());
        match end_type {
            Some("ipv4-addr") => protocols.push("ipv4".to_owned()),
            Some("ipv6-addr") => protocols.push("ipv6".to_owned()),
            _ => {}
        }
        protocols.extend(self.observation.protocol.as_ref().map(ToString::to_string));
        let kind = self.observation.kind.as_ref();
        if APPLICATIONS.contains(&kind) && !protocols.iter().any(|known| known == kind) {
            protocols.push(kind.to_owned());
        }
        if protocols.is_empty() {
            protocols.push("ip".to_owned());
        }
        protocols
    }

    fn http(&self, agent: Option<&str>) -> Option<Map<String, Value>> {
        let method = self.observation.http_method.as_deref();
        if method.is_none() && agent.is_none() {
            return None;
        }
        let mut http = Map::new();
        if let Some(method) = method {
            http.insert("request_method".to_owned(), json!(method.to_ascii_lowercase()));
        }
        let target =
            self.values().find(|(value, _)| value.kind == ValueKind::Url && place::is_request(&value.field));
        if let Some((url, _)) = target {
            let rest = url.value.split_once("://").map_or("", |(_, rest)| rest);
            let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
            http.insert("request_value".to_owned(), json!(path));
        }
        let mut header = Map::new();
        if let Some(agent) = agent {
            header.insert("User-Agent".to_owned(), json!(agent));
        }
        let host = self
            .values()
            .find(|(value, _)| value.kind == ValueKind::Domain && value.role == Role::Destination);
        if let Some((host, _)) = host {
            header.insert("Host".to_owned(), json!(host.value));
        }
        if !header.is_empty() {
            http.insert("request_header".to_owned(), Value::Object(header));
        }
        Some(http)
    }
}

fn process_at(place: String, processes: &mut Processes, graph: &mut Graph) -> String {
    processes.entry(place).or_insert_with(|| graph.put(json!({"type": "process"}))).clone()
}

impl Group {
    fn file(graph: &mut Graph) -> Self {
        Self { key: graph.put(json!({"type": "file"})), ..Self::default() }
    }

    fn take(&mut self, kind: ValueKind, text: &str, graph: &mut Graph) {
        let algorithm = match kind {
            ValueKind::Md5 => "MD5",
            ValueKind::Sha1 => "SHA-1",
            ValueKind::Sha256 => "SHA-256",
            ValueKind::Sha512 => "SHA-512",
            ValueKind::CertificateSerial => return graph.set(&self.key, "serial_number", json!(text)),
            ValueKind::FileName => return self.name(text, graph),
            ValueKind::FilePath => return self.path(text, graph),
            _ => return,
        };
        let Some(object) = graph.objects.get_mut(&self.key).and_then(Value::as_object_mut) else { return };
        let hashes = object.entry("hashes").or_insert_with(|| json!({}));
        if let Some(hashes) = hashes.as_object_mut() {
            hashes.entry(algorithm).or_insert_with(|| json!(text.to_ascii_lowercase()));
        }
    }

    fn name(&mut self, text: &str, graph: &mut Graph) {
        if self.name.is_none() {
            self.name = Some(text.to_owned());
            graph.set(&self.key, "name", json!(text));
        }
    }

    fn path(&mut self, text: &str, graph: &mut Graph) {
        if self.path.is_some() {
            return;
        }
        self.path = Some(text.to_owned());
        let name = base_name(text);
        let folder = text.strip_suffix(name).unwrap_or_default().trim_end_matches(['/', '\\']);
        // The root of a drive or of everything keeps its separator.
        let folder = match folder {
            "" => "/",
            drive if drive.ends_with(':') => text.get(..=drive.len()).unwrap_or(drive),
            folder => folder,
        };
        self.name(name, graph);
        let directory = graph.add(json!({"type": "directory", "path": folder}));
        graph.set(&self.key, "parent_directory_ref", json!(directory));
    }
}
