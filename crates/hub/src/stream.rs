//! `/api/v1/stream`: the log's tail as server-sent events, each as far as the reader may see it.
//!
//! Nothing is pushed into a queue: a [`Follower`] reads the log when the connection has room, a batch at a time, so a slow reader
//! costs one batch of memory. It resumes by sequence, so it may be cut at any time and loses nothing.

mod looks;

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
use store::{Reader, StoreError};
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
use looks::News;

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
/// Policy is asked anew for each event when it is sent.
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
    let last_seen =
        headers.get("last-event-id").map(|value| value.to_str().ok().and_then(|text| text.parse().ok()));
    let after = match last_seen {
        Some(None) => {
            return Err(Failure::new(
                Code::BadRequest,
                "`Last-Event-ID` is not a sequence number of this log",
            ));
        }
        Some(after) => after,
        None => from.after,
    };
    let follower = Follower::new(state, caller, share, after);
    let events = stream::unfold(follower, |mut follower| async move {
        follower.next().await.map(|event| (Ok::<_, Infallible>(event), follower))
    });
    // A proxy that keeps or collects the answer would hold back what is live.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
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
    /// Everything up to here was sent, or is not for this reader.
    sent: i64,
    /// What was read and waits for the connection to have room.
    waiting: VecDeque<(i64, Bytes)>,
    /// Where the read ended that `waiting` is from.
    through: i64,
    /// The policies under which it was read.
    engine: Arc<Engine>,
    read_at: Instant,
    /// Whether the log has nothing more.
    is_at_end: bool,
    committed: watch::Receiver<i64>,
    live: broadcast::Receiver<Live>,
    heartbeat: Instant,
    /// Held as long as the stream is open.
    _share: Share,
}

impl Follower {
    fn new(state: AppState, caller: Caller, share: Share, after: Option<i64>) -> Self {
        state.metrics.streams.inc();
        let committed = state.store.committed();
        let newest = *committed.borrow();
        // What is beyond the end was seen in another life of this log.
        let sent = after.map_or(newest, |after| after.clamp(0, newest));
        Self {
            sent,
            through: sent,
            waiting: VecDeque::new(),
            engine: state.engine.load_full(),
            read_at: Instant::now(),
            is_at_end: false,
            committed,
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
            if let Some((sequence, _)) = self.waiting.front() {
                if !Arc::ptr_eq(&self.engine, &self.state.engine.load()) {
                    // Other policies are in force: what was read under the old ones is read again, from what was sent on.
                    self.waiting.clear();
                    self.through = self.sent;
                    self.is_at_end = false;
                    continue;
                }
                if self.read_at.elapsed() > BATCH_TIME_MAX {
                    tracing::info!(sequence, "a stream's reader is too slow and is cut; it may resume");
                    return None;
                }
                let (sequence, event) = self.waiting.pop_front()?;
                self.sent = sequence;
                return Some(event);
            }
            if !self.is_at_end {
                self.sent = self.sent.max(self.through);
                self.read().await?;
                continue;
            }
            self.sent = self.sent.max(self.through);
            let stopping = self.state.stopping.clone();
            tokio::select! {
                changed = self.committed.changed() => {
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
        self.engine = self.state.engine.load_full();
        let found = self.look().await;
        let (caller, news) =
            found.map_err(|error| tracing::error!(%error, "a stream cannot read the log")).ok()??;
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
        self.through = news.through;
        self.is_at_end = !news.more;
        self.read_at = Instant::now();
        Some(())
    }

    /// The reader's news: with everybody else's where it is near the end, alone where it has much to catch up with.
    async fn look(&self) -> Result<Option<(Caller, Arc<News>)>, StoreError> {
        let (state, caller, after) = (self.state.clone(), self.caller.clone(), self.sent);
        if *self.committed.borrow() - after <= NEAR_THE_END {
            return self.state.looks.look(&state, caller, after).await;
        }
        let alone = move |reader: &Reader<'_>| {
            let Some(caller) = caller.renewed(reader)? else { return Ok(None) };
            let news = looks::news(&state, reader, &caller, after)?;
            Ok(Some((caller, Arc::new(news))))
        };
        self.state.store.read(alone).await
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

/// An event as it is sent: its kind, its place in the log where it has one, and what it tells on one line.
fn sse(sequence: Option<i64>, event: &StreamEvent) -> Option<Bytes> {
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
    if let Some(sequence) = sequence {
        bytes.extend_from_slice(format!("\nid: {sequence}").as_bytes());
    }
    bytes.extend_from_slice(b"\n\n");
    Some(bytes.freeze())
}
