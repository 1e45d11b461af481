//! `.tlog-proof` files of strangers. Whatever is accepted has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{Policy, TlogProof};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(proof) = TlogProof::parse(text) else { return };
    assert_eq!(proof.to_text(), text);
    let policy = Policy::parse(b"quorum none\n").expect("a good policy");
    // No log is known, so nothing is proved.
    assert!(proof.verify(&[0; 32], &policy).is_err());
});
