//! An ID token (OpenID Connect Core §3.1.3.7): whether its issuer signed it, for this hub, for this sign-in, just now.
//!
//! The signature is checked by `jsonwebtoken`; what the claims have to say is checked here, strictly and without choices: one
//! audience, signatures by public keys alone, a token made within minutes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

/// What is taken. Neither `none` nor anything that the hub's own secret could have signed.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far two clocks may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// The oldest a token may be: it is asked for once the browser is back, and is made for that.
const AGE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// Longest token.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Longest subject (§2).
const SUBJECT_BYTES_MAX: usize = 255;

/// What a token has to be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Who made it.
    pub(crate) issuer: &'a str,
    /// For whom.
    pub(crate) client: &'a str,
    /// For which sign-in.
    pub(crate) nonce: &'a str,
}

/// What a token says that holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vouched {
    /// Whom the issuer means: its own name for the person, given to nobody else.
    pub(crate) subject: String,
    claims: Map<String, Value>,
}

impl Vouched {
    /// A claim that is a text.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// The texts of a claim that is one or a list of them.
    pub(crate) fn texts(&self, claim: &str) -> Vec<&str> {
        match self.claims.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Checks a token against the issuer's keys.
///
/// # Errors
/// A word for what is wrong with it; it is for the record, not for who signs in.
pub(crate) fn check(
    token: &str,
    keys: &[Value],
    expected: Expected<'_>,
    now: Timestamp,
) -> Result<Vouched, &'static str> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err("token-size");
    }
    let claims = signed(token, keys)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err("token-issuer");
    }
    let is_audience = match claims.get("aud") {
        Some(Value::String(only)) => only == expected.client,
        Some(Value::Array(all)) => matches!(all.as_slice(), [Value::String(only)] if only == expected.client),
        _ => false,
    };
    let is_party = claims.get("azp").is_none_or(|party| party.as_str() == Some(expected.client));
    if !is_audience || !is_party {
        return Err("token-audience");
    }
    in_time(&claims, now)?;
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err("token-nonce");
    }
    let subject = text("sub").filter(|subject| (1..=SUBJECT_BYTES_MAX).contains(&subject.len()));
    let subject = subject.ok_or("token-subject")?.to_owned();
    Ok(Vouched { subject, claims })
}

/// The claims of a token that one of the keys signed.
fn signed(token: &str, keys: &[Value]) -> Result<Map<String, Value>, &'static str> {
    let raw = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let raw: Option<Map<String, Value>> = raw.and_then(|raw| serde_json::from_slice(&raw).ok());
    let raw = raw.ok_or("token-header")?;
    // A header that must be understood and is not (RFC 7515 §4.1.11).
    if raw.contains_key("crit") {
        return Err("token-header");
    }
    let name = raw.get("alg").and_then(Value::as_str).unwrap_or_default();
    let algorithm = name.parse::<Algorithm>().ok().filter(|found| ALGORITHMS.contains(found));
    let algorithm = algorithm.ok_or("token-algorithm")?;
    let named = raw.get("kid").and_then(Value::as_str);
    let fitting: Vec<Jwk> = keys
        .iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok())
        .filter(|key| fits(key, algorithm) && (named.is_none() || key.common.key_id.as_deref() == named))
        .collect();
    // Which key is meant must be clear: a token that names none is taken where there is one.
    let [key] = fitting.as_slice() else { return Err("token-key") };
    let key = DecodingKey::from_jwk(key).map_err(|_| "token-key")?;
    let mut validation = Validation::new(algorithm);
    // Who, for whom and when is looked at by `check`, on the hub's clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let read = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation);
    read.map(|read| read.claims).map_err(|_| "token-signature")
}

/// Whether a key is for signatures, and for this algorithm's.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES256) => curve.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES384) => curve.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(pair), Algorithm::EdDSA) => pair.curve == EllipticCurve::Ed25519,
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        _ => false,
    };
    let is_for_signatures =
        key.common.public_key_use.as_ref().is_none_or(|what| *what == PublicKeyUse::Signature);
    let is_for_this =
        key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    is_kind && is_for_signatures && is_for_this
}

/// Whether a token is neither over nor from the future nor old.
fn in_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), &'static str> {
    let time = |name: &str| {
        let seconds = claims.get(name).and_then(|value| value.as_i64().or(value.as_f64().map(|s| s as i64)));
        seconds.and_then(|seconds| Timestamp::from_second(seconds).ok())
    };
    let expires = time("exp").ok_or("token-expiry")?;
    let made = time("iat").ok_or("token-time")?;
    if now.duration_since(expires) >= LEEWAY {
        return Err("token-expired");
    }
    if made.duration_since(now) > LEEWAY || now.duration_since(made) > AGE_MAX {
        return Err("token-time");
    }
    if claims.contains_key("nbf") && time("nbf").is_none_or(|from| from.duration_since(now) > LEEWAY) {
        return Err("token-time");
    }
    Ok(())
}
