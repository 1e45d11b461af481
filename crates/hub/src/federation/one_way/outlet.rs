//! Writes what a one-way peer is given into a folder, batch by batch.
//!
//! The order of writes, and where we could have crashed:
//!
//! 1. What leaves is decided, and stands in the ledger with its leaf: the feed does that before it hands anything over. After a crash
//!    here the same is decided again, and given as the same number.
//! 2. The batch is brought to disk under a name that nobody takes. After a crash here it is discarded at a later start, once a
//!    batch of its number is written down.
//! 3. Number, hash and place are written down, if the series still stands where this hub left it. After a crash here the file gets its
//!    name when the outlet begins again.
//! 4. The file is renamed: from now on the agent may take it.
//!
//! So no number is ever seen with two contents, and none is left out.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use store::batches::{self, Batch, Place, Series};
use store::peers::{self, Counts, Peer};
use store::{Act, Reader, StoreError, Tx, carried};
use tokio::time::Instant;

use super::batch::{Hash, Label, NOTHING_BEFORE, seal};
use super::folder::{Folder, Part};
use super::{BODY_BYTES_AIM, SERIES_ELSEWHERE, folder, on_disk};
use crate::REALM;
use crate::federation::acts;
use crate::federation::feed::{self, Feed};
use crate::federation::frame::Frame;
use crate::federation::pull::Up;
use crate::federation::receive::Trouble;
use crate::federation::serve;
use crate::state::AppState;

/// How long is waited for more, once there is something: few larger files travel better than many small ones.
const LINGER: Duration = Duration::from_millis(500);
/// A batch is written though there is nothing to give, so that the other side sees that the last one arrived.
const BEAT_EVERY: Duration = Duration::from_mins(10);
/// How often it is looked whether the agent has made room.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Writes until the hub stops, or something fails.
pub(in crate::federation) async fn run(state: &AppState, peer: &Peer) -> Result<(), Trouble> {
    let folder = folder(state, peer).await?;
    let mut outlet = Outlet::open(state, peer, folder).await?;
    outlet.recover().await?;
    let place = serve_place(outlet.series.place);
    let opened = Feed::open(state.clone(), &peer.id, place, outlet.reach).await?;
    let (mut feed, _) = opened.ok_or(Trouble::Gone)?;
    // Less than what is written down, where the log is another one than it was.
    let mut begun = feed.place();
    let _up = Up::begin(state, &peer.id);
    while outlet.wait_for_room().await? {
        let Some(body) = gather(&mut feed).await else {
            return if state.stopping.is_set() { Ok(()) } else { Err(Trouble::Gone) };
        };
        if !feed.take_news() && outlet.is_beating() {
            continue;
        }
        begun = outlet.put(&mut feed, begun, &body).await?;
    }
    Ok(())
}

/// The next frames, and those that come shortly after; `None` where the feed has ended.
async fn gather(feed: &mut Feed) -> Option<BytesMut> {
    let mut body = BytesMut::from(feed.next().await?.as_ref());
    if feed.has_news() {
        tokio::time::sleep(LINGER).await;
        feed.look_again();
    }
    while body.len() < BODY_BYTES_AIM {
        match feed.next_now().await? {
            Some(more) => body.extend_from_slice(&more),
            None => break,
        }
    }
    Some(body)
}

/// The way along one series.
struct Outlet {
    state: AppState,
    peer: Peer,
    folder: Folder,
    series: Series,
    /// The hash of the batch that the next one follows.
    previous: Hash,
    /// The farthest place that was ever given to the peer.
    reach: i64,
    written_at: Option<Instant>,
    /// Everything up to this batch has left the folder, and that was told to those who wait for it.
    gone: i64,
}

impl Outlet {
    async fn open(state: &AppState, peer: &Peer, folder: Folder) -> Result<Self, StoreError> {
        let id = peer.id.clone();
        let look = move |reader: &Reader<'_>| {
            let series = batches::series(reader, &REALM, &id)?;
            let series = series.ok_or_else(|| StoreError::Corrupt("an outlet has no series".to_owned()))?;
            let followed = batches::get(reader, &REALM, &id, series.follows)?;
            Ok((peers::progress(reader, &REALM, &id)?.given, series, followed))
        };
        let (reach, series, followed) = state.store.read(look).await?;
        let previous = match followed {
            Some(batch) => batch.hash,
            None if series.follows == 0 => NOTHING_BEFORE,
            None => return Err(StoreError::Corrupt("the last batch of an outlet is not known".to_owned())),
        };
        let (state, peer) = (state.clone(), peer.clone());
        Ok(Self { state, peer, folder, series, previous, reach, written_at: None, gone: 0 })
    }

    /// Shows the batch that was written down and not renamed; discards what others were written in place of.
    async fn recover(&self) -> Result<(), Trouble> {
        let parts = self.with_folder(Folder::parts).await?;
        for part in parts {
            let (id, number) = (self.peer.id.clone(), part.number);
            let known =
                self.state.store.read(move |reader| batches::get(reader, &REALM, &id, number)).await?;
            if known.is_some_and(|known| known.hash == part.hash) {
                self.with_folder(move |folder| folder.publish(&part)).await?;
            } else if part.number <= self.series.number {
                self.with_folder(move |folder| folder.discard(&part)).await?;
            }
        }
        Ok(())
    }

    /// Waits until the agent has taken enough; `false` where the hub stops.
    async fn wait_for_room(&mut self) -> Result<bool, Trouble> {
        loop {
            let waiting = self.with_folder(Folder::waiting).await?.batches;
            let files = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
            let bytes = waiting.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.bytes));
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            let is_full = files >= self.series.files_max || bytes >= self.series.bytes_max;
            self.tell_standing(files, bytes, is_full);
            let oldest = waiting.first().map(|entry| entry.number);
            self.left_the_folder(oldest.map_or(self.series.number, |oldest| oldest - 1)).await?;
            if !is_full {
                return Ok(!self.state.stopping.is_set());
            }
            tokio::select! {
                () = self.state.stopping.wait() => return Ok(false),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn tell_standing(&self, files: i64, bytes: i64, is_full: bool) {
        let path = self.folder.path().display();
        let became_full = self.state.federation.lives.with(&self.peer.id, |live| {
            let folder = &mut live.folder;
            let was_full = std::mem::replace(&mut folder.is_full, is_full);
            (folder.files, folder.bytes) = (files, bytes);
            if was_full && !is_full {
                live.trouble = None;
            }
            is_full && !was_full
        });
        self.state.metrics.waits_with_peer(&self.peer.id, files);
        if became_full {
            let what = format!(
                "{files} files ({bytes} bytes) wait in `{path}`: nothing is added until the transfer agent takes some"
            );
            self.state.federation.lives.trouble(&self.peer.id, what);
        }
    }

    /// The agent has taken every batch up to this one. More is never heard of a recall, so that counts as its acknowledgement.
    async fn left_the_folder(&mut self, through: i64) -> Result<(), Trouble> {
        if through > self.gone && acts::left(&self.state, &self.peer, through).await? {
            self.gone = through;
        }
        Ok(())
    }

    /// Whether the last batch is not old.
    fn is_beating(&self) -> bool {
        let since = match (self.written_at, self.series.at) {
            (Some(at), _) => at.elapsed(),
            (None, Some(at)) => {
                Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or(Duration::ZERO)
            }
            (None, None) => return false,
        };
        since < BEAT_EVERY
    }

    /// Writes one batch; gives where the next one begins.
    async fn put(
        &mut self,
        feed: &mut Feed,
        begun: serve::Place,
        frames: &[u8],
    ) -> Result<serve::Place, Trouble> {
        let ended = feed.place();
        let body = body(&self.state, begun, frames, (ended, feed.is_at_end()));
        let label = Label {
            hub: self.state.federation.own.hub.clone(),
            series: self.series.name.clone(),
            number: self.series.number + 1,
            follows: self.series.follows,
            previous: self.previous,
            made: Timestamp::now(),
        };
        let (file, hash) = seal(&label, &body, &self.state.federation.key);
        let part = Part { number: label.number, follows: label.follows, hash };
        let written = part.clone();
        self.with_folder(move |folder| folder.write(&written, &file)).await?;
        self.write_down(&part, (place(begun), place(ended)), feed.take_acts()).await?;
        let number = part.number;
        self.with_folder(move |folder| folder.publish(&part)).await?;
        self.state.metrics.batch(&self.peer.id, "written");
        self.state.federation.lives.with(&self.peer.id, |live| live.caught_up = feed.is_at_end());
        (self.previous, self.written_at) = (hash, Some(Instant::now()));
        (self.series.number, self.series.follows, self.series.place) = (number, number, place(ended));
        Ok(ended)
    }

    /// Writes down that a batch is written, what went with it, and where the next one begins.
    async fn write_down(
        &self,
        part: &Part,
        (begun, ended): (Place, Place),
        acts: Vec<String>,
    ) -> Result<(), Trouble> {
        let sent = self.state.federation.lives.with(&self.peer.id, |live| std::mem::take(&mut live.sent));
        let (peer, part, known) = (self.peer.id.clone(), part.clone(), self.series.clone());
        let write = move |tx: &mut Tx<'_>| {
            let series = batches::series(tx, &REALM, &peer)?;
            let stands = |series: &Series| (series.number, series.follows, series.place);
            if series.as_ref().map(stands) != Some(stands(&known)) {
                return Err(StoreError::Abandoned { code: SERIES_ELSEWHERE, message: String::new() });
            }
            let (number, at) = (part.number, tx.now());
            let series = Series { number, follows: number, place: ended, at: Some(at), ..known };
            batches::put_series(tx, &REALM, &peer, &series)?;
            batches::add(tx, &REALM, &peer, &Batch { number, hash: part.hash, begun, at })?;
            for act in &acts {
                carried::written(tx, &REALM, &peer, act, number)?;
            }
            count(tx, &peer, ended, &sent).map(Act::bookkeeping)
        };
        self.state.metrics.with_peer(&self.peer.id, &sent);
        match self.state.store.write(write).await {
            Err(StoreError::Abandoned { code: SERIES_ELSEWHERE, .. }) => {
                Err(Trouble::Link("the series has gone on without this hub; it looks again".to_owned()))
            }
            done => Ok(done?),
        }
    }

    async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let folder = self.folder.clone();
        on_disk(self.folder.path().to_owned(), move || work(&folder)).await
    }
}

/// Greeting, frames, and where they end: the next batch greets from there, so the reader has to know it.
fn body(
    state: &AppState,
    begun: serve::Place,
    frames: &[u8],
    (ended, is_end): (serve::Place, bool),
) -> Bytes {
    let mut body = BytesMut::from(feed::greeting(state, begun).as_ref());
    body.extend_from_slice(frames);
    // A number and a flag: it can always be written.
    let _ = Frame::Progress { sequence: ended.after, end: is_end }.write(&mut body);
    body.freeze()
}

/// How far the peer was given the log. Where some is sent again it was given more already.
fn count(tx: &mut Tx<'_>, peer: &str, ended: Place, sent: &Counts) -> Result<(), StoreError> {
    let mut progress = peers::progress(tx, &REALM, peer)?;
    progress.given = progress.given.max(ended.sequence);
    progress.given_sight = ended.sight;
    progress.given_at = Some(tx.now());
    progress.counts.add(sent);
    peers::put_progress(tx, &REALM, peer, &progress)
}

fn place(place: serve::Place) -> Place {
    Place { sequence: place.after, sight: place.sight }
}

fn serve_place(place: Place) -> serve::Place {
    serve::Place { after: place.sequence, sight: place.sight }
}
