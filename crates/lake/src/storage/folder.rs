//! A lake in a folder of this machine.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::error::LakeError;

/// Files that are being written end in this; whatever a crash left of them is removed by the next writer.
pub(super) const UNFINISHED: &str = "tmp";

/// A file that is being written.
pub(super) struct Unfinished {
    out: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Unfinished {
    /// Begins a file, with the folders above it.
    pub(super) fn create(path: &Path) -> Result<Self, LakeError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|cause| LakeError::disk(folder, cause))?;
        let temporary = path.with_added_extension(UNFINISHED);
        let file = File::create(&temporary).map_err(|cause| LakeError::disk(&temporary, cause))?;
        Ok(Self { out: BufWriter::with_capacity(1 << 18, file), temporary, path: path.to_owned() })
    }

    /// Makes the file durable and gives it its name.
    pub(super) fn finish(self) -> io::Result<()> {
        let Self { out, temporary, path } = self;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
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

/// Replaces a small file as a whole, durably.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), LakeError> {
    let mut file = Unfinished::create(path)?;
    file.write_all(content).and_then(|()| file.finish()).map_err(|cause| LakeError::disk(path, cause))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| LakeError::disk(folder, cause))
}

/// Makes the names in a folder durable, and those of the folders between it and the root.
pub(super) fn sync_folders(root: &Path, folder: &Path) -> Result<(), LakeError> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        sync_folder(folder)?;
    }
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, LakeError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(LakeError::disk(path, cause)),
    }
}

pub(super) fn open(path: &Path, bytes: u64) -> Result<Arc<File>, LakeError> {
    let failed = |cause| LakeError::disk(path, cause);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() != bytes {
        return Err(LakeError::damaged(path, "it is not as long as what was written"));
    }
    Ok(Arc::new(file))
}

pub(super) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Reads several places; what lies close together is read at once.
pub(super) fn read_many(file: &File, places: &[(u64, usize)]) -> io::Result<Vec<Bytes>> {
    /// Reading so many bytes in vain costs less than another call.
    const GAP_BYTES: u64 = 2048;
    const TOGETHER_BYTES: u64 = 1 << 20;
    let mut read = Vec::with_capacity(places.len());
    let mut rest = places;
    while let Some((from, bytes)) = rest.first() {
        let (mut end, mut count) = (from + *bytes as u64, 1);
        for (offset, bytes) in rest.iter().skip(1) {
            let behind = offset + *bytes as u64;
            if *offset < end || *offset > end + GAP_BYTES || behind - from > TOGETHER_BYTES {
                break;
            }
            (end, count) = (behind, count + 1);
        }
        let mut buffer = vec![0; usize::try_from(end - from).unwrap_or(0)];
        file.read_exact_at(&mut buffer, *from)?;
        let all = Bytes::from(buffer);
        let (these, others) = rest.split_at(count);
        for (offset, bytes) in these {
            let start = usize::try_from(offset - from).unwrap_or(0);
            read.push(all.slice(start..start + bytes));
        }
        rest = others;
    }
    Ok(read)
}

/// Removes a file, and the folders above it that are empty then.
pub(super) fn remove(root: &Path, path: &Path) -> Result<(), LakeError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(LakeError::disk(path, cause)),
        _ => {}
    }
    for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(root) && *folder != root) {
        // That something is in it is no error, and an empty folder does no harm.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// The files in a folder and two folders below it, as names from it.
pub(super) fn files_below(root: &Path) -> Result<Vec<String>, LakeError> {
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
                found.extend(entry.path().strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned));
            }
        }
    }
    Ok(found)
}

/// Held by the one process that writes.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a lake, or says that another process has it.
    pub(super) fn take(path: &Path) -> Result<Self, LakeError> {
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
