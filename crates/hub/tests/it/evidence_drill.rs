//! The drill with evidence: what was destroyed opens in no older backup, what was not still does, and what no destruction reaches is said.

use hub::HubConfig;
use hub::retention::{Drill, Outcome, RetentionConfig, check_deletion};
use oversight::PersonRole;
use serde_json::{Value, json};
use store::Place;
use tempfile::TempDir;

use crate::evidence::{Council, at, new_item, person};
use crate::retention::{backup, drill};
use crate::selections::Keys;
use crate::support::TestHub;

/// A node that two items were brought to, stopped; its folder, its token and the items.
async fn with_two(retention: Option<RetentionConfig>) -> (TempDir, String, [Value; 2]) {
    let council = Council::with(|config| config.retention = retention).await;
    let mut items = Vec::new();
    for content in [b"the one that goes".as_slice(), b"the one that stays"] {
        items.push(council.brought(&council.police, new_item(None), content).await);
    }
    assert!(items.iter().all(|item| item["kept_until"].is_null()), "nothing ends by itself");
    let TestHub { running, folder, token, .. } = council.hub;
    running.stop().await;
    (folder, token, items.try_into().unwrap())
}

/// Starts the node again, and somebody destroys an item.
async fn destroy(folder: TempDir, token: &str, retention: RetentionConfig, item: &Value) -> TempDir {
    let mut config = HubConfig::new(folder.path(), ([127, 0, 0, 1], 0).into());
    config.retention = Some(retention);
    let hub = TestHub::over_with(folder, token, config).await;
    let approver = person(&hub, "police", PersonRole::Approver).await;
    let why = json!({ "reason": "公判終結", "legal_basis": "刑訴法222条" });
    let gone = approver.done(&at(item, "/dispose"), why).await;
    assert_eq!(gone["item"]["state"], "disposed");
    let TestHub { running, folder, .. } = hub;
    running.stop().await;
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_was_destroyed_opens_in_no_backup_and_the_rest_does() {
    let keys = Keys::new().await;
    let (folder, token, [goes, stays]) = with_two(Some(keys.config(2))).await;
    let (old, key_file) = (backup(&folder), std::fs::read(keys.folder.path().join("keys")).unwrap());
    let before = check_deletion(&keys.config(2), &drill(&old, &keys)).await.unwrap();
    assert_eq!((before.evidence.tried, before.evidence.count(Outcome::Kept)), (2, 2));
    assert!(!before.passed(), "a drill that tried nothing destroyed has shown nothing");

    let folder = destroy(folder, &token, keys.config(2), &goes).await;
    let in_use = Some(Place::from(folder.path()));
    // By the certificates alone, and with the database in use.
    for in_use in [None, in_use.clone()] {
        let after = Drill { in_use, ..drill(&old, &keys) };
        let after = check_deletion(&keys.config(2), &after).await.unwrap();
        let outcome = |item: &Value| {
            let named = after.evidence.named.iter().find(|tried| item["id"] == tried.item.to_string());
            (named.unwrap().outcome, named.unwrap().sealed_under.is_some())
        };
        assert_eq!((outcome(&goes), outcome(&stays)), ((Outcome::Gone, true), (Outcome::Kept, true)));
        assert!(after.passed() && after.evidence.under_node_key == 0, "{:?}", after.evidence);
    }
    // Another node's database knows neither.
    let (other, ..) = with_two(None).await;
    let asked = Drill { in_use: Some(Place::from(other.path())), ..drill(&old, &keys) };
    let asked = check_deletion(&keys.config(2), &asked).await.unwrap();
    assert_eq!(asked.evidence.count(Outcome::Undecided), 1, "what no certificate is about");
    assert!(!asked.passed());

    std::fs::write(keys.folder.path().join("keys"), key_file).unwrap();
    let put_back = check_deletion(&keys.config(2), &Drill { in_use, ..drill(&old, &keys) }).await.unwrap();
    assert_eq!(put_back.evidence.count(Outcome::StillOpen), 1);
    assert!(!put_back.passed(), "a key file that was put back is found");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_under_the_nodes_key_is_said_to_be_open_in_older_backups() {
    let keys = Keys::new().await;
    let (folder, token, [goes, stays]) = with_two(None).await;
    let old = backup(&folder);
    // The key service came later; what was there before is still under the node's key.
    let folder = destroy(folder, &token, keys.config(2), &goes).await;
    let (in_use, node) = (Some(Place::from(folder.path())), Some(folder.path().to_owned()));
    for node in [None, node] {
        let asked = Drill { in_use: in_use.clone(), node, ..drill(&old, &keys) };
        let told = check_deletion(&keys.config(2), &asked).await.unwrap();
        assert_eq!((told.evidence.tried, told.evidence.under_node_key), (2, 2));
        let of = |outcome: Outcome| {
            let named = told.evidence.named.iter().filter(|tried| tried.outcome == outcome);
            named.map(|tried| json!(tried.item.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(
            (of(Outcome::StillOpen), of(Outcome::Kept)),
            (vec![goes["id"].clone()], vec![stays["id"].clone()])
        );
        assert!(!told.passed());
    }
    let blind = check_deletion(&keys.config(2), &drill(&old, &keys)).await.unwrap();
    assert_eq!(blind.evidence.count(Outcome::Undecided), 2, "no certificate says anything of these");
    assert!(!blind.passed());
}
