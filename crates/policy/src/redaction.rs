//! Redacted copies (STIX 2.1 §3.5, §7.2.3): which copies of an object there are to be, what each leaves out, and under which label.
//!
//! 1. Markings of parts are read. A marking around a part counts for it, too.
//! 2. Parts that bear the same label but for statements go to the same readers: a *unit*. Markings that restrict no more than the
//!    object's own (a statement, a freer level) make none.
//! 3. A *profile* is a set of units that somebody may read, without the others. Where one unit is under a freer level than
//!    another and nothing else tells them apart, whoever reads the stricter one reads the freer one: no profile is made for the
//!    opposite.
//! 4. Each profile is a copy, under the join of the labels of what it holds. Readers are shown the first one that they may read,
//!    those with more units before those with fewer, and none if they may read the original.
//!
//! Nothing here decides who reads what. A profile that no policy tells apart from another one is never shown.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{OrganisationId, Realm};
use sha2::{Digest, Sha256};
use stix::redact::{Selector, without};
use stix::{Id, Object};

use crate::{Label, Marking, TlpLabel};

/// Units of one object that are told apart. In an object that has more, all of them are withheld together.
pub const UNITS_MAX: usize = 4;
/// Copies of one version at most; where there would be more, there is the one that withholds every unit.
pub const PROFILES_MAX: usize = 8;

/// Sets of markings that are borne together.
type Markings = BTreeSet<Id>;

/// One copy that there is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Stands for the units it holds, the same for every version: 64 hexadecimal digits.
    pub key: String,
    /// How many units it holds. Of two copies that somebody may read, the one with more is shown; of as many, that whose key comes first.
    pub units: usize,
    /// What bears the copy, as long as nothing stands in for anything.
    pub label: Label,
    withheld: BTreeSet<Selector>,
}

/// The sets of markings under which parts of an object stand, beside its own.
pub(crate) fn markings_of_parts(object: &Object) -> BTreeSet<Markings> {
    parts(object).into_values().collect()
}

/// The copies of an object that there are to be, in the order in which readers are offered them. None where no part is restricted more
/// than the whole, where nobody but its originator may read the rest, and of objects that are no intelligence (definitions).
///
/// `meaning` as in [`Label::of`].
#[must_use]
pub fn profiles(
    object: &Object,
    originator: &OrganisationId,
    realm: &Realm,
    meaning: impl Fn(&Id) -> Option<Marking>,
) -> Vec<Profile> {
    if matches!(object.object_type(), "marking-definition" | "extension-definition") {
        return Vec::new();
    }
    let whole = stix::marking::object_marking_refs(object);
    let label = |part: &Markings| {
        let markings: Vec<Id> = whole.iter().chain(part).cloned().collect();
        Label::of_markings(&markings, object, originator, realm, &meaning)
    };
    let base = label(&Markings::new());
    if base.is_closed() || !base.unknown.is_empty() {
        return Vec::new();
    }
    let silent = |label: Label| Label { statements: BTreeSet::new(), ..label };
    let parts: Vec<(Selector, Label)> =
        parts(object).into_iter().map(|(selector, markings)| (selector, label(&markings))).collect();
    let mut units: Vec<Label> = Vec::new();
    let free = silent(base.clone());
    for unit in parts.iter().map(|(_, label)| silent(label.clone())).filter(|unit| *unit != free) {
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    if units.is_empty() {
        return Vec::new();
    }
    units.sort_by_cached_key(Label::to_text);
    let profile = |held: &[usize]| {
        let is_held = |label: &Label| {
            let unit = silent(label.clone());
            let place = units.iter().position(|other| *other == unit);
            place.is_none_or(|place| held.contains(&place))
        };
        let (shown, withheld): (Vec<_>, Vec<_>) = parts.iter().partition(|(_, label)| is_held(label));
        let join = |label: Label, part: &(Selector, Label)| label.join(&part.1).unwrap_or(label);
        Profile {
            key: key(held.iter().filter_map(|place| units.get(*place))),
            units: held.len(),
            label: shown.into_iter().fold(base.clone(), join),
            withheld: withheld.into_iter().map(|(selector, _)| selector.clone()).collect(),
        }
    };
    let mut profiles: Vec<Profile> = held_sets(&units).iter().map(|held| profile(held)).collect();
    if profiles.len() > PROFILES_MAX {
        profiles = vec![profile(&[])];
    }
    profiles.sort_by(|a, b| (b.units, &a.key).cmp(&(a.units, &b.key)));
    profiles
}

/// What binds whoever tells what stands in some properties of an object: the join of the labels of the marked parts in them; `None`
/// where there are none.
#[must_use]
pub fn label_of_properties(
    object: &Object,
    originator: &OrganisationId,
    realm: &Realm,
    properties: &BTreeSet<&str>,
    meaning: impl Fn(&Id) -> Option<Marking>,
) -> Option<Label> {
    let whole = stix::marking::object_marking_refs(object);
    let marked = parts(object).into_iter();
    let concerned =
        marked.filter(|(selector, _)| selector.property().is_some_and(|name| properties.contains(name)));
    let labels = concerned.map(|(_, part)| {
        let markings: Vec<Id> = whole.iter().chain(&part).cloned().collect();
        Label::of_markings(&markings, object, originator, realm, &meaning)
    });
    labels.reduce(|label, part| label.join(&part).unwrap_or(label))
}

impl Profile {
    /// The copy; `None` where there can be none ([`stix::redact::without`]).
    #[must_use]
    pub fn copy(&self, object: &Object, id: &Id, created_by: Option<&Id>) -> Option<Object> {
        without(object, &self.withheld, id, created_by)
    }

    /// What it leaves out, as selectors of the original.
    #[must_use]
    pub fn withheld(&self) -> Vec<String> {
        self.withheld.iter().map(Selector::text).collect()
    }

    /// The identifier of this profile's copies of an object: the same for every version, and worked out by nobody without the node's
    /// secret. As random as any (version 4), for that of an observable would tell what is in it (STIX 2.1 §2.9).
    #[must_use]
    pub fn id(&self, secret: &[u8; 32], realm: &Realm, original: &Id, originator: &OrganisationId) -> Id {
        let parts = [&realm.to_string(), original.as_str(), originator.as_str(), &self.key];
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        let digest = keyed_hash(secret, &text);
        let random = digest.first_chunk::<16>().copied().unwrap_or_default();
        Id::new(original.object_type(), uuid::Builder::from_random_bytes(random).into_uuid())
    }
}

/// HMAC-SHA256 (RFC 2104) under a key of half a block.
fn keyed_hash(secret: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let block = |with: u8| {
        let mut block = [with; 64];
        for (byte, key) in block.iter_mut().zip(secret) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new().chain_update(block(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block(0x5c)).chain_update(inner).finalize().into()
}

/// What is marked, each part with all the markings that count for it.
fn parts(object: &Object) -> BTreeMap<Selector, Markings> {
    let mut marked: BTreeMap<Selector, Markings> = BTreeMap::new();
    for granular in stix::marking::granular(object) {
        let Some(marking) = granular.marking_ref else { continue };
        for selector in &granular.selectors {
            marked.entry(Selector::parse(selector)).or_default().insert(marking.clone());
        }
    }
    let around = |selector: &Selector| {
        let holding = marked.iter().filter(|(other, _)| other.holds(selector));
        holding.flat_map(|(_, markings)| markings.iter().cloned()).collect()
    };
    marked.keys().map(|selector| (selector.clone(), around(selector))).collect()
}

/// The sets of units that somebody may read without the others, by their places: all but the set of all.
fn held_sets(units: &[Label]) -> Vec<Vec<usize>> {
    if units.len() > UNITS_MAX {
        return vec![Vec::new()];
    }
    let all: u32 = (1 << units.len()) - 1;
    let places = |set: u32| (0..units.len()).filter(move |place| set & (1 << place) != 0);
    let holds_what_is_freer = |set: u32| {
        places(set).all(|held| {
            let Some(held) = units.get(held) else { return false };
            let mut others = units.iter().enumerate();
            others.all(|(place, other)| set & (1 << place) != 0 || !is_freer(other, held))
        })
    };
    // What bears an unknown marking is for nobody.
    let is_readable =
        |set: u32| places(set).all(|place| units.get(place).is_some_and(|unit| unit.unknown.is_empty()));
    let sets = (0..all).filter(|set| is_readable(*set) && holds_what_is_freer(*set));
    sets.map(|set| places(set).collect()).collect()
}

/// Whether whoever may read the stricter one may read the freer one, as far as that can be told without asking policies.
fn is_freer(freer: &Label, stricter: &Label) -> bool {
    let (TlpLabel::Level(low), TlpLabel::Level(high)) = (freer.tlp, stricter.tlp) else { return false };
    freer != stricter
        && low <= high
        && freer.pap <= stricter.pap
        && freer.groups == stricter.groups
        && freer.originator_control <= stricter.originator_control
        && freer.unknown.is_subset(&stricter.unknown)
        && freer.demands.is_subset(&stricter.demands)
}

fn key<'u>(units: impl Iterator<Item = &'u Label>) -> String {
    let hash = units.fold(Sha256::new(), |hash, unit| hash.chain_update(unit.id().0));
    hex::encode(hash.finalize())
}
