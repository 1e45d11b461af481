//! Bytes that claim to be a file of `regimes/`, or a report as JSON. The stable test suite of `regime` runs the same functions on
//! damaged input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/regime/tests/it/torture.rs"]
mod torture;

fuzz_target!(|input: &[u8]| {
    // A report begins with a brace, which no file of regimes can.
    if input.first() == Some(&b'{') {
        torture::report_json(input);
    } else {
        torture::regime_file(input);
    }
});
