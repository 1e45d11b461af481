//! What marking definitions mean: those with fixed identifiers, and those that an object defines.

use std::collections::BTreeSet;
use std::fmt;

use oversight::{OrganisationId, Qualification};
use serde::{Deserialize, Serialize};
use stix::marking::{PAP_EXTENSION, Pap};
use stix::{Id, Object};
use uuid::Uuid;

use crate::Acs;
use crate::acs::is_acs;
use crate::clearances::demand_marking;

/// A sharing group, by its UUID. The marking definition `marking-definition--<the same UUID>` limits an object to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub Uuid);

/// What a marking definition that is no TLP level asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marking {
    /// Terms in words; nothing that a machine could check.
    Statement,
    /// A level of the Permissible Actions Protocol.
    Pap(Pap),
    /// Only for the members of a sharing group.
    Group(GroupId),
    /// Goes no further than to the members of this council, unless the originator releases it.
    OriginatorControl,
    /// Only for persons who hold a clearance, or have sworn an oath.
    Demand(Qualification),
    /// An access control specification marking, as far as it can be said in terms of this node.
    Acs(Acs),
}

/// The extension under which this node publishes its own markings, as a property extension of `marking-definition`. Its
/// properties are `sharing_group` (a UUID), `originator_control` (`true`) and `qualification` (a clearance or an oath); each
/// definition bears one of them.
pub const MARKING_EXTENSION: &str = "extension-definition--48e4f3c6-45a0-49d9-aa9a-34699f2f4df3";

/// The marking definition that asks for originator control.
pub const ORIGINATOR_CONTROL: &str = "marking-definition--17f0bc7a-c87c-41d0-b7ed-faee5e4c4e9c";

impl GroupId {
    /// The group that no store knows and nobody is a member of.
    pub(crate) const NOBODY: Self = Self(Uuid::nil());

    /// The marking definition that limits an object to this group.
    #[must_use]
    pub fn marking(self) -> Id {
        Id::new("marking-definition", self.0)
    }

    /// The group of exactly these organisations, known by who is in it ([`oversight::circle`]).
    #[must_use]
    pub fn circle(members: &BTreeSet<OrganisationId>) -> Self {
        Self(oversight::circle(members))
    }

    /// The marking definition of such a group: the same bytes wherever it is made. Its members may read that it is, and no others.
    #[must_use]
    pub fn circle_definition(members: &BTreeSet<OrganisationId>) -> String {
        let group = Self::circle(members);
        let names: Vec<&str> = members.iter().map(OrganisationId::as_str).collect();
        serde_json::json!({
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": group.marking(),
            "created": "2026-11-29T00:00:00.000Z",
            "name": "for named organisations only",
            "object_marking_refs": [stix::marking::Tlp::Green.id()],
            "extensions": { MARKING_EXTENSION: {
                "extension_type": "property-extension", "sharing_group": group.to_string(), "members": names } },
        })
        .to_string()
    }

    /// That definition as the JSON text of a STIX object. It bears its own marking: who is in the group may read that it is.
    #[must_use]
    pub fn definition(self, name: &str, created: &str) -> String {
        serde_json::json!({
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": self.marking(),
            "created": created,
            "name": name,
            "extensions": { MARKING_EXTENSION: {
                "extension_type": "property-extension", "sharing_group": self.to_string() } },
        })
        .to_string()
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for GroupId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

impl Marking {
    /// The meaning of a definition whose identifier is fixed; TLP levels are no [`Marking`].
    #[must_use]
    pub fn fixed(id: &Id) -> Option<Self> {
        if id.as_str().eq_ignore_ascii_case(ORIGINATOR_CONTROL) {
            return Some(Self::OriginatorControl);
        }
        stix::marking::pap(id).map(Self::Pap)
    }

    /// What a marking definition says of itself. `None` for what is no definition or none that this node understands, a level of
    /// PAP it does not know among them.
    #[must_use]
    pub fn defined_by(object: &Object) -> Option<Self> {
        if object.object_type() != "marking-definition" {
            return None;
        }
        if let Some(fixed) = Self::fixed(object.id()) {
            return Some(fixed);
        }
        let extension = |id: &str| object.get("extensions").and_then(|all| all.get(id));
        if is_acs(object) {
            return Acs::of(object).map(Self::Acs);
        }
        if let Some(own) = extension(MARKING_EXTENSION) {
            let group = own.get("sharing_group").and_then(|group| group.as_str()?.parse().ok());
            let control = own.get("originator_control").and_then(serde_json::Value::as_bool);
            let demand = own.get("qualification").and_then(|demand| demand.as_str()?.parse().ok());
            return match (group, control, demand) {
                (Some(group), None, None) => Some(Self::Group(group)),
                (None, Some(true), None) => Some(Self::OriginatorControl),
                (None, None, Some(demand)) => Some(Self::Demand(demand)),
                _ => None,
            };
        }
        if let Some(pap) = extension(PAP_EXTENSION) {
            return pap.get("pap").and_then(|level| Pap::parse(level.as_str()?)).map(Self::Pap);
        }
        match object.text("definition_type")? {
            "statement" => statement(object),
            kind if kind.eq_ignore_ascii_case("pap") => {
                let definition = object.get("definition")?;
                let level = definition.get("pap").or_else(|| definition.get("PAP"))?.as_str()?;
                level_of(level).map(Self::Pap)
            }
            _ => None,
        }
    }
}

/// The marking definition by which an object demands a clearance or an oath of its readers, as the JSON text of a STIX object.
#[must_use]
pub fn demand_definition(qualification: &Qualification, name: &str) -> String {
    serde_json::json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": demand_marking(qualification),
        "created": "2026-01-01T00:00:00.000Z",
        "name": name,
        "extensions": { MARKING_EXTENSION: {
            "extension_type": "property-extension", "qualification": qualification.to_string() } },
    })
    .to_string()
}

/// The originator-control marking definition as the JSON text of a STIX object.
#[must_use]
pub fn originator_control_definition() -> String {
    serde_json::json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": ORIGINATOR_CONTROL,
        "created": "2026-01-01T00:00:00.000Z",
        "name": "ORIGINATOR CONTROL",
        "extensions": { MARKING_EXTENSION: {
            "extension_type": "property-extension", "originator_control": true } },
    })
    .to_string()
}

/// The definition of the extension that [`MARKING_EXTENSION`] names, as the JSON text of a STIX object. `author` is the identity
/// that stands as its creator.
#[must_use]
pub fn extension_definition(author: &str) -> String {
    serde_json::json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": MARKING_EXTENSION,
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "created_by_ref": author,
        "name": "Yagura markings",
        "description": "On a marking-definition: `sharing_group`, the UUID of the sharing group to whose members the marked object is \
            limited; or `originator_control`, true: the marked object goes no further than to the council's members unless \
            its originator releases it; or `qualification`: only persons who hold that clearance, or have sworn that oath, read it.",
        "schema": "https://github.com/yagura/yagura/blob/main/docs/developers/extensions.md",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    })
    .to_string()
}

/// A statement, or the way in which some products write a level of PAP as one (`PAP:AMBER`). A statement that begins so and is no
/// level is not understood.
fn statement(object: &Object) -> Option<Marking> {
    let text = object.get("definition")?.get("statement")?.as_str()?;
    let is_pap = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("pap:"));
    if is_pap { level_of(text).map(Marking::Pap) } else { Some(Marking::Statement) }
}

fn level_of(text: &str) -> Option<Pap> {
    let text = text.trim().to_ascii_lowercase();
    Pap::parse(text.strip_prefix("pap:").unwrap_or(&text).trim())
}
