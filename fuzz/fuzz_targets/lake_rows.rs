//! Rows of a lake that a disk tore or a stranger wrote: an error, never a panic, and no more time than their size.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lake::fuzz_rows(bytes));
