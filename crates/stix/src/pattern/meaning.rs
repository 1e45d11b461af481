use std::collections::BTreeSet;

use super::ast::{Comparison, Observation, Pattern, Test};

/// Two types that one observation expression joins by `AND` although one object can have only one (STIX 2.1 §9.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeConflict {
    /// A type that the operands before allow.
    pub first: String,
    /// A type that the operand in question allows, and those before do not.
    pub second: String,
}

impl Pattern {
    /// Every test of the pattern, from left to right.
    #[must_use]
    pub fn tests(&self) -> Vec<&Test> {
        let mut tests = Vec::new();
        for comparison in self.comparisons() {
            collect_tests(comparison, &mut tests);
        }
        tests
    }

    /// The comparison of every `[ … ]`, from left to right.
    #[must_use]
    pub fn comparisons(&self) -> Vec<&Comparison> {
        let mut comparisons = Vec::new();
        collect_comparisons(&self.root, &mut comparisons);
        comparisons
    }

    /// The first place where operands of `AND` cannot be satisfied by the same object: such a pattern is well-formed and
    /// never matches.
    #[must_use]
    pub fn type_conflict(&self) -> Option<TypeConflict> {
        self.comparisons().into_iter().find_map(|comparison| possible_types(comparison).err())
    }
}

fn collect_comparisons<'a>(observation: &'a Observation, out: &mut Vec<&'a Comparison>) {
    match observation {
        Observation::Test(comparison) => out.push(comparison),
        Observation::Qualified { inner, .. } => collect_comparisons(inner, out),
        Observation::And(members) | Observation::Or(members) | Observation::FollowedBy(members) => {
            members.iter().for_each(|member| collect_comparisons(member, out));
        }
    }
}

fn collect_tests<'a>(comparison: &'a Comparison, out: &mut Vec<&'a Test>) {
    match comparison {
        Comparison::Test(test) => out.push(test),
        Comparison::And(members) | Comparison::Or(members) => {
            members.iter().for_each(|member| collect_tests(member, out));
        }
    }
}

/// The types of object that can satisfy the comparison. A set: a hostile pattern may name a hundred thousand.
fn possible_types(comparison: &Comparison) -> Result<BTreeSet<&str>, TypeConflict> {
    match comparison {
        Comparison::Test(test) => Ok(BTreeSet::from([test.path.object_type.as_str()])),
        Comparison::Or(members) => {
            let mut all = BTreeSet::new();
            for member in members {
                all.extend(possible_types(member)?);
            }
            Ok(all)
        }
        Comparison::And(members) => {
            let mut common: Option<BTreeSet<&str>> = None;
            for member in members {
                let types = possible_types(member)?;
                let Some(earlier) = common else {
                    common = Some(types);
                    continue;
                };
                let both: BTreeSet<&str> = earlier.intersection(&types).copied().collect();
                if both.is_empty() {
                    let name = |types: &BTreeSet<&str>| types.first().copied().unwrap_or_default().to_owned();
                    return Err(TypeConflict { first: name(&earlier), second: name(&types) });
                }
                common = Some(both);
            }
            Ok(common.unwrap_or_default())
        }
    }
}
