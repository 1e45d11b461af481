//! The twelve playbooks of `playbooks/`: nothing is to say about them, and each runs to its end on all of its ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cacao::run::{Answer, Effect, Order, Run, Values, What};
use cacao::signature::Runnable;
use cacao::{Playbook, StepKind};
use serde_json::{Value, json};

use crate::support::{Caller, World, failed, person, runnable};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../playbooks")
}

fn library() -> BTreeMap<String, Playbook> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.insert(name, Playbook::parse(&std::fs::read(&path).unwrap()).unwrap());
        }
    }
    found
}

#[test]
fn twelve_playbooks_of_which_nothing_is_to_say() {
    let library = library();
    let names: Vec<&str> = library.keys().map(String::as_str).collect();
    let expected = [
        "data-breach",
        "ddos",
        "fraud-accounts",
        "intrusion",
        "malicious-domain-block",
        "near-miss",
        "online-banking-fraud",
        "ot-anomaly",
        "phishing",
        "ransomware",
        "supply-chain",
        "vulnerable-device",
    ];
    assert_eq!(names, expected);
    for (name, playbook) in &library {
        let findings: Vec<String> = playbook.findings().iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
    let ids: BTreeSet<&str> = library.values().map(|playbook| playbook.id.as_str()).collect();
    assert_eq!(ids.len(), 12);
}

#[test]
fn every_text_for_people_is_there_in_japanese() {
    for (name, playbook) in library() {
        let document = Value::Object(playbook.document().clone());
        let texts = &playbook.extensions[cacao::TRANSLATIONS]["ja"];
        let mut wanted = vec!["/name".to_owned(), "/description".to_owned()];
        for (id, step) in &playbook.workflow {
            if step.name.is_some() {
                wanted.push(format!("/workflow/{id}/name"));
            }
            if let StepKind::Action(action) = &step.kind {
                let manual =
                    action.commands.iter().enumerate().filter(|(_, command)| command.command.is_some());
                let manual = manual.filter(|(_, command)| command.kind == cacao::CommandKind::Manual);
                wanted.extend(manual.map(|(index, _)| format!("/workflow/{id}/commands/{index}/command")));
            }
        }
        wanted.extend(
            playbook.variables.keys().map(|variable| format!("/playbook_variables/{variable}/description")),
        );
        for pointer in wanted {
            let japanese =
                texts[&pointer].as_str().unwrap_or_else(|| panic!("{name}: {pointer} is not translated"));
            assert!(japanese.chars().any(|c| c as u32 > 0x3000), "{name}: {pointer}");
            // A value that the English text uses is used by the Japanese one as well.
            let english = document.pointer(&pointer).and_then(Value::as_str).unwrap();
            for word in english.split_whitespace().filter(|word| word.contains("__:value")) {
                let variable = format!("{}__:value", word.split("__:value").next().unwrap());
                assert!(
                    japanese.contains(variable.trim_start_matches(['(', '['])),
                    "{name}: {pointer} lacks {variable}"
                );
            }
        }
    }
}

#[test]
fn the_extensions_are_published_as_the_playbooks_name_them() {
    for (file, id) in [("safeguards", cacao::SAFEGUARDS), ("translations", cacao::TRANSLATIONS)] {
        let read = |ending: &str| -> Value {
            let path = folder().join("extensions").join(format!("{file}.{ending}.json"));
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        };
        let (definition, schema) = (read("definition"), read("schema"));
        let validator = jsonschema::options().build(&schema).unwrap();
        let mut used = 0;
        for (name, playbook) in library() {
            let Some(named) = playbook.document()["extension_definitions"].get(id) else { continue };
            assert_eq!(*named, definition[id], "{name}");
            let steps = playbook.workflow.values().filter_map(|step| step.extensions.get(id));
            for content in steps.chain(playbook.extensions.get(id)) {
                assert!(
                    validator.is_valid(content),
                    "{name}: {:?}",
                    validator.iter_errors(content).map(|e| e.to_string()).collect::<Vec<_>>()
                );
                used += 1;
            }
        }
        assert!(used > 0);
        assert!(!validator.is_valid(&json!({"type": file, "aproval": 1})));
    }
}

/// A generator of chance that needs nothing: Marsaglia's xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap()).unwrap()
    }
}

/// Something that a command could give: a case of a switch on the variable, or any value of its type.
fn output(playbook: &Playbook, name: &str, chance: &mut Chance) -> Value {
    let cases = playbook.workflow.values().filter_map(|step| match &step.kind {
        StepKind::Switch(the) if the.switch == format!("{name}:value") => Some(&the.cases),
        _ => None,
    });
    let mut values: Vec<String> = cases.flat_map(BTreeMap::keys).cloned().collect();
    if values.is_empty() {
        let list: &[&str] = match playbook.variables[name].kind.as_str() {
            "bool" => &["true", "false"],
            "integer" => &["0", "1", "5", "2000"],
            "ipv4-addr" => &["198.51.100.0/24"],
            _ => &["", "evil.example"],
        };
        values = list.iter().map(|value| (*value).to_owned()).collect();
    }
    json!(values[chance.below(values.len())])
}

fn argument(kind: &str) -> &'static str {
    match kind {
        "ipv4-addr" => "198.51.100.7",
        "uri" => "https://edge.example/",
        _ => "words",
    }
}

fn answer(order: &Order, books: &BTreeMap<&str, &Playbook>, chance: &mut Chance) -> Answer {
    if chance.below(12) == 0 {
        return failed();
    }
    let playbook = books[order.playbook.id.as_str()];
    let outputs = order.out_args.iter().map(|name| (name.clone(), output(playbook, name, chance)));
    Answer::Done { outputs: Values(outputs.collect()) }
}

/// Carries one run out, approvals included; gives the steps that it entered.
fn carry(
    playbook: &Runnable,
    shelf: &[Runnable],
    books: &BTreeMap<&str, &Playbook>,
    chance: &mut Chance,
) -> Vec<(String, String)> {
    let external = playbook.playbook().variables.iter().filter(|(_, variable)| variable.external);
    let arguments = external.map(|(name, variable)| (name.clone(), json!(argument(&variable.kind))));
    let mut caller = Caller::start(playbook, shelf, Values(arguments.collect()));
    for _ in 0..5_000 {
        if caller.run.is_settled() {
            let steps = caller.run.steps().map(|(book, step, _)| (book.id.clone(), step.to_owned()));
            let all: Vec<Runnable> = std::iter::once(playbook).chain(shelf).cloned().collect();
            assert_eq!(*Run::replay(&all, &caller.log).unwrap().view(), caller.run);
            return steps.collect();
        }
        let open = caller.run.questions().find(|(_, _, state, _)| *state == cacao::run::QuestionState::Open);
        if let Some((question, given, ..)) = open {
            let given = u32::try_from(given.len()).unwrap();
            match chance.below(20) {
                0 => {
                    caller.happen(What::ApprovalRefused { question, by: person("refuser", 9), reason: None });
                }
                _ => caller.approve(question, person(&format!("approver {given}"), 10 + given)).unwrap(),
            }
            continue;
        }
        match caller.next_effect() {
            Some(Effect::Dispatch(order)) => {
                caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() });
                let answer = answer(&order, books, chance);
                caller.happen(What::Answered { key: order.key, answer });
            }
            Some(Effect::Wait { .. }) => assert!(caller.wait()),
            Some(_) => {
                caller.step(&mut World::obliging());
            }
            None => panic!("it rests before its end"),
        }
    }
    panic!("it does not end");
}

#[test]
fn each_runs_to_its_end_on_all_of_its_ways() {
    let library = library();
    let books: BTreeMap<&str, &Playbook> =
        library.values().map(|playbook| (playbook.id.as_str(), playbook)).collect();
    let shelf: Vec<Runnable> = library.values().map(|playbook| runnable(playbook.clone())).collect();
    for (name, playbook) in &library {
        let own = runnable(playbook.clone());
        let mut missing: BTreeSet<&String> = playbook.workflow.keys().collect();
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        let mut runs = 0;
        while !missing.is_empty() && runs < 400 {
            for (book, step) in carry(&own, &shelf, &books, &mut chance) {
                if book == playbook.id {
                    missing.remove(&step);
                }
            }
            runs += 1;
        }
        let missing: Vec<_> = missing.into_iter().collect();
        assert!(missing.is_empty(), "{name}: after {runs} runs never entered: {missing:?}");
    }
}
