//! When somebody may see more than before: those who follow the log and never go back are given it, too.

use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use store::Place;

use crate::authorisation::agreement;
use crate::database::Server;
use crate::rest::relationship;
use crate::signed::Signed;
use crate::stream::Follow;
use crate::support::{Reply, TestHub, V1, V2, id_of, indicator, indicator_with, marked};

/// A client as there are many: it keeps the last `X-TAXII-Date-Added-Last` and asks on from there.
struct Poller {
    token: String,
    added_after: Option<String>,
}

impl Poller {
    fn new(token: &str) -> Self {
        Self { token: token.to_owned(), added_after: None }
    }

    /// What is new to it, two at a time.
    async fn poll(&mut self, hub: &TestHub) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let after =
                self.added_after.as_ref().map_or(String::new(), |after| format!("&added_after={after}"));
            let page =
                hub.get(&hub.within(&format!("objects/?limit=2{after}"))).bearer(&self.token).send().await;
            assert_eq!(page.status, 200);
            if page.ids().is_empty() {
                return ids;
            }
            let (first, last) =
                (page.header("x-taxii-date-added-first"), page.header("x-taxii-date-added-last"));
            assert!(
                self.added_after.as_deref().is_none_or(|after| after < first) && first <= last,
                "{after} {first} {last}"
            );
            self.added_after = Some(last.to_owned());
            ids.extend(page.ids().into_iter().filter(|id| id.starts_with("indicator--")));
        }
    }

    /// Everything by `next` and nothing else.
    async fn all(&self, hub: &TestHub) -> Vec<String> {
        let (mut ids, mut next) = (Vec::new(), String::new());
        loop {
            let page: Reply =
                hub.get(&hub.within(&format!("objects/?limit=2{next}"))).bearer(&self.token).send().await;
            ids.extend(page.ids());
            match page.json()["next"].as_str() {
                Some(token) => next = format!("&next={token}"),
                None => return ids,
            }
        }
    }
}

fn ids(objects: &[Value]) -> Vec<String> {
    objects.iter().map(id_of).collect()
}

fn indicators(count: usize, level: Tlp) -> Vec<Value> {
    (0..count).map(|_| marked(indicator(V1), level)).collect()
}

async fn council() -> TestHub {
    let hub = TestHub::start().await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    hub.organisation("operator-2", OrganisationRole::Operator).await;
    hub.organisation("aurora", OrganisationRole::Partner).await;
    hub
}

/// Puts an agreement in force, or stops it.
async fn agree(hub: &TestHub, id: &str, state: &str) {
    let mut sides = Vec::new();
    for organisation in ["coordinator", "aurora"] {
        sides.push(Signed::person(hub, organisation, PersonRole::Approver).await);
    }
    if state == "signed" {
        let made = sides[0].post("/api/v1/agreements", agreement(id, &["coordinator", "aurora"])).await;
        assert!(matches!(made.status, 200 | 201 | 409), "{}", String::from_utf8_lossy(&made.body));
    }
    let text = sides[0].good(&format!("/api/v1/agreements/{id}")).await;
    for side in sides {
        side.done(
            &format!("/api/v1/agreements/{id}/side"),
            json!({ "state": state, "hash": text["hash"], "reason": "a reason" }),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_is_given_what_an_agreement_opens_behind_it() {
    let hub = council().await;
    let mut poller = Poller::new(&hub.token("aurora", &[PersonRole::Analyst]).await);
    let (free, amber, more) =
        (indicators(3, Tlp::Green), indicators(5, Tlp::Amber), indicators(1, Tlp::Green));
    for objects in [&free, &amber, &more] {
        hub.post(objects).await;
    }
    assert_eq!(poller.poll(&hub).await, [ids(&free), ids(&more)].concat());
    assert_eq!(poller.poll(&hub).await, Vec::<String>::new());
    agree(&hub, "aurora-2026", "signed").await;
    let late = indicators(2, Tlp::Amber);
    hub.post(&late).await;
    assert_eq!(
        poller.poll(&hub).await,
        [ids(&amber), ids(&late)].concat(),
        "what was behind it, then what came"
    );
    assert_eq!(poller.poll(&hub).await, Vec::<String>::new());
    let everything = [ids(&free), ids(&more), ids(&amber), ids(&late)].concat();
    assert_eq!(poller.all(&hub).await, everything, "each once, for who begins anew");
    // The dates of the manifest and of the headers are of one view.
    let manifest = hub.get(&hub.within("manifest/")).bearer(&poller.token).send().await.json();
    let dates: Vec<&str> = manifest["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["date_added"].as_str().unwrap())
        .collect();
    assert!(
        dates.is_sorted_by(|a, b| a < b) && dates.last() == poller.added_after.as_deref().as_ref(),
        "{dates:?}"
    );
    // By identifier, too: what was opened is after what was there.
    let path = format!("objects/?match[id]={},{}", id_of(&amber[0]), id_of(&more[0]));
    let named = hub.get(&hub.within(&path)).bearer(&poller.token).send().await;
    assert_eq!(named.ids(), [id_of(&more[0]), id_of(&amber[0])]);
    // A new version of what was opened is new to it, and so is what comes while the agreement rests.
    agree(&hub, "aurora-2026", "suspended").await;
    let newer = marked(indicator_with(&id_of(&amber[0]), V2), Tlp::Amber);
    hub.post(std::slice::from_ref(&newer)).await;
    assert_eq!(poller.poll(&hub).await, Vec::<String>::new());
    agree(&hub, "aurora-2026", "signed").await;
    let again = poller.poll(&hub).await;
    assert!(again.contains(&id_of(&newer)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_and_a_poller_are_given_what_a_group_s_new_member_may_see() {
    let hub = council().await;
    let owner = Signed::person(&hub, "operator-1", PersonRole::Approver).await;
    let group = json!({ "name_ja": "電力", "name_en": "Power", "members": ["coordinator"] });
    let group = owner.done("/api/v1/sharing-groups", group).await;
    let writer = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let token = hub.token("operator-2", &[PersonRole::Analyst]).await;
    let mut limited = indicators(3, Tlp::Green);
    for object in &mut limited {
        object["object_marking_refs"].as_array_mut().unwrap().push(group["marking"].clone());
    }
    hub.post_as(&writer, &limited).await;
    let free = indicators(1, Tlp::Green);
    hub.post_as(&writer, &free).await;
    let mut poller = Poller::new(&token);
    assert_eq!(poller.poll(&hub).await, ids(&free));
    let mut open = Follow::open(&hub, &token, "").await;
    let mark = indicators(1, Tlp::Green);
    hub.post_as(&writer, &mark).await;
    assert_eq!(open.next().await.unwrap().object(), id_of(&mark[0]));
    let path = format!("/api/v1/sharing-groups/{}/members/operator-2", group["id"].as_str().unwrap());
    assert_eq!(owner.ask(Method::PUT, &path, None).await.status, 200);
    // Nothing comes in: the open stream is told of what was opened all the same, the group's own definition first.
    let definition = open.next().await.unwrap();
    assert_eq!(definition.object(), group["marking"].as_str().unwrap());
    let mut told = Vec::new();
    for object in &limited {
        let event = open.next().await.unwrap();
        assert_eq!(event.object(), id_of(object));
        told.push(event);
    }
    assert_eq!(poller.poll(&hub).await, [ids(&mark), ids(&limited)].concat());
    // It resumes in the middle of it, and behind it.
    let mut resumed = Follow::open(&hub, &token, told[0].id()).await;
    assert_eq!(resumed.next().await.as_ref(), Some(&told[1]));
    let mut resumed = Follow::open(&hub, &token, told[2].id()).await;
    let last = indicators(1, Tlp::Green);
    hub.post_as(&writer, &last).await;
    for stream in [&mut resumed, &mut open] {
        assert_eq!(stream.next().await.unwrap().object(), id_of(&last[0]));
    }
    // Who comes only now begins behind it.
    let mut new = Follow::open(&hub, &token, "").await;
    let next = indicators(1, Tlp::Green);
    hub.post_as(&writer, &next).await;
    assert_eq!(new.next().await.unwrap().object(), id_of(&next[0]));
    for wrong in ["1.2", "1.2.3.4", "1.x.2", "1."] {
        assert_eq!(
            hub.get("/api/v1/stream").header("last-event-id", wrong).send().await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_survives_restarts_tokens_and_other_roles() {
    let hub = council().await;
    let mut poller = Poller::new(&hub.token("aurora", &[PersonRole::Analyst]).await);
    let (amber, free) = (indicators(3, Tlp::Amber), indicators(1, Tlp::Green));
    hub.post(&amber).await;
    hub.post(&free).await;
    assert_eq!(poller.poll(&hub).await, ids(&free));
    agree(&hub, "aurora-2026", "signed").await;
    let hub = hub.restart().await;
    // The token is exchanged, for one with another role, and the client goes on with its cursor.
    poller.token = hub.token("aurora", &[PersonRole::Trainee]).await;
    assert_eq!(poller.poll(&hub).await, ids(&amber));
    let hub = hub.restart().await;
    assert_eq!(poller.poll(&hub).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_on_one_database_give_one_view() {
    let Some(server) = Server::start() else { return };
    let place = Place::parse(&server.address());
    let one = TestHub::start_with(|config| config.store = Some(place.clone())).await;
    let two = one.beside(&place).await;
    one.organisation("aurora", OrganisationRole::Partner).await;
    let mut poller = Poller::new(&one.token("aurora", &[PersonRole::Analyst]).await);
    let (amber, free) = (indicators(5, Tlp::Amber), indicators(1, Tlp::Green));
    one.post(&amber).await;
    one.post(&free).await;
    assert_eq!(poller.poll(&two).await, ids(&free));
    agree(&one, "aurora-2026", "signed").await;
    // The other hub takes the agreement up a moment later: until then it gives what it gave, and afterwards nothing is missing.
    let begun = std::time::Instant::now();
    let mut given = Vec::new();
    while given.len() < amber.len() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{given:?}");
        given.extend(poller.poll(&two).await);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(given, ids(&amber));
    assert_eq!(poller.poll(&one).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_object_is_told_to_those_who_had_it() {
    let hub = council().await;
    let token = hub.token("aurora", &[PersonRole::Analyst]).await;
    let withdraw = async |object: &Value| {
        let path = hub.within(&format!("objects/{}/", id_of(object)));
        assert_eq!(hub.ask(Method::DELETE, &path).send().await.status, 200);
    };
    // Withdrawn, and marked more strictly, before the partner may see anything of the kind.
    let (gone, strict, kept) =
        (indicators(1, Tlp::Amber), indicators(1, Tlp::Amber), indicators(1, Tlp::Amber));
    for objects in [&gone, &strict, &kept] {
        hub.post(objects).await;
    }
    withdraw(&gone[0]).await;
    let owner = Signed::person(&hub, "coordinator", PersonRole::DutyOfficer).await;
    let path = format!("/api/v1/objects/{}/marking", id_of(&strict[0]));
    owner.done(&path, json!({ "tlp": "red", "reason": "a reason" })).await;
    agree(&hub, "aurora-2026", "signed").await;
    let mut stream = Follow::open(&hub, &token, "0").await;
    let mut told = Vec::new();
    loop {
        let event = stream.next().await.unwrap();
        told.push(event.object().to_owned());
        if event.object() == id_of(&kept[0]) {
            break;
        }
    }
    // What it had is told of, and is the next that it hears: nothing of the others comes between.
    withdraw(&kept[0]).await;
    let event = stream.next().await.unwrap();
    assert_eq!(event.object(), id_of(&kept[0]));
    for hidden in [&gone[0], &strict[0]] {
        assert!(!told.contains(&id_of(hidden)), "it learns of what it never had by its end");
    }
    // From the beginning, too.
    let mark = indicators(1, Tlp::Amber);
    hub.post(&mark).await;
    let mut again = Follow::open(&hub, &token, "0").await;
    loop {
        let event = again.next().await.unwrap();
        assert!(![id_of(&gone[0]), id_of(&strict[0])].contains(&event.object().to_owned()));
        if event.object() == id_of(&mark[0]) {
            break;
        }
    }
}

/// How many hits each saved search was told of so far, once the first of them was told of `at_least` so many.
async fn told_of(hub: &TestHub, token: &str, at_least: u64) -> Vec<u64> {
    let begun = std::time::Instant::now();
    loop {
        let kept = hub.get("/api/v1/searches").header("accept", "*/*").bearer(token).send().await.json();
        let hits = |search: &Value| {
            let alerts =
                search["notices"].as_array().unwrap().iter().filter(|alert| alert["way"] == "stream");
            alerts.map(|alert| alert["hits"].as_u64().unwrap()).sum()
        };
        let told: Vec<u64> = kept.as_array().unwrap().iter().map(hits).collect();
        if told.iter().all(|hits| *hits >= at_least) {
            return told;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{told:?} of {at_least}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Indicators that are found by a word.
fn storms(count: usize, level: Tlp) -> Vec<Value> {
    let mut storms = indicators(count, level);
    storms.iter_mut().for_each(|object| object["description"] = json!("storm"));
    storms
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_search_is_told_once_of_what_is_opened_later() {
    let hub = council().await;
    let token = hub.token("aurora", &[PersonRole::Analyst]).await;
    let save = async |terms: Value| {
        let new = json!({ "name": "n", "terms": terms, "alerts": true }).to_string();
        let ask = hub.ask(Method::POST, "/api/v1/searches").bearer(&token).header("accept", "*/*");
        assert_eq!(ask.header("content-type", "application/json").body(new).send().await.status, 200);
    };
    let (amber, others) = (storms(150, Tlp::Amber), storms(1, Tlp::AmberStrict));
    hub.post(&amber).await;
    // What refers to it may be seen, so release of it can be asked for.
    hub.post(&[others[0].clone(), relationship(&others[0], "related-to", &amber[0], Tlp::Green)]).await;
    // By a value, by a word, by type alone; what the last one asks for is never opened.
    for terms in [
        json!({ "query": "198.51.100.1" }),
        json!({ "query": "storm", "types": ["indicator"] }),
        json!({ "types": ["indicator"] }),
    ] {
        save(terms).await;
    }
    let mut expected = 0;
    let mut check = async |hub: &TestHub, more: u64, what: &str| {
        expected += more;
        // A mark behind it: what would be told twice would be told by then.
        hub.post(&storms(1, Tlp::Green)).await;
        expected += 1;
        assert_eq!(told_of(hub, &token, expected).await, [expected; 3], "{what}");
    };
    check(&hub, 0, "what was hidden is not told of").await;
    agree(&hub, "aurora-2026", "signed").await;
    assert_eq!(told_of(&hub, &token, 151).await, [151; 3], "nothing need come in for it");
    check(&hub, 150, "it is told of once").await;
    // A grant is told of; another one's grant, which gives the object another place in the log, is not.
    let owner = Signed::person(&hub, "coordinator", PersonRole::DutyOfficer).await;
    let grant = async |organisation: &str, object: &Value| {
        let asker = Signed::person(&hub, "operator-1", PersonRole::Analyst).await;
        let ask = json!({ "object": id_of(object), "recipient": organisation, "purpose": "own-defence", "reason": "r" });
        let request = asker.done("/api/v1/release-requests", ask).await;
        let answer = format!("/api/v1/release-requests/{}/answer", request["id"].as_str().unwrap());
        owner.done(&answer, json!({ "answer": "grant", "text": "yes" })).await;
    };
    grant("operator-2", &amber[0]).await;
    check(&hub, 0, "it had that before").await;
    grant("aurora", &others[0]).await;
    check(&hub, 1, "a grant is news").await;
    grant("operator-2", &others[0]).await;
    check(&hub, 0, "and no news a second time").await;
}
