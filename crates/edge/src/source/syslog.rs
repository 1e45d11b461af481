//! Messages of syslog: by datagrams (RFC 5426), streams (RFC 6587) and TLS (RFC 5425). None of them is answered, so what a sender
//! has written and the edge has not yet put on disk is lost when either of them stops; what is on disk is not. While there
//! is no room, streams are not read, which their senders feel; datagrams are then lost by the kernel, and counted.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use socket2::{SockRef, TcpKeepalive};
use telemetry::{SyslogStream, add_message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::config::{Syslog, Transport};
use crate::source::Inlet;
use crate::source::journal::{NewEntry, Refused};

/// The longest message of a stream. A datagram cannot be longer than 64 KiB.
const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Streams at once; together with the length of a message they bound the memory of this door.
pub(super) const STREAMS_MAX: usize = 256;
/// Bytes that are put on disk together.
const TOGETHER_BYTES: usize = 256 << 10;
/// The largest datagram.
const DATAGRAM_BYTES_MAX: usize = 64 << 10;
/// What is asked of the kernel for datagrams that wait; it gives no more than `net.core.rmem_max`.
const KERNEL_BUFFER_BYTES: usize = 8 << 20;
/// How long a handshake may take.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// After so much silence the kernel asks whether a sender is still there.
const ALIVE_AFTER: Duration = Duration::from_secs(60);
/// How long to wait before lines that had no room are tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How often the kernel is asked what it lost.
const LOST_EVERY: Duration = Duration::from_secs(1);
/// How long to wait when no connection can be accepted.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An open door.
pub(crate) struct Door {
    socket: Socket,
    behind: Arc<Behind>,
}

pub(crate) enum Socket {
    Datagrams(UdpSocket),
    Streams { listener: TcpListener, tls: Option<TlsAcceptor> },
}

/// What is behind it.
pub(super) struct Behind {
    pub(super) inlet: Arc<Inlet>,
    pub(super) allow: Vec<IpNet>,
}

impl Socket {
    /// Listens.
    pub(crate) async fn bind(config: &Syslog) -> io::Result<Self> {
        let tls = match &config.transport {
            Transport::Udp => return Ok(Self::Datagrams(bind_datagrams(config.listen).await?)),
            Transport::Tcp => None,
            Transport::Tls(tls) => Some(TlsAcceptor::from(Arc::clone(tls))),
        };
        Ok(Self::Streams { listener: TcpListener::bind(config.listen).await?, tls })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Datagrams(socket) => socket.local_addr(),
            Self::Streams { listener, .. } => listener.local_addr(),
        }
    }
}

impl Door {
    pub(crate) fn new(socket: Socket, inlet: Arc<Inlet>, config: &Syslog) -> Self {
        Self { socket, behind: Arc::new(Behind { inlet, allow: config.allow.clone() }) }
    }

    /// Takes messages until the edge stops.
    pub(crate) async fn attend(self) {
        match self.socket {
            Socket::Datagrams(socket) => {
                let counters = &self.behind.inlet.counters;
                let mut take = |message: &[u8], _, lines: &mut Vec<u8>| {
                    if add_message(message, lines) {
                        counters.received(1);
                    }
                };
                self.behind.datagrams(&socket, &mut take).await;
            }
            Socket::Streams { listener, tls } => streams(&self.behind, &listener, tls).await,
        }
    }
}

impl Behind {
    pub(super) fn is_allowed(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        let allowed = self.allow.is_empty() || self.allow.iter().any(|network| network.contains(&from));
        if !allowed {
            self.inlet.counters.refused("sender", 1);
        }
        allowed
    }

    /// Puts lines on disk, and waits where there is no room.
    pub(super) async fn keep(&self, lines: &mut Vec<u8>) {
        let Some(journal) = &self.inlet.journal else { return };
        let entry = NewEntry { key: [0; 16], lines: std::mem::take(lines) };
        while !entry.lines.is_empty() {
            match journal.keep(&entry).await {
                Ok(()) => break,
                Err(Refused::TooLong) => {
                    self.inlet.counters.dropped("line-too-long", 1);
                    break;
                }
                Err(Refused::Full | Refused::Disk) => tokio::time::sleep(AGAIN_AFTER).await,
            }
        }
        *lines = entry.lines;
        lines.clear();
    }

    /// Takes datagrams until the edge stops; `take` makes lines of each.
    pub(super) async fn datagrams(
        &self,
        socket: &UdpSocket,
        take: &mut impl FnMut(&[u8], SocketAddr, &mut Vec<u8>),
    ) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        let mut lines = Vec::new();
        let mut lost = KernelLosses::of(socket);
        let mut ask = tokio::time::interval(LOST_EVERY);
        loop {
            let received = tokio::select! {
                received = socket.recv_from(&mut buffer) => received,
                _ = ask.tick() => {
                    self.inlet.counters.dropped("kernel-buffer-full", lost.since_last());
                    continue;
                }
            };
            let mut next = received;
            // What came meanwhile is put on disk together with the first.
            loop {
                match next {
                    Ok((length, from)) => {
                        let message = buffer.get(..length).unwrap_or_default();
                        if self.is_allowed(from.ip()) {
                            take(message, from, &mut lines);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        tracing::debug!(%error, "a datagram could not be received");
                        break;
                    }
                }
                if lines.len() >= TOGETHER_BYTES {
                    break;
                }
                next = socket.try_recv_from(&mut buffer);
            }
            self.keep(&mut lines).await;
        }
    }

    /// Takes the messages of one stream until it ends.
    async fn stream(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut messages = SyslogStream::new(MESSAGE_BYTES_MAX);
        let mut buffer = vec![0; 64 << 10];
        let mut lines = Vec::new();
        loop {
            let read = stream.read(&mut buffer).await;
            let framed = match &read {
                Ok(0) | Err(_) => messages.finish(&mut lines),
                Ok(length) => messages.take(buffer.get(..*length).unwrap_or_default(), &mut lines),
            };
            self.inlet.counters.received(framed.messages);
            self.inlet.counters.dropped("line-too-long", framed.too_long);
            self.keep(&mut lines).await;
            if !matches!(read, Ok(length) if length > 0) {
                break;
            }
        }
        // Closed in form (RFC 5425 §4.4), if the sender still listens.
        let _ = stream.shutdown().await;
    }
}

async fn streams(behind: &Arc<Behind>, listener: &TcpListener, tls: Option<TlsAcceptor>) {
    let room = Arc::new(Semaphore::new(STREAMS_MAX));
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !behind.is_allowed(from.ip()) {
            continue;
        }
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            behind.inlet.counters.refused("too-many-streams", 1);
            continue;
        };
        let (behind, tls) = (Arc::clone(behind), tls.clone());
        open.spawn(async move {
            let _place = place;
            attend_stream(&behind, stream, tls).await;
        });
    }
}

async fn attend_stream(behind: &Behind, stream: TcpStream, tls: Option<TlsAcceptor>) {
    keep_watch(&stream);
    let Some(tls) = tls else { return behind.stream(stream).await };
    match tokio::time::timeout(HANDSHAKE_WAIT, tls.accept(stream)).await {
        Ok(Ok(stream)) => behind.stream(stream).await,
        Ok(Err(error)) => {
            behind.inlet.counters.refused("tls", 1);
            tracing::info!(%error, "a sender of syslog could not be spoken with");
        }
        Err(_) => behind.inlet.counters.refused("tls", 1),
    }
}

/// Senders are silent for hours; one that is gone without a word must not keep its place.
pub(super) fn keep_watch(stream: &TcpStream) {
    let alive = TcpKeepalive::new().with_time(ALIVE_AFTER);
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&alive) {
        tracing::debug!(%error, "a connection is not watched");
    }
}

/// Listens for datagrams; as large a buffer is asked for as the kernel gives.
pub(super) async fn bind_datagrams(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(listen).await?;
    SockRef::from(&socket).set_recv_buffer_size(KERNEL_BUFFER_BYTES)?;
    Ok(socket)
}

/// What the kernel lost of a socket's datagrams, where it says so (Linux, `/proc/net/udp`).
struct KernelLosses {
    /// As the table writes it.
    inode: Option<String>,
    counted: u64,
}

impl KernelLosses {
    fn of(socket: &UdpSocket) -> Self {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok();
        let inode = link.and_then(|link| {
            let name = link.to_str()?;
            Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        });
        Self { inode, counted: 0 }
    }

    fn since_last(&mut self) -> u64 {
        let Some(inode) = &self.inode else { return 0 };
        let tables = ["/proc/net/udp", "/proc/net/udp6"]
            .into_iter()
            .filter_map(|path| std::fs::read_to_string(path).ok());
        let now = tables.filter_map(|table| drops_of(&table, inode)).next().unwrap_or(self.counted);
        let since = now.saturating_sub(self.counted);
        self.counted = now;
        since
    }
}

/// The column `drops`, which is the last, of the row with this `inode`, which is the tenth.
fn drops_of(table: &str, inode: &str) -> Option<u64> {
    let row = table.lines().find(|row| row.split_whitespace().nth(9) == Some(inode))?;
    row.split_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
#[path = "syslog_tests.rs"]
mod tests;
