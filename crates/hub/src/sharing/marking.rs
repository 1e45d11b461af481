//! A marking is changed by a new version from the object's originator (STIX 2.1 §7.2, §3.6).

use oversight::{Action, AuditEvent};
use policy::{Label, Operation, TlpLabel};
use serde_json::{Map, Value, json};
use stix::Id;
use stix::marking::Tlp;
use store::objects::Row;
use store::{StoreError, Tx, labels};

use super::{Told, add_object, change_labels, given_to, recalled, refused, stix_time, tell, unfit};
use crate::api::summaries::parse;
use crate::principal::Caller;
use crate::state::AppState;

/// What a change of marking did.
pub(crate) struct Changed {
    pub(crate) version: String,
    pub(crate) stricter: bool,
    pub(crate) told: Told,
    pub(crate) count: usize,
    pub(crate) event: AuditEvent,
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
    (level, reason): (Tlp, &str),
) -> Result<Changed, StoreError> {
    let realm = caller.realm();
    let label = labels::get(tx, realm, row.label)?
        .ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))?;
    let stricter = match label.tlp {
        TlpLabel::Level(now) if now == level => {
            return Err(unfit("unchanged", "the object bears this level already"));
        }
        TlpLabel::Level(now) => level > now,
        TlpLabel::Unmarked => false,
    };
    let operation = if stricter { Operation::RestrictRelease } else { Operation::WidenRelease };
    if row.originator != caller.principal.organisation
        || !state.engine.load().check(&caller.principal, operation, &label)
    {
        return Err(refused());
    }
    if label.unknown.contains(&recalled()) {
        return Err(unfit("recalled", "the object is recalled; publish a corrected version instead"));
    }
    let to = given_to(tx, realm, &row.id, &row.originator)?;
    if stricter {
        change_labels(tx, realm, &row.id, None, |label| tighten(label, level))?;
    }
    let text = next_version(row, level, tx.now())?;
    let new = |_: &stix::Object| Label { tlp: TlpLabel::Level(level), ..label.clone() };
    let (object, _) = add_object(tx, realm, (state.collection.key, &row.originator), &text, new)?;
    let version = object.version().map(ToString::to_string).unwrap_or_default();
    let event = AuditEvent::done(Action::ReleaseChanged, caller.actor.clone(), caller.purpose)
        .on([row.id.as_str()])
        .with("change", "marking")
        .with("from", label.tlp.word())
        .with("to", level.name())
        .with("told", to.len().to_string());
    let count = to.len();
    let told = tell(tx, realm, to, ("release-changed", row.id.as_str()), (Some(&row.id), reason))?;
    Ok(Changed { version, stricter, told, count, event })
}

fn tighten(label: &mut Label, level: Tlp) {
    if let TlpLabel::Level(now) = label.tlp {
        label.tlp = TlpLabel::Level(now.max(level));
    }
}

/// The object with another level and a new `modified`, and everything else as it was.
fn next_version(row: &Row, level: Tlp, now: jiff::Timestamp) -> Result<Value, StoreError> {
    let object = parse(row)?;
    if object.get("modified").is_none() {
        let why = "an object without versions keeps its marking; withdraw it and publish it anew";
        return Err(unfit("unversioned", why));
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
    Ok(Value::Object(text))
}
