//! The case room: copies that converge, labels that hold, and who may do what.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use case::room::{
    EntryId, Label, Lane, Person, ROOM_EXTENSION, Room, RoomAdded, RoomEntry, RoomRefusal, Says, Shown,
    Situation, TaskState, brief, entry_from_stix, entry_to_stix, joined, room_extension_definition,
};
use jiff::{SignedDuration, Timestamp};
use oversight::OrganisationId;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use stix::Object;
use stix::marking::Tlp;
use stix::validate::{Severity as Gravity, validate};

use crate::{id, minutes, organisation, severity};

fn person(account: &str, of: &str) -> Person {
    Person { account: account.into(), organisation: organisation(of) }
}

fn all() -> Label {
    Label { tlp: Tlp::Amber, only: None, stub: false }
}

fn side(of: &str) -> Label {
    Label { only: Some([organisation(of)].into()), ..all() }
}

/// An entry at a minute, by `account@organisation` or, with no account, by an organisation's system.
fn entry(at: i64, by: &str, label: Label, says: Says) -> RoomEntry {
    let (account, of) = by.split_once('@').unwrap();
    RoomEntry {
        case: id("incident", 1),
        at: minutes(at),
        by: (!account.is_empty()).then(|| account.to_owned()),
        name: None,
        organisation: organisation(of),
        label,
        salt: format!("{:032x}", at + 1),
        says,
    }
}

fn room(entries: &[RoomEntry]) -> Room {
    let mut room = Room::new(id("incident", 1));
    for entry in entries {
        room.take(entry.clone(), minutes(100_000)).unwrap();
    }
    room
}

/// The decision of `policy` that these tests stand in for: an entry is for everybody, or for those whom its label names.
fn sees(reader: &str) -> impl Fn(&RoomEntry) -> bool + use<> {
    let reader = organisation(reader);
    move |entry| entry.label.only.as_ref().is_none_or(|only| only.contains(&reader))
}

fn everything(_: &RoomEntry) -> bool {
    true
}

fn ignored(situation: &Situation) -> Vec<&'static str> {
    situation.ignored.iter().map(|ignored| ignored.why).collect()
}

fn note(text: &str) -> Says {
    Says::Note { text: text.into(), lane: None }
}

fn offer(to: &str, due: Option<Timestamp>) -> Says {
    Says::TaskOffered {
        to: organisation(to),
        title: "通信記録の保全".into(),
        lane: Lane::Threat,
        due,
        legal_basis: Some("刑事訴訟法197条3項".into()),
    }
}

#[test]
fn command_is_taken_once_and_handed_over() {
    let hand_over = entry(
        2,
        "hanako@nco",
        all(),
        Says::HandOver { to: person("taro", "police"), brief: "引き継ぎ".into() },
    );
    let offered = hand_over.id();
    let mut entries = vec![
        entry(1, "hanako@nco", all(), Says::Commands),
        entry(1, "jiro@ministry", all(), Says::Commands),
        hand_over,
        entry(3, "jiro@ministry", all(), Says::TakesOver { hand_over: offered }),
    ];
    // Of two who took command at one instant the name of the entry decides, the same way in every copy.
    let before = room(&entries).situation(everything);
    let first = entries[..2].iter().min_by_key(|entry| entry.id()).unwrap().person();
    assert_eq!(before.commander, first);
    entries.remove(1);
    let waiting = room(&entries).situation(everything);
    assert_eq!(waiting.commander, Some(person("hanako", "nco")));
    assert_eq!(waiting.hand_over.as_ref().map(|offer| offer.to.clone()), Some(person("taro", "police")));
    assert_eq!(ignored(&waiting), ["not-for-you"]);
    entries.push(entry(4, "taro@police", all(), Says::TakesOver { hand_over: offered }));
    entries.push(entry(
        5,
        "hanako@nco",
        all(),
        Says::Leads { lane: Lane::Asset, person: person("hanako", "nco") },
    ));
    entries.push(entry(
        6,
        "taro@police",
        all(),
        Says::Leads { lane: Lane::Threat, person: person("taro", "police") },
    ));
    let after = room(&entries).situation(everything);
    assert_eq!((after.commander, after.hand_over), (Some(person("taro", "police")), None));
    assert_eq!(after.leads, [(Lane::Threat, person("taro", "police"))].into());
    assert_eq!(after.ignored.last().unwrap().why, "not-the-commander");
}

#[test]
fn a_task_is_offered_answered_and_handed_back() {
    let asked = entry(1, "hanako@nco", all(), offer("telecom", Some(minutes(60))));
    let task = asked.id();
    let accepted =
        entry(3, "ichiro@telecom", all(), Says::TaskAccepted { task, legal_basis: "任意の協力".into() });
    let stands = |more: &[RoomEntry]| {
        let situation = room(&[std::slice::from_ref(&asked), more].concat()).situation(everything);
        let late = [minutes(59), minutes(60)].map(|now| situation.tasks[&task].is_late(now));
        (situation.tasks[&task].state.clone(), late, ignored(&situation))
    };
    assert_eq!(stands(&[]), (TaskState::Offered, [false, true], vec![]));
    let taken = stands(std::slice::from_ref(&accepted));
    assert!(matches!(taken.0, TaskState::Accepted { by, .. } if by == person("ichiro", "telecom")));
    // Somebody else's answer, an answer by no person, and a second answer have no effect.
    let others = [
        entry(2, "taro@police", all(), Says::TaskAccepted { task, legal_basis: "x".into() }),
        entry(2, "@telecom", all(), Says::TaskAccepted { task, legal_basis: "x".into() }),
        accepted.clone(),
        entry(4, "jiro@telecom", all(), Says::TaskDeclined { task, reason: "x".into(), legal_basis: None }),
    ];
    let (state, _, mut why) = stands(&others);
    why.sort_unstable();
    assert!(matches!(state, TaskState::Accepted { .. }));
    assert_eq!(why, ["answered", "not-a-person", "not-for-you"]);
    let back = entry(
        61,
        "ichiro@telecom",
        all(),
        Says::TaskHandedBack { task, done: true, result: "保全した".into() },
    );
    let (state, late, _) = stands(&[accepted, back]);
    assert!(matches!(state, TaskState::HandedBack { done: true, .. }) && late == [true, true]);
}

#[test]
fn who_may_not_says_on_what_basis() {
    let asked = entry(1, "hanako@nco", all(), offer("telecom", None));
    let basis = Some("電気通信事業法4条(通信の秘密)".to_owned());
    let says =
        Says::TaskDeclined { task: asked.id(), reason: "令状がない".into(), legal_basis: basis.clone() };
    let situation = room(&[asked.clone(), entry(2, "ichiro@telecom", all(), says)]).situation(everything);
    assert_eq!(
        situation.tasks[&asked.id()].state,
        TaskState::Declined { reason: "令状がない".into(), legal_basis: basis }
    );
    // The commander may withdraw what another agency asked, and nobody else may.
    let withdraw =
        |by: &str, at| entry(at, by, all(), Says::TaskWithdrawn { task: asked.id(), reason: "不要".into() });
    let entries = [
        asked.clone(),
        entry(2, "taro@police", all(), Says::Commands),
        withdraw("jiro@ministry", 3),
        withdraw("taro@police", 4),
    ];
    let situation = room(&entries).situation(everything);
    assert!(matches!(situation.tasks[&asked.id()].state, TaskState::Withdrawn { .. }));
    assert_eq!(ignored(&situation), ["not-for-you"]);
}

#[test]
fn a_person_declares_and_agencies_are_called() {
    let agencies = ["police", "jsdf", "nco"].map(organisation).into();
    let proposed = entry(
        1,
        "@nco",
        all(),
        Says::SeverityProposed { level: severity(4), reasons: vec!["制御系".into()] },
    );
    let machine =
        entry(2, "@nco", all(), Says::SeverityDeclared { level: severity(5), reason: "自動".into() });
    let situation = room(&[proposed.clone(), machine.clone()]).situation(everything);
    assert_eq!((situation.declared.clone(), ignored(&situation)), (None, vec!["not-a-person"]));
    assert_eq!(situation.to_call(&agencies, severity(3)), [].into(), "a proposal calls nobody");
    let declared =
        entry(3, "hanako@nco", all(), Says::SeverityDeclared { level: severity(3), reason: "2組織".into() });
    let situation = room(&[proposed, machine, declared]).situation(everything);
    assert_eq!(situation.to_call(&agencies, severity(3)), ["police", "jsdf"].map(organisation).into());
}

#[test]
fn what_one_may_not_see_is_not_hinted_at() {
    let secret = entry(2, "taro@police", side("police"), note("被疑者は…"));
    let stubbed = entry(3, "taro@police", Label { stub: true, ..side("police") }, note("捜査中"));
    let hidden_task = entry(4, "taro@police", side("police"), offer("police", None));
    let open = entry(1, "hanako@nco", all(), note("開始"));
    let room = room(&[open.clone(), secret, stubbed.clone(), hidden_task]);
    let lines = room.timeline(sees("nco"));
    let police = organisation("police");
    assert_eq!(
        lines,
        [Shown::Entry(open.id(), &open), Shown::Stub { at: stubbed.at, organisation: &police }]
    );
    let situation = room.situation(sees("nco"));
    assert!(situation.tasks.is_empty() && !situation.members.contains(&organisation("police")));
    assert_eq!(room.timeline(sees("police")).len(), 4);
    assert_eq!(brief(&room, minutes(0), minutes(10), sees("nco")).notes, [open.id()]);
}

#[test]
fn publishing_is_an_act_of_whoever_wrote_it() {
    let inside = entry(1, "taro@police", side("police"), note("指令サーバーを特定"));
    let salts = || ["a".repeat(32), "b".repeat(32)];
    assert_eq!(inside.publish(&person("hanako", "nco"), all(), minutes(2), salts()), None);
    let [published, kept] = inside.publish(&person("taro", "police"), all(), minutes(2), salts()).unwrap();
    let room = room(&[inside.clone(), published.clone(), kept.clone()]);
    assert_eq!(room.timeline(sees("nco")), [Shown::Entry(published.id(), &published)]);
    assert_eq!(room.timeline(sees("police")).len(), 3);
    assert_eq!(kept.says, Says::PublishedAs { entry: inside.id(), published: published.id() });
    let json = serde_json::to_string(&published).unwrap();
    assert!(!json.contains(&inside.id().to_string()), "nothing leads back into the side room");
}

#[test]
fn a_merge_moves_nothing_and_can_be_taken_back() {
    let [a, b, c] = [1, 2, 3].map(|number| id("incident", number));
    let of =
        |case: &stix::Id, at, says| RoomEntry { case: case.clone(), ..entry(at, "hanako@nco", all(), says) };
    let merge = of(&a, 1, Says::Merged { other: b.clone(), reason: "同じ指令サーバー".into() });
    let back = of(&b, 2, Says::Merged { other: c.clone(), reason: "同じ".into() });
    let mut rooms: BTreeMap<_, _> = [&a, &b, &c].map(|case| (case.clone(), Room::new(case.clone()))).into();
    let mut take =
        |entry: &RoomEntry| rooms.get_mut(&entry.case).unwrap().take(entry.clone(), minutes(50)).unwrap();
    take(&merge);
    take(&back);
    let together = [a.clone(), b.clone(), c.clone()];
    for case in &together {
        assert_eq!(joined(&rooms, case, everything), together.clone().into());
    }
    let unmerge = of(&a, 3, Says::Unmerged { merge: merge.id(), reason: "別件".into() });
    rooms.get_mut(&a).unwrap().take(unmerge, minutes(50)).unwrap();
    assert_eq!(joined(&rooms, &a, everything), [a.clone()].into());
    assert_eq!(joined(&rooms, &c, everything), [b, c].into());
    assert_eq!(rooms[&a].len(), 2, "nothing is lost");
}

#[test]
fn the_next_shift_is_told_what_it_needs() {
    let late = entry(1, "hanako@nco", all(), offer("telecom", Some(minutes(30))));
    let later = entry(2, "hanako@nco", all(), offer("police", Some(minutes(300))));
    let whenever = entry(3, "hanako@nco", all(), offer("ministry", None));
    let done = entry(4, "hanako@nco", all(), offer("nco", None));
    let options = vec!["遮断".to_owned(), "監視".to_owned()];
    let entries = [
        entry(0, "hanako@nco", all(), Says::Commands),
        late.clone(),
        later.clone(),
        whenever.clone(),
        done.clone(),
        entry(
            5,
            "hanako@nco",
            all(),
            Says::Period { from: minutes(0), until: minutes(240), objectives: "封じ込め".into() },
        ),
        entry(6, "hanako@nco", all(), Says::TaskAccepted { task: done.id(), legal_basis: "所掌".into() }),
        entry(
            40,
            "hanako@nco",
            all(),
            Says::TaskHandedBack { task: done.id(), done: true, result: "済".into() },
        ),
        entry(
            41,
            "hanako@nco",
            all(),
            Says::Decided {
                question: "遮断するか".into(),
                options,
                chosen: 1,
                reason: "影響が大きい".into(),
                evidence: vec![],
            },
        ),
    ];
    let brief = brief(&room(&entries), minutes(10), minutes(60), everything);
    let open: Vec<EntryId> = brief.open.iter().map(|task| task.id).collect();
    assert_eq!(open, [late.id(), later.id(), whenever.id()]);
    assert_eq!((brief.late, brief.ended.len(), brief.decisions.len()), (1, 1, 1));
    assert_eq!(
        brief.period.map(|period| (period.number, period.objectives)),
        Some((1, "封じ込め".to_owned()))
    );
    assert_eq!(brief.commander, Some(person("hanako", "nco")));
}

#[test]
fn what_is_not_legal_is_not_taken() {
    let mut room = Room::new(id("incident", 1));
    let mut refused = |entry: RoomEntry| room.take(entry, minutes(0)).unwrap_err();
    let other = RoomEntry { case: id("incident", 2), ..entry(0, "a@nco", all(), note("x")) };
    assert_eq!(refused(other), RoomRefusal::AnotherCase);
    assert_eq!(refused(entry(6, "a@nco", all(), note("x"))), RoomRefusal::Future);
    assert_eq!(refused(entry(0, "a@nco", all(), note(" "))), RoomRefusal::Illegal("text"));
    assert_eq!(refused(entry(0, "a@nco", all(), note(&"あ".repeat(20_001)))), RoomRefusal::Illegal("text"));
    let salt = RoomEntry { salt: "0".into(), ..entry(0, "a@nco", all(), note("x")) };
    assert_eq!(refused(salt), RoomRefusal::Illegal("salt"));
    let chosen = Says::Decided {
        question: "q".into(),
        options: vec!["a".into()],
        chosen: 1,
        reason: "r".into(),
        evidence: vec![],
    };
    assert_eq!(refused(entry(0, "a@nco", all(), chosen)), RoomRefusal::Illegal("chosen"));
    let period = Says::Period { from: minutes(2), until: minutes(2), objectives: "o".into() };
    assert_eq!(refused(entry(0, "a@nco", all(), period)), RoomRefusal::Illegal("until"));
    // Five minutes ahead is a clock, not a lie.
    assert_eq!(room.take(entry(5, "a@nco", all(), note("x")), minutes(0)), Ok(RoomAdded::New));
    assert_eq!(room.take(entry(5, "a@nco", all(), note("x")), minutes(0)), Ok(RoomAdded::Already));
}

#[test]
fn an_answer_comes_after_what_it_answers() {
    let ahead = entry(5, "hanako@nco", all(), offer("telecom", None));
    let room = room(std::slice::from_ref(&ahead));
    let at = room.time_for(&[ahead.id()], minutes(0));
    assert_eq!(at, ahead.at.checked_add(SignedDuration::from_nanos(1)).unwrap());
    assert_eq!(room.time_for(&[], minutes(0)), minutes(0));
}

#[test]
fn an_entry_travels_as_a_note() {
    let written =
        entry(1, "hanako@nco", Label { tlp: Tlp::Red, ..side("police") }, offer("police", Some(minutes(9))));
    let read = |json: &serde_json::Value| Object::parse(Bytes::from(json.to_string())).unwrap();
    let json = entry_to_stix(&written, &id("identity", 1));
    let object = read(&json);
    let errors: Vec<_> =
        validate(&object).into_iter().filter(|finding| finding.severity == Gravity::Error).collect();
    assert_eq!(errors, []);
    assert_eq!(entry_from_stix(&object), Ok(written));
    // An object that is marked more freely than the entry in it, or names another case, is none.
    for (name, value) in
        [("object_marking_refs", Tlp::Clear.id()), ("object_refs", id("incident", 2).to_string())]
    {
        let mut other = json.clone();
        other[name] = serde_json::json!([value]);
        assert!(entry_from_stix(&read(&other)).is_err(), "{name}");
    }
    let definition = read(&room_extension_definition());
    let errors: Vec<_> =
        validate(&definition).into_iter().filter(|finding| finding.severity == Gravity::Error).collect();
    assert_eq!(errors, []);
    let name = b"urn:yagura:stix:extension:case-room-entry";
    assert_eq!(
        ROOM_EXTENSION,
        format!("extension-definition--{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name))
    );
}

// ---- properties

const ORGANISATIONS: [&str; 3] = ["nco", "police", "telecom"];

/// Entries of which some refer to earlier ones.
fn entries() -> impl Strategy<Value = Vec<RoomEntry>> {
    let one = (
        0..200_i64,
        0..3_usize,
        0..3_usize,
        0..9_u8,
        any::<proptest::sample::Index>(),
        any::<bool>(),
        any::<u128>(),
    );
    vec(one, 0..40).prop_map(|drawn| {
        let mut made: Vec<RoomEntry> = Vec::new();
        for (at, of, to, what, refers, open, salt) in drawn {
            let target = if made.is_empty() { EntryId([0; 32]) } else { refers.get(&made).id() };
            let to = organisation(ORGANISATIONS[to]);
            let says = match what {
                0 => Says::Commands,
                1 => {
                    Says::HandOver { to: Person { account: "a".into(), organisation: to }, brief: "b".into() }
                }
                2 => Says::TakesOver { hand_over: target },
                3 | 4 => offer(to.as_str(), Some(minutes(at + 30))),
                5 => Says::TaskAccepted { task: target, legal_basis: "l".into() },
                6 => Says::TaskDeclined { task: target, reason: "r".into(), legal_basis: None },
                7 => Says::TaskHandedBack { task: target, done: true, result: "r".into() },
                _ => Says::SeverityDeclared {
                    level: severity(u8::try_from(at % 6).unwrap()),
                    reason: "r".into(),
                },
            };
            let label = if open { all() } else { side(ORGANISATIONS[of]) };
            let by = format!("a@{}", ORGANISATIONS[of]);
            made.push(RoomEntry { salt: format!("{salt:032x}"), ..entry(at, &by, label, says) });
        }
        made
    })
}

/// The obvious model of who hears what: every hub has what its organisation may see, and nothing else.
fn replicate(entries: &[RoomEntry], deliveries: &[(usize, usize)]) -> BTreeMap<&'static str, Room> {
    let mut hubs: BTreeMap<&'static str, Room> =
        ORGANISATIONS.into_iter().map(|name| (name, Room::new(id("incident", 1)))).collect();
    let now = minutes(100_000);
    for written in entries {
        hubs.get_mut(written.organisation.as_str()).unwrap().take(written.clone(), now).unwrap();
    }
    // Links come and go in a drawn order, then each hub hears each other once more, as after all cuts.
    let rest = (0..3).flat_map(|from| (0..3).map(move |to| (from, to)));
    for (from, to) in deliveries.iter().copied().chain(rest) {
        let (from, to) = (ORGANISATIONS[from], ORGANISATIONS[to]);
        let known: BTreeSet<EntryId> = hubs[to].ordered().into_iter().map(|(id, _)| id).collect();
        let may_give = |entry: &RoomEntry| entry.organisation.as_str() == from && sees(to)(entry);
        let new: Vec<RoomEntry> = hubs[from].missing(|id| known.contains(id), may_give).cloned().collect();
        for entry in new {
            hubs.get_mut(to).unwrap().take(entry, now).unwrap();
        }
    }
    hubs
}

proptest! {
    #[test]
    fn copies_are_equal_in_whatever_order_they_heard((written, shuffled) in entries().prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))) {
        let (a, b) = (room(&written), room(&shuffled));
        prop_assert_eq!(a.situation(everything), b.situation(everything));
        for reader in ORGANISATIONS {
            prop_assert_eq!(a.situation(sees(reader)), b.situation(sees(reader)));
            prop_assert_eq!(a.timeline(sees(reader)), b.timeline(sees(reader)));
        }
        prop_assert_eq!(a, b);
    }

    #[test]
    fn what_counts_anywhere_may_be_added_last(written in entries()) {
        let first = written.iter().filter(|entry| !entry.says.counts_anywhere()).cloned().collect::<Vec<_>>();
        let mut situation = room(&first).situation(everything);
        for entry in written.iter().filter(|entry| entry.says.counts_anywhere()) {
            situation.add(entry.id(), entry);
        }
        prop_assert_eq!(situation, room(&written).situation(everything));
    }

    #[test]
    fn hubs_converge_after_cuts_and_no_entry_passes_its_label(
        written in entries(),
        cuts in [vec((0..3_usize, 0..3_usize), 0..20), vec((0..3_usize, 0..3_usize), 0..20)],
    ) {
        let hubs = replicate(&written, &cuts[0]);
        prop_assert_eq!(&hubs, &replicate(&written, &cuts[1]), "what links did in between decides nothing");
        let whole = room(&written);
        for (name, hub) in &hubs {
            for (_, entry) in hub.ordered() {
                prop_assert!(sees(name)(entry), "{name} has an entry that is not for it");
            }
            // Each hub knows all that its organisation may see, so it sees what somebody with all entries would show it.
            prop_assert_eq!(hub.situation(everything), whole.situation(sees(name)));
        }
    }

    #[test]
    fn a_task_has_one_answer(written in entries()) {
        let situation = room(&written).situation(everything);
        let effective: BTreeSet<EntryId> = situation.ignored.iter().map(|ignored| ignored.entry).collect();
        for (task, found) in &situation.tasks {
            let answers = written.iter().filter(|entry| !effective.contains(&entry.id())).filter(|entry| match &entry.says {
                Says::TaskAccepted { task: of, .. } | Says::TaskDeclined { task: of, .. } => of == task,
                _ => false,
            });
            prop_assert!(answers.map(RoomEntry::id).collect::<BTreeSet<_>>().len() <= 1);
            let answered_by: OrganisationId = found.to.clone();
            if let TaskState::Accepted { by, .. } = &found.state {
                prop_assert_eq!(&by.organisation, &answered_by);
            }
        }
    }

    #[test]
    fn every_entry_travels_and_comes_back(written in entries()) {
        for entry in written {
            let json = entry_to_stix(&entry, &id("identity", 1));
            let object = Object::parse(Bytes::from(json.to_string())).unwrap();
            prop_assert_eq!(entry_from_stix(&object), Ok(entry));
        }
    }

    #[test]
    fn a_merge_taken_back_leaves_all_as_it_was(pairs in vec((1..6_u16, 1..6_u16), 0..8), more in (1..6_u16, 1..6_u16)) {
        let mut rooms: BTreeMap<_, _> = (1..6).map(|number| (id("incident", number), Room::new(id("incident", number)))).collect();
        let merged = |(from, into): (u16, u16), at: i64| RoomEntry {
            case: id("incident", from),
            ..entry(at, "a@nco", all(), Says::Merged { other: id("incident", into), reason: "r".into() })
        };
        let take = |entry: RoomEntry, rooms: &mut BTreeMap<_, Room>| {
            rooms.get_mut(&entry.case).unwrap().take(entry, minutes(1_000)).unwrap();
        };
        for (at, pair) in pairs.into_iter().enumerate() {
            take(merged(pair, i64::try_from(at).unwrap()), &mut rooms);
        }
        let of = |rooms: &BTreeMap<_, Room>| (1..6).map(|number| joined(rooms, &id("incident", number), everything)).collect::<Vec<_>>();
        let before = of(&rooms);
        let merge = merged(more, 100);
        take(merge.clone(), &mut rooms);
        let during = of(&rooms);
        prop_assert!(during[usize::from(more.0) - 1].contains(&id("incident", more.1)));
        let says = Says::Unmerged { merge: merge.id(), reason: "r".into() };
        take(RoomEntry { case: merge.case, ..entry(101, "a@nco", all(), says) }, &mut rooms);
        prop_assert_eq!(of(&rooms), before);
    }
}
