//! Batches of one-way peers and the names of their files: whatever comes over the diode. What is accepted has one spelling.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tlog::SigningKey;

#[path = "../../crates/hub/src/federation/one_way/batch.rs"]
mod batch;

const BODY_BYTES_MAX: u64 = 64 * 1024;

fuzz_target!(|input: &[u8]| {
    let key = SigningKey::from_seed("log.example", [1; 32]).expect("a good name");
    if let Ok(name) = str::from_utf8(input)
        && let Some((number, follows)) = batch::parse_name(name)
    {
        assert_eq!(batch::file_name(number, follows), name);
    }
    if let Ok(found) = batch::open(&Bytes::copy_from_slice(input), &key.verifying_key(), BODY_BYTES_MAX) {
        // Ed25519 cannot be forged, so only what this key signed opens; the seeds hold such batches.
        assert!(input.ends_with(&found.body));
        let (file, hash) = batch::seal(&found.label, &found.body, &key);
        let again =
            batch::open(&Bytes::from(file), &key.verifying_key(), BODY_BYTES_MAX).expect("it was sealed");
        assert_eq!((again.label, again.hash, again.body), (found.label, hash, found.body));
    }
    // What follows a head that is signed is the stranger's as well.
    let label = batch::Label {
        hub: "0".repeat(32),
        series: "1".repeat(32),
        number: 2,
        follows: 1,
        previous: [7; 32],
        made: jiff::Timestamp::UNIX_EPOCH,
    };
    let (file, hash) = batch::seal(&label, input, &key);
    let found = batch::open(&Bytes::from(file.clone()), &key.verifying_key(), BODY_BYTES_MAX);
    assert!(
        input.len() as u64 > BODY_BYTES_MAX
            || found.is_ok_and(|found| found.hash == hash && found.body == input)
    );
    let cut = input.first().map_or(0, |byte| file.len() * usize::from(*byte) / 256);
    let torn = batch::open(&Bytes::copy_from_slice(&file[..cut]), &key.verifying_key(), BODY_BYTES_MAX);
    assert!(torn.is_err());
});
