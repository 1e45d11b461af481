//! Opinions come in: an operator says, through its edge, that an indicator is a false alarm in its network, or takes that back. One
//! transaction for the STIX opinion, the judgement that its originator is told of, the edge's ledger and the audit events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{NewOpinion, SightingOutcome};
use jiff::{SignedDuration, Timestamp};
use oversight::{Action, AuditEvent, EXPLANATION_CHARS_MAX, Judgement, Purpose};
use policy::{Label, Visible};
use serde_json::{Value, json};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::edges::LedgerRow;
use store::objects::{AddOutcome, NewObject, Row};
use store::organisations::Organisation;
use store::{Act, StoreError, Tx, edges, feedback, labels, objects, organisations};

use super::act;
use super::intake::{at_least, watchkeeper};
use super::reported::Refused;
use crate::principal::Caller;
use crate::problem::Answer;
use crate::redaction;
use crate::sharing::{self, stix_time};
use crate::state::AppState;

/// How far an edge's clock may be ahead of the hub's.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(24);
/// The word for it in the judgements of contributions.
const JUDGEMENT: &str = "false-alarm";

/// Takes opinions in; one outcome each, in their order.
pub(super) async fn take(
    state: &AppState,
    caller: &Caller,
    posted: Vec<NewOpinion>,
) -> Answer<Vec<SightingOutcome>> {
    let (work, asker) = (state.clone(), caller.clone());
    let written = state.store.write(move |tx| {
        let mut intake = Intake::begin(&work, &asker, tx)?;
        let mut outcomes = Vec::with_capacity(posted.len());
        for new in &posted {
            outcomes.push(intake.take(tx, new)?);
        }
        let events = intake.events(&outcomes);
        let realm = asker.realm();
        Ok(if events.is_empty() {
            Act::bookkeeping(outcomes)
        } else {
            Act::audited_all(outcomes, realm, events)
        })
    });
    Ok(written.await?)
}

/// An opinion as an edge sent it, read.
struct Opinion {
    id: Id,
    indicator: Id,
    judgement: Judgement,
    explanation: Option<String>,
    withdrawn: bool,
    created: Timestamp,
    modified: Timestamp,
    marking: Tlp,
}

struct Intake<'s> {
    state: &'s AppState,
    caller: &'s Caller,
    operator: Organisation,
    /// What the edge may see.
    visible: Arc<Visible>,
    /// What the node sees, to know whose an identifier is.
    node_visible: Arc<Visible>,
    events: Vec<AuditEvent>,
}

impl<'s> Intake<'s> {
    fn begin(state: &'s AppState, caller: &'s Caller, tx: &Tx<'_>) -> Result<Self, StoreError> {
        let organisation = &caller.principal.organisation;
        let operator = organisations::get(tx, caller.realm(), organisation)?
            .ok_or_else(|| StoreError::Corrupt(format!("organisation `{organisation}`")))?;
        Ok(Self {
            visible: state.door.visible(tx, &caller.principal)?,
            node_visible: state.door.visible(tx, &watchkeeper(caller)?)?,
            state,
            caller,
            operator,
            events: Vec::new(),
        })
    }

    fn take(&mut self, tx: &mut Tx<'_>, new: &NewOpinion) -> Result<SightingOutcome, StoreError> {
        let opinion = match Opinion::read(new, tx.now()) {
            Ok(opinion) => opinion,
            Err(refused) => return Ok(refused.into()),
        };
        let realm = self.caller.realm();
        let Some(row) = objects::get(tx, realm, &self.visible, &opinion.indicator)? else {
            return Ok(Refused::not_found().into());
        };
        if row.originator == self.operator.id {
            return Ok(Refused::new("own", "one does not judge what one brought in oneself").into());
        }
        let known = objects::get(tx, realm, &self.node_visible, &opinion.id)?;
        if known.is_some_and(|known| known.originator != self.operator.id) {
            let why = "another operator's opinion bears this `id`; draw it at random";
            return Ok(Refused::new("id-taken", why).into());
        }
        let label = labels::get(tx, realm, row.label)?;
        let marking = opinion.marking.max(label.as_ref().map_or(Tlp::Red, at_least));
        let object = opinion.object(&self.operator.identity, marking)?;
        let label = self.label(&object, &row);
        let label = labels::intern(tx, &label)?;
        let object_added = NewObject { object: object.clone(), label };
        let added = objects::add(tx, realm, self.state.collection.key, &self.operator.id, &[object_added])?;
        Ok(match added.into_iter().next() {
            Some(AddOutcome::Added { .. }) => {
                self.keep(tx, &opinion, &row, label)?;
                SightingOutcome::Accepted
            }
            Some(AddOutcome::Refused { code, message }) => {
                SightingOutcome::Refused { code: code.to_owned(), message }
            }
            Some(AddOutcome::Duplicate { .. }) | None => SightingOutcome::Duplicate,
        })
    }

    /// By its own markings; and whoever brought the indicator in may read it, for whom it is meant.
    fn label(&self, object: &Object, indicator: &Row) -> Label {
        let mut label = Label::of(object, &self.operator.id, self.caller.realm(), |_| None);
        label.granted.insert(indicator.originator.clone());
        label
    }

    /// The judgement, the edge's ledger, and a word to the indicator's originator.
    fn keep(
        &mut self,
        tx: &mut Tx<'_>,
        opinion: &Opinion,
        row: &Row,
        label: policy::LabelKey,
    ) -> Result<(), StoreError> {
        let (realm, own) = (self.caller.realm(), &self.operator.id);
        // Who judges a copy judges what it was made of.
        let judged = redaction::original_of(tx, realm, &opinion.indicator)?;
        if opinion.withdrawn {
            feedback::withdraw(tx, realm, &judged, own, &opinion.id)?;
        } else {
            feedback::judge(tx, realm, &judged, own, (JUDGEMENT, &opinion.id))?;
        }
        let left = LedgerRow {
            at: tx.now(),
            sighting: opinion.id.clone(),
            indicator: opinion.indicator.clone(),
            label,
            contents: opinion.contents(),
        };
        edges::note_left(tx, realm, self.caller.id(), &left)?;
        let to = BTreeSet::from([row.originator.clone()]);
        let text = opinion.explanation.as_deref().unwrap_or_default();
        sharing::tell(tx, realm, to, ("answer", opinion.id.as_str()), (Some(&opinion.indicator), text))?;
        let word = if opinion.withdrawn { "withdrawn" } else { JUDGEMENT };
        self.events.push(
            act(self.caller, Action::ContributionJudged)
                .on([opinion.indicator.as_str(), opinion.id.as_str()])
                .with("judgement", word),
        );
        Ok(())
    }

    /// What came in, and what was refused.
    fn events(&mut self, outcomes: &[SightingOutcome]) -> Vec<AuditEvent> {
        let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
        for outcome in outcomes {
            if let SightingOutcome::Refused { code, .. } = outcome {
                *refused.entry(code).or_default() += 1;
            }
        }
        let mut events = std::mem::take(&mut self.events);
        for (code, count) in refused {
            let event = AuditEvent::refused(self.caller.actor.clone(), self.caller.purpose, code);
            events.push(event.with("opinions", count.to_string()));
        }
        events
    }
}

impl Opinion {
    /// Reads an opinion that arrived at `now`.
    fn read(new: &NewOpinion, now: Timestamp) -> Result<Self, Refused> {
        let indicator = Id::parse(&new.indicator).ok().filter(|id| id.object_type() == "indicator");
        let (created, modified) = (time("created", &new.created)?, time("modified", &new.modified)?);
        if created > modified || (new.withdrawn && created == modified) {
            return Err(Refused::new("times", "`modified` is not later than `created`"));
        }
        if modified > now.saturating_add(AHEAD_MAX).unwrap_or(Timestamp::MAX) {
            return Err(Refused::new(
                "clock-ahead",
                "`modified` is more than a day ahead of the hub's clock",
            ));
        }
        let explanation = new.explanation.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if explanation.is_some_and(|text| {
            text.chars().count() > EXPLANATION_CHARS_MAX || text.chars().any(char::is_control)
        }) {
            let why = format!("`explanation` has at most {EXPLANATION_CHARS_MAX} characters on one line");
            return Err(Refused::new("explanation", why));
        }
        let is_purpose = Purpose::parse(&new.purpose)
            .is_some_and(|purpose| !matches!(purpose, Purpose::Administration | Purpose::Oversight));
        if !is_purpose {
            return Err(Refused::new("purpose", "`purpose` is none that an opinion is let out for"));
        }
        Ok(Self {
            id: Id::new("opinion", new.id),
            indicator: indicator
                .ok_or_else(|| Refused::new("indicator", "`indicator` is no identifier of an indicator"))?,
            judgement: Judgement::parse(&new.opinion).ok_or_else(|| {
                Refused::new("opinion", "`opinion` is neither `disagree` nor `strongly-disagree`")
            })?,
            explanation: explanation.map(str::to_owned),
            withdrawn: new.withdrawn,
            created,
            modified,
            marking: Tlp::parse(&new.marking).ok_or_else(|| {
                Refused::new("marking", "`marking` is none of clear, green, amber, amber+strict, red")
            })?,
        })
    }

    /// The STIX opinion (2.1 §4.12); one that is taken back is revoked (§3.6).
    fn object(&self, maker: &Id, marking: Tlp) -> Result<Object, StoreError> {
        let mut text = json!({
            "type": "opinion", "spec_version": "2.1", "id": self.id, "created_by_ref": maker,
            "created": stix_time(self.created), "modified": stix_time(self.modified),
            "opinion": self.judgement.name(), "object_refs": [self.indicator], "object_marking_refs": [marking.id()],
        });
        if let Value::Object(properties) = &mut text {
            properties.extend(self.explanation.as_ref().map(|why| ("explanation".to_owned(), json!(why))));
            properties.extend(self.withdrawn.then(|| ("revoked".to_owned(), json!(true))));
        }
        Object::parse(text.to_string().into()).map_err(|error| StoreError::Corrupt(error.message))
    }

    /// What was in it, by kind.
    fn contents(&self) -> Vec<String> {
        let word = format!("opinion: {}", if self.withdrawn { "withdrawn" } else { self.judgement.name() });
        let explanation = self.explanation.as_ref().map(|_| "explanation: 1".to_owned());
        [word].into_iter().chain(explanation).collect()
    }
}

/// To the millisecond, which is what STIX keeps.
fn time(name: &str, text: &str) -> Result<Timestamp, Refused> {
    let at: Option<Timestamp> = text.ends_with('Z').then(|| text.parse().ok()).flatten();
    let at = at.and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok());
    at.ok_or_else(|| Refused::new("times", format!("`{name}` is no time in UTC")))
}
