//! What was pushed to the edge and is not matched yet, on disk. Whoever pushed is answered when it is there.
//!
//! A journal is one endless row of bytes in files named after the offset at which each begins. An entry is a header (magic,
//! length, key, checksum) and lines. It is written in this order, so that what was answered for is there after any crash:
//!
//! 1. room is taken in memory, or the entry refused;
//! 2. the entries that wait are written behind each other, and the file is synchronised once for all of them;
//! 3. whoever brought them is told;
//! 4. the matcher reads them, and the spool keeps the position together with what they gave;
//! 5. files before that position are removed.
//!
//! A crash before 2 is done leaves half an entry at the end, of which nobody was told that it is there: opening cuts it off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

/// A file is followed by another one when it is so long.
const FILE_BYTES: u64 = 32 << 20;
/// The longest entry.
pub(crate) const ENTRY_BYTES_MAX: usize = 64 << 20;
/// Entries that wait for one synchronisation.
const TOGETHER_MAX: usize = 256;
const MAGIC: &[u8; 4] = b"YJ01";
const HEADER_BYTES: usize = 4 + 4 + KEY_BYTES + 8;
const KEY_BYTES: usize = 16;

/// What tells an entry's sender apart from whoever sends the same again: zeros where nothing does.
pub(crate) type Key = [u8; KEY_BYTES];

/// Lines that are to be kept.
#[derive(Debug)]
pub(crate) struct NewEntry {
    pub(crate) key: Key,
    pub(crate) lines: Vec<u8>,
}

/// Lines that were kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    /// Offset of the first line.
    pub(crate) offset: u64,
    /// Offset behind the last one, from which reading goes on.
    pub(crate) end: u64,
    pub(crate) lines: Vec<u8>,
}

/// Why an entry was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// As much waits as may.
    #[error("too much waits to be matched")]
    Full,
    /// The disk did not take it.
    #[error("the disk that holds the edge's data folder does not take it")]
    Disk,
    /// More than one entry may hold.
    #[error("more than {ENTRY_BYTES_MAX} bytes in one piece")]
    TooLong,
}

/// The face that senders and the matcher share.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    room: Arc<Room>,
    bytes_max: u64,
    to_write: mpsc::Sender<Waiting>,
}

/// How much of the journal is in use, as senders, writer and matcher see it.
#[derive(Debug)]
struct Room(Mutex<Offsets>);

/// Nothing before `read` is needed any more, everything before `written` is on disk; `coming` bytes wait for it.
#[derive(Debug)]
struct Offsets {
    read: u64,
    written: u64,
    coming: u64,
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, Offsets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offsets {
    fn held(&self) -> u64 {
        self.written.saturating_sub(self.read) + self.coming
    }
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    done: Told,
}

/// Told when an entry is durable: the offset behind it.
type Told = oneshot::Sender<Result<u64, Refused>>;

impl Journal {
    /// Opens or makes a journal, which is read from `position` on; entries before it are done. The writer is to be run on a thread
    /// of its own, and ends with the journal.
    pub(crate) fn open(folder: &Path, position: u64, bytes_max: u64) -> io::Result<(Self, Writer)> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let (to_write, waiting) = mpsc::channel(TOGETHER_MAX);
        let (writer, end) = Writer::open(folder, position)?;
        let room = Arc::new(Room(Mutex::new(Offsets { read: position.min(end), written: end, coming: 0 })));
        let journal = Self { folder: folder.to_owned(), room: Arc::clone(&room), bytes_max, to_write };
        Ok((journal, Writer { waiting: Some((waiting, room)), ..writer }))
    }

    /// Bytes that wait to be matched.
    pub(crate) fn behind(&self) -> u64 {
        self.room.lock().held()
    }

    /// Whether there is no room just now.
    pub(crate) fn is_full(&self) -> bool {
        self.behind() >= self.bytes_max
    }

    /// Keeps lines; they are durable when this says so.
    pub(crate) async fn keep(&self, entry: &NewEntry) -> Result<(), Refused> {
        if entry.lines.len() > ENTRY_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let bytes = framed(entry);
        let length = bytes.len() as u64;
        let place = self.to_write.reserve().await.map_err(|_| Refused::Disk)?;
        let (done, told) = oneshot::channel();
        {
            let mut room = self.room.lock();
            // What is larger than all the room there is is taken when nothing else waits.
            if room.held() > 0 && room.held() + length > self.bytes_max {
                return Err(Refused::Full);
            }
            room.coming += length;
            place.send(Waiting { bytes, done });
        }
        // A sender that goes away before it is told changes nothing: its entry is written all the same.
        told.await.unwrap_or(Err(Refused::Disk)).map(drop)
    }

    /// Hands lines in to be kept, whether or not there is room, and does not wait until they are: what comes of the receiver says
    /// that, with the offset behind them. For a thread that may block.
    pub(crate) fn hand_in(
        &self,
        entry: &NewEntry,
    ) -> Result<oneshot::Receiver<Result<u64, Refused>>, Refused> {
        if entry.lines.len() > ENTRY_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let bytes = framed(entry);
        let length = bytes.len() as u64;
        let (done, told) = oneshot::channel();
        self.room.lock().coming += length;
        if self.to_write.blocking_send(Waiting { bytes, done }).is_err() {
            let mut room = self.room.lock();
            room.coming = room.coming.saturating_sub(length);
            return Err(Refused::Disk);
        }
        Ok(told)
    }

    /// The offset behind everything that was handed in so far, and whether all of it is on disk.
    pub(crate) fn end(&self) -> (u64, bool) {
        let room = self.room.lock();
        (room.written + room.coming, room.coming == 0)
    }

    /// Where the first file that is there begins: reading starts there or later.
    pub(crate) fn start(&self) -> io::Result<u64> {
        Ok(files_of(&self.folder)?.first().map_or(0, |(start, _)| *start))
    }

    /// Says that entries from this offset on are still needed, where that is less than was thought.
    pub(crate) fn needs_from(&self, position: u64) {
        let mut room = self.room.lock();
        room.read = room.read.min(position);
    }

    /// Entries before `position` are done: their room is free again, and files that hold only such are removed.
    pub(crate) fn release(&self, position: u64) -> io::Result<()> {
        let mut room = self.room.lock();
        room.read = room.read.max(position);
        drop(room);
        let files = files_of(&self.folder)?;
        for pair in files.windows(2) {
            if let [(_, old), (next, _)] = pair
                && *next <= position
            {
                std::fs::remove_file(old)?;
            }
        }
        Ok(())
    }

    /// Reads entries from `position` on.
    pub(crate) fn reader(&self, position: u64) -> Reader {
        Reader { folder: self.folder.clone(), position, open: None, damaged: 0 }
    }
}

fn framed(entry: &NewEntry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + entry.lines.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u32::try_from(entry.lines.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&entry.key);
    bytes.extend_from_slice(&checksum(&entry.key, &entry.lines));
    bytes.extend_from_slice(&entry.lines);
    bytes
}

fn checksum(key: &Key, lines: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::new().chain_update(key).chain_update(lines).finalize().into();
    *digest.first_chunk().unwrap_or(&[0; 8])
}

/// Files and the offsets at which they begin, in order.
fn files_of(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let offset = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".journal")?.parse().ok());
        files.extend(offset.map(|offset: u64| (offset, path)));
    }
    files.sort_unstable();
    Ok(files)
}

/// The one that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    folder: PathBuf,
    file: File,
    /// The offset at which the file begins.
    start: u64,
    /// Offset behind what is durable.
    end: u64,
    /// A failed write left something behind the end that could not be cut off.
    dirty: bool,
    waiting: Option<(mpsc::Receiver<Waiting>, Arc<Room>)>,
}

impl Writer {
    /// The writer, and the offset at which it goes on.
    fn open(folder: &Path, position: u64) -> io::Result<(Self, u64)> {
        let (start, path) = match files_of(folder)?.pop() {
            Some((start, path)) => (start, path),
            None => (position, path_of(folder, position)),
        };
        let file = open_private(&path)?;
        let mut reader = Reader { folder: folder.to_owned(), position: start, open: None, damaged: 0 };
        while reader.next()?.is_some() {}
        let end = reader.position;
        let length = file.metadata()?.len();
        if length > end - start {
            tracing::warn!(
                bytes = length - (end - start),
                "the end of what was pushed is not whole and is cut off"
            );
        }
        file.set_len(end - start)?;
        file.sync_all()?;
        let mut writer = Self { folder: folder.to_owned(), file, start, end, dirty: false, waiting: None };
        if end < position {
            // Files were removed or put back from elsewhere: offsets go on from where the spool knows them.
            writer.end = position;
            writer.begin_file()?;
        }
        writer.file.seek(SeekFrom::End(0))?;
        sync_folder(folder)?;
        let end = writer.end;
        Ok((writer, end))
    }

    fn begin_file(&mut self) -> io::Result<()> {
        let file = open_private(&path_of(&self.folder, self.end))?;
        sync_folder(&self.folder)?;
        (self.file, self.start) = (file, self.end);
        Ok(())
    }

    /// Writes what comes, until nobody can bring anything any more.
    pub(crate) fn run(mut self) {
        let Some((mut waiting, room)) = self.waiting.take() else { return };
        while let Some(first) = waiting.blocking_recv() {
            let mut together = vec![first];
            while together.len() < TOGETHER_MAX
                && let Ok(next) = waiting.try_recv()
            {
                together.push(next);
            }
            let written = self.write(&together);
            if let Err(error) = &written {
                tracing::warn!(%error, "what was pushed could not be kept");
            }
            let length: u64 = together.iter().map(|entry| entry.bytes.len() as u64).sum();
            let mut offsets = room.lock();
            offsets.coming = offsets.coming.saturating_sub(length);
            offsets.written = self.end;
            drop(offsets);
            let mut end = self.end - if written.is_ok() { length } else { 0 };
            for entry in together {
                end += entry.bytes.len() as u64;
                // Whoever went away meanwhile is not answered; its lines are kept all the same.
                let _ = entry.done.send(written.as_ref().map(|()| end).map_err(|_| Refused::Disk));
            }
        }
    }

    fn write(&mut self, together: &[Waiting]) -> io::Result<()> {
        if self.dirty {
            self.cut()?;
        }
        if self.end - self.start >= FILE_BYTES {
            self.begin_file()?;
        }
        let written = together
            .iter()
            .try_for_each(|entry| self.file.write_all(&entry.bytes))
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.end += together.iter().map(|entry| entry.bytes.len() as u64).sum::<u64>();
                Ok(())
            }
            Err(error) => {
                self.dirty = true;
                let _ = self.cut();
                Err(error)
            }
        }
    }

    /// Takes away what a failed write left behind the end: nobody was told that it is there.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end - self.start)?;
        self.file.seek(SeekFrom::End(0))?;
        self.dirty = false;
        Ok(())
    }
}

fn path_of(folder: &Path, offset: u64) -> PathBuf {
    folder.join(format!("{offset:020}.journal"))
}

fn open_private(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new().create(true).read(true).write(true).truncate(false).mode(0o600).open(path)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The one that reads, in the order of writing.
#[derive(Debug)]
pub(crate) struct Reader {
    folder: PathBuf,
    position: u64,
    /// The file of the position, and where it begins.
    open: Option<(u64, File)>,
    damaged: u64,
}

impl Reader {
    /// The next entry; `None` where no whole one is there yet.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.read()? {
                self.position = entry.end;
                return Ok(Some(entry));
            }
            let files = files_of(&self.folder)?;
            let current = self.open.as_ref().map(|(start, _)| *start);
            // Another file begins where this one ends; after files were lost, the next one there is.
            let of_position = files.iter().rfind(|(start, _)| *start <= self.position);
            let next = of_position.filter(|(start, _)| Some(*start) != current);
            let next = next.or_else(|| files.iter().find(|(start, _)| *start > self.position));
            let Some((start, path)) = next else { return Ok(None) };
            // Once there is another file this one is whole: what was half written a moment ago is not passed over.
            if let Some(entry) = self.read()? {
                self.position = entry.end;
                return Ok(Some(entry));
            }
            if self.position < *start {
                tracing::error!(
                    bytes = *start - self.position,
                    "pushed records were lost: a file of the edge's is damaged"
                );
                self.damaged += *start - self.position;
            }
            self.position = self.position.max(*start);
            self.open = Some((*start, File::open(path)?));
        }
    }

    /// Bytes that could not be read back, since the start.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    fn read(&mut self) -> io::Result<Option<Entry>> {
        let Some((start, file)) = &mut self.open else { return Ok(None) };
        file.seek(SeekFrom::Start(self.position.saturating_sub(*start)))?;
        let mut header = [0; HEADER_BYTES];
        if !filled(file, &mut header)? {
            return Ok(None);
        }
        let Some((length, key, sum)) = parse(&header) else { return Ok(None) };
        let mut lines = vec![0; length];
        if !filled(file, &mut lines)? || checksum(&key, &lines) != sum {
            return Ok(None);
        }
        let offset = self.position + HEADER_BYTES as u64;
        Ok(Some(Entry { key, offset, end: offset + length as u64, lines }))
    }
}

fn parse(header: &[u8; HEADER_BYTES]) -> Option<(usize, Key, [u8; 8])> {
    let rest = header.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (key, sum) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    (length <= ENTRY_BYTES_MAX).then_some((length, *key, *sum.first_chunk()?))
}

/// Fills all of it, or says that there is not so much.
fn filled(file: &mut File, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
