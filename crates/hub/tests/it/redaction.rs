//! Redacted copies at every door: who is shown which, and what becomes of them when something becomes of the original.

use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::federation::{Cheat, hub as federated};
use crate::rest::{ids, sighting};
use crate::signed::Signed;
use crate::stream::Follow;
use crate::support::{TestHub, V1, V2, V3, id_of, indicator, indicator_with, marked};

const RED: &str = "withheld-red-0451";
const AMBER: &str = "withheld-amber-0452";

/// GREEN as a whole, with an AMBER label and a RED description.
fn in_parts(id: &str, modified: &str) -> Value {
    let mut object = marked(indicator_with(id, modified), Tlp::Green);
    object["name"] = json!("freigegeben");
    object["description"] = json!(RED);
    object["labels"] = json!([AMBER, "free-label"]);
    object["granular_markings"] = json!([
        { "marking_ref": Tlp::Red.id(), "selectors": ["description"] },
        { "marking_ref": Tlp::Amber.id(), "selectors": ["labels.[0]"] },
        { "lang": "de", "selectors": ["name", "description", "labels.[1]"] },
    ]);
    object
}

struct Council {
    hub: TestHub,
    agency: String,
    operator: String,
    partner: String,
}

impl Council {
    async fn begin() -> Self {
        Self::of(TestHub::start().await).await
    }

    async fn of(hub: TestHub) -> Self {
        for (name, role) in [
            ("agency-1", OrganisationRole::Agency),
            ("operator-1", OrganisationRole::Operator),
            ("partner-1", OrganisationRole::Partner),
        ] {
            hub.organisation(name, role).await;
        }
        let agency = hub.token("agency-1", &[PersonRole::Analyst, PersonRole::DutyOfficer]).await;
        let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
        let partner = hub.token("partner-1", &[PersonRole::Analyst]).await;
        Self { hub, agency, operator, partner }
    }

    /// The indicators that somebody is shown.
    async fn shown(&self, token: &str) -> Vec<String> {
        let listed = self.hub.good(token, "/api/v1/objects?type=indicator").await;
        let found = ids(&listed["objects"]);
        assert_eq!(listed["count"], found.len(), "a count is of what is listed");
        found
    }

    /// The one indicator that somebody is shown.
    async fn only(&self, token: &str) -> String {
        let mut shown = self.shown(token).await;
        assert_eq!(shown.len(), 1, "{shown:?}");
        shown.remove(0)
    }

    async fn text(&self, token: &str, id: &str) -> Value {
        let reply = self.hub.get(&self.hub.within(&format!("objects/{id}/"))).bearer(token).send().await;
        assert_eq!(reply.status, 200);
        serde_json::from_str(&reply.objects()[0]).unwrap()
    }

    async fn versions(&self, token: &str, id: &str) -> Vec<String> {
        let reply =
            self.hub.get(&self.hub.within(&format!("objects/{id}/versions/"))).bearer(token).send().await;
        if reply.status == 404 {
            return Vec::new();
        }
        let versions = reply.json()["versions"].as_array().cloned().unwrap_or_default();
        versions.iter().map(|version| version.as_str().unwrap().to_owned()).collect()
    }
}

/// Everything that somebody is given by one door after the other.
async fn everything(council: &Council, token: &str, ids: &[&str]) -> String {
    let hub = &council.hub;
    let mut paths: Vec<String> = [
        "/api/v1/objects",
        "/api/v1/objects/facets",
        "/api/v1/board",
        "/api/v1/objects?query=freigegeben",
        "/api/v1/objects?query=withheld",
        "/api/v1/values?value=198.51.100.1",
        "/api/v1/releases?organisation=partner-1",
        "/api/v1/contributions",
        "/api/v1/notices",
        "/api/v1/recalls",
        "/misp/events/index",
    ]
    .map(str::to_owned)
    .to_vec();
    for id in ids {
        for rest in ["", "/references", "/audience", "/copies", "/releases", "/why?organisation=partner-1"] {
            paths.push(format!("/api/v1/objects/{id}{rest}"));
        }
        paths.push(format!("/api/v1/graph?id={id}"));
        paths.push(hub.within(&format!("objects/{id}/")));
        paths.push(hub.within(&format!("objects/{id}/versions/")));
    }
    for rest in
        ["objects/?match[version]=all", "manifest/?match[version]=all", "objects/?match[type]=indicator"]
    {
        paths.push(hub.within(rest));
    }
    let mut all = String::new();
    for path in paths {
        let accept = if path.starts_with("/council") { crate::support::TAXII } else { "*/*" };
        let reply = hub.ask(Method::GET, &path).bearer(token).header("accept", accept).send().await;
        assert!(reply.status < 500, "{path}");
        // What one asks for may be named in the refusal.
        if reply.status < 400 {
            all.push_str(&String::from_utf8_lossy(&reply.body));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_see_parts_is_shown_one_copy_at_every_door() {
    let council = Council::begin().await;
    let hub = &council.hub;
    let (source, other) = (in_parts(&id_of(&indicator(V1)), V1), marked(indicator(V1), Tlp::AmberStrict));
    let mut stream = Follow::open(hub, &council.partner, "").await;
    hub.publish(&council.agency, &[source.clone(), other]).await;
    let original = id_of(&source);
    let uuid = original.trim_start_matches("indicator--");
    let (freest, freer) = (council.only(&council.partner).await, council.only(&council.operator).await);
    assert!(freest != freer && freest != original && freer != original);
    for (token, id, withheld) in
        [(&council.partner, &freest, vec![RED, AMBER]), (&council.operator, &freer, vec![RED])]
    {
        let given = everything(&council, token, &[id, &original]).await;
        assert!(given.contains("free-label") && given.contains(id.as_str()));
        for text in withheld.into_iter().chain([uuid]) {
            assert!(!given.contains(text), "{text}");
        }
        for hidden in [&original, if *id == freest { &freer } else { &freest }] {
            assert_eq!(hub.get(&format!("/api/v1/objects/{hidden}")).bearer(token).status().await, 404);
        }
        let found = hub.good(token, "/api/v1/objects?query=withheld-red").await;
        assert_eq!((found["count"].as_u64(), ids(&found["objects"])), (Some(0), vec![]));
    }
    // A copy is a STIX object of this hub's, and its selectors name what is left.
    let copy = council.text(&council.partner, &freest).await;
    assert_eq!(copy["granular_markings"], json!([{ "lang": "de", "selectors": ["name", "labels.[0]"] }]));
    assert_eq!((copy["labels"].clone(), copy.get("description")), (json!(["free-label"]), None));
    assert_eq!((copy["created"].as_str(), copy["modified"].as_str()), (Some(V1), Some(V1)));
    assert!(copy["created_by_ref"].as_str().unwrap().starts_with("identity--"));
    let copy = council.text(&council.operator, &freer).await;
    assert_eq!(copy["labels"], json!([AMBER, "free-label"]));
    assert_eq!(
        stream.next().await.unwrap().object(),
        freest,
        "the stream tells of the copy and of nothing before it"
    );
    // Whoever may see all of it is shown no copy.
    let own = council.shown(&council.agency).await;
    assert!(own.contains(&original) && own.len() == 2, "{own:?}");
    let person = Signed::person(hub, "coordinator", PersonRole::Analyst).await;
    let listed = person.good("/api/v1/objects?type=indicator").await;
    assert_eq!((listed["count"].as_u64(), ids(&listed["objects"]).contains(&original)), (Some(2), true));
    let program = council.shown(&hub.token).await;
    assert!(program.contains(&freer) && program.len() == 2, "RED is for persons: {program:?}");
    // Edges too: by the copy of their operator, which a sighting then names.
    let edge = hub.edge("edge-1", "operator-1").await;
    let intelligence = hub.good(&edge, "/edge/v1/intelligence?after=0&wait=0").await;
    assert_eq!(intelligence["changes"].as_array().unwrap().len(), 1);
    assert!(!intelligence.to_string().contains(RED) && intelligence.to_string().contains(&freer));
    let told = hub.report(&edge, &[sighting(&freer)]).await;
    assert_eq!(told.len(), 1);
    assert_eq!(hub.good(&council.operator, &format!("/api/v1/objects/{freer}")).await["sightings"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originator_and_the_coordinator_are_told_which_copies_there_are_and_for_whom() {
    let council = Council::begin().await;
    let hub = &council.hub;
    let source = in_parts(&id_of(&indicator(V1)), V1);
    hub.publish(&council.agency, std::slice::from_ref(&source)).await;
    let freest = council.only(&council.partner).await;
    let path = format!("/api/v1/objects/{}/copies", id_of(&source));
    let copies = hub.good(&council.agency, &path).await;
    let copies = copies["copies"].as_array().unwrap();
    assert_eq!(copies.len(), 2);
    assert_eq!(
        (&copies[0]["withheld"], &copies[1]["withheld"]),
        (&json!(["description"]), &json!(["description", "labels.[0]"]))
    );
    assert_eq!(copies[1]["audience"]["id"].as_str(), Some(freest.as_str()));
    let readers = |copy: &Value| -> Vec<String> {
        let readers = copy["audience"]["readers"].as_array().unwrap().iter();
        readers.map(|reader| format!("{}: {}", reader["organisation"], reader["kinds"])).collect()
    };
    assert_eq!(
        readers(&copies[0]),
        ["\"coordinator\": [\"program\",\"edge\"]", "\"operator-1\": [\"person\",\"program\",\"edge\"]"]
    );
    assert_eq!(readers(&copies[1]), ["\"partner-1\": [\"person\",\"program\",\"edge\"]"]);
    assert_eq!((&copies[0]["given_to"], &copies[1]["given_to"]), (&json!([]), &json!(["partner-1"])));
    let person = Signed::person(hub, "coordinator", PersonRole::Analyst).await;
    assert_eq!(person.good(&path).await["copies"].as_array().unwrap().len(), 2);
    for token in [&council.partner, &council.operator, &hub.token] {
        assert_eq!(
            hub.get(&path).bearer(token).status().await,
            404,
            "who does not see all of it does not see this"
        );
        let of_copy = format!("/api/v1/objects/{freest}/copies");
        assert_eq!(hub.get(&of_copy).bearer(token).status().await, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_have_the_versions_of_their_original_and_end_with_it() {
    let council = Council::begin().await;
    let hub = &council.hub;
    let id = id_of(&indicator(V1));
    hub.publish(&council.agency, &[in_parts(&id, V1)]).await;
    let copy = council.only(&council.partner).await;
    // A later version is a later version of the same copy, whatever the parts look like in it.
    let mut second = in_parts(&id, V2);
    second["labels"] = json!(["free-label"]);
    second["granular_markings"] = json!([{ "marking_ref": Tlp::Red.id(), "selectors": ["description"] }]);
    hub.publish(&council.agency, std::slice::from_ref(&second)).await;
    assert_eq!(council.only(&council.partner).await, copy);
    assert_eq!(council.versions(&council.partner, &copy).await, [V1, V2]);
    // Now nothing tells operator and partner apart: the copy with more in it is of an older version.
    assert_eq!(council.only(&council.operator).await, copy);
    assert_eq!(council.versions(&council.operator, &copy).await, [V2]);
    // The same again is here already, and so is the copy.
    let manifest = async || {
        let path = hub.within("manifest/?match[version]=all");
        hub.get(&path).bearer(&council.partner).send().await.json()
    };
    let before = manifest().await;
    hub.publish(&council.agency, std::slice::from_ref(&second)).await;
    assert_eq!(manifest().await, before);
    // One version is withdrawn, then all; and comes again under the same identifier.
    let path = hub.within(&format!("objects/{id}/?match[version]={V1}"));
    assert_eq!(hub.ask(Method::DELETE, &path).bearer(&council.agency).send().await.status, 200);
    assert_eq!(council.versions(&council.partner, &copy).await, [V2]);
    let withdrawn =
        hub.rest(&council.agency, Method::DELETE, &format!("/api/v1/objects/{id}")).status().await;
    assert_eq!(withdrawn, 204);
    assert_eq!(council.shown(&council.partner).await, [""; 0]);
    assert_eq!(council.shown(&council.operator).await, [""; 0]);
    hub.publish(&council.agency, &[second]).await;
    assert_eq!(council.only(&council.partner).await, copy);
    // A revoked original revokes them, also where the revoking version would have no copies.
    let mut revoked = marked(indicator_with(&id, V3), Tlp::Red);
    revoked["revoked"] = json!(true);
    hub.publish(&council.agency, &[revoked]).await;
    for token in [&council.partner, &council.operator] {
        assert_eq!(council.with_revoked(token).await, [(copy.clone(), true)]);
    }
    assert_eq!(council.with_revoked(&council.agency).await, [(id, true)]);
}

impl Council {
    /// Every indicator in its last version, and whether that revokes it.
    async fn with_revoked(&self, token: &str) -> Vec<(String, bool)> {
        let path = self.hub.within("objects/?match[type]=indicator");
        let reply = self.hub.get(&path).bearer(token).send().await;
        let objects: Vec<Value> =
            reply.objects().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        objects.iter().map(|object| (id_of(object), object["revoked"] == json!(true))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_in_any_order_leaves_no_copy_behind() {
    let council = Council::begin().await;
    let id = id_of(&indicator(V1));
    let mut freed = in_parts(&id, V2);
    freed.as_object_mut().unwrap().remove("granular_markings");
    // The later version is first, and for everybody: nobody needs a copy of the older one.
    council.hub.publish(&council.agency, &[freed, in_parts(&id, V1)]).await;
    for token in [&council.partner, &council.operator, &council.agency] {
        assert_eq!(council.only(token).await, id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_shows_the_original_in_place_of_the_copy_and_takes_it_away_again() {
    let council = Council::begin().await;
    let hub = &council.hub;
    let id = id_of(&indicator(V1));
    hub.publish(&council.agency, &[in_parts(&id, V1)]).await;
    let (copy, freer) = (council.only(&council.partner).await, council.only(&council.operator).await);
    let asker = Signed::person(hub, "partner-1", PersonRole::Analyst).await;
    let owner = Signed::person(hub, "agency-1", PersonRole::DutyOfficer).await;
    let ask = json!({ "object": copy, "purpose": "own-defence", "reason": "we are hit" });
    let request = asker.done("/api/v1/release-requests", ask).await;
    assert!(!request.to_string().contains(&id));
    let answer = format!("/api/v1/release-requests/{}/answer", request["id"].as_str().unwrap());
    owner.done(&answer, json!({ "answer": "grant", "text": "all of it" })).await;
    let listed = asker.good("/api/v1/objects?type=indicator").await;
    assert_eq!((listed["count"].as_u64(), ids(&listed["objects"])), (Some(1), vec![id.clone()]));
    assert_eq!(
        council.only(&council.partner).await,
        freer,
        "RED is for persons: its programs see all but that"
    );
    owner.done(&answer, json!({ "answer": "end", "text": "it is over" })).await;
    let listed = asker.good("/api/v1/objects?type=indicator").await;
    assert_eq!(council.only(&council.partner).await, copy);
    assert_eq!(ids(&listed["objects"]), [copy]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_and_a_stricter_marking_reach_the_copies_and_name_the_copy() {
    let council = Council::begin().await;
    let hub = &council.hub;
    let id = id_of(&indicator(V1));
    hub.publish(&council.agency, &[in_parts(&id, V1)]).await;
    let (freest, freer) = (council.only(&council.partner).await, council.only(&council.operator).await);
    let owner = Signed::person(hub, "agency-1", PersonRole::DutyOfficer).await;
    let change = json!({ "tlp": "amber", "reason": "a source is in danger" });
    let changed = owner.done(&format!("/api/v1/objects/{id}/marking"), change).await;
    assert_eq!((changed["stricter"].as_bool(), changed["told"].as_u64()), (Some(true), Some(2)));
    assert_eq!(council.shown(&council.partner).await, [""; 0]);
    // With AMBER as a whole nothing sets the label apart any more: one copy, which is of the kind without it.
    let now = council.only(&council.operator).await;
    assert!(now == freest || now == freer);
    let partner = Signed::person(hub, "partner-1", PersonRole::DutyOfficer).await;
    let notices = partner.good("/api/v1/notices").await;
    assert_eq!(notices["notices"][0]["subject"].as_str(), Some(freest.as_str()));
    assert!(!notices.to_string().contains(&id));
    let recall = json!({ "object": id, "reason": "false data", "deadline_hours": 24 });
    let recalled = owner.done("/api/v1/recalls", recall).await;
    assert_eq!(recalled["holders"], json!([]), "nobody was given the original");
    for token in [&council.partner, &council.operator, &hub.token] {
        assert_eq!(council.shown(token).await, [""; 0]);
    }
    assert_eq!(council.only(&council.agency).await, id);
    let pending = hub.good(&council.partner, "/api/v1/recalls?pending=true").await;
    assert_eq!(pending["recalls"][0]["object"].as_str(), Some(freest.as_str()));
    let path = format!("/api/v1/recalls/{}/acknowledge", pending["recalls"][0]["id"].as_str().unwrap());
    assert_eq!(partner.done(&path, json!({})).await["waiting"], 0);
    let seen = everything(&council, &council.partner, &[&freest]).await;
    assert!(!seen.contains(id.trim_start_matches("indicator--")) && !seen.contains(RED));
    // A corrected version is published as ever; that it is GREEN again takes a second person.
    hub.publish(&council.agency, &[in_parts(&id, "2030-01-01T00:00:00.000Z")]).await;
    assert_eq!(council.shown(&council.partner).await, [""; 0]);
    let waits = owner.good("/api/v1/widenings").await["widenings"][0].clone();
    let path = format!("/api/v1/widenings/{}/decision", waits["id"].as_str().unwrap());
    owner.done(&path, json!({ "decision": "confirm", "text": "the source is safe" })).await;
    assert_eq!(council.only(&council.partner).await, freest);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_brings_versions_of_a_copy() {
    let council = Council::begin().await;
    let hub = &council.hub;
    hub.organisation("operator-2", OrganisationRole::Operator).await;
    let stranger = hub.token("operator-2", &[PersonRole::Analyst]).await;
    let id = id_of(&indicator(V1));
    hub.publish(&council.agency, &[in_parts(&id, V1)]).await;
    let freest = council.only(&council.partner).await;
    let copy = council.text(&council.partner, &freest).await;
    let other = |modified: &str| marked(indicator_with(&freest, modified), Tlp::Green);
    // Who sees it: the same is here already, a later one is another's to bring.
    let status = hub.post_as(&council.partner, std::slice::from_ref(&copy)).await;
    assert_eq!((status["success_count"].as_u64(), status["failure_count"].as_u64()), (Some(1), Some(0)));
    let status = hub.post_as(&council.partner, &[other(V2)]).await;
    assert_eq!(
        status["failures"][0]["message"].as_str().map(|text| text.contains("another organisation")),
        Some(true)
    );
    // Its originator, who is not shown it: the node makes it.
    let status = hub.post_as(&council.agency, &[other(V2)]).await;
    assert_eq!(
        status["failures"][0]["message"].as_str().map(|text| text.contains("redacted copy")),
        Some(true)
    );
    // Who does not see it is told nothing, and changes nothing for those who do.
    let status = hub.post_as(&stranger, &[other(V1), other(V3)]).await;
    assert_eq!(status["success_count"], 2);
    assert_eq!(council.text(&council.partner, &freest).await, copy);
    assert_eq!(council.only(&council.partner).await, freest);
    hub.publish(&council.agency, &[in_parts(&id, V2)]).await;
    assert_eq!(council.versions(&council.partner, &freest).await, [V1, V2]);
    assert_eq!(council.text(&council.partner, &freest).await["name"], "freigegeben");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_to_peers_and_does_not_echo() {
    let council = Council::of(federated().await).await;
    let hub = &council.hub;
    let cheat = Cheat::known(7, hub).await;
    let clear = |id: &str| marked(in_parts(id, V1), Tlp::Clear);
    let (ours, theirs) = (clear(&id_of(&indicator(V1))), clear(&id_of(&indicator(V1))));
    hub.publish(&council.agency, std::slice::from_ref(&ours)).await;
    let our_copy = council.only(&council.partner).await;
    assert_eq!(cheat.send(&[cheat.hello(0), cheat.object(1, &theirs)]).await.0, 200);
    let both = council.shown(&council.partner).await;
    let their_copy = both.iter().find(|id| **id != our_copy).expect("a copy of what the peer gave").clone();
    assert_ne!(their_copy, id_of(&theirs));
    let end = marked(indicator(V1), Tlp::Clear);
    hub.publish(&council.agency, std::slice::from_ref(&end)).await;
    let given = cheat.given_until(&id_of(&end)).await;
    assert!(given.contains(&our_copy), "a peer is given the copy of what it may see in part");
    for hidden in [RED, AMBER, &their_copy, &id_of(&ours), &id_of(&theirs)] {
        assert!(!given.contains(hidden), "{hidden}");
    }
    // What it sends back is here already; other content is kept out.
    let copy = council.text(&council.partner, &our_copy).await;
    let mut forged = copy.clone();
    forged["name"] = json!("forged");
    let (status, text) =
        cheat.send(&[cheat.hello(0), cheat.object(2, &copy), cheat.object(3, &forged)]).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(council.text(&council.partner, &our_copy).await, copy);
    assert_eq!(council.shown(&council.partner).await.len(), 3);
    // What the peer takes back is gone in part as well.
    let gone = json!({ "sequence": 4, "removed": { "id": id_of(&theirs), "version": V1 } });
    let (status, text) = cheat.send(&[cheat.hello(0), gone]).await;
    assert_eq!(status, 200, "{text}");
    assert!(!council.shown(&council.partner).await.contains(&their_copy), "{text}");
}

fn translation(of: &str, property: &str) -> Value {
    let id = format!("language-content--{}", uuid::Uuid::new_v4());
    let object = json!({
        "type": "language-content", "spec_version": "2.1", "id": id, "created": V1, "modified": V1, "object_ref": of,
        "contents": { "ja": { property: format!("訳 {RED}") } },
    });
    marked(object, Tlp::Green)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_is_bound_by_the_parts_that_it_translates() {
    let council = Council::begin().await;
    let hub = &council.hub;
    let (first, second) = (id_of(&indicator(V1)), id_of(&indicator(V1)));
    let (early, beside, late) = (
        translation(&first, "description"),
        translation(&first, "description"),
        translation(&first, "description"),
    );
    let free = translation(&first, "name");
    let elsewhere = translation(&second, "description");
    hub.publish(&council.agency, std::slice::from_ref(&early)).await;
    hub.publish(&council.agency, &[beside.clone(), in_parts(&first, V1), free.clone(), elsewhere.clone()])
        .await;
    hub.publish(&council.agency, std::slice::from_ref(&late)).await;
    let seen = async |token: &str| {
        let listed = hub.good(token, "/api/v1/objects?type=language-content").await;
        let mut found = ids(&listed["objects"]);
        found.sort();
        found
    };
    let mut expected = [id_of(&free), id_of(&elsewhere)];
    expected.sort();
    assert_eq!(seen(&council.partner).await, expected, "whichever came first");
    assert_eq!(seen(&council.agency).await.len(), 5);
}
