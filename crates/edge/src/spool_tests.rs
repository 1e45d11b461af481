//! What the spool promises: all or nothing, once, and only what bears our seal.

use std::path::PathBuf;

use oversight::{Consent, Purpose};
use stix::Id;
use stix::marking::Tlp;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

use super::*;

impl Spool {
    fn record(
        &self,
        source: &str,
        position: &Position,
        sightings: &[NewSpooled],
        ledger: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.keep(source, position, &Kept { sightings, ledger, ..Kept::default() })
    }
}

fn minimised() -> Minimised {
    minimised_at(jiff::Timestamp::UNIX_EPOCH)
}

fn minimised_at(now: jiff::Timestamp) -> Minimised {
    let value = Observed {
        field: "dest_ip".into(),
        kind: ValueKind::Ipv4,
        value: "198.51.100.7".into(),
        role: Role::Destination,
    };
    let observation =
        Observation { time: Some(now), kind: "flow".into(), values: vec![value], ..Observation::default() };
    let consent = Consent {
        purposes: [Purpose::CollectiveDefence].into(),
        up_to: Some(Tlp::Amber),
        mark_as: Some(Tlp::Green),
        own_addresses: false,
        own_networks: Vec::new(),
        opinions: false,
    };
    let indicator = Id::new("indicator", Uuid::from_u128(7));
    let about = (&indicator, "2026-01-01T00:00:00.000Z", Some(Tlp::Green));
    oversight::minimise(about, &observation, &[0], Purpose::CollectiveDefence, &consent, now).unwrap()
}

fn sighting(number: u128) -> NewSpooled {
    NewSpooled { id: Uuid::from_u128(number), minimised: minimised() }
}

fn position(at: u64) -> Position {
    Position {
        file: Uuid::from_u128(1),
        path: PathBuf::from("/var/log/eve.json"),
        inode: 5,
        prefix_length: 3,
        prefix_hash: [3; 32],
        position: at,
        line: at / 10,
        header: b"#fields".to_vec(),
        finished: false,
    }
}

fn row(kind: LedgerKind) -> LedgerRow {
    LedgerRow {
        at: jiff::Timestamp::UNIX_EPOCH,
        kind,
        indicator: "i".into(),
        name: "n".into(),
        detail: "d".into(),
    }
}

#[test]
fn a_position_and_what_it_gave_are_kept_together_and_found_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    spool.record("eve", &position(40), &[sighting(1), sighting(2)], &[row(LedgerKind::Matched)]).unwrap();
    drop(spool);
    let spool = Spool::open(folder.path()).unwrap();
    assert_eq!(spool.positions("eve").unwrap(), [position(40)]);
    assert_eq!(spool.positions("other").unwrap(), []);
    let waiting: Vec<Uuid> = spool.waiting(10).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(waiting, [Uuid::from_u128(1), Uuid::from_u128(2)]);
    assert_eq!(spool.counts().unwrap().matched, 1);
}

#[test]
fn a_record_read_again_waits_once_and_never_again_after_it_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    spool.record("eve", &position(40), &[sighting(1)], &[]).unwrap();
    spool.record("eve", &position(40), &[sighting(1)], &[]).unwrap();
    assert_eq!(spool.waiting_count().unwrap(), 1);
    spool.acknowledge(&[(Uuid::from_u128(1), "sent")], &[row(LedgerKind::Sent)]).unwrap();
    spool.record("eve", &position(40), &[sighting(1)], &[]).unwrap();
    assert_eq!(spool.waiting_count().unwrap(), 0);
    assert_eq!(spool.counts().unwrap().sent, 1);
}

#[test]
fn what_was_answered_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    spool.record("eve", &position(40), &[sighting(1)], &[]).unwrap();
    spool.acknowledge(&[(Uuid::from_u128(1), "sent")], &[]).unwrap();
    let left: i64 =
        spool.connection().query_row("SELECT sum(length(sealed)) FROM sighting", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn what_does_not_bear_our_seal_never_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    spool.record("eve", &position(40), &[sighting(1), sighting(2)], &[]).unwrap();
    let forge = "UPDATE sighting SET sealed = (SELECT sealed || x'00' FROM sighting WHERE number = 1) WHERE number = 2";
    spool.connection().execute(forge, []).unwrap();
    let waiting: Vec<Uuid> = spool.waiting(10).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(waiting, [Uuid::from_u128(1)]);
    assert_eq!(spool.counts().unwrap().refused, 1);
}

#[test]
fn a_full_disk_keeps_nothing_half_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    spool.record("eve", &position(40), &[sighting(1)], &[]).unwrap();
    let pages: i64 = spool.connection().query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    let limit = |pages: i64| {
        spool.connection().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    limit(pages);
    let many: Vec<NewSpooled> = (2..2_000).map(sighting).collect();
    assert!(matches!(spool.record("eve", &position(90), &many, &[]), Err(SpoolError::Full)));
    assert_eq!(spool.positions("eve").unwrap(), [position(40)]);
    assert_eq!(spool.waiting_count().unwrap(), 1);
    limit(1_000_000);
    spool.record("eve", &position(90), &many, &[]).unwrap();
    assert_eq!(spool.positions("eve").unwrap(), [position(90)]);
    assert_eq!(spool.waiting_count().unwrap(), 1_999);
}

#[test]
fn intelligence_is_put_dropped_and_reset() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let put = |n: u32| api::IntelligenceChange::Put {
        object: serde_json::json!({ "id": format!("indicator--{n}") }),
        tlp: None,
    };
    let news = |sequence, reset, changes| api::Intelligence { sequence, more: false, reset, changes };
    let held = || {
        let (sequence, kept) = spool.intelligence().unwrap();
        (sequence, kept.len())
    };
    spool.change_intelligence(&news(3, false, vec![put(1), put(2)]), &[]).unwrap();
    assert_eq!(held(), (3, 2));
    spool
        .change_intelligence(
            &news(4, false, vec![put(2), api::IntelligenceChange::Drop { id: "indicator--1".into() }]),
            &[],
        )
        .unwrap();
    assert_eq!(held(), (4, 1));
    spool.change_intelligence(&news(5, true, vec![put(3)]), &[]).unwrap();
    assert_eq!(held(), (5, 1));
}

#[test]
fn a_clock_that_jumps_back_loses_nothing_repeats_nothing_and_keeps_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let noon: jiff::Timestamp = "2026-04-01T12:00:00Z".parse().unwrap();
    // Three hours back after the second stretch, a little on, and back below where it began.
    let clock =
        [0, 1, -10_800, -10_799, -90_000].map(|seconds| noon + jiff::SignedDuration::from_secs(seconds));
    for (number, at) in (1_u64..).zip(clock) {
        let seen = NewSpooled { id: Uuid::from_u128(number.into()), minimised: minimised_at(at) };
        let row = LedgerRow { at, detail: number.to_string(), ..row(LedgerKind::Matched) };
        spool.record("eve", &position(number * 40), &[seen], &[row]).unwrap();
    }
    // A crash, and the last record is read again under yet another time.
    drop(spool);
    let spool = Spool::open(folder.path()).unwrap();
    let again = NewSpooled { id: Uuid::from_u128(5), minimised: minimised_at(noon) };
    spool.record("eve", &position(200), &[again], &[]).unwrap();
    assert_eq!(spool.positions("eve").unwrap(), [position(200)]);
    let waiting = |spool: &Spool| -> Vec<u128> {
        spool.waiting(10).unwrap().into_iter().map(|(id, _)| id.as_u128()).collect()
    };
    assert_eq!(waiting(&spool), [1, 2, 3, 4, 5], "each once, in the order in which they came");
    let ledger: Vec<String> = spool.ledger(10).unwrap().into_iter().map(|row| row.detail).collect();
    assert_eq!(ledger, ["5", "4", "3", "2", "1"], "the newest is what was written last");
    // The hub answers for some under a clock that jumped once more; the others wait on.
    let early = LedgerRow { at: jiff::Timestamp::UNIX_EPOCH, ..row(LedgerKind::Sent) };
    let first = [(Uuid::from_u128(1), "sent"), (Uuid::from_u128(2), "sent")];
    spool.acknowledge(&first, &[early.clone(), early]).unwrap();
    assert_eq!(waiting(&spool), [3, 4, 5]);
    assert_eq!((spool.counts().unwrap().matched, spool.counts().unwrap().sent), (5, 2));
}

#[test]
fn what_was_taken_and_remembered_is_kept_with_the_position_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let row = spool.position_of_row("pushed").unwrap();
    assert_eq!((row.position, row.finished), (0, false));
    let at = |position: u64| Position { position, ..row.clone() };
    let keys = [[1; 16], [2; 16]];
    let kept = Kept { taken: &keys, windows: Some(b"{}"), ..Kept::default() };
    spool.keep("pushed", &at(10), &kept).unwrap();
    // The same key again is no second one, and no news of the windows leaves them as they were.
    spool.keep("pushed", &at(20), &Kept { taken: &[[1; 16], [3; 16]], ..Kept::default() }).unwrap();
    drop(spool);
    let spool = Spool::open(folder.path()).unwrap();
    assert_eq!(spool.position_of_row("pushed").unwrap(), at(20));
    assert_eq!(spool.position_of_row("other").unwrap().position, 0);
    assert_eq!(spool.taken("pushed").unwrap(), [[1; 16], [2; 16], [3; 16]]);
    assert_eq!(spool.taken("other").unwrap(), Vec::<Key>::new());
    assert_eq!(spool.windows("pushed", row.file).unwrap().as_deref(), Some(&b"{}"[..]));
    spool.keep("pushed", &Position { finished: true, ..at(30) }, &Kept::default()).unwrap();
    assert_eq!(spool.windows("pushed", row.file).unwrap(), None);
    let many: Vec<Key> = (0..TAKEN_MAX as u128 + 9).map(|number| (number + 1000).to_le_bytes()).collect();
    spool.keep("pushed", &at(40), &Kept { taken: &many, ..Kept::default() }).unwrap();
    let taken = spool.taken("pushed").unwrap();
    assert_eq!((taken.len(), taken.last()), (TAKEN_MAX, many.last()));
}

#[test]
fn edges_that_share_a_key_name_a_sighting_alike() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let spools = [one.path(), other.path()].map(|folder| Spool::open(folder).unwrap());
    let parts: [&[u8]; 2] = [b"message", b"indicator"];
    assert_ne!(spools[0].sighting_id(&parts), spools[1].sighting_id(&parts));
    assert_eq!(sighting_id(&[7; 32], &parts), sighting_id(&[7; 32], &parts));
    assert_ne!(sighting_id(&[7; 32], &parts), sighting_id(&[8; 32], &parts));
}
