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

/// An address in the one plain way of writing it: four decimal numbers without zeros in front.
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
            let zero_in_front = digits == 1 && octet == 0;
            octet = octet * 10 + u32::from(digit);
            digits += 1;
            if digit > 9 || digits > 3 || octet > 255 || zero_in_front {
                return None;
            }
        }
    }
    (dots == 3 && digits > 0).then_some(address << 8 | octet)
}

/// An IPv6 address as nearly all are written: groups of hexadecimal digits, one run of zeros left out at most. The standard
/// library's reader takes every way of writing one, and ten times as long. `None` says nothing.
pub(super) fn parse_plain_v6(text: &[u8]) -> Option<u128> {
    // What stands before the zeros that are left out, if any are, and behind them.
    let (mut head, mut tail) = (None, 0_u128);
    let (mut head_groups, mut groups, mut group, mut digits) = (0, 0, 0_u32, 0);
    let rest = match text {
        [b':', rest @ ..] if rest.starts_with(b":") => rest,
        [b':', ..] => return None,
        all => all,
    };
    for byte in rest {
        if *byte != b':' {
            group = group << 4 | Some(hex_value(*byte)).filter(|value| *value < 16).map(u32::from)?;
            digits += 1;
            if digits > 4 {
                return None;
            }
        } else if digits > 0 {
            (tail, groups) = (tail << 16 | u128::from(group), groups + 1);
            (group, digits) = (0, 0);
        } else if head.is_none() {
            (head, head_groups, tail) = (Some(tail), groups, 0);
        } else {
            return None;
        }
    }
    if digits > 0 {
        (tail, groups) = (tail << 16 | u128::from(group), groups + 1);
    } else if !text.ends_with(b"::") {
        return None;
    }
    match head {
        None => (groups == 8).then_some(tail),
        Some(head) => (groups < 8).then(|| head.checked_shl(128 - 16 * head_groups).unwrap_or(0) | tail),
    }
}

/// The value of a hexadecimal digit; of another byte, what is none.
#[inline(always)]
pub(crate) fn hex_value(byte: u8) -> u8 {
    HEX_VALUES.get(usize::from(byte)).copied().unwrap_or(u8::MAX)
}

/// The values of hexadecimal digits; of other bytes, what is none.
static HEX_VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        #[expect(clippy::indexing_slicing, reason = "computed by the compiler, and within bounds")]
        {
            values[b"0123456789abcdef"[value] as usize] = value as u8;
            values[b"0123456789ABCDEF"[value] as usize] = value as u8;
        }
        value += 1;
    }
    values
};

/// The host of a URL that is written plainly: `http://host/…`, nothing to decode, no user, a name that does not end in a number
/// or a plain address. Otherwise `None`.
pub(crate) fn plain_host(url: &str) -> Option<&str> {
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

/// The address that a URL's host of numbers is (WHATWG URL, "IPv4 parser"): one to four of them, decimal, octal or hexadecimal,
/// of which the last fills what is left.
pub(super) fn numeric_host(host: &[u8]) -> Option<u32> {
    let (mut address, mut last, mut count) = (0_u32, 0_u32, 0_u32);
    for part in host.split(|byte| *byte == b'.') {
        if count > 0 {
            address = address << 8 | u32::from(u8::try_from(last).ok()?);
        }
        last = number(part)?;
        count += 1;
        if count > 4 {
            return None;
        }
    }
    let left = 8 * (5 - count);
    let fits = left == 32 || last >> left == 0;
    fits.then(|| address.checked_shl(left).unwrap_or(0) | last)
}

fn number(part: &[u8]) -> Option<u32> {
    let (radix, digits) = match part {
        [] => return None,
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', digits @ ..] if !digits.is_empty() => (8, digits),
        digits => (10, digits),
    };
    digits.iter().try_fold(0_u32, |number, byte| {
        number.checked_mul(radix)?.checked_add(char::from(*byte).to_digit(radix)?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_url(host: &str) -> Option<u32> {
        match url::Url::parse(&format!("http://{host}/")).ok()?.host()? {
            url::Host::Ipv4(v4) => Some(v4.to_bits()),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn numbers_as_hosts(host in "(0x|0)?[0-9a-f]{1,10}(\\.(0x|0|00)?[0-9a-fx]{0,4}){0,4}") {
            let host = host.trim_end_matches('.');
            prop_assert_eq!(numeric_host(host.as_bytes()), by_url(host), "{}", host);
        }

        /// An IPv6 address is what the standard library takes for one.
        #[test]
        fn v6_addresses(text in "[0-9a-fA-F]{0,5}(::?[0-9a-fg]{0,5}){0,9}(:|::)?") {
            let right = text.parse().ok().map(|v6: std::net::Ipv6Addr| v6.to_bits());
            prop_assert_eq!(parse_plain_v6(text.as_bytes()), right, "{}", text);
        }

        #[test]
        fn v6_addresses_as_written(bits in any::<u128>(), keep in any::<u8>()) {
            // With zeros in some of its groups.
            let zeros = (0..8).filter(|group| keep >> group & 1 == 0).fold(0, |zeros, group| zeros | 0xffff << (16 * group));
            let address = std::net::Ipv6Addr::from_bits(bits & !zeros);
            let text = address.to_string();
            if !text.contains('.') {
                prop_assert_eq!(parse_plain_v6(text.as_bytes()), Some(address.to_bits()), "{}", text);
            }
        }

        #[test]
        fn addresses(parts in prop::collection::vec("[0-9]{0,4}", 3..5)) {
            let text = parts.join(".");
            prop_assert_eq!(parse_v4(text.as_bytes()), text.parse().ok().map(|v4: std::net::Ipv4Addr| v4.to_bits()));
        }
    }

    #[test]
    fn hosts_of_numbers() {
        for host in [
            "127.1",
            "0x7f.1",
            "3325256711",
            "0",
            "256",
            "1.2.3.4",
            "1.2.3.256",
            "1.256.3",
            "0x",
            "0x.1",
            "08",
            "017.1",
            "4294967295",
            "4294967296",
            "1.2.3.4.5",
            "1..2",
        ] {
            assert_eq!(numeric_host(host.as_bytes()), by_url(host), "{host}");
        }
    }
}
