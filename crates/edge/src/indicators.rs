//! The indicators an edge holds, and the compiled set in use. A newer set replaces the older one between two stretches of a
//! log; nothing waits for it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use api::{Intelligence, IntelligenceChange};
use arc_swap::ArcSwap;
use bytes::Bytes;
use matcher::{Indicator, IndicatorSet, WarningLists};
use stix::marking::Tlp;
use stix::{Id, Object};
use tokio::sync::watch;

use crate::config::Matching;
use crate::link::Told;
use crate::spool::KeptIndicator;
use crate::status::Status;
use crate::{ConfigError, Shared};

/// The held indicators and the set made of them.
pub(crate) struct Indicators {
    held: Mutex<Held>,
    set: ArcSwap<IndicatorSet>,
    options: matcher::Options,
    warning_lists: WarningLists,
}

#[derive(Default)]
struct Held {
    sequence: i64,
    usable: HashMap<Id, (Indicator, Option<Tlp>)>,
    unusable: u64,
}

impl std::fmt::Debug for Indicators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indicators").finish_non_exhaustive()
    }
}

impl Indicators {
    /// Takes up what the spool kept; nothing is compiled yet.
    pub(crate) fn new(
        matching: &Matching,
        kept: Vec<KeptIndicator>,
        sequence: i64,
    ) -> Result<Self, ConfigError> {
        let mut warning_lists = WarningLists::built_in();
        for path in &matching.warning_lists {
            add_warning_list(&mut warning_lists, path)?;
        }
        let options = matcher::Options {
            covers: if matching.subtree { matcher::Covers::Subtree } else { matcher::Covers::Host },
            confidence_min: (matching.confidence_min > 0).then_some(matching.confidence_min),
            any_time: false,
            unanchored: false,
        };
        let mut held = Held { sequence, ..Held::default() };
        for (body, tlp) in kept {
            held.put(Bytes::from(body), tlp.as_deref());
        }
        let set = ArcSwap::from_pointee(IndicatorSet::none());
        Ok(Self { held: Mutex::new(held), set, options, warning_lists })
    }

    /// The set in use.
    pub(crate) fn current(&self) -> Arc<IndicatorSet> {
        self.set.load_full()
    }

    /// Applies what the hub sent; the set in use changes with the next rebuild.
    pub(crate) fn change(&self, news: &Intelligence) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if news.reset {
            *held = Held::default();
        }
        for change in &news.changes {
            match change {
                IntelligenceChange::Put { object, tlp } => {
                    held.put(Bytes::from(object.to_string()), tlp.as_deref());
                }
                IntelligenceChange::Drop { id } => {
                    if let Ok(id) = Id::parse(id) {
                        held.usable.remove(&id);
                    }
                }
            }
        }
        held.sequence = news.sequence;
    }

    /// Compiles the held indicators and puts the set in use.
    pub(crate) fn rebuild(&self, status: &Status) {
        let (sequence, indicators, unusable) = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let indicators: Vec<Indicator> =
                held.usable.values().map(|(indicator, _)| indicator.clone()).collect();
            (held.sequence, indicators, held.unusable)
        };
        let built =
            IndicatorSet::build(indicators, &self.warning_lists, &self.options, sequence.cast_unsigned());
        for (id, why) in built.refused.iter().take(20) {
            tracing::info!(indicator = %id, code = why.code, "not used: {why}");
        }
        status.indicators.store(built.set.len() as u64, Ordering::Relaxed);
        status.refused.store(unusable + built.refused.len() as u64, Ordering::Relaxed);
        self.set.store(Arc::new(built.set));
        status.generation.store(sequence, Ordering::Relaxed);
    }

    /// The marking that an indicator bears, as the hub said.
    pub(crate) fn marking_of(&self, id: &Id) -> Option<Tlp> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.usable.get(id).and_then(|(_, tlp)| *tlp)
    }

    /// An indicator's name, or nothing where it is not held any more.
    pub(crate) fn name_of(&self, id: &Id) -> String {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.usable.get(id).map_or_else(String::new, |(indicator, _)| indicator.name.clone())
    }
}

impl Held {
    fn put(&mut self, body: Bytes, tlp: Option<&str>) {
        let read = Object::parse(body).ok().and_then(|object| {
            let indicator = Indicator::from_object(&object);
            if indicator.is_err() {
                self.usable.remove(object.id());
            }
            indicator.ok()
        });
        match read {
            Some(indicator) => {
                let tlp = tlp.and_then(oversight::tlp_from_word);
                self.usable.insert(indicator.id.clone(), (indicator, tlp));
            }
            None => self.unusable += 1,
        }
    }
}

/// A MISP warning list (JSON), or one value a line.
fn add_warning_list(lists: &mut WarningLists, path: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    if text.trim_start().starts_with('{') {
        let malformed = |e: matcher::WarningListError| ConfigError::Malformed {
            path: path.to_owned(),
            cause: e.to_string(),
        };
        return lists.add_misp(text.as_bytes()).map_err(malformed);
    }
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    lists.add_lines(&name, &text);
    Ok(())
}

/// Rebuilds the set whenever the held indicators changed; changes that come while one is being built are taken together.
pub(crate) async fn keep_compiled(shared: Arc<Shared>, mut changed: watch::Receiver<Told>) {
    while changed.changed().await.is_ok() {
        let is_all = changed.borrow_and_update().is_all;
        let work = Arc::clone(&shared);
        let built = tokio::task::spawn_blocking(move || work.indicators.rebuild(&work.status));
        match built.await {
            Ok(()) if is_all => shared.status.informed.store(true, Ordering::Relaxed),
            Ok(()) => {}
            Err(_) => tracing::error!("the indicators could not be compiled; the earlier set stays in use"),
        }
    }
}
