use std::fmt;

use serde::{Deserialize, Serialize};

/// An organisation's short name in the council, 1–64 of `a–z 0–9 -`, e.g. `kinki-power`. Stable for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrganisationId(Box<str>);

impl OrganisationId {
    /// Reads a short name; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        legal.then(|| Self(text.into()))
    }

    /// The short name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganisationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for OrganisationId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an organisation's short name")))
    }
}

/// Defines a closed vocabulary once: its variants, their names on the wire and in policy, and the list of all.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used on the wire, in storage and in policies.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The member of that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.name() == text)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result { f.write_str(self.name()) }
        }
    };
}
pub(crate) use vocabulary;

vocabulary! {
    /// What an organisation is in the council.
    OrganisationRole {
        /// Runs the hub and the council.
        Coordinator = "coordinator",
        /// Police, ministry, Self-Defense Forces.
        Agency = "agency",
        /// Runs critical infrastructure.
        Operator = "operator",
        /// A foreign partner.
        Partner = "partner",
        /// Supervises; sees acts, not content.
        Oversight = "oversight",
        /// Research and teaching.
        Academy = "academy",
    }
}

vocabulary! {
    /// What a person or program may do for its organisation.
    PersonRole {
        /// Reads, searches, publishes.
        Analyst = "analyst",
        /// Keeps watch; works cases.
        DutyOfficer = "duty_officer",
        /// Approves releases and actions.
        Approver = "approver",
        /// Inspects what was looked at.
        Commissioner = "commissioner",
        /// Plans drills.
        Planner = "planner",
        /// Runs the node.
        Administrator = "administrator",
        /// Learns; reads only.
        Trainee = "trainee",
    }
}

vocabulary! {
    /// The fifteen sectors of critical infrastructure.
    Sector {
        /// Information and communications.
        Telecommunications = "telecommunications",
        /// Banking and finance.
        Finance = "finance",
        /// Aviation.
        Aviation = "aviation",
        /// Airports.
        Airports = "airports",
        /// Railways.
        Railways = "railways",
        /// Electric power.
        Power = "power",
        /// Gas.
        Gas = "gas",
        /// Government and administration.
        Government = "government",
        /// Medical services.
        Medical = "medical",
        /// Water.
        Water = "water",
        /// Logistics.
        Logistics = "logistics",
        /// Chemical industry.
        Chemical = "chemical",
        /// Credit cards.
        CreditCard = "credit-card",
        /// Petroleum.
        Petroleum = "petroleum",
        /// Ports and harbours.
        Ports = "ports",
    }
}
