//! The rules once more, slow and obvious: who may read what, in plain comparisons over the test's own values. Nothing of `policy`, no
//! Cedar, no labels, nothing remembered.

use std::collections::{BTreeMap, BTreeSet};

use oversight::OrganisationRole as Role;

/// A TLP level, from the freest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Clear,
    Green,
    Amber,
    AmberStrict,
    Red,
}

pub const LEVELS: [Level; 5] = [Level::Clear, Level::Green, Level::Amber, Level::AmberStrict, Level::Red];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Person,
    Program,
    Edge,
    Peer,
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Reader {
    pub kind: Kind,
    pub organisation: String,
    pub purpose: &'static str,
}

/// What an object bears.
#[derive(Debug, Clone, Default)]
pub struct Marked {
    pub level: Option<Level>,
    /// 0 the freest, 3 the strictest.
    pub pap: Option<usize>,
    /// Places in [`World::groups`].
    pub groups: BTreeSet<usize>,
    pub originator_control: bool,
    pub terms_in_words: bool,
    pub not_understood: bool,
}

/// One version of an object.
#[derive(Debug, Clone)]
pub struct Version {
    pub modified: String,
    /// Words that stand in this version and nowhere else.
    pub needle: String,
    pub marked: Marked,
}

/// An object: whose, of what class, and what others it names.
#[derive(Debug, Clone)]
pub struct Thing {
    pub id: String,
    pub originator: String,
    pub versions: Vec<Version>,
    pub names: Vec<String>,
    pub withdrawn: bool,
    pub recalled: bool,
    pub granted: BTreeSet<String>,
}

/// One agreement with one term.
#[derive(Debug, Clone)]
pub struct Pact {
    pub id: String,
    pub in_force: bool,
    /// Whose: one organisation, or all members of the council.
    pub from_members: bool,
    pub from: String,
    pub to: String,
    pub classes: Vec<&'static str>,
    pub level: Level,
    pub pap: usize,
    pub purposes: Vec<&'static str>,
}

#[derive(Debug, Clone, Default)]
pub struct World {
    pub organisations: BTreeMap<String, Option<Role>>,
    pub groups: Vec<BTreeSet<String>>,
    pub pacts: Vec<Pact>,
    pub things: Vec<Thing>,
    /// A policy in force: TLP:GREEN is for the coordinator alone.
    pub green_is_narrow: bool,
}

impl Thing {
    pub fn object_type(&self) -> &str {
        self.id.split("--").next().unwrap()
    }

    /// The class that agreements speak of.
    fn class(&self) -> &'static str {
        match self.object_type() {
            "indicator" => "indicator",
            "report" | "note" => "report",
            "domain-name" => "observable",
            "malware" | "intrusion-set" | "campaign" | "attack-pattern" => "threat",
            _ => "other",
        }
    }
}

impl World {
    fn role(&self, organisation: &str) -> Role {
        self.organisations[organisation].unwrap()
    }

    /// Whether somebody may read a version.
    pub fn reads(&self, reader: &Reader, thing: &Thing, marked: &Marked) -> bool {
        use Role::{Academy, Agency, Coordinator, Operator, Oversight, Partner};
        let role = self.role(&reader.organisation);
        let is_own = thing.originator == reader.organisation;
        let is_granted = thing.granted.contains(&reader.organisation);
        let is_peer = reader.kind == Kind::Peer;
        let is_person = reader.kind == Kind::Person;
        let in_groups = marked.groups.iter().all(|group| self.groups[*group].contains(&reader.organisation));
        let is_limited = !marked.groups.is_empty();
        if thing.withdrawn || role == Oversight {
            return false;
        }
        if (marked.not_understood || thing.recalled) && !is_own {
            return false;
        }
        if is_limited && !in_groups && !is_own && !is_granted {
            return false;
        }
        if is_own && !is_peer {
            return true;
        }
        let is_inner = [Coordinator, Agency, Operator].contains(&role) && !is_peer;
        let by_level = match marked.level {
            Some(Level::Clear) => true,
            Some(Level::Green) if self.green_is_narrow => role == Coordinator && !is_peer,
            Some(Level::Green) => {
                !is_peer && [Coordinator, Agency, Operator, Partner, Academy].contains(&role)
            }
            Some(Level::Amber) => is_inner,
            Some(Level::AmberStrict) => role == Coordinator && !is_peer,
            Some(Level::Red) => role == Coordinator && is_person,
            None => is_inner && marked.terms_in_words,
        };
        let may_red = marked.level != Some(Level::Red) || is_person;
        by_level
            || (is_limited && in_groups && is_inner && may_red)
            || (is_granted && may_red)
            || (may_red && self.pacts.iter().any(|pact| self.gives(pact, reader, thing, marked)))
    }

    fn gives(&self, pact: &Pact, reader: &Reader, thing: &Thing, marked: &Marked) -> bool {
        let is_member =
            |organisation: &str| ![Role::Partner, Role::Oversight].contains(&self.role(organisation));
        let is_from = thing.originator == pact.from || (pact.from_members && is_member(&thing.originator));
        pact.in_force
            && is_from
            && pact.to == reader.organisation
            && pact.classes.contains(&thing.class())
            && marked.level.is_some_and(|level| level <= pact.level)
            && marked.pap.is_none_or(|pap| pap <= pact.pap)
            && pact.purposes.contains(&reader.purpose)
            && !marked.originator_control
    }

    /// The versions of a thing that somebody may read, oldest first.
    pub fn versions<'w>(&self, reader: &Reader, thing: &'w Thing) -> Vec<&'w Version> {
        thing.versions.iter().filter(|version| self.reads(reader, thing, &version.marked)).collect()
    }

    /// The last version of each thing that somebody may read, by id.
    pub fn last<'w>(&'w self, reader: &Reader) -> BTreeMap<&'w str, &'w Version> {
        let last = |thing: &'w Thing| Some((thing.id.as_str(), *self.versions(reader, thing).last()?));
        self.things.iter().filter_map(last).collect()
    }

    /// The words that somebody may read at all.
    pub fn needles(&self, reader: &Reader) -> BTreeSet<String> {
        let all = self.things.iter().flat_map(|thing| self.versions(reader, thing));
        all.map(|version| version.needle.clone()).collect()
    }

    /// The identifiers that somebody may read: of what it sees, and those that stand in what it sees.
    pub fn ids(&self, reader: &Reader) -> BTreeSet<String> {
        let seen = self.things.iter().filter(|thing| !self.versions(reader, thing).is_empty());
        seen.flat_map(|thing| std::iter::once(&thing.id).chain(&thing.names)).cloned().collect()
    }
}
