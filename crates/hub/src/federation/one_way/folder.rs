//! The folder that a transfer agent takes files out of, or puts files into.
//!
//! A file appears whole: it is written under a name that begins with a dot, brought to disk, and renamed. What is no batch is put
//! aside, not deleted.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;

use super::batch::{Hash, file_name, parse_name};

/// Entries of a folder that are looked at; what is beyond them is seen when those are gone.
const ENTRIES_MAX: usize = 100_000;
/// Files that are put aside at most; further ones stay where they are.
const ASIDE_MAX: usize = 1_000;
/// Where files are put aside.
const ASIDE: &str = "quarantine";
/// Who is in the folder's group may read a batch: the transfer agent.
const MODE: u32 = 0o640;

/// A folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

/// A batch that is written and not yet to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) number: i64,
    pub(super) follows: i64,
    pub(super) hash: Hash,
}

/// What waits in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Batches, by number; nothing but their names was looked at.
    pub(super) batches: Vec<Entry>,
    /// Files that are named like a batch, but not quite.
    pub(super) odd: Vec<Entry>,
}

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: OsString,
    /// The number and the one it follows, by the name; zeros for an odd one.
    pub(super) number: i64,
    pub(super) follows: i64,
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

impl Folder {
    /// Makes the folder where it is not there.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a batch to disk, under a name by which nobody takes it.
    pub(super) fn write(&self, part: &Part, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(part.name());
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.sync()
    }

    /// Lets a batch that was written be seen. One that is seen already stays.
    pub(super) fn publish(&self, part: &Part) -> io::Result<()> {
        let name = file_name(part.number, part.follows);
        match fs::rename(self.path.join(part.name()), self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.sync(),
        }
    }

    /// Batches that were written and not shown when the hub stopped.
    pub(super) fn parts(&self) -> io::Result<Vec<Part>> {
        let names = fs::read_dir(&self.path)?.take(ENTRIES_MAX).map(|entry| Ok(entry?.file_name()));
        let names: Vec<OsString> = names.collect::<io::Result<_>>()?;
        Ok(names.iter().filter_map(|name| Part::parse(name.to_str()?)).collect())
    }

    /// Removes a batch that was written and is not to be shown.
    pub(super) fn discard(&self, part: &Part) -> io::Result<()> {
        fs::remove_file(self.path.join(part.name()))
    }

    /// What waits, by number.
    pub(super) fn waiting(&self) -> io::Result<Waiting> {
        let mut waiting = Waiting::default();
        for entry in fs::read_dir(&self.path)?.take(ENTRIES_MAX) {
            let entry = entry?;
            let name = entry.file_name();
            // Agents and people have other files beside them, and write under names of their own first.
            if name.as_encoded_bytes().starts_with(b".") || !name.as_encoded_bytes().ends_with(b".yagura") {
                continue;
            }
            // It may have been taken meanwhile. A link could lead anywhere, so it counts as odd, and so does a folder.
            let Ok(about) = fs::symlink_metadata(entry.path()) else { continue };
            let numbers = name.to_str().and_then(parse_name).filter(|_| about.is_file());
            let (number, follows) = numbers.unwrap_or_default();
            let entry = Entry { name, number, follows, bytes: about.len(), modified: about.modified().ok() };
            if numbers.is_some() { waiting.batches.push(entry) } else { waiting.odd.push(entry) }
        }
        waiting.batches.sort_by_key(|entry| (entry.number, entry.follows));
        Ok(waiting)
    }

    /// A file's bytes; nothing where it is longer than that, or gone.
    pub(super) fn read(&self, entry: &Entry, bytes_max: usize) -> io::Result<Option<Bytes>> {
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        if entry.bytes > limit {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(entry.bytes).unwrap_or(0));
        let file = OpenOptions::new().read(true).open(self.path.join(&entry.name))?;
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() <= bytes_max).then(|| Bytes::from(bytes)))
    }

    /// Removes a file that was taken.
    pub(super) fn remove(&self, entry: &Entry) -> io::Result<()> {
        match fs::remove_file(self.path.join(&entry.name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts a file aside. Whether it was: of too many, the rest stays where it is.
    pub(super) fn put_aside(&self, entry: &Entry, stamp: &str) -> io::Result<bool> {
        if self.aside()? >= ASIDE_MAX {
            return Ok(false);
        }
        let aside = self.path.join(ASIDE);
        fs::create_dir_all(&aside)?;
        let mut name = OsString::from(format!("{stamp}-"));
        name.push(&entry.name);
        fs::rename(self.path.join(&entry.name), aside.join(name))?;
        File::open(&aside)?.sync_all()?;
        self.sync()?;
        Ok(true)
    }

    /// How many files were put aside.
    pub(super) fn aside(&self) -> io::Result<usize> {
        match fs::read_dir(self.path.join(ASIDE)) {
            Ok(entries) => Ok(entries.take(ENTRIES_MAX).count()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Brings names to disk.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Part {
    /// The hash is in the name, so that a part that was not written down is told from the one that was.
    fn name(&self) -> String {
        format!(".{}.{}.part", file_name(self.number, self.follows), hex::encode(self.hash))
    }

    fn parse(name: &str) -> Option<Self> {
        let (batch, hash) = name.strip_prefix('.')?.strip_suffix(".part")?.rsplit_once('.')?;
        let (number, follows) = parse_name(batch)?;
        let mut bytes = Hash::default();
        hex::decode_to_slice(hash, &mut bytes).ok()?;
        Some(Self { number, follows, hash: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path().join("peer/out")).unwrap();
        (root, folder)
    }

    fn names(entries: &[Entry]) -> Vec<String> {
        entries.iter().map(|entry| entry.name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_batch_is_seen_once_it_is_whole() {
        let (_root, folder) = folder();
        let part = Part { number: 2, follows: 1, hash: [7; 32] };
        folder.write(&part, b"what is in it").unwrap();
        assert_eq!(folder.waiting().unwrap(), Waiting::default());
        assert_eq!(folder.parts().unwrap(), std::slice::from_ref(&part));
        folder.publish(&part).unwrap();
        // After a crash between the rename and what comes then.
        folder.publish(&part).unwrap();
        assert_eq!(folder.parts().unwrap(), []);
        let waiting = folder.waiting().unwrap();
        assert_eq!(names(&waiting.batches), [file_name(2, 1)]);
        let read = folder.read(&waiting.batches[0], 100).unwrap();
        assert_eq!(read.as_deref(), Some(&b"what is in it"[..]));
        assert_eq!(folder.read(&waiting.batches[0], 5).unwrap(), None, "longer than may be");
        folder.remove(&waiting.batches[0]).unwrap();
        folder.remove(&waiting.batches[0]).unwrap();
    }

    #[test]
    fn batches_are_told_from_what_lies_beside_them() {
        let (_root, folder) = folder();
        for number in [3, 1, 2] {
            fs::write(folder.path().join(file_name(number, number - 1)), "x").unwrap();
        }
        for other in ["batch-1.yagura", ".batch-000000000009-000000000008.yagura", "README", "batch.tmp"] {
            fs::write(folder.path().join(other), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join(file_name(4, 3))).unwrap();
        fs::create_dir(folder.path().join(file_name(5, 4))).unwrap();
        let waiting = folder.waiting().unwrap();
        assert_eq!(names(&waiting.batches), [1, 2, 3].map(|number| file_name(number, number - 1)));
        let mut odd = names(&waiting.odd);
        odd.sort();
        assert_eq!(
            odd,
            [
                "batch-000000000004-000000000003.yagura",
                "batch-000000000005-000000000004.yagura",
                "batch-1.yagura"
            ]
        );
    }

    #[test]
    fn what_is_put_aside_is_kept_and_bounded() {
        let (_root, folder) = folder();
        let put = |stamp: usize| {
            fs::write(folder.path().join("batch-x.yagura"), "bad").unwrap();
            let waiting = folder.waiting().unwrap();
            folder.put_aside(&waiting.odd[0], &stamp.to_string()).unwrap()
        };
        for stamp in 0..ASIDE_MAX {
            assert!(put(stamp), "{stamp}");
        }
        assert!(!put(ASIDE_MAX), "a thousand are enough");
        assert_eq!(folder.aside().unwrap(), ASIDE_MAX);
        assert_eq!(names(&folder.waiting().unwrap().odd), ["batch-x.yagura"], "it stays where it was");
        assert_eq!(fs::read(folder.path().join("quarantine/0-batch-x.yagura")).unwrap(), b"bad");
    }
}
