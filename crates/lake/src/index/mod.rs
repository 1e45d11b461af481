//! The index of observables beside a segment: which rows show which value.
//!
//! Format 1, all numbers little-endian. Varints are LEB128 of at most 64 bits. A *frame* is a body and the CRC-32 of it.
//!
//! ```text
//! magic "YAGURAIX" · version u32
//! lists of rows and blocks of keys, as frames, as they come
//! directories, as frames
//! root, a frame
//! filter: blocks of 60 bytes of bits and their CRC-32
//! footer: root offset u64 · root bytes u32 · filter offset u64 · filter blocks u32 · keys u64 · rows u32 · version u32 ·
//!         CRC-32 of the footer so far u32 · magic "YAGURAIX"
//! ```
//!
//! A block holds keys in rising order, each as `shared varint · rest varint · the rest`: it begins with as many bytes of the key
//! before it as `shared` says. A count of rows follows; up to sixteen rows stand behind it as varints, the first as it is and
//! the others as what they are more than the one before; more stand in a list of their own, of which `offset varint · bytes
//! varint` is told. A directory holds the first key of each block in the same form, with the block's offset and bytes behind
//! it, and the root that of each directory.
//!
//! The filter knows each key, and the networks and names above each ([`key`](crate::key)). Its "no" is certain.

mod filter;
mod merge;
mod read;
mod write;

pub(crate) use merge::{DROPPED, merge};
pub(crate) use read::Index;
pub(crate) use write::IndexWriter;

#[cfg(test)]
use crate::error::FileError;
use crate::key::Range;

const MAGIC: &[u8; 8] = b"YAGURAIX";
const VERSION: u32 = 1;
const FOOTER_BYTES: usize = 8 + 4 + 8 + 4 + 8 + 4 + 4 + 4 + 8;

/// Blocks and directories are closed when they have grown to this.
const BLOCK_BYTES: usize = 4096;

/// More rows than these stand in a list of their own.
const ROWS_INLINE_MAX: usize = 16;

/// No segment has more rows.
pub(crate) const ROWS_MAX: u32 = 1 << 23;

/// No frame is longer. A list of all rows of the largest segment is of 8 MiB.
const FRAME_BYTES_MAX: usize = 16 << 20;

/// Reads bytes as an index and asks it for everything and for a range: for fuzzing, since strangers' files may be torn.
#[doc(hidden)]
pub fn fuzz_index(bytes: &[u8]) {
    let Ok(index) = Index::open(bytes) else { return };
    let all = Range { first: Vec::new(), last: vec![u8::MAX; 255], mark: None };
    let _ = index.rows(std::slice::from_ref(&all));
    let one = Range { first: vec![3, b'c'], last: vec![3, b'd'], mark: Some(7) };
    let _ = index.rows(&[one]);
    let Ok(mut keys) = index.keys() else { return };
    while let Ok(Some(_)) = keys.next() {}
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    type Content = BTreeMap<Vec<u8>, BTreeSet<u32>>;

    const ROWS: u32 = 3000;

    fn written(content: &Content) -> Vec<u8> {
        let mut writer = IndexWriter::new(Vec::new(), ROWS).unwrap();
        for (key, rows) in content {
            writer.push(key, &rows.iter().copied().collect::<Vec<_>>()).unwrap();
        }
        writer.finish().unwrap().0
    }

    fn read(bytes: &[u8]) -> Result<Content, FileError> {
        let index = Index::open(bytes)?;
        let mut keys = index.keys()?;
        let mut content = Content::new();
        while let Some((key, rows)) = keys.next()? {
            content.insert(key.to_vec(), rows.iter().copied().collect());
        }
        Ok(content)
    }

    /// Written by another program, from the form that stands at the top of this file.
    #[test]
    fn the_form_is_as_described() {
        let bytes = include_bytes!("../../../../fuzz/seeds/lake_index/few");
        let expected = Content::from([
            (b"\x01\xcb\x00\x71\x09".to_vec(), BTreeSet::from([3])),
            (b"\x03example.evil".to_vec(), BTreeSet::from([0, 2])),
            (b"\x03example.evil.www".to_vec(), (0..20).collect()),
        ]);
        assert_eq!(read(bytes).unwrap(), expected);
    }

    fn content() -> impl Strategy<Value = Content> {
        let key = prop_oneof![
            prop::collection::vec(0_u8..3, 4).prop_map(|octets| [vec![1], octets].concat()),
            "[ab]{1,3}(\\.[ab]{1,3}){0,3}".prop_map(|name| [vec![3], name.into_bytes()].concat()),
            prop::collection::vec(any::<u8>(), 8).prop_map(|digest| [vec![8], digest].concat()),
        ];
        let few = prop::collection::btree_set(0..ROWS, 1..5);
        let many = prop::collection::btree_set(0..ROWS, 30..60);
        prop::collection::btree_map(key, prop_oneof![9 => few, 1 => many], 0..600)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read(content in content()) {
            prop_assert_eq!(read(&written(&content)).unwrap(), content);
        }

        #[test]
        fn ranges_name_the_rows_of_their_keys(content in content(), mut ends in prop::collection::vec("[\u{1}-\u{3}][ab.]{0,4}", 0..12)) {
            ends.sort();
            let ranges: Vec<Range> = ends
                .chunks_exact(2)
                .map(|pair| Range { first: pair[0].clone().into(), last: pair[1].clone().into(), mark: None })
                .collect();
            let bytes = written(&content);
            let found = Index::open(bytes.as_slice()).unwrap().rows(&ranges).unwrap();
            let asked = content.iter().filter(|(key, _)| ranges.iter().any(|r| r.first <= **key && **key <= r.last));
            let expected: BTreeSet<u32> = asked.flat_map(|(_, rows)| rows).copied().collect();
            prop_assert_eq!(found.rows.iter().copied().collect::<BTreeSet<_>>(), expected);
        }

        #[test]
        fn merging_is_the_sum(one in content(), other in content(), dropped in prop::collection::btree_set(0..ROWS, 0..100)) {
            let bytes = [written(&one), written(&other)];
            let indexes: Vec<_> = bytes.iter().map(|bytes| Index::open(bytes.as_slice()).unwrap()).collect();
            // The rows of the second come before those of the first; some are not taken over.
            let moved: [Vec<u32>; 2] = [
                (0..ROWS).map(|row| if dropped.contains(&row) { DROPPED } else { row + ROWS }).collect(),
                (0..ROWS).collect(),
            ];
            let mut writer = IndexWriter::new(Vec::new(), ROWS * 2).unwrap();
            merge(&indexes, &moved, &mut writer).unwrap();
            let mut expected = other;
            for (key, rows) in one {
                let kept: Vec<u32> = rows.iter().filter(|row| !dropped.contains(row)).map(|row| row + ROWS).collect();
                if !kept.is_empty() {
                    expected.entry(key).or_default().extend(kept);
                }
            }
            prop_assert_eq!(read(&writer.finish().unwrap().0).unwrap(), expected);
        }

        /// A byte that changed is an error or changes nothing that is read (the filter's padding); never another answer.
        #[test]
        fn damage_is_noticed(content in content(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
            let mut bytes = written(&content);
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(read) = read(&bytes) {
                prop_assert_eq!(read, content);
            }
            fuzz_index(&bytes);
        }

        #[test]
        fn torn_files_are_errors(content in content(), keep in any::<prop::sample::Index>()) {
            let bytes = written(&content);
            let keep = keep.index(bytes.len());
            prop_assert!(read(&bytes[..keep]).is_err());
            fuzz_index(&bytes[..keep]);
        }

        #[test]
        fn noise_is_no_index(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            fuzz_index(&noise);
        }
    }
}
