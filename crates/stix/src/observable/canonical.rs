//! One spelling for each value, so that equal things compare equal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use super::ValueKind;

/// An address or a network, as its kind and one spelling: RFC 5952 for IPv6, host bits cleared, a full-length prefix left out,
/// IPv4-mapped IPv6 as IPv4.
pub(super) fn address(text: &str) -> Option<(ValueKind, String)> {
    let text = text.trim();
    let Some((address, length)) = text.split_once('/') else {
        return Some(host(text.parse().ok()?));
    };
    let (address, length) = match (address.parse().ok()?, length.parse::<u8>().ok()?) {
        (IpAddr::V6(v6), length) => match v6.to_ipv4_mapped() {
            Some(v4) => (IpAddr::V4(v4), length.checked_sub(96)?),
            None => (IpAddr::V6(v6), length),
        },
        v4 => v4,
    };
    let network = ipnet::IpNet::new(address, length).ok()?.trunc();
    if network.prefix_len() == network.max_prefix_len() {
        return Some(host(network.addr()));
    }
    Some((kind_of(network.addr()), network.to_string()))
}

fn host(address: IpAddr) -> (ValueKind, String) {
    let address = address.to_canonical();
    (kind_of(address), address.to_string())
}

fn kind_of(address: IpAddr) -> ValueKind {
    match address {
        IpAddr::V4(_) => ValueKind::Ipv4,
        IpAddr::V6(_) => ValueKind::Ipv6,
    }
}

/// A domain name as A-labels in lower case, without the final dot (RFC 5890); `None` where it is no name. Underscores are
/// allowed: real names of services have them.
pub(super) fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_suffix(['.', '。']).unwrap_or(text);
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL).ok()?;
    let legal = !ascii.is_empty()
        && ascii.len() <= 253
        && ascii.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && ascii.bytes().all(|b| b.is_ascii_graphic());
    legal.then(|| ascii.into_owned())
}

/// A URL by RFC 3986 §6.2: scheme and host in lower case, default port off, empty path as `/`, dot segments resolved, escapes
/// that need none undone and the others in upper case; without user information and fragment, which servers do not see.
/// What is no URL stays as it is, white space at the ends apart.
pub(super) fn url(text: &str) -> String {
    let text = text.trim();
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    url.set_fragment(None);
    // These two fail where a URL can have no host; then it has no user information either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let dotted = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned);
    if let Some(host) = dotted.filter(|host| !host.is_empty()) {
        let _ = url.set_host(Some(&host));
    }
    plain_escapes(url.as_str())
}

/// RFC 3986 §6.2.2.1 and §6.2.2.2.
fn plain_escapes(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut parts = url.split('%');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let code = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (code, part.get(2..)) {
            (Some(byte), Some(rest)) => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    out.push(char::from(byte));
                } else {
                    out.push_str(&format!("%{byte:02X}"));
                }
                out.push_str(rest);
            }
            _ => {
                out.push('%');
                out.push_str(part);
            }
        }
    }
    out
}

/// An e-mail address with its domain canonical; the part before the `@` belongs to the domain's owner and stays as written.
pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, host) = text.rsplit_once('@')?;
    if local.is_empty() || local.chars().any(char::is_whitespace) {
        return None;
    }
    let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(literal) => format!("[{}]", literal.to_ascii_lowercase()),
        None => domain(host)?,
    };
    Some(format!("{local}@{host}"))
}

/// Hexadecimal digits of the length of the hash, in lower case.
pub(super) fn hash(kind: ValueKind, text: &str) -> Option<String> {
    let digits = match kind {
        ValueKind::Md5 => 32,
        ValueKind::Sha1 => 40,
        ValueKind::Sha256 => 64,
        ValueKind::Sha512 => 128,
        _ => return None,
    };
    let text = text.trim();
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

/// Which hash a key of a `hashes` dictionary names, in STIX's spelling (§10.7) or the common others.
pub(super) fn hash_kind(algorithm: &str) -> Option<ValueKind> {
    let plain: String =
        algorithm.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_uppercase()).collect();
    match plain.as_str() {
        "MD5" => Some(ValueKind::Md5),
        "SHA1" => Some(ValueKind::Sha1),
        "SHA256" => Some(ValueKind::Sha256),
        "SHA512" => Some(ValueKind::Sha512),
        _ => None,
    }
}

/// Six bytes in lower case with colons, from any common spelling.
pub(super) fn mac(text: &str) -> Option<String> {
    let text = text.trim();
    let separators = text.bytes().filter(|b| matches!(b, b':' | b'-' | b'.')).count();
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if !matches!(separators, 0 | 2 | 5)
        || digits.len() != 12
        || !digits.bytes().all(|b| b.is_ascii_hexdigit())
    {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    let pairs: Vec<&str> = (0..6).filter_map(|i| digits.get(i * 2..i * 2 + 2)).collect();
    Some(pairs.join(":"))
}

/// A registry key in lower case with the hive's full name (§6.16: keys are case-insensitive, hives may be abbreviated).
pub(super) fn registry_key(text: &str) -> String {
    let lower = text.trim().trim_end_matches('\\').to_lowercase();
    let (hive, rest) =
        lower.split_once('\\').map_or((lower.as_str(), None), |(hive, rest)| (hive, Some(rest)));
    let full = match hive {
        "hklm" => "hkey_local_machine",
        "hkcu" => "hkey_current_user",
        "hkcr" => "hkey_classes_root",
        "hku" => "hkey_users",
        "hkcc" => "hkey_current_config",
        other => other,
    };
    rest.map_or_else(|| full.to_owned(), |rest| format!("{full}\\{rest}"))
}

/// A certificate's serial number as hexadecimal digits in lower case, without colons, blanks and leading zeros.
pub(super) fn serial(text: &str) -> Option<String> {
    let text = text.trim();
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let digits = digits.strip_prefix("0x").unwrap_or(&digits).trim_start_matches('0');
    let hexadecimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    hexadecimal.then(|| digits.to_ascii_lowercase())
}

/// `CVE-2026-0001`, upper case.
pub(super) fn cve(text: &str) -> Option<String> {
    let upper = text.trim().to_ascii_uppercase();
    let (year, number) = upper.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)).then_some(upper)
}

/// The value in the one spelling of its kind; `None` where it cannot be of that kind.
pub(super) fn of_kind(kind: ValueKind, text: &str) -> Option<(ValueKind, String)> {
    let plain = |text: &str| Some(text.trim()).filter(|t| !t.is_empty()).map(str::to_owned);
    let value = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => return address(text),
        ValueKind::Domain => domain(text),
        ValueKind::Url => Some(url(text)).filter(|url| !url.is_empty()),
        ValueKind::Email => email(text),
        ValueKind::Md5 | ValueKind::Sha1 | ValueKind::Sha256 | ValueKind::Sha512 => hash(kind, text),
        ValueKind::Mac => mac(text),
        ValueKind::Cve => cve(text),
        ValueKind::RegistryKey => Some(registry_key(text)).filter(|key| !key.is_empty()),
        ValueKind::AutonomousSystem => text.trim().parse::<u32>().ok().map(|number| number.to_string()),
        ValueKind::CertificateSerial => serial(text),
        ValueKind::Ja3 | ValueKind::Ja3s | ValueKind::Ja4 => {
            plain(text).map(|text| text.to_ascii_lowercase())
        }
        ValueKind::FileName
        | ValueKind::FilePath
        | ValueKind::Account
        | ValueKind::Mutex
        | ValueKind::RegistryValue
        | ValueKind::RegistryData
        | ValueKind::CommandLine
        | ValueKind::UserAgent => plain(text),
    };
    value.map(|value| (kind, value))
}

/// An address that a socket notation holds: `198.51.100.1:443`, `[2001:db8::1]:443`, `[2001:db8::1]`.
pub(super) fn socket(text: &str) -> Option<(ValueKind, String)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (inside, port) = bracketed.split_once(']')?;
        let port = port.strip_prefix(':').unwrap_or(if port.is_empty() { "0" } else { "" });
        port.parse::<u16>().ok()?;
        return Some(host(IpAddr::V6(inside.parse::<Ipv6Addr>().ok()?)));
    }
    let (address, port) = text.split_once(':')?;
    port.parse::<u16>().ok()?;
    Some(host(IpAddr::V4(address.parse::<Ipv4Addr>().ok()?)))
}
