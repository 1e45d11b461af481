//! What belongs to the operator itself. An indicator that asks for it is either a mistake or the worst of news: a person has to
//! look at it, so it is matched and told apart.

use stix::observable::{ValueKind, recognise};

use crate::key::{Key, KeyKind};
use crate::warning::WarningLists;

/// The operator's own addresses, networks, names with all below them, e-mail domains and file hashes.
#[derive(Debug, Clone, Default)]
pub struct OwnAssets {
    /// Names, hashes, addresses, and networks by what lies in them.
    values: WarningLists,
    /// Networks, by what they lie in.
    networks: Vec<ipnet::IpNet>,
}

impl OwnAssets {
    /// Takes values such as `203.0.113.0/24`, `example.co.jp` (with everything below) or a hash.
    ///
    /// # Errors
    /// The value that is none of them.
    pub fn read<'v>(values: impl IntoIterator<Item = &'v str>) -> Result<Self, &'v str> {
        let mut assets = Self::default();
        let mut lines = String::new();
        let mut add = |line: &str| {
            lines.push_str(line);
            lines.push('\n');
        };
        for value in values {
            let value = value.trim();
            match recognise(value.trim_start_matches('.')) {
                Some((ValueKind::Domain, name)) => {
                    add(&name);
                    add(&format!(".{name}"));
                }
                Some((ValueKind::Ipv4 | ValueKind::Ipv6, text)) => {
                    assets.networks.extend(network(&text));
                    add(&text);
                }
                Some((ValueKind::Md5 | ValueKind::Sha1 | ValueKind::Sha256 | ValueKind::Sha512, digest)) => {
                    add(&digest);
                }
                _ => return Err(value),
            }
        }
        if !lines.is_empty() {
            assets.values.add_lines("own assets", &lines);
        }
        Ok(assets)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether a value that was observed is one of them, or has one of them in it.
    #[must_use]
    pub fn has(&self, kind: ValueKind, value: &str) -> bool {
        let canonical = stix::observable::canonical(kind, value);
        let key = canonical.and_then(|(kind, text)| Key::from_canonical(kind, &text));
        key.is_some_and(|key| self.touch(key.kind, &key.bytes))
    }

    /// Whether a value that an indicator asks for is one of them, or has one of them in it.
    pub(crate) fn touch(&self, kind: KeyKind, value: &[u8]) -> bool {
        let text = || std::str::from_utf8(value).unwrap_or_default();
        let is_own = |kind, value: &[u8]| self.values.find(kind, value).is_some();
        match kind {
            KeyKind::Url | KeyKind::UrlPath | KeyKind::UrlBelow => {
                host(text()).is_some_and(|key| is_own(key.kind, &key.bytes))
            }
            KeyKind::Email => {
                let domain = text().rsplit('@').next().unwrap_or_default();
                is_own(KeyKind::Domain, domain.as_bytes())
            }
            KeyKind::Net4(length) | KeyKind::Net6(length) => {
                is_own(kind, value)
                    || self.networks.iter().any(|own| {
                        let own = own.trunc();
                        let is_wider = own.prefix_len() >= length;
                        let first = Key::address(own.addr());
                        is_wider && Key::new(kind, value).matches(&first)
                    })
            }
            _ => is_own(kind, value),
        }
    }
}

/// A network, or an address as one.
fn network(text: &str) -> Option<ipnet::IpNet> {
    let address = || text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from);
    text.parse().ok().or_else(address)
}

/// The host of a URL.
fn host(url: &str) -> Option<Key> {
    match url::Url::parse(url).ok()?.host()? {
        url::Host::Domain(name) => Some(Key::new(KeyKind::Domain, name.as_bytes())),
        url::Host::Ipv4(address) => Some(Key::address(address.into())),
        url::Host::Ipv6(address) => Some(Key::address(address.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_known_in_every_form() {
        let ours = ["203.0.113.0/24", "2001:db8::1", "Corp.example", "d41d8cd98f00b204e9800998ecf8427e"];
        let assets = OwnAssets::read(ours).unwrap();
        let check = |value: &str, expected: bool| {
            let (kind, text) = recognise(value).unwrap();
            let key = Key::from_canonical(kind, &text).unwrap();
            assert_eq!(assets.touch(key.kind, &key.bytes), expected, "{value}");
            assert_eq!(assets.has(kind, value), expected, "{value}");
        };
        check("203.0.113.9", true);
        check("203.0.113.0/28", true);
        check("203.0.0.0/16", true);
        check("203.0.112.0/24", false);
        check("198.51.100.9", false);
        check("2001:db8::1", true);
        check("2001:db8::/32", true);
        check("2001:db8::2", false);
        check("corp.example", true);
        check("www.corp.example", true);
        check("notcorp.example", false);
        check("https://www.corp.example/login", true);
        check("http://203.0.113.7:8080/x", true);
        check("https://evil.example/?corp.example", false);
        check("ceo@corp.example", true);
        check("D41D8CD98F00B204E9800998ECF8427E", true);
    }

    #[test]
    fn what_is_no_asset_is_named() {
        assert_eq!(OwnAssets::read(["203.0.113.0/24", "not an asset"]).err(), Some("not an asset"));
        assert!(OwnAssets::read([]).unwrap().is_empty());
    }
}
