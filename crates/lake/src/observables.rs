//! Which keys the index of rows has.

use std::hash::BuildHasher as _;
use std::io::{self, Write};
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use matcher::Sign;

use crate::error::FileError;
use crate::index::IndexWriter;
use crate::key;
use crate::rows::{HeldRows, Shape};

/// Keys and the rows that show each, while they are collected.
#[derive(Default)]
pub(crate) struct Observables {
    table: HashTable<u32>,
    /// Keyed per process: strangers choose the values.
    state: RandomState,
    /// Where each key ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
    /// Key and row, as they came.
    shown: Vec<(u32, u32)>,
}

impl Observables {
    /// The keys of rows, which are numbered from 0.
    pub(crate) fn of(held: &HeldRows, shapes: &[Shape], rows: Range<usize>) -> Result<Self, FileError> {
        let mut all = Self::default();
        for (number, head) in (0_u32..).zip(held.heads().get(rows).unwrap_or_default()) {
            for value in &held.row(head, shapes).record()?.observation.values {
                if let Some(sign) = Sign::of(value.kind, &value.value) {
                    let key = all.number(&key::key(&sign));
                    all.shown.push((key, number));
                }
            }
        }
        Ok(all)
    }

    fn number(&mut self, key: &[u8]) -> u32 {
        let hash = self.state.hash_one(key);
        let same = |number: &u32| of(&self.bytes, &self.ends, *number) == key;
        if let Some(known) = self.table.find(hash, same) {
            return *known;
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        let rehash = |number: &u32| self.state.hash_one(of(&self.bytes, &self.ends, *number));
        self.table.insert_unique(hash, number, rehash);
        number
    }

    /// Writes them in their order.
    pub(crate) fn write<W: Write>(self, index: &mut IndexWriter<W>) -> io::Result<()> {
        let Self { ends, bytes, shown, .. } = self;
        // Rows by key: how many each has, then where its rows begin, then the rows, which rise as they came.
        let mut begins = vec![0_usize; ends.len() + 1];
        for (key, _) in &shown {
            if let Some(count) = begins.get_mut(*key as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        let mut rows = vec![0_u32; shown.len()];
        let mut next = begins.clone();
        for (key, row) in &shown {
            let Some(place) = next.get_mut(*key as usize) else { continue };
            if let Some(slot) = rows.get_mut(*place) {
                *slot = *row;
            }
            *place += 1;
        }
        let mut order: Vec<(u64, u32)> = (0..u32::try_from(ends.len()).unwrap_or(u32::MAX))
            .map(|number| (front(of(&bytes, &ends, number)), number))
            .collect();
        order.sort_unstable_by(|(a, one), (b, other)| {
            a.cmp(b).then_with(|| of(&bytes, &ends, *one).cmp(of(&bytes, &ends, *other)))
        });
        let mut of_key: Vec<u32> = Vec::new();
        for (_, number) in order {
            let at = number as usize;
            let span = begins.get(at).zip(begins.get(at + 1)).map(|(from, to)| *from..*to);
            of_key.clear();
            of_key.extend_from_slice(span.and_then(|span| rows.get(span)).unwrap_or_default());
            of_key.dedup();
            index.push(of(&bytes, &ends, number), &of_key)?;
        }
        Ok(())
    }
}

fn of<'b>(bytes: &'b [u8], ends: &[usize], number: u32) -> &'b [u8] {
    let at = number as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    ends.get(at).and_then(|end| bytes.get(start..*end)).unwrap_or_default()
}

/// The first eight bytes, in the order of the whole.
fn front(key: &[u8]) -> u64 {
    let mut front = [0; 8];
    front.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(front)
}
