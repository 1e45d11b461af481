//! Packets from the attacker's namespace to the operator's, each with its number. When each was sent is kept, so that the first one that did not
//! arrive has its time, however late anybody comes to look.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// Between two packets; with what a sleep takes beyond that it is five to ten thousand a second.
const PAUSE: Duration = Duration::from_micros(70);
/// Of so many packets the time is kept: seconds of them.
const KEPT: usize = 1 << 16;
/// So many that do not arrive, one after the other, ...
const SILENT: u64 = 100;
/// ... and for so long none that does: then they are dropped, and nobody is merely late.
const QUIET: Duration = Duration::from_millis(60);
/// So many that arrive, one after the other: then they pass.
const PASSING: u64 = 200;
/// How long is waited for either.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often whoever waits looks.
const LOOKS: Duration = Duration::from_millis(1);

/// Packets on their way.
pub(crate) struct Packets {
    road: Arc<Road>,
    threads: Vec<JoinHandle<()>>,
}

/// The first packet that did not arrive.
pub(crate) struct Lost {
    /// When it was sent.
    pub(crate) at: Instant,
    /// How much later than the last one that arrived: by so much, `at` may be too late.
    pub(crate) after: Duration,
}

struct Road {
    begun: Instant,
    /// Nanoseconds from the beginning to the sending of each, by its number.
    sent_at: Vec<AtomicU64>,
    sent: AtomicU64,
    /// Beyond the highest number that arrived.
    arrived: AtomicU64,
    stops: AtomicBool,
}

impl Packets {
    pub(crate) fn start(from: UdpSocket, to: UdpSocket) -> Self {
        // So that it sees when it is to stop.
        to.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let road = Arc::new(Road {
            begun: Instant::now(),
            sent_at: (0..KEPT).map(|_| AtomicU64::new(0)).collect(),
            sent: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            stops: AtomicBool::new(false),
        });
        let [sends, takes] = [Arc::clone(&road), Arc::clone(&road)];
        let threads = vec![spawn(move || sends.send(&from)), spawn(move || takes.take(&to))];
        Self { road, threads }
    }

    /// Waits until they arrive.
    pub(crate) fn wait_until_they_pass(&self) {
        let (begun, before) = (Instant::now(), self.road.arrived.load(Ordering::Acquire));
        while self.road.arrived.load(Ordering::Acquire) < before + PASSING {
            assert!(begun.elapsed() < PATIENCE, "packets do not arrive");
            sleep(LOOKS);
        }
    }

    /// Waits until they are dropped.
    pub(crate) fn first_lost(&self) -> Lost {
        let begun = Instant::now();
        loop {
            let arrived = self.road.arrived.load(Ordering::Acquire);
            if self.road.sent.load(Ordering::Acquire) >= arrived + SILENT {
                sleep(QUIET);
                if self.road.arrived.load(Ordering::Acquire) == arrived {
                    let at = self.road.sent_at(arrived);
                    let after = at.saturating_duration_since(self.road.sent_at(arrived.saturating_sub(1)));
                    return Lost { at, after };
                }
            }
            assert!(begun.elapsed() < PATIENCE, "packets go on arriving");
            sleep(LOOKS);
        }
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        self.road.stops.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Road {
    fn send(&self, socket: &UdpSocket) {
        let mut number = 0_u64;
        while !self.stops.load(Ordering::Relaxed) {
            let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap();
            self.sent_at[number as usize % KEPT].store(now, Ordering::Relaxed);
            if socket.send(&number.to_be_bytes()).is_ok() {
                number += 1;
                self.sent.store(number, Ordering::Release);
            }
            sleep(PAUSE);
        }
    }

    fn take(&self, socket: &UdpSocket) {
        let mut packet = [0; 8];
        while !self.stops.load(Ordering::Relaxed) {
            if socket.recv(&mut packet).is_ok_and(|length| length == packet.len()) {
                self.arrived.fetch_max(u64::from_be_bytes(packet) + 1, Ordering::Release);
            }
        }
    }

    fn sent_at(&self, number: u64) -> Instant {
        self.begun + Duration::from_nanos(self.sent_at[number as usize % KEPT].load(Ordering::Relaxed))
    }
}

/// Packets that this namespace's sockets had no room for so far: they are lost, too, and nobody dropped them.
pub(crate) fn overrun() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let place = names.split_whitespace().position(|name| name == "RcvbufErrors").unwrap();
    values.split_whitespace().nth(place).unwrap().parse().unwrap()
}
