//! An indicator in as few bytes as it takes: an edge holds millions. Records stand behind one another; most of what an
//! indicator is beyond its value, its identifier and its name fits into a few bytes that the first one announces.

use stix::Timestamp;
use uuid::Uuid;

use crate::key::KeyKind;

/// The value that an indicator asks for, where that is all it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing that stands here: its values are leaves of their own.
    Elsewhere,
    /// A value of this kind.
    One(KeyKind),
    /// A name and every name below it.
    NameAndBelow,
}

/// A value, of which what very many begin with is not kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a> {
    front: &'static [u8],
    rest: &'a [u8],
}

impl<'a> Kept<'a> {
    /// A value that is kept whole.
    pub(super) fn whole(rest: &'a [u8]) -> Self {
        Self { front: b"", rest }
    }

    /// The value.
    pub(super) fn to_bytes(self) -> Box<[u8]> {
        [self.front, self.rest].concat().into()
    }

    /// Whether these bytes are the value.
    pub(super) fn is(self, value: &[u8]) -> bool {
        value.strip_prefix(self.front) == Some(self.rest)
    }
}

impl PartialEq for Kept<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.front.iter().chain(self.rest).eq(other.front.iter().chain(other.rest))
    }
}

/// What is kept of an indicator.
pub(super) struct Record<'a> {
    pub(super) asked: Asked,
    pub(super) value: Kept<'a>,
    /// The UUID of the identifier; an identifier that cannot be written back from it is kept elsewhere.
    pub(super) uuid: Option<Uuid>,
    pub(super) name: &'a str,
    pub(super) version: Version<'a>,
    /// Nanoseconds since 1970; saturated.
    pub(super) valid_from: i64,
    pub(super) valid_until: i64,
    pub(super) confidence: Option<u8>,
}

/// A version (`modified`) as its producer wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version<'a> {
    /// Milliseconds since 1970, written with three digits behind the second.
    Milliseconds(i64),
    Text(&'a str),
}

// The first byte of a record: what is asked for in the lower half, and in the upper:
const HAS_UNTIL: u8 = 16;
const HAS_CONFIDENCE: u8 = 32;
/// `valid_from` is the version.
const FROM_VERSION: u8 = 64;
/// A second byte follows, with:
const IS_ODD: u8 = 128;
const VERSION_TEXT: u8 = 1;
/// The instants are no whole milliseconds.
const FROM_FINE: u8 = 2;
const UNTIL_FINE: u8 = 4;
const NO_UUID: u8 = 8;

/// What most URLs begin with.
const HTTP: &[u8] = b"http://";

/// A count of milliseconds is of this many bytes, which last until the year 6429.
const COUNT_BYTES: usize = 6;

const NANOSECONDS: i64 = 1_000_000;

impl<'a> Version<'a> {
    pub(super) fn of(version: &'a Timestamp) -> Self {
        let text = version.as_str();
        let counted = instant(text).filter(|(_, digits)| *digits == 3).map(|(nanoseconds, _)| nanoseconds);
        match counted.map(|nanoseconds| nanoseconds.div_euclid(i128::from(NANOSECONDS))) {
            Some(count) if is_countable(count) => Self::Milliseconds(count as i64),
            _ => Self::Text(text),
        }
    }

    /// The instant as nanoseconds, where it is counted.
    fn nanoseconds(self) -> Option<i64> {
        match self {
            Self::Milliseconds(count) => count.checked_mul(NANOSECONDS),
            Self::Text(_) => None,
        }
    }
}

impl std::fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Milliseconds(count) => {
                let instant = jiff::Timestamp::from_millisecond(*count).unwrap_or_default();
                write!(f, "{instant:.3}")
            }
        }
    }
}

fn is_countable(count: i128) -> bool {
    (-(1 << 47)..1 << 47).contains(&count)
}

/// The count of milliseconds that a number of nanoseconds is, if it is one.
fn counted(nanoseconds: i64) -> Option<i64> {
    let count = nanoseconds / NANOSECONDS;
    (nanoseconds % NANOSECONDS == 0 && is_countable(count.into())).then_some(count)
}

/// Nanoseconds since 1970 and the number of digits of the fraction, of a text that is a STIX timestamp; `None` where a leap
/// second or more than nine digits ask for more thought.
pub(super) fn instant(text: &str) -> Option<(i128, usize)> {
    let (seconds, fraction) = text.as_bytes().split_first_chunk::<19>()?;
    let number = |places: &[usize]| {
        places
            .iter()
            .fold(0_i64, |number, at| number * 10 + i64::from(seconds.get(*at).unwrap_or(&b'0') & 15))
    };
    let (year, month, day) = (number(&[0, 1, 2, 3]), number(&[5, 6]), number(&[8, 9]));
    let (hour, minute, second) = (number(&[11, 12]), number(&[14, 15]), number(&[17, 18]));
    let digits = match fraction {
        b"Z" => &[],
        [b'.', digits @ .., b'Z'] if digits.len() <= 9 => digits,
        _ => return None,
    };
    if second > 59 {
        return None;
    }
    // Days from the civil date, by counting years from March on (Howard Hinnant's `days_from_civil`).
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let nanoseconds = digits
        .iter()
        .chain(std::iter::repeat(&b'0'))
        .take(9)
        .fold(0_i128, |n, d| n * 10 + i128::from(d & 15));
    let seconds = i128::from(((days * 24 + hour) * 60 + minute) * 60 + second);
    Some((seconds * 1_000_000_000 + nanoseconds, digits.len()))
}

/// Nanoseconds since 1970; saturated.
pub(super) fn saturated(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

impl<'a> Record<'a> {
    /// Writes the record behind the others. The name and the text of a version are of 255 bytes at most.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let from_version = self.version.nanoseconds() == Some(self.valid_from);
        let (from, until) = (counted(self.valid_from), counted(self.valid_until));
        let has_until = self.valid_until != i64::MAX;
        let set = |flags: &[(u8, bool)]| {
            flags.iter().filter(|(_, is)| *is).fold(0_u8, |flags, (flag, _)| flags | flag)
        };
        let odd = set(&[
            (VERSION_TEXT, matches!(self.version, Version::Text(_))),
            (FROM_FINE, !from_version && from.is_none()),
            (UNTIL_FINE, has_until && until.is_none()),
            (NO_UUID, self.uuid.is_none()),
        ]);
        let flags = set(&[
            (HAS_UNTIL, has_until),
            (HAS_CONFIDENCE, self.confidence.is_some()),
            (FROM_VERSION, from_version),
            (IS_ODD, odd != 0),
        ]);
        let is_http = self.asked == Asked::One(KeyKind::Url) && self.value.rest.starts_with(HTTP);
        let (code, more) = if is_http { (HTTP_CODE, None) } else { code(self.asked) };
        out.push(flags | code);
        if odd != 0 {
            out.push(odd);
        }
        out.extend(more);
        let value = self.value.rest.get(if is_http { HTTP.len() } else { 0 }..).unwrap_or_default();
        if fixed_length(self.asked).is_none() {
            write_length(value.len(), out);
        }
        out.extend_from_slice(value);
        if let Some(uuid) = self.uuid {
            out.extend_from_slice(uuid.as_bytes());
        }
        write_short(self.name, out);
        match self.version {
            Version::Milliseconds(count) => write_count(count, out),
            Version::Text(text) => write_short(text, out),
        }
        if !from_version {
            write_instant(self.valid_from, from, out);
        }
        if has_until {
            write_instant(self.valid_until, until, out);
        }
        out.extend(self.confidence);
    }

    /// Reads the record that the bytes begin with, and what follows it.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut rest = bytes;
        let first = byte(&mut rest)?;
        let odd = if first & IS_ODD == 0 { 0 } else { byte(&mut rest)? };
        let (asked, front) = asked(first & 15, &mut rest)?;
        let length = match fixed_length(asked) {
            Some(length) => length,
            None => read_length(&mut rest)?,
        };
        let value = Kept { front, rest: take(&mut rest, length)? };
        let uuid = match odd & NO_UUID {
            0 => Some(Uuid::from_slice(take(&mut rest, 16)?).ok()?),
            _ => None,
        };
        let name = read_short(&mut rest)?;
        let version = match odd & VERSION_TEXT {
            0 => Version::Milliseconds(read_count(&mut rest)?),
            _ => Version::Text(read_short(&mut rest)?),
        };
        let valid_from = match first & FROM_VERSION {
            0 => read_instant(&mut rest, odd & FROM_FINE != 0)?,
            _ => version.nanoseconds()?,
        };
        let valid_until = match first & HAS_UNTIL {
            0 => i64::MAX,
            _ => read_instant(&mut rest, odd & UNTIL_FINE != 0)?,
        };
        let confidence = match first & HAS_CONFIDENCE {
            0 => None,
            _ => Some(byte(&mut rest)?),
        };
        Some((Self { asked, value, uuid, name, version, valid_from, valid_until, confidence }, rest))
    }
}

/// A URL that begins with [`HTTP`], which is left out.
const HTTP_CODE: u8 = 14;
/// The next byte says more.
const MORE_CODE: u8 = 15;

/// What is asked for, as half a byte and perhaps another one.
fn code(asked: Asked) -> (u8, Option<u8>) {
    match asked {
        Asked::Elsewhere => (0, None),
        Asked::NameAndBelow => (1, None),
        Asked::One(kind) => match kind {
            KeyKind::V4 => (2, None),
            KeyKind::V6 => (3, None),
            KeyKind::Net4(bits) => (4, Some(bits)),
            KeyKind::Net6(bits) => (5, Some(bits)),
            KeyKind::Domain => (6, None),
            KeyKind::DomainBelow => (7, None),
            KeyKind::Url => (8, None),
            KeyKind::Email => (9, None),
            KeyKind::Md5 => (10, None),
            KeyKind::Sha1 => (11, None),
            KeyKind::Sha256 => (12, None),
            KeyKind::Sha512 => (13, None),
            KeyKind::Mac => (MORE_CODE, Some(0)),
            KeyKind::FileName => (MORE_CODE, Some(1)),
            KeyKind::UrlPath => (MORE_CODE, Some(2)),
            KeyKind::UrlBelow => (MORE_CODE, Some(3)),
        },
    }
}

fn asked(code: u8, rest: &mut &[u8]) -> Option<(Asked, &'static [u8])> {
    let kind = match code {
        0 => return Some((Asked::Elsewhere, b"")),
        1 => return Some((Asked::NameAndBelow, b"")),
        2 => KeyKind::V4,
        3 => KeyKind::V6,
        4 => KeyKind::Net4(byte(rest)?),
        5 => KeyKind::Net6(byte(rest)?),
        6 => KeyKind::Domain,
        7 => KeyKind::DomainBelow,
        8 => KeyKind::Url,
        9 => KeyKind::Email,
        10 => KeyKind::Md5,
        11 => KeyKind::Sha1,
        12 => KeyKind::Sha256,
        13 => KeyKind::Sha512,
        HTTP_CODE => return Some((Asked::One(KeyKind::Url), HTTP)),
        _ => match byte(rest)? {
            0 => KeyKind::Mac,
            1 => KeyKind::FileName,
            2 => KeyKind::UrlPath,
            3 => KeyKind::UrlBelow,
            _ => return None,
        },
    };
    Some((Asked::One(kind), b""))
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (byte, behind) = rest.split_first()?;
    *rest = behind;
    Some(*byte)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

/// Seven bits a byte, the lowest first.
fn write_length(length: usize, out: &mut Vec<u8>) {
    let mut left = length;
    while left > 0x7f {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn read_length(rest: &mut &[u8]) -> Option<usize> {
    let (mut length, mut shift) = (0_usize, 0_u32);
    loop {
        let byte = byte(rest)?;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
}

fn fixed_length(asked: Asked) -> Option<usize> {
    match asked {
        Asked::Elsewhere => Some(0),
        Asked::NameAndBelow => None,
        Asked::One(kind) => match kind {
            KeyKind::V4 | KeyKind::Net4(_) => Some(4),
            KeyKind::V6 | KeyKind::Net6(_) | KeyKind::Md5 => Some(16),
            KeyKind::Sha1 => Some(20),
            KeyKind::Sha256 => Some(32),
            KeyKind::Sha512 => Some(64),
            KeyKind::Domain
            | KeyKind::DomainBelow
            | KeyKind::Url
            | KeyKind::UrlPath
            | KeyKind::UrlBelow
            | KeyKind::Email
            | KeyKind::Mac
            | KeyKind::FileName => None,
        },
    }
}

fn write_short(text: &str, out: &mut Vec<u8>) {
    let length = u8::try_from(text.len()).unwrap_or(0);
    out.push(length);
    out.extend_from_slice(text.get(..usize::from(length)).unwrap_or_default().as_bytes());
}

fn read_short<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = byte(rest)?;
    std::str::from_utf8(take(rest, usize::from(length))?).ok()
}

fn write_count(count: i64, out: &mut Vec<u8>) {
    out.extend(count.to_le_bytes().iter().take(COUNT_BYTES));
}

fn read_count(rest: &mut &[u8]) -> Option<i64> {
    let ([a, b, c, d, e, f], behind) = rest.split_first_chunk::<COUNT_BYTES>()?;
    *rest = behind;
    // The sign stands in the highest of the bytes that were written.
    let sign = if f & 0x80 == 0 { 0 } else { u8::MAX };
    Some(i64::from_le_bytes([*a, *b, *c, *d, *e, *f, sign, sign]))
}

fn write_instant(nanoseconds: i64, count: Option<i64>, out: &mut Vec<u8>) {
    match count {
        Some(count) => write_count(count, out),
        None => out.extend_from_slice(&nanoseconds.to_le_bytes()),
    }
}

fn read_instant(rest: &mut &[u8], is_fine: bool) -> Option<i64> {
    if !is_fine {
        return Some(read_count(rest)?.saturating_mul(NANOSECONDS));
    }
    let (nanoseconds, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(i64::from_le_bytes(*nanoseconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked() -> impl Strategy<Value = (Asked, Vec<u8>)> {
        use KeyKind as K;
        let bytes = |length: usize| prop::collection::vec(any::<u8>(), length);
        let text = || prop::collection::vec(any::<u8>(), 0..300);
        prop_oneof![
            Just((Asked::Elsewhere, Vec::new())),
            text().prop_map(|value| (Asked::NameAndBelow, value)),
            bytes(4).prop_map(|value| (Asked::One(K::V4), value)),
            bytes(16).prop_map(|value| (Asked::One(K::V6), value)),
            (bytes(4), 0_u8..33).prop_map(|(value, bits)| (Asked::One(K::Net4(bits)), value)),
            (bytes(16), 0_u8..129).prop_map(|(value, bits)| (Asked::One(K::Net6(bits)), value)),
            text().prop_map(|value| (Asked::One(K::Url), [HTTP, &value].concat())),
            (
                text(),
                prop::sample::select(vec![
                    K::Domain,
                    K::DomainBelow,
                    K::Url,
                    K::UrlPath,
                    K::UrlBelow,
                    K::Email,
                    K::Mac,
                    K::FileName
                ])
            )
                .prop_map(|(value, kind)| (Asked::One(kind), value)),
            bytes(16).prop_map(|value| (Asked::One(K::Md5), value)),
            bytes(20).prop_map(|value| (Asked::One(K::Sha1), value)),
            bytes(32).prop_map(|value| (Asked::One(K::Sha256), value)),
            bytes(64).prop_map(|value| (Asked::One(K::Sha512), value)),
        ]
    }

    fn stamp() -> impl Strategy<Value = String> {
        let clock = (0_u32..24, 0_u32..60, 0_u32..61);
        (0_i64..10_000, 1_u32..13, 1_u32..29, clock, "(\\.[0-9]{0,3}[0-9]{1,9})?")
            .prop_map(|(y, m, d, (h, n, s), f)| format!("{y:04}-{m:02}-{d:02}T{h:02}:{n:02}:{s:02}{f}Z"))
    }

    fn nanoseconds() -> impl Strategy<Value = i64> {
        prop_oneof![
            any::<i64>(),
            Just(i64::MIN),
            Just(i64::MAX),
            (-1_000_000_000_000..4_000_000_000_000_i64).prop_map(|ms| ms * NANOSECONDS),
        ]
    }

    proptest! {
        #[test]
        fn records_read_what_they_wrote(
            (asked, value) in asked(),
            uuid in prop::option::of(any::<u128>().prop_map(Uuid::from_u128)),
            name in ".{0,50}",
            version in stamp(),
            (from, until) in (prop::option::of(nanoseconds()), nanoseconds()),
            confidence in prop::option::of(0_u8..101),
        ) {
            let stamp = Timestamp::parse(&version).unwrap();
            let version = Version::of(&stamp);
            prop_assert_eq!(version.to_string(), stamp.as_str());
            let valid_from = from.or(version.nanoseconds()).unwrap_or(0);
            let kept = Kept::whole(&value);
            let record = Record { asked, value: kept, uuid, name: &name, version, valid_from, valid_until: until, confidence };
            let mut bytes = vec![7];
            record.write(&mut bytes);
            bytes.push(9);
            let (read, rest) = Record::read(&bytes[1..]).unwrap();
            prop_assert_eq!(rest, [9]);
            prop_assert_eq!((read.asked, read.value, read.uuid, read.name), (asked, kept, uuid, name.as_str()));
            prop_assert!(read.value.is(&value));
            prop_assert_eq!((read.version, read.valid_from, read.valid_until, read.confidence), (version, valid_from, until, confidence));
        }

        #[test]
        fn instants_are_those_of_the_calendar(text in stamp()) {
            let stamp = Timestamp::parse(&text).unwrap();
            if let Some((nanoseconds, _)) = instant(&text) {
                prop_assert_eq!(Some(nanoseconds), stamp.instant().map(jiff::Timestamp::as_nanosecond), "{}", text);
            }
        }

        #[test]
        fn broken_records_end_nothing(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Record::read(&bytes);
        }
    }
}
