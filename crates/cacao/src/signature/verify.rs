use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use stix::Timestamp;

use super::{Signature, algorithm, signed_text};
use crate::Playbook;

/// A key whose signatures count, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// The STIX identity that signs with it; a signature that names another in `created_by` does not count.
    pub identity: String,
    /// The certificate of the key, DER, where signatures name it by chain or thumbprint.
    pub certificate: Option<Vec<u8>>,
    /// The address at which signatures name the certificate. It is compared and never fetched.
    pub cert_url: Option<String>,
    /// From when the key counts.
    pub valid_from: Option<Timestamp>,
    /// Until when the key counts.
    pub valid_until: Option<Timestamp>,
    /// Whether the key was given up: nothing that it signed counts any more.
    pub revoked: bool,
}

/// What becomes of a playbook without a signature that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsigned {
    /// It does not run.
    #[default]
    Refuse,
    /// It runs all the same: for drills and for playbooks that one has just written oneself.
    Allow,
}

/// Whose signatures count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The keys.
    pub keys: Vec<TrustedKey>,
    /// How many different signers must have signed, countersigners included; none is read as one.
    pub signers_min: usize,
    /// Signatures that their signers revoked elsewhere, by identifier.
    pub revoked_signatures: Vec<String>,
    /// What becomes of a playbook without a signature that counts.
    pub unsigned: Unsigned,
}

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    signature_id: String,
    signer: String,
}

impl Verified {
    /// The signature's identifier.
    #[must_use]
    pub fn signature_id(&self) -> &str {
        &self.signature_id
    }

    /// The signer's STIX identity, as the trusted key says.
    #[must_use]
    pub fn signer(&self) -> &str {
        &self.signer
    }
}

/// Why a playbook does not run, or a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has findings that are errors.
    #[error("the playbook has {0} errors")]
    NotSound(usize),
    /// Its creator withdrew it.
    #[error("the playbook is revoked")]
    Revoked,
    /// It is not valid yet.
    #[error("the playbook is valid from {0}")]
    NotYet(Timestamp),
    /// It is not valid any more.
    #[error("the playbook was valid until {0}")]
    NoLonger(Timestamp),
    /// Too few signatures count; why the first one does not.
    #[error("{counted} signers count and {needed} are needed{}", .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Unsigned {
        /// Signers that count.
        counted: usize,
        /// Signers that are needed.
        needed: usize,
        /// Why a signature does not count.
        why: Option<BadSignature>,
    },
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// It is of another playbook or version.
    #[error("the signature is of another playbook or version")]
    OfOther,
    /// It was revoked.
    #[error("the signature is revoked")]
    Revoked,
    /// It is not valid at this time.
    #[error("the signature is not valid now")]
    NotNow,
    /// Its key is not one that counts, or does not count now.
    #[error("the key is not trusted")]
    UnknownKey,
    /// It says it is of somebody else than the key is of.
    #[error("the signature names another signer than its key has")]
    OtherSigner,
    /// Its algorithm or hash is not known here.
    #[error("the algorithm is not known here")]
    Algorithm,
    /// It does not fit the document.
    #[error("the signature does not fit the playbook")]
    DoesNotFit,
}

impl Refused {
    /// All codes, each with the names of what stands in its places.
    pub const CODES: &'static [(&'static str, &'static [&'static str])] = &[
        ("not-sound", &["count"]),
        ("revoked", &[]),
        ("not-yet", &["from"]),
        ("no-longer", &["until"]),
        ("unsigned", &["counted", "needed"]),
        ("signature-of-other", &["counted", "needed"]),
        ("signature-revoked", &["counted", "needed"]),
        ("signature-not-now", &["counted", "needed"]),
        ("signature-unknown-key", &["counted", "needed"]),
        ("signature-other-signer", &["counted", "needed"]),
        ("signature-algorithm", &["counted", "needed"]),
        ("signature-does-not-fit", &["counted", "needed"]),
    ];

    /// Its stable code, for who says it in another language.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSound(_) => "not-sound",
            Self::Revoked => "revoked",
            Self::NotYet(_) => "not-yet",
            Self::NoLonger(_) => "no-longer",
            Self::Unsigned { why: None, .. } => "unsigned",
            Self::Unsigned { why: Some(why), .. } => why.code(),
        }
    }

    /// What stands in the places of its text, by their names.
    #[must_use]
    pub fn arguments(&self) -> BTreeMap<&'static str, String> {
        match self {
            Self::NotSound(count) => BTreeMap::from([("count", count.to_string())]),
            Self::Revoked => BTreeMap::new(),
            Self::NotYet(from) => BTreeMap::from([("from", from.to_string())]),
            Self::NoLonger(until) => BTreeMap::from([("until", until.to_string())]),
            Self::Unsigned { counted, needed, .. } => {
                BTreeMap::from([("counted", counted.to_string()), ("needed", needed.to_string())])
            }
        }
    }
}

impl BadSignature {
    /// The code of a playbook that does not run for the want of a signature, where this is what is wrong with one.
    fn code(self) -> &'static str {
        match self {
            Self::OfOther => "signature-of-other",
            Self::Revoked => "signature-revoked",
            Self::NotNow => "signature-not-now",
            Self::UnknownKey => "signature-unknown-key",
            Self::OtherSigner => "signature-other-signer",
            Self::Algorithm => "signature-algorithm",
            Self::DoesNotFit => "signature-does-not-fit",
        }
    }
}

/// A playbook that may run: sound, valid at the time it was asked, and signed as the trust demands. Made by [`Runnable::check`] alone,
/// and demanded by `Run::start`.
#[derive(Debug, Clone)]
pub struct Runnable {
    playbook: Arc<Playbook>,
    signatures: Vec<Verified>,
}

impl Runnable {
    /// Holds a playbook against its own findings, its validity and the signatures that count.
    ///
    /// # Errors
    /// Why it does not run.
    pub fn check(playbook: Arc<Playbook>, trust: &Trust, now: jiff::Timestamp) -> Result<Self, Refused> {
        let now = &Timestamp::from_instant(now);
        if !playbook.is_sound() {
            let errors = playbook.findings().iter().filter(|f| f.severity == crate::Severity::Error);
            return Err(Refused::NotSound(errors.count()));
        }
        if playbook.revoked {
            return Err(Refused::Revoked);
        }
        if let Some(from) = playbook.valid_from.as_ref().filter(|from| *from > now) {
            return Err(Refused::NotYet(from.clone()));
        }
        if let Some(until) = playbook.valid_until.as_ref().filter(|until| *until <= now) {
            return Err(Refused::NoLonger(until.clone()));
        }
        let (signatures, why) = count(&playbook, trust, now);
        let mut signers: Vec<&str> = signatures.iter().map(Verified::signer).collect();
        signers.sort_unstable();
        signers.dedup();
        let needed = trust.signers_min.max(1);
        if signers.len() < needed && trust.unsigned == Unsigned::Refuse {
            return Err(Refused::Unsigned { counted: signers.len(), needed, why });
        }
        Ok(Self { playbook, signatures })
    }

    /// The playbook.
    #[must_use]
    pub fn playbook(&self) -> &Arc<Playbook> {
        &self.playbook
    }

    /// The signatures that count.
    #[must_use]
    pub fn signatures(&self) -> &[Verified] {
        &self.signatures
    }
}

fn count(playbook: &Playbook, trust: &Trust, now: &Timestamp) -> (Vec<Verified>, Option<BadSignature>) {
    let (mut counted, mut why) = (Vec::new(), None);
    for signature in &playbook.signatures {
        let mut chain: Vec<&Signature> = vec![signature];
        loop {
            match verify_chain(playbook, &chain, trust, now) {
                Ok(verified) => counted.push(verified),
                Err(bad) => {
                    why = why.or(Some(bad));
                    // What countersigns a signature that does not count says nothing.
                    break;
                }
            }
            match chain.last().and_then(|last| last.countersignature.as_deref()) {
                Some(next) => chain.push(next),
                None => break,
            }
        }
    }
    (counted, why)
}

/// Whether one of the playbook's own signatures counts.
///
/// # Errors
/// Why not.
pub fn verify(
    playbook: &Playbook,
    signature: &Signature,
    trust: &Trust,
    now: jiff::Timestamp,
) -> Result<Verified, BadSignature> {
    verify_chain(playbook, &[signature], trust, &Timestamp::from_instant(now))
}

/// Whether a signature that stands beside the playbook counts.
///
/// # Errors
/// Why not.
pub fn verify_detached(
    playbook: &Playbook,
    signature: &Map<String, Value>,
    trust: &Trust,
    now: jiff::Timestamp,
) -> Result<Verified, BadSignature> {
    verify_chain(playbook, &[&Signature::read(signature)], trust, &Timestamp::from_instant(now))
}

/// The last of the chain, which countersigns those before it.
fn verify_chain(
    playbook: &Playbook,
    chain: &[&Signature],
    trust: &Trust,
    now: &Timestamp,
) -> Result<Verified, BadSignature> {
    let Some(signature) = chain.last() else { return Err(BadSignature::DoesNotFit) };
    if signature.related_to != playbook.id || signature.related_version != playbook.modified {
        return Err(BadSignature::OfOther);
    }
    if signature.revoked || trust.revoked_signatures.contains(&signature.id) {
        return Err(BadSignature::Revoked);
    }
    if !within(signature.valid_from.as_ref(), signature.valid_until.as_ref(), now) {
        return Err(BadSignature::NotNow);
    }
    let counts =
        |key: &&TrustedKey| !key.revoked && within(key.valid_from.as_ref(), key.valid_until.as_ref(), now);
    let key =
        trust.keys.iter().filter(counts).find(|key| names(signature, key)).ok_or(BadSignature::UnknownKey)?;
    if signature.created_by.as_ref().is_some_and(|by| *by != key.identity) {
        return Err(BadSignature::OtherSigner);
    }
    let links: Vec<&Map<String, Value>> = chain.iter().map(|link| &link.raw).collect();
    let text = signed_text(playbook.document(), &links).ok_or(BadSignature::DoesNotFit)?;
    let hash = algorithm::hash(&signature.hash_algorithm, &text).ok_or(BadSignature::Algorithm)?;
    let value = URL_SAFE_NO_PAD
        .decode(signature.value.trim_end_matches('='))
        .map_err(|_| BadSignature::DoesNotFit)?;
    match algorithm::verifies(&signature.algorithm, &key.spki, hash.as_bytes(), &value) {
        None => Err(BadSignature::Algorithm),
        Some(false) => Err(BadSignature::DoesNotFit),
        Some(true) => Ok(Verified { signature_id: signature.id.clone(), signer: key.identity.clone() }),
    }
}

fn within(from: Option<&Timestamp>, until: Option<&Timestamp>, now: &Timestamp) -> bool {
    from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
}

/// Whether the signature names this key. What it brings is never trusted for itself: it only says which trusted key to try.
fn names(signature: &Signature, key: &TrustedKey) -> bool {
    let is_certificate = |text: &String| {
        key.certificate.as_ref().is_some_and(|known| STANDARD.decode(text).is_ok_and(|given| given == *known))
    };
    let has_thumbprint = |text: &String| {
        let of = |certificate: &Vec<u8>| URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate));
        key.certificate.as_ref().is_some_and(|known| of(known) == *text)
    };
    let is_key = |text: &String| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        STANDARD.decode(text).is_ok_and(|given| given == key.spki)
    };
    signature.public_key.as_ref().is_some_and(is_key)
        || signature.public_cert_chain.first().is_some_and(is_certificate)
        || signature.thumbprint.as_ref().is_some_and(has_thumbprint)
        || (signature.cert_url.is_some() && signature.cert_url == key.cert_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_code_and_what_stands_in_it() {
        let at = Timestamp::from_instant(jiff::Timestamp::UNIX_EPOCH);
        let unsigned = |why| Refused::Unsigned { counted: 0, needed: 1, why };
        let bad = [
            BadSignature::OfOther,
            BadSignature::Revoked,
            BadSignature::NotNow,
            BadSignature::UnknownKey,
            BadSignature::OtherSigner,
            BadSignature::Algorithm,
            BadSignature::DoesNotFit,
        ];
        let plain =
            [Refused::NotSound(2), Refused::Revoked, Refused::NotYet(at.clone()), Refused::NoLonger(at)];
        let all = plain.into_iter().chain([unsigned(None)]).chain(bad.map(|why| unsigned(Some(why))));
        let told: Vec<(&str, Vec<&str>)> =
            all.map(|refused| (refused.code(), refused.arguments().into_keys().collect())).collect();
        let listed: Vec<(&str, Vec<&str>)> =
            Refused::CODES.iter().map(|(code, places)| (*code, places.to_vec())).collect();
        assert_eq!(told, listed);
    }
}
