//! Links to TAXII servers are added, suspended and removed here, whoever asks.

use std::path::Path;

use oversight::{Action, AuditEvent, OrganisationRole, Purpose};
use store::taxii_links::{self, TaxiiLink};
use store::{Act, Store, StoreError, Tx, organisations};
use taxii::client::Client;
use url::{Host, Url};

use crate::REALM;
use crate::administration::{By, Error, short_name};
use crate::vault::{Unopenable, Vault};

/// How long is waited between two rounds where nothing else is asked for; and at most.
const EVERY_SECONDS: i64 = 60;
const EVERY_SECONDS_MAX: i64 = 86_400;
/// Longest user name, secret, alias.
const TEXT_BYTES_MAX: usize = 4_096;
/// Longest certificate.
const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;

/// Adds a link. What signs in there is sealed with the key of the node whose data folder this is.
///
/// # Errors
/// [`Error::Rule`] for what cannot be used; [`StoreError::Exists`]; [`StoreError::NotFound`] for the organisation.
pub async fn add_taxii_link(
    store: &Store,
    data: &Path,
    by: By,
    new: &api::NewTaxiiLink,
) -> Result<TaxiiLink, Error> {
    let (mut link, secret) = read(new)?;
    // What the client cannot use is told now and not in the night.
    Client::new(&super::settings(&link, secret.clone()))
        .map_err(|error| Error::rule("taxii-unusable", error.to_string()))?;
    if let Some(secret) = secret {
        let vault = Vault::in_folder(data).map_err(|error| Error::Invalid(error.message))?;
        let sealed = vault.seal(&purpose(&link), &secret);
        link.sealed = Some(sealed.map_err(|_| Error::Invalid("secret: it cannot be sealed".to_owned()))?);
    }
    let add = move |tx: &mut Tx<'_>| {
        let known = organisations::get(tx, &by.realm, &link.organisation)?
            .ok_or_else(|| StoreError::NotFound { what: link.organisation.to_string() })?;
        if known.role == OrganisationRole::Oversight {
            let message = "the oversight organisation exchanges no content".to_owned();
            return Err(StoreError::Abandoned { code: "oversight-no-content", message });
        }
        let link = TaxiiLink { created: tx.now(), changed: tx.now(), ..link };
        taxii_links::add(tx, &by.realm, &link)?;
        let event = changed(&by, &link).with("added", "true").with("role", known.role.name());
        Ok(Act::audited(link, &by.realm, event))
    };
    Ok(store.write(add).await?)
}

/// Suspends or resumes a link.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn change_taxii_link(
    store: &Store,
    by: By,
    id: &str,
    change: &api::TaxiiLinkChange,
) -> Result<TaxiiLink, Error> {
    let (id, suspended) = (id.to_owned(), change.suspended);
    let update = move |tx: &mut Tx<'_>| {
        taxii_links::suspend(tx, &by.realm, &id, suspended)?;
        let link = taxii_links::get(tx, &by.realm, &id)?.ok_or(StoreError::NotFound { what: id })?;
        let event = changed(&by, &link).with("suspended", suspended.to_string());
        Ok(Act::audited(link, &by.realm, event))
    };
    Ok(store.write(update).await?)
}

/// Removes a link. What it brought stays.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_taxii_link(store: &Store, by: By, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let remove = move |tx: &mut Tx<'_>| {
        let Some(link) = taxii_links::get(tx, &by.realm, &id)? else {
            return Err(StoreError::NotFound { what: id });
        };
        taxii_links::remove(tx, &by.realm, &id)?;
        let event = changed(&by, &link).with("removed", "true");
        Ok(Act::audited((), &by.realm, event))
    };
    Ok(store.write(remove).await?)
}

/// What the sealed credential of a link is good for: this link, at this address, under this name.
pub(super) fn purpose(link: &TaxiiLink) -> String {
    serde_json::json!(["taxii-link", link.id, link.discovery, link.user]).to_string()
}

/// Seals what an older program kept as it was given.
///
/// # Errors
/// Those of the database.
pub(crate) async fn seal_what_is_not(store: &Store, vault: &Vault) -> Result<(), StoreError> {
    let found = store.read(|reader| taxii_links::unsealed(reader, &REALM)).await?;
    if found.is_empty() {
        return Ok(());
    }
    let failed = |error: Unopenable| StoreError::Io(std::io::Error::other(error.to_string()));
    let sealed: Result<Vec<(String, Vec<u8>)>, StoreError> = found
        .into_iter()
        .map(|(link, secret)| {
            let sealed = vault.seal(&purpose(&link), &secret).map_err(failed)?;
            Ok((link.id, sealed))
        })
        .collect();
    let sealed = sealed?;
    tracing::info!(count = sealed.len(), "credentials of TAXII links are sealed");
    let write = move |tx: &mut Tx<'_>| {
        for (id, sealed) in &sealed {
            taxii_links::seal(tx, &REALM, id, sealed)?;
        }
        Ok(Act::bookkeeping(()))
    };
    store.write(write).await
}

fn changed(by: &By, link: &TaxiiLink) -> AuditEvent {
    AuditEvent::done(Action::PeerChanged, by.actor.clone(), Purpose::Administration)
        .on([link.id.as_str()])
        .with("taxii", link.discovery.clone())
        .with("organisation", link.organisation.as_str())
        .with("pulls", link.pulls.to_string())
        .with("pushes", link.pushes.to_string())
}

/// A link as it is asked for, and its secret apart.
fn read(new: &api::NewTaxiiLink) -> Result<(TaxiiLink, Option<String>), Error> {
    let invalid = |reason: &'static str, why: &str| Err(Error::rule(reason, why));
    let short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= TEXT_BYTES_MAX);
    let secret = new.secret.as_ref().map(|secret| secret.to_string());
    if !short(&new.collection) || !short(&new.user) || !short(&secret) {
        return invalid("length", "collection, user and secret have at most 4096 bytes each");
    }
    if new.certificate.as_ref().is_some_and(|pem| pem.len() > CERTIFICATE_BYTES_MAX) {
        return invalid("certificate-length", "certificate: it has at most 65536 bytes");
    }
    if !new.pulls && !new.pushes {
        return invalid("taxii-direction", "a link is read (`pulls`), written to (`pushes`), or both");
    }
    let every_seconds = new.every_seconds.unwrap_or(EVERY_SECONDS);
    if !(1..=EVERY_SECONDS_MAX).contains(&every_seconds) {
        return invalid("out-of-range", "every_seconds: it goes from 1 to 86400");
    }
    let discovery = Url::parse(&new.discovery).map_err(|_| {
        Error::rule("taxii-discovery", format!("discovery: `{}` is no address", new.discovery))
    })?;
    let is_good = discovery.scheme() == "https" || discovery.scheme() == "http" && is_loopback(&discovery);
    if !is_good || !discovery.username().is_empty() || discovery.password().is_some() {
        return invalid("taxii-discovery", "discovery: it is `https://…`, without a name and password in it");
    }
    let now = jiff::Timestamp::UNIX_EPOCH;
    let link = TaxiiLink {
        id: short_name("id", &new.id)?.as_str().to_owned(),
        organisation: short_name("organisation", &new.organisation)?,
        discovery: discovery.to_string(),
        collection: new.collection.clone(),
        user: new.user.clone(),
        sealed: None,
        certificate: new.certificate.clone(),
        every_seconds,
        pulls: new.pulls,
        pushes: new.pushes,
        suspended: false,
        created: now,
        changed: now,
    };
    Ok((link, secret))
}

fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
