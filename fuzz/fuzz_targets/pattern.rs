//! Texts that claim to be STIX patterns: what is read, printed and read again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stix::pattern::Pattern;

fuzz_target!(|input: &str| {
    let Ok(pattern) = Pattern::parse(input) else { return };
    let printed = pattern.to_string();
    match Pattern::parse(&printed) {
        Ok(again) => assert_eq!(pattern, again, "`{printed}`"),
        Err(error) => panic!("`{printed}` is printed, but not read: {error}"),
    }
    let _ = (pattern.tests().len(), pattern.type_conflict());
});
