use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use jiff::Timestamp;
use stix::Id;
use uuid::Uuid;

use crate::compile::{Covers, compile};
use crate::condition::{Condition, Conjunction, Subject};
use crate::filter::{Filter, Host, host_of_url};
use crate::indicator::{Indicator, Unusable};
use crate::key::{Key, KeyKind, masked};
use crate::warning::WarningLists;

/// How a set is built.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What `=` on a domain name covers.
    pub covers: Covers,
    /// Indicators that state a lower confidence are refused (`confidence-low`); those that state none are taken.
    pub confidence_min: Option<u8>,
    /// Takes an indicator to count at any time. Otherwise it counts for records from `valid_from` on and before `valid_until`.
    pub any_time: bool,
}

/// A new set and what did not make it in.
#[derive(Debug)]
pub struct Built {
    /// The set.
    pub set: IndicatorSet,
    /// Indicators of which nothing can be matched, with the reason.
    pub refused: Vec<(Id, Unusable)>,
    /// Indicators that are matched by some branches of their pattern and not by others, with the first reason.
    pub partial: Vec<(Id, Unusable)>,
}

/// Indicators compiled for look-up; immutable, so share it in an [`Arc`] and put a newer one in its place.
pub struct IndicatorSet {
    generation: u64,
    any_time: bool,
    hasher: foldhash::fast::SeedableRandomState,
    rules: Vec<Rule>,
    leaves: Vec<Leaf>,
    conjunctions: Vec<Conjunction>,
    /// Names and versions of the rules.
    texts: Vec<u8>,
    /// Identifiers with capital letters and the like, by rule.
    odd_ids: HashMap<u32, Id>,
    /// The values of the leaves, each once per table slot.
    values: Vec<u8>,
    /// Leaf numbers by kind and value; leaves of one value are chained.
    table: HashTable<u32>,
    /// The prefix lengths in use.
    net4_lengths: Vec<u8>,
    net6_lengths: Vec<u8>,
    has_below: bool,
    /// IPv4 hosts of URLs, which are in no table of addresses.
    url_v4: HashSet<[u8; 4]>,
    filter: Filter,
}

/// An indicator, packed: a million of them must fit into an edge.
struct Rule {
    /// The UUID of the identifier; an identifier that cannot be written back from it stands in `odd_ids`.
    uuid: [u8; 16],
    text_start: u32,
    name_bytes: u16,
    version_bytes: u8,
    confidence: Option<u8>,
    /// Nanoseconds since 1970; saturated.
    valid_from: i64,
    valid_until: i64,
}

/// One value that leads to a rule.
struct Leaf {
    value_start: u32,
    value_bytes: u32,
    kind: KeyKind,
    rule: u32,
    /// What else must hold; `NONE`: nothing.
    conjunction: u32,
    /// The next leaf of the same value; `NONE`: the last.
    next: u32,
}

const NONE: u32 = u32::MAX;

/// What a look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lead {
    pub(crate) rule: u32,
    pub(crate) conjunction: Option<u32>,
}

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

    /// A set that matches nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::empty(0, false)
    }

    fn empty(generation: u64, any_time: bool) -> Self {
        let seed = std::hash::RandomState::new().build_hasher().finish();
        let hasher =
            foldhash::fast::SeedableRandomState::with_seed(seed, foldhash::SharedSeed::global_random());
        Self {
            generation,
            any_time,
            hasher: hasher.clone(),
            rules: Vec::new(),
            leaves: Vec::new(),
            conjunctions: Vec::new(),
            texts: Vec::new(),
            odd_ids: HashMap::new(),
            values: Vec::new(),
            table: HashTable::new(),
            net4_lengths: Vec::new(),
            net6_lengths: Vec::new(),
            has_below: false,
            url_v4: HashSet::new(),
            filter: Filter::new(hasher),
        }
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

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether an IPv4 address is one of the set's, in one of its networks, or the host of one of its URLs.
    pub(crate) fn knows_v4(&self, address: u32) -> bool {
        let octets = address.to_be_bytes();
        self.url_v4.contains(&octets) || self.knows(&Key::new(KeyKind::V4, octets))
    }

    /// Whether an observed value leads to any indicator.
    pub(crate) fn knows(&self, seen: &Key) -> bool {
        let mut known = false;
        self.look_up(seen, &mut |_| known = true);
        known
    }

    /// The number given at building, to tell one set from the next.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many indicators the set matches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether the set matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Bytes of memory that the set holds, without the allocator's overhead.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rules.capacity() * size_of::<Rule>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.texts.capacity()
            + self.values.capacity()
            + self.filter.bytes()
            + self.table.capacity() * 8 / 7 * (size_of::<u32>() + 1)
    }

    fn hash(&self, kind: KeyKind, value: &[u8]) -> u64 {
        let (tag, length) = match kind {
            KeyKind::V4 => (0, 0),
            KeyKind::V6 => (1, 0),
            KeyKind::Net4(length) => (2, length),
            KeyKind::Net6(length) => (3, length),
            KeyKind::Domain => (4, 0),
            KeyKind::DomainBelow => (5, 0),
            KeyKind::Url => (6, 0),
            KeyKind::Email => (7, 0),
            KeyKind::Md5 => (8, 0),
            KeyKind::Sha1 => (9, 0),
            KeyKind::Sha256 => (10, 0),
            KeyKind::Sha512 => (11, 0),
            KeyKind::Mac => (12, 0),
            KeyKind::FileName => (13, 0),
        };
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u16(u16::from_le_bytes([tag, length]));
        hasher.write(value);
        hasher.finish()
    }

    fn leaf_is(&self, leaf: u32, kind: KeyKind, value: &[u8]) -> bool {
        self.leaf(leaf).is_some_and(|leaf| leaf.kind == kind && self.leaf_value(leaf) == value)
    }

    fn leaf(&self, number: u32) -> Option<&Leaf> {
        self.leaves.get(number as usize)
    }

    fn leaf_value(&self, leaf: &Leaf) -> &[u8] {
        let start = leaf.value_start as usize;
        self.values.get(start..start + leaf.value_bytes as usize).unwrap_or_default()
    }

    fn find(&self, kind: KeyKind, value: &[u8]) -> Option<u32> {
        if self.leaves.is_empty() {
            return None;
        }
        self.table.find(self.hash(kind, value), |leaf| self.leaf_is(*leaf, kind, value)).copied()
    }

    fn leads(&self, kind: KeyKind, value: &[u8], found: &mut impl FnMut(Lead)) {
        let mut next = self.find(kind, value);
        while let Some(leaf) = next.and_then(|number| self.leaf(number)) {
            let conjunction = (leaf.conjunction != NONE).then_some(leaf.conjunction);
            found(Lead { rule: leaf.rule, conjunction });
            next = (leaf.next != NONE).then_some(leaf.next);
        }
    }

    /// Every rule that an observed value leads to.
    pub(crate) fn look_up(&self, seen: &Key, found: &mut impl FnMut(Lead)) {
        self.leads(seen.kind, &seen.bytes, found);
        let (lengths, net): (&[u8], fn(u8) -> KeyKind) = match seen.kind {
            KeyKind::V4 => (&self.net4_lengths, KeyKind::Net4),
            KeyKind::V6 => (&self.net6_lengths, KeyKind::Net6),
            KeyKind::Domain if self.has_below => return self.look_up_parents(&seen.bytes, found),
            _ => return,
        };
        for length in lengths {
            if let Some(first) = masked(&seen.bytes, *length) {
                self.leads(net(*length), &first, found);
            }
        }
    }

    fn look_up_parents(&self, name: &[u8], found: &mut impl FnMut(Lead)) {
        let mut rest = name;
        while let Some(dot) = memchr::memchr(b'.', rest) {
            rest = rest.get(dot + 1..).unwrap_or_default();
            self.leads(KeyKind::DomainBelow, rest, found);
        }
    }

    pub(crate) fn conjunction(&self, number: u32) -> &[Condition] {
        self.conjunctions.get(number as usize).map_or(&[], AsRef::as_ref)
    }

    /// Whether the rule counts for a record of this time.
    pub(crate) fn counts_at(&self, rule: u32, time: Timestamp) -> bool {
        let time = nanoseconds(time);
        let within = |rule: &Rule| self.any_time || (rule.valid_from <= time && time < rule.valid_until);
        self.rules.get(rule as usize).is_some_and(within)
    }

    /// The indicator that a rule stands for.
    pub(crate) fn indicator(&self, rule: u32) -> IndicatorRef<'_> {
        IndicatorRef { set: self, rule }
    }
}

impl std::fmt::Debug for IndicatorSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndicatorSet")
            .field("generation", &self.generation)
            .field("len", &self.len())
            .finish()
    }
}

/// An indicator of a set.
#[derive(Clone, Copy)]
pub struct IndicatorRef<'a> {
    set: &'a IndicatorSet,
    rule: u32,
}

impl<'a> IndicatorRef<'a> {
    fn rule(&self) -> Option<&'a Rule> {
        self.set.rules.get(self.rule as usize)
    }

    fn text(&self, part: impl Fn(&Rule) -> (usize, usize)) -> &'a str {
        let bytes = self.rule().and_then(|rule| {
            let (skip, length) = part(rule);
            let start = rule.text_start as usize + skip;
            self.set.texts.get(start..start + length)
        });
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The identifier as its producer wrote it.
    #[must_use]
    pub fn id(&self) -> Id {
        match self.set.odd_ids.get(&self.rule) {
            Some(id) => id.clone(),
            None => Id::new("indicator", self.rule().map_or(Uuid::nil(), |rule| Uuid::from_bytes(rule.uuid))),
        }
    }

    /// The name, else the pattern, cut where it is long.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.text(|rule| (0, usize::from(rule.name_bytes)))
    }

    /// The version (`modified`) as its producer wrote it.
    #[must_use]
    pub fn version(&self) -> &'a str {
        self.text(|rule| (usize::from(rule.name_bytes), usize::from(rule.version_bytes)))
    }

    /// 0–100, where the producer gave it.
    #[must_use]
    pub fn confidence(&self) -> Option<u8> {
        self.rule().and_then(|rule| rule.confidence)
    }

    /// A number that tells this indicator from the others of the same set.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.rule
    }
}

impl std::fmt::Debug for IndicatorRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id())
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
        let mut compiled = compile(&indicator.pattern, options.covers)?;
        compiled.branches.retain(|branch| match usable(branch, lists) {
            Ok(()) => true,
            Err(unusable) => {
                compiled.unusable.push(unusable);
                false
            }
        });
        if compiled.branches.is_empty() {
            let never = || Unusable::new("pattern-never-matches", "nothing can satisfy the pattern");
            return Err(compiled.unusable.into_iter().next().unwrap_or_else(never));
        }
        let rule = self.set.push_rule(indicator)?;
        for branch in compiled.branches {
            self.set.push_branch(rule, branch)?;
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
        Some(name) => {
            Err(Unusable::new("warning-list", format!("the value is on the warning list `{name}`")))
        }
        None => Ok(()),
    }
}

/// The condition to look a branch up by: the most selective one. A file's name alone is none, there are too many alike.
fn anchor(branch: &[Condition]) -> Option<&Condition> {
    let rank = |condition: &Condition| match condition {
        Condition::Value { keys, .. } => {
            keys.iter().map(|key| selectivity(key.kind)).max().unwrap_or(u8::MAX)
        }
        _ => u8::MAX,
    };
    branch.iter().min_by_key(|condition| rank(condition)).filter(|condition| rank(condition) < u8::MAX)
}

fn selectivity(kind: KeyKind) -> u8 {
    match kind {
        KeyKind::Md5 | KeyKind::Sha1 | KeyKind::Sha256 | KeyKind::Sha512 => 0,
        KeyKind::Url => 1,
        KeyKind::Email => 2,
        KeyKind::Domain => 3,
        KeyKind::Mac => 4,
        KeyKind::V4 | KeyKind::V6 => 5,
        KeyKind::DomainBelow => 6,
        KeyKind::Net4(_) | KeyKind::Net6(_) => 7,
        KeyKind::FileName => u8::MAX,
    }
}

impl IndicatorSet {
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

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}
