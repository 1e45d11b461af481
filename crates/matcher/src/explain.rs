//! Why a record satisfies a pattern: comparison by comparison, with the values that met and the form in which they met.

use std::collections::BTreeSet;

use stix::observable::canonical;
use stix::pattern::evaluate::{Evaluator, Scope};
use stix::pattern::{Comparison, Observation as Expression, Pattern, Test};
use telemetry::Observation;

use crate::compile::condition;
use crate::condition::Condition;
use crate::graph;
use crate::key::{Key, KeyKind, seen};
use crate::reach::Reach;
use crate::rewrite::canonical_pattern;

/// A pattern held against one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The pattern's observations, in the order of the text.
    pub observations: Vec<Observed>,
}

/// One observation of a pattern (`[ … ]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// As it is written.
    pub text: String,
    /// Whether the record satisfies it.
    pub holds: bool,
    /// Its comparisons, in the order of the text; of a long list those that hold, and some of the others.
    pub tests: Vec<Tested>,
}

/// One comparison of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// As it is written.
    pub text: String,
    /// Whether the record satisfies it.
    pub holds: bool,
    /// The record's values that it is met by, where it asks for values.
    pub met: Vec<Meeting>,
}

/// A value of the record and what of the pattern it met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The field.
    pub field: String,
    /// The value as the record has it.
    pub value: String,
    /// The form in which the two are compared.
    pub canonical: String,
    /// What the pattern asks for where it is more than one value: `203.0.113.0/24`, or a name of which this one is below.
    pub within: Option<String>,
}

/// Comparisons of one observation that are told of at most, apart from those that hold.
const TESTS_TOLD_MAX: usize = 20;

/// Holds a pattern against a record, as [`Scanner`](crate::Scanner) does, and says what came of each comparison. `None` where the
/// text is no pattern. It is slow: for matches that a person looks at.
#[must_use]
pub fn explain(pattern: &str, reach: Reach, record: &Observation<'_>) -> Option<Explanation> {
    let pattern = Pattern::parse(pattern).ok()?;
    let graph = graph::canonical_objects(record);
    let keys: Vec<Option<Key>> = record.values.iter().map(|value| seen(value.kind, &value.value)).collect();
    let holds = |comparison: &Comparison| {
        let rewritten = canonical_pattern(&Expression::Test(comparison.clone()), reach);
        let evaluator = Evaluator::of(&rewritten, Scope::Observation);
        evaluator.is_ok_and(|evaluator| {
            evaluator.predicates().first().is_some_and(|predicate| predicate.holds(&graph).unwrap_or(false))
        })
    };
    let mut observations = Vec::new();
    each_observation(&pattern.root, &mut |comparison| {
        let mut tests = Vec::new();
        let mut others = 0;
        each_test(comparison, &mut |test| {
            let holds = holds(&Comparison::Test(test.clone()));
            others += usize::from(!holds);
            if holds || others <= TESTS_TOLD_MAX {
                let met = if holds { met_by(test, reach, record, &keys) } else { Vec::new() };
                tests.push(Tested { text: written(Comparison::Test(test.clone())), holds, met });
            }
        });
        observations.push(Observed { text: written(comparison.clone()), holds: holds(comparison), tests });
    });
    Some(Explanation { observations })
}

fn each_observation(expression: &Expression, each: &mut dyn FnMut(&Comparison)) {
    match expression {
        Expression::Test(comparison) => each(comparison),
        Expression::Qualified { inner, .. } => each_observation(inner, each),
        Expression::And(members) | Expression::Or(members) | Expression::FollowedBy(members) => {
            members.iter().for_each(|member| each_observation(member, each));
        }
    }
}

fn each_test(comparison: &Comparison, each: &mut dyn FnMut(&Test)) {
    match comparison {
        Comparison::Test(test) => each(test),
        Comparison::And(members) | Comparison::Or(members) => {
            members.iter().for_each(|member| each_test(member, each));
        }
    }
}

fn written(comparison: Comparison) -> String {
    Pattern { root: Expression::Test(comparison) }.to_string()
}

/// The record's values that a comparison asks for.
fn met_by(test: &Test, reach: Reach, record: &Observation<'_>, keys: &[Option<Key>]) -> Vec<Meeting> {
    let Ok(Condition::Value { role, keys: asked, .. }) = condition(test, reach) else { return Vec::new() };
    let mut told = BTreeSet::new();
    let mut met = Vec::new();
    for (value, key) in record.values.iter().zip(keys) {
        let Some(key) = key.as_ref().filter(|_| role.is_none_or(|role| role == value.role)) else { continue };
        let Some(by) = asked.iter().find(|asked| asked.matches(key)) else { continue };
        if told.insert((value.field.to_string(), value.value.to_string())) {
            let canonical =
                canonical(value.kind, &value.value).map_or_else(|| value.value.to_string(), |(_, text)| text);
            let (field, value) = (value.field.to_string(), value.value.to_string());
            met.push(Meeting { field, value, canonical, within: wider(by) });
        }
    }
    met
}

/// What a key covers where that is more than one value.
fn wider(key: &Key) -> Option<String> {
    match key.kind {
        KeyKind::DomainBelow => Some(String::from_utf8_lossy(&key.bytes).into_owned()),
        KeyKind::UrlPath => Some(format!("{}?…", String::from_utf8_lossy(&key.bytes))),
        KeyKind::UrlBelow => Some(format!("{}/…", String::from_utf8_lossy(&key.bytes).trim_end_matches('/'))),
        KeyKind::Net4(length) => {
            let octets: [u8; 4] = key.bytes.as_ref().try_into().ok()?;
            Some(format!("{}/{length}", std::net::Ipv4Addr::from(octets)))
        }
        KeyKind::Net6(length) => {
            let octets: [u8; 16] = key.bytes.as_ref().try_into().ok()?;
            Some(format!("{}/{length}", std::net::Ipv6Addr::from(octets)))
        }
        _ => None,
    }
}
