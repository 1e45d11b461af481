//! Policy files: what changes in their folder takes effect within a second, and only if it can be used.

use std::path::Path;
use std::time::{Duration, Instant};

use oversight::{Action, OrganisationRole, Outcome, PersonRole};
use policy::Engine;
use stix::marking::Tlp;

use crate::support::{TestHub, V1, id_of, indicator, marked};

/// Longer than any change takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn write(folder: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The built-in policies, but GREEN is for the coordinator alone.
fn narrowed() -> Vec<(String, String)> {
    let rule = "resource.tlp == Yagura::Tlp::\"green\" &&";
    let more = format!("{rule} principal.organisation_role == Yagura::OrganisationRole::\"coordinator\" &&");
    let changed: Vec<_> =
        Engine::built_in().into_iter().map(|(name, text)| (name, text.replace(rule, &more))).collect();
    assert_ne!(changed, Engine::built_in());
    changed
}

/// Waits for a state of the hub's policies; how long it took.
async fn wait(hub: &TestHub, wanted: impl Fn(&hub::policies::PolicyStatus) -> bool) -> Duration {
    let began = Instant::now();
    while !wanted(&hub.running.policies().status()) {
        assert!(began.elapsed() < PATIENCE, "{:?}", hub.running.policies().status());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_in_force_soon_and_a_bad_one_never() {
    let policies = tempfile::tempdir().unwrap();
    write(policies.path(), &Engine::built_in());
    let folder = policies.path().to_owned();
    let hub = TestHub::start_with(|config| config.policies = Some(folder)).await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let token = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let green = marked(indicator(V1), Tlp::Green);
    hub.post(std::slice::from_ref(&green)).await;
    let path = format!("/api/v1/objects/{}", id_of(&green));
    let status = async || hub.rest(&token, reqwest::Method::GET, &path).send().await.status;
    assert_eq!(status().await, 200);
    let first = hub.running.policies().status();
    assert_eq!(hub.good(&token, "/api/v1/node").await["policies"], first.hash);

    write(policies.path(), &narrowed());
    wait(&hub, |now| now.hash != first.hash).await;
    assert_eq!(status().await, 404, "the change is in force");
    let changes = hub.audit(Action::PolicyChanged).await;
    let second = hub.running.policies().status();
    assert_eq!((changes.len(), &changes[0].event.detail["set"]), (1, &second.hash));

    // A file that does not parse changes nothing and is told about.
    std::fs::write(policies.path().join("zz.cedar"), "permit (principal, action").unwrap();
    wait(&hub, |now| now.refused.is_some()).await;
    let refused = hub.running.policies().status();
    assert_eq!(refused.hash, second.hash);
    assert!(refused.refused.unwrap().why.contains("zz.cedar"));
    assert_eq!(status().await, 404);
    assert_eq!(hub.good(&token, "/api/v1/node").await["policies_refused"], true);
    let ready = hub.get("/readyz").stranger().send().await;
    assert_eq!(ready.status, 200);
    assert!(ready.json()["notices"][0].as_str().unwrap().starts_with("policies-refused"));
    let rows = hub.audit(Action::PolicyChanged).await;
    assert_eq!((rows.len(), rows[0].event.outcome), (2, Outcome::Refused));
    assert!(hub.running.policies().reload().await.is_err());
    assert_eq!(hub.audit(Action::PolicyChanged).await.len(), 2, "the same fault is written down once");

    // It goes away with the file; and the old files bring the old rules back.
    std::fs::remove_file(policies.path().join("zz.cedar")).unwrap();
    wait(&hub, |now| now.refused.is_none()).await;
    write(policies.path(), &Engine::built_in());
    hub.running.policies().reload().await.unwrap();
    assert_eq!(status().await, 200, "a reload does not wait");
    assert_eq!(hub.running.policies().status().hash, first.hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_takes_effect_within_a_second() {
    let policies = tempfile::tempdir().unwrap();
    write(policies.path(), &Engine::built_in());
    let folder = policies.path().to_owned();
    let hub = TestHub::start_with(|config| config.policies = Some(folder)).await;
    // The best of a few: a machine that does something else meanwhile proves nothing.
    let mut best = PATIENCE;
    for turn in 0..4 {
        let before = hub.running.policies().status().hash;
        let files = if turn % 2 == 0 { narrowed() } else { Engine::built_in() };
        write(policies.path(), &files);
        best = best.min(wait(&hub, |now| now.hash != before).await);
    }
    assert!(best < Duration::from_secs(1), "{best:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_writes_down_by_which_policies() {
    let hub = TestHub::start().await;
    let hash = hub.running.policies().status().hash;
    assert_eq!(hub.audit(Action::NodeStarted).await[0].event.detail["policies"], hash);
    assert!(hub.running.policies().reload().await.is_err(), "without a folder there is nothing to read");
    let hub = hub.restart().await;
    assert_eq!(hub.audit(Action::NodeStarted).await[0].event.detail["policies"], hash);
}
