//! Signing in by an organisation's identity provider (OpenID Connect Core, authorization code with PKCE).
//!
//! A provider vouches for the people of one organisation, and its word begins a session and nothing more: what asks for a fresh proof
//! asks for the person's own passkey or password. An account is known by issuer and subject. What the provider calls the account
//! counts once, at the first sign-in of an account that has no means of its own yet.

pub(crate) mod administration;
mod client;
pub(crate) mod people;
pub(crate) mod token;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use store::identity_providers::Provider;
use store::{StoreError, secrets};
use url::Url;

pub(crate) use client::{Client, Endpoints, Error, Redeemed};

use super::people_address;

/// What sessions that begin by it are said to begin by.
pub(crate) const MEANS: &str = "oidc";

/// A sign-in under way: kept here, while the browser is at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UnderWay {
    /// The provider's short name.
    pub(crate) provider: String,
    /// The issuer and the client as they were when it began: an answer never meets another provider under the same short name.
    pub(crate) issuer: String,
    /// See [`Self::issuer`].
    pub(crate) client: String,
    /// Where its tokens and keys are, as it said when it began.
    pub(crate) endpoints: Endpoints,
    /// What the ID token has to repeat.
    pub(crate) nonce: String,
    /// What the code is redeemed with (RFC 7636).
    pub(crate) verifier: String,
    /// The hash of what only the browser that began has.
    pub(crate) browser: String,
    /// The account that wants to be tied, where a person asked for that and is not signing in.
    pub(crate) account: Option<String>,
}

impl UnderWay {
    /// One for a provider, and what the browser is to keep.
    ///
    /// # Errors
    /// Where the machine gives no randomness.
    pub(crate) fn begin(
        provider: &Provider,
        endpoints: Endpoints,
        account: Option<String>,
    ) -> Result<(Self, String), StoreError> {
        let browser = secrets::generate("")?;
        let under_way = Self {
            provider: provider.id.clone(),
            issuer: provider.issuer.clone(),
            client: provider.client.clone(),
            endpoints,
            nonce: secrets::generate("")?,
            verifier: secrets::generate("")?,
            browser: hex::encode(secrets::hash(&browser)),
            account,
        };
        Ok((under_way, browser))
    }
}

/// The way back from a provider. Each has its own, so that an answer that one provider was sent for is never taken for another's.
pub(crate) fn redirect_address(address: &Url, provider: &str) -> String {
    format!("{}/sign-in/oidc/{provider}", people_address(address).as_str().trim_end_matches('/'))
}

/// Bytes as PKCE spells them.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_has_a_way_back_of_its_own() {
        let address = Url::parse("https://hub.example.jp/").unwrap();
        assert_eq!(redirect_address(&address, "agency"), "https://hub.example.jp/sign-in/oidc/agency");
        let loopback = Url::parse("http://127.0.0.1:8440").unwrap();
        assert_eq!(redirect_address(&loopback, "a"), "http://localhost:8440/sign-in/oidc/a");
    }
}
