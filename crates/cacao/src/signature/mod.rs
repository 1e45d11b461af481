//! Signatures on playbooks (CACAO 2.0 §2.5, §10.15, appendix A): JSS over JCS (RFC 8785).
//!
//! What is signed is the playbook with this one signature in `signatures` and without its `value`, in canonical form, hashed with
//! `hash_algorithm`. "In pseudo code […] base64URL.encode(sign(algorithm, key, hash(jcs(…))))" (§10.15) leaves open what form the
//! hash has; the committee's worked example signs the lower-case hexadecimal text of it, and so do we. The example is a test.
//!
//! A countersignature stands in the property `signature` of the signature that it signs. The specification says no more than that.
//! Here it covers the same document with the inner signature's `value` in place and the countersignature without its own; a
//! signature that is later countersigned verifies as before, since its own check leaves `signature` out.

mod algorithm;
mod sign;
mod verify;

use serde_json::{Map, Value};
use stix::Timestamp;

use crate::read::Reader;

pub use algorithm::ALGORITHMS;
pub use sign::{Signer, SigningError, Statement};
pub use verify::{
    BadSignature, Refused, Runnable, Trust, TrustedKey, Unsigned, Verified, verify, verify_detached,
};

/// A digital signature (§10.15).
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// `id`
    pub id: String,
    /// `created_by`
    pub created_by: Option<String>,
    /// `created`
    pub created: Option<Timestamp>,
    /// `modified`: the signature's version.
    pub modified: Option<Timestamp>,
    /// `revoked`
    pub revoked: bool,
    /// `signee`: the signer's name in words.
    pub signee: String,
    /// `valid_from`
    pub valid_from: Option<Timestamp>,
    /// `valid_until`
    pub valid_until: Option<Timestamp>,
    /// `related_to`: the playbook.
    pub related_to: String,
    /// `related_version`: the playbook's `modified`.
    pub related_version: Option<Timestamp>,
    /// `hash_algorithm`, e.g. `sha-256`.
    pub hash_algorithm: String,
    /// `algorithm`, e.g. `Ed25519`.
    pub algorithm: String,
    /// `public_key`: SubjectPublicKeyInfo in base64.
    pub public_key: Option<String>,
    /// `public_cert_chain`: certificates in base64, the signer's first.
    pub public_cert_chain: Vec<String>,
    /// `cert_url`. Never fetched here.
    pub cert_url: Option<String>,
    /// `thumbprint`: SHA-256 of the signer's certificate in base64url.
    pub thumbprint: Option<String>,
    /// `value`: the signature in base64url.
    pub value: String,
    /// `signature`: what countersigns this one.
    pub countersignature: Option<Box<Self>>,
    /// The object as it stands in the document.
    pub raw: Map<String, Value>,
}

/// How many signatures may countersign each other.
pub const COUNTERSIGNATURES_MAX: usize = 8;

impl Signature {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        Self::read_to(map, COUNTERSIGNATURES_MAX)
    }

    fn read_to(map: &Map<String, Value>, depth: usize) -> Self {
        let r = Reader(map);
        let inner = r.object("signature").filter(|_| depth > 0);
        Self {
            id: r.text_or_empty("id"),
            created_by: r.text("created_by"),
            created: r.time("created"),
            modified: r.time("modified"),
            revoked: r.flag("revoked"),
            signee: r.text_or_empty("signee"),
            valid_from: r.time("valid_from"),
            valid_until: r.time("valid_until"),
            related_to: r.text_or_empty("related_to"),
            related_version: r.time("related_version"),
            hash_algorithm: r.text_or_empty("hash_algorithm"),
            algorithm: r.text_or_empty("algorithm"),
            public_key: r.text("public_key"),
            public_cert_chain: r.texts("public_cert_chain"),
            cert_url: r.text("cert_url"),
            thumbprint: r.text("thumbprint"),
            value: r.text_or_empty("value"),
            countersignature: inner.map(|map| Box::new(Self::read_to(map, depth - 1))),
            raw: map.clone(),
        }
    }

    /// In how many ways the key is named; one is right.
    pub(crate) fn keys_named(&self) -> usize {
        let named = [
            self.public_key.is_some(),
            !self.public_cert_chain.is_empty(),
            self.cert_url.is_some(),
            self.thumbprint.is_some(),
        ];
        named.into_iter().filter(|named| *named).count()
    }
}

/// What a signature signs: the playbook with nothing in `signatures` but the chain of signatures down to this one, canonical. Of those
/// before it the values stay, the last is without its value and without what countersigns it.
fn signed_text(playbook: &Map<String, Value>, chain: &[&Map<String, Value>]) -> Option<Vec<u8>> {
    let mut inner: Option<Value> = None;
    for (index, link) in chain.iter().enumerate().rev() {
        let mut object = (*link).clone();
        object.shift_remove("signature");
        if index + 1 == chain.len() {
            object.shift_remove("value");
        }
        if let Some(inner) = inner.take() {
            object.insert("signature".to_owned(), inner);
        }
        inner = Some(Value::Object(object));
    }
    let mut document = playbook.clone();
    document.insert("signatures".to_owned(), Value::Array(vec![inner?]));
    serde_json_canonicalizer::to_vec(&document).ok()
}
