//! Follows the log files of one source: growth, rotation, truncation, compression, restart.
//!
//! A file is known by its inode and by a hash of its first bytes, not by its name, so a rotated, renamed or compressed log
//! goes on where it was left. Only whole lines are given out; half a line waits for its end.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::source::Mark;
use crate::spool::Position;

/// Bytes read at once from one file.
pub(crate) const STRETCH_BYTES: usize = 1 << 20;
/// A line longer than this is skipped and counted as unreadable.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 20;
/// First bytes that tell a file apart.
const PREFIX_BYTES: u64 = 1024;
/// A rotated file is held open so long after it last grew: its writer may not have moved on yet.
const ROTATED_GRACE: Duration = Duration::from_secs(5);
/// An unfinished file that is nowhere to be found is looked for so long.
const MISSING_GRACE: Duration = Duration::from_secs(60);
/// Files of one source that are remembered.
const FILES_MAX: usize = 10_000;

/// The files of one source.
#[derive(Debug)]
pub(crate) struct Tail {
    pattern: String,
    known: Vec<Position>,
    open: Vec<OpenFile>,
    /// Unfinished files that are nowhere to be found, and since when.
    missing: Vec<(Uuid, Instant)>,
    lost: u64,
    /// Paths whose file was moved away or emptied, and since when: a new one is about to begin there.
    awaited: Vec<(PathBuf, Instant)>,
    /// Tells by its first bytes a file that is no log of lines.
    is_another: fn(&[u8]) -> bool,
}

/// Whole lines of one file, at the position where they begin.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// Which file.
    pub(crate) file: Uuid,
    /// Uncompressed offset of the first byte.
    pub(crate) offset: u64,
    /// Number of the first line, from 1.
    pub(crate) line: u64,
    /// The lines, each with its newline but perhaps the very last of a file.
    pub(crate) bytes: Vec<u8>,
    /// Lines too long to be given.
    pub(crate) oversize: u64,
    /// What its records are told apart by.
    pub(crate) mark: Mark,
}

#[derive(Debug)]
struct OpenFile {
    position: Position,
    content: Content,
    pending: Vec<u8>,
    /// A line that grew beyond the limit is being skipped up to its newline.
    skipping: bool,
    /// The path leads to another file now; this one ends when it has not grown for a while.
    rotated: bool,
    grew: Instant,
}

enum Content {
    Plain(File),
    /// Read once through; `length` is the compressed length at opening, so that growth is noticed.
    Compressed {
        decoder: Box<dyn Read + Send>,
        length: u64,
    },
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Compressed { .. } => "Compressed",
        })
    }
}

impl Tail {
    /// Follows `pattern` (a path or a glob) from the positions that the spool remembers.
    pub(crate) fn new(pattern: String, known: Vec<Position>) -> Self {
        Self {
            pattern,
            known,
            open: Vec::new(),
            missing: Vec::new(),
            lost: 0,
            awaited: Vec::new(),
            is_another: |_| false,
        }
    }

    /// Leaves files that begin so to somebody else.
    pub(crate) fn pass_over(&mut self, is_another: fn(&[u8]) -> bool) {
        self.is_another = is_another;
    }

    /// The position of a file, to be recorded with what it gave.
    pub(crate) fn position(&mut self, file: Uuid) -> Option<&mut Position> {
        self.open.iter_mut().find(|open| open.position.file == file).map(|open| &mut open.position)
    }

    /// Bytes on disk that were not read yet, over all open files; compressed ones count by their compressed size.
    pub(crate) fn behind(&self) -> u64 {
        let behind = |open: &OpenFile| match &open.content {
            Content::Plain(file) => {
                file.metadata().map_or(0, |m| m.len().saturating_sub(open.position.position))
            }
            Content::Compressed { length, .. } => *length,
        };
        self.open.iter().map(behind).sum()
    }

    /// Looks for new, rotated, truncated and renamed files. Returns positions whose path changed, to be recorded.
    pub(crate) fn discover(&mut self) -> io::Result<Vec<Position>> {
        let paths = paths_of(&self.pattern);
        let mut moved = Vec::new();
        let mut left = Vec::new();
        for open in &mut self.open {
            let still_there =
                std::fs::metadata(&open.position.path).is_ok_and(|m| m.ino() == open.position.inode);
            if !still_there && !open.rotated {
                left.push(open.position.path.clone());
            }
            open.rotated = !still_there;
        }
        self.wait_for_another_at(left);
        self.drop_truncated();
        for path in paths {
            if let Some(position) = self.consider(&path)? {
                moved.push(position);
            }
        }
        moved.extend(self.take_up_unfinished()?);
        // Whatever came of it: what has begun is not waited for.
        self.awaited.retain(|(path, since)| since.elapsed() < MISSING_GRACE && !has_begun(path));
        Ok(moved)
    }

    /// Whether a log was rotated or emptied since it was looked for files: what is written now may be in one that is not open.
    pub(crate) fn has_moved(&self) -> bool {
        self.open.iter().any(OpenFile::has_moved) || self.awaited.iter().any(|(path, _)| has_begun(path))
    }

    /// The next whole lines of any file that has some.
    pub(crate) fn next(&mut self) -> io::Result<Option<Stretch>> {
        for index in 0..self.open.len() {
            let Some(open) = self.open.get_mut(index) else { break };
            let stretch = open.read()?;
            if stretch.is_some() {
                return Ok(stretch);
            }
        }
        Ok(None)
    }

    /// Files that vanished before they were read out, since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Ends files that were read out and will not grow. Returns their positions, to be recorded.
    pub(crate) fn finished(&mut self) -> Vec<Position> {
        let (done, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.open).into_iter().partition(OpenFile::is_done);
        self.open = open;
        let finished: Vec<Position> =
            done.into_iter().map(|open| Position { finished: true, ..open.position }).collect();
        self.known.extend(finished.iter().cloned());
        finished
    }

    /// Finished files beyond what is remembered, oldest first, to be forgotten.
    pub(crate) fn forgotten(&mut self) -> Vec<Uuid> {
        let excess = self.known.len().saturating_sub(FILES_MAX);
        self.known.drain(..excess).map(|position| position.file).collect()
    }

    /// A file that became shorter than what was read of it was emptied in place: what it held before is looked for among
    /// its siblings, and it is read anew.
    fn drop_truncated(&mut self) {
        let truncated = |open: &OpenFile| match &open.content {
            Content::Plain(file) => file.metadata().is_ok_and(|m| m.len() < open.position.position),
            Content::Compressed { .. } => false,
        };
        let (gone, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(truncated);
        self.open = open;
        self.wait_for_another_at(gone.iter().map(|open| open.position.path.clone()));
        self.known.extend(gone.into_iter().map(|open| Position { inode: 0, ..open.position }));
    }

    fn wait_for_another_at(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            self.awaited.retain(|(other, _)| *other != path);
            if self.awaited.len() < FILES_MAX {
                self.awaited.push((path, Instant::now()));
            }
        }
    }

    /// Opens a path unless its file is open or was read out. A known file under a new name keeps its position.
    fn consider(&mut self, path: &Path) -> io::Result<Option<Position>> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => return Ok(None),
        };
        if let Some(open) = self.open.iter_mut().find(|open| open.position.inode == metadata.ino()) {
            let renamed = open.position.path != path && open.rotated;
            if renamed {
                open.position.path = path.to_owned();
            }
            return Ok(renamed.then(|| open.position.clone()));
        }
        let Some(content) = Content::open(path)? else { return Ok(None) };
        if content.begins(self.is_another)? {
            return Ok(None);
        }
        let known = self.known.iter().position(|position| {
            (position.inode == metadata.ino() || content.is_compressed() || position.inode == 0)
                && prefix_matches(path, position)
        });
        let position = match known {
            Some(index) => {
                let known = self.known.get(index).cloned().unwrap_or_else(|| new_position(path, &metadata));
                if self.is_open_elsewhere(&known) {
                    return Ok(None);
                }
                let grown = !content.is_compressed() && metadata.len() > known.position;
                if known.finished && !grown {
                    return Ok(None);
                }
                if !content.is_compressed() && metadata.len() < known.position {
                    new_position(path, &metadata)
                } else {
                    self.known.remove(index);
                    Position { path: path.to_owned(), inode: metadata.ino(), finished: false, ..known }
                }
            }
            None if self
                .open
                .iter()
                .any(|open| content.is_compressed() && prefix_matches(path, &open.position)) =>
            {
                return Ok(None);
            }
            None => new_position(path, &metadata),
        };
        let is_known = position.prefix_length > 0;
        let open = OpenFile::start(position, content)?;
        let moved = is_known.then(|| open.position.clone());
        self.open.push(open);
        Ok(moved)
    }

    fn is_open_elsewhere(&self, known: &Position) -> bool {
        self.open.iter().any(|open| open.position.file == known.file)
    }

    /// Files that were left unfinished (before a restart, or emptied in place) and are not where they were: looks among their siblings.
    fn take_up_unfinished(&mut self) -> io::Result<Vec<Position>> {
        let unfinished: Vec<Position> = self.known.iter().filter(|known| !known.finished).cloned().collect();
        let mut found = Vec::new();
        for known in unfinished {
            let taken = if known.prefix_length > 0 { self.find_moved(&known)? } else { None };
            match taken {
                Some(open) => {
                    self.known.retain(|other| other.file != known.file);
                    self.missing.retain(|(file, _)| *file != known.file);
                    found.push(open.position.clone());
                    self.open.push(open);
                }
                None => found.extend(self.give_up(known)),
            }
        }
        Ok(found)
    }

    /// The sibling that an unfinished file was moved, copied or compressed to.
    fn find_moved(&self, known: &Position) -> io::Result<Option<OpenFile>> {
        for path in siblings_of(&known.path) {
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            let is_open = self.open.iter().any(|open| open.position.inode == metadata.ino());
            if is_open || !metadata.is_file() || !prefix_matches(&path, known) {
                continue;
            }
            let Some(content) = Content::open(&path)? else { continue };
            if !content.is_compressed() && metadata.len() < known.position {
                continue;
            }
            let mut open =
                OpenFile::start(Position { path, inode: metadata.ino(), ..known.clone() }, content)?;
            open.rotated = true;
            return Ok(Some(open));
        }
        Ok(None)
    }

    /// After a while an unfinished file that is nowhere is counted as lost and not looked for any more.
    fn give_up(&mut self, known: Position) -> Option<Position> {
        let since = match self.missing.iter().find(|(file, _)| *file == known.file) {
            Some((_, since)) => *since,
            None => {
                self.missing.push((known.file, Instant::now()));
                return None;
            }
        };
        if since.elapsed() < MISSING_GRACE {
            return None;
        }
        self.missing.retain(|(file, _)| *file != known.file);
        self.known.retain(|other| other.file != known.file);
        // An emptied file that had been read out has lost nothing; its inode was set aside when it was noticed.
        self.lost += u64::from(known.inode != 0 && known.position > 0);
        Some(Position { finished: true, ..known })
    }
}

impl OpenFile {
    /// Goes to the position within the content.
    fn start(position: Position, mut content: Content) -> io::Result<Self> {
        content.skip(position.position)?;
        Ok(Self {
            position,
            content,
            pending: Vec::new(),
            skipping: false,
            rotated: false,
            grew: Instant::now(),
        })
    }

    fn read(&mut self) -> io::Result<Option<Stretch>> {
        let before = self.pending.len();
        let mut oversize = 0;
        match &mut self.content {
            Content::Plain(file) => file.take(STRETCH_BYTES as u64).read_to_end(&mut self.pending)?,
            Content::Compressed { decoder, .. } => read_compressed(decoder.as_mut(), &mut self.pending)?,
        };
        let grown = self.pending.len() > before;
        if grown {
            self.grew = Instant::now();
        }
        if self.skipping {
            self.skip_to_newline();
        }
        let end = match memchr::memrchr(b'\n', &self.pending) {
            Some(newline) => newline + 1,
            None if !grown && self.will_not_grow() => self.pending.len(),
            None if self.pending.len() > LINE_BYTES_MAX => {
                oversize = 1;
                self.skipping = true;
                self.position.position += self.pending.len() as u64;
                self.pending.clear();
                0
            }
            None => 0,
        };
        if end == 0 && oversize == 0 {
            return Ok(None);
        }
        let rest = self.pending.split_off(end);
        let bytes = std::mem::replace(&mut self.pending, rest);
        let stretch = Stretch {
            file: self.position.file,
            offset: self.position.position,
            line: self.position.line + 1,
            bytes,
            oversize,
            mark: Mark::Place,
        };
        self.advance(&stretch.bytes);
        Ok(Some(stretch))
    }

    fn skip_to_newline(&mut self) {
        let cut = match memchr::memchr(b'\n', &self.pending) {
            Some(newline) => {
                self.skipping = false;
                self.position.line += 1;
                newline + 1
            }
            None => self.pending.len(),
        };
        self.position.position += cut as u64;
        self.pending.drain(..cut);
    }

    fn advance(&mut self, bytes: &[u8]) {
        if self.position.prefix_length < PREFIX_BYTES && self.position.position == self.position.prefix_length
        {
            self.lengthen_prefix(bytes);
        }
        self.position.position += bytes.len() as u64;
        self.position.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            self.position.line += 1;
        }
    }

    /// While the file is short its whole beginning tells it apart; the hash is taken from the file again, so that it covers the
    /// same bytes however they came.
    fn lengthen_prefix(&mut self, bytes: &[u8]) {
        let wanted = (self.position.prefix_length + bytes.len() as u64).min(PREFIX_BYTES);
        if let Ok(Some(hash)) = prefix_hash(&self.position.path, wanted) {
            self.position.prefix_length = wanted;
            self.position.prefix_hash = hash;
        } else if self.position.prefix_length == 0 {
            let cut = bytes.get(..bytes.len().min(PREFIX_BYTES as usize)).unwrap_or(bytes);
            self.position.prefix_length = cut.len() as u64;
            self.position.prefix_hash = Sha256::digest(cut).into();
        }
    }

    /// Whether its path leads elsewhere now, or it is shorter than what was read of it, and nobody has noticed yet.
    fn has_moved(&self) -> bool {
        let is_another =
            |now: &std::fs::Metadata| now.ino() != self.position.inode || now.len() < self.position.position;
        matches!(self.content, Content::Plain(_))
            && !self.rotated
            && std::fs::metadata(&self.position.path).map_or(true, |now| is_another(&now))
    }

    fn will_not_grow(&self) -> bool {
        match &self.content {
            Content::Plain(_) => self.rotated && self.grew.elapsed() > ROTATED_GRACE,
            Content::Compressed { length, .. } => {
                std::fs::metadata(&self.position.path).map_or(true, |m| m.len() == *length)
                    && self.grew.elapsed() > Duration::from_millis(500)
            }
        }
    }

    fn is_done(&self) -> bool {
        self.pending.is_empty() && self.will_not_grow()
    }
}

impl Content {
    /// Opens a file; `None` while it is empty, since nothing tells it apart yet.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let mut magic = [0; 4];
        let got = file.read(&mut magic)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(match magic.get(..got) {
            None | Some([]) => None,
            Some([0x1f, 0x8b, ..]) => {
                let decoder = Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)));
                Some(Self::Compressed { decoder, length })
            }
            Some([0x28, 0xb5, 0x2f, 0xfd]) => {
                Some(Self::Compressed { decoder: Box::new(zstd::Decoder::new(file)?), length })
            }
            Some(_) => Some(Self::Plain(file)),
        })
    }

    /// Whether the file begins in a certain way. What is compressed is not looked into.
    fn begins(&self, so: fn(&[u8]) -> bool) -> io::Result<bool> {
        let Self::Plain(file) = self else { return Ok(false) };
        let mut first = [0; 32];
        let got = file.read_at(&mut first, 0)?;
        Ok(so(first.get(..got).unwrap_or_default()))
    }

    fn is_compressed(&self) -> bool {
        matches!(self, Self::Compressed { .. })
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.seek(SeekFrom::Start(bytes)).map(drop),
            Self::Compressed { decoder, .. } => io::copy(&mut decoder.take(bytes), &mut io::sink()).map(drop),
        }
    }
}

/// Reads up to one stretch. A compressed file that ends in the middle is still being written: what came so far is kept.
/// Whether something was written at a path: an empty file is told apart from no other one.
fn has_begun(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|now| now.len() > 0)
}

fn read_compressed(decoder: &mut dyn Read, pending: &mut Vec<u8>) -> io::Result<usize> {
    match decoder.take(STRETCH_BYTES as u64).read_to_end(pending) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        other => other,
    }
}

fn new_position(path: &Path, metadata: &std::fs::Metadata) -> Position {
    Position {
        file: Uuid::new_v4(),
        path: path.to_owned(),
        inode: metadata.ino(),
        prefix_length: 0,
        prefix_hash: [0; 32],
        position: 0,
        line: 0,
        header: Vec::new(),
        finished: false,
    }
}

pub(super) fn paths_of(pattern: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = match glob::glob(pattern) {
        Ok(found) if pattern.contains(['*', '?', '[']) => found.filter_map(Result::ok).collect(),
        _ => vec![PathBuf::from(pattern)],
    };
    paths.sort();
    paths
}

/// Files beside `path` that a rotation may have made of it: `eve.json` gives `eve.json.1`, `eve.json-20261123.gz`, `eve.1.json` …
fn siblings_of(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) =
        (path.parent(), path.file_name().map(|n| n.to_string_lossy().into_owned()))
    else {
        return Vec::new();
    };
    let stem = name.split_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut siblings: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&stem))
        .map(|entry| entry.path())
        .collect();
    siblings.sort();
    siblings
}

/// SHA-256 of the first `length` uncompressed bytes; `None` where the file is shorter.
fn prefix_hash(path: &Path, length: u64) -> io::Result<Option<[u8; 32]>> {
    let mut first = Vec::new();
    match Content::open(path)? {
        None => return Ok(None),
        Some(Content::Plain(file)) => file.take(length).read_to_end(&mut first)?,
        Some(Content::Compressed { decoder, .. }) => match decoder.take(length).read_to_end(&mut first) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => first.len(),
            other => other?,
        },
    };
    Ok((first.len() as u64 == length).then(|| Sha256::digest(&first).into()))
}

fn prefix_matches(path: &Path, position: &Position) -> bool {
    position.prefix_length > 0
        && prefix_hash(path, position.prefix_length).is_ok_and(|hash| hash == Some(position.prefix_hash))
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
