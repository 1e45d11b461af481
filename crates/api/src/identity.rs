//! Identity providers of organisations, and sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Identity providers, by short name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityProviderList {
    /// The providers.
    pub providers: Vec<IdentityProvider>,
}

/// An identity provider (OpenID Connect) of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityProvider {
    /// Short name here.
    pub id: String,
    /// Whose people it vouches for, and nobody else's.
    pub organisation: String,
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// The name under which this hub is registered there. Its secret is never told.
    pub client: String,
    /// The address to register there as the way back.
    pub redirect: String,
    /// Origins beside the issuer's own at which its keys and tokens may be.
    pub origins: Vec<String>,
    /// The claim that names the account at the first sign-in.
    pub name_claim: String,
    /// The claim whose values give roles; absent: roles are given here alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_claim: Option<String>,
    /// Which role each of its values gives.
    pub role_map: BTreeMap<String, String>,
    /// Whether nobody signs in by it for now.
    pub suspended: bool,
    /// When it was registered, RFC 3339.
    pub created: String,
}

/// An identity provider to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentityProvider {
    /// Short name, 1–64 of `a–z 0–9 -`. The way back is `<address of the hub>/sign-in/oidc/<short name>`.
    pub id: String,
    /// Whose people it vouches for, and nobody else's.
    pub organisation: String,
    /// The issuer, exactly as its tokens name it, e.g. `https://id.agency.example`; plain HTTP on loopback only.
    pub issuer: String,
    /// The name under which this hub is registered there.
    pub client: String,
    /// This hub's secret there; absent for a client without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Certificates (PEM) that the provider's must lead back to, in place of those that the machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Origins beside the issuer's own at which its pages, keys and tokens may be, e.g. `https://keys.agency.example`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// The claim that names the account at the first sign-in; `preferred_username` where absent. `email` is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_claim: Option<String>,
    /// The claim whose values give roles; absent: roles are given here alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_claim: Option<String>,
    /// Which role each of its values gives; `administrator` and `commissioner` are given by people alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub role_map: BTreeMap<String, String>,
}

/// A change of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderChange {
    /// Whether nobody signs in by it from now on.
    pub suspended: bool,
}

/// Begins to sign in by an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderStart {
    /// The provider's short name.
    pub provider: String,
}

/// Where to send the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderAddress {
    /// The provider's page. It sends the browser back within ten minutes.
    pub address: String,
}

/// What an identity provider sent the browser back with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderAnswer {
    /// The provider by whose way the browser came back: the last part of the address.
    pub provider: String,
    /// `state`, as it came.
    pub state: String,
    /// `code`, as it came.
    pub code: Secret,
    /// `iss`, where it came (RFC 9207).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
}

/// What ties one's own account to an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityInfo {
    /// The provider's short name.
    pub provider: String,
    /// The issuer.
    pub issuer: String,
    /// Whom it means, in its own words.
    pub subject: String,
    /// Since when, RFC 3339.
    pub created: String,
    /// When it last signed somebody in, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

/// A session of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    /// What it is called by; no secret.
    pub id: String,
    /// When it began, RFC 3339.
    pub created: String,
    /// When it was last used, to a minute, RFC 3339.
    pub seen: String,
    /// When it ends unless it is used, RFC 3339.
    pub expires: String,
    /// By what it began: `passkey`, `password`, `link`, `oidc`; empty where it was not written down.
    pub means: String,
    /// The identity provider that vouched, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// From which network address it began; empty where it was not written down.
    pub address: String,
    /// What the browser called itself.
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A change of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonChange {
    /// Whether the person cannot sign in from now on. Sessions and links end at once.
    pub disabled: bool,
}

/// Recoveries of accounts, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecoveryList {
    /// The recoveries.
    pub recoveries: Vec<Recovery>,
}

/// The recovery of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recovery {
    /// Its id.
    pub id: String,
    /// The account.
    pub person: String,
    /// Its person's name.
    pub person_name: String,
    /// Why.
    pub reason: String,
    /// The account of who asked.
    pub asked_by: String,
    /// Its person's name.
    pub asked_by_name: String,
    /// When, RFC 3339.
    pub asked: String,
    /// Until when it can be decided, RFC 3339.
    pub expires: String,
    /// The name of who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by_name: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// `asked`, `approved`, `used`, `refused`, `expired`.
    pub state: String,
}

/// Asks for the recovery of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecovery {
    /// Why, in one line.
    pub reason: String,
}

/// What the person signs in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecoveryLink {
    /// The one-time link, good for 30 minutes: shown once.
    pub sign_in: Secret,
}

/// What ends soon by itself, soonest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingList {
    /// It.
    pub endings: Vec<EndingInfo>,
}

/// Something that ends within two weeks (certificates: within 30 days), or did within one week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingInfo {
    /// `certificate`: what the hub serves with; `issued-certificate`: what its own authority issued; `root`: the authority's; `token`: a
    /// program's; `qualification`: a clearance or an oath of a person.
    pub kind: String,
    /// The id of the token, or of the entry of the clearance or oath; the serial number of what was issued, and of a root; empty for what
    /// the hub serves with.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When, RFC 3339.
    pub at: String,
}
