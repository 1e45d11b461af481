//! A change of a situation report from a stranger: what is let in is put together without an end of the programme, and read back as a change.
#![no_main]

use std::sync::Once;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use case::room::{Label, Report, Room, RoomEntry, Says, Update};
use libfuzzer_sys::fuzz_target;
use oversight::OrganisationId;
use stix::marking::Tlp;

/// `yrs` fails at some changes, and a report goes on without them: only a failure that gets past the report is one. The fuzzer's own hook ends
/// the program at each.
static CAUGHT_IS_NO_FAILURE: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    CAUGHT_IS_NO_FAILURE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    // Two changes, so that one can refer to the other.
    let (one, other) = bytes.split_at(bytes.len() / 2);
    let case = stix::Id::parse("incident--00000000-0000-4000-8000-000000000001").expect("an id");
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mut room = Room::new(case.clone());
    for (number, update) in [bytes, one, other].into_iter().enumerate() {
        if Update::read(update).is_err() {
            continue;
        }
        let entry = RoomEntry {
            case: case.clone(),
            at,
            by: None,
            name: None,
            organisation: OrganisationId::parse("x").expect("a name"),
            label: Label { tlp: Tlp::Amber, only: None, stub: false },
            salt: format!("{number:032x}"),
            says: Says::Typed { report: 1, update: BASE64_STANDARD.encode(update) },
        };
        room.take(entry, at).expect("it was read");
    }
    let report = Report::new(1).with(&room.ordered());
    assert!(report.lacking(None).is_ok());
    let _ = report.text();
});
