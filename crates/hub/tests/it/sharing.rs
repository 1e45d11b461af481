//! Acting on what was shared: requests for release, changed markings, recalls, questions, contributions, withheld names.

use oversight::{Action, OrganisationRole, PersonRole};
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::signed::Signed;
use crate::support::{TestHub, V1, id_of, indicator, marked};

async fn council() -> TestHub {
    let hub = TestHub::start().await;
    for (name, role) in [
        ("agency-1", OrganisationRole::Agency),
        ("operator-1", OrganisationRole::Operator),
        ("operator-2", OrganisationRole::Operator),
        ("partner-1", OrganisationRole::Partner),
    ] {
        hub.organisation(name, role).await;
    }
    hub
}

async fn sees(hub: &TestHub, token: &str, id: &str) -> bool {
    let status = hub.get(&hub.within(&format!("objects/{id}/"))).bearer(token).send().await.status;
    assert!(matches!(status, 200 | 404), "{status}");
    status == 200
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_and_the_grant_ends() {
    let hub = council().await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    let amber = marked(indicator(V1), Tlp::Amber);
    let mut report = marked(indicator(V1), Tlp::Green);
    report["type"] = json!("campaign");
    report["id"] = json!(format!("campaign--{}", uuid::Uuid::new_v4()));
    let relation = json!({
        "type": "relationship", "spec_version": "2.1", "id": format!("relationship--{}", uuid::Uuid::new_v4()),
        "created": V1, "modified": V1, "relationship_type": "indicates", "source_ref": amber["id"],
        "target_ref": report["id"], "object_marking_refs": [Tlp::Green.id()],
    });
    hub.post_as(&agency, &[amber.clone(), relation]).await;
    let hidden = marked(indicator(V1), Tlp::Amber);
    hub.post_as(&agency, std::slice::from_ref(&hidden)).await;
    let asker = Signed::person(&hub, "partner-1", PersonRole::Analyst).await;
    let owner = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let analyst = Signed::person(&hub, "agency-1", PersonRole::Analyst).await;
    let ask = |object: String| json!({ "object": object, "purpose": "own-defence", "reason": "we are hit" });
    // What one does not know of is not there to be asked for.
    assert_eq!(asker.post("/api/v1/release-requests", ask(id_of(&hidden))).await.status, 404);
    let request = asker.done("/api/v1/release-requests", ask(id_of(&amber))).await;
    assert_eq!(request["originator"], Value::Null, "who brought it in is not told to who does not see it");
    assert!(!sees(&hub, &partner, &id_of(&amber)).await);
    let waiting = owner.good("/api/v1/release-requests").await;
    assert_eq!(waiting["requests"][0]["to_answer"], true);
    let answer = format!("/api/v1/release-requests/{}/answer", request["id"].as_str().unwrap());
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3)).to_string();
    let grant =
        json!({ "answer": "grant", "text": "for your defence", "conditions": "no onward", "until": soon });
    assert_eq!(asker.post(&answer, grant.clone()).await.status, 403, "one does not answer oneself");
    assert_eq!(analyst.post(&answer, grant.clone()).await.status, 403, "an analyst does not decide");
    let stranger = Signed::person(&hub, "operator-2", PersonRole::DutyOfficer).await;
    assert_eq!(stranger.post(&answer, grant.clone()).await.status, 404);
    let granted = owner.done(&answer, grant.clone()).await;
    assert_eq!(
        (granted["state"].as_str(), granted["conditions"].as_str()),
        (Some("granted"), Some("no onward"))
    );
    assert_eq!(owner.post(&answer, grant).await.status, 409, "it is answered once");
    assert!(sees(&hub, &partner, &id_of(&amber)).await);
    assert!(!sees(&hub, &partner, &id_of(&hidden)).await);
    let notices = asker.good("/api/v1/notices").await;
    assert_eq!(texts(&notices["notices"], "kind"), ["release-answer"]);
    for _ in 0..100 {
        if !sees(&hub, &partner, &id_of(&amber)).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(!sees(&hub, &partner, &id_of(&amber)).await, "the grant has ended");
    assert_eq!(asker.good("/api/v1/release-requests").await["requests"][0]["state"], "ended");
    assert_eq!(hub.audit(Action::ReleaseRequested).await.len(), 1);
    assert_eq!(hub.audit(Action::ReleaseChanged).await.len(), 2, "granted and ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stricter_marking_binds_what_was_given_out_and_everybody_is_told() {
    let hub = council().await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let (partner, operator) = (
        hub.token("partner-1", &[PersonRole::Analyst]).await,
        hub.token("operator-1", &[PersonRole::Analyst]).await,
    );
    let object = marked(indicator(V1), Tlp::Green);
    let id = id_of(&object);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    assert!(sees(&hub, &partner, &id).await && sees(&hub, &operator, &id).await);
    let owner = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let path = format!("/api/v1/objects/{id}/marking");
    let other = Signed::person(&hub, "operator-1", PersonRole::DutyOfficer).await;
    let change = |tlp: &str| json!({ "tlp": tlp, "reason": "a source is in danger" });
    assert_eq!(other.post(&path, change("clear")).await.status, 403);
    assert_eq!(owner.post(&path, change("green")).await.status, 422, "it bears that already");
    let changed = owner.done(&path, change("amber")).await;
    assert_eq!((changed["stricter"].as_bool(), changed["told"].as_u64()), (Some(true), Some(2)));
    assert!(!sees(&hub, &partner, &id).await, "neither the new version nor the old one");
    let versions =
        hub.get(&hub.within(&format!("objects/{id}/versions/"))).bearer(&operator).send().await.json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 2);
    for person in [&other, &Signed::person(&hub, "partner-1", PersonRole::Analyst).await] {
        let notices = person.good("/api/v1/notices").await;
        assert_eq!(texts(&notices["notices"], "kind"), ["release-changed"]);
        assert_eq!(notices["unseen"], 1);
        person.done("/api/v1/notices/seen", json!({ "through": notices["notices"][0]["at"] })).await;
        assert_eq!(person.good("/api/v1/notices").await["unseen"], 0);
    }
    // Freer again: the new version alone, and not before a second person has confirmed it.
    let proposed = owner.done(&path, change("clear")).await;
    assert_eq!((&proposed["version"], &proposed["stricter"]), (&Value::Null, &json!(false)));
    assert!(!sees(&hub, &partner, &id).await, "one person alone loosens nothing");
    let path = format!("/api/v1/widenings/{}/decision", proposed["proposal"]["id"].as_str().unwrap());
    let second = Signed::person(&hub, "agency-1", PersonRole::Approver).await;
    second.done(&path, json!({ "decision": "confirm", "text": "the source is safe" })).await;
    let versions =
        hub.get(&hub.within(&format!("objects/{id}/versions/"))).bearer(&partner).send().await.json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_reaches_who_was_given_it_and_nobody_else() {
    let hub = council().await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Green);
    let id = id_of(&object);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    assert!(sees(&hub, &operator, &id).await);
    let edge = hub.edge("the-edge", "operator-2").await;
    let first = hub.get("/edge/v1/intelligence?after=0&wait=0").bearer(&edge).send().await.json();
    assert_eq!(first["changes"].as_array().unwrap().len(), 1);
    let owner = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let other = Signed::person(&hub, "operator-1", PersonRole::DutyOfficer).await;
    let new = json!({ "object": id, "reason": "false data", "deadline_hours": 24 });
    assert_eq!(other.post("/api/v1/recalls", new.clone()).await.status, 403);
    let recall = owner.done("/api/v1/recalls", new.clone()).await;
    assert_eq!(recall["waiting"], 2);
    assert_eq!(texts(&recall["holders"], "organisation"), ["operator-1", "operator-2"]);
    assert_eq!(recall["holders"][1]["edge"], "the-edge");
    assert_eq!(owner.post("/api/v1/recalls", new).await.status, 422, "it is recalled already");
    // Nobody reads it any more but its originator, not even the coordinator.
    assert!(!sees(&hub, &operator, &id).await && !sees(&hub, &hub.token, &id).await);
    assert!(sees(&hub, &agency, &id).await);
    // Whoever defines the node's marking frees nothing.
    let definition = json!({
        "type": "marking-definition", "spec_version": "2.1", "created": V1, "definition_type": "statement",
        "id": "marking-definition--7d1f0c52-9b3e-4f6a-8c21-4a906e5db7f3", "definition": { "statement": "free" },
    });
    let status = hub.post_as(&agency, &[definition]).await;
    assert_eq!(status["failure_count"], 1);
    assert!(!sees(&hub, &operator, &id).await);
    // Programs ask for what they have to acknowledge; who was not given it, does not know of it.
    let pending =
        hub.get("/api/v1/recalls?pending=true").bearer(&operator).header("accept", "*/*").send().await.json();
    assert_eq!(
        (
            pending["recalls"][0]["name"].as_str().unwrap().len() > 3,
            pending["recalls"][0]["holders"].as_array().unwrap().len()
        ),
        (true, 1)
    );
    let stranger = Signed::person(&hub, "partner-1", PersonRole::Analyst).await;
    assert_eq!(stranger.good("/api/v1/recalls").await["recalls"], json!([]));
    let path = format!("/api/v1/recalls/{}", recall["id"].as_str().unwrap());
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(stranger.post(&format!("{path}/acknowledge"), json!({})).await.status, 404);
    let done = other.done(&format!("{path}/acknowledge"), json!({})).await;
    assert_eq!((done["pending"].as_bool(), done["waiting"].as_u64()), (Some(false), Some(0)));
    // An edge is told to drop it, and acknowledges by reading on.
    let mut after = first["sequence"].as_i64().unwrap();
    let mut dropped = Vec::new();
    for _ in 0..3 {
        let next =
            hub.get(&format!("/edge/v1/intelligence?after={after}&wait=0")).bearer(&edge).send().await.json();
        dropped.extend(next["changes"].as_array().unwrap().clone());
        after = next["sequence"].as_i64().unwrap();
    }
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    let recall = owner.good(&path).await;
    assert_eq!((recall["waiting"].as_u64(), recall["overdue"].as_bool()), (Some(0), Some(false)));
    assert_eq!(hub.audit(Action::RecallAcknowledged).await.len(), 2);
    let given = owner.good(&format!("/api/v1/objects/{id}/releases")).await;
    assert_eq!(given["rows"].as_array().unwrap().len(), 2, "the record keeps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_under_the_answerers_marking() {
    let hub = council().await;
    let asker = Signed::person(&hub, "partner-1", PersonRole::Analyst).await;
    let answerer = Signed::person(&hub, "operator-1", PersonRole::Analyst).await;
    let bystander = Signed::person(&hub, "operator-2", PersonRole::Analyst).await;
    let ask = json!({ "title": "203.0.113.7?", "text": "Who has seen it?", "tlp": "amber+strict", "organisations": ["operator-1"] });
    let question = asker.done("/api/v1/questions", ask).await;
    let path = format!("/api/v1/questions/{}", question["id"].as_str().unwrap());
    assert_eq!(answerer.good("/api/v1/notices").await["notices"][0]["kind"], "question");
    assert_eq!(bystander.good("/api/v1/questions").await["questions"], json!([]));
    assert_eq!(bystander.get(&path).await.status, 404);
    let answer = json!({ "text": "We have.", "tlp": "amber" });
    assert_eq!(bystander.post(&format!("{path}/answers"), answer.clone()).await.status, 404);
    answerer.done(&format!("{path}/answers"), answer).await;
    let read = asker.good(&path).await;
    assert_eq!(
        (read["state"].as_str(), read["answers"][0]["text"].as_str()),
        (Some("answered"), Some("We have."))
    );
    assert_eq!(read["answers"][0]["marking"]["tlp"], "amber");
    assert_eq!(asker.good("/api/v1/notices").await["notices"][0]["kind"], "answer");
    assert_eq!(answerer.post(&format!("{path}/close"), json!({})).await.status, 403);
    asker.done(&format!("{path}/close"), json!({})).await;
    assert_eq!(
        answerer.post(&format!("{path}/answers"), json!({ "text": "more", "tlp": "amber" })).await.status,
        409
    );
    assert_eq!(asker.good("/api/v1/questions?closed=true").await["questions"][0]["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn contributing_gives_something_back_without_telling_who() {
    let hub = council().await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Green);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    let contributor = Signed::person(&hub, "agency-1", PersonRole::Analyst).await;
    let judge = Signed::person(&hub, "operator-1", PersonRole::Analyst).await;
    let path = format!("/api/v1/objects/{}/judgements", id_of(&object));
    let judgement = |word: &str| json!({ "judgement": word, "explanation": "it is our own scanner" });
    assert_eq!(contributor.post(&path, judgement("confirmed")).await.status, 422, "not one's own");
    assert_eq!(judge.post(&path, judgement("perhaps")).await.status, 422);
    judge.done(&path, judgement("confirmed")).await;
    judge.done(&path, judgement("false-alarm")).await;
    let list = contributor.good("/api/v1/contributions").await;
    let mine = &list["contributions"][0];
    assert_eq!(mine["object"]["id"].as_str(), Some(id_of(&object).as_str()));
    assert_eq!(
        (mine["confirmed"].as_u64(), mine["false_alarm"].as_u64()),
        (Some(0), Some(1)),
        "the last word counts"
    );
    assert_eq!(mine["seen_by_at_least"], Value::Null);
    assert_eq!(mine["score"], 0);
    assert_eq!(judge.good("/api/v1/contributions").await["contributions"], json!([]));
    assert_eq!(hub.audit(Action::ContributionJudged).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_name_stands_nowhere_but_under_its_seal() {
    let hub = council().await;
    let member = Signed::person(&hub, "operator-1", PersonRole::Analyst).await;
    let keeper = Signed::person(&hub, "coordinator", PersonRole::Approver).await;
    let mut object = marked(indicator(V1), Tlp::Amber);
    object["created_by_ref"] = json!(format!("identity--{}", uuid::Uuid::new_v4()));
    let body = json!({ "objects": [object] });
    assert_eq!(member.post("/api/v1/anonymous", body.clone()).await.status, 503, "there is no key yet");
    let key = keeper.done("/api/v1/anonymous/key", json!({})).await;
    let mut named = body.clone();
    named["objects"][0]["description"] = json!("seen at OPERATOR-1");
    let refused = member.done("/api/v1/anonymous", named).await;
    assert_eq!(
        (refused["refused"][0]["code"].as_str(), refused["receipt"].as_str()),
        (Some("names-you"), None)
    );
    let mut tried = body.clone();
    tried["dry_run"] = json!(true);
    assert_eq!(member.done("/api/v1/anonymous", tried).await["receipt"], Value::Null);
    let leaves = hub.audit(Action::ReportedAnonymously).await.len();
    let reported = member.done("/api/v1/anonymous", body).await;
    assert_eq!(leaves, 0, "what was tried or refused was not stored");
    let codes = texts(&reported["changed"], "code");
    assert_eq!(codes, ["creator-removed", "new-id", "new-times"]);
    let shared = reported["objects"][0]["id"].as_str().unwrap().to_owned();
    assert_ne!(shared, id_of(&object));
    // Who holds the receipt follows it, signed in or not.
    let receipt = json!({ "receipt": reported["receipt"] });
    let ask = hub.ask(reqwest::Method::POST, "/api/v1/anonymous/follow").stranger();
    let ask = ask.header("content-type", "application/json").header("accept", "*/*");
    let followed = ask.body(receipt.to_string()).send().await.json();
    assert_eq!(
        (followed["objects"][0]["id"].as_str(), followed["objects"][0]["state"].as_str()),
        (Some(shared.as_str()), Some("shared"))
    );
    // Others see the object, and that nobody brought it in.
    let other = Signed::person(&hub, "operator-2", PersonRole::Analyst).await;
    let seen = other.good(&format!("/api/v1/objects/{shared}")).await;
    assert_eq!(seen["summary"]["originator"], "anonymous");
    assert!(!seen.to_string().contains("operator-1"));
    let row = &hub.audit(Action::ReportedAnonymously).await[0];
    assert!(
        format!("{:?}", row.event).contains("anonymous-")
            && !format!("{:?}", row.event).contains("operator-1")
    );
    // The coordinator opens the seal with its key, for a reason.
    let reports = keeper.good("/api/v1/anonymous").await;
    let pseudonym = reports["reports"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/anonymous/{pseudonym}/open");
    let with = |private: &Value| json!({ "private": private, "reason": "victims must be warned" });
    assert_eq!(other.post(&path, with(&key["private"])).await.status, 403);
    assert_eq!(keeper.post(&path, with(&key["public"])).await.status, 422);
    let opened = keeper.done(&path, with(&key["private"])).await;
    assert_eq!(opened["organisation"], "operator-1");
    assert_eq!(hub.audit(Action::SealOpened).await.len(), 2);
    assert!(member.good("/api/v1/anonymous").await["reports"].as_array().unwrap().is_empty());
    // Nor does it stand in what the node keeps.
    for file in std::fs::read_dir(hub.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let private = key["private"].as_str().unwrap().as_bytes();
            assert!(!bytes.windows(private.len()).any(|window| window == private), "{}", path.display());
        }
    }
}

/// As a member writes for CISA's Automated Indicator Sharing: an identity, an ACS marking that denies naming the source, objects.
#[tokio::test(flavor = "multi_thread")]
async fn an_ais_submission_is_shared_without_its_makers_name() {
    let hub = council().await;
    let member = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let other = Signed::person(&hub, "operator-2", PersonRole::Analyst).await;
    let keeper = Signed::person(&hub, "coordinator", PersonRole::Approver).await;
    let maker = json!({ "type": "identity", "spec_version": "2.1", "id": format!("identity--{}", uuid::Uuid::new_v4()),
        "created": V1, "modified": V1, "name": "a plant", "sectors": ["energy"] });
    let scope = json!({ "permitted_nationalities": ["ALL"], "permitted_organizations": ["ALL"], "shareability": ["ALL"], "entity": ["ALL"] });
    let marking = json!({ "type": "marking-definition", "spec_version": "2.1",
        "id": format!("marking-definition--{}", uuid::Uuid::new_v4()), "created": V1, "created_by_ref": maker["id"],
        "extensions": { "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce": {
            "extension_type": "property-extension", "identifier": "isa:guide.19001.ACS3-0c9a1f55-8f0e-4f0e-9d0e-0f4a3a0c5a11",
            "create_date_time": V1, "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny",
            "responsible_entity_custodian": "JPN.PLANT", "control_set": { "classification": "U", "formal_determination": ["AIS"] },
            "access_privilege": [
                { "privilege_action": "CISAUSES", "privilege_scope": scope, "rule_effect": "permit" },
                { "privilege_action": "IDSRC", "privilege_scope": scope, "rule_effect": "deny" }],
            "further_sharing": [{ "sharing_scope": ["FOREIGNGOV", "SECTOR"], "rule_effect": "permit" }] } } });
    let mut object = indicator(V1);
    object["created_by_ref"] = maker["id"].clone();
    object["object_marking_refs"] = json!([marking["id"]]);
    let all = [maker.clone(), marking.clone(), object.clone()];
    let send = async |objects: &[Value]| {
        hub.post_raw(json!({ "objects": objects }).to_string()).bearer(&member).send().await
    };
    assert_eq!(send(&all).await.status, 503, "there is no key yet, and it is not shared in the open instead");
    keeper.done("/api/v1/anonymous/key", json!({})).await;
    // By a door that would name its maker it is refused.
    let plain = hub.send_json(&member, reqwest::Method::POST, "/api/v1/objects", json!(all)).await;
    assert_eq!(plain.status, 422, "{}", plain.json());
    // What names its maker is told, and keeps out the rest.
    let mut named = object.clone();
    named["description"] = json!("seen at operator-1");
    let refused = send(&[marking.clone(), named]).await.json();
    assert_eq!(
        (refused["failure_count"].as_u64(), refused["success_count"].as_u64()),
        (Some(2), Some(0)),
        "{refused}"
    );
    assert!(refused["failures"][1]["message"].as_str().unwrap().starts_with("names-you"), "{refused}");
    assert!(hub.audit(Action::ReportedAnonymously).await.is_empty());

    let answer = send(&all).await;
    assert_eq!(answer.status, 202);
    let receipt = answer.headers["yagura-receipt"].to_str().unwrap().to_owned();
    let status = answer.json();
    assert_eq!(
        (status["status"].as_str(), status["success_count"].as_u64()),
        (Some("complete"), Some(3)),
        "{status}"
    );
    let path = format!("/council/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(hub.get(&path).bearer(&member).send().await.json(), status);
    assert_eq!(hub.get(&path).send().await.status, 404, "a status is its submitter's");
    let message = status["successes"][2]["message"].as_str().unwrap();
    let shared = message.split('`').nth(1).unwrap().to_owned();
    assert_ne!(shared, id_of(&object));
    let seen = other.good(&format!("/api/v1/objects/{shared}")).await;
    assert_eq!(seen["summary"]["originator"], "anonymous");
    let told = seen.to_string();
    for secret in ["operator-1", "JPN.PLANT", maker["id"].as_str().unwrap(), marking["id"].as_str().unwrap()]
    {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    // What the ACS marking permits holds: members read it, partners do not.
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    assert!(!sees(&hub, &partner, &shared).await);
    for unseen in [&maker, &marking, &object] {
        assert!(!sees(&hub, &hub.token, &id_of(unseen)).await);
    }
    let ask = hub.ask(reqwest::Method::POST, "/api/v1/anonymous/follow").stranger();
    let ask = ask.header("content-type", "application/json").header("accept", "*/*");
    let followed = ask.body(json!({ "receipt": receipt }).to_string()).send().await.json();
    assert_eq!(followed["objects"][0]["id"].as_str(), Some(shared.as_str()));
    // Nothing that is kept tells who it was.
    let kept: Vec<u8> = std::fs::read_dir(hub.folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    for secret in [maker["id"].as_str().unwrap(), "JPN.PLANT", status["id"].as_str().unwrap()] {
        assert!(!kept.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freer_marking_takes_two_persons_of_the_originator() {
    let hub = council().await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Amber);
    let id = id_of(&object);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    let first = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let second = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let analyst = Signed::person(&hub, "agency-1", PersonRole::Analyst).await;
    let council = Signed::person(&hub, "coordinator", PersonRole::DutyOfficer).await;
    let path = format!("/api/v1/objects/{id}/marking");
    let change = json!({ "tlp": "clear", "reason": "it is in the papers" });
    let proposed = first.done(&path, change.clone()).await;
    let widening = proposed["proposal"]["id"].as_str().unwrap().to_owned();
    assert_eq!(second.post(&path, change.clone()).await.status, 409, "one proposal for an object at a time");
    let decision = format!("/api/v1/widenings/{widening}/decision");
    let confirm = json!({ "decision": "confirm", "text": "so it is" });
    assert_eq!(first.post(&decision, confirm.clone()).await.status, 403, "not who proposed it");
    assert_eq!(analyst.post(&decision, confirm.clone()).await.status, 403, "not who may not decide");
    assert_eq!(council.post(&decision, confirm.clone()).await.status, 404, "not another organisation");
    let program = hub.token("agency-1", &[PersonRole::DutyOfficer]).await;
    let ask = hub.ask(reqwest::Method::POST, &decision).bearer(&program).header("accept", "*/*");
    let status = ask.header("content-type", "application/json").body(confirm.to_string()).send().await.status;
    assert_eq!(status, 403, "no program is a person");
    assert!(!sees(&hub, &partner, &id).await);
    let list = second.good("/api/v1/widenings").await;
    assert_eq!(
        (list["widenings"][0]["state"].as_str(), list["widenings"][0]["own"].as_bool()),
        (Some("open"), Some(false))
    );
    assert_eq!(council.good("/api/v1/widenings").await["widenings"], json!([]));
    assert_eq!(second.done(&decision, confirm.clone()).await["state"], "confirmed");
    assert!(sees(&hub, &partner, &id).await);
    assert_eq!(second.post(&decision, confirm.clone()).await.status, 409, "it is decided once");
    // Who proposes takes back; and what was proposed for an older version cannot be confirmed.
    let stricter = json!({ "tlp": "amber", "reason": "r" });
    assert_eq!(first.done(&path, stricter).await["stricter"], true, "one person alone restricts");
    let taken_back = first.done(&path, change.clone()).await["proposal"]["id"].clone();
    let decision = |id: &Value| format!("/api/v1/widenings/{}/decision", id.as_str().unwrap());
    let withdraw = json!({ "decision": "withdraw", "text": "not yet" });
    assert_eq!(second.post(&decision(&taken_back), withdraw.clone()).await.status, 403);
    first.done(&decision(&taken_back), withdraw).await;
    let outdated = first.done(&path, change).await["proposal"]["id"].clone();
    let mut newer = marked(crate::support::indicator_with(&id, "2099-01-01T00:00:00.000Z"), Tlp::Amber);
    newer["description"] = json!("with a secret in it");
    hub.post_as(&agency, &[newer]).await;
    assert_eq!(second.post(&decision(&outdated), confirm).await.status, 422, "it is not what was looked at");
    assert!(!sees(&hub, &partner, &id).await);
    let changes = hub.audit(Action::ReleaseChanged).await;
    let changes: Vec<&str> = changes.iter().rev().map(|row| row.event.detail["change"].as_str()).collect();
    assert_eq!(
        changes,
        [
            "widening-proposed",
            "widening-confirmed",
            "marking",
            "marking",
            "widening-proposed",
            "widening-withdrawn",
            "widening-proposed"
        ],
        "a leaf for each step"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_covers_later_versions_where_it_says_so() {
    let hub = council().await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    let owner = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let asker = Signed::person(&hub, "partner-1", PersonRole::Analyst).await;
    let report = marked(indicator(V1), Tlp::Green);
    let versions_seen = async |object: &Value| {
        let path = hub.within(&format!("objects/{}/versions/", id_of(object)));
        let reply = hub.get(&path).bearer(&partner).send().await;
        if reply.status == 404 { 0 } else { reply.json()["versions"].as_array().unwrap().len() }
    };
    for (later, expected) in [(false, 1), (true, 2)] {
        let amber = marked(indicator(V1), Tlp::Amber);
        let relation = json!({
            "type": "relationship", "spec_version": "2.1", "id": format!("relationship--{}", uuid::Uuid::new_v4()),
            "created": V1, "modified": V1, "relationship_type": "related-to", "source_ref": amber["id"],
            "target_ref": report["id"], "object_marking_refs": [Tlp::Green.id()],
        });
        hub.post_as(&agency, &[report.clone(), amber.clone(), relation]).await;
        let ask = json!({ "object": amber["id"], "purpose": "own-defence", "reason": "we are hit" });
        let request = asker.done("/api/v1/release-requests", ask).await;
        let answer = format!("/api/v1/release-requests/{}/answer", request["id"].as_str().unwrap());
        let grant = json!({ "answer": "grant", "text": "yes", "later_versions": later });
        assert_eq!(owner.done(&answer, grant).await["later_versions"], later);
        assert_eq!(versions_seen(&amber).await, 1);
        let newer = marked(crate::support::indicator_with(&id_of(&amber), crate::support::V2), Tlp::Amber);
        hub.post_as(&agency, &[newer]).await;
        assert_eq!(versions_seen(&amber).await, expected, "later versions: {later}");
        owner.done(&answer, json!({ "answer": "end", "text": "enough" })).await;
        assert_eq!(versions_seen(&amber).await, 0, "what is ended covers nothing");
        let newest = marked(crate::support::indicator_with(&id_of(&amber), crate::support::V3), Tlp::Amber);
        hub.post_as(&agency, &[newest]).await;
        assert_eq!(versions_seen(&amber).await, 0, "nor what comes after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_house_takes_a_fresh_proof_by_every_door() {
    let hub = council().await;
    let object = marked(indicator(V1), Tlp::Amber);
    let id = id_of(&object);
    hub.post(std::slice::from_ref(&object)).await;
    let old = Signed::long_ago(&hub).await;
    let officer = Signed::person(&hub, "coordinator", PersonRole::DutyOfficer).await;
    let asker = Signed::person(&hub, "agency-1", PersonRole::Analyst).await;
    let marking = format!("/api/v1/objects/{id}/marking");
    let freer = json!({ "tlp": "green", "reason": "it is known by now" });
    let proposed = officer.done(&marking, freer.clone()).await;
    let decision = format!("/api/v1/widenings/{}/decision", proposed["proposal"]["id"].as_str().unwrap());
    let ask = json!({ "object": id, "purpose": "own-defence", "reason": "we are hit" });
    let request = asker.done("/api/v1/release-requests", ask).await;
    let answer = format!("/api/v1/release-requests/{}/answer", request["id"].as_str().unwrap());
    let recall = json!({ "object": id, "reason": "false data", "deadline_hours": 24 });
    let (new, misp) = (marked(indicator(V1), Tlp::Green), json!({ "Event": { "info": "a campaign" } }));
    let acts = [
        ("/api/v1/objects", new.clone()),
        (&marking, freer),
        (&decision, json!({ "decision": "confirm", "text": "so it is" })),
        (&answer, json!({ "answer": "grant", "text": "yes" })),
        ("/api/v1/recalls", recall.clone()),
        ("/events/add", misp),
    ];
    for (path, body) in &acts {
        let reply = old.post(path, body.clone()).await;
        let told = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status == 403 && told.contains("sign in again"), "{path}: {} {told}", reply.status);
    }
    let envelope = json!({ "objects": [new.clone()] }).to_string();
    let taxii = old.ask_as(crate::support::TAXII, &hub.within("objects/"), envelope).await;
    assert_eq!(taxii.status, 403, "a cookie is no way around it");
    // What gives nothing away waits for no proof.
    assert_eq!(old.done(&decision, json!({ "decision": "refuse", "text": "no" })).await["state"], "refused");
    assert_eq!(old.done(&answer, json!({ "answer": "refuse", "text": "no" })).await["state"], "refused");
    let stricter = json!({ "tlp": "amber+strict", "reason": "a source is in danger" });
    assert_eq!(old.done(&marking, stricter).await["stricter"], true);
    assert!(!sees(&hub, &hub.token, &id_of(&new)).await, "nothing was published");
    // Whoever has just signed in goes on, and a program has no proof to give.
    officer.done("/api/v1/recalls", recall).await;
    officer.done("/api/v1/objects", new.clone()).await;
    assert!(sees(&hub, &hub.token, &id_of(&new)).await);
    assert_eq!(hub.audit(Action::Refused).await.len(), acts.len() + 1, "each refusal is written down");
}
