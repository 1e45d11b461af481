//! Carries who is in which room by the database's notifications, where there is no NATS to carry it.

use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;

use crate::state::AppState;

/// Tells other processes of those who are here and hears of those who are there, until the hub stops.
pub(crate) async fn run(state: AppState) {
    // A hub that is alone with its folder has nobody to tell. With NATS the bus does it: who is where is of no use to whoever else may listen
    // at the database.
    if state.config.store.is_none() || state.config.wake.is_some() {
        return;
    }
    state.rooms.presence.carry();
    tokio::join!(tell(&state), hear(&state));
}

async fn tell(state: &AppState) {
    let presence = &state.rooms.presence;
    loop {
        let said = async {
            let news = presence.news().await;
            state.store.say_aside(news).await
        };
        let said = tokio::select! {
            said = said => said,
            () = state.stopping.wait() => return,
        };
        if let Err(error) = said {
            tracing::debug!(%error, "other processes are not told who is in a room; they are when consoles say it again");
            presence.forget_told();
        }
    }
}

async fn hear(state: &AppState) {
    let mut asides = state.store.asides();
    loop {
        let said = tokio::select! {
            said = asides.recv() => said,
            () = state.stopping.wait() => return,
        };
        match said {
            Ok(said) => {
                state.rooms.presence.hear_other(said.as_bytes(), (Instant::now(), Timestamp::now()));
            }
            // Consoles say again what was missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
