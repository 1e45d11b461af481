//! The parts of a set's patterns, and their tests by a number that stands in the set's table beside those of conjunctions.

use crate::key::Key;
use crate::part::{Part, PartKey};
use crate::set::Lead;

/// Numbers of tests begin here; those of conjunctions stay below.
pub(crate) const FIRST_TEST: u32 = 1 << 31;

/// One comparison of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TestOf {
    /// The part's number.
    pub(crate) part: u32,
    /// The comparison's number in the part.
    pub(crate) test: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Parts {
    parts: Vec<Part>,
    tests: Vec<TestOf>,
    /// Tests that no value leads to, with their rules.
    unanchored: Vec<Lead>,
}

impl Parts {
    /// Adds a part; gives the values that lead to its tests, with the tests' numbers. `None`: there are too many.
    pub(crate) fn push(&mut self, rule: u32, mut part: Part) -> Option<Vec<(Key, u32)>> {
        let number = u32::try_from(self.parts.len()).ok()?;
        let mut leads = Vec::new();
        for (test, anchors) in std::mem::take(&mut part.anchors).into_iter().enumerate() {
            let of_set =
                u32::try_from(self.tests.len()).ok()?.checked_add(FIRST_TEST).filter(|n| *n != u32::MAX)?;
            self.tests.push(TestOf { part: number, test: u32::try_from(test).ok()? });
            match anchors {
                Some(keys) => leads.extend(keys.into_iter().map(|key| (key, of_set))),
                None => self.unanchored.push(Lead { rule, conjunction: Some(of_set) }),
            }
        }
        self.parts.push(part);
        Some(leads)
    }

    /// The test of that number; `None` for a conjunction's.
    pub(crate) fn test(&self, number: u32) -> Option<TestOf> {
        let place = number.checked_sub(FIRST_TEST)?;
        self.tests.get(place as usize).copied()
    }

    /// How many parts there are.
    pub(crate) fn len(&self) -> u32 {
        self.parts.len() as u32
    }

    /// How many tests there are.
    pub(crate) fn tests(&self) -> u32 {
        self.tests.len() as u32
    }

    pub(crate) fn part(&self, number: u32) -> Option<&Part> {
        self.parts.get(number as usize)
    }

    pub(crate) fn unanchored(&self) -> &[Lead] {
        &self.unanchored
    }

    /// The keys of the parts.
    pub(crate) fn keys(&self) -> impl Iterator<Item = PartKey> {
        self.parts.iter().map(|part| part.key)
    }
}
