//! Requests to a witness, and cosignature lines, by strangers. Whatever is accepted has one spelling, and nothing unsigned is cosigned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::witness::AddCheckpoint;
use tlog::{CosignatureKind, CosignerKey, CosigningKey, LogKey, SigningKey};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(key) = CosignerKey::parse(text) {
        assert_eq!(key.encode(), text);
    }
    let Ok(request) = AddCheckpoint::parse(text) else { return };
    assert_eq!(request.to_text(), text);
    let log = SigningKey::from_seed("log.example", [1; 32]).expect("a good name").verifying_key();
    if let Ok(head) = request.judge(&[LogKey::from(log)], None) {
        // Ed25519 cannot be forged, so only what this key signed is judged well; the seeds hold one such request.
        assert_eq!((request.old(), head.origin.as_str()), (0, "log.example"));
    }
    let witness = CosigningKey::from_seed("w", CosignatureKind::Ed25519, &[2; 32]).expect("a good name");
    let _ = witness.cosigner_key().cosigned_at(request.checkpoint());
});
