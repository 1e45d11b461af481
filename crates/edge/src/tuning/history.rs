//! The operator's own history with an indicator: how many of its hosts met it, and how often. A small statistic that outlives a
//! restart; hosts are kept as keyed hashes. It sees the hosts of all matches, and of a sample of all other records, so the share
//! of hosts is rather too high than too low while few are known.

use std::collections::{HashMap, HashSet};

use stix::Id;

use crate::config::Quarantine;
use crate::tuning::Reason;

/// After so many days without being seen a host is forgotten.
pub(crate) const DAYS: i64 = 30;
/// The most hosts that are known.
const HOSTS_MAX: usize = 1 << 16;
/// The most hosts that are remembered of one indicator: more than that is too many by any measure.
const HOSTS_OF_ONE_MAX: usize = 4096;
/// The most hosts that are remembered of all indicators together, some 50 bytes each.
const MET_MAX: usize = 1 << 18;

/// What is known of hosts and indicators.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Hosts, and the day on which each was last seen.
    hosts: HashMap<u64, i64>,
    met: HashMap<Id, Meetings>,
    /// The hosts of all indicators.
    held: usize,
    /// The day on which room was last made for hosts.
    cleared: i64,
    news: HistoryNews,
}

/// What one indicator met.
#[derive(Debug, Default)]
struct Meetings {
    hosts: HashSet<u64>,
    minute: i64,
    in_minute: u64,
    /// When it was last met, to forget those first that were not met for the longest.
    last: i64,
}

/// What changed since it was last written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HistoryNews {
    /// Hosts, and the day.
    pub(crate) hosts: Vec<(u64, i64)>,
    /// Hosts that met an indicator.
    pub(crate) met: Vec<(Id, u64, i64)>,
    /// Indicators whose hosts were forgotten.
    pub(crate) forgotten: Vec<Id>,
}

impl HistoryNews {
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.met.is_empty() && self.forgotten.is_empty()
    }
}

/// How much an indicator hits: what quarantine is decided by, wherever it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Prevalence {
    /// Hosts of the operator that met it.
    pub(crate) hosts_hit: u64,
    /// Hosts of the operator that are known.
    pub(crate) hosts_known: u64,
    /// Matches within the last minute.
    pub(crate) per_minute: u64,
}

impl Prevalence {
    /// Why this is too much, where it is.
    pub(crate) fn too_much(self, limits: &Quarantine) -> Option<Reason> {
        let Self { hosts_hit: hit, hosts_known: known, per_minute } = self;
        let is_share = limits.hosts_percent > 0
            && known >= limits.hosts_min
            && hit.saturating_mul(100) > known.saturating_mul(u64::from(limits.hosts_percent));
        let is_rate = limits.matches_per_minute > 0 && per_minute > limits.matches_per_minute;
        match (is_share, is_rate) {
            (true, _) => Some(Reason::Hosts { hit, known }),
            (false, true) => Some(Reason::Rate { per_minute }),
            (false, false) => None,
        }
    }
}

/// Days since 1970.
pub(crate) fn day(at: jiff::Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

impl History {
    /// Takes up what was written down.
    pub(crate) fn restored(hosts: Vec<(u64, i64)>, met: Vec<(Id, u64, i64)>) -> Self {
        let mut history = Self::default();
        history.hosts.extend(hosts.into_iter().take(HOSTS_MAX));
        for (indicator, host, day) in met.into_iter().take(MET_MAX) {
            let meetings = history.met.entry(indicator).or_default();
            meetings.hosts.insert(host);
            meetings.last = meetings.last.max(day * 86_400);
        }
        history.held = history.met.values().map(|meetings| meetings.hosts.len()).sum();
        history
    }

    /// A host of the operator was seen.
    pub(crate) fn saw(&mut self, host: u64, now: jiff::Timestamp) {
        let today = day(now);
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(&host) {
            if self.cleared != today {
                self.cleared = today;
                self.hosts.retain(|_, seen| *seen > today - DAYS);
            }
            if self.hosts.len() >= HOSTS_MAX {
                return;
            }
        }
        if self.hosts.insert(host, today) != Some(today) {
            self.news.hosts.push((host, today));
        }
    }

    /// These hosts met an indicator, in a record of this time; what is now known of it.
    pub(crate) fn met(
        &mut self,
        indicator: &Id,
        hosts: &[u64],
        (time, now): (jiff::Timestamp, jiff::Timestamp),
    ) -> Prevalence {
        hosts.iter().for_each(|host| self.saw(*host, now));
        if self.held >= MET_MAX {
            self.make_room(indicator);
        }
        let known = self.hosts.len() as u64;
        let is_known = self.met.contains_key(indicator);
        if !is_known {
            self.met.insert(indicator.clone(), Meetings::default());
        }
        let Some(meetings) = self.met.get_mut(indicator) else { return Prevalence::default() };
        for host in hosts {
            if meetings.hosts.len() < HOSTS_OF_ONE_MAX && meetings.hosts.insert(*host) {
                self.held += 1;
                self.news.met.push((indicator.clone(), *host, day(now)));
            }
        }
        meetings.last = now.as_second();
        let minute = time.as_second().div_euclid(60);
        match minute.cmp(&meetings.minute) {
            std::cmp::Ordering::Greater => (meetings.minute, meetings.in_minute) = (minute, 1),
            std::cmp::Ordering::Equal => meetings.in_minute += 1,
            // A record that comes late belongs to a minute that is over.
            std::cmp::Ordering::Less => {}
        }
        Prevalence {
            hosts_hit: meetings.hosts.len() as u64,
            hosts_known: known,
            per_minute: meetings.in_minute,
        }
    }

    /// Forgets the half of the indicators that were not met for the longest.
    fn make_room(&mut self, but: &Id) {
        let mut last: Vec<i64> = self.met.values().map(|meetings| meetings.last).collect();
        let middle = last.len() / 2;
        if middle >= last.len() {
            return;
        }
        let (_, pivot, _) = last.select_nth_unstable(middle);
        let pivot = *pivot;
        let gone = self.met.extract_if(|indicator, meetings| meetings.last <= pivot && indicator != but);
        let gone: Vec<Id> = gone.map(|(indicator, _)| indicator).collect();
        self.news.met.retain(|(indicator, _, _)| !gone.contains(indicator));
        self.news.forgotten.extend(gone);
        self.held = self.met.values().map(|meetings| meetings.hosts.len()).sum();
    }

    pub(crate) fn take_news(&mut self) -> HistoryNews {
        std::mem::take(&mut self.news)
    }

    pub(crate) fn give_back(&mut self, mut news: HistoryNews) {
        news.hosts.append(&mut self.news.hosts);
        news.met.append(&mut self.news.met);
        news.forgotten.append(&mut self.news.forgotten);
        self.news = news;
    }
}
