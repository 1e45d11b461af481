//! What is kept for a time only ends: the drill with a backup, legal holds, and the ways in which keys and data must not come together.

use std::path::Path;
use std::time::{Duration, Instant};

use hub::retention::{Drill, RetentionConfig, check_deletion};
use hub::{Hub, HubConfig, HubError};
use oversight::authorisation::{Selection, Terms};
use oversight::{Action, PersonRole, Realm};
use serde_json::json;
use store::{Place, retention};
use tempfile::TempDir;
use vault::{Certificate, PublicKey, RecordId};

use crate::commissioners::{Commissioner, commission, granted_as};
use crate::log::{database_files, put_back};
use crate::selections::{Keys, edge, found, hand_in, hours_ago, in_files, keeping, signed};
use crate::signed::Signed;
use crate::support::TestHub;

/// How long a test waits for what the hub does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

async fn start(folder: &Path, retention: Option<RetentionConfig>) -> Result<hub::RunningHub, HubError> {
    let mut config = HubConfig::new(folder, ([127, 0, 0, 1], 0).into());
    config.retention = retention;
    Hub::start(config).await
}

/// Six selections of yesterday and one of today, and the hub stopped.
async fn yesterday(keys: &Keys) -> (TempDir, Terms, Vec<Selection>) {
    let hub = keeping(keys, 2).await;
    let own = edge(&hub, "harbour").await;
    let granted = granted_as(&hub, "npa", "harbour", |new| new.terms.from = hours_ago(48)).await;
    let grant = granted.grant_leaf.unwrap();
    let all: Vec<Selection> = (0..7)
        .map(|number| {
            let hour = hours_ago(if number == 6 { 0 } else { 24 });
            Selection { hour, ..found(&granted.terms, grant, &own, number) }
        })
        .collect();
    let sent = all.iter().map(|selection| signed(&own, selection.clone())).collect();
    assert_eq!(hand_in(&own, sent).await, ["accepted"; 7]);
    let TestHub { running, folder, .. } = hub;
    running.stop().await;
    (folder, granted.terms, all)
}

/// A copy of the database as a backup would hold it.
pub fn backup(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    put_back(copy.path(), &database_files(folder.path()));
    copy
}

pub fn drill(backup: &TempDir, keys: &Keys) -> Drill {
    let public_key = Some(keys.public_key.clone());
    Drill { backup: Place::from(backup.path()), public_key, keys_then: None, in_use: None, node: None }
}

async fn wait_for_end(running: &hub::RunningHub, class_key: &str) -> retention::End {
    let begun = Instant::now();
    loop {
        let key = class_key.to_owned();
        let end =
            running.store().read(move |reader| retention::get(reader, &Realm::Live, &key)).await.unwrap();
        match end {
            Some(end) if end.certificate.is_some() => return end,
            _ => assert!(begun.elapsed() < PATIENCE, "the class key is not destroyed"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_opens_in_no_backup() {
    let keys = Keys::new().await;
    let (folder, terms, all) = yesterday(&keys).await;
    let old = backup(&folder);
    let before = check_deletion(&keys.config(2), &drill(&old, &keys)).await.unwrap();
    assert_eq!((before.report.tried, before.report.not_covered_open), (7, 7));
    assert!(!before.passed(), "a drill that tried nothing of a destroyed class has shown nothing");

    // The class is made shorter, so that yesterday is past its time.
    let running = start(folder.path(), Some(keys.config(1))).await.unwrap();
    let class_key = format!("{}/{}/r", terms.id, vault::day_of(hours_ago(24)));
    let end = wait_for_end(&running, &class_key).await;
    let text = end.certificate.unwrap();
    let key = PublicKey::parse(&keys.public_key).unwrap();
    let certificate = Certificate::parse(&text).unwrap().verify(&key).unwrap();
    let gone = all.iter().take(6).map(|selection| RecordId::new(selection.id.to_string()).unwrap());
    certificate.check_records(&gone.collect()).unwrap();
    // The rows are gone with it; today's stays, and opens.
    let left =
        running.store().read(|reader| store::authorisations::selections::sealed_after(reader, ("", 0), 10));
    assert_eq!(left.await.unwrap().len(), 1);
    for (action, fact) in
        [(Action::ClassKeyEnded, "records_root"), (Action::ClassKeyDestroyed, "certificate")]
    {
        let rows = acts(&running, action).await;
        assert_eq!(rows.len(), 1, "{action:?}");
        assert_eq!(rows[0].event.detail["class_key"], class_key);
        assert!(rows[0].event.detail.contains_key(fact));
    }
    assert_eq!(acts(&running, Action::ClassKeyDestroyed).await[0].event.detail["certificate"], text);
    running.stop().await;

    // The backup of before holds all of it, and nothing opens.
    let after = check_deletion(&keys.config(1), &drill(&old, &keys)).await.unwrap();
    let report = &after.report;
    assert_eq!((report.tried, report.failed_as_they_must, report.not_covered_open), (7, 6, 1));
    assert_eq!((report.still_open, report.undecided, report.unreadable), (0, 0, 0));
    assert!(after.passed() && after.certificates == 1 && after.unverified.is_empty());
    // With another key than was noted, no certificate counts.
    let other = Drill { public_key: Some(Keys::new().await.public_key), ..drill(&old, &keys) };
    let with_other = check_deletion(&keys.config(1), &other).await.unwrap();
    assert!(!with_other.passed() && with_other.unverified.len() == 1);
    // Nothing of what was found stands in the backup's files as it came.
    assert!(!in_files(&old, "\"ports\":[443]") && in_files(&old, &class_key));
}

async fn acts(running: &hub::RunningHub, action: Action) -> Vec<store::audit::AuditRow> {
    let action = Some(action.name().to_owned());
    let filter = store::audit::AuditFilter { action, limit: 100, ..Default::default() };
    running.store().read(move |reader| store::audit::list(reader, &Realm::Live, &filter)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_was_put_back_is_found_by_the_drill() {
    let keys = Keys::new().await;
    let (folder, terms, _) = yesterday(&keys).await;
    let (old, key_file) = (backup(&folder), std::fs::read(keys.folder.path().join("keys")).unwrap());
    let running = start(folder.path(), Some(keys.config(1))).await.unwrap();
    wait_for_end(&running, &format!("{}/{}/r", terms.id, vault::day_of(hours_ago(24)))).await;
    running.stop().await;
    std::fs::write(keys.folder.path().join("keys"), key_file).unwrap();
    let found = check_deletion(&keys.config(1), &drill(&old, &keys)).await.unwrap();
    assert_eq!((found.report.still_open, found.report.still_open_named.len()), (6, 6));
    assert!(!found.passed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_commissioners_hold_is_not_destroyed() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 2).await;
    let members = commission(&hub).await;
    let own = edge(&hub, "harbour").await;
    let granted = granted_as(&hub, "npa", "harbour", |new| new.terms.from = hours_ago(48)).await;
    let grant = granted.grant_leaf.unwrap();
    let of =
        |number, hours| Selection { hour: hours_ago(hours), ..found(&granted.terms, grant, &own, number) };
    assert_eq!(hand_in(&own, vec![signed(&own, of(1, 24)), signed(&own, of(2, 0))]).await, ["accepted"; 2]);
    let holds = "/api/v1/oversight/holds";
    let id = granted.terms.id;
    let day = |hours| format!("{id}/{}/r", vault::day_of(hours_ago(hours)));
    let body = json!({ "class_key": day(24), "reason": "case 3 before the court" });
    let asked = members[0].signed.done(holds, body).await["holds"][0].clone();
    assert_eq!((&asked["state"], &asked["kind"]), (&json!("asked"), &json!("class-key")));
    let step = |what: &str| format!("{holds}/{}/{what}", asked["id"].as_str().unwrap());
    assert_eq!(members[0].signed.post(&step("confirm"), json!({})).await.status, 409, "one person alone");
    let held = members[1].signed.done(&step("confirm"), json!({})).await["holds"][0].clone();
    assert_eq!((&held["state"], held["placed_by"].as_array().unwrap().len()), (&json!("held"), 2));
    assert_eq!(hub.audit(Action::LegalHoldChanged).await.len(), 2);
    wrong_holds(&hub, &members, holds).await;

    // Another authorisation's yesterday is held by nobody.
    let other = granted_as(&hub, "npa", "harbour", |new| new.terms.from = hours_ago(48)).await;
    let free = Selection { hour: hours_ago(24), ..found(&other.terms, other.grant_leaf.unwrap(), &own, 3) };
    assert_eq!(hand_in(&own, vec![signed(&own, free)]).await, ["accepted"]);
    let [first, second] = [&members[2].id, &members[3].id].map(Clone::clone);
    drop(members);
    let TestHub { running, folder, token, .. } = hub;
    running.stop().await;
    let running = start(folder.path(), Some(keys.config(1))).await.unwrap();
    wait_for_end(&running, &format!("{}/{}/r", other.terms.id, vault::day_of(hours_ago(24)))).await;
    running.stop().await;
    let end = store::inspect(folder.path(), |reader| retention::get(reader, &Realm::Live, &day(24)));
    assert_eq!(end.unwrap(), None, "what is held is not ended");
    let opened = check_deletion(&keys.config(1), &drill(&backup(&folder), &keys)).await.unwrap();
    assert_eq!(opened.report.not_covered_open, 2);

    // Lifted by two, it ends.
    let mut config = HubConfig::new(folder.path(), ([127, 0, 0, 1], 0).into());
    config.retention = Some(keys.config(1));
    let hub = TestHub::over_with(folder, &token, config).await;
    for (person, state) in [(&first, "lifting"), (&second, "lifted")] {
        let signed = Signed::again(&hub, person).await;
        let told = signed.done(&step("lift"), json!({})).await;
        assert_eq!(told["holds"][0]["state"], state);
        let again = signed.post(&step("lift"), json!({})).await;
        assert_eq!(again.status, 409);
    }
    let TestHub { running, folder, .. } = hub;
    running.stop().await;
    let running = start(folder.path(), Some(keys.config(1))).await.unwrap();
    wait_for_end(&running, &day(24)).await;
    running.stop().await;
}

async fn wrong_holds(hub: &TestHub, members: &[Commissioner<'_>], holds: &str) {
    for body in [
        json!({ "reason": "r" }),
        json!({ "class": "r", "class_key": "a/2026-01-01/r", "reason": "r" }),
        json!({ "class": "no name", "reason": "r" }),
        json!({ "class_key": "a/2026-1-1/r", "reason": "r" }),
        json!({ "class": "r", "reason": " " }),
    ] {
        assert_eq!(members[2].signed.post(holds, body.clone()).await.status, 422, "{body}");
    }
    let good = json!({ "class": "r", "reason": "r" });
    for (organisation, role) in [
        ("commission", PersonRole::Commissioner),
        ("commission", PersonRole::Administrator),
        ("npa", PersonRole::Approver),
        ("coordinator", PersonRole::Administrator),
    ] {
        let person = Signed::person(hub, organisation, role).await;
        assert_eq!(person.post(holds, good.clone()).await.status, 403, "{organisation} {role:?}");
        assert_eq!(person.get(holds).await.status, 403, "{organisation} {role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_data_do_not_come_together() {
    let keys = Keys::new().await;
    let data = tempfile::tempdir().unwrap();
    let refused = |retention: RetentionConfig| {
        let folder = data.path().to_owned();
        async move { start(&folder, Some(retention)).await.map(drop).unwrap_err().to_string() }
    };
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let path = |name: &str| keys.folder.path().join(name);
        let mut config = json!({
            "folder": path("ledger"), "classes": [{ "name": "r", "days": 1, "legal_basis": "b" }],
            "service": { "kind": "file", "file": path("keys"), "passphrase_file": path("passphrase") },
        });
        change(&mut config);
        serde_json::from_value::<RetentionConfig>(config).unwrap()
    };
    let inside = data.path().join("keys/../vault");
    assert!(
        refused(with(&|config| config["folder"] = json!(inside))).await.contains("lies in the data folder")
    );
    let inside = data.path().join("keys");
    assert!(
        refused(with(&|config| config["service"]["file"] = json!(inside)))
            .await
            .contains("lies in the data folder")
    );
    let absent = keys.folder.path().join("absent");
    let missing = refused(with(&|config| config["service"]["file"] = json!(absent))).await;
    assert!(missing.contains("there is no key file") && !absent.exists(), "none is made: {missing}");
    let wrong = keys.folder.path().join("wrong");
    std::fs::write(&wrong, "another passphrase\n").unwrap();
    let refusal = refused(with(&|config| config["service"]["passphrase_file"] = json!(wrong))).await;
    assert!(refusal.contains("the passphrase does not open") && !refusal.contains("another passphrase"));
    // The frame names classes that are not configured.
    let folder = tempfile::tempdir().unwrap();
    let mut config = HubConfig::new(folder.path(), ([127, 0, 0, 1], 0).into());
    crate::commissioners::with_frame(&mut config);
    config.retention = Some(with(&|_| {}));
    let uncovered = Hub::start(config).await.map(drop).unwrap_err();
    assert!(
        uncovered.code == "retention" && uncovered.message.contains("erase-at-end`, `measures-2y"),
        "{uncovered}"
    );

    // A node keeps to its folder and its key service, and they to it.
    start(data.path(), Some(with(&|_| {}))).await.unwrap().stop().await;
    let elsewhere = keys.folder.path().join("elsewhere");
    let refusal = refused(with(&|config| config["folder"] = json!(elsewhere))).await;
    assert!(refusal.contains("is not the one that this node has used so far"), "{refusal}");
    let others = Keys::new().await;
    let file = others.folder.path().join("keys");
    let refusal = refused(with(&|config| config["service"]["file"] = json!(file))).await;
    assert!(refusal.contains("is not the one that this node has used so far"), "{refusal}");
    let another = tempfile::tempdir().unwrap();
    let refusal = start(another.path(), Some(with(&|_| {}))).await.map(drop).unwrap_err().to_string();
    assert!(refusal.contains("is not the one that this node has used so far"), "another node's: {refusal}");
    start(data.path(), Some(with(&|_| {}))).await.unwrap().stop().await;
    // Without it the hub runs, and takes in nothing that is found.
    start(data.path(), None).await.unwrap().stop().await;
}
