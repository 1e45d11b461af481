//! Where the files of a log are: a folder, or an address that serves them (C2SP tlog-tiles, APIs).

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use tlog::{ENTRY_BYTES_MAX, NOTE_BYTES_MAX, TILE_WIDTH, Tile, decode_entries, encode_entries};
use url::Url;

use crate::http;

/// Bytes of a full tile.
const TILE_BYTES_MAX: usize = TILE_WIDTH as usize * 32;
/// Bytes of the largest bundle: each entry has its length before it.
const BUNDLE_BYTES_MAX: usize = TILE_WIDTH as usize * (ENTRY_BYTES_MAX + 2);
/// How long one file may take.
const FILE_TIMEOUT: Duration = Duration::from_secs(60);

/// The files of one log.
#[derive(Clone)]
pub struct Source(Place);

#[derive(Clone)]
enum Place {
    Folder(PathBuf),
    /// The address ends with a slash.
    Http(reqwest::Client, Url),
}

/// Why a file of a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The text is neither a folder nor an address.
    #[error("`{address}` cannot be used: {why}")]
    Address {
        /// The text.
        address: String,
        /// Why.
        why: String,
    },
    /// There is no such file.
    #[error("`{0}` is missing")]
    Missing(String),
    /// The file cannot be read.
    #[error("`{name}`: {why}")]
    Unread {
        /// The file's path within the log.
        name: String,
        /// Why.
        why: String,
    },
}

impl Source {
    /// A log at an address that begins with `http://` or `https://`, or else in a folder. Everything that is read is verified, so plain
    /// HTTP gives away what is read, and nothing else.
    ///
    /// # Errors
    /// [`SourceError::Address`].
    pub fn parse(address: &str) -> Result<Self, SourceError> {
        let unusable = |why: String| SourceError::Address { address: address.to_owned(), why };
        if !(address.starts_with("http://") || address.starts_with("https://")) {
            return Ok(Self::folder(address));
        }
        let mut url = Url::parse(address).map_err(|error| unusable(error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(unusable("an address of a log has no `?` and no `#`".to_owned()));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let client = http::client(url.scheme() == "http").map_err(unusable)?;
        Ok(Self(Place::Http(client, url)))
    }

    /// A log in a folder, laid out as it is served.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self(Place::Folder(folder.into()))
    }

    /// The latest checkpoint's note.
    pub(crate) async fn checkpoint(&self) -> Result<String, SourceError> {
        let name = "checkpoint";
        let bytes = self.get(name, NOTE_BYTES_MAX).await?.ok_or(SourceError::Missing(name.to_owned()))?;
        String::from_utf8(bytes).map_err(|_| unread(name, "it is not text"))
    }

    /// The bytes of a tile, as many as it has hashes. Where a partial one is gone, they are taken of the full one (C2SP tlog-tiles, Partial Tiles).
    pub(crate) async fn tile(&self, tile: &Tile) -> Result<Vec<u8>, SourceError> {
        let path = tile.path();
        let bytes = self.tile_or_full(tile, &path).await?.ok_or(SourceError::Missing(path.clone()))?;
        tile.parse_content(&bytes).map_err(|error| unread(&path, &error))?;
        Ok(bytes)
    }

    async fn tile_or_full(&self, tile: &Tile, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let full = Tile { width: TILE_WIDTH, ..*tile };
        let found = self.get(path, TILE_BYTES_MAX).await?;
        if found.is_some() || full == *tile {
            return Ok(found);
        }
        let mut bytes = self.get(&full.path(), TILE_BYTES_MAX).await?;
        if let Some(bytes) = &mut bytes {
            bytes.truncate(usize::from(tile.width) * 32);
        }
        Ok(bytes)
    }

    /// The bytes of the bundle that goes with a tile of level 0; where a partial one is gone, of the beginning of the full one.
    pub(crate) async fn bundle(&self, tile: &Tile) -> Result<Vec<u8>, SourceError> {
        let path = tile.entries_path();
        if let Some(bytes) = self.get(&path, BUNDLE_BYTES_MAX).await? {
            return Ok(bytes);
        }
        let full = Tile { width: TILE_WIDTH, ..*tile };
        let full_path = full.entries_path();
        let bytes = if full == *tile { None } else { self.get(&full_path, BUNDLE_BYTES_MAX).await? };
        let bytes = bytes.ok_or(SourceError::Missing(path))?;
        let entries = decode_entries(&bytes).map_err(|error| unread(&full_path, &error))?;
        let first = entries.into_iter().take(usize::from(tile.width));
        encode_entries(first).map_err(|error| unread(&full_path, &error))
    }

    async fn get(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>, SourceError> {
        match &self.0 {
            Place::Folder(folder) => {
                read_file(folder.join(name), max).await.map_err(|why| unread(name, &why))
            }
            Place::Http(client, prefix) => {
                let url = prefix.join(name).map_err(|error| unread(name, &error))?;
                let fetched = tokio::time::timeout(FILE_TIMEOUT, fetch(client, url, max)).await;
                fetched.map_err(|_| unread(name, "it took too long"))?.map_err(|why| unread(name, &why))
            }
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Folder(folder) => write!(f, "Source({})", folder.display()),
            Place::Http(_, url) => write!(f, "Source({url})"),
        }
    }
}

async fn read_file(path: PathBuf, max: usize) -> io::Result<Option<Vec<u8>>> {
    match tokio::fs::read(&path).await {
        Ok(bytes) if bytes.len() > max => Err(io::Error::other(format!("it is longer than {max} bytes"))),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn fetch(client: &reqwest::Client, url: Url, max: usize) -> Result<Option<Vec<u8>>, String> {
    let request = client.get(url).header("accept-encoding", "gzip, identity");
    let response = request.send().await.map_err(|error| http::causes(&error))?;
    match response.status() {
        StatusCode::OK => http::body(response, max).await.map(Some),
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
        other => Err(format!("the answer is {other}")),
    }
}

fn unread(name: &str, why: &(impl ToString + ?Sized)) -> SourceError {
    SourceError::Unread { name: name.to_owned(), why: why.to_string() }
}
