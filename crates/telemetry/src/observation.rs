use std::borrow::Cow;

use stix::observable::ValueKind;

/// One parsed telemetry record: when, what kind, and the observable values it carries. It lives only inside an edge.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation<'a> {
    /// The record's own time; `None` where it has none or it cannot be read.
    pub time: Option<jiff::Timestamp>,
    /// The record's kind in its source: EVE `event_type`, the Zeek log path, `dns` for OCSF's class 4003, `sysmon:3`.
    pub kind: Cow<'a, str>,
    /// Transport protocol in lower case, e.g. `tcp`.
    pub protocol: Option<Cow<'a, str>>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Bytes in both directions, where the record counts them.
    pub bytes: Option<u64>,
    /// Bytes that the source sent, where the record counts them by direction; they are part of `bytes`.
    pub src_bytes: Option<u64>,
    /// Bytes that the destination sent, as above.
    pub dst_bytes: Option<u64>,
    /// The method of an HTTP request as written, e.g. `GET`.
    pub http_method: Option<Cow<'a, str>>,
    /// Every observable value, in the order of the record.
    pub values: Vec<Observed<'a>>,
}

/// One observable value and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed<'a> {
    /// The field's path in the source record, e.g. `dns.rrname`.
    pub field: Cow<'a, str>,
    /// What the value is.
    pub kind: ValueKind,
    /// The value as the record has it (not canonical).
    pub value: Cow<'a, str>,
    /// Which end of the traffic it belongs to.
    pub role: Role,
}

/// Which end of the traffic a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that opened the connection.
    Source,
    /// The side that answered.
    Destination,
    /// Something named or carried in the traffic: a looked-up name, an answer, a file.
    Content,
}
