//! What one step changes, gathered until it is written down in one transaction: events, orders, reports, ledger.

use api::{EdgeOrder, OrderPerson, OrderState};
use jiff::Timestamp;
use openc2::consumer::{Denial, Event};
use openc2::{Command, DateTime, Language, Response};

use crate::actuators::What;
use crate::ledger::{LedgerKind, LedgerRow};
use crate::spool::orders::{NewReport, OrderRow};

/// One step.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) events: Vec<Event>,
    pub(super) rows: Vec<OrderRow>,
    pub(super) reports: Vec<NewReport>,
    pub(super) ledger: Vec<LedgerRow>,
    pub(super) sequence: Option<i64>,
}

/// A moment as the ledger writes it.
pub(super) fn moment(now: DateTime) -> Timestamp {
    i64::try_from(now.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

impl Step {
    /// How a row stands now: for the hub, and for the operator's own ledger.
    pub(super) fn tell(&mut self, mut row: OrderRow, now: DateTime) {
        let at = moment(now);
        row.changed = at;
        row.told = Some((row.stopped.unwrap_or(0), at));
        self.reports.push(NewReport {
            command_id: row.command_id.clone(),
            at,
            state: row.state,
            response: row.response.clone(),
            why: row.why.clone(),
            stopped: row.stopped,
            answers: row.answers.clone(),
        });
        self.ledger.push(LedgerRow {
            at,
            kind: kind(&row),
            indicator: row.command_id.clone(),
            name: row.words.clone(),
            detail: detail(&row),
        });
        self.put(row);
    }

    /// The counter moved; nothing else did. The ledger is for what happened, and so are answers.
    pub(super) fn count_up(&mut self, row: OrderRow, now: DateTime) {
        let ledger = self.ledger.len();
        self.tell(row, now);
        self.ledger.truncate(ledger);
        if let Some(report) = self.reports.last_mut() {
            report.answers = None;
        }
    }

    /// Keeps a row without telling anybody.
    pub(super) fn put(&mut self, row: OrderRow) {
        self.rows.retain(|kept| (&kept.issuer, &kept.command_id) != (&row.issuer, &row.command_id));
        self.rows.push(row);
    }

    /// Refuses an order.
    pub(super) fn refuse(&mut self, mut row: OrderRow, denial: &Denial, now: DateTime) {
        row.state = OrderState::Refused;
        row.open = false;
        row.why = Some(denial.text.clone());
        row.response = Some(Response::with_text(denial.status, denial.text.as_str()).write(Language::V1_0));
        self.tell(row, now);
    }
}

fn kind(row: &OrderRow) -> LedgerKind {
    match row.state {
        OrderState::Taken | OrderState::Waiting | OrderState::Shadow => LedgerKind::Ordered,
        OrderState::Refused => LedgerKind::Rejected,
        OrderState::Enforced => LedgerKind::Enforced,
        OrderState::Drifted | OrderState::Failed => LedgerKind::Drifted,
        OrderState::Released | OrderState::Expired => LedgerKind::Undone,
    }
}

pub(super) fn word(state: OrderState) -> &'static str {
    match state {
        OrderState::Taken => "taken",
        OrderState::Waiting => "waits for the operator",
        OrderState::Refused => "refused",
        OrderState::Shadow => "counted only",
        OrderState::Enforced => "in force",
        OrderState::Drifted => "drifted",
        OrderState::Failed => "failed",
        OrderState::Released => "taken back",
        OrderState::Expired => "its time is over",
    }
}

/// Who ordered it, on what authority, until when; how it stands.
fn detail(row: &OrderRow) -> String {
    let mut parts = vec![word(row.state).to_owned()];
    parts.extend(row.why.clone());
    parts.extend(row.stopped.filter(|stopped| *stopped > 0).map(|stopped| format!("stopped {stopped}")));
    if matches!(row.state, OrderState::Taken | OrderState::Waiting | OrderState::Refused) {
        let about = &row.about;
        let issuer = if row.issuer.is_empty() { "nobody that is trusted" } else { &row.issuer };
        parts.push(format!("signed by {issuer}"));
        parts.push(format!("asked by {}", person(&about.requested_by)));
        if !about.approved_by.is_empty() {
            let all: Vec<String> = about.approved_by.iter().map(person).collect();
            parts.push(format!("agreed to by {}", all.join(", ")));
        }
        parts.extend(about.basis.as_ref().map(|basis| format!("on the basis of {basis}")));
        parts.extend(about.reference.as_ref().map(|reference| format!("see {reference}")));
        parts.extend(row.ends.map(|ends| format!("until {}", moment(DateTime(ends)))));
    }
    // The hub's words end up in a table and not in somebody's terminal.
    parts.join("; ").chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect()
}

/// The longest that the ledger tells of an order.
const DETAIL_CHARS_MAX: usize = 1_000;

fn person(person: &OrderPerson) -> String {
    match &person.name {
        Some(name) => format!("{name} ({})", person.organisation),
        None => person.organisation.clone(),
    }
}

impl OrderRow {
    /// An order as it came, before anything is known of it.
    pub(super) fn of(order: &EdgeOrder, now: DateTime) -> Self {
        Self {
            issuer: String::new(),
            command_id: order.about.command_id.clone(),
            at: moment(now),
            message: order.message.clone(),
            about: order.about.clone(),
            words: String::new(),
            state: OrderState::Taken,
            why: None,
            starts: None,
            ends: None,
            shadow_until: None,
            trial: None,
            passed: None,
            ending: None,
            response: None,
            is_undo: false,
            undoes: Vec::new(),
            what: None,
            direction: None,
            rejects: false,
            rule: None,
            stopped: None,
            counter: 0,
            told: None,
            answers: None,
            agreed: None,
            changed: moment(now),
            open: false,
        }
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.issuer.clone(), self.command_id.clone())
    }

    /// It is over.
    pub(super) fn over(mut self, state: OrderState) -> Self {
        self.state = state;
        self.open = false;
        self.ending = None;
        self
    }

    /// Counts what a device stopped since it was looked at last; a counter that fell began anew.
    pub(super) fn count(&mut self, counter: u64) {
        let more = counter.checked_sub(self.counter).unwrap_or(counter);
        self.counter = counter;
        self.stopped = Some(self.stopped.unwrap_or(0).saturating_add(more));
    }
}

/// `deny 198.51.100.7`
pub(super) fn words(command: &Command) -> String {
    let what = match &command.target {
        openc2::Target::RuleNumber(number) => format!("rule {}", number.0),
        target => What::of(target).map_or_else(|| format!("{:?}", target.name()), |what| what.to_string()),
    };
    format!("{} {what}", command.action)
}
