//! One-way peers: a data diode stands between the two hubs, and a transfer agent carries files over it.
//!
//! 1. The lower hub has an [`outlet`]: what the peer may have is read by the same feed as for a live one, decided and written down
//!    before it leaves, and put into a folder as numbered and signed files ([`batch`]). Nothing is ever heard of the other side.
//! 2. The upper hub has an [`inlet`]: it takes the files out of a folder in the order of their numbers, through the same door as what
//!    comes by a connection. It has no connection to that peer and gives it nothing.
//! 3. What is lost on the way is seen by the numbers at the inlet, told there, and asked for by telephone: then the lower hub goes back
//!    in its log to where the lost batch began, and decides anew what is sent ([`resend`]).

mod batch;
mod folder;
pub(super) mod inlet;
pub(super) mod outlet;

use std::io;
use std::path::PathBuf;

use oversight::{Action, AuditEvent, Purpose};
use store::batches::{self, Place, Series};
use store::peers::{self, Peer, Way};
use store::{Act, Store, StoreError, Tx, carried};
use tokio::task::spawn_blocking;

use super::receive::Trouble;
use crate::administration::{By, Error};
use crate::config::HubConfig;
use crate::sharing::unfit;
use crate::state::AppState;

/// Files that may wait for the transfer agent, where nobody says otherwise.
pub(super) const FILES_MAX: i64 = 1_000;
/// Bytes that may.
pub(super) const BYTES_MAX: i64 = 1 << 30;
/// The folder within the data folder, where none is configured.
const OWN_FOLDER: &str = "one-way";
/// Bytes of frames of one batch, beyond which none is added.
const BODY_BYTES_AIM: usize = 4 << 20;
/// Bytes of frames of one batch at most: those before the last, and the longest one.
const BODY_BYTES_MAX: usize = BODY_BYTES_AIM + 2 * super::frame::FRAME_BYTES_MAX;
/// The longest file.
const FILE_BYTES_MAX: usize = BODY_BYTES_MAX + batch::HEAD_BYTES_MAX;
/// The code of a write that was given up because the series has gone on without it.
const SERIES_ELSEWHERE: &str = "series-elsewhere";

/// Goes back to where a batch of an outlet began: what the peer may have of it and of all that came after it is sent again, under new
/// numbers.
///
/// # Errors
/// [`Error::Rule`] for a peer that is no outlet, and for a number that was not written or is not remembered;
/// [`StoreError::NotFound`].
pub async fn resend(store: &Store, by: By, id: &str, from: i64) -> Result<Peer, Error> {
    let id = id.to_owned();
    let write = move |tx: &mut Tx<'_>| {
        let peer = peers::get(tx, &by.realm, &id)?.ok_or(StoreError::NotFound { what: id })?;
        let series = batches::series(tx, &by.realm, &peer.id)?.unwrap_or_default();
        if peer.way != Way::Outlet {
            return Err(unfit(
                "no-outlet",
                "nothing is written for this peer; ask the hub that writes the batches",
            ));
        }
        if !(1..=series.number).contains(&from) {
            return Err(unfit(
                "batch-unwritten",
                format!("from: batches 1 to {} were written", series.number),
            ));
        }
        let begun = batches::get(tx, &by.realm, &peer.id, from)?.map(|batch| batch.begun);
        let is_known = from == 1 || batches::get(tx, &by.realm, &peer.id, from - 1)?.is_some();
        let place = match begun {
            Some(begun) if is_known => begun,
            _ if from == 1 => Place::default(),
            _ => {
                let why = "from: this batch is not remembered any more; send again from 1";
                return Err(unfit("batch-forgotten", why));
            }
        };
        batches::put_series(tx, &by.realm, &peer.id, &Series { follows: from - 1, place, ..series })?;
        carried::lost(tx, &by.realm, &peer.id, from)?;
        // The link begins anew.
        peers::update(tx, &by.realm, &peer)?;
        let event = AuditEvent::done(Action::PeerChanged, by.actor.clone(), Purpose::Administration)
            .on([peer.id.as_str()])
            .with("resend_from", from.to_string());
        Ok(Act::audited(peer, &by.realm, event))
    };
    Ok(store.write(write).await?)
}

/// A name for a series.
pub(super) fn new_series() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Where a one-way peer's folder is, by the configuration.
pub(crate) fn path(config: &HubConfig, peer: &Peer) -> PathBuf {
    let root = config.federation.folders.clone().unwrap_or_else(|| config.data.join(OWN_FOLDER));
    root.join(&peer.id).join(if peer.way == Way::Outlet { "out" } else { "in" })
}

/// The folder, ready to be used.
async fn folder(state: &AppState, peer: &Peer) -> Result<folder::Folder, Trouble> {
    let path = path(&state.config, peer);
    match &state.config.federation.folders {
        None if state.config.store.is_some() => {
            let why = "several hubs may stand on this database, and any of them may write the next batch: set `federation.folders` to \
                       a folder that all of them share";
            return Err(Trouble::Link(why.to_owned()));
        }
        // Where a volume should be and is not, files would be written beside it.
        Some(root) if !root.is_dir() => {
            let why = format!("`{}` (`federation.folders`) is not there; make or mount it", root.display());
            return Err(Trouble::Link(why));
        }
        _ => {}
    }
    let told = path.display().to_string();
    state.federation.lives.with(&peer.id, |live| live.folder.path = told);
    on_disk(path.clone(), move || folder::Folder::open(path)).await
}

/// Does something with files.
async fn on_disk<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    let done = spawn_blocking(work).await.map_err(|_| Trouble::Store(StoreError::Closed))?;
    done.map_err(|error| Trouble::Link(format!("the folder `{}` cannot be used: {error}", path.display())))
}
