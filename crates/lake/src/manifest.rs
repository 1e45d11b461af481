use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::LakeError;
use crate::period::Period;

/// The file that says which segments count.
pub(crate) const MANIFEST: &str = "MANIFEST.json";

/// The version of the folder's form.
const FORMAT: u32 = 1;

/// A lake as a reader sees it: what the manifest said when it was opened.
#[derive(Debug, Clone)]
pub struct Lake {
    root: PathBuf,
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
}

/// Records of one kind and one period, in the order of their time: a Parquet file and its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The number that no other segment of the lake has or had.
    pub number: u64,
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
pub(crate) const INDEX: &str = "index";

impl Segment {
    /// Its period.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        Period::parse(&self.period)
    }

    /// The path below the lake's folder without its ending.
    pub(crate) fn stem(&self) -> String {
        format!("kind={}/period={}/{:010}", self.kind, self.period, self.number)
    }

    pub(crate) fn path(&self, root: &Path, ending: &str) -> PathBuf {
        root.join(format!("{}.{ending}", self.stem()))
    }
}

impl Lake {
    /// Opens the lake in a folder for reading.
    ///
    /// # Errors
    /// [`LakeError::NoLake`] where there is none.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let manifest = Manifest::read(root)?.ok_or_else(|| LakeError::NoLake(root.to_owned()))?;
        Ok(Self { root: root.to_owned(), manifest })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The segments that count.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.manifest.segments
    }

    /// The Parquet file of a segment.
    #[must_use]
    pub fn parquet_path(&self, segment: &Segment) -> PathBuf {
        segment.path(&self.root, PARQUET)
    }
}

impl Manifest {
    pub(crate) fn new(full: bool) -> Self {
        Self { format: FORMAT, next: 1, full, ..Self::default() }
    }

    pub(crate) fn read(root: &Path) -> Result<Option<Self>, LakeError> {
        let path = root.join(MANIFEST);
        let Some(content) = disk::read(&path)? else { return Ok(None) };
        let manifest: Self =
            serde_json::from_slice(&content).map_err(|error| LakeError::damaged(&path, error))?;
        if manifest.format != FORMAT {
            return Err(LakeError::Format(manifest.format));
        }
        let odd = manifest.segments.iter().find(|it| it.period().is_none() || !is_folder_name(&it.kind));
        if let Some(segment) = odd {
            let what = format!("segment {} has a kind or a period that is none", segment.number);
            return Err(LakeError::damaged(&path, what));
        }
        Ok(Some(manifest))
    }

    /// Makes this the state of the lake.
    pub(crate) fn commit(&mut self, root: &Path, now: Timestamp) -> Result<(), LakeError> {
        self.segments.sort_by_key(|segment| (segment.from, segment.number));
        self.forget_sources();
        let due: Vec<Retired> =
            self.retired.extract_if(.., |it| now.as_second() - it.at > RETIRED_SECONDS).collect();
        let path = root.join(MANIFEST);
        let content = serde_json::to_vec_pretty(self).map_err(|error| LakeError::damaged(&path, error))?;
        disk::replace(&path, &content)?;
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

/// Removes the files of a segment, and its folders if nothing else is in them.
pub(crate) fn remove(root: &Path, stem: &str) -> Result<(), LakeError> {
    for ending in [PARQUET, INDEX] {
        disk::remove(&root.join(format!("{stem}.{ending}")))?;
    }
    let mut folder = root.join(stem);
    while folder.pop() && folder != root {
        disk::remove_empty_folder(&folder);
    }
    Ok(())
}

/// Whether a kind can be the name of a folder everywhere.
pub(crate) fn is_folder_name(kind: &str) -> bool {
    (1..=40).contains(&kind.len())
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}
