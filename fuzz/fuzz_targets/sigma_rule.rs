//! Texts that claim to be Sigma rules, as an indicator of a stranger brings them, over lines of several formats. Two zero bytes part
//! the rules from the lines.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sigma::{Options, RuleSet, RuleText, Scanner};
use telemetry::Reader;

fuzz_target!(|input: &str| {
    let (rules, lines) = input.split_once("\0\0").unwrap_or((input, RECORD));
    let built = RuleSet::build([RuleText::of_file("fuzz.yml", rules.to_owned())], Options::default());
    let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
    scanner.scan(lines.as_bytes(), jiff::Timestamp::UNIX_EPOCH, &mut |_| {});
});

const RECORD: &str = r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\a.exe","CommandLine":"a -b"}"#;
