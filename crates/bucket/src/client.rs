//! How a bucket is reached. Nothing is asked of the server before the caller asks.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::{Error, RetryConfig, path};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

/// The form of an address, for whoever wrote another one.
const FORM: &str = "`s3://bucket/prefix?endpoint=https://s3.example.jp&region=…&ca=FILE`, with the key in AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY or as `s3://key:secret@bucket/…`";

/// How long is waited for a server.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// A connection may take so long.
    pub connect: Duration,
    /// One request may take so long.
    pub answer: Duration,
    /// The same is tried for so long in all.
    pub try_for: Duration,
    /// It is tried again so often within that.
    pub tries: usize,
}

/// A bucket that can be asked, and a prefix in it.
#[derive(Clone)]
pub struct Opened {
    /// The bucket.
    pub store: Arc<AmazonS3>,
    /// What all names begin with.
    pub prefix: path::Path,
    /// `s3://bucket/prefix`, without what signs in.
    pub address: String,
    /// The server's name, where the address says it.
    pub host: Option<String>,
}

impl std::fmt::Debug for Opened {
    /// Without what signs in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { address, host, .. } = self;
        match host {
            Some(host) => write!(f, "{address} at {host}"),
            None => f.write_str(address),
        }
    }
}

/// Reads an address such as `s3://bucket/prefix?endpoint=https://s3.example.jp`.
///
/// # Errors
/// What is wrong with it; never what signs in.
pub fn open(address: &str, waits: Waits) -> Result<Opened, String> {
    let wrong = || format!("not of the form {FORM}");
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "s3").ok_or_else(wrong)?;
    let bucket = url.host_str().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let prefix = path::Path::from_url_path(url.path()).map_err(|_| wrong())?;
    let mut builder = match (url.username(), url.password()) {
        ("", None) => AmazonS3Builder::from_env(),
        (_, None) | ("", Some(_)) => return Err(wrong()),
        (key, Some(secret)) => {
            AmazonS3Builder::new().with_access_key_id(plain(key)?).with_secret_access_key(plain(secret)?)
        }
    };
    builder = builder.with_bucket_name(bucket).with_disable_bulk_delete(true).with_retry(RetryConfig {
        max_retries: waits.tries,
        retry_timeout: waits.try_for,
        ..RetryConfig::default()
    });
    let (mut host, mut roots) = (None, None);
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "endpoint" => {
                let endpoint = endpoint(&value)?;
                host = endpoint.host_str().map(str::to_owned);
                builder = builder
                    .with_endpoint(value.trim_end_matches('/'))
                    .with_allow_http(endpoint.scheme() == "http");
            }
            "region" => builder = builder.with_region(value),
            "ca" => roots = Some(PathBuf::from(value.as_ref())),
            other => return Err(format!("`{other}` is not known; an address is of the form {FORM}")),
        }
    }
    let client = Client { tls: tls(roots.as_deref())?, waits };
    let store = builder.with_http_connector(client).build().map_err(|error| error.to_string())?;
    Ok(Opened { store: Arc::new(store), address: format!("s3://{bucket}/{prefix}"), prefix, host })
}

/// What went wrong, in short and on one line, with what to do where that is known.
#[must_use]
pub fn cause(error: &Error) -> String {
    let remedy = match error {
        Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => {
            ": it does not let this program in; check the key in the address, or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        }
        Error::NotFound { .. } => ": there is no such bucket; make it",
        _ => "",
    };
    // What the driver says begins with the request; what went wrong stands at the end.
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let cause: String = cause.to_string().chars().filter(|c| !c.is_control()).take(300).collect();
    format!("{cause}{remedy}")
}

/// Off this machine there is always TLS.
fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| url.host_str().is_some());
    let url = url.ok_or_else(|| format!("endpoint: `{text}` is not of the form `https://s3.example.jp`"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_near = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near => Ok(url),
        _ => Err("endpoint: a server that is not on this machine is reached with TLS only; write `https://`"
            .to_owned()),
    }
}

fn plain(encoded: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| "what signs in is no text".to_owned())
}

/// The program's own HTTP client: one way to speak TLS.
#[derive(Debug)]
struct Client {
    tls: ClientConfig,
    waits: Waits,
}

impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(self.waits.connect)
            .timeout(self.waits.answer)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(client))
    }
}

fn tls(roots_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match roots_file {
        Some(file) => {
            let failed =
                |error: &dyn std::fmt::Display| format!("ca: `{}` cannot be used: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| failed(&e))? {
                let certificate = certificate.map_err(|e| failed(&e))?;
                roots.add(certificate).map_err(|e| failed(&e))?;
            }
            if roots.is_empty() {
                return Err(failed(&"there is no certificate in it"));
            }
        }
        // Without any, nothing but plain loopback can be spoken to, and the server's certificate is what is complained of.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(tls.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Waits, open};

    /// How it is shown, or why it cannot be used.
    fn check(address: &str, expected: &str) {
        let wait = Duration::from_secs(1);
        let waits = Waits { connect: wait, answer: wait, try_for: wait, tries: 0 };
        let found = match open(address, waits) {
            Ok(bucket) => format!("{bucket:?}"),
            Err(why) => why,
        };
        assert!(found.contains(expected), "`{address}` gave `{found}`");
        assert!(!found.contains("hunter2"), "{found}");
    }

    #[test]
    fn addresses_are_read_and_shown_without_what_signs_in() {
        check("s3://k:hunter2@logs/hub?endpoint=http://127.0.0.1:9000", "s3://logs/hub at 127.0.0.1");
        check(
            "s3://k:hunter2@logs?endpoint=https://s3.example.jp&region=tokyo",
            "s3://logs/ at s3.example.jp",
        );
        check("s3://k:hunter2@logs?endpoint=http://s3.example.jp", "with TLS only");
        check("s3://k:hunter2@logs?endpoint=s3.example.jp", "endpoint: `s3.example.jp` is not of the form");
        check("s3://k:hunter2@logs?ca=/nowhere.pem", "ca: `/nowhere.pem` cannot be used");
        check("s3://k:hunter2@logs?secret=hunter", "`secret` is not known");
        check("https://k:hunter2@logs", "not of the form");
        check("s3://hunter2@logs", "not of the form");
    }
}
