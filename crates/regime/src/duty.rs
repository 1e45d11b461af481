//! Which reports are owed, and where each clock stands: a function of the events and of now.

use jiff::{SignedDuration, Timestamp};

use crate::clock::middle;
use crate::condition::{Because, Facts, Judged, Truth};
use crate::event::{Answer, EventId};
use crate::regime::moment_of;
use crate::{
    ClockSpec, Due, Owes, Profile, Recipient, Record, Regime, Regimes, Report, Stage, Start, Text, Verified,
};

/// Whether a report is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Applies,
    /// It may be: something is not known.
    MayApply,
    /// It is not.
    DoesNot,
    /// The regime is not in force yet.
    NotInForce,
    /// The regime is switched off in its file.
    Disabled,
    /// The recipient is given nothing without consent, and there is none.
    NeedsConsent,
}

/// Where a clock stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// What it runs from has not happened.
    Waiting,
    /// Less than half of the time is gone.
    Running,
    /// Half of the time is gone.
    HalfTime,
    /// The time is over.
    Overdue,
    /// It is owed without delay; there is no number.
    Prompt,
    /// What was filed is still so.
    Unchanged,
    /// There is a deadline that nobody here knows: ask counsel.
    AskCounsel,
    /// It was done.
    Met {
        /// When.
        at: Timestamp,
        /// Whether that was too late.
        late: bool,
        /// The event and the hash of the copy that prove it; nothing for an answer of the authority.
        receipt: Option<(EventId, String)>,
    },
}

impl Verdict {
    /// The word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::MayApply => "may-apply",
            Self::DoesNot => "does-not",
            Self::NotInForce => "not-in-force",
            Self::Disabled => "disabled",
            Self::NeedsConsent => "needs-consent",
        }
    }
}

impl State {
    /// The word for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::HalfTime => "half-time",
            Self::Overdue => "overdue",
            Self::Prompt => "prompt",
            Self::Unchanged => "unchanged",
            Self::AskCounsel => "ask-counsel",
            Self::Met { .. } => "met",
        }
    }
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Where it stands.
    pub state: State,
    /// From when it runs.
    pub start: Option<Timestamp>,
    /// When half of the time is gone.
    pub half_time: Option<Timestamp>,
    /// What is better than the latest moment.
    pub target: Option<Timestamp>,
    /// The first instant at which it is too late.
    pub due: Option<Timestamp>,
    /// What `due` was before the authority gave more time.
    pub due_before_extension: Option<Timestamp>,
    /// Whether it is certain which clock runs and when it ends: no fact that decides it is missing, and all holidays are known.
    pub certain: bool,
}

/// What a console may show it as. Green is only what is certain and rests on law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// Nothing to do.
    Off,
    /// In time, certainly.
    Green,
    /// In time as far as is known: the source is not the law, or a fact is missing.
    Uncertain,
    /// Half of the time is gone, or it is owed without delay.
    Amber,
    /// Too late.
    Red,
    /// Nobody here knows: ask counsel.
    AskCounsel,
}

impl Light {
    /// The word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Green => "green",
            Self::Uncertain => "uncertain",
            Self::Amber => "amber",
            Self::Red => "red",
            Self::AskCounsel => "ask-counsel",
        }
    }
}

/// One report to one recipient: whether it is owed, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient.
    pub recipient: String,
    /// What the regime is called.
    pub regime_name: Text,
    /// What the stage is called.
    pub stage_name: Text,
    /// What the recipient is called.
    pub recipient_name: Text,
    /// Who owes it.
    pub owes: Owes,
    /// Whether it is owed.
    pub verdict: Verdict,
    /// Why.
    pub because: Vec<Because>,
    /// Where its clock stands.
    pub clock: Clock,
    /// How sure what it rests on is: the least sure of condition, recipient and clock.
    pub verified: Verified,
    /// What it may be shown as.
    pub light: Light,
    wakes: Vec<Timestamp>,
}

impl Duty {
    /// Whether there is something to do for it, now or later.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let concerns = matches!(self.verdict, Verdict::Applies | Verdict::MayApply);
        concerns && !matches!(self.clock.state, State::Met { .. } | State::Unchanged | State::Waiting)
    }
}

impl Clock {
    /// How much time is left; zero where none is, nothing where there is no deadline.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Option<SignedDuration> {
        self.due.map(|due| due.duration_since(now).max(SignedDuration::ZERO))
    }

    /// How long it has run; zero where it starts later than now.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> Option<SignedDuration> {
        self.start.map(|start| now.duration_since(start).max(SignedDuration::ZERO))
    }

    /// By how much it is too late; zero where it is not.
    #[must_use]
    pub fn overdue_by(&self, now: Timestamp) -> SignedDuration {
        match (&self.state, self.due) {
            (State::Overdue, Some(due)) => now.duration_since(due).max(SignedDuration::ZERO),
            _ => SignedDuration::ZERO,
        }
    }
}

/// Every report that any regime could ask for, each with its verdict, in the order of regimes, stages and recipients.
///
/// A function of its arguments alone: a restart changes nothing.
#[must_use]
pub fn duties(report: &Report, profile: &Profile, regimes: &Regimes, now: Timestamp) -> Vec<Duty> {
    let record = report.record();
    let facts = Facts { record: &record, profile };
    let mut found = Vec::new();
    for regime in regimes.iter() {
        let applies = ruled(regime, &record).unwrap_or_else(|| regime.applies.judge(facts));
        for stage in &regime.stages {
            for recipient in regime.recipients_of(stage) {
                let bench = Bench { regime, stage, recipient, facts, now };
                found.push(bench.duty(&applies));
            }
        }
    }
    found
}

/// When some duty next changes by time alone: half-time, target, deadline, or the day on which a regime comes into force. Nothing
/// where only events can change anything.
#[must_use]
pub fn next_wake(duties: &[Duty], now: Timestamp) -> Option<Timestamp> {
    duties.iter().flat_map(|duty| &duty.wakes).copied().filter(|wake| *wake > now).min()
}

/// What counsel settled stands above the file's condition.
fn ruled(regime: &Regime, record: &Record) -> Option<Judged> {
    let (applies, _) = record.ruling(&regime.id)?;
    let truth = if applies { Truth::Yes } else { Truth::No };
    Some(Judged { truth, because: vec![Because { field: "@ruling".to_owned(), truth }] })
}

/// One duty while it is judged.
#[derive(Clone, Copy)]
struct Bench<'a> {
    regime: &'a Regime,
    stage: &'a Stage,
    recipient: &'a Recipient,
    facts: Facts<'a>,
    now: Timestamp,
}

impl Bench<'_> {
    fn duty(self, applies: &Judged) -> Duty {
        let (clock, basis) = self.clock();
        let (verdict, because) = self.verdict(applies, &clock);
        let bases = [self.regime.applies_basis.as_str(), self.recipient.basis.as_str(), basis];
        let verified =
            bases.into_iter().map(|basis| self.regime.verified(basis)).max().unwrap_or(Verified::Unknown);
        let light = light(verdict, verified, &clock);
        let in_force = if clock.start.is_none() { self.in_force_from() } else { None };
        let ticking = matches!(clock.state, State::Running | State::HalfTime);
        let ticks = [clock.half_time, clock.target, clock.due].into_iter().flatten().filter(|_| ticking);
        let wakes = ticks.chain(in_force).collect();
        Duty {
            regime: self.regime.id.clone(),
            stage: self.stage.id.clone(),
            recipient: self.recipient.id.clone(),
            regime_name: self.regime.name.clone(),
            stage_name: self.stage.name.clone(),
            recipient_name: self.recipient.name.clone(),
            owes: self.stage.owes,
            verdict,
            because,
            clock,
            verified,
            light,
            wakes,
        }
    }

    fn verdict(self, applies: &Judged, clock: &Clock) -> (Verdict, Vec<Because>) {
        if !self.regime.enabled {
            return (Verdict::Disabled, Vec::new());
        }
        // What began before a law was in force is not under it.
        if self.in_force_from().is_some_and(|from| clock.start.unwrap_or(self.now) < from) {
            return (Verdict::NotInForce, Vec::new());
        }
        let parts =
            [applies.clone(), self.recipient.when.judge(self.facts), self.stage.when.judge(self.facts)];
        let truth = parts.iter().map(|part| part.truth).min().unwrap_or(Truth::No);
        let because =
            parts.into_iter().filter(|part| part.truth == truth).flat_map(|part| part.because).collect();
        let verdict = match truth {
            Truth::No => Verdict::DoesNot,
            _ if self.recipient.by_consent && !self.has_consent() => Verdict::NeedsConsent,
            Truth::Maybe => Verdict::MayApply,
            Truth::Yes => Verdict::Applies,
        };
        (verdict, because)
    }

    fn has_consent(self) -> bool {
        let form = self.stage.form.as_ref().and_then(|form| self.regime.form(form));
        let may = |field: &str| self.facts.record.may_give(&self.regime.id, &self.recipient.id, field, false);
        form.is_some_and(|form| form.items.iter().any(|item| may(&item.field)))
    }

    fn in_force_from(self) -> Option<Timestamp> {
        let date = self.regime.effective?;
        Some(date.to_zoned(self.regime.zone.clone()).ok()?.timestamp())
    }

    /// The clock that counts, and its basis. Where a fact that decides between several is missing, the one that ends first.
    fn clock(&self) -> (Clock, &str) {
        let mut candidates: Vec<&ClockSpec> = Vec::new();
        for spec in &self.stage.clocks {
            match spec.when.judge(self.facts).truth {
                Truth::No => {}
                Truth::Maybe => candidates.push(spec),
                Truth::Yes => {
                    candidates.push(spec);
                    break;
                }
            }
        }
        let undecided = candidates.len() > 1;
        let clocks = candidates.into_iter().map(|spec| (self.run(spec), spec.basis.as_str()));
        let strictest = clocks.min_by_key(|(clock, _)| (strictness(clock), clock.due));
        // A file's last clock has no condition, so there is always one; without it nobody could say.
        let (mut clock, basis) = strictest.unwrap_or_else(|| (Clock::standing(State::AskCounsel, None), ""));
        clock.certain = clock.certain && !undecided;
        (clock, basis)
    }

    fn run(&self, spec: &ClockSpec) -> Clock {
        match spec.due {
            Due::OnChange => self.on_change(),
            Due::OnRequest => self.on_request(),
            Due::Within(_) | Due::Promptly | Due::Unknown => self.timed(spec),
        }
    }

    fn timed(&self, spec: &ClockSpec) -> Clock {
        let start = self.start(&spec.from);
        let met = self.met(&spec.from);
        let Due::Within(length) = spec.due else {
            let open = match (spec.due, start) {
                (Due::Unknown, _) => State::AskCounsel,
                (_, None) => State::Waiting,
                (_, Some(_)) => State::Prompt,
            };
            let done = met.map(|(at, receipt)| State::Met { at, late: false, receipt });
            return Clock::standing(done.unwrap_or(open), start);
        };
        let (zone, calendar) = (&self.regime.zone, &self.regime.calendar);
        let Some((start, ending)) = start.and_then(|start| Some((start, length.end(start, zone, calendar)?)))
        else {
            let done = met.map(|(at, receipt)| State::Met { at, late: false, receipt });
            return Clock::standing(done.unwrap_or(State::Waiting), start);
        };
        let key = (self.regime.id.clone(), self.stage.id.clone());
        let extended = self.facts.record.extensions.get(&key).copied().filter(|until| *until > ending.at);
        let due = extended.unwrap_or(ending.at);
        let half_time = middle(start, due);
        let state = match met {
            Some((at, receipt)) => State::Met { at, late: at >= due, receipt },
            None if self.now >= due => State::Overdue,
            None if self.now >= half_time => State::HalfTime,
            None => State::Running,
        };
        let target = spec.target.and_then(|length| length.end(start, zone, calendar)).map(|ending| ending.at);
        Clock {
            state,
            start: Some(start),
            half_time: Some(half_time),
            target,
            due: Some(due),
            due_before_extension: extended.map(|_| ending.at),
            certain: ending.certain,
        }
    }

    /// From when a clock runs: from the filing with the same recipient or, where there is none, the earliest with another.
    fn start(&self, from: &Start) -> Option<Timestamp> {
        let record = self.facts.record;
        match from {
            Start::Moment(moment) => record.moment(*moment),
            Start::Filed(stage) => {
                let same = record.filing(&self.regime.id, stage, &self.recipient.id);
                let of_stage =
                    |filing: &&crate::Filing| filing.regime == self.regime.id && filing.stage == *stage;
                same.or_else(|| record.filings.iter().find(of_stage)).map(|filing| filing.at)
            }
        }
    }

    /// When it was done, and by which receipt.
    fn met(&self, from: &Start) -> Option<(Timestamp, Option<(EventId, String)>)> {
        let record = self.facts.record;
        match (self.stage.owes, from) {
            (Owes::Organisation, _) => {
                let filing = record.filing(&self.regime.id, &self.stage.id, &self.recipient.id)?;
                Some((filing.at, Some((filing.event, filing.copy.clone()))))
            }
            (Owes::Authority, Start::Filed(stage)) => {
                let answers = record.replies.iter().filter(|answer| {
                    answer.regime == self.regime.id
                        && answer.stage == *stage
                        && answer.recipient == self.recipient.id
                });
                answers.map(|answer| answer.at).min().map(|at| (at, None))
            }
            (Owes::Authority, Start::Moment(_)) => None,
        }
    }

    /// Owed again when what the form asks has changed since the recipient was last given anything.
    fn on_change(&self) -> Clock {
        let record = self.facts.record;
        let given = record
            .filings
            .iter()
            .rfind(|filing| filing.regime == self.regime.id && filing.recipient == self.recipient.id);
        let form = self.stage.form.as_ref().and_then(|form| self.regime.form(form));
        let (Some(given), Some(form)) = (given, form) else { return Clock::standing(State::Waiting, None) };
        let changed = form.items.iter().flat_map(|item| {
            let stated = record.stated_at.get(&item.field).into_iter().flatten().copied();
            let happened = moment_of(&item.field)
                .and_then(|moment| record.moments.get(&moment))
                .map(|found| found.logged);
            stated.chain(happened)
        });
        match changed.filter(|at| *at > given.at).min() {
            Some(first) => Clock::standing(State::Prompt, Some(first)),
            None => Clock::standing(State::Unchanged, Some(given.at)),
        }
    }

    /// Owed when the authority asked and was not answered since.
    fn on_request(&self) -> Clock {
        let record = self.facts.record;
        let own = |regime: &str, recipient: &str| regime == self.regime.id && recipient == self.recipient.id;
        let given = record
            .filings
            .iter()
            .rfind(|filing| own(&filing.regime, &filing.recipient) && filing.stage == self.stage.id);
        let asked = record.replies.iter().filter(|answer| {
            own(&answer.regime, &answer.recipient) && matches!(answer.answer, Answer::Requested { .. })
        });
        let open = asked.map(|answer| answer.at).filter(|at| given.is_none_or(|given| *at > given.at)).min();
        match (open, given) {
            (Some(first), _) => Clock::standing(State::Prompt, Some(first)),
            (None, Some(given)) => {
                let receipt = Some((given.event, given.copy.clone()));
                Clock::standing(State::Met { at: given.at, late: false, receipt }, None)
            }
            (None, None) => Clock::standing(State::Waiting, None),
        }
    }
}

impl Clock {
    /// A clock without a deadline.
    fn standing(state: State, start: Option<Timestamp>) -> Self {
        Self {
            state,
            start,
            half_time: None,
            target: None,
            due: None,
            due_before_extension: None,
            certain: true,
        }
    }
}

/// Which of several possible clocks to go by: one with a deadline, then what is owed at once, then what nobody knows.
fn strictness(clock: &Clock) -> u8 {
    match clock.state {
        _ if clock.due.is_some() => 0,
        State::Prompt => 1,
        State::AskCounsel => 2,
        _ => 3,
    }
}

fn light(verdict: Verdict, verified: Verified, clock: &Clock) -> Light {
    let sure = verdict == Verdict::Applies && verified == Verified::Law && clock.certain;
    let well = if sure { Light::Green } else { Light::Uncertain };
    match verdict {
        Verdict::DoesNot | Verdict::NotInForce | Verdict::Disabled | Verdict::NeedsConsent => {
            return Light::Off;
        }
        Verdict::Applies | Verdict::MayApply => {}
    }
    match clock.state {
        State::Waiting => Light::Off,
        State::Running | State::Unchanged => well,
        State::Met { late: false, .. } => well,
        State::HalfTime | State::Prompt | State::Met { late: true, .. } => Light::Amber,
        // A duty that may not exist cannot be broken for certain.
        State::Overdue if verdict == Verdict::MayApply => Light::Amber,
        State::Overdue => Light::Red,
        State::AskCounsel => Light::AskCounsel,
    }
}
