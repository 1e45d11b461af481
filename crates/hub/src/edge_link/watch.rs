//! What the hub looks after every few seconds: edges that fell silent are told to the open streams, busy cases to the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::{EdgeHealth, EdgeStatus, StreamEvent};
use store::edges;

use crate::REALM;
use crate::api::summaries::{Newest, bare_edge};
use crate::casework;
use crate::state::AppState;

/// How often silence is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The health in which each edge was last told of.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<String, EdgeHealth>>);

impl Watched {
    /// Notes what was told.
    pub(crate) fn saw(&self, edge: &EdgeStatus) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(edge.id.clone(), edge.health);
    }

    /// Notes how edges are now, and gives those that fell silent since.
    fn fell_silent(&self, now: Vec<EdgeStatus>) -> Vec<EdgeStatus> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| now.iter().any(|edge| edge.id == *id));
        now.into_iter()
            .filter(|edge| {
                let before = known.insert(edge.id.clone(), edge.health);
                edge.health == EdgeHealth::Silent && before.is_some_and(|before| before != EdgeHealth::Silent)
            })
            .collect()
    }
}

/// Looks until the hub stops.
pub(crate) async fn run(state: AppState) {
    loop {
        tokio::select! {
            () = state.stopping.wait() => {
                // What joined in the last seconds.
                let _ = casework::catch_up(&state).await;
                return;
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = casework::catch_up(&state).await {
            tracing::error!(%error, "cases cannot be written to the log");
        }
        let found = state.store.read(|reader| {
            let now = reader.now();
            Ok(edges::list(reader, &REALM)?
                .iter()
                .map(|edge| bare_edge(edge, Newest::default(), now))
                .collect())
        });
        match found.await {
            Ok(edges) => {
                for edge in state.watched.fell_silent(edges) {
                    tracing::warn!(edge = edge.id, "an edge fell silent");
                    let _ = state.live.send(StreamEvent::Edge { edge });
                }
            }
            Err(error) => tracing::error!(%error, "edges cannot be looked after"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(health: EdgeHealth) -> EdgeStatus {
        EdgeStatus {
            id: "e1".to_owned(),
            name: String::new(),
            organisation: "o".to_owned(),
            sectors: Vec::new(),
            health,
            heard: None,
            hello: None,
            current_generation: 0,
            ledger: Vec::new(),
        }
    }

    #[test]
    fn silence_is_told_once() {
        let watched = Watched::default();
        // The first look only learns: a hub that starts does not cry over what was silent before.
        assert!(watched.fell_silent(vec![edge(EdgeHealth::Silent)]).is_empty());
        watched.saw(&edge(EdgeHealth::Well));
        assert_eq!(watched.fell_silent(vec![edge(EdgeHealth::Silent)]).len(), 1);
        assert!(watched.fell_silent(vec![edge(EdgeHealth::Silent)]).is_empty());
        assert!(watched.fell_silent(vec![edge(EdgeHealth::Well)]).is_empty());
    }
}
