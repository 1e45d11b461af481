//! What edges report on orders, as an answer to the run that gave them.

use api::{OrderReport, OrderState};
use cacao::run::{Answer, Key, Order, OrderStatus, Run, Values, What};
use jiff::{SignedDuration, Timestamp};
use oversight::AuditEvent;
use oversight::reason::AT_EDGE;
use serde_json::Value;
use store::orders::{self as rows, Order as Row, Report};
use store::{Act, StoreError, Tx, runs};

use super::{Response, drive, load};
use crate::REALM;

/// Most characters of what an edge says in words.
const WHY_CHARS_MAX: usize = 1_000;

/// Takes a report in, once. What it answers is given to the run in the same transaction.
///
/// # Errors
/// [`StoreError::NotFound`] where the edge was given no such order.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    response: &Response,
    (edge, report): (&str, &OrderReport),
    event: AuditEvent,
) -> Result<Act<drive::Driven>, StoreError> {
    let text = serde_json::to_string(report).map_err(|error| StoreError::Database(error.to_string()))?;
    let row = Report {
        number: u64::from(report.number),
        text: &text,
        state: state_name(report.state),
        stopped: report.stopped,
    };
    if !rows::report(tx, &REALM, (edge, &report.command_id), row)? {
        return Ok(Act::bookkeeping(drive::Driven::default()));
    }
    let event = event.with("command", report.command_id.as_str()).with("state", state_name(report.state));
    if super::foreign::relay(tx, report)? {
        return Ok(Act::audited(drive::Driven { has_ordered: true }, &REALM, event));
    }
    let order = rows::get(tx, &REALM, &report.command_id)?;
    let order = order.ok_or_else(|| StoreError::NotFound { what: report.command_id.clone() })?;
    let only_kept = |event| Ok(Act::audited(drive::Driven::default(), &REALM, event));
    let Some(head) = runs::get(tx, &REALM, &order.new.run)? else { return only_kept(event) };
    let (run, _) = load(tx, response, &head)?;
    let given = match answer(&run, &order, report) {
        Some(answer) => vec![What::Answered { key: Key(order.new.action.clone()), answer }],
        // The clock is to look when it was in force for long enough.
        None if is_watched(&run, &order.new.action) => Vec::new(),
        None => return only_kept(event),
    };
    match drive::advance(tx, response, &head, (given, Some(event.clone()))) {
        // What nobody waits for any more is kept as a report and is no answer.
        Err(StoreError::Abandoned { .. }) => only_kept(event),
        other => other,
    }
}

/// What a report answers; nothing where the order was answered, or is still under way.
fn answer(run: &Run, row: &Row, report: &OrderReport) -> Option<Answer> {
    let (order, status, _) = run.orders().find(|(order, _, _)| order.key.0 == row.new.action)?;
    // Of an attempt that another one has followed nobody waits for an answer.
    let is_this = super::orders::command_id(&order.key.0, order.attempts_before) == row.new.command;
    if !is_this || !matches!(status, OrderStatus::Dispatched | OrderStatus::Unknown) {
        return None;
    }
    let why: String =
        report.why.as_deref().unwrap_or("no reason given").chars().take(WHY_CHARS_MAX).collect();
    let is_undoing = order.undoes.is_some();
    match report.state {
        OrderState::Enforced if watch(run, order).is_some() => None,
        OrderState::Drifted if run.is_canary(order) => {
            Some(Answer::Lost { reason: format!("the first edge does not hold it: {why}") })
        }
        OrderState::Taken | OrderState::Waiting | OrderState::Shadow | OrderState::Drifted => None,
        OrderState::Enforced => Some(Answer::Done { outputs: outputs(run, order) }),
        OrderState::Released | OrderState::Expired if is_undoing => {
            Some(Answer::Done { outputs: Values::default() })
        }
        OrderState::Refused => Some(Answer::Failed { reason: format!("{AT_EDGE}{why}") }),
        OrderState::Failed => Some(Answer::Failed { reason: format!("failed at the edge: {why}") }),
        OrderState::Released | OrderState::Expired => {
            Some(Answer::Failed { reason: "it ended at the edge before it was enforced".to_owned() })
        }
    }
}

/// How long an order has to be in force before the others follow it; nothing where no other waits for it.
fn watch(run: &Run, order: &Order) -> Option<SignedDuration> {
    let rollout = order.safeguards.as_ref()?.rollout.as_ref()?;
    let watch = i64::try_from(rollout.canary_watch_ms).unwrap_or(i64::MAX);
    (watch > 0 && run.is_canary(order)).then(|| SignedDuration::from_millis(watch))
}

fn is_watched(run: &Run, key: &str) -> bool {
    run.orders().any(|(order, _, _)| order.key.0 == key && watch(run, order).is_some())
}

/// Until when an order is watched that goes first and alone, while its edge has it.
pub(super) fn watched_until(run: &Run, order: &Order, row: &Row) -> Option<Timestamp> {
    let watch = watch(run, order)?;
    let since = row.since.filter(|_| row.state.as_deref() == Some(state_name(OrderState::Enforced)))?;
    Some(since.checked_add(watch).unwrap_or(Timestamp::MAX))
}

/// An edge gives no values back. What it says is that the device has it, which is what a step asks for that has a yes-or-no to give.
pub(super) fn outputs(run: &Run, order: &Order) -> Values {
    let variables = run.variables();
    let names = order.out_args.iter().map(|name| name.strip_suffix(":value").unwrap_or(name));
    let booleans = names.filter(|name| {
        variables.and_then(|all| all.get(*name)).is_some_and(|variable| variable.kind == "bool")
    });
    Values(booleans.map(|name| (name.to_owned(), Value::String("true".to_owned()))).collect())
}

pub(crate) fn state_name(state: OrderState) -> &'static str {
    match state {
        OrderState::Taken => "taken",
        OrderState::Waiting => "waiting",
        OrderState::Refused => "refused",
        OrderState::Shadow => "shadow",
        OrderState::Enforced => "enforced",
        OrderState::Drifted => "drifted",
        OrderState::Failed => "failed",
        OrderState::Released => "released",
        OrderState::Expired => "expired",
    }
}

/// The state of that name.
pub(crate) fn state_of(name: &str) -> Option<OrderState> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}
