//! Replacing a file so that a kill at any point leaves the earlier one or the new one, and overwriting the earlier one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Only who runs the program reads it.
const MODE: u32 = 0o600;

/// Puts new content in place of a file and overwrites the earlier one. The caller holds the lock that goes with the file.
///
/// 1. The new content is written beside it, as `….new`, and made durable.
/// 2. The earlier file gets a second name, `….old`.
/// 3. The new one takes its name; the folder is made durable. This is the moment at which it is replaced.
/// 4. What is now only `….old` is overwritten with zeros, made durable, and removed.
///
/// [`tidy`] ends what a kill left of it. Overwriting reaches the blocks only where the file system writes in place onto a disk that does: on
/// an SSD, on file systems that copy on write, and in their snapshots, the earlier bytes may be there for longer.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    tidy(path)?;
    write_new(path, content)?;
    if path.try_exists()? {
        fs::hard_link(path, beside(path, "old"))?;
    }
    fs::rename(beside(path, "new"), path)?;
    sync_folder(path)?;
    tidy(path)
}

/// As [`replace`], where there must be no file yet.
pub(super) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    write_new(path, content)?;
    let placed = fs::hard_link(beside(path, "new"), path);
    fs::remove_file(beside(path, "new"))?;
    placed?;
    sync_folder(path)
}

/// Ends a replacement that was killed, and overwrites what it left.
pub(super) fn tidy(path: &Path) -> io::Result<()> {
    for left in ["new", "old"].map(|ending| beside(path, ending)) {
        // Killed between 2 and 3, or while a first file was placed, both names are of the file in use, which must not be overwritten.
        match (identity(&left)?, identity(path)?) {
            (Some(one), Some(other)) if one == other => {
                fs::remove_file(&left)?;
                sync_folder(path)?;
            }
            _ => wipe(&left)?,
        }
    }
    Ok(())
}

/// Overwrites a file with zeros and removes it; nothing where there is none.
pub(super) fn wipe(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(cause),
    };
    let mut left = file.metadata()?.len();
    let zeros = [0; 4_096];
    while left > 0 {
        let (part, _) = zeros.split_at(usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len()));
        file.write_all(part)?;
        left -= part.len() as u64;
    }
    file.sync_all()?;
    fs::remove_file(path)?;
    sync_folder(path)
}

/// The lock that goes with a file, held until it is dropped; waits for other processes and other threads of this one.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(beside(path, "lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(new)?;
    file.write_all(content)?;
    file.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Device and number of a file, if it is there.
fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stops after so many of the four steps, and looks what the next use finds.
    fn check(steps: usize, expected: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, b"earlier").unwrap();
        let mut kept_open = File::open(&path).unwrap();
        if steps >= 1 {
            write_new(&path, b"new").unwrap();
        }
        if steps >= 2 {
            fs::hard_link(&path, beside(&path, "old")).unwrap();
        }
        if steps >= 3 {
            fs::rename(beside(&path, "new"), &path).unwrap();
        }
        tidy(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), expected, "{steps}");
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["keys"], "{steps}");
        let mut earlier = vec![];
        io::Read::read_to_end(&mut kept_open, &mut earlier).unwrap();
        assert_eq!(
            earlier == [0; 7],
            expected == b"new",
            "the earlier file is overwritten when it is not in use any more"
        );
    }

    #[test]
    fn a_kill_leaves_the_earlier_file_or_the_new_one() {
        for steps in 0..=2 {
            check(steps, b"earlier");
        }
        check(3, b"new");
    }

    #[test]
    fn a_kill_while_the_first_file_is_placed_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write_new(&path, b"first").unwrap();
        fs::hard_link(beside(&path, "new"), &path).unwrap();
        tidy(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert!(!beside(&path, "new").exists());
    }

    #[test]
    fn what_was_replaced_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, b"earlier").unwrap();
        assert!(create(&path, b"another").is_err());
        let mut kept_open = File::open(&path).unwrap();
        replace(&path, b"new").unwrap();
        let mut earlier = vec![];
        io::Read::read_to_end(&mut kept_open, &mut earlier).unwrap();
        assert_eq!(
            (earlier.as_slice(), fs::read(&path).unwrap().as_slice()),
            ([0; 7].as_slice(), b"new".as_slice())
        );
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
    }
}
