//! Content on its way out: an archive with a password, written as it is read, and never whole anywhere.
//!
//! Each piece is opened only if it is what was sealed, and the whole is hashed once more. Where that fails, the answer breaks off, and what came of it
//! is no archive.

use std::io::{self, Write};

use api::Secret;
use aws_lc_rs::digest::{self, SHA256};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use jiff::Timestamp;
use oversight::Realm;
use oversight::custody::archive::{SALT_BYTES, Writer};
use store::Store;
use store::evidence::{Item, Kept, content};
use tokio::runtime::Handle;
use tokio::sync::{SemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::seal::ContentKey;
use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// What archives of malware are opened with everywhere. It keeps programs out, and nobody else.
pub(crate) const USUAL_PASSWORD: &str = "infected";
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
/// Bytes that are sent at once.
const PART_BYTES: usize = 256 * 1024;
/// Parts that wait for a slow reader.
const PARTS_MAX: usize = 4;

/// What an archive is made of.
pub(crate) enum Part {
    /// A document, as it is.
    Document(String, Vec<u8>),
    /// The content of an item, under a name in the archive.
    Content(String, Box<Sealed>),
}

/// Content that is to be opened.
pub(crate) struct Sealed {
    item: uuid::Uuid,
    kept: Kept,
    key: ContentKey,
}

impl Sealed {
    /// Content that is here, with its key.
    ///
    /// # Errors
    /// Its time is over; the key service is away.
    pub(crate) async fn of(state: &AppState, realm: &Realm, item: &Item) -> Answer<Self> {
        let kept = item.kept.clone().ok_or_else(|| Failure::internal("an item has no content"))?;
        let key = ContentKey::open(state, realm, item.new.id, &kept).await?;
        Ok(Self { item: item.new.id, kept, key })
    }
}

/// The password that somebody chose, or the usual one.
///
/// # Errors
/// 422 where programs would read it in different ways.
pub(crate) fn password(given: Option<Secret>) -> Answer<Secret> {
    let Some(given) = given else { return Ok(Secret::from(USUAL_PASSWORD.to_owned())) };
    let is_good = PASSWORD_CHARS.contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good {
        return Ok(given);
    }
    let why = "password: 8 to 128 letters, digits and marks of ASCII, without blanks: other letters are read in different ways by \
               different programs";
    Err(Failure::rule("archive-password", why))
}

/// The answer: bytes that a browser saves and never shows.
pub(crate) fn answer(
    state: &AppState,
    (name, made): (&str, Timestamp),
    (realm, parts): (Realm, Vec<Part>),
    password: Secret,
    permit: SemaphorePermit<'static>,
) -> Response {
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    let (store, handle) = (state.store.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let source = Source { store, handle, realm };
        let mut out = Sending { sender, waiting: Vec::with_capacity(PART_BYTES) };
        let written = write(&mut out, made, &source, parts, &password).and_then(|()| out.flush());
        if let Err(error) = written {
            tracing::error!(%error, "evidence on its way out broke off");
            // The reader may be the one that went away.
            let _ = out.sender.blocking_send(Err(error));
        }
    });
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{encoded}")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

/// Where content is read from, on a thread that may block.
struct Source {
    store: Store,
    handle: Handle,
    realm: Realm,
}

fn write(
    out: &mut Sending,
    made: Timestamp,
    source: &Source,
    parts: Vec<Part>,
    password: &str,
) -> io::Result<()> {
    let mut archive = Writer::new(out, made);
    for part in parts {
        match part {
            Part::Document(name, bytes) => archive.plain(&name, &bytes)?,
            Part::Content(name, sealed) => {
                let salt = salt()?;
                let mut entry = archive.sealed(&name, sealed.kept.size, (password, &salt))?;
                source.open(&sealed, |piece| entry.write_all(piece))?;
                entry.finish()?;
            }
        }
    }
    archive.finish().map(drop)
}

fn salt() -> io::Result<[u8; SALT_BYTES]> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(salt)
}

impl Source {
    /// Opens a content piece by piece.
    fn open(&self, sealed: &Sealed, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut sha256 = digest::Context::new(&SHA256);
        for number in 0..sealed.kept.chunks {
            let (realm, place) = (self.realm.clone(), (sealed.item, sealed.kept.upload, number));
            let read = self.store.read(move |reader| content::get(reader, &realm, place));
            let piece = self.handle.block_on(read).map_err(|error| io::Error::other(error.to_string()))?;
            let mut piece = piece.ok_or_else(|| io::Error::other("a piece of the content is gone"))?;
            let is_last = number.saturating_add(1) == sealed.kept.chunks;
            let piece = sealed.key.open_piece(number, is_last, &mut piece);
            let piece = piece.map_err(|error| io::Error::other(error.to_string()))?;
            sha256.update(piece);
            take(piece)?;
        }
        if hex::encode(sha256.finish()) != sealed.kept.sha256 {
            return Err(io::Error::other("the content is not what was received"));
        }
        Ok(())
    }
}

/// Hands bytes on to the answer.
struct Sending {
    sender: mpsc::Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.waiting, Vec::with_capacity(PART_BYTES));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader went away");
        self.sender.blocking_send(Ok(part.into())).map_err(gone)
    }
}
