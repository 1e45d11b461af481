//! Identity providers: who vouches for an organisation's people.

use std::collections::BTreeMap;

use oversight::{OrganisationId, PersonRole, Realm};

use crate::sql::{Row, micros, organisation_id, params, parsed, time};
use crate::{Reader, StoreError, Tx};

/// Identity providers of one hub at most.
pub const PROVIDERS_MAX: i64 = 200;

/// An identity provider (OpenID Connect).
#[derive(Clone, PartialEq, Eq)]
pub struct Provider {
    /// Short name here; the way back from the provider leads over it.
    pub id: String,
    /// Whose people it vouches for, and nobody else's.
    pub organisation: OrganisationId,
    /// The issuer, exactly as its documents and tokens name it.
    pub issuer: String,
    /// The name under which this hub is registered there.
    pub client: String,
    /// This hub's secret there: sealed by the hub, with a key that the store does not know.
    pub sealed: Option<Vec<u8>>,
    /// Certificates (PEM) that the provider's must lead back to, in place of those that the machine trusts.
    pub certificate: Option<String>,
    /// Origins beside the issuer's own at which its keys and tokens may be.
    pub origins: Vec<String>,
    /// The claim that names the account at the first sign-in.
    pub name_claim: String,
    /// The claim whose values give roles; without one roles are given here alone.
    pub role_claim: Option<String>,
    /// Which role each of its values gives.
    pub role_map: BTreeMap<String, PersonRole>,
    /// Whether nobody signs in by it for now.
    pub suspended: bool,
    /// When it was registered.
    pub created: jiff::Timestamp,
    /// When the row last changed.
    pub changed: jiff::Timestamp,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Credentials stay out of every log, sealed or not.
        f.debug_struct("Provider").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Registers a provider.
///
/// # Errors
/// [`StoreError::Exists`] where the short name or the issuer is taken; [`StoreError::Limit`] over [`PROVIDERS_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, provider: &Provider) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    if tx.number("SELECT COUNT(*) FROM identity_providers WHERE realm = ?1", [key])? >= PROVIDERS_MAX {
        let limit = usize::try_from(PROVIDERS_MAX).unwrap_or(0);
        return Err(StoreError::Limit { what: "the number of identity providers", limit });
    }
    let roles: BTreeMap<&str, &str> =
        provider.role_map.iter().map(|(value, role)| (value.as_str(), role.name())).collect();
    tx.insert(
        "INSERT INTO identity_providers (realm, id, organisation, issuer, client, sealed, certificate, origins, name_claim,
             role_claim, role_map, suspended, created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)",
        params![
            key,
            provider.id,
            provider.organisation.as_str(),
            provider.issuer,
            provider.client,
            provider.sealed,
            provider.certificate,
            text(&provider.origins)?,
            provider.name_claim,
            provider.role_claim,
            text(&roles)?,
            provider.suspended,
            micros(provider.created),
        ],
        "an identity provider with this short name or issuer",
    )
}

/// Suspends or resumes a provider.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn suspend(tx: &mut Tx<'_>, realm: &Realm, id: &str, suspended: bool) -> Result<(), StoreError> {
    let (key, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql = "UPDATE identity_providers SET suspended = ?3, changed = ?4 WHERE realm = ?1 AND id = ?2";
    let changed = tx.execute(sql, (key, id, suspended, now))?;
    if changed == 0 { Err(StoreError::not_found(id)) } else { Ok(()) }
}

/// Removes a provider, and with it what its issuer says about who is who. Whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    let key = tx.realm(realm)?;
    tx.execute(
        "DELETE FROM identities WHERE realm = ?1
         AND issuer IN (SELECT issuer FROM identity_providers WHERE realm = ?1 AND id = ?2)",
        (key, id),
    )?;
    Ok(tx.execute("DELETE FROM identity_providers WHERE realm = ?1 AND id = ?2", (key, id))? > 0)
}

/// A provider by its short name.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Provider>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM identity_providers WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// All providers, by short name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Provider>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM identity_providers WHERE realm = ?1 ORDER BY id");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

const COLUMNS: &str =
    "id, organisation, issuer, client, sealed, certificate, origins, name_claim, role_claim, role_map, suspended,
    created, changed";

fn read(row: &Row<'_>) -> Result<Provider, StoreError> {
    let roles: BTreeMap<String, String> =
        parsed("roles", row.text(9)?, |text| serde_json::from_str(text).ok())?;
    let role_map = roles
        .into_iter()
        .map(|(value, role)| Ok((value, parsed("role", &role, PersonRole::parse)?)))
        .collect::<Result<_, StoreError>>()?;
    Ok(Provider {
        id: row.get(0)?,
        organisation: organisation_id(row.text(1)?)?,
        issuer: row.get(2)?,
        client: row.get(3)?,
        sealed: row.get(4)?,
        certificate: row.get(5)?,
        origins: parsed("origins", row.text(6)?, |text| serde_json::from_str(text).ok())?,
        name_claim: row.get(7)?,
        role_claim: row.get(8)?,
        role_map,
        suspended: row.get(10)?,
        created: time(row.get(11)?)?,
        changed: time(row.get(12)?)?,
    })
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(error.to_string()))
}
