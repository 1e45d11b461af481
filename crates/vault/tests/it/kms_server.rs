//! A small key service with the interface of AWS KMS, as far as it is in use here: it draws keys, encrypts with AES-256-GCM, signs with P-256,
//! checks each request's signature by itself, and really destroys.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vault::Fill;
use vault::service::SystemRandom;

pub(crate) const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const REGION: &str = "ap-northeast-1";
pub(crate) const SIGNING_KEY: &str = "alias/yagura-signing";

#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Keys>>);

#[derive(Default)]
struct Keys {
    /// By ARN.
    keys: BTreeMap<String, Key>,
    aliases: BTreeMap<String, String>,
    made: u32,
    /// What it answers in place of the next requests: status and type.
    answers: Vec<(u16, &'static str)>,
    /// Actions as they were asked for.
    asked: Vec<String>,
    page: usize,
}

struct Key {
    secret: [u8; 32],
    pending: bool,
    signs: bool,
}

impl Server {
    /// Serves on a free port of this machine.
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let server = Self::default();
        {
            let mut keys = server.0.lock().unwrap();
            keys.page = 100;
            let arn = keys.make(true);
            keys.aliases.insert(SIGNING_KEY.to_owned(), arn);
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (server, address)
    }

    /// The days of waiting are over: what was scheduled is destroyed, aliases with it.
    pub(crate) fn let_it_end(&self) {
        let mut keys = self.0.lock().unwrap();
        let keys = &mut *keys;
        keys.keys.retain(|_, key| !key.pending);
        keys.aliases.retain(|_, arn| keys.keys.contains_key(arn));
    }

    pub(crate) fn answer_next(&self, answers: &[(u16, &'static str)]) {
        self.0.lock().unwrap().answers = answers.iter().rev().copied().collect();
    }

    pub(crate) fn short_pages(&self) {
        self.0.lock().unwrap().page = 2;
    }

    /// Points an alias at a new key, as somebody who wants a false certificate would.
    pub(crate) fn drop_alias(&self, alias: &str) {
        self.0.lock().unwrap().aliases.remove(alias).unwrap();
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    pub(crate) fn keys_usable(&self) -> usize {
        self.0.lock().unwrap().keys.values().filter(|key| !key.pending && !key.signs).count()
    }
}

type Refused = (u16, &'static str, &'static str);

const NOT_FOUND: Refused = (400, "NotFoundException", "no such key");
const INVALID: Refused = (400, "InvalidCiphertextException", "");

async fn answer(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let mut keys = server.0.lock().unwrap();
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let outcome = if let Some((status, kind)) = keys.answers.pop() {
        Err((status, kind, "as the test wants"))
    } else if header("content-type") != "application/x-amz-json-1.1" {
        Err((400, "SerializationException", ""))
    } else if !signature_holds(&headers, &body) {
        Err((400, "InvalidSignatureException", "the signature does not match"))
    } else {
        let action = header("x-amz-target").strip_prefix("TrentService.").unwrap_or_default().to_owned();
        keys.asked.push(action.clone());
        let request: Value = serde_json::from_slice(&body).unwrap();
        keys.act(&action, &request)
    };
    match outcome {
        Ok(Value::Null) => StatusCode::OK.into_response(),
        Ok(value) => (StatusCode::OK, value.to_string()).into_response(),
        Err((status, kind, message)) => {
            let body = json!({"__type": kind, "message": message}).to_string();
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
    }
}

impl Keys {
    fn make(&mut self, signs: bool) -> String {
        let mut secret = [0; 32];
        SystemRandom.fill(&mut secret).unwrap();
        self.made += 1;
        let arn = format!("arn:aws:kms:{REGION}:111122223333:key/{:08}", self.made);
        self.keys.insert(arn.clone(), Key { secret, pending: false, signs });
        arn
    }

    fn arn(&self, request: &Value) -> Result<String, Refused> {
        let named = request["KeyId"].as_str().unwrap();
        let arn = if named.starts_with("alias/") { self.aliases.get(named).ok_or(NOT_FOUND)? } else { named };
        if self.keys.contains_key(arn) { Ok(arn.to_owned()) } else { Err(NOT_FOUND) }
    }

    fn act(&mut self, action: &str, request: &Value) -> Result<Value, Refused> {
        match action {
            "CreateKey" => {
                assert_eq!(request["KeyUsage"], "ENCRYPT_DECRYPT");
                let arn = self.make(false);
                Ok(
                    json!({"KeyMetadata": {"Arn": arn, "KeyId": arn.rsplit('/').next(), "KeyState": "Enabled"}}),
                )
            }
            "CreateAlias" => {
                let alias = request["AliasName"].as_str().unwrap().to_owned();
                let valid = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
                assert!(
                    alias.len() <= 256 && alias.starts_with("alias/") && alias.chars().all(valid),
                    "{alias}"
                );
                if self.aliases.contains_key(&alias) {
                    return Err((400, "AlreadyExistsException", ""));
                }
                self.aliases.insert(alias, request["TargetKeyId"].as_str().unwrap().to_owned());
                Ok(Value::Null)
            }
            "ListAliases" => {
                let after = request["Marker"].as_str().unwrap_or_default();
                let left: Vec<_> = self.aliases.keys().filter(|alias| alias.as_str() > after).collect();
                let page: Vec<_> =
                    left.iter().take(self.page).map(|alias| json!({"AliasName": alias})).collect();
                let next = left.get(self.page.wrapping_sub(1)).filter(|_| left.len() > self.page);
                Ok(json!({"Aliases": page, "Truncated": next.is_some(), "NextMarker": next}))
            }
            "DescribeKey" => {
                let arn = self.arn(request)?;
                let pending = self.keys[&arn].pending;
                let state = if pending { "PendingDeletion" } else { "Enabled" };
                let date = pending.then_some(1_796_000_000.25);
                Ok(json!({"KeyMetadata": {"Arn": arn, "KeyState": state, "DeletionDate": date}}))
            }
            "ScheduleKeyDeletion" => {
                assert!((7..=30).contains(&request["PendingWindowInDays"].as_u64().unwrap()));
                let arn = self.arn(request)?;
                let key = self.keys.get_mut(&arn).unwrap();
                if std::mem::replace(&mut key.pending, true) {
                    return Err((400, "KMSInvalidStateException", "is pending deletion"));
                }
                Ok(json!({"KeyId": arn, "KeyState": "PendingDeletion", "DeletionDate": 1_796_000_000.25}))
            }
            "GenerateDataKeyWithoutPlaintext" => {
                let (arn, cipher, bound) = self.usable(request)?;
                let (mut nonce, mut content) = ([0; 12], vec![0; 32]);
                SystemRandom.fill(&mut nonce).unwrap();
                SystemRandom.fill(&mut content).unwrap();
                let with = Nonce::assume_unique_for_key(nonce);
                cipher.seal_in_place_append_tag(with, Aad::from(bound), &mut content).unwrap();
                Ok(
                    json!({"KeyId": arn, "CiphertextBlob": STANDARD.encode([nonce.as_slice(), &content].concat())}),
                )
            }
            "Decrypt" => {
                let (arn, cipher, bound) = self.usable(request)?;
                let blob =
                    STANDARD.decode(request["CiphertextBlob"].as_str().unwrap()).map_err(|_| INVALID)?;
                let (nonce, sealed) = blob.split_first_chunk::<12>().ok_or(INVALID)?;
                let mut sealed = sealed.to_vec();
                let with = Nonce::assume_unique_for_key(*nonce);
                let content =
                    cipher.open_in_place(with, Aad::from(bound), &mut sealed).map_err(|_| INVALID)?;
                Ok(json!({"KeyId": arn, "Plaintext": STANDARD.encode(content)}))
            }
            "GetPublicKey" => {
                let point = self.signing(request)?.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
                Ok(json!({"PublicKey": STANDARD.encode([head, point].concat()), "KeySpec": "ECC_NIST_P256"}))
            }
            "Sign" => {
                assert_eq!(
                    (&request["MessageType"], &request["SigningAlgorithm"]),
                    (&json!("DIGEST"), &json!("ECDSA_SHA_256"))
                );
                let digest = STANDARD.decode(request["Message"].as_str().unwrap()).unwrap();
                let signature: p256::ecdsa::Signature = self.signing(request)?.sign_prehash(&digest).unwrap();
                Ok(json!({"Signature": STANDARD.encode(signature.to_der().as_bytes())}))
            }
            other => panic!("`{other}` is not in use"),
        }
    }

    /// A key that may encrypt and decrypt, and what its content is bound to.
    fn usable(&self, request: &Value) -> Result<(String, LessSafeKey, Vec<u8>), Refused> {
        let arn = self.arn(request)?;
        let key = &self.keys[&arn];
        if key.pending {
            return Err((400, "KMSInvalidStateException", "is pending deletion"));
        }
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key.secret).unwrap());
        Ok((arn, cipher, request["EncryptionContext"].to_string().into_bytes()))
    }

    fn signing(&self, request: &Value) -> Result<p256::ecdsa::SigningKey, Refused> {
        let key = &self.keys[&self.arn(request)?];
        assert!(key.signs);
        Ok(p256::ecdsa::SigningKey::from_slice(&key.secret).unwrap())
    }
}

/// Signature Version 4, worked out from what arrived.
fn signature_holds(headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim().to_owned()
    };
    let authorization = header("authorization");
    let part = |name: &str| {
        let found = authorization.split([' ', ',']).find_map(|part| part.strip_prefix(name));
        found.unwrap_or_default().to_owned()
    };
    let date = header("x-amz-date");
    let scope = format!("{}/{REGION}/kms/aws4_request", date.get(..8).unwrap_or_default());
    let signed = part("SignedHeaders=");
    let needed = ["content-type", "host", "x-amz-date", "x-amz-target"];
    let sum = hex::encode(Sha256::digest(body));
    if part("Credential=") != format!("{ACCESS_KEY}/{scope}")
        || !needed.iter().all(|name| signed.split(';').any(|signed| signed == *name))
        || header("x-amz-content-sha256") != sum
    {
        return false;
    }
    let values: String = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let canonical = format!("POST\n/\n\n{values}\n{signed}\n{sum}");
    signature(SECRET_KEY, &date, &scope, &canonical) == part("Signature=")
}

fn signature(secret: &str, date: &str, scope: &str, canonical: &str) -> String {
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    let sum = hex::encode(Sha256::digest(canonical));
    hex::encode(mac(&key, &format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{sum}")))
}

/// `get-vanilla` of the suite that AWS publishes for Signature Version 4, so that client and server do not agree on a mistake.
#[test]
fn the_check_is_that_of_the_published_suite() {
    let canonical = "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n\
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let found =
        signature(SECRET_KEY, "20150830T123600Z", "20150830/us-east-1/service/aws4_request", canonical);
    assert_eq!(found, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}
