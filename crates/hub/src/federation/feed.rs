//! What one peer is given: the log from where it stopped, as far as policy allows at the time of sending.
//!
//! Nothing is pushed into a queue: a [`Feed`] reads the log when the link has room, a batch at a time, so a slow peer costs one
//! batch of memory. What was read and not yet sent is thrown away and read anew when policies or the peer change.
//!
//! **Sights.** Policy decides per label, so what a peer may hold is known by the labels that it was given: its *sight*. Sights are
//! numbered and written down before anything is given by them; the peer tells the last one that it has settled. When what the peer
//! may see is not its sight any more, a *turn* follows: it is told what it may no longer hold, and given what it may see of what
//! was passed over before; then the new sight is settled. A label that is new since the sight has nothing behind the cursor, so it
//! only joins.
//!
//! **No echo.** A peer is given nothing whose route leads through it, and nothing that has passed through as many hubs as may be.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use oversight::{Action, AuditEvent};
use policy::{Engine, LabelKey, Visible};
use stix::Id;
use store::objects::{self, Change, Narrow, Row, TailFilter};
use store::peers::{self, Sight, Way};
use store::routes::{self, HOPS_MAX, Route};
use store::{Act, Reader, StoreError, copies};
use tokio::sync::watch;
use tokio::time::Instant;

use super::acts;
use super::frame::{Envelope, Frame, Gone, Hello};
use super::serve::Place;
use crate::REALM;
use crate::principal::Caller;
use crate::release::{Leaving, Recipient, may_hear_the_end_of};
use crate::reports::abroad::{Offered, offered};
use crate::state::AppState;

/// Changes of one batch at most.
const BATCH_CHANGES_MAX: usize = 512;
/// Changes of the first batch, whose size is not known yet.
const BATCH_CHANGES_FIRST: usize = 16;
/// A batch that was larger makes the next one shorter.
const BATCH_BYTES_AIM: usize = 2 << 20;
/// Bytes that are handed over at once, where frames are short.
const CHUNK_BYTES: usize = 64 * 1024;
/// Names of objects in one batch of notices.
const NOTICES_MAX: usize = 1_000;
/// How often policies and the peer are looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often something is said though there is nothing to say.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether other organisations can be given reports.
const OFFER_EVERY: Duration = Duration::from_secs(4);
/// Objects that one audit event names at most.
const AUDITED_OBJECTS_MAX: usize = 400;

/// One peer's way along the log.
pub(super) struct Feed {
    state: AppState,
    peer: String,
    view: View,
    /// What was read and waits for the link to have room.
    waiting: VecDeque<Chunk>,
    /// The policies, and the state of the peers, by which it was read.
    engine: Arc<Engine>,
    peers: u64,
    /// The acts that were read for this link: they wait in the store until the peer has said that it has them.
    acts: HashSet<String>,
    /// Which organisations here it was told of that can be given reports; when that was last looked at, and under which policies.
    offered: Option<(Arc<Vec<Offered>>, Instant, Arc<Engine>)>,
    /// Whether the log has nothing more for it.
    is_at_end: bool,
    /// Whether something was handed over that is more than a place.
    has_news: bool,
    /// Changes to read at once.
    limit: usize,
    committed: watch::Receiver<i64>,
    changed: watch::Receiver<u64>,
    heartbeat: Instant,
}

/// What a feed knows of its peer's place.
#[derive(Debug, Clone)]
struct View {
    /// Everything up to here was sent, or is not for this peer.
    sent: i64,
    /// The sight that the peer has settled.
    base: Sight,
    /// The labels of everything that it may hold: of that sight and of later ones that it may not have settled.
    holds: BTreeSet<LabelKey>,
    /// Everything that it may hold stands up to here: beyond what was sent, where some is sent again.
    reach: i64,
    /// The newest number given to a sight.
    newest: i64,
    turn: Option<Turn>,
}

/// A change of what a peer may see, under way.
#[derive(Debug, Clone)]
struct Turn {
    to: Sight,
    lost: BTreeSet<LabelKey>,
    gained: BTreeSet<LabelKey>,
    /// How far each of the two is told; `None` when it is done.
    lost_after: Option<i64>,
    gained_after: Option<i64>,
}

/// Some frames to be sent, and where the peer stands when it has them.
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    sent: i64,
    objects: u64,
    notices: u64,
    settles: Option<Sight>,
    /// Whether there is more in it than a place.
    is_news: bool,
}

/// What one read brought.
struct Batch {
    caller: Caller,
    visible: Arc<Visible>,
    view: View,
    /// Written down before anything is sent.
    sight: Option<Sight>,
    frames: Vec<Frame>,
    leaving: Vec<Leaving>,
    /// What the peer is told that it may no longer hold.
    taken_back: Vec<Id>,
    /// The organisations that can be given reports, where that was looked at.
    offered: Option<Arc<Vec<Offered>>>,
    through: i64,
    more: bool,
}

impl Feed {
    /// Goes on from where a peer says that it stopped; gives the greeting, too. `None` where the peer is not there any more.
    ///
    /// What the peer may hold stands up to `reach`, where that is beyond the place: what it may hold no longer it is told up to there.
    pub(super) async fn open(
        state: AppState,
        peer: &str,
        Place { after, sight }: Place,
        reach: i64,
    ) -> Result<Option<(Self, Bytes)>, StoreError> {
        let committed = state.store.committed();
        let newest_sequence = *committed.borrow();
        let name = peer.to_owned();
        let known = state.store.read(move |reader| {
            if super::caller(reader, &name)?.is_none() {
                return Ok(None);
            }
            let all = peers::sights_since(reader, &REALM, &name, 0)?;
            Ok(Some(all))
        });
        let Some(sights) = known.await? else { return Ok(None) };
        let newest = sights.iter().map(|sight| sight.number).max().unwrap_or(-1);
        let base = sights.iter().find(|known| known.number == sight).cloned();
        // What is beyond the end was seen in another life of this log; a sight that is not known, too.
        let (sent, base) = match base {
            Some(base) if after <= newest_sequence => (after.max(0), base),
            None if after == 0 && sights.is_empty() => (0, Sight::default()),
            _ => (0, Sight { number: newest + 1, ..Sight::default() }),
        };
        // Of a sight that is not known any more it may hold what any other one gave.
        let oldest = if sights.iter().any(|known| known.number == base.number) { base.number } else { 0 };
        let later = sights.iter().filter(|known| known.number >= oldest);
        let holds = later.flat_map(|sight| sight.labels.iter().copied()).collect();
        let greeting = greeting(&state, Place { after: sent, sight: base.number });
        let view = View { sent, newest: newest.max(base.number), base, holds, reach, turn: None };
        let changed = state.federation.changed.subscribe();
        let peers = *changed.borrow();
        let feed = Self {
            peer: peer.to_owned(),
            view,
            waiting: VecDeque::new(),
            engine: state.engine.load_full(),
            peers,
            acts: HashSet::new(),
            offered: None,
            is_at_end: false,
            has_news: false,
            limit: BATCH_CHANGES_FIRST,
            committed,
            changed,
            heartbeat: Instant::now() + HEARTBEAT_EVERY,
            state,
        };
        Ok(Some((feed, greeting)))
    }

    /// The next frames, when there are some; `None` ends the feed: the hub stops, or the peer may be given nothing any more.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.next_now().await? {
                return Some(bytes);
            }
            let stopping = self.state.stopping.clone();
            tokio::select! {
                changed = self.committed.changed() => changed.ok()?,
                changed = self.changed.changed() => changed.ok()?,
                () = stopping.wait() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if Arc::ptr_eq(&self.engine, &self.state.engine.load()) && Instant::now() < self.heartbeat {
                        continue;
                    }
                }
            }
            self.is_at_end = false;
        }
    }

    /// The next frames, where there are some just now; `Some(None)` where there are none.
    pub(super) async fn next_now(&mut self) -> Option<Option<Bytes>> {
        loop {
            if self.state.stopping.is_set() {
                return None;
            }
            if !self.waiting.is_empty() && self.is_outdated() {
                self.waiting.clear();
                self.acts.clear();
                self.offered = None;
                self.view.turn = None;
                self.is_at_end = false;
            }
            if let Some(chunk) = self.waiting.pop_front() {
                return Some(Some(self.hand_over(chunk)));
            }
            if self.is_at_end && !self.is_outdated() {
                return Some(None);
            }
            self.read().await?;
        }
    }

    /// Where whoever has everything that was handed over stands.
    pub(super) fn place(&self) -> Place {
        Place { after: self.view.sent, sight: self.view.base.number }
    }

    /// Whether the log had nothing more when it was last read.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end && self.waiting.is_empty()
    }

    /// Lets [`Self::next_now`] read again what had an end.
    pub(super) fn look_again(&mut self) {
        self.is_at_end = false;
    }

    /// Whether something was handed over that is more than a place, since that was last taken.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// The same, and forgets it.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// The acts that were handed over by this link.
    pub(super) fn take_acts(&mut self) -> Vec<String> {
        if self.waiting.is_empty() { self.acts.drain().collect() } else { Vec::new() }
    }

    /// Whether policies or peers changed since the last read.
    fn is_outdated(&self) -> bool {
        !Arc::ptr_eq(&self.engine, &self.state.engine.load()) || self.peers != *self.changed.borrow()
    }

    fn hand_over(&mut self, chunk: Chunk) -> Bytes {
        self.view.sent = self.view.sent.max(chunk.sent);
        self.heartbeat = Instant::now() + HEARTBEAT_EVERY;
        self.has_news |= chunk.is_news;
        if let Some(sight) = chunk.settles {
            self.view.holds.clone_from(&sight.labels);
            self.view.base = sight;
            self.view.turn = None;
        }
        self.state.federation.lives.with(&self.peer, |live| {
            live.sent.sent += chunk.objects;
            live.sent.taken_back += chunk.notices;
        });
        chunk.bytes
    }

    /// Reads and releases the next batch; `None` where nothing may be given to the peer.
    async fn read(&mut self) -> Option<()> {
        self.committed.mark_unchanged();
        self.peers = *self.changed.borrow_and_update();
        self.engine = self.state.engine.load_full();
        let batch = self
            .look()
            .await
            .map_err(|error| tracing::error!(%error, "a peer's feed cannot read"))
            .ok()??;
        self.write_down(&batch)
            .await
            .map_err(|error| tracing::error!(%error, "a peer's sight is lost"))
            .ok()?;
        let recipient = Recipient { caller: batch.caller.clone(), door: "peer" };
        let state = &self.state;
        let released = state.door.release(
            &state.store,
            &state.metrics,
            &recipient,
            &batch.visible,
            &batch.leaving,
            batch.frames,
        );
        let refused = |failure: crate::problem::Failure| {
            self.state
                .federation
                .lives
                .trouble(&self.peer, format!("nothing is given to it: {}", failure.detail()));
        };
        let frames = released.await.map_err(refused).ok()?.into_inner();
        self.view = batch.view;
        if let Some(offered) = batch.offered {
            self.offered = Some((offered, Instant::now(), Arc::clone(&self.engine)));
        }
        self.fill(&frames, batch.through);
        if !batch.more && self.view.turn.is_none() {
            self.is_at_end = true;
            self.end(batch.through);
        }
        Some(())
    }

    /// One look at the log.
    async fn look(&self) -> Result<Option<Batch>, StoreError> {
        let (state, peer, view, limit) =
            (self.state.clone(), self.peer.clone(), self.view.clone(), self.limit);
        let acts = self.acts.clone();
        let told = self.offered.as_ref().map(|(told, ..)| Arc::clone(told));
        // Under other policies others can be given them; new organisations come without any change of those.
        let is_due = self
            .offered
            .as_ref()
            .is_none_or(|(_, at, engine)| at.elapsed() >= OFFER_EVERY || !Arc::ptr_eq(engine, &self.engine));
        let look = move |reader: &Reader<'_>| {
            let mut batch = look(&state, reader, &peer, view, limit)?;
            if let Some(batch) = &mut batch {
                let sequence = batch.view.sent;
                if is_due {
                    let found = Arc::new(offered(reader, &state.engine.load(), &batch.caller.principal)?);
                    // Who is heard of over a diode cannot be answered.
                    let is_link =
                        peers::get(reader, &REALM, &peer)?.is_some_and(|known| known.way == Way::Link);
                    if is_link && told.as_ref() != Some(&found) {
                        let offered = Vec::clone(&found);
                        batch.frames.insert(0, Frame::Receivers { sequence, offered });
                    }
                    batch.offered = Some(found);
                }
                let acts = acts::waiting(reader, (&peer, sequence), |id| acts.contains(id))?;
                batch.frames.splice(0..0, acts);
            }
            Ok(batch)
        };
        self.state.store.read(look).await
    }

    /// Writes down the sight, and that the peer is told to forget something.
    async fn write_down(&self, batch: &Batch) -> Result<(), StoreError> {
        if batch.sight.is_none() && batch.taken_back.is_empty() {
            return Ok(());
        }
        let (peer, sight, caller) = (self.peer.clone(), batch.sight.clone(), batch.caller.clone());
        let event = AuditEvent::done(Action::ObjectsTakenBack, caller.actor.clone(), caller.purpose)
            .with("recipient", caller.principal.organisation.as_str())
            .with("peer", peer.clone());
        let events: Vec<AuditEvent> = batch
            .taken_back
            .chunks(AUDITED_OBJECTS_MAX)
            .map(|ids| event.clone().on(ids.iter().map(Id::as_str)))
            .collect();
        let write = move |tx: &mut store::Tx<'_>| {
            if let Some(sight) = &sight {
                peers::put_sight(tx, &REALM, &peer, sight)?;
            }
            Ok(if events.is_empty() { Act::bookkeeping(()) } else { Act::audited_all((), &REALM, events) })
        };
        self.state.store.write(write).await
    }

    /// Puts frames into chunks.
    fn fill(&mut self, frames: &[Frame], through: i64) {
        let mut bytes = BytesMut::new();
        let mut open = Chunk::at(self.view.sent);
        let mut total = 0;
        for frame in frames {
            if let Err(error) = frame.write(&mut bytes) {
                tracing::error!(%error, "an object cannot be sent to a peer");
                continue;
            }
            open.is_news |= !matches!(frame, Frame::Progress { .. } | Frame::Receivers { .. });
            match frame {
                Frame::Object { sequence, again, .. } => {
                    open.objects += 1;
                    if !again {
                        open.sent = *sequence;
                    }
                }
                Frame::Removed { sequence, .. } => {
                    open.notices += 1;
                    open.sent = *sequence;
                }
                Frame::Withheld { .. } => open.notices += 1,
                Frame::Settled { .. } => open.settles = self.view.turn.as_ref().map(|turn| turn.to.clone()),
                Frame::Act { act, .. } => drop(self.acts.insert(act.id.clone())),
                Frame::Letter { letter, .. } => drop(self.acts.insert(letter.id.clone())),
                Frame::Hello(_) | Frame::Receivers { .. } | Frame::Progress { .. } => {}
            }
            if bytes.len() >= CHUNK_BYTES {
                total += bytes.len();
                let next = Chunk::at(open.sent);
                let full = std::mem::replace(&mut open, next);
                self.waiting.push_back(Chunk { bytes: bytes.split().freeze(), ..full });
            }
        }
        total += bytes.len();
        if !bytes.is_empty() {
            self.waiting.push_back(Chunk { bytes: bytes.freeze(), ..open });
        }
        match self.waiting.back_mut() {
            Some(last) => last.sent = last.sent.max(through),
            None => self.view.sent = self.view.sent.max(through),
        }
        self.limit = if total > BATCH_BYTES_AIM {
            (self.limit / 2).max(1)
        } else {
            (self.limit * 2).min(BATCH_CHANGES_MAX)
        };
    }

    /// Says that there is nothing more, with the last frames or when it was not said for a while.
    fn end(&mut self, through: i64) {
        if self.waiting.is_empty() && Instant::now() < self.heartbeat {
            return;
        }
        let mut bytes = BytesMut::new();
        let sequence = through.max(self.view.sent);
        let _ = Frame::Progress { sequence, end: true }.write(&mut bytes);
        self.waiting.push_back(Chunk { bytes: bytes.freeze(), ..Chunk::at(sequence) });
    }
}

impl Chunk {
    fn at(sent: i64) -> Self {
        Self { bytes: Bytes::new(), sent, objects: 0, notices: 0, settles: None, is_news: false }
    }
}

/// What a stream, or a body of frames, begins with.
pub(super) fn greeting(state: &AppState, place: Place) -> Bytes {
    let hello = Frame::Hello(Hello {
        hub: state.federation.own.hub.clone(),
        version: 1,
        from: place.after,
        sight: place.sight,
        now: Timestamp::now(),
    });
    let mut greeting = BytesMut::new();
    // A greeting is made of numbers and an id: it can always be written.
    let _ = hello.write(&mut greeting);
    greeting.freeze()
}

fn look(
    state: &AppState,
    reader: &Reader<'_>,
    peer: &str,
    mut view: View,
    limit: usize,
) -> Result<Option<Batch>, StoreError> {
    let Some((peer, caller)) = super::caller(reader, peer)? else { return Ok(None) };
    let visible = state.door.visible(reader, &caller.principal)?;
    let seen: BTreeSet<LabelKey> = visible.keys().iter().copied().collect();
    let sight = view.turn_to(&seen, peers::newest_label(reader, &REALM)?);
    let mut batch = Batch {
        caller,
        visible: Arc::clone(&visible),
        sight,
        frames: Vec::new(),
        leaving: Vec::new(),
        taken_back: Vec::new(),
        offered: None,
        through: view.sent,
        more: true,
        view,
    };
    let part = Part { state, reader, hub: &peer.hub, visible: &visible, limit };
    let sent = batch.view.sent;
    if batch.sight.is_some() && batch.view.turn.is_some() {
        // What the turn goes back over lies before this.
        batch.frames.push(Frame::Progress { sequence: sent, end: false });
    }
    match batch.view.turn.clone() {
        Some(turn) => match (turn.lost_after, turn.gained_after) {
            (Some(after), _) => part.lost(&mut batch, &turn.lost, after, sent)?,
            (None, Some(after)) => part.gained(&mut batch, &turn.gained, after, sent)?,
            (None, None) => {
                batch.frames.push(Frame::Settled { sequence: sent, sight: turn.to.number });
            }
        },
        None => part.tail(&mut batch)?,
    }
    Ok(Some(batch))
}

impl View {
    /// Compares what the peer may see now with its sight, and begins a turn where they differ. Gives the sight that must be written
    /// down first, if any.
    fn turn_to(&mut self, seen: &BTreeSet<LabelKey>, known: LabelKey) -> Option<Sight> {
        if let Some(turn) = &self.turn {
            let still: BTreeSet<LabelKey> = seen.range(..=turn.to.known).copied().collect();
            if still == turn.to.labels {
                return None;
            }
        }
        let lost: BTreeSet<LabelKey> = self.holds.difference(seen).copied().collect();
        let gained: BTreeSet<LabelKey> = seen
            .range(..=self.base.known)
            .filter(|label| !self.base.labels.contains(label))
            .copied()
            .collect();
        self.turn = None;
        if lost.is_empty() && gained.is_empty() {
            if known <= self.base.known {
                return None;
            }
            // Labels that are new have nothing behind the cursor.
            self.base.labels.extend(seen.iter().copied());
            self.base.known = known;
            self.holds.extend(seen.iter().copied());
            return Some(self.base.clone());
        }
        self.newest += 1;
        let to = Sight { number: self.newest, known, labels: seen.clone() };
        self.holds.extend(seen.iter().copied());
        self.turn = Some(Turn {
            lost_after: (!lost.is_empty()).then_some(0),
            gained_after: (!gained.is_empty()).then_some(0),
            to: to.clone(),
            lost,
            gained,
        });
        Some(to)
    }
}

/// How to read one batch.
struct Part<'a, 'c> {
    state: &'a AppState,
    reader: &'a Reader<'c>,
    /// The hub that it is for.
    hub: &'a str,
    visible: &'a Visible,
    limit: usize,
}

impl Part<'_, '_> {
    /// Names what the peer may no longer hold.
    fn lost(
        &self,
        batch: &mut Batch,
        lost: &BTreeSet<LabelKey>,
        after: i64,
        sent: i64,
    ) -> Result<(), StoreError> {
        let collection = self.state.collection.key;
        let range = (after, sent.max(batch.view.reach));
        let named = peers::named_under(self.reader, &REALM, collection, lost, range, NOTICES_MAX)?;
        let next = (named.len() == NOTICES_MAX).then(|| named.last().map(|last| last.0)).flatten();
        for (sequence, id, version) in named {
            let key = routes::version_key(version.as_deref());
            if self.leads_through(&routes::of_version(self.reader, &REALM, &id, &key)?) {
                continue;
            }
            batch.taken_back.push(id.clone());
            // No frame is ahead of the place, though what it names may be.
            let sequence = sequence.min(sent);
            batch.frames.push(Frame::Withheld { sequence, gone: Gone { id, version } });
        }
        if let Some(turn) = &mut batch.view.turn {
            turn.lost_after = next;
        }
        Ok(())
    }

    /// Gives what was passed over and may be seen now.
    fn gained(
        &self,
        batch: &mut Batch,
        gained: &BTreeSet<LabelKey>,
        after: i64,
        sent: i64,
    ) -> Result<(), StoreError> {
        let narrow = Narrow { collection: Some(self.state.collection.key), labels: Some(gained) };
        let tail = objects::narrow_tail(self.reader, &REALM, &self.filter(after), &narrow)?;
        let rows = tail.changes.into_iter().filter_map(|change| match change {
            Change::Added(row) if row.sequence <= sent => Some(row),
            Change::Added(_) | Change::Removed { .. } => None,
        });
        self.objects(batch, rows.collect(), true)?;
        if let Some(turn) = &mut batch.view.turn {
            turn.gained_after = (tail.through < sent).then_some(tail.through);
        }
        Ok(())
    }

    /// Goes on along the log.
    fn tail(&self, batch: &mut Batch) -> Result<(), StoreError> {
        let narrow = Narrow { collection: Some(self.state.collection.key), labels: None };
        let tail = objects::narrow_tail(self.reader, &REALM, &self.filter(batch.view.sent), &narrow)?;
        let mut rows = Vec::new();
        for change in tail.changes {
            match change {
                Change::Added(row) => rows.push(row),
                Change::Removed { sequence, id, version, label, originator, .. } => {
                    self.objects(batch, std::mem::take(&mut rows), false)?;
                    if !self.is_there(&id, version.as_deref())?
                        && may_hear_the_end_of(self.reader, &batch.caller.principal, &id, &originator)?
                    {
                        batch.leaving.push(Leaving { sequence, label, originator });
                        batch.frames.push(Frame::Removed { sequence, gone: Gone { id, version } });
                    }
                }
            }
        }
        self.objects(batch, rows, false)?;
        (batch.through, batch.more) = (tail.through, tail.more);
        Ok(())
    }

    fn filter(&self, after: i64) -> TailFilter<'_> {
        TailFilter { visible: self.visible, after, types: &[], last_only: false, limit: self.limit }
    }

    /// Whether a version that was removed is there all the same: it was brought again, or stands under another label now.
    fn is_there(&self, id: &Id, version: Option<&str>) -> Result<bool, StoreError> {
        let version = version.and_then(|text| stix::Timestamp::parse(text).ok());
        Ok(match version {
            Some(version) => objects::get_version(self.reader, &REALM, self.visible, id, &version)?,
            None => objects::get(self.reader, &REALM, self.visible, id)?,
        }
        .is_some())
    }

    fn objects(&self, batch: &mut Batch, rows: Vec<Row>, again: bool) -> Result<(), StoreError> {
        let key = |row: &Row| routes::version_key(row.version.as_deref());
        let known = routes::of_versions(self.reader, &REALM, rows.iter().map(|row| (&row.id, key(row))))?;
        let copies = copies::among(self.reader, &REALM, rows.iter().map(|row| &row.id))?.copies;
        for row in rows {
            // A copy of what came from the peer is an echo as well.
            if let Some(copy) = copies.iter().find(|copy| copy.id == row.id)
                && self.leads_through(&routes::of_version(self.reader, &REALM, &copy.original, &key(&row))?)
            {
                continue;
            }
            let came = known.get(&(row.id.clone(), key(&row)));
            let Some(mut envelope) = self.envelope(came.map_or(&[], Vec::as_slice)) else { continue };
            // Only a term gives under an agreement of ours; what came in under one is bound by it wherever it goes.
            let under = self.visible.under(row.label).filter(|under| under.term.is_some());
            envelope.agreement = under.map(|under| under.agreement.to_string());
            batch.leaving.push(Leaving::from(&row));
            batch.frames.push(Frame::Object { sequence: row.sequence, again, envelope, bytes: row.body });
        }
        Ok(())
    }

    /// The envelope of what came by these routes; `None` where the peer is not to be given it.
    ///
    /// Which member brought it in is not told to other hubs: a hub speaks for its members.
    fn envelope(&self, came: &[Route]) -> Option<Envelope> {
        let own = &self.state.federation.own;
        if self.leads_through(came) {
            return None;
        }
        let Some(shortest) = came.iter().find(|route| route.held) else {
            return Some(Envelope {
                origin: own.hub.clone(),
                organisation: own.name_en.clone(),
                hops: vec![own.hub.clone()],
                agreement: None,
            });
        };
        let mut hops = shortest.hops.clone();
        hops.push(own.hub.clone());
        (hops.len() <= HOPS_MAX).then(|| Envelope {
            origin: shortest.origin.clone(),
            organisation: shortest.organisation.clone(),
            hops,
            agreement: None,
        })
    }

    /// Whether something came through the hub that it would be given to.
    fn leads_through(&self, came: &[Route]) -> bool {
        came.iter().any(|route| route.held && route.hops.iter().any(|hop| hop == self.hub))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(labels: &[LabelKey], known: LabelKey) -> View {
        let labels: BTreeSet<LabelKey> = labels.iter().copied().collect();
        View {
            sent: 10,
            base: Sight { number: 3, known, labels: labels.clone() },
            holds: labels,
            reach: 0,
            newest: 3,
            turn: None,
        }
    }

    /// From a sight of labels 1 and 2 of 5 known.
    fn check(seen: &[LabelKey], known: LabelKey, expected: &str) {
        let mut view = view(&[1, 2], 5);
        let written = view.turn_to(&seen.iter().copied().collect(), known);
        let found = match (&view.turn, written) {
            (None, None) => "nothing".to_owned(),
            (None, Some(sight)) => format!("joins {} {:?}", sight.number, sight.labels),
            (Some(turn), _) => {
                format!("turn {} lost {:?} gained {:?}", turn.to.number, turn.lost, turn.gained)
            }
        };
        assert_eq!(found, expected, "{seen:?} of {known}");
    }

    #[test]
    fn a_change_of_what_may_be_seen_makes_a_turn() {
        check(&[1, 2], 5, "nothing");
        check(&[1, 2, 6], 6, "joins 3 {1, 2, 6}");
        check(&[1, 2], 6, "joins 3 {1, 2}");
        check(&[1], 5, "turn 4 lost {2} gained {}");
        check(&[1, 2, 4], 5, "turn 4 lost {} gained {4}");
        check(&[2, 3, 7], 7, "turn 4 lost {1} gained {3}");
    }

    #[test]
    fn a_turn_that_is_overtaken_by_another_change_forgets_nothing_that_may_be_held() {
        let mut view = view(&[1, 2], 5);
        view.turn_to(&BTreeSet::from([1, 4]), 5);
        // Of label 4 some may be sent already when it is lost again.
        view.turn_to(&BTreeSet::from([1]), 5);
        let turn = view.turn.unwrap();
        assert_eq!((turn.to.number, turn.lost, turn.gained), (5, BTreeSet::from([2, 4]), BTreeSet::new()));
    }

    #[test]
    fn a_turn_goes_on_while_new_labels_join() {
        let mut view = view(&[1, 2], 5);
        view.turn_to(&BTreeSet::from([1, 4]), 5);
        assert_eq!(view.turn_to(&BTreeSet::from([1, 4, 6]), 6), None);
        assert_eq!(view.turn.map(|turn| turn.to.number), Some(4));
    }
}
