//! Another implementation of RFC 9497, the crate `voprf`, gives the same: as server to our client, as client to our server, and in
//! what the operator works out for itself.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it was made")]

use oprf::{Blinds, Element, Proof, SecretKey, Seed};
use proptest::prelude::*;
use rand_core::{CryptoRng, RngCore};
use voprf::{BlindedElement, EvaluationElement, Group, Ristretto255, VoprfClient, VoprfServer};

/// The oracle's randomness, reproducible.
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 29)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next_u64() as u8);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Counter {}

fn element(bytes: &[u8]) -> Element {
    Element::decode(bytes.try_into().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn their_server_answers_our_client(
        seed: [u8; 32],
        info in prop::collection::vec(any::<u8>(), 0..40),
        inputs in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 1..20),
    ) {
        let server = VoprfServer::<Ristretto255>::new_from_seed(&seed, &info).unwrap();
        let blinds = || Blinds::derive(&Seed::new(seed), 3, inputs.len());
        let blinded = blinds().blind(inputs.iter().map(Vec::as_slice));
        let asked: Vec<BlindedElement<Ristretto255>> =
            blinded.iter().map(|element| BlindedElement::deserialize(element.bytes()).unwrap()).collect();
        let answer = server.batch_blind_evaluate(&mut Counter(7), &asked).unwrap();
        let evaluated: Vec<Element> = answer.messages.iter().map(|message| element(&message.serialize())).collect();
        let proof = Proof::decode(&answer.proof.serialize().into()).unwrap();
        let public = element(&<Ristretto255 as Group>::serialize_elem(server.get_public_key()));

        let outputs =
            blinds().finalize(&public, inputs.iter().map(Vec::as_slice), &blinded, &evaluated, &proof).unwrap();
        for (input, output) in inputs.iter().zip(outputs) {
            prop_assert_eq!(&server.evaluate(input).unwrap()[..], &output[..]);
        }

        let other = SecretKey::derive(&Seed::new(seed), b"another key").unwrap();
        prop_assert!(blinds().finalize(other.public(), inputs.iter().map(Vec::as_slice), &blinded, &evaluated, &proof).is_err());
    }

    #[test]
    fn our_server_answers_their_client(
        seed: [u8; 32],
        info in prop::collection::vec(any::<u8>(), 0..40),
        inputs in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 1..20),
    ) {
        let key = SecretKey::derive(&Seed::new(seed), &info).unwrap();
        let server = VoprfServer::<Ristretto255>::new_from_seed(&seed, &info).unwrap();
        prop_assert_eq!(element(&<Ristretto255 as Group>::serialize_elem(server.get_public_key())), *key.public());

        let mut random = Counter(11);
        let (clients, asked): (Vec<_>, Vec<_>) = inputs
            .iter()
            .map(|input| {
                let blinded = VoprfClient::<Ristretto255>::blind(input, &mut random).unwrap();
                (blinded.state, element(&blinded.message.serialize()))
            })
            .unzip();
        let (evaluated, proof) = key.prove_batch(&asked, &Seed::new([5; 32]));
        let messages: Vec<EvaluationElement<Ristretto255>> =
            evaluated.iter().map(|element| EvaluationElement::deserialize(element.bytes()).unwrap()).collect();
        let proof = voprf::Proof::deserialize(&proof.encode()).unwrap();
        let outputs =
            VoprfClient::batch_finalize(&inputs, &clients, &messages, &proof, server.get_public_key()).unwrap();
        for (input, output) in inputs.iter().zip(outputs) {
            prop_assert_eq!(output.unwrap(), server.evaluate(input).unwrap());
        }
    }
}
