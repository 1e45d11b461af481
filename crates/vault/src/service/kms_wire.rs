//! Requests to a service that speaks the interface of AWS KMS: JSON 1.1 over HTTPS, signed with Signature Version 4.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::ServiceError;

/// Longer answers are not read; the longest in use here is a page of aliases.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long is waited for a connection, and for an answer.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// What the actions of the service begin with (AWS KMS API reference, "Making API requests").
const TARGET: &str = "TrentService";

/// Who asks.
#[derive(Clone)]
pub struct KmsCredentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, for credentials that last for a while only.
    pub session_token: Option<String>,
}

/// What asks.
pub(super) struct Wire {
    client: reqwest::Client,
    endpoint: Url,
    region: String,
    credential: AwsCredential,
}

/// Why there is no answer.
pub(super) enum WireError {
    /// The service answered with one of its errors.
    Answer {
        /// Its name, `NotFoundException`.
        code: String,
        /// What it says to people, in short.
        message: String,
        /// Whether it may be another later.
        passing: bool,
    },
    /// No answer, or none that can be read.
    Unreachable(String),
}

impl Wire {
    pub(super) fn new(
        endpoint: &str,
        region: &str,
        roots: Option<&Path>,
        credentials: KmsCredentials,
    ) -> Result<Self, ServiceError> {
        let KmsCredentials { access_key_id, secret_access_key, session_token } = credentials;
        let in_a_header = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        // The signer takes it for granted that they can stand in a header.
        if ![Some(&access_key_id), session_token.as_ref()].into_iter().flatten().all(|text| in_a_header(text))
            || secret_access_key.is_empty()
        {
            return Err(ServiceError::Unusable(
                "the credentials are empty or have characters that none have".to_owned(),
            ));
        }
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ServiceError::Unusable(format!("`{region}` is not a region")));
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls(roots)?)
            .connect_timeout(CONNECT_WAIT)
            .timeout(ANSWER_WAIT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| ServiceError::Unusable(cause.to_string()))?;
        let credential =
            AwsCredential { key_id: access_key_id, secret_key: secret_access_key, token: session_token };
        Ok(Self { client, endpoint: checked(endpoint)?, region: region.to_owned(), credential })
    }

    /// Asks for an action and reads the answer.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        action: &str,
        request: &impl Serialize,
    ) -> Result<T, WireError> {
        let unreachable =
            |cause: &dyn std::fmt::Display| WireError::Unreachable(format!("{action}: {cause}"));
        let body = serde_json::to_vec(request).map_err(|cause| unreachable(&cause))?;
        let signed = self.signed(action, body.clone()).map_err(|cause| unreachable(&cause))?;
        let (head, _) = signed.into_parts();
        let sent = self.client.post(self.endpoint.clone()).headers(head.headers).body(body).send().await;
        let mut answer = sent.map_err(|cause| unreachable(&deepest(&cause)))?;
        let status = answer.status();
        let mut text = zeroize::Zeroizing::new(Vec::with_capacity(4_096));
        while let Some(part) = answer.chunk().await.map_err(|cause| unreachable(&deepest(&cause)))? {
            if text.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(unreachable(&"the answer is too long"));
            }
            text.extend_from_slice(&part);
        }
        if !status.is_success() {
            return Err(refusal(status, &text));
        }
        // Actions without a result answer with nothing at all.
        let text = if text.is_empty() { b"{}".as_slice() } else { &text };
        serde_json::from_slice(text).map_err(|_| unreachable(&"the answer is not what the interface says"))
    }

    fn signed(&self, action: &str, body: Vec<u8>) -> Result<HttpRequest, String> {
        let mut request = http::Request::post(self.endpoint.as_str())
            .header(http::header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", format!("{TARGET}.{action}"))
            .body(HttpRequestBody::from(body))
            .map_err(|cause| cause.to_string())?;
        let signer = AwsAuthorizer::new(&self.credential, "kms", &self.region);
        signer.try_authorize(&mut request, None).map_err(|cause| cause.to_string())?;
        Ok(request)
    }
}

/// Off this machine there is always TLS.
fn checked(endpoint: &str) -> Result<Url, ServiceError> {
    let wrong = |why: &str| ServiceError::Unusable(format!("endpoint: `{endpoint}` {why}"));
    let url = Url::parse(endpoint).ok().filter(|url| url.path() == "/" && url.query().is_none());
    let url = url.ok_or_else(|| wrong("is not of the form `https://kms.ap-northeast-1.amazonaws.com`"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_near = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near => Ok(url),
        _ => Err(wrong("is not on this machine and is reached with TLS only; write `https://`")),
    }
}

fn tls(roots_file: Option<&Path>) -> Result<ClientConfig, ServiceError> {
    let mut roots = RootCertStore::empty();
    match roots_file {
        Some(file) => {
            let failed = |cause: &dyn std::fmt::Display| {
                ServiceError::Unusable(format!("ca: `{}` cannot be used: {cause}", file.display()))
            };
            for certificate in CertificateDer::pem_file_iter(file).map_err(|cause| failed(&cause))? {
                roots.add(certificate.map_err(|cause| failed(&cause))?).map_err(|cause| failed(&cause))?;
            }
            if roots.is_empty() {
                return Err(failed(&"there is no certificate in it"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|cause| ServiceError::Unusable(cause.to_string()))?;
    Ok(tls.with_root_certificates(roots).with_no_client_auth())
}

#[derive(serde::Deserialize)]
struct Refusal {
    /// `NotFoundException`, or `com.amazonaws.kms#NotFoundException`.
    #[serde(rename = "__type")]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

fn refusal(status: http::StatusCode, text: &[u8]) -> WireError {
    let passing = status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS;
    let Ok(refusal) = serde_json::from_slice::<Refusal>(text) else {
        return WireError::Unreachable(format!("it answers with {status}"));
    };
    let code = refusal.kind.rsplit('#').next().unwrap_or_default().to_owned();
    let message = refusal.message.chars().filter(|c| !c.is_control()).take(300).collect();
    let passing = passing || code == "ThrottlingException" || code == "KMSInternalException";
    WireError::Answer { code, message, passing }
}

/// What went wrong at the bottom: above it only the address is said again.
fn deepest(cause: &dyn std::error::Error) -> String {
    let mut cause = cause;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

impl std::fmt::Debug for KmsCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KmsCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
