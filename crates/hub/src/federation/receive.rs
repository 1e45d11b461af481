//! What a peer brings is taken in: objects, their envelopes, and how far the peer's log is read, in one transaction.
//!
//! - Objects come in through the hub's one way in, as the peer's organisation's.
//! - A version counts as the peer's own when the peer brought the object first, when the peer *is* the hub that it came from in the
//!   first place, or when it is a copy of a version that is known by the same origin. Every other version of an object that
//!   somebody else brought is kept out, as from anybody.
//! - What a peer takes back goes away where nobody else gives it; what was brought in here never goes by a peer's word.
//! - A peer that breaks the format is cut off, and suspended when it goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use oversight::{Action, AuditEvent, OrganisationId};
use policy::{AgreementId, Marking, Principal, PrincipalKind};
use regime::Regimes;
use stix::Id;
use store::batches::{self, Batch, Series};
use store::peers::{self, Conflict, Counts, Peer, Way};
use store::reports::contents;
use store::routes::{self, Ended, Route};
use store::{Act as Written, StoreError, Tx, objects};
use tokio::task::spawn_blocking;

use super::acts::Act;
use super::administration::suspend_for_cause;
use super::frame::{Envelope, Frame, Gone, Hello, Malformed};
use super::letters::{self, Letter};
use crate::REALM;
use crate::evidence;
use crate::ingest::{self, Outcome, Reading, Submission, Verdict};
use crate::principal::Caller;
use crate::redaction;
use crate::release::Door;
use crate::reports::abroad::{self, Offered};
use crate::reports::came::{self, Judged};
use crate::reports::passed::Passed;
use crate::room::admit::{self, Admission};
use crate::state::AppState;

/// Frames of one transaction at most.
pub(super) const BATCH_FRAMES_MAX: usize = 1_000;
/// Bytes of objects of one transaction, beyond which no frame is added.
pub(super) const BATCH_BYTES_AIM: usize = 4 << 20;
/// Frames that a peer may send within a second, on average; beyond that they are read more slowly.
const FRAMES_PER_SECOND_MAX: u32 = 20_000;
/// A clock that differs by more is told on the peers' page.
pub(super) const CLOCK_SECONDS_MAX: i64 = 60;
/// Faults within an hour, beyond which a peer is suspended.
const FAULTS_MAX: u32 = 20;
/// Objects that one audit event names at most.
const AUDITED_OBJECTS_MAX: usize = 400;

/// Why a peer's frames are not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It broke the format, or says what cannot be.
    #[error("what it sends is broken: {0}")]
    Fault(String),
    /// It was suspended or removed meanwhile.
    #[error("it is suspended or removed here")]
    Gone,
    /// Our own store failed.
    #[error("this hub's store failed: {0}")]
    Store(#[from] StoreError),
    /// The connection; it is tried again.
    #[error("{0}")]
    Link(String),
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        Self::Fault(malformed.to_string())
    }
}

/// The way along one peer's log: what a stream of frames may say next, and what waits to be written.
pub(super) struct Intake {
    state: AppState,
    peer: Peer,
    /// The newest sequence that was read.
    sequence: i64,
    sight: i64,
    greeted: bool,
    /// Frames of the turn that is under way.
    turned: u64,
    waiting: Vec<Item>,
    waiting_bytes: usize,
    /// Letters that came: each is taken in by itself.
    letters: Vec<Letter>,
    /// Which of its organisations can be given reports, where it has told that since the last write.
    offered: Option<Vec<Offered>>,
    /// What is on disk.
    written: (i64, i64),
    written_at: tokio::time::Instant,
    pace: Pace,
}

/// What waits to be written.
enum Item {
    Act(Box<Act>),
    Object(Bytes, Envelope),
    Gone(Gone, Why),
    /// An object that was here before: only counted.
    Echo,
}

/// The batch that the frames of an inlet stood in.
#[derive(Debug, Clone)]
pub(super) struct TakenBatch {
    pub(super) number: i64,
    pub(super) hash: [u8; 32],
}

/// Why a version goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Withdrawn,
    NoLongerShared,
}

impl Intake {
    /// Begins after what is on disk.
    pub(super) async fn open(state: AppState, peer: Peer) -> Result<Self, StoreError> {
        let id = peer.id.clone();
        let progress = state.store.read(move |reader| peers::progress(reader, &REALM, &id)).await?;
        Ok(Self {
            state,
            peer,
            sequence: progress.taken,
            sight: progress.taken_sight,
            greeted: false,
            turned: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            letters: Vec::new(),
            offered: None,
            written: (progress.taken, progress.taken_sight),
            written_at: tokio::time::Instant::now(),
            pace: Pace::new(),
        })
    }

    /// Where to ask on from: sequence and sight.
    pub(super) fn place(&self) -> (i64, i64) {
        (self.sequence, self.sight)
    }

    /// Takes one line; what it says is written by [`Self::write`] at the latest.
    pub(super) async fn line(&mut self, line: &Bytes) -> Result<(), Trouble> {
        let frame = Frame::parse(line)?;
        self.pace.frame().await;
        self.take(frame)?;
        let frames = self.waiting.len() + self.letters.len();
        if frames >= BATCH_FRAMES_MAX || self.waiting_bytes >= BATCH_BYTES_AIM {
            self.write().await?;
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame) -> Result<(), Trouble> {
        let fault = |why: &str| Err(Trouble::Fault(why.to_owned()));
        match frame {
            Frame::Hello(hello) => return self.greet(&hello),
            _ if !self.greeted => return fault("it does not begin with a greeting"),
            Frame::Object { sequence, again, envelope, bytes } => {
                if envelope.hops.last() != Some(&self.peer.hub) {
                    return fault("an envelope does not end with the hub that sent it");
                }
                self.advance(sequence, again)?;
                let own = &self.state.federation.own.hub;
                self.waiting_bytes += bytes.len();
                // What was here before must not come back, whatever the sender thinks of it.
                let echoes = envelope.hops.iter().any(|hop| hop == own);
                self.waiting.push(if echoes { Item::Echo } else { Item::Object(bytes, envelope) });
            }
            Frame::Removed { sequence, gone } => {
                self.advance(sequence, false)?;
                self.waiting.push(Item::Gone(gone, Why::Withdrawn));
            }
            Frame::Withheld { sequence, gone } => {
                self.advance(sequence, true)?;
                self.waiting.push(Item::Gone(gone, Why::NoLongerShared));
            }
            Frame::Act { act, .. } => {
                if act.hops.last() != Some(&self.peer.hub) {
                    return fault("an act does not end with the hub that sent it");
                }
                self.waiting.push(Item::Act(act));
            }
            // Who batches are carried from could be told nothing of what became of an order.
            Frame::Letter { .. } if self.peer.way != Way::Link => {
                return fault("an order cannot be asked for one way");
            }
            Frame::Letter { letter, .. } => self.letters.push(*letter),
            Frame::Receivers { offered, .. } => self.offered = Some(offered),
            Frame::Settled { sequence, sight } => {
                if sequence < self.sequence || sight <= self.sight {
                    return fault("it settles what was not begun");
                }
                (self.sequence, self.sight, self.turned) = (sequence, sight, 0);
            }
            Frame::Progress { sequence, end } => {
                if sequence < self.sequence {
                    return fault("its sequence goes back");
                }
                self.sequence = sequence;
                self.state.federation.lives.with(&self.peer.id, |live| live.caught_up = end);
                self.heard();
                return Ok(());
            }
        }
        self.state.federation.lives.with(&self.peer.id, |live| live.caught_up = false);
        self.heard();
        Ok(())
    }

    fn heard(&self) {
        self.state.federation.lives.with(&self.peer.id, |live| live.heard = Some(Timestamp::now()));
    }

    fn greet(&mut self, hello: &Hello) -> Result<(), Trouble> {
        if self.greeted || hello.hub != self.peer.hub || hello.from > self.sequence {
            return Err(Trouble::Fault(
                "its greeting is of another hub, or would leave something out".to_owned(),
            ));
        }
        if hello.from < self.sequence {
            tracing::warn!(peer = self.peer.id, "a peer's log begins anew; everything is asked for again");
        }
        let ahead = hello.now.duration_since(Timestamp::now()).as_secs();
        // What was carried as a file was on its way for as long as it took.
        let ahead = if self.peer.way == Way::Inlet { ahead.max(0) } else { ahead };
        self.state.federation.lives.with(&self.peer.id, |live| live.clock_ahead_seconds = Some(ahead));
        if ahead.abs() > CLOCK_SECONDS_MAX {
            tracing::warn!(
                peer = self.peer.id,
                ahead,
                "a peer's clock differs; places in its log count, not times"
            );
        }
        (self.greeted, self.sequence, self.sight) = (true, hello.from, hello.sight);
        self.heard();
        Ok(())
    }

    /// The sequence rises from frame to frame. What goes back belongs to a turn, which ends before it has told everything twice.
    fn advance(&mut self, sequence: i64, again: bool) -> Result<(), Trouble> {
        let fault = |why: &str| Err(Trouble::Fault(why.to_owned()));
        if again {
            self.turned += 1;
            let turned_max =
                u64::try_from(self.sequence).unwrap_or(0).saturating_mul(2).saturating_add(1_000);
            // A file has an end; the place may have gone back, where much is sent again.
            let is_endless = self.turned > turned_max && self.peer.way != Way::Inlet;
            if sequence > self.sequence || is_endless {
                return fault("it repeats itself without end");
            }
            return Ok(());
        }
        if sequence <= self.sequence {
            return fault("its sequence does not rise");
        }
        self.sequence = sequence;
        Ok(())
    }

    /// Whether something waits that is worth a commit: objects, or a place that was not written for a while.
    pub(super) fn is_due(&self) -> bool {
        const PLACE_EVERY: Duration = Duration::from_secs(5);
        !self.waiting.is_empty()
            || !self.letters.is_empty()
            || self.offered.is_some()
            || self.sight != self.written.1
            || self.sequence != self.written.0 && self.written_at.elapsed() > PLACE_EVERY
    }

    /// Writes what waits, and the place.
    pub(super) async fn write(&mut self) -> Result<(), Trouble> {
        self.write_with(None).await
    }

    /// The same, and that a batch is taken with it.
    pub(super) async fn finish(mut self, batch: TakenBatch) -> Result<(), Trouble> {
        self.write_with(Some(batch)).await
    }

    async fn write_with(&mut self, batch: Option<TakenBatch>) -> Result<(), Trouble> {
        let items = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let place = (self.sequence, self.sight);
        let taken = parse(items).await?;
        let (door, collection) = (self.state.door.clone(), self.state.collection.key);
        let (peer, written) = (self.peer.id.clone(), self.written);
        let (own_hub, regimes) = (self.state.federation.own.hub.clone(), Arc::clone(&self.state.regimes.all));
        let offered = self.offered.take();
        let write = move |tx: &mut Tx<'_>| {
            let Some((peer, caller)) = super::caller(tx, &peer)? else {
                return Err(StoreError::Abandoned { code: PEER_GONE, message: String::new() });
            };
            // Another hub of this node took the link over while this one stood still: it reads on from there, and this one ends.
            let progress = peers::progress(tx, &REALM, &peer.id)?;
            if (progress.taken, progress.taken_sight) != written {
                return Err(StoreError::Abandoned { code: PEER_ELSEWHERE, message: String::new() });
            }
            if let Some(batch) = &batch {
                take_batch(tx, &peer.id, batch)?;
            }
            if let Some(offered) = &offered {
                abroad::hear(tx, &peer.id, offered)?;
            }
            let counts = Counts { refused: taken.echoes, ..Counts::default() };
            let (events, done) = (Vec::new(), Done { counts, ..Done::default() });
            let writing = Writing { peer, caller, own_hub, door, collection, regimes, events, done };
            writing.run(tx, taken.steps, place)
        };
        let done = match self.state.store.write(write).await {
            Err(StoreError::Abandoned { code: PEER_GONE, .. }) => return Err(Trouble::Gone),
            Err(StoreError::Abandoned { code: PEER_ELSEWHERE, .. }) => {
                return Err(Trouble::Link("another hub of this node has read on meanwhile".to_owned()));
            }
            other => other?,
        };
        (self.written, self.written_at) = (place, tokio::time::Instant::now());
        self.state.metrics.with_peer(&self.peer.id, &done.counts);
        // Those who wait for it have it now, and not when it is next looked whether circumstances have changed.
        if done.has_new_circle
            && let Err(error) = self.state.policies.renew().await
        {
            tracing::error!(%error, "what a peer limited to somebody new is decided on later");
        }
        if done.has_told {
            // An act may go on to other peers.
            self.state.federation.announce();
        }
        for letter in std::mem::take(&mut self.letters) {
            letters::take(&self.state, &self.peer.id, letter).await?;
        }
        Ok(())
    }
}

/// Notes that a batch is taken: its number never comes again.
fn take_batch(tx: &mut Tx<'_>, peer: &str, taken: &TakenBatch) -> Result<(), StoreError> {
    let series = batches::series(tx, &REALM, peer)?.unwrap_or_default();
    if series.number >= taken.number {
        return Err(StoreError::Abandoned { code: PEER_ELSEWHERE, message: String::new() });
    }
    let (number, at) = (taken.number, tx.now());
    batches::put_series(tx, &REALM, peer, &Series { number, gap_told: 0, at: Some(at), ..series })?;
    batches::add(tx, &REALM, peer, &Batch { number, hash: taken.hash, begun: batches::Place::default(), at })
}

/// The code of a write that was given up because the peer may not bring anything any more.
const PEER_GONE: &str = "peer-gone";
/// The code of a write that was given up because another hub on this database has written what the peer brought.
const PEER_ELSEWHERE: &str = "peer-elsewhere";

/// Counts a fault of a peer's, and suspends it where there are too many.
pub(super) async fn blame(state: &AppState, peer: &str, why: &str) {
    let now = Timestamp::now();
    let too_many = state.federation.lives.with(peer, |live| {
        let begins_anew =
            live.faults_since.is_none_or(|since| now.duration_since(since) > SignedDuration::from_hours(1));
        if begins_anew {
            (live.faults, live.faults_since) = (0, Some(now));
        }
        live.faults += 1;
        live.faults > FAULTS_MAX
    });
    let id = peer.to_owned();
    let count = move |tx: &mut Tx<'_>| {
        let mut progress = peers::progress(tx, &REALM, &id)?;
        progress.counts.malformed = progress.counts.malformed.saturating_add(1);
        peers::put_progress(tx, &REALM, &id, &progress).map(Written::bookkeeping)
    };
    if let Err(error) = state.store.write(count).await {
        tracing::error!(%error, "a peer's fault is not counted");
    }
    state.metrics.with_peer(peer, &Counts { malformed: 1, ..Counts::default() });
    if too_many {
        let reason = format!("suspended by this hub: {why}");
        if let Err(error) = suspend_for_cause(state, peer, &reason).await {
            tracing::error!(%error, "a peer that misbehaves cannot be suspended");
        }
    }
}

/// What waits, read: runs of objects, and versions that go.
enum Step {
    Act(Box<Act>),
    Add(Vec<(Reading, Envelope)>, Arc<HashMap<Id, Marking>>),
    Go(Gone, Why),
}

struct Parsed {
    steps: Vec<Step>,
    echoes: u64,
}

async fn parse(items: Vec<Item>) -> Result<Parsed, Trouble> {
    let parsed = spawn_blocking(move || {
        let (mut steps, mut echoes) = (Vec::new(), 0);
        let mut run: Vec<(Bytes, Envelope)> = Vec::new();
        let flush = |run: &mut Vec<(Bytes, Envelope)>, steps: &mut Vec<Step>| {
            if run.is_empty() {
                return;
            }
            let members: Vec<Bytes> = run.iter().map(|(bytes, _)| bytes.clone()).collect();
            let markings = ingest::markings_in(&members);
            let read = run.drain(..).map(|(bytes, envelope)| (ingest::read(&bytes), envelope));
            steps.push(Step::Add(read.collect(), Arc::new(markings)));
        };
        for item in items {
            match item {
                Item::Object(bytes, envelope) => run.push((bytes, envelope)),
                Item::Act(act) => {
                    flush(&mut run, &mut steps);
                    steps.push(Step::Act(act));
                }
                Item::Echo => echoes += 1,
                Item::Gone(gone, why) => {
                    flush(&mut run, &mut steps);
                    steps.push(Step::Go(gone, why));
                }
            }
        }
        flush(&mut run, &mut steps);
        Parsed { steps, echoes }
    });
    parsed.await.map_err(|_| Trouble::Store(StoreError::Closed))
}

/// One transaction of what a peer brought.
pub(super) struct Writing {
    pub(super) peer: Peer,
    pub(super) caller: Caller,
    /// This hub's id.
    pub(super) own_hub: String,
    pub(super) door: Door,
    collection: store::collections::CollectionKey,
    regimes: Arc<Regimes>,
    pub(super) events: Vec<AuditEvent>,
    pub(super) done: Done,
}

/// What a transaction did, for what follows once it is committed.
#[derive(Default)]
pub(super) struct Done {
    counts: Counts,
    /// Whether an act was told to inboxes here, and may go on.
    pub(super) has_told: bool,
    /// Whether something came for a circle of organisations that was not known here, or not all of it.
    has_new_circle: bool,
}

/// What is let in and has something follow from it, by its object.
#[derive(Default)]
struct LetIn {
    copies: HashMap<Id, Box<Passed>>,
    requests: HashMap<Id, Box<evidence::passed::Passed>>,
}

impl Writing {
    fn run(
        mut self,
        tx: &mut Tx<'_>,
        steps: Vec<Step>,
        (sequence, sight): (i64, i64),
    ) -> Result<Written<Done>, StoreError> {
        let mut gone = [(Why::Withdrawn, Vec::new()), (Why::NoLongerShared, Vec::new())];
        for step in steps {
            match step {
                Step::Act(act) => self.act(tx, &act)?,
                Step::Add(objects, markings) => self.add(tx, objects, &markings)?,
                Step::Go(version, why) => {
                    if self.remove(tx, &version, why)?
                        && let Some((_, ids)) = gone.iter_mut().find(|(reason, _)| *reason == why)
                    {
                        ids.push(version.id);
                    }
                }
            }
        }
        for (why, ids) in gone {
            self.say_gone(why, &ids);
        }
        let mut progress = peers::progress(tx, &REALM, &self.peer.id)?;
        (progress.taken, progress.taken_sight) = (sequence, sight);
        progress.taken_at = Some(tx.now());
        progress.counts.add(&self.done.counts);
        peers::put_progress(tx, &REALM, &self.peer.id, &progress)?;
        Ok(if self.events.is_empty() {
            Written::bookkeeping(self.done)
        } else {
            Written::audited_all(self.done, &REALM, self.events)
        })
    }

    /// Adds a run, a part for each organisation in whose name it comes in.
    fn add(
        &mut self,
        tx: &mut Tx<'_>,
        objects: Vec<(Reading, Envelope)>,
        markings: &HashMap<Id, Marking>,
    ) -> Result<(), StoreError> {
        let mut part: Vec<(Reading, Envelope)> = Vec::new();
        let mut terms = (self.peer.organisation.clone(), None);
        for (reading, envelope) in objects {
            // What it was given under limits who may have it here.
            let agreement = envelope.agreement.as_deref().and_then(AgreementId::parse);
            let own = (self.originator_of(tx, &reading, &envelope)?, agreement);
            // Whether a request may come in is judged by what came before it: its case, and what was said to it.
            let is_request = matches!(&reading, Reading::Fit(object) if evidence::passed::is_passed(object));
            if (own != terms || is_request) && !part.is_empty() {
                self.add_part(tx, &terms, std::mem::take(&mut part), markings)?;
            }
            terms = own;
            part.push((reading, envelope));
        }
        if part.is_empty() { Ok(()) } else { self.add_part(tx, &terms, part, markings) }
    }

    /// In whose name an object comes in: the peer's organisation's, or that which brought it first, where the peer may speak for it.
    fn originator_of(
        &self,
        tx: &Tx<'_>,
        reading: &Reading,
        envelope: &Envelope,
    ) -> Result<OrganisationId, StoreError> {
        let own = || Ok(self.peer.organisation.clone());
        let Reading::Fit(object) = reading else { return own() };
        let Some(first) = routes::brought_by(tx, &REALM, object.id())? else { return own() };
        if first == self.peer.organisation {
            return own();
        }
        let came = routes::of_object(tx, &REALM, object.id())?;
        let key = object.version().map_or("", stix::Timestamp::sort_key);
        let is_origin = || came.iter().any(|route| route.origin == self.peer.hub);
        let is_copy = || came.iter().any(|route| route.version_key == key && route.origin == envelope.origin);
        if is_origin() || is_copy() { Ok(first) } else { own() }
    }

    fn add_part(
        &mut self,
        tx: &mut Tx<'_>,
        (originator, agreement): &(OrganisationId, Option<AgreementId>),
        part: Vec<(Reading, Envelope)>,
        markings: &HashMap<Id, Marking>,
    ) -> Result<(), StoreError> {
        let (mut readings, envelopes): (Vec<Reading>, Vec<Envelope>) = part.into_iter().unzip();
        let mut passed = LetIn::default();
        for (reading, envelope) in readings.iter_mut().zip(&envelopes) {
            let Reading::Fit(object) = reading else { continue };
            if let Some(outcome) = self.judge(tx, &envelope.origin, object, &mut passed)? {
                *reading = Reading::Unfit(Verdict { outcome, ..ingest::verdict_head(object) });
            }
        }
        let hashes: Vec<Option<[u8; 32]>> = readings.iter().map(hash).collect();
        let submission = Submission {
            principal: self.as_originator(originator),
            agreement: agreement.clone(),
            actor: self.caller.actor.clone(),
            purpose: self.caller.purpose,
            collection: self.collection,
        };
        let verdicts = ingest::add_in(tx, &self.door, &submission, markings, readings)?;
        for ((verdict, envelope), hash) in verdicts.iter().zip(envelopes).zip(hashes) {
            self.note(tx, verdict, envelope, hash)?;
        }
        let events = ingest::events(&submission, &verdicts);
        self.events.extend(events.into_iter().map(|event| event.with("peer", self.peer.id.clone())));
        for verdict in verdicts.iter().filter(|verdict| matches!(verdict.outcome, Outcome::Accepted { .. })) {
            let Some(id) = verdict.id.as_deref().and_then(|id| Id::parse(id).ok()) else { continue };
            let (by, own_hub) = ((&self.caller, self.events.len()), self.own_hub.as_str());
            let act = if let Some(copy) = passed.copies.remove(&id) {
                came::take(tx, (own_hub, &*self.regimes, &self.peer), by, &copy)?
            } else if let Some(request) = passed.requests.remove(&id) {
                evidence::came::take(tx, own_hub, by, &request)?
            } else {
                continue;
            };
            self.events.extend(act.map(|event| event.with("peer", self.peer.id.clone())));
        }
        Ok(())
    }

    /// Why an object is kept out whose kind says who may bring it; what is let in about copies of reports and requests for evidence is put into `passed`.
    fn judge(
        &mut self,
        tx: &mut Tx<'_>,
        origin: &str,
        object: &stix::Object,
        passed: &mut LetIn,
    ) -> Result<Option<Outcome>, StoreError> {
        let (here, from) = ((self.own_hub.as_str(), self.collection), (&self.peer, origin));
        match admit::by_peer(tx, here, from, object)? {
            Admission::Granted { has_new_circle } => self.done.has_new_circle |= has_new_circle,
            Admission::Refused(outcome) => return Ok(Some(outcome)),
        }
        match came::judge(tx, here, from, object)? {
            Judged::Nothing => {}
            Judged::Good(found) => drop(passed.copies.insert(object.id().clone(), found)),
            Judged::Bad(outcome) => return Ok(Some(outcome)),
        }
        match evidence::came::judge(tx, here, from, object)? {
            evidence::came::Judged::Nothing => {}
            evidence::came::Judged::Good { passed: found, has_new_circle } => {
                self.done.has_new_circle |= has_new_circle;
                drop(passed.requests.insert(object.id().clone(), found));
            }
            evidence::came::Judged::Bad(outcome) => return Ok(Some(outcome)),
        }
        Ok(None)
    }

    /// Writes down how a version came, or that it was kept out.
    fn note(
        &mut self,
        tx: &mut Tx<'_>,
        verdict: &Verdict,
        envelope: Envelope,
        hash: Option<[u8; 32]>,
    ) -> Result<(), StoreError> {
        let Some(id) = verdict.id.as_deref().and_then(|id| Id::parse(id).ok()) else {
            self.done.counts.refused += 1;
            return Ok(());
        };
        let version_key = routes::version_key(verdict.version.as_deref());
        let known = match &verdict.outcome {
            Outcome::Accepted { .. } => {
                self.done.counts.accepted += 1;
                true
            }
            Outcome::Duplicate { .. } => {
                self.done.counts.duplicates += 1;
                // What was brought in here is here by nobody's leave.
                !routes::of_version(tx, &REALM, &id, &version_key)?.is_empty()
            }
            Outcome::Refused { code, .. } => {
                self.done.counts.refused += 1;
                if let (true, Some(hash)) = (code == "content-conflict", hash) {
                    self.done.counts.conflicts += 1;
                    let version = verdict.version.clone();
                    let conflict = Conflict { id: id.clone(), version, hash, at: tx.now() };
                    peers::note_conflict(tx, &REALM, &self.peer.id, &conflict)?;
                }
                false
            }
        };
        if !known {
            return Ok(());
        }
        let Envelope { origin, organisation, hops, agreement } = envelope;
        let (peer, received) = (self.peer.id.clone(), tx.now());
        let route =
            Route { id, version_key, peer, origin, organisation, hops, agreement, received, held: true };
        routes::put(tx, &REALM, &route)
    }

    /// Ends the routes of a version, and removes it where no other one holds it. Whether it is gone.
    pub(super) fn remove(&mut self, tx: &mut Tx<'_>, gone: &Gone, why: Why) -> Result<bool, StoreError> {
        let version_key = routes::version_key(gone.version.as_deref());
        let through = (why == Why::Withdrawn).then_some(self.peer.hub.as_str());
        let ended = routes::end(tx, &REALM, &gone.id, &version_key, &self.peer.id, through)?;
        if ended != Ended::Free {
            return Ok(false);
        }
        let Some(originator) = routes::brought_by(tx, &REALM, &gone.id)? else { return Ok(false) };
        // What an organisation brought in it may see, whatever its marking.
        let principal = self.as_originator(&originator);
        let visible = self.door.visible(tx, &principal)?;
        let version = gone.version.as_deref().and_then(|text| stix::Timestamp::parse(text).ok());
        let removed = match version {
            Some(version) => {
                objects::remove_version(tx, &REALM, self.collection, &visible, &gone.id, &version)?
            }
            None => objects::remove(tx, &REALM, self.collection, &visible, &gone.id)?,
        };
        redaction::follow_removal(tx, &REALM, self.collection, &gone.id)?;
        if removed > 0 {
            contents::forget(tx, &REALM, &gone.id)?;
        }
        self.done.counts.withdrawn += u64::try_from(removed).unwrap_or(0);
        Ok(removed > 0)
    }

    /// Whoever brought something in, as a program of that organisation: for what it brings, and to find what it brought.
    pub(super) fn as_originator(&self, originator: &OrganisationId) -> Principal {
        let kind = PrincipalKind::Program(self.peer.id.clone());
        Principal { kind, organisation: originator.clone(), ..self.caller.principal.clone() }
    }

    pub(super) fn say_gone(&mut self, why: Why, ids: &[Id]) {
        let reason = match why {
            Why::Withdrawn => "withdrawn",
            Why::NoLongerShared => "no-longer-shared",
        };
        let event = AuditEvent::done(Action::ObjectsDeleted, self.caller.actor.clone(), self.caller.purpose)
            .with("peer", self.peer.id.clone())
            .with("reason", reason);
        let parts = ids.chunks(AUDITED_OBJECTS_MAX);
        self.events.extend(parts.map(|ids| event.clone().on(ids.iter().map(Id::as_str))));
    }
}

fn hash(reading: &Reading) -> Option<[u8; 32]> {
    match reading {
        Reading::Fit(object) => Some(object.canonical_hash()),
        Reading::Unfit(_) => None,
    }
}

/// Slows a peer down that sends more than may be: then its link fills up, and it waits.
struct Pace {
    begun: tokio::time::Instant,
    frames: u32,
}

impl Pace {
    fn new() -> Self {
        Self { begun: tokio::time::Instant::now(), frames: 0 }
    }

    async fn frame(&mut self) {
        self.frames += 1;
        if self.frames < FRAMES_PER_SECOND_MAX {
            return;
        }
        tokio::time::sleep_until(self.begun + Duration::from_secs(1)).await;
        *self = Self::new();
    }
}
