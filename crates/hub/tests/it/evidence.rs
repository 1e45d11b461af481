//! Evidence of cases: sealed, seen by whom it is for, passed from hand to hand, held, asked for, and verified by a court with nothing but its files.

use std::collections::BTreeMap;
use std::io::Cursor;

use oversight::custody::ContentHashes;
use oversight::custody::archive::{Archive, Opened};
use oversight::custody::package::{Fault, Found, MANIFEST_PATH, MANIFEST_PROOF_PATH, verify};
use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest;
use tlog::Policy;
use uuid::Uuid;

use crate::authorisation::add_person;
use crate::selections::{Keys, in_files};
use crate::signed::Signed;
use crate::support::{Reply, TestHub};

/// What must stand in no file as it came.
const PLANTED: &str = "planted-7c31 what was on the disk";

/// A council of police, a ministry and two operators, with a case.
pub struct Council {
    pub hub: TestHub,
    /// Programs of people who keep watch.
    pub police: String,
    pub ministry: String,
    pub kinki: String,
    pub case: String,
}

impl Council {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut hub::HubConfig)) -> Self {
        let hub = TestHub::start_with(change).await;
        for (id, role) in [
            ("police", OrganisationRole::Agency),
            ("ministry", OrganisationRole::Agency),
            ("kinki", OrganisationRole::Operator),
            ("kanto", OrganisationRole::Operator),
        ] {
            hub.organisation(id, role).await;
        }
        let duty = [PersonRole::DutyOfficer];
        let (police, ministry) = (hub.token("police", &duty).await, hub.token("ministry", &duty).await);
        let kinki = hub.token("kinki", &duty).await;
        let new = json!({ "title": "港湾", "severity": 3, "objects": [] });
        let made = hub.send_json(&police, Method::POST, "/api/v1/cases", new).await.json();
        let case = made["summary"]["id"].as_str().unwrap().to_owned();
        Self { hub, police, ministry, kinki, case }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/cases/{}/{rest}", self.case)
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        self.hub.send_json(token, Method::POST, path, body).await
    }

    pub async fn done(&self, token: &str, path: &str, body: Value) -> Value {
        let reply = self.post(token, path, body).await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    async fn send(&self, token: &str, item: &Value, content: &[u8]) -> Reply {
        let path = format!("/api/v1/evidence/{}/content", item["id"].as_str().unwrap());
        let ask = self.hub.rest(token, Method::PUT, &path);
        ask.header("content-type", "application/octet-stream").body(content).send().await
    }

    /// An item that is here.
    pub async fn brought(&self, token: &str, new: Value, content: &[u8]) -> Value {
        let item = self.done(token, &self.path("evidence"), new).await;
        assert_eq!(item["state"], "announced");
        let sent = self.send(token, &item, content).await;
        assert_eq!(sent.status, 200, "{}", String::from_utf8_lossy(&sent.body));
        sent.json()["item"].clone()
    }

    async fn listed(&self, token: &str) -> Vec<String> {
        let list = self.hub.good(token, &self.path("evidence")).await;
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn custody(&self, token: &str, item: &Value) -> Vec<String> {
        acts(&self.hub.good(token, &at(item, "")).await)
    }
}

fn acts(found: &Value) -> Vec<String> {
    found["custody"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["act"].as_str().unwrap().to_owned())
        .collect()
}

pub fn at(item: &Value, rest: &str) -> String {
    format!("/api/v1/evidence/{}{rest}", item["id"].as_str().unwrap())
}

pub fn new_item(only: Option<&[&str]>) -> Value {
    json!({
        "id": Uuid::new_v4(), "name": "../disk<1>.img", "kind": "disk-image", "description": "制御端末のディスク", "collector": "山田 太郎",
        "seized_at": "2026-11-01T09:00:00+09:00[Asia/Tokyo]", "seized_where": "大阪市此花区", "reason": "捜索差押", "legal_basis": "刑訴法218条",
        "label": { "tlp": "amber", "only": only },
    })
}

/// What an archive holds under a name, opened with a password.
pub fn opened(bytes: &[u8], name: &str, password: &str) -> Vec<u8> {
    let mut archive = Archive::open(Cursor::new(bytes)).unwrap();
    let mut content = Vec::new();
    let opened = archive.read(name, Some(password), |part| {
        content.extend_from_slice(part);
        Ok(())
    });
    assert_eq!(opened.unwrap(), Opened::Whole);
    content
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

/// Several pieces, the last not full.
pub fn large() -> Vec<u8> {
    PLANTED.as_bytes().iter().copied().cycle().take(2_500_001).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_in_is_sealed_and_leaves_as_an_archive_alone() {
    let council = Council::new().await;
    let content = large();
    let item = council.brought(&council.police, new_item(None), &content).await;
    assert_eq!(
        (item["size"].as_u64(), item["sha256"].as_str()),
        (Some(2_500_001), Some(sha256(&content).as_str()))
    );
    assert_eq!((item["name"].as_str(), item["state"].as_str()), (Some("_disk_1_.img"), Some("kept")));
    assert_eq!(item["sha3_256"].as_str().unwrap().len(), 64);
    assert!(!in_files(&council.hub.folder, PLANTED), "nothing stands anywhere as it came");
    // Sent again it is there already; announced again it is the same item, changed it is another's.
    assert_eq!(council.send(&council.police, &item, b"other").await.status, 409);

    let asked = json!({ "reason": "解析" });
    let reply = council.post(&council.police, &at(&item, "/download"), asked.clone()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    assert!(reply.header("content-disposition").starts_with("attachment; filename*=UTF-8''"));
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert!(!reply.body.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes()));
    assert_eq!(opened(&reply.body, "_disk_1_.img", "infected"), content);
    let secret = json!({ "reason": "解析", "password": "correct-horse" });
    let reply = council.post(&council.police, &at(&item, "/download"), secret).await;
    assert_eq!(opened(&reply.body, "_disk_1_.img", "correct-horse"), content);
    for wrong in ["short", "パスワードパスワード", "with blanks in it"] {
        let wrong = json!({ "reason": "解析", "password": wrong });
        assert_eq!(council.post(&council.police, &at(&item, "/download"), wrong).await.status, 422);
    }
    assert_eq!(
        council.post(&council.police, &at(&item, "/download"), json!({ "reason": " " })).await.status,
        422
    );

    // Each step is an entry, and each entry a leaf that names it by its hash.
    let found = council.hub.good(&council.police, &at(&item, "")).await;
    assert_eq!(acts(&found), ["collected", "received", "sealed", "downloaded", "downloaded"]);
    let custody = found["custody"].as_array().unwrap();
    assert_eq!(custody[0]["facts"]["seized_at"], "2026-11-01T09:00:00+09:00[Asia/Tokyo]");
    assert_eq!(
        (&custody[0]["legal_basis"], &custody[1]["from"]["name"]),
        (&json!("刑訴法218条"), &json!("山田 太郎"))
    );
    assert_eq!((&custody[2]["by"], &custody[2]["facts"]["sealed_under"]), (&Value::Null, &json!("node")));
    assert!(custody.iter().all(|entry| entry["sha256"] == item["sha256"]));
    let mut leaves = council.hub.audit(Action::EvidenceChanged).await;
    leaves.reverse();
    let leaves: Vec<_> = leaves.iter().filter(|row| row.event.detail["act"] != "announced").collect();
    for (entry, row) in custody.iter().zip(&leaves) {
        assert_eq!(Some(row.leaf), entry["leaf"].as_u64());
        assert_eq!(entry["hash"], row.event.detail["entry"].as_str());
        assert_eq!(row.event.objects, [council.case.as_str(), item["id"].as_str().unwrap()]);
    }
    assert!(!format!("{leaves:?}").contains("山田"), "the log holds hashes, never content");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_empty_or_other_than_announced_is_refused_and_nothing_of_it_stays() {
    let council = Council::with(|config| {
        config.evidence.item_bytes_max = 1_500_000;
        config.evidence.case_bytes_max = 2_000_000;
    })
    .await;
    let mut new = new_item(None);
    new["sha256"] = json!(sha256(b"right").to_uppercase());
    let item = council.done(&council.police, &council.path("evidence"), new.clone()).await;
    assert_eq!(
        council.done(&council.police, &council.path("evidence"), new).await,
        item,
        "sent twice it is one"
    );
    let refused = async |content: &[u8]| {
        let reply = council.send(&council.police, &item, content).await;
        (reply.status, reply.json()["detail"].as_str().unwrap_or_default().to_owned())
    };
    let (status, why) = refused(&vec![1; 1_500_001]).await;
    assert!(status == 413 && why.contains("at most 1500000 bytes"), "{status} {why}");
    let (status, why) = refused(b"wrong").await;
    assert!(status == 422 && why.contains(&sha256(b"wrong")), "{status} {why}");
    assert_eq!(refused(b"").await.0, 422);
    // Nothing is left of any, and the right one is taken.
    let db = rusqlite::Connection::open(council.hub.folder.path().join("yagura.sqlite")).unwrap();
    let chunks =
        || db.query_row("SELECT COUNT(*) FROM evidence_chunks", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(chunks(), 0);
    assert_eq!(council.send(&council.police, &item, b"right").await.status, 200);
    assert_eq!(chunks(), 1);
    // What one organisation brings into one case is bounded, too.
    council.brought(&council.police, new_item(None), &vec![1; 1_400_000]).await;
    let third = council.done(&council.police, &council.path("evidence"), new_item(None)).await;
    let reply = council.send(&council.police, &third, &vec![1; 700_000]).await;
    assert!(reply.status == 413 && reply.json()["detail"].as_str().unwrap().contains("case_bytes_max"));
    council.brought(&council.kinki, new_item(None), &vec![1; 1_400_000]).await;
    for (field, wrong) in [
        ("kind", json!("secret")),
        ("seized_at", json!("yesterday")),
        ("seized_at", json!("2199-01-01T00:00:00Z")),
        ("sha256", json!("12")),
        ("description", json!("")),
        ("label", json!({ "tlp": "green" })),
        ("label", json!({ "tlp": "amber", "only": ["nobody-here"] })),
    ] {
        let mut new = new_item(None);
        new[field] = wrong.clone();
        let reply = council.post(&council.police, &council.path("evidence"), new).await;
        assert_eq!(reply.status, 422, "{field}: {wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hints_at_what_is_for_others() {
    let council = Council::new().await;
    let open = council.brought(&council.police, new_item(None), b"open").await;
    let closed = council.brought(&council.police, new_item(Some(&["ministry"])), b"closed").await;
    assert_eq!(closed["label"]["only"], json!(["ministry", "police"]));
    let announced = council.done(&council.police, &council.path("evidence"), new_item(None)).await;
    let ids = |items: &[&Value]| {
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(council.listed(&council.police).await, ids(&[&open, &closed, &announced]));
    assert_eq!(council.listed(&council.ministry).await, ids(&[&open, &closed]));
    assert_eq!(council.listed(&council.kinki).await, ids(&[&open]));
    let nothing = |reply: &Reply| (reply.status, reply.json()["detail"].clone());
    let random = json!({ "id": Uuid::new_v4() });
    let get = async |item: &Value| council.hub.rest(&council.kinki, Method::GET, &at(item, "")).send().await;
    for hidden in [&closed, &announced] {
        assert_eq!(nothing(&get(hidden).await), nothing(&get(&random).await));
        for (what, body) in [
            ("/download", json!({ "reason": "r" })),
            ("/offer", json!({ "organisation": "kanto", "reason": "r" })),
            ("/answer", json!({ "answer": "accept", "reason": "r" })),
            ("/label", json!({ "label": { "tlp": "amber" }, "reason": "r" })),
        ] {
            assert_eq!(council.post(&council.kinki, &at(hidden, what), body).await.status, 404, "{what}");
        }
        assert_eq!(council.send(&council.kinki, hidden, b"x").await.status, 404);
        let export = json!({ "reason": "r", "items": [hidden["id"]] });
        assert_eq!(council.post(&council.kinki, &council.path("evidence/export"), export).await.status, 404);
    }
    // Who sees an item and neither brought nor has it is written down once.
    assert_eq!(council.custody(&council.ministry, &closed).await.last().unwrap(), "viewed");
    assert_eq!(council.custody(&council.ministry, &closed).await.len(), 4);
    // It is opened to more by whoever has it, and that is written down.
    let wider = json!({ "label": { "tlp": "amber", "only": ["ministry", "kinki"] }, "reason": "照会" });
    assert_eq!(council.post(&council.ministry, &at(&closed, "/label"), wider.clone()).await.status, 403);
    let changed = council.done(&council.police, &at(&closed, "/label"), wider).await;
    let last = changed["custody"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["act"], &last["facts"]["before"]),
        (&json!("labelled"), &json!("TLP:AMBER (ministry, police)"))
    );
    assert_eq!(council.listed(&council.kinki).await, ids(&[&open, &closed]));
    // A case that one may not see has no evidence either.
    let strange = format!("/api/v1/cases/incident--{}/evidence", Uuid::new_v4());
    assert_eq!(council.hub.rest(&council.police, Method::GET, &strange).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_goes_from_hand_to_hand_once_it_is_taken() {
    let council = Council::new().await;
    let item = council.brought(&council.police, new_item(None), b"x").await;
    let offer = |to: &str| json!({ "organisation": to, "reason": "送致", "legal_basis": "刑訴法246条" });
    let answer = |answer: &str| json!({ "answer": answer, "reason": "封印に異常なし" });
    let post =
        async |token: &str, what: &str, body: Value| council.post(token, &at(&item, what), body).await.status;
    assert_eq!(
        post(&council.ministry, "/offer", offer("police")).await,
        403,
        "only whoever has it offers it"
    );
    assert_eq!(post(&council.police, "/offer", offer("nobody")).await, 422);
    assert_eq!(post(&council.police, "/offer", offer("police")).await, 422, "to whom of one's own?");
    let offered = council.done(&council.police, &at(&item, "/offer"), offer("ministry")).await;
    assert_eq!(
        (&offered["item"]["custodian"]["organisation"], &offered["item"]["offer"]["to"]["organisation"]),
        (&json!("police"), &json!("ministry"))
    );
    assert_eq!(post(&council.police, "/offer", offer("kinki")).await, 422, "one offer at a time");
    assert_eq!(post(&council.kinki, "/answer", answer("accept")).await, 403);
    assert_eq!(post(&council.police, "/answer", answer("accept")).await, 403);
    let notices = council.hub.good(&council.ministry, "/api/v1/notices").await;
    assert!(notices["notices"].as_array().unwrap().iter().any(|notice| notice["kind"] == "evidence-offered"));
    council.done(&council.ministry, &at(&item, "/answer"), answer("decline")).await;
    assert_eq!(post(&council.ministry, "/answer", answer("accept")).await, 409, "it is over");
    council.done(&council.police, &at(&item, "/offer"), offer("ministry")).await;
    council.done(&council.police, &at(&item, "/answer"), answer("withdraw")).await;
    council.done(&council.police, &at(&item, "/offer"), offer("ministry")).await;
    let taken = council.done(&council.ministry, &at(&item, "/answer"), answer("accept")).await;
    assert_eq!(
        (&taken["item"]["custodian"]["organisation"], &taken["item"]["offer"]),
        (&json!("ministry"), &Value::Null)
    );
    assert_eq!(post(&council.police, "/offer", offer("kinki")).await, 403, "it is in other hands");
    let custody = taken["custody"].as_array().unwrap();
    let last = custody.last().unwrap();
    assert_eq!(
        (&last["from"]["organisation"], &last["to"]["organisation"]),
        (&json!("police"), &json!("ministry"))
    );
    let way: Vec<_> = acts(&taken).into_iter().skip(3).filter(|act| act != "viewed").collect();
    assert_eq!(way, ["offered", "declined", "offered", "withdrawn", "offered", "accepted"]);
    // What is for some only is not offered to others.
    let closed = council.brought(&council.police, new_item(Some(&["police"])), b"y").await;
    let refused = council.post(&council.police, &at(&closed, "/offer"), offer("kinki")).await;
    assert!(refused.status == 422 && refused.json()["detail"].as_str().unwrap().contains("may not see"));
}

pub async fn person<'a>(hub: &'a TestHub, organisation: &str, role: PersonRole) -> Signed<'a> {
    let account = add_person(hub, organisation, role).await;
    Signed::again(hub, &account).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_not_destroyed_and_what_is_destroyed_is_certified() {
    let keys = Keys::new().await;
    let retention = keys.config(2);
    let council = Council::with(move |config| {
        config.retention = Some(retention);
        config.evidence.class = Some(vault::Name::new("r").unwrap());
    })
    .await;
    let hub = &council.hub;
    let item = council.brought(&council.police, new_item(None), PLANTED.as_bytes()).await;
    assert!(item["kept_until"].as_str().is_some());
    let reply = council.post(&council.police, &at(&item, "/download"), json!({ "reason": "r" })).await;
    assert_eq!(opened(&reply.body, "_disk_1_.img", "infected"), PLANTED.as_bytes());

    let (one, two) = (
        person(hub, "police", PersonRole::Approver).await,
        person(hub, "police", PersonRole::Approver).await,
    );
    let other = person(hub, "ministry", PersonRole::Approver).await;
    let duty = person(hub, "police", PersonRole::DutyOfficer).await;
    let why = json!({ "reason": "公判係属中", "legal_basis": "刑訴法222条" });
    assert_eq!(duty.post(&at(&item, "/holds"), why.clone()).await.status, 403);
    assert_eq!(
        council.post(&council.police, &at(&item, "/holds"), why.clone()).await.status,
        403,
        "no program"
    );
    assert_eq!(other.post(&at(&item, "/holds"), why.clone()).await.status, 403, "it is not in their hands");
    let held = one.done(&at(&item, "/holds"), why.clone()).await;
    assert_eq!((&held["item"]["held"], &held["holds"][0]["reason"]), (&json!(true), &json!("公判係属中")));
    let refused = one.post(&at(&item, "/dispose"), why.clone()).await;
    assert!(refused.status == 422 && refused.json()["detail"].as_str().unwrap().contains("held"));
    let lift = format!("{}/{}/lift", at(&item, "/holds"), held["holds"][0]["id"].as_str().unwrap());
    let confirmed = json!({ "reason": "判決確定" });
    assert_eq!(one.post(&lift, confirmed.clone()).await.status, 409, "another person lifts it");
    let lifted = two.done(&lift, confirmed.clone()).await;
    assert_eq!(
        (&lifted["item"]["held"], &lifted["holds"][0]["lift_reason"]),
        (&json!(false), &json!("判決確定"))
    );
    assert_eq!(two.post(&lift, confirmed).await.status, 409);

    assert_eq!(other.post(&at(&item, "/dispose"), why.clone()).await.status, 403);
    let gone = one.done(&at(&item, "/dispose"), why.clone()).await;
    assert_eq!((&gone["item"]["state"], &gone["item"]["sha256"]), (&json!("disposed"), &item["sha256"]));
    let way: Vec<_> = acts(&gone).into_iter().skip(3).collect();
    assert_eq!(way, ["downloaded", "hold-set", "hold-lifted", "disposed"]);
    let after = council.post(&council.police, &at(&item, "/download"), json!({ "reason": "r" })).await;
    assert!(after.status == 422 && after.json()["detail"].as_str().unwrap().contains("destroyed"));
    assert_eq!(one.post(&at(&item, "/dispose"), why).await.status, 422);
    // The key is gone with a certificate over this item, before the time of its class.
    let destroyed = hub.audit(Action::ClassKeyDestroyed).await;
    let certificate = vault::Certificate::parse(&destroyed[0].event.detail["certificate"]).unwrap();
    let key = vault::PublicKey::parse(&keys.public_key).unwrap();
    let ids = [vault::RecordId::new(item["id"].as_str().unwrap()).unwrap()];
    certificate.verify(&key).unwrap().check_records(&ids.into()).unwrap();
}

/// Names of files in a folder.
fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// A package's parts as a verifier finds them.
pub fn found_in(bytes: &[u8], password: &str) -> Found {
    let mut archive = Archive::open(Cursor::new(bytes)).unwrap();
    let mut found = Found::default();
    for entry in archive.entries().to_vec() {
        if !entry.is_sealed {
            found.documents.insert(entry.name.clone(), archive.document(&entry.name, 1 << 30).unwrap());
            continue;
        }
        let content = opened(bytes, &entry.name, password);
        found.files.insert(entry.name, Some(hashes(&content)));
    }
    found
}

fn hashes(content: &[u8]) -> ContentHashes {
    let sha3 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA3_256, content);
    ContentHashes {
        size: u64::try_from(content.len()).unwrap(),
        sha256: sha256(content),
        sha3_256: hex::encode(sha3),
    }
}

/// The log's own key, as somebody has it who got it elsewhere.
async fn policy(council: &Council, found: &Found) -> Policy {
    let proof = String::from_utf8(found.documents[MANIFEST_PROOF_PATH].clone()).unwrap();
    let note = proof.split_once("\n\n").unwrap().1;
    let key = crate::log::key(council.hub.folder.path(), note);
    Policy::parse(format!("log {}\nquorum none\n", key.encode()).as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_verifies_offline_and_every_change_of_it_is_found() {
    let council = Council::new().await;
    let first = council.brought(&council.police, new_item(None), &large()).await;
    let second = council.brought(&council.police, new_item(Some(&["kinki"])), b"small").await;
    council
        .done(&council.police, &at(&first, "/offer"), json!({ "organisation": "kinki", "reason": "還付" }))
        .await;
    let asked = json!({ "reason": "公判提出", "legal_basis": "刑訴法321条", "password": "court-2026-11" });
    let reply = council.post(&council.police, &council.path("evidence/export"), asked).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(
        (reply.header("content-type"), reply.header("x-content-type-options")),
        ("application/octet-stream", "nosniff")
    );
    let found = found_in(&reply.body, "court-2026-11");
    let policy = policy(&council, &found).await;
    let verified = verify(&found, &policy).unwrap();
    assert_eq!((verified.manifest.items.len(), verified.entries, verified.opened), (2, 4 + 4 + 1, 2));
    assert_eq!(
        (verified.manifest.case.as_str(), verified.manifest.why.as_str()),
        (council.case.as_str(), "公判提出")
    );
    assert_eq!(verified.shown.event.action, Action::EvidenceExported);
    // The policy in the package is the same key, and the wrong one shows nothing.
    let own = Policy::parse(&found.documents["log.policy"]).unwrap();
    assert!(verify(&found, &own).is_ok());
    let strange = tlog::SigningKey::from_seed(&verified.manifest.log, [9; 32]).unwrap().verifying_key();
    let strange = Policy::parse(format!("log {}\nquorum none\n", strange.encode()).as_bytes()).unwrap();
    assert!(verify(&found, &strange).is_err());
    // That it left is in the custody of both, and the newest entry there is.
    for item in [&first, &second] {
        assert_eq!(council.custody(&council.police, item).await.last().unwrap(), "exported");
    }

    // A changed byte, wherever it is, is found where it is.
    let faults = |found: &Found| verify(found, &policy).expect_err("a change was not found");
    for (path, bytes) in &found.documents {
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = found.clone();
            changed.documents.get_mut(path).unwrap()[place] ^= 1;
            let faults = faults(&changed);
            let is_manifest = path.starts_with(MANIFEST_PATH) || path.starts_with(MANIFEST_PROOF_PATH);
            assert!(is_manifest || faults.iter().any(|fault| fault.path == *path), "{path}: {faults:?}");
        }
        let mut missing = found.clone();
        missing.documents.remove(path);
        assert!(!faults(&missing).is_empty(), "{path}");
    }
    for path in found.files.keys() {
        let mut changed = found.clone();
        changed.files.insert(path.clone(), Some(hashes(b"other")));
        assert_eq!(faults(&changed), [Fault { path: path.clone(), why: faults(&changed)[0].why.clone() }]);
        let mut missing = found.clone();
        missing.files.remove(path);
        assert_eq!(faults(&missing)[0].why, "it is missing");
    }
    let mut added = found.clone();
    added.documents.insert("custody/more.json".to_owned(), b"[]".to_vec());
    assert!(faults(&added)[0].why.contains("put in afterwards"));
    // Without the password the hashes are known and the content is not compared.
    let mut closed = found.clone();
    closed.files.values_mut().for_each(|hashes| *hashes = None);
    assert_eq!(verify(&closed, &policy).unwrap().unopened.len(), 2);

    forged(&found, &policy, &first);
    in_case_and_uco(&found, &first);
}

/// Whoever forges a custody log and makes the manifest fit is found by the log.
fn forged(found: &Found, policy: &Policy, item: &Value) {
    let path = format!("custody/{}.json", item["id"].as_str().unwrap());
    let text = String::from_utf8(found.documents[&path].clone()).unwrap();
    let mut changed = found.clone();
    let log = text.replace("還付", "交換").into_bytes();
    let manifest = String::from_utf8(found.documents[MANIFEST_PATH].clone()).unwrap();
    let manifest = manifest.replace(&sha256(text.as_bytes()), &sha256(&log));
    changed.documents.insert(path, log);
    changed.documents.insert(MANIFEST_PATH.to_owned(), manifest.into_bytes());
    let faults = verify(&changed, policy).unwrap_err();
    assert!(faults[0].path.starts_with(MANIFEST_PROOF_PATH), "{faults:?}");
}

/// What the package says in CASE and UCO, held against what the staged examples use.
fn in_case_and_uco(found: &Found, item: &Value) {
    let document: Value = serde_json::from_slice(&found.documents["case-uco.jsonld"]).unwrap();
    let graph = document["@graph"].as_array().unwrap();
    let of_type = |wanted: &str| graph.iter().filter(|node| node["@type"] == wanted).collect::<Vec<_>>();
    assert_eq!(of_type("case-investigation:Investigation").len(), 1);
    assert_eq!(of_type("case-investigation:ProvenanceRecord").len(), 2);
    assert_eq!(of_type("case-investigation:InvestigativeAction").len(), 9);
    let file =
        graph.iter().find(|node| node["@id"] == format!("kb:{}", item["id"].as_str().unwrap())).unwrap();
    let facet = &file["uco-core:hasFacet"][1];
    assert_eq!(facet["uco-observable:hash"][0]["uco-types:hashValue"]["@value"], item["sha256"]);
    let seized = graph.iter().find(|node| node["uco-core:name"] == "seized").unwrap();
    let performer = graph.iter().find(|node| node["@id"] == seized["uco-action:performer"]["@id"]).unwrap();
    assert_eq!(
        (&seized["uco-action:startTime"]["@value"], &performer["uco-core:name"]),
        (&json!("2026-11-01T00:00:00Z"), &json!("山田 太郎")),
        "who secured it and when, not who brought it"
    );
    let ids: Vec<&Value> = graph.iter().map(|node| &node["@id"]).collect();
    for node in graph {
        references(node, &mut |id| assert!(ids.contains(&id), "{id} is nowhere"));
    }
    let Some(corpus) = std::env::var_os("YAGURA_CORPUS") else { return };
    let folder = std::path::Path::new(&corpus).join("response/case-uco");
    let mut known = BTreeMap::new();
    for name in names_in(&folder).iter().filter(|name| name.ends_with(".json")) {
        let text = std::fs::read(folder.join(name)).unwrap();
        words(&serde_json::from_slice(&text).unwrap(), &mut known);
    }
    let mut used = BTreeMap::new();
    words(&document["@graph"], &mut used);
    let ours = |word: &&String| !word.starts_with("yagura:") && !word.starts_with("kb:");
    let strange: Vec<_> = used.keys().filter(ours).filter(|word| !known.contains_key(*word)).collect();
    assert!(strange.is_empty(), "no example uses {strange:?}");
}

/// Names of types and properties.
fn words(value: &Value, into: &mut BTreeMap<String, usize>) {
    match value {
        Value::Object(node) => {
            for (name, value) in node {
                *into.entry(name.clone()).or_default() += 1;
                if name == "@type" {
                    let types = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                    types
                        .iter()
                        .filter_map(Value::as_str)
                        .for_each(|one| *into.entry(one.to_owned()).or_default() += 1);
                }
                words(value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| words(value, into)),
        _ => {}
    }
}

/// Every reference of a node to another one.
fn references<'v>(value: &'v Value, found: &mut impl FnMut(&'v Value)) {
    match value {
        Value::Object(node) if node.len() == 1 && node.contains_key("@id") => found(&node["@id"]),
        Value::Object(node) => node.values().for_each(|value| references(value, found)),
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_asked_for_with_a_legal_basis_and_handed_over() {
    let council = Council::new().await;
    let hub = &council.hub;
    let detective = person(hub, "police", PersonRole::DutyOfficer).await;
    let operator = person(hub, "kinki", PersonRole::Approver).await;
    let other = person(hub, "kanto", PersonRole::Approver).await;
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(72);
    let new = |kind: &str| {
        json!({ "id": Uuid::new_v4(), "case": council.case, "kind": kind, "organisation": "kinki", "subject": "11月1日の通信記録",
            "legal_basis": "刑訴法197条2項", "reference": "大阪府警(サ)第12号", "due": soon.to_string() })
    };
    let path = "/api/v1/evidence-requests";
    assert_eq!(operator.post(path, new("hand-over")).await.status, 403, "authorities ask");
    let mut late = new("hand-over");
    late["due"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(detective.post(path, late).await.status, 422);
    let body = new("hand-over");
    let asked = detective.done(path, body.clone()).await;
    assert_eq!(detective.done(path, body).await, asked, "sent twice it is one");
    assert_eq!(
        (&asked["state"], &asked["overdue"], &asked["may"]),
        (&json!("asked"), &json!(false), &json!(["withdraw"]))
    );
    let notices = hub.good(&council.kinki, "/api/v1/notices").await;
    assert!(notices["notices"].as_array().unwrap().iter().any(|notice| notice["kind"] == "evidence-request"));
    let one = format!("{path}/{}", asked["id"].as_str().unwrap());
    // Nobody else is told that there is one.
    assert_eq!(other.get(&one).await.status, 404);
    let of_case = council.path("evidence-requests");
    let count = async |person: &Signed<'_>| person.good(&of_case).await["requests"].as_array().unwrap().len();
    assert_eq!((count(&detective).await, count(&operator).await, count(&other).await), (1, 1, 0));

    let answer = format!("{one}/answer");
    let say =
        |answer: &str, items: Value| json!({ "answer": answer, "note": "承知しました", "items": items });
    assert_eq!(other.post(&answer, say("accept", json!([]))).await.status, 404);
    assert_eq!(detective.post(&answer, say("accept", json!([]))).await.status, 403);
    assert_eq!(operator.post(&answer, say("fulfil", json!([]))).await.status, 409, "it is accepted first");
    assert_eq!(operator.done(&answer, say("accept", json!([]))).await["state"], "accepted");
    assert_eq!(operator.post(&answer, say("fulfil", json!([]))).await.status, 422);
    let own = council.brought(&council.kinki, new_item(Some(&["kinki"])), b"own").await;
    let refused = operator.post(&answer, say("fulfil", json!([own["id"]]))).await;
    assert!(refused.status == 422 && refused.json()["detail"].as_str().unwrap().contains("not for police"));
    let theirs = council.brought(&council.police, new_item(None), b"theirs").await;
    assert_eq!(operator.post(&answer, say("fulfil", json!([theirs["id"]]))).await.status, 403);
    let item = council.brought(&council.kinki, new_item(Some(&["police"])), b"record").await;
    let fulfilled = operator.done(&answer, say("fulfil", json!([item["id"]]))).await;
    assert_eq!((&fulfilled["state"], &fulfilled["items"]), (&json!("fulfilled"), &json!([item["id"]])));
    let taken = council
        .done(&council.police, &at(&item, "/answer"), json!({ "answer": "accept", "reason": "受領" }))
        .await;
    let last = taken["custody"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&taken["item"]["custodian"]["organisation"], &last["facts"]["request"]),
        (&json!("police"), &asked["id"])
    );
    assert_eq!(detective.done(&answer, say("close", json!([]))).await["state"], "closed");
    let steps = detective.good(&one).await["steps"].as_array().unwrap().clone();
    let words: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(words, ["asked", "accepted", "fulfilled", "closed"]);
    let leaves = hub.audit(Action::EvidenceRequested).await;
    assert_eq!(
        leaves.iter().rev().map(|row| row.leaf).collect::<Vec<_>>(),
        steps.iter().map(|step| step["leaf"].as_u64().unwrap()).collect::<Vec<_>>()
    );

    // To preserve is to hold; to refuse takes a reason.
    let asked = detective.done(path, new("preserve")).await;
    let answer = format!("{path}/{}/answer", asked["id"].as_str().unwrap());
    operator.done(&answer, say("accept", json!([]))).await;
    operator.done(&answer, say("fulfil", json!([own["id"]]))).await;
    let held = hub.good(&council.kinki, &at(&own, "")).await;
    assert_eq!(
        (&held["item"]["held"], &held["holds"][0]["legal_basis"]),
        (&json!(true), &json!("刑訴法197条2項"))
    );
    let hidden = detective.good(&format!("{path}/{}", asked["id"].as_str().unwrap())).await;
    assert_eq!(hidden["items"], json!([]), "the asker may not see the item");
    let refused = detective.done(path, new("preserve")).await;
    let answer = format!("{path}/{}/answer", refused["id"].as_str().unwrap());
    assert_eq!(operator.post(&answer, json!({ "answer": "refuse", "note": "" })).await.status, 422);
    assert_eq!(operator.done(&answer, say("refuse", json!([]))).await["state"], "refused");
}

/// A request with a target made for it alone, for the table of who may do what.
pub async fn sample(hub: &TestHub, method: &str, path: &str) -> (String, Option<String>) {
    let token = &hub.token("coordinator", &[PersonRole::DutyOfficer]).await;
    let made = async |path: &str, body: Value| {
        let reply = hub.send_json(token, Method::POST, path, body).await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    };
    let case = made("/api/v1/cases", json!({ "title": "t", "severity": 1, "objects": [] })).await;
    let case = case["summary"]["id"].as_str().unwrap().to_owned();
    let bytes = |body: Value| Some(body.to_string());
    if path.starts_with("/api/v1/evidence-requests") {
        return request_sample(hub, (&case, method), path).await;
    }
    let evidence = format!("/api/v1/cases/{case}/evidence");
    if path.starts_with("/api/v1/cases/") && !path.ends_with("/export") {
        let body = (method == "POST").then(|| new_item(None).to_string());
        return (path.replace("{id}", &case), body);
    }
    let item = made(&evidence, new_item(None)).await;
    if method == "PUT" {
        return (at(&item, "/content"), Some("content".to_owned()));
    }
    let content = hub.rest(token, Method::PUT, &at(&item, "/content"));
    let sent = content.header("content-type", "application/octet-stream").body(b"x".to_vec()).send().await;
    assert_eq!(sent.status, 200);
    let body = match path.rsplit('/').next().unwrap_or_default() {
        "export" => return (format!("{evidence}/export"), bytes(json!({ "reason": "r" }))),
        "download" => json!({ "reason": "r" }),
        "offer" => json!({ "organisation": "agency", "reason": "r" }),
        "answer" => json!({ "answer": "withdraw", "reason": "r" }),
        "label" => json!({ "label": { "tlp": "amber" }, "reason": "r" }),
        "holds" | "dispose" => json!({ "reason": "r", "legal_basis": "l" }),
        "lift" => json!({ "reason": "r" }),
        _ => return (at(&item, ""), None),
    };
    let path =
        path.replace("{id}", item["id"].as_str().unwrap()).replace("{hold}", &Uuid::new_v4().to_string());
    (path, bytes(body))
}

async fn request_sample(hub: &TestHub, (case, method): (&str, &str), path: &str) -> (String, Option<String>) {
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let new = json!({ "id": Uuid::new_v4(), "case": case, "kind": "preserve", "organisation": "operator", "subject": "s",
        "legal_basis": "l", "due": due.to_string() });
    if !path.contains("{id}") {
        return (path.to_owned(), Some(new.to_string()));
    }
    let asker = person(hub, "coordinator", PersonRole::DutyOfficer).await;
    let asked = asker.done("/api/v1/evidence-requests", new).await;
    let answer = json!({ "answer": "withdraw", "note": "n" }).to_string();
    // Nothing is named by another hub here.
    let path =
        path.replace("{id}", asked["id"].as_str().unwrap()).replace("{item}", &Uuid::new_v4().to_string());
    (path, (method == "POST").then_some(answer))
}
