//! A small identity provider (OpenID Connect): documents, keys, codes with PKCE, signed ID tokens; and what it can be made to do wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, StatusCode, header};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT: &str = "yagura:hub";
pub const SECRET: &str = "hunter2 & 合言葉";

/// A provider on a port of its own; everything can be changed while it runs.
#[derive(Clone)]
pub struct Provider(Arc<Mutex<Inner>>);

pub struct Inner {
    pub issuer: String,
    /// What signs; all of `keys` but this are known only.
    pub key: Key,
    /// What is published beside it.
    pub published: Vec<Value>,
    /// Who is signed in there.
    pub user: Value,
    /// Changes the claims just before they are signed.
    pub spoil: fn(&mut Value),
    /// Signs otherwise than with the key.
    pub forge: Option<fn(&Inner, &Value) -> String>,
    /// Changes the document.
    pub document: fn(&mut Value),
    codes: HashMap<String, HashMap<String, String>>,
    /// Codes that were redeemed.
    pub redeemed: usize,
}

pub enum Key {
    Ec(String, SigningKey),
    Rsa(String, Box<RsaKey>),
}

impl Key {
    pub fn ec(name: &str) -> Self {
        loop {
            if let Ok(key) = SigningKey::from_slice(&store::secrets::random().unwrap()) {
                return Self::Ec(name.to_owned(), key);
            }
        }
    }

    pub fn rsa(name: &str) -> Self {
        Self::Rsa(name.to_owned(), Box::new(RsaKey::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn public(&self) -> Value {
        match self {
            Self::Ec(name, key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": name, "use": "sig", "alg": "ES256", "x": encode(x), "y": encode(y) })
            }
            Self::Rsa(name, key) => {
                let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": name, "use": "sig", "n": encode(n), "e": encode(e) })
            }
        }
    }

    pub fn sign(&self, claims: &Value) -> String {
        match self {
            Self::Ec(name, key) => {
                let text = unsigned(&json!({ "alg": "ES256", "typ": "JWT", "kid": name }), claims);
                let signature: Signature = key.sign(text.as_bytes());
                format!("{text}.{}", encode(&signature.to_bytes()))
            }
            Self::Rsa(name, key) => {
                let text = unsigned(&json!({ "alg": "RS256", "kid": name }), claims);
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
                format!("{text}.{}", encode(&signature))
            }
        }
    }
}

/// Header and claims as they are signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

/// Signed by a secret that both sides have, which is nobody's signature.
pub fn by_secret(secret: &[u8], claims: &Value) -> String {
    let text = unsigned(&json!({ "alg": "HS256" }), claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", encode(&mac.finalize().into_bytes()))
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let new = Self(Arc::new(Mutex::new(Inner {
            issuer,
            key: Key::ec("first"),
            published: Vec::new(),
            user: json!({ "sub": "subject-1", "preferred_username": "sato" }),
            spoil: |_| {},
            forge: None,
            document: |_| {},
            codes: HashMap::new(),
            redeemed: 0,
        })));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(keys))
            .with_state(new.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        new
    }

    pub fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    pub fn issuer(&self) -> String {
        self.with(|inner| inner.issuer.clone())
    }
}

async fn document(State(provider): State<Provider>) -> Json<Value> {
    let (issuer, change) = provider.with(|inner| (inner.issuer.clone(), inner.document));
    let mut document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "authorization_response_iss_parameter_supported": true, "code_challenge_methods_supported": ["S256"],
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    change(&mut document);
    Json(document)
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    Json(provider.with(|inner| {
        let mut keys = inner.published.clone();
        keys.push(inner.key.public());
        json!({ "keys": keys })
    }))
}

/// The person is there and agrees: back with a code.
async fn authorize(
    State(provider): State<Provider>,
    Query(asked): Query<HashMap<String, String>>,
) -> (StatusCode, HeaderMap) {
    assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
    assert_eq!((asked["code_challenge_method"].as_str(), asked["tenant"].as_str()), ("S256", "1"));
    assert!(asked["scope"].split(' ').any(|scope| scope == "openid") && asked["nonce"].len() >= 32);
    let code = store::secrets::generate("").unwrap();
    let mut back = url::Url::parse(&asked["redirect_uri"]).unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &asked["state"])
        .append_pair("iss", &provider.issuer());
    provider.with(|inner| inner.codes.insert(code, asked));
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, back.as_str().parse().unwrap());
    (StatusCode::FOUND, headers)
}

/// A code is good once, for whoever asked for it, by the way that it came.
async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let refused = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": why })));
    if !is_client(&headers, &form) {
        return refused("invalid_client");
    }
    provider.with(|inner| {
        let Some(asked) = inner.codes.remove(&form["code"]) else { return refused("invalid_grant") };
        let challenge = encode(&Sha256::digest(form["code_verifier"].as_bytes()));
        if asked["code_challenge"] != challenge || asked["redirect_uri"] != form["redirect_uri"] {
            return refused("invalid_grant");
        }
        inner.redeemed += 1;
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": inner.issuer, "aud": CLIENT, "nonce": asked["nonce"], "iat": now, "exp": now + 300,
        });
        claims.as_object_mut().unwrap().extend(inner.user.as_object().unwrap().clone());
        (inner.spoil)(&mut claims);
        let token = match inner.forge {
            Some(forge) => forge(inner, &claims),
            None => inner.key.sign(&claims),
        };
        (StatusCode::OK, Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": token })))
    })
}

/// RFC 6749 §2.3.1: both parts are encoded as in a form before they are joined.
fn is_client(headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return form.get("client_id").is_some_and(|id| id == CLIENT)
            && form.get("client_secret").is_some_and(|secret| secret == SECRET);
    };
    let pair = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    let decoded = |text: &str| {
        url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned()
    };
    decoded(id) == CLIENT && decoded(secret) == SECRET
}
