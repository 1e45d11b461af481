//! A change of the policies is a proposal: what it would do is told first, another person approves, and each step is in the log.

use std::time::{Duration, Instant};

use hub::policies::{PolicyChanges, Who};
use oversight::{Action, OrganisationRole, Outcome, PersonRole};
use policy::Engine;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::signed::Signed;
use crate::support::{Reply, TestHub, V1, indicator_with, marked};

// What the hub has at two levels.
const GREEN: &str = "indicator--00000000-0000-4000-8000-000000000009";
const AMBER: &str = "indicator--00000000-0000-4000-8000-000000000001";

pub const PROPOSALS: &str = "/api/v1/policy-proposals";

/// Longer than any change takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub type Files = Vec<(String, String)>;

/// A proposal of the hub's that is open, made where there is none.
pub async fn open_one(hub: &TestHub) -> String {
    let keeper = hub.running.policies();
    let known = keeper.proposals().await.unwrap();
    match known.into_iter().find(|proposal| proposal.state == store::proposals::State::Open) {
        Some(open) => open.id,
        None => keeper.propose(Who::node(), "r", narrowed()).await.unwrap().proposal.id,
    }
}

pub fn edited(from: &str, to: &str) -> Files {
    let files: Files =
        Engine::built_in().into_iter().map(|(name, text)| (name, text.replace(from, to))).collect();
    assert_ne!(files, Engine::built_in());
    files
}

/// The built-in policies, but GREEN is for the coordinator alone.
pub fn narrowed() -> Files {
    let rule = "resource.tlp == Yagura::Tlp::\"green\" &&";
    edited(
        rule,
        &format!("{rule} principal.organisation_role == Yagura::OrganisationRole::\"coordinator\" &&"),
    )
}

/// The built-in policies, but AMBER is for academies too.
pub fn widened() -> Files {
    let more = "@id(\"read-amber-academy\") permit (principal, action == Yagura::Action::\"read\", resource)
        when { resource.tlp == Yagura::Tlp::\"amber\" &&
          principal.organisation_role == Yagura::OrganisationRole::\"academy\" }
        unless { principal is Yagura::Peer };";
    let mut files = Engine::built_in();
    files.push(("more.cedar".to_owned(), more.to_owned()));
    files
}

pub fn body(files: &Files) -> Value {
    let files: Vec<Value> = files.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect();
    json!({ "reason": "見直し", "files": files })
}

pub fn detail(reply: &Reply) -> String {
    assert_eq!(reply.status, 422, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()["detail"].as_str().unwrap().to_owned()
}

async fn decide(person: &Signed<'_>, proposal: &Value, decision: &str) -> Reply {
    let path = format!("{PROPOSALS}/{}/decision", proposal["id"].as_str().unwrap());
    person.post(&path, json!({ "decision": decision, "set": proposal["set"], "text": "確認した" })).await
}

/// A hub with an operator and an academy, and something to see at two levels.
async fn hub() -> TestHub {
    let hub = TestHub::start().await;
    hub.organisation("power", OrganisationRole::Operator).await;
    hub.organisation("school", OrganisationRole::Academy).await;
    hub.post(&[marked(indicator_with(GREEN, V1), Tlp::Green)]).await;
    let amber = |number: u64| {
        let id = format!("indicator--00000000-0000-4000-8000-{number:012}");
        marked(indicator_with(&id, V1), Tlp::Amber)
    };
    hub.post(&[amber(1), amber(2), amber(3)]).await;
    hub
}

fn effect<'a>(proposal: &'a Value, role: &str, kind: &str) -> Option<&'a Value> {
    let effects = proposal["findings"]["effects"].as_array().unwrap();
    effects.iter().find(|effect| effect["organisation_role"] == role && effect["kind"] == kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_change_the_policies_and_see_what_it_does_first() {
    let hub = hub().await;
    let operator = hub.token("power", &[PersonRole::Analyst]).await;
    let school = hub.token("school", &[PersonRole::Analyst]).await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let other = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let before = one.good("/api/v1/policies").await;
    assert_eq!(
        (before["changes"].as_str(), before["files"].as_array().unwrap().len()),
        (Some("proposals"), 4)
    );
    assert!(before["safety"]["text"].as_str().unwrap().contains("never-unknown-marking"));

    let widening = one.done(PROPOSALS, body(&widened())).await;
    assert_eq!((widening["state"].as_str(), &widening["base"]), (Some("open"), &before["set"]));
    let gains = effect(&widening, "academy", "program").unwrap();
    assert_eq!(
        (gains["gained"].as_u64(), gains["lost"].as_u64(), gains["readers"].as_u64()),
        (Some(3), Some(0), Some(1))
    );
    assert_eq!(gains["organisations"], json!(["school"]));
    let example =
        json!([{ "tlp": "amber", "class": "indicator", "originator": "coordinator", "objects": 3 }]);
    assert_eq!(gains["gained_examples"], example);
    assert!(effect(&widening, "operator", "program").is_none(), "nothing changes for it");
    assert_eq!(widening["findings"]["tried"], 20_000);
    assert_eq!(widening["findings"]["proof"], Value::Null, "this hub has no prover");
    let sees = async |token: &str| {
        let path = format!("/api/v1/objects/{AMBER}");
        hub.rest(token, reqwest::Method::GET, &path).send().await.status
    };
    assert_eq!(sees(&school).await, 404, "a proposal changes nothing");

    // Not by the same person, not by a session that was left open, not what was not looked at.
    assert_eq!(decide(&one, &widening, "approve").await.status, 409);
    let left_open = Signed::long_ago(&hub).await;
    assert_eq!(decide(&left_open, &widening, "approve").await.json()["code"], "fresh-proof-needed");
    let elsewhere = json!({ "id": widening["id"], "set": before["set"] });
    assert!(detail(&decide(&other, &elsewhere, "approve").await).contains("set"));
    assert_eq!(sees(&school).await, 404);

    let approved = decide(&other, &widening, "approve").await;
    assert_eq!(approved.status, 200, "{}", String::from_utf8_lossy(&approved.body));
    assert_eq!(approved.json()["state"], "approved");
    assert_eq!(sees(&school).await, 200, "it is in force at once");
    let after = one.good("/api/v1/policies").await;
    assert_eq!(after["set"], widening["set"]);
    assert_eq!(hub.good(&operator, "/api/v1/node").await["policies"], widening["set"]);
    let [changed, decided, proposed] =
        [Action::PolicyChanged, Action::PolicyProposalDecided, Action::PolicyProposed]
            .map(|action| hub.audit(action));
    let (changed, decided, proposed) = (changed.await, decided.await, proposed.await);
    assert_eq!((changed.len(), decided.len(), proposed.len()), (1, 1, 1));
    assert_eq!(changed[0].event.detail["set"], widening["set"].as_str().unwrap());
    assert_ne!(decided[0].event.actor, proposed[0].event.actor);
    assert_eq!(decided[0].event.detail["proposer"], widening["proposer"].as_str().unwrap());
    assert_eq!(decide(&other, &widening, "approve").await.status, 409, "once");

    // What was approved outlives the hub.
    let hub = hub.restart().await;
    assert_eq!(hub.running.policies().status().hash, widening["set"].as_str().unwrap());
    let path = format!("/api/v1/objects/{AMBER}");
    assert_eq!(hub.rest(&school, reqwest::Method::GET, &path).send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_never_be_is_refused_before_anybody_is_asked() {
    let hub = hub().await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let unsafe_set = edited(
        "when { resource.has_unknown_marking }",
        "when { resource.has_unknown_marking && resource.has_statement }",
    );
    let refused = detail(&one.post(PROPOSALS, body(&unsafe_set)).await);
    assert!(refused.contains("never-unknown-marking") && refused.contains("解釈できない表示"), "{refused}");
    let rows = hub.audit(Action::PolicyProposed).await;
    assert_eq!((rows.len(), rows[0].event.outcome), (1, Outcome::Refused));

    let locked = edited(
        "action == Yagura::Action::\"administer\", resource)\nwhen {",
        "action == Yagura::Action::\"administer\", resource)\nwhen { principal is Yagura::Program &&",
    );
    assert!(detail(&one.post(PROPOSALS, body(&locked)).await).contains("two persons"));
    let same = Engine::built_in();
    assert!(detail(&one.post(PROPOSALS, body(&same)).await).contains("in force"));
    let broken = vec![("a.cedar".to_owned(), "permit (principal, action".to_owned())];
    assert!(detail(&one.post(PROPOSALS, body(&broken)).await).contains("a.cedar"));
    let other_words = edited("// The node as a whole.", "// The whole node.");
    assert!(detail(&one.post(PROPOSALS, body(&other_words)).await).contains("yagura.cedarschema"));
    for name in ["../a.cedar", "a.txt", "sub/a.cedar"] {
        let elsewhere = vec![(name.to_owned(), String::new())];
        assert!(detail(&one.post(PROPOSALS, body(&elsewhere)).await).contains(name));
    }
    let no_reason = json!({ "reason": " ", "files": [] });
    assert!(detail(&one.post(PROPOSALS, no_reason).await).contains("reason"));
    assert_eq!(one.good(PROPOSALS).await["proposals"], json!([]));
    let analyst = Signed::person(&hub, "coordinator", PersonRole::Analyst).await;
    assert_eq!(analyst.post(PROPOSALS, body(&narrowed())).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_taken_back_refused_or_overtaken() {
    let hub = hub().await;
    let operator = hub.token("power", &[PersonRole::Analyst]).await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let other = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let narrow = one.done(PROPOSALS, body(&narrowed())).await;
    let loss = effect(&narrow, "operator", "program").unwrap();
    assert_eq!((loss["gained"].as_u64(), loss["lost"].as_u64()), (Some(0), Some(2)));
    // The indicator, and what the node itself says under GREEN since its first start.
    let of =
        |class: &str| json!({ "tlp": "green", "class": class, "originator": "coordinator", "objects": 1 });
    assert_eq!(loss["lost_examples"], json!([of("other"), of("indicator")]));
    let path = format!("/api/v1/objects/{GREEN}");
    assert_eq!(hub.rest(&operator, reqwest::Method::GET, &path).send().await.status, 200);
    let wide = one.done(PROPOSALS, body(&widened())).await;
    let again = one.done(PROPOSALS, body(&widened())).await;
    assert_eq!(decide(&other, &again, "withdraw").await.status, 422);
    assert_eq!(decide(&one, &again, "refuse").await.status, 422);
    assert_eq!(decide(&one, &again, "withdraw").await.json()["state"], "withdrawn");
    let once_more = one.done(PROPOSALS, body(&widened())).await;
    assert_eq!(decide(&other, &once_more, "refuse").await.json()["state"], "refused");

    assert_eq!(decide(&other, &narrow, "approve").await.status, 200);
    assert_eq!(hub.rest(&operator, reqwest::Method::GET, &path).send().await.status, 404);
    assert_eq!(decide(&other, &wide, "approve").await.status, 409, "it was made for other policies");
    let states: Vec<String> = hub
        .audit(Action::PolicyProposalDecided)
        .await
        .iter()
        .map(|row| row.event.detail["state"].clone())
        .collect();
    assert_eq!(states, ["approved", "refused", "withdrawn"]);
}

/// Whoever has the data folder in hand is one person.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_the_data_folder_is_one_of_the_two_and_not_both() {
    let hub = hub().await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let keeper = hub.running.policies();
    let proposed = keeper.propose(Who::node(), "急ぎ", narrowed()).await.unwrap();
    let id = proposed.proposal.id.as_str();
    assert!(keeper.approve(Who::node(), id, None, "").await.is_err());
    let told = one.good(&format!("{PROPOSALS}/{id}")).await;
    assert_eq!((told["proposer"].as_str(), told["proposer_name"].as_str()), (Some("node"), None));
    assert_eq!(decide(&one, &told, "approve").await.status, 200);
    let back = one.done(PROPOSALS, body(&widened())).await;
    keeper.approve(Who::node(), back["id"].as_str().unwrap(), None, "").await.unwrap();
    assert_eq!(keeper.status().hash, back["set"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_proposals_a_changed_folder_is_refused_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |files: &Files| {
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
    };
    write(&Engine::built_in());
    let path = folder.path().to_owned();
    let hub = TestHub::start_with(|config| {
        config.policies = Some(path);
        config.policy_changes = Some(PolicyChanges::Proposals);
    })
    .await;
    let first = hub.running.policies().status().hash;
    assert_eq!(hub.audit(Action::PolicyChanged).await[0].event.detail["how"], "first");
    let wait = async |wanted: bool| {
        let began = Instant::now();
        while hub.running.policies().status().refused.is_some() != wanted {
            assert!(began.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    write(&narrowed());
    wait(true).await;
    assert_eq!(hub.running.policies().status().hash, first, "nothing of it is in force");
    let ready = hub.get("/readyz").stranger().send().await;
    assert!(ready.json()["notices"][0].as_str().unwrap().starts_with("policies-refused"));
    assert!(hub.running.policies().reload().await.is_err());
    write(&Engine::built_in());
    wait(false).await;

    // What was changed there can be proposed; then it is what is in force.
    write(&narrowed());
    wait(true).await;
    let _second = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let proposed = hub.running.policies().propose(Who::node(), "r", narrowed()).await.unwrap();
    let told = one.good(&format!("{PROPOSALS}/{}", proposed.proposal.id)).await;
    assert_eq!(decide(&one, &told, "approve").await.status, 200);
    wait(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_folder_counts_takes_no_proposals() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in Engine::built_in() {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().to_owned();
    let hub = TestHub::start_with(|config| config.policies = Some(path)).await;
    let one = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    assert_eq!(one.good("/api/v1/policies").await["changes"], "folder");
    assert!(detail(&one.post(PROPOSALS, body(&narrowed())).await).contains("policy_changes"));
}
