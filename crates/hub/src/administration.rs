//! Organisations, people, tokens and edges: added and removed here, whoever asks. The REST handlers, the first start and the
//! command line (over the data folder of a hub that is stopped) call the same functions.
//!
//! What is asked for is read whole before anything is written; whether the actor may is the caller's question.

use std::collections::BTreeSet;

use api::{Code, NewEdge, NewOrganisation, NewPerson, NewToken};
use jiff::{SignedDuration, Timestamp};
use oversight::{
    Action, Actor, AuditEvent, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm, Sector,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use stix::Id;
use store::certificates::Holder;
use store::edges::Edge;
use store::organisations::Organisation;
use store::people::Person;
use store::tokens::{Door, Token};
use store::{
    Act, Reader, Store, StoreError, Tx, certificates, credentials, edges, links, organisations, people,
    secrets, sessions, tokens,
};
use uuid::Uuid;

use crate::api::anonymous::ANONYMOUS;
use crate::first_start::add_identity;
use crate::principal::{Caller, EDGE_PREFIX, PROGRAM_PREFIX};
use crate::problem::Failure;
use crate::room::names::parts;
use crate::tls;

/// How long a printed sign-in link can be used.
pub const LINK_VALID: SignedDuration = SignedDuration::from_hours(24);
/// How long a token is good where nothing else is asked for.
const TOKEN_VALID: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The longest a token can be good.
const TOKEN_VALID_MAX: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);
/// Longest name of anything, in characters.
const NAME_CHARACTERS_MAX: usize = 200;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be done at this node, or with what was given to the command line; nothing was written.
    #[error("{0}")]
    Invalid(String),
    /// What was asked for breaks a rule that has a name in [`api::REASONS`]; nothing was written.
    #[error("{message}")]
    Rule {
        /// Which rule.
        reason: &'static str,
        /// This case in particular, and the remedy.
        message: String,
    },
    /// The store could not: the name is taken, it is not there, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// A rule was broken: which one, by a word of [`api::REASONS`], and what the caller may read.
    pub(crate) fn rule(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Rule { reason, message: message.into() }
    }
}

/// Who asks, in which world.
#[derive(Debug, Clone)]
pub struct By {
    /// The world.
    pub realm: Realm,
    /// Who.
    pub actor: Actor,
}

impl By {
    /// The node itself: the first start, and whoever has the data folder in hand.
    #[must_use]
    pub fn node(realm: Realm) -> Self {
        Self { realm, actor: Actor::Node }
    }

    pub(crate) fn did(&self, action: Action) -> AuditEvent {
        AuditEvent::done(action, self.actor.clone(), Purpose::Administration)
    }
}

impl Caller {
    /// In the caller's name.
    pub(crate) fn by(&self) -> By {
        By { realm: self.realm().clone(), actor: self.actor.clone() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(why) => Self::new(Code::Unprocessable, why),
            Error::Rule { reason, message } => Self::rule(reason, message),
            Error::Store(error) => error.into(),
        }
    }
}

/// Adds an organisation, and its STIX identity to the log.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::Exists`].
pub async fn add_organisation(store: &Store, by: By, new: &NewOrganisation) -> Result<Organisation, Error> {
    let organisation = read_organisation(new)?;
    let add = move |tx: &mut Tx<'_>| {
        let organisation = Organisation { created: tx.now(), ..organisation };
        organisations::add(tx, &by.realm, &organisation)?;
        let logged = add_identity(tx, &by.realm, &organisation)?;
        let event = by.did(Action::OrganisationChanged).on([organisation.identity.as_str()]);
        let event =
            event.with("organisation", organisation.id.as_str()).with("role", organisation.role.name());
        let events = vec![event, by.did(Action::ObjectsAdded).on(logged)];
        Ok(Act::audited_all(organisation, &by.realm, events))
    };
    Ok(store.write(add).await?)
}

/// Adds a person, and gives the secret of the one-time link that the person signs in with.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::Exists`]; [`StoreError::NotFound`] for the organisation.
pub async fn add_person(store: &Store, by: By, new: &NewPerson) -> Result<(Person, String), Error> {
    let person = read_person(new)?;
    let secret = secrets::generate("")?;
    let hash = secrets::hash(&secret);
    let add = move |tx: &mut Tx<'_>| {
        let organisation = known_organisation(tx, &by.realm, &person.organisation)?;
        suit(&organisation, &person.roles)?;
        let person = Person { created: tx.now(), ..person };
        people::add(tx, &by.realm, &person)?;
        links::add(tx, &by.realm, &hash, &person.id, after(tx.now(), LINK_VALID))?;
        let event = by.did(Action::PersonChanged).on([person.id.as_str()]);
        let event =
            event.with("organisation", person.organisation.as_str()).with("roles", names(&person.roles));
        Ok(Act::audited(person, &by.realm, event))
    };
    Ok((store.write(add).await?, secret))
}

/// A new one-time link for a person who is known, in place of older ones: for the first sign-in, and for who lost the key.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn new_link(store: &Store, by: By, login: &str) -> Result<String, Error> {
    let (login, secret) = (login.to_owned(), secrets::generate("")?);
    let hash = secrets::hash(&secret);
    let add = move |tx: &mut Tx<'_>| {
        let person = people::by_login(tx, &by.realm, &login)?.ok_or(StoreError::NotFound { what: login })?;
        links::remove_all(tx, &by.realm, &person.id)?;
        links::add(tx, &by.realm, &hash, &person.id, after(tx.now(), LINK_VALID))?;
        let event = by.did(Action::CredentialChanged).on([person.id.as_str()]).with("credential", "link");
        Ok(Act::audited((), &by.realm, event))
    };
    store.write(add).await?;
    Ok(secret)
}

/// Disables a person's account, or enables it again. A disabled one's sessions and links end at once.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_disabled(store: &Store, by: By, login: &str, disabled: bool) -> Result<Person, Error> {
    let login = login.to_owned();
    let set = move |tx: &mut Tx<'_>| {
        let person = people::by_login(tx, &by.realm, &login)?.ok_or(StoreError::NotFound { what: login })?;
        let person = Person { disabled, ..person };
        people::update(tx, &by.realm, &person)?;
        if disabled {
            sessions::end_all(tx, &by.realm, &person.id)?;
            links::remove_all(tx, &by.realm, &person.id)?;
        }
        let event =
            by.did(Action::PersonChanged).on([person.id.as_str()]).with("disabled", disabled.to_string());
        Ok(Act::audited(person, &by.realm, event))
    };
    Ok(store.write(set).await?)
}

/// Issues a program's token; gives the secret beside it, which is kept nowhere.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::NotFound`] for the organisation.
pub async fn add_token(
    store: &Store,
    by: By,
    new: &NewToken,
    now: Timestamp,
) -> Result<(Token, String), Error> {
    let token = read_token(new, now)?;
    let secret = secrets::generate(PROGRAM_PREFIX)?;
    let hash = secrets::hash(&secret);
    let add = move |tx: &mut Tx<'_>| {
        let organisation = known_organisation(tx, &by.realm, &token.organisation)?;
        suit(&organisation, &token.roles)?;
        tokens::add(tx, &by.realm, &token, &hash)?;
        let event = by
            .did(Action::TokenIssued)
            .on([token.id.as_str()])
            .with("organisation", token.organisation.as_str());
        let doors: Vec<&str> = token.doors.iter().map(|door| door.name()).collect();
        let event = event
            .with("roles", names(&token.roles))
            .with("expires", token.expires.to_string())
            .with("doors", doors.join(" "))
            .with("certificate", token.certificate.map(hex::encode).unwrap_or_default());
        Ok(Act::audited(token, &by.realm, event))
    };
    Ok((store.write(add).await?, secret))
}

/// Revokes a token.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not in force.
pub async fn revoke_token(store: &Store, by: By, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let revoke = move |tx: &mut Tx<'_>| {
        if !tokens::revoke(tx, &by.realm, &id)? {
            return Err(StoreError::NotFound { what: id });
        }
        let event = by.did(Action::TokenRevoked).on([id]);
        Ok(Act::audited((), &by.realm, event))
    };
    Ok(store.write(revoke).await?)
}

/// Registers an edge; gives the token that it signs in with, which is kept nowhere.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::Exists`]; [`StoreError::NotFound`] for the organisation.
pub async fn add_edge(store: &Store, by: By, new: &NewEdge) -> Result<(Edge, String), Error> {
    let id = short_name("id", &new.id)?.as_str().to_owned();
    let (organisation, name) = (short_name("organisation", &new.organisation)?, name("name", &new.name)?);
    let secret = secrets::generate(EDGE_PREFIX)?;
    let hash = secrets::hash(&secret);
    let add = move |tx: &mut Tx<'_>| {
        let operator = known_organisation(tx, &by.realm, &organisation)?;
        if operator.role == OrganisationRole::Oversight {
            let message = "the oversight organisation runs no edge".to_owned();
            return Err(StoreError::Abandoned { code: "oversight-no-edge", message });
        }
        let edge = Edge { id: id.clone(), organisation, name, created: tx.now(), hello: None, heard: None };
        edges::add(tx, &by.realm, &edge, &hash)?;
        let event = by.did(Action::EdgeChanged).on([id]).with("organisation", edge.organisation.as_str());
        Ok(Act::audited(edge, &by.realm, event))
    };
    Ok((store.write(add).await?, secret))
}

/// Removes an edge; its token ends.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_edge(store: &Store, by: By, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let remove = move |tx: &mut Tx<'_>| {
        if !edges::remove(tx, &by.realm, &id)? {
            return Err(StoreError::NotFound { what: id });
        }
        certificates::forget_holder(tx, &by.realm, Holder::Edge, &id)?;
        let event = by.did(Action::EdgeChanged).on([id]).with("removed", "true");
        Ok(Act::audited((), &by.realm, event))
    };
    Ok(store.write(remove).await?)
}

/// Whether an account has any means to sign in again.
///
/// # Errors
/// Those of the database.
pub fn has_credential(reader: &Reader<'_>, realm: &Realm, person: &Person) -> Result<bool, StoreError> {
    Ok(person.password_hash.is_some() || !credentials::of_person(reader, realm, &person.id)?.is_empty())
}

/// A time later; at the end of time where there is none.
#[must_use]
pub(crate) fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

fn known_organisation(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &OrganisationId,
) -> Result<Organisation, StoreError> {
    organisations::get(reader, realm, id)?
        .ok_or_else(|| StoreError::NotFound { what: id.as_str().to_owned() })
}

/// Commissioners belong to the oversight organisation and nothing else does: who is supervised does not supervise.
/// Whoever supervises does nothing else: people of the oversight organisation are commissioners, or administrators who name the
/// commission, and never both.
fn suit(organisation: &Organisation, roles: &BTreeSet<PersonRole>) -> Result<(), StoreError> {
    let oversight = organisation.role == OrganisationRole::Oversight;
    let commissioner = roles.contains(&PersonRole::Commissioner);
    let supervises = roles.len() == 1 && (commissioner || roles.contains(&PersonRole::Administrator));
    let suits = if oversight { supervises } else { !commissioner };
    if suits {
        return Ok(());
    }
    let message = "the role `commissioner` goes with the oversight organisation, alone and only there; beside it that organisation has \
        people with the role `administrator` alone"
        .to_owned();
    Err(StoreError::Abandoned { code: "commissioner-role", message })
}

fn names(roles: &BTreeSet<PersonRole>) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" ")
}

fn read_organisation(new: &NewOrganisation) -> Result<Organisation, Error> {
    let id = short_name("id", &new.id)?;
    if id.as_str() == ANONYMOUS {
        let why = format!("id: `{ANONYMOUS}` stands for those whose names are withheld; take another one");
        return Err(Error::rule("organisation-id-reserved", why));
    }
    if parts(&id).is_some() {
        let why = "id: 16 hexadecimal digits and `-` begin the names of organisations of other hubs; take another one";
        return Err(Error::rule("organisation-id-of-a-hub", why));
    }
    let role = OrganisationRole::parse(&new.role)
        .ok_or_else(|| not_one_of("role", &new.role, OrganisationRole::ALL.iter().map(|role| role.name())))?;
    let sectors: Vec<Sector> = new.sectors.iter().map(|name| read_sector(name)).collect::<Result<_, _>>()?;
    if sectors.is_empty() == (role == OrganisationRole::Operator) {
        let why = "sectors: an operator has at least one, any other organisation none";
        return Err(Error::rule("organisation-sectors", why));
    }
    if new.prefecture.is_some_and(|code| !(1..=47).contains(&code)) {
        return Err(Error::rule("prefecture", "prefecture: the codes of JIS X 0401 go from 1 to 47"));
    }
    Ok(Organisation {
        identity: Id::new("identity", Uuid::new_v4()),
        id,
        name_ja: name("name_ja", &new.name_ja)?,
        name_en: name("name_en", &new.name_en)?,
        role,
        sectors: BTreeSet::from_iter(sectors).into_iter().collect(),
        prefecture: new.prefecture,
        created: Timestamp::UNIX_EPOCH,
    })
}

fn read_sector(name: &str) -> Result<Sector, Error> {
    Sector::parse(name)
        .ok_or_else(|| not_one_of("sectors", name, Sector::ALL.iter().map(|sector| sector.name())))
}

fn read_person(new: &NewPerson) -> Result<Person, Error> {
    if !is_login(&new.login) {
        return Err(Error::rule("login-form", "login: a sign-in name is 1–64 of `a–z 0–9 . - _`"));
    }
    Ok(Person {
        id: Uuid::new_v4().to_string(),
        login: new.login.clone(),
        name: name("name", &new.name)?,
        organisation: short_name("organisation", &new.organisation)?,
        roles: read_roles(&new.roles)?,
        password_hash: None,
        disabled: false,
        created: Timestamp::UNIX_EPOCH,
    })
}

/// Whether a text can be a sign-in name.
pub(crate) fn is_login(text: &str) -> bool {
    let is_legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_legal)
}

fn read_token(new: &NewToken, now: Timestamp) -> Result<Token, Error> {
    let expires = match &new.expires {
        None => after(now, TOKEN_VALID),
        Some(text) => read_time("expires", text, true)?,
    };
    if expires <= now || expires > after(now, TOKEN_VALID_MAX) {
        let why = "expires: a token is good until some time within the next two years";
        return Err(Error::rule("token-expires", why));
    }
    Ok(Token {
        id: Uuid::new_v4().to_string(),
        name: if new.name.is_empty() { String::new() } else { name("name", &new.name)? },
        organisation: short_name("organisation", &new.organisation)?,
        roles: read_roles(&new.roles)?,
        created: now,
        expires,
        last_used: None,
        revoked: None,
        doors: read_doors(&new.doors)?,
        certificate: new.certificate.as_deref().map(read_certificate).transpose()?,
    })
}

fn read_doors(new: &[String]) -> Result<BTreeSet<Door>, Error> {
    let known = || Door::ALL.iter().map(|door| door.name());
    new.iter().map(|name| Door::parse(name).ok_or_else(|| not_one_of("doors", name, known()))).collect()
}

/// The SHA-256 of a certificate, given as such or as the certificate.
fn read_certificate(text: &str) -> Result<[u8; 32], Error> {
    let wrong = || {
        let why = "certificate: neither one certificate in PEM form nor its SHA-256 as 64 hexadecimal digits";
        Error::rule("certificate-form", why)
    };
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if let Ok(bytes) = hex::decode(digits) {
        return bytes.try_into().map_err(|_| wrong());
    }
    let mut found = CertificateDer::pem_slice_iter(text.as_bytes());
    match (found.next(), found.next()) {
        (Some(Ok(certificate)), None) => Ok(tls::thumbprint(&certificate)),
        _ => Err(wrong()),
    }
}

/// An RFC 3339 time; of a date, the beginning of that day in UTC, or its end.
pub(crate) fn read_time(field: &str, text: &str, to_its_end: bool) -> Result<Timestamp, Error> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let date: Option<jiff::civil::Date> = text.parse().ok();
    let day = date.and_then(|date| if to_its_end { date.tomorrow().ok() } else { Some(date) });
    let at = day.and_then(|day| {
        day.to_datetime(jiff::civil::Time::midnight())
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    });
    at.ok_or_else(|| {
        let why = format!("{field}: neither a time such as `2026-12-31T00:00:00Z` nor a date");
        Error::rule("time", why)
    })
}

fn read_roles(new: &[String]) -> Result<BTreeSet<PersonRole>, Error> {
    let known = || PersonRole::ALL.iter().map(|role| role.name());
    let read = |name: &String| PersonRole::parse(name).ok_or_else(|| not_one_of("roles", name, known()));
    let roles: BTreeSet<PersonRole> = new.iter().map(read).collect::<Result<_, _>>()?;
    if roles.is_empty() {
        let why = format!("roles: at least one of {}", known().collect::<Vec<_>>().join(", "));
        return Err(Error::rule("roles-none", why));
    }
    Ok(roles)
}

pub(crate) fn short_name(field: &str, text: &str) -> Result<OrganisationId, Error> {
    OrganisationId::parse(text)
        .ok_or_else(|| Error::rule("short-name", format!("{field}: a short name is 1–64 of `a–z 0–9 -`")))
}

fn name(field: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    let length = text.chars().count();
    if (1..=NAME_CHARACTERS_MAX).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let why = format!("{field}: a name has 1 to {NAME_CHARACTERS_MAX} characters and no control characters");
    Err(Error::rule("length", why))
}

fn not_one_of(field: &str, found: &str, known: impl Iterator<Item = &'static str>) -> Error {
    let found: String = found.chars().take(64).collect();
    let why = format!("{field}: `{found}` is none of {}", known.collect::<Vec<_>>().join(", "));
    Error::rule("not-one-of", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_token(expires: Option<&str>, expected: Option<&str>) {
        let new = NewToken {
            organisation: "office".to_owned(),
            roles: vec!["analyst".to_owned()],
            name: String::new(),
            expires: expires.map(str::to_owned),
            doors: Vec::new(),
            certificate: None,
        };
        let found = read_token(&new, "2026-01-01T00:00:00Z".parse().unwrap())
            .ok()
            .map(|token| token.expires.to_string());
        assert_eq!(found.as_deref(), expected, "{expires:?}");
    }

    #[test]
    fn tokens_end_when_they_are_asked_to() {
        check_token(None, Some("2026-04-01T00:00:00Z"));
        check_token(Some("2026-02-01"), Some("2026-02-02T00:00:00Z"));
        check_token(Some("2026-02-01T09:00:00+09:00"), Some("2026-02-01T00:00:00Z"));
        for wrong in ["2025-12-31", "2031-01-01", "tomorrow", ""] {
            check_token(Some(wrong), None);
        }
    }

    #[test]
    fn a_certificate_is_known_by_its_thumbprint() {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec!["siem".to_owned()]).unwrap().self_signed(&key).unwrap();
        let expected = tls::thumbprint(made.der());
        let colons: Vec<String> = expected.iter().map(|byte| format!("{byte:02X}")).collect();
        for good in [made.pem(), hex::encode(expected), colons.join(":")] {
            assert_eq!(read_certificate(&good).ok(), Some(expected), "{good}");
        }
        for wrong in ["", "00", &made.pem().repeat(2), &key.serialize_pem()] {
            assert!(read_certificate(wrong).is_err(), "{wrong}");
        }
    }

    fn check_organisation(role: &str, sectors: &[&str], prefecture: Option<u8>, good: bool) {
        let new = NewOrganisation {
            id: "kinki-power".to_owned(),
            name_ja: "近畿電力".to_owned(),
            name_en: "Kinki Power".to_owned(),
            role: role.to_owned(),
            sectors: sectors.iter().map(|&s| s.to_owned()).collect(),
            prefecture,
        };
        assert_eq!(read_organisation(&new).is_ok(), good, "{new:?}");
    }

    #[test]
    fn organisations_are_read_strictly() {
        check_organisation("operator", &["power", "power"], Some(27), true);
        check_organisation("coordinator", &[], None, true);
        check_organisation("operator", &[], None, false);
        check_organisation("agency", &["power"], None, false);
        check_organisation("operator", &["magic"], None, false);
        check_organisation("king", &[], None, false);
        check_organisation("agency", &[], Some(48), false);
    }
}
