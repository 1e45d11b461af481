//! `/api/v1/stream`: the log's tail as server-sent events, each as far as the reader may see it.
//!
//! Nothing is pushed into a queue: a [`Follower`] reads the log when the connection has room, a batch at a time, so a slow reader
//! costs one batch of memory. It resumes by sequence, so it may be cut at any time and loses nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, StreamEvent};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use policy::{Engine, Operation, PrincipalKind, Visible};
use serde::Deserialize;
use store::objects::{self, Change, Place, Row, TailFilter};
use store::{Reader, StoreError, cases, sightings};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::edges::sees;
use crate::api::summaries::Teller;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient, may_hear_the_end_of};
use crate::request::Query;
use crate::shares::{Holder, Share};
use crate::state::{AppState, Live};

/// Changes of the log read at once.
const BATCH_CHANGES_MAX: usize = 200;
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
    let mut response = Sse::new(events).into_response();
    // A proxy that collects the answer would hold back what is live.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
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
    waiting: VecDeque<(Place, Event)>,
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

/// What one read of the log brought.
struct Batch {
    caller: Caller,
    visible: Arc<Visible>,
    events: Vec<(Place, StreamEvent)>,
    leaving: Vec<Leaving>,
    through: Place,
    more: bool,
}

/// What a look at the log gave.
enum Look {
    Batch(Box<Batch>),
    /// Something was opened to the reader, or closed, that is to be written down first.
    Unsettled(Caller),
    SignedOut,
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
    async fn next(&mut self) -> Option<Event> {
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
                    return Some(Event::default().comment("still here"));
                }
            }
        }
    }

    /// Reads and releases the next batch; `None` where the reader is signed out or nothing may be given to it.
    async fn read(&mut self) -> Option<()> {
        self.committed.mark_unchanged();
        self.policies.mark_unchanged();
        let failed = |error: StoreError| tracing::error!(%error, "a stream cannot read the log");
        let batch = loop {
            self.engine = self.state.engine.load_full();
            match self.look().await.map_err(failed).ok()? {
                Look::Batch(batch) => break *batch,
                Look::Unsettled(caller) => {
                    self.state
                        .door
                        .settle(&self.state.store, &caller.principal)
                        .await
                        .map_err(failed)
                        .ok()?;
                }
                Look::SignedOut => return None,
            }
        };
        let recipient = Recipient { caller: batch.caller.clone(), door: "stream" };
        let state = &self.state;
        let released = state.door.release(
            &state.store,
            &state.metrics,
            &recipient,
            &batch.visible,
            &batch.leaving,
            batch.events,
        );
        let events = released
            .await
            .map_err(|failure| tracing::debug!(detail = failure.detail(), "a stream ends"))
            .ok()?;
        self.caller = batch.caller;
        self.waiting = events
            .into_inner()
            .into_iter()
            .filter_map(|(place, event)| Some((place, sse(&event)?.id(write_place(place)))))
            .collect();
        self.through = Some(batch.through);
        self.is_at_end = !batch.more;
        self.read_at = Instant::now();
        Some(())
    }

    async fn look(&self) -> Result<Look, StoreError> {
        let (state, caller, after, newest) =
            (self.state.clone(), self.caller.clone(), self.sent, self.newest);
        self.state.store.read(move |reader| read_batch(&state, reader, &caller, after, newest)).await
    }

    /// Asks again who the reader is; `None` where it is signed out.
    async fn renew(&mut self) -> Option<()> {
        let caller = self.caller.clone();
        self.caller = self.state.store.read(move |reader| caller.renewed(reader)).await.ok()??;
        Some(())
    }

    /// An event that is not in the log, if the reader may see it.
    fn tell_live(&self, event: &Live) -> Option<Event> {
        match event {
            Live::Edge(event) => {
                let StreamEvent::Edge { edge } = event else { return None };
                let organisation = oversight::OrganisationId::parse(&edge.organisation)?;
                let may = self.caller.may(&self.state, Operation::SeeEdges)
                    && sees(&self.caller.principal, &organisation);
                if may { sse(event) } else { None }
            }
            Live::Alert(owner, event) => {
                let is_owner = self.caller.owner().is_some_and(|asker| asker == *owner);
                if is_owner { sse(event) } else { None }
            }
            Live::Notice(to, event) => {
                if to.contains(&self.caller.principal.organisation) {
                    sse(event)
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

fn read_batch(
    state: &AppState,
    reader: &Reader<'_>,
    caller: &Caller,
    after: Option<Place>,
    newest: i64,
) -> Result<Look, StoreError> {
    let Some(caller) = caller.renewed(reader)? else { return Ok(Look::SignedOut) };
    let Some(in_view) = state.door.in_view(reader, &caller.principal)? else {
        return Ok(Look::Unsettled(caller));
    };
    let after = after.unwrap_or_else(|| Place::behind(newest, &in_view.view));
    let mut teller = Teller::of(reader, in_view.visible, &caller.principal)?;
    let visible = Arc::clone(&teller.visible);
    let filter = TailFilter {
        visible: &visible,
        after: after.sequence,
        types: &[],
        last_only: false,
        limit: BATCH_CHANGES_MAX,
    };
    let tail = objects::tail_in_view(reader, caller.realm(), &filter, &in_view.view, after)?;
    let (mut events, mut leaving) = (Vec::new(), Vec::new());
    for (place, change) in tail.changes {
        match change {
            Change::Added(row) => {
                events.push((place, tell(&mut teller, state, &caller, &row)?));
                leaving.push(Leaving::from(&row));
            }
            Change::Removed { sequence, id, label, originator, gone: true, .. } => {
                if may_hear_the_end_of(reader, &caller.principal, &id, &originator)? {
                    events.push((place, StreamEvent::Removed { id: id.to_string() }));
                    leaving.push(Leaving { sequence, label, originator });
                }
            }
            Change::Removed { gone: false, .. } => {}
        }
    }
    // What stands beside an object in its event leaves as well: the indicator's name, the terms of a marking.
    leaving.extend(teller.take_named());
    Ok(Look::Batch(Box::new(Batch {
        caller,
        visible,
        events,
        leaving,
        through: tail.through,
        more: tail.more,
    })))
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

/// A sighting of an edge's and a case are told as what they are; every other object as an object, and so is a case to those who
/// do not work on cases.
fn tell(
    teller: &mut Teller<'_, '_>,
    state: &AppState,
    caller: &Caller,
    row: &Row,
) -> Result<StreamEvent, StoreError> {
    let visible = Arc::clone(&teller.visible);
    match row.id.object_type() {
        "sighting" => {
            if let Some(sighting) = sightings::get(teller.reader, caller.realm(), &visible, &row.id)? {
                return Ok(StreamEvent::Sighting { sighting: teller.sighting(&sighting)? });
            }
        }
        "incident" if caller.may(state, Operation::WorkCases) => {
            if let Some((case, label)) = cases::get(teller.reader, caller.realm(), &visible, &row.id)? {
                return Ok(StreamEvent::Case { case: teller.case(&case, label)? });
            }
        }
        _ => {}
    }
    Ok(StreamEvent::Object { object: teller.object(row)? })
}

fn sse(event: &StreamEvent) -> Option<Event> {
    let kind = match event {
        StreamEvent::Object { .. } => "object",
        StreamEvent::Sighting { .. } => "sighting",
        StreamEvent::Case { .. } => "case",
        StreamEvent::Edge { .. } => "edge",
        StreamEvent::Notice { .. } => "notice",
        StreamEvent::Removed { .. } => "removed",
        StreamEvent::Alert { .. } => "alert",
    };
    Event::default().event(kind).json_data(event).ok()
}
