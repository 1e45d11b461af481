//! Takes a one-way peer's batches out of a folder, in the order of their numbers.
//!
//! - A file is taken when everything in it and its number are committed, and only then removed: a crash takes it again, and what was
//!   in it is known then.
//! - A batch that comes twice is removed. A number that comes with other content than was taken is put aside: it is an alarm.
//! - A batch that comes too early waits in the folder for the missing ones, which are told with their numbers.
//! - What the peer's key did not sign is put aside and counts against nobody: whoever can write into the folder could have put it
//!   there. What the peer signed and breaks the format counts against the peer, as on a connection.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use oversight::{AuditEvent, Purpose};
use store::batches::{self, Series};
use store::peers::{self, Peer};
use store::{Act, StoreError, Tx};
use tlog::VerifyingKey;
use tokio::time::Instant;

use super::batch::{Batch, Flaw, NOTHING_BEFORE, open};
use super::folder::{Entry, Folder, Waiting};
use super::{BODY_BYTES_MAX, FILE_BYTES_MAX, folder, on_disk};
use crate::REALM;
use crate::federation::card::Card;
use crate::federation::frame::FRAME_BYTES_MAX;
use crate::federation::pull::Up;
use crate::federation::receive::{Intake, TakenBatch, Trouble};
use crate::first_start::coordinator;
use crate::sharing;
use crate::state::AppState;

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A file that breaks off and has not changed for so long is not on its way any more.
const STILL_FOR: Duration = Duration::from_secs(60);
/// A number that is missing for so long is told: agents may carry several files at once.
const MISSING_FOR: Duration = Duration::from_secs(10);
/// A peer writes something every ten minutes; that nothing came for so long is told.
const SILENT_FOR: jiff::SignedDuration = jiff::SignedDuration::from_mins(35);
/// Runs of missing numbers that are told.
const MISSING_RUNS_MAX: usize = 50;
/// Batches that are taken before the folder is looked at again.
const BATCHES_A_LOOK: usize = 100;
/// Files that are remembered as not to be looked at again.
const REMEMBERED_MAX: usize = 10_000;

/// Takes until the hub stops, or something fails.
pub(in crate::federation) async fn run(state: &AppState, peer: &Peer) -> Result<(), Trouble> {
    let card = Card::open(&peer.card).map_err(|e| Trouble::Link(e.to_string()))?;
    let key = VerifyingKey::parse(&card.key).map_err(|e| Trouble::Link(format!("its card: {e}")))?;
    let folder = folder(state, peer).await?;
    let _up = Up::begin(state, &peer.id);
    let mut inlet = Inlet::new(state.clone(), peer.clone(), key, folder);
    loop {
        if !inlet.round().await? {
            tokio::select! {
                () = state.stopping.wait() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        if state.stopping.is_set() {
            return Ok(());
        }
    }
}

/// The batch that is taken next: the first that follows what was taken.
fn next(taken: i64, waiting: &[Entry]) -> Option<&Entry> {
    waiting.iter().find(|entry| entry.number > taken && entry.follows <= taken)
}

/// The runs of numbers without which nothing can be taken, where something waits.
fn missing(taken: i64, waiting: &[Entry]) -> Vec<(i64, i64)> {
    if next(taken, waiting).is_some() {
        return Vec::new();
    }
    let mut runs = Vec::new();
    let mut expected = taken + 1;
    for entry in waiting.iter().filter(|entry| entry.number > taken) {
        if entry.number > expected {
            runs.push((expected, entry.number - 1));
        }
        expected = entry.number + 1;
        if runs.len() == MISSING_RUNS_MAX {
            break;
        }
    }
    runs
}

/// What tells one file from another of its name.
type Seen = (OsString, u64, Option<SystemTime>);

/// One peer's folder.
struct Inlet {
    state: AppState,
    peer: Peer,
    key: VerifyingKey,
    folder: Folder,
    /// Files that break off, and since when they have not changed.
    torn: HashMap<Seen, Instant>,
    /// Files that are no batches and could not be put aside.
    left: HashSet<Seen>,
    /// Since when this number is missing.
    gap: Option<(i64, Instant)>,
    told_silence: bool,
}

/// What became of a file that was looked at.
enum Opened {
    Batch(Batch),
    /// It may be on its way still.
    Waits,
    Aside(String),
}

impl Inlet {
    fn new(state: AppState, peer: Peer, key: VerifyingKey, folder: Folder) -> Self {
        let (torn, left) = (HashMap::new(), HashSet::new());
        Self { state, peer, key, folder, torn, left, gap: None, told_silence: false }
    }

    /// Looks once; whether there may be more to do at once.
    async fn round(&mut self) -> Result<bool, Trouble> {
        let mut waiting = self.with_folder(Folder::waiting).await?;
        waiting.batches.retain(|entry| !self.left.contains(&seen(entry)));
        waiting.odd.retain(|entry| !self.left.contains(&seen(entry)));
        let series = self.series().await?;
        self.tell(&series, &waiting).await?;
        for entry in &waiting.odd {
            self.put_aside(entry, "its name is not that of a batch, or it is no file").await?;
        }
        for entry in waiting.batches.iter().take_while(|entry| entry.number <= series.number) {
            self.again(entry).await?;
        }
        for taken in 0..BATCHES_A_LOOK {
            let series = self.series().await?;
            let Some(entry) = next(series.number, &waiting.batches).cloned() else { return Ok(taken > 0) };
            if !self.take(&entry, &series).await? {
                return Ok(taken > 0);
            }
            waiting.batches.retain(|other| *other != entry);
        }
        Ok(true)
    }

    async fn series(&self) -> Result<Series, StoreError> {
        let id = self.peer.id.clone();
        let series = self.state.store.read(move |reader| batches::series(reader, &REALM, &id)).await?;
        series.ok_or_else(|| StoreError::Corrupt("an inlet has no series".to_owned()))
    }

    /// Takes the next batch. Whether it is dealt with.
    async fn take(&mut self, entry: &Entry, series: &Series) -> Result<bool, Trouble> {
        let batch = match self.open(entry).await? {
            Opened::Batch(batch) => batch,
            Opened::Waits => return Ok(false),
            Opened::Aside(why) => return self.put_aside(entry, &why).await.map(|()| true),
        };
        if let Some(why) = self.contradiction(&batch, series).await? {
            return self.put_aside(entry, &why).await.map(|()| true);
        }
        match self.take_in(&batch).await {
            Err(Trouble::Fault(why)) => {
                self.put_aside(entry, &why).await?;
                return Err(Trouble::Fault(why));
            }
            taken => taken?,
        }
        self.state.metrics.batch(&self.peer.id, "taken");
        self.state.federation.lives.with(&self.peer.id, |live| {
            live.trouble = None;
            live.heard = Some(Timestamp::now());
        });
        self.told_silence = false;
        self.remove(entry).await.map(|()| true)
    }

    /// A number that was taken, or passed over, before.
    async fn again(&mut self, entry: &Entry) -> Result<(), Trouble> {
        let batch = match self.open(entry).await? {
            Opened::Batch(batch) => batch,
            Opened::Waits => return Ok(()),
            Opened::Aside(why) => return self.put_aside(entry, &why).await,
        };
        let (id, number) = (self.peer.id.clone(), entry.number);
        let known = self.state.store.read(move |reader| batches::get(reader, &REALM, &id, number)).await?;
        if batch.label.series != self.series().await?.name {
            return self.put_aside(entry, OTHER_SERIES).await;
        }
        if known.is_some_and(|known| known.hash != batch.hash) {
            return self.put_aside(entry, OTHER_CONTENT).await;
        }
        self.state.metrics.batch(&self.peer.id, "duplicate");
        self.remove(entry).await
    }

    /// Reads and checks a file.
    async fn open(&mut self, entry: &Entry) -> Result<Opened, Trouble> {
        let seen = seen(entry);
        if self.torn.get(&seen).is_some_and(|since| since.elapsed() < STILL_FOR) {
            return Ok(Opened::Waits);
        }
        let (key, wanted) = (self.key.clone(), entry.clone());
        let read = self.with_folder(move |folder| {
            let file = folder.read(&wanted, FILE_BYTES_MAX)?;
            let limit = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
            Ok(file.map(|file| open(&file, &key, limit)))
        });
        let Some(read) = read.await? else {
            return Ok(Opened::Aside(format!("it is longer than {FILE_BYTES_MAX} bytes")));
        };
        match read {
            Ok(batch) if (batch.label.number, batch.label.follows) != (entry.number, entry.follows) => {
                Ok(Opened::Aside("its name is another batch's".to_owned()))
            }
            Ok(batch) if batch.label.hub != self.peer.hub => {
                Ok(Opened::Aside("it names another hub".to_owned()))
            }
            Ok(batch) => {
                self.torn.remove(&seen);
                Ok(Opened::Batch(batch))
            }
            Err(Flaw::Torn) if self.is_new(&seen) => Ok(Opened::Waits),
            Err(flaw) => {
                self.torn.remove(&seen);
                Ok(Opened::Aside(flaw.to_string()))
            }
        }
    }

    /// Whether a file that breaks off was not seen before as it is.
    fn is_new(&mut self, seen: &Seen) -> bool {
        if self.torn.contains_key(seen) {
            return false;
        }
        // It was shorter before, or is another file.
        self.torn.retain(|(name, ..), _| *name != seen.0);
        if self.torn.len() >= REMEMBERED_MAX {
            self.torn.clear();
        }
        self.torn.insert(seen.clone(), Instant::now());
        true
    }

    /// Why a batch that was signed does not go on from what was taken, if so.
    async fn contradiction(&self, batch: &Batch, series: &Series) -> Result<Option<String>, Trouble> {
        if batch.label.series != series.name {
            return Ok(Some(OTHER_SERIES.to_owned()));
        }
        let follows = batch.label.follows;
        if follows == 0 {
            return Ok(None);
        }
        let id = self.peer.id.clone();
        let known = self.state.store.read(move |reader| batches::get(reader, &REALM, &id, follows)).await?;
        let known = known.map_or(NOTHING_BEFORE, |known| known.hash);
        // Of what was passed over, or forgotten, nothing is known that it could contradict.
        let contradicts =
            known != batch.label.previous && (known != NOTHING_BEFORE || follows == series.number);
        Ok(contradicts.then(|| format!("it does not follow the batch {follows} that was taken")))
    }

    /// Takes the frames in, and the number with the last of them.
    async fn take_in(&self, batch: &Batch) -> Result<(), Trouble> {
        let mut intake = Intake::open(self.state.clone(), self.peer.clone()).await?;
        for line in lines(&batch.body) {
            if line.len() > FRAME_BYTES_MAX {
                return Err(Trouble::Fault(format!("a frame is longer than {FRAME_BYTES_MAX} bytes")));
            }
            intake.line(&line).await?;
        }
        let label = &batch.label;
        intake.finish(TakenBatch { number: label.number, hash: batch.hash }).await
    }

    /// Tells how it stands, and what is missing.
    async fn tell(&mut self, series: &Series, waiting: &Waiting) -> Result<(), Trouble> {
        let missing = missing(series.number, &waiting.batches);
        let aside = self.with_folder(Folder::aside).await?;
        let aside = aside.saturating_add(self.left.len());
        let count = i64::try_from(waiting.batches.len()).unwrap_or(i64::MAX);
        let bytes = waiting.batches.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.bytes));
        self.state.federation.lives.with(&self.peer.id, |live| {
            let folder = &mut live.folder;
            (folder.files, folder.bytes) = (count, i64::try_from(bytes).unwrap_or(i64::MAX));
            folder.missing.clone_from(&missing);
            folder.aside = u64::try_from(aside).unwrap_or(u64::MAX);
        });
        self.state.metrics.waits_with_peer(&self.peer.id, count);
        self.state
            .metrics
            .missing_from_peer(&self.peer.id, missing.iter().map(|(first, last)| last - first + 1).sum());
        self.tell_silence(series, waiting);
        let Some((first, _)) = missing.first().copied() else {
            self.gap = None;
            return Ok(());
        };
        let since = match self.gap {
            Some((number, since)) if number == first => since,
            _ => Instant::now(),
        };
        self.gap = Some((first, since));
        if since.elapsed() >= MISSING_FOR && series.gap_told != first {
            self.tell_missing(&missing).await?;
        }
        Ok(())
    }

    fn tell_silence(&mut self, series: &Series, waiting: &Waiting) {
        let Some(at) = series.at.filter(|_| waiting.batches.is_empty()) else { return };
        let silent = Timestamp::now().duration_since(at);
        if silent > SILENT_FOR && !std::mem::replace(&mut self.told_silence, true) {
            let what = format!(
                "no batch came since {at}, and one is written every ten minutes: its hub, the transfer agent or the diode stands still"
            );
            self.state.federation.lives.trouble(&self.peer.id, what);
        }
    }

    /// Tells those who run this hub which numbers they have to ask for.
    async fn tell_missing(&self, missing: &[(i64, i64)]) -> Result<(), Trouble> {
        let runs = missing
            .iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}–{last}") });
        let (runs, first) = (runs.collect::<Vec<_>>().join(", "), missing.first().map_or(0, |run| run.0));
        let text = format!(
            "{}: {runs}; ask its administrator for `yagura admin peer resend OUTLET --from {first}`",
            self.peer.id
        );
        self.state.federation.lives.trouble(&self.peer.id, format!("batches are missing: {text}"));
        let peer = self.peer.id.clone();
        let write = move |tx: &mut Tx<'_>| {
            let to = [coordinator()?].into();
            sharing::tell(tx, &REALM, to, ("batches-missing", &peer), (None, &text))?;
            let series = batches::series(tx, &REALM, &peer)?.unwrap_or_default();
            batches::put_series(tx, &REALM, &peer, &Series { gap_told: first, ..series })
                .map(Act::bookkeeping)
        };
        Ok(self.state.store.write(write).await?)
    }

    /// Puts a file aside, and tells so.
    async fn put_aside(&mut self, entry: &Entry, why: &str) -> Result<(), Trouble> {
        let now = Timestamp::now();
        let (wanted, stamp) = (entry.clone(), now.as_microsecond().to_string());
        if !self.with_folder(move |folder| folder.put_aside(&wanted, &stamp)).await? {
            return self.leave(entry);
        }
        // The name is a stranger's.
        let name: String =
            entry.name.to_string_lossy().chars().filter(|c| !c.is_control()).take(100).collect();
        self.state.metrics.batch(&self.peer.id, "quarantined");
        self.state.federation.lives.trouble(&self.peer.id, format!("`{name}` was put aside: {why}"));
        self.state.federation.lives.with(&self.peer.id, |live| {
            live.folder.last_aside = Some((name.clone(), why.to_owned(), now));
        });
        let event = AuditEvent::refused(peer_actor(&self.peer), Purpose::Administration, "no-batch")
            .with("peer", self.peer.id.clone())
            .with("file", name)
            .with("why", why);
        let peer = self.peer.id.clone();
        let write = move |tx: &mut Tx<'_>| {
            let mut progress = peers::progress(tx, &REALM, &peer)?;
            progress.counts.malformed = progress.counts.malformed.saturating_add(1);
            peers::put_progress(tx, &REALM, &peer, &progress)?;
            Ok(Act::audited((), &REALM, event))
        };
        Ok(self.state.store.write(write).await?)
    }

    /// Leaves a file where it is, since many were put aside already. These were told of; the record must not grow with what a
    /// stranger drops.
    fn leave(&mut self, entry: &Entry) -> Result<(), Trouble> {
        if self.left.len() >= REMEMBERED_MAX {
            let path = self.folder.path().display();
            let why = format!(
                "`{path}` and its `quarantine` are full of files that are no batches; look at them, and empty both"
            );
            return Err(Trouble::Link(why));
        }
        self.left.insert(seen(entry));
        Ok(())
    }

    async fn remove(&self, entry: &Entry) -> Result<(), Trouble> {
        let taken = entry.clone();
        self.with_folder(move |folder| folder.remove(&taken)).await
    }

    async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let folder = self.folder.clone();
        on_disk(self.folder.path().to_owned(), move || work(&folder)).await
    }
}

const OTHER_CONTENT: &str = "a batch of this number and with other content was taken: its hub was set back to an older state, or its key is in \
                             other hands; ask its administrator";
const OTHER_SERIES: &str = "it is of another series: meant for another hub, or its outlet was added anew; then remove this peer and add \
                            it with the new series";

fn seen(entry: &Entry) -> Seen {
    (entry.name.clone(), entry.bytes, entry.modified)
}

fn peer_actor(peer: &Peer) -> oversight::Actor {
    oversight::Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() }
}

/// The lines of a body; empty ones are passed over.
fn lines(body: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| body.slice_ref(line))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::batch::file_name;
    use super::*;

    fn entry(number: i64, follows: i64) -> Entry {
        Entry { name: file_name(number, follows).into(), number, follows, bytes: 1, modified: None }
    }

    fn folder(numbers: &[(i64, i64)]) -> Vec<Entry> {
        numbers.iter().map(|(number, follows)| entry(*number, *follows)).collect()
    }

    #[track_caller]
    fn check(
        taken: i64,
        waiting: &[(i64, i64)],
        expected_next: Option<i64>,
        expected_missing: &[(i64, i64)],
    ) {
        let waiting = folder(waiting);
        assert_eq!(next(taken, &waiting).map(|entry| entry.number), expected_next);
        assert_eq!(missing(taken, &waiting), expected_missing);
    }

    #[test]
    fn what_comes_too_early_waits_for_what_is_missing() {
        check(0, &[], None, &[]);
        check(0, &[(1, 0)], Some(1), &[]);
        check(4, &[(5, 4), (7, 6)], Some(5), &[]);
        check(4, &[(6, 5)], None, &[(5, 5)]);
        check(4, &[(3, 2), (8, 7), (9, 8), (12, 11)], None, &[(5, 7), (10, 11)]);
        check(4, &[(3, 2)], None, &[]);
    }

    #[test]
    fn what_is_sent_again_goes_on_where_the_gap_began() {
        check(4, &[(6, 5), (7, 6), (8, 4)], Some(8), &[]);
        check(4, &[(6, 5), (7, 6), (8, 2)], Some(8), &[]);
        check(4, &[(6, 5), (7, 6), (9, 8)], None, &[(5, 5), (8, 8)]);
        // The lost one turns up before what was sent in its place is taken.
        check(4, &[(5, 4), (6, 5), (8, 4)], Some(5), &[]);
        check(6, &[(8, 4)], Some(8), &[]);
    }

    #[test]
    fn runs_that_are_told_are_bounded() {
        let waiting: Vec<(i64, i64)> = (1..1_000).map(|n| (n * 2, n * 2 - 1)).collect();
        assert_eq!(missing(0, &folder(&waiting)).len(), MISSING_RUNS_MAX);
    }

    #[test]
    fn lines_are_the_bodys_own_bytes() {
        let body = Bytes::from_static(b"{\"a\":1}\n\n{\"b\":2}\n{\"c\"");
        let found: Vec<Bytes> = lines(&body).collect();
        assert_eq!(found, ["{\"a\":1}", "{\"b\":2}", "{\"c\""].map(Bytes::from));
    }

    proptest! {
        /// Batches arrive in any order, some of them twice; in the end each was taken once, in its order.
        #[test]
        fn every_order_ends_with_everything_taken_once(
            order in Just((1..=20_i64).chain([3, 9]).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let (mut taken, mut took) = (0, Vec::new());
            let mut waiting: BTreeMap<i64, Entry> = BTreeMap::new();
            for number in order {
                waiting.insert(number, entry(number, number - 1));
                loop {
                    waiting.retain(|number, _| *number > taken);
                    let all: Vec<Entry> = waiting.values().cloned().collect();
                    let Some(found) = next(taken, &all) else {
                        let expected = all.first().map(|first| (taken + 1, first.number - 1));
                        prop_assert_eq!(missing(taken, &all).first().copied(), expected);
                        break;
                    };
                    taken = found.number;
                    took.push(taken);
                }
            }
            prop_assert_eq!(took, (1..=20).collect::<Vec<_>>());
        }
    }
}
