//! Runs that want something by themselves: a time has come, or there was more to do than fits into one transaction.
//!
//! Nothing is kept here: where a run stands is in its events, so a hub that was stopped goes on where it was. Where several hubs share a
//! database each looks; writes come one after the other, and what one has done the next no longer finds.

use std::time::Duration;

use jiff::SignedDuration;
use store::{Act, StoreError, Tx, runs};

use super::agents::Caller;
use super::{drive, foreign};
use crate::REALM;
use crate::state::AppState;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Runs of one look.
const RUNS_MAX: usize = 50;
/// When a run that cannot be gone on with is looked at again.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Looks until the hub stops.
pub(crate) async fn run(state: AppState) {
    let caller = match Caller::new() {
        Ok(caller) => Some(caller),
        Err(error) => {
            tracing::error!(%error, "no agent can be called");
            None
        }
    };
    loop {
        let more = match look(&state).await {
            Ok(more) => more,
            Err(error) => {
                tracing::error!(%error, "runs cannot be looked after");
                false
            }
        };
        if let Err(error) = foreign::look(&state).await {
            tracing::error!(%error, "what other hubs asked for cannot be looked after");
        }
        if let Err(error) = crate::api::outreach::look(&state).await {
            tracing::error!(%error, "what is asked outside cannot be looked after");
        }
        if let Some(caller) = &caller
            && let Err(error) = caller.look(&state).await
        {
            tracing::error!(%error, "agents cannot be called");
        }
        let pause = if more { Duration::ZERO } else { LOOK_EVERY };
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Goes on with every run that is due; whether there may be more at once.
async fn look(state: &AppState) -> Result<bool, StoreError> {
    let due = state.store.read(|reader| runs::awake(reader, &REALM, reader.now(), RUNS_MAX)).await?;
    let more = !due.is_empty();
    for id in due {
        let (work, name) = (state.clone(), id.clone());
        let write = move |tx: &mut Tx<'_>| {
            let Some(head) = runs::get(tx, &REALM, &name)? else {
                return Ok(Act::bookkeeping(drive::Driven::default()));
            };
            drive::advance(tx, &work.response, &head, (Vec::new(), None))
        };
        match state.store.write(write).await {
            Ok(driven) if driven.has_ordered => state.response.wake(),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, run = id, "a run cannot be gone on with");
                let later = move |tx: &mut Tx<'_>| {
                    let until = tx.now().checked_add(AGAIN_AFTER).unwrap_or(jiff::Timestamp::MAX);
                    runs::put_off(tx, &REALM, &id, Some(until)).map(Act::bookkeeping)
                };
                state.store.write(later).await?;
            }
        }
    }
    Ok(more)
}
