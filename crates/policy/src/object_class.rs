use serde::{Deserialize, Serialize};

/// What kind of information an object is: what an agreement may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectClass {
    /// `indicator`.
    Indicator,
    /// Cyber-observable objects (STIX 2.1 §6) and `observed-data`.
    Observable,
    /// `sighting`.
    Sighting,
    /// Actors, campaigns, malware, tools, techniques, infrastructure and what helps against them.
    Threat,
    /// `vulnerability`.
    Vulnerability,
    /// `incident` and the parts of the OASIS incident extension: `event`, `task`, `impact`.
    Incident,
    /// `report`, `note`, `opinion`, `grouping`.
    Report,
    /// `marking-definition` and `extension-definition`.
    Marking,
    /// Every other type, relationships and identities among them.
    Other,
    /// Of what was made of objects of several classes. No agreement can name it.
    Several,
}

impl ObjectClass {
    /// Every class that an object can be of, so without [`ObjectClass::Several`].
    pub const ALL: [Self; 9] = [
        Self::Indicator,
        Self::Observable,
        Self::Sighting,
        Self::Threat,
        Self::Vulnerability,
        Self::Incident,
        Self::Report,
        Self::Marking,
        Self::Other,
    ];

    /// The class of a STIX type.
    #[must_use]
    pub fn of_type(object_type: &str) -> Self {
        match object_type {
            "indicator" => Self::Indicator,
            "sighting" => Self::Sighting,
            "vulnerability" => Self::Vulnerability,
            "attack-pattern" | "campaign" | "course-of-action" | "infrastructure" | "intrusion-set"
            | "malware" | "malware-analysis" | "threat-actor" | "tool" => Self::Threat,
            "incident" | "event" | "task" | "impact" => Self::Incident,
            "report" | "note" | "opinion" | "grouping" => Self::Report,
            "marking-definition" | "extension-definition" => Self::Marking,
            "observed-data"
            | "artifact"
            | "autonomous-system"
            | "directory"
            | "domain-name"
            | "email-addr"
            | "email-message"
            | "file"
            | "ipv4-addr"
            | "ipv6-addr"
            | "mac-addr"
            | "mutex"
            | "network-traffic"
            | "process"
            | "software"
            | "url"
            | "user-account"
            | "windows-registry-key"
            | "x509-certificate" => Self::Observable,
            _ => Self::Other,
        }
    }

    /// The name in storage, in agreements and in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Indicator => "indicator",
            Self::Observable => "observable",
            Self::Sighting => "sighting",
            Self::Threat => "threat",
            Self::Vulnerability => "vulnerability",
            Self::Incident => "incident",
            Self::Report => "report",
            Self::Marking => "marking",
            Self::Other => "other",
            Self::Several => "several",
        }
    }

    /// The class of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Several]).find(|class| class.name() == name)
    }

    /// Of what is made of two things.
    pub(crate) fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::Several }
    }
}
