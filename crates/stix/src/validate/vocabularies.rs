//! The vocabularies and enumerations of STIX 2.1 §10.

use super::model::Vocabulary;

/// `account-type-ov`, STIX 2.1 §10.1.
pub(super) const ACCOUNT_TYPE: Vocabulary = Vocabulary {
    name: "account-type-ov",
    section: "10.1",
    terms: &[
        "facebook",
        "ldap",
        "nis",
        "openid",
        "radius",
        "skype",
        "tacacs",
        "twitter",
        "unix",
        "windows-local",
        "windows-domain",
    ],
};

/// `attack-motivation-ov`, STIX 2.1 §10.2.
pub(super) const ATTACK_MOTIVATION: Vocabulary = Vocabulary {
    name: "attack-motivation-ov",
    section: "10.2",
    terms: &[
        "accidental",
        "coercion",
        "dominance",
        "ideology",
        "notoriety",
        "organizational-gain",
        "personal-gain",
        "personal-satisfaction",
        "revenge",
        "unpredictable",
    ],
};

/// `attack-resource-level-ov`, STIX 2.1 §10.3.
pub(super) const ATTACK_RESOURCE_LEVEL: Vocabulary = Vocabulary {
    name: "attack-resource-level-ov",
    section: "10.3",
    terms: &["individual", "club", "contest", "team", "organization", "government"],
};

/// `encryption-algorithm-enum`, STIX 2.1 §10.4.
pub(super) const ENCRYPTION_ALGORITHM: Vocabulary = Vocabulary {
    name: "encryption-algorithm-enum",
    section: "10.4",
    terms: &["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"],
};

/// `extension-type-enum`, STIX 2.1 §10.5.
pub(super) const EXTENSION_TYPE: Vocabulary = Vocabulary {
    name: "extension-type-enum",
    section: "10.5",
    terms: &["new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"],
};

/// `grouping-context-ov`, STIX 2.1 §10.6.
pub(super) const GROUPING_CONTEXT: Vocabulary = Vocabulary {
    name: "grouping-context-ov",
    section: "10.6",
    terms: &["suspicious-activity", "malware-analysis", "unspecified"],
};

/// `hash-algorithm-ov`, STIX 2.1 §10.7.
pub(super) const HASH_ALGORITHM: Vocabulary = Vocabulary {
    name: "hash-algorithm-ov",
    section: "10.7",
    terms: &["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH"],
};

/// `identity-class-ov`, STIX 2.1 §10.8.
pub(super) const IDENTITY_CLASS: Vocabulary = Vocabulary {
    name: "identity-class-ov",
    section: "10.8",
    terms: &["individual", "group", "system", "organization", "class", "unknown"],
};

/// `implementation-language-ov`, STIX 2.1 §10.9.
pub(super) const IMPLEMENTATION_LANGUAGE: Vocabulary = Vocabulary {
    name: "implementation-language-ov",
    section: "10.9",
    terms: &[
        "applescript",
        "bash",
        "c",
        "c++",
        "c#",
        "go",
        "java",
        "javascript",
        "lua",
        "objective-c",
        "perl",
        "php",
        "powershell",
        "python",
        "ruby",
        "rust",
        "scala",
        "swift",
        "typescript",
        "visual-basic",
        "x86-32",
        "x86-64",
    ],
};

/// `indicator-type-ov`, STIX 2.1 §10.10.
pub(super) const INDICATOR_TYPE: Vocabulary = Vocabulary {
    name: "indicator-type-ov",
    section: "10.10",
    terms: &[
        "anomalous-activity",
        "anonymization",
        "benign",
        "compromised",
        "malicious-activity",
        "attribution",
        "unknown",
    ],
};

/// `industry-sector-ov`, STIX 2.1 §10.11.
pub(super) const INDUSTRY_SECTOR: Vocabulary = Vocabulary {
    name: "industry-sector-ov",
    section: "10.11",
    terms: &[
        "agriculture",
        "aerospace",
        "automotive",
        "chemical",
        "commercial",
        "communications",
        "construction",
        "defense",
        "education",
        "energy",
        "entertainment",
        "financial-services",
        "government",
        "emergency-services",
        "government-local",
        "government-national",
        "government-public-services",
        "government-regional",
        "healthcare",
        "hospitality-leisure",
        "infrastructure",
        "dams",
        "nuclear",
        "water",
        "insurance",
        "legal",
        "manufacturing",
        "mining",
        "non-profit",
        "pharmaceuticals",
        "retail",
        "technology",
        "telecommunications",
        "transportation",
        "utilities",
    ],
};

/// `infrastructure-type-ov`, STIX 2.1 §10.12.
pub(super) const INFRASTRUCTURE_TYPE: Vocabulary = Vocabulary {
    name: "infrastructure-type-ov",
    section: "10.12",
    terms: &[
        "amplification",
        "anonymization",
        "botnet",
        "command-and-control",
        "control-system",
        "exfiltration",
        "firewall",
        "hosting-malware",
        "hosting-target-lists",
        "phishing",
        "reconnaissance",
        "routers-switches",
        "staging",
        "workstation",
        "unknown",
    ],
};

/// `malware-capabilities-ov`, STIX 2.1 §10.13.
pub(super) const MALWARE_CAPABILITIES: Vocabulary = Vocabulary {
    name: "malware-capabilities-ov",
    section: "10.13",
    terms: &[
        "accesses-remote-machines",
        "anti-debugging",
        "anti-disassembly",
        "anti-emulation",
        "anti-memory-forensics",
        "anti-sandbox",
        "anti-vm",
        "captures-input-peripherals",
        "captures-output-peripherals",
        "captures-system-state-data",
        "cleans-traces-of-infection",
        "commits-fraud",
        "communicates-with-c2",
        "compromises-data-availability",
        "compromises-data-integrity",
        "compromises-system-availability",
        "controls-local-machine",
        "degrades-security-software",
        "degrades-system-updates",
        "determines-c2-server",
        "emails-spam",
        "escalates-privileges",
        "evades-av",
        "exfiltrates-data",
        "fingerprints-host",
        "hides-artifacts",
        "hides-executing-code",
        "infects-files",
        "infects-remote-machines",
        "installs-other-components",
        "persists-after-system-reboot",
        "prevents-artifact-access",
        "prevents-artifact-deletion",
        "probes-network-environment",
        "self-modifies",
        "steals-authentication-credentials",
        "violates-system-operational-integrity",
    ],
};

/// `malware-result-ov`, STIX 2.1 §10.14.
pub(super) const MALWARE_RESULT: Vocabulary = Vocabulary {
    name: "malware-result-ov",
    section: "10.14",
    terms: &["malicious", "suspicious", "benign", "unknown"],
};

/// `malware-type-ov`, STIX 2.1 §10.15.
pub(super) const MALWARE_TYPE: Vocabulary = Vocabulary {
    name: "malware-type-ov",
    section: "10.15",
    terms: &[
        "adware",
        "backdoor",
        "bot",
        "bootkit",
        "ddos",
        "downloader",
        "dropper",
        "exploit-kit",
        "keylogger",
        "ransomware",
        "remote-access-trojan",
        "resource-exploitation",
        "rogue-security-software",
        "rootkit",
        "screen-capture",
        "spyware",
        "trojan",
        "unknown",
        "virus",
        "webshell",
        "wiper",
        "worm",
    ],
};

/// `network-socket-address-family-enum`, STIX 2.1 §10.16.
pub(super) const NETWORK_SOCKET_ADDRESS_FAMILY: Vocabulary = Vocabulary {
    name: "network-socket-address-family-enum",
    section: "10.16",
    terms: &["AF_UNSPEC", "AF_INET", "AF_IPX", "AF_APPLETALK", "AF_NETBIOS", "AF_INET6", "AF_IRDA", "AF_BTH"],
};

/// `network-socket-type-enum`, STIX 2.1 §10.17.
pub(super) const NETWORK_SOCKET_TYPE: Vocabulary = Vocabulary {
    name: "network-socket-type-enum",
    section: "10.17",
    terms: &["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"],
};

/// `opinion-enum`, STIX 2.1 §10.18.
pub(super) const OPINION: Vocabulary = Vocabulary {
    name: "opinion-enum",
    section: "10.18",
    terms: &["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"],
};

/// `pattern-type-ov`, STIX 2.1 §10.19.
pub(super) const PATTERN_TYPE: Vocabulary = Vocabulary {
    name: "pattern-type-ov",
    section: "10.19",
    terms: &["stix", "pcre", "sigma", "snort", "suricata", "yara"],
};

/// `processor-architecture-ov`, STIX 2.1 §10.20.
pub(super) const PROCESSOR_ARCHITECTURE: Vocabulary = Vocabulary {
    name: "processor-architecture-ov",
    section: "10.20",
    terms: &["alpha", "arm", "ia-64", "mips", "powerpc", "sparc", "x86", "x86-64"],
};

/// `region-ov`, STIX 2.1 §10.21.
pub(super) const REGION: Vocabulary = Vocabulary {
    name: "region-ov",
    section: "10.21",
    terms: &[
        "africa",
        "eastern-africa",
        "middle-africa",
        "northern-africa",
        "southern-africa",
        "western-africa",
        "americas",
        "caribbean",
        "central-america",
        "latin-america-caribbean",
        "northern-america",
        "south-america",
        "asia",
        "central-asia",
        "eastern-asia",
        "southern-asia",
        "south-eastern-asia",
        "western-asia",
        "europe",
        "eastern-europe",
        "northern-europe",
        "southern-europe",
        "western-europe",
        "oceania",
        "antarctica",
        "australia-new-zealand",
        "melanesia",
        "micronesia",
        "polynesia",
    ],
};

/// `report-type-ov`, STIX 2.1 §10.22.
pub(super) const REPORT_TYPE: Vocabulary = Vocabulary {
    name: "report-type-ov",
    section: "10.22",
    terms: &[
        "attack-pattern",
        "campaign",
        "identity",
        "incident",
        "indicator",
        "intrusion-set",
        "malware",
        "observed-data",
        "threat-actor",
        "threat-report",
        "tool",
        "vulnerability",
    ],
};

/// `threat-actor-type-ov`, STIX 2.1 §10.23.
pub(super) const THREAT_ACTOR_TYPE: Vocabulary = Vocabulary {
    name: "threat-actor-type-ov",
    section: "10.23",
    terms: &[
        "activist",
        "competitor",
        "crime-syndicate",
        "criminal",
        "hacker",
        "insider-accidental",
        "insider-disgruntled",
        "nation-state",
        "private-sector",
        "sensationalist",
        "spy",
        "terrorist",
        "unknown",
    ],
};

/// `threat-actor-role-ov`, STIX 2.1 §10.24.
pub(super) const THREAT_ACTOR_ROLE: Vocabulary = Vocabulary {
    name: "threat-actor-role-ov",
    section: "10.24",
    terms: &[
        "agent",
        "director",
        "independent",
        "infrastructure-architect",
        "infrastructure-operator",
        "malware-author",
        "sponsor",
    ],
};

/// `threat-actor-sophistication-ov`, STIX 2.1 §10.25.
pub(super) const THREAT_ACTOR_SOPHISTICATION: Vocabulary = Vocabulary {
    name: "threat-actor-sophistication-ov",
    section: "10.25",
    terms: &["none", "minimal", "intermediate", "advanced", "expert", "innovator", "strategic"],
};

/// `tool-type-ov`, STIX 2.1 §10.26.
pub(super) const TOOL_TYPE: Vocabulary = Vocabulary {
    name: "tool-type-ov",
    section: "10.26",
    terms: &[
        "denial-of-service",
        "exploitation",
        "information-gathering",
        "network-capture",
        "credential-exploitation",
        "remote-access",
        "vulnerability-scanning",
        "unknown",
    ],
};

/// `windows-integrity-level-enum`, STIX 2.1 §10.27.
pub(super) const WINDOWS_INTEGRITY_LEVEL: Vocabulary = Vocabulary {
    name: "windows-integrity-level-enum",
    section: "10.27",
    terms: &["low", "medium", "high", "system"],
};

/// `windows-pebinary-type-ov`, STIX 2.1 §10.28.
pub(super) const WINDOWS_PEBINARY_TYPE: Vocabulary =
    Vocabulary { name: "windows-pebinary-type-ov", section: "10.28", terms: &["dll", "exe", "sys"] };

/// `windows-registry-datatype-enum`, STIX 2.1 §10.29.
pub(super) const WINDOWS_REGISTRY_DATATYPE: Vocabulary = Vocabulary {
    name: "windows-registry-datatype-enum",
    section: "10.29",
    terms: &[
        "REG_NONE",
        "REG_SZ",
        "REG_EXPAND_SZ",
        "REG_BINARY",
        "REG_DWORD",
        "REG_DWORD_BIG_ENDIAN",
        "REG_DWORD_LITTLE_ENDIAN",
        "REG_LINK",
        "REG_MULTI_SZ",
        "REG_RESOURCE_LIST",
        "REG_FULL_RESOURCE_DESCRIPTION",
        "REG_RESOURCE_REQUIREMENTS_LIST",
        "REG_QWORD",
        "REG_INVALID_TYPE",
    ],
};

/// `windows-service-start-type-enum`, STIX 2.1 §10.30.
pub(super) const WINDOWS_SERVICE_START_TYPE: Vocabulary = Vocabulary {
    name: "windows-service-start-type-enum",
    section: "10.30",
    terms: &[
        "SERVICE_AUTO_START",
        "SERVICE_BOOT_START",
        "SERVICE_DEMAND_START",
        "SERVICE_DISABLED",
        "SERVICE_SYSTEM_ALERT",
    ],
};

/// `windows-service-type-enum`, STIX 2.1 §10.31.
pub(super) const WINDOWS_SERVICE_TYPE: Vocabulary = Vocabulary {
    name: "windows-service-type-enum",
    section: "10.31",
    terms: &[
        "SERVICE_KERNEL_DRIVER",
        "SERVICE_FILE_SYSTEM_DRIVER",
        "SERVICE_WIN32_OWN_PROCESS",
        "SERVICE_WIN32_SHARE_PROCESS",
    ],
};

/// `windows-service-status-enum`, STIX 2.1 §10.32.
pub(super) const WINDOWS_SERVICE_STATUS: Vocabulary = Vocabulary {
    name: "windows-service-status-enum",
    section: "10.32",
    terms: &[
        "SERVICE_CONTINUE_PENDING",
        "SERVICE_PAUSE_PENDING",
        "SERVICE_PAUSED",
        "SERVICE_RUNNING",
        "SERVICE_START_PENDING",
        "SERVICE_STOP_PENDING",
        "SERVICE_STOPPED",
    ],
};
