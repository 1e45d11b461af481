//! Networks and parent names that a query names, as what a value is held against and as what an index is asked for.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use matcher::{Sign, SignKind, Sought};
use stix::observable::ValueKind;

use crate::spelling;

/// Networks, by how many bits of an address they fix.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    v4: BTreeMap<u8, HashSet<u32>>,
    v6: BTreeMap<u8, HashSet<u128>>,
}

impl Networks {
    /// From `203.0.113.0/24` and the like; an address alone is a network of one. The text that is none where one is none.
    pub(crate) fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, &'t str> {
        let mut networks = Self::default();
        for text in texts {
            match parse(text).ok_or(text)? {
                (IpAddr::V4(first), bits) => {
                    networks.v4.entry(bits).or_default().insert(u32::from(first) & mask_v4(bits))
                }
                (IpAddr::V6(first), bits) => {
                    networks.v6.entry(bits).or_default().insert(u128::from(first) & mask_v6(bits))
                }
            };
        }
        Ok(networks)
    }

    /// Whether the text is an address of any of them.
    pub(crate) fn hold(&self, text: &str) -> bool {
        match spelling::address(text) {
            Some(IpAddr::V4(address)) => {
                let held = |(bits, firsts): (&u8, &HashSet<u32>)| {
                    firsts.contains(&(u32::from(address) & mask_v4(*bits)))
                };
                self.v4.iter().any(held)
            }
            Some(IpAddr::V6(address)) => {
                let held = |(bits, firsts): (&u8, &HashSet<u128>)| {
                    firsts.contains(&(u128::from(address) & mask_v6(*bits)))
                };
                self.v6.iter().any(held)
            }
            None => false,
        }
    }

    /// What a value that they hold is in an index. A log may call an address a name, and then it is one there.
    pub(crate) fn sought(&self) -> Vec<Sought> {
        let mut sought = Vec::new();
        let mut any_end = false;
        for (bits, firsts) in &self.v4 {
            for first in firsts {
                let sign = Sign { kind: SignKind::V4, bytes: first.to_be_bytes().into() };
                sought.push(Sought::Network(sign, *bits));
                let few = *bits >= 24;
                any_end |= !few;
                let last = if few { first | !mask_v4(*bits) } else { *first };
                let each = (*first..=last).filter(|_| few);
                sought
                    .extend(each.filter_map(|it| named(&Ipv4Addr::from(it).to_string())).map(Sought::Value));
            }
        }
        if any_end {
            let ends = (0..=u8::MAX).filter_map(|end| named(&end.to_string()));
            sought.extend(ends.map(Sought::Below));
        }
        for (bits, firsts) in &self.v6 {
            let sign = |first: &u128| Sign { kind: SignKind::V6, bytes: first.to_be_bytes().into() };
            sought.extend(firsts.iter().map(|first| Sought::Network(sign(first), *bits)));
        }
        sought
    }
}

fn named(text: &str) -> Option<Sign> {
    Sign::of(ValueKind::Domain, text)
}

fn parse(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.trim().parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.trim().parse().ok().filter(|bits| *bits <= most))?;
    match address.to_canonical() {
        // IPv4 within IPv6 is IPv4, as long as the network does not reach beyond it.
        IpAddr::V4(inner) if most == 128 && bits >= 96 => Some((inner.into(), bits - 96)),
        IpAddr::V4(_) if most == 128 => Some((address, bits)),
        canonical => Some((canonical, bits)),
    }
}

fn mask_v4(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

fn mask_v6(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

/// Names of which what is below is asked for.
#[derive(Debug, Default)]
pub(crate) struct Parents(HashSet<String>);

impl Parents {
    /// From names; the text that is none where one is none.
    pub(crate) fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, &'t str> {
        let names = texts.into_iter().map(|text| spelling::name(text.trim_end_matches('.')).ok_or(text));
        names.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the text is a name below any of them. None is below itself.
    pub(crate) fn hold(&self, text: &str) -> bool {
        let Some(name) = spelling::name(text) else { return false };
        let parents = name.match_indices('.').filter_map(|(dot, _)| name.get(dot + 1..));
        parents.into_iter().any(|parent| self.0.contains(parent))
    }

    /// What a name that they hold is in an index.
    pub(crate) fn sought(&self) -> Vec<Sought> {
        self.0.iter().filter_map(|name| named(name)).map(Sought::Below).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_network(network: &str, value: &str, expected: bool) {
        let networks = Networks::parse([network]).unwrap();
        assert_eq!(networks.hold(value), expected, "{value} in {network}");
    }

    #[test]
    fn addresses_lie_in_networks() {
        check_network("203.0.113.0/24", "203.0.113.255", true);
        check_network("203.0.113.9/24", "203.0.113.255", true);
        check_network("203.0.113.0/24", "203.0.114.0", false);
        check_network("203.0.113.0/24", "::ffff:203.0.113.1", true);
        check_network("::ffff:203.0.113.0/120", "203.0.113.1", true);
        check_network("0.0.0.0/0", "203.0.113.1", true);
        check_network("::/0", "203.0.113.1", false);
        check_network("::/0", "2001:db8::1", true);
        check_network("2001:db8::/33", "2001:db8:8000::", false);
        check_network("203.0.113.1", "203.0.113.1", true);
        check_network("203.0.113.1", "203.0.113.1.example", false);
        for wrong in ["", "203.0.113.0/33", "203.0.113/24", "2001:db8::/129", "example.jp", "1.2.3.4/-1"] {
            assert_eq!(Networks::parse([wrong]).unwrap_err(), wrong);
        }
    }

    fn check_parent(parent: &str, value: &str, expected: bool) {
        assert_eq!(Parents::parse([parent]).unwrap().hold(value), expected, "{value} below {parent}");
    }

    #[test]
    fn names_lie_below_names() {
        check_parent("example.jp", "www.example.jp", true);
        check_parent("Example.JP.", "a.b.EXAMPLE.jp", true);
        check_parent("example.jp", "example.jp", false);
        check_parent("example.jp", "badexample.jp", false);
        check_parent("example.jp", "http://www.example.jp", false);
        check_parent("example.jp", "a@www.example.jp", false);
        check_parent("7", "198.51.100.7", false);
        assert_eq!(Parents::parse(["198.51.100.7"]).unwrap_err(), "198.51.100.7");
    }
}
