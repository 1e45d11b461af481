//! Event logs that grow, are copied, set aside, written over and read again.

use std::io::Read as _;

use super::*;

/// A log of one chunk with four events, whose numbers have gaps.
fn sample() -> Vec<u8> {
    let packed = include_bytes!("../../../telemetry/tests/data/new-user-security.evtx.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The sample's header with these chunks behind it.
fn log(chunks: &[Vec<u8>]) -> Vec<u8> {
    [&sample()[..4096], &chunks.concat()].concat()
}

/// The sample's chunk with other numbers: they begin with this one, and have the sample's gaps (111, 112, 113, 116).
fn chunk(first: u64) -> Vec<u8> {
    let mut chunk = sample()[4096..4096 + EVENT_LOG_CHUNK_BYTES].to_vec();
    let number = |old: u64| (old - 111 + first).to_le_bytes();
    chunk[24..32].copy_from_slice(&number(111));
    chunk[32..40].copy_from_slice(&number(116));
    let mut at = 512;
    while chunk[at..at + 4] == *b"**\0\0" {
        let size = u32::from_le_bytes(chunk[at + 4..at + 8].try_into().unwrap()) as usize;
        let old: [u8; 8] = chunk[at + 8..at + 16].try_into().unwrap();
        // In front of the event, and in what it says of itself.
        for place in at + 8..at + size - 8 {
            if chunk[place..place + 8] == old {
                chunk[place..place + 8].copy_from_slice(&number(u64::from_le_bytes(old)));
            }
        }
        at += size;
    }
    chunk
}

struct Folder {
    folder: tempfile::TempDir,
    logs: EventLogs,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = Self::logs(&folder, Vec::new());
        Self { folder, logs }
    }

    fn logs(folder: &tempfile::TempDir, known: Vec<Position>) -> EventLogs {
        let mut logs = EventLogs::new(format!("{}/*", folder.path().display()), known);
        logs.settled = Duration::ZERO;
        logs
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        // As a copy does: the new file takes the place of the old one.
        let new = self.folder.path().join(".new");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, self.folder.path().join(name)).unwrap();
    }

    /// As after a restart.
    fn restart(&mut self) {
        let known = std::mem::take(&mut self.logs.known);
        assert!(known.iter().all(is_position_of_one));
        self.logs = Self::logs(&self.folder, known);
    }

    /// The numbers of the events that are given now.
    fn given(&mut self) -> Vec<u64> {
        let mut given = Vec::new();
        self.logs.discover();
        while let Some(events) = self.logs.next().unwrap() {
            assert_eq!(events.decoded.refused, BTreeMap::new());
            for line in events.stretch.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let event: serde_json::Value = serde_json::from_slice(line).unwrap();
                given.push(event["Event"]["System"]["EventRecordID"].as_u64().unwrap());
            }
        }
        given
    }
}

#[test]
fn a_log_that_grows_is_given_once_also_over_restarts() {
    let mut folder = Folder::new();
    folder.put("Security.evtx", &log(&[chunk(111)]));
    assert_eq!(folder.given(), [111, 112, 113, 116]);
    assert_eq!(folder.given(), []);
    folder.restart();
    assert_eq!(folder.given(), []);
    folder.put("Security.evtx", &log(&[chunk(111), chunk(117)]));
    assert_eq!(folder.given(), [117, 118, 119, 122]);
    folder.put("Security.evtx", &log(&[chunk(111), chunk(117), vec![0; EVENT_LOG_CHUNK_BYTES]]));
    assert_eq!(folder.given(), []);
    assert_eq!(folder.logs.lost(), 0);
}

#[test]
fn a_log_that_was_set_aside_and_its_copies_are_not_given_again() {
    let mut folder = Folder::new();
    folder.put("Security.evtx", &log(&[chunk(111)]));
    assert_eq!(folder.given(), [111, 112, 113, 116]);
    folder.put("Archive-Security-2026.evtx", &log(&[chunk(111), chunk(117)]));
    folder.put("Copy.evtx", &log(&[chunk(111)]));
    folder.put("Security.evtx", &log(&[chunk(123)]));
    let mut given = folder.given();
    given.sort_unstable();
    assert_eq!(given, [117, 118, 119, 122, 123, 124, 125, 128]);
    folder.restart();
    assert_eq!(folder.given(), []);
}

#[test]
fn a_log_that_writes_over_its_oldest_events_is_read_in_the_order_of_their_numbers() {
    let mut folder = Folder::new();
    folder.put("System.evtx", &log(&[chunk(111), chunk(117)]));
    assert_eq!(folder.given(), [111, 112, 113, 116, 117, 118, 119, 122]);
    // The first chunk is taken for what comes next; the one that was read last is still there.
    folder.put("System.evtx", &log(&[chunk(123), chunk(117)]));
    assert_eq!(folder.given(), [123, 124, 125, 128]);
    folder.restart();
    assert_eq!(folder.given(), []);
    assert_eq!(folder.logs.lost(), 0);
    // It went round while nobody looked.
    folder.put("System.evtx", &log(&[chunk(150), chunk(144)]));
    assert_eq!(folder.given(), [144, 145, 146, 149, 150, 151, 152, 155]);
    assert_eq!(folder.logs.lost(), 15);
}

#[test]
fn a_log_that_was_cleared_begins_anew() {
    let mut folder = Folder::new();
    folder.put("Security.evtx", &log(&[chunk(111)]));
    assert_eq!(folder.given().len(), 4);
    folder.put("Security.evtx", &log(&[chunk(1)]));
    assert_eq!(folder.given(), [1, 2, 3, 6]);
}

#[test]
fn other_files_and_files_that_are_being_written_are_left_alone() {
    let mut folder = Folder::new();
    folder.put("eve.json", b"{\"event_type\":\"flow\"}\n".repeat(100).as_slice());
    folder.put("short.evtx", &sample()[..100]);
    assert_eq!(folder.given(), []);
    folder.logs.settled = Duration::from_secs(3600);
    folder.put("Security.evtx", &log(&[chunk(111)]));
    assert_eq!(folder.given(), []);
    folder.logs.settled = Duration::ZERO;
    assert_eq!(folder.given(), [111, 112, 113, 116]);
}

#[test]
fn who_follows_lines_passes_event_logs_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Security.evtx"), log(&[chunk(111)])).unwrap();
    std::fs::write(folder.path().join("eve.json"), b"{}\n").unwrap();
    let mut tail = crate::source::tail::Tail::new(format!("{}/*", folder.path().display()), Vec::new());
    tail.pass_over(begins_so);
    tail.discover().unwrap();
    assert_eq!(tail.next().unwrap().unwrap().bytes, b"{}\n");
    assert!(tail.next().unwrap().is_none());
}
