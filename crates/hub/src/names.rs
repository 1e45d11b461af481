//! The names of things, kept in memory for whoever mistypes one.
//!
//! The list is made of the log and follows it; nothing is lost with it. It holds names under labels that some may not see, so it
//! answers with identifiers under labels that the asker may see, and the asker's own read tells whether there is such an
//! object.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use analysis::names::Dictionary;
use policy::{LabelKey, Visible};
use stix::Id;
use store::objects;

use crate::state::AppState;

/// Types whose names people type. Indicators and observables are found by their values.
const NAMED_TYPES: [&str; 13] = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "identity",
    "incident",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
];
/// Versions read at once.
const BATCH: usize = 2_000;
/// The log is followed at most so often.
const PAUSE: Duration = Duration::from_millis(200);
/// Candidates that are looked at for one question.
const CANDIDATES_MAX: usize = 40;

/// The list.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Dictionary<(LabelKey, Id)>>);

impl Names {
    /// Who bears a name near to what was typed, nearest first; some may be gone meanwhile.
    pub(crate) fn near(&self, typed: &str, visible: &Visible) -> Vec<Id> {
        let dictionary = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let near = dictionary.near(typed, CANDIDATES_MAX, |(label, _)| visible.contains(*label));
        let mut ids: Vec<Id> = Vec::new();
        for one in near {
            let (_, id) = one.holder;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn add(&self, versions: Vec<objects::Named>) {
        let mut dictionary = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for version in versions {
            let holder = (version.label, version.id);
            for name in &version.names {
                dictionary.add(name, &holder);
            }
        }
    }
}

/// Follows the log until the hub stops.
pub(crate) async fn run(state: AppState) {
    let mut committed = state.store.committed();
    let mut after = 0;
    loop {
        committed.mark_unchanged();
        let collection = state.collection.key;
        let read = state.store.read(move |reader| {
            objects::named(reader, &crate::REALM, collection, &NAMED_TYPES, (after, BATCH))
        });
        let more = match read.await {
            Ok(batch) => {
                after = batch.through;
                state.names.add(batch.versions);
                batch.more
            }
            Err(error) => {
                tracing::error!(%error, "names cannot be read");
                false
            }
        };
        if more && !state.stopping.is_set() {
            continue;
        }
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            () = state.stopping.wait() => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
