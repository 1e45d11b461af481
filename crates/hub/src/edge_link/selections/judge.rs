//! Whether a selection is taken: what it says of itself against the grant, the edge that sends it, and what was decided since.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{EntryKind, Selection, SignedSelection};
use serde_json::Value;
use store::authorisations::selections::{self, Kept};
use store::authorisations::{self, Authorisation, log, receipts};
use store::{Reader, StoreError};
use uuid::Uuid;
use vault::{ClassKeyId, Name, day_of};

use super::form;
use crate::principal::Caller;
use crate::retention::Found;

/// How far an edge's clock may stand before the hub's.
const CLOCK_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A selection that may be taken as far as it was looked at.
pub(super) struct Placed {
    pub(super) found: Found,
    /// Authorisation, day of its hour, retention class of its terms.
    pub(super) class_key: ClassKeyId,
    /// What is there under its id.
    pub(super) before: Option<Kept>,
}

/// Why a selection is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// For the edge's operator.
    pub(super) why: String,
    /// What the commission is told, where an edge that keeps to its grants never sends this.
    pub(super) anomaly: Option<(Uuid, &'static str)>,
}

impl Refusal {
    fn plain(why: impl Into<String>) -> Self {
        Self { why: why.into(), anomaly: None }
    }

    fn told(authorisation: Uuid, kind: &'static str, why: impl Into<String>) -> Self {
        Self { why: why.into(), anomaly: Some((authorisation, kind)) }
    }

    pub(super) fn moved(authorisation: Uuid) -> Self {
        Self::told(authorisation, "moved", "something else was handed in under this id")
    }

    pub(super) fn flood(authorisation: Uuid) -> Self {
        let (own, all) = (super::OF_EDGE_MAX, super::OF_DAY_MAX);
        let why = format!(
            "under one authorisation {own} selections of one day are taken from one edge, and {all} from all; there are as many"
        );
        Self::told(authorisation, "flood", why)
    }

    pub(super) fn over() -> Self {
        Self::plain("what is of that hour is not kept any more")
    }

    pub(super) fn unconfigured(class: &str) -> Self {
        Self::plain(format!(
            "this node keeps nothing in the retention class `{class}`: its operator has not configured it"
        ))
    }
}

/// Judges what one edge sends, over one snapshot.
pub(super) struct Judge<'r, 'c> {
    reader: &'r Reader<'c>,
    caller: &'r Caller,
    key: Option<[u8; 32]>,
    known: RefCell<BTreeMap<Uuid, Option<Rc<Grant>>>>,
}

/// An authorisation with the times in which it was stopped.
struct Grant {
    authorisation: Authorisation,
    stops: Vec<(Timestamp, Option<Timestamp>)>,
}

impl<'r, 'c> Judge<'r, 'c> {
    pub(super) fn new(reader: &'r Reader<'c>, caller: &'r Caller) -> Result<Self, StoreError> {
        let key = receipts::key_of(reader, caller.realm(), caller.id())?;
        Ok(Self { reader, caller, key, known: RefCell::default() })
    }

    /// Judges a whole request.
    pub(super) fn all(&self, posted: Vec<Value>) -> Result<Vec<Result<Placed, Refusal>>, StoreError> {
        let mut seen = BTreeSet::new();
        let mut judged = Vec::with_capacity(posted.len());
        for posted in posted {
            let one = self.one(posted)?;
            let id = one.as_ref().ok().map(|placed| placed.found.signed.selection.id);
            judged.push(match id {
                Some(id) if !seen.insert(id) => Err(Refusal::plain("it stands twice in this request")),
                _ => one,
            });
        }
        Ok(judged)
    }

    fn one(&self, posted: Value) -> Result<Result<Placed, Refusal>, StoreError> {
        let Ok(signed) = serde_json::from_value::<SignedSelection>(posted) else {
            return Ok(Err(Refusal::plain("it is no selection")));
        };
        let Some(key) = self.key else {
            return Ok(Err(Refusal::plain("this edge has registered no key")));
        };
        if let Err(refusal) = self.is_granted(&signed, &key)? {
            return Ok(Err(refusal));
        }
        let selection = &signed.selection;
        if let Err(refusal) = self.standing(selection)? {
            return Ok(Err(refusal));
        }
        let Some(grant) = self.grant(selection.authorisation)? else { return Ok(Err(unknown())) };
        let class = &grant.authorisation.terms.retention;
        let Some(class_key) = class_key(selection, class) else {
            return Ok(Err(Refusal::unconfigured(class)));
        };
        let before = selections::by_id(self.reader, self.caller.realm(), selection.id)?;
        if before.as_ref().is_some_and(|before| !is_of(before, selection, &class_key)) {
            return Ok(Err(Refusal::moved(selection.authorisation)));
        }
        Ok(Ok(Placed { found: Found { key: hex::encode(key), signed }, class_key, before }))
    }

    /// Whether the grant lets it leave, at this edge.
    fn is_granted(
        &self,
        signed: &SignedSelection,
        key: &[u8; 32],
    ) -> Result<Result<(), Refusal>, StoreError> {
        let selection = &signed.selection;
        let id = selection.authorisation;
        let operator = &self.caller.principal.organisation;
        let grant = self.grant(id)?.filter(|grant| grant.authorisation.terms.operators.contains(operator));
        let Some(grant) = grant else { return Ok(Err(unknown())) };
        let found = &grant.authorisation;
        let told = |kind, why: &str| Ok(Err(Refusal::told(id, kind, why)));
        if !signed.is_of(key) {
            return told("unsigned", "it is not signed by this edge's key");
        }
        if found.sealed {
            return told("sealed", "the list is sealed: nothing is looked for by it at an edge");
        }
        let is_here = selection.operator == *operator
            && selection.edge == self.caller.id()
            && Some(selection.grant) == found.grant_leaf;
        if !is_here {
            return told(
                "elsewhere",
                "it is about another grant, operator or edge than the one that sends it",
            );
        }
        if !selection.is_within(&found.terms) {
            return told("wider", "the grant does not let this leave");
        }
        if selection.signed().len() > form::SELECTION_BYTES_MAX {
            return Ok(Err(Refusal::plain("it is longer than what one record can give")));
        }
        if !form::is_ours(selection) {
            return told("malformed", "it does not have the form of a selection");
        }
        if selection.hour > self.reader.now() + CLOCK_AHEAD_MAX {
            return Ok(Err(Refusal::plain("its hour lies ahead: look at the edge's clock")));
        }
        Ok(Ok(()))
    }

    /// Whether its whole hour lies where the grant counted. What is of the hour of a stop is not taken: nobody can tell any more
    /// whether it was before.
    pub(super) fn standing(&self, selection: &Selection) -> Result<Result<(), Refusal>, StoreError> {
        let Some(grant) = self.grant(selection.authorisation)? else { return Ok(Err(unknown())) };
        let why = "the authorisation was stopped in its hour, or before";
        Ok(match stop_of(&grant.stops, selection.hour) {
            None => Ok(()),
            Some(Stop::Within) => Err(Refusal::plain(why)),
            Some(Stop::Before) => Err(Refusal::told(selection.authorisation, "stopped", why)),
        })
    }

    /// What was granted once; `None` where there is no such thing.
    fn grant(&self, id: Uuid) -> Result<Option<Rc<Grant>>, StoreError> {
        if let Some(known) = self.known.borrow().get(&id) {
            return Ok(known.clone());
        }
        let found = authorisations::get(self.reader, self.caller.realm(), id)?;
        let found = match found.filter(|found| found.state.was_granted()) {
            Some(authorisation) => {
                let stops = stops(&log::steps_of(self.reader, id)?);
                Some(Rc::new(Grant { authorisation, stops }))
            }
            None => None,
        };
        self.known.borrow_mut().insert(id, found.clone());
        Ok(found)
    }
}

/// From when until when it was stopped.
fn stops(steps: &[(EntryKind, Timestamp)]) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut stops: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
    for (kind, at) in steps {
        let is_open = stops.last().is_some_and(|(_, until)| until.is_none());
        match (kind, is_open) {
            (EntryKind::Suspend | EntryKind::Revoke, false) => stops.push((*at, None)),
            (EntryKind::Resume, true) => {
                if let Some((_, until)) = stops.last_mut() {
                    *until = Some(*at);
                }
            }
            _ => {}
        }
    }
    stops
}

/// Where a stop lies that an hour falls to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// In the hour itself.
    Within,
    /// The hour had not begun.
    Before,
}

fn stop_of(stops: &[(Timestamp, Option<Timestamp>)], hour: Timestamp) -> Option<Stop> {
    let stop =
        stops.iter().find(|(from, until)| hour + HOUR > *from && until.is_none_or(|until| hour < until));
    stop.map(|(from, _)| if hour >= *from { Stop::Before } else { Stop::Within })
}

/// By the day of its own hour: it is kept no longer for having come late, and comes back under no later key.
fn class_key(selection: &Selection, class: &str) -> Option<ClassKeyId> {
    let authorisation = Name::new(selection.authorisation.to_string()).ok()?;
    ClassKeyId::new(authorisation, day_of(selection.hour), Name::new(class).ok()?).ok()
}

fn is_of(before: &Kept, selection: &Selection, class_key: &ClassKeyId) -> bool {
    let row = &before.selection;
    row.authorisation == selection.authorisation
        && row.operator == selection.operator
        && row.edge == selection.edge
        && row.class_key == class_key.to_string()
}

/// The same for what was never there and for what is not this operator's.
fn unknown() -> Refusal {
    Refusal::plain("there is no grant of this at this operator")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_are_the_times_between_a_stop_and_what_ended_it() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let check = |steps: &[(EntryKind, i64)], expected: &[(i64, Option<i64>)]| {
            let steps: Vec<_> = steps.iter().map(|(kind, seconds)| (*kind, at(*seconds))).collect();
            let expected: Vec<_> = expected.iter().map(|(from, until)| (at(*from), until.map(at))).collect();
            assert_eq!(stops(&steps), expected);
        };
        use EntryKind::{Grant, Request, Resume, Revoke, Suspend};
        check(&[(Request, 1), (Grant, 2)], &[]);
        check(&[(Grant, 2), (Revoke, 5)], &[(5, None)]);
        check(&[(Grant, 2), (Suspend, 5), (Resume, 7)], &[(5, Some(7))]);
        check(&[(Grant, 2), (Suspend, 5), (Revoke, 7)], &[(5, None)]);
        check(&[(Grant, 2), (Suspend, 5), (Resume, 7), (Revoke, 9)], &[(5, Some(7)), (9, None)]);
    }
    #[test]
    fn an_hour_counts_where_all_of_it_lies_outside_of_the_stops() {
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        let check = |stops: &[(i64, Option<i64>)], hour: i64, expected: Option<Stop>| {
            let stops: Vec<_> = stops.iter().map(|(from, until)| (at(*from), until.map(at))).collect();
            assert_eq!(stop_of(&stops, at(hour * 60)), expected, "{hour}");
        };
        let revoked = [(150, None)];
        check(&revoked, 1, None);
        check(&revoked, 2, Some(Stop::Within));
        check(&revoked, 3, Some(Stop::Before));
        check(&[(120, None)], 1, None);
        check(&[(120, None)], 2, Some(Stop::Before));
        let suspended = [(150, Some(270))];
        for (hour, expected) in
            [(1, None), (2, Some(Stop::Within)), (3, Some(Stop::Before)), (4, Some(Stop::Before)), (5, None)]
        {
            check(&suspended, hour, expected);
        }
        check(&[(150, Some(170)), (1_000, None)], 3, None);
    }
}
