//! Lines of separated values, whose header is a stranger's, and the mapping that an operator writes. The first line is the mapping.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use telemetry::{Columns, Format, Reader};

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (first, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mapped = serde_json::from_slice::<Columns>(first).ok().map(|columns| Reader::csv(Arc::new(columns)));
    for mut reader in mapped.into_iter().chain([Reader::new(Format::Csv)]) {
        for line in rest.split(|byte| *byte == b'\n') {
            let _ = reader.read(line);
        }
    }
});
