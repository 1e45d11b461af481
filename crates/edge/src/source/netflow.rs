//! Flows as exporters send them, by UDP. Each is a line as soon as its template is known, and what is on disk is matched once.
//! Templates are in memory: after a restart flows of NetFlow 9 and IPFIX wait until their exporter sends them again.

use std::sync::Arc;

use telemetry::FlowCollector;
use tokio::net::UdpSocket;

use crate::config::Netflow;
use crate::source::Inlet;
use crate::source::syslog::Behind;

/// An open door.
pub(crate) struct Door {
    socket: UdpSocket,
    behind: Behind,
}

impl Door {
    pub(crate) fn new(socket: UdpSocket, inlet: Arc<Inlet>, config: &Netflow) -> Self {
        Self { socket, behind: Behind { inlet, allow: config.allow.clone() } }
    }

    /// Takes datagrams until the edge stops.
    pub(crate) async fn attend(self) {
        let mut collector = FlowCollector::default();
        let counters = &self.behind.inlet.counters;
        let mut take = |datagram: &[u8], from, lines: &mut Vec<u8>| {
            counters.decoded(&collector.take(from, datagram, lines));
        };
        self.behind.datagrams(&self.socket, &mut take).await;
    }
}

#[cfg(test)]
#[path = "netflow_tests.rs"]
mod tests;
