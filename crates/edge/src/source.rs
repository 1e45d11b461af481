//! The ways in. Files are followed where they are; what is pushed is kept in a journal before its sender is answered; a stream of
//! JetStream keeps what was not acknowledged, a topic of Kafka everything for a time.

pub(crate) mod counters;
pub(crate) mod dnstap;
pub(crate) mod event_logs;
pub(crate) mod http;
pub(crate) mod journal;
pub(crate) mod kafka;
pub(crate) mod nats;
pub(crate) mod netflow;
pub(crate) mod syslog;
pub(crate) mod tail;
pub(crate) mod taken;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::EdgeError;
use crate::config::{Config, Origin, Source};
use crate::source::counters::Counters;
use crate::source::journal::{Journal, Key};
use crate::spool::Spool;

/// The longest record that is taken from who pushes; a larger one is left out and counted.
pub(crate) const RECORD_BYTES_MAX: usize = telemetry::LINE_BYTES_MAX;

/// What the records of a stretch are told apart by, beside their text: the same at every reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Their offset in the source.
    Place,
    /// What was pushed with them.
    Pushed(Key),
    /// A message of a stream, by what a group of edges shares.
    Message { group_key: [u8; 32], message: Key },
    /// Their text alone, in which their number in their log stands.
    Text,
}

/// One source's way in, beside files.
#[derive(Debug, Default)]
pub(crate) struct Inlet {
    pub(crate) counters: Counters,
    pub(crate) listens: Option<SocketAddr>,
    pub(crate) journal: Option<Journal>,
}

/// Every source's way in, and what is to be run for them.
pub(crate) struct Opened {
    pub(crate) inlets: BTreeMap<String, Arc<Inlet>>,
    doors: Vec<Door>,
    writers: Vec<journal::Writer>,
}

/// A door that is open and not attended yet.
enum Door {
    Http(http::Door),
    Syslog(syslog::Door),
    Netflow(netflow::Door),
    Dnstap(dnstap::Door),
}

/// Opens journals and doors. Nothing is taken in before [`Opened::attend`].
pub(crate) async fn open(config: &Config, spool: &Spool) -> Result<Opened, EdgeError> {
    let mut opened = Opened { inlets: BTreeMap::new(), doors: Vec::new(), writers: Vec::new() };
    for source in &config.sources {
        match &source.origin {
            Origin::Files(_) | Origin::StandardInput | Origin::Nats(_) | Origin::Kafka(_) => {
                opened.add(source, Inlet::default());
            }
            Origin::Http(http) => {
                let cannot = |cause| EdgeError::Listen { address: http.listen, cause };
                let listener = std::net::TcpListener::bind(http.listen).map_err(cannot)?;
                let listens = listener.local_addr().map_err(cannot)?;
                let journal = opened.journal(config, spool, source, http.queue_bytes_max)?;
                let inlet = opened.add(source, Inlet::of_door(journal, listens));
                opened.doors.push(Door::Http(http::Door::new(listener, inlet, http)));
            }
            Origin::Syslog(syslog) => {
                let cannot = |cause| EdgeError::Listen { address: syslog.listen, cause };
                let socket = syslog::Socket::bind(syslog).await.map_err(cannot)?;
                let listens = socket.address().map_err(cannot)?;
                let journal = opened.journal(config, spool, source, syslog.queue_bytes_max)?;
                let inlet = opened.add(source, Inlet::of_door(journal, listens));
                opened.doors.push(Door::Syslog(syslog::Door::new(socket, inlet, syslog)));
            }
            Origin::Netflow(netflow) => {
                let cannot = |cause| EdgeError::Listen { address: netflow.listen, cause };
                let socket = syslog::bind_datagrams(netflow.listen).await.map_err(cannot)?;
                let listens = socket.local_addr().map_err(cannot)?;
                let journal = opened.journal(config, spool, source, netflow.queue_bytes_max)?;
                let inlet = opened.add(source, Inlet::of_door(journal, listens));
                opened.doors.push(Door::Netflow(netflow::Door::new(socket, inlet, netflow)));
            }
            Origin::Dnstap(dnstap) => {
                let listener = dnstap::Listener::bind(&dnstap.listen).await?;
                let journal = opened.journal(config, spool, source, dnstap.queue_bytes_max)?;
                let inlet = Inlet { journal: Some(journal), listens: listener.address(), ..Inlet::default() };
                let inlet = opened.add(source, inlet);
                opened.doors.push(Door::Dnstap(dnstap::Door::new(listener, inlet, dnstap)));
            }
        }
    }
    Ok(opened)
}

impl Inlet {
    fn of_door(journal: Journal, listens: SocketAddr) -> Self {
        Self { counters: Counters::default(), listens: Some(listens), journal: Some(journal) }
    }
}

impl Opened {
    fn add(&mut self, source: &Source, inlet: Inlet) -> Arc<Inlet> {
        let inlet = Arc::new(inlet);
        self.inlets.insert(source.name.clone(), Arc::clone(&inlet));
        inlet
    }

    fn journal(
        &mut self,
        config: &Config,
        spool: &Spool,
        source: &Source,
        queue_bytes_max: u64,
    ) -> Result<Journal, EdgeError> {
        let position = spool.position_of_row(&source.name)?.position;
        let folder = folder_of(config, source);
        let (journal, writer) = Journal::open(&folder, position, queue_bytes_max)
            .map_err(|cause| EdgeError::Journal { folder, cause })?;
        self.writers.push(writer);
        Ok(journal)
    }

    /// Lets senders in: from now on what they are answered for is kept.
    pub(crate) fn attend(self, tasks: &mut JoinSet<()>) -> Result<(), EdgeError> {
        for writer in self.writers {
            let thread = std::thread::Builder::new().name("journal".to_owned());
            thread.spawn(move || writer.run()).map_err(EdgeError::Start)?;
        }
        for door in self.doors {
            match door {
                Door::Http(door) => tasks.spawn(door.attend()),
                Door::Syslog(door) => tasks.spawn(door.attend()),
                Door::Netflow(door) => tasks.spawn(door.attend()),
                Door::Dnstap(door) => tasks.spawn(door.attend()),
            };
        }
        Ok(())
    }
}

/// Where what was pushed to a source waits; a source's name may hold what a file's may not.
fn folder_of(config: &Config, source: &Source) -> PathBuf {
    let digest: [u8; 32] = Sha256::digest(source.name.as_bytes()).into();
    let name = hex::encode(digest.first_chunk::<8>().unwrap_or(&[0; 8]));
    config.data.join("pushed").join(name)
}
