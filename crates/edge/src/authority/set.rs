//! What the operator has, as private matching compares it: made for one round, and gone with it.

use std::collections::HashSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use lake::Lake;
use oprf::{Input, List};
use oversight::authorisation::{AuthorisedRound, met};
use stix::observable::ValueKind;

use crate::config::Config;

/// The values in the lake's records of the last hours, without what is the operator's own; why not, in words for the operator. Only a
/// round that the commission granted has one made.
pub(super) fn of(
    config: &Config,
    round: &AuthorisedRound,
    hours: u32,
    now: Timestamp,
) -> Result<List, String> {
    let Some(kept) = &config.lake else { return Err("this edge keeps no lake".to_owned()) };
    let unusable = |error: lake::LakeError| format!("the lake cannot be read: {error}");
    let lake = Lake::open(&kept.path).map_err(unusable)?;
    let most = round.rounds().filter_values_max as usize;
    let own = config.matching.own_assets.as_deref();
    let since = now - SignedDuration::from_hours(hours.into());
    let mut found: HashSet<Input> = HashSet::new();
    let read = lake.records(since, now, &mut |record| {
        for observed in &record.values {
            let is_own = own.is_some_and(|own| own.has(observed.kind, &observed.value));
            if !is_own && !is_internal(observed.kind, &observed.value) {
                met(observed.kind, &observed.value, &mut |input| {
                    found.insert(input);
                });
            }
        }
        found.len() <= most
    });
    read.map_err(unusable)?;
    if found.len() > most {
        return Err(format!("there is more than the {most} values that the authorisation lets a set have"));
    }
    List::new(found.into_iter().collect()).map_err(|error| error.to_string())
}

/// Addresses that mean something inside the operator's network only: asking for one would be asking about the network itself.
fn is_internal(kind: ValueKind, value: &str) -> bool {
    if !matches!(kind, ValueKind::Ipv4 | ValueKind::Ipv6) {
        return false;
    }
    match value.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_internal_is_told_from_what_is_not() {
        for (value, expected) in [
            ("10.0.0.5", true),
            ("192.168.1.1", true),
            ("::ffff:172.16.0.1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("203.0.113.1", false),
            ("2001:db8::1", false),
            ("no address", false),
        ] {
            assert_eq!(is_internal(ValueKind::Ipv6, value), expected, "{value}");
        }
        assert!(!is_internal(ValueKind::Domain, "10.0.0.5"));
    }
}
