//! Bytes that claim to be STIX. The stable test suite of `stix` runs the same function on damaged input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/stix/tests/suite/torture.rs"]
mod torture;

fuzz_target!(|input: &[u8]| {
    torture::stix_json(input);
    // The other functions of the module have targets of their own.
    let _: (fn(&str), fn(&str)) = (torture::pattern, torture::evaluate);
});
