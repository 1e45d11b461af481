//! Networks that overlap, cut into pieces that do not: each piece lasts as long as the last of the networks that cover it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use openc2::DateTime;

use crate::actuators::Wanted;

/// Addresses from one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) first: IpAddr,
    pub(super) last: IpAddr,
    pub(super) until: DateTime,
    pub(super) by: String,
}

/// As `nft` reads it: no names, and no range of one.
impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = (0..=128_u8).find_map(|prefix| {
            let net = IpNet::new(self.first, prefix).ok()?;
            (net.network() == self.first && net.broadcast() == self.last).then_some(net)
        });
        match whole {
            Some(net) if self.first == self.last => net.addr().fmt(f),
            Some(net) => net.fmt(f),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// The pieces of networks of one family.
pub(super) fn pieces<'w>(networks: impl Iterator<Item = (IpNet, &'w Wanted)>) -> Vec<Piece> {
    let networks: Vec<_> = networks.collect();
    // Where a piece may begin: where a network begins, and behind each.
    let mut starts = BTreeSet::new();
    for (net, _) in &networks {
        starts.insert(net.network());
        starts.extend(next(net.broadcast()));
    }
    let starts: Vec<IpAddr> = starts.into_iter().collect();
    let mut found: Vec<Piece> = Vec::new();
    for (index, first) in starts.iter().enumerate() {
        let covering = networks.iter().filter(|(net, _)| net.contains(first));
        let Some((longest, wanted)) = covering.max_by_key(|(_, wanted)| (wanted.until, &wanted.by)) else {
            continue;
        };
        let last = starts.get(index + 1).and_then(|start| previous(*start)).unwrap_or(longest.broadcast());
        found.push(Piece { first: *first, last, until: wanted.until, by: wanted.by.clone() });
    }
    found
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(address) => u128::from(address).checked_add(1).map(|next| IpAddr::V6(next.into())),
    }
}

fn previous(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address).checked_sub(1).map(|before| IpAddr::V4(before.into())),
        IpAddr::V6(address) => u128::from(address).checked_sub(1).map(|before| IpAddr::V6(before.into())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(networks: &[(&str, u64)]) -> Vec<String> {
        let wanted: Vec<(IpNet, Wanted)> = networks
            .iter()
            .map(|(net, until)| (net.parse().unwrap(), Wanted { until: DateTime(*until), by: "c".into() }))
            .collect();
        let pieces = pieces(wanted.iter().map(|(net, wanted)| (*net, wanted)));
        pieces.iter().map(|piece| format!("{piece} {}", piece.until.0)).collect()
    }

    #[test]
    fn what_overlaps_is_cut() {
        assert_eq!(cut(&[("192.0.2.0/24", 5)]), ["192.0.2.0/24 5"]);
        assert_eq!(
            cut(&[("192.0.2.0/24", 5), ("192.0.2.64/26", 9)]),
            ["192.0.2.0/26 5", "192.0.2.64/26 9", "192.0.2.128/25 5"]
        );
        // What ends sooner inside of what lasts longer is two pieces more, that last as long.
        assert_eq!(
            cut(&[("192.0.2.0/24", 9), ("192.0.2.64/26", 5)]),
            ["192.0.2.0/26 9", "192.0.2.64/26 9", "192.0.2.128/25 9"]
        );
        assert_eq!(
            cut(&[("0.0.0.0/0", 1), ("255.255.255.0/24", 2)]),
            ["0.0.0.0-255.255.254.255 1", "255.255.255.0/24 2"]
        );
        assert_eq!(
            cut(&[("2001:db8::/64", 1), ("2001:db8:0:1::/64", 2)]),
            ["2001:db8::/64 1", "2001:db8:0:1::/64 2"]
        );
    }

    proptest! {
        #[test]
        fn each_address_is_in_one_piece_that_lasts_as_long_as_it_must(
            nets in prop::collection::vec((0_u32..64, 26_u8..=31, 1_u64..9), 1..12),
        ) {
            let networks: Vec<(IpNet, Wanted)> = nets
                .into_iter()
                .map(|(low, prefix, until)| {
                    let address = IpAddr::V4((0xc000_0200 | low).into());
                    let net = IpNet::new(address, prefix).unwrap().trunc();
                    (net, Wanted { until: DateTime(until), by: "c".into() })
                })
                .collect();
            let pieces = pieces(networks.iter().map(|(net, wanted)| (*net, wanted)));
            for low in 0_u32..=64 {
                let address = IpAddr::V4((0xc000_0200 | low).into());
                let until = networks.iter().filter(|(net, _)| net.contains(&address)).map(|(_, w)| w.until).max();
                let within: Vec<_> =
                    pieces.iter().filter(|piece| piece.first <= address && address <= piece.last).collect();
                prop_assert!(within.len() <= 1);
                prop_assert_eq!(within.first().map(|piece| piece.until), until);
            }
        }
    }
}
