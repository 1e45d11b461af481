//! A client for any TAXII 2.1 server. The only module of this crate that does I/O, and only with the feature `client`.
//!
//! Servers are strangers: what they answer is bounded, their redirects lead no credential to another host, a page that repeats ends
//! the poll, and objects are handed on as the bytes that came, unread.
//!
//! ```no_run
//! # async fn example() -> Result<(), taxii::client::Error> {
//! use taxii::client::{Client, Credentials, Cursor, Filters, Settings};
//! let settings = Settings {
//!     credentials: Credentials::Basic { user: "reader".to_owned(), password: "…".to_owned() },
//!     ..Settings::new("https://taxii.example/taxii2/")
//! };
//! let client = Client::new(&settings)?;
//! let place = client.first_readable().await?;
//! let mut poll = client.poll(place, Filters::default(), Cursor::default());
//! while let Some(page) = poll.next_page().await? {
//!     println!("{} objects", page.objects.len());
//! }
//! // Kept, and given again the next time.
//! let cursor = poll.cursor();
//! # Ok(())
//! # }
//! ```

mod poll;
mod request;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    ApiRoot, Collection, Collections, Discovery, ErrorMessage, ManifestRecord, Status, StatusState, media,
};

pub use poll::{Cursor, Poll};

/// Collections of one API root that are read; a server that names more is not to be taken at its word.
const COLLECTIONS_MAX: usize = 10_000;
/// API roots of one server that are read.
const API_ROOTS_MAX: usize = 1_000;

/// How a client shows who it is. Beside it, a certificate may be shown: see [`Settings::identity`].
#[derive(Clone, Default)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// User name and password (RFC 7617; TAXII 2.1 §9 demands that servers know it).
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
    /// A token (RFC 6750).
    Bearer(String),
}

/// Which server, and how to speak to it.
#[derive(Clone)]
pub struct Settings {
    /// Where discovery is, e.g. `https://taxii.example/taxii2/`.
    pub discovery: String,
    /// Who we are.
    pub credentials: Credentials,
    /// A certificate chain and its private key (PEM) to show the server (mutual TLS).
    pub identity: Option<Vec<u8>>,
    /// Certificates (PEM) that the server's must lead back to; without them, those that this machine trusts.
    pub root_certificate: Option<Vec<u8>>,
    /// Origins beside discovery's own, such as `https://roots.example`, whose API roots are given the credentials as well.
    pub origins: Vec<String>,
    /// What the server is told that we are.
    pub user_agent: String,
    /// Longest answer that is read, in bytes.
    pub answer_bytes_max: usize,
    /// Longest time for one request and its answer.
    pub timeout: Duration,
}

impl Settings {
    /// Settings without credentials.
    #[must_use]
    pub fn new(discovery: impl Into<String>) -> Self {
        Self {
            discovery: discovery.into(),
            credentials: Credentials::None,
            identity: None,
            root_certificate: None,
            origins: Vec::new(),
            user_agent: concat!("yagura/", env!("CARGO_PKG_VERSION")).to_owned(),
            answer_bytes_max: 256 << 20,
            timeout: Duration::from_secs(120),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The credentials are secrets and stay out of every log.
        f.debug_struct("Settings").field("discovery", &self.discovery).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}

/// Why a request brought nothing. Each variant asks for another act.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The settings cannot be used; mend the configuration.
    #[error("{0}")]
    Settings(String),
    /// Nobody answered, or the connection broke; try again later.
    #[error("cannot reach the TAXII server: {0}")]
    Unreachable(String),
    /// The server's certificate proves nothing to us. Trying again will not help.
    #[error(
        "the TAXII server's certificate is not to be trusted: {0}; if it is the right server, give the certificate of its authority"
    )]
    Certificate(String),
    /// The server refuses us: who we are, what we may do, or it is not there for us.
    #[error("the TAXII server refuses (HTTP {status}): {}", words(.message))]
    Refused {
        /// 401, 403 or 404.
        status: u16,
        /// Its own words.
        message: Box<ErrorMessage>,
    },
    /// The server cannot take what we sent: trying the same again will not help.
    #[error("the TAXII server cannot take this (HTTP {status}): {}", words(.message))]
    Request {
        /// 4xx.
        status: u16,
        /// Its own words.
        message: Box<ErrorMessage>,
    },
    /// The server is busy or fails; try again later, not before it says.
    #[error("the TAXII server is busy or failed (HTTP {status}): {}", words(.message))]
    Busy {
        /// 429 or 5xx.
        status: u16,
        /// When to try again, where it says so; never more than a day.
        retry_after: Option<Duration>,
        /// Its own words.
        message: Box<ErrorMessage>,
    },
    /// What answered does not speak TAXII 2.1, or contradicts itself.
    #[error("the TAXII server's answer cannot be used: {0}")]
    Answer(String),
}

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy { .. })
    }
}

fn words(message: &ErrorMessage) -> String {
    message
        .description
        .as_ref()
        .map_or_else(|| message.title.clone(), |description| format!("{}: {description}", message.title))
}

/// A collection: the address of its API root, and its id or alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The API root, with a slash at its end.
    pub root: Url,
    /// Id or alias.
    pub collection: String,
}

/// What is asked for of a collection (§3.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Objects of a page at most; the server may give fewer.
    pub limit: Option<NonZeroU32>,
    /// `match[…]` filters, by the name within the brackets, values joined by commas. No name stands twice.
    pub matches: BTreeMap<&'static str, String>,
}

/// A page of objects, each as the bytes that came.
#[derive(Debug, Default)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Box<RawValue>>,
    /// Whether the server has more.
    pub more: bool,
    /// What it wants to be given for the following page.
    pub next: Option<String>,
    /// `X-TAXII-Date-Added-First`.
    pub first_added: Option<String>,
    /// `X-TAXII-Date-Added-Last`.
    pub last_added: Option<String>,
}

/// A page of a manifest or of versions.
#[derive(Debug, Default)]
pub struct ListPage<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Give this back for the following page.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    more: bool,
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    objects: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    more: bool,
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    objects: Vec<ManifestRecord>,
    #[serde(default)]
    versions: Vec<String>,
}

/// A TAXII server, as one client sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    /// Follows redirects within one origin.
    http: reqwest::Client,
    /// Follows none: a redirect would turn a POST into a GET.
    http_once: reqwest::Client,
    settings: Settings,
    discovery: Url,
    origins: Vec<Url>,
}

/// What a server offers.
impl Client {
    /// §4.1.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn discovery(&self) -> Result<Discovery, Error> {
        self.get(self.discovery.clone()).await.map(|(discovery, _)| discovery)
    }

    /// The addresses of API roots, the default first. Relative ones are resolved against discovery's address (§4.1); those of
    /// another origin, which may not be given our credentials, are left out unless [`Settings::origins`] names them.
    #[must_use]
    pub fn api_roots(&self, discovery: &Discovery) -> Vec<Url> {
        let mut roots: Vec<Url> = Vec::new();
        for address in discovery.default.iter().chain(&discovery.api_roots).take(API_ROOTS_MAX) {
            let Ok(mut url) = self.discovery.join(address) else { continue };
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
            if self.is_ours(&url) && !roots.contains(&url) {
                roots.push(url);
            }
        }
        roots
    }

    /// §4.2.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn api_root(&self, root: &Url) -> Result<ApiRoot, Error> {
        self.get(root.clone()).await.map(|(root, _)| root)
    }

    /// §5.1.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn collections(&self, root: &Url) -> Result<Vec<Collection>, Error> {
        let (found, _): (Collections, _) = self.get(address(root, &["collections", ""])?).await?;
        if found.collections.len() > COLLECTIONS_MAX {
            return Err(Error::Answer(format!("it names more than {COLLECTIONS_MAX} collections")));
        }
        Ok(found.collections)
    }

    /// §5.2.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn collection(&self, place: &Place) -> Result<Collection, Error> {
        self.get(place.address(&[""])?).await.map(|(collection, _)| collection)
    }

    /// The first collection that can be read, looking through the API roots in their order.
    ///
    /// # Errors
    /// [`Error::Answer`] where there is none.
    pub async fn first_readable(&self) -> Result<Place, Error> {
        self.first(|collection| collection.can_read, "read").await
    }

    /// The first collection that can be written to.
    ///
    /// # Errors
    /// [`Error::Answer`] where there is none.
    pub async fn first_writable(&self) -> Result<Place, Error> {
        self.first(|collection| collection.can_write, "written to").await
    }

    async fn first(&self, is_wanted: impl Fn(&Collection) -> bool, word: &str) -> Result<Place, Error> {
        let discovery = self.discovery().await?;
        for root in self.api_roots(&discovery) {
            if let Some(found) = self.collections(&root).await?.into_iter().find(|found| is_wanted(found)) {
                return Ok(Place { root, collection: found.id });
            }
        }
        Err(Error::Answer(format!(
            "none of its collections can be {word} with these credentials; ask the server's operator, or name an origin of its API roots"
        )))
    }
}

/// What a collection holds.
impl Client {
    /// One page of objects (§5.4). For all of them use [`Client::poll`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn objects(&self, place: &Place, filters: &Filters, cursor: &Cursor) -> Result<Page, Error> {
        let mut url = place.address(&["objects", ""])?;
        filters.put(&mut url, cursor);
        let (Envelope { more, next, objects }, headers) = self.get(url).await?;
        let date = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (first_added, last_added) = (date("x-taxii-date-added-first"), date("x-taxii-date-added-last"));
        Ok(Page { objects, more, next, first_added, last_added })
    }

    /// Every page from a cursor on.
    #[must_use]
    pub fn poll(&self, place: Place, filters: Filters, cursor: Cursor) -> Poll {
        Poll::new(self.clone(), place, filters, cursor)
    }

    /// §5.3, one page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn manifest(
        &self,
        place: &Place,
        filters: &Filters,
        cursor: &Cursor,
    ) -> Result<ListPage<ManifestRecord>, Error> {
        let mut url = place.address(&["manifest", ""])?;
        filters.put(&mut url, cursor);
        let (list, _): (List, _) = self.get(url).await?;
        Ok(ListPage { entries: list.objects, next: list.next.filter(|_| list.more) })
    }

    /// The versions of an object (§5.8), one page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn versions(
        &self,
        place: &Place,
        object: &str,
        next: Option<&str>,
    ) -> Result<ListPage<String>, Error> {
        let mut url = place.address(&["objects", object, "versions", ""])?;
        Filters::default().put(&mut url, &Cursor { next: next.map(str::to_owned), added_after: None });
        let (list, _): (List, _) = self.get(url).await?;
        Ok(ListPage { entries: list.versions, next: list.next.filter(|_| list.more) })
    }

    /// Adds objects (§5.5). The status may be pending: see [`Client::settled`].
    ///
    /// # Errors
    /// [`Error`]; a body over the server's `max_content_length` is its 413, a [`Error::Request`].
    pub async fn add<O: AsRef<[u8]>>(&self, place: &Place, objects: &[O]) -> Result<Status, Error> {
        let body = crate::message::envelope(objects, None);
        let request = self.request(Method::POST, place.address(&["objects", ""])?)?;
        let request = request.header(reqwest::header::CONTENT_TYPE, media::TAXII).body(body);
        self.answer(request).await.map(|(status, _)| status)
    }

    /// §4.3.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn status(&self, root: &Url, id: &str) -> Result<Status, Error> {
        self.get(address(root, &["status", id, ""])?).await.map(|(status, _)| status)
    }

    /// Asks for a status until nothing is pending, at growing intervals, `patience` long at most; gives the last one.
    ///
    /// # Errors
    /// [`Error`]. A busy server is asked again within the patience.
    pub async fn settled(&self, root: &Url, mut status: Status, patience: Duration) -> Result<Status, Error> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut pause = Duration::from_millis(200);
        while status.status == StatusState::Pending {
            if tokio::time::Instant::now() + pause > deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
            match self.status(root, &status.id).await {
                Ok(newer) => status = newer,
                Err(Error::Busy { retry_after, .. }) => pause = pause.max(retry_after.unwrap_or_default()),
                Err(error) => return Err(error),
            }
        }
        Ok(status)
    }

    /// Withdraws an object, or one of its versions (§5.7).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete(&self, place: &Place, object: &str, version: Option<&str>) -> Result<(), Error> {
        let mut url = place.address(&["objects", object, ""])?;
        if let Some(version) = version {
            url.query_pairs_mut().append_pair("match[version]", version);
        }
        self.send(self.request(Method::DELETE, url)?).await.map(drop)
    }
}

impl Place {
    fn address(&self, path: &[&str]) -> Result<Url, Error> {
        let mut parts = vec!["collections", &self.collection];
        parts.extend(path);
        address(&self.root, &parts)
    }
}

impl Filters {
    fn put(&self, url: &mut Url, cursor: &Cursor) {
        if *self == Self::default() && *cursor == Cursor::default() {
            return;
        }
        let mut query = url.query_pairs_mut();
        if let Some(after) = &cursor.added_after {
            query.append_pair("added_after", after);
        }
        if let Some(next) = &cursor.next {
            query.append_pair("next", next);
        }
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
        for (name, values) in &self.matches {
            query.append_pair(&format!("match[{name}]"), values);
        }
    }
}

/// An address under an API root; each part is one segment of the path, whatever characters it has.
fn address(root: &Url, path: &[&str]) -> Result<Url, Error> {
    let mut url = root.clone();
    url.path_segments_mut()
        .map_err(|()| Error::Settings(format!("`{root}` cannot have a path")))?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}
