//! What people open for themselves in an emergency (break-glass): raised in a moment, told at once to those who supervise, over after some
//! hours by itself, and reviewed by another person.
//!
//! What it opens is the policies' to say (`read-in-emergency`), and what it never does stands in the safety specification.

use std::collections::BTreeSet;

use api::{EmergencyInfo, EmergencyReview, NewEmergency};
use jiff::SignedDuration;
use oversight::{Action, AuditEvent, OrganisationId, OrganisationRole};
use policy::{Cover, EmergencyScope, ObjectClass, Operation};
use stix::Id;
use store::emergencies::{self, Emergency};
use store::{Act, Reader, Store, StoreError, Tx, labels, objects, organisations, people};
use uuid::Uuid;

use crate::REALM;
use crate::administration::{By, Error, after};
use crate::first_start::coordinator;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing::{LINE_CHARS_MAX, answered, level, tell, text, unfit};
use crate::state::AppState;

/// How long another person has for the review.
const REVIEWED_WITHIN: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Emergencies of one answer, with a review and without.
const LISTED_MAX: i64 = 500;

/// Raises one for the caller.
///
/// # Errors
/// 409 where one of its own is on; 422.
pub(crate) async fn raise(state: &AppState, caller: &Caller, new: &NewEmergency) -> Answer<EmergencyInfo> {
    let scope = scope(new)?;
    let reason = text("reason", &new.reason, LINE_CHARS_MAX)?;
    let minutes_max = state.config.emergency.minutes_max;
    if !(1..=minutes_max).contains(&new.minutes) {
        let why = format!("minutes: from 1 to {minutes_max}");
        return Err(Failure::rule("emergency-minutes", why).with("max", minutes_max));
    }
    let (asker, length) = (caller.clone(), SignedDuration::from_mins(i64::from(new.minutes)));
    let raise = move |tx: &mut Tx<'_>| {
        let until = after(tx.now(), length);
        let emergency = Emergency {
            id: Uuid::now_v7().to_string(),
            person: asker.id().to_owned(),
            organisation: asker.principal.organisation.clone(),
            scope: scope.to_string(),
            reason,
            raised: tx.now(),
            until,
            ended_by: None,
            review_due: after(until, REVIEWED_WITHIN),
            objects_read: 0,
            reviewed_by: None,
            reviewed: None,
            justified: None,
            finding: None,
        };
        emergencies::add(tx, &REALM, &emergency)?;
        let to = concerned(tx, &emergency.organisation, &scope)?;
        let words = format!("{} · {} · {}", emergency.organisation, emergency.scope, emergency.reason);
        tell(tx, &REALM, to, ("emergency-raised", &emergency.id), (None, &words))?;
        let event = step(&asker, Action::EmergencyRaised, &emergency)
            .with("scope", emergency.scope.as_str())
            .with("reason", emergency.reason.as_str())
            .with("until", until.to_string());
        let told = told(tx, asker.id(), emergency)?;
        Ok(Act::audited(told, &REALM, event))
    };
    let told = answered(state.store.write(raise).await)?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(told)
}

/// Ends one that is on: by who raised it, or who may review it.
///
/// # Errors
/// Not found where it is not on, or is not the caller's to end.
pub(crate) async fn end(state: &AppState, caller: &Caller, id: &str) -> Answer<EmergencyInfo> {
    let (asker, id, reviews) =
        (caller.clone(), id.to_owned(), caller.may(state, Operation::ReviewEmergencies));
    let end = move |tx: &mut Tx<'_>| {
        let emergency = known(tx, &asker, &id, reviews)?;
        emergencies::end(tx, &REALM, &id, asker.id())?;
        let event = step(&asker, Action::EmergencyEnded, &emergency);
        let emergency = known(tx, &asker, &id, reviews)?;
        let told = told(tx, asker.id(), emergency)?;
        Ok(Act::audited(told, &REALM, event))
    };
    let told = answered(state.store.write(end).await)?;
    state.policies.renew().await.map_err(Failure::internal)?;
    Ok(told)
}

/// Says afterwards whether it was justified, as another person.
///
/// # Errors
/// Not found where it is on still, was reviewed, or is not the caller's to review; 422 for one's own.
pub(crate) async fn review(
    state: &AppState,
    caller: &Caller,
    id: &str,
    review: &EmergencyReview,
) -> Answer<EmergencyInfo> {
    let finding = text("finding", &review.finding, LINE_CHARS_MAX)?;
    let (asker, id, justified) = (caller.clone(), id.to_owned(), review.justified);
    let write = move |tx: &mut Tx<'_>| {
        let emergency = known(tx, &asker, &id, true)?;
        if emergency.person == asker.id() {
            return Err(unfit("review-second-person", "another person than who raised it reviews it"));
        }
        emergencies::review(tx, &REALM, &id, asker.id(), (justified, &finding))?;
        let to = [coordinator()?, emergency.organisation.clone()].into();
        let word = if justified { "justified" } else { "unjustified" };
        tell(tx, &REALM, to, ("emergency-reviewed", &id), (None, &format!("{word} · {finding}")))?;
        let event = step(&asker, Action::EmergencyReviewed, &emergency)
            .with("justified", justified.to_string())
            .with("finding", finding.as_str())
            .with("objects_read", emergency.objects_read.to_string());
        let emergency = known(tx, &asker, &id, true)?;
        let told = told(tx, asker.id(), emergency)?;
        Ok(Act::audited(told, &REALM, event))
    };
    answered(state.store.write(write).await)
}

/// Those that the caller knows of: all for who supervises and for the coordinator's reviewers, those of its own organisation for other
/// reviewers, and for everybody its own.
///
/// # Errors
/// Those of the store.
pub(crate) async fn list(state: &AppState, caller: &Caller) -> Answer<Vec<EmergencyInfo>> {
    let (asker, reviews) = (caller.clone(), caller.may(state, Operation::ReviewEmergencies));
    let found = state.store.read(move |reader| {
        let all = emergencies::list(reader, &REALM, LISTED_MAX)?.into_iter();
        let mine = all.filter(|emergency| knows(&asker, emergency, reviews));
        mine.map(|emergency| told(reader, asker.id(), emergency)).collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(found.await?)
}

/// All of them, for whoever has the data folder in hand.
///
/// # Errors
/// Those of the store.
pub async fn all(store: &Store) -> Result<Vec<EmergencyInfo>, Error> {
    let list = |reader: &Reader<'_>| {
        let all = emergencies::list(reader, &REALM, LISTED_MAX)?.into_iter();
        all.map(|emergency| told(reader, "", emergency)).collect::<Result<Vec<_>, StoreError>>()
    };
    Ok(store.read(list).await?)
}

/// Ends one that is on, for whoever has the data folder in hand.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not on.
pub async fn end_by(store: &Store, by: By, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let end = move |tx: &mut Tx<'_>| {
        emergencies::end(tx, &by.realm, &id, "node")?;
        let event = by.did(Action::EmergencyEnded).with("emergency", id.as_str());
        Ok(Act::audited((), &by.realm, event))
    };
    Ok(store.write(end).await?)
}

/// What a person has on now, as policies ask about it.
///
/// # Errors
/// Those of the database.
pub(crate) fn on(reader: &Reader<'_>, person: &str) -> Result<Option<policy::Emergency>, StoreError> {
    let Some(emergency) = emergencies::on(reader, &REALM, person)? else { return Ok(None) };
    let covers = match EmergencyScope::parse(&emergency.scope) {
        Some(EmergencyScope::Level(originator, tlp)) => Cover::Level(originator, tlp),
        Some(EmergencyScope::Class(class)) => Cover::Class(class),
        Some(EmergencyScope::Object(id)) => match objects::standing_label(reader, &REALM, &id)? {
            Some(key) => labels::get(reader, &REALM, key)?
                .map_or(Cover::Nothing, |label| Cover::Label(label.alone().id())),
            None => Cover::Nothing,
        },
        None => Cover::Nothing,
    };
    Ok(Some(policy::Emergency { id: emergency.id, covers }))
}

fn scope(new: &NewEmergency) -> Answer<EmergencyScope> {
    match (&new.originator, &new.tlp, &new.class, &new.object) {
        (Some(originator), Some(tlp), None, None) => {
            let originator = OrganisationId::parse(originator).ok_or_else(|| {
                Failure::rule("short-name", "originator: it is the short name of an organisation")
            })?;
            Ok(EmergencyScope::Level(originator, level(tlp)?))
        }
        (None, None, Some(class), None) => ObjectClass::parse(class)
            .filter(|class| *class != ObjectClass::Several)
            .map(EmergencyScope::Class)
            .ok_or_else(|| {
                Failure::rule(
                    "emergency-class",
                    "class: it is a class of objects, such as `incident` or `report`",
                )
            }),
        (None, None, None, Some(object)) => Id::parse(object).map(EmergencyScope::Object).map_err(|_| {
            Failure::rule("identifier", "object: it is a STIX identifier, such as that of a case")
        }),
        _ => {
            let why = "say to what: `originator` with `tlp`, or `class`, or `object`, and one of them alone";
            Err(Failure::rule("emergency-scope", why))
        }
    }
}

/// Who is told at once: who supervises, the coordinator, the person's organisation, and the one whose objects it is about.
fn concerned(
    reader: &Reader<'_>,
    own: &OrganisationId,
    scope: &EmergencyScope,
) -> Result<BTreeSet<OrganisationId>, StoreError> {
    let council = organisations::list(reader, &REALM)?;
    let originator = match scope {
        EmergencyScope::Level(originator, _) => Some(originator.clone()),
        EmergencyScope::Class(_) => None,
        EmergencyScope::Object(id) => objects::originator(reader, &REALM, id)?,
    };
    let is_told = |id: &OrganisationId, role: OrganisationRole| {
        matches!(role, OrganisationRole::Oversight | OrganisationRole::Coordinator)
            || id == own
            || originator.as_ref() == Some(id)
    };
    let told = council.into_iter().filter(|one| is_told(&one.id, one.role));
    Ok(told.map(|organisation| organisation.id).collect())
}

fn knows(asker: &Caller, emergency: &Emergency, reviews: bool) -> bool {
    let all = matches!(
        asker.principal.organisation_role,
        OrganisationRole::Coordinator | OrganisationRole::Oversight
    );
    emergency.person == asker.id()
        || (reviews && (all || emergency.organisation == asker.principal.organisation))
}

/// One that the caller knows of.
fn known(reader: &Reader<'_>, asker: &Caller, id: &str, reviews: bool) -> Result<Emergency, StoreError> {
    emergencies::get(reader, &REALM, id)?
        .filter(|emergency| knows(asker, emergency, reviews))
        .ok_or_else(|| StoreError::NotFound { what: id.to_owned() })
}

fn step(caller: &Caller, action: Action, emergency: &Emergency) -> AuditEvent {
    AuditEvent::done(action, caller.actor.clone(), caller.purpose)
        .on([emergency.person.as_str()])
        .with("emergency", emergency.id.as_str())
        .with("organisation", emergency.organisation.as_str())
}

fn told(reader: &Reader<'_>, asker: &str, emergency: Emergency) -> Result<EmergencyInfo, StoreError> {
    let name = |id: &str| -> Result<String, StoreError> {
        Ok(people::get(reader, &REALM, id)?.map_or_else(|| id.to_owned(), |person| person.name))
    };
    let now = reader.now();
    let state = match emergency.justified {
        _ if emergency.is_on(now) => "on",
        Some(true) => "justified",
        Some(false) => "unjustified",
        None if emergency.is_overdue(now) => "overdue",
        None => "waits",
    };
    Ok(EmergencyInfo {
        state: state.to_owned(),
        own: emergency.person == asker,
        person_name: name(&emergency.person)?,
        ended_by_name: emergency.ended_by.as_deref().map(name).transpose()?,
        reviewed_by_name: emergency.reviewed_by.as_deref().map(name).transpose()?,
        id: emergency.id,
        person: emergency.person,
        organisation: emergency.organisation.as_str().to_owned(),
        scope: emergency.scope,
        reason: emergency.reason,
        raised: emergency.raised.to_string(),
        until: emergency.until.to_string(),
        review_due: emergency.review_due.to_string(),
        objects_read: emergency.objects_read,
        reviewed: emergency.reviewed.map(|at| at.to_string()),
        finding: emergency.finding,
    })
}
