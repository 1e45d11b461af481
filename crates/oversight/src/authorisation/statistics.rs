use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tlog::{Frontier, Hash, leaf_hash};

use super::entry::{Entry, EntryKind};
use super::receipt::Receipt;
use super::terms::{Category, Kind, Terms};
use crate::OrganisationId;

/// Numbers for the public, counted from every entry of the log of authorisations and the records that they commit to. Whoever holds
/// both (the commission, and whom it asks) counts them again and gets the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// 1.
    pub v: u8,
    /// The log's origin.
    pub log: String,
    /// How many entries it had when they were counted …
    pub size: u64,
    /// … and their root, in hexadecimal.
    pub root: String,
    /// From which hour on (UTC) entries are counted.
    pub from: Timestamp,
    /// Until when, exclusively.
    pub until: Timestamp,
    /// Counts from 1 to one below this are not told.
    pub suppressed_below: u64,
    /// The statement that these numbers take the place of, where there is one: its hash as a leaf of the log of statistics, in
    /// hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<String>,
    /// By the ground of the measure; all that there are, also those of which there was none.
    pub categories: BTreeMap<Category, CategoryCounts>,
    /// Over all of them. Not told where one number alone is withheld, which could be worked out from it.
    pub all: CategoryCounts,
}

/// The numbers of one ground.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryCounts {
    /// Asked for, but for emergencies.
    pub requested: Told,
    /// Asked for as emergencies.
    pub requested_in_emergency: Told,
    /// Granted, but for emergencies.
    pub granted: Told,
    /// Granted as emergencies.
    pub granted_in_emergency: Told,
    /// Refused.
    pub refused: Told,
    /// Taken back by whoever asked, before the commission decided.
    pub withdrawn: Told,
    /// Suspended; each time counts.
    pub suspended: Told,
    /// Resumed.
    pub resumed: Told,
    /// Revoked.
    pub revoked: Told,
    /// Uses that edges signed for.
    pub used: Told,
    /// Operators in whose networks something was granted.
    pub operators: Told,
}

/// A number, or that it is too small to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// So many.
    Number(u64),
    /// At least one, and fewer than are told.
    #[default]
    Few,
}

/// One entry, and what it commits to where that is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The bytes in the log.
    pub entry: Vec<u8>,
    /// Salt and record.
    pub record: Option<([u8; 32], Vec<u8>)>,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The log's origin.
    pub log: String,
    /// From which hour on (UTC).
    pub from: Timestamp,
    /// Until when, exclusively.
    pub until: Timestamp,
    /// Counts from 1 to one below this are not told.
    pub suppressed_below: u64,
    /// The leaf of the log of statistics that is corrected.
    pub corrects: Option<Hash>,
}

/// Why nothing can be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsError {
    /// It ends before it begins.
    #[error("the period ends before it begins")]
    Period,
    /// An entry bears its hour, so nothing finer can be counted.
    #[error("the period does not begin and end at full hours (UTC)")]
    Hours,
    /// The entries are not those of the checkpoint.
    #[error("the {entries} entries are not those that the checkpoint of {size} signs")]
    OtherLog {
        /// How many entries are at hand.
        entries: u64,
        /// How many the checkpoint says.
        size: u64,
    },
    /// An entry is none.
    #[error("entry {0} cannot be read")]
    Entry(u64),
    /// An entry that counts, without its record: nothing may be left out.
    #[error("the record of entry {0} is missing")]
    Missing(u64),
    /// Another record.
    #[error("entry {0} does not commit to the record that is at hand")]
    OtherRecord(u64),
    /// A record that cannot be read.
    #[error("the record of entry {0} cannot be read")]
    Record(u64),
}

/// The part of a record that is counted.
#[derive(Deserialize)]
struct Termed {
    terms: Terms,
}

/// Numbers while they are counted.
#[derive(Default)]
struct Counting {
    counts: BTreeMap<&'static str, u64>,
    operators: BTreeSet<OrganisationId>,
}

impl Statistics {
    /// Counts every entry of a period. `size` and `root` are those of a checkpoint that the caller verified; `entries` are all of the
    /// log's, from 0, so that none can be left out.
    ///
    /// # Errors
    /// [`StatisticsError`]; nothing is counted in part.
    pub fn count(
        question: &Question,
        (size, root): (u64, &Hash),
        entries: impl IntoIterator<Item = Opened>,
    ) -> Result<Self, StatisticsError> {
        if question.until <= question.from || question.log.is_empty() {
            return Err(StatisticsError::Period);
        }
        if ![question.from, question.until].into_iter().all(is_full_hour) {
            return Err(StatisticsError::Hours);
        }
        let mut tree = Frontier::new();
        let mut grants: BTreeMap<u64, Category> = BTreeMap::new();
        let mut counting: BTreeMap<Category, Counting> = BTreeMap::new();
        for (index, opened) in (0_u64..).zip(entries) {
            let entry = Entry::read(&opened.entry).map_err(|_| StatisticsError::Entry(index))?;
            let _ = tree.append(leaf_hash(&opened.entry));
            let Some(acted) = act(index, &entry, &opened, &grants)? else { continue };
            if entry.kind == EntryKind::Grant {
                grants.insert(index, acted.category);
            }
            if (question.from..question.until).contains(&entry.hour) {
                let counting = counting.entry(acted.category).or_default();
                acted.count_in(counting);
            }
        }
        if tree.size() != size || tree.root() != *root {
            return Err(StatisticsError::OtherLog { entries: tree.size(), size });
        }
        Ok(told(question, (size, root), &counting))
    }

    /// Whether the numbers can be what this program counted: each ground is there, no number is told that is to be withheld, and
    /// the period is one.
    ///
    /// # Errors
    /// What cannot be.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.v != 1 || self.log.is_empty() {
            return Err("they are of another version, or of no log");
        }
        if self.until <= self.from || ![self.from, self.until].into_iter().all(is_full_hour) {
            return Err("their period ends before it begins, or not at full hours (UTC)");
        }
        if !Category::ALL.iter().all(|category| self.categories.contains_key(category)) {
            return Err("a ground of measures is left out");
        }
        let few = 1..self.suppressed_below;
        let all = self.categories.values().chain([&self.all]).flat_map(CategoryCounts::numbers);
        let is_told = |(_, told): (_, Told)| matches!(told, Told::Number(count) if few.contains(&count));
        if all.into_iter().any(is_told) {
            return Err("a number is told that is too small to be told");
        }
        Ok(())
    }

    /// The canonical text (RFC 8785): what is signed and compared.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }
}

impl CategoryCounts {
    /// Each number by its name, in the order in which they are told.
    #[must_use]
    pub fn numbers(&self) -> [(&'static str, Told); 11] {
        [
            ("requested", self.requested),
            ("requested_in_emergency", self.requested_in_emergency),
            ("granted", self.granted),
            ("granted_in_emergency", self.granted_in_emergency),
            ("refused", self.refused),
            ("withdrawn", self.withdrawn),
            ("suspended", self.suspended),
            ("resumed", self.resumed),
            ("revoked", self.revoked),
            ("used", self.used),
            ("operators", self.operators),
        ]
    }
}

fn is_full_hour(at: Timestamp) -> bool {
    at.as_second().rem_euclid(3600) == 0 && at.subsec_nanosecond() == 0
}

/// What an entry adds.
struct Acted {
    category: Category,
    what: &'static str,
    operators: BTreeSet<OrganisationId>,
}

impl Acted {
    fn count_in(self, counting: &mut Counting) {
        *counting.counts.entry(self.what).or_default() += 1;
        counting.operators.extend(self.operators);
    }
}

/// What an entry is an act of; `None` where it is of none that is counted.
fn act(
    index: u64,
    entry: &Entry,
    opened: &Opened,
    grants: &BTreeMap<u64, Category>,
) -> Result<Option<Acted>, StatisticsError> {
    let is_act = !matches!(entry.kind, EntryKind::Frame | EntryKind::Commission | EntryKind::Padding);
    if !is_act {
        return Ok(None);
    }
    let (salt, record) = opened.record.as_ref().ok_or(StatisticsError::Missing(index))?;
    if !entry.commits_to(salt, record) {
        return Err(StatisticsError::OtherRecord(index));
    }
    if entry.kind == EntryKind::Use {
        let receipt: Receipt = serde_json::from_slice(record).map_err(|_| StatisticsError::Record(index))?;
        let category = grants.get(&receipt.used.grant).ok_or(StatisticsError::Record(index))?;
        return Ok(Some(Acted { category: *category, what: "used", operators: BTreeSet::new() }));
    }
    let Termed { terms } = serde_json::from_slice(record).map_err(|_| StatisticsError::Record(index))?;
    let is_emergency = terms.kind == Kind::Emergency;
    let (what, operators) = match (entry.kind, is_emergency) {
        (EntryKind::Request, false) => ("requested", BTreeSet::new()),
        (EntryKind::Request, true) => ("requested_in_emergency", BTreeSet::new()),
        (EntryKind::Grant, false) => ("granted", terms.operators),
        (EntryKind::Grant, true) => ("granted_in_emergency", terms.operators),
        (kind, _) => (kind.name(), BTreeSet::new()),
    };
    Ok(Some(Acted { category: terms.category, what, operators }))
}

fn told(
    question: &Question,
    (size, root): (u64, &Hash),
    counting: &BTreeMap<Category, Counting>,
) -> Statistics {
    let nothing = Counting::default();
    let few = question.suppressed_below;
    let of = |category: &Category| counting.get(category).unwrap_or(&nothing);
    let number = |name: &str, category: &Category| match name {
        "operators" => of(category).operators.len() as u64,
        name => of(category).counts.get(name).copied().unwrap_or(0),
    };
    let tell = |count: u64| if (1..few).contains(&count) { Told::Few } else { Told::Number(count) };
    let categories = Category::ALL
        .iter()
        .map(|category| (*category, counts(|name| tell(number(name, category)))))
        .collect();
    let all = counts(|name| {
        let numbers: Vec<u64> = Category::ALL.iter().map(|category| number(name, category)).collect();
        let withheld = numbers.iter().filter(|count| (1..few).contains(*count)).count();
        let everyone: BTreeSet<_> = counting.values().flat_map(|counting| &counting.operators).collect();
        match name {
            // Different operators, not the sum: nothing can be worked out of it.
            "operators" => tell(everyone.len() as u64),
            _ if withheld == 1 => Told::Few,
            _ => tell(numbers.iter().sum()),
        }
    });
    Statistics {
        v: 1,
        log: question.log.clone(),
        size,
        root: hex::encode(root),
        from: question.from,
        until: question.until,
        suppressed_below: few,
        corrects: question.corrects.map(hex::encode),
        categories,
        all,
    }
}

fn counts(told: impl Fn(&str) -> Told) -> CategoryCounts {
    CategoryCounts {
        requested: told("requested"),
        requested_in_emergency: told("requested_in_emergency"),
        granted: told("granted"),
        granted_in_emergency: told("granted_in_emergency"),
        refused: told("refuse"),
        withdrawn: told("withdraw"),
        suspended: told("suspend"),
        resumed: told("resume"),
        revoked: told("revoke"),
        used: told("used"),
        operators: told("operators"),
    }
}
