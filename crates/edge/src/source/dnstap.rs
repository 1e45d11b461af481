//! Streams of dnstap, over a socket of the file system or TCP. A sender is answered when it begins and when it ends, and not between:
//! what it wrote and the edge has not yet put on disk is lost when either of them is killed; what is on disk is matched once.
//! While there is no room, streams are not read. DNS servers then throw messages away at their end, and some count them there.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use telemetry::DnstapStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::EdgeError;
use crate::config::{Dnstap, Place};
use crate::source::Inlet;
use crate::source::syslog::{ACCEPT_PAUSE, Behind, STREAMS_MAX, keep_watch};

/// Who may write to a socket of the file system: its owner and group.
const SOCKET_MODE: u32 = 0o660;
/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// An open door.
pub(crate) struct Door {
    listener: Listener,
    behind: Arc<Behind>,
}

pub(crate) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens. A socket file that nobody listens on any more is replaced.
    pub(crate) async fn bind(place: &Place) -> Result<Self, EdgeError> {
        match place {
            Place::Tcp(address) => TcpListener::bind(address)
                .await
                .map(Self::Tcp)
                .map_err(|cause| EdgeError::Listen { address: *address, cause }),
            Place::Unix(path) => bind_unix(path)
                .await
                .map(Self::Unix)
                .map_err(|cause| EdgeError::Socket { path: path.clone(), cause }),
        }
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket());
    if is_socket {
        match UnixStream::connect(path).await {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            Err(error) => return Err(error),
        }
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

impl Door {
    pub(crate) fn new(listener: Listener, inlet: Arc<Inlet>, config: &Dnstap) -> Self {
        Self { listener, behind: Arc::new(Behind { inlet, allow: config.allow.clone() }) }
    }

    /// Takes streams until the edge stops.
    pub(crate) async fn attend(self) {
        let room = Arc::new(Semaphore::new(STREAMS_MAX));
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            let accepted = match &self.listener {
                Listener::Tcp(listener) => listener.accept().await.map(|(stream, from)| {
                    keep_watch(&stream);
                    self.behind.is_allowed(from.ip()).then(|| Stream(Box::new(stream)))
                }),
                Listener::Unix(listener) => {
                    listener.accept().await.map(|(stream, _)| Some(Stream(Box::new(stream))))
                }
            };
            match accepted {
                Ok(Some(stream)) => {
                    if let Some(place) = self.place(&room) {
                        open.spawn(attend_stream(Arc::clone(&self.behind), stream, place));
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn place(&self, room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(room).try_acquire_owned().ok();
        if place.is_none() {
            self.behind.inlet.counters.refused("too-many-streams", 1);
        }
        place
    }
}

/// A connection of either kind.
struct Stream(Box<dyn Connection>);

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Takes the messages of one stream until it ends. Its end is confirmed when all of it is on disk.
async fn attend_stream(behind: Arc<Behind>, Stream(mut stream): Stream, _place: OwnedSemaphorePermit) {
    let mut messages = DnstapStream::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut lines = Vec::new();
    loop {
        let decoded = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => {
                behind.inlet.counters.decoded(&messages.finish());
                break;
            }
            Ok(length) => messages.take(buffer.get(..length).unwrap_or_default(), &mut lines),
        };
        behind.inlet.counters.decoded(&decoded);
        behind.keep(&mut lines).await;
        let replies = messages.replies();
        if !replies.is_empty() && stream.write_all(&replies).await.is_err() {
            break;
        }
        if messages.is_over() {
            break;
        }
    }
    // In form, if the sender still listens.
    let _ = stream.shutdown().await;
}

#[cfg(test)]
#[path = "dnstap_tests.rs"]
mod tests;
