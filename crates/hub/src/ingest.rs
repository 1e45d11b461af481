//! The one way in for objects, whichever door they come through: TAXII, REST, import.
//!
//! 1. The body is read under a limit ([`Ingest::read_body`]); what is too large is never held.
//! 2. It is split into the exact bytes of each object; a body that is no list of objects is refused whole.
//! 3. Each object is parsed and validated on a blocking thread. An error refuses that object, with code, path and section;
//!    warnings let it pass.
//! 4. A run of objects is labelled and added in one transaction together with its audit events. Objects succeed or fail one by
//!    one; what is answered as accepted is on disk.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, header};
use oversight::{Action, Actor, AuditEvent, OrganisationId, Purpose, Realm};
use policy::{AgreementId, Label, Marking, Principal, Visible};
use stix::bundle::BundleError;
use stix::validate::{Finding, Severity};
use stix::{Id, Marks, Object};
use store::collections::CollectionKey;
use store::copies::{self, Concerned};
use store::objects::{AddOutcome, Bringer, NewObject};
use store::{Act, StoreError, Tx, labels, objects};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::config::HubConfig;
use crate::meanings::Markings;
use crate::operations;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::redaction::{self, Whose};
use crate::release::{Door, sequence_ranges};
use crate::reports::came;
use crate::room::admit;
use crate::shares::{Holder, Share, Shares};
use crate::sharing::{stated, waiting};
use crate::state::AppState;

/// Objects of one transaction.
const RUN_OBJECTS_MAX: usize = 2_000;
/// Bodies that are being read or worked on at once, as a multiple of the largest one.
const BODIES_AT_ONCE: usize = 4;
/// One organisation's part of that, as a multiple of the largest body: the others have as much left.
const BODIES_OF_ONE: u64 = 2;
/// How long a body waits for the bodies of the same organisation to be dealt with.
const SHARE_PATIENCE: Duration = Duration::from_secs(3);
/// How long a body waits for those of everybody.
const MEMORY_PATIENCE: Duration = Duration::from_secs(30);
/// Longest silence within a body.
const BODY_SILENCE_MAX: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read and thrown away, so that its sender reads our answer and does not see a broken
/// connection.
const DRAIN_BYTES_MAX: usize = 2 << 30;
/// How long at most.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);
/// Objects that one audit event names at most.
const AUDITED_OBJECTS_MAX: usize = 400;
/// Contradictions that their sender may not know of, which one audit event names at most.
const UNSEEN_NAMED_MAX: usize = 100;

/// The one way in.
pub(crate) struct Ingest {
    bytes_max: usize,
    /// One permit for each KiB of body in memory.
    memory: Arc<Semaphore>,
    /// Who holds how many KiB of it.
    shares: Shares,
}

/// A body in memory, and its share of what bodies may take.
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    /// What is put on its objects before they are read.
    marks: Marks,
    /// Who asks for the ACS marking that says what the others say.
    stated_by: Option<OrganisationId>,
    _held: Held,
}

/// Memory that a body holds: of the hub's, and of its organisation's.
struct Held {
    _memory: OwnedSemaphorePermit,
    _share: Share,
}

/// On whose behalf objects come in, and where to.
#[derive(Debug, Clone)]
pub(crate) struct Submission {
    pub(crate) principal: Principal,
    pub(crate) actor: Actor,
    pub(crate) purpose: Purpose,
    pub(crate) collection: CollectionKey,
    /// The agreement under which a peer hub gives them; it limits who may have them here.
    pub(crate) agreement: Option<AgreementId>,
}

/// What became of each object, in the order of the body.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) verdicts: Vec<Verdict>,
}

/// What became of one object.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// Its identifier, as far as it can be read.
    pub(crate) id: Option<String>,
    /// Its version, as far as it can be read.
    pub(crate) version: Option<String>,
    pub(crate) outcome: Outcome,
    /// Places of the redacted copies that were made of it.
    pub(crate) copies: Vec<i64>,
    /// The proposal that it waits for, where its marking is freer than that of the version before.
    pub(crate) waits: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted { sequence: i64, date_added_us: i64 },
    Duplicate { sequence: i64 },
    Refused { code: String, message: String },
}

impl HeldBody {
    /// What was made of a body, in its place: it takes the body's share of the memory.
    pub(crate) fn with_bytes(self, bytes: Bytes) -> Self {
        Self { bytes, ..self }
    }

    /// The same, with markings for its objects that whoever sends them has chosen.
    pub(crate) fn with_marks(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// The same, with the ACS markings that its objects' markings come to, where an organisation asks for them.
    pub(crate) fn stated_by(self, stated_by: Option<OrganisationId>) -> Self {
        Self { stated_by, ..self }
    }

    /// What splits it into its objects, on a thread where that may take its time.
    fn splitter(&self) -> impl FnOnce() -> Result<Vec<Bytes>, BundleError> + Send + 'static {
        let (bytes, marks, stated_by) = (self.bytes.clone(), self.marks.clone(), self.stated_by.clone());
        move || {
            let mut members = stix::bundle::split(&bytes)?;
            if marks != Marks::default() {
                for member in &mut members {
                    *member = marks.put_on(member);
                }
            }
            match stated_by {
                Some(custodian) => stated::put_on(members, &custodian),
                None => Ok(members),
            }
        }
    }
}

impl Submission {
    pub(crate) fn of(caller: &Caller, collection: CollectionKey) -> Self {
        Self {
            principal: caller.principal.clone(),
            actor: caller.actor.clone(),
            purpose: caller.purpose,
            collection,
            agreement: None,
        }
    }
}

impl Taken {
    pub(crate) fn accepted(&self) -> u64 {
        self.count(|outcome| matches!(outcome, Outcome::Accepted { .. }))
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.count(|outcome| matches!(outcome, Outcome::Duplicate { .. }))
    }

    pub(crate) fn refused(&self) -> u64 {
        self.count(|outcome| matches!(outcome, Outcome::Refused { .. }))
    }

    /// The newest sequence given out or met again.
    pub(crate) fn sequence(&self) -> i64 {
        let sequence = |verdict: &Verdict| match verdict.outcome {
            Outcome::Accepted { sequence, .. } | Outcome::Duplicate { sequence } => Some(sequence),
            Outcome::Refused { .. } => None,
        };
        self.verdicts.iter().filter_map(sequence).max().unwrap_or(0)
    }

    fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> u64 {
        u64::try_from(self.verdicts.iter().filter(|verdict| wanted(&verdict.outcome)).count())
            .unwrap_or(u64::MAX)
    }
}

impl Ingest {
    pub(crate) fn new(config: &HubConfig) -> Self {
        let kib = (config.body_bytes_max.div_ceil(1024) * BODIES_AT_ONCE).min(Semaphore::MAX_PERMITS);
        Self {
            bytes_max: config.body_bytes_max,
            memory: Arc::new(Semaphore::new(kib)),
            shares: Shares::default(),
        }
    }

    /// Reads a body of objects. What is longer than the limit is not kept, whatever its sender announced.
    ///
    /// # Errors
    /// 413 over the limit; 400 where the connection breaks or falls silent; 429 where the caller's organisation has as much under
    /// way as it may.
    pub(crate) async fn read_body(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        body: Body,
    ) -> Answer<HeldBody> {
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let announced = announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut stream = body.into_data_stream();
        if announced.is_some_and(|length| length > self.bytes_max) {
            // Who asked whether to go on is told no, and sends nothing.
            if !headers.contains_key(header::EXPECT) {
                drain(&mut stream).await;
            }
            return Err(self.too_large());
        }
        let held = self.hold(caller, announced.unwrap_or(self.bytes_max)).await?;
        let mut bytes = BytesMut::with_capacity(announced.unwrap_or(64 * 1024));
        loop {
            let silent =
                || Failure::new(Code::BadRequest, "the body fell silent before its end; send it again");
            match tokio::time::timeout(BODY_SILENCE_MAX, stream.next()).await.map_err(|_| silent())? {
                None => {
                    return Ok(HeldBody {
                        bytes: bytes.freeze(),
                        marks: Marks::default(),
                        stated_by: None,
                        _held: held,
                    });
                }
                Some(Err(error)) => {
                    return Err(
                        Failure::new(Code::BadRequest, "the body broke off before its end").caused_by(error)
                    );
                }
                Some(Ok(part)) if bytes.len() + part.len() > self.bytes_max => {
                    drop((bytes, held));
                    drain(&mut stream).await;
                    return Err(self.too_large());
                }
                Some(Ok(part)) => bytes.extend_from_slice(&part),
            }
        }
    }

    /// Waits for memory, first for the organisation's own part.
    async fn hold(&self, caller: &Caller, bytes: usize) -> Answer<Held> {
        let kib = |bytes: usize| u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let holder = Holder::Organisation(caller.principal.organisation.clone());
        let most = u64::from(kib(self.bytes_max)) * BODIES_OF_ONE;
        let share = self.shares.take(&[(holder, most)], u64::from(kib(bytes)), SHARE_PATIENCE).await;
        let share = share.ok_or_else(|| {
            let detail = "your organisation has as many objects under way as it may; wait for some of its requests to be answered";
            Failure::new(Code::TooMany, detail).retry_after(SHARE_PATIENCE)
        })?;
        let memory = Arc::clone(&self.memory).acquire_many_owned(kib(bytes));
        let memory = tokio::time::timeout(MEMORY_PATIENCE, memory).await.map_err(|_| {
            Failure::new(Code::Unavailable, "the node is busy taking in objects; try again later")
        })?;
        Ok(Held { _memory: memory.map_err(Failure::internal)?, _share: share })
    }

    fn too_large(&self) -> Failure {
        let detail =
            format!("the body is larger than {} bytes; send the objects in several requests", self.bytes_max);
        Failure::new(Code::TooLarge, detail)
    }
}

/// Takes in the objects of a body.
///
/// # Errors
/// 422 where the body is no list of objects; the store's errors. Then some runs of a long body may be in already, each whole and
/// with its audit event: sending the same body again adds the rest.
pub(crate) async fn take(state: &AppState, submission: &Submission, body: HeldBody) -> Answer<Taken> {
    let split = body.splitter();
    let split = spawn_blocking(move || split().map(|members| (markings_in(&members), members)));
    let (markings, members) = split
        .await
        .map_err(Failure::internal)?
        .map_err(|error| Failure::rule("bundle-unreadable", format!("{} ({})", error.message, error.code)))?;
    let markings = Arc::new(markings);
    let mut taken = Taken::default();
    let mut runs = members.chunks(RUN_OBJECTS_MAX).map(<[Bytes]>::to_vec);
    // One run is parsed while the one before it is written.
    let mut parsing = runs.next().map(|run| spawn_blocking(move || read_run(&run)));
    let mut since = None;
    while let Some(run) = parsing {
        let readings = run.await.map_err(Failure::internal)?;
        parsing = runs.next().map(|run| spawn_blocking(move || read_run(&run)));
        taken.verdicts.extend(add_run(state, submission, &markings, readings, &mut since).await?);
    }
    for (outcome, count) in
        [("accepted", taken.accepted()), ("duplicate", taken.duplicates()), ("refused", taken.refused())]
    {
        state.metrics.ingested.get_or_create(&operations::Ingested { outcome }).inc_by(count);
    }
    Ok(taken)
}

/// Reads on what somebody sends whose request is answered already, within bounds: many a client reads no answer before it has sent all.
pub(crate) async fn drain(stream: &mut axum::body::BodyDataStream) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(part)) = stream.next().await {
            read += part.len();
            if read > DRAIN_BYTES_MAX {
                break;
            }
        }
    };
    // However it ends, the answer is the same.
    let _ = tokio::time::timeout(DRAIN_TIME_MAX, reading).await;
}

/// One object, read: fit to be added, or refused already.
pub(crate) enum Reading {
    Fit(Box<Object>),
    Unfit(Verdict),
}

fn read_run(members: &[Bytes]) -> Vec<Reading> {
    members.iter().map(read).collect()
}

pub(crate) fn read(bytes: &Bytes) -> Reading {
    let object = match Object::parse(bytes.clone()) {
        Ok(object) => object,
        Err(error) => {
            let (id, version) = identity_of(bytes);
            let outcome = Outcome::Refused { code: error.code.to_owned(), message: error.message };
            return Reading::Unfit(Verdict { id, version, outcome, copies: Vec::new(), waits: None });
        }
    };
    if *object.id() == crate::sharing::recalled() {
        // Whoever defined it could make readable again what another one recalled.
        let message = format!("`{}` is the node's own marking of what is recalled", object.id());
        let outcome = Outcome::Refused { code: "reserved".to_owned(), message };
        return Reading::Unfit(Verdict { outcome, ..verdict_head(&object) });
    }
    match stix::validate::validate(&object).into_iter().find(keeps_out) {
        None => Reading::Fit(Box::new(object)),
        Some(finding) => {
            let message = format!("{}: {} (STIX 2.1 §{})", finding.path, finding.message, finding.section);
            let outcome = Outcome::Refused { code: finding.code.to_owned(), message };
            Reading::Unfit(Verdict { outcome, ..verdict_head(&object) })
        }
    }
}

/// Entries of case rooms are written in their rooms, copies of reports are filed, and evidence is asked for: here nobody knows who wrote them.
fn but_for_what_is_written_here(reading: Reading) -> Reading {
    match reading {
        Reading::Fit(object) => {
            let refusal = admit::refusal(&object)
                .or_else(|| came::refusal(&object))
                .or_else(|| crate::evidence::came::refusal(&object));
            match refusal {
                Some(outcome) => Reading::Unfit(Verdict { outcome, ..verdict_head(&object) }),
                None => Reading::Fit(object),
            }
        }
        unfit @ Reading::Unfit(_) => unfit,
    }
}

/// Why an object that is made here, or was prepared here, breaks a rule of STIX.
pub(crate) fn fault(object: &Object) -> Option<String> {
    let finding = stix::validate::validate(object).into_iter().find(keeps_out)?;
    Some(format!("{}: {} (STIX 2.1 §{})", finding.path, finding.message, finding.section))
}

/// Whether a finding keeps its object out. A broken MUST does, but for one: published collections (ATT&CK for ICS) hold empty lists
/// in properties of their own, which mean nothing to anybody else and can be given back as they came (§2.12).
fn keeps_out(finding: &Finding) -> bool {
    let is_harmless =
        matches!(finding.code, "empty-list" | "empty-dictionary") && finding.path.starts_with("x_");
    finding.severity == Severity::Error && !is_harmless
}

/// `id` and version of something that could not be read as an object, for the answer.
pub(crate) fn identity_of(bytes: &Bytes) -> (Option<String>, Option<String>) {
    #[derive(serde::Deserialize)]
    struct Head {
        id: Option<String>,
        modified: Option<String>,
        created: Option<String>,
    }
    // Anything longer than an identifier or a timestamp is not told back.
    let short = |text: Option<String>| text.filter(|text| text.len() <= 200);
    let head: Option<Head> = serde_json::from_slice(bytes).ok();
    head.map_or((None, None), |head| (short(head.id), short(head.modified.or(head.created))))
}

pub(crate) fn verdict_head(object: &Object) -> Verdict {
    Verdict {
        id: Some(object.id().to_string()),
        version: object.version().map(ToString::to_string),
        outcome: Outcome::Duplicate { sequence: 0 },
        copies: Vec::new(),
        waits: None,
    }
}

/// What the marking definitions of a body mean: objects of the same body may refer to one that follows them.
pub(crate) fn markings_in(members: &[Bytes]) -> HashMap<Id, Marking> {
    let may_be =
        |bytes: &&Bytes| std::str::from_utf8(bytes).is_ok_and(|text| text.contains("\"marking-definition\""));
    let objects = members.iter().filter(may_be).filter_map(|bytes| Object::parse(bytes.clone()).ok());
    // What is recalled stays so, whatever somebody says that the marking of it means.
    let objects = objects.filter(|object| *object.id() != crate::sharing::recalled());
    objects.filter_map(|object| Some((object.id().clone(), Marking::defined_by(&object)?))).collect()
}

/// Labels and adds a run in one transaction. `since` is where the log was when the body's first run came.
async fn add_run(
    state: &AppState,
    submission: &Submission,
    markings: &Arc<HashMap<Id, Marking>>,
    readings: Vec<Reading>,
    since: &mut Option<i64>,
) -> Answer<Vec<Verdict>> {
    let (submission, markings, door) = (submission.clone(), Arc::clone(markings), state.door.clone());
    let readings = readings.into_iter().map(but_for_what_is_written_here).collect();
    // What is brought in meanwhile under a label that is newer than this is as good as not seen.
    let (asked, asker) = (door.clone(), submission.principal.clone());
    let seen = state
        .store
        .read(move |reader| Ok((asked.visible(reader, &asker)?, objects::newest_sequence(reader)?)));
    let (visible, newest) = seen.await?;
    let since = *since.get_or_insert(newest);
    let two_persons = (!state.config.freer_versions_at_once).then_some(since);
    let written = state.store.write(move |tx| {
        let by = By { visible: Some(&visible), two_persons };
        let done = add_seeing(tx, &door, &submission, by, &markings, readings)?;
        let mut events = events_beside(&submission, &done.verdicts, &done.unseen);
        events.extend(done.proposals);
        Ok(if events.is_empty() {
            Act::bookkeeping(done.verdicts)
        } else {
            Act::audited_all(done.verdicts, &submission.principal.realm, events)
        })
    });
    Ok(written.await?)
}

/// Labels and adds a run within a transaction; whoever calls writes down the [`events`] of it in the same one. The verdicts speak of
/// everything that is here, so they are not for whoever brought the objects.
pub(crate) fn add_in(
    tx: &mut Tx<'_>,
    door: &Door,
    submission: &Submission,
    markings: &HashMap<Id, Marking>,
    readings: Vec<Reading>,
) -> Result<Vec<Verdict>, StoreError> {
    Ok(add_seeing(tx, door, submission, By::default(), markings, readings)?.verdicts)
}

/// How objects are brought in.
#[derive(Clone, Copy, Default)]
struct By<'a> {
    /// What whoever is told the verdicts may see.
    visible: Option<&'a Visible>,
    /// Versions under a freer marking than one that stood in the log here or before wait for a second person.
    two_persons: Option<i64>,
}

/// What became of a run.
struct Seen {
    verdicts: Vec<Verdict>,
    /// The identifiers of what came in though it contradicts something that its sender may not see.
    unseen: Vec<String>,
    /// Acts: what waits for a second person.
    proposals: Vec<AuditEvent>,
}

/// The same for somebody who sees something and is told the verdicts.
fn add_seeing(
    tx: &mut Tx<'_>,
    door: &Door,
    submission: &Submission,
    by: By<'_>,
    markings: &HashMap<Id, Marking>,
    readings: Vec<Reading>,
) -> Result<Seen, StoreError> {
    let (realm, originator) = (&submission.principal.realm, &submission.principal.organisation);
    for (marking, meaning) in markings {
        labels::define_marking(tx, realm, marking, *meaning, originator)?;
    }
    let mut fit = Vec::with_capacity(readings.len());
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(readings.len());
    let mut known = Markings::of(door, &submission.principal, markings);
    let ids = readings.iter().filter_map(|reading| match reading {
        Reading::Fit(object) => Some(object.id()),
        Reading::Unfit(_) => None,
    });
    let mut concerned = copies::among(tx, realm, ids)?;
    for reading in readings {
        match reading {
            Reading::Unfit(verdict) => verdicts.push(verdict),
            Reading::Fit(object) if is_own_copy(&concerned, &object, originator) => {
                let message =
                    format!("`{}` is a redacted copy that this node keeps; bring the original", object.id());
                let outcome = Outcome::Refused { code: "not-creator".to_owned(), message };
                verdicts.push(Verdict { outcome, ..verdict_head(&object) });
            }
            Reading::Fit(object) => {
                let mut verdict = verdict_head(&object);
                match known.number(tx, &object, submission.agreement.clone())? {
                    Ok(label) => fit.push(NewObject { object: *object, label }),
                    Err(refused) => verdict.outcome = refused,
                }
                verdicts.push(verdict);
            }
        }
    }
    let bringer = Bringer { organisation: originator, visible: by.visible };
    let waiting::Placed { added, mut waits, proposals } =
        waiting::place(tx, submission, bringer, &fit, by.two_persons)?;
    let unseen =
        added.unseen_conflicts.iter().filter_map(|place| Some(fit.get(*place)?.object.id().to_string()));
    let unseen = unseen.collect();
    let mut outcomes = added.outcomes.into_iter().zip(&fit).enumerate();
    for verdict in verdicts.iter_mut().filter(|verdict| !matches!(verdict.outcome, Outcome::Refused { .. })) {
        let (place, (outcome, new)) =
            outcomes.next().ok_or_else(|| StoreError::Corrupt("an outcome".to_owned()))?;
        verdict.waits = waits.remove(&place);
        // Of what waits, copies are made when it is shown.
        if matches!(outcome, AddOutcome::Added { .. }) && verdict.waits.is_none() {
            let object = &new.object;
            if concerned.originals.contains(object.id()) || redaction::is_followed(object) {
                // A later version in the same body is one of an object that has copies.
                concerned.originals.insert(object.id().clone());
                let whose = Whose { realm, collection: submission.collection, originator };
                verdict.copies = known.follow(tx, whose, object)?;
            }
        }
        verdict.outcome = if says_what_is_known(verdict, &outcome) {
            Outcome::Duplicate { sequence: 0 }
        } else {
            outcome.into()
        };
    }
    Ok(Seen { verdicts, unseen, proposals })
}

/// Whether an organisation brings a copy that the node makes of its own object: the node alone brings versions of that.
fn is_own_copy(concerned: &Concerned, object: &Object, originator: &OrganisationId) -> bool {
    let mut copies = concerned.copies.iter();
    copies.any(|copy| copy.id == *object.id() && copy.originator == *originator)
}

/// Producers write the definitions of the TLP levels with small differences. Their meaning is fixed by their identifiers, so a
/// second way of writing one contradicts nothing; the first is kept.
fn says_what_is_known(verdict: &Verdict, outcome: &AddOutcome) -> bool {
    let is_tlp = || {
        verdict
            .id
            .as_deref()
            .and_then(|id| Id::parse(id).ok())
            .is_some_and(|id| stix::marking::tlp(&id).is_some())
    };
    matches!(outcome, AddOutcome::Refused { code: "content-conflict" | "marking-versioned", .. }) && is_tlp()
}

impl From<AddOutcome> for Outcome {
    fn from(outcome: AddOutcome) -> Self {
        match outcome {
            AddOutcome::Added { sequence, date_added_us } => Self::Accepted { sequence, date_added_us },
            AddOutcome::Duplicate { sequence } => Self::Duplicate { sequence },
            AddOutcome::Refused { code, message } => Self::Refused { code: code.to_owned(), message },
        }
    }
}

/// What is written down of a run: what came in, and what was kept out because it contradicts what is here. An object that is
/// merely invalid is told to its sender and is no act.
pub(crate) fn events(submission: &Submission, verdicts: &[Verdict]) -> Vec<AuditEvent> {
    events_beside(submission, verdicts, &[])
}

/// The same; `unseen` came in and contradict what their sender may not see. They stand in the record that there is anyway: one more
/// leaf of the public log would tell the sender.
fn events_beside(submission: &Submission, verdicts: &[Verdict], unseen: &[String]) -> Vec<AuditEvent> {
    let event = |action| AuditEvent::done(action, submission.actor.clone(), submission.purpose);
    let accepted = verdicts.iter().filter_map(|verdict| match verdict.outcome {
        Outcome::Accepted { sequence, .. } => Some(sequence),
        _ => None,
    });
    let made = verdicts.iter().flat_map(|verdict| verdict.copies.iter().copied());
    let ranges = sequence_ranges(accepted.chain(made));
    let mut events: Vec<AuditEvent> = ranges
        .chunks(AUDITED_OBJECTS_MAX)
        .map(|ranges| event(Action::ObjectsAdded).on(ranges.iter().cloned()))
        .collect();
    if let Some(first) = events.first_mut().filter(|_| !unseen.is_empty()) {
        tracing::warn!(count = unseen.len(), "objects came in that contradict what their sender may not see");
        let named: Vec<&str> = unseen.iter().map(String::as_str).take(UNSEEN_NAMED_MAX).collect();
        *first = first
            .clone()
            .with("unseen_conflicts", unseen.len().to_string())
            .with("unseen_conflict_ids", named.join(" "));
    }
    let mut kept_out: HashMap<&str, Vec<String>> = HashMap::new();
    for verdict in verdicts {
        if let (Outcome::Refused { code, .. }, Some(id)) = (&verdict.outcome, &verdict.id)
            && matches!(
                code.as_str(),
                "content-conflict"
                    | "not-creator"
                    | "revoked"
                    | "marking-versioned"
                    | "wrong-copy"
                    | "not-given"
            )
        {
            kept_out.entry(code).or_default().push(id.clone());
        }
    }
    for (code, ids) in kept_out {
        let base = match code {
            "content-conflict" => {
                AuditEvent { outcome: oversight::Outcome::Refused, ..event(Action::ContentConflict) }
            }
            _ => AuditEvent::refused(submission.actor.clone(), submission.purpose, code),
        };
        events.extend(ids.chunks(AUDITED_OBJECTS_MAX).map(|ids| base.clone().on(ids.iter().cloned())));
    }
    events
}

/// What a body's objects would be labelled, and what of it would be refused before that.
pub(crate) struct Labelled {
    pub(crate) objects: Vec<(Object, Label)>,
    /// With their places in the body.
    pub(crate) unfit: Vec<(usize, Verdict)>,
}

/// The labels that the objects of a body would bear if the caller published them. Nothing is stored.
///
/// # Errors
/// 422 where the body is no list of objects, or where there are more than `objects_max`.
pub(crate) async fn labels_of(
    state: &AppState,
    caller: &Caller,
    body: HeldBody,
    objects_max: usize,
) -> Answer<Labelled> {
    let split = body.splitter();
    let read = spawn_blocking(move || {
        split().map(|members| {
            let readings = members.iter().take(objects_max + 1).map(read).collect::<Vec<_>>();
            (markings_in(&members), readings)
        })
    });
    let (batch, readings) = read
        .await
        .map_err(Failure::internal)?
        .map_err(|error| Failure::rule("bundle-unreadable", format!("{} ({})", error.message, error.code)))?;
    if readings.len() > objects_max {
        let why = format!("there are more than {objects_max} objects; ask for fewer at once");
        return Err(Failure::rule("count", why));
    }
    let (mut objects, mut unfit) = (Vec::with_capacity(readings.len()), Vec::new());
    for (place, reading) in readings.into_iter().enumerate() {
        match reading {
            Reading::Fit(object) => objects.push(*object),
            Reading::Unfit(verdict) => unfit.push((place, verdict)),
        }
    }
    let (door, principal) = (state.door.clone(), caller.principal.clone());
    let two_persons = !state.config.freer_versions_at_once;
    let labelled = state.store.read(move |reader| {
        let mut known = Markings::of(&door, &principal, &batch);
        let mut label = |object: Object| {
            let own = known.label(reader, &object)?;
            let label = if two_persons { waiting::shown_under(reader, &object, own)? } else { own };
            Ok((object, label))
        };
        objects.into_iter().map(&mut label).collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(Labelled { objects: labelled.await?, unfit })
}

/// Objects of the node's own making, such as the marking definitions of the first start.
pub(crate) fn add_own(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    originator: &OrganisationId,
    texts: impl IntoIterator<Item = String>,
) -> Result<Vec<String>, StoreError> {
    let mut own = Vec::new();
    for text in texts {
        let object = Object::parse(Bytes::from(text)).map_err(|error| StoreError::Corrupt(error.message))?;
        let meaning = Marking::defined_by(&object);
        let label = Label::of(&object, originator, realm, |id| meaning.filter(|_| *id == *object.id()));
        own.push(NewObject { label: labels::intern(tx, &label)?, object });
    }
    let added = objects::add(tx, realm, collection, originator, &own)?;
    Ok(sequence_ranges(added.into_iter().filter_map(|outcome| match outcome {
        AddOutcome::Added { sequence, .. } => Some(sequence),
        AddOutcome::Duplicate { .. } | AddOutcome::Refused { .. } => None,
    })))
}
