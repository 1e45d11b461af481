//! Every attack that the platform says it withstands, carried out: over the network where it is one of the network, by the crates'
//! public functions otherwise. What comes of it is counted, printed and compared with `docs/attacks.md`; `UPDATE=1` rewrites that.
//!
//! Each attack first does the honest thing, which has to succeed: a door that is shut to everybody refuses every attack.

mod actions;
mod database;
mod grants;
mod identity;
mod logs;
mod matching;
mod passed;
mod people;
mod policy;
mod smuggling;

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::path::Path;

use crate::support::Reply;

/// One kind of attack at one place, and what came of each attempt.
pub struct Attack {
    name: &'static str,
    place: &'static str,
    attempts: Vec<Attempt>,
}

struct Attempt {
    what: String,
    outcome: Outcome,
}

enum Outcome {
    /// It was not let in, and so answered.
    Refused(String),
    /// It happened, and whoever looks finds it.
    Detected(String),
    /// It went through unnoticed.
    Through,
}

impl Attack {
    pub fn new(name: &'static str, place: &'static str) -> Self {
        Self { name, place, attempts: Vec::new() }
    }

    /// An attempt that has to be refused; `answer` is how it was, `None` where it was let in.
    pub fn refused(&mut self, what: impl Into<String>, answer: Option<String>) {
        self.attempted(what, answer.map(Outcome::Refused));
    }

    /// An attempt that has to be found out; `answer` is how it was, `None` where nobody noticed.
    pub fn detected(&mut self, what: impl Into<String>, answer: Option<String>) {
        self.attempted(what, answer.map(Outcome::Detected));
    }

    fn attempted(&mut self, what: impl Into<String>, outcome: Option<Outcome>) {
        self.attempts.push(Attempt { what: what.into(), outcome: outcome.unwrap_or(Outcome::Through) });
    }

    fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        self.attempts.iter().filter(|attempt| of(&attempt.outcome)).count()
    }

    fn through(&self) -> Vec<String> {
        let through = self.attempts.iter().filter(|attempt| matches!(attempt.outcome, Outcome::Through));
        through.map(|attempt| format!("{} ({}): {}", self.name, self.place, attempt.what)).collect()
    }
}

/// How a hub refused, if it did.
pub fn answer(reply: &Reply) -> Option<String> {
    (reply.status >= 400).then(|| {
        let problem: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
        let code = problem.as_ref().and_then(|problem| problem["code"].as_str());
        code.map_or(reply.status.to_string(), |code| format!("{} {code}", reply.status))
    })
}

/// By which error something was refused, if it was: the names of its variants.
pub fn error<T, E: Debug>(result: Result<T, E>) -> Option<String> {
    let debug = format!("{:?}", result.err()?);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = debug.split('(').map_while(|part| {
        let name: String = part.chars().take_while(|c| is_name(*c)).collect();
        name.starts_with(|c: char| c.is_ascii_uppercase()).then_some(name)
    });
    Some(names.collect::<Vec<_>>().join("/"))
}

/// What a check that has to hold says of itself.
pub fn noticed(holds: bool, how: &str) -> Option<String> {
    holds.then(|| how.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_or_detected() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Each on the heap: together they are more than a test's stack.
    let mut attacks = Box::pin(logs::all()).await;
    attacks.extend(Box::pin(grants::all()).await);
    attacks.extend(matching::all());
    attacks.extend(Box::pin(people::all()).await);
    attacks.extend(Box::pin(identity::all()).await);
    attacks.extend(Box::pin(smuggling::all()).await);
    attacks.extend(Box::pin(policy::all()).await);
    attacks.extend(Box::pin(database::all()).await);
    attacks.extend(Box::pin(actions::all()).await);
    attacks.extend(Box::pin(passed::all()).await);
    let told = document(&attacks);
    println!("{told}");
    let through: Vec<String> = attacks.iter().flat_map(Attack::through).collect();
    assert!(through.is_empty(), "neither refused nor detected:\n{}", through.join("\n"));
    assert!(attacks.iter().all(|attack| !attack.attempts.is_empty()), "an attack that was not tried");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/attacks.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == told, "docs/attacks.md is not what came of the attacks; UPDATE=1 rewrites it");
}

const HEAD: &str = "\
# The attacks that are tried

The test `every_attack_is_refused_or_detected` (`crates/hub/tests/it/attacks`) carries out every attack of this page each time it runs: against a
running hub and running witnesses where it comes by the network, by the crates' public functions otherwise. It wrote this page
(`UPDATE=1`), fails where one attempt is neither refused nor detected, and fails where this page says something else than what it
saw. Each attack is preceded by the honest act beside it, which has to succeed.

*Refused*: it was not let in. *Detected*: who did it could do it, having the keys or the disk, and whoever looks finds it. What
nobody can detect is in [SECURITY.md](../SECURITY.md), under what is left.

";

/// The page: a table, and below it each attempt.
fn document(attacks: &[Attack]) -> String {
    let mut page = String::from(HEAD);
    page += "| attack | where | attempts | refused | detected | answers |\n|---|---|---|---|---|---|\n";
    let mut sums = [0; 3];
    for attack in attacks {
        let refused = attack.count(|outcome| matches!(outcome, Outcome::Refused(_)));
        let detected = attack.count(|outcome| matches!(outcome, Outcome::Detected(_)));
        let attempts = attack.attempts.len();
        for (sum, count) in sums.iter_mut().zip([attempts, refused, detected]) {
            *sum += count;
        }
        let Attack { name, place, .. } = attack;
        let answers = answers(attack);
        writeln!(page, "| {name} | {place} | {attempts} | {refused} | {detected} | {answers} |").unwrap();
    }
    let [attempts, refused, detected] = sums;
    let share = (refused + detected) * 100 / attempts.max(1);
    writeln!(page, "| **all** | | **{attempts}** | **{refused}** | **{detected}** | **{share} %** |")
        .unwrap();
    for attack in attacks {
        writeln!(page, "\n## {}: {}\n", attack.name, attack.place).unwrap();
        for Attempt { what, outcome } in &attack.attempts {
            let said = match outcome {
                Outcome::Refused(how) => format!("refused: {how}"),
                Outcome::Detected(how) => format!("detected: {how}"),
                Outcome::Through => "**went through**".to_owned(),
            };
            writeln!(page, "- {what}. *{said}*").unwrap();
        }
    }
    page
}

/// How often each answer was given.
fn answers(attack: &Attack) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in &attack.attempts {
        if let Outcome::Refused(how) | Outcome::Detected(how) = &attempt.outcome {
            *counts.entry(how).or_default() += 1;
        }
    }
    let told = counts.iter().map(|(how, count)| match count {
        1 => (*how).to_owned(),
        count => format!("{how} (×{count})"),
    });
    told.collect::<Vec<_>>().join("; ")
}

#[test]
fn an_attack_that_goes_through_is_told() {
    let mut attack = Attack::new("Lock picking", "front door");
    attack.refused("a hairpin", error::<(), _>(Err(tlog::NoteError::NotSigned("n".to_owned()))));
    attack.refused("the key", error(Ok::<_, ()>(())));
    attack.detected("a window", noticed(true, "a broken pane"));
    assert_eq!(attack.through(), ["Lock picking (front door): the key"]);
    let page = document(&[attack]);
    assert!(page.contains("| Lock picking | front door | 3 | 1 | 1 | NotSigned; a broken pane |"), "{page}");
    assert!(page.contains("**66 %**") && page.contains("- the key. ***went through***"), "{page}");
}
