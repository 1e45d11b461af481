//! What a text can be, by its bytes alone.

/// Which sorts of bytes a text has.
#[derive(Clone, Copy)]
pub(super) struct Class(u16);

impl Class {
    pub(super) const DIGIT: u16 = 1;
    pub(super) const HEX: u16 = 2;
    pub(super) const LETTER: u16 = 4;
    pub(super) const DOT: u16 = 8;
    pub(super) const COLON: u16 = 16;
    pub(super) const AT: u16 = 32;
    pub(super) const HIGH: u16 = 64;
    pub(super) const SLASH: u16 = 128;
    pub(super) const EQUALS: u16 = 256;
    pub(super) const OTHER: u16 = 512;
    /// What the names of hosts are made of.
    pub(super) const NAME: u16 = Self::DIGIT | Self::HEX | Self::LETTER | Self::DOT;
    pub(super) const TELLING: u16 = Self::DOT | Self::COLON | Self::HIGH;

    const TABLE: [u16; 256] = {
        let mut table = [Self::OTHER; 256];
        let mut byte = 0;
        while byte < 256 {
            let c = byte as u8;
            #[expect(clippy::indexing_slicing, reason = "computed by the compiler, and a byte is below 256")]
            {
                table[byte] = match c {
                    b'0'..=b'9' => Self::DIGIT,
                    b'a'..=b'f' | b'A'..=b'F' => Self::HEX,
                    b'g'..=b'z' | b'G'..=b'Z' | b'-' | b'_' => Self::LETTER,
                    b'.' => Self::DOT,
                    b':' => Self::COLON,
                    b'@' => Self::AT,
                    b'/' => Self::SLASH,
                    b'=' => Self::EQUALS,
                    0x80.. => Self::HIGH,
                    _ => Self::OTHER,
                };
            }
            byte += 1;
        }
        table
    };

    pub(super) fn of(text: &[u8]) -> Self {
        #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
        Self(text.iter().fold(0, |class, byte| class | Self::TABLE[usize::from(*byte)]))
    }

    pub(super) fn only(self, these: u16) -> bool {
        self.0 & !these == 0
    }

    pub(super) fn any(self, these: u16) -> bool {
        self.0 & these != 0
    }
}

/// `2026-01-31T09:00:00…`, which every record has and which can be nothing else: no name has two colons, no address a `T`.
pub(super) fn is_timestamp(text: &[u8]) -> bool {
    match text.first_chunk::<19>() {
        Some([y, _, _, _, b'-', _, _, b'-', _, _, b'T', h, i, b':', m, _, b':', s, _]) => {
            [y, h, i, m, s].iter().all(|byte| byte.is_ascii_digit())
                && memchr::memchr2(b'@', b'=', text).is_none()
        }
        _ => false,
    }
}

/// Whether `://` stands in the text.
pub(super) fn has_scheme(text: &[u8]) -> bool {
    memchr::memchr_iter(b':', text).any(|at| text.get(at + 1..).is_some_and(|rest| rest.starts_with(b"//")))
}

pub(super) fn parse_v4(text: &[u8]) -> Option<u32> {
    if text.len() < 7 || text.len() > 15 {
        return None;
    }
    let (mut address, mut octet, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for byte in text {
        if *byte == b'.' {
            if digits == 0 {
                return None;
            }
            address = address << 8 | octet;
            (octet, digits, dots) = (0, 0, dots + 1);
        } else {
            let digit = byte.wrapping_sub(b'0');
            octet = octet * 10 + u32::from(digit);
            digits += 1;
            if digit > 9 || digits > 3 || octet > 255 {
                return None;
            }
        }
    }
    (dots == 3 && digits > 0).then_some(address << 8 | octet)
}

/// The host of a URL that is written plainly: `http://host/…`, nothing to decode, no user, a name that does not end in a number
/// or a plain address. Otherwise `None`.
pub(super) fn plain_host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let bytes = rest.as_bytes();
    let end = bytes.iter().position(|byte| !Class::of(&[*byte]).only(Class::NAME)).unwrap_or(bytes.len());
    if !matches!(bytes.get(end), None | Some(b'/' | b'?' | b'#')) {
        return None;
    }
    let host = rest.get(..end)?;
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next()?;
    let numeric = last.as_bytes().first().is_none_or(u8::is_ascii_digit);
    (!numeric || parse_v4(host.as_bytes()).is_some()).then_some(host)
}
