use std::collections::HashMap;

use policy::LabelKey;

use super::flags::Stand;
use crate::collections::CollectionKey;
use crate::{StoreError, Tx};

/// Changes to the counts of a collection's versions, gathered over a batch and written once.
#[derive(Default)]
pub(super) struct Tallies {
    changes: HashMap<(Box<str>, LabelKey, i64), Tally>,
}

/// By how much one count changes.
#[derive(Default, Clone, Copy)]
struct Tally {
    versions: i64,
    revoked: i64,
}

impl Tallies {
    /// A version stands so.
    pub(super) fn add(&mut self, object_type: &str, label: LabelKey, stand: Stand, revoked: bool) {
        self.change(object_type, label, stand.is_last, revoked, 1);
    }

    /// A version no longer stands so.
    pub(super) fn remove(&mut self, object_type: &str, label: LabelKey, is_last: i64, revoked: bool) {
        self.change(object_type, label, is_last, revoked, -1);
    }

    fn change(&mut self, object_type: &str, label: LabelKey, is_last: i64, revoked: bool, by: i64) {
        let tally = self.changes.entry((object_type.into(), label, is_last)).or_default();
        tally.versions += by;
        tally.revoked += if revoked { by } else { 0 };
    }

    /// Writes the changes.
    pub(super) fn write(self, tx: &Tx<'_>, realm: i64, collection: CollectionKey) -> Result<(), StoreError> {
        for ((object_type, label, is_last), tally) in self.changes {
            if tally.versions == 0 && tally.revoked == 0 {
                continue;
            }
            tx.execute(
                "INSERT INTO tallies (realm, collection, type, label, is_last, versions, revoked)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (realm, collection, type, label, is_last) DO UPDATE
                 SET versions = tallies.versions + excluded.versions, revoked = tallies.revoked + excluded.revoked",
                (realm, collection, object_type, label, is_last, tally.versions, tally.revoked),
            )?;
        }
        Ok(())
    }
}
