use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use stix::Timestamp;

use super::{COUNTERSIGNATURES_MAX, algorithm, signed_text};
use crate::{ParseError, Playbook};

/// Who signs, with an Ed25519 key.
pub struct Signer {
    pair: Ed25519KeyPair,
    created_by: String,
    signee: String,
}

/// What a signature says besides the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its identifier, `jss--UUID`.
    pub id: String,
    /// When it is made.
    pub created: Timestamp,
    /// From when it holds; from ever where there is none.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds; for ever where there is none.
    pub valid_until: Option<Timestamp>,
}

/// Why a playbook was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The bytes are no Ed25519 key.
    #[error("the signing key is no Ed25519 key")]
    Key,
    /// The playbook has findings that are errors; nobody would run it.
    #[error("the playbook has errors: mend them before it is published")]
    NotSound,
    /// There is no signature of this identifier to countersign.
    #[error("the playbook has no signature `{0}`")]
    NoSuchSignature(String),
    /// Signatures countersign each other too deep.
    #[error("more than {COUNTERSIGNATURES_MAX} signatures would countersign each other")]
    TooDeep,
    /// The document has no canonical form.
    #[error("the playbook has no canonical form")]
    Canonical,
    /// The signed document could not be read again.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl Signer {
    /// A signer out of the 32 bytes of an Ed25519 private key (RFC 8032 §5.1.5), its STIX identity and its name.
    ///
    /// # Errors
    /// [`SigningError::Key`].
    pub fn new(seed: &[u8; 32], created_by: &str, signee: &str) -> Result<Self, SigningError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SigningError::Key)?;
        Ok(Self { pair, created_by: created_by.to_owned(), signee: signee.to_owned() })
    }

    /// The public key as it stands in `public_key`: SubjectPublicKeyInfo (RFC 8410 §4) in base64.
    #[must_use]
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.spki())
    }

    /// The public key as SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        [&PREFIX, self.pair.public_key().as_ref()].concat()
    }

    /// Signs the playbook and adds the signature to those that are there.
    ///
    /// # Errors
    /// A playbook with errors is not signed.
    pub fn sign(&self, playbook: &Playbook, statement: &Statement) -> Result<Playbook, SigningError> {
        if !playbook.is_sound() {
            return Err(SigningError::NotSound);
        }
        let mut signature = self.unsigned(playbook, statement);
        let value = self.value(playbook.document(), &[&signature])?;
        signature.insert("value".to_owned(), Value::String(value));
        let mut document = playbook.document().clone();
        let entry = document.entry("signatures").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = entry {
            list.push(Value::Object(signature));
        }
        reread(&document)
    }

    /// Countersigns the innermost of the signatures that hang on the one with this identifier: says that this signer has seen it.
    ///
    /// # Errors
    /// There is no such signature, or too many hang on it.
    pub fn countersign(
        &self,
        playbook: &Playbook,
        signature_id: &str,
        statement: &Statement,
    ) -> Result<Playbook, SigningError> {
        let mut document = playbook.document().clone();
        let mut signature = self.unsigned(playbook, statement);
        let list = document.get_mut("signatures").and_then(Value::as_array_mut).into_iter().flatten();
        let first = (list.filter_map(Value::as_object_mut))
            .find(|object| object.get("id").and_then(Value::as_str) == Some(signature_id))
            .ok_or_else(|| SigningError::NoSuchSignature(signature_id.to_owned()))?;
        let mut chain: Vec<&Map<String, Value>> = vec![first];
        while let Some(next) = chain.last().and_then(|last| last.get("signature")).and_then(Value::as_object)
        {
            chain.push(next);
        }
        if chain.len() >= COUNTERSIGNATURES_MAX {
            return Err(SigningError::TooDeep);
        }
        chain.push(&signature);
        let value = self.value(playbook.document(), &chain)?;
        signature.insert("value".to_owned(), Value::String(value));
        attach(first, signature);
        reread(&document)
    }

    /// A signature that stands beside the playbook and not in it.
    ///
    /// # Errors
    /// A playbook with errors is not signed.
    pub fn sign_detached(
        &self,
        playbook: &Playbook,
        statement: &Statement,
    ) -> Result<Map<String, Value>, SigningError> {
        if !playbook.is_sound() {
            return Err(SigningError::NotSound);
        }
        let mut signature = self.unsigned(playbook, statement);
        let value = self.value(playbook.document(), &[&signature])?;
        signature.insert("value".to_owned(), Value::String(value));
        Ok(signature)
    }

    fn unsigned(&self, playbook: &Playbook, statement: &Statement) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
        put("type", json!("jss"));
        put("id", json!(statement.id));
        put("created_by", json!(self.created_by));
        put("created", json!(statement.created));
        put("modified", json!(statement.created));
        put("signee", json!(self.signee));
        for (name, time) in [("valid_from", &statement.valid_from), ("valid_until", &statement.valid_until)] {
            if let Some(time) = time {
                put(name, json!(time));
            }
        }
        put("related_to", json!(playbook.id));
        // As the playbook writes it, so that the texts can be compared.
        put("related_version", playbook.document().get("modified").cloned().unwrap_or_default());
        put("hash_algorithm", json!("sha-256"));
        put("algorithm", json!("Ed25519"));
        put("public_key", json!(self.public_key()));
        map
    }

    fn value(
        &self,
        document: &Map<String, Value>,
        chain: &[&Map<String, Value>],
    ) -> Result<String, SigningError> {
        let text = signed_text(document, chain).ok_or(SigningError::Canonical)?;
        let hash = algorithm::hash("sha-256", &text).ok_or(SigningError::Canonical)?;
        Ok(URL_SAFE_NO_PAD.encode(self.pair.sign(hash.as_bytes())))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("created_by", &self.created_by).finish_non_exhaustive()
    }
}

/// Puts a signature at the inner end of a chain.
fn attach(at: &mut Map<String, Value>, signature: Map<String, Value>) {
    match at.get_mut("signature") {
        Some(Value::Object(inner)) => attach(inner, signature),
        Some(other) => *other = Value::Object(signature),
        None => {
            at.insert("signature".to_owned(), Value::Object(signature));
        }
    }
}

fn reread(document: &Map<String, Value>) -> Result<Playbook, SigningError> {
    let bytes = serde_json::to_vec_pretty(document).map_err(|_| SigningError::Canonical)?;
    Ok(Playbook::parse(&bytes)?)
}
