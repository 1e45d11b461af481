//! The clocks of reports: at half time, and when it is too late, whoever owes is told, once.
//!
//! Nothing of a clock is kept but what was told of it: where it stands is worked out of the events, so a hub that was stopped goes on
//! where it was, and tells what came about meanwhile. Where several hubs share a database each of them looks; what one told first
//! stands for all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oversight::OrganisationId;
use regime::{Duty, Owes, Regimes, State, Value, Verdict, duties};
use stix::Id;
use store::{Act, StoreError, Tx, reports, settings};

use super::abroad::send_receipts;
use super::{InHand, outline};
use crate::REALM;
use crate::room::names::parts;
use crate::sharing::tell;
use crate::state::AppState;

/// How often it is looked whether a clock has turned.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Reports of one look.
const REPORTS_MAX: usize = 50;
/// The field of the profile that says where mail goes.
const CONTACT: &str = "contact_mail";
/// The setting that says by which regimes the clocks were last looked at.
const REGIMES_SETTING: &str = "reports.regimes";

/// Looks until the hub stops.
pub(crate) async fn run(state: AppState) {
    let mut has_compared = false;
    loop {
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if !has_compared {
            match compare(&state).await {
                Ok(()) => has_compared = true,
                Err(error) => tracing::error!(%error, "the regimes cannot be compared with those before"),
            }
        }
        if let Err(error) = look(&state).await {
            tracing::error!(%error, "the clocks of reports cannot be looked at");
        }
        if let Err(error) = send_receipts(&state).await {
            tracing::error!(%error, "receipts cannot be sent after copies that other hubs were given");
        }
    }
}

/// Other regimes than before may say something else of every report.
async fn compare(state: &AppState) -> Result<(), StoreError> {
    let hash = state.regimes.hash.clone();
    let known = state.store.read(|reader| settings::get(reader, &REALM, REGIMES_SETTING)).await?;
    if known.as_deref() == Some(hash.as_bytes()) {
        return Ok(());
    }
    let write = move |tx: &mut Tx<'_>| {
        reports::wake_all(tx, &REALM)?;
        settings::put(tx, &REALM, REGIMES_SETTING, hash.as_bytes()).map(Act::bookkeeping)
    };
    state.store.write(write).await
}

async fn look(state: &AppState) -> Result<(), StoreError> {
    let found = state.store.read(|reader| reports::awake(reader, &REALM, reader.now(), REPORTS_MAX)).await?;
    for id in found {
        let regimes = Arc::clone(&state.regimes.all);
        let mails = state.config.mail.is_some();
        // What is told is the clock's doing and no act of anybody's: the acts are what started it and what meets it.
        state.store.write(move |tx| turn(tx, &regimes, &id, mails).map(Act::bookkeeping)).await?;
    }
    Ok(())
}

/// Tells what has turned in one report, and notes when to look again.
fn turn(tx: &mut Tx<'_>, regimes: &Regimes, id: &Id, mails: bool) -> Result<(), StoreError> {
    let now = tx.now();
    let Some(found) = InHand::any(tx, &REALM, id)? else { return Ok(()) };
    let mail = match found.profile.fields.get(CONTACT) {
        Some(Value::Text(address)) if mails => Some(address.as_str()),
        _ => None,
    };
    for duty in duties(&found.report, &found.profile, regimes, now) {
        let Some((turn, due)) = turned(&duty) else { continue };
        let name = format!("{}/{}/{}", duty.regime, duty.stage, duty.recipient);
        if reports::warn(tx, &REALM, id, (&name, turn, due), mail)? {
            let kind = if turn == "overdue" { "report-overdue" } else { "report-half-time" };
            tell(tx, &REALM, owing(&found, &duty), (kind, id.as_str()), (None, &said(&duty, due)))?;
        }
    }
    reports::outline(tx, &REALM, id, &outline(&found.report, &found.profile, regimes, now))
}

/// Which turn a clock has taken, and the deadline that it is of.
fn turned(duty: &Duty) -> Option<(&'static str, Timestamp)> {
    let due = duty.clock.due.filter(|_| matches!(duty.verdict, Verdict::Applies | Verdict::MayApply))?;
    match duty.clock.state {
        State::HalfTime => Some(("half-time", due)),
        State::Overdue => Some(("overdue", due)),
        _ => None,
    }
}

/// Whose clock it is: the organisation's own; where an authority owes an answer, also that of whoever was given what it is owed to.
fn owing(found: &InHand, duty: &Duty) -> BTreeSet<OrganisationId> {
    let mut to = BTreeSet::from([found.head.organisation.clone()]);
    if duty.owes == Owes::Authority {
        let given = found
            .filed
            .iter()
            .filter(|filed| filed.regime == duty.regime && filed.recipient == duty.recipient);
        // Whoever is at another hub has no inbox here.
        to.extend(given.filter_map(|filed| filed.given_to.clone()).filter(|to| parts(to).is_none()));
    }
    to
}

/// Nothing of the report's content: whoever is told may not be who may read it.
fn said(duty: &Duty, due: Timestamp) -> String {
    let (regime, stage, recipient) = (&duty.regime_name, &duty.stage_name, &duty.recipient_name);
    format!(
        "{}・{} → {} / {}, {} → {}: {due}",
        regime.ja, stage.ja, recipient.ja, regime.en, stage.en, recipient.en
    )
}
