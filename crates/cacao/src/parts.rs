//! What steps refer to: agents, targets, authentication, markings, extensions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stix::Timestamp;

use crate::read::Reader;

/// An external reference (CACAO 2.0 §10.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalReference {
    /// `name`
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// `source`
    pub source: Option<String>,
    /// `url`
    pub url: Option<String>,
    /// `external_id`
    pub external_id: Option<String>,
    /// `reference_id`
    pub reference_id: Option<String>,
}

impl ExternalReference {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        Self {
            name: r.text_or_empty("name"),
            description: r.text("description"),
            source: r.text("source"),
            url: r.text("url"),
            external_id: r.text("external_id"),
            reference_id: r.text("reference_id"),
        }
    }
}

/// The summary of what a playbook uses (§10.14), by the names of the specification; what is not said is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary(pub BTreeMap<String, bool>);

impl Summary {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        Self(map.iter().filter_map(|(name, value)| Some((name.clone(), value.as_bool()?))).collect())
    }
}

/// An agent or a target (§7).
#[derive(Debug, Clone, PartialEq)]
pub struct AgentTarget {
    /// `type`: one of the vocabulary of §7.2, or another.
    pub kind: String,
    /// `name`
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// `location` (§10.4)
    pub location: Option<Map<String, Value>>,
    /// `contact` (§10.5) of a group, individual or organisation.
    pub contact: Option<Map<String, Value>>,
    /// `logical` of a location.
    pub logical: Vec<String>,
    /// `sector`
    pub sector: Option<String>,
    /// `category`
    pub category: Vec<String>,
    /// `address`: kind (`dname`, `ipv4`, `ipv6`, `l2mac`, `vlan`, `url`) → addresses.
    pub address: BTreeMap<String, Vec<String>>,
    /// `port`
    pub port: Option<String>,
    /// `authentication_info`: an identifier of a definition.
    pub authentication_info: Option<String>,
    /// `agent_target_extensions`
    pub extensions: BTreeMap<String, Value>,
    /// The object as it stands in the playbook, unknown properties included.
    pub raw: Map<String, Value>,
}

impl AgentTarget {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        let list = |value: Value| match value {
            Value::Array(list) => list
                .into_iter()
                .filter_map(|member| match member {
                    Value::String(text) => Some(text),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        Self {
            kind: r.text_or_empty("type"),
            name: r.text_or_empty("name"),
            description: r.text("description"),
            location: r.object("location").cloned(),
            contact: r.object("contact").cloned(),
            logical: r.texts("logical"),
            sector: r.text("sector"),
            category: r.texts("category"),
            address: r.values("address").into_iter().map(|(kind, value)| (kind, list(value))).collect(),
            port: r.text("port"),
            authentication_info: r.text("authentication_info"),
            extensions: r.values("agent_target_extensions"),
            raw: map.clone(),
        }
    }

    /// Whether it can be reached over a network.
    #[must_use]
    pub fn has_address(&self) -> bool {
        self.address.values().any(|list| !list.is_empty())
    }
}

/// Authentication information (§6). It can hold secrets, so it is not printed.
#[derive(Clone, PartialEq)]
pub struct AuthenticationInfo {
    /// `type`: `http-basic`, `oauth2`, `user-auth`, or another.
    pub kind: String,
    /// `name`
    pub name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `user_id` or `username`
    pub user: Option<String>,
    /// `password` or `token`; a variable's value if the author was careful.
    pub secret: Option<String>,
    /// `oauth_header`
    pub oauth_header: Option<String>,
    /// `kms`: whether a key service holds the secret.
    pub kms: bool,
    /// `kms_key_identifier`
    pub kms_key_identifier: Option<String>,
    /// `authentication_info_extensions`
    pub extensions: BTreeMap<String, Value>,
}

impl AuthenticationInfo {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        Self {
            kind: r.text_or_empty("type"),
            name: r.text("name"),
            description: r.text("description"),
            user: r.text("user_id").or_else(|| r.text("username")),
            secret: r.text("password").or_else(|| r.text("token")),
            oauth_header: r.text("oauth_header"),
            kms: r.flag("kms"),
            kms_key_identifier: r.text("kms_key_identifier"),
            extensions: r.values("authentication_info_extensions"),
        }
    }
}

impl std::fmt::Debug for AuthenticationInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthenticationInfo").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// An extension's definition (§8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionDefinition {
    /// `name`
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// `created_by`
    pub created_by: Option<String>,
    /// `schema`: an address or words.
    pub schema: String,
    /// `version`
    pub version: String,
}

impl ExtensionDefinition {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        Self {
            name: r.text_or_empty("name"),
            description: r.text("description"),
            created_by: r.text("created_by"),
            schema: r.text_or_empty("schema"),
            version: r.text_or_empty("version"),
        }
    }
}

/// A data marking (§9).
#[derive(Debug, Clone, PartialEq)]
pub struct Marking {
    /// `id`
    pub id: String,
    /// `created_by`
    pub created_by: Option<String>,
    /// `revoked`
    pub revoked: bool,
    /// `valid_from`
    pub valid_from: Option<Timestamp>,
    /// `valid_until`
    pub valid_until: Option<Timestamp>,
    /// What it says.
    pub kind: MarkingKind,
}

/// What a data marking says.
#[derive(Debug, Clone, PartialEq)]
pub enum MarkingKind {
    /// §9.3: words.
    Statement(String),
    /// §9.4: a level of TLP 2.0, e.g. `TLP:AMBER+STRICT`.
    Tlp(String),
    /// §9.5: FIRST's Information Exchange Policy 2.0, its properties as they stand.
    Iep(Map<String, Value>),
    /// A type that the specification does not know. Whoever decides on release denies it.
    Unknown(String),
}

impl Marking {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        let kind = match r.text_or_empty("type").as_str() {
            "marking-statement" => MarkingKind::Statement(r.text_or_empty("statement")),
            "marking-tlp" => MarkingKind::Tlp(r.text_or_empty("tlpv2_level")),
            "marking-iep" => MarkingKind::Iep(map.clone()),
            other => MarkingKind::Unknown(other.to_owned()),
        };
        Self {
            id: r.text_or_empty("id"),
            created_by: r.text("created_by"),
            revoked: r.flag("revoked"),
            valid_from: r.time("valid_from"),
            valid_until: r.time("valid_until"),
            kind,
        }
    }
}
