//! Reports of incidents: begun offline and sent twice, seen by whom they concern, filed with a receipt, with clocks that survive.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use oversight::{Action, FilingReceipt, NoReceipt, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use tlog::Policy;
use uuid::Uuid;

use crate::rest::sighting;
use crate::support::{Reply, TestHub, V1, id_of, indicator, marked};

/// A council of an operator that reports, another one, an agency that is reported to, and one that is not.
struct Council {
    hub: TestHub,
    /// Of the reporting operator.
    own: String,
    /// Of another operator.
    other: String,
    /// Of the agency that is given copies.
    ministry: String,
    /// Of another agency.
    police: String,
}

impl Council {
    async fn new() -> Self {
        let hub = TestHub::start().await;
        for (id, role) in [
            ("kinki", OrganisationRole::Operator),
            ("kanto", OrganisationRole::Operator),
            ("ministry", OrganisationRole::Agency),
            ("police", OrganisationRole::Agency),
        ] {
            hub.organisation(id, role).await;
        }
        let duty = [PersonRole::DutyOfficer];
        let (own, other) = (hub.token("kinki", &duty).await, hub.token("kanto", &duty).await);
        let (ministry, police) = (hub.token("ministry", &duty).await, hub.token("police", &duty).await);
        Self { hub, own, other, ministry, police }
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        self.hub.send_json(token, Method::POST, path, body).await
    }

    /// A good answer to what is sent.
    async fn sent(&self, token: &str, path: &str, body: Value) -> Value {
        let reply = self.post(token, path, body).await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// A report that is begun; its path.
    async fn begun(&self, aware: Timestamp) -> String {
        let taken = self.sent(&self.own, "/api/v1/reports", new_report(aware)).await;
        format!("/api/v1/reports/{}", taken["id"].as_str().unwrap())
    }

    async fn stated(&self, report: &str, fields: Value) -> Value {
        let events = json!([{ "what": "stated", "fields": fields }]);
        self.sent(&self.own, &format!("{report}/events"), json!({ "send": Uuid::new_v4(), "events": events }))
            .await
    }

    async fn filed(&self, report: &str, names: [&str; 3], given_to: Option<&str>) -> Value {
        self.sent(&self.own, &format!("{report}/filings"), filing(names, given_to)).await
    }

    async fn duty(&self, report: &str, names: [&str; 3]) -> Value {
        let report = self.hub.good(&self.own, report).await;
        let [regime, stage, recipient] = names;
        let found = report["duties"].as_array().unwrap().iter().find(|duty| {
            duty["regime"] == regime && duty["stage"] == stage && duty["recipient"] == recipient
        });
        found.unwrap_or_else(|| panic!("no duty {names:?}")).clone()
    }

    /// Waits until an organisation is told of something.
    async fn told(&self, token: &str, kind: &str) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let found = notices(&self.hub, token, kind).await;
            if !found.is_empty() {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody was told of {kind}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn notices(hub: &TestHub, token: &str, kind: &str) -> Vec<Value> {
    let list = hub.good(token, "/api/v1/notices").await;
    list["notices"].as_array().unwrap().iter().filter(|notice| notice["kind"] == kind).cloned().collect()
}

fn new_report(aware: Timestamp) -> Value {
    json!({ "id": Uuid::new_v4(), "kind": "ransomware", "aware": aware.to_string(),
        "fields": { "summary": "基幹系が暗号化された\n詳細は調査中", "service_state": "stopped", "ongoing": true, "contact": "06-0000-0000" } })
}

fn filing([regime, stage, recipient]: [&str; 3], given_to: Option<&str>) -> Value {
    json!({ "send": Uuid::new_v4(), "regime": regime, "stage": stage, "recipient": recipient, "given_to": given_to })
}

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

const GDPR: [&str; 3] = ["eu.gdpr", "notification", "authority"];

/// Attaches a file.
pub async fn attach(hub: &TestHub, token: &str, report: &str, name: &str, content: &[u8]) -> Value {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("/api/v1/reports/{report}/files?name={name}");
    let ask = hub.ask(Method::POST, &path).bearer(token).header("accept", "*/*");
    let reply = ask.header("content-type", "application/octet-stream").body(content).send().await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

/// The receipt at a path, as soon as a checkpoint covers the filing.
pub async fn receipt(hub: &TestHub, token: &str, path: &str) -> String {
    let begun = Instant::now();
    loop {
        let reply = hub.get(path).bearer(token).header("accept", "*/*").send().await;
        match reply.status {
            200 => return String::from_utf8(reply.body).unwrap(),
            503 => assert_eq!(reply.header("retry-after"), "2"),
            other => panic!("{other}: {}", String::from_utf8_lossy(&reply.body)),
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no checkpoint covers it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_offline_is_sent_later_and_twice_and_is_one_report() {
    let council = Council::new().await;
    let new = new_report(hours_ago(2));
    let first = council.sent(&council.own, "/api/v1/reports", new.clone()).await;
    let again = council.sent(&council.own, "/api/v1/reports", new.clone()).await;
    assert_eq!((&first["already"], &again["already"]), (&json!(false), &json!(true)));
    assert_eq!((first["id"].clone(), first["events"].as_array().unwrap().len()), (again["id"].clone(), 3));
    let list = council.hub.good(&council.own, "/api/v1/reports").await;
    assert_eq!(list["reports"].as_array().unwrap().len(), 1);
    assert_eq!(list["reports"][0]["title"], "基幹系が暗号化された");
    // Something else under the same name is no second sending.
    let mut other = new.clone();
    other["fields"]["summary"] = json!("別の事案");
    let refused = council.post(&council.own, "/api/v1/reports", other.clone()).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (409, Some("conflict")));
    // Another organisation that uses the same name has a report of its own, and learns nothing of this one.
    let theirs = council.sent(&council.other, "/api/v1/reports", other).await;
    assert_ne!(theirs["id"], first["id"]);
    assert_eq!(theirs["already"], false);

    let report = format!("/api/v1/reports/{}", first["id"].as_str().unwrap());
    let events = json!({ "send": Uuid::new_v4(), "events": [{ "what": "stated", "fields": { "impact": "出荷停止" }, "unknown": ["cause"] }] });
    let added = council.sent(&council.own, &format!("{report}/events"), events.clone()).await;
    let twice = council.sent(&council.own, &format!("{report}/events"), events).await;
    assert_eq!((added["events"].as_array().unwrap().len(), &twice["already"]), (1, &json!(true)));
    let whole = council.hub.good(&council.own, &report).await;
    assert_eq!((whole["events"].as_array().unwrap().len(), &whole["version"]), (4, &json!(2)));
    let cause = whole["fields"].as_array().unwrap().iter().find(|field| field["field"] == "cause").unwrap();
    assert_eq!((&cause["value"], &cause["from"]), (&Value::Null, &json!("person")));
    // Each act is a leaf, and names the events by their hashes; no content stands there.
    let acts = council.hub.audit(Action::ReportChanged).await;
    assert_eq!(acts.len(), 3);
    let newest = &acts[0].event;
    assert_eq!(newest.detail["events"], added["events"][0].as_str().unwrap());
    assert!(!format!("{acts:?}").contains("出荷停止"));
    let logged = whole["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&logged["id"], logged["leaf"].as_u64()), (&added["events"][0], Some(acts[0].leaf)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_a_clock_that_is_ahead_buys_no_time() {
    let council = Council::new().await;
    let refused = async |change: fn(&mut Value)| {
        let mut new = new_report(hours_ago(1));
        change(&mut new);
        council.post(&council.own, "/api/v1/reports", new).await.status
    };
    assert_eq!(refused(|new| new["kind"] = json!("earthquake")).await, 422);
    assert_eq!(refused(|new| new["aware"] = json!("yesterday")).await, 422);
    assert_eq!(
        refused(|new| new["fields"]["impact"] = json!("later")).await,
        422,
        "not of the emergency report"
    );
    assert_eq!(refused(|new| new["fields"]["ongoing"] = json!("perhaps")).await, 422);
    assert_eq!(refused(|new| new["fields"]["summary"] = json!("あ".repeat(20_001))).await, 422);
    assert_eq!(refused(|new| new["fields"]["service_state"] = json!("burning")).await, 422);
    assert_eq!(refused(|new| new["more"] = json!(1)).await, 400);
    assert_eq!(
        council.hub.good(&council.own, "/api/v1/reports").await["reports"],
        json!([]),
        "nothing is half done"
    );

    // What deceives a reader is taken out.
    let mut new = new_report(hours_ago(1));
    new["fields"]["summary"] = json!("a\u{202e}b\u{0}c\r\nd");
    let taken = council.sent(&council.own, "/api/v1/reports", new).await;
    let path = format!("/api/v1/reports/{}", taken["id"].as_str().unwrap());
    let fields = council.hub.good(&council.own, &path).await["fields"].clone();
    let summary = fields.as_array().unwrap().iter().find(|field| field["field"] == "summary").unwrap();
    assert_eq!(summary["value"], "abc\nd");

    let before = Timestamp::now();
    let ahead = council
        .sent(&council.own, "/api/v1/reports", new_report(before + SignedDuration::from_hours(48)))
        .await;
    let findings = ahead["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "clock-in-future"), "{ahead}");
    let path = format!("/api/v1/reports/{}", ahead["id"].as_str().unwrap());
    let moments = council.hub.good(&council.own, &path).await["moments"].clone();
    let aware: Timestamp = moments[0]["at"].as_str().unwrap().parse().unwrap();
    assert!(aware <= Timestamp::now() && aware >= before, "it counts from when it was logged: {aware}");

    let send = async |events: Value| {
        let body = json!({ "send": Uuid::new_v4(), "events": events });
        council.post(&council.own, &format!("{path}/events"), body).await.status
    };
    let kind = json!({ "what": "kind", "kind": "ddos" });
    assert_eq!(send(json!([])).await, 422);
    assert_eq!(send(json!(vec![kind; 51])).await, 422);
    assert_eq!(send(json!([{ "what": "stated", "fields": { "no_such_field": 1 } }])).await, 422);
    assert_eq!(
        send(json!([{ "what": "happened", "moment": "never", "at": "2026-01-01T00:00:00Z" }])).await,
        422
    );
    assert_eq!(
        send(json!([{ "what": "ruled", "regime": "no.such", "applies": true, "reason": "r" }])).await,
        422
    );
    assert_eq!(
        send(json!([{ "what": "filed", "regime": "eu.gdpr" }])).await,
        400,
        "filings have a door of their own"
    );
    // A consent is not an analyst's to give.
    let analyst = council.hub.token("kinki", &[PersonRole::Analyst]).await;
    let consent = json!({ "send": Uuid::new_v4(), "events": [
        { "what": "consent", "regime": "jp.common.ransomware", "recipient": "nco", "fields": null, "given": true }] });
    assert_eq!(council.post(&analyst, &format!("{path}/events"), consent).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_its_organisations_and_a_copy_is_for_whom_it_was_given_to() {
    let council = Council::new().await;
    let hub = &council.hub;
    let report = council.begun(hours_ago(1)).await;
    let filed = council.filed(&report, GDPR, None).await;
    let event = filed["event"].as_str().unwrap();
    let outsiders = [&council.other, &council.police, &council.ministry, &hub.token];
    for token in outsiders {
        for path in [
            report.clone(),
            format!("{report}/filings/{event}/copy"),
            format!("{report}/filings/{event}/receipt"),
        ] {
            assert_eq!(hub.rest(token, Method::GET, &path).send().await.status, 404, "{path}");
        }
        let answer = json!({ "send": Uuid::new_v4(), "filing": event, "answer": "acknowledged" });
        assert_eq!(council.post(token, &format!("{report}/answers"), answer).await.status, 404);
        let events = json!({ "send": Uuid::new_v4(), "events": [{ "what": "kind", "kind": "ddos" }] });
        assert_eq!(council.post(token, &format!("{report}/events"), events).await.status, 404);
        assert_eq!(hub.good(token, "/api/v1/reports").await["reports"], json!([]));
    }

    let given = council.filed(&report, GDPR, Some("ministry")).await;
    let event = given["event"].as_str().unwrap();
    assert_eq!(
        council.told(&council.ministry, "report-filed").await[0]["subject"],
        report.rsplit('/').next().unwrap()
    );
    let seen = hub.good(&council.ministry, &report).await;
    assert_eq!(seen["filings"].as_array().unwrap().len(), 1, "not the one that went another way");
    assert_eq!(seen["filings"][0]["event"], event);
    for hidden in ["events", "fields", "moments", "duties", "files", "findings"] {
        assert_eq!(seen[hidden], json!([]), "{hidden}");
    }
    assert_eq!((&seen["summary"]["title"], &seen["summary"]["own"]), (&Value::Null, &json!(false)));
    let copy =
        hub.rest(&council.ministry, Method::GET, &format!("{report}/filings/{event}/copy")).send().await;
    assert_eq!(copy.status, 200);
    assert!(String::from_utf8(copy.body).unwrap().contains("urn:yagura:regime:form:1"));
    assert_eq!(hub.audit(Action::ReportRead).await.len(), 1, "that it was read is on record");
    let forms = format!("{report}/forms/eu.gdpr/notification/authority");
    assert_eq!(hub.rest(&council.ministry, Method::GET, &forms).send().await.status, 404);
    assert_eq!(hub.rest(&council.police, Method::GET, &report).send().await.status, 404);

    // The ministry answers in the same thread, nobody else does, and the operator is told.
    let answers = format!("{report}/answers");
    let said = |answer: &str, text: Option<&str>| json!({ "send": Uuid::new_v4(), "filing": event, "answer": answer, "text": text });
    assert_eq!(council.post(&council.own, &answers, said("acknowledged", None)).await.status, 422);
    assert_eq!(
        council.post(&council.ministry, &answers, said("advice", None)).await.status,
        422,
        "without a word"
    );
    let acknowledged = said("acknowledged", None);
    council.sent(&council.ministry, &answers, acknowledged.clone()).await;
    assert_eq!(council.sent(&council.ministry, &answers, acknowledged).await["already"], true);
    council.sent(&council.ministry, &answers, said("advice", Some("VPNを止めてください"))).await;
    assert_eq!(council.told(&council.own, "report-answer").await.len(), 2);
    for token in [&council.own, &council.ministry] {
        let thread = hub.good(token, &report).await["thread"].clone();
        let told: Vec<(&str, Option<&str>)> = thread
            .as_array()
            .unwrap()
            .iter()
            .map(|reply| (reply["answer"].as_str().unwrap(), reply["text"].as_str()))
            .collect();
        assert_eq!(told, [("acknowledged", None), ("advice", Some("VPNを止めてください"))]);
    }
    let nobody = council.post(&council.own, &format!("{report}/filings"), filing(GDPR, Some("kanto"))).await;
    assert_eq!(nobody.status, 422, "an operator is given no reports");
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_named_safely_bounded_and_sealed() {
    let council = Council::new().await;
    let hub = &council.hub;
    let report = council.begun(hours_ago(1)).await;
    let id = report.rsplit('/').next().unwrap();
    let secret = b"a sample that nobody should find in the database".to_vec();
    let taken = attach(hub, &council.own, id, "../../=cmd|' /C calc'!A0\u{202e}fdp.docm", &secret).await;
    assert_eq!(taken["file"]["name"], "_.._=cmd__ _C calc__A0fdp.docm");
    assert_eq!((&taken["renamed"], &taken["file"]["active"]), (&json!(true), &json!(true)));
    let again = attach(hub, &council.own, id, "_.._=cmd__ _C calc__A0fdp.docm", &secret).await;
    assert_eq!(again["already"], true);
    let whole = hub.good(&council.own, &report).await;
    assert_eq!(whole["files"].as_array().unwrap().len(), 1);
    assert!(whole["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "active-file"));

    let path = format!("{report}/files/{}", taken["file"]["sha256"].as_str().unwrap());
    let content = hub.rest(&council.own, Method::GET, &path).send().await;
    assert_eq!((content.status, &content.body), (200, &secret));
    assert_eq!(
        content.header("content-type"),
        "application/octet-stream",
        "a browser saves it and never shows it"
    );
    assert!(content.header("content-disposition").starts_with("attachment; filename*=UTF-8''"));
    for entry in std::fs::read_dir(hub.folder.path()).unwrap().filter_map(Result::ok) {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!bytes.windows(24).any(|window| window == &secret[..24]), "{:?}", entry.path());
    }
    for token in [&council.other, &council.ministry] {
        assert_eq!(hub.rest(token, Method::GET, &path).send().await.status, 404);
    }
    // Whoever is given a copy that lists it is given it, and that it was read is on record.
    council.filed(&report, ["jp.common.ransomware", "first", "police"], Some("ministry")).await;
    let theirs = hub.rest(&council.ministry, Method::GET, &path).send().await;
    assert_eq!((theirs.status, &theirs.body), (200, &secret));
    assert_eq!(hub.good(&council.ministry, &report).await["files"], whole["files"], "and is shown it");
    assert_eq!(hub.audit(Action::ReportRead).await.len(), 1);
    assert_eq!(hub.rest(&council.police, Method::GET, &path).send().await.status, 404);

    let large = vec![0; (32 << 20) + 1];
    let ask = hub.ask(Method::POST, &format!("{report}/files?name=a.bin")).bearer(&council.own);
    let refused = ask.header("content-type", "application/octet-stream").body(large).send().await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (413, Some("too-large")));
    let long = "n".repeat(5_000);
    let ask = hub.ask(Method::POST, &format!("{report}/files?name={long}")).bearer(&council.own);
    assert_eq!(ask.header("content-type", "application/octet-stream").body("x").send().await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_record_is_filed_under_four_regimes_and_each_clock_is_met() {
    let council = Council::new().await;
    let profile = json!({ "fields": { "gdpr_controller": true, "nis2_entity": "essential", "handles_personal_data": true,
        "sectors": ["power"], "organisation_name": "近畿電力", "contact_mail": "csirt@example.jp" } });
    let declared =
        council.hub.send_json(&council.own, Method::PUT, "/api/v1/report-profile", profile.clone()).await;
    assert_eq!((declared.status, declared.json()), (200, profile));
    let wrong = json!({ "fields": { "impact": "not for a profile" } });
    assert_eq!(
        council.hub.send_json(&council.own, Method::PUT, "/api/v1/report-profile", wrong).await.status,
        422
    );

    let report = council.begun(hours_ago(1)).await;
    let facts = json!({ "personal_data": true, "malicious": true, "significant": true, "cross_border": true, "impact": "全店舗停止",
        "persons_count": 20000, "strongly_encrypted": false, "risk_unlikely": false });
    council.stated(&report, facts).await;
    let four = [
        GDPR,
        ["eu.nis2", "early-warning", "csirt"],
        ["jp.ppc", "preliminary", "ppc"],
        ["jp.common.ransomware", "first", "ministry"],
    ];
    for names in four {
        let duty = council.duty(&report, names).await;
        assert_eq!((&duty["verdict"], duty["met"].is_null()), (&json!("applies"), true), "{duty}");
        assert!(matches!(duty["state"].as_str(), Some("running" | "prompt")), "{duty}");
    }
    // Green is only what the law itself says, read there.
    for names in [four[1], four[2]] {
        let duty = council.duty(&report, names).await;
        assert_eq!((&duty["verified"], &duty["light"]), (&json!("secondary"), &json!("uncertain")), "{duty}");
    }
    let [regime, stage, recipient] = GDPR;
    let form = council.hub.good(&council.own, &format!("{report}/forms/{regime}/{stage}/{recipient}")).await;
    let line =
        |field: &str| form["lines"].as_array().unwrap().iter().find(|line| line["field"] == field).cloned();
    assert_eq!(line("persons_count").unwrap()["shown"]["ja"], "20,000人");
    assert!(line("impact").is_none(), "this form does not ask for it");

    let mut copies = BTreeSet::new();
    for names in four {
        let filed = council.filed(&report, names, Some("ministry")).await;
        copies.insert(filed["copy"].as_str().unwrap().to_owned());
        let duty = council.duty(&report, names).await;
        assert_eq!(
            (&duty["state"], &duty["late"], &duty["filing"]),
            (&json!("met"), &json!(false), &filed["event"])
        );
    }
    assert_eq!(copies.len(), 4, "four forms out of one record");
    let acts = council.hub.audit(Action::ReportFiled).await;
    let logged: BTreeSet<String> = acts.iter().map(|row| row.event.detail["copy"].clone()).collect();
    assert_eq!(logged, copies, "the log names exactly these");

    // Who is given nothing without consent is given nothing, and then only what was agreed to.
    let nco = ["jp.common.ransomware", "first", "nco"];
    let refused = council.post(&council.own, &format!("{report}/filings"), filing(nco, None)).await;
    assert_eq!(refused.status, 422, "{}", String::from_utf8_lossy(&refused.body));
    let consent = json!([{ "what": "consent", "regime": nco[0], "recipient": nco[2], "fields": ["summary", "@aware"], "given": true }]);
    council
        .sent(&council.own, &format!("{report}/events"), json!({ "send": Uuid::new_v4(), "events": consent }))
        .await;
    let filed = council.filed(&report, nco, None).await;
    let path = format!("{report}/filings/{}/copy", filed["event"].as_str().unwrap());
    let copy: Value = council.hub.rest(&council.own, Method::GET, &path).send().await.json();
    let given: Vec<&str> =
        copy["lines"].as_array().unwrap().iter().map(|line| line["field"].as_str().unwrap()).collect();
    assert_eq!(given, ["@aware", "summary"]);
    // A rule that is not final is not filed under; a version that has changed is not filed unseen; a filing that is sent twice is one.
    let circia = council
        .post(&council.own, &format!("{report}/filings"), filing(["us.circia", "incident", "cisa"], None))
        .await;
    assert_eq!(circia.status, 422);
    let mut stale = filing(GDPR, None);
    stale["version"] = json!(1);
    assert_eq!(council.post(&council.own, &format!("{report}/filings"), stale).await.status, 409);
    let twice = filing(GDPR, None);
    let first = council.sent(&council.own, &format!("{report}/filings"), twice.clone()).await;
    let second = council.sent(&council.own, &format!("{report}/filings"), twice).await;
    assert_eq!(first["event"], second["event"]);
    assert_eq!(council.hub.good(&council.own, &report).await["filings"].as_array().unwrap().len(), 6);
    // An analyst writes and does not file.
    let analyst = council.hub.token("kinki", &[PersonRole::Analyst]).await;
    assert_eq!(council.post(&analyst, &format!("{report}/filings"), filing(GDPR, None)).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_filled_in_and_similar_cases_are_named_to_who_may_see_them() {
    let council = Council::new().await;
    let hub = &council.hub;
    let known = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&known)).await;
    let edge = hub.register_edge("edge-1", "kinki").await;
    let now = Timestamp::now();
    let mut seen = sighting(&id_of(&known));
    (seen.first_seen, seen.last_seen) = (hours_ago(3).to_string(), now.to_string());
    assert_eq!(hub.report(&edge, &[seen.clone()]).await.len(), 1);
    let report = council.begun(hours_ago(1)).await;
    let prefill = json!({ "send": Uuid::new_v4() });
    let taken = council.sent(&council.own, &format!("{report}/prefill"), prefill.clone()).await;
    assert_eq!(taken["events"].as_array().unwrap().len(), 2, "{taken}");
    assert_eq!(council.sent(&council.own, &format!("{report}/prefill"), prefill).await["already"], true);
    let whole = hub.good(&council.own, &report).await;
    let field = |name: &str| {
        let fields = whole["fields"].as_array().unwrap();
        fields.iter().find(|field| field["field"] == name).cloned().unwrap()
    };
    let indicators = field("indicators");
    assert_eq!(indicators["from"], "sightings", "a person has not confirmed it");
    assert!(indicators["value"].as_array().unwrap().contains(&json!(seen.addresses[0])), "{indicators}");
    let detected = whole["moments"].as_array().unwrap().iter().find(|moment| moment["moment"] == "detected");
    let detected: Timestamp = detected.unwrap()["at"].as_str().unwrap().parse().unwrap();
    let first: Timestamp = seen.first_seen.parse().unwrap();
    assert_eq!(detected.as_microsecond(), first.as_microsecond());
    // What a person states stays when it is asked for again.
    council.stated(&report, json!({ "indicators": ["192.0.2.77"] })).await;
    council.sent(&council.own, &format!("{report}/prefill"), json!({ "send": Uuid::new_v4() })).await;
    let again = hub.good(&council.own, &report).await["fields"].clone();
    let indicators = again.as_array().unwrap().iter().find(|field| field["field"] == "indicators").unwrap();
    assert_eq!((&indicators["from"], &indicators["value"]), (&json!("person"), &json!(["192.0.2.77"])));

    let filed = council.filed(&report, GDPR, Some("ministry")).await;
    let case = json!({ "title": "似た事案", "severity": 3, "objects": [id_of(&known)] });
    let case = council.sent(&council.ministry, "/api/v1/cases", case).await["summary"]["id"].clone();
    let similar = |case: &Value| json!({ "send": Uuid::new_v4(), "filing": filed["event"], "answer": "similar-cases", "cases": [case] });
    let answers = format!("{report}/answers");
    let unknown = json!(format!("incident--{}", Uuid::new_v4()));
    assert_eq!(council.post(&council.ministry, &answers, similar(&unknown)).await.status, 422);
    council.sent(&council.ministry, &answers, similar(&case)).await;
    let thread = hub.good(&council.own, &report).await["thread"].clone();
    assert_eq!((&thread[0]["cases"][0]["id"], &thread[0]["cases"][0]["title"]), (&case, &json!("似た事案")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_verified_offline_and_a_tampered_one_is_not() {
    let council = Council::new().await;
    let hub = &council.hub;
    let report = council.begun(hours_ago(1)).await;
    let filed = council.filed(&report, GDPR, Some("ministry")).await;
    let path = format!("{report}/filings/{}", filed["event"].as_str().unwrap());
    let copy = hub.rest(&council.own, Method::GET, &format!("{path}/copy")).send().await.body;
    let text = receipt(hub, &council.own, &format!("{path}/receipt")).await;

    let note = text.split_once("\n\n").unwrap().1;
    let key = crate::log::key(hub.folder.path(), note);
    let policy = Policy::parse(format!("log {}\nquorum none\n", key.encode()).as_bytes()).unwrap();
    let shown = FilingReceipt::parse(&text).unwrap().verify(&copy, &policy).unwrap();
    assert_eq!(shown.event.objects, [report.rsplit('/').next().unwrap()]);
    assert_eq!(
        (shown.event.detail["regime"].as_str(), shown.leaf),
        ("eu.gdpr", filed["leaf"].as_u64().unwrap())
    );
    // Whoever was given the copy has a receipt, too.
    let theirs = receipt(hub, &council.ministry, &format!("{path}/receipt")).await;
    assert!(FilingReceipt::parse(&theirs).unwrap().verify(&copy, &policy).is_ok());

    let verify = |text: &str, copy: &[u8], policy: &Policy| {
        FilingReceipt::parse(text).and_then(|receipt| receipt.verify(copy, policy).map(|_| ()))
    };
    let mut other = copy.clone();
    let last = other.len() - 2;
    other[last] ^= 1;
    assert!(matches!(verify(&text, &other, &policy), Err(NoReceipt::OtherCopy { .. })));
    // Its record says another hash: then it is not what the leaf commits to.
    let extra = text.lines().find_map(|line| line.strip_prefix("extra ")).unwrap();
    let record = String::from_utf8(base64_decoded(extra)).unwrap();
    let forged = record.replace(filed["copy"].as_str().unwrap(), &"0".repeat(64));
    assert_ne!(record, forged);
    let forged = text.replace(extra, &base64_encoded(forged.as_bytes()));
    assert!(matches!(verify(&forged, &copy, &policy), Err(NoReceipt::Unproved(_))));
    // Another log's key, another place, a broken note.
    let stranger =
        tlog::SigningKey::from_seed(note.lines().next().unwrap(), [9; 32]).unwrap().verifying_key();
    let strange = Policy::parse(format!("log {}\nquorum none\n", stranger.encode()).as_bytes()).unwrap();
    assert!(verify(&text, &copy, &strange).is_err());
    let index = text.lines().find(|line| line.starts_with("index ")).unwrap();
    assert!(verify(&text.replace(index, "index 0"), &copy, &policy).is_err());
    assert!(verify(text.get(..text.len() - 8).unwrap(), &copy, &policy).is_err());
    assert!(verify("", &copy, &policy).is_err());
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn base64_encoded(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn half_time_is_told_once_and_a_restart_keeps_the_clocks() {
    let council = Council::new().await;
    let profile = json!({ "fields": { "gdpr_controller": true } });
    council.hub.send_json(&council.own, Method::PUT, "/api/v1/report-profile", profile).await;
    let (late, half, fresh) = (
        council.begun(hours_ago(80)).await,
        council.begun(hours_ago(40)).await,
        council.begun(hours_ago(1)).await,
    );
    let about = |notices: &[Value], report: &str| {
        notices.iter().any(|notice| {
            report.ends_with(notice["subject"].as_str().unwrap())
                && notice["text"].as_str().unwrap().contains("GDPR")
        })
    };
    // While it is not known whether personal data is concerned, the duty may apply, and its clock runs.
    let begun = Instant::now();
    let (half_time, overdue) = loop {
        let half_time = notices(&council.hub, &council.own, "report-half-time").await;
        let overdue = notices(&council.hub, &council.own, "report-overdue").await;
        if about(&half_time, &half) && about(&overdue, &late) {
            break (half_time, overdue);
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{half_time:?} {overdue:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(!about(&half_time, &fresh) && !about(&overdue, &half));
    assert!(notices(&council.hub, &council.other, "report-half-time").await.is_empty());
    let before = council.duty(&half, GDPR).await;
    assert_eq!((&before["state"], &before["light"]), (&json!("half-time"), &json!("amber")));

    let own = council.own.clone();
    let council = Council { hub: council.hub.restart().await, ..council };
    let after = council.duty(&half, GDPR).await;
    assert_eq!(after, before, "nothing of a clock is lost");
    // The clocks are looked at again after the start; what was told is not told twice.
    council.stated(&half, json!({ "impact": "一部停止" })).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for kind in ["report-half-time", "report-overdue"] {
        let told = notices(&council.hub, &own, kind).await;
        let each: BTreeSet<String> =
            told.iter().map(|notice| format!("{} {}", notice["subject"], notice["text"])).collect();
        assert_eq!(each.len(), told.len(), "{kind}: {told:?}");
    }
    let board = council.hub.good(&own, "/api/v1/report-duties").await;
    let first = &board["duties"][0];
    assert_eq!((&first["state"], board["reports"].as_u64()), (&json!("overdue"), Some(3)));
    assert!(late.ends_with(first["report"].as_str().unwrap()));

    // What is settled is not told of again: counsel says that the law does not apply.
    let ruled = json!([{ "what": "ruled", "regime": "eu.gdpr", "applies": false, "reason": "EU域内の本人なし（法務）" }]);
    council.sent(&own, &format!("{fresh}/events"), json!({ "send": Uuid::new_v4(), "events": ruled })).await;
    let whole = council.hub.good(&own, &fresh).await;
    assert!(whole["duties"].as_array().unwrap().iter().all(|duty| duty["regime"] != "eu.gdpr"));
}
