mod build;
mod layer;
mod plain;
mod record;
mod table;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use stix::Id;
use uuid::Uuid;

use crate::condition::Condition;
use crate::filter::Has;
use crate::indicator::{Indicator, Unusable};
use crate::key::{Key, KeyKind};
use crate::own::OwnAssets;
use crate::part::{Part, PartKey};
use crate::parts::{FIRST_TEST, TestOf};
use crate::reach::Reach;
use crate::set::layer::Layer;
use crate::set::record::{Record, saturated};
use crate::simd::HashKey;

pub(crate) use layer::Lead;

/// How a set is built.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What `=` covers where an indicator does not say it itself ([`Indicator::reach`]).
    pub reach: Reach,
    /// Indicators that state a lower confidence are refused (`confidence-low`); those that state none are taken.
    pub confidence_min: Option<u8>,
    /// Takes an indicator to count at any time. Otherwise it counts for records from `valid_from` on and before `valid_until`.
    pub any_time: bool,
    /// Takes patterns that no value leads to, such as `[network-traffic:dst_port = 4444]` or `[url:value LIKE '%/x.php']`:
    /// every record is then read in full and held against each of them ([`IndicatorSet::unanchored`]), some microseconds each.
    pub unanchored: bool,
    /// The most comparisons of such patterns; those beyond are refused (`unanchored-many`). `None`: any number.
    pub unanchored_max: Option<usize>,
    /// What belongs to the operator: indicators that ask for it are in the set, and named in [`Built::own`].
    pub own_assets: Option<Arc<OwnAssets>>,
    /// What the hashing is keyed with. No result depends on it, but strangers choose the values of indicators and of records:
    /// whoever feeds what strangers wrote draws a number by chance, once for each process, and tells nobody.
    pub seed: u64,
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
    /// Indicators that ask for something of [`Options::own_assets`].
    pub own: Vec<Id>,
}

/// A change to a set.
#[derive(Debug, Clone, Default)]
pub struct Delta {
    /// Indicators that are put in; each replaces the one of the same identifier, whichever of them is newer.
    pub put: Vec<Indicator>,
    /// Identifiers of those that are taken out.
    pub dropped: Vec<Id>,
}

/// Indicators compiled for look-up; immutable, so share it in an [`Arc`] and put a newer one in its place.
///
/// A set is a base and, after [`apply`](Self::apply), a small layer of changes over it. Sets that came from one another share
/// the base.
pub struct IndicatorSet {
    generation: u64,
    any_time: bool,
    key: HashKey,
    base: Arc<Layer>,
    top: Option<Arc<Top>>,
    /// Rules of the base that do not count any more.
    gone: Arc<HashSet<u32>>,
    has: Has,
}

/// How many numbers a layer's own numbers come after.
#[derive(Clone, Copy, Default)]
struct Shift {
    rules: u32,
    conjunctions: u32,
    tests: u32,
    parts: u32,
}

impl Shift {
    fn lead(self, lead: Lead) -> Lead {
        let shifted =
            |number| if number < FIRST_TEST { number + self.conjunctions } else { number + self.tests };
        Lead { rule: lead.rule + self.rules, conjunction: lead.conjunction.map(shifted) }
    }
}

/// What was put in since the base was built.
struct Top {
    layer: Layer,
    /// What the layer was built from, to build the next one.
    indicators: Vec<Indicator>,
}

impl IndicatorSet {
    /// A set that matches nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            generation: 0,
            any_time: false,
            key: HashKey::new(0),
            base: Arc::default(),
            top: None,
            gone: Arc::default(),
            has: Has::default(),
        }
    }

    /// The number given at building, to tell one set from the next.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many indicators the set matches.
    #[must_use]
    pub fn len(&self) -> usize {
        let put = self.top.as_ref().map_or(0, |top| top.layer.rules);
        (self.base.rules + put) as usize - self.gone.len()
    }

    /// Whether the set matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many indicators were put in or taken out since the base was built. Where they have become many, build anew: each
    /// [`apply`](Self::apply) takes time for all of them, and each look-up asks twice.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.top.as_ref().map_or(0, |top| top.layer.rules as usize) + self.gone.len()
    }

    /// Bytes of memory that the set holds, without the allocator's overhead and without the indicators of its changes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.base.bytes() + self.top.as_ref().map_or(0, |top| top.layer.bytes())
    }

    pub(crate) fn has(&self) -> Has {
        self.has
    }

    pub(crate) fn hash_key(&self) -> &HashKey {
        &self.key
    }

    /// The set's layers, each with what its numbers are shifted by.
    fn layers(&self) -> impl Iterator<Item = (&Layer, Shift)> {
        let top = self.top.iter().map(|top| (&top.layer, self.above()));
        [(&*self.base, Shift::default())].into_iter().chain(top)
    }

    /// What the upper layer's numbers are shifted by.
    fn above(&self) -> Shift {
        Shift {
            rules: self.base.rules,
            conjunctions: self.base.conjunctions.len() as u32,
            tests: self.base.parts.tests(),
            parts: self.base.parts.len(),
        }
    }

    /// Whether a value of this hash may be one of the set's. The answer "no" is certain; 2 % of others pass.
    #[inline(always)]
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        self.base.filter.may_have(hash)
            || self.top.as_ref().is_some_and(|top| top.layer.filter.may_have(hash))
    }

    /// What [`may_have`](Self::may_have) will read.
    #[inline(always)]
    pub(crate) fn place(&self, hash: u64) -> (&[u64], usize) {
        self.base.filter.place(hash)
    }

    /// What [`is_likely`](Self::is_likely) will read.
    pub(crate) fn second_place(&self, hash: u64) -> (&[u64], usize) {
        self.base.filter.second_place(hash)
    }

    /// Whether it really may be.
    pub(crate) fn is_likely(&self, hash: u64) -> bool {
        self.layers().any(|(layer, _)| layer.filter.is_likely(hash))
    }

    /// Whether any address that begins with this octet may be one of the set's.
    #[inline(always)]
    pub(crate) fn may_have_head(&self, address: u32) -> bool {
        self.base.filter.may_have_head(address)
            || self.top.as_ref().is_some_and(|top| top.layer.filter.may_have_head(address))
    }

    /// Whether anything of the set is near this address that it is not told of by hashes.
    #[inline(always)]
    pub(crate) fn may_have_near(&self, address: u32) -> bool {
        self.base.filter.may_have_near(address)
            || self.top.as_ref().is_some_and(|top| top.layer.filter.may_have_near(address))
    }

    /// The lengths of prefixes by which IPv6 addresses are to be looked for.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = u8> {
        self.layers().flat_map(|(layer, _)| layer.filter.prefixes().iter().copied())
    }

    /// Whether an IPv4 address is one of the set's, in one of its networks, or the host of one of its URLs.
    pub(crate) fn knows_v4(&self, address: u32) -> bool {
        let key = Key::address(std::net::Ipv4Addr::from_bits(address).into());
        let mut known = self.layers().any(|(layer, _)| layer.url_v4.contains(&address));
        if !known {
            self.look_up(&key, &mut |_| known = true);
        }
        known
    }

    /// Every value that leads to a rule which counts; some of them more than once.
    pub(crate) fn each_value(&self, each: &mut dyn FnMut(KeyKind, Box<[u8]>)) {
        for (layer, shift) in self.layers() {
            layer.each_value(&mut |rule, kind, bytes| {
                if !self.gone.contains(&(rule + shift.rules)) {
                    each(kind, bytes);
                }
            });
        }
    }

    /// Every rule that an observed value leads to.
    pub(crate) fn look_up(&self, seen: &Key, found: &mut dyn FnMut(Lead)) {
        for (layer, shift) in self.layers() {
            layer.look_up(&self.key, seen, &mut |lead| {
                let lead = shift.lead(lead);
                if !self.gone.contains(&lead.rule) {
                    found(lead);
                }
            });
        }
    }

    pub(crate) fn conjunction(&self, number: u32) -> &[Condition] {
        match number.checked_sub(self.base.conjunctions.len() as u32) {
            None => self.base.conjunction(number),
            Some(number) => self.top.as_ref().map_or(&[], |top| top.layer.conjunction(number)),
        }
    }

    fn record(&self, rule: u32) -> Option<Record<'_>> {
        match rule.checked_sub(self.base.rules) {
            None => self.base.record(rule),
            Some(rule) => self.top.as_ref().and_then(|top| top.layer.record(rule)),
        }
    }

    fn odd_id(&self, rule: u32) -> Option<&Id> {
        match rule.checked_sub(self.base.rules) {
            None => self.base.odd_ids.get(&rule),
            Some(rule) => self.top.as_ref().and_then(|top| top.layer.odd_ids.get(&rule)),
        }
    }

    /// The test of that number; `None` for a conjunction's.
    pub(crate) fn test(&self, number: u32) -> Option<TestOf> {
        let above = self.above();
        match number.checked_sub(FIRST_TEST)?.checked_sub(above.tests) {
            None => self.base.parts.test(number),
            Some(number) => {
                let test = self.top.as_ref()?.layer.parts.test(FIRST_TEST + number)?;
                Some(TestOf { part: above.parts + test.part, ..test })
            }
        }
    }

    pub(crate) fn part(&self, number: u32) -> Option<&Part> {
        match number.checked_sub(self.base.parts.len()) {
            None => self.base.parts.part(number),
            Some(number) => self.top.as_ref()?.layer.parts.part(number),
        }
    }

    /// The keys of all parts.
    pub(crate) fn part_keys(&self) -> HashSet<PartKey> {
        self.layers().flat_map(|(layer, _)| layer.parts.keys()).collect()
    }

    /// What every record is held against, because no value leads to it.
    pub(crate) fn unanchored_leads(&self) -> impl Iterator<Item = Lead> {
        let leads = self
            .layers()
            .flat_map(|(layer, shift)| layer.parts.unanchored().iter().map(move |lead| shift.lead(*lead)));
        leads.filter(|lead| !self.gone.contains(&lead.rule))
    }

    /// Whether every record is to be read, because something in the set is led to by no value.
    pub(crate) fn reads_all(&self) -> bool {
        self.layers().any(|(layer, _)| !layer.parts.unanchored().is_empty())
    }

    /// How many comparisons every record is held against, because no value leads to them ([`Options::unanchored`]).
    #[must_use]
    pub fn unanchored(&self) -> usize {
        self.unanchored_leads().count()
    }

    /// Whether the rule counts for a record of this time.
    pub(crate) fn counts_at(&self, rule: u32, time: Timestamp) -> bool {
        let time = saturated(time.as_nanosecond());
        let within =
            |record: Record<'_>| self.any_time || (record.valid_from <= time && time < record.valid_until);
        self.record(rule).is_some_and(within)
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
    fn record(&self) -> Option<Record<'a>> {
        self.set.record(self.rule)
    }

    /// The identifier as its producer wrote it.
    #[must_use]
    pub fn id(&self) -> Id {
        match self.set.odd_id(self.rule) {
            Some(id) => id.clone(),
            None => Id::new("indicator", self.record().and_then(|record| record.uuid).unwrap_or(Uuid::nil())),
        }
    }

    /// The name, else the pattern, cut where it is long.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.record().map_or("", |record| record.name)
    }

    /// The version (`modified`) as its producer wrote it.
    #[must_use]
    pub fn version(&self) -> String {
        self.record().map_or_else(String::new, |record| record.version.to_string())
    }

    /// From when the indicator counts; saturated where no clock shows it.
    #[must_use]
    pub fn valid_from(&self) -> Timestamp {
        self.record().map_or(Timestamp::MIN, |record| at(record.valid_from))
    }

    /// Until when it counts; `None` is open-ended.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.record().filter(|record| record.valid_until != i64::MAX).map(|record| at(record.valid_until))
    }

    /// 0–100, where the producer gave it.
    #[must_use]
    pub fn confidence(&self) -> Option<u8> {
        self.record().and_then(|record| record.confidence)
    }

    /// A number that tells this indicator from the others of the same set.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.rule
    }
}

fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

impl std::fmt::Debug for IndicatorRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id())
    }
}
