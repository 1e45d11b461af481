//! Sealed records, certificates and pseudonyms.

use std::collections::BTreeSet;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use proptest::prelude::*;
use vault::{
    Algorithm, CONTENT_BYTES_MAX, Certificate, CertificateError, ClassKey, Count, Pseudonyms, PublicKey,
    RecordError, RecordId, SealedRecord, Secret, Statement, record_root,
};

use crate::support::{Seeded, at, id, name};

fn class_key(text: &str, seed: u64) -> ClassKey {
    ClassKey::new(id(text), &Secret::draw(&Seeded::new(seed)).unwrap()).unwrap()
}

fn sealed(content: &[u8]) -> (ClassKey, SealedRecord) {
    let key = class_key("a/2026-11-29/c", 1);
    let record = SealedRecord::seal(&key, RecordId::new("r").unwrap(), content, &Seeded::new(2)).unwrap();
    (key, record)
}

proptest! {
    #[test]
    fn what_was_sealed_opens_to_what_it_was(
        content in prop::collection::vec(any::<u8>(), 0..2_000),
        record in "[^\\p{Cc}]{1,60}",
        seed in any::<u64>(),
    ) {
        let key = class_key("a/2026-11-29/c", seed);
        let record = RecordId::new(record).unwrap();
        let sealed = SealedRecord::seal(&key, record.clone(), &content, &Seeded::new(!seed)).unwrap();
        let read = SealedRecord::parse(sealed.to_bytes()).unwrap();
        prop_assert_eq!(&read, &sealed);
        prop_assert_eq!((read.id(), read.class_key()), (&record, key.id()));
        prop_assert_eq!(&*read.open(&key).unwrap(), &*content);
    }

    #[test]
    fn a_changed_byte_anywhere_does_not_open(
        content in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        change in 1_u8..=255,
    ) {
        let (key, sealed) = sealed(&content);
        let mut bytes = sealed.to_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        // It is read as another record or as none; it opens never.
        let opened = SealedRecord::parse(bytes).and_then(|record| {
            // Also under a key of the name that it now bears and the same secret.
            let same = ClassKey::new(record.class_key().clone(), &Secret::draw(&Seeded::new(1)).unwrap()).unwrap();
            record.open(&same).or_else(|_| record.open(&key))
        });
        prop_assert!(opened.is_err());
    }

    #[test]
    fn a_cut_or_longer_one_does_not_open(content in prop::collection::vec(any::<u8>(), 0..50), cut in any::<prop::sample::Index>()) {
        let (key, sealed) = sealed(&content);
        let bytes = sealed.to_bytes();
        let shorter = bytes[..cut.index(bytes.len())].to_vec();
        prop_assert!(SealedRecord::parse(shorter).and_then(|record| record.open(&key)).is_err());
        let longer = [bytes, b"\0"].concat();
        prop_assert!(SealedRecord::parse(longer).and_then(|record| record.open(&key)).is_err());
    }

    #[test]
    fn reading_anything_gives_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400), text in ".{0,400}") {
        let _ = SealedRecord::parse([b"YVR\x01".as_slice(), &bytes].concat());
        let _ = SealedRecord::parse(bytes);
        let _ = Certificate::parse(&text);
        let _ = PublicKey::parse(&text);
    }

    #[test]
    fn the_root_is_that_of_rfc_6962(numbers in prop::collection::btree_set(any::<u16>(), 0..70)) {
        let ids: BTreeSet<RecordId> =
            numbers.into_iter().map(|number| RecordId::new(format!("r{number}")).unwrap()).collect();
        let mut log = tlog::Frontier::new();
        for id in &ids {
            log.append(tlog::leaf_hash(id.as_str().as_bytes()));
        }
        prop_assert_eq!(record_root(&ids), log.root());
    }

    #[test]
    fn a_bucket_is_the_smallest_power_of_ten(number in 0_u64..=1 << 53) {
        let Count::AtMost(bound) = Count::bucket(number) else { panic!("an exact number") };
        prop_assert!(number <= bound && (bound == 10 || bound / 10 < number));
        prop_assert!(Count::bucket(number).fits(number) && Count::Exact(number).fits(number));
        prop_assert!(!Count::Exact(number).fits(number + 1));
    }

    #[test]
    fn a_certificate_is_read_as_it_was_written(number in 0_u64..=1 << 53, second in 0_i64..=200_000_000_000) {
        let pair = pair(3);
        let mut statement = statement(&public(&pair));
        statement.records = Count::Exact(number);
        statement.confirmed_gone = jiff::Timestamp::from_second(second).unwrap();
        let certificate = signed(&pair, statement);
        let read = Certificate::parse(&certificate.to_text().unwrap()).unwrap();
        prop_assert_eq!(&read, &certificate);
        prop_assert!(read.verify(&public(&pair)).is_ok());
    }
}

#[test]
fn another_key_and_another_name_do_not_open() {
    let (key, sealed) = sealed(b"content");
    let other_name = class_key("a/2026-11-30/c", 1);
    assert!(matches!(sealed.open(&other_name), Err(RecordError::OtherKey { .. })));
    assert!(matches!(sealed.open(&class_key("a/2026-11-29/c", 9)), Err(RecordError::Unopenable)));
    // Moved by somebody who can write the database: the name rewritten in the header, the same secret.
    for (from, to) in [("2026-11-29", "2026-11-28"), ("a/2026", "b/2026"), ("/c", "/d")] {
        let bytes = sealed.to_bytes();
        let place = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let moved = [&bytes[..place], to.as_bytes(), &bytes[place + from.len()..]].concat();
        let moved = SealedRecord::parse(moved).unwrap();
        let key = ClassKey::new(moved.class_key().clone(), &Secret::draw(&Seeded::new(1)).unwrap()).unwrap();
        assert!(matches!(moved.open(&key), Err(RecordError::Unopenable)), "{to}");
    }
    assert_eq!(&*sealed.open(&key).unwrap(), b"content");
}

#[test]
fn content_of_one_record_does_not_open_as_anothers() {
    let key = class_key("a/2026-11-29/c", 1);
    let seal = |id: &str, seed| {
        SealedRecord::seal(&key, RecordId::new(id).unwrap(), b"content", &Seeded::new(seed)).unwrap()
    };
    let (one, other) = (seal("1", 5), seal("2", 6));
    // The wrapped data key of one before the content of the other: what bears the header of either does not open.
    let cut = one.to_bytes().len() - (12 + 7 + 16);
    let mixed = [&one.to_bytes()[..cut], &other.to_bytes()[cut..]].concat();
    assert!(matches!(SealedRecord::parse(mixed).unwrap().open(&key), Err(RecordError::Unopenable)));
    // All of both layers under the other's header.
    let header = other.to_bytes().len() - (60 + 12 + 7 + 16);
    let moved = [&other.to_bytes()[..header], &one.to_bytes()[header..]].concat();
    assert!(matches!(SealedRecord::parse(moved).unwrap().open(&key), Err(RecordError::Unopenable)));
}

#[test]
fn the_form_of_version_1_stays() {
    let (key, sealed) = sealed(b"content");
    let begins = hex::encode(&sealed.to_bytes()[..21]);
    assert_eq!(begins, "595652010e612f323032362d31312d32392f630172", "YVR 1, 14 a/2026-11-29/c, 1 r");
    assert_eq!(sealed.to_bytes().len(), 21 + 60 + 12 + 7 + 16);
    let newer = [b"YVR\x02".as_slice(), &sealed.to_bytes()[4..]].concat();
    assert_eq!(SealedRecord::parse(newer), Err(RecordError::Version(2)));
    // As an earlier build of version 1 wrote it: whatever changes, this has to open.
    let kept = include_str!("record-v1.hex").trim();
    assert_eq!(hex::encode(sealed.to_bytes()), kept);
    assert_eq!(&*SealedRecord::parse(hex::decode(kept).unwrap()).unwrap().open(&key).unwrap(), b"content");
}

#[test]
fn what_is_too_long_is_not_sealed() {
    let key = class_key("a/2026-11-29/c", 1);
    let long = vec![0; CONTENT_BYTES_MAX + 1];
    let record = || RecordId::new("r").unwrap();
    assert!(SealedRecord::seal(&key, record(), &long, &Seeded::new(1)).is_err());
    assert!(SealedRecord::seal(&key, record(), &long[1..], &Seeded::new(1)).is_ok());
    for wrong in ["", "a\nb", &"x".repeat(256)] {
        assert_eq!(RecordId::new(wrong), Err(RecordError::Id));
    }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(pair: &Ed25519KeyPair) -> PublicKey {
    PublicKey::new(Algorithm::Ed25519, pair.public_key().as_ref()).unwrap()
}

fn statement(key: &PublicKey) -> Statement {
    let ids = BTreeSet::from(["1", "2"].map(|id| RecordId::new(id).unwrap()));
    Statement {
        authorisation: name("a"),
        class_key: id("a/2026-11-29/c"),
        confirmed_gone: at("2026-12-01T00:00:01.5Z"),
        expired: at("2026-12-01T00:00:00Z"),
        key_service: "file".to_owned(),
        records: Count::Exact(2),
        records_root: hex::encode(record_root(&ids)),
        signed_by: key.fingerprint(),
        version: 1,
    }
}

fn signed(pair: &Ed25519KeyPair, statement: Statement) -> Certificate {
    let signature = pair.sign(&statement.to_signed_bytes().unwrap());
    Certificate::new(statement, Algorithm::Ed25519, signature.as_ref()).unwrap()
}

/// What is said to a changed text of a good certificate.
fn check_certificate(from: &str, to: &str, expected: &str) {
    let pair = pair(3);
    let text = signed(&pair, statement(&public(&pair))).to_text().unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    let outcome =
        Certificate::parse(&text.replacen(from, to, 1)).and_then(|read| read.verify(&public(&pair)));
    let found = outcome.map_or_else(|cause| cause.to_string(), |_| "good".to_owned());
    assert!(found.contains(expected), "{to}: {found}");
}

#[test]
fn a_certificate_says_one_thing_in_one_spelling() {
    check_certificate("a", "a", "good");
    check_certificate("2026-12-01T00:00:01.5Z", "2026-12-01T00:00:02.5Z", "signature does not hold");
    check_certificate("2026-12-01T00:00:01.5Z", "2026-12-01T00:00:01.50Z", "canonical form");
    check_certificate("\"exact\":2", "\"exact\":3", "signature does not hold");
    check_certificate("\"exact\":2", "\"at_most\":11", "no power of ten");
    check_certificate("\"exact\":2", "\"exact\":9007199254740993", "so many records");
    check_certificate("\"authorisation\":\"a\"", "\"authorisation\":\"b\"", "not that of its key");
    check_certificate("\"version\":1", "\"version\":2", "of version 2");
    check_certificate("\"version\":1", "\"version\":1,\"version\":1", "duplicate field");
    check_certificate("\"version\":1", "\"version\":1,\"x\":1", "unknown field");
    check_certificate("\"signature\":\"", "\"signature\":\"00", "signature does not hold");
    check_certificate("\"algorithm\":\"ed25519\"", "\"algorithm\":\"ecdsa-p256-raw\"", "names the key");
    check_certificate("{", " {", "canonical form");
}

#[test]
fn a_certificate_is_about_its_records_and_by_its_key() {
    let pair = pair(3);
    let certificate = signed(&pair, statement(&public(&pair)));
    let other = public(&self::pair(4));
    assert!(matches!(certificate.verify(&other), Err(CertificateError::OtherKey { .. })));
    let verified = certificate.verify(&public(&pair)).unwrap();
    let ids = |texts: &[&str]| texts.iter().map(|text| RecordId::new(*text).unwrap()).collect();
    assert_eq!(verified.check_records(&ids(&["2", "1"])), Ok(()));
    for others in [ids(&["1"]), ids(&["1", "3"]), ids(&["1", "2", "3"]), ids(&[])] {
        assert_eq!(verified.check_records(&others), Err(CertificateError::OtherRecords(others.len())));
    }
    let text = public(&pair).to_string();
    assert_eq!(PublicKey::parse(&text), Ok(public(&pair)));
    assert!(
        PublicKey::parse(&text.to_uppercase()).is_err() && PublicKey::parse(text.get(..60).unwrap()).is_err()
    );
}

#[test]
fn pseudonyms_are_the_same_within_an_authorisation_and_kind() {
    let of = |key: &ClassKey, kind: &str, value: &str| Pseudonyms::new(key).of(kind, value.as_bytes());
    let key = class_key("a/2026-11-29/c", 1);
    let one = of(&key, "ipv4-addr", "192.0.2.1");
    assert_eq!(one, of(&key, "ipv4-addr", "192.0.2.1"));
    assert_eq!(one.to_string().len(), 32);
    assert_ne!(one, of(&key, "ipv4-addr", "192.0.2.2"));
    assert_ne!(one, of(&key, "domain-name", "192.0.2.1"));
    assert_ne!(of(&key, "ab", "c"), of(&key, "a", "bc"));
    // Even where two authorisations had one secret, and surely where they have two.
    assert_ne!(one, of(&class_key("b/2026-11-29/c", 1), "ipv4-addr", "192.0.2.1"));
    assert_ne!(one, of(&class_key("a/2026-11-29/c", 2), "ipv4-addr", "192.0.2.1"));
}
