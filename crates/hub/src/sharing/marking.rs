//! A marking is changed by a new version from the object's originator (STIX 2.1 §7.2, §3.6).

use std::collections::HashMap;

use oversight::{Action, AuditEvent};
use policy::{AcsStatement, Label, Marking, Operation, TlpLabel};
use serde_json::{Map, Value, json};
use stix::marking::Tlp;
use stix::{Id, Object};
use store::objects::Row;
use store::widenings::{self, Widening};
use store::{Reader, StoreError, Tx, labels};

use super::{
    LINE_CHARS_MAX, add_object, change_labels, given_to, recalled, refused, stated, stix_time, tell, unfit,
};
use crate::api::summaries::{parse, shown_name};
use crate::federation::acts;
use crate::meanings::Markings;
use crate::principal::Caller;
use crate::redaction::{self, Whose};
use crate::state::AppState;

/// What a change of marking did.
pub(crate) struct Changed {
    pub(crate) version: String,
    pub(crate) stricter: bool,
    pub(crate) count: usize,
    pub(crate) event: AuditEvent,
}

/// What an object is to be marked with.
pub(crate) struct Wanted<'a> {
    pub(crate) level: Tlp,
    pub(crate) reason: &'a str,
    /// Whether an ACS marking is to say the same besides.
    pub(crate) acs: bool,
}

/// Whether another level lets fewer see an object than may now; no marking at all is the strictest. An ACS marking beside the level
/// that it has opens nothing, and may close something.
///
/// # Errors
/// Those of the database.
pub(crate) fn is_stricter(
    reader: &Reader<'_>,
    caller: &Caller,
    row: &Row,
    wanted: &Wanted<'_>,
) -> Result<bool, StoreError> {
    Ok(match level_now(reader, caller, row)? {
        TlpLabel::Level(now) => wanted.level > now || (wanted.acs && wanted.level == now),
        TlpLabel::Unmarked => false,
    })
}

/// Proposes a freer level to the others of the originator's organisation: nothing is changed before one of them confirms it.
///
/// # Errors
/// Not allowed to the caller, or not possible for this object: the write is taken back with the reason.
pub(crate) fn propose(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    row: &Row,
    wanted: &Wanted<'_>,
) -> Result<(Widening, AuditEvent), StoreError> {
    check(tx, state, caller, row, wanted)?;
    let Wanted { level, reason, acs } = *wanted;
    if acs {
        let why = "a freer level is proposed alone; ask for its ACS marking once it is confirmed";
        return Err(unfit("acs-freer", why));
    }
    // What cannot be carried out is refused now and not when it is confirmed.
    next_version(row, level, tx.now())?;
    let widening = Widening {
        id: uuid::Uuid::now_v7().to_string(),
        object: row.id.clone(),
        version: row.version.clone().unwrap_or_default(),
        name: shown_name(&parse(row)?).chars().take(LINE_CHARS_MAX).collect(),
        originator: row.originator.clone(),
        tlp: level,
        reason: reason.to_owned(),
        proposer: caller.id().to_owned(),
        at: tx.now(),
        state: widenings::State::Open,
        waits: false,
        decider: None,
        decided: None,
        answer: None,
    };
    widenings::add(tx, caller.realm(), &widening)?;
    let event = AuditEvent::done(Action::ReleaseChanged, caller.actor.clone(), caller.purpose)
        .on([row.id.as_str()])
        .with("change", "widening-proposed")
        .with("widening", &widening.id)
        .with("to", level.name());
    Ok((widening, event))
}

/// Adds a version of an object under another level. A stricter level binds the older versions too, so that nobody reads there what
/// the new one withholds; a freer one leaves them as they are marked.
///
/// # Errors
/// Not allowed to the caller, or not possible for this object: the write is taken back with the reason.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    row: &Row,
    wanted: &Wanted<'_>,
) -> Result<Changed, StoreError> {
    let (realm, level, reason) = (caller.realm(), wanted.level, wanted.reason);
    let (label, stricter) = check(tx, state, caller, row, wanted)?;
    let has_parts = redaction::has_marked_parts(&parse(row)?);
    let to = given_to(tx, realm, &row.id, &row.originator)?;
    let copies = redaction::given(tx, realm, (&row.id, &row.originator), None)?;
    let (mut text, bore_statement) = next_version(row, level, tx.now())?;
    let statement = if wanted.acs {
        Some(stated::put_in(&mut text, &row.originator)?)
    } else if bore_statement {
        // It said what the old level said; where ACS has no words for the new one, nothing is said.
        stated::put_in(&mut text, &row.originator).ok()
    } else {
        None
    };
    if stricter {
        change_labels(tx, realm, &row.id, None, |label| tighten(label, level, statement.as_ref()))?;
    }
    let text = Value::Object(text);
    let mut defined = HashMap::new();
    if let Some(statement) = &statement {
        stated::define(tx, realm, (state.collection.key, &row.originator), statement)?;
        defined.insert(statement.id.clone(), Marking::Acs(statement.acs));
    }
    let mut meanings = Markings::of(&state.door, &caller.principal, &defined);
    let mut new = Label { tlp: TlpLabel::Level(level), ..label.alone() };
    if has_parts || bore_statement || statement.is_some() {
        let object =
            Object::parse(text.to_string().into()).map_err(|error| unfit("not-stix", error.message))?;
        new = Label { granted: new.granted, agreement: new.agreement, ..meanings.label(tx, &object)? };
    }
    let (object, _) = add_object(tx, realm, (state.collection.key, &row.originator), &text, |_| new)?;
    let whose = Whose { realm, collection: state.collection.key, originator: &row.originator };
    meanings.follow(tx, whose, &object)?;
    let version = object.version().map(ToString::to_string).unwrap_or_default();
    let event = AuditEvent::done(Action::ReleaseChanged, caller.actor.clone(), caller.purpose)
        .on([row.id.as_str()])
        .with("change", "marking")
        .with("from", label.tlp.word())
        .with("to", level.name())
        .with("told", to.len().to_string());
    acts::carry_marking(tx, &state.federation.own.hub, &row.id, (level, reason))?;
    let mut count = to.len();
    tell(tx, realm, to, ("release-changed", row.id.as_str()), (Some(&row.id), reason))?;
    // Who has a copy is told by the copy's identifier, and does not learn of the original.
    for copy in copies {
        count += copy.to.len();
        let to = copy.to.into_keys().collect();
        tell(tx, realm, to, ("release-changed", copy.id.as_str()), (Some(&copy.id), reason))?;
    }
    Ok(Changed { version, stricter, count, event })
}

/// The level that is changed: where parts bear markings of their own, that of the whole.
fn level_now(reader: &Reader<'_>, caller: &Caller, row: &Row) -> Result<TlpLabel, StoreError> {
    let object = parse(row)?;
    if !redaction::has_marked_parts(&object) {
        return Ok(label_of(reader, caller, row)?.tlp);
    }
    let markings = stix::marking::object_marking_refs(&object);
    let levels = markings.iter().filter_map(stix::marking::tlp).map(TlpLabel::Level);
    Ok(levels.fold(TlpLabel::Unmarked, TlpLabel::join))
}

fn label_of(reader: &Reader<'_>, caller: &Caller, row: &Row) -> Result<Label, StoreError> {
    labels::get(reader, caller.realm(), row.label)?
        .ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))
}

/// The label that an object bears, and whether the level is a stricter one; an error where the caller may not change it so.
fn check(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    row: &Row,
    wanted: &Wanted<'_>,
) -> Result<(Label, bool), StoreError> {
    let label = label_of(reader, caller, row)?;
    if !wanted.acs && level_now(reader, caller, row)? == TlpLabel::Level(wanted.level) {
        return Err(unfit("unchanged", "the object bears this level already"));
    }
    let stricter = is_stricter(reader, caller, row, wanted)?;
    let operation = if stricter { Operation::RestrictRelease } else { Operation::WidenRelease };
    if row.originator != caller.principal.organisation
        || !state.engine.load().check(&caller.principal, operation, &label)
    {
        return Err(refused());
    }
    if label.unknown.contains(&recalled()) {
        return Err(unfit("recalled", "the object is recalled; publish a corrected version instead"));
    }
    Ok((label, stricter))
}

pub(crate) fn tighten(label: &mut Label, level: Tlp, statement: Option<&AcsStatement>) {
    if let TlpLabel::Level(now) = label.tlp {
        let said = statement.map_or(level, |statement| statement.acs.tlp);
        label.tlp = TlpLabel::Level(now.max(level).max(said));
    }
    if let Some(AcsStatement { acs, .. }) = statement {
        label.pap = label.pap.max(Some(acs.pap));
        label.originator_control |= acs.originator_control;
    }
}

/// The object with another level and a new `modified`, and everything else as it was, but for an ACS marking that said what the level
/// said; and whether there was one.
fn next_version(
    row: &Row,
    level: Tlp,
    now: jiff::Timestamp,
) -> Result<(Map<String, Value>, bool), StoreError> {
    let object = parse(row)?;
    if object.get("modified").is_none() {
        let why = "an object without versions keeps its marking; withdraw it and publish it anew";
        return Err(unfit("marking-unversioned", why));
    }
    let mut text: Map<String, Value> = object.properties().clone();
    let is_level = |value: &Value| {
        value.as_str().and_then(|id| Id::parse(id).ok()).is_some_and(|id| stix::marking::tlp(&id).is_some())
    };
    let kept = text.get("object_marking_refs").and_then(Value::as_array).into_iter().flatten();
    let mut markings: Vec<Value> = kept.filter(|value| !is_level(value)).cloned().collect();
    markings.push(json!(level.id()));
    text.insert("object_marking_refs".to_owned(), Value::Array(markings));
    text.insert("modified".to_owned(), Value::String(stix_time(now)));
    let bore_statement = stated::take_out(&mut text, &row.originator);
    Ok((text, bore_statement))
}
