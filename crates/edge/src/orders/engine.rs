//! Orders, from what came to what devices do. It runs on a thread of its own, one thing after another, and what time it is, is an argument: only
//! how long devices take is measured here, so that each is told the time at which it is asked.
//!
//! The order of writes is the design:
//!
//! 1. What an order makes of the consumer (its events), the order itself, the report, the ledger and how far the hub's list was read are
//!    one transaction. Killed before it, the hub gives the order again; nothing was done.
//! 2. Only then is a device told. Killed before, in or after that, the events say that it had begun: it is done again, and by value, so
//!    twice is once.
//! 3. That it was done is a transaction; then the device is read back, and only what was read is called enforced or over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use api::{EdgeOrder, OrderState};
use openc2::consumer::{
    Config, Consumer, Deed, Denial, Effect, Failure, Impossible, Limits, Reach, Request, Restart, Rule, Task,
    What as Happened, Work,
};
use openc2::signed::{Authority, Untrusted, Verified, Verifier};
use openc2::slpf::{Identity, SlpfOption, Support};
use openc2::{
    Action, Command, Content, DateTime, DropProcess, Headers, Language, Message, Pairs, Reading, Response,
    ResponseType, RuleNumber, Status, Target, TargetName,
};
use oversight::reason::Reason;

use super::gates::{Around, Gates, Passed};
use super::step::{Step, words};
use super::trial::Trial;
use crate::SpoolError;
use crate::actuators::{Actuator, Block, Change, Desired, Manner, Wanted, What};
use crate::config::Orders;
use crate::spool::Spool;
use crate::spool::orders::{OrderNews, OrderRow};

mod heard;
mod reconcile;
mod undo;

pub(crate) use heard::Heard;
pub(crate) use undo::what as parsed;

/// After so many events all there is is written in their place.
const EVENTS_MAX: usize = 1_000;
const HOUR_MS: u64 = 3_600_000;

/// An order by who signed it and its identifier.
pub(super) type Key = (String, String);

/// The engine.
pub(crate) struct Engine {
    config: Orders,
    gates: Gates,
    consumer: Consumer,
    pub(super) devices: Vec<Box<dyn Actuator>>,
    /// Orders that are not over.
    open: BTreeMap<Key, OrderRow>,
    /// Where the hub is.
    hub: BTreeSet<IpAddr>,
    /// Events since all there is was written down.
    events: usize,
    /// Whether there are reports that nobody was told of.
    has_reported: bool,
    /// Devices that could not be read, and why.
    failing: Vec<String>,
    /// What was found that nobody ordered, and told of.
    foreign: BTreeSet<(String, Block)>,
    reconciled: DateTime,
    /// What devices counted of all that goes by, when they were read last.
    passed: Option<u64>,
    /// Whether something changed that has not been read back.
    is_dirty: bool,
    /// What is here is not what is on disk, since that could not be written.
    is_stale: bool,
    #[cfg(test)]
    pub(super) steps_left: Option<usize>,
}

fn impossible(error: Impossible) -> SpoolError {
    SpoolError::Unusable(error.to_string())
}

impl Engine {
    /// An engine that goes on with what is in the spool.
    pub(crate) fn open(
        config: &Orders,
        devices: Vec<Box<dyn Actuator>>,
        spool: &Spool,
    ) -> Result<Self, SpoolError> {
        let mut engine = Self {
            gates: Gates::new(config),
            consumer: Consumer::new(consumer_config(config, &devices)),
            config: config.clone(),
            devices,
            open: BTreeMap::new(),
            hub: BTreeSet::new(),
            events: 0,
            has_reported: true,
            failing: Vec::new(),
            foreign: BTreeSet::new(),
            reconciled: DateTime(0),
            passed: None,
            is_dirty: true,
            is_stale: true,
            #[cfg(test)]
            steps_left: None,
        };
        engine.reload(spool)?;
        Ok(engine)
    }

    /// Takes up what is on disk.
    fn reload(&mut self, spool: &Spool) -> Result<(), SpoolError> {
        if self.is_stale {
            let events = spool.order_events()?;
            let config = consumer_config(&self.config, &self.devices);
            self.consumer = Consumer::replay(config, &events).map_err(impossible)?;
            self.open = spool.open_orders()?.into_iter().map(|row| (row.key(), row)).collect();
            self.events = events.len();
            self.is_stale = false;
        }
        Ok(())
    }

    /// Goes on from what is on disk, where the last step could not be written down: what had begun by then is done again.
    fn refresh(&mut self, spool: &Spool, now: DateTime) -> Result<(), SpoolError> {
        if !self.is_stale {
            return Ok(());
        }
        self.reload(spool)?;
        self.resume(spool, Restart::Program, None, now)
    }

    fn resume(
        &mut self,
        spool: &Spool,
        restart: Restart,
        boot: Option<&str>,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        let decision = self.consumer.resume(restart, now).map_err(impossible)?;
        let mut step = Step { events: decision.events, ..Step::default() };
        self.absorb(&mut step, None, now);
        self.commit_with(spool, step, boot, now)?;
        self.carry_out(spool, decision.effects, now)
    }

    /// Goes on after a start: what had begun is done again, what may not stand any more is taken back. `boot` tells one run of the machine
    /// from another.
    pub(crate) fn begin(&mut self, spool: &Spool, boot: &str, now: DateTime) -> Result<(), SpoolError> {
        self.reload(spool)?;
        let before = spool.order_boot()?;
        let again = before.as_deref().is_some_and(|before| before != boot);
        let restart = if again { Restart::Device } else { Restart::Program };
        self.resume(spool, restart, Some(boot), now)?;
        self.reconsider(spool, now)?;
        self.reconcile(spool, now)
    }

    /// Devices that could not be read the last time, and why.
    pub(crate) fn failing(&self) -> Option<String> {
        (!self.failing.is_empty()).then(|| self.failing.join("; "))
    }

    /// Whether there is more to report since this was asked last.
    pub(crate) fn take_reported(&mut self) -> bool {
        std::mem::take(&mut self.has_reported)
    }

    pub(crate) fn set_hub(&mut self, hub: BTreeSet<IpAddr>) {
        self.hub = hub;
    }

    /// Takes an order of the hub's, or refuses it. It is written down when this returns.
    pub(crate) fn take(&mut self, spool: &Spool, order: &EdgeOrder, now: DateTime) -> Result<(), SpoolError> {
        self.refresh(spool, now)?;
        let step = Step { sequence: Some(order.sequence), ..Step::default() };
        self.take_row(spool, OrderRow::of(order, now), step, now)
    }

    fn take_row(
        &mut self,
        spool: &Spool,
        mut row: OrderRow,
        mut step: Step,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        let (verified, command) = match self.verify(&row, now) {
            Ok(both) => both,
            Err(denial) => {
                step.refuse(row, &denial, now);
                return self.commit(spool, step, now);
            }
        };
        verified.issuer().clone_into(&mut row.issuer);
        row.words = words(&command);
        row.what = What::of(&command.target).map(|what| what.to_string());
        if let Some(known) = spool.order(&row.issuer, &row.command_id)? {
            if !heard::is_same(&known.message, &row.message) {
                let why = "time: the identifier belongs to another command";
                step.refuse(row, &Denial { status: Status::BadRequest, text: why.to_owned() }, now);
                // The hub and the page know another order by it; only the ledger is told.
                step.rows.clear();
                step.reports.clear();
            }
            return self.commit(spool, step, now);
        }
        match command.action {
            Action::Deny => self.deny(spool, (row, verified, command), step, now),
            Action::Allow | Action::Delete => self.take_back(spool, row, &command, step, now),
            _ => self.answer(spool, row, &verified, step, now),
        }
    }

    /// Who signed the order that came, and what it says.
    fn verify(&self, row: &OrderRow, now: DateTime) -> Result<(Verified, Command), Denial> {
        let signature =
            |status, why: &dyn std::fmt::Display| Denial { status, text: format!("signature: {why}") };
        let bytes = serde_json::to_vec(&row.message).unwrap_or_default();
        let mut message = Message::parse(&bytes).map_err(|e| signature(e.status(), &e))?;
        // What is in the headers is not signed. The signature says for whom it is, and the command has its own identifier.
        message.headers.to.clear();
        message.headers.request_id = Some(row.command_id.clone());
        let verifier = &self.config.verifier;
        let verified = verifier.verify(&message, now).or_else(|untrusted| {
            // Whoever may order something may take it back without another authority.
            let takes_back = untrusted == Untrusted::NoAuthority && is_taking_back(&message);
            let lenient = Verifier { authority: Authority::NotAsked, ..verifier.clone() };
            if takes_back { lenient.verify(&message, now) } else { Err(untrusted) }
        });
        let verified = verified.map_err(|e| signature(e.status(), &e))?;
        if verified.statement().command_id != row.command_id {
            return Err(signature(
                Status::BadRequest,
                &"it is for another command than the order is said to be",
            ));
        }
        let command = Command::read(verified.command(), &Reading::default())
            .map_err(|refusal| Denial { status: refusal.status(), text: format!("command: {refusal}") })?;
        Ok((verified, command))
    }

    fn judge(
        &mut self,
        spool: &Spool,
        issuer: &str,
        command: &Command,
        is_known: bool,
        now: DateTime,
    ) -> Result<Result<Passed, Denial>, SpoolError> {
        let what = What::of(&command.target);
        let standing = self.open.values().filter(|row| !row.is_undo).count();
        let around = Around {
            issuer,
            // An order that waits counts already, and is not one too many of its own.
            lately: spool
                .orders_since(issuer, now.0.saturating_sub(HOUR_MS))?
                .saturating_sub(is_known.into()),
            standing: standing.saturating_sub(is_known.into()),
            hub: &self.hub,
            is_carried: what.is_some_and(|what| self.devices.iter().any(|device| device.carries(&what))),
            now,
        };
        Ok(self.gates.judge(command, &around))
    }

    fn deny(
        &mut self,
        spool: &Spool,
        (mut row, verified, command): (OrderRow, Verified, Command),
        mut step: Step,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        let judged = self.judge(spool, &row.issuer, &command, false, now)?;
        let judged = judged.and_then(|passed| Ok((self.tried(&command, &passed)?, passed)));
        match judged {
            Err(denial) => step.refuse(row, &denial, now),
            Ok((trial, passed)) => {
                row.trial = trial;
                row.starts = Some(passed.starts.0);
                row.ends = Some(passed.ends.0);
                if !self.config.asks {
                    return self.carry(spool, (row, verified), step, now);
                }
                row.state = OrderState::Waiting;
                row.open = true;
                step.tell(row, now);
            }
        }
        self.commit(spool, step, now)
    }

    /// Gives an order that passed every gate to the consumer, and carries out what it makes of it.
    fn carry(
        &mut self,
        spool: &Spool,
        (mut row, verified): (OrderRow, Verified),
        mut step: Step,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        if let Err(denial) = self.would_take(&row, &verified, now) {
            step.refuse(row, &denial, now);
            return self.commit(spool, step, now);
        }
        let request = Request::signed(&verified, Reach::Direct);
        let decision = self.consumer.take(&request, now).map_err(impossible)?;
        let rule = decision.events.iter().find_map(|event| match &event.what {
            Happened::Taken { work: Work::Install(rule), .. } => Some(rule.clone()),
            _ => None,
        });
        step.events = decision.events;
        if let Some(rule) = rule {
            row.rule = Some(rule.number.0);
            row.direction = Some(rule.direction.to_string());
            row.rejects = rule.drop_process == DropProcess::Reject;
            row.state = OrderState::Taken;
            row.open = true;
            let can_count = self.devices.iter().any(|device| device.is_filter());
            let is_net = matches!(What::of(&rule.target), Some(What::Net(_)));
            let own = self.config.shadow.filter(|_| can_count && is_net).map(|shadow| shadow.ms);
            let asked = row.trial.map(|trial| trial.shadow_ms);
            row.shadow_until = own
                .max(asked)
                .map(|shadow_ms| row.starts.unwrap_or(now.0).max(now.0).saturating_add(shadow_ms));
            // What this block stopped for others before is not this order's.
            let same = self.open.values().filter(|other| other.what == row.what).map(|other| other.counter);
            row.counter = same.max().unwrap_or(0);
            step.tell(row, now);
        } else {
            step.refuse(row, &refusal(decision.replies.first().map(|reply| &reply.response)), now);
        }
        self.absorb(&mut step, None, now);
        self.commit(spool, step, now)?;
        self.carry_out(spool, decision.effects, now)
    }

    /// How an order asks to be tried, if that can be done here.
    fn tried(&self, command: &Command, passed: &Passed) -> Result<Option<Trial>, Denial> {
        let Some(trial) = Trial::of(command)? else { return Ok(None) };
        let no = |status, text: &str| Denial { status, text: format!("shadow: {text}") };
        let is_net = matches!(passed.what, What::Net(_));
        let counts = |device: &dyn Actuator| is_net && device.is_filter() && device.carries(&passed.what);
        if !self.devices.iter().any(|device| counts(device.as_ref())) {
            return Err(no(Status::NotImplemented, "nothing here counts such a thing, as the order asks"));
        }
        if passed.starts.0.saturating_add(trial.shadow_ms) >= passed.ends.0 {
            return Err(no(Status::BadRequest, "it would only be counted until its end"));
        }
        Ok(Some(trial))
    }

    /// What is to be tried is put before the devices first: whether they would take it.
    fn would_take(&mut self, row: &OrderRow, verified: &Verified, now: DateTime) -> Result<(), Denial> {
        if row.trial.is_none() {
            return Ok(());
        }
        let unfit = |why: String| Denial { status: Status::InternalError, text: format!("check: {why}") };
        let command = Command::read(verified.command(), &Reading::default());
        let command = command.map_err(|refusal| unfit(refusal.to_string()))?;
        let Some(block) = Block::asked(&command) else { return Ok(()) };
        let until = DateTime(row.ends.unwrap_or(now.0));
        let mut all = self.desired(None);
        all.entry(block.clone()).or_insert_with(|| Wanted { until, by: row.command_id.clone() });
        let put = [block];
        for device in &mut self.devices {
            let own = own(device.as_ref(), &all);
            if put.iter().all(|block| is_for(device.as_ref(), block)) {
                let checked = device.check(Change { all: &own, put: &put, take: &[] }, now);
                checked.map_err(|failed| unfit(format!("{}: {failed}", device.name())))?;
            }
        }
        Ok(())
    }

    /// Questions are answered; what nothing here does is refused.
    fn answer(
        &mut self,
        spool: &Spool,
        mut row: OrderRow,
        verified: &Verified,
        mut step: Step,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        let request = Request::signed(verified, Reach::Direct);
        let decision = self.consumer.take(&request, now).map_err(impossible)?;
        step.events = decision.events;
        match decision.replies.first().map(|reply| &reply.response) {
            Some(response) if response.status.is_success() => {
                row.is_undo = true;
                row.response = Some(response.write(Language::V1_0));
                step.tell(row, now);
            }
            other => step.refuse(row, &refusal(other), now),
        }
        self.commit(spool, step, now)
    }

    /// The operator agrees to an order that waits. It is judged again: what was right when it came may not be now.
    pub(crate) fn agree(&mut self, spool: &Spool, key: &Key, now: DateTime) -> Result<bool, SpoolError> {
        self.refresh(spool, now)?;
        let Some(mut row) = self.open.get(key).filter(|row| row.state == OrderState::Waiting).cloned() else {
            return Ok(false);
        };
        let mut step = Step::default();
        row.agreed = Some(super::step::moment(now));
        let judged = match self.verify(&row, now) {
            Ok((verified, command)) => self.judge(spool, &row.issuer, &command, true, now)?.map(|_| verified),
            Err(denial) => Err(denial),
        };
        match judged {
            Ok(verified) => self.carry(spool, (row, verified), step, now)?,
            Err(denial) => {
                step.refuse(row, &denial, now);
                self.commit(spool, step, now)?;
            }
        }
        Ok(true)
    }

    /// The operator refuses an order that waits.
    pub(crate) fn refuse(&mut self, spool: &Spool, key: &Key, now: DateTime) -> Result<bool, SpoolError> {
        self.refresh(spool, now)?;
        let Some(row) = self.open.get(key).filter(|row| row.state == OrderState::Waiting).cloned() else {
            return Ok(false);
        };
        let mut step = Step::default();
        let text = format!("consent: {}", Reason::EdgeRefused.say(&[]));
        step.refuse(row, &Denial { status: Status::Forbidden, text }, now);
        self.commit(spool, step, now)?;
        Ok(true)
    }

    /// Does what is due, and reads devices back every few seconds.
    pub(crate) fn tick(&mut self, spool: &Spool, now: DateTime) -> Result<(), SpoolError> {
        self.refresh(spool, now)?;
        if self.consumer.next_wake().is_some_and(|due| due <= now) {
            let decision = self.consumer.wake(now).map_err(impossible)?;
            let mut step = Step { events: decision.events, ..Step::default() };
            self.absorb(&mut step, None, now);
            self.commit(spool, step, now)?;
            self.carry_out(spool, decision.effects, now)?;
        }
        let late =
            |row: &&OrderRow| row.state == OrderState::Waiting && row.ends.is_some_and(|ends| ends <= now.0);
        let late: Vec<OrderRow> = self.open.values().filter(late).cloned().collect();
        if !late.is_empty() {
            let mut step = Step::default();
            for mut row in late {
                row.why = Some("consent: nobody agreed before its time was over".to_owned());
                step.tell(row.over(OrderState::Expired), now);
            }
            self.commit(spool, step, now)?;
        }
        self.leave_shadows(spool, now)?;
        let due = self.reconciled.0.saturating_add(self.config.reconcile_ms);
        if self.is_dirty || due <= now.0 || now < self.reconciled {
            self.reconcile(spool, now)?;
        }
        Ok(())
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn next_tick(&self) -> DateTime {
        // What a shadow hits is compared with what goes by from its first reading on: that one is not waited for.
        let unread = |row: &OrderRow| row.shadow_until.is_some() && row.state == OrderState::Taken;
        if self.is_dirty && self.open.values().any(unread) {
            return DateTime(0);
        }
        let shadows = self.open.values().filter_map(|row| row.shadow_until.map(DateTime));
        let late = self.open.values().filter(|row| row.state == OrderState::Waiting);
        let late = late.filter_map(|row| row.ends.map(DateTime));
        let reconcile = DateTime(self.reconciled.0.saturating_add(self.config.reconcile_ms));
        self.consumer
            .next_wake()
            .into_iter()
            .chain(shadows)
            .chain(late)
            .min()
            .unwrap_or(reconcile)
            .min(reconcile)
    }

    /// Carries effects out and writes down how each went.
    fn carry_out(&mut self, spool: &Spool, effects: Vec<Effect>, now: DateTime) -> Result<(), SpoolError> {
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            self.step();
            self.keep_counts(spool, &effect.action, now)?;
            let outcome = self.effect(&effect, now);
            self.step();
            self.is_dirty = true;
            let why = outcome.as_ref().err().map(|(_, why)| why.clone());
            let decision = self.consumer.finished(&effect.task, outcome.map_err(|(failure, _)| failure), now);
            let decision = decision.map_err(impossible)?;
            let mut step = Step { events: decision.events, ..Step::default() };
            for reply in &decision.replies {
                let key = (reply.to.clone(), reply.request_id.clone().unwrap_or_default());
                if let Some(mut row) = self.open.get(&key).cloned() {
                    row.response = Some(reply.response.write(reply.language));
                    step.put(row);
                }
            }
            if let (Deed::Remove(rule), Some(why)) = (&effect.action, &why) {
                self.could_not_end(&mut step, rule, &effect.task, why, now);
            } else if let Deed::Remove(rule) = &effect.action {
                self.has_ended(&mut step, rule, &effect.task);
            }
            self.absorb(&mut step, why.as_deref(), now);
            self.commit(spool, step, now)?;
            queue.extend(decision.effects);
        }
        Ok(())
    }

    /// Tells the devices.
    fn effect(&mut self, effect: &Effect, now: DateTime) -> Result<(), (Failure, String)> {
        match &effect.action {
            Deed::Update { .. } => Err((Failure::NotSupported, "device: no files are taken".to_owned())),
            Deed::Install(rule) => {
                let all = self.desired(None);
                let Some(block) = self.block_of(rule) else {
                    return Err((Failure::NotSupported, "device: nothing here carries it out".to_owned()));
                };
                let put = [block];
                self.apply(&all, &put, &[], now).map_err(|why| {
                    // What a part of the devices has is taken back; what cannot be is found when they are read.
                    let rest = self.desired(Some(rule.number));
                    let _ = self.release(&rest, rule, now);
                    (Failure::Failed, why)
                })
            }
            Deed::Remove(rule) => {
                let rest = self.desired(None);
                self.release(&rest, rule, now).map_err(|why| (Failure::Failed, why))
            }
        }
    }

    /// Takes out what a rule blocked; what others want of it stays, for as long as they do.
    fn release(&mut self, rest: &Desired, rule: &Rule, now: DateTime) -> Result<(), String> {
        let Some(block) = Block::of(rule) else { return Ok(()) };
        let counted = Block { manner: Manner::Count, ..block.clone() };
        let filters = self.devices.iter().any(|device| device.is_filter());
        let is_net = matches!(block.what, What::Net(_));
        let blocks = [Some(block), Some(counted).filter(|_| filters && is_net)];
        let (put, take): (Vec<Block>, Vec<Block>) =
            blocks.into_iter().flatten().partition(|block| rest.contains_key(block));
        self.apply(rest, &put, &take, now)
    }

    fn apply(&mut self, all: &Desired, put: &[Block], take: &[Block], now: DateTime) -> Result<(), String> {
        let mut whys = Vec::new();
        let elapsed = Elapsed::since(now);
        for device in &mut self.devices {
            let now = elapsed.now();
            let own = own(device.as_ref(), all);
            let of = |blocks: &[Block]| -> Vec<Block> {
                blocks.iter().filter(|block| is_for(device.as_ref(), block)).cloned().collect()
            };
            let (put, take) = (of(put), of(take));
            if put.is_empty() && take.is_empty() {
                continue;
            }
            if let Err(failed) = device.apply(Change { all: &own, put: &put, take: &take }, now) {
                whys.push(format!("device: {}: {failed}", device.name()));
            }
        }
        if whys.is_empty() { Ok(()) } else { Err(whys.join("; ")) }
    }

    /// What is kept out by a rule now: while it is in the shadow, it is only counted.
    fn block_of(&self, rule: &Rule) -> Option<Block> {
        let block = Block::of(rule)?;
        let row = self.open.get(&(rule.by.producer.clone(), rule.by.id.clone()));
        let is_shadow = row.is_some_and(|row| row.shadow_until.is_some());
        Some(if is_shadow { Block { manner: Manner::Count, ..block } } else { block })
    }

    /// All that is to be kept out, each thing once and as long as the last order on it lasts; without one rule's share.
    fn desired(&self, without: Option<RuleNumber>) -> Desired {
        let mut desired = Desired::new();
        for rule in self.consumer.rules().filter(|rule| Some(rule.number) != without) {
            let (Some(block), Some(until)) = (self.block_of(rule), rule.stop) else { continue };
            let by = &rule.by.id;
            let wanted = desired.entry(block).or_insert_with(|| Wanted { until, by: by.clone() });
            if wanted.until < until {
                *wanted = Wanted { until, by: by.clone() };
            }
        }
        desired
    }

    /// What the consumer's events mean for the orders, beyond what whoever caused them has seen to.
    fn absorb(&self, step: &mut Step, why: Option<&str>, now: DateTime) {
        for event in step.events.clone() {
            let (row, state, reason) = match event.what {
                Happened::Ended { task: Task::Command(key), failure: Some(failure) } => {
                    let Some(row) = self.row(step, &(key.producer, key.id)) else { continue };
                    match failure {
                        Failure::Withdrawn => {
                            (row, OrderState::Released, "time: it was taken back before it began")
                        }
                        Failure::TooLate => {
                            (row, OrderState::Expired, "time: it was over before it could begin")
                        }
                        _ => (row, OrderState::Failed, why.unwrap_or("device: it could not be carried out")),
                    }
                }
                Happened::Lapsed { number } => {
                    let by_number = |row: &&OrderRow| row.rule == Some(number.0);
                    let Some(row) = self.open.values().find(by_number).cloned() else { continue };
                    (
                        row,
                        OrderState::Released,
                        "device: the machine was restarted, which it was not to survive",
                    )
                }
                _ => continue,
            };
            let state = row.ending.unwrap_or(state);
            let why = row.why.clone().filter(|_| row.ending.is_some());
            let row = OrderRow { why: why.or(Some(reason.to_owned())), ..row };
            step.tell(row.over(state), now);
        }
    }

    /// An order that is not over, as the step has changed it so far.
    fn row(&self, step: &Step, key: &Key) -> Option<OrderRow> {
        let changed = step.rows.iter().find(|row| (&row.issuer, &row.command_id) == (&key.0, &key.1));
        changed.or_else(|| self.open.get(key)).filter(|row| row.open).cloned()
    }

    fn commit(&mut self, spool: &Spool, step: Step, now: DateTime) -> Result<(), SpoolError> {
        self.commit_with(spool, step, None, now)
    }

    /// Writes a step down; only then does it count.
    fn commit_with(
        &mut self,
        spool: &Spool,
        step: Step,
        boot: Option<&str>,
        now: DateTime,
    ) -> Result<(), SpoolError> {
        self.step();
        let many = self.events + step.events.len() > EVENTS_MAX;
        let checkpoint = many.then(|| self.consumer.checkpoint(now));
        let news = OrderNews {
            events: if many { &[] } else { &step.events },
            checkpoint: checkpoint.as_ref(),
            rows: &step.rows,
            reports: &step.reports,
            ledger: &step.ledger,
            sequence: step.sequence,
            boot,
        };
        if let Err(error) = spool.keep_orders(&news) {
            self.is_stale = true;
            return Err(error);
        }
        self.has_reported |= !step.reports.is_empty();
        self.events = if many { 1 } else { self.events + step.events.len() };
        for row in step.rows {
            if row.open {
                self.open.insert(row.key(), row);
            } else {
                self.open.remove(&row.key());
            }
        }
        self.step();
        Ok(())
    }

    /// Where a test may kill the process.
    #[cfg(test)]
    fn step(&mut self) {
        if let Some(left) = &mut self.steps_left {
            assert!(*left > 0, "killed here");
            *left -= 1;
        }
    }

    #[cfg(not(test))]
    fn step(&mut self) {}
}

/// What time it is while devices are asked one after the other: each may take seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elapsed {
    begun: std::time::Instant,
    at: DateTime,
}

impl Elapsed {
    pub(super) fn since(at: DateTime) -> Self {
        Self { begun: std::time::Instant::now(), at }
    }

    pub(super) fn now(&self) -> DateTime {
        let taken = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        DateTime(self.at.0.saturating_add(taken))
    }
}

fn is_taking_back(message: &Message) -> bool {
    let command = message.command(&Reading::default());
    command.is_ok_and(|command| matches!(command.action, Action::Allow | Action::Delete))
}

/// Whether a block is for a device: what is only counted is for those that count.
fn is_for(device: &dyn Actuator, block: &Block) -> bool {
    device.carries(&block.what) && (block.manner != Manner::Count || device.is_filter())
}

fn own(device: &dyn Actuator, all: &Desired) -> Desired {
    let own = all.iter().filter(|(block, _)| is_for(device, block));
    own.map(|(block, wanted)| (block.clone(), wanted.clone())).collect()
}

fn refusal(response: Option<&Response>) -> Denial {
    let status = response.map_or(Status::InternalError, |response| response.status);
    let text = response.and_then(|response| response.status_text.clone());
    Denial { status, text: format!("command: {}", text.as_deref().unwrap_or("it is not carried out here")) }
}

/// What this edge is to a producer: what its devices do of the profile.
fn consumer_config(config: &Orders, devices: &[Box<dyn Actuator>]) -> Config {
    let net = What::Net(ipnet::IpNet::from(IpAddr::from([192, 0, 2, 1])));
    let name = What::Name("name.example".to_owned());
    let nets: Vec<_> = devices.iter().filter(|device| device.carries(&net)).collect();
    let mut pairs = Pairs::default();
    let mut add = |target| {
        pairs.add(Action::Deny, TargetName::Common(target));
        pairs.add(Action::Allow, TargetName::Common(target));
    };
    if !nets.is_empty() {
        add("ipv4_net");
        add("ipv6_net");
    }
    if devices.iter().any(|device| device.carries(&name)) {
        add("domain_name");
    }
    pairs.add(Action::Delete, TargetName::rule_number());
    let mut options: BTreeSet<SlpfOption> =
        [SlpfOption::NotPersistent, SlpfOption::InsertRule, SlpfOption::StartTime, SlpfOption::StopTime]
            .into();
    if !nets.is_empty() && nets.iter().all(|device| device.is_filter()) {
        options.extend([SlpfOption::Direction, SlpfOption::Reject]);
    }
    if devices.iter().any(|device| device.is_filter()) {
        options.insert(SlpfOption::Trial);
    }
    let names = &config.verifier.names;
    let identity = Identity { hostnames: names.clone(), asset_ids: names.clone(), ..Identity::default() };
    let limits = Limits { rules_max: config.radius.standing_max.saturating_mul(2), ..Limits::default() };
    let id = names.first().cloned().unwrap_or_default();
    Config {
        id,
        identity,
        support: Support { pairs, options },
        rate_limit: None,
        delete_others: false,
        limits,
    }
}

/// A command of this edge's own to its consumer: to take one rule out, in the name of whoever put it in.
fn deleting(rule: &Rule, now: DateTime) -> Request {
    let mut command = Command::new(Action::Delete, Target::RuleNumber(rule.number));
    command.args.response_requested = Some(ResponseType::None);
    let headers =
        Headers { request_id: Some(format!("undo {} {}", rule.number.0, now.0)), ..Headers::default() };
    let content = Content::Request(command.write(Language::V1_0));
    let message = Message { headers, content, signature: None };
    Request::authenticated(message, &rule.by.producer, Reach::Direct)
}
