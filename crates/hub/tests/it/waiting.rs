//! A version that its originator brings under a freer marking waits for a second person, by whichever door it comes.

use oversight::{Action, OrganisationRole, PersonRole};
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::signed::Signed;
use crate::support::{TestHub, V1, V2, V3, id_of, indicator, indicator_with, marked};

async fn council(at_once: bool) -> TestHub {
    let hub = TestHub::start_with(|config| config.freer_versions_at_once = at_once).await;
    for (name, role) in [
        ("agency-1", OrganisationRole::Agency),
        ("operator-1", OrganisationRole::Operator),
        ("partner-1", OrganisationRole::Partner),
    ] {
        hub.organisation(name, role).await;
    }
    hub
}

/// The versions of an object that somebody is given, oldest first.
async fn versions(hub: &TestHub, token: &str, id: &str) -> Vec<String> {
    let path = hub.within(&format!("objects/{id}/?match[version]=all"));
    let reply = hub.get(&path).bearer(token).send().await;
    if reply.status == 404 {
        return Vec::new();
    }
    let modified =
        |text: &String| serde_json::from_str::<Value>(text).unwrap()["modified"].as_str().unwrap().to_owned();
    reply.objects().iter().map(modified).collect()
}

fn version(of: &Value, modified: &str, level: Tlp) -> Value {
    marked(indicator_with(&id_of(of), modified), level)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freer_version_waits_under_the_stricter_label_until_another_person_confirms_it() {
    let hub = council(false).await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    let first = marked(indicator(V1), Tlp::Amber);
    let id = id_of(&first);
    hub.post_as(&agency, std::slice::from_ref(&first)).await;
    let freer = version(&first, V2, Tlp::Green);
    let other = marked(indicator(V1), Tlp::Green);
    let status = hub.post_as(&agency, &[freer.clone(), other.clone()]).await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(2), &json!(0)), "{status}");
    let told: Vec<Option<&str>> =
        status["successes"].as_array().unwrap().iter().map(|one| one["message"].as_str()).collect();
    assert!(told[0].is_some_and(|message| message.starts_with("waiting: ")) && told[1].is_none(), "{status}");
    assert_eq!(versions(&hub, &operator, &id).await, [V1, V2], "who read the one before reads it");
    assert!(versions(&hub, &partner, &id).await.is_empty());
    let given = hub.get(&hub.within(&format!("objects/{id}/"))).bearer(&operator).send().await;
    assert_eq!(
        serde_json::from_str::<Value>(&given.objects()[0]).unwrap(),
        freer,
        "as its producer wrote it"
    );

    let person = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    assert_eq!(person.good("/api/v1/notices").await["notices"][0]["kind"], "widening-proposed");
    let list = person.good("/api/v1/widenings").await["widenings"].clone();
    let proposal = &list[0];
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(
        (&proposal["object"], &proposal["version"], &proposal["tlp"], &proposal["waits"], &proposal["own"]),
        (&json!(id), &json!(V2), &json!("green"), &json!(true), &json!(false))
    );
    let decision = |id: &Value| format!("/api/v1/widenings/{}/decision", id.as_str().unwrap());
    let say = |what: &str| json!({ "decision": what, "text": "so it is" });
    let confirmed = person.done(&decision(&proposal["id"]), say("confirm")).await;
    assert_eq!(confirmed["state"], "confirmed");
    assert_eq!(versions(&hub, &partner, &id).await, [V2], "the version itself, and no other");
    assert_eq!(versions(&hub, &operator, &id).await, [V1, V2]);
    let told = Signed::person(&hub, "operator-1", PersonRole::Analyst).await;
    assert_eq!(
        told.good("/api/v1/notices").await["notices"][0]["kind"],
        "release-changed",
        "who had it is told"
    );
    // What follows is no freer than what was confirmed.
    hub.post_as(&agency, &[version(&first, V3, Tlp::Green)]).await;
    assert_eq!(versions(&hub, &partner, &id).await, [V2, V3]);
    let changes = hub.audit(Action::ReleaseChanged).await;
    let changes: Vec<&str> = changes.iter().rev().map(|row| row.event.detail["change"].as_str()).collect();
    assert_eq!(changes, ["widening-proposed", "widening-confirmed", "marking"], "a leaf for each step");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_refused_taken_back_and_overtaken() {
    let hub = council(false).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    let first = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let second = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let object = marked(indicator(V1), Tlp::Amber);
    let id = id_of(&object);
    first.done("/api/v1/objects", object.clone()).await;
    // What is previewed is what happens.
    let preview = first.done("/api/v1/audience", version(&object, V2, Tlp::Green)).await;
    assert!(!preview.to_string().contains("partner-1"), "{preview}");
    let bring = async |modified: &str, level: Tlp| {
        let taken = first.done("/api/v1/objects", version(&object, modified, level)).await;
        assert_eq!(taken["accepted"], 1, "{taken}");
        taken["waiting"][0]["widening"].as_str().map(str::to_owned)
    };
    let decide = async |person: &Signed<'_>, widening: &str, decision: &str| {
        let path = format!("/api/v1/widenings/{widening}/decision");
        person.post(&path, json!({ "decision": decision, "text": "so it is" })).await.status
    };
    let refused = bring(V2, Tlp::Green).await.unwrap();
    assert_eq!(decide(&first, &refused, "confirm").await, 403, "not who brought it");
    assert_eq!(decide(&second, &refused, "refuse").await, 200);
    assert_eq!(decide(&second, &refused, "confirm").await, 409);
    assert!(versions(&hub, &partner, &id).await.is_empty());
    // Refused once is not confirmed by coming again.
    let overtaken = bring(V3, Tlp::Green).await.unwrap();
    let newer = bring("2024-03-02T00:00:00.000Z", Tlp::Clear).await.unwrap();
    assert_eq!(decide(&second, &overtaken, "confirm").await, 409, "a newer version stands in its place");
    assert_eq!(decide(&first, &newer, "withdraw").await, 200);
    assert!(versions(&hub, &partner, &id).await.is_empty());
    assert_eq!(bring("2024-03-03T00:00:00.000Z", Tlp::Amber).await, None, "no freer than what it was");
    assert_eq!(bring("2024-03-04T00:00:00.000Z", Tlp::Red).await, None, "one person restricts");
    assert!(bring("2024-03-05T00:00:00.000Z", Tlp::Amber).await.is_some(), "and two loosen");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_leads_around_the_second_person_and_publishing_needs_none() {
    let hub = council(false).await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    // What bore no marking was nobody else's: to mark it is to publish it. Versions that come together are one act.
    let bare = indicator(V1);
    hub.post_as(&agency, std::slice::from_ref(&bare)).await;
    hub.post_as(&agency, &[version(&bare, V2, Tlp::Green)]).await;
    assert_eq!(versions(&hub, &partner, &id_of(&bare)).await, [V2]);
    let history = marked(indicator(V1), Tlp::Amber);
    hub.post_as(&agency, &[history.clone(), version(&history, V2, Tlp::Green)]).await;
    assert_eq!(versions(&hub, &partner, &id_of(&history)).await, [V2]);
    // By way of no marking at all, of an older date, of a withdrawal.
    for between in ["unmarked", "older", "withdrawn"] {
        let object = marked(indicator(V2), Tlp::Amber);
        let id = id_of(&object);
        hub.post_as(&agency, std::slice::from_ref(&object)).await;
        let mut modified = V3;
        match between {
            "unmarked" => {
                drop(hub.post_as(&agency, &[indicator_with(&id, "2024-02-02T00:00:00.000Z")]).await);
            }
            "older" => modified = V1,
            _ => {
                let officer = hub.token("agency-1", &[PersonRole::DutyOfficer]).await;
                let gone = hub.ask(reqwest::Method::DELETE, &hub.within(&format!("objects/{id}/")));
                assert_eq!(gone.bearer(&officer).send().await.status, 200);
            }
        }
        let status = hub.post_as(&agency, &[version(&object, modified, Tlp::Green)]).await;
        assert!(
            status["successes"][0]["message"].as_str().is_some_and(|told| told.starts_with("waiting")),
            "{between}: {status}"
        );
        assert!(versions(&hub, &partner, &id).await.is_empty(), "{between}");
    }
    // A part that is marked more strictly lets a copy out, so it waits as well.
    let object = marked(indicator(V1), Tlp::Amber);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    let mut in_parts = version(&object, V2, Tlp::Green);
    in_parts["description"] = json!("withheld-0451");
    in_parts["granular_markings"] = json!([{ "marking_ref": Tlp::Amber.id(), "selectors": ["description"] }]);
    hub.post_as(&agency, std::slice::from_ref(&in_parts)).await;
    let shown = async || {
        let all = hub.get(&hub.within("objects/?match[type]=indicator")).bearer(&partner).send().await;
        all.objects().into_iter().filter(|text| text.contains(V2) && text.contains("198.51.100.1")).count()
    };
    let before = shown().await;
    let person = Signed::person(&hub, "agency-1", PersonRole::DutyOfficer).await;
    let list = person.good("/api/v1/widenings").await["widenings"].clone();
    let waits = list.as_array().unwrap().iter().find(|one| one["object"] == object["id"]).unwrap().clone();
    let decision = format!("/api/v1/widenings/{}/decision", waits["id"].as_str().unwrap());
    person.done(&decision, json!({ "decision": "confirm", "text": "so it is" })).await;
    assert_eq!(shown().await, before + 1, "the copy without the part");
    // Nobody else's object waits for one's people.
    let operator = Signed::person(&hub, "operator-1", PersonRole::DutyOfficer).await;
    assert_eq!(operator.good("/api/v1/widenings").await["widenings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_council_may_leave_it_to_one() {
    let hub = council(true).await;
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Amber);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    let status = hub.post_as(&agency, &[version(&object, V2, Tlp::Green)]).await;
    assert_eq!(status["successes"][0]["message"], Value::Null);
    assert_eq!(versions(&hub, &partner, &id_of(&object)).await, [V2]);
}
