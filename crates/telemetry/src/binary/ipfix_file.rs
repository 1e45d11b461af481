//! Files of IPFIX (RFC 5655): its messages behind each other.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Decoded, FlowCollector, Undecoded};

/// The header of a message.
const HEADER_BYTES: usize = 16;
/// The version that is IPFIX.
const VERSION: u16 = 10;

/// What is read of the file so far.
#[derive(Debug, Default)]
pub(super) struct IpfixFile {
    pending: Vec<u8>,
    collector: FlowCollector,
    broken: bool,
}

impl IpfixFile {
    pub(super) fn take(&mut self, bytes: &[u8], lines: &mut Vec<u8>) -> Decoded {
        /// A file does not say whose messages it holds.
        const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let mut decoded = Decoded::default();
        if self.broken {
            return decoded;
        }
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while let Some((version, length)) = beginning(rest) {
            if version != VERSION || length < HEADER_BYTES {
                // Where the next message would begin, nothing tells.
                decoded.refuse(Undecoded::FlowMessage, 1);
                self.broken = true;
                return decoded;
            }
            let Some((message, behind)) = rest.split_at_checked(length) else { break };
            decoded.add(&self.collector.take(NOBODY, message, lines));
            rest = behind;
        }
        self.pending = rest.to_vec();
        decoded
    }

    pub(super) fn finish(&mut self) -> Decoded {
        let mut decoded = Decoded::default();
        decoded.refuse(Undecoded::CutOff, u64::from(!self.pending.is_empty()));
        self.pending.clear();
        decoded
    }
}

/// Version and length of a message.
fn beginning(bytes: &[u8]) -> Option<(u16, usize)> {
    let (version, rest) = bytes.split_first_chunk::<2>()?;
    let (length, _) = rest.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*version), usize::from(u16::from_be_bytes(*length))))
}

/// A message, and in it a set that its length leaves room for. Text never begins with a zero.
pub(super) fn begins_so(start: &[u8]) -> bool {
    let set = start.get(HEADER_BYTES..).and_then(beginning);
    match (beginning(start), set) {
        (Some((VERSION, length)), Some((2 | 3 | 256.., set))) => {
            (4..=length.saturating_sub(HEADER_BYTES)).contains(&set)
        }
        _ => false,
    }
}
