//! Taking back: by the hub's order, by the edge's operator, because the operator's configuration allows it no longer, or because it would
//! have hit too much.
//!
//! An `allow` opens nothing here that others closed. It takes back what the same issuer ordered against the same thing, and where nothing
//! of that issuer's stands it is done already. So is the inverse that playbooks write down, whatever number the rule got at this edge.

use std::collections::BTreeSet;

use api::OrderState;
use openc2::consumer::{Denial, Rule, Task};
use openc2::{Command, DateTime, Language, Response, Status, Target, texts};

use super::super::step::Step;
use super::super::trial::share;
use super::{Engine, Key, deleting, impossible, own};
use crate::SpoolError;
use crate::actuators::{Block, Change, Manner, What};
use crate::spool::Spool;
use crate::spool::orders::OrderRow;

impl Engine {
    /// Takes back what an issuer ordered.
    pub(super) fn take_back(
        &mut self,
        spool: &Spool,
        mut row: OrderRow,
        command: &Command,
        mut step: Step,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        row.is_undo = true;
        let denied = |status, text: &str| Denial { status, text: format!("command: {text}") };
        let args = &command.args;
        let only_wants = args.start_time.is_none() && args.stop_time.is_none() && args.duration.is_none();
        if !only_wants || !args.extensions.is_empty() {
            let denial =
                denied(Status::NotImplemented, "what is taken back is taken back at once and for good");
            step.refuse(row, &denial, now);
            return self.commit(spool, step, now);
        }
        let undone = self.undone_by(&row, command);
        let undone = match (undone, &command.target) {
            (undone, Target::RuleNumber(_)) if undone.is_empty() => {
                step.refuse(row, &denied(Status::InternalError, texts::RULE_NOT_REMOVED), now);
                return self.commit(spool, step, now);
            }
            (_, target) if What::of(target).is_none() && !matches!(target, Target::RuleNumber(_)) => {
                let denial = denied(Status::NotImplemented, texts::TARGET_TYPE_NOT_SUPPORTED);
                step.refuse(row, &denial, now);
                return self.commit(spool, step, now);
            }
            (undone, _) => undone,
        };
        row.undoes = undone.iter().map(|(_, id)| id.clone()).collect();
        row.open = true;
        row.state = OrderState::Taken;
        let why = format!("undo: by the order {}", row.command_id);
        step.tell(row, now);
        self.end(spool, &undone, OrderState::Released, &why, step, now)
    }

    /// The orders of the issuer that this one takes back: the one that is named, where one is, and else all on the same thing.
    fn undone_by(&self, row: &OrderRow, command: &Command) -> Vec<Key> {
        let named = row.about.undoes.as_deref();
        let what = What::of(&command.target).map(|what| what.to_string());
        let number = match &command.target {
            Target::RuleNumber(number) => Some(number.0),
            _ => None,
        };
        let is_meant = |other: &&OrderRow| {
            let same = match number {
                Some(number) => other.rule == Some(number),
                None => other.what == what && named.is_none_or(|named| named == other.command_id),
            };
            same && !other.is_undo && other.issuer == row.issuer
        };
        self.open.values().filter(is_meant).map(OrderRow::key).collect()
    }

    /// The edge's operator takes an order back.
    pub(crate) fn undo(&mut self, spool: &Spool, key: &Key, now: DateTime) -> Result<bool, SpoolError> {
        self.refresh(spool, now)?;
        if self.open.get(key).is_none_or(|row| row.is_undo) {
            return Ok(false);
        }
        let why = "undo: by the edge's operator";
        self.end(spool, std::slice::from_ref(key), OrderState::Released, why, Step::default(), now)?;
        self.reconcile(spool, now)?;
        Ok(true)
    }

    /// Ends orders before their time. What waits for the operator is over at once.
    fn end(
        &mut self,
        spool: &Spool,
        keys: &[Key],
        state: OrderState,
        why: &str,
        mut step: Step,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        let mut effects = Vec::new();
        for key in keys {
            let Some(mut row) = self.open.get(key).cloned() else { continue };
            row.why = Some(why.to_owned());
            let is_meant = |rule: &&Rule| Some(rule.number.0) == row.rule;
            let rule = self.consumer.rules().chain(self.consumer.waiting()).find(is_meant).cloned();
            match rule {
                None if row.state == OrderState::Waiting => step.tell(row.over(state), now),
                // Its end has begun already.
                None => {}
                Some(rule) => {
                    row.ending = Some(state);
                    step.put(row);
                    let decision = self.consumer.take(&deleting(&rule, now), now).map_err(impossible)?;
                    let mut one = Step {
                        events: decision.events,
                        rows: std::mem::take(&mut step.rows),
                        ..Step::default()
                    };
                    self.absorb(&mut one, None, now);
                    step.events.append(&mut one.events);
                    step.rows = one.rows;
                    step.reports.append(&mut one.reports);
                    step.ledger.append(&mut one.ledger);
                    effects.extend(decision.effects);
                }
            }
        }
        self.is_dirty = true;
        self.commit(spool, step, now)?;
        self.carry_out(spool, effects, now)
    }

    /// A device was told to let go of it; whether it did is read back.
    pub(super) fn has_ended(&self, step: &mut Step, rule: &Rule, task: &Task) {
        let Some(mut row) = self.row(step, &(rule.by.producer.clone(), rule.by.id.clone())) else { return };
        let state = match task {
            Task::Stop(_) => OrderState::Expired,
            Task::Command(_) => OrderState::Released,
        };
        row.ending = Some(row.ending.unwrap_or(state));
        step.put(row);
    }

    /// A device did not let go of it: it stands on, and says so. An end whose time came is tried again; one that was ordered is not.
    pub(super) fn could_not_end(&self, step: &mut Step, rule: &Rule, task: &Task, why: &str, now: DateTime) {
        let key = (rule.by.producer.clone(), rule.by.id.clone());
        if let Some(mut row) = self.row(step, &key) {
            row.ending = None;
            row.state = OrderState::Drifted;
            row.why = Some(why.to_owned());
            step.tell(row, now);
        }
        if matches!(task, Task::Stop(_)) {
            return;
        }
        let undoing = |row: &&OrderRow| row.issuer == key.0 && row.undoes.contains(&key.1);
        for mut row in self.open.values().filter(undoing).cloned().collect::<Vec<_>>() {
            row.why = Some(why.to_owned());
            let response = Response::with_text(Status::InternalError, texts::RULE_NOT_REMOVED);
            row.response = Some(response.write(Language::V1_0));
            step.tell(row.over(OrderState::Failed), now);
        }
    }

    /// After a start: what the operator's configuration does not allow any more is taken back.
    pub(super) fn reconsider(&mut self, spool: &Spool, now: DateTime) -> Result<(), SpoolError> {
        let mut against: Vec<(Key, String)> = Vec::new();
        for (key, row) in self.open.iter().filter(|(_, row)| !row.is_undo && row.ending.is_none()) {
            let why = if self.config.enabled {
                let Some(what) = row.what.as_deref().and_then(what) else { continue };
                self.gates.stands(&what, &row.issuer, &self.hub).err().map(|denial| denial.text)
            } else {
                Some("consent: orders were switched off".to_owned())
            };
            against.extend(why.map(|why| (key.clone(), why)));
        }
        for (key, why) in against {
            let keys = std::slice::from_ref(&key);
            self.end(spool, keys, OrderState::Released, &why, Step::default(), now)?;
        }
        Ok(())
    }

    /// What was only counted for long enough is carried out, or given up where it would have hit too much.
    pub(super) fn leave_shadows(&mut self, spool: &Spool, now: DateTime) -> Result<(), SpoolError> {
        let over =
            |row: &&OrderRow| row.shadow_until.is_some_and(|until| until <= now.0) && row.ending.is_none();
        if !self.open.values().any(|row| over(&row)) {
            return Ok(());
        }
        let counted = self.open.values().filter(|row| row.state == OrderState::Shadow);
        let counted: BTreeSet<Key> = counted.map(OrderRow::key).collect();
        // The last count decides.
        self.reconcile(spool, now)?;
        for mut row in self.open.values().filter(over).cloned().collect::<Vec<_>>() {
            let found = match self.found_in_shadow(&row, counted.contains(&row.key())) {
                Ok(found) => found,
                Err(why) => {
                    let why = format!("shadow: {why}");
                    self.end(spool, &[row.key()], OrderState::Failed, &why, Step::default(), now)?;
                    continue;
                }
            };
            row.shadow_until = None;
            row.stopped = None;
            row.counter = 0;
            row.state = OrderState::Taken;
            let rule = self.consumer.rules().find(|rule| Some(rule.number.0) == row.rule).cloned();
            let mut step = Step::default();
            if row.trial.is_some() {
                row.why = Some(format!("shadow: {found}; it is carried out"));
                step.tell(row, now);
            } else {
                step.put(row);
            }
            self.commit(spool, step, now)?;
            let (Some(block), all) = (rule.as_ref().and_then(Block::of), self.desired(None)) else {
                continue;
            };
            let counted = Block { manner: Manner::Count, ..block.clone() };
            let take: Vec<Block> =
                Some(counted).into_iter().filter(|counted| !all.contains_key(counted)).collect();
            // Where a device does not do it, the reading after this finds that out and tells.
            for device in &mut self.devices {
                let own = own(device.as_ref(), &all);
                if !own.contains_key(&block) {
                    continue;
                }
                let take: &[Block] = if device.is_filter() { &take } else { &[] };
                let change = Change { all: &own, put: std::slice::from_ref(&block), take };
                if let Err(error) = device.apply(change, now) {
                    tracing::warn!(device = device.name(), %error, "an order could not be put into force after its shadow");
                }
            }
        }
        self.is_dirty = true;
        Ok(())
    }
}

impl Engine {
    /// What was found while an order only counted, in words. `was_counted` says whether it did so before this reading, too: what an order asks to
    /// be compared with begins with a reading, and one that is the first and the last compares nothing.
    ///
    /// # Errors
    /// It would hit a larger share of what goes by than it may, or nobody can say how large one.
    fn found_in_shadow(&self, row: &OrderRow, was_counted: bool) -> Result<String, String> {
        if row.state != OrderState::Shadow || (row.trial.is_some() && !was_counted) {
            // Nothing was counted, so nothing is known of what it would hit.
            return Err("the device did not count it".to_owned());
        }
        let hit = row.stopped.unwrap_or(0);
        let most = self.config.shadow.map_or(u64::MAX, |shadow| shadow.packets_max);
        if hit > most {
            return Err(format!("it would have hit {hit} packets; at most {most} are let"));
        }
        let share = share(hit, row.passed, self.passed);
        match (row.trial.and_then(|trial| trial.percent_max), share) {
            (Some(_), Err(why)) => Err(format!("the share that it would hit is not known: {why}")),
            (Some(most), Ok(percent)) if percent > most => {
                Err(format!("it would have hit {percent:.3} % of what goes by; at most {most} % are let"))
            }
            (_, Ok(percent)) => {
                Ok(format!("it would have hit {hit} packets, {percent:.3} % of what goes by"))
            }
            (None, Err(_)) => Ok(format!("it would have hit {hit} packets")),
        }
    }
}

/// What a text is that says what an order is against.
pub(crate) fn what(text: &str) -> Option<What> {
    let net = text.parse::<ipnet::IpNet>().ok();
    let net = net.or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from));
    Some(net.map_or_else(|| What::Name(text.to_owned()), What::Net))
}
