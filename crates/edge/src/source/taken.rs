//! What was taken in lately, so that who sends the same again is not heard twice.

use std::collections::{HashSet, VecDeque};

use crate::source::journal::Key;

/// Keys that are remembered; the oldest is forgotten first.
pub(crate) const TAKEN_MAX: usize = 1 << 18;

/// A bounded memory of keys.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    known: HashSet<Key>,
    order: VecDeque<Key>,
}

impl Taken {
    /// What the spool remembers, oldest first.
    pub(crate) fn new(keys: Vec<Key>) -> Self {
        let mut taken = Self::default();
        for key in keys {
            taken.is_new(key);
        }
        taken
    }

    /// Remembers a key; whether it was not known.
    pub(crate) fn is_new(&mut self, key: Key) -> bool {
        if !self.known.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > TAKEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{TAKEN_MAX, Taken};

    #[test]
    fn the_oldest_is_forgotten_first() {
        let key = |number: usize| u128::try_from(number).unwrap().to_le_bytes();
        let mut taken = Taken::new(vec![key(0), key(1), key(0)]);
        assert!(!taken.is_new(key(0)) && !taken.is_new(key(1)));
        for number in 2..=TAKEN_MAX {
            assert!(taken.is_new(key(number)));
        }
        assert!(!taken.is_new(key(1)));
        assert!(taken.is_new(key(0)));
        assert_eq!((taken.known.len(), taken.order.len()), (TAKEN_MAX, TAKEN_MAX));
    }
}
