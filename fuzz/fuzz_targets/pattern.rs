//! Texts that claim to be STIX patterns. The stable test suite of `stix` runs the same function on damaged input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/stix/tests/suite/torture.rs"]
mod torture;

fuzz_target!(|input: &str| {
    torture::pattern(input);
    // The other functions of the module have targets of their own.
    let _: (fn(&[u8]), fn(&str)) = (torture::stix_json, torture::evaluate);
});
