//! What is asked of an identity provider: its document, its keys, a token for a code.
//!
//! Requests go to the issuer's own origin and to those that its operator's administrator named, and to nothing else that a document
//! points to; redirects are not followed; every answer is bounded. Nothing is kept between two sign-ins, so a key that the provider
//! took back is taken back here as well, and a new one is there at once.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use api::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{RequestBuilder, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::identity_providers::Provider;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// A provider that takes longer is not waited for: a person is waiting.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// Most keys of one provider.
const KEYS_MAX: usize = 100;

/// Why a provider could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// What is registered cannot be used.
    #[error("{0}")]
    Settings(String),
    /// It is away, or slow.
    #[error("the identity provider cannot be reached: {0}")]
    Unreachable(String),
    /// It answered, and not as it should.
    #[error("the identity provider's answer cannot be used: {0}")]
    Answer(String),
    /// It does not take the code.
    #[error("the identity provider does not take the code")]
    Refused,
}

/// Where a provider's things are, as its document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// Its page.
    pub(crate) page: Url,
    /// Where a code is redeemed.
    pub(crate) token: Url,
    /// Where its keys are.
    pub(crate) keys: Url,
    /// Whether its answers name it (RFC 9207).
    pub(crate) names_itself: bool,
    /// Whether the hub's secret goes in the body and not in a header.
    pub(crate) secret_in_body: bool,
}

/// The part of a provider's document (OpenID Connect Discovery §3) that matters.
#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
}

/// What redeems a code.
#[derive(Debug)]
pub(crate) struct Redeemed<'a> {
    /// The code.
    pub(crate) code: &'a Secret,
    /// What it was asked for with.
    pub(crate) verifier: &'a str,
    /// The way back that it came by.
    pub(crate) redirect: &'a str,
}

/// Asks one provider.
pub(crate) struct Client {
    http: reqwest::Client,
    issuer: String,
    origins: BTreeSet<String>,
}

impl Client {
    /// # Errors
    /// [`Error::Settings`].
    pub(crate) fn new(provider: &Provider) -> Result<Self, Error> {
        let issuer = issuer_address(&provider.issuer)?;
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&issuer) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &provider.certificate {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or_else(|| Error::Settings("certificate: it holds none in PEM form".to_owned()))?;
            builder = builder.tls_certs_only(roots);
        } else if issuer.scheme() == "http" {
            // A machine without any trusted certificate can still reach itself.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| Error::Settings(error.to_string()))?;
        let mut origins: BTreeSet<String> = provider.origins.iter().cloned().collect();
        origins.insert(issuer.origin().ascii_serialization());
        Ok(Self { http, issuer: provider.issuer.clone(), origins })
    }

    /// What the provider says of itself.
    ///
    /// # Errors
    /// Where it does not answer, is another issuer, or points elsewhere.
    pub(crate) async fn discover(&self) -> Result<Endpoints, Error> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let bytes = ask(self.http.get(address)).await?;
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Answer(format!("its document cannot be read: {error}")))?;
        if document.issuer != self.issuer {
            return Err(Error::Answer("its document is of another issuer".to_owned()));
        }
        for url in [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri] {
            let origin = url.origin().ascii_serialization();
            if !self.origins.contains(&origin) {
                let why = format!("its document points to `{origin}`; name that origin if it is right");
                return Err(Error::Answer(why));
            }
        }
        let offers = |list: &Option<Vec<String>>, what: &str| {
            list.as_ref().map(|list| list.iter().any(|offered| offered == what))
        };
        if offers(&document.code_challenge_methods_supported, "S256") == Some(false) {
            return Err(Error::Answer("it does not know PKCE with S256".to_owned()));
        }
        let methods = &document.token_endpoint_auth_methods_supported;
        Ok(Endpoints {
            page: document.authorization_endpoint,
            token: document.token_endpoint,
            keys: document.jwks_uri,
            names_itself: document.authorization_response_iss_parameter_supported,
            secret_in_body: offers(methods, "client_secret_basic") == Some(false)
                && offers(methods, "client_secret_post") == Some(true),
        })
    }

    /// The provider's keys.
    ///
    /// # Errors
    /// Where it does not answer as it should.
    pub(crate) async fn keys(&self, endpoints: &Endpoints) -> Result<Vec<Value>, Error> {
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<Value>,
        }
        let bytes = ask(self.http.get(self.allowed(&endpoints.keys)?)).await?;
        let keys: Keys = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Answer(format!("its keys cannot be read: {error}")))?;
        if keys.keys.len() > KEYS_MAX {
            return Err(Error::Answer(format!("it has more than {KEYS_MAX} keys")));
        }
        Ok(keys.keys)
    }

    /// The ID token for a code.
    ///
    /// # Errors
    /// Where the provider does not give one.
    pub(crate) async fn redeem(
        &self,
        endpoints: &Endpoints,
        (client, secret): (&str, Option<&str>),
        redeemed: &Redeemed<'_>,
    ) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Given {
            id_token: Option<String>,
        }
        let request = self.http.post(self.allowed(&endpoints.token)?);
        let request = authenticated(request, endpoints, (client, secret), redeemed);
        let given: Given = serde_json::from_slice(&ask(request).await?)
            .map_err(|error| Error::Answer(format!("its tokens cannot be read: {error}")))?;
        given.id_token.ok_or_else(|| Error::Answer("it gave no ID token".to_owned()))
    }

    /// Once more, since what was registered may have changed while the browser was away.
    fn allowed(&self, url: &Url) -> Result<Url, Error> {
        if self.origins.contains(&url.origin().ascii_serialization()) {
            return Ok(url.clone());
        }
        Err(Error::Answer("its document pointed elsewhere".to_owned()))
    }
}

/// A request for tokens, with what says that this hub makes it.
fn authenticated(
    mut request: RequestBuilder,
    endpoints: &Endpoints,
    (client, secret): (&str, Option<&str>),
    redeemed: &Redeemed<'_>,
) -> RequestBuilder {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", redeemed.code)
        .append_pair("redirect_uri", redeemed.redirect)
        .append_pair("code_verifier", redeemed.verifier);
    match secret {
        Some(secret) if endpoints.secret_in_body => {
            form.append_pair("client_id", client).append_pair("client_secret", secret);
        }
        // Both parts are encoded as in a form before they are joined (RFC 6749 §2.3.1).
        Some(secret) => {
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret)));
            request = request.header(AUTHORIZATION, format!("Basic {pair}"));
        }
        None => {
            form.append_pair("client_id", client);
        }
    }
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish())
}

/// Sends, and takes nothing but a success within bounds.
async fn ask(request: RequestBuilder) -> Result<Vec<u8>, Error> {
    let unreachable = |error: reqwest::Error| {
        let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        let last = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
        Error::Unreachable(last)
    };
    let mut response = request.header(ACCEPT, "application/json").send().await.map_err(unreachable)?;
    let status = response.status();
    if matches!(status.as_u16(), 400 | 401 | 403) {
        return Err(Error::Refused);
    }
    if !status.is_success() {
        return Err(Error::Answer(format!("HTTP {}", status.as_u16())));
    }
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(Error::Answer(format!("it is larger than {ANSWER_BYTES_MAX} bytes")));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// An issuer that can be used: `https`, or this machine; no query, no fragment, no user.
///
/// # Errors
/// What is wrong with it.
pub(super) fn issuer_address(text: &str) -> Result<Url, Error> {
    let wrong = |why: &str| Error::Settings(format!("issuer: {why}"));
    let url = Url::parse(text).map_err(|_| wrong("not an address such as `https://id.agency.example`"))?;
    let is_allowed = url.scheme() == "https" || url.scheme() == "http" && is_this_machine(&url);
    if !is_allowed {
        return Err(wrong("it begins with `https://`; plain HTTP is for this machine only"));
    }
    let is_bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if is_bare { Ok(url) } else { Err(wrong("it has neither a query nor a fragment nor a user")) }
}

/// Whether an address leads to this machine and so over no network.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_read_strictly() {
        for good in
            ["https://id.example", "https://id.example/realms/a", "http://127.0.0.1:8080", "http://[::1]/"]
        {
            assert!(issuer_address(good).is_ok(), "{good}");
        }
        for wrong in [
            "id.example",
            "http://id.example",
            "https://id.example/?a",
            "https://id.example/#a",
            "https://u@id.example",
            "file:///etc",
        ] {
            assert!(issuer_address(wrong).is_err(), "{wrong}");
        }
    }
}
