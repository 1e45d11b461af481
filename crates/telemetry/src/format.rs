/// A log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Suricata EVE, one JSON object a line.
    Eve,
    /// Zeek logs as JSON, one object a line.
    ZeekJson,
    /// Zeek logs as tab-separated values under a `#fields` header.
    ZeekTsv,
    /// Events of the Open Cybersecurity Schema Framework, one JSON object a line.
    Ocsf,
    /// Documents of the Elastic Common Schema, nested or with dots in their names, one JSON object a line.
    Ecs,
    /// Windows events (Security, Sysmon and others) as JSON: Winlogbeat, the flat form of NXLog and others, or dumps of EVTX.
    Windows,
    /// Amazon Web Services: CloudTrail, Route 53 Resolver and VPC flow logs as JSON; VPC flow logs as text.
    Aws,
    /// Microsoft Azure: flow logs, activity, audit and sign-in logs as JSON.
    Azure,
    /// Google Cloud: log entries (VPC flows, audit, DNS, load balancers) as JSON.
    Gcp,
    /// Syslog by RFC 5424 or RFC 3164. The message is read as what it is.
    Syslog,
    /// Query logs of DNS servers: BIND, Unbound, dnsmasq, CoreDNS, Windows DNS.
    Dns,
    /// Access logs of web servers and proxies: common, combined, nginx, Squid's own; W3C extended (IIS).
    Access,
    /// Comma-separated or other values, with columns that a mapping or their header names.
    Csv,
}

impl Format {
    /// All formats, in the order of the enumeration.
    pub const ALL: [Self; 13] = [
        Self::Eve,
        Self::ZeekJson,
        Self::ZeekTsv,
        Self::Ocsf,
        Self::Ecs,
        Self::Windows,
        Self::Aws,
        Self::Azure,
        Self::Gcp,
        Self::Syslog,
        Self::Dns,
        Self::Access,
        Self::Csv,
    ];

    /// The name used in configuration and on the command line: `eve`, `zeek-json`, `zeek-tsv`, `ocsf`, `ecs`, `windows`, `aws`,
    /// `azure`, `gcp`, `syslog`, `dns`, `access`, `csv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eve => "eve",
            Self::ZeekJson => "zeek-json",
            Self::ZeekTsv => "zeek-tsv",
            Self::Ocsf => "ocsf",
            Self::Ecs => "ecs",
            Self::Windows => "windows",
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
            Self::Syslog => "syslog",
            Self::Dns => "dns",
            Self::Access => "access",
            Self::Csv => "csv",
        }
    }

    /// What it is, for people, in a line.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Eve => "Suricata EVE JSON",
            Self::ZeekJson => "Zeek, JSON",
            Self::ZeekTsv => "Zeek, tab-separated",
            Self::Ocsf => "Open Cybersecurity Schema Framework",
            Self::Ecs => "Elastic Common Schema: Beats, Elastic Agent, Logstash",
            Self::Windows => "Windows events (Security, Sysmon and others) as JSON",
            Self::Aws => "CloudTrail, Route 53 Resolver, WAF and VPC flow logs",
            Self::Azure => "Flow, activity and sign-in logs of Microsoft Azure",
            Self::Gcp => "Log entries of Google Cloud",
            Self::Syslog => "Syslog, RFC 5424 or RFC 3164",
            Self::Dns => "Query logs of BIND, Unbound, dnsmasq, CoreDNS, Windows DNS",
            Self::Access => "Access logs of web servers and proxies",
            Self::Csv => "Separated values with named columns",
        }
    }

    /// The format of that name, as [`name`](Self::name) gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}
