//! From indicators to a set.

use std::collections::HashSet;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use stix::Id;
use uuid::Uuid;

use super::{Built, IndicatorSet, Leaf, NONE, Options, Rule, nanoseconds};
use crate::compile::{anchor, compile};
use crate::condition::{Condition, Conjunction, Subject};
use crate::filter::{Filter, Host, host_of_url};
use crate::indicator::{Indicator, Unusable};
use crate::key::{Key, KeyKind};
use crate::part::Part;
use crate::warning::WarningLists;

impl IndicatorSet {
    /// Compiles indicators. Nothing is dropped silently: what cannot be matched is in [`Built::refused`].
    /// Of several versions of one identifier only the newest counts; a revoked one never matches.
    ///
    /// Hashing is seeded anew for each set, since strangers choose the values; no result depends on it.
    #[must_use]
    pub fn build(
        indicators: impl IntoIterator<Item = Indicator>,
        warning_lists: &WarningLists,
        options: &Options,
        generation: u64,
    ) -> Built {
        let mut builder = Builder {
            set: Self::empty(generation, options.any_time),
            refused: Vec::new(),
            partial: Vec::new(),
        };
        let indicators = newest_versions(indicators);
        builder.set.make_room(indicators.len());
        for indicator in indicators {
            if let Err(unusable) = builder.add(&indicator, warning_lists, options) {
                builder.refused.push((indicator.id, unusable));
            }
        }
        builder.set.finish();
        Built { set: builder.set, refused: builder.refused, partial: builder.partial }
    }

    /// Nearly every indicator asks for one value; growing on the way costs more than the rest of the building.
    fn make_room(&mut self, indicators: usize) {
        const TEXT_BYTES: usize = 48;
        const VALUE_BYTES: usize = 24;
        self.rules.reserve(indicators);
        self.leaves.reserve(indicators);
        self.texts.reserve(indicators * TEXT_BYTES);
        self.values.reserve(indicators * VALUE_BYTES);
        self.table.reserve(indicators, |_| 0);
    }

    fn finish(&mut self) {
        for lengths in [&mut self.net4_lengths, &mut self.net6_lengths] {
            lengths.sort_unstable();
            lengths.dedup();
        }
        self.rules.shrink_to_fit();
        self.leaves.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.values.shrink_to_fit();
        self.fill_filter();
    }

    fn fill_filter(&mut self) {
        let mut filter = Filter::new(self.hasher.clone());
        filter.make_room(self.table.len());
        let mut url_v4 = HashSet::new();
        for leaf in self.table.iter().filter_map(|leaf| self.leaf(*leaf)) {
            let value = self.leaf_value(leaf);
            filter.insert(leaf.kind, value);
            if leaf.kind == KeyKind::Url
                && let Some(Host::Address(key)) = std::str::from_utf8(value).ok().and_then(host_of_url)
                && let Ok(octets) = key.bytes.as_ref().try_into()
            {
                url_v4.insert(octets);
            }
        }
        self.url_v4 = url_v4;
        self.filter = filter;
    }

    fn push_rule(&mut self, indicator: &Indicator) -> Result<u32, Unusable> {
        let full = || Unusable::new("set-full", "the set holds as many indicators as it can number");
        let rule = u32::try_from(self.rules.len()).map_err(|_| full())?;
        let text_start = u32::try_from(self.texts.len()).map_err(|_| full())?;
        let name = crate::indicator::short(&indicator.name);
        let (version, id) = (indicator.version.as_str(), indicator.id.as_str());
        let uuid = plain_uuid(id);
        if uuid.is_none() {
            self.odd_ids.insert(rule, indicator.id.clone());
        }
        self.texts.extend_from_slice(name.as_bytes());
        self.texts.extend_from_slice(version.as_bytes());
        let odd = || Unusable::new("set-full", "the version is longer than any can be");
        let instant = |time: &stix::Timestamp| time.instant().map(nanoseconds);
        self.rules.push(Rule {
            uuid: uuid.unwrap_or_default().into_bytes(),
            text_start,
            name_bytes: u16::try_from(name.len()).map_err(|_| odd())?,
            version_bytes: u8::try_from(version.len()).map_err(|_| odd())?,
            confidence: indicator.confidence,
            valid_from: instant(&indicator.valid_from).unwrap_or(i64::MIN),
            valid_until: indicator.valid_until.as_ref().and_then(instant).unwrap_or(i64::MAX),
        });
        Ok(rule)
    }

    fn push_branch(&mut self, rule: u32, branch: Conjunction) -> Result<(), Unusable> {
        let full = || Unusable::new("set-full", "the set holds as many values as it can number");
        let keys: Vec<Key> = match anchor(&branch) {
            Some(Condition::Value { keys, .. }) => keys.to_vec(),
            _ => return Ok(()),
        };
        let mut conjunction = NONE;
        if !is_plain(&branch) {
            conjunction = u32::try_from(self.conjunctions.len()).map_err(|_| full())?;
            self.conjunctions.push(branch);
        }
        for key in keys {
            self.push_leaf(&key, rule, conjunction).ok_or_else(full)?;
        }
        Ok(())
    }

    fn push_part(&mut self, rule: u32, part: Part) -> Result<(), Unusable> {
        let full = || Unusable::new("set-full", "the set holds as many values as it can number");
        let leads = self.parts.push(rule, part).ok_or_else(full)?;
        for (key, test) in leads {
            self.push_leaf(&key, rule, test).ok_or_else(full)?;
        }
        Ok(())
    }

    fn push_leaf(&mut self, key: &Key, rule: u32, conjunction: u32) -> Option<()> {
        let number = u32::try_from(self.leaves.len()).ok().filter(|number| *number != NONE)?;
        match key.kind {
            KeyKind::Net4(length) if !self.net4_lengths.contains(&length) => self.net4_lengths.push(length),
            KeyKind::Net6(length) if !self.net6_lengths.contains(&length) => self.net6_lengths.push(length),
            KeyKind::DomainBelow => self.has_below = true,
            _ => {}
        }
        let known = self.find(key.kind, &key.bytes);
        let first = known.and_then(|known| self.leaf(known));
        let (value_start, next) = match first {
            Some(first) => (first.value_start, first.next),
            None => (u32::try_from(self.values.len()).ok()?, NONE),
        };
        let value_bytes = u32::try_from(key.bytes.len()).ok()?;
        self.leaves.push(Leaf { value_start, value_bytes, kind: key.kind, rule, conjunction, next });
        match known {
            // The new leaf goes second in the chain: the table still points to the first.
            Some(known) => self.leaves.get_mut(known as usize)?.next = number,
            None => {
                self.values.extend_from_slice(&key.bytes);
                let mut table = std::mem::take(&mut self.table);
                let hash = self.hash(key.kind, &key.bytes);
                table.insert_unique(hash, number, |leaf| self.rehash(*leaf));
                self.table = table;
            }
        }
        Some(())
    }

    fn rehash(&self, leaf: u32) -> u64 {
        self.leaf(leaf).map_or(0, |leaf| self.hash(leaf.kind, self.leaf_value(leaf)))
    }
}

/// Of each identifier the newest version, in the order in which the identifiers came.
fn newest_versions(indicators: impl IntoIterator<Item = Indicator>) -> Vec<Indicator> {
    let indicators = indicators.into_iter();
    let expected = indicators.size_hint().0;
    let mut newest: Vec<Indicator> = Vec::with_capacity(expected);
    let mut places: HashTable<u32> = HashTable::with_capacity(expected);
    let state = foldhash::fast::RandomState::default();
    for indicator in indicators {
        let hash = state.hash_one(indicator.id.as_str());
        let same = |at: &u32| newest.get(*at as usize).is_some_and(|known| known.id == indicator.id);
        let place = places.find(hash, same).copied();
        match place.and_then(|at| newest.get_mut(at as usize)) {
            Some(known) if known.version < indicator.version => *known = indicator,
            Some(_) => {}
            None => {
                let Ok(at) = u32::try_from(newest.len()) else { break };
                newest.push(indicator);
                let rehash =
                    |at: &u32| newest.get(*at as usize).map_or(0, |known| state.hash_one(known.id.as_str()));
                places.insert_unique(hash, at, rehash);
            }
        }
    }
    newest
}

struct Builder {
    set: IndicatorSet,
    refused: Vec<(Id, Unusable)>,
    partial: Vec<(Id, Unusable)>,
}

impl Builder {
    fn add(
        &mut self,
        indicator: &Indicator,
        lists: &WarningLists,
        options: &Options,
    ) -> Result<(), Unusable> {
        if indicator.revoked {
            return Err(Unusable::new("revoked", "the indicator is revoked"));
        }
        if let (Some(least), Some(stated)) = (options.confidence_min, indicator.confidence)
            && stated < least
        {
            let message = format!("its producer's confidence is {stated}, below {least}");
            return Err(Unusable::new("confidence-low", message));
        }
        let mut compiled = compile(&indicator.pattern, options.covers, options.unanchored)?;
        compiled.branches.retain(|branch| match usable(branch, lists) {
            Ok(()) => true,
            Err(unusable) => {
                compiled.unusable.push(unusable);
                false
            }
        });
        compiled.parts.retain(|part| match known_good(part, lists) {
            None => true,
            Some(list) => {
                compiled.unusable.push(on_list(list));
                false
            }
        });
        if compiled.branches.is_empty() && compiled.parts.is_empty() {
            let never = || Unusable::new("pattern-never-matches", "nothing can satisfy the pattern");
            return Err(compiled.unusable.into_iter().next().unwrap_or_else(never));
        }
        let rule = self.set.push_rule(indicator)?;
        for branch in compiled.branches {
            self.set.push_branch(rule, branch)?;
        }
        for (place, part) in compiled.parts.into_iter().enumerate() {
            self.set.push_part(rule, part.belonging_to(indicator.id.as_str(), place))?;
        }
        if let Some(unusable) = compiled.unusable.into_iter().next() {
            self.partial.push((indicator.id.clone(), unusable));
        }
        Ok(())
    }
}

/// Whether a branch can be found by a value, and is not one of well-known benign values only.
fn usable(branch: &Conjunction, lists: &WarningLists) -> Result<(), Unusable> {
    if anchor(branch).is_none() {
        let message = "the pattern names no address, name, URL, hash or e-mail address to look for";
        return Err(Unusable::new("pattern-no-anchor", message));
    }
    let mut list = None;
    for condition in branch {
        let Condition::Value { keys, .. } = condition else { continue };
        for key in keys {
            match lists.find(key) {
                Some(name) => list = Some(name),
                None => return Ok(()),
            }
        }
    }
    match list {
        Some(name) => Err(on_list(name)),
        None => Ok(()),
    }
}

fn on_list(name: &str) -> Unusable {
    Unusable::new("warning-list", format!("the value is on the warning list `{name}`"))
}

/// The list that the part's values are on, where all of them are on one.
fn known_good<'a>(part: &Part, lists: &'a WarningLists) -> Option<&'a str> {
    let mut keys = part.anchors.iter().flatten().flatten().peekable();
    keys.peek()?;
    keys.map(|key| lists.find(key)).collect::<Option<Vec<_>>>()?.pop()
}

/// Whether the anchor's look-up alone decides: one comparison, of any end.
fn is_plain(branch: &[Condition]) -> bool {
    match branch {
        [Condition::Value { subject, role: None, .. }] => *subject != Subject::Record,
        _ => false,
    }
}

/// The UUID of an identifier that can be written back from it.
fn plain_uuid(id: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(id.strip_prefix("indicator--")?).ok()?;
    (Id::new("indicator", uuid).as_str() == id).then_some(uuid)
}
