//! Whether observed data satisfy a pattern, and by which of them (STIX 2.1 §9): the literal evaluator.
//!
//! It follows the text word by word, for a list that is at hand. What watches a stream is the `matcher`, which must agree with
//! it. Bounded: an expression, a `LIKE`, a path or a search beyond the limits below is an [`EvaluateError`], never a wrong
//! answer and never a long wait.
//!
//! ```
//! use stix::pattern::{Pattern, evaluate::{Evaluator, Observed, Scope}};
//!
//! let observed = Observed::read(&[serde_json::json!({
//!     "type": "observed-data", "number_observed": 3,
//!     "first_observed": "2026-01-31T09:00:00Z", "last_observed": "2026-01-31T09:00:05Z",
//!     "objects": {"0": {"type": "ipv4-addr", "value": "198.51.100.7"}},
//! })])?;
//! let pattern = Pattern::parse("[ipv4-addr:value ISSUBSET '198.51.100.0/24'] REPEATS 3 TIMES WITHIN 5 SECONDS")?;
//! let binding = Evaluator::new(&pattern, Scope::Object)?.evaluate(&observed)?;
//! assert_eq!(binding.map(|binding| binding.observations()), Some(vec![0]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod expression;
mod like;
mod observed;
mod predicate;
mod select;
mod value;

use super::ast::{Comparison, Observation, Pattern, Qualifier};
use crate::Timestamp;

pub use bind::{Binding, Bound, Hits};
pub use observed::{Observed, ObservedError};
pub use predicate::Predicate;

use bind::Node;

/// What the comparisons within one `[ … ]` must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// One object satisfies them all, as the specification says (STIX 2.1 §9.5, §9.6).
    #[default]
    Object,
    /// For each type that is named, one object of the same observation satisfies the comparisons on that type. This is what
    /// producers mean by `[domain-name:value = 'a' AND network-traffic:dst_port = 443]`, which never holds otherwise.
    Observation,
}

/// Why a pattern cannot be evaluated.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum EvaluateError {
    /// The regular expression is none that an engine of linear time takes, or is too large.
    #[error("the regular expression `{expression}` cannot be used: {reason}")]
    Expression {
        /// The beginning of the expression.
        expression: String,
        /// Why.
        reason: String,
    },
    /// The operand of `LIKE` is longer than [`LIKE_CHARS_MAX`].
    #[error("the operand of `LIKE` has {0} characters, at most {LIKE_CHARS_MAX} are matched")]
    LikeTooLong(usize),
    /// An object path has more than [`PATH_STEPS_MAX`] steps.
    #[error("an object path has {0} steps, at most {PATH_STEPS_MAX} are followed")]
    PathTooLong(usize),
    /// More than [`OBSERVATIONS_MAX`] observation expressions or qualifiers must hold together.
    #[error("the pattern joins {0} observations and qualifiers, at most {OBSERVATIONS_MAX} are searched for")]
    TooManyObservations(usize),
    /// A comparison joins more types of object than can be tried in combination.
    #[error("the comparison joins too many types of object by `AND`")]
    TooManyTypes,
    /// The search for observations that satisfy the pattern together was given up.
    #[error("too many combinations of observations would have to be tried")]
    TooMuchWork,
}

impl EvaluateError {
    /// A stable code: `pattern-expression` or `pattern-too-complex`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expression { .. } => "pattern-expression",
            _ => "pattern-too-complex",
        }
    }
}

/// The longest operand of `LIKE`, in characters.
pub const LIKE_CHARS_MAX: usize = 1024;

/// The longest regular expression, in bytes of UTF-8.
pub const EXPRESSION_BYTES_MAX: usize = 4096;

/// The most bytes that a compiled regular expression may take, and again as many for its cache.
pub const EXPRESSION_COMPILED_BYTES_MAX: usize = 1 << 20;

/// The most steps of an object path.
pub const PATH_STEPS_MAX: usize = 64;

/// The most observation expressions and qualifiers that must hold together (alternatives do not add up).
pub const OBSERVATIONS_MAX: usize = 128;

/// The most steps of a search for observations that satisfy a pattern together; a step is one observation tried.
pub const SEARCH_STEPS_MAX: u64 = 10_000_000;

/// A pattern ready to be held against observed data.
#[derive(Debug)]
pub struct Evaluator {
    predicates: Vec<Predicate>,
    root: Node,
}

impl Evaluator {
    /// Prepares a pattern.
    ///
    /// # Errors
    /// A regular expression that cannot be used, or a limit of this module.
    pub fn new(pattern: &Pattern, scope: Scope) -> Result<Self, EvaluateError> {
        Self::of(&pattern.root, scope)
    }

    /// Prepares a part of a pattern.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(expression: &Observation, scope: Scope) -> Result<Self, EvaluateError> {
        let mut comparisons = Vec::new();
        let root = node(expression, &mut comparisons);
        let depth = root.depth();
        if depth > OBSERVATIONS_MAX {
            return Err(EvaluateError::TooManyObservations(depth));
        }
        let predicates = comparisons.into_iter().map(|comparison| Predicate::new(comparison, scope));
        Ok(Self { predicates: predicates.collect::<Result<_, _>>()?, root })
    }

    /// The comparison of each `[ … ]`, from left to right; [`Hits::tests`] and [`Bound::test`] count by this order.
    #[must_use]
    pub fn predicates(&self) -> &[Predicate] {
        &self.predicates
    }

    /// How many observations a binding holds at least.
    #[must_use]
    pub fn observations_min(&self) -> u64 {
        self.root.size_min()
    }

    /// The observations that satisfy the pattern together, the first such set that is found; `None` where there is none.
    ///
    /// # Errors
    /// [`EvaluateError::TooMuchWork`] where [`SEARCH_STEPS_MAX`] do not decide.
    pub fn evaluate(&self, observed: &[Observed]) -> Result<Option<Binding>, EvaluateError> {
        let mut tests = Vec::with_capacity(self.predicates.len());
        for predicate in &self.predicates {
            let mut hits = Vec::new();
            for (number, one) in observed.iter().enumerate() {
                if predicate.holds(&one.objects)? {
                    hits.push(number);
                }
            }
            tests.push(hits);
        }
        let spans: Vec<(i128, i128)> = observed.iter().map(Observed::span).collect();
        let numbers: Vec<u64> = observed.iter().map(|one| one.number_observed).collect();
        self.bind(&Hits {
            tests: &tests,
            spans: &spans,
            numbers: &numbers,
            including: None,
            steps_max: SEARCH_STEPS_MAX,
        })
    }

    /// As [`evaluate`](Self::evaluate), where it is known which observation satisfies which comparison.
    ///
    /// # Errors
    /// [`EvaluateError::TooMuchWork`] where [`Hits::steps_max`] do not decide.
    pub fn bind(&self, hits: &Hits<'_>) -> Result<Option<Binding>, EvaluateError> {
        bind::search(&self.root, hits)
    }
}

/// The tree of observation operators; the comparisons are put aside in their order.
fn node<'a>(expression: &'a Observation, comparisons: &mut Vec<&'a Comparison>) -> Node {
    let mut all =
        |members: &'a [Observation]| members.iter().map(|member| node(member, comparisons)).collect();
    match expression {
        Observation::And(members) => Node::And(all(members)),
        Observation::Or(members) => Node::Or(all(members)),
        Observation::FollowedBy(members) => Node::FollowedBy(all(members)),
        Observation::Test(comparison) => {
            comparisons.push(comparison);
            Node::Test(comparisons.len() - 1)
        }
        // Qualifiers apply one after the other, the first one innermost.
        Observation::Qualified { inner, qualifiers } => {
            qualifiers.iter().fold(node(inner, comparisons), |inner, qualifier| {
                let inner = Box::new(inner);
                match qualifier {
                    Qualifier::Within { seconds } => Node::Within { inner, span: nanoseconds(*seconds) },
                    Qualifier::Repeats { times } => Node::Repeats { inner, times: *times },
                    Qualifier::StartStop { start, stop } => {
                        Node::StartStop { inner, start: instant(start), stop: instant(stop) }
                    }
                }
            })
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number of seconds within 2^53; the cast saturates")]
fn nanoseconds(seconds: f64) -> i128 {
    (seconds * 1e9).round() as i128
}

/// Nanoseconds since 1970. The last hours of the year 9999, which `jiff` does not count, are one instant after all others.
pub(super) fn instant(timestamp: &Timestamp) -> i128 {
    timestamp.instant().map_or(jiff::Timestamp::MAX.as_nanosecond() + 1, jiff::Timestamp::as_nanosecond)
}
