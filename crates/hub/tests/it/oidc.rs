//! People sign in by their organisation's identity provider; and providers, browsers and strangers that cheat.

use jiff::SignedDuration;
use oversight::{Action, OrganisationId, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use store::people::Person;
use store::sessions::{Origin, Session};
use store::{Act, identities, people, secrets, sessions};
use url::Url;

use crate::identity_provider::{CLIENT, Inner, Key, Provider, SECRET, by_secret, encode, unsigned};
use crate::rest::JSON;
use crate::signed::Signed;
use crate::support::{Reply, TestHub, V1, indicator, marked};

/// A browser: it keeps cookies and the session's word.
#[derive(Clone)]
pub struct Browser<'a> {
    hub: &'a TestHub,
    cookies: Vec<String>,
    csrf: String,
}

/// What a provider sent a browser back with.
#[derive(Clone)]
pub struct Back {
    path: String,
    pub answer: Value,
}

impl<'a> Browser<'a> {
    pub fn new(hub: &'a TestHub) -> Self {
        Self { hub, cookies: Vec::new(), csrf: String::new() }
    }

    async fn send(&mut self, method: Method, path: &str, body: Value) -> Reply {
        let mut ask =
            self.hub.ask(method, path).stranger().header("accept", JSON).header("content-type", JSON);
        ask = ask.header("user-agent", "a browser");
        if !self.cookies.is_empty() {
            ask = ask.header("cookie", &self.cookies.join("; ")).header("x-yagura-csrf", &self.csrf);
        }
        let reply = ask.body(if body.is_null() { String::new() } else { body.to_string() }).send().await;
        if let Some(cookie) = reply.headers.get("set-cookie").map(|value| value.to_str().unwrap()) {
            assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
            let (pair, name) = (cookie.split(';').next().unwrap(), cookie.split('=').next().unwrap());
            self.cookies.retain(|known| !known.starts_with(name));
            self.cookies.push(pair.to_owned());
        }
        let word = (reply.status == 200).then(|| reply.json()["csrf"].as_str().map(str::to_owned)).flatten();
        self.csrf = word.unwrap_or_else(|| std::mem::take(&mut self.csrf));
        reply
    }

    /// To the provider's page, where the person is known, and back.
    pub async fn go(&mut self, provider: &str) -> Back {
        let reply =
            self.send(Method::POST, "/api/v1/session/oidc/start", json!({ "provider": provider })).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        back(reply.json()["address"].as_str().unwrap()).await
    }

    pub async fn finish(&mut self, back: &Back) -> Reply {
        self.send(Method::POST, "/api/v1/session/oidc/finish", back.answer.clone()).await
    }

    /// The whole way.
    pub async fn sign_in(&mut self, provider: &str) -> Reply {
        let back = self.go(provider).await;
        self.finish(&back).await
    }
}

/// Opens a provider's page and reads where it sends the browser to.
async fn back(address: &str) -> Back {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let there = http.build().unwrap().get(address).send().await.unwrap();
    assert_eq!(there.status().as_u16(), 302);
    let back = Url::parse(there.headers()["location"].to_str().unwrap()).unwrap();
    let word = |name: &str| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let provider = back.path_segments().unwrap().next_back().unwrap();
    let answer = json!({
        "provider": provider, "state": word("state"), "code": word("code"), "iss": word("iss"),
    });
    Back { path: back.path().to_owned(), answer }
}

pub async fn register(hub: &TestHub, id: &str, organisation: &str, idp: &Provider, more: Value) -> Reply {
    let mut new = json!({
        "id": id, "organisation": organisation, "issuer": idp.issuer(), "client": CLIENT, "secret": SECRET,
    });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hub.send_json(&hub.token, Method::POST, "/api/v1/identity-providers", new).await
}

/// A hub with an agency that has a provider and two people, and another agency with one.
pub async fn agencies() -> (TestHub, Provider) {
    let (hub, idp) = (TestHub::start().await, Provider::start().await);
    for organisation in ["police", "defence"] {
        hub.organisation(organisation, OrganisationRole::Agency).await;
    }
    for (login, organisation) in [("sato", "police"), ("tanaka", "police"), ("mori", "defence")] {
        person(&hub, login, organisation).await;
    }
    assert_eq!(register(&hub, "police-people", "police", &idp, json!({})).await.status, 200);
    (hub, idp)
}

async fn person(hub: &TestHub, login: &str, organisation: &str) {
    let (login, organisation) = (login.to_owned(), OrganisationId::parse(organisation).unwrap());
    let added = hub.running.store().write(move |tx| {
        let person = Person {
            id: format!("account-{login}"),
            name: login.clone(),
            login,
            organisation,
            roles: [PersonRole::Analyst].into(),
            password_hash: None,
            disabled: false,
            created: tx.now(),
        };
        people::add(tx, &Realm::Live, &person).map(Act::bookkeeping)
    });
    added.await.unwrap();
}

fn refused(reply: &Reply, hub_said: &str) {
    assert_eq!((reply.status, reply.json()["code"].as_str()), (401, Some("sign-in-refused")), "{hub_said}");
    assert!(reply.headers.get("set-cookie").is_none(), "{hub_said}: no session");
}

/// The reasons of the refusals by a provider, newest first.
async fn reasons(hub: &TestHub) -> Vec<String> {
    let rows = hub.audit(Action::Refused).await;
    rows.iter().filter_map(|row| row.event.detail.get("reason").cloned()).collect()
}

async fn newest_reason(hub: &TestHub) -> String {
    reasons(hub).await.first().cloned().unwrap_or_default().trim_matches('"').to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_tied_at_the_first_sign_in_and_known_by_issuer_and_subject() {
    let (hub, idp) = agencies().await;
    let mut browser = Browser::new(&hub);
    let back = browser.go("police-people").await;
    assert_eq!(back.path, "/sign-in/oidc/police-people");
    let session = browser.finish(&back).await;
    assert_eq!(session.status, 200, "{}", String::from_utf8_lossy(&session.body));
    let session = session.json();
    assert_eq!((&session["person"]["login"], &session["credential_needed"]), (&json!("sato"), &json!(false)));
    let known = browser.send(Method::GET, "/api/v1/session", Value::Null).await.json();
    assert_eq!(known["credential_needed"], json!(false));
    let row = &hub.audit(Action::SignedIn).await[0];
    assert_eq!(
        (&row.event.detail["means"], &row.event.detail["provider"]),
        (&"oidc".into(), &"police-people".into())
    );
    let tied = hub.audit(Action::CredentialChanged).await;
    assert_eq!((tied.len(), tied[0].event.objects.as_slice()), (1, &["account-sato".to_owned()][..]));

    // What the provider calls the account from now on changes nothing.
    idp.with(|inner| inner.user = json!({ "sub": "subject-1", "preferred_username": "tanaka" }));
    let again = Browser::new(&hub).sign_in("police-people").await.json();
    assert_eq!(again["person"]["login"], "sato");
    // Another subject under the same name is another person.
    idp.with(|inner| inner.user = json!({ "sub": "subject-2", "preferred_username": "sato" }));
    refused(&Browser::new(&hub).sign_in("police-people").await, "the name is taken");
    assert_eq!(newest_reason(&hub).await, "account-is-somebodys");
    // An address of mail opens nothing.
    idp.with(|inner| {
        inner.user = json!({ "sub": "subject-3", "email": "tanaka@police.example", "email_verified": true });
    });
    refused(&Browser::new(&hub).sign_in("police-people").await, "mail alone");
    assert_eq!(newest_reason(&hub).await, "no-account-name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_word_is_no_proof_for_what_asks_for_one() {
    let (hub, _idp) = agencies().await;
    let mut browser = Browser::new(&hub);
    assert_eq!(browser.sign_in("police-people").await.status, 200);
    assert_eq!(browser.send(Method::GET, "/api/v1/board", Value::Null).await.status, 200);
    let password = json!({ "password": "correct horse battery staple" });
    let objects = json!([marked(indicator(V1), Tlp::Green)]);
    for (method, path, body) in [
        (Method::PUT, "/api/v1/me/password", password),
        (Method::POST, "/api/v1/me/passkeys/start", Value::Null),
        (Method::POST, "/api/v1/me/identities/start", json!({ "provider": "police-people" })),
        (Method::DELETE, "/api/v1/me/identities/police-people", Value::Null),
        (Method::POST, "/api/v1/objects", objects),
    ] {
        let reply = browser.send(method, path, body).await;
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (403, Some("fresh-proof-needed")),
            "{path}"
        );
    }
}

/// Spoils the token and expects the reason.
async fn check_spoilt(hub: &TestHub, idp: &Provider, reason: &str, spoil: fn(&mut Value)) {
    idp.with(|inner| inner.spoil = spoil);
    refused(&Browser::new(hub).sign_in("police-people").await, reason);
    assert_eq!(newest_reason(hub).await, reason);
    idp.with(|inner| inner.spoil = |_| {});
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_must_be_for_this_hub_and_this_sign_in() {
    let (hub, idp) = agencies().await;
    check_spoilt(&hub, &idp, "token-nonce", |claims| claims["nonce"] = json!("another")).await;
    check_spoilt(&hub, &idp, "token-nonce", |claims| drop(claims.as_object_mut().unwrap().remove("nonce")))
        .await;
    check_spoilt(&hub, &idp, "token-audience", |claims| claims["aud"] = json!("another")).await;
    check_spoilt(&hub, &idp, "token-audience", |claims| claims["aud"] = json!([CLIENT, "another"])).await;
    check_spoilt(&hub, &idp, "token-audience", |claims| claims["azp"] = json!("another")).await;
    check_spoilt(&hub, &idp, "token-issuer", |claims| claims["iss"] = json!("https://another.example")).await;
    check_spoilt(&hub, &idp, "token-subject", |claims| claims["sub"] = json!("")).await;
    // Nothing was tied by any of them, and a good one is taken: also as a list of one audience.
    idp.with(|inner| inner.spoil = |claims| claims["aud"] = json!([CLIENT]));
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_minutes() {
    let (hub, idp) = agencies().await;
    check_spoilt(&hub, &idp, "token-expired", |claims| {
        claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61);
    })
    .await;
    check_spoilt(&hub, &idp, "token-expiry", |claims| claims["exp"] = json!("never")).await;
    check_spoilt(&hub, &idp, "token-time", |claims| {
        claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 120);
    })
    .await;
    check_spoilt(&hub, &idp, "token-time", |claims| {
        claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 700);
    })
    .await;
    check_spoilt(&hub, &idp, "token-time", |claims| {
        claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 120);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_must_be_signed_by_the_issuers_key() {
    let (hub, idp) = agencies().await;
    let check = async |reason: &str, forge: fn(&Inner, &Value) -> String| {
        idp.with(|inner| inner.forge = Some(forge));
        refused(&Browser::new(&hub).sign_in("police-people").await, reason);
        assert_eq!(newest_reason(&hub).await, reason);
    };
    check("token-algorithm", |_, claims| format!("{}.", unsigned(&json!({ "alg": "none" }), claims))).await;
    check("token-algorithm", |_, claims| by_secret(SECRET.as_bytes(), claims)).await;
    // Signed "by" the public key, as if that were a secret.
    check("token-algorithm", |inner, claims| {
        by_secret(inner.key.public()["x"].as_str().unwrap().as_bytes(), claims)
    })
    .await;
    check("token-signature", |_, claims| Key::ec("first").sign(claims)).await;
    check("token-key", |_, claims| Key::ec("unknown").sign(claims)).await;
    check("token-header", |_, claims| {
        format!("{}.AA", unsigned(&json!({ "alg": "ES256", "kid": "first", "crit": ["b64"] }), claims))
    })
    .await;
    check("token-signature", |inner, claims| {
        let token = inner.key.sign(claims);
        let mut parts = token.split('.');
        let (header, _, signature) = (parts.next().unwrap(), parts.next(), parts.next().unwrap());
        let mut other = claims.clone();
        other["sub"] = json!("subject-9");
        format!("{header}.{}.{signature}", encode(other.to_string().as_bytes()))
    })
    .await;
    check("token-header", |_, _| "no token".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_without_a_word() {
    let (hub, idp) = agencies().await;
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
    // A new key beside the old one, of another kind; then without the old one.
    let old = idp.with(|inner| {
        let old = std::mem::replace(&mut inner.key, Key::rsa("second"));
        inner.published = vec![old.public(), json!({ "kty": "new-kind", "kid": "odd" })];
        old
    });
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
    idp.with(|inner| inner.published.clear());
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
    // What the old one signs is not taken any more.
    let Key::Ec(_, old) = old else { panic!("the first key") };
    idp.with(|inner| {
        inner.published = vec![inner.key.public()];
        inner.key = Key::Ec("taken-back".to_owned(), old);
        inner.forge = Some(|inner, claims| match &inner.key {
            Key::Ec(_, key) => Key::Ec("first".to_owned(), key.clone()).sign(claims),
            Key::Rsa(..) => panic!("the first key"),
        });
    });
    let mut browser = Browser::new(&hub);
    let back = browser.go("police-people").await;
    refused(&browser.finish(&back).await, "a key that was taken back");
    assert_eq!(newest_reason(&hub).await, "token-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_asked_and_who_answers_are_one() {
    let (hub, idp) = agencies().await;
    let other = Provider::start().await;
    assert_eq!(register(&hub, "defence-people", "defence", &other, json!({})).await.status, 200);
    let check = async |reason: &str, change: fn(&mut Value)| {
        let mut browser = Browser::new(&hub);
        let mut back = browser.go("police-people").await;
        change(&mut back.answer);
        let redeemed = (idp.with(|inner| inner.redeemed), other.with(|inner| inner.redeemed));
        refused(&browser.finish(&back).await, reason);
        assert_eq!(newest_reason(&hub).await, reason);
        let after = (idp.with(|inner| inner.redeemed), other.with(|inner| inner.redeemed));
        assert_eq!(redeemed, after, "no code goes to anybody");
    };
    check("another-provider", |answer| answer["provider"] = json!("defence-people")).await;
    check("another-provider", |answer| answer["iss"] = json!("https://another.example")).await;
    check("another-provider", |answer| drop(answer.as_object_mut().unwrap().remove("iss"))).await;
    check("no-such-sign-in", |answer| answer["state"] = json!(uuid::Uuid::new_v4())).await;
    check("no-such-sign-in", |answer| answer["state"] = json!("guess")).await;
    // A code of one provider in the answer of the other's: it is redeemed where it was asked for, which does not know it.
    let (mut browser, mut stranger) = (Browser::new(&hub), Browser::new(&hub));
    let theirs = stranger.go("defence-people").await;
    let mut mixed = browser.go("police-people").await;
    mixed.answer["code"] = theirs.answer["code"].clone();
    refused(&browser.finish(&mixed).await, "mixed up");
    assert_eq!(newest_reason(&hub).await, "code-refused");
    assert_eq!(other.with(|inner| inner.redeemed), 0);
    // Where a provider does not name itself, nothing is missed.
    idp.with(|inner| {
        inner.document = |document| {
            document.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
        }
    });
    let mut browser = Browser::new(&hub);
    let mut back = browser.go("police-people").await;
    back.answer.as_object_mut().unwrap().remove("iss");
    assert_eq!(browser.finish(&back).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_good_once_and_in_the_browser_that_asked() {
    let (hub, _idp) = agencies().await;
    let mut browser = Browser::new(&hub);
    let back = browser.go("police-people").await;
    refused(&Browser::new(&hub).finish(&back).await, "another browser");
    assert_eq!(newest_reason(&hub).await, "another-browser");
    refused(&browser.finish(&back).await, "it was tried");
    assert_eq!(newest_reason(&hub).await, "no-such-sign-in");
    let back = browser.go("police-people").await;
    assert_eq!(browser.finish(&back).await.status, 200);
    refused(&browser.finish(&back).await, "replayed");
    assert_eq!(newest_reason(&hub).await, "no-such-sign-in");
    // The browser of one sign-in with the answer of another.
    let (mut one, mut other) = (Browser::new(&hub), Browser::new(&hub));
    let (_, theirs) = (one.go("police-people").await, other.go("police-people").await);
    refused(&one.finish(&theirs).await, "another's answer");
    assert_eq!(newest_reason(&hub).await, "another-browser");
    refused(
        &Browser::new(&hub)
            .send(Method::POST, "/api/v1/session/oidc/start", json!({ "provider": "none" }))
            .await,
        "no provider",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_vouches_for_its_organisations_people_alone() {
    let (hub, idp) = agencies().await;
    idp.with(|inner| inner.user = json!({ "sub": "subject-7", "preferred_username": "mori" }));
    refused(&Browser::new(&hub).sign_in("police-people").await, "another organisation's");
    assert_eq!(newest_reason(&hub).await, "account-of-another-organisation");
    idp.with(|inner| inner.user = json!({ "sub": "subject-8", "preferred_username": "administrator" }));
    refused(&Browser::new(&hub).sign_in("police-people").await, "the coordinator's");
    // An account that moves away is not the provider's any more.
    idp.with(|inner| inner.user = json!({ "sub": "subject-1", "preferred_username": "sato" }));
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
    let moved = hub.running.store().write(|tx| {
        let sato = people::by_login(tx, &Realm::Live, "sato")?.unwrap();
        let sato = Person { organisation: OrganisationId::parse("defence").unwrap(), ..sato };
        people::update(tx, &Realm::Live, &sato).map(Act::bookkeeping)
    });
    moved.await.unwrap();
    refused(&Browser::new(&hub).sign_in("police-people").await, "it moved");
    assert_eq!(newest_reason(&hub).await, "account-of-another-organisation");
    // One issuer is one organisation's; and nobody vouches for who supervises.
    assert_eq!(register(&hub, "again", "defence", &idp, json!({})).await.status, 409);
    hub.organisation("commission", OrganisationRole::Oversight).await;
    let other = Provider::start().await;
    assert_eq!(register(&hub, "commission-people", "commission", &other, json!({})).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_persons_sessions_end_and_none_begins() {
    let (hub, _idp) = agencies().await;
    let mut browser = Browser::new(&hub);
    assert_eq!(browser.sign_in("police-people").await.status, 200);
    let path = "/api/v1/people/account-sato";
    let change = json!({ "disabled": true });
    let person = hub.send_json(&hub.token, Method::PATCH, path, change).await;
    assert_eq!((person.status, &person.json()["disabled"]), (200, &json!(true)));
    assert_eq!(browser.send(Method::GET, "/api/v1/session", Value::Null).await.status, 401);
    refused(&Browser::new(&hub).sign_in("police-people").await, "disabled");
    assert_eq!(newest_reason(&hub).await, "account-disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_gives_roles_where_that_was_asked_for() {
    let (hub, idp) = agencies().await;
    let other = Provider::start().await;
    let more = json!({ "role_claim": "groups", "role_map": { "watch": "duty_officer", "read": "trainee" } });
    assert_eq!(register(&hub, "defence-people", "defence", &other, more).await.status, 200);
    let user =
        |groups: Value| json!({ "sub": "s", "preferred_username": "kato", "name": "加藤", "groups": groups });
    // Nobody without a role, and nothing is left of the attempt.
    other.with(|inner| inner.user = user(json!(["staff"])));
    refused(&Browser::new(&hub).sign_in("defence-people").await, "no role");
    assert_eq!(newest_reason(&hub).await, "no-account");
    other.with(|inner| inner.user = user(json!(["staff", "watch"])));
    let session = Browser::new(&hub).sign_in("defence-people").await.json();
    assert_eq!(session["person"]["name"], "加藤");
    assert_eq!(
        (&session["person"]["organisation"], &session["person"]["roles"]),
        (&json!("defence"), &json!(["duty_officer"]))
    );
    // Roles follow the claim; one that people gave and no provider can give stays.
    let promoted = hub.running.store().write(|tx| {
        let mut kato = people::by_login(tx, &Realm::Live, "kato")?.unwrap();
        kato.roles.insert(PersonRole::Administrator);
        people::update(tx, &Realm::Live, &kato).map(Act::bookkeeping)
    });
    promoted.await.unwrap();
    other.with(|inner| inner.user = user(json!("read")));
    let session = Browser::new(&hub).sign_in("defence-people").await.json();
    assert_eq!(session["person"]["roles"], json!(["administrator", "trainee"]));
    // An account whose claim gives nothing is not tied either: all or nothing.
    other.with(|inner| inner.user = json!({ "sub": "m", "preferred_username": "mori", "groups": [] }));
    refused(&Browser::new(&hub).sign_in("defence-people").await, "no role");
    assert_eq!(newest_reason(&hub).await, "no-role");
    let ties = hub.running.store().read(|reader| identities::of_person(reader, &Realm::Live, "account-mori"));
    assert!(ties.await.unwrap().is_empty());
    // Where no claim gives roles, none makes accounts.
    idp.with(|inner| inner.user = json!({ "sub": "n", "preferred_username": "new", "groups": ["watch"] }));
    refused(&Browser::new(&hub).sign_in("police-people").await, "no account");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_suspended_provider_vouched_for_ends() {
    let (hub, idp) = agencies().await;
    let (mut browser, path) = (Browser::new(&hub), "/api/v1/identity-providers/police-people");
    assert_eq!(browser.sign_in("police-people").await.status, 200);
    let mut second = Browser::new(&hub);
    let back = second.go("police-people").await;
    let suspended = hub.send_json(&hub.token, Method::PATCH, path, json!({ "suspended": true })).await;
    assert_eq!((suspended.status, &suspended.json()["suspended"]), (200, &json!(true)));
    assert_eq!(browser.send(Method::GET, "/api/v1/session", Value::Null).await.status, 401);
    let start = json!({ "provider": "police-people" });
    refused(&Browser::new(&hub).send(Method::POST, "/api/v1/session/oidc/start", start).await, "suspended");
    refused(&second.finish(&back).await, "under way");
    assert_eq!(newest_reason(&hub).await, "provider-changed");
    let resumed = hub.send_json(&hub.token, Method::PATCH, path, json!({ "suspended": false })).await;
    assert_eq!(resumed.status, 200);
    assert_eq!(browser.sign_in("police-people").await.status, 200);
    assert_eq!(hub.rest(&hub.token, Method::DELETE, path).send().await.status, 204);
    assert_eq!(browser.send(Method::GET, "/api/v1/session", Value::Null).await.status, 401);
    let ties = hub.running.store().read(|reader| identities::of_person(reader, &Realm::Live, "account-sato"));
    assert!(ties.await.unwrap().is_empty());
    assert_eq!(hub.audit(Action::ProviderChanged).await.len(), 4);
    assert_eq!(idp.with(|inner| inner.redeemed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_points_elsewhere_is_not_followed() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    let check = async |change: fn(&mut Value), expected: &str| {
        let idp = Provider::start().await;
        idp.with(|inner| inner.document = change);
        let reply = register(&hub, "police-people", "police", &idp, json!({})).await;
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(reply.status == 422 && detail.contains(expected), "{detail}");
    };
    check(|document| document["issuer"] = json!("https://another.example"), "another issuer").await;
    check(|document| document["token_endpoint"] = json!("http://127.0.0.1:9/token"), "points to").await;
    check(|document| document["jwks_uri"] = json!("https://another.example/keys"), "points to").await;
    check(|document| document["authorization_endpoint"] = json!("https://another.example/"), "points to")
        .await;
    check(|document| document["code_challenge_methods_supported"] = json!(["plain"]), "PKCE").await;
    // Named, it is.
    let (idp, keys) = (Provider::start().await, Provider::start().await);
    let origins = json!({ "origins": [keys.issuer()] });
    assert_eq!(register(&hub, "police-people", "police", &idp, origins).await.status, 200);
    let told = hub.good(&hub.token, "/api/v1/identity-providers").await;
    assert!(!told.to_string().contains("hunter2"), "what is secret is not told");
    let expected = format!("http://localhost:{}/sign-in/oidc/police-people", hub.running.listen.port());
    assert_eq!(told["providers"][0]["redirect"], expected);
    // Its secret goes in the body where that is all it takes.
    person(&hub, "sato", "police").await;
    idp.with(|inner| {
        inner.document = |document| {
            document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        }
    });
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_means_of_its_own_is_tied_by_its_person() {
    let (hub, idp) = agencies().await;
    let password = Signed::again(&hub, "account-tanaka").await;
    let chosen = json!({ "password": "correct horse battery staple" });
    assert_eq!(password.ask(Method::PUT, "/api/v1/me/password", Some(chosen)).await.status, 204);
    idp.with(|inner| inner.user = json!({ "sub": "t", "preferred_username": "tanaka" }));
    refused(&Browser::new(&hub).sign_in("police-people").await, "it is somebody's");
    assert_eq!(newest_reason(&hub).await, "account-is-somebodys");
    let mut browser = Browser::new(&hub);
    let sign_in = json!({ "login": "tanaka", "password": "correct horse battery staple" });
    assert_eq!(browser.send(Method::POST, "/api/v1/session/password", sign_in).await.status, 200);
    let tie = async |browser: &mut Browser<'_>| {
        let start = json!({ "provider": "police-people" });
        let reply = browser.send(Method::POST, "/api/v1/me/identities/start", start).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        back(reply.json()["address"].as_str().unwrap()).await
    };
    let own = tie(&mut browser).await;
    // What was begun to tie an account signs nobody in.
    refused(&browser.clone().finish(&own).await, "another purpose");
    let own = tie(&mut browser).await;
    assert_eq!(browser.send(Method::POST, "/api/v1/me/identities/finish", own.answer).await.status, 204);
    let ties = browser.send(Method::GET, "/api/v1/me/identities", Value::Null).await;
    assert_eq!(
        (&ties.json()[0]["provider"], &ties.json()[0]["subject"]),
        (&json!("police-people"), &json!("t"))
    );
    let session = Browser::new(&hub).sign_in("police-people").await.json();
    assert_eq!(session["person"]["login"], "tanaka");
    // Others have nothing to tie there.
    let other = Signed::again(&hub, "account-mori").await;
    assert_eq!(
        other.post("/api/v1/me/identities/start", json!({ "provider": "police-people" })).await.status,
        422
    );
    let path = "/api/v1/me/identities/police-people";
    assert_eq!(browser.send(Method::DELETE, path, Value::Null).await.status, 204);
    assert_eq!(browser.send(Method::DELETE, path, Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_vouched_for_lasts_a_day_however_much_it_is_used() {
    let (hub, _idp) = agencies().await;
    let began = jiff::Timestamp::now() - SignedDuration::from_hours(11);
    let add = async |secret: &'static str, provider: Option<&str>| {
        let provider = provider.map(str::to_owned);
        let added = hub.running.store().write(move |tx| {
            let session = Session {
                hash: secrets::hash(secret),
                person: "account-sato".to_owned(),
                csrf: "word".to_owned(),
                created: began,
                expires: tx.now() + SignedDuration::from_hours(1),
                seen: tx.now() - SignedDuration::from_hours(1),
                origin: Origin { provider, ..Origin::default() },
            };
            sessions::add(tx, &Realm::Live, &session).map(Act::bookkeeping)
        });
        added.await.unwrap();
        let ask = hub.get("/api/v1/session").stranger().header("accept", JSON);
        assert_eq!(ask.header("cookie", &format!("yagura_session={secret}")).status().await, 200);
        let found = hub
            .running
            .store()
            .read(move |reader| sessions::get(reader, &Realm::Live, &secrets::hash(secret)));
        let found = found.await.unwrap().unwrap();
        found.expires.duration_since(found.created).as_hours()
    };
    assert_eq!(add("vouched", Some("police-people")).await, 12);
    assert!(add("own", None).await > 12);
}
