//! Acting on what was shared: changes of who may see it, recalls, notices; what the nouns of sharing have in common.

pub(crate) mod chosen;
pub(crate) mod consent;
mod grants;
pub(crate) mod marking;
pub(crate) mod seal;
pub(crate) mod stated;
pub(crate) mod waiting;
pub(crate) mod withheld;

use std::collections::BTreeSet;

use api::{Code, StreamEvent};
use bytes::Bytes;
use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use policy::Label;
use stix::marking::Tlp;
use stix::{Id, Object};
use store::collections::CollectionKey;
use store::notices::{self, Notice};
use store::objects::{AddOutcome, NewObject, Relabelled, Standing};
use store::tellings::Audience;
use store::{Reader, StoreError, Tx, labels, objects, organisations, releases};

use crate::api::session::proof_needed;
use crate::problem::{Answer, Failure};
use crate::redaction;
use crate::stream::told;

pub(crate) use grants::{end_grants, grant, run};

/// Most characters of a reason, an answer, a question.
pub(crate) const TEXT_CHARS_MAX: usize = 10_000;
/// Most characters of a line.
pub(crate) const LINE_CHARS_MAX: usize = 300;

/// The code of a write that was taken back for want of a fresh proof.
const UNPROVEN: &str = "fresh-proof-needed";

/// What the reason of a write begins with that is taken back as not allowed.
const FORBIDDEN: &str = "not-allowed";

/// The marking that a recalled version bears beside its own: no policy knows it, so that nobody but the originator reads what
/// bears it. It is the node's; nobody can define it to mean anything else.
pub(crate) const RECALLED: uuid::Uuid = uuid::Uuid::from_u128(0x7d1f_0c52_9b3e_4f6a_8c21_4a90_6e5d_b7f3);

/// The marking definition that [`RECALLED`] stands for.
pub(crate) fn recalled() -> Id {
    Id::new("marking-definition", RECALLED)
}

/// A text of 1 to `max` characters, without blanks around it.
///
/// # Errors
/// 422.
pub(crate) fn text(what: &str, text: &str, max: usize) -> Answer<String> {
    let text = text.trim();
    if (1..=max).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    let detail = format!("{what}: it has 1 to {max} characters");
    Err(Failure::rule("text-length", detail).with("field", what).with("max", max))
}

/// A level of the Traffic Light Protocol by its name.
///
/// # Errors
/// 422.
pub(crate) fn level(name: &str) -> Answer<Tlp> {
    let known = "`clear`, `green`, `amber`, `amber+strict`, `red`";
    Tlp::parse(name).ok_or_else(|| Failure::rule("tlp", format!("tlp: it is one of {known}")))
}

/// A time that lies ahead.
///
/// # Errors
/// 422.
pub(crate) fn ahead(what: &str, text: &str) -> Answer<Timestamp> {
    let wrong =
        |reason: &'static str, why: &str| Failure::rule(reason, format!("{what}: {why}")).with("field", what);
    let at: Timestamp = text.parse().map_err(|_| wrong("time-form", "it is a time as in RFC 3339"))?;
    if at <= Timestamp::now() { Err(wrong("time-past", "it lies in the past")) } else { Ok(at) }
}

/// An organisation of this council.
///
/// # Errors
/// [`StoreError::Abandoned`] where there is none of that name.
pub(crate) fn member(reader: &Reader<'_>, realm: &Realm, name: &str) -> Result<OrganisationId, StoreError> {
    let unknown = || unfit("unknown-organisation", format!("`{name}` is no organisation of this council"));
    let id = OrganisationId::parse(name).ok_or_else(unknown)?;
    organisations::get(reader, realm, &id)?.map(|known| known.id).ok_or_else(unknown)
}

/// What takes a write back with a message for its caller.
pub(crate) fn unfit(code: &'static str, message: impl Into<String>) -> StoreError {
    StoreError::Abandoned { code, message: message.into() }
}

/// Takes a write back where the caller may see a thing but not do this to it.
pub(crate) fn refused() -> StoreError {
    unfit("not-allowed-object", "your role, or your organisation's, does not allow this for this object")
}

/// Takes a write back that lets something out, and whose person did not prove a short while ago who it is.
pub(crate) fn unproven() -> StoreError {
    unfit(UNPROVEN, "a fresh proof is needed")
}

/// The answer to what a write gave: what was taken back as not allowed, or for want of a fresh proof, is answered so.
pub(crate) fn answered<T>(result: Result<T, StoreError>) -> Answer<T> {
    result.map_err(|error| match error {
        StoreError::Abandoned { code: UNPROVEN, .. } => proof_needed(),
        StoreError::Abandoned { code, message } if code.starts_with(FORBIDDEN) => {
            Failure::new(Code::NotAllowed, message).because(code)
        }
        error => error.into(),
    })
}

/// Puts versions of an object (`None`: all) under changed labels, and those of its redacted copies likewise.
///
/// # Errors
/// Those of the database.
pub(crate) fn change_labels(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &Id,
    version: Option<&str>,
    change: impl Fn(&mut Label),
) -> Result<Vec<Relabelled>, StoreError> {
    let moved = objects::relabel(tx, realm, id, |tx, this, key| {
        if version.is_some_and(|wanted| Some(wanted) != this) {
            return Ok(None);
        }
        let label =
            labels::get(tx, realm, key)?.ok_or_else(|| StoreError::Corrupt(format!("label {key}")))?;
        let mut changed = label.clone();
        change(&mut changed);
        if changed == label { Ok(None) } else { labels::intern(tx, &changed).map(Some) }
    })?;
    if let Some(originator) = objects::originator(tx, realm, id)? {
        let on_copy = |copy: &Standing, label: &mut Label| {
            if version.is_none_or(|wanted| copy.version.as_deref() == Some(wanted)) {
                change(label);
            }
        };
        redaction::settle(tx, realm, id, &originator, &on_copy)?;
    }
    Ok(moved)
}

/// The organisations that were given an object, but for its originator.
///
/// # Errors
/// Those of the database.
pub(crate) fn given_to(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &Id,
    originator: &OrganisationId,
) -> Result<BTreeSet<OrganisationId>, StoreError> {
    let recipients = releases::recipients(reader, realm, id)?.into_keys();
    Ok(recipients.filter(|recipient| recipient != originator).collect())
}

/// Puts a notice into inboxes, and tells the open streams of their organisations, at every hub of the node, when it is committed.
///
/// # Errors
/// Those of the database.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    realm: &Realm,
    to: BTreeSet<OrganisationId>,
    (kind, subject): (&'static str, &str),
    (object, text): (Option<&Id>, &str),
) -> Result<(), StoreError> {
    tell_by(tx, realm, to, (kind, subject), (object, text)).map(drop)
}

/// The same, and gives the notice's id.
///
/// # Errors
/// Those of the database.
pub(crate) fn tell_by(
    tx: &mut Tx<'_>,
    realm: &Realm,
    to: BTreeSet<OrganisationId>,
    (kind, subject): (&'static str, &str),
    (object, text): (Option<&Id>, &str),
) -> Result<String, StoreError> {
    let notice = Notice {
        id: uuid::Uuid::now_v7().to_string(),
        at: tx.now(),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        object: object.cloned(),
        text: text.chars().take(LINE_CHARS_MAX).collect(),
        seen: None,
    };
    notices::tell(tx, realm, &to, &notice)?;
    let event = StreamEvent::Notice { kind: kind.to_owned(), subject: subject.to_owned() };
    told::say(tx, realm, &Audience::Organisations(to), &event)?;
    Ok(notice.id)
}

/// Adds an object that is made here on behalf of an organisation, under a label.
///
/// # Errors
/// [`StoreError::Abandoned`] where it is refused.
pub(crate) fn add_object(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (collection, originator): (CollectionKey, &OrganisationId),
    text: &serde_json::Value,
    label: impl FnOnce(&Object) -> Label,
) -> Result<(Object, i64), StoreError> {
    let parsed = Object::parse(Bytes::from(text.to_string()));
    let object = parsed.map_err(|error| unfit("not-stix", error.message))?;
    if let Some(finding) = crate::ingest::fault(&object) {
        return Err(unfit("not-stix", finding));
    }
    let label = labels::intern(tx, &label(&object))?;
    let new = NewObject { object: object.clone(), label };
    let outcomes = objects::add(tx, realm, collection, originator, &[new])?;
    match outcomes.into_iter().next() {
        Some(AddOutcome::Added { sequence, .. }) => Ok((object, sequence)),
        Some(AddOutcome::Duplicate { .. }) => Err(unfit("duplicate", "this is here already")),
        Some(AddOutcome::Refused { code, message }) => Err(unfit(code, message)),
        None => Err(StoreError::Corrupt("an outcome".to_owned())),
    }
}

/// A time as STIX writes it, to the millisecond.
pub(crate) fn stix_time(at: Timestamp) -> String {
    format!("{at:.3}")
}
