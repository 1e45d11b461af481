//! RFC 9497 appendix A.1.2 (ristretto255-SHA512, VOPRF mode).

use curve25519_dalek::Scalar;

use crate::blind::Blinds;
use crate::element::Element;
use crate::input::Input;
use crate::key::SecretKey;
use crate::message::Mode;
use crate::proof::{Composites, Proof};
use crate::seed::Seed;
use crate::suite;

const PUBLIC: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";
const SECRET: &str = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909";
const INPUTS: [&str; 2] = ["00", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"];
const BLIND: &str = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";
const OTHER_BLIND: &str = "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e";
const OUTPUTS: [&str; 2] = [
    "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
    "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
];

/// One vector: its inputs' places, blinds, blinded and evaluated elements, proof and the proof's random scalar.
struct Vector {
    inputs: &'static [usize],
    blinds: &'static [&'static str],
    blinded: &'static [&'static str],
    evaluated: &'static [&'static str],
    proof: &'static str,
    nonce: &'static str,
}

const VECTORS: [Vector; 3] = [
    Vector {
        inputs: &[0],
        blinds: &[BLIND],
        blinded: &["863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"],
        evaluated: &["aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"],
        proof: "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd066d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        nonce: OTHER_BLIND,
    },
    Vector {
        inputs: &[1],
        blinds: &[BLIND],
        blinded: &["cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c"],
        evaluated: &["60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468"],
        proof: "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        nonce: OTHER_BLIND,
    },
    Vector {
        inputs: &[0, 1],
        blinds: &[BLIND, OTHER_BLIND],
        blinded: &[
            "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
        ],
        evaluated: &[
            "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
        ],
        proof: "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        nonce: "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
    },
];

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn scalar(text: &str) -> Scalar {
    Scalar::from_canonical_bytes(bytes(text)).unwrap()
}

fn key() -> SecretKey {
    SecretKey::derive(&Seed::new([0xa3; 32]), &hex::decode("74657374206b6579").unwrap()).unwrap()
}

fn encodings(elements: &[Element]) -> Vec<String> {
    elements.iter().map(|element| hex::encode(element.bytes())).collect()
}

#[test]
fn the_key_is_that_of_the_specification() {
    let key = key();
    assert_eq!(hex::encode(key.secret().as_bytes()), SECRET);
    assert_eq!(hex::encode(key.public().bytes()), PUBLIC);
}

#[test]
fn blinding_evaluation_proof_and_output_are_those_of_the_specification() {
    let key = key();
    for vector in &VECTORS {
        let inputs: Vec<Vec<u8>> =
            vector.inputs.iter().map(|place| hex::decode(INPUTS[*place]).unwrap()).collect();
        let inputs = || inputs.iter().map(Vec::as_slice);
        let blinds = Blinds::of(vector.blinds.iter().map(|text| scalar(text)).collect());
        let blinded = blinds.blind(inputs());
        assert_eq!(encodings(&blinded), vector.blinded);

        let evaluated = key.evaluate_blinded(&blinded);
        assert_eq!(encodings(&evaluated), vector.evaluated);
        let sums = Composites::with_key(key.secret(), key.public(), &blinded, &evaluated);
        let proof = Proof::generate(key.secret(), key.public(), &sums, &scalar(vector.nonce));
        assert_eq!(hex::encode(proof.encode()), vector.proof);

        let outputs = blinds.finalize(key.public(), inputs(), &blinded, &evaluated, &proof).unwrap();
        let expected: Vec<&str> = vector.inputs.iter().map(|place| OUTPUTS[*place]).collect();
        assert_eq!(outputs.iter().map(hex::encode).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_operators_own_evaluation_gives_the_same_output() {
    let key = key();
    let input = Input::new("domain-name", b"evil.example").unwrap();
    let blinds = Blinds::derive(&Seed::new([9; 32]), 0, 1);
    let blinded = blinds.blind([input.bytes()]);
    let (evaluated, proof) = key.prove_batch(&blinded, &Seed::new([8; 32]));
    let asked = blinds.finalize(key.public(), [input.bytes()], &blinded, &evaluated, &proof).unwrap();
    assert_eq!(key.evaluate(std::slice::from_ref(&input), Mode::Match), asked);
    assert_ne!(key.evaluate(&[input], Mode::Count), asked);
}

#[test]
fn the_domains_are_those_of_the_specification() {
    assert_eq!(suite::HASH_TO_GROUP, b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512");
    assert_eq!(suite::SEED, b"Seed-OPRFV1-\x01-ristretto255-SHA512");
}
