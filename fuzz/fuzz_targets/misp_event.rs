//! Bytes that claim to be a MISP event. The stable test suite of `misp` runs the same function on damaged input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/misp/tests/it/torture.rs"]
mod torture;

fuzz_target!(|input: &[u8]| {
    torture::misp_event(input);
    // The other function of the module has a target of its own.
    let _: fn(&[u8]) = torture::indicator_list;
});
