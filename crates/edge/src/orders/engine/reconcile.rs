//! Reading devices back: what is there is compared with what was ordered, put right, and told.

use std::collections::{BTreeMap, BTreeSet};

use api::OrderState;
use openc2::consumer::{Deed, Rule};
use openc2::{DateTime, Direction, Language, Response, Status};

use super::super::step::{Step, moment};
use super::undo::what;
use super::{Elapsed, Engine, is_for, own};
use crate::SpoolError;
use crate::actuators::{Block, Change, Desired, Manner};
use crate::ledger::{LedgerKind, LedgerRow};
use crate::spool::Spool;
use crate::spool::orders::OrderRow;

/// How often a counter that moves is told of.
const COUNTED_EVERY_MS: i64 = 30_000;
/// After a drift the devices are read again sooner.
const SOON_MS: u64 = 500;

/// What was found of all that was ordered.
#[derive(Default)]
struct Seen {
    /// Why it is not as it ought to be, by block.
    missing: BTreeMap<Block, Vec<String>>,
    /// What devices counted, by block.
    stopped: BTreeMap<Block, u64>,
    /// What stands and is not wanted, or may stand since a device could not be read.
    lingering: BTreeSet<Block>,
    /// Devices that could not be read, and why.
    unread: Vec<usize>,
    failing: Vec<String>,
    /// What devices counted of all that goes by.
    passed: Option<u64>,
    /// Whether something had to be put right.
    is_drift: bool,
    ledger: Vec<LedgerRow>,
}

impl Seen {
    /// Notes that a device could not be read.
    fn unreadable(&mut self, (index, name): (usize, &str), own: &Desired, why: &str) {
        for block in own.keys() {
            self.missing.entry(block.clone()).or_default().push(format!("device: {name}: {why}"));
        }
        self.unread.push(index);
        self.failing.push(format!("{name}: {why}"));
    }
}

impl Engine {
    /// Reads every device back, puts right what drifted, and tells how each order stands.
    pub(super) fn reconcile(&mut self, spool: &Spool, now: DateTime) -> Result<(), SpoolError> {
        self.reconciled = now;
        self.is_dirty = false;
        if self.open.is_empty() && self.consumer.rules().next().is_none() && self.devices.is_empty() {
            return Ok(());
        }
        let desired = self.desired(None);
        let seen = self.look(&desired, now);
        self.failing.clone_from(&seen.failing);
        self.passed = seen.passed;
        let mut step = Step { ledger: seen.ledger.clone(), ..Step::default() };
        for row in self.open.values() {
            if row.is_undo || row.rule.is_none() {
                continue;
            }
            self.judge_row(row, &desired, &seen, &mut step, now);
        }
        self.settle_undos(&mut step, now);
        if !step.rows.is_empty() || !step.ledger.is_empty() {
            self.commit(spool, step, now)?;
        }
        if seen.is_drift {
            let sooner = self.config.reconcile_ms.saturating_sub(SOON_MS);
            self.reconciled = DateTime(now.0.saturating_sub(sooner));
        }
        Ok(())
    }

    /// Takes down what shadows have hit so far, before a change after which a device may count anew: a set of networks is made anew for each
    /// network that comes or goes, and what was hit since the last reading would be no part of anybody's share.
    pub(super) fn keep_counts(
        &mut self,
        spool: &Spool,
        next: &Deed,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        let is_counting = |row: &&OrderRow| row.state == OrderState::Shadow;
        let comes = match next {
            // What is dropped at once is in other sets, and in a hurry.
            Deed::Install(rule) if self.block_of(rule).is_none_or(|block| block.manner != Manner::Count) => {
                return Ok(());
            }
            Deed::Install(rule) => Some(rule.number),
            _ => None,
        };
        if !self.open.values().any(|row| is_counting(&row)) {
            return Ok(());
        }
        let desired = self.desired(comes);
        let mut counted: BTreeMap<Block, u64> = BTreeMap::new();
        for device in &mut self.devices {
            let own = own(device.as_ref(), &desired);
            // A device that cannot be read is told of when it is read back.
            let Ok(reading) = device.read(&own, now) else { continue };
            for (block, found) in reading.standing {
                if let Some(stopped) = found.stopped {
                    *counted.entry(block).or_default() += stopped;
                }
            }
        }
        let mut step = Step::default();
        for row in self.open.values().filter(is_counting) {
            let rule = self.consumer.rules().find(|rule| Some(rule.number.0) == row.rule);
            let counter = rule.and_then(|rule| self.block_of(rule)).and_then(|block| counted.get(&block));
            if let Some(counter) = counter {
                let mut row = row.clone();
                row.count(*counter);
                step.put(row);
            }
        }
        if step.rows.is_empty() { Ok(()) } else { self.commit(spool, step, now) }
    }

    /// Reads the devices and puts right what is wrong.
    fn look(&mut self, desired: &Desired, now: DateTime) -> Seen {
        let mut seen = Seen::default();
        let ending = self.ending_blocks();
        let elapsed = Elapsed::since(now);
        for (index, device) in self.devices.iter_mut().enumerate() {
            // The devices before this one took their time.
            let now = elapsed.now();
            let name = device.name().to_owned();
            let own = own(device.as_ref(), desired);
            let reading = match device.read(&own, now) {
                Ok(reading) => reading,
                Err(failed) => {
                    seen.unreadable((index, &name), &own, &failed.to_string());
                    continue;
                }
            };
            if let Some(passed) = device.passed() {
                *seen.passed.get_or_insert(0) += passed;
            }
            let missing: Vec<Block> =
                own.keys().filter(|block| !reading.standing.contains_key(*block)).cloned().collect();
            for block in &missing {
                seen.missing.entry(block.clone()).or_default().push(format!("device: {name} has it not"));
            }
            for (block, found) in &reading.standing {
                if !own.contains_key(block) {
                    seen.lingering.insert(block.clone());
                } else if let Some(stopped) = found.stopped {
                    *seen.stopped.entry(block.clone()).or_default() += stopped;
                }
            }
            let mut take: Vec<Block> =
                if self.config.removes_foreign { reading.foreign.clone() } else { Vec::new() };
            let stays = |block: &&Block| {
                is_for(device.as_ref(), block)
                    && reading.standing.contains_key(*block)
                    && !own.contains_key(*block)
            };
            take.extend(ending.iter().filter(stays).cloned());
            take.sort();
            take.dedup();
            for block in &reading.foreign {
                if !ending.contains(block) && self.foreign.insert((name.clone(), block.clone())) {
                    let done = if self.config.removes_foreign { "taken out" } else { "left there" };
                    let detail = format!("{name}: {block} was there and nobody ordered it; {done}");
                    seen.ledger.push(ledger(&name, detail, now));
                }
            }
            if self.config.removes_foreign {
                // When it comes again, it is told of again.
                self.foreign.retain(|(device, block)| *device != name || reading.foreign.contains(block));
            }
            if !missing.is_empty() || !take.is_empty() {
                seen.is_drift = true;
                let change = Change { all: &own, put: &missing, take: &take };
                if let Err(failed) = device.apply(change, now) {
                    for block in missing.iter().chain(&take) {
                        let whys = seen.missing.entry(block.clone()).or_default();
                        whys.push(format!("device: {name}: {failed}"));
                    }
                }
            }
        }
        seen
    }

    /// What orders had that are ending, as devices know it.
    fn ending_blocks(&self) -> BTreeSet<Block> {
        let mut blocks = BTreeSet::new();
        for row in self.open.values().filter(|row| row.ending.is_some()) {
            blocks.extend(blocks_of(row));
        }
        blocks
    }

    fn judge_row(&self, row: &OrderRow, desired: &Desired, seen: &Seen, step: &mut Step, now: DateTime) {
        let is_meant = |rule: &&Rule| Some(rule.number.0) == row.rule;
        let rule = self.consumer.rules().find(is_meant);
        if let (Some(state), None) = (row.ending, rule) {
            let blocks = blocks_of(row);
            let unread = seen.unread.iter().filter_map(|index| self.devices.get(*index));
            let unread = unread.filter(|device| blocks.iter().any(|block| is_for(device.as_ref(), block)));
            let lingers =
                blocks.iter().any(|block| seen.lingering.contains(block) && !desired.contains_key(block));
            if !lingers && unread.count() == 0 {
                step.tell(row.clone().over(state), now);
            } else if row.state != OrderState::Drifted {
                let why = "device: it is over, and a device still has it, or cannot be read".to_owned();
                step.tell(OrderRow { state: OrderState::Drifted, why: Some(why), ..row.clone() }, now);
            }
            return;
        }
        let Some(block) = rule.and_then(|rule| self.block_of(rule)) else { return };
        // A device would not let go of it: that it still has it is not what was ordered.
        let is_past = rule.and_then(|rule| rule.stop).is_some_and(|stop| stop <= now);
        let mut row = row.clone();
        let before = row.stopped;
        if let Some(counter) = seen.stopped.get(&block) {
            row.count(*counter);
        }
        let (state, why) = match seen.missing.get(&block) {
            Some(whys) => (OrderState::Drifted, Some(whys.join("; "))),
            None if is_past => (OrderState::Drifted, row.why.clone()),
            None if block.manner == Manner::Count => (OrderState::Shadow, None),
            None => (OrderState::Enforced, None),
        };
        if row.state != state {
            if state == OrderState::Shadow && row.trial.is_some() && row.passed.is_none() {
                row.passed = seen.passed;
                // What the order hit before there was anything to compare it with is no share of it.
                row.stopped = Some(0);
            }
            row.state = state;
            row.why = why;
            step.tell(row, now);
            return;
        }
        let (told, at) = row.told.unwrap_or((0, row.changed));
        let waited = moment(now).as_millisecond().saturating_sub(at.as_millisecond());
        if row.stopped.unwrap_or(0) > told && waited >= COUNTED_EVERY_MS {
            step.count_up(row, now);
        } else if row.stopped != before {
            step.put(row);
        }
    }

    /// An order to take back is done when all that it takes back is over.
    fn settle_undos(&self, step: &mut Step, now: DateTime) {
        for row in self.open.values().filter(|row| row.is_undo) {
            if step.rows.iter().any(|changed| changed.key() == row.key()) {
                continue;
            }
            let mut row = row.clone();
            row.undoes.retain(|id| self.row(step, &(row.issuer.clone(), id.clone())).is_some());
            if row.undoes.is_empty() {
                row.response = Some(Response::new(Status::Ok).write(Language::V1_0));
                step.tell(row.over(OrderState::Released), now);
            }
        }
    }
}

/// What an order may have on devices: in force, or in its shadow.
fn blocks_of(row: &OrderRow) -> Vec<Block> {
    let Some(what) = row.what.as_deref().and_then(what) else { return Vec::new() };
    let direction = row.direction.as_deref().and_then(Direction::parse).unwrap_or(Direction::Both);
    let manner = if row.rejects { Manner::Reject } else { Manner::Drop };
    [manner, Manner::Count].map(|manner| Block { what: what.clone(), direction, manner }).into()
}

fn ledger(device: &str, detail: String, now: DateTime) -> LedgerRow {
    LedgerRow {
        at: moment(now),
        kind: LedgerKind::Drifted,
        indicator: String::new(),
        name: device.to_owned(),
        detail,
    }
}
