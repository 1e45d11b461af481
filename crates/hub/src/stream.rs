//! `/api/v1/stream`: the log's tail as server-sent events, each as far as the reader may see it.
//!
//! Nothing is pushed into a queue: a [`Follower`] reads the log when the connection has room, a batch at a time, so a slow reader
//! costs one batch of memory. It resumes by sequence, so it may be cut at any time and loses nothing.

mod looks;
pub(crate) mod told;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, StreamEvent};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use policy::{Engine, Operation, PrincipalKind};
use serde::Deserialize;
use store::StoreError;
use store::objects::Place;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::edges::sees;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::Recipient;
use crate::request::Query;
use crate::shares::{Holder, Share};
use crate::state::{AppState, Live};

pub(crate) use looks::Looks;
use looks::{After, Look};

/// Changes of the log read at once.
const BATCH_CHANGES_MAX: usize = 200;
/// Who has no more of the log before it shares its look with the others.
const NEAR_THE_END: i64 = 1_000;
/// A comment keeps the connection alive, and shows that the reader is still signed in.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// A reader that takes longer over one batch is cut.
const BATCH_TIME_MAX: Duration = Duration::from_secs(30);
/// How many streams one organisation may hold: one in so many of all.
const ORGANISATION_PART: u64 = 2;
/// One program.
const PROGRAM_PART: u64 = 4;
/// One person, who has a few windows open.
const PERSON_PART: u64 = 50;
/// After how long a reader that was refused a stream may ask again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Where it is.
pub(crate) const PATH: &str = "/api/v1/stream";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct From {
    /// The last sequence that was seen; the header `Last-Event-ID` goes before it. Absent: from now on.
    after: Option<i64>,
}

/// Follow the log.
///
/// Server-sent events: `event` is the kind, `id` the log's sequence (events about edges have none), `data` a `StreamEvent`.
/// Policy is asked anew for each event when it is sent. What the reader may see only now, and has passed, follows under an `id` of
/// three numbers, `place.opening.sequence`: a client gives the last `id` back as it came.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", security(("session" = []), ("token" = [])), params(From),
    responses((status = 200, body = StreamEvent, content_type = "text/event-stream"), crate::api::CallerRefusal))]
async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let share = share(&state, &caller)?;
    let last_seen = headers.get("last-event-id").map(|value| value.to_str().ok().and_then(read_place));
    let after = match last_seen {
        Some(None) => {
            return Err(Failure::new(
                Code::BadRequest,
                "`Last-Event-ID` is not a sequence number of this log",
            ));
        }
        Some(after) => after,
        None => from.after.map(|sequence| Place { sequence, opening: None }),
    };
    let follower = Follower::new(state, caller, share, after);
    let events = stream::unfold(follower, |mut follower| async move {
        follower.next().await.map(|event| (Ok::<_, Infallible>(event), follower))
    });
    // A proxy that keeps or collects the answer would hold back what is live.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// The caller's part of all streams.
///
/// # Errors
/// `too-many` where the hub, the organisation or the caller has as many open as it may.
fn share(state: &AppState, caller: &Caller) -> Answer<Share> {
    let all = u64::from(state.config.streams_max);
    let full = |who: &str| {
        let detail = format!("{who} has as many streams open as it may; close one, or try again later");
        Failure::new(Code::TooMany, detail).retry_after(AGAIN_AFTER)
    };
    if u64::try_from(state.metrics.streams.get()).unwrap_or(0) >= all {
        return Err(full("the node"));
    }
    let own = match caller.principal.kind {
        PrincipalKind::Person(_) => PERSON_PART,
        _ => PROGRAM_PART,
    };
    let holders = [
        (Holder::Organisation(caller.principal.organisation.clone()), (all / ORGANISATION_PART).max(1)),
        (Holder::Caller(caller.id().to_owned()), (all / own).max(1)),
    ];
    state.streams.try_take(&holders, 1).ok_or_else(|| full("your account or organisation"))
}

/// One reader's way along the log.
struct Follower {
    state: AppState,
    caller: Caller,
    /// Everything up to here was sent, or is not for this reader. `None`: it begins behind what was opened so far.
    sent: Option<Place>,
    /// The newest sequence when it came.
    newest: i64,
    /// What was read and waits for the connection to have room.
    waiting: VecDeque<(Place, Bytes)>,
    /// Where the read ended that `waiting` is from.
    through: Option<Place>,
    /// The policies under which it was read.
    engine: Arc<Engine>,
    read_at: Instant,
    /// Whether the log has nothing more.
    is_at_end: bool,
    committed: watch::Receiver<i64>,
    policies: watch::Receiver<u64>,
    live: broadcast::Receiver<Live>,
    heartbeat: Instant,
    /// Held as long as the stream is open.
    _share: Share,
}

impl Follower {
    fn new(state: AppState, caller: Caller, share: Share, after: Option<Place>) -> Self {
        state.metrics.streams.inc();
        let committed = state.store.committed();
        let newest = *committed.borrow();
        // What is beyond the end was seen in another life of this log.
        let sent = after.map(|after| Place { sequence: after.sequence.clamp(0, newest), ..after });
        Self {
            sent,
            newest,
            through: sent,
            waiting: VecDeque::new(),
            engine: state.engine.load_full(),
            read_at: Instant::now(),
            is_at_end: false,
            committed,
            policies: state.policies.changed(),
            live: state.live.subscribe(),
            heartbeat: Instant::now() + HEARTBEAT_EVERY,
            state,
            caller,
            _share: share,
        }
    }

    /// The next event, when there is one; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.state.stopping.is_set() {
                return None;
            }
            if let Some((place, _)) = self.waiting.front() {
                if !Arc::ptr_eq(&self.engine, &self.state.engine.load()) {
                    // Other policies are in force: what was read under the old ones is read again, from what was sent on.
                    self.waiting.clear();
                    self.through = self.sent;
                    self.is_at_end = false;
                    continue;
                }
                if self.read_at.elapsed() > BATCH_TIME_MAX {
                    tracing::info!(
                        sequence = place.sequence,
                        "a stream's reader is too slow and is cut; it may resume"
                    );
                    return None;
                }
                let (place, event) = self.waiting.pop_front()?;
                self.sent = Some(place);
                return Some(event);
            }
            self.sent = self.through;
            if !self.is_at_end {
                self.read().await?;
                continue;
            }
            let stopping = self.state.stopping.clone();
            tokio::select! {
                changed = self.committed.changed() => {
                    changed.ok()?;
                    self.is_at_end = false;
                }
                // What is opened may be behind the reader: nothing new need come in for it.
                changed = self.policies.changed() => {
                    changed.ok()?;
                    self.is_at_end = false;
                }
                event = self.live.recv() => match event {
                    Ok(event) => if let Some(event) = self.tell_live(&event) { return Some(event) },
                    // Edges speak every few seconds: what was missed comes again.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                () = stopping.wait() => return None,
                () = tokio::time::sleep_until(self.heartbeat) => {
                    self.heartbeat = Instant::now() + HEARTBEAT_EVERY;
                    self.renew().await?;
                    return Some(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }

    /// Reads and releases the next batch; `None` where the reader is signed out or nothing may be given to it.
    async fn read(&mut self) -> Option<()> {
        self.committed.mark_unchanged();
        self.policies.mark_unchanged();
        let failed = |error: StoreError| tracing::error!(%error, "a stream cannot read the log");
        let (caller, news) = loop {
            self.engine = self.state.engine.load_full();
            match self.look().await.map_err(failed).ok()? {
                Look::News(caller, news) => break (caller, news),
                Look::Unsettled(caller) => {
                    let door = &self.state.door;
                    door.settle(&self.state.store, &caller.principal).await.map_err(failed).ok()?;
                }
                Look::SignedOut => return None,
            }
        };
        let recipient = Recipient { caller: caller.clone(), door: "stream" };
        let state = &self.state;
        let released = state.door.release(
            &state.store,
            &state.metrics,
            &recipient,
            &news.visible,
            &news.leaving,
            news.events.clone(),
        );
        let events = released
            .await
            .map_err(|failure| tracing::debug!(detail = failure.detail(), "a stream ends"))
            .ok()?;
        self.caller = caller;
        self.waiting = events.into_inner().into();
        self.through = Some(news.through);
        self.is_at_end = !news.more;
        self.read_at = Instant::now();
        Some(())
    }

    /// The reader's news: with everybody else's where it is near the end, alone where it has much to catch up with.
    async fn look(&self) -> Result<Look, StoreError> {
        let (state, caller) = (self.state.clone(), self.caller.clone());
        let after = self.sent.map_or(After::Newest(self.newest), After::Place);
        let newest = *self.committed.borrow();
        if self.sent.is_none_or(|sent| newest - sent.sequence <= NEAR_THE_END) {
            return self.state.looks.look(&state, caller, after).await;
        }
        self.state.store.read(move |reader| looks::alone(&state, reader, caller, after)).await
    }

    /// Asks again who the reader is; `None` where it is signed out.
    async fn renew(&mut self) -> Option<()> {
        let caller = self.caller.clone();
        self.caller = self.state.store.read(move |reader| caller.renewed(reader)).await.ok()??;
        Some(())
    }

    /// An event that is not in the log, if the reader may see it.
    fn tell_live(&self, event: &Live) -> Option<Bytes> {
        match event {
            Live::Edge(event) => {
                let StreamEvent::Edge { edge } = event else { return None };
                let organisation = oversight::OrganisationId::parse(&edge.organisation)?;
                let may = self.caller.may(&self.state, Operation::SeeEdges)
                    && sees(&self.caller.principal, &organisation);
                if may { sse(None, event) } else { None }
            }
            Live::Alert(owner, event) => {
                let is_owner = self.caller.owner().is_some_and(|asker| asker == *owner);
                if is_owner { sse(None, event) } else { None }
            }
            Live::Notice(to, event) => {
                if to.contains(&self.caller.principal.organisation) {
                    sse(None, event)
                } else {
                    None
                }
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.state.metrics.streams.dec();
    }
}

/// A place as the `id` of an event: the sequence; of what was opened, the place in the log, the opening and the sequence in it.
fn write_place(place: Place) -> String {
    match place.opening {
        Some((number, within)) if within != Place::ALL => format!("{}.{number}.{within}", place.sequence),
        _ => place.sequence.to_string(),
    }
}

fn read_place(text: &str) -> Option<Place> {
    let mut numbers = text.split('.').map(str::parse::<i64>);
    let sequence = numbers.next()?.ok()?;
    let opening = match (numbers.next(), numbers.next()) {
        (None, _) => None,
        (Some(number), within) => Some((number.ok()?, within?.ok()?)),
    };
    numbers.next().is_none().then_some(Place { sequence, opening })
}

/// An event as it is sent: its kind, its place in the log where it has one, and what it tells on one line.
fn sse(place: Option<Place>, event: &StreamEvent) -> Option<Bytes> {
    let kind = match event {
        StreamEvent::Object { .. } => "object",
        StreamEvent::Sighting { .. } => "sighting",
        StreamEvent::Case { .. } => "case",
        StreamEvent::Edge { .. } => "edge",
        StreamEvent::Notice { .. } => "notice",
        StreamEvent::Removed { .. } => "removed",
        StreamEvent::Alert { .. } => "alert",
    };
    let mut bytes = BytesMut::new();
    // JSON has no line feeds of its own.
    let data = serde_json::to_vec(event).ok()?;
    bytes.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
    bytes.extend_from_slice(&data);
    if let Some(place) = place {
        bytes.extend_from_slice(format!("\nid: {}", write_place(place)).as_bytes());
    }
    bytes.extend_from_slice(b"\n\n");
    Some(bytes.freeze())
}
