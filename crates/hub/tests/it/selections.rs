//! What edges find under authorisations: taken in, kept sealed, shown to whom it concerns, and every way to get in what was not granted.

use hub::retention::{KeyServiceConfig, RetentionConfig, initialise};
use oversight::authorisation::{Field, SelectedInformation, Selection, SignedSelection, Terms, Verdict};
use oversight::{Action, OrganisationId, PersonRole};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};
use store::authorisations::{Authorisation, selections};
use tempfile::TempDir;
use uuid::Uuid;

use crate::authorisations::{Edge, granted, notices};
use crate::commissioners::{
    adopt_frame, commission, decided_behind, granted_as, hub_with, wanted, with_frame,
};
use crate::signed::Signed;
use crate::support::TestHub;

/// What must be found in no file.
const PLANTED: &str = "planted-5f0a.example";

/// Where the keys are: beside the data folder, never in it.
pub struct Keys {
    pub folder: TempDir,
    pub public_key: String,
}

impl Keys {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase"), "correct horse battery\n").unwrap();
        let mut keys = Self { folder, public_key: String::new() };
        keys.public_key = initialise(&keys.config(2)).await.unwrap();
        keys
    }

    /// Classes of so many days each.
    pub fn config(&self, days: u32) -> RetentionConfig {
        let path = |name: &str| self.folder.path().join(name);
        let class = |name: &str| json!({ "name": name, "days": days, "legal_basis": "art. 23" });
        serde_json::from_value(json!({
            "folder": path("ledger"), "classes": [class("measures-2y"), class("erase-at-end"), class("r")],
            "service": { "kind": "file", "file": path("keys"), "passphrase_file": path("passphrase") },
        }))
        .unwrap()
    }
}

/// The hub of the commission's tests that keeps what is found.
pub async fn keeping(keys: &Keys, days: u32) -> TestHub {
    let retention = keys.config(days);
    hub_with(move |config| {
        with_frame(config);
        config.retention = Some(retention);
    })
    .await
}

/// The beginning of the hour so many hours ago.
pub fn hours_ago(hours: i64) -> jiff::Timestamp {
    let now = jiff::Timestamp::now().as_second().div_euclid(3600) - hours;
    jiff::Timestamp::from_second(now * 3600).unwrap()
}

/// What an edge finds: one of many different things.
pub fn found(terms: &Terms, grant: u64, edge: &Edge<'_>, number: u128) -> Selection {
    Selection {
        id: Uuid::from_u128(number + 1),
        authorisation: terms.id,
        grant,
        operator: OrganisationId::parse(edge.id.strip_suffix("-1").unwrap()).unwrap(),
        edge: edge.id.clone(),
        member: 0,
        hour: hours_ago(0),
        at_least: 1,
        information: SelectedInformation { ports: vec![443], ..SelectedInformation::default() },
    }
}

pub fn signed(edge: &Edge<'_>, selection: Selection) -> Value {
    let signed = SignedSelection::sign(selection, |bytes| edge.key.sign(bytes).as_ref().try_into().unwrap());
    serde_json::to_value(signed).unwrap()
}

/// Hands in; gives what became of each, and why.
pub async fn hand_in(edge: &Edge<'_>, selections: Vec<Value>) -> Vec<String> {
    let reply = edge.send(Method::POST, "/edge/v1/selections", json!({ "selections": selections })).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let outcomes = reply.json()["outcomes"].as_array().unwrap().clone();
    let told = outcomes.iter().map(|outcome| match outcome["why"].as_str() {
        Some(why) => format!("refused: {why}"),
        None => outcome["outcome"].as_str().unwrap().to_owned(),
    });
    told.collect()
}

fn grant_of(found: &Authorisation) -> (&Terms, u64) {
    (&found.terms, found.grant_leaf.unwrap())
}

/// An edge that has said which key it signs with.
pub async fn edge<'a>(hub: &'a TestHub, operator: &str) -> Edge<'a> {
    let edge = Edge::new(hub, operator).await;
    assert_eq!(edge.register().await.status, 204);
    edge
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_shown_to_whom_it_concerns_and_every_look_is_told() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let mut body = wanted(&["kinki-power", "harbour"]);
    body["fields"] = json!(["domains", "ports", "bytes"]);
    let asked = granted(&mut members, &requester.done("/api/v1/authorisations", body).await).await;
    let terms: Terms = serde_json::from_value(asked["terms"].clone()).unwrap();
    let grant = asked["grant_leaf"].as_u64().unwrap();
    let (power, harbour) = (edge(&hub, "kinki-power").await, edge(&hub, "harbour").await);
    let find = |edge: &Edge<'_>, number: u128, change: fn(&mut Selection)| {
        let mut selection = found(&terms, grant, edge, number);
        change(&mut selection);
        signed(edge, selection)
    };
    let plant: fn(&mut Selection) = |selection| selection.information.domains = vec![PLANTED.to_owned()];
    let first = find(&power, 1, plant);
    assert_eq!(hand_in(&power, vec![first.clone(), find(&power, 2, |_| {})]).await, ["accepted"; 2]);
    assert_eq!(hand_in(&power, vec![first.clone(), first.clone()]).await[0], "duplicate");
    let more: fn(&mut Selection) = |selection| {
        selection.information.domains = vec![PLANTED.to_owned()];
        (selection.at_least, selection.information.bytes) = (100, Some(7));
    };
    assert_eq!(hand_in(&power, vec![find(&power, 1, more)]).await, ["accepted"]);
    assert_eq!(hand_in(&power, vec![first]).await, ["duplicate"], "less of the same replaces nothing");
    assert_eq!(hand_in(&harbour, vec![find(&harbour, 3, |_| {})]).await, ["accepted"]);

    // Whoever asked is shown all of it, as the edge signed it.
    let path = format!("/api/v1/authorisations/{}/selections", terms.id);
    let told = requester.good(&path).await;
    assert_eq!((told["selections"].as_array().unwrap().len(), &told["unopened"]), (3, &json!([])));
    let row = &told["selections"][2];
    assert_eq!((&row["number"], &row["selection"]["at_least"]), (&json!(1), &json!(100)));
    assert_eq!(row["selection"]["information"]["domains"], json!([PLANTED]));
    let kept = SignedSelection {
        selection: serde_json::from_value(row["selection"].clone()).unwrap(),
        signature: row["signature"].as_str().unwrap().to_owned(),
    };
    let mut key = [0; 32];
    hex::decode_to_slice(row["key"].as_str().unwrap(), &mut key).unwrap();
    assert!(kept.is_of(&key));
    let page = requester.good(&format!("{path}?limit=2")).await;
    assert_eq!((&page["selections"][1]["number"], &page["next"]), (&json!(2), &json!(2)));
    let rest = requester.good(&format!("{path}?limit=2&before=2")).await;
    assert_eq!((rest["selections"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    // An operator what left its own network.
    let operator = Signed::person(&hub, "harbour", PersonRole::DutyOfficer).await;
    let told = operator.good(&path).await;
    assert_eq!(told["selections"].as_array().unwrap().len(), 1);
    assert_eq!(told["selections"][0]["selection"]["edge"], "harbour-1");

    // Nobody else, and nobody whose sign-in is old.
    for (organisation, role, status) in [
        ("mod", PersonRole::Approver, 404),
        ("coordinator", PersonRole::Approver, 404),
        ("npa", PersonRole::Analyst, 403),
        ("npa", PersonRole::Administrator, 403),
        ("commission", PersonRole::Commissioner, 403),
        ("commission", PersonRole::Administrator, 403),
    ] {
        let person = Signed::person(&hub, organisation, role).await;
        assert_eq!(person.get(&path).await.status, status, "{organisation} {role:?}");
    }
    let long_ago = Signed::long_ago(&hub).await;
    assert_eq!(long_ago.get(&path).await.json()["code"], "fresh-proof-needed");
    assert_eq!(members[0].signed.get(&path).await.status, 403, "the commission is shown no content");

    // The commission sees how much it was and who looked, and nothing of what it is.
    let used = format!("/api/v1/oversight/authorisations/{}/use", terms.id);
    let told = members[3].signed.good(&used).await;
    let taken = told["taken"].as_array().unwrap().iter();
    let taken: std::collections::BTreeSet<_> = taken.map(|row| row["operator"].as_str().unwrap()).collect();
    assert_eq!(taken.into_iter().collect::<Vec<_>>(), ["harbour", "kinki-power"]);
    assert!(told["taken"].as_array().unwrap().iter().all(|row| row["at_least"] == json!(1)));
    assert_eq!((&told["kept"], &told["uses"], &told["queries_per_day"]), (&json!(1), &json!(0), &json!(2)));
    let looks: Vec<_> = told["looks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|look| (&look["organisation"], &look["at_least"]))
        .collect();
    let (npa, port) = (json!("npa"), json!("harbour"));
    assert_eq!(looks, [(&port, &json!(1)), (&npa, &json!(1)), (&npa, &json!(1)), (&npa, &json!(1))]);
    assert_eq!(
        told["recipients"].as_array().unwrap().iter().map(|row| &row["looks"]).collect::<Vec<_>>(),
        [&json!(1), &json!(3)]
    );
    assert!(!told.to_string().contains(PLANTED) && told["anomalies"] == json!([]));
    for person in [&requester, &operator] {
        assert_eq!(person.get(&used).await.status, 403);
    }
    // Each look is an act, and so is each delivery; none of them says what.
    let seen = hub.audit(Action::SelectionsSeen).await;
    let leaves: Vec<u64> =
        told["looks"].as_array().unwrap().iter().map(|look| look["leaf"].as_u64().unwrap()).collect();
    assert_eq!(seen.iter().map(|row| row.leaf).collect::<Vec<_>>(), leaves);
    let received = hub.audit(Action::SelectionsReceived).await;
    let counts: Vec<_> = received.iter().map(|row| row.event.detail["at_least"].as_str()).collect();
    assert_eq!(counts, ["1", "1", "1"]);
    for row in seen.iter().chain(&received) {
        assert!(!serde_json::to_string(&row.event).unwrap().contains(PLANTED));
    }

    // What was refused as wider is told to the commission at once.
    let wider: fn(&mut Selection) =
        |selection| selection.information.addresses = vec!["192.0.2.1".parse().unwrap()];
    let refused = hand_in(&harbour, vec![find(&harbour, 4, wider), find(&harbour, 5, wider)]).await;
    assert_eq!(refused, ["refused: the grant does not let this leave"; 2]);
    assert_eq!(hub.audit(Action::SelectionAnomaly).await.len(), 1, "two of a kind on one day are one leaf");
    assert_eq!(notices(&members[0].signed).await[0], "authorisation-anomaly");
    let told = members[3].signed.good(&used).await;
    let anomaly = &told["anomalies"][0];
    assert_eq!(
        (&anomaly["kind"], &anomaly["edge"], &anomaly["times"]),
        (&json!("wider"), &json!("harbour-1"), &json!(2))
    );

    // In the files of the store it stands nowhere.
    let TestHub { running, folder, .. } = hub;
    assert!(!in_files(&folder, PLANTED), "not before the log is folded in");
    running.stop().await;
    assert!(!in_files(&folder, PLANTED));
    assert!(in_files(&folder, "selections-received"), "the search finds what is there");
}

/// Whether a text stands in any file of a folder: the database, its write-ahead log, the transparency log.
pub fn in_files(folder: &TempDir, text: &str) -> bool {
    fn walk(folder: &std::path::Path, text: &[u8]) -> bool {
        std::fs::read_dir(folder).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return walk(&path, text);
            }
            let bytes = std::fs::read(&path).unwrap();
            bytes.windows(text.len()).any(|window| window == text)
        })
    }
    walk(folder.path(), text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_in_that_was_not_granted() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let (own, other) = (edge(&hub, "kinki-power").await, edge(&hub, "harbour").await);
    let mine = granted_as(&hub, "npa", "kinki-power", |new| {
        new.terms.fields.extend([Field::Domains, Field::Protocol]);
    })
    .await;
    let theirs = granted_as(&hub, "npa", "harbour", |_| {}).await;
    let sealed = granted_as(&hub, "npa", "kinki-power", |new| new.sealed = true).await;
    let (terms, grant) = grant_of(&mine);
    let good = found(terms, grant, &own, 1);
    let with = |change: &dyn Fn(&mut Selection)| {
        let mut selection = good.clone();
        selection.id = Uuid::new_v4();
        change(&mut selection);
        signed(&own, selection)
    };
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut value = signed(&own, good.clone());
        change(&mut value);
        value
    };
    let malformed = "refused: it does not have the form of a selection";
    let elsewhere = "refused: it is about another grant, operator or edge than the one that sends it";
    let wider = "refused: the grant does not let this leave";
    let unsigned = "refused: it is not signed by this edge's key";
    let unknown = "refused: there is no grant of this at this operator";
    let none = "refused: it is no selection";
    let attacks: Vec<(Value, &str)> = vec![
        (wrong(&|value| value["signature"] = json!("00".repeat(64))), unsigned),
        (wrong(&|value| value["signature"] = json!("no hexadecimal")), unsigned),
        (wrong(&|value| value["selection"]["at_least"] = json!(10)), unsigned),
        (signed(&other, good.clone()), unsigned),
        (with(&|selection| selection.operator = OrganisationId::parse("harbour").unwrap()), elsewhere),
        (with(&|selection| selection.edge = other.id.clone()), elsewhere),
        (with(&|selection| selection.grant += 1), elsewhere),
        (with(&|selection| selection.authorisation = theirs.terms.id), unknown),
        (with(&|selection| selection.authorisation = Uuid::nil()), unknown),
        (
            with(&|selection| {
                (selection.authorisation, selection.grant) = (sealed.terms.id, sealed.grant_leaf.unwrap());
            }),
            "refused: the list is sealed: nothing is looked for by it at an edge",
        ),
        (with(&|selection| selection.information.bytes = Some(1)), wider),
        (with(&|selection| selection.information.hashes = vec![("MD5".to_owned(), "00".repeat(16))]), wider),
        (with(&|selection| selection.member = 1), wider),
        (with(&|selection| selection.at_least = 11), wider),
        (with(&|selection| selection.hour = hours_ago(48)), wider),
        (with(&|selection| selection.hour += jiff::SignedDuration::from_secs(1)), wider),
        (with(&|selection| selection.at_least = 0), malformed),
        (with(&|selection| selection.information.domains = vec!["told me that she".to_owned()]), malformed),
        (
            with(&|selection| {
                selection.information.domains = vec!["b.example".to_owned(), "a.example".to_owned()];
            }),
            malformed,
        ),
        (with(&|selection| selection.information.ports = vec![1, 2, 3]), malformed),
        (with(&|selection| selection.information.protocol = Some("meet at nine".to_owned())), malformed),
        (wrong(&|value| value["selection"]["body"] = json!("x")), none),
        (wrong(&|value| value["selection"]["information"]["user"] = json!("x")), none),
        (wrong(&|value| value["more"] = json!(1)), none),
        (wrong(&|value| value["selection"]["id"] = json!(1)), none),
        (json!(null), none),
        (json!({ "selection": {}, "signature": "" }), none),
        (json!([good]), none),
    ];
    let (bodies, expected): (Vec<_>, Vec<_>) = attacks.into_iter().unzip();
    assert_eq!(hand_in(&own, bodies).await, expected);
    let kept =
        hub.running.store().read(|reader| selections::sealed_after(reader, ("", 0), 10)).await.unwrap();
    assert_eq!(kept, [], "nothing of it is kept");
    let told = hub.audit(Action::SelectionAnomaly).await;
    let kinds: std::collections::BTreeSet<_> =
        told.iter().map(|row| row.event.detail["kind"].as_str()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["elsewhere", "malformed", "sealed", "unsigned", "wider"]
    );
    assert_eq!(told.len(), 5, "one leaf each");

    // An id belongs to what was first handed in under it.
    assert_eq!(hand_in(&own, vec![signed(&own, good.clone())]).await, ["accepted"]);
    let reused = Selection {
        information: SelectedInformation { ports: vec![80], ..Default::default() },
        ..good.clone()
    };
    let again = granted_as(&hub, "npa", "kinki-power", |_| {}).await;
    let moved = Selection { authorisation: again.terms.id, grant: again.grant_leaf.unwrap(), ..good.clone() };
    let refused = "refused: something else was handed in under this id";
    for selection in [reused, moved] {
        assert_eq!(hand_in(&own, vec![signed(&own, selection)]).await, [refused]);
    }
    let stolen = found(&theirs.terms, theirs.grant_leaf.unwrap(), &other, 1);
    assert_eq!(hand_in(&other, vec![signed(&other, stolen)]).await, [refused], "another edge's id");

    // Too many at once, an edge without a key, a person, a program.
    let many = json!({ "selections": vec![signed(&own, good.clone()); 501] });
    assert_eq!(own.send(Method::POST, "/edge/v1/selections", many).await.status, 422);
    let twice = hand_in(&own, vec![with(&|s| s.id = Uuid::from_u128(77)); 2]).await;
    assert_eq!(twice, ["accepted", "refused: it stands twice in this request"]);
    let keyless = Edge::new(&hub, "mod").await;
    assert_eq!(
        hand_in(&keyless, vec![signed(&own, good.clone())]).await,
        ["refused: this edge has registered no key"]
    );
    let program = hub.ask(Method::POST, "/edge/v1/selections").body("{}").send().await;
    assert_eq!(program.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_the_hour_of_a_stop_or_later_is_not_taken() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let own = edge(&hub, "harbour").await;
    let earlier = |new: &mut store::authorisations::NewAuthorisation| new.terms.from = hours_ago(30);
    let granted = granted_as(&hub, "npa", "harbour", earlier).await;
    let (terms, grant) = grant_of(&granted);
    let of = |number, hours| Selection { hour: hours_ago(hours), ..found(terms, grant, &own, number) };
    assert_eq!(hand_in(&own, vec![signed(&own, of(1, 0)), signed(&own, of(2, 2))]).await, ["accepted"; 2]);
    for verdict in [Verdict::Suspend, Verdict::Revoke] {
        decided_behind(&hub, terms.id, verdict).await;
        let number = if verdict == Verdict::Suspend { 10 } else { 20 };
        let sent = [of(number, 0), of(number + 1, 2), of(number + 2, 25)].map(|one| signed(&own, one));
        let stopped = "refused: the authorisation was stopped in its hour, or before";
        assert_eq!(hand_in(&own, sent.into()).await, [stopped, "accepted", "accepted"], "{verdict:?}");
        // More of what is there is more, and falls under the same rule.
        let more = Selection { at_least: 1_000, ..of(1, 0) };
        assert_eq!(hand_in(&own, vec![signed(&own, more)]).await, [stopped]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_at_the_bound() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let (own, other) = (edge(&hub, "harbour").await, edge(&hub, "kinki-power").await);
    let both = granted_as(&hub, "npa", "harbour", |new| {
        new.terms.operators.insert(OrganisationId::parse("kinki-power").unwrap());
    })
    .await;
    let (terms, grant) = grant_of(&both);
    for batch in 0..20_u128 {
        let sent = (0..500).map(|number| signed(&own, found(terms, grant, &own, batch * 500 + number)));
        assert_eq!(hand_in(&own, sent.collect()).await, ["accepted"; 500]);
    }
    let more = [10_000, 10_001].map(|number| signed(&own, found(terms, grant, &own, number)));
    for outcome in hand_in(&own, more.into()).await {
        assert!(outcome.starts_with("refused: under one authorisation 10000 selections"), "{outcome}");
    }
    // What is there may still grow, and others are not kept out.
    let grown = Selection { at_least: 10, ..found(terms, grant, &own, 0) };
    assert_eq!(hand_in(&own, vec![signed(&own, grown)]).await, ["accepted"]);
    let others = found(terms, grant, &other, 20_000);
    assert_eq!(hand_in(&other, vec![signed(&other, others)]).await, ["accepted"]);
    let told = hub.audit(Action::SelectionAnomaly).await;
    assert_eq!(told.iter().map(|row| row.event.detail["kind"].as_str()).collect::<Vec<_>>(), ["flood"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_retention_nothing_is_taken_or_shown() {
    let hub = TestHub::start_with(with_frame).await;
    for (name, role) in
        [("npa", oversight::OrganisationRole::Agency), ("harbour", oversight::OrganisationRole::Operator)]
    {
        hub.organisation(name, role).await;
    }
    let own = edge(&hub, "harbour").await;
    let granted = granted_as(&hub, "npa", "harbour", |_| {}).await;
    let (terms, grant) = grant_of(&granted);
    let refused = hand_in(&own, vec![signed(&own, found(terms, grant, &own, 1))]).await;
    assert!(refused[0].contains("has not configured `[retention]`"), "{refused:?}");
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let shown = requester.get(&format!("/api/v1/authorisations/{}/selections", terms.id)).await;
    assert_eq!(shown.json()["code"], "unavailable");

    // A class that is not configured takes nothing, either.
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let own = edge(&hub, "harbour").await;
    for class in ["other", "no name: {}"] {
        let granted = granted_as(&hub, "npa", "harbour", |new| new.terms.retention = class.to_owned()).await;
        let (terms, grant) = grant_of(&granted);
        let refused = hand_in(&own, vec![signed(&own, found(terms, grant, &own, 1))]).await;
        let expected = format!("refused: this node keeps nothing in the retention class `{class}`");
        assert!(refused[0].starts_with(&expected), "{refused:?}");
    }
}

/// Whoever has the database in hand opens nothing and moves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_with_the_database_in_hand_opens_and_moves_nothing() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let (own, other) = (edge(&hub, "harbour").await, edge(&hub, "kinki-power").await);
    let both = granted_as(&hub, "npa", "harbour", |new| {
        new.terms.operators.insert(OrganisationId::parse("kinki-power").unwrap());
    })
    .await;
    let another = granted_as(&hub, "mod", "harbour", |_| {}).await;
    let (terms, grant) = grant_of(&both);
    let sent = (0..3).map(|number| signed(&own, found(terms, grant, &own, number)));
    assert_eq!(hand_in(&own, sent.collect()).await, ["accepted"; 3]);
    assert_eq!(hand_in(&other, vec![signed(&other, found(terms, grant, &other, 9))]).await, ["accepted"]);
    let (npa, power) = (
        Signed::person(&hub, "npa", PersonRole::Approver).await,
        Signed::person(&hub, "kinki-power", PersonRole::Approver).await,
    );
    let ministry = Signed::person(&hub, "mod", PersonRole::Approver).await;
    let path = |id: Uuid| format!("/api/v1/authorisations/{id}/selections");
    let database = rusqlite::Connection::open(hub.folder.path().join("yagura.sqlite")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let shown = |told: &Value| (told["selections"].as_array().unwrap().len(), told["unopened"].clone());
    assert_eq!(shown(&npa.good(&path(terms.id)).await), (4, json!([])));

    // Each bit of a record counts: one flipped anywhere, and it does not open.
    let record: Vec<u8> =
        database.query_row("SELECT sealed FROM selections WHERE number = 1", (), |row| row.get(0)).unwrap();
    let put = |bytes: &[u8]| {
        database.execute("UPDATE selections SET sealed = ?1 WHERE number = 1", [bytes]).unwrap();
    };
    for place in (0..record.len()).step_by(17).chain([record.len() - 1]) {
        let mut altered = record.clone();
        altered[place] ^= 1 << (place % 8);
        put(&altered);
        assert_eq!(shown(&npa.good(&path(terms.id)).await), (3, json!([1])), "{place}");
    }
    put(&record[..record.len() - 1]);
    assert_eq!(shown(&npa.good(&path(terms.id)).await), (3, json!([1])));
    put(&record);
    assert_eq!(shown(&npa.good(&path(terms.id)).await), (4, json!([])));

    // Moved to another authorisation, another operator, another row, another class key.
    let tries: [(&str, &str); 4] = [
        (
            "UPDATE selections SET authorisation = ?2, number = 90 WHERE number = 1",
            "UPDATE selections SET authorisation = ?1, number = 1 WHERE number = 90 AND ?1 <> ?2",
        ),
        (
            "UPDATE selections SET operator = 'kinki-power' WHERE number = 1 AND ?1 <> ?2",
            "UPDATE selections SET operator = 'harbour' WHERE number = 1 AND ?1 <> ?2",
        ),
        (
            "UPDATE selections SET edge = 'kinki-power-1' WHERE number = 1 AND ?1 <> ?2",
            "UPDATE selections SET edge = 'harbour-1' WHERE number = 1 AND ?1 <> ?2",
        ),
        (
            "UPDATE selections SET class_key = REPLACE(class_key, ?1, ?2) WHERE number = 1",
            "UPDATE selections SET class_key = REPLACE(class_key, ?2, ?1) WHERE number = 1",
        ),
    ];
    let ids = [terms.id.to_string(), another.terms.id.to_string()];
    for (change, back) in tries {
        assert_eq!(database.execute(change, ids.clone()).unwrap(), 1, "{change}");
        for (person, id) in [(&npa, terms.id), (&power, terms.id), (&ministry, another.terms.id)] {
            let told = person.good(&path(id)).await;
            let of_row = |row: &Value| row["selection"]["id"] == json!(Uuid::from_u128(1));
            assert!(!told["selections"].as_array().unwrap().iter().any(of_row), "{change}");
        }
        assert_eq!(database.execute(back, ids.clone()).unwrap(), 1, "{back}");
    }
    database
        .execute_batch(
            "CREATE TEMP TABLE t AS SELECT number, sealed FROM selections;
             UPDATE selections SET sealed = (SELECT sealed FROM t WHERE t.number = 3 - selections.number) WHERE number IN (1, 2);",
        )
        .unwrap();
    assert_eq!(shown(&npa.good(&path(terms.id)).await), (2, json!([2, 1])), "two rows exchanged");
    // What was altered is not put right by who sends it again: it stays as evidence.
    assert_eq!(hand_in(&own, vec![signed(&own, found(terms, grant, &own, 0))]).await, ["duplicate"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The configuration says where secrets are and holds none; what it does not know it refuses.
    #[test]
    fn a_retention_configuration_is_read_strictly(field in "[a-z_]{1,12}", days in 0_u32..50_000) {
        let known = ["kind", "file", "passphrase_file"];
        prop_assume!(!known.contains(&field.as_str()));
        let text = format!(
            "folder = '/k'\n[[classes]]\nname = 'a'\ndays = {days}\nlegal_basis = 'b'\n[service]\nkind = 'file'\nfile = '/f'\npassphrase_file = '/p'\n"
        );
        let read = toml::from_str::<RetentionConfig>(&text);
        prop_assert_eq!(read.is_ok(), (1..=36_525).contains(&days));
        if let Ok(read) = read {
            let is_file = matches!(read.service, KeyServiceConfig::File { .. });
            prop_assert!(is_file);
        }
        let unknown = format!("{text}{field} = 'x'\n");
        prop_assert!(toml::from_str::<RetentionConfig>(&unknown).is_err());
    }
}
