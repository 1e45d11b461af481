//! Bodies that shippers push: arrays, lines and streams of objects, wrapped lines, the bulk form. Whatever comes, what comes out
//! are lines of the length allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::Lines;

const RECORD_BYTES_MAX: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let bulk = Lines::of_bulk(input, RECORD_BYTES_MAX).map(|(lines, _)| lines);
    for lines in [Lines::of_body(input, RECORD_BYTES_MAX), bulk].into_iter().flatten() {
        let ends = lines.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(ends, lines.count);
        assert!(lines.bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= RECORD_BYTES_MAX));
        assert!(lines.bytes.is_empty() || lines.bytes.ends_with(b"\n"));
    }
});
