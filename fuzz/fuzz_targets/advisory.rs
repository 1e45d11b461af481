//! Bytes that claim to be a CSAF advisory, KEV or EPSS. The stable test suite of `advisory` runs the same function on damaged input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/advisory/tests/it/torture.rs"]
mod torture;

fuzz_target!(|input: &[u8]| torture::advisory(input));
