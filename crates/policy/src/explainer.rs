use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::class::Class;
use crate::engine::{Engine, Explanation};
use crate::question::Question;
use crate::request::Answer;
use crate::sitting::ask_about;
use crate::{Label, Principal};

/// Explains many decisions at once: what Cedar is asked is the same for most organisations of a council and most labels of a bundle,
/// and is asked once.
#[derive(Debug)]
pub struct Explainer<'e> {
    engine: &'e Engine,
    answers: HashMap<Question, Answer, RandomState>,
}

impl<'e> Explainer<'e> {
    /// Of what an engine decides.
    #[must_use]
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine, answers: HashMap::default() }
    }

    /// Why the principal may or may not read, with the agreement that gives it.
    pub fn reasons(&mut self, principal: &Principal, label: &Label) -> Explanation {
        let (compiled, facts) = self.engine.parts();
        let class = Class::of(principal);
        if self.engine.is_replaced(&class, label) {
            return Explanation { allowed: false, policies: Vec::new(), agreement: None };
        }
        let question = self.engine.asker(&class).question(label);
        let answer = self
            .answers
            .entry(question)
            .or_insert_with_key(|asked| ask_about(compiled, facts, "read", asked));
        let clause = answer.term.and_then(|term| facts.clause(term));
        Explanation {
            allowed: answer.allowed,
            policies: answer.because.clone(),
            agreement: clause.map(|clause| (clause.agreement.clone(), clause.number)),
        }
    }
}
