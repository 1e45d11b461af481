//! Conditions of playbooks, over a few variables.
#![no_main]

use cacao::{Condition, Typed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(condition) = Condition::parse(text) else { return };
    let _ = condition.variables();
    let _ = condition.holds(&|name| {
        let kind = if name.len() % 2 == 0 { "integer" } else { "string" };
        Some(Typed { kind: kind.to_owned(), value: "7".into() })
    });
});
