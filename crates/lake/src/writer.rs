use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use telemetry::Observation;

use crate::disk::{self, Lock, UNFINISHED};
use crate::error::LakeError;
use crate::manifest::{INDEX, MANIFEST, Manifest, PARQUET, Segment, SourceState, is_folder_name};
use crate::period::{Period, Width};
use crate::rows::Whence;
use crate::segment::Draft;

/// The one process that writes to a lake.
///
/// What was [pushed](Self::push) is durable when [`commit`](Self::commit) has returned, with how far its sources were read: a
/// crash before loses both, so that a source is read on from where the lake ends and nothing is missed or doubled.
pub struct Writer {
    pub(crate) root: PathBuf,
    pub(crate) manifest: Manifest,
    limits: Limits,
    drafts: BTreeMap<(String, Period), Draft>,
    /// Segments that are written and not in the manifest yet.
    written: Vec<Segment>,
    /// Bytes and rows in `drafts`.
    held: (usize, usize),
    /// The folder's name of each kind that was met; bounded.
    folders: HashMap<String, String>,
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
    /// Bytes of memory for records that are not written yet; about as much again while they are.
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

/// More segments than these from one batch, and what comes then is parted by day, and after as many again by month: a year's
/// records out of order would be thousands of small files.
const SEGMENTS_BY_HOUR_MAX: usize = 96;

/// Records from before are kept with those of the hour in which they were read, as are those of the day after tomorrow: no clock
/// that is wrong makes segments without end.
const EARLIEST: i64 = 631_152_000; // 1990
const AHEAD_SECONDS: i64 = 48 * 3600;

impl Writer {
    /// Takes the lake in a folder for writing, or begins one there. Whatever a crash left unfinished is removed.
    ///
    /// # Errors
    /// [`LakeError::Busy`] where another process has it, [`LakeError::Contents`] where it keeps records in another way.
    pub fn open(root: &Path, contents: Contents, limits: Limits) -> Result<Self, LakeError> {
        let lock = Lock::take(&root.join("LOCK"))?;
        let full = contents == Contents::Full;
        let manifest = match Manifest::read(root)? {
            None => {
                let mut manifest = Manifest::new(full);
                manifest.commit(root, Timestamp::UNIX_EPOCH)?;
                manifest
            }
            Some(known) if known.full != full => {
                let keeps = if known.full { "records in full" } else { "mechanical information only" };
                return Err(LakeError::Contents(keeps));
            }
            Some(known) => known,
        };
        remove_strays(root, &manifest)?;
        let folders = manifest.segments.iter().map(|it| (it.kind.clone(), it.kind.clone())).collect();
        let (drafts, written) = (BTreeMap::new(), Vec::new());
        Ok(Self {
            root: root.to_owned(),
            manifest,
            limits,
            drafts,
            written,
            held: (0, 0),
            folders,
            _lock: lock,
        })
    }

    /// Whether the lake in a folder keeps records in full; `None` where there is none yet.
    ///
    /// # Errors
    /// The folder cannot be read, or holds something else.
    pub fn contents_of(root: &Path) -> Result<Option<Contents>, LakeError> {
        let contents = |full| if full { Contents::Full } else { Contents::Mechanical };
        Ok(Manifest::read(root)?.map(|manifest| contents(manifest.full)))
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
        let folder = self.folder(&record.kind);
        let period = self.period(&folder, record.time.unwrap_or(origin.read), origin.read);
        let text = if self.manifest.full { std::str::from_utf8(origin.text).ok() } else { None };
        let Origin { source, line, offset, read, .. } = *origin;
        let draft = self.drafts.entry((folder, period)).or_default();
        self.held.0 += draft.push(record, &Whence { source, line, offset, read, text });
        self.held.1 += 1;
        if self.held.0 >= self.limits.held_bytes || self.held.1 >= self.limits.held_rows {
            self.write()?;
        }
        Ok(())
    }

    fn period(&self, folder: &str, time: Timestamp, read: Timestamp) -> Period {
        let plausible = EARLIEST..read.as_second().saturating_add(AHEAD_SECONDS);
        let time = if plausible.contains(&time.as_second()) { time } else { read };
        let by_hour = Period::of(time, Width::Hour);
        match self.drafts.len() / SEGMENTS_BY_HOUR_MAX {
            0 => by_hour,
            _ if self.drafts.contains_key(&(folder.to_owned(), by_hour)) => by_hour,
            1 => Period::of(time, Width::Day),
            _ => Period::of(time, Width::Month),
        }
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

    /// Writes what is held as segments that do not count yet.
    fn write(&mut self) -> Result<(), LakeError> {
        self.held = (0, 0);
        let drafts = std::mem::take(&mut self.drafts);
        for ((kind, period), draft) in drafts {
            let mut segment = self.next_segment(kind, period);
            draft.write(&self.root, &mut segment)?;
            self.written.push(segment);
        }
        Ok(())
    }

    pub(crate) fn next_segment(&mut self, kind: String, period: Period) -> Segment {
        let number = self.manifest.next;
        self.manifest.next += 1;
        Segment {
            number,
            kind,
            period: period.to_string(),
            rows: 0,
            from: 0,
            until: 0,
            parquet_bytes: 0,
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
        self.write()?;
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
        let mut folders: Vec<PathBuf> = segments
            .iter()
            .filter_map(|segment| segment.path(&self.root, PARQUET).parent().map(Path::to_owned))
            .collect();
        folders.sort_unstable();
        folders.dedup();
        folders.iter().try_for_each(|folder| disk::sync_folders(&self.root, folder))
    }

    /// Records that are held and not written.
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

/// Removes segments' files that no manifest names.
fn remove_strays(root: &Path, manifest: &Manifest) -> Result<(), LakeError> {
    let retired = manifest.retired.iter().map(|it| it.stem.clone());
    let known: std::collections::HashSet<String> =
        manifest.segments.iter().map(Segment::stem).chain(retired).collect();
    for path in disk::files_below(root)? {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let below = path.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
        let ours = below.starts_with("kind=") || below.starts_with(MANIFEST);
        let stray = match ending {
            UNFINISHED => ours,
            PARQUET | INDEX => {
                let stem = below.strip_suffix(ending).and_then(|stem| stem.strip_suffix('.'));
                ours && stem.is_some_and(|stem| !known.contains(stem))
            }
            _ => false,
        };
        if stray {
            disk::remove(&path)?;
        }
    }
    Ok(())
}
