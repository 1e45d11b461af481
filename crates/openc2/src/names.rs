//! Enumerations of the language, their names, and which dialect is spoken.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::refusal::{At, Refusal};

/// An enumeration with the names that the specification gives its values.
macro_rules! names {
    ($(#[$about:meta])* $name:ident in $clause:literal { $($(#[$one:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$one])* $variant,)+ }

        impl $name {
            /// All of them, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value with this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }

            pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
                let found = value.as_str().and_then(Self::parse);
                found.ok_or_else(|| Refusal::malformed($clause, at, "the value is not one of the enumeration"))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&name).ok_or_else(|| serde::de::Error::custom("not one of the enumeration"))
            }
        }
    };
}

names! {
    /// What is to be done (LS 3.3.1.1). The list is closed.
    Action in "LS 3.3.1.1" {
        /// Look through something.
        Scan = "scan",
        /// Find where something is.
        Locate = "locate",
        /// Ask for information.
        Query = "query",
        /// Keep something from happening.
        Deny = "deny",
        /// Shut something in.
        Contain = "contain",
        /// Let something happen.
        Allow = "allow",
        /// Start something.
        Start = "start",
        /// Stop something.
        Stop = "stop",
        /// Stop something and start it again.
        Restart = "restart",
        /// Take an earlier action back.
        Cancel = "cancel",
        /// Change a value.
        Set = "set",
        /// Have a component take a new file or configuration.
        Update = "update",
        /// Send traffic elsewhere.
        Redirect = "redirect",
        /// Add something.
        Create = "create",
        /// Remove something.
        Delete = "delete",
        /// Run something apart and watch it.
        Detonate = "detonate",
        /// Return to an earlier state.
        Restore = "restore",
        /// Copy something.
        Copy = "copy",
        /// Gather and report.
        Investigate = "investigate",
        /// Remove a weakness or an attack.
        Remediate = "remediate",
    }
}

names! {
    /// What `query features` may ask for (LS 3.4.2.4).
    Feature in "LS 3.4.2.4" {
        /// Versions of the language.
        Versions = "versions",
        /// Profiles.
        Profiles = "profiles",
        /// Actions and their targets.
        Pairs = "pairs",
        /// Commands a minute.
        RateLimit = "rate_limit",
        /// Arguments. Only version 1.1 of the language knows it.
        Args = "args",
    }
}

names! {
    /// Which answer a producer wants (LS 3.4.2.15).
    ResponseType in "LS 3.4.2.15" {
        /// None at all.
        None = "none",
        /// That the command came.
        Ack = "ack",
        /// How far it is.
        Status = "status",
        /// What came of it. So it is where nothing is said.
        Complete = "complete",
    }
}

names! {
    /// Layer 4 protocols by name (LS 3.4.2.10).
    L4Protocol in "LS 3.4.2.10" {
        /// ICMP.
        Icmp = "icmp",
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// SCTP.
        Sctp = "sctp",
    }
}

names! {
    /// What becomes of a packet that is denied (SLPF 2.1.3.2).
    DropProcess in "SLPF 2.1.3.2" {
        /// It is dropped, and nobody is told.
        None = "none",
        /// It is dropped, and its source is told.
        Reject = "reject",
        /// It is dropped, and its source is told that it arrived.
        FalseAck = "false_ack",
    }
}

names! {
    /// Which traffic a rule is for (SLPF 2.1.3.2).
    Direction in "SLPF 2.1.3.2" {
        /// All.
        Both = "both",
        /// What comes in.
        Ingress = "ingress",
        /// What goes out.
        Egress = "egress",
    }
}

impl L4Protocol {
    /// The number that IANA gave it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Icmp => 1,
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// Whether it has ports.
    #[must_use]
    pub fn has_ports(self) -> bool {
        self != Self::Icmp
    }
}

/// A version of the language. They differ in spelling: 1.1 (a working draft) writes `slpf/rule_number`, knows status 201 and the feature
/// `args`, and lets a command name several actuators.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub enum Language {
    /// 1.0
    #[default]
    #[serde(rename = "1.0")]
    V1_0,
    /// 1.1
    #[serde(rename = "1.1")]
    V1_1,
}

impl Language {
    /// `1.0`, `1.1`
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
        }
    }
}

/// What a reader takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// One version of the language, or either.
    pub language: Option<Language>,
    /// Which extensions there may be.
    pub extensions: Extensions,
}

/// Which namespaces beside the language's own a reader takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Extensions {
    /// Any that is spelt well. What a consumer does not carry out it refuses after reading, with the profile's own text.
    #[default]
    Any,
    /// These.
    Only(BTreeSet<String>),
}

impl Reading {
    /// The language alone, without any profile.
    #[must_use]
    pub fn bare(language: Language) -> Self {
        Self { language: Some(language), extensions: Extensions::Only(BTreeSet::new()) }
    }

    /// The language with these namespaces.
    #[must_use]
    pub fn with(language: Language, nsids: &[&str]) -> Self {
        let only = nsids.iter().map(|nsid| (*nsid).to_owned()).collect();
        Self { language: Some(language), extensions: Extensions::Only(only) }
    }

    pub(crate) fn takes(&self, nsid: &str) -> bool {
        is_nsid(nsid)
            && match &self.extensions {
                Extensions::Any => self.language != Some(Language::V1_0) || is_nsid_of_1_0(nsid),
                Extensions::Only(names) => names.contains(nsid),
            }
    }
}

/// The longest name in the schemas (`$FieldName`). The text says 16 for a namespace, its own vectors use 27.
pub const NAME_CHARS_MAX: usize = 32;

/// Whether a text can be a namespace identifier in either version: `slpf`, `x-acme` (1.0), `x_acme` (1.1).
#[must_use]
pub fn is_nsid(name: &str) -> bool {
    let stem = name.strip_prefix("x-").or_else(|| name.strip_prefix("x_")).unwrap_or(name);
    let lower_or_x = name.starts_with(|c: char| c.is_ascii_lowercase());
    lower_or_x
        && name.len() <= NAME_CHARS_MAX
        && stem.starts_with(|c: char| c.is_ascii_alphanumeric())
        && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether a namespace may stand in version 1.0: a standard profile's, or one with `x-` in front (LS 3.1.4); lower case.
fn is_nsid_of_1_0(name: &str) -> bool {
    (STANDARD.contains(&name) || name.starts_with("x-")) && !name.bytes().any(|b| b.is_ascii_uppercase())
}

/// Namespaces that OASIS gave to profiles.
const STANDARD: [&str; 1] = ["slpf"];

/// Whether a text can be a name within a namespace.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
