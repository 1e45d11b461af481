//! Indicators compiled for look-up, packed. A set is one layer, or a large one and a small one over it.

use std::collections::HashMap;

use stix::Id;

use super::record::{Asked, Kept, Record};
use super::table::Table;
use crate::condition::{Condition, Conjunction};
use crate::filter::Filter;
use crate::key::{Key, KeyKind, masked};
use crate::parts::Parts;
use crate::reach::{at_or_above, without_query};
use crate::simd::HashKey;

/// Immutable once it is built.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) rules: u32,
    /// The records of the rules, in their order.
    pub(super) records: Vec<u8>,
    /// Where each [`STRIDE`]th record begins.
    pub(super) strides: Vec<u32>,
    /// Identifiers with capital letters and the like, by rule.
    pub(super) odd_ids: HashMap<u32, Id>,
    /// Values of rules that ask for more than one value, or for more than a value.
    pub(super) leaves: Vec<Leaf>,
    /// Their values.
    pub(super) values: Vec<u8>,
    pub(super) conjunctions: Vec<Conjunction>,
    /// What needs whole records, or several of them.
    pub(super) parts: Parts,
    /// Where each value's first place is.
    pub(super) table: Table,
    /// The next place of the same value.
    pub(super) more: HashMap<Place, Place>,
    /// The prefix lengths in use.
    pub(super) net4_lengths: Vec<u8>,
    pub(super) net6_lengths: Vec<u8>,
    pub(super) has_below: bool,
    /// Whether a URL leads to what asks for more than that URL.
    pub(super) has_wide_urls: bool,
    /// IPv4 hosts of URLs, which are in no table of addresses.
    pub(super) url_v4: std::collections::HashSet<u32>,
    pub(super) filter: Filter,
}

/// One value that leads to a rule.
pub(super) struct Leaf {
    pub(super) value_start: u32,
    pub(super) value_bytes: u32,
    pub(super) kind: KeyKind,
    pub(super) rule: u32,
    /// What else must hold: a conjunction, or a test of [`Parts`] by its number there; [`NONE`]: nothing.
    pub(super) conjunction: u32,
}

pub(super) const NONE: u32 = u32::MAX;

/// So many records stand between two of which it is known where they begin.
pub(super) const STRIDE: u32 = 16;

/// Where a value stands: in the record of a rule, or, with the highest bit, in a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(pub(super) u32);

const IN_LEAF: u32 = 1 << 31;

impl Place {
    /// The record of a rule; `None` where there are too many.
    pub(super) fn record(rule: u32) -> Option<Self> {
        (rule < IN_LEAF).then_some(Self(rule))
    }

    /// A leaf; `None` where there are too many.
    pub(super) fn leaf(number: usize) -> Option<Self> {
        u32::try_from(number).ok().filter(|number| *number < IN_LEAF).map(|number| Self(number | IN_LEAF))
    }

    fn leaf_number(self) -> Option<usize> {
        (self.0 & IN_LEAF != 0).then_some((self.0 & !IN_LEAF) as usize)
    }
}

/// What a look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lead {
    pub(crate) rule: u32,
    pub(crate) conjunction: Option<u32>,
}

/// A value with what is known of it.
struct Standing<'a> {
    asked: Asked,
    value: Kept<'a>,
    lead: Lead,
}

/// The number that keeps values of different kinds apart. A name and what is below it share one.
fn tag(kind: KeyKind) -> u16 {
    let (tag, length) = match kind {
        KeyKind::V4 => (0, 0),
        KeyKind::V6 => (1, 0),
        KeyKind::Net4(length) => (2, length),
        KeyKind::Net6(length) => (3, length),
        KeyKind::Domain | KeyKind::DomainBelow => (4, 0),
        KeyKind::Url => (6, 0),
        KeyKind::Email => (7, 0),
        KeyKind::Md5 => (8, 0),
        KeyKind::Sha1 => (9, 0),
        KeyKind::Sha256 => (10, 0),
        KeyKind::Sha512 => (11, 0),
        KeyKind::Mac => (12, 0),
        KeyKind::FileName => (13, 0),
        KeyKind::UrlPath => (14, 0),
        KeyKind::UrlBelow => (15, 0),
    };
    u16::from_le_bytes([tag, length])
}

pub(super) fn hash(key: &HashKey, kind: KeyKind, value: &[u8]) -> u64 {
    key.exact(tag(kind), value)
}

impl Asked {
    /// Whether a look-up for this kind finds it.
    fn is(self, kind: KeyKind) -> bool {
        match self {
            Self::Elsewhere => false,
            Self::One(own) => own == kind,
            Self::NameAndBelow => matches!(kind, KeyKind::Domain | KeyKind::DomainBelow),
        }
    }

    fn tag(self) -> Option<u16> {
        match self {
            Self::Elsewhere => None,
            Self::One(kind) => Some(tag(kind)),
            Self::NameAndBelow => Some(tag(KeyKind::Domain)),
        }
    }
}

impl Layer {
    /// Bytes of memory that the layer holds, without the allocator's overhead.
    pub(super) fn bytes(&self) -> usize {
        self.records.capacity()
            + self.strides.capacity() * size_of::<u32>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.values.capacity()
            + self.filter.bytes()
            + self.table.bytes()
            + (self.more.capacity() * size_of::<(Place, Place)>() + self.url_v4.capacity() * size_of::<u32>())
                * 8
                / 7
    }

    /// The record of a rule.
    pub(super) fn record(&self, rule: u32) -> Option<Record<'_>> {
        let start = *self.strides.get((rule / STRIDE) as usize)?;
        let mut rest = self.records.get(start as usize..)?;
        for _ in 0..rule % STRIDE {
            (_, rest) = Record::read(rest)?;
        }
        Some(Record::read(rest)?.0)
    }

    /// Every value with the rule that it leads to.
    pub(super) fn each_value(&self, each: &mut dyn FnMut(u32, KeyKind, Box<[u8]>)) {
        let mut rest = self.records.as_slice();
        for rule in 0..self.rules {
            let Some((record, behind)) = Record::read(rest) else { return };
            rest = behind;
            match record.asked {
                Asked::Elsewhere => {}
                Asked::One(kind) => each(rule, kind, record.value.to_bytes()),
                Asked::NameAndBelow => {
                    each(rule, KeyKind::Domain, record.value.to_bytes());
                    each(rule, KeyKind::DomainBelow, record.value.to_bytes());
                }
            }
        }
        for leaf in &self.leaves {
            let start = leaf.value_start as usize;
            let value = self.values.get(start..start + leaf.value_bytes as usize).unwrap_or_default();
            each(leaf.rule, leaf.kind, value.into());
        }
    }

    fn standing(&self, place: Place) -> Option<Standing<'_>> {
        let Some(number) = place.leaf_number() else {
            let record = self.record(place.0)?;
            let lead = Lead { rule: place.0, conjunction: None };
            return Some(Standing { asked: record.asked, value: record.value, lead });
        };
        let leaf = self.leaves.get(number)?;
        let start = leaf.value_start as usize;
        let value = self.values.get(start..start + leaf.value_bytes as usize)?;
        let conjunction = (leaf.conjunction != NONE).then_some(leaf.conjunction);
        Some(Standing {
            asked: Asked::One(leaf.kind),
            value: Kept::whole(value),
            lead: Lead { rule: leaf.rule, conjunction },
        })
    }

    /// Whether two places hold one value, by what the table tells apart.
    pub(super) fn are_equal(&self, a: Place, b: Place) -> bool {
        let of = |place| self.standing(place).map(|it| (it.asked.tag(), it.value));
        of(a) == of(b)
    }

    /// The first place of a value in the table.
    fn find(&self, key: &HashKey, kind: KeyKind, value: &[u8]) -> Option<Place> {
        let tag = tag(kind);
        let is = |place: u32| {
            self.standing(Place(place)).is_some_and(|it| it.asked.tag() == Some(tag) && it.value.is(value))
        };
        self.table.find(hash(key, kind, value), is).map(Place)
    }

    fn leads(&self, key: &HashKey, kind: KeyKind, value: &[u8], found: &mut dyn FnMut(Lead)) {
        let mut next = self.find(key, kind, value);
        while let Some(place) = next {
            if let Some(standing) = self.standing(place).filter(|standing| standing.asked.is(kind)) {
                found(standing.lead);
            }
            next = self.more.get(&place).copied();
        }
    }

    /// Every rule that an observed value leads to.
    pub(super) fn look_up(&self, key: &HashKey, seen: &Key, found: &mut dyn FnMut(Lead)) {
        if self.rules == 0 {
            return;
        }
        self.leads(key, seen.kind, &seen.bytes, found);
        let (lengths, net): (&[u8], fn(u8) -> KeyKind) = match seen.kind {
            KeyKind::V4 => (&self.net4_lengths, KeyKind::Net4),
            KeyKind::V6 => (&self.net6_lengths, KeyKind::Net6),
            KeyKind::Domain if self.has_below => return self.look_up_parents(key, &seen.bytes, found),
            KeyKind::Url if self.has_wide_urls => return self.look_up_wide_urls(key, &seen.bytes, found),
            _ => return,
        };
        for length in lengths {
            if let Some(first) = masked(&seen.bytes, *length) {
                self.leads(key, net(*length), &first, found);
            }
        }
    }

    fn look_up_parents(&self, key: &HashKey, name: &[u8], found: &mut dyn FnMut(Lead)) {
        let mut rest = name;
        while let Some(dot) = memchr::memchr(b'.', rest) {
            rest = rest.get(dot + 1..).unwrap_or_default();
            self.leads(key, KeyKind::DomainBelow, rest, found);
        }
    }

    fn look_up_wide_urls(&self, key: &HashKey, url: &[u8], found: &mut dyn FnMut(Lead)) {
        let Ok(url) = std::str::from_utf8(url) else { return };
        self.leads(key, KeyKind::UrlPath, without_query(url).as_bytes(), found);
        for above in at_or_above(url) {
            self.leads(key, KeyKind::UrlBelow, above, found);
        }
    }

    pub(super) fn conjunction(&self, number: u32) -> &[Condition] {
        self.conjunctions.get(number as usize).map_or(&[], AsRef::as_ref)
    }
}
