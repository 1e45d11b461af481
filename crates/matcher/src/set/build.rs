//! From indicators to a set.

use std::collections::HashSet;
use std::sync::Arc;

use hashbrown::HashTable;
use stix::{Id, Timestamp};
use uuid::Uuid;

use super::layer::{Layer, Leaf, NONE, Place, STRIDE, hash};
use super::record::{Asked, Kept, Record, Version, instant, saturated};
use super::table::Table;
use super::{Built, Delta, IndicatorSet, Options, Top, plain};
use crate::compile::{Compiled, anchor, compile};
use crate::condition::{Condition, Conjunction, Subject};
use crate::filter::Gathering;
use crate::indicator::{Indicator, Unusable, short};
use crate::key::{Key, KeyKind};
use crate::own::OwnAssets;
use crate::part::Part;
use crate::simd::HashKey;
use crate::warning::WarningLists;

impl IndicatorSet {
    /// Compiles indicators. Nothing is dropped silently: what cannot be matched is in [`Built::refused`].
    /// Of several versions of one identifier only the newest counts; a revoked one never matches.
    #[must_use]
    pub fn build(
        indicators: impl IntoIterator<Item = Indicator>,
        warning_lists: &WarningLists,
        options: &Options,
        generation: u64,
    ) -> Built {
        let key = HashKey::new(options.seed);
        let indicators = newest_versions(indicators, &key);
        let mut builder = Builder::new(&key, indicators.len());
        for indicator in &indicators {
            if let Err(unusable) = builder.add(indicator, warning_lists, options) {
                builder.refused.push((indicator.id.clone(), unusable));
            }
        }
        drop(indicators);
        let own = std::mem::take(&mut builder.own);
        let (layer, refused, partial) = builder.finish();
        let has = layer.filter.has;
        let set = Self {
            generation,
            any_time: options.any_time,
            key,
            base: Arc::new(layer),
            top: None,
            gone: Arc::default(),
            has,
        };
        Built { set, refused, partial, own }
    }

    /// The set with a few changes. What is large is shared with this one, so this takes a moment where a new
    /// [`build`](Self::build) takes seconds; the answers are the same. Warning lists and options are those that this set was
    /// built with. [`Built::refused`] and [`Built::partial`] tell of what the change puts in.
    #[must_use]
    pub fn apply(
        &self,
        delta: Delta,
        warning_lists: &WarningLists,
        options: &Options,
        generation: u64,
    ) -> Built {
        let changed: HashSet<&Id> = delta.put.iter().map(|put| &put.id).chain(&delta.dropped).collect();
        let mut gone = HashSet::clone(&self.gone);
        gone.extend(self.base.rules_of(&changed));
        let kept = self.top.iter().flat_map(|top| &top.indicators);
        let kept: Vec<Indicator> = kept.filter(|kept| !changed.contains(&kept.id)).cloned().collect();
        let mut builder = Builder::new(&self.key, kept.len() + delta.put.len());
        builder.unanchored =
            self.base.parts.unanchored().iter().filter(|lead| !gone.contains(&lead.rule)).count();
        for indicator in &kept {
            // They were taken before.
            let _ = builder.add(indicator, warning_lists, options);
        }
        builder.partial.clear();
        builder.own.clear();
        let mut indicators = kept;
        for indicator in last_of_each(delta.put, &self.key) {
            match builder.add(&indicator, warning_lists, options) {
                Ok(()) => indicators.push(indicator),
                Err(unusable) => builder.refused.push((indicator.id, unusable)),
            }
        }
        let own = std::mem::take(&mut builder.own);
        let (layer, refused, partial) = builder.finish();
        let has = self.base.filter.has.or(layer.filter.has);
        let top = (layer.rules > 0).then(|| Arc::new(Top { layer, indicators }));
        let set = Self {
            generation,
            any_time: options.any_time,
            key: self.key.clone(),
            base: Arc::clone(&self.base),
            top,
            gone: Arc::new(gone),
            has,
        };
        Built { set, refused, partial, own }
    }
}

impl Layer {
    /// The rules of these indicators. Every record is read: there is no table by identifier, which would cost each indicator
    /// more than its name does.
    fn rules_of(&self, ids: &HashSet<&Id>) -> Vec<u32> {
        let uuids: HashSet<Uuid> = ids.iter().filter_map(|id| plain_uuid(id.as_str())).collect();
        let odd = self.odd_ids.iter().filter(|(_, id)| ids.contains(id)).map(|(rule, _)| *rule);
        let mut rules: Vec<u32> = odd.collect();
        let mut rest = self.records.as_slice();
        for rule in 0..self.rules {
            let Some((record, behind)) = Record::read(rest) else { break };
            rest = behind;
            if record.uuid.is_some_and(|uuid| uuids.contains(&uuid)) {
                rules.push(rule);
            }
        }
        rules
    }
}

/// What was not used of indicators, with the reason.
type Unused = Vec<(Id, Unusable)>;

/// A layer in the making.
struct Builder<'k> {
    key: &'k HashKey,
    layer: Layer,
    gathering: Gathering<'k>,
    /// Values' hashes and places, for the table.
    entries: Vec<(u64, Place)>,
    refused: Unused,
    partial: Unused,
    own: Vec<Id>,
    /// Comparisons that no value leads to, of the layer below as well.
    unanchored: usize,
}

impl<'k> Builder<'k> {
    /// Nearly every indicator asks for one value; growing on the way costs more than the rest of the building.
    fn new(key: &'k HashKey, indicators: usize) -> Self {
        const RECORD_BYTES: usize = 72;
        let layer = Layer { records: Vec::with_capacity(indicators * RECORD_BYTES), ..Layer::default() };
        Self {
            key,
            layer,
            gathering: Gathering::new(key, indicators),
            entries: Vec::with_capacity(indicators),
            refused: Vec::new(),
            partial: Vec::new(),
            own: Vec::new(),
            unanchored: 0,
        }
    }

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
        let reach = indicator.reach.unwrap_or(options.reach);
        if let Some(plain) = plain::read(&indicator.pattern, reach) {
            return self.add_plain(indicator, &plain, lists, options);
        }
        let mut compiled = compile(&indicator.pattern, reach, options.unanchored)?;
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
                compiled.unusable.push(on_warning_list(list));
                false
            }
        });
        if compiled.branches.is_empty() && compiled.parts.is_empty() {
            let never = || Unusable::new("pattern-never-matches", "nothing can satisfy the pattern");
            return Err(compiled.unusable.into_iter().next().unwrap_or_else(never));
        }
        self.allow_unanchored(&compiled.parts, options)?;
        if options.own_assets.as_ref().is_some_and(|own| asks_for(&compiled, own)) {
            self.own.push(indicator.id.clone());
        }
        match asked_by(&compiled.branches).filter(|_| compiled.parts.is_empty()) {
            Some((asked, key)) => {
                self.push_rule(indicator, asked, &key.bytes)?;
            }
            None => {
                let rule = self.push_rule(indicator, Asked::Elsewhere, &[])?;
                for branch in compiled.branches {
                    self.push_branch(rule, branch)?;
                }
                for (place, part) in compiled.parts.into_iter().enumerate() {
                    self.push_part(rule, part.belonging_to(indicator.id.as_str(), place))?;
                }
            }
        }
        if let Some(unusable) = compiled.unusable.into_iter().next() {
            self.partial.push((indicator.id.clone(), unusable));
        }
        Ok(())
    }

    /// Adds a pattern of one equality.
    fn add_plain(
        &mut self,
        indicator: &Indicator,
        plain: &plain::Plain<'_>,
        lists: &WarningLists,
        options: &Options,
    ) -> Result<(), Unusable> {
        let value = plain.value.bytes();
        let kind = match plain.asked {
            Asked::One(kind) => kind,
            Asked::NameAndBelow | Asked::Elsewhere => KeyKind::Domain,
        };
        if let Some(list) = lists.find(kind, value) {
            return Err(on_warning_list(list));
        }
        self.push_rule(indicator, plain.asked, value)?;
        if options.own_assets.as_ref().is_some_and(|own| own.touch(kind, value)) {
            self.own.push(indicator.id.clone());
        }
        Ok(())
    }

    /// Counts what no value leads to, and refuses what is too much of it.
    fn allow_unanchored(&mut self, parts: &[Part], options: &Options) -> Result<(), Unusable> {
        let more = parts.iter().flat_map(|part| &part.anchors).filter(|anchor| anchor.is_none()).count();
        let total = self.unanchored + more;
        if let Some(most) = options.unanchored_max.filter(|most| more > 0 && total > *most) {
            let message = format!("more than {most} comparisons would have to look at every record");
            return Err(Unusable::new("unanchored-many", message));
        }
        self.unanchored = total;
        Ok(())
    }

    fn push_rule(&mut self, indicator: &Indicator, asked: Asked, value: &[u8]) -> Result<u32, Unusable> {
        let full = || Unusable::new("set-full", "the set holds as many indicators as it can number");
        let rule = self.layer.rules;
        let place = Place::record(rule).ok_or_else(full)?;
        let start = u32::try_from(self.layer.records.len()).map_err(|_| full())?;
        let version = Version::of(&indicator.version);
        if matches!(version, Version::Text(text) if text.len() > usize::from(u8::MAX)) {
            return Err(Unusable::new("set-full", "the version is longer than any can be"));
        }
        let uuid = plain_uuid(indicator.id.as_str());
        if uuid.is_none() {
            self.layer.odd_ids.insert(rule, indicator.id.clone());
        }
        let record = Record {
            asked,
            value: Kept::whole(value),
            uuid,
            name: short(&indicator.name),
            version,
            valid_from: nanoseconds(&indicator.valid_from).unwrap_or(i64::MIN),
            valid_until: indicator.valid_until.as_ref().and_then(nanoseconds).unwrap_or(i64::MAX),
            confidence: indicator.confidence,
        };
        if rule.is_multiple_of(STRIDE) {
            self.layer.strides.push(start);
        }
        record.write(&mut self.layer.records);
        self.layer.rules += 1;
        match asked {
            Asked::Elsewhere => {}
            Asked::One(kind) => self.keep(kind, value, place),
            Asked::NameAndBelow => {
                self.keep(KeyKind::Domain, value, place);
                self.know(KeyKind::DomainBelow, value);
            }
        }
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
            conjunction = u32::try_from(self.layer.conjunctions.len()).map_err(|_| full())?;
            self.layer.conjunctions.push(branch);
        }
        for key in keys {
            self.push_leaf(&key, rule, conjunction).ok_or_else(full)?;
        }
        Ok(())
    }

    fn push_part(&mut self, rule: u32, part: Part) -> Result<(), Unusable> {
        let full = || Unusable::new("set-full", "the set holds as many values as it can number");
        let leads = self.layer.parts.push(rule, part).ok_or_else(full)?;
        for (key, test) in leads {
            self.push_leaf(&key, rule, test).ok_or_else(full)?;
        }
        Ok(())
    }

    /// Notes a value that leads to a rule, with the number of what else must hold; `None`: there is no room.
    fn push_leaf(&mut self, key: &Key, rule: u32, conjunction: u32) -> Option<()> {
        let place = Place::leaf(self.layer.leaves.len())?;
        let value_start = u32::try_from(self.layer.values.len()).ok()?;
        let value_bytes = u32::try_from(key.bytes.len()).ok()?;
        self.layer.values.extend_from_slice(&key.bytes);
        self.layer.leaves.push(Leaf { value_start, value_bytes, kind: key.kind, rule, conjunction });
        self.keep(key.kind, &key.bytes, place);
        Some(())
    }

    /// Notes where a value stands.
    fn keep(&mut self, kind: KeyKind, value: &[u8], place: Place) {
        self.entries.push((hash(self.key, kind, value), place));
        self.know(kind, value);
    }

    /// Notes that a value is one of the set's.
    fn know(&mut self, kind: KeyKind, value: &[u8]) {
        match kind {
            KeyKind::Net4(length) if !self.layer.net4_lengths.contains(&length) => {
                self.layer.net4_lengths.push(length);
            }
            KeyKind::Net6(length) if !self.layer.net6_lengths.contains(&length) => {
                self.layer.net6_lengths.push(length);
            }
            KeyKind::DomainBelow => self.layer.has_below = true,
            KeyKind::UrlPath | KeyKind::UrlBelow => self.layer.has_wide_urls = true,
            _ => {}
        }
        if let Some(host) = self.gathering.insert(kind, value) {
            self.layer.url_v4.insert(host);
        }
    }

    fn finish(self) -> (Layer, Unused, Unused) {
        let Self { mut layer, gathering, entries, refused, partial, .. } = self;
        for lengths in [&mut layer.net4_lengths, &mut layer.net6_lengths] {
            lengths.sort_unstable();
        }
        layer.records.shrink_to_fit();
        layer.strides.shrink_to_fit();
        layer.leaves.shrink_to_fit();
        layer.values.shrink_to_fit();
        layer.filter = gathering.finish();
        layer.enter(entries);
        (layer, refused, partial)
    }
}

impl Layer {
    /// Fills the table.
    fn enter(&mut self, entries: Vec<(u64, Place)>) {
        let mut table = Table::with_room(entries.len());
        for (hash, place) in entries {
            match table.find(hash, |other| self.are_equal(Place(other), place)).map(Place) {
                None => {
                    table.insert(hash, place.0);
                }
                // It goes second in the chain: the table still points to the first.
                Some(known) => {
                    if let Some(next) = self.more.insert(known, place) {
                        self.more.insert(place, next);
                    }
                }
            }
        }
        self.table = table;
    }
}

/// Where one value is all that a pattern asks for: that value.
fn asked_by(branches: &[Conjunction]) -> Option<(Asked, &Key)> {
    let [branch] = branches else { return None };
    let [Condition::Value { keys, .. }] = branch.as_ref() else { return None };
    if !is_plain(branch) {
        return None;
    }
    match keys.as_ref() {
        [key] => Some((Asked::One(key.kind), key)),
        [name, below]
            if name.kind == KeyKind::Domain
                && below.kind == KeyKind::DomainBelow
                && name.bytes == below.bytes =>
        {
            Some((Asked::NameAndBelow, name))
        }
        _ => None,
    }
}

/// Of each identifier the newest version, in the order in which the identifiers came.
fn newest_versions(indicators: impl IntoIterator<Item = Indicator>, key: &HashKey) -> Vec<Indicator> {
    one_of_each(indicators, key, |known, other| known.version < other.version)
}

/// Of each identifier the last, in the order in which the identifiers came.
fn last_of_each(indicators: Vec<Indicator>, key: &HashKey) -> Vec<Indicator> {
    one_of_each(indicators, key, |_, _| true)
}

fn one_of_each(
    indicators: impl IntoIterator<Item = Indicator>,
    key: &HashKey,
    replaces: impl Fn(&Indicator, &Indicator) -> bool,
) -> Vec<Indicator> {
    // A list is taken over as it is, which spares a copy of it.
    let mut all: Vec<Indicator> = indicators.into_iter().collect();
    let mut places: HashTable<u32> = HashTable::with_capacity(all.len());
    let hash = |id: &Id| key.exact(u16::MAX, id.as_str().as_bytes());
    let mut others = HashSet::new();
    for at in 0..u32::try_from(all.len()).unwrap_or(u32::MAX) {
        let Some(indicator) = all.get(at as usize) else { break };
        let of = |place: &u32| all.get(*place as usize);
        let same = |place: &u32| of(place).is_some_and(|known| known.id == indicator.id);
        match places.find(hash(&indicator.id), same).copied() {
            None => {
                let rehash = |place: &u32| of(place).map_or(0, |known| hash(&known.id));
                places.insert_unique(hash(&indicator.id), at, rehash);
            }
            Some(place) => {
                others.insert(at as usize);
                // The one that counts stands where the first one came.
                if of(&place).is_some_and(|known| replaces(known, indicator)) {
                    all.swap(place as usize, at as usize);
                }
            }
        }
    }
    if !others.is_empty() {
        let mut at = 0..;
        all.retain(|_| at.next().is_none_or(|at: usize| !others.contains(&at)));
    }
    all
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
            match lists.find(key.kind, &key.bytes) {
                Some(name) => list = Some(name),
                None => return Ok(()),
            }
        }
    }
    list.map_or(Ok(()), |name| Err(on_warning_list(name)))
}

fn on_warning_list(name: &str) -> Unusable {
    Unusable::new("warning-list", format!("the value is on the warning list `{name}`"))
}

/// The list that the part's values are on, where all of them are on one.
fn known_good<'a>(part: &Part, lists: &'a WarningLists) -> Option<&'a str> {
    let mut keys = part.anchors.iter().flatten().flatten().peekable();
    keys.peek()?;
    keys.map(|key| lists.find(key.kind, &key.bytes)).collect::<Option<Vec<_>>>()?.pop()
}

/// Whether any value that a pattern asks for is the operator's own.
fn asks_for(compiled: &Compiled, own: &OwnAssets) -> bool {
    let branches = compiled.branches.iter().flatten().filter_map(|condition| match condition {
        Condition::Value { keys, .. } => Some(keys.iter()),
        _ => None,
    });
    let parts = compiled.parts.iter().flat_map(|part| &part.anchors).flatten();
    let mut keys = branches.flatten().chain(parts.flatten());
    keys.any(|key| own.touch(key.kind, &key.bytes))
}

/// Whether the anchor's look-up alone decides: one comparison, of any end.
fn is_plain(branch: &[Condition]) -> bool {
    match branch {
        [Condition::Value { subject, role: None, .. }] => {
            !matches!(subject, Subject::Resolved | Subject::Record)
        }
        _ => false,
    }
}

/// Nanoseconds since 1970, saturated; `None` outside of the years that are counted.
fn nanoseconds(time: &Timestamp) -> Option<i64> {
    match instant(time.as_str()) {
        Some((nanoseconds, _)) => Some(saturated(nanoseconds)),
        None => time.instant().map(|instant| saturated(instant.as_nanosecond())),
    }
}

/// The UUID of an identifier that can be written back from it: in lower case, with its hyphens.
fn plain_uuid(id: &str) -> Option<Uuid> {
    let text = id.strip_prefix("indicator--")?;
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    let uuid = Uuid::try_parse(text).ok()?;
    (plain && text.len() == 36).then_some(uuid)
}
