//! Lines of Zeek logs in both forms; of the tab-separated one the header is a stranger's, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Format, Reader};

fuzz_target!(|input: &[u8]| {
    for mut reader in [Reader::new(Format::ZeekTsv), Reader::new(Format::ZeekJson), Reader::auto()] {
        for line in input.split(|byte| *byte == b'\n') {
            let _ = reader.read(line);
        }
    }
});
