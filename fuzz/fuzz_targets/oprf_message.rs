//! Messages of private matching from a peer, and filters: whatever is accepted has one encoding, and a filter's values ascend.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oprf::{Answer, Filter, FilterMessage, Query, Receipt, RoundOpen, padded_size};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(open) = RoundOpen::decode(bytes) {
        assert_eq!(open.encode(), bytes);
    }
    if let Ok(query) = Query::decode(bytes) {
        assert_eq!(query.encode(), bytes);
    }
    if let Ok(answer) = Answer::decode(bytes) {
        assert_eq!(answer.encode(), bytes);
    }
    for announced in [1_024, 1_536] {
        if let Ok(message) = FilterMessage::decode(bytes, announced) {
            assert_eq!(message.encode(), bytes);
        }
    }
    // A filter of the size that the first bytes say, and so of any parameter.
    if let Some((size, rest)) = bytes.split_first_chunk() {
        let size = padded_size((u32::from_be_bytes(*size) >> 8) as usize).expect("a size within bounds");
        if let Ok(filter) = Filter::decode(size, rest) {
            assert_eq!(filter.encode(), rest);
        }
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(receipt) = Receipt::parse(text)
    {
        assert_eq!(format!("yagura-oprf-receipt\n{}", receipt.body()), text);
    }
});
