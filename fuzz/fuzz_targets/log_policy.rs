//! Policy files of strangers. Whatever is accepted is evaluated, and more cosignatures never make a quorum less of one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::Policy;

fuzz_target!(|input: &[u8]| {
    let Ok(policy) = Policy::parse(input) else { return };
    let count = policy.witnesses().len();
    let mut held = policy.is_quorum(|_| false);
    for signed in 1..=count {
        let holds = policy.is_quorum(|witness| witness < signed);
        assert!(holds || !held);
        held = holds;
    }
    // Every group asks for no more than its members, so all together are always enough.
    assert!(held);
});
