use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::LakeError;
use crate::period::Period;
use crate::storage::{Finished, Root, Version};

/// The file that says which segments count.
pub(crate) const MANIFEST: &str = "MANIFEST.json";

/// The version of the lake's form.
const FORMAT: u32 = 2;

/// A lake as a reader sees it: what the manifest said when it was opened.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(crate) root: Root,
    pub(crate) manifest: Manifest,
}

/// The content of [`MANIFEST`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The number of the next segment.
    pub(crate) next: u64,
    /// Whether records are kept in full.
    pub(crate) full: bool,
    pub(crate) segments: Vec<Segment>,
    /// How far each source was taken in.
    pub(crate) sources: BTreeMap<String, SourceState>,
    /// Segments that do not count any more, until their files are removed.
    pub(crate) retired: Vec<Retired>,
    /// Which writing of the file this is.
    #[serde(skip)]
    version: Option<Version>,
}

/// Records of one kind and one period, in the order of their time: a Parquet file, the same as rows, and the index of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The number that no other segment of the lake has or had.
    pub number: u64,
    /// What the names of its writer's files bear; empty in a folder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) mark: String,
    /// The folder's kind: that of the records, or `other`.
    pub kind: String,
    /// The hour, day or month, as [`Period`] writes it.
    pub(crate) period: String,
    /// How many records.
    pub rows: u32,
    /// The first record's time, in nanoseconds since 1970.
    pub from: i64,
    /// The last record's time.
    pub until: i64,
    /// The size of the Parquet file.
    pub parquet_bytes: u64,
    /// The CRC-32 of the Parquet file, of the rows and of the index.
    pub(crate) checksums: [u32; 3],
    /// The size of the rows.
    pub rows_bytes: u64,
    /// The size of the index.
    pub index_bytes: u64,
    /// How many different values the index knows.
    pub keys: u64,
}

/// How far a source was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceState {
    /// Tells this content of the source from another under the same name.
    pub identity: String,
    /// Everything before this byte is in the lake.
    pub offset: u64,
    /// When that was committed, in seconds since 1970; put in by [`Writer::commit`](crate::Writer::commit).
    pub at: i64,
}

/// Files that a reader may still have before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Retired {
    /// The path below the lake's folder without its ending.
    pub(crate) stem: String,
    /// Seconds since 1970.
    at: i64,
}

/// So many seconds after a segment was replaced its files are removed: a hunt that began before has read them by then.
const RETIRED_SECONDS: i64 = 600;

/// The most sources that are remembered; those that were not heard of for the longest are forgotten first.
const SOURCES_MAX: usize = 100_000;

pub(crate) const PARQUET: &str = "parquet";
pub(crate) const ROWS: &str = "rows";
pub(crate) const INDEX: &str = "index";

/// The files of a segment.
pub(crate) const ENDINGS: [&str; 3] = [PARQUET, ROWS, INDEX];

impl Segment {
    /// Its period.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        Period::parse(&self.period)
    }

    /// The name below the lake's root without its ending.
    pub(crate) fn stem(&self) -> String {
        let Self { number, mark, kind, period, .. } = self;
        let dash = if mark.is_empty() { "" } else { "-" };
        format!("kind={kind}/period={period}/{number:010}{dash}{mark}")
    }

    pub(crate) fn name(&self, ending: &str) -> String {
        format!("{}.{ending}", self.stem())
    }

    /// The names of its files, and how each was written.
    pub(crate) fn files(&self) -> [(String, Finished); 3] {
        let bytes = [self.parquet_bytes, self.rows_bytes, self.index_bytes];
        std::array::from_fn(|at| {
            let ending = ENDINGS.get(at).copied().unwrap_or_default();
            let (bytes, checksum) = (bytes.get(at).copied(), self.checksums.get(at).copied());
            let written =
                Finished { bytes: bytes.unwrap_or_default(), checksum: checksum.unwrap_or_default() };
            (self.name(ending), written)
        })
    }

    /// Says how a file was written.
    pub(crate) fn wrote(&mut self, ending: &str, written: Finished) {
        let [parquet, rows, index] = &mut self.checksums;
        let (bytes, checksum) = match ending {
            PARQUET => (&mut self.parquet_bytes, parquet),
            ROWS => (&mut self.rows_bytes, rows),
            _ => (&mut self.index_bytes, index),
        };
        (*bytes, *checksum) = (written.bytes, written.checksum);
    }
}

impl Lake {
    /// Opens a lake for reading. Opened once it can be hunted any number of times; what was committed since is seen when it is
    /// opened again.
    ///
    /// # Errors
    /// [`LakeError::NoLake`] where there is none.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let root = Root::of(root)?;
        let manifest = Manifest::read(&root)?.ok_or_else(|| LakeError::NoLake(root.shown().to_owned()))?;
        Ok(Self { root, manifest })
    }

    /// The folder, or the address without what signs in.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.shown()
    }

    /// The segments that count.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.manifest.segments
    }

    /// The Parquet file of a segment.
    #[must_use]
    pub fn parquet_path(&self, segment: &Segment) -> PathBuf {
        self.root.path(&segment.name(PARQUET))
    }
}

impl Manifest {
    pub(crate) fn new(full: bool) -> Self {
        Self { format: FORMAT, next: 1, full, ..Self::default() }
    }

    pub(crate) fn read(root: &Root) -> Result<Option<Self>, LakeError> {
        /// What every form of it has.
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let Some((content, version)) = root.read(MANIFEST)? else { return Ok(None) };
        let path = root.path(MANIFEST);
        let damaged = |error: serde_json::Error| LakeError::damaged(&path, error);
        let Form { format } = serde_json::from_slice(&content).map_err(damaged)?;
        if format != FORMAT {
            return Err(if format < FORMAT {
                LakeError::Outdated(format)
            } else {
                LakeError::Format(format)
            });
        }
        let mut manifest: Self = serde_json::from_slice(&content).map_err(damaged)?;
        manifest.version = Some(version);
        let odd = manifest
            .segments
            .iter()
            .find(|it| it.period().is_none() || !is_folder_name(&it.kind) || !is_mark(&it.mark));
        if let Some(segment) = odd {
            let what = format!("segment {} has a kind or a period that is none", segment.number);
            return Err(LakeError::damaged(&path, what));
        }
        Ok(Some(manifest))
    }

    /// Makes this the state of the lake.
    pub(crate) fn commit(&mut self, root: &Root, now: Timestamp) -> Result<(), LakeError> {
        self.segments.sort_by_key(|segment| (segment.from, segment.number));
        self.forget_sources();
        let due: Vec<Retired> =
            self.retired.extract_if(.., |it| now.as_second() - it.at > RETIRED_SECONDS).collect();
        let content = serde_json::to_vec_pretty(self)
            .map_err(|error| LakeError::damaged(&root.path(MANIFEST), error))?;
        self.version = Some(root.replace(MANIFEST, &content, self.version.as_ref())?);
        due.iter().try_for_each(|it| remove(root, &it.stem))
    }

    /// Takes a segment out; its files go later, or now where they must not be read any more.
    pub(crate) fn retire(&mut self, number: u64, now: Timestamp) {
        if let Some(at) = self.segments.iter().position(|segment| segment.number == number) {
            let segment = self.segments.remove(at);
            self.retired.push(Retired { stem: segment.stem(), at: now.as_second() });
        }
    }

    fn forget_sources(&mut self) {
        while self.sources.len() > SOURCES_MAX {
            let oldest = self.sources.iter().min_by_key(|(_, state)| state.at).map(|(name, _)| name.clone());
            self.sources.remove(&oldest.unwrap_or_default());
        }
    }
}

/// Removes the files of a segment.
pub(crate) fn remove(root: &Root, stem: &str) -> Result<(), LakeError> {
    ENDINGS.iter().try_for_each(|ending| root.remove(&format!("{stem}.{ending}")))
}

/// Whether a text is a writer's mark, or none.
fn is_mark(mark: &str) -> bool {
    mark.len() <= 32 && mark.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a kind can be the name of a folder everywhere.
pub(crate) fn is_folder_name(kind: &str) -> bool {
    (1..=40).contains(&kind.len())
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}
