//! How a request is made and its answer judged.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::{Client, Credentials, Error, Settings};
use crate::{ErrorMessage, media};

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Redirects within one origin that are followed.
const REDIRECTS_MAX: usize = 4;
/// Longest error message that is read, in bytes.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// Longest pause that a server is obeyed in.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest part of a server's own words that is handed on, in characters.
const WORDS_MAX: usize = 400;

impl Client {
    /// A client; connects when it is first used.
    ///
    /// # Errors
    /// [`Error::Settings`]: an address or certificate cannot be used, or credentials would travel unprotected.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let discovery = read_address(&settings.discovery)?;
        let origins = settings.origins.iter().map(|text| read_address(text)).collect::<Result<_, _>>()?;
        // The process may have chosen a provider already; then that one stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // A redirect to another host would carry our credentials, or our trust, to somebody else.
        let same_origin = Policy::custom(|attempt| {
            let began = attempt.previous().first().map(Url::origin);
            if attempt.previous().len() <= REDIRECTS_MAX && began == Some(attempt.url().origin()) {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        Ok(Self {
            http: build(settings, &discovery, same_origin)?,
            http_once: build(settings, &discovery, Policy::none())?,
            settings: settings.clone(),
            discovery,
            origins,
        })
    }

    /// Whether an address may be given our credentials.
    pub(super) fn is_ours(&self, url: &Url) -> bool {
        std::iter::once(&self.discovery).chain(&self.origins).any(|ours| ours.origin() == url.origin())
    }

    pub(super) fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Error> {
        if !self.is_ours(&url) {
            let origin = url.origin().ascii_serialization();
            return Err(Error::Settings(format!(
                "`{origin}` is another server than the one of discovery; name it among the origins to send it the credentials"
            )));
        }
        let http = if method == Method::GET { &self.http } else { &self.http_once };
        let request = http.request(method, url).header(ACCEPT, media::TAXII);
        Ok(match &self.settings.credentials {
            Credentials::None => request,
            Credentials::Basic { user, password } => request.basic_auth(user, Some(password)),
            Credentials::Bearer(token) => request.bearer_auth(token),
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<(T, HeaderMap), Error> {
        self.answer(self.request(Method::GET, url)?).await
    }

    /// Sends and reads a TAXII message.
    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<(T, HeaderMap), Error> {
        let response = self.send(request).await?;
        let headers = response.headers().clone();
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !media::is_taxii(kind) {
            let kind = cut(kind.unwrap_or("nothing"));
            return Err(Error::Answer(format!("it is `{kind}` and not `{}`", media::TAXII)));
        }
        let bytes = read(response, self.settings.answer_bytes_max).await?;
        // A message is an object (§3.1); a list of the right length would be read as one, too.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::Answer("it is no TAXII message: it is no JSON object".to_owned()));
        }
        let message = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Answer(format!("it is no TAXII message: {error}")))?;
        Ok((message, headers))
    }

    /// Sends, and turns every answer but a success into the error that it is.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to =
                response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            return Err(Error::Answer(format!(
                "it points to `{}` (HTTP {status}), which is not followed; give that address if it is the right one",
                cut(to)
            )));
        }
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(pause);
        let bytes = read(response, ERROR_BYTES_MAX).await.unwrap_or_default();
        Err(refusal(status, retry_after, &bytes))
    }
}

fn build(settings: &Settings, discovery: &Url, redirects: Policy) -> Result<reqwest::Client, Error> {
    let unusable = |why: String| Error::Settings(why);
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(settings.timeout)
        .redirect(redirects)
        .tcp_nodelay(true)
        .user_agent(&settings.user_agent);
    if is_this_machine(discovery) {
        builder = builder.no_proxy();
    }
    if let Some(pem) = &settings.root_certificate {
        let roots = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|e| unusable(format!("the root certificate cannot be read as PEM: {}", causes(&e))))?;
        if roots.is_empty() {
            return Err(unusable("the file of the root certificate holds none in PEM form".to_owned()));
        }
        builder = builder.tls_certs_only(roots);
    } else if discovery.scheme() == "http" {
        // A machine without any trusted certificate can still reach itself.
        builder = builder.tls_certs_only([]);
    }
    if let Some(pem) = &settings.identity {
        let identity = reqwest::Identity::from_pem(pem).map_err(|e| {
            unusable(format!("the client certificate and its key cannot be read as PEM: {}", causes(&e)))
        })?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|e| unusable(format!("the client cannot be set up: {}", causes(&e))))
}

fn read_address(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|e| {
        Error::Settings(format!("`{text}` is not an address such as `https://taxii.example/taxii2/`: {e}"))
    })?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_machine(&url) => Ok(url),
        "http" => Err(Error::Settings(format!(
            "`{text}` would send the credentials unprotected; use `https://`, plain HTTP is for this machine only"
        ))),
        _ => Err(Error::Settings(format!("`{text}` is not an address of the form `https://…`"))),
    }
}

/// Tells by the status whose fault it is.
fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Error {
    let message = Box::new(message(status, body));
    let code = status.as_u16();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Error::Refused { status: code, message }
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Error::Busy { status: code, retry_after, message }
        }
        _ if status.is_client_error() => Error::Request { status: code, message },
        _ => Error::Busy { status: code, retry_after, message },
    }
}

/// The server's error message (§3.6.1), shortened; where it gave none, the status.
fn message(status: StatusCode, body: &[u8]) -> ErrorMessage {
    let read = serde_json::from_slice(body).unwrap_or_else(|_| ErrorMessage {
        title: status.canonical_reason().unwrap_or("no reason was given").to_owned(),
        description: None,
        error_id: None,
        error_code: None,
        http_status: None,
        external_details: None,
        details: Map::new(),
    });
    ErrorMessage {
        title: cut(&read.title),
        description: read.description.as_deref().map(cut),
        error_id: read.error_id.as_deref().map(cut),
        error_code: read.error_code.as_deref().map(cut),
        http_status: read.http_status.as_deref().map(cut),
        external_details: None,
        details: Map::new(),
    }
}

/// A stranger's words, short and on one line.
fn cut(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect()
}

/// `Retry-After` (RFC 9110 §10.2.3) in seconds. A date would need a clock on which both agree: it is passed over.
fn pause(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| failed(&error))? {
        if bytes.len() + part.len() > bytes_max {
            return Err(Error::Answer(format!(
                "it is larger than {bytes_max} bytes; ask for fewer objects in a page"
            )));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn failed(error: &reqwest::Error) -> Error {
    let text = causes(error);
    // rustls says so itself; its error is hidden behind several others.
    if text.contains("certificate") { Error::Certificate(text) } else { Error::Unreachable(text) }
}

/// Whether an address leads to this machine and so over no network.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The whole chain of causes, without the address: the first alone ("error sending request") helps nobody.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&words);
        }
        cause = inner.source();
    }
    if !text.is_empty() {
        return text;
    }
    if error.is_timeout() { "it took too long".to_owned() } else { "the connection failed".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_travel_unprotected() {
        let check = |address: &str, good: bool| {
            let made = Client::new(&Settings::new(address));
            assert_eq!(made.is_ok(), good, "{address}: {made:?}");
        };
        check("http://127.0.0.1:6100/taxii2/", true);
        check("http://[::1]:6100/taxii2/", true);
        check("http://10.0.0.1/taxii2/", false);
        check("http://taxii.example/taxii2/", false);
        check("ftp://127.0.0.1/", false);
        check("taxii.example", false);
    }

    #[test]
    fn no_credential_is_formatted() {
        let credentials = Credentials::Basic { user: "u".to_owned(), password: "hunter2".to_owned() };
        let settings = Settings { credentials, ..Settings::new("http://127.0.0.1/") };
        let client = Client::new(&settings).unwrap();
        assert!(!format!("{settings:?} {client:?}").contains("hunter2"));
    }

    #[test]
    fn pauses_are_read_and_bounded() {
        assert_eq!(pause(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(pause("99999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(pause("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(pause("-1"), None);
    }
}
