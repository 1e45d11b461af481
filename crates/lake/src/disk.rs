//! All that the lake does to files. A file appears whole or not at all: it is written under another name, made durable and
//! renamed, and the folder is made durable after it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::LakeError;

/// Files that are being written end in this; whatever a crash left of them is removed by the next writer.
pub(crate) const UNFINISHED: &str = "tmp";

/// A file that is being written.
pub(crate) struct Unfinished {
    out: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Unfinished {
    /// Begins a file, with the folders above it.
    pub(crate) fn create(path: &Path) -> Result<Self, LakeError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|cause| LakeError::disk(folder, cause))?;
        let temporary = path.with_added_extension(UNFINISHED);
        let file = File::create(&temporary).map_err(|cause| LakeError::disk(&temporary, cause))?;
        Ok(Self { out: BufWriter::with_capacity(1 << 18, file), temporary, path: path.to_owned() })
    }

    /// Makes the file durable and gives it its name; its size. Nothing is durable about the name before
    /// [`sync_folder`] was called for the folder.
    pub(crate) fn finish(self) -> Result<u64, LakeError> {
        let Self { out, temporary, path } = self;
        let failed = |cause| LakeError::disk(&path, cause);
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        fs::rename(&temporary, &path).map_err(failed)?;
        Ok(bytes)
    }
}

impl Write for Unfinished {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.out.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Replaces a small file as a whole.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), LakeError> {
    let mut file = Unfinished::create(path)?;
    file.write_all(content).map_err(|cause| LakeError::disk(path, cause))?;
    file.finish()?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| LakeError::disk(folder, cause))
}

/// Makes the names in a folder durable, and those of the folders between it and the root.
pub(crate) fn sync_folders(root: &Path, folder: &Path) -> Result<(), LakeError> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        sync_folder(folder)?;
    }
    Ok(())
}

/// A small file's content; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, LakeError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(LakeError::disk(path, cause)),
    }
}

/// Removes a file; that there is none is as good.
pub(crate) fn remove(path: &Path) -> Result<(), LakeError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(LakeError::disk(path, cause)),
        _ => Ok(()),
    }
}

/// Removes a folder if it is empty.
pub(crate) fn remove_empty_folder(folder: &Path) {
    // That something is in it is no error, and an empty folder does no harm.
    let _ = fs::remove_dir(folder);
}

/// The files in a folder and two folders below it.
pub(crate) fn files_below(root: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let failed = |cause| LakeError::disk(&folder, cause);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && depth < 2 {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// Held by the one process that writes; given back when it is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a lake, or says that another process has it.
    pub(crate) fn take(path: &Path) -> Result<Self, LakeError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|cause| LakeError::disk(folder, cause))?;
        }
        let file = File::create(path).map_err(|cause| LakeError::disk(path, cause))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(LakeError::Busy),
            Err(fs::TryLockError::Error(cause)) => Err(LakeError::disk(path, cause)),
        }
    }
}

/// A file that is read here and there, counting what is read.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: Arc<File>,
    bytes: u64,
    read: Arc<AtomicU64>,
}

impl Place {
    pub(crate) fn open(path: &Path, read: &Arc<AtomicU64>) -> Result<Self, LakeError> {
        let failed = |cause| LakeError::disk(path, cause);
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        Ok(Self { file: Arc::new(file), bytes, read: Arc::clone(read) })
    }
}

/// Bytes that can be read from any place.
pub(crate) trait ReadAt {
    /// How many there are.
    fn size(&self) -> u64;

    /// Fills the buffer with what begins at a place.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for Place {
    fn size(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)?;
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
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

impl Length for Place {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Place {
    type T = Stretch;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Stretch> {
        Ok(Stretch { place: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.saturating_add(length as u64) > self.bytes {
            return Err(ParquetError::EOF("the file is shorter than it says".to_owned()));
        }
        let mut buffer = vec![0; length];
        self.read_at(start, &mut buffer).map_err(|cause| ParquetError::External(Box::new(cause)))?;
        Ok(buffer.into())
    }
}

/// What follows a place in a file.
#[derive(Debug)]
pub(crate) struct Stretch {
    place: Place,
    at: u64,
}

impl Read for Stretch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.place.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        self.place.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
