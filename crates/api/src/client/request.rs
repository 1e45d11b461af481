//! How a request is made and its answer judged.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Error, Identity, Settings};
use crate::{Code, Problem};

/// How long an ordinary request may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a publication may take: the hub answers when all of it is durable.
pub(super) const TIMEOUT_IMPORT: Duration = Duration::from_secs(600);
/// The same for messages of a round of private matching: the hub computes on them before it answers.
pub(super) const TIMEOUT_BYTES: Duration = Duration::from_secs(300);
/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer read. A page of 5,000 indicators of 20 kB each stays below it.
const ANSWER_BYTES_MAX: usize = 256 << 20;

impl Client {
    /// A client; connects when it is first used.
    ///
    /// # Errors
    /// The address or the certificate cannot be used, or the address would send the token in the clear over a network.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let unusable = |why: String| Error::Settings(why);
        let base = Url::parse(&settings.address).map_err(|e| {
            unusable(format!("`{}` is not an address such as `https://hub.example`: {e}", settings.address))
        })?;
        let plain = base.scheme() == "http";
        if !plain && base.scheme() != "https" {
            return Err(unusable(format!(
                "`{}` is not an address of the form `https://…`",
                settings.address
            )));
        }
        let local = is_this_machine(&base);
        if plain && !local {
            let address = &settings.address;
            return Err(unusable(format!(
                "`{address}` would send the token unprotected; use `https://`, plain HTTP is for this machine only"
            )));
        }
        let connection = Connection::new(settings, &base)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), settings: settings.clone(), base })
    }

    /// What requests go out by. Where the files of the certificate that is shown were replaced, with the new ones; until both fit
    /// together, with the older ones.
    fn http(&self) -> reqwest::Client {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = &self.settings.identity
            && connection.stamp != Some(Stamp::of(identity))
            && let Ok(newer) = Connection::new(&self.settings, &self.base)
        {
            *connection = newer;
        }
        connection.http.clone()
    }

    /// The hub's address, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.settings.address
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<RequestBuilder, Error> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Settings(format!("`{}` cannot have a path", self.settings.address)))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http().request(method, url);
        if let Some(token) = &self.settings.token {
            request = request.bearer_auth(token);
        }
        Ok(request)
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Error> {
        self.answer(self.request(Method::GET, path, query)?).await
    }

    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.answer(self.request(method, path, &[])?.json(body)).await
    }

    pub(super) async fn send_for_nothing<B: Serialize>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&B>,
    ) -> Result<(), Error> {
        let mut request = self.request(method, path, &[])?;
        if let Some(body) = body {
            request = request.json(body);
        }
        success(request).await.map(drop)
    }

    pub(super) async fn send_bytes(&self, path: &[&str], body: Vec<u8>) -> Result<(), Error> {
        let request = self.request(Method::POST, path, &[])?;
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream");
        success(request.timeout(TIMEOUT_BYTES).body(body)).await.map(drop)
    }

    pub(super) async fn bytes(&self, path: &[&str]) -> Result<Vec<u8>, Error> {
        read(success(self.request(Method::GET, path, &[])?).await?).await
    }

    pub(super) async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let response = success(request).await?;
        let bytes = read(response).await?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Answer(e.to_string()))
    }
}

/// Sends, and turns every answer but a success into the error that it is.
pub(super) async fn success(request: RequestBuilder) -> Result<Response, Error> {
    let response = request.send().await.map_err(|e| Error::Unreachable(causes(&e.without_url())))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status.is_redirection() {
        return Err(Error::Answer(format!(
            "it points elsewhere (HTTP {status}); is this the hub's own address?"
        )));
    }
    let bytes = read(response).await.unwrap_or_default();
    Err(failure(status, &bytes))
}

/// Tells by the status whose fault it is; a proxy's answer without a problem document counts by its status too.
fn failure(status: StatusCode, body: &[u8]) -> Error {
    let problem = serde_json::from_slice(body).unwrap_or_else(|_| without_document(status, body));
    let problem = Box::new(problem);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Error::Refused(problem),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Error::Hub(problem),
        _ if status.is_client_error() => Error::Request(problem),
        _ => Error::Hub(problem),
    }
}

/// A problem from a TAXII error message (§3.6), or from nothing but a status.
fn without_document(status: StatusCode, body: &[u8]) -> Problem {
    let code =
        Code::ALL.iter().copied().find(|code| code.status() == status.as_u16()).unwrap_or(Code::Internal);
    let message = serde_json::from_slice::<serde_json::Value>(body).ok();
    let text = |name: &str| {
        message.as_ref().and_then(|m| m.get(name)).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    Problem {
        kind: "about:blank".to_owned(),
        title: text("title").unwrap_or_else(|| code.title().to_owned()),
        status: status.as_u16(),
        code,
        reason: None,
        params: BTreeMap::new(),
        detail: text("description").or_else(|| Some(format!("HTTP {status}"))),
        request: text("error_id"),
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|e| Error::Unreachable(causes(&e.without_url())))?
    {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Error::Answer(format!("it is larger than {} MiB", ANSWER_BYTES_MAX >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether an address leads to this machine and so over no network.
/// Connections to a hub, and what they were made of.
#[derive(Debug)]
pub(super) struct Connection {
    http: reqwest::Client,
    stamp: Option<Stamp>,
}

/// When the files of a certificate and its key were written, and how long they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([Option<(SystemTime, u64)>; 2]);

impl Stamp {
    fn of(identity: &Identity) -> Self {
        Self([&identity.certificate, &identity.key].map(|path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        }))
    }
}

impl Connection {
    fn new(settings: &Settings, base: &Url) -> Result<Self, Error> {
        let unusable = |why: String| Error::Settings(why);
        // The process may have chosen a provider already; then that one stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirection could carry the token to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(base) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &settings.root_certificate {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| unusable(format!("the root certificate cannot be read as PEM: {e}")))?;
            if roots.is_empty() {
                return Err(unusable("the file of the root certificate holds none in PEM form".to_owned()));
            }
            builder = builder.tls_certs_only(roots);
        } else if base.scheme() == "http" {
            // A machine without any trusted certificate can still reach itself.
            builder = builder.tls_certs_only([]);
        }
        let mut stamp = None;
        if let Some(identity) = &settings.identity {
            // Before they are read: what is written meanwhile is seen at the next request.
            stamp = Some(Stamp::of(identity));
            builder = builder.identity(read_identity(identity)?);
        }
        let http =
            builder.build().map_err(|e| unusable(format!("the client cannot be set up: {}", causes(&e))))?;
        Ok(Self { http, stamp })
    }
}

fn read_identity(identity: &Identity) -> Result<reqwest::Identity, Error> {
    let mut pem = Vec::new();
    for path in [&identity.certificate, &identity.key] {
        let read = std::fs::read(path);
        let read = read.map_err(|e| Error::Settings(format!("`{}` cannot be read: {e}", path.display())))?;
        pem.extend(read);
        pem.push(b'\n');
    }
    let path = identity.certificate.display();
    reqwest::Identity::from_pem(&pem).map_err(|e| {
        Error::Settings(format!(
            "`{path}` and its key are no certificate and key in PEM form: {}",
            causes(&e)
        ))
    })
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The whole chain of causes: the first alone ("error sending request") helps nobody.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Result<Client, Error> {
        Client::new(&Settings {
            address: address.to_owned(),
            token: Some("yg_secret".to_owned()),
            root_certificate: None,
            identity: None,
        })
    }

    #[test]
    fn a_token_does_not_travel_unprotected() {
        for address in ["http://127.0.0.1:8440", "http://localhost:1", "http://[::1]:1/"] {
            assert!(client(address).is_ok(), "{address}");
        }
        for address in [
            "http://10.0.0.1",
            "http://hub.example",
            "ftp://127.0.0.1",
            "hub.example",
            "",
            "http://localhost.example",
        ] {
            assert!(matches!(client(address), Err(Error::Settings(_))), "{address}");
        }
    }

    #[test]
    fn a_token_is_in_no_debug_output() {
        assert!(!format!("{:?}", client("http://127.0.0.1:1").unwrap()).contains("yg_secret"));
    }

    #[test]
    fn paths_and_queries_are_encoded() {
        let client = client("http://127.0.0.1:1/base/").unwrap();
        let request = client
            .request(Method::GET, &["a", "b/../c", ""], &[("match[version]", "a&b".to_owned())])
            .unwrap()
            .build()
            .unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/base/a/b%2F..%2Fc/?match%5Bversion%5D=a%26b");
    }

    fn check(status: u16, body: &str, passing: bool, expected: &str) {
        let error = failure(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.is_passing(), passing, "{expected}");
    }

    #[test]
    fn errors_say_whose_fault_it_is() {
        check(404, "", false, "the hub refuses: not found: HTTP 404 Not Found");
        check(503, "<html>", true, "the hub failed: not available now: HTTP 503 Service Unavailable");
        check(429, "", true, "the hub failed: too many requests: HTTP 429 Too Many Requests");
        check(
            422,
            r#"{"title":"bad content","description":"why"}"#,
            false,
            "the hub cannot take this: bad content: why",
        );
        let problem = serde_json::to_string(&Problem::new(Code::Conflict, "somebody was faster")).unwrap();
        check(409, &problem, false, "the hub cannot take this: changed meanwhile: somebody was faster");
    }
}
