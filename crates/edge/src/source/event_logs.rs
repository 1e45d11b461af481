//! Follows the files of Windows event logs (EVTX) of one source. Such a file is not read to an offset: Windows writes a log in a circle,
//! and copies of it are brought anew. What was read is known by the number that each event has in its log:
//!
//! - A file is the one that is known if it begins with the same event, whatever it is called now: it grew, was copied again, or
//!   was set aside.
//! - It is also that one if it has the same path and holds, under the number that was read last, the event that was read last: the
//!   log began to write over its oldest events.
//! - Of either, only events with larger numbers are given, the oldest first. Every other file is new.
//!
//! A file is read when it has not changed for a moment, since a copy that is still being written ends anywhere; a log that always
//! changes is read nevertheless, as far as its chunks' headers say that it is whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest, Sha256};
use telemetry::{Binary, Decoded, EVENT_LOG_CHUNK_BYTES, EventChunk, event_log_header};
use uuid::Uuid;

use crate::source::Mark;
use crate::source::tail::{Stretch, paths_of};
use crate::spool::Position;

/// A file that has not changed for so long is taken to be whole.
const SETTLED: Duration = Duration::from_secs(2);
/// One that never settles is read so often all the same.
const IMPATIENCE: Duration = Duration::from_secs(30);
/// Files of one source that are remembered.
const FILES_MAX: usize = 10_000;
/// Enough of a file to know its header by.
const HEADER_BYTES: usize = 128;
/// What a position of an event log bears in place of header lines, before the hash of the event that was read last.
const MARK: &[u8] = b"ElfFile\0";

type Hash = [u8; 32];

/// The event logs of one source.
#[derive(Debug)]
pub(crate) struct EventLogs {
    pattern: String,
    known: Vec<Position>,
    /// What each path was like when it was last read.
    seen: BTreeMap<PathBuf, Seen>,
    open: Option<OpenLog>,
    waiting: VecDeque<PathBuf>,
    lost: u64,
    impatience: Duration,
    settled: Duration,
}

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    inode: u64,
    bytes: u64,
    modified: SystemTime,
}

#[derive(Debug)]
struct Seen {
    state: State,
    read: Instant,
}

/// A log that is being read.
#[derive(Debug)]
struct OpenLog {
    file: File,
    position: Position,
    /// Where the chunks with events to come begin, the oldest first.
    chunks: VecDeque<u64>,
}

/// Events as lines, and what gave none.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) stretch: Stretch,
    pub(crate) decoded: Decoded,
    /// Behind them.
    pub(crate) position: Position,
}

/// Whether a file begins as an event log does.
pub(crate) fn begins_so(start: &[u8]) -> bool {
    Binary::detect(start) == Some(Binary::Evtx)
}

/// Whether what is remembered of a file is about an event log.
pub(crate) fn is_position_of_one(position: &Position) -> bool {
    position.header.starts_with(MARK)
}

impl EventLogs {
    /// Follows `pattern` (a path or a glob) from the positions that the spool remembers.
    pub(crate) fn new(pattern: String, known: Vec<Position>) -> Self {
        Self {
            pattern,
            known,
            seen: BTreeMap::new(),
            open: None,
            waiting: VecDeque::new(),
            lost: 0,
            impatience: IMPATIENCE,
            settled: SETTLED,
        }
    }

    /// Looks for files that are new or changed.
    pub(crate) fn discover(&mut self) {
        let paths = paths_of(&self.pattern);
        self.seen.retain(|path, _| paths.binary_search(path).is_ok());
        for path in paths {
            if !self.waiting.contains(&path) && self.is_to_be_read(&path) {
                self.waiting.push_back(path);
            }
        }
    }

    fn is_to_be_read(&self, path: &Path) -> bool {
        let Some(state) = State::of(path) else { return false };
        let is_quiet = state.modified.elapsed().is_ok_and(|since| since >= self.settled);
        match self.seen.get(path) {
            Some(seen) if seen.state == state => false,
            Some(seen) => is_quiet || seen.read.elapsed() >= self.impatience,
            None => is_quiet,
        }
    }

    /// The next events of any log that has some.
    pub(crate) fn next(&mut self) -> io::Result<Option<Events>> {
        loop {
            if self.open.is_none() {
                let Some(path) = self.waiting.pop_front() else { return Ok(None) };
                self.open = self.open(&path)?;
                continue;
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            match open.next()? {
                Some(events) => {
                    self.known.retain(|known| known.file != events.position.file);
                    self.known.push(events.position.clone());
                    return Ok(Some(events));
                }
                None => self.open = None,
            }
        }
    }

    /// Bytes of the log that is being read which were not read yet.
    pub(crate) fn behind(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| (open.chunks.len() * EVENT_LOG_CHUNK_BYTES) as u64)
    }

    /// Events that a log had written over before they were read, as far as their numbers tell, since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// The logs that are known.
    pub(crate) fn files(&self) -> impl Iterator<Item = Uuid> {
        self.known.iter().map(|position| position.file)
    }

    /// Logs beyond what is remembered, the one that was read longest ago first, to be forgotten.
    pub(crate) fn forgotten(&mut self) -> Vec<Uuid> {
        let excess = self.known.len().saturating_sub(FILES_MAX);
        self.known.drain(..excess).map(|position| position.file).collect()
    }

    /// Opens a file if it is an event log with events that were not given.
    fn open(&mut self, path: &Path) -> io::Result<Option<OpenLog>> {
        let Some(state) = State::of(path) else { return Ok(None) };
        let file = File::open(path)?;
        let mut header = vec![0; HEADER_BYTES];
        if file.read_at(&mut header, 0)? < HEADER_BYTES || !begins_so(&header) {
            return Ok(None);
        }
        self.seen.insert(path.to_owned(), Seen { state, read: Instant::now() });
        let Some(header) = event_log_header(&header) else { return Ok(None) };
        let chunks = chunks_of(&file, header.bytes, state.bytes)?;
        let Some(identity) = identity(&file, &chunks)? else { return Ok(None) };
        let position = match self.position_of(path, &file, &chunks, identity)? {
            Some(known) => {
                Position { path: path.to_owned(), inode: state.inode, prefix_hash: identity, ..known }
            }
            None => {
                self.count_lost(path, &chunks);
                new_position(path, state.inode, identity)
            }
        };
        let mut chunks: Vec<Chunk> =
            chunks.into_iter().filter(|chunk| chunk.may_follow(position.position)).collect();
        chunks.sort_by_key(|chunk| chunk.first);
        let chunks = chunks.into_iter().map(|chunk| chunk.offset).collect();
        Ok(Some(OpenLog { file, position, chunks }))
    }

    /// What is remembered of the log that a file holds.
    fn position_of(
        &self,
        path: &Path,
        file: &File,
        chunks: &[Chunk],
        identity: Hash,
    ) -> io::Result<Option<Position>> {
        if let Some(known) = self.known.iter().find(|known| known.prefix_hash == identity) {
            return Ok(Some(known.clone()));
        }
        for known in self.known.iter().filter(|known| known.path == path) {
            if last_read(known).is_some() && event_hash(file, chunks, known.position)? == last_read(known) {
                return Ok(Some(known.clone()));
            }
        }
        Ok(None)
    }

    /// A log whose numbers go on behind those that were read, with some left out, has written over them.
    fn count_lost(&mut self, path: &Path, chunks: &[Chunk]) {
        let first = chunks.iter().map(|chunk| chunk.first).filter(|first| *first < u64::MAX).min();
        let known = self.known.iter().filter(|known| known.path == path).map(|known| known.position).max();
        if let (Some(first), Some(known)) = (first, known) {
            self.lost += first.saturating_sub(known + 1);
        }
    }
}

impl OpenLog {
    /// The next chunk with events to give.
    fn next(&mut self) -> io::Result<Option<Events>> {
        while let Some(offset) = self.chunks.pop_front() {
            let after = (self.position.position > 0).then_some(self.position.position);
            let mut lines = Vec::new();
            let (decoded, last) = EventChunk::new(read_chunk(&self.file, offset)?).take(after, &mut lines);
            if lines.is_empty() && decoded.refused.is_empty() {
                continue;
            }
            let stretch = Stretch {
                file: self.position.file,
                offset: self.position.position,
                line: self.position.line + 1,
                bytes: lines,
                oversize: 0,
                mark: Mark::Text,
            };
            self.position.line += decoded.records;
            if let Some(last) = last {
                self.position.position = last;
                self.position.header = [MARK, &hash_of(last_line(&stretch.bytes))].concat();
            }
            return Ok(Some(Events { stretch, decoded, position: self.position.clone() }));
        }
        Ok(None)
    }
}

/// A chunk that has events.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    offset: u64,
    first: u64,
    last: u64,
}

impl Chunk {
    /// Whether it may hold events with larger numbers. What a damaged one held is not known; it is counted once.
    fn may_follow(&self, number: u64) -> bool {
        if self.first == u64::MAX { number == 0 } else { self.last > number }
    }

    fn holds(&self, number: u64) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

impl State {
    /// `None` where there is no file.
    fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let modified = about.modified().ok()?;
        Some(Self { inode: about.ino(), bytes: about.len(), modified })
    }
}

/// The chunks of a file in the order in which they stand; of each, the header is read.
fn chunks_of(file: &File, start: u64, end: u64) -> io::Result<Vec<Chunk>> {
    let mut chunks = Vec::new();
    let mut offset = start;
    while offset + EVENT_LOG_CHUNK_BYTES as u64 <= end {
        let chunk = EventChunk::new(read_chunk(file, offset)?);
        if let (Some(first), Some(last)) = (chunk.first(), chunk.last()) {
            chunks.push(Chunk { offset, first, last });
        } else if !chunk.is_unused() {
            // A damaged one is read to be counted, behind all others.
            chunks.push(Chunk { offset, first: u64::MAX, last: u64::MAX });
        }
        offset += EVENT_LOG_CHUNK_BYTES as u64;
    }
    Ok(chunks)
}

fn read_chunk(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; EVENT_LOG_CHUNK_BYTES];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The hash of the first event of the file, by which it is known.
fn identity(file: &File, chunks: &[Chunk]) -> io::Result<Option<Hash>> {
    for chunk in chunks {
        if let Some(line) = lines_of(file, *chunk, None)?.first() {
            return Ok(Some(hash_of(line)));
        }
    }
    Ok(None)
}

/// The hash of the event of this number, if the file holds it.
fn event_hash(file: &File, chunks: &[Chunk], number: u64) -> io::Result<Option<Hash>> {
    let Some(before) = number.checked_sub(1) else { return Ok(None) };
    for chunk in chunks.iter().filter(|chunk| chunk.holds(number)) {
        if let Some(line) = lines_of(file, *chunk, Some(before))?.first() {
            return Ok(Some(hash_of(line)));
        }
    }
    Ok(None)
}

fn lines_of(file: &File, chunk: Chunk, after: Option<u64>) -> io::Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    EventChunk::new(read_chunk(file, chunk.offset)?).take(after, &mut lines);
    Ok(lines.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
}

fn last_line(lines: &[u8]) -> &[u8] {
    lines.split_inclusive(|byte| *byte == b'\n').next_back().unwrap_or_default()
}

fn hash_of(line: &[u8]) -> Hash {
    Sha256::digest(line).into()
}

/// The hash of the event that was read last.
fn last_read(known: &Position) -> Option<Hash> {
    known.header.strip_prefix(MARK)?.try_into().ok()
}

fn new_position(path: &Path, inode: u64, identity: Hash) -> Position {
    Position {
        file: Uuid::new_v4(),
        path: path.to_owned(),
        inode,
        prefix_length: 0,
        prefix_hash: identity,
        position: 0,
        line: 0,
        header: MARK.to_vec(),
        // Whoever follows lines has nothing to look for.
        finished: true,
    }
}

#[cfg(test)]
#[path = "event_logs_tests.rs"]
mod tests;
