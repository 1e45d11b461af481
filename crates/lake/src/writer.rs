use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use jiff::Timestamp;
use telemetry::Observation;

use crate::columns::{Whence, nanoseconds};
use crate::error::LakeError;
use crate::index::ROWS_MAX;
use crate::manifest::{ENDINGS, Manifest, Segment, SourceState, is_folder_name};
use crate::period::{Period, cut};
use crate::rows::HeldRows;
use crate::segment::{Part, write_all};
use crate::storage::{Lock, Root};

/// The one process that writes to a lake.
///
/// What was [pushed](Self::push) is durable when [`commit`](Self::commit) has returned, with how far its sources were read: a
/// crash before loses both, so that a source is read on from where the lake ends and nothing is missed or doubled.
///
/// Files are written while records are pushed on. Commits may come as often as one likes: what they leave in small segments
/// [`compact`](Self::compact) merges, and reads each record again a few times in all however many commits there were.
pub struct Writer {
    pub(crate) root: Root,
    pub(crate) manifest: Manifest,
    limits: Limits,
    drafts: BTreeMap<String, HeldRows>,
    /// When the last record was read.
    read: Timestamp,
    /// Segments that are being written.
    writing: Option<JoinHandle<Result<Vec<Segment>, LakeError>>>,
    /// Segments that are written and not in the manifest yet.
    written: Vec<Segment>,
    /// Bytes and rows in `drafts`.
    held: (usize, usize),
    /// The folder's name of each kind that was met; bounded.
    folders: HashMap<String, String>,
    /// What the names of this writer's files bear.
    mark: String,
    _lock: Lock,
}

/// What is kept of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contents {
    /// What telemetry's tables name: values, ports, counts, time and place. The default.
    #[default]
    Mechanical,
    /// The record's text as well.
    Full,
}

/// How much is held before it is written.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of memory for records that are not written yet; as much again, and some, for those that are being written.
    pub held_bytes: usize,
    /// Records that are not written yet.
    pub held_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { held_bytes: 256 << 20, held_rows: 1 << 20 }
    }
}

/// Where a record came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The name of the log: a path, or what the operator calls it.
    pub source: &'a str,
    /// The line in it, from 1.
    pub line: u64,
    /// Where the line begins, in bytes of the decompressed log.
    pub offset: u64,
    /// When it was read: the time of a record that bears none.
    pub read: Timestamp,
    /// The line itself. It is kept only in a lake of [`Contents::Full`], and where it is UTF-8.
    pub text: &'a [u8],
}

/// The most kinds that have a folder of their own; strangers choose the names of kinds.
const FOLDERS_MAX: usize = 64;

/// Records from before are kept with those of the hour in which they were read, as are those of the day after tomorrow: no clock
/// that is wrong makes segments without end.
const EARLIEST: i64 = 631_152_000; // 1990
const AHEAD_SECONDS: i64 = 48 * 3600;

impl Writer {
    /// Takes a lake for writing, or begins one there. Whatever a crash left unfinished is removed.
    ///
    /// # Errors
    /// [`LakeError::Busy`] where another process has it, [`LakeError::Contents`] where it keeps records in another way.
    pub fn open(root: &Path, contents: Contents, limits: Limits) -> Result<Self, LakeError> {
        let root = Root::of(root)?;
        let lock = root.lock()?;
        let full = contents == Contents::Full;
        let manifest = match Manifest::read(&root)? {
            None => {
                let mut manifest = Manifest::new(full);
                manifest.commit(&root, Timestamp::UNIX_EPOCH)?;
                manifest
            }
            Some(known) if known.full != full => {
                let keeps = if known.full { "records in full" } else { "mechanical information only" };
                return Err(LakeError::Contents(keeps));
            }
            Some(known) => known,
        };
        remove_strays(&root, &manifest)?;
        let folders = manifest.segments.iter().map(|it| (it.kind.clone(), it.kind.clone())).collect();
        Ok(Self {
            mark: root.mark()?,
            root,
            manifest,
            limits,
            drafts: BTreeMap::new(),
            read: Timestamp::UNIX_EPOCH,
            writing: None,
            written: Vec::new(),
            held: (0, 0),
            folders,
            _lock: lock,
        })
    }

    /// Whether a lake keeps records in full; `None` where there is none yet.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn contents_of(root: &Path) -> Result<Option<Contents>, LakeError> {
        let contents = |full| if full { Contents::Full } else { Contents::Mechanical };
        Ok(Manifest::read(&Root::of(root)?)?.map(|manifest| contents(manifest.full)))
    }

    /// How far a source was taken in.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&SourceState> {
        self.manifest.sources.get(name)
    }

    /// Takes a record. Where enough are held they are written, and not committed.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn push(&mut self, record: &Observation<'_>, origin: &Origin<'_>) -> Result<(), LakeError> {
        let Origin { source, line, offset, read, .. } = *origin;
        let time = nanoseconds(record.time.unwrap_or(read));
        let text = if self.manifest.full { std::str::from_utf8(origin.text).ok() } else { None };
        let whence = Whence { source, line, offset, time, text };
        self.read = self.read.max(read);
        let known = self.folders.get(record.kind.as_ref()).and_then(|folder| self.drafts.get_mut(folder));
        let bytes = match known {
            Some(draft) => draft.push(record, &whence),
            None => {
                let folder = self.folder(&record.kind);
                self.drafts.entry(folder).or_default().push(record, &whence)
            }
        };
        self.held.0 += bytes;
        self.held.1 += 1;
        let rows_max = self.limits.held_rows.min(ROWS_MAX as usize);
        if self.held.0 >= self.limits.held_bytes || self.held.1 >= rows_max {
            self.begin_to_write()?;
        }
        Ok(())
    }

    /// The name of a kind's folder.
    fn folder(&mut self, kind: &str) -> String {
        if let Some(known) = self.folders.get(kind) {
            return known.clone();
        }
        let plain: String = kind
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
            .take(40)
            .collect();
        let known = self.folders.values().any(|folder| *folder == plain);
        if !is_folder_name(&plain) || (!known && self.folders.len() >= FOLDERS_MAX) {
            return "other".to_owned();
        }
        if self.folders.len() < FOLDERS_MAX * 4 {
            self.folders.insert(kind.to_owned(), plain.clone());
        }
        plain
    }

    /// Has what is held written as segments that do not count yet; waits for those that are being written.
    fn begin_to_write(&mut self) -> Result<(), LakeError> {
        self.end_to_write()?;
        self.held = (0, 0);
        let plausible = nanoseconds(Timestamp::from_second(EARLIEST).unwrap_or_default())
            ..nanoseconds(self.read).saturating_add(AHEAD_SECONDS * 1_000_000_000);
        let mut parts = Vec::new();
        for (kind, mut held) in std::mem::take(&mut self.drafts) {
            held.sort();
            let held = Arc::new(held);
            for (period, rows) in cut(held.heads(), &plausible, self.read) {
                let segment = self.next_segment(kind.clone(), period);
                parts.push(Part { segment, held: Arc::clone(&held), rows });
            }
        }
        let root = self.root.clone();
        self.writing = Some(std::thread::spawn(move || write_all(&root, &parts)));
        Ok(())
    }

    fn end_to_write(&mut self) -> Result<(), LakeError> {
        if let Some(writing) = self.writing.take() {
            self.written.extend(writing.join().unwrap_or(Err(LakeError::Stopped))?);
        }
        Ok(())
    }

    pub(crate) fn next_segment(&mut self, kind: String, period: Period) -> Segment {
        let number = self.manifest.next;
        self.manifest.next += 1;
        Segment {
            number,
            mark: self.mark.clone(),
            kind,
            period: period.to_string(),
            rows: 0,
            from: 0,
            until: 0,
            parquet_bytes: 0,
            checksums: [0; 3],
            rows_bytes: 0,
            index_bytes: 0,
            keys: 0,
        }
    }

    /// Makes everything that was pushed durable, and with it how far its sources were read. When this returns it cannot be
    /// lost; when it fails, or the process ends before, none of it counts.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn commit(&mut self, sources: &[(String, SourceState)], now: Timestamp) -> Result<(), LakeError> {
        if self.held.1 > 0 {
            self.begin_to_write()?;
        }
        self.end_to_write()?;
        let written = std::mem::take(&mut self.written);
        self.make_durable(&written)?;
        self.manifest.segments.extend(written);
        for (name, state) in sources {
            self.manifest.sources.insert(name.clone(), SourceState { at: now.as_second(), ..state.clone() });
        }
        self.manifest.commit(&self.root, now)
    }

    /// Makes the names of new segments durable; their content is.
    pub(crate) fn make_durable(&self, segments: &[Segment]) -> Result<(), LakeError> {
        let names: Vec<String> = segments.iter().map(|segment| segment.name("")).collect();
        self.root.make_durable(&names)
    }

    /// Records that are held and not being written.
    #[must_use]
    pub fn held_rows(&self) -> usize {
        self.held.1
    }

    /// The segments that count.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.manifest.segments
    }
}

impl Drop for Writer {
    /// Nobody else may begin while this writes. What was not committed does not count, whether it could be written or not.
    fn drop(&mut self) {
        let _ = self.end_to_write();
    }
}

/// Removes segments' files that no manifest names, and what was never finished.
fn remove_strays(root: &Root, manifest: &Manifest) -> Result<(), LakeError> {
    let retired = manifest.retired.iter().map(|it| it.stem.clone());
    let known: HashSet<String> = manifest.segments.iter().map(Segment::stem).chain(retired).collect();
    for name in root.settled_files()? {
        let Some((stem, ending)) = name.rsplit_once('.') else { continue };
        let is_segment = name.starts_with("kind=") && ENDINGS.contains(&ending) && !known.contains(stem);
        if is_segment || Root::is_unfinished(&name) {
            root.remove(&name)?;
        }
    }
    Ok(())
}
