//! `/api/v1/peers`: other hubs, how the links to them are, what went where.

use api::{
    NewPeer, OwnHub, Peer, PeerCard, PeerChange, PeerConflict, PeerCounts, PeerLink, PeerList, StrangerHub,
};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use oversight::OrganisationRole;
use policy::Operation;
use store::peers::{self, Counts, Progress};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::edges::sees;
use crate::federation::{Card, administration};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::AppState;

/// Conflicts that the answer about one peer names.
const CONFLICTS_TOLD_MAX: usize = 100;
/// A peer that opens the connections itself counts as there for so long after it was heard.
const HEARD_LATELY: SignedDuration = SignedDuration::from_secs(15);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(get, change, remove)).routes(routes!(card))
}

/// Peers, with how the links are.
///
/// All of them for the coordinator; for others the one that is bound to their own organisation.
#[utoipa::path(get, path = "/api/v1/peers", tag = "peers", security(("session" = []), ("token" = [])),
    responses((status = 200, body = PeerList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<PeerList>> {
    caller.demand(&state, Operation::SeeEdges)?;
    let asker = caller.clone();
    let found = state.store.read(move |reader| {
        let seen = peers::list(reader, asker.realm())?;
        let seen = seen.into_iter().filter(|peer| sees(&asker.principal, &peer.organisation));
        seen.map(|peer| Ok((peers::progress(reader, asker.realm(), &peer.id)?, peer))).collect()
    });
    let found: Vec<(Progress, peers::Peer)> = found.await?;
    let strangers = if caller.principal.organisation_role == OrganisationRole::Coordinator {
        state.federation.lives.strangers()
    } else {
        Vec::new()
    };
    let own = &state.federation.own;
    Ok(Json(PeerList {
        peers: found.into_iter().map(|(progress, peer)| told(&state, peer, &progress)).collect(),
        strangers: strangers
            .into_iter()
            .map(|known| StrangerHub {
                fingerprint: known.fingerprint,
                times: known.times,
                at: known.at.to_string(),
            })
            .collect(),
        own: OwnHub {
            hub: own.hub.clone(),
            address: own.address.as_ref().map(ToString::to_string),
            one_way: own.one_way,
            fingerprint: state.federation.identity.fingerprint(),
        },
        as_of: Timestamp::now().to_string(),
    }))
}

/// Add a peer.
///
/// Both sides add each other's card. Compare the certificate's fingerprint with the other side by telephone first.
#[utoipa::path(post, path = "/api/v1/peers", tag = "peers", security(("session" = []), ("token" = [])),
    request_body = NewPeer, responses((status = 200, body = Peer), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewPeer>,
) -> Answer<Json<Peer>> {
    caller.demand(&state, Operation::Administer)?;
    let peer = administration::add_peer(&state.store, caller.by(), &new).await?;
    state.federation.refresh_pins(&state.store).await?;
    state.federation.announce();
    Ok(Json(told(&state, peer, &Progress::default())))
}

/// One peer, with what it brought that contradicts what is here.
#[utoipa::path(get, path = "/api/v1/peers/{id}", tag = "peers", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the peer's short name")),
    responses((status = 200, body = Peer), crate::api::CallerRefusal))]
async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Json<Peer>> {
    caller.demand(&state, Operation::SeeEdges)?;
    let asker = caller.clone();
    let found = state.store.read(move |reader| {
        let peer =
            peers::get(reader, asker.realm(), &id)?.filter(|peer| sees(&asker.principal, &peer.organisation));
        let Some(peer) = peer else { return Ok(None) };
        let progress = peers::progress(reader, asker.realm(), &peer.id)?;
        let conflicts = peers::conflicts(reader, asker.realm(), &peer.id, CONFLICTS_TOLD_MAX)?;
        Ok(Some((peer, progress, conflicts)))
    });
    let (peer, progress, conflicts) = found.await?.ok_or_else(Failure::not_found)?;
    // Ids of what is marked more strictly than the caller may see stay with those who run the node.
    let conflicts = if caller.may(&state, Operation::Administer) { conflicts } else { Vec::new() };
    let conflicts = conflicts.into_iter().map(|conflict| PeerConflict {
        id: conflict.id.to_string(),
        version: conflict.version,
        hash: hex::encode(conflict.hash),
        at: conflict.at.to_string(),
    });
    Ok(Json(Peer { conflicts: conflicts.collect(), ..told(&state, peer, &progress) }))
}

/// Suspend or resume a peer, give it a newer card or another address.
#[utoipa::path(patch, path = "/api/v1/peers/{id}", tag = "peers", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the peer's short name")), request_body = PeerChange,
    responses((status = 200, body = Peer), crate::api::CallerRefusal))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<PeerChange>,
) -> Answer<Json<Peer>> {
    caller.demand(&state, Operation::Administer)?;
    let peer = administration::change_peer(&state.store, caller.by(), &id, &change).await?;
    state.federation.refresh_pins(&state.store).await?;
    state.federation.announce();
    let realm = caller.realm().clone();
    let progress = state.store.read(move |reader| peers::progress(reader, &realm, &id)).await?;
    Ok(Json(told(&state, peer, &progress)))
}

/// Remove a peer.
///
/// Its certificate is let in no more; what it brought stays.
#[utoipa::path(delete, path = "/api/v1/peers/{id}", tag = "peers", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the peer's short name")),
    responses((status = 204, description = "removed"), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Administer)?;
    administration::remove_peer(&state.store, caller.by(), &id).await?;
    state.federation.refresh_pins(&state.store).await?;
    state.federation.announce();
    Ok(StatusCode::NO_CONTENT)
}

/// This hub's card.
///
/// Give it to whoever runs the other hub. It holds no secret.
#[utoipa::path(get, path = "/api/v1/peer-card", tag = "peers", security(("session" = []), ("token" = [])),
    responses((status = 200, body = PeerCard), crate::api::CallerRefusal))]
async fn card(State(state): State<AppState>, caller: Caller) -> Answer<Json<PeerCard>> {
    caller.demand(&state, Operation::Administer)?;
    let card = administration::signed_card(&state.store, &state.config.data).await?;
    Ok(Json(PeerCard { card }))
}

fn told(state: &AppState, peer: peers::Peer, progress: &Progress) -> Peer {
    let live = state.federation.lives.with(&peer.id, |live| live.clone());
    let card = Card::open(&peer.card).ok();
    let newest = *state.store.committed().borrow();
    let heard = live.heard.or(progress.taken_at);
    let is_lately =
        |at: Option<Timestamp>| at.is_some_and(|at| Timestamp::now().duration_since(at) < HEARD_LATELY);
    let opens_here = card.as_ref().is_none_or(|card| card.address.is_some()) || peer.address.is_some();
    let link = if peer.state == peers::State::Suspended {
        PeerLink::Suspended
    } else if live.opened > 0 || !opens_here && (live.served > 0 || is_lately(live.heard)) {
        PeerLink::Up
    } else if live.is_elsewhere {
        PeerLink::Elsewhere
    } else if opens_here {
        PeerLink::Down
    } else {
        PeerLink::Waiting
    };
    let mut counts = progress.counts;
    counts.add(&live.sent);
    let address = peer.address.or_else(|| card.as_ref()?.address.as_ref().map(ToString::to_string));
    Peer {
        id: peer.id,
        hub: peer.hub,
        organisation: peer.organisation.to_string(),
        name_ja: card.as_ref().map(|card| card.name_ja.clone()).unwrap_or_default(),
        name_en: card.as_ref().map(|card| card.name_en.clone()).unwrap_or_default(),
        address,
        one_way: card.is_some_and(|card| card.one_way),
        fingerprint: peer.fingerprint,
        link,
        reason: peer.reason,
        trouble: live.trouble.as_ref().map(|(what, _)| what.clone()),
        trouble_at: live.trouble.map(|(_, at)| at.to_string()),
        heard: heard.map(|at| at.to_string()),
        caught_up: live.caught_up,
        behind: u64::try_from(newest.saturating_sub(progress.given)).unwrap_or(0),
        acknowledged: progress.given_at.map(|at| at.to_string()),
        clock_ahead_seconds: live.clock_ahead_seconds,
        counts: counted(&counts),
        conflicts: Vec::new(),
    }
}

pub(super) fn counted(counts: &Counts) -> PeerCounts {
    PeerCounts {
        accepted: counts.accepted,
        duplicates: counts.duplicates,
        refused: counts.refused,
        conflicts: counts.conflicts,
        withdrawn: counts.withdrawn,
        malformed: counts.malformed,
        sent: counts.sent,
        taken_back: counts.taken_back,
    }
}
