//! Whoever reads a room on, from the cursor of its last answer, has exactly what whoever reads it anew has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::room::{Worker, council, note, only, open};
use crate::support::TestHub;

/// A console that holds a room and asks for what is new.
struct Console<'a> {
    worker: &'a Worker<'a>,
    case: String,
    held: Value,
    /// Answers that continued another one, and the lines that they had.
    continued: (usize, usize),
}

fn lines(room: &Value) -> Vec<Value> {
    room["timeline"].as_array().unwrap().clone()
}

/// The order in which lines stand, newest first: a fraction of a second is more than none.
fn place(line: &Value) -> (String, String) {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("at").trim_end_matches('Z').to_owned(), text("entry"))
}

impl<'a> Console<'a> {
    async fn open(worker: &'a Worker<'a>, case: &str) -> Self {
        Self { worker, case: case.to_owned(), held: worker.room(case).await, continued: (0, 0) }
    }

    async fn ask(&self, more: &str) -> Value {
        self.worker.signed.good(&format!("/api/v1/cases/{}/room?{more}", self.case)).await
    }

    async fn reads_on(&mut self) {
        let mut answer = self.ask(&format!("known={}", self.held["cursor"].as_str().unwrap())).await;
        if answer["continues"] == true {
            let new = lines(&answer);
            self.continued = (self.continued.0 + 1, self.continued.1 + new.len());
            let names: BTreeSet<String> = new.iter().map(|line| place(line).1).collect();
            let held = lines(&self.held).into_iter().filter(|line| !names.contains(&place(line).1));
            let mut all: Vec<Value> = new.iter().cloned().chain(held).collect();
            all.sort_by_key(|line| std::cmp::Reverse(place(line)));
            answer["timeline"] = json!(all);
        }
        self.held = answer;
    }

    /// Reads on, and holds it against what is read anew.
    async fn holds(&mut self, when: &str) {
        self.reads_on().await;
        let anew = self.worker.room(&self.case).await;
        assert_eq!(self.held["timeline"], anew["timeline"], "{} {when}", self.worker.organisation);
        for part in ["situation", "lines", "cursor", "joined", "you"] {
            assert_eq!(self.held[part], anew[part], "{part} of {} {when}", self.worker.organisation);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_on_comes_to_what_reading_anew_comes_to() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let other = nco.opens("別の侵入").await;
    let mut consoles = Vec::new();
    for worker in [&nco, &police, &power] {
        consoles.push(Console::open(worker, &case).await);
    }
    let task = json!({ "says": "task-offered", "to": "police", "title": "保全", "lane": "threat",
        "due": "2100-01-01T00:00:00Z", "legal_basis": "刑事訴訟法197条3項" });
    let mut entries = Vec::new();
    for (number, (writer, body)) in [
        (&nco, open(json!({ "says": "commands" }))),
        (&power, open(note("一"))),
        (&police, only(&["kinki-power"], true, note("二者で"))),
        (&nco, open(task)),
        (&power, only(&["kinki-power"], false, note("自分だけに"))),
        (&police, open(json!({ "says": "severity-declared", "level": 2, "reason": "r" }))),
        (&nco, open(json!({ "says": "merged", "other": other, "reason": "同じ侵入" }))),
        (&police, only(&["coordinator"], true, note("また二者で"))),
    ]
    .into_iter()
    .enumerate()
    {
        entries.push(writer.says(&case, body).await);
        for console in &mut consoles {
            console.holds(&format!("after entry {number}")).await;
        }
    }
    for number in 0..5 {
        nco.says(&case, open(note(&format!("さらに {number}")))).await;
    }
    for console in &mut consoles {
        console.holds("after five").await;
        // The first entry under a label begins another line for whoever may read it.
        let (answers, new) = console.continued;
        assert!(answers >= 3, "{answers} answers continued another one");
        assert!(new < 30, "and told only what is new: {new} lines");
    }
    // What takes something away, or shows it anew, is told whole.
    let first = lines(&consoles[0].held).into_iter().find(|line| line["says"]["text"] == "一").unwrap();
    let path = format!("/api/v1/objects/{}/marking", first["object"].as_str().unwrap());
    let narrowed = power.signed.post(&path, json!({ "tlp": "red", "reason": "r" })).await;
    assert_eq!(narrowed.status, 200, "{}", String::from_utf8_lossy(&narrowed.body));
    for console in &mut consoles {
        let before = console.continued.0;
        console.holds("after a marking was narrowed").await;
        assert_eq!(console.continued.0, before, "what was told does not stand");
    }
    assert!(lines(&consoles[1].held).iter().all(|line| line["says"]["text"] != "一"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_means_nothing_to_its_reader_is_answered_with_all_of_it() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    for number in 0..6 {
        nco.says(&case, open(note(&number.to_string()))).await;
    }
    power.says(&case, only(&["kinki-power"], false, note("自分だけに"))).await;
    let (own, others) = (Console::open(&police, &case).await, Console::open(&power, &case).await);
    let foreign = others.held["cursor"].as_str().unwrap();
    for known in [foreign, "x", "-", "1-2", "0-18446744073709551616"] {
        let answer = own.ask(&format!("known={known}")).await;
        assert_eq!((&answer["continues"], &answer["timeline"]), (&json!(false), &own.held["timeline"]));
    }
    let cursor = own.held["cursor"].as_str().unwrap();
    let nothing = own.ask(&format!("known={cursor}")).await;
    assert_eq!((&nothing["continues"], &nothing["timeline"]), (&json!(true), &json!([])));
    for number in 0..3 {
        nco.says(&case, open(note(&format!("{number}")))).await;
    }
    let few = own.ask(&format!("limit=2&known={cursor}")).await;
    assert_eq!((&few["continues"], lines(&few).len()), (&json!(false), 2), "more is new than is asked for");
    let all = own.ask(&format!("limit=3&known={cursor}")).await;
    assert_eq!((&all["continues"], lines(&all).len()), (&json!(true), 3));
}
