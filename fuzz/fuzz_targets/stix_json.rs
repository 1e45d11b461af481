//! Bytes that claim to be STIX. The stable test suite of `stix` runs the same function on damaged input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/stix/tests/suite/torture.rs"]
mod torture;

fuzz_target!(|input: &[u8]| {
    torture::stix_json(input);
    // The other function of the module has a target of its own.
    let _: fn(&str) = torture::pattern;
});
