//! Parts of patterns that a look-up alone does not decide: operators that need the whole record, and observations that are
//! joined over time. A part is led to by the values that it cannot do without, and decided by the evaluator of `stix`.

use sha2::{Digest, Sha256};
use stix::pattern::evaluate::{Evaluator, Scope};
use stix::pattern::{Comparison, Observation, Pattern, Qualifier};

use crate::compile::condition;
use crate::condition::Condition;
use crate::indicator::Unusable;
use crate::key::{Key, KeyKind};
use crate::reach::Reach;
use crate::rewrite::canonical_pattern;
use crate::window::{Bound, HITS_OF_PART_MAX, Ring};

/// One alternative of a pattern, compiled.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) evaluator: Evaluator,
    /// What leads to each comparison: values one of which any record that satisfies it has. `None`: no value leads to it.
    pub(crate) anchors: Vec<Option<Vec<Key>>>,
    /// One record alone decides.
    pub(crate) single: bool,
    /// Nothing but one comparison: where it holds, the part does.
    pub(crate) bare: bool,
    /// The longest time between two observations of one binding, in nanoseconds; `None`: any.
    pub(crate) horizon: Option<i64>,
    /// `[…] REPEATS n TIMES`, perhaps with `WITHIN`.
    pub(crate) ring: Option<Ring>,
    /// How many observations stand before it in the pattern.
    pub(crate) first: u32,
    /// Tells the part's state from that of others, also in another set and after a restart.
    pub(crate) key: PartKey,
}

/// Of the indicator's identifier and the part's text.
pub(crate) type PartKey = [u8; 16];

/// The most comparisons of a part, and the most values that lead to one of its tests and are then looked at again: what a
/// stranger's pattern costs for each record that it is led to is bounded.
const TESTS_MAX: usize = 256;
const VALUES_MAX: usize = 4096;

/// Reasons why a look-up alone does not do, which a part may overcome.
pub(crate) const OVERCOME: [&str; 3] = ["pattern-operator", "pattern-property", "pattern-no-anchor"];

/// Compiles one alternative of a pattern; without an anchor only where `unanchored` says so.
pub(crate) fn compile(expression: &Observation, reach: Reach, unanchored: bool) -> Result<Part, Unusable> {
    let too_complex = |message: String| Unusable::new("pattern-too-complex", message);
    if !possible(expression) {
        let message = "the pattern asks for objects that are not found in telemetry";
        return Err(Unusable::new("pattern-property", message));
    }
    let mut comparisons = Vec::new();
    collect(expression, &mut comparisons);
    let tests: usize = comparisons.iter().map(|comparison| size(comparison)).sum();
    if tests > TESTS_MAX {
        return Err(too_complex(format!(
            "the pattern joins {tests} terms, at most {TESTS_MAX} are looked at"
        )));
    }
    let anchors: Vec<Option<Vec<Key>>> =
        comparisons.iter().map(|comparison| anchor(comparison, reach)).collect();
    if anchors.contains(&None) && !unanchored {
        let message = "a part of the pattern names no address, name, URL, hash or e-mail address to look for";
        return Err(Unusable::new("pattern-no-anchor", message));
    }
    if anchors.iter().flatten().any(|keys| keys.len() > VALUES_MAX) {
        return Err(too_complex(format!("the pattern joins more than {VALUES_MAX} values with other terms")));
    }
    let rewritten = canonical_pattern(expression, reach);
    let evaluator = Evaluator::of(&rewritten, Scope::Observation)
        .map_err(|error| Unusable::new(error.code(), error.to_string()))?;
    if evaluator.observations_min() > HITS_OF_PART_MAX as u64 {
        let message =
            format!("the pattern needs more observations than the {HITS_OF_PART_MAX} that are remembered");
        return Err(too_complex(message));
    }
    Ok(Part {
        evaluator,
        anchors,
        single: single(expression),
        bare: matches!(expression, Observation::Test(_)),
        horizon: horizon(expression),
        ring: ring(expression),
        first: 0,
        key: digest(&[Pattern { root: expression.clone() }.to_string().as_bytes()]),
    })
}

impl Part {
    /// Ties the part's state to its indicator, and to its place among the parts of the pattern: two parts of one text remember
    /// for themselves.
    pub(crate) fn belonging_to(mut self, id: &str, place: usize) -> Self {
        self.key = digest(&[id.as_bytes(), &place.to_le_bytes(), &self.key]);
        self
    }
}

impl Part {
    /// The record with the numbers that its observations have in the whole pattern.
    pub(crate) fn in_pattern(&self, mut other: Bound) -> Bound {
        other.tests.iter_mut().for_each(|test| *test += self.first);
        other
    }
}

/// How many observations an expression has.
pub(crate) fn observations(expression: &Observation) -> u32 {
    let mut comparisons = Vec::new();
    collect(expression, &mut comparisons);
    u32::try_from(comparisons.len()).unwrap_or(u32::MAX)
}

fn digest(parts: &[&[u8]]) -> PartKey {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0]));
    let mut key = PartKey::default();
    key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    key
}

fn collect<'a>(expression: &'a Observation, out: &mut Vec<&'a Comparison>) {
    match expression {
        Observation::Test(comparison) => out.push(comparison),
        Observation::Qualified { inner, .. } => collect(inner, out),
        Observation::And(members) | Observation::Or(members) | Observation::FollowedBy(members) => {
            members.iter().for_each(|member| collect(member, out));
        }
    }
}

fn size(comparison: &Comparison) -> usize {
    match comparison {
        Comparison::Test(_) => 1,
        Comparison::And(members) | Comparison::Or(members) => members.iter().map(size).sum(),
    }
}

/// Whether the objects that are asked for can be in a record.
fn possible(expression: &Observation) -> bool {
    fn comparison_possible(comparison: &Comparison) -> bool {
        match comparison {
            Comparison::Test(test) => telemetry::OBJECT_TYPES.contains(&test.path.object_type.as_str()),
            Comparison::And(members) => members.iter().all(comparison_possible),
            Comparison::Or(members) => members.iter().any(comparison_possible),
        }
    }
    match expression {
        Observation::Test(comparison) => comparison_possible(comparison),
        Observation::Qualified { inner, .. } => possible(inner),
        Observation::And(members) | Observation::FollowedBy(members) => members.iter().all(possible),
        Observation::Or(members) => members.iter().any(possible),
    }
}

/// Values one of which any record that satisfies the comparison has. Of what is joined by `AND` the most selective will do.
fn anchor(comparison: &Comparison, reach: Reach) -> Option<Vec<Key>> {
    match comparison {
        Comparison::Test(test) => match condition(test, reach).ok()? {
            Condition::Value { keys, .. } => {
                (!keys.is_empty() && rank(&keys) < u8::MAX).then(|| keys.into_vec())
            }
            Condition::EndKind { .. } | Condition::Port { .. } | Condition::Protocol(_) => None,
        },
        Comparison::Or(members) => {
            let mut all = Vec::new();
            for member in members {
                all.extend(anchor(member, reach)?);
            }
            Some(all)
        }
        Comparison::And(members) => members
            .iter()
            .filter_map(|member| anchor(member, reach))
            .min_by_key(|keys| (rank(keys), keys.len())),
    }
}

fn rank(keys: &[Key]) -> u8 {
    keys.iter().map(|key| selectivity(key.kind)).max().unwrap_or(u8::MAX)
}

/// How little a value of a kind says: the lower, the fewer records have it. A file's name alone leads nowhere, there are too
/// many alike.
pub(crate) fn selectivity(kind: KeyKind) -> u8 {
    match kind {
        KeyKind::Md5 | KeyKind::Sha1 | KeyKind::Sha256 | KeyKind::Sha512 => 0,
        KeyKind::Url | KeyKind::UrlPath => 1,
        KeyKind::UrlBelow | KeyKind::Email => 2,
        KeyKind::Domain => 3,
        KeyKind::Mac => 4,
        KeyKind::V4 | KeyKind::V6 => 5,
        KeyKind::DomainBelow => 6,
        KeyKind::Net4(_) | KeyKind::Net6(_) => 7,
        KeyKind::FileName => u8::MAX,
    }
}

/// Whether every binding is of one observation.
fn single(expression: &Observation) -> bool {
    match expression {
        Observation::Test(_) => true,
        Observation::Or(members) => members.iter().all(single),
        Observation::And(_) | Observation::FollowedBy(_) => false,
        Observation::Qualified { inner, qualifiers } => {
            let repeats =
                |qualifier: &Qualifier| matches!(qualifier, Qualifier::Repeats { times } if *times > 1);
            single(inner) && !qualifiers.iter().any(repeats)
        }
    }
}

/// The longest time between two observations of one binding.
fn horizon(expression: &Observation) -> Option<i64> {
    match expression {
        Observation::Test(_) => Some(0),
        Observation::Or(members) => {
            members.iter().map(horizon).try_fold(0, |longest, one| Some(longest.max(one?)))
        }
        Observation::And(_) | Observation::FollowedBy(_) => None,
        Observation::Qualified { inner, qualifiers } => {
            qualifiers.iter().fold(horizon(inner), |inner, qualifier| match qualifier {
                Qualifier::Repeats { times: 1 } => inner,
                Qualifier::Repeats { .. } => None,
                Qualifier::Within { seconds } => Some(inner.unwrap_or(i64::MAX).min(nanoseconds(*seconds))),
                // Bindings keep to it; what is remembered is bounded anyhow.
                Qualifier::StartStop { .. } => inner,
            })
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and no two records lie further apart"
)]
fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

fn ring(expression: &Observation) -> Option<Ring> {
    let Observation::Qualified { inner, qualifiers } = expression else { return None };
    let ring = |times: u64, span| Some(Ring { times: usize::try_from(times).ok()?, span });
    match (inner.as_ref(), qualifiers.as_slice()) {
        (Observation::Test(_), [Qualifier::Repeats { times }]) => ring(*times, i64::MAX),
        (Observation::Test(_), [Qualifier::Repeats { times }, Qualifier::Within { seconds }]) => {
            ring(*times, nanoseconds(*seconds))
        }
        _ => None,
    }
}
