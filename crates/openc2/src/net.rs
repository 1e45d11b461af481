//! Address ranges and connections, and which packets they mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::L4Protocol;
use crate::read::{self, Fields, Writer};
use crate::refusal::{At, Refusal};

/// One packet, as far as a rule looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes.
    pub destination: IpAddr,
    /// IANA's number of its layer 4 protocol.
    pub protocol: u8,
    /// Its source port, where the protocol has ports.
    pub source_port: Option<u16>,
    /// Its destination port, where the protocol has ports.
    pub destination_port: Option<u16>,
}

/// A range of IPv4 addresses (LS 3.4.1.9). Without a prefix length it is one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv4Net(ipnet::Ipv4Net);

/// A range of IPv6 addresses (LS 3.4.1.11). Without a prefix length it is one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv6Net(ipnet::Ipv6Net);

/// `address` or `address/prefix`: both parts are parsed here, so that nothing reaches a resolver.
fn split(text: &str) -> Option<(&str, Option<u8>)> {
    let Some((address, prefix)) = text.split_once('/') else { return Some((text, None)) };
    let plain = !prefix.is_empty() && prefix.len() <= 3 && prefix.bytes().all(|b| b.is_ascii_digit());
    let padded = prefix.len() > 1 && prefix.starts_with('0');
    (plain && !padded).then(|| prefix.parse().ok()).flatten().map(|prefix| (address, Some(prefix)))
}

macro_rules! nets {
    ($name:ident, $address:ty, $bits:literal, $clause:literal, $message:literal) => {
        impl $name {
            /// The range as it is written: an address, and perhaps a prefix length.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let (address, prefix) = split(text)?;
                let address: $address = address.parse().ok()?;
                Self::new(address, prefix.unwrap_or($bits))
            }

            /// The range of this address and prefix length.
            #[must_use]
            pub fn new(address: $address, prefix: u8) -> Option<Self> {
                ipnet::$name::new(address, prefix).ok().map(Self)
            }

            /// The address as it was written, bits of the host included.
            #[must_use]
            pub fn address(&self) -> $address {
                self.0.addr()
            }

            /// The prefix length.
            #[must_use]
            pub fn prefix(&self) -> u8 {
                self.0.prefix_len()
            }

            /// The first address of the range.
            #[must_use]
            pub fn network(&self) -> $address {
                self.0.network()
            }

            /// Whether the address is in the range.
            #[must_use]
            pub fn contains(&self, address: $address) -> bool {
                self.0.contains(&address)
            }

            pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
                let text = read::text(value, at, $clause)?;
                Self::parse(&text).ok_or_else(|| Refusal::malformed($clause, at, $message))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if self.prefix() == $bits { self.address().fmt(f) } else { self.0.fmt(f) }
            }
        }
    };
}

nets!(Ipv4Net, Ipv4Addr, 32, "LS 3.4.1.9", "an IPv4 address range belongs here");
nets!(Ipv6Net, Ipv6Addr, 128, "LS 3.4.1.11", "an IPv6 address range belongs here");

/// A range of addresses of one family.
pub trait Net: Copy + PartialEq + std::fmt::Display + sealed::Sealed {
    /// Whether the address is in the range. One of the other family is not.
    fn has(&self, address: IpAddr) -> bool;
    /// Whether the address is of this range's family.
    fn of_family(address: IpAddr) -> bool;
    #[doc(hidden)]
    const CLAUSE: &'static str;
    #[doc(hidden)]
    fn take(text: &str) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Ipv4Net {}
    impl Sealed for super::Ipv6Net {}
}

impl Net for Ipv4Net {
    fn has(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if self.contains(address))
    }
    fn of_family(address: IpAddr) -> bool {
        address.is_ipv4()
    }
    const CLAUSE: &'static str = "LS 3.4.1.10";
    fn take(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Net for Ipv6Net {
    fn has(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V6(address) if self.contains(address))
    }
    fn of_family(address: IpAddr) -> bool {
        address.is_ipv6()
    }
    const CLAUSE: &'static str = "LS 3.4.1.12";
    fn take(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// Connections of one family (LS 3.4.1.10, 3.4.1.12). What is not said is any; something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<N> {
    /// Where packets come from.
    pub src_addr: Option<N>,
    /// Their source port.
    pub src_port: Option<u16>,
    /// Where they go.
    pub dst_addr: Option<N>,
    /// Their destination port.
    pub dst_port: Option<u16>,
    /// Their layer 4 protocol.
    pub protocol: Option<L4Protocol>,
}

/// Connections between IPv4 addresses.
pub type Ipv4Connection = Connection<Ipv4Net>;
/// Connections between IPv6 addresses.
pub type Ipv6Connection = Connection<Ipv6Net>;

impl<N> Default for Connection<N> {
    fn default() -> Self {
        Self { src_addr: None, src_port: None, dst_addr: None, dst_port: None, protocol: None }
    }
}

impl<N: Net> Connection<N> {
    /// Whether the packet is one of these. A port that is said keeps out what has no ports.
    #[must_use]
    pub fn matches(&self, packet: &Packet) -> bool {
        let port = |wanted: Option<u16>, found: Option<u16>| wanted.is_none() || wanted == found;
        N::of_family(packet.source)
            && N::of_family(packet.destination)
            && self.src_addr.is_none_or(|net| net.has(packet.source))
            && self.dst_addr.is_none_or(|net| net.has(packet.destination))
            && port(self.src_port, packet.source_port)
            && port(self.dst_port, packet.destination_port)
            && self.protocol.is_none_or(|protocol| protocol.number() == packet.protocol)
    }

    /// Whether ports are said for a protocol that has none. Such a rule would mean either nothing or more than was asked for.
    #[must_use]
    pub fn has_ports_in_vain(&self) -> bool {
        let ports = self.src_port.is_some() || self.dst_port.is_some();
        ports && self.protocol.is_some_and(|protocol| !protocol.has_ports())
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let names = ["src_addr", "src_port", "dst_addr", "dst_port", "protocol"];
        let fields = Fields::new(value, at, N::CLAUSE, &names, 1)?;
        let net = |value: &Value, at: &At| {
            let text = read::text(value, at, N::CLAUSE)?;
            N::take(&text).ok_or_else(|| {
                Refusal::malformed(N::CLAUSE, at, "an address range of the connection's family belongs here")
            })
        };
        let port = |value: &Value, at: &At| {
            u16::try_from(read::count(value, at, "LS 3.4.2.14")?)
                .map_err(|_| Refusal::malformed("LS 3.4.2.14", at, "a port from 0 to 65535 belongs here"))
        };
        Ok(Self {
            src_addr: fields.get("src_addr", net)?,
            src_port: fields.get("src_port", port)?,
            dst_addr: fields.get("dst_addr", net)?,
            dst_port: fields.get("dst_port", port)?,
            protocol: fields.get("protocol", L4Protocol::read)?,
        })
    }

    pub(crate) fn write(&self) -> Value {
        Writer::new()
            .put("src_addr", self.src_addr.map(|net| net.to_string()))
            .put("src_port", self.src_port)
            .put("dst_addr", self.dst_addr.map(|net| net.to_string()))
            .put("dst_port", self.dst_port)
            .put("protocol", self.protocol.map(L4Protocol::as_str))
            .done()
    }
}
