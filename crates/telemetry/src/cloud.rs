//! Logs of clouds: Amazon Web Services (CloudTrail, Route 53 Resolver, WAF, VPC flow logs), Microsoft Azure (flow logs of
//! networks, activity, audit and sign-in logs, firewalls and gateways) and Google Cloud (log entries).

use std::borrow::Cow;
use std::sync::LazyLock;

use sonic_rs::LazyValue;

use crate::fields::{Fields, Table, read_object};
use crate::reading::{Draft, Reading};
use crate::{Observation, Role, Unreadable};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

const AWS: Table = &[
    // CloudTrail. What was asked and answered is left out on purpose.
    ("eventTime", Reading::Time),
    ("eventSource", Reading::Kind),
    ("sourceIPAddress", Reading::Host(SRC)),
    ("userAgent", Reading::UserAgent),
    ("userIdentity.userName", Reading::Account),
    ("tlsDetails.clientProvidedHostHeader", Reading::Host(DST)),
    // Route 53 Resolver.
    ("query_timestamp", Reading::Time),
    ("query_name", Reading::Host(IN)),
    ("answers[].Rdata", Reading::Rdata),
    ("transport", Reading::Protocol),
    // WAF.
    ("timestamp", Reading::TimeCount),
    ("httpRequest.clientIp", Reading::Address(SRC)),
    ("httpRequest.headers[]", Reading::HttpHeader),
    ("httpRequest.uri", Reading::HttpTarget),
    ("httpRequest.httpMethod", Reading::HttpMethod),
    ("httpRequest.scheme", Reading::HttpScheme),
    ("ja3Fingerprint", Reading::Ja3),
    ("ja4Fingerprint", Reading::Ja4),
];

/// Fields of VPC flow logs with `_` in their names; the text form writes `-`.
const VPC: Table = &[
    ("start", Reading::TimeCount),
    ("srcaddr", Reading::Address(SRC)),
    ("dstaddr", Reading::Address(DST)),
    ("pkt_srcaddr", Reading::Address(SRC)),
    ("pkt_dstaddr", Reading::Address(DST)),
    ("srcport", Reading::SourcePort),
    ("dstport", Reading::DestinationPort),
    ("protocol", Reading::Protocol),
    ("bytes", Reading::Bytes),
];

const AZURE: Table = &[
    ("time", Reading::Time),
    ("category", Reading::KindElse),
    ("operationName", Reading::KindElse),
    ("callerIpAddress", Reading::AddressPort(SRC)),
    // Flow logs of network security groups and of virtual networks.
    ("properties.flows[].flows[].flowTuples[]", Reading::FlowTuple),
    ("flowRecords.flows[].flowGroups[].flowTuples[]", Reading::FlowTuple),
    // Sign-ins.
    ("properties.ipAddress", Reading::Address(SRC)),
    ("properties.userPrincipalName", Reading::Emails(SRC)),
    ("properties.userAgent", Reading::UserAgent),
    // Gateways.
    ("properties.clientIP", Reading::AddressPort(SRC)),
    ("properties.clientIp", Reading::AddressPort(SRC)),
    ("properties.clientPort", Reading::SourcePort),
    ("properties.host", Reading::HttpHost),
    ("properties.hostname", Reading::HttpHost),
    ("properties.requestUri", Reading::HttpTarget),
    ("properties.httpMethod", Reading::HttpMethod),
    // Firewalls.
    ("properties.SourceIp", Reading::Address(SRC)),
    ("properties.SourcePort", Reading::SourcePort),
    ("properties.DestinationIp", Reading::Address(DST)),
    ("properties.DestinationPort", Reading::DestinationPort),
    ("properties.Protocol", Reading::Protocol),
    ("properties.Fqdn", Reading::Host(DST)),
    ("properties.TargetUrl", Reading::Url),
    ("properties.QueryName", Reading::Host(IN)),
    ("properties.msg", Reading::Prose),
];

const GCP: Table = &[
    ("timestamp", Reading::Time),
    ("logName", Reading::LogName),
    // Flows and firewall rules.
    ("jsonPayload.connection.src_ip", Reading::Address(SRC)),
    ("jsonPayload.connection.src_port", Reading::SourcePort),
    ("jsonPayload.connection.dest_ip", Reading::Address(DST)),
    ("jsonPayload.connection.dest_port", Reading::DestinationPort),
    ("jsonPayload.connection.protocol", Reading::Protocol),
    ("jsonPayload.bytes_sent", Reading::Bytes),
    // DNS.
    ("jsonPayload.sourceIP", Reading::Address(SRC)),
    ("jsonPayload.queryName", Reading::Host(IN)),
    ("jsonPayload.rdata", Reading::Rdata),
    ("jsonPayload.protocol", Reading::Protocol),
    // Load balancers.
    ("httpRequest.requestUrl", Reading::Url),
    ("httpRequest.requestMethod", Reading::HttpMethod),
    ("httpRequest.userAgent", Reading::UserAgent),
    ("httpRequest.remoteIp", Reading::AddressPort(SRC)),
    ("httpRequest.serverIp", Reading::AddressPort(DST)),
    ("httpRequest.referer", Reading::Url),
    // Audit.
    ("protoPayload.requestMetadata.callerIp", Reading::Address(SRC)),
    ("protoPayload.requestMetadata.callerSuppliedUserAgent", Reading::UserAgent),
    ("protoPayload.authenticationInfo.principalEmail", Reading::Emails(SRC)),
    ("textPayload", Reading::Prose),
];

static AWS_FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::below(&[("", AWS), ("", VPC)]));
static VPC_FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::below(&[("", VPC)]));
static AZURE_FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::below(&[("", AZURE)]));
static GCP_FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::below(&[("", GCP)]));

pub(crate) fn read_aws<'a>(object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_object(&AWS_FIELDS, object, draft);
    if draft.kind().is_empty() {
        draft.name_by_field(&[("query_name", "dns"), ("srcaddr", "flow"), ("httpRequest.clientIp", "http")]);
    }
}

pub(crate) fn read_azure<'a>(object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_object(&AZURE_FIELDS, object, draft);
}

pub(crate) fn read_gcp<'a>(object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_object(&GCP_FIELDS, object, draft);
}

/// The names of the fields of VPC flow logs of version 2, which stand in no header.
const VPC_FIELDS_V2: [&str; 14] = [
    "version",
    "account_id",
    "interface_id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log_status",
];

/// Reads VPC flow logs as text: fields between blanks, which the first line may name.
#[derive(Debug, Clone, Default)]
pub(crate) struct VpcReader {
    header: Option<(String, Vec<String>)>,
}

impl VpcReader {
    /// The line that named the fields, if one did.
    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_ref().map(|(line, _)| line.as_str())
    }

    /// Reads a record, or `None` for the line that names the fields.
    pub(crate) fn read<'a>(&mut self, text: &'a str) -> Result<Option<Observation<'a>>, Unreadable> {
        const FIELDS_MAX: usize = 128;
        let cells: Vec<&str> = text.split_ascii_whitespace().take(FIELDS_MAX).collect();
        if cells.contains(&"srcaddr") && cells.contains(&"dstaddr") {
            let names = cells.iter().map(|name| name.replace('-', "_")).collect();
            self.header = Some((text.to_owned(), names));
            return Ok(None);
        }
        let named = |names: &[&str]| {
            let status = cells.last().copied().unwrap_or_default();
            let interface = cells.get(2).is_some_and(|cell| cell.starts_with("eni-"));
            cells.len() == names.len() && interface && matches!(status, "OK" | "NODATA" | "SKIPDATA")
        };
        let mut draft = Draft::new();
        match &self.header {
            Some((_, names)) if names.len() == cells.len() => {
                for (name, cell) in names.iter().zip(&cells) {
                    take_cell(&mut draft, Cow::Owned(name.clone()), cell);
                }
            }
            None if named(&VPC_FIELDS_V2) => {
                for (name, cell) in VPC_FIELDS_V2.iter().zip(&cells) {
                    take_cell(&mut draft, Cow::Borrowed(name), cell);
                }
            }
            _ => return Err(Unreadable::OtherFormat),
        }
        draft.set_kind(Cow::Borrowed("flow"));
        Ok(Some(draft.finish()))
    }
}

fn take_cell<'a>(draft: &mut Draft<'a>, name: Cow<'a, str>, cell: &'a str) {
    if let Some(reading) = VPC_FIELDS.reading_of(&name).filter(|_| cell != "-") {
        draft.take(reading, name, Cow::Borrowed(cell));
    }
}
