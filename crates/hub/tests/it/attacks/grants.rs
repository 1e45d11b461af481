//! Against authorisations: what the edge's gate says to what a hostile hub hands it, and what the hub says to hostile edges, askers and
//! commissioners. The hub, its commission and its log are running ones.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{
    Category, Field, Gate, IndicatorList, Kind, Package, Quota, Refused, Use, Witnessed,
};
use oversight::{OrganisationId, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Attack, answer, error, noticed};
use crate::authorisations::{Edge, granted};
use crate::commissioners::{Commissioner, adopt_frame, commission, decision, hub, path, wanted};
use crate::log::checkpoint_of;
use crate::signed::Signed;
use crate::support::TestHub;

pub async fn all() -> Vec<Attack> {
    let hub = hub().await;
    let mut scene = Scene::new(&hub).await;
    let mut all = vec![scene.expired(), scene.over_quota(), scene.widened(), scene.swapped().await];
    all.extend([scene.clock_set_back(), scene.rolled_back().await, scene.forged_receipts().await]);
    all.push(expired_at_the_hub(&mut scene).await);
    all.extend([scene.asks_for_more().await, scene.answers_used_again().await, scene.used_again().await]);
    all
}

/// A granted authorisation, and an edge that may act on it.
struct Scene<'a> {
    hub: &'a TestHub,
    members: Vec<Commissioner<'a>>,
    requester: Signed<'a>,
    edge: Edge<'a>,
    far: Edge<'a>,
    gate: Gate,
    asked: Value,
    package: Package,
    list: IndicatorList,
}

impl<'a> Scene<'a> {
    async fn new(hub: &'a TestHub) -> Self {
        let mut members = commission(hub).await;
        adopt_frame(&mut members).await;
        let requester = Signed::person(hub, "npa", PersonRole::Approver).await;
        let (edge, far) = (Edge::new(hub, "kinki-power").await, Edge::new(hub, "harbour").await);
        assert_eq!((edge.register().await.status, far.register().await.status), (204, 204));
        let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
        let asked = granted(&mut members, &asked).await;
        let package = edge.packages().await.remove(0);
        let list = edge.list(asked["id"].as_str().unwrap()).await.unwrap();
        let mut gate = edge.gate("kinki-power").await;
        edge.follow(&mut gate, package.index + 1).await;
        let scene = Self { hub, members, requester, edge, far, gate, asked, package, list };
        assert_eq!(scene.said(&scene.package), None, "the honest package counts");
        scene
    }

    /// What the edge says to a package now, if it does not act on it.
    fn said(&self, package: &Package) -> Option<String> {
        self.said_at(package, Timestamp::now())
    }

    fn said_at(&self, package: &Package, now: Timestamp) -> Option<String> {
        error(self.permitted(package, now))
    }

    fn permitted(&self, package: &Package, now: Timestamp) -> Result<(), Refused> {
        self.gate.ask(package, &Quota::default(), now)?.permit(&self.list).map(drop)
    }

    /// The package with a change that a hub makes to it.
    fn changed(&self, change: impl FnOnce(&mut Package)) -> Option<String> {
        let mut package = self.package.clone();
        change(&mut package);
        assert_ne!(package, self.package);
        self.said(&package)
    }

    fn used(&self) -> Use {
        let ask = self.gate.ask(&self.package, &Quota::default(), Timestamp::now()).unwrap();
        ask.permit(&self.list).unwrap().used().clone()
    }

    fn expired(&self) -> Attack {
        let mut attack = Attack::new("Expired authorisation", "edge's gate");
        let terms = &self.package.terms;
        attack.refused("in the second in which it ends", self.said_at(&self.package, terms.until));
        let early = terms.from - SignedDuration::from_secs(1);
        attack.refused("a second before it begins", self.said_at(&self.package, early));
        let longer = self.changed(|package| package.terms.until += SignedDuration::from_hours(1));
        attack.refused("a package whose end the hub moved", longer);
        let stale = Timestamp::now() + SignedDuration::from_hours(25);
        attack.refused("no witnessed head of the log for a day", self.said_at(&self.package, stale));
        attack
    }

    fn over_quota(&self) -> Attack {
        let mut attack = Attack::new("Over-quota authorisation", "edge's gate");
        let now = Timestamp::now();
        let ask = |quota: &Quota| self.gate.ask(&self.package, quota, now).map(|ask| ask.quota().clone());
        let mut quota = Quota::default();
        for _ in 0..self.package.terms.queries_per_day {
            quota = ask(&quota).unwrap();
        }
        attack.refused("one use more than a day has", error(ask(&quota)));
        let kept: Quota = serde_json::from_str(&serde_json::to_string(&quota).unwrap()).unwrap();
        attack.refused("the same after a restart", error(ask(&kept)));
        let more = self.changed(|package| package.terms.queries_per_day = 24);
        attack.refused("a package with more uses a day", more);
        attack
    }

    fn widened(&self) -> Attack {
        let mut attack = Attack::new("Widened authorisation", "edge's gate");
        let harbour = OrganisationId::parse("harbour").unwrap();
        let mut tried = |what: &str, change: &dyn Fn(&mut Package)| {
            attack.refused(what, self.changed(change));
        };
        tried("more fields", &|package| {
            package.terms.fields.insert(Field::Hashes);
        });
        tried("another operator", &|package| package.terms.operators = BTreeSet::from([harbour.clone()]));
        tried("one operator more", &|package| {
            package.terms.operators.insert(harbour.clone());
        });
        tried("a longer list", &|package| package.terms.list_size += 1);
        tried("another list", &|package| package.terms.list_root = "00".repeat(32));
        tried("kept for longer", &|package| package.terms.retention = "erase-at-end".to_owned());
        tried("another ground", &|package| package.terms.category = Category::PartyAgreement);
        tried("an emergency of it", &|package| package.terms.kind = Kind::Emergency);
        tried("for another agency", &|package| {
            package.terms.requested_by = OrganisationId::parse("mod").unwrap();
        });
        tried("with one signature less", &|package| drop(package.decided.assertions.pop()));
        tried("one signature twice", &|package| {
            let again = package.decided.assertions[0].clone();
            *package.decided.assertions.last_mut().unwrap() = again;
        });
        tried("with another request", &|package| package.decided.decision.request += 1);
        tried("with another reason", &|package| package.decided.decision.reason = "x".to_owned());
        attack
    }

    async fn swapped(&self) -> Attack {
        let mut attack = Attack::new("Indicator swapped after approval", "edge's gate");
        let ask = || self.gate.ask(&self.package, &Quota::default(), Timestamp::now()).unwrap();
        let mut tried = |what: &str, change: &dyn Fn(&mut IndicatorList)| {
            let mut list = self.list.clone();
            change(&mut list);
            assert_ne!(list, self.list);
            attack.refused(what, error(ask().permit(&list)));
        };
        let other = || "[ipv4-addr:value = '198.51.100.1']".to_owned();
        tried("one pattern in another's place", &|list| list.patterns[1] = other());
        tried("a wider form of a pattern", &|list| list.patterns[0] = "[ipv4-addr:value != 'x']".to_owned());
        tried("two in another order", &|list| list.patterns.swap(0, 1));
        tried("one more", &|list| list.patterns.push(other()));
        tried("one less", &|list| drop(list.patterns.pop()));
        tried("another salt", &|list| list.salt = "11".repeat(32));
        // What an edge was given and what a commissioner was shown is the same list.
        let id = self.asked["id"].as_str().unwrap();
        let shown = self.members[3].signed.good(&format!("/api/v1/authorisations/{id}/list")).await;
        assert_eq!(shown, serde_json::to_value(&self.list).unwrap());
        attack
    }

    fn clock_set_back(&self) -> Attack {
        let mut attack = Attack::new("Clock set back", "edge's gate");
        let now = Timestamp::now();
        let past = |minutes| now - SignedDuration::from_mins(minutes);
        attack.refused("ten minutes before what witnesses signed", self.said_at(&self.package, past(10)));
        attack.refused("a day before", self.said_at(&self.package, past(24 * 60)));
        let (id, per_day) = (self.package.terms.id, self.package.terms.queries_per_day);
        let hours = |count| now + SignedDuration::from_hours(count);
        let spent = |quota: Quota, at| quota.spend(id, per_day, at).map(|(quota, _)| quota);
        let later = spent(Quota::default(), hours(72)).unwrap();
        let again = spent(later.clone(), now);
        attack.refused("three days, to use the days again", noticed(again.is_none(), "no use left"));
        let used_up = (1..per_day).fold(later, |quota, _| spent(quota, hours(72)).unwrap());
        let again = spent(used_up, hours(48));
        attack.refused("a day, to use up the day before as well", noticed(again.is_none(), "no use left"));
        attack
    }

    /// The log that the hub shows is another one than the edge has seen.
    async fn rolled_back(&self) -> Attack {
        let mut attack = Attack::new("Rollback and split view of the log of authorisations", "edge's gate");
        let log = "/log/authorisations";
        let head = checkpoint_of(self.hub, log, self.gate.seen()).await;
        let at = Timestamp::now();
        let seen = Witnessed { size: head.size, root: head.root, at };
        assert_eq!(self.gate.clone().follow(&seen, &[]), Ok(()));
        let mut tried = |what: &str, head: Witnessed, entries: &[Vec<u8>]| {
            attack.refused(what, error(self.gate.clone().follow(&head, entries)));
        };
        tried("fewer entries than it saw", Witnessed { size: head.size - 1, ..seen.clone() }, &[]);
        tried("another history of the same size", Witnessed { root: [1; 32], ..seen.clone() }, &[]);
        let more = Witnessed { size: head.size + 1, root: [1; 32], at };
        tried("an entry left out", more.clone(), &[]);
        let told = self.edge.good("/edge/v1/authorisation-log?from=0").await;
        let first = told["entries"][0].as_str().unwrap().as_bytes().to_vec();
        tried("an entry of before in a new one's place", more.clone(), &[first]);
        tried("an entry that is none", more, &[b"{}".to_vec()]);
        attack
    }

    async fn forged_receipts(&self) -> Attack {
        let mut attack = Attack::new("Wrong operator key, and receipts beyond a grant", "hub's edge link");
        let used = self.used();
        let value = |used: Use| serde_json::to_value(self.edge.sign(used)).unwrap();
        let sent = async |edge: &Edge<'_>, receipt: Value| {
            let outcome = edge.hand_in(vec![receipt]).await.remove(0);
            (outcome == "refused").then_some(outcome)
        };
        let stolen = self.edge.stolen();
        let forged = serde_json::to_value(stolen.sign(used.clone())).unwrap();
        attack.refused("signed by another key, with the edge's token", sent(&stolen, forged).await);
        attack.refused("the edge's token registers another key", answer(&stolen.register().await));
        attack.refused("another edge hands it in", sent(&self.far, value(used.clone())).await);
        let far = serde_json::to_value(self.far.sign(used.clone())).unwrap();
        attack.refused("another edge signs it", sent(&self.far, far).await);
        let mut tried = Vec::new();
        let mut change = |what: &'static str, change: &dyn Fn(&mut Use)| {
            let mut used = used.clone();
            change(&mut used);
            tried.push((what, value(used)));
        };
        change("a use beyond the day's", &|used| used.number = 3);
        change("a use without a number", &|used| used.number = 0);
        change("more patterns than were granted", &|used| used.count = 3);
        change("of another grant", &|used| used.grant += 1);
        change("of another authorisation", &|used| used.authorisation = uuid::Uuid::new_v4());
        change("about another list", &|used| used.asked = "00".repeat(32));
        change("for another agency", &|used| used.asked_by = OrganisationId::parse("mod").unwrap());
        change("at another operator", &|used| used.operator = OrganisationId::parse("harbour").unwrap());
        change("by another edge", &|used| used.edge = "kinki-power-2".to_owned());
        change("of tomorrow", &|used| used.at += SignedDuration::from_hours(24));
        change("of yesterday: a clock that was set back", &|used| used.at -= SignedDuration::from_hours(24));
        for (what, receipt) in tried {
            attack.refused(what, sent(&self.edge, receipt).await);
        }
        assert_eq!(self.edge.hand_in(vec![value(used.clone())]).await, ["accepted"]);
        let again = self.edge.hand_in(vec![value(used.clone())]).await.remove(0);
        attack
            .refused("the same again", (again == "duplicate").then_some("not counted: duplicate".to_owned()));
        let other = value(Use { count: 1, ..used });
        attack.refused("another word about the same use", sent(&self.edge, other).await);
        attack
    }

    async fn asks_for_more(&mut self) -> Attack {
        let mut attack = Attack::new("Widened authorisation", "hub");
        let mut narrow = wanted(&["kinki-power"]);
        narrow["narrows"] = self.asked["id"].clone();
        let terms = &self.asked["terms"];
        (narrow["from"], narrow["until"]) = (terms["from"].clone(), terms["until"].clone());
        for (what, change) in [
            (
                "a \u{201c}narrower\u{201d} form with more fields",
                json!({ "fields": ["addresses", "hashes"] }),
            ),
            ("with another operator", json!({ "operators": ["kinki-power", "harbour"] })),
            ("with more uses a day", json!({ "queries_per_day": 3 })),
            (
                "until a later time",
                json!({ "until": (Timestamp::now() + SignedDuration::from_hours(21)).to_string() }),
            ),
        ] {
            let mut body = narrow.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = self.requester.post("/api/v1/authorisations", body).await;
            attack.refused(what, answer(&reply));
        }
        for (what, change) in [
            ("more uses a day than the frame allows", json!({ "queries_per_day": 25 })),
            ("a field that the frame has not", json!({ "fields": ["payload"] })),
            ("every operator at once", json!({ "operators": ["*"] })),
            ("a ground that the frame has not", json!({ "category": "neutralisation" })),
            ("kept for ever", json!({ "retention": "for ever" })),
        ] {
            let mut body = wanted(&["kinki-power"]);
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = self.requester.post("/api/v1/authorisations", body).await;
            attack.refused(what, answer(&reply));
        }
        let mut other = self.requester.done("/api/v1/authorisations", narrow).await;
        other["terms_hash"] = json!("00".repeat(32));
        let reply = self.members[1].try_decide(&other, "grant").await;
        attack.refused("a commissioner signs for other terms", answer(&reply));
        attack
    }

    async fn answers_used_again(&mut self) -> Attack {
        let mut attack = Attack::new("Forged and re-used decisions", "hub");
        let body = |begun: &Value, credential: &Value| json!({ "challenge_id": begun["challenge_id"], "credential": credential });
        let first = self.requester.done("/api/v1/authorisations", wanted(&["harbour"])).await;
        let second = self.requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
        let (start, finish) = (format!("{}/start", path(&first)), format!("{}/finish", path(&first)));
        self.members[0].decide(&first, "grant").await;
        let twice = self.members[0].try_decide(&first, "grant").await;
        attack.refused("one commissioner decides twice", answer(&twice));
        let begun = self.members[1].signed.done(&start, decision(&first, "grant")).await;
        let lent = self.members[2].answer(&begun["options"]);
        let reply = self.members[1].signed.post(&finish, body(&begun, &lent)).await;
        attack.refused("another one's passkey", answer(&reply));
        let own = self.members[1].answer(&begun["options"]);
        let reply = self.members[1].signed.post(&finish, body(&begun, &own)).await;
        attack.refused("a challenge that was answered before", answer(&reply));
        let begun = self.members[1].signed.done(&start, decision(&first, "grant")).await;
        let own = self.members[2].answer(&begun["options"]);
        let reply = self.members[2].signed.post(&finish, body(&begun, &own)).await;
        attack.refused("another one's challenge", answer(&reply));
        let begun = self.members[1].signed.done(&start, decision(&first, "grant")).await;
        let own = self.members[1].answer(&begun["options"]);
        let elsewhere = format!("{}/finish", path(&second));
        let reply = self.members[1].signed.post(&elsewhere, body(&begun, &own)).await;
        attack.refused("the answer for one authorisation given to another", answer(&reply));
        let begun = self.members[1].signed.done(&start, decision(&first, "grant")).await;
        let mut forged = self.members[1].answer(&begun["options"]);
        forged["response"]["signature"] = json!("AAAA");
        let reply = self.members[1].signed.post(&finish, body(&begun, &forged)).await;
        attack.refused("a forged signature", answer(&reply));
        let begun = self.members[1].signed.done(&start, decision(&first, "grant")).await;
        let login = self.hub.ask(Method::POST, "/api/v1/session/passkey/start").stranger();
        let login = login.header("content-type", "application/json").send().await.json();
        let options = json!({ "rpId": "localhost", "challenge": login["options"]["challenge"] });
        let own = self.members[1].answer(&options);
        let reply = self.members[1].signed.post(&finish, body(&begun, &own)).await;
        attack.refused("the answer to a sign-in", answer(&reply));
        for (who, organisation, role) in [
            ("the node's administrator", "coordinator", PersonRole::Administrator),
            ("an administrator of the commission", "commission", PersonRole::Administrator),
            ("the asking agency", "npa", PersonRole::Commissioner),
            ("the operator", "kinki-power", PersonRole::Approver),
        ] {
            let person = Signed::person(self.hub, organisation, role).await;
            let reply = person.post(&start, decision(&first, "grant")).await;
            attack.refused(format!("{who} decides"), answer(&reply));
        }
        let mut stranger = Commissioner::new(self.hub, 0).await;
        let reply = stranger.try_decide(&first, "grant").await;
        attack.refused("a commissioner whom the constitution does not name", answer(&reply));
        let one = format!("/api/v1/authorisations/{}", first["id"].as_str().unwrap());
        let now = self.members[4].signed.good(&one).await;
        assert_eq!(
            (&now["state"], now["pending"]["signed_by"].as_array().unwrap().len()),
            (&json!("requested"), 1)
        );
        self.members[1].decide(&first, "grant").await;
        assert_eq!(self.members[2].decide(&first, "grant").await["state"], "granted");
        attack
    }

    /// What was granted once is brought where it does not count.
    async fn used_again(&mut self) -> Attack {
        let mut attack = Attack::new("Re-used authorisation", "edge's gate");
        let mut far = self.far.gate("harbour").await;
        self.far.follow(&mut far, self.package.index + 1).await;
        let elsewhere = far.ask(&self.package, &Quota::default(), Timestamp::now());
        attack.refused("at another operator", error(elsewhere));
        for (what, by) in [("at another place of the log", 1), ("at its request's place", u64::MAX)] {
            let moved = self.changed(|package| package.index = package.index.wrapping_add(by));
            attack.refused(what, moved);
        }
        attack.refused("with another salt", self.changed(|package| package.salt = "00".repeat(32)));
        self.members[4].decide(&self.asked, "suspend").await;
        // What else stands in the log by now may come before the decision.
        let mut said = None;
        while said.is_none() {
            self.edge.follow_on(&mut self.gate).await;
            said = self.said(&self.package);
        }
        attack.refused("while it is suspended", said);
        for member in 0..3 {
            self.members[member].decide(&self.asked, "resume").await;
        }
        self.edge.follow_on(&mut self.gate).await;
        attack.refused("resumed, without the decision that resumed it", self.said(&self.package));
        let packages = self.edge.packages().await;
        let resumed = packages.into_iter().find(|package| package.index == self.package.index).unwrap();
        assert_eq!(self.said(&resumed), None);
        self.members[1].decide(&self.asked, "revoke").await;
        self.edge.follow_on(&mut self.gate).await;
        attack.refused("after it was revoked", self.said(&resumed));
        let id = self.asked["id"].as_str().unwrap();
        let list = self.edge.list(id).await;
        attack.refused("its list, after it was revoked", noticed(list.is_none(), "404 not-found"));
        attack
    }
}

/// One that lasts some seconds, so that its end is seen through the doors.
async fn expired_at_the_hub(scene: &mut Scene<'_>) -> Attack {
    let mut attack = Attack::new("Expired authorisation", "hub's edge link");
    let until = Timestamp::now() + SignedDuration::from_secs(8);
    let mut body = wanted(&["kinki-power"]);
    body["until"] = json!(until.to_string());
    let asked = scene.requester.done("/api/v1/authorisations", body.clone()).await;
    let late = scene.requester.done("/api/v1/authorisations", body).await;
    let asked = granted(&mut scene.members, &asked).await;
    let id = asked["id"].as_str().unwrap().to_owned();
    let given = async || {
        let packages = scene.edge.packages().await;
        packages.into_iter().find(|package| package.terms.id.to_string() == id)
    };
    let package = given().await.expect("it is handed out while it lasts");
    assert!(scene.edge.list(&id).await.is_some(), "and its list");

    if let Ok(over) = std::time::Duration::try_from(until.duration_since(Timestamp::now())) {
        tokio::time::sleep(over + std::time::Duration::from_millis(50)).await;
    }

    attack.refused("the grant is asked for", noticed(given().await.is_none(), "not handed out"));
    attack.refused("its list is asked for", noticed(scene.edge.list(&id).await.is_none(), "404 not-found"));
    let used = |at| {
        let used = Use {
            authorisation: package.terms.id,
            grant: package.index,
            asked: package.terms.list_root.clone(),
            at,
            ..scene.used()
        };
        serde_json::to_value(scene.edge.sign(used)).unwrap()
    };
    let in_time = used(until - SignedDuration::from_millis(1));
    assert_eq!(scene.edge.hand_in(vec![in_time]).await, ["accepted"]);
    let outcome = scene.edge.hand_in(vec![used(until)]).await.remove(0);
    attack.refused("a use of the second in which it ended", (outcome == "refused").then_some(outcome));
    let reply = scene.members[0].try_decide(&late, "grant").await;
    attack.refused("a grant of what is over", answer(&reply));
    attack
}
