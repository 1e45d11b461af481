use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::super::ast::{Comparison, Constant, Operator, Step, Test};
use super::expression::Expression;
use super::like::Like;
use super::select::{Coding, select};
use super::value::{Native, network};
use super::{EvaluateError, PATH_STEPS_MAX, Scope};

/// The comparison of one `[ … ]`, ready to be held against a graph of observables.
#[derive(Debug)]
pub struct Predicate {
    tests: Vec<Ready>,
    tree: Tree,
    /// The types of object that are named, each once.
    types: Vec<String>,
    scope: Scope,
}

/// How the tests are joined; a number is a test's.
#[derive(Debug)]
enum Tree {
    Test(usize),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// One test, its operand prepared.
#[derive(Debug)]
struct Ready {
    /// Which of the types.
    object_type: usize,
    steps: Vec<Step>,
    negated: bool,
    check: Check,
}

#[derive(Debug)]
enum Check {
    Equal(Constant),
    NotEqual(Constant),
    Greater(Constant),
    GreaterOrEqual(Constant),
    Less(Constant),
    LessOrEqual(Constant),
    In(Vec<Constant>),
    Like(Like),
    Matches(Expression),
    /// `None`: the operand is no network, nothing is within it.
    IsSubset(Option<ipnet::IpNet>),
    IsSuperset(Option<ipnet::IpNet>),
    Exists,
}

/// The most ways to choose an object for each type of a comparison.
const COMBINATIONS_MAX: usize = 1 << 14;

impl Predicate {
    /// Prepares a comparison.
    ///
    /// # Errors
    /// A regular expression that cannot be used, an operand of `LIKE` or a path that is too long.
    pub fn new(comparison: &Comparison, scope: Scope) -> Result<Self, EvaluateError> {
        let mut predicate = Self { tests: Vec::new(), tree: Tree::Or(Vec::new()), types: Vec::new(), scope };
        let mut numbers = HashMap::new();
        predicate.tree = predicate.add(comparison, &mut numbers)?;
        Ok(predicate)
    }

    fn add<'a>(
        &mut self,
        comparison: &'a Comparison,
        numbers: &mut HashMap<&'a str, usize>,
    ) -> Result<Tree, EvaluateError> {
        let mut all = |predicate: &mut Self, members: &'a [Comparison]| {
            members.iter().map(|member| predicate.add(member, numbers)).collect::<Result<Vec<_>, _>>()
        };
        match comparison {
            Comparison::And(members) => Ok(Tree::And(all(self, members)?)),
            Comparison::Or(members) => Ok(Tree::Or(all(self, members)?)),
            Comparison::Test(test) => {
                let object_type = *numbers.entry(test.path.object_type.as_str()).or_insert_with(|| {
                    self.types.push(test.path.object_type.clone());
                    self.types.len() - 1
                });
                self.tests.push(Ready::new(test, object_type)?);
                Ok(Tree::Test(self.tests.len() - 1))
            }
        }
    }

    /// Whether a graph of observables satisfies the comparison: objects by their key, references between them by these keys.
    ///
    /// # Errors
    /// [`EvaluateError::TooManyTypes`] in the scope of the observation, where objects of many types would have to be tried
    /// in more than 2^14 combinations.
    pub fn holds(&self, graph: &Map<String, Value>) -> Result<bool, EvaluateError> {
        let mut by_type: Vec<HashSet<Vec<bool>>> = vec![HashSet::new(); self.types.len()];
        for object in graph.values() {
            let Some(name) = object.as_object().and_then(|object| object.get("type")).and_then(Value::as_str)
            else {
                continue;
            };
            let Some(number) = self.types.iter().position(|known| known == name) else { continue };
            let holds = |test: &Ready| test.object_type == number && test.holds(graph, object);
            let truth: Vec<bool> = self.tests.iter().map(holds).collect();
            if self.scope == Scope::Object || self.types.len() == 1 {
                if self.tree.holds(&truth) {
                    return Ok(true);
                }
            } else if let Some(known) = by_type.get_mut(number)
                && truth.contains(&true)
            {
                // Objects that satisfy the same tests are as good as each other.
                known.insert(truth);
            }
        }
        if self.scope == Scope::Object || self.types.len() == 1 {
            return Ok(false);
        }
        self.combined(&by_type)
    }

    /// Tries an object of each type, or none. More tests that hold never make the tree fail: `NOT` stands in the tests.
    fn combined(&self, by_type: &[HashSet<Vec<bool>>]) -> Result<bool, EvaluateError> {
        let mut combinations: Vec<Vec<bool>> = vec![vec![false; self.tests.len()]];
        for candidates in by_type.iter().filter(|candidates| !candidates.is_empty()) {
            if combinations.len().saturating_mul(candidates.len()) > COMBINATIONS_MAX {
                return Err(EvaluateError::TooManyTypes);
            }
            combinations = combinations
                .iter()
                .flat_map(|chosen| {
                    candidates.iter().map(|more| chosen.iter().zip(more).map(|(a, b)| *a || *b).collect())
                })
                .collect();
        }
        Ok(combinations.iter().any(|truth| self.tree.holds(truth)))
    }
}

impl Tree {
    fn holds(&self, truth: &[bool]) -> bool {
        match self {
            Self::Test(number) => truth.get(*number).copied().unwrap_or_default(),
            Self::And(members) => members.iter().all(|member| member.holds(truth)),
            Self::Or(members) => members.iter().any(|member| member.holds(truth)),
        }
    }
}

impl Ready {
    fn new(test: &Test, object_type: usize) -> Result<Self, EvaluateError> {
        let steps = test.path.steps.clone();
        if steps.len() > PATH_STEPS_MAX {
            return Err(EvaluateError::PathTooLong(steps.len()));
        }
        let over_bytes = steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(Coding::of(key) != Coding::Plain),
            Step::Index(_) | Step::Any => None,
        });
        let check = match &test.operator {
            Operator::Equal(constant) => Check::Equal(constant.clone()),
            Operator::NotEqual(constant) => Check::NotEqual(constant.clone()),
            Operator::Greater(constant) => Check::Greater(constant.clone()),
            Operator::GreaterOrEqual(constant) => Check::GreaterOrEqual(constant.clone()),
            Operator::Less(constant) => Check::Less(constant.clone()),
            Operator::LessOrEqual(constant) => Check::LessOrEqual(constant.clone()),
            Operator::In(constants) => Check::In(constants.clone()),
            Operator::Like(operand) => Check::Like(Like::new(operand)?),
            Operator::Matches(operand) => {
                Check::Matches(Expression::new(operand, over_bytes.unwrap_or_default())?)
            }
            Operator::IsSubset(operand) => Check::IsSubset(network(operand)),
            Operator::IsSuperset(operand) => Check::IsSuperset(network(operand)),
            Operator::Exists => Check::Exists,
        };
        Ok(Self { object_type, steps, negated: test.negated, check })
    }

    /// Whether any value that the path leads to satisfies the test. A path that leads nowhere satisfies none, `NOT EXISTS`
    /// apart; `NOT` is of the single value.
    fn holds(&self, graph: &Map<String, Value>, object: &Value) -> bool {
        let selected = select(graph, object, &self.steps);
        if matches!(self.check, Check::Exists) {
            return selected.is_empty() == self.negated;
        }
        selected.iter().any(|one| self.check.holds(&Native::new(one)) != self.negated)
    }
}

impl Check {
    /// Kinds that do not compare make every operator false but `!=` (§9.6.1).
    fn holds(&self, value: &Native<'_>) -> bool {
        match self {
            Self::Equal(constant) => value.compare(constant).is_some_and(Ordering::is_eq),
            Self::NotEqual(constant) => !value.compare(constant).is_some_and(Ordering::is_eq),
            Self::Greater(constant) => value.compare(constant).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual(constant) => value.compare(constant).is_some_and(Ordering::is_ge),
            Self::Less(constant) => value.compare(constant).is_some_and(Ordering::is_lt),
            Self::LessOrEqual(constant) => value.compare(constant).is_some_and(Ordering::is_le),
            Self::In(constants) => {
                constants.iter().any(|constant| value.compare(constant).is_some_and(Ordering::is_eq))
            }
            Self::Like(like) => value.text().is_some_and(|text| like.fits(&text)),
            Self::Matches(expression) => expression.found_in(value),
            Self::IsSubset(outer) => {
                outer.zip(value.network()).is_some_and(|(outer, inner)| outer.contains(&inner))
            }
            Self::IsSuperset(inner) => {
                inner.zip(value.network()).is_some_and(|(inner, outer)| outer.contains(&inner))
            }
            Self::Exists => true,
        }
    }
}
