//! A bucket of an S3 server, for what is published and can be made from the database at any time: tiles of the log.
//!
//! Nothing lives only here, and nothing waits for it: whoever asks bounds how long, and goes to the database instead. Names are given
//! once: what stands under one never changes, but for the one that a caller replaces on purpose, and that only as it was read.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig, UpdateVersion, path,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

/// How long a connection may take.
const CONNECT_WAIT: Duration = Duration::from_secs(3);
/// How long one request may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How long the same is tried in all.
const TRY_FOR: Duration = Duration::from_secs(15);
/// How often it is tried again within that.
const TRIES: usize = 2;
/// The largest blob that is read.
const BLOB_BYTES_MAX: u64 = 64 << 20;
/// The form of an address, for whoever wrote another one.
const FORM: &str = "`s3://bucket/prefix?endpoint=https://s3.example.jp&region=…&ca=FILE`, with the key in AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY or as `s3://key:secret@bucket/…`";

/// A bucket, and a prefix in it.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: path::Path,
    shown: String,
}

/// What stands under a name, and which writing of it this is.
#[derive(Debug, Clone)]
pub struct Blob {
    /// What stands there.
    pub bytes: Bytes,
    version: UpdateVersion,
}

/// Why a bucket does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Something else stands under the name.
    #[error("`{0}` holds something else than the database makes")]
    Differs(String),
    /// Somebody else has replaced it since it was read.
    #[error("`{0}` was replaced meanwhile")]
    Replaced(String),
    /// The server is away, or refuses.
    #[error("{0}")]
    Away(String),
}

impl std::fmt::Debug for Bucket {
    /// Without what signs in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Bucket {
    /// Reads an address such as `s3://bucket/prefix?endpoint=https://s3.example.jp`. Nothing is asked of the server.
    ///
    /// # Errors
    /// What is wrong with it; never what signs in.
    pub fn parse(address: &str) -> Result<Self, String> {
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
            max_retries: TRIES,
            retry_timeout: TRY_FOR,
            ..RetryConfig::default()
        });
        let (mut shown, mut roots) = (format!("s3://{bucket}/{prefix}"), None);
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "endpoint" => {
                    let endpoint = endpoint(&value)?;
                    shown = format!("{shown} at {}", endpoint.host_str().unwrap_or_default());
                    builder = builder
                        .with_endpoint(value.trim_end_matches('/'))
                        .with_allow_http(endpoint.scheme() == "http");
                }
                "region" => builder = builder.with_region(value),
                "ca" => roots = Some(PathBuf::from(value.as_ref())),
                other => return Err(format!("`{other}` is not known; an address is of the form {FORM}")),
            }
        }
        let store = builder.with_http_connector(Client { tls: tls(roots.as_deref())? }).build();
        let store = store.map_err(|error| error.to_string())?;
        Ok(Self { store: Arc::new(store), prefix, shown })
    }

    /// What stands under a name.
    ///
    /// # Errors
    /// [`BlobError::Away`].
    pub async fn get(&self, name: &str) -> Result<Option<Blob>, BlobError> {
        let given = match self.store.get_opts(&self.at(name), GetOptions::default()).await {
            Ok(given) => given,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.away(&error)),
        };
        if given.meta.size > BLOB_BYTES_MAX {
            return Err(BlobError::Differs(name.to_owned()));
        }
        let version = UpdateVersion { e_tag: given.meta.e_tag.clone(), version: given.meta.version.clone() };
        let bytes = given.bytes().await.map_err(|error| self.away(&error))?;
        Ok(Some(Blob { bytes, version }))
    }

    /// Puts something under a name that has nothing, or the same.
    ///
    /// # Errors
    /// [`BlobError::Differs`], [`BlobError::Away`].
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        match self.put(name, bytes.clone(), PutMode::Create).await {
            Err(BlobError::Replaced(_)) => {}
            done => return done,
        }
        // Another hub was first, or this one before its last answer came.
        match self.get(name).await? {
            Some(there) if there.bytes == bytes => Ok(()),
            _ => Err(BlobError::Differs(name.to_owned())),
        }
    }

    /// Replaces what stands under a name, if it is still what was read there; `None`: nothing.
    ///
    /// # Errors
    /// [`BlobError::Replaced`], [`BlobError::Away`].
    pub async fn replace(&self, name: &str, bytes: Bytes, read: Option<&Blob>) -> Result<(), BlobError> {
        let mode = read.map_or(PutMode::Create, |read| PutMode::Update(read.version.clone()));
        self.put(name, bytes, mode).await
    }

    /// Removes what stands under these names; what is gone already is no error.
    ///
    /// # Errors
    /// [`BlobError::Away`].
    pub async fn remove_all(&self, names: Vec<String>) -> Result<(), BlobError> {
        for name in names {
            match self.store.delete(&self.at(&name)).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.away(&error)),
            }
        }
        Ok(())
    }

    /// The names that begin with a folder.
    ///
    /// # Errors
    /// [`BlobError::Away`].
    pub async fn names_in(&self, folder: &str) -> Result<Vec<String>, BlobError> {
        let listed = self.store.list_with_delimiter(Some(&self.at(folder))).await;
        let listed = listed.map_err(|error| self.away(&error))?;
        let beneath = |place: &path::Path| {
            let parts: Vec<String> =
                place.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
            Some(parts.join("/"))
        };
        Ok(listed.objects.iter().filter_map(|object| beneath(&object.location)).collect())
    }

    async fn put(&self, name: &str, bytes: Bytes, mode: PutMode) -> Result<(), BlobError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store.put_opts(&self.at(name), bytes.into(), options).await {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(BlobError::Replaced(name.to_owned()))
            }
            Err(error) => Err(self.away(&error)),
        }
    }

    fn at(&self, name: &str) -> path::Path {
        name.split('/').fold(self.prefix.clone(), path::Path::join)
    }

    /// What is wrong, with what to do.
    fn away(&self, error: &Error) -> BlobError {
        let remedy = match error {
            Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => {
                ": it does not let this hub in; check the key in `blobs`, or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
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
        BlobError::Away(format!("{}: {cause}{remedy}", self.shown))
    }
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
}

impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(CONNECT_WAIT)
            .timeout(ANSWER_WAIT)
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
    use super::Bucket;

    /// How it is shown, or why it cannot be used.
    fn check(address: &str, expected: &str) {
        let found = match Bucket::parse(address) {
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
