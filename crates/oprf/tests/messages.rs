//! Every message has one encoding: what is written is read again, and whatever is read was written so.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where something is not as it was made"
)]

use oprf::*;
use proptest::prelude::*;

fn elements(count: usize, seed: u8) -> Vec<Element> {
    let inputs: Vec<[u8; 4]> = (0..count as u32).map(u32::to_be_bytes).collect();
    Blinds::derive(&Seed::new([seed; 32]), 0, count).blind(inputs.iter().map(<[u8; 4]>::as_slice))
}

fn open() -> RoundOpen {
    RoundOpen {
        round: RoundId([1; 16]),
        authorisation: AuthorisationId([2; 32]),
        operator: OperatorId([3; 16]),
        mode: Mode::Count,
        public: elements(1, 1)[0],
        filter_values: 1_024,
        elements: 77,
    }
}

fn query() -> Query {
    Query { round: RoundId([1; 16]), batch: 5, elements: elements(9, 2) }
}

fn answer(proved: bool) -> Answer {
    let key = SecretKey::derive(&Seed::new([1; 32]), b"").unwrap();
    let (elements, proof) = key.prove_batch(&query().elements, &Seed::new([1; 32]));
    Answer { round: RoundId([1; 16]), batch: 5, elements, proof: proved.then_some(proof) }
}

/// A real filter: that of a round.
fn filter(values: u32) -> FilterMessage {
    let terms = Terms {
        authorisation: AuthorisationId([2; 32]),
        operator: OperatorId([3; 16]),
        mode: Mode::Match,
        elements: 1,
        filter_values_max: FILTER_VALUES_MAX,
    };
    let (admitted, _) = Ledger::new(1).admit(terms, RoundId([1; 16]), Day(1)).unwrap();
    let set = (0..values).map(|number| Input::new("x", &number.to_be_bytes()).unwrap()).collect();
    let (operator, _) = Operator::open(admitted, List::new(set).unwrap(), Seed::new([1; 32])).unwrap();
    operator.filter(Threads::ONE).unwrap().1
}

#[test]
fn messages_are_read_as_they_were_written() {
    assert_eq!(RoundOpen::decode(&open().encode()), Ok(open()));
    assert_eq!(Query::decode(&query().encode()), Ok(query()));
    for proved in [false, true] {
        assert_eq!(Answer::decode(&answer(proved).encode()), Ok(answer(proved)));
    }
    for values in [0, 3, 1_024, 1_025] {
        let filter = filter(values);
        assert_eq!(filter.filter.size(), padded_size(values as usize).unwrap());
        assert_eq!(FilterMessage::decode(&filter.encode(), filter.filter.size()), Ok(filter));
    }
}

/// A kind of message: its name, one of it, and why bytes are none.
type Kind = (&'static str, Vec<u8>, fn(&[u8]) -> Option<MessageError>);

#[test]
fn a_message_that_is_cut_or_longer_or_another_is_refused() {
    let filter = filter(10);
    let read: [Kind; 5] = [
        ("open", open().encode(), |bytes| RoundOpen::decode(bytes).err()),
        ("query", query().encode(), |bytes| Query::decode(bytes).err()),
        ("answer", answer(false).encode(), |bytes| Answer::decode(bytes).err()),
        ("proved", answer(true).encode(), |bytes| Answer::decode(bytes).err()),
        ("filter", filter.encode(), |bytes| FilterMessage::decode(bytes, 1_024).err()),
    ];
    for (name, bytes, decode) in &read {
        assert_eq!(decode(bytes), None, "{name}");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_some(), "{name}, {length} of {} bytes", bytes.len());
        }
        assert!(decode(&[bytes, &[0][..]].concat()).is_some(), "{name} with a byte more");
        for (other, other_bytes, _) in &read {
            let answers = ["answer", "proved"];
            if other != name && !(answers.contains(name) && answers.contains(other)) {
                assert_eq!(decode(other_bytes), Some(MessageError::Kind), "{other} read as {name}");
            }
        }
        let version = [&[2], &bytes[1..]].concat();
        assert_eq!(decode(&version), Some(MessageError::Kind));
    }
}

#[test]
fn counts_and_sizes_are_bounded() {
    let with = |change: fn(&mut RoundOpen)| {
        let mut changed = open();
        change(&mut changed);
        RoundOpen::decode(&changed.encode()).err()
    };
    assert_eq!(with(|open| open.elements = 0), Some(MessageError::Count));
    assert_eq!(with(|open| open.elements = ROUND_ELEMENTS_MAX + 1), Some(MessageError::Count));
    assert_eq!(with(|open| open.filter_values = 1_025), Some(MessageError::Filter(FilterError::Size(1_025))));
    let mut bytes = open().encode();
    bytes[2] = 2;
    assert_eq!(RoundOpen::decode(&bytes), Err(MessageError::Mode(2)));
    for count in [0, 1_001] {
        let query = Query { elements: vec![open().public; count], ..query() };
        assert_eq!(Query::decode(&query.encode()), Err(MessageError::Count));
    }
    let mut proof = answer(true).encode();
    let last = proof.len() - 1;
    proof[last] = 0xff;
    assert_eq!(Answer::decode(&proof), Err(MessageError::Proof));
}

#[test]
fn size_buckets_are_as_the_protocol_says() {
    for (count, size) in [
        (0, 1_024),
        (1_024, 1_024),
        (1_025, 1_536),
        (1_537, 2_048),
        (1_000_000, 1_048_576),
        (1_048_577, 1_572_864),
        (FILTER_VALUES_MAX as usize, FILTER_VALUES_MAX),
    ] {
        assert_eq!(padded_size(count), Some(size), "{count}");
        assert_eq!(padded_size(size as usize), Some(size));
    }
    assert_eq!(padded_size(FILTER_VALUES_MAX as usize + 1), None);
}

/// Differences whose quotients are too great together: the numbers would leave 64 bits.
#[test]
fn a_filter_beyond_64_bits_is_refused() {
    let bits = 53;
    // One value near the end of the range by a long quotient, then a thousand small differences that pass it.
    let mut text = "1".repeat(2_047) + "0" + &"1".repeat(bits);
    text += &("0".to_owned() + &"1".repeat(bits)).repeat(1_023);
    text += &"0".repeat((8 - text.len() % 8) % 8);
    let bytes: Vec<u8> = text
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    assert_eq!(Filter::decode(1_024, &bytes), Err(FilterError::Overflow));
    // What no sorted numbers need is not even begun.
    assert_eq!(Filter::decode(1_024, &vec![0xff; 1 << 20]), Err(FilterError::Trailing));
    assert_eq!(Filter::decode(1_024, &vec![0xff; 6_912]), Err(FilterError::CutOff));
    assert_eq!(Filter::decode(FILTER_VALUES_MAX, &[0; 64]), Err(FilterError::CutOff));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever passes for a filter is one in its one encoding: bits cannot be changed and give the same.
    #[test]
    fn a_changed_filter_is_another_or_none(at in 0_usize..6_912 * 8) {
        let filter = filter(10).filter;
        let mut bytes = filter.encode();
        let at = at % (bytes.len() * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok(changed) = Filter::decode(1_024, &bytes) {
            prop_assert_ne!(&changed, &filter);
            prop_assert_eq!(changed.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_of_a_filters_length_are_read_back_or_refused(bytes in prop::collection::vec(any::<u8>(), 6_912..7_170)) {
        if let Ok(filter) = Filter::decode(1_024, &bytes) {
            prop_assert_eq!(filter.encode(), bytes);
        }
    }

    #[test]
    fn changed_messages_are_read_back_or_refused(at in 0_usize..4_000, to: u8) {
        let mut bytes = query().encode();
        let place = at % bytes.len();
        bytes[place] = to;
        if let Ok(query) = Query::decode(&bytes) {
            prop_assert_eq!(query.encode(), bytes);
        }
        let mut bytes = answer(true).encode();
        let place = at % bytes.len();
        bytes[place] = to;
        if let Ok(answer) = Answer::decode(&bytes) {
            prop_assert_eq!(answer.encode(), bytes);
        }
        let mut bytes = open().encode();
        let place = at % bytes.len();
        bytes[place] = to;
        if let Ok(open) = RoundOpen::decode(&bytes) {
            prop_assert_eq!(open.encode(), bytes);
        }
    }
}
