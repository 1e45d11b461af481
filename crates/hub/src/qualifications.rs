//! Clearances and oaths of people: entered by one administrator, confirmed by another, ended by any one of them. The REST handlers and
//! the command line call the same functions; whether the actor may is the caller's question.

use api::{HeldQualification, NewQualification};
use jiff::{SignedDuration, Timestamp, Zoned};
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, Qualification};
use policy::Clearances;
use store::people::Person;
use store::qualifications::{self, Held};
use store::{Act, Reader, Store, StoreError, Tx, people};
use uuid::Uuid;

use crate::administration::{By, Error, after, read_time};
use crate::first_start::coordinator;
use crate::principal::organisation_role;
use crate::sharing::{LINE_CHARS_MAX, tell, unfit};

/// How long a second administrator has to confirm.
const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_hours(14 * 24);
/// An account that is younger confirms nothing: else one administrator would make the second.
const ACCOUNT_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Clearances and oaths of one answer.
const LISTED_MAX: i64 = 1_000;
/// Who enters at the command line: whoever has the data folder in hand. No account bears this id.
const NODE: &str = "node";

/// Who enters, confirms or ends, and whose people it may do that for.
#[derive(Debug, Clone)]
pub struct Entrant {
    by: By,
    /// Only people of this organisation; `None`: everybody.
    within: Option<OrganisationId>,
}

/// Whose.
#[derive(Debug, Clone)]
pub enum Whose {
    /// An account, by its id.
    Account(String),
    /// An account, by its sign-in name.
    Login(String),
}

impl Entrant {
    /// Somebody who answers for one organisation's people, or for everybody's.
    #[must_use]
    pub fn new(by: By, within: Option<OrganisationId>) -> Self {
        Self { by, within }
    }

    /// Whoever has the data folder in hand: one person, as far as is known here, and so not both of two.
    fn id(&self) -> &str {
        match &self.by.actor {
            Actor::Person { id, .. } | Actor::Program { id, .. } | Actor::Edge { id, .. } => id,
            Actor::Node | Actor::Stranger => NODE,
        }
    }

    /// A person of those whom this is about; others are not found.
    fn person(&self, reader: &Reader<'_>, whose: &Whose) -> Result<Person, StoreError> {
        let (found, name) = match whose {
            Whose::Account(id) => (people::get(reader, &self.by.realm, id)?, id),
            Whose::Login(login) => (people::by_login(reader, &self.by.realm, login)?, login),
        };
        found
            .filter(|person| self.within.as_ref().is_none_or(|own| *own == person.organisation))
            .ok_or_else(|| StoreError::NotFound { what: name.clone() })
    }

    /// What was entered for one of them.
    fn held(&self, reader: &Reader<'_>, id: &str) -> Result<(Held, Person), StoreError> {
        let held = qualifications::get(reader, &self.by.realm, id)?
            .ok_or_else(|| StoreError::NotFound { what: id.to_owned() })?;
        let person = self.person(reader, &Whose::Account(held.person.clone()));
        person.map(|person| (held, person)).map_err(|_| StoreError::NotFound { what: id.to_owned() })
    }

    fn did(&self, held: &Held, person: &Person, step: &'static str) -> AuditEvent {
        self.by
            .did(Action::QualificationChanged)
            .on([person.id.as_str()])
            .with("step", step)
            .with("entry", held.id.as_str())
            .with("qualification", held.qualification.to_string())
            .with("organisation", person.organisation.as_str())
            .with("since", held.since.to_string())
            .with("until", held.until.to_string())
    }
}

/// Enters one for a person. It holds once a second administrator has confirmed it.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::NotFound`] for the person; [`StoreError::Exists`] where the same one waits.
pub async fn enter(
    store: &Store,
    entrant: Entrant,
    clearances: &Clearances,
    whose: Whose,
    new: &NewQualification,
) -> Result<HeldQualification, Error> {
    let (qualification, since, until) = read(clearances, new, Timestamp::now())?;
    let evidence = line("evidence", &new.evidence)?;
    let enter = move |tx: &mut Tx<'_>| {
        let person = entrant.person(tx, &whose)?;
        if person.id == entrant.id() || person.disabled {
            let why = "nobody enters anything for the own account, and a disabled one is enabled first";
            return Err(unfit("own-or-disabled-account", why));
        }
        if organisation_role(tx, &person.organisation)? == Some(OrganisationRole::Oversight) {
            let why = "who supervises sees no content, and so needs neither clearance nor oath";
            return Err(unfit("supervisor-qualification", why));
        }
        let held = Held {
            id: Uuid::now_v7().to_string(),
            person: person.id.clone(),
            qualification,
            since,
            until,
            evidence,
            asked_by: entrant.id().to_owned(),
            asked: tx.now(),
            expires: after(tx.now(), CONFIRMED_WITHIN),
            decided_by: None,
            decided: None,
            approved: None,
            ended_by: None,
            ended: None,
            reason: None,
        };
        qualifications::add(tx, &entrant.by.realm, &held)?;
        let to = [coordinator()?, person.organisation.clone()].into();
        tell(tx, &entrant.by.realm, to, ("qualification-asked", &held.id), (None, &person.login))?;
        let event = entrant.did(&held, &person, "asked");
        let told = told(tx, &entrant.by, held)?;
        Ok(Act::audited(told, &entrant.by.realm, event))
    };
    Ok(store.write(enter).await?)
}

/// Confirms what another administrator entered: from now on, and in its time, it holds.
///
/// # Errors
/// [`StoreError::NotFound`] where nothing waits; [`StoreError::Abandoned`] from the person itself, from who entered it, and from an
/// account that was just made.
pub async fn confirm(store: &Store, entrant: Entrant, id: &str) -> Result<HeldQualification, Error> {
    let id = id.to_owned();
    let confirm = move |tx: &mut Tx<'_>| {
        let (held, person) = entrant.held(tx, &id)?;
        may_confirm(tx, &entrant, &held)?;
        qualifications::decide(tx, &entrant.by.realm, &id, entrant.id(), None)?;
        let event = entrant.did(&held, &person, "confirmed").with("asked_by", held.asked_by.as_str());
        let told = now(tx, &entrant.by, &id)?;
        Ok(Act::audited(told, &entrant.by.realm, event))
    };
    Ok(store.write(confirm).await?)
}

/// Refuses what waits, or takes it back.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::NotFound`] where nothing waits.
pub async fn refuse(
    store: &Store,
    entrant: Entrant,
    id: &str,
    reason: &str,
) -> Result<HeldQualification, Error> {
    let (id, reason) = (id.to_owned(), line("reason", reason)?);
    let refuse = move |tx: &mut Tx<'_>| {
        let (held, person) = entrant.held(tx, &id)?;
        qualifications::decide(tx, &entrant.by.realm, &id, entrant.id(), Some(&reason))?;
        let event = entrant.did(&held, &person, "refused").with("reason", reason.as_str());
        let told = now(tx, &entrant.by, &id)?;
        Ok(Act::audited(told, &entrant.by.realm, event))
    };
    Ok(store.write(refuse).await?)
}

/// Ends what holds, at once and for open streams too. Taking away needs no second person.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::NotFound`] where it neither holds nor will.
pub async fn end(
    store: &Store,
    entrant: Entrant,
    id: &str,
    reason: &str,
) -> Result<HeldQualification, Error> {
    let (id, reason) = (id.to_owned(), line("reason", reason)?);
    let end = move |tx: &mut Tx<'_>| {
        let (held, person) = entrant.held(tx, &id)?;
        qualifications::end(tx, &entrant.by.realm, &id, entrant.id(), &reason)?;
        let event = entrant.did(&held, &person, "ended").with("reason", reason.as_str());
        let told = now(tx, &entrant.by, &id)?;
        Ok(Act::audited(told, &entrant.by.realm, event))
    };
    Ok(store.write(end).await?)
}

/// What was ever entered for one person, newest first.
///
/// # Errors
/// [`StoreError::NotFound`] for the person.
pub async fn of_person(
    store: &Store,
    entrant: Entrant,
    whose: Whose,
) -> Result<Vec<HeldQualification>, Error> {
    let list = move |reader: &Reader<'_>| {
        let person = entrant.person(reader, &whose)?;
        let held = qualifications::of_person(reader, &entrant.by.realm, &person.id, LISTED_MAX)?;
        held.into_iter().map(|held| told(reader, &entrant.by, held)).collect()
    };
    Ok(store.read(list).await?)
}

/// What waits, holds or will, for all people whom this is about; what ends first comes first.
///
/// # Errors
/// Those of the store.
pub async fn standing(store: &Store, entrant: Entrant) -> Result<Vec<HeldQualification>, Error> {
    let list = move |reader: &Reader<'_>| {
        let held = qualifications::standing(reader, &entrant.by.realm, LISTED_MAX)?;
        let held = held.into_iter().map(|held| told(reader, &entrant.by, held));
        let told = held.collect::<Result<Vec<_>, StoreError>>()?;
        let is_known = |one: &HeldQualification| {
            entrant.within.as_ref().is_none_or(|own| own.as_str() == one.organisation)
        };
        Ok(told.into_iter().filter(is_known).collect())
    };
    Ok(store.read(list).await?)
}

/// Another person than who entered it and than the one whom it is about, and no account that was just made for it.
fn may_confirm(reader: &Reader<'_>, entrant: &Entrant, held: &Held) -> Result<(), StoreError> {
    let by = entrant.id();
    if by == held.asked_by || by == held.person {
        let why = "another administrator than who entered it confirms, and not the person";
        return Err(unfit("confirm-second-person", why));
    }
    if by == NODE {
        return Ok(());
    }
    let account = people::get(reader, &entrant.by.realm, by)?;
    let age = account.map(|person| held.asked.duration_since(person.created));
    if age.is_none_or(|age| age < ACCOUNT_AGE) {
        let why =
            "your account is younger than a day before this was entered; another administrator confirms";
        return Err(unfit("account-too-young", why));
    }
    Ok(())
}

fn read(
    clearances: &Clearances,
    new: &NewQualification,
    now: Timestamp,
) -> Result<(Qualification, Timestamp, Timestamp), Error> {
    let qualification: Qualification =
        new.qualification.parse().map_err(|error: oversight::InvalidQualification| {
            Error::rule("qualification-unknown", format!("qualification: {error}"))
        })?;
    let defined = clearances.get(&qualification).ok_or_else(|| {
        let known: Vec<String> = clearances.iter().map(|(one, _)| format!("`{one}`")).collect();
        let why = format!("qualification: `{qualification}` is none of {}", known.join(", "));
        Error::rule("qualification-unknown", why)
    })?;
    let (since, until) = (read_time("since", &new.since, false)?, read_time("until", &new.until, true)?);
    let latest = years_after(since, defined.years_max);
    if until <= since || until <= now || latest.is_none_or(|latest| until > latest) {
        let why = format!(
            "until: it lies ahead, after `since`, and no more than {} years after it",
            defined.years_max
        );
        return Err(Error::rule("qualification-until", why));
    }
    Ok((qualification, since, until))
}

/// The same day so many years later, to its end.
fn years_after(at: Timestamp, years: i32) -> Option<Timestamp> {
    let at: Zoned = at.to_zoned(jiff::tz::TimeZone::UTC);
    let later = at.checked_add(jiff::Span::new().try_years(years).ok()?).ok()?;
    Some(later.tomorrow().ok()?.timestamp())
}

fn line(what: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    let is_line = (1..=LINE_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_line {
        return Ok(text.to_owned());
    }
    Err(Error::rule("length", format!("{what}: it is one line of 1 to {LINE_CHARS_MAX} characters")))
}

/// As it stands after a change.
fn now(reader: &Reader<'_>, by: &By, id: &str) -> Result<HeldQualification, StoreError> {
    let held = qualifications::get(reader, &by.realm, id)?;
    told(reader, by, held.ok_or_else(|| StoreError::NotFound { what: id.to_owned() })?)
}

fn told(reader: &Reader<'_>, by: &By, held: Held) -> Result<HeldQualification, StoreError> {
    let name = |id: &str| -> Result<String, StoreError> {
        Ok(people::get(reader, &by.realm, id)?.map_or_else(|| id.to_owned(), |person| person.name))
    };
    let person = people::get(reader, &by.realm, &held.person)?;
    let (person_name, organisation) = person.map_or_else(
        || (held.person.clone(), String::new()),
        |person| (person.name, person.organisation.as_str().to_owned()),
    );
    Ok(HeldQualification {
        state: state(&held, reader.now()).to_owned(),
        person_name,
        organisation,
        asked_by_name: name(&held.asked_by)?,
        decided_by_name: held.decided_by.as_deref().map(name).transpose()?,
        ended_by_name: held.ended_by.as_deref().map(name).transpose()?,
        id: held.id,
        person: held.person,
        qualification: held.qualification.to_string(),
        since: held.since.to_string(),
        until: held.until.to_string(),
        evidence: held.evidence,
        asked_by: held.asked_by,
        asked: held.asked.to_string(),
        expires: held.expires.to_string(),
        decided: held.decided.map(|at| at.to_string()),
        ended: held.ended.map(|at| at.to_string()),
        reason: held.reason,
    })
}

fn state(held: &Held, now: Timestamp) -> &'static str {
    match (held.approved, held.ended) {
        (Some(true), Some(_)) => "ended",
        (Some(true), None) if held.until <= now => "over",
        (Some(true), None) if held.is_valid(now) => "valid",
        (Some(true), None) => "coming",
        (Some(false), _) => "refused",
        (None, _) if held.is_open(now) => "asked",
        (None, _) => "expired",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(qualification: &str, since: &str, until: &str, expected: Result<&str, &str>) {
        let engine = policy::Engine::compile(&policy::Engine::built_in()).unwrap();
        let new = NewQualification {
            qualification: qualification.to_owned(),
            since: since.to_owned(),
            until: until.to_owned(),
            evidence: "file 1".to_owned(),
        };
        let found = read(engine.clearances(), &new, "2026-06-01T00:00:00Z".parse().unwrap());
        match (found, expected) {
            (Ok((_, _, until)), Ok(expected)) => assert_eq!(until.to_string(), expected),
            (Err(error), Err(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected), "{error}");
            }
            (found, _) => panic!("{qualification} {since} {until}: {found:?}"),
        }
    }

    #[test]
    fn what_is_entered_is_defined_and_has_an_end() {
        let secret = "clearance:specially-designated-secrets";
        check(secret, "2026-05-01", "2031-05-01", Ok("2031-05-02T00:00:00Z"));
        check(secret, "2026-05-01", "2031-05-02", Err("no more than 5 years"));
        check(secret, "2026-05-01", "2026-05-31", Err("it lies ahead"));
        check(secret, "2026-07-01", "2026-06-30", Err("after `since`"));
        check(secret, "soon", "2026-07-01", Err("since: "));
        check("oath:council-secrecy", "2026-05-01", "2027-01-01T00:00:00+09:00", Ok("2026-12-31T15:00:00Z"));
        check("clearance:top", "2026-05-01", "2027-01-01", Err("`oath:council-secrecy`"));
        check("top", "2026-05-01", "2027-01-01", Err("`clearance:` or `oath:`"));
    }
}
