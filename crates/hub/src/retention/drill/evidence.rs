//! The drill with evidence: what was destroyed since must open no more, and everything else still has to.
//!
//! Whether an item was destroyed, two witnesses say: the certificate over its class key, and the database in use. An item whose key is sealed under
//! the node's own is reached by no certificate, since a copy of the database and that key open it for ever; so it counts as still open, whether the
//! node's key is at hand or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use store::evidence::{self as rows, State, backup};
use store::{Place, Reader, StoreError};
use uuid::Uuid;
use vault::service::KeyService;
use vault::{Attempt, ClassKeyId, SealedRecord, Wrapped, try_record};

use crate::HubError;
use crate::evidence::seal::{ContentKey, purpose};
use crate::vault::Vault;

/// Items that are read of a backup at a time, with two pieces each.
const BATCH: usize = 16;
/// The most items of one outcome that a report names; all are counted.
const NAMED_MAX: u64 = 200;

/// The first and the last piece of an item, with their numbers.
type Pieces = Vec<(u64, Vec<u8>)>;

/// What came of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Destroyed, and nothing opens it.
    Gone,
    /// Destroyed, and it can still be read.
    StillOpen,
    /// Not destroyed, and it opens.
    Kept,
    /// Not destroyed, and yet it does not open: its key is lost, or the backup is damaged.
    Lost,
    /// It was not found out.
    Undecided,
}

/// An item that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedItem {
    /// Which.
    pub item: Uuid,
    /// The class key that its key is sealed under; none: the node's own, which no destruction reaches.
    pub sealed_under: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, where the outcome does not say it.
    pub why: Option<String>,
}

/// What came of the evidence in a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceReport {
    /// Items tried.
    pub tried: u64,
    /// How many of each outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Items whose keys are sealed under the node's own: to destroy them reaches no backup.
    pub under_node_key: u64,
    /// The first two hundred of each outcome.
    pub named: Vec<TriedItem>,
    /// Whether the database in use was asked what was destroyed since.
    pub in_use: bool,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gone, Self::StillOpen, Self::Kept, Self::Lost, Self::Undecided];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::StillOpen => "still-open",
            Self::Kept => "kept",
            Self::Lost => "lost",
            Self::Undecided => "undecided",
        }
    }
}

impl EvidenceReport {
    /// How many items of an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// Whether nothing that was destroyed can be read, and everything else can.
    #[must_use]
    pub fn held(&self) -> bool {
        [Outcome::StillOpen, Outcome::Lost, Outcome::Undecided]
            .iter()
            .all(|outcome| self.count(*outcome) == 0)
    }

    fn note(&mut self, tried: TriedItem) {
        self.tried = self.tried.saturating_add(1);
        if tried.sealed_under.is_none() {
            self.under_node_key = self.under_node_key.saturating_add(1);
        }
        let count = self.outcomes.entry(tried.outcome).or_default();
        *count = count.saturating_add(1);
        if *count <= NAMED_MAX {
            self.named.push(tried);
        }
    }
}

/// What items are tried with.
pub(super) struct Trial<'t> {
    pub(super) service: &'t dyn KeyService,
    pub(super) wrapped: &'t BTreeMap<ClassKeyId, Wrapped>,
    pub(super) destroyed: &'t BTreeSet<String>,
    pub(super) in_use: Option<&'t Place>,
    /// The node's vault, where its key is at hand.
    pub(super) node: Option<Vault>,
}

/// What is known of an item besides the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Destroyed,
    NotDestroyed,
    /// The database in use was asked and has no such item.
    NotThere,
    /// Nobody was asked.
    NotKnown,
}

impl Trial<'_> {
    /// Tries all items of a backup.
    ///
    /// # Errors
    /// `store-…` where the backup or the database in use cannot be read.
    pub(super) async fn run(&self, place: &Place) -> Result<EvidenceReport, HubError> {
        let mut report = EvidenceReport { in_use: self.in_use.is_some(), ..EvidenceReport::default() };
        let mut behind = (String::new(), 0);
        loop {
            let from = behind.clone();
            let read = store::inspect(place, move |reader| {
                let held = backup::after(reader, &from, BATCH)?;
                held.into_iter().map(|held| with_pieces(reader, held)).collect::<Result<Vec<_>, StoreError>>()
            });
            let batch = read?;
            let Some((_, last)) = batch.last() else { return Ok(report) };
            behind = last.place.clone();
            let fates = self.fates(&batch)?;
            for ((pieces, held), fate) in batch.into_iter().zip(fates) {
                let attempt = self.attempt(&held, pieces).await;
                let (outcome, why) = judge(fate, held.class_key.is_some(), attempt);
                report.note(TriedItem { item: held.item, sealed_under: held.class_key, outcome, why });
            }
        }
    }

    fn fates(&self, batch: &[(Pieces, backup::Held)]) -> Result<Vec<Fate>, StoreError> {
        let certified = |held: &backup::Held| {
            held.class_key.as_ref().is_some_and(|class_key| self.destroyed.contains(class_key))
        };
        let Some(place) = self.in_use else {
            let fate = |held: &backup::Held| if certified(held) { Fate::Destroyed } else { Fate::NotKnown };
            return Ok(batch.iter().map(|(_, held)| fate(held)).collect());
        };
        store::inspect(place, |reader| {
            let mut fates = Vec::with_capacity(batch.len());
            for (_, held) in batch {
                let state = rows::for_node(reader, &held.realm, held.item)?.map(|item| item.state);
                fates.push(match state {
                    _ if certified(held) || state == Some(State::Disposed) => Fate::Destroyed,
                    Some(State::Kept) => Fate::NotDestroyed,
                    _ => Fate::NotThere,
                });
            }
            Ok(fates)
        })
    }

    /// Tries an item: its key, then its first and its last piece.
    async fn attempt(&self, held: &backup::Held, pieces: Pieces) -> Attempt {
        let opened = match &held.class_key {
            Some(class_key) => self.by_class(held, class_key).await,
            None => self.by_node(held),
        };
        let key = opened.and_then(|bytes| {
            let key = ContentKey::of(&bytes, (held.item, held.upload));
            key.map_err(|_| Attempt::CannotTell("its key is no key".to_owned()))
        });
        let key = match key {
            Ok(key) => key,
            Err(attempt) => return attempt,
        };
        let last = held.chunks.saturating_sub(1);
        let is_there = |number| pieces.iter().any(|(found, _)| *found == number);
        let is_whole = is_there(0)
            && is_there(last)
            && pieces.iter().all(|(number, sealed)| {
                key.open_piece(*number, *number == last, &mut sealed.clone()).is_ok()
            });
        match held.class_key {
            _ if is_whole => Attempt::Opened,
            Some(_) => Attempt::KeyThere,
            None => Attempt::CannotTell("its content is not whole in the backup".to_owned()),
        }
    }

    async fn by_class(
        &self,
        held: &backup::Held,
        class_key: &str,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Attempt> {
        let record = SealedRecord::parse(held.sealed_key.clone()).ok().filter(|record| {
            record.id().as_str() == held.item.to_string() && record.class_key().to_string() == class_key
        });
        let record =
            record.ok_or_else(|| Attempt::CannotTell("its sealed key is not one of this item".to_owned()))?;
        let wrapped = self.wrapped.get(record.class_key()).cloned();
        let content = try_record(self.service, &record, wrapped).await?;
        Ok(zeroize::Zeroizing::new(content.to_vec()))
    }

    fn by_node(&self, held: &backup::Held) -> Result<zeroize::Zeroizing<Vec<u8>>, Attempt> {
        let Some(node) = &self.node else { return Err(Attempt::KeyThere) };
        let opened = node.open_bytes(&purpose(&held.realm, held.item), &held.sealed_key);
        let opened = opened.map(zeroize::Zeroizing::new);
        opened.map_err(|_| Attempt::CannotTell("it does not open with the node's key at hand".to_owned()))
    }
}

fn with_pieces(reader: &Reader<'_>, held: backup::Held) -> Result<(Pieces, backup::Held), StoreError> {
    Ok((backup::ends(reader, &held)?, held))
}

/// The node's vault of a data folder, where its key is there.
pub(super) fn node_vault(data: Option<&Path>) -> Option<Vault> {
    data.and_then(|data| Vault::in_folder(data).ok())
}

fn judge(fate: Fate, by_class: bool, attempt: Attempt) -> (Outcome, Option<String>) {
    let because = |why: &str| Some(why.to_owned());
    match (fate, by_class, attempt) {
        (Fate::Destroyed, _, Attempt::KeyGone) => (Outcome::Gone, None),
        // Whoever has a copy of the database and the node's key reads it, whatever was tried here.
        (Fate::Destroyed, false, _) => {
            (Outcome::StillOpen, because("it is sealed under the node's key, which no destruction reaches"))
        }
        (Fate::Destroyed, true, Attempt::Opened) => (Outcome::StillOpen, None),
        (Fate::Destroyed, true, Attempt::KeyThere) => {
            (Outcome::StillOpen, because("its class key is there or can be had back"))
        }
        (Fate::NotThere, ..) => {
            (Outcome::Undecided, because("the database in use does not know it: is it this node's?"))
        }
        (Fate::NotKnown, false, _) => (
            Outcome::Undecided,
            because("only the database in use knows whether it was destroyed: name it with --in-use"),
        ),
        (_, _, Attempt::Opened) => (Outcome::Kept, None),
        // Not tried is not lost: the node that is running has its key.
        (_, false, Attempt::KeyThere) => (Outcome::Kept, because("not tried: the node's key is not at hand")),
        (_, _, Attempt::KeyGone) => {
            (Outcome::Lost, because("its class key is gone, and no certificate says so"))
        }
        (_, _, Attempt::KeyThere) => (Outcome::Lost, because("its content is not whole in the backup")),
        (Fate::Destroyed, true, Attempt::CannotTell(why)) => (Outcome::Undecided, Some(why)),
        (_, _, Attempt::CannotTell(why)) => (Outcome::Lost, Some(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_destroyed_must_not_open_and_the_rest_must() {
        let cannot = || Attempt::CannotTell("no answer".to_owned());
        for (fate, by_class, attempt, outcome) in [
            (Fate::Destroyed, true, Attempt::KeyGone, Outcome::Gone),
            (Fate::Destroyed, true, Attempt::Opened, Outcome::StillOpen),
            (Fate::Destroyed, true, Attempt::KeyThere, Outcome::StillOpen),
            (Fate::Destroyed, true, cannot(), Outcome::Undecided),
            (Fate::Destroyed, false, Attempt::Opened, Outcome::StillOpen),
            (Fate::Destroyed, false, Attempt::KeyThere, Outcome::StillOpen),
            (Fate::Destroyed, false, cannot(), Outcome::StillOpen),
            (Fate::NotDestroyed, true, Attempt::Opened, Outcome::Kept),
            (Fate::NotDestroyed, true, Attempt::KeyGone, Outcome::Lost),
            (Fate::NotDestroyed, true, cannot(), Outcome::Lost),
            (Fate::NotDestroyed, false, Attempt::Opened, Outcome::Kept),
            (Fate::NotDestroyed, false, Attempt::KeyThere, Outcome::Kept),
            (Fate::NotKnown, true, Attempt::Opened, Outcome::Kept),
            (Fate::NotKnown, true, Attempt::KeyGone, Outcome::Lost),
            (Fate::NotKnown, false, Attempt::Opened, Outcome::Undecided),
            (Fate::NotThere, true, Attempt::Opened, Outcome::Undecided),
        ] {
            assert_eq!(judge(fate, by_class, attempt.clone()).0, outcome, "{fate:?} {by_class} {attempt:?}");
        }
    }

    #[test]
    fn a_report_counts_all_and_names_some_of_each() {
        let mut report = EvidenceReport::default();
        for (number, outcome) in [Outcome::Kept; 300].into_iter().chain([Outcome::StillOpen]).enumerate() {
            let item = Uuid::from_u128(number as u128);
            report.note(TriedItem { item, sealed_under: None, outcome, why: None });
        }
        assert_eq!((report.tried, report.count(Outcome::Kept), report.named.len()), (301, 300, 201));
        assert!(!report.held() && report.under_node_key == 301);
        assert_eq!(report.named.last().map(|item| item.outcome), Some(Outcome::StillOpen));
    }
}
