//! What must hold for any bytes at all; the fuzz targets `misp_event` and `indicator_list` run the same functions.

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

/// Bytes that claim to be a list of indicators, or what a feed says of itself: whatever is made is valid STIX, each once.
pub(crate) fn indicator_list(input: &[u8]) {
    let source = misp::list::Source {
        name: "list".to_owned(),
        confidence: Some(50),
        tlp: Some(stix::marking::Tlp::Green),
        date: jiff::Timestamp::UNIX_EPOCH,
    };
    let text = misp::list::from_text(&String::from_utf8_lossy(input), &source);
    let columns = misp::list::from_csv(input, &source).map(|made| made.objects).unwrap_or_default();
    for made in [text.objects, columns] {
        let mut ids = std::collections::BTreeSet::new();
        for bytes in made {
            let object = stix::Object::parse(bytes).expect("no object is made that cannot be read");
            let errors: Vec<_> = stix::validate::validate(&object)
                .into_iter()
                .filter(|finding| finding.severity == stix::validate::Severity::Error)
                .collect();
            assert!(errors.is_empty(), "{errors:?}\n{}", String::from_utf8_lossy(object.bytes()));
            assert!(ids.insert(object.id().clone()), "{} stands twice", object.id());
        }
    }
    for entry in misp::feed::manifest(input, &Limits::default()).unwrap_or_default() {
        assert!(!entry.file_name().contains(['/', '\\']), "a name leads nowhere else");
    }
    let _ = misp::feed::hashed_events(input);
}

#[test]
fn damaged_lists_do_no_harm() {
    let whole = b"type,value,comment\ndomain,evil[.]example,C2\nurl,hxxps://bad(dot)example/a?b=\xe6\x97\xa5,\nip-dst|port,198.51.100.7|443,x";
    for at in 0..whole.len() {
        let mut damaged = whole.to_vec();
        for byte in [b'0', b'"', b',', b'\n', b'[', 0xff] {
            damaged[at] = byte;
            indicator_list(&damaged);
        }
        indicator_list(&whole[..at]);
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
