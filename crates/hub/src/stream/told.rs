//! What open streams are told of beside the log, whichever hub of the node has it to tell.

use std::sync::Arc;
use std::time::Duration;

use api::StreamEvent;
use oversight::Realm;
use store::tellings::{self, Audience, Telling};
use store::{StoreError, Tx};

use crate::REALM;
use crate::state::{AppState, Live};

/// Rows of one look.
const LOOK_MAX: usize = 500;
/// How soon a look that failed is repeated.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Tells open streams something when a transaction is committed.
///
/// # Errors
/// Those of the database.
pub(crate) fn say(
    tx: &mut Tx<'_>,
    realm: &Realm,
    audience: &Audience,
    event: &StreamEvent,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(event).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    tellings::add(tx, realm, audience, &text)
}

/// Follows what is told, from now on, until the hub stops.
pub(crate) async fn run(state: AppState) {
    let mut told = state.store.told();
    let mut after = *told.borrow();
    loop {
        let newest = *told.borrow_and_update();
        while after < newest {
            let looked =
                state.store.read(move |reader| tellings::after(reader, &REALM, after, LOOK_MAX)).await;
            match looked {
                // What lies between was forgotten.
                Ok(found) if found.is_empty() => after = newest,
                Ok(found) => {
                    for telling in found {
                        after = telling.number;
                        pass_on(&state, telling);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "what is told beside the log cannot be read");
                    tokio::select! {
                        () = state.stopping.wait() => return,
                        () = tokio::time::sleep(AGAIN_AFTER) => {}
                    }
                }
            }
        }
        tokio::select! {
            changed = told.changed() => if changed.is_err() { return },
            () = state.stopping.wait() => return,
        }
    }
}

fn pass_on(state: &AppState, telling: Telling) {
    let Ok(event) = serde_json::from_str::<StreamEvent>(&telling.event) else {
        // A newer hub on the same database may have more to tell than this one knows.
        tracing::debug!(number = telling.number, "what is told is not understood");
        return;
    };
    let live = match telling.audience {
        Audience::Organisations(organisations) => Live::Notice(Arc::new(organisations), event),
        Audience::Owner(owner) => Live::Alert(owner, event),
    };
    // Nobody may be listening.
    let _ = state.live.send(live);
}
