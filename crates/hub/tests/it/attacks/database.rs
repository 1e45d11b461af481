//! An administrator with the database in hand: what is altered in it is found, what is granted in it is not acted on, and what is secret
//! in it is not read.

use std::path::Path;

use jiff::Timestamp;
use oversight::authorisation::{Gate, Package, Quota, Selection, Terms};
use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::json;
use store::trees::Tree;
use store::{Place, StoreError};
use tempfile::TempDir;
use tlog::witness::AddCheckpoint;
use tlog::{Checkpoint, CosignatureKind, CosigningKey, LogKey, SigningKey};
use witness::{AddFailure, Witness, WitnessConfig};

use super::{Attack, answer, error, noticed};
use crate::authorisations::{Edge, granted};
use crate::commissioners::{adopt_frame, commission, constitution, granted_as, wanted};
use crate::log::start;
use crate::selections::{Keys, edge, found, hand_in, in_files, keeping, signed};
use crate::sign_in::{Browser, GOOD, first_link};
use crate::signed::Signed;
use crate::statistics::published_behind;
use crate::support::TestHub;

/// What must be read nowhere.
const PLANTED: &str = "planted-77c1.example";

pub async fn all() -> Vec<Attack> {
    let mut all = altered().await;
    all.extend([rewritten().await, granted_in_it().await, read().await]);
    all
}

/// Carries SQL out on a copy of the data folder, and asks what `yagura log verify` and a start ask.
async fn tampered(folder: &TempDir, sql: &str) -> Option<String> {
    let copy = copy_of(folder.path());
    let changed =
        rusqlite::Connection::open(copy.path().join("yagura.sqlite")).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
    let verified = store::inspect(Place::from(copy.path()), |reader| {
        Tree::ALL.into_iter().try_for_each(|tree| tree.verified(reader).map(drop))
    });
    if let Err(StoreError::Corrupt(_)) = verified {
        return Some("found by `yagura log verify`".to_owned());
    }
    let refused = start(copy.path()).await.err()?;
    Some(format!("does not start: `{}`", refused.code))
}

fn copy_of(folder: &Path) -> TempDir {
    fn walk(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let (path, to) = (entry.path(), to.join(entry.file_name()));
            if path.is_dir() {
                walk(&path, &to);
            } else {
                std::fs::copy(path, to).unwrap();
            }
        }
    }
    let copy = tempfile::tempdir().unwrap();
    walk(folder, copy.path());
    copy
}

async fn altered() -> Vec<Attack> {
    let hub = TestHub::start().await;
    hub.organisation("harbour", OrganisationRole::Operator).await;
    granted_as(&hub, "npa", "harbour", |_| {}).await;
    published_behind(&hub, 3).await;
    let TestHub { running, folder, .. } = hub;
    running.stop().await;
    let honest = copy_of(folder.path());
    start(honest.path()).await.unwrap().stop().await;
    let mut all = Vec::new();
    for (name, table, nodes, columns) in [
        (
            "Database altered: the log of acts",
            "audit",
            "audit_nodes",
            &[
                "at = at + 1",
                "action = 'seal-opened'",
                "outcome = 'refused'",
                "actor_kind = 'stranger'",
                "actor = 'somebody'",
                "organisation = 'harbour'",
                "record = x'7b7d'",
                "salt = zeroblob(32)",
            ] as &[&str],
        ),
        (
            "Database altered: the log of authorisations",
            "authorisation_log",
            "authorisation_nodes",
            &["kind = 'padding'", "about = 7", "entry = x'7b7d'", "record = x'7b7d'", "salt = zeroblob(32)"],
        ),
        (
            "Database altered: the log of statistics",
            "statistics_log",
            "statistics_nodes",
            &["period_from = 1", "period_until = 1", "corrects = 0", "key = 'k'", "note = x'7b7d'"],
        ),
    ] {
        let mut attack = Attack::new(name, "verifier with the rows; start");
        for set in columns.iter().chain(&["hash = zeroblob(32)"]) {
            let sql = format!("UPDATE {table} SET {set} WHERE leaf = 1");
            attack.detected(format!("a row with `{set}`"), tampered(&folder, &sql).await);
        }
        let sql = format!("DELETE FROM {table} WHERE leaf = 1");
        attack.detected("a row taken out", tampered(&folder, &sql).await);
        let sql = format!("DELETE FROM {table} WHERE leaf = (SELECT MAX(leaf) FROM {table})");
        attack.detected("the last row taken out", tampered(&folder, &sql).await);
        let sql = format!("UPDATE {table} SET leaf = -leaf - 1 WHERE leaf <= 1");
        attack.detected("two rows moved", tampered(&folder, &sql).await);
        let sql = format!("INSERT INTO {nodes} (level, position, hash) VALUES (8, 0, zeroblob(32))");
        attack.detected("a hash of the tree that no row makes", tampered(&folder, &sql).await);
        let sql = format!("DELETE FROM {table}");
        attack.detected("all rows taken out", tampered(&folder, &sql).await);
        all.push(attack);
    }
    all
}

/// The whole history made anew and signed with the node's own key, which stands in the same folder.
async fn rewritten() -> Attack {
    let mut attack = Attack::new("History made anew with the node's key", "witness");
    let hub = TestHub::start().await;
    hub.organisation("harbour", OrganisationRole::Operator).await;
    let head = crate::log::checkpoint(&hub, 2).await;
    let mut seed = [0; 32];
    let text = std::fs::read_to_string(hub.folder.path().join("node.key")).unwrap();
    hex::decode_to_slice(text.trim(), &mut seed).unwrap();
    let key = SigningKey::from_seed(&head.origin, seed).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = WitnessConfig {
        folder: folder.path().join("memory"),
        create: true,
        keys: vec![CosigningKey::from_seed("witness.example/w", CosignatureKind::MlDsa44, &[3; 32]).unwrap()],
        logs: vec![LogKey::parse(&key.verifying_key().encode()).unwrap()],
    };
    let witness = Witness::open(config).unwrap();
    let now = u64::try_from(Timestamp::now().as_second()).unwrap();
    let ask = |head: &Checkpoint, old: u64| {
        // Whatever hashes the proof holds: there is none from another history.
        let text = format!("old {old}\n\n{}", key.sign_checkpoint(head));
        let request = AddCheckpoint::parse(&text).unwrap().to_text();
        match witness.add_checkpoint(&request, now) {
            Ok(_) => None,
            Err(AddFailure::Refused(refusal)) => Some(refusal.status().to_string()),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(&head, 0), None);
    let other = |size| Checkpoint { size, root: [7; 32], ..head.clone() };
    attack.refused("as long as before", ask(&other(head.size), head.size));
    attack.refused("longer than before", ask(&other(head.size + 1), head.size));
    attack.refused("shorter than before", ask(&other(head.size - 1), 0));
    assert_eq!(ask(&head, head.size), None, "the honest one again");
    attack
}

/// Runs SQL beside the hub that has the database open.
fn alter(hub: &TestHub, sql: &str, values: &[&str]) {
    let connection = rusqlite::Connection::open(hub.folder.path().join("yagura.sqlite")).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    let changed = connection.execute(sql, rusqlite::params_from_iter(values)).unwrap();
    assert!(changed > 0, "{sql}");
}

async fn granted_in_it() -> Attack {
    let mut attack = Attack::new("Authorisation granted or widened in the database", "edge's gate");
    let hub = crate::commissioners::hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let edge = Edge::new(&hub, "kinki-power").await;
    let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    let asked = granted(&mut members, &asked).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    let real = edge.packages().await.remove(0);
    let mut gate = edge.gate("kinki-power").await;
    edge.follow(&mut gate, real.index + 1).await;
    let list = edge.list(&id).await.unwrap();
    let now = Timestamp::now;
    let honest = gate.ask(&real, &Quota::default(), now()).unwrap().permit(&list).map(drop);
    assert_eq!(honest, Ok(()));

    let behind = granted_as(&hub, "npa", "kinki-power", |new| {
        let Terms { category, article, fields, retention, .. } = real.terms.clone();
        (new.terms.category, new.terms.article, new.terms.fields) = (category, article, fields);
        new.terms.retention = retention;
    });
    let behind = behind.await;
    edge.follow(&mut gate, behind.grant_leaf.unwrap() + 1).await;
    let packages = edge.packages().await;
    let forged = packages.into_iter().find(|package| package.terms.id == behind.terms.id).unwrap();
    let said = |gate: &Gate, package: &Package| error(gate.ask(package, &Quota::default(), now()).map(drop));
    attack.refused("a grant that nobody signed, with its entry in the log", said(&gate, &forged));
    let mut lent = forged.clone();
    lent.decided.assertions.clone_from(&real.decided.assertions);
    attack.refused("the same, with the signatures of another grant", said(&gate, &lent));
    let mut named = forged;
    named.decided = real.decided.clone();
    attack.refused("the same, with another grant's whole decision", said(&gate, &named));

    let swapped =
        json!({ "salt": list.salt, "patterns": ["[ipv4-addr:value = '198.51.100.1']", list.patterns[1]] });
    alter(&hub, "UPDATE authorisations SET list = ?1 WHERE id = ?2", &[&swapped.to_string(), &id]);
    let given = edge.list(&id).await.unwrap();
    assert_ne!(given, list, "the hub hands out what the database says");
    let permitted = gate.ask(&real, &Quota::default(), now()).unwrap().permit(&given).map(drop);
    attack.refused("another indicator in the list", error(permitted));

    members[0].decide(&asked, "revoke").await;
    edge.follow_on(&mut gate).await;
    alter(&hub, "UPDATE authorisations SET state = 'granted' WHERE id = ?1", &[&id]);
    let again = edge.packages().await.into_iter().find(|package| package.terms.id == real.terms.id).unwrap();
    attack.refused("what was revoked, granted again", said(&gate, &again));
    let told = members[1].signed.post("/api/v1/oversight/commission", constitution(&members, 2)).await;
    attack.refused("a commissioner constitutes another commission", answer(&told));
    attack
}

/// Reads the disk for what should not be there to be read.
async fn read() -> Attack {
    let mut attack = Attack::new("Secrets read from the data folder", "disk");
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    hub.organisation("abroad", OrganisationRole::Partner).await;
    let browser = Browser::by_first_link(&hub).await;
    let chosen = browser.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
    assert_eq!(chosen.status, 204);
    let link = json!({
        "id": "abroad-taxii", "organisation": "abroad", "discovery": "https://taxii.invalid/taxii2/", "every_seconds": 3600, "pulls": true,
        "secret": "open-sesame-77c1",
    });
    let made = hub.send_json(&hub.token, Method::POST, "/api/v1/taxii-links", link).await;
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    let own = edge(&hub, "harbour").await;
    let grant = granted_as(&hub, "npa", "harbour", |new| {
        new.terms.fields = [oversight::authorisation::Field::Domains].into();
    });
    let grant = grant.await;
    let mut selection: Selection = found(&grant.terms, grant.grant_leaf.unwrap(), &own, 1);
    selection.information = Default::default();
    selection.information.domains = vec![PLANTED.to_owned()];
    assert_eq!(hand_in(&own, vec![signed(&own, selection)]).await, ["accepted"]);
    let session = browser.cookie.strip_prefix("yagura_session=").unwrap().to_owned();
    let secrets = [
        ("a program's token", hub.token.clone()),
        ("a session", session),
        ("a used sign-in link", first_link(&hub)),
        ("a password", GOOD.to_owned()),
        ("the credential for another party's TAXII server", "open-sesame-77c1".to_owned()),
        ("what an edge found under an authorisation", PLANTED.to_owned()),
    ];
    let TestHub { running, folder, .. } = hub;
    running.stop().await;
    assert!(in_files(&folder, "taxii.invalid"), "what is no secret is there");
    for (what, secret) in secrets {
        attack.refused(what, noticed(!in_files(&folder, &secret), "not on disk"));
    }
    attack
}
