//! Identity providers are registered, suspended and removed here.

use std::collections::BTreeMap;

use api::{IdentityProviderChange, NewIdentityProvider};
use oversight::{Action, AuditEvent, OrganisationRole, PersonRole, Purpose};
use store::identity_providers::{self, Provider};
use store::{Act, Store, StoreError, Tx, organisations, sessions};
use url::Url;

use super::Client;
use super::client::issuer_address;
use crate::administration::{By, Error, short_name};
use crate::vault::{Unopenable, Vault};

/// The claim that names the account where nothing else is asked for.
const NAME_CLAIM: &str = "preferred_username";
/// Longest issuer, client, secret.
const TEXT_BYTES_MAX: usize = 2_000;
/// Longest certificate.
const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;
/// Most origins beside the issuer's.
const ORIGINS_MAX: usize = 8;
/// Most values that give a role.
const ROLES_MAX: usize = 100;
/// Roles that are given by people alone: who runs the node, and who supervises it.
pub(super) const GIVEN_BY_PEOPLE: [PersonRole; 2] = [PersonRole::Administrator, PersonRole::Commissioner];

/// Registers a provider. It is asked for its document first, so that what cannot work is told now; its secret is sealed.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::Exists`]; [`StoreError::NotFound`] for the organisation.
pub(crate) async fn add_provider(
    store: &Store,
    vault: &Vault,
    by: By,
    new: &NewIdentityProvider,
) -> Result<Provider, Error> {
    let mut provider = read(new)?;
    let client =
        Client::new(&provider).map_err(|error| Error::rule("provider-unusable", error.to_string()))?;
    let discovered = client.discover().await;
    discovered.map_err(|error| Error::rule("provider-unreachable", format!("issuer: {error}")))?;
    if let Some(secret) = &new.secret {
        let sealed = vault.seal(&purpose(&provider), secret);
        provider.sealed = Some(sealed.map_err(|_| Error::Invalid("secret: it cannot be sealed".to_owned()))?);
    }
    let add = move |tx: &mut Tx<'_>| {
        let known = organisations::get(tx, &by.realm, &provider.organisation)?
            .ok_or_else(|| StoreError::NotFound { what: provider.organisation.to_string() })?;
        // Who supervises the node is known by keys of its own, and by nothing that an administrator of the node could set up.
        if known.role == OrganisationRole::Oversight {
            let message = "people of the oversight organisation sign in with their own keys only".to_owned();
            return Err(StoreError::Abandoned { code: "oversight-own-keys", message });
        }
        let provider = Provider { created: tx.now(), changed: tx.now(), ..provider };
        identity_providers::add(tx, &by.realm, &provider)?;
        let roles: Vec<String> =
            provider.role_map.iter().map(|(value, role)| format!("{value}={}", role.name())).collect();
        let event = changed(&by, &provider)
            .with("added", "true")
            .with("name_claim", provider.name_claim.as_str())
            .with("roles", roles.join(" "));
        Ok(Act::audited(provider, &by.realm, event))
    };
    Ok(store.write(add).await?)
}

/// Suspends or resumes a provider. When it is suspended, the sessions that it vouched for end.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(crate) async fn change_provider(
    store: &Store,
    by: By,
    id: &str,
    change: &IdentityProviderChange,
) -> Result<Provider, Error> {
    let (id, suspended) = (id.to_owned(), change.suspended);
    let update = move |tx: &mut Tx<'_>| {
        identity_providers::suspend(tx, &by.realm, &id, suspended)?;
        let ended = if suspended { sessions::end_of_provider(tx, &by.realm, &id)? } else { 0 };
        let provider =
            identity_providers::get(tx, &by.realm, &id)?.ok_or(StoreError::NotFound { what: id })?;
        let event = changed(&by, &provider)
            .with("suspended", suspended.to_string())
            .with("sessions_ended", ended.to_string());
        Ok(Act::audited(provider, &by.realm, event))
    };
    Ok(store.write(update).await?)
}

/// Removes a provider, with the ties of accounts to it and the sessions that it vouched for.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(crate) async fn remove_provider(store: &Store, by: By, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let remove = move |tx: &mut Tx<'_>| {
        let Some(provider) = identity_providers::get(tx, &by.realm, &id)? else {
            return Err(StoreError::NotFound { what: id });
        };
        identity_providers::remove(tx, &by.realm, &id)?;
        let ended = sessions::end_of_provider(tx, &by.realm, &id)?;
        let event = changed(&by, &provider).with("removed", "true").with("sessions_ended", ended.to_string());
        Ok(Act::audited((), &by.realm, event))
    };
    Ok(store.write(remove).await?)
}

/// The hub's secret at a provider, where it has one.
///
/// # Errors
/// Where another node sealed it, or for another issuer or client.
pub(crate) fn secret_of(vault: &Vault, provider: &Provider) -> Result<Option<String>, Unopenable> {
    provider.sealed.as_ref().map(|sealed| vault.open(&purpose(provider), sealed)).transpose()
}

/// What the sealed secret is good for: this client, at this issuer.
fn purpose(provider: &Provider) -> String {
    serde_json::json!(["identity-provider", provider.id, provider.issuer, provider.client]).to_string()
}

fn changed(by: &By, provider: &Provider) -> AuditEvent {
    AuditEvent::done(Action::ProviderChanged, by.actor.clone(), Purpose::Administration)
        .on([provider.id.as_str()])
        .with("issuer", provider.issuer.as_str())
        .with("client", provider.client.as_str())
        .with("organisation", provider.organisation.as_str())
}

fn read(new: &NewIdentityProvider) -> Result<Provider, Error> {
    let issuer = plain("issuer", &new.issuer)?;
    issuer_address(&issuer).map_err(|error| Error::rule("issuer-address", error.to_string()))?;
    if let Some(secret) = &new.secret {
        plain("secret", secret)?;
    }
    if new.certificate.as_ref().is_some_and(|pem| pem.len() > CERTIFICATE_BYTES_MAX) {
        return Err(Error::rule("certificate-length", "certificate: it is too long"));
    }
    let name_claim = claim("name_claim", new.name_claim.as_deref().unwrap_or(NAME_CLAIM))?;
    if name_claim == "email" {
        let why = "name_claim: an address of mail is handed from one person to the next; name another claim";
        return Err(Error::rule("name-claim-mail", why));
    }
    let role_map = roles(&new.role_map)?;
    if new.role_claim.is_some() == role_map.is_empty() {
        let why = "role_claim and role_map go together: which claim, and which role each value gives";
        return Err(Error::rule("role-claim-alone", why));
    }
    Ok(Provider {
        id: short_name("id", &new.id)?.as_str().to_owned(),
        organisation: short_name("organisation", &new.organisation)?,
        issuer,
        client: plain("client", &new.client)?,
        sealed: None,
        certificate: new.certificate.clone(),
        origins: origins(&new.origins)?,
        name_claim,
        role_claim: new.role_claim.as_deref().map(|name| claim("role_claim", name)).transpose()?,
        role_map,
        suspended: false,
        created: jiff::Timestamp::UNIX_EPOCH,
        changed: jiff::Timestamp::UNIX_EPOCH,
    })
}

fn plain(field: &str, text: &str) -> Result<String, Error> {
    if (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let why = format!("{field}: it has 1 to {TEXT_BYTES_MAX} bytes and no control characters");
    Err(Error::rule("length", why))
}

fn claim(field: &str, name: &str) -> Result<String, Error> {
    if (1..=100).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(name.to_owned());
    }
    let why = format!("{field}: a claim's name is 1–100 letters, digits and signs");
    Err(Error::rule("claim-name", why))
}

fn origins(new: &[String]) -> Result<Vec<String>, Error> {
    if new.len() > ORIGINS_MAX {
        return Err(Error::rule("count", format!("origins: at most {ORIGINS_MAX}")));
    }
    let read = |text: &String| {
        let url = Url::parse(text).ok().filter(|url| url.path() == "/" && issuer_address(text).is_ok());
        url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| {
            let why = format!("origins: `{text}` is not of the form `https://keys.agency.example`");
            Error::rule("origin-form", why)
        })
    };
    new.iter().map(read).collect()
}

fn roles(new: &BTreeMap<String, String>) -> Result<BTreeMap<String, PersonRole>, Error> {
    if new.len() > ROLES_MAX {
        return Err(Error::rule("count", format!("role_map: at most {ROLES_MAX} values")));
    }
    let read = |(value, role): (&String, &String)| {
        let role =
            PersonRole::parse(role).filter(|role| !GIVEN_BY_PEOPLE.contains(role)).ok_or_else(|| {
                let why = format!("role_map: `{role}` is no role that an identity provider can give");
                Error::rule("role-not-given", why)
            })?;
        Ok((plain("role_map", value)?, role))
    };
    new.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: &serde_json::Value, expected: &str) {
        let mut new = serde_json::json!({
            "id": "agency-people", "organisation": "agency", "issuer": "https://id.agency.example", "client": "yagura",
        });
        new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let new: NewIdentityProvider = serde_json::from_value(new).unwrap();
        let found = match read(&new) {
            Ok(provider) => format!("{} {:?}", provider.name_claim, provider.origins),
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(expected), "{found}");
    }

    #[test]
    fn providers_are_read_strictly() {
        use serde_json::json;
        check(&json!({}), "preferred_username []");
        check(
            &json!({ "origins": ["https://keys.example/"] }),
            r#"preferred_username ["https://keys.example"]"#,
        );
        check(
            &json!({ "role_claim": "groups", "role_map": { "watch": "duty_officer" } }),
            "preferred_username",
        );
        check(&json!({ "origins": ["https://keys.example/path"] }), "origins: ");
        check(&json!({ "origins": ["http://keys.example"] }), "origins: ");
        check(&json!({ "issuer": "http://id.agency.example" }), "issuer: ");
        check(&json!({ "name_claim": "email" }), "name_claim: ");
        check(&json!({ "role_claim": "groups" }), "role_claim and role_map");
        check(&json!({ "role_map": { "watch": "analyst" } }), "role_claim and role_map");
        for role in ["administrator", "commissioner", "king"] {
            check(&json!({ "role_claim": "groups", "role_map": { "a": role } }), "role_map: ");
        }
    }
}
