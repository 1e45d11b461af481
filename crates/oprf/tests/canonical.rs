//! What both sides of a round must spell alike: the vectors of `testdata/canonical.tsv`, held against the spelling that `stix` gives.
//!
//! A line is: kind as written, value as written (with `\u{…}` escapes), kind and value in their one spelling, the first 64 bits of
//! the function's output on it with the key derived from 32 bytes 0xa3 and `test key`, as the filter holds them. An edge that is
//! written in another language, or by someone else, takes the file and must give the same.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where something is not as it was made"
)]

use oprf::{Blinds, Input, SecretKey, Seed};
use stix::observable::{ValueKind, canonical};
use voprf::{Ristretto255, VoprfServer};

const VECTORS: &str = include_str!("../testdata/canonical.tsv");

fn key() -> SecretKey {
    SecretKey::derive(&Seed::new([0xa3; 32]), b"test key").unwrap()
}

/// The output's first 64 bits, as whoever asks gets them and as another implementation works them out.
fn output(key: &SecretKey, input: &Input) -> String {
    let theirs = VoprfServer::<Ristretto255>::new_from_seed(&[0xa3; 32], b"test key").unwrap();
    let theirs = theirs.evaluate(input.bytes()).unwrap();
    let blinds = Blinds::derive(&Seed::new([1; 32]), 0, 1);
    let blinded = blinds.blind([input.bytes()]);
    let (evaluated, proof) = key.prove_batch(&blinded, &Seed::new([2; 32]));
    let outputs = blinds.finalize(key.public(), [input.bytes()], &blinded, &evaluated, &proof).unwrap();
    assert_eq!(outputs[0][..], theirs[..]);
    hex::encode(&outputs[0][..8])
}

/// Undoes the file's `\u{…}`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        plain.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        plain.push_str(rest);
    }
    plain
}

#[test]
fn values_are_spelt_as_the_vectors_say() {
    let key = key();
    let (mut lines, mut wrong) = (0, vec![]);
    for line in VECTORS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [kind, written, canonical_kind, value, expected] = *line.split('\t').collect::<Vec<_>>() else {
            panic!("not five columns: {line}")
        };
        let kind = ValueKind::from_name(kind).unwrap();
        let (found_kind, found) = canonical(kind, &unescaped(written)).unwrap();
        let found_output = output(&key, &Input::new(found_kind.name(), found.as_bytes()).unwrap());
        if (found_kind.name(), found.as_str(), found_output.as_str())
            != (canonical_kind, &unescaped(value), expected)
        {
            wrong.push(format!("{}\t{written}\t{}\t{found}\t{found_output}", kind.name(), found_kind.name()));
        }
        lines += 1;
    }
    assert!(wrong.is_empty(), "found:\n{}", wrong.join("\n"));
    assert!(lines >= 40);
}

#[test]
fn every_kind_has_a_vector() {
    let has = |kind: &ValueKind| VECTORS.lines().any(|line| line.starts_with(&format!("{}\t", kind.name())));
    let without: Vec<&str> =
        ValueKind::ALL.iter().filter(|kind| !has(kind)).map(|kind| kind.name()).collect();
    assert!(without.is_empty(), "no vector for {without:?}");
}
