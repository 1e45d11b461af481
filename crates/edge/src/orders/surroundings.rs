//! What this machine cannot do without: its own addresses, its gateways, its name servers. Read anew for each order, since networks
//! change; what cannot be read is not protected by this, which is why operators name their own networks as well.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) fn read() -> BTreeSet<IpAddr> {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mut all = name_servers(&text("/etc/resolv.conf"));
    all.extend(gateways4(&text("/proc/net/route")));
    all.extend(gateways6(&text("/proc/net/ipv6_route")));
    all.extend(own4(&text("/proc/net/fib_trie")));
    all.extend(own6(&text("/proc/net/if_inet6")));
    all.retain(|address| !address.is_unspecified());
    all
}

fn name_servers(text: &str) -> BTreeSet<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.split('%').next()?.parse().ok()).flatten()
    };
    text.lines().filter_map(server).collect()
}

/// The third column, in the byte order of the machine.
fn gateways4(text: &str) -> Vec<IpAddr> {
    let gateway = |line: &str| {
        let word = line.split_whitespace().nth(2)?;
        let number = u32::from_str_radix(word, 16).ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(number.to_ne_bytes())))
    };
    text.lines().skip(1).filter_map(gateway).collect()
}

/// The fifth column, 32 hexadecimal digits.
fn gateways6(text: &str) -> Vec<IpAddr> {
    text.lines().filter_map(|line| address6(line.split_whitespace().nth(4)?)).collect()
}

fn own6(text: &str) -> Vec<IpAddr> {
    text.lines().filter_map(|line| address6(line.split_whitespace().next()?)).collect()
}

fn address6(word: &str) -> Option<IpAddr> {
    (word.len() == 32)
        .then(|| u128::from_str_radix(word, 16).ok())
        .flatten()
        .map(|n| Ipv6Addr::from(n).into())
}

/// Addresses that the routing tables call local: each stands in a line before `/32 host LOCAL`.
fn own4(text: &str) -> BTreeSet<IpAddr> {
    let mut last: Option<IpAddr> = None;
    let mut own = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            own.extend(last);
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_read() {
        let addresses = |all: &[&str]| all.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let resolv = "# made by hand\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\noptions edns0\n";
        assert_eq!(
            name_servers(resolv).into_iter().collect::<Vec<_>>(),
            addresses(&["192.0.2.53", "fe80::1"])
        );
        let number = u32::from_ne_bytes([192, 0, 2, 1]);
        let route = format!(
            "Iface Destination Gateway Flags\neth0 00000000 {number:08X} 0003\neth0 0002000A 00000000 0001\n"
        );
        assert_eq!(gateways4(&route), addresses(&["192.0.2.1", "0.0.0.0"]));
        let route6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n";
        assert_eq!(gateways6(route6), addresses(&["2001:db8::1"]));
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.0.2.0\n        /24 link UNICAST\n     |-- 192.0.2.7\n        /32 host LOCAL\n";
        assert_eq!(own4(trie).into_iter().collect::<Vec<_>>(), addresses(&["127.0.0.1", "192.0.2.7"]));
        assert!(
            read().contains(&"127.0.0.1".parse().unwrap())
                || !std::path::Path::new("/proc/net/fib_trie").exists()
        );
    }
}
