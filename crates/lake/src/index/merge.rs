use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write;

use super::IndexWriter;
use super::read::Index;
use crate::error::FileError;
use crate::storage::ReadAt;

/// A row that is not taken over.
pub(crate) const DROPPED: u32 = u32::MAX;

/// Writes one index of several. `moved` says for each index where each of its rows went. At a time the rows of one key are held.
pub(crate) fn merge<F: ReadAt, W: Write>(
    indexes: &[Index<F>],
    moved: &[Vec<u32>],
    writer: &mut IndexWriter<W>,
) -> Result<(), FileError> {
    let mut keys = indexes.iter().map(Index::keys).collect::<Result<Vec<_>, _>>()?;
    let mut next: BinaryHeap<Reverse<(Vec<u8>, usize)>> = BinaryHeap::new();
    let mut pending: Vec<Vec<u32>> = vec![Vec::new(); keys.len()];
    let mut advance = |number: usize,
                       pending: &mut Vec<Vec<u32>>,
                       next: &mut BinaryHeap<Reverse<(Vec<u8>, usize)>>|
     -> Result<(), FileError> {
        let Some(of) = keys.get_mut(number) else { return Ok(()) };
        let Some((key, rows)) = of.next()? else { return Ok(()) };
        let to = moved.get(number).map(Vec::as_slice).unwrap_or_default();
        if let Some(held) = pending.get_mut(number) {
            held.clear();
            held.extend(rows.iter().filter_map(|row| to.get(*row as usize)).filter(|row| **row != DROPPED));
        }
        next.push(Reverse((key.to_vec(), number)));
        Ok(())
    };
    for number in 0..indexes.len() {
        advance(number, &mut pending, &mut next)?;
    }
    let mut rows: Vec<u32> = Vec::new();
    while let Some(Reverse((key, number))) = next.pop() {
        rows.append(pending.get_mut(number).unwrap_or(&mut Vec::new()));
        advance(number, &mut pending, &mut next)?;
        if next.peek().is_some_and(|Reverse((other, _))| *other == key) {
            continue;
        }
        rows.sort_unstable();
        rows.dedup();
        writer.push(&key, &rows)?;
        rows.clear();
    }
    Ok(())
}
