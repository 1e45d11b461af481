//! What a proposal allows is proved where the hub has a prover, and what trying cannot find is found.

use std::path::PathBuf;

use oversight::PersonRole;
use policy::Engine;
use serde_json::{Value, json};

use crate::proposals::{Files, PROPOSALS, body, detail, edited, narrowed, widened};
use crate::signed::Signed;
use crate::support::TestHub;

/// `None`, and said loudly, where there is no prover.
#[expect(clippy::print_stderr, reason = "a skipped test is told")]
fn prover() -> Option<PathBuf> {
    let prover = std::env::var_os("YAGURA_PROVER").map(PathBuf::from);
    if prover.is_none() {
        eprintln!("SKIPPED: proofs about policies need YAGURA_PROVER; `make prover` builds it");
    }
    prover
}

async fn hub(prover: PathBuf) -> TestHub {
    TestHub::start_with(|config| config.policy_prover = Some(prover)).await
}

/// The built-in policies, but one marking that nobody understands is no reason to deny: too particular to be met by trying.
fn with_a_back_door() -> Files {
    edited(
        "when { resource.has_unknown_marking }",
        "when { resource.has_unknown_marking &&
           !resource.markings.contains(\"marking-definition--0b5c9e6a-5f0e-4c1d-9a63-2f3c1d7a8e90\") }",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_says_what_is_proved() {
    let Some(prover) = prover() else { return };
    let hub = hub(prover).await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let proof = async |files: &Files| one.done(PROPOSALS, body(files)).await["findings"]["proof"].clone();

    let wider = proof(&widened()).await;
    let word = |proof: &Value| [&proof["within_safety"], &proof["compared"], &proof["why"]].map(Clone::clone);
    assert_eq!(word(&wider), [json!("proved"), json!("wider"), Value::Null], "{wider}");
    assert!(wider["environments"].as_u64() > Some(50) && wider["may_fail"] == json!([]), "{wider}");
    assert!(wider["gained"]["en"].as_str().unwrap().contains("AMBER"), "{wider}");
    assert!(wider["gained"]["ja"].as_str().unwrap().contains("AMBER"), "{wider}");
    assert_eq!(wider["lost"], Value::Null);

    let narrower = proof(&narrowed()).await;
    assert_eq!(word(&narrower), [json!("proved"), json!("narrower"), Value::Null], "{narrower}");
    assert!(narrower["lost"]["en"].as_str().unwrap().contains("GREEN"), "{narrower}");

    let mut both = widened();
    for (file, text) in narrowed() {
        both.retain(|(name, _)| *name != file);
        both.push((file, text));
    }
    assert_eq!(proof(&both).await["compared"], "different");
    let commented: Files = Engine::built_in()
        .into_iter()
        .map(|(name, text)| {
            (name.clone(), if name.ends_with(".cedar") { format!("{text}\n// The same.\n") } else { text })
        })
        .collect();
    assert_eq!(proof(&commented).await["compared"], "same");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trying_does_not_find_is_found_by_proof() {
    let Some(prover) = prover() else { return };
    let tried = TestHub::start().await;
    let one = Signed::person(&tried, "coordinator", PersonRole::Administrator).await;
    assert_eq!(
        one.post(PROPOSALS, body(&with_a_back_door())).await.status,
        200,
        "it is too particular to be met"
    );
    let hub = hub(prover).await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let refused = detail(&one.post(PROPOSALS, body(&with_a_back_door())).await);
    assert!(refused.contains("never-unknown-marking"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_a_proposal_stands_as_one_that_was_tried() {
    for (prover, why) in [
        ("/nowhere/yagura-prover", "cannot be run"),
        ("/bin/false", "ended with"),
        ("/bin/true", "cannot be read"),
    ] {
        let hub = hub(PathBuf::from(prover)).await;
        let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
        let proposal = one.done(PROPOSALS, body(&narrowed())).await;
        let proof = &proposal["findings"]["proof"];
        assert_eq!((&proof["within_safety"], &proof["environments"]), (&json!("open"), &json!(0)));
        assert!(proof["why"].as_str().unwrap().contains(why), "{proof}");
        assert_eq!(proposal["state"], "open");
    }
}
