//! Notes, checkpoints, keys, tile paths and entry bundles from another's log. Whatever is accepted has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{Checkpoint, SigningKey, Tile, VerifyingKey, decode_entries, encode_entries, open};

fuzz_target!(|input: &[u8]| {
    if let Ok(entries) = decode_entries(input) {
        assert_eq!(encode_entries(entries).expect("as many as were read"), input);
    }
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok((checkpoint, extensions)) = Checkpoint::parse_extended(text) {
        let extensions: String = extensions.iter().map(|line| format!("{line}\n")).collect();
        let control = checkpoint.origin.chars().any(char::is_control);
        assert!(control || checkpoint.to_text() + &extensions == text);
    }
    if let Ok(tile) = Tile::parse_path(text) {
        assert_eq!(tile.path(), text);
    }
    if let Ok(key) = VerifyingKey::parse(text) {
        assert_eq!(key.encode(), text);
    }
    let key = SigningKey::from_seed("log.example", [1; 32]).expect("a good name");
    if let Ok(checkpoint) = open(text, &key.verifying_key()) {
        // Ed25519 cannot be forged, so only what this key signed opens; the seeds hold one such note.
        assert!(text.starts_with(&checkpoint.to_text()));
    }
});
