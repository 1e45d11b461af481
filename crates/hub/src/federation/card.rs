//! The card that a hub gives out: who it is, where it is reached, and its certificate, signed with the key of its log.
//!
//! A card is a signed note (C2SP), so a person can read it. Its first line is `yagura-peer-card/v1`. Whoever adds a peer compares
//! the key's fingerprint with the other side by another way than the card came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tlog::{SigningKey, VerifyingKey};
use url::Url;

/// What the card's note begins with, after `yagura-`.
const KIND: &str = "peer-card/v1";
/// Longest name on a card, in characters.
const NAME_CHARACTERS_MAX: usize = 200;

/// What a hub says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    /// The hub's id: made from its key.
    pub(crate) hub: String,
    /// Its name in Japanese.
    pub(crate) name_ja: String,
    /// Its name in English.
    pub(crate) name_en: String,
    /// Where peers reach it; absent where it opens all connections itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<Url>,
    /// Whether it gives only and takes nothing.
    pub(crate) one_way: bool,
    /// Its certificate: DER in base64.
    pub(crate) certificate: String,
    /// The key of its log (C2SP verifier key): what the card is signed with.
    pub(crate) key: String,
    /// When the card was made: RFC 3339.
    pub(crate) issued: jiff::Timestamp,
}

/// The card cannot be used; the text says why, for a person.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the card {0}")]
pub(crate) struct CardError(String);

impl Card {
    /// The card as it is given out.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        // Texts and a flag: there is nothing in it that JSON could not hold.
        key.sign_statement(KIND, &serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a card and checks that its own key signed it.
    pub(crate) fn open(text: &str) -> Result<Self, CardError> {
        let wrong = |why: &str| CardError(why.to_owned());
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut lines = text.lines();
        if lines.next() != Some(&format!("yagura-{KIND}")) {
            return Err(wrong("is none: its first line is not `yagura-peer-card/v1`"));
        }
        let body = lines.next().unwrap_or_default();
        let card: Self = serde_json::from_str(body).map_err(|e| CardError(format!("cannot be read: {e}")))?;
        let key = VerifyingKey::parse(&card.key).map_err(|e| CardError(format!("has no usable key: {e}")))?;
        let signed = tlog::open_text(&text, &key)
            .map_err(|_| wrong("was changed after it was signed; ask the other hub for it again"))?;
        if signed != format!("yagura-{KIND}\n{body}\n") {
            return Err(wrong("has more in it than its one statement"));
        }
        if card.hub != hub_id(&key) {
            return Err(wrong("names a hub that its key does not make"));
        }
        card.check()?;
        Ok(card)
    }

    /// The certificate.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, CardError> {
        STANDARD.decode(&self.certificate).map_err(|_| CardError("has no usable certificate".to_owned()))
    }

    /// The certificate's fingerprint.
    pub(crate) fn fingerprint(&self) -> Result<String, CardError> {
        Ok(fingerprint(&self.certificate()?))
    }

    fn check(&self) -> Result<(), CardError> {
        let wrong = |why: &str| CardError(why.to_owned());
        let is_name = |name: &String| {
            !name.trim().is_empty()
                && name.chars().count() <= NAME_CHARACTERS_MAX
                && !name.chars().any(char::is_control)
        };
        if ![&self.name_ja, &self.name_en].into_iter().all(is_name) {
            return Err(wrong("has a name that is empty or too long"));
        }
        if self.one_way && self.address.is_some() {
            return Err(wrong("is of a hub that takes nothing in and yet says where it listens"));
        }
        if let Some(address) = &self.address {
            check_address(address)?;
        }
        let certificate = rustls::pki_types::CertificateDer::from(self.certificate()?);
        rustls::server::ParsedCertificate::try_from(&certificate)
            .map_err(|_| wrong("has a certificate that is broken"))?;
        Ok(())
    }
}

/// An address at which a hub can be reached: `https://host:port` and nothing more.
pub(crate) fn check_address(address: &Url) -> Result<(), CardError> {
    let good = address.scheme() == "https"
        && address.host().is_some()
        && address.path() == "/"
        && address.query().is_none()
        && address.username().is_empty();
    if good {
        Ok(())
    } else {
        Err(CardError(format!("has the address `{address}`, which is not of the form `https://host:port`")))
    }
}

/// A hub's id: 32 hexadecimal digits made from its log's key, whatever the hub is called.
pub(crate) fn hub_id(key: &VerifyingKey) -> String {
    let mut hash = Sha256::new();
    hash.update(b"yagura hub\n");
    hash.update(key.to_bytes());
    let mut id = hex::encode(hash.finalize());
    id.truncate(32);
    id
}

/// Whether a text has the form of a hub's id.
pub(crate) fn is_hub_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// SHA-256 of a certificate, hexadecimal.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    hex::encode(Sha256::digest(certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed("hub.example.jp/log", [7; 32]).unwrap()
    }

    fn card() -> Card {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Card {
            hub: hub_id(&key().verifying_key()),
            name_ja: "国".to_owned(),
            name_en: "National".to_owned(),
            address: Some(Url::parse("https://hub.example.jp:8441").unwrap()),
            one_way: false,
            certificate: STANDARD.encode(made.cert.der()),
            key: key().verifying_key().encode(),
            issued: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn check(change: impl FnOnce(&mut Card), expected: &str) {
        let mut card = card();
        change(&mut card);
        let found = Card::open(&card.sign(&key())).map_or_else(|e| e.to_string(), |_| "good".to_owned());
        assert!(found.contains(expected), "`{found}` is not `{expected}`");
    }

    #[test]
    fn a_card_is_read_as_it_was_signed() {
        let card = card();
        assert_eq!(Card::open(&card.sign(&key())).unwrap(), card);
        let windows = card.sign(&key()).replace('\n', "\r\n");
        assert_eq!(Card::open(&windows).unwrap(), card);
    }

    #[test]
    fn what_a_card_must_not_say() {
        check(|card| card.hub = "0".repeat(32), "names a hub that its key does not make");
        check(|card| card.name_en = String::new(), "a name that is empty");
        check(|card| card.address = Url::parse("http://hub.example.jp").ok(), "is not of the form");
        check(|card| card.address = Url::parse("https://h/x").ok(), "is not of the form");
        check(|card| card.certificate = "AAAA".to_owned(), "certificate that is broken");
        check(|card| card.one_way = true, "takes nothing in and yet says where it listens");
        check(|card| card.key = String::new(), "no usable key");
    }

    #[test]
    fn a_card_that_was_changed_is_refused() {
        let signed = card().sign(&key());
        let changed = signed.replace("hub.example.jp:8441", "evil.example.jp:8441");
        assert!(Card::open(&changed).unwrap_err().to_string().contains("was changed"));
        assert!(Card::open("-----BEGIN CERTIFICATE-----").unwrap_err().to_string().contains("first line"));
        let other = SigningKey::from_seed("hub.example.jp/log", [8; 32]).unwrap();
        assert!(Card::open(&card().sign(&other)).unwrap_err().to_string().contains("was changed"));
    }
}
