//! Private matching through the hub's doors: from the request to the audit, and every way to get more out of a round than was granted.

use oprf::{
    Answering, Day, Input, Ledger, List, Mode, Operator, OperatorId, Query, RECEIPT_KIND, RoundId, RoundOpen,
    Seed, Threads,
};
use oversight::authorisation::{PrivateList, PrivateMode, PrivateTerms, Terms, Verdict, met};
use oversight::{Action, OrganisationId, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use stix::observable::ValueKind;
use store::authorisations::{Authorisation, NewAuthorisation, rounds};
use uuid::Uuid;

use crate::authorisations::{Edge, granted};
use crate::commissioners::{adopt_frame, commission, decided_behind, granted_as, wanted};
use crate::selections::{Keys, keeping};
use crate::signed::Signed;
use crate::support::{Reply, TestHub};

/// N: two batches, the second one not full.
const ELEMENTS: u32 = 1_500;
const SEED: [u8; 32] = [7; 32];

fn patterns() -> Vec<String> {
    let names = (0..40).map(|number| format!("[domain-name:value = 'listed-{number}.example']"));
    let met =
        ["[ipv4-addr:value = '203.0.113.1']", "[domain-name:value = 'evil.example']"].map(str::to_owned);
    names.chain(met).collect()
}

/// What the operator met: two of the list, one of them by a name below it, and much else.
fn traffic() -> List {
    let mut inputs = Vec::new();
    let mut add = |kind, value: &str| met(kind, value, &mut |input: Input| inputs.push(input));
    add(ValueKind::Ipv4, "203.0.113.1");
    add(ValueKind::Domain, "www.evil.example");
    for number in 0..500 {
        add(ValueKind::Domain, &format!("benign-{number}.example"));
    }
    List::new(inputs).unwrap()
}

/// Terms for private matching of [`patterns`].
fn private(mode: PrivateMode) -> impl FnOnce(&mut NewAuthorisation) {
    move |new| {
        let list = PrivateList::read(&patterns()).unwrap();
        let seed = Seed::new(SEED);
        (new.list.patterns, new.list.salt, new.sealed) = (patterns(), hex::encode(SEED), true);
        new.terms.fields.clear();
        new.terms.list_size = 42;
        new.terms.list_root = hex::encode(list.root(&seed));
        new.terms.private = Some(PrivateTerms {
            mode,
            elements: ELEMENTS,
            filter_values_max: 2_048,
            seed_commitment: hex::encode(seed.commitment()),
        });
    }
}

/// An edge whose key is known, with the operator it is of.
struct Party<'a> {
    edge: Edge<'a>,
    operator: OrganisationId,
    notes: tlog::SigningKey,
}

impl<'a> Party<'a> {
    async fn new(hub: &'a TestHub, operator: &str) -> Self {
        let mut edge = Edge::new(hub, operator).await;
        let seed = [operator.len() as u8; 32];
        edge.key = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        assert_eq!(edge.register().await.status, 204);
        let notes = tlog::SigningKey::from_seed(&edge.id, seed).unwrap();
        Self { edge, operator: OrganisationId::parse(operator).unwrap(), notes }
    }

    async fn waiting(&self) -> Vec<Uuid> {
        let reply = self.edge.send(Method::GET, "/edge/v1/rounds", Value::Null).await;
        let told = reply.json()["rounds"].as_array().unwrap().clone();
        told.iter().map(|round| round["id"].as_str().unwrap().parse().unwrap()).collect()
    }

    /// The operator's side of a round, as its edge would open it.
    fn side(&self, terms: &Terms, number: u8) -> (Operator, RoundOpen) {
        side_of(terms.round_at(&self.operator).unwrap(), number)
    }

    async fn post(&self, round: Uuid, what: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.edge.send_bytes(&format!("/edge/v1/rounds/{round}/{what}"), body.into()).await
    }

    async fn query(&self, round: Uuid, batch: u32) -> Reply {
        self.edge.send(Method::GET, &format!("/edge/v1/rounds/{round}/queries/{batch}"), Value::Null).await
    }

    /// Opens a round and sends the set.
    async fn open(&self, terms: &Terms, round: Uuid, number: u8) -> (Answering, RoundOpen) {
        let (operator, open) = self.side(terms, number);
        let reply = self.post(round, "open", open.encode()).await;
        assert_eq!(reply.status, 204, "{}", String::from_utf8_lossy(&reply.body));
        let (answering, filter) = operator.filter(Threads::ONE).unwrap();
        let reply = self.post(round, "filter", filter.encode()).await;
        assert_eq!(reply.status, 204, "{}", String::from_utf8_lossy(&reply.body));
        (answering, open)
    }

    async fn asked(&self, round: Uuid, open: &RoundOpen) -> Vec<Query> {
        let mut queries = Vec::new();
        for batch in 0..open.batches() {
            queries.push(Query::decode(&self.query(round, batch).await.body).unwrap());
        }
        queries
    }

    async fn answer(&self, round: Uuid, open: &RoundOpen, answering: &mut Answering) {
        let queries = self.asked(round, open).await;
        for answer in answering.answer(&queries, Threads::ONE).unwrap() {
            let reply = self.post(round, "answers", answer.encode()).await;
            assert_eq!(reply.status, 204, "{}", String::from_utf8_lossy(&reply.body));
        }
    }

    fn sign(&self, answering: Answering) -> String {
        answering.finish(1_800_000_000, |body| self.notes.sign_statement(RECEIPT_KIND, body)).1
    }
}

fn side_of(terms: oprf::Terms, number: u8) -> (Operator, RoundOpen) {
    let admitted = Ledger::new(u64::MAX).admit(terms, RoundId([number; 16]), Day(1)).unwrap().0;
    Operator::open(admitted, traffic(), Seed::new([number; 32])).unwrap()
}

fn path(id: Uuid) -> String {
    format!("/api/v1/authorisations/{id}/rounds")
}

/// Asks for a round; its id.
async fn ask(requester: &Signed<'_>, id: Uuid, operator: &str) -> Uuid {
    let told = requester.done(&path(id), json!({ "operator": operator })).await;
    assert_eq!((&told["state"], &told["at_least"]), (&json!("asked"), &Value::Null));
    told["id"].as_str().unwrap().parse().unwrap()
}

async fn row(person: &Signed<'_>, id: Uuid, round: Uuid) -> Value {
    let told = person.good(&path(id)).await["rounds"].clone();
    told.as_array().unwrap().iter().find(|row| row["id"] == json!(round)).unwrap().clone()
}

/// Whether bytes stand in any file of the hub's data folder.
fn is_written(hub: &TestHub, wanted: &[u8]) -> bool {
    fn walk(folder: &std::path::Path, wanted: &[u8]) -> bool {
        std::fs::read_dir(folder).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return walk(&path, wanted);
            }
            std::fs::read(&path).unwrap().windows(wanted.len()).any(|window| window == wanted)
        })
    }
    walk(hub.folder.path(), wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_from_the_request_to_the_audit() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let mut body = wanted(&["kinki-power", "harbour"]);
    body["indicators"] = json!(patterns());
    body["fields"] = json!([]);
    body["queries_per_day"] = json!(1);
    body["private"] = json!({ "mode": "match", "elements": ELEMENTS, "filter_values_max": 2048 });
    let asked = requester.done("/api/v1/authorisations", body).await;
    assert_eq!((&asked["sealed"], &asked["terms"]["private"]["mode"]), (&json!(true), &json!("match")));
    let id: Uuid = asked["id"].as_str().unwrap().parse().unwrap();
    let early = requester.post(&path(id), json!({ "operator": "kinki-power" })).await;
    assert_eq!(early.status, 422, "asked for is not granted");
    let terms: Terms = serde_json::from_value(granted(&mut members, &asked).await["terms"].clone()).unwrap();

    let (power, harbour) = (Party::new(&hub, "kinki-power").await, Party::new(&hub, "harbour").await);
    let round = ask(&requester, id, "kinki-power").await;
    assert_eq!((power.waiting().await, harbour.waiting().await), (vec![round], vec![]));
    let (mut answering, open) = power.open(&terms, round, 4).await;
    let filter = power.side(&terms, 4).0.filter(Threads::ONE).unwrap().1.encode();
    assert_eq!(
        power.post(round, "filter", filter.clone()).await.status,
        204,
        "the same again changes nothing"
    );
    power.answer(round, &open, &mut answering).await;
    let last = answering_again(&power, &terms, round, &open, 4).await;
    assert_eq!(power.post(round, "answers", last).await.status, 204, "the answer was lost on its way");
    let note = power.sign(answering);
    assert_eq!(power.post(round, "receipt", note.clone()).await.status, 204);
    assert_eq!(power.post(round, "receipt", note.clone()).await.status, 204);

    // To whoever asked which of its patterns; a look is an act.
    let told = row(&requester, id, round).await;
    assert_eq!(
        (&told["state"], &told["at_least"], &told["receipt"]),
        (&json!("matched"), &json!(1), &Value::Null)
    );
    assert_eq!((&told["edge"], &told["elements"]), (&json!("kinki-power-1"), &json!(ELEMENTS)));
    let found = format!("{}/{round}/found", path(id));
    assert_eq!(requester.good(&found).await, json!({ "members": [40, 41], "count": 2, "cut": false }));
    // To the operator that there was a round; to the commission how much; what was found to neither.
    let operator = Signed::person(&hub, "kinki-power", PersonRole::Approver).await;
    let told = row(&operator, id, round).await;
    assert_eq!(
        (&told["at_least"], &told["receipt"], &told["audit"]),
        (&Value::Null, &json!(note), &Value::Null)
    );
    let other = Signed::person(&hub, "harbour", PersonRole::Approver).await;
    assert_eq!(other.good(&path(id)).await["rounds"], json!([]), "another operator's round");
    for (person, status) in [(&operator, 404), (&other, 404), (&members[0].signed, 403)] {
        assert_eq!(person.get(&found).await.status, status);
    }
    let stranger = Signed::person(&hub, "mod", PersonRole::Approver).await;
    assert_eq!((stranger.get(&found).await.status, stranger.get(&path(id)).await.status), (404, 404));
    let selections = requester.get(&format!("/api/v1/authorisations/{id}/selections")).await;
    assert_eq!(selections.status, 404, "there are no selections in private matching");

    // The commission works it out once more, from the hub's list and from what the asker gives it.
    let audit = format!("/api/v1/oversight/authorisations/{id}/rounds/{round}/audit");
    let told = members[3].signed.done(&audit, json!({})).await;
    assert_eq!((&told["audit"]["verdict"], &told["at_least"]), (&json!("good"), &json!(1)));
    let given = members[3].signed.good(&format!("/api/v1/authorisations/{id}/list")).await;
    let mut other_list = given.clone();
    other_list["patterns"][3] = json!("[domain-name:value = 'other.example']");
    let mut other_seed = given.clone();
    other_seed["salt"] = json!("00".repeat(32));
    for (list, verdict) in [(given, "good"), (other_list, "list"), (other_seed, "seed")] {
        let told = members[3].signed.done(&audit, json!({ "list": list })).await;
        assert_eq!(told["audit"]["verdict"], json!(verdict));
    }
    assert_eq!(requester.post(&audit, json!({})).await.status, 403);

    let again = requester.post(&path(id), json!({ "operator": "kinki-power" })).await;
    assert_eq!(again.status, 409, "one a day");
    ask(&requester, id, "harbour").await;
    for (action, count) in [
        (Action::PrivateRoundAsked, 2),
        (Action::PrivateRoundOpened, 1),
        (Action::PrivateRoundEnded, 1),
        (Action::PrivateRoundSigned, 1),
        (Action::PrivateRoundAudited, 4),
        (Action::SelectionsSeen, 1),
    ] {
        assert_eq!(hub.audit(action).await.len(), count, "{action:?}");
    }
    let query = power.side(&terms, 4).1.encode();
    assert!(is_written(&hub, &query), "the opening is kept, so this look finds what is there");
    assert!(!is_written(&hub, &filter[40..80]), "the set is nowhere");
}

/// The last answer of a round once more.
async fn answering_again(
    party: &Party<'_>,
    terms: &Terms,
    round: Uuid,
    open: &RoundOpen,
    number: u8,
) -> Vec<u8> {
    let mut answering = party.side(terms, number).0.filter(Threads::ONE).unwrap().0;
    assert_eq!(party.query(round, 0).await.status, 404, "the round is over");
    let list = PrivateList::read(&patterns()).unwrap();
    let hub = hub_side(terms, party, open, &list);
    let queries =
        hub.ask(party.side(terms, number).0.filter(Threads::ONE).unwrap().1, Threads::ONE).unwrap().1;
    answering.answer(&queries, Threads::ONE).unwrap().last().unwrap().encode()
}

/// A hub that asks for another list than it may.
fn hub_side(terms: &Terms, party: &Party<'_>, open: &RoundOpen, list: &PrivateList) -> oprf::Hub {
    let rounds = terms.round_at(&party.operator).unwrap();
    let admitted = Ledger::new(u64::MAX).admit(rounds, open.round, Day(1)).unwrap().0;
    oprf::Hub::open(admitted, open.clone(), list.list().clone(), &[], Seed::new(SEED)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_indicator_is_found_by_the_audit() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let power = Party::new(&hub, "kinki-power").await;
    let Authorisation { terms, .. } =
        granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Match)).await;
    let round = ask(&requester, terms.id, "kinki-power").await;
    let (mut honest, open) = power.open(&terms, round, 4).await;
    power.answer(round, &open, &mut honest).await;
    // What the edge would have signed had the hub asked for one other value.
    let mut swapped = patterns();
    swapped[7] = "[domain-name:value = 'journalist.example']".to_owned();
    let (mut answering, filter) = power.side(&terms, 4).0.filter(Threads::ONE).unwrap();
    let cheating = hub_side(&terms, &power, &open, &PrivateList::read(&swapped).unwrap());
    let queries = cheating.ask(filter, Threads::ONE).unwrap().1;
    answering.answer(&queries, Threads::ONE).unwrap();
    assert_eq!(power.post(round, "receipt", power.sign(answering)).await.status, 204);
    let late = power.post(round, "receipt", power.sign(honest)).await;
    assert_eq!(late.status, 409, "the first receipt stands");
    let audit = format!("/api/v1/oversight/authorisations/{}/rounds/{round}/audit", terms.id);
    let told = members[0].signed.done(&audit, json!({})).await;
    assert_eq!(told["audit"]["verdict"], json!("substituted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_counts_tells_how_many_and_no_more() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let requester = agency(&hub).await;
    let power = Party::new(&hub, "kinki-power").await;
    let Authorisation { terms, .. } =
        granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Count)).await;
    let round = ask(&requester, terms.id, "kinki-power").await;
    let (mut answering, open) = power.open(&terms, round, 4).await;
    assert_eq!(open.mode, Mode::Count);
    power.answer(round, &open, &mut answering).await;
    let found = requester.good(&format!("{}/{round}/found", path(terms.id))).await;
    assert_eq!(found, json!({ "members": [], "count": 2, "cut": false }));
}

async fn agency(hub: &TestHub) -> Signed<'_> {
    Signed::person(hub, "npa", PersonRole::Approver).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_opens_nothing_that_was_not_asked_of_it() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let requester = agency(&hub).await;
    let (power, harbour) = (Party::new(&hub, "kinki-power").await, Party::new(&hub, "harbour").await);
    let Authorisation { terms, .. } =
        granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Match)).await;
    let round = ask(&requester, terms.id, "kinki-power").await;
    let (_, open) = power.side(&terms, 4);
    assert_eq!(harbour.post(round, "open", open.encode()).await.status, 404, "another operator's");
    assert_eq!(power.post(Uuid::new_v4(), "open", open.encode()).await.status, 404);
    let rounds_of = terms.round_at(&power.operator).unwrap();
    let changed = |change: fn(&mut oprf::Terms)| {
        let mut terms = rounds_of.clone();
        change(&mut terms);
        side_of(terms, 4).1.encode()
    };
    let mut no_point = open.encode();
    no_point[67..99].fill(0xff);
    for (body, what) in [
        (changed(|terms| terms.elements = ELEMENTS - 1), "another N"),
        (changed(|terms| terms.operator = OperatorId([1; 16])), "another operator"),
        (changed(|terms| terms.mode = Mode::Count), "another mode"),
        (no_point, "a key that is no point"),
        (open.encode()[..100].to_vec(), "cut off"),
        ([open.encode(), vec![0]].concat(), "too long"),
    ] {
        assert_eq!(power.post(round, "open", body).await.status, 422, "{what}");
    }
    assert_eq!(power.waiting().await, [round], "it waits still");
    assert_eq!(power.post(round, "filter", vec![0]).await.status, 404, "it is not open");
    assert_eq!(power.post(round, "open", open.encode()).await.status, 204);
    assert_eq!(power.post(round, "open", open.encode()).await.status, 204, "the same again changes nothing");
    assert_eq!(power.post(round, "open", power.side(&terms, 6).1.encode()).await.status, 404, "it is open");
    assert_eq!(harbour.post(round, "filter", vec![0]).await.status, 404);

    // The same number under another authorisation, and another number under this one on the same day.
    let other = granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Match)).await.terms;
    let next = ask(&requester, other.id, "kinki-power").await;
    assert_eq!(power.post(next, "open", power.side(&other, 4).1.encode()).await.status, 422, "replayed");
    assert_eq!(
        power.post(next, "open", power.side(&terms, 5).1.encode()).await.status,
        422,
        "another grant's"
    );
    assert_eq!(power.post(next, "open", power.side(&other, 5).1.encode()).await.status, 204);
    let again = requester.post(&path(terms.id), json!({ "operator": "kinki-power" })).await;
    assert_eq!(again.status, 409, "a second round of the day");

    // What does not count, or is not private, is asked of nobody.
    let hour = jiff::SignedDuration::from_hours(1);
    let past = granted_as(&hub, "npa", "kinki-power", |new| {
        private(PrivateMode::Match)(new);
        (new.terms.from, new.terms.until) = (new.terms.from - hour - hour, new.terms.from - hour);
    });
    let direct = granted_as(&hub, "npa", "kinki-power", |_| {});
    for id in [past.await.terms.id, direct.await.terms.id] {
        assert_eq!(requester.post(&path(id), json!({ "operator": "kinki-power" })).await.status, 422);
    }
    let foreign = requester.post(&path(terms.id), json!({ "operator": "harbour" })).await;
    assert_eq!(foreign.status, 422, "not named in the terms");
    let other_agency = Signed::person(&hub, "mod", PersonRole::Approver).await;
    assert_eq!(other_agency.post(&path(terms.id), json!({ "operator": "kinki-power" })).await.status, 404);
}

/// A message that is not as it must be ends the round, and says why.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_must_be_ends_the_round() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let requester = agency(&hub).await;
    let power = Party::new(&hub, "kinki-power").await;
    type Bad = (&'static str, fn(&mut Vec<u8>));
    let filters: [Bad; 3] = [
        ("flooded", |filter| filter.resize(100_000, 0xaa)),
        ("cut off", |filter| filter.truncate(60)),
        ("of another round", |filter| filter[2] ^= 1),
    ];
    let answers: [Bad; 4] = [
        ("no point", |answer| answer[24..56].fill(0xff)),
        ("not the key's", |answer| {
            let (first, second) = (answer[24..56].to_vec(), answer[56..88].to_vec());
            answer[24..56].copy_from_slice(&second);
            answer[56..88].copy_from_slice(&first);
        }),
        ("a batch beyond N", |answer| answer[21] = 9),
        ("of another round", |answer| answer[2] ^= 1),
    ];
    let mut number = 10;
    for (bad, is_filter) in filters.into_iter().map(|bad| (bad, true)).chain(answers.map(|bad| (bad, false)))
    {
        number += 1;
        let ((what, spoil), terms) =
            (bad, granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Match)).await.terms);
        let round = ask(&requester, terms.id, "kinki-power").await;
        let reply = if is_filter {
            let (operator, open) = power.side(&terms, number);
            assert_eq!(power.post(round, "open", open.encode()).await.status, 204);
            let mut filter = operator.filter(Threads::ONE).unwrap().1.encode();
            spoil(&mut filter);
            power.post(round, "filter", filter).await
        } else {
            let (mut answering, open) = power.open(&terms, round, number).await;
            let queries = power.asked(round, &open).await;
            let mut answer = answering.answer(&queries, Threads::ONE).unwrap()[0].encode();
            spoil(&mut answer);
            power.post(round, "answers", answer).await
        };
        assert_eq!(reply.status, 422, "{what}: {}", String::from_utf8_lossy(&reply.body));
        let told = row(&requester, terms.id, round).await;
        assert_eq!(told["state"], json!("failed"), "{what}");
        assert!(told["why"].as_str().is_some_and(|why| !why.is_empty()), "{what}");
        assert_eq!(requester.get(&format!("{}/{round}/found", path(terms.id))).await.status, 404);
        assert_eq!(power.query(round, 0).await.status, 404);
        let again = requester.post(&path(terms.id), json!({ "operator": "kinki-power" })).await;
        assert_eq!(again.status, 409, "what was broken off counts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_commission_stops_ends_between_two_messages() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let requester = agency(&hub).await;
    let power = Party::new(&hub, "kinki-power").await;
    let Authorisation { terms, .. } =
        granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Match)).await;
    let round = ask(&requester, terms.id, "kinki-power").await;
    let (answering, _) = power.open(&terms, round, 4).await;
    assert_eq!(power.query(round, 0).await.status, 200);
    decided_behind(&hub, terms.id, Verdict::Suspend).await;
    assert_eq!(power.query(round, 1).await.status, 422);
    assert_eq!(row(&requester, terms.id, round).await["state"], json!("failed"));
    // What was asked so far is signed for all the same.
    assert_eq!(power.post(round, "receipt", power.sign(answering)).await.status, 204);
    let stranger = Party::new(&hub, "harbour").await;
    let (answering, _) = power.side(&terms, 4).0.filter(Threads::ONE).unwrap();
    let forged = answering.finish(1, |body| stranger.notes.sign_statement(RECEIPT_KIND, body)).1;
    assert_eq!(power.post(round, "receipt", forged).await.status, 422, "another key");
    assert_eq!(stranger.post(round, "receipt", "x").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_stopped_takes_its_rounds_with_it() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let requester = agency(&hub).await;
    let power = Party::new(&hub, "kinki-power").await;
    let Authorisation { terms, .. } =
        granted_as(&hub, "npa", "kinki-power", private(PrivateMode::Match)).await;
    let round = ask(&requester, terms.id, "kinki-power").await;
    let opening = rounds::Opening {
        edge: power.edge.id.clone(),
        day: rounds::day_of(jiff::Timestamp::now()),
        round: [4; 16],
        elements: ELEMENTS,
        message: power.side(&terms, 4).1.encode(),
    };
    // As another process would have written it down.
    let open = hub
        .running
        .store()
        .write(move |tx| rounds::open(tx, &Realm::Live, round, &opening).map(store::Act::bookkeeping));
    open.await.unwrap();
    assert_eq!(power.query(round, 0).await.status, 503, "it is held elsewhere, or lost");
    assert_eq!(power.post(round, "filter", vec![1]).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_that_cannot_be_matched_privately() {
    let keys = Keys::new().await;
    let hub = keeping(&keys, 730).await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = agency(&hub).await;
    let good = || {
        let mut body = wanted(&["kinki-power"]);
        body["fields"] = json!([]);
        body["queries_per_day"] = json!(1);
        body["private"] = json!({ "mode": "count" });
        body
    };
    let told = requester.done("/api/v1/authorisations", good()).await;
    assert_eq!(told["terms"]["private"]["elements"], json!(2), "as many as there are indicators");
    let bad: [fn(&mut Value); 8] = [
        |body| body["fields"] = json!(["ports"]),
        |body| body["queries_per_day"] = json!(2),
        |body| body["indicators"] = json!(["[domain-name:value LIKE '%.example']"]),
        |body| body["indicators"] = json!(["[ipv4-addr:value ISSUBSET '203.0.113.0/24']"]),
        |body| body["private"]["mode"] = json!("all"),
        |body| body["private"]["elements"] = json!(1),
        |body| body["private"]["elements"] = json!(10_001),
        |body| body["private"]["filter_values_max"] = json!(1_000),
    ];
    for (number, spoil) in bad.into_iter().enumerate() {
        let mut body = good();
        spoil(&mut body);
        assert_eq!(requester.post("/api/v1/authorisations", body).await.status, 422, "number {number}");
    }
}
