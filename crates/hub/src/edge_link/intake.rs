//! Reported sightings come in: one transaction for the STIX sighting, its row, the case that it opens or joins, the edge's ledger
//! and the audit events. What is answered as accepted is on disk with all of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use api::{NewSighting, SightingOutcome};
use case::{Case, Opening, Rules, Seen, Severity, Triage};
use jiff::{SignedDuration, Timestamp};
use oversight::{Action, AuditEvent, OrganisationRole, PersonRole, Purpose};
use policy::{Label, LabelKey, Personal, Principal, PrincipalKind, TlpLabel, Visible};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::edges::LedgerRow;
use store::objects::{AddOutcome, NewObject};
use store::organisations::Organisation;
use store::sightings::Sighting;
use store::{Act, Reader, StoreError, Tx, cases, edges, labels, objects, organisations, sightings};

use super::reported::{Refused, Reported};
use super::{act, sighting_object};
use crate::api::summaries::{SightingDetail, parse, shown_name};
use crate::casework;
use crate::first_start::coordinator;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::release::sequence_ranges;
use crate::state::AppState;

/// A case with so many entries …
const BUSY_ENTRIES: usize = 20;
/// … that changed within this time is put off: its next version goes to the log with what else joins it.
const BUSY_PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// Most things that an indicator is tied to, for triage.
const THREADS_MAX: usize = 50;
/// Most relationships of one object that are followed.
const RELATIONSHIPS_MAX: usize = 200;
/// What an indicator's, and then a campaign's or malware's, relationships are followed to.
const THREAD_TYPES: [&str; 6] =
    ["campaign", "intrusion-set", "malware", "threat-actor", "tool", "infrastructure"];
/// Relationships that tie an indicator to what it indicates.
const INDICATES: &[&str] = &["indicates", "based-on"];
/// Relationships that tie that to who is behind it and what else they use. Tools and infrastructure are shared by too many to count.
const BEHIND: &[&str] = &["attributed-to", "uses", "variant-of", "authored-by"];

/// Takes sightings in; one outcome each, in their order.
pub(super) async fn take(
    state: &AppState,
    caller: &Caller,
    posted: Vec<NewSighting>,
) -> Answer<Vec<SightingOutcome>> {
    let (work, asker) = (state.clone(), caller.clone());
    let (outcomes, put_off) =
        state.store.write(move |tx| Intake::begin(&work, &asker, tx)?.run(tx, &posted)).await?;
    state.put_off.add(put_off);
    Ok(outcomes)
}

/// What became of each sighting, and which cases are put off.
type Done = (Vec<SightingOutcome>, Vec<Id>);

/// One sighting that can be taken in.
struct Fit {
    position: usize,
    reported: Reported,
    indicator: Arc<Indicator>,
    object: Object,
    label: LabelKey,
}

/// What triage asks of an indicator.
struct Indicator {
    name: String,
    severity: Severity,
    threads: Vec<Id>,
    /// What its own label and those of its threads are: a case that names them bears the join.
    labels: Vec<LabelKey>,
    /// How strictly a sighting of it is marked at least.
    at_least: Tlp,
}

/// What this transaction knows of an open case beside the case.
struct Note {
    label: Label,
    /// The revision and the time of the last change it was read with; a new case has none.
    before: Option<(i64, Timestamp)>,
    /// Sightings that joined it now.
    joined: Vec<Id>,
}

struct Intake<'s> {
    state: &'s AppState,
    caller: &'s Caller,
    operator: Organisation,
    /// What the edge may see.
    visible: Arc<Visible>,
    /// What the node correlates over: as the coordinator's people see it.
    node_visible: Arc<Visible>,
    now: Timestamp,
    rules: Rules,
    indicators: HashMap<Id, Option<Arc<Indicator>>>,
    /// Open cases, and in the same order what is known of them. Timelines are read when a case changes.
    open: Vec<Case>,
    notes: Vec<Note>,
    /// Sightings in no case.
    recent: Vec<Seen>,
    recent_labels: HashMap<Id, LabelKey>,
}

impl<'s> Intake<'s> {
    fn begin(state: &'s AppState, caller: &'s Caller, tx: &Tx<'_>) -> Result<Self, StoreError> {
        let (realm, now, rules) = (caller.realm(), tx.now(), Rules::default());
        let operator = organisations::get(tx, realm, &caller.principal.organisation)?.ok_or_else(|| {
            StoreError::Corrupt(format!("organisation `{}`", caller.principal.organisation))
        })?;
        let (mut open, mut notes) = (Vec::new(), Vec::new());
        for (case, key) in cases::open_heads(tx, realm)? {
            let label =
                labels::get(tx, realm, key)?.ok_or_else(|| StoreError::Corrupt(format!("label {key}")))?;
            notes.push(Note { before: Some((case.revision, case.changed)), label, joined: Vec::new() });
            open.push(case);
        }
        let mut intake = Self {
            visible: state.door.visible(tx, &caller.principal)?,
            node_visible: state.door.visible(tx, &watchkeeper(caller)?)?,
            state,
            caller,
            operator,
            now,
            indicators: HashMap::new(),
            open,
            notes,
            recent: Vec::new(),
            recent_labels: HashMap::new(),
            rules,
        };
        let after = now.checked_sub(intake.rules.window).unwrap_or(Timestamp::MIN);
        for sighting in sightings::for_triage(tx, realm, after)? {
            intake.recent_labels.insert(sighting.id.clone(), sighting.label);
            // A case is named after the sighting that opens it: the names of earlier ones are not asked for.
            intake.recent.push(seen(&sighting, String::new()));
        }
        Ok(intake)
    }

    fn run(mut self, tx: &mut Tx<'_>, posted: &[NewSighting]) -> Result<Act<Done>, StoreError> {
        let mut outcomes = vec![SightingOutcome::Duplicate; posted.len()];
        let mut fit = Vec::new();
        let mut met = HashSet::new();
        for (position, new) in posted.iter().enumerate() {
            match self.judge(tx, position, new, &mut met)? {
                Ok(Some(ready)) => fit.push(ready),
                Ok(None) => {}
                Err(refused) => set(&mut outcomes, position, refused.into()),
            }
        }
        let new: Vec<NewObject> =
            fit.iter().map(|ready| NewObject { object: ready.object.clone(), label: ready.label }).collect();
        let added =
            objects::add(tx, self.caller.realm(), self.state.collection.key, &self.operator.id, &new)?;
        let mut sequences = Vec::new();
        for (ready, added) in fit.into_iter().zip(added) {
            let position = ready.position;
            match added {
                AddOutcome::Added { sequence, .. } => {
                    sequences.push(sequence);
                    self.keep(tx, ready, sequence)?;
                    set(&mut outcomes, position, SightingOutcome::Accepted);
                }
                AddOutcome::Duplicate { .. } => {}
                AddOutcome::Refused { code, message } => {
                    set(&mut outcomes, position, SightingOutcome::Refused { code: code.to_owned(), message });
                }
            }
        }
        let mut events = self.events(&outcomes, &sequences);
        let (changed, put_off) = self.write_cases(tx)?;
        events.extend(changed);
        let (realm, told) = (self.caller.realm(), (outcomes, put_off));
        Ok(if events.is_empty() { Act::bookkeeping(told) } else { Act::audited_all(told, realm, events) })
    }

    /// Reads one sighting; nothing where it was here before.
    fn judge(
        &mut self,
        tx: &mut Tx<'_>,
        position: usize,
        new: &NewSighting,
        met: &mut HashSet<uuid::Uuid>,
    ) -> Result<Result<Option<Fit>, Refused>, StoreError> {
        let reported = match Reported::read(new, self.now) {
            Ok(reported) => reported,
            Err(refused) => return Ok(Err(refused)),
        };
        let id = sighting_object::id(&reported);
        if !met.insert(reported.id) {
            return Ok(Ok(None));
        }
        if sightings::exists(tx, self.caller.realm(), &id)? {
            let known = objects::get(tx, self.caller.realm(), &self.node_visible, &id)?;
            let is_ours = known.is_none_or(|row| row.originator == self.operator.id);
            let taken =
                || Refused::new("id-taken", "another operator's sighting bears this `id`; draw it at random");
            return Ok(if is_ours { Ok(None) } else { Err(taken()) });
        }
        let Some(indicator) = self.indicator(tx, &reported.indicator)? else {
            return Ok(Err(Refused::not_found()));
        };
        // A sighting tells of its indicator, so it is marked at least as strictly.
        let reported = Reported { marking: reported.marking.max(indicator.at_least), ..reported };
        let object = sighting_object::object(&reported, &self.operator.identity, self.caller.id(), self.now)
            .map_err(|error| StoreError::Corrupt(error.message))?;
        let label = Label::of(&object, &self.operator.id, self.caller.realm(), |_| None);
        let label = labels::intern(tx, &label)?;
        Ok(Ok(Some(Fit { position, reported, indicator, object, label })))
    }

    /// What triage asks of an indicator, if the edge may see it.
    fn indicator(&mut self, tx: &Tx<'_>, id: &Id) -> Result<Option<Arc<Indicator>>, StoreError> {
        if let Some(known) = self.indicators.get(id) {
            return Ok(known.clone());
        }
        let row = objects::get(tx, self.caller.realm(), &self.visible, id)?;
        let indicator = match row {
            None => None,
            Some(row) => {
                let object = parse(&row)?;
                let label = labels::get(tx, self.caller.realm(), row.label)?;
                let (threads, mut bearing) = self.threads(tx, id)?;
                bearing.push(row.label);
                Some(Arc::new(Indicator {
                    name: shown_name(&object),
                    severity: case::severity_of(&object),
                    threads,
                    labels: bearing,
                    at_least: label.map_or(Tlp::Red, |label| at_least(&label)),
                }))
            }
        };
        self.indicators.insert(id.clone(), indicator.clone());
        Ok(indicator)
    }

    /// What an indicator is tied to: what it indicates, and one hop further who is behind that. With the labels of all that.
    fn threads(&self, tx: &Tx<'_>, indicator: &Id) -> Result<(Vec<Id>, Vec<LabelKey>), StoreError> {
        let mut threads: BTreeMap<Id, ()> = BTreeMap::new();
        let mut bearing = Vec::new();
        let first = self.targets(tx, indicator, INDICATES, &mut bearing)?;
        for thread in &first {
            for behind in self.targets(tx, thread, BEHIND, &mut bearing)? {
                threads.insert(behind, ());
            }
        }
        threads.extend(first.into_iter().map(|thread| (thread, ())));
        // A tool or an infrastructure that many use ties nothing together.
        let is_thread = |id: &Id| !matches!(id.object_type(), "tool" | "infrastructure");
        Ok((threads.into_keys().filter(is_thread).take(THREADS_MAX).collect(), bearing))
    }

    /// The ends of relationships of some kinds that start at an object.
    fn targets(
        &self,
        tx: &Tx<'_>,
        from: &Id,
        kinds: &[&str],
        bearing: &mut Vec<LabelKey>,
    ) -> Result<Vec<Id>, StoreError> {
        let realm = self.caller.realm();
        let mut targets = Vec::new();
        for mention in objects::referring_to(tx, realm, &self.node_visible, from, RELATIONSHIPS_MAX)? {
            if mention.row.id.object_type() != "relationship" || mention.row.revoked {
                continue;
            }
            let object = parse(&mention.row)?;
            let starts_here = object.text("source_ref") == Some(from.as_str());
            let is_kind = object.text("relationship_type").is_some_and(|kind| kinds.contains(&kind));
            let target = object.text("target_ref").and_then(|id| Id::parse(id).ok());
            let Some(target) =
                target.filter(|id| starts_here && is_kind && THREAD_TYPES.contains(&id.object_type()))
            else {
                continue;
            };
            if let Some(row) =
                objects::get(tx, realm, &self.node_visible, &target)?.filter(|row| !row.revoked)
            {
                bearing.extend([mention.row.label, row.label]);
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// Row, ledger and triage of one sighting that is in the log now.
    fn keep(&mut self, tx: &mut Tx<'_>, ready: Fit, sequence: i64) -> Result<(), StoreError> {
        let realm = self.caller.realm().clone();
        let Fit { reported, indicator, object, label, .. } = ready;
        let detail = SightingDetail {
            values: shown_values(&reported),
            threads: indicator.threads.clone(),
            edge: self.caller.id().to_owned(),
        };
        let sighting = Sighting {
            id: object.id().clone(),
            sequence,
            indicator: reported.indicator.clone(),
            organisation: self.operator.id.clone(),
            first_seen: reported.first_seen,
            last_seen: reported.last_seen,
            count: reported.count,
            severity: indicator.severity,
            label,
            added: self.now,
            case: None,
            detail: serde_json::to_string(&detail).unwrap_or_default(),
        };
        sightings::add(tx, &realm, &sighting)?;
        let row = LedgerRow {
            at: self.now,
            sighting: sighting.id.clone(),
            indicator: sighting.indicator.clone(),
            label,
            contents: contents(&reported),
        };
        edges::note_left(tx, &realm, self.caller.id(), &row)?;
        self.triage(tx, seen(&sighting, indicator.name.clone()), label, &indicator)
    }

    fn triage(
        &mut self,
        tx: &Tx<'_>,
        new: Seen,
        label: LabelKey,
        indicator: &Indicator,
    ) -> Result<(), StoreError> {
        match case::triage(&new, &self.open, &self.recent, &self.rules) {
            Triage::Nothing => {
                self.recent_labels.insert(new.sighting.clone(), label);
                self.recent.push(new);
                Ok(())
            }
            Triage::Join(id) => {
                let mut known = self.open.iter_mut().zip(&mut self.notes);
                let Some((case, note)) = known.find(|(case, _)| case.id == id) else { return Ok(()) };
                if case.timeline.is_empty() {
                    let whole = cases::for_node(tx, self.caller.realm(), &id)?;
                    *case = whole.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?.0;
                }
                if case.join(&new, self.now).is_ok_and(|joined| joined) {
                    let bearing = indicator.labels.iter().copied().chain([label]);
                    note.label = casework::join(tx, self.caller.realm(), note.label.clone(), bearing)?;
                    note.joined.push(new.sighting);
                }
                Ok(())
            }
            Triage::Open { rule, title, severity, with } => {
                let mut bearing: Vec<LabelKey> = indicator.labels.iter().copied().chain([label]).collect();
                let mut members: Vec<Seen> =
                    with.iter().filter_map(|index| self.recent.get(*index)).cloned().collect();
                for seen in &members {
                    bearing.extend(self.recent_labels.get(&seen.sighting));
                    bearing.extend(self.labels_of_recent(tx, seen)?);
                }
                members.push(new);
                self.open_case(tx, (rule, title, severity), &members, &bearing)
            }
        }
    }

    /// Opens a case; [`Self::write_cases`] writes it.
    fn open_case(
        &mut self,
        tx: &Tx<'_>,
        (rule, title, severity): (&str, String, Severity),
        members: &[Seen],
        bearing: &[LabelKey],
    ) -> Result<(), StoreError> {
        let opening = Opening {
            id: casework::new_id(),
            realm: self.caller.realm().clone(),
            // Given when it is written.
            number: 0,
            rule: rule.to_owned(),
            title,
            severity,
            marking: Tlp::Red,
            by: None,
            members: std::collections::BTreeSet::new(),
        };
        let label = self.first_label(tx, bearing)?;
        self.open.push(Case::open(opening, members, self.now));
        let joined: Vec<Id> = members.iter().map(|seen| seen.sighting.clone()).collect();
        self.recent.retain(|seen| !joined.contains(&seen.sighting));
        self.notes.push(Note { label, before: None, joined });
        Ok(())
    }

    /// The labels of what an earlier sighting is about.
    fn labels_of_recent(&self, tx: &Tx<'_>, seen: &Seen) -> Result<Vec<LabelKey>, StoreError> {
        if let Some(Some(known)) = self.indicators.get(&seen.indicator) {
            return Ok(known.labels.clone());
        }
        let (_, mut bearing) = self.threads(tx, &seen.indicator)?;
        let row = objects::get(tx, self.caller.realm(), &self.node_visible, &seen.indicator)?;
        bearing.extend(row.map(|row| row.label));
        Ok(bearing)
    }

    /// The join of some labels, of which there is at least one.
    fn first_label(&self, reader: &Reader<'_>, bearing: &[LabelKey]) -> Result<Label, StoreError> {
        let missing = || StoreError::Corrupt("a case without a label".to_owned());
        let (first, rest) = bearing.split_first().ok_or_else(missing)?;
        let first = labels::get(reader, self.caller.realm(), *first)?.ok_or_else(missing)?;
        casework::join(reader, self.caller.realm(), first.alone(), rest.iter().copied())
    }

    /// Writes each case that changed, once, with its sightings' rows.
    fn write_cases(&mut self, tx: &mut Tx<'_>) -> Result<(Vec<AuditEvent>, Vec<Id>), StoreError> {
        let (realm, collection) = (self.caller.realm().clone(), self.state.collection.key);
        let (mut events, mut put_off) = (Vec::new(), Vec::new());
        for (case, note) in self.open.iter_mut().zip(&self.notes).filter(|(_, note)| !note.joined.is_empty())
        {
            let action = match note.before {
                None => {
                    case.number = cases::next_number(tx, &realm)?;
                    casework::open(tx, collection, case, &note.label)?;
                    Action::CaseOpened
                }
                Some((revision, changed)) => {
                    let is_busy =
                        case.timeline.len() >= BUSY_ENTRIES && self.now.duration_since(changed) < BUSY_PAUSE;
                    casework::change(tx, collection, case, &note.label, (revision, is_busy))?;
                    put_off.extend(is_busy.then(|| case.id.clone()));
                    Action::CaseChanged
                }
            };
            sightings::join_case(tx, &realm, &note.joined, &case.id)?;
            events.push(
                AuditEvent { actor: oversight::Actor::Node, ..act(self.caller, action) }
                    .on([case.id.as_str()]),
            );
        }
        Ok((events, put_off))
    }

    /// What came in, and what was refused.
    fn events(&self, outcomes: &[SightingOutcome], sequences: &[i64]) -> Vec<AuditEvent> {
        const RANGES_MAX: usize = 400;
        let ranges = sequence_ranges(sequences.iter().copied());
        let received =
            |ranges: &[String]| act(self.caller, Action::SightingsReceived).on(ranges.iter().cloned());
        let mut events: Vec<AuditEvent> = ranges.chunks(RANGES_MAX).map(received).collect();
        let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
        for outcome in outcomes {
            if let SightingOutcome::Refused { code, .. } = outcome {
                *refused.entry(code).or_default() += 1;
            }
        }
        for (code, count) in refused {
            let event = AuditEvent::refused(self.caller.actor.clone(), self.caller.purpose, code);
            events.push(event.with("sightings", count.to_string()));
        }
        events
    }
}

/// Who correlates for the council: what its coordinator's duty officer sees.
pub(super) fn watchkeeper(caller: &Caller) -> Result<Principal, StoreError> {
    Ok(Principal {
        kind: PrincipalKind::Person("node".to_owned()),
        organisation: coordinator()?,
        organisation_role: OrganisationRole::Coordinator,
        roles: [PersonRole::DutyOfficer].into(),
        realm: caller.realm().clone(),
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    })
}

/// The level of a label; terms in words count as AMBER, and what bears nothing, or a marking that nobody knows, stays with its
/// originator.
pub(super) fn at_least(label: &Label) -> Tlp {
    match label.tlp {
        _ if !label.unknown.is_empty() => Tlp::Red,
        TlpLabel::Level(level) => level,
        TlpLabel::Unmarked if label.statements.is_empty() => Tlp::Red,
        TlpLabel::Unmarked => Tlp::Amber,
    }
}

fn seen(sighting: &Sighting, indicator_name: String) -> Seen {
    let detail: SightingDetail = serde_json::from_str(&sighting.detail).unwrap_or_default();
    Seen {
        sighting: sighting.id.clone(),
        indicator: sighting.indicator.clone(),
        indicator_name,
        threads: detail.threads,
        severity: sighting.severity,
        organisation: sighting.organisation.clone(),
        at: sighting.last_seen,
    }
}

fn set(outcomes: &mut [SightingOutcome], position: usize, outcome: SightingOutcome) {
    if let Some(place) = outcomes.get_mut(position) {
        *place = outcome;
    }
}

/// Values as the board shows them, most telling first.
fn shown_values(reported: &Reported) -> Vec<String> {
    let information = &reported.information;
    let hashes = information.hashes.iter().map(|(algorithm, digest)| format!("{algorithm}:{digest}"));
    let addresses = information.addresses.iter().map(ToString::to_string);
    information.domains.iter().cloned().chain(hashes).chain(addresses).take(12).collect()
}

/// What was in it, by kind.
fn contents(reported: &Reported) -> Vec<String> {
    let information = &reported.information;
    let counted = [
        ("addresses", information.addresses.len()),
        ("domains", information.domains.len()),
        ("hashes", information.hashes.len()),
        ("ports", information.ports.len()),
        ("protocol", usize::from(information.protocol.is_some())),
        ("bytes", usize::from(information.bytes.is_some())),
    ];
    counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{kind}: {count}"))
        .collect()
}
