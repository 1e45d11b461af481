//! Two hubs with a data diode between them, and an agent that carries files over it: in one direction, and not always well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::council::{Member, id, indicator, later, objects};
use crate::peers::wait_for;
use crate::person::Person;
use crate::running::{admin, delete, export, get, wait_until, wait_until_or_tell};

/// What the agent finds on the lower side, and where it puts it on the upper one.
struct Diode {
    below: PathBuf,
    above: PathBuf,
    /// Every batch that was ever seen, by its name.
    seen: Mutex<BTreeMap<String, Vec<u8>>>,
}

/// A lower and an upper hub. At each the other is an agency's: it may have TLP:AMBER.
fn two(folder: &Path, bounds: &[&str]) -> (Member, Member, Diode) {
    let [low, high] = ["low", "high"].map(|name| Member::at_a_diode(folder, name));
    for (at, other) in [(&low, "high"), (&high, "low")] {
        admin(&at.hub, &["org", "add", other, "--name-ja", other, "--name-en", other, "--role", "agency"]);
    }
    let added = admin(&low.hub, &[&["peer", "add-outlet", "--org", "high"], bounds].concat());
    let series = added.split('\t').nth(2).unwrap().to_owned();
    let card = folder.join("low.card");
    std::fs::write(&card, admin(&low.hub, &["peer", "card"]) + "\n").unwrap();
    admin(&high.hub, &["peer", "add-inlet", card.to_str().unwrap(), "--org", "low", "--series", &series]);
    let diode = Diode {
        below: folder.join("low-carried/high/out"),
        above: folder.join("high-carried/low/in"),
        seen: Mutex::default(),
    };
    wait_until("both folders are there", || diode.below.is_dir() && diode.above.is_dir());
    (low, high, diode)
}

impl Diode {
    /// What waits below, by name.
    fn waiting(&self) -> Vec<String> {
        batches_in(&self.below)
    }

    /// Takes a file away below; what it held is remembered, and no name ever comes with two contents.
    #[track_caller]
    fn take(&self, name: &str) -> Vec<u8> {
        let path = self.below.join(name);
        let bytes = std::fs::read(&path).unwrap();
        let known = self.seen.lock().unwrap().insert(name.to_owned(), bytes.clone());
        assert!(known.is_none_or(|known| known == bytes), "{name} came with two contents");
        std::fs::remove_file(path).unwrap();
        bytes
    }

    /// Puts a file down above, as agents do it: whole, or not at all.
    fn put(&self, name: &str, bytes: &[u8]) {
        let part = self.above.join(format!("{name}.tmp"));
        std::fs::write(&part, bytes).unwrap();
        std::fs::rename(part, self.above.join(name)).unwrap();
    }

    /// Carries what comes before a batch that names something, and takes that one away.
    fn wait_for_batch_with(&self, text: &str) -> (String, Vec<u8>) {
        let mut found = None;
        wait_until("a batch is written", || {
            for name in self.waiting() {
                let bytes = self.take(&name);
                if String::from_utf8_lossy(&bytes).contains(text) {
                    found = Some((name, bytes));
                    return true;
                }
                self.put(&name, &bytes);
            }
            false
        });
        found.unwrap()
    }

    /// Carries everything that is there.
    #[track_caller]
    fn carry(&self) {
        for name in self.waiting() {
            let bytes = self.take(&name);
            self.put(&name, &bytes);
        }
    }

    /// Carries until the test is over, or until it is told to stop.
    fn carry_on<T>(&self, during: impl FnOnce() -> T) -> T {
        let ended = Arc::new(AtomicBool::new(false));
        std::thread::scope(|scope| {
            let watched = Arc::clone(&ended);
            let carrying = scope.spawn(move || {
                while !watched.load(Ordering::Relaxed) {
                    self.carry();
                    std::thread::sleep(Duration::from_millis(30));
                }
            });
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(during));
            ended.store(true, Ordering::Relaxed);
            carrying.join().unwrap();
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Numbers that were seen, in order.
    fn numbers(&self) -> Vec<u64> {
        self.seen.lock().unwrap().keys().map(|name| number(name)).collect()
    }
}

fn batches_in(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| !name.starts_with('.') && name.ends_with(".yagura")).collect();
    names.sort();
    names
}

fn number(name: &str) -> u64 {
    name.split('-').nth(1).unwrap().parse().unwrap()
}

/// Nothing was given to the hub below, and there is nothing of it that anything could be given by.
#[track_caller]
fn nothing_flows_down(high: &Member, folder: &Path) {
    let peer = high.peer("low");
    let sent = [&peer["counts"]["sent"], &peer["counts"]["taken_back"], &peer["address"]];
    assert_eq!(sent, [&json!(0), &json!(0), &Value::Null], "{peer}");
    assert_eq!(peer["way"], "inlet");
    let path = format!("{}/api/v1/releases?organisation=low", high.hub.address);
    let releases = get(&path, Some(&high.hub.token)).unwrap();
    assert_eq!(releases["rows"], json!([]), "{releases}");
    let theirs: Vec<_> = std::fs::read_dir(folder.join("high-carried/low")).unwrap().collect();
    assert_eq!(theirs.len(), 1, "there is a folder for what comes, and none for what would go: {theirs:?}");
}

#[test]
fn what_is_published_below_arrives_above_and_nothing_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high, diode) = two(folder.path(), &[]);
    let levels = [Some("red"), Some("amber+strict"), None, Some("amber"), Some("green"), Some("clear")];
    let published = levels.map(indicator);
    let wanted: BTreeSet<String> = published.iter().map(id).collect();
    let [_, _, _, amber, green, clear] = &published;
    let own = indicator(Some("clear"));
    high.hub.post(&objects(std::slice::from_ref(&own)));
    diode.carry_on(|| {
        low.hub.post(&objects(&published));
        wait_for(&high, &wanted, &[amber, green, clear]);

        let (newer, revoked) = (later(green, 1, false), later(amber, 2, true));
        low.hub.post(&objects(&[newer.clone(), revoked.clone()]));
        wait_for(&high, &wanted, &[&revoked, &newer, clear]);
        let address = format!("{}/api/v1/objects/{}", low.hub.address, id(clear));
        assert_eq!(delete(&address, &low.hub.token), Some(204));
        wait_for(&high, &wanted, &[&revoked, &newer]);
        // What may be held no longer is taken back, and comes again when it may.
        low.give_green(false);
        wait_for(&high, &wanted, &[&revoked]);
        low.give_green(true);
        wait_for(&high, &wanted, &[&revoked, &newer]);

        let detail =
            get(&format!("{}/api/v1/objects/{}", high.hub.address, id(green)), Some(&high.hub.token));
        let routes = detail.as_ref().unwrap()["routes"].clone();
        assert_eq!(routes[0]["hops"][0]["peer"], "low", "{routes}");
    });
    let below: BTreeSet<String> = export(&low.hub).iter().map(id).collect();
    assert!(!below.contains(&id(&own)), "what is published above stays there");
    nothing_flows_down(&high, folder.path());
    // Of what was withheld not one byte was written for the agent.
    let seen = diode.seen.lock().unwrap();
    for (name, bytes) in seen.iter() {
        let text = String::from_utf8_lossy(bytes);
        for hidden in &published[..3] {
            assert!(!text.contains(&id(hidden)), "{name} names what may not leave");
        }
    }
    let peer = low.peer("high");
    assert_eq!((&peer["way"], &peer["heard"]), (&json!("outlet"), &Value::Null), "{peer}");
    assert!(peer["counts"]["sent"].as_u64().unwrap() >= 5, "{peer}");
    let ledger = get(&format!("{}/api/v1/releases?organisation=high", low.hub.address), Some(&low.hub.token));
    assert_eq!(ledger.unwrap()["rows"][0]["door"], "peer");
}

#[test]
fn killed_hubs_neither_lose_a_batch_nor_write_a_number_twice() {
    const ROUNDS: usize = 6;
    let folder = tempfile::tempdir().unwrap();
    let (mut low, mut high, diode) = two(folder.path(), &[]);
    for round in 0..ROUNDS {
        let poster = low.hub.poster();
        let posting = std::thread::spawn(move || {
            while poster
                .try_post(&objects(&(0..40).map(|_| indicator(Some("clear"))).collect::<Vec<_>>()))
                .is_some()
            {}
        });
        // In the middle of something: a batch under way, or one that was just shown.
        let before = diode.seen.lock().unwrap().len();
        let is_busy = || {
            let names = std::fs::read_dir(&diode.below).unwrap().map(|entry| entry.unwrap().file_name());
            names.into_iter().any(|name| round % 2 == 0 || name.to_string_lossy().ends_with(".part"))
        };
        wait_until("a batch is written", || {
            let is_busy = is_busy();
            if round % 2 == 1 && !is_busy && diode.waiting().len() > 2 {
                // A part lives for milliseconds; a batch that was just shown will do.
                return true;
            }
            is_busy
        });
        low.hub.kill();
        posting.join().unwrap();
        diode.carry();
        high.hub.kill();
        (low, high) = (low.start_again(), high.start_again());
        // What was seen may have been a part of an earlier round, which is discarded now.
        low.hub.post(&objects(&[indicator(Some("clear"))]));
        wait_until("something more is written", || {
            diode.carry();
            diode.seen.lock().unwrap().len() > before
        });
    }
    let last = indicator(Some("clear"));
    low.hub.post(&objects(std::slice::from_ref(&last)));
    diode.carry_on(|| wait_for(&high, &[id(&last)].into(), &[&last]));
    let indicators = |member: &Member| -> Vec<String> {
        let mut found: Vec<String> =
            export(&member.hub).iter().filter(|object| object["type"] == "indicator").map(id).collect();
        found.sort();
        found
    };
    let (below, above) = (indicators(&low), indicators(&high));
    assert!(below.len() > 40, "{} are enough to be interrupted", below.len());
    assert_eq!(above, below, "everything arrived, once, and nothing else");
    let numbers = diode.numbers();
    let all: Vec<u64> = (1..=u64::try_from(numbers.len()).unwrap()).collect();
    assert_eq!(numbers, all, "no number is left out and none is written twice");
    let peer = high.peer("low");
    assert_eq!(
        (&peer["folder"]["missing"], &peer["folder"]["quarantined"]),
        (&json!([]), &json!(0)),
        "{peer}"
    );
    nothing_flows_down(&high, folder.path());
}

#[test]
fn a_lost_batch_is_told_with_its_number_and_sent_again_as_far_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high, diode) = two(folder.path(), &[]);
    let [first, lost, withdrawn, after] = [(); 4].map(|()| indicator(Some("clear")));
    let wanted: BTreeSet<String> = [&first, &lost, &withdrawn, &after].into_iter().map(id).collect();
    low.hub.post(&objects(std::slice::from_ref(&first)));
    diode.carry_on(|| wait_for(&high, &wanted, &[&first]));
    low.hub.post(&objects(&[lost.clone(), withdrawn.clone()]));
    wait_until("it is written", || !diode.waiting().is_empty());
    let gone = diode.waiting();
    for name in &gone {
        diode.take(name);
    }
    let first_gone = number(&gone[0]);
    // What is withdrawn meanwhile does not leave again.
    let address = format!("{}/api/v1/objects/{}", low.hub.address, id(&withdrawn));
    assert_eq!(delete(&address, &low.hub.token), Some(204));
    low.hub.post(&objects(std::slice::from_ref(&after)));
    wait_until("something follows", || !diode.waiting().is_empty());
    diode.carry();
    let told = || high.peer("low")["folder"]["missing"].clone();
    wait_until_or_tell("the gap is told", || told()[0]["first"] == first_gone, || told().to_string());
    assert_eq!(told()[0]["last"], number(gone.last().unwrap()));
    let people = Person::of(&high.hub, "coordinator", "analyst");
    let notice = || people.good("/api/v1/notices")["notices"][0].clone();
    wait_until_or_tell("people are told", || notice()["kind"] == "batches-missing", || notice().to_string());
    assert!(notice()["text"].as_str().unwrap().contains(&format!("--from {first_gone}")), "{}", notice());
    assert_eq!(high.holds(&wanted).unwrap().len(), 1, "nothing is taken out of order");

    let before: BTreeSet<String> = diode.seen.lock().unwrap().keys().cloned().collect();
    admin(&low.hub, &["peer", "resend", "high", "--from", &first_gone.to_string()]);
    diode.carry_on(|| {
        wait_for(&high, &wanted, &[&first, &lost, &after]);
        wait_until("the gap is closed", || told() == json!([]));
    });
    let seen = diode.seen.lock().unwrap();
    for (name, bytes) in seen.iter().filter(|(name, _)| !before.contains(*name)) {
        let is_object = |line: &&str| line.contains("\"envelope\"") && line.contains(&id(&withdrawn));
        assert_eq!(
            String::from_utf8_lossy(bytes).lines().find(is_object),
            None,
            "{name} holds what was withdrawn"
        );
    }
    wait_until("what waited too early is gone", || batches_in(&diode.above).is_empty());
}

#[test]
fn a_recall_follows_and_counts_as_acknowledged_when_the_agent_has_taken_it() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high, diode) = two(folder.path(), &[]);
    let (wrong, right) = (indicator(Some("amber")), indicator(Some("amber")));
    let wanted: BTreeSet<String> = [&wrong, &right].map(id).into();
    low.hub.post(&objects(&[wrong.clone(), right.clone()]));
    diode.carry_on(|| wait_for(&high, &wanted, &[&wrong, &right]));
    let officer = Person::of(&low.hub, "coordinator", "duty_officer");
    let body = json!({ "object": wrong["id"], "reason": "a mistyped address", "deadline_hours": 1 });
    let recall = officer.done("/api/v1/recalls", &body);
    assert_eq!((&recall["waiting"], &recall["holders"][0]["peer"]), (&json!(1), &json!("high")), "{recall}");
    let path = format!("/api/v1/recalls/{}", recall["id"].as_str().unwrap());
    wait_until("it is written", || !diode.waiting().is_empty());
    assert_eq!(officer.good(&path)["waiting"], 1, "not before the agent has taken it");
    diode.carry_on(|| {
        wait_for(&high, &wanted, &[&right]);
        let there = Person::of(&high.hub, "coordinator", "duty_officer");
        let held = || there.good("/api/v1/recalls")["recalls"].clone();
        wait_until_or_tell("it is told above", || held()[0]["id"] == recall["id"], || held().to_string());
        assert_eq!(held()[0]["reason"], "a mistyped address");
        let told = || officer.good(&path);
        wait_until_or_tell("it counts as acknowledged", || told()["waiting"] == 0, || told().to_string());
        let by = told()["holders"][0]["acknowledged_by"].as_str().unwrap().to_owned();
        assert!(by.starts_with("high (batch "), "{by}");
    });
    nothing_flows_down(&high, folder.path());
}

#[test]
fn what_is_no_batch_is_put_aside_and_what_comes_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high, diode) = two(folder.path(), &[]);
    let (first, second) = (indicator(Some("clear")), indicator(Some("clear")));
    let wanted: BTreeSet<String> = [&first, &second].map(id).into();
    low.hub.post(&objects(std::slice::from_ref(&first)));
    let (name, bytes) = diode.wait_for_batch_with(&id(&first));
    // Somebody who holds the diode's far end adds an object of its own.
    let forged = String::from_utf8(bytes.clone()).unwrap().replace("198.51.100.7", "198.51.100.8");
    diode.put(&name, forged.as_bytes());
    let aside = || high.peer("low")["folder"].clone();
    wait_until_or_tell("it is put aside", || aside()["quarantined"] == 1, || aside().to_string());
    assert_eq!(aside()["last_quarantined"]["name"], name.as_str());
    assert_eq!(high.holds(&wanted).unwrap().len(), 0);
    diode.put("batch-1.yagura", b"anything");
    let number = number(&name);
    diode.put(&name.replace(&format!("{number:012}-"), &format!("{:012}-", number + 1)), &bytes);
    wait_until_or_tell("its name does not matter", || aside()["quarantined"] == 3, || aside().to_string());
    assert_eq!(high.holds(&wanted).unwrap().len(), 0);

    diode.put(&name, &bytes);
    wait_for(&high, &wanted, &[&first]);
    low.hub.post(&objects(std::slice::from_ref(&second)));
    diode.carry_on(|| wait_for(&high, &wanted, &[&first, &second]));
    diode.put(&name, &bytes);
    wait_until("it is taken away", || batches_in(&diode.above).is_empty());
    assert_eq!(high.peer("low")["counts"]["accepted"], 2, "nothing is taken in twice");
    assert_eq!(high.peer("low")["link"], "up");
    let kept = std::fs::read_dir(diode.above.join("quarantine")).unwrap().count();
    assert!(kept >= 2, "what was put aside is kept");
}

#[test]
fn a_folder_that_nobody_empties_is_filled_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high, diode) = two(folder.path(), &["--files-max", "2"]);
    let published: Vec<Value> = (0..4).map(|_| indicator(Some("clear"))).collect();
    let wanted: BTreeSet<String> = published.iter().map(id).collect();
    let full = || low.peer("high")["folder"].clone();
    for object in &published {
        let before = full()["number"].clone();
        low.hub.post(&objects(std::slice::from_ref(object)));
        wait_until("it is written, or the folder is full", || {
            full()["full"] == true || full()["number"] != before
        });
    }
    wait_until_or_tell("the folder is full", || full()["full"] == true, || full().to_string());
    assert_eq!(diode.waiting().len(), 2);
    assert!(low.peer("high")["trouble"].as_str().unwrap().contains("transfer agent"));
    // Everything else of the hub goes on, and so does this when there is room.
    diode.carry_on(|| wait_for(&high, &wanted, &published.iter().collect::<Vec<_>>()));
}
