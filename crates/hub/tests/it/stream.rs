//! The live stream: what comes, in which order, to whom, and when it ends.

use std::time::Duration;

use oversight::{OrganisationRole, PersonRole, Realm};
use policy::Engine;
use serde_json::Value;
use stix::marking::Tlp;
use store::{Act, tokens};

use crate::support::{TestHub, V1, id_of, indicator, marked};

/// Longer than any event takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open stream.
pub struct Follow {
    response: reqwest::Response,
    text: String,
    /// The beginning of a character that the next part goes on with.
    bytes: Vec<u8>,
}

/// One event; comments are passed over.
#[derive(Debug, PartialEq)]
pub struct Event {
    pub kind: String,
    id: String,
    data: Value,
}

impl Event {
    /// What a reader that has it says when it comes again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The object that it tells of.
    pub fn object(&self) -> &str {
        self.data["object"]["id"].as_str().or(self.data["id"].as_str()).unwrap()
    }
}

impl Follow {
    pub async fn open(hub: &TestHub, token: &str, after: &str) -> Self {
        let ask = hub
            .get("/api/v1/stream")
            .header("accept", "text/event-stream")
            .bearer(token)
            .header("last-event-id", after);
        Self::over(ask.response().await)
    }

    /// From now on, by a person's session.
    pub async fn of_session(hub: &TestHub, secret: &str) -> Self {
        let ask = hub.get("/api/v1/stream").stranger().header("accept", "text/event-stream");
        Self::over(ask.header("cookie", &format!("yagura_session={secret}")).response().await)
    }

    fn over(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), bytes: Vec::new() }
    }

    /// The next object that it tells of.
    pub async fn next_object(&mut self) -> String {
        loop {
            let event = self.next().await.expect("the stream ended");
            if event.kind == "object" {
                return event.object().to_owned();
            }
        }
    }

    /// The next event; `None` when the stream ends.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((event, rest)) =
                self.text.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned()))
            {
                self.text = rest;
                let field = |name: &str| {
                    let value = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    value.unwrap_or_default().to_owned()
                };
                if !field("data").is_empty() {
                    return Some(Event {
                        kind: field("event"),
                        id: field("id"),
                        data: serde_json::from_str(&field("data")).unwrap(),
                    });
                }
            }
            let part =
                tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("the stream fell silent");
            // A connection that is closed in the middle of the answer ends the stream as well.
            let part = part.ok().flatten()?;
            self.bytes.extend_from_slice(&part);
            let whole = std::str::from_utf8(&self.bytes).map_or_else(|error| error.valid_up_to(), str::len);
            self.text.push_str(std::str::from_utf8(&self.bytes[..whole]).unwrap());
            self.bytes.drain(..whole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_and_the_stream_resumes() {
    let hub = TestHub::start().await;
    let objects: Vec<Value> = (0..5).map(|_| indicator(V1)).collect();
    let mut live = Follow::open(&hub, &hub.token, "").await;
    hub.post(&objects).await;
    let mut seen = Vec::new();
    for object in &objects {
        let event = live.next().await.unwrap();
        assert_eq!((event.kind.as_str(), event.object()), ("object", id_of(object).as_str()));
        assert_eq!(event.data["object"]["sequence"].to_string(), event.id);
        seen.push(event);
    }
    let mut resumed = Follow::open(&hub, &hub.token, &seen[1].id).await;
    for event in &seen[2..] {
        assert_eq!(resumed.next().await.as_ref(), Some(event));
    }
    let late = indicator(V1);
    hub.post(std::slice::from_ref(&late)).await;
    assert_eq!(resumed.next().await.unwrap().object(), id_of(&late));
    let path = hub.within(&format!("objects/{}/", id_of(&late)));
    assert_eq!(hub.ask(reqwest::Method::DELETE, &path).send().await.status, 200);
    let removed = resumed.next().await.unwrap();
    assert_eq!((removed.kind.as_str(), removed.object()), ("removed", id_of(&late).as_str()));
    let refused = hub.get("/api/v1/stream").header("last-event-id", "x").send().await;
    assert_eq!(refused.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_for_those_who_may_see_it_under_the_policies_of_the_moment() {
    let hub = TestHub::start().await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let token = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let mut operator = Follow::open(&hub, &token, "0").await;
    let mut coordinator = Follow::open(&hub, &hub.token, "").await;
    let (red, green) = (marked(indicator(V1), Tlp::Red), marked(indicator(V1), Tlp::Green));
    hub.post(&[red.clone(), green.clone()]).await;
    assert_eq!(coordinator.next().await.unwrap().object(), id_of(&red));
    assert_eq!(coordinator.next().await.unwrap().object(), id_of(&green));
    loop {
        // Before it come the node's own definitions, which are free.
        let event = operator.next().await.unwrap();
        assert_ne!(event.object(), id_of(&red));
        if event.object() == id_of(&green) {
            break;
        }
    }
    // From now on, GREEN is for the coordinator alone.
    let narrowed: Vec<(String, String)> = Engine::built_in()
        .into_iter()
        .map(|(name, text)| {
            let rule = "resource.tlp == Yagura::Tlp::\"green\" &&";
            (
                name,
                text.replace(
                    rule,
                    &format!(
                        "{rule} principal.organisation_role == Yagura::OrganisationRole::\"coordinator\" &&"
                    ),
                ),
            )
        })
        .collect();
    assert_ne!(narrowed, Engine::built_in());
    hub.running.replace_policies(&narrowed).await.unwrap();
    let (hidden, own) = (marked(indicator(V1), Tlp::Green), marked(indicator(V1), Tlp::Green));
    hub.post(std::slice::from_ref(&hidden)).await;
    hub.post_as(&token, std::slice::from_ref(&own)).await;
    assert_eq!(operator.next().await.unwrap().object(), id_of(&own), "the one before it is hidden now");
    assert_eq!(coordinator.next().await.unwrap().object(), id_of(&hidden));
}

/// An object whose event is so long that the events of a few hundred fill what a connection holds.
fn talkative() -> Value {
    let mut object = indicator(V1);
    object["labels"] = (0..20).map(|number| format!("{number:02}{}", "塔".repeat(78))).collect();
    object["description"] = "櫓".repeat(280).into();
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn other_policies_leave_nothing_out_of_what_waits() {
    let hub = TestHub::start().await;
    let objects: Vec<Value> = (0..2_000).map(|_| talkative()).collect();
    let mut stream = Follow::open(&hub, &hub.token, "").await;
    hub.post(&objects).await;
    let mut seen = vec![stream.next().await.unwrap()];
    // The connection is full: the rest of a batch waits for its reader.
    hub.running.replace_policies(&Engine::built_in()).await.unwrap();
    let rest = async {
        while seen.len() < objects.len() {
            seen.push(stream.next().await.unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, rest).await.expect("what waited is told");
    let told: Vec<&str> = seen.iter().map(Event::object).collect();
    let sent: Vec<String> = objects.iter().map(id_of).collect();
    assert!(told == sent, "each once, and in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_told_as_one_to_those_who_work_on_cases() {
    let hub = TestHub::start().await;
    let trainee = hub.token("coordinator", &[PersonRole::Trainee]).await;
    let mut worker = Follow::open(&hub, &hub.token, "").await;
    let mut learner = Follow::open(&hub, &trainee, "").await;
    let new = serde_json::json!({ "title": "t", "severity": 2 });
    let reply = hub.send_json(&hub.token, reqwest::Method::POST, "/api/v1/cases", new).await;
    assert_eq!(reply.status, 200);
    assert_eq!(worker.next().await.unwrap().kind, "case");
    // What follows the case, so that the trainee has something to wait for where it may not see the case at all.
    let after = indicator(V1);
    hub.post(std::slice::from_ref(&after)).await;
    loop {
        let event = learner.next().await.unwrap();
        assert_eq!(event.kind, "object");
        if event.object() == id_of(&after) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_right_to_it() {
    let hub = TestHub::start().await;
    let token = hub.token("coordinator", &[PersonRole::Trainee]).await;
    let mut stream = Follow::open(&hub, &token, "").await;
    hub.post(&[indicator(V1)]).await;
    stream.next().await.unwrap();
    let done = hub.running.store().write(move |tx| {
        let hash = store::secrets::hash(&token);
        let token = tokens::by_hash(tx, &Realm::Live, &hash)?.unwrap();
        tokens::revoke(tx, &Realm::Live, &token.id).map(Act::bookkeeping)
    });
    assert!(done.await.unwrap());
    hub.post(&[indicator(V1)]).await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_open_streams() {
    let hub = TestHub::start().await;
    let mut stream = Follow::open(&hub, &hub.token, "").await;
    let TestHub { running, folder, .. } = hub;
    tokio::time::timeout(PATIENCE, running.stop()).await.expect("the stop waits for nobody");
    assert_eq!(stream.next().await, None);
    drop(folder);
}
