//! A mail from a stranger: it is read within its bounds, and what is read is an entry that a room takes and gives back alike.
#![no_main]

use case::mail;
use case::room::{Label, Room, RoomEntry, Says, entry_from_stix, entry_to_stix};
use libfuzzer_sys::fuzz_target;
use oversight::OrganisationId;
use stix::marking::Tlp;

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = mail::read(bytes) else { return };
    assert!(read.text.chars().count() <= 20_000 && read.from.chars().count() <= 500);
    let case = stix::Id::parse("incident--00000000-0000-4000-8000-000000000001").expect("an id");
    let entry = RoomEntry {
        case: case.clone(),
        at: jiff::Timestamp::UNIX_EPOCH,
        by: None,
        name: None,
        organisation: OrganisationId::parse("x").expect("a name"),
        label: Label { tlp: Tlp::Amber, only: None, stub: false },
        salt: format!("{:032x}", 1),
        says: Says::Mailed(Box::new(read)),
    };
    Room::new(case.clone()).take(entry.clone(), entry.at).expect("a room takes what was read");
    let author = stix::Id::parse("identity--00000000-0000-4000-8000-000000000001").expect("an id");
    let text = entry_to_stix(&entry, &author).to_string();
    let object = stix::Object::parse(text.into()).expect("an object");
    assert_eq!(entry_from_stix(&object), Ok(entry));
});
