//! Bytes that claim to be STIX: split, read, judged, indexed. What was read keeps its bytes, and reads the same again.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use stix::{Object, bundle, validate};

fuzz_target!(|input: &[u8]| {
    let Ok(members) = bundle::split(&Bytes::copy_from_slice(input)) else { return };
    for member in members {
        let Ok(object) = Object::parse(member.clone()) else { continue };
        assert_eq!(object.bytes(), &member);
        let _ = validate::validate(&object);
        let _ = (object.references(), object.search_texts());
        let again = Object::parse(member).expect("what was read once is read again");
        assert_eq!(object.canonical_hash(), again.canonical_hash());
    }
});
