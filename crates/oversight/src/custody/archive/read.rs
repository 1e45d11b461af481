//! Reads archives of the kind that is written here, from whatever can be read and sought in. Everything in them may be a lie.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use super::aes::{AUTHENTICATION_BYTES, Opening, SALT_BYTES, VERIFICATION_BYTES};
use super::{
    AES, AES_FIELD, CENTRAL, ENCRYPTED, END, END_64, LOCAL, LOCATOR_64, SEAL_BYTES, STORED, STRENGTH,
    ZIP64_FIELD, length_of,
};

/// Entries of one archive at most.
const ENTRIES_MAX: u64 = 1_000_000;
/// The longest directory, in bytes.
const DIRECTORY_BYTES_MAX: u64 = 256 << 20;
/// The record at the end without a comment, and the longest comment.
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: u64 = 0xffff;
/// Read at once.
const PART_BYTES: usize = 64 * 1024;

/// An archive that is open.
pub struct Archive<R> {
    source: R,
    entries: Vec<Entry>,
}

/// What an archive says that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it takes a password.
    pub is_sealed: bool,
    /// Bytes of its content.
    pub size: u64,
    offset: u64,
    crc: u32,
}

/// How an entry was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It was read to its end, and is what was written.
    Whole,
    /// It takes a password, and none was given.
    Sealed,
}

/// Why an archive is not read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The source.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not an archive, or not one of this kind.
    #[error("this is no archive that can be read here: {0}")]
    Malformed(&'static str),
    /// There is no such entry.
    #[error("there is no `{0}` in the archive")]
    Missing(String),
    /// A document is larger than it may be.
    #[error("`{0}` is larger than a document may be")]
    TooLarge(String),
    /// The password is another one.
    #[error("the password is another one")]
    Password,
    /// The content is not what was written.
    #[error("`{0}` was changed, or the password is another one")]
    Changed(String),
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(mut source: R) -> Result<Self, ArchiveError> {
        let length = source.seek(SeekFrom::End(0))?;
        let (count, size, begins) = directory(&mut source, length)?;
        if count > ENTRIES_MAX || size > DIRECTORY_BYTES_MAX || begins.saturating_add(size) > length {
            return Err(ArchiveError::Malformed("its directory is no directory"));
        }
        source.seek(SeekFrom::Start(begins))?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        source.read_exact(&mut bytes)?;
        let mut rest = bytes.as_slice();
        let (mut entries, mut names) = (Vec::new(), BTreeSet::new());
        for _ in 0..count {
            let entry = entry(&mut rest).ok_or(ArchiveError::Malformed("its directory is cut off"))??;
            if !names.insert(entry.name.clone()) {
                return Err(ArchiveError::Malformed("a name stands twice in its directory"));
            }
            entries.push(entry);
        }
        if !rest.is_empty() {
            return Err(ArchiveError::Malformed("there is more in its directory than it says"));
        }
        Ok(Self { source, entries })
    }

    /// What it holds, in the order of its directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A document that is not encrypted, of at most so many bytes.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn document(&mut self, name: &str, bytes_max: u64) -> Result<Vec<u8>, ArchiveError> {
        let entry = self.named(name)?;
        if entry.size > bytes_max {
            return Err(ArchiveError::TooLarge(name.to_owned()));
        }
        let mut bytes = Vec::new();
        let opened = self.read(name, None, |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        match opened {
            Opened::Whole => Ok(bytes),
            Opened::Sealed => Err(ArchiveError::Malformed("a document in it is encrypted")),
        }
    }

    /// Reads an entry to its end, part by part. What was handed on is to be believed only once this has given [`Opened::Whole`].
    ///
    /// # Errors
    /// [`ArchiveError`]; what `take` gave.
    pub fn read(
        &mut self,
        name: &str,
        password: Option<&str>,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Opened, ArchiveError> {
        let entry = self.named(name)?;
        self.find_content(&entry)?;
        let mut opening = None;
        if entry.is_sealed {
            let Some(password) = password else { return Ok(Opened::Sealed) };
            let (mut salt, mut verification) = ([0; SALT_BYTES], [0; VERIFICATION_BYTES]);
            self.source.read_exact(&mut salt)?;
            self.source.read_exact(&mut verification)?;
            opening = Some(Opening::new(password, &salt, &verification)?.ok_or(ArchiveError::Password)?);
        }
        let (mut left, mut crc) = (entry.size, crc32fast::Hasher::new());
        let mut part = vec![0; PART_BYTES];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(PART_BYTES).min(PART_BYTES);
            let now = part.get_mut(..wanted).unwrap_or_default();
            self.source.read_exact(now)?;
            if let Some(opening) = &mut opening {
                opening.decrypt(now)?;
            } else {
                crc.update(now);
            }
            take(now)?;
            left = left.saturating_sub(length_of(wanted));
        }
        let is_whole = match opening {
            Some(opening) => {
                let mut code = [0; AUTHENTICATION_BYTES];
                self.source.read_exact(&mut code)?;
                opening.ends_in(&code)
            }
            None => crc.finalize() == entry.crc,
        };
        if is_whole { Ok(Opened::Whole) } else { Err(ArchiveError::Changed(name.to_owned())) }
    }

    fn named(&self, name: &str) -> Result<Entry, ArchiveError> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.cloned().ok_or_else(|| ArchiveError::Missing(name.to_owned()))
    }

    /// Goes to where the content of an entry begins; the header before it is that of the entry.
    fn find_content(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        self.source.seek(SeekFrom::Start(entry.offset))?;
        let mut header = [0; 30];
        self.source.read_exact(&mut header)?;
        let mut rest = header.as_slice();
        let is_header = number(&mut rest) == Some(LOCAL);
        rest = rest.get(22..).unwrap_or_default();
        let lengths = short(&mut rest).zip(short(&mut rest));
        let (true, Some((name, extra))) = (is_header, lengths) else {
            return Err(ArchiveError::Malformed("an entry is not where its directory says"));
        };
        let mut bytes = vec![0; usize::from(name)];
        self.source.read_exact(&mut bytes)?;
        if bytes != entry.name.as_bytes() {
            return Err(ArchiveError::Malformed("an entry has another name than in the directory"));
        }
        self.source.seek(SeekFrom::Current(i64::from(extra)))?;
        Ok(())
    }
}

/// How many entries the directory has, how long it is, and where it begins.
fn directory<R: Read + Seek>(source: &mut R, length: u64) -> Result<(u64, u64, u64), ArchiveError> {
    let none = || ArchiveError::Malformed("it has no directory");
    let tail_bytes = length.min(length_of(END_BYTES).saturating_add(COMMENT_BYTES_MAX));
    source.seek(SeekFrom::Start(length.saturating_sub(tail_bytes)))?;
    let mut tail = vec![0; usize::try_from(tail_bytes).unwrap_or(0)];
    source.read_exact(&mut tail)?;
    let place = tail.windows(4).rposition(|window| window == END.to_le_bytes()).ok_or_else(none)?;
    let mut rest = tail.get(place..).filter(|rest| rest.len() == END_BYTES).ok_or_else(none)?;
    rest = rest.get(10..).ok_or_else(none)?;
    let count = short(&mut rest).ok_or_else(none)?;
    let size = number(&mut rest).ok_or_else(none)?;
    let begins = number(&mut rest).ok_or_else(none)?;
    if count != u16::MAX && size != u32::MAX && begins != u32::MAX {
        return Ok((u64::from(count), u64::from(size), u64::from(begins)));
    }
    let locator = place.checked_sub(20).and_then(|from| tail.get(from..place)).ok_or_else(none)?;
    let mut rest = locator;
    if number(&mut rest) != Some(LOCATOR_64) {
        return Err(none());
    }
    rest = rest.get(4..).ok_or_else(none)?;
    source.seek(SeekFrom::Start(long(&mut rest).ok_or_else(none)?))?;
    let mut record = [0; 56];
    source.read_exact(&mut record)?;
    let mut rest = record.as_slice();
    if number(&mut rest) != Some(END_64) {
        return Err(none());
    }
    rest = rest.get(28..).ok_or_else(none)?;
    let numbers = [long(&mut rest), long(&mut rest), long(&mut rest)];
    let [Some(count), Some(size), Some(begins)] = numbers else { return Err(none()) };
    Ok((count, size, begins))
}

/// The next entry of a directory; nothing where it is cut off.
fn entry(rest: &mut &[u8]) -> Option<Result<Entry, ArchiveError>> {
    let strange = |why| Some(Err(ArchiveError::Malformed(why)));
    if number(rest)? != CENTRAL {
        return strange("its directory is no directory");
    }
    let _versions = number(rest)?;
    let (flags, method) = (short(rest)?, short(rest)?);
    let _made = number(rest)?;
    let (crc, kept, size) = (number(rest)?, number(rest)?, number(rest)?);
    let (name, extra, comment) = (short(rest)?, short(rest)?, short(rest)?);
    let _disk_and_attributes = (number(rest)?, number(rest)?);
    let offset = number(rest)?;
    let name = take(rest, usize::from(name))?;
    let extra = take(rest, usize::from(extra))?;
    take(rest, usize::from(comment))?;
    let Ok(name) = str::from_utf8(name) else { return strange("a name in it is no text") };
    let (large, aes) = fields(extra)?;
    let mut large = large;
    let mut wide = |narrow: u32| if narrow == u32::MAX { long(&mut large) } else { Some(u64::from(narrow)) };
    let (size, kept, offset) = (wide(size)?, wide(kept)?, wide(offset)?);
    let is_sealed = flags & ENCRYPTED != 0;
    let is_known = match (is_sealed, method, aes) {
        (false, STORED, None) => kept == size,
        // Vendor's version (AE-1 or AE-2), its letters, the strength, the method within.
        (true, AES, Some([1 | 2, 0, b'A', b'E', STRENGTH, 0, 0])) => {
            size.checked_add(SEAL_BYTES) == Some(kept)
        }
        _ => false,
    };
    if !is_known {
        return strange("an entry is compressed, or encrypted in another way");
    }
    Some(Ok(Entry { name: name.to_owned(), is_sealed, size, offset, crc }))
}

/// The fields of ZIP64 and of AES.
fn fields(extra: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (mut rest, mut large, mut aes) = (extra, [].as_slice(), None);
    while !rest.is_empty() {
        let (id, length) = (short(&mut rest)?, short(&mut rest)?);
        let inner = take(&mut rest, usize::from(length))?;
        match id {
            ZIP64_FIELD => large = inner,
            AES_FIELD => aes = Some(inner),
            _ => {}
        }
    }
    Some((large, aes))
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (now, later) = rest.split_at_checked(length)?;
    *rest = later;
    Some(now)
}

fn short(rest: &mut &[u8]) -> Option<u16> {
    take(rest, 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn long(rest: &mut &[u8]) -> Option<u64> {
    take(rest, 8)?.try_into().ok().map(u64::from_le_bytes)
}
