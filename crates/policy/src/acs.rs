//! Markings of the Access Control Specification (ISA ACS 3.0a), read as terms of our own; what each word is read as stands in
//! `policies/acs.toml`, for a lawyer to check.
//!
//! The reading never gives more than the marking. Whatever is not understood in it, an unknown property among them, makes the
//! whole marking one that is not understood. Labels are written as such markings in [`written`].

mod written;

pub use written::{AcsStatement, AcsStatements, AcsTerms, Unsayable};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};
use stix::Object;
use stix::marking::{Pap, Tlp};

/// The extension under which a marking definition holds an ACS marking.
pub const ACS_EXTENSION: &str = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce";

/// `definition_type` of the form that was made for STIX 2.0. It says the same in other places.
const OLDER_FORM: &str = "x-isa-acs-3-0";

/// Actions that are no reading of the object: whether they are denied changes nothing about who may read.
const OTHER_USES: [&str; 6] = ["IDSRC", "TENOT", "LEGAL", "TEARLINE", "REQUEST", "ANONYMOUSACCESS"];

/// What an ACS marking comes to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Acs {
    /// At least this strict.
    pub tlp: Tlp,
    /// What may be done with it.
    pub pap: Pap,
    /// Whether agreements with others give nothing of it.
    pub originator_control: bool,
    /// Whether its source must stay unknown.
    pub hides_source: bool,
}

/// `policies/acs.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    nationality: String,
    unpublished: Level,
    limited: Level,
    members: BTreeSet<String>,
    elsewhere: Vec<String>,
    classification: BTreeSet<String>,
    formal_determination: BTreeMap<String, Level>,
    caveat: BTreeMap<String, Level>,
    privilege: BTreeMap<String, Action>,
    source_withheld: SourceWithheld,
    written: written::Forms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceWithheld {
    custodians: BTreeSet<String>,
    originators: BTreeSet<String>,
    identities: BTreeSet<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Level(Tlp);

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Action(Pap);

impl TryFrom<String> for Level {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Tlp::parse(&name).map(Self).ok_or_else(|| format!("`{name}` is no level of TLP"))
    }
}

impl TryFrom<String> for Action {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Pap::parse(&name).map(Self).ok_or_else(|| format!("`{name}` is no level of PAP"))
    }
}

/// The file as the program brings it along. One that could not be read would leave no ACS marking understood; a test reads it.
static WORDS: LazyLock<Option<Words>> =
    LazyLock::new(|| toml::from_str(include_str!("../../../policies/acs.toml")).ok());

/// What stands in an ACS marking (OASIS common object repository, `isa-acs-3-0.json`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marking {
    #[serde(rename = "extension_type")]
    _extension_type: String,
    #[serde(rename = "identifier")]
    _identifier: Option<String>,
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "create_date_time")]
    _create_date_time: Option<String>,
    responsible_entity_custodian: String,
    responsible_entity_originator: Option<String>,
    /// Under which law it was made; not meant for decisions on access.
    #[serde(rename = "authority_reference")]
    _authority_reference: Option<Value>,
    policy_reference: String,
    public_release: Option<PublicRelease>,
    #[serde(default)]
    access_privilege: Vec<Privilege>,
    #[serde(default)]
    further_sharing: Vec<Sharing>,
    control_set: ControlSet,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicRelease {
    /// Absent in the older form where it was not released.
    released_by: Option<String>,
    #[serde(rename = "released_on")]
    _released_on: Option<String>,
}

/// What is not read in it ends up in the rest of its scope.
#[derive(Deserialize)]
struct ControlSet {
    classification: String,
    #[serde(default)]
    formal_determination: Vec<String>,
    #[serde(default)]
    caveat: Vec<String>,
    #[serde(flatten)]
    scope: Scope,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Privilege {
    privilege_action: String,
    privilege_scope: Option<Scope>,
    rule_effect: Effect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sharing {
    sharing_scope: Vec<String>,
    rule_effect: Effect,
}

/// Whom something is for. What is left out limits nothing.
#[derive(Deserialize)]
struct Scope {
    permitted_nationalities: Option<Vec<String>>,
    permitted_organizations: Option<Vec<String>>,
    shareability: Option<Vec<String>>,
    entity: Option<Vec<String>>,
    /// Controls that are not read, such as `sci_controls` and `sensitivity`.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Permit,
    Deny,
}

impl Marking {
    fn of(definition: &Object) -> Option<Self> {
        match content(definition)? {
            Content::Extension(content) => Self::deserialize(content).ok(),
            Content::Older(content) => {
                let mut content = content.as_object()?.clone();
                content.remove("sep_version").filter(|version| *version == 1 || *version == "1")?;
                content.insert("extension_type".to_owned(), Value::String("property-extension".to_owned()));
                Self::deserialize(Value::Object(content)).ok()
            }
        }
    }
}

/// Where an ACS marking stands in its definition.
enum Content<'a> {
    Extension(&'a Value),
    Older(&'a Value),
}

/// The ACS marking of a marking definition. The extension counts where there are both.
fn content(definition: &Object) -> Option<Content<'_>> {
    if let Some(extension) = definition.get("extensions").and_then(|all| all.get(ACS_EXTENSION)) {
        return Some(Content::Extension(extension));
    }
    definition
        .text("definition_type")
        .filter(|form| *form == OLDER_FORM)
        .map(|_| Content::Older(definition.get("definition").unwrap_or(&Value::Null)))
}

/// Whether a marking definition is an ACS marking, understood or not.
#[must_use]
pub fn is_acs(definition: &Object) -> bool {
    content(definition).is_some()
}

impl Acs {
    /// Reads the ACS marking of a marking definition. `None` where there is none, one that is not understood, or one that hides its
    /// source and tells it itself.
    pub(crate) fn of(definition: &Object) -> Option<Self> {
        let words = WORDS.as_ref()?;
        let marking = Marking::of(definition)?;
        let tells_source = !words.source_withheld.custodians.contains(&marking.responsible_entity_custodian)
            || marking
                .responsible_entity_originator
                .as_ref()
                .is_some_and(|originator| !words.source_withheld.originators.contains(originator));
        Self::read(&marking).filter(|acs| !(acs.hides_source && tells_source))
    }

    /// The same for something that will not bear the marking itself, but what it comes to.
    #[must_use]
    pub fn without_its_definition(definition: &Object) -> Option<Self> {
        Self::read(&Marking::of(definition)?)
    }

    fn read(marking: &Marking) -> Option<Self> {
        let words = WORDS.as_ref()?;
        let (privileges_given, sharing_given) = defaults(&marking.policy_reference)?;
        let (set, mut tlp) = (&marking.control_set, Tlp::Clear);
        let is_for_us = words.classification.contains(&set.classification) && words.reach(&set.scope)?;
        for word in &set.formal_determination {
            tlp = tlp.max(words.formal_determination.get(word)?.0);
        }
        for word in &set.caveat {
            tlp = tlp.max(words.caveat.get(word)?.0);
        }
        let release = marking.public_release.as_ref();
        let is_published = release.is_some_and(|release| release.released_by.is_some())
            && set.formal_determination.iter().any(|determination| determination == "PUBREL");
        if !is_published {
            tlp = tlp.max(words.unpublished.0);
        }
        let shared_with_all = words.shared_with_all(&marking.further_sharing, sharing_given)?;
        let (pap, is_for_some) = words.permitted(&marking.access_privilege, privileges_given)?;
        let originator_control =
            set.scope.is_for_some() || is_for_some || !shared_with_all || !set.caveat.is_empty();
        if originator_control {
            tlp = tlp.max(words.limited.0);
        }
        let hides_source = !is_permitted(&marking.access_privilege, "IDSRC", privileges_given);
        is_for_us.then_some(Self { tlp, pap, originator_control, hides_source })
    }

    /// Whether an object under this marking tells its source all the same. One that names nobody does: its source may be the
    /// organisation that brings it in, and readers are told which one that is.
    pub(crate) fn is_broken_by(self, object: &Object) -> bool {
        self.hides_source && !object.text("created_by_ref").is_some_and(acs_stands_for_source)
    }
}

/// Whether the definition of a marking is an ACS marking that says in so many words that its source must not be identified.
#[must_use]
pub fn acs_withholds_source(definition: &Object) -> bool {
    let privileges = content(definition).and_then(|content| {
        let (Content::Extension(content) | Content::Older(content)) = content;
        content.get("access_privilege")?.as_array()
    });
    privileges.into_iter().flatten().any(|privilege| {
        privilege.get("privilege_action").is_some_and(|action| action == "IDSRC")
            && privilege.get("rule_effect").is_some_and(|effect| effect == "deny")
    })
}

/// Whether an identity stands in the place of sources that must not be told.
#[must_use]
pub fn acs_stands_for_source(identity: &str) -> bool {
    WORDS.as_ref().is_some_and(|words| words.source_withheld.identities.contains(identity))
}

/// What holds for actions, and for sharing, that no rule names. Several references must agree.
fn defaults(policy_reference: &str) -> Option<(bool, bool)> {
    let one = |reference: &str| {
        let rules = reference.strip_prefix("urn:isa:policy:acs:ns:v3.0?")?;
        let (privilege, sharing) = rules.split_once('&')?;
        let effect = |text: &str| match text {
            "permit" => Some(true),
            "deny" => Some(false),
            _ => None,
        };
        Some((
            effect(privilege.strip_prefix("privdefault=")?)?,
            effect(sharing.strip_prefix("sharedefault=")?)?,
        ))
    };
    let mut all = policy_reference.split_ascii_whitespace().map(one);
    let first = all.next()??;
    all.all(|next| next == Some(first)).then_some(first)
}

/// Whether an action is permitted to somebody at least and denied to nobody.
fn is_permitted(privileges: &[Privilege], action: &str, by_default: bool) -> bool {
    let mut rules = privileges.iter().filter(|rule| rule.privilege_action == action).peekable();
    if rules.peek().is_none() {
        return by_default;
    }
    rules.all(|rule| rule.rule_effect == Effect::Permit)
}

impl Scope {
    /// Whether it is for some nationalities only.
    fn is_for_some(&self) -> bool {
        self.permitted_nationalities.as_ref().is_some_and(|list| !list.iter().any(|word| word == "ALL"))
    }
}

impl Words {
    /// Whether the members are within a scope. `None` where it holds something that is not read.
    fn reach(&self, scope: &Scope) -> Option<bool> {
        if !scope.rest.is_empty() {
            return None;
        }
        let is_all = |list: &Option<Vec<String>>| {
            list.as_ref().is_none_or(|list| list.iter().any(|word| word == "ALL"))
        };
        let nationality = scope.permitted_nationalities.as_ref().is_none_or(|list| {
            list.iter().any(|nationality| nationality == "ALL" || *nationality == self.nationality)
        });
        Some(
            nationality
                && is_all(&scope.permitted_organizations)
                && is_all(&scope.shareability)
                && is_all(&scope.entity),
        )
    }

    /// Whether it may be passed on to everybody; `None` where not even to the members.
    fn shared_with_all(&self, rules: &[Sharing], by_default: bool) -> Option<bool> {
        let mut permitted = BTreeSet::new();
        for rule in rules {
            let is_elsewhere =
                |scope: &String| self.elsewhere.iter().any(|authority| scope.starts_with(authority.as_str()));
            match rule.rule_effect {
                Effect::Permit => permitted.extend(rule.sharing_scope.iter().map(String::as_str)),
                Effect::Deny if rule.sharing_scope.iter().all(is_elsewhere) => {}
                Effect::Deny => return None,
            }
        }
        if by_default && rules.is_empty() {
            return Some(true);
        }
        let reaches_members =
            by_default || self.members.iter().all(|member| permitted.contains(member.as_str()));
        reaches_members.then_some(false)
    }

    /// The freest that may be done by what is permitted to the members, and whether it is permitted to some nationalities only.
    /// `None` where they may not even look, or where something is denied that is not known.
    fn permitted(&self, privileges: &[Privilege], by_default: bool) -> Option<(Pap, bool)> {
        let is_known = |rule: &Privilege| {
            OTHER_USES.contains(&rule.privilege_action.as_str())
                || self.privilege.contains_key(&rule.privilege_action)
        };
        if privileges.iter().any(|rule| rule.rule_effect == Effect::Deny && !is_known(rule)) {
            return None;
        }
        let (mut given, mut is_for_some) = (None, false);
        for (action, level) in &self.privilege {
            if !is_permitted(privileges, action, by_default) {
                continue;
            }
            let rules: Vec<_> = privileges.iter().filter(|rule| rule.privilege_action == *action).collect();
            // What is permitted without saying to whom is permitted to nobody.
            let scopes = rules.iter().filter_map(|rule| rule.privilege_scope.as_ref());
            let ours: Vec<_> = scopes.filter(|scope| self.reach(scope) == Some(true)).collect();
            if rules.is_empty() || !ours.is_empty() {
                given = Some(given.map_or(level.0, |known: Pap| known.min(level.0)));
                is_for_some |= ours.iter().any(|scope| scope.is_for_some());
            }
        }
        given.map(|level| (level, is_for_some))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_read() {
        toml::from_str::<Words>(include_str!("../../../policies/acs.toml")).unwrap();
    }
}
