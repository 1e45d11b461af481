//! What must hold for any bytes at all; the fuzz target `misp_event` runs the same function.

use misp::{Limits, Options, canonical, read, to_misp, to_stix};

/// Bytes that claim to be MISP: refused, or to STIX and back as they were.
pub(crate) fn misp_event(input: &[u8]) {
    let Ok(events) = read(input, &Limits::default()) else { return };
    for event in events {
        let made = to_stix(std::slice::from_ref(&event), &Options::at(jiff::Timestamp::UNIX_EPOCH));
        let objects: Vec<stix::Object> =
            made.objects.into_iter().filter_map(|bytes| stix::Object::parse(bytes).ok()).collect();
        let back = to_misp(&objects);
        if made.report.lost.is_empty() && !event.fields().contains_key("Object") {
            let is: Vec<_> = back.events.into_iter().map(|event| canonical(&event.into_json())).collect();
            assert_eq!(is, [canonical(&event.into_json())]);
        }
    }
}

#[test]
fn damaged_events_do_no_harm() {
    let whole = br#"{"Event":{"uuid":"5a6f1f2e-0000-4000-8000-000000000001","info":"x","date":"2026-01-02","Tag":[{"name":"tlp:red"}],
        "Attribute":[{"type":"domain|ip","value":"a.example|198.51.100.7","to_ids":"1","Sighting":[{"date_sighting":"1"}]}]}}"#;
    for at in 0..whole.len() {
        let mut damaged = whole.to_vec();
        for byte in [b'0', b'"', b'{', b'}', b'[', b'\\', 0xff] {
            damaged[at] = byte;
            misp_event(&damaged);
        }
        misp_event(&whole[..at]);
    }
}
