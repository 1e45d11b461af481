//! Which indicators are worth an alarm here: those that hit what is the operator's own, or too much of it, are held back until a
//! person has looked at them; those that a person marked as false alarms stay inside. What is held back goes on being counted.

pub(crate) mod control;
pub(crate) mod history;
pub(crate) mod socket;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use oversight::Judgement;
use serde::{Deserialize, Serialize};
use stix::Id;
use uuid::Uuid;

use crate::config::Quarantine;
use crate::tuning::history::{History, HistoryNews};

/// What was decided about an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// The edge holds its sightings back until a person has looked.
    Quarantined,
    /// A person has looked, and its sightings may leave.
    Released,
    /// A person has looked, and its sightings stay inside.
    Dismissed,
    /// A person said that it is a false alarm here.
    FalseAlarm,
}

/// Why the edge holds an indicator's sightings back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// It asks for what is the operator's own.
    OwnAsset,
    /// It hits this many of the operator's hosts that are known.
    Hosts {
        /// That it hit.
        hit: u64,
        /// That are known.
        known: u64,
    },
    /// It hits more often than this in a minute.
    Rate {
        /// Matches in a minute.
        per_minute: u64,
    },
    /// A person said so.
    Person,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OwnAsset => f.write_str("own-asset"),
            Self::Hosts { hit, known } => write!(f, "hosts {hit}/{known}"),
            Self::Rate { per_minute } => write!(f, "rate {per_minute}/min"),
            Self::Person => f.write_str("person"),
        }
    }
}

/// One indicator's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) state: State,
    pub(crate) reason: Reason,
    /// In the operator's words; they stay inside unless the opinion bears them.
    pub(crate) note: String,
    pub(crate) at: jiff::Timestamp,
    /// The opinion that was let out.
    pub(crate) opinion: Option<GivenOpinion>,
}

/// An opinion that was let out, to be able to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenOpinion {
    pub(crate) id: Uuid,
    pub(crate) judgement: Judgement,
    pub(crate) created: jiff::Timestamp,
}

/// Matches whose sightings were held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Held {
    pub(crate) count: u64,
    pub(crate) first: jiff::Timestamp,
    pub(crate) last: jiff::Timestamp,
}

impl Held {
    pub(crate) fn one(at: jiff::Timestamp) -> Self {
        Self { count: 1, first: at, last: at }
    }

    /// With others of the same indicator.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }
}

/// The most verdicts of persons; those of the edge are no more than there are indicators.
pub(crate) const PERSONS_VERDICTS_MAX: usize = 100_000;

/// What was decided, and what it is decided by.
#[derive(Debug)]
pub(crate) struct Tuning {
    verdicts: RwLock<HashMap<Id, Verdict>>,
    history: Mutex<History>,
    limits: Quarantine,
}

/// How a match stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Why its sighting is held back.
    pub(crate) held: Option<State>,
    /// The verdict, where this match brought it about.
    pub(crate) news: Option<Verdict>,
}

impl Tuning {
    /// Takes up what the spool kept.
    pub(crate) fn new(verdicts: HashMap<Id, Verdict>, history: History, limits: Quarantine) -> Self {
        Self { verdicts: RwLock::new(verdicts), history: Mutex::new(history), limits }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether hosts are counted.
    pub(crate) fn counts_hosts(&self) -> bool {
        self.limits.hosts_percent > 0
    }

    /// Notes hosts of the operator that were seen, whatever they did.
    pub(crate) fn saw_hosts(&self, hosts: &[u64], now: jiff::Timestamp) {
        let mut history = self.history();
        hosts.iter().for_each(|host| history.saw(*host, now));
    }

    /// Takes a match of an indicator with these hosts of the operator, of a record of this time.
    pub(crate) fn meet(
        &self,
        indicator: &Id,
        hosts: &[u64],
        (time, now): (jiff::Timestamp, jiff::Timestamp),
    ) -> Standing {
        let state = self.verdict(indicator).map(|verdict| verdict.state);
        let met = self.history().met(indicator, hosts, (time.min(now), now));
        let news = match state {
            None => met.too_much(&self.limits).map(|reason| self.quarantine(indicator, reason, now)),
            Some(_) => None,
        };
        let state = news.as_ref().map(|verdict| verdict.state).or(state);
        Standing { held: state.filter(|state| *state != State::Released), news }
    }

    /// Holds an indicator's sightings back; the verdict is to be written down by whoever asked.
    fn quarantine(&self, indicator: &Id, reason: Reason, now: jiff::Timestamp) -> Verdict {
        let verdict =
            Verdict { state: State::Quarantined, reason, note: String::new(), at: now, opinion: None };
        self.set(indicator, Some(verdict.clone()));
        verdict
    }

    /// The indicators of these about which nothing was decided yet, held back from now on because they ask for what is the
    /// operator's own.
    pub(crate) fn hold_own(&self, indicators: &[Id], now: jiff::Timestamp) -> Vec<(Id, Verdict)> {
        let new = indicators.iter().filter(|id| self.verdict(id).is_none());
        let new: Vec<&Id> = new.collect();
        new.into_iter().map(|id| (id.clone(), self.quarantine(id, Reason::OwnAsset, now))).collect()
    }

    /// Takes back an indicator's quarantine where it could not be written down.
    pub(crate) fn set(&self, indicator: &Id, verdict: Option<Verdict>) {
        let mut verdicts = self.verdicts.write().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Some(verdict) => drop(verdicts.insert(indicator.clone(), verdict)),
            None => drop(verdicts.remove(indicator)),
        }
    }

    /// What was decided about an indicator.
    pub(crate) fn verdict(&self, indicator: &Id) -> Option<Verdict> {
        self.verdicts.read().unwrap_or_else(PoisonError::into_inner).get(indicator).cloned()
    }

    /// Everything that was decided, by identifier.
    pub(crate) fn verdicts(&self) -> BTreeMap<Id, Verdict> {
        let verdicts = self.verdicts.read().unwrap_or_else(PoisonError::into_inner);
        verdicts.iter().map(|(id, verdict)| (id.clone(), verdict.clone())).collect()
    }

    /// What is to be written down of the operator's own history.
    pub(crate) fn history_news(&self) -> HistoryNews {
        self.history().take_news()
    }

    /// What could not be written down, to be written with what comes next.
    pub(crate) fn give_back(&self, news: HistoryNews) {
        self.history().give_back(news);
    }
}

#[cfg(test)]
#[path = "tuning_tests.rs"]
mod tests;
