//! A commission in software: five people with a passkey each, of whom three decide.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::HubConfig;
use oversight::authorisation::{Category, Decided, Decision, Field, IndicatorList, Kind, Terms, Verdict};
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::authorisations::NewAuthorisation;
use store::{Act, authorisations, credentials};

use crate::authenticator::Authenticator;
use crate::signed::Signed;
use crate::support::{Reply, TestHub};

/// What a commissioner signs with.
enum Key {
    Es256(Box<Authenticator>),
    /// As an authenticator would that has nothing else.
    Ed25519 {
        key: Ed25519KeyPair,
        id: Vec<u8>,
        origin: String,
    },
}

/// A commissioner who is signed in.
pub struct Commissioner<'a> {
    pub signed: Signed<'a>,
    pub id: String,
    key: Key,
}

/// A hub with the example of a frame, a commission's organisation, an agency and two operators.
pub async fn hub() -> TestHub {
    hub_with(with_frame).await
}

/// The same with another configuration.
pub async fn hub_with(change: impl FnOnce(&mut HubConfig)) -> TestHub {
    let hub = TestHub::start_with(change).await;
    for (name, role) in [
        ("commission", OrganisationRole::Oversight),
        ("npa", OrganisationRole::Agency),
        ("mod", OrganisationRole::Agency),
        ("kinki-power", OrganisationRole::Operator),
        ("harbour", OrganisationRole::Operator),
    ] {
        hub.organisation(name, role).await;
    }
    hub
}

pub fn with_frame(config: &mut HubConfig) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators/frame.example.json");
    config.frame = Some(example);
}

impl<'a> Commissioner<'a> {
    /// A person of the commission with a passkey: the even ones ES256, the odd ones Ed25519.
    pub async fn new(hub: &'a TestHub, number: usize) -> Self {
        let signed = Signed::person(hub, "commission", PersonRole::Commissioner).await;
        Self::with_passkey(hub, signed, number).await
    }

    pub async fn with_passkey(hub: &'a TestHub, signed: Signed<'a>, number: usize) -> Self {
        let origin = format!("http://localhost:{}", hub.running.listen.port());
        let begun = signed.done("/api/v1/me/passkeys/start", Value::Null).await;
        let (authenticator, credential) = Authenticator::create(&begun["options"], &origin);
        let body = json!({ "challenge_id": begun["challenge_id"], "name": "key", "credential": credential });
        signed.done("/api/v1/me/passkeys/finish", body).await;
        let id = signed.good("/api/v1/session").await["person"]["id"].as_str().unwrap().to_owned();
        let key = if number.is_multiple_of(2) {
            Key::Es256(Box::new(authenticator))
        } else {
            make_ed25519(hub, &id, origin).await
        };
        Self { signed, id, key }
    }

    /// What the authenticator answers to request options.
    pub fn answer(&mut self, options: &Value) -> Value {
        match &mut self.key {
            Key::Es256(authenticator) => authenticator.get(options),
            Key::Ed25519 { key, id, origin } => {
                let mut data = Sha256::digest(options["rpId"].as_str().unwrap()).to_vec();
                data.extend([5, 0, 0, 0, 0]);
                let client = json!({
                    "type": "webauthn.get", "challenge": options["challenge"], "origin": origin, "crossOrigin": false,
                })
                .to_string();
                let signed = [data.as_slice(), &Sha256::digest(&client)].concat();
                let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                json!({
                    "id": encode(id), "rawId": encode(id), "type": "public-key", "clientExtensionResults": {},
                    "response": {
                        "authenticatorData": encode(&data), "clientDataJSON": encode(client.as_bytes()),
                        "signature": encode(key.sign(&signed).as_ref()),
                    },
                })
            }
        }
    }

    /// Begins and finishes; the answer to the finish.
    pub async fn sign(&mut self, path: &str, body: Value) -> Reply {
        let begun = self.signed.post(&format!("{path}/start"), body).await;
        if begun.status != 200 {
            return begun;
        }
        let begun = begun.json();
        let credential = self.answer(&begun["options"]);
        let body = json!({ "challenge_id": begun["challenge_id"], "credential": credential });
        self.signed.post(&format!("{path}/finish"), body).await
    }

    /// Signs a decision on an authorisation, which must be taken.
    pub async fn decide(&mut self, authorisation: &Value, verdict: &str) -> Value {
        let reply = self.try_decide(authorisation, verdict).await;
        assert_eq!(reply.status, 200, "{verdict}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    pub async fn try_decide(&mut self, authorisation: &Value, verdict: &str) -> Reply {
        self.sign(&path(authorisation), decision(authorisation, verdict)).await
    }
}

pub fn path(authorisation: &Value) -> String {
    format!("/api/v1/authorisations/{}/decisions", authorisation["id"].as_str().unwrap())
}

pub fn decision(authorisation: &Value, verdict: &str) -> Value {
    json!({ "verdict": verdict, "terms": authorisation["terms_hash"], "reason": "looked at" })
}

/// Gives a person an Ed25519 passkey in place of the one that it registered: the hub's sign-in asks for none of that kind, but older
/// or other means may have stored one.
async fn make_ed25519(hub: &TestHub, person: &str, origin: String) -> Key {
    let key = Ed25519KeyPair::generate().unwrap();
    let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let person = person.to_owned();
    let id = hub.running.store().write(move |tx| {
        let row = credentials::of_person(tx, &Realm::Live, &person)?.remove(0);
        let mut credential: Value = serde_json::from_str(&row.credential).unwrap();
        let cose = &mut credential["cred"]["cred"];
        assert_eq!(cose["type_"], "ES256");
        *cose = json!({ "type_": "EDDSA", "key": { "EC_OKP": { "curve": "ED25519", "x": public } } });
        assert!(credentials::remove(tx, &Realm::Live, &person, &row.id)?);
        let row = credentials::Passkey { credential: credential.to_string(), ..row };
        credentials::add(tx, &Realm::Live, &row)?;
        Ok(Act::bookkeeping(row.credential_id))
    });
    Key::Ed25519 { key, id: id.await.unwrap(), origin }
}

/// Five commissioners, of whom three decide, constituted by the administrator of their organisation.
pub async fn commission(hub: &TestHub) -> Vec<Commissioner<'_>> {
    let mut members = Vec::new();
    for number in 0..5 {
        members.push(Commissioner::new(hub, number).await);
    }
    let administrator = Signed::person(hub, "commission", PersonRole::Administrator).await;
    let told = administrator.done("/api/v1/oversight/commission", constitution(&members, 3)).await;
    assert_eq!((&told["off_because"], &told["is_on"]), (&json!("frame-not-adopted"), &json!(false)));
    members
}

pub fn constitution(members: &[Commissioner<'_>], threshold: u32) -> Value {
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365);
    json!({ "name": "委員会", "threshold": threshold, "members": ids, "until": until.to_string() })
}

/// What the standing commission is asked to take into force.
pub async fn resolution(member: &Commissioner<'_>, subject: &str) -> Value {
    let told = member.signed.good("/api/v1/oversight/commission").await;
    let proposals = told["proposals"].as_array().unwrap();
    let proposal = proposals.iter().find(|proposal| proposal["subject"] == subject).unwrap();
    json!({ "subject": subject, "digest": proposal["digest"], "reason": "read" })
}

/// Three of the commission take the frame of the configuration into force.
pub async fn adopt_frame(members: &mut [Commissioner<'_>]) -> Value {
    let mut told = Value::Null;
    for member in members.iter_mut().take(3) {
        let body = resolution(member, "frame").await;
        let reply = member.sign("/api/v1/oversight/resolutions", body).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        told = reply.json();
    }
    told
}

/// A request that the frame allows.
pub fn wanted(operators: &[&str]) -> Value {
    let now = jiff::Timestamp::now();
    json!({
        "kind": "ordinary", "category": "foreign-domestic", "operators": operators,
        "indicators": ["[ipv4-addr:value = '203.0.113.1']", "[domain-name:value = 'evil.example']"],
        "fields": ["addresses", "ports"], "queries_per_day": 2, "from": now.to_string(),
        "until": (now + jiff::SignedDuration::from_hours(20)).to_string(), "retention": "measures-2y",
        "purpose": "collective-defence", "reason": "traffic to a command server",
    })
}

/// An authorisation that nobody decided on, put into the store as granted: something to ask for where there is no commission.
pub async fn granted_behind(hub: &TestHub, by: &str, operator: &str) -> uuid::Uuid {
    granted_as(hub, by, operator, |_| {}).await.terms.id
}

/// The same with other terms; gives what was granted.
pub async fn granted_as(
    hub: &TestHub,
    by: &str,
    operator: &str,
    change: impl FnOnce(&mut NewAuthorisation),
) -> authorisations::Authorisation {
    let list = IndicatorList {
        salt: "00".repeat(32),
        patterns: vec!["[ipv4-addr:value = '203.0.113.1']".to_owned()],
    };
    let now = jiff::Timestamp::now();
    let terms = Terms {
        id: uuid::Uuid::new_v4(),
        kind: Kind::Ordinary,
        category: Category::Consent,
        article: "a".to_owned(),
        requested_by: OrganisationId::parse(by).unwrap(),
        operators: [OrganisationId::parse(operator).unwrap()].into(),
        list_root: hex::encode(list.root().unwrap()),
        list_size: 1,
        fields: [Field::Ports].into(),
        queries_per_day: 1,
        from: now,
        until: now + jiff::SignedDuration::from_hours(1),
        retention: "r".to_owned(),
        purpose: Purpose::CollectiveDefence,
        reason: "r".to_owned(),
        narrows: None,
        private: None,
    };
    let mut new = NewAuthorisation { terms, person: "p".to_owned(), list, sealed: false };
    change(&mut new);
    let id = new.terms.id;
    let mut decision = Decision {
        verdict: Verdict::Grant,
        authorisation: id,
        request: 0,
        terms: hex::encode(new.terms.digest()),
        kind: Kind::Ordinary,
        frame: String::new(),
        number: 1,
        asked: now,
        reason: String::new(),
    };
    let done = hub.running.store().write(move |tx| {
        decision.request = authorisations::request(tx, &Realm::Live, &new)?;
        let decided = Decided { decision, assertions: Vec::new() };
        authorisations::decide(tx, &Realm::Live, &decided)?;
        Ok(Act::bookkeeping(authorisations::get(tx, &Realm::Live, id)?.unwrap()))
    });
    done.await.unwrap()
}

/// One commissioner's decision, behind the back of the commission.
pub async fn decided_behind(hub: &TestHub, id: uuid::Uuid, verdict: Verdict) {
    let done = hub.running.store().write(move |tx| {
        let found = authorisations::get(tx, &Realm::Live, id)?.unwrap();
        let decision = Decision {
            verdict,
            authorisation: id,
            request: found.request_leaf,
            terms: hex::encode(found.terms.digest()),
            kind: found.terms.kind,
            frame: String::new(),
            number: found.decisions + 1,
            asked: tx.now(),
            reason: String::new(),
        };
        let decided = Decided { decision, assertions: Vec::new() };
        authorisations::decide(tx, &Realm::Live, &decided).map(Act::bookkeeping)
    });
    done.await.unwrap();
}
