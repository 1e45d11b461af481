//! Content on its way out: an archive with a password, written as it is read, and never whole anywhere. Another hub alone is given it as it is ([`bare`]):
//! it seals it anew, and nobody opens it on the way.
//!
//! Each piece is opened only if it is what was sealed, and the whole is hashed once more. Where that fails, the answer breaks off, and what came of it
//! is no archive.

use std::io::{self, Write};
use std::time::Duration;

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
/// How long a reader may take nothing before it counts as gone: it holds a place that others wait for.
const STANDSTILL_MAX: Duration = Duration::from_secs(600);

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
    let body = streamed(state, realm, permit, move |source, out| write(out, made, source, parts, &password));
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{encoded}")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, body).into_response()
}

/// The content as it is, for another hub. What is `held` is let go once all of it is on its way.
pub(crate) fn bare(state: &AppState, realm: Realm, sealed: Sealed, held: impl Send + 'static) -> Response {
    let body =
        streamed(state, realm, held, move |source, out| source.open(&sealed, |piece| out.write_all(piece)));
    ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

/// A body that is written as it is read, on a thread that may block.
fn streamed(
    state: &AppState,
    realm: Realm,
    held: impl Send + 'static,
    write: impl FnOnce(&Source, &mut Sending) -> io::Result<()> + Send + 'static,
) -> Body {
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    let (store, handle) = (state.store.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        let _held = held;
        let source = Source { store, handle: handle.clone(), realm };
        let mut out = Sending { sender, handle, waiting: Vec::with_capacity(PART_BYTES) };
        let written = write(&source, &mut out).and_then(|()| out.flush());
        if let Err(error) = written {
            tracing::error!(%error, "evidence on its way out broke off");
            // The reader may be the one that went away.
            let _ = out.send(Err(error));
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
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
    handle: Handle,
    waiting: Vec<u8>,
}

impl Sending {
    fn send(&self, part: io::Result<Bytes>) -> io::Result<()> {
        let sent = self.sender.send_timeout(part, STANDSTILL_MAX);
        self.handle
            .block_on(sent)
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader went away, or takes nothing"))
    }
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
        self.send(Ok(part.into()))
    }
}
