//! The door: everything that shows objects to somebody goes through [`Door`].
//!
//! 1. Inside of a `store.read` closure ask [`Door::visible`] which labels the principal may read, and hand that to the store.
//! 2. Give what was read to [`Door::release`] with its labels. It proves the release ([`Released`]) and, where an object came from
//!    another organisation than the recipient's own, commits an audit event and the rows of the release ledger *before* the bytes
//!    leave.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use api::Code;
use arc_swap::ArcSwap;
use oversight::{Action, AuditEvent, OrganisationId, Qualification};
use policy::{Engine, LabelKey, Principal, PrincipalKind, Released, Under, Visible};
use stix::Id;
use store::openings::{self, ReaderClass, View};
use store::releases::{self, Delivery};
use store::{Act, Reader, Store, StoreError, labels, objects};

use crate::ledger::{Deliveries, Entry};
use crate::log::Cosigned;
use crate::operations::{self, Metrics};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};

/// Classes of principals remembered at once. More than organisations × combinations of roles of a council.
const CLASSES_MAX: usize = 4096;

/// Ranges that one audit event names at most.
const RANGES_MAX: usize = 1000;

/// Readers of so many classes at once wait for each other while what is opened to them is written down.
const SETTLING: usize = 64;

/// So often it is tried to give a reader what is true for one moment while policies change.
const TRIES_MAX: usize = 8;

/// The one way out. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    engine: Arc<ArcSwap<Engine>>,
    /// What a class may read, as long as neither the labels nor the policies change.
    known: Arc<Mutex<HashMap<Principal, Known>>>,
    /// The views of classes, by name, as long as nothing is opened to them.
    views: Arc<Mutex<Views>>,
    /// Of many readers of a class that find something opened to it, one writes it down.
    settling: Arc<Vec<tokio::sync::Mutex<()>>>,
    deliveries: Deliveries,
    /// Those who look at the log of acts, where there are any.
    witnesses: Option<Arc<Cosigned>>,
}

#[derive(Clone)]
struct Known {
    label_epoch: i64,
    /// Compared by address; held, so that the address is not given to another one.
    engine: Arc<Engine>,
    visible: Arc<Visible>,
    /// Stands for all that `visible` was decided by but the labels' number.
    policies: Arc<str>,
    seal: i64,
}

/// Views with their revisions, by the name of the class.
type Views = HashMap<String, (i64, Arc<View>)>;

/// What a reader that follows the log has before it: what it may read, and in which order.
pub(crate) struct InView {
    pub(crate) visible: Arc<Visible>,
    pub(crate) view: Arc<View>,
}

/// One object version on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaving {
    pub(crate) sequence: i64,
    pub(crate) label: LabelKey,
    /// The organisation that brought it in.
    pub(crate) originator: OrganisationId,
}

/// To whom, what for, and by which door; the door's name stands in the audit event and the metrics.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    pub(crate) caller: Caller,
    pub(crate) door: &'static str,
}

impl From<&objects::Row> for Leaving {
    fn from(row: &objects::Row) -> Self {
        Self { sequence: row.sequence, label: row.label, originator: row.originator.clone() }
    }
}

impl Door {
    pub(crate) fn new(engine: Arc<ArcSwap<Engine>>) -> Self {
        Self {
            engine,
            known: Arc::default(),
            views: Arc::default(),
            settling: Arc::new((0..SETTLING).map(|_| tokio::sync::Mutex::default()).collect()),
            deliveries: Deliveries::default(),
            witnesses: None,
        }
    }

    /// Nothing of one organisation goes to another while these have been away for too long.
    pub(crate) fn with_witnesses(self, witnesses: Option<Arc<Cosigned>>) -> Self {
        Self { witnesses, ..self }
    }

    /// The clearance or oath that a marking definition demands, of those that the policies in force define.
    pub(crate) fn demanded_by(&self, marking: &Id) -> Option<Qualification> {
        self.engine.load().clearances().marked(marking)
    }

    /// The labels that a principal may read, true for the reader's snapshot: a label that is newer than it is not among them.
    ///
    /// Remembered only of what is committed: a transaction that is taken back gives its label numbers to other labels.
    pub(crate) fn visible(
        &self,
        reader: &Reader<'_>,
        principal: &Principal,
    ) -> Result<Arc<Visible>, StoreError> {
        self.known(reader, principal).map(|known| known.visible)
    }

    fn known(&self, reader: &Reader<'_>, principal: &Principal) -> Result<Known, StoreError> {
        let engine = self.engine.load_full();
        let label_epoch = labels::epoch(reader, &principal.realm)?;
        if !reader.is_committed() {
            return work_out(engine, label_epoch, reader, principal);
        }
        let class = class(principal);
        let is_current =
            |known: &&Known| known.label_epoch == label_epoch && Arc::ptr_eq(&known.engine, &engine);
        if let Some(known) =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&class).filter(is_current)
        {
            return Ok(known.clone());
        }
        let worked_out = work_out(engine, label_epoch, reader, principal)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CLASSES_MAX {
            known.clear();
        }
        known.insert(class, worked_out.clone());
        Ok(worked_out)
    }

    /// What a principal that follows the log has before it; `None` where something was opened to its class, or closed, that is
    /// not written down yet: then [`Door::settle`] comes first, and the question is asked anew.
    ///
    /// Whoever gives pages or a stream that are read on by a cursor reads by this and not by [`Door::visible`].
    pub(crate) fn in_view(
        &self,
        reader: &Reader<'_>,
        principal: &Principal,
    ) -> Result<Option<InView>, StoreError> {
        let known = self.known(reader, principal)?;
        if !known.visible.purposes().contains(&principal.purpose) {
            // It is given nothing, and nothing need be remembered of it.
            return Ok(Some(InView { visible: known.visible, view: Arc::default() }));
        }
        let class = reader_class(principal);
        let standing = openings::standing(reader, &principal.realm, &class)?;
        let is_settled = |standing: &openings::Standing| {
            *standing.policies == *known.policies && standing.seal == known.seal
        };
        let Some(standing) = standing.filter(is_settled) else { return Ok(None) };
        let remembered = self.views.lock().unwrap_or_else(PoisonError::into_inner).get(&class.name).cloned();
        if let Some((_, view)) = remembered.filter(|(revision, _)| *revision == standing.revision) {
            return Ok(Some(InView { visible: known.visible, view }));
        }
        let view = Arc::new(openings::view(reader, &principal.realm, &class)?);
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= CLASSES_MAX {
            views.clear();
        }
        views.insert(class.name, (standing.revision, Arc::clone(&view)));
        Ok(Some(InView { visible: known.visible, view }))
    }

    /// Writes down what a class of readers may read now, and opens to it what is behind its readers.
    pub(crate) async fn settle(&self, store: &Store, principal: &Principal) -> Result<(), StoreError> {
        let class = reader_class(principal);
        let turn = self.settling.get(place_of(&class.name, SETTLING));
        let _turn = match turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let (door, asker) = (self.clone(), principal.clone());
        if store.read(move |reader| Ok(door.in_view(reader, &asker)?.is_some())).await? {
            return Ok(());
        }
        let (door, asker) = (self.clone(), principal.clone());
        let written = store.write(move |tx| {
            let known = door.known(tx, &asker)?;
            openings::settle(tx, &asker.realm, &class, &known.visible, &known.policies).map(Act::bookkeeping)
        });
        written.await
    }

    /// Reads what a principal has before it by its view, once that is settled.
    ///
    /// # Errors
    /// Those of the store; `unavailable` where the policies change faster than can be read by them.
    pub(crate) async fn read_in_view<T: Send + 'static>(
        &self,
        store: &Store,
        principal: &Principal,
        read: impl Fn(&Reader<'_>, &InView) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Answer<T> {
        for _ in 0..TRIES_MAX {
            let (door, asker, read) = (self.clone(), principal.clone(), read.clone());
            let found = store.read(move |reader| match door.in_view(reader, &asker)? {
                Some(in_view) => read(reader, &in_view).map(Some),
                None => Ok(None),
            });
            match found.await? {
                Some(found) => return Ok(found),
                None => self.settle(store, principal).await?,
            }
        }
        Err(Failure::new(Code::Unavailable, "what you may see changes just now; ask again in a moment"))
    }

    /// Releases what was made of some object versions, all or nothing, and writes down what another organisation gets to see.
    ///
    /// # Errors
    /// Not found where a label is not to be read, so that a mistake of the caller withholds; `unavailable` while the log's witnesses
    /// have been away for too long; the store's errors. Then nothing may be sent.
    pub(crate) async fn release<T>(
        &self,
        store: &Store,
        metrics: &Metrics,
        recipient: &Recipient,
        visible: &Visible,
        leaving: &[Leaving],
        value: T,
    ) -> Answer<Released<T>> {
        let labels: Vec<LabelKey> = leaving.iter().map(|part| part.label).collect();
        self.release_again(store, metrics, recipient, visible, (&labels, leaving), value).await
    }

    /// The same of what the caller was given in part a short while ago: `labels` are those of all of it, and only `fresh` is written down.
    ///
    /// # Errors
    /// As [`Door::release`].
    pub(crate) async fn release_again<T>(
        &self,
        store: &Store,
        metrics: &Metrics,
        recipient: &Recipient,
        visible: &Visible,
        (labels, fresh): (&[LabelKey], &[Leaving]),
        value: T,
    ) -> Answer<Released<T>> {
        let caller = &recipient.caller;
        if !visible.purposes().contains(&caller.purpose) {
            let detail = format!(
                "nothing is given to you for the purpose `{}`; state another in `X-Yagura-Purpose`",
                caller.purpose
            );
            return Err(Failure::new(Code::NotAllowed, detail));
        }
        let released = visible
            .release(&caller.principal, caller.purpose, labels, value)
            .ok_or_else(Failure::not_found)?;
        let foreign = fresh.iter().filter(|part| part.originator != caller.principal.organisation);
        let entries = entries(recipient, visible, foreign);
        if !entries.is_empty() {
            if let Some(witnesses) = &self.witnesses {
                witnesses.demand()?;
            }
            self.deliveries.write_down(store, entries).await?;
        }
        let count = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
        metrics.released.get_or_create(&operations::Released { door: recipient.door }).inc_by(count);
        Ok(released)
    }
}

fn work_out(
    engine: Arc<Engine>,
    label_epoch: i64,
    reader: &Reader<'_>,
    principal: &Principal,
) -> Result<Known, StoreError> {
    let labels = labels::all(reader, &principal.realm)?;
    let visible = engine.visible(principal, labels.iter().map(|(key, label)| (*key, label)));
    let meanings = labels::changes(reader, &principal.realm)?;
    let policies = format!("{:016x} {meanings} {}", engine.epoch(), principal.organisation_role);
    let seal = openings::seal(&visible);
    Ok(Known { label_epoch, engine, visible: Arc::new(visible), policies: policies.into(), seal })
}

/// Readers that pass the log as one: of an organisation, of one kind, for one purpose, with the same roles, clearances and oaths. A token that takes the
/// place of another goes on with its cursor, and so does one with other roles. The organisation's own role is not in it: when that
/// changes, the same readers may see more.
fn reader_class(principal: &Principal) -> ReaderClass {
    let kind = match principal.kind {
        PrincipalKind::Person(_) => "person",
        PrincipalKind::Program(_) => "program",
        PrincipalKind::Edge(_) => "edge",
        PrincipalKind::Peer(_) => "peer",
    };
    let family = format!("{kind} {} {}", principal.organisation, principal.purpose);
    let roles: Vec<&str> = principal.roles.iter().map(|role| role.name()).collect();
    // Nothing is added for whoever has nothing: such classes keep the names that they have in the store.
    let held = principal.personal.qualifications.iter().map(|one| format!(" {one}"));
    let emergency = principal.personal.emergency.iter().map(|one| format!(" emergency:{}", one.id));
    let held = held.chain(emergency);
    ReaderClass { name: format!("{family} {}{}", roles.join(","), held.collect::<String>()), family }
}

fn place_of(name: &str, places: usize) -> usize {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    usize::try_from(hasher.finish() % u64::try_from(places).unwrap_or(1).max(1)).unwrap_or(0)
}

/// Whether an organisation is told that an object is gone: it brought it in, or was given it. Whoever never had it would learn of it
/// by its end: what is removed stands under a label that was perhaps opened to them afterwards.
pub(crate) fn may_hear_the_end_of(
    reader: &Reader<'_>,
    principal: &Principal,
    id: &Id,
    originator: &OrganisationId,
) -> Result<bool, StoreError> {
    let organisation = &principal.organisation;
    Ok(organisation == originator || releases::was_given(reader, &principal.realm, organisation, id)?)
}

/// What of a principal a decision depends on: all but its own id.
pub(crate) fn class(principal: &Principal) -> Principal {
    let kind = match principal.kind {
        PrincipalKind::Person(_) => PrincipalKind::Person(String::new()),
        PrincipalKind::Program(_) => PrincipalKind::Program(String::new()),
        PrincipalKind::Edge(_) => PrincipalKind::Edge(String::new()),
        PrincipalKind::Peer(_) => PrincipalKind::Peer(String::new()),
    };
    Principal { kind, ..principal.clone() }
}

/// What the audit log and the ledger say of a delivery: an entry for each agreement under which something is given, and for what is given
/// in an emergency alone.
fn entries<'a>(
    recipient: &Recipient,
    visible: &Visible,
    given: impl Iterator<Item = &'a Leaving>,
) -> Vec<Entry> {
    let mut parts: BTreeMap<(Option<&Under>, bool), Vec<i64>> = BTreeMap::new();
    for part in given {
        let key = (visible.under(part.label), visible.is_in_emergency(part.label));
        parts.entry(key).or_default().push(part.sequence);
    }
    let mut entries = Vec::new();
    for ((under, is_urgent), sequences) in parts {
        let runs = runs(sequences.into_iter());
        let emergency =
            recipient.caller.principal.personal.emergency.as_ref().filter(|_| is_urgent).map(|one| &*one.id);
        entries.extend(runs.chunks(RANGES_MAX).map(|runs| entry(recipient, (under, emergency), runs)));
    }
    entries
}

/// What they say of some runs.
fn entry(
    recipient: &Recipient,
    (under, emergency): (Option<&Under>, Option<&str>),
    runs: &[(i64, i64)],
) -> Entry {
    let caller = &recipient.caller;
    let event = AuditEvent::done(Action::ObjectsReleased, caller.actor.clone(), caller.purpose)
        .with("recipient", caller.principal.organisation.as_str())
        .with("door", recipient.door)
        .on(runs.iter().copied().map(range));
    let event = match under {
        Some(under) => event.with("agreement", under.to_string()),
        None => event,
    };
    let event = match emergency {
        Some(emergency) => event.with("emergency", emergency),
        None => event,
    };
    Entry {
        realm: caller.principal.realm.clone(),
        emergency: emergency.map(str::to_owned),
        event,
        delivery: Delivery {
            recipient: caller.principal.organisation.clone(),
            door: recipient.door.to_owned(),
            purpose: caller.purpose,
            under: under.cloned(),
            runs: runs.to_vec(),
            leaf: 0,
        },
    }
}

/// `#first-last` for each run of sequence numbers without a gap, as audit events name many objects.
pub(crate) fn sequence_ranges(sequences: impl Iterator<Item = i64>) -> Vec<String> {
    runs(sequences).into_iter().map(range).collect()
}

fn range((first, last): (i64, i64)) -> String {
    format!("#{first}-{last}")
}

/// The runs of sequence numbers without a gap.
fn runs(sequences: impl Iterator<Item = i64>) -> Vec<(i64, i64)> {
    let sorted: BTreeSet<i64> = sequences.collect();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for sequence in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == sequence => *last = sequence,
            _ => runs.push((sequence, sequence)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use oversight::{OrganisationRole, PersonRole, Realm};
    use policy::{Label, TlpLabel};
    use stix::marking::Tlp;
    use store::{Act, Options};

    use super::*;

    fn label(level: Tlp) -> Label {
        Label {
            tlp: TlpLabel::Level(level),
            ..Label::unmarked(&OrganisationId::parse("agency").unwrap(), &Realm::Live)
        }
    }

    #[tokio::test]
    async fn a_label_that_was_taken_back_does_not_lend_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Path::new(folder.path()), Options::default()).unwrap();
        let engine = Engine::compile(&Engine::built_in()).unwrap();
        let door = Door::new(Arc::new(ArcSwap::from_pointee(engine)));
        let principal = Principal {
            kind: PrincipalKind::Program("p".to_owned()),
            organisation: OrganisationId::parse("operator").unwrap(),
            organisation_role: OrganisationRole::Operator,
            roles: BTreeSet::from([PersonRole::Analyst]),
            realm: Realm::Live,
            purpose: oversight::Purpose::OwnDefence,
            personal: policy::Personal::default(),
        };
        let (asked, asker) = (door.clone(), principal.clone());
        let taken_back = store.write(move |tx| {
            let key = labels::intern(tx, &label(Tlp::Green))?;
            assert!(asked.visible(tx, &asker)?.contains(key));
            Err::<Act<()>, _>(StoreError::Abandoned { code: "test", message: key.to_string() })
        });
        let green = taken_back.await.unwrap_err().to_string();
        let red = store.write(|tx| labels::intern(tx, &label(Tlp::Red)).map(Act::bookkeeping)).await.unwrap();
        assert_eq!(red.to_string(), green, "else this test shows nothing");
        let seen =
            store.read(move |reader| Ok(door.visible(reader, &principal)?.contains(red))).await.unwrap();
        assert!(!seen);
    }

    #[test]
    fn runs_of_sequences_become_ranges() {
        let check = |sequences: &[i64], expected: &[&str]| {
            assert_eq!(sequence_ranges(sequences.iter().copied()), expected, "{sequences:?}");
        };
        check(&[], &[]);
        check(&[7], &["#7-7"]);
        check(&[3, 1, 2, 2, 5], &["#1-3", "#5-5"]);
    }
}
