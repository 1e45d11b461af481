//! Which account an identity provider means, and what its word changes of it. Everything is decided in the transaction that begins
//! the session.

use std::collections::BTreeSet;

use oversight::{Action, Actor, AuditEvent, PersonRole, Purpose};
use store::identities::{self, Identity};
use store::identity_providers::{self, Provider};
use store::people::{self, Person};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::UnderWay;
use super::administration::GIVEN_BY_PEOPLE;
use super::token::Vouched;
use crate::REALM;
use crate::administration::{has_credential, is_login};

/// Longest name of a person, in characters.
const NAME_CHARACTERS_MAX: usize = 200;

/// The account that a provider means, and what was written down of it; else a word for why there is none.
pub(crate) type Found = Result<(Person, Vec<AuditEvent>), &'static str>;

/// Finds the account that signs in.
///
/// # Errors
/// Those of the database.
pub(crate) fn sign_in(tx: &mut Tx<'_>, under_way: &UnderWay, vouched: &Vouched) -> Result<Found, StoreError> {
    let Some(provider) = standing(tx, under_way)? else { return Ok(Err("provider-changed")) };
    let known = identities::get(tx, &REALM, &provider.issuer, &vouched.subject)?;
    let found = match known {
        Some(tie) => match people::get(tx, &REALM, &tie.person)? {
            Some(person) => Ok((person, Vec::new())),
            None => Err("account-gone"),
        },
        None => first_time(tx, &provider, vouched)?,
    };
    let Ok((person, mut events)) = found else { return Ok(found) };
    // An account may have moved to another organisation since it was tied.
    if person.organisation != provider.organisation {
        return Ok(Err("account-of-another-organisation"));
    }
    if person.disabled {
        return Ok(Err("account-disabled"));
    }
    let Some(roles) = roles(&provider, vouched, &person.roles) else { return Ok(Err("no-role")) };
    let person = if roles == person.roles {
        person
    } else {
        let person = Person { roles, ..person };
        people::update(tx, &REALM, &person)?;
        events.push(roles_changed(&provider, &person));
        person
    };
    identities::used(tx, &REALM, &provider.issuer, &vouched.subject)?;
    Ok(Ok((person, events)))
}

/// Ties a person's own account, which asked for that, to whom the provider means.
///
/// # Errors
/// Those of the database.
pub(crate) fn tie_own(
    tx: &mut Tx<'_>,
    under_way: &UnderWay,
    vouched: &Vouched,
    account: &str,
) -> Result<Found, StoreError> {
    let Some(provider) = standing(tx, under_way)? else { return Ok(Err("provider-changed")) };
    let Some(person) = people::get(tx, &REALM, account)?.filter(|person| !person.disabled) else {
        return Ok(Err("account-gone"));
    };
    if person.organisation != provider.organisation {
        return Ok(Err("account-of-another-organisation"));
    }
    if is_tied(tx, &provider, &person)?
        || identities::get(tx, &REALM, &provider.issuer, &vouched.subject)?.is_some()
    {
        return Ok(Err("tied-already"));
    }
    let event = tie(tx, &provider, vouched, &person)?;
    Ok(Ok((person, vec![event])))
}

/// The provider, where it is still the one that the sign-in began with.
fn standing(tx: &Tx<'_>, under_way: &UnderWay) -> Result<Option<Provider>, StoreError> {
    let provider = identity_providers::get(tx, &REALM, &under_way.provider)?;
    Ok(provider.filter(|provider| {
        !provider.suspended && provider.issuer == under_way.issuer && provider.client == under_way.client
    }))
}

/// A subject that was never here: the account that waits for it, or a new one where the provider's word gives a role.
fn first_time(tx: &mut Tx<'_>, provider: &Provider, vouched: &Vouched) -> Result<Found, StoreError> {
    let Some(login) = vouched.text(&provider.name_claim).filter(|login| is_login(login)) else {
        return Ok(Err("no-account-name"));
    };
    let (person, mut events) = match people::by_login(tx, &REALM, login)? {
        Some(person) => {
            if person.organisation != provider.organisation {
                return Ok(Err("account-of-another-organisation"));
            }
            // Whose account has means of its own ties it itself: a name that the provider changed must not open it.
            if has_credential(tx, &REALM, &person)? || is_tied(tx, provider, &person)? {
                return Ok(Err("account-is-somebodys"));
            }
            if person.disabled {
                return Ok(Err("account-disabled"));
            }
            (person, Vec::new())
        }
        None => match roles(provider, vouched, &BTreeSet::new()) {
            Some(roles) if provider.role_claim.is_some() => {
                let person = new_account(tx, provider, vouched, login, roles)?;
                let event = roles_changed(provider, &person).with("added", "true");
                (person, vec![event])
            }
            _ => return Ok(Err("no-account")),
        },
    };
    events.push(tie(tx, provider, vouched, &person)?);
    Ok(Ok((person, events)))
}

fn new_account(
    tx: &mut Tx<'_>,
    provider: &Provider,
    vouched: &Vouched,
    login: &str,
    roles: BTreeSet<PersonRole>,
) -> Result<Person, StoreError> {
    let name = vouched.text("name").unwrap_or(login);
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX).collect();
    let person = Person {
        id: Uuid::new_v4().to_string(),
        login: login.to_owned(),
        name: if name.trim().is_empty() { login.to_owned() } else { name.trim().to_owned() },
        organisation: provider.organisation.clone(),
        roles,
        password_hash: None,
        disabled: false,
        created: tx.now(),
    };
    people::add(tx, &REALM, &person)?;
    Ok(person)
}

fn tie(
    tx: &mut Tx<'_>,
    provider: &Provider,
    vouched: &Vouched,
    person: &Person,
) -> Result<AuditEvent, StoreError> {
    let identity = Identity {
        issuer: provider.issuer.clone(),
        subject: vouched.subject.clone(),
        person: person.id.clone(),
        created: tx.now(),
        last_used: None,
    };
    identities::add(tx, &REALM, &identity)?;
    let actor = Actor::Person { id: person.id.clone(), organisation: person.organisation.clone() };
    Ok(AuditEvent::done(Action::CredentialChanged, actor, Purpose::Administration)
        .on([person.id.as_str()])
        .with("credential", "identity-provider")
        .with("provider", provider.id.as_str())
        .with("issuer", provider.issuer.as_str())
        .with("subject", vouched.subject.as_str())
        .with("change", "added"))
}

fn is_tied(tx: &Tx<'_>, provider: &Provider, person: &Person) -> Result<bool, StoreError> {
    let ties = identities::of_person(tx, &REALM, &person.id)?;
    Ok(ties.iter().any(|tie| tie.issuer == provider.issuer))
}

/// The roles that an account has after a sign-in: those that people gave where the provider gives none, else what its claim gives
/// and what it cannot give. `None` where that is nothing.
fn roles(
    provider: &Provider,
    vouched: &Vouched,
    before: &BTreeSet<PersonRole>,
) -> Option<BTreeSet<PersonRole>> {
    let Some(claim) = &provider.role_claim else { return Some(before.clone()) };
    let given = vouched.texts(claim).into_iter().filter_map(|value| provider.role_map.get(value).copied());
    let kept = before.iter().copied().filter(|role| GIVEN_BY_PEOPLE.contains(role));
    let roles: BTreeSet<PersonRole> = given.chain(kept).collect();
    (!roles.is_empty()).then_some(roles)
}

fn roles_changed(provider: &Provider, person: &Person) -> AuditEvent {
    let names: Vec<&str> = person.roles.iter().map(|role| role.name()).collect();
    AuditEvent::done(Action::PersonChanged, Actor::Node, Purpose::Administration)
        .on([person.id.as_str()])
        .with("organisation", person.organisation.as_str())
        .with("roles", names.join(" "))
        .with("provider", provider.id.as_str())
}
