//! What the hub looks after every few seconds, and when another hub on its database says so: edges that fell silent, or spoke to another hub, are told to the open streams, busy
//! cases to the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::{EdgeHealth, EdgeStatus, StreamEvent};
use oversight::Purpose;
use policy::{Personal, Principal, PrincipalKind};
use store::edges::{self, Edge};
use store::{Reader, StoreError};

use crate::REALM;
use crate::api::summaries::{Newest, bare_edge, newest_indicator};
use crate::casework;
use crate::principal::organisation_role;
use crate::state::{AppState, Live};

/// How often silence is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The health in which each edge was last told of.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<String, Told>>);

/// How an edge was when it was last told of.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    health: EdgeHealth,
    heard: Option<String>,
}

impl Told {
    fn of(edge: &EdgeStatus) -> Self {
        Self { health: edge.health, heard: edge.heard.clone() }
    }
}

impl Watched {
    /// Notes what was told.
    pub(crate) fn saw(&self, edge: &EdgeStatus) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(edge.id.clone(), Told::of(edge));
    }

    /// Whether an edge was told of as it is now heard.
    fn knows(&self, edge: &Edge) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&edge.id).is_none_or(|told| told.heard == edge.heard.map(|heard| heard.to_string()))
    }

    /// Notes how edges are now, and gives those that fell silent since or were heard by another hub.
    fn news(&self, now: Vec<EdgeStatus>) -> Vec<EdgeStatus> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| now.iter().any(|edge| edge.id == *id));
        now.into_iter()
            .filter(|edge| {
                let before = known.insert(edge.id.clone(), Told::of(edge));
                before.is_some_and(|before| {
                    before.heard != edge.heard
                        || edge.health == EdgeHealth::Silent && before.health != EdgeHealth::Silent
                })
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
            () = state.wake.beside() => {}
        }
        if let Err(error) = casework::catch_up(&state).await {
            tracing::error!(%error, "cases cannot be written to the log");
        }
        match look(&state).await {
            Ok(edges) => {
                for edge in state.watched.news(edges) {
                    if edge.health == EdgeHealth::Silent {
                        tracing::warn!(edge = edge.id, "an edge fell silent");
                    }
                    let _ = state.live.send(Live::Edge(StreamEvent::Edge { edge }));
                }
            }
            Err(error) => tracing::error!(%error, "edges cannot be looked after"),
        }
    }
}

/// How the edges are now.
async fn look(state: &AppState) -> Result<Vec<EdgeStatus>, StoreError> {
    let work = state.clone();
    let found = state.store.read(move |reader| {
        let now = reader.now();
        let edges = edges::list(reader, &REALM)?;
        edges.iter().map(|edge| Ok(bare_edge(edge, newest(&work, reader, edge)?, now))).collect()
    });
    found.await
}

/// What an edge could know, where that is to be told.
fn newest(state: &AppState, reader: &Reader<'_>, edge: &Edge) -> Result<Newest, StoreError> {
    if state.watched.knows(edge) {
        return Ok(Newest::default());
    }
    let Some(organisation_role) = organisation_role(reader, &edge.organisation)? else {
        return Ok(Newest::default());
    };
    let principal = Principal {
        kind: PrincipalKind::Edge(edge.id.clone()),
        organisation: edge.organisation.clone(),
        organisation_role,
        roles: BTreeSet::new(),
        realm: REALM,
        purpose: Purpose::OwnDefence,
        personal: Personal::default(),
    };
    newest_indicator(state, reader, &principal)
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
        assert!(watched.news(vec![edge(EdgeHealth::Silent)]).is_empty());
        watched.saw(&edge(EdgeHealth::Well));
        assert_eq!(watched.news(vec![edge(EdgeHealth::Silent)]).len(), 1);
        assert!(watched.news(vec![edge(EdgeHealth::Silent)]).is_empty());
        assert!(watched.news(vec![edge(EdgeHealth::Well)]).is_empty());
    }

    #[test]
    fn what_another_hub_heard_is_told_here() {
        let heard = |at: &str| EdgeStatus { heard: Some(at.to_owned()), ..edge(EdgeHealth::Well) };
        let watched = Watched::default();
        assert!(watched.news(vec![heard("1")]).is_empty());
        watched.saw(&heard("2"));
        assert!(watched.news(vec![heard("2")]).is_empty(), "this hub told it itself");
        assert_eq!(watched.news(vec![heard("3")]).len(), 1);
        assert!(watched.news(vec![heard("3")]).is_empty());
    }
}
