//! `/api/v1/peers`: other hubs, how the links to them are, what went where.

use api::{
    NewPeer, NumberRun, OwnHub, Peer, PeerCard, PeerChange, PeerConflict, PeerCounts, PeerFolder, PeerLink,
    PeerList, PeerResend, PeerWay, QuarantinedFile, StrangerHub,
};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use oversight::{OrganisationRole, Realm};
use policy::Operation;
use store::batches::{self, Series};
use store::peers::{self, Counts, Progress, Way};
use store::{Reader, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::edges::sees;
use crate::federation::{Card, Folder, administration, one_way};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::AppState;

/// Conflicts that the answer about one peer names.
const CONFLICTS_TOLD_MAX: usize = 100;
/// A peer that opens the connections itself counts as there for so long after it was heard.
const HEARD_LATELY: SignedDuration = SignedDuration::from_secs(15);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(get, change, remove))
        .routes(routes!(resend))
        .routes(routes!(card))
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
        seen.map(|peer| Known::read(reader, asker.realm(), peer)).collect()
    });
    let found: Vec<Known> = found.await?;
    let strangers = if caller.principal.organisation_role == OrganisationRole::Coordinator {
        state.federation.lives.strangers()
    } else {
        Vec::new()
    };
    let own = &state.federation.own;
    Ok(Json(PeerList {
        peers: found.into_iter().map(|known| told(&state, known)).collect(),
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
    Ok(Json(told(&state, known(&state, caller, peer).await?)))
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
        let conflicts = peers::conflicts(reader, asker.realm(), &peer.id, CONFLICTS_TOLD_MAX)?;
        Ok(Some((Known::read(reader, asker.realm(), peer)?, conflicts)))
    });
    let (known, conflicts) = found.await?.ok_or_else(Failure::not_found)?;
    // Ids of what is marked more strictly than the caller may see stay with those who run the node.
    let conflicts = if caller.may(&state, Operation::Administer) { conflicts } else { Vec::new() };
    let conflicts = conflicts.into_iter().map(|conflict| PeerConflict {
        id: conflict.id.to_string(),
        version: conflict.version,
        hash: hex::encode(conflict.hash),
        at: conflict.at.to_string(),
    });
    Ok(Json(Peer { conflicts: conflicts.collect(), ..told(&state, known) }))
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
    Ok(Json(told(&state, known(&state, caller, peer).await?)))
}

/// Send lost batches of an outlet again.
///
/// The other side tells which number is missing, by telephone: nothing is heard of it otherwise. What the peer may have now, of that
/// batch and of all that came after it, is sent under new numbers.
#[utoipa::path(post, path = "/api/v1/peers/{id}/resend", tag = "peers", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the peer's short name")), request_body = PeerResend,
    responses((status = 200, body = Peer), crate::api::CallerRefusal))]
async fn resend(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(resend): JsonBody<PeerResend>,
) -> Answer<Json<Peer>> {
    caller.demand(&state, Operation::Administer)?;
    let from = i64::try_from(resend.from).unwrap_or(i64::MAX);
    let peer = one_way::resend(&state.store, caller.by(), &id, from).await?;
    state.federation.announce();
    Ok(Json(told(&state, known(&state, caller, peer).await?)))
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

/// What the store knows of a peer.
struct Known {
    peer: peers::Peer,
    progress: Progress,
    series: Option<Series>,
}

impl Known {
    fn read(reader: &Reader<'_>, realm: &Realm, peer: peers::Peer) -> Result<Self, StoreError> {
        let progress = peers::progress(reader, realm, &peer.id)?;
        Ok(Self { progress, series: batches::series(reader, realm, &peer.id)?, peer })
    }
}

async fn known(state: &AppState, caller: Caller, peer: peers::Peer) -> Answer<Known> {
    Ok(state.store.read(move |reader| Known::read(reader, caller.realm(), peer)).await?)
}

fn told(state: &AppState, Known { peer, progress, series }: Known) -> Peer {
    let live = state.federation.lives.with(&peer.id, |live| live.clone());
    let card = Card::open(&peer.card).ok();
    let newest = *state.store.committed().borrow();
    let heard = live.heard.or(progress.taken_at);
    let is_lately =
        |at: Option<Timestamp>| at.is_some_and(|at| Timestamp::now().duration_since(at) < HEARD_LATELY);
    // The folder of a one-way peer is this hub's to look at.
    let opens_here = card.as_ref().is_none_or(|card| card.address.is_some())
        || peer.address.is_some()
        || peer.way != Way::Link;
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
    let folder = series.map(|series| folder(state, &peer, series, &live.folder));
    // Of this hub's log an inlet has nothing to come, and an outlet says nothing.
    let given = if peer.way == Way::Inlet { newest } else { progress.given };
    let acknowledged = progress.given_at.filter(|_| peer.way == Way::Link);
    let mut counts = progress.counts;
    counts.add(&live.sent);
    let address = peer.address.or_else(|| card.as_ref()?.address.as_ref().map(ToString::to_string));
    Peer {
        id: peer.id,
        hub: peer.hub,
        organisation: peer.organisation.to_string(),
        name_ja: card.as_ref().map(|card| card.name_ja.clone()).unwrap_or_default(),
        name_en: card.as_ref().map(|card| card.name_en.clone()).unwrap_or_default(),
        address: address.filter(|_| peer.way == Way::Link),
        one_way: card.as_ref().is_some_and(|card| card.one_way),
        way: match peer.way {
            Way::Link => PeerWay::Link,
            Way::Outlet => PeerWay::Outlet,
            Way::Inlet => PeerWay::Inlet,
        },
        folder,
        fingerprint: card.map_or_else(String::new, |_| peer.fingerprint),
        link,
        reason: peer.reason,
        trouble: live.trouble.as_ref().map(|(what, _)| what.clone()),
        trouble_at: live.trouble.map(|(_, at)| at.to_string()),
        heard: heard.map(|at| at.to_string()),
        caught_up: live.caught_up,
        behind: u64::try_from(newest.saturating_sub(given)).unwrap_or(0),
        acknowledged: acknowledged.map(|at| at.to_string()),
        clock_ahead_seconds: live.clock_ahead_seconds,
        counts: counted(&counts),
        conflicts: Vec::new(),
    }
}

fn folder(state: &AppState, peer: &peers::Peer, series: Series, live: &Folder) -> PeerFolder {
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let bound = |max: i64| (peer.way == Way::Outlet).then(|| number(max));
    PeerFolder {
        path: one_way::path(&state.config, peer).display().to_string(),
        series: series.name,
        number: number(series.number),
        at: series.at.map(|at| at.to_string()),
        files: number(live.files),
        bytes: number(live.bytes),
        files_max: bound(series.files_max),
        bytes_max: bound(series.bytes_max),
        full: live.is_full,
        missing: live
            .missing
            .iter()
            .map(|(first, last)| NumberRun { first: number(*first), last: number(*last) })
            .collect(),
        quarantined: live.aside,
        last_quarantined: live.last_aside.clone().map(|(name, why, at)| QuarantinedFile {
            name,
            why,
            at: at.to_string(),
        }),
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
