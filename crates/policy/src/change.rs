//! What another set of policies would change: who sees more and who less, and who may do more or less.

use oversight::Purpose;

use crate::engine::{Engine, OPERATIONS, Operation};
use crate::{Label, LabelKey, Principal};

/// What changes for one reader, and for all who are told apart from it by nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The reader, by its place among those that were asked about.
    pub reader: usize,
    /// The labels that it reads afterwards and not before, ascending.
    pub gained: Vec<LabelKey>,
    /// Those that it reads before and not afterwards, ascending.
    pub lost: Vec<LabelKey>,
    /// What it may do afterwards and not before.
    pub may_now: Vec<Operation>,
    /// What it may do before and not afterwards.
    pub may_no_more: Vec<Operation>,
    /// What it is given information for afterwards and not before.
    pub purposes_gained: Vec<Purpose>,
    /// What it is given information for before and not afterwards.
    pub purposes_lost: Vec<Purpose>,
}

/// What becomes of each reader when one set of policies takes the place of another; readers for whom nothing changes are left
/// out. Both have to stand under the same circumstances, or it would be those that are compared.
///
/// A reader is asked about with the purpose that it bears: who asks for several is several readers.
#[must_use]
pub fn compare(
    before: &Engine,
    after: &Engine,
    readers: &[Principal],
    labels: &[(LabelKey, Label)],
) -> Vec<Effect> {
    let effect = |(reader, principal): (usize, &Principal)| {
        let all = || labels.iter().map(|(key, label)| (*key, label));
        let (old, new) = (before.visible(principal, all()), after.visible(principal, all()));
        let only = |one: &[LabelKey], other: &[LabelKey]| -> Vec<LabelKey> {
            one.iter().copied().filter(|key| other.binary_search(key).is_err()).collect()
        };
        let may = |has: &Engine, has_not: &Engine| -> Vec<Operation> {
            let differs =
                |operation: &Operation| has.may(principal, *operation) && !has_not.may(principal, *operation);
            OPERATIONS.into_iter().filter(differs).collect()
        };
        let effect = Effect {
            reader,
            gained: only(new.keys(), old.keys()),
            lost: only(old.keys(), new.keys()),
            may_now: may(after, before),
            may_no_more: may(before, after),
            purposes_gained: new.purposes().difference(old.purposes()).copied().collect(),
            purposes_lost: old.purposes().difference(new.purposes()).copied().collect(),
        };
        (!effect.is_nothing()).then_some(effect)
    };
    readers.iter().enumerate().filter_map(effect).collect()
}

impl Effect {
    fn is_nothing(&self) -> bool {
        self.gained.is_empty()
            && self.lost.is_empty()
            && self.may_now.is_empty()
            && self.may_no_more.is_empty()
            && self.purposes_gained.is_empty()
            && self.purposes_lost.is_empty()
    }
}
