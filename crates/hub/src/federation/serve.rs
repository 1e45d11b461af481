//! What peers can ask, on a listener of its own: the stream, acknowledgements, frames that a peer sends of its own accord, attachments of
//! reports ([`contents`]), and evidence that was handed over ([`evidence`]).
//!
//! Every operation takes a [`PeerCaller`], made of the certificate that the handshake has proved. A peer that is suspended is told so.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::tls::TlsInfo;
use futures::StreamExt;
use http::header;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use store::peers::{self, Peer};
use store::{Act, StoreError, Tx};

use super::acts::{self, Asked, Receipts};
use super::card::{Card, fingerprint};
use super::feed::Feed;
use super::frame::Lines;
use super::receive::{self, Intake, Trouble};
use super::{contents, evidence};
use crate::REALM;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::state::AppState;

/// The media type of frames.
pub(super) const FRAMES: &str = "application/x-ndjson";
/// Streams of one peer that may hang on before another one is refused: a link that broke takes a while to be noticed.
const STREAMS_MAX: usize = 4;
/// Longest silence within a body of frames.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Bytes of one body of frames: the longest frame, and room for the batch before it.
pub(super) const BODY_BYTES_MAX: usize = super::frame::FRAME_BYTES_MAX + (4 << 20);

/// The operations, to be served to peers alone.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/peer/v1/stream", get(stream))
        .route("/peer/v1/acknowledged", post(acknowledged))
        .route("/peer/v1/place", get(place))
        .route("/peer/v1/frames", post(frames))
        .route("/peer/v1/receipts", post(receipts))
        .route("/peer/v1/receipts/asked", post(asked))
        .route(contents::ROUTE, get(contents::give).post(contents::take))
        .route(evidence::ROUTE, get(evidence::give))
}

/// How far a log is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Everything up to this sequence.
    pub(super) after: i64,
    /// By this sight.
    pub(super) sight: i64,
}

/// A peer that is let in.
pub(super) struct PeerCaller(pub(super) Peer);

impl FromRequestParts<AppState> for PeerCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let certificate =
            parts.extensions.get::<Arc<TlsInfo>>().and_then(|tls| tls.peer_certificates.first());
        let shown = certificate.map(|certificate| fingerprint(certificate)).unwrap_or_default();
        let id = state.federation.pins.load().get(&shown).cloned();
        let unknown = || {
            Failure::new(
                Code::SignInRefused,
                "this certificate is no peer's here; give your card to the administrator of this hub",
            )
        };
        let id = id.ok_or_else(unknown)?;
        let peer =
            state.store.read(move |reader| peers::get(reader, &REALM, &id)).await?.ok_or_else(unknown)?;
        // One that batches are carried from or to has no connection.
        if peer.way != peers::Way::Link {
            return Err(unknown());
        }
        if peer.state != peers::State::Active {
            let detail = "this hub has suspended the exchange with yours; ask its administrator why";
            return Err(Failure::new(Code::NotAllowed, detail));
        }
        Ok(Self(peer))
    }
}

/// A peer that gives only is given nothing.
fn refuse_one_way(peer: &Peer) -> Answer<()> {
    if Card::open(&peer.card).is_ok_and(|card| card.one_way) {
        return Err(Failure::new(Code::NotAllowed, "your card says that your hub takes nothing in"));
    }
    Ok(())
}

/// The log from a place on, as this peer may see it, for as long as the connection stands.
async fn stream(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    Query(place): Query<Place>,
) -> Answer<Response> {
    refuse_one_way(&peer)?;
    let served = Served::begin(&state, &peer.id)
        .ok_or_else(|| Failure::new(Code::TooMany, "your older streams are still open; try again later"))?;
    write_acknowledged(&state, &peer.id, place).await?;
    let opened = Feed::open(state, &peer.id, place, 0).await?;
    let (feed, greeting) = opened.ok_or_else(Failure::not_found)?;
    let frames = futures::stream::unfold((feed, served), |(mut feed, served)| async move {
        let bytes = tokio::select! {
            bytes = feed.next() => bytes?,
            () = served.is_overtaken() => return None,
        };
        Some((bytes, (feed, served)))
    });
    let frames = futures::stream::once(async { greeting }).chain(frames).map(Ok::<_, Infallible>);
    Ok(([(header::CONTENT_TYPE, FRAMES)], Body::from_stream(frames)).into_response())
}

/// A stream that is served; the newest of a peer overtakes the others.
struct Served {
    state: AppState,
    peer: String,
    number: u64,
}

impl Served {
    fn begin(state: &AppState, peer: &str) -> Option<Self> {
        let number = state.federation.lives.with(peer, |live| {
            (live.served < STREAMS_MAX).then(|| {
                live.served += 1;
                live.newest_served += 1;
                live.newest_served
            })
        })?;
        Some(Self { state: state.clone(), peer: peer.to_owned(), number })
    }

    async fn is_overtaken(&self) {
        const LOOK_EVERY: Duration = Duration::from_secs(1);
        while self.state.federation.lives.with(&self.peer, |live| live.newest_served == self.number) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.state.federation.lives.with(&self.peer, |live| live.served = live.served.saturating_sub(1));
    }
}

/// The peer says how far it is.
async fn acknowledged(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    JsonBody(place): JsonBody<Place>,
) -> Answer<Json<Place>> {
    refuse_one_way(&peer)?;
    write_acknowledged(&state, &peer.id, place).await?;
    Ok(Json(place))
}

/// Writes down what a peer acknowledged, and what was sent to it meanwhile.
pub(super) async fn write_acknowledged(state: &AppState, peer: &str, place: Place) -> Result<(), StoreError> {
    let newest = *state.store.committed().borrow();
    let sent = state.federation.lives.with(peer, |live| std::mem::take(&mut live.sent));
    state.metrics.with_peer(peer, &sent);
    let id = peer.to_owned();
    let write = move |tx: &mut Tx<'_>| {
        let mut progress = peers::progress(tx, &REALM, &id)?;
        (progress.given, progress.given_sight) = (place.after.clamp(0, newest), place.sight);
        progress.given_at = Some(tx.now());
        progress.counts.add(&sent);
        if peers::sight(tx, &REALM, &id, place.sight)?.is_some() {
            peers::forget_sights(tx, &REALM, &id, place.sight)?;
        }
        peers::put_progress(tx, &REALM, &id, &progress).map(Act::bookkeeping)
    };
    state.store.write(write).await
}

/// The peer says how far recalls have come there.
async fn receipts(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    JsonBody(body): JsonBody<Receipts>,
) -> Answer<Json<Receipts>> {
    refuse_one_way(&peer)?;
    acts::take_receipts(&state, &peer, body).await?;
    Ok(Json(Receipts::default()))
}

/// A peer that cannot be reached asks how far its recalls have come here.
async fn asked(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    JsonBody(body): JsonBody<Asked>,
) -> Answer<Json<Receipts>> {
    refuse_one_way(&peer)?;
    Ok(Json(state.store.read(move |reader| acts::answer(reader, &peer.id, &body)).await?))
}

/// How far this hub has come along the peer's log: what a peer that sends of its own accord asks first.
async fn place(State(state): State<AppState>, PeerCaller(peer): PeerCaller) -> Answer<Json<Place>> {
    let progress = state.store.read(move |reader| peers::progress(reader, &REALM, &peer.id)).await?;
    Ok(Json(Place { after: progress.taken, sight: progress.taken_sight }))
}

/// Frames that a peer sends of its own accord. Answered with how far they are dealt with, and nothing else.
async fn frames(
    State(state): State<AppState>,
    PeerCaller(peer): PeerCaller,
    body: Body,
) -> Answer<Json<Place>> {
    if state.federation.own.one_way {
        return Err(Failure::new(Code::NotAllowed, "this hub takes nothing in"));
    }
    let id = peer.id.clone();
    let _alone = Opened::begin(&state, &id)
        .ok_or_else(|| Failure::new(Code::TooMany, "you are sending already; wait for the answer"))?;
    match take_body(&state, peer, body).await {
        Ok(place) => Ok(Json(place)),
        Err(Trouble::Fault(why)) => {
            state.federation.lives.trouble(&id, format!("what it sends is broken: {why}"));
            receive::blame(&state, &id, &why).await;
            Err(Failure::new(Code::Unprocessable, why))
        }
        Err(Trouble::Gone) => Err(Failure::not_allowed()),
        Err(Trouble::Store(error)) => Err(error.into()),
        Err(Trouble::Link(why)) => Err(Failure::new(Code::BadRequest, why)),
    }
}

async fn take_body(state: &AppState, peer: Peer, body: Body) -> Result<Place, Trouble> {
    let mut intake = Intake::open(state.clone(), peer).await?;
    let mut lines = Lines::default();
    let (mut parts, mut total) = (body.into_data_stream(), 0);
    loop {
        let silent = |_| Trouble::Link("the body fell silent before its end; send it again".to_owned());
        match tokio::time::timeout(SILENCE_MAX, parts.next()).await.map_err(silent)? {
            None => break,
            Some(Err(_)) => return Err(Trouble::Link("the body broke off before its end".to_owned())),
            Some(Ok(part)) => {
                total += part.len();
                if total > BODY_BYTES_MAX {
                    return Err(Trouble::Fault(format!("a body has more than {BODY_BYTES_MAX} bytes")));
                }
                lines.push(&part);
                while let Some(line) = lines.next()? {
                    intake.line(&line).await?;
                }
            }
        }
    }
    intake.write().await?;
    let (after, sight) = intake.place();
    Ok(Place { after, sight })
}

/// A peer that sends of its own accord; one body at a time.
struct Opened {
    state: AppState,
    peer: String,
}

impl Opened {
    fn begin(state: &AppState, peer: &str) -> Option<Self> {
        let is_first = state.federation.lives.with(peer, |live| {
            let is_first = live.opened == 0;
            live.opened += usize::from(is_first);
            is_first
        });
        is_first.then(|| Self { state: state.clone(), peer: peer.to_owned() })
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.state.federation.lives.with(&self.peer, |live| live.opened = live.opened.saturating_sub(1));
    }
}
