//! What the spool promises the history: what changed is hunted once, what was told is not told again, a hunt goes on where it was.

use api::{Intelligence, IntelligenceChange};
use serde_json::json;

use super::*;

fn spool(folder: &std::path::Path) -> Spool {
    let mut spool = Spool::open(folder).unwrap();
    spool.begin_history().unwrap();
    spool
}

fn name(number: u8) -> String {
    format!("indicator--{}", Uuid::from_u128(number.into()))
}

fn put(number: u8, address: u8, description: &str) -> IntelligenceChange {
    let object = json!({
        "type": "indicator", "id": name(number), "pattern": format!("[ipv4-addr:value = '198.51.100.{address}']"),
        "description": description,
    });
    IntelligenceChange::Put { object, tlp: None }
}

fn change(spool: &Spool, sequence: i64, reset: bool, changes: Vec<IntelligenceChange>) {
    spool.change_intelligence(&Intelligence { sequence, more: false, reset, changes }, &[]).unwrap();
}

#[test]
fn what_changes_is_hunted_and_what_does_not_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path());
    let waits = |sequence, reset, changes| {
        change(&spool, sequence, reset, changes);
        let waits = spool.seeking().unwrap();
        if let Some(hunt) = spool.begin_hunt(100, jiff::Timestamp::UNIX_EPOCH).unwrap() {
            assert_eq!(spool.sought_by(hunt.number).unwrap().len() as u64, waits);
            spool.end_hunt(hunt.number, jiff::Timestamp::UNIX_EPOCH).unwrap();
        }
        waits
    };
    assert_eq!(waits(1, true, vec![put(1, 1, ""), put(2, 2, "")]), 2);
    assert_eq!(waits(2, false, vec![put(1, 1, "other words, the same pattern")]), 0);
    assert_eq!(waits(3, false, vec![put(1, 9, "")]), 1);
    assert_eq!(waits(4, true, vec![put(1, 9, ""), put(2, 2, ""), put(3, 3, "")]), 1);
    assert_eq!(waits(5, false, vec![IntelligenceChange::Drop { id: name(3) }]), 0);
    assert_eq!(waits(6, false, vec![put(3, 3, "")]), 1);
}

#[test]
fn what_was_held_before_there_was_a_history_waits_for_a_hunt_once() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Spool::open(folder.path()).unwrap();
    change(&plain, 1, true, vec![put(1, 1, ""), put(2, 2, "")]);
    assert_eq!(plain.seeking().unwrap(), 0);
    drop(plain);
    let with = spool(folder.path());
    assert_eq!(with.seeking().unwrap(), 2);
    let hunt = with.begin_hunt(100, jiff::Timestamp::UNIX_EPOCH).unwrap().unwrap();
    with.end_hunt(hunt.number, jiff::Timestamp::UNIX_EPOCH).unwrap();
    drop(with);
    assert_eq!(spool(folder.path()).seeking().unwrap(), 0);
}

#[test]
fn a_hunt_is_bounded_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let before = spool(folder.path());
    change(&before, 1, true, (0..5).map(|number| put(number, number, "")).collect());
    let hunt = before.begin_hunt(2, jiff::Timestamp::UNIX_EPOCH).unwrap().unwrap();
    before.hunted(hunt.number, 77, 4, 1, false).unwrap();
    let sought = before.sought_by(hunt.number).unwrap();
    assert_eq!((sought.len(), before.seeking().unwrap()), (2, 3));
    drop(before);
    let after = spool(folder.path());
    let left = after.hunt_left().unwrap().unwrap();
    assert_eq!((left.hunted_from, left.segments, left.beyond, left.failed), (Some(77), 4, 1, 0));
    assert_eq!(after.sought_by(left.number).unwrap(), sought);
    after.end_hunt(left.number, jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((after.hunt_left().unwrap(), after.hunts_done(9).unwrap().len()), (None, 1));
}

#[test]
fn what_was_told_live_or_by_a_hunt_is_not_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path());
    change(&spool, 1, true, vec![put(1, 1, "")]);
    let hunt = spool.begin_hunt(2, jiff::Timestamp::UNIX_EPOCH).unwrap().unwrap();
    let id = Id::parse(&name(1)).unwrap();
    let told = |offset| spool.told_id("border@1", offset, &id);
    let position = Position {
        file: Uuid::from_u128(1),
        path: "x".into(),
        inode: 1,
        prefix_length: 0,
        prefix_hash: [0; 32],
        position: 100,
        line: 3,
        header: Vec::new(),
        finished: false,
    };
    let live = [told(10)];
    let history = HistoryKept { told: &live, ..HistoryKept::default() };
    spool.keep("border", &position, &super::super::Kept { history, ..Default::default() }).unwrap();
    let found = |offset| Found { told: told(offset), sighting: None, ledger: Vec::new() };
    assert_eq!(
        spool.keep_found(hunt.number, &[found(10), found(20), found(20)]).unwrap(),
        [false, true, false]
    );
    assert_eq!(spool.keep_found(hunt.number, &[found(20), found(30)]).unwrap(), [false, true]);
    assert_eq!(spool.hunt_left().unwrap().unwrap().found, 2);
}
