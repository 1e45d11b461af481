//! The indicators an edge holds, and the compiled set in use. A newer set replaces the older one between two stretches of a
//! log; nothing waits for it.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Intelligence, IntelligenceChange};
use arc_swap::ArcSwap;
use bytes::Bytes;
use matcher::{Built, Delta, Indicator, IndicatorSet, Reach, WarningLists};
use sigma::{RuleSet, RuleText};
use stix::marking::Tlp;
use stix::{Id, Object};
use tokio::sync::watch;

use crate::config::Matching;
use crate::link::Told;
use crate::rules::Rules;
use crate::spool::KeptIndicator;
use crate::status::Status;
use crate::{ConfigError, Shared};

/// The held indicators and the set made of them.
pub(crate) struct Indicators {
    held: Mutex<Held>,
    set: ArcSwap<IndicatorSet>,
    options: matcher::Options,
    /// What `=` covers in the patterns of these producers.
    reach_of: HashMap<Id, Reach>,
    warning_lists: WarningLists,
    rules: Rules,
    /// Held while what the spool and what this knows are changed together.
    changing: Mutex<()>,
    /// How many changes came, and how many of them are in the set in use.
    changes: AtomicU64,
    compiled: AtomicU64,
}

#[derive(Default)]
struct Held {
    sequence: i64,
    usable: HashMap<Id, (Indicator, Option<Tlp>)>,
    /// Those whose patterns are Sigma rules, and whether they changed since the rules in use were compiled.
    rules: HashMap<Id, (RuleText, Option<Tlp>)>,
    rules_changed: bool,
    /// How many of them are in use.
    rules_used: usize,
    /// Those that cannot be looked for.
    unusable: HashSet<Id>,
    /// What the hub sent that is no object at all.
    unreadable: u64,
    /// Those of the usable ones that the set in use refused.
    refused: HashSet<Id>,
    /// What changed since the set in use was made.
    changed: Changed,
}

/// What a new set has to take up.
#[derive(Default)]
enum Changed {
    #[default]
    All,
    These(HashSet<Id>),
}

/// What the set in use is replaced with.
enum Next {
    Whole(Vec<Indicator>),
    Delta(Delta),
}

/// Up to a sixteenth of the set, and so many anyway, are put over what is there; beyond, a new set is built.
const CHANGES_MIN: usize = 1000;
const CHANGES_SHARE: usize = 16;

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
            reach: matching.reach,
            confidence_min: (matching.confidence_min > 0).then_some(matching.confidence_min),
            any_time: false,
            unanchored: matching.unanchored_max > 0,
            unanchored_max: Some(matching.unanchored_max),
            own_assets: matching.own_assets.clone(),
            seed: std::hash::RandomState::new().hash_one(sequence),
        };
        let mut held = Held { sequence, rules_changed: true, ..Held::default() };
        for (body, tlp) in kept {
            held.put(Bytes::from(body), tlp.as_deref(), &matching.reach_of);
        }
        let set = ArcSwap::from_pointee(IndicatorSet::none());
        Ok(Self {
            held: Mutex::new(held),
            set,
            options,
            reach_of: matching.reach_of.clone(),
            warning_lists,
            rules: Rules::new(matching)?,
            changing: Mutex::default(),
            changes: AtomicU64::new(0),
            compiled: AtomicU64::new(0),
        })
    }

    /// The set in use.
    pub(crate) fn current(&self) -> Arc<IndicatorSet> {
        self.set.load_full()
    }

    /// The Sigma rules in use.
    pub(crate) fn rules(&self) -> Arc<RuleSet> {
        self.rules.current()
    }

    /// Applies what the hub sent; the set in use changes with the next rebuild.
    pub(crate) fn change(&self, news: &Intelligence) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if news.reset {
            *held = Held { rules_changed: true, ..Held::default() };
        }
        for change in &news.changes {
            match change {
                IntelligenceChange::Put { object, tlp } => {
                    held.put(Bytes::from(object.to_string()), tlp.as_deref(), &self.reach_of);
                }
                IntelligenceChange::Drop { id } => {
                    if let Ok(id) = Id::parse(id) {
                        held.forget(&id);
                        held.changed.add(&id);
                    }
                }
            }
        }
        held.sequence = news.sequence;
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Compiles what changed and puts the new set in use. Few changes are put over the set that is there, which takes
    /// milliseconds; where they have become many, all that is held is compiled anew. `judge` is told, before the set is used, which of the new ones ask for what is the operator's own.
    pub(crate) fn rebuild(&self, status: &Status, judge: impl FnOnce(&[Id])) {
        self.rebuild_rules(status);
        let current = self.current();
        let (sequence, changes, next) = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            (held.sequence, self.changes(), held.next(&current))
        };
        let generation = sequence.cast_unsigned();
        let is_whole = matches!(next, Next::Whole(_));
        let (lists, options) = (&self.warning_lists, &self.options);
        let Built { set, refused, own, .. } = match next {
            Next::Whole(indicators) => IndicatorSet::build(indicators, lists, options, generation),
            Next::Delta(delta) => current.apply(delta, lists, options, generation),
        };
        for (id, why) in refused.iter().take(20) {
            tracing::info!(indicator = %id, code = why.code, "not used: {why}");
        }
        let used = set.len();
        if !own.is_empty() {
            judge(&own);
        }
        self.set.store(Arc::new(set));
        self.compiled.store(changes, Ordering::Release);
        status.generation.store(sequence, Ordering::Relaxed);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if is_whole {
            held.refused.clear();
        }
        held.refused.extend(refused.into_iter().map(|(id, _)| id));
        let rules_refused = held.rules.len().saturating_sub(held.rules_used);
        let refused = held.unreadable + (held.unusable.len() + held.refused.len() + rules_refused) as u64;
        status.refused.store(refused, Ordering::Relaxed);
        status.indicators.store((used + held.rules_used) as u64, Ordering::Relaxed);
    }

    /// Compiles the Sigma rules, where any of them changed.
    fn rebuild_rules(&self, status: &Status) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut held.rules_changed) {
            return;
        }
        let texts: Vec<RuleText> = held.rules.values().map(|(text, _)| text.clone()).collect();
        drop(held);
        let used = self.rules.rebuild(texts, status);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).rules_used = used;
    }

    /// Has the next set compiled from all that is held.
    fn start_over(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.changed = Changed::All;
        held.rules_changed = true;
    }

    /// To be held while the spool and what is held are changed together, or compared.
    pub(crate) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many changes came since the start.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// How many of them the set in use has.
    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Acquire)
    }

    /// Those of these that are held and usable.
    pub(crate) fn those(&self, ids: &[Id]) -> Vec<Indicator> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().filter_map(|id| held.usable.get(id)).map(|(indicator, _)| indicator.clone()).collect()
    }

    /// A set of its own, compiled as the one in use is; whether its indicators count at any time is said.
    pub(crate) fn set_of(&self, indicators: Vec<Indicator>, any_time: bool) -> IndicatorSet {
        let options = matcher::Options { any_time, ..self.options.clone() };
        IndicatorSet::build(indicators, &self.warning_lists, &options, self.current().generation()).set
    }

    /// The marking that an indicator bears, as the hub said.
    pub(crate) fn marking_of(&self, id: &Id) -> Option<Tlp> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_rule = || held.rules.get(id).and_then(|(_, tlp)| *tlp);
        held.usable.get(id).map_or_else(of_rule, |(_, tlp)| *tlp)
    }

    /// Whether the indicator is held, and can be looked for.
    pub(crate) fn holds(&self, id: &Id) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.usable.contains_key(id) || held.rules.contains_key(id)
    }

    /// An indicator's name, or nothing where it is not held any more.
    pub(crate) fn name_of(&self, id: &Id) -> String {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_rule = || held.rules.get(id).and_then(|(text, _)| text.origin().indicator()?.name.clone());
        let of_pattern = held.usable.get(id).map(|(indicator, _)| indicator.name.clone());
        of_pattern.or_else(of_rule).unwrap_or_default()
    }
}

impl Changed {
    fn add(&mut self, id: &Id) {
        if let Self::These(ids) = self {
            ids.insert(id.clone());
        }
    }
}

impl Held {
    /// What the next set is made of; it is taken to be made.
    fn next(&mut self, current: &IndicatorSet) -> Next {
        let most = CHANGES_MIN.max(current.len() / CHANGES_SHARE);
        match std::mem::replace(&mut self.changed, Changed::These(HashSet::new())) {
            Changed::These(ids) if current.changes() + ids.len() <= most => {
                let mut delta = Delta::default();
                for id in ids {
                    self.refused.remove(&id);
                    match self.usable.get(&id) {
                        Some((indicator, _)) => delta.put.push(indicator.clone()),
                        None => delta.dropped.push(id),
                    }
                }
                Next::Delta(delta)
            }
            Changed::These(_) | Changed::All => {
                Next::Whole(self.usable.values().map(|(indicator, _)| indicator.clone()).collect())
            }
        }
    }

    fn put(&mut self, body: Bytes, tlp: Option<&str>, reach_of: &HashMap<Id, Reach>) {
        let Ok(object) = Object::parse(body) else {
            self.unreadable += 1;
            return;
        };
        let id = object.id().clone();
        self.changed.add(&id);
        self.forget(&id);
        let tlp = tlp.and_then(oversight::tlp_from_word);
        let is_usable = if sigma::Indicator::is_sigma(&object) {
            self.rules_changed = true;
            RuleText::of_indicator(&object).map(|text| self.rules.insert(id.clone(), (text, tlp))).is_ok()
        } else {
            Indicator::from_object(&object)
                .map(|indicator| Indicator { reach: reach_in(&object, reach_of), ..indicator })
                .map(|indicator| self.usable.insert(id.clone(), (indicator, tlp)))
                .is_ok()
        };
        if !is_usable {
            self.unusable.insert(id);
        }
    }

    fn forget(&mut self, id: &Id) {
        self.usable.remove(id);
        self.unusable.remove(id);
        self.rules_changed |= self.rules.remove(id).is_some();
    }
}

/// What `=` covers in the indicator's pattern where its producer means something else than the others.
fn reach_in(indicator: &Object, reach_of: &HashMap<Id, Reach>) -> Option<Reach> {
    let producer = indicator.text("created_by_ref").filter(|_| !reach_of.is_empty())?;
    reach_of.get(&Id::parse(producer).ok()?).copied()
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
        let built = tokio::task::spawn_blocking(move || work.rebuild_indicators());
        match built.await {
            Ok(()) => {
                if let Some(history) = &shared.history {
                    history.hear_news();
                }
                if is_all {
                    shared.status.informed.store(true, Ordering::Relaxed);
                }
            }
            Err(_) => {
                shared.indicators.start_over();
                tracing::error!("the indicators could not be compiled; the earlier set stays in use");
            }
        }
    }
}

#[cfg(test)]
#[path = "indicators_tests.rs"]
mod tests;
