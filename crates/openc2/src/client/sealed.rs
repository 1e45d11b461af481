//! What a hub and its edge tell each other beside a message of OpenC2: who asked for an order and on which authority, and what became of it. It
//! is no broker's business, and no broker may make it up. So it travels in a property of the packet, sealed with AES-256-GCM under a key
//! that is made from what the two share already, the edge's token.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::mqtt::Publish;

/// The property that holds it.
const PROPERTY: &str = "yagura";
/// What the key is made for.
const DOMAIN: &[u8] = b"yagura beside OpenC2 v1";

/// What two share: SHA-256 of the edge's token, which the hub keeps in its place.
pub type Secret = [u8; 32];

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// By a hub with an order.
    Order,
    /// By an edge with an answer.
    Answer,
}

impl Beside {
    /// What it is bound to, so that it stands beside this message and no other: its way, and the message's bytes.
    fn bound_to(self, packet: &Publish) -> Vec<u8> {
        let way: &[u8] = match self {
            Self::Order => b"order\n",
            Self::Answer => b"answer\n",
        };
        [way, &packet.payload].concat()
    }

    /// Puts it beside a message. Where it cannot be sealed the packet is left as it is.
    #[must_use]
    pub fn seal(self, mut packet: Publish, secret: &Secret, told: &[u8]) -> Publish {
        let sealed = key(secret).and_then(|key| {
            let mut text = told.to_vec();
            let nonce = key.seal_in_place_append_tag(Aad::from(self.bound_to(&packet)), &mut text).ok()?;
            let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
            Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), text.as_slice()].concat()))
        });
        if let Some(sealed) = sealed {
            packet.user_properties.push((PROPERTY.to_owned(), sealed));
        }
        packet
    }

    /// What was put beside a message by whoever shares the secret; nothing where there is none, or somebody else made it.
    #[must_use]
    pub fn open(self, packet: &Publish, secret: &Secret) -> Option<Vec<u8>> {
        let mut all = packet.user_properties.iter().filter(|(name, _)| name == PROPERTY);
        let ((_, sealed), None) = (all.next()?, all.next()) else { return None };
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = sealed.to_vec();
        let opened = key(secret)?.open_in_place(nonce, Aad::from(self.bound_to(packet)), &mut text).ok()?;
        Some(opened.to_vec())
    }
}

fn key(secret: &Secret) -> Option<RandomizedNonceKey> {
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), DOMAIN);
    RandomizedNonceKey::new(&AES_256_GCM, made.as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(payload: &str) -> Publish {
        Publish {
            topic: "oc2/cmd/device/edge-1".to_owned(),
            qos: 1,
            retain: false,
            is_text: true,
            content_type: None,
            user_properties: Vec::new(),
            response_topic: None,
            message_expiry_s: None,
            payload: payload.as_bytes().to_vec(),
        }
    }

    #[test]
    fn what_stands_beside_a_message_is_for_two_and_for_this_message() {
        let told = b"asked by the police";
        let sealed = Beside::Order.seal(packet("a"), &[7; 32], told);
        assert_eq!(Beside::Order.open(&sealed, &[7; 32]).as_deref(), Some(&told[..]));
        assert!(!format!("{sealed:?}").contains("police"));
        assert_eq!(Beside::Order.open(&sealed, &[8; 32]), None, "another secret");
        assert_eq!(Beside::Answer.open(&sealed, &[7; 32]), None, "another way");
        let moved = Publish { user_properties: sealed.user_properties.clone(), ..packet("b") };
        assert_eq!(Beside::Order.open(&moved, &[7; 32]), None, "another message");
        let mut twice = sealed.clone();
        twice.user_properties.extend(sealed.user_properties.clone());
        assert_eq!(Beside::Order.open(&twice, &[7; 32]), None);
        for text in ["", "?", "AAAA", &"A".repeat(64)] {
            let made_up =
                Publish { user_properties: vec![(PROPERTY.to_owned(), text.to_owned())], ..packet("a") };
            assert_eq!(Beside::Order.open(&made_up, &[7; 32]), None, "{text}");
        }
        assert_eq!(Beside::Order.open(&packet("a"), &[7; 32]), None);
    }
}
