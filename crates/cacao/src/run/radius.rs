//! What an order would hit, as far as its own text says: the addresses and networks in the target of an OpenC2 command, or of the step's
//! target where the command is another (an OpenC2 command's step names the machine that enforces, which is not hit). Shares of traffic and rates over all runs are known to who carries out commands.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::effect::Order;
use crate::CommandKind;
use crate::check::values;

/// Why the order hits too much.
pub(super) fn check(order: &Order) -> Result<(), String> {
    let Some(radius) = order.safeguards.as_ref().and_then(|the| the.blast_radius.as_ref()) else {
        return Ok(());
    };
    let mut named = BTreeSet::new();
    if order.command.kind == CommandKind::OpenC2Http {
        let body = order.command.body().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        // What cannot be read cannot be bounded.
        let body =
            body.ok_or_else(|| "the OpenC2 command cannot be read, so nothing bounds it".to_owned())?;
        collect(crate::check::openc2_request(&body).get("target").unwrap_or(&Value::Null), &mut named);
    } else {
        named.extend(order.target.iter().flat_map(|target| target.agent.address.values()).flatten().cloned());
    }
    let networks: BTreeSet<IpNet> = named.iter().filter_map(|text| network(text)).collect();
    let others = named.iter().filter(|text| network(text).is_none() && is_name(text)).count();
    if let Some(max) = radius.addresses_max {
        let count = networks.len() + others;
        if u64::try_from(count).unwrap_or(u64::MAX) > max {
            return Err(format!("{count} addresses would be hit and {max} may"));
        }
    }
    for network in &networks {
        let min = if network.addr().is_ipv4() { radius.ipv4_prefix_min } else { radius.ipv6_prefix_min };
        if min.is_some_and(|min| network.prefix_len() < min) {
            return Err(format!("a network of prefix length {} would be hit", network.prefix_len()));
        }
    }
    Ok(())
}

fn collect(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            named.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|member| collect(member, named)),
        Value::Object(map) => map.values().for_each(|member| collect(member, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A domain name or an address on the web, and not a word such as a protocol's.
fn is_name(text: &str) -> bool {
    text.contains('.') && (values::is_address("dname", text) || values::is_address("url", text))
}
