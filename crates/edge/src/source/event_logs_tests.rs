//! Event logs that grow, are copied, set aside, written over and read again.

use std::io::Read as _;

use super::*;

/// A log of one chunk with four events. It was taken out of a larger one, so they have the numbers 1 to 4 in it and say others of
/// themselves.
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

/// The sample's chunk with four numbers from this one on.
fn chunk(first: u64) -> Vec<u8> {
    let mut chunk = sample()[4096..4096 + EVENT_LOG_CHUNK_BYTES].to_vec();
    chunk[24..32].copy_from_slice(&first.to_le_bytes());
    chunk[32..40].copy_from_slice(&(first + 3).to_le_bytes());
    let mut at = 512;
    for (said, number) in [111_u64, 112, 113, 116].into_iter().zip(first..) {
        let size = u32::from_le_bytes(chunk[at + 4..at + 8].try_into().unwrap()) as usize;
        let event = &mut chunk[at..at + size];
        event[8..16].copy_from_slice(&number.to_le_bytes());
        let place = event.windows(8).rposition(|bytes| bytes == said.to_le_bytes()).unwrap();
        event[place..place + 8].copy_from_slice(&number.to_le_bytes());
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
    folder.put("Security.evtx", &log(&[chunk(11)]));
    assert_eq!(folder.given(), [11, 12, 13, 14]);
    assert!(folder.given().is_empty());
    folder.restart();
    assert!(folder.given().is_empty());
    folder.put("Security.evtx", &log(&[chunk(11), chunk(15)]));
    assert_eq!(folder.given(), [15, 16, 17, 18]);
    folder.put("Security.evtx", &log(&[chunk(11), chunk(15), vec![0; EVENT_LOG_CHUNK_BYTES]]));
    assert!(folder.given().is_empty());
    assert_eq!(folder.logs.lost(), 0);
}

#[test]
fn a_log_that_was_set_aside_and_its_copies_are_not_given_again() {
    let mut folder = Folder::new();
    folder.put("Security.evtx", &log(&[chunk(11)]));
    assert_eq!(folder.given(), [11, 12, 13, 14]);
    folder.put("Archive-Security-2026.evtx", &log(&[chunk(11), chunk(15)]));
    folder.put("Copy.evtx", &log(&[chunk(11)]));
    folder.put("Security.evtx", &log(&[chunk(19)]));
    assert_eq!(folder.given(), [15, 16, 17, 18, 19, 20, 21, 22]);
    folder.restart();
    assert!(folder.given().is_empty());
}

#[test]
fn a_log_that_writes_over_its_oldest_events_is_read_in_the_order_of_their_numbers() {
    let mut folder = Folder::new();
    folder.put("System.evtx", &log(&[chunk(11), chunk(15)]));
    assert_eq!(folder.given(), [11, 12, 13, 14, 15, 16, 17, 18]);
    // The first chunk is taken for what comes next; the one that was read last is still there.
    folder.put("System.evtx", &log(&[chunk(19), chunk(15)]));
    assert_eq!(folder.given(), [19, 20, 21, 22]);
    folder.restart();
    assert!(folder.given().is_empty());
    assert_eq!(folder.logs.lost(), 0);
    // It went round while nobody looked.
    folder.put("System.evtx", &log(&[chunk(44), chunk(40)]));
    assert_eq!(folder.given(), [40, 41, 42, 43, 44, 45, 46, 47]);
    assert_eq!(folder.logs.lost(), 17);
}

#[test]
fn a_log_that_was_cleared_begins_anew() {
    let mut folder = Folder::new();
    folder.put("Security.evtx", &log(&[chunk(11)]));
    assert_eq!(folder.given().len(), 4);
    folder.put("Security.evtx", &log(&[chunk(1)]));
    assert_eq!(folder.given(), [1, 2, 3, 4]);
}

#[test]
fn other_files_and_files_that_are_being_written_are_left_alone() {
    let mut folder = Folder::new();
    folder.put("eve.json", b"{\"event_type\":\"flow\"}\n".repeat(100).as_slice());
    folder.put("short.evtx", &sample()[..100]);
    assert!(folder.given().is_empty());
    folder.logs.settled = Duration::from_secs(3600);
    folder.put("Security.evtx", &log(&[chunk(11)]));
    assert!(folder.given().is_empty());
    folder.logs.settled = Duration::ZERO;
    assert_eq!(folder.given(), [11, 12, 13, 14]);
}

#[test]
fn who_follows_lines_passes_event_logs_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Security.evtx"), log(&[chunk(11)])).unwrap();
    std::fs::write(folder.path().join("eve.json"), b"{}\n").unwrap();
    let mut tail = crate::source::tail::Tail::new(format!("{}/*", folder.path().display()), Vec::new());
    tail.pass_over(begins_so);
    tail.discover().unwrap();
    assert_eq!(tail.next().unwrap().unwrap().bytes, b"{}\n");
    assert!(tail.next().unwrap().is_none());
}
