//! What no policy may ever allow (`policies/safety.cedar`), and looking for where a set of policies does.
//!
//! What is found here is a break for certain. That nothing was found is no proof: it was looked for among some situations, those
//! of a store and made-up ones, and a proof is over all of them.

use std::collections::{BTreeSet, HashSet};

use foldhash::fast::RandomState;
use oversight::Purpose;

use crate::circumstances::Facts;
use crate::class::Class;
use crate::compile::{Compiled, SAFETY, SCHEMA_ENDING, Words, compile};
use crate::engine::OPERATIONS;
use crate::question::{Asker, Question};
use crate::request::{Scene, Target, Way, decide, situation_at};
use crate::{Engine, Label, PolicyError, Principal, Situation, Trial};

/// The safety specification, in the words of one set of policies.
#[derive(Debug)]
pub struct Safety {
    compiled: Compiled,
}

/// A place where a set of policies allows what it never may.
#[derive(Debug, Clone)]
pub struct Break {
    /// The rule of the specification, by its id.
    pub rule: String,
    /// What that rule says.
    pub words: Words,
    /// Where.
    pub situation: Situation,
}

/// The specification forbids; what it does not forbid it leaves to the policies.
const ALL_ELSE: (&str, &str) = ("else.cedar", "@id(\"else\") permit (principal, action, resource);");

/// What is asked about an object.
const ON_OBJECTS: [&str; 4] = ["read", "withdraw_object", "widen_object", "restrict_object"];

impl Safety {
    /// The specification's text.
    #[must_use]
    pub fn text() -> &'static str {
        SAFETY.1
    }

    /// The specification as a set of policies that a set is to be within: in the words (the schema) of that set.
    pub(crate) fn files(set: &[(String, String)]) -> Vec<(String, String)> {
        let schema = set.iter().filter(|(file, _)| file.ends_with(SCHEMA_ENDING)).cloned();
        let own = [SAFETY, ALL_ELSE].map(|(file, text)| (file.to_owned(), text.to_owned()));
        schema.chain(own).collect()
    }

    /// The specification, for a set of policies.
    ///
    /// # Errors
    /// The set brings a schema into which the specification does not fit.
    pub fn of(set: &[(String, String)]) -> Result<Self, PolicyError> {
        let compiled = compile(&Self::files(set)).map_err(|error| {
            PolicyError(format!("the safety specification cannot be held against it: {error}"))
        })?;
        Ok(Self { compiled })
    }

    /// The first place where the policies allow what the specification forbids, among all readers with all labels, under the
    /// engine's own circumstances.
    #[must_use]
    pub fn broken_by(&self, engine: &Engine, readers: &[Principal], labels: &[&Label]) -> Option<Break> {
        let mut search = Search::new(self, engine);
        let facts = engine.parts().1;
        readers
            .iter()
            .find_map(|reader| search.node(reader).or_else(|| search.objects(reader, labels, facts)))
    }

    /// The same among made-up situations.
    #[must_use]
    pub fn broken_in(&self, engine: &Engine, trial: &Trial) -> Option<Break> {
        let engine = engine.under(trial.circumstances().clone());
        let mut search = Search::new(self, &engine);
        let facts = engine.parts().1;
        trial
            .readers()
            .iter()
            .find_map(|reader| search.node(reader))
            .or_else(|| trial.pairs().find_map(|(reader, label)| search.objects(reader, &[label], facts)))
    }

    /// Whether the policies allow in this situation what the specification forbids, whoever thought of it.
    #[must_use]
    pub fn broken_at(&self, engine: &Engine, situation: &Situation) -> Option<Break> {
        self.broken(engine.parts().0, situation)
    }

    fn broken(&self, policies: &Compiled, situation: &Situation) -> Option<Break> {
        if !decide(policies, situation).allowed {
            return None;
        }
        let limit = decide(&self.compiled, situation);
        if limit.allowed {
            return None;
        }
        let rule = limit.because.into_iter().next().unwrap_or_default();
        let words = self.compiled.words.get(&rule).cloned().unwrap_or_default();
        Some(Break { rule, words, situation: situation.clone() })
    }
}

/// Looks for breaks; what looks alike to both, policies and specification, is asked once.
struct Search<'a> {
    safety: &'a Safety,
    policies: Compiled,
    classes: HashSet<Class, RandomState>,
    questions: HashSet<Question, RandomState>,
}

impl<'a> Search<'a> {
    fn new(safety: &'a Safety, engine: &Engine) -> Self {
        let compiled = engine.parts().0;
        let named: BTreeSet<_> =
            compiled.organisations.iter().chain(&safety.compiled.organisations).cloned().collect();
        let policies = Compiled {
            policies: compiled.policies.clone(),
            schema: compiled.schema.clone(),
            names_markings: compiled.names_markings,
            words: std::collections::BTreeMap::new(),
            organisations: named.into_iter().collect(),
            clearances: compiled.clearances.clone(),
        };
        Self { safety, policies, classes: HashSet::default(), questions: HashSet::default() }
    }

    fn node(&mut self, reader: &Principal) -> Option<Break> {
        let class = Class::of(reader);
        if !self.classes.insert(class.clone()) {
            return None;
        }
        let on_node = OPERATIONS.map(|operation| (operation.name(), Target::Node));
        let purposes = Purpose::ALL.iter().map(|purpose| ("receive_for", Target::Purpose(*purpose)));
        on_node.into_iter().chain(purposes).find_map(|(action, target)| {
            // What cannot even be asked is allowed to nobody.
            let situation = situation_at(&self.policies, &class, action, target).ok()?;
            self.safety.broken(&self.policies, &situation)
        })
    }

    fn objects(&mut self, reader: &Principal, labels: &[&Label], facts: &Facts) -> Option<Break> {
        let class = Class::of(reader);
        let asker = Asker::new(&class, &self.policies, facts);
        labels.iter().find_map(|label| {
            let question = asker.question(label);
            if !self.questions.insert(question.clone()) {
                return None;
            }
            ways_broken(self.safety, &self.policies, facts, &question)
        })
    }
}

/// Every action on an object, by each way that the engine asks about it; in an emergency about reading alone, and only where nothing
/// else gives it.
fn ways_broken(safety: &Safety, policies: &Compiled, facts: &Facts, question: &Question) -> Option<Break> {
    let terms = question.terms.iter().map(|(term, no_wider)| Way::Term(*term, *no_wider));
    let emergency = question.emergency.then_some(Way::Emergency);
    let mut given = false;
    for way in std::iter::once(Way::Plain).chain(terms).chain(emergency) {
        let actions: &[&str] = match way {
            Way::Emergency if given => &[],
            Way::Emergency => &["read"],
            Way::Plain | Way::Term(..) => &ON_OBJECTS,
        };
        let Ok(scene) = Scene::new(policies, facts, question, way) else { continue };
        for action in actions {
            let Ok(situation) = scene.asking(policies, action) else { continue };
            let broken = safety.broken(policies, &situation);
            if broken.is_some() {
                return broken;
            }
            given |= question.emergency && *action == "read" && decide(policies, &situation).allowed;
        }
    }
    None
}
