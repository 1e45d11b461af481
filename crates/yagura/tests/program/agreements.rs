//! Agreements between hubs as real processes: what is given under one goes where it says, and nowhere else, as long as it stands.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::council::{Member, id, indicator, objects};
use crate::peers::wait_for;
use crate::person::Person;
use crate::running::{admin, wait_until_or_tell};

/// One term, as the interface takes it.
fn term(from: &str, to: &str, class: &str, onward: &Value) -> Value {
    json!({
        "from": [from], "to": [to], "classes": [class], "tlp": "amber", "pap": "amber",
        "purposes": ["collective-defence"], "onward": onward, "originator_control": false,
    })
}

fn agreement(id: &str, parties: &[&str], terms: &[Value]) -> Value {
    json!({
        "id": id, "title_ja": "合意", "title_en": "Agreement", "parties": parties, "from": "2020-01-01T00:00:00Z",
        "until": "2100-01-01T00:00:00Z", "reciprocal": true, "terms": terms,
    })
}

/// Drafts an agreement at a hub and has every party sign it, in person; gives the signatories.
fn signed(member: &Member, text: &Value) -> Vec<Person> {
    let parties = text["parties"].as_array().unwrap();
    let people: Vec<Person> =
        parties.iter().map(|party| Person::of(&member.hub, party.as_str().unwrap(), "approver")).collect();
    let drafted = people[0].done("/api/v1/agreements", text);
    for person in &people {
        side(person, text, &drafted["hash"], "signed");
    }
    let path = format!("/api/v1/agreements/{}", text["id"].as_str().unwrap());
    assert_eq!(people[0].good(&path)["in_force"], true);
    people
}

fn side(person: &Person, text: &Value, hash: &Value, state: &str) {
    let path = format!("/api/v1/agreements/{}/side", text["id"].as_str().unwrap());
    let mut step = json!({ "state": state, "hash": hash });
    if state != "signed" {
        step["reason"] = json!("a test");
    }
    person.done(&path, &step);
}

fn report(about: &Value) -> Value {
    json!({
        "type": "report", "spec_version": "2.1", "id": format!("report--{}", uuid::Uuid::new_v4()),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "A report",
        "published": "2026-01-01T00:00:00Z", "object_refs": [about["id"]],
        "object_marking_refs": about["object_marking_refs"],
    })
}

#[test]
fn what_both_have_signed_flows_stays_where_it_was_given_and_goes_when_one_suspends() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] =
        ["national", "agency", "partner"].map(|name| Member::by_agreement(folder.path(), name));
    national.knows(&agency, "partner");
    agency.knows(&national, "partner");
    agency.knows(&partner, "partner");
    partner.knows(&agency, "partner");
    let [clear, amber, strict] = [Some("clear"), Some("amber"), Some("amber+strict")].map(indicator);
    let all: BTreeSet<String> = [&clear, &amber, &strict].map(id).into();
    national.hub.post(&objects(&[clear.clone(), amber.clone(), strict.clone()]));
    wait_for(&agency, &all, &[&clear]);
    let none = json!("none");
    // Each hub has the agreement under its own names for the parties.
    let here = agreement(
        "joint-2026",
        &["coordinator", "agency"],
        &[term("coordinator:members", "agency", "indicator", &none)],
    );
    let there = agreement(
        "joint-2026",
        &["national", "coordinator"],
        &[term("national", "coordinator:members", "indicator", &none)],
    );
    signed(&agency, &there);
    // The agency would give everything of that level to the partner; what it was given under the agreement stays all the same.
    let onwards = agreement(
        "agency-partner",
        &["coordinator", "national", "partner"],
        &[
            term("coordinator:members", "partner", "indicator", &none),
            term("national", "partner", "indicator", &none),
        ],
    );
    signed(&agency, &onwards);
    let received = agreement(
        "agency-partner",
        &["agency", "coordinator"],
        &[term("agency", "coordinator:members", "indicator", &none)],
    );
    signed(&partner, &received);
    let parties = signed(&national, &here);
    wait_for(&agency, &all, &[&clear, &amber]);
    let own = indicator(Some("amber"));
    agency.hub.post(&objects(std::slice::from_ref(&own)));
    let watched: BTreeSet<String> = all.iter().cloned().chain([id(&own)]).collect();
    // What comes after it is there, so what is not there before it does not come.
    wait_for(&partner, &watched, &[&clear, &own]);
    // Nor has the other side's own anything to go back by.
    wait_for(&national, &watched, &[&clear, &amber, &strict]);
    let given = parties[0].good(&format!("/api/v1/objects/{}/releases", id(&amber)));
    let row = given["rows"].as_array().unwrap().iter().find(|row| row["door"] == "peer").unwrap().clone();
    assert_eq!(
        (&row["recipient"], &row["agreement"], &row["term"]),
        (&json!("agency"), &json!("joint-2026"), &json!(1)),
        "{row}"
    );
    suspended_within_a_second(&national, &agency, (&parties[0], &here), &all, [&clear, &amber]);
}

/// Suspends and resumes several times: the machine may be busy at one of them, not at all.
fn suspended_within_a_second(
    giver: &Member,
    taker: &Member,
    (party, text): (&Person, &Value),
    wanted: &BTreeSet<String>,
    [always, sometimes]: [&Value; 2],
) {
    let hash = party.good("/api/v1/agreements/joint-2026")["hash"].clone();
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        side(party, text, &hash, "suspended");
        wait_for(taker, wanted, &[always]);
        fastest = fastest.min(begun.elapsed());
        side(party, text, &hash, "signed");
        wait_for(taker, wanted, &[always, sometimes]);
    }
    println!("suspended at {} → gone at {}: {fastest:?} at best of three", giver.name, taker.name);
    assert!(fastest < Duration::from_secs(1), "taken back after {fastest:?}");
}

#[test]
fn over_three_hubs_each_object_is_where_the_agreements_let_it_be_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] =
        ["national", "agency", "partner"].map(|name| Member::by_agreement(folder.path(), name));
    for (at, other) in [
        (&national, &agency),
        (&national, &partner),
        (&agency, &national),
        (&agency, &partner),
        (&partner, &national),
        (&partner, &agency),
    ] {
        at.knows(other, "partner");
    }
    let (none, same) = (json!("none"), json!("same-terms"));
    // National to agency: indicators with leave to hand them on under the same terms, reports without.
    let both = |from: &str, to: &str, indicators: &Value| {
        [term(from, to, "indicator", indicators), term(from, to, "report", &none)]
    };
    let first = agreement(
        "national-agency",
        &["coordinator", "agency"],
        &both("coordinator:members", "agency", &same),
    );
    signed(
        &agency,
        &agreement(
            "national-agency",
            &["national", "coordinator"],
            &both("national", "coordinator:members", &same),
        ),
    );
    // Agency to partner: both classes, also of what is the national hub's.
    let second = [both("coordinator:members", "partner", &none), both("national", "partner", &none)].concat();
    signed(&agency, &agreement("agency-partner", &["coordinator", "national", "partner"], &second));
    signed(
        &partner,
        &agreement(
            "agency-partner",
            &["agency", "coordinator"],
            &both("agency", "coordinator:members", &none),
        ),
    );
    let parties = signed(&national, &first);

    let [clear, amber, green, strict, unmarked] =
        [Some("clear"), Some("amber"), Some("green"), Some("amber+strict"), None].map(indicator);
    let told = report(&amber);
    let published = [&unmarked, &strict, &told, &amber, &green, &clear];
    let all: BTreeSet<String> = published.map(id).into();
    national.hub.post(&objects(&published.map(Clone::clone)));
    // Up to the level of the agreement, which TLP:GREEN is below.
    wait_for(&agency, &all, &[&told, &amber, &green, &clear]);
    wait_for(&partner, &all, &[&amber, &green, &clear]);
    let routes = Person::of(&partner.hub, "coordinator", "analyst");
    let detail = routes.good(&format!("/api/v1/objects/{}", id(&amber)));
    let hops: Vec<&Value> =
        detail["routes"][0]["hops"].as_array().unwrap().iter().map(|hop| &hop["peer"]).collect();
    assert_eq!(hops, [&json!("national"), &json!("agency")], "by the agency and not directly: {detail}");

    let hash = parties[0].good("/api/v1/agreements/national-agency")["hash"].clone();
    side(&parties[0], &first, &hash, "suspended");
    wait_for(&agency, &all, &[&clear]);
    wait_for(&partner, &all, &[&clear]);
    side(&parties[0], &first, &hash, "signed");
    wait_for(&partner, &all, &[&amber, &green, &clear]);
    // The agreement further on counts by itself.
    side_by_admin_of(&agency, "agency-partner");
    wait_for(&partner, &all, &[&clear]);
    wait_for(&agency, &all, &[&told, &amber, &green, &clear]);
    for (member, peer, most) in [(&national, "agency", 0), (&national, "partner", 0), (&agency, "partner", 1)]
    {
        let counts = member.peer(peer)["counts"].clone();
        // What is clear needs no agreement: the agency may have it by the partner before it has it directly.
        let accepted = counts["accepted"].as_u64().unwrap();
        assert!(accepted <= most, "nothing comes back to {}: {counts}", member.name);
    }
    let read = Person::of(&agency.hub, "coordinator", "analyst");
    for object in [&told, &amber, &green] {
        let detail = read.good(&format!("/api/v1/objects/{}", id(object)));
        let routes = detail["routes"].as_array().unwrap();
        let hop = &routes[0]["hops"][0]["peer"];
        assert!(routes.len() == 1 && hop == "national", "only by the national hub: {detail}");
    }
}

/// The coordinator of a hub ends its side of an agreement.
fn side_by_admin_of(member: &Member, agreement: &str) {
    let person = Person::of(&member.hub, "coordinator", "approver");
    let path = format!("/api/v1/agreements/{agreement}");
    let hash = person.good(&path)["hash"].clone();
    person.done(&format!("{path}/side"), &json!({ "state": "ended", "hash": hash, "reason": "a test" }));
}

/// A national hub, an agency's that has objects from it, and a partner's that has them from the agency.
fn chain(folder: &std::path::Path) -> [Member; 3] {
    let [national, agency, partner] =
        ["national", "agency", "partner"].map(|name| Member::by_agreement(folder, name));
    national.knows(&agency, "agency");
    agency.knows(&national, "agency");
    agency.knows(&partner, "partner");
    partner.knows(&agency, "partner");
    [national, agency, partner]
}

#[test]
fn a_recall_reaches_the_last_hub_and_its_acknowledgement_comes_back_hop_by_hop() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] = chain(folder.path());
    let (wrong, right) = (indicator(Some("clear")), indicator(Some("clear")));
    let wanted: BTreeSet<String> = [&wrong, &right].map(id).into();
    national.hub.post(&objects(&[wrong.clone(), right.clone()]));
    // An operator of the partner's council reads it, and the partner's own people do (they ask what is there).
    wait_for(&agency, &wanted, &[&wrong, &right]);
    wait_for(&partner, &wanted, &[&wrong, &right]);
    let name = ["--name-ja", "港湾", "--name-en", "Harbour", "--role", "operator", "--sector", "ports"];
    admin(&partner.hub, &[&["org", "add", "harbour"], &name[..]].concat());
    let reader = Person::of(&partner.hub, "harbour", "analyst");
    reader.good(&format!("/api/v1/objects/{}", id(&wrong)));

    let officer = Person::of(&national.hub, "coordinator", "duty_officer");
    let recall = officer.done(
        "/api/v1/recalls",
        &json!({ "object": wrong["id"], "reason": "a mistyped address", "deadline_hours": 1 }),
    );
    let path = format!("/api/v1/recalls/{}", recall["id"].as_str().unwrap());
    assert_eq!(
        (&recall["waiting"], &recall["holders"][0]["peer"]),
        (&json!(1), &json!("agency")),
        "{recall}"
    );
    wait_for(&agency, &wanted, &[&right]);
    wait_for(&partner, &wanted, &[&right]);
    // It is told at the last hub under the same id and with its reason, and holds the first hub up until it is acknowledged there.
    let there = |person: &Person| person.good("/api/v1/recalls?pending=true")["recalls"][0].clone();
    wait_until_or_tell("the reader is told", || there(&reader)["id"] == recall["id"], String::new);
    assert_eq!(
        (&there(&reader)["reason"], &there(&reader)["originator"]),
        (&json!("a mistyped address"), &json!("agency"))
    );
    assert_eq!(reader.good("/api/v1/notices")["notices"][0]["kind"], "recall");
    let beyond = || officer.good(&path)["holders"][0]["beyond"].clone();
    // The agency gave it to its own people, who looked at what is there, and to the partner; the partner to its own and to an operator.
    wait_until_or_tell("the numbers come back", || beyond()["holders"] == 4, || beyond().to_string());
    assert_eq!(officer.good(&path)["waiting"], 1);
    reader.done(&format!("{path}/acknowledge"), &json!({}));
    wait_until_or_tell("one of them has", || beyond()["acknowledged"] == 1, || beyond().to_string());
    assert_eq!(officer.good(&path)["waiting"], 1, "not before all have");
    for hub in [&partner.hub, &agency.hub] {
        Person::of(hub, "coordinator", "duty_officer").done(&format!("{path}/acknowledge"), &json!({}));
    }
    let told = || officer.good(&path);
    wait_until_or_tell("all have", || told()["waiting"] == 0, || told().to_string());
    assert_eq!(beyond(), json!({ "holders": 4, "acknowledged": 4 }));
    assert_eq!(told()["holders"][0]["acknowledged_by"], "agency");
}

#[test]
fn a_recall_waits_for_a_hub_that_is_away_and_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, mut partner] = chain(folder.path());
    let wrong = indicator(Some("clear"));
    let wanted = BTreeSet::from([id(&wrong)]);
    national.hub.post(&objects(std::slice::from_ref(&wrong)));
    wait_for(&agency, &wanted, &[&wrong]);
    wait_for(&partner, &wanted, &[&wrong]);
    partner.hub.kill();
    let officer = Person::of(&national.hub, "coordinator", "duty_officer");
    let recall = officer.done(
        "/api/v1/recalls",
        &json!({ "object": wrong["id"], "reason": "a mistyped address", "deadline_hours": 1 }),
    );
    wait_for(&agency, &wanted, &[]);
    let agency = agency.start_again();
    let partner = partner.start_again();
    wait_for(&partner, &wanted, &[]);
    let people = Person::of(&partner.hub, "coordinator", "duty_officer");
    let held = || people.good("/api/v1/recalls")["recalls"].clone();
    wait_until_or_tell("it came", || held()[0]["id"] == recall["id"], || held().to_string());
    assert_eq!(held().as_array().unwrap().len(), 1, "it came once");
    let path = format!("/api/v1/recalls/{}", recall["id"].as_str().unwrap());
    people.done(&format!("{path}/acknowledge"), &json!({}));
    Person::of(&agency.hub, "coordinator", "duty_officer").done(&format!("{path}/acknowledge"), &json!({}));
    let told = || officer.good(&path);
    wait_until_or_tell("it is acknowledged", || told()["waiting"] == 0, || told().to_string());
}

#[test]
fn a_stricter_marking_is_told_to_whoever_had_the_object_behind_other_hubs() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] = chain(folder.path());
    let object = indicator(Some("clear"));
    let wanted = BTreeSet::from([id(&object)]);
    national.hub.post(&objects(std::slice::from_ref(&object)));
    wait_for(&agency, &wanted, &[&object]);
    wait_for(&partner, &wanted, &[&object]);
    let officer = Person::of(&national.hub, "coordinator", "duty_officer");
    let changed = officer.done(
        &format!("/api/v1/objects/{}/marking", id(&object)),
        &json!({ "tlp": "amber", "reason": "a source is in danger" }),
    );
    assert_eq!((&changed["stricter"], &changed["told"]), (&json!(true), &json!(1)));
    wait_for(&agency, &wanted, &[]);
    wait_for(&partner, &wanted, &[]);
    for hub in [&agency.hub, &partner.hub] {
        let person = Person::of(hub, "coordinator", "analyst");
        let notice = || person.good("/api/v1/notices")["notices"][0].clone();
        wait_until_or_tell("it is told", || notice()["kind"] == "release-changed", || notice().to_string());
        assert_eq!(notice()["text"], "a source is in danger");
    }
}
