//! Where values stand, by their hashes: numbers of 32 bits in open addressing, with a byte of the hash beside each, so that
//! next to none is compared in vain. It knows neither values nor hashes; who asks brings both.

/// A table that is made once, with room for a number of entries that is known before.
#[derive(Default)]
pub(super) struct Table {
    tags: Box<[u8]>,
    numbers: Box<[u32]>,
}

/// No entry stands here.
const EMPTY: u8 = 0;

impl Table {
    /// A table with room for so many entries.
    pub(super) fn with_room(entries: usize) -> Self {
        // Nine places for eight entries: a search reads some forty neighbouring bytes at worst, on average.
        let places = entries + entries / 8 + 1;
        Self { tags: vec![EMPTY; places].into(), numbers: vec![0; places].into() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.tags.len() + self.numbers.len() * size_of::<u32>()
    }

    /// The entry of this hash that `is` recognises.
    pub(super) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let (front, back) = self.tags.split_at_checked(self.home(hash))?;
        for (at, seen) in back.iter().chain(front).enumerate() {
            if *seen == EMPTY {
                return None;
            }
            if *seen == tag {
                let place = (front.len() + at) % self.tags.len();
                if let Some(number) = self.numbers.get(place).filter(|number| is(**number)) {
                    return Some(*number);
                }
            }
        }
        None
    }

    /// Puts in an entry that is not there yet. Says no where the table is full.
    pub(super) fn insert(&mut self, hash: u64, number: u32) -> bool {
        let home = self.home(hash);
        let Some((front, back)) = self.tags.split_at_checked(home) else { return false };
        // The last place stays empty, so that each search ends.
        let Some(at) = back.iter().chain(front).position(|seen| *seen == EMPTY) else { return false };
        let place = (home + at) % self.tags.len();
        if let (Some(seen), Some(slot)) = (self.tags.get_mut(place), self.numbers.get_mut(place)) {
            *seen = tag(hash);
            *slot = number;
        }
        true
    }

    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.tags.len() as u128) >> 64) as usize
    }
}

/// A byte of the hash that does not choose the place, and is not [`EMPTY`].
fn tag(hash: u64) -> u8 {
    hash as u8 | 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Table;

    proptest! {
        #[test]
        fn entries_are_found_and_nothing_else(hashes in prop::collection::btree_set(0_u64..5000, 0..400)) {
            // Few different high bits, so that entries crowd.
            let hash = |short: u64| short << 52 | short;
            let mut table = Table::with_room(hashes.len());
            for (number, short) in hashes.iter().enumerate() {
                prop_assert!(table.insert(hash(*short), number as u32));
            }
            let kept: Vec<u64> = hashes.iter().copied().collect();
            for short in 0..5000 {
                let found = table.find(hash(short), |number| kept[number as usize] == short);
                prop_assert_eq!(found, kept.iter().position(|k| *k == short).map(|at| at as u32));
            }
        }
    }

    #[test]
    fn an_empty_table_has_nothing() {
        assert_eq!(Table::default().find(1, |_| true), None);
        assert_eq!(Table::with_room(0).find(u64::MAX, |_| true), None);
    }
}
