//! Where a lake is: a folder, or a bucket of an S3-compatible store; and all that the lake does there.
//!
//! Every file but the manifest is written once under a name that nothing else ever has, and appears whole or not at all. In a
//! folder it is written under another name, made durable and renamed, and one process at a time holds the lock. In a bucket there
//! is no lock: each writer's names bear a mark of its own, and the manifest is replaced on the condition that it still is what
//! was read, so of two writers one is told that it was overtaken and nothing of either is mixed up.

mod bucket;
mod folder;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use self::bucket::Bucket;
use crate::error::LakeError;

/// Where a lake is.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    shown: PathBuf,
    place: At,
}

#[derive(Debug, Clone)]
enum At {
    Folder,
    Bucket(Bucket),
}

/// Which writing of the manifest was read; of a folder's none, since nobody else writes there.
#[derive(Debug, Clone)]
pub(crate) struct Version(Option<bucket::Version>);

/// Held by the one process that writes to a folder; given back when it is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _folder: Option<folder::Lock>,
}

/// A store answers many at once, and each only after a while.
const BUCKET_LANES: usize = 16;

impl Root {
    /// From a path, or from an address that begins with `s3://`.
    pub(crate) fn of(path: &Path) -> Result<Self, LakeError> {
        let Some(address) = path.to_str().filter(|text| text.starts_with("s3://")) else {
            return Ok(Self { shown: path.to_owned(), place: At::Folder });
        };
        // What is wrong with an address never says what signs in; the address may.
        let bucket = Bucket::open(address).map_err(|cause| LakeError::disk(Path::new("s3://"), cause))?;
        Ok(Self { shown: PathBuf::from(bucket.address()), place: At::Bucket(bucket) })
    }

    /// The folder, or the address without what signs in.
    pub(crate) fn shown(&self) -> &Path {
        &self.shown
    }

    /// How a file is told to a person.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.shown.join(name)
    }

    /// How many requests are worth having in flight at once.
    pub(crate) fn lanes(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        match &self.place {
            At::Folder => cores.min(8),
            At::Bucket(_) => BUCKET_LANES,
        }
    }

    pub(crate) fn lock(&self) -> Result<Lock, LakeError> {
        match &self.place {
            At::Folder => Ok(Lock { _folder: Some(folder::Lock::take(&self.path("LOCK"))?) }),
            At::Bucket(_) => Ok(Lock { _folder: None }),
        }
    }

    /// What the names of this writer's files bear, so that no other writer gives the same.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn mark(&self) -> Result<String, LakeError> {
        match &self.place {
            At::Folder => Ok(String::new()),
            At::Bucket(_) => {
                let mark = getrandom::u64().map_err(io::Error::other);
                mark.map(|mark| format!("{mark:016x}")).map_err(|cause| LakeError::disk(&self.shown, cause))
            }
        }
    }

    /// Begins a file.
    pub(crate) fn create(&self, name: &str) -> Result<Unfinished, LakeError> {
        let path = self.path(name);
        let out = match &self.place {
            At::Folder => Out::Folder(folder::Unfinished::create(&path)?),
            At::Bucket(bucket) => Out::Bucket(bucket.create(name)),
        };
        Ok(Unfinished { out, path, checksum: crc32fast::Hasher::new(), bytes: 0 })
    }

    /// Makes the names of files that were finished durable.
    pub(crate) fn make_durable(&self, names: &[String]) -> Result<(), LakeError> {
        match &self.place {
            At::Folder => {
                let paths = names.iter().map(|name| self.path(name));
                let mut folders: Vec<PathBuf> =
                    paths.filter_map(|path| path.parent().map(Path::to_owned)).collect();
                folders.sort_unstable();
                folders.dedup();
                folders.iter().try_for_each(|folder| folder::sync_folders(&self.shown, folder))
            }
            At::Bucket(_) => Ok(()),
        }
    }

    /// Opens a file of so many bytes to read in it.
    pub(crate) fn open(&self, name: &str, bytes: u64, read: &Arc<AtomicU64>) -> Result<Place, LakeError> {
        let path = self.path(name);
        let file = match &self.place {
            At::Folder => Inner::Folder(folder::open(&path, bytes)?),
            At::Bucket(bucket) => Inner::Bucket(bucket.object(name)),
        };
        Ok(Place { file, bytes, read: Arc::clone(read) })
    }

    /// The CRC-32 of a file of so many bytes, read from its beginning to its end.
    pub(crate) fn checksum(&self, name: &str, bytes: u64) -> Result<u32, LakeError> {
        const PIECE_BYTES: usize = 8 << 20;
        let place = self.open(name, bytes, &Arc::default())?;
        let (mut hasher, mut buffer, mut at) = (crc32fast::Hasher::new(), vec![0; PIECE_BYTES], 0);
        while at < bytes {
            let left = usize::try_from(bytes - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let piece = buffer.get_mut(..left).unwrap_or_default();
            place.read_at(at, piece).map_err(|cause| LakeError::disk(&self.path(name), cause))?;
            hasher.update(piece);
            at += left as u64;
        }
        Ok(hasher.finalize())
    }

    /// A small file's content, and which writing of it this is; `None` where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, LakeError> {
        match &self.place {
            At::Folder => Ok(folder::read(&self.path(name))?.map(|content| (content, Version(None)))),
            At::Bucket(bucket) => {
                let read = bucket.read(name).map_err(|cause| LakeError::disk(&self.path(name), cause))?;
                Ok(read.map(|(content, version)| (content, Version(Some(version)))))
            }
        }
    }

    /// Replaces a small file as a whole, if it still is what was read; `None`: there was none.
    pub(crate) fn replace(
        &self,
        name: &str,
        content: &[u8],
        read: Option<&Version>,
    ) -> Result<Version, LakeError> {
        match &self.place {
            At::Folder => folder::replace(&self.path(name), content).map(|()| Version(None)),
            At::Bucket(bucket) => {
                let replaced = bucket.replace(name, content, read.and_then(|Version(read)| read.as_ref()));
                let replaced = replaced.map_err(|cause| LakeError::disk(&self.path(name), cause))?;
                replaced.map(|version| Version(Some(version))).ok_or(LakeError::Overtaken)
            }
        }
    }

    /// Removes a file; that there is none is as good.
    pub(crate) fn remove(&self, name: &str) -> Result<(), LakeError> {
        match &self.place {
            At::Folder => folder::remove(&self.shown, &self.path(name)),
            At::Bucket(bucket) => {
                bucket.remove(name).map_err(|cause| LakeError::disk(&self.path(name), cause))
            }
        }
    }

    /// Whether a file is what a crash left of one of the lake's.
    pub(crate) fn is_unfinished(name: &str) -> bool {
        name.strip_suffix(folder::UNFINISHED).is_some_and(|name| name.ends_with('.'))
            && (name.starts_with("kind=") || name.starts_with("MANIFEST"))
    }

    /// The names of all files that nobody can be writing any more.
    pub(crate) fn settled_files(&self) -> Result<Vec<String>, LakeError> {
        match &self.place {
            At::Folder => folder::files_below(&self.shown),
            At::Bucket(bucket) => {
                bucket.settled_objects().map_err(|cause| LakeError::disk(&self.shown, cause))
            }
        }
    }
}

/// A file that is being written.
pub(crate) struct Unfinished {
    out: Out,
    path: PathBuf,
    checksum: crc32fast::Hasher,
    bytes: u64,
}

enum Out {
    Folder(folder::Unfinished),
    Bucket(bucket::Upload),
}

/// A file that was written: how long it is, and the CRC-32 of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Finished {
    pub(crate) bytes: u64,
    pub(crate) checksum: u32,
}

impl Unfinished {
    /// Makes the file durable and gives it its name. That the name is durable too takes [`Root::make_durable`].
    pub(crate) fn finish(self) -> Result<Finished, LakeError> {
        let done = match self.out {
            Out::Folder(out) => out.finish(),
            Out::Bucket(out) => out.finish(),
        };
        done.map_err(|cause| LakeError::disk(&self.path, cause))?;
        Ok(Finished { bytes: self.bytes, checksum: self.checksum.finalize() })
    }
}

impl Write for Unfinished {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = match &mut self.out {
            Out::Folder(out) => out.write(buffer)?,
            Out::Bucket(out) => out.write(buffer)?,
        };
        self.checksum.update(buffer.get(..written).unwrap_or(buffer));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Folder(out) => out.flush(),
            Out::Bucket(out) => out.flush(),
        }
    }
}

/// A file that is read here and there, counting what is read.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: Inner,
    bytes: u64,
    read: Arc<AtomicU64>,
}

#[derive(Debug, Clone)]
enum Inner {
    Folder(Arc<std::fs::File>),
    Bucket(bucket::Object),
}

/// Bytes that can be read from any place.
pub(crate) trait ReadAt {
    /// How many there are.
    fn size(&self) -> u64;

    /// Fills the buffer with what begins at a place.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Reads several places, each so many bytes, which were found to be within the file.
    fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Bytes>> {
        let read = |(offset, bytes): &(u64, usize)| {
            let mut buffer = vec![0; *bytes];
            self.read_at(*offset, &mut buffer)?;
            Ok(Bytes::from(buffer))
        };
        places.iter().map(read).collect()
    }
}

impl ReadAt for Place {
    fn size(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.file {
            Inner::Folder(file) => folder::read_at(file, offset, buffer)?,
            Inner::Bucket(object) => {
                let read = object.read_many(&[(offset, buffer.len())])?;
                buffer.copy_from_slice(read.first().map(Bytes::as_ref).unwrap_or_default());
            }
        }
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Bytes>> {
        let read = match &self.file {
            Inner::Folder(file) => folder::read_many(file, places)?,
            Inner::Bucket(object) => object.read_many(places)?,
        };
        let bytes: usize = read.iter().map(Bytes::len).sum();
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = self.get(from..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
