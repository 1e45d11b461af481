//! Query strings of TAXII requests. What pages must have in common is the same however often it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taxii::{Allowed, Query};

fuzz_target!(|input: &str| {
    for allowed in [Allowed::Collection, Allowed::Object, Allowed::Versions, Allowed::Delete] {
        if let Ok(query) = Query::parse(input, allowed) {
            let again = Query::parse(input, allowed).expect("what was read once is read again");
            assert_eq!(query.fingerprint(), again.fingerprint());
        }
    }
});
