//! The archive that evidence travels in: ZIP (APPNOTE 6.3.10), its content encrypted with AES-256 as WinZip has defined it (AE-2) and 7-Zip, WinZip
//! and libarchive read it. Nothing that looks into archives, be it a scanner or a preview, meets the content without the password.
//!
//! Everything is stored and nothing compressed: sizes are known before the first byte is written, so that an archive of any size is a stream. It
//! is our own because it is small, and because the published crate turns on features that the whole house would be compiled anew for.

mod aes;
mod read;

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use aes::SALT_BYTES;
use aes::{AUTHENTICATION_BYTES, Sealing, VERIFICATION_BYTES};
pub use read::{Archive, ArchiveError, Entry, Opened};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Bit 0: encrypted. Bit 11: the name is UTF-8.
const ENCRYPTED: u16 = 1;
const UTF_8: u16 = 1 << 11;
const STORED: u16 = 0;
/// The method that says that the extra field of [`AES_FIELD`] says which.
const AES: u16 = 99;
const AES_FIELD: u16 = 0x9901;
const ZIP64_FIELD: u16 = 0x0001;
/// AE-2: no checksum of the content, which would tell of a short one what it is.
const AE_2: u16 = 2;
/// AES-256.
const STRENGTH: u8 = 3;
/// Sizes and places from here on stand in a field of their own.
const ZIP64_FROM: u64 = 0xffff_ffff;
/// What encryption adds to a content.
const SEAL_BYTES: u64 = SALT_BYTES as u64 + VERIFICATION_BYTES as u64 + AUTHENTICATION_BYTES as u64;
/// The longest name.
const NAME_BYTES_MAX: usize = 1_024;

/// Writes an archive to whatever takes bytes, from its first to its last.
pub struct Writer<W> {
    out: W,
    offset: u64,
    entries: Vec<Written>,
    /// Date and time as MS-DOS wrote them, in UTC.
    made: (u16, u16),
}

struct Written {
    name: String,
    is_sealed: bool,
    crc: u32,
    size: u64,
    offset: u64,
}

/// An encrypted entry that is being written.
pub struct SealedEntry<'w, W> {
    writer: &'w mut Writer<W>,
    sealing: Sealing,
    left: u64,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins an archive; each entry bears the time `made`.
    pub fn new(out: W, made: Timestamp) -> Self {
        Self { out, offset: 0, entries: Vec::new(), made: dos_time(made) }
    }

    /// Writes a document as it is.
    ///
    /// # Errors
    /// Those of what takes the bytes; a name that is too long.
    pub fn plain(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let written = Written {
            name: checked(name)?,
            is_sealed: false,
            crc: crc32fast::hash(bytes),
            size: length(bytes),
            offset: self.offset,
        };
        self.put(&self.local_header(&written))?;
        self.put(bytes)?;
        self.entries.push(written);
        Ok(())
    }

    /// Begins an encrypted entry of exactly so many bytes. A salt is drawn at random and used once.
    ///
    /// # Errors
    /// As [`Writer::plain`].
    pub fn sealed(
        &mut self,
        name: &str,
        size: u64,
        (password, salt): (&str, &[u8; SALT_BYTES]),
    ) -> io::Result<SealedEntry<'_, W>> {
        let written = Written { name: checked(name)?, is_sealed: true, crc: 0, size, offset: self.offset };
        let (sealing, verification) = Sealing::new(password, salt)?;
        self.put(&self.local_header(&written))?;
        self.put(salt)?;
        self.put(&verification)?;
        self.entries.push(written);
        Ok(SealedEntry { writer: self, sealing, left: size, buffer: Vec::new() })
    }

    /// Writes the directory at the end, without which it is no archive.
    ///
    /// # Errors
    /// Those of what takes the bytes.
    pub fn finish(mut self) -> io::Result<W> {
        let begins = self.offset;
        for written in std::mem::take(&mut self.entries) {
            let header = self.central_header(&written);
            self.put(&header)?;
            self.entries.push(written);
        }
        let end = self.end(begins);
        self.put(&end)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.offset = self.offset.saturating_add(length(bytes));
        Ok(())
    }

    fn local_header(&self, written: &Written) -> Vec<u8> {
        let (kept, is_large) = (written.kept(), written.kept() >= ZIP64_FROM);
        let mut extra = Vec::new();
        if is_large {
            field(&mut extra, ZIP64_FIELD, &[written.size, kept].map(u64::to_le_bytes).concat());
        }
        written.aes_field(&mut extra);
        let mut header = LOCAL.to_le_bytes().to_vec();
        self.common(&mut header, written);
        let (kept, size) = if is_large { (u32::MAX, u32::MAX) } else { (low(kept), low(written.size)) };
        numbers(&mut header, &[written.crc, kept, size]);
        shorts(&mut header, &[short(written.name.len()), short(extra.len())]);
        header.extend_from_slice(written.name.as_bytes());
        header.extend_from_slice(&extra);
        header
    }

    fn central_header(&self, written: &Written) -> Vec<u8> {
        let kept = written.kept();
        let mut large = Vec::new();
        let mut number = |number: u64| {
            if number < ZIP64_FROM {
                return low(number);
            }
            large.extend_from_slice(&number.to_le_bytes());
            u32::MAX
        };
        let (size, kept, offset) = (number(written.size), number(kept), number(written.offset));
        let mut extra = Vec::new();
        if !large.is_empty() {
            field(&mut extra, ZIP64_FIELD, &large);
        }
        written.aes_field(&mut extra);
        let mut header = CENTRAL.to_le_bytes().to_vec();
        // Made by a Unix, so that the permissions below count.
        shorts(&mut header, &[(3 << 8) | NEEDS]);
        self.common(&mut header, written);
        numbers(&mut header, &[written.crc, kept, size]);
        shorts(&mut header, &[short(written.name.len()), short(extra.len()), 0, 0, 0]);
        // A plain file that its owner reads and nobody runs.
        numbers(&mut header, &[0o100_400 << 16, offset]);
        header.extend_from_slice(written.name.as_bytes());
        header.extend_from_slice(&extra);
        header
    }

    fn common(&self, header: &mut Vec<u8>, written: &Written) {
        let flags = if written.is_sealed { UTF_8 | ENCRYPTED } else { UTF_8 };
        let method = if written.is_sealed { AES } else { STORED };
        shorts(header, &[NEEDS, flags, method, self.made.1, self.made.0]);
    }

    fn end(&self, begins: u64) -> Vec<u8> {
        let (count, size) = (length_of(self.entries.len()), self.offset.saturating_sub(begins));
        let mut end = Vec::new();
        if count >= 0xffff || begins >= ZIP64_FROM || size >= ZIP64_FROM {
            numbers(&mut end, &[END_64]);
            // What follows in this record, then who made it and what reads it.
            end.extend_from_slice(&44_u64.to_le_bytes());
            shorts(&mut end, &[(3 << 8) | NEEDS, NEEDS]);
            numbers(&mut end, &[0, 0]);
            for number in [count, count, size, begins] {
                end.extend_from_slice(&number.to_le_bytes());
            }
            numbers(&mut end, &[LOCATOR_64, 0]);
            end.extend_from_slice(&self.offset.to_le_bytes());
            numbers(&mut end, &[1]);
        }
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        numbers(&mut end, &[END]);
        shorts(&mut end, &[0, 0, count, count]);
        numbers(&mut end, &[low(size), low(begins)]);
        shorts(&mut end, &[0]);
        end
    }
}

/// The version of APPNOTE that reads AES.
const NEEDS: u16 = 51;

impl Written {
    /// Bytes in the archive.
    fn kept(&self) -> u64 {
        if self.is_sealed { self.size.saturating_add(SEAL_BYTES) } else { self.size }
    }

    fn aes_field(&self, extra: &mut Vec<u8>) {
        if self.is_sealed {
            let mut inner = AE_2.to_le_bytes().to_vec();
            inner.extend_from_slice(b"AE");
            inner.push(STRENGTH);
            inner.extend_from_slice(&STORED.to_le_bytes());
            field(extra, AES_FIELD, &inner);
        }
    }
}

impl<W: Write> SealedEntry<'_, W> {
    /// Encrypts what comes next.
    ///
    /// # Errors
    /// Those of what takes the bytes; more bytes than were announced.
    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.left = self
            .left
            .checked_sub(length(bytes))
            .ok_or_else(|| io::Error::other("there is more of it than was announced"))?;
        self.buffer.clear();
        self.buffer.extend_from_slice(bytes);
        self.sealing.encrypt(&mut self.buffer)?;
        self.writer.put(&self.buffer)
    }

    /// Ends the entry.
    ///
    /// # Errors
    /// Those of what takes the bytes; fewer bytes than were announced.
    pub fn finish(self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::other("there is less of it than was announced"));
        }
        let code = self.sealing.code();
        self.writer.put(&code)
    }
}

fn checked(name: &str) -> io::Result<String> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(name.to_owned());
    }
    Err(io::Error::other("a name in an archive has 1 to 1,024 bytes"))
}

fn field(extra: &mut Vec<u8>, id: u16, inner: &[u8]) {
    shorts(extra, &[id, short(inner.len())]);
    extra.extend_from_slice(inner);
}

fn shorts(to: &mut Vec<u8>, numbers: &[u16]) {
    numbers.iter().for_each(|number| to.extend_from_slice(&number.to_le_bytes()));
}

fn numbers(to: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| to.extend_from_slice(&number.to_le_bytes()));
}

fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn length(bytes: &[u8]) -> u64 {
    length_of(bytes.len())
}

fn length_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Date and time; 1980 to 2107, to two seconds.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let at = at.to_zoned(TimeZone::UTC).datetime();
    let part = |number: i8| u16::try_from(number).unwrap_or(0);
    let years = u16::try_from(at.year().saturating_sub(1980)).unwrap_or(0).min(127);
    let date = (years << 9) | (part(at.month()) << 5) | part(at.day());
    let time = (part(at.hour()) << 11) | (part(at.minute()) << 5) | (part(at.second()) / 2);
    (date, time)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const SALT: [u8; SALT_BYTES] = [7; SALT_BYTES];

    fn made() -> Timestamp {
        "2026-11-30T09:55:30Z".parse().unwrap()
    }

    fn archive(content: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), made());
        writer.plain("説明.txt", "読んでください".as_bytes()).unwrap();
        let size = u64::try_from(content.len()).unwrap();
        let mut entry = writer.sealed("files/1", size, ("infected", &SALT)).unwrap();
        content.chunks(700).for_each(|part| entry.write_all(part).unwrap());
        entry.finish().unwrap();
        writer.finish().unwrap()
    }

    fn open(bytes: &[u8], password: &str) -> Result<Vec<u8>, ArchiveError> {
        let mut archive = Archive::open(Cursor::new(bytes))?;
        let mut content = Vec::new();
        archive.read("files/1", Some(password), |part| {
            content.extend_from_slice(part);
            Ok(())
        })?;
        Ok(content)
    }

    #[test]
    fn what_was_written_is_read_with_the_password_alone() {
        let content: Vec<u8> = (0..200_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
        let bytes = archive(&content);
        assert!(!bytes.windows(16).any(|window| window == &content[..16]));
        assert_eq!(open(&bytes, "infected").unwrap(), content);
        assert!(matches!(open(&bytes, "Infected"), Err(ArchiveError::Password)));
        let mut archive = Archive::open(Cursor::new(&bytes)).unwrap();
        let names: Vec<_> =
            archive.entries().iter().map(|entry| (entry.name.clone(), entry.is_sealed)).collect();
        assert_eq!(names, [("説明.txt".to_owned(), false), ("files/1".to_owned(), true)]);
        assert_eq!(archive.document("説明.txt", 100).unwrap(), "読んでください".as_bytes());
        assert!(matches!(archive.document("説明.txt", 5), Err(ArchiveError::TooLarge(_))));
        assert!(matches!(archive.document("nothing", 5), Err(ArchiveError::Missing(_))));
        assert_eq!(open(&self::archive(b""), "infected").unwrap(), b"");
    }

    #[test]
    fn a_changed_byte_of_the_content_is_found() {
        let bytes = archive(b"what was on the disk");
        let begins = bytes.windows(SALT_BYTES).position(|window| window == SALT).unwrap();
        for place in begins..begins + SALT_BYTES + 2 + 20 + 10 {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(open(&changed, "infected").is_err(), "{place}");
        }
        for cut in 0..bytes.len() {
            assert!(open(&bytes[..cut], "infected").is_err(), "{cut}");
        }
    }

    #[test]
    fn sizes_are_kept_to() {
        let mut writer = Writer::new(Vec::new(), made());
        let mut entry = writer.sealed("a", 3, ("infected", &SALT)).unwrap();
        assert!(entry.write_all(b"four").is_err());
        let mut entry = writer.sealed("b", 3, ("infected", &SALT)).unwrap();
        entry.write_all(b"tw").unwrap();
        assert!(entry.finish().is_err());
        assert!(writer.plain(&"n".repeat(2_000), b"").is_err());
    }

    /// Takes the place of four gibibytes.
    struct Counted(u64);

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += u64::try_from(bytes.len()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_large_has_its_numbers_in_fields_of_their_own() {
        let mut writer = Writer::new(Counted(0), made());
        let size = 5_u64 << 30;
        let written = Written { name: "a".to_owned(), is_sealed: true, crc: 0, size, offset: size };
        let header = writer.local_header(&written);
        assert!(header.windows(8).any(|window| window == size.to_le_bytes()));
        let central = writer.central_header(&written);
        assert_eq!(central.windows(8).filter(|window| **window == size.to_le_bytes()).count(), 2);
        writer.offset = size;
        writer.entries.push(written);
        let end = writer.end(size);
        assert!(end.starts_with(&END_64.to_le_bytes()) && end.len() == 56 + 20 + 22, "{}", end.len());
        assert!(writer.finish().unwrap().0 > 100);
    }
}
