//! Hubs as each other's peers: what is published at one appears where it may, and nowhere else.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::council::{Member, id, indicator, later, objects};
use crate::running::{admin, delete, get, wait_until_or_tell};

/// A national hub, an agency's and a foreign partner's, each the peer of both others. At the partner's, both others are partners.
fn three(folder: &Path) -> [Member; 3] {
    let [national, agency, partner] =
        ["national", "agency", "partner"].map(|name| Member::start(folder, name));
    national.knows(&agency, "agency");
    national.knows(&partner, "partner");
    agency.knows(&national, "agency");
    agency.knows(&partner, "partner");
    partner.knows(&national, "partner");
    partner.knows(&agency, "partner");
    [national, agency, partner]
}

/// Waits until a hub holds exactly these of the wanted objects, in the versions given.
#[track_caller]
pub(crate) fn wait_for(member: &Member, wanted: &BTreeSet<String>, expected: &[&Value]) {
    let version = |object: &Value| {
        let revoked = if object["revoked"] == true { " revoked" } else { "" };
        (id(object), format!("{}{revoked}", object["modified"].as_str().unwrap()))
    };
    let expected = expected.iter().map(|object| version(object)).collect();
    let tell = || format!("{}: {:?} of {expected:?}", member.name, member.holds(wanted));
    wait_until_or_tell("a hub holds what it may", || member.holds(wanted).as_ref() == Some(&expected), tell);
}

#[test]
fn what_is_published_at_one_hub_appears_where_it_may_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] = three(folder.path());
    let levels = [Some("red"), Some("amber+strict"), None, Some("amber"), Some("green"), Some("clear")];
    let published = levels.map(indicator);
    let wanted: BTreeSet<String> = published.iter().map(id).collect();
    agency.hub.post(&objects(&published));
    // What comes last is there, so what is not there before it does not come.
    let [_, _, _, amber, green, clear] = &published;
    wait_for(&national, &wanted, &[amber, green, clear]);
    wait_for(&partner, &wanted, &[green, clear]);

    let (newer, revoked) = (later(green, 1, false), later(amber, 2, true));
    agency.hub.post(&objects(&[newer.clone(), revoked.clone()]));
    wait_for(&national, &wanted, &[&revoked, &newer, clear]);
    wait_for(&partner, &wanted, &[&newer, clear]);

    let address = format!("{}/api/v1/objects/{}", agency.hub.address, id(clear));
    assert_eq!(delete(&address, &agency.hub.token), Some(204));
    wait_for(&national, &wanted, &[&revoked, &newer]);
    wait_for(&partner, &wanted, &[&newer]);

    for peer in ["national", "partner"] {
        let told = agency.peer(peer);
        let came = [&told["counts"]["accepted"], &told["counts"]["duplicates"], &told["counts"]["refused"]];
        assert_eq!(came, [&json!(0); 3], "nothing of its own comes back to the agency: {told}");
    }
    let path = format!("{}/api/v1/objects/{}", partner.hub.address, id(green));
    let detail = get(&path, Some(&partner.hub.token)).unwrap();
    let origins: BTreeSet<&str> = detail["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["hops"][0]["peer"].as_str().unwrap())
        .collect();
    assert_eq!(origins, BTreeSet::from(["agency"]), "{detail}");
}

#[test]
fn other_content_under_the_same_version_is_kept_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] = three(folder.path());
    let mine = indicator(None);
    let mut theirs = mine.clone();
    theirs["name"] = json!("something else");
    theirs["object_marking_refs"] = indicator(Some("clear"))["object_marking_refs"].clone();
    national.hub.post(&objects(std::slice::from_ref(&mine)));
    agency.hub.post(&objects(std::slice::from_ref(&theirs)));
    let conflicts = || national.peer("agency")["conflicts"].clone();
    wait_until_or_tell(
        "the conflict is told",
        || conflicts()[0]["id"] == mine["id"],
        || national.peer("agency").to_string(),
    );
    let address = |member: &Member| format!("{}/api/v1/objects/{}", member.hub.address, id(&mine));
    let kept = get(&address(&national), Some(&national.hub.token)).unwrap();
    assert_eq!(kept["object"]["name"], "C2");
    // The partner has not seen the first one, so the second is the first there.
    let there = || get(&address(&partner), Some(&partner.hub.token));
    wait_until_or_tell("the partner has it", || there().is_some(), || partner.peer("agency").to_string());
    assert_eq!(there().unwrap()["object"]["name"], "something else");
}

#[test]
fn a_peer_that_was_gone_catches_up_from_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let [national, _agency, mut partner] = three(folder.path());
    let before = indicator(Some("green"));
    national.hub.post(&objects(std::slice::from_ref(&before)));
    wait_for(&partner, &BTreeSet::from([id(&before)]), &[&before]);
    partner.hub.kill();
    let missed: Vec<Value> = (0..1500).map(|_| indicator(Some("green"))).collect();
    for part in missed.chunks(300) {
        national.hub.post(&objects(part));
    }
    let partner = partner.start_again();
    let wanted: BTreeSet<String> = missed.iter().map(id).collect();
    wait_for(&partner, &wanted, &missed.iter().collect::<Vec<_>>());
    let counts = partner.peer("national")["counts"].clone();
    assert!(counts["duplicates"].as_u64() < Some(1500), "what it had is not sent again: {counts}");
}

#[test]
fn an_enclave_gives_up_and_takes_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    let above = Member::start(folder.path(), "above");
    let enclave = Member::one_way(folder.path(), "enclave");
    let way = enclave.knows(&above, "agency").unwrap();
    above.knows(&enclave, "agency");
    let (down, up) = (indicator(Some("clear")), indicator(Some("amber")));
    let wanted = BTreeSet::from([id(&down), id(&up)]);
    above.hub.post(&objects(std::slice::from_ref(&down)));
    enclave.hub.post(&objects(std::slice::from_ref(&up)));
    wait_for(&above, &wanted, &[&down, &up]);
    way.cut();
    let (second, revoked) = (indicator(Some("green")), later(&up, 1, true));
    enclave.hub.post(&objects(&[second.clone(), revoked.clone()]));
    way.mend();
    let all = wanted.iter().cloned().chain([id(&second)]).collect();
    wait_for(&above, &all, &[&down, &revoked, &second]);
    wait_for(&enclave, &all, &[&revoked, &second]);
    assert_eq!(above.peer("enclave")["counts"]["sent"], 0);
    assert_eq!(enclave.peer("above")["counts"]["accepted"], 0);
}

#[test]
fn a_change_of_policy_takes_back_and_gives_again_on_the_open_stream() {
    let folder = tempfile::tempdir().unwrap();
    let national = Member::start(folder.path(), "national");
    let partner = Member::start(folder.path(), "partner");
    national.knows(&partner, "partner");
    partner.knows(&national, "partner");
    let (green, clear) = (indicator(Some("green")), indicator(Some("clear")));
    let wanted = BTreeSet::from([id(&green), id(&clear)]);
    national.hub.post(&objects(&[green.clone(), clear.clone()]));
    wait_for(&partner, &wanted, &[&green, &clear]);
    national.give_green(false);
    wait_for(&partner, &wanted, &[&clear]);
    // While it may not see them, further ones pass by.
    let unseen = indicator(Some("green"));
    national.hub.post(&objects(std::slice::from_ref(&unseen)));
    let all: BTreeSet<String> = wanted.iter().cloned().chain([id(&unseen)]).collect();
    national.give_green(true);
    wait_for(&partner, &all, &[&green, &clear, &unseen]);
    let counts = national.peer("partner")["counts"].clone();
    assert_eq!(counts["taken_back"], 1, "{counts}");
}

#[test]
fn a_peer_is_suspended_resumed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let [national, agency, partner] = three(folder.path());
    let first = indicator(Some("green"));
    national.hub.post(&objects(std::slice::from_ref(&first)));
    wait_for(&partner, &BTreeSet::from([id(&first)]), &[&first]);
    admin(&national.hub, &["peer", "suspend", "partner", "--reason", "an audit"]);
    admin(&agency.hub, &["peer", "suspend", "partner", "--reason", "an audit"]);
    let trouble = || partner.peer("national")["trouble"].as_str().unwrap_or_default().to_owned();
    wait_until_or_tell("the partner is told", || trouble().contains("suspended"), trouble);
    assert_eq!(national.peer("partner")["reason"], "an audit");
    let second = indicator(Some("green"));
    national.hub.post(&objects(std::slice::from_ref(&second)));
    wait_for(&agency, &BTreeSet::from([id(&second)]), &[&second]);
    assert_eq!(partner.holds(&BTreeSet::from([id(&second)])), Some(Default::default()));
    admin(&national.hub, &["peer", "resume", "partner"]);
    wait_for(&partner, &BTreeSet::from([id(&second)]), &[&second]);
    admin(&national.hub, &["peer", "remove", "partner"]);
    wait_until_or_tell(
        "the door is shut",
        || trouble().contains("does not know this hub's certificate"),
        trouble,
    );
    let strangers = || {
        let list = get(&format!("{}/api/v1/peers", national.hub.address), Some(&national.hub.token));
        list.unwrap()["strangers"].clone()
    };
    wait_until_or_tell(
        "the stranger is shown",
        || strangers()[0]["times"].as_u64() > Some(0),
        || strangers().to_string(),
    );
}
