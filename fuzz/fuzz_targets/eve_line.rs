//! Lines of a Suricata log, whole, cut, or of something else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Format, Reader, detect};

fuzz_target!(|input: &[u8]| {
    let _ = detect(input);
    for mut reader in [Reader::new(Format::Eve), Reader::auto()] {
        for line in input.split(|byte| *byte == b'\n') {
            let _ = reader.read(line);
        }
    }
});
