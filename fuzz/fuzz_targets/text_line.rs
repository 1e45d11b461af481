//! Lines of logs that are text: syslog, DNS servers' queries, web servers' requests, flows; and what they are as STIX objects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Format, Reader, objects};

const FORMATS: [Format; 4] = [Format::Syslog, Format::Dns, Format::Access, Format::Aws];

fuzz_target!(|input: &[u8]| {
    for mut reader in FORMATS.into_iter().map(Reader::new).chain([Reader::auto()]) {
        for line in input.split(|byte| *byte == b'\n') {
            if let Ok(Some(record)) = reader.read(line) {
                let _ = objects(&record);
            }
        }
    }
});
