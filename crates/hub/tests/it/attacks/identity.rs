//! Against the sign-in by identity providers: one provider, honest to the hub or not, that is taken for another one.

use serde_json::{Value, json};

use super::{Attack, answer};
use crate::identity_provider::Provider;
use crate::oidc::{Browser, agencies, register};
use crate::support::Reply;

pub async fn all() -> Vec<Attack> {
    vec![mix_up().await]
}

/// What is changed in an answer on its way back; the other one's issuer is given.
type Change = fn(&mut Value, &str);

/// Two providers, of which one is the attacker's. What each attempt would win is a code of the honest one, or a session by its answer.
async fn mix_up() -> Attack {
    let mut attack = Attack::new("IdP mix-up", "hub");
    let (hub, honest) = agencies().await;
    let evil = Provider::start().await;
    assert_eq!(register(&hub, "defence-people", "defence", &evil, json!({})).await.status, 200);
    assert_eq!(Browser::new(&hub).sign_in("police-people").await.status, 200);
    let redeemed = || (honest.with(|inner| inner.redeemed), evil.with(|inner| inner.redeemed));
    let refusal = |reply: &Reply, before: (usize, usize)| {
        let is_kept = reply.headers.get("set-cookie").is_none() && redeemed() == before;
        answer(reply).filter(|_| is_kept)
    };
    let attempts: [(&str, Change); 4] = [
        ("its answer brought back under the other one's name", |answer, _| {
            answer["provider"] = json!("defence-people");
        }),
        ("an answer that names the other one's issuer", |answer, evil| answer["iss"] = json!(evil)),
        ("both names exchanged", |answer, evil| {
            (answer["provider"], answer["iss"]) = (json!("defence-people"), json!(evil));
        }),
        ("an answer that names no issuer, of a provider that names itself", |answer, _| {
            drop(answer.as_object_mut().unwrap().remove("iss"));
        }),
    ];
    for (what, change) in attempts {
        let mut browser = Browser::new(&hub);
        let mut back = browser.go("police-people").await;
        change(&mut back.answer, &evil.issuer());
        let before = redeemed();
        attack.refused(what, refusal(&browser.finish(&back).await, before));
    }
    // A code of one in the answer of the other is shown to nobody but the one that was asked.
    for (asked, stolen) in [("police-people", "defence-people"), ("defence-people", "police-people")] {
        let (mut browser, mut victim) = (Browser::new(&hub), Browser::new(&hub));
        let theirs = victim.go(stolen).await;
        let mut mixed = browser.go(asked).await;
        mixed.answer["code"] = theirs.answer["code"].clone();
        let before = redeemed();
        let what = format!("a code of `{stolen}` in an answer of `{asked}`");
        attack.refused(what, refusal(&browser.finish(&mixed).await, before));
    }
    // The attacker's provider answers in the honest one's name: its token is held against its own keys and issuer.
    evil.with(|inner| inner.spoil = |claims| claims["iss"] = json!("http://127.0.0.1:1"));
    let mut browser = Browser::new(&hub);
    let reply = browser.sign_in("defence-people").await;
    let is_kept = reply.headers.get("set-cookie").is_none();
    attack.refused("a token that another issuer is said to have made", answer(&reply).filter(|_| is_kept));
    evil.with(|inner| {
        inner.spoil = |_| {};
        inner.user = json!({ "sub": "subject-1", "preferred_username": "sato" });
    });
    let reply = Browser::new(&hub).sign_in("defence-people").await;
    let is_kept = reply.headers.get("set-cookie").is_none();
    attack.refused("the same subject, vouched for by the other one", answer(&reply).filter(|_| is_kept));
    attack
}
