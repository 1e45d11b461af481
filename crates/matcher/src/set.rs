mod build;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use jiff::Timestamp;
use stix::Id;
use uuid::Uuid;

use crate::compile::Covers;
use crate::condition::{Condition, Conjunction};
use crate::filter::Filter;
use crate::indicator::Unusable;
use crate::key::{Key, KeyKind, masked};
use crate::parts::Parts;

/// How a set is built.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What `=` on a domain name covers.
    pub covers: Covers,
    /// Indicators that state a lower confidence are refused (`confidence-low`); those that state none are taken.
    pub confidence_min: Option<u8>,
    /// Takes an indicator to count at any time. Otherwise it counts for records from `valid_from` on and before `valid_until`.
    pub any_time: bool,
    /// Takes patterns that no value leads to, such as `[network-traffic:dst_port = 4444]` or `[url:value LIKE '%/x.php']`:
    /// every record is then read in full and held against each of them ([`IndicatorSet::unanchored`]), some microseconds each.
    pub unanchored: bool,
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
    /// What needs whole records, or several of them.
    parts: Parts,
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
    /// What else must hold: a conjunction, or a test of [`Parts`] by its number there; `NONE`: nothing.
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
            parts: Parts::default(),
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

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// How many comparisons every record is held against, because no value leads to them ([`Options::unanchored`]).
    #[must_use]
    pub fn unanchored(&self) -> usize {
        self.parts.unanchored().len()
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

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}
