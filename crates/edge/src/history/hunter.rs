//! The thread that hunts: one hunt at a time, the newest history first, where it was after a restart.
//!
//! A hunt is for indicators that came or changed. Records that are matched from now on are matched with them, so the hunt is for all
//! records from before: the set in use must have them, whatever was matched with an earlier set must be on its way to the
//! journal, and the journal up to there in the lake ([`reach`]). Some records are then matched live and hunted as well; what
//! was told of them is known.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lake::{Hunt, Lake, LakeError, Sighting};
use matcher::{Indicator, IndicatorSet};
use stix::Id;
use stix::pattern::{Observation, Pattern, Qualifier};

use super::report::Hunting;
use super::slices::{Slice, slices};
use super::{History, give_way};
use crate::ledger::{LedgerKind, LedgerRow};
use crate::spool::history::{Found, HuntRow};
use crate::spool::{NewSpooled, WAITING_SIGHTINGS_MAX};
use crate::tuning::State;
use crate::{Shared, SpoolError};

/// How often it is looked whether there is something to hunt.
const POLL: Duration = Duration::from_millis(200);
/// How long to wait before what failed is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// News that does not end is waited for at most so many times the time of gathering.
const GATHERINGS_MAX: u32 = 12;
/// What is found is kept so many at a time.
const FOUND_TOGETHER: usize = 256;
/// How often a part of the history is tried: files may be replaced while they are read.
const TRIES: usize = 3;
/// Hunts leave the other half of the spool to live matching.
const WAITING_MAX: u64 = WAITING_SIGHTINGS_MAX / 2;

/// Hunts until the edge stops.
pub(super) fn run(shared: &Shared, history: &History) {
    give_way();
    while !shared.is_stopping() {
        match hunt_next(shared, history) {
            Ok(true) => {}
            Ok(false) => std::thread::sleep(POLL),
            Err(error) => {
                tracing::warn!(%error, "a hunt waits");
                std::thread::sleep(RETRY);
            }
        }
        history.report(|report| report.hunting = None);
    }
}

/// Whether there was something to hunt.
fn hunt_next(shared: &Shared, history: &History) -> Result<bool, SpoolError> {
    if !shared.status.informed.load(Ordering::Relaxed) || !history.is_time_to_hunt() {
        return Ok(false);
    }
    let (hunt, changes) = {
        // What waits for a hunt is held, and counted among the changes.
        let _whole = shared.indicators.changing();
        let hunt = match shared.spool.hunt_left()? {
            Some(left) => Some(left),
            None => shared.spool.begin_hunt(history.config.hunts.indicators_max, Timestamp::now())?,
        };
        *history.news.lock().unwrap_or_else(PoisonError::into_inner) = None;
        (hunt, shared.indicators.changes())
    };
    let Some(hunt) = hunt else { return Ok(false) };
    // It is shown while it waits for the lake.
    history.report(|report| report.hunting = Some(Hunting::new(&hunt, hunt.segments, hunt.segments)));
    if reach(shared, history, changes) {
        Hunter::new(shared, history, hunt)?.run()?;
    }
    Ok(true)
}

/// Waits until the lake holds all records that were not matched with these indicators; whether it does, or the edge stops.
fn reach(shared: &Shared, history: &History, changes: u64) -> bool {
    let until = |is_so: &dyn Fn() -> bool| {
        while !is_so() && !shared.is_stopping() {
            std::thread::sleep(POLL);
        }
    };
    until(&|| shared.indicators.compiled() >= changes);
    drop(history.scanning.write().unwrap_or_else(PoisonError::into_inner));
    let (wanted, _) = history.journal.end();
    history.wanted.fetch_max(wanted, Ordering::AcqRel);
    until(&|| {
        let (end, is_on_disk) = history.journal.end();
        let in_lake = history.in_lake.load(Ordering::Acquire);
        // Less than was wanted is enough where the disk did not take the rest.
        !history.is_stuck() && (in_lake >= wanted || (is_on_disk && in_lake >= end))
    });
    !shared.is_stopping()
}

impl History {
    /// Not while more may come in a moment.
    fn is_time_to_hunt(&self) -> bool {
        let gather = self.config.hunts.gather;
        match *self.news.lock().unwrap_or_else(PoisonError::into_inner) {
            None => true,
            Some((first, last)) => {
                let now = Instant::now();
                now.duration_since(last) >= gather || now.duration_since(first) >= gather * GATHERINGS_MAX
            }
        }
    }
}

struct Hunter<'a> {
    shared: &'a Shared,
    history: &'a History,
    hunt: HuntRow,
    /// Of one record each: hunted slice by slice.
    single: Arc<IndicatorSet>,
    /// Over several records, however far apart: hunted through all at once.
    several: Arc<IndicatorSet>,
    waiting: Vec<(Id, Found)>,
    /// What was told of each indicator.
    told: HashMap<Id, u64>,
    beyond: u64,
    failed: Option<SpoolError>,
    done: u64,
}

impl<'a> Hunter<'a> {
    fn new(shared: &'a Shared, history: &'a History, hunt: HuntRow) -> Result<Self, SpoolError> {
        let ids = shared.spool.sought_by(hunt.number)?;
        let (several, single): (Vec<Indicator>, Vec<Indicator>) =
            shared.indicators.those(&ids).into_iter().partition(is_of_several);
        let any_time = !history.config.within_validity;
        let set = |indicators| Arc::new(shared.indicators.set_of(indicators, any_time));
        let (single, several, done) = (set(single), set(several), hunt.segments);
        Ok(Self {
            shared,
            history,
            hunt,
            single,
            several,
            waiting: Vec::new(),
            told: HashMap::new(),
            beyond: 0,
            failed: None,
            done,
        })
    }

    fn run(mut self) -> Result<(), SpoolError> {
        let lake = loop {
            match Lake::open(&self.history.config.path) {
                Ok(lake) => break lake,
                Err(_) if self.shared.is_stopping() => return Ok(()),
                Err(error) => {
                    self.tell(Some(&error));
                    std::thread::sleep(RETRY);
                }
            }
        };
        let all = Slice { since: i64::MIN, until: None, segments: lake.segments().len() as u64 };
        let mut parts = Vec::new();
        if !self.single.is_empty() && self.hunt.hunted_from != Some(i64::MIN) {
            parts = slices(lake.segments(), self.hunt.hunted_from);
        }
        let several = (!self.several.is_empty()).then_some(all);
        let to_do: u64 = parts.iter().chain(&several).map(|part| part.segments).sum();
        let of = self.done + to_do;
        for part in parts {
            let set = Arc::clone(&self.single);
            self.hunt_part(&set, part, of)?;
        }
        if let Some(part) = several {
            let set = Arc::clone(&self.several);
            self.hunt_part(&set, part, of)?;
        }
        if !self.shared.is_stopping() {
            self.shared.spool.end_hunt(self.hunt.number, Timestamp::now())?;
        }
        Ok(())
    }

    /// Hunts through one stretch of time. What cannot be read after some tries is passed over, and told.
    fn hunt_part(&mut self, set: &Arc<IndicatorSet>, part: Slice, of: u64) -> Result<(), SpoolError> {
        if self.shared.is_stopping() {
            return Ok(());
        }
        let mut failed = None;
        for _ in 0..TRIES {
            failed = self.try_part(set, part, of).err();
            self.flush();
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if failed.is_none() || self.shared.is_stopping() {
                break;
            }
        }
        if self.shared.is_stopping() {
            return Ok(());
        }
        if let Some(error) = &failed {
            tracing::warn!(%error, "a hunt passes over a part of the history that cannot be read");
        }
        self.tell(failed.as_ref());
        self.done += part.segments;
        let beyond = std::mem::take(&mut self.beyond);
        let number = self.hunt.number;
        self.shared.spool.hunted(number, part.since, part.segments, beyond, failed.is_some())
    }

    fn try_part(&mut self, set: &Arc<IndicatorSet>, part: Slice, of: u64) -> Result<(), LakeError> {
        let lake = Lake::open(&self.history.config.path)?;
        let time = |nanoseconds: i64| Timestamp::from_nanosecond(i128::from(nanoseconds)).ok();
        let hunt = Hunt {
            set: Arc::clone(set),
            since: time(part.since).filter(|_| part.since != i64::MIN),
            until: part.until.and_then(time),
            now: Timestamp::now(),
            exhaustive: false,
        };
        let first = lake.segments().partition_point(|segment| segment.from < part.since) as u64;
        let (history, done) = (self.history, self.done);
        let progress = |number: u64| {
            let here = number.saturating_sub(first).min(part.segments);
            history.report(|report| {
                report.hunting.iter_mut().for_each(|hunting| hunting.segments_done = done + here);
            });
        };
        self.show(of);
        lake.hunt(&hunt, &mut { progress }, &mut |sighting| self.meet(sighting)).map(drop)
    }

    fn show(&self, of: u64) {
        self.history.report(|report| {
            let begun = Hunting::new(&self.hunt, self.done, of);
            let found = report.hunting.as_ref().map_or(begun.found, |hunting| hunting.found);
            report.hunting = Some(Hunting { found, ..begun });
        });
    }

    fn meet(&mut self, sighting: &Sighting<'_>) {
        if self.failed.is_some() || self.shared.is_stopping() {
            return;
        }
        let id = sighting.found.indicator.id();
        if self.told.get(&id).is_some_and(|told| *told >= self.history.config.hunts.found_max) {
            self.beyond += 1;
            return;
        }
        let found = found(self.shared, &id, sighting);
        self.waiting.push((id, found));
        if self.waiting.len() >= FOUND_TOGETHER {
            self.flush();
        }
    }

    /// Keeps what was found. While much waits to be sent, the hunt waits as well.
    fn flush(&mut self) {
        let (ids, found): (Vec<Id>, Vec<Found>) = std::mem::take(&mut self.waiting).into_iter().unzip();
        while !found.is_empty() && !self.shared.is_stopping() {
            let spool = &self.shared.spool;
            let kept = match spool.waiting_count() {
                Ok(waiting) if waiting >= WAITING_MAX => Err(SpoolError::Full),
                Ok(_) => spool.keep_found(self.hunt.number, &found),
                Err(error) => Err(error),
            };
            match kept {
                Ok(fresh) => return self.count(&ids, &fresh),
                Err(SpoolError::Full) => std::thread::sleep(RETRY),
                Err(error) => {
                    self.failed = Some(error);
                    return;
                }
            }
        }
    }

    fn count(&mut self, ids: &[Id], fresh: &[bool]) {
        let mut count = 0;
        for (id, _) in ids.iter().zip(fresh).filter(|(_, fresh)| **fresh) {
            *self.told.entry(id.clone()).or_default() += 1;
            count += 1;
        }
        self.history.report(|report| {
            report.hunting.iter_mut().for_each(|hunting| hunting.found += count);
        });
        if count > 0 {
            self.shared.spooled.notify_one();
        }
    }

    fn tell(&self, error: Option<&LakeError>) {
        let status = &self.shared.status;
        for code in
            ["lake-damaged", "lake-disk", "lake-overlapping", "lake-format", "lake-outdated", "lake-none"]
        {
            status.set_trouble_of("hunts", code, error.is_some_and(|error| error.code() == code));
        }
    }
}

/// What is kept of something that was found: as of a live match, but that its place is one in the lake.
fn found(shared: &Shared, id: &Id, sighting: &Sighting<'_>) -> Found {
    let (hit, place) = (sighting.found, sighting.place);
    let row = |kind, detail| LedgerRow {
        at: Timestamp::now(),
        kind,
        indicator: id.to_string(),
        name: hit.indicator.name().to_owned(),
        detail,
    };
    let values = hit.hits.iter().filter_map(|index| hit.observation.values.get(*index));
    let values: Vec<String> =
        values.map(|observed| format!("{} = {}", observed.field, observed.value)).collect();
    let said = format!("{} {}:{} {}", sighting.time, place.source, place.line, values.join(", "));
    let mut ledger = vec![row(LedgerKind::Found, said)];
    let told = shared.spool.told_id(&place.source, place.offset, id);
    if let Some(why) = held_back(shared, id, sighting) {
        ledger.push(row(LedgerKind::Withheld, why));
        return Found { told, sighting: None, ledger };
    }
    let version = hit.indicator.version();
    let about = (id, version.as_str(), shared.indicators.marking_of(id));
    let config = &shared.config;
    let minimised =
        oversight::minimise(about, hit.observation, hit.hits, config.purpose, &config.consent, sighting.time);
    let sighting = match minimised {
        // What is told of a record is told once, so its name may be what it is known by.
        Ok(minimised) => Some(NewSpooled { id: told, minimised }),
        Err(why) => {
            ledger.push(row(LedgerKind::Withheld, why.to_string()));
            None
        }
    };
    Found { told, sighting, ledger }
}

/// Why nothing is told of what was found, as nothing would be told of a live match: the operator's or the edge's own judgement of
/// the indicator, or that it has decayed.
fn held_back(shared: &Shared, id: &Id, sighting: &Sighting<'_>) -> Option<String> {
    let verdict = shared.tuning.verdict(id).filter(|verdict| verdict.state != State::Released);
    let decayed = || {
        let worth = shared.config.matching.worth.as_ref()?;
        worth.decayed(sighting.found, sighting.time).map(|decayed| decayed.to_string())
    };
    verdict.map(|verdict| verdict.reason.to_string()).or_else(decayed)
}

/// Whether a pattern may need more than one record. What cannot be parsed is none of either.
fn is_of_several(indicator: &Indicator) -> bool {
    Pattern::parse(&indicator.pattern).is_ok_and(|pattern| needs_several(&pattern.root))
}

fn needs_several(observation: &Observation) -> bool {
    match observation {
        Observation::Test(_) => false,
        Observation::And(_) | Observation::FollowedBy(_) => true,
        Observation::Or(members) => members.iter().any(needs_several),
        Observation::Qualified { inner, qualifiers } => {
            needs_several(inner)
                || qualifiers.iter().any(|it| matches!(it, Qualifier::Repeats { times } if *times > 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_need_several_records_are_told_from_others() {
        for (pattern, several) in [
            ("[ipv4-addr:value = '198.51.100.7']", false),
            ("[ipv4-addr:value = '198.51.100.7'] OR [domain-name:value = 'a.example']", false),
            ("[ipv4-addr:value = '198.51.100.7'] REPEATS 1 TIMES WITHIN 5 SECONDS", false),
            ("[ipv4-addr:value = '198.51.100.7'] REPEATS 2 TIMES", true),
            ("[ipv4-addr:value = '198.51.100.7'] AND [domain-name:value = 'a.example']", true),
            ("[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [domain-name:value = 'a.example']", true),
            ("([url:value = 'a'] FOLLOWEDBY [url:value = 'b']) OR [url:value = 'c']", true),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(needs_several(&pattern.root), several, "{pattern}");
        }
    }
}
