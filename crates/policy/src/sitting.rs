//! Questions of one class of readers, put to Cedar together. Each is decided by itself; what is the same for all of them is worked out
//! and checked against the schema once.

use std::collections::HashMap;

use cedar_policy::{Context, Entities, Entity, EntityUid, PolicyId, Request};
use foldhash::fast::RandomState;

use crate::circumstances::{Facts, Received};
use crate::compile::{About, Compiled};
use crate::question::Question;
use crate::request::{Answer, Trouble, Way, context, decide_by, object, reader, uid};

/// So many questions are put together at most: their entities are in memory at once.
const QUESTIONS_MAX: usize = 512;

/// Asks Cedar about an object: first without any agreement, then under each term that might give it, and, for reading, in an emergency
/// that covers it. The first yes counts, and an error in any part is a no to all.
pub(crate) fn ask_about(compiled: &Compiled, facts: &Facts, action: &str, question: &Question) -> Answer {
    let asked =
        Sitting::of(compiled, facts, action, &[question]).and_then(|mut sitting| sitting.answer(0, question));
    asked.unwrap_or_else(|error| Answer::failed(&error))
}

/// The same for many questions of one class of readers, in their order.
pub(crate) fn ask_all(
    compiled: &Compiled,
    facts: &Facts,
    action: &str,
    questions: &[&Question],
) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(questions.len());
    for some in questions.chunks(QUESTIONS_MAX) {
        match Sitting::of(compiled, facts, action, some) {
            Ok(mut sitting) => answers.extend(some.iter().enumerate().map(|(number, question)| {
                sitting.answer(number, question).unwrap_or_else(|error| Answer::failed(&error))
            })),
            // One that does not fit the schema is no reason to refuse the others.
            Err(_) => answers.extend(some.iter().map(|one| ask_about(compiled, facts, action, one))),
        }
    }
    answers
}

struct Sitting<'a> {
    facts: &'a Facts,
    compiled: &'a Compiled,
    about: &'a About,
    action: EntityUid,
    reader: EntityUid,
    /// The objects that are asked for, by the question's number.
    objects: Vec<EntityUid>,
    /// The reader and the objects, checked against the schema.
    entities: Entities,
    /// What may be true between them, checked against the schema.
    contexts: HashMap<Between, Context, RandomState>,
}

/// All of a question, and of a way, that a context is made of, beside what is the reader's.
#[derive(PartialEq, Eq, Hash)]
struct Between {
    in_every_group: bool,
    granted: bool,
    received: Option<Received>,
    way: Way,
}

impl<'a> Sitting<'a> {
    /// # Errors
    /// There is no such action, a question does not fit the schema, or they are not of one class of readers.
    fn of(
        compiled: &'a Compiled,
        facts: &'a Facts,
        action: &str,
        questions: &[&Question],
    ) -> Result<Self, Trouble> {
        let first = questions.first().ok_or("nothing is asked")?;
        if !questions.iter().all(|question| question.is_of_the_reader_of(first)) {
            return Err("questions of several readers".into());
        }
        let action = uid("Yagura::Action", action)?;
        let about = compiled.policies.sorted(&action).ok_or_else(|| format!("there is no {action}"))?;
        let reader = reader(compiled, first)?;
        let objects = questions
            .iter()
            .enumerate()
            .map(|(number, question)| object(compiled, question, &number.to_string()))
            .collect::<Result<Vec<_>, Trouble>>()?;
        Ok(Self {
            compiled,
            facts,
            about,
            action,
            reader: reader.uid(),
            objects: objects.iter().map(Entity::uid).collect(),
            entities: Entities::from_entities(objects.into_iter().chain([reader]), Some(&compiled.schema))?,
            contexts: HashMap::default(),
        })
    }

    fn answer(&mut self, number: usize, question: &Question) -> Result<Answer, Trouble> {
        let request = self.request(number, question, Way::Plain)?;
        let alone = decide_by(&self.about.all, &request, &self.entities);
        if alone.allowed || alone.is_failure() {
            return Ok(alone);
        }
        let mut given = None;
        for (term, no_wider) in &question.terms {
            let answer = self.answer_by(number, question, Way::Term(*term, *no_wider), &alone)?;
            if answer.is_failure() {
                return Ok(answer);
            }
            if answer.allowed && given.is_none() {
                given = Some(Answer { term: Some(*term), ..answer });
            }
        }
        if given.is_none() && question.emergency && self.action.id().unescaped() == "read" {
            let answer = self.answer_by(number, question, Way::Emergency, &alone)?;
            if answer.allowed || answer.is_failure() {
                return Ok(Answer { emergency: answer.allowed, ..answer });
            }
        }
        Ok(given.unwrap_or(alone))
    }

    /// The answer by another way, after a no without it. Policies that do not look at what the way adds answer as they did: what one of
    /// them forbids stays forbidden, and where none forbids, and none permitted, the others alone decide.
    fn answer_by(
        &mut self,
        number: usize,
        question: &Question,
        way: Way,
        alone: &Answer,
    ) -> Result<Answer, Trouble> {
        let about = self.about;
        let looking = match way {
            Way::Plain => &about.all,
            Way::Term(..) => &about.by_term,
            Way::Emergency => &about.in_emergency,
        };
        let looks = |policy: &String| looking.policy(&PolicyId::new(policy)).is_some();
        if !alone.because.iter().all(looks) {
            return Ok(alone.clone());
        }
        let policies = if alone.because.is_empty() { looking } else { &about.all };
        let request = self.request(number, question, way)?;
        Ok(decide_by(policies, &request, &self.entities))
    }

    /// The request for one object by one way.
    fn request(&mut self, number: usize, question: &Question, way: Way) -> Result<Request, Trouble> {
        let object = self.objects.get(number).ok_or("an object that is not there")?;
        let (reader, action, object) = (self.reader.clone(), self.action.clone(), object.clone());
        let between = Between {
            in_every_group: question.in_every_group,
            granted: question.granted,
            received: question.received,
            way,
        };
        if let Some(context) = self.contexts.get(&between) {
            // It was checked with this reader, this action and an object of the same type.
            return Ok(Request::new(reader, action, object, context.clone(), None)?);
        }
        let context = context(self.facts, question, way)?;
        let request = Request::new(reader, action, object, context.clone(), Some(&self.compiled.schema))?;
        self.contexts.insert(between, context);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use oversight::PersonRole;

    use super::*;
    use crate::class::Class;
    use crate::request::{Scene, decide};
    use crate::{Engine, PrincipalKind, Trial};

    /// As the documentation of [`ask_about`] has it, with every request made for itself and every policy asked by every way.
    fn plainly(compiled: &Compiled, facts: &Facts, action: &str, question: &Question) -> Answer {
        let by = |way| {
            let scene = Scene::new(compiled, facts, question, way).unwrap();
            decide(compiled, &scene.asking(compiled, action).unwrap())
        };
        let alone = by(Way::Plain);
        if alone.allowed {
            return alone;
        }
        let given = question.terms.iter().find_map(|(term, no_wider)| {
            let answer = by(Way::Term(*term, *no_wider));
            answer.allowed.then_some(Answer { term: Some(*term), ..answer })
        });
        let emergency = || {
            let answer = (question.emergency && action == "read").then(|| by(Way::Emergency))?;
            answer.allowed.then_some(Answer { emergency: true, ..answer })
        };
        given.or_else(emergency).unwrap_or(alone)
    }

    #[test]
    fn questions_together_are_answered_as_each_alone_and_as_every_policy_asked_by_every_way() {
        let built_in = Engine::compile(&Engine::built_in()).unwrap();
        let trial = Trial::new(&built_in, 3, 1_200);
        let engine = built_in.under(trial.circumstances().clone());
        let (compiled, facts) = engine.parts();
        let labels: Vec<_> = trial.pairs().map(|(_, label)| label).collect();
        let (mut allowed, mut by_term, mut in_emergency) = (0, 0, 0);
        let urgent = trial.readers().iter().filter(|reader| reader.personal.emergency.is_some());
        let urgent = urgent.filter(|reader| {
            matches!(reader.kind, PrincipalKind::Person(_)) && reader.roles.contains(&PersonRole::DutyOfficer)
        });
        for reader in trial.readers().iter().step_by(trial.readers().len() / 11).chain(urgent.take(12)) {
            let class = Class::of(reader);
            let asker = engine.asker(&class);
            let questions: Vec<Question> = labels.iter().map(|label| asker.question(label)).collect();
            let questions: Vec<&Question> = questions.iter().collect();
            for action in ["read", "withdraw_object"] {
                let together = ask_all(compiled, facts, action, &questions);
                assert_eq!(together.len(), questions.len());
                for (question, answer) in questions.iter().zip(together) {
                    assert_eq!(answer, ask_about(compiled, facts, action, question));
                    assert_eq!(answer, plainly(compiled, facts, action, question), "{question:?}");
                    allowed += usize::from(answer.allowed);
                    by_term += usize::from(answer.term.is_some());
                    in_emergency += usize::from(answer.emergency);
                }
            }
        }
        assert!(allowed > 100 && by_term > 10 && in_emergency > 10, "{allowed} {by_term} {in_emergency}");
    }

    #[test]
    fn questions_of_two_readers_are_not_mixed_up() {
        let built_in = Engine::compile(&Engine::built_in()).unwrap();
        let trial = Trial::new(&built_in, 4, 60);
        let engine = built_in.under(trial.circumstances().clone());
        let (compiled, facts) = engine.parts();
        let questions: Vec<Question> =
            trial.pairs().map(|(reader, label)| engine.asker(&Class::of(reader)).question(label)).collect();
        let together = ask_all(compiled, facts, "read", &questions.iter().collect::<Vec<_>>());
        for (question, answer) in questions.iter().zip(together) {
            assert_eq!(answer, plainly(compiled, facts, "read", question), "{question:?}");
        }
    }
}
