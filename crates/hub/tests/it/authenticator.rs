//! A passkey in software: what a browser and its authenticator would answer (WebAuthn Level 3 §6, §7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

pub(crate) struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    user: String,
    counter: u32,
    pub(crate) origin: String,
}

impl Authenticator {
    /// Answers the creation options; gives the passkey and the credential's JSON.
    pub(crate) fn create(options: &Value, origin: &str) -> (Self, Value) {
        let key = loop {
            if let Ok(key) = SigningKey::from_slice(&store::secrets::random().unwrap()) {
                break key;
            }
        };
        let id = store::secrets::random().unwrap().to_vec();
        let user = options["user"]["id"].as_str().unwrap().to_owned();
        let new = Self { key, id, user, counter: 0, origin: origin.to_owned() };
        let point = new.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let mut data =
            new.head(options["rp"]["id"].as_str().unwrap(), USER_PRESENT | USER_VERIFIED | ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(new.id.len()).unwrap().to_be_bytes());
        data.extend(&new.id);
        // COSE: EC2, ES256, P-256, x, y.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        let mut attestation = vec![0xa3, 0x63];
        attestation.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        attestation.push(u8::try_from(data.len()).unwrap());
        attestation.extend(&data);
        let client = new.client_data("webauthn.create", options);
        let response = json!({
            "attestationObject": encode(&attestation), "clientDataJSON": encode(client.as_bytes()), "transports": ["internal"],
            "publicKeyAlgorithm": -7,
        });
        let credential = new.credential(&response);
        (new, credential)
    }

    /// Answers the request options.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let data = self.head(options["rpId"].as_str().unwrap(), USER_PRESENT | USER_VERIFIED);
        let client = self.client_data("webauthn.get", options);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(client.as_bytes()));
        let signature: Signature = self.key.sign(&signed);
        self.credential(&json!({
            "authenticatorData": encode(&data), "clientDataJSON": encode(client.as_bytes()),
            "signature": encode(signature.to_der().as_bytes()), "userHandle": self.user,
        }))
    }

    fn head(&self, rp: &str, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(rp.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false }).to_string()
    }

    fn credential(&self, response: &Value) -> Value {
        json!({
            "id": encode(&self.id), "rawId": encode(&self.id), "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {}, "response": response,
        })
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
